"""Measurement invariance: DIF that was planted is found, none is found where there is none, and the headline again.

False alarms are held to a binomial test at 1 %.
"""

import os
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scoring import EstimationError, Framework, RequestError, SurveyDesign, reduce
from scoring.invariance import Invariance, invariance, rerun, without

DESIGN = SurveyDesign(weight="w", strata="stratum", psu="shift")
ENDURANCE = bool(os.environ.get("SARHAD_ENDURANCE"))
SURVEYS = 400 if ENDURANCE else 12
ITEMS = ("q1", "q2", "q3", "q4", "q5")


def framework(items: tuple[str, ...] = ITEMS, *, worse: str = "", dimensions: tuple[str, ...] = ("d",)) -> Framework:
    """Items in turn under each of the dimensions, all reflective."""
    lines = ['id = "f"', 'version = "1"', 'title = "F"', '[[index]]\ncode = "x"\ntitle = "X"']
    lines += [f'[[dimension]]\ncode = "{d}"\ntitle = "D"\nindex = "x"\nkind = "reflective"' for d in dimensions]
    lines += [
        f'[[item]]\ncode = "{code}"\ntitle = "Q"\ndimension = "{dimensions[place % len(dimensions)]}"\n'
        f'range = [1, 5]\ndirection = "{"worse" if code == worse else "better"}"'
        for place, code in enumerate(items)
    ]
    return Framework.from_toml("\n".join(lines))


def drawn(
    seed: int, *, planted: float = 0.0, steeper: float = 0.0, ahead: float = 0.0, within: bool = False
) -> pd.DataFrame:
    """Five items by the graded response model, in 12 strata of 5 shifts of 12, with weights by shift.

    A third speaks b (whole shifts with `within`): `ahead` in truth, with log-odds `planted` more of a better answer to
    q3 at the same truth, and a slope `steeper` on it.
    """
    rng = np.random.default_rng(seed)
    shift = np.repeat(np.arange(60), 12)
    b = (rng.random(60) < 1 / 3)[shift] if within else rng.random(shift.size) < 1 / 3
    truth = rng.normal(size=shift.size) + 0.3 * rng.normal(size=60)[shift] + ahead * b
    frame = {
        "stratum": shift // 5,
        "shift": shift,
        "w": rng.uniform(0.5, 2.0, 60)[shift],
        "language": np.where(b, "b", "a"),
    }
    for place, code in enumerate(ITEMS):
        own = code == "q3"
        line = (1.5 + own * steeper * b) * truth + own * planted * b + 0.2 * (place - 2)
        given = line + rng.logistic(size=shift.size)
        frame[code] = 1 + (given[:, None] > [-2.0, -0.7, 0.7, 2.0]).sum(axis=1)
    return pd.DataFrame(frame)


def shown(frame: pd.DataFrame, **options: Any) -> Invariance:
    return invariance(
        frame, options.pop("framework", framework()), DESIGN, by=options.pop("by", ["language"]), **options
    )


def too_many(false: int, of: int, rate: float = 0.05) -> bool:
    """Whether a binomial test at 1 % rejects that false alarms are as rare as that."""
    return bool(stats.binom.sf(false - 1, of, rate) < 0.01)


@cache
def tables_without_dif(**truth: Any) -> list[pd.DataFrame]:
    return [shown(drawn(seed, **truth)).table for seed in range(SURVEYS)]


@pytest.mark.parametrize(
    "truth", [{}, {"ahead": 0.3, "within": True}, *([{"ahead": 0.5}, {"within": True}] if ENDURANCE else [])]
)
def test_where_no_item_differs_hardly_any_survey_finds_one(truth: dict[str, Any]) -> None:
    tables = tables_without_dif(**truth)
    assert not too_many(sum((table["p_adjusted"] < 0.05).any() for table in tables), SURVEYS)
    assert not too_many(sum(int((table["p"] < 0.05).sum()) for table in tables), SURVEYS * len(ITEMS))


def test_an_item_that_differs_is_found_and_the_others_are_not() -> None:
    surveys = SURVEYS // 2  # each is tested over and over, as items are taken out
    tables = [shown(drawn(seed, planted=1.0, ahead=-0.3)).table.set_index("item") for seed in range(surveys)]
    missed = sum(not table.loc["q3", "dif"] for table in tables)
    assert not too_many(missed, surveys, rate=0.1)
    assert not too_many(sum((table.drop("q3")["p_adjusted"] < 0.05).any() for table in tables), surveys)
    odds = np.array([table.loc["q3", "log_odds"] for table in tables])
    assert 0.8 < odds.mean() < 1.1  # what the score, which holds q3 itself, leaves of 1
    assert {table.loc["q3", "group"] for table in tables} == {"b"}


def test_the_standard_error_of_the_log_odds_is_what_they_vary_by() -> None:
    odds, errors = (np.array([table[name] for table in tables_without_dif()]) for name in ("log_odds", "se"))
    ratio = (odds**2).sum() / (errors**2).sum()
    assert stats.chi2.ppf(0.005, odds.size) < ratio * odds.size < stats.chi2.ppf(0.995, odds.size)


def test_an_item_that_tells_people_apart_better_in_one_group_differs_though_its_level_is_the_same() -> None:
    rows = [shown(drawn(seed, steeper=1.5)).table.set_index("item").loc["q3"] for seed in range(2)]
    assert max(row["p_nonuniform"] for row in rows) < 0.05
    assert max(row["p"] for row in rows) < 0.05


def test_the_rest_alone_takes_a_true_difference_for_dif_and_the_score_does_not() -> None:
    surveys = [drawn(seed, ahead=1.0) for seed in range(4)]
    alarms = {
        matching: sum(int((shown(frame, matching=matching).table["p"] < 0.05).sum()) for frame in surveys)
        for matching in ("rest", "score")
    }
    assert alarms["rest"] > 3 * max(alarms["score"], 1)


def test_items_found_are_taken_out_of_the_score_of_the_others() -> None:
    table = shown(drawn(0, planted=2.0)).table.set_index("item")
    assert table.loc["q3", "size"] == "large"
    assert (table["anchors"] == 4).all()
    assert (shown(drawn(0)).table["anchors"] == 5).all()


def test_the_scale_turned_round_gives_the_same_table() -> None:
    frame = drawn(1, planted=1.0)
    turned = frame.assign(q3=6 - frame["q3"])
    mine = shown(turned, framework=framework(worse="q3")).table
    pd.testing.assert_frame_equal(mine, shown(frame).table, rtol=1e-6)


def test_whichever_group_is_named_first_the_test_is_the_same() -> None:
    frame = drawn(1, planted=1.0)
    other = shown(frame.assign(language=frame["language"].map({"a": "z", "b": "c"}))).table
    assert other["p"].to_numpy() == pytest.approx(shown(frame).table["p"].to_numpy(), rel=1e-6)
    assert set(other["against"]) == {"z"}


def test_a_small_group_is_left_out_and_named() -> None:
    frame = drawn(2)
    frame.loc[frame.index % 12 == 0, "language"] = "c"  # 60 respondents
    table = shown(frame).table
    assert set(table["left_out"]) == {"c"}
    assert (table["groups"] == 2).all()
    assert (table["n"] == 660).all()


def test_groups_with_too_few_answers_are_not_compared() -> None:
    frame = drawn(2)
    frame.loc[frame.groupby("language").cumcount() >= 99, "language"] = None
    table = shown(frame).table
    assert set(table["reason"]) == {"few_answers"}
    assert table["p"].isna().all()
    assert not table["dif"].any()


def test_a_grouping_that_is_not_in_the_data_is_skipped_and_said() -> None:
    found = shown(drawn(2), by=["language", "interpreter"])
    assert found.skipped == ("interpreter",)
    assert set(found.table["grouping"]) == {"language"}
    with pytest.raises(RequestError, match="none of interpreter is a column"):
        shown(drawn(2), by=["interpreter"])


def test_all_tests_of_a_call_are_one_family() -> None:
    frame = drawn(3).assign(mode=np.resize(["foot", "truck"], 720))
    found = shown(frame, by=["language", "mode"])
    assert found.family == 10
    least = found.table["p"].min()
    assert found.table["p_adjusted"].min() == pytest.approx(min(10 * least, 1))


def test_three_groups_are_tested_together_and_the_two_furthest_apart_are_named() -> None:
    frame = drawn(4, planted=1.5)
    frame.loc[(frame["language"] == "a") & (frame.index % 2 == 0), "language"] = "c"
    row = shown(frame).table.set_index("item").loc["q3"]
    assert (row["groups"], row["dif"]) == (3, True)
    assert "b" in (row["group"], row["against"])
    assert abs(row["log_odds"]) > 1


def test_items_with_too_few_others_are_not_tested() -> None:
    found = shown(drawn(5), framework=framework(("q1", "q2", "q3")))
    assert set(found.table["reason"]) == {"few_others"}


def test_a_short_dimension_is_held_to_its_whole_index() -> None:
    found = shown(drawn(5), framework=framework(dimensions=("d", "e")))
    assert (found.table["anchors"] == 5).all()
    assert set(found.table["reason"]) == {""}


def test_missing_answers_are_left_out_and_half_of_the_others_must_be_there() -> None:
    frame = drawn(6)
    frame.loc[:99, "q1"] = -3
    frame.loc[200:249, ["q2", "q3", "q4"]] = -1
    n = shown(frame).table.set_index("item")["n"]
    assert n["q1"] == 720 - 100 - 50
    assert n["q5"] == 720 - 50


def test_a_question_that_nobody_answered_is_not_tested_and_hinders_no_other() -> None:
    table = shown(drawn(6).assign(q1=-1)).table.set_index("item")
    assert table.loc["q1", "reason"] == "few_answers"
    assert set(table.drop("q1")["reason"]) == {""}


def test_a_group_that_always_gives_one_answer_is_told_in_the_note() -> None:
    frame = drawn(7)
    frame.loc[frame["language"] == "b", "q3"] = 5
    row = shown(frame).table.set_index("item").loc["q3"]
    assert row["reason"] == "not_fitted"
    assert "with certainty" in row["note"]


def test_a_framework_without_items_loses_what_has_no_part_left() -> None:
    less = without(framework(dimensions=("d", "e")), ["q2", "q4"])  # all of e
    assert [node.code for node in less.nodes] == ["x", "d"]
    assert [item.code for item in less.items] == ["q1", "q3", "q5"]
    assert without(framework(), ITEMS).nodes == ()


# By hand: of two shifts a group, two respondents each, all weights alike, scores 0-100


def by_hand() -> pd.DataFrame:
    """Group b is 50 points ahead on q1 and 25 behind on q2 and q3: together even, without q1 behind."""
    rows = [
        {"stratum": g, "shift": 2 * "ab".index(g) + s, "w": 1.0, "language": g,
         "q1": 2 + 2 * (g == "b") + s, "q2": 4 - (g == "b") - s, "q3": 4 - (g == "b")}
        for g in "ab" for s in (0, 1) for _ in range(2)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_comparison_that_turns_round_without_an_item_is_not_called() -> None:
    small = framework(("q1", "q2", "q3"), worse="")
    ahead = by_hand().assign(q3=lambda f: np.where(f["language"] == "b", 4, 4))
    totals = reduce(ahead, small, DESIGN, facets=[("language",)])
    row = rerun(totals, small, ["q1"], "language").iloc[0]
    # with all: (50 - 25 + 0) / 3; without q1: (-25 + 0) / 2
    assert (row["difference"], row["difference_without"]) == pytest.approx((25 / 3, -12.5))
    assert (row["measure"], row["language"], row["differs"], row["since"]) == ("x", "b", "language", "a")
    assert row["reversed"]
    assert not row["called"]


def test_the_errors_of_the_headline_again_are_worked_out_by_hand() -> None:
    # without q1 the shifts of a have 100 - s x 25 / 2: 87.5 and 75, a mean of two, so its variance is (12.5 / 2)^2
    small = framework(("q1", "q2", "q3"))
    totals = reduce(by_hand(), small, DESIGN, facets=[("language",)])
    row = rerun(totals, small, ["q1"], "language").iloc[0]
    assert row["se_without"] == pytest.approx(np.sqrt(2) * 12.5 / 2)
    assert row["df_without"] == pytest.approx(2)


def test_a_comparison_that_keeps_its_sign_is_called() -> None:
    small = framework(("q1", "q2", "q3"))
    totals = reduce(by_hand(), small, DESIGN, facets=[("language",)])
    row = rerun(totals, small, ["q2"], "language").iloc[0]
    # (50 - 25 - 25) / 3 = 0 with all, (50 - 25) / 2 without q2: no sign to turn round
    assert (row["difference"], row["difference_without"]) == pytest.approx((0, 12.5), abs=1e-9)
    assert row["called"]


def test_an_index_of_which_nothing_is_left_is_not_called() -> None:
    small = framework(("q1", "q2", "q3"))
    totals = reduce(by_hand(), small, DESIGN, facets=[("language",)])
    row = rerun(totals, small, ["q1", "q2", "q3"], "language").iloc[0]
    assert np.isnan(row["difference_without"])
    assert not row["called"]


def test_waves_and_facets_are_compared_one_thing_at_a_time() -> None:
    frame = pd.concat([by_hand().assign(wave=wave) for wave in ("1", "2")], ignore_index=True)
    design = SurveyDesign(weight="w", strata="stratum", psu="shift", wave="wave")
    totals = reduce(frame, framework(("q1", "q2", "q3")), design, facets=[("language",)])
    table = rerun(totals, framework(("q1", "q2", "q3")), ["q1"], "language")
    assert table["differs"].value_counts().to_dict() == {"wave": 2, "language": 2}


def test_one_cell_alone_is_nothing_to_compare() -> None:
    small = framework(("q1", "q2", "q3"))
    with pytest.raises(EstimationError, match="nothing to compare"):
        rerun(reduce(by_hand(), small, DESIGN), small, ["q1"])
