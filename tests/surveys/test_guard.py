import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import Font

from surveys.errors import ReadingError
from surveys.reading import Limits, guard, process, read_bytes

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/package/2006/relationships"
SHEET = "xl/worksheets/sheet1.xml"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
TABLE = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>wait</t></is></c></row>'
    '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>3</v></c></row>'
)


def sheet_xml(rows: str, *, before: str = "") -> str:
    return f'<?xml version="1.0"?><worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData></worksheet>'


def workbook(sheet: str, *, shared: str = "") -> bytes:
    """The smallest workbook that calamine opens, with one sheet written by hand."""
    stream = io.BytesIO()
    relation = '<Relationship Id="rId{}" Type="' + OFFICE + '/{}" Target="{}"/>'
    inner = relation.format(1, "worksheet", "worksheets/sheet1.xml")
    inner += relation.format(2, "sharedStrings", "sharedStrings.xml") if shared else ""
    outer = relation.format(1, "officeDocument", "xl/workbook.xml")
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{TYPES}"/>')
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{RELATION}">{outer}</Relationships>')
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
            '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{RELATION}">{inner}</Relationships>')
        archive.writestr(SHEET, sheet)
        archive.writestr("xl/sharedStrings.xml", shared or f'<sst xmlns="{MAIN}"/>')
    return stream.getvalue()


def refused(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ReadingError) as caught:
        guard.guard(io.BytesIO(data), name="wave.xlsx", limits=limits or Limits())
    return str(caught.value)


def last_cell(reference: str) -> str:
    return sheet_xml(f'{TABLE}<row r="{reference.lstrip("XFD")}"><c r="{reference}"><v>1</v></c></row>')


@pytest.fixture
def no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "CHILD", Path("there is no child"))


def test_a_workbook_written_by_hand_passes_and_is_read() -> None:
    table = read_bytes(workbook(sheet_xml(TABLE)), "wave.xlsx")
    assert table.columns == ("id", "wait")
    assert table.frame.to_numpy().tolist() == [["1", "3"]]


@pytest.mark.usefixtures("no_child")
def test_one_cell_in_the_last_corner_is_refused_with_its_place_before_a_child_is_started() -> None:
    data = workbook(sheet_xml('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))
    assert len(data) < 2000
    with pytest.raises(ReadingError, match="as far as row 1,048,576, column 16,384, an area of 17,179,869,184 cells"):
        read_bytes(data, "wave.xlsx")


@pytest.mark.parametrize(
    "cell",
    [
        '<row r="1048576"><c><v>1</v></c></row>',
        "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>",
        '<row r="9"><c s="a>b" r="XFD1048576"><v>1</v></c></row>',
        f'<y:row xmlns:y="{MAIN}" r="9"><y:c r="XFD1048576"><y:v>1</y:v></y:c></y:row>',
        '<row r="9"><c\n  r = "XFD1048576"><v>1</v></c></row>',
        '<row r="1048576">' + "<c/>" * 50 + "<c><v>1</v></c></row>",
        '<row r="9"><c r="xfd1048576" t="inlineStr"><is><t>x</t></is></c></row>',
    ],
)
def test_a_far_cell_is_found_however_it_is_written(cell: str) -> None:
    assert "with a filled cell as far as row 1,048,576" in refused(
        workbook(sheet_xml(TABLE + cell)), Limits(cells=1_000_000)
    )


def test_a_far_cell_is_found_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "CHUNK", 7)
    assert "column 16,384" in refused(workbook(last_cell("XFD1048576")))


def test_formatting_without_a_value_is_not_a_far_cell(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["id", "wait"])
    book.worksheets[0].append([1, 3])
    book.worksheets[0]["XFD1048576"].font = Font(bold=True)
    book.save(tmp_path / "wave.xlsx")
    assert read_bytes((tmp_path / "wave.xlsx").read_bytes(), "wave.xlsx").frame.shape == (1, 2)


@pytest.mark.parametrize("dimension", ["A1:XFD1048576", "A1", "nonsense"])
def test_the_declared_dimension_of_a_sheet_is_not_believed(dimension: str) -> None:
    data = workbook(sheet_xml(TABLE, before=f'<dimension ref="{dimension}"/>'))
    guard.guard(io.BytesIO(data), name="wave.xlsx", limits=Limits())
    assert "column 16,384" in refused(
        workbook(last_cell("XFD1048576").replace("<sheetData>", '<dimension ref="A1"/><sheetData>'))
    )


@pytest.mark.parametrize("cell", ['<c r="A1"><v>1</v></c>', "<c><v>1</v></c>"])
def test_more_cells_than_the_limit_are_refused(cell: str) -> None:
    data = workbook(sheet_xml(f'<row r="1">{cell * 2001}</row>'))
    assert "has a sheet (xl/worksheets/sheet1.xml) of more than 2,000 cells" in refused(data, Limits(cells=2000))


def test_as_many_cells_as_the_limit_pass() -> None:
    data = workbook(sheet_xml(f'<row r="1">{"<c><v>1</v></c>" * 2000}</row>'))
    guard.guard(io.BytesIO(data), name="wave.xlsx", limits=Limits(cells=2000))


def test_an_archive_that_unpacks_to_more_than_the_limit_is_refused() -> None:
    data = workbook(sheet_xml(TABLE), shared=" " * 3_000_000)
    assert len(data) < 10_000
    assert "unpacks to more than 2,000,000 bytes" in refused(data, Limits(unpacked_bytes=2_000_000))


def lie(data: bytes, part: str, size: int) -> bytes:
    """Change the size that the directory of the archive declares for a part."""
    entry = data.rindex(part.encode()) - 46
    return data[: entry + 24] + struct.pack("<L", size) + data[entry + 28 :]


def test_a_part_that_is_larger_than_declared_is_refused() -> None:
    data = lie(workbook(sheet_xml(TABLE), shared=" " * 3_000_000), "xl/sharedStrings.xml", 100)
    assert "declares xl/sharedStrings.xml smaller than it is" in refused(data, Limits(unpacked_bytes=2_000_000))


def test_one_long_text_in_many_cells_is_stopped_by_the_limits_of_the_child() -> None:
    # 400 texts of a megabyte each, from a file of a few kilobytes that no guard can tell from an honest one.
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 401))
    data = workbook(sheet_xml(rows), shared=f'<sst xmlns="{MAIN}"><si><t>{"x" * 1_000_000}</t></si></sst>')
    with pytest.raises(ReadingError, match="needs more memory than one file may have"):
        read_bytes(data, "wave.xlsx", limits=Limits(child_bytes=150_000_000))


def damage(position: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:4] + bytes(100),
        lambda data: data[:100] + data[100:].replace(b"PK\x03\x04", b"PK\x07\x07"),
        damage(200),
    ],
)
def test_a_damaged_workbook_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ReadingError, match=r"^wave\.xlsx is not a whole workbook|^wave\.xlsx is an archive"):
        read_bytes(spoil(workbook(sheet_xml(TABLE))), "wave.xlsx")


def test_a_sheet_that_breaks_off_is_refused() -> None:
    with pytest.raises(ReadingError, match="is not a whole workbook"):
        read_bytes(workbook(sheet_xml(TABLE)[:-40]), "wave.xlsx")


def test_a_sheet_of_odd_cells_that_breaks_off_is_refused_by_the_guard() -> None:
    assert "is not a whole workbook" in refused(workbook(sheet_xml("<row><c><v>1</v></c></row>")[:-20]))


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    assert "declares XML entities" in refused(workbook(sheet_xml(TABLE).replace("?>", "?>" + bomb, 1)))


def test_a_drawing_that_is_no_good_xml_is_left_alone() -> None:
    stream = io.BytesIO(workbook(sheet_xml(TABLE)))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("xl/drawings/vmlDrawing1.vml", "<xml><br><c x='>'></xml>" + "x" * 100)
        archive.writestr("xl/media/picture.png", b"\x89PNG<c <c >" + bytes(2_000_000))
    guard.guard(stream, name="wave.xlsx", limits=Limits())


def test_an_archive_of_other_files_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("submissions.csv", "a,b\n")
    assert "is an archive but not an Excel workbook" in refused(stream.getvalue())


def test_a_locked_part_is_refused() -> None:
    data = workbook(sheet_xml(TABLE))
    entry = data.rindex(SHEET.encode()) - 46
    locked = data[: entry + 8] + struct.pack("<H", 1) + data[entry + 10 :]
    assert "is locked with a password" in refused(locked)


@pytest.mark.usefixtures("no_child")
def test_an_encrypted_workbook_is_refused_as_locked() -> None:
    container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "EncryptedPackage".encode("utf-16-le") + bytes(500)
    with pytest.raises(ReadingError, match=r"^wave\.xlsx is locked with a password; save a copy without one"):
        read_bytes(container, "wave.xlsx")


def test_an_old_workbook_that_is_none_is_refused() -> None:
    with pytest.raises(ReadingError, match=r"^wave\.xls is not a whole workbook"):
        read_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "wave.xls")


@pytest.mark.parametrize(("letters", "number"), [("A", 1), ("Z", 26), ("AA", 27), ("XFD", 16384), ("xfd", 16384)])
def test_columns_are_counted_from_their_letters(letters: str, number: int) -> None:
    assert guard.column_number(letters) == number
