"""How a wave was asked and who came: what a reader must know before two waves are set beside one another."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from app.workflow.studying.matter import FEWEST, Matter, Studies, rounded, to
from app.workflow.studying.moved import GROUP

LANGUAGE = "language"
#: What the interviewer noted of the place -> aspect of the key of a wave, or what stands beside levels of two sides.
NOTED = {"uniform_near": "officer_in_sight", "overheard": "overheard"}
OF_KEYS = 0.05  # to which shares of interviews are rounded
OF_MIX = 0.01
SHIFTS = 3  # behind a count of traffic
FEW = 20  # interviews of a group
POST = "post"


def asked(matter: Matter) -> Studies:
    """Languages, officers in sight, versions, mix of users and traffic of each side and wave.

    Returns
    -------
    dict
        `keys`: wave, side, aspect, name, share: of interviews (unweighted), to 0.05; `languages` sum to 1, and the
        shares of the versions of `instrument` and `framework` are missing. `mix`: wave, side, group, value, share: of
        crossings, to 0.01; no side with a group of few. `traffic`: wave, side, post ("": the whole side), crossings:
        mean count of a shift, to two digits; no post of few shifts. None where the form does not ask.
    """
    parts = {"keys": list(_keys(matter)), "mix": list(_mix(matter)), "traffic": list(_traffic(matter))}
    return {name: pd.DataFrame(rows) for name, rows in parts.items() if rows}


def _keys(matter: Matter) -> Iterator[dict[str, object]]:
    versions = {
        "instrument": f"{matter.questionnaire.id} {matter.questionnaire.version}",
        "framework": f"{matter.framework.id} {matter.framework.version}",
    }
    for place, own in matter.sides():
        spoken = own[LANGUAGE].dropna() if matter.asks(LANGUAGE) else own.iloc[:0, 0]
        for name, share in _languages(spoken.astype("str")) if len(spoken) >= FEWEST else ():
            yield {**place, "aspect": "languages", "name": name, "share": share}
        for question, aspect in NOTED.items():
            seen = own.loc[own[question] >= 0, question] if matter.asks(question) else own.iloc[:0, 0]
            if len(seen) >= FEWEST:
                share = rounded(float((seen == 1).mean()), OF_KEYS)
                yield {**place, "aspect": aspect, "name": "", "share": share}
        for aspect, version in versions.items():
            yield {**place, "aspect": aspect, "name": version, "share": np.nan}


def _languages(spoken: "pd.Series[str]") -> Iterator[tuple[str, float]]:
    """Rounded shares that sum to 1; languages of hardly anybody are left out."""
    shares = spoken.value_counts(normalize=True).sort_index()
    told = pd.Series(to(np.asarray(shares, dtype=np.float64), OF_KEYS), index=shares.index)
    for name, share in told[told > 0].items():
        yield str(name), round(float(share / told.sum()), 3)


def _mix(matter: Matter) -> Iterator[dict[str, object]]:
    if not matter.asks(GROUP):
        return
    for place, own in matter.sides():
        weights = own.groupby(GROUP, observed=True)["weight"].agg(["sum", "size"])
        if (weights["size"] < FEW).any():
            continue
        shares = to((weights["sum"] / weights["sum"].sum()).to_numpy(dtype=np.float64), OF_MIX)
        for value, share in zip(weights.index, shares, strict=True):
            yield {**place, "group": GROUP, "value": str(value), "share": float(share)}


def _traffic(matter: Matter) -> Iterator[dict[str, object]]:
    columns = matter.questionnaire.design
    if columns.traffic is None or not matter.asks(columns.traffic):
        return
    for place, own in matter.sides():
        shifts = own.drop_duplicates([*columns.strata, "psu"]).dropna(subset=[columns.traffic])
        posts = list(shifts.groupby(POST, observed=True)) if matter.asks(POST) else []
        for post, counted in [("", shifts), *posts]:
            if len(counted) < SHIFTS:
                continue
            drawn = counted[columns.inclusion].astype("float64") if columns.inclusion else None
            mean = np.average(counted[columns.traffic].astype("float64"), weights=drawn)
            yield {**place, POST: str(post), "crossings": float(f"{mean:.2g}")}
