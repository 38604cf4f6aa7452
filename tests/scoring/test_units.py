"""Two stages, nesting, weights made from the design, crossings and strata taken together, worked out by hand."""

from dataclasses import replace
from math import sqrt
from typing import Any

import pandas as pd
import pytest

from scoring import DesignError, EstimationError, Framework, SurveyDesign, estimate, reduce, score
from scoring.figures import Rules
from scoring.tables import tabulate
from scoring.units import units, weights
from scoring.variables import Wanted
from tests.strategies import ANSWERS

TWO_STAGES = SurveyDesign(weight="w", psu=["post", "lane"], fpc=["posts", "lanes"])


@pytest.fixture
def stages() -> pd.DataFrame:
    """Three of six posts, and inside each some of its lanes, one interview a lane.

    ::

        post  lanes drawn of  x        w = 6/3 M/m  w x         sum  sum of squares about the post's mean
        1     2 of 4          1, 3     4            4, 12       16   32
        2     2 of 2          4, 6     2            8, 12       20   8
        3     3 of 6          2, 2, 5  4            8, 8, 20    36   96
                                                                72

    Posts differ from their mean 24 by -8, -4, 12: squares 224. Between posts (1 - 1/2) 3/2 224 = 168. Inside
    1/2 [(1 - 1/2) 2/1 32 + 0 + (1 - 1/2) 3/2 96] = 52.
    """
    return pd.DataFrame(
        {
            "post": [1, 1, 2, 2, 3, 3, 3],
            "lane": [1, 2, 1, 2, 1, 2, 3],
            "x": [1, 3, 4, 6, 2, 2, 5],
            "w": [4.0, 4, 2, 2, 4, 4, 4],
            "posts": 6,
            "lanes": [4, 4, 2, 2, 6, 6, 6],
        }
    )


def one(frame: pd.DataFrame, design: SurveyDesign, **wanted: Any) -> dict[str, Any]:
    return estimate(frame, design, **wanted).iloc[-1].to_dict()


# Two stages


def test_total_of_two_stages_adds_what_lanes_differ_inside_posts(stages: pd.DataFrame) -> None:
    row = one(stages, TWO_STAGES, total=["x"])
    assert (row["estimate"], row["df"], row["n"]) == (72, 2, 7)
    assert row["se"] == pytest.approx(sqrt(168 + 52), rel=1e-14)


def test_mean_of_two_stages_is_that_worked_out_by_hand(stages: pd.DataFrame) -> None:
    # mean 72 / 24; scores times 24 are -8, 0 | 2, 6 | -4, -4, 8: posts -8, 8, 0 about 0, squares 128;
    # between 1/2 3/2 128 = 96, inside 1/2 [1/2 2 32 + 1/2 3/2 96] = 52
    row = one(stages, TWO_STAGES, mean=["x"])
    assert row["estimate"] == 3
    assert row["se"] == pytest.approx(sqrt(96 + 52) / 24, rel=1e-14)


def test_fractions_say_the_same_as_populations(stages: pd.DataFrame) -> None:
    fractions = stages.assign(posts=0.5, lanes=[0.5, 0.5, 1, 1, 0.5, 0.5, 0.5])
    assert one(fractions, TWO_STAGES, total=["x"])["se"] == pytest.approx(sqrt(220), rel=1e-14)


def test_census_of_posts_leaves_what_lanes_differ(stages: pd.DataFrame) -> None:
    # weights halve: squares inside 8, 2, 24; (1 - 1/2) 2/1 8 + (1 - 1/2) 3/2 24 = 26
    frame = stages.assign(posts=3, w=stages["w"] / 2)
    assert one(frame, TWO_STAGES, total=["x"])["se"] == pytest.approx(sqrt(26), rel=1e-14)


def test_census_of_lanes_leaves_what_posts_differ(stages: pd.DataFrame) -> None:
    # every weight 2: posts 8, 20, 18 about 46/3, squares 744/9; (1 - 1/2) 3/2 744/9 = 62
    frame = stages.assign(lanes=[2, 2, 2, 2, 3, 3, 3], w=2.0)
    assert one(frame, TWO_STAGES, total=["x"])["se"] == pytest.approx(sqrt(62), rel=1e-14)


def test_census_of_both_leaves_nothing_to_chance(stages: pd.DataFrame) -> None:
    frame = stages.assign(posts=3, lanes=[2, 2, 2, 2, 3, 3, 3], w=1.0)
    row = one(frame, TWO_STAGES, total=["x"])
    assert (row["estimate"], row["se"], row["low"], row["high"]) == (23, 0, 23, 23)
    assert units(frame, TWO_STAGES).census


def test_second_unit_without_its_own_population_adds_nothing(stages: pd.DataFrame) -> None:
    row = one(stages, SurveyDesign(weight="w", psu=["post", "lane"], fpc="posts"), total=["x"])
    assert row["se"] == pytest.approx(sqrt(168), rel=1e-14)


def test_lane_that_holds_nobody_of_the_domain_still_counts_as_drawn(stages: pd.DataFrame) -> None:
    # x > 3: totals 0, 0 | 8, 12 | 0, 0, 20; posts 0, 20, 20 about 40/3, squares 800/3; between 1/2 3/2 800/3 = 200;
    # inside post 3: 20 about 20/3, squares 800/3; 1/2 (1/2 3/2 800/3) = 100
    row = one(stages, TWO_STAGES, total=["x"], where="x > 3")
    assert (row["estimate"], row["n"]) == (40, 3)
    assert row["se"] == pytest.approx(sqrt(200 + 100), rel=1e-14)


# Nesting


def test_same_code_in_two_strata_is_two_units_where_they_nest(hand: pd.DataFrame) -> None:
    apart = estimate(hand, SurveyDesign(weight="w", strata="stratum", psu="psu"), mean=["x"], by="d")
    nested = SurveyDesign(weight="w", strata="stratum", psu="psu", nest=True)
    again = estimate(hand.assign(psu=[1, 1, 2, 2] * 2), nested, mean=["x"], by="d")
    pd.testing.assert_frame_equal(again, apart)


def test_codes_begin_anew_in_every_fresh_wave(hand: pd.DataFrame) -> None:
    both = pd.concat([hand.assign(wave=1), hand.assign(wave=2)], ignore_index=True)
    found = units(both, SurveyDesign(strata="stratum", psu="psu", wave="wave"))
    assert found.sampled.tolist() == [2, 2, 2, 2]
    assert found.names == ("1 / A", "1 / B", "2 / A", "2 / B")


def test_common_waves_hold_the_same_units(hand: pd.DataFrame) -> None:
    both = pd.concat([hand.assign(wave=1), hand.assign(wave=2)], ignore_index=True)
    found = units(both, SurveyDesign(strata="stratum", psu="psu", wave="wave", waves="common"))
    assert found.sampled.tolist() == [2, 2]


# Weights made from the design


def test_without_a_weight_respondents_count_what_their_stratum_leaves_out(hand: pd.DataFrame) -> None:
    # 2 of 4 and 2 of 8 PSUs: weights 2 and 4, totals 2 (2 + 4 + 6 + 8) + 4 (1 + 3 + 5 + 7)
    row = one(hand, SurveyDesign(strata="stratum", psu="psu", fpc="psus"), total=["x"])
    assert row["estimate"] == 104
    assert row["se"] == pytest.approx(sqrt(0.5 * 2 * (2 * (14 - 6) ** 2) + 0.75 * 2 * (2 * (24 - 8) ** 2)), rel=1e-14)


def test_weights_of_two_stages_are_the_product_of_both(stages: pd.DataFrame) -> None:
    design = SurveyDesign(psu=["post", "lane"], fpc=["posts", "lanes"])
    assert weights(stages, design, units(stages, design)).tolist() == pytest.approx(stages["w"].tolist())
    assert one(stages, design, total=["x"])["se"] == pytest.approx(sqrt(220), rel=1e-14)


def test_without_weight_and_population_everybody_counts_once(stages: pd.DataFrame) -> None:
    assert one(stages, SurveyDesign(psu="post"), total=["x"])["estimate"] == 23


# Per person


@pytest.mark.parametrize(("most", "mean"), [(None, 7 / 5), (2, 5 / 3), (1, 2)])
def test_person_who_crosses_often_counts_less(most: float | None, mean: float) -> None:
    # x 1 crossed once, x 3 four times: (1 + 3/4) / (1 + 1/4); counted as twice (1 + 3/2) / (1 + 1/2); as once 4 / 2
    frame = pd.DataFrame({"x": [1, 3], "times": [1, 4], "w": 2.0})
    design = SurveyDesign(weight="w", crossings="times", most_crossings=most)
    assert one(frame, design, mean=["x"])["estimate"] == pytest.approx(mean, rel=1e-14)
    assert one(frame, SurveyDesign(weight="w"), mean=["x"])["estimate"] == 2


def test_every_result_names_its_population(hand: pd.DataFrame, small: Framework) -> None:
    frame = hand.assign(times=[1, 2] * 4, **dict.fromkeys(ANSWERS, 1))
    person = SurveyDesign(weight="w", psu="psu", crossings="times")
    crossing = SurveyDesign(weight="w", psu="psu")
    asked = Wanted(mean=("x",))
    named = [tabulate(hand.assign(times=1), design, asked, rules=Rules()).provenance for design in (person, crossing)]
    scores = [score(reduce(frame, small, design), small).provenance for design in (person, crossing)]
    assert [each["population"] for each in (*named, *scores)] == ["persons", "crossings"] * 2


def test_scores_per_person_divide_the_weight_by_crossings(hand: pd.DataFrame, small: Framework) -> None:
    frame = hand.assign(times=[1, 2, 5, 1, 3, 1, 1, 2], **dict.fromkeys(ANSWERS, 1)).assign(x=[1, 2, 3, 4, 5, 1, 2, 3])
    divided = frame.assign(w=frame["w"] / frame["times"].clip(upper=3))
    person = SurveyDesign(weight="w", strata="stratum", psu="psu", crossings="times", most_crossings=3)
    crossing = SurveyDesign(weight="w", strata="stratum", psu="psu")
    tables = [score(reduce(*each), small).table for each in ((frame, small, person), (divided, small, crossing))]
    pd.testing.assert_frame_equal(*tables)


# Strata below the floor

NEIGHBOURS = SurveyDesign(strata="post", psu="shift", neighbours="side", floor=4)


def posts(**sizes: int) -> pd.DataFrame:
    """One interview a shift; posts whose name begins alike are neighbours."""
    rows = [(post, f"{post}{shift}", post[0]) for post, size in sizes.items() for shift in range(size)]
    frame = pd.DataFrame(rows, columns=["post", "shift", "side"])
    return frame.assign(x=[(7 * place) % 5 + 1 for place in range(len(frame))], w=1.0)


def test_smallest_stratum_joins_the_smallest_of_its_neighbours_until_the_floor_is_met() -> None:
    # n1 joins n2 and is 3; n3 with 2 joins them and is 5; the south is of another side
    found = units(posts(n1=1, n2=2, n3=2, n4=5, s1=4), NEIGHBOURS)
    assert found.names == ("n1 + n2 + n3", "n4", "s1")
    assert found.sampled.tolist() == [5, 5, 4]
    assert found.collapsed == (("n1", "n2"), ("n3", "n2"))


def test_stratum_at_the_floor_stays_alone() -> None:
    found = units(posts(n1=4, n2=4), NEIGHBOURS)
    assert (found.names, found.collapsed) == (("n1", "n2"), ())


def test_group_below_the_floor_is_one_stratum_and_stays_below() -> None:
    found = units(posts(n1=1, n2=2, s1=9), NEIGHBOURS)
    assert (found.names, found.sampled.tolist()) == (("n1 + n2", "s1"), [3, 9])


def test_stratum_of_one_psu_without_neighbours_is_still_lonely() -> None:
    with pytest.raises(EstimationError, match="stratum 'n1' has one PSU"):
        estimate(posts(n1=1, s1=4), NEIGHBOURS, mean=["x"])


def test_waves_are_never_taken_together() -> None:
    frame = pd.concat([posts(n1=3, n2=5).assign(wave=1), posts(n1=5, n2=5).assign(wave=2)], ignore_index=True)
    design = SurveyDesign(strata="post", psu="shift", neighbours="side", wave="wave")
    found = units(frame, design)
    assert found.collapsed == (("1 / n1", "1 / n2"),)
    assert found.names == ("1 / n1 + 1 / n2", "2 / n1", "2 / n2")


def test_only_stratum_of_a_wave_has_no_neighbour_in_another() -> None:
    frame = pd.concat([posts(n1=2).assign(wave=1), posts(n1=2).assign(wave=2)], ignore_index=True)
    found = units(frame, SurveyDesign(strata="post", psu="shift", neighbours="side", wave="wave"))
    assert (found.sampled.tolist(), found.collapsed) == ([2, 2], ())


def test_collapsed_strata_give_the_figures_of_the_stratum_they_make() -> None:
    frame = posts(n1=2, n2=3, s1=4)
    merged = frame.assign(post=frame["post"].replace({"n1": "n", "n2": "n"}))
    collapsed = estimate(frame, NEIGHBOURS, mean=["x"], total=["x"])
    expected = estimate(merged, SurveyDesign(strata="post", psu="shift"), mean=["x"], total=["x"])
    pd.testing.assert_frame_equal(collapsed, expected)


def test_collapsed_strata_have_the_population_of_both() -> None:
    # 2 of 10 and 3 of 15: 5 of 25
    frame = posts(n1=2, n2=3).assign(many=[10, 10, 15, 15, 15])
    design = SurveyDesign(weight="w", strata="post", psu="shift", fpc="many", neighbours="side")
    found = units(frame, design)
    assert (found.fpc.tolist(), found.fraction.tolist()) == ([25], [0.2])


def test_results_name_the_strata_taken_together(small: Framework) -> None:
    frame = posts(n1=2, n2=3, s1=4).assign(**dict.fromkeys(ANSWERS, 1))
    card = tabulate(frame, NEIGHBOURS, Wanted(mean=("x",)), rules=Rules())
    scores = score(reduce(frame, small, NEIGHBOURS), small)
    plain = tabulate(frame, SurveyDesign(strata="post", psu="shift"), Wanted(mean=("x",)), rules=Rules())
    assert card.provenance["collapsed"] == scores.provenance["collapsed"] == "n1 into n2"
    assert plain.provenance["collapsed"] == "none"


def test_neighbours_that_differ_within_a_stratum_are_refused() -> None:
    frame = posts(n1=2, n2=4)
    with pytest.raises(DesignError, match=r"neighbours 'side' differ within a stratum, first in data row \d"):
        estimate(frame.assign(side=["a", "b", "a", "a", "a", "a"]), NEIGHBOURS, mean=["x"])


def test_stratum_without_named_neighbours_is_refused() -> None:
    frame = posts(n1=2, n2=4)
    with pytest.raises(DesignError, match="'side' names the stratum or PSU and is empty in 2 rows"):
        estimate(frame.assign(side=[None, None, "a", "a", "a", "a"]), NEIGHBOURS, mean=["x"])


def test_rows_are_numbered_by_the_unit_they_are_in(stages: pd.DataFrame) -> None:
    found = units(stages, TWO_STAGES)
    assert found.psu[found.row_unit].tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert found.drawn_inside.tolist() == [2, 2, 3]
    assert found.two_stages
    assert not replace(found, fpc=found.fpc * 0 + float("inf")).two_stages
