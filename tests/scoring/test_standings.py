"""Ranks, bands, groups and weakest parts: by hand, by law, beside csranks, and whether they hold the truth."""

import os
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scoring.errors import EstimationError, RequestError
from scoring.families import pairs, told_apart
from scoring.groups import groups
from scoring.joint import Joint, from_figures
from scoring.ranks import studentised
from scoring.standings import RankSets, bands, least, rank_sets, standings, weakest

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
ENDURANCE = os.environ.get("SARHAD_ENDURANCE") == "1"
law = settings(max_examples=15, deadline=None, derandomize=True, database=None)
POSTS = 24
EXACT = 1e9  # df of figures whose errors are known

#: Mathematics in PISA 2018, OECD countries by name from Australia to the United States: score and standard error as in
#: the data set `pisa2018` of R csranks.
PISA = np.array([
    491.3600, 498.9423, 508.0703, 512.0169, 417.4066, 390.9323, 499.4677, 509.3984, 523.4146, 507.3014, 495.4076,
    500.0438, 451.3703, 481.0826, 495.1874, 499.6329, 463.0345, 486.5899, 526.9733, 525.9330, 496.1263, 481.1912,
    483.4215, 408.8015, 519.2310, 494.4897, 500.9638, 515.6479, 492.4874, 486.1649, 508.8975, 481.3926, 502.3877,
    515.3147, 453.5078, 501.7699, 478.2447,
])  # fmt: skip
PISA_SE = np.array([
    1.939833, 2.970999, 2.262662, 2.357476, 2.415888, 2.989559, 2.460662, 1.735002, 1.743602, 1.967920, 2.320214,
    2.647083, 3.091228, 2.319597, 1.953083, 2.198621, 3.498563, 2.780046, 2.471475, 3.121394, 1.962767, 1.953282,
    1.097632, 2.493226, 2.632278, 1.705943, 2.219045, 2.602085, 2.684570, 2.555596, 1.363878, 1.462418, 2.654251,
    2.908004, 2.260407, 2.564428, 3.235444,
])  # fmt: skip
CHILE, COLOMBIA, GERMANY, KOREA, MEXICO, UNITED_KINGDOM = 4, 5, 11, 19, 23, 35

#: Confidence sets by the algorithm of csranks (`csdiffmeans` with stepdown, read there and run in R 4.2.2 with 20,000
#: normal draws and seed 101), by kind and level.
CSRANKS = {
    ("joint", 0.95): (
        "12 7 4 3 35 37 7 4 1 4 12 7 32 23 12 8 31 15 1 1 12 23 23 35 1 12 7 1 12 18 4 24 5 1 32 6 23",
        "30 26 18 17 36 37 25 18 6 18 26 25 34 31 26 25 34 31 6 7 26 31 31 36 11 26 24 12 31 31 18 31 24 13 34 24 32",
    ),
    ("marginal", 0.95): (
        "15 10 5 4 35 37 10 5 1 5 12 10 32 25 12 10 32 19 1 1 12 25 25 35 1 12 10 2 12 20 5 25 7 2 32 7 25",
        "26 24 18 12 36 37 24 14 6 18 26 24 34 31 26 24 34 31 4 6 25 31 31 36 7 26 23 11 26 31 14 31 23 11 34 23 31",
    ),
    ("joint", 0.75): (
        "15 8 5 4 35 37 10 4 1 5 12 8 32 25 12 10 32 18 1 1 12 25 24 35 1 12 8 1 12 19 5 25 7 1 32 7 25",
        "26 25 18 13 36 37 24 16 6 18 26 24 34 31 26 24 34 31 6 6 26 31 31 36 8 26 23 11 27 31 16 31 23 11 34 23 31",
    ),
}


def certain(values: npt.ArrayLike, se: npt.ArrayLike, **options: Any) -> Joint:
    """Figures with standard errors that are known."""
    value = np.asarray(values, dtype=np.float64)
    return from_figures(value, np.broadcast_to(se, value.shape), np.full(value.size, EXACT), **({"seed": 1} | options))


def surveyed(truth: Floats, shifts: int, seed: int, *, sd: Floats | float = 1.0, count: int = 119) -> Joint:
    """One survey of posts with some shifts each."""
    x = truth[:, None] + np.asarray(sd)[..., None] * np.random.default_rng(seed).normal(size=(truth.size, shifts))
    se = x.std(axis=1, ddof=1) / np.sqrt(shifts)
    return from_figures(x.mean(axis=1), se, np.full(truth.size, shifts - 1.0), seed=seed, count=count)


def is_refuted(hits: list[bool] | Flags, level: float = 0.95) -> bool:
    return bool(stats.binomtest(int(np.sum(hits)), len(hits), level, alternative="less").pvalue < 0.01)


def width(sets: RankSets) -> float:
    return float((sets.high - sets.low + 1).mean())


def bonferroni(joint: Joint) -> RankSets:
    """Sets by Bonferroni over all pairs, with the same standard errors and Welch's df of the same variances."""
    first, second = np.triu_indices(POSTS, 1)
    v, df, one = np.diag(joint.draws.covariance), joint.draws.df, joint.draws.pooled
    each = (v[first] + v[second]) ** 2 / (v[first] ** 2 / df[first] + v[second] ** 2 / df[second])
    limit = stats.t.isf(0.025 / first.size, np.where(one[first] & one[second], df[first], each))
    t = (joint.values[first] - joint.values[second]) / np.sqrt(v[first] + v[second])
    signs = np.zeros((POSTS, POSTS))
    signs[first, second] = np.sign(t) * (np.abs(t) > limit)
    signs -= signs.T
    return RankSets(np.array([]), 1 + (signs < 0).sum(axis=1), POSTS - (signs > 0).sum(axis=1))


def spoken(sets: RankSets) -> list[tuple[int, int]]:
    return list(zip(sets.low.tolist(), sets.high.tolist(), strict=True))


# Beside R


@pytest.mark.parametrize(("kind", "level"), CSRANKS)
def test_rank_sets_with_known_errors_are_those_of_csranks(kind: Any, level: float) -> None:
    low, high = (np.array(text.split(), dtype=np.int64) for text in CSRANKS[kind, level])
    sets = rank_sets(certain(PISA, PISA_SE, count=10_000), level=level, kind=kind)
    # both are simulated: single ranks at the very limit may fall to either side
    assert np.abs(np.concatenate([sets.low - low, sets.high - high])).max() <= 1
    assert (np.concatenate([sets.low != low, sets.high != high])).mean() < 0.06


def test_published_examples_of_csranks_are_met() -> None:
    joint = certain(PISA, PISA_SE, count=10_000)
    alone = rank_sets(joint, kind="marginal")
    assert alone.rank[UNITED_KINGDOM] == 13
    assert abs(alone.low[UNITED_KINGDOM] - 8) <= 1
    assert alone.high[UNITED_KINGDOM] == 23
    together = rank_sets(joint)
    last = [CHILE, COLOMBIA, MEXICO]
    assert together.low[last].min() > np.delete(together.high, last).max()
    assert together.high[KOREA] >= together.low[GERMANY] == 7
    loose = rank_sets(joint, level=0.75)
    assert loose.high[KOREA] < loose.low[GERMANY]


# By hand


def test_two_posts_far_apart_are_told_apart_and_two_close_ones_are_not() -> None:
    assert spoken(rank_sets(certain([90.0, 50.0, 49.0], 1.0))) == [(1, 1), (2, 3), (2, 3)]


def test_lowest_may_be_best() -> None:
    sets = rank_sets(certain([90.0, 50.0, 49.0], 1.0), best="lowest")
    assert sets.rank.tolist() == [3, 2, 1]
    assert spoken(sets) == [(3, 3), (1, 2), (1, 2)]


def test_equal_scores_share_the_best_of_their_places() -> None:
    sets = rank_sets(certain([70.0, 50.0, 70.0, 70.0], 1.0))
    assert sets.rank.tolist() == [1, 4, 1, 1]
    assert spoken(sets) == [(1, 3), (4, 4), (1, 3), (1, 3)]


def test_one_post_has_the_first_rank() -> None:
    alone = certain([70.0], 1.0)
    assert spoken(rank_sets(alone)) == [(1, 1)]
    assert spoken(rank_sets(alone, kind="marginal")) == [(1, 1)]
    assert groups(alone) == [(0,)]
    assert bands(alone).tolist() == ["not_distinguishable"]
    assert weakest(alone).tolist() == [True]


def test_a_chain_of_posts_makes_groups_that_overlap() -> None:
    assert groups(certain([3.0, 0.0, 6.0], 1.0)) == [(2, 0), (0, 1)]


def test_posts_that_differ_stand_alone_and_equal_ones_together() -> None:
    assert groups(certain([10.0, 20.0, 30.0], 1.0)) == [(2,), (1,), (0,)]
    assert groups(certain([10.0, 10.0, 10.0], 1.0)) == [(0, 1, 2)]


def test_an_uncertain_post_stands_with_all_and_the_others_apart() -> None:
    assert groups(certain([10.0, 20.0, 15.0], [1.0, 1.0, 9.0])) == [(1, 2), (2, 0)]


def test_more_groups_than_anybody_reads_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.groups.MOST", 1)
    with pytest.raises(EstimationError, match="show rank sets instead"):
        groups(certain([3.0, 0.0, 6.0], 1.0))


def test_bands_are_of_the_weighted_average() -> None:
    joint = certain([50.0, 60.0, 70.0], 1.0)
    assert bands(joint).tolist() == ["below", "not_distinguishable", "above"]
    assert bands(joint, weights=[0.0, 9.0, 1.0]).tolist() == ["below", "below", "above"]
    assert bands(joint, weights=[1.0, 0.0, 0.0]).tolist() == ["not_distinguishable", "above", "above"]


def test_a_post_that_is_most_of_its_side_is_not_told_from_the_average_by_its_own_error() -> None:
    # the average is 0.9 of the first post: their difference has an error of 0.1 * sqrt(2), not sqrt(1 + 0.82)
    joint = certain([50.0, 56.0], 1.0)
    assert bands(joint, weights=[9.0, 1.0]).tolist() == ["below", "above"]
    assert bands(joint, average=(50.6, np.sqrt(0.82), EXACT)).tolist() == ["not_distinguishable", "above"]


def test_bands_of_a_shown_average_step_down_by_holm() -> None:
    # two-sided limits of t = 2.24 for the first of two and, one direction refuted, 2.13 for the rest
    joint = certain([52.25, 52.15], 1.0)
    assert bands(joint, average=(50.0, 0.0, EXACT)).tolist() == ["above", "above"]
    assert bands(certain([52.2, 52.15], 1.0), average=(50.0, 0.0, EXACT)).tolist() == ["not_distinguishable"] * 2


def test_a_part_is_excluded_as_the_weakest_where_another_is_surely_below_it() -> None:
    assert weakest(certain([40.0, 42.0, 60.0], 1.0)).tolist() == [True, True, False]
    # one sided: 2.326 of a difference with error sqrt(2) at 1 %, here 1.645 at 5 %
    assert weakest(certain([40.0, 42.2], 1.0, count=20_000)).tolist() == [True, True]
    assert weakest(certain([40.0, 42.5], 1.0, count=20_000)).tolist() == [True, False]


def test_one_part_far_below_the_others_gives_its_own_t_interval() -> None:
    found = least(from_figures([40.0, 80.0, 90.0], [2.0, 1.0, 1.0], [12.0, 15.0, 30.0], seed=1))
    assert found.estimate == 40.0
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 12, 40.0, 2.0))


def test_least_of_two_equal_parts_by_hand() -> None:
    found = least(certain([40.0, 40.5], 1.0, count=20_000))
    # P(max of two normal errors <= k) = Phi(k)^2
    assert found.high == pytest.approx(40 + stats.norm.ppf(np.sqrt(0.975)), abs=0.05)
    assert found.low == pytest.approx(40 - stats.norm.ppf(0.975))
    assert found.estimate == pytest.approx(min(40 + stats.norm.ppf(np.sqrt(0.5)), 40.5), abs=0.02)


def test_equal_parts_give_themselves() -> None:
    assert least(certain([0.0, 0.0, 0.0], 1.0)).estimate == 0.0


# The table


def figures() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "estimate": [70.0, np.nan, 50.0, 49.0, 60.0],
            "se": [1.0, np.nan, 1.0, 1.0, 0.0],
            "df": [30.0, np.nan, 30.0, 5.0, 8.0],
            "crossings": [10, 5, 0, 0, 7],
        },
        index=["a", "b", "c", "d", "d"],
    )


def test_masked_units_are_not_ranked_and_not_counted() -> None:
    table = standings(figures(), seed=1)
    assert table["reason"].tolist() == ["", "not_ranked", "", "", "not_ranked"]
    assert table["rank"].tolist() == [1, None, 2, 3, None]
    assert table["rank_high"].tolist() == [1, None, 3, 3, None]
    assert table["rank_alone_low"].tolist() == [1, None, 2, 2, None]
    assert table["groups"].tolist() == [(1,), None, (2,), (2,), None]
    assert table["borrowed"].tolist() == [False, None, False, False, None]
    assert table.index.tolist() == ["a", "b", "c", "d", "d"]


def test_table_has_bands_by_crossings_or_the_shown_average() -> None:
    assert standings(figures(), seed=1, weights="crossings")["band"][:3].tolist() == [
        "not_distinguishable", None, "below",
    ]  # fmt: skip
    assert standings(figures(), seed=1, average=(50.0, 0.5, 60.0))["band"][:3].tolist() == [
        "above", None, "not_distinguishable",
    ]  # fmt: skip


def test_table_numbers_groups_from_the_best() -> None:
    assert standings(figures(), seed=1, best="lowest")["groups"].tolist() == [(2,), None, (1,), (1,), None]


def test_table_of_masked_units_alone_ranks_nobody() -> None:
    table = standings(figures().iloc[1:2], seed=1)
    assert table["reason"].tolist() == ["not_ranked"]
    assert table["rank"].isna().all()


# Laws

scores = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 9), st.integers(2, 30)), min_size=2, max_size=9)


def drawn(rows: list[tuple[int, int, int]]) -> tuple[Floats, Floats, Floats]:
    values, se, df = np.array(rows, dtype=np.float64).T
    return values, se, df


@law
@given(scores)
def test_ranks_are_inside_their_sets_and_sets_inside_the_ranks(rows: list[tuple[int, int, int]]) -> None:
    joint = from_figures(*drawn(rows), seed=1, count=199)
    together, alone = rank_sets(joint), rank_sets(joint, kind="marginal")
    for sets in (together, alone):
        assert ((sets.low >= 1) & (sets.low <= sets.rank) & (sets.rank <= sets.high) & (sets.high <= len(rows))).all()
    assert (together.low <= alone.low).all()
    assert (together.high >= alone.high).all()


@law
@given(scores, st.randoms(use_true_random=False))
def test_the_order_of_posts_permutes_all_that_is_said_of_them(rows: list[tuple[int, int, int]], random: Any) -> None:
    rows = list(dict.fromkeys(rows))
    order = list(range(len(rows)))
    random.shuffle(order)
    plain, turned = (from_figures(*drawn(each), seed=1, count=199) for each in (rows, [rows[i] for i in order]))
    assert spoken(rank_sets(turned)) == [spoken(rank_sets(plain))[i] for i in order]
    assert bands(turned).tolist() == bands(plain)[order].tolist()
    assert weakest(turned).tolist() == weakest(plain)[order].tolist()
    assert {frozenset(order[i] for i in members) for members in groups(turned)} == set(map(frozenset, groups(plain)))
    assert least(turned) == least(plain)


@law
@given(scores, st.integers(-50, 50))
def test_a_constant_added_to_all_changes_no_standing(rows: list[tuple[int, int, int]], constant: int) -> None:
    values, se, df = drawn(rows)
    plain, moved = (from_figures(each, se, df, seed=1, count=199) for each in (values, values + constant))
    assert spoken(rank_sets(moved)) == spoken(rank_sets(plain))
    assert groups(moved) == groups(plain)
    assert bands(moved).tolist() == bands(plain).tolist()
    assert least(moved).low == pytest.approx(least(plain).low + constant)
    assert least(moved).estimate == pytest.approx(least(plain).estimate + constant)


@law
@given(scores)
def test_two_posts_share_a_group_where_they_cannot_be_told_apart_and_only_there(
    rows: list[tuple[int, int, int]],
) -> None:
    joint = from_figures(*drawn(rows), seed=1, count=199)
    sets = groups(joint)
    together = {frozenset((i, j)) for members in sets for i in members for j in members if i != j}
    sets_of_ranks = rank_sets(joint)
    apart_of = (sets_of_ranks.low - 1) + (len(rows) - sets_of_ranks.high)
    assert [len(rows) - 1 - sum(i in pair for pair in together) for i in range(len(rows))] == apart_of.tolist()
    assert not any(set(one) < set(other) for one in sets for other in sets)


@law
@given(scores)
def test_the_least_lies_between_the_parts_and_inside_its_interval(rows: list[tuple[int, int, int]]) -> None:
    values, se, df = drawn(rows)
    found = least(from_figures(values, se, df, seed=1, count=199))
    assert values.min() <= found.estimate <= values.max()
    assert found.low < values.min() <= found.estimate <= found.high


@law
@given(scores)
def test_the_smallest_part_is_never_excluded_as_the_weakest(rows: list[tuple[int, int, int]]) -> None:
    joint = from_figures(*drawn(rows), seed=1, count=199)
    assert weakest(joint)[joint.values == joint.values.min()].all()


# Do they hold the truth? 1,000 surveys each under SARHAD_ENDURANCE

EQUAL = np.full(POSTS, 50.0)
SPREAD = np.linspace(50.0, 54.0, POSTS)
UNLIKE = np.linspace(1.0, 3.0, POSTS)[np.arange(POSTS) * 7 % POSTS]
FULL = 1_000


@pytest.mark.parametrize("shifts", [4, 8, 16])
@pytest.mark.parametrize(
    ("truth", "sd", "samples"),
    [(EQUAL, 1.0, 400), (SPREAD, 1.0, 200), (EQUAL, UNLIKE, 200)],
    ids=["equal", "spread", "equal, of unlike variance"],
)
def test_joint_coverage_of_rank_sets_is_not_refuted_and_bonferroni_is_not_narrower(
    truth: Floats, sd: Floats | float, samples: int, shifts: int
) -> None:
    best = 1 + (truth > truth[:, None]).sum(axis=1)
    worst = (truth >= truth[:, None]).sum(axis=1)
    hits, ours, theirs = [], 0.0, 0.0
    for seed in range(FULL if ENDURANCE else samples):
        joint = surveyed(truth, shifts, seed, sd=sd)
        sets = rank_sets(joint)
        hits.append(bool(((sets.low <= best) & (sets.high >= worst)).all()))
        ours, theirs = ours + width(sets), theirs + width(bonferroni(joint))
    assert not is_refuted(hits)
    assert ours <= theirs


def test_rank_sets_from_the_variances_of_few_shifts_taken_as_known_would_be_refuted() -> None:
    hits = []
    for seed in range(100):
        joint = surveyed(EQUAL, 4, seed)
        x = EQUAL[:, None] + np.random.default_rng(seed).normal(size=(POSTS, 4))
        sets = rank_sets(certain(joint.values, x.std(axis=1, ddof=1) / 2, seed=seed, count=119))
        hits.append(bool(width(sets) == POSTS))
    assert is_refuted(hits)


def test_coverage_of_a_single_rank_set_is_not_refuted() -> None:
    sets = [rank_sets(surveyed(EQUAL, 8, seed), kind="marginal") for seed in range(150)]
    assert not is_refuted([each.low[5] == 1 and each.high[5] == POSTS for each in sets])


@pytest.mark.parametrize("average", [False, True], ids=["weights", "shown average"])
def test_no_post_of_an_even_side_is_banded_beyond_chance(*, average: bool) -> None:
    weights, quiet = np.arange(1.0, 13.0) / 78, []
    for seed in range(200):
        joint = surveyed(EQUAL[:12], 8, seed, count=199)
        v = np.diag(joint.draws.covariance)
        side = (float(weights @ joint.values), float(np.sqrt(weights**2 @ v)), 40.0)
        found = bands(joint, average=side) if average else bands(joint, weights=weights)
        quiet.append(bool((found == "not_distinguishable").all()))
    assert not is_refuted(quiet)


@pytest.mark.parametrize("shifts", [4, 16])
def test_interval_of_a_minimum_of_six_equal_parts_covers_and_is_not_wide(shifts: int) -> None:
    hits, held, ours, delta = [], [], 0.0, 0.0
    for seed in range(FULL if ENDURANCE else 200):
        joint = surveyed(np.zeros(6), shifts, seed, count=399)
        found, smallest = least(joint), joint.values.argmin()
        hits.append(found.low <= 0 <= found.high)
        held.append(bool(weakest(joint)[0]))
        ours += found.high - found.low
        x = np.random.default_rng(seed).normal(size=(6, shifts))
        delta += 2 * stats.t.isf(0.025, shifts - 1) * x.std(axis=1, ddof=1)[smallest] / np.sqrt(shifts)
    assert not is_refuted(hits)
    assert not is_refuted(held)
    assert ours <= 1.6 * delta


@pytest.mark.parametrize("correlation", [0.3, 0.9])
def test_interval_of_a_minimum_of_six_parts_of_the_same_people_covers_and_is_not_wide(correlation: float) -> None:
    mix = np.linalg.cholesky(np.full((6, 6), correlation) + (1 - correlation) * np.eye(6))
    hits, ours, delta = [], 0.0, 0.0
    for seed in range(FULL if ENDURANCE else 60):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(8, 6)) @ mix.T
        draws = studentised(np.cov(x.T) / 8, np.full(6, 7.0), count=199, rng=rng)
        found = least(Joint(x.mean(axis=0), draws, np.zeros(6, dtype=np.bool_)))
        hits.append(found.low <= 0 <= found.high)
        ours += found.high - found.low
        delta += 2 * stats.t.isf(0.025, 7) * float(np.sqrt(draws.covariance.diagonal()[x.mean(axis=0).argmin()]))
    assert not is_refuted(hits)
    assert ours <= 1.6 * delta


# What is refused


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0, 1.0], [0.0, 0.0, 0.0], [1.0, np.nan, 1.0]])
def test_weights_that_do_not_fit_are_refused(weights: list[float]) -> None:
    with pytest.raises(RequestError, match="3 numbers of 0 or more"):
        bands(certain([1.0, 2.0, 3.0], 1.0), weights=weights)


def test_a_call_that_is_wrong_says_how() -> None:
    joint = certain([1.0, 2.0], 1.0)
    with pytest.raises(RequestError, match="joint, marginal"):
        rank_sets(joint, kind="both")
    with pytest.raises(RequestError, match="highest, lowest"):
        rank_sets(joint, best="first")
    with pytest.raises(RequestError, match="given twice"):
        bands(joint, weights=[1.0, 1.0], average=(1.0, 1.0, 5.0))
    with pytest.raises(RequestError, match="no column 'crossings'"):
        standings(figures()[["estimate", "se", "df"]], seed=1, weights="crossings")
    with pytest.raises(RequestError, match="between 0 and 1"):
        bands(joint, average=(1.0, 1.0, 5.0), level=1.0)


@pytest.mark.parametrize("average", [(np.nan, 1.0, 5.0), (1.0, np.nan, 5.0), (1.0, 1.0, 0.0)])
def test_an_average_that_is_no_figure_is_refused(average: tuple[float, float, float]) -> None:
    with pytest.raises(EstimationError, match="give weights instead"):
        bands(certain([1.0, 2.0], 1.0), average=average)


def test_a_joint_set_of_the_weakest_leaves_out_only_what_is_surely_above_another() -> None:
    values = np.array([40.0, 52.0, 44.0, 60.0])
    joint = from_figures(values, np.full(4, 2.0), np.full(4, 40.0), seed=3)
    signs = told_apart(pairs(joint, level=0.98)[2], 4, level=0.98)
    kept = weakest(joint, kind="joint", level=0.98)
    assert kept.tolist() == [not (signs[part] > 0).any() for part in range(4)]
    assert kept.tolist() == [True, False, True, False]
    assert (weakest(joint, level=0.98) <= kept).all()


def test_a_joint_set_holds_all_of_several_equal_links_as_often_as_it_says() -> None:
    lost = {"joint": 0, "marginal": 0}
    rng = np.random.default_rng(11)
    for number in range(200):
        joint = from_figures(rng.normal(50, 2, size=6), np.full(6, 2.0), np.full(6, 200.0), seed=number)
        for kind in ("joint", "marginal"):
            lost[kind] += not weakest(joint, kind=kind).all()
    assert stats.binomtest(lost["joint"], 200, 0.05, alternative="greater").pvalue > 0.01
    assert lost["marginal"] > lost["joint"]
