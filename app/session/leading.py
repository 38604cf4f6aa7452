"""What leadership reads of a release: worked out once for all sessions, and the parts of its one page."""

from collections.abc import Mapping
from functools import partial

import pandas as pd
import streamlit as st

from app import charts, exchange, sentences
from app.charts import Caption
from app.session.agreed import titles
from app.session.chains import chain, chain_impossible
from app.session.drawer import plain
from app.session.driving import mend_first
from app.session.shelves import cached_release, key_of
from app.session.showing import file_name, picture, short_source
from app.workflow import leading
from app.workflow.leading import Overview
from app.workflow.results import SurveyInfo, View

TONES = {"better": "blue", "worse": "orange"}  # as badges: the colours of the charts
LINES = 2  # columns in which commitments stand
FIRST = 3  # things to mend that are named


@st.cache_resource(max_entries=32, show_spinner=False)
def _overview(key: str, survey_id: str, number: int, side: str) -> Overview:
    return leading.overview(cached_release(key, survey_id, number), side=side)


def overview(info: SurveyInfo, *, side: str) -> Overview:
    """One side as leadership reads it. Shared by all sessions: read it, never change it."""
    return _overview(key_of(info), info.id, info.release, side)


def agreed_block(info: SurveyInfo, found: Overview) -> None:
    """What was agreed, and how it stands: a line each."""
    if not found.commitments:
        return
    words = titles(info)
    with st.container(key="agreed"):
        label, *columns = st.columns([0.34, *[1] * LINES], gap="small")
        label.markdown("**Agreed last time**")
        for column, own in zip(columns, _dealt(len(found.commitments)), strict=True):
            with column:
                for place in own:
                    one = found.commitments[place]
                    status, line = sentences.agreed_line(one, words)
                    st.markdown(f":{TONES.get(sentences.agreed_tone(one), 'gray')}-badge[{status}] {plain(line)}")


def _dealt(count: int) -> list[range]:
    """Places of lines, column by column."""
    rows = -(-count // LINES)
    return [range(at * rows, min((at + 1) * rows, count)) for at in range(LINES)]


def chain_block(info: SurveyInfo, view: View, side: str, where: str) -> None:
    """Where the chain of accountability of a side is weakest."""
    wave = info.waves[-1]
    if refused := chain_impossible(info, side=side, wave=wave):
        st.markdown("**Chain of accountability**")
        st.caption(refused)
        return
    found, words = chain(info, side=side, wave=wave), titles(info)
    caption = Caption(f"Chain of accountability, {wave}", where, short_source(view), synthetic=view.synthetic)
    draw = partial(
        charts.chain_strip, found.table, standing=sentences.standing_of_links(found), titles=words, caption=caption,
        hue=charts.colour("chain"),
    )  # fmt: skip
    picture(draw, side, wave, info=info, key="chain_strip")
    st.caption(sentences.chain_line(found, words))


def mend_block(info: SurveyInfo, side: str) -> None:
    """What to mend first, and which office can: never a person."""
    every = mend_first(info, side=side, wave=info.waves[-1]).to_dict("records")
    rows, alike = every[:FIRST], len(sentences.mend_alike(every))
    with st.container(key="mend"):
        if rows:
            st.markdown("\n".join(["**To mend first**", "", *(f"- {sentences.mend_line(row)}" for row in rows)]))
            st.caption(sentences.mend_order(alike))


@st.dialog("Figures of this page", width="large")
def leading_tables(info: SurveyInfo, view: View, found: Overview, labels: Mapping[str, str]) -> None:
    """Every figure of the page in words, and as a file to take away."""
    words = titles(info)
    moves = found.moves
    st.dataframe(_told(found.scores, words, place="wave"), hide_index=True)
    if len(moves):
        st.dataframe(
            _told(moves.assign(place=moves["post"].map(lambda post: labels.get(post, post))), words, place="place"),
            hide_index=True,
        )
    for one in found.commitments:
        st.markdown(plain(sentences.agreed_told(one, words)))
    table = pd.concat([found.scores.assign(post="", since=""), moves], ignore_index=True)
    st.download_button(
        "Download (CSV)", data=lambda: exchange.as_csv(exchange.marked(table, view.note, synthetic=view.synthetic)),
        mime="text/csv", file_name=file_name(info, ("trends",)), on_click="ignore", icon=":material/download:",
    )  # fmt: skip


def _told(rows: pd.DataFrame, words: Mapping[str, str], *, place: str) -> pd.DataFrame:
    """Figures in words: no number beyond what is shown."""
    return pd.DataFrame(
        {
            "figure": [words.get(code, code) for code in rows["measure"]],
            place: rows[place].to_numpy(),
            "value": [
                charts.number(value, places=1) if pd.notna(value) else charts.NOT_SHOWN for value in rows["estimate"]
            ],
            "95 % interval": [charts.span(row) for row in rows.to_dict("records")],
            **({"clear": ["clear" if one else "not clear" for one in rows["clear"]]} if "clear" in rows else {}),
        }
    )
