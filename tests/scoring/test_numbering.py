"""Numbers of distinct rows, whatever the codes: whole or not, near together or far apart."""

import numpy as np
import pandas as pd
import pytest

from scoring import SurveyDesign, estimate
from scoring.numbering import a_row, numbered, whole

FAR = 2**40


@pytest.fixture
def answers() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    psu = np.arange(240) % 24
    return pd.DataFrame(
        {
            "stratum": psu % 6 + 1,
            "psu": psu,
            "post": rng.integers(-2, 3, psu.size),
            "side": rng.integers(0, 2, psu.size),
            "stars": rng.integers(0, 5, psu.size).astype(float),
            "weight": rng.uniform(0.5, 2.0, psu.size),
        }
    )


def figures(answers: pd.DataFrame, **other: object) -> np.ndarray:
    """Estimates, standard errors, df and n of every cell in their order."""
    design = SurveyDesign(strata="stratum", psu="psu", weight="weight")
    table = estimate(answers.assign(**other), design, mean="stars", by=["post", "side"])
    return table[["estimate", "se", "df", "n"]].to_numpy(dtype=np.float64)


def test_rows_are_numbered_in_the_order_of_their_codes() -> None:
    number = numbered([np.array([3, 1, 3, 1]), np.array([-1, 5, 0, 5])])
    assert number.tolist() == [1, 0, 2, 0]
    assert a_row(number).tolist() == [3, 0, 2]


def test_codes_too_far_apart_to_be_multiplied_are_numbered_all_the_same() -> None:
    far = np.array([0, FAR, 0, FAR, 7])
    number = numbered([far, far, np.array([1, 0, 1, 0, 0])])
    assert number.tolist() == [0, 2, 0, 2, 1]


@pytest.mark.parametrize("values", [["a", "b"], [0.5, 1.0], [True, False], [0, 2**62]])
def test_what_is_no_small_whole_number_is_left_to_pandas(values: list[object]) -> None:
    assert whole(pd.Series(values)) is None


def test_posts_named_by_words_give_the_figures_of_posts_named_by_numbers(answers: pd.DataFrame) -> None:
    words = answers["post"].map({-2: "a", -1: "b", 0: "c", 1: "d", 2: "e"})
    np.testing.assert_array_equal(figures(answers), figures(answers, post=words))


def test_posts_numbered_far_apart_give_the_same_figures(answers: pd.DataFrame) -> None:
    far = {"post": answers["post"] * FAR, "side": answers["side"] * FAR}
    np.testing.assert_array_equal(figures(answers), figures(answers, **far))


def test_psus_and_strata_named_by_words_give_the_same_figures(answers: pd.DataFrame) -> None:
    words = {name: answers[name].map(lambda code: f"{code:03d}") for name in ("stratum", "psu")}
    np.testing.assert_allclose(figures(answers), figures(answers, **words), rtol=1e-12)


def test_answers_counted_by_value_give_the_figures_of_answers_that_are_summed(answers: pd.DataFrame) -> None:
    by_value, summed = figures(answers), figures(answers, stars=answers["stars"] / 32)
    np.testing.assert_allclose(by_value[:, :2] / 32, summed[:, :2], rtol=1e-12)
    np.testing.assert_array_equal(by_value[:, 2:], summed[:, 2:])
