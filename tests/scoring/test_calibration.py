"""Calibrated weights meet the margins, by hand and by law; what cannot be met is refused in words."""

import tomllib
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.calibration import Calibrated, calibrate, diagnostics, margin_table, recalibrate, trimmed
from scoring.errors import DesignError, EstimationError, RequestError
from scoring.margins import Calibration, Margin, from_table, standardised

DISTANCES = {"linear": (0.2, 3), "raking": (0.2, 3), "logit": (0.2, 3), "sinh": (0.2, 3)}
SIZE, SEX, SIDE = (
    Margin((), 1000),
    Margin("sex", {"f": 520, "m": 480}),
    Margin("side", {"a": 300, "b": 300, "c": 400}),
)
AGE = Margin("age", 41000)
quick = settings(max_examples=20, deadline=None, derandomize=True, database=None)


def drawn(seed: int = 1, rows: int = 60) -> tuple[pd.DataFrame, np.ndarray]:
    """A sample in which every category has members."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "sex": np.resize(["f", "m"], rows),
            "side": np.resize(["a", "b", "c"], rows),
            "age": rng.integers(18, 60, rows).astype(float),
            "size": rng.uniform(1, 3, rows),
            "post": np.resize(np.arange(12), rows),
        }
    )
    return frame, rng.uniform(10, 20, rows)


def residual(calibrated: Calibrated, y: Any) -> np.ndarray:
    return calibrated.residual(calibrated.weight * np.asarray(y, dtype=float))


# By hand


def test_post_stratification_shares_each_total_in_proportion_to_the_weights() -> None:
    frame = pd.DataFrame({"sex": list("ffmm")})
    found = calibrate(
        frame, np.array([10.0, 20, 5, 5]), Calibration("poststratify", (Margin("sex", {"f": 60, "m": 5}),))
    )
    assert found.weight.tolist() == [20, 40, 2.5, 2.5]
    assert found.g.tolist() == [2, 2, 0.5, 0.5]


def test_raking_an_even_table_gives_products_of_the_margins() -> None:
    frame = pd.DataFrame({"row": list("aabb"), "column": list("xyxy")})
    margins = (Margin("row", {"a": 30, "b": 10}), Margin("column", {"x": 30, "y": 10}))
    for kind in ("rake", "raking"):
        found = calibrate(frame, np.full(4, 10.0), Calibration(kind, margins))
        np.testing.assert_allclose(found.weight, [22.5, 7.5, 7.5, 2.5], rtol=1e-9)


def test_linear_calibration_solves_the_regression() -> None:
    frame = pd.DataFrame({"x": [1.0, 2, 3]})
    found = calibrate(frame, np.ones(3), Calibration("linear", (Margin((), 3), Margin("x", 9))))
    np.testing.assert_allclose(found.weight, [-0.5, 1, 2.5], rtol=1e-12)


def test_a_bound_holds_where_linear_calibration_would_cross_it() -> None:
    frame = pd.DataFrame({"x": [1.0, 2, 3, 2]})
    request = Calibration("linear", (Margin((), 4), Margin("x", 10)), bounds=(0.25, 4))
    found = calibrate(frame, np.ones(4), request)
    np.testing.assert_allclose(found.weight, [0.25, 0.75, 2.25, 0.75], rtol=1e-9)


def test_variance_proportional_to_the_auxiliary_gives_the_ratio_estimator() -> None:
    frame = pd.DataFrame({"x": [1.0, 2, 3]})
    found = calibrate(frame, np.array([1.0, 2, 3]), Calibration("linear", (Margin("x", 28),), variance="x"))
    np.testing.assert_allclose(found.weight, [2, 4, 6], rtol=1e-12)
    np.testing.assert_allclose(found.q, [1, 1 / 2, 1 / 3])


def test_a_unit_gets_one_weight() -> None:
    frame, base = drawn()
    found = calibrate(frame, base, Calibration("linear", (SEX, AGE), per_unit="post"))
    assert pd.Series(found.weight).groupby(frame["post"]).nunique().tolist() == [1] * 12
    assert found.weight[frame["sex"] == "f"].sum() == pytest.approx(520)
    assert found.weight @ frame["age"] == pytest.approx(41000)


def test_trimming_shares_the_excess_equally() -> None:
    weight = np.array([1.0, 39, 80])
    assert trimmed(weight, (-np.inf, 40), strict=False).tolist() == [21, 59, 40]
    assert trimmed(weight, (-np.inf, 40), strict=True).tolist() == [40, 40, 40]
    assert trimmed(np.array([10.0, 20, 30, 40]), (15, 35), strict=False).tolist() == [15, 20, 30, 35]
    assert trimmed(np.array([0.0, 10, 20]), (12, 25), strict=True).tolist() == [0, 12, 18]


def test_trimming_alone_keeps_the_sum_and_the_base() -> None:
    frame, base = drawn()
    found = calibrate(frame, base, Calibration("trim", trim=(12, 18)))
    assert found.weight.sum() == pytest.approx(base.sum())
    assert found.g.tolist() == [1] * 60
    assert found.aux.shape == (60, 0)
    np.testing.assert_allclose(residual(found, frame["age"]), found.weight * frame["age"])


def test_standardisation_gives_each_group_the_standard_composition_and_its_own_weight() -> None:
    frame = pd.DataFrame({"sex": list("fmfm"), "side": list("aabb")})
    weight = np.array([10.0, 30, 40, 20])
    request = standardised(frame, weight, by="sex", over="side", shares={"f": 1, "m": 3})
    np.testing.assert_allclose(calibrate(frame, weight, request).weight, [10, 30, 15, 45])
    whole = standardised(frame, weight, by=("sex",), shares={"f": 0.5, "m": 0.5})
    np.testing.assert_allclose(calibrate(frame, weight, whole).weight, [10, 30, 40, 20])


def test_diagnostics_by_hand() -> None:
    found = diagnostics(np.array([1.0, 1, 0]), np.array([1.0, 3, 0])).iloc[0]
    wanted = {"n": 2, "sum_before": 2, "sum_after": 4, "min": 1, "max": 3, "mean": 2, "cv": 0.5, "deff": 1.25}
    assert found.to_dict() == pytest.approx({**wanted, "n_eff": 1.6, "g_min": 1, "g_max": 3, "negative": 0})


def test_the_margin_table_shows_before_after_and_population() -> None:
    frame, base = drawn()
    request = Calibration("linear", (SEX, AGE, SIZE))
    table = margin_table(frame, base, calibrate(frame, base, request).weight, request)
    assert table["margin"].tolist() == ["sex", "sex", "age", "population size"]
    assert table["category"].tolist() == ["f", "m", "", ""]
    assert table["before"].tolist()[2:] == pytest.approx([base @ frame["age"], base.sum()])
    np.testing.assert_allclose(table["after"], [520, 480, 41000, 1000])
    assert table["population"].tolist() == [520, 480, 41000, 1000]


# By law


@pytest.mark.parametrize("kind", DISTANCES)
@quick
@given(seed=st.integers(0, 10_000))
def test_every_distance_meets_the_margins_within_its_bounds(kind: Any, seed: int) -> None:
    frame, base = drawn(seed)
    request = Calibration(kind, (SEX, SIDE, AGE), bounds=DISTANCES[kind])
    found = calibrate(frame, base, request)
    table = margin_table(frame, base, found.weight, request)
    np.testing.assert_allclose(table["after"], table["population"], rtol=1e-9)
    assert (found.g >= 0.2).all()
    assert (found.g <= 3).all()


@quick
@given(seed=st.integers(0, 10_000), factor=st.floats(0.01, 100))
def test_the_scale_of_base_weights_does_not_matter_to_raking(seed: int, factor: float) -> None:
    frame, base = drawn(seed)
    request = Calibration("rake", (SEX, SIDE))
    left, right = (calibrate(frame, weight, request).weight for weight in (base, base * factor))
    np.testing.assert_allclose(left, right, rtol=1e-8)


def test_raking_in_turn_and_the_raking_distance_agree() -> None:
    frame, base = drawn()
    turn, distance = (calibrate(frame, base, Calibration(kind, (SEX, SIDE))) for kind in ("rake", "raking"))
    np.testing.assert_allclose(turn.weight, distance.weight, rtol=1e-9)
    np.testing.assert_allclose(residual(turn, frame["age"]), residual(distance, frame["age"]), rtol=1e-7)


@pytest.mark.parametrize(
    "request_",
    [
        Calibration("poststratify", (SEX,)),
        Calibration("rake", (SEX, SIDE)),
        Calibration("linear", (SEX, AGE)),
        Calibration("linear", (SEX, AGE), variance="size"),
        Calibration("logit", (SEX, AGE), bounds=(0.2, 3)),
    ],
    ids=lambda request_: request_.kind,
)
def test_a_calibrated_total_has_no_influence_left(request_: Calibration) -> None:
    frame, base = drawn()
    found = calibrate(frame, base, request_)
    for column in found.aux.T:
        np.testing.assert_allclose(residual(found, column), 0, atol=1e-7 * np.abs(found.weight * column).max())


def test_loading_and_projector_are_the_residual() -> None:
    frame, base = drawn()
    base[:5] = 0
    found = calibrate(frame, base, Calibration("linear", (SEX, SIDE, AGE), variance="size"))
    x = found.weight * frame["size"].to_numpy()
    np.testing.assert_allclose(found.residual(x), x - found.loading @ (found.projector.T @ x), atol=1e-9)
    sums = found.per_unit(frame["post"].to_numpy(), 12)
    np.testing.assert_allclose(sums, pd.DataFrame(found.loading).groupby(frame["post"].to_numpy()).sum())


def test_the_residual_of_post_stratification_is_the_distance_from_the_mean_of_the_stratum() -> None:
    frame = pd.DataFrame({"sex": list("ffmm"), "y": [1.0, 4, 10, 20]})
    request = Calibration("poststratify", (Margin("sex", {"f": 60, "m": 20}),))
    found = calibrate(frame, np.array([10.0, 20, 5, 5]), request)
    np.testing.assert_allclose(
        residual(found, frame["y"]), [20 * (1 - 3), 40 * (4 - 3), 10 * (10 - 15), 10 * (20 - 15)]
    )


def test_the_residual_of_linear_calibration_is_the_derivative_of_the_total() -> None:
    frame, base = drawn(rows=24)
    request = Calibration("linear", (SEX, AGE), variance="size")
    y = frame["size"].to_numpy() ** 2
    found = residual(calibrate(frame, base, request), y)
    step = 1e-5 * base
    moves = [np.where(np.arange(24) == row, step, 0.0) for row in range(24)]
    ends = [[calibrate(frame, base + sign * move, request).weight @ y for sign in (1, -1)] for move in moves]
    np.testing.assert_allclose(found, [(up - down) / 2e-5 for up, down in ends], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("kind", ["linear", "raking"])
def test_a_redundant_margin_changes_nothing(kind: Any) -> None:
    frame, base = drawn()
    plain, redundant = (calibrate(frame, base, Calibration(kind, (SEX, AGE, *more))) for more in ((), (SIZE,)))
    np.testing.assert_allclose(plain.weight, redundant.weight, rtol=1e-9)
    np.testing.assert_allclose(residual(plain, frame["size"]), residual(redundant, frame["size"]), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("kind", ["poststratify", "rake", "linear"])
def test_rows_outside_the_sample_may_hold_anything(kind: Any) -> None:
    frame, base = drawn()
    extra = pd.DataFrame({"sex": [None, "x"], "side": ["a", None], "age": [np.nan, 1], "size": [np.nan, -1]})
    longer, weight = pd.concat([extra, frame], ignore_index=True), np.append([0.0, 0.0], base)
    request = Calibration(kind, (SEX,), trim=(10, 25))
    inside, whole = calibrate(frame, base, request), calibrate(longer, weight, request)
    np.testing.assert_allclose(whole.weight, np.append([0, 0], inside.weight))
    assert whole.g[:2].tolist() == [1, 1]
    x = whole.weight * np.append([5.0, 5.0], frame["size"])
    np.testing.assert_allclose(whole.residual(x), np.append([0, 0], inside.residual(x[2:])), atol=1e-9)


@pytest.mark.parametrize(
    "codes",
    [[1, 2, 1, 2], [1.0, 2.0, 1.0, 2.0], ["1", "2", "1", "2"], pd.Categorical([1, 2, 1, 2], categories=[2, 1, 3])],
)
def test_categories_are_compared_as_text(codes: Any) -> None:
    frame = pd.DataFrame({"code": codes})
    for totals in ({1: 30, 2: 10}, {"1": 30, "2": 10}, pd.DataFrame({"code": [2.0, 1.0], "total": [10, 30]})):
        found = calibrate(frame, np.ones(4), Calibration("poststratify", (Margin("code", totals),)))
        assert found.weight.tolist() == [15, 5, 15, 5]


# Replicates


@pytest.mark.parametrize(
    "request_",
    [
        Calibration("rake", (SEX, SIDE)),
        Calibration("raking", (SEX, AGE)),
        Calibration("linear", (SEX, AGE), per_unit="post"),
        Calibration("logit", (SEX, AGE), bounds=(0.2, 3)),
    ],
    ids=lambda request_: request_.kind,
)
def test_a_replicate_is_calibrated_as_a_sample_would_be(request_: Calibration) -> None:
    frame, base = drawn()
    replicate = base * np.where(frame["post"] == 3, 0, 12 / 11)
    again = recalibrate(calibrate(frame, base, request_), replicate, request_)
    np.testing.assert_allclose(again, calibrate(frame, replicate, request_).weight, rtol=1e-8)


@pytest.mark.parametrize("kind", ["rake", "linear", "raking"])
def test_a_replicate_that_lost_a_category_is_missing(kind: Any) -> None:
    frame, base = drawn()
    request = Calibration(kind, (SEX,))
    found = recalibrate(calibrate(frame, base, request), base * (frame["sex"] == "f").to_numpy(), request)
    assert np.isnan(found).all()


def test_a_unit_drawn_twice_may_weigh_twice_the_limit() -> None:
    frame = pd.DataFrame({"x": [1] * 4})
    request = Calibration("trim", trim=(0, 20))
    calibrated = calibrate(frame, np.array([10.0, 10, 10, 30]), request)
    assert calibrated.weight.tolist() == pytest.approx([40 / 3] * 3 + [20])
    doubled = recalibrate(calibrated, np.array([20.0, 10, 0, 60]), request)
    assert doubled.tolist() == pytest.approx([20 + 40 / 3, 10 + 20 / 3, 0, 40])
    assert np.isnan(recalibrate(calibrated, np.array([0.0, 0, 0, 60]), request)).all()


# Requests


def test_a_request_is_read_from_toml() -> None:
    text = """
    kind = "linear"
    bounds = [0.3, 3]
    variance = "size"
    per_unit = "post"
    trim = [-inf, 45]
    strict = true
    tolerance = 1e-9
    most_iterations = 20
    [[margin]]
    columns = ["sex"]
    totals = {f = 520, m = 480}
    [[margin]]
    columns = ["side", "sex"]
    rows = [{side = "a", sex = "f", total = 520}, {sex = "m", side = "a", total = 480}]
    [[margin]]
    numeric = "age"
    total = 41000
    [[margin]]
    total = 1000
    """
    crossed = Margin(("side", "sex"), {("a", "f"): 520, ("a", "m"): 480})
    assert from_table(tomllib.loads(text)) == Calibration(
        "linear",
        (SEX, crossed, AGE, SIZE),
        bounds=(0.3, 3),
        variance="size",
        per_unit="post",
        trim=(-np.inf, 45),
        strict=True,
        tolerance=1e-9,
        most_iterations=20,
    )
    assert from_table(tomllib.loads(text)).columns == ("sex", "side", "age", "size", "post")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "calibration has no kind; it may be poststratify, rake, linear"),
        ({"kind": 3}, "calibration kind is 3; give a text"),
        ({"kind": "rake", "margins": []}, "calibration has no option 'margins'; it may have kind"),
        ({"kind": "rake", "margin": {}}, "margin is a list of tables"),
        ({"kind": "rake", "margin": [3]}, "margin 1 is 3; write it as a table"),
        ({"kind": "rake", "margin": [{"columns": ["sex"]}]}, "margin 1 needs columns with totals or rows, or numeric"),
        ({"kind": "rake", "margin": [{"column": "sex"}]}, "margin 1 has no option 'column'"),
        ({"kind": "rake", "margin": [{"columns": ["sex"], "rows": [3]}]}, "margin 1 has rows that are no tables"),
        ({"kind": "rake", "margin": [{"columns": ["sex"], "rows": [{"sex": "f"}]}]}, "'sex' have no column 'total'"),
        (
            {"kind": "rake", "margin": [{"columns": ["sex"], "totals": {"f": "many"}}]},
            "'sex' holds 'many'; give a number",
        ),
        ({"kind": "linear", "bounds": [1]}, r"bounds is \[1\]; give two numbers"),
        ({"kind": "linear", "strict": 1}, "strict is 1; give true or false"),
        ({"kind": "linear", "tolerance": True}, "tolerance holds True; give a number"),
    ],
)
def test_a_fault_of_the_table_is_named(table: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        from_table(table)


@pytest.mark.parametrize(
    ("columns", "totals", "words"),
    [
        ("sex", {"f": -1, "m": 2}, "category 'f' of margin 'sex' has total -1; give a number above zero"),
        ("sex", {"f": 1, "m": 0}, "category 'm' of margin 'sex' has total 0"),
        ("sex", {"f": np.nan}, "category 'f' of margin 'sex' has total nan"),
        ("age", np.inf, "margin 'age' has total inf; give a number"),
        ((), 0, "margin 'population size' has total 0"),
        ("sex", {}, "margin 'sex' needs columns and a total for each"),
        (("sex", "side"), 5, "'sex x side' has one total for 2 columns"),
        (("sex", "side"), {"f": 5}, "'sex x side' crosses 2 columns, but category"),
        ("code", {1: 5, "1": 5}, "margin 'code' names category '1' twice"),
        ("sex", {"f": None}, "margin 'sex' holds None; give a number"),
    ],
)
def test_a_margin_that_cannot_be_is_refused(columns: Any, totals: Any, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        Margin(columns, totals)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "guess"}, "kind is 'guess'; it may be poststratify"),
        ({"kind": "rake"}, "'rake' needs a margin"),
        ({"kind": "trim"}, "'trim' takes limits and no margins"),
        ({"kind": "poststratify", "margins": (SEX, SIDE)}, "'poststratify' takes one margin; cross its columns"),
        ({"kind": "rake", "margins": (SEX, AGE)}, "'rake' takes categories, not 'age'; choose 'linear'"),
        ({"kind": "linear", "margins": (SEX, SEX)}, "names margin 'sex' twice"),
        (
            {"kind": "rake", "margins": (SEX,), "per_unit": "post"},
            "belong to linear, raking, logit, sinh, not to 'rake'",
        ),
        ({"kind": "linear", "margins": (SEX,), "bounds": (1.1, 2)}, "bounds are 1.1 to 2; they must lie around 1"),
        ({"kind": "logit", "margins": (SEX,)}, "'logit' needs two finite bounds"),
        ({"kind": "linear", "margins": (SEX,), "trim": (3, 2)}, "trims to 3-2; give the lower weight first"),
        ({"kind": "linear", "margins": (SEX,), "strict": True}, "strict is about trimming"),
        ({"kind": "linear", "margins": (SEX,), "tolerance": 0}, "tolerance and most_iterations must be above zero"),
        (
            {"kind": "rake", "margins": (SEX, Margin("side", {"a": 990, "b": 20}))},
            "contradict one another: 'sex' adds up to 1000, 'side' to 1010; bring them to one population",
        ),
    ],
)
def test_a_request_that_cannot_be_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        Calibration(**options)


@pytest.mark.parametrize(
    ("margins", "change", "fault", "words"),
    [
        ((SEX,), {"sex": None}, DesignError, "'sex' of the calibration is empty or no number in 60 of 60 respondents"),
        ((AGE,), {"age": np.inf}, DesignError, "'age' of the calibration is empty or no number in 60 of 60"),
        ((AGE,), {"age": "old"}, DesignError, "'age' of the calibration is empty or no number in 60 of 60"),
        ((Margin("sex", {"f": 9}),), {}, DesignError, "'sex' has no total for 'm', to which 30 respondents belong"),
        (
            (Margin("sex", {"f": 9, "m": 9, "d": 2}),),
            {},
            EstimationError,
            "nobody in the sample belongs to category 'd'",
        ),
        ((Margin("six", {"f": 9}),), {}, DesignError, "column 'six' is not in the data; check its spelling"),
        (
            (SEX, Margin("age", 1e9)),
            {},
            EstimationError,
            "cannot meet margin 'age': .* of 1e\\+09 at bounds 0.5 to 1.5",
        ),
        ((SEX, SIDE), {"sex": "f", "side": "a"}, EstimationError, "nobody in the sample belongs to category 'm'"),
    ],
)
def test_a_margin_the_sample_cannot_meet_is_named(margins: Any, change: Any, fault: Any, words: str) -> None:
    frame, base = drawn()
    frame = frame.assign(**{name: pd.Series([value] * 60, dtype=object) for name, value in change.items()})
    with pytest.raises(fault, match=words):
        calibrate(frame, base * 1000 / base.sum(), Calibration("linear", margins, bounds=(0.5, 1.5)))


def test_bounds_too_narrow_are_named_with_the_worst_category() -> None:
    frame, base = drawn()
    base = base * 1000 / base.sum()
    margins = (Margin("sex", {"f": 900, "m": 100}),)
    with pytest.raises(
        EstimationError, match=r"cannot meet margin 'sex', category '[fm]': .* at bounds 0.9 to 1.1; widen"
    ):
        calibrate(frame, base, Calibration("raking", margins, bounds=(0.9, 1.1)))


def test_margins_without_a_common_solution_are_named() -> None:
    frame = pd.DataFrame({"sex": list("ffm"), "side": list("aab")})
    margins = (Margin("sex", {"f": 20, "m": 10}), Margin("side", {"a": 10, "b": 20}))
    with pytest.raises(EstimationError, match="calibration 'rake' cannot meet margin 'sex', category"):
        calibrate(frame, np.ones(3), Calibration("rake", margins))


@pytest.mark.parametrize(
    ("weight", "fault", "words"),
    [
        (0.0, EstimationError, "all weights are zero, so there is nothing to calibrate"),
        (np.nan, DesignError, "base weights of a calibration are missing, negative or infinite"),
        (-1.0, DesignError, "base weights of a calibration are missing, negative or infinite"),
    ],
)
def test_weights_that_cannot_be_are_refused(weight: float, fault: Any, words: str) -> None:
    with pytest.raises(fault, match=words):
        calibrate(drawn()[0], np.full(60, weight), Calibration("rake", (SEX,)))


def test_a_variance_of_zero_is_refused() -> None:
    frame, base = drawn()
    with pytest.raises(DesignError, match="variance 'size' is zero or negative in the sample"):
        calibrate(frame.assign(size=0.0), base, Calibration("linear", (AGE,), variance="size"))


def test_a_unit_without_a_name_is_refused() -> None:
    frame, base = drawn()
    with pytest.raises(DesignError, match="'post' of the calibration is empty"):
        calibrate(frame.assign(post=np.nan), base, Calibration("linear", (AGE,), per_unit="post"))


def test_limits_that_cannot_hold_the_total_are_refused() -> None:
    with pytest.raises(EstimationError, match=r"no weight lies between the limits 0 and 12 .* \(mean weight 20\)"):
        trimmed(np.array([10.0, 20, 30]), (0, 12), strict=True)
