"""What advisers ask of a release: answers at once are cached, and long ones are kept once they are worked out."""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

import pandas as pd
import streamlit as st

from app import exchange
from app.charts.looks import UNOFFICIAL
from app.session.shelves import cached_release, key_of, measures, release
from app.workflow import studies
from app.workflow.results import Cut, SurveyInfo, View
from app.workflow.studies import Choice, Sound

MOST_KEPT = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """One question about one index in one cut of a release."""

    side: str
    wave: str
    by: tuple[str, ...]
    measure: str
    choice: Choice = field(default_factory=Choice)

    @property
    def key(self) -> str:
        """Everything that the answer depends on but the release."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of `app.workflow.studies`."""
        return {name: getattr(self, name) for name in ("side", "wave", "by", "measure", "choice")}


class Kept:
    """The last few answers that took long, for all sessions."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, pd.DataFrame] = OrderedDict()
        self._lock = Lock()

    def find(self, key: str) -> pd.DataFrame | None:
        """Answer of this key, if it is there."""
        with self._lock:
            return self._answers.get(key)

    def keep(self, key: str, answer: pd.DataFrame) -> pd.DataFrame:
        """Keep an answer, and let go of the oldest beyond the most."""
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > MOST_KEPT:
                self._answers.popitem(last=False)
        return answer


@st.cache_resource(show_spinner=False)
def _kept() -> Kept:
    return Kept()


def aggregations(info: SurveyInfo) -> Mapping[str, str]:
    """How each index and dimension is put together, as published."""
    return {node.code: node.aggregation for node in studies.framework_of(release(info)).nodes}


def studied(info: SurveyInfo) -> bool:
    """Whether the release holds studies: those of earlier versions do not."""
    return bool(release(info).document.definition)


def impossible(info: SurveyInfo, *, side: str, wave: str, by: tuple[str, ...]) -> str:
    """Why no what-if can be asked of this cut, in words; empty where it can."""
    return studies.possible(release(info), side=side, wave=wave, by=by)


@st.cache_resource(max_entries=64, show_spinner=False)
def _what_if(key: str, survey_id: str, number: int, asked: str, _asked: Asked) -> pd.DataFrame:  # noqa: ARG001 - a part of the key
    return studies.what_if(cached_release(key, survey_id, number), **_asked.options)


@st.cache_resource(max_entries=16, show_spinner=False)
def _sound(key: str, survey_id: str, number: int, side: str, wave: str) -> Sound:
    return studies.soundness(cached_release(key, survey_id, number), side=side, wave=wave)


@st.cache_resource(max_entries=256, show_spinner=False)
def _bands(
    key: str, survey_id: str, number: int, by: tuple[str, ...], place: tuple[str, str, str]
) -> Mapping[str, str]:
    wave, side, measure = place
    found = studies.bands(cached_release(key, survey_id, number), side=side, wave=wave, by=by, measure=measure)
    return {str(cell): str(band) for cell, band in found.items()}


def bands(info: SurveyInfo, *, by: tuple[str, ...], wave: str, side: str, measure: str) -> Mapping[str, str]:
    """Each cell against the average of its side; empty where nothing can be called."""
    return _bands(key_of(info), info.id, info.release, by, (wave, side, measure))


def standing(info: SurveyInfo, cut: Cut, side: str, codes: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """Places of a side against its average in the last wave, title by title, for some measures."""
    titles = {measure.code: measure.title for measure in measures(info)}
    wave = info.waves[-1]
    found = {code: bands(info, by=cut.facets, wave=wave, side=side, measure=code) for code in codes}
    return {
        titles[code]: {cut.values.get(cell, cell): band for cell, band in own.items()} for code, own in found.items()
    }


def what_if(info: SurveyInfo, asked: Asked) -> pd.DataFrame:
    """Each cell as it is published and as it would be: read it, never change it."""
    return _what_if(key_of(info), info.id, info.release, asked.key, asked)


def sound(info: SurveyInfo, *, side: str, wave: str) -> Sound:
    """How sound the indices of a side are: read it, never change it."""
    return _sound(key_of(info), info.id, info.release, side, wave)


def stability(info: SurveyInfo, asked: Asked) -> pd.DataFrame:
    """How scores, ranks and bands move over many ways to make the index, shown by a bar while it is worked out."""
    return _worked_out(info, asked, "stability", studies.stability)


def shares(info: SurveyInfo, asked: Asked) -> pd.DataFrame:
    """Which choices move scores and ranks, shown by a bar while it is worked out."""
    return _worked_out(info, asked, "shares", studies.shares)


def shares_known(info: SurveyInfo, asked: Asked) -> bool:
    """Whether somebody has asked for these shares already."""
    return _kept().find(_place(info, asked, "shares")) is not None


def _place(info: SurveyInfo, asked: Asked, name: str) -> str:
    return f"{key_of(info)} {name} {asked.key}"


def _worked_out(info: SurveyInfo, asked: Asked, name: str, work: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    place = _place(info, asked, name)
    known = _kept().find(place)
    if known is not None:
        return known
    bar = st.progress(0.0, text="Working it out")
    try:
        answer = work(release(info), **asked.options, progress=lambda share: bar.progress(min(share, 1.0)))
    finally:
        bar.empty()
    return _kept().keep(place, answer)


def unofficial_csv(view: View, table: pd.DataFrame, *, changed: str) -> bytes:
    """A what-if as CSV: its first column says that nobody published it, its second what was changed."""
    marked = exchange.marked(table, view.note, synthetic=view.synthetic)
    marked.insert(0, "what was changed", changed)
    marked.insert(0, UNOFFICIAL, UNOFFICIAL)
    return exchange.as_csv(marked).encode("utf-8-sig")
