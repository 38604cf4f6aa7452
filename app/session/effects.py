"""What advisers ask of trainings, equipment and procedures: answers from the declared table are cached, others not."""

import pandas as pd
import streamlit as st

from app import exchange, sentences
from app.session.drawer import plain
from app.session.shelves import cached_release, headline, key_of, release
from app.session.showing import file_name
from app.workflow import effects, interventions
from app.workflow.effects import Answer
from app.workflow.results import Measure, SurveyInfo

ALL_POSTS = "all"  # stands for the posts of every side


def effect_measures(info: SurveyInfo) -> tuple[Measure, ...]:
    """What is shown by post."""
    return effects.measures(release(info))


def effect_labels(info: SurveyInfo) -> dict[str, str]:
    """Words for posts and sides, by their codes."""
    return effects.labels(release(info))


def better(measure: Measure) -> str:
    """Which way is good: the scores of questions are turned round already, figures beside the indices are not."""
    return measure.direction if measure.level == "indicator" else "better"


def effect_impossible(info: SurveyInfo, *, side: str) -> str:
    """Why nothing can be asked of these posts, in words; empty where it can."""
    return effects.possible(release(info), side=_one(side))


def declared_interventions(info: SurveyInfo) -> pd.DataFrame:
    """The table that is declared with the release."""
    return interventions.table_of(release(info))


def intervention_kinds(table: pd.DataFrame) -> dict[str, str]:
    """Kinds of interventions with their words."""
    return {kind: plain(kind) for kind in interventions.kinds_of(table)}


def own_interventions(info: SurveyInfo) -> bytes:
    """Ask for somebody's own table in place of the declared one: for this answer alone, stored nowhere."""
    with st.expander("Judge another table of interventions", icon=":material/upload_file:"):
        st.caption(sentences.OWN_INTERVENTIONS)
        file = st.file_uploader("Table: post, date, kind", type=["csv"], key="interventions", max_upload_size=1)
        st.download_button(
            "Download a template (CSV)", data=interventions.template(release(info)), mime="text/csv",
            file_name="interventions.csv", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
    return file.getvalue() if file else b""


def read_interventions(info: SurveyInfo, data: bytes) -> pd.DataFrame:
    """Somebody's own table, refused with everything that is wrong with it."""
    return interventions.read_table(release(info), data)


@st.cache_resource(max_entries=128, show_spinner=False)
def _effect(key: str, survey_id: str, number: int, kind: str, measure: str, side: str) -> Answer:
    return effects.study(cached_release(key, survey_id, number), kind=kind, measure=measure, side=_one(side))


def effect(info: SurveyInfo, *, kind: str, measure: str, side: str, own: pd.DataFrame | None = None) -> Answer:
    """What may be said of one kind of intervention: read it, never change it."""
    if own is None:
        return _effect(key_of(info), info.id, info.release, kind, measure, side)
    return effects.study(release(info), kind=kind, measure=measure, side=_one(side), interventions=own)


def effect_table(table: pd.DataFrame, words: str) -> None:
    """A table under the words that explain it; without rows it says so."""
    st.caption(words)
    if table.empty:
        st.markdown("Nothing to show here.")
    else:
        st.dataframe(table, hide_index=True)


def effect_download(info: SurveyInfo, answer: Answer, told: str) -> None:
    """Every figure of an answer as CSV, each row with what may be said of it."""
    view = headline(info)

    def data() -> bytes:
        rows = exchange.marked(effects.rows(answer).assign(told=told), view.note, synthetic=view.synthetic)
        return exchange.as_csv(rows).encode("utf-8-sig")

    st.download_button(
        "Download all figures of this answer (CSV)", data=data, mime="text/csv", on_click="ignore",
        file_name=file_name(info, ("effects", answer.kind, answer.measure)), icon=":material/download:",
    )  # fmt: skip


def _one(side: str) -> str | None:
    return None if side == ALL_POSTS else side
