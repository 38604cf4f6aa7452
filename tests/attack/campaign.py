"""One survey against the whole attack, and many surveys at once."""

import multiprocessing
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from scoring.publication import publish
from tests.attack.amounts import bounded_amounts
from tests.attack.answers import certain
from tests.attack.counting import cornered_counts
from tests.attack.invented import FRAMEWORK, LATTICE, survey, totals
from tests.attack.knowledge import Found, Scene, scenes
from tests.attack.solving import Effort


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the attack on one survey."""

    seed: int
    figures: int
    hidden: int
    effort: Effort
    found: list[Found] = field(default_factory=list)


def attack(seed: int, *, thorough: bool = False) -> Outcome:
    """Publish a survey and attack one side in one wave, remembering two shifts; when thorough all of both."""
    frame = survey(seed)
    publication = publish(totals(frame), FRAMEWORK, LATTICE)
    rng = np.random.default_rng(seed)
    effort = Effort(patience=60.0, nodes=5000) if thorough else Effort()
    places = scenes(frame, publication)
    chosen = places if thorough else [places[int(rng.integers(len(places)))]]
    found: list[Found] = []
    for scene in chosen:
        known = range(int(scene.shift.max()) + 1) if thorough else remembered(scene, rng)
        found += certain(scene, effort, known=known)
        found += bounded_amounts(scene, effort)
        found += cornered_counts(scene, effort, rng=rng)
    return Outcome(seed, len(publication.mask), int((publication.mask["why"] != "").sum()), effort, found)


def remembered(scene: Scene, rng: np.random.Generator) -> list[int]:
    """The shift that stands for most people, and any other."""
    people = np.bincount(scene.shift, weights=scene.weight * scene.n["queued"])
    return [int(np.argmax(people)), int(rng.integers(people.size))]


def attacks(seeds: Iterable[int]) -> list[Outcome]:
    """Attack many surveys, on every processor."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(attack, seeds))


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
