"""Where stored answers meet the engine: a draft wave becomes a candidate release, masked once for all its readers."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd

from app.workflow.describing import cuts, definition, framework, lattice, measures
from app.workflow.document import (
    Document,
    Facets,
    Tables,
    expand,
    pack,
    pack_tables,
    squeeze,
    unpack,
    unpack_tables,
)
from app.workflow.studying import GROUPINGS, Studies, study
from scoring import Framework, SurveyDesign, Totals, reduce
from scoring.design import traffic_weights
from scoring.disclosure import DEFAULT
from scoring.mask.publication import NARROW, Publication, loss_of, publish
from scoring.packing import VERSION, from_bytes, to_bytes
from scoring.versions import history_faults, refuse_unbridged
from surveys.errors import StoreError
from surveys.questionnaire import DesignColumns, Questionnaire
from surveys.store import ReleaseRow, Store

ENGINE = "0.1.0"
NARROW_BANDS = tuple(f"{end}_{name}" for name in NARROW for end in ("low", "high"))
FEWEST = 10  # interviews by which a wave must differ from its earlier release, in every figure that differs
EACH = 5.0  # and steps of the scale, away from either end, that their answers take
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is kept of a publication and never shown: the mask, shown figures before rounding, interviews by shift."""

    mask: pd.DataFrame
    exact: Tables
    shifts: pd.DataFrame
    over: str = ""  # the release that stood when it was made, with its revision


def prepare(
    store: Store,
    survey_id: str,
    *,
    waves: Sequence[str],
    who: str,
    at: datetime,
    declared: Mapping[str, str] | None = None,
    progress: Progress = lambda _: None,
) -> int:
    """Make a candidate release of draft waves, with all that the standing release holds; returns its number.

    What is declared beside the answers replaces, file by file, what was declared with the standing release.
    A wave that is published already is carried over figure by figure, whatever was erased since: a reader who holds
    both releases finds no difference in it.
    """
    _refuse_unready(store, survey_id, waves)
    before = standing(store, survey_id)
    questionnaire = store.questionnaire(survey_id)
    plan = lattice(questionnaire.id)
    held = read_sealed(store.release_mask(survey_id, before.number)) if before else None
    progress("reading answers")
    totals, digest = totals_of(store, survey_id, tuple(waves), at=at)
    document = unpack(store.release_document(survey_id, before.number)) if before else None
    _refuse_unjoinable(store, survey_id)
    made = publish(
        totals, framework(), plan, hidden=_hidden_before(store, survey_id, waves),
        earlier=document.scores if document else None, progress=progress,
    )  # fmt: skip
    shifts = _shifts(store, survey_id, waves)
    _refuse_telling_differences(store, survey_id, waves, made, shifts)
    progress("studying how questions and indices hang together")
    studies = study(
        _studied(store, survey_id, questionnaire, tuple(waves), held),
        totals,
        framework(),
        design(questionnaire.design),
        waves,
    )
    note = _note(store, survey_id, totals, digest, at)
    kept = replace(_sealed_with(held, made, shifts), over=_version(before))
    beside = {**(document.declared if document else {}), **(declared or {})}
    joined = _joined(store, survey_id, document, made, note, studies)
    whole = replace(joined, loss=loss_of(kept.mask), declared=beside)
    progress("storing the candidate")
    names = [*(before.waves if before else ()), *(wave for wave in waves if not before or wave not in before.waves)]
    return store.add_release(
        survey_id, waves=names, document=pack(whole), mask=write_sealed(kept),
        supersedes=before.number if before else None, who=who, at=at,
    )  # fmt: skip


def refuse_outdated(store: Store, survey_id: str, row: ReleaseRow) -> None:
    """Refuse a candidate made before a part of what it carries over was withdrawn: it would bring that back."""
    made_over = read_sealed(store.release_mask(survey_id, row.number)).over
    if made_over != _version(standing(store, survey_id)):
        raise StoreError(
            f"something was withdrawn or published after release {row.number} was prepared, and it would bring back "
            "what was withdrawn; refuse it and prepare again"
        )


def _version(row: ReleaseRow | None) -> str:
    return f"{row.number}.{row.revision}" if row else ""


def _hidden_before(store: Store, survey_id: str, waves: Sequence[str]) -> pd.DataFrame | None:
    """What any earlier public release of these waves hid: it stays hidden when they are released again."""
    rows = [row for row in store.releases(survey_id) if row.published_at is not None and set(row.waves) & set(waves)]
    masks = [read_sealed(store.release_mask(survey_id, row.number)).mask for row in rows]
    return strictest([mask[mask["wave"].isin(waves)] for mask in masks]) if masks else None


def strictest(masks: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Of each figure the reason of a mask that hides it."""
    mask = pd.concat(masks, ignore_index=True).fillna("").sort_values("why")
    return mask.drop_duplicates([name for name in mask.columns if name != "why"], keep="last")


def standing(store: Store, survey_id: str) -> ReleaseRow | None:
    """The release that is published now, None when there is none."""
    return next((row for row in reversed(store.releases(survey_id)) if row.state == "published"), None)


def find(store: Store, survey_id: str, number: int) -> ReleaseRow:
    """One release; refuses an unknown number."""
    rows = store.releases(survey_id)
    for row in rows:
        if row.number == number:
            return row
    known = ", ".join(str(row.number) for row in rows) or "none yet"
    raise StoreError(f"survey {survey_id!r} has no release {number}; it has: {known}")


def totals_of(store: Store, survey_id: str, waves: tuple[str, ...], *, at: datetime) -> tuple[Totals, str]:
    """Totals of some waves, from the store where they were made before; and the digest of their data."""
    questionnaire = store.questionnaire(survey_id)
    digest = _digest(store, survey_id, questionnaire, waves)
    kept = store.totals_get(digest)
    if kept is not None:
        return from_bytes(kept), digest
    columns = questionnaire.design
    tables = lattice(questionnaire.id).tables
    frame = _respondents(store, survey_id, columns, waves, tables)
    totals = reduce(frame, framework(), design(columns), facets=tables)
    if digest == _digest(store, survey_id, questionnaire, waves):  # nothing was erased or imported meanwhile
        store.totals_put(digest, survey_id, to_bytes(totals), at)
    return totals, digest


def design(columns: DesignColumns) -> SurveyDesign:
    """The design that the instrument declares, over the columns of `_respondents`."""
    return SurveyDesign(
        weight="weight", strata=columns.strata, neighbours=columns.neighbours, psu="psu", fpc=columns.fpc, wave="wave",
        interviewer="interviewer",
    )  # fmt: skip


def read_sealed(data: bytes) -> Sealed:
    """Read what `write_sealed` wrote."""
    found = expand(data)
    mask = pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in found["mask"].items()})
    (shifts,) = unpack_tables({"": found.get("shifts", {})}).values()
    return Sealed(mask, unpack_tables(found["exact"]), shifts, found.get("over", ""))


def write_sealed(sealed: Sealed) -> bytes:
    """Mask and exact figures as bytes for the store."""
    mask = {name: sealed.mask[name].fillna("").tolist() for name in sealed.mask.columns}
    (shifts,) = pack_tables({(): sealed.shifts}).values()
    return squeeze({"mask": mask, "exact": pack_tables(sealed.exact), "shifts": shifts, "over": sealed.over})


def _refuse_unready(store: Store, survey_id: str, waves: Sequence[str]) -> None:
    known = {row.name: row for row in store.waves(survey_id)}
    for wave in waves:
        if wave not in known:
            raise StoreError(
                f"survey {survey_id!r} has no wave {wave!r} (waves: {', '.join(known) or 'none'}); "
                "import its file first"
            )
        if not known[wave].submissions:
            raise StoreError(f"wave {wave!r} holds no interviews; import its file first")
        held = any(wave in row.waves for row in store.releases(survey_id) if row.state == "published")
        if known[wave].state != "draft" and (
            held or known[wave].state != "published"
        ):  # published before releases were
            raise StoreError(f"wave {wave!r} is {known[wave].state.replace('_', ' ')}; only a draft is prepared")
    if not waves:
        raise StoreError("name at least one draft wave to release")


def _refuse_unjoinable(store: Store, survey_id: str) -> None:
    """A trend never joins two versions of a definition without a bridge, and a version means one thing for ever."""
    public = [row.number for row in store.releases(survey_id) if row.published_at is not None]
    texts = dict.fromkeys(unpack(store.release_document(survey_id, number)).definition for number in public)
    old = [Framework.from_toml(text, name="a released framework") for text in texts if text]
    new = framework()
    faults = history_faults(new, old)
    if faults:
        raise StoreError("; ".join(str(fault) for fault in faults))
    for one in old:
        refuse_unbridged(one, new, [code for code in new.measures if code in one.measures])


def _refuse_telling_differences(
    store: Store, survey_id: str, waves: Sequence[str], made: Publication, shifts: pd.DataFrame
) -> None:
    """A wave that was public before must differ by nobody or by many: two releases must not give a person away."""
    for row in store.releases(survey_id):
        shared = set(waves) & set(row.waves)
        if row.published_at is None or not shared:
            continue
        earlier = read_sealed(store.release_mask(survey_id, row.number))
        few = from_few_shifts(shifts, earlier.shifts)
        for facets, table in made.exact.items():
            keys = ["wave", *facets, "measure"]
            both = table.merge(earlier.exact.get(facets, table.iloc[:0]), on=keys, suffixes=("", "_before"))
            differs = (both["n"] != both["n_before"]) & both["wave"].isin(few)
            if (telling(both) | differs).any():
                raise StoreError(
                    f"wave {', '.join(sorted(shared))} was public in release {row.number} and differs from it by fewer "
                    f"than {FEWEST} interviews in some figure, by those of few shifts, or by people who answered "
                    "alike: whoever holds both could work out who. Leave the wave as it was, or wait for the next "
                    "batch of corrections"
                )


def from_few_shifts(now: pd.DataFrame, before: pd.DataFrame) -> set[str]:
    """Waves of which those who left or came are of fewer shifts, or more of them of one shift, than a figure may be."""
    both = now.merge(before, on=["wave", "psu"], how="outer", suffixes=("", "_before")).fillna(0)
    moved = both.assign(people=(both["interviews"] - both["interviews_before"]).abs())
    found = set()
    for wave, people in moved[moved["people"] > 0].groupby("wave")["people"]:
        if len(people) < DEFAULT.shifts or people.max() > DEFAULT.largest_share * people.sum():
            found.add(str(wave))
    return found


def telling(both: pd.DataFrame) -> "pd.Series[bool]":
    """Figures whose difference is a group too small, or too much of one mind, to be a figure itself."""
    left = {name: (both[name] - both[f"{name}_before"]).abs() for name in ("n", "above", "below")}
    moved = (both["estimate"] - both["estimate_before"]).abs() > 0
    alike = (left["above"] < EACH) | (left["below"] < EACH)  # of amounts neither is known
    return (left["n"] > 0) & ((left["n"] < FEWEST) | alike) | moved & (left["n"] == 0)


def _joined(
    store: Store,
    survey_id: str,
    before: Document | None,
    made: Publication,
    note: Mapping[str, str],
    studies: Studies,
) -> Document:
    (survey,) = (row for row in store.surveys() if row.id == survey_id)
    questionnaire = store.questionnaire(survey_id)
    new = {wave for table in made.scores.values() for wave in table["wave"].astype(str)}
    waves = tuple(sorted({*(before.waves if before else ()), *new}))
    return Document(
        survey_id=survey_id,
        title=survey.title,
        synthetic=survey.synthetic,
        waves=waves,
        note={**note, "waves": ", ".join(waves)},
        measures=measures(questionnaire),
        cuts=cuts(questionnaire),
        scores=_stacked(before.scores if before else {}, made.scores),
        moves=_stacked(before.moves if before else {}, made.moves),
        loss=made.loss,
        definition=definition(),
        studies=_both(before.studies if before else {}, studies),
    )


def _studied(
    store: Store, survey_id: str, questionnaire: Questionnaire, waves: tuple[str, ...], held: Sealed | None
) -> pd.DataFrame:
    """Respondents of some waves and of the last public one, if no part of it is withdrawn, with their groups."""
    mask = held.mask if held else pd.DataFrame({"wave": [], "why": []})
    gone = set(mask.loc[mask["why"] == "withdrawn", "wave"])
    last = [wave for wave in sorted(set(mask["wave"]))[-1:] if wave not in {*waves, *gone}]
    asked = {question.name for question in questionnaire.questions}
    groupings = [(name,) for name in GROUPINGS if name in asked]
    tables = [*lattice(questionnaire.id).tables, *groupings]
    return _respondents(store, survey_id, questionnaire.design, (*last, *waves), tables)


def _stacked(first: Tables, second: Tables) -> dict[Facets, pd.DataFrame]:
    """Rows of both, facet set by facet set."""
    plain = {facets: table.astype(dict.fromkeys(("wave", *facets), "str")) for facets, table in second.items()}
    return {
        facets: pd.concat([first[facets], table], ignore_index=True) if facets in first else table
        for facets, table in plain.items()
    }


def _both(first: Mapping[str, pd.DataFrame], second: Studies) -> Studies:
    """Studies of earlier waves and of new ones."""
    names = dict.fromkeys((*first, *second))
    return {
        name: pd.concat([part[name] for part in (first, second) if name in part], ignore_index=True) for name in names
    }


def _sealed_with(held: Sealed | None, made: Publication, shifts: pd.DataFrame) -> Sealed:
    mask = made.mask.astype("str")
    if held is None:
        return Sealed(mask, _stacked({}, made.exact), shifts)
    return Sealed(
        pd.concat([held.mask, mask], ignore_index=True).fillna(""),
        _stacked(held.exact, made.exact),
        pd.concat([held.shifts, shifts], ignore_index=True),
    )


def _shifts(store: Store, survey_id: str, waves: Sequence[str]) -> pd.DataFrame:
    """Interviews of every shift: `wave`, `psu`, `interviews`."""
    counts = [store.counts(survey_id, wave).assign(wave=wave) for wave in waves]
    return pd.concat(counts).groupby(["wave", "psu"])["interviews"].sum().reset_index()


def _note(store: Store, survey_id: str, totals: Totals, digest: str, at: datetime) -> dict[str, str]:
    questionnaire = store.questionnaire(survey_id)
    plan = lattice(questionnaire.id)
    batches = [row for row in store.batches(survey_id) if row.status == "active"]
    latest = max((row.received_at for row in batches), default=at)
    return {
        "data": store.keyed(digest)[:12],
        "data_until": latest.date().isoformat(),
        "instrument": f"{questionnaire.id} {questionnaire.version}",
        "framework": f"{framework().id} {framework().version}",
        "lattice": f"{plan.id} {plan.version}",
        "engine": ENGINE,
        "collapsed": "; ".join(f"{small} into {other}" for small, other in totals.units.collapsed) or "none",
        "strata": " x ".join(totals.design.strata) or "none",
        "psu": " x ".join(totals.design.psu) or "respondent",
        "df": "satterthwaite",
    }


def _respondents(
    store: Store, survey_id: str, columns: DesignColumns, waves: tuple[str, ...], tables: Sequence[Facets]
) -> pd.DataFrame:
    """One row a respondent: answers, facets, strata, PSU and a weight, from the file or from the traffic."""
    facets = {name for names in tables for name in names}
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


def _digest(store: Store, survey_id: str, questionnaire: Questionnaire, waves: tuple[str, ...]) -> str:
    """Name of the totals: the data, the questions with their ranges, the design, the lattice and the engine."""
    plan = framework()
    held = {row.name: row.submissions for row in store.waves(survey_id) if row.name in waves}
    batches = [(row.wave, row.sha256, row.status) for row in store.batches(survey_id) if row.wave in waves]
    parts: dict[str, Any] = {
        "held": sorted(held.items()),
        "batches": sorted(batches),
        "items": [(item.column, item.range) for item in plan.items],
        "respondent": plan.respondent_columns,
        "indicators": [(part.code, part.items, part.statistic, part.range) for part in plan.indicators],
        "design": repr(questionnaire.design),
        "tables": lattice(questionnaire.id).tables,
        "engine": f"{ENGINE} {VERSION}",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
