"""Contrasts beside the change of one score: between posts, groups and agencies of a wave, and trends over waves."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.compare import Judging, in_family, judgeable, p_values, refuse_unfit, smooth_places, tested
from scoring.contract import FIGURES
from scoring.design import Floats
from scoring.errors import RequestError
from scoring.estimates import Estimates, combine, contrast, covariance, flattened, variance
from scoring.framework import Framework
from scoring.indices import answers, assemble
from scoring.intervals import intervals
from scoring.strata import DfRule
from scoring.totals import Totals

Method = Literal["contrast", "gls"]
ENOUGH = 30.0  # df from which an estimated covariance may choose the weights of waves
FEWEST = 3  # waves that make a trend
Pairs = Sequence[tuple[str, str]]


def differences(
    totals: Totals,
    framework: Framework,
    *,
    measure: str | Sequence[str],
    by: str | Sequence[str],
    between: str,
    pairs: Pairs | None = None,
    sides: Mapping[str, str] | None = None,
    note: str = "",
    adjust: Judging = "holm",
    df: DfRule = "satterthwaite",
    level: float = 0.95,
    seed: int | None = None,
) -> pd.DataFrame:
    """Differences between the posts of a side, or other groups, in one wave; second less first.

    Parameters
    ----------
    measure : str or sequence of str
    by : str or sequence of str
        A declared facet set.
    between : str
        The one of its facets whose values are compared; all others, and the wave, are alike in a pair.
    pairs : sequence of (first, second), optional
        By default every two values.
    sides : mapping of value to side, optional
        Of each value of `between`, where the facet set does not hold the side itself.
    note : str
        The comparability note that was declared. Without one no level of one side is set against that of the other:
        fear and refusal differ by side.
    adjust, df, level, seed
        As in `compare.change`; the family is all rows.

    Returns
    -------
    DataFrame
        `wave`, the other facets, `between`, `first`, `second`, the contract's figures (symmetric t interval), `p`,
        `p_adjusted`, `clear`, with max-t `low_together` and `high_together`, and `note`. People who are asked in the
        same shifts have their covariance counted.

    Raises
    ------
    RequestError
        Levels of two sides are compared without a note, sides are not known, or a pair does not exist.
    """
    facets = (by,) if isinstance(by, str) else tuple(by)
    wanted = (measure,) if isinstance(measure, str) else tuple(dict.fromkeys(measure))
    refuse_unfit(framework, wanted, facets)
    _refuse_sides(facets, between, sides, note)
    scores = assemble(totals, framework, facets)
    labels = scores.cells.labels.reset_index(drop=True)
    cells = np.array(list(_paired(labels, facets, between, pairs, sides if not note.strip() else None)), dtype=np.int64)
    if not cells.size:
        raise RequestError(f"no two values of {between} stand in one wave and the same cell; compare others")
    chosen = smooth_places(scores, wanted)
    moved = contrast(scores.estimates, cells, np.array([-1.0, 1.0])).take(chosen)
    rows, known = tested(moved, answers(scores)[cells].min(axis=1)[:, chosen], df=df, level=level)
    rest = ["wave", *(name for name in facets if name != between)]
    table = labels.loc[cells[:, 0], rest].reset_index(drop=True)
    table = table.assign(
        between=between, first=labels[between].to_numpy()[cells[:, 0]], second=labels[between].to_numpy()[cells[:, 1]]
    )
    table = _with_measures(table, wanted, rows)[[*table.columns, *FIGURES, "p"]]
    return in_family(table, moved, known, adjust=adjust, seed=seed, df=df, level=level).assign(note=note.strip())


def differences_of_measures(
    totals: Totals,
    framework: Framework,
    *,
    pairs: Pairs,
    by: str | Sequence[str] | None = None,
    adjust: Judging = "holm",
    df: DfRule = "satterthwaite",
    level: float = 0.95,
    seed: int | None = None,
) -> pd.DataFrame:
    """Differences between measures of the same people, as of items asked of each agency; second less first.

    Who thinks well of one agency thinks well of the other: that covariance is in the standard error.

    Parameters
    ----------
    pairs : sequence of (first, second)
        Codes of measures on one scale.
    by : str or sequence of str, optional
        A declared facet set.

    Returns
    -------
    DataFrame
        As `differences`, with `between` "measure" and the two codes as `first` and `second`; all cells are the family.
    """
    facets = (by,) if isinstance(by, str) else tuple(by or ())
    codes = tuple(dict.fromkeys(code for pair in pairs for code in pair))
    if not codes or any(first == second for first, second in pairs):
        raise RequestError("pairs name two different measures each, such as (waiting_customs, waiting_guards)")
    refuse_unfit(framework, codes, facets)
    scores = assemble(totals, framework, facets)
    place = dict(zip(codes, smooth_places(scores, codes), strict=True))
    for first, second in pairs:
        if scores.bounded[place[first]] != scores.bounded[place[second]]:
            raise RequestError(f"{first} and {second} are on different scales; compare two scores or two amounts")
    loadings = np.zeros((len(pairs), len(scores.measures)))
    for row, (first, second) in enumerate(pairs):
        loadings[row, [place[first], place[second]]] = -1.0, 1.0
    moved = combine(scores.estimates, loadings)
    n = answers(scores)
    n = np.column_stack([n[:, [place[first], place[second]]].min(axis=1) for first, second in pairs])
    rows, known = tested(moved, n, df=df, level=level)
    labels = scores.cells.labels[["wave", *facets]]
    table = labels.loc[labels.index.repeat(len(pairs))].reset_index(drop=True).assign(between="measure", measure="")
    for place_, name in enumerate(("first", "second")):
        table[name] = [pair[place_] for _ in range(len(labels)) for pair in pairs]
    table = pd.concat([table, rows], axis=1)
    table = table[["wave", *facets, "between", "first", "second", *FIGURES, "p"]]
    return in_family(table, moved, known, adjust=adjust, seed=seed, df=df, level=level).assign(note="")


def trend(
    totals: Totals,
    framework: Framework,
    *,
    measure: str | Sequence[str],
    times: Mapping[str, float],
    by: str | Sequence[str] | None = None,
    method: Method = "contrast",
    adjust: Judging = "holm",
    df: DfRule = "satterthwaite",
    level: float = 0.95,
    seed: int | None = None,
) -> pd.DataFrame:
    """Slope of each score over three or more waves, cell by cell.

    ``b = sum_t c_t theta_t`` with ``c_t = (t - mean t) / sum (t - mean t)^2``: the least-squares line through the waves
    as a contrast with its design-based standard error. With "gls" the weights are those of generalised least squares,
    the slope row of ``(X'V^-1 X)^-1 X'V^-1``, V the design covariance of the waves, where the contrast has 30 df or
    more: an estimated V of fewer chooses weights by chance, and its standard error is too small.

    Parameters
    ----------
    times : mapping of wave to float
        When each wave was, in the unit that the slope is per, such as years.
    method : {"contrast", "gls"}

    Returns
    -------
    DataFrame
        `wave` (the last), `since` (the first), facets, the contract's figures with the slope as `estimate`, `p`,
        `p_adjusted`, `clear`, and `method`: what was used in that row. Cells that lack a wave are left out.
    """
    facets = (by,) if isinstance(by, str) else tuple(by or ())
    wanted = (measure,) if isinstance(measure, str) else tuple(dict.fromkeys(measure))
    if method not in get_args(Method):
        raise RequestError(f"method is {method!r}; it may be {', '.join(get_args(Method))}")
    refuse_unfit(framework, wanted, facets)
    scores = assemble(totals, framework, facets)
    waves = sorted(times, key=lambda wave: times[wave])
    when = np.array([times[wave] for wave in waves], dtype=np.float64)
    labels, cells = _series(scores.cells.labels, facets, waves, when)
    chosen = smooth_places(scores, wanted)
    places = [(int(cell), column) for row in cells for column in chosen for cell in row]
    flat = flattened(scores.estimates, places)
    weights = np.tile((when - when.mean()) / ((when - when.mean()) ** 2).sum(), (len(labels) * len(wanted), 1))
    used = np.full(len(weights), "contrast", dtype=object)
    if method == "gls":
        enough = np.flatnonzero(variance(combine(flat, _blocks(weights))).df(df)[0] >= ENOUGH)
        for row in enough:
            weights[row] = _gls(flat, range(row * when.size, (row + 1) * when.size), when)
        used[enough] = "gls"
    moved = combine(flat, _blocks(weights))
    n = answers(scores)[cells].min(axis=1)[:, chosen].reshape(1, -1)
    rows, known = tested(moved, n, df=df, level=level)
    table = _with_measures(labels.assign(wave=waves[-1], since=waves[0]), wanted, rows)
    table = table[["wave", "since", *facets, *FIGURES, "p"]]
    return in_family(table, moved, known, adjust=adjust, seed=seed, df=df, level=level).assign(method=used)


def trend_of_figures(
    estimates: npt.ArrayLike,
    errors: npt.ArrayLike,
    freedoms: npt.ArrayLike,
    times: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    """Slope of figures over three or more waves of independent samples, from the figures alone.

    ``b = sum_t c_t theta_t`` with the weights of `trend`, ``se^2 = sum_t c_t^2 se_t^2`` and Satterthwaite's
    ``df = se^4 / sum_t (c_t^2 se_t^2)^2 / df_t``: the same as `trend` where no PSU is in two waves.

    Parameters
    ----------
    estimates, errors, freedoms : array_like of float, shape (m, waves)
        NaN where a figure is not shown: there is no slope then.
    times : array_like of float, shape (waves,)
        In the unit that the slope is per, such as years.
    level : float

    Returns
    -------
    DataFrame
        `estimate`, `se`, `df`, `low`, `high`, `p`, `status`, `reason`, a row each.

    Raises
    ------
    RequestError
        Shapes do not agree, or there are not three times.
    """
    theta, se, df = (np.asarray(one, dtype=np.float64) for one in (estimates, errors, freedoms))
    when = np.asarray(times, dtype=np.float64)
    if not (theta.shape == se.shape == df.shape and theta.shape[1:] == when.shape):
        raise RequestError(f"figures have shapes {theta.shape}, {se.shape} and {df.shape}; give one each a wave")
    if np.unique(when).size < FEWEST:
        raise RequestError(f"a trend needs three waves at different times, these are {when.size}; test their change")
    weights = (when - when.mean()) / ((when - when.mean()) ** 2).sum()
    value, parts = theta @ weights, (weights * se) ** 2
    counts = weights != 0
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = parts.sum(axis=1) ** 2 / np.nansum(np.where(counts, parts**2 / df, 0.0), axis=1)
    freedom = np.where((df[:, counts] > 0).all(axis=1), freedom, 0.0)
    error = np.sqrt(parts.sum(axis=1))
    known, reason = judgeable(value, error, freedom, sampled=True)
    low, high = (
        np.where(known, limit, np.nan) for limit in intervals(value, error, freedom, interval="t", level=level)
    )
    return pd.DataFrame(
        {
            "estimate": value,
            "se": error,
            "df": freedom,
            "low": low,
            "high": high,
            "p": p_values(value, error, np.where(known, freedom, np.nan)),
            "status": np.where(known, "ok", "undefined"),
            "reason": reason,
        }
    )


def _refuse_sides(facets: tuple[str, ...], between: str, sides: Mapping[str, str] | None, note: str) -> None:
    if between not in facets:
        raise RequestError(f"between is {between!r}; it has to be one of the facets: {', '.join(facets)}")
    if note.strip():
        return
    if between == "side":
        raise RequestError(
            "levels of two sides are not compared: fear and refusal differ by side; compare each side's own change, "
            "or declare a comparability note"
        )
    if between == "post" and "side" not in facets and sides is None:
        raise RequestError("posts are compared within a side; give the side of each post, or a facet set that holds it")


def _paired(
    labels: pd.DataFrame, facets: tuple[str, ...], between: str, pairs: Pairs | None, sides: Mapping[str, str] | None
) -> Iterator[tuple[int, int]]:
    """Numbers of the two cells of each pair, wave by wave."""
    value = labels[between].astype(str).to_numpy()
    for first, second in pairs or ():
        unknown = [name for name in (first, second) if name not in value]
        if unknown or first == second:
            raise RequestError(f"pair {first!r} and {second!r}: name two of {', '.join(sorted(set(value)))}")
        if _across(sides, first, second):
            raise RequestError(
                f"{first} and {second} are not on one side; declare a comparability note, or compare others"
            )
    rest = ["wave", *(name for name in facets if name != between)]
    for _, own in labels.groupby(rest, sort=False):
        place = {value[cell]: int(cell) for cell in own.index}
        for first, second in combinations(place, 2) if pairs is None else pairs:
            if first in place and second in place and not _across(sides, first, second):
                yield place[first], place[second]


def _across(sides: Mapping[str, str] | None, first: str, second: str) -> bool:
    if sides is None:
        return False
    unknown = [name for name in (first, second) if name not in sides]
    if unknown:
        raise RequestError(f"the side of {unknown[0]!r} is not given; give that of every value compared")
    return sides[first] != sides[second]


def _with_measures(labels: pd.DataFrame, wanted: Sequence[str], rows: pd.DataFrame) -> pd.DataFrame:
    """Labels of each contrast beside its figures, measures fastest."""
    table = labels.loc[labels.index.repeat(len(wanted))].reset_index(drop=True)
    return pd.concat([table.assign(measure=np.tile(np.array(wanted, dtype=object), len(labels))), rows], axis=1)


def _series(
    labels: pd.DataFrame, facets: tuple[str, ...], waves: Sequence[str], when: Floats
) -> tuple[pd.DataFrame, np.ndarray[tuple[int, int], np.dtype[np.int64]]]:
    """Facets of each cell that stands in all waves, and its number in each."""
    absent = [wave for wave in waves if wave not in set(labels["wave"])]
    if absent:
        raise RequestError(f"there is no wave {absent[0]!r}; waves are {', '.join(sorted(labels['wave'].unique()))}")
    if np.unique(when).size < FEWEST:
        raise RequestError(f"a trend needs three waves at different times, these are {len(waves)}; test their change")
    numbered = labels.assign(_all=0, cell=np.arange(len(labels)))
    wide = numbered[numbered["wave"].isin(waves)].pivot_table(index=["_all", *facets], columns="wave", values="cell")
    wide = wide[list(waves)].dropna()
    if wide.empty:
        raise RequestError(f"no cell of {' '.join(facets)} stands in all of {', '.join(waves)}; choose other waves")
    return wide.index.to_frame(index=False).drop(columns="_all"), wide.to_numpy(dtype=np.int64)


def _blocks(weights: Floats) -> Floats:
    """Each row of weights over its own places, shape (rows, rows x waves)."""
    rows, waves = weights.shape
    out = np.zeros((rows, rows * waves))
    for row in range(rows):
        out[row, row * waves : (row + 1) * waves] = weights[row]
    return out


def _gls(flat: Estimates, places: range, when: Floats) -> Floats:
    """Weights of the waves in the slope of generalised least squares."""
    inverse = np.linalg.pinv(covariance(flat.take(list(places))))
    design = np.column_stack([np.ones(when.size), when])
    return np.asarray(np.linalg.solve(design.T @ inverse @ design, design.T @ inverse)[1])
