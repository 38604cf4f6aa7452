"""What the enemy learns from random surveys; `python -m tests.attack.endurance` attacks larger ones, everywhere."""

import os
import sys

import numpy as np
import pytest

from scoring.mask.publication import Publication, publish
from tests.attack.campaign import Outcome, attacks, summary, withdrawn
from tests.attack.invented import LATTICE, THEMES, together, totals

SURVEYS = int(os.environ.get("SARHAD_ATTACKS", "200"))


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    found = attacks(range(SURVEYS))
    sys.stdout.write(summary(found) + "\n")
    return found


def learnt(outcomes: list[Outcome], *attacks: str) -> list[str]:
    """What some attacks learnt, with the seed."""
    return [f"{one.seed}: {found}" for one in outcomes for found in one.found if found.attack in attacks]


def test_every_hidden_count_keeps_four_values(outcomes: list[Outcome]) -> None:
    assert learnt(outcomes, "counts") == []
    assert sum(outcome.effort.hidden for outcome in outcomes) > 10 * SURVEYS


def test_every_hidden_count_keeps_four_values_to_whoever_remembers_a_shift(outcomes: list[Outcome]) -> None:
    assert learnt(outcomes, "counts remembered") == []


def test_no_amount_is_known_to_fifteen_percent(outcomes: list[Outcome]) -> None:
    assert learnt(outcomes, "amount") == []


def test_no_answer_is_certain(outcomes: list[Outcome]) -> None:
    assert learnt(outcomes, "certain") == []
    assert sum(outcome.effort.looked_at for outcome in outcomes) > 50 * SURVEYS


def test_no_answer_is_certain_from_standard_errors(outcomes: list[Outcome]) -> None:
    assert learnt(outcomes, "error") == []


def test_attack_gives_up_on_few_programmes(outcomes: list[Outcome]) -> None:
    """What the solver does not settle is not counted as safe."""
    assert sum(one.effort.given_up for one in outcomes) <= 0.01 * sum(one.effort.programmes for one in outcomes)


def test_release_after_a_withdrawal_shows_nothing_new_and_nothing_otherwise() -> None:
    """So that whoever holds both releases knows what the first one told, and nobody else learns it from the second."""
    frame = together(range(4))
    sides = [str(side) for side in frame["side"].unique()]
    first = publish(totals(frame, framework=THEMES["plain"]), THEMES["plain"], LATTICE)
    before, after = numbers(first), numbers(withdrawn(frame, first, sides))
    assert after.items() < before.items()
    assert len({key for key in before if "left 0" in key}) > 10
    assert not {key for key in after if "left 0" in key}


def numbers(publication: Publication) -> dict[tuple[str, ...], tuple[float, ...]]:
    """Every shown figure, with all that its row says in numbers."""
    return {
        (*facets, *map(str, row[["wave", *facets, "measure"]])): tuple(
            np.nan_to_num(row[["estimate", "se", "df", "low", "high", "n", "n_eff", "deff"]].astype(float), nan=-1.0)
        )
        for facets, table in publication.scores.items()
        for _, row in table[table["estimate"].notna()].iterrows()
    }
