"""Is an index sound? Each node judged by the rules for its kind, among respondents and among units.

Items of a reflective node mirror one thing and must hang together; parts of a formative node make it up and need not,
but none should say what another says, and each should count about as much as its weight says.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from scoring import coherence, moments
from scoring.answers import item_scores, scale_ends
from scoring.cells import sum_sets
from scoring.construction import build
from scoring.design import Floats, Integers, SurveyDesign
from scoring.errors import EstimationError
from scoring.estimates import Sample, covariance, flattened, ratios, transform, variance
from scoring.findings import SURE, Finding, judged
from scoring.framework import Framework
from scoring.indices import Scores, assemble
from scoring.intervals import intervals
from scoring.nodes import Node
from scoring.totals import reduce, to_pandas
from scoring.units import units as sampling_units
from scoring.units import weights

FEWEST = 50  # complete answers of respondents
HALF = 0.5  # of the parts of a respondent's node that must be answered
FULL = 100.0

#: Why a figure is missing, or to be read with care.
REASONS: Mapping[str, str] = {
    "": "nothing to add",
    "few_answers": f"fewer than {FEWEST} respondents answered all parts",
    "few_parts": "too few parts for this figure",
    "many_parts": f"more than {coherence.MOST_PARTS} parts",
    "few_units": f"fewer than {coherence.FEW_UNITS} units with all parts",
    "no_spread": "units do not differ by more than chance",
    "beyond_one": "more than 1 once sampling error is taken out: read it as near 1",
    "mixture": "a part is a mixture of the others, or their correlations contradict one another",
    "no_factor": "one factor does not fit: it would explain a part wholly",
    "not_arithmetic": "the node is no weighted mean, so that shares of its variance are not defined",
}


@dataclass(frozen=True, slots=True)
class Soundness:
    """Figures and findings.

    Attributes
    ----------
    nodes : DataFrame
        Reflective nodes: `node`, `n` respondents who answered all `parts`, `alpha` with `low` and `high`, `omega`,
        `share` and `residual` of one factor, `reason`.
    parts : DataFrame
        Parts of every node at each `level`: `node`, `kind`, `part`, `n`, `weight`; of reflective nodes `rest`
        (correlation with the rest) and `loading`; of formative ones `inflation` (VIF), `influence`, `squared`
        (correlation with the node); `reason`.
    correlations : DataFrame
        Of parts of the same node at each `level`: `first`, `second`, `correlation`, between units its lower limit
        `low` (`coherence.surely`), `n`, `reason`.
    items : DataFrame
        `item`, `n`, share of worst answers `floor` and of best answers `ceiling`.
    compensation : DataFrame
        `node`, `part`, `floor`, `units`; in `below` of them the part is below the floor, in `offset` of those the
        node is not.
    findings : tuple of Finding
    """

    nodes: pd.DataFrame
    parts: pd.DataFrame
    correlations: pd.DataFrame
    items: pd.DataFrame
    compensation: pd.DataFrame
    findings: tuple[Finding, ...] = ()


def soundness(
    frame: Any,  # noqa: ANN401 - any frame narwhals knows
    framework: Framework,
    design: SurveyDesign,
    *,
    units: str | Sequence[str] = (),
    floor: float = 50.0,
) -> Soundness:
    """Judge every node of a framework by the rules for its kind.

    Parameters
    ----------
    frame : pandas or polars frame, DuckDB relation, or anything narwhals takes
        Coded answers, columns of the design and of the units. Respondents are read once for their covariances.
    framework : Framework
    design : SurveyDesign
    units : str or sequence of str, optional
        Columns that name what is compared, such as side and post; without them respondents alone are looked at.
        Correlations between units are freed of sampling error and taken within waves.
    floor : float
        Below it a part of a unit counts as low: how often does the node hide it?

    Returns
    -------
    Soundness
        Exact and unprotected: for those who hold the data.
    """
    facets = (units,) if isinstance(units, str) else tuple(units)
    codes = tuple(item.code for item in framework.items)
    data = to_pandas(frame, (*design.columns, *facets, *codes))
    found = sampling_units(data, design)
    weight, answers = weights(data, design, found), item_scores(data, framework)
    levels, compared = [_respondents(answers, weight, framework)], pd.DataFrame(columns=list(_COMPENSATION))
    if facets:
        bare = replace(framework, indicators=())  # what stands beside the indices need not be in the data
        scores = assemble(reduce(frame, bare, design, facets=[facets]), bare, facets)
        levels.append(_units(scores, framework))
        compared = _compensated(scores, framework, floor)
    tables = (
        pd.DataFrame(_reflective(answers, weight, framework, Sample(found, design)), columns=list(_NODES)),
        pd.DataFrame(_parts(levels, framework), columns=list(_PARTS)),
        pd.DataFrame(_pairs(levels, framework), columns=list(_PAIRS)),
        _ends(answers, weight, framework),
        compared,
    )
    return Soundness(*tables, judged(*tables, _elsewhere(levels[0], framework)))


_NODES = ("node", "parts", "n", "alpha", "low", "high", "omega", "share", "residual", "reason")
_PARTS = (
    "level", "node", "kind", "part", "n", "weight", "rest", "loading", "inflation", "influence", "squared", "reason"
)  # fmt: skip
_PAIRS = ("level", "node", "kind", "first", "second", "correlation", "low", "n", "reason")
_COMPENSATION = ("node", "part", "floor", "units", "below", "offset")


@dataclass(frozen=True, slots=True)
class _Level:
    """Respondents or units: covariance of any measures, and on how many each rests; the fewest that are enough."""

    name: str
    of: Callable[[Sequence[str]], tuple[Floats, Integers]]
    fewest: int
    few: str
    correlated: Callable[[Sequence[str]], dict[str, Any]]

    def known(self, codes: Sequence[str]) -> tuple[Floats, Integers, str]:
        """Covariance and numbers of these measures, and why nothing can be made of them."""
        matrix, n = self.of(codes)
        if n.min() < self.fewest:
            return matrix, n, self.few
        return matrix, n, "" if (np.diag(matrix) > 0).all() else "no_spread"


def _respondents(answers: Floats, weight: Floats, framework: Framework) -> _Level:
    """Each two measures over those who have both; a respondent's node needs half of its parts."""
    nodes = build(np.clip(answers, 0.0, FULL), framework.arrays(), coverage=HALF)
    place = {part.code: number for number, part in enumerate(framework.tree)}
    matrix, n = coherence.pairwise(np.hstack([nodes, answers]), weight)

    def of(codes: Sequence[str]) -> tuple[Floats, Integers]:
        at = np.ix_(*(2 * [[place[code] for code in codes]]))
        return matrix[at], n[at]

    def correlated(pair: Sequence[str]) -> dict[str, Any]:
        return {"correlation": coherence.correlations(of(pair)[0])[0, 1], "low": np.nan, "reason": ""}

    return _Level("respondent", of, FEWEST, "few_answers", correlated)


def _units(scores: Scores, framework: Framework) -> _Level:
    """Measures over units that have all of them and a standard error, freed of sampling error, within waves."""
    place = {part.code: number for number, part in enumerate(framework.tree)}
    smooth = np.flatnonzero(scores.smooth[: len(place)])
    estimates = scores.estimates
    judged_ = variance(estimates).design_df > 0
    wave = pd.factorize(scores.cells.labels["wave"])[0]
    sampling = np.full((len(wave), len(place), len(place)), np.nan)
    for cell in range(len(wave)):
        found = covariance(flattened(estimates, [(cell, int(column)) for column in smooth]))
        sampling[cell][np.ix_(smooth, smooth)] = found

    def usable(codes: Sequence[str]) -> tuple[Floats, Floats, Integers]:
        at = [place[code] for code in codes]
        values, errors = estimates.values[:, at], sampling[:, at][:, :, at]
        known = np.isfinite(values).all(axis=1) & judged_[:, at].all(axis=1) & np.isfinite(errors).all(axis=(1, 2))
        return values[known], errors[known], wave[known]

    def of(codes: Sequence[str]) -> tuple[Floats, Integers]:
        chosen = usable(codes)
        n = np.full((len(codes), len(codes)), len(chosen[0]))
        if n[0, 0] < coherence.FEW_UNITS:
            return np.full(n.shape, np.nan), n
        return coherence.between(*chosen), n

    return _Level("unit", of, coherence.FEW_UNITS, "few_units", lambda pair: coherence.correlated(*usable(pair)))


Rows = Iterator[dict[str, Any]]


def _weights(framework: Framework, node: Node) -> Floats:
    given = np.array([part.weight for part in framework.parts(node.code)])
    return np.asarray(given / given.sum())


def _reflective(answers: Floats, weight: Floats, framework: Framework, sample: Sample) -> Rows:
    """Reliability and one-factor fit of reflective nodes over items, from those who answered all of them."""
    place = {item.code: number for number, item in enumerate(framework.items)}
    for node in framework.nodes:
        codes = [part.code for part in framework.parts(node.code)]
        if node.kind != "reflective" or not set(codes) <= place.keys():
            continue
        scores = answers[:, [place[code] for code in codes]]
        complete = ~np.isnan(scores).any(axis=1) & (weight > 0)
        row = {"node": node.code, "parts": len(codes), "n": int(complete.sum()), "reason": ""}
        if len(codes) < 2 or complete.sum() < FEWEST:  # noqa: PLR2004 - one alone is not many
            yield row | {"reason": "few_parts" if len(codes) < 2 else "few_answers"}  # noqa: PLR2004
            continue
        row |= _alpha(scores, weight, sample)
        matrix = coherence.pairwise(np.where(complete[:, None], scores, np.nan), weight)[0]
        yield row | _factor(matrix, _weights(framework, node))


def _alpha(scores: Floats, weight: Floats, sample: Sample) -> dict[str, Any]:
    """Weighted alpha of all waves together with its interval, from those who answered all (R `svycralpha`)."""
    names = [str(place) for place in range(scores.shape[1])]
    everybody = np.zeros(len(scores), dtype=np.int64), pd.DataFrame(index=[0])
    cells = sum_sets(sample.units, {(): everybody}, weight, moments.columns(names, list(scores.T)))[()]
    n = cells.per_cell(cells.count)[:, 0]
    found = transform(ratios(cells, sample), lambda means: moments.alpha(means, n / (n - 1.0)))
    spread = variance(found)
    low, high = intervals(found.values, np.sqrt(spread.variance), spread.design_df, interval="t", level=0.95)
    return {"alpha": found.values.item(), "low": low.item(), "high": high.item()}


def _factor(matrix: Floats, weights_: Floats) -> dict[str, Any]:
    if len(matrix) < 3:  # noqa: PLR2004 - two correlations are needed to part what is shared
        return {"reason": "few_parts"}
    if not coherence.coherent(matrix):
        return {"reason": "mixture"}
    try:
        found = coherence.factor(matrix, weights_)
    except EstimationError:
        return {"reason": "no_factor"}
    return {"omega": found.omega, "share": found.share, "residual": found.residual}


def _parts(levels: Sequence[_Level], framework: Framework) -> Rows:
    """Figures of each part within its node, at each level."""
    for level in levels:
        for node in framework.nodes:
            parts, shares = framework.parts(node.code), _weights(framework, node)
            codes = [part.code for part in parts]
            matrix, n, reason = level.known(codes)
            figures: dict[str, Any] = {}
            if not reason:
                figures = _FIGURES[node.kind](matrix, shares, node)
            reason = reason or figures.pop("reason", "")
            own = {"level": level.name, "node": node.code, "kind": node.kind, "reason": reason}
            for place, code in enumerate(codes):
                row = own | {"part": code, "n": int(n[place].min()), "weight": shares[place]}
                yield row | {name: values[place] for name, values in figures.items()}


def _mirrored(matrix: Floats, shares: Floats, _: Node) -> dict[str, Any]:
    """Of reflective nodes: correlation of each part with the rest, loading on one factor."""
    if len(matrix) < 2:  # noqa: PLR2004 - nothing is left beside it
        return {"reason": "few_parts"}
    found: dict[str, Any] = {"rest": coherence.rest_correlations(matrix, shares)}
    if len(matrix) < 3:  # noqa: PLR2004 - as in `_factor`
        return found | {"reason": "few_parts"}
    if not coherence.coherent(matrix):
        return found | {"reason": "mixture"}
    try:
        return found | {"loading": coherence.factor(matrix, shares).loadings}
    except EstimationError:
        return found | {"reason": "no_factor"}


def _made_up(matrix: Floats, shares: Floats, node: Node) -> dict[str, Any]:
    """Of formative nodes: redundancy and influence."""
    if not coherence.coherent(matrix):
        return {"reason": "mixture"}
    found: dict[str, Any] = {"inflation": coherence.inflation(matrix)}
    if node.aggregation != "arithmetic":
        return found | {"reason": "not_arithmetic"}
    found["squared"] = coherence.main_effects(matrix, shares)
    if len(shares) > coherence.MOST_PARTS:
        return found | {"reason": "many_parts"}
    return found | {"influence": coherence.influence(matrix, shares)}


_FIGURES: Mapping[str, Callable[[Floats, Floats, Node], dict[str, Any]]] = {
    "reflective": _mirrored,
    "formative": _made_up,
}


def _pairs(levels: Sequence[_Level], framework: Framework) -> Rows:
    """Correlations of the parts of each node."""
    for level in levels:
        for node in framework.nodes:
            for pair in combinations([part.code for part in framework.parts(node.code)], 2):
                _, n, reason = level.known(pair)
                row = {"level": level.name, "node": node.code, "kind": node.kind, "first": pair[0], "second": pair[1]}
                yield row | {"n": int(n[0, 1]), **({"reason": reason} if reason else level.correlated(pair))}


def _elsewhere(level: _Level, framework: Framework) -> Rows:
    """Items of reflective nodes that go with another node of the same height more than with the rest of their own."""
    for node in framework.nodes:
        others = [one.code for one in framework.nodes if (one.parent is None) == (node.parent is None) and one != node]
        parts, shares = framework.parts(node.code), _weights(framework, node)
        codes = [part.code for part in parts]
        matrix, own, reason = level.known(codes)
        if node.kind != "reflective" or len(codes) < 2 or reason:  # noqa: PLR2004 - as in `_mirrored`
            continue
        for code, rest in zip(codes, coherence.rest_correlations(matrix, shares), strict=True):
            for other in others:
                outside, count, unknown = level.known((code, other))
                r = np.nan if unknown else coherence.correlations(outside)[0, 1]
                if r > rest + SURE / np.sqrt(count.min()):
                    yield {
                        "node": node.code,
                        "part": code,
                        "rest": float(rest),
                        "other": other,
                        "correlation": float(r),
                        "n": int(min(own.min(), count.min())),
                    }


def _ends(answers: Floats, weight: Floats, framework: Framework) -> pd.DataFrame:
    """Weighted shares of the worst and the best answer to each item."""
    rows = []
    for given, item in zip(answers.T, framework.items, strict=True):
        r = ~np.isnan(given) & (weight > 0)
        low, high = scale_ends(item)
        row = {"item": item.code, "n": int(r.sum()), "floor": np.nan, "ceiling": np.nan}
        if r.any():
            w = weight[r]
            row |= {
                "floor": w @ np.isclose(given[r], low) / w.sum(),
                "ceiling": w @ np.isclose(given[r], high) / w.sum(),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def _compensated(scores: Scores, framework: Framework, floor: float) -> pd.DataFrame:
    """How often a part of a unit is low while its node is not: the others offset it."""
    place = {code: number for number, code in enumerate(scores.measures)}
    rows = []
    for node in framework.nodes:
        whole = scores.estimates.values[:, place[node.code]]
        for part in framework.parts(node.code):
            own = scores.estimates.values[:, place[part.code]]
            known = np.isfinite(own) & np.isfinite(whole)
            below = known & (own < floor)
            counts = (known.sum(), below.sum(), (below & (whole >= floor)).sum())
            rows.append((node.code, part.code, floor, *(int(count) for count in counts)))
    return pd.DataFrame(rows, columns=list(_COMPENSATION))
