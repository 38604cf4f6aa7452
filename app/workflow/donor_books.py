"""The donor's results table as a workbook: a sheet a side, numbers as numbers, and a sheet of notes."""

import io
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from app.workflow import donors
from app.workflow.document import Release
from app.workflow.fieldwork import safe_cell

WIDTHS: Final = {
    "indicator": 34, "code": 16, "unit": 18, "side": 13, "target met": 14, "change test": 22, "note": 34, "source": 46,
    "method": 34,
}  # fmt: skip
NARROW: Final = 10
_HEADER: Final = 2  # rows above the figures
_LONGEST: Final = 31  # letters of a sheet's name
_NOT_IN_NAMES: Final = re.compile(r"[\x00-\x1f\[\]:*?/\\']")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def as_workbook(release: Release) -> bytes:
    """The table as XLSX, of both sides, with what a reader must know of it."""
    table = donors.results_table(release)
    book = Workbook()
    book.remove(book.active)
    book.properties.creator = "Sarhad"
    marked = release.document.synthetic
    for side in dict.fromkeys(table["side"]):
        title = f"Results of {release.document.title}, {side}"
        _sheet(book, side, f"{title} ({donors.MARK})" if marked else title, table[table["side"] == side])
    _notes(book, release, set(table["code"]))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _sheet(book: Any, name: str, above: str, table: pd.DataFrame) -> None:  # noqa: ANN401 - openpyxl is untyped
    """One side: a title, a header that stays in sight, and rows."""
    sheet = book.create_sheet(_NOT_IN_NAMES.sub("_", name)[:_LONGEST] or "side")
    sheet.append([_cell(above)])
    sheet.append(list(table.columns))
    for line in table.itertuples(index=False, name=None):
        sheet.append([_cell(value) for value in line])
    sheet.freeze_panes = sheet.cell(row=_HEADER + 1, column=2)
    sheet["A1"].font = Font(bold=True, size=13)
    for cell in sheet[_HEADER]:
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    for at, column in enumerate(table.columns, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = WIDTHS.get(column, NARROW)
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _notes(book: Any, release: Release, shown: set[str]) -> None:  # noqa: ANN401 - openpyxl is untyped
    sheet = book.create_sheet("Notes")
    for line in _lines(release, shown):
        sheet.append([_cell(value) for value in line])
    sheet.freeze_panes = "A2"
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for column, width in (("A", 30), ("B", 110)):
        sheet.column_dimensions[column].width = width
    for (cell,) in sheet.iter_rows(min_col=2, max_col=2):
        cell.alignment = Alignment(wrap_text=True, vertical="top")


def _lines(release: Release, shown: set[str]) -> Iterator[tuple[str, str]]:
    yield "what", donors.MARK if release.document.synthetic else "meaning"
    yield from donors.notes(release, shown)
    yield from ((f"comment of {one['agency']}", f"{one['at'][:10]}: {one['text']}") for one in release.comments)


def _cell(value: Any) -> Any:  # noqa: ANN401 - a cell
    """A number as a number, a text that no spreadsheet runs, nothing where there is no figure."""
    if isinstance(value, bool | int | float | np.integer | np.floating):
        return None if pd.isna(value) else float(value)
    return _CONTROL.sub("", safe_cell(value))
