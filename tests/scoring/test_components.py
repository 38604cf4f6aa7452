"""Several sources put together: published figures, statsmodels' factor model, and data whose truth is known."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from statsmodels.multivariate.factor import Factor

from scoring import EstimationError, RequestError
from scoring.components import (
    merge,
    one_factor,
    pairwise_correlations,
    source_average,
    standardised,
    unobserved_components,
)

Array = npt.NDArray[np.float64]
NAN = np.nan

#: Control of Corruption 2021 (World Bank replication code of August 2022): alpha, beta, sigma of each source.
SOURCES = pd.DataFrame(
    {
        "eiu": [0.409722, 0.296378, 0.417992],
        "frh": [0.359713, 0.283203, 0.459998],
        "gcs": [0.504981, 0.151811, 0.591904],
        "ifd": [0.501994, 0.244466, 0.495648],
        "pia": [0.464446, 0.196453, 0.471996],
        "vdm": [0.519631, 0.256873, 0.551340],
        "wmo": [0.485294, 0.231232, 0.440055],
        "asd": [0.427742, 0.050263, 2.376441],
        "bti": [0.513883, 0.243773, 0.455703],
        "gwp": [0.357481, 0.125103, 1.142260],
        "wjp": [0.512791, 0.198300, 0.333323],
    },
    index=["alpha", "beta", "sigma"],
).T
SAID = pd.DataFrame(
    {
        "TJK": {
            "eiu": 0, "frh": 0, "gcs": 0.491030, "ifd": 0.12, "pia": 0.2, "vdm": 0.171, "wmo": 0.166667, "asd": 0.3,
            "bti": 0.2,
        },
        "AFG": {
            "eiu": 0.25, "gwp": 0.065956, "ifd": 0.2, "vdm": 0.509, "wjp": 0.296204, "wmo": 0, "asd": 0.2, "bti": 0.3,
        },
    }
).T.reindex(columns=SOURCES.index)  # fmt: skip


def planted(seed: int, units: int, *, sigma: Array, seen: float = 1.0) -> tuple[Array, pd.DataFrame]:
    """Truth of each unit, and what sources of alpha 0.5 and beta 0.2 say of a share of them."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=units)
    said = 0.5 + 0.2 * (truth[:, None] + sigma * rng.normal(size=(units, sigma.size)))
    said[rng.random(said.shape) > seen] = NAN
    return truth, pd.DataFrame(said, columns=[f"s{number}" for number in range(1, sigma.size + 1)])


def test_the_published_estimates_of_control_of_corruption_are_met() -> None:
    raw = merge(SAID, SOURCES)
    np.testing.assert_allclose(raw["score"], [-1.234153, -1.050679], atol=5e-6)
    np.testing.assert_allclose(raw["se"], [0.165955, 0.171480], atol=5e-6)
    assert raw["sources"].tolist() == [9, 8]
    found = standardised(raw, mean=0.0193154, sd=0.9366407)
    np.testing.assert_allclose(found["score"], [-1.3383, -1.1424], atol=1e-3)
    np.testing.assert_allclose(found["se"], [0.1772, 0.1831], atol=1e-3)
    np.testing.assert_allclose(found["high"] - found["score"], 1.64 * found["se"], rtol=1e-12)


def test_one_source_of_no_error_variance_of_its_own_by_hand() -> None:
    """y = 2 with alpha 1, beta 1, sigma 1: half of what it says, the other half the mean of all; se sqrt(1/2)."""
    known = pd.DataFrame({"alpha": [1.0], "beta": [1.0], "sigma": [1.0]}, index=["one"])
    found = merge(pd.DataFrame({"one": [2.0, NAN]}), known)
    np.testing.assert_allclose(found["score"], [0.5, NAN])
    np.testing.assert_allclose(found["se"], [np.sqrt(0.5), NAN])


@pytest.mark.parametrize("loadings", [[0.9, 0.8, 0.7], [0.95, 0.5, 0.6, 0.7, 0.3]])
def test_correlations_of_one_factor_give_their_loadings_back(loadings: list[float]) -> None:
    given = np.array(loadings)
    correlations = np.outer(given, given) + np.diag(1 - given**2)
    np.testing.assert_allclose(one_factor(correlations), given, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_loadings_are_those_of_maximum_likelihood_in_statsmodels(seed: int) -> None:
    _, said = planted(seed, 200, sigma=np.array([0.5, 0.6, 0.9, 1.4]))
    correlations = np.corrcoef(said.to_numpy(), rowvar=False)
    theirs = Factor(corr=correlations, n_factor=1, method="ml").fit().loadings[:, 0]
    np.testing.assert_allclose(one_factor(correlations), np.abs(theirs), atol=1e-5)


def test_correlations_are_over_the_units_that_both_sources_have() -> None:
    _, said = planted(1, 60, sigma=np.array([0.5, 0.7, 0.9]), seen=0.7)
    np.testing.assert_allclose(pairwise_correlations(said.to_numpy()), said.corr().to_numpy(), rtol=1e-12)


def test_two_columns_without_a_row_in_common_have_no_correlation() -> None:
    found = pairwise_correlations(np.array([[1, NAN], [2, NAN], [NAN, 1], [NAN, 2]]))
    assert np.isnan(found[0, 1])


PLANTED = np.array([0.4, 0.6, 0.8, 1.2, 0.5])
WITHIN = stats.norm.ppf(0.95)


def covered(truth: Array, said: pd.DataFrame, sources: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether the 90 % interval of each unit that a source speaks of holds the truth."""
    scores = merge(said, sources)
    inside = np.abs(scores["score"] - truth) <= WITHIN * scores["se"]
    return inside[scores["sources"] > 0].to_numpy()


def test_intervals_from_known_parameters_cover_the_truth() -> None:
    truth, said = planted(11, 4000, sigma=PLANTED, seen=0.6)
    known = pd.DataFrame({"alpha": 0.5, "beta": 0.2, "sigma": PLANTED}, index=said.columns)
    inside = covered(truth, said, known)
    assert stats.binomtest(int(inside.sum()), inside.size, 0.9).pvalue > 0.01


@pytest.fixture(scope="module")
def samples() -> list[tuple[Array, pd.DataFrame, pd.DataFrame]]:
    """Truth, what the sources say, and the sources as fitted, of twenty samples."""
    drawn = [planted(seed, 1000, sigma=PLANTED, seen=0.8) for seed in range(20)]
    return [(truth, said, unobserved_components(said).sources) for truth, said in drawn]


@pytest.mark.parametrize(("name", "value"), [("alpha", 0.5), ("beta", 0.2), ("sigma", PLANTED)])
def test_planted_parameters_come_back_on_average(
    samples: list[tuple[Array, pd.DataFrame, pd.DataFrame]], name: str, value: float | Array
) -> None:
    np.testing.assert_allclose(np.mean([sources[name] for _, _, sources in samples], axis=0), value, rtol=0.04)


def test_intervals_from_fitted_parameters_cover_nearly_as_often(
    samples: list[tuple[Array, pd.DataFrame, pd.DataFrame]],
) -> None:
    """The parameters count as known; of 1,000 units that costs less than 2 points of the 90."""
    assert 0.88 < np.mean([covered(*sample).mean() for sample in samples]) < 0.91


def test_scores_have_mean_0_and_standard_deviation_1_and_few_sources_a_wide_se() -> None:
    _, said = planted(2, 200, sigma=np.array([0.5, 0.6, 0.7, 0.8]), seen=0.6)
    scores = unobserved_components(said).scores
    assert scores["score"].mean() == pytest.approx(0, abs=1e-12)
    assert scores["score"].std() == pytest.approx(1, rel=1e-12)
    by_count = scores.groupby("sources")["se"].mean()
    assert (by_count.drop(0, errors="ignore").diff().dropna() < 0).all()


def test_a_source_for_some_units_alone_is_scaled_by_the_others() -> None:
    """It speaks of the upper half only, so its own mean, 0.66, and spread are not those of all units."""
    truth, said = planted(7, 3000, sigma=np.array([0.4, 0.5, 0.6, 0.7]))
    said.loc[truth < 0, "s4"] = NAN
    first = ["s1", "s2", "s3"]
    found = unobserved_components(said, representative=first).sources
    assert found["representative"].tolist() == [True, True, True, False]
    assert found.loc["s4", "alpha"] == pytest.approx(0.5, abs=0.03)
    assert found.loc["s4", "beta"] == pytest.approx(0.2, rel=0.15)
    both = merge(said[first], found.loc[first])[truth >= 0]
    slope = np.polyfit(both["score"], said.loc[truth >= 0, "s4"], 1)[0]
    share = 1 - (both["se"] ** 2).mean() / both["score"].var()
    assert found.loc["s4", "beta"] == pytest.approx(slope / share, rel=1e-9)


def test_a_linear_change_of_a_source_changes_no_score() -> None:
    _, said = planted(3, 100, sigma=np.array([0.5, 0.6, 0.7]), seen=0.9)
    before, after = (unobserved_components(part).scores for part in (said, said.assign(s2=10 + 7 * said["s2"])))
    pd.testing.assert_frame_equal(before, after, rtol=1e-6)


def test_too_few_sources_units_or_shared_units_are_refused_with_the_way_out() -> None:
    _, said = planted(5, 40, sigma=np.array([0.5, 0.6, 0.7]))
    with pytest.raises(EstimationError, match=r"2 representative sources; .* needs 3: take the mean"):
        unobserved_components(said[["s1", "s2"]])
    with pytest.raises(EstimationError, match=r"12 units; .* needs 30"):
        unobserved_components(said.iloc[:12])
    apart = said.assign(s1=said["s1"].where(said.index < 20), s2=said["s2"].where(said.index >= 10))
    with pytest.raises(EstimationError, match=r"'s1' and 's2' share 10 units; .* needs 15"):
        unobserved_components(apart)
    beside = said.assign(s4=said["s1"].where(said.index < 9))
    with pytest.raises(EstimationError, match=r"'s4' shares 9 units with the representative sources"):
        unobserved_components(beside, representative=["s1", "s2", "s3"])


def test_sources_that_do_not_measure_one_thing_are_refused() -> None:
    _, said = planted(6, 80, sigma=np.array([0.3, 0.3, 0.3, 0.3]))
    with pytest.raises(EstimationError, match="'s2' runs against the others; turn it"):
        unobserved_components(said.assign(s2=-said["s2"]))
    with pytest.raises(EstimationError, match="'s4' runs against the others; turn it"):
        unobserved_components(said.assign(s4=-said["s4"]), representative=["s1", "s2", "s3"])
    with pytest.raises(EstimationError, match="'s3' says the same of every unit"):
        unobserved_components(said.assign(s3=1.0))
    with pytest.raises(RequestError, match="'s9' is not in the table"):
        unobserved_components(said, representative=["s1", "s2", "s9"])


def test_a_source_that_would_be_the_truth_itself_is_refused() -> None:
    """r12 r13 / r23 > 1: no loading below 1 gives these correlations."""
    with pytest.raises(EstimationError, match="source 1 would be taken for the truth itself"):
        one_factor(np.array([[1, 0.9, 0.9], [0.9, 1, 0.7], [0.9, 0.7, 1]]))


def test_correlations_that_contradict_one_another_are_refused() -> None:
    with pytest.raises(EstimationError, match="contradict one another"):
        one_factor(np.array([[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]))


def test_the_mean_of_sources_by_hand() -> None:
    """Sources 40, 45, 55, 61: mean 50.25, sd sqrt(90.25); the limits stand around 50, as published."""
    found = source_average(pd.DataFrame([[40, 45, 55, 61.0], [40, 45, NAN, NAN], [99, 100, 98, 60.0]])).T
    se = np.sqrt(90.25) / 2
    assert found[0].tolist() == pytest.approx([50, 50.25, se, 42, 58, 4])
    assert found[1].isna().tolist() == [True] * 5 + [False]
    assert found[2]["high"] == 100


def test_halves_are_rounded_upwards() -> None:
    assert source_average(pd.DataFrame([[20, 21, 20.5]]))["score"].tolist() == [21]


def test_a_single_source_has_no_error_and_is_refused() -> None:
    with pytest.raises(RequestError, match="one source alone has no standard error"):
        source_average(pd.DataFrame([[1.0]]), fewest=1)
