"""Findings about an index in words: every code has a sentence, which asks for what the finding carries."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from app import sentences
from app.sentences import FINDINGS
from app.workflow.studies import Choice
from scoring import aggregation, findings
from scoring.findings import Finding

TITLES = {"conduct": "Conduct", "respect": "Respect", "rules": "Rules and fees", "integrity": "Integrity"}
#: What each finding carries, as `scoring.findings` makes it.
CARRIED: Mapping[str, Any] = {
    "node": "conduct", "part": "respect", "first": "respect", "second": "rules", "other": "rules", "item": "respect",
    "level": "respondent", "n": 700, "alpha": 0.593, "low": 0.537, "high": 0.65, "omega": 0.597, "share": 0.41,
    "residual": 0.09, "rest": -0.126, "correlation": 0.468, "inflation": 6.1, "weight": 0.25, "influence": 0.55,
    "units": 6, "below": 3, "offset": 2, "floor": 0.55, "ceiling": 0.6,
}  # fmt: skip


def emitted() -> set[str]:
    """Codes that `scoring.findings` can make: what it yields, and what it names a finding by."""
    tree = ast.parse(Path(str(findings.__file__)).read_text(encoding="utf-8"))
    yielded = [node.value.elts[0] for node in ast.walk(tree) if isinstance(node, ast.Yield) and is_pair(node.value)]
    named = [node.args[0] for node in ast.walk(tree) if isinstance(node, ast.Call) and called(node) == "Finding"]
    texts = {node.value for node in (*yielded, *named) if isinstance(node, ast.Constant)}
    return {str(text) for text in texts} | {"floor", "ceiling"}  # these two by the names of their columns


def is_pair(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Tuple)


def called(node: ast.Call) -> str:
    return getattr(node.func, "id", "")


def found(code: str, **params: Any) -> str:
    return sentences.found(Finding(code, {**CARRIED, **params}), TITLES)


def test_every_finding_that_can_be_made_has_a_sentence_and_no_other_has() -> None:
    assert emitted() == set(FINDINGS)


@pytest.mark.parametrize("code", sorted(FINDINGS))
def test_a_finding_is_told_in_one_sentence_without_codes(code: str) -> None:
    text = found(code)
    assert text.endswith(".")
    assert "{" not in text
    assert not {"conduct", "rules", "respect"} & set(text.replace("(", " ").split())


@pytest.mark.parametrize("code", sorted(FINDINGS))
def test_a_finding_asks_only_for_what_it_carries(code: str) -> None:
    assert {name for _, name, _, _ in Formatter().parse(FINDINGS[code]) if name} <= set(CARRIED)


def test_a_loose_dimension_is_told_with_its_figures_and_what_is_usual() -> None:
    assert found("alpha_low") == (
        "The questions under Conduct hang together only loosely (alpha 0.59, 0.54 to 0.65; 0.70 is usual)."
    )


def test_shares_are_told_in_percent_and_counts_without_decimals() -> None:
    assert "weight 25 %, influence 55 %" in found("heavy")
    assert found("hidden").startswith("In 2 of 6 places Respect is low and Conduct is not")


def test_a_negative_correlation_has_a_true_minus_sign() -> None:
    assert "\N{MINUS SIGN}0.13" in found("opposite_item")


def test_a_finding_on_a_question_is_about_the_dimension_above_it() -> None:
    assert sentences.found_about(Finding("ceiling", {"item": "respect"}), {"respect": "conduct"}) == "conduct"
    assert sentences.found_about(Finding("weak_item", {"node": "rules", "part": "x"}), {}) == "rules"


def test_good_news_name_all_parts() -> None:
    assert (
        sentences.nothing_against(["Rules and fees", "Conduct"])
        == "Nothing speaks against Rules and fees, and Conduct."
    )
    assert sentences.nothing_against(["Conduct"]) == "Nothing speaks against Conduct."
    assert sentences.nothing_against(["Chain", "Links"]) == "Nothing speaks against Chain and Links."
    assert sentences.nothing_against(["A", "B", "C"]) == "Nothing speaks against A, B, and C."
    assert sentences.nothing_against([]) == ""


def test_a_question_with_another_meaning_is_told_by_its_groups_and_never_as_their_fault() -> None:
    row = {
        "item": "respect",
        "grouping": "language",
        "log_odds": -0.8,
        "size": "large",
        "group": "tajik",
        "against": "dari",
    }
    assert sentences.other_meaning(row, TITLES) == (
        "Respect: by language, it may not mean the same. Of people who answer the other questions alike, 'tajik' "
        "answer it much worse than 'dari'."
    )


def test_a_comparison_that_turns_is_told_with_both_changes() -> None:
    row = {"measure": "integrity", "post": "north", "since": "2024", "wave": "2026", "change": 2.04, "without": -1.25}
    told = sentences.turned(row, TITLES | {"north": "North-Gate"})
    assert told.startswith("Integrity, North-Gate, 2024 to 2026: +2.0 points with all questions")
    assert "\N{MINUS SIGN}1.2" in told


def test_every_way_to_put_parts_together_has_plain_words() -> None:
    assert set(sentences.HOWS) == set(aggregation.AGGREGATIONS)


def test_a_choice_is_told_whole() -> None:
    choice = Choice({"rules": 3.0, "conduct": 0.5}, {"integrity": "geometric"}, ("respect",))
    assert sentences.changed(choice, TITLES) == (
        "Changed: weight of Rules and fees 3; weight of Conduct 0.5; Integrity as geometric mean; without Respect."
    )
    assert sentences.changed(Choice(), TITLES) == "Nothing is changed: as published."


@dataclass
class Bands:
    before: list[str]
    after: list[str] = field(default_factory=list)


@pytest.mark.parametrize(
    ("bands", "start"),
    [
        (
            Bands(["above", "below", ""], ["above", "not_distinguishable", ""]),
            "Against the average of the side, 1 of 2 ",
        ),
        (Bands(["above"], ["above"]), "Against the average of the side, none of 1 "),
        (Bands(["above", "below"], ["", ""]), "Against the average of the side, nothing can be said"),
    ],
)
def test_only_places_with_a_band_before_and_after_are_counted(bands: Bands, start: str) -> None:
    assert sentences.moved_bands(bands.before, bands.after).startswith(start)


@pytest.mark.parametrize(
    ("bands", "words"),
    [
        ({}, ""),
        (
            {"a": "not_distinguishable", "b": "not_distinguishable"},
            "Against the average of the side, none of these 2 can be told from it.",
        ),
        (
            {"a": "above", "b": "not_distinguishable", "c": "below"},
            (
                "Against the average of the side, clearly above it: East Gate; clearly below it: c; the other 1 cannot "
                "be told from it."
            ),
        ),
        ({"a": "above", "b": "above"}, "Against the average of the side, clearly above it: East Gate, b."),
    ],
)
def test_places_apart_from_the_average_of_their_side_are_named_and_no_other(bands: dict[str, str], words: str) -> None:
    assert sentences.against_average(bands, {"a": "East Gate"}) == words


def test_leadership_reads_which_places_stand_apart_and_no_rank() -> None:
    bands = {
        "Integrity": {"East Gate": "above", "b": "not_distinguishable"},
        "Accountability": {"b": "not_distinguishable"},
    }
    told = sentences.stand_apart(bands, "2026")
    assert told == "Against the average of the side in 2026: Integrity: East Gate clearly above."
    none = sentences.stand_apart({"Integrity": {"a": "not_distinguishable"}}, "2026")
    assert none == "Against the average of the side in 2026: none stands apart."
    assert sentences.stand_apart({"Integrity": {}}, "2026") == ""
