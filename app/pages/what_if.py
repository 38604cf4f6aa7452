"""What if an index were made otherwise? Weights, aggregation and questions are changed by hand; all is unofficial."""

import textwrap
from collections.abc import Mapping
from functools import partial

import streamlit as st

from app import charts, sentences, session
from app.charts import Caption, Scale
from app.workflow.results import Cut, Measure, SurveyInfo, View
from app.workflow.studies import Choice

MOST = 5.0  # of a weight
HOW_TO_READ = "Hollow: published. Filled: what if, with 95 % interval.\nRight: against the average of the side."


def render() -> None:
    """Draw the page."""
    info = session.heading("What if", "Change a weight, an aggregation, or leave out a question: every place answers.")
    if info is None or not info.waves:
        session.empty(info)
        return
    st.markdown(":orange-badge[UNOFFICIAL] Nothing here is published: it is worked out from published figures alone.")
    measures = {measure.code: measure for measure in session.measures(info)}
    sides = session.sides(info)
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        indices = {code: part.title for code, part in measures.items() if part.level == "index"}
        root = session.choose("Index", indices, key="what_if_index")
        side = session.choose("Side", sides, key="side")
        wave = session.choose("Wave", {wave: wave for wave in info.waves}, key="wave", default=info.waves[-1])
        cut = session.choose_cut(info, only=measures[root].only_by)
    view = session.explored(info, by=cut.facets, wave=wave, side=side)
    if refused := session.impossible(info, side=side, wave=wave, by=cut.facets):
        st.info(refused)
    else:
        left, right = st.columns([2, 3], gap="large")
        with left:
            choice = _choice(info, measures, root)
        with right, session.boundary():
            asked = session.Asked(side, wave, cut.facets, root, choice)
            _answer(info, view, asked, measures, cut, sides[side])
        where = f"{measures[root].title}: {sides[side]}, {wave}"
        session.advisers(info, view, asked, labels=cut.values, where=where)
    session.foot(view)


def _choice(info: SurveyInfo, measures: Mapping[str, Measure], root: str) -> Choice:
    """What is changed; whatever is as published is left out."""
    parts = [part for part in measures.values() if part.parent == root]
    questions = {code: part.title for code, part in measures.items() if part.parent in {one.code for one in parts}}
    published = session.aggregations(info)[root]
    own = {part.code: float(part.weight or 1.0) for part in parts}
    start: dict[str, object] = {f"weight_{code}": weight for code, weight in own.items()}
    start |= {f"how_{root}": published, f"without_{root}": []}
    weights: dict[str, float] = {}
    st.markdown("Weights of the dimensions")
    with st.container(key="weights", horizontal=True, gap="small", vertical_alignment="bottom"):
        for part in parts:
            given = st.number_input(
                part.title, 0.0, max(MOST, own[part.code]), own[part.code], 0.5, "%g", key=f"weight_{part.code}",
                bind="query-params", width=140,
            )  # fmt: skip
            weights |= {part.code: given} if given != own[part.code] else {}
    hows = {published: sentences.HOWS[published], **sentences.HOWS}
    how = session.pick("How its dimensions are put together", hows, key=f"how_{root}")
    left_out = st.multiselect(
        "Questions left out", list(questions), key=f"without_{root}", format_func=questions.__getitem__,
        bind="query-params", placeholder="None",
    )  # fmt: skip
    st.button("As published", on_click=_reset, args=(start,), icon=":material/restart_alt:")
    st.caption("The address of this page holds every choice: copy it to send it.")
    return Choice(weights, {root: how} if how != published else {}, tuple(left_out))


def _reset(start: Mapping[str, object]) -> None:
    """Take every choice back, from the address too."""
    st.session_state.update(start)


def _answer(
    info: SurveyInfo, view: View, asked: session.Asked, measures: Mapping[str, Measure], cut: Cut, side: str
) -> None:
    """The picture first, then the table with what takes longer."""
    table, measure, facet = session.what_if(info, asked), measures[asked.measure], cut.facets[-1]
    changed = sentences.changed(asked.choice, {code: part.title for code, part in measures.items()})
    words = "\n".join([HOW_TO_READ, *textwrap.wrap(changed, 60)])
    caption = Caption(
        f"What if: {measure.title}, {side}, {asked.wave}", words, session.source(view), synthetic=view.synthetic,
        unofficial=True,
    )  # fmt: skip
    draw = partial(
        charts.what_if, table, labels=cut.values, facet=facet, scale=Scale.of(measure.unit), caption=caption,
        hue=charts.colour(measure.code),
    )  # fmt: skip
    session.picture(draw, asked.key, info=info, key="what_if")
    st.markdown(f"**{changed}** {sentences.moved_bands(table['official_band'], table['band'])}")
    kept = session.stability(info, asked)[[facet, "stability"]]
    with st.expander("Table: ranks and stability, for advisers", icon=":material/table_rows:"):
        st.dataframe(charts.told_what_if(table.merge(kept, on=facet), labels=cut.values, facet=facet), hide_index=True)
        st.caption("Stays in its band: share of 500 other ways to make the index, each with another sample too.")
    st.download_button(
        "Download this what-if (CSV, UNOFFICIAL)", mime="text/csv", on_click="ignore", icon=":material/download:",
        data=lambda: session.unofficial_csv(view, table.merge(kept, on=facet), changed=changed),
        file_name=session.file_name(info, ("UNOFFICIAL", "what-if", asked.measure, asked.side, asked.wave, facet)),
    )  # fmt: skip


if __name__ == "__main__":
    render()
