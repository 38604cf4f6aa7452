"""The store that the settings name, opened."""

from pathlib import Path

from app.settings import Settings
from surveys.store import Store, open_store

__all__ = ["Store", "file_of", "open_settings"]

SQLITE_FILE = "sqlite:///"


def open_settings(chosen: Settings) -> Store:
    """Open the store and bring it up to date; the folder of an SQLite file is made where it is missing."""
    path = file_of(chosen)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    return open_store(chosen.database, salt=chosen.salt)


def file_of(chosen: Settings) -> Path | None:
    """The file of an SQLite store, None where it is none."""
    is_file = chosen.database.startswith(SQLITE_FILE)
    return Path(chosen.database.removeprefix(SQLITE_FILE)) if is_file else None
