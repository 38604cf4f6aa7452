"""What our own code refuses, said in a sentence; and the Method drawer on every page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import streamlit as st

from app import settings
from app.session.shelves import headline, measures
from app.workflow.results import SurveyInfo
from scoring.errors import ScoringError
from surveys.errors import SurveyError

METHOD = settings.ROOT / "data" / "method.md"
WEIGHTS, VERSION = "Questions and weights", "Version"  # sections of it with a table of their own


@contextmanager
def boundary() -> Iterator[None]:
    """Say in a sentence what our own code refuses; the server reports everything else under a reference number."""
    try:
        yield
    except (SurveyError, ScoringError) as error:
        st.error(plain(str(error)).replace("\n", "\n\n"), icon=":material/error:")


def plain(text: str) -> str:
    """Words from a file, so that nothing in them is taken for a link, a picture or a formula."""
    return re.sub(r"([\\`*_\[\]!$<>~#|:])", r"\\\1", text)


@st.dialog("How these figures are made", width="large")
def method(info: SurveyInfo) -> None:
    """The drawer on every page: definition, weights, intervals, sample, protection, limits, version."""
    with boundary():
        words = iter(METHOD.read_text(encoding="utf-8").split("\n## ")[1:])
        sections = {title: text for title, _, text in (part.partition("\n") for part in words)}
        for tab, (title, text) in zip(st.tabs(list(sections)), sections.items(), strict=True):
            with tab:
                st.markdown(text)
                if title == WEIGHTS and info.waves:
                    st.dataframe(_parts(info), hide_index=True, height=360)
                if title == VERSION:
                    _version(info)


def _parts(info: SurveyInfo) -> pd.DataFrame:
    """Indices, their dimensions and items, each with its weight beside its siblings."""
    found = measures(info)
    titles = {measure.code: measure.title for measure in found}
    rows = [
        {
            "part": measure.title,
            "of": titles.get(measure.parent or "", ""),
            "weight": f"{measure.weight:g}" if measure.parent and measure.weight is not None else "",
            "what it is": measure.question or measure.description,
            "high answer": "good" if measure.direction == "better" else "bad, turned round",
        }
        for measure in found
        if measure.level != "indicator"
    ]
    return pd.DataFrame(rows)


def _version(info: SurveyInfo) -> None:
    if not info.waves:
        st.write("No wave of this survey is published yet.")
        return
    note = headline(info).note
    st.table(pd.DataFrame({"value": pd.Series(dict(note))}).rename_axis("what"))
