"""Tests of tables, means and ranks: by hand, against scipy where respondents are independent, and by simulation."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from scoring import EstimationError, RequestError, SurveyDesign
from scoring.association import chi_square, compared, mid_ranks, rank_test, t_test
from scoring.quadratic import tail
from scoring.regression import respondents

ALONE = SurveyDesign()
PSUS = SurveyDesign(psu="psu")


def people(seed: int = 1, psus: int = 40, size: int = 10, shared: float = 0.0) -> pd.DataFrame:
    """Two unrelated answers and a score; `shared` is what the people of one PSU have in common."""
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(psus), size)
    mood = shared * rng.normal(size=(psus, 2))[psu]
    said = mood + rng.normal(size=(psu.size, 2))
    return pd.DataFrame(
        {
            "psu": psu,
            "a": np.digitize(said[:, 0], [-0.5, 0.5]),
            "b": np.digitize(said[:, 1], [0.0]),
            "y": said[:, 0],
            "g": said[:, 1] > 0,
        }
    )


def test_a_table_of_independent_people_has_pearsons_statistic() -> None:
    frame = people()
    found = chi_square(frame["a"], frame["b"], respondents(frame, ALONE), statistic="Chisq")
    theirs = stats.chi2_contingency(pd.crosstab(frame["a"], frame["b"]), correction=False)
    assert found.statistic == pytest.approx(theirs.statistic)
    assert found.df == (2.0,)
    assert found.p == pytest.approx(theirs.pvalue, rel=0.1)  # design effects near 1


def test_design_effects_of_a_two_by_two_table_by_hand() -> None:
    # odds ratio 1 exactly: 20 20 / 20 20; each person a unit, n / (n - 1) of Bernoulli variance
    frame = pd.DataFrame({"a": np.repeat([0, 0, 1, 1], 20), "b": np.repeat([0, 1, 0, 1], 20)})
    found = chi_square(frame["a"], frame["b"], respondents(frame, ALONE))
    assert found.statistic == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(found.effects, [80 / 79])


def test_rows_and_columns_may_change_places() -> None:
    frame = people(2, shared=0.5)
    base = respondents(frame, PSUS)
    for statistic in ("F", "Chisq", "Wald", "adjWald", "saddlepoint"):
        one = chi_square(frame["a"], frame["b"], base, statistic=statistic)
        two = chi_square(frame["b"], frame["a"], base, statistic=statistic)
        assert (one.statistic, one.p) == pytest.approx((two.statistic, two.p), rel=1e-9)


def test_everybody_met_twice_is_no_new_evidence() -> None:
    frame = people(3, shared=0.5)
    twice = pd.concat([frame, frame], ignore_index=True)
    one = chi_square(frame["a"], frame["b"], respondents(frame, PSUS))
    two = chi_square(twice["a"], twice["b"], respondents(twice, PSUS))
    assert one.p == pytest.approx(two.p, rel=1e-9)


def false_alarms(test: Any, count: int = 300) -> float:
    """p of a binomial test that unrelated answers are called related in 5 % of samples."""
    called = sum(test(people(1000 + seed, psus=30, size=8, shared=1.0)) < 0.05 for seed in range(count))
    return float(stats.binomtest(called, count, 0.05).pvalue)


def test_unrelated_answers_of_clustered_people_are_called_related_in_one_of_twenty() -> None:
    def table(frame: pd.DataFrame) -> float:
        return chi_square(frame["a"], frame["b"], respondents(frame, PSUS)).p

    def naive(frame: pd.DataFrame) -> float:
        return float(stats.chi2_contingency(pd.crosstab(frame["a"], frame["b"]), correction=False).pvalue)

    assert false_alarms(table) > 0.01
    assert false_alarms(naive) < 0.01  # as if people were alone, the same test fails


def test_ranks_and_means_of_clustered_groups_are_called_different_in_one_of_twenty() -> None:
    def means(frame: pd.DataFrame) -> float:
        return t_test(frame["y"].to_numpy(), frame["g"].to_numpy(), respondents(frame, PSUS)).p

    def ranks(frame: pd.DataFrame) -> float:
        return rank_test(frame["y"].to_numpy(), frame["g"], respondents(frame, PSUS))[0].p

    assert false_alarms(means) > 0.01
    assert false_alarms(ranks) > 0.01


def test_mid_ranks_by_hand() -> None:
    # weights 1, 1, 2 on answers 5, 5, 9: half of 2 below and in, then 2 + half of 2, of 4
    np.testing.assert_allclose(mid_ranks(np.array([5.0, 9, 5]), np.array([1.0, 2, 1])), [0.25, 0.75, 0.25])


def test_ranks_know_the_order_of_answers_alone() -> None:
    frame = people(4, shared=0.5)
    base = respondents(frame, PSUS)
    one, _ = rank_test(frame["y"].to_numpy(), frame["g"], base)
    two, _ = rank_test(np.exp(frame["y"].to_numpy()), frame["g"], base)
    assert one.p == pytest.approx(two.p, rel=1e-12)


def test_two_groups_in_ranks_have_an_f_that_is_the_square_of_t() -> None:
    frame = people(5)
    tested, difference = rank_test(frame["y"].to_numpy(), frame["g"], respondents(frame, PSUS), ranks="vanderWaerden")
    assert difference is not None
    assert tested.statistic == pytest.approx(difference.t**2)
    assert tested.p == pytest.approx(difference.p)
    assert compared(frame["y"].to_numpy(), frame["a"], respondents(frame, PSUS))[1] is None


def test_the_t_test_of_independent_people_is_near_welchs() -> None:
    frame = people(6, psus=400, size=1)
    y, g = frame["y"].to_numpy(), frame["g"].to_numpy()
    found = t_test(y, g, respondents(frame, ALONE))
    theirs = stats.ttest_ind(y[g], y[~g], equal_var=False)
    assert found.estimate == pytest.approx(y[g].mean() - y[~g].mean())
    assert found.t == pytest.approx(theirs.statistic, rel=0.01)


def test_missing_answers_are_left_out() -> None:
    frame = people(7)
    holed = frame.assign(y=frame["y"].where(frame.index >= 30))
    found = t_test(holed["y"].to_numpy(), holed["g"].to_numpy(), respondents(holed, ALONE))
    rest = frame.iloc[30:]
    same = t_test(rest["y"].to_numpy(), rest["g"].to_numpy(), respondents(rest, ALONE))
    assert found.estimate == pytest.approx(same.estimate)


@pytest.mark.parametrize(("x", "df"), [(2.0, 10.0), (6.0, 25.0), (12.0, 200.0), (30.0, 60.0)])
def test_the_tail_of_two_effects_is_near_the_exact_one(x: float, df: float) -> None:
    effects = np.array([1.8, 0.5])
    angle = np.linspace(0, np.pi, 2001)[:-1]  # in polar coordinates the radius is exponential
    spread = effects[0] * np.cos(angle) ** 2 + effects[1] * np.sin(angle) ** 2

    def at(denominator: float) -> float:
        chance = np.exp(-x * denominator / df / 2 / spread).mean()
        return float(chance * stats.chi2.pdf(denominator, df))

    exact = integrate.quad(at, 0, df * 8, limit=200)[0]
    assert tail(x, effects, df) == pytest.approx(exact, rel=0.15)


def test_the_tail_of_equal_effects_is_that_of_f_and_has_no_gap_at_the_mean() -> None:
    assert tail(6.0, np.array([2.0, 2.0, 2.0]), 20.0) == pytest.approx(stats.f.sf(1.0, 3, 20))
    effects = np.array([1.8, 0.5])
    around = [tail(2.3 * (1 + step), effects) for step in (-0.02, 0.0, 0.02)]
    assert around == sorted(around, reverse=True)
    assert around[1] == pytest.approx((around[0] + around[2]) / 2, rel=0.01)


def test_what_cannot_be_tested_is_refused_with_its_remedy() -> None:
    frame = people(8)
    base = respondents(frame, PSUS)
    with pytest.raises(RequestError, match="statistic is 'fisher'"):
        chi_square(frame["a"], frame["b"], base, statistic="fisher")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="ranks is 'mood'"):
        rank_test(frame["y"].to_numpy(), frame["g"], base, ranks="mood")  # type: ignore[arg-type]
    with pytest.raises(EstimationError, match="one category"):
        chi_square(frame["a"] * 0, frame["b"], base)
