"""Is each index sound? What was found in plain words first, good news included; the figures behind."""

from collections.abc import Mapping
from functools import partial

import pandas as pd
import streamlit as st

from app import charts, sentences, session
from app.charts import Caption
from app.workflow.results import Measure, SurveyInfo
from app.workflow.studies import Sound

OLD = "This release was made before studies were kept. Prepare a new release to have this."
FEW = "There is no study of this side in this wave: too few people were asked, or something of it was withdrawn."
INFLUENCE = "Hollow: its weight. Filled: how much it moves the whole,\nas it hangs together with the other parts."


def render() -> None:
    """Draw the page."""
    info = session.heading("Soundness", "Does each index measure what it says? Words first, figures behind.")
    if info is None or not info.waves:
        session.empty(info)
        return
    sides = session.sides(info)
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        side = session.choose("Side", sides, key="side")
        wave = session.choose("Wave", {wave: wave for wave in info.waves}, key="wave", default=info.waves[-1])
    if not session.studied(info):
        st.info(OLD)
    elif (sound := session.sound(info, side=side, wave=wave)).items.empty:
        st.info(FEW)
    else:
        _words(sound, session.measures(info), sides)
        _figures(info, sound, session.measures(info), f"{sides[side]}, {wave}")
    session.foot(session.headline(info))


def _words(sound: Sound, measures: tuple[Measure, ...], sides: Mapping[str, str]) -> None:
    """One sentence a finding under its index, then what nothing speaks against."""
    titles = {part.code: part.title for part in measures} | dict(sides)
    parents = {part.code: part.parent or "" for part in measures}
    told: dict[str, list[str]] = {}
    for finding in sound.findings:
        told.setdefault(sentences.found_about(finding, parents), []).append(sentences.found(finding, titles))
    for index in (part for part in measures if part.level == "index"):
        nodes = [index, *(part for part in measures if part.parent == index.code)]
        st.subheader(index.title, anchor=False)
        lines = [line for node in nodes for line in told.get(node.code, [])]
        clear = [node for node in nodes if node.code not in told and node.code in sound.judged]
        if index in clear and len(clear) < len(nodes):
            lines.append(sentences.NOTHING_AGAINST_WHOLE)
            clear.remove(index)
        lines.append(sentences.nothing_against([node.title for node in clear]))
        st.markdown("\n".join(f"- {session.plain(line)}" for line in lines if line))
    _meaning(sound, titles)


def _meaning(sound: Sound, titles: Mapping[str, str]) -> None:
    """Questions that may not mean the same to everybody, and what would turn round without them."""
    st.subheader("Does every question mean the same to everybody?", anchor=False)
    if sound.invariance.empty or not sound.invariance["p_adjusted"].notna().any():
        st.markdown("Not tested: one language and one wave, or too few answers.")
        return
    lines = [sentences.other_meaning(row, titles) for row in _where(sound.invariance, "dif", "yes")]
    lines += [sentences.turned(row, titles) for row in _where(sound.comparisons, "reversed", True)]
    if lines and sound.compared and not _where(sound.comparisons, "reversed", True):
        lines.append("Without these questions no change of a headline index would turn round.")
    told = lines or ["No question was found to mean another thing in another language or wave."]
    st.markdown("\n".join(f"- {session.plain(line)}" for line in told))


def _where(table: pd.DataFrame, column: str, value: object) -> list[dict[object, object]]:
    return list(table[table[column] == value].to_dict("records")) if column in table else []


def _figures(info: SurveyInfo, sound: Sound, measures: tuple[Measure, ...], where: str) -> None:
    """Everything that the words rest on."""
    titles = {part.code: part.title for part in measures}
    tables = (
        charts.reliability(sound.nodes, titles=titles), None, charts.correlated(sound.correlations, titles=titles),
        charts.correlated(_together(sound.between, measures), titles=titles), charts.ends(sound.items, titles=titles),
        charts.same_meaning(sound.invariance, titles=titles), charts.compensated(sound.compensation, titles=titles),
    )  # fmt: skip
    st.subheader("Figures", anchor=False)
    st.caption("What the words above rest on, with a line on each term.")
    for (title, term), table in zip(sentences.TERMS.items(), tables, strict=True):
        with st.expander(title):
            st.caption(term)
            if table is None:
                _influence(info, sound, titles, where)
            elif table.empty:
                st.markdown("Nothing to show here.")
            else:
                st.dataframe(table, hide_index=True)


def _together(between: pd.DataFrame, measures: tuple[Measure, ...]) -> pd.DataFrame:
    """Pairs of questions of one dimension."""
    parents = {part.code: part.parent for part in measures}
    own = between.assign(node=between["first"].map(parents)) if len(between) else between
    return own[own["node"] == own["second"].map(parents)] if len(own) else own


def _influence(info: SurveyInfo, sound: Sound, titles: Mapping[str, str], where: str) -> None:
    """A picture of each index or dimension that is made up of its parts."""
    made_up = sound.parts[(sound.parts["kind"] == "formative") & (sound.parts["weight"] < 1)]
    view = session.headline(info)
    columns = st.columns(2, gap="large")
    for at, (node, parts) in enumerate(made_up.groupby("node", sort=False)):
        caption = Caption(
            f"{titles[str(node)]}: {where}", INFLUENCE, session.short_source(view), synthetic=view.synthetic
        )
        draw = partial(charts.influence, parts, titles=titles, caption=caption, hue=charts.colour(str(node)))
        with columns[at % 2]:
            session.picture(draw, str(node), where, info=info, key=f"influence_{node}")


if __name__ == "__main__":
    render()
