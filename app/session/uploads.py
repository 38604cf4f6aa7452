"""Files from the field: checked once for all reruns of a session, stored as drafts."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import streamlit as st

from app import sentences, settings
from app.session.shelves import now, stands_alone, store
from app.workflow import fieldwork
from app.workflow.fieldwork import CheckView
from app.workflow.results import SurveyInfo
from surveys.questionnaire import Questionnaire
from surveys.reading import Limits


@contextmanager
def _on_disk(name: str, data: bytes) -> Iterator[Path]:
    """Put an uploaded file on disk for as long as it is read, under its own name without what a path could mean."""
    with tempfile.TemporaryDirectory(prefix="sarhad-") as folder:
        path = (
            Path(folder) / ("".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in name)[-120:])
        )
        path.write_bytes(data)
        yield path


def checked(info: SurveyInfo, name: str, data: bytes) -> CheckView:
    """Check an uploaded file, once for all reruns of this session; nothing is stored."""
    key = (info.id, name, hashlib.sha256(data).hexdigest())
    known: tuple[tuple[str, str, str], CheckView] | None = st.session_state.get("checked")
    if known is not None and known[0] == key:
        return known[1]
    limits = Limits(bytes=upload_megabytes() * 1024 * 1024)
    with _on_disk(name, data) as path:
        view = fieldwork.check_file(path, questionnaire=_questionnaire(info), limits=limits)
    st.session_state["checked"] = (key, view)
    return view


def stored(info: SurveyInfo, view: CheckView, *, wave: str, who: str, name: str, data: bytes) -> str:
    """Store a checked file as a draft, and say what that did."""
    key = settings.from_environment().vault_key
    with _on_disk(name, data) as path:
        done = fieldwork.store_file(
            path, view, store=store(), survey_id=info.id, wave=wave, who=who, at=now(), vault_key=key, title=info.title
        )
    return sentences.saved(done)


def wave_states(info: SurveyInfo) -> pd.DataFrame:
    """Waves of a survey with counts only; none of one that is not begun."""
    return fieldwork.wave_states(store(), info.id) if _begun(info) else pd.DataFrame()


def upload_megabytes() -> int:
    """Largest file that the browser may send."""
    return settings.from_environment().upload_megabytes


def _begun(info: SurveyInfo) -> bool:
    return not stands_alone() and any(row.id == info.id for row in store().surveys())


def _questionnaire(info: SurveyInfo) -> Questionnaire:
    return store().questionnaire(info.id) if _begun(info) else fieldwork.instrument(info.id)
