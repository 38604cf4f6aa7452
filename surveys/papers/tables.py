"""The empty table that a file has to fill, and the codebook that says what every column and code means."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Final

import pandas as pd
from openpyxl import Workbook

from surveys import routing
from surveys.mapping import STORED, design_names
from surveys.questionnaire import MISSING_CODES, Question, Questionnaire

IDENTITY: Final = "_uuid"
TIMES: Final = ("start", "end")
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def template(questionnaire: Questionnaire) -> tuple[str, ...]:
    """Headers that a file of this form must have: what names an interview, when it was, and all that is kept of it.

    Personal data, free text and notes have no column. Several answers stand in one cell, with a space between codes.
    """
    asked = dict.fromkeys(
        name
        for question in questionnaire.questions
        for expression in (question.gate, question.relevant)
        for name in routing.names(expression)
    )
    needed = {*design_names(questionnaire.design), *asked, *TIMES}
    kept = [q.name for q in questionnaire.questions if not q.personal and (q.kind in STORED or q.name in needed)]
    return (IDENTITY, *dict.fromkeys(name for name in kept if name != IDENTITY))


def codebook(questionnaire: Questionnaire) -> dict[str, pd.DataFrame]:
    """Every question, code and kind of missing answer, and the design, in all languages of the form.

    Returns
    -------
    dict of str to DataFrame
        `questions`: name, type, a label a language, list, required, minimum, maximum, group, asked_if, actor, action,
        kept ("yes", "no: personal data", "no: free text", ...). `choices`: list, code, a label a language, score,
        missing, stored_as. `design`: setting, columns. `missing`: kind, stored_as.
    """
    return {
        "questions": _frame([_question(one, questionnaire) for one in questionnaire.questions], "name"),
        "choices": _frame(list(_choices(questionnaire)), "list"),
        "design": _frame(list(_design(questionnaire)), "setting"),
        "missing": _frame([{"kind": kind, "stored_as": str(code)} for kind, code in MISSING_CODES.items()], "kind"),
    }


def flat(book: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Questions and choices of a codebook as one table: a row a question and code, a row a question without codes."""
    questions, choices = book["questions"], book["choices"]
    renamed = {name: f"choice_{name}" for name in choices.columns if name.startswith("label")}
    renamed |= {"list": "choices_of"}
    together = questions.merge(choices.rename(columns=renamed), how="left", left_on="list", right_on="choices_of")
    return together.drop(columns="choices_of").fillna("")


def as_csv(table: pd.DataFrame) -> bytes:
    """A table as CSV that spreadsheets open rightly, with the mark of UTF-8 and no cell taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.columns)
    writer.writerows([_safe(str(cell)) for cell in row] for row in table.itertuples(index=False))
    return out.getvalue().encode("utf-8-sig")


def as_workbook(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Tables as sheets of a workbook; every cell is a text, the header stays in sight."""
    book = Workbook()
    book.remove(book.active)
    for name, table in tables.items():
        sheet = book.create_sheet(name)
        for line in (tuple(table.columns), *table.itertuples(index=False)):
            sheet.append([str(cell) for cell in line])
        for row in sheet.iter_rows():
            for cell in row:
                cell.data_type = "s"  # an expression that begins with = stays what it is
        sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _safe(text: str) -> str:
    number = text.lstrip("+-").replace(".", "", 1).isdigit()
    return f"'{text}" if text.startswith(FORMULA) and not number else text


def _frame(rows: list[dict[str, str]], first: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=None if rows else [first], dtype="str").fillna("")


def _labels(labels: Mapping[str, str], questionnaire: Questionnaire) -> dict[str, str]:
    return {f"label::{language}": labels.get(language, "") for language in questionnaire.languages}


def _question(question: Question, questionnaire: Questionnaire) -> dict[str, str]:
    asked_if = [part for part in (question.gate, question.relevant) if part]
    return {
        "name": question.name,
        "type": question.kind,
        **_labels(question.labels, questionnaire),
        "list": question.scale.name if question.scale else "",
        "required": "yes" if question.required else "",
        "minimum": "" if question.minimum is None else f"{question.minimum:g}",
        "maximum": "" if question.maximum is None else f"{question.maximum:g}",
        "group": "/".join(question.group),
        "asked_if": " and ".join(asked_if) if len(asked_if) < 2 else " and ".join(f"({part})" for part in asked_if),  # noqa: PLR2004 - two conditions
        "actor": question.actor,
        "action": question.action,
        "kept": _kept(question, questionnaire),
    }


def _kept(question: Question, questionnaire: Questionnaire) -> str:
    """Whether an answer is stored, and why not."""
    if question.personal:
        return "no: personal data"
    if question.kind in STORED:
        return "yes"
    if question.name in design_names(questionnaire.design):
        return "as a code that nobody can look up"
    reasons = {"text": "no: free text", "note": "no: nothing is asked", "meta": "no: the field tool's own"}
    return reasons.get(question.kind, "no: exact times are not kept")


def _choices(questionnaire: Questionnaire) -> Iterator[dict[str, str]]:
    scales = {question.scale.name: question.scale for question in questionnaire.questions if question.scale}
    for scale in scales.values():
        for choice in scale.choices:
            yield {
                "list": scale.name,
                "code": choice.code,
                **_labels(choice.labels, questionnaire),
                "score": "" if choice.score is None else str(choice.score),
                "missing": choice.missing or "",
                "stored_as": str(MISSING_CODES[choice.missing]) if choice.missing else "",
            }


def _design(questionnaire: Questionnaire) -> Iterator[dict[str, str]]:
    design = questionnaire.design
    single = ("weight", "psu", "fpc", "traffic", "inclusion", "interviewer")
    found = {name: getattr(design, name) or "" for name in single}
    found |= {"strata": " ".join(design.strata), "neighbours": " ".join(design.neighbours)}
    found |= {"facets": "; ".join(" ".join(names) for names in design.facets)}
    for setting, columns in found.items():
        if columns:
            yield {"setting": setting, "columns": columns}
