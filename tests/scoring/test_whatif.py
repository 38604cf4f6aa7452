"""What-if from published figures: by hand, against the engine that has the respondents, and what it refuses."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from scoring import EstimationError, Framework, RequestError, SurveyDesign, Totals, reduce, score
from scoring.construction import build
from scoring.estimates import Estimates
from scoring.indices import assemble
from scoring.joint import Joint, from_figures
from scoring.ranks import studentised
from scoring.robustness.plans import plan
from scoring.robustness.published import Published, arranged, nearest, pooled_correlation
from scoring.robustness.whatif import lines_of, scored, what_if
from scoring.standings import bands, least

Floats = npt.NDArray[np.float64]
NAN = float("nan")
TREE = """
id = "border"
version = "1"
title = "Border"
[[index]]
code = "index"
title = "Index"
[[index]]
code = "other"
title = "Other"
[[dimension]]
code = "first"
title = "First"
index = "index"
[[dimension]]
code = "second"
title = "Second"
index = "index"
[[dimension]]
code = "third"
title = "Third"
index = "other"
"""
ITEM = '[[item]]\ncode = "{}"\ntitle = "An item"\ndimension = "{}"\ndirection = "better"\nrange = [0, 4]\nweight = {}\n'
ITEMS = {"x": ("first", 1), "y": ("first", 1), "z": ("second", 2), "v": ("second", 1), "t": ("third", 1)}
TEXT = TREE + "".join(ITEM.format(code, *rest) for code, rest in ITEMS.items())
DESIGN = SurveyDesign(weight="w", strata="post", psu="shift", nest=True)


def framework(**hows: str) -> Framework:
    found = Framework.from_toml(TEXT)
    return replace(
        found, nodes=tuple(replace(node, aggregation=hows.get(node.code, "arithmetic")) for node in found.nodes)
    )


def published(
    estimate: list[list[float]],
    se: list[list[float]] | float = 2.0,
    df: list[list[float]] | float = 10.0,
    *,
    r: float = 0.5,
    items: str = "xyzvt",
) -> Published:
    values = np.array(estimate, dtype=float)
    k = values.shape[1]
    return Published(
        units=tuple(f"u{number}" for number in range(len(values))),
        items=tuple(items[:k]),
        estimate=values,
        se=np.where(np.isnan(values), NAN, se),
        df=np.where(np.isnan(values), NAN, df),
        correlation=np.full((k, k), r) + (1 - r) * np.eye(k),
    )


def cell(table: pd.DataFrame, measure: str = "index", unit: str = "u0") -> pd.Series:
    found = table[(table["unit"] == unit) & (table["measure"] == measure)]
    assert len(found) == 1
    return found.iloc[0]


def survey(posts: int, shifts: int, seed: int, *, size: int = 8) -> pd.DataFrame:
    """Interviews of posts of one side; people of a shift share its mood, so that errors of items go together."""
    rng = np.random.default_rng(seed)
    post, shift, _ = (part.ravel() for part in np.indices((posts, shifts, size)))
    level = rng.normal(2, 0.3, (posts, len(ITEMS)))[post]
    mood = rng.normal(0, 0.5, (posts, shifts))[post, shift]
    answers = np.clip(np.round(level + mood[:, None] + rng.normal(0, 1, (post.size, len(ITEMS)))), 0, 4)
    frame = pd.DataFrame(answers.astype(int), columns=list(ITEMS))
    return frame.assign(
        post=[f"post{p:02}" for p in post], shift=shift, w=rng.uniform(0.5, 2, (posts, shifts))[post, shift]
    )


@pytest.fixture(scope="module")
def totals() -> Totals:
    return reduce(survey(4, 8, seed=1), framework(), DESIGN, facets=[("post",)])


def items_of(totals: Totals) -> Estimates:
    """Exact estimates of the items, a cell a post."""
    found = assemble(totals, framework(), ("post",))
    return found.estimates.take([found.measures.index(code) for code in ITEMS])


def one_post(totals: Totals, post: int) -> Published:
    """All that is known of one post: nothing is rounded, and the correlation is its own."""
    table = score(totals, framework(), by="post").table
    own = table[(table["post"] == f"post{post:02}") & table["measure"].isin(ITEMS)]
    exact = items_of(totals)
    pairs = exact.cell == post
    alone = replace(
        exact,
        values=exact.values[[post]],
        scores=exact.scores[pairs],
        mass=exact.mass[pairs],
        cell=np.zeros(pairs.sum(), dtype=np.int64),
        unit=exact.unit[pairs],
    )
    figures = (own[name].to_numpy(dtype=float)[None, :] for name in ("estimate", "se", "df"))
    return Published((f"post{post:02}",), tuple(ITEMS), *figures, pooled_correlation(alone, step=1e-12))


# By hand


def test_score_and_error_of_two_items_are_those_of_a_hand_calculation() -> None:
    # 40 +- 3 and 60 +- 4, r 0.5: mean 50, se sqrt(9 + 16 + 12) / 2; 3 to 1: 45, se sqrt(81 + 16 + 36) / 4
    shown = published([[40, 60]], [[3, 4]], [[12, 7]])
    even = cell(what_if(shown, plan(framework(), left_out=["second"])))
    assert (even["estimate"], even["se"]) == (50, pytest.approx(37**0.5 / 2))
    uneven = cell(what_if(shown, plan(framework(), left_out=["second"], weights={"x": 3})))
    assert (uneven["estimate"], uneven["se"]) == (45, pytest.approx(133**0.5 / 4))


def test_limits_are_those_of_the_logit_scale() -> None:
    row = cell(what_if(published([[40, 60]], [[3, 4]], [[7, 7]]), plan(framework(), left_out=["second"])))
    half = stats.t.ppf(0.975, 7) * (37**0.5 / 2 / 100) / 0.25  # at p = 1/2 the logit is 0
    assert [row["low"], row["high"]] == pytest.approx([100 / (1 + np.exp(half)), 100 / (1 + np.exp(-half))])
    assert (row["status"], row["reason"]) == ("ok", "")


def test_geometric_error_has_the_gradient_of_the_mapped_mean() -> None:
    # x = 1 + 0.99 v: g = sqrt(40.6 60.4), dg/dv = g / 2x; the two mappings cancel
    row = cell(what_if(published([[40, 60]], [[3, 4]], r=0), plan(framework(first="geometric"), left_out=["second"])))
    x = 1 + 0.99 * np.array([40, 60])
    g = np.sqrt(x.prod())
    assert row["estimate"] == pytest.approx((g - 1) / 0.99)
    assert row["se"] == pytest.approx(np.hypot(g / (2 * x[0]) * 3, g / (2 * x[1]) * 4))


def test_weights_work_inside_their_parent() -> None:
    # first: mean of 10 and 30; second: (2 60 + 90) / 3 = 70; index: mean of 20 and 70, or 3 to 1
    shown = published([[10, 30, 60, 90, 5]])
    table = what_if(shown, plan(framework()), measures=["index", "first", "second"])
    assert [cell(table, code)["estimate"] for code in ("first", "second", "index")] == pytest.approx([20, 70, 45])
    assert cell(what_if(shown, plan(framework(), weights={"first": 3})))["estimate"] == pytest.approx(32.5)


def test_a_part_left_out_has_weight_nought_and_a_dimension_goes_with_its_last_item() -> None:
    shown = published([[10, 30, 60, 90, 5]])

    def index(**choices: object) -> float:
        return float(cell(what_if(shown, plan(framework(), **choices)))["estimate"])  # type: ignore[arg-type]

    assert index(left_out=["x"]) == pytest.approx((30 + 70) / 2)
    assert index(left_out=["x"]) == index(weights={"x": 0})
    assert index(left_out=["x", "y"]) == pytest.approx(70)
    assert index(left_out=["x", "y"]) == index(left_out=["first"])


@pytest.mark.parametrize("how", ["arithmetic", "geometric", "harmonic", "minimum"])
def test_equal_items_give_themselves_whatever_is_chosen(how: str) -> None:
    chosen = plan(framework(), aggregation=how, weights={"x": 5, "second": 2})  # type: ignore[arg-type]
    value = scored(published([[37.0] * 5, [0.0] * 5]), chosen).value
    assert (value == [[37.0], [0.0]]).all()


def test_df_are_a_mean_on_the_scale_of_their_reciprocals_of_the_items_that_vary() -> None:
    # errors of the index 3/4, 0, 2/3, 1/3; so 1.75 / (0.75 / 9 + 0.6667 / 8 + 0.3333 / 20)
    shown = published([[40, 60, 50, 50]], [[3, 0, 2, 2]], [[9, 3, 8, 20]])
    assert cell(what_if(shown, plan(framework())))["df"] == pytest.approx(1.75 / (0.75 / 9 + 2 / 3 / 8 + 1 / 3 / 20))
    assert cell(what_if(shown, plan(framework(), left_out=["second"])))["df"] == pytest.approx(9)


@example(seed=376001)
@given(seed=st.integers(0, 2**32 - 1))
def test_df_lie_between_those_of_the_items_and_below_those_of_independent_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    se, df = rng.uniform(1, 4, (3, 5)), rng.uniform(1, 30, (3, 5))
    found = scored(published([[50.0] * 5] * 3, se.tolist(), df.tolist()), plan(framework())).df[:, 5]
    spread = (se[:, :4] * [1 / 4, 1 / 4, 1 / 3, 1 / 6]) ** 2
    assert (found >= df[:, :4].min(axis=1) - 1e-9).all()
    assert (found <= df[:, :4].max(axis=1) + 1e-9).all()
    assert (found <= spread.sum(axis=1) ** 2 / (spread**2 / df[:, :4]).sum(axis=1) + 1e-9).all()


# Against the engine


@pytest.mark.parametrize(
    "hows",
    [
        {},
        {"index": "geometric"},
        {"first": "harmonic", "second": "geometric"},
        {"index": "harmonic", "first": "geometric", "second": "harmonic"},
    ],
)
def test_of_one_post_all_known_score_and_error_are_those_of_the_engine(totals: Totals, hows: dict[str, str]) -> None:
    truth = score(totals, framework(**hows), by="post").table.set_index(["post", "measure"])
    for post in range(4):
        table = what_if(
            one_post(totals, post), plan(framework(), aggregation=hows), measures=["index", "first", "second"]
        )  # type: ignore[arg-type]
        wanted = truth.loc[[(f"post{post:02}", code) for code in table["measure"]]]
        assert table["estimate"].to_numpy() == pytest.approx(wanted["estimate"].to_numpy(), rel=1e-12)
        assert table["se"].to_numpy() == pytest.approx(wanted["se"].to_numpy(), rel=1e-9)


def test_errors_from_rounded_figures_and_a_pooled_correlation_are_those_of_the_engine_on_average() -> None:
    ratios = []
    for seed in range(8):
        data = reduce(survey(12, 8, seed=seed), framework(), DESIGN, facets=[("post",)])
        table = score(data, framework(), by="post").table
        shown = rounded(data, table)
        exact = table[table["measure"] == "index"]["se"].to_numpy()
        made = what_if(shown, plan(framework()), measures=["index"])["se"].to_numpy(dtype=float)
        ratios.append(made / exact)
    assert 0.97 < np.sqrt(np.mean(np.square(ratios))) < 1.06  # the published error is rounded up
    assert np.std(ratios) < 0.25


def rounded(data: Totals, table: pd.DataFrame) -> Published:
    """Items of a scorecard as a release shows them."""
    wide = table[table["measure"].isin(ITEMS)].pivot_table(
        index="post", columns="measure", values=["estimate", "se", "df"]
    )
    estimate, se, df = (wide[name][list(ITEMS)].to_numpy() for name in ("estimate", "se", "df"))
    return Published(
        tuple(wide.index), tuple(ITEMS), np.round(estimate, 1), np.ceil(se * 10) / 10, np.floor(df),
        pooled_correlation(items_of(data)),
    )  # fmt: skip


def test_intervals_of_other_weights_cover_the_truth() -> None:
    # 200 samples of 6 posts, 8 shifts each, correlated normal shift means; all is estimated as a release would show it
    rng = np.random.default_rng(4)
    truth = rng.uniform(40, 70, (6, 4))
    spread = np.full((4, 4), 0.4) + 0.6 * np.eye(4)
    root = np.linalg.cholesky(spread) * np.array([[12.0], [8.0], [15.0], [10.0]])
    chosen = plan(framework(second="geometric"), weights={"x": 3, "second": 2})
    true_index = build(np.column_stack([truth, np.zeros(6)]), chosen.tree)[:, 0]
    hits = []
    for _ in range(200):
        shifts = truth[:, None] + rng.standard_normal((6, 8, 4)) @ root.T
        means, errors = shifts.mean(axis=1), np.ceil(10 * shifts.std(axis=1, ddof=1) / np.sqrt(8)) / 10
        pooled = np.mean([np.corrcoef(post.T) for post in shifts], axis=0)
        correlation = nearest(np.round(pooled / 0.05) * 0.05)
        items = ("x", "y", "z", "v")
        shown = Published(tuple("abcdef"), items, np.round(means, 1), errors, np.full((6, 4), 7.0), correlation)
        table = what_if(shown, chosen, measures=["index"])
        hits.append((table["low"] <= true_index) & (true_index <= table["high"]))
    share = np.concatenate(hits)
    assert stats.binomtest(int(share.sum()), share.size, 0.95, alternative="less").pvalue > 0.01
    assert share.mean() < 0.98


# What is hidden


def test_a_hidden_item_refuses_every_node_over_it_in_that_unit_alone() -> None:
    shown = published([[10, NAN, 60, 90, 5], [10, 30, 60, 90, 5]])
    table = what_if(shown, plan(framework()), measures=["index", "first", "second", "other"])
    refused = table[table["reason"] == "hidden_part"]
    assert refused[["unit", "measure"]].to_numpy().tolist() == [["u0", "index"], ["u0", "first"]]
    assert refused[["estimate", "se", "df", "low", "high"]].isna().all(axis=None)
    assert set(refused["status"]) == {"suppressed"}
    assert set(refused["band"]) == {""}


def test_a_node_that_no_longer_rests_on_the_hidden_item_is_shown() -> None:
    shown = published([[10, NAN, 60, 90, 5]])
    assert cell(what_if(shown, plan(framework(), left_out=["y"])))["estimate"] == pytest.approx((10 + 70) / 2)


def test_indices_of_which_the_release_holds_no_item_are_left_out_and_others_refused() -> None:
    shown = published([[10, 30, 60]], items="xyz")
    assert what_if(shown, plan(framework()))["measure"].tolist() == ["index"]
    assert cell(what_if(shown, plan(framework())))["reason"] == "hidden_part"  # v is not held
    with pytest.raises(RequestError, match="holds no item of index, other"):
        what_if(published([[10]], items="q"), plan(framework()))


@pytest.mark.parametrize(
    ("estimate", "se", "df", "reason"),
    [
        ([[40, 60]], [[3, NAN]], [[9, 0]], "one_psu"),
        ([[40, 60]], [[3, 4]], [[9, 0]], "one_psu"),
        ([[40, 60]], [[0, 0]], [[9, 9]], "no_spread"),
        ([[100, 100]], [[1, 1]], [[9, 9]], "near_end"),
    ],
)
def test_a_score_whose_error_cannot_be_judged_has_no_limits_and_says_why(
    estimate: list[list[float]], se: list[list[float]], df: list[list[float]], reason: str
) -> None:
    row = cell(what_if(published(estimate, se, df), plan(framework(), left_out=["second"])))
    assert (row["status"], row["reason"]) == ("undefined", reason)
    assert row["estimate"] == np.mean(estimate)
    assert np.isnan([row["low"], row["high"]]).all()


# Minima


def test_a_minimum_has_the_estimate_and_limits_of_the_weakest_part() -> None:
    shown = published([[50, 52, 70, 90]], [[3, 4, 2, 2]], r=0.3)
    chosen = plan(framework(first="minimum"))
    row = cell(what_if(shown, chosen, measures=["first"], seed=3), "first")
    covariance = np.array([[9.0, 3.6], [3.6, 16.0]])
    rng = np.random.Generator(np.random.PCG64([3, 0]))
    draws = studentised(covariance, [10.0, 10.0], count=2000, rng=rng)
    wanted = least(Joint(np.array([50.0, 52.0]), draws, np.zeros(2, dtype=bool)))
    assert [row["estimate"], row["low"], row["high"]] == pytest.approx([wanted.estimate, wanted.low, wanted.high])
    assert np.isnan([row["se"], row["df"]]).all()
    assert row["band"] == ""


def test_a_mean_above_a_minimum_has_no_limits_and_says_so() -> None:
    row = cell(what_if(published([[50, 52, 70, 90]]), plan(framework(first="minimum"))))
    assert (row["estimate"], row["reason"]) == (pytest.approx((50 + 230 / 3) / 2), "rough")
    assert np.isnan([row["low"], row["high"]]).all()


def test_a_minimum_of_a_part_without_spread_has_no_limits() -> None:
    row = cell(what_if(published([[50, 52, 70, 90]], [[0, 4, 2, 2]]), plan(framework(first="minimum"))))
    assert (row["status"], row["reason"]) == ("undefined", "rough")


# Bands


def spread_out(units: int, seed: int, *, se: float = 2.0) -> Published:
    rng = np.random.default_rng(seed)
    level = rng.normal(55, 6, (units, 1))
    return published((np.clip(level + rng.normal(0, 2, (units, 5)), 0, 100)).round(1).tolist(), se)


def test_bands_are_those_of_the_standings_against_the_side() -> None:
    shown, side = spread_out(24, 2), published([[55.0] * 5], 0.5)
    table = what_if(shown, plan(framework()), side=side, measures=["index"])
    whole = cell(what_if(side, plan(framework())))
    joint = from_figures(table["estimate"], table["se"], table["df"], seed=9)
    wanted = bands(joint, average=(whole["estimate"], whole["se"], whole["df"]))
    assert table["band"].tolist() == wanted.tolist()
    assert set(table["band"]) == {"below", "not_distinguishable", "above"}


def test_without_a_side_bands_are_called_against_the_mean_of_the_units() -> None:
    table = what_if(published([[20.0] * 5, [50.0] * 5, [51.0] * 5, [80.0] * 5]), plan(framework()), measures=["index"])
    assert table["band"].tolist() == ["below", "not_distinguishable", "not_distinguishable", "above"]


@given(seed=st.integers(0, 2**32 - 1), units=st.integers(2, 30))
def test_the_margin_of_a_unit_calls_the_same_band(seed: int, units: int) -> None:
    chosen = plan(framework())
    parts = scored(spread_out(units, seed), chosen)
    line = lines_of(parts, chosen, [0], side=None, level=0.95)[0]
    off = parts.value[:, 5] - line.average
    called = np.select([off < -line.margin, off > line.margin], ["below", "above"], "not_distinguishable")
    assert called.tolist() == line.band.tolist()


def test_a_single_unit_has_no_band_without_its_side() -> None:
    assert cell(what_if(published([[40.0] * 5]), plan(framework())))["band"] == ""


@given(order=st.permutations(range(6)))
@settings(max_examples=20)
def test_the_order_of_units_changes_nothing(order: list[int]) -> None:
    shown = spread_out(6, 5)
    turned = Published(
        tuple(shown.units[place] for place in order), shown.items,
        shown.estimate[order], shown.se[order], shown.df[order], shown.correlation,
    )  # fmt: skip
    first, second = (what_if(part, plan(framework())).sort_values(["unit", "measure"]) for part in (shown, turned))
    pd.testing.assert_frame_equal(first.reset_index(drop=True), second.reset_index(drop=True))


def test_the_order_of_items_and_items_that_no_index_uses_change_nothing() -> None:
    shown = arranged(spread_out(3, 6), tuple("xyzvt"))
    turned = arranged(shown, ("t", "q", "v", "x", "z", "y"))
    pd.testing.assert_frame_equal(what_if(shown, plan(framework())), what_if(turned, plan(framework())))


# The correlation


def test_pooled_correlation_finds_what_shifts_have_in_common() -> None:
    # a shift has a mood of variance 0.25 and 8 people of variance 1, 1/12 more by rounding: r = 0.25 / (0.25 + 0.135)
    data = reduce(survey(40, 12, seed=3), framework(), DESIGN, facets=[("post",)])
    matrix = pooled_correlation(items_of(data))
    off = matrix[~np.eye(5, dtype=bool)]
    assert off.mean() == pytest.approx(0.25 / (0.25 + (1 + 1 / 12) / 8), abs=0.05)
    assert np.allclose(off * 20, np.round(off * 20))


def test_pooled_correlation_weighs_units_by_their_df_and_leaves_out_those_without() -> None:
    frame = survey(2, 9, seed=5)
    frame = frame[(frame["post"] == "post00") | (frame["shift"] < 5)]
    both, first, second = (
        pooled_correlation(items_of(reduce(part, framework(), DESIGN, facets=[("post",)])), step=1e-9)
        for part in (frame, frame[frame["post"] == "post00"], frame[frame["post"] == "post01"])
    )
    assert both == pytest.approx((8 * first + 4 * second) / 12, abs=1e-6)
    lonely = replace(DESIGN, lonely="adjust")
    third = survey(1, 1, seed=6).assign(post="post02")
    more = reduce(pd.concat([frame, third]), framework(), lonely, facets=[("post",)])
    assert pooled_correlation(items_of(more), step=1e-9) == pytest.approx(both, abs=1e-6)


def test_without_two_shifts_anywhere_there_is_no_correlation() -> None:
    data = reduce(survey(3, 1, seed=1), framework(), replace(DESIGN, lonely="certainty"), facets=[("post",)])
    with pytest.raises(EstimationError, match=r"too few units have two shifts.*pool more units"):
        pooled_correlation(items_of(data))


def test_nearest_clips_the_negative_eigenvalue_of_a_matrix_that_is_no_correlation() -> None:
    # 1, 0.9, 0.9 / 0.9, 1, 0.1: eigenvalues 1.05 +- ..., one negative; the clipped one is singular
    broken = np.array([[1, 0.9, 0.9], [0.9, 1, 0.1], [0.9, 0.1, 1]])
    spectrum, vectors = np.linalg.eigh(broken)
    assert spectrum[0] < 0
    mended = nearest(broken)
    clipped = vectors[:, 1:] @ np.diag(spectrum[1:]) @ vectors[:, 1:].T
    scale = np.sqrt(np.diag(clipped))
    assert mended == pytest.approx(clipped / np.outer(scale, scale))
    assert np.linalg.eigvalsh(mended)[0] == pytest.approx(0, abs=1e-12)


@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 12))
def test_nearest_is_a_correlation_and_leaves_one_alone(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    given_ = rng.uniform(-1, 1, (k, k)).round(2)
    matrix = nearest((given_ + given_.T) / 2 * (1 - np.eye(k)) + np.eye(k))
    assert (np.diag(matrix) == 1).all()
    assert (matrix == matrix.T).all()
    assert np.linalg.eigvalsh(matrix)[0] > -1e-9
    assert nearest(matrix) == pytest.approx(matrix, abs=1e-7)


# What is refused


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"weights": {"q": 1}}, "no part 'q'; its parts are x, y"),
        ({"left_out": ["q"]}, "no part 'q'"),
        ({"weights": {"x": -1}}, "weight of 'x' is -1"),
        ({"weights": {"x": NAN}}, "weight of 'x' is nan"),
        ({"left_out": ["t"]}, "nothing is left of 'other'"),
        ({"left_out": ["first", "second"]}, "nothing is left of 'index'"),
        ({"aggregation": {"q": "geometric"}}, "'q' is no index or dimension; there are index"),
    ],
)
def test_a_plan_that_makes_no_index_is_refused(choices: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        plan(framework(), **choices)  # type: ignore[arg-type]


def test_a_mean_of_respondents_indices_has_no_what_if() -> None:
    with pytest.raises(RequestError, match="mean of respondents' indices"):
        plan(replace(framework(), estimand="mean_of_indices"))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("units", ("u0", "u0"), "unit 'u0' stands twice"),
        ("items", ("x", "x"), "item 'x' stands twice"),
        ("estimate", np.zeros((2, 3)), r"estimate has shape \(2, 3\)"),
        ("estimate", np.array([[10.0, 20.0], [10.0, 101.0]]), "estimate of 'y' in 'u1' is 101"),
        ("se", np.array([[1.0, 1.0], [-1.0, 1.0]]), "se of 'x' in 'u1' is -1"),
        ("df", np.full((2, 2), -1.0), "df of 'x' in 'u0' is -1"),
        ("correlation", np.eye(3), r"correlation has shape \(3, 3\)"),
        ("correlation", np.array([[1.0, 0.5], [0.4, 1.0]]), "not symmetric"),
        ("correlation", np.array([[1.0, 1.5], [1.5, 1.0]]), "negative eigenvalue"),
    ],
)
def test_published_figures_that_contradict_themselves_are_refused(field: str, value: object, message: str) -> None:
    shown = published([[10, 20], [30, 40]])
    with pytest.raises(RequestError, match=message):
        replace(shown, **{field: value})  # type: ignore[arg-type]


def test_an_unknown_measure_and_a_side_of_two_units_are_refused() -> None:
    shown, chosen = published([[40.0] * 5, [50.0] * 5]), plan(framework())
    with pytest.raises(RequestError, match="'q' is no index or dimension"):
        what_if(shown, chosen, measures=["q"])
    with pytest.raises(RequestError, match="the side has 2 units"):
        what_if(shown, chosen, side=shown)
