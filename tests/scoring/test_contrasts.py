"""Functions of estimates: by hand, and equal to the statistics they spell out."""

from math import asin, exp, log, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from scoring import RequestError, Resampling, SurveyDesign, contrasted, covariance_of, estimate
from scoring.contrasts import contrast_estimates, names_of
from scoring.figures import Rules
from scoring.measured import Measured, measure
from scoring.variables import Wanted
from tests.strategies import surveys

T2 = 4.302652729911275  # 97.5 % quantile of t with 2 degrees of freedom, from any printed table
WAVES = SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="wave")
quick = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),  # to explain a fault of the engine takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)


def measured(frame: pd.DataFrame, design: SurveyDesign, *, by: tuple[str, ...] = (), **wanted: Any) -> Measured:
    return measure(frame, design, Wanted(by=by, **wanted), rules=Rules())


def one(found: Measured, text: str, **rules: Any) -> dict[str, Any]:
    return contrasted(found, {"made": text}, rules=Rules(**rules)).iloc[0].to_dict()


# By hand: x has the mean 13 / 3 with standard error sqrt(20 / 9), see `hand`


@pytest.mark.parametrize(
    ("text", "value", "slope"),
    [
        ("3 * x - 1", 12, 3),
        ("log(x)", log(13 / 3), 3 / 13),
        ("sqrt(x)", sqrt(13 / 3), 1 / (2 * sqrt(13 / 3))),
        ("exp(x)", exp(13 / 3), exp(13 / 3)),
        ("1 / x", 3 / 13, -((3 / 13) ** 2)),
        ("x ** 2", (13 / 3) ** 2, 26 / 3),
        ("2 ** x", 2 ** (13 / 3), 2 ** (13 / 3) * log(2)),
        ("asin(x / 10)", asin(13 / 30), 1 / sqrt(100 - (13 / 3) ** 2)),
        ("x - x", 0, 0),
    ],
)
def test_function_of_one_estimate_has_the_slope_times_its_error(
    hand: pd.DataFrame, by_hand: SurveyDesign, text: str, value: float, slope: float
) -> None:
    row = one(measured(hand, by_hand, mean=("x",)), text)
    assert row["estimate"] == pytest.approx(value, rel=1e-13, abs=1e-14)
    assert row["se"] == pytest.approx(abs(slope) * sqrt(20 / 9), rel=1e-12, abs=1e-14)


def test_contrast_has_a_symmetric_t_interval_and_the_least_n(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    row = one(measured(hand.assign(d=hand["d"].where(hand["x"] > 1)), by_hand, mean=("x", "d")), "x + 0 * d")
    assert (row["statistic"], row["n"], row["df"], row["status"]) == ("contrast", 7, 2, "ok")
    assert (row["low"], row["high"]) == pytest.approx((13 / 3 - T2 * sqrt(20 / 9), 13 / 3 + T2 * sqrt(20 / 9)))


def test_difference_of_two_means_carries_their_covariance(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    # x - d has PSU totals 40, 100 | 0, 160 over 120; mean 5/2: scores times 120 -10, 50 | -100, 60
    row = one(measured(hand, by_hand, mean=("x", "d")), "x - d")
    assert row["estimate"] == pytest.approx(2.5, rel=1e-14)
    assert row["se"] == pytest.approx(sqrt(60**2 + 160**2) / 120, rel=1e-13)


def test_ratio_of_totals_is_the_ratio(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    # 26 / 11; sqrt((360 / 11)^2 + 160^2) / 220, as in test_estimates
    row = one(measured(hand, by_hand, total=("x", "d")), "x / d")
    assert row["estimate"] == pytest.approx(26 / 11, rel=1e-14)
    assert row["se"] == pytest.approx(sqrt((360 / 11) ** 2 + 160**2) / 220, rel=1e-13)


def test_satterthwaite_of_a_contrast_weighs_its_own_strata(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    # x - d: shares 60^2 and 160^2 with one degree of freedom each
    row = one(measured(hand, by_hand, mean=("x", "d")), "x - d", df="satterthwaite")
    assert row["df"] == pytest.approx((3600 + 25600) ** 2 / (3600**2 + 25600**2), rel=1e-12)


# Laws


@quick
@given(surveys(waves=2, missing=0, interviews=(3, 5)))
def test_contrast_of_totals_is_the_ratio_for_any_data(frame: pd.DataFrame) -> None:
    ratio = estimate(frame, WAVES, ratio=["hours/link"])
    found = measured(frame, WAVES, total=("hours", "link"))
    made = one(found, "`2024:hours` / `2024:link`")
    figures = ["estimate", "se", "df", "low", "high", "n"]
    assert [made[name] for name in figures] == pytest.approx(ratio[figures].iloc[1].tolist(), rel=1e-9, abs=1e-12)
    relative = ratio["se"].iloc[1] / ratio["estimate"].iloc[1]
    assert one(found, "log(`2024:hours`) - log(`2024:link`)")["se"] == pytest.approx(relative, rel=1e-9, abs=1e-12)


@quick
@given(surveys(waves=2, missing=0, interviews=(3, 5)))
def test_variance_of_a_linear_contrast_is_the_quadratic_form_of_the_covariance(frame: pd.DataFrame) -> None:
    found = measured(frame, WAVES, by=("sex",), mean=("hours",), ratio=("hours/link",))
    covariance = covariance_of(found)
    names, numbers = list(covariance.index), np.arange(len(covariance)) - 1.5
    text = " + ".join(f"{number} * `{name}`" for name, number in zip(names, numbers, strict=True))
    expected = numbers @ covariance.to_numpy() @ numbers
    assert one(found, text)["se"] ** 2 == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_estimate_gives_contrasts_as_further_rows(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    frame = hand.assign(side=list("lrlrlrlr"))
    table = estimate(frame, by_hand, mean=["x"], by="side", contrasts={"gap": "r - l", "times": "r / l"})
    alone = contrasted(measured(frame, by_hand, by=("side",), mean=("x",)), {"gap": "r - l"}, rules=Rules())
    assert table["measure"].tolist() == ["x", "x", "gap", "times"]
    assert table["side"].tolist() == ["l", "r", "", ""]
    assert table["se"].iloc[2] == alone["se"].iloc[0]


# Names


@pytest.mark.parametrize(
    ("by", "wanted", "names"),
    [
        ((), {"mean": ("x", "d")}, ["x", "d"]),
        ((), {"mean": ("x",), "total": ("x", "d")}, ["mean.x", "total.x", "d"]),
        ((), {"proportion": ("yes",)}, ["yes[0]", "yes[1]"]),
        (("side",), {"mean": ("x",)}, ["l", "r"]),
        (("side",), {"mean": ("x", "d")}, ["l:x", "l:d", "r:x", "r:d"]),
        (("side", "sex"), {"mean": ("x",)}, ["l.f", "l.m", "r.f", "r.m"]),
        ((), {"covariance": ("x", "d")}, ["x:x", "x:d", "d:d"]),
        ((), {"components": ("x", "d")}, ["1", "2", "x[1]", "d[1]", "x[2]", "d[2]"]),
    ],
)
def test_estimates_are_called_by_domain_and_measure(
    hand: pd.DataFrame, by_hand: SurveyDesign, by: tuple[str, ...], wanted: dict[str, Any], names: list[str]
) -> None:
    frame = hand.assign(side=list("llrrllrr"), sex=list("fmfmfmfm"))
    found = measured(frame, by_hand, by=by, **wanted)
    assert list(names_of(found)) == names
    assert covariance_of(found).columns.tolist() == names


def test_contrast_of_an_estimate_that_is_not_there_names_those_that_are(
    hand: pd.DataFrame, by_hand: SurveyDesign
) -> None:
    with pytest.raises(RequestError, match="contrast: there is no estimate 'z'; there are x, d"):
        estimate(hand, by_hand, mean=["x", "d"], contrasts={"gap": "x - z"})


@pytest.mark.parametrize("text", ["1 + 2", "3"])
def test_contrast_without_an_estimate_is_refused(hand: pd.DataFrame, by_hand: SurveyDesign, text: str) -> None:
    with pytest.raises(RequestError, match="contrast: it names no estimate; write as in a - b"):
        estimate(hand, by_hand, mean=["x"], contrasts={"gap": text})


def test_contrast_with_a_part_that_is_missing_is_undefined(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    frame = hand.assign(none=0)
    row = one(measured(frame, by_hand, mean=("x",), ratio=("x/none",)), "`x` - `x/none`")
    assert np.isnan([row["estimate"], row["se"], row["low"], row["high"]]).all()
    assert row["status"] == "undefined"


# With replicates


def test_linear_part_of_replicates_is_the_jackknife_of_the_linear_function(
    hand: pd.DataFrame, by_hand: SurveyDesign
) -> None:
    # totals of the jackknife are those of the design: variance of x / d by its linear part is the linearised one
    found = measure(
        hand, by_hand, Wanted(total=("x", "d")), rules=Rules(), replicates=Resampling("jackknife", mse=True)
    )
    row = contrasted(found, {"made": "x / d"}, rules=Rules()).iloc[0]
    assert row["se"] == pytest.approx(sqrt((360 / 11) ** 2 + 160**2) / 220, rel=1e-12)


def test_function_of_each_replicate_is_the_jackknife_of_the_ratio(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    # leaving out PSU 1, 2, 3, 4 its neighbour counts twice: x / d is 600/240, 440/200, 680/220, 360/220
    found = measure(
        hand, by_hand, Wanted(total=("x", "d")), rules=Rules(), replicates=Resampling("jackknife", mse=True)
    )
    row = contrasted(found, {"made": "x / d"}, rules=Rules(), nonlinear="replicate").iloc[0]
    again = np.array([600 / 240, 440 / 200, 680 / 220, 360 / 220])
    assert row["se"] == pytest.approx(sqrt(((again - 26 / 11) ** 2).sum() / 2), rel=1e-12)


def test_contrasts_share_one_cell_and_keep_their_order(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    found = measured(hand.assign(side=list("lrlrlrlr")), by_hand, by=("side",), mean=("x",))
    made = contrast_estimates(found, {"sum": "l + r", "gap": "r - l"})
    assert made.values.shape == (1, 2)
    assert made.values[0, 1] == pytest.approx(found.estimates.values[1, 0] - found.estimates.values[0, 0])
