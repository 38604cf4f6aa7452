"""The frame around every page, and the one boundary for our errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote

import streamlit as st

from app import sentences, settings
from app.session.drawer import boundary, method, plain
from app.session.shelves import open_shelf, release, stands_alone
from app.workflow import fieldwork
from app.workflow.results import SurveyInfo, View

ICON = str(settings.ROOT / "static" / "icon.png")
MARK = str(settings.ROOT / "static" / "mark.svg")
STYLE = settings.ROOT / "static" / "pages.css"  # constant: never built from what anybody typed


@contextmanager
def frame() -> Iterator[None]:
    """Put style and the error boundary around a page."""
    st.html(STYLE)
    with boundary():
        yield


def heading(title: str, lead: str, *, real: bool = False) -> SurveyInfo | None:
    """Title, choice of survey where there are several, Method drawer, and the ribbon of invented answers.

    With `real`, only surveys that take real answers, those not begun yet included.
    """
    found = _real() if real else {info.id: info for info in open_shelf().surveys()}
    left, middle, right = st.columns([5, 3, 1.1], vertical_alignment="bottom")
    with left:
        st.title(title, anchor=False)
        st.caption(lead)
    with middle:
        code = _survey_choice(found)
    info = found.get(code or "")
    if info is not None and not real:
        info = _linked(info)
    with right, st.container(key="method"):
        if info is not None and st.button("Method", icon=":material/menu_book:", width="stretch"):
            method(info)
    if info is not None and info.synthetic:
        ribbon()
    return info


def _linked(info: SurveyInfo) -> SurveyInfo:
    """The release that the address names, with what its readers are told first; or else the one that stands."""
    number = st.query_params.get("release", "")
    if number.isdigit() and int(number) != info.release:
        info = replace(info, release=int(number), waves=release(info, int(number)).document.waves)
    if info.release and (notice := release(info).notice):
        st.info(plain(notice), icon=":material/history:")
    return info


def _real() -> dict[str, SurveyInfo]:
    """Surveys of real answers, and one for each instrument that has none yet."""
    stored = {info.id: info for info in open_shelf().surveys()}
    begun = {code: info for code, info in stored.items() if not info.synthetic}
    fresh = [code for code in fieldwork.instruments() if code not in stored]
    return begun | {
        code: SurveyInfo(code, fieldwork.instrument(code).title, synthetic=False, waves=(), drafts=()) for code in fresh
    }


def _survey_choice(found: Mapping[str, SurveyInfo]) -> str | None:
    """The survey that the page shows: published ones first, so that a link without a choice shows figures.

    Travellers stand before the forms beside theirs, so that nobody is met by what officers say of themselves.
    """
    order = {code: place for place, code in enumerate(fieldwork.instruments())}
    codes = sorted(found, key=lambda code: (not found[code].waves, order.get(code, 0)))
    if len(codes) < len(("one", "another")):
        return next(iter(codes), None)
    return st.selectbox(
        "Survey",
        codes,
        format_func=lambda code: found[code].title,
        key="survey",  # the same on every page, so that the choice goes along
        bind="query-params",
        label_visibility="collapsed",
    )


def ribbon() -> None:
    """Say on the page, as every picture does, that the answers are invented."""
    with st.container(key="synthetic"):
        st.markdown(
            "**SYNTHETIC** · Every answer here is invented. No river, crossing or person of this survey exists."
        )


def foot(view: View, *more: str) -> None:
    """Where the figures of a page come from, and what else is to be known of them."""
    note = view.note
    told = (sentences.reported(note), sentences.collapsed(note.get("collapsed", "")), *more)
    for comment in view.comments:
        st.info(plain(comment), icon=":material/forum:")
    with st.container(key="foot"):
        st.markdown(
            f"{'**SYNTHETIC** · ' if view.synthetic else ''}[Release {note['release']}]"
            f"(?survey={quote(note['title'])}&release={note['release'].partition('.')[0]}) · "
            f"data until {note['data_until']}, digest {note['data']} · "
            f"instrument {note['instrument']} · framework {note['framework']} · engine {note['engine']}. "
            f"{' '.join(filter(None, told))}"
        )


def empty(info: SurveyInfo | None) -> None:
    """Say what to do where nothing is published yet."""
    if info is not None and info.drafts:
        st.info(
            f"No wave of this survey is published yet. Drafts: {', '.join(info.drafts)}. A draft shows counts only."
        )
    else:
        st.info(
            "No wave is published yet. Upload a file, or fill the empty store by `sarhad demo`, with invented answers."
        )
    if not stands_alone():
        st.page_link("app/pages/upload.py", label="Go to Upload", icon=":material/upload_file:")
