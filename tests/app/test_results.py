"""What leaves the store: masked, rounded, true to the planted truth, never of a draft."""

from datetime import UTC, datetime

import numpy as np
import pytest

from app.workflow import demo, releases, results
from scoring import DesignError, EstimationError
from surveys.store import Store

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
BY_POST = ("side", "post")


def test_the_demo_holds_three_published_waves_of_about_1500_interviews(demo_store: Store) -> None:
    waves = demo_store.waves(demo.SURVEY)
    assert [wave.name for wave in waves] == ["2022", "2024", "2026"]
    assert all(wave.state == "published" and 1400 <= wave.submissions <= 1600 for wave in waves)


def test_the_demo_is_filled_once(demo_store: Store) -> None:
    assert demo.fill(demo_store, at=NOON, progress=lambda _: None) is False


def test_most_cells_by_post_pass_the_mask(demo_store: Store) -> None:
    table = results.explore(demo_store, demo.SURVEY, by=BY_POST, at=NOON).table
    indices = table[table["measure"].isin(["accountability", "integrity"])]
    assert len(indices) == 3 * 12 * 2
    assert (indices["status"] == "ok").mean() > 0.9


def test_shown_figures_are_rounded_and_hidden_ones_are_empty(demo_store: Store) -> None:
    table = results.explore(demo_store, demo.SURVEY, by=BY_POST, at=NOON).table
    hidden = table["status"].isin(["suppressed", "unreliable"])
    figures = ["estimate", "se", "df", "low", "high", "n", "n_eff", "deff", "low_80", "high_80", "low_50", "high_50"]
    assert hidden.any()
    assert table.loc[hidden, figures].isna().all(axis=None)
    shown = table[~hidden & table["measure"].isin(["accountability", "integrity"])]
    assert np.allclose(shown["estimate"] * 10, (shown["estimate"] * 10).round())
    assert (shown["n"] % 5 == 0).all()


def test_inner_intervals_lie_inside_outer_ones(demo_store: Store) -> None:
    table = results.explore(demo_store, demo.SURVEY, by=BY_POST, at=NOON).table.dropna(subset=["low", "low_50"])
    assert (table["low"] <= table["low_80"]).all()
    assert (table["low_80"] <= table["low_50"]).all()
    assert (table["high_50"] <= table["high_80"]).all()
    assert (table["high_80"] <= table["high"]).all()


def test_the_chain_is_shown_by_side_and_never_by_post(demo_store: Store) -> None:
    links = {"chain", "link_shift", "link_post"}
    by_side = results.scorecard(demo_store, demo.SURVEY, by=("side",), at=NOON).table
    assert links <= set(by_side["measure"])
    for facets in (BY_POST, ("side", "user_group")):
        table = results.scorecard(demo_store, demo.SURVEY, by=facets, at=NOON).table
        assert not links & set(table["measure"])
    with pytest.raises(EstimationError, match="chain"):
        results.moved(demo_store, demo.SURVEY, measures=("chain",), waves=("2022", "2026"), by=BY_POST, at=NOON)


def test_supervision_of_the_shift_is_the_weakest_link(demo_store: Store) -> None:
    table = results.scorecard(demo_store, demo.SURVEY, by=("side",), at=NOON).table
    links = table[table["measure"].str.startswith("link_")]
    weakest = links.loc[links.groupby(["wave", "side"])["estimate"].idxmin(), "measure"]
    assert (weakest == "link_shift").mean() >= 5 / 6


def test_the_planted_changes_are_found_and_no_noise_post_is_called(demo_store: Store) -> None:
    view = results.trends(demo_store, demo.SURVEY, by=BY_POST, at=NOON, codes=("accountability", "integrity"))
    moves = view.moves
    clear = moves[(moves["since"] == "2022") & (moves["wave"] == "2026") & moves["clear"]]
    movers = clear.groupby(["side", "post"])["estimate"].mean()
    per_side = movers.groupby("side").agg(["min", "max", "size"])
    assert (per_side["size"] == 2).all()
    assert (per_side["min"] < 0).all()
    assert (per_side["max"] > 0).all()


def test_banks_that_did_not_move_are_not_said_to_have_moved(demo_store: Store) -> None:
    moves = results.trends(demo_store, demo.SURVEY, by=("side",), at=NOON).moves
    assert not moves["clear"].any()


def test_the_page_and_the_command_give_the_same_verdicts(demo_store: Store) -> None:
    codes = ("accountability", "integrity")
    page = results.trends(demo_store, demo.SURVEY, by=BY_POST, at=NOON, codes=codes).moves
    command = results.moved(demo_store, demo.SURVEY, measures=codes, waves=("2022", "2026"), by=BY_POST, at=NOON).moves
    assert page.equals(command)


def test_no_figure_over_both_sides_leaves_the_store(demo_store: Store) -> None:
    with pytest.raises(EstimationError, match="a side at a time"):
        results.scorecard(demo_store, demo.SURVEY, by=(), at=NOON)


def test_a_draft_is_never_scored(fresh_store: Store) -> None:
    demo.fill(fresh_store, at=NOON, progress=lambda _: None)
    for wave in demo.WAVES:
        releases.unpublish(fresh_store, survey_id=demo.SURVEY, wave=wave, who="test", at=NOON)
    with pytest.raises(DesignError, match="no wave is published"):
        results.explore(fresh_store, demo.SURVEY, by=("side",), at=NOON)


@pytest.mark.parametrize("code", ["reported", "reported_customs"])
def test_a_measure_of_ticks_has_the_words_of_its_question(demo_store: Store, code: str) -> None:
    (measure,) = (part for part in results.measures(demo_store, demo.SURVEY) if part.code == code)
    assert measure.question.startswith("Did you report any of this")
    assert measure.actor == "agency_headquarters"


def test_reports_of_each_service_are_scored_and_never_above_all_reports(demo_store: Store) -> None:
    table = results.scorecard(demo_store, demo.SURVEY, by=("side",), at=NOON).table
    shown = table[table["status"] == "ok"].set_index(["measure", "wave", "side"])["estimate"]
    assert {"reported", "reported_customs", "reported_guards"} <= set(shown.index.get_level_values("measure"))
    assert (shown.loc["reported_customs"] <= shown.loc["reported"].reindex(shown.loc["reported_customs"].index)).all()


def test_totals_are_kept_and_serve_the_second_call(demo_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = results.scorecard(demo_store, demo.SURVEY, by=("side",), at=NOON).table
    monkeypatch.setattr(results, "_reduced", None)  # a second reduction would call None
    second = results.scorecard(demo_store, demo.SURVEY, by=("side",), at=NOON).table
    assert first.equals(second)


def test_a_result_names_its_sources(demo_store: Store) -> None:
    view = results.explore(demo_store, demo.SURVEY, by=("side",), at=NOON)
    assert view.synthetic
    assert {"data", "data_until", "instrument", "engine", "framework", "df", "lonely"} <= set(view.note)
