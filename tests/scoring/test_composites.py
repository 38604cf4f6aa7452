"""Indices that are no straight combination of their items: other means, other normalisations, respondents' indices."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from scoring import EstimationError, Framework, Resampling, SurveyDesign, change, estimate, reduce, score
from scoring.composites import composites
from scoring.estimates import Estimates, combine, transform, variance
from scoring.indices import assemble
from scoring.resampling import make
from tests.strategies import FRAMEWORK, surveys

DESIGN = SurveyDesign(weight="weight", strata="stratum", psu="shift")
COUNT = 12  # surveys drawn of each law
FULL = 100.0


def framework(*, index: str = "arithmetic", first: str = "arithmetic", top: str = "") -> Framework:
    """x and y (1 : 3) make the dimension `first`, z `second`; both (2 : 1) the index."""
    text = FRAMEWORK.replace('code = "index"', f'code = "index"\naggregation = "{index}"')
    text = text.replace('code = "first"', f'code = "first"\naggregation = "{first}"')
    return Framework.from_toml(text.replace('version = "1"', f'version = "1"\n{top}'))


def with_item(words: str, *, top: str = "") -> Framework:
    text = FRAMEWORK.replace('title = "Better upwards"', f'title = "Better upwards"\n{words}')
    return Framework.from_toml(text.replace('version = "1"', f'version = "1"\n{top}'))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    size = 480
    frame = pd.DataFrame({"stratum": np.repeat(list("AB"), size // 2), "shift": np.arange(size) // 20})
    mood = rng.normal(size=size)
    for name, low, high in (("x", 1, 5), ("y", 1, 4), ("z", 0, 2), ("link", 1, 5)):
        share = 1 / (1 + np.exp(-mood - rng.normal(size=size)))
        frame[name] = np.clip(low + np.floor(share * (high - low + 1)), low, high)
    return frame.assign(weight=rng.uniform(0.5, 2, size), asked=0, hours=1.0, side=np.where(mood > 0, "left", "right"))


def rows(table: pd.DataFrame, code: str) -> pd.DataFrame:
    return table[table["measure"] == code].reset_index(drop=True)


def figures(made: Framework, data: pd.DataFrame, code: str, **options: Any) -> dict[str, Any]:
    return rows(score(reduce(data, made, DESIGN), made, **options).table, code).iloc[0].to_dict()


def geometric(parts: list[Any], weights: list[float]) -> Any:
    """By the book, of values mapped to 1-100 and back (`statistics.md` 3)."""
    log = sum(w * np.log(1 + 0.99 * part) for w, part in zip(weights, parts, strict=True))
    return (np.exp(log / sum(weights)) - 1) / 0.99


def harmonic(parts: list[Any], weights: list[float]) -> Any:
    inverse = sum(w / (1 + 0.99 * part) for w, part in zip(weights, parts, strict=True))
    return (sum(weights) / inverse - 1) / 0.99


@pytest.mark.parametrize(("how", "by_hand"), [("geometric", geometric), ("harmonic", harmonic)])
def test_means_of_other_kinds_are_those_of_the_book_with_their_delta_errors_in_every_cell(
    how: str, by_hand: Callable[..., Any], frame: pd.DataFrame
) -> None:
    # another way to the same: the formula itself on complex numbers, its derivative by a complex step
    made = framework(first=how, index="geometric")
    totals = reduce(frame, made, DESIGN, facets=[("side",)])
    items = assemble(totals, made, ("side",)).estimates.take(range(5, 8))

    def index(values: np.ndarray) -> np.ndarray:
        x, y, z = np.moveaxis(values, -1, 0)
        first = by_hand([x, y], [1, 3])
        return np.stack([geometric([first, z], [2, 1]), first], axis=-1)

    expected = transform(items, index)
    table = score(totals, made, by="side").table
    for place, code in enumerate(("index", "first")):
        np.testing.assert_allclose(rows(table, code)["estimate"], expected.values[:, place], rtol=1e-12)
        np.testing.assert_allclose(rows(table, code)["se"], np.sqrt(variance(expected).variance[:, place]), rtol=1e-10)


def test_a_tree_of_arithmetic_means_is_the_same_by_both_ways(frame: pd.DataFrame) -> None:
    made = framework()
    totals = reduce(frame, made, DESIGN, facets=[("side",)])
    items = assemble(totals, made, ("side",)).estimates.take(range(5, 9))
    curved, straight = composites(items, made), combine(items, made.loadings())
    for name in ("values", "scores", "mass"):
        np.testing.assert_allclose(getattr(curved, name), getattr(straight, name), rtol=1e-12, atol=1e-14)


def test_the_delta_error_of_a_geometric_mean_is_that_of_the_jackknife(frame: pd.DataFrame) -> None:
    made = framework(first="geometric", index="geometric")
    totals = reduce(frame, made, DESIGN)
    replicates = make(totals.units, Resampling("jackknife"))
    delta, jackknife = (rows(score(totals, made, replicates=r).table, "index").iloc[0] for r in (None, replicates))
    assert jackknife["estimate"] == delta["estimate"]
    assert jackknife["se"] == pytest.approx(delta["se"], rel=0.02)


@given(data=surveys())
@settings(max_examples=COUNT, deadline=None, derandomize=True, database=None)
def test_harmonic_is_below_geometric_and_that_below_arithmetic_and_all_between_their_parts(data: pd.DataFrame) -> None:
    totals = reduce(data, framework(), replace(DESIGN, nest=True), facets=[("side",)])
    kinds = ("minimum", "harmonic", "geometric", "arithmetic")
    tables = [assemble(totals, framework(first=how), ("side",)).estimates.values for how in kinds]
    first = np.array([values[:, 2] for values in tables])
    parts = tables[0][:, [5, 6]]
    whole = ~np.isnan(parts).any(axis=1)
    assert (np.diff(first[:, whole], axis=0) >= -1e-9).all()
    assert (first[:, whole] >= parts[whole].min(axis=1)).all()
    assert (first[:, whole] <= parts[whole].max(axis=1)).all()


@pytest.mark.parametrize("how", ["geometric", "harmonic", "minimum"])
@pytest.mark.parametrize("answer", [(1, 4, 0), (3, 2.5, 1), (5, 1, 2)])  # 0, 50 and 100 of each item
def test_equal_parts_give_themselves(how: str, answer: tuple[float, float, float], frame: pd.DataFrame) -> None:
    alike = frame.assign(weight=1.0, **dict(zip("xyz", answer, strict=True)))
    made = framework(first=how, index=how)
    values = assemble(reduce(alike, made, DESIGN), made, ()).estimates.values[0]
    parts = values[5:8]
    assert np.ptp(parts) < 1e-13 * FULL
    assert parts.min() <= values[[0, 2]].min()
    assert values[[0, 2]].max() <= parts.max()
    assert parts.round(12).tolist() in ([0] * 3, [50] * 3, [100] * 3)


def test_a_node_misses_no_part_unless_the_framework_says_how_many_are_enough(frame: pd.DataFrame) -> None:
    silent = frame.assign(y=-3)
    whole = figures(framework(first="geometric"), silent, "first")
    assert (whole["status"], whole["reason"]) == ("undefined", "no_answers")
    half = framework(first="geometric", top="minimum_answered = 0.5")
    first, x = (figures(half, silent, code) for code in ("first", "x"))
    assert (first["estimate"], first["se"], first["n"]) == pytest.approx((x["estimate"], x["se"], x["n"]))
    fewer = framework(first="geometric", top="minimum_answered = 0.51")
    assert np.isnan(figures(fewer, silent, "first")["estimate"])


def test_a_minimum_has_no_interval_until_draws_are_made(frame: pd.DataFrame) -> None:
    made = framework(first="minimum")
    parts = [figures(made, frame, code)["estimate"] for code in "xy"]
    plain, above = (figures(made, frame, code) for code in ("first", "index"))
    assert plain["estimate"] == min(parts)
    assert (plain["status"], plain["reason"]) == ("undefined", "rough")
    assert np.isnan([plain["se"], plain["low"], plain["high"], above["se"], above["low"]]).all()
    assert above["reason"] == "rough"
    drawn = figures(made, frame, "first", seed=1)
    assert (drawn["status"], drawn["reason"]) == ("ok", "")
    assert drawn["low"] < min(parts) < drawn["high"]
    assert drawn["low"] < drawn["estimate"] < drawn["high"]
    assert figures(made, frame, "first", seed=1) == pytest.approx(drawn, nan_ok=True)
    assert (
        figures(made, frame, "index", seed=1)["reason"] == "rough"
    )  # drawn for the minimum, not for what stands on it


def test_a_minimum_of_a_single_part_has_the_interval_of_that_part(frame: pd.DataFrame) -> None:
    text = FRAMEWORK.replace('code = "second"', 'code = "second"\naggregation = "minimum"')
    made = Framework.from_toml(text)
    second, z = (figures(made, frame, code, seed=1) for code in ("second", "z"))
    half = (second["high"] - second["low"]) / 2
    assert second["estimate"] == pytest.approx(z["estimate"])
    assert half == pytest.approx(z["se"] * 2.07, rel=0.03)  # t of about 22 df; that of z itself is logit


def test_an_index_of_one_minimum_has_its_interval(frame: pd.DataFrame) -> None:
    made = Framework.from_toml(
        FRAMEWORK.replace('code = "second"', 'code = "second"\nweight = 1')
        .replace('title = "Second"\nindex = "index"', 'title = "Second"\ndimension = "first"')
        .replace('code = "first"', 'code = "first"\naggregation = "minimum"')
    )
    first, index = (figures(made, frame, code, seed=1) for code in ("first", "index"))
    assert (index["low"], index["estimate"], index["high"]) == (first["low"], first["estimate"], first["high"])
    assert index["status"] == "ok"


def test_a_minimum_over_a_part_whose_spread_is_not_known_has_no_interval_in_spite_of_draws(frame: pd.DataFrame) -> None:
    made = framework(first="minimum")
    for alike in (frame.assign(y=4), frame.assign(y=-2)):
        first = figures(made, alike, "first", seed=1)
        assert first["status"] == "undefined"
        assert np.isnan([first["low"], first["high"]]).all()


def test_a_change_of_a_minimum_is_refused_in_words(frame: pd.DataFrame) -> None:
    both = pd.concat([frame.assign(year="1"), frame.assign(year="2", shift=frame["shift"] + 100)], ignore_index=True)
    made = framework(first="minimum")
    totals = reduce(both, made, SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="year"))
    with pytest.raises(EstimationError, match="first rests on a minimum and has no standard error; compare its parts"):
        change(totals, made, measure=["x", "first"], waves=("1", "2"))
    assert change(totals, made, measure="second", waves=("1", "2")).table["estimate"].tolist() == [0]


def test_share_of_positive_answers_is_a_proportion_of_the_engine(frame: pd.DataFrame) -> None:
    made = with_item("positive = [4, 5]")
    positive = frame.assign(yes=(frame["x"] >= 4).astype(float))
    expected = estimate(positive, DESIGN, mean=["yes"], df="satterthwaite").iloc[0]
    x = figures(made, frame, "x")
    assert (x["estimate"], x["se"]) == pytest.approx((100 * expected["estimate"], 100 * expected["se"]))
    assert x["deff"] == pytest.approx(expected["deff"])


def test_dont_know_stands_outside_the_base_of_a_share_of_positive_answers() -> None:
    # the manner of SDG 16.6.2: 1,000 asked, 65 do not know, base 935; 374 of them agree or strongly agree: 40 %
    answers = [4] * 200 + [5] * 174 + [2] * 561 + [-2] * 65
    data = pd.DataFrame({"x": answers, "y": 1, "z": 1, "link": 1, "asked": 0, "hours": 0.0})
    made = with_item("positive = [4, 5]")
    x = rows(score(reduce(data, made, SurveyDesign()), made).table, "x").iloc[0]
    assert (x["estimate"], x["n"]) == (40, 935)


def test_a_target_or_a_baseline_stretches_value_and_error_and_leaves_the_design_effect(frame: pd.DataFrame) -> None:
    plain = figures(framework(), frame, "x")
    mean = 1 + plain["estimate"] / 25
    z = figures(with_item('normalisation = "z"\nbaseline = { mean = 2.8, sd = 1.5 }'), frame, "x")
    assert (z["estimate"], z["se"]) == pytest.approx((50 + 20 * (mean - 2.8) / 1.5, plain["se"] / 25 * 20 / 1.5))
    target = figures(with_item('normalisation = "target"\ntarget = 4'), frame, "x")
    assert (target["estimate"], target["se"]) == pytest.approx((100 * (mean - 1) / 3, plain["se"] * 4 / 3))
    assert (z["deff"], target["deff"]) == pytest.approx((plain["deff"], plain["deff"]))
    assert (z["n_eff"], target["n_eff"]) == pytest.approx((plain["n_eff"], plain["n_eff"]))


def test_a_target_that_is_passed_counts_as_met_and_its_interval_is_cut_there(frame: pd.DataFrame) -> None:
    mean = 1 + figures(framework(), frame, "x")["estimate"] / 25
    made = with_item(f'normalisation = "target"\ntarget = {mean - 0.01}')
    x, index = (figures(made, frame, code) for code in ("x", "index"))
    assert (x["estimate"], x["high"], x["status"], x["reason"]) == (100, 100, "ok", "beyond_scale")
    assert 90 < x["low"] < 100
    assert x["se"] > 0
    parts = [figures(made, frame, code)["estimate"] for code in "xyz"]
    assert index["estimate"] == pytest.approx((parts[0] + 3 * parts[1]) / 4 * 2 / 3 + parts[2] / 3)


MEAN = "estimand = 'mean_of_indices'\nminimum_answered = {}"


@pytest.mark.parametrize(
    ("least", "expected", "n"),
    [
        # scores of x: 100, 0, 50; of y, turned: 0, 100, nobody knows. first = (x + 3 y) / 4
        (1, (25 + 75) / 2, 2),
        (0.5, (25 + 75 + 50) / 3, 3),  # the third has x alone
    ],
)
def test_mean_of_the_indices_of_respondents_by_hand(least: float, expected: float, n: int) -> None:
    data = pd.DataFrame({"x": [5, 1, 3], "y": [4, 1, -2], "z": 1, "link": 1, "asked": 0, "hours": 0.0})
    made = framework(top=MEAN.format(least))
    first = rows(score(reduce(data, made, SurveyDesign()), made).table, "first").iloc[0]
    assert (first["estimate"], first["n"]) == (pytest.approx(expected), min(n, 2))  # never more than its weakest part


def test_mean_of_indices_is_the_index_of_means_where_everybody_answered_everything(frame: pd.DataFrame) -> None:
    means, people = framework(), framework(top=MEAN.format(1))
    tables = [score(reduce(frame, made, DESIGN), made).table for made in (means, people)]
    for name in ("estimate", "se", "df", "n"):
        np.testing.assert_allclose(tables[1][name], tables[0][name], rtol=1e-9)


def test_mean_of_minima_of_respondents_has_a_standard_error(frame: pd.DataFrame) -> None:
    made = framework(first="minimum", top=MEAN.format(1))
    least = np.minimum((frame["x"] - 1) * 25, (4 - frame["y"]) / 3 * 100)
    first = figures(made, frame, "first", seed=1)
    assert first["estimate"] == pytest.approx(np.average(least, weights=frame["weight"]))
    assert first["status"] == "ok"
    assert first["se"] > 0


def test_totals_for_another_mean_of_indices_are_refused(frame: pd.DataFrame) -> None:
    totals = reduce(frame, framework(top=MEAN.format(1)), DESIGN)
    with pytest.raises(EstimationError, match=r"index of respondents by .*; reduce again with this framework"):
        score(totals, framework(top=MEAN.format(0.5)))
    assert score(totals, framework()).table["estimate"].notna().any()  # an index of means needs no new pass


def test_provenance_names_aggregation_estimand_and_content(frame: pd.DataFrame) -> None:
    made = framework(first="geometric", top=MEAN.format(1))
    provenance = score(reduce(frame, made, DESIGN), made).provenance
    assert provenance["aggregation"] == "arithmetic, geometric"
    assert provenance["estimand"] == "mean of indices"
    assert provenance["framework_digest"] == made.digest


def test_scores_of_a_rough_node_are_missing_and_never_zero(frame: pd.DataFrame) -> None:
    made = framework(first="minimum")
    found: Estimates = assemble(reduce(frame, made, DESIGN), made, ()).estimates
    assert np.isnan(found.scores[:, 2]).all()
    assert np.isfinite(found.scores[:, 4:]).all()
