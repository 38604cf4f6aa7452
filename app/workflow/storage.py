"""The store that the settings name, opened."""

from pathlib import Path

from app.settings import Settings
from app.workflow.shelf import BundleShelf, Shelf, StoreShelf
from surveys.store import Fault, Store, open_store, restore

__all__ = ["Shelf", "Store", "file_of", "open_settings", "open_shelf", "restore_settings"]

SQLITE_FILE = "sqlite:///"


def open_settings(chosen: Settings) -> Store:
    """Open the store and bring it up to date; the folder of an SQLite file is made where it is missing."""
    path = file_of(chosen)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    return open_store(chosen.database, salt=chosen.salt, audit_key=chosen.audit_key)


def open_shelf(chosen: Settings) -> Shelf:
    """Where releases are read: the bundle that the settings name, or else their store."""
    if chosen.bundle:
        return BundleShelf.open(Path(chosen.bundle), trusted=chosen.trusted or None)
    return StoreShelf(open_settings(chosen))


def restore_settings(source: Path, chosen: Settings) -> tuple[Fault, ...]:
    """Fill the empty store that the settings name from a backup; gives what does not verify."""
    path = file_of(chosen)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    return restore(source, chosen.database, salt=chosen.salt, audit_key=chosen.audit_key)


def file_of(chosen: Settings) -> Path | None:
    """The file of an SQLite store, None where it is none."""
    is_file = chosen.database.startswith(SQLITE_FILE)
    return Path(chosen.database.removeprefix(SQLITE_FILE)) if is_file else None
