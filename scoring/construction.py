"""A whole composite at once: parts are aggregated, node by node, up a tree of weighted parts.

Arrays alone, so that one call serves thousands of runs times units: what-if, Monte Carlo and Sobol all ask `build`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scoring.aggregation import ALL, Aggregation, aggregate, gradient, known
from scoring.design import Floats
from scoring.errors import FrameworkError, RequestError


class Part(Protocol):
    """An item or a node under its parent, such as those of a `Framework`."""

    @property
    def code(self) -> str: ...  # noqa: D102 - the protocol's words are the class's

    @property
    def parent(self) -> str | None: ...  # noqa: D102

    @property
    def weight(self) -> float: ...  # noqa: D102


class Composite(Part, Protocol):
    """A node that is made of its parts."""

    @property
    def aggregation(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Tree:
    """Which parts make up each node, in numbers: part p is item p, or node p - items.

    Attributes
    ----------
    items : int
    parts : tuple of tuple of int, one for each node
    weights : ndarray of float, shape (items + nodes,)
        Of each part inside its parent, above 0; only their ratios count.
    aggregations : tuple of str, one for each node
    order : tuple of int
        Nodes, each after those under it.
    """

    items: int
    parts: tuple[tuple[int, ...], ...]
    weights: Floats
    aggregations: tuple[Aggregation, ...]
    order: tuple[int, ...]

    @classmethod
    def of(cls, items: Sequence[Part], nodes: Sequence[Composite]) -> "Tree":
        """Tree of a framework: `Tree.of(framework.items, framework.nodes)`; columns stay in the order given.

        Raises
        ------
        FrameworkError
            If a code stands twice, a parent does not exist, a node has no parts or stands under itself, or an
            aggregation is not known.
        """
        members: list[Part] = [*items, *nodes]
        place = {part.code: number for number, part in enumerate(members)}
        below: dict[str, list[int]] = {node.code: [] for node in nodes}
        _check(members, nodes, place, below)
        for number, part in enumerate(members):
            if part.parent is not None:
                below[part.parent].append(number)
        empty = [code for code, parts in below.items() if not parts]
        if empty:
            raise FrameworkError(f"{empty[0]}: has no parts; give it one or remove it")
        first = len(items)
        parts = tuple(tuple(below[node.code]) for node in nodes)
        return cls(
            items=first,
            parts=parts,
            weights=np.array([float(part.weight) for part in members]),
            aggregations=tuple(known(node.aggregation) for node in nodes),
            order=_order({node: [p - first for p in own if p >= first] for node, own in enumerate(parts)}, nodes),
        )

    @property
    def smooth(self) -> npt.NDArray[np.bool_]:
        """Whether no minimum is taken in a node or under it, shape (nodes,): the delta method holds there."""
        found = np.ones(len(self.parts), dtype=bool)
        for node in self.order:
            under = [part - self.items for part in self.parts[node] if part >= self.items]
            found[node] = self.aggregations[node] != "minimum" and found[under].all()
        return found


def build(
    values: Floats,
    tree: Tree,
    *,
    weights: Floats | None = None,
    how: Aggregation | Sequence[Aggregation] | None = None,
    coverage: float = ALL,
    mapped: bool = True,
) -> Floats:
    """Every node of a tree at once.

    Parameters
    ----------
    values : ndarray of float, shape (..., items)
        Normalised, better upwards; such as runs x units x items.
    tree : Tree
    weights : ndarray of float, shape (..., items + nodes), optional
        In place of those of the tree, broadcast to the leading axes of `values`: of runs x 1 x parts each run has its
        own. A part of weight 0 is left out.
    how : str or sequence of str, optional
        In place of the aggregations of the tree: one for all nodes, or one for each.
    coverage, mapped
        See `aggregate`.

    Returns
    -------
    ndarray of float, shape (..., nodes)
    """
    w = tree.weights if weights is None else weights
    hows = _hows(tree, how)
    made = np.full((*_leading(values, w), len(tree.parts)), np.nan)
    for node in tree.order:
        parts = list(tree.parts[node])
        below = _columns(values, made, parts, tree.items)
        made[..., node] = aggregate(below, w[..., parts], hows[node], coverage=coverage, mapped=mapped)
    return made


def gradients(
    values: Floats,
    tree: Tree,
    *,
    weights: Floats | None = None,
    how: Aggregation | Sequence[Aggregation] | None = None,
    coverage: float = ALL,
    mapped: bool = True,
) -> Floats:
    """Derivative of each node of `build` by each item, by the chain rule.

    Returns
    -------
    ndarray of float, shape (..., nodes, items)
        NaN alone in the rows of nodes that rest on a minimum; 0 where a node has no figure. Of an arithmetic tree
        these are the effective weights of the items, whatever the values.
    """
    w = tree.weights if weights is None else weights
    hows = _hows(tree, how)
    made = build(values, tree, weights=w, how=hows, coverage=coverage, mapped=mapped)
    slopes = np.zeros((*made.shape, tree.items))
    for node in tree.order:
        parts = list(tree.parts[node])
        if hows[node] == "minimum":
            slopes[..., node, :] = np.nan
            continue
        below = _columns(values, made, parts, tree.items)
        own = gradient(below, w[..., parts], hows[node], coverage=coverage, mapped=mapped)
        for column, part in enumerate(parts):
            if part < tree.items:
                slopes[..., node, part] += own[..., column]
            else:
                slopes[..., node, :] += own[..., [column]] * slopes[..., part - tree.items, :]
    return slopes


def _columns(values: Floats, made: Floats, parts: Sequence[int], items: int) -> Floats:
    """Values of the parts of a node, shape (..., parts)."""
    if all(part < items for part in parts):
        return values[..., parts]
    each = [values[..., part] if part < items else made[..., part - items] for part in parts]
    return np.stack(np.broadcast_arrays(*each), axis=-1)


def _leading(values: Floats, weights: Floats) -> tuple[int, ...]:
    return np.broadcast_shapes(values.shape[:-1], weights.shape[:-1])


def _hows(tree: Tree, how: Aggregation | Sequence[Aggregation] | None) -> tuple[Aggregation, ...]:
    """Aggregation of each node."""
    if how is None:
        return tree.aggregations
    hows = (how,) * len(tree.parts) if isinstance(how, str) else tuple(how)
    if len(hows) != len(tree.parts):
        raise RequestError(f"{len(hows)} aggregations for {len(tree.parts)} nodes; give one, or one for each node")
    return tuple(known(one) for one in hows)


def _check(
    members: Sequence[Part], nodes: Sequence[Composite], place: Mapping[str, int], below: Mapping[str, object]
) -> None:
    if len(place) < len(members):
        codes = [part.code for part in members]
        twice = next(code for code in codes if codes.count(code) > 1)
        raise FrameworkError(f"{twice}: this code is used twice; an item or node stands under one parent only")
    for part in members:
        if part.parent is not None and part.parent not in below:
            raise FrameworkError(f"{part.code}: parent {part.parent!r} is not a node; name one that is")
        if not 0 < part.weight < np.inf:
            raise FrameworkError(f"{part.code}: weight is {part.weight!r}; give a number above 0")
    for node in nodes:
        known(node.aggregation)


def _order(under: Mapping[int, Sequence[int]], nodes: Sequence[Composite]) -> tuple[int, ...]:
    try:
        return tuple(TopologicalSorter(under).static_order())
    except CycleError as error:
        ring = " under ".join(nodes[node].code for node in error.args[1])
        raise FrameworkError(f"{ring}: a node stands under itself; take one of these parents away") from error
