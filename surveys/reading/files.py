"""From a file to its tables: what it is, whether it is safe, what it says."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from surveys.errors import ReadingError
from surveys.reading import encoding, guard, guard_ods, guard_zip, kinds, process
from surveys.reading.limits import Limits
from surveys.reading.table import RawTable

UPLOAD = Limits()
GUARDS = {"xlsx": guard.guard, "xls": guard.guard_old, "ods": guard_ods.guard}


def read(path: Path, *, limits: Limits = UPLOAD, sheet: str | None = None) -> RawTable:
    """Read one table from a CSV (or an archive of CSVs), a workbook (XLSX, XLS, ODS) or a Parquet file.

    Parameters
    ----------
    path : Path
        The file; what it is, its bytes say.
    limits : Limits
        What it may ask for.
    sheet : str, optional
        Sheet of a workbook, by default the first that shows and holds data; table of an archive, by default the main
        one: that of the form, not of a repeat in it. ``details["other_sheets"]`` names the rest.

    Returns
    -------
    RawTable
        All cells as text. The header is the first line or row that is not blank; blank rows are left out but counted,
        so that ``lines`` are the numbers a spreadsheet shows (in a CSV: records, however many text lines one takes).
        In workbooks whole numbers lose their ".0", days and times are ISO 8601, and cells in error ("#N/A") are blank;
        Parquet is put into words alike, and its rows are counted as if a header stood above them.

    Raises
    ------
    ReadingError
        One sentence: what is wrong, where, what to do.
    """
    with _opened(path) as stream:
        return _tables(stream, name=path.name, limits=limits, sheet=sheet)[0]


def read_bytes(data: bytes, name: str, *, limits: Limits = UPLOAD, sheet: str | None = None) -> RawTable:
    """Read one table from bytes in memory, as `read` does; nothing is written to disk."""
    return _tables(io.BytesIO(data), name=name, limits=limits, sheet=sheet)[0]


def sheets(path: Path, *, limits: Limits = UPLOAD) -> dict[str, RawTable]:
    """Every sheet of a workbook and every table of an archive that holds data, by name; other files are one, named "".

    Raises
    ------
    ReadingError
        As `read` does.
    """
    with _opened(path) as stream:
        return {table.sheet: table for table in _tables(stream, name=path.name, limits=limits, every=True)}


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise ReadingError(
            f"{path.name} cannot be opened ({error.strerror}); check that the file is there and may be read."
        ) from None
    with stream:
        yield stream


def _tables(
    stream: BinaryIO, *, name: str, limits: Limits, sheet: str | None = None, every: bool = False
) -> list[RawTable]:
    _check_size(stream, name=name, limits=limits)
    stream.seek(0)
    form = kinds.kind(stream.read(kinds.START), name=name)
    if form == "xlsx":
        form = kinds.archive(stream, name=name)
    if sheet is not None and form in ("csv", "parquet"):
        raise ReadingError(f"{name} is one table and has no sheets; leave the sheet {sheet!r} out.")
    if form == "csv":
        return _text(stream, name=name, limits=limits)
    parts: list[dict[str, str]] = []
    if form == "zip":
        parts = guard_zip.guard(stream, name=name, limits=limits)
    elif form in GUARDS:
        GUARDS[form](stream, name=name, limits=limits)
    return process.parse(stream, name=name, form=form, parts=parts, limits=limits, sheet=sheet, every=every)


def _check_size(stream: BinaryIO, *, name: str, limits: Limits) -> None:
    size = stream.seek(0, io.SEEK_END)
    if size == 0:
        raise ReadingError(f"{name} is empty (0 bytes); export it again.")
    if size > limits.bytes:
        raise ReadingError(
            f"{name} has {size:,} bytes where at most {limits.bytes:,} are read; export it in smaller parts."
        )


def _text(stream: BinaryIO, *, name: str, limits: Limits) -> list[RawTable]:
    found = encoding.detect(stream, name=name)
    tables = process.parse(stream, name=name, form="csv", encoding=found.name, limits=limits)
    known = {"encoding": found.name, "byte_order_mark": "yes" if found.marked else "no"}
    return [replace(table, details={**known, **table.details}) for table in tables]
