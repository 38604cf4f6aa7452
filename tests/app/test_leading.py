"""What leadership reads: one family of changes, medians where they are known, every sentence beside a figure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from statsmodels.stats.multitest import multipletests
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app import charts, cli, sentences
from app.settings import ROOT
from app.workflow import agreed, leading, results
from app.workflow.results import Release

SIDES = ("left_bank", "right_bank")
MOVERS = {"heron_ferry": 1, "willow_bridge": 1, "poplar_bridge": -1, "swallow_ferry": -1}


@pytest.fixture(scope="module")
def pages(demo_release: Release) -> Mapping[str, leading.Overview]:
    return {side: leading.overview(demo_release, side=side) for side in SIDES}


@pytest.fixture(scope="module", autouse=True)
def caches() -> Iterator[None]:
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def at(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("SARHAD_DATABASE_URL", demo_url)
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)


def hypotheses(release: Release, pages: Mapping[str, leading.Overview]) -> pd.DataFrame:
    """Every change of both pages and of what was agreed, each once."""
    whole = pd.concat([pages[side].moves for side in SIDES], ignore_index=True)
    promised = agreed.tested(release)
    every = pd.concat([whole, promised], ignore_index=True)
    return every.astype({"side": "str"}).drop_duplicates(["side", "measure", "since", "wave", "estimate", "p"])


def test_all_changes_of_both_pages_are_one_holm_family(
    demo_release: Release, pages: Mapping[str, leading.Overview]
) -> None:
    rows = hypotheses(demo_release, pages).dropna(subset="p")
    by_hand = pd.Series(multipletests(rows["p"], method="holm")[1], index=rows.index)
    own = rows[rows["p_adjusted"].notna()]
    assert own["p_adjusted"].to_numpy() == pytest.approx(by_hand[own.index].to_numpy())
    assert {page.family for page in pages.values()} == {len(rows)}
    assert (own["clear"].astype(bool) == (own["p_adjusted"] < leading.ALPHA)).all()


def test_what_was_agreed_is_judged_in_the_same_family(
    demo_release: Release, pages: Mapping[str, leading.Overview]
) -> None:
    rows = hypotheses(demo_release, pages).dropna(subset="p")
    by_hand = multipletests(rows["p"], method="holm")[1]
    promised = agreed.tested(demo_release)
    told = [one.finding.params["p_adjusted"] for side in SIDES for one in pages[side].commitments]
    for row, p_adjusted in zip(promised.to_dict("records"), told, strict=True):
        same = (rows["measure"] == row["measure"]) & (rows["side"] == row["side"]) & (rows["p"] == row["p"])
        assert p_adjusted == pytest.approx(by_hand[same.to_numpy()][0])


def test_the_planted_movers_are_found_and_nobody_else(pages: Mapping[str, leading.Overview]) -> None:
    clear = pd.concat([page.moves[page.moves["clear"].astype(bool)] for page in pages.values()])
    found = clear.groupby("post")["estimate"].agg(lambda values: np.sign(values).unique().tolist())
    assert found.to_dict() == {post: [way] for post, way in MOVERS.items()}
    assert set(clear["verdict"]) == {"better", "worse"}


def test_hours_are_the_median_and_their_change_that_of_the_medians(
    demo_release: Release, pages: Mapping[str, leading.Overview]
) -> None:
    quantiles = demo_release.document.studies["quantiles"]
    half = quantiles[(quantiles["q"] == 0.5) & (quantiles["side"] == "left_bank")].set_index("wave")
    page = pages["left_bank"]
    assert page.median
    shown = page.scores[page.scores["measure"] == "wait_hours"].set_index("wave")["estimate"]
    assert shown.to_dict() == half["estimate"].to_dict()
    move = page.moves[page.moves["measure"] == "wait_hours"].iloc[0]
    assert move["estimate"] == pytest.approx(half.loc["2026", "estimate"] - half.loc["2022", "estimate"])
    assert move["se"] == pytest.approx(np.hypot(half.loc["2026", "se"], half.loc["2022", "se"]))


def test_without_the_medians_of_a_wave_the_mean_stands(demo_release: Release) -> None:
    document = demo_release.document
    quantiles = document.studies["quantiles"]
    kept = {**document.studies, "quantiles": quantiles[quantiles["wave"] != "2024"]}
    page = leading.overview(replace(demo_release, document=replace(document, studies=kept)), side="left_bank")
    mean = results.scorecard(demo_release, by=("side",)).table
    mean = mean[(mean["measure"] == "wait_hours") & (mean["side"] == "left_bank")]
    assert not page.median
    shown = page.scores.loc[page.scores["measure"] == "wait_hours", "estimate"]
    assert shown.tolist() == mean["estimate"].tolist()


def test_one_wave_has_no_changes_and_no_family(demo_release: Release) -> None:
    document = demo_release.document
    scores = {facets: table[table["wave"] == "2022"] for facets, table in document.scores.items()}
    one = replace(demo_release, document=replace(document, waves=("2022",), scores=scores))
    page = leading.overview(one, side="left_bank")
    assert page.moves.empty
    assert (page.family, page.commitments, page.notes) == (0, (), ())
    assert sentences.family(0) == ""


def test_a_change_of_who_crossed_is_told_as_that_and_not_as_reform(demo_release: Release) -> None:
    document = demo_release.document
    moves = {facets: table.copy() for facets, table in document.moves.items()}
    table = moves[("side",)]
    own = (table["measure"] == "integrity") & (table["side"] == "left_bank") & (table["wave"] == "2026")
    table.loc[own & (table["since"] == "2022"), ["estimate", "low", "high", "p"]] = [6.0, 4.0, 8.0, 1e-9]
    split = document.studies["composition"].copy()
    mine = (split["measure"] == "integrity") & (split["side"] == "left_bank")
    mine &= (split["since"] == "2022") & (split["wave"] == "2026")
    split.loc[mine & (split["part"] == "mix"), ["estimate", "low", "high", "p"]] = [5.8, 4.5, 7.1, 0.001]
    split.loc[mine & (split["part"] == "within"), ["estimate", "low", "high", "p"]] = [0.2, -1.5, 1.9, 0.8]
    studies = {**document.studies, "composition": split}
    page = leading.overview(
        replace(demo_release, document=replace(document, moves=moves, studies=studies)), side="left_bank"
    )
    row = page.moves[(page.moves["measure"] == "integrity") & (page.moves["post"] == "")].to_dict("records")[0]
    assert (row["clear"], row["verdict"]) == (True, "composition")
    told = charts.told_change(row, unit="points", better="better")
    assert "who crossed" in told
    assert "improvement" not in told
    drawn = charts.waves(
        page.scores[page.scores["measure"] == "integrity"], pd.DataFrame([row]), order=("2022", "2024", "2026"),
        scale=charts.Scale.of("points"), caption=charts.Caption("t", "s", "q", synthetic=False),
    )  # fmt: skip
    assert charts.BLUE not in json.dumps(drawn)


@dataclass(frozen=True)
class Read:
    wave: str = "2026"
    median: bool = False
    most: Mapping[str, float] = field(default_factory=dict)
    reach: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("read", "measure", "told"),
    [
        (Read(most={"2026": 6.5}), "wait_hours", "Nine in ten within 6.5 h."),
        (Read(most={"2024": 6.5}), "wait_hours", ""),
        (Read(reach={"2026": (34.5, 52.0)}), "bribery", "With who did not answer: 34.5 to 52 %."),
        (Read(fixed={"integrity": -0.4}), "integrity", "Same mix of users: \N{MINUS SIGN}0.4."),
        (Read(), "integrity", ""),
    ],
)
def test_every_sentence_beside_a_change(read: Read, measure: str, told: str) -> None:
    assert sentences.beside_change(read, measure) == told


def test_a_median_says_what_it_is() -> None:
    assert sentences.headline_words("Hours", Read(median=True), "wait_hours", "hours")[1].endswith("waited less")
    assert sentences.headline_words("Hours", Read(), "wait_hours", "hours")[1] == "hours"


@pytest.mark.parametrize(
    ("told", "posts", "words"),
    [
        ([], 0, "No clear change in any of these 5 figures. No clear changes among the crossings below."),
        ([], 1, "No clear change in any of these 5 figures. 1 clear change among the crossings below."),
        (["Integrity: up."], 3, "Integrity: up. 3 clear changes among the crossings below."),
    ],
)
def test_the_summary_counts_what_is_clear(told: list[str], posts: int, words: str) -> None:
    assert sentences.clear_changes(told, figures=5, posts=posts) == words


def test_officers_are_not_called_users() -> None:
    assert sentences.reported({"instrument": "officer 1"}).startswith("What officers reported")
    assert sentences.reported({"instrument": "traveller 2"}).startswith("What users reported")


def test_the_page_names_agreed_chain_and_remedies_and_offers_its_tables(at: AppTest) -> None:
    at.run()
    at.switch_page("app/pages/trends.py").run()
    assert not at.exception
    told = "\n".join(part.value for part in [*at.markdown, *at.caption])
    for words in ("Agreed last time", "Points most to shift supervision", "To mend first", "judged together"):
        assert words in told
    at.button(key="tables").click().run()
    assert not at.exception
    assert len(at.dataframe) == 2


def test_the_command_says_what_the_page_says(demo_url: str, pages: Mapping[str, leading.Overview]) -> None:
    done = CliRunner().invoke(cli.app, ["overview", "--side", "left_bank"], env={"SARHAD_DATABASE_URL": demo_url})
    assert done.exit_code == 0, done.output
    for row in pages["left_bank"].moves.to_dict("records"):
        if row["clear"]:
            assert charts.told_change(row, unit="points", better="better") in done.output
    refused: Any = CliRunner().invoke(cli.app, ["overview", "--side", "x"], env={"SARHAD_DATABASE_URL": demo_url})
    assert "there is no side 'x'" in str(refused.exception)
