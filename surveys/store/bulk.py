"""Many rows into a table, by the fastest road that each database has."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Table, insert
from sqlalchemy.exc import DBAPIError

#: Rows that go to the database in one call: bounds the memory, not the transaction.
CHUNK: Final = 5_000

Value = TypeVar("Value")


def insert_rows(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    """Insert rows of plain values, which the driver takes as they are, in the columns `names` in the table's order.

    Plain tuples take a fifth of the time that Core takes for wide rows; PostgreSQL's COPY a fifteenth.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, table, names, rows)
        return
    text = str(insert(table).compile(dialect=connection.dialect, column_keys=list(names)))
    for chunk in chunks(rows, CHUNK):
        connection.exec_driver_sql(text, chunk)


def chunks(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """Divide values into lists of at most `size`."""
    left = iter(values)
    while chunk := list(islice(left, size)):
        yield chunk


def _copy(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    quote = connection.dialect.identifier_preparer.quote
    text = f"COPY {quote(table.name)} ({', '.join(map(quote, names))}) FROM STDIN"
    cursor: Any = connection.connection.cursor()
    driver: Any = connection.dialect.loaded_dbapi
    try:
        with cursor, cursor.copy(text) as copy:
            for row in rows:
                copy.write_row(row)
    except driver.Error as error:  # past SQLAlchemy, so it is wrapped as SQLAlchemy would, without parameters
        raise DBAPIError.instance(text, None, error, driver.Error, hide_parameters=True) from error
