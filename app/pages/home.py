"""The door: what this is, what is published, and three ways on."""

import streamlit as st

from app import session

DOORS = (
    ("app/pages/explore.py", "Explore", ":material/scatter_plot:", "Scores with their intervals, one side at a time."),
    ("app/pages/trends.py", "Trends", ":material/trending_up:", "What changed between waves, and whether it is real."),
    ("app/pages/upload.py", "Upload", ":material/upload_file:", "A file from the field: check it, store it."),
)
TO_KNOW = (
    ("A figure says how sure it is", "Each dot is an estimate, and its bars show how far the truth may lie from it."),
    ("A change is called clear only by its test", "What is grey may be chance. *Clear* never means *caused by*."),
    ("Who answered stays unknown", "Small groups are not shown, nothing below a crossing is, and no name is stored."),
)


def render() -> None:
    """Draw the page."""
    info = session.heading("Sarhad", "What users of border services say, in figures that say how sure they are.")
    doors = DOORS[:2] if session.stands_alone() else DOORS
    for column, (page, title, icon, text) in zip(st.columns(len(doors)), doors, strict=True):
        with column.container(border=True, height="stretch"):
            st.page_link(page, label=f"**{title}**", icon=icon)
            st.caption(text)
    for column, (title, text) in zip(st.columns(len(TO_KNOW)), TO_KNOW, strict=True):
        with column:
            st.markdown(f"**{title}**")
            st.caption(text)
    if info is None or not info.waves:
        session.empty(info)
        return
    st.markdown(f"Published: **{info.title}**, waves {', '.join(info.waves)}.")
    session.foot(session.headline(info))


if __name__ == "__main__":
    render()
