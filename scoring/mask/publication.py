"""From totals to what may be shown: every table of a lattice under one mask, and the changes between its waves."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.compare import moves_between
from scoring.contract import columns
from scoring.design import Floats
from scoring.disclosure import Thresholds, mark, rounded
from scoring.errors import EstimationError
from scoring.figures import FEW_CASES
from scoring.framework import Framework
from scoring.indices import score
from scoring.intervals import intervals
from scoring.mask.board import Board
from scoring.mask.lattice import Lattice
from scoring.mask.layout import FULL, Table, shown_error
from scoring.totals import Totals

Facets = tuple[str, ...]
Flags = npt.NDArray[np.bool_]
NARROW = {"80": 0.80, "50": 0.50}  # inner bands of the graded intervals
PROTECTED = "protected"  # whether a rule hides it or a figure beside it: telling them apart would tell too much
SEVERAL, DUST = (
    3,
    1e-9,
)  # equally weighted questions in a composite whose standard error tells the answers of none of them
KEPT = ["top", "shifts", "above", "below", "share"]  # of a score, until the mask has been made
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
        Changes between every two waves, made of the scores as they are shown: the contract's columns, `since` and `p`;
        the adjustment for a family is made by whoever chooses the family.
    exact : mapping of facets to DataFrame
        Shown figures before rounding, with the steps of their answers `above` and `below` the ends of the scale, to
        tell by whom a wave that is published again differs; confidential.
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
        `scores` of waves that were published before and are not in `totals`; their changes are published too.
    progress : callable
        Told what is being done.

    Raises
    ------
    EstimationError
        If waves share their PSUs: changes between published figures would leave their covariance out. If the index is
        a mean of respondents' indices, or an item is not mapped over its range.
    """
    if totals.design.waves != "fresh":
        raise EstimationError("waves that share their PSUs are not published together yet; declare waves as fresh")
    if framework.estimand != "index_of_means":
        raise EstimationError("a mean of respondents' indices is not published yet: no rule knows what it would tell")
    if not framework.on_ranges:
        raise EstimationError(
            "z-scores and distances to a target are not published yet: the rules count steps of scales"
        )
    progress("checking every figure against the rules")
    board = Board(totals, framework, lattice)
    why = _reasons(board, hidden, withdrawn)
    progress("hiding what would give a hidden figure away")
    pattern = board.pattern(why != "")
    why = np.where(pattern & (why == ""), "complementary", why)
    progress("making the tables")
    scores, exact = {}, {}
    for table in board.tables:
        own = why[table.start : table.start + len(table.labels) * len(board.measures)]
        exists = board.exists(table)
        reasons = own.reshape(len(table.labels), -1)[:, exists].ravel()
        raw = _scored(totals, framework, table, board.rules)
        scores[table.facets] = _shown(raw, reasons, 2 * board.half(table)[:, exists].ravel(), board.rules)
        exact[table.facets] = raw[reasons == ""].drop(columns="share").reset_index(drop=True)
    amounts = [part.code for part in framework.indicators if part.statistic == "mean"]
    moves = {
        facets: moves_of(scores[facets], (earlier or {}).get(facets), facets, amounts=amounts, rules=board.rules)
        for facets in lattice.tables
    }
    mask = pd.concat([_masked(table, board, why) for table in board.tables], ignore_index=True)
    return Publication(scores, moves, exact, mask, loss_of(mask))


def _reasons(
    board: Board, hidden: pd.DataFrame | None, withdrawn: Sequence[Mapping[str, str]]
) -> npt.NDArray[np.object_]:
    """Why each figure is hidden before anything is solved."""
    why = board.primary.copy()
    names = pd.concat([_masked(table, board, why) for table in board.tables], ignore_index=True).fillna("")
    place = np.concatenate([_places(table, board) for table in board.tables])
    if hidden is not None:
        keys = [name for name in names.columns if name != "why" and name in hidden.columns]
        known = hidden[[*keys, "why"]].fillna("")  # a facet that a table lacks: nothing in memory, "" from the store
        before = names[keys].merge(known, on=keys, how="left")["why"].fillna("").to_numpy()
        why[place] = np.where((why[place] == "") & (before != ""), before, why[place])
    for cell in withdrawn:
        unknown = set(cell) - set(names.columns)
        if unknown or not cell:
            raise EstimationError(f"nothing is published by {', '.join(sorted(unknown)) or 'nothing'}; name a facet")
        match = _of_cell(names, cell)
        left = match.any() or (hidden is not None and _of_cell(hidden, cell).any())  # or all of it were erased
        if not left:
            text = ", ".join(f"{facet} {value}" for facet, value in cell.items())
            raise EstimationError(f"no published figure is of {text}; see the names in the release")
        why[place[match]] = "withdrawn"
    return why


def _of_cell(names: pd.DataFrame, cell: Mapping[str, str]) -> Flags:
    parts = [np.asarray(names[facet] == str(value)) for facet, value in cell.items()]
    return np.asarray(np.logical_and.reduce(parts))


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
    evidence = card.evidence
    few = ((evidence["spread"] < rules.alone) | (evidence["shifts"] < rules.sparse)).to_numpy() & bool(rules.rounded)
    out = card.table.assign(**{name: evidence[name] for name in ("top", "shifts", "above", "below")})
    out.loc[few, ["n_eff", "deff"]] = np.nan  # with the standard error they tell how far answers lie apart
    out.loc[out["measure"].isin([node.code for node in framework.nodes]), ["above", "below"]] = np.nan
    several = 1 / (framework.loadings() ** 2).sum(axis=1) >= SEVERAL - DUST
    mixed = out["measure"].isin([node.code for node, many in zip(framework.nodes, several, strict=True) if many])
    out.loc[mixed, "shifts"] = out.loc[mixed, "shifts"].clip(lower=rules.sparse)
    shares = [part.code for part in framework.indicators if part.statistic == "share"]
    return out.assign(share=out["measure"].isin(shares))


def _shown(raw: pd.DataFrame, why: npt.NDArray[np.object_], unit: Floats, rules: Thresholds) -> pd.DataFrame:
    """Figures as they are shown: hidden ones empty, the others rounded and marked.

    Limits are those of the rounded estimate, standard error and df, so that they tell nothing more; the standard error
    is rounded up, so that no interval becomes narrower.
    """
    table = raw.assign(**dict.fromkeys(_BANDS, np.nan))
    table[_NUMBERS] = table[_NUMBERS].astype(np.float64)
    reason = np.where(why == "", table["reason"], np.where(why == "withdrawn", why, PROTECTED))
    status = np.where(why == "", table["status"], "suppressed")
    table = table.assign(status=status, reason=reason)
    table.loc[why != "", _NUMBERS] = np.nan
    top = table["top"].to_numpy(dtype=np.float64)
    if rules.rounded:
        exact_se = table["se"].to_numpy(dtype=np.float64)
        shifts = table["shifts"].to_numpy()
        table = rounded(table, table["top"], rules)
        bounded = np.isfinite(top)
        shown = np.round(raw["estimate"].to_numpy(dtype=np.float64) / unit) * unit
        table["estimate"] = np.where(bounded & (why == ""), np.round(shown, 6) + 0.0, table["estimate"])
        table["se"] = shown_error(exact_se, shifts, rules)[0]
        table = _of_shares(table)
    limited = table["low"].notna().to_numpy()
    for name, level in {"": 0.95, **{f"_{name}": level for name, level in NARROW.items()}}.items():
        low, high = _limits(table, top, level)
        table[f"low{name}"], table[f"high{name}"] = np.where(limited, low, np.nan), np.where(limited, high, np.nan)
    table = mark(table, top=table["top"], rules=rules)
    ends = [f"{end}{name}" for name in ("", *(f"_{name}" for name in NARROW)) for end in ("low", "high")]
    if rules.rounded:
        table[ends] = np.where(np.isfinite(top)[:, None], table[ends].round(1), table[ends].round(2))
    return table.drop(columns=KEPT)


def _of_shares(table: pd.DataFrame) -> pd.DataFrame:
    """Design effect, effective n and the caveat of few cases of shares, made of what is shown: they tell no more."""
    shown = (table["share"] & table["estimate"].notna()).to_numpy()
    share, se, n = (table[name].to_numpy(dtype=np.float64) for name in ("estimate", "se", "n"))
    with np.errstate(invalid="ignore", divide="ignore"):
        deff = n * se**2 / (share * (FULL - share))
        table["deff"] = np.where(shown, np.round(deff, 1), table["deff"])
        table["n_eff"] = np.where(shown, np.round(n / deff / 5) * 5, table["n_eff"])
    plain = shown & table["reason"].isin(["", "few_cases"]).to_numpy()
    rare = n * np.minimum(share, FULL - share) / FULL < FEW_CASES
    return table.assign(reason=np.where(plain, np.where(rare, "few_cases", ""), table["reason"]))


def _limits(table: pd.DataFrame, top: Floats, level: float) -> tuple[Floats, Floats]:
    """Logit limits of what runs from 0 to 100, t limits of amounts, from figures as they are shown."""
    value, se, df = (table[name].to_numpy(dtype=np.float64) for name in ("estimate", "se", "df"))
    bounded = np.isfinite(top)
    scale = np.where(bounded, top, 1.0)
    logit = intervals(value, se, df, interval="logit", level=level, top=scale)
    plain = intervals(value, se, df, interval="t", level=level)
    low, high = (np.where(bounded, first, second) for first, second in zip(logit, plain, strict=True))
    return low, high


def upward(se: Floats) -> Floats:
    """Two digits of a standard error, rounded up."""
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = 10.0 ** (np.floor(np.log10(se)) - 1)
        return np.where(se > 0, np.round(np.ceil(np.round(se / unit, 6)) * unit, 12), se)


def moves_of(
    shown: pd.DataFrame,
    earlier: pd.DataFrame | None,
    facets: Facets,
    *,
    amounts: Sequence[str],
    rules: Thresholds,
) -> pd.DataFrame:
    """Changes between every two waves, from the figures as they are shown: they tell nothing more."""
    both = shown if earlier is None else pd.concat([earlier, shown], ignore_index=True)
    both = both[both["estimate"].notna()].assign(top=np.nan)
    waves = sorted(both["wave"].astype(str).unique())
    new = set(shown["wave"].astype(str))
    pairs = [pair for pair in itertools.combinations(waves, 2) if new & set(pair)]
    found = [moves_between(both, facets, since=since, wave=wave) for since, wave in pairs]
    if not found:
        return pd.DataFrame(columns=[*columns(facets), "since", "p"])
    table = pd.concat(found, ignore_index=True).drop(columns="top")
    if rules.rounded:
        ends, places = ["estimate", "low", "high"], table["measure"].isin(amounts).to_numpy()[:, None]
        table[ends] = np.where(places, table[ends].round(2), table[ends].round(1)) + 0.0
        table["df"] = np.floor(table["df"])
        table["se"] = upward(table["se"].to_numpy(dtype=np.float64))
    return table


def loss_of(mask: pd.DataFrame) -> pd.DataFrame:
    """How much a mask hides: `share_beside` is a share of the figures that pass the rules themselves."""
    beside = mask["why"] == "complementary"
    grouped = mask.assign(by_rule=(mask["why"] != "") & ~beside, beside=beside).groupby("table", sort=False)
    out = grouped.agg(figures=("why", "size"), by_rule=("by_rule", "sum"), beside=("beside", "sum")).reset_index()
    out.insert(1, "ways", out["table"].str.count(" ") + 1)
    passing = (out["figures"] - out["by_rule"]).clip(lower=1)
    return out.assign(share_by_rule=out["by_rule"] / out["figures"], share_beside=out["beside"] / passing)
