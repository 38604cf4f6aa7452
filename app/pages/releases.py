"""The life of a release: prepare a draft, sign it twice, share it, publish it or refuse it."""

import streamlit as st

from app import session
from app.workflow import publishing, releases
from app.workflow.document import Release
from app.workflow.releases import CHECKLIST, STATES
from app.workflow.results import SurveyInfo


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
    number = next((step.number for step in steps if step.state in releases.OPEN), 0)
    left, right = st.columns([3, 2], gap="large")
    with left, session.boundary():
        if number:
            _candidate(info, releases.read(session.store(), info.id, number), who)
        else:
            _prepare(info, who)
    with right:
        st.subheader("All releases", anchor=False)
        lines = [(step.number, STATES[step.state], ", ".join(step.waves), step.next) for step in reversed(steps)]
        st.dataframe([dict(zip(("release", "state", "waves", "what now"), line, strict=True)) for line in lines])
        if any(step.state in releases.PUBLIC for step in steps):
            st.page_link("app/pages/withdraw.py", label="Withdraw something at once", icon=":material/block:")


def _done(text: str) -> None:
    st.session_state["released"] = text
    st.rerun()


def _prepare(info: SurveyInfo, who: str) -> None:
    st.subheader("Prepare a release", anchor=False)
    if not info.drafts:
        st.caption("No draft wave is waiting. Upload a file first: a wave starts as a draft.")
        return
    waves = st.multiselect("Draft waves", info.drafts, default=list(info.drafts), key="waves")
    texts = session.declare()
    if st.button("Prepare", type="primary", disabled=not (who and waves)):
        with st.status("Preparing", expanded=True) as status:
            number = publishing.prepare(
                session.store(), info.id, waves=waves, who=who, at=session.now(), declared=texts, progress=status.write
            )
        _done(f"Release {number} is in review: two people read and sign it.")


def _candidate(info: SurveyInfo, release: Release, who: str) -> None:
    st.subheader(f"Release {release.number}: {STATES[release.state].lower()}", anchor=False)
    session.candidate(release)
    for one in release.signatures:
        st.markdown(f"**{str(one['role']).capitalize()}**: signed by {session.plain(str(one['who']))} (unverified)")
    signed = {one["role"] for one in release.signatures}
    for role in (role for role in CHECKLIST if role not in signed):
        _sign(info, release, role, who)
    for comment in release.comments:
        st.markdown(f"**{session.plain(comment['agency'])}**, {comment['at'][:10]}: {session.plain(comment['text'])}")
    if release.state == "signed":
        _share(info, release, who)
    if release.state == "shared":
        _comment(info, release, who)
    _end(info, release, who)


def _share(info: SurveyInfo, release: Release, who: str) -> None:
    with st.form("share"):
        agency = st.text_input("Share with the agency that it judges", key="agency", max_chars=120).strip()
        until = st.date_input("Comments until", key="until", min_value=session.now().date())
        if st.form_submit_button("Share", disabled=not who):
            desk, now = session.store(), session.now()
            desk.share_release(info.id, release.number, agencies=[agency], until=until, who=who, at=now)
            _done(f"Shared with {agency}.")


def _comment(info: SurveyInfo, release: Release, who: str) -> None:
    with st.form("comment"):
        agency = st.text_input("Comment of (agency)", key="commenting", max_chars=120).strip()
        text = st.text_area("Comment, as it is printed", key="comment_text", max_chars=4000).strip()
        if st.form_submit_button("Keep the comment", disabled=not who):
            desk, now = session.store(), session.now()
            desk.comment_release(info.id, release.number, agency=agency, text=text, who=who, at=now)
            _done(f"The comment of {agency} stands beside the release.")


def _end(info: SurveyInfo, release: Release, who: str) -> None:
    """Publish, or refuse."""
    with st.form("end"):
        reason = st.text_input("Why no comment is waited for, or why it is refused", key="reason").strip()
        publish = st.form_submit_button("Publish", type="primary", disabled=not who or release.state == "in_review")
        refuse = st.form_submit_button("Refuse; its waves are drafts again", disabled=not who)
    now = session.now()
    if publish:
        releases.publish(session.store(), info.id, release.number, who=who, at=now, uncommented=reason)
        _done(f"Release {release.number} is published.")
    if refuse:
        session.store().refuse_release(info.id, release.number, reason=reason, who=who, at=now)
        _done(f"Release {release.number} is refused.")


def _sign(info: SurveyInfo, release: Release, role: str, who: str) -> None:
    with st.form(f"sign_{role}"):
        st.markdown(f"**Sign for {role}**: every point must hold.")
        ticked = [code for code, text in CHECKLIST[role].items() if st.checkbox(text, key=f"{role}_{code}")]
        if st.form_submit_button(f"Sign for {role}", disabled=not who):
            place = (session.store(), info.id, release.number)
            releases.sign(*place, role=role, ticked=ticked, who=who, at=session.now())
            _done(f"Signed for {role}; marked unverified until there is sign-in.")


if __name__ == "__main__":
    render()
