"""What the store does with releases: each deed in one transaction, with its line in the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection, Engine

from surveys.store import audit, prints, releases
from surveys.store.database import reading, scrub, writing
from surveys.store.keys import Keys
from surveys.store.rows import Comment, ReleaseRow, Signature


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did, for the log."""

    who: str
    at: datetime
    action: str
    details: Mapping[str, object]


class ReleaseDesk:
    """Releases of surveys, from review to withdrawal; `Store` is one."""

    def __init__(self, engine: Engine, keys: Keys) -> None:
        self._engine = engine
        self._keys = keys

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def add_release(
        self,
        survey_id: str,
        *,
        waves: Sequence[str],
        document: bytes,
        mask: bytes,
        supersedes: int | None,
        who: str,
        at: datetime,
    ) -> int:
        """Put a release into review, with its waves that are not published; gives its number.

        Raises
        ------
        StoreError
            If another release of the survey is not yet published or refused, a wave is unknown, or the release to be
            superseded is not published.
        """
        with writing(self._engine) as connection:
            number = releases.add(
                connection,
                survey_id,
                waves=waves,
                document=document,
                mask=mask,
                supersedes=supersedes,
                who=who,
                at=at,
            )
            self._told(
                connection, Deed(who, at, "made", {"waves": list(waves), "supersedes": supersedes}), survey_id, number
            )
            return number

    def releases(self, survey_id: str) -> tuple[ReleaseRow, ...]:
        """Every release of a survey, oldest first, without documents."""
        with reading(self._engine) as connection:
            return releases.releases(connection, survey_id)

    def release_document(self, survey_id: str, number: int) -> bytes:
        """Read the document of a release."""
        with reading(self._engine) as connection:
            return releases.document(connection, survey_id, number)

    def release_mask(self, survey_id: str, number: int) -> bytes:
        """Read the mask of a release."""
        with reading(self._engine) as connection:
            return releases.mask(connection, survey_id, number)

    def signatures(self, survey_id: str, number: int) -> tuple[Signature, ...]:
        """Signatures of a release, in the order they were given."""
        with reading(self._engine) as connection:
            return releases.signatures(connection, survey_id, number)

    def comments(self, survey_id: str, number: int) -> tuple[Comment, ...]:
        """Comments on a release, in the order they were given."""
        with reading(self._engine) as connection:
            return releases.comments(connection, survey_id, number)

    def sign_release(
        self,
        survey_id: str,
        number: int,
        *,
        role: str,
        who: str,
        verified: bool,
        checklist: Sequence[str],
        at: datetime,
    ) -> None:
        """Sign a release that is in review, for "statistics" or for "safety"; two persons make it signed."""
        with writing(self._engine) as connection:
            releases.sign(
                connection, survey_id, number, role=role, who=who, verified=verified, checklist=checklist, at=at
            )
            details = {"role": role, "verified": verified, "checklist": list(checklist)}
            self._told(connection, Deed(who, at, "signed", details), survey_id, number)

    def share_release(
        self, survey_id: str, number: int, *, agencies: Sequence[str], until: date, who: str, at: datetime
    ) -> None:
        """Share a signed release with the agencies that it judges, for comments until a day."""
        with writing(self._engine) as connection:
            releases.share(connection, survey_id, number, agencies=agencies, until=until)
            details = {"agencies": list(agencies), "until": until.isoformat()}
            self._told(connection, Deed(who, at, "shared", details), survey_id, number)

    def comment_release(self, survey_id: str, number: int, *, agency: str, text: str, who: str, at: datetime) -> None:
        """Keep the dated comment of an agency that the release was shared with, be it late."""
        with writing(self._engine) as connection:
            releases.add_comment(connection, survey_id, number, agency=agency, text=text, who=who, at=at)
            self._told(connection, Deed(who, at, "commented", {"agency": agency}), survey_id, number)

    def publish_release(
        self,
        survey_id: str,
        number: int,
        *,
        document: bytes | None = None,
        uncommented: str = "",
        who: str,
        at: datetime,
    ) -> None:
        """Publish a release that is signed or shared, and its waves; the one before is superseded.

        `document` is published in place of the one that was signed (the head of the log may be printed in it); the
        log names the digests of both. `uncommented` says, in a line of its own, why no comment was waited for.

        Raises
        ------
        StoreError
            If the stored document is not the one that was signed.
        """
        with writing(self._engine) as connection:
            signed = releases.digest(connection, survey_id, number)
            touched = releases.publish(connection, survey_id, number, document=document, at=at)
            details = {"signed": signed, "digest": releases.digest(connection, survey_id, number)}
            if uncommented:
                self._told(connection, Deed(who, at, "uncommented", {"reason": uncommented}), survey_id, number)
            self._told(connection, Deed(who, at, "published", details), survey_id, number, touched[1:])

    def refuse_release(self, survey_id: str, number: int, *, reason: str, who: str, at: datetime) -> None:
        """End a release before it is published; its waves are drafts again where nothing else holds them."""
        with writing(self._engine) as connection:
            releases.refuse(connection, survey_id, number, reason=reason)
            self._told(connection, Deed(who, at, "refused", {"reason": reason.strip()}), survey_id, number)

    def withdraw_release(self, survey_id: str, number: int, *, reason: str, who: str, at: datetime) -> None:
        """Take back a release that is published or superseded, whole and at once."""
        self.withdraw_releases(survey_id, [number], reason=reason, who=who, at=at)

    def withdraw_releases(self, survey_id: str, numbers: Sequence[int], *, reason: str, who: str, at: datetime) -> None:
        """Take back several releases whole, all at once."""
        with writing(self._engine) as connection:
            for number in numbers:
                releases.withdraw(connection, survey_id, number, reason=reason)
                details = {"reason": reason.strip()}
                self._told(connection, Deed(who, at, "withdrawn", details), survey_id, number)

    def revise_release(
        self, survey_id: str, number: int, *, document: bytes, mask: bytes, reason: str, who: str, at: datetime
    ) -> None:
        """Take back a part of a release: another document and mask under its number; the old ones are gone."""
        self.revise_releases(survey_id, {number: (document, mask)}, reason=reason, who=who, at=at)

    def revise_releases(
        self, survey_id: str, changes: Mapping[int, tuple[bytes, bytes]], *, reason: str, who: str, at: datetime
    ) -> None:
        """Take back a part of several releases at once, each by another document and mask.

        What is withdrawn from one release and still shown by another could be read there.
        """
        with writing(self._engine) as connection:
            for number, (document, mask) in changes.items():
                before, after = releases.revise(
                    connection, survey_id, number, document=document, mask=mask, reason=reason
                )
                details = {"reason": reason.strip(), "before": before, "digest": after}
                self._told(connection, Deed(who, at, "revised", details), survey_id, number)
        scrub(self._engine, "release")

    def _told(self, connection: Connection, deed: Deed, survey_id: str, number: int, also: Sequence[int] = ()) -> None:
        subject = f"{survey_id}/release {number}"
        proof = releases.proof(connection, survey_id, number, *also)
        self._log(connection, replace(deed, action=f"release-{deed.action}"), subject, proof)

    def _log(self, connection: Connection, deed: Deed, subject: str, proof: prints.Prints | None = None) -> None:
        audit.append(
            connection,
            self._keys.audit,
            who=deed.who,
            action=deed.action,
            subject=subject,
            at=deed.at,
            details=deed.details,
            proof=proof,
        )
