"""What goes with trade, return and trust: studied at publication, read from the release, told in words and drawn."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import streamlit as st
import typer
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app import charts, sentences
from app.cli import driving as commands
from app.settings import ROOT
from app.workflow import driving, releases
from app.workflow.document import Document, Measure, Release, pack, unpack
from app.workflow.driving import Explained
from app.workflow.studying import explained
from app.workflow.studying.matter import Matter
from scoring import Framework, SurveyDesign
from scoring.drivers import drivers
from scoring.findings import Finding
from surveys.questionnaire import Question, Questionnaire

CAUSAL = ("cause", "because", "leads to", "due to", "effect of", "improves", "worked")
FRAMEWORK = Framework.from_toml(
    """
id = "two"
version = "1"
title = "Two dimensions"
index = [{ code = "whole", title = "Whole", headline = true }]
dimension = [
  { code = "queue", index = "whole", title = "Queue", weight = 1 },
  { code = "tone", index = "whole", title = "Tone", weight = 1 },
]
item = [
  { code = "q1", dimension = "queue", title = "q1", weight = 1, direction = "better", range = [1, 5] },
  { code = "q2", dimension = "queue", title = "q2", weight = 1, direction = "better", range = [1, 5] },
  { code = "t1", dimension = "tone", title = "t1", weight = 1, direction = "better", range = [1, 5] },
  { code = "t2", dimension = "tone", title = "t2", weight = 1, direction = "better", range = [1, 5] },
]
""",
    name="two",
)
DESIGN = SurveyDesign(weight="weight", psu="psu", wave="wave")
ITEMS = ("q1", "q2", "t1", "t2")
TITLES = {"queue": "Queue", "tone": "Tone"}
SHIFTS, EACH = 60, 8


def surveyed(seed: int, *, by_shift: float = 0.0, by_mood: float = 0.0) -> pd.DataFrame:
    """Shifts differ in their queue, people in their mood; the outcome follows the one, the other, or neither."""
    rng = np.random.default_rng(seed)
    shift = np.repeat(np.arange(SHIFTS), EACH)
    queue, mood = rng.normal(size=SHIFTS)[shift], rng.normal(size=shift.size)
    frame = pd.DataFrame({"wave": "2026", "side": "left", "psu": shift, "weight": rng.uniform(0.5, 2, shift.size)})
    for code in ITEMS:
        seen = 3 + (queue if code[0] == "q" else 0.0) + mood + rng.normal(scale=0.5, size=shift.size)
        frame[code] = np.clip(np.round(seen), 1, 5)
    chance = 1 / (1 + np.exp(-by_shift * queue - by_mood * mood))
    frame["return_effect"] = (rng.random(shift.size) < chance).astype(float)
    frame["user_group"] = np.where(rng.random(shift.size) < 0.5, "trader", "traveller")
    return frame


def matter(frame: pd.DataFrame, *, hidden: bool = False, asked: tuple[str, ...] = ("return_effect",)) -> Matter:
    rows = [("2026", "left", code, np.nan if hidden else 50.0, 400.0) for code in asked]
    shown = pd.DataFrame(rows, columns=["wave", "side", "measure", "estimate", "n"])
    form = Questionnaire("form", "1", "Form", ("en",), tuple(Question(name, "integer") for name in (*ITEMS, *asked)))
    nothing = cast("Any", None)
    return Matter(frame, nothing, nothing, FRAMEWORK, DESIGN, form, {("side",): shown}, {}, ("2026",))


def released(studies: dict[str, pd.DataFrame]) -> Release:
    """A release that holds these studies, written and read again."""
    words = ("", (), (), None)
    outcome = Measure("return_effect", "Would return", "indicator", None, False, "better", "%", "", "", *words)
    document = Document(
        survey_id="two", title="Two", synthetic=True, waves=("2026",), note={}, measures=(outcome,), cuts=(), scores={},
        moves={}, loss=pd.DataFrame(), studies=studies,
    )  # fmt: skip
    return Release(unpack(pack(document)), number=1, revision=0, state="published", digest="d")


def read(frame: pd.DataFrame) -> Explained:
    found = driving.drivers(
        released(explained.explained(matter(frame))), side="left", wave="2026", outcome="return_effect"
    )
    assert found is not None
    return found


def codes(found: Explained) -> dict[str, str]:
    """Code of each dimension."""
    told: dict[str, str] = {}
    for finding in found.findings:
        for name in finding.params.get("regressors", (finding.params.get("regressor"),)):
            told |= {name: finding.code} if name else {}
    return told


# at publication


def test_studied_figures_are_those_of_the_engine_rounded() -> None:
    frame = surveyed(1, by_shift=1.0)
    tables = explained.explained(matter(frame))
    for seen in ("own", "others"):
        made = drivers(
            frame, FRAMEWORK, DESIGN, "return_effect", ["queue", "tone"], seen=seen, controls=["user_group"],
            minimum_answered=0.5, rng=np.random.default_rng(explained.SEED),
        )  # fmt: skip
        for name, exact in (("slopes", made.slopes), ("shares", made.shares), ("importance", made.importance)):
            told = tables[f"drivers_{name}"].query("seen == @seen").reset_index(drop=True)
            for column, step in explained.STEPS[name].items():
                gap = (told[column] - exact[column]).abs()
                floor = exact[column] < step / 2 if column in explained.NEVER_NONE else False
                assert ((gap <= step / 2 + 1e-9) | floor).all(), (name, column)
        model = tables["drivers_models"].query("seen == @seen").iloc[0]
        assert model["r2"] == pytest.approx(made.r2, abs=0.0026)
        assert (model["n"], model["left_out"]) == (made.n, made.left_out)


def test_no_p_value_and_no_error_is_shown_as_0() -> None:
    tables = explained.explained(matter(surveyed(2, by_shift=4.0)))
    slopes = tables["drivers_slopes"]
    assert slopes["p"].min() == 0.001
    assert tables["drivers_importance"]["se"].min() >= 0.005


def test_nothing_is_told_of_an_outcome_whose_figure_is_hidden() -> None:
    assert explained.explained(matter(surveyed(3), hidden=True)) == {}


def test_nothing_is_told_of_few_people() -> None:
    assert explained.explained(matter(surveyed(3).head(96))) == {}


def test_nothing_is_told_where_the_form_does_not_ask_for_an_outcome() -> None:
    assert explained.explained(matter(surveyed(3).drop(columns="return_effect"))) == {}


def test_nothing_is_told_where_everybody_gave_the_same_answer() -> None:
    assert explained.explained(matter(surveyed(3).assign(return_effect=1.0))) == {}


def test_a_dimension_of_which_a_question_is_not_asked_explains_nothing() -> None:
    tables = explained.explained(matter(surveyed(4).drop(columns="t2")))
    assert set(tables["drivers_slopes"]["regressor"]) == {"queue"}


# read from the release


def test_what_shifts_differ_in_is_found_by_the_others_scores_too() -> None:
    found = read(surveyed(5, by_shift=1.5))
    assert codes(found)["queue"] == "both_more"


def test_the_mood_of_one_person_is_not_taken_for_what_the_shift_was_like() -> None:
    found = read(surveyed(6, by_mood=1.5))
    assert codes(found)["tone"] == "own_more"
    assert not found.rows.loc[found.rows["seen"] == "others", "clear"].any()


def test_noise_is_called_nothing() -> None:
    found = read(surveyed(7))
    assert set(codes(found).values()) == {"none_clear"}
    assert set(found.rows["verdict"]) == {"not_clear"}


def test_all_claims_of_a_side_and_wave_are_one_family() -> None:
    frame = surveyed(8, by_shift=0.4, by_mood=0.3)
    frame["trade_effect"] = surveyed(9, by_mood=0.4)["return_effect"]
    studies = explained.explained(matter(frame, asked=("return_effect", "trade_effect")))
    found = driving.drivers(released(studies), side="left", wave="2026", outcome="return_effect")
    assert found is not None
    ordered = studies["drivers_slopes"].sort_values("p")
    by_hand = np.maximum.accumulate(ordered["p"].to_numpy() * np.arange(8, 0, -1)).clip(max=1)
    expected = ordered.assign(by_hand=by_hand).query("outcome == 'return_effect'").set_index(["seen", "regressor"])
    told = found.rows.set_index(["seen", "regressor"])["p_adjusted"]
    assert told.to_numpy() == pytest.approx(expected["by_hand"].loc[told.index].to_numpy(), abs=0.0006)


def test_a_slope_whose_interval_of_shares_holds_0_is_not_called() -> None:
    studies = explained.explained(matter(surveyed(5, by_shift=1.5)))
    studies["drivers_shares"] = studies["drivers_shares"].assign(low=-1.0, high=1.0)
    found = driving.drivers(released(studies), side="left", wave="2026", outcome="return_effect")
    assert found is not None
    assert not found.rows["clear"].any()
    assert (found.rows["p_adjusted"] < 0.05).any()


def test_an_answer_of_three_levels_has_its_slopes_checked_level_by_level() -> None:
    frame = surveyed(9, by_shift=1.0)
    frame["return_effect"] += np.random.default_rng(1).integers(0, 2, len(frame))
    found = read(frame)
    assert found.levels == 3
    assert len(found.odds) == 6
    assert {finding.code for finding in found.findings} & {"odds_alike", "odds_differ"}
    assert read(surveyed(9)).odds.empty


def test_where_only_one_model_can_be_fitted_the_other_is_not_spoken_of() -> None:
    studies = explained.explained(matter(surveyed(6, by_mood=1.5)))
    own = {name: table[table["seen"] == "own"] for name, table in studies.items()}
    found = driving.drivers(released(own), side="left", wave="2026", outcome="return_effect")
    assert found is not None
    assert found.findings[0].code == "r2_own"


def test_a_release_without_studies_explains_nothing() -> None:
    assert driving.drivers(released({}), side="left", wave="2026", outcome="return_effect") is None
    assert driving.outcomes(released({})) == {}


# words and colours

WAYS = {"more": 12.5, "less": -12.5}
OF_ROWS = [f"{who}_{way}" for who, way in product(("both", "own", "others", "apart"), WAYS)]


def params_of(code: str) -> dict[str, Any]:
    difference = WAYS.get(code.rpartition("_")[2], 0.0)
    place = {"regressor": "queue", "outcome": "return_effect", "regressors": ("queue", "tone"), "seen": "others"}
    figures = {"at_low": 50.0, "at_high": 50.0 + difference, "difference": difference, "low": -20.0, "high": 20.0}
    return place | figures | {"p": 0.04, "r2_own": 0.125, "r2_others": 0.01, "r2_name": "R2 of the regression"}


@pytest.mark.parametrize("code", sentences.DRIVERS)
def test_every_sentence_is_plain_and_claims_nothing_causal(code: str) -> None:
    told = sentences.told_driver(Finding(code, params_of(code)), TITLES)
    assert told.endswith(".")
    assert not [word for word in CAUSAL if word in told.lower()]
    assert not set("{}_") & set(told)


def test_the_workflow_makes_every_code_of_a_dimension_and_no_other() -> None:
    made = set()
    for own, others in product((*WAYS, ""), repeat=2):
        rows = pd.DataFrame(
            [
                {"regressor": "queue", "outcome": "return_effect", "seen": seen, "clear": bool(way)}
                | {"at_low": 1.0, "at_high": 2.0, "difference": WAYS.get(way, 1.0), "low": 0.0, "high": 0.0}
                for seen, way in (("own", own), ("others", others))
            ]
        )
        made |= {finding.code for finding in driving.called(rows)}
    assert made == {*OF_ROWS, "none_clear"}
    rest = {"r2_both", "r2_own", "r2_others", "odds_alike", "odds_differ", "odds_untested"}
    assert made | rest == set(sentences.DRIVERS)


@pytest.mark.parametrize("code", OF_ROWS)
def test_more_and_less_are_said_as_the_figures_say(code: str) -> None:
    told = sentences.told_driver(Finding(code, params_of(code)), TITLES)
    way = code.rpartition("_")[2]
    assert f"is {way} likely" in told or f"are {way} likely" in told
    assert ("\N{MINUS SIGN}12.5 points" in told) == (way == "less")


def test_of_what_is_not_clear_neither_more_nor_less_is_said() -> None:
    told = sentences.told_driver(Finding("none_clear", params_of("none_clear")), TITLES)
    assert told == "Not clear, by own scores or by the others': Queue, Tone."


@pytest.mark.parametrize("seed", range(5, 9))
def test_sentence_colour_and_test_agree(seed: int) -> None:
    found = read(surveyed(seed, by_shift=0.8 * (seed % 2), by_mood=0.8 * (seed > 6)))
    named = codes(found)
    for seen, rows in found.rows.groupby("seen"):
        caption = charts.Caption("t", "s", "x", synthetic=True)
        drawn = drawn_rows(charts.driver_shares(rows, titles=TITLES, caption=caption))
        hues = {row["label"]: row["hue"] for row in drawn}
        for row in rows.to_dict("records"):
            assert (hues[TITLES[row["regressor"]]] == charts.BLUE) == (row["clear"] and row["difference"] > 0)
            assert (hues[TITLES[row["regressor"]]] == charts.VERMILION) == (row["clear"] and row["difference"] < 0)
            who = named[row["regressor"]].partition("_")[0]
            assert (who in {"both", "apart", str(seen)}) == row["clear"]


def drawn_rows(spec: charts.Spec) -> list[dict[str, Any]]:
    """Rows behind the marks that have a colour of their own."""
    return [row for values in spec["datasets"].values() for row in values if "hue" in row]


# the page and the command, over the demo


@pytest.fixture(scope="module", autouse=True)
def caches() -> Iterator[None]:
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def at(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("SARHAD_DATABASE_URL", demo_url)
    return AppTest.from_file(str(ROOT / "app" / "pages" / "drivers.py"), default_timeout=60)


def told(at: AppTest) -> str:
    parts = [*at.markdown, *at.caption, *at.info, *at.error, *at.subheader]
    return "\n".join(part.value.replace("\\", "") for part in parts)


def test_the_page_tells_what_the_release_holds(at: AppTest, demo_release: Release) -> None:
    titles = {measure.code: measure.title for measure in demo_release.document.measures}
    at.query_params["outcome"] = titles["neighbour_trust"]
    at.run()
    assert not at.exception
    found = driving.drivers(demo_release, side="left_bank", wave="2026", outcome="neighbour_trust")
    assert found is not None
    for finding in found.findings:
        assert sentences.told_driver(finding, titles) in told(at)
    assert sentences.GUARD in told(at)
    assert len(at.get("vega_lite_chart")) == 3
    assert len(at.dataframe[0].value) == len(found.rows)


def test_the_page_of_a_release_without_studies_says_what_to_do(at: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "unpack", lambda data: replace(unpack(data), studies={}))
    st.cache_resource.clear()
    at.run()
    st.cache_resource.clear()
    assert not at.exception
    assert "Prepare a new release" in told(at)
    assert len(at.get("vega_lite_chart")) == 0


def test_the_page_of_a_survey_without_such_questions_says_so(at: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(data: bytes) -> Document:
        found = unpack(data)
        kept = tuple(measure for measure in found.measures if measure.code not in explained.OUTCOMES)
        return replace(found, studies={}, measures=kept)

    monkeypatch.setattr(releases, "unpack", other)
    st.cache_resource.clear()
    at.run()
    st.cache_resource.clear()
    assert not at.exception
    assert "does not ask users" in told(at)
    assert "Prepare a new release" not in told(at)


def commanded(demo_url: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.setenv("SARHAD_DATABASE_URL", demo_url)
    app = typer.Typer()
    app.command()(commands.drivers)
    app.command()(commands.mend)
    return CliRunner().invoke(app, list(arguments))


def test_the_command_prints_the_rows_of_the_page_with_their_sources(
    demo_url: str, demo_release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = commanded(
        demo_url, monkeypatch, "drivers", "--outcome", "return_effect", "--side", "left_bank", "--format", "json"
    )
    rows = json.loads(made.stdout)
    found = driving.drivers(demo_release, side="left_bank", wave="2026", outcome="return_effect")
    assert found is not None
    assert [row["difference"] for row in rows] == found.rows["difference"].tolist()
    assert {row["synthetic"] for row in rows} == {"SYNTHETIC"}


def test_the_command_refuses_what_is_not_published(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "neighbour_trust" in str(commanded(demo_url, monkeypatch, "drivers", "--outcome", "joy").exception)
    assert "2022, 2024, 2026" in str(commanded(demo_url, monkeypatch, "mend", "--wave", "1999").exception)
    assert "left_bank" in str(commanded(demo_url, monkeypatch, "mend", "--side", "north").exception)
