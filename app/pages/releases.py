"""The life of a release: prepare a draft, sign it twice, share it, publish it, and withdraw it at any hour."""

from collections.abc import Mapping

import streamlit as st

from app import session
from app.workflow import publishing, releases
from app.workflow.document import Release
from app.workflow.releases import CHECKLIST
from app.workflow.results import SurveyInfo

WORDS = {
    "in_review": "In review", "signed": "Signed", "shared": "Shared with the agency", "published": "Published",
    "superseded": "Superseded", "withdrawn": "Withdrawn", "refused": "Refused",
}  # fmt: skip
OPEN = ("in_review", "signed", "shared")


def render() -> None:
    """Draw the page."""
    info = session.heading("Releases", "Two people sign; the agency may comment; what is published never changes.")
    if info is None:
        session.empty(info)
        return
    if told := st.session_state.pop("released", ""):
        st.success(session.plain(told))
    who = st.text_input("Your name, for the log", key="signer", max_chars=80).strip()
    steps = releases.steps(session.store(), info.id)
    open_ = next((step for step in steps if step.state in OPEN), None)
    left, right = st.columns([3, 2], gap="large")
    with left, session.boundary():
        if open_ is not None:
            _candidate(info, releases.read(session.store(), info.id, open_.number), who)
        else:
            _prepare(info, who)
    with right:
        st.subheader("All releases", anchor=False)
        lines = [
            {"release": step.number, "state": WORDS[step.state], "waves": ", ".join(step.waves), "what now": step.next}
            for step in reversed(steps)
        ]
        st.dataframe(lines, hide_index=True)
        if info.release:
            _withdraw(info, who)


def _done(text: str) -> None:
    st.session_state["released"] = text
    st.rerun()


def _prepare(info: SurveyInfo, who: str) -> None:
    st.subheader("Prepare a release", anchor=False)
    if not info.drafts:
        st.caption("No draft wave is waiting. Upload a file first: a wave starts as a draft.")
        return
    chosen = st.multiselect("Draft waves", info.drafts, default=list(info.drafts), key="waves")
    st.caption(
        "Every table is masked once for all. Waves that are published already stay as they are, figure by figure."
    )
    if st.button("Prepare", type="primary", disabled=not (who and chosen)):
        with st.status("Preparing", expanded=True) as status:
            number = publishing.prepare(
                session.store(), info.id, waves=chosen, who=who, at=session.now(), progress=status.write
            )
        _done(f"Release {number} is in review: two people read and sign it.")


def _candidate(info: SurveyInfo, release: Release, who: str) -> None:
    st.subheader(f"Release {release.number}: {WORDS[release.state].lower()}", anchor=False)
    st.markdown(f"Waves {', '.join(release.document.waves)}. What the mask hides, by table:")
    st.dataframe(release.document.loss, hide_index=True)
    signed = {one["role"]: one for one in release.signatures}
    for role, points in CHECKLIST.items():
        if role in signed:
            st.markdown(f"**{role.capitalize()}**: signed by {session.plain(str(signed[role]['who']))} (unverified)")
        else:
            _sign(info, release, role, points, who)
    if release.state == "signed":
        _share(info, release, who)
    for comment in release.comments:
        st.markdown(f"**{session.plain(comment['agency'])}**, {comment['at'][:10]}: {session.plain(comment['text'])}")
    if release.state == "shared":
        _comment(info, release, who)
    if release.state in ("signed", "shared"):
        _publish(info, release, who)
    _refuse(info, release, who)


def _sign(info: SurveyInfo, release: Release, role: str, points: Mapping[str, str], who: str) -> None:
    with st.form(f"sign_{role}"):
        st.markdown(f"**Sign for {role}**: every point must hold.")
        ticked = [code for code, text in points.items() if st.checkbox(text, key=f"{role}_{code}")]
        if st.form_submit_button(f"Sign for {role}", disabled=not who):
            releases.sign(session.store(), info.id, release.number, role=role, ticked=ticked, who=who, at=session.now())
            _done(f"Signed for {role}; marked unverified until there is sign-in.")


def _share(info: SurveyInfo, release: Release, who: str) -> None:
    with st.form("share"):
        st.markdown("**Share with the agency** that it judges, for a dated comment printed beside the figures.")
        agency = st.text_input("Agency", key="agency", max_chars=120).strip()
        until = st.date_input("Comments until", key="until", min_value=session.now().date())
        if st.form_submit_button("Share", disabled=not who):
            session.store().share_release(
                info.id, release.number, agencies=[agency], until=until, who=who, at=session.now()
            )
            _done(f"Shared with {agency}.")


def _comment(info: SurveyInfo, release: Release, who: str) -> None:
    with st.form("comment"):
        agency = st.text_input("Comment of (agency)", key="commenting", max_chars=120).strip()
        text = st.text_area("Comment, as it is printed", key="comment_text", max_chars=4000).strip()
        if st.form_submit_button("Keep the comment", disabled=not who):
            session.store().comment_release(
                info.id, release.number, agency=agency, text=text, who=who, at=session.now()
            )
            _done(f"The comment of {agency} stands beside the release.")


def _publish(info: SurveyInfo, release: Release, who: str) -> None:
    with st.form("publish"):
        reason = st.text_input("Why no comment is waited for, where none came", key="uncommented").strip()
        if st.form_submit_button("Publish", type="primary", disabled=not who):
            releases.publish(session.store(), info.id, release.number, who=who, at=session.now(), uncommented=reason)
            _done(f"Release {release.number} is published.")


def _refuse(info: SurveyInfo, release: Release, who: str) -> None:
    with st.expander("Refuse this release"), st.form("refuse"):
        reason = st.text_input("Why", key="refusal").strip()
        if st.form_submit_button("Refuse; its waves are drafts again", disabled=not who):
            session.store().refuse_release(info.id, release.number, reason=reason, who=who, at=session.now())
            _done(f"Release {release.number} is refused.")


def _withdraw(info: SurveyInfo, who: str) -> None:
    """At any hour, by anybody of the team: a whole release, or a part of it."""
    with st.expander("Withdraw", icon=":material/block:"), session.boundary():
        cuts = {cut.facets[-1]: cut for cut in session.cuts(info) if cut.facets[1:]}
        what = st.selectbox("What", ["whole release", *cuts], key="withdraw_what")
        cells = []
        if what in cuts:
            labels = cuts[what].values
            value = st.selectbox("Which", list(labels), format_func=lambda code: labels[code], key="withdraw_which")
            cells = [{what: value}]
        reason = st.text_input("Why: told to whoever follows an old link", key="withdraw_reason").strip()
        if st.button("Withdraw at once", disabled=not who, type="primary"):
            with st.spinner("Withdrawing, with whatever would give it away"):
                done = releases.withdraw(
                    session.store(), info.id, None, cells=cells, reason=reason, who=who, at=session.now()
                )
            _done(done)


if __name__ == "__main__":
    render()
