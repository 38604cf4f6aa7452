"""Sentence, colour and test agree: for every verdict, every kind of comparison, and figures of every size."""

import re
from itertools import cycle, product
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from app import charts, sentences
from app.charts import BLUE, INK, VERMILION
from app.sentences import changes
from scoring.comparability import ASPECTS, compare_keys, read_key
from scoring.compare import judged_together
from scoring.composition import PARTS, explained, judged_parts, shifted
from scoring.findings import Finding
from scoring.nodes import Direction
from scoring.verdicts import change_of_figures, equivalence, verdict_of_change

DIRECTIONS = get_args(Direction)
JUDGINGS = ("holm", "benjamini-hochberg", "max-t")
UNITS = ("points", "%", "hours")
CLAIMS = ("improvement", "decline", "a clear", "clearly", "better", "worse", "higher", "lower", "rise", "fall")
INF = float("inf")


def family(seed: int, *, rows: int = 30) -> pd.DataFrame:
    """Changes of all sizes, some not shown and some without a test, as a release gives them."""
    rng = np.random.default_rng(seed)
    first = np.column_stack([rng.uniform(20, 80, rows), rng.uniform(0.5, 4, rows), rng.integers(3, 40, rows)])
    second = first.copy()
    second[:, 0] += rng.normal(0, 6, rows)
    second[: rows // 10, 0] = np.nan
    second[rows // 10 : rows // 5, 2] = 0
    table = change_of_figures(first, second).round(1)
    return table.assign(since="2022", wave="2026", n=rng.choice([25, 120], rows))


def judged(seed: int, adjust: Any, direction: str, margin: float | None = None) -> pd.DataFrame:
    table = judged_together(family(seed), adjust=adjust, seed=seed)
    if margin is not None:
        table = table.join(equivalence(table, margin=margin, adjust="holm"))
    return table.assign(verdict=verdict_of_change(table, [direction] * len(table)))


def sign_of(row: dict[str, Any]) -> int:
    """Of a clear figure; 0 where its family does not call it."""
    return int(np.sign(row["estimate"])) if row["p_adjusted"] < 0.05 else 0


def said(text: str, words: tuple[str, ...] = CLAIMS) -> set[str]:
    return {word for word in words if re.search(rf"\b{word}\b", text)}


ALL = list(product(JUDGINGS, DIRECTIONS))


@pytest.mark.parametrize(("adjust", "direction"), ALL)
def test_a_change_is_told_and_coloured_as_its_test_says(adjust: Any, direction: str) -> None:
    rows = judged(1, adjust, direction).to_dict("records")
    good = {"better": 1, "worse": -1, "ambiguous": 0}[direction]
    for row, unit in zip(rows, cycle(UNITS), strict=False):
        text, hue = sentences.told_change(row, name="Heron Ferry", unit=unit), charts.hue(row["verdict"])
        sign = sign_of(row)
        way = sign * good
        assert ("improvement" in text, "decline" in text) == (way > 0, way < 0)
        assert (hue == BLUE, hue == VERMILION) == (way > 0, way < 0)
        assert ("a clear rise" in text, "a clear fall" in text) == (sign > 0 and not good, sign < 0 and not good)
        assert (hue == INK) == (sign != 0 and not good)
        assert bool(said(text)) == bool(sign != 0)
        told = charts.told_change(row, unit=unit, better=direction)
        assert ("improvement" in told, "decline" in told) == (way > 0, way < 0)
    assert {"better", "worse", "up", "down"} & {row["verdict"] for row in rows}


@pytest.mark.parametrize(("adjust", "direction"), ALL)
def test_a_difference_is_told_and_coloured_as_its_test_says(adjust: Any, direction: str) -> None:
    good = {"better": 1, "worse": -1, "ambiguous": 0}[direction]
    for row, unit in zip(judged(2, adjust, direction).to_dict("records"), cycle(UNITS), strict=False):
        text = sentences.told_difference(row, first="Walnut Ford", second="Heron Ferry", unit=unit)
        hue, sign = charts.hue(row["verdict"]), sign_of(row)
        assert ("clearly higher" in text, "clearly lower" in text) == (sign > 0, sign < 0)
        assert ("which is better" in text, "which is worse" in text) == (sign * good > 0, sign * good < 0)
        assert (hue == BLUE, hue == VERMILION) == (sign * good > 0, sign * good < 0)
        assert bool(said(text)) == bool(sign != 0)
        assert text.startswith("Heron Ferry against Walnut Ford: ")


@pytest.mark.parametrize(("adjust", "direction"), ALL)
def test_a_trend_is_told_and_coloured_as_its_test_says(adjust: Any, direction: str) -> None:
    good = {"better": 1, "worse": -1, "ambiguous": 0}[direction]
    for row, unit in zip(judged(2, adjust, direction).to_dict("records"), cycle(UNITS), strict=False):
        text = sentences.told_trend(row, name="Heron Ferry", unit=unit)
        hue, sign = charts.hue(row["verdict"]), sign_of(row)
        assert ("improvement" in text, "decline" in text) == (sign * good > 0, sign * good < 0)
        assert (hue == BLUE, hue == VERMILION) == (sign * good > 0, sign * good < 0)
        assert bool(said(text)) == bool(sign != 0)


@pytest.mark.parametrize("adjust", JUDGINGS)
def test_no_larger_than_is_said_only_where_the_test_of_equivalence_rejects(adjust: Any) -> None:
    seen = set()
    for row in judged(3, adjust, "better", margin=9.0).to_dict("records"):
        text = sentences.told_change(row, name="Heron Ferry", unit="points", margin=9.0)
        steady = bool(row["p_equivalent"] < 0.05)
        assert ("no change larger than 9 points" in text) == steady
        assert ("is not ruled out" in text) == (row["verdict"] == "not_clear")
        assert not (steady and said(text))
        assert not (steady and charts.hue(row["verdict"]) in (BLUE, VERMILION, INK))
        seen.add(row["verdict"])
    assert {"steady", "not_clear"} <= seen


@pytest.mark.parametrize(
    ("catalogue", "told"),
    [
        (changes.CHANGES, lambda row: sentences.told_change(row, name="A", unit="points", margin=row["margin"])),
        (changes.DIFFERENCES, lambda row: sentences.told_difference(row, first="B", second="A", unit="points")),
        (changes.TRENDS, lambda row: sentences.told_trend(row, name="A", unit="points")),
    ],
)
def test_every_sentence_of_a_catalogue_is_made_whole_and_by_its_own_verdict(catalogue: Any, told: Any) -> None:
    row = {"estimate": 3.0, "low": 1.0, "high": 5.0, "n": 100, "reason": "one_psu", "since": "2022", "wave": "2026"}
    made = {}
    for code in catalogue:
        estimate = np.nan if code == "hidden" else 3.0
        verdict = {"open": "not_clear", "hidden": "not_judged"}.get(code, code)
        made[code] = told({**row, "estimate": estimate, "verdict": verdict, "margin": 2.0 if code == "open" else None})
    assert len(set(made.values())) == len(catalogue)
    assert not [text for text in made.values() if "{" in text or "nan" in text or not text.endswith(".")]
    clear = {code for code, text in made.items() if said(text)}
    assert clear == {"better", "worse", "up", "down", "composition"} & set(catalogue)
    assert clear == set(charts.HUES) & set(catalogue)


def test_the_change_of_an_index_whose_errors_are_large_is_told_as_not_clear() -> None:
    """Corruption Perceptions Index, Tajikistan: 25 in 2016 (SE 5.26), 21 in 2017 (SE 2.36)."""
    table = change_of_figures([[25, 5.26, INF]], [[21, 2.36, INF]])
    assert table["t"].iloc[0] == pytest.approx(-0.69, abs=0.005)
    table = judged_together(table, adjust="holm").assign(since="2016", n=np.nan)
    (row,) = table.assign(verdict=verdict_of_change(table, ["better"])).to_dict("records")
    told = sentences.told_change(row, name="Tajikistan", unit="points")
    assert told == "Tajikistan: −4.0 points since 2016 (−15.3 to 7.3): no clear change."
    assert charts.hue(row["verdict"]) not in (BLUE, VERMILION, INK)


@pytest.mark.parametrize(("count", "adjust"), [(n, adjust) for n in (0, 1, 15) for adjust in JUDGINGS])
def test_a_family_is_stated_with_its_size_and_rule(count: int, adjust: str) -> None:
    told = sentences.told_family(count, thing="difference", adjust=adjust)
    assert ("15 differences are judged together" in told) == (count == 15)
    assert ("expected" in told) == (count == 15 and adjust == "benjamini-hochberg")
    assert ("its own test" in told) == (count == 1)
    assert ("Nothing here can be judged" in told) == (count == 0)


# Comparability

KEY: dict[str, Any] = {
    "calendar": ["harvest"], "mode": "face_to_face", "languages": {"tajik": 0.6, "dari": 0.4}, "place": "exit",
    "officer_in_sight": 0.1, "teams": ["a"], "instrument": "traveller 1", "framework": "border 1",
}  # fmt: skip
OTHER: dict[str, Any] = {
    "calendar": ["ramadan", "pass_closure"], "mode": "phone", "languages": {"tajik": 0.2, "dari": 0.8},
    "place": "queue", "officer_in_sight": 0.4, "teams": ["b"], "instrument": "traveller 2", "framework": "border 2",
}  # fmt: skip


@pytest.mark.parametrize("aspect", ASPECTS)
def test_what_differs_between_two_waves_is_told_with_both_values_and_the_bridge(aspect: str) -> None:
    old, new = read_key({"wave": "2022", **KEY}), read_key({"wave": "2026", **KEY, aspect: OTHER[aspect]})
    refused = compare_keys(old, new)
    told = sentences.told_pair(refused, where="Left bank", since="2022", wave="2026")
    assert told.startswith("Left bank: 2022 and 2026 are not compared.")
    assert changes.ASPECTS[aspect] in told
    assert re.search(r" in 2022, .+ in 2026", told)
    assert "_" not in told
    bridged = compare_keys(old, new, bridges={aspect: "asked both ways at two posts"})
    told = sentences.told_pair(bridged, where="Left bank", since="2022", wave="2026")
    assert "are compared although" in told
    assert "(bridged: asked both ways at two posts)" in told


@pytest.mark.parametrize("aspect", ASPECTS)
def test_what_is_known_of_one_wave_or_none_is_told_so(aspect: str) -> None:
    without = read_key({"wave": "2022", **{name: value for name, value in KEY.items() if name != aspect}})
    half = compare_keys(without, read_key({"wave": "2026", **KEY}))
    told = sentences.told_pair(half, where="Left bank", since="2022", wave="2026")
    assert f"{changes.ASPECTS[aspect]}: declared of one wave, not of 2022" in told
    (nowhere,) = compare_keys(without, without).findings
    assert sentences.differs(nowhere) == f"{changes.ASPECTS[aspect]}: not known of both waves"
    alike = sentences.told_pair(compare_keys(without, without), where="Left bank", since="2022", wave="2026")
    assert "made alike" in alike


def test_every_code_of_comparability_has_its_words() -> None:
    codes = {f"other_{aspect}" for aspect in ASPECTS} | {"half_declared", "not_declared"}
    assert codes == set(changes.DIFFERS)
    assert set(ASPECTS) == set(changes.ASPECTS)


# Composition and traffic

SPLITS = {
    "composition": (0.2, 5.0), "within_groups": (5.0, 0.2), "both": (4.0, 3.0), "unseparated": (1.4, 1.4),
    "not_clear": (0.3, 0.2),
}  # fmt: skip


def parts(within: float, mix: float) -> pd.DataFrame:
    """A change of two parts, each with a standard error of 1, the whole with one of 1 too: they pull apart."""
    value = [within + mix, within, mix, within, 50.0]
    rows = change_of_figures([[0, 0, INF]] * 5, [[one, 1.0, INF] for one in value])
    table = rows.assign(side="left", since="2022", wave="2026", measure="integrity", part=PARTS)
    table.loc[4, "p"] = np.nan
    return judged_parts(table)


@pytest.mark.parametrize("code", SPLITS)
@pytest.mark.parametrize("fixed", [True, False])
def test_a_split_change_is_told_by_its_finding(code: str, *, fixed: bool) -> None:
    table = parts(*SPLITS[code])
    (finding,) = explained(table, ("side",))
    assert finding.code == code
    told = sentences.told_parts(finding, measure="Integrity", fixed_clear=fixed)
    assert told.startswith("Integrity, 2022 to 2026: ")
    assert ("not of the service" in told) == (code == "composition")
    assert "better" not in told
    assert "improve" not in told
    assert ("which is clear." in told) == fixed


def test_a_change_that_nothing_splits_has_no_word_on_a_clear_part() -> None:
    (finding,) = explained(parts(0.0, 0.1), ("side",))
    told = sentences.told_parts(finding, measure="Integrity")
    assert "no clear change" in told
    assert not re.search(r"(?<!no )clear (?!change)[^;]*$", told.replace("is clear.", ""))


def test_traffic_and_mix_that_shift_are_told_with_their_size_and_group() -> None:
    found = shifted({"trader": 60, "traveller": 40}, {"trader": 30, "traveller": 120})
    ends = {"since": "2022", "wave": "2026"}
    told = [sentences.told_shift(Finding(one.code, {**ends, **one.params}), {"trader": "Traders"}) for one in found]
    assert told[0] == (
        "Traffic at the crossings rose by 50 % from 2022 to 2026: read changes of the scores with that in mind."
    )
    assert "40 % of users would have to change group" in told[1]
    assert "−40 percentage points of Traders" in told[1] or "+40 percentage points of traveller" in told[1]
    (fell,) = shifted({"": 100.0}, {"": 70.0})
    assert "fell by 30 %" in sentences.told_shift(Finding(fell.code, {**ends, **fell.params}), {})


def test_no_sentence_says_that_anything_caused_anything() -> None:
    texts = [
        text
        for catalogue in (
            changes.CHANGES, changes.DIFFERENCES, changes.TRENDS, changes.FAMILIES, changes.PARTS, changes.FIXED,
            changes.DIFFERS, changes.JUDGINGS,
        )
        for text in catalogue.values()
    ]  # fmt: skip
    assert len(texts) > 40
    assert not [text for text in texts if re.search(r"caus|because|due to|effect|led to|thanks to|worked", text)]
