"""Indicators against their baselines and targets, by sex, with source and version: the table that donors ask for."""

import streamlit as st

from app import sentences, session


def render() -> None:
    """Draw the page."""
    info = session.heading("Results", "Indicators with baseline, target and where they stand, as donors ask.")
    if info is None or not info.waves:
        session.empty(info)
        return
    sides = session.sides(info)
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        side = session.choose("Side", sides, key="side")
        session.results_download(info)
    words = session.titles(info)
    told = [sentences.target_told(row, words) for row in session.targets(info, side=side).to_dict("records")]
    if told:
        st.markdown("\n".join(f"- {session.plain(line)}" for line in told))
    else:
        st.info("No target is declared with this release. Write targets.csv and give it where a release is prepared.")
    st.dataframe(session.readable_results(info, side=side), hide_index=True, height=460)
    st.caption(sentences.RESULTS_FAMILIES)
    session.foot(session.headline(info), sentences.SIDES_APART)


if __name__ == "__main__":
    render()
