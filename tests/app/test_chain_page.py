"""The chain of accountability of a release: workflow, page and command; the gap between users and officers."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
import typer
from streamlit.testing.v1 import AppTest

from app import cli, sentences, session
from app.cli import chains as commands
from app.settings import ROOT
from app.workflow import chains, demo, reducing, releases, storage
from app.workflow.document import Document, Facets, Release, unpack
from app.workflow.results import SurveyInfo
from app.workflow.shelf import Shelf, StoreShelf
from scoring import RequestError
from scoring.chain import chain as chain_of_answers
from scoring.chain import gap as gap_of_figures
from surveys.store import Store
from tests.filled import NOON

SIDES, WAVES = ("left_bank", "right_bank"), demo.WAVES
LINKS = ("link_leadership", "link_headquarters", "link_region", "link_post", "link_shift", "link_officers")
SHARED = ("rules_public", "conduct_respect", "fair_order", "link_post", "link_shift")
AGENCIES = ("", "customs", "guards", "migration", "quarantine")
FEW = ("quarantine", "link_leadership")  # three people hold this office
BY_POST = "the chain of accountability is never cut by post: a post commander or who leads a shift is one person"


def holders() -> str:
    """Holders of every office, as they are declared in a file."""
    rows = [
        f"{side},{agency},{link},{3 if (agency, link) == FEW else 40}"
        for side in SIDES
        for agency in AGENCIES
        for link in LINKS
    ]
    return "side,agency,link,holders\n" + "\n".join(rows) + "\n"


def declared(release: Release, text: str) -> Release:
    return replace(release, document=replace(release.document, declared={"holders": text}))


@pytest.fixture(scope="module")
def release(demo_release: Release) -> Release:
    """The demo with its office-holders declared."""
    return declared(demo_release, holders())


def cells(table: pd.DataFrame, **values: str) -> pd.DataFrame:
    own = np.logical_and.reduce([table[name] == value for name, value in values.items()])
    return table[own].set_index("measure")


# What officers would say, made up


def officers_of(users: Release) -> Release:
    """An invented survey of officers: some of the users' questions, one in other words, one turned round."""
    document = users.document
    asked = {part.code: part for part in document.measures if part.code in (*SHARED, "fees_posted", "link_leadership")}
    asked["fair_order"] = replace(asked["fair_order"], question="Do you serve people in turn?")
    asked["fees_posted"] = replace(asked["fees_posted"], direction="worse")
    shifted: dict[Facets, pd.DataFrame] = {}
    for facets in (("side",), ("side", "agency")):
        table = document.scores[facets]
        table = table[table["measure"].isin(list(asked))].copy()
        table[["estimate", "low", "high"]] += np.where(table["measure"] == "link_shift", 12.0, 1.0)[:, None]
        shifted[facets] = table.reset_index(drop=True)
    made = replace(
        document, survey_id="officers", title="Officers", measures=tuple(asked.values()), scores=shifted,
        note={**document.note, "instrument": "officer 1"},
    )  # fmt: skip
    return replace(users, document=made, digest="of officers")


@dataclass(frozen=True, slots=True)
class WithOfficers:
    """A shelf with a survey of officers beside the one of users."""

    users: StoreShelf

    def surveys(self) -> tuple[SurveyInfo, ...]:
        (info,) = self.users.surveys()
        return (info, replace(info, id="officers", title="Officers of the services"))

    def release(self, survey_id: str, number: int = 0) -> Release:
        found = self.users.release(demo.SURVEY, number)
        return officers_of(found) if survey_id == "officers" else found

    def key(self, survey_id: str, number: int = 0) -> str:
        return f"{survey_id} {self.users.key(demo.SURVEY, number)}"


# The chain of a release


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("wave", WAVES)
def test_the_set_of_weakest_links_holds_shift_supervision_on_both_banks(release: Release, side: str, wave: str) -> None:
    found = chains.chain(release, side=side, wave=wave)
    assert sentences.standing_of_links(found)["link_shift"] == "points"
    assert "shift supervision" in sentences.chain_line(found, {"link_shift": "Shift supervision"})


def test_the_set_of_an_agency_holds_shift_supervision_too(release: Release) -> None:
    found = [
        chains.chain(release, side=side, wave="2026", agency=agency)
        for side in SIDES
        for agency in chains.agencies(release)
    ]
    assert len(found) == 8
    assert {sentences.standing_of_links(one)["link_shift"] for one in found} <= {"points", "possible"}


def test_links_stand_from_the_leadership_down_with_the_figures_that_are_published(release: Release) -> None:
    found = chains.chain(release, side="left_bank", wave="2026").table
    published = cells(release.document.scores["side",], side="left_bank", wave="2026")
    assert tuple(found["measure"]) == LINKS
    for name in ("estimate", "se", "low", "high", "n"):
        assert found[name].tolist() == published.loc[list(LINKS), name].tolist()


def test_what_is_told_of_published_figures_is_what_the_answers_tell(release: Release, demo_store: Store) -> None:
    totals, _ = reducing.totals_of(demo_store, demo.SURVEY, ("2026",), at=NOON)
    held = {(side,): dict.fromkeys(LINKS, 40) for side in SIDES}
    framework = chains.studies.framework_of(release)
    exact = chain_of_answers(
        totals, framework, links=LINKS, by="side", holders=held, seed=chains.SEED, kind="joint", level=chains.LEVEL
    )
    for side in SIDES:
        own = exact.table[exact.table["side"] == side]
        assert chains.chain(release, side=side, wave="2026").table["weakest"].tolist() == own["weakest"].tolist()


def test_without_declared_holders_no_link_is_shown(demo_release: Release) -> None:
    bare = replace(demo_release, document=replace(demo_release.document, declared={}))
    partly = declared(demo_release, "side,link,holders\nleft_bank,link_post,40\n")
    for one in (bare, partly):
        assert chains.impossible(one, side="left_bank", wave="2026") == chains.UNDECLARED
        with pytest.raises(RequestError, match=r"not declared \(holders.csv\). The chain is shown when it is"):
            chains.chain(one, side="left_bank", wave="2026")


def test_a_link_of_fewer_than_five_office_holders_has_no_figure_and_is_not_judged(release: Release) -> None:
    found = chains.chain(release, side="left_bank", wave="2026", agency="quarantine")
    row = found.table.set_index("measure").loc["link_leadership"]
    assert row[["estimate", "se", "df", "low", "high", "n", "n_eff", "deff"]].isna().all()
    assert row[["reason", "weakest"]].tolist() == ["few_holders", ""]


def test_what_a_release_does_not_hold_is_said_in_words(release: Release) -> None:
    asked = {"side": "left_bank", "wave": "2026"}
    assert "asks nothing about a chain" in chains.impossible(
        replace(release, document=replace(release.document, definition=bare_framework())), **asked
    )
    assert "made before studies were kept" in chains.impossible(old(release), **asked)
    assert "no figures of left_bank and police in 2026" in chains.impossible(release, **asked, agency="police")
    assert "no figures of left_bank in 2031" in chains.impossible(release, side="left_bank", wave="2031")
    table = release.document.scores["side",]
    scores = {("side",): table[table["measure"] != "link_post"]}
    without = replace(release, document=replace(release.document, scores=scores))
    assert "Not every link of left_bank has a figure in 2026" in chains.impossible(without, **asked)
    assert chains.agencies(without) == {}


def old(release: Release) -> Release:
    return replace(release, document=replace(release.document, definition="", studies={}))


def bare_framework() -> str:
    return (
        'id="plain"\nversion="1"\ntitle="Plain"\n[[index]]\ncode="one"\ntitle="One"\n'
        '[[dimension]]\ncode="part"\ntitle="Part"\nindex="one"\n'
        '[[item]]\ncode="q"\ntitle="Q"\ndimension="part"\ndirection="better"\nrange=[1, 5]\n'
    )


@pytest.mark.parametrize("facet", ["post", "shift", "sex", "user_group"])
def test_the_chain_is_refused_by_anything_finer_than_an_agency(facet: str) -> None:
    assert f"never cut by {facet}" in chains.refusal(("side", facet))
    assert chains.refusal(("side", "agency")) == chains.refusal(("side",)) == ""


# Users and officers


def gap(release: Release, officers: Release, **asked: str) -> chains.Gap:
    return chains.gap(release, officers, **({"side": "left_bank", "wave": "2026"} | asked))


def test_the_gap_is_that_of_the_engine_on_the_published_figures(release: Release) -> None:
    theirs = officers_of(release)
    found = gap(release, theirs).table.set_index("measure")
    figures = [cells(one.document.scores["side",], side="left_bank", wave="2026") for one in (release, theirs)]
    wording = {"conduct_respect": ("same", "same")}
    exact = gap_of_figures(*(table.reset_index() for table in figures), by="side", wording=wording).iloc[0]
    row = found.loc["conduct_respect"]
    assert row[["users", "officers"]].tolist() == [table.loc["conduct_respect", "estimate"] for table in figures]
    assert row["estimate"] == pytest.approx(1.0)
    assert row[["se", "t"]].tolist() == pytest.approx(exact[["se", "t"]].tolist(), abs=0.005)
    assert row["p"] == pytest.approx(exact["p"], abs=0.0005)


def test_gaps_are_judged_together_and_only_a_clear_one_is_called(release: Release) -> None:
    found = gap(release, officers_of(release)).table
    # 4 gaps: Holm multiplies the smallest p by 4, the next by 3, and never lets one fall below the one before
    ordered = found.sort_values("p")
    steps = np.minimum(1, np.maximum.accumulate(ordered["p"].to_numpy() * np.arange(len(ordered), 0, -1)))
    assert ordered["p_adjusted"].to_numpy() == pytest.approx(steps, abs=0.004)
    assert found.loc[found["clear"], "measure"].tolist() == ["link_shift"]
    assert sentences.gap_told(found[found["clear"]].to_dict("records")[0], {}).startswith(
        "link_shift: officers see it better than users do, by 12.0 points"
    )


def test_questions_in_other_words_or_counted_the_other_way_are_not_compared(release: Release) -> None:
    found = gap(release, officers_of(release))
    assert set(found.apart) == {"fair_order", "fees_posted"}
    assert set(found.table["measure"]) == {
        "rules_public",
        "conduct_respect",
        "link_leadership",
        "link_post",
        "link_shift",
    }


def test_a_link_that_few_people_hold_is_in_no_gap(release: Release) -> None:
    found = gap(release, officers_of(release), agency="quarantine")
    assert found.withheld == ("link_leadership",)
    assert "link_leadership" not in set(found.table["measure"])
    undeclared = replace(release, document=replace(release.document, declared={}))
    assert gap(undeclared, officers_of(release)).withheld == ("link_leadership", "link_post", "link_shift")


def test_a_hidden_figure_makes_no_gap_and_does_not_count_in_the_family(release: Release) -> None:
    theirs = officers_of(release)
    table = theirs.document.scores["side",].copy()
    table.loc[table["measure"] == "rules_public", ["estimate", "se", "df", "low", "high", "n"]] = np.nan
    hidden = replace(theirs, document=replace(theirs.document, scores={("side",): table}))
    row = gap(release, hidden).table.set_index("measure").loc["rules_public"]
    assert (row["status"], row["reason"], bool(row["clear"])) == ("undefined", "hidden_score", False)
    assert pd.isna(row["p_adjusted"])


def test_a_gap_of_what_was_not_asked_is_refused(release: Release) -> None:
    theirs = officers_of(release)
    with pytest.raises(RequestError, match="users were not asked about left_bank in 2031"):
        gap(release, theirs, wave="2031")
    alone = replace(theirs, document=replace(theirs.document, scores={("side",): theirs.document.scores["side",]}))
    with pytest.raises(RequestError, match="officers were not asked about left_bank and customs"):
        gap(release, alone, agency="customs")
    real = replace(theirs, document=replace(theirs.document, synthetic=False))
    with pytest.raises(RequestError, match="never set beside invented ones"):
        gap(release, real)
    strangers = replace(theirs, document=replace(theirs.document, measures=()))
    nothing = gap(release, strangers)
    assert nothing.table.empty
    assert nothing.apart == nothing.withheld == ()


# The page


@pytest.fixture
def with_holders(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The store as if its release had been declared with holders of every office."""

    def read(data: bytes) -> Document:
        return replace(unpack(data), declared={"holders": holders()})

    monkeypatch.setattr(releases, "unpack", read)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Downloads that a page offers."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(st, "download_button", lambda label, **given: found.append({"label": label, **given}))
    return found


@pytest.fixture
def with_officers(monkeypatch: pytest.MonkeyPatch) -> None:
    real = storage.open_shelf

    def both(*given: Any) -> Shelf:
        found = real(*given)
        assert isinstance(found, StoreShelf)
        return WithOfficers(found)

    monkeypatch.setattr(storage, "open_shelf", both)
    own = session.shelves.open_shelf
    for name in ("shelves", "chains", "frame"):
        module = sys.modules[f"app.session.{name}"]
        monkeypatch.setattr(module, "open_shelf", lambda: WithOfficers(own()))


@pytest.fixture
def open_page(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    monkeypatch.setenv("SARHAD_DATABASE_URL", demo_url)

    def opened(**params: str) -> AppTest:
        at = AppTest.from_file(str(ROOT / "app" / "pages" / "chain.py"), default_timeout=60)
        for name, value in params.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception
        return at

    return opened


def told(at: AppTest) -> str:
    parts = [*at.markdown, *at.caption, *at.info, *at.error, *at.subheader]
    return "\n".join(part.value.replace("\\", "") for part in parts)


def specs(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(one.proto.spec) for one in at.get("vega_lite_chart")]


@pytest.mark.usefixtures("with_holders")
def test_the_page_says_draws_and_tabulates_where_the_chain_is_weakest(
    open_page: Callable[..., AppTest], offered: list[dict[str, Any]], release: Release
) -> None:
    at = open_page()
    line = sentences.chain_line(
        chains.chain(release, side="left_bank", wave="2026"),
        {part.code: part.title for part in release.document.measures},
    )
    assert f"Left bank, 2026. {line}".replace(" ", "") in told(at).replace("*", "").replace(" ", "")
    (spec,) = specs(at)
    assert spec["title"]["text"] == "Chain of accountability"
    assert spec["title"]["subtitle"][0] == "Left bank, 2026"
    assert "SYNTHETIC" in spec["description"]
    assert at.table[0].value["wave"].tolist() == list(WAVES)
    assert at.dataframe[0].value["link"].tolist()[0] == "Leadership of the service"
    assert "Officers are not surveyed yet" in told(at)
    assert "means the management of this service" in told(at)
    rows = pd.read_csv(io.BytesIO(offered[0]["data"]()))
    assert len(rows) == len(LINKS) * len(WAVES)
    assert set(rows["synthetic"]) == {"SYNTHETIC"}


@pytest.mark.usefixtures("with_holders", "offered")
def test_the_page_shows_an_agency_without_the_link_that_few_people_hold(open_page: Callable[..., AppTest]) -> None:
    at = open_page(agency="Plant and animal quarantine", side="Right bank", wave="2024")
    (spec,) = specs(at)
    assert spec["title"]["subtitle"][0] == "Right bank, Plant and animal quarantine, 2024"
    assert "Leadership of the service: not shown: fewer than 5 people hold this office" in spec["description"]
    assert "Not judged: leadership of the service." in told(at)


@pytest.mark.usefixtures("with_holders")
@pytest.mark.parametrize("asked", [{"by": "side_post"}, {"by": "Crossing"}, {"post": "heron_ferry"}, {"shift": "1"}])
def test_an_address_that_asks_for_a_post_shows_nothing_but_the_refusal(
    open_page: Callable[..., AppTest], asked: dict[str, str]
) -> None:
    at = open_page(**asked)
    assert "the chain of accountability is never cut by" in at.error[0].value
    assert not at.get("vega_lite_chart")
    assert not at.dataframe
    assert not at.table
    assert "Points most to" not in told(at)


@pytest.mark.usefixtures("with_holders", "offered")
def test_an_address_that_asks_for_side_and_agency_is_shown(open_page: Callable[..., AppTest]) -> None:
    assert len(specs(open_page(by="side_agency"))) == 1


def test_without_declared_holders_the_page_shows_nothing_of_links(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "unpack", lambda data: replace(unpack(data), declared={}))
    st.cache_resource.clear()
    at = open_page()
    assert chains.UNDECLARED in told(at)
    assert not at.get("vega_lite_chart")
    assert not at.dataframe
    st.cache_resource.clear()


@pytest.mark.usefixtures("with_holders", "with_officers")
def test_the_page_shows_what_officers_see_otherwise(
    open_page: Callable[..., AppTest], offered: list[dict[str, Any]], release: Release
) -> None:
    at = open_page()
    rows = gap(release, officers_of(release)).table
    chain, between = specs(at)
    assert chain["title"]["text"].startswith("Chain")
    assert between["title"]["text"] == "Officers less users"
    assert between["title"]["subtitle"][0] == "Left bank, 2026"
    assert sentences.gap_line(rows.to_dict("records")) in told(at)
    assert "Not compared, as both were asked in other words" in told(at)
    assert at.dataframe[1].value["clear"].tolist() == ["clear" if clear else "not clear" for clear in rows["clear"]]
    assert len(pd.read_csv(io.BytesIO(offered[-1]["data"]()))) == len(rows)


@pytest.mark.usefixtures("with_holders", "with_officers", "offered")
def test_the_survey_of_officers_alone_is_set_beside_nothing(open_page: Callable[..., AppTest]) -> None:
    at = open_page(survey="Officers of the services")
    assert "choose the survey of users above" in told(at)
    assert not any("Officers less users" in spec["title"]["text"] for spec in specs(at))


@pytest.mark.usefixtures("offered")
def test_a_release_without_agencies_offers_none_and_says_so(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_side_alone(data: bytes) -> Document:
        found = unpack(data)
        scores = {facets: table for facets, table in found.scores.items() if facets != ("side", "agency")}
        return replace(found, scores=scores, declared={"holders": holders()})

    monkeypatch.setattr(releases, "unpack", by_side_alone)
    st.cache_resource.clear()
    at = open_page()
    assert "this release shows the chain by side alone" in told(at)
    assert [control.label for control in at.get("button_group")] == ["Side", "Wave"]
    assert len(specs(at)) == 1
    st.cache_resource.clear()


# The commands


@pytest.fixture
def sarhad(
    demo_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[str, str]]:
    """The commands of this room under the product's own handling of errors."""
    room = typer.Typer(pretty_exceptions_enable=False)
    room.command("chain")(commands.chain)
    room.command("gap")(commands.gap)
    monkeypatch.setattr(cli, "app", room)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("SARHAD_DATABASE_URL", demo_url)

    def run(*words: str, expect: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["sarhad", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert (ended.value.code or 0) == expect, err + out
        return out, err

    return run


@pytest.mark.usefixtures("with_holders")
def test_the_command_says_where_the_chain_is_weakest(sarhad: Callable[..., tuple[str, str]]) -> None:
    out, _ = sarhad("chain")
    assert out.count("Points most to shift supervision") == 2
    assert "left_bank, 2026 (SYNTHETIC: every answer is invented)" in out
    rows = json.loads(sarhad("chain", "--side", "left_bank", "--wave", "2024", "--format", "json")[0])
    assert [row["measure"] for row in rows] == list(LINKS)
    assert {row["weakest"] for row in rows} <= {"points", "possible", "excluded"}
    assert {row["wave"] for row in rows} == {"2024"}


@pytest.mark.usefixtures("with_holders")
def test_the_command_by_agency_leaves_out_the_link_that_few_people_hold(
    sarhad: Callable[..., tuple[str, str]],
) -> None:
    rows = json.loads(sarhad("chain", "--by", "side,agency", "--format", "json")[0])
    assert len(rows) == 2 * 4 * len(LINKS)
    few = [row for row in rows if (row["by"]["agency"], row["measure"]) == FEW]
    assert [row["estimate"] for row in few] == [None, None]
    one = json.loads(sarhad("chain", "--agency", "customs", "--side", "right_bank", "--format", "json")[0])
    assert {tuple(row["by"].values()) for row in one} == {("right_bank", "customs")}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("chain", "--by", "side,post"), BY_POST),
        (("chain", "--by", "shift"), "never cut by shift"),
        (("chain", "--by", "agency"), "is that of one side"),
        (("chain", "--side", "north"), "there is no side 'north'; the sides are left_bank, right_bank"),
        (("chain", "--agency", "police"), "no figures of that agency; it has customs, guards, migration, quarantine"),
        (("chain", "--wave", "2031"), "no figures of left_bank in 2031"),
        (("gap", "--officers", "officers", "--wave", "2031"), "users were not asked about left_bank in 2031"),
    ],
)
@pytest.mark.usefixtures("with_holders", "with_officers")
def test_a_wrong_call_is_a_sentence_and_exit_code_2(
    sarhad: Callable[..., tuple[str, str]], words: tuple[str, ...], text: str
) -> None:
    out, err = sarhad(*words, "--survey", demo.SURVEY, expect=2)
    assert text in err
    assert "estimate" not in out


@pytest.mark.usefixtures("with_holders", "with_officers")
def test_the_command_tells_users_and_officers_apart(sarhad: Callable[..., tuple[str, str]], release: Release) -> None:
    expected = gap(release, officers_of(release)).table
    rows = json.loads(sarhad("gap", "--officers", "officers", "--side", "left_bank", "--format", "json")[0])
    assert [row["measure"] for row in rows] == expected["measure"].tolist()
    assert [row["estimate"] for row in rows] == pytest.approx(expected["estimate"].tolist())
    assert all(row["told"].endswith(".") for row in rows)
    out, _ = sarhad("gap", "--officers", "officers")
    assert out.count("judged together (Holm)") == 2
