"""What is set up on this machine and what is missing."""

import importlib.metadata
import shutil
import sys
from collections.abc import Iterator

from app import settings
from app.workflow.storage import file_of, open_settings
from surveys.errors import SurveyError

Finding = tuple[str, bool, str]
PACKAGES = (
    "streamlit", "pandas", "numpy", "scipy", "statsmodels", "narwhals", "altair", "sqlalchemy", "alembic", "typer",
    "rich", "python-calamine", "pyxform", "cryptography",
)  # fmt: skip


def examine(chosen: settings.Settings) -> Iterator[Finding]:
    """Name, whether it is well, and what to do or what was found."""
    yield "Python", sys.version_info >= (3, 11), sys.version.split()[0]
    for package in PACKAGES:
        yield _package(package)
    yield "instruments", settings.INSTRUMENTS.is_dir(), str(settings.INSTRUMENTS)
    yield _store(chosen)
    key = "raw uploads are kept, encrypted" if chosen.vault_key else "raw uploads are hashed and forgotten"
    yield "vault", True, key
    audit = (
        "key kept elsewhere" if chosen.audit_key else "key kept in the store: set SARHAD_AUDIT_KEY to keep it elsewhere"
    )
    yield "log", True, audit
    yield "bundles", True, "can be signed" if chosen.signing_key else "no signing key (`sarhad release key` makes one)"
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    yield "browser for tests", True, browser or "none (optional): browser tests skip without one"


def _package(name: str) -> Finding:
    try:
        return f"package {name}", True, importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"package {name}", False, "run `make run`: it installs what is locked"


def _store(chosen: settings.Settings) -> Finding:
    path = file_of(chosen)
    if path is not None and not path.exists():
        return "store", True, f"no store yet; {path} is made at the first use, `sarhad demo` fills it"
    try:
        store = open_settings(chosen)
    except SurveyError as error:
        return "store", False, str(error)
    found = ", ".join(row.id for row in store.surveys()) or "empty; `sarhad demo` fills it with invented answers"
    store.close()
    return "store", True, found
