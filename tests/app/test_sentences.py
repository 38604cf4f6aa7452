import ast
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import pytest

from app.sentences import SENTENCES, collapsed, saved, sentence
from surveys import checking, coding, contradictions, rules
from surveys.checking import Issue
from surveys.errors import ReadingError

#: A value for every parameter that an issue may carry.
PARAMS = {
    "form": "Travellers", "count": 3, "names": "a, b", "question": "met", "position": 4, "values": "'perhaps'",
    "allowed": "yes, no", "choice": "customs", "minimum": 0.0, "maximum": 72.0, "list": "agree", "codes": "x, y",
    "score": 2,
}  # fmt: skip


def issue(code: str, *, column: str = "fair", rows: tuple[int, ...] = (), fatal: bool = True, **params: str) -> Issue:
    return Issue(code, column, rows, {**PARAMS, **params}, fatal=fatal)


def emitted() -> set[str]:
    """Every code in the modules that make issues and flaws: texts of small words with hyphens between them."""
    texts = [
        node.value
        for module in (checking, coding, contradictions, rules)
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return {text for text in texts if re.fullmatch(r"[a-z]+(?:-[a-z]+)+", text)}


def test_every_code_that_can_be_emitted_has_a_sentence_and_no_other_has() -> None:
    assert emitted() == set(SENTENCES)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_says_what_and_where_and_what_to_do(code: str) -> None:
    text = sentence(issue(code, rows=(2, 3)))
    assert text.endswith(".")
    assert "'fair'" in text
    assert "rows 2, 3" in text
    assert "{" not in text


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_asks_only_for_what_an_issue_carries(code: str) -> None:
    wanted = {name for _, name, _, _ in Formatter().parse(SENTENCES[code]) if name}
    assert wanted <= {*PARAMS, "bounds", "quoted"}


def test_bounds_are_named_where_there_are_any() -> None:
    assert "at least 0 and at most 72" in sentence(issue("out-of-bounds"))
    assert "(at most 5)" in sentence(Issue("out-of-bounds", "wait", (), {"maximum": 5.0, "count": 1}, fatal=True))


def test_a_value_that_may_not_be_quoted_leaves_no_gap() -> None:
    assert "list; use" in sentence(issue("off-scale", values=""))
    assert "list ('perhaps'); use" in sentence(issue("off-scale"))


def test_many_rows_are_counted_and_not_all_named() -> None:
    assert "rows 2, 3, 4, 5, 6 and 1,494 more" in sentence(issue("off-scale", rows=tuple(range(2, 1501))))


def test_one_row_is_a_row() -> None:
    assert sentence(issue("no-consent", column="", rows=(7,))).startswith("Row 7: the person did not agree")


def test_braces_in_an_answer_are_left_as_they_are() -> None:
    assert "'{count}'" in sentence(issue("off-scale", values="'{count}'"))


def test_an_error_of_ours_passes_through() -> None:
    assert sentence(ReadingError("a.csv is empty (0 bytes); export it again.")) == (
        "a.csv is empty (0 bytes); export it again."
    )


@dataclass
class Result:
    status: str
    new: int = 0
    changed: int = 0
    same: int = 0
    received_at: datetime = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
    received_by: str = "AB"


def test_an_import_says_what_is_new_and_that_a_draft_has_no_scores() -> None:
    assert saved(Result("stored", new=1, changed=2, same=1500)) == (
        "Stored as a draft: 1 submission new, 2 changed, 1,500 known already. "
        "Nothing is scored until the wave is published."
    )


def test_the_same_file_again_says_that_nothing_changed() -> None:
    assert saved(Result("already", same=3)) == (
        "This very file is already there: stored on 2026-11-01 by AB. Nothing was changed."
    )


def test_strata_taken_together_are_counted_and_never_named() -> None:
    merged = collapsed("2026 / bridge / trader into 2026 / ferry / trader; 2026 / a into 2026 / b")
    assert merged == "2 strata with fewer than 4 shifts were taken together with their neighbours."
    assert collapsed("none") == ""
