"""Files in the habit of three field tools: interviews of the traveller instrument with the planted columns in them."""

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path

import openpyxl
import pandas as pd

from surveys import xlsform
from surveys.questionnaire import Questionnaire
from surveys.simulate import Truth, draw
from tests.surveys.planted import HARMLESS, PLANTED, Column

ROOT = Path(__file__).resolve().parents[2]
FILES = ("kobo.csv", "kobo.xlsx", "odk.csv", "spss.csv")


def columns(style: str) -> tuple[Column, ...]:
    """Planted and harmless columns of one habit."""
    return tuple(column for column in (*PLANTED, *HARMLESS) if column.style == style)


@cache
def instrument() -> Questionnaire:
    """The traveller instrument."""
    return xlsform.load(ROOT / "data" / "instruments" / "traveller")


def form(style: str, rows: int) -> Questionnaire:
    """The instrument, with the questions that planted columns answer."""
    questions = [question for column in columns(style) if (question := column.question(rows)) is not None]
    known = instrument()
    return replace(known, questions=(*known.questions, *questions))


@cache
def interviews() -> pd.DataFrame:
    """A small wave of the instrument in the shape of a Kobo export."""
    truth = Truth.from_toml((ROOT / "data" / "demo" / "truth.toml").read_text(encoding="utf-8"))
    return draw(instrument(), replace(truth, shifts=2, interviews=2), wave="2026", seed=1)


@cache
def whole(style: str) -> pd.DataFrame:
    """Interviews and all columns of one habit, under the names that its field tool writes."""
    answers = interviews()
    groups = {question.name: question.group for question in instrument().questions}

    def called(name: str) -> str:
        separator = {"kobo": "/", "odk": "-"}.get(style)
        if separator is None:
            return name.upper()
        return separator.join((*groups.get(name.split("/", maxsplit=1)[0], ()), *name.split("/")))

    added = {column.name: column.cells(len(answers)) for column in columns(style)}
    return pd.concat([answers.rename(columns=called), pd.DataFrame(added, dtype="str")], axis=1)


def write(name: str, folder: Path) -> Path:
    """Write one of `FILES`."""
    frame = whole(name.split(".", maxsplit=1)[0])
    path = folder / name
    lines = [list(frame.columns), *frame.itertuples(index=False, name=None)]
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("data")
        for line in lines:
            sheet.append(line)
        book.save(path)
        return path
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=";" if name.startswith("kobo") else ",").writerows(lines)
    return path
