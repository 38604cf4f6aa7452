"""What is studied of single indicators: how long the middle and the unlucky wait, and what refusals may hide."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.studying.matter import FEWEST, Matter, Studies, rounded, to
from scoring import EstimationError, estimate
from scoring.framework import Indicator
from scoring.mask.publication import upward
from surveys.questionnaire import MISSING_CODES

WAITING = "wait_hours"
QUANTILES = (0.5, 0.9)
HOURS = 0.1
PERCENT = 0.5
EACH = 5  # people who say yes, and who say no to everything
NOT_ASKED = MISSING_CODES["not_applicable"]


def quantiles(matter: Matter) -> Studies:
    """Hours that half of the crossings and nine of ten take at most, by side, with Woodruff's intervals.

    Returns
    -------
    dict
        `quantiles`: wave, side, measure, q, estimate, se, df, low, high (hours to 0.1), n (to 5). Only where the mean
        is shown, on 100 answers.
    """
    if not matter.asks(WAITING):
        return {}
    hours = pd.to_numeric(matter.own[WAITING], errors="coerce").astype("float64")
    data = matter.own.assign(**{WAITING: hours.where(hours >= 0)})
    try:
        table = estimate(
            data, matter.design, by=[SIDE], quantile=[f"{WAITING}:{q}" for q in QUANTILES], df="satterthwaite"
        )
    except EstimationError:  # no study decides whether there is a release
        return {}
    shown = matter.shown((SIDE,))
    places = zip(table["wave"].astype("str"), table[SIDE].astype("str"), strict=True)
    told = np.array([(*place, WAITING) in shown for place in places], dtype=bool)
    kept = (table["n"] >= FEWEST) & table["estimate"].notna() & told
    own = table[kept].reset_index(drop=True)
    return {"quantiles": _rounded_hours(own)} if len(own) else {}


def _rounded_hours(table: pd.DataFrame) -> pd.DataFrame:
    figures = {name: to(table[name].to_numpy(dtype=np.float64), HOURS) for name in ("estimate", "low", "high")}
    return pd.DataFrame(
        {
            "wave": table["wave"].astype("str"),
            SIDE: table[SIDE].astype("str"),
            "measure": WAITING,
            "q": table["measure"].str.split(":").str[-1].astype("float64"),
            "estimate": figures["estimate"],
            "se": upward(table["se"].to_numpy(dtype=np.float64)),
            "df": np.floor(table["df"].to_numpy(dtype=np.float64)),
            "low": figures["low"],
            "high": figures["high"],
            "n": to(table["n"].to_numpy(dtype=np.float64), 5.0),
        }
    )


def ranges(matter: Matter) -> Studies:
    """Between what and what a sensitive headline share lies, if those who did not answer all said no, or all yes.

    Of everybody who was to be asked: whoever says yes once is a yes, whoever says no to all is a no, and the others
    are counted as no at the floor and as yes at the ceiling.

    Returns
    -------
    dict
        `ranges`: wave, side, measure, floor, ceiling, low (of the 95 % limits of the floor), high (of those of the
        ceiling), n (to 5), unanswered; percent to 0.5. Only where the share is shown, on 100 people, 5 of them on
        either side.
    """
    wanted = [part for part in matter.framework.indicators if part.headline and part.sensitive]
    tables = [table for part in wanted for table in _range(matter, part)]
    return {"ranges": pd.concat(tables, ignore_index=True)} if tables else {}


def _range(matter: Matter, part: Indicator) -> Iterator[pd.DataFrame]:
    if not all(matter.asks(code) for code in part.items):
        return
    data = _counted(matter.own, part.items)
    try:
        table = estimate(
            data, matter.design, by=[SIDE], df="satterthwaite", top_two_box=["floor:1", "ceiling:1", "unanswered:1"]
        )
    except EstimationError:  # as above
        return
    shown, few = matter.shown((SIDE,)), _few(data)
    for (wave, side), own in table.groupby(["wave", SIDE], sort=False):
        place = {"wave": str(wave), SIDE: str(side), "measure": part.code}
        rows = own.set_index(own["measure"].str.split(":").str[0])
        if tuple(place.values()) in shown and rows["n"].min() >= FEWEST and tuple(place.values())[:2] not in few:
            yield pd.DataFrame([place | _ends(rows)])


def _counted(own: pd.DataFrame, items: tuple[str, ...]) -> pd.DataFrame:
    """`floor`, `ceiling` and `unanswered` of each respondent, 0 or 1; NaN for who was not to be asked."""
    given = own[list(items)].to_numpy(dtype=np.float64)
    there = ~(np.isnan(given) | (given == NOT_ASKED)).all(axis=1)
    yes = (given > 0).any(axis=1)
    open_ = ~yes & ((given < 0) & (given != NOT_ASKED)).any(axis=1)
    counted = {"floor": yes, "ceiling": yes | open_, "unanswered": open_}
    return own.assign(**{name: np.where(there, value, np.nan) for name, value in counted.items()})


def _few(data: pd.DataFrame) -> set[tuple[str, str]]:
    """Waves and sides where few people say yes, or no to everything."""
    found = data.groupby(["wave", SIDE], observed=True).agg(
        yes=("floor", "sum"), no=("ceiling", lambda x: (x == 0).sum())
    )
    return {(str(wave), str(side)) for wave, side in found.index[(found < EACH).any(axis=1)]}


def _ends(rows: pd.DataFrame) -> dict[str, float]:
    percent = {
        name: {str(measure): rounded(100 * float(value), PERCENT) for measure, value in rows[name].items()}
        for name in ("estimate", "low", "high")
    }
    return {
        "floor": percent["estimate"]["floor"],
        "ceiling": percent["estimate"]["ceiling"],
        "low": percent["low"]["floor"],
        "high": percent["high"]["ceiling"],
        "n": rounded(float(rows["n"].min()), 5.0),
        "unanswered": percent["estimate"]["unanswered"],
    }
