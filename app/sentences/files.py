"""Words for codes of a check or a form: what is wrong, where, and what to do.

A sentence never repeats a respondent's text; a code that is not on a list may stand in it, cut short, since it is the
one thing that tells a field officer what was typed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from surveys.checking import Issue

#: Every code of `surveys.checking` and `surveys.xlsform.faults` -> what is wrong and what to do.
SENTENCES: Final[Mapping[str, str]] = {
    # the file as a whole
    "no-rows": "the file has a header and no submission; export it again with its submissions",
    "no-known-column": "no column belongs to the form {form}; choose the right file, or the form it was asked with",
    "only-personal": "all columns of the form {form} that stand in the file hold free text or personal data, which is "
    "never stored; export the other questions too",
    "questions-absent": "{count} questions of the form have no column ({names}); if they were asked, export them too",
    "duplicate-submission": "the same submission stands twice; it is counted once and the first is kept",
    "duplicate-changed": "a submission comes back with other answers; the last is kept, check that it is the right one",
    "no-consent": "the person did not agree to take part; the row is counted as a refusal and not stored",
    # columns
    "duplicate-header": "the header stands in the file before; keep one of the columns, or name them as in the form",
    "ambiguous-column": "two questions of the form have this label; it is taken for {question}: export by XML names if "
    "that is wrong",
    "unknown-column": "no question of the form has this name or label; the column is not stored",
    "weight-absent": "the design needs this column to make the weights and the file does not have it; add it",
    "design-absent": "the design needs this column (stratum or shift) and the file does not have it; add it",
    "columns-disagree": "two columns hold this question and say different things; delete the wrong one",
    # cells
    "off-scale": "the answer is not on the list{quoted}; use one of: {allowed}",
    "not-a-tick": "the column of choice {choice} holds neither yes nor no{quoted}; use 1 and 0",
    "ticks-disagree": "the joined column and the columns of the choices differ; the joined column is believed",
    "not-a-number": "the answer is not a number; write digits, with a point before decimals",
    "not-whole": "the number is not whole; write a whole number",
    "out-of-bounds": "the number is outside what the form allows ({bounds}); correct it, or leave it empty if nobody "
    "knows",
    "personal-number": "the number is written like that of a phone, a device or an account, which is never stored; "
    "leave it empty, or give the question a highest value in the form if it is an amount",
    "weight-not-positive": "the weight or count is empty, zero or negative; give each row a number above zero",
    "traffic-varies": "interviews of one shift carry different counts; write the count of the whole shift on each",
    "design-empty": "the stratum or shift is empty; fill it in, since a row without it has no place in the sample",
    "time-unreadable": "the time is not written as 2026-05-31T09:30, so its day is left out; export times in this way",
    "required-empty": "the form requires an answer and there is none; it is stored as blank",
    "routing-broken": "there is an answer, but after {question} it is not asked; check both (it is stored)",
    # forms
    "facet-absent": "results are shown by this question and the file has no column for it; export it too",
    "form-no-questions": "the form has no questions; fill in the survey sheet",
    "form-duplicate-name": "{count} questions have this name; give each a name of its own",
    "form-list-missing": "the choices sheet has no list {list}; add it, or correct the type of the question",
    "form-routing-unknown": "its condition names the question {question}, which the form lacks; correct the name",
    "form-bounds": "its lowest value is above its highest; correct the constraint",
    "form-duplicate-code": "the list has the code {choice} {count} times; give each choice a code of its own",
    "form-scores-partly": "some choices have a score and these have none: {codes}; score all, or give their missing",
    "form-score-missing": "a choice has a score and a kind of missing; keep one of the two",
    "form-score-negative": "the score {score} is negative; scores are whole numbers from 0",
    "form-scores-equal": "{count} choices have the score {score}; give each a score of its own",
    "form-design-unknown": "this setting names the question {question}, which the form does not have; correct the name",
    "form-design-not-choice": "this setting names {question}, which is no select_one question; strata and facets are "
    "answers on a list",
    "form-neighbours-no-stratum": "neighbours are strata that share answers; {question} is no question of the strata",
    "form-no-weight": "strata are declared, and neither a weight nor a traffic count; declare one of the two",
}
_SHOWN = 5


class Saved(Protocol):
    """What is said of an import, whoever stored it."""

    @property
    def status(self) -> str:
        """Either "stored" or "already"."""

    @property
    def new(self) -> int:
        """Submissions not known before."""

    @property
    def changed(self) -> int:
        """Known submissions with other answers."""

    @property
    def same(self) -> int:
        """Known submissions with equal answers."""

    @property
    def received_at(self) -> datetime:
        """When the file first came."""

    @property
    def received_by(self) -> str:
        """Who sent it then."""


def sentence(issue: Issue | Exception) -> str:
    """One sentence on an issue; an error has its own.

    Parameters
    ----------
    issue : Issue or Exception
        Without rows the sentence leaves the rows to a column beside it.
    """
    if isinstance(issue, Exception):
        return str(issue)
    what = SENTENCES[issue.code].format_map({**issue.params, **_phrases(issue.params)})
    where = f"{_where(issue)}: " if issue.column or issue.rows else ""
    text = f"{where}{what}."
    return text[:1].upper() + text[1:]


def saved(result: Saved) -> str:
    """One sentence on what an import did."""
    if result.status == "already":
        day = result.received_at.date().isoformat()
        return f"This very file is already there: stored on {day} by {result.received_by}. Nothing was changed."
    return (
        f"Stored as a draft: {_rows(result.new)} new, {result.changed:,} changed, {result.same:,} known already. "
        "Nothing is scored until the wave is published."
    )


def _rows(count: int) -> str:
    return f"{count:,} submission" if count == 1 else f"{count:,} submissions"


def _where(issue: Issue) -> str:
    thing = _thing(issue) if issue.column else ""
    if not issue.rows:
        return thing
    shown = ", ".join(str(row) for row in issue.rows[:_SHOWN])
    more = len(issue.rows) - _SHOWN
    rows = f"row{'s' if issue.rows[1:] else ''} {shown}" + (f" and {more:,} more" if more > 0 else "")
    return f"{thing}, {rows}" if thing else rows


def _thing(issue: Issue) -> str:
    place = f" (column {issue.params['position']})" if "position" in issue.params else ""
    kind = "form, " if issue.code.startswith("form-") else "column "
    return f"{kind}'{issue.column}'{place}"


def _phrases(params: Mapping[str, str | int | float]) -> dict[str, str]:
    """Parts of sentences that stand only where there is something to say."""
    low, high = params.get("minimum"), params.get("maximum")
    bounds = " and ".join(
        f"{word} {value:g}" for word, value in (("at least", low), ("at most", high)) if value is not None
    )
    values = params.get("values")
    return {"bounds": bounds, "quoted": f" ({values})" if values else ""}


def collapsed(merged: str) -> str:
    """How many strata were too small to stand alone, from the provenance of a result; empty where none was."""
    count = merged.count(" into ")
    return f"{count} strata with fewer than 4 shifts were taken together with their neighbours." if count else ""
