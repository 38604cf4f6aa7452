"""For leadership: what was agreed, few figures of one side, what changed for certain. One screen, one sheet of A4."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, sentences, session
from app.charts import Caption, Scale
from app.workflow.leading import Overview
from app.workflow.results import Cut, Measure, SurveyInfo, View


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows: one side of a survey in code and words, and the words of its measures."""

    info: SurveyInfo
    view: View
    found: Overview
    side: str
    where: str
    measures: Mapping[str, Measure]

    def moves(self, measure: str, *, post: bool = False) -> pd.DataFrame:
        """Changes of one measure since the first wave: of the whole side, or of each of its posts."""
        table = self.found.moves
        return table if table.empty else table[(table["measure"] == measure) & ((table["post"] != "") == post)]

    def told(self, row: Mapping[Any, Any]) -> str:
        """A change in words."""
        measure = self.measures[row["measure"]]
        return charts.told_change(row, unit=measure.unit, better=measure.direction)

    def caption(self, title: str, words: str) -> Caption:
        """Words of one picture."""
        return Caption(title, words, session.short_source(self.view), synthetic=self.view.synthetic)


def render() -> None:
    """Draw the page."""
    info = session.heading("Trends", "Each side against its own past. Only what its own test calls clear is coloured.")
    if info is None or not info.waves:
        session.empty(info)
        return
    sides = session.sides(info)
    left, right = st.columns([1.35, 4], vertical_alignment="center")
    with left, st.container(key="controls", horizontal=True, vertical_alignment="center", gap="small"):
        side = session.choose("Side", sides, key="side", labelled=False)
        asked = st.button("Tables", key="tables", type="tertiary", icon=":material/table_rows:")
    found = session.overview(info, side=side)
    titles = {measure.code: measure for measure in session.measures(info)}
    shown = Shown(info, session.headline(info), found, side, sides[side], titles)
    cut = next((cut for cut in session.cuts(info) if cut.facets[1:] == ("post",)), None)
    codes = list(dict.fromkeys(found.scores["measure"]))
    indices = [code for code in codes if titles[code].level == "index"]
    with right, st.container(key="summary"):
        told = sentences.stand_apart(session.standing(info, cut, side, indices), found.wave) if cut else ""
        st.markdown(f"**{shown.where}, {found.since} to {found.wave}.** {_summary(shown)} {told}")
    session.agreed_block(info, found)
    session.side_by_side([partial(_figure, shown, titles[code]) for code in codes], key="figures")
    _below(shown, indices, cut)
    session.foot(shown.view, *map(session.plain, found.notes), sentences.family(found.family), sentences.SIDES_APART)
    if asked:
        session.leading_tables(info, shown.view, found, cut.values if cut else {})


def _summary(shown: Shown) -> str:
    """What changed for certain, in words."""
    moves = shown.found.moves
    if moves.empty:
        return sentences.ONE_WAVE
    clear = moves[moves["clear"].astype(bool)]
    whole = clear[clear["post"] == ""].to_dict("records")
    told = [f"**{shown.measures[row['measure']].title}**: {shown.told(row)}" for row in whole]
    return sentences.clear_changes(told, figures=int((moves["post"] == "").sum()), posts=len(clear) - len(whole))


def _figure(shown: Shown, measure: Measure) -> None:
    """One figure over the waves, and its change in words."""
    table, moves = shown.found.scores, shown.moves(measure.code)
    scale = Scale.of(measure.unit, better=measure.direction)
    title, words = sentences.headline_words(measure.title, shown.found, measure.code, scale.words)
    draw = partial(
        charts.waves, table[table["measure"] == measure.code], moves, order=shown.info.waves, scale=scale,
        caption=shown.caption(title, words), height=56,
    )  # fmt: skip
    session.picture(draw, measure.code, shown.side, info=shown.info, key=f"wave_{measure.code}")
    for row in moves.to_dict("records"):
        st.caption(f"{shown.told(row)} {sentences.beside_change(shown.found, measure.code)}")


def _below(shown: Shown, indices: list[str], cut: Cut | None) -> None:
    """Each crossing against its own past, where the chain breaks, and what to mend first."""
    parts = [partial(_crossings, shown, code, cut) for code in indices if cut and len(shown.moves(code, post=True))]
    parts.append(partial(session.chain_block, shown.info, shown.view, shown.side, shown.where))
    parts.append(partial(session.mend_block, shown.info, shown.side))
    session.side_by_side(parts, key="below")


def _crossings(shown: Shown, code: str, cut: Cut) -> None:
    measure = shown.measures[code]
    words = f"{shown.where}, each crossing against its own past,\n{measure.unit} since {shown.found.since}"
    scale = Scale("", measure.unit, better=measure.direction)
    draw = partial(
        charts.changes, shown.moves(code, post=True), labels=cut.values, facet="post", scale=scale,
        caption=shown.caption(f"{measure.title}: change", words), compact=True,
    )  # fmt: skip
    session.picture(draw, code, shown.side, info=shown.info, key=f"change_{code}")


if __name__ == "__main__":
    render()
