"""Differences between posts, groups and agencies, and trends: equal to contrasts made another way, and by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import EstimationError, Framework, RequestError, SurveyDesign, change, contrasted, reduce, score
from scoring.differences import differences, differences_of_measures, trend, trend_of_figures
from scoring.figures import Rules
from scoring.measured import measure
from scoring.variables import Wanted
from tests.strategies import ANSWERS

DESIGN = SurveyDesign(weight="w", strata="post", psu="shift", wave="wave")
SETS = [("side",), ("post",), ("side", "post"), ("side", "sex")]
POINTS = 25  # of a step of x, from 1 to 5
FIGURES = ["estimate", "se", "df", "low", "high"]


def surveyed(seed: int, *, waves: int = 1, posts: int = 4, shifts: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    shape = (waves, posts, shifts, 6)
    wave, post, shift, _ = (index.ravel() for index in np.indices(shape))
    frame = pd.DataFrame({"wave": (2022 + 2 * wave).astype(str), "post": [f"p{one}" for one in post], "shift": shift})
    frame = frame.assign(side=np.where(post < posts // 2, "left", "right"), w=rng.uniform(0.5, 3, len(frame)))
    frame["sex"] = rng.choice(["female", "male"], len(frame))
    for name, (low, high) in ANSWERS.items():
        frame[name] = rng.integers(low, high + 1, len(frame))
    return frame


def reduced(frame: pd.DataFrame, small: Framework) -> Any:
    return reduce(frame, small, DESIGN, facets=SETS)


def spelled(frame: pd.DataFrame, text: str, *, by: tuple[str, ...]) -> list[float]:
    """A contrast of means of x in points, as `contrasts` makes it of any variables."""
    found = measure(frame, DESIGN, Wanted(mean=("x",), by=by), rules=Rules())
    row = contrasted(found, {"made": text}, rules=Rules("satterthwaite")).iloc[0]
    return [float(row[name]) * (1 if name == "df" else POINTS) for name in FIGURES]


def test_difference_of_two_posts_is_the_contrast_of_their_means(small: Framework) -> None:
    frame = surveyed(1)
    rows = differences(reduced(frame, small), small, measure="x", by=("side", "post"), between="post")
    assert rows[["side", "first", "second"]].to_numpy().tolist() == [["left", "p0", "p1"], ["right", "p2", "p3"]]
    for row, text in zip(rows.to_dict("records"), ("p1 - p0", "p3 - p2"), strict=True):
        expected = spelled(frame, text.replace("p", "`2022.p").replace(" -", "` -") + "`", by=("post",))
        assert [row[name] for name in FIGURES] == pytest.approx(expected, rel=1e-9)


def test_difference_of_groups_asked_in_the_same_shifts_carries_their_covariance(small: Framework) -> None:
    frame = surveyed(2)
    rows = differences(reduced(frame, small), small, measure="x", by=("side", "sex"), between="sex")
    row = rows[rows["side"] == "right"].iloc[0]
    expected = spelled(frame, "`2022.right.male` - `2022.right.female`", by=("side", "sex"))
    assert row[FIGURES].tolist() == pytest.approx(expected, rel=1e-9)


def test_every_two_posts_of_a_side_are_a_family_and_no_two_of_different_sides(small: Framework) -> None:
    sides = {"p0": "left", "p1": "left", "p2": "left", "p3": "right"}
    rows = differences(reduced(surveyed(3), small), small, measure="x", by="post", between="post", sides=sides)
    assert rows[["first", "second"]].to_numpy().tolist() == [["p0", "p1"], ["p0", "p2"], ["p1", "p2"]]
    assert rows["p_adjusted"].min() == pytest.approx(3 * rows["p"].min())


def test_levels_of_two_sides_are_compared_only_with_a_declared_note(small: Framework) -> None:
    totals = reduced(surveyed(4), small)
    asked: dict[str, Any] = {"measure": "x", "by": "side", "between": "side"}
    with pytest.raises(RequestError, match="fear and refusal differ by side"):
        differences(totals, small, **asked)
    with pytest.raises(RequestError, match="fear and refusal differ by side"):
        differences(totals, small, note="  ", **asked)
    rows = differences(totals, small, note="same team, same questions, alone", **asked)
    assert rows[["first", "second", "note"]].to_numpy().tolist() == [
        ["left", "right", "same team, same questions, alone"]
    ]


def test_posts_of_unknown_or_different_sides_are_refused(small: Framework) -> None:
    totals, asked = reduced(surveyed(5), small), {"measure": "x", "by": "post", "between": "post"}
    with pytest.raises(RequestError, match="give the side of each post"):
        differences(totals, small, **asked)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="side of 'p3' is not given"):
        differences(totals, small, sides={"p0": "left", "p1": "left", "p2": "left"}, **asked)  # type: ignore[arg-type]
    sides = {"p0": "left", "p1": "left", "p2": "right", "p3": "right"}
    with pytest.raises(RequestError, match="p0 and p2 are not on one side"):
        differences(totals, small, sides=sides, pairs=[("p0", "p2")], **asked)  # type: ignore[arg-type]


def test_faults_of_a_request_are_named(small: Framework) -> None:
    totals = reduced(surveyed(6), small)
    with pytest.raises(RequestError, match="has to be one of the facets: side, post"):
        differences(totals, small, measure="x", by=("side", "post"), between="sex")
    with pytest.raises(RequestError, match="pair 'p0' and 'p9': name two of p0, p1"):
        differences(totals, small, measure="x", by=("side", "post"), between="post", pairs=[("p0", "p9")])
    with pytest.raises(RequestError, match="no two values of post"):
        differences(totals, small, measure="x", by=("side", "post"), between="post", pairs=[("p0", "p3")])
    with pytest.raises(EstimationError, match="'link' is not scored by side post"):
        differences(totals, small, measure="link", by=("side", "post"), between="post")


def test_differences_may_be_judged_by_max_t(small: Framework) -> None:
    totals, asked = reduced(surveyed(7), small), {"measure": ["x", "z"], "by": ("side", "post"), "between": "post"}
    drawn = differences(totals, small, adjust="max-t", seed=1, **asked)  # type: ignore[arg-type]
    holm = differences(totals, small, **asked)  # type: ignore[arg-type]
    assert (drawn["p_adjusted"] <= holm["p_adjusted"] + 0.05).all()
    assert (drawn["p_adjusted"] >= drawn["p"] - 0.05).all()
    assert drawn["low_together"].lt(drawn["low"]).all()


# Agencies: items that the same people answered


def test_difference_of_two_items_carries_the_covariance_of_those_who_answered_both(small: Framework) -> None:
    frame = surveyed(8).assign(z=lambda data: np.clip(data["x"] - 2, 0, 2))
    found = measure(frame, DESIGN, Wanted(mean=("x", "z")), rules=Rules())
    made = contrasted(found, {"gap": "50 * z - 25 * (x - 1)"}, rules=Rules("satterthwaite")).iloc[0]
    row = differences_of_measures(reduced(frame, small), small, pairs=[("x", "z")]).iloc[0]
    assert row[FIGURES].tolist() == pytest.approx(made[FIGURES].astype(float).tolist(), rel=1e-9)
    alone = score(reduced(frame, small), small).table.set_index("measure")["se"]
    assert row["se"] < 0.8 * np.hypot(alone["x"], alone["z"])


def test_agencies_that_everybody_rates_alike_do_not_differ_and_chance_cannot_be_judged(small: Framework) -> None:
    frame = surveyed(9).assign(z=lambda data: (data["x"] - 1) // 2, x=lambda data: 2 * ((data["x"] - 1) // 2) + 1)
    row = differences_of_measures(reduced(frame, small), small, pairs=[("x", "z")], by="post").iloc[0]
    assert (row["estimate"], row["reason"], row["clear"]) == (pytest.approx(0, abs=1e-9), "no_spread", False)


def test_measures_on_different_scales_are_not_compared(small: Framework) -> None:
    totals = reduced(surveyed(10), small)
    with pytest.raises(RequestError, match="x and hours are on different scales"):
        differences_of_measures(totals, small, pairs=[("x", "hours")])
    with pytest.raises(RequestError, match="two different measures"):
        differences_of_measures(totals, small, pairs=[("x", "x")])
    with pytest.raises(RequestError, match="two different measures"):
        differences_of_measures(totals, small, pairs=[])


# Trend


def test_trend_over_three_even_waves_is_the_change_over_all_of_them_per_year(small: Framework) -> None:
    # c = (-2, 0, 2) / 8: the middle wave has no weight, so the slope is (last - first) / 4
    totals = reduced(surveyed(11, waves=3), small)
    times = {"2022": 2022.0, "2024": 2024.0, "2026": 2026.0}
    rows = trend(totals, small, measure=["x", "index"], times=times, by="post")
    moved = change(totals, small, measure=["x", "index"], waves=("2022", "2026"), by="post").table
    for name in ("estimate", "se", "low", "high"):
        assert rows[name].to_numpy() == pytest.approx(moved[name].to_numpy() / 4, rel=1e-9)
    for name in ("df", "p", "p_adjusted"):
        assert rows[name].to_numpy() == pytest.approx(moved[name].to_numpy(), rel=1e-9)
    assert rows["method"].eq("contrast").all()
    assert rows[["since", "wave"]].iloc[0].tolist() == ["2022", "2026"]


def test_trend_of_uneven_waves_is_the_least_squares_line_through_them(small: Framework) -> None:
    totals = reduced(surveyed(12, waves=4), small)
    times = dict(zip(("2022", "2024", "2026", "2028"), (0.0, 1.0, 3.0, 7.0), strict=True))
    levels = score(totals, small).table.query("measure == 'x'")["estimate"].to_numpy()
    row = trend(totals, small, measure="x", times=times).iloc[0]
    assert row["estimate"] == pytest.approx(np.polyfit(list(times.values()), levels, 1)[0])


def test_generalised_least_squares_of_independent_waves_is_the_weighted_line(small: Framework) -> None:
    frame = surveyed(13, waves=4, posts=3, shifts=14)
    totals = reduced(frame, small)
    when = np.array([0.0, 1.0, 2.0, 3.0])
    card = score(totals, small).table.query("measure == 'x'")
    slope, covariance = np.polyfit(when, card["estimate"], 1, w=1 / card["se"], cov="unscaled")
    times = dict(zip(card["wave"], when, strict=True))
    row = trend(totals, small, measure="x", times=times, method="gls").iloc[0]
    assert row["method"] == "gls"
    assert row["estimate"] == pytest.approx(slope[0], rel=1e-9)
    assert row["se"] == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-9)


def test_generalised_least_squares_is_not_used_below_thirty_df(small: Framework) -> None:
    totals, times = reduced(surveyed(14, waves=3), small), {"2022": 0.0, "2024": 1.0, "2026": 2.0}
    rows = trend(totals, small, measure="x", times=times, by="post", method="gls")
    assert rows["method"].eq("contrast").all()
    pd.testing.assert_frame_equal(rows, trend(totals, small, measure="x", times=times, by="post"))


def test_what_is_no_trend_is_refused(small: Framework) -> None:
    totals = reduced(surveyed(15, waves=3), small)
    with pytest.raises(RequestError, match="three waves at different times"):
        trend(totals, small, measure="x", times={"2022": 0, "2024": 1})
    with pytest.raises(RequestError, match="three waves at different times"):
        trend(totals, small, measure="x", times={"2022": 0, "2024": 1, "2026": 1})
    with pytest.raises(RequestError, match="no wave '2030'; waves are 2022, 2024, 2026"):
        trend(totals, small, measure="x", times={"2022": 0, "2024": 1, "2030": 4})
    with pytest.raises(RequestError, match="method is 'loess'"):
        trend(totals, small, measure="x", times={"2022": 0, "2024": 1, "2026": 2}, method="loess")  # type: ignore[arg-type]


@pytest.mark.parametrize("when", [(0.0, 2.0, 4.0), (2022.0, 2023.0, 2026.5)])
def test_trend_of_figures_is_the_trend_of_totals_whose_waves_share_no_shift(
    small: Framework, when: tuple[float, ...]
) -> None:
    totals = reduced(surveyed(16, waves=3), small)
    times = dict(zip(("2022", "2024", "2026"), when, strict=True))
    rows = trend(totals, small, measure=["x", "index"], times=times, by="post", adjust="none")
    card = score(totals, small, by="post").table.set_index(["post", "measure", "wave"])
    keys = list(rows[["post", "measure"]].itertuples(index=False, name=None))
    shown = {
        name: [[float(card.loc[(*key, wave), name]) for wave in times] for key in keys]
        for name in ("estimate", "se", "df")
    }
    found = trend_of_figures(shown["estimate"], shown["se"], shown["df"], list(when))
    pd.testing.assert_frame_equal(found[[*FIGURES, "p"]], rows[[*FIGURES, "p"]], rtol=1e-9)
    assert found["status"].eq("ok").all()


def test_slope_of_four_figures_is_the_least_squares_line_by_hand() -> None:
    found = trend_of_figures([[10.0, 20.0, 20.0, 30.0]], [[1.0, 2.0, 2.0, 1.0]], [[9.0] * 4], [0, 1, 2, 3]).iloc[0]
    # weights -0.3, -0.1, 0.1, 0.3; parts of the variance 0.09, 0.04, 0.04, 0.09
    assert found["estimate"] == pytest.approx(6.0)
    assert found["se"] == pytest.approx(np.sqrt(0.26))
    assert found["df"] == pytest.approx(0.26**2 / ((2 * 0.0081 + 2 * 0.0016) / 9))


def test_figure_that_is_not_shown_or_has_no_df_leaves_no_slope_to_be_judged() -> None:
    se, df = np.full((2, 3), 2.0), np.array([[9.0, 9.0, 9.0], [0.0, 9.0, 9.0]])
    found = trend_of_figures([[50, np.nan, 60], [50, 55, 60]], se, df, [0, 1, 2])
    assert found["reason"].tolist() == ["no_answers", "one_psu"]
    assert found[["low", "high", "p"]].isna().all(axis=None)
    with pytest.raises(RequestError, match="give one each a wave"):
        trend_of_figures([[1, 2]], [[1, 2]], [[1, 2]], [0, 1, 2])
    with pytest.raises(RequestError, match="three waves at different times"):
        trend_of_figures([[1, 2, 3]], [[1, 2, 3]], [[1, 2, 3]], [0, 1, 1])
