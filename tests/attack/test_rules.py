"""Each rule alone stops an attack that succeeds without it: so the rules are needed, and the attacks can bite."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring.disclosure import Thresholds
from scoring.mask.publication import Publication, publish
from tests.attack.amounts import bounded_amounts
from tests.attack.answers import certain
from tests.attack.invented import FRAMEWORK, LATTICE, LOWEST, totals
from tests.attack.knowledge import Found, scenes
from tests.attack.solving import Effort

NOTHING = Thresholds(
    few_respondents=0,
    few_answers=0,
    shifts=0,
    interviewers=0,
    largest_share=1.0,
    two_largest=1.0,
    margin=-10.0,
    sensitive_n=0,
    sensitive_each=0,
    each=0,
    rest=0,
    certain=False,
    complementary=False,
    freedom=1,
    alike=0.0,
    alone=0.0,
    variation=0.0,
    rare=0,
)
FULL = Thresholds()


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift: who answered what to the question that matters; everything else is missing."""

    answers: tuple[float, ...]
    weight: float = 1.0
    post: str = "a"
    sex: str = "male"
    group: str = "traders"


def frame_of(shifts: list[Shift], measure: str) -> pd.DataFrame:
    """A survey of one wave of these shifts, each with an interviewer of its own."""
    rows = [
        {
            "wave": "2022", "side": "left", "post": shift.post, "group": shift.group, "shift": f"s{number}",
            "weight": shift.weight, "interviewer": f"i{number}", "sex": shift.sex, measure: answer,
        }
        for number, shift in enumerate(shifts)
        for answer in shift.answers
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    missing = {name: -1.0 for name in (*LOWEST, "hours") if name != measure}
    return frame.assign(**missing)


def published(frame: pd.DataFrame, rules: Thresholds, **options: Any) -> Publication:
    return publish(totals(frame), FRAMEWORK, replace(LATTICE, rules=rules), **options)


def attacked(frame: pd.DataFrame, rules: Thresholds, measure: str) -> list[Found]:
    """What the enemy learns of one question under some rules."""
    found: list[Found] = []
    for scene in scenes(frame, published(frame, rules), rules=rules):
        one = bounded_amounts(scene, Effort()) if measure == "hours" else None
        found += (
            one
            if one is not None
            else certain(scene, Effort(), known=range(int(scene.shift.max()) + 1), families=((measure,),))
        )
    return found


def yes(many: int, of: int, **rest: Any) -> Shift:
    """A shift of which so many said yes."""
    return Shift(tuple([1.0] * many + [0.0] * (of - many)), **rest)


UNEVEN = [yes(0, 2, weight=10.0), yes(1, 2, weight=3.0), yes(1, 2, weight=1.0)]
HEAVY = [yes(0, 8, weight=100.0), yes(5, 8, weight=10.0), yes(3, 8, weight=1.0)]
ONE_SHIFT = [yes(4, 10), yes(0, 10), yes(0, 10), yes(0, 10)]
RICH = [Shift((1000.0, 1.0)), Shift((900.0, 1.0)), Shift((1.0,) * 10), Shift((1.0,) * 10)]
PILE = [Shift((100.0,) * 10), Shift((400.0,)), *[Shift((1.0,) * 5)] * 3]
CASES = {
    "few_respondents": (UNEVEN, "queued"),
    "few_answers": ([replace(one, answers=one.answers * 2) for one in UNEVEN], "queued"),
    "shifts": ([yes(5, 15), yes(0, 15)], "queued"),
    "largest_share": ([yes(10, 28), yes(0, 1), yes(0, 1)], "queued"),
    "sensitive_n": (HEAVY, "asked"),
    "sensitive_each": (ONE_SHIFT, "asked"),
    "each": ([yes(2, 10), yes(0, 10), yes(0, 10)], "queued"),
    "rest": (ONE_SHIFT, "queued"),
    "certain": (HEAVY, "queued"),
    "two_largest": (RICH, "hours"),
    "margin": (PILE, "hours"),
}


@pytest.mark.parametrize("rule", CASES)
def test_attack_succeeds_without_the_rule_and_fails_with_it_alone(rule: str) -> None:
    shifts, measure = CASES[rule]
    frame = frame_of(shifts, measure)
    alone = replace(NOTHING, **{rule: getattr(FULL, rule)})
    assert attacked(frame, NOTHING, measure) != []
    assert attacked(frame, alone, measure) == []


ALIKE = {"alike": ([Shift((3.0,) * 10)] * 4, "x"), "variation": ([Shift((2.0,) * 10)] * 4, "hours")}


@pytest.mark.parametrize("rule", ALIKE)
def test_standard_error_of_nothing_tells_that_all_answered_alike_without_the_rule(rule: str) -> None:
    shifts, measure = ALIKE[rule]
    frame = frame_of(shifts, measure)
    alone = replace(NOTHING, **{rule: getattr(FULL, rule)})
    errors = [
        published(frame, rules).scores["side",].set_index("measure").loc[measure, "se"] for rules in (NOTHING, alone)
    ]
    assert errors[0] == 0
    assert np.isnan(errors[1])


def test_rare_share_to_a_tenth_of_a_point_gives_answers_away_where_weights_differ() -> None:
    weights = np.random.default_rng(0).uniform(1, 4, 9).round(3)
    given = [0, 1, 0, 1, 2, 0, 0, 1, 0]
    frame = frame_of([yes(many, 6, weight=float(one)) for many, one in zip(given, weights, strict=True)], "queued")
    assert attacked(frame, NOTHING, "queued") != []
    assert attacked(frame, replace(NOTHING, rare=FULL.rare), "queued") == []


POSTS = [
    *[yes(4, 10, post="a")] * 3,
    *[yes(5, 10, post="b")] * 3,
    *[yes(0, 3, post="c")] * 3,
]


def test_total_less_its_shown_parts_gives_a_hidden_part_away_without_complementary_suppression() -> None:
    frame = frame_of(POSTS, "queued")
    few = replace(NOTHING, few_respondents=FULL.few_respondents)
    assert {one.learnt.split(" (")[0] for one in attacked(frame, few, "queued")} >= {"shift 6", "shift 7", "shift 8"}
    assert attacked(frame, replace(few, complementary=True), "queued") == []


def test_unrounded_figure_gives_every_answer_away_where_weights_differ() -> None:
    """Subset sums: with exact weights one exact figure has one solution."""
    weights = np.random.default_rng(4).uniform(1, 2, 6).round(7)
    shifts = [yes(many, 4, weight=float(weight)) for many, weight in zip([0, 3, 2, 1, 2, 1], weights, strict=True)]
    frame = frame_of(shifts, "queued")
    loose = replace(NOTHING, few_answers=FULL.few_answers)
    assert attacked(frame, replace(loose, rounded=False), "queued") != []
    assert attacked(frame, loose, "queued") == []


def three_posts() -> pd.DataFrame:
    shifts = [yes(many, 10, post=post) for post in "abc" for many in (3, 4, 5, 4)]
    return frame_of(shifts, "queued")


def shown(publication: Publication) -> set[tuple[str, ...]]:
    """Figures that have a number."""
    return {
        (*facets, *map(str, row))
        for facets, table in publication.scores.items()
        for row in table.loc[table["estimate"].notna(), ["wave", *facets, "measure"]].itertuples(index=False)
    }


def test_withdrawn_post_is_not_recovered_from_what_stays() -> None:
    frame = three_posts()
    first = published(frame, FULL)
    second = published(frame, FULL, hidden=first.mask, withdrawn=[{"post": "b"}])
    post = ("side", "post", "2022", "left")
    assert {(*post, name, "queued") for name in "abc"} <= shown(first)
    assert shown(second) < shown(first)
    assert (*post, "b", "queued") not in shown(second)
    either = (*post, "a", "queued") in shown(second) and (*post, "c", "queued") in shown(second)
    assert not either or ("side", "2022", "left", "queued") not in shown(second)


def test_what_a_mask_hides_stays_hidden_however_it_was_kept() -> None:
    """In the store a facet that a table lacks is an empty text, in memory it is missing."""
    frame = three_posts()
    first = published(frame, FULL)
    lost = first.mask.assign(why=first.mask["why"].where(first.mask["measure"] != "queued", "by hand"))
    assert "post" in lost.columns
    assert lost["post"].isna().any()
    for kept in (lost, lost.fillna("").astype("str")):
        again = published(frame, FULL, hidden=kept)
        assert not any(name[-1] == "queued" for name in shown(again))


def test_release_before_and_after_an_erasure_would_give_the_erased_answer() -> None:
    """The sum of one figure moves by one person's answer: why a published wave is carried over, never made again."""
    frame = frame_of([yes(10, 20, post=post) for post in "abc" for _ in range(4)], "queued")
    erased = frame.drop(index=int(frame.index[frame["queued"] == 1][0]))
    possible = []
    for one in (frame, erased):
        table = published(one, FULL).scores["side",].query("measure == 'queued'")
        off = [abs(100 * many / len(one) - table["estimate"].iloc[0]) for many in range(len(one) + 1)]
        possible.append(set(np.flatnonzero(np.array(off) <= 0.05 + 1e-9).tolist()))
    assert {first - second for first in possible[0] for second in possible[1]} == {1}


def test_published_wave_is_carried_over_unchanged_when_the_next_is_published_after_an_erasure() -> None:
    frame = frame_of([yes(10, 20, post=post) for post in "abc" for _ in range(4)], "queued")
    first = published(frame, FULL)
    later = frame.drop(index=0).assign(wave="2024", shift="later " + frame["shift"])
    second = published(later, FULL, earlier=first.scores)
    assert set(second.scores["side",]["wave"]) == {"2024"}
    moved = second.moves["side",].set_index("measure").loc["queued", "estimate"]
    figures = [one.scores["side",].set_index("measure").loc["queued", "estimate"] for one in (first, second)]
    assert moved == pytest.approx(figures[1] - figures[0], abs=0.05 + 1e-9)


def test_answer_that_everybody_gave_is_hidden_wherever_it_lies_on_the_scale() -> None:
    shifts = [Shift((3.0,) * 10), Shift((3.0,) * 10), Shift((3.0,) * 10), Shift((3.0,) * 10)]
    assert not {one for one in shown(published(frame_of(shifts, "x"), FULL)) if one[-1] == "x"}


@pytest.mark.parametrize("hours", [0.0, 2.0])
def test_amount_that_everybody_gave_is_hidden(hours: float) -> None:
    frame = frame_of([Shift((hours,) * 10)] * 4, "hours")
    assert not {one for one in shown(published(frame, FULL)) if one[-1] == "hours"}


def test_reason_for_hiding_would_tell_nearly_all_of_a_hidden_count() -> None:
    """One reason for all: "near the end" leaves three values of a share that is below one half."""
    shifts = [yes(many, 10, post=post) for post, given in (("a", (1, 0, 1, 0)), ("b", (5, 6, 4, 5))) for many in given]
    publication = published(frame_of([*shifts, *[yes(4, 10, post="c")] * 4], "queued"), FULL)
    why = publication.mask.query("table == 'side post' and measure == 'queued'").set_index("post")["why"]
    assert why["a"] == "near_end"
    people = 40
    told = [many for many in range(people // 2) if min(many, people - many) < FULL.each]
    assert len(told) < FULL.freedom
    rows = publication.scores["side", "post"].query("measure == 'queued'").set_index("post")
    hidden = rows[rows["estimate"].isna()]
    assert set(hidden["reason"]) == {"protected"}
    assert set(why[hidden.index]) == {"near_end", "complementary"}
