"""The `sarhad` command: the same engine and the same words from a terminal; exit codes 0, 1 and 2."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from app import cli, settings
from app.workflow import fieldwork
from surveys import simulate
from tests.filled import form, one_bank

ROOT = Path(__file__).resolve().parents[2]
BORDER = ROOT / "tests" / "reference" / "data"


@dataclass(frozen=True, slots=True)
class Done:
    stdout: str
    stderr: str


@pytest.fixture
def sarhad(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the command in this process: the same entry point, without the second it takes to start."""

    def run(*words: str | Path, url: str = "", expect: int = 0) -> Done:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setenv("SARHAD_DATABASE_URL", url or "sqlite:////nowhere/sarhad.db")
        monkeypatch.setattr(sys, "argv", ["sarhad", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert (ended.value.code or 0) == expect, err + out
        return Done(out, err)

    return run


def test_the_command_starts_in_a_process_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "estimate", BORDER / "nosuch.csv", "--mean", "index"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "nosuch.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_version_and_help(sarhad: Callable[..., Done]) -> None:
    assert sarhad("--version").stdout.startswith("sarhad 0.")
    assert "estimate" in sarhad("--help").stdout


def test_estimate_agrees_with_r_on_the_border_design(sarhad: Callable[..., Done]) -> None:
    words = ["--weight", "w", "--strata", "wstratum", "--psu", "wpsu", "--fpc", "Npsu", "--format", "json"]
    done = sarhad(
        "estimate", BORDER / "border_open.csv", "--mean", "index", "--ratio", "wait/age", *words, "--by", "mode"
    )
    rows = json.loads(done.stdout)
    cases = {
        case["id"]: case["value"]
        for case in json.loads((BORDER / "border_open_indep.json").read_text(encoding="utf-8"))["cases"]
    }
    mine = {row["by"]["mode"]: row for row in rows if row["measure"] == "wait/age"}
    theirs = cases["by_ratio"]
    assert list(mine) == theirs["groups"]["mode"]
    assert [row["estimate"] for row in mine.values()] == pytest.approx(theirs["coef"], rel=1e-9)
    assert [row["se"] for row in mine.values()] == pytest.approx(theirs["se"], rel=1e-9)
    assert set(rows[0]) == {
        "wave", "by", "measure", "statistic", "category", "estimate", "se", "df", "low", "high", "n", "n_eff", "deff",
        "status", "reason",
    }  # fmt: skip


def test_protect_hides_small_cells_of_the_callers_own_file(sarhad: Callable[..., Done]) -> None:
    words = ["estimate", BORDER / "border_open.csv", "--mean", "index", "--by", "point,mode", "--format", "json"]
    open_rows = json.loads(sarhad(*words).stdout)
    hidden = [row for row in json.loads(sarhad(*words, "--protect").stdout) if row["status"] == "suppressed"]
    small = [row for row in open_rows if row["n"] < 10]
    assert small
    assert len(hidden) >= len(small)
    assert all(row["estimate"] is None and row["n"] is None for row in hidden)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--mean", "nosuch"], 1, "nosuch"),
        (["--mean", "sex"], 1, "text"),
        (["--mean", "index", "--psu", "upsu", "--strata", "mode"], 1, "PSU"),
        (["--mean", "index", "--where", "index >"], 2, "where"),
        (["--mean", "index", "--df", "guess"], 2, "design, satterthwaite"),
        ([], 2, "--mean"),
    ],
)
def test_a_fault_is_a_sentence_and_an_exit_code(
    words: list[str], code: int, text: str, sarhad: Callable[..., Done]
) -> None:
    assert text in sarhad("estimate", BORDER / "border_open.csv", *words, expect=code).stderr


@pytest.fixture(scope="session")
def export() -> pd.DataFrame:
    truth = simulate.Truth.from_toml((settings.DEMO / "truth.toml").read_text(encoding="utf-8"))
    return simulate.draw(fieldwork.instrument("traveller"), replace(truth, shifts=2, interviews=2), wave="2026", seed=1)


def off_scale(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[3, "service_speed"] = "9"
    return frame


BAD: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "empty file": lambda _: b"",
    "wrong delimiter": lambda frame: frame.to_csv(index=False, sep="~").encode(),
    "duplicate headers": lambda frame: frame.rename(columns={"service_steps": "service_speed"}).to_csv().encode(),
    "off the scale": lambda frame: off_scale(frame).to_csv(index=False).encode(),
    "missing weight": lambda frame: frame.drop(columns="traffic_count").to_csv(index=False).encode(),
    "binary": lambda _: bytes(range(256)) * 40,
    "over the limit": lambda frame: frame.to_csv(index=False).encode() * 40,
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_file_is_refused_in_words_and_the_store_stays_as_it_was(
    fault: str, export: pd.DataFrame, tmp_path: Path, sarhad: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, path = f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "bad.csv"
    path.write_bytes(BAD[fault](export.copy()))
    monkeypatch.setenv("SARHAD_FILE_MB", "1")
    refused = sarhad("import", path, "--wave", "2026", url=url, expect=1)
    checked = sarhad("check", path, url=url, expect=1)
    assert len(refused.stdout + refused.stderr) > 40
    assert len(checked.stdout + checked.stderr) > 40
    assert "no store yet" in sarhad("doctor", url=url).stdout


def test_an_unknown_column_is_a_warning_and_the_file_is_stored(
    export: pd.DataFrame, tmp_path: Path, sarhad: Callable[..., Done]
) -> None:
    url, path = f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "more.csv"
    export.assign(colour="blue", phone="+992 93 555 01 99").to_csv(path, index=False)
    told = sarhad("import", path, "--wave", "2026", url=url).stdout
    assert "colour" in told
    assert "phone" in told
    assert "Stored as a draft" in told
    assert "nothing was changed" in sarhad("import", path, "--wave", "2026", url=url).stdout.lower()
    assert "no wave" in sarhad("score", "--survey", "traveller", url=url, expect=1).stderr


def test_a_form_that_contradicts_itself_is_told_and_the_data_are_not_blamed(
    tmp_path: Path, sarhad: Callable[..., Done]
) -> None:
    (tmp_path / "survey.csv").write_text("type,name,label\nselect_one nolist,q1,One\n", encoding="utf-8")
    (tmp_path / "choices.csv").write_text("list_name,name,label\nother,a,A\n", encoding="utf-8")
    (tmp_path / "data.csv").write_text("q1\na\n", encoding="utf-8")
    form = f"{tmp_path / 'survey.csv'},{tmp_path / 'choices.csv'}"
    assert "nolist" in sarhad("check", tmp_path / "data.csv", "--form", form, expect=1).stderr


def test_a_framework_that_is_not_there_is_a_wrong_call(sarhad: Callable[..., Done]) -> None:
    assert "nosuch.toml" in sarhad("framework", "check", "nosuch.toml", expect=2).stderr


def test_a_wave_is_published_by_two_people_and_withdrawn_with_a_reason(
    tmp_path: Path, sarhad: Callable[..., Done]
) -> None:
    url, path = f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "wave.csv"
    simulate.draw(form(), one_bank(), wave="2022", seed=2022).to_csv(path, index=False)
    sarhad("import", path, "--wave", "2022", url=url)
    signers = ["--statistics", "Anor", "--safety", "Bahor", "--uncommented", "nobody to ask"]
    sarhad("publish", "2022", *signers[:4], url=url, expect=2)
    sarhad("publish", "2022", "--statistics", "Anor", "--safety", " anor", *signers[4:], url=url, expect=2)
    assert "no wave" in sarhad("score", url=url, expect=1).stderr
    assert "release 1" in sarhad("publish", "2022", *signers, url=url).stdout
    assert "nothing was changed" in sarhad("import", path, "--wave", "2022", url=url).stdout.lower()
    assert json.loads(sarhad("score", "--format", "json", url=url).stdout)
    sarhad("withdraw", url=url, expect=2)
    assert "Withdrawn: release 1." in sarhad("withdraw", "--reason", "a threat", url=url).stdout
    sarhad("score", url=url, expect=1)
    assert "a threat" in sarhad("score", "--release", "1", url=url, expect=1).stderr
    assert "Nothing was altered" in sarhad("audit", "verify", url=url).stdout


def test_from_instrument_to_score(tmp_path: Path, demo_copy: str, sarhad: Callable[..., Done]) -> None:
    url = demo_copy
    book = tmp_path / "traveller.xlsx"
    sarhad("instrument", "build", "traveller", "--out", book)
    assert book.stat().st_size > 5_000
    sarhad("instrument", "check", book)
    sarhad("framework", "check", ROOT / "data" / "frameworks" / "border.toml")
    assert "already" in sarhad("demo", url=url).stdout
    rows = json.loads(sarhad("score", "--by", "side", "--format", "json", url=url).stdout)
    accountability = [row for row in rows if row["measure"] == "accountability"]
    assert len(accountability) == 6
    assert all(0 < row["low"] < row["estimate"] < row["high"] < 100 for row in accountability)
    moves = sarhad(
        "change", "--measure", "integrity", "--waves", "2022,2026", "--by", "side,post", "--format", "json", url=url
    )
    assert sum(row["clear"] for row in json.loads(moves.stdout)) >= 2
    assert {row["synthetic"] for row in rows} == {"SYNTHETIC"}
    assert "synthetic" in sarhad("score", "--by", "side", "--format", "csv", url=url).stdout.splitlines()[0]
    assert "SYNTHETIC" in sarhad("score", url=url).stdout
    sarhad("score", "--by", "post", url=url, expect=2)
    sarhad("change", "--measure", "integrity", "--waves", "2026,2026", url=url, expect=2)
