"""The exports that formpack, the code behind KoboToolbox, made of its own fixtures."""

import json
from pathlib import Path

import pytest

from surveys.errors import ReadingError
from surveys.reading import read, sheets

pytestmark = pytest.mark.samples

# Two fixtures hold no submission: formpack wrote them as a header alone in CSV and as a blank sheet in XLSX.
UNANSWERED = {"field_position_with_multiple_versions", "long_unicode_labels"}

# formpack itself spilt answers of an older version of the form behind the last name of the header, unnamed.
SPILT = "restaurant_profile__xml_groups_details.csv"


@pytest.fixture(scope="module")
def folder(reference: Path) -> Path:
    return reference / "samples" / "kobo-formpack-exports"


@pytest.fixture(scope="module")
def submissions(folder: Path) -> dict[str, int]:
    """How many submissions each fixture holds, from the JSON that the exports were made of."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
    return {name: len(fixture["submissions"]) for name, fixture in found.items()}


def exports(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in {".csv", ".xlsx"})


def rows_or_refusal(path: Path) -> int | str:
    try:
        return len(read(path).frame)
    except ReadingError as error:
        return str(error)


def expected(path: Path, submissions: dict[str, int]) -> int | str:
    if path.name == SPILT:
        return (
            f"{SPILT}: line 4 has 13 cells where the header has 12; a separator or a line break stands unquoted there, "
            "or cells are missing: mend that line, or export it again."
        )
    fixture = path.name.partition("__")[0]
    if fixture in UNANSWERED and path.suffix == ".xlsx":
        return (
            f"{path.name} has no filled cell in any sheet; export it again, or choose the sheet that holds the answers."
        )
    return submissions[fixture]


def test_the_fixtures_without_submissions_are_these(submissions: dict[str, int]) -> None:
    assert {name for name, count in submissions.items() if count == 0} == UNANSWERED


def test_every_export_is_read_with_its_submissions_or_refused_in_a_sentence(
    folder: Path, submissions: dict[str, int]
) -> None:
    paths = exports(folder)
    found = {path.name: rows_or_refusal(path) for path in paths}
    assert len(found) == 134
    assert found == {path.name: expected(path, submissions) for path in paths}


def test_refusals_are_few_and_named(folder: Path) -> None:
    blank = [
        path.name for path in exports(folder) if path.name.partition("__")[0] in UNANSWERED and path.suffix == ".xlsx"
    ]
    assert len(blank) == 12
    assert (folder / SPILT).read_text(encoding="utf-8").splitlines()[3].endswith(';"3";"takeaway"')


def answers(fixture: dict[str, object], key: str) -> list[object]:
    held = fixture["submissions"]
    assert isinstance(held, list)
    return [submission.get(key, "") for submission in held]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("fixture", "key"),
    [("site_inspection", "inspector"), ("restaurant_profile", "restaurant_name"), ("or_other", "fav_emperor")],
)
def test_the_answers_of_an_export_are_those_of_the_submissions(
    folder: Path, fixture: str, key: str, ending: str
) -> None:
    table = read(folder / f"{fixture}__xml.{ending}")
    held = json.loads((folder / f"{fixture}.json").read_text(encoding="utf-8"))
    assert table.frame[table.columns.index(key)].tolist() == answers(held, key)


def test_repeats_are_the_other_sheets_and_do_not_count_as_submissions(folder: Path) -> None:
    path = folder / "nested_grouped_repeatable__xml.xlsx"
    found = sheets(path)
    main = read(path)
    assert [len(table.frame) for table in found.values()] == [4, 6, 8, 14]
    assert main.sheet == "Bird nest survey with nested..."
    assert main.details["other_sheets"] == "group_tree / group_nest / group_egg"


def test_kobo_exports_by_text_and_by_workbook_hold_the_same_table(folder: Path) -> None:
    text, book = read(folder / "restaurant_profile__xml.csv"), read(folder / "restaurant_profile__xml.xlsx")
    assert text.details == {"encoding": "utf-8", "byte_order_mark": "no", "delimiter": ";"}
    assert text.columns == book.columns
    assert text.frame.to_numpy().tolist() == book.frame.to_numpy().tolist()
    assert text.lines.tolist() == book.lines.tolist()


def test_old_workbooks_are_read_like_new_ones(reference: Path) -> None:
    forms = reference / "samples" / "xlsform-pyxform"
    old, new = sheets(forms / "specify_other.xls"), sheets(forms / "specify_other.xlsx")
    assert {table.format for table in old.values()} == {"xls"}
    assert {name: table.frame.to_numpy().tolist() for name, table in old.items()} == {
        name: table.frame.to_numpy().tolist() for name, table in new.items()
    }


def test_the_raw_data_of_tal_afar_are_read_whole(reference: Path) -> None:
    table = read(reference / "samples" / "reach-talafar-2023" / "cleaningtools_raw_data.csv")
    assert table.frame.shape == (632, 348)
    assert table.columns[:2] == ("X.U.FEFF.start", "end")


def test_lone_accents_are_latin_letters(reference: Path) -> None:
    table = read(reference / "samples" / "ti-cpi-2012" / "cpi_1998_2015.csv")
    assert table.details["encoding"] == "cp1252"
    assert table.frame[0].str.contains("ô").any()
