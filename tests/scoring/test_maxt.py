"""Families of claims: max-t beside Holm, by hand, by law, and in simulated surveys where nothing changed."""

import os

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from scoring import Framework, RequestError, SurveyDesign, change, reduce
from scoring.compare import adjusted, judged_together

SURVEYS = 1_000 if os.environ.get("SARHAD_ENDURANCE") == "1" else 100
DESIGN = SurveyDesign(weight="w", strata=("side", "post"), psu="shift", wave="wave")
TWO_ITEMS = Framework.from_toml(
    'id="two"\nversion="1"\ntitle="Two"\n'
    '[[index]]\ncode="index"\ntitle="Index"\n'
    '[[dimension]]\ncode="part"\ntitle="Part"\nindex="index"\n'
    + "".join(
        f'[[item]]\ncode="{code}"\ntitle="{code}"\ndimension="part"\ndirection="better"\nrange=[0, 100]\n'
        for code in ("x", "y")
    )
)


def surveyed(seed: int, *, surveys: int, posts: int = 6, shifts: int = 8, raised: float = 0.0) -> pd.DataFrame:
    """Independent surveys of two waves as sides of one frame; the first post of each is raised in the later wave."""
    rng = np.random.default_rng(seed)
    shape = (surveys, posts, 2, shifts, 4)
    side, post, wave, shift, _ = (index.ravel() for index in np.indices(shape))
    busy = rng.lognormal(0, 0.4, shape[:4])[..., None]
    mood = rng.normal(50, 8, shape) + rng.normal(0, 5, shape[:4])[..., None]
    mood[:, 0, 1] += raised
    answers = {code: np.clip(mood + rng.normal(0, 5, shape), 0, 100).ravel() for code in ("x", "y")}
    psu = shift + shifts * wave
    return pd.DataFrame(
        {"side": side, "post": post, "wave": wave.astype(str), "shift": psu, "w": (busy + np.zeros(shape)).ravel()}
    ).assign(**answers)


def moves(frame: pd.DataFrame, **options: object) -> pd.DataFrame:
    totals = reduce(frame, TWO_ITEMS, DESIGN, facets=[("side", "post")])
    asked: dict[str, object] = {"measure": ["x", "y"], "waves": ("0", "1"), "by": ("side", "post"), "adjust": "none"}
    return change(totals, TWO_ITEMS, **(asked | options)).table  # type: ignore[arg-type]


def figures(t: npt.ArrayLike, df: float = np.inf) -> pd.DataFrame:
    value = np.asarray(t, dtype=np.float64)
    p = 2 * stats.t.sf(np.abs(value), df)
    return pd.DataFrame({"estimate": value, "se": 1.0, "df": df, "p": np.where(np.isnan(value), np.nan, p)})


def near(p: float, count: int = 2_000) -> float:
    """Four standard errors of a share of draws."""
    return 4 * np.sqrt(p * (1 - p) / count)


@pytest.mark.parametrize(("t", "df"), [(2.0, 10), (2.5, 4), (1.0, np.inf)])
def test_a_family_of_one_has_the_p_of_student(t: float, df: float) -> None:
    rows = judged_together(figures([t], df), adjust="max-t", seed=1)
    p = rows["p"].iloc[0]
    assert rows["p_adjusted"].iloc[0] == pytest.approx(p, abs=near(p))


def test_largest_of_ten_independent_normal_figures_has_the_p_of_sidak() -> None:
    rows = judged_together(figures([2.8, *[0.1] * 9]), adjust="max-t", seed=2)
    expected = 1 - (1 - rows["p"].iloc[0]) ** 10
    assert rows["p_adjusted"].iloc[0] == pytest.approx(expected, abs=near(expected))


def test_second_largest_is_held_against_those_that_remain() -> None:
    rows = judged_together(figures([9.0, 2.0]), adjust="max-t", seed=3)
    p = rows["p"].iloc[1]
    assert rows["p_adjusted"].iloc[1] == pytest.approx(p, abs=near(p))


def test_limits_together_are_those_of_the_largest_of_independent_figures() -> None:
    rows = judged_together(figures([0.0] * 5), adjust="max-t", seed=4)
    expected = stats.norm.isf((1 - 0.95 ** (1 / 5)) / 2)
    assert rows["high_together"].to_numpy() == pytest.approx(expected, abs=0.12)
    assert rows["low_together"].to_numpy() == pytest.approx(-rows["high_together"].to_numpy())


def test_rows_that_cannot_be_judged_are_not_of_the_family() -> None:
    with_gaps = judged_together(figures([2.5, np.nan, 1.0]), adjust="max-t", seed=5)
    alone = judged_together(figures([2.5, 1.0]), adjust="max-t", seed=5)
    assert with_gaps["p_adjusted"].iloc[[0, 2]].tolist() == alone["p_adjusted"].tolist()
    assert np.isnan(with_gaps["p_adjusted"].iloc[1])
    assert not with_gaps["clear"].iloc[1]


def test_a_family_without_a_row_that_can_be_judged_says_nothing() -> None:
    rows = judged_together(figures([np.nan]), adjust="max-t", seed=6)
    assert rows[["p_adjusted", "low_together", "high_together"]].isna().all(axis=None)


def test_two_items_answered_alike_cost_no_more_than_one() -> None:
    frame = surveyed(7, surveys=1, posts=2, raised=6).assign(y=lambda data: data["x"])
    both = moves(frame, adjust="max-t", seed=8)
    one = moves(frame, adjust="max-t", seed=8, measure="x")
    holm, alone = moves(frame, adjust="holm"), moves(frame, adjust="holm", measure="x")
    of_x = both["measure"] == "x"
    assert both.loc[of_x, "p_adjusted"].to_numpy() == pytest.approx(one["p_adjusted"].to_numpy(), abs=near(0.5))
    assert holm["p_adjusted"].iloc[0] == pytest.approx(2 * alone["p_adjusted"].iloc[0])


def test_a_change_whose_interval_together_leaves_out_0_is_clear() -> None:
    rows = moves(surveyed(9, surveys=2, raised=14), adjust="max-t", seed=10)
    outside = (rows["low_together"] > 0) | (rows["high_together"] < 0)
    assert outside.sum() >= 2
    assert rows.loc[outside, "clear"].all()


def test_max_t_adds_only_what_is_of_the_family() -> None:
    frame = surveyed(11, surveys=1)
    rows, plain = moves(frame, adjust="max-t", seed=12), moves(frame)
    own = [name for name in plain if name not in ("p_adjusted", "clear")]
    pd.testing.assert_frame_equal(rows[own], plain[own])
    assert set(rows) - set(plain) == {"low_together", "high_together"}
    pd.testing.assert_frame_equal(rows, moves(frame, adjust="max-t", seed=12))


def test_max_t_needs_a_seed_and_refuses_what_memory_would_not_hold() -> None:
    with pytest.raises(RequestError, match="give a seed"):
        judged_together(figures([1.0]), adjust="max-t")
    with pytest.raises(RequestError, match="at most 200 rows together, these are 240"):
        moves(surveyed(13, surveys=20, shifts=2), adjust="max-t", seed=1)


def test_claims_of_surveys_without_any_change_are_false_in_at_most_five_of_a_hundred() -> None:
    wrong = {"holm": 0, "max-t": 0}
    for start in range(0, SURVEYS, 20):
        rows = moves(surveyed(100 + start, surveys=20))
        for number, (_, survey) in enumerate(rows.groupby("side")):
            for adjust in ("holm", "max-t"):
                wrong[adjust] += bool(judged_together(survey, adjust=adjust, seed=start + number)["clear"].any())
    assert stats.binomtest(wrong["holm"], SURVEYS, 0.05, alternative="greater").pvalue > 0.01
    assert stats.binomtest(wrong["max-t"], SURVEYS, 0.05, alternative="greater").pvalue > 0.01


@settings(max_examples=6, deadline=None, derandomize=True, database=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_p_values_of_holm_are_those_of_statsmodels(p: list[float]) -> None:
    expected = multipletests(p, method="holm")[1]
    assert adjusted(np.array(p), adjust="holm").tolist() == expected.tolist()


def test_planted_changes_are_found_in_most_surveys() -> None:
    rows = moves(surveyed(14, surveys=20, raised=14))
    found = [judged_together(one, adjust="holm")["clear"].iloc[:2].any() for _, one in rows.groupby("side")]
    assert sum(found) >= 16
