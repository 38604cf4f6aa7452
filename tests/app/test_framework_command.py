"""`sarhad framework check`: each fault of a framework with file, key and remedy; exit code 1 where there is one."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from app import cli, settings

BORDER = settings.FRAMEWORKS / "border.toml"


@dataclass(frozen=True, slots=True)
class Done:
    stdout: str
    stderr: str


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the command in this process."""

    def run(*words: str | Path, expect: int = 0) -> Done:
        monkeypatch.setattr(sys, "argv", ["sarhad", "framework", "check", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert (ended.value.code or 0) == expect, err + out
        return Done(out, err)

    return run


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Path]:
    """The border framework with some words changed, as a team's own file."""

    def write(*changes: tuple[str, str], name: str = "own.toml") -> Path:
        text = BORDER.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_sound_framework_is_said_to_be_so_with_version_and_digest(check: Callable[..., Done]) -> None:
    done = check(BORDER, "--instrument", "traveller")
    assert "9 nodes, 24 items, no fault found" in done.stdout
    assert "border 1, content " in done.stdout


SPEED = """code = "service_speed"
dimension = "service"
title = "Time taken"
weight = 1
direction = "better"
range = [1, 4]"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'weight = 1\nkind = "formative"\narusha = [5]',
            'weight = 0.5\nkind = "formative"\narusha = [5]',
            "index accountability: weights of its parts are 0.5 + 1 + 1 = 2.5; make them sum to 1",
        ),
        (
            'code = "service"\nindex = "accountability"',
            'code = "service"\ndimension = "service"',
            "dimension service: stands under itself (service under service); write index = '...'",
        ),
        ('code = "service_steps"', 'code = "service_speed"', "item service_speed: this code is used twice; codes are"),
        (
            'code = "service_steps"',
            'code = "service_stepts"',
            "item service_stepts: instrument traveller 2 asks no question 'service_stepts'; name one of its questions",
        ),
        (
            SPEED,
            SPEED.replace("[1, 4]", "[1, 5]"),
            "item service_speed: range is 1 to 5, but answers score 1 to 4 in instrument traveller 2; write range = [1",
        ),
        (
            SPEED,
            SPEED.replace('"better"', '"ambiguous"'),
            "item service_speed: direction is 'ambiguous'; such a question belongs in an [[indicator]]",
        ),
        (
            SPEED,
            f"{SPEED}\npositive = [3.5]",
            "item service_speed: positive holds 3.5, which no answer scores in instrument traveller 2; list some of 1",
        ),
        (
            'item = "reported/customs"',
            'item = "reported/police"',
            "indicator reported_customs: instrument traveller 2 has nothing to tick called 'reported/police'; write",
        ),
        (
            'item = "know_complaint"',
            'item = "know_complaints"',
            "indicator know_complaint: instrument traveller 2 asks no question 'know_complaints'; name one of",
        ),
        (
            'item = "harassment"',
            'item = "shift"',
            "indicator harassment: answers to 'shift' have no scores in instrument traveller 2 (text); name another",
        ),
        (
            'code = "service_speed"',
            'code = "trader_size"',
            "item trader_size: answers to it have no scores in instrument traveller 2 (select_one); name a question on",
        ),
    ],
)
def test_a_bad_framework_is_told_with_file_key_and_remedy(
    old: str, new: str, words: str, check: Callable[..., Done], own: Callable[..., Path]
) -> None:
    done = check(own((old, new)), "--instrument", "traveller", expect=1)
    assert f"own.toml: {words}" in done.stderr
    assert "no fault" not in done.stdout


def test_a_version_used_again_for_something_else_is_told(check: Callable[..., Done], own: Callable[..., Path]) -> None:
    changed = own(('aggregation = "arithmetic"', 'aggregation = "geometric"'))
    done = check(changed, "--against", BORDER, expect=1)
    assert "own.toml: version: '1' was used before with other content" in done.stderr
    assert "raise the version, and add a [[bridge]]" in done.stderr
    raised = own(('aggregation = "arithmetic"', 'aggregation = "geometric"'), ('version = "1"', 'version = "2"'))
    assert "border 2, content" in check(raised, "--against", BORDER).stdout


def test_other_words_under_the_same_version_are_no_fault(check: Callable[..., Done], own: Callable[..., Path]) -> None:
    check(own(('title = "Time taken"', 'title = "The time it takes"')), "--against", BORDER)


def test_a_fault_of_an_earlier_file_is_told_of_that_file(check: Callable[..., Done], own: Callable[..., Path]) -> None:
    broken = own(('title = "Time taken"', ""), name="earlier.toml")
    done = check(BORDER, "--against", broken, expect=1)
    assert "earlier.toml: item service_speed: key 'title' is missing; add it" in done.stderr


def test_faults_are_rows_for_programs(check: Callable[..., Done], own: Callable[..., Path]) -> None:
    path = own(('title = "Time taken"', ""))
    done = json.loads(check(path, "--format", "json", expect=1).stdout)
    assert done == {
        "faults": [
            {"file": "own.toml", "key": "item service_speed", "problem": "key 'title' is missing", "remedy": "add it"}
        ]
    }
    lines = check(path, "--format", "csv", expect=1).stdout.splitlines()
    assert lines == ["file,key,problem,remedy", "own.toml,item service_speed,key 'title' is missing,add it"]
    sound = json.loads(check(BORDER, "--format", "json").stdout)
    assert (sound["id"], sound["version"], sound["faults"]) == ("border", "1", [])


def test_an_instrument_that_is_not_there_is_said(check: Callable[..., Done]) -> None:
    assert "nosuch" in check(BORDER, "--instrument", "nosuch", expect=1).stderr
