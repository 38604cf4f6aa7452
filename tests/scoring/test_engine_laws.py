"""Laws of the whole engine, for any survey that hypothesis draws."""

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scoring import Framework, Resampling, Scorecard, SurveyDesign, covariance_of, estimate, reduce, score
from scoring.estimates import covariance, variance
from scoring.figures import Rules
from scoring.indices import assemble
from scoring.measured import measure
from scoring.variables import Wanted
from tests.strategies import ANSWERS, FRAMEWORK, surveys

SMALL = Framework.from_toml(FRAMEWORK)
DESIGN = SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="wave", interviewer="interviewer")
COMMON = SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="wave", waves="common", nest=True)
SETS = [("side",), ("side", "sex")]
WANTED: dict[str, Any] = {
    "mean": ["hours", "x >= 3"],
    "total": ["link"],
    "ratio": ["hours/link"],
    "proportion": ["x"],
    "net_score": ["x:2:4"],
    "variance": ["hours"],
    "correlation": ["hours", "link"],
    "alpha": ["x", "y", "z"],
    "quantile": ["hours:0.5"],
}
SCALED = [name for name in WANTED if name != "total"]
STATISTICS = {name: tuple(names) for name, names in WANTED.items() if name != "quantile"}
quick = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),  # to explain a fault of the engine takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Answers as a file has them for `estimate`: empty where they are missing."""
    return frame.assign(**{name: frame[name].where(frame[name] >= 0) for name in ANSWERS})


def scored(frame: pd.DataFrame, framework: Framework = SMALL, by: tuple[str, ...] = ("side", "sex")) -> Scorecard:
    return score(reduce(frame, framework, DESIGN, facets=SETS), framework, by=by)


def same(left: pd.DataFrame, right: pd.DataFrame, *, rtol: float = 1e-9) -> None:
    pd.testing.assert_frame_equal(left, right, rtol=rtol, atol=1e-9, check_dtype=False)


def alike(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """Two surveys have the same scores, the same evidence for the mask, and the same estimates."""
    left, right = scored(first), scored(second)
    same(left.table, right.table)
    same(left.evidence, right.evidence)
    tables = [estimate(numbers(frame), DESIGN, by="side", **WANTED) for frame in (first, second)]
    same(*tables, rtol=1e-7)


# What the rows are called and where they stand says nothing


@quick
@given(surveys(waves=2, interviews=(5, 8)), st.integers(0, 1000))
def test_order_of_rows_changes_neither_figures_nor_evidence(frame: pd.DataFrame, seed: int) -> None:
    alike(frame, frame.sample(frac=1, random_state=seed))


@quick
@given(surveys(waves=2, interviews=(5, 8)))
def test_names_of_psus_strata_and_interviewers_change_nothing(frame: pd.DataFrame) -> None:
    renamed = frame.assign(
        shift=frame["shift"].map({"p0": 7.5, "p1": 3, "p2": -1, "p3": 0}),
        stratum=frame["stratum"].map({"s0": "zenith", "s1": "", "s2": "Ашт"}),
        interviewer=frame["interviewer"].map({"a": 3, "b": 2, "c": 1}),
    )
    alike(frame, renamed)


@quick
@given(surveys(waves=2, interviews=(5, 8)), st.integers(0, 1000))
def test_index_of_the_frame_changes_nothing(frame: pd.DataFrame, seed: int) -> None:
    alike(frame, frame.set_index(np.random.default_rng(seed).integers(0, 3, len(frame))))


@quick
@given(surveys(waves=2, interviews=(5, 8)), st.floats(0.001, 1000))
def test_scaling_the_weights_leaves_all_but_totals(frame: pd.DataFrame, factor: float) -> None:
    wanted = {name: WANTED[name] for name in SCALED}
    drop = "deff"  # without replacement it knows the size of the population
    before, after = (
        estimate(numbers(frame.assign(weight=frame["weight"] * size)), DESIGN, by="side", **wanted).drop(columns=drop)
        for size in (1.0, factor)
    )
    same(before, after, rtol=1e-6)
    cards = [scored(frame.assign(weight=frame["weight"] * size)) for size in (1.0, factor)]
    same(*(card.table.drop(columns=drop) for card in cards), rtol=1e-6)
    same(*(card.evidence for card in cards), rtol=1e-6)


@quick
@given(surveys(waves=2, interviews=(5, 8)), st.floats(0.001, 1000))
def test_scaling_the_weights_scales_totals(frame: pd.DataFrame, factor: float) -> None:
    before, after = (
        estimate(numbers(frame.assign(weight=frame["weight"] * size)), DESIGN, total=["hours", "sex"], by="side")
        for size in (1.0, factor)
    )
    np.testing.assert_allclose(after[["estimate", "se"]], factor * before[["estimate", "se"]], rtol=1e-9, atol=1e-9)


# What the answers mean


@quick
@given(surveys(waves=2, interviews=(5, 8)))
def test_item_asked_the_other_way_round_gives_the_same_scores(frame: pd.DataFrame) -> None:
    """Answers mirrored on their scale and the direction turned: every figure of every measure stays."""
    low, high = ANSWERS["y"]
    mirrored = frame.assign(y=frame["y"].where(frame["y"] < 0, low + high - frame["y"]))
    turned = replace(
        SMALL,
        items=tuple(replace(item, direction="better") if item.code == "y" else item for item in SMALL.items),
    )
    left, right = scored(frame), scored(mirrored, turned)
    same(left.table, right.table, rtol=1e-6)


@quick
@given(surveys(waves=2, interviews=(5, 8)))
def test_domain_that_is_the_whole_has_the_figures_of_the_whole(frame: pd.DataFrame) -> None:
    data = numbers(frame).assign(everybody="yes")
    whole = estimate(data, DESIGN, **WANTED)
    same(estimate(data, DESIGN, by="everybody", **WANTED).drop(columns="everybody"), whole)
    same(estimate(data, DESIGN, where="weight > 0", **WANTED), whole)
    left, right = (
        score(reduce(frame.assign(everybody="yes"), SMALL, DESIGN, facets=[("everybody",)]), SMALL, by=by)
        for by in ((), ("everybody",))
    )
    same(left.table.query("measure not in ['chain', 'links', 'link']"), right.table.drop(columns="everybody"))


@quick
@given(surveys(waves=2, interviews=(5, 8)))
def test_domains_of_two_columns_are_those_of_one_that_crosses_them(frame: pd.DataFrame) -> None:
    data = numbers(frame).assign(both=frame["side"] + "." + frame["sex"])
    several = estimate(data, DESIGN, by=["side", "sex"], **WANTED)
    crossed = estimate(data, DESIGN, by="both", **WANTED)
    same(several.drop(columns=["side", "sex"]), crossed.drop(columns="both"))


# Variance


@quick
@given(surveys(waves=2, missing=0, interviews=(3, 5)), st.sampled_from([DESIGN, COMMON]))
def test_covariance_is_positive_semi_definite_with_the_squared_errors_on_its_diagonal(
    frame: pd.DataFrame, design: SurveyDesign
) -> None:
    wanted = Wanted(by=("sex",), **{name: STATISTICS[name] for name in ("mean", "total", "ratio", "variance")})
    found = measure(frame, design, wanted, rules=Rules())
    matrix = covariance_of(found)
    spread = variance(found.estimates).variance.ravel()
    np.testing.assert_allclose(np.diag(matrix), spread, rtol=1e-9, atol=1e-12)
    unit = matrix.to_numpy() / np.sqrt(np.outer(*[np.where(spread > 0, spread, 1.0)] * 2))
    np.testing.assert_allclose(unit, unit.T, atol=1e-9)
    assert np.linalg.eigvalsh(unit).min() > -1e-9


@quick
@given(surveys(waves=2, missing=0, interviews=(3, 5)), st.sampled_from([DESIGN, COMMON]))
def test_covariance_of_scores_is_positive_semi_definite(frame: pd.DataFrame, design: SurveyDesign) -> None:
    scores = assemble(reduce(frame, SMALL, design, facets=SETS), SMALL, ("side",))
    matrix = covariance(scores.estimates)
    np.testing.assert_allclose(np.diag(matrix), variance(scores.estimates).variance.ravel(), rtol=1e-9, atol=1e-12)
    assert np.linalg.eigvalsh(matrix).min() > -1e-9 * np.trace(matrix)


@quick
@given(surveys(missing=0, interviews=(2, 4)))
def test_covariance_of_replicates_is_positive_semi_definite(frame: pd.DataFrame) -> None:
    wanted = Wanted(by=("wave",), mean=("hours", "link"), ratio=("hours/link",))
    found = measure(frame, DESIGN, wanted, rules=Rules(), replicates=Resampling("jackknife"))
    matrix = covariance_of(found)
    np.testing.assert_allclose(np.diag(matrix), variance(found.estimates).variance.ravel(), rtol=1e-9)
    assert np.linalg.eigvalsh(matrix).min() > -1e-9 * np.trace(matrix)


@quick
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30))
def test_one_stratum_of_one_person_psus_is_the_textbook_formula(answers: list[float]) -> None:
    row = estimate(pd.DataFrame({"x": answers}), SurveyDesign(), mean=["x"]).iloc[0]
    size = len(answers)
    assert row["estimate"] == pytest.approx(np.mean(answers), rel=1e-9, abs=1e-9)
    assert row["se"] == pytest.approx(np.std(answers, ddof=1) / np.sqrt(size), rel=1e-9, abs=1e-9)
    assert (row["df"], row["n"]) == (size - 1, size)


@quick
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), st.integers(30, 90))
def test_simple_random_sample_of_a_finite_population_is_the_textbook_formula(answers: list[float], many: int) -> None:
    row = estimate(pd.DataFrame({"x": answers, "many": many}), SurveyDesign(fpc="many"), total=["x"]).iloc[0]
    size = len(answers)
    spread = np.std(answers, ddof=1) * np.sqrt((1 - size / many) / size)
    assert row["estimate"] == pytest.approx(many * np.mean(answers), rel=1e-9, abs=1e-6)
    assert row["se"] == pytest.approx(many * spread, rel=1e-9, abs=1e-6)


# Nothing is changed that was handed over


@settings(quick, max_examples=3)
@given(surveys(waves=2, interviews=(5, 8)))
def test_frame_that_is_read_stays_as_it_was(frame: pd.DataFrame) -> None:
    data = numbers(frame).convert_dtypes()
    for read in (frame, data):
        before, types = read.copy(deep=True), read.dtypes.copy()
        scored(read.fillna(-2))
        reduce(frame, SMALL, DESIGN, facets=SETS)
        estimate(read, DESIGN, by="side", where="hours < 50", listwise=True, **WANTED)
        estimate(read, DESIGN, mean=["hours"], replicates=Resampling("jackknife"), contrasts={"gap": "`2024` - `2022`"})
        pd.testing.assert_frame_equal(read, before)
        pd.testing.assert_series_equal(read.dtypes, types)


@pytest.mark.parametrize("backend", ["pyarrow", *(["polars"] if find_spec("polars") else [])])
@settings(quick, max_examples=2)
@given(surveys(waves=2, interviews=(5, 8)))
def test_frame_of_another_library_gives_the_same_and_stays_as_it_was(backend: Any, frame: pd.DataFrame) -> None:
    data = numbers(frame)
    other = nw.from_native(data).lazy().collect(backend).to_native()
    before = nw.from_native(other).to_pandas()
    same(estimate(other, DESIGN, by="side", **WANTED), estimate(data, DESIGN, by="side", **WANTED))
    pd.testing.assert_frame_equal(nw.from_native(other).to_pandas(), before)
