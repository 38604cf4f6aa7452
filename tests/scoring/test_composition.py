"""Changes split into what moved within groups and what moved because other people came."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scoring import Framework, RequestError, SurveyDesign, change, contrasted, reduce
from scoring.composition import PARTS, shifted, split
from scoring.figures import Rules
from scoring.findings import Finding
from scoring.measured import measure
from scoring.variables import Wanted
from tests.strategies import ANSWERS, FRAMEWORK

DESIGN = SurveyDesign(weight="w", strata=("survey", "post"), psu="shift", wave="wave")
PLAIN = SurveyDesign(psu="who", wave="wave")
SETS = [("survey",), ("survey", "group"), ("group",), ("post",), ("post", "group")]
FIGURES = ["estimate", "se", "df", "low", "high"]


def surveyed(seed: int, *, trucks: tuple[float, float], surveys: int = 1, gain: float = 0.0) -> pd.DataFrame:
    """Surveys of two waves; truck drivers rate 20 points lower than cars, and `gain` is what all rate higher later."""
    rng = np.random.default_rng(seed)
    shape = (surveys, 2, 4, 8, 8)
    survey, wave, post, shift, _ = (index.ravel() for index in np.indices(shape))
    truck = rng.random(survey.size) < np.array(trucks)[wave]
    mood = 3.6 - 0.8 * truck + gain / 25 * wave + rng.normal(0, 0.2, shape[:4])[..., None].repeat(8, 4).ravel()
    frame = pd.DataFrame({"wave": wave.astype(str), "post": post, "shift": shift, "survey": survey})
    frame = frame.assign(group=np.where(truck, "truck", "car"), w=rng.uniform(0.5, 2, survey.size))
    for name, (low, high) in ANSWERS.items():
        frame[name] = rng.integers(low, high + 1, survey.size)
    frame["x"] = np.clip(np.round(mood + rng.normal(0, 0.8, survey.size)), 1, 5)
    return frame


def made(frame: pd.DataFrame, small: Framework, **options: Any) -> Any:
    totals = reduce(frame, small, DESIGN, facets=SETS)
    asked = {"measure": "x", "waves": ("0", "1"), "by": ("group",), "group": "group"}
    return split(totals, small, **(asked | options))


def counted(**cells: tuple[int, int, int]) -> pd.DataFrame:
    """People of a wave and group (`w0_car`), how many of them and their lowest and highest answer, half each."""
    rows = []
    for name, (size, low, high) in cells.items():
        wave, group = name[1:].split("_")
        rows += [{"wave": wave, "group": group, "x": answer} for answer in [low, high] * (size // 2)]
    frame = pd.DataFrame(rows).assign(y=1, z=1, link=1, asked=0, hours=1)
    return frame.assign(who=range(len(frame)), survey=0, post=0)


def by_hand(frame: pd.DataFrame, small: Framework) -> Any:
    totals = reduce(frame, small, PLAIN, facets=[("group",)])
    return split(totals, small, measure="x", waves=("0", "1"), by="group", group="group")


def test_parts_by_hand() -> None:
    # cars 75 points then 62.5, trucks 25 then 37.5; trucks are half, then 80 %
    small = Framework.from_toml(FRAMEWORK)
    found = by_hand(counted(w0_car=(20, 3, 5), w0_truck=(20, 1, 3), w1_car=(8, 2, 5), w1_truck=(32, 1, 4)), small)
    parts = found.table.set_index("part")["estimate"]
    # within .35 (62.5 - 75) + .65 (37.5 - 25); mix -.3 (68.75) + .3 (31.25); at the fixed mix .5 62.5 + .5 37.5
    assert parts.to_dict() == pytest.approx(
        {"change": -7.5, "within": 3.75, "mix": -11.25, "fixed_mix": 0, "level_at_fixed_mix": 50}, abs=1e-9
    )


def test_group_that_came_in_one_wave_alone_counts_as_mix() -> None:
    # cars 75 in both waves; buses 25 come later as half of all
    small = Framework.from_toml(FRAMEWORK)
    found = by_hand(counted(w0_car=(40, 3, 5), w1_car=(20, 3, 5), w1_bus=(20, 1, 3)), small)
    parts = found.table.set_index("part")["estimate"]
    assert parts[["change", "within", "mix"]].tolist() == pytest.approx([-25, 0, -25], abs=1e-9)


def test_parts_add_up_to_the_change_and_the_change_is_that_of_compare(small: Framework) -> None:
    totals = reduce(surveyed(1, trucks=(0.3, 0.5)), small, DESIGN, facets=SETS)
    codes = ["index", "first", "x", "y", "asked", "hours"]
    found = split(totals, small, measure=codes, waves=("0", "1"), by=("post", "group"), group="group").table
    moved = change(totals, small, measure=codes, waves=("0", "1"), by="post").table
    own = found[found["part"] == "change"]
    for name in [*FIGURES, "n", "p", "p_adjusted"]:
        assert own[name].to_numpy() == pytest.approx(moved[name].to_numpy(), rel=1e-8, abs=1e-9)
    parts = found.pivot_table(index=["post", "measure"], columns="part", values="estimate")
    assert (parts["within"] + parts["mix"]).to_numpy() == pytest.approx(parts["change"].to_numpy(), abs=1e-9)


def test_errors_of_the_parts_are_those_of_the_same_functions_spelled_out(small: Framework) -> None:
    frame = surveyed(2, trucks=(0.3, 0.5)).assign(one=1)
    found = measure(frame, DESIGN, Wanted(total=("x", "one"), by=("group",)), rules=Rules())

    def share(wave: int) -> str:
        return f"`{wave}.truck:one` / (`{wave}.truck:one` + `{wave}.car:one`)"

    def mean(wave: int, group: str) -> str:
        return f"25 * (`{wave}.{group}:x` / `{wave}.{group}:one` - 1)"

    within = " + ".join(
        f"((1 - {share(0)}) + (1 - {share(1)})) / 2 * ({mean(1, group)} - {mean(0, group)})"
        if group == "car"
        else f"({share(0)} + {share(1)}) / 2 * ({mean(1, group)} - {mean(0, group)})"
        for group in ("car", "truck")
    )
    mix = (
        f"({share(1)} - {share(0)}) * "
        f"(({mean(0, 'truck')} + {mean(1, 'truck')}) / 2 - ({mean(0, 'car')} + {mean(1, 'car')}) / 2)"
    )
    expected = contrasted(found, {"within": within, "mix": mix}, rules=Rules("satterthwaite"))
    table = made(frame, small).table.set_index("part").loc[["within", "mix"]]
    assert table[FIGURES].to_numpy(dtype=float) == pytest.approx(expected[FIGURES].to_numpy(dtype=float), rel=1e-8)


def test_change_of_user_mix_with_constant_group_scores_is_composition_and_not_reform(small: Framework) -> None:
    found = made(surveyed(3, trucks=(0.2, 0.7)), small)
    clear = found.table.set_index("part")["clear"]
    assert clear[["change", "within", "mix", "fixed_mix"]].tolist() == [True, False, True, False]
    assert [one.code for one in found.findings] == ["composition", "mix_shift"]
    assert found.findings[0].params["change"] == pytest.approx(-10, abs=4)  # half of the users, 20 points lower


def test_reform_with_a_constant_mix_is_within_groups(small: Framework) -> None:
    found = made(surveyed(4, trucks=(0.4, 0.4), gain=15), small)
    assert [one.code for one in found.findings] == ["within_groups"]


def test_reform_and_a_change_of_mix_are_both_told(small: Framework) -> None:
    found = made(surveyed(5, trucks=(0.2, 0.6), gain=20), small)
    assert found.findings[0].code == "both"


def test_nothing_that_changed_is_not_clear(small: Framework) -> None:
    assert [one.code for one in made(surveyed(6, trucks=(0.4, 0.4)), small).findings] == ["not_clear"]


def test_mere_composition_is_called_reform_in_at_most_five_of_a_hundred_surveys(small: Framework) -> None:
    frame = surveyed(7, trucks=(0.2, 0.6), surveys=60)
    table = made(frame, small, by=("survey", "group")).table
    wrong = int((table.loc[table["part"] == "within", "p"] < 0.05).sum())
    assert stats.binomtest(wrong, 60, 0.05, alternative="greater").pvalue > 0.01
    assert (table.loc[table["part"] == "mix", "p"] < 0.05).all()


def test_level_at_the_fixed_mix_has_no_test_and_an_interval_inside_the_scale(small: Framework) -> None:
    level = made(surveyed(8, trucks=(0.4, 0.5)), small).table.set_index("part").loc["level_at_fixed_mix"]
    assert np.isnan([level["p"], level["p_adjusted"]]).all()
    assert 0 < level["low"] < level["estimate"] < level["high"] < 100


def test_families_of_a_split_are_its_changes_its_parts_and_its_changes_at_the_fixed_mix(small: Framework) -> None:
    table = made(surveyed(9, trucks=(0.4, 0.5)), small, measure=["x", "y", "z"]).table
    for parts, size in ((["change"], 3), (["within", "mix"], 6), (["fixed_mix"], 3)):
        own = table[table["part"].isin(parts)]
        assert own["p_adjusted"].min() == pytest.approx(min(1, size * own["p"].min()))
    assert table["part"].tolist() == list(PARTS) * 3


# Traffic


def test_shift_of_traffic_or_mix_above_twenty_percent_is_said() -> None:
    before = {"car": 600.0, "truck": 400.0}
    assert shifted(before, {"car": 700.0, "truck": 500.0}) == ()  # 20 % more, 2 % of them other people
    (traffic,) = shifted(before, {"car": 730.0, "truck": 480.0})
    assert (traffic.code, traffic.params["change"]) == ("traffic_shift", pytest.approx(0.21))
    (mix,) = shifted(before, {"car": 390.0, "truck": 610.0})
    assert mix == Finding("mix_shift", {"share": pytest.approx(0.21), "limit": 0.2, "group": "car",
                                        "points": pytest.approx(-21)})  # fmt: skip
    assert [one.code for one in shifted(before, {"bus": 500.0})] == ["traffic_shift", "mix_shift"]


def test_traffic_that_is_no_count_is_refused() -> None:
    for after in ({}, {"car": -1.0}, {"car": float("nan")}, {"car": 0.0}):
        with pytest.raises(RequestError, match="crossings have to be numbers"):
            shifted({"car": 1.0}, after)


# Faults


def test_faults_of_a_request_are_named(small: Framework) -> None:
    frame = surveyed(10, trucks=(0.4, 0.5))
    with pytest.raises(RequestError, match="group is 'sex'"):
        made(frame, small, group="sex")
    with pytest.raises(RequestError, match="cannot be split against itself"):
        made(frame, small, waves=("0", "0"))
    with pytest.raises(RequestError, match="stands in both 0 and 7"):
        made(frame, small, waves=("0", "7"))
    rough = Framework.from_toml(FRAMEWORK.replace('title = "Index"', 'title = "Index"\naggregation = "geometric"'))
    with pytest.raises(RequestError, match="weighted means of items"):
        made(frame, rough)
