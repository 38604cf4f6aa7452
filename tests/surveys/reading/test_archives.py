"""Archives of CSVs as field tools give a form with repeats."""

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from surveys.errors import ReadingError
from surveys.reading import Limits, child, guard_zip, process, read, read_bytes, sheets

MAIN = "SubmissionDate,crossing-wait,KEY,ReviewState\n2026-05-01,3,uuid:a,\n2026-05-02,4,uuid:b,approved\n"
REPEAT = (
    "office,PARENT_KEY,KEY\nгород,uuid:a,uuid:a/office[1]\nсело,uuid:a,uuid:a/office[2]\nруда,uuid:b,uuid:b/office[1]\n"
)
AUDIT = "event,node,start\nform start,,1\n"

CENTRAL: dict[str, str | bytes] = {
    "media/1.jpg": b"\xff\xd8\xff" + bytes(100),
    "media/list.csv": "a,b,c,d\n1\n",
    "survey-office.csv": REPEAT,
    "survey - audit.csv": AUDIT,
    "survey.csv": MAIN,
}


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in parts.items():
            opened.writestr(name, content)
    return stream.getvalue()


def in_process(data: bytes, sheet: str | None = None, *, every: bool = False) -> process.Delivery:
    """What the child would hand over, without starting one."""
    parts = guard_zip.guard(io.BytesIO(data), name="export.zip", limits=Limits())
    order = {"format": "zip", "parts": parts, "sheet": sheet, "every": every, "limits": asdict(Limits())}
    out = io.BytesIO()
    child.obey(order, io.BytesIO(data), out)
    out.seek(0)
    return process.receive(out, form="zip", most=10**9)


def refused(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ReadingError) as caught:
        read_bytes(data, "export.zip", limits=limits or Limits())
    return str(caught.value)


def test_the_main_table_of_a_central_export_is_read_and_its_repeats_are_offered(tmp_path: Path) -> None:
    path = tmp_path / "survey.csv.zip"
    path.write_bytes(archive(CENTRAL))
    main = read(path)
    assert main.columns == ("SubmissionDate", "crossing-wait", "KEY", "ReviewState")
    assert main.frame[1].tolist() == ["3", "4"]
    assert (main.sheet, main.format, list(main.lines)) == ("survey", "zip", [2, 3])
    assert main.details == {"encoding": "utf-8", "delimiter": ",", "other_sheets": "survey-office / survey - audit"}
    found = sheets(path)
    assert list(found) == ["survey", "survey-office", "survey - audit"]
    assert [len(table.frame) for table in found.values()] == [2, 3, 1]
    assert read(path, sheet="survey-office").frame[0].tolist() == ["город", "село", "руда"]


def test_every_table_is_read_in_its_own_encoding_and_with_its_own_delimiter() -> None:
    codecs = {"a": "cp1251", "a-b": "utf-16"}
    delivery = in_process(
        archive({"a.csv": "имя;пост\nМадина;Хорог\nАли;Душанбе, очень долго ждали\n".encode("cp1251"),
                 "a-b.tsv": "n\tPARENT_KEY\nодин\tx\n".encode("utf-16")}),
        every=True,
    )  # fmt: skip
    assert {table.sheet: table.details["encoding"] for table in delivery.tables} == codecs
    assert [table.frame.iloc[0, 0] for table in delivery.tables] == ["Мадина", "один"]


@pytest.mark.parametrize(
    ("headers", "main"),
    [
        ({"survey": ["q", "KEY"], "survey-office": ["q", "PARENT_KEY"]}, "survey"),
        (
            {"children": ["_parent_index", "x"], "household": ["x", "_index"], "toys": ["_parent_table_name"]},
            "household",
        ),
        ({"f-a": ["q"], "f": ["q"], "f - audit": ["event"]}, "f"),
        ({"only": ["q", "PARENT_KEY"]}, "only"),
        ({"torn": None, "torn-a": ["PARENT_KEY"]}, "torn"),
        ({"wave": ["q"], "wave2": ["q"]}, ""),
        ({"north": ["q"], "south": ["q"]}, ""),
        ({"a": ["PARENT_KEY"], "b": ["PARENT_KEY"]}, ""),
        ({}, ""),
    ],
)
def test_the_main_table_is_the_one_without_a_parent_or_the_one_the_others_are_named_after(
    headers: dict[str, list[str] | None], main: str
) -> None:
    assert child.main_table(headers) == main


@pytest.mark.parametrize(
    ("parts", "sheet", "code", "params"),
    [
        ({"n.csv": "q\n1\n", "s.csv": "q\n1\n"}, None, "no_main", {"sheets": ["n", "s"]}),
        ({"n.csv": "\n", "s.csv": ""}, None, "blank", {"sheets": []}),
        ({"n.csv": "q,r\n1,2\n"}, "m", "no_sheet", {"sheet": "m", "sheets": ["n"]}),
        ({"n.csv": "q,r\n1,2\n3\n"}, None, "uneven", {"part": "n", "line": 3, "cells": 1, "columns": 2}),
        ({"n.csv": 'q,r\n"1,2\n'}, None, "unclosed", {"part": "n", "line": 2}),
    ],
)
def test_a_fault_in_an_archive_is_a_code_with_its_part(
    parts: dict[str, str | bytes], sheet: str | None, code: str, params: dict[str, object]
) -> None:
    assert in_process(archive(parts), sheet).refused == {"code": code, "params": params}


def test_a_fault_in_a_part_is_named_in_a_sentence() -> None:
    assert refused(archive({"survey.csv": "q,r\n1,2\n3\n"})).startswith("export.zip (survey): line 3 has 1 cells")


def test_tables_of_one_name_in_two_folders_keep_their_folders_and_blank_ones_are_left_out() -> None:
    delivery = in_process(archive({"n/a.csv": "q,r\n1,2\n", "s/a.csv": "q,r\n3,4\n", "b.csv": ""}), every=True)
    assert sorted(table.sheet for table in delivery.tables) == ["n/a.csv", "s/a.csv"]


def test_several_tables_without_a_main_one_are_refused_with_their_names() -> None:
    said = refused(archive({"north.csv": "q\n1\n", "south.csv": "q\n1\n"}))
    assert said.startswith("export.zip holds several tables and none is the main one: 'north', 'south'; unpack it")


def lie(data: bytes, part: str, *, at: int, form: str, number: int) -> bytes:
    """Change what the directory of the archive declares for a part."""
    entry = data.rindex(part.encode()) - 46 + at
    return data[:entry] + struct.pack(form, number) + data[entry + struct.calcsize(form) :]


BOMB = archive({"survey.csv": b"q,r\n" + b"1,2\n" * 1_000_000})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (BOMB, "unpacks to more than 2,000,000 bytes"),
        (lie(BOMB, "survey.csv", at=24, form="<L", number=100), "declares survey.csv smaller than it is"),
        (lie(archive(CENTRAL), "survey.csv", at=8, form="<H", number=1), "is locked with a password"),
        (lie(archive(CENTRAL), "survey.csv", at=10, form="<H", number=99), "is not a whole archive"),
        (archive(CENTRAL)[:-30], "is not a whole archive"),
        (archive(CENTRAL)[:60], "is not a whole archive"),
        (archive({"a.csv": "q\n1\n", "A.csv": "q\n1\n"}), "is not a whole archive"),
        (archive({"survey.csv": b"q,r\n" * 200 + b"1,\x002\n"}), "(survey) holds a zero byte on line 201"),
        (archive({"survey.csv": bytes(range(1, 256)) * 40}), "(survey) is not text"),
        (archive({"a.xlsx": b"PK", "media/list.csv": "a\n"}), "is an archive but not an Excel workbook"),
    ],
)
def test_what_would_break_the_parser_is_refused_before_a_child_is_started(
    data: bytes, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "CHILD", Path("there is no child"))
    assert refused(data, Limits(unpacked_bytes=2_000_000)).startswith(f"export.zip {sentence}")


def test_attachments_count_for_nothing() -> None:
    data = archive({"survey.csv": "q,r\n1,2\n", "media/film.mp4": bytes(3_000_000)})
    guard_zip.guard(io.BytesIO(data), name="export.zip", limits=Limits(unpacked_bytes=100))


def test_a_path_in_a_name_is_only_a_name() -> None:
    data = archive({"../../etc/passwd.csv": "q,r\n1,2\n"})
    assert [part["sheet"] for part in guard_zip.guard(io.BytesIO(data), name="x.zip", limits=Limits())] == ["passwd"]
