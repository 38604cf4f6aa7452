"""What to mend first: how many users are affected and dissatisfied, as far as an office can do something about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.compare import judgeable
from scoring.design import Floats, SurveyDesign
from scoring.errors import RequestError
from scoring.estimates import Estimates, combine, variance
from scoring.families import pairs, told_apart
from scoring.figures import Rules
from scoring.framework import Framework
from scoring.groups import groups_of
from scoring.intervals import intervals
from scoring.joint import Joint, from_estimates, from_figures
from scoring.measured import measure
from scoring.normalisation import FULL
from scoring.standings import weakest
from scoring.strata import DfRule
from scoring.totals import to_pandas
from scoring.variables import Wanted

MIDDLE = 50.0  # score below which an answer counts as dissatisfied
NOT_APPLICABLE = -1
COLUMNS = (
    "measure", "actor", "action", "power", "affected", "dissatisfied", "estimate", "se", "df", "low", "high", "n",
    "status", "reason", "groups", "first",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remedy:
    """Who can mend what an item asks about, and how.

    Attributes
    ----------
    item : str
    actor : str
        The office, never a person.
    action : str
    power : float
        How far it is within the office's power, 0 to 1.
    """

    item: str
    actor: str
    action: str
    power: float = 1.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.power) and 0 <= self.power <= 1):
            raise RequestError(f"power over {self.item!r} is {self.power}; give a share from 0 (none) to 1 (all of it)")
        if not self.actor.strip() or not self.action.strip():
            raise RequestError(f"item {self.item!r} names no actor or no action; say which office can do what")


def mend_first(
    frame: Any,  # noqa: ANN401 - any frame narwhals knows
    framework: Framework,
    design: SurveyDesign,
    remedies: Sequence[Remedy],
    *,
    seed: int,
    by: str | Sequence[str] | None = None,
    below: float = MIDDLE,
    df: DfRule = "satterthwaite",
    level: float = 0.95,
) -> pd.DataFrame:
    """Order items by share dissatisfied x users affected x power, as far as they can be told apart.

    Of a user who was asked, an item says: affected (it applies) or not, and if affected, dissatisfied (its score is
    below `below`) or not. Share dissatisfied of those affected, times share affected, is the share of users who are
    both: one mean, whose standard error needs no assumption on how the two go together. Times power it is the priority.

    Parameters
    ----------
    frame : pandas or polars frame, or anything narwhals takes
        Coded answers as `totals.reduce` takes them: -1 is not affected; other missing answers are left out.
    framework : Framework
    design : SurveyDesign
    remedies : sequence of Remedy
    seed : int
        Of the draws behind groups.
    by : str or sequence of str, optional
    below : float
        On 0-100, better upwards.
    df, level
        As in `indices.score`.

    Returns
    -------
    DataFrame
        In each cell the highest first: `wave`, facets, `measure`, `actor`, `action`, `power`; `affected` (% of users)
        and `dissatisfied` (% of those); the priority as `estimate` with its interval (the logit one of the share, times
        power), of 100 users; `groups`: numbers of the sets of items that cannot be told apart, 1 the highest; `first`:
        it cannot be excluded that this item is the highest. Where chance cannot be judged, or power is 0, an item is in
        no group, with a reason (`no_spread`, `one_psu`, `no_answers`, `no_power`).
    """
    facets = (by,) if isinstance(by, str) else tuple(by or ())
    codes = _codes(framework, remedies)
    data = to_pandas(frame, tuple(dict.fromkeys([*design.columns, *facets, *codes])))
    data, columns = _with_shares(data, framework, codes, below)
    found = measure(data, design, Wanted(mean=columns, by=facets), rules=Rules(df, None, level))
    k, power = len(codes), np.array([remedy.power for remedy in remedies])
    affected = found.estimates.values[:, :k]
    both = combine(found.estimates, np.hstack([np.zeros((k, k)), np.diag(np.ones(k))]))
    n = found.cells.per_cell(found.cells.count)[:, found.first[:k]]
    parts = []
    for cell in range(len(found.labels)):
        rows = _rows(remedies, affected[cell], n[cell])
        rows = _judged(rows, both, cell, df=df, level=level)
        judged = np.flatnonzero((rows["status"] == "ok").to_numpy() & (power > 0))
        joint = None
        if judged.size:
            scaled = combine(both, np.diag(FULL * power))
            joint = from_estimates(scaled, [(cell, int(at)) for at in judged], seed=seed, borrowing="own", rule=df)
        label = found.labels.iloc[[cell] * k][["wave", *facets]].reset_index(drop=True)
        parts.append(pd.concat([label, _ranked(rows, joint, judged, level)], axis=1).pipe(_sorted))
    return pd.concat(parts, ignore_index=True)[["wave", *facets, *COLUMNS]]


def mend_first_of_figures(
    figures: pd.DataFrame, remedies: Sequence[Remedy], *, seed: int, level: float = 0.95
) -> pd.DataFrame:
    """The same from shown shares, where the answers are not at hand.

    How the two shares go together is not known, so the standard error is the largest it can be, ``d SE(a) + a SE(d)``,
    and items are drawn as independent.

    Parameters
    ----------
    figures : DataFrame
        Indexed by item: `dissatisfied`, `dissatisfied_se`, `affected`, `affected_se` (0-100), `df`, `n`; NaN where
        hidden.

    Returns
    -------
    DataFrame
        `COLUMNS`, the highest first.
    """
    codes = [remedy.item for remedy in remedies]
    absent = [code for code in codes if code not in figures.index]
    if absent or len(set(codes)) < len(codes):
        raise RequestError(f"give figures of each item once; {(absent or codes)[0]!r} has none, or stands twice")
    own = figures.loc[codes].astype(np.float64)
    rows = _rows(remedies, own["affected"].to_numpy() / FULL, own["n"].to_numpy())
    share = own["dissatisfied"].to_numpy() * own["affected"].to_numpy() / FULL
    se = (own["dissatisfied"] * own["affected_se"] + own["affected"] * own["dissatisfied_se"]).to_numpy() / FULL
    rows = _limited(rows, (share, se, own["df"].to_numpy()), level=level, sampled=True)
    rows["dissatisfied"] = own["dissatisfied"].to_numpy()
    judged = np.flatnonzero((rows["status"] == "ok").to_numpy() & (rows["power"] > 0).to_numpy())
    joint = None
    if judged.size:
        value, error, freedom = rows.loc[judged, ["estimate", "se", "df"]].to_numpy(dtype=np.float64).T
        joint = from_figures(value, error, freedom, seed=seed, borrowing="own")
    return _sorted(_ranked(rows, joint, judged, level))[list(COLUMNS)]


def _codes(framework: Framework, remedies: Sequence[Remedy]) -> tuple[str, ...]:
    codes = tuple(remedy.item for remedy in remedies)
    if not codes or len(set(codes)) < len(codes):
        raise RequestError("give one remedy for each item, and at least one")
    known = {item.code for item in framework.items if item.direction != "ambiguous"}
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise RequestError(f"{unknown[0]!r} is no item of {framework.id} with a better and a worse end; leave it out")
    return codes


def _with_shares(
    data: pd.DataFrame, framework: Framework, codes: Sequence[str], below: float
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Beside the answers: whether each item affects the user, and whether it does so and dissatisfies; NaN unknown."""
    items = {item.code: item for item in framework.items}
    made: dict[str, npt.NDArray[Any]] = {}
    for what in ("affected", "both"):
        for code in codes:
            slope, shift = replace(items[code], normalisation="range", positive=()).line
            answer = pd.to_numeric(data[code]).to_numpy(dtype=np.float64, na_value=np.nan)
            low = slope * answer + shift < below
            applies = answer >= 0
            known = applies | (answer == NOT_APPLICABLE)
            made[f"{what} {code}"] = np.where(known, applies if what == "affected" else applies & low, np.nan)
    return data.assign(**made), tuple(made)


def _rows(remedies: Sequence[Remedy], affected: Floats, n: npt.NDArray[Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "measure": [remedy.item for remedy in remedies],
            "actor": [remedy.actor for remedy in remedies],
            "action": [remedy.action for remedy in remedies],
            "power": [remedy.power for remedy in remedies],
            "affected": FULL * affected,
            "n": n,
        }
    )


def _judged(rows: pd.DataFrame, both: Estimates, cell: int, *, df: DfRule, level: float) -> pd.DataFrame:
    spread = variance(both)
    share, se = FULL * both.values[cell], FULL * np.sqrt(spread.variance[cell])
    rows = _limited(rows, (share, se, spread.df(df)[cell]), level=level, sampled=not both.sample.units.census)
    with np.errstate(invalid="ignore", divide="ignore"):
        return rows.assign(dissatisfied=FULL * share / rows["affected"].to_numpy())


def _limited(
    rows: pd.DataFrame, figures: tuple[Floats, Floats, Floats], *, level: float, sampled: bool
) -> pd.DataFrame:
    """Priority of each item with its interval, from the share of users affected and dissatisfied."""
    share, se, df = figures
    power = rows["power"].to_numpy(dtype=np.float64)
    known, reason = judgeable(share, se, df, sampled=sampled)
    low, high = (
        np.where(known, one, np.nan) for one in intervals(share, se, df, interval="logit", level=level, top=FULL)
    )
    reason = np.where(known & (power == 0), "no_power", reason)
    return rows.assign(
        estimate=power * share,
        se=power * se,
        df=df,
        low=power * low,
        high=power * high,
        status=np.where(known, "ok", "undefined"),
        reason=reason,
    )


def _ranked(rows: pd.DataFrame, joint: Joint | None, judged: npt.NDArray[np.int64], level: float) -> pd.DataFrame:
    groups: list[tuple[int, ...]] = [() for _ in range(len(rows))]
    first = np.zeros(len(rows), dtype=np.bool_)
    if joint is not None:
        _, _, family = pairs(joint, level=level)
        sets = groups_of(joint.values, told_apart(family, joint.values.size, level=level))
        for place, at in enumerate(judged):
            groups[at] = tuple(number for number, members in enumerate(sets, 1) if place in members)
        turned = replace(joint, values=-joint.values, draws=replace(joint.draws, deviations=-joint.draws.deviations))
        first[judged] = weakest(turned, level=level)
    return rows.assign(groups=pd.Series(groups, index=rows.index, dtype=object), first=first)


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(["estimate", "measure"], ascending=[False, True], na_position="last", ignore_index=True)
