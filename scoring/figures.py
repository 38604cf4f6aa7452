"""Estimates -> the figures of a result table: standard error, df, limits, design effect, status and reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.cells import CellTotals
from scoring.design import Floats
from scoring.errors import RequestError
from scoring.estimates import DUST, Estimates, variance
from scoring.intervals import Interval, intervals, one_sided
from scoring.replication import spread
from scoring.strata import DfRule, Spread

Deff = Literal["without", "with"]
FEW_DF = 6.0  # below this many df of the weights an interval promises more than it keeps, see docs/method.md
UNEVEN = 0.65  # below this evenness of PSU weights within strata an interval may be too narrow
FEW_CASES = 5.0  # likewise a share with fewer effective answers of the rarer kind


@dataclass(frozen=True, slots=True)
class Rules:
    """How figures are made.

    Attributes
    ----------
    df : {"design", "satterthwaite"}
    interval : optional
        By default logit on a scale that ends, t elsewhere.
    level : float
    deff : {"without", "with"}
        Design effect against simple random sampling without or with replacement.
    """

    df: DfRule = "design"
    interval: Interval | None = None
    level: float = 0.95
    deff: Deff = "without"

    def __post_init__(self) -> None:
        for name, value, allowed in (("df rule", self.df, DfRule), ("deff", self.deff, Deff)):
            if value not in get_args(allowed):
                raise RequestError(f"{name} is {value!r}; it may be {', '.join(get_args(allowed))}")


def figures(
    estimates: Estimates,
    *,
    simple: tuple[Floats, Floats],
    n: npt.NDArray[Any],
    top: Floats,
    rules: Rules,
    spread_out: Floats | None = None,
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
    spread_out : ndarray of float, shape (cells, m), optional
        Of shares, how many equally weighted answers they rest on, see `equal_answers`; NaN for what is no share.
    """
    values, se, df, found = _settled(estimates, top=top, rules=rules)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn, replaced = (np.where(part > 0, se**2 / part, np.nan) for part in simple)
        n_eff = np.where(se > 0, n / replaced, np.nan)
    flat = (se == 0) & np.isfinite(top) & (n > 0) & (df > 0)
    at_end = flat & ((values <= 0) | (values >= top))
    n_eff = np.where(at_end, n / np.maximum(1.0, _pooled_deff(replaced, n)), n_eff)
    low, high = _limits(values, se, df, n=n, logit_se=_logit_se(estimates, top, rules), top=top, rules=rules)
    shown = at_end & (rules.interval not in ("t", "normal"))  # whoever asks for t by name gets t, marked
    bound = top * one_sided(n_eff, level=rules.level)
    low = np.where(shown, np.where(values <= 0, 0.0, top - bound), low)
    high = np.where(shown, np.where(values <= 0, bound, top), high)
    unjudged = flat & ~shown & (top > 1) & (rules.interval is None) & (not estimates.sample.units.census)
    empty, unknown = np.isnan(values), np.isnan(se)
    reasons = {
        "part_missing": empty & (n > 0),
        "no_answers": empty,
        "one_psu": (df <= 0) | unknown,
        "bound": shown,
        "no_spread": flat & ~shown,
        "failed_replicates": found.failed > 0,
        "few_cases": _few_cases(values / top, spread_out) & (rules.df == "satterthwaite"),
        **{name: marked & (rules.df == "satterthwaite") for name, marked in doubts(found).items()},
    }
    columns = {
        "estimate": values,
        "se": np.where(empty, np.nan, se),
        "df": df,
        "low": np.where(unjudged | unknown, np.nan, low),
        "high": np.where(unjudged | unknown, np.nan, high),
        "n": n,
        "n_eff": n_eff,
        "deff": replaced if rules.deff == "with" else drawn,
        "status": np.where(empty | unknown | (df <= 0) | unjudged, "undefined", "ok"),
        "reason": np.select(list(reasons.values()), list(reasons), default="").astype(object),
    }
    rows = pd.DataFrame({name: np.ravel(array) for name, array in columns.items()})
    return rows.assign(
        cell=np.repeat(np.arange(len(values)), top.size), column=np.tile(np.arange(top.size), len(values))
    )


def doubts(found: Spread) -> dict[str, npt.NDArray[np.bool_]]:
    """Where simulated intervals hold the truth less often than they say, by reason (docs/method.md, 10)."""
    return {"few_df": found.weight_df < FEW_DF, "uneven_shifts": found.evenness < UNEVEN}


def _few_cases(share: Floats, spread_out: Floats | None) -> npt.NDArray[np.bool_]:
    """Whether a share rests on so few answers of its rarer kind that its spread may be seen too small."""
    if spread_out is None:
        return np.zeros(share.shape, dtype=bool)
    return np.asarray(spread_out * np.minimum(share, 1 - share) < FEW_CASES)


def equal_answers(cells: CellTotals) -> Floats:
    """How many equally weighted answers the answers of a cell are worth: N^2 / sum_j (N_j^2 / n_j), shape (cells, k).

    Weights are taken as equal within a PSU (Kish 1965, 11.7), as those of an intercept sample are.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = np.where(cells.count > 0, cells.base**2 / cells.count, 0.0)
        return np.asarray(cells.per_cell(cells.base) ** 2 / cells.per_cell(inside))


def _settled(estimates: Estimates, *, top: Floats, rules: Rules) -> tuple[Floats, Floats, Floats, Spread]:
    """Values, standard errors and df with the dust of rounding wiped off where everybody answered alike."""
    values, spread_ = estimates.values, variance(estimates)
    se = np.sqrt(spread_.variance)
    se = np.where(se <= DUST * np.where(np.isfinite(top), top, np.abs(values)), 0.0, se)
    df = np.where(se == 0, spread_.design_df, spread_.df(rules.df))  # no variance has no shares by stratum
    for end in (np.zeros_like(top), top):
        values = np.where((se == 0) & (np.abs(values - end) <= DUST * top), end, values)
    return values, se, df, spread_


def _logit_se(estimates: Estimates, top: Floats, rules: Rules) -> Floats | None:
    """With replicates, the standard error of the logit from the logit of each of them."""
    replicates = estimates.sample.replicates
    if replicates is None or estimates.replicated is None or rules.interval not in (None, "logit"):
        return None

    def logit(values: Floats) -> Floats:
        share = values / top
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where((share > 0) & (share < 1), np.log(share / (1 - share)), np.nan)

    return np.asarray(np.sqrt(spread(logit(estimates.values), logit(estimates.replicated), replicates)[0]))


def _limits(
    values: Floats,
    se: Floats,
    df: Floats,
    *,
    n: npt.NDArray[Any],
    logit_se: Floats | None,
    top: Floats,
    rules: Rules,
) -> tuple[Floats, Floats]:
    """Logit where there is a scale and t where there is none, unless one kind is asked for."""
    n = np.asarray(n, dtype=np.float64)
    if rules.interval is not None:
        return intervals(
            values, se, df, interval=rules.interval, level=rules.level, top=top, n=n, logit_se=logit_se
        )  # fmt: skip
    low, high = np.empty_like(values), np.empty_like(values)
    kinds: dict[Interval, npt.NDArray[np.bool_]] = {"logit": np.isfinite(top), "t": ~np.isfinite(top)}
    for kind, chosen in kinds.items():
        low[:, chosen], high[:, chosen] = intervals(
            values[:, chosen],
            se[:, chosen],
            df[:, chosen],
            interval=kind,
            level=rules.level,
            top=top[chosen],
            logit_se=None if logit_se is None else logit_se[:, chosen],
        )
    return low, high


def _pooled_deff(deff: Floats, n: npt.NDArray[Any]) -> Floats:
    """Design effect of each measure over the cells that have one, weighted by their answers; 1 where none has."""
    known = np.isfinite(deff)
    weight = (n * known).sum(axis=0)
    total = (np.where(known, deff, 0.0) * n).sum(axis=0)
    return np.where(weight > 0, total / np.maximum(weight, 1), 1.0)


def simple_variance(cells: CellTotals, *, kind: Sequence[str]) -> tuple[Floats, Floats]:
    """Variance of the same estimate under simple random sampling, without and with replacement, shape (cells, k).

    ``S^2 (N - n) / (N n)`` and ``S^2 / n`` with S^2 the weighted variance times n / (n - 1); times N^2 for a total
    (R survey `svymean(deff=TRUE)` and `deff="replace"`). Not defined for ratios (NaN).
    """
    n = cells.per_cell(cells.count).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = cells.per_cell(cells.total) / cells.weight
        spread_ = cells.square / cells.weight - mean**2
        spread_ = np.where(spread_ < cells.square / cells.weight * DUST, 0.0, spread_)  # rounding of equal answers
        replaced = spread_ / (n - 1)  # 0 / 0, and so unknown, of one answer
        drawn = np.where(cells.weight >= n, replaced * (cells.weight - n) / cells.weight, np.nan)
    total = np.array([name == "total" for name in kind])
    factor = np.where(total[None, :], cells.weight**2, 1.0)
    factor = np.where(np.array([name == "ratio" for name in kind])[None, :], np.nan, factor)
    return drawn * factor, replaced * factor
