"""What the first bytes of a file say it is, and whether its name agrees."""

from pathlib import PurePath

from surveys.errors import ReadingError

START = 8

SIGNATURES = (
    (b"PK\x03\x04", "xlsx"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
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
    (b"$FL2", "an SPSS data file"),
    (b"$FL3", "an SPSS data file"),
    (b"<stata_d", "a Stata data file"),
)
WORKBOOKS = ("xlsx", "xls")
TEXT_NAMES = (".csv", ".tsv", ".txt")
WORKBOOK_NAMES = (".xlsx", ".xlsm", ".xls")


def kind(start: bytes, *, name: str) -> str:
    """Family of formats a file belongs to: "csv", "xlsx" or "xls".

    The bytes decide, not the name; a name that contradicts them is refused, because then one of the two is a mistake.

    Raises
    ------
    ReadingError
        For anything that is not a table we read.
    """
    found = next((what for signature, what in SIGNATURES if start.startswith(signature)), "csv")
    suffix = PurePath(name).suffix.lower()
    if found not in (*WORKBOOKS, "csv"):
        raise ReadingError(f"{name} is {found}, not a table; export the survey as CSV or XLSX and choose that file.")
    if found in WORKBOOKS and suffix in TEXT_NAMES:
        raise ReadingError(
            f"{name} is named {suffix} but holds a workbook or an archive, not text; "
            "give it back its own ending (.xlsx or .xls) or export the survey as CSV."
        )
    if found == "csv" and suffix in WORKBOOK_NAMES:
        raise ReadingError(
            f"{name} is named {suffix} but is not a workbook; "
            "open it in a spreadsheet program and save it as XLSX, or export the survey again."
        )
    return found
