"""Totals -> scores of items, dimensions, indices and indicators: normalise, weight, aggregate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.cells import CellTotals
from scoring.contract import Scorecard, columns
from scoring.design import Floats, Integers
from scoring.disclosure import EVIDENCE
from scoring.errors import EstimationError
from scoring.estimates import DUST, Estimates, Sample, combine, ratios, side_by_side
from scoring.evidence import Groups, gather
from scoring.figures import Rules, equal_answers, figures, simple_variance
from scoring.framework import Framework
from scoring.replication import Replicates
from scoring.strata import DfRule
from scoring.totals import Totals
from scoring.units import Units

FULL = 100.0  # items, indices and shares run from 0 to 100


@dataclass(frozen=True, slots=True)
class Scores:
    """Estimates of every measure of a framework by one facet set.

    Attributes
    ----------
    measures : tuple of str, length m
        Indices and dimensions, items, indicators.
    estimates : Estimates
        Values of shape (cells, m); all on 0-100 but indicators that are means of amounts.
    cells : CellTotals
        Of items and indicators, rescaled.
    bounded : ndarray of bool, shape (m,)
        Whether the measure lives on 0-100.
    parts : ndarray of bool, shape (m, items and indicators)
        Which columns of the totals each measure rests on.
    """

    measures: tuple[str, ...]
    estimates: Estimates
    cells: CellTotals
    bounded: npt.NDArray[np.bool_]
    parts: npt.NDArray[np.bool_]


def score(
    totals: Totals,
    framework: Framework,
    by: str | Sequence[str] | None = None,
    *,
    df: DfRule = "satterthwaite",
    level: float = 0.95,
    replicates: Replicates | None = None,
    provenance: Mapping[str, object] | None = None,
) -> Scorecard:
    """Score a framework from totals, in milliseconds whatever the number of respondents.

    Parameters
    ----------
    totals : Totals
    framework : Framework
        Any framework over the questions the totals were made for, with the same ranges.
    by : str or sequence of str, optional
        A declared facet set; by default the whole sample of each wave.
    df : {"satterthwaite", "design"}
    level : float
        Confidence of `low` and `high`: on the logit scale for what runs from 0 to 100, t for amounts.
    replicates : Replicates, optional
        Of the PSUs of `totals`, see `resampling.make`; they take the place of linearisation.
    provenance : mapping, optional
        What the caller knows of the data: digest, instrument, time.

    Returns
    -------
    Scorecard
        Unprotected: its caller holds the data. What comes from the store passes `scoring.disclosure.protect`.

    Notes
    -----
    An index is the weighted arithmetic mean of the means of its parts, its standard error by the delta method
    on the PSU scores of the parts, so that their covariance is carried (OECD/JRC Handbook 2008, step 6).
    """
    facets = (by,) if isinstance(by, str) else tuple(by or ())
    scores = assemble(totals, framework, facets, replicates=replicates)
    rows = figures(
        scores.estimates,
        simple=_simple(scores),
        n=weakest(scores, scores.cells.per_cell(scores.cells.count), least=True),
        top=np.where(scores.bounded, FULL, np.nan),
        rules=Rules(df, None, level),
        spread_out=_spread_out(scores, framework),
    )
    table = scores.cells.labels.iloc[rows["cell"]].reset_index(drop=True)
    table["measure"] = pd.array(list(scores.measures), dtype="str").take(rows["column"].to_numpy())
    table = pd.concat([table, rows], axis=1)[columns(facets)]
    shown = {code: framework.shown_by(code, facets) for code in scores.measures}
    kept = np.array([shown[code] for code in scores.measures])[rows["column"]]
    return Scorecard(
        table=table[kept].reset_index(drop=True),
        evidence=_evidence(scores, framework)[kept].reset_index(drop=True),
        facets=facets,
        provenance=describe(totals, framework, df=df, level=level) | dict(provenance or {}),
    )


def assemble(
    totals: Totals, framework: Framework, facets: tuple[str, ...], *, replicates: Replicates | None = None
) -> Scores:
    """Estimate every measure of the framework with its PSU scores."""
    cells = _rescaled(totals, framework, facets)
    if replicates is not None:
        replicates = replace(replicates, multipliers=replicates.multipliers[totals.units.psu])
    base = ratios(cells, Sample(totals.units, totals.design, totals.loading, replicates))
    items = len(framework.items)
    nodes = np.zeros((len(framework.nodes), items + len(framework.indicators)))
    nodes[:, :items] = framework.loadings()
    amounts = {indicator.code for indicator in framework.indicators if indicator.statistic == "mean"}
    return Scores(
        measures=framework.measures,
        estimates=side_by_side([combine(base, nodes), base]),
        cells=cells,
        bounded=np.array([code not in amounts for code in framework.measures]),
        parts=np.vstack([nodes != 0, np.eye(nodes.shape[1], dtype=bool)]),
    )


def describe(totals: Totals, framework: Framework, *, df: DfRule, level: float) -> dict[str, object]:
    """Provenance that the engine itself knows."""
    design = totals.design
    return {
        "framework": f"{framework.id} {framework.version}",
        "strata": " x ".join(design.strata) or "none",
        "psu": " x ".join(design.psu) or "respondent",
        "weight": design.weight or "none",
        "fpc": " x ".join(design.fpc) or "none",
        "lonely": design.lonely,
        "population": design.population,
        "collapsed": "; ".join(f"{small} into {other}" for small, other in totals.units.collapsed) or "none",
        "df": df,
        "level": level,
        "interval": "logit for 0-100, t for amounts",
        "aggregation": "arithmetic",
    }


def _rescaled(totals: Totals, framework: Framework, facets: tuple[str, ...]) -> CellTotals:
    """Totals of 0-100 scores, better upwards: x = 100 (a - low) / (high - low), mirrored where worse.

    Linear in the answers, so T becomes shift N + slope T and no respondent is read again.
    """
    place = {code: column for column, code in enumerate(totals.measures)}
    wanted = [*(item.code for item in framework.items), *(indicator.code for indicator in framework.indicators)]
    unknown = [code for code in wanted if code not in place]
    if unknown:
        raise EstimationError(f"the totals hold no {unknown[0]!r}; reduce again with this framework")
    slope, shift = (np.array(values) for values in zip(*_lines(totals, framework), strict=True))
    cells = totals.by(facets)
    chosen = [place[code] for code in wanted]
    base, total, weight = (_taken(values, chosen) for values in (cells.base, cells.total, cells.weight))
    scored = shift * base + slope * total
    return replace(
        cells,
        base=base,
        total=scored,
        count=_taken(cells.count, chosen),
        tally=_taken(cells.tally, chosen),
        square=_squares(
            _taken(cells.square, chosen), weight, raw=cells.per_cell(total), scored=cells.per_cell(scored), slope=slope
        ),
        weight=weight,
        largest=cells.largest[:, chosen],
        regression=_regression(cells.regression, chosen, slope, shift),
    )


def _taken(values: npt.NDArray[Any], chosen: Sequence[int]) -> npt.NDArray[Any]:
    """Columns in the framework's order; mostly they are in it already."""
    same = list(chosen) == list(range(values.shape[1]))
    return values if same else np.take(values, chosen, axis=1)


def _regression(given: Floats | None, chosen: Sequence[int], slope: Floats, shift: Floats) -> Floats | None:
    """Coefficients on the auxiliaries of a calibration, rescaled as the totals are."""
    if given is None:
        return None
    base, total = (part[:, :, chosen] for part in np.split(given, 2, axis=2))
    return np.concatenate([base, shift * base + slope * total], axis=2)


def _squares(square: Floats, weight: Floats, *, raw: Floats, scored: Floats, slope: Floats) -> Floats:
    """Sum w x^2 of rescaled answers by way of their variance, so that equal answers keep a variance of 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = square - raw**2 / weight
        spread = np.where(spread < square * DUST, 0.0, spread)
        return np.asarray(slope**2 * spread + scored**2 / weight)


def _lines(totals: Totals, framework: Framework) -> list[tuple[float, float]]:
    """Slope and shift of each item and indicator."""
    lines = []
    for item in framework.items:
        if totals.ranges.get(item.code, item.range) != item.range:
            raise EstimationError(f"item {item.code!r} has another range than when the totals were made; reduce again")
        low, high = item.range
        slope = FULL / (high - low)
        lines.append((slope, -low * slope) if item.direction == "better" else (-slope, high * slope))
    return [*lines, *((FULL if part.statistic == "share" else 1.0, 0.0) for part in framework.indicators)]


def _simple(scores: Scores) -> tuple[Floats, Floats]:
    """Variance under simple random sampling: of items and indicators; of composites it is not known (NaN)."""
    columns_ = scores.parts.shape[1]
    measured = simple_variance(scores.cells, kind=["mean"] * columns_)
    nodes = np.full((len(scores.cells.labels), len(scores.measures) - columns_), np.nan)
    return np.hstack([nodes, measured[0]]), np.hstack([nodes, measured[1]])


def _spread_out(scores: Scores, framework: Framework) -> Floats:
    """Of shares the equally weighted answers they rest on; NaN for indices, dimensions, items and amounts."""
    answers = equal_answers(scores.cells)
    shares = [part.statistic == "share" for part in framework.indicators]
    nodes = np.full((len(answers), len(scores.measures) - answers.shape[1]), np.nan)
    return np.hstack([nodes, np.where([False] * len(framework.items) + shares, answers, np.nan)])


def weakest(scores: Scores, values: npt.NDArray[Any], *, least: bool) -> npt.NDArray[Any]:
    """Each measure gets the least (or the largest) value among its parts, shape (cells, m).

    A composite is shown only where each of its parts could be: its n is that of the part with fewest answers.
    """
    pick = np.min if least else np.max
    return np.column_stack([pick(values[:, part], axis=1) for part in scores.parts])


def groups_of(scores: Scores) -> Groups:
    """Interviews of each cell by PSU, of the items and indicators of the framework."""
    cells, found = scores.cells, scores.estimates.sample.units
    cell, count = cells.per_psu(cells.count, found)
    base, total = (cells.per_psu(values, found)[1] for values in (cells.base, cells.total))
    psu = _psus(cells, found)
    return Groups(cell, psu, count, base, total, cells.square, cells.largest, cells.seen, len(cells.labels))


def _psus(cells: CellTotals, found: Units) -> Integers:
    """PSU of each (PSU, cell) pair, in the order of `CellTotals.per_psu`."""
    width = found.stratum.size
    if found.psu.size == width:
        return cells.unit
    return np.asarray(np.unique(cells.cell * width + found.psu[cells.unit]) % width)


def scale_steps(framework: Framework) -> Floats:
    """Steps of the scale of each item and indicator: 4 for answers from 1 to 5, 1 for shares, NaN for amounts."""
    items = [item.range[1] - item.range[0] for item in framework.items]
    return np.array([*items, *(1.0 if part.statistic == "share" else np.nan for part in framework.indicators)])


def _evidence(scores: Scores, framework: Framework) -> pd.DataFrame:
    """What the mask asks, row by row as in the table; a composite has that of its weakest part."""
    sensitive = {part.code for part in framework.indicators if part.sensitive}
    facts = gather(groups_of(scores), steps=scale_steps(framework)).weakest(list(scores.parts))
    cells = len(scores.cells.labels)
    return pd.DataFrame(
        {
            **{name: getattr(facts, name).ravel() for name in EVIDENCE if name != "n"},
            "sensitive": np.tile([code in sensitive for code in scores.measures], cells),
            "top": np.tile(np.where(scores.bounded, FULL, np.nan), cells),
        }
    )
