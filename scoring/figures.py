"""Estimates -> the figures of a result table: standard error, df, limits, design effect, status and reason."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.design import Floats
from scoring.estimates import DUST, Estimates, Rules, intervals, one_sided, variance


def figures(
    estimates: Estimates, *, simple: tuple[Floats, Floats], n: npt.NDArray[Any], top: Floats, rules: Rules
) -> pd.DataFrame:
    """Figures of the contract, one row per cell and measure (measures fastest), with `cell` and `column`.

    Parameters
    ----------
    estimates : Estimates
    simple : pair of ndarray, shape (cells, m)
        Variance under simple random sampling, without and with replacement; NaN where unknown.
    n : ndarray, shape (cells, m)
        Unweighted answers.
    top : ndarray of float, shape (m,)
        End of a scale that starts at 0 (1 for proportions, 100 for indices), NaN where there is none. At either end
        of the scale the interval is a one-sided bound.
    rules : Rules
    """
    values, se, df = _settled(estimates, top=top, rules=rules)
    with np.errstate(invalid="ignore", divide="ignore"):
        deff = np.where(simple[0] > 0, se**2 / simple[0], np.nan)
        replaced = np.where(simple[1] > 0, se**2 / simple[1], np.nan)
        n_eff = np.where(se > 0, n / replaced, np.nan)
    flat = (se == 0) & np.isfinite(top) & (n > 0) & (df > 0)
    at_end = flat & ((values <= 0) | (values >= top))
    n_eff = np.where(at_end, n / np.maximum(1.0, _pooled_deff(replaced, n)), n_eff)
    low, high = _limits(values, se, df, top=top, rules=rules)
    shown = at_end & (rules.interval in (None, "logit"))  # whoever asks for t by name gets t, marked
    bound = top * one_sided(n_eff, level=rules.level)
    low = np.where(shown, np.where(values <= 0, 0.0, top - bound), low)
    high = np.where(shown, np.where(values <= 0, bound, top), high)
    unjudged = flat & ~shown & (top > 1) & (rules.interval is None) & bool((estimates.units.fraction < 1).any())
    empty = np.isnan(values)
    reasons = {
        "part_missing": empty & (n > 0),
        "no_answers": empty,
        "one_psu": df <= 0,
        "bound": shown,
        "no_spread": flat & ~shown,
    }
    columns = {
        "estimate": values,
        "se": np.where(empty, np.nan, se),
        "df": df,
        "low": np.where(unjudged, np.nan, low),
        "high": np.where(unjudged, np.nan, high),
        "n": n,
        "n_eff": n_eff,
        "deff": deff,
        "status": np.where(empty | (df <= 0) | unjudged, "undefined", "ok"),
        "reason": np.select(list(reasons.values()), list(reasons), default="").astype(object),
    }
    rows = pd.DataFrame({name: np.ravel(array) for name, array in columns.items()})
    return rows.assign(
        cell=np.repeat(np.arange(len(values)), top.size), column=np.tile(np.arange(top.size), len(values))
    )


def _settled(estimates: Estimates, *, top: Floats, rules: Rules) -> tuple[Floats, Floats, Floats]:
    """Values, standard errors and df with the dust of rounding wiped off where everybody answered alike."""
    values, spread = estimates.values, variance(estimates)
    se = np.sqrt(spread.variance)
    se = np.where(se <= DUST * np.where(np.isfinite(top), top, np.abs(values)), 0.0, se)
    df = np.where(se == 0, spread.design_df, spread.df(rules.df))  # no variance has no shares by stratum
    for end in (np.zeros_like(top), top):
        values = np.where((se == 0) & (np.abs(values - end) <= DUST * top), end, values)
    return values, se, df


def _limits(values: Floats, se: Floats, df: Floats, *, top: Floats, rules: Rules) -> tuple[Floats, Floats]:
    """Logit where there is a scale and t where there is none, unless one kind is asked for."""
    if rules.interval is not None:
        return intervals(values, se, df, interval=rules.interval, level=rules.level, top=top)
    t = intervals(values, se, df, interval="t", level=rules.level)
    logit = intervals(values, se, df, interval="logit", level=rules.level, top=top)
    return np.where(np.isfinite(top), logit[0], t[0]), np.where(np.isfinite(top), logit[1], t[1])


def _pooled_deff(deff: Floats, n: npt.NDArray[Any]) -> Floats:
    """Design effect of each measure over the cells that have one, weighted by their answers; 1 where none has."""
    known = np.isfinite(deff)
    weight = (n * known).sum(axis=0)
    total = (np.where(known, deff, 0.0) * n).sum(axis=0)
    return np.where(weight > 0, total / np.maximum(weight, 1), 1.0)
