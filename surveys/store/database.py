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
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from surveys.errors import StoreError, StoreTroubleError

MIGRATIONS: Final = Path(__file__).parent / "migrations"

#: How long a writer waits for others, in seconds: eight large files in a row.
PATIENCE: Final = 120.0

#: The lock that writers of one PostgreSQL database take in turn: an arbitrary number, ours alone.
TURN: Final = 5_417_380_286

# Alembic keeps its context in a module, so two threads that open a store at once must take turns.
_ALEMBIC = threading.Lock()

# How SQLSTATE begins where the server's own words may repeat a value, and what is said instead.
_WITHOUT_VALUES: Final = {
    "22": "a value does not fit its column",
    "23": "a rule of the tables would be broken",
}


def make_engine(url: str) -> Engine:
    """An engine on an SQLite file, made (readable by its owner alone) where it is not there yet, or on PostgreSQL.

    A file that nobody may write here, such as one on a read-only disk, is opened to be read.

    Writers ask by the execution option `write=True` for their turn: `BEGIN IMMEDIATE`, or an advisory lock. On SQLite
    a transaction that reads first and writes later fails at once, whatever the patience, when another one has written
    between; on both the log must never fork.
    """
    location = _location(url)
    # hide_parameters: an error message must never repeat a respondent's answers
    if location.get_backend_name() == "postgresql":
        engine = _postgres(location)
    else:
        engine = create_engine(_of_file(location), hide_parameters=True)
        event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest revision, in one transaction.

    Raises
    ------
    StoreError
        If the revision is of a newer program, or the database holds the tables of another one.
    """
    with _ALEMBIC, trouble("opened"):
        config = alembic_config()
        script = ScriptDirectory.from_config(config)
        with engine.connect() as connection, connection.begin():
            newest = revision(connection, script) == script.get_current_head()
        if engine.dialect.name == "sqlite":
            _write_ahead(engine)
        if newest:
            return
        with _migrating(engine) as connection:
            revision(connection, script)  # again: another process may have been here before our turn
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def revision(connection: Connection, script: ScriptDirectory) -> str | None:
    """Read the revision of the schema, None for an empty database; refuses one that is not ours."""
    tables = {*inspect(connection).get_table_names()} - {"alembic_version"}
    try:
        found = MigrationContext.configure(connection).get_current_revision()
    except CommandError:  # branches, which this program never has
        found = "another program's"
    if found is not None and found not in {known.revision for known in script.walk_revisions()}:
        raise StoreError(
            f"the store was written by a newer version of this program (revision {found!r} is not known here); "
            "install that version, or open another store"
        )
    if (found is None) != (not tables) or (tables and "submission" not in tables):
        raise StoreError(
            "the database is not empty and holds no store of this program, and is left alone; name an empty one"
        )
    return found


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
def trouble(deed: str, *, outcome: str = "nothing was changed") -> Iterator[None]:
    """Put into a sentence what the database says; never an answer (parameters are hidden, and so are details)."""
    try:
        yield
    except (DBAPIError, sqlite3.DatabaseError) as error:
        raise StoreTroubleError(
            f"the store could not be {deed}, and {outcome}: {_said(error)}; "
            "see that it is a store that you may write to, that its disk has room and that no other program holds it, "
            "then try again"
        ) from error


def scrub(engine: Engine, *tables: str) -> None:
    """Leave nothing of what was erased: in SQLite's log of writes ahead, in dead rows of PostgreSQL.

    To be called after the transaction, as neither can be done within one.
    """
    with trouble(
        "cleaned", outcome="what was erased is gone, but traces of it may lie on the disk until the next time"
    ):
        if engine.dialect.name == "postgresql":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT", plain=True) as connection:
                connection.exec_driver_sql(f"VACUUM {', '.join(tables)}")
            return
        raw = engine.raw_connection()  # outside of any transaction, which would hold the log
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()


def _said(error: Exception) -> str:
    """Say in the driver's words what is wrong, but for those that repeat values."""
    cause = getattr(error, "orig", error)
    instead = _WITHOUT_VALUES.get(str(getattr(cause, "sqlstate", ""))[:2])
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    return instead or primary or str(cause).strip()


def _location(url: str) -> URL:
    try:
        location = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "the address of the store is not a database URL, such as sqlite:///var/sarhad.db or "
            "postgresql+psycopg://user@host/name"
        ) from error
    if location.drivername in {"postgresql", "postgresql+psycopg"}:
        return location.set(drivername="postgresql+psycopg")
    if location.get_backend_name() != "sqlite" or location.database in {None, "", ":memory:"}:
        raise StoreError(
            "the store is an SQLite file, such as sqlite:///var/sarhad.db, or a PostgreSQL database, such as "
            f"postgresql+psycopg://user@host/name, not {location.render_as_string(hide_password=True)!r}"
        )
    return location


def _postgres(location: URL) -> Engine:
    own = {"connect_timeout": 10, "application_name": "sarhad"}
    try:
        return create_engine(location, hide_parameters=True, pool_pre_ping=True, connect_args=own)
    except ModuleNotFoundError as error:
        raise StoreError(
            "a PostgreSQL store needs the package psycopg; install the program with its extra `postgres`"
        ) from error


def _of_file(location: URL) -> URL:
    """Where SQLite finds the file, which is made where it is missing; to be read alone where it cannot be written."""
    path = Path(str(location.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        is_writable = os.access(path.parent, os.W_OK)  # SQLite makes its log of writes ahead beside the file
    except OSError as error:
        if os.path.isdir(path) or not os.access(path, os.R_OK):  # noqa: PTH112 - Path.is_dir raises where it may not look
            raise StoreError(
                f"the store cannot be opened at {path}: {error.strerror}; see that the file and its folder are there "
                "and may be read and written by whoever runs this program"
            ) from error
        is_writable = False
    if is_writable:
        return location
    log = path.with_name(f"{path.name}-wal")
    is_whole = not log.exists() or log.stat().st_size == 0
    # without a log SQLite reads a file beside which it can make none only if it is told that nobody writes
    told = {"mode": "ro", "uri": "true", **({"immutable": "1"} if is_whole else {})}
    return location.set(database=path.resolve().as_uri(), query=told)


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
    options = connection.get_execution_options()
    write = options.get("write", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
    elif write:
        # committed reads, so that what is read after the turn came is what the one before has left
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(PATIENCE * 1000)}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TURN})")
    elif not options.get("plain", False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


@contextmanager
def _migrating(engine: Engine) -> Iterator[Connection]:
    """One change of the schema. SQLite copies a table to change it, which rows that point there would forbid."""
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect().execution_options(write=True) as connection:
        driver: Any = connection.connection.driver_connection
        if is_sqlite:
            driver.execute("PRAGMA foreign_keys = OFF")  # has no effect once a transaction has begun
        try:
            with connection.begin():
                yield connection
                if is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise StoreError("the store holds rows that point nowhere, and is left as it was; take a backup")
        finally:
            if is_sqlite:
                driver.execute("PRAGMA foreign_keys = ON")


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
