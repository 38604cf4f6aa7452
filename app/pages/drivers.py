"""What goes with trade, return and trust in the neighbour, and what to mend first: for advisers."""

from functools import partial

import pandas as pd
import streamlit as st

from app import charts, sentences, session
from app.charts import Caption
from app.workflow.driving import Explained
from app.workflow.results import SurveyInfo

SEEN = {"others": "The others of the shift", "own": "The respondents' own"}
IMPORTANCE = "Hollow: by the respondents' own scores. Filled:\nby those of the others. Bars: 95 % interval."
SHARES = "Hollow: rated low (10th percentile). Filled: high (90th).\nBroad: 95 % interval of the gap. Grey: not clear."
MENDING = "Of 100 users, those affected and dissatisfied.\nBar: 95 % interval. Grey: told apart from the first."
POWER = "\nShares are counted as far as the office can act."


def render() -> None:
    """Draw the page."""
    info = session.heading(
        "Drivers", "What goes with trade, return and trust, and what users ask to have mended first."
    )
    if info is None or not info.waves:
        session.empty(info)
        return
    sides, outcomes = session.sides(info), session.outcomes(info)
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        outcome = session.choose("Outcome", outcomes, key="outcome") if outcomes else ""
        side = session.choose("Side", sides, key="side")
        wave = session.choose("Wave", {wave: wave for wave in info.waves}, key="wave", default=info.waves[-1])
        seen = session.choose("Scores of", SEEN, key="seen") if outcomes else ""
    explained = session.explained(info, side=side, wave=wave, outcome=outcome)
    where = f"{sides[side]}, {wave}"
    if explained is None:
        st.info(session.no_drivers(info))
    else:
        _goes_with(info, explained, seen, f"{outcomes[outcome]}: {where}")
        _tables(info, explained, (outcome, side, wave))
    _mend(info, session.mend_first(info, side=side, wave=wave), where, (side, wave))
    session.foot(session.headline(info))


def _titles(info: SurveyInfo) -> dict[str, str]:
    return {measure.code: measure.title for measure in session.measures(info)}


def _goes_with(info: SurveyInfo, explained: Explained, seen: str, title: str) -> None:
    """Two pictures, and what they say."""
    view, titles = session.headline(info), _titles(info)
    left, right = st.columns(2, gap="large")
    caption = Caption(title, IMPORTANCE, session.short_source(view), synthetic=view.synthetic)
    with left:
        draw = partial(charts.driver_importance, explained.rows, titles=titles, caption=caption)
        session.picture(draw, title, info=info, key="importance")
    own = explained.rows[explained.rows["seen"] == seen]
    caption = Caption(
        title, f"Scores: {SEEN[seen].lower()}.\n{SHARES}", session.short_source(view), synthetic=view.synthetic
    )
    with right:
        if own.empty:
            st.markdown("Of these scores nothing is known here.")
        else:
            draw = partial(charts.driver_shares, own, titles=titles, caption=caption)
            session.picture(draw, title, seen, info=info, key="shares")
    told = [sentences.told_driver(finding, titles) for finding in explained.findings]
    st.markdown("\n".join(f"- {session.plain(line)}" for line in told))
    st.caption(sentences.GUARD)


def _tables(info: SurveyInfo, explained: Explained, parts: tuple[str, ...]) -> None:
    """Figures behind the pictures, and the models behind the figures."""
    titles = _titles(info)
    with st.expander("Table", icon=":material/table_rows:"):
        st.dataframe(charts.told_drivers(explained.rows, titles=titles), hide_index=True)
    with st.expander("Slopes, and whether one serves all levels of the answer", icon=":material/function:"):
        st.dataframe(charts.told_driver_models(explained.models), hide_index=True)
        st.dataframe(charts.told_driver_slopes(explained.rows, titles=titles), hide_index=True)
        if explained.odds.empty:
            st.caption(sentences.TWO_ANSWERS)
        else:
            st.dataframe(explained.odds, hide_index=True)
    _download(info, explained.rows, ("drivers", *parts))


def _mend(info: SurveyInfo, rows: pd.DataFrame, where: str, parts: tuple[str, ...]) -> None:
    """What users ask to have mended, the first of it first."""
    st.subheader("Mend first", anchor=False)
    if rows.empty:
        st.info(session.no_drivers(info))
        return
    view, records = session.headline(info), rows.to_dict("records")
    st.markdown(session.plain(sentences.told_mend_first(records)))
    note = MENDING + (POWER if session.power_declared(rows) else "")
    caption = Caption(f"What to mend first: {where}", note, session.source(view), synthetic=view.synthetic)
    session.picture(partial(charts.mending, rows, caption=caption), where, info=info, key="mending")
    with st.expander("Table of all questions", icon=":material/table_rows:"):
        st.dataframe(charts.told_mending(rows), hide_index=True)
    _download(info, rows, ("mend_first", *parts))


def _download(info: SurveyInfo, rows: pd.DataFrame, parts: tuple[str, ...]) -> None:
    st.download_button(
        "Download these figures (CSV)", data=lambda: session.study_csv(session.headline(info), rows), mime="text/csv",
        file_name=session.file_name(info, parts), on_click="ignore", icon=":material/download:",
        key=f"download_{parts[0]}",
    )  # fmt: skip


if __name__ == "__main__":
    render()
