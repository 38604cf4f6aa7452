"""Leadership runs a bundle without the store: the same figures, no answers, and nothing to be made of it."""

import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from sqlalchemy import create_engine, text
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app import cli
from app.settings import ROOT
from app.workflow import bundles, demo, publishing, releases
from app.workflow.document import Release, unpack
from surveys.store import open_store
from tests.filled import NOON, copied

FIGURES = ["estimate", "se", "low", "high", "n"]


@pytest.fixture(scope="module")
def bundle(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The third release of the demo in a file of its own."""
    folder = tmp_path_factory.mktemp("bundle")
    store = open_store(copied(demo_file, folder))
    target = folder / "demo.sarhad"
    releases.export(store, demo.SURVEY, None, target, key=bundles.new_signing_key(), who="team", at=NOON)
    store.close()
    return target


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """Where a store would be made, if anything asked for one."""
    return tmp_path / "nowhere" / "store.db"


@pytest.fixture
def alone(bundle: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The pages over the bundle, with no store behind them."""
    monkeypatch.setenv("SARHAD_BUNDLE", str(bundle))
    monkeypatch.setenv("SARHAD_DATABASE_URL", f"sqlite:///{nowhere}")
    st.cache_resource.clear()
    yield AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    st.cache_resource.clear()


def words(at: AppTest) -> str:
    parts = [*at.markdown, *at.caption, *at.info, *at.error, *at.title]
    return "\n".join(part.value for part in parts)


@pytest.mark.parametrize(
    ("page", "pictures"),
    [
        ("home", 0),
        ("explore", 2),
        ("trends", 8),
        ("items", 1),
        ("what_if", 1),
        ("soundness", 6),
        ("compare", 2),
        ("chain", 1),
        ("effects", 2),
        ("results", 0),
        ("drivers", 3),
    ],
)
def test_the_pages_draw_without_a_store(alone: AppTest, nowhere: Path, page: str, pictures: int) -> None:
    alone.run()
    alone.switch_page(f"app/pages/{page}.py").run()
    assert not alone.exception
    assert not alone.error
    assert len(alone.get("vega_lite_chart")) == pictures
    assert "Read from a bundle of 2026-11-01" in words(alone)
    assert "Release 3" in words(alone)
    assert not nowhere.parent.exists()


@pytest.mark.parametrize("page", ["upload", "releases"])
def test_what_needs_answers_is_not_in_the_navigation(
    alone: AppTest, nowhere: Path, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[str] = []
    real = st.navigation

    def noted(pages: dict[str, list[object]], **named: object) -> object:
        offered.extend(str(getattr(one, "url_path", "")) for section in pages.values() for one in section)
        return real(pages, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(st, "navigation", noted)
    alone.run()
    assert offered == [
        "", "explore", "trends", "compare", "chain", "effects", "drivers", "results", "items", "what-if", "soundness",
        "context",
    ]  # fmt: skip
    assert page not in offered
    assert "Upload" not in words(alone)
    assert not nowhere.parent.exists()


def test_another_release_is_not_in_the_bundle(alone: AppTest) -> None:
    alone.query_params["release"] = "1"
    alone.run()
    assert not alone.exception
    assert "holds release 3 of 'demo' and nothing else" in alone.error[0].value.replace("\\", "")


Ask = Callable[..., list[dict[str, object]]]


@pytest.fixture
def ask(bundle: Path, demo_url: str, nowhere: Path) -> Ask:
    """Rows of a command, from the store or from the bundle alone."""

    def rows(*given: str, alone: bool) -> list[dict[str, object]]:
        around = (
            {"SARHAD_BUNDLE": str(bundle), "SARHAD_DATABASE_URL": f"sqlite:///{nowhere}"}
            if alone
            else {"SARHAD_DATABASE_URL": demo_url}
        )
        done = CliRunner().invoke(cli.app, [*given, "--format", "json"], env=around)
        assert done.exit_code == 0, done.exception
        found: list[dict[str, object]] = json.loads(done.stdout)
        return found

    return rows


@pytest.mark.parametrize("by", ["side", "side,post", "side,post,user_group"])
def test_the_scores_of_the_bundle_are_those_of_the_store(ask: Ask, nowhere: Path, by: str) -> None:
    rows = ask("score", "--by", by, alone=True)
    assert len(rows) > 100
    assert rows == ask("score", "--by", by, alone=False)
    assert not nowhere.parent.exists()


def test_the_changes_of_the_bundle_are_those_of_the_store(ask: Ask, nowhere: Path) -> None:
    call = ("change", "--measure", "integrity", "--waves", "2022,2026", "--by", "side,post")
    rows = ask(*call, alone=True)
    assert sum(bool(row["clear"]) for row in rows) >= 2
    assert rows == ask(*call, alone=False)
    assert not nowhere.parent.exists()


@pytest.mark.parametrize("part", ["document.json.z", "manifest.json", "signature", "README.txt"])
def test_an_altered_bundle_is_refused_in_words(bundle: Path, tmp_path: Path, nowhere: Path, part: str) -> None:
    altered = bytearray(bundle.read_bytes())
    with zipfile.ZipFile(bundle) as whole:
        content = whole.read(part)
    altered[altered.index(content) + len(content) // 2] ^= 1
    path = tmp_path / "altered.sarhad"
    path.write_bytes(altered)
    around = {"SARHAD_BUNDLE": str(path), "SARHAD_DATABASE_URL": f"sqlite:///{nowhere}"}
    done = CliRunner().invoke(cli.app, ["score"], env=around)
    assert isinstance(done.exception, bundles.BundleError)
    assert len(str(done.exception)) > 30
    assert "estimate" not in done.stdout


def test_an_altered_bundle_draws_no_page(
    bundle: Path, tmp_path: Path, alone: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered = bytearray(bundle.read_bytes())
    altered[len(altered) // 2] ^= 1
    (tmp_path / "altered.sarhad").write_bytes(altered)
    monkeypatch.setenv("SARHAD_BUNDLE", str(tmp_path / "altered.sarhad"))
    alone.run()
    assert not alone.exception
    assert len(alone.error) == 1
    assert "Published:" not in words(alone)


def test_a_bundle_of_another_signer_is_refused(bundle: Path) -> None:
    around = {"SARHAD_BUNDLE": str(bundle), "SARHAD_TRUSTED": bundles.fingerprint(bytes(32))}
    done = CliRunner().invoke(cli.app, ["score"], env=around)
    assert isinstance(done.exception, bundles.BundleError)


# What the bytes hold


@pytest.fixture(scope="module")
def content(bundle: Path) -> bytes:
    """Everything in the file, unpacked."""
    with zipfile.ZipFile(bundle) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    return bundle.read_bytes() + zlib.decompress(members.pop("document.json.z")) + b"".join(members.values())


@pytest.mark.parametrize("column", ["uuid", "psu", "interviewer", "content"])
def test_the_bytes_hold_nothing_of_an_interview(content: bytes, demo_file: Path, column: str) -> None:
    engine = create_engine(f"sqlite:///{demo_file}")
    with engine.connect() as connection:
        codes = connection.execute(text(f"select distinct {column} from submission")).scalars().all()
    engine.dispose()
    assert len(codes) > 40
    assert [code for code in codes if str(code).encode() in content] == []


def test_the_bytes_hold_no_shift_of_the_field(content: bytes) -> None:
    assert re.search(rb"[A-Z]{3}-\d{2}\b", content) is None


def test_a_bundle_holds_tables_of_the_lattice_and_no_row_of_answers(bundle: Path, demo_release: Release) -> None:
    document = unpack(bundles.read(bundle).document)
    held = json.loads(zlib.decompress(bundles.read(bundle).document))
    assert set(held) == {
        "format", "survey", "title", "synthetic", "waves", "note", "measures", "cuts", "scores", "moves", "loss",
        "definition", "studies", "declared", "audit_head",
    }  # fmt: skip
    for facets, table in document.scores.items():
        cells = demo_release.document.scores[facets]
        assert not table.duplicated(["wave", *facets, "measure"]).any()
        assert table["n"].dropna().min() >= 10
        assert len(table) == len(cells)


def test_no_hidden_cell_has_a_figure_in_the_bundle(bundle: Path) -> None:
    document = unpack(bundles.read(bundle).document)
    for table in document.scores.values():
        hidden = table["status"].isin(["suppressed", "unreliable"])
        assert hidden.any() or len(table) < 400
        assert table.loc[hidden, table.select_dtypes("float64").columns].isna().all(axis=None)


def test_the_exact_figures_of_the_store_are_not_in_the_bundle(content: bytes, demo_file: Path) -> None:
    store = open_store(f"sqlite:///{demo_file}")
    sealed = publishing.read_sealed(store.release_mask(demo.SURVEY, 3))
    store.close()
    texts = {repr(float(value)) for table in sealed.exact.values() for value in table["se"].dropna()}
    long = [text for text in texts if len(text) > 12]
    assert len(long) > 1000
    assert [text for text in long if text.encode() in content] == []
