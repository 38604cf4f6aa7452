"""Files that wait their turn: kept safely first, then a job for whoever works them off; and how each job stands."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pandas as pd

from app import sentences, settings
from app.settings import Settings
from app.workflow import fieldwork
from app.workflow.storage import file_of
from surveys import checking, spool
from surveys.errors import StoreError
from surveys.questionnaire import Questionnaire
from surveys.store import JobKind, JobRow, Order, Store
from surveys.store.jobs import MOST

ORPHANED: Final = timedelta(hours=1)  # a file that no job names by then belongs to none
KEPT: Final = timedelta(days=7)  # a file whose job was given up can be begun again for so long
COLUMNS: Final = ["job", "kind", "survey", "wave", "file", "state", "stage", "told"]


def folder_of(chosen: Settings) -> Path:
    """Where files wait: beside an SQLite store, or in `var` under a name of their own for each database."""
    path = file_of(chosen)
    if path is not None:
        return path.with_name(f"{path.name}-jobs")
    where = urlsplit(chosen.database)
    name = hashlib.sha256(f"{where.hostname}:{where.port}{where.path}?{where.query}".encode()).hexdigest()[:12]
    return settings.ROOT / "var" / f"jobs-{name}"


def submit(
    path: Path,
    *,
    kind: JobKind,
    store: Store,
    folder: Path,
    survey_id: str,
    instrument: str,
    who: str,
    at: datetime,
    wave: str = "",
    title: str = "",
    vault_key: str | None = None,
) -> JobRow:
    """Keep a file safely, and then let it wait to be checked, or to be checked and stored as a draft of a wave.

    Whoever is told the number of the job has nothing to fear of a power cut any more. Where the process ends between
    the two, there is no job, and the file is removed within the hour.

    Raises
    ------
    InstrumentError
        If there is neither such a survey nor such an instrument.
    StoreError
        If a file to be imported has no wave, or the file cannot be kept.
    """
    if kind == "import" and not wave.strip():
        raise StoreError("a file to be imported needs a wave, such as 2026")
    form = form_of(store, survey_id, instrument)
    kept = spool.keep(path, folder, key=vault_key)
    order = Order(
        kind, survey_id, wave.strip(), instrument, title or form.title, kept.name, kept.sha256, kept.place,
        kept.sealed, who,
    )  # fmt: skip
    return store.job(store.add_job(order, at=at))


def form_of(store: Store, survey_id: str, instrument: str) -> Questionnaire:
    """The form of a survey as it stands in the store, or that of the instrument where it is to begin."""
    begun = any(row.id == survey_id for row in store.surveys())
    return store.questionnaire(survey_id) if begun else fieldwork.instrument(instrument)


def again(number: int, *, store: Store, folder: Path, at: datetime) -> JobRow:
    """Let a job that was given up wait once more.

    Raises
    ------
    StoreError
        If it did not fail, or its file is gone: one that was refused is mended and sent again.
    """
    job = store.job(number)
    if job.state == "failed" and job.order.place not in spool.places(folder):
        raise StoreError(f"the file of job {number} is not kept any more: {job.problem} Mend it and send it again")
    store.begin_job_again(number, at=at)
    return store.job(number)


def sweep(store: Store, folder: Path, *, at: datetime) -> int:
    """Remove the files that no job needs; says how many there were."""
    needed = store.job_places(since=at - KEPT)
    return spool.sweep(folder, keep=needed, before=(at - ORPHANED).timestamp())


def listed(store: Store, folder: Path, *, at: datetime, limit: int = 100) -> pd.DataFrame:
    """Jobs with how they stand at a moment: `job`, `kind`, `survey`, `wave`, `file`, `state`, `stage`, `told`."""
    at_hand = spool.places(folder)
    rows = [
        {
            "job": job.id, "kind": job.order.kind, "survey": job.order.survey_id, "wave": job.order.wave,
            "file": job.order.filename, "state": job.state, "stage": job.stage,
            "told": told(job, at_hand=job.order.place in at_hand, at=at),
        }
        for job in store.jobs(limit=limit)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def told(job: JobRow, *, at_hand: bool = True, at: datetime | None = None) -> str:
    """One sentence on how a job stands."""
    return sentences.job_told(job, most=MOST, at_hand=at_hand, at=at)


def issues(job: JobRow) -> pd.DataFrame:
    """What the check of a job found, in words: `problem`, `column`, `rows`, `blocks`, `code`, a line for each kind."""
    found = [
        checking.Issue(one["code"], one["column"], tuple(one["rows"]), one["params"], one["fatal"])
        for one in job.report.get("issues", ())
    ]
    rows = [
        (sentences.sentence(issue), issue.column, one["count"], issue.fatal, issue.code)
        for issue, one in zip(found, job.report.get("issues", ()), strict=True)
    ]
    return pd.DataFrame(rows, columns=["problem", "column", "rows", "blocks", "code"])
