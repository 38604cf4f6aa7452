"""The life of a release: prepared, signed by two people, shared, commented on, published, superseded or withdrawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from app.workflow import bundles, publishing, reducing, revising
from app.workflow.document import Document, Release, pack, unpack
from surveys.errors import StoreError
from surveys.store import ReleaseRow, Store

#: What each of the two signs, code -> sentence. Both are asked whole: a release with a box left open is not signed.
CHECKLIST: Mapping[str, Mapping[str, str]] = {
    "statistics": {
        "design": "Weights, strata and shifts are those of the sample that was drawn.",
        "counts": "Interviews done agree with the field report, post by post.",
        "figures": "Figures that surprise were looked at, with their intervals.",
        "loss": "What the mask hides was read, and nothing hidden is named in words.",
    },
    "safety": {
        "respondents": "No post, group or wave is shown whose respondents could be sought out.",
        "officers": "Nothing shown or written can be taken for an accusation of a person.",
        "harm": "The people who ran the fieldwork were asked what publication may bring on respondents.",
        "withdrawal": "It is known who can withdraw a figure at any hour, and how.",
    },
}


#: Words for each state, in the order of life.
STATES: Mapping[str, str] = {
    "in_review": "In review", "signed": "Signed", "shared": "Shared with the agency", "published": "Published",
    "superseded": "Superseded", "withdrawn": "Withdrawn", "refused": "Refused",
}  # fmt: skip
OPEN = ("in_review", "signed", "shared")
PUBLIC = ("published", "superseded")


@dataclass(frozen=True, slots=True)
class Step:
    """What stands, and what comes next: one line of a list of releases."""

    number: int
    state: str
    waves: tuple[str, ...]
    next: str


def sign(
    store: Store, survey_id: str, number: int, *, role: str, ticked: Sequence[str], who: str, at: datetime
) -> ReleaseRow:
    """Sign for statistics or for respondents' safety, every point of the checklist ticked; two different people."""
    if role not in CHECKLIST:
        raise StoreError(f"{role!r} is no role; a release is signed for {' and for '.join(CHECKLIST)}")
    missing = [code for code in CHECKLIST[role] if code not in ticked]
    unknown = [code for code in ticked if code not in CHECKLIST[role]]
    if missing or unknown:
        asked = "; ".join(f"{code}: {CHECKLIST[role][code]}" for code in missing) or f"nothing asks for {unknown[0]!r}"
        raise StoreError(f"the checklist of {role} is not complete: {asked}")
    # there is no sign-in yet, so nobody has proved who they are
    store.sign_release(survey_id, number, role=role, who=who, verified=False, checklist=tuple(ticked), at=at)
    return publishing.find(store, survey_id, number)


def publish(store: Store, survey_id: str, number: int, *, who: str, at: datetime, uncommented: str = "") -> None:
    """Publish a signed release, once every agency commented or its time is over; `uncommented` says why not to wait."""
    row = publishing.find(store, survey_id, number)
    if row.state == "signed" and not uncommented.strip():
        raise StoreError(
            f"release {number} was not shared with an agency yet; share it, or say why no comment is waited for"
        )
    waiting = set(row.shared_with) - {comment.agency for comment in store.comments(survey_id, number)}
    early = row.comment_until is not None and at.date() <= row.comment_until
    if waiting and early and not uncommented.strip():
        raise StoreError(
            f"{', '.join(sorted(waiting))} may comment on release {number} until {row.comment_until}; "
            "to publish it before, say why no comment is waited for"
        )
    if row.state in ("signed", "shared"):  # of any other the store says what has become of it
        publishing.refuse_outdated(store, survey_id, row)
    document = unpack(store.release_document(survey_id, number))
    printed = pack(replace(document, audit_head=store.audit_head()))
    store.publish_release(survey_id, number, document=printed, uncommented=uncommented.strip(), who=who, at=at)


def withdraw(
    store: Store,
    survey_id: str,
    number: int | None,
    *,
    cells: Sequence[Mapping[str, str]],
    reason: str,
    who: str,
    at: datetime,
) -> str:
    """Withdraw at once: all that is public or one release of it, or with `cells` a part of every one that shows it."""
    if not reason.strip():
        raise StoreError("say why: the reason is kept in the log and told to whoever follows an old link")
    public = [row for row in reversed(store.releases(survey_id)) if row.state in PUBLIC]
    if not public:
        raise StoreError(f"survey {survey_id!r} has no published release; there is nothing to withdraw")
    if cells:
        shown = [row for row in public if any(cell.get("wave", row.waves[0]) in row.waves for cell in cells)]
        revising.revise(store, survey_id, shown, cells=cells, reason=reason, who=who, at=at)
        names = ", ".join(str(row.number) for row in shown)
        return f"Withdrawn from release {names}, with whatever would give it away."
    gone = [number] if number is not None else [row.number for row in public]
    store.withdraw_releases(survey_id, gone, reason=reason, who=who, at=at)
    names = ", ".join(map(str, gone))
    return f"Withdrawn: release {names}. Pages, links and exports no longer show it."


def read(store: Store, survey_id: str, number: int) -> Release:
    """A release as it is shown; whole withdrawals show nothing but that they are withdrawn."""
    row = publishing.find(store, survey_id, number)
    if row.state in ("withdrawn", "refused"):
        raise StoreError(f"release {number} of {survey_id!r} was {row.state}: {row.reason}")
    document = unpack(store.release_document(survey_id, number))
    return Release(
        document=document,
        number=number,
        revision=row.revision,
        state=row.state,
        digest=row.digest,
        published_on=row.published_at.date().isoformat() if row.published_at else "",
        notice=_notice(store, survey_id, row, document),
        signatures=tuple(
            {"role": one.role, "who": one.who, "verified": one.verified, "at": one.at.isoformat()}
            for one in store.signatures(survey_id, number)
        ),
        comments=tuple(
            {"agency": one.agency, "text": one.text, "at": one.at.isoformat()}
            for one in store.comments(survey_id, number)
        ),
    )


def _notice(store: Store, survey_id: str, row: ReleaseRow, document: Document) -> str:
    told = []
    if row.state == "superseded":
        standing = publishing.standing(store, survey_id)
        newer = f"; release {standing.number} stands now" if standing else ""
        told.append(f"This is release {row.number}, which was superseded{newer}.")
    if row.revision:
        told.append(f"A part of this release was withdrawn: {document.note.get('withdrawn', 'see the log')}.")
    return " ".join(told)


def steps(store: Store, survey_id: str) -> list[Step]:
    """Every release with what comes next."""
    return [Step(row.number, row.state, row.waves, _next(store, row)) for row in store.releases(survey_id)]


def _next(store: Store, row: ReleaseRow) -> str:
    signed = {one.role for one in store.signatures(row.survey_id, row.number)}
    waiting = [role for role in CHECKLIST if role not in signed]
    words = {
        "in_review": f"to be signed for {' and '.join(waiting)}",
        "signed": "to be shared with the agency",
        "shared": f"open for comment until {row.comment_until}, then to be published",
        "published": "stands",
        "superseded": "kept under its old link",
    }
    return words.get(row.state, row.reason)


def export(store: Store, survey_id: str, number: int | None, target: Path, *, key: str, who: str, at: datetime) -> str:
    """Write a published release as a signed bundle; returns the fingerprint to be told beside it."""
    standing = publishing.standing(store, survey_id)
    chosen = number if number is not None else standing.number if standing else None
    if chosen is None:
        raise StoreError(f"survey {survey_id!r} has no published release to export")
    release = read(store, survey_id, chosen)
    if release.state not in ("published", "superseded"):
        raise StoreError(f"release {chosen} is {release.state.replace('_', ' ')}; only what is published is exported")
    about = {
        "survey_id": survey_id,
        "title": release.document.title,
        "synthetic": release.document.synthetic,
        "number": chosen,
        "revision": release.revision,
        "state": release.state,
        "made_at": at.isoformat(),
        "engine": reducing.ENGINE,
        "signatures": [dict(one) for one in release.signatures],
        "comments": [dict(one) for one in release.comments],
    }
    printed = bundles.write(target, document=store.release_document(survey_id, chosen), about=about, key=key)
    store.log(
        who=who, action="release-exported", subject=f"{survey_id}/release {chosen}", at=at,
        details={"file": target.name, "fingerprint": printed},
    )  # fmt: skip
    return printed


def until(text: str) -> date:
    """A day as text, 2026-12-31."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise StoreError(f"{text!r} is no day; write it as 2026-12-31") from error
