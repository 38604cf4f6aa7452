"""What may be read: releases of the store, or of one signed bundle without any store. Pages and commands ask here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.workflow import bundles, publishing, releases
from app.workflow.document import Release, unpack
from scoring.errors import RequestError
from surveys.errors import StoreError
from surveys.store import Store


@dataclass(frozen=True, slots=True)
class SurveyInfo:
    """A survey and its published waves; drafts are named, never scored; `release` is the one that stands, or 0."""

    id: str
    title: str
    synthetic: bool
    waves: tuple[str, ...]
    drafts: tuple[str, ...]
    release: int = 0


class Shelf(Protocol):
    """Where releases lie."""

    def surveys(self) -> tuple[SurveyInfo, ...]:
        """Every survey with its published waves and its drafts."""

    def release(self, survey_id: str, number: int = 0) -> Release:
        """The release that stands, or the one of a number."""

    def key(self, survey_id: str, number: int = 0) -> str:
        """What a cache of this release is keyed by; it changes with every withdrawal."""


@dataclass(frozen=True, slots=True)
class StoreShelf:
    """Releases of a store."""

    store: Store

    def surveys(self) -> tuple[SurveyInfo, ...]:
        """Every survey with its published waves and its drafts."""
        found = []
        for row in self.store.surveys():
            standing = publishing.standing(self.store, row.id)
            public = standing.waves if standing else ()
            drafts = tuple(name for name in self.store.wave_names(row.id) if name not in public)
            number = standing.number if standing else 0
            found.append(SurveyInfo(row.id, row.title, row.synthetic, tuple(sorted(public)), drafts, number))
        return tuple(found)

    def release(self, survey_id: str, number: int = 0) -> Release:
        """The release that stands, or a published one of a number."""
        release = releases.read(self.store, survey_id, number or self._standing(survey_id))
        if release.state not in ("published", "superseded"):
            raise StoreError(
                f"release {release.number} is not published yet; its team reads it by `sarhad release show`"
            )
        return release

    def key(self, survey_id: str, number: int = 0) -> str:
        """State and digest of a release."""
        row = publishing.find(self.store, survey_id, number or self._standing(survey_id))
        return f"{survey_id} {row.number} {row.state} {row.digest}"

    def _standing(self, survey_id: str) -> int:
        row = publishing.standing(self.store, survey_id)
        if row is None:
            raise StoreError(f"no wave of {survey_id!r} is published yet; prepare a release (`sarhad release prepare`)")
        return row.number


@dataclass(frozen=True, slots=True)
class BundleShelf:
    """One release in a signed file: no answers, no store."""

    bundle: bundles.Bundle

    @classmethod
    def open(cls, path: Path, *, trusted: str | None = None) -> "BundleShelf":
        """Read a bundle; refuses an altered one, or one that another key signed than the trusted one."""
        return cls(bundles.read(path, trusted=trusted))

    def surveys(self) -> tuple[SurveyInfo, ...]:
        """The one survey of the bundle."""
        about, document = self.bundle.manifest, unpack(self.bundle.document)
        return (
            SurveyInfo(document.survey_id, document.title, document.synthetic, document.waves, (), about["number"]),
        )

    def release(self, survey_id: str, number: int = 0) -> Release:
        """The release of the bundle."""
        about = self.bundle.manifest
        if survey_id != about["survey_id"] or number not in (0, about["number"]):
            raise StoreError(f"this bundle holds release {about['number']} of {about['survey_id']!r} and nothing else")
        return Release(
            document=unpack(self.bundle.document),
            number=about["number"],
            revision=about["revision"],
            state=about["state"],
            digest=about["members"]["document.json.z"]["sha256"],
            published_on="",
            notice=f"Read from a bundle of {about['made_at'][:10]}; fingerprint {self.bundle.fingerprint}.",
            signatures=tuple(about["signatures"]),
            comments=tuple(about["comments"]),
        )

    def key(self, survey_id: str, number: int = 0) -> str:
        """Digest of the document."""
        return self.release(survey_id, number).digest


def chosen(shelf: Shelf, survey_id: str | None) -> str:
    """The survey named, or the only one there is."""
    known = [info.id for info in shelf.surveys()]
    if survey_id is None and len(known) != 1:
        raise RequestError(f"name a survey; the store holds: {', '.join(known) or 'none yet'}")
    return survey_id or known[0]


def facts(release: Release) -> Mapping[str, str]:
    """What stands below every figure: release, data, instrument, framework, engine."""
    number = f"{release.number}" + (f".{release.revision}" if release.revision else "")
    signed = signed_by(release.signatures)
    return {
        **release.document.note,
        "title": release.document.title,
        "release": number,
        "signed": signed,
        "log": release.document.audit_head,
    }


def signed_by(signatures: Sequence[Mapping[str, object]]) -> str:
    """Who signed, in words."""
    return "; ".join(
        f"{one['role']}: {one['who']}{'' if one['verified'] else ' (unverified)'}, {str(one['at'])[:10]}"
        for one in signatures
    )
