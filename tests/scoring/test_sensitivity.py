"""Monte Carlo and Sobol shares: functions whose shares are known, hand cases, and what must not change anything."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scoring import Framework, RequestError
from scoring.construction import build
from scoring.robustness.alternatives import GROUPS, NONE, Alternatives, simulation
from scoring.robustness.plans import plan
from scoring.robustness.published import Published, arranged
from scoring.robustness.sensitivity import ranked, sensitivity, uncertainty
from scoring.robustness.sobol import in_pieces, sobol
from scoring.robustness.whatif import what_if

Floats = npt.NDArray[np.float64]
NAN = float("nan")
HEAD = """
id = "border"
version = "1"
title = "Border"
[[index]]
code = "index"
title = "Index"
[[dimension]]
code = "first"
title = "First"
index = "index"
[[dimension]]
code = "second"
title = "Second"
index = "index"
"""
ITEM = '[[item]]\ncode = "{}"\ntitle = "An item"\ndimension = "{}"\ndirection = "better"\nrange = [0, 4]\n'
TWO = HEAD + ITEM.format("x", "first") + ITEM.format("y", "second")
FOUR = TWO + ITEM.format("z", "first") + ITEM.format("v", "second")
RUNS = 4000


def of(text: str = TWO, **hows: str) -> Framework:
    found = Framework.from_toml(text)
    return replace(
        found, nodes=tuple(replace(node, aggregation=hows.get(node.code, "arithmetic")) for node in found.nodes)
    )


def published(estimate: list[list[float]], se: float = 3.0, r: float = 0.5, items: str = "xyzv") -> Published:
    values = np.array(estimate, dtype=float)
    k = values.shape[1]
    return Published(
        units=tuple(f"u{number}" for number in range(len(values))),
        items=tuple(items[:k]),
        estimate=values,
        se=np.where(np.isnan(values), NAN, se),
        df=np.where(np.isnan(values), NAN, 10.0),
        correlation=np.full((k, k), r) + (1 - r) * np.eye(k),
    )


def posts(units: int, seed: int = 1) -> Published:
    rng = np.random.default_rng(seed)
    level = rng.normal(55, 6, (units, 1)) + rng.normal(0, 5, (units, 4)) + np.array([5, -5, 10, 0])
    return published(np.clip(level, 0, 100).round(1).tolist())


# Functions whose shares are known


def ishigami(points: Floats) -> Floats:
    """a = 7, b = 0.1 on (-pi, pi)."""
    x = np.pi * (2 * points - 1)
    return np.asarray((np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))[:, None])


def shares(function: Callable[[Floats], Floats], groups: dict[str, int], **options: int) -> pd.DataFrame:
    return sobol(function, groups, {"y": [0]}, **({"seed": 1, "n": 4096} | options)).set_index("group")


V1, V2, V13 = 0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2, 49 / 8, 0.01 * np.pi**8 * (1 / 18 - 1 / 50)
WHOLE = V1 + V2 + V13


def test_shares_of_the_ishigami_function_are_those_of_the_formula() -> None:
    table = shares(ishigami, {"a": 1, "b": 1, "c": 1})
    assert table["first"].to_list() == pytest.approx([V1 / WHOLE, V2 / WHOLE, 0], abs=0.015)
    assert table["total"].to_list() == pytest.approx([(V1 + V13) / WHOLE, V2 / WHOLE, V13 / WHOLE], abs=0.015)


def test_a_group_has_the_shares_of_its_inputs_and_of_what_they_do_together() -> None:
    table = shares(lambda points: ishigami(points[:, [0, 2, 1]]), {"a and c": 2, "b": 1})
    assert table.loc["a and c", ["first", "total"]].to_list() == pytest.approx([(V1 + V13) / WHOLE] * 2, abs=0.015)
    assert table.loc["b", ["first", "total"]].to_list() == pytest.approx([V2 / WHOLE] * 2, abs=0.015)


def test_shares_of_the_g_function_are_those_of_the_formula() -> None:
    a = np.array([0.0, 1.0, 4.5, 9.0])
    own = 1 / (3 * (1 + a) ** 2)
    whole = np.prod(1 + own) - 1
    table = shares(
        lambda points: np.prod((np.abs(4 * points - 2) + a) / (1 + a), axis=1)[:, None],
        {"a": 1, "b": 1, "c and d": 2},
        n=4096,
    )
    pair = np.prod(1 + own[2:]) - 1
    assert table["first"].to_list() == pytest.approx([*own[:2] / whole, pair / whole], abs=0.015)
    total = [*(own[:2] * np.prod(1 + own) / (1 + own[:2]) / whole), pair * np.prod(1 + own[:2]) / whole]
    assert table["total"].to_list() == pytest.approx(total, abs=0.02)


def test_a_linear_function_has_the_squares_of_its_slopes_and_its_intervals_hold_them() -> None:
    slopes = np.array([4.0, 2.0, 1.0, 0.0])
    table = shares(lambda points: points @ slopes[:, None], {"a": 1, "b and c": 2, "d": 1}, n=1024)
    truth = np.array([16, 5, 0]) / 21
    for name in ("first", "total"):
        assert table[name].to_numpy() == pytest.approx(truth, abs=0.03)
        assert ((table[f"{name}_low"] <= truth) & (truth <= table[f"{name}_high"])).all()


def test_a_wide_group_beside_a_narrow_one_has_its_known_share() -> None:
    # 100 uniforms of variance 1/12 each beside one of variance 100/12: half and half
    table = shares(lambda points: points[:, :100].sum(axis=1, keepdims=True) + 10 * points[:, 100:], {"w": 100, "n": 1})
    assert table["first"].to_list() == pytest.approx([0.5, 0.5], abs=0.06)
    assert table["total"].to_list() == pytest.approx([0.5, 0.5], abs=0.04)


def test_shares_are_those_of_scipy_from_the_same_runs() -> None:
    seen: list[Floats] = []

    def noted(points: Floats) -> Floats:
        seen.append(ishigami(points))
        return seen[-1]

    table = shares(noted, {"a": 1, "b": 1, "c": 1}, n=512)
    runs = np.concatenate(seen).reshape(5, 1, 512)
    wanted = stats.sobol_indices(func={"f_A": runs[0], "f_B": runs[1], "f_AB": runs[2:]}, n=512)
    assert table["first"].to_numpy() == pytest.approx(wanted.first_order, rel=1e-9)
    assert table["total"].to_numpy() == pytest.approx(wanted.total_order, rel=1e-9)


def test_an_outcome_of_two_columns_adds_their_variances() -> None:
    # y1 = 3 a, y2 = b: variances 9/12 and 1/12; a has 9 of 10 parts
    table = sobol(lambda points: points * [3, 1], {"a": 1, "b": 1}, {"both": [0, 1], "one": [1]}, seed=3, n=2048)
    both, one = (table[table["outcome"] == name] for name in ("both", "one"))
    assert both["first"].to_list() == pytest.approx([0.9, 0.1], abs=0.01)
    assert one["total"].to_list() == pytest.approx([0, 1], abs=0.01)


def test_what_does_not_vary_has_no_shares() -> None:
    table = sobol(lambda points: np.full((len(points), 1), 7.0), {"a": 1}, {"y": [0]}, seed=1, n=16)
    assert table.drop(columns=["outcome", "group"]).isna().all(axis=None)


@pytest.mark.parametrize(
    ("options", "message"), [({"n": 1000}, "n is 1000; give a power of 2"), ({"level": 1}, "level")]
)
def test_a_number_of_runs_or_a_level_that_is_none_is_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        shares(ishigami, {"a": 3}, **options)


def test_the_same_seed_gives_the_same_shares_and_another_seed_others() -> None:
    first, second, other = (shares(ishigami, {"a": 2, "b": 1}, n=64, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, second)
    assert (first["first"] != other["first"]).all()


def test_progress_grows_to_the_whole() -> None:
    told: list[float] = []
    in_pieces(lambda points: points, np.zeros((1000, 1)), told.append)
    assert told == [0.256, 0.512, 0.768, 1.0]


# Monte Carlo by hand


def run(shown: Published, alternatives: Alternatives, text: str = TWO, **hows: str) -> pd.DataFrame:
    return uncertainty(shown, plan(of(text, **hows)), alternatives=alternatives, runs=RUNS, seed=1)


@pytest.mark.parametrize("hows", [{}, {"index": "geometric", "first": "harmonic"}, {"index": "minimum"}])
def test_where_nothing_varies_every_run_is_the_published_index_exactly(hows: dict[str, str]) -> None:
    table = uncertainty(posts(12), plan(of(FOUR, **hows)), alternatives=NONE, runs=100, seed=1)
    for name in ("score", "rank"):
        for ending in ("_05", "_50", "_95"):
            assert (table[name + ending] == table[name]).all()
    assert set(table["rank_kept"]) == {1.0}
    assert set(table.loc[table["band"] != "", "stability"]) <= {1.0}
    shown, tree = arranged(posts(12), ("x", "y", "z", "v")), plan(of(FOUR, **hows)).tree
    assert table["score"].to_list() == build(shown.estimate, tree)[:, 0].tolist()


def test_sampling_alone_gives_the_normal_percentiles_of_the_published_error() -> None:
    shown = published([[40, 60], [50, 54]])
    table = run(shown, replace(NONE, sampling=True))
    se = what_if(shown, plan(of()))["se"].to_numpy()
    for ending, z in (("_05", -1.645), ("_50", 0.0), ("_95", 1.645)):
        assert table["score" + ending].to_numpy() == pytest.approx(table["score"] + z * se, abs=0.25)


def test_sampling_errors_of_items_go_together_as_published() -> None:
    # index (x + y) / 2 of errors 3 each: sd 3 at correlation 1, 0 at -1
    spread = {
        r: run(published([[40, 60]], r=r), replace(NONE, sampling=True)).pipe(lambda t: t["score_95"] - t["score_05"])[
            0
        ]
        for r in (1.0, -1.0)
    }
    assert spread[1.0] == pytest.approx(2 * 1.645 * 3, abs=0.4)
    assert spread[-1.0] == pytest.approx(0, abs=1e-6)


def test_one_item_left_out_gives_the_index_of_the_others_equally_often() -> None:
    # both 50, x alone 30, y alone 70, a third of the runs each
    made = simulation(published([[30, 70]]), plan(of()), replace(NONE, leave_out=True))
    scores = made.scores(np.random.default_rng(1).random((3000, sum(made.groups.values()))))[:, 0, 0]
    values, counts = np.unique(scores, return_counts=True)
    assert values.tolist() == [30, 50, 70]
    assert stats.chisquare(counts).pvalue > 0.01


def test_an_index_of_one_item_is_never_without_it() -> None:
    made = simulation(published([[30]]), plan(of(TWO), left_out=["second"]), replace(NONE, leave_out=True))
    scores = made.scores(np.random.default_rng(1).random((100, sum(made.groups.values()))))
    assert (scores == 30).all()


def test_an_item_left_out_of_a_dimension_leaves_the_weight_of_the_dimension() -> None:
    # first holds x, z (20, 40), second y, v (60, 60): without x 50, without z 40, without y or v 45
    shown = published([[20, 60, 40, 60]])
    made = simulation(shown, plan(of(FOUR)), replace(NONE, leave_out=True))
    scores = made.scores(np.random.default_rng(1).random((2000, sum(made.groups.values()))))[:, 0, 0]
    values, counts = np.unique(scores.round(9), return_counts=True)
    assert values.tolist() == [40, 45, 50]
    assert stats.chisquare(counts, counts.sum() * np.array([1, 3, 1]) / 5).pvalue > 0.01


def test_the_three_aggregations_come_equally_often_and_in_order() -> None:
    shown = published([[20, 80]])
    alternatives = replace(NONE, aggregations=("arithmetic", "geometric", "harmonic"))
    made = simulation(shown, plan(of()), alternatives)
    scores = made.scores(np.random.default_rng(1).random((3000, sum(made.groups.values()))))[:, 0, 0]
    values, counts = np.unique(scores.round(6), return_counts=True)
    x = 1 + 0.99 * np.array([20.0, 80.0])
    wanted = (np.array([stats.hmean(x), stats.gmean(x), x.mean()]) - 1) / 0.99
    assert values == pytest.approx(wanted)
    assert stats.chisquare(counts).pvalue > 0.01


def test_a_minimum_stays_one_whatever_means_are_tried() -> None:
    table = run(published([[20, 80]]), replace(NONE, aggregations=("geometric",)), index="minimum")
    assert table[["score", "score_05", "score_95"]].to_numpy().tolist() == [[20, 20, 20]]


def test_weights_move_a_score_within_the_ratio_of_their_ends() -> None:
    # x weighs 0.75 to 1.25, y likewise: y has between 0.75 / 2 and 1.25 / 2 of the whole
    made = simulation(published([[0, 100]]), plan(of()), replace(NONE, weights=0.25))
    scores = made.scores(np.random.default_rng(1).random((20_000, sum(made.groups.values()))))[:, 0, 0]
    assert 37.5 <= scores.min() < 38.5
    assert 61.5 < scores.max() <= 62.5
    assert scores.mean() == pytest.approx(50, abs=0.2)


def only(normalisation: str) -> Alternatives:
    return replace(NONE, normalisations=(normalisation,))


def test_percentile_ranks_are_laid_on_the_scale_of_the_scores() -> None:
    # 10, 20, 60: mean 30, sd 21.6; ranks 0, 50, 100: sd 40.8; so 30 -+ 50 x 21.6 / 40.8
    table = run(published([[10, 10], [20, 20], [60, 60]]), only("percentile rank"))
    step = 50 * np.std([10, 20, 60]) / np.std([0, 50, 100])
    assert table["score_50"].to_numpy() == pytest.approx([30 - step, 30, 30 + step])


def test_z_scores_and_min_max_give_every_item_the_same_say() -> None:
    # x has sd 10, y 1. z makes the sd alike, min-max the ranges; of two units that is the same. Mean and root mean
    # square of sd are kept: 50 and sqrt((10^2 + 1^2) / 2)
    shown = published([[60, 49], [40, 51]])
    for how in ("z", "min-max"):
        assert run(shown, only(how))["score_50"].to_numpy() == pytest.approx([50, 50])
    one = published([[60, 51], [40, 49]])
    step = np.sqrt((10**2 + 1**2) / 2)
    for how in ("z", "min-max"):
        assert run(one, only(how))["score_50"].to_numpy() == pytest.approx([50 + step, 50 - step])


@pytest.mark.parametrize("how", ["z", "percentile rank", "min-max"])
def test_units_that_are_all_equal_stay_equal_and_where_they_are(how: str) -> None:
    table = run(published([[30, 50], [30, 50]]), only(how))
    assert table["score_05"].to_numpy() == pytest.approx([40, 40])
    assert table["rank_95"].to_list() == [1, 1]


@given(seed=st.integers(0, 2**32 - 1), how=st.sampled_from(["z", "percentile rank", "min-max"]))
@settings(max_examples=25)
def test_a_normalisation_keeps_the_mean_of_an_arithmetic_index(seed: int, how: str) -> None:
    rng = np.random.default_rng(seed)
    shown = published(rng.uniform(35, 65, (8, 4)).tolist())
    made = simulation(shown, plan(of(FOUR), weights={"x": 3, "second": 2}), only(how))
    scores = made.scores(np.full((1, sum(made.groups.values())), 0.5))[0, :, 0]
    assert scores.mean() == pytest.approx(made.nominal[:, 0].mean())


# Ranks and bands


def test_equal_scores_share_the_best_of_their_places() -> None:
    assert ranked(np.array([50.0, 60, 60, NAN, 40])).tolist()[:3] == [3, 1, 1]
    assert np.isnan(ranked(np.array([50.0, 60, 60, NAN, 40]))[3])
    assert ranked(np.array([[0.1 + 0.2, 0.3], [1.0, 2.0]])).tolist() == [[1, 1], [2, 1]]


def test_shares_of_bands_add_to_one_and_stability_is_that_of_the_own_band() -> None:
    table = uncertainty(posts(24, seed=3), plan(of(FOUR)), runs=300, seed=2)
    assert table[["below", "not_distinguishable", "above"]].sum(axis=1).to_numpy() == pytest.approx(1)
    own = [row[row["band"]] for _, row in table.iterrows()]
    assert table["stability"].to_list() == own
    assert {"below", "not_distinguishable", "above"} == set(table["band"])


def test_a_unit_far_above_stays_above_and_one_at_the_average_in_the_middle() -> None:
    shown = published([[90, 90], [50, 50], [51, 51], [10, 10]])
    table = uncertainty(shown, plan(of()), runs=500, seed=1).set_index("unit")
    assert table.loc["u0", ["band", "rank_05", "rank_95"]].to_list() == ["above", 1, 1]
    assert table.loc["u3", ["band", "rank_05", "rank_95"]].to_list() == ["below", 4, 4]
    assert table.loc[["u0", "u3"], "stability"].min() > 0.95
    assert table.loc["u1", ["rank_05", "rank_95"]].to_list() == [2, 3]


def test_bands_are_those_of_the_what_if() -> None:
    shown, side = posts(20), published([[55.0] * 4], se=0.5)
    for whole in (None, side):
        table = uncertainty(shown, plan(of(FOUR)), runs=100, seed=2, side=whole)
        assert table["band"].to_list() == what_if(shown, plan(of(FOUR)), side=whole)["band"].to_list()


def test_a_hidden_item_hides_a_unit_in_every_run_and_the_others_are_ranked_without_it() -> None:
    shown = published([[90, NAN], [50, 50], [20, 20]])
    table = uncertainty(shown, plan(of()), runs=200, seed=1).set_index("unit")
    assert table.loc["u0"].drop(["measure", "band"]).isna().all()
    assert table.loc["u1", ["rank", "rank_95"]].to_list() == [1, 1]
    found = sensitivity(shown, plan(of()), n=64, seed=1)
    assert found.loc[found["outcome"] == "score", "total"].notna().all()


def test_an_index_that_is_hidden_everywhere_has_rows_without_figures() -> None:
    shown = published([[NAN, NAN], [NAN, NAN]])
    table = uncertainty(shown, plan(of()), runs=100, seed=1)
    assert table["unit"].to_list() == ["u0", "u1"]
    assert table.drop(columns=["unit", "measure", "band"]).isna().all(axis=None)
    assert sensitivity(shown, plan(of()), n=16, seed=1)[["first", "total"]].isna().all(axis=None)


def test_too_few_runs_and_alternatives_that_are_none_are_refused() -> None:
    with pytest.raises(RequestError, match="runs is 50; take at least 100"):
        uncertainty(posts(3), plan(of(FOUR)), runs=50, seed=1)
    with pytest.raises(RequestError, match="give some of"):
        Alternatives(normalisations=("zscore",))  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="weights vary by 1"):
        Alternatives(weights=1.0)
    with pytest.raises(RequestError, match="a minimum is no alternative"):
        Alternatives(aggregations=("minimum",))


# Sobol shares of an index


def shares_of(alternatives: Alternatives, outcome: str = "score", *, shown: Published | None = None) -> pd.DataFrame:
    table = sensitivity(shown or posts(8), plan(of(FOUR)), alternatives=alternatives, n=256, seed=1)
    return table[table["outcome"] == outcome].set_index("group")


@pytest.mark.parametrize(
    ("alternatives", "group"),
    [
        (replace(NONE, sampling=True), "sampling"),
        (replace(NONE, weights=0.25), "weights"),
        (replace(NONE, leave_out=True), "item"),
        (replace(NONE, aggregations=("arithmetic", "harmonic")), "aggregation"),
        (replace(NONE, normalisations=("range", "z", "min-max")), "normalisation"),
    ],
)
def test_what_alone_varies_has_the_whole_variance(alternatives: Alternatives, group: str) -> None:
    table = shares_of(alternatives)
    assert table.index.to_list() == list(GROUPS)
    assert table.loc[group, "total"] == pytest.approx(1, abs=0.12)
    assert table.loc[group, "first"] == pytest.approx(1, abs=0.2)
    assert table.drop(index=group)[["first", "total"]].to_numpy() == pytest.approx(0, abs=1e-9)


def test_where_nothing_varies_there_are_no_shares() -> None:
    assert shares_of(NONE)[["first", "total"]].isna().all(axis=None)
    assert shares_of(NONE, "rank_shift")[["first", "total"]].isna().all(axis=None)


def test_two_groups_that_add_up_have_the_shares_of_their_variances() -> None:
    # sampling: variance of (x + y) / 2 with sd 3 and r 0.5 is 6.75; one item left out of 2: 50 -+ d or 50, variance
    # 2 d^2 / 3 with d = 3.18: 6.74. They interact: leaving x out changes the error as well
    shown = published([[50 - 3.18, 50 + 3.18]])
    table = sensitivity(shown, plan(of()), alternatives=replace(NONE, sampling=True, leave_out=True), n=4096, seed=1)
    score = table[table["outcome"] == "score"].set_index("group")
    # mean error given the item is 0, so the item has 6.74 of V; the sampling errors have, on average over the three
    # possibilities, (e_x + e_y) / 2 in all: first 6.75 of V; V = 6.74 + (6.75 + 9 + 9) / 3 = 14.99
    assert score.loc["item", "first"] == pytest.approx(6.74 / 14.99, abs=0.02)
    assert score.loc["sampling", "first"] == pytest.approx(6.75 / 14.99, abs=0.02)
    assert score.loc["sampling", "total"] == pytest.approx(8.25 / 14.99, abs=0.02)


def test_rank_shifts_and_scores_are_told_for_every_index_and_group() -> None:
    told: list[float] = []
    table = sensitivity(posts(6), plan(of(FOUR)), n=64, seed=1, progress=told.append)
    assert table[["measure", "outcome", "group"]].to_numpy().tolist() == [
        ["index", outcome, group] for outcome in ("rank_shift", "score") for group in GROUPS
    ]
    assert (table["total_low"] <= table["total"]).all()
    assert (table["total"] <= table["total_high"]).all()
    assert told == sorted(told)
    assert told[-1] == 1
