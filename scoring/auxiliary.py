"""The sample as the margins of a calibration see it: respondents they cannot tell apart are one class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.design import Floats, Integers
from scoring.errors import DesignError, EstimationError
from scoring.margins import Calibration, Margin, refuse_absent, text

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """The sample as the margins see it: C classes of rows alike, p auxiliaries.

    Attributes
    ----------
    group : ndarray of int, shape (rows,)
        Class of each row; rows outside the sample (base weight 0) share a class without auxiliaries.
    table : ndarray of float, shape (C, p)
        A column for each category (0 or 1, or its share in the unit), for each numeric margin and the population size.
    q : ndarray of float, shape (C,)
        1 / variance of the working model.
    total : ndarray of float, shape (p,)
        Population totals.
    names : tuple of (margin, category), shape (p,)
    averaged : bool
        Whether each class is a unit that gets one weight.
    """

    group: Integers
    table: Floats
    q: Floats
    total: Floats
    names: tuple[tuple[str, str], ...]
    averaged: bool

    def sums(self, weight: Floats) -> Floats:
        """Weight of each class, shape (C,)."""
        return np.bincount(self.group, weights=weight, minlength=len(self.table)).astype(np.float64)

    def base(self, weight: Floats) -> Floats:
        """Base weights, averaged where a unit gets one weight; shape (rows,)."""
        if not self.averaged:
            return weight
        rows = np.maximum(np.bincount(self.group, minlength=len(self.table)), 1)
        return np.asarray((self.sums(weight) / rows)[self.group], dtype=np.float64)

    @property
    def margins(self) -> list[slice]:
        """The columns of each margin."""
        starts = [place for place, name in enumerate(self.names) if not place or name[0] != self.names[place - 1][0]]
        return [slice(*ends) for ends in zip(starts, [*starts[1:], len(self.names)], strict=True)]


def auxiliary_of(frame: pd.DataFrame, inside: Booleans, calibration: Calibration) -> Auxiliary:
    """Reduce the sample to classes; name every fault of its columns."""
    refuse_absent(frame, calibration.columns)
    sample = frame[inside]
    codes = [_codes(sample, margin) for margin in calibration.margins]
    variance = np.ones(len(sample))
    if calibration.variance is not None:
        variance = _numbers(sample, calibration.variance)
        if (variance <= 0).any():
            raise DesignError(
                f"variance {calibration.variance!r} is zero or negative in the sample; give it above zero"
            )
    if calibration.per_unit is not None:
        _refuse_missing(sample, calibration.per_unit, sample[calibration.per_unit].isna().to_numpy())
        group = pd.factorize(sample[calibration.per_unit])[0].astype(np.int64)
    elif calibration.variance is not None or any(code.dtype == np.float64 for code in codes):
        group = np.arange(len(sample))
    else:
        group = _classes(codes, len(sample))
    rows = np.bincount(group)
    columns = [
        column for code, margin in zip(codes, calibration.margins, strict=True) for column in _columns(code, margin)
    ]
    table = np.array([np.bincount(group, weights=column) / rows for column in columns]).reshape(-1, rows.size).T
    whole = np.full(len(frame), rows.size, dtype=np.int64)
    whole[inside] = group
    return Auxiliary(
        group=whole,
        table=np.vstack([table, np.zeros((1, table.shape[1]))]),
        q=np.append(rows / np.bincount(group, weights=variance), 1.0),
        total=np.array([total for margin in calibration.margins for total in margin.totals]),
        names=tuple((margin.name, label) for margin in calibration.margins for label in margin.labels),
        averaged=calibration.per_unit is not None,
    )


def _columns(code: Integers | Floats, margin: Margin) -> list[npt.NDArray[np.generic]]:
    """The auxiliaries of one margin, each of shape (rows,)."""
    return [code == place for place in range(len(margin.totals))] if margin.categories else [code]


def _classes(codes: Sequence[Integers | Floats], size: int) -> Integers:
    """Number the distinct combinations of these codes."""
    group = np.zeros(size, dtype=np.int64)
    for code in codes:
        group = pd.factorize(group * (int(code.max()) + 1) + code)[0].astype(np.int64)
    return group


def _codes(sample: pd.DataFrame, margin: Margin) -> Integers | Floats:
    """Category of each row in one margin, as a place among its totals; of a numeric margin the values."""
    if not margin.categories:
        return _numbers(sample, margin.columns[0]) if margin.columns else np.ones(len(sample), dtype=np.int64)
    parts = []
    for name in margin.columns:
        code, values = pd.factorize(sample[name])
        _refuse_missing(sample, name, code < 0)
        parts.append((code.astype(np.int64), [text(value) for value in values]))
    group = _classes([code for code, _ in parts], len(sample))
    first = np.unique(group, return_index=True)[1]
    places = {category: place for place, category in enumerate(margin.categories)}
    found = [tuple(values[code[row]] for code, values in parts) for row in first]
    unknown = next((key for key in found if key not in places), None)
    if unknown is not None:
        count = int((group == found.index(unknown)).sum())
        raise DesignError(
            f"margin {margin.name!r} has no total for {' / '.join(unknown)!r}, to which {count} respondents belong; "
            "give its total, or mend the codes"
        )
    absent = next(
        (label for key, label in zip(margin.categories, margin.labels, strict=True) if key not in found), None
    )
    if absent is not None:
        raise EstimationError(
            f"nobody in the sample belongs to category {absent!r} of margin {margin.name!r}; "
            "merge it with a neighbour, in the totals and in the data"
        )
    return np.array([places[key] for key in found], dtype=np.int64)[group]


def _numbers(sample: pd.DataFrame, name: str) -> Floats:
    numbers = pd.to_numeric(sample[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    _refuse_missing(sample, name, ~np.isfinite(numbers))
    return numbers


def _refuse_missing(sample: pd.DataFrame, name: str, missing: Booleans) -> None:
    if missing.any():
        raise DesignError(
            f"{name!r} of the calibration is empty or no number in {int(missing.sum())} of {len(sample)} respondents; "
            "fill it in, give them a category of their own, or weight 0"
        )
