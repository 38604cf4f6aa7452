"""Where releases are read, and their cached views: read them, never change them.

Caches are keyed by strings alone: `key` digests the release, so that a publication or a withdrawal is a new key.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import streamlit as st

from app import settings
from app.workflow import results, shelf, storage
from app.workflow.results import Cut, Measure, Release, SurveyInfo, View

BESIDE = "experience"  # stands for the figures beside the indices

_open = st.cache_resource(show_spinner=False)(storage.open_settings)
_bundle = st.cache_resource(show_spinner=False)(storage.open_shelf)


def store() -> storage.Store:
    """The store that the settings name, opened once for all sessions."""
    return _open(settings.from_environment())


def stands_alone() -> bool:
    """Whether the pages show one bundle, without any store behind them."""
    return bool(settings.from_environment().bundle)


def open_shelf() -> storage.Shelf:
    """Where releases are read: nothing else of the store is shown."""
    return _bundle(settings.from_environment()) if stands_alone() else shelf.StoreShelf(store())


def now() -> datetime:
    """The clock of the pages: everything below is told the time."""
    return datetime.now(UTC)


def key_of(info: SurveyInfo) -> str:
    """What every cache below is keyed by: the release with its state and digest."""
    return open_shelf().key(info.id, info.release)


@st.cache_resource(max_entries=8, show_spinner=False)
def cached_release(key: str, survey_id: str, number: int) -> Release:  # noqa: ARG001 - a part of the key
    """The release of this key: read once for all sessions."""
    return open_shelf().release(survey_id, number)


@st.cache_resource(max_entries=64, show_spinner=False)
def _explored(key: str, survey_id: str, number: int, by: tuple[str, ...], wave: str, side: str) -> View:
    return results.explore(cached_release(key, survey_id, number), by=by, wave=wave, side=side)


@st.cache_resource(max_entries=16, show_spinner=False)
def _moved(key: str, survey_id: str, number: int, by: tuple[str, ...], codes: tuple[str, ...]) -> View:
    return results.trends(cached_release(key, survey_id, number), by=by, codes=codes or None)


def release(info: SurveyInfo, number: int = 0) -> Release:
    """The release that a page shows: read it, never change it."""
    chosen = number or info.release
    return cached_release(open_shelf().key(info.id, chosen), info.id, chosen)


def measures(info: SurveyInfo) -> tuple[Measure, ...]:
    """Everything that is scored in a survey."""
    return release(info).document.measures


def cuts(info: SurveyInfo) -> tuple[Cut, ...]:
    """Ways to look at one side of a survey, by one facet at a time."""
    return tuple(cut for cut in release(info).document.cuts if not cut.facets[2:])


def explored(info: SurveyInfo, *, by: tuple[str, ...], wave: str, side: str) -> View:
    """Every measure of one wave and side, masked. Shared by all sessions: read it, never change it."""
    return _explored(key_of(info), info.id, info.release, by, wave, side)


def moved(info: SurveyInfo, *, by: tuple[str, ...], codes: tuple[str, ...] = ()) -> View:
    """Headline measures (or these) over the waves with their tested changes, masked. Read it, never change it."""
    return _moved(key_of(info), info.id, info.release, by, codes)


def parts(info: SurveyInfo, root: str) -> list[Measure]:
    """Measures under an index, each dimension before its questions; or the figures beside the indices."""
    found = measures(info)
    if root == BESIDE:
        return [part for part in found if part.level == "indicator"]
    heads = [part for part in found if part.parent == root]
    return [part for head in heads for part in (head, *(item for item in found if item.parent == head.code))]


def headline(info: SurveyInfo) -> View:
    """The first figures of a survey, each side against its own past."""
    return moved(info, by=(results.SIDE,))


def sides(info: SurveyInfo) -> Mapping[str, str]:
    """Sides of the border with the words of the questionnaire."""
    return next((cut.values for cut in cuts(info) if cut.facets == (results.SIDE,)), {})
