"""A link of the chain that few people hold is a figure about persons: no door shows it, and it is not given back."""

import pandas as pd
import pytest

from app.workflow import demo
from app.workflow.describing import framework, lattice
from app.workflow.holders import WHY, few_held
from app.workflow.results import Release
from surveys.store import Store

HEAD = "side,agency,link,holders\n"


def hidden(store: Store, text: str) -> pd.DataFrame:
    questionnaire = store.questionnaire(demo.SURVEY)
    scoring = framework(questionnaire.id)
    return few_held(questionnaire, scoring, lattice(questionnaire).tables, ["2026"], {"holders": HEAD + text})


def test_a_link_of_four_goes_with_the_means_that_hold_it(demo_store: Store) -> None:
    rows = hidden(demo_store, "left_bank,,link_post,4\nleft_bank,,link_shift,5\n")
    own = rows[rows["table"] == "side"]
    assert set(own["side"]) == {"left_bank"}
    assert set(own["measure"]) == {"link_post", "chain_links", "chain"}
    assert set(rows["why"]) == {WHY}


def test_of_an_agency_nobody_counted_no_link_is_shown(demo_store: Store) -> None:
    """Of those 90 commanders 50 are not of customs: what is left of the side is about many."""
    rows = hidden(demo_store, "left_bank,,link_post,90\nleft_bank,customs,link_post,40\n")
    customs = rows[(rows["agency"] == "customs") & (rows["side"] == "left_bank")]
    links = [item.code for item in framework("traveller").items if item.code.startswith("link_")]
    assert set(links) - set(customs["measure"]) == {"link_post"}
    guards = rows[(rows["agency"] == "guards") & (rows["side"] == "left_bank")]
    assert set(links) <= set(guards["measure"])
    assert rows[rows["table"] == "side"].empty


def test_the_demo_shows_no_link_of_few_and_nothing_that_gives_it_back(demo_release: Release) -> None:
    table = demo_release.document.scores[("side", "agency")]
    few = table[(table["agency"] == "quarantine") & (table["side"] == "left_bank")].set_index(["wave", "measure"])
    for wave in demo_release.document.waves:
        for measure in ("link_leadership", "chain_links", "chain"):
            assert pd.isna(few.loc[(wave, measure), "estimate"])
            assert few.loc[(wave, measure), "status"] == "suppressed"
    customs = table[(table["agency"] == "customs") & (table["side"] == "left_bank")]
    assert customs.loc[customs["measure"] == "link_leadership", "estimate"].notna().any()


@pytest.mark.parametrize("name", ["remedies", "parts", "items", "nodes"])
def test_studies_of_the_demo_are_of_whole_sides(demo_release: Release, name: str) -> None:
    assert "agency" not in demo_release.document.studies[name].columns
