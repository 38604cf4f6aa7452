"""What is costly is made once for all processes of a test run: the first to need it makes it, the others wait."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

PATIENCE = 600.0  # seconds


def common(factory: pytest.TempPathFactory) -> Path:
    """The temporary folder that all processes of this run share."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Let one process in at a time. SQLite keeps the lock: on every system, and never longer than its process lives."""
    with closing(sqlite3.connect(folder / f"{name}.lock", timeout=PATIENCE, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A file of this run that `make` writes whole before it has its name: read it, never change it."""
    return made_in(common(factory), name, make)


def made_in(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """The same in a folder that is known."""
    path = folder / name
    with alone(folder, name):
        if not path.exists():
            begun = folder / f"begun-{name}"
            begun.unlink(missing_ok=True)
            make(begun)
            begun.rename(path)
    return path
