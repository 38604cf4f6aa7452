"""A workbook of one sheet of texts, made in memory: openpyxl writes each sheet to a temporary file in clear first."""

import io
import re
from collections.abc import Iterable, Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_BOOK: Final = "xl/workbook.xml"
_SHEET: Final = "xl/worksheets/sheet1.xml"
_LONGEST_NAME: Final = 31
_LONGEST_CELL: Final = 32_767
_NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_IN_NAMES: Final = re.compile(r"[\x00-\x1f\[\]:*?/\\]|^'|'$")


def workbook(lines: Iterable[Iterable[str]], *, sheet: str) -> bytes:
    """Bytes of an .xlsx file with one sheet in which every cell is a text."""
    name = _NOT_IN_NAMES.sub("_", _plain(sheet))[:_LONGEST_NAME] or "data"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/{_BOOK}" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/{_SHEET}" ContentType="{_TYPES}.worksheet+xml"/></Types>',
        "_rels/.rels": _relation("officeDocument", _BOOK),
        _BOOK: f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name={quoteattr(name)} sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relation("worksheet", _SHEET.removeprefix("xl/")),
    }
    whole = io.BytesIO()
    with ZipFile(whole, "w", ZIP_DEFLATED) as archive:
        for path, text in parts.items():
            archive.writestr(path, _HEAD + text)
        with archive.open(_SHEET, "w", force_zip64=True) as stream:
            for text in _sheet(lines):
                stream.write(text.encode())
    return whole.getvalue()


def _sheet(lines: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'
    for line in lines:
        yield f"<row>{''.join(map(_cell, line))}</row>"
    yield "</sheetData></worksheet>"


def _cell(text: str) -> str:
    if not text:
        return "<c/>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(_plain(text)[:_LONGEST_CELL])}</t></is></c>'


def _plain(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


def _relation(kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        "</Relationships>"
    )
