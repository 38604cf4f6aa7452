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
from scoring.estimates import DUST, contrast, variance
from scoring.figures import doubts
from scoring.framework import Framework
from scoring.indices import Scores, answers, assemble, describe
from scoring.intervals import intervals
from scoring.normalisation import FULL
from scoring.strata import DfRule
from scoring.totals import Totals

Adjust = Literal["none", "bonferroni", "holm", "hochberg", "hommel", "benjamini-hochberg", "benjamini-yekutieli"]
_METHODS = {
    "bonferroni": "bonferroni",
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
    "benjamini-hochberg": "fdr_bh",
    "benjamini-yekutieli": "fdr_by",
}
CLEAR = 0.05
DOUBTS = ("few_df", "uneven_shifts")  # about the interval of either score, and so of their difference


def change(
    totals: Totals,
    framework: Framework,
    *,
    measure: str | Sequence[str],
    waves: tuple[str, str],
    by: str | Sequence[str] | None = None,
    adjust: Adjust = "holm",
    df: DfRule = "satterthwaite",
    level: float = 0.95,
) -> Scorecard:
    """Change of measures between two waves, cell by cell, with its test.

    Parameters
    ----------
    measure : str or sequence of str
    waves : (str, str)
        From and to.
    by : str or sequence of str, optional
        Each cell is compared with its own past.
    adjust : {"holm", "benjamini-hochberg", "bonferroni", "hochberg", "hommel", "benjamini-yekutieli", "none"}
        Over the family of all rows of this call.
    df : {"satterthwaite", "design"}
    level : float

    Returns
    -------
    Scorecard
        The contract's columns with `wave` the later wave, `estimate` the difference and a symmetric t interval,
        and beside them `since`, `p`, `p_adjusted` and `clear` (p_adjusted < 0.05). The interval is of one row,
        `clear` is of the family: a row can be not clear although its own interval leaves out 0.
    """
    facets = (by,) if isinstance(by, str) else tuple(by or ())
    wanted = (measure,) if isinstance(measure, str) else tuple(dict.fromkeys(measure))
    _refuse_unfit(framework, wanted, facets)
    scores = assemble(totals, framework, facets)
    labels, pairs = _pairs(scores.cells.labels, facets, waves)
    chosen = _smooth(scores, wanted)
    moved = contrast(scores.estimates, pairs, np.array([-1.0, 1.0]))
    spread = variance(moved)
    value, se, freedom = (array[:, chosen] for array in (moved.values, np.sqrt(spread.variance), spread.df(df)))
    known, reason = _judged(value, se, freedom, sampled=not totals.units.census)
    for name, marked in doubts(spread).items() if df == "satterthwaite" else ():
        reason[known & marked[:, chosen] & (reason == "")] = name
    limits = intervals(value, se, freedom, interval="t", level=level)
    low, high = (np.where(known, limit, np.nan) for limit in limits)
    n = answers(scores)[pairs].min(axis=1)[:, chosen]
    p = _p_values(value, se, np.where(known, freedom, np.nan))
    table = labels.loc[labels.index.repeat(len(wanted))].reset_index(drop=True)
    table = table.assign(
        since=waves[0],
        measure=np.tile(np.array(wanted, dtype=object), len(labels)),
        estimate=value.ravel(),
        se=np.where(np.isnan(value), np.nan, se).ravel(),
        df=freedom.ravel(),
        low=low.ravel(),
        high=high.ravel(),
        n=n.ravel(),
        n_eff=np.nan,
        deff=np.nan,
        status=np.where(known, "ok", "undefined").ravel(),
        reason=reason.ravel(),
        p=p.ravel(),
        p_adjusted=adjusted(p.ravel(), adjust=adjust),
    )
    table["clear"] = table["p_adjusted"] < CLEAR
    return Scorecard(
        table=table[[*columns(facets), "since", "p", "p_adjusted", "clear"]],
        evidence=pd.DataFrame({"top": np.tile(np.where(scores.bounded[chosen], FULL, np.nan), len(labels))}),
        facets=facets,
        provenance=describe(totals, framework, df=df, level=level) | {"adjust": adjust},
    )


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
        The contract's columns with `since`, `p` (of each row alone) and `top`. Var(b - a) = Var(a) + Var(b), and
        df = (Va + Vb)^2 / (Va^2 / df_a + Vb^2 / df_b): what Satterthwaite's rule gives over the strata of both.
    """
    keys = [*facets, "measure"]
    sides = [rows[rows["wave"] == name] for name in (since, wave)]
    both = sides[0].merge(sides[1], on=keys, suffixes=("_0", "_1"))
    first, second = (both[[f"se_{side}", f"df_{side}"]].to_numpy(dtype=np.float64).T for side in (0, 1))
    value = (both["estimate_1"] - both["estimate_0"]).to_numpy(dtype=np.float64)
    parts = np.array([first[0] ** 2, second[0] ** 2])
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = parts.sum(axis=0) ** 2 / np.nansum(parts**2 / np.array([first[1], second[1]]), axis=0)
    freedom = np.where(np.minimum(first[1], second[1]) > 0, freedom, 0.0)
    se = np.sqrt(parts.sum(axis=0))
    known, reason = _judged(value, se, freedom, sampled=True)
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
        p=_p_values(value, se, np.where(known, freedom, np.nan)),
        top=both["top_1"],
    )
    return table[[*columns(facets), "since", "p", "top"]]


def _judged(
    value: Floats, se: Floats, df: Floats, *, sampled: bool
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.object_]]:
    """Whether chance can be judged, and if not why; 0 +/- 0 is never shown, unless every PSU was drawn."""
    known = np.isfinite(value) & (df > 0) & ((se > FULL * DUST) | (not sampled))
    reason = np.select([known, np.isnan(value), df <= 0], ["", "no_answers", "one_psu"], default="no_spread")
    return known, reason.astype(object)


def _refuse_unfit(framework: Framework, wanted: Sequence[str], facets: tuple[str, ...]) -> None:
    unfit = [code for code in wanted if code not in framework.measures or not framework.shown_by(code, facets)]
    if unfit:
        raise RequestError(f"measure {unfit[0]!r} is not scored by {' '.join(facets) or 'the whole sample'}")


def _smooth(scores: Scores, wanted: Sequence[str]) -> list[int]:
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
    if adjust != "none" and known.any():
        out[known] = multipletests(out[known], method=_METHODS[adjust])[1]
    return out


def _p_values(value: Floats, se: Floats, df: Floats) -> Floats:
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
