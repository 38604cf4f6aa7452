"""For advisers: a figure since another wave, between places or groups, over all waves; each with its test in words."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import combinations

import streamlit as st

from app import charts, sentences, session
from app.charts import Caption, Scale
from app.session import Comparison
from app.workflow.results import Cut, Measure, SurveyInfo

AXES = {session.SINCE: "of change", session.BETWEEN: "of difference", session.OVER: "a year"}
TOO_FEW = "A change needs two published waves and a trend three; this release holds {count}."
HOW_TO_READ = "Bars: 95 % interval of each row alone.\nColoured only where the row is clear among all shown."
MOST = 4  # picked at once


def render() -> None:
    """Draw the page."""
    info = session.heading("Compare", "What differs, and is it real? One side at a time, all tests of a view together.")
    if info is None or not info.waves:
        session.empty(info)
        return
    measures = {measure.code: measure for measure in session.measures(info)}
    sides = session.sides(info)
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        what = session.choose("What", session.COMPARISONS, key="what")
        side = session.choose("Side", sides, key="side")
        cut = session.choose_cut(info)
        asked = Comparison(what, side, cut.facets, _figure(info, what, cut), session.compared_waves(info, what))
        rule = session.pick("Judged by", sentences.JUDGINGS, key="adjust")
        asked = replace(asked, adjust=rule, margin=session.asked_margin(what))
    if len(info.waves) < session.NEEDED[what]:
        st.info(TOO_FEW.format(count=len(info.waves)))
    elif what == session.BETWEEN:
        _between(info, asked, measures, cut, sides[side])
    else:
        names = cut.values if cut.facets[1:] else sides
        _family(info, asked, measures[asked.measure], names, sides[side])
        session.who_came(info, asked, where=sides[side])
    session.foot(session.headline(info))


def _figure(info: SurveyInfo, what: str, cut: Cut) -> str:
    """The figure that is compared; between the agencies of a whole side it is all that was asked of each."""
    shown = session.compared_figures(info, cut.facets)
    whole = what == session.BETWEEN and not cut.facets[1:]
    return next(iter(shown)) if whole else session.pick("Figure", shown, key="figure")


def _between(info: SurveyInfo, asked: Comparison, measures: Mapping[str, Measure], cut: Cut, side: str) -> None:
    """Places or groups of the side, or its agencies where it is looked at as a whole."""
    titles = {code: one.title for code, one in measures.items()}
    known = session.agencies_compared(info, side=asked.side, wave=asked.waves[-1])
    codes = dict.fromkeys(code for pair in known for code in pair)
    names = cut.values if cut.facets[1:] else {code: titles[code] for code in codes}
    if not names:
        st.info(sentences.NO_LEVELS_ACROSS)
        return
    cells = session.compared_cells(info, asked, names)
    picked = st.multiselect(
        "Only these", cells, key=f"only_{cut.facets[-1]}", format_func=names.__getitem__, bind="query-params",
        max_selections=MOST, placeholder="All of them",
    )  # fmt: skip
    if len(picked) == 1:
        st.info("Pick two or more to compare, or none to compare all.")
        return
    pairs = tuple(combinations(picked or cells, 2))
    if not cut.facets[1:]:
        pairs = tuple(pair for pair in known if set(pair) <= set(picked or codes))
        asked = replace(asked, by=session.AGENCIES, measure=next(iter(codes)))
    _family(info, replace(asked, pairs=pairs), measures[asked.measure], names, side)


def _family(info: SurveyInfo, asked: Comparison, measure: Measure, names: Mapping[str, str], side: str) -> None:
    """All rows of a family: picture, sentences, table."""
    found, view = session.compared(info, asked), session.headline(info)
    for note in found.notes:
        st.warning(session.plain(note), icon=":material/sync_problem:")
    labels = session.compared_labels(found, asked, names)
    more = asked.what == session.OVER
    title = "Between agencies" if asked.by == session.AGENCIES else measure.title
    unit = "percentage points" if measure.unit == "%" else measure.unit
    scale = Scale(f"{unit} {AXES[asked.what]}, with 95 % interval", measure.unit, better=measure.direction)
    caption = Caption(
        f"{title}: {side}, {' to '.join(dict.fromkeys((asked.waves[0], asked.waves[-1])))}", HOW_TO_READ,
        session.source(view), synthetic=view.synthetic,
    )  # fmt: skip
    draw = partial(charts.compared, found.table, labels=labels, scale=scale, caption=caption, more=more)
    left, right = st.columns([3, 2], gap="large")
    with left:
        session.picture(draw, asked.key, info=info, key="compared")
    with right:
        *rows, family = session.compared_words(found, asked, names, measure)
        st.markdown("\n".join(f"- {session.plain(line)}" for line in rows))
        st.caption(family)
    table = charts.told_compared(found.table, labels=labels, unit=measure.unit, more=more)
    session.table_below(info, view, asked, table, found.table)


if __name__ == "__main__":
    render()
