"""What is no table at all is named for what it is."""

import pytest

from surveys.errors import ReadingError
from surveys.reading import read_bytes
from surveys.reading.kinds import is_table, kind


@pytest.mark.parametrize(
    ("start", "name", "what"),
    [
        (b'<?xml version="1.0"', "survey.lss", "an XML document"),
        (b'\xef\xbb\xbf<?xml version="1.0"', "answers.xls", "an XML document"),
        (b"<!DOCTYPE html>", "export.xls", "a web page, whatever its ending says"),
        (b"<HTML><BODY>", "export.xls", "a web page"),
        (b'{"title": "x"', "data.json", "a JSON document"),
        (b"{\n  ", "data.json", "a JSON document"),
        (b'[{"_id": 1', "data.json", "a JSON document"),
        (b"<stata_dta><header>", "wave.dta", "a Stata data file"),
        (b"\x72\x02\x01\x00", "wave.dta", "a Stata data file"),
        (b"$FL2@(#) SPSS", "wave.sav", "an SPSS data file"),
        (b"ARROW1\x00\x00", "wave.feather", "an Arrow (Feather) file"),
    ],
)
def test_a_file_that_is_no_table_is_refused_as_what_it_is(start: bytes, name: str, what: str) -> None:
    with pytest.raises(ReadingError) as caught:
        kind(start, name=name)
    assert str(caught.value).startswith(f"{name} is {what}")
    assert "export the survey as CSV or XLSX" in str(caught.value)


@pytest.mark.parametrize(
    ("start", "name", "family"),
    [
        (b"{name},{post}\n1,2\n", "wave.csv", "csv"),
        (b"[Q1],[Q2]\n1,2\n", "wave.csv", "csv"),
        (b"PAR1\x15\x04", "wave.parquet", "parquet"),
        (b"PK\x03\x04", "wave.ods", "xlsx"),
        (b"PK\x03\x04", "wave.zip", "xlsx"),
        (b"q\tr\n1\t2\n", "wave.tab", "csv"),
    ],
)
def test_the_family_is_that_of_the_bytes(start: bytes, name: str, family: str) -> None:
    assert kind(start, name=name) == family


@pytest.mark.parametrize(
    ("part", "table"),
    [
        ("survey.csv", True),
        ("export/survey-office.TSV", True),
        ("media/list.csv", False),
        ("export/media/list.csv", False),
        ("__MACOSX/._survey.csv", False),
        ("._survey.csv", False),
        ("survey.xlsx", False),
        ("folder.csv/", False),
    ],
)
def test_tables_in_an_archive_are_told_from_attachments_by_name(part: str, *, table: bool) -> None:
    assert is_table(part) is table


def test_the_names_of_rows_that_r_writes_under_no_name_are_a_fault_of_the_header() -> None:
    with pytest.raises(ReadingError) as caught:
        read_bytes(b'"wait"\t"post"\n"5"\t1\t"n"\n"6"\t2\t"s"\n', "wave.tab")
    assert str(caught.value).startswith("wave.tab: line 2 has 3 cells where the header has 2; ")
    assert "the header lacks the name of the first column (R: write without row names)" in str(caught.value)
