"""What to mend first: users affected and dissatisfied, as far as an office can do something about it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import Framework, RequestError, SurveyDesign, estimate
from scoring.priorities import Remedy, mend_first, mend_first_of_figures

DESIGN = SurveyDesign(weight="w", psu="shift", wave="wave")


def remedy(item: str, power: float = 1.0) -> Remedy:
    return Remedy(item, "post command", f"mend {item}", power)


def surveyed(seed: int, size: int = 400) -> pd.DataFrame:
    """Low x: 60 % of all; low y (worse upwards): 30 % of the half it applies to; low z: 10 %."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"wave": "2024", "shift": np.arange(size) // 8, "w": rng.uniform(0.5, 2, size)})
    frame["x"] = np.where(rng.random(size) < 0.6, 1, 5)
    frame["y"] = np.where(rng.random(size) < 0.5, -1, np.where(rng.random(size) < 0.3, 4, 1))
    frame["z"] = np.where(rng.random(size) < 0.1, 0, 2)
    return frame


def asked(frame: pd.DataFrame, small: Framework, *remedies: Remedy, **options: Any) -> pd.DataFrame:
    return mend_first(frame, small, DESIGN, remedies, seed=1, **options).set_index("measure")


def test_priority_by_hand(small: Framework) -> None:
    # y is worse upwards, 1 to 4: of five people one was not asked it, one did not say, one of three is dissatisfied
    frame = pd.DataFrame({"wave": "2024", "shift": range(5), "w": 1.0, "y": [-1, -3, 4, 1, 1]})
    row = asked(frame, small, remedy("y", 0.5)).loc["y"]
    assert (row["affected"], row["dissatisfied"], row["estimate"]) == pytest.approx((75, 100 / 3, 12.5))


def test_priority_is_the_share_of_users_affected_and_dissatisfied_times_power(small: Framework) -> None:
    frame = surveyed(2)
    table = asked(frame, small, remedy("x"), remedy("y", 0.8), remedy("z"))
    known = frame.assign(both=(frame["y"] == 4).astype(int))
    share = estimate(known, DESIGN, proportion=["both"], df="satterthwaite").query("category == '1'").iloc[0]
    figures = ["estimate", "se", "low", "high"]
    assert table.loc["y", figures].tolist() == pytest.approx([80 * share[name] for name in figures], rel=1e-9)
    assert table.loc["y", "df"] == pytest.approx(share["df"])
    product = table["power"] * table["affected"] * table["dissatisfied"] / 100
    assert product.tolist() == pytest.approx(table["estimate"].tolist())


def test_items_stand_in_order_and_in_groups_that_can_be_told_apart(small: Framework) -> None:
    table = asked(surveyed(3), small, remedy("z"), remedy("y"), remedy("x"))
    assert table.index.tolist() == ["x", "y", "z"]
    assert table["first"].tolist() == [True, False, False]
    assert table.loc["x", "groups"] == (1,)
    assert table.loc["x", ["actor", "action"]].tolist() == ["post command", "mend x"]


def test_items_that_cannot_be_told_apart_share_a_group_and_may_both_be_first(small: Framework) -> None:
    frame = surveyed(4).assign(z=lambda data: np.where(np.roll(data["x"], 3) == 1, 0, 2))
    table = asked(frame, small, remedy("x"), remedy("z"))
    assert table["groups"].tolist() == [(1,), (1,)]
    assert table["first"].tolist() == [True, True]


def test_what_is_in_nobody_s_power_is_in_no_group(small: Framework) -> None:
    table = asked(surveyed(5), small, remedy("x", 0), remedy("y"))
    assert table.loc["x", ["estimate", "reason", "groups", "first"]].tolist() == [0, "no_power", (), False]
    assert table.loc["y", "groups"] == (1,)


def test_item_that_dissatisfies_nobody_cannot_be_judged(small: Framework) -> None:
    table = asked(surveyed(6).assign(x=5), small, remedy("x"), remedy("y"))
    assert table.loc["x", ["status", "reason", "groups"]].tolist() == ["undefined", "no_spread", ()]
    assert np.isnan(table.loc["x", "low"])


def test_shown_figures_give_the_same_order_with_wider_errors(small: Framework) -> None:
    frame = surveyed(7)
    remedies = (remedy("x"), remedy("y", 0.8))
    exact = asked(frame, small, *remedies)
    parts = frame.assign(asked=(frame["y"] >= 0).astype(int), low=(frame["y"] == 4).astype(int))
    affected = estimate(parts, DESIGN, mean=["asked"]).iloc[0]
    of_those = estimate(parts, DESIGN, mean=["low"], where="asked == 1").iloc[0]
    of_all = estimate(parts.assign(low=(frame["x"] == 1).astype(int)), DESIGN, mean=["low"]).iloc[0]
    figures = pd.DataFrame(
        {
            "dissatisfied": [100 * of_all["estimate"], 100 * of_those["estimate"]],
            "dissatisfied_se": [100 * of_all["se"], 100 * of_those["se"]],
            "affected": [100, 100 * affected["estimate"]],
            "affected_se": [0, 100 * affected["se"]],
            "df": 49,
            "n": 400,
        },
        index=["x", "y"],
    )
    shown = mend_first_of_figures(figures, remedies, seed=1).set_index("measure")
    assert shown.index.tolist() == exact.index.tolist()
    assert shown["estimate"].tolist() == pytest.approx(exact["estimate"].tolist())
    assert shown.loc["x", "se"] == pytest.approx(exact.loc["x", "se"])
    assert shown.loc["y", "se"] > exact.loc["y", "se"]
    assert shown["first"].tolist() == [True, False]


def test_hidden_figures_are_in_no_group() -> None:
    figures = pd.DataFrame(
        {
            "dissatisfied": [np.nan, 30],
            "dissatisfied_se": [np.nan, 3],
            "affected": 80,
            "affected_se": 2,
            "df": 20,
            "n": 50,
        },
        index=["x", "y"],
    )
    shown = mend_first_of_figures(figures, [remedy("x"), remedy("y")], seed=1).set_index("measure")
    assert shown["groups"].to_dict() == {"y": (1,), "x": ()}
    with pytest.raises(RequestError, match="'z' has none"):
        mend_first_of_figures(figures, [remedy("z")], seed=1)


def test_remedies_that_say_too_little_are_refused(small: Framework) -> None:
    with pytest.raises(RequestError, match=r"power over 'x' is 1\.5"):
        remedy("x", 1.5)
    with pytest.raises(RequestError, match="names no actor or no action"):
        Remedy("x", " ", "mend")
    with pytest.raises(RequestError, match="one remedy for each item"):
        asked(surveyed(8), small, remedy("x"), remedy("x"))
    with pytest.raises(RequestError, match="'hours' is no item of small"):
        asked(surveyed(8), small, remedy("hours"))
