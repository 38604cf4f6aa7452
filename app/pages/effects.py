"""Training, equipment, procedures: did posts that had them move otherwise than the others? Doubts stand beside it."""

from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from app import charts, sentences, session
from app.charts import Caption, Scale
from app.workflow.effects import Answer
from app.workflow.results import SurveyInfo

HOW_TO_READ = "Square: with it. Circle: without.\nDiamond: their difference.\nColoured only where its test is clear."
OVER_TIME = "Posts with it against those without it yet,\nsince the last wave before. Bars: 95 % intervals."


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page is about."""

    info: SurveyInfo
    answer: Answer
    about: sentences.EffectOf
    scale: Scale
    where: str
    key: tuple[str, ...]  # everything that a picture depends on but the release

    def caption(self, title: str, words: str) -> Caption:
        """Words around a picture."""
        view = session.headline(self.info)
        return Caption(title, f"{self.where}. {words}", session.source(view), synthetic=view.synthetic)


def render() -> None:
    """Draw the page."""
    info = session.heading("Effects", "Training, equipment, procedures: did posts that had them move otherwise?")
    if info is None or not info.waves:
        session.empty(info)
        return
    above = st.container()
    data = session.own_interventions(info)
    with above, session.boundary():
        own = session.read_interventions(info, data) if data else None
        table = session.declared_interventions(info) if own is None else own
        if table.empty:
            st.info(sentences.NO_INTERVENTIONS)
        else:
            _asked(info, table, own)
    session.foot(session.headline(info))


def _asked(info: SurveyInfo, table: pd.DataFrame, own: pd.DataFrame | None) -> None:
    """What is asked, and its answer."""
    measures = {measure.code: measure for measure in session.effect_measures(info)}
    sides = {session.ALL_POSTS: "All posts"} | dict(session.sides(info))
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = session.choose("Kind", session.intervention_kinds(table), key="kind")
        side = session.choose("Posts", sides, key="posts")
        code = session.pick("Figure", {code: part.title for code, part in measures.items()}, key="effect_of")
    if why := session.effect_impossible(info, side=side):
        st.info(why)
        return
    answer, measure = session.effect(info, kind=kind, measure=code, side=side, own=own), measures[code]
    labels = session.effect_labels(info)
    about = sentences.EffectOf(kind, measure.title, measure.unit, answer.since, answer.wave, labels)
    scale = Scale(f"{measure.unit} of change, with 95 % interval", measure.unit, better=session.better(measure))
    shown = Shown(info, answer, about, scale, sides[side], (kind, code, side, "" if own is None else own.to_csv()))
    _words(shown)
    _pictures(shown)
    _tables(shown)


def _words(shown: Shown) -> None:
    """The sentence first, its figures, and what is to be said with it."""
    answer, about = shown.answer, shown.about
    with st.container(key="summary"):
        st.markdown(f"**{session.plain(sentences.told_effect(answer.code, answer.figures, about))}**")
    figures = charts.effect_figures(answer.claim, unit=about.unit)
    columns = st.columns(len(figures)) if figures else []
    for column, (title, value, explained) in zip(columns, figures, strict=True):
        column.metric(title, value, help=explained)
    told = [*sentences.told_doubts(answer.findings, about), *([sentences.EFFECT_LIMITS] if figures else [])]
    st.markdown("\n".join(f"- {session.plain(line)}" for line in told))


def _pictures(shown: Shown) -> None:
    """Every post with its own change, and the difference by waves since it."""
    answer, about, info = shown.answer, shown.about, shown.info
    left, right = st.columns([3, 2], gap="large")
    with left:
        caption = shown.caption(f"{about.measure}: {answer.since} to {answer.wave}", HOW_TO_READ)
        posts = partial(charts.effect_posts, answer.changes, answer.claim, labels=about.labels)
        draw = partial(posts, scale=shown.scale, caption=caption)
        session.picture(draw, *shown.key, info=info, key="effect_posts")
    with right:
        if len(answer.events):
            caption = shown.caption(f"{about.measure} over time", OVER_TIME)
            draw = partial(charts.effect_times, answer.events, kind=answer.kind, scale=shown.scale, caption=caption)
            session.picture(draw, *shown.key, info=info, key="effect_times")
        for figures in answer.overall.to_dict("records"):
            st.caption(session.plain(sentences.told_overall(figures, about)))


def _tables(shown: Shown) -> None:
    """Everything that the pictures show, what advisers ask next, and all of it to take away."""
    answer, about, scale = shown.answer, shown.about, shown.scale
    with st.expander("Table", icon=":material/table_rows:"):
        st.dataframe(charts.told_effect_posts(answer.changes, labels=about.labels, scale=scale), hide_index=True)
        session.effect_table(charts.told_effect_rows(answer.events, scale=scale), "By waves since it")
    with st.expander("For advisers: earlier waves and bounds", icon=":material/tune:"):
        session.effect_table(charts.told_effect_rows(answer.claim.placebo, scale=scale), sentences.EFFECT_EARLIER)
        words = f"{sentences.EFFECT_BOUNDS} {sentences.told_breakdown(answer.breakdown) if len(answer.bounds) else ''}"
        session.effect_table(charts.told_effect_rows(answer.bounds, scale=scale), words)
    session.effect_download(shown.info, answer, sentences.told_effect(answer.code, answer.figures, about))


if __name__ == "__main__":
    render()
