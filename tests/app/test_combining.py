"""A combination that no release holds: the answers are read again with its progress told, and no figure leaves."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app import cli, sentences
from app.settings import ROOT
from app.workflow import combining, publishing
from app.workflow.results import Release
from scoring import RequestError
from surveys.store import Store
from tests.filled import RIVER


@pytest.fixture(scope="module", autouse=True)
def caches() -> Iterator[None]:
    yield
    st.cache_resource.clear()


def test_what_could_be_shown_is_counted_and_what_is_public_stays(river: Store) -> None:
    told: list[str] = []
    found = combining.possible(river, RIVER, wave="2022", facets=("side", "sex", "direction"), progress=told.append)
    assert told[0] == "reading the answers again"
    assert 0 <= found.shown < found.figures
    again = combining.possible(river, RIVER, wave="2022", facets=("side", "sex", "direction"))
    assert again == found
    mask = publishing.read_sealed(river.release_mask(RIVER, 1)).mask
    assert found.given_up <= (mask["why"] == "").sum()


def test_only_what_is_not_published_is_offered(demo_release: Release) -> None:
    offered = combining.undeclared(demo_release)
    known = {frozenset(facets) for facets in demo_release.document.scores}
    assert offered
    assert all(facets[0] == "side" and frozenset(facets) not in known for facets in offered)


@pytest.mark.parametrize(
    ("facets", "wave", "words"),
    [
        (("side", "post"), "2022", "is published; choose it"),
        (("post", "sex"), "2022", "starts with 'side'"),
        (("side", "sex", "sex"), "2022", "each once"),
        (("side", "interviewer"), "2022", "nothing is published by 'interviewer'"),
        (("side", "sex", "direction"), "2030", "is not published"),
    ],
)
def test_what_is_no_combination_is_refused(river: Store, facets: tuple[str, ...], wave: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        combining.possible(river, RIVER, wave=wave, facets=facets)


@dataclass(frozen=True)
class Combined:
    facets: tuple[str, ...] = ("side", "post", "sex")
    wave: str = "2026"
    figures: int = 1200
    shown: int = 900
    given_up: int = 0


def test_sentences_on_a_combination() -> None:
    titles = {"post": "Crossing", "sex": "Sex of the respondent"}
    told = sentences.combined(Combined(), titles)
    assert told.startswith("By crossing and sex of the respondent, 900 of 1,200 figures of 2026 could be shown")
    assert "hidden for it" not in told
    assert "2 figures that are public would have to be hidden" in sentences.combined(Combined(given_up=2), titles)


def test_the_page_reads_again_when_asked_and_shows_no_figure(river_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARHAD_DATABASE_URL", river_url)
    at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    at.switch_page("app/pages/explore.py").run()
    at.multiselect(key="combined").set_value(["sex", "direction"]).run()
    before = len(at.dataframe)
    at.button(key="read_again").click().run()
    assert not at.exception
    assert "could be shown beside what is public" in "\n".join(part.value for part in at.markdown)
    assert len(at.dataframe) == before
    done = CliRunner().invoke(
        cli.app, ["release", "preview", "--by", "side,sex,direction", "--wave", "2022"],
        env={"SARHAD_DATABASE_URL": river_url},
    )  # fmt: skip
    assert "could be shown beside what is public" in done.output
