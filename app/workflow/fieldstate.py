"""How fieldwork stands: counts done and needed, outcomes, days, interviewer effects, flags. For the team alone.

Nothing here estimates what people think of a service, and all of it ends when a wave is published.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.workflow.fieldwork import COUNT_BASE, CheckView
from scoring import adjusted
from scoring.design import FLOOR
from scoring.sampling import DISPOSITIONS, Rates, clustering, interviewer_effect, needed, outcome_rates
from surveys import quality
from surveys.checking import CONSENT
from surveys.errors import MappingError, StoreError
from surveys.questionnaire import MISSING_CODES, Question, Questionnaire
from surveys.reading.table import RawTable
from surveys.store import Store

STOPPED: Final = "interview_stopped"  # noted by the interviewer, 1 for yes
ALL: Final = "all"
POPULATION: Final = "crossings"
TALLY: Final = ("disposition", "count")
MARGIN: Final = 0.2  # for the share of a stratum; a post of four strata then has 10 points
ICC: Final = 0.05


@dataclass(frozen=True, slots=True)
class FieldState:
    """How fieldwork of one wave stands. Counts are rounded to base 5; nobody is named.

    Attributes
    ----------
    strata : DataFrame
        The strata's columns, done, needed, short, shifts, shifts_needed.
    outcomes : DataFrame
        disposition, people.
    rates : DataFrame
        rate, percent (whole): RR1, RR2, COOP1, REF1, CON1 of the Standard Definitions.
    days : DataFrame
        day, half_day, interviews.
    interviewers : DataFrame
        question, icc, low, high, p_adjusted (Holm over all questions), deff, interviewers, interviews.
    checks : DataFrame
        Kinds of flags: flag, detail, judged, found, expected (by chance), limit.
    flags : DataFrame
        `surveys.quality.ROWS`, by the keys of the team's own files; empty where none was given.
    notes : tuple of str
        What these tables cannot say, in words.
    """

    strata: pd.DataFrame
    outcomes: pd.DataFrame
    rates: pd.DataFrame
    days: pd.DataFrame
    interviewers: pd.DataFrame
    checks: pd.DataFrame
    flags: pd.DataFrame
    notes: tuple[str, ...]


def state(
    store: Store,
    survey_id: str,
    wave: str,
    *,
    seed: int,
    margin: float = MARGIN,
    icc: float = ICC,
    frame: RawTable | None = None,
    tally: RawTable | None = None,
    sent: Sequence[CheckView] = (),
) -> FieldState:
    """How fieldwork of a wave stands that is not published.

    Parameters
    ----------
    seed : int
        For the shuffling by which chance is told (`quality.near_duplicates`).
    margin : float
        Half the width of the interval that a share of a stratum is to have, 0.2 for 20 points.
    icc : float
        How alike answers of one shift are taken to be.
    frame : RawTable, optional
        The frame sheet: a column for each stratum's question and `crossings`, those of the whole period. Without it
        every combination of the form's answers is a stratum, and its crossings are taken to be many.
    tally : RawTable, optional
        The tally of approaches: `disposition` and `count`, as many lines as liked; other columns are not read.
    sent : sequence of CheckView, optional
        The team's own files of the wave, checked and not overlapping: by them flags bear the team's own keys, and
        refusals are counted that the store never holds.

    Raises
    ------
    StoreError
        If the wave is unknown, or is or was published.
    MappingError
        If the frame sheet or the tally has not the columns and values it needs, or a file cannot be stored.
    """
    refuse_published(store, survey_id, wave)
    form = store.questionnaire(survey_id)
    asked = _asked(form)
    strata = list(form.design.strata)
    extra = [STOPPED] if any(question.name == STOPPED for question in form.questions) else []
    names = dict.fromkeys([*strata, *(question.name for question in asked), *extra])
    answers = store.responses(survey_id, waves=[wave], columns=[*names, "day", "half_day", "minutes"])
    own = _own(sent)
    outcomes, notes = _outcomes(answers, sent, tally)
    found = _flags(answers if own is None else own, form, asked, seed=seed)
    if own is None and len(found.rows):
        notes += ("Give your own files of the wave to see which interviews are flagged.",)
    refuse_published(store, survey_id, wave)  # nor while these were counted
    return FieldState(
        strata=_strata(answers, form, margin=margin, icc=icc, frame=frame),
        outcomes=pd.DataFrame({"disposition": list(outcomes), "people": [_rounded(n) for n in outcomes.values()]}),
        rates=_rates(outcomes, known=tally is not None or bool(sent)),
        days=_days(answers),
        interviewers=_interviewers(answers, form, asked),
        checks=found.summary,
        flags=found.rows if own is not None else found.rows.head(0),
        notes=notes,
    )


def refuse_published(store: Store, survey_id: str, wave: str) -> None:
    """Refuse a wave that is or was published: single interviews are not looked at beside its figures."""
    known = {row.name: row.state for row in store.waves(survey_id)}
    if wave not in known:
        raise StoreError(f"survey {survey_id!r} has no wave {wave!r}; it has: {', '.join(known) or 'none yet'}")
    ever = [row.number for row in store.releases(survey_id) if row.published_at is not None and wave in row.waves]
    if ever or known[wave] == "published":
        number = f" in release {ever[0]}" if ever else ""
        raise StoreError(
            f"wave {wave!r} was published{number}: the state of its fieldwork is gone; "
            "look at the release, or name a wave that is still a draft"
        )


def _rounded(count: float) -> int:
    return round(count / COUNT_BASE) * COUNT_BASE


def _upwards(count: float) -> int:
    return math.ceil(count / COUNT_BASE) * COUNT_BASE


def _asked(form: Questionnaire) -> tuple[Question, ...]:
    """Questions with a list of answers that are asked after consent, and none of the design's."""
    design = form.design
    apart = {*design.strata, *(name for names in design.facets for name in names), design.psu, design.interviewer}
    gated = {question.name for question in form.questions if question.gate}
    inside = gated or {question.name for question in form.questions}
    return tuple(
        question
        for question in form.questions
        if question.kind == "select_one" and question.scale is not None and question.scale.choices
        and not question.personal and question.name in inside
        and question.name not in apart and question.name.casefold() not in CONSENT and question.name != STOPPED
    )  # fmt: skip


def _own(sent: Sequence[CheckView]) -> pd.DataFrame | None:
    """Coded answers of the team's own files; of an interview in several the last stands."""
    frames = []
    for view in sent:
        if view.report.responses is None:
            raise MappingError("a file of the wave has faults that keep it from being stored; see `sarhad check`")
        frames.append(view.report.responses.frame)
    return pd.concat(frames, ignore_index=True).drop_duplicates("uuid", keep="last") if frames else None


# What was done, and what is needed


def _strata(
    answers: pd.DataFrame, form: Questionnaire, *, margin: float, icc: float, frame: RawTable | None
) -> pd.DataFrame:
    names = list(form.design.strata)
    texts = _labels(answers, names)
    shifts = texts.assign(psu=answers["psu"]).groupby([*texts.columns, "psu"]).size().rename("size").reset_index()
    whole = [int(size) for size in shifts["size"]]
    sizes: dict[tuple[str, ...], list[int]] = {}
    for key, size in zip(shifts[texts.columns].itertuples(index=False, name=None), whole, strict=True):
        sizes.setdefault(key, []).append(size)
    crossings = _frame(frame, names) if frame is not None else dict.fromkeys(_combinations(form, sizes), math.inf)
    rows = []
    for key in dict.fromkeys([*crossings, *sizes]):
        own = sizes.get(key, [])
        deff = clustering(own or whole, icc)
        wanted = needed(margin, deff=deff, population=crossings.get(key, math.inf))
        each = sum(own or whole) / max(len(own or whole), 1)
        done, goal = _rounded(sum(own)), _upwards(wanted)
        enough = max(FLOOR, math.ceil(wanted / each)) if each else FLOOR
        rows.append((*key, done, goal, max(goal - done, 0), len(own), enough))
    return pd.DataFrame(rows, columns=[*texts.columns, "done", "needed", "short", "shifts", "shifts_needed"])


def _labels(answers: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Strata as texts; without any, all interviews are one."""
    if not names:
        return pd.DataFrame({"stratum": ALL}, index=answers.index)
    return answers[list(names)].astype(object).where(answers[list(names)].notna(), "").astype(str)


def _combinations(form: Questionnaire, seen: Mapping[tuple[str, ...], object]) -> list[tuple[str, ...]]:
    """Every combination of the answers that make a stratum, so that an empty one is seen to be empty."""
    questions = {question.name: question for question in form.questions}
    lists = []
    for name in form.design.strata:
        scale = questions[name].scale if name in questions else None
        scored = scale is not None and any(choice.score is not None for choice in scale.choices)
        if scale is None or scored:  # a text, or stored as its score: what was seen is all that is known
            return list(seen)
        lists.append([choice.code for choice in scale.choices if choice.missing is None])
    return list(itertools.product(*lists)) if lists else list(seen) or [(ALL,)]


def _frame(table: RawTable, names: Sequence[str]) -> dict[tuple[str, ...], float]:
    """Crossings of the whole period by stratum, from the frame sheet."""
    cells = _columns(table, (*names, POPULATION), what="frame sheet")
    crossings = _numbers(cells[POPULATION], table, what="frame sheet", least=1)
    keys = list(cells[list(names)].itertuples(index=False, name=None)) if names else [(ALL,)] * len(cells)
    found: dict[tuple[str, ...], float] = {}
    for key, count in zip(keys, crossings, strict=True):
        found[key] = found.get(key, 0.0) + count
    return found


def _columns(table: RawTable, names: Sequence[str], *, what: str) -> pd.DataFrame:
    given = [column.strip() for column in table.columns]
    absent = [name for name in names if name not in given]
    if absent:
        raise MappingError(f"the {what} has no column {absent[0]!r}; it needs: {', '.join(names)}")
    return pd.DataFrame({name: table.frame[given.index(name)].str.strip() for name in names})


def _numbers(cells: "pd.Series[str]", table: RawTable, *, what: str, least: float) -> "pd.Series[float]":
    numbers = pd.to_numeric(cells, errors="coerce")
    wrong = table.lines[~(numbers >= least) | np.isinf(numbers)]
    if len(wrong):
        raise MappingError(f"row {wrong.iloc[0]} of the {what} has no count of {least:g} or more in {cells.name!r}")
    return numbers.astype(float)


# Whom one met


def _outcomes(
    answers: pd.DataFrame, sent: Sequence[CheckView], tally: RawTable | None
) -> tuple[dict[str, float], tuple[str, ...]]:
    """People by disposition: from the tally, and from the store and files where it does not say."""
    stopped = int((answers[STOPPED] == 1).sum()) if STOPPED in answers else 0
    counts = {"complete": float(len(answers) - stopped), "stopped": float(stopped)}
    if sent:
        counts["refused"] = float(sum(view.counts["refused"] for view in sent))
    if tally is not None:
        return counts | _tally(tally), ()
    whom = "Without a tally nobody is counted who was approached and not asked for consent."
    if sent:
        return counts, (whom,)
    return counts, (f"{whom} Refusals are not stored: give your own files or a tally.",)


def _tally(table: RawTable) -> dict[str, float]:
    cells = _columns(table, TALLY, what="tally")
    counts = _numbers(cells["count"], table, what="tally", least=0)
    unknown = ~cells["disposition"].isin(list(DISPOSITIONS))
    if unknown.any():
        raise MappingError(
            f"row {table.lines[unknown].iloc[0]} of the tally has no disposition that is known; "
            f"there are: {', '.join(DISPOSITIONS)}"
        )
    return {str(name): float(count) for name, count in counts.groupby(cells["disposition"]).sum().items()}


def _rates(outcomes: Mapping[str, float], *, known: bool) -> pd.DataFrame:
    """Whole percent, so that no count is read from them; missing where refusals are not known at all."""
    names = [field.name.upper() for field in fields(Rates)]
    rates = astuple(outcome_rates(outcomes)) if known else (math.nan,) * len(names)
    return pd.DataFrame({"rate": names, "percent": np.round(100 * np.array(rates))})


def _days(answers: pd.DataFrame) -> pd.DataFrame:
    counts = answers.groupby(["day", "half_day"]).size().rename("interviews").reset_index()
    return counts.assign(interviews=[_rounded(count) for count in counts["interviews"]])


# Who asked, and what looks odd


def _interviewers(answers: pd.DataFrame, form: Questionnaire, asked: Sequence[Question]) -> pd.DataFrame:
    """Effects on every question with scores, the largest first; codes of interviewers stay inside."""
    stratum = _strata_of(answers, form)
    who = answers["interviewer"].to_numpy(dtype=object)
    rows = []
    for question in asked:
        if question.scale is not None and any(choice.score is not None for choice in question.scale.choices):
            codes = answers[question.name].to_numpy(dtype=np.float64)
            found = interviewer_effect(np.where(codes >= 0, codes, np.nan), who, stratum)
            rows.append((question.name, *astuple(found)))
    made = pd.DataFrame(
        rows, columns=["question", "icc", "low", "high", "p", "deff", "interviewers", "interviews"]
    )  # fmt: skip
    made["p_adjusted"] = adjusted(made.pop("p").to_numpy(dtype=np.float64), adjust="holm")
    made["interviews"] = [_rounded(count) for count in made["interviews"]]
    return made.sort_values("icc", ascending=False, ignore_index=True)


def _strata_of(answers: pd.DataFrame, form: Questionnaire) -> npt.NDArray[np.intp]:
    texts = _labels(answers, form.design.strata)
    return np.asarray(texts.groupby(list(texts.columns)).ngroup(), dtype=np.intp)


def _flags(answers: pd.DataFrame, form: Questionnaire, asked: Sequence[Question], *, seed: int) -> quality.Found:
    """Every kind of flag, by the key of the submission where the answers bear it."""
    rows = len(answers)
    keys = answers["uuid"].to_numpy(dtype=object) if "uuid" in answers else np.full(rows, "", dtype=object)
    columns = {q.name: _codes(answers[q.name]) for q in asked if q.name in answers}
    names = list(columns)
    codes = np.stack(list(columns.values()), axis=1) if columns else np.zeros((rows, 0), dtype=np.int16)
    stratum = _strata_of(answers, form)
    of = {
        name: [names.index(question) for question in block if question in columns]
        for name, block in quality.blocks(form).items()
    }
    together = np.arange(len(names))
    for block in of.values():
        together[block] = block[:1]
    routed = (codes != MISSING_CODES["not_applicable"]).sum(axis=1)
    minutes = answers["minutes"].to_numpy(dtype=np.float64)
    return quality.joined(
        quality.near_duplicates(codes, keys, stratum, seed=seed, together=together.tolist()),
        quality.straight_lines(codes, keys, stratum, of={name: block for name, block in of.items() if block}),
        quality.speeders(minutes, keys, group=routed.astype(np.intp)),
    )


def _codes(column: "pd.Series[float]") -> npt.NDArray[np.int16]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.cat.codes, dtype=np.int16)
    return np.asarray(column, dtype=np.int16)
