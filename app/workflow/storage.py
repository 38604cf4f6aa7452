"""The store that the settings name, opened."""

from pathlib import Path

from app.settings import Settings
from surveys.store import Store, open_store

__all__ = ["Store", "is_empty", "open_settings"]

SQLITE_FILE = "sqlite:///"


def open_settings(chosen: Settings) -> Store:
    """Open the store and bring it up to date; the folder of an SQLite file is made where it is missing."""
    if chosen.database.startswith(SQLITE_FILE):
        Path(chosen.database.removeprefix(SQLITE_FILE)).parent.mkdir(parents=True, exist_ok=True)
    return open_store(chosen.database, salt=chosen.salt)


def is_empty(store: Store) -> bool:
    """Whether no survey is stored yet."""
    return not store.surveys()
