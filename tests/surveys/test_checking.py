from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.checking import Issue, Report, annotate, check
from surveys.questionnaire import Choice, DesignColumns, Question, Questionnaire, Scale
from surveys.reading.table import RawTable

POST = Scale("post", (Choice("bridge", {"en": "Old bridge"}), Choice("ferry", {"en": "Ferry", "ru": "Паром"})))
AGREE = Scale(
    "agree",
    (
        Choice("no", {"en": "Disagree"}, score=1),
        Choice("yes", {"en": "Agree", "ru": "Да"}, score=3),
        Choice("dk", {"en": "Don't know"}, missing="dont_know"),
        Choice("ref", {"en": "No answer"}, missing="refused"),
    ),
)
YES_NO = Scale("yn", (Choice("no", {"en": "No"}), Choice("yes", {"en": "Yes"})))
AGENCY = Scale(
    "agency",
    (
        Choice("customs", {"en": "Customs"}),
        Choice("guards", {"en": "Border guards"}),
        Choice("dk", {"en": "Don't know"}, missing="dont_know"),
    ),
)
FORM = Questionnaire(
    "f",
    "1",
    "Form",
    ("en", "ru"),
    (
        Question("start", "meta"),
        Question("end", "meta"),
        Question("post", "select_one", {"en": "Which post?"}, POST, required=True),
        Question("shift", "text"),
        Question("count", "integer", minimum=1, maximum=500),
        Question("team", "text"),
        Question("consent", "select_one", {}, YES_NO),
        Question("fair", "select_one", {"en": "Is it fair?"}, AGREE, required=True, gate="(${consent} = 'yes')"),
        Question("met", "select_multiple", {"en": "Whom did you meet?"}, AGENCY),
        Question("asked", "select_one", {}, AGREE, relevant="selected(${met}, 'customs')"),
        Question("wait", "decimal", {}, minimum=0, maximum=72),
        Question("comment", "text"),
    ),
    DesignColumns(strata=("post",), psu="shift", traffic="count", interviewer="team", facets=(("post",),)),
)
FREE = replace(FORM, design=DesignColumns())
GOOD: Mapping[str, Sequence[str]] = {
    "start": ("2026-05-03T09:00:00.000+05:00", "2026-05-03T13:30:00.000+05:00", "2026-05-04T10:00:00.000+05:00"),
    "end": ("2026-05-03T09:20:30.000+05:00", "2026-05-03T13:45:00.000+05:00", "2026-05-04T10:10:00.000+05:00"),
    "post": ("bridge", "ferry", "ferry"),
    "shift": ("BRI-01", "FER-01", "FER-02"),
    "count": ("40", "50", "60"),
    "team": ("i01", "i02", "i02"),
    "consent": ("yes", "yes", "yes"),
    "fair": ("yes", "no", "dk"),
    "met": ("customs guards", "guards", "dk"),
    "asked": ("no", "", ""),
    "wait": ("1.5", "", "3"),
    "_uuid": ("u-1", "u-2", "u-3"),
}


def table(columns: Mapping[str, Sequence[str]], **changed: Sequence[str]) -> RawTable:
    cells = {**columns, **changed}
    frame = pd.DataFrame({at: list(values) for at, values in enumerate(cells.values())}, dtype="str")
    return RawTable(tuple(cells), frame, pd.Series(range(2, len(frame) + 2)), "", "csv", {})


def without(*names: str, **changed: Sequence[str]) -> RawTable:
    return table({name: values for name, values in GOOD.items() if name not in names}, **changed)


def found(report: Report) -> dict[str, tuple[str, tuple[int, ...], bool]]:
    return {issue.code: (issue.column, issue.rows, issue.fatal) for issue in report.issues}


def frame(report: Report) -> pd.DataFrame:
    assert report.responses is not None, [issue for issue in report.issues if issue.fatal]
    return report.responses.frame


def column(report: Report, name: str) -> list[object]:
    values: list[object] = frame(report)[name].tolist()
    return values


# --- a sound file


def test_a_sound_file_has_no_issue_and_is_coded() -> None:
    report = check(table(GOOD), FORM)
    assert report.issues == ()
    assert column(report, "post") == [0, 1, 1]
    assert column(report, "fair") == [3, 1, -2]
    assert column(report, "psu") == ["BRI-01", "FER-01", "FER-02"]
    assert column(report, "interviewer") == ["i01", "i02", "i02"]
    assert column(report, "uuid") == ["u-1", "u-2", "u-3"]
    assert column(report, "wait")[0] == 1.5


def test_what_is_right_is_counted_too() -> None:
    counts = check(table(GOOD), FORM).counts
    assert (counts["rows"], counts["ready"], counts["blocked"], counts["columns_matched"]) == (3, 3, 0, 12)


def test_columns_have_the_types_that_the_store_takes() -> None:
    types = frame(check(table(GOOD), FORM)).dtypes
    assert {str(types[name]) for name in ("post", "fair", "met/customs", "asked")} == {"int16"}
    assert {str(types[name]) for name in ("wait", "count", "minutes")} == {"float64"}


def test_codes_of_shift_and_team_and_free_text_are_no_answers() -> None:
    report = check(table(GOOD, comment=("a", "b", "c")), FORM)
    assert not {"shift", "team", "comment", "start", "end"} & set(frame(report).columns)
    assert report.dropped == {"start": "exact time", "end": "exact time", "comment": "free text"}


def test_exact_times_become_a_day_half_a_day_and_minutes() -> None:
    report = check(table(GOOD), FORM)
    assert column(report, "day") == ["2026-05-03", "2026-05-03", "2026-05-04"]
    assert column(report, "half_day") == ["am", "pm", "am"]
    assert column(report, "minutes") == [20.5, 15.0, 10.0]


def test_without_a_start_the_day_is_that_of_submission() -> None:
    report = check(without("start", "end", _submission_time=("2026-05-05T18:00:00",) * 3), FORM)
    assert column(report, "day") == ["2026-05-05"] * 3
    assert column(report, "half_day") == ["", "", ""]


@pytest.mark.parametrize("end", ["", "later", "2026-05-03", "2026-05-02T09:00:00+05:00", "9999-12-31T00:00:00"])
def test_minutes_are_unknown_where_the_end_is_no_time_or_before_the_start(end: str) -> None:
    report = check(table(GOOD, end=(end, *GOOD["end"][1:])), FORM)
    assert np.isnan(frame(report)["minutes"].to_numpy()[0])


def test_a_time_that_nobody_can_be_sure_of_is_left_out() -> None:
    report = check(table(GOOD, start=("05/03/2026 09:00", *GOOD["start"][1:])), FORM)
    assert found(report)["time-unreadable"] == ("start", (2,), False)
    assert column(report, "day")[0] == ""


def test_a_form_without_a_design_needs_no_weight() -> None:
    report = check(without("post", "shift", "count", "team"), FREE)
    assert column(report, "psu") == ["", "", ""]
    assert column(report, "post") == [-4, -4, -4]


# --- answers


def test_labels_in_any_language_and_case_are_codes() -> None:
    report = check(table(GOOD, post=("old bridge", "Паром", " Ferry "), fair=("Да", "DISAGREE", "Don't know")), FORM)
    assert column(report, "post") == [0, 1, 1]
    assert column(report, "fair") == [3, 1, -2]


def test_an_answer_off_the_list_is_fatal_on_its_row() -> None:
    report = check(table(GOOD, fair=("yes", "perhaps", "no")), FORM)
    assert found(report) == {"off-scale": ("fair", (3,), True)}
    assert report.issues[0].params["values"] == ""
    assert (report.responses, report.counts["blocked"], report.counts["ready"]) == (None, 1, 2)


def test_of_what_is_off_the_list_only_short_numbers_are_repeated() -> None:
    report = check(table(GOOD, fair=("9", "+992 93 123 45 67", "my neighbour told me everything")), FORM)
    assert report.issues[0].params["values"] == "'9'"


@pytest.mark.parametrize(
    ("value", "code"),
    [("many", "not-a-number"), ("1,500", "not-a-number"), ("73", "out-of-bounds"), ("-1", "out-of-bounds")],
)
def test_numbers_that_the_form_does_not_allow_are_fatal(value: str, code: str) -> None:
    assert found(check(table(GOOD, wait=("1", value, "2")), FORM)) == {code: ("wait", (3,), True)}


def test_half_a_person_is_not_counted() -> None:
    assert found(check(table(GOOD, count=("40.5", "50", "60")), FORM)) == {"not-whole": ("count", (2,), True)}


def test_a_decimal_comma_is_read() -> None:
    assert column(check(table(GOOD, wait=("1,5", "0", "2,25")), FORM), "wait") == [1.5, 0.0, 2.25]


def test_what_r_writes_for_nothing_is_nothing() -> None:
    report = check(table(GOOD, wait=("NA", "", "n/a"), asked=("no", "NA", "NA")), FORM)
    assert report.issues == ()
    assert np.isnan(frame(report)["wait"]).all()


def test_a_required_answer_that_is_missing_is_a_warning() -> None:
    report = check(table(GOOD, fair=("yes", "", "no")), FORM)
    assert found(report) == {"required-empty": ("fair", (3,), False)}
    assert column(report, "fair") == [3, -4, 1]


def test_routing_tells_not_applicable_from_blank() -> None:
    assert column(check(table(GOOD, asked=("", "", "")), FORM), "asked") == [-4, -1, -1]


def test_an_answer_behind_closed_routing_is_a_warning_and_stays() -> None:
    report = check(table(GOOD, asked=("no", "yes", "")), FORM)
    assert found(report) == {"routing-broken": ("asked", (3,), False)}
    assert column(report, "asked") == [1, 3, -1]


def test_a_condition_that_is_not_understood_closes_nothing() -> None:
    questions = tuple(replace(q, relevant="pulldata('x', ${met})") if q.name == "asked" else q for q in FORM.questions)
    report = check(table(GOOD, asked=("no", "yes", "")), replace(FORM, questions=questions))
    assert report.issues == ()
    assert column(report, "asked") == [1, 3, -4]


# --- several answers


def ticks(report: Report) -> list[list[int]]:
    found: list[list[int]] = frame(report)[["met/customs", "met/guards", "met/dk"]].to_numpy().tolist()
    return found


TICKS = [[1, 1, 0], [0, 1, 0], [-2, -2, 1]]


def test_several_answers_are_read_from_one_column() -> None:
    assert ticks(check(table(GOOD), FORM)) == TICKS


def test_several_answers_are_read_from_labels_with_spaces_and_commas() -> None:
    labels = ("Customs Border guards", "Border guards", "Don't know")
    assert ticks(check(table(GOOD, met=labels), FORM)) == TICKS


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("True", "False"), ("TRUE", "FALSE"), ("yes", "no"), ("1", "")])
def test_several_answers_are_read_from_a_column_a_choice(yes: str, no: str) -> None:
    split = {"met/customs": (yes, no, no), "met/guards": (yes, yes, no), "met/dk": (no, no, yes)}
    assert ticks(check(without("met", **split), FORM)) == TICKS


def test_a_choice_without_a_column_was_not_ticked() -> None:
    report = check(without("met", **{"met/customs": ("1", "0", ""), "met/guards": ("1", "1", "")}), FORM)
    assert ticks(report) == [[1, 1, 0], [0, 1, 0], [-4, -4, -4]]


def test_of_a_joined_column_and_ticks_that_differ_the_joined_one_is_believed() -> None:
    report = check(table(GOOD, **{"met/customs": ("1", "1", "0"), "met/guards": ("1", "1", "0")}), FORM)
    assert found(report) == {"ticks-disagree": ("met", (3,), False)}
    assert ticks(report) == TICKS


def test_a_tick_that_is_neither_yes_nor_no_is_fatal() -> None:
    report = check(without("met", **{"met/customs": ("1", "2", "0")}), FORM)
    assert found(report)["not-a-tick"] == ("met", (3,), True)


def test_a_code_off_the_list_among_several_is_fatal() -> None:
    report = check(table(GOOD, met=("customs", "guards police", "dk")), FORM)
    assert found(report) == {"off-scale": ("met", (3,), True)}


# --- columns


def test_an_unknown_column_is_a_warning_and_not_stored() -> None:
    report = check(table(GOOD, colour=("red", "red", "blue")), FORM)
    assert found(report) == {"unknown-column": ("colour", (), False)}
    assert "colour" not in frame(report)


def test_a_personal_column_that_nobody_asked_for_is_dropped() -> None:
    report = check(table(GOOD, call_back=("+992931234567", "+992931234568", "+992931234569")), FORM)
    assert report.issues == ()
    assert report.dropped["call_back"] == "phone"


def test_a_duplicate_header_of_a_question_is_fatal() -> None:
    doubled = table(GOOD, second=GOOD["fair"])
    report = check(replace(doubled, columns=tuple("fair" if c == "second" else c for c in doubled.columns)), FORM)
    assert found(report) == {"duplicate-header": ("fair", (), True)}


def test_two_columns_of_one_question_fill_each_other() -> None:
    report = check(table(GOOD, fair=("yes", "", ""), **{"Is it fair?": ("", "Disagree", "Don't know")}), FORM)
    assert column(report, "fair") == [3, 1, -2]


def test_two_columns_of_one_question_that_disagree_are_fatal() -> None:
    report = check(table(GOOD, **{"Is it fair?": ("no", "no", "dk")}), FORM)
    assert found(report) == {"columns-disagree": ("fair", (2,), True)}


def test_questions_without_a_column_are_one_warning() -> None:
    report = check(without("wait", "asked"), FORM)
    assert found(report) == {"questions-absent": ("", (), False)}
    assert report.issues[0].params == {"count": 2, "names": "asked, wait"}


def test_a_file_of_another_form_is_refused_in_one_issue() -> None:
    assert found(check(table({"a": ("1",), "b": ("2",)}), FORM))["no-known-column"] == ("", (), True)


def test_a_file_of_free_text_alone_is_refused() -> None:
    assert found(check(table({"comment": ("kind",)}), FREE))["only-personal"] == ("", (), True)


def test_a_header_alone_is_refused() -> None:
    assert found(check(table(dict.fromkeys(GOOD, ())), FORM))["no-rows"] == ("", (), True)


# --- the sample


@pytest.mark.parametrize(("name", "code"), [("count", "weight-absent"), ("shift", "design-absent")])
def test_a_missing_column_of_the_design_is_fatal(name: str, code: str) -> None:
    assert found(check(without(name), FORM))[code] == (name, (), True)


def test_a_missing_weight_is_fatal_where_the_design_declares_one() -> None:
    form = replace(FORM, design=DesignColumns(weight="weight", strata=("post",)))
    assert found(check(table(GOOD), form))["weight-absent"] == ("weight", (), True)
    assert column(check(table(GOOD, weight=("1", "2", "0.5")), form), "weight") == [1.0, 2.0, 0.5]


@pytest.mark.parametrize("weight", ["", "0", "-2"])
def test_a_row_without_a_positive_weight_is_fatal(weight: str) -> None:
    form = replace(FORM, design=DesignColumns(weight="weight"))
    report = check(table(GOOD, weight=("1", weight, "3")), form)
    assert found(report) == {"weight-not-positive": ("weight", (3,), True)}


@pytest.mark.parametrize("name", ["post", "shift"])
def test_a_row_without_a_place_in_the_sample_is_fatal(name: str) -> None:
    report = check(table(GOOD, **{name: ("", *GOOD[name][1:])}), FORM)
    assert found(report) == {"design-empty": (name, (2,), True)}


def test_two_counts_for_one_shift_are_a_warning() -> None:
    report = check(table(GOOD, shift=("BRI-01", "FER-01", "FER-01")), FORM)
    assert found(report) == {"traffic-varies": ("count", (3, 4), False)}


# --- submissions


def again(*rows: int, **changed: Sequence[str]) -> RawTable:
    return table({name: [values[row] for row in rows] for name, values in GOOD.items()}, **changed)


def test_the_same_submission_twice_is_stored_once() -> None:
    report = check(again(0, 1, 0, 0), FORM)
    assert found(report) == {"duplicate-submission": ("", (4, 5), False)}
    assert (report.counts["duplicates"], report.counts["ready"]) == (2, 2)
    assert column(report, "uuid") == ["u-1", "u-2"]


def test_a_submission_that_comes_back_changed_counts_as_the_last_says() -> None:
    report = check(again(0, 1, 0, fair=("yes", "no", "no")), FORM)
    assert found(report) == {"duplicate-changed": ("", (2,), False)}
    assert column(report, "fair") == [1, 1]


def test_the_same_interview_under_another_name_is_stored_once() -> None:
    report = check(again(0, 1, 0, _uuid=("u-1", "u-2", "u-9")), FORM)
    assert found(report) == {"duplicate-submission": ("", (4,), False)}


def test_short_interviews_that_are_alike_are_different_people() -> None:
    report = check(table({"fair": ("yes", "yes"), "wait": ("1", "1")}), FREE)
    assert report.counts["ready"] == 2
    assert len(set(column(report, "uuid"))) == 2


def test_a_submission_without_a_name_gets_the_same_one_each_time() -> None:
    first, second = (check(without("_uuid"), FORM) for _ in range(2))
    assert column(first, "uuid") == column(second, "uuid")
    assert len(set(column(first, "uuid"))) == 3


def test_names_of_submissions_are_taken_in_order_of_trust() -> None:
    report = check(table(GOOD, **{"meta/rootUuid": ("uuid:r-1", "", "")}), FORM)
    assert column(report, "uuid") == ["r-1", "u-2", "u-3"]


def test_who_did_not_consent_is_counted_and_not_stored() -> None:
    report = check(table(GOOD, consent=("yes", "no", "yes"), fair=("yes", "nonsense", "dk")), FORM)
    assert found(report) == {"no-consent": ("", (3,), False)}
    assert (report.counts["refused"], report.counts["ready"]) == (1, 2)
    assert column(report, "uuid") == ["u-1", "u-3"]


def test_equal_answers_have_equal_contents_and_others_do_not() -> None:
    before = column(check(table(GOOD), FORM), "content")
    after = column(check(table(GOOD, fair=("yes", "yes", "dk")), FORM), "content")
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]


# --- the team's own table


def test_the_team_gets_its_own_table_back_with_the_problems_of_each_row() -> None:
    source = table(GOOD, fair=("yes", "perhaps", "no"), asked=("no", "yes", ""))
    marked = annotate(source, check(source, FORM), lambda issue: issue.code)
    assert marked.drop(columns="_problems").equals(source.frame)
    assert marked["_problems"].tolist() == ["", "routing-broken | off-scale", ""]


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["yes", "no", "dk", "customs guards", "1", "0", "-9", "1e400", "2026-05-03T09:00:00", "bridge"]),
)
HEADERS = st.one_of(
    st.text(max_size=12), st.sampled_from([*GOOD, "met/customs", "met.guards", "Is it fair?", "", "KEY", "weight"])
)


@st.composite
def tables(draw: st.DrawFn) -> RawTable:
    columns = draw(st.lists(HEADERS, min_size=1, max_size=9))
    rows = draw(st.lists(st.tuples(*[CELLS] * len(columns)), max_size=5))
    cells = pd.DataFrame(rows, columns=range(len(columns)), dtype="str")
    return RawTable(tuple(columns), cells, pd.Series(range(2, len(rows) + 2), dtype="int64"), "", "csv", {})


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from([FORM, FREE]))
def test_any_table_of_texts_gives_a_report(source: RawTable, form: Questionnaire) -> None:
    report = check(source, form)
    fatal: list[Issue] = [issue for issue in report.issues if issue.fatal]
    assert (report.responses is None) == bool(fatal)
    assert report.counts["rows"] == len(source.frame)
    accounted = ("ready", "blocked", "duplicates", "refused")
    assert sum(report.counts[name] for name in accounted) in {len(source.frame), 0}
    assert len(annotate(source, report, lambda issue: issue.code)) == len(source.frame)
