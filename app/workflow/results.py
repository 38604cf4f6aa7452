"""What may be seen of the published waves: the one place where stored answers meet the engine, and the one exit."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import numpy as np
import pandas as pd

from app import settings
from scoring import Framework, Scorecard, SurveyDesign, Totals, change, reduce, score
from scoring.design import traffic_weights
from scoring.disclosure import protect, protect_change
from scoring.errors import DesignError, RequestError
from scoring.packing import VERSION, from_bytes, to_bytes
from surveys.questionnaire import DesignColumns, Questionnaire
from surveys.store import Store

ENGINE = "0.1.0"
SIDE = "side"
NARROW = {"80": 0.80, "50": 0.50}  # inner bands of the graded intervals


@dataclass(frozen=True, slots=True)
class SurveyInfo:
    """A survey and its waves; drafts are named, never scored."""

    id: str
    title: str
    synthetic: bool
    waves: tuple[str, ...]
    drafts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is scored, as the framework and the questionnaire describe it."""

    code: str
    title: str
    level: str  # index, dimension, item or indicator
    parent: str | None
    headline: bool
    direction: str
    unit: str
    description: str
    question: str
    actor: str
    arusha: tuple[int, ...]
    only_by: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """A way to look at one side: a facet beside the side, with the labels of its values."""

    facets: tuple[str, ...]
    title: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class View:
    """A masked result with what a reader must know beside it.

    `table` has the columns of the contract (and `low_80` ... `high_50` in Explore); `moves` those of a change.
    """

    table: pd.DataFrame
    moves: pd.DataFrame
    note: Mapping[str, str]
    synthetic: bool


@cache
def framework() -> Framework:
    """The border framework that comes with the product."""
    path = settings.FRAMEWORKS / "border.toml"
    return Framework.from_toml(path.read_text(encoding="utf-8"), name=path.name)


def surveys(store: Store) -> tuple[SurveyInfo, ...]:
    """Every survey with its published waves and its drafts."""
    found = []
    for row in store.surveys():
        waves = store.waves(row.id)
        published = tuple(wave.name for wave in waves if wave.state == "published")
        drafts = tuple(wave.name for wave in waves if wave.state != "published")
        found.append(SurveyInfo(row.id, row.title, row.synthetic, published, drafts))
    return tuple(found)


def chosen(store: Store, survey_id: str | None) -> str:
    """The survey named, or the only one there is."""
    known = [row.id for row in store.surveys()]
    if survey_id is None and len(known) != 1:
        raise RequestError(f"name a survey; the store holds: {', '.join(known) or 'none yet'}")
    return survey_id or known[0]


def measures(store: Store, survey_id: str) -> tuple[Measure, ...]:
    """Everything that is scored, indices first, with the words of the questionnaire."""
    questions = {question.name: question for question in store.questionnaire(survey_id).questions}
    plan = framework()

    def words(code: str) -> tuple[str, str]:
        question = questions.get(code.partition("/")[0])  # question/choice where several answers may be ticked
        return (next(iter(question.labels.values()), ""), question.actor) if question else ("", "")

    nodes = [
        Measure(
            node.code, node.title, "dimension" if node.parent else "index", node.parent, node.headline, "better",
            "points", node.description, "", "", node.arusha, node.only_by,
        )
        for node in plan.nodes
    ]  # fmt: skip
    items = [
        Measure(
            item.code, item.title, "item", item.parent, False, item.direction, "points", item.description,
            *words(item.code), (), (),
        )
        for item in plan.items
    ]  # fmt: skip
    beside = [
        Measure(
            part.code, part.title, "indicator", None, part.headline, part.direction, part.unit, part.description,
            *words(part.items[0]), (), (),
        )
        for part in plan.indicators
    ]  # fmt: skip
    return (*nodes, *items, *beside)


def cuts(store: Store, survey_id: str) -> tuple[Cut, ...]:
    """Ways to look at one side, from the facet sets that the instrument declares."""
    questionnaire = store.questionnaire(survey_id)
    labels = facet_labels(questionnaire)
    titles = {
        question.name: next(iter(question.labels.values()), question.name) for question in questionnaire.questions
    }
    declared = [facets for facets in questionnaire.design.facets if facets[:1] == (SIDE,)]
    return tuple(Cut(facets, titles.get(facets[-1], facets[-1]), labels.get(facets[-1], {})) for facets in declared)


def facet_labels(questionnaire: Questionnaire) -> dict[str, dict[str, str]]:
    """Label of each value of each facet, in the first language."""
    names = {name for facets in questionnaire.design.facets for name in facets}
    return {
        question.name: {
            choice.code: next(iter(choice.labels.values()), choice.code) for choice in question.scale.choices
        }
        for question in questionnaire.questions
        if question.name in names and question.scale
    }


def explore(
    store: Store,
    survey_id: str,
    *,
    by: tuple[str, ...],
    at: datetime,
    wave: str | None = None,
    side: str | None = None,
) -> View:
    """Every measure by one facet set, of one published wave and one side where named, with graded intervals, masked."""
    totals, note = published_totals(store, survey_id, at=at)
    card = score(totals, framework(), by=by)
    table = protect(card).table
    for name, level in NARROW.items():
        inner = protect(score(totals, framework(), by=by, level=level)).table
        table[f"low_{name}"], table[f"high_{name}"] = inner["low"], inner["high"]
    for column, value in (("wave", wave), (SIDE, side)):
        if value is not None:
            table = table[table[column] == value]
    return View(table.reset_index(drop=True), pd.DataFrame(), note | _texts(card), _synthetic(store, survey_id))


def trends(
    store: Store, survey_id: str, *, by: tuple[str, ...], at: datetime, codes: tuple[str, ...] | None = None
) -> View:
    """Headline measures (or those named) over the published waves and their changes, each against its own past, masked.

    The family of the Holm adjustment is every row of `moves`: the last wave against the first, all these measures, all
    cells of both sides. `moved` with the same measures and waves gives the same verdicts.
    """
    totals, note = published_totals(store, survey_id, at=at)
    plan = framework()
    wanted = [code for code in codes or plan.headline if plan.shown_by(code, by)]
    card = score(totals, plan, by=by)
    protected = protect(_rows(card, card.table["measure"].isin(wanted).to_numpy()))
    waves = sorted(protected.table["wave"].unique())
    moves = pd.DataFrame()
    if waves[1:]:
        raw = change(totals, plan, measure=wanted, waves=(waves[0], waves[-1]), by=by)
        moves = protect_change(raw, protected).table
    return View(protected.table, moves, note | _texts(card), _synthetic(store, survey_id))


def scorecard(store: Store, survey_id: str, *, by: tuple[str, ...], at: datetime) -> View:
    """Masked scores of every published wave by one facet set, for the terminal and exports."""
    _refuse_pooled(by)
    totals, note = published_totals(store, survey_id, at=at)
    card = protect(score(totals, framework(), by=by))
    return View(card.table, pd.DataFrame(), note | _texts(card), _synthetic(store, survey_id))


def moved(
    store: Store,
    survey_id: str,
    *,
    measures: tuple[str, ...],
    waves: tuple[str, str],
    by: tuple[str, ...],
    at: datetime,
) -> View:
    """Masked changes between two published waves; the family of the adjustment is every row."""
    _refuse_pooled(by)
    totals, note = published_totals(store, survey_id, at=at)
    moves = change(totals, framework(), measure=measures, waves=waves, by=by)
    card = protect_change(moves, protect(score(totals, framework(), by=by)))
    return View(pd.DataFrame(), card.table, note | _texts(card), _synthetic(store, survey_id))


def _refuse_pooled(by: tuple[str, ...]) -> None:
    """No figure over both sides leaves the store: there is no country index."""
    if by[:1] != (SIDE,):
        raise RequestError(f"results are given a side at a time: start with {SIDE!r}, as in --by {SIDE},post")


def published_totals(store: Store, survey_id: str, *, at: datetime) -> tuple[Totals, dict[str, str]]:
    """Totals of the published waves, from the store where they were made before."""
    questionnaire = store.questionnaire(survey_id)
    published = {wave.name: wave for wave in store.waves(survey_id) if wave.state == "published"}
    if not published:
        raise DesignError("no wave is published yet; publish one on the Upload page or by `sarhad publish`")
    batches = [row for row in store.batches(survey_id) if row.wave in published]
    digest = _digest(questionnaire, [(row.wave, row.sha256) for row in batches])
    kept = store.totals_get(digest)
    if kept is None:
        totals = _reduced(store, survey_id, questionnaire, tuple(published))
        store.totals_put(digest, survey_id, to_bytes(totals), at)
    else:
        totals = from_bytes(kept)
    latest = max((row.received_at for row in batches), default=at)
    note = {
        "data": digest[:12],
        "data_until": latest.date().isoformat(),
        "instrument": f"{questionnaire.id} {questionnaire.version}",
        "engine": ENGINE,
        "waves": ", ".join(sorted(published)),
    }
    return totals, note


def design(columns: DesignColumns) -> SurveyDesign:
    """The design that the instrument declares, over the columns of `_respondents`."""
    return SurveyDesign(
        weight="weight", strata=columns.strata, neighbours=columns.neighbours, psu="psu", fpc=columns.fpc, wave="wave",
        interviewer="interviewer",
    )  # fmt: skip


def _reduced(store: Store, survey_id: str, questionnaire: Questionnaire, waves: tuple[str, ...]) -> Totals:
    columns = questionnaire.design
    frame = _respondents(store, survey_id, columns, waves)
    return reduce(frame, framework(), design(columns), facets=columns.facets)


def _respondents(store: Store, survey_id: str, columns: DesignColumns, waves: tuple[str, ...]) -> pd.DataFrame:
    """One row a respondent: answers, facets, strata, PSU and a weight, from the file or from the traffic."""
    facets = {name for names in columns.facets for name in names}
    given = [name for name in (columns.weight, columns.traffic, columns.inclusion, columns.fpc) if name]
    wanted = dict.fromkeys([*framework().questions, *columns.strata, *facets, *given])
    frame = store.responses(survey_id, waves=waves, columns=list(wanted))
    if columns.weight:
        return frame.assign(weight=frame[columns.weight])
    if columns.traffic:
        shift = frame[["wave", *columns.strata, "psu"]]
        inclusion = frame[columns.inclusion] if columns.inclusion else None
        return frame.assign(weight=traffic_weights(frame[columns.traffic], shift, inclusion))
    return frame.assign(weight=1.0)


def _digest(questionnaire: Questionnaire, batches: list[tuple[str, str]]) -> str:
    """Name of the totals: the data, the questions with their ranges, the design and the engine."""
    plan = framework()
    parts = {
        "batches": sorted(batches),
        "items": [(item.code, item.range) for item in plan.items],
        "indicators": [(part.code, part.items, part.statistic, part.range) for part in plan.indicators],
        "design": repr(questionnaire.design),
        "engine": f"{ENGINE} {VERSION}",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _rows(card: Scorecard, chosen: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> Scorecard:
    return Scorecard(
        card.table[chosen].reset_index(drop=True),
        card.evidence[chosen].reset_index(drop=True),
        card.facets,
        card.provenance,
    )


def _texts(card: Scorecard) -> dict[str, str]:
    return {name: str(value) for name, value in card.provenance.items()}


def _synthetic(store: Store, survey_id: str) -> bool:
    return any(row.synthetic for row in store.surveys() if row.id == survey_id)
