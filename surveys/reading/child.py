"""The process that parses: run by file path under ``python -I``, it imports calamine and csv and no package of ours.

Standard input is the file, the one argument is the order as JSON, standard output is a run of frames: a line of JSON
with ``kind`` and ``size``, then so many bytes. Kinds: ``table`` (what was found and the header), ``rows`` (CSV; first
the line number, then the cells), ``refused`` (a code and its numbers) and ``done``. Nothing is written to disk.

A row's line number is what a spreadsheet shows. In a CSV that is the count of records: a cell with line breaks in it
makes a record longer in a text editor, not in a spreadsheet.
"""

import contextlib
import csv
import datetime as dt
import io
import itertools
import json
import resource
import runpy
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum
from python_calamine import SheetVisibleEnum as Visible

DELIMITERS = (",", ";", "\t", "|")
UNUSUAL = (":", "^", "~", "\u060c", "\u061b", "\x1f", "\x01")
LOOKED_AT = 200
MOSTLY = 0.9
LONGEST_CELL = 1_000_000
FRAME = 1024**2
EXACT = 1e15
EXCEL_LINE = "sep="
#: Columns by which field tools tie a row of a repeat to the row it belongs to.
PARENTS = frozenset(("PARENT_KEY", "_parent_index", "_parent_table_name"))

Row = tuple[int, list[str]]
Table = tuple[dict[str, Any], Iterator[Row]]


class RefusalError(Exception):
    """A reason not to read on: a code, and the numbers and names that its sentence needs."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@contextlib.contextmanager
def damage() -> Iterator[None]:
    """Take what a library says of a damaged file as a reason not to read on."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, LookupError, NotImplementedError):
        raise RefusalError("damaged") from None


@contextlib.contextmanager
def _named(part: str) -> Iterator[None]:
    """Name the part of an archive in a refusal that comes out of it."""
    try:
        yield
    except RefusalError as refusal:
        if part:
            refusal.params.setdefault("part", part)
        raise


def confine(*, memory: int, seconds: float) -> None:
    """Take from this process what it does not need: memory, time, files, core dumps.

    The hard limit of time is a second later, so that the signal tells time from memory. A system may refuse a limit
    (macOS knows no address space limit); the parent watches memory and time as well.
    """
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value + (limit == resource.RLIMIT_CPU)))


# Text -----------------------------------------------------------------------------------------------------------------


def records(text: TextIO, delimiter: str) -> Iterator[Row]:
    """Numbered records of a CSV, blank ones left out (but counted)."""
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    for number in itertools.count(1):
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise RefusalError(_quote_code(str(error)), line=number) from None
        except UnicodeError:
            raise RefusalError("undecodable", line=number) from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield number, cells


def _quote_code(message: str) -> str:
    if "unexpected end" in message or "field larger" in message:
        return "unclosed"
    return "quoting"


def _sample(text: TextIO, position: int, delimiter: str) -> tuple[list[list[str]], bool]:
    """First records as a delimiter cuts them, up to the first fault, and whether there was none."""
    text.seek(position)
    rows = itertools.islice(records(text, delimiter), LOOKED_AT)
    seen: list[list[str]] = []
    while True:
        try:
            seen.append(next(rows)[1])
        except StopIteration:
            return seen, True
        except RefusalError:
            return seen, False


def _promise(text: TextIO, position: int, delimiter: str) -> tuple[bool, float, bool, int]:
    """How well a delimiter explains the first records: no fault, even width, no torn quotes, many columns."""
    seen, sound = _sample(text, position, delimiter)
    if not seen:
        return sound, 0.0, False, 0 if sound else 1
    width = len(seen[0])
    even = sum(len(cells) == width for cells in seen) / len(seen)
    alone = even * len(seen) == 1 < len(seen) and {len(cells) for cells in seen[1:]} != {width + 1}
    whole = all(cell.count('"') % 2 == 0 for cells in seen for cell in cells)
    return sound, even, whole, 1 if alone else width


def find_delimiter(text: TextIO, position: int) -> str:
    """Delimiter that explains the first records best; a comma when there is one column only."""
    promises = {delimiter: _promise(text, position, delimiter) for delimiter in DELIMITERS}
    if any(promise[3] == 0 for promise in promises.values()):
        raise RefusalError("blank")
    several = [delimiter for delimiter in DELIMITERS if promises[delimiter][3] > 1]
    if several:
        return max(several, key=promises.__getitem__)
    _refuse_hidden_columns(text, position)
    return ","


def _refuse_hidden_columns(text: TextIO, position: int) -> None:
    """One column whose every cell holds the same count of another separator is a table nobody has cut."""
    seen = [cells[0] for cells in _sample(text, position, ",")[0]]
    for delimiter in (*DELIMITERS, *UNUSUAL):
        count = seen[0].count(delimiter) if seen else 0
        if count and sum(cell.count(delimiter) == count for cell in seen) >= MOSTLY * len(seen):
            raise RefusalError("one_column", delimiter=delimiter, columns=count + 1, quoted=delimiter in DELIMITERS)


def _announced(text: TextIO) -> tuple[str | None, int]:
    """Delimiter that a first line ``sep=;`` declares to Excel, and where the table begins."""
    line = text.readline(len(EXCEL_LINE) + 3)
    stripped = line.rstrip("\r\n")
    if line != stripped and len(stripped) == len(EXCEL_LINE) + 1 and stripped.lower().startswith(EXCEL_LINE):
        return stripped[-1], text.tell()
    return None, 0


def read_text(stream: BinaryIO, encoding: str) -> Iterator[Table]:
    """Give the table of a CSV: what was found, and its rows."""
    csv.field_size_limit(LONGEST_CELL)
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    try:
        announced, position = _announced(text)
    except UnicodeError:
        raise RefusalError("undecodable", line=1) from None
    delimiter = announced or find_delimiter(text, position)
    text.seek(position)
    rows = records(text, delimiter)
    _, header = next(rows, (0, []))
    if not header:
        raise RefusalError("blank")
    found = {"sheet": "", "columns": header, "details": {"delimiter": delimiter}}
    yield found, _even(rows, len(header))


def _even(rows: Iterable[Row], width: int) -> Iterator[Row]:
    for line, cells in rows:
        if len(cells) < width or any(cell.strip() for cell in cells[width:]):
            raise RefusalError("uneven", line=line, cells=len(cells), columns=width)
        yield line, cells[:width]


# Workbooks ------------------------------------------------------------------------------------------------------------


def as_text(cell: object) -> str:
    """Text of a cell: whole numbers without a decimal point, days and times as ISO 8601."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < EXACT else repr(cell)
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    return str(cell)


def _sheet_rows(sheet: CalamineSheet) -> Iterator[Row]:
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts = [cell if isinstance(cell, str) else as_text(cell) for cell in cells]
        if any(text.strip() for text in texts):
            yield number, texts


def read_workbook(stream: BinaryIO, *, sheet: str | None, every: bool, cells: int) -> Iterator[Table]:
    """Give the tables of a workbook: every sheet with data, or the one asked for (by default the first that shows)."""
    try:
        workbook = CalamineWorkbook.from_filelike(stream)
        yield from _tables(workbook, sheet=sheet, every=every, cells=cells)
    except PasswordError:
        raise RefusalError("password") from None
    except (CalamineError, ValueError, OSError):
        raise RefusalError("broken") from None


def _tables(workbook: CalamineWorkbook, *, sheet: str | None, every: bool, cells: int) -> Iterator[Table]:
    names = _sheet_names(workbook)
    if sheet is not None and sheet not in names:
        raise RefusalError("no_sheet", sheet=sheet, sheets=names)
    found = False
    for name in names if sheet is None else [sheet]:
        table = workbook.get_sheet_by_name(name)
        last_row, last_column = table.end or (-1, -1)
        area = (last_row + 1) * (last_column + 1)
        if area > cells:
            raise RefusalError("cells", sheet=name, cells=area, limit=cells)
        rows = _sheet_rows(table)
        _, header = next(rows, (0, []))
        if header:
            found = True
            others = [other for other in names if other != name]
            yield {"sheet": name, "columns": header, "details": {"other_sheets": " / ".join(others)}}, rows
        if found and not every:
            return
    if not found and not every:
        raise RefusalError("blank_sheet", sheet=sheet)


def _sheet_names(workbook: CalamineWorkbook) -> list[str]:
    """Sheets that hold cells, those that show before those that are hidden."""
    tables = [meta for meta in workbook.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    shown = [meta.name for meta in tables if meta.visible == Visible.Visible]
    return shown + [meta.name for meta in tables if meta.visible != Visible.Visible]


# Archives of CSVs, and Parquet ----------------------------------------------------------------------------------------


def read_archive(
    stream: BinaryIO, parts: Sequence[dict[str, str]], *, sheet: str | None, every: bool
) -> Iterator[Table]:
    """Give the tables of an archive: the one asked for, or the main one, then (if all are wanted) its repeats."""
    by_name = {part["sheet"]: part for part in parts}
    if sheet is not None and sheet not in by_name:
        raise RefusalError("no_sheet", sheet=sheet, sheets=list(by_name))
    with damage(), zipfile.ZipFile(stream) as archive:
        headers = {name: _header(archive, part) for name, part in by_name.items()}
        filled = {name: header for name, header in headers.items() if header != []}
        main = sheet or main_table(filled)
        if not every and not main:
            raise RefusalError("no_main" if filled else "blank", sheets=list(filled))
        for name in sorted(filled, key=lambda name: name != main) if every else [main]:
            codec = by_name[name]["encoding"]
            details = {"encoding": codec, "other_sheets": " / ".join(other for other in filled if other != name)}
            with _named(name), archive.open(by_name[name]["file"]) as opened:
                for found, rows in read_text(cast("BinaryIO", opened), codec):
                    yield {**found, "sheet": name, "details": details | found["details"]}, rows


def _header(archive: zipfile.ZipFile, part: dict[str, str]) -> list[str] | None:
    """Header of a table: empty where the table is, and None where it cannot be read."""
    with archive.open(part["file"]) as opened:
        try:
            found, _ = next(read_text(cast("BinaryIO", opened), part["encoding"]))
        except RefusalError as refusal:
            return [] if refusal.code == "blank" else None
    return list(found["columns"])


def main_table(headers: Mapping[str, Sequence[str] | None]) -> str:
    """Name of the table that is no repeat: the only one without a parent, or the one all others are named after."""
    first = [name for name, header in headers.items() if len(headers) == 1 or PARENTS.isdisjoint(header or ())]
    shortest = min(first, key=len, default="")
    others = [name for name in first if name != shortest]
    after = [name[len(shortest) :] for name in others if name.startswith(shortest)]
    return shortest if len(after) == len(others) and not any(rest[0].isalnum() for rest in after) else ""


def read_parquet(stream: BinaryIO, *, rows: int) -> Iterator[Table]:
    """Give the table of a Parquet file; the module that reads it stands beside this one."""
    columnar = runpy.run_path(str(Path(__file__).with_name("columnar.py")), run_name="surveys.reading.columnar")
    with damage():
        file = columnar["opened"](stream)
        unfit = columnar["unfit"](file)
    if file.metadata.num_rows > rows:
        raise RefusalError("rows", limit=rows)
    if unfit:
        raise RefusalError("kind", column=unfit[0], kind=unfit[1])
    yield (
        {"sheet": "", "columns": list(file.schema_arrow.names), "details": {}},
        _numbered(columnar["rows"](file, as_text)),
    )


def _numbered(rows: Iterator[list[str]]) -> Iterator[Row]:
    with damage():
        for number, cells in enumerate(rows, start=2):
            if any(cell.strip() for cell in cells):
                yield number, cells


# Handing over ---------------------------------------------------------------------------------------------------------


def send(out: BinaryIO, kind: str, payload: bytes) -> None:
    """Write one frame."""
    out.write(json.dumps({"kind": kind, "size": len(payload)}).encode() + b"\n" + payload)


def send_table(out: BinaryIO, found: dict[str, Any], rows: Iterable[Row], *, limits: dict[str, Any]) -> None:
    """Write a table as frames, within its limits."""
    columns: Sequence[str] = found["columns"]
    _refuse_wide(columns, limit=limits["columns"])
    send(out, "table", json.dumps({**found, "columns": columns[: limits["columns"]]}).encode())
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for count, (line, cells) in enumerate(rows, start=1):
        if count > limits["rows"]:
            raise RefusalError("rows", limit=limits["rows"])
        _refuse_wide(cells, limit=limits["columns"])
        writer.writerow((line, *cells[: limits["columns"]]))
        if buffer.tell() >= FRAME:
            _flush(out, buffer, line)
    _flush(out, buffer, 0)


def _refuse_wide(cells: Sequence[str], *, limit: int) -> None:
    """Refuse filled cells beyond the limit; blank ones are what spreadsheets leave behind the last column."""
    if len(cells) > limit and any(cell.strip() for cell in cells[limit:]):
        raise RefusalError("columns", columns=len(cells), limit=limit)


def _flush(out: BinaryIO, buffer: io.StringIO, line: int) -> None:
    text = buffer.getvalue()
    if "\0" in text:
        raise RefusalError("nul", line=line)
    if text:
        send(out, "rows", text.encode())
    buffer.seek(0)
    buffer.truncate()


def _read(order: dict[str, Any], stream: BinaryIO) -> Iterator[Table]:
    """Tables of the stream by the family of formats that the order names."""
    if order["format"] == "csv":
        return read_text(stream, order["encoding"])
    if order["format"] == "zip":
        return read_archive(stream, order["parts"], sheet=order["sheet"], every=order["every"])
    if order["format"] == "parquet":
        return read_parquet(stream, rows=order["limits"]["rows"])
    return read_workbook(stream, sheet=order["sheet"], every=order["every"], cells=order["limits"]["cells"])


def obey(order: dict[str, Any], stream: BinaryIO, out: BinaryIO) -> None:
    """Do what the order says and write the frames; a refusal is the last frame."""
    limits = order["limits"]
    try:
        if not stream.seekable():
            stream = io.BytesIO(stream.read())
        for found, rows in _read(order, stream):
            with _named(found["sheet"] if order["format"] == "zip" else ""):
                send_table(out, found, rows, limits=limits)
        send(out, "done", b"")
    except RefusalError as refusal:
        send(out, "refused", json.dumps({"code": refusal.code, "params": refusal.params}).encode())
    except MemoryError:
        send(out, "refused", json.dumps({"code": "memory", "params": {}}).encode())


def main() -> None:
    """Run as the sandboxed process."""
    order = json.loads(sys.argv[1])
    confine(memory=order["limits"]["child_bytes"], seconds=order["limits"]["child_seconds"])
    obey(order, sys.stdin.buffer, sys.stdout.buffer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
