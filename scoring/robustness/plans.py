"""A framework as somebody would have it: other weights, other aggregations, fewer items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scoring.aggregation import Aggregation, known
from scoring.construction import Tree, gradients
from scoring.design import Floats
from scoring.errors import RequestError
from scoring.framework import Framework
from scoring.robustness.published import Published

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Plan:
    """A framework as somebody would have it: its tree with weights and aggregations of their own; see `plan`.

    Attributes
    ----------
    items, nodes : tuple of str
        Codes, in the order of the tree.
    indices : tuple of str
        Nodes that stand under no other.
    tree : Tree
        A part of weight 0 is left out.
    used : ndarray of bool, shape (nodes, items)
        Whether a node rests on an item.
    """

    items: tuple[str, ...]
    nodes: tuple[str, ...]
    indices: tuple[str, ...]
    tree: Tree
    used: Flags

    def places(self, measures: Sequence[str]) -> list[int]:
        """Numbers of these nodes; raises RequestError for one that is none."""
        unknown = [code for code in measures if code not in self.nodes]
        if unknown:
            raise RequestError(f"{unknown[0]!r} is no index or dimension; there are {', '.join(self.nodes)}")
        return [self.nodes.index(code) for code in measures]


def plan(
    framework: Framework,
    *,
    weights: Mapping[str, float] | None = None,
    aggregation: Aggregation | Mapping[str, Aggregation] | None = None,
    left_out: Sequence[str] = (),
) -> Plan:
    """A framework with some of its choices changed.

    Parameters
    ----------
    framework : Framework
    weights : mapping of str to float, optional
        Of items and dimensions inside their parents, in place of those of the framework; 0 leaves one out.
    aggregation : str or mapping of str to str, optional
        Of all indices and dimensions, or of some.
    left_out : sequence of str
        Items and dimensions. A dimension whose items are all left out is left out itself.

    Raises
    ------
    RequestError
        A code is unknown, a weight is below 0 or not finite, or nothing is left of an index.
    """
    if framework.estimand != "index_of_means":
        raise RequestError(
            "the framework is a mean of respondents' indices, which published items do not tell; take an index of means"
        )
    tree = framework.arrays()
    items, nodes = (tuple(part.code for part in parts) for parts in (framework.items, framework.nodes))
    given = _given((*items, *nodes), tree.weights, {**(weights or {}), **dict.fromkeys(left_out, 0.0)})
    own = dict.fromkeys(nodes, aggregation) if isinstance(aggregation, str) else dict(aggregation or {})
    unknown = own.keys() - set(nodes)
    if unknown:
        raise RequestError(f"{min(unknown)!r} is no index or dimension; there are {', '.join(nodes)}")
    hows = tuple(known(own.get(code) or how) for code, how in zip(nodes, tree.aggregations, strict=True))
    indices = tuple(node.code for node in framework.nodes if node.parent is None)
    left, emptied = _standing(tree, given)
    gone = [nodes[node] for node in emptied if nodes[node] in indices]
    if gone:
        raise RequestError(f"nothing is left of {gone[0]!r}; keep one of its parts")
    changed = replace(tree, weights=left, aggregations=hows)
    used = gradients(np.zeros(len(items)), changed, how="arithmetic") > 0
    return Plan(items, nodes, indices, changed, used)


def _given(codes: Sequence[str], weights: Floats, wanted: Mapping[str, float]) -> Floats:
    """Weights of all parts with those wanted in their places."""
    out = weights.copy()
    for code, weight in wanted.items():
        if code not in codes:
            raise RequestError(f"the framework has no part {code!r}; its parts are {', '.join(codes)}")
        if not 0 <= weight < np.inf:
            raise RequestError(f"weight of {code!r} is {weight}; give 0 or a number above it")
        out[codes.index(code)] = weight
    return out


def without(chosen: Plan, item: int, index: int) -> Floats | None:
    """Weights of the parts with one item left out, or None where nothing would be left of the index."""
    weights = chosen.tree.weights.copy()
    weights[item] = 0.0
    left, emptied = _standing(chosen.tree, weights)
    return None if index in emptied else left


def _standing(tree: Tree, weights: Floats) -> tuple[Floats, list[int]]:
    """Weights in which a node with nothing left under it stands for nothing either; and the nodes that are so.

    Inside such a node the tree's own weights stay: they count for nothing, but a weighted mean needs some.
    """
    out, emptied = weights.copy(), []
    for node in tree.order:
        parts = list(tree.parts[node])
        if not (out[parts] > 0).any():
            out[parts] = np.where(tree.weights[parts] > 0, tree.weights[parts], 1.0)
            out[tree.items + node] = 0.0
            emptied.append(node)
    return out, emptied


def held(published: Published, chosen: Plan) -> list[str]:
    """Indices of which the release holds at least one item; raises RequestError where there is none."""
    seen = np.isin(chosen.items, published.items)
    found = [code for code in chosen.indices if chosen.used[chosen.nodes.index(code), seen].any()]
    if not found:
        raise RequestError(f"the release holds no item of {', '.join(chosen.indices)}; it holds {published.items}")
    return found
