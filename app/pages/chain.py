"""At which link does the chain of accountability break? Of a side or an agency of it, never of a post."""

from functools import partial

import streamlit as st

from app import charts, sentences, session
from app.charts import Caption
from app.workflow.results import SurveyInfo, View

MEANT = (
    "“Leadership of the service” means the management of this service. Every link is an office of several people; "
    "nothing here is about a person. A set of one wave beside that of another is no test of change."
)
NO_OFFICERS = (
    "Officers are not surveyed yet. Once they are asked the same questions in the same words, this shows where those "
    "who work at the border and those who cross it see the same service differently."
)
THEMSELVES = "This is what officers say: choose the survey of users above to see both beside each other."
BY_SIDE_ALONE = "By agency there is no choice: this release shows the chain by side alone."


def render() -> None:
    """Draw the page."""
    info = session.heading("Chain", "When something is reported, which link acts? From the leadership down.")
    if info is None or not info.waves:
        session.empty(info)
        return
    if refused := session.chain_refused(info):
        st.error(session.plain(refused), icon=":material/error:")
        return
    sides, agencies = session.sides(info), session.chain_agencies(info)
    whole = {session.ALL_AGENCIES: "All agencies"}
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        side = session.choose("Side", sides, key="side")
        agency = session.choose("Agency", {**whole, **agencies}, key="agency") if agencies else session.ALL_AGENCIES
        wave = session.choose("Wave", {wave: wave for wave in info.waves}, key="wave", default=info.waves[-1])
    view = session.headline(info)
    named = [sides[side], *([agencies[agency]] if agency in agencies else []), wave]
    place = {"side": side, "wave": wave, "agency": agency}
    if refused := session.chain_impossible(info, **place):
        st.info(refused)
    else:
        _links(info, view, place, ", ".join(named))
    _officers(info, view, place, ", ".join(named))
    session.foot(view, MEANT, sentences.SURE, *([] if agencies else [BY_SIDE_ALONE]))


def _links(info: SurveyInfo, view: View, place: dict[str, str], where: str) -> None:
    """The sentence, the picture and its table, and the same over the waves."""
    titles = {measure.code: measure.title for measure in session.measures(info)}
    chain = session.chain(info, **place)
    words = " ".join(filter(None, (sentences.chain_line(chain, titles), sentences.not_judged(chain, titles))))
    with st.container(key="summary"):
        st.markdown(f"**{session.plain(where)}.** {session.plain(words)}")
    standing = sentences.standing_of_links(chain)
    words = f"{where}\n{charts.CHAIN_KEY}"
    caption = Caption("Chain of accountability", words, session.source(view), synthetic=view.synthetic)
    draw = partial(
        charts.chain_links, chain.table, standing=standing, titles=titles, caption=caption, hue=charts.colour("chain")
    )
    session.picture(draw, *place.values(), info=info, key="chain")
    so_far = session.chains_so_far(info, **place)
    told = {wave: sentences.chain_line(one, titles) for wave, one in so_far.items()}
    st.table({"wave": list(told), "where the chain is weakest": list(told.values())})
    with st.expander("Table", icon=":material/table_rows:"):
        st.dataframe(charts.told_chain(chain.table, standing=standing, titles=titles), hide_index=True)
    st.download_button(
        "Download the chain of every wave (CSV)", mime="text/csv", on_click="ignore", icon=":material/download:",
        data=lambda: session.chain_csv(view, [one.table for one in so_far.values()]), key="download_chain",
        file_name=session.file_name(info, ("chain", place["side"], place["agency"])),
    )  # fmt: skip


def _officers(info: SurveyInfo, view: View, place: dict[str, str], where: str) -> None:
    """What officers say less what users say, where officers were surveyed."""
    st.subheader("Users and officers", anchor=False)
    found = session.officers(info)
    if not found or session.asked_officers(info):
        st.markdown(THEMSELVES if session.asked_officers(info) else NO_OFFICERS)
        return
    theirs = found[session.pick("Officers' survey", {title: title for title in found}, key="officers")]
    with session.boundary():
        gap = session.officers_gap(info, theirs, **place)
        titles = {measure.code: measure.title for measure in session.measures(info)}
        rows = gap.table.to_dict("records")
        st.markdown(session.plain(sentences.gap_line(rows)))
        if rows:
            caption = Caption(
                "Officers less users", f"{where}\nPointed and dark where the difference is clear.",
                session.source(view), synthetic=view.synthetic,
            )  # fmt: skip
            draw = partial(charts.gap_rows, gap.table, titles=titles, caption=caption)
            session.picture(draw, session.key_of(theirs), *place.values(), info=info, key="gap")
            with st.expander("Table", icon=":material/table_rows:"):
                st.dataframe(charts.told_gap(gap.table, titles=titles), hide_index=True)
            st.download_button(
                "Download the gap (CSV)", mime="text/csv", on_click="ignore", icon=":material/download:",
                data=lambda: session.chain_csv(view, [gap.table.assign(wave=place["wave"])]), key="download_gap",
                file_name=session.file_name(info, ("gap", *place.values())),
            )  # fmt: skip
        st.caption(session.plain(sentences.gap_notes(len(rows), gap.apart, gap.withheld, titles)))


if __name__ == "__main__":
    render()
