"""The whole store in one file, and back again, whatever database holds it."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, bindparam, create_engine, delete, func, insert, select, update

from surveys.errors import StoreError
from surveys.store import chaining
from surveys.store.bulk import CHUNK, chunks, insert_rows
from surveys.store.database import alembic_config, make_engine, reading, revision, trouble, upgrade, writing
from surveys.store.rows import Fault
from surveys.store.schema import batch, event, metadata, secret, submission, survey
from surveys.store.verifying import verify


def backup(engine: Engine, target: Path) -> None:
    """Write the store, as it is at one moment, into a new SQLite file that its owner alone may read.

    The file appears under its name when it is whole and on the disk, and never in place of another.

    Raises
    ------
    StoreError
        If there is a file of that name, or it cannot be written.
    """
    _refuse_present(target)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if engine.dialect.name == "sqlite":
            _copy_file(engine, temporary)
        else:
            _copy_out(engine, temporary)
        _keep(temporary, target)
    except OSError as error:
        raise StoreError(f"the backup cannot be written to {target}: {error.strerror}") from error
    finally:
        for left in (temporary, *(temporary.with_name(temporary.name + end) for end in ("-wal", "-shm", "-journal"))):
            with suppress(OSError):  # a disk that cannot be written says so above
                left.unlink(missing_ok=True)


def restore(source: Path, url: str, *, salt: str = "", audit_key: str = "") -> tuple[Fault, ...]:
    """Fill an empty or absent store from a backup; gives what does not verify in it.

    `salt` and `audit_key` are those of the store that was backed up, where they were given to it.

    Raises
    ------
    StoreError
        If the backup is none, the store holds anything already, or the salt or audit key is another one.
    """
    with _opened(source) as origin:
        chaining.find(origin, salt=salt, audit_key=audit_key)
        engine = make_engine(url)
        try:
            upgrade(engine)
            with writing(engine) as connection, reading(origin) as copied:
                _refuse_filled(connection)
                _copy_tables(copied, connection)
                _advance(connection)
            keys = chaining.find(engine, salt=salt, audit_key=audit_key)
            with reading(engine) as connection:
                return verify(connection, keys.audit)
        finally:
            engine.dispose()


def _refuse_present(target: Path) -> None:
    if os.path.lexists(target):  # a link to nowhere counts
        raise StoreError(f"there is a file {target} already, and it is left alone; name another one")


def _copy_file(engine: Engine, temporary: Path) -> None:
    with trouble("backed up"), closing(sqlite3.connect(temporary)) as copy:
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, that a reader need not write beside


def _copy_out(engine: Engine, temporary: Path) -> None:
    own = make_engine(f"sqlite:///{temporary}")
    try:
        upgrade(own)
        with reading(engine) as connection, writing(own) as copy:
            _copy_tables(connection, copy)
    finally:
        own.dispose()
    with trouble("backed up"), closing(sqlite3.connect(temporary)) as copied:
        copied.execute("PRAGMA journal_mode = DELETE")


def _keep(temporary: Path, target: Path) -> None:
    _sync(temporary)
    try:
        os.link(temporary, target)  # refuses where a file has come in between
    except FileExistsError:
        _refuse_present(target)
    except OSError:  # a disk without hard links, such as a memory stick
        _refuse_present(target)
        temporary.rename(target)
    if os.name == "posix":
        _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _opened(source: Path) -> Iterator[Engine]:
    """Open a backup to be read; it is never written to."""
    if not source.is_file():
        raise StoreError(f"there is no backup {source}; name a file that `sarhad backup` has written")
    address = f"{source.resolve().as_uri()}?mode=ro"
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), hide_parameters=True)
    script = ScriptDirectory.from_config(alembic_config())
    try:
        with trouble("read from the backup"), engine.connect() as connection:
            found = revision(connection, script)
        if found != script.get_current_head():
            raise StoreError(
                f"the backup {source.name} is of an earlier version of this program; copy it, open the copy as a store "
                "once, which brings it up to date, and restore that"
            )
        yield engine
    finally:
        engine.dispose()


def _refuse_filled(connection: Connection) -> None:
    for table in (survey, event):
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            raise StoreError("the store to be filled holds surveys or a log already; a backup goes into an empty one")
    connection.execute(delete(secret))


def _copy_tables(source: Connection, target: Connection) -> None:
    for table in metadata.sorted_tables:
        if table is submission:
            _copy_submissions(source, target)
        else:
            _copy_table(source, target, table)


def _copy_submissions(source: Connection, target: Connection) -> None:
    """Many rows of plain values, of which most slots are empty in every row: only filled columns travel."""
    columns = submission.columns
    filled = source.execute(select(*(func.count(column) for column in columns))).one()
    kept = [column for column, count in zip(columns, filled, strict=True) if count or not column.nullable]
    chosen = select(*kept).order_by(submission.c.id).execution_options(yield_per=CHUNK)
    rows = (tuple(row) for row in source.execute(chosen))
    insert_rows(target, submission, [column.name for column in kept], rows)


def _copy_table(source: Connection, target: Connection, table: Table) -> None:
    """Row by row; files that point to later ones are joined when all are there."""
    chosen = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=100)
    marks = []
    for part in chunks(source.execute(chosen).mappings(), 100):
        rows = [dict(row) for row in part]
        if table is batch:
            marks += [{"number": row["id"], "by": row["superseded_by"]} for row in rows if row["superseded_by"]]
            rows = [{**row, "superseded_by": None} for row in rows]
        target.execute(insert(table), rows)
    if marks:
        mark = update(batch).where(batch.c.id == bindparam("number")).values(superseded_by=bindparam("by"))
        target.execute(mark, marks)


def _advance(connection: Connection) -> None:
    """Let PostgreSQL count on from the ids that were copied."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        if table.autoincrement_column is not None:
            sequence = func.pg_get_serial_sequence(table.name, "id")
            highest = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(sequence, highest, False)))
