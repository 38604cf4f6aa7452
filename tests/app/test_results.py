"""What leaves the store: masked, rounded, true to the planted truth, never of a draft."""

from pathlib import Path

import numpy as np
import pytest

from app.workflow import demo, publishing, reducing, releases, results
from app.workflow.results import Release
from app.workflow.shelf import StoreShelf
from scoring import RequestError
from scoring.packing import to_bytes
from surveys.errors import StoreError
from surveys.store import Store
from tests.filled import NOON, RIVER, send, signed

BY_POST = ("side", "post")


def test_the_demo_holds_three_published_waves_of_about_1500_interviews(demo_store: Store) -> None:
    waves = demo_store.waves(demo.SURVEY)
    assert [wave.name for wave in waves] == ["2022", "2024", "2026"]
    assert all(wave.state == "published" and 1400 <= wave.submissions <= 1600 for wave in waves)


def test_the_demo_is_filled_once(demo_store: Store) -> None:
    assert demo.fill(demo_store, at=NOON, progress=lambda _: None) is False


def test_most_cells_by_post_pass_the_mask(demo_release: Release) -> None:
    table = results.explore(demo_release, by=BY_POST).table
    indices = table[table["measure"].isin(["accountability", "integrity"])]
    assert len(indices) == 3 * 12 * 2
    assert (indices["status"] == "ok").mean() > 0.9


def test_shown_figures_are_rounded_and_hidden_ones_are_empty(demo_release: Release) -> None:
    table = results.explore(demo_release, by=BY_POST).table
    hidden = table["status"].isin(["suppressed", "unreliable"])
    figures = ["estimate", "se", "df", "low", "high", "n", "n_eff", "deff", "low_80", "high_80", "low_50", "high_50"]
    assert hidden.any()
    assert table.loc[hidden, figures].isna().all(axis=None)
    shown = table[~hidden & table["measure"].isin(["accountability", "integrity"])]
    assert np.allclose(shown["estimate"] * 10, (shown["estimate"] * 10).round())
    assert (shown["n"] % 5 == 0).all()


def test_inner_intervals_lie_inside_outer_ones(demo_release: Release) -> None:
    table = results.explore(demo_release, by=BY_POST).table.dropna(subset=["low", "low_50"])
    assert (table["low"] <= table["low_80"]).all()
    assert (table["low_80"] <= table["low_50"]).all()
    assert (table["high_50"] <= table["high_80"]).all()
    assert (table["high_80"] <= table["high"]).all()


def test_the_chain_is_shown_by_side_and_never_by_post(demo_release: Release) -> None:
    links = {"chain", "link_shift", "link_post"}
    by_side = results.scorecard(demo_release, by=("side",)).table
    assert links <= set(by_side["measure"])
    for facets in (BY_POST, ("side", "user_group")):
        table = results.scorecard(demo_release, by=facets).table
        assert not links & set(table["measure"])
    with pytest.raises(RequestError, match="chain"):
        results.moved(demo_release, measures=("chain",), waves=("2022", "2026"), by=BY_POST)


def test_supervision_of_the_shift_is_the_weakest_link(demo_release: Release) -> None:
    table = results.scorecard(demo_release, by=("side",)).table
    links = table[table["measure"].str.startswith("link_")]
    weakest = links.loc[links.groupby(["wave", "side"])["estimate"].idxmin(), "measure"]
    assert (weakest == "link_shift").mean() >= 5 / 6


def test_the_planted_changes_are_found_and_no_noise_post_is_called(demo_release: Release) -> None:
    view = results.trends(demo_release, by=BY_POST, codes=("accountability", "integrity"))
    moves = view.moves
    clear = moves[(moves["since"] == "2022") & (moves["wave"] == "2026") & moves["clear"]]
    movers = clear.groupby(["side", "post"])["estimate"].mean()
    per_side = movers.groupby("side").agg(["min", "max", "size"])
    assert (per_side["size"] == 2).all()
    assert (per_side["min"] < 0).all()
    assert (per_side["max"] > 0).all()


def test_banks_that_did_not_move_are_not_said_to_have_moved(demo_release: Release) -> None:
    moves = results.trends(demo_release, by=("side",)).moves
    assert not moves["clear"].any()


def test_the_page_and_the_command_give_the_same_verdicts(demo_release: Release) -> None:
    codes = ("accountability", "integrity")
    page = results.trends(demo_release, by=BY_POST, codes=codes).moves
    command = results.moved(demo_release, measures=codes, waves=("2022", "2026"), by=BY_POST).moves
    assert page.equals(command)


def test_no_figure_over_both_sides_leaves_the_store(demo_release: Release) -> None:
    with pytest.raises(RequestError, match="a side at a time"):
        results.scorecard(demo_release, by=())


def test_a_draft_is_never_scored(fresh_store: Store, tmp_path: Path) -> None:
    send(fresh_store, tmp_path, "2022")
    shelf = StoreShelf(fresh_store)
    (info,) = shelf.surveys()
    assert (info.waves, info.drafts, info.release) == ((), ("2022",), 0)
    with pytest.raises(StoreError, match="no wave of 'river' is published"):
        shelf.release(RIVER)


def test_a_candidate_is_not_read_before_it_is_published(fresh_store: Store, tmp_path: Path) -> None:
    send(fresh_store, tmp_path, "2022")
    number = publishing.prepare(fresh_store, RIVER, waves=["2022"], who="team", at=NOON)
    shelf = StoreShelf(fresh_store)
    with pytest.raises(StoreError, match="not published yet"):
        shelf.release(RIVER, number)
    signed(fresh_store, number)
    with pytest.raises(StoreError, match="not published yet"):
        shelf.release(RIVER, number)
    releases.publish(fresh_store, RIVER, number, who="team", at=NOON, uncommented="nobody to ask")
    assert results.scorecard(shelf.release(RIVER), by=("side",)).table["estimate"].notna().any()


@pytest.mark.parametrize("code", ["reported", "reported_customs"])
def test_a_measure_of_ticks_has_the_words_of_its_question(demo_release: Release, code: str) -> None:
    (measure,) = (part for part in demo_release.document.measures if part.code == code)
    assert measure.question.startswith("Did you report any of this")
    assert measure.actor == "agency_headquarters"


def test_reports_of_each_service_are_scored_and_never_above_all_reports(demo_release: Release) -> None:
    table = results.scorecard(demo_release, by=("side",)).table
    shown = table[table["status"] == "ok"].set_index(["measure", "wave", "side"])["estimate"]
    assert {"reported", "reported_customs", "reported_guards"} <= set(shown.index.get_level_values("measure"))
    assert (shown.loc["reported_customs"] <= shown.loc["reported"].reindex(shown.loc["reported_customs"].index)).all()


def test_totals_are_kept_and_serve_the_second_call(river: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first, name = reducing.totals_of(river, RIVER, ("2022",), at=NOON)
    monkeypatch.setattr(reducing, "reduce", None)  # a second reduction would call None
    second, again = reducing.totals_of(river, RIVER, ("2022",), at=NOON)
    assert name == again
    assert to_bytes(first) == to_bytes(second)


def test_a_result_names_its_sources(demo_release: Release) -> None:
    view = results.explore(demo_release, by=("side",))
    assert view.synthetic
    assert {
        "data",
        "data_until",
        "instrument",
        "engine",
        "framework",
        "df",
        "release",
        "lattice",
        "strata",
        "psu",
    } <= set(view.note)
