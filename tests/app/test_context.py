"""What others measured: every figure has its source, no change without an error is called, leaders never see it."""

import ast
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from streamlit.testing.v1 import AppTest

from app import cli, sentences
from app.cli import chains as commands
from app.settings import ROOT
from app.workflow import context
from surveys.errors import StoreError

WGI, LPI = "Control of corruption (WGI)", "Logistics performance, whole (LPI)"
LEADERSHIP = ("home", "trends")
ROOMS = ("workflow", "session", "sentences", "charts")  # what the pages of leaders are made of lies in `leading`


def one(series: str, place: str, table: pd.DataFrame | None = None) -> pd.Series:
    changes = context.changes(context.series()) if table is None else table
    (row,) = changes[(changes["series"] == series) & (changes["place"] == place)].to_dict("records")
    return pd.Series(row)


def test_every_figure_has_a_source_with_its_address_a_licence_and_an_error_or_a_note_why_none() -> None:
    table = context.series()
    assert table["source"].str.contains("https://", regex=False).all()
    assert (table["licence"] != "").all()
    assert (table["se"].notna() | table["note"].str.contains("No standard error")).all()
    assert set(table["series"].str.extract(r"\((WGI|LPI|CPMM)")[0]) == {"WGI", "LPI", "CPMM"}


def test_limits_of_the_governance_indicators_are_those_of_their_publication() -> None:
    table = context.series()
    known = table[table["se"].notna()]
    assert (known["level"] == 0.90).all()
    assert known["low"].to_numpy() == pytest.approx((known["value"] - 1.64 * known["se"]).to_numpy(), abs=1e-4)
    assert known["high"].to_numpy() == pytest.approx((known["value"] + 1.64 * known["se"]).to_numpy(), abs=1e-4)


def test_control_of_corruption_in_tajikistan_did_not_clearly_change_in_ten_years() -> None:
    # by hand: (-1.3382 + 1.2318) / sqrt(0.1467^2 + 0.1772^2) = -0.4625
    row = one(WGI, "Tajikistan")
    assert row["z"] == pytest.approx(-0.1064 / np.hypot(0.1467, 0.1772))
    assert not row["clear"]
    assert sentences.context_told(row) == (
        f"{WGI}, Tajikistan: \N{MINUS SIGN}0.11 from 2011 to 2021 (\N{MINUS SIGN}0.56 to 0.34), not clear "
        "(z = \N{MINUS SIGN}0.46)."
    )


def test_a_change_that_its_errors_leave_standing_among_all_is_called() -> None:
    row = one(WGI, "Uzbekistan")
    # p of z = 2.74 among four tested changes: Holm multiplies the smallest by 4
    assert row["p_adjusted"] == pytest.approx(4 * 0.0062, abs=0.001)
    assert sentences.context_verdict(row) == "clear"
    assert sentences.context_told(row).endswith("(0.16 to 0.99), a clear change (z = 2.74).")


def test_a_series_without_errors_is_never_called_a_change() -> None:
    row = one(LPI, "Afghanistan")
    assert sentences.context_told(row) == (
        f"{LPI}, Afghanistan: 2.3 in 2012, 1.9 in 2023. Whether that is a change is not clear: no standard error is "
        "published."
    )
    untested = context.changes(context.series()).query("p_adjusted.isna()")
    assert len(untested) == 11
    assert not untested["clear"].any()


@pytest.mark.parametrize("seed", range(5))
def test_sentence_and_test_agree_for_any_figures(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = [f"p{at}" for at in range(8)]
    table = pd.DataFrame({"series": "s", "place": [*places, *places], "year": [2011] * 8 + [2021] * 8, "unit": "u"})
    table = table.assign(value=rng.normal(0, 1, 16).round(2), se=np.where(rng.random(16) < 0.1, np.nan, 0.3))
    for row in context.changes(table).to_dict("records"):
        told = sentences.context_told(row)
        assert ("a clear change" in told) == bool(row["clear"])
        assert ("not clear" in told) == (not row["clear"])
        assert ("no standard error" in told) == bool(np.isnan(row["se"]))
        assert not row["clear"] or row["low"] * row["high"] > 0


def test_one_year_alone_is_no_change() -> None:
    table = context.series()
    assert context.changes(table[table["year"] == 2021]).empty


GOOD = {
    "series": "s", "place": "p", "year": "2020", "value": "1", "se": "0.2", "low": "0.6", "high": "1.4", "level": "0.9",
    "unit": "u", "source": "x: https://example.org", "licence": "CC BY 4.0", "note": "none",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"licence": ""}, "row 2: licence is missing or no number; fill it in"),
        ({"value": "many"}, "row 2: value is missing or no number"),
        ({"source": "a book"}, "row 2: source names no address of a page; add it"),
        ({"low": ""}, "row 2: se, low, high and level stand together"),
        ({"value": "9"}, "row 2: value does not lie between low and high"),
        ({"se": "", "low": "", "high": "", "level": ""}, "row 2: note does not say why there is no standard error"),
    ],
)
def test_a_row_that_says_too_little_is_refused_by_file_and_row(
    tmp_path: Path, change: dict[str, str], text: str
) -> None:
    pd.DataFrame([GOOD | change]).to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(StoreError) as refused:
        context.read(tmp_path)
    assert f"bad.csv, {text}" in str(refused.value)


def test_all_faults_are_told_at_once_and_a_table_of_other_columns_too(tmp_path: Path) -> None:
    pd.DataFrame([GOOD, GOOD]).to_csv(tmp_path / "twice.csv", index=False)
    pd.DataFrame([GOOD]).drop(columns="licence").to_csv(tmp_path / "short.csv", index=False)
    with pytest.raises(StoreError) as refused:
        context.read(tmp_path)
    assert "twice.csv, row 3: the same series, place and year stand twice" in str(refused.value)
    assert "short.csv: its columns are not series, place" in str(refused.value)
    with pytest.raises(StoreError, match="holds no CSV file"):
        context.read(tmp_path / "nowhere")


# Who sees it


def names_in(path: Path) -> set[str]:
    """Every name that a file imports or asks an object for."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    nodes = list(tree)
    asked = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    taken = [alias.name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    return asked | {part for name in taken for part in name.split(".")}


OF_CONTEXT = {"context", "others", "others_csv", "readable_others", "context_told", "CONTEXT", "OTHERS"}


@pytest.mark.parametrize("page", LEADERSHIP)
def test_no_page_of_leaders_asks_for_what_others_measured(page: str) -> None:
    rooms = [ROOT / "app" / "pages" / f"{page}.py", *(ROOT / "app" / room / "leading.py" for room in ROOMS)]
    assert [path.name for path in rooms if path.is_file() and names_in(path) & OF_CONTEXT] == []
    assert names_in(ROOT / "app" / "pages" / "context.py") & OF_CONTEXT


def test_no_index_is_made_of_what_others_measured() -> None:
    users = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "app").rglob("*.py")
        if "from app.workflow import" in path.read_text(encoding="utf-8")
        and "context" in {alias.name for alias in _taken(path)}
    ]
    assert sorted(users) == ["app/cli/chains.py", "app/session/context.py"]


def _taken(path: Path) -> list[ast.alias]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "app.workflow"]
    return [alias for node in found for alias in node.names]


def test_the_page_shows_each_source_with_its_sentences_table_and_licence() -> None:
    at = AppTest.from_file(str(ROOT / "app" / "pages" / "context.py"), default_timeout=60).run()
    assert not at.exception
    text = "\n".join(part.value.replace("\\", "") for part in (*at.markdown, *at.caption, *at.subheader))
    first = [table.value["series"].iloc[0] for table in at.dataframe]
    assert [name for name, own in zip(("CPMM", "LPI", "WGI"), first, strict=True) if name not in own] == []
    assert "never inside an index" in text
    assert "not clear (z = \N{MINUS SIGN}0.46)" in text
    assert text.count("Licence: ") == 3
    assert list(at.dataframe[2].value)[4:7] == ["standard error", "90 % from", "to"]


@pytest.fixture
def sarhad(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[str, str]]:
    room = typer.Typer(pretty_exceptions_enable=False)
    room.callback()(lambda: None)
    room.command("context")(commands.others)
    monkeypatch.setattr(cli, "app", room)

    def run(*words: str, expect: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["sarhad", "context", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert (ended.value.code or 0) == expect, err + out
        return out, err

    return run


def test_the_command_prints_figures_sources_and_sentences(sarhad: Callable[..., tuple[str, str]]) -> None:
    out, _ = sarhad("--series", "wgi")
    assert "https://www.worldbank.org/en/publication/worldwide-governance-indicators" in out
    assert sentences.context_told(one(WGI, "Tajikistan")) in out
    assert LPI not in out
    rows = json.loads(sarhad("--format", "json")[0])
    assert len(rows) == len(context.series())
    assert all(row["source"] and row["licence"] for row in rows)
    assert "no series holds 'gdp'" in sarhad("--series", "gdp", expect=2)[1]
