"""The README is run, not believed."""

import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from app.settings import VARIABLES
from scoring import Framework
from scoring.contract import FIGURES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str, *, holding: str) -> str:
    """The one fenced block of a language that holds these words."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    return next(text for text in blocks if holding in text)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Two waves, four posts on two sides, two groups, three shifts of five interviews."""
    rng = np.random.default_rng(7)
    cells = list(product(("2024", "2026"), ("A", "B", "C", "D"), ("trader", "traveller"), range(3), range(5)))
    table = pd.DataFrame(cells, columns=["wave", "post", "group", "shift", "person"])
    table["shift"] = table["post"] + table["group"] + table["shift"].astype(str)
    table["side"] = np.where(table["post"] < "C", "left", "right")
    table["weight"] = rng.uniform(1, 3, len(table))
    table["wait"] = rng.uniform(0, 10, len(table))
    table["q1"] = rng.integers(1, 6, len(table))
    framework = Framework.from_toml((ROOT / "data" / "frameworks" / "border.toml").read_text(encoding="utf-8"))
    spans = {code: indicator.range for indicator in framework.indicators for code in indicator.items}
    spans |= {item.code: item.range for item in framework.items}
    answers = {code: rng.integers(int(low), int(high) + 1, len(table)) for code, (low, high) in spans.items()}
    return table.assign(**answers)


def test_the_lines_of_python_run_and_give_the_promised_columns(
    frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"frame": frame}
    exec(compile(block("python", holding="reduce("), "README.md", "exec"), names)  # noqa: S102 - our own README
    assert list(names["card"].table.columns) == ["wave", "side", *FIGURES]
    assert list(names["moved"].table.columns)[: len(FIGURES) + 2] == ["wave", "side", *FIGURES]
    assert set(FIGURES) <= set(names["rows"].columns)
    assert names["card"].table["status"].isin(["ok", "unreliable"]).all()


def test_the_readme_names_the_columns_of_every_result() -> None:
    listed = README.partition("have the same columns:")[2].partition(".")[0]
    assert tuple(re.findall(r"`(\w+)`", listed)) == ("wave", *FIGURES)


def test_the_configuration_table_is_the_one_of_the_settings() -> None:
    rows = re.findall(r"^\| `(SARHAD_\w+)` \| (.+?) \| (.+?) \|$", README, flags=re.MULTILINE)
    shown = {variable: (default.strip("`"), purpose) for variable, default, purpose in rows}
    expected = {
        variable: (default.replace(str(ROOT), "(this folder)") or "none", purpose)
        for variable, (default, purpose) in VARIABLES.items()
    }
    assert shown == expected


def test_every_command_of_the_readme_exists() -> None:
    named = set(re.findall(r"^sarhad (\w+)", block("sh", holding="sarhad demo"), flags=re.MULTILINE))
    command = Path(sys.executable).with_name("sarhad")
    shown = subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
    assert named - set(re.findall(r"\w+", shown)) == set()


def test_every_link_and_picture_of_the_documents_is_there() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    links = [
        (document, link)
        for document in documents
        for link in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
    ]
    assert [link for document, link in links if "://" not in link and not (document.parent / link).exists()] == []
