"""From a file of the field to a stored draft: check, show every fault on its row, store whole or not at all."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from app import sentences, settings
from app.workflow import reducing
from app.workflow.workbooks import workbook
from surveys import checking, vault, xlsform
from surveys.errors import InstrumentError, StoreError
from surveys.questionnaire import Questionnaire
from surveys.reading import Limits, read
from surveys.reading.table import RawTable
from surveys.store import Saved, Store, SurveyRow

SHOWN = 500  # faults listed on a page; the marked file holds them all
TRAVELLER = "traveller"
COUNT_BASE = 5  # during fieldwork counts are rounded


@dataclass(frozen=True, slots=True)
class CheckView:
    """What a check found, in words.

    Attributes
    ----------
    issues : DataFrame
        row, column, problem, blocks, code: one line per row and fault, at most `SHOWN`.
    kinds : DataFrame
        problem, column, rows, blocks, code: one line per kind of fault.
    counts : mapping
        What is right and what is not.
    dropped : mapping
        Columns that hold personal data and are not kept, each with its kind.
    ready : bool
        Whether the file can be stored.
    marked : bytes
        The team's own table with a last column `_problems`.
    marked_as : str
        What it is: "csv" or "xlsx".
    """

    issues: pd.DataFrame
    kinds: pd.DataFrame
    counts: Mapping[str, int]
    dropped: Mapping[str, str]
    ready: bool
    marked: bytes
    marked_as: str
    report: checking.Report


def instruments() -> tuple[str, ...]:
    """Instruments that come with the product, that of the travellers first: most files are of it."""
    found = [path.name for path in settings.INSTRUMENTS.iterdir() if (path / "survey.csv").is_file()]
    return tuple(sorted(found, key=lambda name: (name != TRAVELLER, name)))


def instrument(name: str) -> Questionnaire:
    """One of the product's instruments; its faults are an error that names them all."""
    if name not in instruments():
        raise InstrumentError(f"there is no instrument {name!r}; there are: {', '.join(instruments())}")
    return sound(xlsform.load(settings.INSTRUMENTS / name))


def sound(questionnaire: Questionnaire) -> Questionnaire:
    """A form without contradictions; otherwise each is said, and the data are not blamed for it."""
    faults = xlsform.faults(questionnaire)
    if faults:
        raise InstrumentError("\n".join(sentences.sentence(fault) for fault in faults))
    return questionnaire


def check_file(path: Path, *, questionnaire: Questionnaire, limits: Limits) -> CheckView:
    """Read and check one file; nothing is stored."""
    table = read(path, limits=limits)
    return describe(table, checking.check(table, questionnaire))


def describe(table: RawTable, report: checking.Report) -> CheckView:
    """Put a report into words."""
    issues = sorted(report.issues, key=lambda issue: not issue.fatal)  # what blocks stands first and is never cut off
    lines = [
        (row, issue.column, sentences.sentence(checking.beside_row(issue)), issue.fatal, issue.code)
        for issue in issues
        for row in (issue.rows or (0,))
    ]
    kinds = [(sentences.sentence(issue), issue.column, len(issue.rows), issue.fatal, issue.code) for issue in issues]
    return CheckView(
        issues=pd.DataFrame(lines[:SHOWN], columns=["row", "column", "problem", "blocks", "code"]),
        kinds=pd.DataFrame(kinds, columns=["problem", "column", "rows", "blocks", "code"]),
        counts=report.counts,
        dropped=report.dropped,
        ready=report.responses is not None,
        marked=_marked(table, report),
        marked_as="csv" if table.format == "csv" else "xlsx",
        report=report,
    )


def store_file(
    path: Path,
    view: CheckView,
    *,
    store: Store,
    survey_id: str,
    wave: str,
    who: str,
    at: datetime,
    vault_key: str | None = None,
    title: str | None = None,
    synthetic: bool = False,
) -> Saved:
    """Store a checked file as a draft, in one transaction: its survey (named `title`) and wave too where they are new.

    The same file again changes nothing. Raises InstrumentError where the check says no, StoreError where the wave is
    published, the file stands in another wave, or real answers would join a synthetic survey.
    """
    if view.report.responses is None:
        blocking = view.kinds.loc[view.kinds["blocks"], "problem"]
        raise InstrumentError("the file is not stored: " + "; ".join(blocking.head(3)))
    return store_responses(
        view.report.responses,
        store=store,
        survey_id=survey_id,
        wave=wave,
        sha256=vault.digest(path),
        filename=path.name,
        who=who,
        at=at,
        sealed=vault.seal(path, vault_key) if vault_key else None,
        title=title,
        synthetic=synthetic,
    )


def store_responses(
    responses: checking.Responses,
    *,
    store: Store,
    survey_id: str,
    wave: str,
    sha256: str,
    filename: str,
    who: str,
    at: datetime,
    sealed: vault.Sealed | None = None,
    title: str | None = None,
    synthetic: bool = False,
) -> Saved:
    """Store the answers of a file of this digest, as `store_file` does; `sealed` is the file, where it is kept."""
    known = next((row for row in store.surveys() if row.id == survey_id), None)
    if known is not None:
        _refuse(store, known, wave, sha256, synthetic=synthetic)
    return store.save(
        responses,
        survey_id=survey_id,
        wave=wave,
        sha256=sha256,
        filename=filename,
        who=who,
        at=at,
        sealed=sealed,
        new_survey=SurveyRow(survey_id, title or survey_id, synthetic, "") if known is None else None,
    )


def _refuse(store: Store, known: SurveyRow, wave: str, sha256: str, *, synthetic: bool) -> None:
    """Refuse what would change figures that people have read, count an interview twice, or mix real and invented."""
    if known.synthetic != synthetic:
        raise StoreError(
            f"survey {known.id!r} is {'SYNTHETIC' if known.synthetic else 'real'}; name a survey of its own"
        )
    places = {row.wave for row in store.batches(known.id) if row.sha256 == sha256}
    if places - {wave}:
        raise StoreError(f"this very file is in wave {', '.join(sorted(places))} already; name that wave")


def erase(store: Store, survey_id: str, uuid: str, *, who: str, at: datetime) -> str:
    """Erase a submission at once and make the totals of its wave again; says what was done, without naming it."""
    done = store.erase(survey_id, uuid, who=who, at=at)
    if done.interviews_left:
        reducing.totals_of(store, survey_id, (done.wave,), at=at)
    return (
        f"Erased: {done.submissions} rows and {done.raw_uploads} raw files of wave {done.wave}. "
        "A release that stands is not changed by it; the next one is made without."
    )


def wave_states(store: Store, survey_id: str) -> pd.DataFrame:
    """Waves of a survey: name, state, interviews (to base 5), files and the day of the last one."""
    batches = store.batches(survey_id)
    rows = []
    for wave in store.waves(survey_id):
        own = [batch for batch in batches if batch.wave == wave.name]
        last = max((batch.received_at for batch in own), default=None)
        rows.append(
            {
                "wave": wave.name,
                "state": wave.state,
                "interviews": round(wave.submissions / COUNT_BASE) * COUNT_BASE,
                "files": len(own),
                "last file": last.date().isoformat() if last else "",
            }
        )
    return pd.DataFrame(rows, columns=["wave", "state", "interviews", "files", "last file"])


def _marked(table: RawTable, report: checking.Report) -> bytes:
    """The team's own table with its problems: a workbook for a workbook, else CSV that a spreadsheet opens rightly."""
    frame = checking.annotate(table, report, sentences.sentence)
    lines = [[*table.columns, "_problems"], *frame.itertuples(index=False)]
    if table.format != "csv":
        return workbook(([safe_cell(value) for value in line] for line in lines), sheet=table.sheet)
    out = io.StringIO()
    csv.writer(out).writerows([safe_cell(value) for value in line] for line in lines)
    return out.getvalue().encode("utf-8-sig")


def safe_cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(value)
    is_number = text.lstrip("+-").replace(".", "", 1).isdigit()
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not is_number else text
