"""Withdrawing parts of releases: one mask for all that show them, and what is left of each document."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from app.workflow.describing import framework, lattice
from app.workflow.document import Document, Facets, pack, unpack
from app.workflow.publishing import read_sealed, strictest, totals_of, write_sealed
from scoring.mask.publication import loss_of, publish
from surveys.errors import StoreError
from surveys.store import ReleaseRow, Store


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
    plan = lattice(store.questionnaire(survey_id).id)
    made = publish(totals, framework(), plan, hidden=hidden, withdrawn=cells)
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
    gone = [cell.get("wave", "") for cell in cells]
    studies = {  # they are of whole sides, the withdrawn part included; meanings are of a wave and the one before
        name: table[~table["wave"].isin(gone) & (table["wave"] < min(gone) if name == "invariance" else "" not in gone)]
        for name, table in document.studies.items()
    }
    return replace(document, scores=scores, moves=moves, loss=loss_of(mask), studies=studies)


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
