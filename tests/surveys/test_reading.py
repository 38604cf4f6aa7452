import csv
import datetime as dt
import io
import string
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.errors import ReadingError
from surveys.reading import Limits, RawTable, child, process, read, read_bytes, sheets
from surveys.reading.encoding import detect
from surveys.reading.kinds import kind

HEADER = "name;wait;post\n"
ROWS = "ann;3;north\nben;4;south\n"


def in_process(data: bytes, encoding: str = "utf-8", limits: Limits | None = None) -> process.Delivery:
    """What the child would hand over, without starting one."""
    order = {"format": "csv", "encoding": encoding, "sheet": None, "every": False, "limits": asdict(limits or Limits())}
    out = io.BytesIO()
    child.obey(order, io.BytesIO(data), out)
    out.seek(0)
    return process.receive(out, form="csv", most=10**9)


def workbook_in_process(path: Path, sheet: str | None = None, limits: Limits | None = None) -> process.Delivery:
    order = {"format": "xlsx", "sheet": sheet, "every": False, "limits": asdict(limits or Limits())}
    out = io.BytesIO()
    child.obey(order, io.BytesIO(path.read_bytes()), out)
    out.seek(0)
    return process.receive(out, form="xlsx", most=10**9)


def texts(table: RawTable) -> list[list[str]]:
    return [list(row) for row in table.frame.itertuples(index=False)]


def workbook(path: Path, **tables: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in tables.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def refused(data: bytes, name: str = "wave.csv", limits: Limits | None = None) -> str:
    with pytest.raises(ReadingError) as caught:
        read_bytes(data, name, limits=limits or Limits())
    return str(caught.value)


# Text -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_delimiter_is_found(delimiter: str) -> None:
    table = in_process((HEADER + ROWS).replace(";", delimiter).encode()).tables[0]
    assert table.details["delimiter"] == delimiter
    assert texts(table) == [["ann", "3", "north"], ["ben", "4", "south"]]


def test_a_csv_file_comes_back_as_text_with_its_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "wave.csv"
    path.write_bytes((HEADER + ROWS).encode())
    table = read(path)
    assert table.columns == ("name", "wait", "post")
    assert list(table.lines) == [2, 3]
    assert table.frame[1].tolist() == ["3", "4"]
    assert (table.sheet, table.format) == ("", "csv")
    assert table.details == {"encoding": "utf-8", "byte_order_mark": "no", "delimiter": ";"}


def test_bytes_in_memory_read_like_a_file() -> None:
    assert texts(read_bytes((HEADER + ROWS).encode(), "wave.csv")) == [["ann", "3", "north"], ["ben", "4", "south"]]


def test_duplicate_and_nameless_headers_are_kept() -> None:
    table = in_process(b"q1,q1,\n1,2,3\n").tables[0]
    assert table.columns == ("q1", "q1", "")
    assert texts(table) == [["1", "2", "3"]]


def test_empty_nameless_columns_at_the_end_are_left_out() -> None:
    table = in_process(b"q1,q2,,\n1,2,,\n3,4, ,\n").tables[0]
    assert table.columns == ("q1", "q2")
    assert texts(table) == [["1", "2"], ["3", "4"]]


def test_words_that_pandas_takes_for_missing_stay_words() -> None:
    assert texts(in_process(b"q1,q2\nNA,null\nnan,\n007,1e5\n").tables[0]) == [
        ["NA", "null"],
        ["nan", ""],
        ["007", "1e5"],
    ]


def test_a_cell_with_line_breaks_counts_as_one_line() -> None:
    table = in_process(b'q1,q2\n"one\ntwo",1\n\n3,4\n').tables[0]
    assert texts(table) == [["one\ntwo", "1"], ["3", "4"]]
    assert list(table.lines) == [2, 4]


def test_the_header_is_the_first_line_that_is_not_blank() -> None:
    table = in_process(b"\n;;\nq1;q2;q3\n1;2;3\n").tables[0]
    assert table.columns == ("q1", "q2", "q3")
    assert list(table.lines) == [4]


def test_a_header_without_rows_is_a_table_of_no_rows() -> None:
    table = in_process(b'"q1";"q2"').tables[0]
    assert table.frame.shape == (0, 2)
    assert table.lines.dtype == "int64"


def test_the_line_that_tells_excel_the_delimiter_is_no_header() -> None:
    table = in_process(b"sep=;\r\nq1;q2\r\n1,5;2\r\n").tables[0]
    assert table.columns == ("q1", "q2")
    assert list(table.lines) == [2]


def test_decimal_commas_do_not_pass_for_delimiters() -> None:
    assert texts(in_process(b"q1;q2\n1,5;2,5\n3,5;4,5\n").tables[0]) == [["1,5", "2,5"], ["3,5", "4,5"]]


def test_delimiters_inside_quoted_labels_do_not_mislead() -> None:
    data = b'"Name, first; last";"How long, in hours?"\n"a, b; c";"1"\n'
    table = in_process(data).tables[0]
    assert table.columns == ("Name, first; last", "How long, in hours?")
    assert texts(table) == [["a, b; c", "1"]]


def test_one_column_is_read_as_one_column() -> None:
    assert texts(in_process(b"id\nA-1\nA-2\n").tables[0]) == [["A-1"], ["A-2"]]


@pytest.mark.parametrize(
    ("text", "codec", "encoding", "mark"),
    [
        ("имя;пост\nМадина;Хорог\nАли;Душанбе\n", "utf-8", "utf-8", False),
        ("имя;пост\nМадина;Хорог\n", "utf-8-sig", "utf-8-sig", True),
        ("имя;пост\nМадина;Хорог\n", "utf-16", "utf-16", True),
        ("name;post\nMadina;Khorog\n", "utf-16-le", "utf-16-le", False),
        ("name;post\nMadina;Khorog\n", "utf-16-be", "utf-16-be", False),
        ("имя;пост\nМадина;Хорог\nАли;Душанбе, очень долго ждали\n", "cp1251", "cp1251", False),
        ("name;note\nRené;don’t know\nAntônio;São Tomé\n", "cp1252", "cp1252", False),
        ("نام;نظر\nاحمد;بسيار خوب بود\nهرات;انتظار زياد\n", "cp1256", "cp1256", False),
    ],
)
def test_the_encoding_is_found_and_the_words_come_back(text: str, codec: str, encoding: str, *, mark: bool) -> None:
    data = text.encode(codec)
    found = detect(io.BytesIO(data), name="wave.csv")
    table = in_process(data, found.name).tables[0]
    assert (found.name, found.marked) == (encoding, mark)
    assert [list(table.columns), *texts(table)] == [line.split(";") for line in text.splitlines()]


CELLS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
PLAIN = st.text(string.ascii_letters + string.digits + " \"\n\r'", max_size=8)
Quoting = Literal[0, 1]
NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=5)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], str, Quoting]:
    """Any texts when every cell is quoted; where quotes are spared, texts without the other delimiters."""
    kinds: list[Quoting] = [csv.QUOTE_ALL, csv.QUOTE_MINIMAL]
    quoting = draw(st.sampled_from(kinds))
    delimiter = draw(st.sampled_from(child.DELIMITERS))
    width = draw(st.integers(2, 4))
    cells = CELLS if quoting == csv.QUOTE_ALL else PLAIN | PLAIN.map(lambda text: text + delimiter)
    header = draw(st.lists(NAMES, min_size=width, max_size=width))
    rows = draw(st.lists(st.lists(cells, min_size=width - 1, max_size=width - 1), max_size=4))
    return [header, *(["id", *row] for row in rows)], delimiter, quoting


@settings(max_examples=150, deadline=None)
@given(tables())
def test_whatever_texts_are_written_as_csv_come_back(case: tuple[list[list[str]], str, Quoting]) -> None:
    written, delimiter, quoting = case
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, quoting=quoting).writerows(written)
    delivery = in_process(stream.getvalue().encode())
    assert delivery.refused == {}
    assert [list(delivery.tables[0].columns), *texts(delivery.tables[0])] == written
    assert list(delivery.tables[0].lines) == list(range(2, len(written) + 1))


def test_many_frames_make_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "FRAME", 10)
    table = in_process(b"a,b\n" + b"".join(b"%d,x\n" % n for n in range(50))).tables[0]
    assert table.frame[0].tolist() == [str(n) for n in range(50)]
    assert list(table.frame.index) == list(range(50))


# Refusals of text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code", "params"),
    [
        (b"\n \n;;\n", "blank", {}),
        (b"a,b,c\n1,2,3\n1,2\n", "uneven", {"line": 3, "cells": 2, "columns": 3}),
        (b"a,b,c\n1,2,3\n1,2,3\n1,2,3,4\n", "uneven", {"line": 4, "cells": 4, "columns": 3}),
        (b'a;b\n1;2\n3;"4\n5;6\n', "unclosed", {"line": 3}),
        (b'a;b\n1;2\n3;"4" five\n5;6\n', "quoting", {"line": 3}),
        (b"a:b:c\n1:2:3\n", "one_column", {"delimiter": ":", "columns": 3, "quoted": False}),
        (b'"a,b,c"\n"1,2,3"\n', "one_column", {"delimiter": ",", "columns": 3, "quoted": True}),
        (b"a,b\n1,\xff\n", "undecodable", {"line": 1}),
        (b"a,b\n1,2\n1,2\n1,2\n", "rows", {"limit": 2}),
        (b"a,b,c,d\n1,2,3,4\n", "columns", {"columns": 4, "limit": 3}),
        (b"a,b,c,\n1,2,3,4\n", "columns", {"columns": 4, "limit": 3}),
    ],
)
def test_a_fault_in_the_text_is_a_code_with_its_place(data: bytes, code: str, params: dict[str, object]) -> None:
    delivery = in_process(data, limits=Limits(rows=2 if code == "rows" else 10, columns=3))
    assert delivery.refused == {"code": code, "params": params}
    assert not delivery.done


def test_the_limit_on_rows_lets_that_many_pass() -> None:
    assert len(in_process(b"a,b\n1,2\n3,4\n", limits=Limits(rows=2)).tables[0].frame) == 2


def test_an_uneven_line_is_named_in_a_sentence() -> None:
    said = refused(b"a,b,c\n1,2,3\n1,secret\n")
    assert said.startswith("wave.csv: line 3 has 2 cells where the header has 3; ")
    assert "secret" not in said


def test_a_wrong_delimiter_is_named_in_a_sentence() -> None:
    said = refused(b"a^b^c\n1^2^3\n")
    assert said.startswith("wave.csv has one column only, but its lines would make 3 columns if cut at the caret; ")


def test_a_quoted_cell_never_closed_is_named_in_a_sentence() -> None:
    assert "that opens with a quotation mark on line 3 is never closed" in refused(b'a;b\n1;2\n3;"4\n5;6\n')


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "wave.csv", "wave.csv is empty (0 bytes)"),
        (b"%PDF-1.7\n...", "wave.csv", "wave.csv is a PDF document, not a table"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "wave.csv", "wave.csv is a picture (PNG)"),
        (b"PK\x03\x04" + bytes(100), "wave.csv", "wave.csv is named .csv but holds a workbook or an archive"),
        (HEADER.encode(), "wave.xlsx", "wave.xlsx is named .xlsx but is not a workbook"),
        (bytes(range(1, 256)) * 40, "wave.csv", "wave.csv is not text"),
        (b"a,b\n" * 200 + b"1,\x002\n", "wave.csv", "wave.csv holds a zero byte on line 201"),
        ("a,b\nдолго,ждали\n".encode() + b"1,\xd0\n", "wave.csv", "wave.csv is UTF-8 text with damaged letters"),
        (b"$FL2@(#) SPSS", "wave.sav", "wave.sav is an SPSS data file"),
    ],
)
def test_what_is_no_table_is_refused_before_a_child_is_started(
    data: bytes, name: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "CHILD", Path("there is no child"))
    assert refused(data, name).startswith(sentence)


def test_a_file_over_the_limit_is_refused_with_both_sizes() -> None:
    assert refused(b"a,b\n1,2\n", limits=Limits(bytes=7)).startswith("wave.csv has 8 bytes where at most 7 are read")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match=r"^gone\.csv cannot be opened \(No such file or directory\)"):
        read(tmp_path / "gone.csv")


def test_a_text_has_no_sheets_to_choose_from() -> None:
    with pytest.raises(ReadingError, match="has no sheets"):
        read_bytes(b"a,b\n1,2\n", "wave.csv", sheet="survey")


def test_a_name_without_an_ending_is_no_reason_to_refuse() -> None:
    assert kind(b"a,b\n", name="export") == "csv"


# Workbooks ------------------------------------------------------------------------------------------------------------


def test_cells_of_a_workbook_become_the_texts_a_reader_sees(tmp_path: Path) -> None:
    day, moment = dt.date(2024, 5, 1), dt.datetime(2024, 5, 1, 13, 2, 3)  # noqa: DTZ001 - workbooks know no zones
    header = ("n", "share", "yes", "day", "moment", "hour", "text", "void")
    rows: list[list[object]] = [[], list(header)]
    rows.append([3, 2.5, True, day, moment, dt.time(3, 4), " 007 ", None])
    rows += [[], [-1e20, 1 / 3, False, None, None, None, 'a "b"\nc', None]]
    table = workbook_in_process(workbook(tmp_path / "wave.xlsx", answers=rows, extra=[["a"], [1]])).tables[0]
    assert table.columns == header
    assert texts(table) == [
        ["3", "2.5", "True", "2024-05-01", "2024-05-01T13:02:03", "03:04:00", " 007 ", ""],
        ["-1e+20", "0.3333333333333333", "False", "", "", "", 'a "b"\nc', ""],
    ]
    assert list(table.lines) == [3, 5]
    assert (table.sheet, table.format, table.details["other_sheets"]) == ("answers", "xlsx", "extra")


def test_sheets_gives_every_sheet_with_data(tmp_path: Path) -> None:
    path = workbook(tmp_path / "form.xlsx", survey=[["type", "name"], ["text", "q"]], none=[], choices=[["list_name"]])
    found = sheets(path)
    assert list(found) == ["survey", "choices"]
    assert texts(found["survey"]) == [["text", "q"]]
    assert found["choices"].frame.shape == (0, 1)


def test_the_first_sheet_with_data_is_read_unless_one_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "wave.xlsx", cover=[], main=[["a"], [1]], repeat=[["b"], [2]])
    assert read(path).sheet == "main"
    assert read_bytes(path.read_bytes(), "wave.xlsx", sheet="repeat").columns == ("b",)


def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    path = workbook(tmp_path / "wave.xlsx", main=[["a"], [1]], repeat=[["b"], [2]])
    with pytest.raises(ReadingError, match="has no sheet 'data'; it has 'main', 'repeat'"):
        read(path, sheet="data")


def test_a_workbook_without_a_filled_cell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match=r"^blank\.xlsx has no filled cell in any sheet"):
        read(workbook(tmp_path / "blank.xlsx", one=[], two=[]))


def test_a_hidden_sheet_is_not_the_first_choice(tmp_path: Path) -> None:
    path = tmp_path / "wave.xlsx"
    book = openpyxl.Workbook()
    book.worksheets[0].append(["x"])
    book.worksheets[0].sheet_state = "hidden"
    book.create_sheet("main").append(["a"])
    book.active = 1
    book.save(path)
    assert workbook_in_process(path).tables[0].columns == ("a",)


def test_what_a_workbook_lacks_is_a_code_with_names(tmp_path: Path) -> None:
    path = workbook(tmp_path / "wave.xlsx", main=[["a", "b"], [1, 2]], none=[])
    absent = workbook_in_process(path, sheet="data").refused
    assert absent == {"code": "no_sheet", "params": {"sheet": "data", "sheets": ["main", "none"]}}
    assert workbook_in_process(path, sheet="none").refused == {"code": "blank_sheet", "params": {"sheet": "none"}}
    crowded = workbook_in_process(path, limits=Limits(cells=3)).refused
    assert crowded == {"code": "cells", "params": {"sheet": "main", "cells": 4, "limit": 3}}
    path.write_bytes(path.read_bytes()[:500])
    assert workbook_in_process(path).refused == {"code": "broken", "params": {}}
