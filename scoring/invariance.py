"""Do the items mean the same to every group? Differential item functioning (DIF) by ordinal logistic regression.

Answers to an item are explained by the score on the other items of its kind, then by the group as well (uniform DIF),
then by their product (non-uniform DIF): Swaminathan and Rogers 1990; Zumbo 1999 for ordered answers. Tests are those of
the design (`scoring.ordinal`). Items found are taken out of the score that the others are held to, and all are
tested again. Microdata are read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.answers import item_scores
from scoring.compare import Adjust, adjusted
from scoring.design import Floats, Integers, SurveyDesign
from scoring.errors import EstimationError, RequestError
from scoring.estimates import Sample, combine, contrast, variance
from scoring.framework import Framework
from scoring.indices import Scores, assemble
from scoring.intervals import intervals
from scoring.ordinal import Ordinal, Wald, design_based, fit, wald
from scoring.totals import Totals, column_names, to_pandas
from scoring.units import units, weights
from scoring.variables import as_text

Matching = Literal["score", "rest"]
Flags = npt.NDArray[np.bool_]
FEWEST = 100  # answers of a group below which it is not compared
OTHERS = 3  # other items that an item is held to, at the least
CLEAR = 0.05
DIGITS = 9  # of points; what is left behind them is rounding, not a sign
DELTA = 2.35  # log-odds to the delta scale of the Educational Testing Service
SIZES = ("negligible", "moderate", "large")
OF_R2 = (0.035, 0.070)  # change of Nagelkerke's R2: Jodoin and Gierl 2001, Applied Measurement in Education 14
OF_ODDS = (1.0 / DELTA, 1.5 / DELTA)  # log-odds: classes A, B, C of the Educational Testing Service (Zieky 1993)

#: Why an item was not tested.
REASONS: Mapping[str, str] = {
    "": "nothing to add",
    "few_answers": f"fewer than two groups with {FEWEST} answers",
    "few_others": f"fewer than {OTHERS} other items to hold it to",
    "not_fitted": "the model has no solution in these answers, see the note",
    "few_df": "too few shifts for so many groups",
}


@dataclass(frozen=True, slots=True)
class Invariance:
    """Tests of every item by every grouping.

    Attributes
    ----------
    table : DataFrame
        `grouping`, `item`; `n` answers, `groups` compared, `left_out` groups with too few answers, `anchors` items
        behind the score; the two groups furthest apart, `group` and `against`, with the `log_odds` of a better answer
        at the same score and its `se`; `p_uniform`, `p_nonuniform`; `f`, `df`, `p` and `p_adjusted` of both together;
        gain of `nagelkerke` and `mcfadden`; `size`; `dif`; `reason` and `note` where it was not tested.
    skipped : tuple of str
        Groupings asked for that are no columns of the data.
    family : int
        Tests within which `p_adjusted` was made.
    """

    table: pd.DataFrame
    skipped: tuple[str, ...]
    family: int

    @property
    def found(self) -> tuple[str, ...]:
        """Items with DIF by any grouping."""
        return tuple(dict.fromkeys(self.table.loc[self.table["dif"], "item"]))


def invariance(
    frame: Any,  # noqa: ANN401 - any frame narwhals knows
    framework: Framework,
    design: SurveyDesign,
    *,
    by: Sequence[str],
    matching: Matching = "score",
    adjust: Adjust = "holm",
) -> Invariance:
    """Test every item for DIF by every grouping.

    Parameters
    ----------
    frame : pandas or polars frame, DuckDB relation, or anything narwhals takes
        Coded answers, groupings and columns of the design.
    framework : Framework
        An item is held to the other items of its reflective dimension, where that has five or more, else of its index.
    design : SurveyDesign
    by : sequence of str
        Groupings such as language, side, mode, wave; those that are not in the data are skipped and said.
    matching : {"score", "rest"}
        Whether the score that answers are held to counts the item itself. With it ("score", the usual choice: Holland
        and Thayer 1988) groups that differ in truth are not taken for groups that answer differently; the rest alone
        measures with error, and what it misses of a true difference looks like DIF.
    adjust : {"holm", "benjamini-hochberg", ...}
        Within the family of all items and groupings.

    Returns
    -------
    Invariance
        `dif` where `p_adjusted` < 0.05 and the size is not negligible, in the change of R2 or in the log-odds of the
        groups furthest apart (a small group hardly moves R2).
    """
    if matching not in get_args(Matching):
        raise RequestError(f"matching is {matching!r}; it may be {', '.join(get_args(Matching))}")
    wanted, known = tuple(dict.fromkeys(by)), column_names(frame)
    there = tuple(name for name in wanted if name in known)
    if not there:
        raise RequestError(f"none of {', '.join(wanted) or 'no groupings'} is a column of the data; name others")
    codes = tuple(item.code for item in framework.items)
    data = to_pandas(frame, (*design.columns, *there, *codes))
    found = units(data, design)
    study = _Study(
        item_scores(data, framework), weights(data, design, found), Sample(found, design), matching == "score"
    )
    groupings = [_grouping(data[name]) for name in there]
    rows = _purified(study, groupings, _blocks(framework), adjust)
    table = pd.DataFrame([{"grouping": there[g], "item": codes[i], **row} for (g, i), row in sorted(rows.items())])
    return Invariance(
        table=table,
        skipped=tuple(name for name in wanted if name not in known),
        family=int(table["p"].notna().sum()),
    )


@dataclass(frozen=True, slots=True)
class _Study:
    """Scores of respondents (rows, items), their weights and sample, and whether an item counts in its own score."""

    scores: Floats
    weight: Floats
    sample: Sample
    itself: bool

    def held_to(self, item: int, anchors: Sequence[int]) -> Floats:
        """Mean distance from the items' means over the anchors answered, at least half of them; NaN otherwise."""
        chosen = sorted({*anchors, item} if self.itself else set(anchors) - {item})
        given = self.scores[:, chosen]
        answered = ~np.isnan(given)
        enough = 2 * answered.sum(axis=1) >= len(chosen)
        mean = np.where(answered, given, 0.0).sum(axis=0) / np.maximum(answered.sum(axis=0), 1)
        distance = np.where(answered, given - mean, 0.0).sum(axis=1)
        return np.where(enough, distance / np.maximum(answered.sum(axis=1), 1), np.nan)


@dataclass(frozen=True, slots=True)
class _Grouping:
    """Group of each respondent, -1 where unknown, and the names of groups."""

    code: Integers
    names: tuple[str, ...]


def _grouping(column: "pd.Series[Any]") -> _Grouping:
    code, names = pd.factorize(as_text(column), sort=True)
    return _Grouping(code.astype(np.int64), tuple(names))


Block = tuple[tuple[int, ...], tuple[int, ...]]


def _blocks(framework: Framework) -> list[Block]:
    """Places of items that are tested together, and of those that make their score (`invariance`, framework)."""
    roots, kind = framework.roots(), {node.code: node.kind for node in framework.nodes}
    above = [item.parent for item in framework.items]
    alone = {code for code in above if kind[code] == "reflective" and above.count(code) > OTHERS + 1}
    homes = [code if code in alone else roots[code] for code in above]

    def places(code: str) -> tuple[int, ...]:
        return tuple(place for place, parent in enumerate(above) if code in (parent, roots[parent]))

    return [
        (tuple(place for place, one in enumerate(homes) if one == home), places(home)) for home in dict.fromkeys(homes)
    ]


Rows = dict[tuple[int, int], dict[str, Any]]


def _purified(study: _Study, groupings: Sequence[_Grouping], blocks: Sequence[Block], adjust: Adjust) -> Rows:
    """Test all items; take the one furthest off out of the score of its block, and test again, until none is left in.

    One at a time, since a large difference in one item makes others look different the other way round.
    """
    rows: Rows = {}
    held = {(g, b): pool for g in range(len(groupings)) for b, (_, pool) in enumerate(blocks)}
    stale = list(held)
    while stale:
        for g, b in stale:
            rows |= {(g, item): _tested(study, groupings[g], item, held[g, b]) for item in blocks[b][0]}
        _judge(rows, adjust)
        worst = {(g, _furthest(rows, g, blocks[b][0], held[g, b])) for g, b in held}
        stale = []
        for (g, b), anchors in held.items():
            clean = tuple(item for item in anchors if (g, item) not in worst)
            if len(anchors) > len(clean) > OTHERS:  # else too little would be left to hold on to
                held[g, b] = clean
                stale.append((g, b))
    return rows


def _furthest(rows: Rows, grouping: int, items: Sequence[int], anchors: Sequence[int]) -> int:
    """Of the items found that still count in the score the one furthest off, -1 where there is none."""
    found = [item for item in items if item in anchors and rows[grouping, item]["dif"]]
    return max(found, key=lambda item: rows[grouping, item]["f"], default=-1)


def _judge(rows: Rows, adjust: Adjust) -> None:
    """Adjust p-values within the family and say what is DIF."""
    p = adjusted(np.array([row["p"] for row in rows.values()]), adjust=adjust)
    for row, one in zip(rows.values(), p, strict=True):
        row["p_adjusted"] = one
        row["dif"] = bool(one < CLEAR and row["size"] != SIZES[0])


def _tested(study: _Study, grouping: _Grouping, item: int, anchors: Sequence[int]) -> dict[str, Any]:
    """One item by one grouping."""
    y, score = study.scores[:, item], study.held_to(item, anchors)
    usable = ~np.isnan(y) & ~np.isnan(score) & (grouping.code >= 0) & (study.weight > 0)
    counts = np.bincount(grouping.code[usable], minlength=len(grouping.names))
    compared = np.flatnonzero(counts >= FEWEST)
    small = ", ".join(grouping.names[place] for place in np.flatnonzero((counts > 0) & (counts < FEWEST)))
    row = {**_EMPTY, "n": int(counts[compared].sum()), "groups": compared.size, "left_out": small,
           "anchors": len(anchors)}  # fmt: skip
    if len(set(anchors) - {item}) < OTHERS:
        return row | {"reason": "few_others"}
    if compared.size < 2:  # noqa: PLR2004 - a comparison
        return row | {"reason": "few_answers"}
    order = compared[np.argsort(-counts[compared], kind="stable")]  # the largest group is what others are held to
    inside = usable & np.isin(grouping.code, compared)
    belongs = (grouping.code[:, None] == order[1:]).astype(np.float64)
    try:
        models = _models(y, score, belongs, np.where(inside, study.weight, 0.0))
    except EstimationError as error:
        return row | {"reason": "not_fitted", "note": str(error)}
    return row | _compared(models, study.sample, [grouping.names[place] for place in order])


def _models(y: Floats, score: Floats, belongs: Floats, weight: Floats) -> tuple[Ordinal, Ordinal, Ordinal]:
    """Score alone; with the group; with the group times the score."""
    inside = weight > 0
    mean, spread = np.average(score[inside], weights=weight[inside]), score[inside].std()
    level = np.where(inside, (score - mean) / (spread or 1.0), 0.0)[:, None]
    base = fit(y, level, weight)
    uniform = fit(y, np.hstack([level, belongs]), weight, smaller=base)
    return base, uniform, fit(y, np.hstack([level, belongs, level * belongs]), weight, smaller=uniform)


def _compared(models: tuple[Ordinal, Ordinal, Ordinal], sample: Sample, names: Sequence[str]) -> dict[str, Any]:
    """Tests and sizes from the three models; names begin with the group that others are held to."""
    base, uniform, whole = models
    more = len(names) - 1
    groups = design_based(uniform, sample)
    both = design_based(whole, sample)
    tests = (
        wald(groups, np.arange(1, 1 + more)),
        wald(both, np.arange(1 + more, 1 + 2 * more)),
        wald(both, np.arange(1, 1 + 2 * more)),
    )
    odds = np.concatenate([[0.0], uniform.slopes[1:]])
    ends = sorted((int(odds.argmin()), int(odds.argmax())))  # of two the larger group is what the other is held to
    against, group = ends if ends[0] != ends[1] else (0, 1)
    moved = np.zeros(groups.values.shape[1])
    moved[group] += 1.0
    moved[against] -= float(against > 0)
    se = float(np.sqrt(variance(combine(groups, moved[None, :])).variance[0, 0]))
    apart = float(odds[group] - odds[against])
    return _figures(tests) | _sized(base, whole, apart) | {"group": names[group], "against": names[against], "se": se}


def _figures(tests: tuple[Wald, Wald, Wald]) -> dict[str, Any]:
    uniform, product, whole = tests
    figures = {"p_uniform": uniform.p, "p_nonuniform": product.p, "f": whole.f, "df": whole.df, "p": whole.p}
    return figures | {"reason": "few_df" if np.isnan(whole.p) else ""}


def _sized(base: Ordinal, whole: Ordinal, log_odds: float) -> dict[str, Any]:
    """How large the difference is: the larger of the classes by R2 and by log-odds."""
    gain = whole.nagelkerke - base.nagelkerke
    by_r2, by_odds = np.searchsorted(OF_R2, gain, side="right"), np.searchsorted(OF_ODDS, abs(log_odds), side="right")
    return {
        "log_odds": log_odds,
        "nagelkerke": gain,
        "mcfadden": whole.mcfadden - base.mcfadden,
        "size": SIZES[int(max(by_r2, by_odds))],
    }


_EMPTY: Mapping[str, Any] = {
    "n": 0, "groups": 0, "left_out": "", "anchors": 0, "group": "", "against": "", "log_odds": np.nan, "se": np.nan,
    "p_uniform": np.nan, "p_nonuniform": np.nan, "f": np.nan, "df": np.nan, "p": np.nan, "p_adjusted": np.nan,
    "nagelkerke": np.nan, "mcfadden": np.nan, "size": "", "dif": False, "reason": "", "note": "",
}  # fmt: skip


def without(framework: Framework, items: Sequence[str]) -> Framework:
    """The framework without these items, and without what has no part left; weights of the others share theirs."""
    nodes, kept = framework.nodes, tuple(item for item in framework.items if item.code not in items)
    for _ in framework.nodes:  # a level at a time
        used = {node.parent for node in nodes} | {item.parent for item in kept}
        nodes = tuple(node for node in nodes if node.code in used)
    return replace(framework, nodes=nodes, items=kept)


def rerun(
    totals: Totals, framework: Framework, items: Sequence[str], by: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """Headline comparisons with all items and without those that do not mean the same to every group.

    Parameters
    ----------
    totals : Totals
        No respondent is read again.
    framework : Framework
    items : sequence of str
        Such as `Invariance.found`.
    by : str or sequence of str, optional
        A declared facet set. Compared are cells that differ in one thing: wave, or one facet.

    Returns
    -------
    DataFrame
        `measure`, `wave` and facets of the second cell, `differs` and `since` (what the first cell has there);
        `difference`, `se`, `df`, `low`, `high`, the same with `_without`, `reversed` where the sign changes, and
        `called`: whether the comparison may be made. It may not where it is reversed or nothing is left of the index.
    """
    facets = (by,) if isinstance(by, str) else tuple(by or ())
    less = without(framework, items)
    wholes = assemble(totals, framework, facets)
    rests = assemble(totals, less, facets) if less.items else None
    labels = wholes.cells.labels.reset_index(drop=True)
    pairs, names = _pairs(labels[["wave", *facets]])
    headline = [node.code for node in framework.nodes if node.headline and framework.shown_by(node.code, facets)]
    tables = [
        _differences(wholes, rests, pairs, code).assign(measure=code, **labels.iloc[pairs[:, 1]].reset_index(drop=True),
            differs=names, since=[labels.loc[first, name] for (first, _), name in zip(pairs, names, strict=True)])
        for code in headline
    ]  # fmt: skip
    table = pd.concat(tables, ignore_index=True)
    with_all, with_less = (np.sign(table[name].round(DIGITS)) for name in (_DIFFERENCE[0], _WITHOUT[0]))
    table["reversed"] = with_all * with_less < 0
    table["called"] = ~table["reversed"] & table["difference_without"].notna()
    return table[["measure", "wave", *facets, "differs", "since", *_DIFFERENCE, *_WITHOUT, "reversed", "called"]]


_DIFFERENCE = ("difference", "se", "df", "low", "high")
_WITHOUT = tuple(f"{name}_without" for name in _DIFFERENCE)


def _pairs(labels: pd.DataFrame) -> tuple[Integers, list[str]]:
    """Cells that differ in one label, and in which."""
    codes = np.column_stack([pd.factorize(labels[name])[0] for name in labels])
    first, second = np.triu_indices(len(labels), 1)
    apart = codes[first] != codes[second]
    chosen = apart.sum(axis=1) == 1
    if not chosen.any():
        raise EstimationError("there is one cell, and so nothing to compare; give facets, or totals of several waves")
    names = [str(labels.columns[place]) for place in apart[chosen].argmax(axis=1)]
    return np.column_stack([first[chosen], second[chosen]]), names


def _differences(wholes: Scores, rests: Scores | None, pairs: Integers, code: str) -> pd.DataFrame:
    """Second cell minus first, of the index as it is and of what is left of it."""
    columns: dict[str, Floats] = {}
    for scores, names in ((wholes, _DIFFERENCE), (rests, _WITHOUT)):
        if scores is None or code not in scores.measures:
            columns |= dict.fromkeys(names, np.full(len(pairs), np.nan))
            continue
        moved = contrast(scores.estimates.take([scores.measures.index(code)]), pairs, np.array([-1.0, 1.0]))
        spread = variance(moved)
        value, se, df = moved.values[:, 0], np.sqrt(spread.variance)[:, 0], spread.df("satterthwaite")[:, 0]
        low, high = intervals(value, se, df, interval="t", level=1 - CLEAR)
        columns |= dict(zip(names, (value, se, df, low, high), strict=True))
    return pd.DataFrame(columns)
