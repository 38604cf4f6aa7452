"""The donor's results table: every figure is published, every change tested, and the workbook holds the same."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
import typer
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app.cli import agreed as commands
from app.cli import releasing
from app.settings import DEMO, ROOT
from app.workflow import agreed, demo, donor_books, donors, publishing, releases, results
from app.workflow.results import Release
from surveys.store import Store
from tests.filled import RIVER, send

FIGURES = {"current": "estimate", "low": "low", "high": "high", "answers": "n"}
BANKS = {"Left bank": "left_bank", "Right bank": "right_bank"}


@pytest.fixture(scope="module")
def table(demo_release: Release) -> pd.DataFrame:
    return donors.results_table(demo_release)


def bare(release: Release) -> Release:
    """The same with nothing declared."""
    return replace(release, document=replace(release.document, declared={}))


# The table


def test_every_current_figure_is_the_published_one(demo_release: Release, table: pd.DataFrame) -> None:
    document = demo_release.document
    sexes = {"Female": "female", "Male": "male"}
    for row in table.to_dict("records"):
        by, group = (("side",), []) if row["group"] == donors.ALL else (("side", "sex"), [sexes[row["group"]]])
        kept = document.scores[by].set_index(["wave", *by, "measure"])
        cell = kept.loc[("2026", BANKS[row["side"]], *group, row["code"])]
        assert [row[name] for name in FIGURES] == [cell[name] for name in FIGURES.values()]


def test_each_side_has_its_indicators_each_with_both_sexes(demo_release: Release, table: pd.DataFrame) -> None:
    headline = {one.code for one in demo_release.document.measures if one.headline}
    for _, own in table.groupby("side"):
        assert set(own.loc[own["group"] == donors.ALL, "code"]) == headline
        for _, rows in own.groupby("code"):
            assert rows["group"].tolist() == [donors.ALL, "Female", "Male"]


def test_a_row_with_a_target_says_what_the_targets_say(demo_release: Release, table: pd.DataFrame) -> None:
    aims = agreed.targets(demo_release)
    rows = table[table["target"].notna()]
    assert rows["target"].tolist() == aims["target"].tolist()
    assert rows["baseline"].tolist() == aims["baseline"].tolist()
    assert rows["change"].tolist() == aims["change"].tolist()
    assert (rows["change test"] == "no clear change").all()
    met = {"accountability": "not yet", "integrity": "not met", "bribery": "not yet", "wait_hours": "not met"}
    assert dict(zip(rows["code"], rows["target met"], strict=True)) == met


def test_a_declared_baseline_names_its_source_and_is_none_of_one_sex(table: pd.DataFrame) -> None:
    rows = table[(table["code"] == "integrity") & (table["side"] == "Left bank")]
    assert rows["baseline"].iloc[0] == 57
    assert "baseline: An invented study of 2020" in rows["source"].iloc[0]
    assert rows["baseline"].iloc[1:].isna().all()
    assert rows["change"].iloc[1:].isna().all()
    assert rows["change test"].iloc[1:].str.startswith("not judged").all()


def test_without_targets_the_changes_of_a_side_are_those_of_the_first_wave_as_trends_judges_them(
    demo_release: Release,
) -> None:
    rows = donors.results_table(bare(demo_release))
    own = rows[rows["group"] == donors.ALL]
    moves = results.trends(demo_release, by=("side",)).moves.set_index(["side", "measure"])
    assert len(own) == len(moves)
    for row in own.to_dict("records"):
        kept = moves.loc[(BANKS[row["side"]], row["code"])]
        assert (row["change"], row["change low"], row["change high"]) == (kept["estimate"], kept["low"], kept["high"])
        assert (row["change test"] == "no clear change") == (not kept["clear"])
        assert row["baseline year"] == "2022"


def test_a_clear_change_by_sex_is_told_and_judged_in_the_family_of_all_by_sex(demo_release: Release) -> None:
    moves = demo_release.document.moves["side", "sex"].copy()
    own = (moves["measure"] == "integrity") & (moves["sex"] == "male") & (moves["side"] == "left_bank")
    own &= (moves["since"] == "2022") & (moves["wave"] == "2026")
    codes = [one.code for one in demo_release.document.measures if one.headline]
    tests = 2 * 2 * len(codes)
    for p, told in ((0.049 / tests, "clear improvement"), (0.051 / tests, "no clear change")):
        moves.loc[own, ["estimate", "low", "high", "p"]] = [9.0, 4.0, 14.0, p]
        changed = replace(bare(demo_release).document, moves={**demo_release.document.moves, ("side", "sex"): moves})
        rows = donors.results_table(replace(demo_release, document=changed), "left_bank")
        row = rows[(rows["code"] == "integrity") & (rows["group"] == "Male")].iloc[0]
        assert (row["change"], row["change test"]) == (9.0, told)


def test_a_hidden_figure_is_left_out_and_said_why(demo_release: Release) -> None:
    document = demo_release.document
    scores, moves = document.scores["side",].copy(), document.moves["side",]
    own = (scores["measure"] == "integrity") & (scores["side"] == "left_bank") & (scores["wave"] == "2026")
    scores.loc[own, scores.select_dtypes("float64").columns] = np.nan
    scores.loc[own, ["status", "reason"]] = ["suppressed", "withdrawn"]
    gone = moves[(moves["measure"] != "integrity") | (moves["side"] != "left_bank")]
    hidden = replace(
        document, scores={**document.scores, ("side",): scores}, moves={**document.moves, ("side",): gone}, declared={}
    )
    rows = donors.results_table(replace(demo_release, document=hidden), "left_bank")
    row = rows[(rows["code"] == "integrity") & (rows["group"] == donors.ALL)].iloc[0]
    assert row["note"] == "not shown: withdrawn after publication"
    assert row[["current", "low", "high", "answers", "change", "change low", "change high"]].isna().all()
    assert row["change test"].startswith("not judged: one of the two scores is not shown")


def test_of_one_wave_there_is_no_change(demo_store: Store) -> None:
    rows = donors.results_table(releases.read(demo_store, demo.SURVEY, 1))
    assert rows["current"].notna().all()
    declared_ = rows["source"].str.contains("baseline:")
    assert declared_.sum() == 2
    assert rows.loc[~declared_, "change"].isna().all()
    assert set(rows.loc[~declared_, "change test"]) <= {
        "not judged: no wave was published since the baseline", "not judged: no baseline is known",
    }  # fmt: skip


# The workbook


def sheets(data: bytes) -> dict[str, pd.DataFrame]:
    found = pd.read_excel(io.BytesIO(data), engine="calamine", sheet_name=None, header=None)
    return {str(name): frame for name, frame in found.items()}


def test_the_workbook_holds_the_table_a_sheet_a_side(demo_release: Release, table: pd.DataFrame) -> None:
    found = sheets(donor_books.as_workbook(demo_release))
    assert list(found) == [*BANKS, "Notes"]
    for side in BANKS:
        header, rows = found[side].iloc[1].tolist(), found[side].iloc[2:]
        assert header == list(donors.COLUMNS)
        own = table[table["side"] == side]
        for at, column in enumerate(donors.COLUMNS):
            read, kept = rows[at].tolist(), own[column].tolist()
            if own[column].dtype == "float64":
                assert np.allclose(np.array(read, dtype=float), np.array(kept), equal_nan=True)
            else:
                assert ["" if pd.isna(cell) else str(cell) for cell in read] == kept


def test_numbers_are_numbers_and_the_header_stays_in_sight(demo_release: Release) -> None:
    with zipfile.ZipFile(io.BytesIO(donor_books.as_workbook(demo_release))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert not [name for name in book.namelist() if "external" in name.casefold()]
    assert 'ySplit="2"' in sheet
    assert 'state="frozen"' in sheet
    assert '<c r="J3" t="n">' in sheet
    assert "<f>" not in sheet


def test_the_workbook_is_marked_as_invented_wherever_it_is_opened(demo_release: Release) -> None:
    found = sheets(donor_books.as_workbook(demo_release))
    assert all("SYNTHETIC" in str(frame.iloc[0].tolist()) for frame in found.values())
    assert all("SYNTHETIC" in cell for side in BANKS for cell in found[side].iloc[2:, -2])
    real = replace(demo_release, document=replace(demo_release.document, synthetic=False))
    text = "".join(str(frame.to_numpy().tolist()) for frame in sheets(donor_books.as_workbook(real)).values())
    assert "SYNTHETIC" not in text


def test_the_notes_say_how_to_read_it(demo_release: Release) -> None:
    notes = dict(sheets(donor_books.as_workbook(demo_release))["Notes"].itertuples(index=False, name=None))
    assert "Holm" in notes["change test"]
    assert "own past alone" in notes["sides"]
    assert "not an audit" in notes["what it is"]
    assert notes["Asked for or paid a bribe"].startswith("Of users who dealt with")


@pytest.mark.parametrize("title", ["=1+1", "+cmd", "@sum", "-x", "a\x07b"])
def test_no_cell_is_run_or_breaks_the_file(demo_release: Release, title: str) -> None:
    measures = tuple(replace(one, title=title) for one in demo_release.document.measures)
    data = donor_books.as_workbook(replace(demo_release, document=replace(demo_release.document, measures=measures)))
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert all(b"<f>" not in book.read(name) for name in book.namelist() if "worksheets/sheet" in name)
    cells = sheets(data)["Left bank"].iloc[2:, 0]
    assert all(cell[:1] not in ("=", "+", "@", "-") for cell in cells)


def test_comments_of_agencies_are_printed_beside(demo_release: Release) -> None:
    comment = {"agency": "Customs", "text": "=We opened a desk.", "at": "2026-11-20T10:00:00"}
    notes = sheets(donor_books.as_workbook(replace(demo_release, comments=(comment,))))["Notes"]
    assert notes.iloc[-1].tolist() == ["comment of Customs", "2026-11-20: =We opened a desk."]


# Commands


@pytest.fixture
def sarhad(demo_url: str) -> Any:
    app = typer.Typer()
    app.command("commitments")(commands.commitments)
    app.command("targets")(commands.targets)
    app.command("results-table")(commands.results_table)
    app.add_typer(commands.declared_app, name="declared")

    def run(*words: str | Path, expect: int = 0, url: str = demo_url) -> str:
        done = CliRunner().invoke(
            app, [str(word) for word in words], env={"SARHAD_DATABASE_URL": url, "COLUMNS": "200"}
        )
        assert done.exit_code == expect, done.output
        return done.output

    return run


def test_the_command_tells_commitments_a_side_at_a_time_with_mark_and_sources(sarhad: Any) -> None:
    text = sarhad("commitments")
    assert text.count("SYNTHETIC") == 3
    assert "Enforce the code of conduct (Agency headquarters; Poplar Bridge, Left bank; due in 2026): worse." in text
    assert "not an audit" in text
    rows = json.loads(sarhad("commitments", "--side", "right_bank", "--format", "json"))
    assert [(row["code"], row["status"], row["synthetic"]) for row in rows] == [
        ("R1", "not_clear", "SYNTHETIC"), ("R2", "not_due", "SYNTHETIC"),
    ]  # fmt: skip


def test_the_command_tells_targets_and_their_tests(sarhad: Any) -> None:
    assert "the target of at least 60 points is not met" in sarhad("targets")
    rows = json.loads(sarhad("targets", "--side", "left_bank", "--format", "json"))
    assert [row["measure"] for row in rows] == ["accountability", "integrity", "bribery", "wait_hours"]
    assert {row["change_verdict"] for row in rows} == {"not_clear"}


def test_the_command_writes_and_prints_the_results_table(sarhad: Any, tmp_path: Path, table: pd.DataFrame) -> None:
    sarhad("results-table", "--out", tmp_path / "results.xlsx")
    assert list(sheets((tmp_path / "results.xlsx").read_bytes())) == [*BANKS, "Notes"]
    rows = json.loads(sarhad("results-table", "--side", "left_bank", "--format", "json"))
    assert [row["current"] for row in rows] == table.loc[table["side"] == "Left bank", "current"].tolist()
    assert "SYNTHETIC" in sarhad("results-table")
    assert "name it NAME.xlsx" in sarhad("results-table", "--out", tmp_path / "results.csv", expect=2)
    assert "'north' is no side" in sarhad("results-table", "--side", "north", expect=2)


def test_declarations_are_checked_by_themselves_and_against_a_survey(sarhad: Any, tmp_path: Path) -> None:
    assert "No fault found in commitments.csv" in sarhad("declared", "check", DEMO / "declared", "--survey", "demo")
    (tmp_path / "powers.csv").write_text("item,power\nfees,1\n", encoding="utf-8")
    assert "No fault found in powers.csv" in sarhad("declared", "check", tmp_path)
    done = CliRunner().invoke(commands.declared_app, [str(tmp_path), "--survey", "demo"])
    assert done.exit_code != 0


# The page Releases


@pytest.fixture
def at(river_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The page over the small survey."""
    monkeypatch.setenv("SARHAD_DATABASE_URL", river_url)
    st.cache_resource.clear()
    yield AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    st.cache_resource.clear()


def opened(at: AppTest) -> AppTest:
    at.run()
    at.switch_page("app/pages/releases.py").run()
    assert not at.exception
    return at


def told(at: AppTest) -> str:
    parts = [*at.markdown, *at.caption, *at.error, *at.success, *at.code]
    return "\n".join(part.value.replace("\\", "") for part in parts)


def test_files_that_are_declared_are_checked_on_the_page_and_go_with_the_candidate(
    at: AppTest, river: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(river, tmp_path, "2026")
    given: list[Any] = []
    monkeypatch.setattr(publishing, "prepare", lambda *_, **named: given.append(named["declared"]) or 3)
    opened(at)
    at.file_uploader(key="declared").set_value(("powers.csv", b"item,power\nfees_posted,2", "text/csv")).run()
    assert "powers.csv, row 2, column power: '2' is no share; give it from 0 to 1" in told(at)
    at.file_uploader(key="declared").set_value(("powers.csv", b"item,power\nfees_posted,1", "text/csv")).run()
    assert "No fault found in powers.csv" in told(at)
    at.text_input(key="signer").input("Anor").run()
    next(button for button in at.button if button.label == "Prepare").click().run()
    assert given == [{"powers": "item,power\nfees_posted,1"}]


def test_who_signs_a_candidate_reads_what_is_declared_with_it(at: AppTest, river: Store, tmp_path: Path) -> None:
    send(river, tmp_path, "2026")
    folder = tmp_path / "declared"
    folder.mkdir()
    (folder / "powers.csv").write_text("item,power\nfees_posted,0.5\n", encoding="utf-8")
    (folder / "waves.toml").write_text("[waves.2026]\nyear = 2026\n", encoding="utf-8")
    app = typer.Typer()
    app.add_typer(releasing.app, name="release")
    words = ["release", "prepare", "2026", "--survey", RIVER, "--declared", str(folder), "--as", "Anor"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "fees_posted,0.5" in CliRunner().invoke(app, ["release", "show", "3", "--survey", RIVER]).output
    opened(at)
    tables = [part.value for part in at.dataframe]
    assert [table.to_dict("records") for table in tables if "power" in table] == [
        [{"item": "fees_posted", "power": "0.5"}]
    ]
    assert "year = 2026" in told(at)
