"""ODS: what office programs write, written by hand, and what the guard does with what they never would."""

import io
import zipfile
from pathlib import Path

import pytest

from surveys.errors import ReadingError
from surveys.reading import Limits, guard, guard_ods, process, read, read_bytes, sheets

NAMES = "".join(
    f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"' for prefix in ("office", "table", "text")
)
SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
MANIFEST = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">{}</m:manifest>'

EMPTY = "<table:table-cell/>"


def ods(*tables: str, before: str = "", manifest: str = "", mimetype: str = SPREADSHEET) -> bytes:
    stream = io.BytesIO()
    content = f"<office:document-content{NAMES}><office:body><office:spreadsheet>{''.join(tables)}"
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", mimetype)
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0"?>{before}{content}</office:spreadsheet></office:body></office:document-content>',
        )
        archive.writestr("META-INF/manifest.xml", MANIFEST.format(manifest))
    return stream.getvalue()


def table(name: str, *rows: str) -> str:
    return f'<table:table table:name="{name}">{"".join(rows)}</table:table>'


def row(*cells: str, times: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{times}">{"".join(cells)}</table:table-row>'


def text(words: str, times: int = 1) -> str:
    repeated = f' table:number-columns-repeated="{times}"' if times > 1 else ""
    return f'<table:table-cell office:value-type="string"{repeated}><text:p>{words}</text:p></table:table-cell>'


def value(kind: str, attribute: str, content: str) -> str:
    shown = "<text:p>as shown</text:p>"
    return f'<table:table-cell office:value-type="{kind}" office:{attribute}="{content}">{shown}</table:table-cell>'


def number(content: str) -> str:
    return value("float", "value", content)


#: What office programs put behind the last row: formatted cells to the end of the sheet.
TO_THE_END = row('<table:table-cell table:number-columns-repeated="16384"/>', times=1_048_000)


def refused(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ReadingError) as caught:
        guard_ods.guard(io.BytesIO(data), name="wave.ods", limits=limits or Limits())
    return str(caught.value)


@pytest.fixture
def no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "CHILD", Path("there is no child"))


def test_cells_of_every_kind_become_texts_under_the_row_numbers_of_the_sheet() -> None:
    header = row(*(text(name) for name in "abcdefg"))
    cells = (
        text("x<text:s text:c='2'/>y</text:p><text:p>&amp; z"),
        number("3"),
        value("date", "date-value", "2026-05-01"),
        value("date", "date-value", "2026-05-01T13:02:03"),
        value("time", "time-value", "PT13H02M03S"),
        value("boolean", "boolean-value", "true"),
        value("percentage", "value", "0.25"),
    )
    book = ods(
        table("answers", row(EMPTY, times=2), header, row(*cells), row(EMPTY), row(text("n", 7), times=2), TO_THE_END)
    )
    found = read_bytes(book, "wave.ods")
    assert found.columns == tuple("abcdefg")
    assert found.frame.to_numpy().tolist() == [
        ["x  y\n& z", "3", "2026-05-01", "2026-05-01T13:02:03", "13:02:03", "True", "0.25"],
        ["n"] * 7,
        ["n"] * 7,
    ]
    assert list(found.lines) == [4, 6, 7]
    assert (found.sheet, found.format) == ("answers", "ods")


def test_a_form_in_an_open_document_sheet_gives_its_sheets_by_name(tmp_path: Path) -> None:
    path = tmp_path / "form.ods"
    survey = table("survey", row(text("type"), text("name")), row(text("integer"), text("wait")))
    path.write_bytes(ods(survey, table("none"), table("choices", row(text("list_name")), row(text("yes")))))
    assert {name: found.columns for name, found in sheets(path).items()} == {
        "survey": ("type", "name"),
        "choices": ("list_name",),
    }
    assert read(path, sheet="choices").frame.to_numpy().tolist() == [["yes"]]


@pytest.mark.usefixtures("no_child")
@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ((row(text("a")), row(EMPTY, times=999_998), row(number("1"))), None),
        (
            (row(text("a")), row(EMPTY, times=1_048_574), row(EMPTY, EMPTY, EMPTY, EMPTY, number("1"))),
            "as far as row 1,048,576, column 5, an area of 5,242,880",
        ),
        ((row(text("a", 3)), row(number("1"), times=5_000_000)), "more than 5,000,000 cells"),
        ((row(text("a", 5_000_001)),), "more than 5,000,000 cells"),
        (
            (row("<table:covered-table-cell table:number-columns-repeated='4999999'/>", text("a", 2)),),
            "column 5,000,001",
        ),
    ],
)
def test_counts_of_equal_neighbours_are_multiplied_out_before_anything_is_parsed(
    rows: tuple[str, ...], sentence: str | None
) -> None:
    data = ods(table("S", *rows))
    assert len(data) < 2_000
    if sentence is None:
        guard_ods.guard(io.BytesIO(data), name="wave.ods", limits=Limits())
    else:
        assert sentence in refused(data)


def test_empty_cells_to_the_end_of_the_sheet_reach_nowhere_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "CHUNK", 7)
    data = ods(table("S", row(text("a"), number("1")), TO_THE_END))
    guard_ods.guard(io.BytesIO(data), name="wave.ods", limits=Limits(cells=2))
    assert "more than 1 cells" in refused(data, Limits(cells=1))


def test_each_sheet_is_measured_from_its_own_first_row() -> None:
    tall, wide = row(number("1"), times=1_000), row(text("a", 1_000))
    guard_ods.guard(io.BytesIO(ods(table("tall", tall), table("wide", wide))), name="w", limits=Limits(cells=2_000))
    assert "a sheet (both) with a filled cell as far as row 1,001, column 1,000" in refused(
        ods(table("tall", tall), table("both", tall, wide)), Limits(cells=3_000)
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (ods(table("S", row(text("a"))), manifest="<m:encryption-data/>"), "is locked with a password"),
        (ods(table("S", row(text("a"))), before='<!DOCTYPE x [<!ENTITY a "aaaa">]>'), "declares XML entities"),
        (ods("<table:table>"), "is not a whole workbook"),
        (ods(table("S", row(text("a"), times=0))), "is not a whole workbook"),
        (ods(table("S", row(text("a")))).replace(b"content.xml", b"kontent.xml"), "is not a whole workbook"),
        (ods(table("S", row(text("a"))))[:-60], "is not a whole workbook"),
        (ods(table("S", row(text("a" * 3_000_000)))), "unpacks to more than 2,000,000 bytes"),
    ],
)
def test_what_no_office_program_writes_is_refused(data: bytes, sentence: str) -> None:
    assert sentence in refused(data, Limits(unpacked_bytes=2_000_000))


@pytest.mark.usefixtures("no_child")
@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (
            ods(mimetype="application/vnd.oasis.opendocument.text"),
            "report.odt",
            "is an archive but not an Excel workbook",
        ),
        (ods(table("S", row(text("a")))), "wave.csv", "is named .csv but holds a workbook or an archive"),
        (b"a,b\n1,2\n", "wave.ods", "is named .ods but is no such file"),
        (ods(table("S", row(text("a"))))[:200], "wave.ods", "is not a whole workbook"),
    ],
)
def test_what_is_no_open_document_sheet_or_is_called_otherwise_is_refused(
    data: bytes, name: str, sentence: str
) -> None:
    with pytest.raises(ReadingError) as caught:
        read_bytes(data, name)
    assert str(caught.value).startswith(f"{name} {sentence}")
