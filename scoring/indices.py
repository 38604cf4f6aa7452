"""Totals -> scores of items, dimensions, indices and indicators: normalise, weight, aggregate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.cells import CellTotals
from scoring.composites import Minimum, composites, minima, normalised, smooth, stretched
from scoring.contract import Scorecard, columns
from scoring.design import Floats, Integers
from scoring.disclosure import EVIDENCE
from scoring.errors import EstimationError
from scoring.estimates import DUST, Estimates, Sample, combine, ratios, side_by_side
from scoring.evidence import Groups, gather
from scoring.figures import Rules, equal_answers, figures, simple_variance
from scoring.framework import Framework
from scoring.intervals import intervals
from scoring.nodes import lines
from scoring.normalisation import FULL
from scoring.replication import Replicates
from scoring.strata import DfRule
from scoring.totals import Totals
from scoring.units import Units


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
        Of items and indicators, rescaled over their ranges.
    bounded : ndarray of bool, shape (m,)
        Whether the measure lives on 0-100.
    parts : ndarray of bool, shape (m, items and indicators)
        Which columns of the totals each measure rests on.
    smooth : ndarray of bool, shape (m,)
        Whether the measure has a standard error, which a minimum has not.
    beyond : ndarray of float, shape (cells, m)
        By how much a mean passed 0 or 100 before it was cut off there.
    respondents : ndarray of int, shape (cells, nodes), or None
        For a mean of indices, respondents with an index of their own.
    """

    measures: tuple[str, ...]
    estimates: Estimates
    cells: CellTotals
    bounded: npt.NDArray[np.bool_]
    parts: npt.NDArray[np.bool_]
    smooth: npt.NDArray[np.bool_]
    beyond: Floats
    respondents: Integers | None = None


def score(
    totals: Totals,
    framework: Framework,
    by: str | Sequence[str] | None = None,
    *,
    df: DfRule = "satterthwaite",
    level: float = 0.95,
    replicates: Replicates | None = None,
    seed: int | None = None,
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
    seed : int, optional
        Of the draws that give a minimum its interval; without them it has none.
    provenance : mapping, optional
        What the caller knows of the data: digest, instrument, time.

    Returns
    -------
    Scorecard
        Unprotected: its caller holds the data. What comes from the store passes `scoring.disclosure.protect`.

    Notes
    -----
    An index is made of the means of its parts, as its aggregation says (or is the mean of respondents' indices), its
    standard error by the delta method on the PSU scores of the parts, so that their covariance is carried (OECD/JRC
    Handbook 2008, step 6). A minimum has no derivative: its interval is that of intersection bounds, see `minima`.
    """
    facets = (by,) if isinstance(by, str) else tuple(by or ())
    scores = assemble(totals, framework, facets, replicates=replicates)
    rows = figures(
        scores.estimates,
        simple=_simple(scores, framework),
        n=answers(scores),
        top=np.where(scores.bounded, FULL, np.nan),
        rules=Rules(df, None, level),
        spread_out=_spread_out(scores, framework),
    )
    if scores.beyond.any():
        _tell_beyond(rows, scores, level=level)
    if not scores.smooth.all():
        drawn = minima(scores.estimates, framework, level=level, seed=seed) if seed is not None else ()
        _tell_rough(rows, scores, drawn)
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
    cells = _rescaled(totals, _lines(totals, framework), facets)
    if replicates is not None:
        replicates = replace(replicates, multipliers=replicates.multipliers[totals.units.psu])
    sample = Sample(totals.units, totals.design, totals.loading, replicates)
    base, items = ratios(cells, sample), len(framework.items)
    nodes = np.zeros((len(framework.nodes), items + len(framework.indicators)))
    nodes[:, :items] = framework.loadings()
    beyond, respondents = np.zeros((len(base.values), len(framework.measures))), None
    if not framework.on_ranges:
        base, beyond[:, len(nodes) :] = normalised(base, framework)
    if framework.linear:
        upper = combine(base, nodes)
    elif framework.estimand == "index_of_means":
        upper = composites(base.take(range(items)), framework)
    else:
        of_people = _rescaled(totals, dict.fromkeys(framework.respondent_columns, (1.0, 0.0)), facets)
        upper, respondents = ratios(of_people, sample), of_people.per_cell(of_people.count)
    amounts = {indicator.code for indicator in framework.indicators if indicator.statistic == "mean"}
    return Scores(
        measures=framework.measures,
        estimates=side_by_side([upper, base]),
        cells=cells,
        bounded=np.array([code not in amounts for code in framework.measures]),
        parts=np.vstack([nodes != 0, np.eye(nodes.shape[1], dtype=bool)]),
        smooth=np.append(smooth(framework), np.ones(nodes.shape[1], dtype=bool)),
        beyond=beyond,
        respondents=respondents,
    )


def describe(totals: Totals, framework: Framework, *, df: DfRule, level: float) -> dict[str, object]:
    """Provenance that the engine itself knows."""
    design = totals.design
    return {
        "framework": f"{framework.id} {framework.version}",
        "framework_digest": framework.digest,
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
        "aggregation": ", ".join(sorted({node.aggregation for node in framework.nodes})),
        "estimand": framework.estimand.replace("_", " "),
    }


def _rescaled(totals: Totals, wanted: Mapping[str, tuple[float, float]], facets: tuple[str, ...]) -> CellTotals:
    """Totals of scores, better upwards, of the columns named with their slope and shift; mostly 0-100.

    Linear in the answers, so T becomes shift N + slope T and no respondent is read again.
    """
    place = {code: column for column, code in enumerate(totals.measures)}
    unknown = [code for code in wanted if code not in place]
    if unknown:
        raise EstimationError(f"the totals hold no {unknown[0]!r}; reduce again with this framework")
    slope, shift = (np.array(values) for values in zip(*wanted.values(), strict=True))
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


def _lines(totals: Totals, framework: Framework) -> dict[str, tuple[float, float]]:
    """Slope and shift of each item and indicator over its range, by its column in the totals: what the mask reads."""
    for item in framework.items:
        if totals.ranges.get(item.column, item.range) != item.range:
            raise EstimationError(f"item {item.code!r} has another range than when the totals were made; reduce again")
    beside = {part.code: (FULL if part.statistic == "share" else 1.0, 0.0) for part in framework.indicators}
    return lines([replace(item, normalisation="range") for item in framework.items]) | beside


def _simple(scores: Scores, framework: Framework) -> tuple[Floats, Floats]:
    """Variance under simple random sampling: of items and indicators; of composites it is not known (NaN)."""
    columns_ = scores.parts.shape[1]
    measured = simple_variance(scores.cells, kind=["mean"] * columns_)
    if not framework.on_ranges:
        measured = (measured[0] * stretched(framework)[0] ** 2, measured[1] * stretched(framework)[0] ** 2)
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


def answers(scores: Scores) -> Integers:
    """Unweighted answers of each measure, shape (cells, m): of a node those of its weakest part that has any.

    In a mean of indices the respondents who have one, where they are fewer.
    """
    counts = scores.cells.per_cell(scores.cells.count)
    n = np.asarray(weakest(scores, counts, least=True))
    left_out = (n == 0) & ~np.isnan(scores.estimates.values)  # a part without answers, where not all are needed
    if left_out.any():
        some = weakest(scores, np.where(counts > 0, counts, counts.max()), least=True)
        n = np.where(left_out, some, n)
    if scores.respondents is not None:
        nodes = scores.respondents.shape[1]
        n[:, :nodes] = np.minimum(n[:, :nodes], scores.respondents)
    return n


def _tell_beyond(rows: pd.DataFrame, scores: Scores, *, level: float) -> None:
    """Means that passed an end of the scale: t limits of what they were, cut as they are."""
    over = scores.beyond.ravel()
    told = (over != 0) & rows["status"].eq("ok").to_numpy()
    value, se, df = (rows.loc[told, name].to_numpy(dtype=np.float64) for name in ("estimate", "se", "df"))
    limits = intervals(value + over[told], se, df, interval="t", level=level)
    rows.loc[told, "low"], rows.loc[told, "high"] = (np.clip(limit, 0.0, FULL) for limit in limits)
    rows.loc[told, "reason"] = "beyond_scale"


def _tell_rough(rows: pd.DataFrame, scores: Scores, drawn: Sequence[Minimum]) -> None:
    """Measures without a standard error: why, or the interval that was drawn."""
    rough = ~np.tile(scores.smooth, len(scores.cells.labels)) & rows["estimate"].notna().to_numpy()
    rows.loc[rough, ["se", "df", "low", "high", "n_eff", "deff"]] = np.nan
    rows.loc[rough, ["status", "reason"]] = "undefined", "rough"
    for one in drawn:
        at = one.cell * len(scores.measures) + one.node
        rows.loc[at, ["estimate", "low", "high"]] = one.estimate, one.low, one.high
        rows.loc[at, ["status", "reason"]] = "ok", ""


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
    items = [item.scale[1] - item.scale[0] for item in framework.items]
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
