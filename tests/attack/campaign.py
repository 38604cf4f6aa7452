"""Surveys against the whole attack: small ones many at once, large ones one by one and everywhere."""

import multiprocessing
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from scoring.mask.publication import Publication, publish
from tests.attack.amounts import bounded_amounts
from tests.attack.answers import certain
from tests.attack.counting import COUNTED, cornered_counts
from tests.attack.invented import FRAMEWORK, LATTICE, THEMES, WAVES, survey, together, totals
from tests.attack.knowledge import FAMILIES, Found, Scene, scenes
from tests.attack.solving import Effort
from tests.attack.spread import told_by_errors

AT_ONCE = 17  # surveys that are published together
SHARES = ("asked", "paid", "either", "queued")
UNLIKE = ("x", "y", "z", "hours")  # their counts take longer: one of them for each small survey


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the attack on one survey."""

    seed: int
    figures: int
    hidden: int
    effort: Effort
    found: list[Found] = field(default_factory=list)


def assault(
    scene: Scene, effort: Effort, *, known: Sequence[int], rng: np.random.Generator, counted: Sequence[str] = COUNTED
) -> list[Found]:
    """Every attack on one side in one wave."""
    asked = {measure for cell in scene.cells for measure in cell.rows}
    families = [family for family in FAMILIES if asked & set(family)]
    found = certain(scene, effort, known=known, families=families)
    found += told_by_errors(scene, effort, known=known)
    found += bounded_amounts(scene, effort)
    return found + cornered_counts(scene, effort, rng=rng, measures=counted)


def attack(seed: int) -> Outcome:
    """A large survey about everything: both sides, every wave, every shift remembered."""
    frame = survey(seed)
    publication = publish(totals(frame), FRAMEWORK, LATTICE)
    rng, effort, found = np.random.default_rng(seed), Effort(patience=60.0, nodes=5000), []
    for scene in scenes(frame, publication):
        found += assault(scene, effort, known=range(int(scene.shift.max()) + 1), rng=rng)
    return _outcome(seed, publication.mask, effort, found)


def small_attacks(seeds: Sequence[int]) -> list[Outcome]:
    """Small surveys of one theme, published together; each is attacked in one wave by whoever remembers one shift.

    From the first lot of the plain theme a post is withdrawn then, and what is left is attacked again.
    """
    theme = theme_of(seeds[0])
    frame = together(seeds)
    places = {f"{seed} left": str(np.random.default_rng(seed).choice(WAVES)) for seed in seeds}
    first = publish(totals(frame, framework=THEMES[theme]), THEMES[theme], LATTICE)
    efforts = {side: Effort() for side in places}
    found = _attacked(frame, first, places, efforts)
    if theme == "plain" and seeds[0] < len(THEMES) * AT_ONCE:  # the first lot
        second = withdrawn(frame, first, places)
        for side, more in _attacked(frame, second, places, efforts).items():
            found[side] += more
    masks = dict(list(first.mask.groupby("side")))
    return [_outcome(seed, masks[side], efforts[side], found[side]) for seed, side in zip(seeds, places, strict=True)]


def withdrawn(frame: pd.DataFrame, first: Publication, sides: Iterable[str]) -> Publication:
    """The release after the first post of each side was withdrawn from it."""
    cells = [{"side": side, "post": "left 0"} for side in sides]
    framework = THEMES["plain"]
    return publish(totals(frame, framework=framework), framework, LATTICE, hidden=first.mask, withdrawn=cells)


def theme_of(seed: int) -> str:
    """What a small survey asks about."""
    return list(THEMES)[seed % len(THEMES)]


def remembered(scene: Scene, rng: np.random.Generator) -> int:
    """The shift that stands for most people, or any."""
    people = np.bincount(scene.shift, weights=scene.weight)
    return int(np.argmax(people)) if rng.random() < 0.5 else int(rng.integers(people.size))


def attacks(seeds: Iterable[int]) -> list[Outcome]:
    """Attack many small surveys, on every processor."""
    by_theme = [[seed for seed in seeds if theme_of(seed) == theme] for theme in THEMES]
    parts = [part[first : first + AT_ONCE] for part in by_theme for first in range(0, len(part), AT_ONCE)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        return [one for outcomes in pool.map(small_attacks, parts) for one in outcomes]


def _attacked(
    frame: pd.DataFrame, publication: Publication, places: dict[str, str], efforts: dict[str, Effort]
) -> dict[str, list[Found]]:
    """What is learnt of each side, in the wave that is attacked."""
    found = {}
    for scene in scenes(frame, publication, places=[(wave, side) for side, wave in places.items()]):
        rng = np.random.default_rng(int(scene.side.split()[0]))
        known, counted = [remembered(scene, rng)], [str(rng.choice(UNLIKE, p=[1 / 6, 1 / 6, 1 / 6, 1 / 2])), *SHARES]
        found[scene.side] = assault(scene, efforts[scene.side], known=known, rng=rng, counted=counted)
    return found


def _outcome(seed: int, mask: pd.DataFrame, effort: Effort, found: list[Found]) -> Outcome:
    return Outcome(seed, len(mask), int((mask["why"] != "").sum()), effort, found)


def summary(outcomes: list[Outcome]) -> str:
    """One line about many surveys."""
    efforts = [one.effort for one in outcomes]
    least = min((value for effort in efforts for value in effort.least_values.values()), default=0)
    return (
        f"{len(outcomes)} surveys, {sum(one.hidden for one in outcomes)} of {sum(one.figures for one in outcomes)} "
        f"figures hidden; {sum(effort.looked_at for effort in efforts)} shifts of like answers or amounts and "
        f"{sum(effort.hidden for effort in efforts)} hidden counts attacked, least number of values {least}; "
        f"{sum(effort.programmes for effort in efforts)} programmes, {sum(effort.given_up for effort in efforts)} "
        f"undecided; something was learnt of {sum(bool(one.found) for one in outcomes)} surveys"
    )
