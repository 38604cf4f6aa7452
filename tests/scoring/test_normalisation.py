"""Normalisations worked out by hand, and what each of them must not depend on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring import RequestError
from scoring.normalisation import OverUnits, declared, line, over_units

NAN = np.nan
quick = settings(max_examples=40, deadline=None, derandomize=True, database=None)
whole = arrays(float, st.tuples(st.integers(2, 6), st.integers(1, 3)), elements=st.integers(-9, 9).map(float))


def test_range_runs_from_the_worst_end_to_the_best() -> None:
    slope, shift = line("range", direction=[1, -1], low=[1, 1], high=[5, 5])
    np.testing.assert_allclose(
        declared(np.array([[1, 1], [2, 2], [5, 5.0]]), slope, shift), [[0, 100], [25, 75], [100, 0]]
    )


def test_z_stands_on_the_frozen_baseline_and_is_cut_at_the_ends() -> None:
    """As the CPI rescales: 45 + 20 z with the mean and standard deviation of 2012."""
    slope, shift = line("z", mean=4.0, sd=2.0, centre=45, spread=20)
    x = np.array([4.0, 6.0, 1.0, -9.0, 30.0])
    np.testing.assert_allclose(declared(x, slope, shift), [45, 65, 15, 0, 100])
    np.testing.assert_allclose(declared(x, slope, shift, bounded=False), [45, 65, 15, -85, 305])


def test_z_of_an_item_that_is_worse_upwards_is_turned() -> None:
    slope, shift = line("z", direction=-1, mean=4.0, sd=2.0)
    assert declared(np.array(6.0), slope, shift) == 30


def test_distance_to_target_earns_no_more_than_100() -> None:
    better, worse = line("target", low=20.0, target=80.0), line("target", direction=-1, high=60.0, target=10.0)
    np.testing.assert_allclose(declared(np.array([20, 50, 80, 95.0]), *better), [0, 50, 100, 100])
    np.testing.assert_allclose(declared(np.array([60, 35, 10, 0.0]), *worse), [0, 50, 100, 100])


@quick
@given(st.floats(-5, 5), st.floats(0.1, 9), st.sampled_from(["range", "z", "target"]), st.sampled_from([1, -1]))
def test_the_unit_of_the_answers_does_not_matter(shift: float, unit: float, how: str, direction: int) -> None:
    places = {"low": 1.0, "high": 5.0, "mean": 3.2, "target": 4.0}
    x = np.array([1.0, 2.5, 5.0])
    turned = {name: shift + unit * value for name, value in places.items()}
    mine = declared(x, *line(how, direction=direction, sd=1.1, **places))  # type: ignore[arg-type]
    theirs = declared(shift + unit * x, *line(how, direction=direction, sd=1.1 * unit, **turned))  # type: ignore[arg-type]
    np.testing.assert_allclose(theirs, mine, atol=1e-9)


def test_over_units_by_hand() -> None:
    """Ties share the lowest place; who has no figure gets none and is not counted."""
    x = np.array([[3.0], [1.0], [NAN], [3.0], [7.0]])
    expected: dict[OverUnits, list[float]] = {
        "rank": [2, 1, NAN, 2, 4],
        "borda": [1, 0, NAN, 1, 3],
        "percentile rank": [100 / 3, 0, NAN, 100 / 3, 100],
        "min-max": [100 / 3, 0, NAN, 100 / 3, 100],
        "distance to reference": [100 / 3, 0, NAN, 100 / 3, 100],
        "fraction of maximum": [300 / 7, 100 / 7, NAN, 300 / 7, 100],
    }
    for how, values in expected.items():
        np.testing.assert_allclose(over_units(x, how)[:, 0], values, err_msg=how)
    np.testing.assert_allclose(over_units(x, "distance to reference", reference=0)[:, 0], [100, 0, NAN, 100, 300])


@pytest.mark.parametrize(("ties", "values"), [("min", [0, 100, 0]), ("max", [50, 100, 50]), ("average", [25, 100, 25])])
def test_ties_are_ranked_as_asked(ties: str, values: list[float]) -> None:
    found = over_units(np.array([[1.0], [2.0], [1.0]]), "percentile rank", ties=ties)  # type: ignore[arg-type]
    np.testing.assert_allclose(found[:, 0], values)


@quick
@given(whole, st.sampled_from(["percentile rank", "min-max", "rank", "borda"]))
def test_over_units_a_change_of_unit_changes_nothing(x: np.ndarray, how: OverUnits) -> None:
    np.testing.assert_allclose(over_units(3 + 2.5 * x, how), over_units(x, how), atol=1e-9)


@quick
@given(whole)
def test_ranks_look_at_the_order_alone(x: np.ndarray) -> None:
    np.testing.assert_array_equal(over_units(np.exp(x), "rank"), over_units(x, "rank"))


@quick
@given(whole)
def test_min_max_turned_is_its_mirror(x: np.ndarray) -> None:
    np.testing.assert_allclose(over_units(x, "min-max", direction=-1), 100 - over_units(x, "min-max"), atol=1e-9)


def test_every_run_is_compared_within_itself() -> None:
    x = np.random.default_rng(2).normal(size=(3, 5, 2))
    for how in ("percentile rank", "min-max"):
        np.testing.assert_array_equal(over_units(x, how), [over_units(run, how) for run in x])


def test_units_that_are_all_equal_have_no_min_max() -> None:
    assert np.isnan(over_units(np.full((3, 1), 4.0), "min-max")).all()
    assert np.isnan(over_units(np.full((1, 1), 4.0), "percentile rank")).all()
    assert np.isnan(over_units(np.full((3, 1), NAN), "percentile rank")).all()


@pytest.mark.parametrize(
    ("how", "given_", "words"),
    [
        ("range", {"low": 1.0}, "high - low is missing"),
        ("range", {"low": 5.0, "high": 1.0}, "not above 0"),
        ("z", {"mean": 1.0, "sd": 0.0}, "sd is missing or not above 0"),
        ("z", {"sd": 1.0}, "declare the scale, baseline or target"),
        ("target", {"low": 1.0}, "target - worst"),
        ("target", {"low": 1.0, "target": 0.5}, "target - worst"),
        ("range", {"low": 1.0, "high": 5.0, "direction": 0}, "direction is 0; give 1"),
        ("percentile rank", {}, "lines are range, z, target"),
    ],
)
def test_a_rule_without_what_it_needs_is_refused(how: str, given_: dict[str, float], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        line(how, **given_)  # type: ignore[arg-type]


def test_an_unknown_rule_over_units_names_those_there_are() -> None:
    with pytest.raises(RequestError, match="'median'; over units there are percentile rank"):
        over_units(np.ones((2, 1)), "median")  # type: ignore[arg-type]
