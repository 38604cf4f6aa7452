"""What the pages share: cached results, the frame around every page, and the one boundary for our errors.

Caches are keyed by strings alone: `key` digests the release, so that a publication or a withdrawal is a new key.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import streamlit as st

from app import charts, exchange, sentences, settings
from app.workflow import fieldwork, results, shelf, storage
from app.workflow.fieldwork import CheckView
from app.workflow.results import Cut, Measure, Release, SurveyInfo, View
from scoring.errors import ScoringError
from surveys.errors import SurveyError
from surveys.questionnaire import Questionnaire
from surveys.reading import Limits

ICON = str(settings.ROOT / "static" / "icon.png")
MARK = str(settings.ROOT / "static" / "mark.svg")
STYLE = settings.ROOT / "static" / "pages.css"  # constant: never built from what anybody typed
METHOD = settings.ROOT / "data" / "method.md"
REPORTED = "What users reported; not an audit, not a finding about any person."
BESIDE = "experience"  # stands for the figures beside the indices
WEIGHTS, VERSION = "Questions and weights", "Version"  # sections of it with a table of their own

_open = st.cache_resource(show_spinner=False)(storage.open_settings)
_bundle = st.cache_resource(show_spinner=False)(storage.open_shelf)


def store() -> storage.Store:
    """The store that the settings name, opened once for all sessions."""
    return _open(settings.from_environment())


def stands_alone() -> bool:
    """Whether the pages show one bundle, without any store behind them."""
    return bool(settings.from_environment().bundle)


def _shelf() -> storage.Shelf:
    """Where releases are read: nothing else of the store is shown."""
    return _bundle(settings.from_environment()) if stands_alone() else shelf.StoreShelf(store())


def now() -> datetime:
    """The clock of the pages: everything below is told the time."""
    return datetime.now(UTC)


@contextmanager
def boundary() -> Iterator[None]:
    """Say in a sentence what our own code refuses; the server reports everything else under a reference number."""
    try:
        yield
    except (SurveyError, ScoringError) as error:
        st.error(plain(str(error)).replace("\n", "\n\n"), icon=":material/error:")


def plain(text: str) -> str:
    """Words from a file, so that nothing in them is taken for a link, a picture or a formula."""
    return re.sub(r"([\\`*_\[\]!$<>~#|:])", r"\\\1", text)


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
    found = _real() if real else {info.id: info for info in _shelf().surveys()}
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
    stored = {info.id: info for info in _shelf().surveys()}
    begun = {code: info for code, info in stored.items() if not info.synthetic}
    fresh = [code for code in fieldwork.instruments() if code not in stored]
    return begun | {
        code: SurveyInfo(code, fieldwork.instrument(code).title, synthetic=False, waves=(), drafts=()) for code in fresh
    }


def _survey_choice(found: Mapping[str, SurveyInfo]) -> str | None:
    """The survey that the page shows: published ones first, so that a link without a choice shows figures."""
    codes = sorted(found, key=lambda code: (not found[code].waves, code))
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
    for comment in view.comments:
        st.info(plain(comment), icon=":material/forum:")
    with st.container(key="foot"):
        st.markdown(
            f"{'**SYNTHETIC** · ' if view.synthetic else ''}[Release {note['release']}]"
            f"(?survey={quote(note['title'])}&release={note['release'].partition('.')[0]}) · "
            f"data until {note['data_until']}, digest {note['data']} · "
            f"instrument {note['instrument']} · framework {note['framework']} · engine {note['engine']}. "
            f"{' '.join(filter(None, (REPORTED, sentences.collapsed(note.get('collapsed', '')), *more)))}"
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


def key_of(info: SurveyInfo) -> str:
    """What every cache below is keyed by: the release with its state and digest."""
    return _shelf().key(info.id, info.release)


@st.cache_resource(max_entries=8, show_spinner=False)
def _release(key: str, survey_id: str, number: int) -> Release:  # noqa: ARG001 - a part of the key
    return _shelf().release(survey_id, number)


@st.cache_resource(max_entries=64, show_spinner=False)
def _explored(key: str, survey_id: str, number: int, by: tuple[str, ...], wave: str, side: str) -> View:
    return results.explore(_release(key, survey_id, number), by=by, wave=wave, side=side)


@st.cache_resource(max_entries=16, show_spinner=False)
def _moved(key: str, survey_id: str, number: int, by: tuple[str, ...], codes: tuple[str, ...]) -> View:
    return results.trends(_release(key, survey_id, number), by=by, codes=codes or None)


def release(info: SurveyInfo, number: int = 0) -> Release:
    """The release that a page shows: read it, never change it."""
    chosen = number or info.release
    return _release(_shelf().key(info.id, chosen), info.id, chosen)


def measures(info: SurveyInfo) -> tuple[Measure, ...]:
    """Everything that is scored in a survey."""
    return release(info).document.measures


def cuts(info: SurveyInfo) -> tuple[Cut, ...]:
    """Ways to look at one side of a survey, by one facet at a time."""
    return tuple(cut for cut in release(info).document.cuts if not cut.facets[2:])


def explored(info: SurveyInfo, *, by: tuple[str, ...], wave: str, side: str) -> View:
    """Every measure of one wave and side, masked. Shared by all sessions: read it, never change it."""
    return _explored(key_of(info), info.id, info.release, by, wave, side)


def moved(info: SurveyInfo, *, by: tuple[str, ...], codes: tuple[str, ...] = ()) -> View:
    """Headline measures (or these) over the waves with their tested changes, masked. Read it, never change it."""
    return _moved(key_of(info), info.id, info.release, by, codes)


def parts(info: SurveyInfo, root: str) -> list[Measure]:
    """Measures under an index, each dimension before its questions; or the figures beside the indices."""
    found = measures(info)
    if root == BESIDE:
        return [part for part in found if part.level == "indicator"]
    heads = [part for part in found if part.parent == root]
    return [part for head in heads for part in (head, *(item for item in found if item.parent == head.code))]


def headline(info: SurveyInfo) -> View:
    """The first figures of a survey, each side against its own past."""
    return moved(info, by=(results.SIDE,))


def sides(info: SurveyInfo) -> Mapping[str, str]:
    """Sides of the border with the words of the questionnaire."""
    return next((cut.values for cut in cuts(info) if cut.facets == (results.SIDE,)), {})


def source(view: View) -> str:
    """Last lines of a picture."""
    return (
        "What users reported; not an audit,\nnot a finding about any person.\n"
        f"Sarhad {view.note['engine']}, framework {view.note['framework']}, data until {view.note['data_until']}."
    )


def short_source(view: View) -> str:
    """Last line of a small picture."""
    return f"Users' reports, until {view.note['data_until']}."


@st.cache_data(max_entries=256, show_spinner=False)
def _drawn(name: str, _draw: Callable[[], charts.Spec]) -> charts.Spec:  # noqa: ARG001 - a part of the key
    return _draw()


def picture(
    draw: Callable[[], charts.Spec], *parts: str, info: SurveyInfo, key: str, on_pick: Callable[[], None] | None = None
) -> None:
    """Show a chart whose specification is made once for these parts of its name."""
    spec = _drawn("|".join((key_of(info), key, *parts)), draw)
    if on_pick is None:
        st.vega_lite_chart(spec=spec, theme=None, key=key)
    else:
        st.vega_lite_chart(spec=spec, theme=None, key=key, on_select=on_pick, selection_mode=charts.PICK)


def choose(label: str, options: Mapping[str, str], *, key: str, default: str = "", labelled: bool = True) -> str:
    """One of a few, as a row of buttons that is part of the page's address."""
    codes = list(options)
    chosen = st.segmented_control(
        label,
        codes,
        default=default if default in options else codes[0],
        required=True,
        format_func=lambda code: options[code],
        key=key,
        bind="query-params",
        wrap=True,
        label_visibility="visible" if labelled else "collapsed",
    )
    return str(chosen)


def pick(label: str, options: Mapping[str, str], *, key: str) -> str:
    """One of many, as a list that is part of the page's address."""
    chosen = st.selectbox(label, list(options), format_func=lambda code: options[code], key=key, bind="query-params")
    return str(chosen)


def as_csv(view: View) -> bytes:
    """A masked result as CSV, with its sources and no cell that a spreadsheet takes for a formula."""
    return exchange.as_csv(exchange.marked(view.table, view.note, synthetic=view.synthetic)).encode("utf-8-sig")


def file_name(info: SurveyInfo, parts: Sequence[str]) -> str:
    """Name of a download; an invented survey says so in its name."""
    words = ["sarhad", info.id, *parts, *(["SYNTHETIC"] if info.synthetic else [])]
    return "_".join("".join(letter if letter.isalnum() else "-" for letter in word) for word in words if word) + ".csv"


@contextmanager
def _on_disk(name: str, data: bytes) -> Iterator[Path]:
    """Put an uploaded file on disk for as long as it is read, under its own name without what a path could mean."""
    with tempfile.TemporaryDirectory(prefix="sarhad-") as folder:
        path = (
            Path(folder) / ("".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in name)[-120:])
        )
        path.write_bytes(data)
        yield path


def checked(info: SurveyInfo, name: str, data: bytes) -> CheckView:
    """Check an uploaded file, once for all reruns of this session; nothing is stored."""
    key = (info.id, name, hashlib.sha256(data).hexdigest())
    known: tuple[tuple[str, str, str], CheckView] | None = st.session_state.get("checked")
    if known is not None and known[0] == key:
        return known[1]
    limits = Limits(bytes=upload_megabytes() * 1024 * 1024)
    with _on_disk(name, data) as path:
        view = fieldwork.check_file(path, questionnaire=_questionnaire(info), limits=limits)
    st.session_state["checked"] = (key, view)
    return view


def stored(info: SurveyInfo, view: CheckView, *, wave: str, who: str, name: str, data: bytes) -> str:
    """Store a checked file as a draft, and say what that did."""
    key = settings.from_environment().vault_key
    with _on_disk(name, data) as path:
        done = fieldwork.store_file(
            path, view, store=store(), survey_id=info.id, wave=wave, who=who, at=now(), vault_key=key, title=info.title
        )
    return sentences.saved(done)


def wave_states(info: SurveyInfo) -> pd.DataFrame:
    """Waves of a survey with counts only; none of one that is not begun."""
    return fieldwork.wave_states(store(), info.id) if _begun(info) else pd.DataFrame()


def upload_megabytes() -> int:
    """Largest file that the browser may send."""
    return settings.from_environment().upload_megabytes


def _begun(info: SurveyInfo) -> bool:
    return not stands_alone() and any(row.id == info.id for row in store().surveys())


def _questionnaire(info: SurveyInfo) -> Questionnaire:
    return store().questionnaire(info.id) if _begun(info) else fieldwork.instrument(info.id)


@st.dialog("How these figures are made", width="large")
def method(info: SurveyInfo) -> None:
    """The drawer on every page: definition, weights, intervals, sample, protection, limits, version."""
    with boundary():
        words = iter(METHOD.read_text(encoding="utf-8").split("\n## ")[1:])
        sections = {title: text for title, _, text in (part.partition("\n") for part in words)}
        for tab, (title, text) in zip(st.tabs(list(sections)), sections.items(), strict=True):
            with tab:
                st.markdown(text)
                if title == WEIGHTS and info.waves:
                    st.dataframe(_parts(info), hide_index=True, height=360)
                if title == VERSION:
                    _version(info)


def _parts(info: SurveyInfo) -> pd.DataFrame:
    """Indices, their dimensions and items, each with its weight beside its siblings."""
    found = measures(info)
    titles = {measure.code: measure.title for measure in found}
    rows = [
        {
            "part": measure.title,
            "of": titles.get(measure.parent or "", ""),
            "weight": f"{measure.weight:g}" if measure.parent and measure.weight is not None else "",
            "what it is": measure.question or measure.description,
            "high answer": "good" if measure.direction == "better" else "bad, turned round",
        }
        for measure in found
        if measure.level != "indicator"
    ]
    return pd.DataFrame(rows)


def _version(info: SurveyInfo) -> None:
    if not info.waves:
        st.write("No wave of this survey is published yet.")
        return
    note = headline(info).note
    st.table(pd.DataFrame({"value": pd.Series(dict(note))}).rename_axis("what"))
