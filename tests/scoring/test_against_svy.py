"""The nearest peer in Python, svy, on a small made survey: an optional check, since svy is in the bench extra only."""

import numpy as np
import pandas as pd
import pytest

from scoring import SurveyDesign, estimate

svy = pytest.importorskip("svy", reason="svy, the peer, is installed by `make bench` only (requirements/bench.txt)")
pl = pytest.importorskip("polars", reason="polars comes with svy, in the bench extra only")

DESIGN = SurveyDesign(strata="stratum", psu="psu", weight="weight")
DOMAINS = {"nobody apart": [], "one domain": ["post"], "two domains": ["post", "wave"]}


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """600 respondents in 48 PSUs of 8 strata; waves cut across PSUs, and a tenth of each answer is missing."""
    rng = np.random.default_rng(72)
    psu = np.arange(600) % 48
    frame = pd.DataFrame(
        {
            "stratum": psu % 8,
            "psu": psu,
            "weight": rng.uniform(0.5, 3.0, psu.size),
            "post": psu % 4,
            "wave": rng.integers(1, 4, psu.size),
            "hours": rng.gamma(2.0, 1.5, psu.size) + psu % 5,
            "stars": rng.integers(1, 6, psu.size).astype(float),
        }
    )
    frame.loc[rng.random(psu.size) < 0.1, "hours"] = np.nan
    frame.loc[rng.random(psu.size) < 0.1, "stars"] = np.nan
    return frame


def theirs(answers: pd.DataFrame, statistic: str, name: str, by: list[str]) -> np.ndarray:
    """Estimates, standard errors and df of svy, ordered by domain and level."""
    frame = pl.DataFrame({column: answers[column].to_numpy() for column in answers}).fill_nan(None)
    sample = svy.Sample(frame, svy.Design(stratum="stratum", psu="psu", wgt="weight"))
    found = getattr(sample.estimation, statistic)(name, by=by or None, drop_nulls=True).to_polars()
    keys = [column for column in (*by, name) if column in found.columns]
    table = (found.sort(keys) if keys else found).select("est", "se", "df").to_numpy()
    return np.asarray(table, dtype=np.float64)


def ours(answers: pd.DataFrame, statistic: str, name: str, by: list[str]) -> np.ndarray:
    table = estimate(answers, DESIGN, by=by, **{statistic: name})
    table = table.sort_values([*by, "category"], kind="stable")
    return table[["estimate", "se", "df"]].to_numpy(dtype=np.float64)


@pytest.mark.parametrize("by", DOMAINS.values(), ids=list(DOMAINS))
@pytest.mark.parametrize(
    ("ours_is", "theirs_is", "name"),
    [
        ("mean", "mean", "hours"),
        ("mean", "mean", "stars"),
        ("proportion", "prop", "stars"),
        ("total", "total", "hours"),
    ],
)
def test_estimates_and_standard_errors_are_those_of_svy(
    answers: pd.DataFrame, ours_is: str, theirs_is: str, name: str, by: list[str]
) -> None:
    found, expected = ours(answers, ours_is, name, by), theirs(answers, theirs_is, name, by)
    np.testing.assert_allclose(found[:, :2], expected[:, :2], rtol=1e-9)


@pytest.mark.parametrize("by", DOMAINS.values(), ids=list(DOMAINS))
def test_degrees_of_freedom_are_those_of_svy(answers: pd.DataFrame, by: list[str]) -> None:
    np.testing.assert_array_equal(ours(answers, "mean", "hours", by)[:, 2], theirs(answers, "mean", "hours", by)[:, 2])


def test_a_ratio_is_that_of_svy(answers: pd.DataFrame) -> None:
    complete = answers.dropna()
    frame = pl.DataFrame({column: complete[column].to_numpy() for column in complete})
    sample = svy.Sample(frame, svy.Design(stratum="stratum", psu="psu", wgt="weight"))
    expected = sample.estimation.ratio("hours", "stars").to_polars().select("est", "se").to_numpy()
    found = estimate(complete, DESIGN, ratio="hours/stars")[["estimate", "se"]].to_numpy(dtype=np.float64)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
