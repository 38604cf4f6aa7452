"""Differences between two published figures of one wave: of places, groups, agencies; second less first.

Cells that were asked in different shifts are independent, and their figures tell the chance of the difference. Of those
that were asked in the same shifts the release holds the differences, with their covariance, or none is given.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from app.workflow import results
from app.workflow.describing import SIDE
from app.workflow.document import Facets, Release
from scoring.compare import DOUBTS
from scoring.errors import RequestError
from scoring.mask.publication import upward
from scoring.verdicts import change_of_figures

MEASURE = "measure"  # stands for the agencies' indicators where a facet is named
ON_SCALE = ("points", "%")
FIGURES = ["estimate", "se", "df", "low", "high", "n", "status", "reason", "p"]
Pairs = Sequence[tuple[str, str]]


def strata(release: Release) -> frozenset[str]:
    """Facets whose cells were asked in different shifts; a post lies on one side."""
    named = frozenset(release.document.note.get("strata", "").split(" x "))
    return named | {SIDE} if "post" in named else named


def agencies(release: Release, *, side: str, wave: str) -> tuple[tuple[str, str], ...]:
    """Indicators of two agencies whose difference the release holds."""
    table = _kept(release, side, wave, MEASURE)
    return tuple(zip(table["first"], table["second"], strict=True))


def of_cells(release: Release, cells: pd.DataFrame, by: Facets, pairs: Pairs | None) -> pd.DataFrame:
    """Differences of each pair of values of the last facet, every two of them by default, by all measures of `cells`.

    Parameters
    ----------
    cells : DataFrame
        Published scores of one wave by these facets.

    Returns
    -------
    DataFrame
        `wave`, the other facets, `between`, `first`, `second`, `measure`, figures and `p`, each row with its own test.

    Raises
    ------
    RequestError
        A pair does not name two of the values, or there are not two.
    """
    asked = _paired(release, cells, by, pairs)
    return (_apart if by[-1] in strata(release) else _together)(release, cells, by, asked)


def _paired(release: Release, cells: pd.DataFrame, by: Facets, pairs: Pairs | None) -> list[tuple[str, str]]:
    """Pairs of values of the last facet, in the order of the questionnaire where none are named."""
    present = set(cells[by[-1]])
    order = next((list(cut.values) for cut in release.document.cuts if cut.facets == by), [])
    known = [value for value in [*order, *sorted(present - set(order))] if value in present]
    return _chosen(pairs, known, list(combinations(known, 2)))


def _chosen(pairs: Pairs | None, known: Iterable[str], every: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs that are named, each of two known values; or every one."""
    values = set(known)
    for first, second in pairs or ():
        if first == second or not {first, second} <= values:
            raise RequestError(f"pair {first!r} and {second!r}: name two of {', '.join(sorted(values))}")
    found = every if pairs is None else list(pairs)
    if not found:
        raise RequestError("there are no two figures to compare here; choose another table, wave or side")
    return found


def _side_by_side(cells: pd.DataFrame, by: Facets, pairs: Pairs) -> pd.DataFrame:
    """Published figures of both cells of each pair, `_0` and `_1`; other facets and measure alike."""
    facet, rest = by[-1], [name for name in by if name != by[-1]]
    figures = cells[[*by, "measure", "wave", "estimate", "se", "df", "n", "reason"]]
    named = pd.DataFrame(pairs, columns=["first", "second"])
    left = named.merge(figures, left_on="first", right_on=facet)
    keys = [*rest, "measure", "wave"]
    both = left.merge(
        figures, left_on=["second", *keys], right_on=[facet, *keys], suffixes=("_0", "_1"), validate="many_to_one"
    )
    order = {code: place for place, code in enumerate(dict.fromkeys(cells["measure"]))}
    both = both.sort_values("measure", key=lambda codes: codes.map(order), kind="stable", ignore_index=True)
    return both.assign(between=facet, n=both[["n_0", "n_1"]].min(axis=1))


def _apart(release: Release, cells: pd.DataFrame, by: Facets, pairs: Pairs) -> pd.DataFrame:
    """Differences of cells that share no shift, from the figures alone."""
    both = _side_by_side(cells, by, pairs)
    made = change_of_figures(*(both[[f"{name}_{end}" for name in ("estimate", "se", "df")]] for end in (0, 1)))
    rows = pd.concat([both, made.drop(columns="t")], axis=1)
    for end in (0, 1):
        doubted = both[f"reason_{end}"].isin(DOUBTS) & (rows["reason"] == "") & (rows["status"] == "ok")
        rows["reason"] = rows["reason"].where(~doubted, both[f"reason_{end}"])
    rows = without(rows, rows["estimate"].isna(), "suppressed", "hidden_score")
    return rounded(release, rows)[_columns(by)]


def _together(release: Release, cells: pd.DataFrame, by: Facets, pairs: Pairs) -> pd.DataFrame:
    """Differences of cells that share shifts, as the release holds them."""
    both = _side_by_side(cells, by, pairs)
    if by[2:]:  # only groups of whole sides are studied
        kept = pd.DataFrame(columns=["first", "second", "measure", *FIGURES[:5], "p"])
    else:
        side, wave = str(cells[SIDE].iloc[0]), str(cells["wave"].iloc[0])
        kept = _both_ways(_kept(release, side, wave, by[-1]))
    rows = both.merge(kept, on=["first", "second", "measure"], how="left")
    hidden = rows[["estimate_0", "estimate_1"]].isna().any(axis=1)
    return _with_status(rows, hidden)[_columns(by)]


def of_measures(release: Release, side: str, wave: str, measures: Sequence[str], pairs: Pairs | None) -> pd.DataFrame:
    """Differences of the agencies' indicators, as the release holds them."""
    known = agencies(release, side=side, wave=wave)
    codes = set(measures) or {code for pair in known for code in pair}
    asked = _chosen(pairs, codes, [pair for pair in known if set(pair) <= codes])
    scores = results.scored(release, (SIDE,))
    scores = scores[(scores[SIDE] == side) & (scores["wave"] == wave)].set_index("measure")
    rows = pd.DataFrame(asked, columns=["first", "second"])
    rows = rows.merge(_both_ways(_kept(release, side, wave, MEASURE)), on=["first", "second"], how="left")
    ends = [scores[["estimate", "n"]].reindex(rows[name]).reset_index(drop=True) for name in ("first", "second")]
    hidden = ends[0]["estimate"].isna() | ends[1]["estimate"].isna()
    rows = rows.assign(
        wave=wave, side=side, measure="", between=MEASURE, n=np.fmin(ends[0]["n"], ends[1]["n"])
    )  # fmt: skip
    return _with_status(rows, hidden)[_columns((SIDE, MEASURE))]


def _kept(release: Release, side: str, wave: str, between: str) -> pd.DataFrame:
    """Differences that the release holds with their covariance."""
    columns = ["measure", "first", "second", *FIGURES[:5], "p"]
    table = release.document.studies.get("differences", pd.DataFrame())
    if table.empty:
        return pd.DataFrame(columns=columns)
    own = (table[SIDE] == side) & (table["wave"] == wave) & (table["between"] == between)
    return table.loc[own, columns].reset_index(drop=True)


def _both_ways(kept: pd.DataFrame) -> pd.DataFrame:
    """The same differences told forwards and backwards."""
    turned = {"first": kept["second"], "second": kept["first"], "low": 0.0 - kept["high"], "high": 0.0 - kept["low"]}
    return pd.concat([kept, kept.assign(estimate=0.0 - kept["estimate"], **turned)], ignore_index=True)


def _with_status(rows: pd.DataFrame, hidden: "pd.Series[bool]") -> pd.DataFrame:
    """Rows of kept differences, with why some have no figure or no test."""
    rows = rows.astype(dict.fromkeys([*FIGURES[:5], "p"], "float64"))
    rows = rows.assign(status=np.where(rows["p"].notna(), "ok", "undefined"), reason="")
    untested = rows["p"].isna() & rows["estimate"].notna()
    rows["reason"] = rows["reason"].mask(untested, "no_spread")
    rows = without(rows, rows["estimate"].isna() & ~hidden, "undefined", "asked_together")
    return without(rows, hidden, "suppressed", "hidden_score")


def _columns(by: Facets) -> list[str]:
    rest = [name for name in by[:-1] if name != MEASURE]
    return ["wave", *rest, "between", "first", "second", "measure", *FIGURES]


def without(rows: pd.DataFrame, where: "pd.Series[bool]", status: str, reason: str) -> pd.DataFrame:
    """Rows without any figure where nothing may be shown, and why."""
    out = rows.copy()
    out.loc[where, ["estimate", "se", "df", "low", "high", "n", "p"]] = np.nan
    out.loc[where, ["status", "reason"]] = [status, reason]
    return out


def rounded(release: Release, rows: pd.DataFrame, *, more: int = 0) -> pd.DataFrame:
    """Figures as coarse as those they are made of, `more` decimals for slopes; p from before the rounding."""
    units = {one.code: one.unit for one in release.document.measures}
    on_scale = rows["measure"].map(units).isin(ON_SCALE).to_numpy()[:, None]
    ends = ["estimate", "low", "high"]
    out = rows.copy()
    out[ends] = np.where(on_scale, rows[ends].round(1 + more), rows[ends].round(2 + more)) + 0.0
    out["df"] = np.floor(rows["df"])
    out["se"] = upward(rows["se"].to_numpy(dtype=np.float64))
    return out
