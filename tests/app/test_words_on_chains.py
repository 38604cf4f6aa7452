"""The chain of accountability in words: sentence, shape and the engine's own set agree, whatever the figures are."""

import re
from dataclasses import replace
from functools import cache
from string import Formatter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from app import charts, sentences
from app.charts import BLUE, INK, VERMILION, Caption
from app.charts.chain import SHAPES
from app.charts.looks import SLATE
from app.sentences.chains import CHAINS, GAPS, STANDINGS
from app.workflow.chains import LEVEL
from scoring.chain import Chain, chain_of_figures
from scoring.contract import columns

LINKS = ("link_leadership", "link_region", "link_post", "link_shift")
TITLES = dict(zip(LINKS, ("Leadership of the service", "HQ", "Post command", "Shift supervision"), strict=True))
CAPTION = Caption("Chain", "in words", "", synthetic=False)
MANY = dict.fromkeys(LINKS, 9)


def judged(estimates: tuple[float, ...], *, se: float = 2.0, holders: dict[str, int] | None = None) -> Chain:
    """What the engine says of links with these figures."""
    table = pd.DataFrame({"wave": "2026", "side": "left", "measure": LINKS, "estimate": estimates})
    table = table.reindex(columns=columns(["side"])).assign(se=se, df=40.0, status="ok", reason="")
    hidden = table["estimate"].isna()
    table.loc[hidden, ["se", "df"]] = np.nan
    table.loc[hidden, ["status", "reason"]] = "suppressed", "protected"
    table[["low", "high"]] = np.column_stack([table["estimate"] - 2 * table["se"], table["estimate"] + 2 * table["se"]])
    return chain_of_figures(
        table, np.eye(len(LINKS)), links=LINKS, by="side", holders={("left",): holders or MANY}, seed=1, kind="joint",
        level=LEVEL,
    )  # fmt: skip


def drawn(spec: Any) -> list[dict[str, Any]]:
    """Rows behind the dots of a picture."""
    if isinstance(spec, dict):
        own = [spec] if "standing" in spec and "shape" in spec else []
        return own + [row for part in spec.values() for row in drawn(part)]
    return [row for part in spec for row in drawn(part)] if isinstance(spec, list) else []


def shapes(chain: Chain, draw: Any = charts.chain_links) -> dict[str, tuple[str, str]]:
    spec = draw(chain.table, standing=sentences.standing_of_links(chain), titles=TITLES, caption=CAPTION, hue=SLATE)
    return {row["label"]: (row["shape"], row["fill"]) for row in drawn(spec) if row["estimate"] is not None}


# Every branch


def test_one_weakest_link_is_pointed_to_and_the_others_are_excluded() -> None:
    assert sentences.chain_line(judged((60, 62, 61, 30)), TITLES) == (
        "Points most to shift supervision; every other link that is shown can be excluded."
    )


def test_one_other_link_that_may_be_the_weakest_is_named() -> None:
    assert sentences.chain_line(judged((60, 62, 33, 30)), TITLES) == (
        "Points most to shift supervision; post command cannot be excluded."
    )


def test_several_links_that_may_be_the_weakest_are_named_from_the_leadership_down() -> None:
    assert sentences.chain_line(judged((31, 33, 60, 30)), TITLES) == (
        "Points most to shift supervision; leadership of the service and HQ cannot be excluded."
    )


def test_where_no_link_is_told_apart_none_is_pointed_to() -> None:
    chain = judged((51, 50, 52, 49))
    assert sentences.chain_line(chain, TITLES) == "No link can be told apart as the weakest."
    assert "points" in set(chain.table["weakest"])  # the engine marks the lowest
    assert set(sentences.standing_of_links(chain).values()) == {"possible"}


def test_a_chain_of_one_shown_link_says_nothing_of_the_weakest() -> None:
    chain = judged((np.nan, np.nan, np.nan, 30))
    assert sentences.chain_line(chain, TITLES).startswith("Fewer than two links can be shown")
    assert set(sentences.standing_of_links(chain).values()) == {""}


def test_links_that_are_not_judged_are_named_with_the_reason() -> None:
    few = judged((60, np.nan, 61, 30), holders={**MANY, "link_leadership": 4})
    assert sentences.not_judged(few, TITLES) == (
        "Not judged: leadership of the service. Fewer than five people hold the office, so that a figure would be "
        "about a person. Not judged: HQ. A figure, or how sure it is, cannot be shown."
    )
    assert sentences.not_judged(judged((60, 62, 61, 30)), TITLES) == ""


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (CHAINS, {"link", "possible"}),
        (GAPS, {"item", "size", "low", "high", "estimate", "why"}),
        (sentences.CONTEXT, {"series", "place", "change", "since", "year", "low", "high", "z", "first", "last"}),
    ],
)
def test_a_sentence_asks_only_for_what_it_is_given(texts: dict[str, str], names: set[str]) -> None:
    asked = {name for text in texts.values() for _, name, _, _ in Formatter().parse(text) if name}
    assert asked <= names
    assert all(text.endswith(".") for text in texts.values())


def test_no_sentence_speaks_of_a_person_a_cause_or_a_chance() -> None:
    texts = [*CHAINS.values(), *GAPS.values(), *STANDINGS.values(), sentences.SURE]
    banned = r"caus|because|fault|blame|guilt|probab|likel|%|commander|corrupt|\bworst\b|\brank"
    assert [text for text in texts if re.search(banned, text)] == []


def test_the_sentence_on_the_level_says_the_level() -> None:
    assert f"Of 100 such sets of possible weakest links, {100 * LEVEL:.0f} hold" in sentences.SURE


# Sentence, shape and set agree


@cache
def chains() -> tuple[Chain, ...]:
    """Chains of figures from nearly equal to far apart, some of them hidden."""
    rng = np.random.default_rng(2014)
    drawn = [rng.normal(50, spread, 4).round(1) for spread in (0.5, 5.0, 8.0, 12.0, 25.0) for _ in range(2)]
    return tuple(judged(tuple(np.where(rng.random(4) < 0.12, np.nan, values).tolist())) for values in drawn)


@pytest.mark.parametrize("draw", [charts.chain_links, charts.chain_strip])
def test_sentence_shape_and_set_agree_for_any_figures(draw: Any) -> None:
    seen = set()
    for chain in chains():
        line, shape = sentences.chain_line(chain, TITLES), shapes(chain, draw)
        told = any(chain.table["weakest"] == "excluded")
        pointed = [TITLES[link] for link in chain.table.loc[chain.table["weakest"] == "points", "measure"]]
        diamonds = [label for label, (kind, _) in shape.items() if kind == "diamond"]
        assert diamonds == (pointed if told else [])
        assert line.startswith("Points most to") == told
        rings = {label for label, look in shape.items() if look == SHAPES["possible"][:2]}
        possible = {TITLES[link] for link in chain.table.loc[chain.table["weakest"] == "possible", "measure"]}
        assert rings == (possible if told else possible | set(pointed))
        assert [label for label in possible if told and label.lower() not in line.lower()] == []
        seen.add(chain.findings[0].code if not possible or not told else "several")
    assert seen >= {"weakest_link", "no_link_told", "several"}


def test_every_standing_has_words_and_a_shape_of_its_own_in_no_colour_of_a_verdict() -> None:
    looks = [look[:3] for look in SHAPES.values()]
    assert set(SHAPES) == set(STANDINGS) - {""}
    assert len(set(looks)) == len(looks)
    assert {BLUE, VERMILION} & {colour for look in looks for colour in look} == set()


def test_the_table_and_the_spoken_words_say_what_the_picture_says() -> None:
    chain = judged((60, np.nan, 33, 30), holders={**MANY, "link_leadership": 4})
    standing = sentences.standing_of_links(chain)
    table = charts.told_chain(chain.table, standing=standing, titles=TITLES)
    assert table["weakest?"].tolist() == ["not judged", "not judged", "cannot be excluded", "cannot be excluded"]
    assert table["points"].tolist() == ["", "", "33.0", "30.0"]
    assert table["office-holders"].tolist() == ["fewer than 5", "9", "9", "9"]
    spec = charts.chain_links(chain.table, standing=standing, titles=TITLES, caption=CAPTION, hue=SLATE)
    assert "Shift supervision: 30.0, 95 % interval 26.0 to 34.0, cannot be excluded" in spec["description"]
    assert "Leadership of the service: not shown" in spec["description"]


def test_links_are_drawn_from_the_leadership_down_whatever_their_figures() -> None:
    chain = judged((30, 62, 20, 61))
    spec = charts.chain_links(
        chain.table, standing=sentences.standing_of_links(chain), titles=TITLES, caption=CAPTION, hue=SLATE
    )
    sorts = re.findall(r"'sort': (\[[^]]+\])", str(spec))
    assert set(sorts) == {str([TITLES[link] for link in LINKS])}


def test_a_strip_is_small_and_carries_the_mark_of_invented_answers() -> None:
    chain = judged((60, 62, 61, 30))
    spec = charts.chain_strip(
        chain.table, standing=sentences.standing_of_links(chain), titles=TITLES,
        caption=replace(CAPTION, synthetic=True), hue=SLATE,
    )  # fmt: skip
    assert spec["height"] == 64
    assert "SYNTHETIC" in str(spec["datasets"])


# Users and officers


def compared(estimate: float, *, clear: bool, p: float = 0.5) -> dict[str, Any]:
    return {
        "measure": "link_post", "users": 50.0, "officers": 50.0 + estimate, "estimate": estimate, "se": 3.0, "df": 40.0,
        "low": estimate - 6, "high": estimate + 6, "n": 200.0, "p_adjusted": p, "clear": clear, "reason": "",
        "status": "ok",
    }  # fmt: skip


HIDDEN = compared(np.nan, clear=False, p=np.nan) | {"reason": "hidden_score"}


@pytest.mark.parametrize(
    ("row", "verdict", "text"),
    [
        (
            compared(12, clear=True), "higher",
            "Post command: officers see it better than users do, by 12.0 points (6.0 to 18.0).",
        ),
        (
            compared(-12, clear=True), "lower",
            "Post command: officers see it worse than users do, by 12.0 points (6.0 to 18.0).",
        ),
        (
            compared(-2, clear=False), "not_clear",
            (
                "Post command: it is not clear whether officers and users differ (\N{MINUS SIGN}2.0 points, "
                "\N{MINUS SIGN}8.0 to +4.0)."
            ),
        ),
        (HIDDEN, "not_judged", "Post command: not compared, as one of the two scores is not shown."),
    ],
)  # fmt: skip
def test_a_gap_is_told_as_its_test_says(row: dict[str, Any], verdict: str, text: str) -> None:
    assert sentences.gap_verdict(row) == verdict
    assert sentences.gap_told(row, TITLES) == text


def test_a_gap_is_dark_and_pointed_only_where_it_is_clear_and_never_in_the_colour_of_a_verdict() -> None:
    rows = [compared(12, clear=True), compared(-12, clear=True), compared(9, clear=False), HIDDEN]
    table = pd.DataFrame([row | {"measure": f"q{at}"} for at, row in enumerate(rows)])
    spec = charts.gap_rows(table, titles={}, caption=CAPTION)
    looks = {row["label"]: row for rows in spec["datasets"].values() for row in rows if "colour" in row}
    assert {code: look["shape"] for code, look in looks.items()} == {
        "q0": "triangle-up", "q1": "triangle-down", "q2": "circle", "q3": "circle",
    }  # fmt: skip
    assert [looks[code]["colour"] == INK for code in ("q0", "q1", "q2", "q3")] == [True, True, False, False]
    assert {look["colour"] for look in looks.values()} & {BLUE, VERMILION} == set()
    assert charts.told_gap(table, titles={})["clear"].tolist() == ["clear", "clear", "not clear", ""]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], "Nothing that users and officers were both asked can be compared here."),
        ([HIDDEN], "Nothing that users and officers were both asked can be compared here."),
        (
            [compared(2, clear=False)] * 3,
            "It is not clear of any of these 3 questions whether officers and users differ.",
        ),
        (
            [compared(12, clear=True), compared(-12, clear=True), compared(2, clear=False), HIDDEN],
            "Of 3 questions, officers see 1 better than users do and 1 worse. It is not clear for the other 1.",
        ),
        ([compared(2, clear=False)], "It is not clear of this question whether officers and users differ."),
        ([compared(12, clear=True)], "Of 1 question, officers see 1 better than users do and 0 worse."),
    ],
)
def test_all_gaps_together_are_told_in_one_line(rows: list[dict[str, Any]], text: str) -> None:
    assert sentences.gap_line(rows) == text


def test_what_is_left_out_of_the_gaps_is_named() -> None:
    told = sentences.gap_notes(2, ("link_post",), ("link_shift",), TITLES)
    assert told == (
        "These 2 differences are judged together (Holm). Not compared, as both were asked in other words or are "
        "counted otherwise: Post command. Not shown, as fewer than five people hold the office or nobody declared how "
        "many do: Shift supervision."
    )
    assert sentences.gap_notes(0, (), (), TITLES) == ""
