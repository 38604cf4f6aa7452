"""Quantiles by domain with every kind of interval: by hand and by law."""

from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scoring import EstimationError, RequestError, Resampling, SurveyDesign, estimate
from scoring.quantile_rules import QuantileRule
from scoring.quantiles import QuantileInterval
from tests.strategies import ANSWERS, surveys

KINDS = list(get_args(QuantileInterval))
WITHOUT_REPLICATES = [kind for kind in KINDS if kind != "replicate"]
DESIGN = SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="wave")
T99 = 1.984216951566443  # 97.5 % quantile of t with 99 degrees of freedom, from a table
SHARES = ["hours:0.1", "hours:0.25", "hours:0.5", "hours:0.75", "hours:0.9"]
quick = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),  # to explain a fault of the engine takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def hundred() -> pd.DataFrame:
    """Waits of 1 to 100 minutes, one of each, out of order."""
    return pd.DataFrame({"wait": np.random.default_rng(3).permutation(100) + 1})


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: frame[name].where(frame[name] >= 0) for name in ANSWERS})


def quantiles(frame: pd.DataFrame, *, kind: str = "t", shares: Any = "wait:0.5", **options: Any) -> pd.DataFrame:
    """With the jackknife for the interval that repeats the quantile."""
    again = {"replicate": Resampling("jackknife")}.get(kind)
    design = options.pop("design", SurveyDesign())
    return estimate(frame, design, quantile=shares, quantile_interval=kind, replicates=again, **options)


# By hand: half of 100 wait 50 minutes or less, with the standard error sqrt(1/4 / 99) of a share


@pytest.mark.parametrize("kind", ["t", "normal"])
def test_limits_of_the_share_are_turned_back_into_answers(hundred: pd.DataFrame, kind: str) -> None:
    # 1/2 -/+ 1.984 sqrt(1/396) is 0.4003 and 0.5997, with 1.960 it is 0.4015 and 0.5985: the 41st and the 60th
    row = quantiles(hundred, kind=kind).iloc[0]
    critical = {"t": T99, "normal": 1.959963984540054}[kind]
    assert (row["estimate"], row["low"], row["high"], row["df"], row["n"]) == (50, 41, 60, 99, 100)
    assert row["se"] == pytest.approx(19 / (2 * critical), rel=1e-9)
    assert (row["statistic"], row["measure"], row["status"], row["reason"]) == ("quantile", "wait:0.5", "ok", "")


def test_score_interval_holds_the_answers_whose_test_does_not_reject(hundred: pd.DataFrame) -> None:
    # at 40: 0.1 / sqrt(0.24 / 99) = 2.03 > 1.98; at 41: 0.09 / sqrt(0.2419 / 99) = 1.82
    row = quantiles(hundred, kind="score").iloc[0]
    assert (row["estimate"], row["low"], row["high"]) == (50, 41, 60)


def test_replicate_interval_is_symmetric_about_the_quantile(hundred: pd.DataFrame) -> None:
    # leaving out one of 100: the median is 51 where one of 1 to 50 is left out, 50 otherwise;
    # 99/100 of 100 squared deviations of 1/2
    row = quantiles(hundred, kind="replicate").iloc[0]
    assert row["se"] == pytest.approx(np.sqrt(0.99 * 100 / 4), rel=1e-12)
    assert (row["low"], row["high"]) == pytest.approx((50 - T99 * row["se"], 50 + T99 * row["se"]), rel=1e-9)


@pytest.mark.parametrize("share", ["wait:0.0001", "wait:0.95"])
@pytest.mark.parametrize("kind", ["t", "normal"])
def test_limit_beyond_the_answers_is_missing_and_says_so(hundred: pd.DataFrame, kind: str, share: str) -> None:
    row = quantiles(hundred.iloc[:20], kind=kind, shares=share).iloc[0]
    assert (row["status"], row["reason"]) == ("ok", "open_end")
    assert row[["low", "high"]].isna().any()
    assert np.isnan(row["se"])


def test_few_answers_leave_both_ends_open() -> None:
    # 3 of 5 wait 3 minutes or less: 0.6 -/+ 2.776 sqrt(0.24 / 4)
    row = quantiles(pd.DataFrame({"wait": [1, 2, 3, 4, 5]})).iloc[0]
    assert (row["estimate"], row["reason"]) == (3, "open_end")
    assert row[["low", "high"]].isna().all()


def test_one_psu_has_a_quantile_and_no_interval() -> None:
    frame = pd.DataFrame({"wait": [1, 2, 9], "psu": 1})
    row = quantiles(frame, design=SurveyDesign(psu="psu", lonely="remove")).iloc[0]
    assert (row["estimate"], row["status"], row["reason"]) == (2, "undefined", "one_psu")
    assert row[["low", "high", "se"]].isna().all()


@pytest.mark.parametrize(("rule", "expected"), [("math", 50.0), ("school", 50.5), ("hf3", 50.0), ("hf7", 50.5)])
def test_rule_decides_between_two_answers(hundred: pd.DataFrame, rule: Any, expected: float) -> None:
    assert quantiles(hundred, quantile_rule=rule)["estimate"].tolist() == [expected]


def test_weights_move_the_quantile() -> None:
    # weights 1, 1, 4: half of 6 is passed at the third answer
    frame = pd.DataFrame({"wait": [1, 2, 3], "w": [1.0, 1.0, 4.0]})
    assert quantiles(frame, design=SurveyDesign(weight="w"))["estimate"].tolist() == [3]


def test_several_variables_and_shares_keep_their_names(hundred: pd.DataFrame) -> None:
    frame = hundred.assign(other=-hundred["wait"], side=["l", "r"] * 50)
    table = quantiles(frame, shares=["wait:0.5", "other:0.25", "wait:0.9"], by="side", mean=["wait"])
    assert table["measure"].tolist() == ["wait", "wait:0.5", "wait:0.9", "other:0.25"] * 2
    assert table["side"].tolist() == ["l"] * 4 + ["r"] * 4


# Laws


@pytest.mark.parametrize("kind", KINDS)
@quick
@given(surveys(missing=0.1, interviews=(4, 8)))
def test_limits_hold_the_quantile(kind: str, frame: pd.DataFrame) -> None:
    table = quantiles(numbers(frame), kind=kind, shares=SHARES, design=DESIGN, by="sex")
    assert not (table["low"] > table["estimate"]).any()
    assert not (table["high"] < table["estimate"]).any()


@pytest.mark.parametrize("rule", get_args(QuantileRule)[:2] + get_args(QuantileRule)[3:])
@settings(quick, max_examples=2)
@given(surveys(interviews=(3, 6)))
def test_larger_share_has_no_smaller_quantile(rule: Any, frame: pd.DataFrame) -> None:
    table = quantiles(numbers(frame), shares=SHARES, design=DESIGN, by="side", quantile_rule=rule)
    steps = table["estimate"].to_numpy().reshape(-1, len(SHARES))
    assert not (np.diff(steps, axis=1) < 0).any()


@pytest.mark.parametrize("kind", KINDS)
@settings(quick, max_examples=3)
@given(surveys(interviews=(3, 6)))
def test_domain_that_is_the_whole_has_its_figures(kind: str, frame: pd.DataFrame) -> None:
    data = numbers(frame).assign(everybody="yes")
    whole = quantiles(data, kind=kind, shares=SHARES, design=DESIGN)
    domain = quantiles(data, kind=kind, shares=SHARES, design=DESIGN, by="everybody")
    pd.testing.assert_frame_equal(domain.drop(columns="everybody"), whole)


@pytest.mark.parametrize("kind", WITHOUT_REPLICATES)
@settings(quick, max_examples=3)
@given(surveys(interviews=(3, 6)), st.integers(0, 1000))
def test_order_of_rows_and_scale_of_weights_change_nothing(kind: str, frame: pd.DataFrame, seed: int) -> None:
    data = numbers(frame)
    other = data.sample(frac=1, random_state=seed).assign(weight=lambda part: part["weight"] * 8)
    tables = [quantiles(part, kind=kind, shares=SHARES, design=DESIGN, by="side") for part in (data, other)]
    pd.testing.assert_frame_equal(*tables, rtol=1e-9)


@pytest.mark.parametrize("kind", ["t", "score"])
def test_more_confidence_is_no_narrower(hundred: pd.DataFrame, kind: str) -> None:
    narrow, wide = (quantiles(hundred, kind=kind, level=level).iloc[0] for level in (0.8, 0.99))
    assert wide["low"] < narrow["low"]
    assert narrow["high"] < wide["high"]


def test_share_at_or_below_the_quantile_is_the_share_asked_for(hundred: pd.DataFrame) -> None:
    found = quantiles(hundred, shares="wait:0.37")["estimate"].item()
    table = estimate(hundred, SurveyDesign(), distribution=[f"wait:{found:g}"])
    assert table["estimate"].item() == pytest.approx(0.37)


# Faults


@pytest.mark.parametrize("text", ["wait:1.5", "wait:-0.1"])
def test_share_outside_its_bounds_is_refused(hundred: pd.DataFrame, text: str) -> None:
    with pytest.raises(EstimationError, match=r"write variable:share with a share from 0 to 1, as in wait:0.5"):
        quantiles(hundred, shares=text)


def test_share_that_is_no_number_is_refused(hundred: pd.DataFrame) -> None:
    with pytest.raises(EstimationError, match=r"'wait:half': 'half' is no number"):
        quantiles(hundred, shares="wait:half")


@pytest.mark.parametrize("kind", ["wilson", "likelihood", "boot"])
def test_unknown_interval_is_refused_with_those_there_are(hundred: pd.DataFrame, kind: str) -> None:
    with pytest.raises(RequestError, match=f"quantile interval is '{kind}'; it may be t, normal, logit"):
        quantiles(hundred, kind=kind)


def test_unknown_rule_is_refused_with_those_there_are(hundred: pd.DataFrame) -> None:
    with pytest.raises(RequestError, match="quantile rule is 'hf10'; it may be math, school"):
        quantiles(hundred, quantile_rule="hf10")


def test_interval_of_replicates_needs_replicates(hundred: pd.DataFrame) -> None:
    with pytest.raises(RequestError, match="'replicate' needs replicates; give replicate weights, or another"):
        estimate(hundred, SurveyDesign(), quantile=["wait:0.5"], quantile_interval="replicate")
