"""Replicates give the linearised variance of a total, exactly or on average; what is read from files is checked."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import DesignError, EstimationError, RequestError
from scoring.replication import (
    Replicates,
    balanced,
    covariance,
    degrees_of_freedom,
    from_weights,
    generalized,
    jackknife,
    rao_wu,
    spread,
)

STRATUM = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
SAMPLED = np.array([3, 2, 4])
FRACTION = np.array([0.0, 0.5, 0.25])
NAMES = ("north", "south", "east")
PAIRS = (np.repeat(np.arange(5), 2), np.full(5, 2), np.zeros(5), tuple("abcde"))
quick = settings(max_examples=20, deadline=None, derandomize=True, database=None)


def drawn(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def linearised(totals: np.ndarray, stratum: np.ndarray, sampled: np.ndarray, fraction: np.ndarray) -> float:
    """sum_h (1 - f) n / (n - 1) sum_j (T_j - Tbar)^2, PSUs that are not listed counting as 0."""
    first = np.bincount(stratum, weights=totals, minlength=sampled.size)
    second = np.bincount(stratum, weights=totals**2, minlength=sampled.size)
    scale = (1 - fraction) * sampled / np.maximum(sampled - 1, 1)
    return float((scale * (second - first**2 / sampled)).sum())


def variance_of_total(replicates: Replicates, totals: np.ndarray) -> float:
    values = replicates.multipliers.T @ totals
    return float(spread(np.array(totals.sum()), values, replicates)[0])


# Variance from replicates


def test_the_variance_of_replicates_by_hand() -> None:
    replicates = Replicates(np.ones((1, 3)), 0.5, np.array([1.0, 2, 0]), mse=False, kind="other")
    values = np.array([[1.0], [3], [100]])
    full = np.array([1.0])
    found, failed = spread(full, values, replicates)
    assert found.tolist() == [0.5 * (1 + 2)]  # about the mean, 2, of replicates that count
    assert failed.tolist() == [0]
    about_full = Replicates(np.ones((1, 3)), 0.5, np.array([1.0, 2, 0]), mse=True, kind="other")
    assert spread(full, values, about_full)[0].tolist() == [0.5 * 2 * 4]


def test_replicates_without_an_estimate_are_dropped_and_counted_for_each_estimate() -> None:
    replicates = Replicates(np.ones((1, 3)), 1.0, np.ones(3), mse=False, kind="other")
    values = np.array([[1.0, np.nan, 1], [3, np.nan, 2], [np.nan, np.nan, 3]])
    found, failed = spread(np.array([2.0, 2, np.nan]), values, replicates)
    np.testing.assert_array_equal(found, [2, np.nan, np.nan])
    assert failed.tolist() == [1, 3, 0]


def test_spread_is_the_diagonal_of_the_covariance() -> None:
    values, full = drawn().normal(size=(20, 4)), np.zeros(4)
    for mse in (True, False):
        replicates = Replicates(np.ones((1, 20)), 0.1, drawn(1).uniform(0, 1, 20), mse=mse, kind="other")
        whole = covariance(full, values, replicates)
        np.testing.assert_allclose(np.diag(whole), spread(full, values, replicates)[0])
        np.testing.assert_allclose(whole, whole.T)
        cells = spread(full.reshape(2, 2), values.reshape(20, 2, 2), replicates)
        np.testing.assert_allclose(cells[0].ravel(), np.diag(whole))


def test_the_covariance_drops_a_replicate_that_lacks_one_estimate() -> None:
    replicates = Replicates(np.ones((1, 3)), 1.0, np.ones(3), mse=False, kind="other")
    values = np.array([[1.0, 1], [3, 5], [np.nan, 100]])
    np.testing.assert_allclose(covariance(np.zeros(2), values, replicates), [[2, 4], [4, 8]])
    assert np.isnan(covariance(np.array([np.nan, 1]), values, replicates)).all()
    assert np.isnan(covariance(np.zeros(2), values * np.nan, replicates)).all()


# Makers


def test_the_jackknife_of_one_stratum_by_hand() -> None:
    found = jackknife(np.zeros(3, dtype=int), np.array([3]), np.array([0.25]), ("all",))
    assert found.kind == "JK1"
    assert found.scale == 0.75 * 2 / 3
    assert found.rscales.tolist() == [1, 1, 1]
    assert found.multipliers.tolist() == [[0, 1.5, 1.5], [1.5, 0, 1.5], [1.5, 1.5, 0]]


def test_the_jackknife_of_strata_by_hand() -> None:
    found = jackknife(STRATUM, SAMPLED, FRACTION, NAMES)
    assert found.kind == "JKn"
    assert found.scale == 1
    np.testing.assert_allclose(found.rscales, [2 / 3] * 3 + [0.5 / 2] * 2 + [0.75 * 3 / 4] * 4)
    assert found.multipliers[:, 3].tolist() == [1, 1, 1, 0, 2, 1, 1, 1, 1]


@quick
@given(seed=st.integers(0, 10_000), mse=st.booleans())
def test_the_jackknife_variance_of_a_total_is_the_linearised_one(seed: int, *, mse: bool) -> None:
    totals = drawn(seed).normal(10, 3, STRATUM.size)
    found = variance_of_total(jackknife(STRATUM, SAMPLED, FRACTION, NAMES, mse=mse), totals)
    assert found == pytest.approx(linearised(totals, STRATUM, SAMPLED, FRACTION), rel=1e-9)


@quick
@given(seed=st.integers(0, 10_000), fay=st.sampled_from([0.0, 0.3, 0.5]))
def test_the_balanced_variance_of_a_total_is_the_linearised_one(seed: int, fay: float) -> None:
    totals = drawn(seed).normal(10, 3, 10)
    found = balanced(*PAIRS, fay=fay)
    assert variance_of_total(found, totals) == pytest.approx(linearised(totals, *PAIRS[:3]), rel=1e-9)
    np.testing.assert_allclose(found.multipliers.mean(axis=1), 1)


def test_balanced_replicates_keep_one_psu_of_each_pair() -> None:
    found = balanced(*PAIRS)
    assert (found.kind, found.multipliers.shape, found.scale) == ("BRR", (10, 8), 1 / 8)
    assert set(found.multipliers.ravel()) == {0, 2}
    assert (found.multipliers[::2] + found.multipliers[1::2] == 2).all()
    assert balanced(*PAIRS, fay=0.5).kind == "Fay"
    assert set(balanced(*PAIRS, fay=0.5).multipliers.ravel()) == {0.5, 1.5}


@pytest.mark.parametrize("make", [rao_wu, generalized])
@pytest.mark.parametrize("mse", [True, False])
def test_bootstraps_have_mean_1_and_the_variance_of_a_total_on_average(make: Callable[..., Any], *, mse: bool) -> None:
    count, totals = 20_000, drawn(5).normal(10, 3, STRATUM.size)
    found = make(STRATUM, SAMPLED, FRACTION, NAMES, rng=drawn(7), count=count, mse=mse)
    deviation = found.multipliers.std(axis=1) / np.sqrt(count)
    assert (np.abs(found.multipliers.mean(axis=1) - 1) < 5 * deviation).all()
    assert (found.multipliers >= 0).all()
    wanted = linearised(totals, STRATUM, SAMPLED, FRACTION)
    assert variance_of_total(found, totals) == pytest.approx(wanted, rel=5 * np.sqrt(2 / count))


def test_rao_wu_without_correction_draws_all_but_one_of_the_psus() -> None:
    found = rao_wu(STRATUM, SAMPLED, np.zeros(3), NAMES, rng=drawn(), count=50)
    times = found.multipliers[:3] * 2 / 3
    np.testing.assert_allclose(times, times.round(), atol=1e-12)
    assert times.sum(axis=0).tolist() == [2] * 50
    assert (found.scale, found.df) == (1 / 49, None)


def test_the_generalised_bootstrap_stays_above_a_hundredth() -> None:
    found = generalized(STRATUM, SAMPLED, FRACTION, NAMES, rng=drawn())
    assert found.multipliers.shape == (9, 500)
    assert found.multipliers.min() == pytest.approx(0.01)
    np.testing.assert_allclose(found.multipliers[:3].sum(axis=0), 3)
    assert found.scale > 1 / 500


@pytest.mark.parametrize("make", [rao_wu, generalized])
def test_the_same_chance_gives_the_same_replicates(make: Callable[..., Any]) -> None:
    one, two = (make(STRATUM, SAMPLED, FRACTION, NAMES, rng=drawn(3), count=10) for _ in range(2))
    np.testing.assert_array_equal(one.multipliers, two.multipliers)


def test_psus_that_are_not_listed_count_as_zero() -> None:
    listed, totals = STRATUM[1:], drawn(2).normal(10, 3, 8)
    wanted = linearised(totals, listed, SAMPLED, FRACTION)
    assert variance_of_total(jackknife(listed, SAMPLED, FRACTION, NAMES), totals) == pytest.approx(wanted)
    for make in (rao_wu, generalized):
        many = make(listed, SAMPLED, FRACTION, NAMES, rng=drawn(4), count=20_000)
        assert variance_of_total(many, totals) == pytest.approx(wanted, rel=0.05)
    half = (PAIRS[0][1:], *PAIRS[1:])
    assert variance_of_total(balanced(*half), np.arange(9.0)) == pytest.approx(linearised(np.arange(9.0), *half[:3]))


@pytest.mark.parametrize("make", [jackknife, balanced, rao_wu, generalized])
def test_a_stratum_taken_whole_keeps_multiplier_1_even_with_one_psu(make: Callable[..., Any]) -> None:
    chance = {"rng": drawn(), "count": 40} if make in (rao_wu, generalized) else {}
    stratum, sampled, fraction = np.array([0, 1, 1, 2, 2]), np.array([1, 2, 2]), np.array([1.0, 1, 0])
    found = make(stratum, sampled, fraction, NAMES, **chance)
    assert (found.multipliers[:3] == 1).all()
    assert (found.multipliers[3:] != 1).any()


def test_a_census_has_no_variance() -> None:
    found = jackknife(STRATUM, SAMPLED, np.ones(3), NAMES)
    assert found.multipliers.shape == (9, 0)
    assert variance_of_total(found, np.arange(9.0)) == 0
    assert covariance(np.ones(2), np.empty((0, 2)), found).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("make", [jackknife, rao_wu, generalized])
def test_a_stratum_of_one_psu_is_named(make: Callable[..., Any]) -> None:
    chance = {"rng": drawn()} if make is not jackknife else {}
    with pytest.raises(
        EstimationError, match="stratum 'south' has one PSU, so no replicate can be made of it; merge it"
    ):
        make(np.array([0, 0, 1]), np.array([2, 1]), np.zeros(2), ("north", "south"), **chance)


@pytest.mark.parametrize(
    ("change", "fault", "words"),
    [
        (
            {"sampled": SAMPLED},
            EstimationError,
            "stratum 'north' has 3 PSUs, but balanced replicates need two in every",
        ),
        (
            {"fraction": np.array([0, 0.5, 0])},
            RequestError,
            "stratum 'south' has a finite population correction, which",
        ),
        ({"fay": 1.0}, RequestError, "fay is 1; give a share"),
        ({"names": ("a", "b")}, RequestError, "PSU structure contradicts itself"),
        ({"sampled": np.array([1, 2, 2])}, RequestError, "PSU structure contradicts itself"),
    ],
)
def test_balanced_replicates_refuse_other_structures(change: dict[str, Any], fault: Any, words: str) -> None:
    structure = {
        "stratum": np.array([0, 0, 1, 1, 2, 2]),
        "sampled": np.full(3, 2),
        "fraction": np.zeros(3),
        "names": NAMES,
    }
    with pytest.raises(fault, match=words):
        balanced(**{**structure, **change})


@pytest.mark.parametrize("make", [rao_wu, generalized])
def test_one_bootstrap_replicate_is_refused(make: Callable[..., Any]) -> None:
    with pytest.raises(RequestError, match="1 bootstrap replicates give no variance; ask for some hundred"):
        make(STRATUM, SAMPLED, FRACTION, NAMES, rng=drawn(), count=1)


# From a file

WEIGHT = np.array([10.0, 20, 30, 0])
COLUMNS = np.array([[20.0, 0, 10], [20, 40, 0], [0, 30, 60], [0, 0, 0]])


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        ({"kind": "JK1"}, 2 / 3),
        ({"kind": "JK1", "scale": 0.5}, 0.5),
        ({"kind": "JK2"}, 1),
        ({"kind": "JKn", "rscales": [0.5, 0.5, 0.75]}, 1),
        ({"kind": "BRR"}, 1 / 3),
        ({"kind": "BRR", "scale": 1 / 3, "rscales": 1}, 1 / 3),
        ({"kind": "Fay", "fay": 0.5}, 4 / 3),
        ({"kind": "bootstrap"}, 1 / 2),
        ({"kind": "subbootstrap"}, 1 / 2),
        ({"kind": "rao-wu"}, 1 / 2),
        ({"kind": "ACS"}, 4 / 3),
        ({"kind": "successive-difference"}, 4 / 3),
        ({"kind": "other", "scale": 0.1}, 0.1),
    ],
)
def test_each_kind_has_its_scale(options: dict[str, Any], scale: float) -> None:
    found = from_weights(WEIGHT, COLUMNS, **options)
    assert found.scale == pytest.approx(scale)
    np.testing.assert_array_equal(found.rscales, np.broadcast_to(options.get("rscales", 1), 3))
    assert found.kind == options["kind"]


def test_combined_and_uncombined_weights_are_the_same_replicates() -> None:
    combined = from_weights(WEIGHT, COLUMNS, kind="bootstrap")
    assert combined.multipliers.tolist() == [[2, 0, 1], [1, 2, 0], [0, 1, 2], [0, 0, 0]]
    apart = from_weights(WEIGHT, combined.multipliers, kind="bootstrap", combined=False, mse=True)
    np.testing.assert_array_equal(apart.multipliers, combined.multipliers)
    assert (combined.df, apart.df, combined.mse, apart.mse) == (2, 2, False, True)


def test_degrees_of_freedom_are_the_rank_less_one() -> None:
    found = jackknife(STRATUM, SAMPLED, FRACTION, NAMES)
    assert degrees_of_freedom(found.multipliers) == 9 - 3
    assert degrees_of_freedom(np.repeat(found.multipliers, 50, axis=0)) == 9 - 3
    assert degrees_of_freedom(rao_wu(STRATUM, SAMPLED, FRACTION, NAMES, rng=drawn()).multipliers) == 9 - 3
    assert degrees_of_freedom(balanced(*PAIRS).multipliers) == 5
    assert degrees_of_freedom(np.ones((4, 2))) == 0
    assert degrees_of_freedom(np.zeros((4, 2))) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "jackknife"}, "replicate kind is 'jackknife'; it may be JK1, JK2, JKn"),
        ({"kind": "JKn"}, "'JKn' needs rscales, .* look in the documentation of the weights"),
        ({"kind": "other"}, "'other' needs a scale"),
        ({"kind": "Fay"}, "'Fay' with fay None: 'Fay' needs the share of weight kept"),
        ({"kind": "Fay", "fay": 1.0}, "'Fay' with fay 1.0"),
        ({"kind": "BRR", "fay": 0.5}, "'BRR' with fay 0.5: .* others none"),
        ({"kind": "BRR", "scale": 1.0}, "'BRR' fixes scale at 0.33333333 and rscales at 1; leave them out, or call it"),
        ({"kind": "ACS", "rscales": [1, 1, 2]}, "'ACS' fixes scale at 1.3333333"),
        ({"kind": "JKn", "rscales": [1, 2]}, "2 rscales for 3 replicate weights"),
        ({"kind": "JKn", "rscales": [1, 2, np.nan]}, "scale and rscales of replicates must be finite and not negative"),
        ({"kind": "other", "scale": -1.0}, "scale and rscales of replicates must be finite"),
    ],
)
def test_scales_that_cannot_be_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        from_weights(WEIGHT, COLUMNS, **options)


def changed(row: int, column: int, value: float) -> np.ndarray:
    out = COLUMNS.copy()
    out[row, column] = value
    return out


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        (
            changed(1, 2, np.nan),
            {},
            r"replicate weight column 3 in data row 2 is missing or infinite; give 0 .* \(1 such",
        ),
        (
            changed(1, 2, np.nan),
            {"names": ("a", "b", "c")},
            "replicate weight 'c' in data row 2 is missing or infinite",
        ),
        (changed(0, 1, -2), {}, "replicate weight column 2 in data row 1 is negative; use weights"),
        (changed(3, 0, 5), {}, "replicate weight column 1 in data row 4 is above 0, but the row's weight is 0"),
        (COLUMNS[:3], {}, r"replicate weights of shape \(3, 3\) do not fit 4 rows"),
        (COLUMNS[:, :1], {}, r"replicate weights of shape \(4, 1\) do not fit"),
        (
            COLUMNS / 15,
            {},
            "replicate weights average 1, but 15 is expected of analysis weights; set combined to False",
        ),
        (COLUMNS, {"combined": False}, "average 15, but 1 is expected of multipliers; set combined to True"),
    ],
)
def test_replicate_weights_that_cannot_be_are_named(columns: np.ndarray, options: dict[str, Any], words: str) -> None:
    with pytest.raises(DesignError, match=words):
        from_weights(WEIGHT, columns, kind="bootstrap", **options)


def test_a_weight_that_cannot_be_is_refused() -> None:
    with pytest.raises(DesignError, match="weights beside the replicate weights are missing, negative or infinite"):
        from_weights(np.array([10.0, np.nan, 30, 0]), COLUMNS, kind="bootstrap")
