"""What a figure lets one say: changes of published figures, none larger than so much, targets, one code for each."""

from math import inf, log, nan

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scoring import RequestError
from scoring.verdicts import against_target, change_of_figures, equivalence, verdict_of_change


def rows(*figures: tuple[float, ...], top: float = nan) -> pd.DataFrame:
    return pd.DataFrame(figures, columns=["estimate", "se", "df"]).assign(top=top)


def test_fall_of_tajikistan_from_25_to_21_in_the_index_of_2017_is_not_clear() -> None:
    # Transparency International 2017: 25 (SE 5.26), then 21 (SE 2.36); -4 / sqrt(5.26^2 + 2.36^2) = -0.69
    moved = change_of_figures([25, 5.26, inf], [21, 2.36, inf])
    told = moved.assign(clear=moved["p"] < 0.05)
    assert moved["estimate"].tolist() == [-4]
    assert moved["t"].iloc[0] == pytest.approx(-0.69, abs=0.005)
    assert moved["p"].iloc[0] == pytest.approx(0.4878, abs=5e-5)  # any table of the normal distribution
    assert verdict_of_change(told, ["better"]).tolist() == ["not_clear"]


def test_difference_of_independent_figures_has_the_df_of_welch() -> None:
    # variances 9 and 16: 25^2 / (81 / 4 + 256 / 9)
    moved = change_of_figures([10, 3, 4], [20, 4, 9])
    assert (moved["se"].iloc[0], moved["df"].iloc[0]) == (5, pytest.approx(625 / (81 / 4 + 256 / 9)))
    assert moved["low"].iloc[0] == pytest.approx(10 - 5 * stats.t.isf(0.025, moved["df"].iloc[0]))


def test_declared_baseline_adds_no_error() -> None:
    moved = change_of_figures([50, 0, inf], [56, 2, 8])
    assert moved[["se", "df", "t"]].iloc[0].tolist() == [2, 8, 3]


def test_change_that_cannot_be_judged_has_no_test_and_says_why() -> None:
    moved = change_of_figures([[50, 2, 0], [50, 0, inf], [nan, 1, 5]], [[56, 2, 8], [56, 0, 8], [50, 1, 5]])
    assert moved["reason"].tolist() == ["one_psu", "no_spread", "no_answers"]
    assert moved[["low", "high", "p", "t"]].isna().all(axis=None)


def test_figures_without_all_three_numbers_are_refused() -> None:
    with pytest.raises(RequestError, match="give estimate, se and df"):
        change_of_figures([1, 2], [1, 2])


# Equivalence


def test_two_one_sided_tests_by_hand() -> None:
    # (3 - 1) / 1 = 2: P(T > 2) with 10 df is 0.0367; t at 0.95 is 1.8125, from any printed table
    told = equivalence(rows((1, 1, 10)), margin=3).iloc[0]
    assert (told["p_equivalent"], told["claimable"]) == (
        pytest.approx(0.0367, abs=5e-5),
        pytest.approx(2.8125, abs=5e-5),
    )
    assert told["equivalent"]


@pytest.mark.parametrize("margin", [0.5, 1.9, 2.2, 2.4, 2.7, 2.9, 4.0])
def test_equivalence_is_that_the_ninety_percent_interval_lies_inside_the_margin(margin: float) -> None:
    changes = rows((1, 1, 10), (-1, 0.7, 3), (0, 1.2, 40), (2.5, 0.1, 5))
    half = stats.t.isf(0.05, changes["df"]) * changes["se"]
    inside = (changes["estimate"] - half > -margin) & (changes["estimate"] + half < margin)
    told = equivalence(changes, margin=margin)
    assert told["equivalent"].tolist() == inside.tolist()
    assert (told["claimable"] < margin).tolist() == inside.tolist()


def test_equivalence_in_a_family_is_adjusted_and_leaves_out_what_cannot_be_judged() -> None:
    told = equivalence(rows((0, 1, 10), (0, 1, 10), (0, 0, 10)), margin=2, adjust="holm")
    assert told["p_equivalent"].iloc[0] == pytest.approx(2 * stats.t.sf(2, 10))
    assert told["equivalent"].tolist() == [False, False, False]
    assert told.iloc[2].isna().tolist() == [True, False, True]


@pytest.mark.parametrize("margin", [0, -1, nan, inf])
def test_a_margin_is_a_number_above_zero(margin: float) -> None:
    with pytest.raises(RequestError, match="largest change that does not matter"):
        equivalence(rows((0, 1, 10)), margin=margin)


# Targets


def test_target_is_met_in_half_of_the_redraws_where_the_score_is_the_target() -> None:
    assert against_target(rows((60, 5, 12), top=100), 60)["met_in"].iloc[0] == pytest.approx(50)
    assert against_target(rows((7, 5, 12)), 7)["met_in"].iloc[0] == pytest.approx(50)


def test_share_of_redraws_by_hand_on_either_scale() -> None:
    # an amount: (60 - 50) / 5 = 2; on the logit scale log(1.5) 24 / 5 = 1.9462
    assert against_target(rows((60, 5, inf)), 50)["met_in"].iloc[0] == pytest.approx(97.725, abs=5e-4)
    met = against_target(rows((60, 5, inf), top=100), 50)["met_in"].iloc[0]
    assert met == pytest.approx(100 * stats.norm.cdf(log(1.5) * 24 / 5))


def test_share_of_redraws_is_that_of_many_drawn_scores() -> None:
    draws = 40_000
    t = np.random.default_rng(1).standard_t(7, draws)
    scores = 100 / (1 + np.exp(-(log(0.6 / 0.4) + t * 0.05 / 0.24)))
    met = against_target(rows((60, 5, 7), top=100), 65)["met_in"].iloc[0] / 100
    assert met == pytest.approx((scores >= 65).mean(), abs=4 * np.sqrt(met * (1 - met) / draws))


@pytest.mark.parametrize("top", [nan, 100.0])
def test_target_at_the_end_of_the_interval_is_met_in_all_but_one_tail(top: float) -> None:
    figures = rows((60, 5, 9), top=top)
    limits = against_target(figures, 0)
    assert against_target(figures, limits["low"].iloc[0])["met_in"].iloc[0] == pytest.approx(97.5)
    assert against_target(figures, limits["high"].iloc[0])["met_in"].iloc[0] == pytest.approx(2.5)
    assert against_target(figures, limits["low"].iloc[0], reach="at_most")["met_in"].iloc[0] == pytest.approx(2.5)


def test_target_is_met_missed_or_open_as_the_interval_says() -> None:
    told = against_target(rows(*[(60, 5, 30)] * 3, top=100), [45, 60, 75])
    assert told["verdict"].tolist() == ["met", "open", "missed"]
    turned = against_target(rows(*[(60, 5, 30)] * 3, top=100), [45, 60, 75], reach="at_most")
    assert turned["verdict"].tolist() == ["missed", "open", "met"]


def test_target_at_the_ends_of_the_scale_is_certain() -> None:
    assert against_target(rows(*[(60, 5, 30)] * 2, top=100), [0, 100])["met_in"].tolist() == [100, 0]


def test_score_that_cannot_be_judged_meets_and_misses_nothing() -> None:
    told = against_target(rows((60, 0, 30), (nan, 5, 30), (60, 5, 0), (100, 1, 30), top=100), 50)
    assert told["verdict"].eq("not_judged").all()
    assert told[["met_in", "low", "high"]].isna().all(axis=None)


def test_a_target_that_is_missing_or_of_another_kind_is_refused() -> None:
    with pytest.raises(RequestError, match="a target is missing"):
        against_target(rows((60, 5, 30)), nan)
    with pytest.raises(RequestError, match="reach is 'near'"):
        against_target(rows((60, 5, 30)), 50, reach="near")  # type: ignore[arg-type]


# Codes


@pytest.mark.parametrize(
    ("estimate", "clear", "equivalent", "direction", "code"),
    [
        (5, True, False, "better", "better"),
        (-5, True, False, "better", "worse"),
        (5, True, False, "worse", "worse"),
        (-5, True, False, "worse", "better"),
        (5, True, False, "ambiguous", "up"),
        (-5, True, False, "ambiguous", "down"),
        (5, False, False, "better", "not_clear"),
        (0.5, True, True, "better", "steady"),
        (0.5, False, True, "worse", "steady"),
    ],
)
def test_code_of_a_change(estimate: float, clear: bool, equivalent: bool, direction: str, code: str) -> None:  # noqa: FBT001
    table = pd.DataFrame({"estimate": [estimate], "clear": [clear], "p": [0.01], "equivalent": [equivalent]})
    assert verdict_of_change(table, [direction]).tolist() == [code]


def test_change_without_a_test_is_not_judged() -> None:
    table = pd.DataFrame({"estimate": [5.0, nan], "clear": [False, False], "p": [nan, nan]})
    assert verdict_of_change(table, ["better", "better"]).tolist() == ["not_judged", "not_judged"]


def test_a_direction_that_nobody_knows_is_refused() -> None:
    table = pd.DataFrame({"estimate": [5.0], "clear": [True], "p": [0.01]})
    with pytest.raises(RequestError, match="better, worse or ambiguous"):
        verdict_of_change(table, ["upwards"])
