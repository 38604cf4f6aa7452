"""The list experiment: held to two published ones, to a table a reader can check, and to a planted truth."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scoring import EstimationError, RequestError, SurveyDesign
from scoring.experience import ListExperiment, list_experiment, lists
from scoring.regression import respondents
from tests.race import RACE, people

SURVEYS = 1_000 if os.environ.get("SARHAD_ENDURANCE") == "1" else 60
LISTS_APART = SurveyDesign(strata="long")  # two independent random samples, as the authors take them


def told(frame: pd.DataFrame, design: SurveyDesign = LISTS_APART, items: int = 3) -> ListExperiment:
    base = respondents(frame, design)
    return list_experiment(frame["count"].to_numpy(dtype=float), frame["long"].to_numpy(dtype=bool), base, items=items)


def published(folder: Path, name: str) -> pd.DataFrame:
    """A data set of the R package `list` with two lists."""
    with gzip.open(folder / "samples" / "list-experiments" / f"{name}.tab.gz", "rt") as file:
        found = pd.read_csv(file, sep=" ")
    return pd.DataFrame({"count": found["y"], "long": found["treat"].astype(bool), "south": found["south"]})


def test_the_published_share_and_error_of_the_race_experiment_come_from_its_counts() -> None:
    found = told(people(**RACE))
    assert (found.short, found.long) == (589, 624)
    assert (found.share.estimate, found.share.se) == pytest.approx((0.06779744, 0.04957829), abs=5e-9)


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "south", "expected"),
    [
        ("race", (0, 1), (0.0678, 0.0496)),
        ("race", (1,), (0.2587, 0.1058)),
        ("race", (0,), (0.0054, 0.0560)),
        ("affirm", (0, 1), (0.4947, 0.0543)),
        ("affirm", (1,), (0.7910, 0.1105)),
        ("affirm", (0,), (0.3967, 0.0620)),
    ],
)
def test_published_figures_of_both_experiments_and_both_regions(
    name: str, south: tuple[int, ...], expected: tuple[float, float], reference: Path
) -> None:
    frame = published(reference, name)
    found = told(frame[frame["south"].isin(south)].reset_index(drop=True))
    assert (found.share.estimate, found.share.se) == pytest.approx(expected, abs=5e-5)


def test_a_list_that_makes_people_count_less_is_flagged() -> None:
    found = told(people(**RACE))
    first = found.types.iloc[0]
    assert found.strained
    assert (first["count"], first["sensitive"]) == (0, True)
    assert first["share"] == pytest.approx(8 / 589 - 19 / 624)
    assert 0 < first["p"] < 0.05 < first["p_adjusted"]  # alone it would be noticed; among six it is not


def test_shares_of_all_kinds_of_people_add_up_to_everybody() -> None:
    found = told(people(**RACE))
    nothing, everything = 19 / 624, 34 / 624  # the two that cannot be negative
    assert found.types["share"].sum() + nothing + everything == pytest.approx(1)
    assert found.types.loc[found.types["sensitive"], "share"].sum() + everything == pytest.approx(found.share.estimate)


def test_who_is_at_either_end_of_the_short_list_by_hand() -> None:
    found = told(people(**RACE))
    assert (found.floor, found.ceiling) == pytest.approx((8 / 589, 227 / 589))


def test_a_clean_experiment_is_not_flagged() -> None:
    found = told(people(short=(20, 30, 30, 20), long=(14, 27, 30, 23, 6)))  # 30 % of each kind
    assert not found.strained
    assert found.share.estimate == pytest.approx(0.3)
    assert found.types["p_adjusted"].min() > 0.5


def test_weights_count_as_so_many_people() -> None:
    frame = people(short=(2, 3, 3, 2), long=(1, 3, 3, 2, 1))
    heavy = told(frame.assign(weight=np.where(frame["count"] > 1, 3.0, 1.0)), SurveyDesign(weight="weight"))
    many = told(frame.loc[frame.index.repeat(np.where(frame["count"] > 1, 3, 1))].reset_index(drop=True))
    assert heavy.share.estimate == pytest.approx(many.share.estimate)
    assert (heavy.floor, heavy.ceiling) == pytest.approx((many.floor, many.ceiling))


def test_what_people_of_one_shift_share_is_in_the_error() -> None:
    rng = np.random.default_rng(5)
    shift = np.repeat(np.arange(40), 10)
    long = shift % 2 == 0  # a list a shift, instead of a list a person
    harmless = rng.binomial(3, np.repeat(rng.uniform(0.1, 0.9, 40), 10))
    frame = pd.DataFrame({"count": harmless + long * rng.binomial(1, 0.3, 400), "long": long, "shift": shift})
    alone, together = told(frame, SurveyDesign()), told(frame, SurveyDesign(psu="shift"))
    assert together.share.estimate == pytest.approx(alone.share.estimate)
    assert together.share.se > 1.5 * alone.share.se
    assert together.share.df == 38


def test_the_interval_holds_the_planted_share_about_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(11), 0
    for _ in range(SURVEYS):
        long = rng.random(300) < 0.5
        count = rng.binomial(4, 0.4, 300) + long * rng.binomial(1, 0.25, 300)
        found = told(pd.DataFrame({"count": count, "long": long}), SurveyDesign(), items=4)
        held += found.share.low <= 0.25 <= found.share.high
    low, high = stats.binom.ppf([0.005, 0.995], SURVEYS, 0.95)
    assert low <= held <= high


def test_people_who_give_no_number_are_left_out() -> None:
    frame = people(**RACE)
    more = pd.concat([frame, pd.DataFrame({"count": [np.nan, np.nan], "long": [True, False]})], ignore_index=True)
    assert told(more, SurveyDesign()).share.estimate == pytest.approx(told(frame, SurveyDesign()).share.estimate)
    assert (told(more).short, told(more).long) == (589, 624)


@pytest.mark.parametrize(("count", "long"), [(4.0, False), (5.0, True), (-1.0, True), (1.5, False)])
def test_a_count_that_its_list_cannot_give_is_refused(count: float, long: bool) -> None:  # noqa: FBT001 - a case
    frame = pd.concat([people(**RACE), pd.DataFrame({"count": [count], "long": [long]})], ignore_index=True)
    with pytest.raises(RequestError, match="whole numbers from 0 to"):
        told(frame)


def test_one_list_alone_is_refused() -> None:
    with pytest.raises(EstimationError, match="nobody gave a number for the long list"):
        told(people(short=(1, 2, 3, 4)))


def test_a_list_of_one_thing_is_refused() -> None:
    with pytest.raises(RequestError, match="no secret"):
        told(people(short=(1, 1), long=(1, 1, 1)), items=1)


def test_two_questions_of_which_each_is_asked_one_become_counts_and_lists() -> None:
    counts, long = lists(np.array([2.0, np.nan, -3.0, -1.0]), np.array([np.nan, 4.0, -1.0, -2.0]))
    np.testing.assert_array_equal(counts, [2.0, 4.0, np.nan, np.nan])
    assert list(long) == [False, True, False, False]


def test_a_number_for_both_lists_is_refused() -> None:
    with pytest.raises(RequestError, match="1 people gave a number for both lists"):
        lists(np.array([2.0, 1.0]), np.array([np.nan, 1.0]))
