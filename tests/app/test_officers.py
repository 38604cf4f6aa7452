"""The officers' survey on the road of every other: check, store, prepare, sign, publish; by side and by service."""

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import settings
from app.workflow import describing, fieldwork, publishing, releases
from app.workflow.document import Document
from app.workflow.fieldwork import CheckView
from app.workflow.results import SurveyInfo
from app.workflow.shelf import StoreShelf
from scoring.mask.lattice import Lattice
from surveys.errors import StoreError
from surveys.questionnaire import Questionnaire
from surveys.reading import Limits
from surveys.store import Store, open_store
from tests import officers
from tests.filled import NOON, signed

SURVEY, WAVE = "officer", "2026"
FEW_SITTINGS = "narcotics"  # two on each side


@pytest.fixture(scope="module")
def form() -> Questionnaire:
    return fieldwork.instrument(SURVEY)


@pytest.fixture(scope="module")
def drawn(form: Questionnaire) -> pd.DataFrame:
    return officers.draw(form, seed=1)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("officers") / "officers.db"


@pytest.fixture(scope="module")
def store(drawn: pd.DataFrame, form: Questionnaire, file: Path) -> Iterator[Store]:
    """A store with one public wave of the officers' survey."""
    store = open_store(f"sqlite:///{file}")
    view = checked(drawn, form, file.parent)
    path = file.parent / "officers.csv"
    fieldwork.store_file(path, view, store=store, survey_id=SURVEY, wave=WAVE, who="team", at=NOON, title="Officers")
    number = signed(store, publishing.prepare(store, SURVEY, waves=[WAVE], who="team", at=NOON), survey=SURVEY)
    releases.publish(store, SURVEY, number, who="team", at=NOON, uncommented="there is nobody to ask")
    yield store
    store.close()


@pytest.fixture(scope="module")
def document(store: Store) -> Document:
    return StoreShelf(store).release(SURVEY).document


def checked(frame: pd.DataFrame, form: Questionnaire, folder: Path) -> CheckView:
    path = folder / "officers.csv"
    frame.to_csv(path, index=False, sep=";")
    return fieldwork.check_file(path, questionnaire=form, limits=Limits())


def test_officers_who_did_not_agree_are_counted_and_not_stored(
    drawn: pd.DataFrame, form: Questionnaire, tmp_path: Path
) -> None:
    view = checked(drawn, form, tmp_path)
    refused = int((drawn["consent"] == "no").sum())
    assert refused > 0
    assert (view.ready, view.counts["refused"], view.counts["ready"]) == (True, refused, len(drawn) - refused)


def test_a_form_of_which_more_than_half_of_the_service_were_asked_is_refused(
    drawn: pd.DataFrame, form: Questionnaire, tmp_path: Path
) -> None:
    view = checked(drawn.assign(weight="1.5"), form, tmp_path)
    assert not view.ready
    assert "weight" in set(view.kinds.loc[view.kinds["blocks"], "column"])


def test_two_forms_that_say_the_same_are_two_forms(drawn: pd.DataFrame, form: Questionnaire, tmp_path: Path) -> None:
    alike = drawn.copy()
    alike.loc[alike.index[1], "rules_public":"report_trouble"] = alike.loc[  # type: ignore[misc]
        alike.index[0], "rules_public":"report_trouble"
    ]
    alike["consent"] = "yes"
    assert checked(alike, form, tmp_path).counts["duplicates"] == 0


def test_a_release_names_the_officers_form_framework_and_lattice(document: Document) -> None:
    named = {name: document.note[name] for name in ("instrument", "framework", "lattice", "strata")}
    assert named == {
        "instrument": "officer 1", "framework": "officers 1", "lattice": "officer 1", "strata": "side x agency",
    }  # fmt: skip
    assert document.definition == describing.definition(SURVEY)


def test_it_is_by_side_and_by_service_of_a_side_and_by_nothing_else(document: Document) -> None:
    assert set(document.scores) == {("side",), ("side", "agency")}
    assert [cut.title for cut in document.cuts] == ["Side of the river", "Service"]
    whole = document.scores["side",]
    assert set(whole["status"]) == {"ok"}
    assert set(whole["measure"]) == set(describing.framework(SURVEY).measures)


def test_a_service_of_two_sittings_is_hidden_and_another_with_it(document: Document) -> None:
    table = document.scores["side", "agency"]
    shown = table[table["status"] == "ok"].groupby(["side", "agency"]).size()
    assert table.loc[table["agency"] == FEW_SITTINGS, "estimate"].isna().all()
    for side in officers.SIDES:
        one = table[(table["side"] == side) & (table["measure"] == "integrity_climate")]
        assert one["estimate"].isna().sum() == 2  # else the side less all others gives the hidden one
    assert {agency for _, agency in shown.index} >= {"customs", "guards", "migration"}


def test_figures_of_a_side_are_those_of_the_weighted_forms(document: Document, drawn: pd.DataFrame) -> None:
    points = {"strongly_disagree": 0, "disagree": 25, "neither": 50, "agree": 75, "strongly_agree": 100}
    own = drawn[(drawn["side"] == "left_bank") & drawn["pay_enough"].isin(points)]
    by_hand = np.average(own["pay_enough"].map(points), weights=own["weight"].astype(float))
    table = document.scores["side",].set_index(["side", "measure"])
    assert table.loc[("left_bank", "pay_enough"), "estimate"] == pytest.approx(by_hand, abs=0.051)


def test_how_errors_of_the_links_hang_together_is_studied_over_services_where_no_post_is_asked(
    document: Document,
) -> None:
    links = [measure.code for measure in document.measures if measure.parent == "chain_links"]
    errors = document.studies["errors"]
    both = errors[errors["first"].isin(links) & errors["second"].isin(links)]
    assert both.groupby("side").size().to_dict() == dict.fromkeys(officers.SIDES, len(links) * (len(links) - 1) // 2)
    assert (both["correlation"] != 0).any()


def test_questions_that_no_factor_fits_are_told_without_figures_and_stop_no_release(document: Document) -> None:
    findings = document.studies["findings"]
    told = [json.loads(text) for text in findings.loc[findings["code"] == "not_one_factor", "params"]]
    assert [params for params in told if "share" not in params]  # of invented answers that nothing ties together
    assert "NaN" not in "".join(findings["params"])


def test_a_form_that_does_not_ask_for_the_service_is_published_without_it() -> None:
    now = fieldwork.instrument("traveller")
    first = replace(now, version="1", questions=tuple(one for one in now.questions if one.name != "agency"))
    assert set(describing.lattice(now).tables) - set(describing.lattice(first).tables) == {("side", "agency")}


@pytest.mark.parametrize(("instrument", "named"), [("traveller", "border"), ("officer", "officers")])
def test_the_lattice_of_an_instrument_names_its_framework(instrument: str, named: str) -> None:
    assert describing.framework(instrument).id == named


def test_a_lattice_without_a_framework_means_that_of_the_travellers_and_a_strange_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'id = "own"\nversion = "1"\ntables = [["side"]]\n'
    assert Lattice.from_toml(text).framework == ""
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    (tmp_path / "other.toml").write_text(f'{text}framework = "nosuch"\n', encoding="utf-8")
    monkeypatch.setattr(settings, "LATTICES", tmp_path)
    assert describing.framework("own").id == "border"
    with pytest.raises(StoreError, match=r"names framework 'nosuch', and there is no nosuch.toml"):
        describing.framework("other")


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The app over an empty store."""
    monkeypatch.setenv("SARHAD_DATABASE_URL", f"sqlite:///{tmp_path / 'bare.db'}")
    yield AppTest.from_file(str(settings.ROOT / "streamlit_app.py"), default_timeout=60)
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.mark.parametrize("page", ["explore", "items", "soundness"])
def test_pages_open_with_the_officers_survey_alone(
    page: str, at: AppTest, file: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publishing.standing(store, SURVEY) is not None
    monkeypatch.setenv("SARHAD_DATABASE_URL", f"sqlite:///{file}")
    at.run()
    at.switch_page(f"app/pages/{page}.py").run()
    assert not at.exception
    assert not at.error
    assert at.get("vega_lite_chart")


def test_upload_offers_both_forms_and_takes_a_file_of_the_officers(at: AppTest, drawn: pd.DataFrame) -> None:
    at.run()
    at.switch_page("app/pages/upload.py").run()
    survey = at.get_by_key("survey")
    assert survey.options == [
        "Border services: traveller interview",
        "Border services: those who stopped crossing",
        "Border services: officers' own form",
    ]
    survey.set_value("officer").run()
    at.text_input(key="wave_name").input(WAVE)
    at.text_input(key="who").input("AB").run()
    at.file_uploader(key="up").set_value(("officers.csv", drawn.to_csv(index=False).encode(), "text/csv")).run()
    assert "rows are ready" in at.status[0].label
    at.checkbox(key="agreed").check().run()
    at.button(key="store").click().run()
    assert "Stored" in at.success[0].value


def test_a_link_without_a_choice_opens_what_travellers_say(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: list[str] = []
    monkeypatch.setattr(st, "selectbox", lambda _, codes, **_more: offered.extend(codes))
    found = {
        code: SurveyInfo(code, code, synthetic=False, waves=waves, drafts=())
        for code, waves in {"officer": ("2026",), "river": (), "traveller": ("2026",)}.items()
    }
    import_module("app.session.frame")._survey_choice(found)  # noqa: SLF001 - it has no public name
    assert offered == ["traveller", "officer", "river"]
