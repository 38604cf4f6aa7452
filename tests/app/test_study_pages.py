"""Items, What if and Soundness without a browser: what they show, refuse, mark and keep in the address."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from app import session
from app.settings import ROOT
from app.workflow import releases, studies
from app.workflow.document import Document, Release, unpack
from app.workflow.results import View

STUDIES = ("items", "what_if", "soundness")
DIMENSIONS = ("service", "rules", "redress")


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
def old(at: AppTest, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The app over releases of an earlier version, which hold no studies."""

    def without_studies(data: bytes) -> Document:
        return replace(unpack(data), definition="", studies={})

    monkeypatch.setattr(releases, "unpack", without_studies)
    st.cache_resource.clear()
    yield at
    st.cache_resource.clear()


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Downloads that a page offers."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(st, "download_button", lambda label, **given: found.append({"label": label, **given}))
    return found


def opened(at: AppTest, page: str, **params: str) -> AppTest:
    for name, value in params.items():
        at.query_params[name] = value
    at.run()
    at.switch_page(f"app/pages/{page}.py").run()
    assert not at.exception
    return at


def spec(at: AppTest, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(at.get("vega_lite_chart")[number].proto.spec)
    return found


def values(at: AppTest, number: int = 0) -> list[dict[Any, Any]]:
    """Rows behind the marks of a picture, as they are sent."""
    sent = at.get("vega_lite_chart")[number].proto.datasets
    tables = [convert_arrow_bytes_to_pandas_df(one.data.data) for one in sent]
    return [row for table in tables for row in table.to_dict("records")]


def made(at: AppTest) -> dict[str, float | None]:
    """What-if figures of the picture, by the words of the cell."""
    return {value["label"]: value["filled"] for value in values(at) if "filled" in value}


def told(at: AppTest) -> str:
    parts = [*at.markdown, *at.caption, *at.info, *at.error, *at.subheader]
    return "\n".join(part.value.replace("\\", "") for part in parts)


def press(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label == label).click()
    at.run()
    assert not at.exception
    return at


def scores(release: Release, *, wave: str = "2026", side: str = "left_bank") -> pd.DataFrame:
    """Published estimates of posts: rows posts in their words, columns measures."""
    table = release.document.scores["side", "post"]
    table = table[(table["wave"] == wave) & (table["side"] == side)]
    labels = next(cut.values for cut in release.document.cuts if cut.facets == ("side", "post"))
    wide = table.pivot_table(index="post", columns="measure", values="estimate", aggfunc="first")
    return wide.rename(index=labels)


@pytest.mark.parametrize("page", STUDIES)
def test_a_release_that_never_was_draws_no_study(at: AppTest, page: str) -> None:
    opened(at, page, release="99")
    assert "has no release 99" in told(at)
    assert len(at.get("vega_lite_chart")) == 0


# Items


def test_items_shows_every_published_figure_of_one_side_in_the_order_of_the_framework(
    at: AppTest, demo_release: Release
) -> None:
    shown = {(cell["row"], cell["where"]): cell for cell in values(opened(at, "items")) if "row" in cell}
    published = scores(demo_release)
    assert {place for _, place in shown} == set(published.index)
    figure = float(shown["conduct_respect", "Heron Ferry"]["value"].strip("()"))
    assert figure == published.loc["Heron Ferry", "conduct_respect"]
    order = spec(at)["layer"][0]["encoding"]["y"]["sort"]
    assert order[:3] == ["accountability", "service", "service_speed"]
    assert order.index("integrity") > order.index("complaint_trouble")


def test_items_of_a_hidden_cell_are_empty_and_the_table_says_why(at: AppTest, demo_release: Release) -> None:
    table = demo_release.document.scores["side", "direction"]
    hidden = table[(table["side"] == "left_bank") & table["estimate"].isna() & (table["measure"] == "complaint_easy")]
    opened(at, "items", by="Direction of the crossing")
    empty = [cell for cell in values(at) if "row" in cell and not cell["value"]]
    reasons = at.dataframe[0].value
    assert len(hidden[hidden["wave"] == "2026"]) == sum(cell["row"] == "complaint_easy" for cell in empty)
    assert (reasons.loc[reasons["estimate"] == "", "to note"].str.startswith("not shown: ")).all()


def test_items_of_the_chain_are_shown_by_the_whole_side_only(at: AppTest) -> None:
    opened(at, "items")
    at.get_by_key("items_index").set_value("chain").run()
    assert {cell["where"] for cell in values(at) if "row" in cell} == {"Left bank"}


# What if


def test_as_published_the_what_if_is_what_is_published(at: AppTest, demo_release: Release) -> None:
    opened(at, "what_if")
    assert made(at) == scores(demo_release)["accountability"].to_dict()
    assert "Nothing is changed: as published." in told(at)


def test_a_weight_in_the_address_moves_every_cell_to_the_weighted_mean_of_its_dimensions(
    at: AppTest, demo_release: Release
) -> None:
    opened(at, "what_if", weight_rules="3")
    shown, published = made(at), scores(demo_release)
    questions = {
        code: [part.code for part in demo_release.document.measures if part.parent == code] for code in DIMENSIONS
    }
    service, rules, redress = (published[questions[code]].mean(axis=1) for code in DIMENSIONS)
    for place, figure in ((service + 3 * rules + redress) / 5).items():
        assert shown[str(place)] == pytest.approx(figure, abs=1e-9)
    assert "Changed: weight of Rules and fees 3." in told(at)
    assert "Changed: weight of Rules and fees 3." in spec(at)["title"]["subtitle"]


def test_a_question_left_out_does_not_count(at: AppTest, demo_release: Release) -> None:
    opened(at, "what_if", what_if_index="Integrity")
    at.get_by_key("without_integrity").set_value(["fair_order", "fair_sexes", "fair_connections"]).run()
    conduct = [part.code for part in demo_release.document.measures if part.parent == "conduct"]
    expected = scores(demo_release)[conduct].mean(axis=1)
    assert made(at) == pytest.approx(expected.to_dict(), abs=1e-9)


def test_as_published_takes_every_choice_back(at: AppTest, demo_release: Release) -> None:
    opened(at, "what_if", weight_rules="3")
    at.get_by_key("how_accountability").set_value("minimum").run()
    at.get_by_key("without_accountability").set_value(["service_speed"]).run()
    press(at, "As published")
    assert made(at) == scores(demo_release)["accountability"].to_dict()
    assert at.get_by_key("weight_rules").value == 1.0


def test_a_minimum_has_an_interval_and_no_band(at: AppTest) -> None:
    opened(at, "what_if")
    at.get_by_key("how_accountability").set_value("minimum").run()
    rows = [value for value in values(at) if "filled" in value]
    assert all(row["low"] < row["filled"] < row["high"] for row in rows)
    assert {row["words"] for row in rows} == {""}
    assert "nothing can be said of it here" in told(at)


def test_an_index_of_which_nothing_is_left_is_refused_in_a_sentence(at: AppTest) -> None:
    opened(at, "what_if")
    for code in DIMENSIONS:
        at.get_by_key(f"weight_{code}").set_value(0.0)
    at.run()
    assert not at.exception
    assert "nothing is left of" in told(at)
    assert len(at.get("vega_lite_chart")) == 0


def test_groups_that_share_shifts_are_refused_in_words_and_not_drawn(at: AppTest) -> None:
    opened(at, "what_if", by="Sex of the respondent")
    assert "were asked in the same shifts" in told(at)
    assert len(at.get("vega_lite_chart")) == 0


def test_a_what_if_says_unofficial_in_its_picture_and_ranks_nobody_there(at: AppTest) -> None:
    opened(at, "what_if")
    assert {"mark": "UNOFFICIAL"} in values(at)
    assert "rank" not in json.dumps(spec(at)).lower()
    assert {"rank", "rank lies within", "stays in its band"} <= set(at.dataframe[0].value.columns)


def test_the_file_of_a_what_if_says_unofficial_in_its_name_and_first_column(
    at: AppTest, offered: list[dict[str, Any]]
) -> None:
    opened(at, "what_if", weight_rules="3")
    button = next(one for one in offered if "UNOFFICIAL" in one["label"])
    table = pd.read_csv(io.BytesIO(button["data"]()))
    assert button["file_name"] == ("sarhad_demo_UNOFFICIAL_what-if_accountability_left-bank_2026_post_SYNTHETIC.csv")
    assert table.columns[0] == "UNOFFICIAL"
    assert set(table["UNOFFICIAL"]) == {"UNOFFICIAL"}
    assert set(table["what was changed"]) == {"Changed: weight of Rules and fees 3."}
    assert len(table) == 6


def test_a_formula_in_a_code_is_not_run_by_a_spreadsheet() -> None:
    note = dict.fromkeys(("release", "data", "framework", "instrument", "engine"), "1")
    view = View(pd.DataFrame(), pd.DataFrame(), note, synthetic=False)
    text = session.unofficial_csv(view, pd.DataFrame({"post": ["=1+1"]}), changed="=2").decode("utf-8-sig")
    assert text.splitlines()[1].startswith("UNOFFICIAL,'=2,'=1+1,")


def test_what_takes_long_is_worked_out_when_asked_for_and_kept(at: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    real = studies.shares

    def counted(*given: Any, **named: Any) -> pd.DataFrame:
        runs.append(named["measure"])
        return real(*given, **named)

    monkeypatch.setattr(studies, "shares", counted)
    opened(at, "what_if", wave="2024", what_if_index="Integrity")
    assert runs == []
    press(at, "Work it out")
    pictures = range(len(at.get("vega_lite_chart")))
    assert len(pictures) == 3
    assert all({"mark": "UNOFFICIAL"} in values(at, number) for number in pictures)
    assert "score, 5th percentile" in at.dataframe[1].value.columns
    at.run()
    assert len(at.get("vega_lite_chart")) == 3
    assert runs == ["integrity"]


# Soundness


def test_soundness_says_in_words_what_was_found_and_what_nothing_speaks_against(at: AppTest) -> None:
    text = told(opened(at, "soundness"))
    assert "The questions under Conduct hang together only loosely (alpha 0.59, 0.54 to 0.65; 0.70 is usual)." in text
    assert "Nothing speaks against Accountability, Service, Rules and fees, and Complaint and redress." in text
    assert "Nothing speaks against how its dimensions are put together." in text


def test_soundness_speaks_of_no_sound_part_that_something_was_found_about(at: AppTest, demo_release: Release) -> None:
    opened(at, "soundness")
    titles = {part.code: part.title for part in demo_release.document.measures}
    found = studies.soundness(demo_release, side="left_bank", wave="2026").findings
    praised = "\n".join(line for line in told(at).splitlines() if "Nothing speaks against" in line)
    judged = {titles[one.params["node"]] for one in found if "node" in one.params}
    assert judged == {"Conduct", "Fair treatment"}
    assert [title for title in judged if title in praised] == []


def test_soundness_draws_influence_against_weight_of_every_whole_with_parts(at: AppTest) -> None:
    opened(at, "soundness")
    names = [spec(at, number)["title"]["text"] for number in range(len(at.get("vega_lite_chart")))]
    assert "Accountability: Left bank, 2026" in names
    assert not [name for name in names if name.startswith("Chain of accountability")]  # one part is the whole
    weights = {value["hollow"] for value in values(at) if "hollow" in value}
    assert weights == {33.0}


def test_soundness_explains_every_table_and_shows_all_of_them(at: AppTest) -> None:
    opened(at, "soundness")
    assert at.expander[0].label == "Reliability"
    assert "alpha and omega say how much" in told(at)
    assert len(at.dataframe) == 6


# Releases of an earlier version


@pytest.mark.parametrize("page", ["what_if", "soundness"])
def test_a_release_without_studies_says_what_to_do(old: AppTest, page: str) -> None:
    opened(old, page)
    assert not old.error
    assert "Prepare a new release" in told(old)
    assert len(old.get("vega_lite_chart")) == 0


def test_items_need_no_studies(old: AppTest) -> None:
    opened(old, "items")
    assert len(old.get("vega_lite_chart")) == 1
