"""A change split into what moved within groups of users and what moved because other people came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.cells import CellTotals
from scoring.compare import judged_together, refuse_unfit, tested
from scoring.contract import FIGURES
from scoring.design import Integers
from scoring.errors import RequestError
from scoring.estimates import Estimates, Sample, combine, flattened, side_by_side, totals, transform
from scoring.findings import Finding
from scoring.framework import Framework
from scoring.indices import Scores, answers, assemble
from scoring.intervals import intervals
from scoring.normalisation import FULL
from scoring.strata import DfRule
from scoring.totals import Totals

PARTS = ("change", "within", "mix", "fixed_mix", "level_at_fixed_mix")
SHIFT = 0.20  # change of traffic, or share of users who would have to change group, that is said beside a score
FAMILIES = (("change",), ("within", "mix"), ("fixed_mix",))


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of each change, and what they say.

    Attributes
    ----------
    table : DataFrame
        `wave`, `since`, the facets but the group, the contract's figures, `part`, `p`, `p_adjusted`, `clear`.
    findings : tuple of Finding
        One a change: `composition` (other people came), `within_groups`, `both`, `unseparated` (the change is clear,
        neither part is) or `not_clear`; and where traffic or the mix shifted by more than 20 %, `traffic_shift` and
        `mix_shift`.
    """

    table: pd.DataFrame
    findings: tuple[Finding, ...]


def split(
    data: Totals,
    framework: Framework,
    *,
    measure: str | Sequence[str],
    waves: tuple[str, str],
    by: str | Sequence[str],
    group: str,
    df: DfRule = "satterthwaite",
    level: float = 0.95,
) -> Split:
    """Split each change between two waves by groups of users, with design-based standard errors.

    With s the share of a group among those who answered and y its mean score, in wave 0 and 1::

        within  = sum_g (s_0 + s_1) / 2 (y_1 - y_0)        mix = sum_g (s_1 - s_0) (y_0 + y_1) / 2
        fixed_mix = sum_g s_0 (y_1 - y_0)                  level_at_fixed_mix = sum_g s_0 y_1

    within + mix is the change, exactly. Standard errors by the delta method on the joint totals of the groups in both
    waves, so that the chance of who came is in them. An index is split item by item, by its weights.

    Parameters
    ----------
    data : Totals
    framework : Framework
        Whose nodes are weighted means of items on their ranges; for others split the items.
    measure : str or sequence of str
    waves : (str, str)
    by : str or sequence of str
        A declared facet set that holds `group`; people without a group are in no part.
    group : str

    Returns
    -------
    Split
        Holm in three families: all changes; all parts `within` and `mix`; all changes at the fixed mix. A group that
        came in one wave alone counts as mix: nobody knows how it would have changed.

    References
    ----------
    Kitagawa (1955), "Components of a difference between two rates", Journal of the American Statistical Association 50,
    1168-1194.
    """
    facets = (by,) if isinstance(by, str) else tuple(by)
    wanted = (measure,) if isinstance(measure, str) else tuple(dict.fromkeys(measure))
    if group not in facets:
        raise RequestError(f"group is {group!r}; it has to be one of the facets: {', '.join(facets)}")
    rest = tuple(name for name in facets if name != group)
    refuse_unfit(framework, wanted, rest)
    if not (framework.linear and framework.on_ranges):
        raise RequestError("a split adds up for weighted means of items on their ranges; use such a framework")
    scores = assemble(data, framework, facets)
    cells = _cells(scores.cells.labels, rest, waves, group)
    chosen = [scores.measures.index(code) for code in wanted]
    labels = [dict(zip(rest, cell.key, strict=True)) for cell in cells]
    parts = [_figures(scores, framework, chosen, cell, df=df, level=level) for cell in cells]
    table = pd.concat([part.assign(**label) for part, label in zip(parts, labels, strict=True)], ignore_index=True)
    table["measure"] = np.tile(np.repeat(np.array(wanted, dtype=object), len(PARTS)), len(cells))
    table = table.assign(wave=waves[1], since=waves[0], part=np.tile(PARTS, len(cells) * len(wanted)))
    table = judged_parts(table[["wave", "since", *rest, *FIGURES, "part", "p"]])
    shifts = [
        Finding(found.code, {**label, "since": waves[0], "wave": waves[1], **found.params})
        for label, cell in zip(labels, cells, strict=True)
        for found in shifted(*_crossings(scores.cells, cell))
    ]
    return Split(table, (*explained(table, rest), *shifts))


def shifted(before: Mapping[str, float], after: Mapping[str, float], *, limit: float = SHIFT) -> tuple[Finding, ...]:
    """Whether traffic, or the mix of users, differs by so much that it has to be said beside a score.

    Parameters
    ----------
    before, after : mapping of group to crossings
        Counted in the shifts, or the weights of those interviewed.
    limit : float

    Returns
    -------
    tuple of Finding
        `traffic_shift` where crossings changed by more than `limit` of what they were; `mix_shift` where more than
        `limit` of users would have to change group for the mix to be the same: half of sum |s_1 - s_0|.
    """
    groups = sorted(before.keys() | after.keys())
    old, new = (np.array([side.get(name, 0.0) for name in groups], dtype=np.float64) for side in (before, after))
    if not (
        np.isfinite([old, new]).all() and (old >= 0).all() and (new >= 0).all() and old.sum() > 0 and new.sum() > 0
    ):
        raise RequestError("crossings have to be numbers of 0 or more, some of them above 0 in either wave")
    change = float(new.sum() / old.sum() - 1)
    moved = new / new.sum() - old / old.sum()
    distance, largest = float(np.abs(moved).sum() / 2), int(np.abs(moved).argmax())
    found = []
    if abs(change) > limit:
        found.append(Finding("traffic_shift", {"change": change, "limit": limit}))
    if distance > limit:
        params = {"share": distance, "limit": limit, "group": groups[largest], "points": 100 * float(moved[largest])}
        found.append(Finding("mix_shift", params))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Cell:
    """Cells of the groups in both waves, numbered among all groups of either; for one value of the other facets."""

    key: tuple[str, ...]
    cells: tuple[Integers, Integers]
    groups: tuple[Integers, Integers]
    names: tuple[str, ...]


def _cells(labels: pd.DataFrame, rest: tuple[str, ...], waves: tuple[str, str], group: str) -> list[_Cell]:
    if waves[0] == waves[1]:
        raise RequestError(f"{waves[0]!r} cannot be split against itself; name two waves")
    wave, named = labels["wave"].to_numpy(), labels[group].astype(str).to_numpy()
    keys = [tuple(str(labels[name].iloc[row]) for name in rest) for row in range(len(labels))]
    found = []
    for key in dict.fromkeys(keys):
        own = np.array([one == key for one in keys])
        old, new = (np.flatnonzero(own & (wave == name)) for name in waves)
        if old.size and new.size:
            names, place = np.unique(np.concatenate([named[old], named[new]]), return_inverse=True)
            both = (place[: old.size].astype(np.int64), place[old.size :].astype(np.int64))
            found.append(_Cell(key, (old, new), both, tuple(map(str, names))))
    if not found:
        raise RequestError(f"no cell of {' '.join(rest) or 'the sample'} stands in both {waves[0]} and {waves[1]}")
    return found


def _figures(
    scores: Scores, framework: Framework, chosen: Sequence[int], cell: _Cell, *, df: DfRule, level: float
) -> pd.DataFrame:
    """Rows of all parts of the measures chosen, of one cell; parts fastest."""
    nodes, columns = len(framework.nodes), scores.parts.shape[1]
    loadings = np.zeros((len(scores.measures), columns))
    loadings[:nodes, : len(framework.items)] = framework.loadings()
    loadings[nodes:] = np.eye(columns)
    loadings = loadings[chosen]
    used = np.flatnonzero(loadings.any(axis=0))
    each = side_by_side([_of_item(scores, int(column), cell) for column in used])
    moved = combine(each, np.kron(loadings[:, used], np.eye(len(PARTS))).astype(np.float64))
    n = answers(scores)
    fewest = np.minimum(*(n[side][:, chosen].sum(axis=0) for side in cell.cells))
    rows, _ = tested(moved, np.repeat(fewest, len(PARTS))[None, :], df=df, level=level)
    at = np.arange(len(PARTS) - 1, len(rows), len(PARTS))
    rows.loc[at, "p"] = np.nan  # a level is not tested against 0
    at = at[scores.bounded[chosen]]
    value, se, freedom = (rows.loc[at, name].to_numpy(dtype=np.float64) for name in ("estimate", "se", "df"))
    rows.loc[at, "low"], rows.loc[at, "high"] = intervals(value, se, freedom, interval="logit", level=level, top=FULL)
    return rows


def _of_item(scores: Scores, column: int, cell: _Cell) -> Estimates:
    """The parts of the change of one item or indicator, from the totals of its groups in both waves."""
    found = scores.cells
    places = [(int(one), measure) for side in cell.cells for one in side for measure in (0, 1)]
    flat = flattened(_totals(found, column, scores.estimates.sample), places)
    answered = found.per_cell(found.count[:, [column]])[:, 0] > 0
    here = [answered[side] for side in cell.cells]
    size, of_old = len(cell.names), 2 * cell.cells[0].size

    def function(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        waves = (values[..., :of_old], values[..., of_old:])
        share, mean, seen = [], [], []
        for given, group, known in zip(waves, cell.groups, here, strict=True):
            base, total = (np.zeros((*values.shape[:-1], size), dtype=values.dtype) for _ in range(2))
            base[..., group[known]], total[..., group[known]] = (
                given[..., 0::2][..., known],
                given[..., 1::2][..., known],
            )
            there = np.isin(np.arange(size), group[known])
            share.append(base / base.sum(axis=-1, keepdims=True))
            mean.append(np.divide(total, base, out=np.zeros_like(total), where=there))
            seen.append(there)
        return _kitagawa(share, [np.where(seen[0], mean[0], mean[1]), np.where(seen[1], mean[1], mean[0])])

    with np.errstate(invalid="ignore", divide="ignore"):  # nobody answered in one of the waves
        return transform(flat, function)


def _kitagawa(share: Sequence[npt.NDArray[Any]], mean: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """The parts in the order of PARTS, from shares and means of the groups in both waves, (..., groups) -> (..., 5)."""
    within = ((share[0] + share[1]) / 2 * (mean[1] - mean[0])).sum(axis=-1)
    mix = ((share[1] - share[0]) * (mean[0] + mean[1]) / 2).sum(axis=-1)
    level = (share[0] * mean[1]).sum(axis=-1)
    return np.stack([within + mix, within, mix, level - (share[0] * mean[0]).sum(axis=-1), level], axis=-1)


def _totals(cells: CellTotals, column: int, sample: Sample) -> Estimates:
    """Base and total of one column as the two measures of each cell."""
    half = cells.base.shape[1]
    both = replace(
        cells,
        base=cells.base[:, [column, column]],
        total=np.column_stack([cells.base[:, column], cells.total[:, column]]),
        count=cells.count[:, [column, column]],
        regression=None
        if cells.regression is None
        else cells.regression[:, :, [column, column, column, half + column]],
    )
    return totals(both, sample)


def judged_parts(table: pd.DataFrame) -> pd.DataFrame:
    """Rows with `part` and `p`, adjusted by Holm inside each family of parts."""
    out = table.assign(p_adjusted=np.nan, clear=False)
    for parts in FAMILIES:
        own = out["part"].isin(parts)
        out.loc[own, ["p_adjusted", "clear"]] = judged_together(out[own], adjust="holm")[["p_adjusted", "clear"]]
    return out.astype({"clear": bool})


def explained(table: pd.DataFrame, rest: tuple[str, ...]) -> list[Finding]:
    """What the parts of each change say of it; `table` holds the judged rows of all `PARTS` of each, in their order."""
    found = []
    for start in range(0, len(table), len(PARTS)):
        rows = table.iloc[start : start + len(PARTS)].set_index("part")
        clear = rows["clear"]
        code = {(True, True): "both", (True, False): "within_groups", (False, True): "composition"}.get(
            (bool(clear["within"]), bool(clear["mix"])), "unseparated" if clear["change"] else "not_clear"
        )
        first = rows.iloc[0]
        told = {name: str(first[name]) for name in (*rest, "since", "wave", "measure")}
        found.append(Finding(code, told | dict(zip(PARTS, rows["estimate"].tolist(), strict=True))))
    return found


def _crossings(cells: CellTotals, cell: _Cell) -> tuple[dict[str, float], dict[str, float]]:
    """Weight of those interviewed in each group, in both waves: of the question that most of them answered."""
    weight = cells.weight.max(axis=1)
    before, after = (
        {cell.names[place]: float(weight[one]) for place, one in zip(group, side, strict=True)}
        for side, group in zip(cell.cells, cell.groups, strict=True)
    )
    return before, after
