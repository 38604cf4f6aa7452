"""Where answers are kept: the only SQL of the program."""

from surveys.store.backups import restore
from surveys.store.jobs import JobKind, JobRow, JobState, Order, Stage
from surveys.store.rows import (
    BatchRow,
    Comment,
    Erased,
    Event,
    Fault,
    ReleaseRow,
    ReleaseState,
    Role,
    Saved,
    Signature,
    State,
    SurveyRow,
    WaveRow,
)
from surveys.store.store import Store, open_store

__all__ = [
    "BatchRow",
    "Comment",
    "Erased",
    "Event",
    "Fault",
    "JobKind",
    "JobRow",
    "JobState",
    "Order",
    "ReleaseRow",
    "ReleaseState",
    "Role",
    "Saved",
    "Signature",
    "Stage",
    "State",
    "Store",
    "SurveyRow",
    "WaveRow",
    "open_store",
    "restore",
]
