"""The gate before calamine for OpenDocument sheets (ODS), as `guard` is for workbooks.

ODS writes equal neighbours once, with a count: a file of a kilobyte may say that a cell stands in a million rows of a
thousand columns. So the counts are multiplied out and the corner that filled cells reach is found before anything is
parsed. Empty cells and rows at the end, which office programs repeat to the end of the sheet, reach nowhere.
"""

import zipfile
from typing import BinaryIO
from xml.parsers import expat

from surveys.errors import ReadingError
from surveys.reading.guard import broken, check_parts, holds, locked, opened, unpack
from surveys.reading.limits import Limits

CONTENT = "content.xml"
MANIFEST = "META-INF/manifest.xml"
ENCRYPTED = b"encryption-data"
#: Names with the prefixes that every program writes; calamine knows no others, so a cell called otherwise is no cell.
CELLS = frozenset(("table:table-cell", "table:covered-table-cell"))
VALUES = frozenset(f"office:{kind}" for kind in ("value-type", "value", "string-value", "date-value", "time-value"))
VALUES |= {"office:boolean-value", "table:formula"}


def guard(stream: BinaryIO, *, name: str, limits: Limits) -> None:
    """Refuse an ODS that is locked, broken, or larger than it looks.

    Raises
    ------
    ReadingError
        With what was found, where, and the remedy.
    """
    with opened(stream, broken(name)) as parts:
        check_parts(parts, name=name, limits=limits)
        named = {part.filename: part for part in parts}
        if MANIFEST in named and holds(unpack(stream, named[MANIFEST], name=name), ENCRYPTED):
            raise locked(name)
        if CONTENT not in named:
            raise broken(name)
        for part in parts:
            _check(stream, part, name=name, limits=limits)


def _check(stream: BinaryIO, part: zipfile.ZipInfo, *, name: str, limits: Limits) -> None:
    """Unpack a part to its end; the one that holds the cells is looked through as well."""
    look = _Look(name=name, limits=limits)
    for chunk in unpack(stream, part, name=name):
        if part.filename == CONTENT:
            look.feed(chunk, final=False)
    if part.filename == CONTENT:
        look.feed(b"", final=True)


class _Look:
    """Parses the content with expat and keeps where the cells reach; holds a parser, so it is a class."""

    def __init__(self, *, name: str, limits: Limits) -> None:
        self.name, self.limits = name, limits
        self.sheet = ""
        self.row = self.rows = self.column = self.columns = 0
        self.last_row = self.last_column = self.cells = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, chunk: bytes, *, final: bool) -> None:
        """Take the next bytes."""
        try:
            self.parser.Parse(chunk, final)
        except expat.ExpatError:
            raise broken(self.name) from None
        self._check()

    def _doctype(self, *_: object) -> None:
        raise ReadingError(f"{self.name} declares XML entities, which no spreadsheet program does; export it again.")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in CELLS:
            self.column += self.columns
            self.columns = self._repeats(attributes.get("table:number-columns-repeated"))
            if not VALUES.isdisjoint(attributes):
                self._filled()
        elif tag == "table:table-row":
            self.row += self.rows
            self.rows = self._repeats(attributes.get("table:number-rows-repeated"))
            self.column = self.columns = 0
        elif tag == "table:table":
            self._check()
            self.sheet = attributes.get("table:name", "")
            self.row = self.rows = self.last_row = self.last_column = 0

    def _filled(self) -> None:
        self.cells += self.rows * self.columns
        self.last_row = self.row + self.rows
        self.last_column = max(self.last_column, self.column + self.columns)

    def _repeats(self, text: str | None) -> int:
        if text is None:
            return 1
        repeats = int(text)
        if repeats < 1:
            raise broken(self.name)
        return repeats

    def _check(self) -> None:
        if self.cells > self.limits.cells:
            raise ReadingError(
                f"{self.name} has more than {self.limits.cells:,} cells; export it as CSV, or in smaller parts."
            )
        area = self.last_row * self.last_column
        if area > self.limits.cells:
            raise ReadingError(
                f"{self.name} has a sheet ({self.sheet}) with a filled cell as far as row {self.last_row:,}, column "
                f"{self.last_column:,}, an area of {area:,} cells where {self.limits.cells:,} are read; "
                "delete the stray cells beyond the table, or export it as CSV."
            )
