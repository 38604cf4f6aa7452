"""There is one way from the answers to a reader: the document of a release.

Pages and commands are found, not listed: a new one is tested without an edit here.
"""

import ast
import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import pytest
import streamlit as st
import typer
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import scoring
import scoring.mask.publication
from app import cli, session
from app.settings import ROOT
from app.workflow import bundles, demo, publishing, reducing, releases, results
from app.workflow.document import Document, Release, unpack
from surveys.store import Store, open_store
from tests.filled import NOON

ENTRY = ROOT / "streamlit_app.py"
#: The modules that may come near the answers: they make releases, or take answers in.
INSIDE = {
    f"app/workflow/{name}.py"
    for name in (
        "publishing", "reducing", "revising", "combining", "studying/spread", "fieldwork", "fieldstate", "working",
        "demo", "releases", "diagnosis", "storage",
    )
}  # fmt: skip
#: What gives answers, totals, or figures before the mask.
ANSWERS = {"responses", "totals_get", "release_mask", "read_sealed", "totals_of"}
ENGINE = {"reduce", "score", "change", "estimate", "publish"}

#: Commands that take answers in, make releases or hide parts of them: they work with answers and print no figure.
DEEDS = {
    "import", "send", "work", "fieldwork", "demo", "erase", "publish", "withdraw", "release prepare", "release preview",
    "release publish",
}  # fmt: skip
#: Commands that work on the caller's own file or a machine, with no store behind them.
OWN = {
    "estimate", "plan", "test", "regress", "list-experiment", "check", "framework check", "declared check", "context",
    "instrument build", "instrument template", "instrument codebook", "instrument paper", "instrument check", "serve",
    "restore",
}  # fmt: skip
FIGURES = ["estimate", "se", "df", "low", "high", "n", "n_eff", "deff"]


# By reading


def by_passes(tree: ast.AST) -> set[str]:
    """What a module names that leads around the documents."""
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & ANSWERS
    found |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in ANSWERS}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            found |= names & ANSWERS
            found |= names & ENGINE if (node.module or "").split(".")[0] == "scoring" else set()
        if isinstance(node, ast.Import):  # whole modules could be asked for anything
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "scoring"}
    return found


def trees() -> dict[str, ast.AST]:
    files = [ENTRY, *sorted((ROOT / "app").rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def modules_of(tree: ast.AST) -> set[str]:
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    whole = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return plain | whole


def test_nothing_outside_the_workflow_of_releases_comes_near_the_answers() -> None:
    outside = {name: by_passes(tree) for name, tree in trees().items() if name not in INSIDE}
    assert len(outside) > 20
    assert {name: found for name, found in outside.items() if found} == {}


def test_the_command_that_estimates_a_file_of_the_caller_has_no_store() -> None:
    seen = modules_of(trees()["app/cli/estimating.py"]) | modules_of(trees()["app/sources.py"])
    assert not [name for name in seen if name.startswith(("app.workflow", "surveys.store"))]


def test_the_makers_of_releases_are_those_that_need_the_answers() -> None:
    """The list of what may come near is no longer than it must be, so that a new name on it is noticed."""
    assert by_passes(trees()["app/workflow/publishing.py"]) >= {"release_mask", "publish"}
    assert by_passes(trees()["app/workflow/reducing.py"]) >= {"responses", "totals_get", "reduce"}
    for name in ("releases", "demo", "storage", "diagnosis"):
        assert not by_passes(trees()[f"app/workflow/{name}.py"]) & {"responses", "totals_get", "reduce", "score"}


@pytest.mark.parametrize(
    "source",
    [
        "from app import session\nsession.store().responses('demo', waves=['2022'], columns=['side'])",
        "read = session.store().totals_get",
        "getattr(store, 'release_mask')('demo', 1)",
        "from scoring import score",
        "from scoring.indices import score as points",
        "import scoring.totals",
        "from app.workflow.reducing import totals_of",
    ],
)
def test_a_module_that_goes_around_is_noticed(source: str) -> None:
    assert by_passes(ast.parse(source))


# By running


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, demo_copy: str) -> Iterator[list[str]]:
    """Calls of whatever gives answers, totals or figures before the mask, under whatever name it was imported."""
    seen: list[str] = []

    def noted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            seen.append(name)
            return function(*given, **named)

        return call

    for name in ("responses", "totals_get", "release_mask"):
        monkeypatch.setattr(Store, name, noted(name, getattr(Store, name)))
    for function in (scoring.reduce, scoring.score, scoring.change, scoring.mask.publication.publish):
        put = noted(function.__name__, function)
        for module in [module for name, module in sys.modules.items() if name.split(".")[0] in ("app", "scoring")]:
            for name in [name for name, value in vars(module).items() if value is function]:
                monkeypatch.setattr(module, name, put)
    monkeypatch.setenv("SARHAD_DATABASE_URL", demo_copy)
    monkeypatch.setenv("SARHAD_SIGNING_KEY", bundles.new_signing_key())
    st.cache_resource.clear()
    st.cache_data.clear()
    yield seen
    st.cache_resource.clear()
    st.cache_data.clear()


def pages_of(entry: Path) -> list[str]:
    """Pages of the navigation, as its source names them."""
    calls_of = [node for node in ast.walk(ast.parse(entry.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    pages = [call.args[0] for call in calls_of if isinstance(call.func, ast.Attribute) and call.func.attr == "Page"]
    return [str(ast.literal_eval(page)) for page in pages]


def run_page(entry: Path, page: str) -> AppTest:
    at = AppTest.from_file(str(entry), default_timeout=60)
    at.query_params["survey"] = demo.TITLE
    at.run()
    at.switch_page(page).run()
    assert not at.exception
    return at


@dataclass(frozen=True, slots=True)
class Command:
    """A command with the words that call it."""

    name: str
    words: list[str]


def commands_of(app: typer.Typer) -> dict[str, click.Command]:
    """Every command of a Typer app, by its full name."""
    found: dict[str, click.Command] = {}

    def walk(command: Any, path: tuple[str, ...]) -> None:
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*path, name))
        if not hasattr(command, "commands"):
            found[" ".join(path)] = command

    walk(typer.main.get_command(app), ())
    return found


#: A value for each parameter that a command cannot do without.
VALUES = {
    "number": "3", "measure": "accountability", "waves": "2022,2026", "out": "release.sarhad", "target": "copy.db",
    "role": "safety", "agency": "Customs", "until": "2026-12-31", "text": "Thank you.", "reason": "a mistake",
    "officers": "officers",
}  # fmt: skip


def called(name: str, command: click.Command, folder: Path) -> Command:
    """The words of a command with its controls at default and what it needs."""
    words = name.split()
    for part in command.params:
        if part.required:
            assert part.name in VALUES, f"say in VALUES what `{name}` may be given for {part.name}"
            value = VALUES[part.name or ""]
            value = str(folder / value) if value.endswith((".sarhad", ".db")) else value
            words += [value] if part.param_type_name == "argument" else [part.opts[0], value]
    return Command(name, words)


def reading_commands(app: typer.Typer, folder: Path) -> list[Command]:
    return [called(name, one, folder) for name, one in commands_of(app).items() if name not in DEEDS | OWN]


def run(app: typer.Typer, words: list[str], **around: str) -> str:
    done = CliRunner().invoke(app, words, env=around)
    assert done.exception is None or isinstance(done.exception, (SystemExit, releases.StoreError)), done.exception
    return done.stdout


def test_every_page_of_the_product_is_in_the_navigation_and_so_in_these_tests() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "app" / "pages").glob("*.py")}
    assert set(pages_of(ENTRY)) == files - {"app/pages/__init__.py"}


@pytest.mark.parametrize("page", pages_of(ENTRY))
def test_a_page_reads_documents_alone(page: str, calls: list[str]) -> None:
    at = run_page(ENTRY, page)
    assert len(at.title) == 1
    assert calls == []


def test_every_command_that_reads_reads_documents_alone(calls: list[str], tmp_path: Path) -> None:
    commands = reading_commands(cli.app, tmp_path)
    assert {"score", "change", "release show", "release export", "release list"} <= {one.name for one in commands}
    for command in commands:
        run(cli.app, command.words)
        assert (command.name, calls) == (command.name, [])
    assert (tmp_path / "release.sarhad").exists()


def test_the_commands_left_out_are_commands_of_the_product() -> None:
    assert commands_of(cli.app).keys() >= DEEDS | OWN


def test_a_page_that_goes_around_is_caught(calls: list[str], tmp_path: Path) -> None:
    pages = [f'st.Page("{ROOT / page}"{", default=True" * (not at)})' for at, page in enumerate(pages_of(ENTRY))]
    rogue = tmp_path / "rogue.py"
    rogue.write_text(
        "import streamlit as st\nfrom app import session\n"
        "frame = session.store().responses('demo', waves=['2022'], columns=['side'])\nst.title(str(len(frame)))\n",
        encoding="utf-8",
    )
    entry = tmp_path / "entry.py"
    entry.write_text(
        f"import streamlit as st\nst.navigation([{', '.join(pages)}, st.Page('{rogue}')]).run()\n", encoding="utf-8"
    )
    assert pages_of(entry)[-1] == str(rogue)
    run_page(entry, str(rogue))
    assert calls == ["responses"]


def test_a_command_that_goes_around_is_caught(
    calls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put into the product's own app, it is found and run as any other."""
    monkeypatch.setattr(cli.app, "registered_commands", [*cli.app.registered_commands])

    @cli.app.command("leak")
    def leak(number: int) -> None:
        store = cli._store()  # noqa: SLF001 - a command of the product has it at hand
        totals, _ = reducing.totals_of(store, demo.SURVEY, ("2022",), at=NOON)
        typer.echo(f"{number} {scoring.score(totals, publishing.framework('traveller'), by='side').table}")

    (command,) = (one for one in reading_commands(cli.app, tmp_path) if one.name == "leak")
    assert "accountability" in run(cli.app, command.words)
    assert {"totals_get", "score"} <= set(calls)


# What is shown is what the document holds


def expected(document: Document, by: tuple[str, ...]) -> pd.DataFrame:
    return document.scores[by].set_index(["wave", *by, "measure"])[FIGURES]


@pytest.mark.parametrize("release", [1, 3])
@pytest.mark.parametrize("by", ["side", "side,post", "side,user_group", "side,sex", "side,direction"])
def test_the_rows_of_the_command_are_those_of_the_document(
    demo_store: Store, demo_url: str, by: str, release: int
) -> None:
    document, facets = releases.read(demo_store, demo.SURVEY, release).document, tuple(by.split(","))
    words = ["score", "--by", by, "--release", str(release), "--format"]
    rows = json.loads(run(cli.app, [*words, "json"], SARHAD_DATABASE_URL=demo_url))
    told = pd.DataFrame([{"wave": row["wave"], "measure": row["measure"], **row["by"], **row} for row in rows])
    told = told.set_index(["wave", *facets, "measure"])[FIGURES].astype("float64")
    assert told.equals(expected(document, facets))
    text = run(cli.app, [*words, "csv"], SARHAD_DATABASE_URL=demo_url)
    listed = pd.read_csv(io.StringIO(text), dtype=dict.fromkeys(["wave", *facets, "measure"], "str"))
    listed = listed.set_index(["wave", *facets, "measure"])[FIGURES].astype("float64")
    assert np.allclose(listed, told, rtol=0, atol=1e-12, equal_nan=True)


def test_the_table_for_people_holds_no_other_figure(demo_release: Release, demo_url: str) -> None:
    text = run(cli.app, ["score", "--by", "side,post"], SARHAD_DATABASE_URL=demo_url)
    printed = set(re.findall(r"(?<= )-?\d+\.\d+(?=\s)", text))
    table = demo_release.document.scores["side", "post"]
    known = {f"{float(value):.6g}" for name in FIGURES for value in table[name].dropna()}
    assert len(printed) > 500
    assert {f"{float(value):.6g}" for value in printed} <= known


def test_the_moves_of_the_command_are_those_of_the_document(demo_release: Release, demo_url: str) -> None:
    words = ["change", "--measure", "accountability,bribery", "--waves", "2022,2026", "--by", "side,post"]
    rows = json.loads(run(cli.app, [*words, "--format", "json"], SARHAD_DATABASE_URL=demo_url))
    table = demo_release.document.moves["side", "post"]
    table = table[(table["since"] == "2022") & (table["wave"] == "2026")].set_index(["side", "post", "measure"])
    shown = [row for row in rows if row["estimate"] is not None]
    assert len(shown) > 12
    for row in shown:
        kept = table.loc[(row["by"]["side"], row["by"]["post"], row["measure"])]
        assert [row[name] for name in ("estimate", "low", "high", "se", "n")] == [
            kept[name] for name in ("estimate", "low", "high", "se", "n")
        ]


def test_no_hidden_cell_has_a_figure_in_a_score_or_a_move(demo_release: Release) -> None:
    document = demo_release.document
    for facets, table in document.scores.items():
        hidden = table["status"].isin(["suppressed", "unreliable"])
        assert table.loc[hidden, table.select_dtypes("float64").columns].isna().all(axis=None)
        keys = ["wave", *facets, "measure"]
        dark = pd.MultiIndex.from_frame(table.loc[hidden, keys])
        moves = document.moves[facets]
        for end in ("wave", "since"):
            gone = pd.MultiIndex.from_frame(moves[[end, *facets, "measure"]]).isin(dark)
            assert moves.loc[gone, moves.select_dtypes("float64").columns].isna().all(axis=None)


def test_the_download_of_a_page_is_the_document(demo_release: Release) -> None:
    view = results.explore(demo_release, by=("side", "post"), wave="2026", side="left_bank")
    rows = list(csv.DictReader(io.StringIO(session.as_csv(view).decode("utf-8-sig"))))
    known = expected(demo_release.document, ("side", "post"))
    assert len(rows) > 100
    for row in rows:
        kept = known.loc[(row["wave"], row["side"], row["post"], row["measure"])]
        assert [float(row[name] or "nan") for name in FIGURES] == pytest.approx(kept.to_list(), nan_ok=True, abs=1e-12)


def numbers(at: AppTest) -> set[float]:
    """Every estimate and end of an interval among the data of the pictures of a page."""
    parts = [part for chart in at.get("vega_lite_chart") for part in chart.proto.datasets]
    frames = [convert_arrow_bytes_to_pandas_df(part.data.data) for part in parts]
    columns = [frame[name] for frame in frames for name in ("estimate", "low", "high", "n") if name in frame]
    return {float(value) for column in columns for value in column.dropna()}


@pytest.mark.parametrize("page", ["explore", "trends"])
def test_the_pictures_of_a_page_hold_figures_of_the_document_alone(
    demo_release: Release, page: str, calls: list[str]
) -> None:
    drawn = numbers(run_page(ENTRY, f"app/pages/{page}.py"))
    document = demo_release.document
    tables = [*document.scores.values(), *document.moves.values()]
    known = {float(value) for table in tables for name in FIGURES for value in table[name].dropna()}
    assert len(drawn) > 40
    assert drawn <= known
    assert calls == []


@pytest.mark.parametrize("number", [None, 1, 2, 3])
def test_an_export_is_the_document_and_nothing_else(demo_copy: str, number: int | None, tmp_path: Path) -> None:
    store = open_store(demo_copy)
    target = tmp_path / "release.sarhad"
    releases.export(store, demo.SURVEY, number, target, key=bundles.new_signing_key(), who="team", at=NOON)
    found = bundles.read(target)
    assert found.document == store.release_document(demo.SURVEY, number or 3)
    assert unpack(found.document).waves == demo.WAVES[: number or 3]
    store.close()
