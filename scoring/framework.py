"""The framework: a tree of weighted parts, read from TOML text."""

import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from scoring.design import Floats
from scoring.errors import FrameworkError

Direction = Literal["better", "worse", "ambiguous"]

_KEYS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    # table: (required keys, optional keys)
    "index": (
        frozenset({"code", "title"}),
        frozenset({"headline", "aggregation", "kind", "only_by", "description"}),
    ),
    "dimension": (
        frozenset({"code", "title", "index"}),
        frozenset({"weight", "kind", "arusha", "aggregation", "description"}),
    ),
    "item": (
        frozenset({"code", "title", "dimension", "direction", "range"}),
        frozenset({"weight", "description"}),
    ),
    "indicator": (
        frozenset({"code", "title", "statistic", "direction"}),
        frozenset({"item", "any_of", "range", "unit", "sensitive", "headline", "description"}),
    ),
}
_WORDS: Mapping[str, frozenset[str]] = {
    "kind": frozenset({"reflective", "formative"}),
    "aggregation": frozenset({"arithmetic"}),
    "statistic": frozenset({"share", "mean"}),
    "direction": frozenset({"better", "worse", "ambiguous"}),
}
_ARUSHA_FACTORS = 10


def _text(value: object) -> bool:
    return isinstance(value, str)


def _truth(value: object) -> bool:
    return isinstance(value, bool)


def _numbers(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, int | float) and not _truth(one) for one in value)


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_text, value))


def _sets(value: object) -> bool:
    return isinstance(value, list) and all(map(_texts, value))


_SHAPES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys(("code", "title", "description", "unit", "index", "dimension", "item"), (_text, "a text")),
    **dict.fromkeys(_WORDS, (_text, "a text")),
    **dict.fromkeys(("headline", "sensitive"), (_truth, "true or false")),
    "arusha": (_numbers, "a list of numbers"),
    "any_of": (_texts, "a list of questions"),
    "only_by": (_sets, "a list of lists of facets, such as [['side']]"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One question as the framework uses it: `range` of its scores is mapped to 0-100, better upwards."""

    code: str
    title: str
    parent: str
    weight: float
    direction: Direction
    range: tuple[float, float]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """An index (parent None) or a dimension: a weighted arithmetic mean of its parts."""

    code: str
    title: str
    parent: str | None
    weight: float
    kind: Literal["reflective", "formative"]
    headline: bool
    only_by: tuple[tuple[str, ...], ...]
    arusha: tuple[int, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure beside the indices (experience, amounts): never part of one."""

    code: str
    title: str
    items: tuple[str, ...]
    statistic: Literal["share", "mean"]
    range: tuple[float, float]
    unit: str
    direction: Direction
    sensitive: bool
    headline: bool
    description: str = ""


@dataclass(frozen=True, slots=True)
class Framework:
    """A versioned definition of indices.

    `nodes` holds indices and dimensions, `items` the questions under them, `indicators` what stands beside.
    """

    id: str
    version: str
    title: str
    nodes: tuple[Node, ...]
    items: tuple[Item, ...]
    indicators: tuple[Indicator, ...]

    @classmethod
    def from_toml(cls, text: str, *, name: str = "framework") -> "Framework":
        """Read a framework; every fault is named with file, key and remedy in one FrameworkError."""
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise FrameworkError(f"{name}: not valid TOML: {error}; mend that line") from error
        faults = [f"{name}: {fault}" for fault in _faults(data)]
        if faults:
            raise FrameworkError("\n".join(faults))
        nodes = [_node(row, parent=None) for row in data["index"]]
        nodes += [_node(row, parent=row["index"]) for row in data["dimension"]]
        return cls(
            id=str(data["id"]),
            version=str(data["version"]),
            title=str(data["title"]),
            nodes=tuple(nodes),
            items=tuple(_item(row) for row in data["item"]),
            indicators=tuple(_indicator(row) for row in data.get("indicator", [])),
        )

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

    def loadings(self) -> Floats:
        """Share of each item in each node, shape (nodes, items); every row sums to 1.

        A node is the weighted mean of its parts, so a node's loading on an item is the product of the
        normalised weights on the way down.
        """
        codes = [node.code for node in self.nodes]
        place = {item.code: column for column, item in enumerate(self.items)}
        matrix = np.zeros((len(codes), len(self.items)))
        for row in reversed(range(len(codes))):  # dimensions stand after their indices
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

    def parts(self, code: str) -> tuple[Node | Item, ...]:
        """Direct parts of a node."""
        return tuple(part for part in self.tree if part.parent == code)

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


def _faults(data: Mapping[str, Any]) -> Iterator[str]:
    for key in ("id", "version", "title"):
        if not isinstance(data.get(key), str):
            yield f"{key}: missing or not a text; write {key} = '...' at the top"
    for table in data.keys() - _KEYS.keys() - {"id", "version", "title", "description"}:
        yield f"{table}: unknown key; tables are {', '.join(_KEYS)}"
    for table in ("index", "dimension", "item"):
        if not data.get(table):
            yield f"{table}: there is none; add a [[{table}]] table"
    shapes = [fault for table in _KEYS for fault in _shape_faults(table, data.get(table, []))]
    yield from shapes
    if shapes:  # what follows reads the tables
        return
    yield from _row_faults(data)
    yield from _tree_faults(data)


def _shape_faults(table: str, rows: object) -> Iterator[str]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        yield f"{table}: not a list of tables; write [[{table}]] above each"
        return
    for number, row in enumerate(rows, start=1):
        for key in _SHAPES.keys() & row.keys():
            fits, wanted = _SHAPES[key]
            if not fits(row[key]):
                yield f"{table} {row.get('code', number)}: {key} is {row[key]!r}; give {wanted}"


def _row_faults(data: Mapping[str, Any]) -> Iterator[str]:
    for table in _KEYS:
        for number, row in enumerate(data.get(table, []), start=1):
            yield from _faults_of_row(table, number, row)


def _faults_of_row(table: str, number: int, row: Mapping[str, Any]) -> Iterator[str]:
    where = f"{table} {row.get('code', number)}"
    required, optional = _KEYS[table]
    for key in sorted(required - row.keys()):
        yield f"{where}: key {key!r} is missing; add it"
    for key in sorted(row.keys() - required - optional):
        yield f"{where}: unknown key {key!r}; known are {', '.join(sorted(required | optional))}"
    for key in _WORDS.keys() & row.keys():
        if row[key] not in _WORDS[key]:
            yield f"{where}: {key} is {row[key]!r}; it may be {', '.join(sorted(_WORDS[key]))}"
    weight = row.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
        yield f"{where}: weight is {weight!r}; give a number above 0"
    yield from _range_faults(where, table, row)


def _range_faults(where: str, table: str, row: Mapping[str, Any]) -> Iterator[str]:
    if "range" in row:
        pair = row["range"]
        if not (_numbers(pair) and len(pair) == 2 and 0 <= pair[0] < pair[1] < math.inf):  # noqa: PLR2004 - a pair
            yield f"{where}: range is {pair!r}; give lowest (0 or more) and highest score, such as [1, 5]"
    if table == "item" and row.get("direction") == "ambiguous":
        yield f"{where}: direction is 'ambiguous'; such a question belongs in an [[indicator]], never in an index"
    if table == "indicator" and ("item" in row) == ("any_of" in row):
        yield f"{where}: give either item = '...' or any_of = [...]"
    if not all(1 <= factor <= _ARUSHA_FACTORS for factor in row.get("arusha", [])):
        yield f"{where}: arusha holds a number outside 1-10; name factors of the Revised Arusha Declaration"


def _tree_faults(data: Mapping[str, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for table in _KEYS:
        for row in data.get(table, []):
            code = row.get("code")
            if code in seen:
                yield f"{table} {code}: this code is used twice; codes are unique over all tables"
            seen.add(code)
    for table, above in (("dimension", "index"), ("item", "dimension")):
        known = {row.get("code") for row in data.get(above, [])}
        for row in data.get(table, []):
            if row.get(above) not in known:
                where = f"{table} {row.get('code')}"
                yield f"{where}: {above} {row.get(above)!r} does not exist; name one of the [[{above}]]"
        used = {row.get(above) for row in data.get(table, [])}
        for code in sorted(map(str, known - used)):
            yield f"{above} {code}: has no [[{table}]]; give it one or remove it"


def _node(row: Mapping[str, Any], *, parent: str | None) -> Node:
    return Node(
        code=row["code"],
        title=row["title"],
        parent=parent,
        weight=float(row.get("weight", 1)),
        kind=row.get("kind", "formative"),
        headline=bool(row.get("headline", parent is None)),
        only_by=tuple(tuple(facets) for facets in row.get("only_by", [])),
        arusha=tuple(row.get("arusha", [])),
        description=row.get("description", ""),
    )


def _item(row: Mapping[str, Any]) -> Item:
    return Item(
        code=row["code"],
        title=row["title"],
        parent=row["dimension"],
        weight=float(row.get("weight", 1)),
        direction=row["direction"],
        range=(float(row["range"][0]), float(row["range"][1])),
        description=row.get("description", ""),
    )


def _indicator(row: Mapping[str, Any]) -> Indicator:
    low, high = row.get("range", [0, 1])
    return Indicator(
        code=row["code"],
        title=row["title"],
        items=tuple(row["any_of"]) if "any_of" in row else (row["item"],),
        statistic=row["statistic"],
        range=(float(low), float(high)),
        unit=row.get("unit", "%" if row["statistic"] == "share" else ""),
        direction=row["direction"],
        sensitive=bool(row.get("sensitive", False)),
        headline=bool(row.get("headline", False)),
        description=row.get("description", ""),
    )
