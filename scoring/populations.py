"""One figure of several populations that were surveyed on their own: travellers, traders, officers."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.contract import Scorecard, columns
from scoring.design import Floats
from scoring.errors import RequestError
from scoring.framework import Framework
from scoring.intervals import intervals
from scoring.normalisation import FULL

Flags = npt.NDArray[np.bool_]


def joined_populations(cards: Mapping[str, Scorecard], framework: Framework, *, level: float = 0.95) -> Scorecard:
    """Join the scores of independent surveys by the weights that the framework declares for their populations.

    ``theta = sum_p W_p theta_p`` and ``V = sum_p W_p^2 V_p``: designs are independent, so variances add;
    ``df = V^2 / sum_p (W_p^2 V_p)^2 / df_p`` (Satterthwaite 1946). `estimates.joined` does the same from unit scores.

    Parameters
    ----------
    cards : mapping of population to Scorecard
        By the same facets, one for each [[population]] of the framework.
    framework : Framework
        Its `populations` give the weights W, divided by their sum.
    level : float
        Of the interval: on the logit scale for what runs from 0 to 100, t for amounts.

    Returns
    -------
    Scorecard
        The contract's columns and `n_<population>` for each; `n` is their sum. A cell where a population has no figure
        has none (`population_missing`): its weight never passes to the others. Where the spread of one population is
        not known the interval is missing, with that population's reason.

    Raises
    ------
    RequestError
        If the framework declares no populations, a card is missing or too many, or facets differ.
    """
    facets = _facets(cards, framework)
    codes = [part.code for part in framework.populations]
    weights = np.array([part.weight for part in framework.populations])
    weights = weights / weights.sum()
    keys = ["wave", *facets, "measure"]
    wide = _side_by_side(cards, codes, keys)
    value, se, df, n = (_figures(wide, name, codes) for name in ("estimate", "se", "df", "n"))
    parts = (weights * se) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = parts.sum(axis=1) ** 2 / (parts**2 / df).sum(axis=1)
    estimate, error = value @ weights, np.sqrt(parts.sum(axis=1))
    known = (se > 0) & (df > 0) & ~np.isnan(value)
    clear = known.all(axis=1)
    low, high = _limits(wide, framework, estimate, error, freedom, level=level)
    table = wide[keys].assign(
        estimate=estimate,
        se=np.where(np.isnan(estimate), np.nan, error),
        df=np.where(clear, freedom, np.nan),
        low=np.where(clear, low, np.nan),
        high=np.where(clear, high, np.nan),
        n=np.where(np.isnan(estimate), np.nan, n.sum(axis=1)),
        n_eff=np.nan,
        deff=np.nan,
        status=np.where(clear, "ok", "undefined"),
        reason=_reasons(wide, codes, value, known=known),
    )
    by_population = {f"n_{code}": n[:, place] for place, code in enumerate(codes)}
    shares = " + ".join(f"{weight:.4g} {code}" for code, weight in zip(codes, weights, strict=True))
    return Scorecard(
        table=table[columns(facets)].assign(**by_population),
        evidence=pd.DataFrame(index=table.index),
        facets=facets,
        provenance={"framework": f"{framework.id} {framework.version}", "framework_digest": framework.digest}
        | {"populations": shares, "level": level}
        | {f"{code}: {name}": value for code in codes for name, value in cards[code].provenance.items()},
    )


def _facets(cards: Mapping[str, Scorecard], framework: Framework) -> tuple[str, ...]:
    codes = [part.code for part in framework.populations]
    if not codes:
        raise RequestError(
            f"{framework.id} declares no populations; add a [[population]] with a weight for each survey"
        )
    missing, extra = sorted(set(codes) - cards.keys()), sorted(cards.keys() - set(codes))
    if missing:
        raise RequestError(f"population {missing[0]!r} has no scores; survey it, or take it out of the framework")
    if extra:
        raise RequestError(f"population {extra[0]!r} is not in {framework.id}; they are {', '.join(codes)}")
    facets = {cards[code].facets for code in codes}
    if len(facets) > 1:
        raise RequestError("the populations are scored by different facets; score them alike")
    return facets.pop()


def _side_by_side(cards: Mapping[str, Scorecard], codes: Sequence[str], keys: list[str]) -> pd.DataFrame:
    """Rows of all populations, a row for each cell and measure that any of them has."""
    wide = pd.concat([cards[code].table[keys] for code in codes]).drop_duplicates(ignore_index=True)
    for code in codes:
        own = cards[code].table[[*keys, "estimate", "se", "df", "n", "status", "reason"]]
        own = own.rename(columns={name: f"{name}:{code}" for name in own.columns if name not in keys})
        wide = wide.merge(own, on=keys, how="left")
    return wide


def _figures(wide: pd.DataFrame, name: str, codes: Sequence[str]) -> Floats:
    return wide[[f"{name}:{code}" for code in codes]].to_numpy(dtype=np.float64)


def _reasons(wide: pd.DataFrame, codes: Sequence[str], value: Floats, *, known: Flags) -> npt.NDArray[np.object_]:
    """Why a joined figure or its interval is missing, or to be read with care: what weighs most of any population."""
    given = wide[[f"reason:{code}" for code in codes]].fillna("").to_numpy(dtype=object)
    given = np.where(~known & (given == ""), "no_spread", given)
    reason = np.full(len(wide), "", dtype=object)
    for place in range(len(codes)):  # a caveat of any population is one of the whole
        reason = np.where(reason == "", given[:, place], reason)
    for place in range(len(codes)):  # but what takes the interval away comes first
        reason = np.where(~known[:, place] & known[:, :place].all(axis=1), given[:, place], reason)
    return np.where(np.isnan(value).any(axis=1), "population_missing", reason)


def _limits(
    wide: pd.DataFrame, framework: Framework, value: Floats, se: Floats, df: Floats, *, level: float
) -> tuple[Floats, Floats]:
    amounts = {part.code for part in framework.indicators if part.statistic == "mean"}
    plain = wide["measure"].isin(amounts).to_numpy()
    logit = intervals(value, se, df, interval="logit", level=level, top=FULL)
    straight = intervals(value, se, df, interval="t", level=level)
    low, high = (np.where(plain, t, other) for t, other in zip(straight, logit, strict=True))
    return low, high
