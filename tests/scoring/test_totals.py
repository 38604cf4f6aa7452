"""Totals of batches add up to the totals of the whole, wherever a PSU, a stage or an interviewer was cut in two."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scoring import (
    Calibration,
    DesignError,
    Framework,
    Margin,
    RequestError,
    Scorecard,
    SurveyDesign,
    Totals,
    change,
    reduce,
    score,
)
from scoring.packing import from_bytes, to_bytes
from tests.strategies import ANSWERS, FRAMEWORK, surveys

SMALL = Framework.from_toml(FRAMEWORK)
DESIGN = SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="wave", interviewer="interviewer")
SETS = [("side",), ("side", "sex")]
quick = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),  # to explain a fault of the engine takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)


def made(frame: pd.DataFrame, design: SurveyDesign = DESIGN) -> Totals:
    return reduce(frame, SMALL, design, facets=SETS)


def batches(frame: pd.DataFrame, seed: int, number: int = 2) -> list[pd.DataFrame]:
    """Respondents dealt out by chance, at least one to each batch: most PSUs are cut."""
    order = np.random.default_rng(seed).permutation(len(frame))
    return [frame.iloc[np.sort(order[start::number])] for start in range(number)]


def same(first: Scorecard, second: Scorecard) -> None:
    pd.testing.assert_frame_equal(first.table, second.table, rtol=1e-9, check_dtype=False)
    pd.testing.assert_frame_equal(first.evidence, second.evidence, rtol=1e-9, check_dtype=False)


def staged(frame: pd.DataFrame) -> pd.DataFrame:
    """Respondents in lanes inside shifts, half of the shifts and a third of the lanes drawn."""
    return frame.assign(lane=np.arange(len(frame)) % 3, shifts=0.5, lanes=1 / 3)


@pytest.mark.parametrize("by", [(), *SETS])
@quick
@given(surveys(waves=2), st.integers(0, 1000))
def test_batches_that_cut_every_psu_give_the_scores_of_the_whole(
    by: tuple[str, ...], frame: pd.DataFrame, seed: int
) -> None:
    first, second = (made(batch) for batch in batches(frame, seed))
    same(score(first + second, SMALL, by=by), score(made(frame), SMALL, by=by))


@quick
@given(surveys(waves=2), st.integers(0, 1000))
def test_order_and_grouping_of_batches_change_nothing(frame: pd.DataFrame, seed: int) -> None:
    a, b, c = (made(batch) for batch in batches(frame, seed, 3))
    expected = score(made(frame), SMALL, by="side")
    for whole in ((a + b) + c, a + (b + c), (c + a) + b):
        same(score(whole, SMALL, by="side"), expected)


@quick
@given(surveys(interviews=(4, 6)), st.integers(0, 1000))
def test_batches_that_cut_second_stage_units_give_the_scores_of_the_whole(frame: pd.DataFrame, seed: int) -> None:
    design = SurveyDesign(
        weight="weight", strata="stratum", psu=["shift", "lane"], fpc=["shifts", "lanes"], nest=True, interviewer="sex"
    )
    first, second = (made(batch, design) for batch in batches(staged(frame), seed))
    same(score(first + second, SMALL, by="side"), score(made(staged(frame), design), SMALL, by="side"))


@quick
@given(surveys(), st.integers(0, 1000))
def test_respondents_who_are_their_own_psus_add_up(frame: pd.DataFrame, seed: int) -> None:
    design = SurveyDesign(weight="weight", strata="stratum", interviewer="interviewer")
    first, second = (made(batch, design) for batch in batches(pd.concat([frame] * 3, ignore_index=True), seed))
    whole = made(pd.concat([frame] * 3, ignore_index=True), design)
    same(score(first + second, SMALL, by="side"), score(whole, SMALL, by="side"))


@quick
@given(surveys(waves=2, interviews=(3, 5)), st.integers(0, 1000))
def test_change_between_waves_with_common_shifts_survives_a_cut(frame: pd.DataFrame, seed: int) -> None:
    design = SurveyDesign(
        weight="weight", strata="stratum", psu="shift", wave="wave", waves="common", nest=True, interviewer="sex"
    )
    first, second = (made(batch, design) for batch in batches(frame, seed))
    asked: dict[str, Any] = {"measure": ["index", "hours"], "waves": ("2022", "2024")}
    same(change(first + second, SMALL, **asked), change(made(frame, design), SMALL, **asked))


@quick
@given(surveys(waves=2))
def test_batches_of_whole_waves_or_whole_sides_add_up(frame: pd.DataFrame) -> None:
    expected = score(made(frame), SMALL, by="side")
    for name in ("wave", "stratum"):
        first, *others = (made(part) for _, part in frame.groupby(name))
        whole = sum(others, start=first)
        same(score(whole, SMALL, by="side"), expected)


@quick
@given(surveys(), st.integers(0, 1000))
def test_stored_batches_add_up(frame: pd.DataFrame, seed: int) -> None:
    first, second = (from_bytes(to_bytes(made(batch))) for batch in batches(frame, seed))
    whole = from_bytes(to_bytes(first + second))
    same(score(whole, SMALL, by="side"), score(made(frame), SMALL, by="side"))


def test_batch_that_holds_nobody_of_a_facet_adds_to_the_sample() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({name: rng.integers(low, high + 1, 16) for name, (low, high) in ANSWERS.items()})
    frame = frame.assign(psu=np.repeat(range(8), 2), side=["left"] * 8 + [None] * 8)
    design = SurveyDesign(psu="psu")
    parts = [reduce(part, SMALL, design, facets=[("side",)]) for part in (frame[:8], frame[8:])]
    expected = score(reduce(frame, SMALL, design, facets=[("side",)]), SMALL, by="side")
    same(score(parts[0] + parts[1], SMALL, by="side"), expected)
    same(score(parts[1] + parts[0], SMALL, by="side"), expected)


# By hand: one PSU in both batches, its answers 1, 2 | 4 with weights 10, 20 | 40


def test_psu_in_two_batches_is_one() -> None:
    frame = pd.DataFrame(dict.fromkeys(ANSWERS, 1), index=range(4)).assign(
        hours=[1, 2, 4, 8], w=[10.0, 20, 40, 1], psu=list("aaab"), who=list("mmnm")
    )
    design = SurveyDesign(weight="w", psu="psu", interviewer="who")
    whole = reduce(frame[:2], SMALL, design) + reduce(frame[2:], SMALL, design)
    cells, place = whole.by(()), whole.measures.index("hours")
    assert whole.units.sampled.tolist() == [2]
    assert cells.count[:, place].tolist() == [3, 1]
    assert cells.total[:, place].tolist() == [10 + 40 + 160, 8]
    assert cells.largest[:, place].tolist() == [[160, 40]]
    assert cells.seen is not None
    assert dict(zip(cells.seen["who"], cells.seen["n"], strict=True)) == {"m": 3, "n": 1}


# Faults


@pytest.fixture
def parts() -> tuple[pd.DataFrame, pd.DataFrame]:
    frame = pd.DataFrame(dict.fromkeys(ANSWERS, 1), index=range(8)).assign(
        w=1.0, psu=list("aabbccdd"), stratum=list("nnnnssss"), side="left", sex="male", many=9, inside=4, lane=range(8)
    )
    return frame[::2], frame[1::2]


def test_totals_of_another_design_or_facets_are_not_added(parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    first = reduce(parts[0], SMALL, SurveyDesign(psu="psu"))
    for other in (
        reduce(parts[1], SMALL, SurveyDesign(psu="psu", strata="stratum")),
        reduce(parts[1], SMALL, SurveyDesign(psu="psu"), facets=[("side",)]),
        replace(first, measures=first.measures[1:]),
    ):
        with pytest.raises(RequestError, match="cannot be added; reduce them alike"):
            first + other


def test_calibrated_totals_are_not_added(parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    calibration = Calibration("poststratify", (Margin("sex", {"male": 100}),))
    first, second = (reduce(part, SMALL, SurveyDesign(psu="psu"), calibration=calibration) for part in parts)
    with pytest.raises(RequestError, match="calibration needs all respondents; reduce them as one"):
        first + second


def test_collapsed_strata_are_not_added(parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    design = SurveyDesign(psu="psu", strata="stratum", neighbours="side")
    first, second = (reduce(part, SMALL, design) for part in parts)
    with pytest.raises(DesignError, match="taken together with neighbours before all batches were there"):
        first + second


def test_batches_that_give_a_stratum_another_population_are_named(parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    design = SurveyDesign(weight="w", psu="psu", strata="stratum", fpc="many")
    first = reduce(parts[0], SMALL, design)
    second = reduce(parts[1].assign(many=parts[1]["many"].where(parts[1]["stratum"] == "n", 8)), SMALL, design)
    with pytest.raises(DesignError, match="two batches give stratum 's' another fpc; mend one of them"):
        first + second


def test_batches_that_give_a_psu_another_population_are_named(parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    design = SurveyDesign(weight="w", psu=["psu", "lane"], fpc=["many", "inside"])
    first = reduce(parts[0], SMALL, design)
    second = reduce(parts[1].assign(inside=parts[1]["inside"].where(parts[1]["psu"] != "b", 5)), SMALL, design)
    with pytest.raises(DesignError, match=r"two batches give psu 'all.*b' another fpc_inside; mend one of them"):
        first + second
