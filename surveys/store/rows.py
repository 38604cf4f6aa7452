"""What the store answers with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

State = Literal["draft", "in_review", "published"]
ReleaseState = Literal["in_review", "signed", "shared", "published", "superseded", "withdrawn", "refused"]
Role = Literal["statistics", "safety"]
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
    erased : int
        Submissions of the file that were erased at somebody's wish before; they are left out, and its raw file is
        not kept.
    """

    status: Literal["stored", "already"]
    batch_id: int
    new: int
    changed: int
    same: int
    received_at: datetime
    received_by: str
    erased: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log; `mac` binds it to the line before."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str
    details: Mapping[str, object]
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was stored: a word for the kind, where it is, and what that means."""

    code: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One release of a survey, without its document.

    Attributes
    ----------
    number : int
        1, 2, ... within the survey.
    waves : tuple of str
        Names of its waves, in the order given.
    published_at : datetime or None
        When it was published first.
    digest : str
        SHA-256 of the document as it stands.
    supersedes : int or None
        Number of the release that it replaces when it is published.
    reason : str
        Why it was withdrawn or refused; "" otherwise.
    revision : int
        0, and one more each time a part was withdrawn.
    shared_with, comment_until : tuple of str, date or None
        Agencies that may comment, and until when.
    """

    survey_id: str
    number: int
    state: ReleaseState
    waves: tuple[str, ...]
    made_at: datetime
    made_by: str
    published_at: datetime | None
    digest: str
    supersedes: int | None
    reason: str
    revision: int
    shared_with: tuple[str, ...]
    comment_until: date | None


@dataclass(frozen=True, slots=True)
class Signature:
    """One of the two signatures of a release; `digest` is that of the document it was given for."""

    role: Role
    who: str
    verified: bool
    at: datetime
    checklist: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Comment:
    """What an agency said about a release that was shared with it."""

    agency: str
    text: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure took away, and how many interviews of the wave still count."""

    wave: str
    submissions: int
    raw_uploads: int
    interviews_left: int
