"""For leadership: few figures of one side over the waves, and what changed for certain. One screen, one sheet of A4."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, sentences, session
from app.charts import Caption, Scale
from app.workflow.results import Cut, Measure, SurveyInfo, View

NOTE = "The two sides are not set beside each other: fear and refusal differ, so a gap in levels would mislead."


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows: a survey, one of its sides in code and words, and the words of its measures."""

    info: SurveyInfo
    side: str
    where: str
    measures: Mapping[str, Measure]

    def since_first(self, moves: pd.DataFrame) -> pd.DataFrame:
        """Changes of the side from the first wave to the last; none while there is one wave."""
        if moves.empty:
            return moves
        first, last = self.info.waves[0], self.info.waves[-1]
        return moves[(moves["since"] == first) & (moves["wave"] == last) & (moves["side"] == self.side)]

    def told(self, row: Mapping[Any, Any]) -> str:
        """A change in words."""
        measure = self.measures[row["measure"]]
        return charts.told_change(row, unit=measure.unit, better=measure.direction)


def render() -> None:
    """Draw the page."""
    info = session.heading("Trends", "Each side against its own past. Only what its own test calls clear is coloured.")
    if info is None or not info.waves:
        session.empty(info)
        return
    sides = session.sides(info)
    left, right = st.columns([1, 4], vertical_alignment="center")
    with left, st.container(key="controls"):
        side = session.choose("Side", sides, key="side", labelled=False)
    shown = Shown(info, side, sides[side], {measure.code: measure for measure in session.measures(info)})
    view = session.headline(info)
    codes = list(dict.fromkeys(view.table.loc[view.table["side"] == side, "measure"]))
    cut = next((cut for cut in session.cuts(info) if cut.facets[1:]), None)
    indices = tuple(code for code in codes if shown.measures[code].level == "index")
    cells = session.moved(info, by=cut.facets, codes=indices) if cut and info.waves[1:] else None
    with right, st.container(key="summary"):
        told = sentences.stand_apart(session.standing(info, cut, side, indices), info.waves[-1]) if cut else ""
        words = f"{_summary(shown, view, cells)} {told}"
        st.markdown(f"**{shown.where}, {info.waves[0]} to {info.waves[-1]}.** {words}")
    for column, code in zip(st.columns(len(codes)), codes, strict=True):
        with column:
            _figure(shown, view, shown.measures[code])
    if cut and cells:
        _cells(shown, cells, indices, cut)
    session.foot(view, NOTE)


def _summary(shown: Shown, view: View, cells: View | None) -> str:
    """What changed for certain, in words."""
    moves = shown.since_first(view.moves)
    if cells is None or moves.empty:
        return "One wave is published: a second one is needed to speak of change."
    clear = moves[moves["clear"].astype(bool)].to_dict("records")
    told = [f"**{shown.measures[row['measure']].title}**: {shown.told(row)}" for row in clear]
    below = int(shown.since_first(cells.moves)["clear"].astype(bool).sum())
    return (
        " ".join(told) or f"No clear change in any of these {len(moves)} figures."
    ) + f" {below or 'No'} clear change{'s' if below != 1 else ''} among the crossings below."


def _figure(shown: Shown, view: View, measure: Measure) -> None:
    """One figure over the waves, and its change in words."""
    mine = (view.table["side"] == shown.side) & (view.table["measure"] == measure.code)
    scale = Scale.of(measure.unit, better=measure.direction)
    moves = view.moves
    if len(moves):
        moves = moves[(moves["side"] == shown.side) & (moves["measure"] == measure.code)]
    words = f"{shown.where}, {scale.words}"
    caption = Caption(measure.title, words, session.short_source(view), synthetic=view.synthetic)
    draw = partial(
        charts.waves, view.table[mine], moves, order=shown.info.waves, scale=scale, caption=caption, height=76
    )
    session.picture(draw, measure.code, shown.side, info=shown.info, key=f"wave_{measure.code}")
    for row in shown.since_first(moves).to_dict("records"):
        st.caption(shown.told(row))


def _cells(shown: Shown, view: View, indices: tuple[str, ...], cut: Cut) -> None:
    """Change of each cell of the side against its own past; all these tests are judged together."""
    moves = shown.since_first(view.moves)
    since, cell = shown.info.waves[0], cut.title.lower()
    for column, code in zip(st.columns(len(indices), gap="large"), indices, strict=True):
        measure = shown.measures[code]
        caption = Caption(
            f"{measure.title}: change since {since}",
            f"{shown.where}, each {cell} against its own past.\nColoured only where the change is clear.",
            session.short_source(view),
            synthetic=view.synthetic,
        )
        scale = Scale(f"{measure.unit} of change, with 95 % interval", measure.unit, better=measure.direction)
        rows = moves[moves["measure"] == code]
        draw = partial(charts.changes, rows, labels=cut.values, facet=cut.facets[-1], scale=scale, caption=caption)
        with column:
            session.picture(draw, code, shown.side, *cut.facets, info=shown.info, key=f"change_{code}")


if __name__ == "__main__":
    render()
