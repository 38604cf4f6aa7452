"""Statistics of a frame other than mean and total: boxes, net scores, distributions, levels, ticked codes."""

from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import EstimationError, RequestError, SurveyDesign, estimate
from scoring.figures import Rules
from scoring.tables import coefficient_of_variation, tabulate
from scoring.variables import Wanted, split_ratio

# Of `hand`: x is 2, 4 | 6, 8 in A with weight 10 and 1, 3 | 5, 7 in B with weight 20, of 120 in all


def one(frame: pd.DataFrame, design: SurveyDesign, **wanted: Any) -> dict[str, Any]:
    return estimate(frame, design, **wanted).iloc[-1].to_dict()


@pytest.mark.parametrize(("text", "share"), [("x", 30 / 120), ("x:6", 40 / 120), ("x:2:6", 40 / 120), ("x:8.5", 0)])
def test_top_boxes_are_answers_at_or_above_their_bound(
    hand: pd.DataFrame, by_hand: SurveyDesign, text: str, share: float
) -> None:
    # by default the two highest that occur, 7 and 8: 20 + 10
    row = one(hand, by_hand, top_two_box=[text])
    assert (row["statistic"], row["measure"]) == ("top_two_box", text)
    assert row["estimate"] == pytest.approx(share, abs=1e-14)


def test_top_boxes_have_the_figures_of_the_proportion(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    boxes = estimate(hand, by_hand, top_two_box=["x:5"], by="d")
    shares = estimate(hand.assign(high=hand["x"] >= 5), by_hand, proportion=["high"], by="d").query(
        "category == 'True'"
    )
    figures = ["d", "estimate", "se", "df", "low", "high", "n", "n_eff", "deff", "status", "reason"]
    pd.testing.assert_frame_equal(boxes[figures], shares[figures].reset_index(drop=True))


@pytest.mark.parametrize(
    ("text", "score"),
    # by default 7, 8 less 1, 2: 30 - 30; from 6 up less up to 3: 40 - 50
    [("x", 0), ("x:3:6", -10 / 120), ("x:0:9", 0)],
)
def test_net_score_is_the_share_above_less_the_share_below(
    hand: pd.DataFrame, by_hand: SurveyDesign, text: str, score: float
) -> None:
    row = one(hand, by_hand, net_score=[text])
    assert row["estimate"] == pytest.approx(score, abs=1e-14)


def test_error_of_a_net_score_is_that_worked_out_by_hand(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    # promoters from 6 less detractors up to 3: PSU totals -10, 20 | -40, 20 and 20, 20 | 40, 40 people; score -1/12;
    # scores times 120 differ by 30 and 60
    row = one(hand, by_hand, net_score=["x:3:6"])
    assert row["se"] == pytest.approx(sqrt(30**2 + 60**2) / 120, rel=1e-13)


def test_net_score_may_be_negative_and_is_never_bounded_at_0(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    row = one(hand, by_hand, net_score=["x:3:6"])
    assert row["low"] == pytest.approx(row["estimate"] - (row["high"] - row["estimate"]))
    assert row["low"] < 0


@pytest.mark.parametrize(("bound", "share"), [("0", 0), ("3", 50 / 120), ("4.5", 60 / 120), ("8", 1)])
def test_distribution_is_the_share_at_or_below(
    hand: pd.DataFrame, by_hand: SurveyDesign, bound: str, share: float
) -> None:
    row = one(hand, by_hand, distribution=[f"x:{bound}"])
    assert (row["measure"], row["estimate"]) == (f"x:{bound}", pytest.approx(share, abs=1e-14))


def test_distribution_counts_who_answered(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    row = one(hand.assign(x=hand["x"].where(hand["x"] > 1)), by_hand, distribution=["x:3"])
    assert (row["n"], row["estimate"]) == (7, pytest.approx(30 / 100))


def test_boxes_of_an_expression_need_their_bound(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    assert one(hand, by_hand, top_two_box=["x + d:9"])["estimate"] == pytest.approx(30 / 120)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"top_two_box": ["yes"]}, "'yes' holds 2 different answers; say where its boxes begin, as in yes:4"),
        ({"net_score": ["x:4"]}, "net score 'x:4': give the lower and the upper bound, as in x:2:4"),
        ({"top_two_box": ["x:high"]}, "'x:high': 'high' is no number; write as in a:4"),
        ({"distribution": ["x:much"]}, "'x:much': 'much' is no number"),
    ],
)
def test_bounds_that_say_nothing_are_refused(
    hand: pd.DataFrame, by_hand: SurveyDesign, wanted: dict[str, Any], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        estimate(hand, by_hand, **wanted)


# Levels and codes


def test_levels_are_sorted_as_numbers_and_named_without_decimals(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    frame = hand.assign(level=[10.0, 9, 2, np.nan] * 2)
    assert estimate(frame, by_hand, proportion=["level"])["category"].tolist() == ["2", "9", "10"]


def test_shares_of_the_levels_add_up_to_one_in_every_domain(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    table = estimate(hand, by_hand, proportion=["x"], by="d")
    assert table.groupby("d")["estimate"].sum().tolist() == pytest.approx([1, 1, 1])


def test_column_whose_name_holds_a_colon_or_slash_is_itself(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    frame = hand.assign(**{"a:4": hand["x"], "g/x": hand["x"]})
    table = estimate(frame, by_hand, mean=["a:4", "g/x"], ratio=["g/x/d"])
    assert table["estimate"].tolist() == pytest.approx([13 / 3, 13 / 3, 26 / 11])
    assert split_ratio("g/x/d", ("g/x", "d")) == ("g/x", "d")


def test_one_name_may_be_given_without_a_list(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    pd.testing.assert_frame_equal(
        estimate(hand, by_hand, mean="x", by="d"), estimate(hand, by_hand, mean=["x"], by=["d"])
    )


def test_code_that_is_part_of_another_is_not_ticked() -> None:
    frame = pd.DataFrame({"m": ["1 12", "12", "2", "1"]})
    table = estimate(frame, SurveyDesign(), proportion=["m"], multiple={"m": ["1", "2", "12"]})
    assert table["estimate"].tolist() == [0.5, 0.25, 0.5]


def test_rows_stand_cell_by_cell_and_statistic_by_statistic(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    table = estimate(hand, by_hand, by="yes", variance=["x"], total=["d"], mean=["x"], quantile=["x:0.5"])
    assert table["statistic"].tolist() == ["mean", "total", "variance", "quantile"] * 2
    assert table["yes"].tolist() == ["0"] * 4 + ["1"] * 4


# Domains and amounts


def test_domain_without_answers_says_so_beside_one_that_has_them(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    frame = hand.assign(side=list("lrlrlrlr"), x=hand["x"].where(hand["x"] % 2 == 1))
    table = estimate(frame.assign(side=["l", "l", "l", "l", "r", "r", "r", "r"]), by_hand, mean=["x"], by="side")
    assert table["reason"].tolist() == ["no_answers", ""]
    assert table["n"].tolist() == [0, 4]


def test_rows_with_an_empty_domain_stand_in_none_but_in_the_sample(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    table = estimate(hand.assign(side=["l"] * 6 + [None] * 2), by_hand, total=["x"], by="side")
    condition = estimate(hand, by_hand, total=["x"], where="psu < 4")
    assert table["side"].tolist() == ["l"]
    assert table["se"].tolist() == condition["se"].tolist()


def test_variation_is_told_of_amounts_alone(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    table = estimate(hand, by_hand, mean=["x", "-1 * x"], total=["x"], net_score=["x:3:6"], proportion=["yes"])
    found = coefficient_of_variation(table)
    relative = sqrt(20 / 9) / (13 / 3)
    assert found.iloc[:3].tolist() == pytest.approx([relative, relative, sqrt(80**2 + 160**2) / 520])
    assert found.iloc[3:].isna().all()


def test_listwise_serves_every_statistic_with_the_same_people(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    frame = hand.assign(x=hand["x"].where(hand["x"] > 1), yes=hand["yes"].where(hand["x"] != 8).astype(float))
    asked: dict[str, Any] = {
        "mean": ["x"],
        "total": ["d"],
        "ratio": ["x/d"],
        "variance": ["d"],
        "quantile": ["d:0.5"],
        "net_score": ["yes:0:1"],
    }
    table = estimate(frame, by_hand, listwise=True, **asked)
    complete = estimate(frame, by_hand, where="not missing(x) and not missing(yes)", **asked)
    assert table["n"].unique().tolist() == [6]
    pd.testing.assert_frame_equal(table, complete, rtol=1e-12)


def test_evidence_stands_beside_every_row(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    wanted = Wanted(mean=("x",), proportion=("yes",), variance=("x",), quantile=("x:0.5",), by=("d",))
    card = tabulate(hand, by_hand, wanted, rules=Rules())
    assert len(card.evidence) == len(card.table) == 5 * 3
    # d is 1 in PSUs 1 and 3 with 2 and 1 answers, 2 in PSUs 2 and 4, 3 in PSU 3 alone
    assert card.evidence["shifts"].tolist() == [2] * 10 + [1] * 5
    assert card.evidence["shift_share"].tolist()[:4] == pytest.approx([2 / 3] * 4)
    # where d is 1 the amounts are 20, 40 and 20: two of them 60 of 80
    assert card.evidence["leading"].iloc[0] == pytest.approx(60 / 80)


def test_statistic_that_is_not_there_names_those_that_are(hand: pd.DataFrame) -> None:
    with pytest.raises(RequestError, match=r"there is no statistic 'median'; there are alpha, components, .*variance"):
        estimate(hand, SurveyDesign(), median=["x"])


def test_words_are_no_numbers_in_any_statistic(hand: pd.DataFrame) -> None:
    frame = hand.assign(word="often")
    for wanted in ({"variance": "word"}, {"quantile": "word:0.5"}, {"top_two_box": "word:4"}, {"ratio": "word/x"}):
        with pytest.raises(
            EstimationError, match="column 'word' holds text, dates or infinity in 8 rows, first in data"
        ):
            estimate(frame, SurveyDesign(), **wanted)
