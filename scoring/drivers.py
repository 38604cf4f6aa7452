"""What goes with an outcome: who trades, returns or trusts the neighbour, by what they say of the crossing.

Respondents differ in mood, and a cheerful one praises everything (halo). So beside a respondent's own scores stand
those of the *others* met at the same post in the same shift: what they say of it is not coloured by this one's mood.
Either way the figures tell what goes together; nothing here says that one thing brings about another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from scoring.answers import item_scores
from scoring.construction import build
from scoring.design import Floats, SurveyDesign
from scoring.errors import EstimationError, RequestError
from scoring.estimates import Estimates, variance
from scoring.expressions import names_in
from scoring.framework import Framework
from scoring.importance import shapley
from scoring.modelled import slopes_apart
from scoring.ordinal import Ordinal, Wald, fit, wald
from scoring.quantile_rules import weighted_quantile
from scoring.regression import Base, estimated, respondents
from scoring.replication import spread
from scoring.resampling import Resampling, make
from scoring.strata import DfRule
from scoring.totals import to_pandas

Seen = Literal["own", "others"]
ENDS = (0.1, 0.9)  # percentiles of a regressor between which predicted shares are compared
R2 = "R2 of the weighted linear regression of the answer"
BESIDE = " beside the controls"


@dataclass(frozen=True, slots=True)
class Drivers:
    """What goes with an outcome.

    Attributes
    ----------
    kind : "association"
        Never called causal.
    seen : {"own", "others"}
        Whose scores explain: the respondent's own, or those of the others in the same shift.
    slopes : DataFrame
        `regressor`, `estimate` (log-odds of a higher answer per standard deviation), `se`, `df`, `t`, `p`, `low`,
        `high`, `odds_ratio`; controls are fitted and not shown.
    shares : DataFrame
        `regressor`, `answer`, `at_low`, `at_high` (predicted shares where everybody is at the 10th and 90th percentile
        of the regressor, all else as it is; percentiles are taken as known), `difference`, `se`, `df`, `low`, `high`;
        in percent.
    odds : DataFrame
        Proportional-odds check: `regressor` ("" for all together), `f`, `k`, `df`, `p`; empty of two answers.
    importance : DataFrame
        `regressor`, `share` of R2 (Shapley, LMG), `se`, `low`, `high`; they sum to `r2`.
    r2 : float
    r2_name : str
    mcfadden : float
        Share of the log likelihood that the model explains.
    n, left_out : int
        Respondents in the model, and those without an answer to a part of it.
    """

    kind: Literal["association"]
    seen: Seen
    slopes: pd.DataFrame
    shares: pd.DataFrame
    odds: pd.DataFrame
    importance: pd.DataFrame
    r2: float
    r2_name: str
    mcfadden: float
    n: int
    left_out: int


@dataclass(frozen=True, slots=True)
class _Model:
    """Answers and x of the respondents used: regressors in standard deviations, then controls."""

    names: tuple[str, ...]
    answers: Floats
    x: Floats
    base: Base
    level: float
    rule: DfRule


def drivers(
    frame: Any,  # noqa: ANN401 - any frame narwhals knows
    framework: Framework,
    design: SurveyDesign,
    outcome: str,
    regressors: Sequence[str],
    *,
    rng: np.random.Generator,
    seen: Seen = "others",
    shift: Sequence[str] = (),
    controls: Sequence[str] = (),
    where: str | None = None,
    minimum_answered: float | None = None,
    count: int = 200,
    df: DfRule = "satterthwaite",
    level: float = 0.95,
) -> Drivers:
    """Explain an ordered or yes-no answer by scores of dimensions.

    Parameters
    ----------
    frame : pandas or polars frame, DuckDB relation, or anything narwhals takes
        Coded answers; negative numbers are kinds of missing answers.
    framework : Framework
    design : SurveyDesign
    outcome : str
        Column of the outcome, such as trade_effect.
    regressors : sequence of str
        Codes of dimensions, indices or items of the framework.
    rng : numpy.random.Generator
        Of the bootstrap of PSUs.
    seen : {"others", "own"}
        Scores of the others of the shift (leave-one-out means), or the respondent's own.
    shift : sequence of str, optional
        Columns that name post and shift; by default the PSU of the design, in its wave and stratum.
    controls : sequence of str, optional
        Columns of groups, as indicators.
    where : str, optional
        Condition of `scoring.expressions`.
    minimum_answered : float, optional
        Share of a dimension's items that a respondent must have answered to have a score; the framework's by default.
    count : int
        Replicates of the bootstrap.

    Raises
    ------
    RequestError
        A regressor is not of the framework, or there are too many.
    EstimationError
        Everybody gave the same answer, or regressors say the same.
    """
    codes = _items(framework, regressors)
    data = to_pandas(frame, tuple(dict.fromkeys([*design.columns, *codes, outcome, *shift, *controls, *_named(where)])))
    base = respondents(data, design, where=where)
    least = framework.minimum_answered if minimum_answered is None else minimum_answered
    scores = _scores(data, framework, regressors, least)
    if seen == "others":
        scores = of_others(scores, _shifts(data, shift, base), base.weight)
    answers = pd.to_numeric(data[outcome], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    answers = np.where(answers >= 0, answers, np.nan)
    groups, fully = _indicators(data, controls)
    usable = ~np.isnan(answers) & ~np.isnan(scores).any(axis=1) & fully
    used = base.only(usable)
    inside = used.weight > 0
    x = np.where(inside[:, None], np.column_stack([_standard(scores, used.weight), groups]), 0.0)
    varies = np.ptp(x[inside], axis=0) > 0
    varies[: len(regressors)] = True
    model = _Model(tuple(regressors), np.where(inside, answers, 0.0), x[:, varies], used, level, df)
    found = fit(model.answers, model.x, used.weight)
    importance, r2 = _importance(model, rng, count)
    return Drivers(
        kind="association", seen=seen, slopes=_slopes(model, found), shares=_shares(model, found),
        odds=_odds(model), importance=importance, r2=r2, r2_name=R2 + (BESIDE if controls else ""),
        mcfadden=found.mcfadden, n=int(inside.sum()), left_out=int((base.weight > 0).sum() - inside.sum()),
    )  # fmt: skip


def of_others(scores: Floats, shift: npt.NDArray[np.int64], weight: Floats) -> Floats:
    """Weighted mean score of the others of the same shift, shape (rows, k); NaN where no other answered."""
    out = np.empty(scores.shape)
    for place, column in enumerate(scores.T):
        w = np.where(np.isnan(column), 0.0, weight)
        added = w * np.nan_to_num(column)
        below = np.bincount(shift, weights=w)[shift] - w
        above = np.bincount(shift, weights=added)[shift] - added
        others = np.bincount(shift, weights=w > 0)[shift] - (w > 0)
        out[:, place] = np.divide(above, below, out=np.full(column.size, np.nan), where=others > 0)
    return out


def _named(where: str | None) -> tuple[str, ...]:
    return tuple(names_in(where)) if where else ()


def _shifts(data: pd.DataFrame, shift: Sequence[str], base: Base) -> npt.NDArray[np.int64]:
    if not shift:
        return base.sample.units.psu[base.sample.units.row_unit]
    return data.groupby(list(shift), observed=True, dropna=False).ngroup().to_numpy().astype(np.int64)


def _places(framework: Framework) -> Mapping[str, int]:
    """Items, then nodes, by code."""
    codes = [item.code for item in framework.items] + [node.code for node in framework.nodes]
    return {code: place for place, code in enumerate(codes)}


def _items(framework: Framework, wanted: Sequence[str]) -> tuple[str, ...]:
    """Items that the wanted scores rest on; those asked of other populations need not be in the data."""
    known = _places(framework)
    absent = [code for code in wanted if code not in known]
    if absent or len(set(wanted)) != len(wanted) or not wanted:
        raise RequestError(
            f"{(absent or ['regressors'])[0]!r}: name items, dimensions or indices of the framework, once each"
        )
    under = np.vstack([np.eye(len(framework.items)), framework.loadings()])[[known[code] for code in wanted]]
    return tuple(framework.items[place].code for place in np.flatnonzero(under.any(axis=0)))


def _scores(data: pd.DataFrame, framework: Framework, wanted: Sequence[str], least: float) -> Floats:
    """Scores of each respondent, shape (rows, wanted)."""
    known = _places(framework)
    items = item_scores(data.reindex(columns=[item.code for item in framework.items]), framework)
    nodes = build(items, framework.arrays(), coverage=least)
    return np.asarray(np.column_stack([items, nodes])[:, [known[code] for code in wanted]])


def _indicators(data: pd.DataFrame, controls: Sequence[str]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """A column for each group but the first, and whether all are known."""
    fully = data[list(controls)].notna().all(axis=1).to_numpy() if controls else np.ones(len(data), dtype=np.bool_)
    parts = [pd.get_dummies(data[name].astype("string"), drop_first=True).to_numpy(dtype=float) for name in controls]
    return np.column_stack([np.zeros((len(data), 0)), *parts]), fully


def _standard(scores: Floats, weight: Floats) -> Floats:
    """Scores about their mean, in standard deviations of those used."""
    w, held = weight[:, None], np.where(weight[:, None] > 0, scores, 0.0)
    mean = (w * held).sum(axis=0) / weight.sum()
    deviation = np.sqrt((w * (held - mean) ** 2).sum(axis=0) / weight.sum())
    if not (deviation > 0).all():
        raise EstimationError("an explaining score does not vary among these respondents; leave it out")
    return np.asarray((scores - mean) / deviation)


def _slopes(model: _Model, found: Ordinal) -> pd.DataFrame:
    k = len(model.names)
    estimates = estimated(found.slopes[:k], found.influence[:, :k], model.base)
    table = _tested(estimates, model)
    table.insert(0, "regressor", list(model.names))
    return table.assign(odds_ratio=np.exp(table["estimate"]))


def _tested(estimates: Estimates, model: _Model) -> pd.DataFrame:
    """Estimates with symmetric t intervals; no test where the design leaves no df."""
    held = variance(estimates)
    value, se, df = estimates.values[0], np.sqrt(held.variance[0]), held.df(model.rule)[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where((se > 0) & (df > 0), value / se, np.nan)
    half = stats.t.isf((1 - model.level) / 2, np.where(df > 0, df, np.nan)) * se
    return pd.DataFrame(
        {
            "estimate": value, "se": se, "df": df, "t": t, "p": 2 * stats.t.sf(np.abs(t), df),
            "low": value - half, "high": value + half,
        }
    )  # fmt: skip


def _shares(model: _Model, found: Ordinal) -> pd.DataFrame:
    """Shares predicted with one regressor at either end, all else as it is, and their difference (delta method)."""
    w = model.base.weight
    inside = w > 0
    answers = np.unique(model.answers[inside])
    tables = []
    for place, name in enumerate(model.names):
        worlds = []
        for end in ENDS:
            x = model.x.copy()
            x[:, place] = _at(model.x[inside, place], w[inside], end)
            worlds.append(_predicted(x, found, w))
        (low, low_added), (high, high_added) = worlds
        estimates = estimated(high - low, high_added - low_added, model.base)
        table = _tested(estimates, model).drop(columns=["t", "p"]).rename(columns={"estimate": "difference"})
        table.insert(0, "at_high", high)
        table.insert(0, "at_low", low)
        table[["at_low", "at_high", "difference", "se", "low", "high"]] *= 100
        table.insert(0, "answer", answers)
        table.insert(0, "regressor", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _predicted(x: Floats, found: Ordinal, w: Floats) -> tuple[Floats, Floats]:
    """Mean share of each answer, and what each respondent adds to it: by being there, and through the coefficients."""
    share = w / w.sum()
    above = special.expit((x @ found.slopes)[:, None] - found.thresholds)  # P(y > k), shape (rows, q)
    slope = above * (1 - above) * share[:, None]
    mean = share @ above
    turn = np.vstack([x.T @ slope, -np.diag(slope.sum(axis=0))])
    added = share[:, None] * (above - mean) + found.influence @ turn
    steps = np.column_stack([np.ones((len(x), 1)), above]), np.column_stack([np.zeros((len(x), 1)), added])
    last = np.zeros((len(x), 1))
    shares = share @ steps[0] - np.append(mean, 0.0)
    return np.asarray(shares), np.asarray(steps[1] - np.column_stack([added, last]))


def _at(values: Floats, weight: Floats, share: float) -> float:
    return float(weighted_quantile(values, weight, share))


def _odds(model: _Model) -> pd.DataFrame:
    """Is a slope the same at every threshold? Logits of each threshold compared with the first (Brant 1990)."""
    apart = slopes_apart(model.answers, model.x, model.base)
    rows: list[Mapping[str, Any]] = []
    if apart is not None:
        k, p, size = len(model.names), model.x.shape[1], apart.values.shape[1]
        own = [np.arange(place, size, p) for place in range(k)]
        rows = [_row(name, wald(apart, at, df=model.rule)) for name, at in zip(model.names, own, strict=True)]
        rows.append(_row("", wald(apart, np.concatenate(own), df=model.rule)))
    return pd.DataFrame(rows, columns=["regressor", "f", "k", "df", "p"])


def _row(name: str, tested: Wald) -> Mapping[str, Any]:
    return {"regressor": name, "f": tested.f, "k": tested.k, "df": tested.df, "p": tested.p}


def _importance(model: _Model, rng: np.random.Generator, count: int) -> tuple[pd.DataFrame, float]:
    """Shapley shares with intervals from a bootstrap of PSUs; controls are taken out of everything first."""
    found = model.base.sample.units
    row_psu = found.psu[found.row_unit]
    made = make(found, Resampling("generalized", count=count, rng=rng))
    multipliers = np.column_stack([np.ones(found.stratum.size), made.multipliers])
    k = len(model.names)
    z = np.column_stack([np.ones(len(model.x)), model.x[:, k:], model.x[:, :k], model.answers])
    moments = _moments(z * np.sqrt(model.base.weight)[:, None], row_psu, multipliers)
    held = 1 + model.x.shape[1] - k
    left = moments[:, held:, held:] - moments[:, held:, :held] @ np.linalg.solve(
        moments[:, :held, :held], moments[:, :held, held:]
    )
    shares = shapley(left)
    full, values = shares[0], shares[1:]
    variance_, _ = spread(full, values, made)
    wide = full + (values - full) * np.sqrt(made.scale * count)
    low, high = np.quantile(wide, [(1 - model.level) / 2, (1 + model.level) / 2], axis=0)
    table = pd.DataFrame({"regressor": list(model.names), "share": full, "se": np.sqrt(variance_)})
    return table.assign(low=np.maximum(low, 0.0), high=np.minimum(high, 1.0)), float(full.sum())


def _moments(z: Floats, psu: npt.NDArray[np.int64], multipliers: Floats) -> Floats:
    """Cross products under each replicate, shape (R, q, q): sums of each PSU, times its multiplier."""
    order = np.argsort(psu, kind="stable")
    here, starts = np.unique(psu[order], return_index=True)
    q = z.shape[1]
    each = np.add.reduceat((z[order][:, :, None] * z[order][:, None, :]).reshape(len(z), -1), starts, axis=0)
    return np.asarray((multipliers[here].T @ each).reshape(-1, q, q))
