"""Each page without a browser: full, empty and failing stores, drill-down, upload, and the error boundary."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import server, session, settings
from app.workflow import fieldwork
from app.workflow.results import View
from app.workflow.shelf import StoreShelf
from surveys import simulate
from surveys.store import open_store

ROOT = settings.ROOT
PUBLISHED = (
    "home", "explore", "trends", "items", "what_if", "soundness", "compare", "chain", "effects", "drivers",
    "results",
)  # fmt: skip
PAGES = (*PUBLISHED, "upload", "releases", "withdraw")


@pytest.fixture(scope="module", autouse=True)
def caches() -> Iterator[None]:
    """Results are cached from test to test, as from visitor to visitor, and forgotten at the end."""
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def at(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app over the demo store."""
    monkeypatch.setenv("SARHAD_DATABASE_URL", demo_url)
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app over an empty store."""
    monkeypatch.setenv("SARHAD_DATABASE_URL", f"sqlite:///{tmp_path / 'bare.db'}")
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)


def opened(at: AppTest, page: str, **params: str) -> AppTest:
    for name, value in params.items():
        at.query_params[name] = value
    at.run()
    return at.switch_page(f"app/pages/{page}.py").run()


def specs(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in at.get("vega_lite_chart")]


def words(at: AppTest) -> str:
    parts = [*at.markdown, *at.caption, *at.info, *at.error, *at.success, *at.title, *at.subheader]
    return "\n".join(part.value for part in parts)


def wave_file(*, spoiled: bool) -> bytes:
    truth = simulate.Truth.from_toml((settings.DEMO / "truth.toml").read_text(encoding="utf-8"))
    frame = simulate.draw(fieldwork.instrument("traveller"), truth, wave="2026", seed=7).head(240)
    if spoiled:
        frame.loc[frame.index[3], "conduct_respect"] = "9"
    return bytes(frame.to_csv(index=False), "utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_the_demo(at: AppTest, page: str) -> None:
    opened(at, page)
    assert not at.exception
    assert not at.error
    assert len(at.title) == 1


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_an_empty_store(bare: AppTest, page: str) -> None:
    opened(bare, page)
    assert not bare.exception
    assert not bare.error


@pytest.mark.parametrize("page", PUBLISHED)
def test_an_empty_store_says_what_to_do(bare: AppTest, page: str) -> None:
    assert "No wave is published yet" in words(opened(bare, page))


@pytest.mark.parametrize("page", PUBLISHED)
def test_an_invented_survey_says_so_on_the_page(at: AppTest, page: str) -> None:
    assert words(opened(at, page)).count("SYNTHETIC") >= 2


@pytest.mark.parametrize(
    ("page", "pictures"),
    [
        ("explore", 2), ("trends", 8), ("items", 1), ("what_if", 1), ("soundness", 6), ("compare", 2), ("chain", 1),
        ("effects", 2), ("drivers", 3),
    ],
)  # fmt: skip
def test_every_picture_of_an_invented_survey_bears_the_mark(at: AppTest, page: str, pictures: int) -> None:
    drawn = specs(opened(at, page))
    assert len(drawn) == pictures
    assert all("SYNTHETIC" in json.dumps(spec["layer"]) for spec in drawn)


def test_explore_shows_one_side_alone(at: AppTest) -> None:
    text = json.dumps(specs(opened(at, "explore"))[0])
    assert "Heron Ferry" in text
    assert "Willow Bridge" not in text


def test_the_address_chooses_side_index_and_wave(at: AppTest) -> None:
    shown = specs(opened(at, "explore", side="Right bank", index="Integrity", wave="2024"))[0]
    assert shown["title"]["text"] == "Integrity: Right bank, 2024"


def test_explore_leads_from_index_to_dimension_to_question(at: AppTest) -> None:
    opened(at, "explore")
    at.get_by_key("part_accountability").set_value("rules").run()
    assert specs(at)[0]["title"]["text"].startswith("Rules and fees")
    at.get_by_key("item_rules").set_value("fees_posted").run()
    assert specs(at)[0]["title"]["text"].startswith("Fees posted")


def test_the_chain_is_offered_by_the_whole_side_and_by_service_only(at: AppTest) -> None:
    opened(at, "explore")
    at.get_by_key("index").set_value("chain").run()
    by = at.get_by_key("by")
    assert sorted(by.options) == ["Service", "Whole side"]
    by.set_value("side_agency").run()
    assert not at.exception
    drawn = json.dumps(specs(at)[0])
    named = ("Customs", "Border guards", "Migration service")  # three people lead the fourth: its chain may be hidden
    assert [service for service in named if service not in drawn] == []


def test_a_narrow_figure_beside_the_indices_is_shown_too(at: AppTest) -> None:
    opened(at, "explore")
    at.get_by_key("index").set_value(session.BESIDE).run()
    at.get_by_key("figure").set_value("wait_hours").run()
    assert not at.exception
    assert specs(at)[0]["title"]["text"].startswith("Hours to cross")


def test_explore_says_how_places_stand_against_their_side_and_ranks_none(at: AppTest) -> None:
    told = words(opened(at, "explore"))
    assert "Against the average of the side, none of these 6 can be told from it." in told
    assert "not as a ranking" in told


def test_explore_claims_no_difference_that_it_did_not_test(at: AppTest) -> None:
    told = words(opened(at, "explore", by="Sex of the respondent"))
    assert "is not tested here" in told
    assert "Against the average" not in told


def test_trends_calls_nothing_clear_on_banks_that_did_not_move(at: AppTest) -> None:
    assert "No clear change in any of these 5 figures" in words(opened(at, "trends"))


def test_trends_never_sets_the_sides_beside_each_other(at: AppTest) -> None:
    shown = json.dumps(specs(opened(at, "trends")))
    assert "Left bank" in shown
    assert "Right bank" not in shown


def test_the_method_drawer_opens_with_weights_and_version(at: AppTest) -> None:
    opened(at, "trends")
    next(button for button in at.button if button.label == "Method").click().run()
    assert not at.exception
    assert len(at.tabs) >= 6
    assert "part" in at.dataframe[0].value.columns


def test_a_good_file_is_stored_once_and_waits_for_its_signatures(bare: AppTest) -> None:
    opened(bare, "upload")
    bare.text_input(key="wave_name").input("2026")
    bare.text_input(key="who").input("AB").run()
    bare.file_uploader(key="up").set_value(("wave.csv", wave_file(spoiled=False), "text/csv")).run()
    assert "rows are ready" in bare.status[0].label
    bare.checkbox(key="agreed").check().run()
    bare.button(key="store").click().run()
    assert "Stored" in bare.success[0].value
    bare.button(key="store").click().run()
    assert "already there" in bare.success[0].value
    states = pd.concat([table.value for table in bare.dataframe if "state" in table.value])
    assert states["state"].to_list() == ["draft"]
    assert "two signatures" in words(bare)
    assert not [button.label for button in bare.button if "ublish" in button.label]


def test_a_bad_file_is_told_by_row_and_cannot_be_stored(bare: AppTest) -> None:
    opened(bare, "upload")
    bare.file_uploader(key="up").set_value(("wave.csv", wave_file(spoiled=True), "text/csv")).run()
    faults = pd.concat([table.value for table in bare.dataframe if "problem" in table.value])
    assert 5 in faults["row in file"].to_list()  # the fourth answer stands in line 5 of the file
    assert "store" not in [button.key for button in bare.button]


def test_a_fault_can_be_looked_at_alone(bare: AppTest) -> None:
    opened(bare, "upload")
    bare.file_uploader(key="up").set_value(("wave.csv", wave_file(spoiled=True), "text/csv")).run()
    fault = next(words for words in bare.selectbox(key="kind").options if "conduct_respect" in words)
    bare.selectbox(key="kind").select(fault).run()
    faults = pd.concat([table.value for table in bare.dataframe if "problem" in table.value])
    assert faults["row in file"].to_list() == [5]


def test_a_binary_named_csv_is_refused_in_a_sentence(bare: AppTest) -> None:
    opened(bare, "upload")
    bare.file_uploader(key="up").set_value(("wave.csv", b"\x89PNG\r\n\x1a\n" + bytes(64), "text/csv")).run()
    assert not bare.exception
    assert "not a table" in bare.error[0].value


def test_words_of_a_file_are_never_taken_for_a_link_or_a_picture() -> None:
    assert session.plain("![x](http://a)") == r"\!\[x\](http\://a)"


def test_a_download_escapes_formulas_and_leaves_numbers_alone() -> None:
    table = pd.DataFrame({"wave": ["=1+1"], "estimate": [-1.5], "low": [float("nan")]})
    view = View(
        table,
        pd.DataFrame(),
        {"release": "1", "data": "d1", "framework": "f", "instrument": "i", "engine": "e"},
        synthetic=True,
    )
    assert session.as_csv(view).decode("utf-8-sig").splitlines() == [
        "wave,estimate,low,release,data,framework,instrument,engine,synthetic",
        "'=1+1,-1.5,,1,d1,f,i,e,SYNTHETIC",
    ]


def test_the_name_of_a_download_says_that_the_answers_are_invented(at: AppTest) -> None:
    at.run()
    info = StoreShelf(session.store()).surveys()[0]
    assert session.file_name(info, ("2026", "a/b")) == "sarhad_demo_2026_a-b_SYNTHETIC.csv"


def test_an_unexpected_error_is_logged_under_the_reference_that_the_page_shows(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert server.report(ValueError("inside")) is True
    logged = json.loads(next(record for record in caplog.records if record.name == "sarhad").getMessage())
    assert logged["error"] == "ValueError"
    assert len(logged["reference"]) == 8


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.7", "::", "example.org"])  # noqa: S104 - refused
def test_serving_beyond_this_machine_is_refused(address: str) -> None:
    with pytest.raises(SystemExit, match="loopback"):
        server.refuse_beyond_loopback(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_serving_on_this_machine_is_allowed(address: str) -> None:
    server.refuse_beyond_loopback(address)


def test_a_store_of_real_answers_bears_no_ribbon(bare: AppTest, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'bare.db'}")
    store.add_survey("real", title="Real", synthetic=False, team="", questionnaire=fieldwork.instrument("traveller"))
    store.close()
    assert "SYNTHETIC" not in words(opened(bare, "explore"))
