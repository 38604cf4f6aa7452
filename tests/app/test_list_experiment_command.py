"""`sarhad list-experiment`: the published figures through the command, and faults as one sentence."""

import json
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from app.cli.listing import listed
from scoring import RequestError
from tests.race import RACE, people


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The race experiment of 1991 as a field tool exports it, with two people who gave no number."""
    frame = people(**RACE)
    rows = pd.DataFrame(
        {
            "arm": frame["long"].map({False: "a", True: "b"}),
            "list_short": frame["count"].where(~frame["long"]).astype("Int64").astype("string"),
            "list_long": frame["count"].where(frame["long"]).astype("Int64").astype("string"),
        }
    )
    silent = pd.DataFrame({"arm": ["a", "b"], "list_short": ["dk", None], "list_long": [None, "ref"]})
    path = tmp_path / "lists.csv"
    pd.concat([rows, silent]).to_csv(path, index=False)
    return path


def run(*words: str | Path) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(listed)
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_published_share_and_error_come_from_a_file(file: Path) -> None:
    done = run(file, "--items", "3", "--strata", "arm", "--format", "json")
    found = json.loads(done.stdout)
    assert (found["estimate"], found["se"]) == pytest.approx((0.06779744, 0.04957829), rel=1e-3)
    assert (found["short"], found["long"], found["left_out"], found["strained"]) == (589, 624, 2, True)
    assert len(found["types"]) == 6


@pytest.mark.parametrize("output", ["table", "csv"])
def test_other_formats_hold_the_same_estimate(file: Path, output: str) -> None:
    assert "0.067797" in run(file, "--items", "3", "--format", output).stdout


def test_a_column_that_is_not_there_is_named(file: Path) -> None:
    done = run(file, "--short", "nothing")
    assert isinstance(done.exception, RequestError)
    assert "column 'nothing' is not in lists.csv" in str(done.exception)
