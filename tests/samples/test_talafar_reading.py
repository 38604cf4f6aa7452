"""A real household survey, as the team had it: raw export and its form as two CSVs."""

from pathlib import Path

import pytest

from surveys import xlsform
from surveys.checking import Report, check
from surveys.questionnaire import Questionnaire
from surveys.reading import RawTable, read

pytestmark = pytest.mark.samples


@pytest.fixture(scope="module")
def folder(reference: Path) -> Path:
    return reference / "samples" / "reach-talafar-2023"


@pytest.fixture(scope="module")
def form(folder: Path) -> Questionnaire:
    return xlsform.load(Path(f"{folder}/cleaningtools_survey.csv,cleaningtools_choices.csv"))


@pytest.fixture(scope="module")
def raw(folder: Path) -> RawTable:
    return read(folder / "cleaningtools_raw_data.csv")


@pytest.fixture(scope="module")
def report(raw: RawTable, form: Questionnaire) -> Report:
    return check(raw, form)


def test_the_form_is_sound_and_speaks_two_languages(form: Questionnaire) -> None:
    assert form.languages == ("English (en)", "Arabic (ar)")
    assert xlsform.faults(form) == ()


def test_every_submission_is_read(report: Report) -> None:
    assert report.counts["rows"] == 632


def test_every_column_is_matched_although_r_renamed_some(raw: RawTable, report: Report) -> None:
    assert {"X.U.FEFF.start", "X_uuid", "primary_livelihood.savings"} <= set(raw.columns)
    assert (report.counts["columns_matched"], report.counts["columns_unknown"]) == (348, 0)


def test_personal_columns_are_dropped_by_kind(report: Report) -> None:
    kinds = {"deviceid": "device", "X_submitted_by": "name", "X.U.FEFF.start": "exact time", "X_notes": "free text"}
    assert kinds.items() <= report.dropped.items()
    assert report.counts["columns_dropped"] == 17


def test_no_submission_stands_twice(report: Report) -> None:
    assert report.counts["duplicates"] == 0


def test_only_answers_that_the_form_no_longer_lists_are_off_the_scale(report: Report) -> None:
    off = {issue.column: len(issue.rows) for issue in report.issues if issue.fatal}
    assert off == {"neighbourhood": 632, "pay_water_charges_when": 35}


def test_ticks_and_joined_columns_of_real_data_agree(report: Report) -> None:
    assert [issue for issue in report.issues if issue.code in {"ticks-disagree", "not-a-tick"}] == []


def test_real_routing_is_understood_and_kept(report: Report) -> None:
    assert [issue for issue in report.issues if issue.code == "routing-broken"] == []


def test_what_is_left_is_coded(raw: RawTable, form: Questionnaire) -> None:
    columns = [at for at, name in enumerate(raw.columns) if name not in {"neighbourhood", "pay_water_charges_when"}]
    frame = raw.frame[columns].set_axis(range(len(columns)), axis="columns")
    rest = RawTable(tuple(raw.columns[at] for at in columns), frame, raw.lines, "", "csv", {})
    responses = check(rest, form).responses
    assert responses is not None
    assert len(responses.frame) == 632
    assert responses.frame["hhh_r"].value_counts().to_dict() == raw_counts(raw, "hhh_r", form)


def raw_counts(raw: RawTable, name: str, form: Questionnaire) -> dict[int, int]:
    """Frequencies of a question's texts, under the positions of its choices."""
    (scale,) = (question.scale for question in form.questions if question.name == name)
    codes = [choice.code for choice in scale.choices] if scale else []
    counts = raw.frame[raw.columns.index(name)].value_counts().to_dict()
    return {codes.index(str(code)): int(count) for code, count in counts.items()}
