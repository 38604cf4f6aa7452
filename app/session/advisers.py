"""For advisers, when somebody asks: how far scores and ranks move, and which choices move them."""

from collections.abc import Mapping
from functools import partial

import pandas as pd
import streamlit as st

from app import charts
from app.charts import Caption
from app.session.drawer import boundary
from app.session.showing import picture, short_source
from app.session.studies import Asked, shares, shares_known, stability
from app.workflow.results import SurveyInfo, View

#: What is varied, in words.
GROUPS = {
    "normalisation": "Scale of questions",
    "weights": "Weights",
    "aggregation": "Kind of mean",
    "item": "A question left out",
    "sampling": "Another sample",
}
OUTCOMES = {"score": "What moves the scores", "rank_shift": "What moves the ranks"}
HOW_TO_READ = "Filled: together with others. Hollow: alone.\nBoth with their 95 % intervals."
VARIED = (
    "Thousands of times every choice is drawn at random within what could be defended, and another sample with it: "
    "four ways to put questions on one scale; each weight up to a quarter more or less; mean, geometric or harmonic "
    "mean; one question left out. Percentiles are no confidence intervals, and shares hold for these choices and no "
    "others."
)


def advisers(info: SurveyInfo, view: View, asked: Asked, *, labels: Mapping[str, str], where: str) -> None:
    """Draw the expander; nothing is worked out before its button is pressed."""
    with st.expander("For advisers: how much depends on such choices", icon=":material/tune:"), boundary():
        st.caption(VARIED)
        button = st.empty()
        if not shares_known(info, asked) and not button.button("Work it out", key="work_it_out"):
            return
        button.empty()
        found = shares(info, asked)
        for column, (outcome, title) in zip(st.columns(2, gap="large"), OUTCOMES.items(), strict=True):
            with column:
                _shares(info, view, asked, found[found["outcome"] == outcome], title, where)
        moved = stability(info, asked)
        st.dataframe(_percentiles(moved, labels=labels, facet=asked.by[-1]), hide_index=True)


def _shares(info: SurveyInfo, view: View, asked: Asked, found: pd.DataFrame, title: str, where: str) -> None:
    """Which choices move one outcome."""
    caption = Caption(title, f"{where}\n{HOW_TO_READ}", short_source(view), synthetic=view.synthetic, unofficial=True)
    draw = partial(charts.sobol, found, words=GROUPS, caption=caption)
    picture(draw, asked.key, title, info=info, key=f"shares_{found['outcome'].iloc[0]}")


def _percentiles(moved: pd.DataFrame, *, labels: Mapping[str, str], facet: str) -> pd.DataFrame:
    """5th, 50th and 95th percentiles of scores and ranks, in words."""
    columns: dict[str, list[str]] = {"": [labels.get(code, code) for code in moved[facet]]}
    for name, places in (("score", 1), ("rank", 0)):
        for ending, word in (("_05", "5th"), ("_50", "50th"), ("_95", "95th")):
            columns[f"{name}, {word} percentile"] = [
                charts.number(value, places=places) if pd.notna(value) else "" for value in moved[name + ending]
            ]
    columns["rank kept within 2"] = [f"{100 * share:.0f} %" if pd.notna(share) else "" for share in moved["rank_kept"]]
    return pd.DataFrame(columns)
