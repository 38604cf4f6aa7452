"""What is studied of single indicators: how long the middle and the unlucky wait, and what refusals may hide."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.studying.matter import EACH, FEWEST, STEPS, Matter, Studies, of_share, rounded, step_of, to
from scoring import EstimationError, estimate
from scoring.disclosure import DEFAULT
from scoring.framework import Indicator
from scoring.mask.layout import shown_error
from scoring.normalisation import FULL
from surveys.questionnaire import MISSING_CODES

WAITING = "wait_hours"
QUANTILES = (0.5, 0.9)
HOURS = 0.1
NOT_ASKED = MISSING_CODES["not_applicable"]


def quantiles(matter: Matter) -> Studies:
    """Hours that half of the crossings and nine of ten take at most, by side, with Woodruff's intervals.

    Returns
    -------
    dict
        `quantiles`: wave, side, measure, q, estimate, se, df, low, high (hours to 0.1), n (to 5). Only where the mean
        is shown, on 100 answers, and nobody weighs as much as all whom a reader who remembers one shift does not
        remember: the middle would be that person's hours.
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
    places = list(zip(table["wave"].astype("str"), table[SIDE].astype("str"), strict=True))
    outweighed = _outweighed(matter, data)
    told = np.array([(*place, WAITING) in shown and place not in outweighed for place in places], dtype=bool)
    kept = (table["n"] >= FEWEST) & table["estimate"].notna() & told
    own = table[kept].reset_index(drop=True)
    return {"quantiles": _rounded_hours(own, matter.shifts(own))} if len(own) else {}


def _outweighed(matter: Matter, data: pd.DataFrame) -> set[tuple[str, str]]:
    """Waves and sides where one person weighs half of all who answered outside of some one shift, or more."""
    known = data[data[WAITING].notna()]
    found = set()
    for (wave, side), own in known.groupby(["wave", SIDE], observed=True):
        share = own["weight"] / own["weight"].sum()
        if 2 * share.max() >= 1 - share.groupby(matter.crowds(own)).sum().max():
            found.add((str(wave), str(side)))
    return found


def _rounded_hours(table: pd.DataFrame, shifts: npt.NDArray[np.int64]) -> pd.DataFrame:
    figures = {name: to(table[name].to_numpy(dtype=np.float64), HOURS) for name in ("estimate", "low", "high")}
    return pd.DataFrame(
        {
            "wave": table["wave"].astype("str"),
            SIDE: table[SIDE].astype("str"),
            "measure": WAITING,
            "q": table["measure"].str.split(":").str[-1].astype("float64"),
            "estimate": figures["estimate"],
            "se": shown_error(table["se"].to_numpy(dtype=np.float64), shifts, DEFAULT)[0],
            "df": np.floor(table["df"].to_numpy(dtype=np.float64)),
            "low": figures["low"],
            "high": figures["high"],
            "n": to(table["n"].to_numpy(dtype=np.float64), 5.0),
        }
    )


def ranges(matter: Matter) -> Studies:
    """Between what and what a sensitive headline share lies, if those who did not answer all said no, or all yes.

    Of everybody who was to be asked: whoever says yes once is a yes, whoever says no to all is a no, and the others
    are counted as no at the floor and as yes at the ceiling. The floor is the share as it is shown times the part of
    those asked who answered at all, and the ceiling lies `unanswered` above it: so they tell nothing of the answers
    that the share does not.

    Returns
    -------
    dict
        `ranges`: wave, side, measure, floor, ceiling, low (of the 95 % limits of the floor), high (of those of the
        ceiling), n (to 5), unanswered; percent to 0.5, of few people or heavy ones to 1, 2, 5 or 10. Only where the
        share is shown, on 100 people, and there are 5 who say yes, who say no to everything and who are silent.
    """
    wanted = [part for part in matter.framework.indicators if part.headline and part.sensitive]
    tables = [table for part in wanted for table in _range(matter, part)]
    return {"ranges": pd.concat(tables, ignore_index=True)} if tables else {}


def _range(matter: Matter, part: Indicator) -> Iterator[pd.DataFrame]:
    if not all(matter.asks(code) for code in part.items):
        return
    data = _counted(matter.own, part.items)
    try:
        table = estimate(data, matter.design, by=[SIDE], df="satterthwaite", top_two_box=["floor:1", "ceiling:1"])
    except EstimationError:  # as above
        return
    shown = matter.shown((SIDE,))
    for (wave, side), own in table.groupby(["wave", SIDE], sort=False):
        place = {"wave": str(wave), SIDE: str(side), "measure": part.code}
        rows = own.set_index(own["measure"].str.split(":").str[0])
        asked = data[(data["wave"] == wave) & (data[SIDE] == side) & data["floor"].notna()]
        told = shown.get((str(wave), str(side), part.code))
        if told and rows["n"].min() >= FEWEST and np.isfinite(_step(matter, asked)) and not _few(asked):
            shifts = int(matter.shifts(pd.DataFrame([place])).item())
            ends = _ends(rows, asked, told["estimate"], step=_step(matter, asked), shifts=shifts)
            if 0 < ends["floor"] < ends["ceiling"] < FULL:
                yield pd.DataFrame([place | ends])


def _counted(own: pd.DataFrame, items: tuple[str, ...]) -> pd.DataFrame:
    """`floor`, `ceiling`, `unanswered`, and `answered` any, of each respondent; NaN for who was not to be asked."""
    given = own[list(items)].to_numpy(dtype=np.float64)
    there = ~(np.isnan(given) | (given == NOT_ASKED)).all(axis=1)
    yes = (given > 0).any(axis=1)
    open_ = ~yes & ((given < 0) & (given != NOT_ASKED)).any(axis=1)
    counted = {"floor": yes, "ceiling": yes | open_, "unanswered": open_, "answered": (given >= 0).any(axis=1)}
    return own.assign(**{name: np.where(there, value, np.nan) for name, value in counted.items()})


def _step(matter: Matter, asked: pd.DataFrame) -> float:
    """To which the part of the silent is rounded."""
    silent, weight = (asked["unanswered"] == 1).to_numpy(), asked["weight"].to_numpy(dtype=np.float64)
    return step_of(silent, weight, matter.crowds(asked).to_numpy(dtype=np.int64))


def _few(asked: pd.DataFrame) -> bool:
    """Whether few people say yes, or no to everything."""
    return bool(min((asked["floor"] == 1).sum(), (asked["ceiling"] == 0).sum()) < EACH)


def _ends(rows: pd.DataFrame, asked: pd.DataFrame, share: float, *, step: float, shifts: int) -> dict[str, float]:
    weight = asked["weight"].to_numpy(dtype=np.float64)
    answered, silent = (
        rounded(FULL * float(np.average(asked[name], weights=weight)), step) for name in ("answered", "unanswered")
    )
    floor = rounded(share * answered / FULL, STEPS[0])
    ceiling = floor + silent
    errors = (FULL * rows["se"]).to_dict()
    ends = {
        name: of_share(value, errors[name], rows["df"][name], step=STEPS[0], shifts=shifts)
        for name, value in (("floor", floor), ("ceiling", ceiling))
    }
    return {
        "floor": floor,
        "ceiling": ceiling,
        "low": ends["floor"][2],
        "high": ends["ceiling"][3],
        "n": rounded(float(rows["n"].min()), 5.0),
        "unanswered": silent,
    }
