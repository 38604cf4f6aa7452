"""Replicates made from the design or read from the file, all the way to a table."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from scoring import (
    Calibration,
    EstimationError,
    Framework,
    Margin,
    RequestError,
    Resampling,
    SurveyDesign,
    covariance_of,
    estimate,
    reduce,
    score,
)
from scoring.figures import Rules
from scoring.measured import measure
from scoring.resampling import make, matching
from scoring.variables import Wanted
from tests.strategies import surveys

DESIGN = SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="wave")
quick = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),  # to explain a fault of the engine takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
BOOTSTRAPS = ["rao-wu", "generalized"]


def drawn(kind: str, seed: int = 7, count: int = 500) -> Resampling:
    return Resampling(kind, rng=np.random.default_rng(seed), count=count)


@pytest.fixture(scope="module")
def border() -> pd.DataFrame:
    """Five strata of eight shifts of six interviews, shifts that differ."""
    rng = np.random.default_rng(11)
    stratum, psu, _ = np.indices((5, 8, 6))
    level = rng.normal(size=(5, 8, 1)) + stratum
    return pd.DataFrame(
        {
            "stratum": stratum.ravel(),
            "psu": (8 * stratum + psu).ravel(),
            "x": (level + rng.normal(size=psu.shape)).ravel(),
            "y": rng.uniform(1, 3, psu.size),
            "w": rng.uniform(1, 4, psu.size),
            "sex": rng.choice(["female", "male"], psu.size),
            "drawn": 0.25,
        }
    )


STRATIFIED = SurveyDesign(weight="w", strata="stratum", psu="psu")


# The jackknife


@quick
@given(surveys(waves=2, missing=0.1))
def test_jackknife_of_totals_is_the_linearised_variance(frame: pd.DataFrame) -> None:
    wanted: dict[str, Any] = {"total": ["hours", "link"], "by": ["sex"]}
    linear = estimate(frame, DESIGN, **wanted)
    again = estimate(frame, DESIGN, replicates=Resampling("jackknife"), **wanted)
    figures = ["estimate", "se", "low", "high", "df"]
    np.testing.assert_allclose(again[figures], linear[figures], rtol=1e-9, atol=1e-9)


def test_jackknife_knows_of_the_finite_population(border: pd.DataFrame) -> None:
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="drawn")
    linear = estimate(border, design, total=["x"])["se"].item()
    assert estimate(border, design, total=["x"], replicates=Resampling("jackknife"))["se"].item() == pytest.approx(
        linear
    )
    assert linear < estimate(border, STRATIFIED, total=["x"])["se"].item()


@pytest.mark.parametrize("kind", ["balanced", "fay"])
def test_half_samples_of_totals_are_the_linearised_variance(
    hand: pd.DataFrame, by_hand: SurveyDesign, kind: str
) -> None:
    frame = hand.assign(side=list("lrlrlrlr"))
    linear = estimate(frame, by_hand, total=["x", "d"], by="side")
    again = estimate(frame, by_hand, total=["x", "d"], by="side", replicates=Resampling(kind))
    np.testing.assert_allclose(again[["estimate", "se"]], linear[["estimate", "se"]], rtol=1e-12)


def test_jackknife_of_a_ratio_is_close_to_its_linearised_error(border: pd.DataFrame) -> None:
    linear = estimate(border, STRATIFIED, ratio=["x/y"], by="sex")
    again = estimate(border, STRATIFIED, ratio=["x/y"], by="sex", replicates=Resampling("jackknife"))
    np.testing.assert_allclose(again["se"], linear["se"], rtol=0.02)


# Chance


@pytest.mark.parametrize("kind", BOOTSTRAPS)
def test_bootstrap_is_the_linearised_error_within_its_own_chance(border: pd.DataFrame, kind: str) -> None:
    # a standard deviation of 2000 draws is known to 1 / sqrt(4000), 1.6 %; three times that
    wanted: dict[str, Any] = {"total": ["x"], "mean": ["x", "y"]}
    linear = estimate(border, STRATIFIED, **wanted)
    again = estimate(border, STRATIFIED, replicates=drawn(kind, count=2000), **wanted)
    np.testing.assert_allclose(again["se"], linear["se"], rtol=0.05)
    np.testing.assert_allclose(again["estimate"], linear["estimate"], rtol=1e-12)


@pytest.mark.parametrize("kind", BOOTSTRAPS)
def test_one_seed_gives_one_table(border: pd.DataFrame, kind: str) -> None:
    first, second, other = (
        estimate(border, STRATIFIED, mean=["x"], by="sex", replicates=drawn(kind, seed, 50)) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, second)
    assert (first["se"] != other["se"]).all()


@pytest.mark.parametrize("kind", BOOTSTRAPS)
def test_bootstrap_without_a_seed_is_refused(border: pd.DataFrame, kind: str) -> None:
    with pytest.raises(RequestError, match=f"{kind} replicates are drawn by chance; give a generator with a seed"):
        estimate(border, STRATIFIED, mean=["x"], replicates=Resampling(kind))


# Shared by all


@quick
@given(surveys(waves=2, missing=0))
def test_covariance_between_domains_is_the_linearised_one(frame: pd.DataFrame) -> None:
    wanted = Wanted(total=("hours",), by=("sex", "side"))
    linear = covariance_of(measure(frame, DESIGN, wanted, rules=Rules()))
    again = covariance_of(measure(frame, DESIGN, wanted, rules=Rules(), replicates=Resampling("jackknife", mse=True)))
    np.testing.assert_allclose(again, linear, rtol=1e-9, atol=1e-6)


def test_difference_of_domains_has_the_error_of_its_own_replicates(border: pd.DataFrame) -> None:
    # women and men of one shift: the total of x with the sign of the sex
    gap = border.assign(gap=border["x"] * np.where(border["sex"] == "male", 1, -1))
    replicates = drawn("rao-wu", count=100)
    expected = estimate(gap, STRATIFIED, total=["gap"], replicates=drawn("rao-wu", count=100))["se"].item()
    table = estimate(gap, STRATIFIED, total=["x"], by="sex", replicates=replicates, contrasts={"gap": "male - female"})
    assert table["se"].iloc[-1] == pytest.approx(expected, rel=1e-9)


def test_scores_of_a_framework_take_replicates_of_their_psus(small: Framework) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({name: rng.integers(1, 3, 48) for name in small.questions}).assign(
        asked=rng.integers(0, 2, 48), stratum=np.repeat(range(3), 16), psu=np.repeat(range(12), 4), w=1.0
    )
    totals = reduce(frame, small, STRATIFIED)
    linear = score(totals, small, df="design").table
    again = score(totals, small, df="design", replicates=make(totals.units, Resampling("jackknife"))).table
    # every shift has as many interviews: means are totals over a constant
    np.testing.assert_allclose(again["se"], linear["se"], rtol=1e-9)
    assert again["estimate"].tolist() == pytest.approx(linear["estimate"].tolist())


# Replicates that give no estimate


def test_replicates_that_lose_a_domain_are_told_of(border: pd.DataFrame) -> None:
    # the few stand in two shifts of one stratum, and a bootstrap of 8 may draw neither
    frame = border.assign(group=np.where(border["psu"].isin([0, 1]), "few", "many"))
    table = estimate(frame, STRATIFIED, mean=["x"], by="group", replicates=drawn("rao-wu", count=200))
    assert table["reason"].tolist() == ["failed_replicates", ""]
    assert table["status"].tolist() == ["ok", "ok"]
    assert np.isfinite(table["se"]).all()


def test_total_of_a_lost_domain_is_0_and_no_failure(border: pd.DataFrame) -> None:
    frame = border.assign(group=np.where(border["psu"].isin([0, 1]), "few", "many"))
    table = estimate(frame, STRATIFIED, total=["x"], by="group", replicates=drawn("rao-wu", count=200))
    assert table["reason"].tolist() == ["", ""]


# Calibration


@pytest.mark.parametrize("kind", ["poststratify", "linear"])
@pytest.mark.parametrize("made", ["jackknife", "rao-wu"])
def test_total_that_was_calibrated_has_no_error(border: pd.DataFrame, kind: Any, made: str) -> None:
    calibration = Calibration(kind, (Margin("sex", {"female": 400, "male": 300}),))
    table = estimate(border, STRATIFIED, total=["sex"], calibration=calibration, replicates=drawn(made, count=60))
    assert table["estimate"].tolist() == pytest.approx([400, 300])
    np.testing.assert_allclose(table["se"], 0, atol=1e-9)


def test_replicates_are_calibrated_again(border: pd.DataFrame) -> None:
    calibration = Calibration("poststratify", (Margin("stratum", {h: 100 + h for h in range(5)}),))
    wanted: dict[str, Any] = {"total": ["x"], "calibration": calibration}
    linear = estimate(border, STRATIFIED, **wanted)["se"].item()
    again = estimate(border, STRATIFIED, replicates=Resampling("jackknife"), **wanted)["se"].item()
    plain = estimate(border, STRATIFIED, total=["x"])["se"].item()
    assert again == pytest.approx(linear, rel=0.03)
    assert abs(linear / plain - 1) > 0.1


# Replicate weights of the file


@pytest.fixture
def with_weights(border: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The file with the weights of its own jackknife, and what one must know to read them."""
    found = measure(border, STRATIFIED, Wanted(mean=("x",)), rules=Rules(), replicates=Resampling("jackknife"))
    sample = found.estimates.sample
    assert sample.replicates is not None
    multipliers = sample.replicates.multipliers[sample.units.row_unit]
    columns = [f"rep{place}" for place in range(multipliers.shape[1])]
    weights = pd.DataFrame(multipliers * border["w"].to_numpy()[:, None], columns=columns)
    known = {"kind": "JKn", "columns": tuple(columns), "rscales": tuple(sample.replicates.rscales)}
    return pd.concat([border, weights], axis=1), known


def test_weights_of_the_file_give_what_made_replicates_give(
    border: pd.DataFrame, with_weights: tuple[pd.DataFrame, dict[str, Any]]
) -> None:
    frame, known = with_weights
    wanted: dict[str, Any] = {"mean": ["x"], "total": ["y"], "quantile": ["x:0.5"], "quantile_interval": "replicate"}
    read = estimate(frame, SurveyDesign(weight="w"), by="sex", replicates=Resampling(**known), **wanted)
    made = estimate(border, STRATIFIED, by="sex", replicates=Resampling("jackknife"), **wanted)
    np.testing.assert_allclose(read[["estimate", "se"]], made[["estimate", "se"]], rtol=1e-9)
    # 40 shifts less 5 strata: the rank of the weights less one is 35 as well
    assert read["df"].iloc[0] == made["df"].iloc[0] == 35


def test_multipliers_of_the_file_say_the_same_as_weights(
    with_weights: tuple[pd.DataFrame, dict[str, Any]],
) -> None:
    frame, known = with_weights
    apart = frame.assign(**{name: frame[name] / frame["w"] for name in known["columns"]})
    combined = estimate(frame, SurveyDesign(weight="w"), mean=["x"], replicates=Resampling(**known))
    multiplied = estimate(apart, SurveyDesign(weight="w"), mean=["x"], replicates=Resampling(**known, combined=False))
    pd.testing.assert_frame_equal(combined, multiplied, rtol=1e-9)


def test_columns_are_found_by_their_pattern() -> None:
    names = ["w", "rep1", "rep2", "rep10", "other"]
    assert matching(names, "rep*") == ("rep1", "rep2", "rep10")
    assert matching(names, "rep2, rep*") == ("rep2", "rep1", "rep10")
    with pytest.raises(RequestError, match="no column of the data is called like 'boot\\*'"):
        matching(names, "boot*")


# Faults


def test_two_stages_are_not_resampled(border: pd.DataFrame) -> None:
    frame = border.assign(lane=range(len(border)), inside=0.5)
    design = SurveyDesign(weight="w", strata="stratum", psu=["psu", "lane"], fpc=["drawn", "inside"])
    with pytest.raises(RequestError, match="jackknife replicates take one stage; leave the second fpc out"):
        estimate(frame, design, mean=["x"], replicates=Resampling("jackknife"))


@pytest.mark.parametrize("kind", ["jackknife", "balanced", "fay", *BOOTSTRAPS])
def test_stratum_of_one_psu_is_named_by_every_kind(border: pd.DataFrame, kind: str) -> None:
    frame = border[(border["stratum"] > 0) | (border["psu"] == 0)]
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", lonely="adjust")
    with pytest.raises(EstimationError, match=r"stratum '0' has one PSU, so no replicate can be made of it; merge it"):
        estimate(frame, design, mean=["x"], replicates=drawn(kind))


def test_kind_that_is_not_made_names_those_that_are() -> None:
    with pytest.raises(RequestError, match="replicates 'JK2' are not made here; make jackknife, balanced, fay, rao-wu"):
        Resampling("JK2")
