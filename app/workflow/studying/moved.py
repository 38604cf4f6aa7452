"""What is studied of changes and differences, where published figures alone cannot tell it.

The part of each change that is a change of who came; differences between people who were asked in the same shifts.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.document import Facets
from app.workflow.studying.matter import FEWEST, Matter, Studies, judged, rounded
from scoring import EstimationError
from scoring.composition import split
from scoring.differences import differences as differing
from scoring.differences import differences_of_measures

GROUP = "user_group"  # of which the mix may change
PARTS = ("within", "mix", "fixed_mix")
EXPERIENCES = ("asked_", "paid_")  # before the code of an agency
CONTACT = "contact"  # the question whose choices are the agencies
STEP = 0.1


def compositions(matter: Matter) -> Studies:
    """Each change of a headline index of a side, split into what moved within groups of users and a change of the mix.

    Against every earlier public wave. `within` is the published change less `mix`, so that the two add up to the
    figure that is shown: less parts made from today's answers, a published change would tell what was erased since.
    `fixed_mix` lies as far from `within` as today's answers say.

    Returns
    -------
    dict
        `composition`: wave, since, side, measure, group, part, estimate, se, df, low, high, p; points. Only where the
        score of the side and of every group is shown in both waves, on 100 answers: with the traffic, the part of a
        changed mix tells the scores of the groups to a tenth of a point.
    """
    tables = [table for pair in _pairs(matter) for table in _split(matter, *pair)]
    return {"composition": pd.concat(tables, ignore_index=True)} if tables else {}


def _pairs(matter: Matter) -> list[tuple[str, str]]:
    """An earlier and a later wave, one of them published now."""
    if (SIDE, GROUP) not in matter.beside.sets:
        return []
    labels = matter.beside.by((SIDE,)).labels
    pairs = combinations(sorted(labels["wave"].astype("str").unique()), 2)
    return [pair for pair in pairs if set(pair) & set(matter.waves)]


def _split(matter: Matter, since: str, wave: str) -> Iterator[pd.DataFrame]:
    try:
        table = split(
            matter.beside,
            matter.framework,
            measure=matter.headline,
            waves=(since, wave),
            by=(SIDE, GROUP),
            group=GROUP,
        ).table
    except EstimationError:  # no study decides whether there is a release
        return
    moves = matter.moved((SIDE,))
    for (side, measure), rows in table.groupby([SIDE, "measure"], sort=False):
        change = moves.get((wave, since, str(side), str(measure)))
        if change and _groups_are_shown(matter, str(side), str(measure), (since, wave)):
            labels = pd.DataFrame({"wave": [wave], "since": [since], SIDE: [str(side)]})
            figures = _parts(rows.set_index("part"), change["estimate"], int(matter.shifts(labels).item()))
            place = {"wave": wave, "since": since, SIDE: str(side), "measure": str(measure), "group": GROUP}
            yield figures.assign(**place)[[*place, *figures.columns]]


def _groups_are_shown(matter: Matter, side: str, measure: str, waves: tuple[str, str]) -> bool:
    """Whether the release shows every group that came, in both waves, on enough answers."""
    shown = matter.scores.get((SIDE, GROUP))
    if shown is None:
        return False
    own = shown[(shown[SIDE] == side) & (shown["measure"] == measure) & shown["wave"].isin(waves)]
    enough = own["estimate"].notna() & (own["n"] >= FEWEST)
    return bool(enough.all()) and set(own["wave"]) == set(waves)


def _parts(rows: pd.DataFrame, change: float, shifts: int) -> pd.DataFrame:
    """Rows of PARTS that add up to the published change."""
    own = rows.loc[list(PARTS)]
    value, se, df = (own[name].to_numpy(dtype=np.float64) for name in ("estimate", "se", "df"))
    within, mix, fixed = value
    shown = change - rounded(mix, STEP)
    parts = np.array([shown, mix, shown + rounded(fixed - within, STEP)])
    figures = judged(parts, se, df, shifts=np.full(len(PARTS), shifts), step=STEP)
    figures.insert(0, "part", PARTS)
    return figures


def differences(matter: Matter) -> Studies:
    """Differences of which the figures alone do not tell the chance: those of people who were asked in the same shifts.

    Groups of a side that do not divide the strata, such as women and men, by every headline index; and indicators of
    one experience with two agencies. The estimate is the difference of the figures as they are shown, second less
    first; its standard error counts the covariance.

    Returns
    -------
    dict
        `differences`: wave, side, between, measure, first, second, estimate, se, df, low, high, p; points.
    """
    tables = [*_between_groups(matter), *_between_agencies(matter)]
    return {"differences": pd.concat(tables, ignore_index=True)} if tables else {}


def _between_groups(matter: Matter) -> Iterator[pd.DataFrame]:
    apart = set(matter.design.strata)
    for facets in matter.totals.sets:
        if len(facets) != len((SIDE, GROUP)) or facets[0] != SIDE or facets[1] in apart:
            continue
        try:
            table = differing(
                matter.totals, matter.framework, measure=matter.headline, by=facets, between=facets[1], adjust="none"
            )
        except EstimationError:  # as above
            continue
        yield from _told(matter, table, facets)


def _between_agencies(matter: Matter) -> Iterator[pd.DataFrame]:
    pairs = _of_agencies(matter)
    if not pairs:
        return
    try:
        table = differences_of_measures(matter.totals, matter.framework, pairs=pairs, by=(SIDE,), adjust="none")
    except EstimationError:  # as above
        return
    yield from _told(matter, table.assign(measure=""), (SIDE,))


def _of_agencies(matter: Matter) -> list[tuple[str, str]]:
    """Every two indicators of one experience, each with one of the agencies that the form names."""
    contact = next((one for one in matter.questionnaire.questions if one.name == CONTACT and one.scale), None)
    agencies = [choice.code for choice in contact.scale.choices] if contact and contact.scale else []
    known = {part.code for part in matter.framework.indicators}
    of_each = ([code for agency in agencies if (code := before + agency) in known] for before in EXPERIENCES)
    return [pair for codes in of_each for pair in combinations(codes, 2)]


def _told(matter: Matter, table: pd.DataFrame, facets: Facets) -> Iterator[pd.DataFrame]:
    """Rows of which both figures are shown, with the difference of these."""
    shown = matter.shown(facets)
    keys = [_both(row, facets) for row in table.to_dict(orient="records")]
    kept = np.array([first in shown and second in shown for first, second in keys], dtype=bool)
    if not kept.any():
        return
    own = table[kept].reset_index(drop=True)
    value = [
        shown[second]["estimate"] - shown[first]["estimate"]
        for first, second in keys
        if first in shown and second in shown
    ]
    se, df = (own[name].to_numpy(dtype=np.float64) for name in ("se", "df"))
    figures = judged(np.array(value), se, df, shifts=matter.shifts(own), step=STEP)
    names = ["wave", SIDE, "between", "measure", "first", "second"]
    yield pd.concat([own[names].astype("str"), figures], axis=1)


def _both(row: Mapping[Any, Any], facets: Facets) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys of the two published figures of a difference."""
    place = (str(row["wave"]), str(row[SIDE]))
    first, second = str(row["first"]), str(row["second"])
    if facets == (SIDE,):
        return (*place, first), (*place, second)
    measure = str(row["measure"])
    return (*place, first, measure), (*place, second, measure)
