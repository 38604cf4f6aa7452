"""Other ways in which an index could have been made, drawn at random, and what its scores would be in each of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from scipy import special

from scoring.aggregation import Aggregation, known
from scoring.construction import Tree, build, gradients
from scoring.design import Floats, Integers
from scoring.errors import RequestError
from scoring.normalisation import declared, over_units
from scoring.robustness.plans import Plan, held, without
from scoring.robustness.published import TOP, Published, arranged

Normalisation = Literal["range", "z", "percentile rank", "min-max"]
GROUPS = ("normalisation", "weights", "aggregation", "item", "sampling")
EDGE = 1e-12  # a uniform number of exactly 0 or 1 has no normal quantile


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What is varied, and how far; shares of uncertainty hold for these ranges and no others.

    Attributes
    ----------
    normalisations : tuple of str
        Equally likely. "range" is the published score as it is; "z" has as its baseline the mean and standard
        deviation of each item over the units as published; "percentile rank" and "min-max" are taken over the units.
        All of them are laid on the scale of the scores, see `Simulation`.
    weights : float
        Every weight is multiplied by a number between 1 - this and 1 + this, each by its own, evenly likely.
    aggregations : tuple of str
        Equally likely, for all nodes but those that take a minimum; empty leaves the nodes as they are.
    leave_out : bool
        One item of each index is left out, or none: each possibility equally likely.
    sampling : bool
        Scores are redrawn from the normal distribution with their published standard errors and correlation.
    """

    normalisations: tuple[Normalisation, ...] = get_args(Normalisation)
    weights: float = 0.25
    aggregations: tuple[Aggregation, ...] = ("arithmetic", "geometric", "harmonic")
    leave_out: bool = True
    sampling: bool = True

    def __post_init__(self) -> None:
        unknown = set(self.normalisations) - set(get_args(Normalisation))
        if unknown or not self.normalisations:
            raise RequestError(f"normalisations are {self.normalisations}; give some of {get_args(Normalisation)}")
        if not 0 <= self.weights < 1:
            raise RequestError(f"weights vary by {self.weights}; give a share from 0 to below 1, such as 0.25")
        for how in self.aggregations:
            if known(how) == "minimum":
                raise RequestError(
                    "a minimum is no alternative to a mean: it is another index; ask for it as a what-if"
                )


NONE = Alternatives(("range",), 0.0, (), leave_out=False, sampling=False)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A function from points of the unit cube to scores; see `simulation`.

    A normalisation over units has no scale of its own. It is laid on that of the scores by one line for all items of an
    index: the published figures keep the mean of the index and the root mean square of the standard deviations of its
    items over the units, both with the nominal weights. Then it is cut to 0-100. Ranks under arithmetic aggregation
    are those of the normalisation itself, and scores of all runs can be put side by side.

    Attributes
    ----------
    shown : Published
        Items in the order of the plan.
    chosen : Plan
    indices : tuple of int
        Nodes that are scored.
    alternatives : Alternatives
    kept : ndarray of float, shape (possibilities, parts)
        For each item left out, 0 where a part is left out with it, else 1; the first possibility leaves out none.
    options : tuple of ndarray of int
        Rows of `kept` among which each index draws.
    lines : tuple of (slope, shift), each an ndarray of float, shape (k,)
        Of each normalisation, from what it gives to the scale of the scores.
    root : ndarray of float, shape (k, k)
        A root of the correlation.
    """

    shown: Published
    chosen: Plan
    indices: tuple[int, ...]
    alternatives: Alternatives
    kept: Floats
    options: tuple[Integers, ...]
    lines: tuple[tuple[Floats, Floats], ...]
    root: Floats

    @property
    def groups(self) -> Mapping[str, int]:
        """Number of inputs of each group, in the order in which `scores` takes them."""
        sizes = (1, self.chosen.tree.weights.size, 1, 1, self.shown.estimate.size)
        return dict(zip(GROUPS, sizes, strict=True))

    @property
    def nominal(self) -> Floats:
        """Scores as published, shape (units, indices); NaN where an item is hidden."""
        return build(self.shown.estimate, self.chosen.tree)[:, list(self.indices)]

    def scores(self, points: Floats) -> Floats:
        """Scores of runs: points uniform on 0-1, shape (runs, inputs) -> (runs, units, indices)."""
        ends = np.cumsum([*self.groups.values()])[:-1]
        normalisation, weights, aggregation, item, sampling = np.split(points, ends, axis=1)
        values = self._drawn(sampling)
        w = self._weights(weights) * self._left(item)
        scale, how = _choice(normalisation, len(self.alternatives.normalisations)), self._hows(aggregation)
        out = np.empty((len(points), len(self.shown.units), len(self.indices)))
        for number in np.unique(scale):
            own = scale == number
            raw = _raw(values[own], self.alternatives.normalisations[number])
            values[own] = declared(raw, *self.lines[number])
        for number in np.unique(how):
            own = how == number
            tree = self._tree(number)
            out[own] = build(values[own], tree, weights=w[own][:, None, :])[..., list(self.indices)]
        return np.where(np.isnan(self.nominal), np.nan, out)

    def _drawn(self, points: Floats) -> Floats:
        """Scores with their sampling errors, shape (runs, units, items)."""
        shape = (len(points), *self.shown.estimate.shape)
        if not self.alternatives.sampling:
            return np.broadcast_to(self.shown.estimate, shape).copy()
        errors = special.ndtri(np.clip(points, EDGE, 1 - EDGE)).reshape(shape) @ self.root.T
        return np.clip(self.shown.estimate + np.nan_to_num(self.shown.se) * errors, 0.0, TOP)

    def _weights(self, points: Floats) -> Floats:
        return self.chosen.tree.weights * (1 + self.alternatives.weights * (2 * points - 1))

    def _left(self, points: Floats) -> Floats:
        """1, and 0 for the parts that a run leaves out, shape (runs, parts)."""
        out = np.ones((len(points), self.kept.shape[1]))
        for rows in self.options:
            out *= self.kept[rows[_choice(points, rows.size)]]
        return out

    def _hows(self, points: Floats) -> Integers:
        """Number of the aggregation of each run, -1 where nodes keep their own."""
        hows = len(self.alternatives.aggregations)
        return _choice(points, hows) if hows else np.full(len(points), -1)

    def _tree(self, number: int) -> Tree:
        tree = self.chosen.tree
        if number < 0:
            return tree
        how = self.alternatives.aggregations[number]
        return replace(tree, aggregations=tuple(own if own == "minimum" else how for own in tree.aggregations))


def simulation(published: Published, chosen: Plan, alternatives: Alternatives) -> Simulation:
    """All that does not change from run to run."""
    indices = chosen.places(held(published, chosen))
    shown = arranged(published, chosen.items)
    rows, options = [np.ones(chosen.tree.weights.size)], []
    for index in indices:
        own = [0]
        for item in np.flatnonzero(chosen.used[index]) if alternatives.leave_out else ():
            weights = without(chosen, int(item), index)
            if weights is not None:
                own.append(len(rows))
                rows.append((weights > 0).astype(np.float64))
        options.append(np.array(own))
    spectrum, vectors = np.linalg.eigh(shown.correlation)
    root = (vectors * np.sqrt(np.maximum(spectrum, 0.0))) @ vectors.T
    loadings = gradients(np.zeros(shown.estimate.shape[1]), chosen.tree, how="arithmetic")[indices]
    lines = tuple(_line(shown.estimate, how, loadings) for how in alternatives.normalisations)
    return Simulation(shown, chosen, tuple(indices), alternatives, np.array(rows), tuple(options), lines, root)


def _choice(points: Floats, size: int) -> Integers:
    """One of `size` equally likely possibilities for each run."""
    return np.minimum((points[:, 0] * size).astype(np.int64), size - 1)


def _raw(values: Floats, how: Normalisation) -> Floats:
    """Values as a normalisation gives them, before they are laid on a scale; halfway where all units are equal."""
    if how == "range" or how == "z":  # noqa: PLR1714 - so that the type is narrowed
        return values
    made = over_units(values, how, ties="average")
    return np.where(np.isnan(made) & ~np.isnan(values), TOP / 2, made)


def _line(published: Floats, how: Normalisation, loadings: Floats) -> tuple[Floats, Floats]:
    """Slope and shift of each item by which a normalisation is laid on the scale of the scores."""
    slope, shift = np.ones(published.shape[1]), np.zeros(published.shape[1])
    if how == "range":
        return slope, shift
    mean, sd = _moments(published)
    level, width = _moments(_raw(published, how))
    for weights in loadings:
        own = np.flatnonzero((weights > 0) & ~np.isnan(mean))
        if not own.size:  # hidden in every unit
            continue
        centre, spread = np.average(mean[own], weights=weights[own]), _typical(sd[own], weights[own])
        if how == "z":
            slope[own] = np.divide(spread, sd[own], out=np.ones(own.size), where=sd[own] > 0)
            shift[own] = centre - slope[own] * mean[own]
        else:
            whole = _typical(width[own], weights[own])
            slope[own] = spread / whole if whole > 0 else 0.0
            shift[own] = centre - slope[own] * np.average(level[own], weights=weights[own])
    return slope, shift


def _moments(values: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each item over the units that have it; NaN where none has."""
    known_ = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known_, values, 0.0).sum(axis=0) / known_.sum(axis=0)
        square = np.where(known_, values - mean, 0.0) ** 2
        return mean, np.sqrt(square.sum(axis=0) / known_.sum(axis=0))


def _typical(sd: Floats, weights: Floats) -> float:
    """Weighted root mean square of the standard deviations of items."""
    return float(np.sqrt(np.average(sd**2, weights=weights)))
