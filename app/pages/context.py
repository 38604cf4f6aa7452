"""For advisers: what others measured, each series against its own past. Beside our figures, never inside them."""

import streamlit as st

from app import sentences, session

INDEPENDENT = (
    "A change is tested by the published standard errors, as if those of two years were independent, and all changes "
    "on this page are judged together (Holm). Intervals of changes are 95 % intervals; those of levels are as "
    "published."
)


def render() -> None:
    """Draw the page."""
    st.title("Context", anchor=False)
    st.caption(sentences.OTHERS)
    for source, table, changes in session.others():
        publication, _, address = source.partition(": ")
        st.subheader(publication, anchor=False)
        lines = [sentences.context_told(row) for row in changes.to_dict("records")]
        st.markdown("\n".join(f"- {session.plain(line)}" for line in lines))
        with st.expander("Table", icon=":material/table_rows:"):
            st.dataframe(session.readable_others(table), hide_index=True)
        st.caption(f"Source: {session.plain(publication)}, {address}. Licence: {table['licence'].iloc[0]}.")
    st.download_button(
        "Download all figures of this page (CSV)", data=session.others_csv, mime="text/csv",
        file_name="sarhad_context.csv", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    st.caption(INDEPENDENT)


if __name__ == "__main__":
    render()
