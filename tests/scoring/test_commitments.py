"""What was agreed, and its status, by the test of the change alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scoring import RequestError
from scoring.commitments import Commitment, Progress, progress, read_commitments

ROW: dict[str, Any] = {
    "code": "c1", "item": "fees_posted", "office": "regional command", "action": "post the fees", "due": "2024",
    "since": "2022",
}  # fmt: skip
WAVES = ("2022", "2024")


def agreed(**changed: Any) -> Commitment:
    return read_commitments([ROW | changed])[0]


def moved(estimate: float, measure: str = "fees_posted", **more: Any) -> dict[str, Any]:
    """A change with the standard error 2 and 20 df."""
    p = 2 * stats.t.sf(abs(estimate) / 2, 20)
    own = {"wave": "2024", "since": "2022", "measure": measure, "estimate": estimate, "se": 2.0, "df": 20.0, "p": p}
    return own | {"low": estimate - 4.2, "high": estimate + 4.2, "reason": ""} | more


def scored(estimate: float, measure: str = "fees_posted", **more: Any) -> dict[str, Any]:
    own = {"wave": "2024", "measure": measure, "estimate": estimate, "se": 2.0, "df": 20.0, "low": 0.0, "high": 0.0}
    return own | {"top": 100.0} | more


def stand(one: Commitment, change: float, level: float = 50.0, waves: tuple[str, ...] = WAVES) -> Progress:
    return progress([one], pd.DataFrame([moved(change)]), pd.DataFrame([scored(level)]), waves=waves)[0]


@pytest.mark.parametrize(
    ("changed", "change", "level", "status"),
    [
        ({}, 8, 50, "met"),
        ({}, 3, 50, "not_clear"),
        ({}, -8, 50, "worse"),
        ({"direction": "worse"}, -8, 50, "met"),
        ({"direction": "worse"}, 8, 50, "worse"),
        ({"due": "2026"}, 8, 50, "moving"),
        ({"due": "2026"}, 3, 50, "not_due"),
        ({"due": "2026"}, -8, 50, "worse"),
        ({"target": 60}, 8, 67, "met"),
        ({"target": 60}, 8, 61, "moving"),
        ({"target": 60}, 3, 58, "not_clear"),
        ({"target": 60, "due": "2026"}, 3, 58, "not_due"),
        ({"target": 60, "due": "2026"}, 8, 67, "met"),
        ({"target": 60}, 0, 67, "met"),
        ({"target": 60}, -8, 50, "worse"),
        ({"target": 40, "direction": "worse"}, -8, 33, "met"),
        ({"target": 40, "direction": "worse"}, -8, 39, "moving"),
    ],
)
def test_status_of_a_commitment(changed: dict[str, Any], change: float, level: float, status: str) -> None:
    found = stand(agreed(**changed), change, level)
    assert (found.status, found.finding.code) == (status, f"commitment_{status}")


def test_finding_of_a_commitment_holds_what_a_sentence_needs() -> None:
    params = stand(agreed(target=60), 8, 67).finding.params
    assert params["office"] == "regional command"
    assert (params["since"], params["wave"], params["due"], params["target"]) == ("2022", "2024", "2024", 60)
    assert (params["estimate"], params["clear"]) == (8, True)
    assert params["score_met_in"] > 97.5


def test_all_commitments_are_one_family() -> None:
    # p of 4.6 with se 2 is 0.032: clear alone, not beside a second that moved as much
    alone = progress([agreed()], pd.DataFrame([moved(4.6)]), pd.DataFrame([scored(50)]), waves=WAVES)
    both = progress(
        read_commitments([ROW, ROW | {"code": "c2", "item": "complaint_easy"}]),
        pd.DataFrame([moved(4.6), moved(4.6, "complaint_easy")]),
        pd.DataFrame([scored(50), scored(50, "complaint_easy")]),
        waves=WAVES,
    )
    assert [one.status for one in alone] == ["met"]
    assert [one.status for one in both] == ["not_clear", "not_clear"]
    assert both[0].finding.params["p_adjusted"] == pytest.approx(2 * alone[0].finding.params["p_adjusted"])


def test_evidence_of_a_commitment_may_be_another_item() -> None:
    moves = pd.DataFrame([moved(8, "fees_receipt"), moved(-9)])
    found = progress([agreed(evidence="fees_receipt")], moves, pd.DataFrame([scored(50)]), waves=WAVES)[0]
    assert (found.status, found.finding.params["evidence"]) == ("met", "fees_receipt")


def test_commitment_of_one_side_is_judged_by_that_side() -> None:
    moves = pd.DataFrame([moved(8, side="left"), moved(-8, side="right")])
    scores = pd.DataFrame([scored(50, side="left"), scored(50, side="right")])
    found = progress(read_commitments([ROW | {"side": "right"}]), moves, scores, waves=WAVES)[0]
    assert (found.status, found.finding.params["side"]) == ("worse", "right")
    with pytest.raises(RequestError, match="2 rows fit commitment c1"):
        progress([agreed()], moves, scores, waves=WAVES)
    with pytest.raises(RequestError, match="is of one post; give figures by post"):
        progress([agreed(post="ford")], moves, scores, waves=WAVES)


def test_nothing_is_due_before_anything_was_measured_since() -> None:
    assert stand(agreed(due="2022"), 8, waves=("2020", "2022")).status == "not_due"


def test_hidden_or_missing_figures_are_not_clear_once_due() -> None:
    hidden = pd.DataFrame([moved(np.nan, p=np.nan, reason="hidden_score")])
    found = progress([agreed(target=60)], hidden, pd.DataFrame([scored(np.nan)]), waves=WAVES)[0]
    assert (found.status, found.finding.params["reason"]) == ("not_clear", "hidden_score")
    other = pd.DataFrame([moved(8, "other")])
    assert progress([agreed()], other, pd.DataFrame([scored(50)]), waves=WAVES)[0].status == "not_clear"


def test_without_commitments_there_is_nothing_to_judge() -> None:
    assert progress([], pd.DataFrame(), pd.DataFrame(), waves=WAVES) == ()


def test_commitment_from_an_unknown_wave_is_refused() -> None:
    with pytest.raises(RequestError, match="counts from wave '2019'; waves are 2022, 2024"):
        stand(agreed(since="2019"), 8)


def test_empty_cells_of_a_table_are_left_out() -> None:
    one = agreed(target="", evidence=np.nan, direction=None, side="left")
    assert (one.target, one.evidence, one.direction, one.where) == (None, "fees_posted", "better", {"side": "left"})


def test_all_faults_of_a_table_are_named_at_once() -> None:
    rows = [ROW, ROW | {"office": ""}, ROW | {"code": "c3", "direction": "up", "target": "many"}]
    with pytest.raises(RequestError) as error:
        read_commitments(rows)
    for words in ("row 2 has no office", "direction 'up'", "target 'many'", "code 'c1' is used twice"):
        assert words in str(error.value)
    with pytest.raises(RequestError, match="row 1 has target inf"):
        agreed(target="inf")


def test_changes_that_stand_beside_are_judged_in_the_same_family() -> None:
    moves, scores = pd.DataFrame([moved(4.6)]), pd.DataFrame([scored(50)])
    beside = pd.DataFrame([moved(4.6, "complaint_easy"), moved(0.1, "complaint_answered")])
    (found,) = progress([agreed()], moves, scores, waves=WAVES, beside=beside)
    p = 2 * stats.t.sf(4.6 / 2, 20)
    assert found.status == "not_clear"
    assert found.finding.params["p_adjusted"] == pytest.approx(3 * p)
