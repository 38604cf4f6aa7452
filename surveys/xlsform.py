"""XLSForm <-> Questionnaire: tolerant of field forms, strict with our own CSV sources."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast, get_args

import pandas as pd
from openpyxl import Workbook
from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

from surveys import privacy
from surveys.contradictions import faults
from surveys.errors import InstrumentError
from surveys.questionnaire import Choice, DesignColumns, Kind, Missing, Question, Questionnaire, Scale
from surveys.reading import read, sheets
from surveys.reading.table import RawTable

__all__ = ["build", "faults", "load", "parse"]

SHEETS: Final = ("survey", "choices", "settings")

#: Kind by type of XLSForm; whatever is not here is kept as text, which is never stored.
KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("integer", "int"), "integer"),
    **dict.fromkeys(("decimal", "numeric", "range"), "decimal"),
    **dict.fromkeys(("date", "datetime"), "date"),
    "time": "time",
    "note": "note",
    **dict.fromkeys(
        (
            "start", "end", "today", "deviceid", "imei", "phonenumber", "username", "subscriberid", "simserial",
            "simid", "email", "audit", "caseid", "calculate", "hidden", "trigger", "acknowledge", "xml-external",
            "csv-external", "start-geopoint", "background-audio",
        ),
        "meta",
    ),
}  # fmt: skip

_SELECT = re.compile(
    r"(?P<kind>select[_ ](?:one|multiple)(?:[_ ]from[_ ]file)?|select1|select all that apply(?: from)?|select one from)"
    r"(?:\s+(?P<list>\S+)(?P<other>\s+(?:or[_ ]other|or specify other))?)?\s*",
    re.IGNORECASE,
)
_GROUP = re.compile(r"(?P<side>begin|end)[_ ]*(?:group|repeat|lgroup|looped group|loop)\b.*", re.IGNORECASE)
_BOUND = re.compile(r"\s*\.\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)\s*")

Rows = list[tuple[int, dict[tuple[str, str], str]]]


def parse(survey: RawTable, choices: RawTable | None, settings: RawTable | None, *, id: str) -> Questionnaire:  # noqa: A002 - a questionnaire has an id
    """Read a form as field teams write it.

    Types that are not known are kept as text, and constraints that are not simple bounds are left to the field tool.

    Parameters
    ----------
    survey, choices, settings : RawTable
        The sheets of the form.
    id : str
        Name of the form where its settings give none.

    Raises
    ------
    InstrumentError
        If groups do not close, or there is no column `type` or `name`.
    """
    declared = next((row for _, row in _rows(settings)), {}) if settings else {}
    fallback = _value(declared, "default_language") or "default"
    listed = _rows(choices) if choices else []
    scales = _scales(listed, fallback)
    rows = _rows(survey)
    headers = {_header(column)[0] for column in survey.columns}
    if not {"type", "name"} <= headers:
        raise InstrumentError(f"form {id!r}: the survey sheet needs the columns type and name; mend its first row")
    name = _value(declared, "form_id") or id
    return Questionnaire(
        id=name,
        version=_value(declared, "version"),
        title=_value(declared, "form_title") or name,
        languages=_languages([*rows, *listed], fallback),
        questions=tuple(_questions(rows, scales, fallback, id=id)),
        design=_design(declared),
    )


def load(path: Path) -> Questionnaire:
    """Read a form from a folder of CSVs, from an XLSForm, or from "survey.csv,choices.csv[,settings.csv]".

    Raises
    ------
    InstrumentError
        If a sheet is missing, or, in a folder, a cell holds what our own instruments may not hold.
    ReadingError
        If a file cannot be read.
    """
    if path.is_dir():
        tables = _folder(path)
        _refuse(tables, path.name)
        name = path.name
    elif path.is_file() or "," not in str(path):
        tables = {sheet.strip().casefold(): table for sheet, table in sheets(path).items()}
        name = path.stem
    else:
        tables, name = _listed(path)
    if "survey" not in tables:
        raise InstrumentError(f"{path.name} has no sheet 'survey'; choose the XLSForm, or survey.csv,choices.csv")
    return parse(tables["survey"], tables.get("choices"), tables.get("settings"), id=name)


def build(folder: Path, out: Path) -> tuple[str, ...]:
    """Write a folder of CSVs as an XLSForm that field tools take, and return pyxform's warnings about it.

    Our own columns stay in the form: field tools pass over them, and a team that has the form alone has the design.

    Raises
    ------
    InstrumentError
        If the folder is at fault or pyxform refuses the form; nothing is left behind then.
    """
    tables = _folder(folder)
    _refuse(tables, folder.name)
    book = Workbook()
    book.remove(book.active)
    for name in SHEETS:
        sheet = book.create_sheet(name)
        sheet.append(list(tables[name].columns))
        for row in tables[name].frame.itertuples(index=False):
            sheet.append([text or None for text in row])
    draft = out.with_name(f".{out.stem}.draft.xlsx")
    book.save(draft)
    try:
        warnings = convert(str(draft), validate=False).warnings
    except PyXFormError as error:
        raise InstrumentError(f"{folder.name}: pyxform refuses the form: {error}") from None
    else:
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return tuple(str(warning) for warning in warnings or ())


def _folder(folder: Path) -> dict[str, RawTable]:
    """Read our own sources by hand: they are small, plain and reviewed, and need no process of their own."""
    tables = {}
    for name in SHEETS:
        path = folder / f"{name}.csv"
        if not path.is_file():
            raise InstrumentError(f"{folder.name}: there is no {name}.csv; an instrument is {', '.join(SHEETS)} as CSV")
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                header, *lines = list(csv.reader(file, strict=True)) or [[]]
        except (UnicodeDecodeError, csv.Error) as error:
            raise InstrumentError(f"{folder.name}/{name}.csv is not CSV in UTF-8 ({error}); save it again") from None
        uneven = next((at for at, line in enumerate(lines, start=2) if line and len(line) != len(header)), 0)
        if uneven:
            raise InstrumentError(
                f"{folder.name}/{name}.csv, row {uneven}: it has not as many cells as the header; quote its commas"
            )
        rows = [(at, line) for at, line in enumerate(lines, start=2) if any(line)]
        frame = pd.DataFrame([line for _, line in rows], columns=range(len(header)), dtype="str")
        number = pd.Series([at for at, _ in rows], dtype="int64")
        tables[name] = RawTable(tuple(header), frame, number, "", "csv", {})
    return tables


def _listed(path: Path) -> tuple[dict[str, RawTable], str]:
    """Files named one after another; the later ones may stand beside the first."""
    first, *others = (Path(part.strip()) for part in str(path).split(","))
    found = [first, *(other if other.exists() else first.parent / other.name for other in others)]
    return dict(zip(SHEETS, map(read, found), strict=False)), first.stem


def _refuse(tables: Mapping[str, RawTable], form: str) -> None:
    """Refuse cells of our own columns that a questionnaire cannot hold."""
    kinds = get_args(Missing)
    for line, row in _rows(tables["choices"]):
        score, missing = _value(row, "score"), _value(row, "missing")
        where = f"{form}/choices.csv, row {line}"
        if score and not re.fullmatch(r"\d{1,4}", score):
            raise InstrumentError(f"{where}: score {score!r} is no whole number from 0; mend it or leave it empty")
        if missing and missing not in kinds:
            raise InstrumentError(f"{where}: missing {missing!r} is not one of {', '.join(kinds)}")
    for line, row in _rows(tables["survey"]):
        kind = _value(row, "type")
        where = f"{form}/survey.csv, row {line}"
        if not (_SELECT.fullmatch(kind) or _GROUP.fullmatch(kind) or _plain(kind) in {*KINDS, *privacy.TYPES, "text"}):
            raise InstrumentError(f"{where}: type {kind!r} is not known; use a type of XLSForm")
        if not _value(row, "name") and not kind.casefold().startswith("end"):
            raise InstrumentError(f"{where}: there is no name; give the question one")


def _rows(table: RawTable) -> Rows:
    """Filled rows with their numbers; a cell is found by the base of its header and its language."""
    keys = [_header(column) for column in table.columns]
    rows = []
    for line, cells in zip(table.lines, table.frame.itertuples(index=False), strict=True):
        row: dict[tuple[str, str], str] = {}
        for key, cell in zip(keys, cells, strict=True):
            row[key] = row.get(key) or str(cell).strip()
        if any(row.values()):
            rows.append((int(line), row))
    return rows


def _header(column: str) -> tuple[str, str]:
    """Split "label::English (en)", "Label:English (en)" or "list name" into base and language."""
    base, _, language = column.strip().removeprefix("\ufeff").partition(":")
    return re.sub(r"\s+", "_", base.strip().casefold()), language.lstrip(": ").strip()


def _value(row: Mapping[tuple[str, str], str], *bases: str) -> str:
    return next((row[base, ""] for base in bases if row.get((base, ""))), "")


def _labels(row: Mapping[tuple[str, str], str], fallback: str) -> dict[str, str]:
    return {language or fallback: text for (base, language), text in row.items() if base == "label" and text}


def _languages(rows: Rows, fallback: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(language for _, row in rows for language in _labels(row, fallback)))


def _scales(rows: Rows, fallback: str) -> dict[str, Scale]:
    lists: dict[str, list[Choice]] = {}
    for _, row in rows:
        name, code = _value(row, "list_name"), _value(row, "name", "value")
        if name and code:
            lists.setdefault(name, []).append(_choice(row, code, fallback))
    return {name: Scale(name, tuple(found)) for name, found in lists.items()}


def _choice(row: Mapping[tuple[str, str], str], code: str, fallback: str) -> Choice:
    score, missing = _value(row, "score"), _value(row, "missing")
    return Choice(
        code,
        _labels(row, fallback),
        score=int(score) if re.fullmatch(r"\d{1,4}(?:\.0+)?", score) and "." not in score else None,
        missing=cast("Missing", missing) if missing in get_args(Missing) else None,
    )


def _questions(rows: Rows, scales: Mapping[str, Scale], fallback: str, *, id: str) -> Iterator[Question]:  # noqa: A002 - as above
    groups: list[tuple[int, str, str]] = []
    for line, row in rows:
        kind = _value(row, "type")
        border = _GROUP.fullmatch(kind)
        if border and border["side"].casefold() == "begin":
            groups.append((line, _value(row, "name"), _value(row, "relevant", "relevance")))
        elif border and not groups:
            raise InstrumentError(
                f"form {id!r}, survey sheet, row {line}: a group ends that never began; delete the row"
            )
        elif border:
            groups.pop()
        elif kind and _value(row, "name"):
            yield from _question(row, groups, scales, fallback)
    if groups:
        line, name, _ = groups[-1]
        raise InstrumentError(f"form {id!r}, survey sheet, row {line}: group {name!r} never ends; add its end_group")


def _question(
    row: Mapping[tuple[str, str], str],
    groups: list[tuple[int, str, str]],
    scales: Mapping[str, Scale],
    fallback: str,
) -> Iterator[Question]:
    """Read one row; "or_other" gives a second question, the text of what else it is."""
    name, written = _value(row, "name"), _value(row, "type")
    select = _SELECT.fullmatch(written)
    kind, scale = _select(select, scales) if select else (KINDS.get(_plain(written), "text"), None)
    low, high = bounds(_value(row, "constraint"), whole=kind == "integer")
    path = tuple(name for _, name, _ in groups)
    gate = " and ".join(f"({expression})" for _, _, expression in groups if expression)
    yield Question(
        name,
        kind,
        _labels(row, fallback),
        scale,
        group=path,
        relevant=_value(row, "relevant", "relevance"),
        required=_value(row, "required").casefold() in {"yes", "true", "true()", "1", "x"},
        minimum=low,
        maximum=high,
        personal=_value(row, "personal").casefold() in {"yes", "true", "1"} or _plain(written) in privacy.TYPES,
        actor=_value(row, "actor"),
        action=_value(row, "action"),
        gate=gate,
    )
    if select and select["other"]:
        yield Question(f"{name}_other", "text", {}, group=path, relevant=f"selected(${{{name}}}, 'other')", gate=gate)


def _select(found: re.Match[str], scales: Mapping[str, Scale]) -> tuple[Kind, Scale | None]:
    words = found["kind"].casefold()
    kind: Kind = "select_multiple" if "multiple" in words or "all" in words else "select_one"
    scale = scales.get(found["list"] or "")
    if scale and found["other"] and all(choice.code != "other" for choice in scale.choices):
        scale = Scale(scale.name, (*scale.choices, Choice("other", {})))
    return kind, scale or Scale(found["list"] or "", ())


def bounds(constraint: str, *, whole: bool) -> tuple[float | None, float | None]:
    """Lowest and highest number of a constraint that says nothing else, such as ". >= 0 and . <= 48"."""
    low: float | None = None
    high: float | None = None
    for part in re.split(r"\band\b", constraint):
        found = _BOUND.fullmatch(part)
        if found is None:
            return None, None
        sign, value = found[1], float(found[2])
        step = 1.0 if whole and "=" not in sign else 0.0
        if sign.startswith(">"):
            low = value + step
        else:
            high = value - step
    return low, high


def _plain(kind: str) -> str:
    return kind.strip().casefold().replace(" ", "")


def _design(declared: Mapping[tuple[str, str], str]) -> DesignColumns:
    return DesignColumns(
        weight=_value(declared, "weight") or None,
        strata=tuple(_value(declared, "strata").split()),
        neighbours=tuple(_value(declared, "neighbours").split()),
        psu=_value(declared, "psu") or None,
        fpc=_value(declared, "fpc") or None,
        traffic=_value(declared, "traffic") or None,
        inclusion=_value(declared, "inclusion") or None,
        interviewer=_value(declared, "interviewer") or None,
        facets=tuple(tuple(names.split()) for names in _value(declared, "facets").split(";") if names.split()),
    )
