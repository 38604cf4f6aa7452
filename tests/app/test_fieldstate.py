"""How fieldwork stands: counts by hand, what is planted is found, nobody is named, and it ends with publication."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from app.cli.fieldwork import TITLES, Part, plan
from app.cli.fieldwork import state as state_command
from app.workflow import fieldstate, fieldwork
from app.workflow.fieldstate import FieldState
from surveys import simulate
from surveys.errors import MappingError, StoreError
from surveys.reading import Limits, read_bytes
from surveys.reading.table import RawTable
from surveys.store import Store, open_store
from tests.filled import NOON, copied, form, one_bank, store_it
from tests.surveys.stored import FORM, answers, save

WAVE = "2026"
SURVEY = "field"
STRATA = ["post", "user_group", "direction"]
COPY, ORIGINAL = 40, 41  # rows of the file: one is nearly the other
HASTY = 50
BIASED = "i02"  # gets the best answer to one question whatever people say
ITEM = "service_steps"


def planted() -> pd.DataFrame:
    """A wave at two posts as a field tool exports it, with three things that are odd."""
    truth = replace(one_bank(), posts=one_bank().posts[:2])
    frame = simulate.draw(form(), truth, wave=WAVE, seed=5)
    consented = frame.index[frame["consent"] == "yes"]
    copy, original, hasty = (consented[at] for at in (COPY, ORIGINAL, HASTY))
    asked = [
        name for name in frame if name.startswith(("service_", "rules_", "fees_", "complaint_", "link_", "conduct_"))
    ]
    also = [
        name for name in frame if name.startswith(("fair_", "know_", "trade_", "return_", "neighbour_", "documents_"))
    ]
    frame.loc[copy, [*asked, *also]] = frame.loc[original, [*asked, *also]]
    start = pd.Timestamp(frame.loc[hasty, "start"])
    frame.loc[hasty, "end"] = frame.loc[hasty, "start"].replace(
        start.strftime("%H:%M:%S"), (start + timedelta(minutes=1)).strftime("%H:%M:%S")
    )
    own = (frame["interviewer"] == BIASED) & (frame["consent"] == "yes") & (frame[ITEM] != "")
    frame.loc[own, ITEM] = "very_satisfied"
    return frame


@pytest.fixture(scope="module")
def export() -> pd.DataFrame:
    return planted()


@pytest.fixture(scope="module")
def file(export: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("field") / "wave.csv"
    export.to_csv(path, index=False, sep=";")
    return path


@pytest.fixture(scope="module")
def filled(file: Path) -> Path:
    path = file.parent / "field.db"
    store = open_store(f"sqlite:///{path}")
    store_it(store, file, WAVE, survey=SURVEY)
    store.close()
    return path


@pytest.fixture(scope="module")
def sent(file: Path) -> fieldwork.CheckView:
    return fieldwork.check_file(file, questionnaire=form(), limits=Limits())


@pytest.fixture(scope="module")
def store(filled: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{filled}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def found(store: Store, sent: fieldwork.CheckView) -> FieldState:
    return fieldstate.state(store, SURVEY, WAVE, seed=1, sent=[sent])


@pytest.fixture
def writable(filled: Path, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(copied(filled, tmp_path))
    yield opened
    opened.close()


def table(text: str) -> RawTable:
    return read_bytes(text.encode(), "sheet.csv")


def people(of: FieldState) -> dict[str, int]:
    return dict(zip(of.outcomes["disposition"], of.outcomes["people"], strict=True))


# Counts


def test_interviews_done_in_each_stratum_are_those_of_the_file_to_base_5(
    found: FieldState, export: pd.DataFrame
) -> None:
    done = export[export["consent"] == "yes"].groupby(STRATA).size()
    shown = found.strata.set_index(STRATA)["done"]
    assert len(done) == 8
    assert {key: shown[key] for key in done.index} == {key: round(count / 5) * 5 for key, count in done.items()}


def test_strata_where_nobody_was_asked_are_seen_to_be_empty(found: FieldState) -> None:
    assert len(found.strata) == 12 * 2 * 2  # every crossing of the form, user group and direction
    empty = found.strata[found.strata["done"] == 0]
    assert len(empty) == 48 - 8
    assert (empty["short"] == empty["needed"]).all()


def test_interviews_needed_by_hand(found: FieldState) -> None:
    """20 points, shifts of 8, icc 0.05: 1.35 x 0.25 x (1.96 / 0.2)^2 = 32.4, so 33, to base 5 upwards 35; 5 shifts."""
    row = found.strata.set_index(STRATA).loc[("heron_ferry", "trader", "out")]
    assert (row["done"], row["needed"], row["short"]) == (30, 35, 5)
    assert (row["shifts"], row["shifts_needed"]) == (4, 5)


def test_a_frame_sheet_says_which_strata_there_are_and_how_many_cross(store: Store) -> None:
    sheet = table(
        "post,user_group,direction,crossings\nheron_ferry,trader,out,25\nheron_ferry,trader,out,15\nquince_gate,trader,in,9000\n"
    )
    strata = fieldstate.state(store, SURVEY, WAVE, seed=1, frame=sheet).strata.set_index(STRATA)
    assert len(strata) == 8 + 1  # those of the sheet and those where somebody was asked
    assert strata.loc[("heron_ferry", "trader", "out"), "needed"] == 20  # 40 crossings: 32.4 and fpc make 18.2
    assert strata.loc[("quince_gate", "trader", "in"), ["done", "needed"]].tolist() == [0, 35]


def test_interviews_a_day_and_half_day_add_up(found: FieldState, export: pd.DataFrame) -> None:
    kept = export[export["consent"] == "yes"]
    starts = pd.to_datetime(kept["start"].str.slice(0, 19))
    keys = [starts.dt.strftime("%Y-%m-%d"), (starts.dt.hour < 12).map({True: "am", False: "pm"})]
    counts = kept.groupby(keys).size()
    shown = found.days.set_index(["day", "half_day"])["interviews"]
    assert shown.to_dict() == {key: round(count / 5) * 5 for key, count in counts.items()}


@pytest.mark.parametrize(
    ("strata", "rows", "judged"),
    [((), [("all", 40)], ["clear"]), (("clear",), [("-2", 20), ("4", 20)], [])],
)
def test_a_form_without_strata_or_with_scores_for_strata_is_counted_by_what_was_seen(
    fresh_store: Store, strata: tuple[str, ...], rows: list[tuple[str, int]], judged: list[str]
) -> None:
    small = replace(FORM, design=replace(FORM.design, strata=strata, facets=()))
    fresh_store.add_survey("small", title="Small", synthetic=True, team="", questionnaire=small)
    save(fresh_store, answers(small, rows=40), survey="small")
    told = fieldstate.state(fresh_store, "small", "2026", seed=1)
    assert list(told.strata.iloc[:, :2].itertuples(index=False, name=None)) == rows
    assert told.interviewers["question"].tolist() == judged
    assert told.interviewers["interviewers"].eq(0).all()  # one interviewer cannot be told from another
    assert told.interviewers["p_adjusted"].isna().all()


# Outcomes


def test_refusals_are_counted_from_the_teams_own_file(found: FieldState, export: pd.DataFrame) -> None:
    refused = (export["consent"] == "no").sum()
    stopped = ((export["consent"] == "yes") & (export["interview_stopped"] == "yes")).sum()
    whole = (export["consent"] == "yes").sum()
    assert people(found) == {
        "complete": round((whole - stopped) / 5) * 5, "stopped": round(stopped / 5) * 5,
        "refused": round(refused / 5) * 5,
    }  # fmt: skip
    rates = dict(zip(found.rates["rate"], found.rates["percent"], strict=True))
    assert rates["RR1"] == round(100 * (whole - stopped) / (whole + refused))
    assert rates["REF1"] == round(100 * refused / (whole + refused))
    assert any("tally" in note for note in found.notes)


def test_without_files_and_tally_no_rate_is_told(store: Store) -> None:
    alone = fieldstate.state(store, SURVEY, WAVE, seed=1)
    assert alone.rates["percent"].isna().all()
    assert "refused" not in people(alone)
    assert any("Refusals are not stored" in note for note in alone.notes)


def test_a_tally_goes_before_what_the_files_hold(store: Store, sent: fieldwork.CheckView) -> None:
    sheet = table(
        "post,disposition,count\nx,complete,60\nx,refused,10\ny,refused,20\ny,not_reached,9\ny,stopped,0\ny,ineligible,40\n"
    )
    told = fieldstate.state(store, SURVEY, WAVE, seed=1, sent=[sent], tally=sheet)
    assert people(told) == {"complete": 60, "stopped": 0, "refused": 30, "not_reached": 10, "ineligible": 40}
    assert told.rates["percent"].tolist() == [61, 61, 67, 30, 91]  # of 99, of 90
    assert told.notes == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("disposition,count\ncomplete,5\nrun_away,3\n", "row 3 of the tally"),
        ("disposition,count\ncomplete,five\n", "row 2 of the tally"),
        ("disposition,count\ncomplete,-1\n", "row 2 of the tally"),
        ("outcome,count\ncomplete,5\n", "no column 'disposition'"),
    ],
)
def test_a_tally_that_cannot_be_read_is_refused_with_its_row(store: Store, text: str, told: str) -> None:
    with pytest.raises(MappingError, match=told):
        fieldstate.state(store, SURVEY, WAVE, seed=1, tally=table(text))


def test_a_frame_sheet_without_crossings_is_refused(store: Store) -> None:
    with pytest.raises(MappingError, match="no column 'crossings'"):
        fieldstate.state(store, SURVEY, WAVE, seed=1, frame=table("post,user_group,direction\na,b,c\n"))


# Who asked, and what looks odd


def test_an_interviewer_who_ticks_one_answer_shows_as_an_effect_and_is_not_named(found: FieldState) -> None:
    first = found.interviewers.iloc[0]
    assert first["question"] == ITEM
    assert first["p_adjusted"] < 0.05
    assert first["low"] > 0
    assert first["deff"] > 1
    assert first["interviewers"] == 8


def test_what_was_planted_is_flagged_by_the_keys_of_the_team(found: FieldState, export: pd.DataFrame) -> None:
    kept = export[export["consent"] == "yes"].reset_index(drop=True)
    copy, original, hasty = (kept.loc[at, "_uuid"] for at in (COPY, ORIGINAL, HASTY))
    flags = found.flags.set_index("submission")
    alike = flags[flags["flag"] == "near_duplicate"]["detail"]
    assert (alike[copy], alike[original]) == (original, copy)
    assert flags[flags["flag"] == "speeder"]["value"].to_dict()[hasty] == 1.0


def test_an_honest_wave_has_hardly_more_flags_than_chance_gives(found: FieldState) -> None:
    checks = found.checks.groupby("flag")[["found", "expected"]].sum()
    assert checks.loc["near_duplicate", "found"] <= 2 + 2
    assert checks.loc["speeder", "found"] <= 1 + 5
    assert (checks["expected"] < 8).all()


def test_no_table_holds_the_code_of_an_interviewer_or_a_shift(
    found: FieldState, store: Store, export: pd.DataFrame
) -> None:
    stored = store.responses(SURVEY, waves=[WAVE], columns=[])
    codes = {*export["interviewer"], *export["shift"], *stored["interviewer"], *stored["psu"]} - {""}
    tables = [
        getattr(found, name) for name in ("strata", "outcomes", "rates", "days", "interviewers", "checks", "flags")
    ]
    cells = {str(cell) for one in tables for cell in one.astype(str).to_numpy().ravel()}
    assert len(cells) > 100
    assert not cells & codes


def test_the_store_alone_says_how_many_are_odd_and_not_which(store: Store, found: FieldState) -> None:
    alone = fieldstate.state(store, SURVEY, WAVE, seed=1)
    assert alone.flags.empty
    assert alone.checks["judged"].tolist() == found.checks["judged"].tolist()
    assert alone.checks["found"].sum() >= 3
    assert any("your own files" in note for note in alone.notes)


def test_a_file_that_cannot_be_stored_is_refused(store: Store, export: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    export.drop(columns="traffic_count").to_csv(path, index=False, sep=";")
    view = fieldwork.check_file(path, questionnaire=form(), limits=Limits())
    with pytest.raises(MappingError, match="sarhad check"):
        fieldstate.state(store, SURVEY, WAVE, seed=1, sent=[view])


# The end


def test_nothing_is_shown_once_the_wave_is_published_nor_after_it_was_withdrawn(writable: Store) -> None:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    number = writable.add_release(SURVEY, waves=[WAVE], document=b"d", mask=b"m", supersedes=None, who="t", at=NOON)
    fieldstate.state(writable, SURVEY, WAVE, seed=1)  # in review it is still there
    for role, who in (("statistics", "Anor"), ("safety", "Bahor")):
        writable.sign_release(SURVEY, number, role=role, who=who, verified=False, checklist=[], at=at)
    writable.publish_release(SURVEY, number, who="t", at=at)
    with pytest.raises(StoreError, match="was published in release 1"):
        fieldstate.state(writable, SURVEY, WAVE, seed=1)
    writable.withdraw_release(SURVEY, number, reason="a mistake", who="t", at=at)
    with pytest.raises(StoreError, match="was published in release 1"):
        fieldstate.state(writable, SURVEY, WAVE, seed=1)


def test_a_wave_that_is_not_there_is_named_with_those_that_are(store: Store) -> None:
    with pytest.raises(StoreError, match=r"no wave '2031'; it has: 2026"):
        fieldstate.state(store, SURVEY, "2031", seed=1)


# At the command line


@pytest.fixture
def command(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("SARHAD_DATABASE_URL", f"sqlite:///{filled}")
    app = typer.Typer()
    app.command("fieldwork")(state_command)
    app.command("plan")(plan)
    return lambda *words: CliRunner().invoke(app, list(words))


def test_the_command_prints_every_table_and_for_programs_the_same_rows(
    command: Callable[..., Any], file: Path, found: FieldState
) -> None:
    told = command("fieldwork", "--survey", SURVEY, "--wave", WAVE, "--file", str(file))
    assert told.exit_code == 0, told.output
    assert all(title in told.stdout for title in TITLES.values())
    done = command("fieldwork", "--survey", SURVEY, "--wave", WAVE, "--file", str(file), "--format", "json")
    rows = json.loads(done.stdout)
    assert rows.keys() == {*Part, "notes"}
    assert [row["done"] for row in rows["strata"]] == found.strata["done"].tolist()
    assert {row["submission"] for row in rows["flags"]} == set(found.flags["submission"])


def test_one_table_is_printed_as_csv_and_several_are_refused(command: Callable[..., Any]) -> None:
    words = ("fieldwork", "--survey", SURVEY, "--wave", WAVE, "--format", "csv")
    one = command(*words, "--only", "strata")
    assert one.stdout.splitlines()[0] == "post,user_group,direction,done,needed,short,shifts,shifts_needed"
    assert command(*words).exit_code == 2


def test_a_plan_is_printed_with_its_cost(command: Callable[..., Any]) -> None:
    words = ("plan", "--change", "10", "--shift-cost", "60", "--interview-cost", "4")
    rows = json.loads(command(*words, "--format", "json").stdout)
    best = rows[0]
    assert best["cost"] == best["shifts"] * (60 + 4 * best["interviews"]) == min(row["cost"] for row in rows)
    assert f"{best['shifts']} shifts of {best['interviews']} interviews" in " ".join(command(*words).stdout.split())
    assert command(*words, "--share", "100").exit_code == 2
    assert command(*words, "--format", "csv").stdout.splitlines()[0] == "shifts,interviews,power,se,df,cost"
