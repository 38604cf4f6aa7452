"""The mask of a release: what it hides beside what the rules hide, that nothing comes back, and what it keeps."""

import itertools
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scoring import EstimationError, Framework, FrameworkError, SurveyDesign, Totals, change, reduce, score
from scoring.compare import moves_between
from scoring.disclosure import DEFAULT, Thresholds
from scoring.evidence import Groups, gather
from scoring.intervals import intervals
from scoring.mask.board import Board
from scoring.mask.certainty import Errors, given_away
from scoring.mask.freedom import Shares, cornered
from scoring.mask.lattice import Lattice
from scoring.mask.layout import shown_error
from scoring.mask.publication import Publication, publish
from scoring.mask.remainders import bounded, remainder
from scoring.mask.suppression import Line, Problem, solve
from tests.strategies import FRAMEWORK, surveys

SMALL = Framework.from_toml(FRAMEWORK)
DESIGN = SurveyDesign(weight="weight", strata=["side", "post"], psu="shift", wave="wave", interviewer="interviewer")
WAVES = ("2022", "2024")
TABLES = (("side",), ("side", "post"), ("side", "sex"), ("side", "post", "sex"))
LATTICE = Lattice("small", "1", TABLES)
NUMBERS = ["estimate", "se", "df", "low", "high", "n", "n_eff", "deff", "low_80", "high_80", "low_50", "high_50"]
TRAVELLER = Path(__file__).parents[2] / "data/lattices/traveller.toml"
SLOW = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def people(*, waves: Sequence[str] = WAVES) -> pd.DataFrame:
    """Two sides of three posts of four shifts of 20 people a wave: all that the rules ask for."""
    rng = np.random.default_rng(7)
    places = itertools.product(waves, ["left", "right"], ["a", "b", "c"], range(4), range(20))
    frame = pd.DataFrame(list(places), columns=["wave", "side", "post", "shift", "person"])
    size = len(frame)
    answers = {"x": (1, 5), "y": (1, 4), "z": (0, 2), "link": (1, 5), "asked": (0, 1), "hours": (1, 9)}
    return frame.assign(
        post=frame["side"] + " " + frame["post"],
        weight=1.0 + frame["shift"] % 2,
        sex=np.where(frame["person"] % 2 == 0, "female", "male"),
        interviewer=np.where(frame["person"] % 4 < 2, "i", "j"),
        **{name: rng.integers(low, high + 1, size) for name, (low, high) in answers.items()},
    )


def totals(frame: pd.DataFrame) -> Totals:
    """Totals by every table of the lattice."""
    return reduce(frame, SMALL, DESIGN, facets=TABLES)


@pytest.fixture(scope="module")
def whole() -> Totals:
    return totals(people())


@pytest.fixture(scope="module")
def open_(whole: Totals) -> Publication:
    return publish(whole, SMALL, LATTICE)


def reasons(publication: Publication, **cell: str) -> pd.Series:
    """Why each measure of one cell is hidden; the table is named by its facets, "wave" by default 2022."""
    rows = publication.mask
    for name, value in {"wave": "2022", **cell}.items():
        rows = rows[rows[name] == value]
    return rows.set_index("measure")["why"]


# --- the lattice -----------------------------------------------------------------------------------------------------


def test_lattice_of_the_traveller_survey_never_adds_both_sides() -> None:
    lattice = Lattice.from_toml(TRAVELLER.read_text(encoding="utf-8"))
    assert all(table[0] == "side" for table in lattice.tables)
    assert lattice.rules == DEFAULT


def test_lattice_pairs_each_table_with_those_of_one_facet_more() -> None:
    assert set(LATTICE.breakdowns()) == {
        (("side",), ("side", "post")),
        (("side",), ("side", "sex")),
        (("side", "post"), ("side", "post", "sex")),
        (("side", "sex"), ("side", "post", "sex")),
    }


@pytest.mark.parametrize(
    ("change_", "said"),
    [
        ({"id": None}, "see to id"),
        ({"tables": None}, "see to tables"),
        ({"colour": "'red'"}, "see to colour"),
        ({"framework": "3"}, "framework is 3; give the id of one"),
        ({"tables": "[]"}, "tables is a list of lists"),
        ({"tables": "['side']"}, "tables is a list of lists"),
        ({"tables": "[['side'], []]"}, "tables is a list of lists"),
        ({"tables": "[['side', 'post'], ['post', 'side']]"}, "stands twice"),
        ({"rules": "{fewest = 3}"}, "there is no rule 'fewest'"),
        ({"rules": "{shifts = 'three'}"}, "'shifts' is 'three'; give a int"),
        ({"rules": "{shifts = true}"}, "'shifts' is True"),
        ({"rules": "{shifts = 2.5}"}, "'shifts' is 2.5"),
        ({"rules": "{complementary = 1}"}, "give a bool"),
        ({"id": "= 3"}, "not TOML"),
    ],
)
def test_faults_of_a_lattice_are_named(change_: dict[str, str | None], said: str) -> None:
    given_ = {"id": "'l'", "version": "'1'", "tables": "[['side']]"} | change_
    text = "\n".join(f"{name} = {value}" for name, value in given_.items() if value is not None)
    with pytest.raises(FrameworkError, match=said.replace("[", r"\[")):
        Lattice.from_toml(text)


def test_lattice_without_rules_has_the_default_ones_and_takes_whole_numbers_for_shares() -> None:
    text = tomllib.loads("id = 'l'")["id"]
    assert Lattice.from_toml(f"id='{text}'\nversion='1'\ntables=[['side']]").rules == DEFAULT
    rules = Lattice.from_toml("id='l'\nversion='1'\ntables=[['side']]\n[rules]\nwide = 5").rules
    assert rules.wide == 5


# --- what is hidden beside -------------------------------------------------------------------------------------------


def solved(n: Sequence[int], cost: Sequence[float], lines: Sequence[Line], hidden: Sequence[int]) -> set[int]:
    """Numbers of the figures hidden in the end."""
    flags = np.isin(np.arange(len(n)), hidden)
    problem = Problem(np.array(n), np.array(cost, dtype=float), flags, lines, [], fewest=10)
    return set(np.flatnonzero(solve(problem, lambda _: [])).tolist())


def line(total: int, parts: Sequence[int], *, left_over: int = 0) -> Line:
    return Line(total, np.array(parts), left_over)


def test_one_hidden_post_of_a_side_takes_exactly_its_cheapest_neighbour_along() -> None:
    """Two sides (0 and 4) of three posts each; nothing ties the sides."""
    lines = [line(0, [1, 2, 3]), line(4, [5, 6, 7])]
    n, cost = [90, 30, 30, 30, 90, 30, 30, 30], [9, 1, 3, 2, 9, 1, 1, 1]
    assert solved(n, cost, lines, hidden=[1]) == {1, 3}
    assert solved(n, cost, lines, hidden=[]) == set()


def test_one_hidden_cell_of_rows_and_columns_takes_a_rectangle_along() -> None:
    """Rows 1 and 2, columns 3, 4, 5, cells 6-8 and 9-11; the last column is the cheapest."""
    rows = [line(0, [1, 2]), line(0, [3, 4, 5]), line(1, [6, 7, 8]), line(2, [9, 10, 11])]
    lines = [*rows, line(3, [6, 9]), line(4, [7, 10]), line(5, [8, 11])]
    cost = [99, 50, 50, 30, 30, 30, 1, 3, 2, 3, 3, 2]
    assert solved([180, 90, 90, 60, 60, 60] + [30] * 6, cost, lines, hidden=[6]) == {6, 8, 9, 11}


def test_hidden_figures_of_a_line_hold_10_people_together() -> None:
    """The cheapest neighbour has 5 people: 4 + 5 are too few, so the next one goes."""
    assert solved([79, 4, 5, 30, 40], [9, 1, 1, 2, 3], [line(0, [1, 2, 3, 4])], hidden=[1]) == {1, 3}


def test_fewer_than_10_people_of_no_part_take_a_part_along() -> None:
    assert solved([50, 20, 26], [9, 2, 1], [line(0, [1, 2], left_over=4)], hidden=[]) == {2}


def test_a_single_part_that_is_hidden_hides_its_total() -> None:
    assert solved([30, 30], [9, 1], [line(0, [1])], hidden=[1]) == {0, 1}


def test_a_hidden_total_is_not_the_sum_of_its_shown_parts() -> None:
    assert solved([60, 30, 30], [9, 1, 2], [line(0, [1, 2])], hidden=[0]) == {0, 1}


def test_a_hidden_part_hides_the_composite_but_not_the_other_way_round() -> None:
    n, cost = np.array([40, 40, 40]), np.ones(3)
    for hidden, expected in (([1], [0, 1]), ([0], [0])):
        problem = Problem(n, cost, np.isin(np.arange(3), hidden), [], [(0, np.array([1, 2]))], fewest=10)
        assert np.flatnonzero(solve(problem, lambda _: [])).tolist() == expected


def test_what_the_check_asks_for_is_hidden_too() -> None:
    """The check is not content before figure 3 is hidden, whatever it costs."""

    def check(hidden: Any) -> list[Any]:
        return [] if hidden[3] else [np.array([1, 2, 3])]

    problem = Problem(np.full(4, 40), np.array([9.0, 1, 1, 5]), np.zeros(4, dtype=bool), [], [], fewest=10)
    assert bool(solve(problem, check)[3])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_hidden_pattern_is_the_cheapest_safe_one(seed: int) -> None:
    """Against all 2^7 patterns of a total, two rows, and two cells in each."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(3, 30, 4)
    n = np.array([cells.sum(), cells[:2].sum(), cells[2:].sum(), *cells])
    lines = [line(0, [1, 2]), line(1, [3, 4]), line(2, [5, 6])]
    cost = rng.integers(1, 9, 7).astype(float)
    hidden = n < 10

    def safe(flags: Any) -> bool:
        for one in lines:
            parts = n[one.parts[flags[one.parts]]]
            if flags[one.total] and not parts.size:
                return False
            if not flags[one.total] and parts.size and (parts.size == 1 or np.minimum(parts, 10).sum() < 10):
                return False
        return True

    patterns = np.array(list(itertools.product([False, True], repeat=7)))
    fit = [flags for flags in patterns if (flags >= hidden).all() and safe(flags)]
    best = min(float(cost[flags].sum()) for flags in fit)
    found = solve(Problem(n, cost, hidden.copy(), lines, [], fewest=10), lambda _: [])
    assert safe(found)
    assert float(cost[found].sum()) == pytest.approx(best, rel=2e-3)


# --- what a figure gives away ----------------------------------------------------------------------------------------


def grouped(count: Any, base: Any, total: Any, square: Any, *, largest: Any = None) -> Groups:
    """One group of interviews; the sums are by shift, shape (shifts, k), but `square` and `largest`, of the group."""
    count, base, total, square = (np.array(part, dtype=float) for part in (count, base, total, square))
    psu = np.arange(len(count))
    largest = np.full((1, count.shape[1], 2), np.nan) if largest is None else np.array(largest)
    return Groups(
        group=np.zeros(psu.size, dtype=np.int64), psu=psu, count=count.astype(np.int64), base=base, total=total,
        square=square[None], largest=largest, seen=None, size=1,
    )  # fmt: skip


def shifts(counts: Sequence[int], yes: Sequence[int], weights: Sequence[float]) -> Groups:
    """One share of one group."""
    n, said, w = (np.array(part, dtype=float)[:, None] for part in (counts, yes, weights))
    return grouped(n, w * n, 100 * w * said, (1e4 * w * said).sum(axis=0))


def gives_away(groups: Groups, *, half: float) -> bool:
    return bool(given_away(groups, steps=np.array([1.0]), half=np.array([[half]]))[0, 0])


def alone(counts: Sequence[int], yes: Sequence[int], weights: Sequence[float], *, half: float, slack: float) -> bool:
    """By trying all answers: is there a like-minded shift, and another to know, that leave no other answers?"""
    w = np.array(weights, dtype=float)
    every = np.array(list(itertools.product(*(range(count + 1) for count in counts))))
    figures = 100.0 * every @ w / (w @ np.array(counts))
    shown = np.round(100.0 * w @ np.array(yes) / (w @ np.array(counts)) / (2 * half)) * 2 * half
    fit = every[np.abs(figures - shown) <= slack + 1e-9]
    for bare, known in itertools.permutations(range(len(counts)), 2):
        if yes[bare] in (0, counts[bare]):
            same = fit[fit[:, known] == yes[known]]
            if not (same[:, bare] != yes[bare]).any():
                return True
    return False


@pytest.mark.parametrize(
    ("counts", "yes", "weights", "expected"),
    [
        ([5, 5, 5], [0, 2, 2], [1, 1, 1], False),  # whoever is known, the third may have given one less
        ([5, 5, 5], [0, 2, 2], [9, 1.37, 1], True),  # nobody weighs enough to make up for one yes of the first
        ([5, 5, 5], [2, 2, 2], [9, 1.37, 1], False),  # no shift is all of one answer
        ([5, 5, 5], [5, 3, 3], [1, 1, 1], False),
        ([5, 5, 5], [5, 3, 3], [9, 1.37, 1], True),  # all yes is told as well as all no
        # one yes of the first weighs as much as three of the others, who can each have given one less
        ([1, 2, 2, 2, 2], [0, 1, 1, 1, 1], [3, 1, 1, 1, 1], False),
        ([1, 2, 2, 2], [0, 1, 1, 1], [3, 1, 1, 1], True),  # but one of the three is known
        ([8], [0], [1], False),  # one shift alone: the rule on shifts hides it
    ],
)
def test_like_answers_of_a_shift_are_given_away_where_nothing_else_fits(
    counts: list[int], yes: list[int], weights: list[float], *, expected: bool
) -> None:
    assert gives_away(shifts(counts, yes, weights), half=0.05) is expected


def test_two_shifts_give_each_other_away() -> None:
    assert gives_away(shifts([5, 5], [0, 2], [1, 1]), half=0.05)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.5]))
@settings(max_examples=150, deadline=None)
def test_given_away_agrees_with_trying_all_answers(seed: int, half: float) -> None:
    """It may be too careful, by half of the rounding at most, and never the other way round."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 4, rng.integers(3, 6))
    yes = np.where(rng.random(counts.size) < 0.4, 0, rng.integers(0, counts + 1))
    weights = rng.choice([1.0, 2.0, 3.0], counts.size) if seed % 2 else rng.uniform(0.3, 4.0, counts.size).round(2)
    found = gives_away(shifts(counts, yes, weights), half=half)
    sure = alone(counts, yes, weights, half=half, slack=half)
    nearly = alone(counts, yes, weights, half=half, slack=half / 2)
    assert sure <= found <= nearly


def test_amounts_and_empty_groups_give_no_shift_away() -> None:
    groups = shifts([5, 5, 5], [0, 2, 2], [9, 1.37, 1])
    assert not given_away(groups, steps=np.array([np.nan]), half=np.array([[0.05]])).any()
    assert not gives_away(shifts([0, 0], [0, 0], [1, 1]), half=0.05)


# --- what is known of a group ----------------------------------------------------------------------------------------


def test_evidence_of_a_share_by_hand() -> None:
    """Shifts of 4, 6 and 10 people with 1, 6 and 3 yes: 10 of 20; 4 yes and 3 no without the shift that has most."""
    facts = gather(shifts([4, 6, 10], [1, 6, 3], [1, 2, 3]), steps=np.array([1.0]))
    names = ("n", "shifts", "above", "below", "above_rest", "below_rest", "shift_share", "interviewers")
    assert [getattr(facts, name).item() for name in names] == [20, 3, 10.0, 10.0, 4.0, 3.0, 0.5, -1]
    assert np.isnan([facts.leading.item(), facts.margin.item()]).all()
    share = (1 + 12 + 9) / (4 + 12 + 30)
    assert facts.spread.item() == pytest.approx(20 * share * (1 - share), abs=1e-6)


def test_evidence_of_an_amount_by_hand() -> None:
    """Of 100 the largest give 50 and 30; without the first shift, of 60, the other 50 are beyond what is left."""
    groups = grouped([[2], [3]], [[2], [3]], [[60], [40]], [50**2 + 10**2 + 30**2 + 10**2], largest=[[[50.0, 30.0]]])
    facts = gather(groups, steps=np.array([np.nan]))
    assert facts.leading.item() == 0.8
    assert facts.margin.item() == pytest.approx((100 - 60 - 50) / 50)
    assert facts.variation.item() == pytest.approx(np.sqrt(3600 / 5 - 20**2) / 20)
    assert np.isnan([facts.above.item(), facts.below_rest.item(), facts.spread.item()]).all()


def test_a_composite_has_the_evidence_of_its_weakest_part() -> None:
    counts, yes = np.array([[4, 9], [6, 1]]), np.array([[1, 4], [6, 1]])
    groups = grouped(counts, counts, 100 * yes, 1e4 * yes.sum(axis=0))
    facts = gather(groups, steps=np.ones(2)).weakest([np.array([True, True]), np.array([True, False])])
    assert facts.above.tolist() == [[5.0, 7.0]]
    assert facts.shift_share.tolist() == [[0.9, 0.6]]


# --- corners ---------------------------------------------------------------------------------------------------------


def shares(
    n: Sequence[int], yes: Sequence[int], hidden: Sequence[int], lines: Sequence[Line], *, half: float
) -> Shares:
    """Shares of people of weight 1."""
    counts = np.array(n, dtype=float)
    shown = np.round(np.array(yes) / counts / (2 * half)) * 2 * half
    flags = np.isin(np.arange(len(n)), hidden)
    ones, none = np.ones(len(n)), np.zeros(len(n))
    return Shares(
        np.arange(len(n)), counts, counts, shown, np.full(len(n), half), flags, lines, steps=ones, yes=none, no=none
    )


def test_hidden_count_between_exact_neighbours_is_cornered() -> None:
    """50 % of 38-42 less 50 % of 31-35 leaves 1.5 to 5.5 yes; nothing of either leaves none at all."""
    wide = shares([40, 33, 7], [20, 16, 3], [2], [line(0, [1, 2])], half=0.05)
    assert cornered(wide, fewest=4).size == 0
    none = shares([40, 33, 7], [0, 0, 0], [2], [line(0, [1, 2])], half=0.0005)
    assert cornered(none, fewest=4).tolist() == [2]


def test_two_hidden_counts_of_one_line_hide_each_other() -> None:
    free = shares([60, 20, 20, 20], [30, 10, 10, 10], [2, 3], [line(0, [1, 2, 3])], half=0.0005)
    assert cornered(free, fewest=4).size == 0


def test_a_hidden_count_that_a_remembered_shift_fills_is_cornered() -> None:
    """19 to 21 less 16 to 18 leave 1 to 5 yes; whoever remembers a shift with 3 of them has 3 to 5 left."""
    wide = shares([40, 33, 7], [20, 17, 3], [2], [line(0, [1, 2])], half=0.0005)
    assert cornered(wide, fewest=4).size == 0
    assert cornered(replace(wide, yes=np.array([0.0, 0.0, 3.0])), fewest=4).tolist() == [2]


def test_steps_of_an_item_are_counted_by_its_scale() -> None:
    narrow = shares([40, 33, 7], [20, 17, 3], [2], [line(0, [1, 2])], half=0.0005)
    narrow = replace(narrow, yes=np.array([0.0, 0.0, 3.0]), steps=np.full(3, 4.0))
    assert cornered(narrow, fewest=4).size == 0  # 2 people of 4 steps


def test_people_of_one_mind_are_cornered_where_a_total_forces_their_answers() -> None:
    """34 of 40 yes, of which 6 of 12 and 28 of a hidden 28: with the roster, and 6 of 12 known, all 28 said yes."""
    forced = shares([40, 12, 28], [34, 6, 28], [2], [line(0, [1, 2])], half=0.0005)
    assert cornered(replace(forced, share=np.array([0.85, 0.5, 1.0])), fewest=0).tolist() == [2]
    assert cornered(replace(forced, half=np.full(3, 0.05)), fewest=0).size == 0  # rounding leaves a no


def test_nothing_hidden_leaves_nobody_in_a_corner() -> None:
    assert cornered(shares([40, 20, 20], [8, 4, 4], [], [line(0, [1, 2])], half=0.05), fewest=4).size == 0


@given(st.integers(0, 2**32 - 1))
@example(925)
@settings(max_examples=40, deadline=None)
def test_a_count_with_4_values_by_trying_all_is_never_called_cornered_and_one_free_by_the_programme_has_room(
    seed: int,
) -> None:
    """Two lines, 0 of 1, 2, 3 and 4 of 2, 5: every whole number of people and of yes is tried; 2 and 3 are hidden."""
    rng = np.random.default_rng(seed)
    n = rng.integers(10, 16, 6)
    n[0], n[4] = n[1] + n[2] + n[3], n[2] + n[5]
    yes = rng.integers(0, n // rng.integers(1, 6) + 1)
    yes[0], yes[4] = yes[1] + yes[2] + yes[3], yes[2] + yes[5]
    half = float(rng.choice([0.0005, 0.005]))
    given_ = shares(n, yes, [2, 3], [line(0, [1, 2, 3]), line(4, [2, 5])], half=half)

    def pairs(figure: int) -> set[tuple[int, int]]:
        share = given_.share[figure]
        return {
            (people_, said)
            for people_ in range(n[figure] - 2, n[figure] + 3)
            for said in range(people_ + 1)
            if (share - half) * people_ - 1e-9 <= said <= (share + half) * people_ + 1e-9
        }

    def differences(first: set[tuple[int, int]], second: set[tuple[int, int]]) -> set[tuple[int, int]]:
        found = {(a - c, b - d) for (a, b) in first for (c, d) in second}
        return {(people_, said) for people_, said in found if 0 <= said <= people_}

    second = differences(pairs(4), pairs(5))
    both = differences(pairs(0), pairs(1))
    left = [(one, (a - one[0], b - one[1])) for (a, b) in both for one in second if 0 <= b - one[1] <= a - one[0]]
    values = {2: {one[1] for one, _ in left}, 3: {other[1] for _, other in left}}
    roomy = {figure for figure, found in values.items() if max(found) - min(found) >= 3}
    forced = {figure for figure in (2, 3) if yes[figure] in (0, n[figure])}  # asked of with the roster too
    assert not roomy & set(cornered(given_, fewest=4).tolist()) - forced


# --- publications ----------------------------------------------------------------------------------------------------


def test_a_survey_that_passes_every_rule_hides_nothing(open_: Publication) -> None:
    assert (open_.mask["why"] == "").all()
    assert open_.loss["beside"].sum() == 0


def test_waves_that_share_their_shifts_are_refused() -> None:
    design = SurveyDesign(weight="weight", strata=["side", "post"], psu="shift", wave="wave", waves="common", nest=True)
    with pytest.raises(EstimationError, match="declare waves as fresh"):
        publish(reduce(people(), SMALL, design, facets=TABLES), SMALL, LATTICE)


def test_a_hidden_part_hides_its_dimension_and_its_index_and_no_other_branch(whole: Totals) -> None:
    found = publish(whole, SMALL, LATTICE, withdrawn=[{"wave": "2022", "post": "left a", "measure": "x"}])
    why = reasons(found, table="side post", post="left a")
    assert why["x"] == "withdrawn"
    assert (why[["index", "first"]] != "").all()
    assert (why[["y", "z", "second", "asked", "hours"]] == "").all()
    assert (reasons(found, wave="2024", table="side post", post="left a") == "").all()


def test_a_withdrawn_post_is_hidden_everywhere_and_not_left_alone_in_its_line(whole: Totals) -> None:
    found = publish(whole, SMALL, LATTICE, withdrawn=[{"post": "left a"}])
    own = found.mask[found.mask["post"] == "left a"]
    assert (own["why"] == "withdrawn").all()
    assert set(own["wave"]) == {"2022", "2024"}
    score_ = found.scores[("side", "post")]
    rows = score_[score_["post"] == "left a"]
    assert rows[NUMBERS].isna().all(axis=None)
    assert (rows["reason"] == "withdrawn").all()
    posts = found.mask[(found.mask["table"] == "side post") & (found.mask["side"] == "left")]
    hidden = posts.assign(hidden=posts["why"] != "").groupby(["wave", "measure"])["hidden"].sum()
    sides = found.mask[(found.mask["table"] == "side") & (found.mask["side"] == "left")]
    total = sides.assign(hidden=sides["why"] != "").set_index(["wave", "measure"])["hidden"].loc[hidden.index]
    both = pd.DataFrame({"posts": hidden, "total": total})
    both = both[both.index.isin(["x", "y", "z", "asked", "hours"], level="measure")]
    assert ((both["posts"] >= 2) | both["total"]).all()
    right = found.mask[found.mask["side"] == "right"]
    assert (right["why"] == "").all()


def test_what_an_earlier_mask_hides_stays_hidden(whole: Totals) -> None:
    first = publish(whole, SMALL, LATTICE, withdrawn=[{"post": "left a"}])
    again = publish(whole, SMALL, LATTICE, hidden=first.mask)
    assert (again.mask["why"].to_numpy() == first.mask["why"].to_numpy()).all()
    other = publish(whole, SMALL, LATTICE, hidden=first.mask, withdrawn=[{"post": "right a"}])
    assert (other.mask.loc[first.mask["why"] != "", "why"] != "").all()
    assert (other.mask.loc[other.mask["post"] == "right a", "why"] == "withdrawn").all()


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"colour": "red"}, "nothing is published by colour"),
        ({}, "name a facet"),
        ({"post": "elsewhere"}, "no published figure is of post elsewhere"),
    ],
)
def test_what_is_not_published_cannot_be_withdrawn(whole: Totals, cell: dict[str, str], said: str) -> None:
    with pytest.raises(EstimationError, match=said):
        publish(whole, SMALL, LATTICE, withdrawn=[cell])


def test_few_people_without_a_post_are_not_found_by_subtraction() -> None:
    """Four of the left side in 2022 crossed at no known post: side less its posts would be those four."""
    frame = people()
    lost = frame.index[(frame["wave"] == "2022") & (frame["side"] == "left")][:4]
    design = SurveyDesign(weight="weight", strata="side", psu=["shift"], wave="wave", interviewer="interviewer")
    frame["shift"] = frame["post"] + frame["shift"].astype(str)
    frame.loc[lost, "post"] = None
    found = publish(reduce(frame, SMALL, design, facets=TABLES), SMALL, LATTICE)
    posts = found.mask[(found.mask["table"] == "side post") & (found.mask["side"] == "left")]
    sides = found.mask[(found.mask["table"] == "side") & (found.mask["side"] == "left")]
    assert set(posts.loc[posts["wave"] == "2022", "post"]) == {"left a", "left b", "left c"}
    for code in ("x", "y", "z", "asked", "hours"):
        hidden = pd.concat([posts, sides])
        hidden = hidden[(hidden["wave"] == "2022") & (hidden["measure"] == code)]
        assert (hidden["why"] != "").any()
    assert (posts.loc[posts["wave"] == "2024", "why"] == "").all()


def test_loss_adds_up_to_the_mask(whole: Totals) -> None:
    found = publish(whole, SMALL, LATTICE, withdrawn=[{"post": "left a"}])
    mask, lost = found.mask, found.loss.set_index("table")
    assert lost["figures"].sum() == len(mask)
    assert (lost["by_rule"] + lost["beside"]).sum() == (mask["why"] != "").sum()
    assert lost["ways"].to_dict() == {"side": 1, "side post": 2, "side sex": 2, "side post sex": 3}
    row = lost.loc["side post"]
    own = mask[mask["table"] == "side post"]
    assert row["share_by_rule"] == pytest.approx((~own["why"].isin(["", "complementary"])).mean())
    passing = own[own["why"].isin(["", "complementary"])]
    assert row["share_beside"] == pytest.approx((passing["why"] == "complementary").mean())


def test_no_table_is_over_both_sides(open_: Publication) -> None:
    for table in (*open_.scores.values(), *open_.moves.values(), *open_.exact.values()):
        assert table["side"].isin(["left", "right"]).all()


@pytest.mark.parametrize(
    ("facets", "measure", "unit"),
    [
        (("side",), "index", 0.1),
        (("side",), "asked", 0.1),  # 240 answers, more than 50 of either kind
        (("side", "post"), "x", 0.1),  # 80 answers
        (
            ("side", "post"),
            "asked",
            5.0,
        ),  # fewer than 50 of either kind: half of 5 points of 80 is more than one person
        (("side", "post", "sex"), "x", 1.0),  # 40 answers
        (("side", "post", "sex"), "index", 1.0),
        (("side", "post"), "hours", 0.01),
        (("side", "post", "sex"), "hours", 0.1),
    ],
)
def test_figures_are_shown_to_the_unit_of_their_kind(
    open_: Publication, facets: tuple[str, ...], measure: str, unit: float
) -> None:
    shown, exact = (tables[facets][tables[facets]["measure"] == measure] for tables in (open_.scores, open_.exact))
    steps = shown["estimate"].to_numpy() / unit
    assert steps == pytest.approx(np.round(steps), abs=1e-6)
    assert np.abs(shown["estimate"].to_numpy() - exact["estimate"].to_numpy()).max() <= unit / 2 + 1e-9
    assert (shown["estimate"].to_numpy() != exact["estimate"].to_numpy()).any()
    assert (shown["n"] % 5 == 0).all()


def test_standard_errors_are_rounded_up_by_a_tenth_of_a_decade_at_most(open_: Publication) -> None:
    shown, exact = (tables[("side", "post")]["se"].to_numpy() for tables in (open_.scores, open_.exact))
    assert (shown >= exact).all()
    assert (shown <= exact * 1.27).all()
    assert (shown > exact * 1.1).any()  # some rest on few shifts


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_standard_error_gives_a_shift_away_exactly_where_trying_all_answers_leaves_none(seed: int) -> None:
    """Shares of three shifts in one stratum: every set of yes is tried, with every one other shift known."""
    rng = np.random.default_rng(seed)
    n = rng.integers(4, 9, 3)
    yes = np.array([0, *(rng.integers(1, size) for size in n[1:])])
    weight = rng.choice([1.0, 1.3, 1.5, 2.0], 3)
    base = weight * n

    def figure(said: np.ndarray) -> tuple[float, float]:
        share = float((weight * said).sum() / base.sum())
        scores = (weight * said - share * base) / base.sum()
        return 100 * share, 100 * float(np.sqrt(1.5 * ((scores - scores.mean()) ** 2).sum()))

    share, se = figure(yes)
    half = 5.0
    high, low = (float(one[0]) for one in shown_error(np.array([se]), np.array([3]), Thresholds()))
    limit = np.round(share / (2 * half)) * 2 * half
    sets = [np.array(said) for said in itertools.product(*(range(size + 1) for size in n))]
    fitting = [said for said in sets if abs(figure(said)[0] - limit) <= half and low <= figure(said)[1] <= high]
    expected = any(all(said[0] == 0 for said in fitting if said[known] == yes[known]) for known in (1, 2))
    groups = Groups(
        np.zeros(3, dtype=int), np.arange(3), n[:, None], base[:, None], 100 * (weight * yes)[:, None],
        np.zeros((1, 1)), np.full((1, 1, 2), np.nan), None, 1,
    )  # fmt: skip
    errors = Errors(
        np.zeros(3, dtype=int), np.array([3.0]), np.array([1.5]), np.array([[se]]), np.array([[low]]),
        np.array([[high]]), 20,
    )  # fmt: skip
    found = given_away(groups, steps=np.array([1.0]), half=np.array([[half]]), errors=errors)
    assert bool(found[0, 0]) == expected


def test_a_standard_error_on_many_shifts_has_two_digits_and_one_on_few_a_preferred_number() -> None:
    high, low = shown_error(np.array([3.14, 3.16, 0.101, 9.9, 0.0]), np.array([19, 19, 19, 19, 19]), Thresholds())
    assert high.tolist() == pytest.approx([3.15, 4.0, 0.125, 10.0, 0.0])
    assert low.tolist() == pytest.approx([2.5, 3.15, 0.1, 8.0, 0.0])
    high, low = shown_error(np.array([3.14, 0.101]), np.array([20, 40]), Thresholds())
    assert high.tolist() == pytest.approx([3.2, 0.11])
    assert low.tolist() == pytest.approx([3.1, 0.10])


@pytest.mark.parametrize(("weights", "two_digits"), [((1, 1, 1), True), ((1000, 1, 1), False)])
def test_a_standard_error_of_three_questions_that_count_alike_keeps_two_digits(
    *, weights: tuple[int, int, int], two_digits: bool
) -> None:
    """Where one of them counts for nearly all, the error of the index is its own; posts have four shifts."""
    parts = "".join(
        f"[[item]]\ncode = '{code}'\ntitle = '{code}'\ndimension = 'd'\ndirection = 'better'\nrange = {scale}\n"
        f"weight = {weight}\n"
        for code, scale, weight in zip("xyz", ([1, 5], [1, 4], [0, 2]), weights, strict=True)
    )
    head = "id = 'three'\nversion = '1'\ntitle = 'Three'\nweights = 'relative'\n"
    tree = "[[index]]\ncode = 'i'\ntitle = 'i'\n[[dimension]]\ncode = 'd'\ntitle = 'd'\nindex = 'i'\n"
    framework = Framework.from_toml(head + tree + parts)
    found = publish(reduce(people(), framework, DESIGN, facets=TABLES), framework, LATTICE)
    shown, exact = (tables[("side", "post")] for tables in (found.scores, found.exact))
    given, true = (table.loc[table["measure"] == "i", "se"].to_numpy() for table in (shown, exact))
    assert (given >= true).all()
    assert bool((given <= true * 1.1).all()) == two_digits


def test_a_dimension_of_one_share_is_as_coarse_as_the_share() -> None:
    text = """
    id = "one"
    version = "1"
    title = "One"
    [[index]]
    code = "i"
    title = "i"
    [[dimension]]
    code = "d"
    title = "d"
    index = "i"
    [[item]]
    code = "asked"
    title = "asked"
    dimension = "d"
    direction = "better"
    range = [0, 1]
    """
    framework = Framework.from_toml(text)
    found = publish(reduce(people(), framework, DESIGN, facets=TABLES), framework, LATTICE)
    table = found.scores[("side", "post")].pivot_table(index=["wave", "post"], columns="measure", values="estimate")
    assert len(table)
    assert table["i"].tolist() == table["d"].tolist() == table["asked"].tolist()


def test_scores_off_the_range_of_their_question_are_not_published(whole: Totals) -> None:
    item = replace(SMALL.items[0], normalisation="z", baseline=(3.0, 1.0))
    with pytest.raises(EstimationError, match="not published yet"):
        publish(whole, replace(SMALL, items=(item, *SMALL.items[1:])), LATTICE)


def test_design_effect_and_effective_n_of_a_share_follow_from_what_is_shown(open_: Publication) -> None:
    table = open_.scores[("side",)]
    shares = table[table["measure"].isin(["asked", "paid", "queued"]) & table["estimate"].notna()]
    assert len(shares)
    share, se, n = (shares[name].to_numpy() for name in ("estimate", "se", "n"))
    assert shares["deff"].to_numpy() == pytest.approx(np.round(n * se**2 / (share * (100 - share)), 1))


@pytest.mark.parametrize(("name", "level"), [("", 0.95), ("_80", 0.80), ("_50", 0.50)])
def test_limits_tell_no_more_than_the_shown_figures(open_: Publication, name: str, level: float) -> None:
    rows = open_.scores[("side", "post")].query("measure != 'hours'")
    value, se, df = (rows[column].to_numpy(dtype=float) for column in ("estimate", "se", "df"))
    limits = intervals(value, se, df, interval="logit", level=level, top=100.0)
    for end, limit in zip(("low", "high"), limits, strict=True):
        assert rows[f"{end}{name}"].to_numpy() == pytest.approx(np.round(limit, 1), abs=1e-9)


def test_changes_are_those_of_the_shown_figures(open_: Publication) -> None:
    for facets in TABLES:
        rows = open_.scores[facets].assign(top=np.nan)
        moves = open_.moves[facets]
        again = moves_between(rows, facets, since="2022", wave="2024")
        keys = [*facets, "measure"]
        both = moves.merge(again, on=keys, suffixes=("", "_again"))
        assert len(both) == len(moves) == len(rows) / 2
        places = np.where(both["measure"] == "hours", 0.01, 0.1)
        for name in ("estimate", "low", "high"):
            off = (both[name] - both[f"{name}_again"]).abs().to_numpy()
            assert (off <= places / 2 + 1e-9).all()
        assert both["p"].tolist() == pytest.approx(both["p_again"].tolist())


def test_hidden_scores_have_no_number_and_no_change(whole: Totals) -> None:
    found = publish(whole, SMALL, LATTICE, withdrawn=[{"wave": "2022", "post": "left a"}])
    for facets, table in found.scores.items():
        hidden = table[table["status"] == "suppressed"]
        assert hidden[NUMBERS].isna().all(axis=None)
        assert set(hidden["reason"]) <= {"protected", "withdrawn"}
        keys = [*facets, "measure"]
        gone = set(map(tuple, hidden[keys].astype(str).to_numpy()))
        assert not gone & set(map(tuple, found.moves[facets][keys].astype(str).to_numpy()))
        assert len(found.exact[facets]) == len(table) - len(hidden)
    assert (found.scores[("side", "post")]["reason"] == "withdrawn").any()


def test_changes_against_an_earlier_release_are_those_of_one_release(open_: Publication) -> None:
    frame = people()
    first = publish(totals(frame[frame["wave"] == "2022"]), SMALL, LATTICE)
    second = publish(totals(frame[frame["wave"] == "2024"]), SMALL, LATTICE, earlier=first.scores)
    for facets in TABLES:
        assert first.moves[facets].empty
        left, right = (
            table.sort_values([*facets, "measure"]).reset_index(drop=True)
            for table in (second.moves[facets], open_.moves[facets])
        )
        assert len(left) > 0
        pd.testing.assert_frame_equal(left, right, check_dtype=False)


@SLOW
@given(surveys(waves=2, interviews=(2, 6)))
def test_changes_made_of_scores_are_those_of_the_engine(frame: pd.DataFrame) -> None:
    design = SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="wave")
    given_ = reduce(frame, SMALL, design, facets=[("side",)])
    card = score(given_, SMALL, by=("side",))
    rows = card.table.assign(top=card.evidence["top"])
    keys = ["side", "measure"]
    codes = list(SMALL.measures)
    engine = change(given_, SMALL, measure=codes, waves=WAVES, by=("side",), adjust="none").table
    own = moves_between(rows, ("side",), since=WAVES[0], wave=WAVES[1])
    both = engine.merge(own, on=keys, suffixes=("", "_own"))
    assert len(both) == len(engine) == len(own)
    judged = rows[rows["df"] > 0].groupby(keys).size()  # a score that cannot be judged makes a change that cannot
    both = both[both.set_index(keys).index.isin(judged[judged == len(WAVES)].index)]
    assert both["status_own"].tolist() == both["status"].tolist()
    both = both[both["status"] == "ok"]
    for name in ("estimate", "se", "df", "low", "high", "n", "p"):
        assert both[f"{name}_own"].to_numpy(dtype=float) == pytest.approx(
            both[name].to_numpy(dtype=float), rel=1e-9, abs=1e-9, nan_ok=True
        )


@SLOW
@given(surveys(waves=1, interviews=(6, 25), missing=0.05))
def test_shown_figures_of_any_survey_keep_the_rules_counted_from_the_respondents(frame: pd.DataFrame) -> None:
    """Counted again with pandas, from the answers: respondents, shifts, interviewers, yes and no."""
    design = SurveyDesign(
        weight="weight", strata="stratum", psu="shift", wave="wave", interviewer="interviewer", nest=True
    )
    lattice = Lattice("l", "1", (("side",), ("side", "sex")))
    found = publish(reduce(frame, SMALL, design, facets=lattice.tables), SMALL, lattice)
    for facets, table in found.scores.items():
        shown = table[table["estimate"].notna()]
        for row in shown[shown["measure"].isin(["x", "asked"])].to_dict("records"):
            inside = np.logical_and.reduce([frame[facet] == row[facet] for facet in facets])
            own = frame[inside & (frame[row["measure"]] >= 0)]
            per_shift = own.groupby(["stratum", "shift"]).size()
            assert len(own) >= (30 if row["measure"] == "asked" else 20)
            assert len(per_shift) >= 3
            assert per_shift.max() <= 0.7 * len(own)
            assert own["interviewer"].nunique() >= 2
            assert set(own[row["measure"]]) > {own[row["measure"]].max()}


@SLOW
@given(surveys(waves=1, interviews=(6, 25), missing=0.05))
def test_the_final_pattern_of_any_survey_leaves_nothing_in_danger(frame: pd.DataFrame) -> None:
    design = SurveyDesign(
        weight="weight", strata="stratum", psu="shift", wave="wave", interviewer="interviewer", nest=True
    )
    lattice = Lattice("l", "1", (("side",), ("side", "sex")))
    board = Board(reduce(frame, SMALL, design, facets=lattice.tables), SMALL, lattice)
    hidden = board.primary != ""
    pattern = board.pattern(hidden)
    assert (pattern >= hidden).all()
    assert [cut for cut in board.in_danger(pattern) if (~pattern[cut]).any()] == []
    width = len(board.measures)
    for one in (one for one in board.lines() if one.left_over == 0 and not pattern[one.total]):
        table = next(part for part in reversed(board.tables) if part.start <= one.parts[0])
        cell, measure = np.divmod(one.parts - table.start, width)
        parts = one.parts[table.n[cell, measure - board.nodes] > 0]
        assert pattern[parts].sum() != 1


def test_what_is_left_of_a_total_is_counted_shift_by_shift(whole: Totals) -> None:
    board = Board(whole, SMALL, LATTICE)
    split = next(part for part in board.splits if part.fine.facets == ("side", "post"))
    column = np.array([list(board.measures).index("asked") - board.nodes])
    rest, error = remainder(split, [np.array([True, False, False])], column)
    frame = people()
    own = frame[(frame["wave"] == "2022") & (frame["side"] == "left") & (frame["post"] != "left a")]
    assert int(rest.count.sum()) == len(own)
    assert float(rest.base.sum()) == pytest.approx(own["weight"].sum())
    assert float(rest.total.sum()) == pytest.approx(100 * (own["weight"] * own["asked"]).sum())
    assert (rest.count[rest.count > 0] == 20).all()
    weights = frame[(frame["wave"] == "2022") & (frame["side"] == "left")].groupby("post")["weight"].sum()
    # the side is shown to a tenth of a point, the post, of 80 answers, to five
    assert error[0, 0] == pytest.approx((0.05 * weights.sum() + 2.5 * weights["left a"]) / own["weight"].sum())


def test_what_is_left_over_two_levels_is_the_side_less_a_shown_post_less_a_shown_group_of_a_hidden_post() -> None:
    lattice = Lattice("l", "1", (("side",), ("side", "post"), ("side", "post", "sex")))
    totals = reduce(people(), SMALL, DESIGN, facets=lattice.tables)
    board = Board(totals, SMALL, lattice)
    deep = next(one for one in board.breakdowns if len(one.levels) == 2)
    posts, sexes = (level.table.labels.iloc[level.cells].reset_index(drop=True) for level in deep.levels)
    hidden = [(posts["post"] != "left a").to_numpy(), (sexes["sex"] != "female").to_numpy()]
    taken = deep.taken(hidden)
    assert posts.loc[taken[0], "post"].tolist() == ["left a"]
    assert sexes.loc[taken[1], ["post", "sex"]].to_numpy().tolist() == [["left b", "female"], ["left c", "female"]]
    left = deep.remaining(taken)
    assert not left[0].any()
    assert sexes.loc[left[1], "sex"].tolist() == ["male", "male"]
    rest, _ = remainder(deep, taken, np.arange(board.steps.size))
    frame = people()
    own = frame[(frame["wave"] == "2022") & (frame["side"] == "left") & (frame["post"] != "left a")]
    own = own[own["sex"] != "female"]
    assert rest.count.sum(axis=0).tolist() == [len(own)] * board.steps.size


def test_a_share_that_is_nearly_all_of_any_of_is_hidden_where_its_sister_could_be_worked_out() -> None:
    count, base = np.array([[40, 40], [40, 40]]), np.array([[40.0, 40.0], [40.0, 40.0]])
    total = np.array([[800.0, 1000.0], [800.0, 1100.0]])  # 8 of 40 asked; 10, and 11, asked or paid
    groups = Groups(np.array([0, 1]), np.array([0, 1]), count, base, total, base, np.full((2, 2, 2), np.nan), None, 2)
    assert bounded(groups, Thresholds()).tolist() == [True, False]
    assert bounded(groups, Thresholds(each=0)).tolist() == [False, False]


def test_rules_that_are_switched_off_hide_nothing_beside(whole: Totals) -> None:
    """Without the complementary rule the same withdrawal leaves its line open: that is what the rule is for."""
    rules = Thresholds(complementary=False)
    found = publish(whole, SMALL, Lattice("l", "1", TABLES, rules), withdrawn=[{"post": "left a"}])
    assert set(found.mask["why"]) == {"", "withdrawn"}
