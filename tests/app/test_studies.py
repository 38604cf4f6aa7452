"""What advisers ask of a release: another index, its stability, its soundness; all of it from what is published."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.workflow import studies
from app.workflow.document import pack, unpack
from app.workflow.results import Release
from app.workflow.revising import without as withdrawn
from app.workflow.studies import Choice
from scoring import RequestError

LEFT, WAVE, BY_POST = "left_bank", "2026", ("side", "post")


def ask(release: Release, measure: str = "integrity", choice: Choice | None = None) -> pd.DataFrame:
    found = studies.what_if(release, side=LEFT, wave=WAVE, by=BY_POST, measure=measure, choice=choice)
    return found.set_index("post")


def shown(release: Release, measure: str) -> pd.DataFrame:
    table = release.document.scores[BY_POST]
    rows = table[(table["side"] == LEFT) & (table["wave"] == WAVE) & (table["measure"] == measure)]
    return rows.set_index("post")


def test_the_published_way_has_the_published_figures(demo_release: Release) -> None:
    made = ask(demo_release)
    official = shown(demo_release, "integrity").loc[made.index]
    for name in ("estimate", "se", "df", "low", "high"):
        assert made[name].tolist() == official[name].tolist()
    assert made["official"].tolist() == official["estimate"].tolist()
    assert (made["band"] == made["official_band"]).all()


def test_one_dimension_alone_is_the_score_of_that_dimension(demo_release: Release) -> None:
    made = ask(demo_release, choice=Choice(weights={"fairness": 0.0}))
    conduct = shown(demo_release, "conduct").loc[made.index]
    assert made["estimate"].to_numpy() == pytest.approx(conduct["estimate"].to_numpy(), abs=0.11)  # of rounded parts
    assert made["se"].to_numpy() == pytest.approx(conduct["se"].to_numpy(), rel=0.5)  # one correlation for all posts
    assert made["official"].tolist() == shown(demo_release, "integrity").loc[made.index, "estimate"].tolist()


def test_a_minimum_is_no_more_than_a_geometric_and_that_no_more_than_an_arithmetic_mean(demo_release: Release) -> None:
    least, middle, mean = (
        ask(demo_release, choice=Choice(weights={"conduct": 2.0}, aggregation={"integrity": how}))
        for how in ("minimum", "geometric", "arithmetic")
    )
    assert (middle["estimate"] <= mean["estimate"]).all()
    assert (least["high"] > least["low"]).all()
    assert least["estimate"].mean() < middle["estimate"].mean()


def test_ranks_run_from_the_best_and_their_sets_hold_them(demo_release: Release) -> None:
    made = ask(demo_release).sort_values("estimate", ascending=False)
    assert made["rank"].tolist() == sorted(made["rank"])
    assert ((made["rank_low"] <= made["rank"]) & (made["rank"] <= made["rank_high"])).all()


def test_a_hidden_question_refuses_every_index_over_it_at_that_post_alone(demo_release: Release) -> None:
    table = demo_release.document.scores[BY_POST]
    rows = (table["post"] == "heron_ferry") & (table["measure"] == "fair_order") & (table["wave"] == WAVE)
    hidden = table.copy()
    hidden.loc[rows, ["estimate", "se", "df", "low", "high", "n"]] = np.nan
    document = replace(demo_release.document, scores={**demo_release.document.scores, BY_POST: hidden})
    made = ask(replace(demo_release, document=document), choice=Choice(weights={"conduct": 2.0}))
    assert made.loc["heron_ferry", "status"] == "suppressed"
    assert made.loc["heron_ferry", "reason"] == "hidden_part"
    assert np.isnan(made.loc["heron_ferry", "estimate"])
    assert (made.drop(index="heron_ferry")["status"] == "ok").all()
    left_out = ask(replace(demo_release, document=document), choice=Choice(left_out=("fair_order",)))
    assert (left_out["status"] == "ok").all()


def test_bands_call_a_post_that_stands_far_above_its_side(demo_release: Release) -> None:
    table = demo_release.document.scores[BY_POST].copy()
    far = (table["post"] == "heron_ferry") & (table["measure"] == "integrity") & (table["wave"] == WAVE)
    table.loc[far, "estimate"] = 90.0
    document = replace(demo_release.document, scores={**demo_release.document.scores, BY_POST: table})
    moved = replace(demo_release, document=document)
    found = studies.bands(moved, side=LEFT, wave=WAVE, by=BY_POST, measure="integrity")
    assert found["heron_ferry"] == "above"
    assert set(found.drop("heron_ferry")) <= {"below", "not_distinguishable"}
    assert studies.bands(moved, side=LEFT, wave=WAVE, by=("side", "sex"), measure="integrity").empty
    assert studies.bands(moved, side=LEFT, wave=WAVE, by=("side",), measure="integrity").empty


def test_stability_and_shares_are_of_the_index_asked_for(demo_release: Release) -> None:
    told: list[float] = []
    found = studies.stability(
        demo_release, side=LEFT, wave=WAVE, by=BY_POST, measure="accountability", progress=told.append
    )
    assert len(found) == len(ask(demo_release))
    assert found["stability"].between(0, 1).all()
    assert (found["score_05"] <= found["score_95"]).all()
    assert told[-1] == pytest.approx(1.0)
    parts = studies.shares(demo_release, side=LEFT, wave=WAVE, by=BY_POST, measure="integrity")
    assert set(parts["group"]) == {"normalisation", "weights", "aggregation", "item", "sampling"}
    assert set(parts["outcome"]) == {"rank_shift", "score"}


def test_groups_that_were_asked_in_the_same_shifts_are_refused_in_words(demo_release: Release) -> None:
    assert studies.possible(demo_release, side=LEFT, wave=WAVE, by=BY_POST) == ""
    assert "same shifts" in studies.possible(demo_release, side=LEFT, wave=WAVE, by=("side", "sex"))
    assert "no table" in studies.possible(demo_release, side=LEFT, wave=WAVE, by=("side", "age"))


def test_a_release_of_an_earlier_version_says_that_it_has_no_studies(demo_release: Release) -> None:
    old = replace(demo_release, document=replace(demo_release.document, definition="", studies={}))
    assert "Prepare a new release" in studies.possible(old, side=LEFT, wave=WAVE, by=BY_POST)
    with pytest.raises(RequestError, match="prepare a new release"):
        studies.soundness(old, side=LEFT, wave=WAVE)


def test_soundness_judges_the_nodes_of_the_framework_of_the_release(demo_release: Release) -> None:
    found = studies.soundness(demo_release, side=LEFT, wave=WAVE)
    framework = studies.framework_of(demo_release)
    reflective = {node.code for node in framework.nodes if node.kind == "reflective"}
    assert set(found.nodes["node"]) == reflective
    assert found.findings
    assert set(found.items["item"]) == {item.code for item in framework.items}
    assert set(found.invariance["grouping"]) == {"language", "wave"}
    assert not found.between.empty
    assert (found.compensation["offset"] <= found.compensation["below"]).all()


def test_studies_are_of_many_answers_and_coarse(demo_release: Release) -> None:
    for table in demo_release.document.studies.values():
        if "n" in table:
            assert (table["n"].dropna() % 5 == 0).all()
            assert (table["n"].dropna() >= 100).all()
    items = demo_release.document.studies["items"]
    for end in ("floor", "ceiling"):
        assert np.allclose(items[end] * 20, np.round(items[end] * 20))
    assert demo_release.document.studies["errors"]["correlation"].abs().max() <= 1


def test_studies_stand_for_every_wave_of_a_release(demo_release: Release) -> None:
    for name in ("errors", "nodes", "items"):
        assert set(demo_release.document.studies[name]["wave"]) == set(demo_release.document.waves)


def test_a_withdrawal_takes_the_studies_in_which_the_withdrawn_answers_were(demo_release: Release) -> None:
    document = demo_release.document
    names = ["table", "wave", "side", "post", "user_group", "sex", "direction", "agency", "measure", "why"]
    mask = pd.DataFrame({name: pd.Series(dtype="str") for name in names})
    one = withdrawn(document, mask, [{"post": "heron_ferry", "wave": "2024"}])
    assert set(one.studies["items"]["wave"]) == {"2022", "2026"}
    assert set(one.studies["invariance"]["wave"]) == {"2022"}  # those of 2026 hold 2024 against it
    few = replace(document, studies={**document.studies, "invariance": document.studies["invariance"].iloc[:0]})
    assert withdrawn(unpack(pack(few)), mask, [{"post": "heron_ferry"}]).studies["invariance"].empty
    every = withdrawn(document, mask, [{"post": "heron_ferry"}])
    assert all(table.empty for table in every.studies.values())


def test_a_document_with_studies_is_read_as_it_was_written(demo_release: Release) -> None:
    again = unpack(pack(demo_release.document))
    assert again.definition == demo_release.document.definition
    for name, table in demo_release.document.studies.items():
        pd.testing.assert_frame_equal(again.studies[name], table)


def test_a_withdrawal_empties_what_the_framework_of_today_does_not_score(demo_release: Release) -> None:
    """No mask can be solved for it, so no total of it may stay beside a withdrawn part."""
    names = ["table", "wave", "side", "post", "user_group", "sex", "direction", "agency", "measure", "why"]
    mask = pd.DataFrame([dict.fromkeys(names, "") | {"wave": WAVE, "measure": "integrity"}])
    left = withdrawn(demo_release.document, mask, [{"post": "heron_ferry"}]).scores[BY_POST]
    others = left[left["measure"] != "integrity"]
    assert others.loc[others["wave"] == WAVE, "estimate"].isna().all()
    assert others.loc[others["wave"] == "2022", "estimate"].notna().any()


def test_questions_of_another_version_are_left_out_of_the_correlations_of_errors(demo_release: Release) -> None:
    errors = demo_release.document.studies["errors"]
    more = pd.concat([errors, errors.head(1).assign(first="gone_question")], ignore_index=True)
    document = replace(demo_release.document, studies={**demo_release.document.studies, "errors": more})
    changed = ask(replace(demo_release, document=document), choice=Choice(weights={"conduct": 2.0}))
    pd.testing.assert_frame_equal(changed, ask(demo_release, choice=Choice(weights={"conduct": 2.0})))


@pytest.mark.parametrize("index", ["accountability", "integrity", "chain"])
def test_an_index_of_which_every_question_means_two_things_is_not_compared_without_them(
    demo_release: Release, index: str
) -> None:
    framework = studies.framework_of(demo_release)
    under = {item.code for item in framework.items} & set(framework.below(index))
    table = demo_release.document.studies["invariance"].copy()
    table.loc[table["item"].isin(under), "dif"] = "yes"
    document = replace(demo_release.document, studies={**demo_release.document.studies, "invariance": table})
    found = studies.soundness(replace(demo_release, document=document), side=LEFT, wave=WAVE)
    assert index not in set(found.comparisons.get("measure", []))


def test_changes_are_held_against_the_same_without_the_questions_of_two_meanings(demo_release: Release) -> None:
    table = demo_release.document.studies["invariance"].copy()
    table.loc[table["item"] == "fair_order", "dif"] = "yes"
    document = replace(demo_release.document, studies={**demo_release.document.studies, "invariance": table})
    found = studies.soundness(replace(demo_release, document=document), side=LEFT, wave=WAVE)
    assert found.compared
    assert set(found.comparisons["measure"]) == {"integrity"}
    assert (found.comparisons["change"] != found.comparisons["without"]).any()


def test_bands_of_the_published_way_are_the_same_on_every_page(demo_release: Release) -> None:
    for side in ("left_bank", "right_bank"):
        for wave in demo_release.document.waves:
            where = {"side": side, "wave": wave, "by": BY_POST, "measure": "accountability"}
            called = studies.bands(demo_release, **where)
            made = studies.what_if(demo_release, **where).set_index("post")
            assert made["band"].tolist() == called.reindex(made.index).fillna("").tolist()


def test_an_index_without_figures_is_not_called_sound(demo_release: Release) -> None:
    found = studies.soundness(demo_release, side=LEFT, wave=WAVE)
    assert {"conduct", "fairness", "integrity"} <= found.judged
    blank = replace(found, nodes=found.nodes.assign(alpha=np.nan), parts=found.parts.assign(influence=np.nan))
    assert blank.judged == set()
