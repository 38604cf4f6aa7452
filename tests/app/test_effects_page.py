"""The page and the command Effects: what they say of the demo's trainings, of an upload, and what they refuse."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
import typer
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app.cli import effects as command
from app.settings import DEMO, ROOT
from app.workflow import effects, interventions, releases
from app.workflow.document import Document, Release, unpack
from app.workflow.effects import Answer
from scoring.errors import RequestError
from surveys.errors import StoreError
from tests.app.test_study_pages import spec, told, values
from tests.posts import MEASURE, release_of_posts

ONE, FOUR = (
    (DEMO / name).read_text(encoding="utf-8") for name in ("interventions_one_post.csv", "interventions_four_posts.csv")
)
TRUE = 9.375  # points, see data/demo/README.md
TREATED = ("heron_ferry", "willow_bridge", "walnut_ford", "quince_gate")
SAID = "Integrity rose more, or fell less, at the 4 posts with training than at the 8 others from 2022 to 2026"


@pytest.fixture(scope="module", autouse=True)
def caches() -> Iterator[None]:
    """Answers are cached from test to test, as from visitor to visitor, and forgotten at the end."""
    yield
    forget()


def forget() -> None:
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def declaring(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """The demo store, whose releases declare what a test says and hold the scores that it makes of theirs."""
    monkeypatch.setenv("SARHAD_DATABASE_URL", demo_url)

    def declare(text: str, made: Callable[[Document], Document] = lambda document: document) -> None:
        declared = {"interventions": text} if text else {}
        monkeypatch.setattr(releases, "unpack", lambda data: made(replace(unpack(data), declared=declared)))
        forget()  # what is cached is told apart by the digest in the store, which does not change here

    yield declare
    forget()


def opened(**params: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app" / "pages" / "effects.py"), default_timeout=60)
    for name, value in params.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def table(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), dtype=str)


def answered(release: Release, text: str, **more: Any) -> Answer:
    return effects.study(release, kind="training", interventions=table(text), **{"measure": "integrity", **more})


def on_another_path(document: Document) -> Document:
    """The same posts with training, each 8 points higher from wave to wave, whatever they had before."""
    scores = document.scores["side", "post"]
    step = scores["wave"].map({wave: 8.0 * place for place, wave in enumerate(document.waves)})
    alike = scores["wave"].map(dict.fromkeys(document.waves, 0.0))
    level = scores["post"].map({post: 0.2 * place for place, post in enumerate(sorted(set(scores["post"])))})
    level = level * (1 + scores["wave"].map({wave: place % 2 for place, wave in enumerate(document.waves)}))
    value = 50 + level + step.where(scores["post"].isin(TREATED), alike)
    return replace(document, scores={**document.scores, ("side", "post"): scores.assign(estimate=value)})


# The demo's trainings


def test_the_interval_of_four_trained_posts_holds_the_true_difference(demo_release: Release) -> None:
    effect = answered(demo_release, FOUR).claim.effect
    assert effect is not None
    assert effect.low < TRUE < effect.high
    assert (effect.treated, effect.untreated, effect.since, effect.wave) == (4, 8, "2022", "2026")


def test_the_difference_is_that_of_the_published_scores_by_hand(demo_release: Release) -> None:
    scores = demo_release.document.scores["side", "post"]
    wide = scores[scores["measure"] == "integrity"].pivot_table(index="post", columns="wave", values="estimate")
    change, treated = wide["2026"] - wide["2022"], wide.index.isin(TREATED)
    found = answered(demo_release, FOUR)
    assert found.claim.effect is not None
    assert found.claim.effect.estimate == pytest.approx(change[treated].mean() - change[~treated].mean(), abs=1e-9)
    assert found.changes.set_index("post")["estimate"].to_dict() == pytest.approx(change.to_dict(), abs=1e-9)


def test_one_trained_post_makes_no_claim_on_training_however_clearly_it_changed(demo_release: Release) -> None:
    found = answered(demo_release, ONE)
    assert (found.claim.verdict, found.code, found.claim.effect) == ("none", "one_treated", None)
    assert bool(found.changes.set_index("post").loc["heron_ferry", "clear"])
    assert set(effects.rows(found)["part"]) == {"post"}


def test_posts_of_one_side_are_compared_among_themselves(demo_release: Release) -> None:
    found = answered(demo_release, FOUR, side="left_bank")
    assert found.sides == ("left_bank",)
    assert len(found.changes) == 6
    assert found.claim.effect is not None
    assert (found.claim.effect.treated, found.claim.effect.untreated) == (2, 4)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"measure": "chain"}, "measure 'chain' is not shown by post"),
        ({"side": "north_bank"}, "there is no side 'north_bank'; sides are left_bank, right_bank"),
    ],
)
def test_what_is_not_there_is_refused_with_what_there_is(
    asked: dict[str, str], words: str, demo_release: Release
) -> None:
    with pytest.raises(RequestError, match=words):
        answered(demo_release, FOUR, **asked)


def test_a_kind_that_nobody_declared_is_refused(demo_release: Release) -> None:
    with pytest.raises(RequestError, match="no intervention is of kind 'scanner'; kinds are training"):
        effects.study(demo_release, kind="scanner", measure="integrity", interventions=table(FOUR))


def test_a_post_that_the_release_does_not_have_is_refused_by_row(demo_release: Release) -> None:
    with pytest.raises(StoreError, match="row 3, column post: 'nowhere'"):
        answered(demo_release, ONE + "nowhere,2023-03-13,training\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("post,day\nheron_ferry,2023-03-13\n", "column date is missing"),
        (ONE + "willow_bridge,13.03.2023,training\n", "row 3, column date: '13.03.2023' is no day"),
        (ONE + "willow_bridge,2023-03-13,\n", "row 3, column kind: it is empty"),
        (ONE + "," * 250_000, "longer than"),
    ],
)
def test_a_table_with_faults_is_refused_in_words(text: str, words: str, demo_release: Release) -> None:
    with pytest.raises(StoreError, match=words):
        interventions.read_table(demo_release, text.encode())


def test_the_template_is_read_without_a_fault_and_two_spellings_are_one_kind(demo_release: Release) -> None:
    text = interventions.template(demo_release) + b"willow_bridge,2025-03-11,Training\n"
    assert interventions.kinds_of(interventions.read_table(demo_release, text)) == ("training",)


# Staggered starts, and releases that cannot answer


def test_staggered_starts_are_averaged_over_cohorts_by_hand() -> None:
    """Two posts start in the second wave and rise by 4 and 6, two in the third by 8 and 10; the others stay.

    Cohort effects: 5 and 5 in both waves of the first, 9 in the one of the second; so (5 + 5 + 9) / 3.
    """
    score = [[50, 54, 54], [50, 56, 56], [50, 50, 58], [50, 50, 60], [50, 50, 50], [50, 50, 50]]
    days = {"p0": ("2019-05-01",), "p1": ("2019-05-01",), "p2": ("2021-05-01",), "p3": ("2021-05-01",)}
    release = release_of_posts(score, waves=("2018", "2020", "2022"), left=0, interventions=days)
    found = effects.study(release, kind="training", measure=MEASURE)
    assert found.overall["estimate"].tolist() == pytest.approx([19 / 3])
    by_time = dict(zip(found.events["time"], found.events["estimate"], strict=True))
    assert by_time == pytest.approx({-2: 0, 0: 7, 1: 5})
    assert "overall" in set(effects.rows(found)["part"])


def test_one_wave_and_a_release_without_posts_say_why_nothing_can_be_asked(demo_release: Release) -> None:
    one = release_of_posts([[50.0], [51.0]], waves=("2018",), left=1)
    assert "a second one is needed" in effects.possible(one)
    bare = replace(demo_release, document=replace(demo_release.document, scores={}))
    assert "shows nothing by post" in effects.possible(bare)
    with pytest.raises(RequestError, match="shows nothing by post"):
        answered(bare, FOUR)


def test_a_wave_without_days_that_is_no_year_is_refused() -> None:
    release = release_of_posts(
        [[50, 51]] * 4, waves=("round 1", "round 2"), left=4, interventions={"p0": ("2019-05-01",)}
    )
    with pytest.raises(RequestError, match="days of fieldwork of wave 'round 1' are not declared"):
        effects.study(release, kind="training", measure=MEASURE)


def test_waves_of_which_none_was_made_like_the_last_say_so() -> None:
    keys = '[waves.2018]\nmode = "phone"\n[waves.2020]\nmode = "face_to_face"\n'
    release = release_of_posts([[50, 51]] * 4, waves=("2018", "2020"), left=4, keys=keys)
    assert "No earlier wave was made like the last one" in effects.possible(release)


# The page


def test_the_page_says_what_may_be_said_with_every_doubt(declaring: Callable[..., None]) -> None:
    declaring(FOUR)
    at = opened(effect_of="Integrity")
    words = told(at)
    assert SAID in words
    assert "No earlier waves say whether these posts were on another path before 2022." in words
    assert "Whatever else befell these posts" in words
    assert [metric.label for metric in at.metric] == [
        "Difference in change", "95 % interval", "Posts with, without", "Randomisation p",
    ]  # fmt: skip
    assert "at least 0.004" in at.metric[3].value
    assert next(row["label"] for row in values(at) if "shape" in row) == "With less without"
    assert {row["time"] for row in values(at, 1) if "time" in row} == {"\N{MINUS SIGN}1", "0", "1"}
    assert {"mark": "SYNTHETIC"} in values(at)
    assert "All posts. Square: with it." in " ".join(spec(at)["title"]["subtitle"])


def test_the_page_says_nothing_of_the_training_of_one_post(declaring: Callable[..., None]) -> None:
    declaring(ONE)
    at = opened(effect_of="Integrity")
    assert "One post can say nothing on training." in told(at)
    assert [name for name in ("rose more", "fell more", "differ by") if name in told(at)] == []
    assert len(at.metric) == 0
    assert len(at.get("vega_lite_chart")) == 1
    assert "With less without" not in {row.get("label") for row in values(at)}


def test_the_page_flags_posts_that_were_on_another_path_before(declaring: Callable[..., None]) -> None:
    declaring(FOUR.replace("2023", "2025"), on_another_path)
    at = opened(effect_of="Integrity")
    assert "these posts seem to have been on another path before: nothing can be said of training" in told(at)
    assert "Before training, from 2022 to 2024, posts that had it later and the others may already" in told(at)
    diamond = next(row for row in values(at) if row.get("shape") == "diamond")
    assert diamond["words"].endswith(", doubted")
    assert not diamond["clear"]
    tables = [frame.value for frame in at.dataframe]
    assert any("p, all together" in table for table in tables)
    assert any("times the largest step" in table for table in tables)


def test_posts_that_started_at_different_times_have_an_average_of_their_own(declaring: Callable[..., None]) -> None:
    declaring(FOUR.replace("walnut_ford,2023", "walnut_ford,2025").replace("quince_gate,2023", "quince_gate,2025"))
    words = told(opened(effect_of="Integrity"))
    assert "Posts started at different times" in words
    assert "Over all waves after it, each post against those that had not started" in words


def test_an_early_release_of_one_wave_says_that_a_second_is_needed(declaring: Callable[..., None]) -> None:
    declaring(FOUR)
    at = opened(survey="demo", release="1")
    assert "a second one is needed to speak of change" in told(at)
    assert len(at.get("vega_lite_chart")) == 0


def test_a_release_that_declares_nothing_says_what_to_write(declaring: Callable[..., None]) -> None:
    declaring("")
    at = opened()
    assert "Write interventions.csv with the columns post, date and kind" in told(at)
    assert len(at.get("vega_lite_chart")) == 0
    assert [button.label for button in at.get("download_button")] == ["Download a template (CSV)"]


def test_an_upload_is_judged_in_place_of_the_declared_table(declaring: Callable[..., None]) -> None:
    declaring(ONE)
    at = opened(effect_of="Integrity")
    at.file_uploader[0].set_value(("mine.csv", FOUR.encode(), "text/csv")).run()
    assert SAID in told(at)
    at.file_uploader[0].set_value(("mine.csv", (FOUR + "nowhere,2023-03-13,training\n").encode(), "text/csv")).run()
    assert not at.exception
    assert "row 6, column post: 'nowhere'" in told(at)
    assert SAID not in told(at)


def test_the_file_says_in_every_row_what_may_be_said(
    declaring: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(st, "download_button", lambda label, **given: found.append({"label": label, **given}))
    declaring(FOUR)
    opened(effect_of="Integrity")
    button = next(one for one in found if "all figures" in one["label"])
    rows = pd.read_csv(io.BytesIO(button["data"]()))
    assert button["file_name"] == "sarhad_demo_effects_training_integrity_SYNTHETIC.csv"
    assert set(rows["part"]) == {"effect", "time", "post"}
    assert rows["told"].str.startswith(SAID).all()
    assert rows["synthetic"].eq("SYNTHETIC").all()


# The command


@pytest.fixture
def sarhad(demo_url: str) -> Callable[..., Any]:
    app = typer.Typer()
    app.command()(command.judge)

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, list(words), env={"SARHAD_DATABASE_URL": demo_url, "COLUMNS": "200"})

    return run


def written(folder: Path, text: str) -> str:
    path = folder / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_command_prints_the_sentence_its_doubts_and_the_figures(sarhad: Callable[..., Any], tmp_path: Path) -> None:
    done = sarhad("--measure", "integrity", "--interventions", written(tmp_path, FOUR))
    assert done.exit_code == 0, done.output
    printed = " ".join(done.stdout.split())
    assert SAID in printed
    assert "SYNTHETIC" in printed
    assert "Whatever else befell these posts" in printed


def test_the_command_gives_programs_the_same_rows_with_the_sentence(
    sarhad: Callable[..., Any], tmp_path: Path, demo_release: Release
) -> None:
    done = sarhad("--measure", "integrity", "--interventions", written(tmp_path, FOUR), "--format", "json")
    rows = json.loads(done.stdout)
    (effect,) = [row for row in rows if row["part"] == "effect"]
    found = answered(demo_release, FOUR).claim.effect
    assert found is not None
    assert (effect["estimate"], effect["low"], effect["high"]) == pytest.approx(
        (found.estimate, found.low, found.high), abs=0.005
    )
    assert all(row["told"].startswith(SAID) for row in rows)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ONE + "willow_bridge,2023-03-13,scanner\n", "name one --kind: scanner, training"),
        ("post,date,kind\n", "no interventions are declared"),
    ],
)
def test_the_command_asks_for_what_is_missing(
    text: str, words: str, sarhad: Callable[..., Any], tmp_path: Path
) -> None:
    done = sarhad("--measure", "integrity", "--interventions", written(tmp_path, text))
    assert done.exit_code != 0
    assert words in str(done.exception)
