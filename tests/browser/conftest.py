"""A real server over a store with the demo survey, and a real browser that keeps what it met on the way."""

import base64
import hashlib
import http
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import streamlit
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.filled import copied, demo_file

__all__ = ["demo_file"]

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "var" / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]  # the first: root may not run it otherwise
START_SECONDS = 180
expect.set_options(timeout=30_000)  # as long as it may take beside other tests
#: What the front end asks on deep links to find its base path: answered by 404, which it expects.
PROBES = ("/_stcore/health", "/_stcore/host-config")


def inline_script() -> str:
    """Hash of the one inline script of Streamlit's page, which our policy blocks and the page does without."""
    index = Path(streamlit.__file__).parent / "static" / "index.html"
    scripts = re.findall(r"<script>(.*?)</script>", index.read_text(encoding="utf-8"), re.DOTALL)
    assert len(scripts) == 1
    return "sha256-" + base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()


@dataclass
class Visit:
    """A page of the browser with what it asked for and complained of."""

    page: Page
    base: str
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    size: int = 0

    def listen(self) -> None:
        """Keep every request to another host, every error of the console, and the bytes that came."""
        self.page.on("request", self._asked)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfinished", self._came)

    def open(self, path: str) -> None:
        """Go to a page and wait until it stands still."""
        self.page.goto(f"{self.base}/{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until the script has run and late parts (charts, tables) are there."""
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-script-state", "notRunning")
        expect(self.page.get_by_test_id("stSkeleton")).to_have_count(0)
        self.page.wait_for_timeout(800)

    def shoot(self, name: str) -> None:
        """Keep a picture of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        wide, high = (self.page.viewport_size or {}).values()
        tall = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        self.page.set_viewport_size({"width": wide, "height": max(tall, high)})
        self.page.wait_for_timeout(400)
        self.page.screenshot(path=SCREENSHOTS / f"{name}_{wide}x{high}.png")
        self.page.set_viewport_size({"width": wide, "height": high})

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.base, self.base.replace("http", "ws"), "data:", "blob:")):
            self.foreign.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        probe = str(message.location.get("url", "")).endswith(PROBES) and "404" in message.text
        if message.type == "error" and not probe and inline_script() not in message.text:
            self.errors.append(f"{message.text} {message.location}")

    def _came(self, request: Request) -> None:
        self.size += max(request.sizes()["responseBodySize"], 0)


@pytest.fixture(scope="session")
def server(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the product, served as `sarhad serve` does, over a store of its own."""
    folder = tmp_path_factory.mktemp("served")
    url = copied(demo_file, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "app.server", "127.0.0.1", str(port)]
    with (folder / "server.log").open("w") as log:
        child = subprocess.Popen(
            command, cwd=folder, env=os.environ | {"SARHAD_DATABASE_URL": url, "PYTHONPATH": str(ROOT)},
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait_for(f"{base}/readyz")
            yield base
        finally:
            child.terminate()
            child.wait(timeout=20)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own server
            return bool(answer.status == http.HTTPStatus.OK)
    except (urllib.error.URLError, ConnectionError):
        return False


def wait_for(url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while not answers(url):
        assert time.monotonic() < end, f"the server did not answer at {url}"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium of this machine; without one the tests skip, saying so, unless nothing may be skipped."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        reason = "no Chromium on this machine: apt-get install chromium"
        if os.environ.get("SARHAD_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["desk", "hand"])
def visit(request: pytest.FixtureRequest, browser: Browser, server: str) -> Iterator[Visit]:
    """A fresh visitor at a desk, and one with a telephone."""
    wide, high = request.param
    context = browser.new_context(viewport={"width": wide, "height": high})
    found = Visit(context.new_page(), server)
    found.listen()
    yield found
    context.close()


@pytest.fixture
def desk(browser: Browser, server: str) -> Iterator[Visit]:
    """A fresh visitor at a desk."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    found = Visit(context.new_page(), server)
    found.listen()
    yield found
    context.close()
