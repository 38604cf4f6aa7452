"""What was agreed and aimed at, as pages show it; and the files that declare it, beside a candidate release."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import charts
from app.session.drawer import plain
from app.session.shelves import cached_release, key_of, release
from app.workflow import agreed, declared, donor_books, donors
from app.workflow.document import Release
from app.workflow.results import SurveyInfo
from scoring.commitments import Progress

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@st.cache_resource(max_entries=32, show_spinner=False)
def _commitments(key: str, survey_id: str, number: int, side: str) -> tuple[Progress, ...]:
    return agreed.commitments(cached_release(key, survey_id, number), side=side)


@st.cache_resource(max_entries=32, show_spinner=False)
def _targets(key: str, survey_id: str, number: int, side: str) -> pd.DataFrame:
    return agreed.targets(cached_release(key, survey_id, number), side=side)


@st.cache_resource(max_entries=32, show_spinner=False)
def _results_table(key: str, survey_id: str, number: int, side: str) -> pd.DataFrame:
    return donors.results_table(cached_release(key, survey_id, number), side=side)


@st.cache_resource(max_entries=8, show_spinner=False)
def _titles(key: str, survey_id: str, number: int) -> Mapping[str, str]:
    return donors.titles_of(cached_release(key, survey_id, number))


def commitments(info: SurveyInfo, *, side: str) -> tuple[Progress, ...]:
    """How each commitment of a side stands, judged with those of the other side alone."""
    return _commitments(key_of(info), info.id, info.release, side)


def targets(info: SurveyInfo, *, side: str) -> pd.DataFrame:
    """How each target of a side stands. Shared by all sessions: read it, never change it."""
    return _targets(key_of(info), info.id, info.release, side)


def results_table(info: SurveyInfo, *, side: str) -> pd.DataFrame:
    """The donor's results table of a side. Shared by all sessions: read it, never change it."""
    return _results_table(key_of(info), info.id, info.release, side)


def readable_results(info: SurveyInfo, *, side: str) -> pd.DataFrame:
    """The same in words: intervals in one column, empty where nothing is known."""
    rows = results_table(info, side=side).drop(columns=["code", "side"])
    return pd.DataFrame([_told_result(row) for row in rows.to_dict("records")])


def _told_result(row: Mapping[Any, Any]) -> dict[str, str]:
    """One row, hours with a decimal more and counts with none."""

    def cell(name: str, value: object) -> str:
        if not isinstance(value, float):
            return str(value)
        places = 0 if name == "answers" else 2 if row["unit"] == "hours" else 1
        return "" if math.isnan(value) else charts.number(value, places=places)

    told = {name: cell(name, value) for name, value in row.items()}
    ends = {"current": ("low", "high", "95 % interval"), "change": ("change low", "change high", "its interval")}
    out: dict[str, str] = {}
    for name, value in told.items():
        if name not in ("low", "high", "change low", "change high"):
            out[name] = value
        if name in ends:
            low, high, beside = ends[name]
            out[beside] = f"{told[low]} to {told[high]}" if told[low] else ""
    return out


def results_book(info: SurveyInfo) -> bytes:
    """The donor's results table of both sides as XLSX, made when it is asked for."""
    return donor_books.as_workbook(release(info))


def titles(info: SurveyInfo) -> Mapping[str, str]:
    """Words of measures, sides and places by their codes."""
    return _titles(key_of(info), info.id, info.release)


def results_download(info: SurveyInfo) -> None:
    """A button that gives the donor's results table."""
    mark = "_SYNTHETIC" if info.synthetic else ""
    st.download_button(
        "Results table for donors (XLSX)", data=lambda: results_book(info), mime=XLSX,
        file_name=f"sarhad_{info.id}_results{mark}.xlsx", on_click="ignore", icon=":material/download:",
    )  # fmt: skip


def declare() -> dict[str, str] | None:
    """Ask for the files that declare what was agreed, done and aimed at; None where none is given.

    What is wrong in them is said by the boundary around the page, before anything is prepared.
    """
    with st.expander("What was agreed, done and aimed at", icon=":material/handshake:"):
        st.caption(
            "Files that are signed with this release. Each replaces the same file of the release that stands; what is "
            "not given stays as it was."
        )
        given = st.file_uploader(
            "Declarations", type=["csv", "toml"], accept_multiple_files=True, key="declared",
            help=f"Named as in the templates: {', '.join(declared.FILES.values())}.",
        )  # fmt: skip
        st.caption("Examples to begin with; every word in them is invented.")
        with st.container(horizontal=True):
            for file, text in declared.templates().items():
                st.download_button(
                    file, data=text.encode("utf-8-sig"), file_name=file, on_click="ignore", icon=":material/download:"
                )
        files = {one.name: one.getvalue() for one in given}
        texts = declared.decoded(files) if files else None
        if texts:
            st.success(
                f"No fault found in {', '.join(files)}; whether they fit the survey is seen when it is prepared."
            )
    return texts


def candidate(shown: Release) -> None:
    """What whoever signs a candidate reads: its waves, what the mask hides, and all that is declared with it."""
    st.markdown(f"Waves {', '.join(shown.document.waves)}. What the mask hides, by table:")
    st.dataframe(shown.document.loss, hide_index=True)
    found = declared.shown(shown)
    if not found:
        st.caption("Nothing is declared with it: no commitment, target or intervention.")
        return
    with st.expander(f"Declared with it: {', '.join(found)}", icon=":material/handshake:"):
        for file, text in found.items():
            st.markdown(f"**{plain(file)}**")
            rows = declared.as_rows(file, text)
            if rows.empty:
                st.code(text, language="toml", wrap_lines=True)
            else:
                st.dataframe(rows, hide_index=True)
