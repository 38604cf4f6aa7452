"""Releases in the database: from review through two signatures to publication, and what may become of them after.

::

    in_review -> signed -> shared -> published -> superseded | withdrawn
        |           |________|__________^
        |___________|________|-> refused

A wave follows from its releases: published while a published release holds it, in review while an open one does.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from surveys.errors import StoreError
from surveys.store import prints, records
from surveys.store.rows import Comment, ReleaseRow, ReleaseState, Signature, State
from surveys.store.schema import comment, release, release_wave, signature, wave

ROLES: Final = ("statistics", "safety")

#: States of a release that nobody outside has seen as final; a survey has one such release at a time.
OPEN: Final = ("in_review", "signed", "shared")

#: States of a release that people have read.
STANDING: Final = ("published", "superseded")

LONGEST_COMMENT: Final = 4_000

_HEAD = tuple(column for column in release.columns if column.name not in {"document", "mask"})


def add(
    connection: Connection,
    survey_id: str,
    *,
    waves: Sequence[str],
    document: bytes,
    mask: bytes,
    supersedes: int | None,
    who: str,
    at: datetime,
) -> int:
    """Put a release into review; gives its number."""
    if not waves or len(set(waves)) < len(waves):
        raise StoreError("a release needs waves, each named once")
    ids = [records.wave_id(connection, survey_id, name) for name in waves]
    known = releases(connection, survey_id)
    opened = next((row for row in known if row.state in OPEN), None)
    if opened is not None:
        raise StoreError(
            f"release {opened.number} of survey {survey_id!r} is {_worded(opened.state)}; publish or refuse it first"
        )
    if supersedes is not None:
        _in_state(_head(connection, survey_id, supersedes), "published", deed="be superseded")
    number = 1 + max((row.number for row in known), default=0)
    values = {
        "survey_id": survey_id,
        "number": number,
        "state": "in_review",
        "made_at": at,
        "made_by": who,
        **_documents(document, mask),
        "signed_digest": _sha256(document),
        "supersedes": supersedes,
        "reason": "",
        "revision": 0,
        "shared_with": [],
    }
    made = connection.execute(insert(release).values(values).returning(release.c.id)).scalar_one()
    places = [{"release_id": made, "wave_id": id_, "position": place} for place, id_ in enumerate(ids)]
    connection.execute(insert(release_wave), places)
    _settle(connection, ids)
    return number


def sign(
    connection: Connection,
    survey_id: str,
    number: int,
    *,
    role: str,
    who: str,
    verified: bool,
    checklist: Sequence[str],
    at: datetime,
) -> None:
    """Sign the document as it stands, in one of two roles; two persons make the release signed."""
    row = _in_state(_head(connection, survey_id, number), "in_review", deed="be signed")
    if role not in ROLES:
        raise StoreError(f"a release is signed for {' and for '.join(ROLES)}, not for {role!r}")
    if not _person(who):
        raise StoreError("a signature needs the name of who gives it")
    given = signatures(connection, survey_id, number)
    for other in given:
        if other.role == role:
            raise StoreError(f"release {number} is signed for {role} already, by {other.who}; the other role is left")
        if _person(other.who) == _person(who):
            raise StoreError(f"{other.who} has signed release {number} for {other.role}; a second person must sign")
    values = {"role": role, "who": who, "verified": verified, "at": at, "checklist": list(checklist)}
    connection.execute(insert(signature).values(release_id=row.id, digest=row.digest, **values))
    if len(given) + 1 == len(ROLES):
        _change(connection, row, state="signed")


def share(connection: Connection, survey_id: str, number: int, *, agencies: Sequence[str], until: date) -> None:
    """Share a signed release with the agencies that it judges, for a comment."""
    row = _in_state(_head(connection, survey_id, number), "signed", deed="be shared")
    names = [name.strip() for name in agencies]
    if not names or not all(names) or len(set(names)) < len(names):
        raise StoreError("a release is shared with agencies, each named once")
    _change(connection, row, state="shared", shared_with=names, comment_until=until)


def add_comment(
    connection: Connection, survey_id: str, number: int, *, agency: str, text: str, who: str, at: datetime
) -> None:
    """Keep what an agency says; it may say more than once, and late."""
    row = _in_state(_head(connection, survey_id, number), "shared", "published", deed="take a comment")
    if agency not in row.shared_with:
        names = ", ".join(row.shared_with) or "no agency"
        raise StoreError(f"release {number} was not shared with {agency!r}; it was shared with: {names}")
    if not 1 <= len(text.strip()) <= LONGEST_COMMENT:
        raise StoreError(f"a comment has 1 to {LONGEST_COMMENT} characters, and this one {len(text.strip())}")
    values = {"agency": agency, "text": text.strip(), "who": who, "at": at}
    connection.execute(insert(comment).values(release_id=row.id, **values))


def publish(
    connection: Connection, survey_id: str, number: int, *, document: bytes | None, at: datetime
) -> tuple[int, ...]:
    """Publish a signed release, by the document given where there is one; gives the numbers of those it touched."""
    row = _in_state(_head(connection, survey_id, number), "signed", "shared", deed="be published")
    kept = connection.execute(select(release.c.document).where(release.c.id == row.id)).scalar_one()
    given = signatures(connection, survey_id, number)
    if {entry.role for entry in given} != set(ROLES) or any(entry.digest != _sha256(bytes(kept)) for entry in given):
        raise StoreError(
            f"the document of release {number} is not the one that was signed, and is not published; "
            "refuse it, make the release anew and have it signed again"
        )
    changed = {} if document is None else {"document": document, "digest": _sha256(document)}
    _change(connection, row, state="published", published_at=at, **changed)
    touched = [number]
    before = None if row.supersedes is None else _head(connection, survey_id, row.supersedes)
    if before is not None and before.state == "published":
        _change(connection, before, state="superseded")
        touched.append(before.number)
    _settle(connection, [*_wave_ids(connection, row.id), *([] if before is None else _wave_ids(connection, before.id))])
    return tuple(touched)


def refuse(connection: Connection, survey_id: str, number: int, *, reason: str) -> None:
    """End a release before it is published."""
    row = _in_state(_head(connection, survey_id, number), *OPEN, deed="be refused")
    _change(connection, row, state="refused", reason=_reason(reason, "refused"))
    _settle(connection, _wave_ids(connection, row.id))


def withdraw(connection: Connection, survey_id: str, number: int, *, reason: str) -> None:
    """Take back a release that people have read; its waves are drafts again where nothing else holds them."""
    row = _in_state(_head(connection, survey_id, number), *STANDING, deed="be withdrawn")
    _change(connection, row, state="withdrawn", reason=_reason(reason, "withdrawn"))
    _settle(connection, _wave_ids(connection, row.id), free="draft")


def revise(
    connection: Connection, survey_id: str, number: int, *, document: bytes, mask: bytes, reason: str
) -> tuple[str, str]:
    """Withdraw a part: another document and mask in place of the ones there; gives the digests, old and new."""
    row = _in_state(_head(connection, survey_id, number), *STANDING, deed="be withdrawn in part")
    _reason(reason, "withdrawn in part")
    changed = _documents(document, mask)
    _change(connection, row, revision=row.revision + 1, **changed)
    return row.digest, str(changed["digest"])


def releases(connection: Connection, survey_id: str) -> tuple[ReleaseRow, ...]:
    """Every release of a survey, oldest first, without documents."""
    records.need_survey(connection, survey_id)
    found = connection.execute(select(*_HEAD).where(release.c.survey_id == survey_id).order_by(release.c.number))
    return tuple(_row(connection, row) for row in found.all())


def digest(connection: Connection, survey_id: str, number: int) -> str:
    """Digest of the document of a release, as it is kept."""
    return str(_head(connection, survey_id, number).digest)


def document(connection: Connection, survey_id: str, number: int) -> bytes:
    """Read the document of a release."""
    row = _head(connection, survey_id, number)
    return bytes(connection.execute(select(release.c.document).where(release.c.id == row.id)).scalar_one())


def mask(connection: Connection, survey_id: str, number: int) -> bytes:
    """Read the mask of a release."""
    row = _head(connection, survey_id, number)
    return bytes(connection.execute(select(release.c.mask).where(release.c.id == row.id)).scalar_one())


def signatures(connection: Connection, survey_id: str, number: int) -> tuple[Signature, ...]:
    """Signatures of a release, in the order they were given."""
    row = _head(connection, survey_id, number)
    found = connection.execute(select(signature).where(signature.c.release_id == row.id).order_by(signature.c.id))
    return tuple(
        Signature(given.role, given.who, given.verified, given.at, tuple(given.checklist), given.digest)
        for given in found
    )


def comments(connection: Connection, survey_id: str, number: int) -> tuple[Comment, ...]:
    """Comments on a release, in the order they were given."""
    row = _head(connection, survey_id, number)
    found = connection.execute(select(comment).where(comment.c.release_id == row.id).order_by(comment.c.id))
    return tuple(Comment(said.agency, said.text, said.who, said.at) for said in found)


def held(connection: Connection, wave_id: int) -> tuple[int, ...]:
    """Numbers of the releases, open or published, that hold a wave."""
    found = connection.execute(
        select(release.c.number)
        .join(release_wave, release_wave.c.release_id == release.c.id)
        .where(release_wave.c.wave_id == wave_id, release.c.state.in_([*OPEN, "published"]))
        .order_by(release.c.number)
    )
    return tuple(found.scalars())


def proof(connection: Connection, survey_id: str, *numbers: int) -> prints.Prints:
    """What the log must prove of these releases after a change."""
    ids = [_head(connection, survey_id, number).id for number in numbers]
    waves = [id_ for number in ids for id_ in _wave_ids(connection, number)]
    return {
        **prints.of_releases(connection, ids),
        **prints.of_signatures(connection, ids),
        **prints.of_comments(connection, ids),
        **prints.of_waves(connection, waves),
    }


def _head(connection: Connection, survey_id: str, number: int) -> Row[Any]:
    known = select(*_HEAD).where(release.c.survey_id == survey_id, release.c.number == number)
    row = connection.execute(known).first()
    if row is None:
        numbers = ", ".join(str(known.number) for known in releases(connection, survey_id)) or "none yet"
        raise StoreError(f"survey {survey_id!r} has no release {number}; it has: {numbers}")
    return row


def _row(connection: Connection, row: Row[Any]) -> ReleaseRow:
    names = (
        select(wave.c.name)
        .join(release_wave, release_wave.c.wave_id == wave.c.id)
        .where(release_wave.c.release_id == row.id)
        .order_by(release_wave.c.position)
    )
    own = {name: getattr(row, name) for name in ReleaseRow.__slots__ if name not in {"waves", "shared_with"}}
    waves = tuple(connection.execute(names).scalars())
    return ReleaseRow(**own, waves=waves, shared_with=tuple(row.shared_with))


def _in_state(row: Row[Any], *states: ReleaseState, deed: str) -> Row[Any]:
    if row.state not in states:
        wanted = " or ".join(_worded(state) for state in states)
        raise StoreError(
            f"release {row.number} of survey {row.survey_id!r} is {_worded(row.state)} and cannot {deed}; "
            f"only one that is {wanted} can"
        )
    return row


def _worded(state: str) -> str:
    return state.replace("_", " ")


def _change(connection: Connection, row: Row[Any], **values: object) -> None:
    connection.execute(update(release).where(release.c.id == row.id).values(values))


def _wave_ids(connection: Connection, release_id: int) -> list[int]:
    found = select(release_wave.c.wave_id).where(release_wave.c.release_id == release_id)
    return list(connection.execute(found.order_by(release_wave.c.position)).scalars())


def _settle(connection: Connection, waves: Sequence[int], *, free: State | None = None) -> None:
    """Give waves the state that follows from their releases.

    A wave that none holds becomes a draft again: after a withdrawal any (`free`), else one that was in review, so that
    a wave published before there were releases stays so.
    """
    for number in waves:
        standing = (
            select(func.count())
            .select_from(release_wave.join(release, release.c.id == release_wave.c.release_id))
            .where(release_wave.c.wave_id == number)
        )
        published = connection.execute(standing.where(release.c.state == "published")).scalar_one()
        opened = connection.execute(standing.where(release.c.state.in_(OPEN))).scalar_one()
        now = connection.execute(select(wave.c.state).where(wave.c.id == number)).scalar_one()
        if published:
            now = "published"
        elif opened and now != "published":
            now = "in_review"
        elif not opened and (free or now == "in_review"):
            now = "draft"
        connection.execute(update(wave).where(wave.c.id == number).values(state=now))


def _documents(document: bytes, mask: bytes) -> dict[str, object]:
    if not document:
        raise StoreError("the document of a release is empty")
    return {"document": document, "mask": mask, "digest": _sha256(document), "mask_digest": _sha256(mask)}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _person(who: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", who).casefold().split())


def _reason(reason: str, deed: str) -> str:
    if not reason.strip():
        raise StoreError(f"say why the release is {deed}; the reason is shown to whoever opens it")
    return reason.strip()
