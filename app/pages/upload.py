"""From a file of the field to a stored draft: send, check, mend or confirm, stored; and the waves with their state."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import session
from app.workflow.fieldwork import SHOWN, CheckView
from app.workflow.results import SurveyInfo

EVERY, WORDS, SUMMED = "All problems", {True: "Mend", False: "Look at"}, 8
STEPS = """
1. **Send** the file as the field tool exports it: KoboToolbox or ODK, by XML names or by labels.
2. **See** what is right, what is wrong, on which row, and what to do. Nothing is stored yet.
3. **Confirm**, and it is stored whole, as a draft. The same file sent again changes nothing.
4. Names, phones, documents, coordinates and free text are recognised and **never stored**."""


def render() -> None:
    """Draw the page."""
    info = session.heading("Upload", "Send a file of the field. Nothing is stored before you confirm.", real=True)
    if info is None:
        session.empty(info)
        return
    left, right = st.columns([2, 1], gap="large")
    with right:
        _waves(info)
    with left, session.boundary():
        _send(info)


def _send(info: SurveyInfo) -> None:
    """One file: which wave, check, confirm."""
    with st.container(horizontal=True):
        wave = st.text_input("Wave", placeholder="such as 2026", key="wave_name", max_chars=20).strip()
        who = st.text_input("Your initials, for the log", key="who", max_chars=20).strip()
    kinds = ["csv", "tsv", "txt", "tab", "xlsx", "xlsm", "xls", "ods", "parquet", "zip"]
    most = session.upload_megabytes()
    file = st.file_uploader("Export of the field tool: CSV or Excel", type=kinds, key="up", max_upload_size=most)
    if file is None:
        st.markdown(STEPS)
        return
    with st.status("Reading and checking", expanded=True) as status:
        st.text(f"Received {file.name}, {file.size / 1024:,.0f} KB")
        view = session.checked(info, file.name, file.getvalue())
        counts = view.counts
        st.text(f"{counts['rows']:,} rows, {counts['columns']:,} columns")
        told = f"{counts['ready']:,} of {counts['rows']:,} rows are ready" if view.ready else "not to be stored yet"
        status.update(label=f"Checked: {told}", state="complete" if view.ready else "error", expanded=False)
    _what_is_right(view)
    _problems(view, file.name)
    if view.ready:
        _confirm(info, view, file, wave, who)


def _what_is_right(view: CheckView) -> None:
    """Good news first."""
    counts = view.counts
    cells = st.columns(4)
    cells[0].metric("Rows ready", f"{counts['ready']:,}", help=f"of {counts['rows']:,} in the file")
    cells[1].metric("Columns recognised", f"{counts['columns_matched']:,}", help=f"of {counts['columns']:,}")
    cells[2].metric("Refusals, counted", f"{counts['refused']:,}")
    cells[3].metric("Duplicates, left out", f"{counts['duplicates']:,}")
    if view.dropped:
        names = ", ".join(f"{session.plain(column)} ({kind})" for column, kind in view.dropped.items())
        st.info(f"Personal data, not kept: {names}", icon=":material/shield_person:")


def _problems(view: CheckView, name: str) -> None:
    """Every fault on its row, by kind; and the team's own file with a column that says the same."""
    if view.kinds.empty:
        st.success("No problem found.", icon=":material/check:")
        return
    blocking = int(view.kinds["blocks"].sum())
    st.subheader(f"{blocking} to mend, {len(view.kinds) - blocking} to look at", anchor=False)
    kinds = view.kinds.sort_values("blocks", ascending=False, kind="stable")
    worst = kinds.head(SUMMED).to_dict("records")
    st.markdown("\n".join(f"- **{WORDS[row['blocks']]}**: {session.plain(row['problem'])}" for row in worst))
    kind = st.selectbox("Show", [EVERY, *view.issues["problem"].unique()], key="kind", label_visibility="collapsed")
    rows = view.issues if kind == EVERY else view.issues[view.issues["problem"] == kind]
    rows = rows.sort_values("blocks", ascending=False, kind="stable").assign(kind=rows["blocks"].map(WORDS))
    rows["row in file"] = rows["row"].where(rows["row"] > 0).astype("Int64")
    st.dataframe(rows[["kind", "row in file", "column", "problem"]], hide_index=True, height=260)
    if len(view.issues) == SHOWN:
        st.caption(f"The first {SHOWN} are shown; the file below holds them all.")
    st.download_button(
        "Download your file with a column of problems", data=view.marked, on_click="ignore",
        file_name=f"{name.rsplit('.', 1)[0]}_problems.{view.marked_as}", icon=":material/download:",
    )  # fmt: skip


def _confirm(info: SurveyInfo, view: CheckView, file: UploadedFile, wave: str, who: str) -> None:
    """Warnings need a tick; then the file is stored whole."""
    agreed = view.kinds.empty or st.checkbox("I have looked at these; the file is right as it is", key="agreed")
    if not (wave and who):
        st.caption("Name the wave and give your initials above.")
    if st.button("Store as a draft", type="primary", disabled=not (agreed and wave and who), key="store"):
        done = session.stored(info, view, wave=wave, who=who, name=file.name, data=file.getvalue())
        st.session_state["told"] = done
        st.rerun()
    if told := st.session_state.pop("told", ""):
        st.success(session.plain(told), icon=":material/inventory_2:")


def _waves(info: SurveyInfo) -> None:
    """What is there: counts only until a wave is published."""
    st.subheader("Waves", anchor=False)
    waves = session.wave_states(info)
    if waves.empty:
        st.caption("No file yet. A wave stays a draft, with counts and no scores, until somebody publishes it.")
        return
    st.dataframe(waves, hide_index=True)
    if (waves["state"] != "published").any():
        st.caption("A draft is released by two signatures.")
        st.page_link("app/pages/releases.py", label="Go to Releases", icon=":material/verified:")


if __name__ == "__main__":
    render()
