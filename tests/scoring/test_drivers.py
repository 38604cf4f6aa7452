"""Drivers: truth found again, halo told apart, Shapley shares by their definition, and the laws they keep."""

from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special
from scipy.stats import binomtest

from scoring import EstimationError, Framework, RequestError, SurveyDesign
from scoring.drivers import Drivers, drivers, of_others
from scoring.importance import shapley, subsets

DESIGN = SurveyDesign(weight="w", strata="post", psu="shift")


HEAD = """
id = "small"
version = "1"
title = "Small"

[[index]]
code = "index"
title = "Index"
"""


def framework(count: int = 3) -> Framework:
    """One item of 0 to 100 in each of `count` dimensions."""
    parts = "".join(
        f'[[dimension]]\ncode = "d{k}"\ntitle = "D"\nindex = "index"\n[[item]]\ncode = "x{k}"\ntitle = "X"\n'
        f'dimension = "d{k}"\ndirection = "better"\nrange = [0, 100]\n'
        for k in range(count)
    )
    return Framework.from_toml(HEAD + parts)


def survey(
    seed: int = 1,
    *,
    posts: int = 4,
    shifts: int = 20,
    people: int = 20,
    halo: float = 0.0,
    effect: float = 0.0,
    items: int = 3,
    answers: int = 2,
) -> pd.DataFrame:
    """Scores that vary by shift; the outcome follows the shift's true x0 by `effect` and each one's mood by `halo`."""
    rng = np.random.default_rng(seed)
    n = posts * shifts * people
    shift = np.repeat(np.arange(posts * shifts), people)
    true = rng.normal(size=(posts * shifts, items))[shift]
    mood = rng.normal(size=n)
    said = 50 + 10 * (true + mood[:, None] * (halo > 0) + rng.normal(size=(n, items)))
    latent = effect * true[:, 0] + halo * mood + rng.logistic(size=n)
    cuts = special.logit(np.arange(1, answers) / answers)
    frame = pd.DataFrame(np.clip(said, 0, 100), columns=[f"x{k}" for k in range(items)])
    return frame.assign(
        y=(latent[:, None] > cuts).sum(axis=1), w=rng.uniform(0.5, 2, n), shift=shift, post=shift // shifts,
        sex=rng.integers(0, 2, n),
    )  # fmt: skip


def asked(frame: pd.DataFrame, items: int = 3, **options: Any) -> Drivers:
    names = [f"d{k}" for k in range(items)]
    return drivers(
        frame, framework(items), DESIGN, "y", names, **{"rng": np.random.default_rng(5), "count": 100} | options
    )


def test_the_scores_of_others_are_means_without_the_respondent() -> None:
    # shift 0: scores 10, 20, 60 of weights 1, 2, 1; shift 1: one person, so there is no other
    scores = np.array([[10.0], [20.0], [60.0], [5.0]])
    found = of_others(scores, np.array([0, 0, 0, 1]), np.array([1.0, 2, 1, 1]))
    np.testing.assert_allclose(found[:, 0], [(40 + 60) / 3, 70 / 2, 50 / 3, np.nan])


def test_who_did_not_answer_is_no_other() -> None:
    found = of_others(np.array([[10.0], [np.nan], [30.0]]), np.zeros(3, dtype=np.int64), np.ones(3))
    np.testing.assert_allclose(found[:, 0], [30, 20, 10])


def test_a_mood_that_colours_everything_shows_in_own_scores_and_not_in_those_of_others() -> None:
    frame = survey(2, halo=1.0)
    own, others = asked(frame, seen="own").slopes, asked(frame, seen="others").slopes
    assert (own["low"] > 0).all()
    assert (others["p"] > 0.01).all()


def test_what_the_shift_does_to_the_outcome_is_found_through_the_others() -> None:
    found = asked(survey(3, effect=0.8, answers=3)).slopes.set_index("regressor")
    # the mean of 19 others is the shift's truth nearly: 0.8 per standard deviation of it
    assert found.loc["d0", "low"] < 0.8 < found.loc["d0", "high"]
    assert (found.loc[["d1", "d2"], "p"] > 0.01).all()


def test_figures_are_called_associations_and_their_r2_is_named() -> None:
    found = asked(survey(4, effect=0.5), controls=["sex"])
    assert found.kind == "association"
    assert "R2" in found.r2_name
    assert "controls" in found.r2_name
    assert found.n + found.left_out == 4 * 20 * 20


def test_predicted_shares_sum_to_a_hundred_and_move_as_the_slope_does() -> None:
    shares = asked(survey(5, effect=0.8, answers=3)).shares
    sums = shares.groupby("regressor")[["at_low", "at_high", "difference"]].sum()
    np.testing.assert_allclose(sums["at_low"], 100)
    np.testing.assert_allclose(sums["at_high"], 100)
    np.testing.assert_allclose(sums["difference"], 0, atol=1e-9)
    top = shares[(shares["regressor"] == "d0") & (shares["answer"] == 2)].iloc[0]
    assert top["low"] > 0
    assert top["at_high"] > top["at_low"]


def test_the_error_of_a_predicted_difference_is_that_of_leaving_shifts_out() -> None:
    frame = survey(6, posts=1, shifts=25, people=12, effect=0.8)
    found = asked(frame, seen="own").shares
    top = found[(found["regressor"] == "d0") & (found["answer"] == 1)].iloc[0]
    each = []
    for left in range(25):  # ends and standard deviations are taken as known, so x is put back into points
        again = asked(frame[frame["shift"] != left], seen="own").shares
        each.append(again[(again["regressor"] == "d0") & (again["answer"] == 1)]["difference"].iloc[0])
    jackknife = np.sqrt(24 / 25 * ((np.array(each) - np.mean(each)) ** 2).sum())
    assert top["se"] == pytest.approx(jackknife, rel=0.15)


def test_odds_that_are_proportional_pass_the_check_and_others_do_not() -> None:
    frame = survey(7, effect=0.8, answers=4)
    assert asked(frame, seen="own").odds.set_index("regressor").loc["", "p"] > 0.01
    rng = np.random.default_rng(8)
    steep = (rng.logistic(size=len(frame)) + (frame["x0"] - 50) / 8 > 0) * 1
    bent = frame.assign(y=np.where(rng.random(len(frame)) < 0.5, steep, 2))  # the top answer comes by chance alone
    assert asked(bent, seen="own").odds.set_index("regressor").loc["d0", "p"] < 0.001


def test_two_answers_need_no_check_of_odds() -> None:
    assert asked(survey(9)).odds.empty


def test_shapley_shares_are_mean_gains_over_all_orders() -> None:
    rng = np.random.default_rng(10)
    z = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))
    matrix = np.cov(z.T)

    def r2(held: tuple[int, ...]) -> float:
        at = list(held)
        inverse = np.linalg.inv(matrix[np.ix_(at, at)]) if at else np.zeros((0, 0))
        return float(matrix[4, at] @ inverse @ matrix[at, 4] / matrix[4, 4])

    gains = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        for place, each in enumerate(order):
            gains[each] += r2(order[: place + 1]) - r2(order[:place])
    np.testing.assert_allclose(shapley(matrix[None])[0], gains / len(orders), rtol=1e-9)
    np.testing.assert_allclose(subsets(matrix[None])[-1, 0], r2((0, 1, 2, 3)), rtol=1e-9)


def test_shares_of_regressors_that_do_not_hang_together_are_their_squared_correlations() -> None:
    matrix = np.array([[1, 0, 0.3], [0, 1, 0.5], [0.3, 0.5, 1.0]])
    np.testing.assert_allclose(shapley(matrix[None])[0], [0.09, 0.25])


def test_importance_sums_to_the_r2_and_its_intervals_hold_it() -> None:
    found = asked(survey(11, effect=0.8), seen="own")
    assert found.importance["share"].sum() == pytest.approx(found.r2)
    assert ((found.importance["low"] <= found.importance["share"]) & (found.importance["share"] <= 1)).all()
    assert found.importance["share"].idxmax() == 0


def test_the_scale_of_weights_and_the_order_of_rows_change_nothing() -> None:
    frame = survey(12, effect=0.5)
    turned = frame.assign(w=frame["w"] * 1000).sample(frac=1, random_state=1)
    one, two = asked(frame), asked(turned)
    np.testing.assert_allclose(one.slopes[["estimate", "se"]], two.slopes[["estimate", "se"]], rtol=1e-6)
    np.testing.assert_allclose(one.importance["share"], two.importance["share"], rtol=1e-6)


def test_missing_answers_leave_the_model_and_are_counted() -> None:
    frame = survey(13)
    frame.loc[:49, "y"] = -2
    frame.loc[50:59, "x1"] = np.nan
    found = asked(frame, seen="own")
    assert (found.n, found.left_out) == (1600 - 60, 60)


def test_intervals_of_slopes_cover_nought_where_shifts_have_no_effect() -> None:
    samples = [survey(100 + seed, shifts=10, people=8) for seed in range(150)]
    held = [asked(frame).slopes.loc[0, "p"] > 0.05 for frame in samples]
    assert binomtest(sum(held), len(held), 0.95).pvalue > 0.01


def test_items_that_no_regressor_rests_on_need_not_be_in_the_data() -> None:
    frame = survey(17, effect=0.5)
    options: dict[str, Any] = {"count": 100, "seen": "own"}
    some = drivers(
        frame.drop(columns="x2"), framework(), DESIGN, "y", ["d0", "d1"], rng=np.random.default_rng(1), **options
    )
    items = drivers(frame, framework(), DESIGN, "y", ["x0", "x1"], rng=np.random.default_rng(1), **options)
    np.testing.assert_allclose(some.slopes["estimate"], items.slopes["estimate"], rtol=1e-9)


def test_a_score_of_some_answers_keeps_respondents_in_the_model() -> None:
    frame = survey(18)
    frame.loc[:99, "x2"] = np.nan
    options: dict[str, Any] = {"rng": np.random.default_rng(1), "count": 100, "seen": "own"}
    whole = drivers(frame, framework(), DESIGN, "y", ["index"], **options)
    some = drivers(frame, framework(), DESIGN, "y", ["index"], minimum_answered=0.5, **options)
    assert (whole.left_out, some.left_out) == (100, 0)


def test_regressors_of_no_framework_and_those_that_say_the_same_are_refused() -> None:
    frame = survey(14)
    with pytest.raises(RequestError, match="name items, dimensions"):
        drivers(frame, framework(), DESIGN, "y", ["nobody"], rng=np.random.default_rng(1))
    with pytest.raises(EstimationError, match="say the same"):
        asked(frame.assign(x1=frame["x0"]), seen="own")


def test_everybody_of_one_answer_is_refused() -> None:
    with pytest.raises(EstimationError, match="same answer"):
        asked(survey(15).assign(y=1))


def test_seventeen_hundred_people_and_twelve_regressors_are_judged_at_once() -> None:
    found = asked(survey(16, posts=6, shifts=14, people=20, items=12), 12, count=200)
    assert found.n == 6 * 14 * 20
    assert found.importance["share"].sum() == pytest.approx(found.r2)
    assert len(found.slopes) == 12
