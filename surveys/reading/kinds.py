"""What the first bytes of a file say it is, and whether its name agrees."""

import codecs
import zipfile
from contextlib import suppress
from pathlib import PurePath, PurePosixPath
from typing import BinaryIO

from surveys.errors import ReadingError
from surveys.reading.guard import DAMAGE, WORKBOOK

START = 16

STATA = "a Stata data file"
DOCUMENT = "an XML document (such as a form or the structure of a survey)"
SIGNATURES = (
    (b"PK\x03\x04", "xlsx"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
    (b"PAR1", "parquet"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite", "a database (SQLite)"),
    (b"ARROW1", "an Arrow (Feather) file"),
    (b"$FL2", "an SPSS data file"),
    (b"$FL3", "an SPSS data file"),
    (b"<stata_d", STATA),
    *((bytes((version, order, 1)), STATA) for version in range(0x69, 0x74) for order in (1, 2)),
    (b"<?xml", DOCUMENT),
    (b"<!doctype", "a web page, whatever its ending says"),
    (b"<html", "a web page, whatever its ending says"),
    (b"<table", "a web page, whatever its ending says"),
    *((start, "a JSON document") for start in (b'{"', b"{\n", b"{\r\n", b'[{"', b"[\n", b"[\r\n")),
)
READ = ("csv", "xlsx", "xls", "parquet")
ARCHIVES = ("xlsx", "xls", "parquet")
TEXT_NAMES = (".csv", ".tsv", ".txt", ".tab")
WORKBOOK_NAMES = (".xlsx", ".xlsm", ".xls")
OTHER_NAMES = (".ods", ".zip", ".parquet")

SPREADSHEET = b"application/vnd.oasis.opendocument.spreadsheet"
#: Folders in an archive that hold no tables: attachments, and what macOS adds.
NO_TABLES = frozenset(("media", "__MACOSX"))


def kind(start: bytes, *, name: str) -> str:
    """Family of formats a file belongs to: "csv", "xlsx" (any archive, see `archive`), "xls" or "parquet".

    The bytes decide, not the name; a name that contradicts them is refused, because then one of the two is a mistake.

    Raises
    ------
    ReadingError
        For anything that is not a table we read.
    """
    plain = start.removeprefix(codecs.BOM_UTF8)
    ways = (plain, plain.lower())
    found = next((what for mark, what in SIGNATURES if any(way.startswith(mark) for way in ways)), "csv")
    suffix = PurePath(name).suffix.lower()
    if found not in READ:
        raise ReadingError(f"{name} is {found}, not a table; export the survey as CSV or XLSX and choose that file.")
    if found in ARCHIVES and suffix in TEXT_NAMES:
        raise ReadingError(
            f"{name} is named {suffix} but holds a workbook or an archive, not text; "
            "give it back its own ending (such as .xlsx, .xls or .zip) or export the survey as CSV."
        )
    if found == "csv" and suffix in WORKBOOK_NAMES:
        raise ReadingError(
            f"{name} is named {suffix} but is not a workbook; "
            "open it in a spreadsheet program and save it as XLSX, or export the survey again."
        )
    if found != "xlsx" and suffix in OTHER_NAMES and suffix != f".{found}":
        raise ReadingError(f"{name} is named {suffix} but is no such file; export the survey again.")
    return found


def archive(stream: BinaryIO, *, name: str) -> str:
    """What an archive holds: "ods", "zip" (tables as text) or "xlsx"; what is damaged goes by its name to its guard."""
    suffix = PurePath(name).suffix.lower()
    stream.seek(0)
    with suppress(*DAMAGE), zipfile.ZipFile(stream) as opened:
        names = opened.namelist()
        if "mimetype" in names and _mimetype(opened).startswith(SPREADSHEET):
            return "ods"
        workbook = suffix in WORKBOOK_NAMES or WORKBOOK in map(str.lower, names)
        return "zip" if any(map(is_table, names)) and not workbook else "xlsx"
    return {".ods": "ods", ".zip": "zip"}.get(suffix, "xlsx")


def _mimetype(opened: zipfile.ZipFile) -> bytes:
    with opened.open("mimetype") as part:
        return part.read(len(SPREADSHEET))


def is_table(part: str) -> bool:
    """Whether a part of an archive is a table as text, by its name."""
    path = PurePosixPath(part)
    attached = not NO_TABLES.isdisjoint(path.parts) or path.name.startswith(".")
    return part.lower().endswith((".csv", ".tsv")) and not attached
