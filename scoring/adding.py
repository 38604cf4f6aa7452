"""Totals of two batches of one sample, as if they had been reduced together."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from scoring.cells import CellTotals
from scoring.design import Floats, Integers
from scoring.errors import DesignError
from scoring.units import PART, Units


def together(first: Units, second: Units, *, nested: bool) -> tuple[Units, tuple[Integers, Integers]]:
    """The units of two batches together, and where the units of each went; rows are not kept.

    Parameters
    ----------
    nested : bool
        Whether a PSU code may stand in two strata.

    Raises
    ------
    DesignError
        What one pass would refuse: a stratum or PSU with two populations or with fewer than were drawn, a PSU in two
        strata; and neighbours that were taken together in one batch.
    """
    if first.collapsed or second.collapsed:
        raise DesignError(
            "strata were taken together with neighbours before all batches were there; reduce them as one"
        )
    tables = [_table(part, number) for number, part in enumerate((first, second))]
    both = pd.concat(tables, ignore_index=True)
    for level, given in (("stratum", "fpc"), ("psu", "fpc_inside")):
        uneven = both.groupby(level)[given].nunique(dropna=False)
        if (uneven > 1).any():
            raise DesignError(f"two batches give {level} {_read(uneven.idxmax())} another {given}; mend one of them")
    codes = both["psu"].str.split(PART).str[1]
    astray = both.groupby(codes)["stratum"].nunique()
    if not nested and (astray > 1).any():
        where = sorted(both.loc[codes == astray.idxmax(), "stratum"].unique())
        raise DesignError(
            f"PSU {astray.idxmax()!r} stands in stratum {' and in '.join(map(repr, where))}; nest PSUs in their strata "
            "(nest=True, --nest) or mend the codes"
        )
    code = pd.factorize(both["unit"], sort=True)[0]
    rows = both.iloc[np.unique(code, return_index=True)[1]].reset_index(drop=True)
    psu, psu_keys = pd.factorize(rows["psu"], sort=True)
    of_psu = rows.iloc[np.unique(psu, return_index=True)[1]]
    stratum, names = pd.factorize(of_psu["stratum"], sort=True)
    of_stratum = of_psu.iloc[np.unique(stratum, return_index=True)[1]]
    _refuse_too_few(of_stratum["fpc"], np.bincount(stratum), names, "stratum")
    _refuse_too_few(of_psu["fpc_inside"], np.bincount(psu, minlength=len(psu_keys)), psu_keys, "PSU")
    joined = Units(
        row_unit=np.empty(0, dtype=np.int64),
        psu=psu,
        stratum=stratum,
        sampled=np.bincount(stratum),
        fpc=of_stratum["fpc"].to_numpy(),
        drawn_inside=np.bincount(psu, minlength=len(psu_keys)),
        fpc_inside=of_psu["fpc_inside"].to_numpy(),
        names=tuple(names),
        keys=tuple(rows["unit"]),
    )
    return joined, (code[: len(tables[0])], code[len(tables[0]) :])


def _read(key: object) -> str:
    return repr(" / ".join(str(key).split(PART)))


def _refuse_too_few(fpc: "pd.Series[float]", drawn: Integers, names: "pd.Index[Any]", what: str) -> None:
    over = np.flatnonzero((fpc.to_numpy() > 1) & (drawn > fpc.to_numpy()))
    if over.size:
        raise DesignError(
            f"fpc of {what} {_read(names[over[0]])} is {fpc.iloc[over[0]]:g}, but both batches have {drawn[over[0]]} "
            "units of it; give the number in the population"
        )


def _table(found: Units, number: int) -> pd.DataFrame:
    """Names and populations of each unit; respondents who are their own units are told apart by their batch."""
    stratum = np.array(found.names, dtype=object)[found.stratum[found.psu]]
    keys = found.keys or tuple(f"{name}{PART}{number}.{place}" for place, name in enumerate(stratum))
    return pd.DataFrame(
        {
            "stratum": stratum,
            "psu": [PART.join(key.split(PART)[:2]) for key in keys],
            "unit": keys,
            "fpc": found.fpc[found.stratum[found.psu]],
            "fpc_inside": found.fpc_inside[found.psu],
        }
    )


def added(first: CellTotals, second: CellTotals, units: tuple[Integers, Integers]) -> CellTotals:
    """Totals of two batches of respondents together.

    Parameters
    ----------
    units : pair of ndarray of int
        The unit of the whole for each unit of the first and of the second batch.
    """
    both = (first, second)
    keys = list(first.labels.columns)
    labels = pd.concat([part.labels for part in both]).drop_duplicates()
    labels = (labels.sort_values(keys, key=_as_numbers) if keys else labels).reset_index(drop=True)
    numbered = labels.assign(_cell=np.arange(len(labels)))
    places = [
        part.labels.merge(numbered, on=keys, how="left")["_cell"].to_numpy() if keys else np.zeros(1, dtype=np.int64)
        for part in both
    ]
    width = 1 + max(int(part.max(initial=0)) for part in units)
    codes = [place[part.cell] * width + unit[part.unit] for part, place, unit in zip(both, places, units, strict=True)]
    pairs, at = np.unique(np.concatenate(codes), return_inverse=True)
    adder = sparse.csr_array((np.ones(at.size), (at.ravel(), np.arange(at.size))), shape=(pairs.size, at.size))
    to_cells = np.concatenate(places)

    def by_cell(name: str) -> Floats:
        out = np.zeros((len(labels), first.base.shape[1]))
        np.add.at(out, to_cells, np.concatenate([getattr(part, name) for part in both]))
        return out

    def by_pair(name: str) -> Floats:
        return np.asarray(adder @ np.concatenate([getattr(part, name) for part in both]), dtype=np.float64)

    return replace(
        first,
        labels=labels,
        cell=pairs // width,
        unit=pairs % width,
        base=by_pair("base"),
        total=by_pair("total"),
        count=by_pair("count").astype(np.int64),
        tally=by_cell("tally"),
        square=by_cell("square"),
        weight=by_cell("weight"),
        largest=_largest_of(both, places, len(labels)),
        seen=_seen_by(both, places),
        kinds=_kinds_of(both, places, len(labels)),
    )


def _as_numbers(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Waves 9 and 10 in their order, as one pass has them."""
    numbers = pd.to_numeric(column, errors="coerce")
    return column if numbers.isna().any() else numbers


def _largest_of(both: Sequence[CellTotals], places: Sequence[Integers], size: int) -> Floats:
    """The two largest of the largest contributions of two batches."""
    four = np.zeros((2, size, *both[0].largest.shape[1:]))
    for number, (part, place) in enumerate(zip(both, places, strict=True)):
        four[number][place] = part.largest
    return np.sort(np.concatenate(list(four), axis=2), axis=2)[:, :, :-3:-1]


def _kinds_of(both: Sequence[CellTotals], places: Sequence[Integers], size: int) -> Integers | None:
    """Kinds of answers of two batches; none where one of them did not count them."""
    counted = [part.kinds for part in both if part.kinds is not None]
    if len(counted) < len(both):
        return None
    out = np.zeros((size, *counted[0].shape[1:]), dtype=np.int64)
    for kinds, place in zip(counted, places, strict=True):
        out[place] += kinds  # no cell stands twice in one batch
    return out


def _seen_by(both: Sequence[CellTotals], places: Sequence[Integers]) -> pd.DataFrame | None:
    seen = [
        part.seen.assign(cell=place[part.seen["cell"]])
        for part, place in zip(both, places, strict=True)
        if part.seen is not None
    ]
    if not seen:
        return None
    return pd.concat(seen).groupby(["cell", "who"], as_index=False)[["n"]].sum()
