"""A combination of facets that no release holds: what of it could be published, after the answers are read again."""

from collections.abc import Mapping
from threading import Lock

import streamlit as st

from app import sentences
from app.session.drawer import boundary
from app.session.shelves import cuts, key_of, release, stands_alone, store
from app.workflow import combining
from app.workflow.combining import Possible
from app.workflow.results import SIDE, SurveyInfo

ONE_AT_A_TIME = Lock()  # reading a survey again takes the whole server for seconds


@st.cache_resource(max_entries=64, show_spinner=False)
def _known() -> dict[str, Possible]:
    return {}


def unpublished(info: SurveyInfo, *, wave: str) -> None:
    """Ask for a combination; nothing is read before the button is pressed, and no figure is shown."""
    if stands_alone():
        return
    names = _names(info)
    with st.expander("A combination that is not published", icon=":material/join_inner:"), boundary():
        st.caption(sentences.COMBINING)
        asked = st.multiselect("Cut by", list(names), format_func=names.__getitem__, key="combined", max_selections=3)
        facets = (SIDE, *(name for name in names if name in asked))
        if frozenset(facets) in {frozenset(one) for one in release(info).document.scores}:
            st.info("This is published: choose it above.")
            return
        place = f"{key_of(info)} {wave} {' '.join(facets)}"
        if place not in _known():
            if not st.button("Read the answers again", key="read_again"):
                return
            with st.status("Reading the answers again", expanded=True) as status, ONE_AT_A_TIME:
                found = combining.possible(store(), info.id, wave=wave, facets=facets, progress=status.write)
                status.update(label="Read again", state="complete", expanded=False)
            _known()[place] = found
        st.markdown(sentences.combined(_known()[place], names))


def _names(info: SurveyInfo) -> Mapping[str, str]:
    """Facets of the tables of a release, each with its words."""
    return {cut.facets[1]: cut.title.split(",")[0] for cut in cuts(info) if cut.facets[1:]}
