import pandas as pd
import pytest

from surveys import privacy
from surveys.mapping import match
from surveys.questionnaire import Choice, Question, Questionnaire, Scale
from surveys.reading.table import RawTable


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("phone", "phone"),
        ("phone_number_2", "phone"),
        ("respondentPhone", "phone"),
        ("Номер телефона", "phone"),
        ("Рақами телефон", "phone"),
        ("شماره تماس", "phone"),
        ("E-mail", "email"),
        ("passport_no", "document"),
        ("Паспорт", "document"),
        ("شماره تذکره", "document"),
        ("plate_number", "vehicle"),
        ("госномер", "vehicle"),
        ("_gps_latitude", "location"),
        ("координаты", "location"),
        ("deviceid", "device"),
        ("ipaddr", "device"),
        ("full_name", "name"),
        ("Фамилия", "name"),
        ("Номи падар", "name"),
        ("نام", "name"),
        ("photo", "recording"),
        ("date_of_birth", "birth"),
        ("home_address", "address"),
    ],
)
def test_personal_data_are_recognised_by_name_in_four_languages(name: str, kind: str) -> None:
    assert privacy.by_name(name) == kind


@pytest.mark.parametrize(
    "name", ["wait_hours", "side", "plateau", "fees_posted", "language", "translation", "how long", "نامه", "weight"]
)
def test_other_names_are_left_alone(name: str) -> None:
    assert privacy.by_name(name) == ""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("+992 93 123 45 67", "phone"),
        ("0701234567", "phone"),
        ("٠٧٠١٢٣٤٥٦٧", "phone"),
        ("someone@example.org", "email"),
        ("37.1234 68.5678 0 0", "location"),
        ("68.77905", "location"),
        ("356938035643809", "device"),
        ("collect:0uAiKDfbbpqENdqw", "device"),
        ("A1234567", "document"),
        ("42", ""),
        ("2.5", ""),
        ("2026-05-31", ""),
        ("very_satisfied", ""),
        ("", ""),
    ],
)
def test_personal_data_are_recognised_by_what_a_cell_looks_like(text: str, kind: str) -> None:
    assert privacy.by_text(text) == kind


def test_a_column_is_personal_when_most_cells_are() -> None:
    calls = ["+992931234567", "+992931234568", "none", "+992931234569", ""]
    assert privacy.by_content(pd.Series(calls, dtype="str")) == "phone"
    assert privacy.by_content(pd.Series(["1", "2", "+992931234569"], dtype="str")) == ""
    assert privacy.by_content(pd.Series(["", "", "+992931234569"], dtype="str")) == ""


def dropped(**columns: tuple[Question | None, str]) -> dict[str, str]:
    form = Questionnaire("f", "1", "", (), tuple(q for q, _ in columns.values() if q is not None))
    frame = pd.DataFrame({at: [text] * 4 for at, (_, text) in enumerate(columns.values())}, dtype="str")
    table = RawTable(tuple(columns), frame, pd.Series(range(2, 6)), "", "csv", {})
    found = privacy.dropped(table, match(table, form), keep=frozenset({"shift"}))
    return {table.columns[at]: kind for at, kind in found.items()}


def test_questions_that_are_personal_or_free_text_are_dropped() -> None:
    assert dropped(
        house=(Question("house", "integer", personal=True), "7"),
        comment=(Question("comment", "text"), "they were kind"),
        phone=(Question("phone", "integer"), "931234567"),
        deviceid=(Question("deviceid", "meta", personal=True), "collect:abc"),
        start=(Question("start", "meta"), "2026-05-31T09:30:00"),
        _submission_time=(None, "2026-05-31T09:30:00"),
        _submitted_by=(None, "team_north"),
        contact_of_person=(None, "+992 93 123 45 67"),
    ) == {
        "house": "personal",
        "comment": "free text",
        "phone": "phone",
        "deviceid": "device",
        "start": "exact time",
        "_submission_time": "exact time",
        "_submitted_by": "name",
        "contact_of_person": "phone",
    }


def test_the_design_and_answers_on_lists_are_kept() -> None:
    scale = Scale("yn", (Choice("yes", {}), Choice("no", {})))
    assert (
        dropped(
            shift=(Question("shift", "text"), "HAM-03"),
            own_phone=(Question("own_phone", "select_one", scale=scale), "yes"),
            phones=(Question("phones", "integer"), "2"),
            _uuid=(None, "u-1"),
            colour=(None, "red"),
        )
        == {}
    )
