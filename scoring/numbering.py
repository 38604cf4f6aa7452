"""Rows of a table -> numbers of its distinct rows, without hashing or sorting where whole numbers allow it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from scoring.design import Integers

SPARSE = 8  # numbers for each respondent up to which a table of all of them is smaller than one of hashes
FARTHEST = 2**62  # products of codes stay below this


def whole(column: "pd.Series[Any]") -> Integers | None:
    """A column of whole numbers counted from its smallest; None for what needs the grouping of pandas."""
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "iu" or not len(column):
        return None
    values = column.to_numpy()
    low, high = int(values.min()), int(values.max())
    if max(high, high - low) >= FARTHEST:
        return None
    counted = values.astype(np.int64, copy=False)
    return counted - low if low else counted


def numbered(codes: Sequence[Integers]) -> Integers:
    """Number the distinct rows of codes >= -1, in their order."""
    spans = [(int(code.min(initial=0)), int(code.max(initial=0)) + 1) for code in codes]
    key, size = codes[0], spans[0][1] - spans[0][0]
    if spans[0][0] or len(codes) > 1:
        key = key - spans[0][0]  # a copy, of which the others are made part below
    for code, (low, end) in zip(codes[1:], spans[1:], strict=True):
        if size * (end - low) > FARTHEST:
            key = pd.factorize(key, sort=True)[0].astype(np.int64)
            size = int(key.max(initial=-1)) + 1
        key *= end - low
        key += code
        if low:
            key -= low
        size *= end - low
    return _marked(key, size) if size <= SPARSE * (key.size + 1) else pd.factorize(key, sort=True)[0].astype(np.int64)


def a_row(number: Integers) -> Integers:
    """A row of each number, without the sort that a search for the first would take."""
    starts = np.flatnonzero(number[1:] != number[:-1]) + 1  # of runs: rows of one unit often stand together
    row = np.zeros(int(number.max(initial=-1)) + 1, dtype=np.int64)
    row[number[starts]] = starts
    row[number[:1]] = 0
    return row


def _marked(key: Integers, size: int) -> Integers:
    """Number the values that occur among `size` by marking them: four times faster than a table of hashes."""
    occurs = np.zeros(size, dtype=np.bool_)
    occurs[key] = True
    return key if occurs.all() else (np.cumsum(occurs) - 1)[key]
