"""From totals to what may be shown: every table of a lattice under one mask, and the changes between its waves."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.board import Board, Table
from scoring.compare import moves_between
from scoring.contract import columns
from scoring.disclosure import Thresholds, mark, rounded
from scoring.errors import EstimationError
from scoring.framework import Framework
from scoring.indices import score
from scoring.lattice import Lattice
from scoring.totals import Totals

Facets = tuple[str, ...]
Flags = npt.NDArray[np.bool_]
NARROW = {"80": 0.80, "50": 0.50}  # inner bands of the graded intervals
PROTECTED = "protected"  # whether a rule hides it or a figure beside it: telling them apart would tell too much
_BANDS = [f"{end}_{name}" for name in NARROW for end in ("low", "high")]
_NUMBERS = ["estimate", "se", "df", "low", "high", "n", "n_eff", "deff", *_BANDS]


@dataclass(frozen=True, slots=True)
class Publication:
    """What is shown of some waves, and what is kept about it.

    Attributes
    ----------
    scores : mapping of facets to DataFrame
        Masked and rounded: the contract's columns and `low_80`, `high_80`, `low_50`, `high_50`.
    moves : mapping of facets to DataFrame
        Changes between every two waves, masked and rounded: the contract's columns, `since` and `p`; the adjustment for
        a family is made by whoever chooses the family.
    exact : mapping of facets to DataFrame
        Shown figures before rounding, for changes against later waves; confidential.
    mask : DataFrame
        Why each figure is hidden ("" where it is shown): `table`, `wave`, facets, `measure`, `why`; confidential.
    loss : DataFrame
        Figures, those that the rules hide and those hidden beside them, by table.
    """

    scores: Mapping[Facets, pd.DataFrame]
    moves: Mapping[Facets, pd.DataFrame]
    exact: Mapping[Facets, pd.DataFrame]
    mask: pd.DataFrame
    loss: pd.DataFrame


def publish(
    totals: Totals,
    framework: Framework,
    lattice: Lattice,
    *,
    hidden: pd.DataFrame | None = None,
    withdrawn: Sequence[Mapping[str, str]] = (),
    earlier: Mapping[Facets, pd.DataFrame] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Publication:
    """Solve the mask of a release, once, and make its tables.

    Parameters
    ----------
    totals : Totals
        Of waves that were drawn afresh.
    framework, lattice : Framework, Lattice
    hidden : DataFrame, optional
        `mask` of an earlier publication of the same waves: what it hides stays hidden.
    withdrawn : sequence of mapping
        Cells to hide beside, each by some of its facets (and `wave`, `measure`): ``{"post": "ferry"}``.
    earlier : mapping of facets to DataFrame, optional
        `exact` of waves that were published before and are not in `totals`; their changes are published too.
    progress : callable
        Told what is being done.

    Raises
    ------
    EstimationError
        If waves share their PSUs: changes between published figures would leave their covariance out.
    """
    if totals.design.waves != "fresh":
        raise EstimationError("waves that share their PSUs are not published together yet; declare waves as fresh")
    progress("checking every figure against the rules")
    board = Board(totals, framework, lattice)
    why = _reasons(board, hidden, withdrawn)
    progress("hiding what would give a hidden figure away")
    pattern = board.pattern(why != "")
    why = np.where(pattern & (why == ""), "complementary", why)
    why = np.where(board.telling(why), "few_answers_untold", why)
    progress("making the tables")
    scores, exact = {}, {}
    for table in board.tables:
        own = why[table.start : table.start + len(table.labels) * len(board.measures)]
        raw = _scored(totals, framework, table, board.rules)
        reasons = own.reshape(len(table.labels), -1)[:, board.exists(table)].ravel()
        scores[table.facets] = _shown(raw, reasons, board)
        exact[table.facets] = raw[reasons == ""].reset_index(drop=True)
    moves = {facets: _moves(exact[facets], (earlier or {}).get(facets), facets, board) for facets in lattice.tables}
    mask = pd.concat([_masked(table, board, why) for table in board.tables], ignore_index=True)
    return Publication(scores, moves, exact, mask, loss_of(mask))


def _reasons(
    board: Board, hidden: pd.DataFrame | None, withdrawn: Sequence[Mapping[str, str]]
) -> npt.NDArray[np.object_]:
    """Why each figure is hidden before anything is solved."""
    why = board.primary.copy()
    names = pd.concat([_masked(table, board, why) for table in board.tables], ignore_index=True)
    place = np.concatenate([_places(table, board) for table in board.tables])
    if hidden is not None:
        keys = [name for name in names.columns if name != "why" and name in hidden.columns]
        before = names[keys].merge(hidden[[*keys, "why"]], on=keys, how="left")["why"].fillna("").to_numpy()
        why[place] = np.where((why[place] == "") & (before != ""), before, why[place])
    for cell in withdrawn:
        unknown = set(cell) - set(names.columns)
        if unknown or not cell:
            raise EstimationError(f"nothing is published by {', '.join(sorted(unknown)) or 'nothing'}; name a facet")
        match = np.logical_and.reduce([names[facet] == str(value) for facet, value in cell.items()])
        if not match.any():
            text = ", ".join(f"{facet} {value}" for facet, value in cell.items())
            raise EstimationError(f"no published figure is of {text}; see the names in the release")
        why[place[match]] = "withdrawn"
    return why


def _places(table: Table, board: Board) -> npt.NDArray[np.int64]:
    """Numbers of the figures that a table shows."""
    every = table.start + np.arange(len(table.labels) * len(board.measures))
    return every[np.tile(board.exists(table), len(table.labels))]


def _masked(table: Table, board: Board, why: npt.NDArray[np.object_]) -> pd.DataFrame:
    measures = np.array(board.measures, dtype=object)[board.exists(table)]
    rows = table.labels.astype(str).loc[table.labels.index.repeat(measures.size)].reset_index(drop=True)
    rows.insert(0, "table", " ".join(table.facets))
    return rows.assign(measure=np.tile(measures, len(table.labels)), why=why[_places(table, board)].astype(str))


def _scored(totals: Totals, framework: Framework, table: Table, rules: Thresholds) -> pd.DataFrame:
    """Scores of a table before the mask, with the inner bands and the end of the scale."""
    card = score(totals, framework, by=table.facets)
    few = (card.evidence["spread"] < rules.alone).to_numpy()
    out = card.table.assign(top=card.evidence["top"])
    out.loc[few, ["n_eff", "deff"]] = np.nan  # with the standard error they tell how far answers lie apart
    for name, level in NARROW.items():
        inner = score(totals, framework, by=table.facets, level=level).table
        out[f"low_{name}"], out[f"high_{name}"] = inner["low"], inner["high"]
    return out


def _shown(raw: pd.DataFrame, why: npt.NDArray[np.object_], board: Board) -> pd.DataFrame:
    """Figures as they are shown: hidden ones empty, the others marked and rounded."""
    table = raw.copy()
    table[_NUMBERS] = table[_NUMBERS].astype(np.float64)
    reason = np.where(why == "", table["reason"], np.where(np.isin(why, ["few_answers", "withdrawn"]), why, PROTECTED))
    status = np.where(why == "", table["status"], np.where(why == "few_answers", "unreliable", "suppressed"))
    table = table.assign(status=status, reason=reason)
    table.loc[why != "", _NUMBERS] = np.nan
    table = mark(table, top=table["top"], rules=board.rules)
    shown = rounded(table, table["top"], board.rules)
    return shown.drop(columns="top")


def _moves(exact: pd.DataFrame, earlier: pd.DataFrame | None, facets: Facets, board: Board) -> pd.DataFrame:
    """Changes of shown figures between every two waves."""
    both = exact if earlier is None else pd.concat([earlier, exact], ignore_index=True)
    waves = sorted(both["wave"].astype(str).unique())
    new = set(exact["wave"].astype(str))
    pairs = [pair for pair in itertools.combinations(waves, 2) if new & set(pair)]
    found = [moves_between(both, facets, since=since, wave=wave) for since, wave in pairs]
    if not found:
        return pd.DataFrame(columns=[*columns(facets), "since", "p"])
    table = pd.concat(found, ignore_index=True)
    out = rounded(table.drop(columns="p"), table["top"], board.rules).drop(columns="top")
    return out.assign(p=[float(f"{value:.2e}") for value in table["p"]])


def loss_of(mask: pd.DataFrame) -> pd.DataFrame:
    """How much a mask hides: `share_beside` is a share of the figures that pass the rules themselves."""
    beside = mask["why"] == "complementary"
    grouped = mask.assign(by_rule=(mask["why"] != "") & ~beside, beside=beside).groupby("table", sort=False)
    out = grouped.agg(figures=("why", "size"), by_rule=("by_rule", "sum"), beside=("beside", "sum")).reset_index()
    out.insert(1, "ways", out["table"].str.count(" ") + 1)
    passing = (out["figures"] - out["by_rule"]).clip(lower=1)
    return out.assign(share_by_rule=out["by_rule"] / out["figures"], share_beside=out["beside"] / passing)
