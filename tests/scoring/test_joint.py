"""Scores judged together: from shown figures and from exact estimates, by hand, by law, against simulated samples."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from scoring import Resampling, SurveyDesign
from scoring.errors import EstimationError, RequestError
from scoring.estimates import Estimates, covariance
from scoring.families import Family, directions, family, freedom, pairs, quantile, simultaneous
from scoring.figures import Rules
from scoring.joint import Joint, from_estimates, from_figures, smoothed
from scoring.measured import measure
from scoring.ranks import studentised
from scoring.variables import Wanted

Floats = npt.NDArray[np.float64]
DESIGN = SurveyDesign(weight="w", strata="stratum", psu="psu")
law = settings(max_examples=15, deadline=None, derandomize=True, database=None)


def chance(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def own(values: Floats, se: Floats, df: Floats, **options: Any) -> Joint:
    return from_figures(values, se, df, **({"seed": 1, "borrowing": "own"} | options))


def survey(posts: int = 4, *, strata: int = 2, shifts: int = 4, people: int = 3, seed: int = 1) -> pd.DataFrame:
    """Every post with strata of its own; three answers that a shift and a person have in common."""
    rng = chance(seed)
    post, stratum, shift, _ = (
        axis.ravel() for axis in np.indices((posts, strata, shifts, people), dtype=np.int64).reshape(4, -1)
    )
    shift_effect = rng.normal(size=(posts, strata, shifts, 1)) + rng.normal(size=(posts, strata, shifts, 3))
    answers = 50 + 5 * shift_effect[post, stratum, shift] + rng.normal(size=(post.size, 3))
    names = [f"{p}-{s}" for p, s in zip(post, stratum, strict=True)]
    frame = pd.DataFrame(answers, columns=["a", "b", "c"])
    return frame.assign(
        post=post, stratum=names, psu=[f"{name}-{k}" for name, k in zip(names, shift, strict=True)], w=1.0 + 2 * stratum
    )


def estimates(
    frame: pd.DataFrame, design: SurveyDesign = DESIGN, *, by: tuple[str, ...] = (), **kind: Any
) -> Estimates:
    return measure(frame, design, Wanted(mean=("a", "b", "c"), by=by), rules=Rules(), **kind).estimates


# Shown figures


def test_shown_figures_have_the_law_of_the_studentised_bootstrap() -> None:
    se, df = np.array([1.0, 2.0, 3.0, 1.5]), np.array([3.0, 5.0, 8.0, 30.0])
    ours = own(np.zeros(4), se, df, count=10_000).draws
    theirs = studentised(np.diag(se**2), df, count=10_000, rng=chance())
    contrasts = np.eye(4)[[0, 0, 1]] - np.eye(4)[[1, 3, 2]]
    largest = [np.abs(draws.statistics(contrasts)).max(axis=1) for draws in (ours, theirs)]
    assert stats.ks_2samp(*largest).pvalue > 0.01


def test_one_seed_gives_one_set_of_draws() -> None:
    figures = (np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.array([5.0, 5.0]))
    one, same, other = (own(*figures, seed=seed).draws.deviations for seed in (5, 5, 6))
    assert (one == same).all()
    assert (one != other).all()


def test_units_in_another_order_get_their_own_draws_again() -> None:
    values, se, df = chance().normal(size=(3, 7)) ** 2 + 1
    order = np.array([3, 0, 6, 1, 5, 2, 4])
    plain, turned = own(values, se, df), own(values[order], se[order], df[order])
    assert (turned.draws.deviations == plain.draws.deviations[:, order]).all()
    assert (turned.draws.factors == plain.draws.factors[:, order]).all()


def test_units_of_few_df_borrow_and_are_marked_and_the_others_keep_their_variance() -> None:
    joint = from_figures([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], [3.0, 4.0, 10.0], seed=1)
    assert joint.borrowed.tolist() == [True, True, False]
    assert joint.draws.covariance[2, 2] == 16.0
    assert joint.draws.df[2] == 10.0
    assert (joint.draws.df[:2] > [3, 4]).all()


def test_a_unit_that_is_alone_with_few_df_borrows_from_nobody() -> None:
    joint = from_figures([1.0, 2.0], [1.0, 2.0], [3.0, 40.0], seed=1)
    assert not joint.borrowed.any()
    assert np.diag(joint.draws.covariance) == pytest.approx([1.0, 4.0])


def test_pooled_variance_is_weighted_by_df_and_carried_by_the_psus() -> None:
    joint = from_figures(
        [1.0, 2.0, 3.0], np.sqrt([1.0, 3.0, 5.0]), [3.0, 1.0, 40.0], seed=1, borrowing="pooled", units=[4.0, 2.0, 41.0]
    )
    per_psu = (3 * 1 * 4 + 1 * 3 * 2) / 4
    assert np.diag(joint.draws.covariance) == pytest.approx([per_psu / 4, per_psu / 2, 5.0])
    assert joint.draws.df.tolist() == [4.0, 4.0, 40.0]
    assert (joint.draws.factors[:, 0] == joint.draws.factors[:, 1]).all()


def test_units_of_the_same_figures_have_draws_of_their_own_unless_all_is_pooled() -> None:
    few = from_figures(np.zeros(3), np.ones(3), np.full(3, 3.0), seed=1).draws
    many = from_figures(np.zeros(24), np.ones(24), np.full(24, 3.0), seed=1).draws
    assert (few.factors[:, 0] != few.factors[:, 1]).all()
    assert (many.factors[:, 0] == many.factors[:, 1]).all()
    assert (many.deviations[:, 0] != many.deviations[:, 1]).all()


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (([1.0, np.nan], [1.0, 1.0], [5.0, 5.0]), "score 1 has no estimate"),
        (([1.0, 2.0], [0.0, 1.0], [5.0, 5.0]), "score 0 has no standard error above 0"),
        (([1.0, 2.0], [1.0, 1.0], [5.0, 0.0]), "score 1 has no df above 0"),
    ],
)
def test_a_figure_that_is_missing_is_named(figures: Any, words: str) -> None:
    with pytest.raises(EstimationError, match=words):
        from_figures(*figures, seed=1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"se": [1.0]}, "shapes"),
        ({"count": 99}, "at least 100"),
        ({"borrowing": "some"}, "smoothed, pooled, own"),
        ({"units": [1.0]}, "units"),
        ({"units": [1.0, 0.0]}, "units"),
    ],
)
def test_a_call_that_is_wrong_says_how(options: dict[str, Any], words: str) -> None:
    call = {"estimate": [1.0, 2.0], "se": [1.0, 1.0], "df": [5.0, 5.0], "seed": 1} | options
    with pytest.raises(RequestError, match=words):
        from_figures(**call)


# Smoothing


def test_variances_that_are_alike_are_pooled() -> None:
    spread, df = smoothed(np.full(24, 2.0), np.full(24, 3.0))
    assert spread == pytest.approx(np.full(24, 2.0))
    assert df.tolist() == [72.0] * 24


def test_a_variance_that_is_alone_keeps_its_own() -> None:
    assert [each.tolist() for each in smoothed([2.0], [3.0])] == [[2.0], [3.0]]


def test_smoothing_by_hand() -> None:
    v, d = np.array([1.0, 9.0, 2.0, 30.0]), np.full(4, 4.0)
    log = np.log(v) - special.digamma(2) + np.log(2)
    seen, by_chance, fourth = (
        np.var(log, ddof=1),
        np.pi**2 / 6 - 1,
        np.pi**4 / 15 - 6,
    )  # trigamma(2), its 2nd derivative
    limit = seen - by_chance + 1.645 * np.sqrt(fourth / 4 + 2 * seen**2 / 3)
    spread, df = smoothed(v, d)
    prior = df - d
    assert special.polygamma(1, prior / 2) == pytest.approx(np.full(4, limit))
    assert spread == pytest.approx((prior * 10.5 + 4 * v) / (prior + 4))


@law
@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=12), st.floats(1, 9), st.floats(1e-3, 1e3))
def test_smoothed_variances_lie_between_their_own_and_the_common_one(v: list[float], d: float, unit: float) -> None:
    spread, df = smoothed(v, np.full(len(v), d))
    common = np.mean(v)
    assert (spread >= np.minimum(v, common) * (1 - 1e-9)).all()
    assert (spread <= np.maximum(v, common) * (1 + 1e-9)).all()
    assert ((df >= d) & (df <= d * len(v) * (1 + 1e-9))).all()
    assert smoothed(unit * np.array(v), np.full(len(v), d))[0] == pytest.approx(unit * spread, rel=1e-6)


def test_smoothing_finds_the_prior_that_variances_come_from() -> None:
    rng = chance(3)
    true = 8 / rng.chisquare(8, 20_000)
    _, df = smoothed(true * rng.chisquare(3, true.size) / 3, np.full(true.size, 3.0))
    assert df[0] - 3 == pytest.approx(8, rel=0.1)


# Exact estimates


def test_exact_scores_are_those_of_the_estimates_with_their_covariance() -> None:
    found = estimates(survey(), by=("post",))
    joint = from_estimates(found, [(2, 0), (2, 1), (0, 0)], seed=1)
    whole = covariance(found)
    at = [6, 7, 0]
    assert joint.values == pytest.approx(found.values.ravel()[at])
    assert joint.draws.covariance == pytest.approx(whole[np.ix_(at, at)], abs=1e-12)
    assert joint.draws.block.tolist() == [0, 0, 1]


def test_variance_of_one_post_is_redrawn_stratum_by_stratum() -> None:
    found = estimates(survey(shifts=3), by=("post",))
    joint = from_estimates(found, [(0, 0), (1, 0)], seed=1, count=20_000, borrowing="own")
    each = found.cell == 0
    names = found.sample.units.stratum[found.unit[each]]
    scores = pd.Series(found.scores[each, 0])
    part = scores.groupby(names).var().to_numpy() * 3
    expected = (part * chance(9).chisquare(2, (20_000, 2)) / 2).sum(axis=1)
    assert stats.ks_2samp(joint.draws.factors[:, 0] ** 2 * joint.draws.covariance[0, 0], expected).pvalue > 0.01


def tied_in_one_stratum_only() -> pd.DataFrame:
    """Three parts that hang together in stratum t and not at all in s."""
    answers = {"a": [1, 1, -1, -1, 1, 2, 3, 6], "b": [1, -1, 1, -1, 1, 2, 3, 6], "c": [1, -1, -1, 1, 5, 1, 3, 2]}
    return pd.DataFrame(answers, dtype=np.float64).assign(
        stratum=list("sssstttt"), psu=range(8), w=[5.0] * 4 + [1.0] * 4
    )


@pytest.mark.parametrize("frame", [survey(1), tied_in_one_stratum_only()], ids=["survey", "tied in one stratum"])
def test_redrawn_covariance_of_parts_of_one_post_has_the_estimated_one_as_mean(frame: pd.DataFrame) -> None:
    joint = from_estimates(estimates(frame), [(0, 0), (0, 1), (0, 2)], seed=1, count=20_000)
    size = joint.draws.factors * np.sqrt(np.diag(joint.draws.covariance))
    rows = joint.draws.directions * size[:, None, :]
    mean, scale = np.einsum("bri,brj->ij", rows, rows) / len(rows), np.sqrt(np.diag(joint.draws.covariance))
    assert mean / np.outer(scale, scale) == pytest.approx(joint.draws.covariance / np.outer(scale, scale), abs=0.025)


def test_parts_of_one_post_have_the_law_of_simulated_samples() -> None:
    rng, mix = chance(5), np.linalg.cholesky(np.full((3, 3), 0.8) + 0.2 * np.eye(3))
    x = rng.normal(size=(20_000, 2, 4, 3)) @ mix.T * np.array([1.0, 3.0])[None, :, None, None]
    mean, square = x.mean(axis=2).mean(axis=1), (x[..., 0] - x[..., 1]).var(axis=2, ddof=1).sum(axis=1) / 16
    real = (mean[:, 0] - mean[:, 1]) / np.sqrt(square)
    sample = (x[0] - x[0].mean(axis=1, keepdims=True)) @ np.linalg.inv(_root_of_within(x[0])) @ mix.T
    frame = pd.DataFrame((sample * np.array([1.0, 3.0])[:, None, None]).reshape(8, 3), columns=["a", "b", "c"]).assign(
        stratum=np.repeat(["s", "t"], 4), psu=range(8), w=1.0
    )
    joint = from_estimates(estimates(frame), [(0, 0), (0, 1), (0, 2)], seed=1, count=20_000)
    assert stats.ks_2samp(joint.draws.statistics([[1.0, -1.0, 0.0]])[:, 0], real).pvalue > 0.01


def _root_of_within(x: Floats) -> Floats:
    """Of each stratum, so that its sample has the covariance of the population exactly; shape (strata, 3, 3)."""
    centred = x - x.mean(axis=1, keepdims=True)
    return np.swapaxes(np.linalg.cholesky(np.swapaxes(centred, 1, 2) @ centred / 3), 1, 2)


def test_posts_with_few_shifts_borrow_as_from_their_figures() -> None:
    found = estimates(survey(), by=("post",))
    exact = from_estimates(found, [(post, 0) for post in range(4)], seed=3)
    plain = own(exact.values, np.sqrt(np.diag(covariance(found))[::3]), np.full(4, 3.0))
    assert exact.borrowed.all()
    assert (np.diag(exact.draws.covariance) != np.diag(plain.draws.covariance)).all()


def test_strata_that_look_at_one_another_are_redrawn_as_a_whole() -> None:
    frame = survey(1)
    lonely = frame[(frame["stratum"] != "0-1") | (frame["psu"] == "0-1-0")]
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", lonely="adjust")
    joint = from_estimates(estimates(lonely, design), [(0, 0), (0, 1)], seed=1, count=20_000)
    df = joint.draws.df[0]
    assert stats.kstest(joint.draws.factors[:, 0] ** 2 * df, "chi2", (df,)).pvalue > 0.01


def test_replicates_give_the_covariance_where_there_are_any() -> None:
    found = estimates(survey(2), by=("post",), replicates=Resampling("jackknife"))
    joint = from_estimates(found, [(0, 0), (1, 0)], seed=1, borrowing="own")
    assert joint.draws.covariance == pytest.approx(covariance(found)[np.ix_([0, 3], [0, 3])], abs=1e-12)
    assert found.replicated is not None


# Families


def test_statistics_of_pairs_are_those_of_their_contrasts(monkeypatch: pytest.MonkeyPatch) -> None:
    joint = from_estimates(estimates(survey(2), by=("post",)), [(0, 0), (0, 1), (1, 0), (1, 1)], seed=1, count=200)
    first, second, judged = pairs(joint)
    contrasts = np.eye(4)[first] - np.eye(4)[second]
    general = family(joint, contrasts)
    assert judged.ratio == pytest.approx(general.ratio, rel=1e-4)
    assert judged.se == pytest.approx(general.se)
    assert judged.value == pytest.approx(general.value)
    monkeypatch.setattr("scoring.families.NUMBERS", 400)
    assert (pairs(joint)[2].ratio == judged.ratio).all()


def test_df_of_a_difference_are_those_of_welch() -> None:
    draws = own(np.zeros(2), np.array([1.0, 3.0]), np.array([4.0, 7.0])).draws
    assert freedom(draws, np.array([[1.0, -1.0]])) == pytest.approx([(1 + 9) ** 2 / (1 / 4 + 81 / 7)])


def test_df_of_a_difference_with_one_pooled_variance_are_those_of_the_pool() -> None:
    draws = from_figures(np.zeros(3), np.ones(3), np.full(3, 4.0), seed=1, borrowing="pooled").draws
    assert freedom(draws, np.array([[1.0, -1.0, 0.0]])) == pytest.approx([12.0])


def test_intervals_of_levels_cover_together_and_are_inside_those_of_bonferroni() -> None:
    joint = own(np.zeros(6), np.linspace(1, 2, 6), np.array([4.0, 6, 9, 15, 30, 90]), count=5_000)
    judged = family(joint, np.eye(6))
    low, high = simultaneous(judged)
    bonferroni = stats.t.isf(0.025 / 6, joint.draws.df) * np.linspace(1, 2, 6)
    assert (high - low < 2 * bonferroni * 1.01).all()
    fresh = own(np.zeros(6), np.linspace(1, 2, 6), joint.draws.df, seed=2, count=5_000)
    covered = (
        np.abs(family(fresh, np.eye(6)).ratio) * judged.limit[:, None] * judged.se[:, None] <= high[:, None]
    ).all(0)
    assert covered.mean() == pytest.approx(0.95, abs=0.015)


def test_differences_with_one_pooled_variance_have_the_limits_of_tukey() -> None:
    joint = from_figures(np.zeros(5), np.ones(5), np.full(5, 4.0), seed=1, borrowing="pooled", count=20_000)
    _, high = simultaneous(pairs(joint)[2])
    assert high == pytest.approx(np.full(10, stats.studentized_range.isf(0.05, 5, 20)), rel=0.02)


def test_a_contrast_without_variance_has_no_interval_and_no_sign() -> None:
    joint = own(np.array([1.0, 5.0]), np.ones(2), np.full(2, 20.0))
    judged = family(joint, [[0.0, 0.0], [1.0, -1.0]])
    low, _ = simultaneous(judged)
    assert np.isnan(low).tolist() == [True, False]
    assert directions(judged)[0] == 0


def test_what_is_refuted_lowers_the_bar_for_the_rest() -> None:
    ratio = np.zeros((2, 199), dtype=np.float32)
    ratio[0], ratio[1] = np.linspace(-1, 1, 199), np.linspace(-2, 2, 199)
    stepped = Family(np.array([0.97, 2.5]), np.ones(2), np.ones(2), ratio)
    single = Family(np.array([0.97]), np.ones(1), np.ones(1), ratio[1:])
    assert directions(stepped).tolist() == [0, 1]
    ratio[1] = np.where(ratio[1] > 0, ratio[1], 0)  # the second could be large by chance upwards alone
    assert directions(stepped).tolist() == [1, 1]
    assert directions(single).tolist() == [0]


def test_critical_value_leaves_its_share_of_draws_above() -> None:
    assert quantile(np.arange(1.0, 200.0), 0.95) == 190.0


@pytest.mark.parametrize("level", [0.0, 1.0, np.nan])
def test_a_level_outside_0_and_1_is_refused(level: float) -> None:
    joint = own(np.zeros(2), np.ones(2), np.full(2, 5.0))
    with pytest.raises(RequestError, match="between 0 and 1"):
        pairs(joint, level=level)
    with pytest.raises(RequestError, match="between 0 and 1"):
        quantile(np.arange(200.0), level)


def test_draws_too_few_for_the_level_are_refused_with_their_number() -> None:
    with pytest.raises(RequestError, match="take 999 or more"):
        quantile(np.arange(200.0), 0.999)
