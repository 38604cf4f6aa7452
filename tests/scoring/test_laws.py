"""Laws that hold for any survey, drawn by hypothesis."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring import Framework, SurveyDesign, estimate, reduce, score
from scoring.packing import from_bytes, to_bytes
from tests.strategies import ANSWERS, FRAMEWORK, surveys

SMALL = Framework.from_toml(FRAMEWORK)
DESIGN = SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="wave", interviewer="interviewer")
SETS = [("side",), ("side", "sex")]
FIGURES = ["estimate", "se", "df", "low", "high"]
quick = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def scored(frame: pd.DataFrame, framework: Framework = SMALL, *by: str) -> pd.DataFrame:
    return score(reduce(frame, framework, DESIGN, facets=SETS), framework, by=by).table


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Answers as a file has them for `estimate`: empty where they are missing."""
    return frame.assign(**{name: frame[name].where(frame[name] >= 0) for name in ANSWERS})


def same(left: pd.DataFrame, right: pd.DataFrame, *, rtol: float = 1e-9) -> None:
    pd.testing.assert_frame_equal(left, right, check_exact=False, rtol=rtol, atol=1e-9, check_dtype=False)


@quick
@given(surveys(waves=2), st.floats(0.01, 1000))
def test_scaling_all_weights_changes_no_score(frame: pd.DataFrame, factor: float) -> None:
    scaled = frame.assign(weight=frame["weight"] * factor)
    drop = "deff"  # without replacement it knows the size of the population
    same(scored(frame, SMALL, "side").drop(columns=drop), scored(scaled, SMALL, "side").drop(columns=drop), rtol=1e-7)


@quick
@given(surveys(waves=2), st.floats(0.01, 1000))
def test_scaling_all_weights_changes_no_mean_or_error(frame: pd.DataFrame, factor: float) -> None:
    scaled = frame.assign(weight=frame["weight"] * factor)
    wanted = {"mean": ["hours"], "proportion": ["x"], "ratio": ["hours/link"], "by": "side"}
    before, after = (estimate(numbers(part), DESIGN, **wanted)[FIGURES] for part in (frame, scaled))
    same(before, after, rtol=1e-7)


@quick
@given(surveys(), st.integers(0, 1000))
def test_order_of_rows_changes_nothing(frame: pd.DataFrame, seed: int) -> None:
    same(scored(frame, SMALL, "side", "sex"), scored(frame.sample(frac=1, random_state=seed), SMALL, "side", "sex"))


@quick
@given(surveys(waves=2))
def test_index_lies_between_its_parts(frame: pd.DataFrame) -> None:
    values = scored(frame, SMALL, "side").pivot_table(index=["wave", "side"], columns="measure", values="estimate")
    whole = values.reindex(columns=SMALL.measures).dropna(subset=["index", "first", "second", "x", "y"])
    for node, parts in (("index", ["first", "second"]), ("first", ["x", "y"])):
        assert (whole[node] >= whole[parts].min(axis=1) - 1e-9).all()
        assert (whole[node] <= whole[parts].max(axis=1) + 1e-9).all()


@quick
@given(surveys())
def test_turning_an_item_mirrors_it_and_leaves_its_error(frame: pd.DataFrame) -> None:
    turned = replace(SMALL, items=tuple(replace(item, direction="worse") for item in SMALL.items if item.code == "z"))
    plain = replace(SMALL, items=tuple(item for item in SMALL.items if item.code == "z"))
    kept = tuple(node for node in SMALL.nodes if node.code in ("index", "second"))
    tables = [
        score(reduce(frame, part, DESIGN), part).table.query("measure == 'z'").iloc[0]
        for part in (replace(plain, nodes=kept), replace(turned, nodes=kept))
    ]
    right, mirrored = tables
    expected = [100 - right["estimate"], right["se"], 100 - right["high"], 100 - right["low"], right["df"]]
    np.testing.assert_allclose(
        mirrored[["estimate", "se", "low", "high", "df"]].to_numpy(dtype=float), expected, rtol=1e-6, atol=1e-7
    )


@quick
@given(surveys(waves=2))
def test_estimate_by_a_group_equals_the_estimate_where_that_group_stands(frame: pd.DataFrame) -> None:
    data = numbers(frame)
    wanted = {"mean": ["hours"], "total": ["link"], "ratio": ["hours/link"]}
    by = estimate(data, DESIGN, by="side", **wanted)
    apart = [
        estimate(data, DESIGN, where=f"side == '{side}'", **wanted).assign(side=side) for side in ("left", "right")
    ]
    keys = ["wave", "side", "measure", "statistic"]
    order = [*keys, "estimate", "se", "df", "low", "high", "n", "n_eff"]
    same(by[order].sort_values(keys, ignore_index=True), pd.concat(apart)[order].sort_values(keys, ignore_index=True))


@quick
@given(surveys(waves=2))
def test_totals_over_disjoint_domains_add_up(frame: pd.DataFrame) -> None:
    data = numbers(frame)
    whole = estimate(data, DESIGN, total=["hours", "sex"])
    parts = estimate(data, DESIGN, total=["hours", "sex"], by="side").fillna({"category": ""})
    added = parts.groupby(["wave", "measure", "category"])["estimate"].sum()
    expected = whole.fillna({"category": ""}).set_index(["wave", "measure", "category"])["estimate"]
    pd.testing.assert_series_equal(added.sort_index(), expected.sort_index(), check_dtype=False)


@quick
@given(surveys(waves=2))
def test_totals_survive_the_store(frame: pd.DataFrame) -> None:
    made = reduce(frame, SMALL, DESIGN, facets=SETS)
    kept = from_bytes(to_bytes(made))
    assert (kept.measures, kept.design, dict(kept.ranges)) == (made.measures, made.design, dict(made.ranges))
    for by in ((), *SETS):
        before, after = score(made, SMALL, by=by), score(kept, SMALL, by=by)
        pd.testing.assert_frame_equal(before.table, after.table, check_dtype=False)
        pd.testing.assert_frame_equal(before.evidence, after.evidence)


@settings(quick, max_examples=3)
@given(surveys(waves=2))
def test_kind_of_frame_changes_nothing(frame: pd.DataFrame) -> None:
    """numpy, nullable and Arrow columns, and an Arrow table, are reduced alike."""
    expected = scored(frame, SMALL, "side")
    kinds = (
        frame.convert_dtypes(),
        frame.convert_dtypes(dtype_backend="pyarrow"),
        pa.Table.from_pandas(frame, preserve_index=False),
    )
    for kind in kinds:
        same(score(reduce(kind, SMALL, DESIGN, facets=SETS), SMALL, by="side").table, expected)


@quick
@given(surveys(waves=2))
def test_item_from_totals_equals_the_mean_of_its_respondents(frame: pd.DataFrame) -> None:
    data = numbers(frame).assign(
        x=lambda part: (part["x"] - 1) * 25, y=lambda part: (4 - part["y"]) / 3 * 100, z=lambda part: part["z"] * 50
    )
    wanted = ["x", "y", "z", "hours"]
    direct = estimate(data, DESIGN, mean=wanted, by="side", df="satterthwaite")
    table = scored(frame, SMALL, "side")
    table = table[table["measure"].isin(wanted)]
    keys, figures = ["wave", "side", "measure"], ["estimate", "se"]
    left = table.set_index(keys)[figures].sort_index()
    right = direct.set_index(keys)[figures].sort_index()
    np.testing.assert_allclose(left.to_numpy(), right.to_numpy(), rtol=1e-12, atol=1e-12 * 100)


@quick
@given(surveys(waves=2), st.sampled_from(["x", "y", "z"]), st.sampled_from([0, 1]))
def test_answers_all_alike_at_an_end_give_a_bound_and_never_zero_width(
    frame: pd.DataFrame, name: str, end: int
) -> None:
    table = scored(frame.assign(**{name: ANSWERS[name][end]}))
    row = table[table["measure"] == name].iloc[0]
    assert row["estimate"] in (0, 100)
    assert (row["se"], row["reason"], row["n_eff"]) == (0, "bound", row["n"])
    assert row["high"] - row["low"] > 1e-3
    assert np.isnan(row["deff"])


@quick
@given(surveys(missing=0.6))
def test_limits_stay_on_the_scale_and_hold_the_estimate(frame: pd.DataFrame) -> None:
    table = scored(frame, SMALL, "side", "sex").query("measure != 'hours'").dropna(subset=["low", "high"])
    assert (table["low"] <= table["estimate"] + 1e-9).all()
    assert (table["estimate"] <= table["high"] + 1e-9).all()
    assert table["low"].ge(-1e-9).all()
    assert table["high"].le(100 + 1e-9).all()
