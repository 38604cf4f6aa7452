"""Contrasts of PSU scores: did a score change between waves, beyond what chance would do?"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from scoring.contract import Scorecard, columns
from scoring.design import Floats, Integers
from scoring.errors import EstimationError, RequestError
from scoring.estimates import DUST, Estimates, contrast, variance
from scoring.figures import doubts
from scoring.framework import Framework
from scoring.indices import Scores, answers, assemble, describe
from scoring.intervals import intervals
from scoring.maxt import of_estimates, of_figures, stepdown
from scoring.normalisation import FULL
from scoring.strata import DfRule
from scoring.totals import Totals

Adjust = Literal["none", "bonferroni", "holm", "hochberg", "hommel", "benjamini-hochberg", "benjamini-yekutieli"]
_METHODS = {
    "bonferroni": "bonferroni",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
    "benjamini-hochberg": "fdr_bh",
    "benjamini-yekutieli": "fdr_by",
}
Judging = Adjust | Literal["max-t"]
Flags = npt.NDArray[np.bool_]
CLEAR = 0.05
DOUBTS = ("few_df", "uneven_shifts")  # about the interval of either score, and so of their difference


def change(
    totals: Totals,
    framework: Framework,
    *,
    measure: str | Sequence[str],
    waves: tuple[str, str],
    by: str | Sequence[str] | None = None,
    adjust: Judging = "holm",
    df: DfRule = "satterthwaite",
    level: float = 0.95,
    seed: int | None = None,
) -> Scorecard:
    """Change of measures between two waves, cell by cell, with its test.

    Parameters
    ----------
    measure : str or sequence of str
    waves : (str, str)
        From and to.
    by : str or sequence of str, optional
        Each cell is compared with its own past.
    adjust : {"holm", "benjamini-hochberg", "max-t", "bonferroni", "hochberg", "hommel", "benjamini-yekutieli", "none"}
        Over the family of all rows of this call; see `judged_together`.
    df : {"satterthwaite", "design"}
    level : float
    seed : int, optional
        Of the draws of max-t, which needs them.

    Returns
    -------
    Scorecard
        The contract's columns with `wave` the later wave, `estimate` the difference and a symmetric t interval,
        and beside them `since`, `p`, `p_adjusted` and `clear` (p_adjusted < 0.05). The interval is of one row,
        `clear` is of the family: a row can be not clear although its own interval leaves out 0. With max-t
        `low_together` and `high_together` too, which cover all changes at once.
    """
    facets = (by,) if isinstance(by, str) else tuple(by or ())
    wanted = (measure,) if isinstance(measure, str) else tuple(dict.fromkeys(measure))
    refuse_unfit(framework, wanted, facets)
    scores = assemble(totals, framework, facets)
    labels, pairs = _pairs(scores.cells.labels, facets, waves)
    chosen = smooth_places(scores, wanted)
    moved = contrast(scores.estimates, pairs, np.array([-1.0, 1.0])).take(chosen)
    figures, known = tested(moved, answers(scores)[pairs].min(axis=1)[:, chosen], df=df, level=level)
    table = labels.loc[labels.index.repeat(len(wanted))].reset_index(drop=True)
    table = table.assign(since=waves[0], measure=np.tile(np.array(wanted, dtype=object), len(labels)))
    table = pd.concat([table, figures], axis=1)[[*columns(facets), "since", "p"]]
    return Scorecard(
        table=in_family(table, moved, known, adjust=adjust, seed=seed, df=df, level=level),
        evidence=pd.DataFrame({"top": np.tile(np.where(scores.bounded[chosen], FULL, np.nan), len(labels))}),
        facets=facets,
        provenance=describe(totals, framework, df=df, level=level) | {"adjust": adjust},
    )


def tested(moved: Estimates, n: Integers, *, df: DfRule, level: float) -> tuple[pd.DataFrame, Flags]:
    """Figures of contrasts, each with its own test against 0: symmetric t interval and two-sided p.

    Parameters
    ----------
    moved : Estimates
        Contrasts as estimates, values of shape (cells, m).
    n : ndarray of int, shape (cells, m)
        Answers that each rests on.
    df : {"satterthwaite", "design"}
    level : float

    Returns
    -------
    rows : DataFrame
        Cells slowest: the contract's figures and `p`.
    known : ndarray of bool, shape (cells, m)
        Where chance can be judged.
    """
    spread = variance(moved)
    value, se, freedom = moved.values, np.sqrt(spread.variance), spread.df(df)
    known, reason = judgeable(value, se, freedom, sampled=not moved.sample.units.census)
    for name, marked in doubts(spread).items() if df == "satterthwaite" else ():
        reason[known & marked & (reason == "")] = name
    low, high = (np.where(known, limit, np.nan) for limit in intervals(value, se, freedom, interval="t", level=level))
    figures = {
        "estimate": value,
        "se": np.where(np.isnan(value), np.nan, se),
        "df": freedom,
        "low": low,
        "high": high,
        "n": n,
        "n_eff": np.full(value.shape, np.nan),
        "deff": np.full(value.shape, np.nan),
        "status": np.where(known, "ok", "undefined"),
        "reason": reason,
        "p": p_values(value, se, np.where(known, freedom, np.nan)),
    }
    return pd.DataFrame({name: array.ravel() for name, array in figures.items()}), known


def in_family(
    rows: pd.DataFrame,
    moved: Estimates,
    known: Flags,
    *,
    adjust: Judging,
    seed: int | None,
    df: DfRule,
    level: float,
) -> pd.DataFrame:
    """Rows of `tested` as one family, see `judged_together`; max-t carries all that they have in common."""
    if adjust == "max-t":
        return _with_limits(rows, of_estimates(moved, known, seed=seed, df=df, level=level))
    return judged_together(rows, adjust=adjust)


def moves_between(rows: pd.DataFrame, facets: tuple[str, ...], *, since: str, wave: str) -> pd.DataFrame:
    """Changes of scores between two waves that share no PSU, from the scores alone; as `change` gives them.

    Parameters
    ----------
    rows : DataFrame
        Unrounded scores with `estimate`, `se`, `df` (Satterthwaite), `n`, `reason` and `top` (end of the scale).
    facets : tuple of str
    since, wave : str

    Returns
    -------
    DataFrame
        The contract's columns with `since`, `p` (of each row alone) and `top`; standard error and df as in `apart`.
    """
    keys = [*facets, "measure"]
    sides = [rows[rows["wave"] == name] for name in (since, wave)]
    both = sides[0].merge(sides[1], on=keys, suffixes=("_0", "_1"))
    first, second = (both[[f"se_{side}", f"df_{side}"]].to_numpy(dtype=np.float64).T for side in (0, 1))
    value = (both["estimate_1"] - both["estimate_0"]).to_numpy(dtype=np.float64)
    se, freedom = apart(first, second)
    known, reason = judgeable(value, se, freedom, sampled=True)
    for side in (0, 1):
        doubted = both[f"reason_{side}"].isin(DOUBTS).to_numpy()
        reason = np.where(known & doubted & (reason == ""), both[f"reason_{side}"], reason)
    low, high = (np.where(known, limit, np.nan) for limit in intervals(value, se, freedom, interval="t", level=0.95))
    table = both[keys].assign(
        wave=wave,
        since=since,
        estimate=value,
        se=se,
        df=freedom,
        low=low,
        high=high,
        n=both[["n_0", "n_1"]].min(axis=1),
        n_eff=np.nan,
        deff=np.nan,
        status=np.where(known, "ok", "undefined"),
        reason=reason,
        p=p_values(value, se, np.where(known, freedom, np.nan)),
        top=both["top_1"],
    )
    return table[[*columns(facets), "since", "p", "top"]]


def apart(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Standard error and df of the difference of independent figures, given as (se, df) each, shape (2, m).

    ``se^2 = Va + Vb`` and ``df = (Va + Vb)^2 / (Va^2 / df_a + Vb^2 / df_b)`` (Satterthwaite 1946); df may be inf.
    """
    parts = np.array([first[0] ** 2, second[0] ** 2])
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = parts.sum(axis=0) ** 2 / np.nansum(parts**2 / np.array([first[1], second[1]]), axis=0)
    freedom = np.where(np.minimum(first[1], second[1]) > 0, freedom, 0.0)
    return np.sqrt(parts.sum(axis=0)), freedom


def judged_together(
    rows: pd.DataFrame, *, adjust: Judging, seed: int | None = None, level: float = 0.95, alpha: float = CLEAR
) -> pd.DataFrame:
    """Rows of one stated family with `p_adjusted` and `clear` (p_adjusted < alpha), whatever they compare.

    Parameters
    ----------
    rows : DataFrame
        With `p`, and for max-t `estimate`, `se` and `df`; a row without p is not counted.
    adjust : {"holm", "benjamini-hochberg", "max-t", ...}
        Holm: the chance of any false claim is 5 %; Benjamini-Hochberg: of all claims 5 % are expected to be false;
        max-t: as Holm, from draws of all errors at once, and with intervals that cover together. Figures tell nothing
        of covariances, so max-t draws them as independent, which for two-sided limits errs on the safe side whatever
        they are (Sidak 1967, Journal of the American Statistical Association 62, 626-633).
    seed : int, optional
        Of the draws of max-t, which needs them.
    level : float
        Of `low_together` and `high_together`, which max-t adds.
    alpha : float
        The 5 % above, or less where a page makes claims of several kinds that are to hold together.
    """
    if adjust != "max-t":
        table = rows.assign(p_adjusted=adjusted(rows["p"].to_numpy(dtype=np.float64), adjust=adjust))
        return table.assign(clear=table["p_adjusted"] < alpha)
    figures = rows[["estimate", "se", "df"]].to_numpy(dtype=np.float64).T
    known = np.isfinite(rows["p"].to_numpy(dtype=np.float64))
    return _with_limits(rows, of_figures(figures, known, seed=seed, level=level), alpha)


def _with_limits(rows: pd.DataFrame, drawn: Floats, alpha: float = CLEAR) -> pd.DataFrame:
    p, low, high = drawn
    return rows.assign(p_adjusted=p, clear=p < alpha, low_together=low, high_together=high)


def judgeable(value: Floats, se: Floats, df: Floats, *, sampled: bool) -> tuple[Flags, npt.NDArray[np.object_]]:
    """Whether chance can be judged, and if not why; 0 +/- 0 is never shown, unless every PSU was drawn."""
    known = np.isfinite(value) & (df > 0) & ((se > FULL * DUST) | (not sampled))
    reason = np.select([known, np.isnan(value), df <= 0], ["", "no_answers", "one_psu"], default="no_spread")
    return known, reason.astype(object)


def refuse_unfit(framework: Framework, wanted: Sequence[str], facets: tuple[str, ...]) -> None:
    """Refuse measures that do not exist, or may not be shown by these facets."""
    unfit = [code for code in wanted if code not in framework.measures or not framework.shown_by(code, facets)]
    if unfit:
        raise RequestError(f"measure {unfit[0]!r} is not scored by {' '.join(facets) or 'the whole sample'}")


def smooth_places(scores: Scores, wanted: Sequence[str]) -> list[int]:
    """Places of the measures wanted, which must have a standard error."""
    chosen = [scores.measures.index(code) for code in wanted]
    rough = [code for code, place in zip(wanted, chosen, strict=True) if not scores.smooth[place]]
    if rough:
        raise RequestError(f"{rough[0]} rests on a minimum and has no standard error; compare its parts instead")
    return chosen


def adjusted(p: Floats, *, adjust: Adjust) -> Floats:
    """Adjust p-values within their family; missing ones stay missing and are not counted (R `p.adjust`)."""
    if adjust not in get_args(Adjust):
        raise RequestError(f"adjust is {adjust!r}; it may be {', '.join(get_args(Adjust))}")
    out = np.array(p, dtype=np.float64)
    known = np.isfinite(out)
    if adjust == "holm":
        out[known] = stepdown(out[known])
    elif adjust != "none" and known.any():
        out[known] = multipletests(out[known], method=_METHODS[adjust])[1]
    return out


def p_values(value: Floats, se: Floats, df: Floats) -> Floats:
    """Two-sided p of ``t = value / se``; NaN where df is."""
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(se > 0, np.abs(value) / se, np.where(value == 0, 0.0, np.inf))
    return np.asarray(2 * stats.t.sf(t, df), dtype=np.float64)


def _pairs(labels: pd.DataFrame, facets: tuple[str, ...], waves: tuple[str, str]) -> tuple[pd.DataFrame, Integers]:
    """Cells of the first and the second wave with the same facets."""
    if waves[0] == waves[1]:
        raise RequestError(f"{waves[0]!r} cannot be compared with itself; name two waves")
    numbered = labels.assign(cell=np.arange(len(labels)))
    sides = []
    for wave in waves:
        found = numbered[numbered["wave"] == wave]
        if found.empty:
            known = ", ".join(sorted(labels["wave"].unique()))
            raise RequestError(f"there is no wave {wave!r}; waves are {known}")
        sides.append(found.drop(columns="wave"))
    shared = [*facets, "_all"]
    both = sides[0].assign(_all=0).merge(sides[1].assign(_all=0), on=shared, suffixes=("_from", "_to"))
    if both.empty:
        raise EstimationError(f"no cell of {' '.join(facets)} stands in both {waves[0]} and {waves[1]}; compare others")
    both.insert(0, "wave", waves[1])
    return both[["wave", *facets]], both[["cell_from", "cell_to"]].to_numpy(dtype=np.int64)
