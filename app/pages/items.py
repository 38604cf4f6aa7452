"""Every question of one side at a glance: figures in colours, what is hidden left empty."""

from functools import partial

import pandas as pd
import streamlit as st

from app import charts, session
from app.charts import Caption
from app.workflow.results import Cut, Measure, SurveyInfo, View

EVERY = "every"  # all indices that the cut may show
HOW_TO_READ = "Darker: better, on 0 to 100. In brackets: read with care.\n\N{EN DASH}: not shown, the table says why."


def render() -> None:
    """Draw the page."""
    info = session.heading("Items", "Every question of one side at a glance.")
    if info is None or not info.waves:
        session.empty(info)
        return
    measures = {measure.code: measure for measure in session.measures(info)}
    indices = {code: part.title for code, part in measures.items() if part.level == "index"}
    sides = session.sides(info)
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        root = session.choose("Index", {EVERY: "All"} | indices, key="items_index")
        side = session.choose("Side", sides, key="side")
        wave = session.choose("Wave", {wave: wave for wave in info.waves}, key="wave", default=info.waves[-1])
        cut = session.choose_cut(info, only=measures[root].only_by if root in measures else ())
    view = session.explored(info, by=cut.facets, wave=wave, side=side)
    shown = [code for code in indices if root in (EVERY, code) and (view.table["measure"] == code).any()]
    rows = _rows(info, shown, measures)
    if not rows:
        st.info("This cut shows no index. Choose another under *By*.")
        return
    _map(info, view, rows, cut, f"{sides[side]}, {wave}")
    _table(info, view, rows, cut, (root, side, wave))
    session.foot(view)


def _rows(info: SurveyInfo, indices: list[str], measures: dict[str, Measure]) -> dict[str, Measure]:
    """Each index before its dimensions, each dimension before its questions."""
    return {part.code: part for index in indices for part in (measures[index], *session.parts(info, index))}


def _map(info: SurveyInfo, view: View, rows: dict[str, Measure], cut: Cut, where: str) -> None:
    """The picture."""
    caption = Caption(f"Questions: {where}", HOW_TO_READ, session.source(view), synthetic=view.synthetic)
    strong = [code for code, part in rows.items() if part.level != "item"]
    draw = partial(
        charts.heat, view.table, rows={code: part.title for code, part in rows.items()}, strong=strong,
        columns=cut.values, facet=cut.facets[-1], caption=caption,
    )  # fmt: skip
    session.picture(draw, where, *rows, *cut.facets, info=info, key="heat")
    st.caption(
        "A dark row is a strength of the whole side, a light one what to mend first; a cell that stands out in its row "
        "is worth a look in Explore, with its interval. Differences between cells are not tested here."
    )


def _table(info: SurveyInfo, view: View, rows: dict[str, Measure], cut: Cut, parts: tuple[str, ...]) -> None:
    """The same figures in words, with the reason of each that is hidden; and the masked table to take away."""
    facet, place = cut.facets[-1], {code: at for at, code in enumerate(rows)}
    table = view.table[view.table["measure"].isin(place)]
    table = table.sort_values("measure", key=lambda codes: codes.map(place), kind="stable")
    with st.container(key="tools"):
        with st.expander("Table", icon=":material/table_rows:"):
            words = charts.readable(table, labels=cut.values, facet=facet, unit="points")
            titles = table["measure"].map({code: part.title for code, part in rows.items()})
            words = pd.concat([titles.rename("question").reset_index(drop=True), words], axis=1)
            st.dataframe(words.rename(columns={"": cut.title.split(",")[0].lower()}), hide_index=True)
        st.download_button(
            "Download all figures of this view (CSV)", data=lambda: session.as_csv(view), mime="text/csv",
            file_name=session.file_name(info, ("items", *parts, facet)), on_click="ignore", icon=":material/download:",
        )  # fmt: skip


if __name__ == "__main__":
    render()
