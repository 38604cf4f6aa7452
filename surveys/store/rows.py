"""What the store answers with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["draft", "published"]
Status = Literal["active", "superseded", "undone"]


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """One survey; `synthetic` surveys hold invented answers and never stand beside real ones."""

    id: str
    title: str
    synthetic: bool
    team: str


@dataclass(frozen=True, slots=True)
class WaveRow:
    """One wave of a survey, with its current submissions counted."""

    id: int
    name: str
    state: State
    submissions: int


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One file that was imported; `n_rows` are its submissions, stored or known already."""

    id: int
    wave: str
    sha256: str
    filename: str
    received_at: datetime
    received_by: str
    status: Status
    superseded_by: int | None
    n_rows: int


@dataclass(frozen=True, slots=True)
class Saved:
    """What an import did.

    Attributes
    ----------
    status : {"stored", "already"}
        "already" when this very file is in the wave; nothing was changed then.
    batch_id : int
        The batch that holds the file.
    new, changed, same : int
        Submissions not known before; known ones whose answers differ, which now stand for the earlier ones; known
        ones that are equal. They add up to the rows of the file; all are `same` when it was there already.
    received_at, received_by : datetime, str
        When and by whom the file first came.
    """

    status: Literal["stored", "already"]
    batch_id: int
    new: int
    changed: int
    same: int
    received_at: datetime
    received_by: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str
    details: Mapping[str, object]
