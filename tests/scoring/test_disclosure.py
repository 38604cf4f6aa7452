"""What the mask hides and how it rounds, each rule on its boundary, and that it never leaks."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from scoring import Framework, Scorecard, SurveyDesign, reduce, score
from scoring.disclosure import Thresholds, protect
from scoring.figures import Rules
from scoring.tables import tabulate
from scoring.variables import Wanted
from tests.strategies import FRAMEWORK, surveys

SMALL = Framework.from_toml(FRAMEWORK)
DESIGN = SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="wave", interviewer="interviewer")
NUMBERS = ["estimate", "se", "df", "low", "high", "n", "n_eff", "deff"]
ROW: dict[str, Any] = {
    "wave": "2024", "measure": "m", "estimate": 61.2345, "se": 2.3456, "df": 12.7, "low": 55.551, "high": 65.449,
    "n": 62, "n_eff": 48.3, "deff": 1.2345, "status": "ok", "reason": "",
}  # fmt: skip
EVIDENCE: dict[str, Any] = {
    "shifts": 6, "shift_share": 0.3, "above": 30.0, "below": 32.0, "above_rest": 20.0, "below_rest": 22.0,
    "spread": 40.0, "variation": np.nan, "leading": 0.2, "margin": np.nan, "interviewers": 4, "interviewer_share": 0.4,
    "sensitive": False, "top": 100.0,
}  # fmt: skip


def shown(**given_: Any) -> dict[str, Any]:
    """One row after the mask; anything of ROW and EVIDENCE may be given."""
    table = pd.DataFrame([ROW | {name: value for name, value in given_.items() if name in ROW}])
    evidence = pd.DataFrame([EVIDENCE | {name: value for name, value in given_.items() if name in EVIDENCE}])
    return protect(Scorecard(table, evidence, (), {})).table.iloc[0].to_dict()


@pytest.mark.parametrize(
    ("given_", "status", "reason"),
    [
        ({"n": 0}, "suppressed", "few_respondents"),
        ({"n": 9}, "suppressed", "few_respondents"),
        ({"n": 10}, "unreliable", "few_answers"),
        ({"n": 19}, "unreliable", "few_answers"),
        ({"n": 20}, "ok", "small_n"),
        ({"n": 49}, "ok", "small_n"),
        ({"n": 50}, "ok", ""),
        ({"shifts": 2}, "suppressed", "few_shifts"),
        ({"shifts": 3}, "ok", ""),
        ({"interviewers": 0}, "suppressed", "few_interviewers"),
        ({"interviewers": 1}, "suppressed", "few_interviewers"),
        ({"interviewers": 2}, "ok", ""),
        ({"interviewers": -1, "interviewer_share": np.nan}, "ok", ""),
        ({"shift_share": 0.7}, "ok", ""),
        ({"shift_share": 0.701}, "suppressed", "dominated"),
        ({"interviewer_share": 0.7}, "ok", ""),
        ({"interviewer_share": 0.701}, "suppressed", "dominated"),
        ({"leading": 0.85}, "ok", ""),
        ({"leading": 0.851}, "suppressed", "dominated"),
        ({"sensitive": True, "n": 29, "above": 14, "below": 15}, "suppressed", "sensitive"),
        ({"sensitive": True, "n": 30, "above": 15, "below": 15}, "ok", "small_n"),
        ({"sensitive": False, "n": 29, "above": 3, "below": 26}, "ok", "small_n"),
        ({"above": 2}, "suppressed", "near_end"),
        ({"below": 2}, "suppressed", "near_end"),
        ({"above_rest": 1}, "suppressed", "near_end"),
        ({"below_rest": 2}, "ok", ""),
        ({"spread": 3.9}, "suppressed", "alike"),
        ({"spread": 4.0}, "ok", ""),
        ({"variation": 0.29}, "suppressed", "alike"),
        ({"variation": 0.30}, "ok", ""),
        ({"margin": 0.149}, "suppressed", "dominated"),
        ({"margin": 0.15}, "ok", ""),
        ({"sensitive": True, "above": 4, "below": 62 - 4}, "suppressed", "sensitive"),
        ({"sensitive": True, "above": 5, "below": 62 - 5}, "ok", ""),
        ({"sensitive": True, "above": 58, "below": 62 - 58}, "suppressed", "sensitive"),
        ({"sensitive": True, "above": 57, "below": 62 - 57}, "ok", ""),
        (
            {"sensitive": True, "above": 0, "below": 62 - 0, "estimate": 0.0, "reason": "bound"},
            "suppressed",
            "sensitive",
        ),
        (
            {"sensitive": True, "above": 62, "below": 62 - 62, "estimate": 100.0, "reason": "bound"},
            "suppressed",
            "sensitive",
        ),
        ({"n": 9, "shifts": 1, "sensitive": True}, "suppressed", "few_respondents"),
        ({"n": 15, "shifts": 1}, "suppressed", "few_shifts"),
        ({"low": 50.0, "high": 70.0}, "ok", ""),
        ({"low": 50.0, "high": 70.1}, "ok", "wide"),
        ({"low": 50.0, "high": 70.1, "n": 49}, "ok", "small_n"),
        ({"reason": "bound"}, "ok", "bound"),
    ],
)
def test_rule_holds_on_its_boundary(given_: dict[str, Any], status: str, reason: str) -> None:
    row = shown(**given_)
    assert (row["status"], row["reason"]) == (status, reason)
    assert pd.isna([row[name] for name in NUMBERS]).all() == (status != "ok")


@pytest.mark.parametrize("hidden", [{"n": 9}, {"n": 19}, {"shifts": 2}, {"interviewers": 1}, {"shift_share": 0.8}])
def test_undefined_rows_obey_the_rules_as_any_other(hidden: dict[str, Any]) -> None:
    row = shown(status="undefined", reason="one_psu", low=np.nan, high=np.nan, df=0.0, **hidden)
    assert row["status"] in ("suppressed", "unreliable")
    assert pd.isna([row[name] for name in NUMBERS]).all()


def test_undefined_row_keeps_its_estimate_and_has_no_limits() -> None:
    row = shown(status="undefined", reason="one_psu", low=np.nan, high=np.nan, df=0.0)
    assert (row["status"], row["reason"], row["estimate"]) == ("undefined", "one_psu", 61.2)
    assert pd.isna([row["low"], row["high"]]).all()


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({}, {"estimate": 61.2, "low": 55.6, "high": 65.4, "se": 2.3, "n": 60, "df": 12, "n_eff": 50, "deff": 1.2}),
        ({"n": 63}, {"n": 65, "estimate": 61.2}),
        ({"n": 49}, {"n": 50, "estimate": 61, "low": 56, "high": 65, "se": 2.3}),
        ({"n": 50}, {"n": 50, "estimate": 61.2}),
        ({"se": 0.012345}, {"se": 0.012}),
        ({"se": 123.4}, {"se": 120}),
        ({"se": 0.0, "estimate": 0.0, "low": 0.0, "high": 4.2345}, {"se": 0, "estimate": 0, "high": 4.2}),
        ({"top": 1.0, "estimate": 0.61234}, {"estimate": 0.612}),
        ({"top": 1.0, "estimate": 0.61234, "n": 49}, {"estimate": 0.61}),
        ({"top": np.nan, "estimate": 1234.5}, {"estimate": 1230}),
        ({"top": np.nan, "estimate": 1234.5, "n": 49}, {"estimate": 1200}),
        ({"top": np.nan, "estimate": -0.012345}, {"estimate": -0.0123}),
        ({"top": np.nan, "estimate": 0.0}, {"estimate": 0}),
    ],
)
def test_shown_figures_are_rounded(given_: dict[str, Any], expected: dict[str, float]) -> None:
    row = shown(**given_)
    assert {name: row[name] for name in expected} == pytest.approx(expected)


def test_thresholds_can_be_raised_but_are_those_of_the_method_by_default() -> None:
    table, evidence = pd.DataFrame([ROW]), pd.DataFrame([EVIDENCE])
    card = protect(Scorecard(table, evidence, (), {}), rules=Thresholds(few_respondents=100))
    assert card.table["status"].tolist() == ["suppressed"]
    assert table["estimate"].tolist() == [61.2345]  # the caller's own card stays as it was


def people(size: int = 64) -> pd.DataFrame:
    """Enough of everything: 8 shifts, 4 interviewers, two waves."""
    place = np.arange(size)
    return pd.DataFrame(
        {
            "wave": np.where(place < size // 2, "2022", "2024"),
            "stratum": "s",
            "shift": place // 4,
            "weight": 1.0 + place % 3,
            "side": "left",
            "sex": "male",
            "interviewer": place % 4,
            "x": 1 + place % 5,
            "y": 1 + place % 4,
            "z": place % 3,
            "link": 1 + place % 5,
            "asked": place % 2,
            "hours": 1 + place % 7,
        }
    )


def card_of(frame: pd.DataFrame, *by: str) -> Scorecard:
    return score(reduce(frame, SMALL, DESIGN, facets=[("side",)]), SMALL, by=by)


def statuses(card: Scorecard, wave: str) -> dict[str, str]:
    table = protect(card).table
    return dict(table[table["wave"] == wave][["measure", "status"]].itertuples(index=False))


def test_composite_is_hidden_when_any_part_is() -> None:
    frame = people()
    frame.loc[(frame["wave"] == "2024") & (frame.index % 4 > 0), "y"] = -3  # 8 answers to y are left in 2024
    status = statuses(card_of(frame), "2024")
    assert {name: status[name] for name in ("y", "first", "index")} == dict.fromkeys(
        ("y", "first", "index"), "suppressed"
    )
    assert {name: status[name] for name in ("x", "z", "second", "hours")} == dict.fromkeys(
        ("x", "z", "second", "hours"), "ok"
    )


def test_index_of_parts_in_few_shifts_is_hidden_though_people_are_many() -> None:
    frame = people()
    frame.loc[(frame["wave"] == "2024") & ~frame["shift"].isin([8, 9]), "z"] = -1
    frame = pd.concat([frame, *[frame[frame["shift"].isin([8, 9])]] * 3], ignore_index=True)
    status = statuses(card_of(frame), "2024")
    assert (status["z"], status["index"], status["x"]) == ("suppressed", "suppressed", "ok")


def test_two_people_with_most_of_an_amount_hide_it() -> None:
    frame = people()
    frame.loc[[40, 50], "hours"] = 72 * 1000
    status = statuses(card_of(frame), "2024")
    assert (status["hours"], status["index"]) == ("suppressed", "ok")


def test_evidence_is_gone_after_the_mask() -> None:
    card = card_of(people(), "side")
    assert len(card.evidence.columns) == 14
    assert protect(card).evidence.columns.empty
    assert protect(card).provenance == card.provenance


def test_figures_of_any_file_are_masked_by_the_same_rules() -> None:
    frame = people().assign(money=[1000.0, 900.0, *[1.0] * 62])
    masked = protect(
        tabulate(
            frame,
            SurveyDesign(psu="shift"),
            Wanted(mean=("x", "money"), total=("money",), proportion=("z",)),
            rules=Rules(),
        )
    )
    assert masked.table.query("measure == 'money'")["reason"].tolist() == ["dominated", "dominated"]
    assert masked.table.query("measure in ('x', 'z')")["status"].eq("ok").all()
    alone = tabulate(
        frame.assign(who="one"), SurveyDesign(psu="shift", interviewer="who"), Wanted(mean=("x",)), rules=Rules()
    )
    assert protect(alone).table["reason"].tolist() == ["few_interviewers"]


@settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(surveys(waves=2, missing=0.5, interviews=(3, 12)))
def test_no_row_of_fewer_than_ten_ever_shows_a_number(frame: pd.DataFrame) -> None:
    totals = reduce(frame, SMALL, DESIGN, facets=[("side",), ("side", "sex")])
    for by in ((), ("side", "sex")):
        card = score(totals, SMALL, by=by)
        few = (card.table["n"] < 10).to_numpy()
        assert protect(card).table.loc[few, NUMBERS].isna().all(axis=None)
