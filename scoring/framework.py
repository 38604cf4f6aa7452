"""The framework: a tree of weighted parts, read from TOML text (`definition` reads, `versions` compares)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from scoring.construction import Tree
from scoring.definition import read
from scoring.design import Floats
from scoring.errors import FrameworkError
from scoring.nodes import Bridge, Direction, Estimand, Indicator, Item, Node, Population

__all__ = ["Bridge", "Direction", "Estimand", "Framework", "Indicator", "Item", "Node", "Population"]


@dataclass(frozen=True, slots=True)
class Framework:
    """A versioned definition of indices.

    Attributes
    ----------
    id, version, title : str
    nodes : tuple of Node
        Indices and dimensions, each after those above it.
    items : tuple of Item
        The questions under them.
    indicators : tuple of Indicator
        What stands beside.
    populations : tuple of Population
        Surveys that are joined, see `scoring.populations`; empty where there is one.
    bridges : tuple of Bridge
        What may be joined with earlier versions, see `scoring.versions`.
    estimand : {"index_of_means", "mean_of_indices"}
        Whether a node is made of the means of its parts, or is the mean of the nodes of respondents.
    minimum_answered : float
        Least share of the parts of a node that must have a figure: in a cell for an index of means, of a respondent
        for a mean of indices. Below it there is no figure; above it the weights of missing parts pass to the others.
    """

    id: str
    version: str
    title: str
    nodes: tuple[Node, ...]
    items: tuple[Item, ...]
    indicators: tuple[Indicator, ...]
    populations: tuple[Population, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    estimand: Estimand = "index_of_means"
    minimum_answered: float = 1.0

    @classmethod
    def from_toml(cls, text: str, *, name: str = "framework") -> "Framework":
        """Read a framework; every fault is named with file, key and remedy in one FrameworkError."""
        found = read(text)
        if isinstance(found, tuple):
            raise FrameworkError("\n".join(f"{name}: {fault}" for fault in found))
        return cls(**{field.name: getattr(found, field.name) for field in fields(found)})

    @property
    def questions(self) -> tuple[str, ...]:
        """Columns of answers that the framework reads, each once."""
        beside = [code for indicator in self.indicators for code in indicator.items]
        return tuple(dict.fromkeys([*(item.code for item in self.items), *beside]))

    @property
    def measures(self) -> tuple[str, ...]:
        """Codes of everything that is scored: indices, dimensions, items, indicators."""
        return (*(part.code for part in self.tree), *(part.code for part in self.indicators))

    @property
    def headline(self) -> tuple[str, ...]:
        """Codes of the measures that leadership reads first."""
        nodes = (node.code for node in self.nodes if node.headline)
        return (*nodes, *(part.code for part in self.indicators if part.headline))

    @property
    def linear(self) -> bool:
        """Whether every node is the weighted mean of the means of all its items, with the weights of `loadings`."""
        plain = self.estimand == "index_of_means" and self.minimum_answered == 1
        return plain and all(node.aggregation == "arithmetic" for node in self.nodes)

    @property
    def on_ranges(self) -> bool:
        """Whether every item is mapped over the range of its question."""
        return all(item.normalisation == "range" for item in self.items)

    @property
    def respondent_columns(self) -> tuple[str, ...]:
        """What is summed of the nodes of respondents, for a mean of indices; none for an index of means."""
        if self.estimand == "index_of_means":
            return ()
        return tuple(f"{node.code} of respondents by {self.digest}" for node in self.nodes)

    def loadings(self) -> Floats:
        """Nominal share of each item in each node, shape (nodes, items); every row sums to 1.

        The product of the normalised weights on the way down. Where all nodes are arithmetic means a node is this
        combination of its items; elsewhere `construction.gradients` says what an item moves.
        """
        codes = [node.code for node in self.nodes]
        place = {item.code: column for column, item in enumerate(self.items)}
        matrix = np.zeros((len(codes), len(self.items)))
        for row in reversed(range(len(codes))):  # nodes stand after those above them
            total = sum(part.weight for part in self.parts(codes[row]))
            for part in self.parts(codes[row]):
                if isinstance(part, Item):
                    matrix[row, place[part.code]] += part.weight / total
                else:
                    matrix[row] += part.weight / total * matrix[codes.index(part.code)]
        return matrix

    @property
    def tree(self) -> tuple[Node | Item, ...]:
        """Indices, then dimensions, then items."""
        return (*self.nodes, *self.items)

    def arrays(self) -> Tree:
        """The tree in numbers, for `construction.build` and `construction.gradients`."""
        return Tree.of(self.items, self.nodes)

    def parts(self, code: str) -> tuple[Node | Item, ...]:
        """Direct parts of a node."""
        return tuple(part for part in self.tree if part.parent == code)

    def below(self, code: str) -> tuple[str, ...]:
        """Codes of a measure and of everything under it."""
        return (code, *(name for part in self.parts(code) for name in self.below(part.code)))

    def roots(self) -> Mapping[str, str]:
        """Code of the index above each index, dimension and item."""
        above: dict[str, str] = {}
        for part in self.tree:
            above[part.code] = part.code if part.parent is None else above[part.parent]
        return above

    def shown_by(self, code: str, facets: tuple[str, ...]) -> bool:
        """Whether this measure may be shown by these facets (a profile may be limited to some)."""
        root = self.roots().get(code)
        limits = next((node.only_by for node in self.nodes if node.code == root), ())
        return not limits or facets in limits

    @property
    def digest(self) -> str:
        """Short digest of everything that a figure depends on: not of titles, words and the order of the file.

        Two files of one id and version must share it, see `versions.history_faults`.
        """
        totals = {part.code: sum(below.weight for below in self.parts(part.code)) for part in self.nodes}
        shares = {part.code: 1.0 if part.parent is None else part.weight / totals[part.parent] for part in self.tree}
        populations = sum(part.weight for part in self.populations)
        content = {
            "nodes": sorted([n.code, n.parent or "", n.aggregation, _digits(shares[n.code])] for n in self.nodes),
            "items": sorted(_content(item, shares[item.code]) for item in self.items),
            "indicators": sorted([p.code, sorted(p.items), p.statistic, p.range, p.sensitive] for p in self.indicators),
            "populations": sorted([p.code, _digits(p.weight / populations)] for p in self.populations),
            "rules": [self.estimand, _digits(self.minimum_answered)],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _content(item: Item, share: float) -> list[object]:
    rule = [item.direction, item.normalisation, item.baseline, item.target, sorted(item.positive)]
    return [item.code, item.parent, _digits(share), item.range, *rule]


def _digits(value: float) -> str:
    """A number as text, without the last digits: 2 of 6 and 1 of 3 are one weight."""
    return f"{value:.12g}"
