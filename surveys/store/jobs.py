"""Jobs: files that wait to be checked or imported, each row held by one worker at a time under a lease.

A job is claimed by one conditional update, and every later change asks again whether the lease is still held. Whoever
lost it, because the lease ended and somebody else took the job over, changes nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, or_, select, update

from surveys.errors import StoreError
from surveys.store.schema import job

JobKind = Literal["check", "import"]
Stage = Literal["read", "check", "store", "score"]
JobState = Literal["waiting", "running", "done", "failed"]

#: How often a job is begun before it is given up.
MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done with a file, and where it lies.

    Attributes
    ----------
    kind : {"check", "import"}
        Only to be checked, or stored as a draft too.
    survey_id, wave : str
        Where it belongs; the survey need not be there yet, and a check needs no wave.
    instrument, title : str
        The form that a new survey is asked with, and its title.
    filename, sha256 : str
        What the file is called, and the digest of what it holds.
    place, sealed : str, bool
        Where it lies in the folder of waiting files, and whether it is encrypted there.
    who : str
        Who sent it.
    """

    kind: JobKind
    survey_id: str
    wave: str
    instrument: str
    title: str
    filename: str
    sha256: str
    place: str
    sealed: bool
    who: str


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as it stands.

    Attributes
    ----------
    stage : {"read", "check", "store", "score"}
        The step it is at, or ended at.
    attempt : int
        How often it was begun.
    lease_until : datetime or None
        Until when it is its worker's; of a job that waits, when it may be begun again.
    problem : str
        A sentence on what went wrong last; "" where nothing did.
    report : mapping
        What the check found and the import did, as codes and counts.
    """

    id: int
    order: Order
    stage: Stage
    attempt: int
    state: JobState
    lease_until: datetime | None
    worker: str
    problem: str
    report: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


def put(connection: Connection, order: Order, at: datetime) -> int:
    """Add a job that waits; gives its number."""
    asked = {name: getattr(order, name) for name in Order.__slots__}
    fresh = {"stage": "read", "attempt": 0, "state": "waiting", "worker": "", "problem": "", "report": {}}
    row = insert(job).values(**asked, **fresh, created_at=at, updated_at=at)
    number: int = connection.execute(row.returning(job.c.id)).scalar_one()
    return number


def find(connection: Connection, number: int) -> JobRow:
    """Find one job; refuses a number that none has."""
    row = connection.execute(select(job).where(job.c.id == number)).first()
    if row is None:
        raise StoreError(f"there is no job {number}; `sarhad jobs` lists them")
    return _row(row)


def jobs(connection: Connection, *, limit: int) -> tuple[JobRow, ...]:
    """List the newest jobs, oldest of them first."""
    found = connection.execute(select(job).order_by(job.c.id.desc()).limit(limit)).all()
    return tuple(_row(row) for row in reversed(found))


def wanted(connection: Connection, since: datetime) -> frozenset[str]:
    """Where the files lie that are still needed: of jobs that are open, and of those given up since a moment."""
    is_open = job.c.state.in_(("waiting", "running"))
    may_go_on = and_(job.c.state == "failed", job.c.updated_at >= since)
    return frozenset(connection.execute(select(job.c.place).where(or_(is_open, may_go_on))).scalars())


def is_free(at: datetime) -> ColumnElement[bool]:
    """Whether a job may be claimed: it waits and may be begun, or whoever had it let the lease end."""
    is_due = or_(job.c.lease_until.is_(None), job.c.lease_until <= at)
    return and_(job.c.state.in_(("waiting", "running")), is_due, job.c.attempt < MOST)


def is_lost(at: datetime) -> ColumnElement[bool]:
    """Whether a job was begun as often as it may be, and its last worker let the lease end too."""
    return and_(job.c.state == "running", job.c.lease_until <= at, job.c.attempt >= MOST)


def any_such(connection: Connection, condition: ColumnElement[bool]) -> bool:
    """Whether there is a job of which this holds: a glance that keeps nobody from writing."""
    return connection.execute(select(job.c.id).where(condition).limit(1)).first() is not None


def claim(
    connection: Connection, *, worker: str, places: Collection[str], at: datetime, until: datetime
) -> JobRow | None:
    """Take the oldest job that is free and whose file is at hand, in one conditional update; None where there is none.

    The condition stands in the update itself, so that of two workers who found the same job one changes a row and the
    other none.
    """
    free = and_(is_free(at), job.c.place.in_(sorted(places)))
    first = select(job.c.id).where(free).order_by(job.c.id).limit(1).scalar_subquery()
    taken = {
        "state": "running", "worker": worker, "lease_until": until, "attempt": job.c.attempt + 1, "updated_at": at,
    }  # fmt: skip
    row = connection.execute(update(job).where(job.c.id == first, free).values(taken).returning(*job.c)).first()
    return None if row is None else _row(row)


def change(connection: Connection, number: int, *, worker: str, values: Mapping[str, Any]) -> bool:
    """Change a job that a worker still holds; says whether it does."""
    held = job.c.id == number, job.c.worker == worker, job.c.state == "running"
    return connection.execute(update(job).where(*held).values(dict(values))).rowcount == 1


def give_up(connection: Connection, *, at: datetime, problem: str) -> int:
    """End every job that is lost; says how many there were."""
    ended = {"state": "failed", "problem": problem, "lease_until": None, "worker": "", "updated_at": at}
    return connection.execute(update(job).where(is_lost(at)).values(ended)).rowcount


def begin_again(connection: Connection, number: int, at: datetime) -> None:
    """Let a job that was given up wait once more, as if it were new."""
    find(connection, number)
    fresh = {"state": "waiting", "attempt": 0, "stage": "read", "problem": "", "lease_until": None, "updated_at": at}
    failed = job.c.id == number, job.c.state == "failed"
    if connection.execute(update(job).where(*failed).values(fresh)).rowcount == 0:
        raise StoreError(f"job {number} did not fail; only one that was given up is begun again")


def _row(row: Row[Any]) -> JobRow:
    found = row._mapping  # noqa: SLF001 - SQLAlchemy's documented name for a row by its columns
    order = Order(**{name: found[name] for name in Order.__slots__})
    return JobRow(order=order, **{name: found[name] for name in JobRow.__slots__ if name != "order"})
