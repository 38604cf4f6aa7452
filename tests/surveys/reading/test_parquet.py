"""Parquet: rows as the texts that a spreadsheet of the same answers would hold."""

import datetime as dt
import io
from dataclasses import asdict
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet

from surveys.errors import ReadingError
from surveys.reading import Limits, child, process, read_bytes

MOMENT = dt.datetime(2026, 5, 1, 13, 2, 3, 4, tzinfo=dt.UTC)


def written(columns: dict[str, pa.Array], **options: object) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pa.table(columns), stream, **options)
    return stream.getvalue()


def in_process(data: bytes, limits: Limits | None = None) -> process.Delivery:
    """What the child would hand over, without starting one."""
    order = {"format": "parquet", "sheet": None, "every": False, "limits": asdict(limits or Limits())}
    out = io.BytesIO()
    child.obey(order, io.BytesIO(data), out)
    out.seek(0)
    return process.receive(out, form="parquet", most=10**9)


def texts(column: pa.Array) -> list[str]:
    return list(in_process(written({"key": pa.array(["k"] * len(column)), "q": column})).tables[0].frame[1])


def test_a_parquet_file_is_read_by_the_child_with_its_rows_numbered_from_two() -> None:
    data = written({"post": pa.array(["Хорог", "هرات"]), "wait": pa.array([3, None])})
    table = read_bytes(data, "wave.parquet")
    assert table.columns == ("post", "wait")
    assert table.frame.to_numpy().tolist() == [["Хорог", "3"], ["هرات", ""]]
    assert (list(table.lines), table.format, table.sheet) == ([2, 3], "parquet", "")


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([2**62, -1, None]), [str(2**62), "-1", ""]),
        (pa.array([2.0, 0.1, None, float("nan"), 1e300]), ["2", "0.1", "", "", "1e+300"]),
        (pa.array([0.1, 3.0], pa.float32()), ["0.1", "3"]),
        (pa.array([True, False, None]), ["True", "False", ""]),
        (pa.array([Decimal("12.50")]), ["12.50"]),
        (pa.array(["yes", None, "nan", " "]).dictionary_encode(), ["yes", "", "nan", " "]),
        (pa.array([dt.date(2026, 5, 1)]), ["2026-05-01"]),
        (pa.array([dt.time(13, 2, 3)], pa.time64("ns")), ["13:02:03"]),
        (pa.array([1_777_640_523_000_004_999], pa.timestamp("ns")), ["2026-05-01T13:02:03.000004"]),
        (pa.array([MOMENT], pa.timestamp("us", tz="Asia/Dushanbe")), ["2026-05-01T18:02:03.000004+05:00"]),
        (pa.array([dt.timedelta(hours=3)], pa.duration("ns")), ["3:00:00"]),
        (pa.array(["x"], pa.large_string()), ["x"]),
        (pa.nulls(2), ["", ""]),
    ],
)
def test_each_kind_of_value_is_the_text_a_reader_sees(column: pa.Array, words: list[str]) -> None:
    assert texts(column) == words


def test_blank_rows_are_left_out_but_counted_over_row_groups() -> None:
    column = pa.array([str(n) if n % 3 else None for n in range(20)])
    table = in_process(written({"q": column}, row_group_size=4)).tables[0]
    assert table.frame[0].tolist() == [str(n) for n in range(20) if n % 3]
    assert list(table.lines) == [n + 2 for n in range(20) if n % 3]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array([[1, 2]]), "list<element: int64>"),
        (pa.array([{"a": 1}]), "struct<a: int64>"),
        (pa.array([b"\x00"]), "binary"),
    ],
)
def test_a_column_with_more_than_one_value_in_a_cell_is_refused_by_name(column: pa.Array, kind: str) -> None:
    refused = in_process(written({"key": pa.array(["k"]), "q": column})).refused
    assert refused == {"code": "kind", "params": {"column": "q", "kind": kind}}


def test_more_rows_or_columns_than_the_limits_are_refused_before_they_are_read() -> None:
    # A million equal rows are a few hundred bytes.
    data = written({"q": pa.repeat(pa.scalar("x"), 1_000_000), "r": pa.nulls(1_000_000)})
    assert len(data) < 10_000
    assert in_process(data, Limits(rows=999_999)).refused == {"code": "rows", "params": {"limit": 999_999}}
    assert in_process(data, Limits(columns=1)).refused == {"code": "columns", "params": {"columns": 2, "limit": 1}}


def test_a_damaged_file_is_refused_in_a_sentence() -> None:
    data = written({"q": pa.array([str(n) for n in range(2000)])})
    cut, torn = data[:-20], data[:40] + bytes(60) + data[100:]
    assert [in_process(part).refused.get("code") for part in (cut, torn)] == ["damaged", "damaged"]
    with pytest.raises(ReadingError, match=r"^wave\.parquet cannot be read as what it says it is"):
        read_bytes(cut, "wave.parquet")


@pytest.mark.parametrize(
    ("data", "name", "sheet", "sentence"),
    [
        (b"a,b\n1,2\n", "wave.parquet", None, "is named .parquet but is no such file"),
        (b"PAR1" + bytes(50), "wave.csv", None, "is named .csv but holds a workbook or an archive"),
        (b"PAR1" + bytes(50), "wave.parquet", "main", "is one table and has no sheets"),
    ],
)
def test_a_name_or_a_sheet_that_contradicts_the_bytes_is_refused(
    data: bytes, name: str, sheet: str | None, sentence: str
) -> None:
    with pytest.raises(ReadingError) as caught:
        read_bytes(data, name, sheet=sheet)
    assert str(caught.value).startswith(f"{name} {sentence}")
