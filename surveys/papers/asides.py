"""What a form tells the interviewer alone: hints and titles of groups, which a questionnaire does not keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from surveys.errors import InstrumentError
from surveys.reading import read, sheets
from surveys.reading.table import RawTable

Texts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Asides:
    """Name of a question -> language -> its hint; name of a group -> language -> its title.

    A column without a language stands under "" and serves where the language asked for has none of its own.
    """

    hints: Texts
    titles: Texts

    def hint(self, question: str, language: str) -> str:
        """Hint beside a question, "" where there is none."""
        return _said(self.hints, question, language)

    def title(self, group: str, language: str) -> str:
        """Title over a group, "" where there is none."""
        return _said(self.titles, group, language)


NO_ASIDES: Final = Asides({}, {})


def asides(form: Path) -> Asides:
    """Read hints and titles of a folder of CSVs, an XLSForm, or "survey.csv,choices.csv".

    Raises
    ------
    InstrumentError
        If there is no survey sheet.
    ReadingError
        If a file cannot be read.
    """
    table = _survey(form)
    keys = [_key(column) for column in table.columns]
    hints: dict[str, Mapping[str, str]] = {}
    titles: dict[str, Mapping[str, str]] = {}
    for cells in table.frame.itertuples(index=False):
        row = {key: str(cell).strip() for key, cell in zip(keys, cells, strict=True) if str(cell).strip()}
        name, begins = row.get(("name", ""), ""), row.get(("type", ""), "").casefold().startswith("begin")
        if name and begins:
            titles[name] = _languages(row, "label")
        elif name:
            hints[name] = _languages(row, "hint")
    return Asides(hints, titles)


def _survey(form: Path) -> RawTable:
    if form.is_dir():
        return read(form / "survey.csv")
    if not form.is_file() and "," in str(form):
        return read(Path(str(form).split(",")[0].strip()))
    found = {name.strip().casefold(): table for name, table in sheets(form).items()}
    if "survey" not in found:
        raise InstrumentError(f"{form.name} has no sheet 'survey'; choose the XLSForm, or survey.csv,choices.csv")
    return found["survey"]


def _key(column: str) -> tuple[str, str]:
    base, _, language = column.strip().removeprefix("\ufeff").partition(":")
    return base.strip().casefold(), language.lstrip(": ").strip()


def _languages(row: Mapping[tuple[str, str], str], base: str) -> Mapping[str, str]:
    return {language: text for (kind, language), text in row.items() if kind == base}


def _said(texts: Texts, name: str, language: str) -> str:
    found = texts.get(name, {})
    return found.get(language) or found.get("", "")
