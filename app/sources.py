"""Paths and relations -> the frames that the engine takes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from scoring import SurveyDesign
from scoring.variables import Wanted
from surveys import xlsform
from surveys.errors import ReadingError
from surveys.questionnaire import Questionnaire
from surveys.reading import Limits, read


def file_frame(path: Path, *, limits: Limits | None = None) -> pd.DataFrame:
    """Any table file as text columns, empty cells missing; columns as they are called in the file."""
    table = read(path, limits=limits or Limits())
    twice = sorted({name for name in table.columns if table.columns.count(name) > 1})
    if twice:
        raise ReadingError(f"{path.name}: the header names {twice[0]!r} twice; rename one of the columns")
    frame = table.frame.set_axis(list(table.columns), axis="columns")
    return frame.where(frame != "", None)


def as_numbers(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The same frame with those of the named columns as numbers whose every answer is a number."""
    changed = {}
    for name in dict.fromkeys(names):
        if name in frame:
            numbers = pd.to_numeric(frame[name], errors="coerce")
            if numbers.notna().equals(frame[name].notna()):
                changed[name] = numbers.astype(float)
    return frame.assign(**changed)


def for_estimate(frame: pd.DataFrame, wanted: Wanted, design: SurveyDesign) -> pd.DataFrame:
    """Take as numbers what is asked for as numbers; domains and levels stay as they are in the file."""
    return as_numbers(frame, [*wanted.numbers(tuple(frame.columns)), *design.numbers])


def multiples(questionnaire: Questionnaire) -> Mapping[str, tuple[str, ...]]:
    """Codes of each select-multiple question."""
    return {
        question.name: tuple(choice.code for choice in question.scale.choices)
        for question in questionnaire.questions
        if question.kind == "select_multiple" and question.scale
    }


def form(text: str) -> Questionnaire:
    """A form given on the command line: an XLSForm, a folder, or "survey.csv,choices.csv"."""
    return xlsform.load(Path(text))
