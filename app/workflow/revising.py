"""Withdrawing parts of releases: one mask for all that show them, and what is left of each document."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from app.workflow.describing import SIDE, framework, lattice
from app.workflow.document import Document, Facets, pack, unpack
from app.workflow.publishing import read_sealed, strictest, write_sealed
from app.workflow.reducing import totals_of
from scoring.mask.publication import loss_of, publish
from surveys.errors import StoreError
from surveys.store import ReleaseRow, Store

Figure = tuple[Facets, tuple[str, ...]]  # a table, and the key of a figure in it
Hidden = Mapping[Facets, Collection[tuple[str, ...]]]


def revise(
    store: Store,
    survey_id: str,
    rows: Sequence[ReleaseRow],
    *,
    cells: Sequence[Mapping[str, str]],
    reason: str,
    who: str,
    at: datetime,
) -> None:
    """Withdraw parts of releases at once: they are hidden, with whatever would give them away.

    One mask is solved for all of them: a wave is the same, figure by figure, in every release that shows it.
    """
    held = [read_sealed(store.release_mask(survey_id, row.number)) for row in rows]
    waves = tuple(dict.fromkeys(wave for row in rows for wave in row.waves))
    totals, _ = totals_of(store, survey_id, waves, at=at)
    hidden = strictest([one.mask for one in held])
    questionnaire = store.questionnaire(survey_id)
    plan = lattice(questionnaire)
    made = publish(totals, framework(questionnaire.id), plan, hidden=hidden, withdrawn=cells)
    changes = {}
    for row, sealed in zip(rows, held, strict=True):
        kept = store.release_document(survey_id, row.number)
        document = unpack(kept)
        document = replace(document, note={**document.note, "withdrawn": reason.strip()})
        own = made.mask[made.mask["wave"].isin(row.waves)].reset_index(drop=True)
        exact = {facets: _kept(table, own, facets) for facets, table in sealed.exact.items()}
        changed = pack(without(document, own, cells))
        if changed != pack(unpack(kept)):
            changes[row.number] = changed, write_sealed(replace(sealed, mask=own, exact=exact))
    # also where nothing changes: whoever was stopped before the disk was cleaned asks again, and it is cleaned then
    store.revise_releases(survey_id, changes, reason=reason, who=who, at=at)
    if not changes:
        raise StoreError("that part is withdrawn already from every release that showed it; nothing was changed")


def without(document: Document, mask: pd.DataFrame, cells: Sequence[Mapping[str, str]]) -> Document:
    """The document with all that a mask hides empty, and the withdrawn cells too where nobody is left to be masked."""
    scores = {facets: _covered(table, mask, facets, "wave") for facets, table in document.scores.items()}
    moves = {
        facets: _covered(_covered(table, mask, facets, "wave"), mask, facets, "since")
        for facets, table in document.moves.items()
    }
    for tables in (scores, moves):
        for table in tables.values():
            for cell in cells:
                _empty(table, cell)
    gone = {cell.get("wave", "") for cell in cells}
    hidden = {facets: _hidden(table, facets) for facets, table in scores.items()}
    studies = {name: _without_study(name, table, gone, hidden) for name, table in document.studies.items()}
    return replace(document, scores=scores, moves=moves, loss=loss_of(mask), studies=studies)


def _without_study(name: str, table: pd.DataFrame, gone: Collection[str], hidden: Hidden) -> pd.DataFrame:
    """What is left of a study: it is of whole sides, so that a withdrawn part is in all that it says of its wave.

    Parameters
    ----------
    gone : collection of str
        Waves of which a part is withdrawn; "" is every wave.
    hidden : mapping of facets to keys
        Figures that are not shown any more: nothing is told of them.
    """
    ends = [end for end in ("wave", "since") if end in table.columns]
    if name == "invariance":  # of a wave and the one before
        return table[table["wave"] < min(gone)]
    kept = ~table[ends].isin(gone).any(axis=1) & ("" not in gone)
    rows = table.to_dict("records")
    told = [not any(key in hidden.get(facets, ()) for end in ends for facets, key in _told(row, end)) for row in rows]
    return table[kept & pd.Series(told, index=table.index, dtype="bool")]


def _told(row: Mapping[Any, Any], end: str) -> list[Figure]:
    """Keys of the published figures that a row of a study tells of, in the wave of one of its ends."""
    place, between = (str(row[end]), str(row[SIDE])), str(row.get("between", ""))
    measure = str(row.get("measure") or row.get("outcome") or "")
    if between == "measure":
        return [((SIDE,), (*place, str(row[code]))) for code in ("first", "second")]
    if between:
        return [((SIDE, between), (*place, str(row[value]), measure)) for value in ("first", "second")]
    if not measure:
        return []
    by_group = [((SIDE, str(row["group"])), (*place, measure))] if "group" in row else []
    return [((SIDE,), (*place, measure)), *by_group]


def _hidden(table: pd.DataFrame, facets: Facets) -> set[tuple[str, ...]]:
    """Keys of the figures that a table does not show: by its facets, and of its sides where any of their groups is."""
    own = table.loc[table["estimate"].isna(), ["wave", *facets, "measure"]].astype("str")
    coarse = own[["wave", SIDE, "measure"]]
    return {*own.itertuples(index=False, name=None), *coarse.itertuples(index=False, name=None)}


def _empty(table: pd.DataFrame, cell: Mapping[str, str]) -> None:
    """Empty the figures of a withdrawn cell, in place; a change is of a wave if either of its ends is."""
    if table.empty or not set(cell) <= set(table.columns):
        return
    match = pd.Series(True, index=table.index)
    for name, value in cell.items():
        own = table[name] == value
        match &= own | (table["since"] == value) if name == "wave" and "since" in table.columns else own
    figures = [name for name in table.columns if str(table[name].dtype) == "float64"]
    table.loc[match, figures] = float("nan")
    table.loc[match, ["status", "reason"]] = ["suppressed", "withdrawn"]


def _marks(mask: pd.DataFrame, facets: Facets) -> pd.DataFrame:
    own = mask[mask["table"] == " ".join(facets)]
    return own[["wave", *facets, "measure", "why"]]


def _covered(table: pd.DataFrame, mask: pd.DataFrame, facets: Facets, wave: str) -> pd.DataFrame:
    """A table of a release with all that a new mask hides empty; what is empty stays so."""
    keys = [wave, *facets, "measure"]
    marks = _marks(mask, facets).rename(columns={"wave": wave})
    why = table[keys].merge(marks, on=keys, how="left")["why"].fillna("").to_numpy()
    unjudged = ~table["measure"].isin(mask["measure"])  # another framework asked of it: nothing can be solved for it
    why = np.where(unjudged & table[wave].isin(mask["wave"]), "unjudged", why)
    out = table.copy()
    hide = (why != "") & (table["status"].isin(["ok", "undefined"]) | (why == "withdrawn")).to_numpy()
    figures = [name for name in out.columns if str(out[name].dtype) == "float64"]
    out.loc[hide, figures] = float("nan")
    out.loc[hide, "status"] = "suppressed"
    out.loc[hide, "reason"] = ["withdrawn" if one == "withdrawn" else "protected" for one in why[hide]]
    return out


def _kept(table: pd.DataFrame, mask: pd.DataFrame, facets: Facets) -> pd.DataFrame:
    keys = ["wave", *facets, "measure"]
    why = table[keys].astype("str").merge(_marks(mask, facets), on=keys, how="left")["why"].fillna("")
    return table[(why == "").to_numpy()].reset_index(drop=True)
