"""One side at a time: scores with graded intervals, from an index down to a question, from a side down to a post."""

from functools import partial

import streamlit as st

from app import charts, sentences, session
from app.charts import Caption, Scale
from app.workflow.results import Cut, Measure, SurveyInfo, View

WHOLE = "all"  # the index itself, in the lists that lead down to its parts
HOW_TO_READ = "Dot: estimate. Bars: 50, 80 and 95 % intervals.\nHollow: read with care."


def render() -> None:
    """Draw the page."""
    info = session.heading("Explore", "Scores with their intervals, one side at a time.")
    if info is None or not info.waves:
        session.empty(info)
        return
    measures = {measure.code: measure for measure in session.measures(info)}
    sides = session.sides(info)
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        indices = {code: part.title for code, part in measures.items() if part.level == "index"}
        root = session.choose("Index", indices | {session.BESIDE: "Experience"}, key="index")
        side = session.choose("Side", sides, key="side")
        wave = session.choose("Wave", {wave: wave for wave in info.waves}, key="wave", default=info.waves[-1])
        cut = session.choose_cut(info, only=measures[root].only_by if root in measures else ())
        measure = _part(measures, root)
    view = session.explored(info, by=cut.facets, wave=wave, side=side)
    where = f"{sides[side]}, {wave}"
    left, right = st.columns([3, 2], gap="large")
    with left:
        _main(info, view, measure, cut, where, (wave, side))
    with right:
        _profile(info, view, session.parts(info, root), cut, where)
    _table(info, view, measure, cut, (root, side, wave))
    session.unpublished(info, wave=wave)
    session.foot(view)


def _part(measures: dict[str, Measure], root: str) -> Measure:
    """Drill down: index, dimension, question."""
    if root == session.BESIDE:
        figures = {code: part.title for code, part in measures.items() if part.level == "indicator"}
        return measures[session.pick("Figure", figures, key="figure")]
    dimensions = {code: part.title for code, part in measures.items() if part.parent == root}
    dimension = session.choose("Dimension", {WHOLE: "Whole index"} | dimensions, key=f"part_{root}")
    if dimension == WHOLE:
        return measures[root]
    items = {code: part.title for code, part in measures.items() if part.parent == dimension}
    item = session.pick("Question", {WHOLE: "All of this dimension"} | items, key=f"item_{dimension}")
    return measures[dimension if item == WHOLE else item]


def _main(info: SurveyInfo, view: View, measure: Measure, cut: Cut, where: str, place: tuple[str, str]) -> None:
    """One measure, all cells of the side."""
    rows = view.table[view.table["measure"] == measure.code]
    caption = Caption(f"{measure.title}: {where}", HOW_TO_READ, session.source(view), synthetic=view.synthetic)
    draw = partial(
        charts.dots, rows, labels=cut.values, facet=cut.facets[-1], scale=Scale.of(measure.unit), caption=caption,
        hue=charts.colour(measure.code),
    )  # fmt: skip
    session.picture(draw, measure.code, where, *cut.facets, info=info, key="main", on_pick=_picked)
    shown = rows["estimate"].dropna()
    if len(shown) > 1:
        bands = session.bands(info, by=cut.facets, wave=place[0], side=place[1], measure=measure.code)
        st.markdown(
            f"Estimates run from **{shown.min():g}** to **{shown.max():g}** {measure.unit}. "
            f"{sentences.against_average(bands, cut.values) or 'Whether two of them differ is not tested here.'} "
            "Read each with its interval, not as a ranking."
        )
    st.caption(measure.description or measure.question)


def _picked() -> None:
    """A click on a dot chooses its row in the list beside."""
    points = st.session_state["main"]["selection"].get(charts.PICK, [])
    if points:
        st.session_state["cell"] = points[0]["code"]


def _profile(info: SurveyInfo, view: View, parts: list[Measure], cut: Cut, where: str) -> None:
    """All parts of the index for one cell."""
    facet = cut.facets[-1]
    present = {code: label for code, label in cut.values.items() if (view.table[facet] == code).any()}
    cell = session.pick(f"Profile: {cut.title.split(',')[0].lower()}", present, key="cell")
    labels = {part.code: part.title for part in parts if part.unit != "hours"}
    rows = view.table[(view.table[facet] == cell) & view.table["measure"].isin(list(labels))]
    title = f"{present[cell]}: {where}" if cut.facets[1:] else where
    caption = Caption(title, "Everything that is asked under this heading.", "", synthetic=view.synthetic)
    strong = [part.title for part in parts if part.level == "dimension"]
    draw = partial(
        charts.dots, rows, labels=labels, facet="measure", scale=Scale.of(parts[0].unit), caption=caption, row=22,
        strong=strong,
    )  # fmt: skip
    session.picture(draw, cell, where, *labels, *cut.facets, info=info, key="profile")


def _table(info: SurveyInfo, view: View, measure: Measure, cut: Cut, parts: tuple[str, ...]) -> None:
    """The figures of the picture, in words on the page and as the masked table to take away."""
    rows = view.table[view.table["measure"] == measure.code]
    with st.container(key="tools"):
        with st.expander("Table", icon=":material/table_rows:"):
            words = charts.readable(rows, labels=cut.values, facet=cut.facets[-1], unit=measure.unit)
            st.dataframe(words, hide_index=True)
        st.download_button(
            "Download all figures of this view (CSV)", data=lambda: session.as_csv(view), mime="text/csv",
            file_name=session.file_name(info, (*parts, cut.facets[-1])), on_click="ignore", icon=":material/download:",
        )  # fmt: skip


if __name__ == "__main__":
    render()
