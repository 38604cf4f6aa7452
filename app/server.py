"""The ASGI entry of the pages: security headers, readiness, errors under a reference number, loopback only.

`serve` belongs in a process of its own: `python -m app.server [ADDRESS [PORT]]`, which is what `sarhad serve` starts.
"""

import ipaddress
import json
import logging
import os
import secrets
import sys
import traceback

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import settings
from app.workflow import storage
from surveys.errors import SurveyError

SCRIPT = settings.ROOT / "streamlit_app.py"
LOG = logging.getLogger("sarhad")

#: Everything from this server. Styles are inline because Streamlit writes them so; WebAssembly reads its tables.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws: wss:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SecurityHeaders:
    """Puts the same headers on every answer; plain ASGI, so that websockets and streams pass untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the headers when the answer starts."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class LightAssets:
    """Compresses scripts and styles of the front end, which Streamlit sends as they are: links to a border are thin."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.compressed = GZipMiddleware(app, minimum_size=1024, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Compress what lies under /static/, and pass on everything else."""
        light = scope["type"] == "http" and scope["path"].startswith("/static/")
        await (self.compressed if light else self.app)(scope, receive, send)


def ready(_: Request) -> Response:
    """Whether the store opens: 200, or 503 while it does not."""
    try:
        storage.open_shelf(settings.from_environment()).surveys()
    except SurveyError:
        return JSONResponse({"status": "no store"}, status_code=503)
    return JSONResponse({"status": "ready"})


def report(error: Exception) -> bool:
    """Log an unexpected error whole, as one line of JSON, and show its reference number instead of a traceback."""
    reference = secrets.token_hex(4)
    trace = traceback.format_exception(error)
    LOG.error(json.dumps({"reference": reference, "error": type(error).__name__, "trace": "".join(trace)}))
    st.error(
        f"Something went wrong on our side, and nothing was stored. Load the page again; if it happens once more, "
        f"tell the people who run this site the reference **{reference}**.",
        icon=":material/report:",
    )
    return True


def create() -> st.App:
    """Build the application around the one script."""
    return st.App(
        SCRIPT,
        routes=[Route("/readyz", ready)],
        middleware=[Middleware(SecurityHeaders), Middleware(LightAssets)],
        on_script_error=report,
    )


def refuse_beyond_loopback(address: str) -> None:
    """Exit where the pages would be reached from another machine: there is no sign-in yet."""
    try:
        fine = address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        fine = False
    if not fine:
        sys.exit(f"{address} is not this machine alone: the pages are served on loopback until sign-in is configured")


def serve(address: str, port: int) -> None:
    """Serve the pages until the process is ended."""
    refuse_beyond_loopback(address)
    os.chdir(settings.ROOT)  # where .streamlit/config.toml is looked for
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    create().run(
        config={
            "server.address": address,
            "server.port": port,
            "server.maxUploadSize": settings.from_environment().upload_megabytes,
        }
    )


def main(words: list[str]) -> None:
    """Read address and port from the command line; without them, from the settings."""
    chosen = settings.from_environment()
    serve(words[0] if words else chosen.address, int(words[1]) if words[1:] else chosen.port)


if __name__ == "__main__":
    main(sys.argv[1:])
