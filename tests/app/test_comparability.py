"""Waves that were not made alike are refused, or bridged with the reason: in engine, page, command and words."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app import cli
from app.settings import ROOT
from app.workflow import comparability, comparing, composing, releases, results
from app.workflow.document import Document, Release, unpack
from scoring.compare import adjusted

SIDE, POSTS = ("side",), ("side", "post")
SIDES = ("left_bank", "right_bank")
WAVES = ("2022", "2024", "2026")
ALIKE: Mapping[str, Any] = {
    "languages": {"tajik": 0.6, "dari": 0.4}, "officer_in_sight": 0.05, "instrument": "traveller 2",
    "framework": "border 1",
}  # fmt: skip
BRIDGE = 'since = "2022"\nwave = "2026"\naspect = "{aspect}"\nreason = "{reason}"\n'
HARVEST = """
[waves.2022]
calendar = ["harvest"]
[waves.2024]
calendar = []
[waves.2026]
calendar = []
"""
REASON = "prices and loads were the same in both seasons"


def seen(changes: Mapping[tuple[str, str], Mapping[str, Any]] | None = None) -> pd.DataFrame:
    """What was seen in the interviews of every wave and side, the same but for some changes."""
    rows = []
    for wave in WAVES:
        for side in SIDES:
            key = {**ALIKE, **(changes or {}).get((wave, side), {})}
            place = {"wave": wave, "side": side}
            rows += [
                {**place, "aspect": "languages", "name": name, "share": share}
                for name, share in key["languages"].items()
            ]
            rows += [{**place, "aspect": "officer_in_sight", "name": "", "share": key["officer_in_sight"]}]
            rows += [
                {**place, "aspect": name, "name": key[name], "share": np.nan} for name in ("instrument", "framework")
            ]
    return pd.DataFrame(rows)


def made_otherwise(document: Document, keys: pd.DataFrame | None, waves: str) -> Document:
    studies = {name: table for name, table in document.studies.items() if name != "keys"}
    return replace(
        document,
        studies=studies if keys is None else {**studies, "keys": keys},
        declared={**document.declared, "waves": waves},
    )


def altered(release: Release, *, keys: pd.DataFrame | None = None, waves: str = "") -> Release:
    return replace(release, document=made_otherwise(release.document, keys, waves))


def status(release: Release, side: str, since: str = "2022", wave: str = "2026") -> str:
    return comparability.between(release, side=side, since=since, wave=wave).status


def moved(release: Release, by: tuple[str, ...] = SIDE) -> pd.DataFrame:
    return results.moved(release, measures=("accountability", "integrity"), waves=("2022", "2026"), by=by).moves


def test_releases_of_which_nothing_is_known_are_compared(demo_release: Release) -> None:
    old = altered(demo_release)
    assert [status(old, side) for side in SIDES] == ["comparable"] * 2
    rows = moved(old, POSTS)
    assert rows["estimate"].notna().sum() >= 20
    assert rows[["differs", "bridge"]].eq("").all(axis=None)
    assert results.trends(old, by=SIDE).notes == ()


def test_waves_made_alike_are_compared(demo_release: Release) -> None:
    assert [status(altered(demo_release, keys=seen()), side) for side in SIDES] == ["comparable"] * 2


def test_another_season_refuses_every_change_of_that_wave_and_gives_its_reason(demo_release: Release) -> None:
    release = altered(demo_release, keys=seen(), waves=HARVEST)
    rows = moved(release, POSTS)
    figures = rows[["estimate", "se", "df", "low", "high", "n", "p", "p_adjusted"]]
    assert figures.isna().all(axis=None)
    assert set(rows["status"]) == {"undefined"}
    assert set(rows["reason"]) == {"not_comparable"}
    assert set(rows["differs"]) == {"season of the fieldwork: harvest in 2022, none of the seasons to be named in 2026"}
    assert not rows["clear"].any()
    later = results.moved(release, measures=("integrity",), waves=("2024", "2026"), by=SIDE)
    assert later.moves["estimate"].notna().all()
    assert later.notes == ()
    (left, right) = results.trends(release, by=SIDE).notes
    assert left.startswith("Left bank: 2022 and 2026 are not compared. What differs is season")
    assert right.startswith("Right bank: ")


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"languages": {"tajik": 0.85, "dari": 0.15}}, True),
        ({"languages": {"tajik": 0.75, "dari": 0.25}}, False),
        ({"officer_in_sight": 0.30}, True),
        ({"officer_in_sight": 0.25}, False),
        ({"instrument": "traveller 3"}, True),
        ({"framework": "border 2"}, True),
    ],
)
def test_what_is_seen_on_one_side_refuses_the_changes_of_that_side_alone(
    demo_release: Release, change: Mapping[str, Any], *, refused: bool
) -> None:
    release = altered(demo_release, keys=seen({("2026", "left_bank"): change}))
    assert (status(release, "left_bank"), status(release, "right_bank")) == (
        "refused" if refused else "comparable",
        "comparable",
    )
    rows = moved(release, POSTS).set_index("side")
    plain = moved(demo_release, POSTS).set_index("side")
    assert rows.loc["left_bank", "estimate"].isna().all() == refused
    assert rows.loc["right_bank", "estimate"].equals(plain.loc["right_bank", "estimate"])


def test_what_is_refused_does_not_count_in_the_family(demo_release: Release) -> None:
    release = altered(demo_release, keys=seen({("2026", "left_bank"): {"instrument": "traveller 3"}}))
    rows = results.tested(release, ("accountability", "integrity"), ("2022", "2026"), POSTS)
    right = rows[rows["side"] == "right_bank"]
    assert rows.loc[rows["side"] == "left_bank", "p"].isna().all()
    judged = moved(release, POSTS)
    expected = adjusted(right["p"].to_numpy(dtype=float), adjust="holm").round(3).clip(0.001)
    assert judged.loc[judged["side"] == "right_bank", "p_adjusted"].to_numpy() == pytest.approx(expected, nan_ok=True)


def test_a_bridge_keeps_the_figures_of_the_side_that_needs_it_and_asks_nothing_of_the_other(
    demo_release: Release,
) -> None:
    keys = seen({("2026", "left_bank"): {"officer_in_sight": 0.5}})
    waves = "[[bridge]]\n" + BRIDGE.format(aspect="officer_in_sight", reason=REASON)
    release = altered(demo_release, keys=keys, waves=waves)
    assert [status(release, side) for side in SIDES] == ["bridged", "comparable"]
    rows, plain = moved(release), moved(demo_release)
    pd.testing.assert_frame_equal(rows.drop(columns=["differs", "bridge"]), plain.drop(columns=["differs", "bridge"]))
    assert dict(zip(rows["side"], rows["bridge"], strict=True)) == {"left_bank": REASON, "right_bank": ""}
    (note,) = results.trends(release, by=SIDE).notes
    assert note.startswith("Left bank: 2022 and 2026 are compared although they differ in interviews with an officer")
    assert f"(bridged: {REASON})" in note


def test_a_bridge_holds_in_both_directions_of_telling(demo_release: Release) -> None:
    waves = HARVEST + "[[bridge]]\n" + BRIDGE.format(aspect="calendar", reason=REASON)
    release = altered(demo_release, keys=seen(), waves=waves)
    assert status(release, "left_bank", "2026", "2022") == "bridged"
    back = results.moved(release, measures=("integrity",), waves=("2026", "2022"), by=SIDE).moves
    assert back["estimate"].notna().all()
    assert set(back["bridge"]) == {REASON}


def test_one_bridge_does_not_carry_another_difference(demo_release: Release) -> None:
    keys = seen({("2026", side): {"instrument": "traveller 3"} for side in SIDES})
    waves = HARVEST + "[[bridge]]\n" + BRIDGE.format(aspect="calendar", reason=REASON)
    release = altered(demo_release, keys=keys, waves=waves)
    assert [status(release, side) for side in SIDES] == ["refused"] * 2
    assert moved(release)["estimate"].isna().all()


def test_what_was_seen_of_one_wave_alone_refuses_nothing_and_what_was_declared_does(demo_release: Release) -> None:
    keys = seen()
    release = altered(demo_release, keys=keys[keys["wave"] != "2022"])
    assert [status(release, side) for side in SIDES] == ["comparable"] * 2
    half = altered(demo_release, keys=seen(), waves='[waves.2026]\nmode = "phone"\n')
    assert [status(half, side) for side in SIDES] == ["refused"] * 2
    assert "declared of one wave, not of 2022" in moved(half)["differs"].iloc[0]


def test_trends_and_splits_over_waves_that_differ_are_refused_too(demo_release: Release) -> None:
    release = altered(demo_release, keys=seen(), waves=HARVEST)
    found = comparing.trend(release, side="left_bank", measures=["integrity"])
    assert found.table[["estimate", "low", "p"]].isna().all(axis=None)
    assert set(found.table["reason"]) == {"not_comparable"}
    assert len(found.notes) == 2
    assert found.family == 0
    whole = comparing.trend(altered(demo_release, keys=seen()), side="left_bank", measures=["integrity"])
    assert whole.family == 1
    assert composing.composition(release, side="left_bank", waves=("2022", "2026")).table.empty
    assert len(composing.composition(release, side="left_bank", waves=("2024", "2026")).table)


# Where people read it


@pytest.fixture
def harvest(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """The demo as it would be, had its first wave been asked in the harvest; with or without a bridge."""
    monkeypatch.setenv("SARHAD_DATABASE_URL", demo_url)

    def declare(bridge: str) -> None:
        waves = HARVEST + bridge
        monkeypatch.setattr(releases, "unpack", lambda data: made_otherwise(unpack(data), seen(), waves))
        st.cache_resource.clear()
        st.cache_data.clear()

    yield declare
    st.cache_resource.clear()
    st.cache_data.clear()


BRIDGED = "[[bridge]]\n" + BRIDGE.format(aspect="calendar", reason=REASON)


def rows_of(text: str, form: str) -> list[dict[str, Any]]:
    return json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("form", ["json", "csv"])
def test_the_command_gives_the_reason_beside_every_row(harvest: Callable[[str], None], form: str) -> None:
    words = ["change", "--measure", "integrity", "--waves", "2022,2026", "--by", "side", "--format", form]
    for bridge in ("", BRIDGED):
        harvest(bridge)
        done = CliRunner().invoke(cli.app, words)
        assert done.exit_code == 0
        for row in rows_of(done.stdout, form):
            assert "harvest in 2022" in row["differs"]
            assert row["bridge"] == (REASON if bridge else "")
            assert (row["reason"] == "not_comparable") == (not bridge)
            assert bool(row["estimate"]) == bool(bridge)


def test_the_page_says_why_two_waves_are_not_compared_or_are_bridged(harvest: Callable[[str], None]) -> None:
    told = {}
    for bridge in ("", BRIDGED):
        harvest(bridge)
        at = AppTest.from_file(str(ROOT / "app" / "pages" / "compare.py"), default_timeout=60)
        at.run()
        assert not at.exception
        told[bridge] = "\n".join(part.value.replace("\\", "") for part in (*at.warning, *at.markdown))
    assert "Left bank: 2022 and 2026 are not compared. What differs is season" in told[""]
    assert "improvement" not in told[""]
    assert "not made alike" in told[""]
    assert f"(bridged: {REASON})" in told[BRIDGED]
    assert "improvement" in told[BRIDGED]
