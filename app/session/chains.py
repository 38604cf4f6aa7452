"""The chain of accountability and the gap between users and officers, cached by strings: read, never change them."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app import exchange
from app.session.shelves import cached_release, cuts, key_of, open_shelf, release
from app.workflow import chains
from app.workflow.chains import Chain, Gap
from app.workflow.results import SurveyInfo, View

WHOLE = chains.WHOLE
ASKED = "by"  # of an address: the cut that another page may have left there
MAY_STAND = {"side", "agency", "whole side"}


def chain_impossible(info: SurveyInfo, *, side: str, wave: str, agency: str = WHOLE) -> str:
    """Why no chain can be shown of this side or agency, in words; empty where it can."""
    return chains.impossible(release(info), side=side, wave=wave, agency=agency)


def chain_refused(info: SurveyInfo) -> str:
    """Why the address of the page is refused: it asks for the chain of a post, or of anything finer; or else empty."""
    finer = {facet for cut in cuts(info) for facet in cut.facets} - {chains.SIDE, chains.AGENCY} | {"shift"}
    asked = [name for name in sorted(finer) if name in st.query_params]
    by = [part.strip() for part in st.query_params.get(ASKED, "").replace("_", ",").split(",") if part.strip()]
    agency = next((cut.title for cut in cuts(info) if cut.facets[-1] == chains.AGENCY), "")
    asked += [part for part in by if part.lower() not in {*MAY_STAND, agency.lower()}]
    return chains.refusal((chains.SIDE, *asked)) if asked else ""


def chain_agencies(info: SurveyInfo) -> Mapping[str, str]:
    """Agencies whose chain may be asked for, with their words; none where the release is cut by side alone."""
    return chains.agencies(release(info))


@st.cache_resource(max_entries=64, show_spinner=False)
def _chain(key: str, survey_id: str, number: int, side: str, wave: str, agency: str) -> Chain:
    return chains.chain(cached_release(key, survey_id, number), side=side, wave=wave, agency=agency)


def chain(info: SurveyInfo, *, side: str, wave: str, agency: str = WHOLE) -> Chain:
    """Links of one side or agency in one wave, and which of them may be the weakest."""
    return _chain(key_of(info), info.id, info.release, side, wave, agency)


def chains_so_far(info: SurveyInfo, *, side: str, wave: str, agency: str = WHOLE) -> Mapping[str, Chain]:
    """The chain of every wave up to this one in which it can be shown."""
    waves = [one for one in info.waves if one <= wave]
    told = [one for one in waves if not chain_impossible(info, side=side, wave=one, agency=agency)]
    return {one: chain(info, side=side, wave=one, agency=agency) for one in told}


def officers(info: SurveyInfo) -> Mapping[str, SurveyInfo]:
    """Published surveys of officers by their titles: invented ones beside an invented survey, or else real ones."""
    found = [one for one in open_shelf().surveys() if one.release and one.synthetic == info.synthetic]
    own = [one for one in found if one.id != info.id and chains.of_officers(release(one))]
    return {one.title: one for one in own}


def asked_officers(info: SurveyInfo) -> bool:
    """Whether this survey is itself one of officers."""
    return chains.of_officers(release(info))


@st.cache_resource(max_entries=64, show_spinner=False)
def _gap(keys: tuple[str, str], ids: tuple[str, str], numbers: tuple[int, int], place: tuple[str, str, str]) -> Gap:
    side, wave, agency = place
    users, theirs = (cached_release(*one) for one in zip(keys, ids, numbers, strict=True))
    return chains.gap(users, theirs, side=side, wave=wave, agency=agency)


def officers_gap(info: SurveyInfo, theirs: SurveyInfo, *, side: str, wave: str, agency: str = WHOLE) -> Gap:
    """Users and officers on the questions that both were asked in the same words."""
    both = (info, theirs)
    keys, ids, numbers = zip(*((key_of(one), one.id, one.release) for one in both), strict=True)
    return _gap(keys, ids, numbers, (side, wave, agency))


def chain_csv(view: View, tables: Sequence[pd.DataFrame]) -> bytes:
    """Tables under one another as CSV, every row with its sources."""
    table = exchange.marked(pd.concat(tables, ignore_index=True), view.note, synthetic=view.synthetic)
    return exchange.as_csv(table).encode("utf-8-sig")
