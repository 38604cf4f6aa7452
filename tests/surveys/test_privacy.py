import pandas as pd
import pytest

from surveys import privacy
from surveys.checking import Report, check
from surveys.mapping import match
from surveys.questionnaire import Choice, DesignColumns, Question, Questionnaire, Scale
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
        ("1400-0101-12345", "document"),
        ("1234 AB 01", "vehicle"),
        ("01 KG 123 ABC", "vehicle"),
        ("А123ВС77", "vehicle"),
        ("کابل ۱۲۳۴۵", "vehicle"),
        ("00:1b:44:11:3a:b7", "device"),
        ("fe80::1", "device"),
        ("GB82 WEST 1234 5698 7654 32", "account"),
        ("4111 1111 1111 1111", "account"),
        ("37°12'34.5\"N 68°34'12\"E", "location"),
        ("POINT (68.5 37.1)", "location"),
        ("8J3M37XR+2V", "location"),
        ("42S VF 12345 67890", "location"),
        ("2026-05-31T09:30:00.000+05:00", "exact time"),
        ("9:35 AM", "exact time"),
        ("@someone_here", "name"),
        ("see +992 93 123 45 67 please", "phone"),
        ("GB82 WEST 1234 5698 7654 33", ""),
        ("01/07/2016", ""),
        ("06:00-08:00", ""),
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


def column(*texts: str, times: int = 30) -> "pd.Series[str]":
    return pd.Series([text.replace("#", f"{at:03d}") for at in range(times) for text in texts], dtype="str")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (column("35693803564#"), "identifier"),
        (column("4#21"), ""),
        (column("371#21"), "identifier"),
        (column("37.1#45"), "location"),
        (column("1.1#45", "9.3#21"), ""),
        (column("46155.#53"), "exact time"),
        (column("1780#100"), "exact time"),
        (column("1780#100345"), "exact time"),
        (column("150#000000"), ""),
        (column("5000-06-15"), ""),
        (column("XKZ#Q7PL", "no phone"), "identifier"),
        (column("yes", "no", "dk"), ""),
        (column("food cash_aid", "food", "water cash_aid"), ""),
        (column("Very satisfied", "Not at all"), ""),
        (column("Karim Ahmadi", "Zarina Rahimova", times=2), "name"),
        (column("1#0.50 TJS"), ""),
    ],
)
def test_a_column_is_judged_by_how_its_cells_lie(cells: "pd.Series[str]", kind: str) -> None:
    assert privacy.by_content(cells) == kind


def test_days_many_years_apart_are_of_births_and_others_are_not() -> None:
    births = pd.Series([f"{year}-03-12" for year in range(1950, 2000)], dtype="str")
    visits = pd.Series([f"2026-05-{day:02d}" for day in range(1, 29)], dtype="str")
    assert (privacy.by_content(births), privacy.by_content(visits)) == ("birth", "")


def test_personal_cells_are_found_wherever_they_stand_in_a_long_column() -> None:
    calls = [f"+99293{at:07d}" for at in range(2000)]
    assert privacy.by_content(pd.Series([*["1"] * 8000, *calls], dtype="str")) == "phone"
    assert privacy.by_content(pd.Series([*calls, *["1"] * 8000], dtype="str")) == "phone"


def test_a_telling_name_over_mere_answers_is_left_alone() -> None:
    assert (
        dropped(
            phone_access=(None, "yes"),
            email_used=(None, "да"),
            device_count=(None, "3"),
            name_known=(None, "no"),
            passport_share=(None, "12.5%"),
        )
        == {}
    )
    assert dropped(enumerator_name=(None, "farrukh")) == {"enumerator_name": "name"}


def test_a_number_that_is_no_amount_is_dropped_whatever_its_name_and_an_amount_is_not() -> None:
    def kind(cells: "pd.Series[str]", question: Question) -> str:
        return privacy.of_question(question, cells)

    calls = pd.Series([f"93{at * 7919 % 10_000_000:07d}" for at in range(1, 60)], dtype="str")
    assert kind(calls, Question("n", "integer")) == "phone"
    assert kind(calls, Question("n", "integer", maximum=1e9)) == ""
    assert kind(column("#000"), Question("n", "integer")) == ""
    some = pd.Series(["3"] * 50 + ["+992931234567"] * 5, dtype="str")
    assert kind(some, Question("n", "integer")) == ""  # five rows at fault: see the next test


def checked(number: str, *, maximum: float | None = None) -> Report:
    """A file in which one of thirty answers to a question for a number is this."""
    form = Questionnaire("f", "1", "", (), (Question("n", "integer", maximum=maximum), Question("h", "decimal")))
    frame = pd.DataFrame({0: [*["3"] * 29, number], 1: ["2.5"] * 30}, dtype="str")
    return check(RawTable(("n", "h"), frame, pd.Series(range(2, 32)), "", "csv", {}), form)


@pytest.mark.parametrize("number", ["+992931234567", "992931234567", "931234567", "0701234567", "356938035643809"])
def test_a_phone_or_device_in_the_field_of_a_number_is_a_fault_of_its_row(number: str) -> None:
    report = checked(number)
    assert [(issue.code, issue.column, issue.rows) for issue in report.issues] == [("personal-number", "n", (31,))]
    assert report.responses is None
    assert number not in str(report.issues)


@pytest.mark.parametrize("number", ["1200000", "23456789", "150000000", "931000000", "999999999", "8000000000"])
def test_a_large_amount_and_a_code_of_nines_are_no_fault(number: str) -> None:
    report = checked(number)
    assert report.issues == ()
    assert report.responses is not None
    assert report.responses.frame["n"].iloc[-1] == float(number)


def test_a_question_with_a_highest_value_may_have_numbers_as_long_as_phones() -> None:
    assert checked("931234567", maximum=1e9).issues == ()


def test_a_name_of_a_submission_that_is_personal_is_dropped_and_never_kept() -> None:
    form = Questionnaire("f", "1", "", (), (Question("hours", "decimal"),))
    frame = pd.DataFrame({0: [f"+99293{at:07d}" for at in range(30)], 1: ["2.5"] * 30}, dtype="str")
    report = check(RawTable(("key", "hours"), frame, pd.Series(range(2, 32)), "", "csv", {}), form)
    assert report.dropped == {"key": "phone"}
    assert report.responses is not None
    assert not report.responses.frame["uuid"].str.contains("992").any()
    assert report.responses.frame["uuid"].is_unique


def test_names_that_field_tools_give_are_kept() -> None:
    form = Questionnaire("f", "1", "", (), (Question("hours", "decimal"),))
    given = [f"uuid:{at:08x}-3f1a-4c0e-9b7d-0123456789ab" for at in range(30)]
    numbers = [str(512345678 + at) for at in range(30)]
    for header, names in (("key", given), ("_uuid", [name[5:] for name in given]), ("_id", numbers)):
        frame = pd.DataFrame({0: names, 1: ["2.5"] * 30}, dtype="str")
        report = check(RawTable((header, "hours"), frame, pd.Series(range(2, 32)), "", "csv", {}), form)
        assert report.responses is not None
        assert report.responses.frame["uuid"].tolist() == [name.removeprefix("uuid:") for name in names]


def test_a_name_made_for_a_submission_does_not_depend_on_the_codes_that_are_salted() -> None:
    design = DesignColumns(psu="shift", interviewer="team")
    form = Questionnaire(
        "f", "1", "", (), (Question("shift", "text"), Question("team", "text"), Question("hours", "decimal")), design
    )

    def made(shift: str, team: str) -> tuple[str, str]:
        frame = pd.DataFrame({0: [shift], 1: [team], 2: ["2.5"]}, dtype="str")
        report = check(RawTable(("shift", "team", "hours"), frame, pd.Series([2]), "", "csv", {}), form)
        assert report.responses is not None
        return report.responses.frame["uuid"][0], report.responses.frame["content"][0]

    (one, said), (other, said_too) = made("HAM-01", "i01"), made("KUM-02", "i07")
    assert one == other
    assert said != said_too
