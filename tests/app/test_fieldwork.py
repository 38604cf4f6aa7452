"""From a file of the field to a stored draft: every fault in words, nothing half stored, nothing personal kept."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import create_engine, text

from app import sentences, settings
from app.workflow import fieldwork, publishing
from surveys import simulate, vault
from surveys.errors import InstrumentError, ReadingError, StoreError, SurveyError
from surveys.questionnaire import Questionnaire
from surveys.reading import Limits
from surveys.store import Saved, Store
from tests.filled import NOON, RIVER, send

PHONE = "+992 93 555 01 99"


@pytest.fixture(scope="session")
def questionnaire() -> Questionnaire:
    return fieldwork.instrument("traveller")


@pytest.fixture(scope="session")
def export(questionnaire: Questionnaire) -> pd.DataFrame:
    truth = simulate.Truth.from_toml((settings.DEMO / "truth.toml").read_text(encoding="utf-8"))
    return simulate.draw(questionnaire, replace(truth, shifts=2, interviews=2), wave="2026", seed=1)


@pytest.fixture
def put(tmp_path: Path, export: pd.DataFrame) -> Callable[..., Path]:
    def write(change: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame, *, name: str = "w.csv") -> Path:
        path = tmp_path / name
        change(export.copy()).to_csv(path, index=False, sep=";")
        return path

    return write


def store_it(
    path: Path, store: Store, questionnaire: Questionnaire, *, key: str | None = None, limits: Limits | None = None
) -> Saved:
    view = fieldwork.check_file(path, questionnaire=questionnaire, limits=limits or Limits())
    return fieldwork.store_file(
        path, view, store=store, survey_id="traveller", wave="2026", who="team", at=NOON, vault_key=key, title="T"
    )


def off_scale(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[3, "service_speed"] = "9"
    return frame


def another_column(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(colour="blue")


def no_traffic(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns="traffic_count")


def no_traffic_in_a_row(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[5, "traffic_count"] = ""
    return frame


def header_twice(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns={"service_steps": "service_speed"})


@pytest.mark.parametrize(
    ("change", "code", "column", "blocks"),
    [
        (off_scale, "off-scale", "service_speed", True),
        (no_traffic, "weight-absent", "traffic_count", True),
        (no_traffic_in_a_row, "weight-not-positive", "traffic_count", True),
        (another_column, "unknown-column", "colour", False),
    ],
)
def test_a_fault_is_named_with_its_column_and_row(
    put: Callable[..., Path],
    questionnaire: Questionnaire,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    code: str,
    column: str,
    *,
    blocks: bool,
) -> None:
    view = fieldwork.check_file(put(change), questionnaire=questionnaire, limits=Limits())
    found = view.issues[view.issues["code"] == code]
    assert len(found) == 1, view.issues
    assert found["column"].item() == column
    assert found["blocks"].item() == blocks
    assert view.ready is not blocks
    assert len(found["problem"].item()) > 20


def test_the_row_of_a_fault_is_the_row_that_a_spreadsheet_shows(
    put: Callable[..., Path], questionnaire: Questionnaire
) -> None:
    view = fieldwork.check_file(put(off_scale), questionnaire=questionnaire, limits=Limits())
    assert view.issues.loc[view.issues["code"] == "off-scale", "row"].item() == 3 + 2
    marked = view.marked.decode("utf-8-sig").splitlines()
    assert marked[0].endswith("_problems")
    assert "service_speed" in marked[3 + 1]


def test_duplicate_headers_are_named(put: Callable[..., Path], questionnaire: Questionnaire) -> None:
    view = fieldwork.check_file(put(header_twice), questionnaire=questionnaire, limits=Limits())
    assert "duplicate-header" in set(view.issues["code"])


def test_what_is_right_is_counted(put: Callable[..., Path], questionnaire: Questionnaire, export: pd.DataFrame) -> None:
    view = fieldwork.check_file(put(), questionnaire=questionnaire, limits=Limits())
    assert view.ready
    assert view.counts["rows"] == len(export)
    assert view.counts["ready"] == (export["consent"] == "yes").sum()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("header_only.csv", b"post;shift\n"),
        ("delimiter.csv", b"post~shift~traffic_count\nheron_ferry~HER-01~30\n"),
        ("binary.csv", bytes(range(256)) * 20),
        ("large.csv", b"post;shift\n" + b"heron_ferry;HER-01\n" * 2000),
    ],
)
def test_a_file_that_is_no_survey_is_refused_or_reported_in_words(
    tmp_path: Path, fresh_store: Store, questionnaire: Questionnaire, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SurveyError) as refused:
        store_it(path, fresh_store, questionnaire, limits=Limits(bytes=30_000))
    assert len(str(refused.value)) > 20
    assert all(row.submissions == 0 for survey in fresh_store.surveys() for row in fresh_store.waves(survey.id))


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
BOMB = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" '
    'ContentType="application/xml"/><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
    f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
    '<sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
    f'Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData><row r="1048576">'
    '<c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>',
}


def test_the_sparse_workbook_bomb_is_refused(tmp_path: Path, questionnaire: Questionnaire) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name, content in BOMB.items():
            bomb.writestr(name, content)
    assert path.stat().st_size < 2_000
    with pytest.raises(ReadingError, match="bomb"):
        fieldwork.check_file(path, questionnaire=questionnaire, limits=Limits())


def test_a_form_that_contradicts_itself_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "crooked"
    folder.mkdir()
    (folder / "survey.csv").write_text("type,name,label\nselect_one nolist,q1,One\ninteger,q1,Two\n", encoding="utf-8")
    (folder / "choices.csv").write_text("list_name,name,label\nother,a,A\n", encoding="utf-8")
    (folder / "settings.csv").write_text("form_id,strata,psu\ncrooked,nowhere,shift\n", encoding="utf-8")
    monkeypatch.setattr(settings, "INSTRUMENTS", tmp_path)
    with pytest.raises(InstrumentError) as refused:
        fieldwork.instrument("crooked")
    assert all(word in str(refused.value) for word in ("nolist", "nowhere"))


def test_the_same_file_twice_changes_nothing(
    put: Callable[..., Path], fresh_store: Store, questionnaire: Questionnaire
) -> None:
    first = store_it(put(), fresh_store, questionnaire)
    again = store_it(put(), fresh_store, questionnaire)
    assert (first.status, again.status) == ("stored", "already")
    assert "already there" in sentences.saved(again)
    assert fresh_store.waves("traveller")[0].submissions == first.new


def test_a_published_wave_takes_no_new_file(river: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="published"):
        send(river, tmp_path, "2024", drop=9)
    told = [event.action for event in river.events()]
    assert (told.count("release-published"), told.count("import")) == (2, 2)


def test_a_wave_in_review_takes_no_new_file(fresh_store: Store, tmp_path: Path) -> None:
    send(fresh_store, tmp_path, "2022")
    publishing.prepare(fresh_store, RIVER, waves=["2022"], who="team", at=NOON)
    with pytest.raises(StoreError, match="in review"):
        send(fresh_store, tmp_path, "2022", drop=9)


def test_personal_data_are_named_and_neither_stored_nor_left_on_the_disk(
    put: Callable[..., Path], fresh_store: Store, questionnaire: Questionnaire, tmp_path: Path
) -> None:
    path = put(lambda frame: frame.assign(phone=PHONE, _geolocation="37.123456 68.654321 0 0", deviceid="ee.co:abc123"))
    view = fieldwork.check_file(path, questionnaire=questionnaire, limits=Limits())
    assert {"phone", "deviceid"} <= set(view.dropped)
    store_it(path, fresh_store, questionnaire)
    path.unlink()
    fresh_store.close()
    for file in tmp_path.rglob("*"):
        content = file.read_bytes()
        for secret in (PHONE, "37.123456", "ee.co:abc123", "HER-01"):
            assert secret.encode() not in content, (file.name, secret)


def test_a_raw_file_is_kept_only_under_a_key(
    put: Callable[..., Path], fresh_store: Store, questionnaire: Questionnaire
) -> None:
    path = put()
    key = vault.new_key()
    store_it(path, fresh_store, questionnaire, key=key)
    sealed = fresh_store.raw(vault.digest(path))
    assert sealed is not None
    assert vault.unseal(sealed, key) == path.read_bytes()


def test_real_answers_never_join_a_synthetic_survey(
    put: Callable[..., Path], fresh_store: Store, questionnaire: Questionnaire
) -> None:
    fresh_store.add_survey("traveller", title="Demo", synthetic=True, team="", questionnaire=questionnaire)
    with pytest.raises(StoreError, match="SYNTHETIC"):
        store_it(put(), fresh_store, questionnaire)


def test_a_file_of_another_wave_is_not_counted_twice(
    put: Callable[..., Path], fresh_store: Store, questionnaire: Questionnaire
) -> None:
    path = put()
    store_it(path, fresh_store, questionnaire)
    view = fieldwork.check_file(path, questionnaire=questionnaire, limits=Limits())
    with pytest.raises(StoreError, match="in wave 2026 already"):
        fieldwork.store_file(path, view, store=fresh_store, survey_id="traveller", wave="2027", who="t", at=NOON)


def test_an_import_that_fails_leaves_nothing_behind(
    put: Callable[..., Path], fresh_store: Store, questionnaire: Questionnaire
) -> None:
    with pytest.raises(SurveyError):
        store_it(put(), fresh_store, questionnaire, key="no key at all")
    assert fresh_store.surveys() == ()


def test_no_word_of_a_respondent_is_repeated(put: Callable[..., Path], questionnaire: Questionnaire) -> None:
    def spoiled(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[3, "service_speed"], frame.loc[4, "service_speed"] = "Karimov", "992935550199"
        return frame

    view = fieldwork.check_file(put(spoiled), questionnaire=questionnaire, limits=Limits())
    told = " ".join([*view.issues["problem"], *view.kinds["problem"]])
    assert "service_speed" in told
    assert "Karimov" not in told
    assert "99293" not in told


def test_cells_that_a_spreadsheet_would_run_are_made_harmless(
    put: Callable[..., Path], questionnaire: Questionnaire
) -> None:
    path = put(lambda frame: frame.assign(note="=cmd|' /C calc'!A0"))
    view = fieldwork.check_file(path, questionnaire=questionnaire, limits=Limits())
    assert "=cmd" not in view.marked.decode("utf-8-sig").replace("'=cmd", "")


def test_a_database_holds_no_code_of_an_interviewer(
    put: Callable[..., Path], fresh_store: Store, questionnaire: Questionnaire, tmp_path: Path
) -> None:
    store_it(put(), fresh_store, questionnaire)
    engine = create_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
    with engine.connect() as connection:
        codes = connection.execute(text("select distinct interviewer from submission")).scalars().all()
    engine.dispose()
    assert codes
    assert all(len(code) >= 16 and not code.startswith("i") for code in codes)
