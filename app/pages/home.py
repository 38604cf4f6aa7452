"""The door: what this is, what is published, and three ways on."""

import streamlit as st

from app import session

DOORS = (
    ("app/pages/explore.py", "Explore", ":material/scatter_plot:", "Scores with their intervals, one side at a time."),
    ("app/pages/trends.py", "Trends", ":material/trending_up:", "What changed between waves, and whether it is real."),
    ("app/pages/upload.py", "Upload", ":material/upload_file:", "A file from the field: check it, store it, publish."),
)


def render() -> None:
    """Draw the page."""
    info = session.heading("Sarhad", "What users of border services say, as figures that say how sure they are.")
    for column, (page, title, icon, text) in zip(st.columns(len(DOORS)), DOORS, strict=True):
        with column.container(border=True, height="stretch"):
            st.page_link(page, label=f"**{title}**", icon=icon)
            st.caption(text)
    if info is None or not info.waves:
        session.empty(info)
        return
    st.markdown(f"**{info.title}** · published waves: {', '.join(info.waves)}")
    session.foot(session.headline(info))


if __name__ == "__main__":
    render()
