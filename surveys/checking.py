"""RawTable + Questionnaire -> Report: every issue on its row, and coded responses when nothing is fatal."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from surveys import coding, identity, mapping, privacy, rules
from surveys.coding import Answers, Codes, Flags, Floats
from surveys.questionnaire import MISSING_CODES, Question, Questionnaire
from surveys.reading.table import RawTable

#: Questions whose "no" ends the interview: such rows are counted and not stored.
CONSENT: Final = frozenset(
    {"consent", "informed_consent", "consent_given", "consent_remote", "consent_interview", "consent_participate"}
)


@dataclass(frozen=True, slots=True)
class Issue:
    """One kind of fault in one column: a code with parameters, turned into words by `app.sentences`.

    Attributes
    ----------
    code : str
        Kebab-case code, e.g. "off-scale".
    column : str
        The column as it is called in the file, "" for the whole file.
    rows : tuple of int
        Line numbers in the file (header = 1), () for the whole column or file.
    params : mapping
        What the sentence needs; never a respondent's free text.
    fatal : bool
        Fatal issues stop the import, the others pass with a tick.
    """

    code: str
    column: str
    rows: tuple[int, ...]
    params: Mapping[str, str | int | float]
    fatal: bool


@dataclass(frozen=True, slots=True)
class Responses:
    """Coded answers of one file, ready for the store.

    `frame` has one row per submission and these columns: `uuid` (text, never empty), `content` (hash of the coded
    row), `psu`, `interviewer` (text as in the file; the store salts them), `day` (ISO date or ""), `half_day`
    ("am", "pm" or ""), `minutes` (float, NaN unknown), then one column per stored question: select_one as int16 (the
    choice's score, or its position from 0 where the scale has no scores; negatives are MISSING_CODES), each choice of
    a select_multiple as int16 0/1 named `question/choice`, numbers as float64 (NaN missing).
    Questions that are personal, free text, meta or notes are not there.
    """

    questionnaire: Questionnaire
    frame: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found, good and bad.

    `counts` holds what is right too: rows, ready, blocked, duplicates, columns_matched, columns_dropped (personal), ...
    `dropped` names the columns of the file that hold personal data and are not kept, each with its kind.
    `responses` is None when an issue is fatal.
    """

    issues: tuple[Issue, ...]
    counts: Mapping[str, int]
    dropped: Mapping[str, str]
    responses: Responses | None


def check(table: RawTable, questionnaire: Questionnaire) -> Report:
    """Check a file against its form and code its answers.

    Every issue is collected; nothing is stored of a file with a fatal one.

    Parameters
    ----------
    table : RawTable
        The file as it was read.
    questionnaire : Questionnaire
        The form; without a declared design no weight is asked for.
    """
    match = mapping.match(table, questionnaire)
    design = questionnaire.design
    personal = privacy.dropped(table, match, keep=mapping.design_names(design))
    issues = _columns(table, match, questionnaire, personal)
    dropped = {_called(table, at): kind for at, kind in personal.items()}
    nothing = _nothing(table, match, personal)
    if nothing:
        alone = Issue(nothing, "", (), {"form": questionnaire.title or questionnaire.id}, fatal=True)
        return Report((alone, *issues), _counts(table, match, personal), dropped, None)

    sheet = _Sheet(table, match, questionnaire, frozenset(personal))
    named = identity.names(table.frame, match, personal=personal)
    repeats = identity.repeats(table.frame, match, named)
    refused = sheet.refused() & ~repeats.rows
    issues += sheet.issues_of_rows(repeats, refused)
    kept = np.flatnonzero(~(repeats.rows | refused))
    answers = sheet.answers(kept)
    routed_out, found = rules.routed(answers, len(kept))
    found += [(name, flaw) for name, given in answers.items() for flaw in given.flaws]
    found += rules.design_flaws(answers, design, len(kept))
    moments = identity.moments(table.frame.iloc[kept], match)
    found += rules.time_flaws(moments)
    found += rules.required_flaws(answers, routed_out, skip=mapping.design_names(design))
    issues += [sheet.issue(name, flaw, kept) for name, flaw in found]
    counts = _counts(table, match, personal) | _row_counts(issues, repeats, refused, kept)
    if any(issue.fatal for issue in issues):
        return Report(tuple(issues), counts, dropped, None)
    frame = _frame(answers, routed_out, moments, named[kept], questionnaire)
    return Report(tuple(issues), counts, dropped, Responses(questionnaire, frame))


def beside_row(issue: Issue) -> Issue:
    """The issue as it is told beside one of its rows: without the other rows and what stands in them."""
    params = {name: value for name, value in issue.params.items() if name != "values" or len(issue.rows) == 1}
    return replace(issue, rows=(), params=params)


def annotate(table: RawTable, report: Report, sentences: Callable[[Issue], str]) -> pd.DataFrame:
    """Give the team's own table back, with what is wrong with each row in a last column `_problems`."""
    problems: defaultdict[int, list[str]] = defaultdict(list)
    for issue in report.issues:
        if issue.rows:
            words = sentences(beside_row(issue))
            for line in issue.rows:
                problems[line].append(words)
    texts = [" | ".join(problems[line]) if line in problems else "" for line in table.lines]
    return table.frame.assign(_problems=pd.Series(texts, index=table.frame.index, dtype="str"))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A file beside its form."""

    table: RawTable
    match: mapping.Match
    questionnaire: Questionnaire
    personal: frozenset[int]

    def issue(self, name: str, flaw: coding.Flaw, kept: npt.NDArray[np.intp]) -> Issue:
        """A flaw of a question as an issue on the lines of the file."""
        lines = self.table.lines.to_numpy()[kept[flaw.rows]]
        at = self.match.positions(name)
        column = _called(self.table, at[0]) if at else name
        return Issue(flaw.code, column, tuple(lines.tolist()), flaw.params, fatal=flaw.fatal)

    def issues_of_rows(self, repeats: identity.Repeats, refused: Flags) -> list[Issue]:
        """Rows that are counted and not stored."""
        lines = self.table.lines.to_numpy()
        return [
            Issue(code, "", tuple(lines[rows].tolist()), {"count": int(rows.sum())}, fatal=False)
            for code, rows in (
                ("duplicate-submission", repeats.same),
                ("duplicate-changed", repeats.changed),
                ("no-consent", refused),
            )
            if rows.any()
        ]

    def refused(self) -> Flags:
        """Rows of people who did not want to take part."""
        rows = len(self.table.frame)
        question = next((q for q in self.questionnaire.questions if q.name.casefold() in CONSENT), None)
        if question is None or question.kind != "select_one":
            return np.zeros(rows, dtype=np.bool_)
        given = self._read(question, np.arange(rows))
        if given is None:
            return np.zeros(rows, dtype=np.bool_)
        no = [str(text).casefold() in coding.FALSE for text in given.texts]
        return np.array(no, dtype=np.bool_)[given.place]

    def answers(self, kept: npt.NDArray[np.intp]) -> dict[str, Answers]:
        """Coded answers of the rows that count, by question; also of design columns that no question collects."""
        wanted = dict.fromkeys(target.question.name for target in self.match.columns.values())
        questions = {target.question.name: target.question for target in self.match.columns.values()}
        read = ((name, self._read(questions[name], kept)) for name in wanted)
        return {name: given for name, given in read if given is not None}

    def _cells(self, name: str, choice: str | None, kept: npt.NDArray[np.intp]) -> "list[pd.Series[str]]":
        positions = [at for at in self.match.positions(name, choice) if at not in self.personal]
        return [self.table.frame[at].iloc[kept] for at in positions]

    def _read(self, question: Question, kept: npt.NDArray[np.intp]) -> Answers | None:
        """Answers to one question, None where it has no column that may be read."""
        whole = self._cells(question.name, None, kept)
        joined, clash = coding.coalesced(whole) if whole else (None, np.zeros(len(kept), dtype=np.bool_))
        if question.kind == "select_multiple":
            ticked = {
                choice.code: coding.coalesced(cells)[0]
                for choice in (question.scale.choices if question.scale else ())
                if (cells := self._cells(question.name, choice.code, kept))
            }
            given = self._multiple(question, joined, ticked)
        else:
            given = None if joined is None else self._single(question, joined)
        if given is None or not clash.any():
            return given
        flaw = coding.Flaw("columns-disagree", clash, {"count": int(clash.sum())}, fatal=True)
        return replace(given, flaws=(*given.flaws, flaw))

    def _multiple(
        self, question: Question, joined: "pd.Series[str] | None", ticked: "Mapping[str, pd.Series[str]]"
    ) -> Answers | None:
        if question.scale is not None and question.scale.choices and (joined is not None or ticked):
            return coding.select_multiple(question, question.scale, joined, ticked)
        return None if joined is None else coding.text(question, joined)

    def _single(self, question: Question, cells: "pd.Series[str]") -> Answers:
        if question.kind == "select_one" and question.scale is not None and question.scale.choices:
            return coding.select_one(question, question.scale, cells)
        if question.kind in {"integer", "decimal"} or question.name in rules.amounts(self.questionnaire.design):
            return _impersonal(coding.number(question, cells))
        return coding.text(question, cells)


def _impersonal(given: Answers) -> Answers:
    """Numbers among which a phone or the like is a fault: its column is not personal, that cell is."""
    rows = np.array(privacy.numbers(given.question, given.texts), dtype=np.bool_)[given.place]
    if not rows.any():
        return given
    flaw = coding.Flaw("personal-number", rows, {"count": int(rows.sum())}, fatal=True)
    return replace(given, flaws=(*given.flaws, flaw))


def _nothing(table: RawTable, match: mapping.Match, personal: Mapping[int, str]) -> str:
    """Why a file holds nothing that could be stored, "" where it does."""
    if not match.columns:
        return "no-known-column"
    if table.frame.empty:
        return "no-rows"
    return "" if match.columns.keys() - personal.keys() else "only-personal"


def _called(table: RawTable, position: int) -> str:
    return table.columns[position].strip() or f"column {position + 1}"


def _columns(
    table: RawTable, match: mapping.Match, questionnaire: Questionnaire, personal: Mapping[int, str]
) -> list[Issue]:
    """What is wrong with the columns as a whole."""
    issues = []
    for at in match.repeated:
        fatal = at in match.columns
        issues.append(Issue("duplicate-header", _called(table, at), (), {"position": at + 1}, fatal=fatal))
    for at in match.ambiguous:
        question = match.columns[at].question.name
        issues.append(Issue("ambiguous-column", _called(table, at), (), {"question": question}, fatal=False))
    for at in match.unknown:
        empty = not table.columns[at].strip() and bool((table.frame[at] == "").all())
        if at not in personal and at not in match.repeated and not empty:
            issues.append(Issue("unknown-column", _called(table, at), (), {"position": at + 1}, fatal=False))
    return issues + _absent(match, questionnaire)


def _absent(match: mapping.Match, questionnaire: Questionnaire) -> list[Issue]:
    """Questions without a column: fatal where the design needs them, one warning for all others."""
    design = questionnaire.design
    missing = set(match.absent)
    issues = [Issue("weight-absent", name, (), {}, fatal=True) for name in rules.amounts(design) if name in missing]
    issues += [Issue("design-absent", name, (), {}, fatal=True) for name in rules.places(design) if name in missing]
    issues += [Issue("facet-absent", name, (), {}, fatal=True) for name in rules.facets(design) if name in missing]
    named = {*rules.amounts(design), *rules.places(design), *rules.facets(design)}
    others = [name for name in match.absent if name not in named]
    if others:
        shown = 8
        names = ", ".join(others[:shown]) + (", ..." if len(others) > shown else "")
        issues.append(Issue("questions-absent", "", (), {"count": len(others), "names": names}, fatal=False))
    return issues


def _frame(
    answers: Mapping[str, Answers],
    routed_out: Mapping[str, Flags],
    moments: pd.DataFrame,
    named: npt.NDArray[np.object_],
    questionnaire: Questionnaire,
) -> pd.DataFrame:
    """Coded answers in the shape of `Responses.frame`."""
    design = questionnaire.design
    rows = len(moments)
    empty = np.full(rows, "", dtype=object)
    texts = {
        role: answers[name].text if name and name in answers else empty
        for role, name in (("psu", design.psu), ("interviewer", design.interviewer))
    }
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for question in _stored(questionnaire, answers):
        if question.name in answers:
            columns |= answers[question.name].columns(routed_out=routed_out[question.name])
        else:
            columns |= _never_asked(question, rows)
    kept = [moments[name].to_numpy(dtype=object) for name in ("day", "half_day", "minutes")]
    content = identity.contents(columns, [*texts.values(), *kept])
    # a name made here is kept as it is, so it must not tell which shift or interviewer a roster's code belongs to
    open_content = content if bool((named != "").all()) else identity.contents(columns, kept)
    whole = {
        "uuid": pd.Series(identity.uuids(named, open_content), dtype="str"),
        "content": pd.Series(content, dtype="str"),
        **{role: pd.Series(values, dtype="str") for role, values in texts.items()},
        "day": moments["day"].reset_index(drop=True),
        "half_day": moments["half_day"].reset_index(drop=True),
        "minutes": moments["minutes"].reset_index(drop=True).astype(np.float64),
        **{name: pd.Series(values) for name, values in columns.items()},
    }
    return pd.DataFrame(whole)


def _stored(questionnaire: Questionnaire, answers: Mapping[str, Answers]) -> Iterable[Question]:
    """Questions that the store keeps, in the order of the form, then columns of the design alone."""
    design = questionnaire.design
    shown = {*design.strata, *(name for names in design.facets for name in names)}
    hidden = {name for name in ({design.psu} - shown) | {design.interviewer} if name}
    for question in questionnaire.questions:
        if question.kind in mapping.STORED and not question.personal and question.name not in hidden:
            yield question
    known = {question.name for question in questionnaire.questions if question.kind in mapping.STORED}
    yield from (answers[name].question for name in rules.amounts(design) if name in answers and name not in known)


def _never_asked(question: Question, rows: int) -> dict[str, Codes | Floats]:
    """Columns of a question that the file does not have: all blank."""
    blank = np.full(rows, MISSING_CODES["blank"], dtype=np.int16)
    choices = question.scale.choices if question.scale else ()
    if question.kind == "select_one":
        return {question.name: blank} if choices else {}
    if question.kind == "select_multiple":
        return {f"{question.name}/{choice.code}": blank for choice in choices}
    return {question.name: np.full(rows, np.nan)}


def _counts(table: RawTable, match: mapping.Match, personal: Mapping[int, str]) -> dict[str, int]:
    return {
        "rows": len(table.frame),
        "ready": 0,
        "blocked": 0,
        "duplicates": 0,
        "refused": 0,
        "columns": len(table.columns),
        "columns_matched": len(match.columns) + len(match.meta),
        "columns_unknown": len([at for at in match.unknown if at not in personal]),
        "columns_dropped": len(personal),
        "questions_absent": len(match.absent),
    }


def _row_counts(
    issues: Iterable[Issue], repeats: identity.Repeats, refused: Flags, kept: npt.NDArray[np.intp]
) -> dict[str, int]:
    fatal = [issue for issue in issues if issue.fatal]
    whole = any(not issue.rows for issue in fatal)
    blocked = len(kept) if whole else len({line for issue in fatal for line in issue.rows})
    return {
        "ready": len(kept) - blocked,
        "blocked": blocked,
        "duplicates": int(repeats.rows.sum()),
        "refused": int(refused.sum()),
    }
