"""What of a combination of facets that is not published could be: the answers are read again, and no figure is shown.

A figure leaves the store by a release alone, which two people sign. Whoever asks for a combination that no release
holds is told how much of it the rules would let out beside what is public, and how it comes into the next release.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import prod

import pandas as pd

from app.workflow import publishing, reducing
from app.workflow.describing import SIDE, framework, lattice
from app.workflow.document import Facets, Release
from scoring.errors import RequestError
from scoring.mask.publication import publish
from scoring.totals import reduce
from surveys.store import Store

MOST = 3  # facets beside the side: a finer table has few people in each cell
PARTS = 20  # of all figures: to one of them what could be shown is rounded
STEP = 5  # to which figures that are given up are rounded up
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Possible:
    """What a release could show of a combination.

    Attributes
    ----------
    facets : tuple of str
    wave : str
    figures : int
        Of the combination, all measures and cells: also of cells in which nobody was met, for which of them are empty
        is not told.
    shown : int
        That could be shown beside everything public, to a twentieth of all: of no single cell is told whether it could.
    given_up : int
        Figures that are public now and would have to be hidden beside them, rounded up to 5: what is public is not
        taken back, so a combination with any of these has to wait for a new wave.
    """

    facets: Facets
    wave: str
    figures: int
    shown: int
    given_up: int


def undeclared(release: Release) -> tuple[Facets, ...]:
    """Combinations of the facets of a release that it holds no table of, coarse ones first."""
    known = {frozenset(facets) for facets in release.document.scores}
    names = sorted({name for facets in release.document.scores for name in facets[1:]})
    every = [(SIDE, *some) for size in range(1, MOST + 1) for some in combinations(names, size)]
    return tuple(facets for facets in every if frozenset(facets) not in known)


def possible(
    store: Store, survey_id: str, *, wave: str, facets: Sequence[str], progress: Progress = lambda _: None
) -> Possible:
    """Read the answers of a public wave again, and say how much of a combination could be published.

    Raises
    ------
    RequestError
        If it is published already, starts with anything but the side, or names what no table knows.
    """
    standing = publishing.standing(store, survey_id)
    if standing is None or wave not in standing.waves:
        raise RequestError(f"wave {wave!r} of {survey_id!r} is not published; ask of a published wave")
    questionnaire = store.questionnaire(survey_id)
    plan, scoring, wanted = lattice(questionnaire), framework(questionnaire.id), tuple(facets)
    _refuse(wanted, plan.tables)
    progress("reading the answers again")
    frame = reducing.respondents(store, survey_id, questionnaire.design, (wave,), (*plan.tables, wanted))
    totals = reduce(frame, scoring, reducing.design(questionnaire.design), facets=(*plan.tables, wanted))
    masks = [publishing.read_sealed(store.release_mask(survey_id, standing.number)).mask]
    before = publishing.strictest([mask[mask["wave"] == wave] for mask in masks])
    made = publish(
        totals, scoring, replace(plan, tables=(*plan.tables, wanted)), hidden=before, progress=progress
    ).mask.fillna("")
    own = made["table"] == " ".join(wanted)
    keys = [name for name in made.columns if name != "why" and name in before.columns]
    both = made[~own].merge(before[[*keys, "why"]], on=keys, suffixes=("", "_before"))
    gone = (both["why"] != "") & (both["why_before"] == "")
    return coarsely(wave, wanted, made[own], given_up=int(gone.sum()))


def coarsely(wave: str, facets: Facets, mask: pd.DataFrame, *, given_up: int) -> Possible:
    """What is told of the mask of a combination: whoever asks for many of them must not learn of a single cell."""
    cells = mask[list(facets)].drop_duplicates()
    every = sum(prod(own[name].nunique() for name in facets) for _, own in cells.groupby(SIDE))
    figures = every * mask["measure"].nunique()
    shown = round(PARTS * int((mask["why"] == "").sum()) / figures) * figures // PARTS
    return Possible(facets, wave, figures=figures, shown=shown, given_up=-(-given_up // STEP) * STEP)


def _refuse(wanted: Facets, tables: Sequence[Facets]) -> None:
    known = {name for facets in tables for name in facets}
    if wanted[:1] != (SIDE,) or len(set(wanted)) != len(wanted) or len(wanted) > MOST + 1:
        raise RequestError(f"a combination starts with {SIDE!r} and names up to {MOST} facets beside it, each once")
    if frozenset(wanted) in {frozenset(facets) for facets in tables}:
        raise RequestError(f"the table by {' and '.join(wanted)} is published; choose it on the page")
    if strange := sorted(set(wanted) - known):
        names = ", ".join(sorted(known - {SIDE}))
        raise RequestError(f"nothing is published by {strange[0]!r}; combine any of {names}")
