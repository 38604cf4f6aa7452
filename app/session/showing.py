"""Pictures, lists and downloads: what a page shows and what it asks."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from app import charts, exchange, sentences
from app.session.shelves import cuts, key_of
from app.workflow.results import Cut, SurveyInfo, View


def source(view: View) -> str:
    """Last lines of a picture."""
    told = sentences.reported(view.note).replace("audit, not", "audit,\nnot")
    made = f"Sarhad {view.note['engine']}, framework {view.note['framework']}"
    return f"{told}\n{made},\ndata until {view.note['data_until']}."


def short_source(view: View) -> str:
    """Last line of a small picture."""
    who = sentences.reported(view.note).split()[1].capitalize()
    return f"{who}' reports, until {view.note['data_until']}."


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


def side_by_side(draws: Sequence[Callable[[], None]], *, key: str) -> None:
    """Draw several parts of a page in columns of equal width."""
    with st.container(key=key):
        for column, draw in zip(st.columns(len(draws)), draws, strict=True):
            with column:
                draw()


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


def choose_cut(info: SurveyInfo, *, only: tuple[tuple[str, ...], ...] = ()) -> Cut:
    """A way to look at the side; some indices are shown by few of them, for the safety of persons."""
    known = {"_".join(cut.facets): cut for cut in cuts(info) if not only or cut.facets in only}
    names = {code: cut.title.split(",")[0] if cut.facets[1:] else "Whole side" for code, cut in known.items()}
    ordered = dict(sorted(names.items(), key=lambda pair: "post" not in pair[0]))
    return known[choose("By", ordered, key="by" if len(ordered) > 1 else "by_side")]


def as_csv(view: View) -> bytes:
    """A masked result as CSV, with its sources and no cell that a spreadsheet takes for a formula."""
    return exchange.as_csv(exchange.marked(view.table, view.note, synthetic=view.synthetic)).encode("utf-8-sig")


def file_name(info: SurveyInfo, parts: Sequence[str]) -> str:
    """Name of a download; an invented survey says so in its name."""
    words = ["sarhad", info.id, *parts, *(["SYNTHETIC"] if info.synthetic else [])]
    return "_".join("".join(letter if letter.isalnum() else "-" for letter in word) for word in words if word) + ".csv"
