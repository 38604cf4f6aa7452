"""What goes with outcomes and what to mend first, cached by strings: read, never change them."""

import pandas as pd
import streamlit as st

from app import exchange
from app.session.shelves import cached_release, key_of, release
from app.workflow import driving, mending
from app.workflow.driving import Explained
from app.workflow.results import SurveyInfo, View

OLD = "This release was made before this was studied. Prepare a new release to have it."
FEW = "There is no study of this side in this wave: too few people were asked, or something of it was withdrawn."
UNASKED = "This survey does not ask users about trade, return and trust, nor what they want mended."


def outcomes(info: SurveyInfo) -> dict[str, str]:
    """Outcomes that the release explains, with their titles."""
    return driving.outcomes(release(info))


def no_drivers(info: SurveyInfo) -> str:
    """Why nothing is told of outcomes or of what to mend, in words."""
    if not driving.asked(release(info)):
        return UNASKED
    held = release(info).document.studies
    return FEW if driving.STUDY in held or mending.STUDY in held else OLD


@st.cache_resource(max_entries=64, show_spinner=False)
def _explained(key: str, survey_id: str, number: int, side: str, wave: str, outcome: str) -> Explained | None:
    return driving.drivers(cached_release(key, survey_id, number), side=side, wave=wave, outcome=outcome)


@st.cache_resource(max_entries=64, show_spinner=False)
def _mended(key: str, survey_id: str, number: int, side: str, wave: str) -> pd.DataFrame:
    return mending.mend_first(cached_release(key, survey_id, number), side=side, wave=wave)


def explained(info: SurveyInfo, *, side: str, wave: str, outcome: str) -> Explained | None:
    """What goes with an outcome, by own scores and by those of others; None where nothing is known."""
    return _explained(key_of(info), info.id, info.release, side, wave, outcome)


def mend_first(info: SurveyInfo, *, side: str, wave: str) -> pd.DataFrame:
    """What users ask to have mended, the first of it first; no rows where nothing is known."""
    return _mended(key_of(info), info.id, info.release, side, wave)


def power_declared(rows: pd.DataFrame) -> bool:
    """Whether some office cannot do all of what is asked of it."""
    return mending.power_declared(rows)


def study_csv(view: View, table: pd.DataFrame) -> bytes:
    """Rows of a study as CSV, with their sources."""
    return exchange.as_csv(exchange.marked(table, view.note, synthetic=view.synthetic)).encode("utf-8-sig")
