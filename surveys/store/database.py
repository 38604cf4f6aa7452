"""The database itself: one engine a process, transactions that fail whole, and the schema brought up to date."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from surveys.errors import StoreError

MIGRATIONS: Final = Path(__file__).parent / "migrations"

#: How long a writer waits for another one, in seconds.
PATIENCE: Final = 30.0

# Alembic keeps its context in a module, so two threads that open a store at once must take turns.
_ALEMBIC = threading.Lock()


def make_engine(url: str) -> Engine:
    """An engine on an SQLite file, made (readable by its owner alone) where it is not there yet.

    Writers ask for `BEGIN IMMEDIATE` by the execution option `write=True`: a transaction that reads first and
    writes later fails at once, whatever the patience, when another one has written between.
    """
    location = _location(url)
    _touch(Path(str(location.database)))
    # hide_parameters: an error message must never repeat a respondent's answers
    engine = create_engine(location, hide_parameters=True)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest revision, in one transaction; refuse a revision from a newer program."""
    with _ALEMBIC, trouble("opened"):
        _write_ahead(engine)
        config = alembic_config()
        script = ScriptDirectory.from_config(config)
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        if found == script.get_current_head():
            return
        if found is not None and found not in {revision.revision for revision in script.walk_revisions()}:
            raise StoreError(
                f"the store was written by a newer version of this program (revision {found!r} is not known here); "
                "install that version, or open another store"
            )
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def alembic_config() -> Config:
    """What Alembic needs to know, without a file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent look at the store."""
    with trouble("read"), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One change: whole or not at all."""
    with trouble("written"), engine.connect().execution_options(write=True) as connection, connection.begin():
        yield connection


@contextmanager
def trouble(deed: str) -> Iterator[None]:
    """Put into a sentence what the database says; its own words never hold an answer (parameters are hidden)."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        raise StoreError(
            f"the store could not be {deed}, and nothing was changed: {getattr(error, 'orig', error)}; "
            "see that the file is a store, that the disk has room and that no other program holds it, then try again"
        ) from error


def checkpoint(engine: Engine) -> None:
    """Bring what was written ahead into the file and empty the log, where an erased value may still lie."""
    connection = engine.raw_connection()  # outside of any transaction, which would hold the log
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _location(url: str) -> URL:
    try:
        location = make_url(url)
    except ArgumentError as error:
        raise StoreError("the address of the store is not a database URL, such as sqlite:///var/sarhad.db") from error
    if location.get_backend_name() != "sqlite" or location.database in {None, "", ":memory:"}:
        raise StoreError(
            f"the store is an SQLite file for now, such as sqlite:///var/sarhad.db, "
            f"not {location.render_as_string(hide_password=True)!r}"
        )
    return location


def _touch(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"the store cannot be opened at {path}: {error.strerror}") from error


def _on_connect(dbapi: Any, record: object) -> None:  # noqa: ANN401 -- the driver's own connection, untyped in SQLAlchemy
    del record
    dbapi.isolation_level = None  # transactions are begun by _on_begin, never by the driver
    cursor = dbapi.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}")
    cursor.execute("PRAGMA synchronous = FULL")  # a committed upload survives the power
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten
    cursor.close()


def _on_begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _write_ahead(engine: Engine) -> None:
    """Readers beside one writer. The switch is kept in the file, and SQLite does not wait for the lock it needs."""
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
        else:
            return
        finally:
            connection.close()
        time.sleep(0.02)
