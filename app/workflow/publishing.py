"""Where stored answers meet the engine: a draft wave becomes a candidate release, masked once for all its readers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from app.workflow.declared import refuse_unfit
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
from app.workflow.holders import few_held
from app.workflow.reducing import ENGINE, design, respondents, shifts_of, totals_of
from app.workflow.studying import GROUPINGS, NOTED, Matter, studied_with, study
from scoring import Framework, Totals
from scoring.disclosure import DEFAULT
from scoring.mask.publication import NARROW, Publication, loss_of, publish
from scoring.versions import history_faults, refuse_unbridged
from surveys.errors import StoreError
from surveys.questionnaire import Questionnaire
from surveys.store import ReleaseRow, Store

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
    plan, scoring = lattice(questionnaire), framework(questionnaire.id)
    held = read_sealed(store.release_mask(survey_id, before.number)) if before else None
    progress("reading answers")
    totals, digest = totals_of(store, survey_id, tuple(waves), at=at)
    document = unpack(store.release_document(survey_id, before.number)) if before else None
    _refuse_unjoinable(store, survey_id, scoring)
    beside = {**(document.declared if document else {}), **(declared or {})}
    few = few_held(questionnaire, scoring, plan.tables, waves, beside)
    made = publish(
        totals, scoring, plan, hidden=strictest([few, *_hidden_before(store, survey_id, waves)]),
        earlier=document.scores if document else None, progress=progress,
    )  # fmt: skip
    shifts = shifts_of(store, survey_id, waves)
    _refuse_telling_differences(store, survey_id, waves, made, shifts)
    progress("studying how questions and indices hang together")
    note = _note(store, survey_id, totals, digest, at)
    kept = replace(_sealed_with(held, made, shifts), over=_version(before))
    joined = _joined(store, survey_id, document, made, note)
    refuse_unfit(beside, document=joined)
    matter = _matter(store, joined, questionnaire, tuple(waves), totals, held, at=at)
    studies = _both(joined.studies, study(matter))
    whole = replace(joined, loss=loss_of(kept.mask), declared=beside, studies=studies)
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


def _hidden_before(store: Store, survey_id: str, waves: Sequence[str]) -> list[pd.DataFrame]:
    """What any earlier public releases of these waves hid: it stays hidden when they are released again."""
    rows = [row for row in store.releases(survey_id) if row.published_at is not None and set(row.waves) & set(waves)]
    masks = [read_sealed(store.release_mask(survey_id, row.number)).mask for row in rows]
    return [mask[mask["wave"].isin(waves)] for mask in masks]


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


def _refuse_unjoinable(store: Store, survey_id: str, new: Framework) -> None:
    """A trend never joins two versions of a definition without a bridge, and a version means one thing for ever."""
    public = [row.number for row in store.releases(survey_id) if row.published_at is not None]
    texts = dict.fromkeys(unpack(store.release_document(survey_id, number)).definition for number in public)
    old = [Framework.from_toml(text, name="a released framework") for text in texts if text]
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
    store: Store, survey_id: str, before: Document | None, made: Publication, note: Mapping[str, str]
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
        definition=definition(questionnaire.id),
        studies=before.studies if before else {},
    )


def _matter(
    store: Store,
    joined: Document,
    questionnaire: Questionnaire,
    waves: tuple[str, ...],
    totals: Totals,
    held: Sealed | None,
    *,
    at: datetime,
) -> Matter:
    """What there is to study: waves that are published now, and beside them earlier ones of which all still stands."""
    last, earlier = studied_with(held.mask, waves) if held else ((), ())
    asked = {question.name for question in questionnaire.questions}
    beside = [(name,) for name in (*GROUPINGS, *NOTED) if name in asked]
    columns, tables = questionnaire.design, [*lattice(questionnaire).tables, *beside]
    return Matter(
        frame=respondents(store, joined.survey_id, columns, (*last, *waves), tables),
        totals=totals,
        beside=totals_of(store, joined.survey_id, (*earlier, *waves), at=at)[0] if earlier else totals,
        framework=framework(questionnaire.id),
        design=design(columns),
        questionnaire=questionnaire,
        scores=joined.scores,
        moves=joined.moves,
        waves=waves,
    )


def _stacked(first: Tables, second: Tables) -> dict[Facets, pd.DataFrame]:
    """Rows of both, facet set by facet set."""
    plain = {facets: table.astype(dict.fromkeys(("wave", *facets), "str")) for facets, table in second.items()}
    return {
        facets: pd.concat([first[facets], table], ignore_index=True) if facets in first else table
        for facets, table in plain.items()
    }


def _both(first: Mapping[str, pd.DataFrame], second: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
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


def _note(store: Store, survey_id: str, totals: Totals, digest: str, at: datetime) -> dict[str, str]:
    questionnaire = store.questionnaire(survey_id)
    plan, scoring = lattice(questionnaire), framework(questionnaire.id)
    batches = [row for row in store.batches(survey_id) if row.status == "active"]
    latest = max((row.received_at for row in batches), default=at)
    return {
        "data": store.keyed(digest)[:12],
        "data_until": latest.date().isoformat(),
        "instrument": f"{questionnaire.id} {questionnaire.version}",
        "framework": f"{scoring.id} {scoring.version}",
        "lattice": f"{plan.id} {plan.version}",
        "engine": ENGINE,
        "collapsed": "; ".join(f"{small} into {other}" for small, other in totals.units.collapsed) or "none",
        "strata": " x ".join(totals.design.strata) or "none",
        "psu": " x ".join(totals.design.psu) or "respondent",
        "df": "satterthwaite",
    }
