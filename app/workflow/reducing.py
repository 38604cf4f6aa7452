"""Where stored answers become totals: the one heavy step, made once for each state of the data and kept."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from app.workflow.describing import framework, lattice
from app.workflow.document import Facets
from scoring import SurveyDesign, Totals, reduce
from scoring.design import traffic_weights
from scoring.packing import VERSION, from_bytes, to_bytes
from surveys.questionnaire import DesignColumns, Questionnaire
from surveys.store import Store

ENGINE = "0.1.0"


def totals_of(store: Store, survey_id: str, waves: tuple[str, ...], *, at: datetime) -> tuple[Totals, str]:
    """Totals of some waves, from the store where they were made before; and the digest of their data."""
    questionnaire = store.questionnaire(survey_id)
    digest = _digest(store, survey_id, questionnaire, waves)
    kept = store.totals_get(digest)
    if kept is not None:
        return from_bytes(kept), digest
    columns = questionnaire.design
    tables, scoring = lattice(questionnaire).tables, framework(questionnaire.id)
    frame = respondents(store, survey_id, columns, waves, tables)
    totals = reduce(frame, scoring, design(columns), facets=tables)
    if digest == _digest(store, survey_id, questionnaire, waves):  # nothing was erased or imported meanwhile
        store.totals_put(digest, survey_id, to_bytes(totals), at)
    return totals, digest


def design(columns: DesignColumns) -> SurveyDesign:
    """The design that the instrument declares, over the columns of `respondents`."""
    return SurveyDesign(
        weight="weight", strata=columns.strata, neighbours=columns.neighbours, psu="psu", fpc=columns.fpc, wave="wave",
        interviewer="interviewer",
    )  # fmt: skip


def respondents(
    store: Store, survey_id: str, columns: DesignColumns, waves: tuple[str, ...], tables: Sequence[Facets]
) -> pd.DataFrame:
    """One row a respondent: answers, facets, strata, PSU and a weight, from the file or from the traffic."""
    questions = framework(store.questionnaire(survey_id).id).questions
    facets = {name for names in tables for name in names}
    given = [name for name in (columns.weight, columns.traffic, columns.inclusion, columns.fpc) if name]
    wanted = dict.fromkeys([*questions, *columns.strata, *facets, *given])
    frame = store.responses(survey_id, waves=waves, columns=list(wanted))
    if columns.weight:
        return frame.assign(weight=frame[columns.weight])
    if columns.traffic:
        shift = frame[["wave", *columns.strata, "psu"]]
        inclusion = frame[columns.inclusion] if columns.inclusion else None
        return frame.assign(weight=traffic_weights(frame[columns.traffic], shift, inclusion))
    return frame.assign(weight=1.0)


def _digest(store: Store, survey_id: str, questionnaire: Questionnaire, waves: tuple[str, ...]) -> str:
    """Name of the totals: the data, the questions with their ranges, the design, the lattice and the engine."""
    plan = framework(questionnaire.id)
    held = {row.name: row.submissions for row in store.waves(survey_id) if row.name in waves}
    batches = [(row.wave, row.sha256, row.status) for row in store.batches(survey_id) if row.wave in waves]
    parts: dict[str, Any] = {
        "held": sorted(held.items()),
        "batches": sorted(batches),
        "items": [(item.column, item.range) for item in plan.items],
        "respondent": plan.respondent_columns,
        "indicators": [(part.code, part.items, part.statistic, part.range) for part in plan.indicators],
        "design": repr(questionnaire.design),
        "tables": lattice(questionnaire).tables,
        "engine": f"{ENGINE} {VERSION}",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def shifts_of(store: Store, survey_id: str, waves: Sequence[str]) -> pd.DataFrame:
    """Interviews of every shift: `wave`, `psu`, `interviews`."""
    counts = [store.counts(survey_id, wave).assign(wave=wave) for wave in waves]
    return pd.concat(counts).groupby(["wave", "psu"])["interviews"].sum().reset_index()
