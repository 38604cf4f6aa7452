"""What advisers compare, cached by strings: read it, never change it. And the block on who came."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, exchange, sentences
from app.charts import Caption
from app.session.drawer import plain
from app.session.shelves import cached_release, cuts, headline, key_of, measures, release
from app.session.showing import choose, file_name, picture, short_source
from app.workflow import comparing, composing, differing
from app.workflow.comparing import Compared
from app.workflow.composing import Composition
from app.workflow.results import Measure, SurveyInfo, View

SINCE, BETWEEN, OVER = "since", "between", "over"
#: What may be compared, in words.
COMPARISONS: Mapping[str, str] = {
    SINCE: "Since another wave", BETWEEN: "Between places or groups", OVER: "Over all waves",
}  # fmt: skip
#: What one row of each is, in words.
THINGS: Mapping[str, str] = {SINCE: "change", BETWEEN: "difference", OVER: "trend"}
AGENCIES = ("side", differing.MEASURE)  # stands for what was asked of each agency of a side
NEEDED: Mapping[str, int] = {SINCE: 2, BETWEEN: 1, OVER: 3}  # published waves
GROUPS = ("side", "user_group")
PARTS: Mapping[str, str] = {
    "change": "Change", "within": "within groups", "mix": "other people", "fixed_mix": "At the old mix",
}  # fmt: skip
NO_SPLIT = "How much of a change is that other people crossed is told of the headline indices of a whole side."
NO_TRAFFIC = "How many people crossed is not held in this release."
TRAFFIC = "Traffic beside the score: mean crossings counted in a shift. Where it changes, so may who is asked."


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared on the page: one figure of one side; `pairs` None for every two cells."""

    what: str
    side: str
    by: tuple[str, ...]
    measure: str
    waves: tuple[str, ...]  # the last is the one that is shown
    adjust: str = "holm"
    margin: float | None = None
    pairs: tuple[tuple[str, str], ...] | None = None

    @property
    def key(self) -> str:
        """Everything that the answer depends on but the release."""
        return json.dumps(asdict(self), sort_keys=True)


@st.cache_resource(max_entries=128, show_spinner=False)
def _compared(key: str, survey_id: str, number: int, asked: str) -> Compared:
    found, given = cached_release(key, survey_id, number), json.loads(asked)
    common: dict[str, Any] = {"side": given["side"], "by": tuple(given["by"]), "adjust": given["adjust"]}
    codes, waves = [given["measure"]], given["waves"]
    if given["what"] == BETWEEN:
        pairs = [(first, second) for first, second in given["pairs"]]
        codes = [] if common["by"] == AGENCIES else codes
        return comparing.differences(found, wave=waves[-1], measures=codes, pairs=pairs, **common)
    if given["what"] == OVER:
        return comparing.trend(found, measures=codes, **common)
    return comparing.changes(found, measures=codes, waves=(waves[0], waves[-1]), margin=given["margin"], **common)


def compared(info: SurveyInfo, asked: Comparison) -> Compared:
    """One family of changes, differences or trends."""
    return _compared(key_of(info), info.id, info.release, asked.key)


def agencies_compared(info: SurveyInfo, *, side: str, wave: str) -> tuple[tuple[str, str], ...]:
    """Indicators of two agencies whose difference the release holds."""
    return differing.agencies(release(info), side=side, wave=wave)


def compared_figures(info: SurveyInfo, by: tuple[str, ...]) -> dict[str, str]:
    """Titles of what is scored by these facets; some indices, with all their parts, are shown by few of them."""
    scored = set(release(info).document.scores[by]["measure"])
    return {one.code: one.title for one in measures(info) if one.code in scored}


def compared_cells(info: SurveyInfo, asked: Comparison, names: Mapping[str, str]) -> list[str]:
    """Places or groups of the side that has figures in this wave, in the order of the questionnaire."""
    if not asked.by[1:]:
        return list(names)
    table = release(info).document.scores[asked.by]
    present = set(table.loc[(table["side"] == asked.side) & (table["wave"] == asked.waves[-1]), asked.by[-1]])
    return [code for code in names if code in present]


def compared_waves(info: SurveyInfo, what: str) -> tuple[str, ...]:
    """The wave that is shown, after the one it is compared with."""
    if what == OVER or len(info.waves) < NEEDED[what]:
        return info.waves
    if what == BETWEEN:
        return (choose("Wave", {wave: wave for wave in info.waves}, key="wave", default=info.waves[-1]),)
    since = choose("Since", {wave: wave for wave in info.waves[:-1]}, key="since")
    later = {wave: wave for wave in info.waves if wave > since}
    return since, choose("Until", later, key=f"until_{since}", default=info.waves[-1])


def asked_margin(what: str) -> float | None:
    """The largest change that does not matter, where one is named."""
    if what != SINCE:
        return None
    help_ = "Stated before the figures are seen. It is then tested whether a change is no larger than this."
    return st.number_input("No larger than", 0.0, 100.0, 0.0, 0.5, "%g", key="margin", bind="query-params", help=help_,
                           width=150) or None  # fmt: skip


def compared_labels(found: Compared, asked: Comparison, names: Mapping[str, str]) -> list[str]:
    """Words of the rows: a cell, or one against another in a second line."""
    if asked.what != BETWEEN:
        return [names.get(str(code), str(code)) for code in found.table[asked.by[-1]]]
    pairs = zip(found.table["first"].astype(str), found.table["second"].astype(str), strict=True)
    return [f"{names.get(b, b)}{charts.BREAK}against {names.get(a, a)}" for a, b in pairs]


def compared_words(found: Compared, asked: Comparison, names: Mapping[str, str], measure: Measure) -> list[str]:
    """One sentence a row, and the statement of their family last."""

    def named(row: Mapping[Any, Any], column: str) -> str:
        return names.get(str(row[column]), str(row[column]))

    def told(row: Mapping[Any, Any]) -> str:
        if asked.what == BETWEEN:
            ends = {end: named(row, end) for end in ("first", "second")}
            return sentences.told_difference(row, **ends, unit=measure.unit)
        name = named(row, asked.by[-1])
        if asked.what == OVER:
            return sentences.told_trend(row, name=name, unit=measure.unit)
        return sentences.told_change(row, name=name, unit=measure.unit, margin=asked.margin)

    family = sentences.told_family(found.family, thing=THINGS[asked.what], adjust=found.adjust)
    return [*(told(row) for row in found.table.to_dict("records")), family]


@st.cache_resource(max_entries=32, show_spinner=False)
def _composition(key: str, survey_id: str, number: int, side: str, since: str, wave: str) -> Composition:
    return composing.composition(cached_release(key, survey_id, number), side=side, waves=(since, wave))


def who_came(info: SurveyInfo, asked: Comparison, *, where: str) -> None:
    """The change of an index split into change within groups and change of their mix; and the traffic beside it."""
    ends = asked.waves[0], asked.waves[-1]
    found, view = _composition(key_of(info), info.id, info.release, asked.side, *ends), headline(info)
    groups = next((cut.values for cut in cuts(info) if cut.facets == GROUPS), {})
    st.subheader(f"Who came: {where}, {' and '.join(ends)}", anchor=False)
    for finding in found.shifts:
        st.warning(plain(sentences.told_shift(finding, groups)), icon=":material/groups:")
    own = found.table[found.table["measure"] == asked.measure] if len(found.table) else found.table
    left, right = st.columns([3, 2], gap="large")
    with left:
        _parts(info, view, asked, found, own, where)
    with right:
        _traffic(info, view, asked)


def _parts(info: SurveyInfo, view: View, asked: Comparison, found: Composition, own: pd.DataFrame, where: str) -> None:
    """The parts of one change, in a picture and a sentence."""
    ends = asked.waves[0], asked.waves[-1]
    if own.empty:
        st.caption(NO_SPLIT)
        return
    title = {part.code: part.title for part in measures(info)}[asked.measure]
    finding = next(one for one in found.findings if one.params["measure"] == asked.measure)
    words = f"{where}, {' to '.join(ends)}.\nBetter or worse is coloured only where a part is clear."
    caption = Caption(f"{title}: parts of the change", words, short_source(view), synthetic=view.synthetic)
    draw = partial(charts.split, own, labels=PARTS, caption=caption)
    picture(draw, asked.measure, asked.side, *ends, info=info, key="composition")
    st.markdown(plain(sentences.told_parts(finding, measure=title, fixed_clear=found.fixed_clear(asked.measure))))
    table_below(info, view, asked, charts.told_split(own, labels=PARTS), own, name="composition")


def _traffic(info: SurveyInfo, view: View, asked: Comparison) -> None:
    """Crossings counted in a shift, wave by wave, for the whole side and its posts."""
    counted = composing.traffic(release(info), side=asked.side)
    own = counted[counted["wave"].isin(asked.waves)]
    if own.empty:
        st.caption(NO_TRAFFIC)
        return
    posts = next((cut.values for cut in cuts(info) if cut.facets == ("side", "post")), {})
    words = own.assign(post=[posts.get(code, code) or "Whole side" for code in own["post"]])
    wide = words.pivot_table(index="post", columns="wave", values="crossings", sort=False, observed=True)
    st.caption(TRAFFIC)
    table_below(info, view, asked, wide.reset_index().rename(columns={"post": ""}), own, name="traffic")


def table_below(
    info: SurveyInfo, view: View, asked: Comparison, words: pd.DataFrame, table: pd.DataFrame, *, name: str = "compared"
) -> None:
    """The figures of a picture, in words on the page and as the table to take away."""
    title = "Table" if name == "compared" else f"Table: {name}"
    with st.expander(title, icon=":material/table_rows:", expanded=name == "traffic"):  # it has no picture
        st.dataframe(words, hide_index=True)
    st.download_button(
        f"Download {name} figures (CSV)", data=lambda: compared_csv(view, table), mime="text/csv", key=f"csv_{name}",
        file_name=file_name(info, (name, asked.what, asked.measure, asked.side, *asked.waves, asked.by[-1])),
        on_click="ignore", icon=":material/download:",
    )  # fmt: skip


def compared_csv(view: View, table: pd.DataFrame) -> bytes:
    """A family of comparisons as CSV, every row with its sources."""
    return exchange.as_csv(exchange.marked(table, view.note, synthetic=view.synthetic)).encode("utf-8-sig")
