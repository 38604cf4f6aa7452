"""A worker: it takes one job after another and works on each, stage by stage, for as long as it holds the lease.

A worker may end at any moment. Its lease ends a little later, another worker takes the job over and begins it again:
what is stored already is known by the digest of the file, so that nothing is lost and nothing counted twice.
"""

import logging
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from app import sentences, settings
from app.settings import Settings
from app.workflow import fieldwork, reducing
from app.workflow.jobs import folder_of, form_of, sweep
from scoring.errors import ScoringError
from surveys import checking, spool, vault
from surveys.errors import StoreError, StoreTroubleError, SurveyError
from surveys.reading import COMMAND_LINE, Limits, read, read_bytes
from surveys.reading.table import RawTable
from surveys.store import JobRow, JobState, Order, Stage, Store
from surveys.store.jobs import MOST
from surveys.vault import Sealed

__all__ = ["Bench", "JobRow", "LeaseLostError", "bench_of", "run", "run_next"]

LEASE: Final = timedelta(seconds=60)  # so long a worker may be silent before its job is another's
BEATS: Final = 4  # how often a lease is lengthened before it would end
PAUSE: Final = timedelta(seconds=20)  # before a job is begun again after trouble
ROWS: Final = 200  # of one kind of fault that a report names
MEGABYTE: Final = 1024 * 1024

_LOG = logging.getLogger("sarhad.jobs")


class LeaseLostError(Exception):
    """Another worker has taken the job over; whatever it does, this one has to leave it alone."""


def _silent(job: JobRow) -> None:
    del job


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a worker works.

    Attributes
    ----------
    store : Store
        The store with the jobs.
    folder : Path
        Where the files lie that wait.
    worker : str
        Name of the worker, another one for each.
    clock : callable
        Gives the moment.
    told : callable
        Is given the job each time it comes to another stage, and when it is let go of.
    vault_key : str or None
        Key under which files are encrypted while they wait, and kept afterwards.
    upload, large : Limits
        How much is read of a file that a browser may have sent, and of a larger one.
    lease : timedelta
        How long a job is the worker's without a sign of life.
    """

    store: Store
    folder: Path
    worker: str
    clock: Callable[[], datetime]
    told: Callable[[JobRow], None] = _silent
    vault_key: str | None = None
    upload: Limits = field(default_factory=Limits)
    large: Limits = COMMAND_LINE
    lease: timedelta = LEASE


@dataclass(frozen=True, slots=True)
class _End:
    """How a job is let go of."""

    state: JobState
    report: Mapping[str, Any]
    problem: str = ""


def bench_of(
    chosen: Settings, *, store: Store, worker: str, clock: Callable[[], datetime], told: Callable[[JobRow], None]
) -> Bench:
    """Describe the bench that the settings ask for."""
    upload = Limits(bytes=chosen.upload_megabytes * MEGABYTE)
    large = replace(COMMAND_LINE, bytes=chosen.file_megabytes * MEGABYTE)
    return Bench(store, folder_of(chosen), worker, clock, told, chosen.vault_key, upload, large)


def run(bench: Bench, *, wait: Callable[[], bool]) -> Iterator[JobRow]:
    """Work on what waits, one job after another, and give each as it was let go of; while `wait` says so, go on.

    Where the database is away or full, that is waited for too.

    Raises
    ------
    StoreError
        If the database fails and `wait` says no.
    """
    while True:
        try:
            sweep(bench.store, bench.folder, at=bench.clock())
            job = run_next(bench)
        except StoreTroubleError as error:
            if not wait():
                raise
            _LOG.warning("%s", error)
            continue
        if job is not None:
            yield job
        elif not wait():
            return


def run_next(bench: Bench) -> JobRow | None:
    """Take the next job and work on it to its end, or to where it is let go of; None where none can be taken."""
    now = bench.clock()
    bench.store.give_up_jobs(at=now, problem=sentences.job_words("lost", most=MOST))
    at_hand = spool.places(bench.folder)
    job = bench.store.claim_job(worker=bench.worker, places=at_hand, at=now, until=now + bench.lease)
    if job is None:
        return None
    with _held(bench, job):
        _work(bench, job)
    left = bench.store.job(job.id)
    bench.told(left)
    return left


def _work(bench: Bench, job: JobRow) -> None:
    """Work on a job; whatever happens, it ends, waits again, or is another worker's."""
    try:
        end = _stages(bench, job)
    except LeaseLostError:
        return
    except (StoreTroubleError, OSError) as error:
        _later(bench, job, str(error))
        return
    except (SurveyError, ScoringError) as error:
        end = _refused(bench, job, str(error))
    except Exception as error:  # noqa: BLE001 - one file must not end the worker that all the others wait for
        _later(bench, job, _fault(bench, job, error))
        return
    except BaseException:  # somebody ends the worker: the next one begins, and no attempt was spent
        _let_go(bench, job, _End("waiting", bench.store.job(job.id).report), attempt=job.attempt - 1)
        raise
    if _let_go(bench, job, end, attempt=job.attempt):
        spool.remove(bench.folder, job.order.place)


def _stages(bench: Bench, job: JobRow) -> _End:
    """Check, store and add up; a job that was at its last stage has its draft in the store already."""
    report = job.report if job.stage == "score" else _drafted(bench, job)
    if job.order.kind == "check":
        return _End("done", report)
    if not report["ready"]:
        problems = sentences.problems_counted(report)
        return _End("failed", report, sentences.job_words("not-stored", problems=problems))
    _move(bench, job, "score", report)
    form = form_of(bench.store, job.order.survey_id, job.order.instrument)
    if (settings.LATTICES / f"{form.id}.toml").is_file():  # answers to other forms are kept and not scored
        reducing.totals_of(bench.store, job.order.survey_id, (job.order.wave,), at=bench.clock())
    return _End("done", report)


def _drafted(bench: Bench, job: JobRow) -> Mapping[str, Any]:
    """Read and check a file, and store it where that is asked for and nothing blocks it; gives the report."""
    order = job.order
    _move(bench, job, "read", {})
    form, table = form_of(bench.store, order.survey_id, order.instrument), _read(bench, order)
    _move(bench, job, "check", {})
    found = checking.check(table, form)
    report = _report(found)
    if order.kind == "check" or found.responses is None:
        return report
    _move(bench, job, "store", report)
    return {**report, "saved": _store(bench, order, found.responses)}


def _move(bench: Bench, job: JobRow, stage: Stage, report: Mapping[str, Any]) -> None:
    """Let a job be at its next stage, unless somebody else has it by now."""
    now = bench.clock()
    until = now + bench.lease
    if not bench.store.move_job(job.id, worker=bench.worker, stage=stage, report=report, at=now, until=until):
        raise LeaseLostError
    bench.told(bench.store.job(job.id))


def _read(bench: Bench, order: Order) -> RawTable:
    path = spool.path_of(bench.folder, order.place, order.filename)
    limits = bench.upload if path.stat().st_size <= bench.upload.bytes else bench.large
    if order.sealed:
        return read_bytes(_unsealed(bench, order), order.filename, limits=limits)
    if vault.digest(path) != order.sha256:
        raise StoreError(sentences.job_words("altered"))
    return read(path, limits=limits)


def _sealed(bench: Bench, order: Order) -> Sealed:
    sealed = spool.sealed_of(bench.folder, order.place, order.filename)
    if sealed.sha256 != order.sha256:
        raise StoreError(sentences.job_words("altered"))
    return sealed


def _unsealed(bench: Bench, order: Order) -> bytes:
    """Open an encrypted file; where the key is missing or another one, it waits for whoever gives the right one."""
    if not bench.vault_key:
        raise StoreTroubleError(sentences.job_words("no-key"))
    sealed = _sealed(bench, order)
    try:
        return vault.unseal(sealed, bench.vault_key)
    except StoreError as error:
        raise StoreTroubleError(str(error)) from error


def _store(bench: Bench, order: Order, responses: checking.Responses) -> Mapping[str, Any]:
    saved = fieldwork.store_responses(
        responses,
        store=bench.store,
        survey_id=order.survey_id,
        wave=order.wave,
        sha256=order.sha256,
        filename=order.filename,
        who=order.who,
        at=bench.clock(),
        sealed=_sealed(bench, order) if order.sealed else None,
        title=order.title,
    )
    return {name: getattr(saved, name) for name in ("status", "new", "changed", "same", "erased")}


def _report(found: checking.Report) -> Mapping[str, Any]:
    """What a check found, as codes: never a cell of the file, and the first rows alone."""
    return {
        "counts": dict(found.counts),
        "dropped": dict(found.dropped),
        "ready": found.responses is not None,
        "issues": [
            {
                **asdict(issue),
                "rows": list(issue.rows[:ROWS]),
                "count": len(issue.rows),
                "params": {name: value for name, value in issue.params.items() if name != "values"},
            }
            for issue in found.issues
        ],
    }


def _refused(bench: Bench, job: JobRow, problem: str) -> _End:
    """A job that would be refused each time; where its draft is stored already, that is said."""
    now = bench.store.job(job.id)
    text = sentences.job_words("not-added-up", problem=problem) if now.stage == "score" else problem
    return _End("failed", now.report, text)


def _fault(bench: Bench, job: JobRow, error: Exception) -> str:
    """Say that the program failed, and where; its own words may repeat an answer, and are left out."""
    stage, kind = bench.store.job(job.id).stage, type(error).__name__
    last = traceback.extract_tb(error.__traceback__)[-1]
    _LOG.error("job %d failed at %s: %s in %s, line %s", job.id, stage, kind, Path(last.filename).name, last.lineno)
    return sentences.job_words("fault", doing=sentences.job_doing(stage), kind=kind)


def _later(bench: Bench, job: JobRow, problem: str) -> None:
    """Let a job wait to be begun again, or give it up when that was the last time; its file stays."""
    report = bench.store.job(job.id).report
    if job.attempt < MOST:
        _let_go(bench, job, _End("waiting", report, problem), attempt=job.attempt, due=bench.clock() + PAUSE)
    else:
        text = sentences.job_words("given-up", most=MOST, problem=problem)
        _let_go(bench, job, _End("failed", report, text), attempt=job.attempt)


def _let_go(bench: Bench, job: JobRow, end: _End, *, attempt: int, due: datetime | None = None) -> bool:
    return bench.store.end_job(
        job.id, worker=bench.worker, state=end.state, problem=end.problem, report=end.report, attempt=attempt,
        at=bench.clock(), due=due,
    )  # fmt: skip


@contextmanager
def _held(bench: Bench, job: JobRow) -> Iterator[None]:
    """Lengthen the lease for as long as the block lasts; the only thing here that runs beside the work."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait((bench.lease / BEATS).total_seconds()):
            try:
                bench.store.hold_job(job.id, worker=bench.worker, until=bench.clock() + bench.lease)
            except StoreError as error:  # the next beat may come through; if none does, the lease ends
                _LOG.warning("the lease of job %d could not be lengthened: %s", job.id, error)

    thread = threading.Thread(target=beat, daemon=True, name=f"lease of job {job.id}")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
