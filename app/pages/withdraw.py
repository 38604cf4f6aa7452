"""At any hour, by anybody of the team: take a release back, or a part of every release that shows it."""

import streamlit as st

from app import session
from app.workflow import releases

ALL = "everything that is published of this survey"


def render() -> None:
    """Draw the page."""
    info = session.heading("Withdraw", "At once, from pages, links and exports; not to be worked out again.")
    if told := st.session_state.pop("withdrawn", ""):
        st.success(session.plain(told))
    public = info is not None and any(
        step.state in releases.PUBLIC for step in releases.steps(session.store(), info.id)
    )
    if info is None or not public:
        session.empty(info)
        return
    who = st.text_input("Your name, for the log", key="signer", max_chars=80).strip()
    cuts = {cut.facets[-1]: cut for cut in session.cuts(info) if cut.facets[1:]} if info.release else {}
    what = st.selectbox(
        "What", [*cuts, ALL], key="withdraw_what", format_func=lambda code: cuts[code].title if code in cuts else code
    )
    labels = cuts[what].values if what in cuts else {}
    which = st.selectbox("Which", list(labels), format_func=lambda code: labels[code], key="withdraw_which")
    reason = st.text_input("Why: told to whoever follows an old link, so word it with care", key="withdraw_reason")
    if st.button("Withdraw at once", disabled=not who, type="primary"):
        cells = [{what: which}] if labels else []
        with st.spinner("Withdrawing, with whatever would give it away"):
            done = releases.withdraw(
                session.store(), info.id, None, cells=cells, reason=reason, who=who, at=session.now()
            )
        st.session_state["withdrawn"] = done
        st.rerun()


if __name__ == "__main__":
    render()
