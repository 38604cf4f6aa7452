"""Parquet inside the process that parses: rows of a file of columns as texts, a batch at a time.

The child runs this file by its path, so it imports nothing of ours; pyarrow is loaded only where a file needs it.
"""

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, BinaryIO

BATCH = 5_000
LONGEST_KIND = 60
#: Libraries that set memory aside for each thread would pass the limit of memory before they begin.
FRUGAL = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
SINGLE = ("null", "boolean", "integer", "floating", "decimal", "temporal", "string", "large_string", "string_view")

# pyarrow carries no types: what is its own is Any here.


def opened(stream: BinaryIO) -> Any:  # noqa: ANN401
    """Read the end of a Parquet file, which says what its columns are."""
    os.environ.update(FRUGAL)
    return import_module("pyarrow.parquet").ParquetFile(stream)


def unfit(file: Any) -> tuple[str, str] | None:  # noqa: ANN401
    """Name and kind of the first column that holds more than a single text, number, day or time in a cell."""
    schema = file.schema_arrow
    return next(((field.name, str(field.type)[:LONGEST_KIND]) for field in schema if not _single(field.type)), None)


def rows(file: Any, words: Callable[[object], str]) -> Iterator[list[str]]:  # noqa: ANN401
    """Rows as texts, "" for a missing value; `words` puts whatever is no text into words."""
    for batch in file.iter_batches(batch_size=BATCH, use_threads=False):
        columns = [[_text(value, words) for value in _values(column)] for column in batch.columns]
        yield from map(list, zip(*columns, strict=True))


def _text(value: object, words: Callable[[object], str]) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None or str(value) == "nan" else words(value)


def _single(kind: Any) -> bool:  # noqa: ANN401
    types = import_module("pyarrow").types
    if types.is_dictionary(kind):
        return _single(kind.value_type)
    return any(getattr(types, f"is_{test}")(kind) for test in SINGLE)


def _values(column: Any) -> list[object]:  # noqa: ANN401
    """Values of a column as Python holds them: times to the microsecond, 0.1 of 32 bits as 0.1."""
    arrow = import_module("pyarrow")
    types, kind = arrow.types, column.type
    if types.is_dictionary(kind):
        return _values(column.dictionary_decode())
    if types.is_timestamp(kind):
        column = column.cast(arrow.timestamp("us", tz=kind.tz), safe=False)
    elif types.is_time64(kind):
        column = column.cast(arrow.time64("us"), safe=False)
    elif types.is_duration(kind):
        column = column.cast(arrow.duration("us"), safe=False)
    elif types.is_floating(kind):
        column = column.cast(arrow.string()).cast(arrow.float64())
    return list(column.to_pylist())
