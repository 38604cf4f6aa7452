"""The life of a release by hand, on its page; and what readers of links are told."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.settings import ROOT
from app.workflow import releases
from app.workflow.releases import CHECKLIST
from surveys.store import Store, open_store
from tests.filled import NOON, RIVER, send

REASON = "the weights were wrong"


@pytest.fixture
def at(river_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The app over the small survey."""
    monkeypatch.setenv("SARHAD_DATABASE_URL", river_url)
    st.cache_resource.clear()
    yield AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    st.cache_resource.clear()


def opened(at: AppTest, page: str, **params: str) -> AppTest:
    for name, value in params.items():
        at.query_params[name] = value
    at.run()
    return at.switch_page(f"app/pages/{page}.py").run()


def told(at: AppTest) -> str:
    parts = [*at.markdown, *at.caption, *at.info, *at.error, *at.success, *at.title, *at.subheader]
    return "\n".join(part.value.replace("\\", "") for part in parts)


def press(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label == label).click()
    at.run()
    assert not at.exception
    return at


def sign(at: AppTest, role: str, who: str, *, but: str = "") -> AppTest:
    at.text_input(key="signer").input(who).run()
    for code in CHECKLIST[role]:
        at.checkbox(key=f"{role}_{code}").set_value(code != but)
    return press(at, f"Sign for {role}")


@pytest.mark.parametrize("page", ["explore", "trends"])
def test_an_old_link_shows_its_release_with_a_notice(at: AppTest, page: str) -> None:
    opened(at, page, release="1")
    assert "This is release 1, which was superseded; release 2 stands now." in told(at)
    assert not at.exception
    assert not at.error


@pytest.mark.parametrize("page", ["home", "explore", "trends"])
def test_a_link_to_a_release_that_was_withdrawn_whole_says_why_and_shows_no_figure(
    at: AppTest, river: Store, page: str
) -> None:
    releases.withdraw(river, RIVER, None, cells=(), reason=REASON, who="team", at=NOON)
    opened(at, page, release="2")
    assert not at.exception
    assert REASON in at.error[0].value
    assert len(at.get("vega_lite_chart")) == 0


@pytest.mark.parametrize("page", ["explore", "trends"])
def test_after_a_withdrawal_the_page_falls_back_to_no_figures(at: AppTest, river: Store, page: str) -> None:
    opened(at, page)
    assert len(at.get("vega_lite_chart")) > 1
    releases.withdraw(river, RIVER, None, cells=(), reason=REASON, who="team", at=NOON)
    at.run()
    assert "No wave of this survey is published yet" in told(at)
    assert len(at.get("vega_lite_chart")) == 0


def test_a_link_to_a_release_that_never_was_is_refused_in_words(at: AppTest) -> None:
    opened(at, "explore", release="99")
    assert not at.exception
    assert "has no release 99" in told(at)


def test_a_wave_goes_its_whole_way_on_the_page(at: AppTest, river_url: str, river: Store, tmp_path: Path) -> None:
    send(river, tmp_path, "2026")
    opened(at, "releases")
    at.text_input(key="signer").input("Anor").run()
    press(at, "Prepare")
    assert "Release 3 is in review" in told(at)
    sign(at, "statistics", "Anor", but="loss")
    assert "the checklist of statistics is not complete" in told(at)
    sign(at, "statistics", "Anor")
    assert "signed by Anor (unverified)" in told(at)
    sign(at, "safety", "anor")
    assert "a second person must sign" in told(at)
    sign(at, "safety", "Bahor")
    at.text_input(key="agency").input("Customs")
    last = at.date_input(key="until").value + timedelta(days=5)  # the page knows today
    at.date_input(key="until").set_value(last)
    press(at, "Share")
    press(at, "Publish")
    assert f"Customs may comment on release 3 until {last}" in told(at)
    at.text_input(key="commenting").input("Customs")
    at.text_area(key="comment_text").input("We *opened* a desk.")
    press(at, "Keep the comment")
    press(at, "Publish")
    assert "Release 3 is published" in told(at)
    store = open_store(river_url)
    assert [row.state for row in store.releases(RIVER)] == ["superseded", "superseded", "published"]
    store.close()
    assert "We *opened* a desk." in told(opened(at, "explore"))


def test_a_post_is_withdrawn_on_the_page(at: AppTest, river: Store) -> None:
    opened(at, "withdraw")
    at.text_input(key="signer").input("Bahor").run()
    at.selectbox(key="withdraw_what").select("post").run()
    at.selectbox(key="withdraw_which").select("walnut_ford").run()
    at.text_input(key="withdraw_reason").input("a threat")
    press(at, "Withdraw at once")
    assert "Withdrawn from release 2, 1" in told(at)
    table = releases.read(river, RIVER, 2).document.scores["side", "post"]
    assert table.loc[table["post"] == "walnut_ford", "estimate"].isna().all()


def test_a_withdrawal_without_a_reason_is_refused_on_the_page(at: AppTest, river: Store) -> None:
    opened(at, "withdraw")
    at.text_input(key="signer").input("Bahor").run()
    press(at, "Withdraw at once")
    assert "say why" in told(at)
    assert river.releases(RIVER)[-1].state == "published"
