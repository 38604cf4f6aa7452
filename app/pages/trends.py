"""For leadership: few figures of one side over the waves, and what changed for certain. One screen, one sheet of A4."""

from functools import partial

import pandas as pd
import streamlit as st

from app import charts, session
from app.charts import Caption, Scale
from app.workflow.results import Cut, Measure, SurveyInfo, View

NOTE = "The two sides are not set beside each other: fear and refusal differ, so a gap in levels would mislead."


def render() -> None:
    """Draw the page."""
    info = session.heading("Trends", "Each side against its own past; only what its own test calls clear is coloured.")
    if info is None or not info.waves:
        session.empty(info)
        return
    sides = session.sides(info)
    measures = {measure.code: measure for measure in session.measures(info)}
    view = session.headline(info)
    left, right = st.columns([2, 5], vertical_alignment="center")
    with left, st.container(key="controls"):
        side = session.choose("Side", sides, key="side")
    rows = view.table[view.table["side"] == side]
    moves = _since_first(view.moves, info)
    with right:
        _summary(moves[moves["side"] == side] if len(moves) else moves, measures, sides[side], info)
    codes = list(dict.fromkeys(rows["measure"]))
    for column, code in zip(st.columns(len(codes)), codes, strict=True):
        with column:
            _figure(info, view, measures[code], side=side, where=sides[side])
    if len(info.waves) > 1:
        _cells(info, [measures[code] for code in codes if measures[code].level == "index"], side, sides[side])
    st.caption(NOTE)
    session.foot(view)


def _since_first(moves: pd.DataFrame, info: SurveyInfo) -> pd.DataFrame:
    """Changes from the first wave to the last."""
    if moves.empty:
        return moves
    return moves[(moves["since"] == info.waves[0]) & (moves["wave"] == info.waves[-1])]


def _summary(moves: pd.DataFrame, measures: dict[str, Measure], where: str, info: SurveyInfo) -> None:
    """Say what changed, in one sentence."""
    if moves.empty:
        st.markdown(f"**{where}.** One wave is published: a second one is needed to speak of change.")
        return
    clear = moves[moves["clear"].astype(bool)]
    told = []
    for row in clear.to_dict("records"):
        measure = measures[row["measure"]]
        told.append(f"**{measure.title}** {charts.told_change(row, unit=measure.unit, better=measure.direction)}")
    span = f"{info.waves[0]} to {info.waves[-1]}"
    st.markdown(f"**{where}, {span}.** " + (" ".join(told) or f"No clear change in any of these {len(moves)} figures."))


def _figure(info: SurveyInfo, view: View, measure: Measure, *, side: str, where: str) -> None:
    """One figure over the waves, and its change in words."""
    mine = (view.table["side"] == side) & (view.table["measure"] == measure.code)
    scale = Scale.of(measure.unit, better=measure.direction)
    moves = view.moves
    if len(moves):
        moves = moves[(moves["side"] == side) & (moves["measure"] == measure.code)]
    caption = Caption(measure.title, f"{where}, {scale.words}", session.short_source(view), synthetic=view.synthetic)
    draw = partial(charts.waves, view.table[mine], moves, order=info.waves, scale=scale, caption=caption, height=116)
    session.picture(draw, measure.code, side, info=info, key=f"wave_{measure.code}")
    for row in _since_first(moves, info).to_dict("records"):
        st.caption(charts.told_change(row, unit=measure.unit, better=measure.direction))


def _cells(info: SurveyInfo, indices: list[Measure], side: str, where: str) -> None:
    """Change of each cell of the side against its own past, by the first way to look at it."""
    cut: Cut | None = next((cut for cut in session.cuts(info) if cut.facets[1:]), None)
    if cut is None or not indices:
        return
    view = session.moved(info, by=cut.facets, codes=tuple(measure.code for measure in indices))
    moves = _since_first(view.moves, info)
    for column, measure in zip(st.columns(len(indices), gap="large"), indices, strict=True):
        rows = moves[(moves["side"] == side) & (moves["measure"] == measure.code)]
        caption = Caption(
            f"{measure.title}: change since {info.waves[0]}, each {cut.title.lower()} against its own past",
            f"{where}. Coloured only where the change is clear.",
            session.source(view),
            synthetic=view.synthetic,
        )
        scale = Scale(f"{measure.unit} of change, with 95 % interval", better=measure.direction)
        draw = partial(charts.changes, rows, labels=cut.values, facet=cut.facets[-1], scale=scale, caption=caption)
        with column:
            session.picture(draw, measure.code, side, *cut.facets, info=info, key=f"change_{measure.code}")


if __name__ == "__main__":
    render()
