"""The text of a framework file -> its parts, or every fault that is in it."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scoring.allotment import resolved, weight_faults
from scoring.faults import TABLES, Fault, row_faults, shape_faults, top_faults
from scoring.nodes import Bridge, Estimand, Indicator, Item, Node, Population

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Definition:
    """What a framework file says, see `Framework`; nodes stand after those above them."""

    id: str
    version: str
    title: str
    nodes: tuple[Node, ...]
    items: tuple[Item, ...]
    indicators: tuple[Indicator, ...]
    populations: tuple[Population, ...]
    bridges: tuple[Bridge, ...]
    estimand: Estimand
    minimum_answered: float


def faults(text: str) -> tuple[Fault, ...]:
    """Everything that contradicts itself in a framework file."""
    return _parsed(text)[1]


def read(text: str) -> Definition | tuple[Fault, ...]:
    """Read a framework file, or say everything that is wrong in it."""
    data, found = _parsed(text)
    return found or _definition(data)


def _parsed(text: str) -> tuple[Row, tuple[Fault, ...]]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return {}, (Fault("", f"not valid TOML: {error}", "mend that line"),)
    return data, tuple(_faults(data))


def _faults(data: Row) -> Iterator[Fault]:
    yield from top_faults(data)
    shapes = [fault for table in TABLES for fault in shape_faults(table, data.get(table, []))]
    yield from shapes
    if shapes:  # what follows reads the tables
        return
    rows = list(row_faults(data))
    yield from rows
    yield from _code_faults(data)
    yield from _parent_faults(data)
    if not rows:  # what follows reads codes, weights and parents
        yield from _cycle_faults(data)
        yield from _bridge_faults(data)
        yield from weight_faults(data)


def _code_faults(data: Row) -> Iterator[Fault]:
    seen: set[str] = set()
    for table in ("index", "dimension", "item", "indicator", "population"):
        for row in data.get(table, []):
            code = row.get("code")
            if code in seen:
                remedy = "codes are unique over all tables"
                yield Fault(f"{table} {code}", "this code is used twice", remedy)
            seen.add(code)


def _parent_faults(data: Row) -> Iterator[Fault]:
    """Parents that do not exist, and nodes without parts."""
    used: dict[str, set[str]] = {"index": set(), "dimension": set()}
    known = {above: {str(row.get("code")) for row in data.get(above, [])} for above in used}
    for table, above in (("dimension", "index"), ("dimension", "dimension"), ("item", "dimension")):
        for row in (row for row in data.get(table, []) if above in row):
            used[above].add(row[above])
            if row[above] not in known[above]:
                remedy = f"name one of the [[{above}]]"
                yield Fault(f"{table} {row.get('code')}", f"{above} {row[above]!r} does not exist", remedy)
    for above, table in (("index", "dimension"), ("dimension", "item")):
        for code in sorted(known[above] - used[above]):
            yield Fault(f"{above} {code}", f"has no [[{table}]]", "give it one or remove it")


def _cycle_faults(data: Row) -> Iterator[Fault]:
    above = {row["code"]: row.get("dimension") for row in data.get("dimension", [])}
    told: set[str] = set()
    for start in above:
        path = [start]
        while (parent := above.get(path[-1])) is not None and parent not in path:
            path.append(parent)
        if parent == start and not told & set(path):
            told |= set(path)
            ring = " under ".join([*path, start])
            yield Fault(f"dimension {start}", f"stands under itself ({ring})", "write index = '...' in one of them")


def _bridge_faults(data: Row) -> Iterator[Fault]:
    scored = {row["code"] for table in ("index", "dimension", "item", "indicator") for row in data.get(table, [])}
    versions: set[str] = set()
    for row in data.get("bridge", []):
        where = f"bridge {row['from']}"
        for code in row["measures"]:
            if code not in scored:
                yield Fault(where, f"measure {code!r} does not exist", "name indices, dimensions, items or indicators")
        if row["from"] == data.get("version"):
            yield Fault(where, "it comes from this version itself", "name an earlier version")
        if row["from"] in versions:
            yield Fault(where, "this version has two bridges", "put all its measures into one")
        if not row["reason"].strip():
            yield Fault(where, "the reason is empty", "say why the measures mean the same")
        versions.add(row["from"])


def _definition(data: Row) -> Definition:
    weights = resolved(data)
    return Definition(
        id=data["id"],
        version=data["version"],
        title=data["title"],
        nodes=tuple(
            [_node(row, None, 1.0) for row in data["index"]]
            + [_node(row, row.get("index") or row["dimension"], weights[row["code"]]) for row in _downwards(data)]
        ),
        items=tuple(_item(row, weights[row["code"]]) for row in data["item"]),
        indicators=tuple(_indicator(row) for row in data.get("indicator", [])),
        populations=tuple(
            Population(row["code"], row["title"], weights[row["code"]]) for row in data.get("population", [])
        ),
        bridges=tuple(Bridge(row["from"], tuple(row["measures"]), row["reason"]) for row in data.get("bridge", [])),
        estimand=data.get("estimand", "index_of_means"),
        minimum_answered=float(data.get("minimum_answered", 1)),
    )


def _downwards(data: Row) -> Sequence[Row]:
    """Dimensions after those that they stand under, else in the order of the file."""
    rows, done = list(data["dimension"]), []
    placed: set[str | None] = {None}
    while rows:
        ready = [row for row in rows if row.get("dimension") in placed]
        done += ready
        placed |= {row["code"] for row in ready}
        rows = [row for row in rows if row["code"] not in placed]
    return done


def _node(row: Row, parent: str | None, weight: float) -> Node:
    return Node(
        code=row["code"],
        title=row["title"],
        parent=parent,
        weight=weight,
        kind=row.get("kind", "formative"),
        headline=bool(row.get("headline", parent is None)),
        only_by=tuple(tuple(facets) for facets in row.get("only_by", [])),
        arusha=tuple(row.get("arusha", [])),
        description=row.get("description", ""),
        aggregation=row.get("aggregation", "arithmetic"),
    )


def _item(row: Row, weight: float) -> Item:
    baseline = row.get("baseline")
    return Item(
        code=row["code"],
        title=row["title"],
        parent=row["dimension"],
        weight=weight,
        direction=row["direction"],
        range=(float(row["range"][0]), float(row["range"][1])),
        description=row.get("description", ""),
        normalisation=row.get("normalisation", "range"),
        baseline=None if baseline is None else (float(baseline["mean"]), float(baseline["sd"])),
        target=None if "target" not in row else float(row["target"]),
        positive=tuple(float(answer) for answer in row.get("positive", [])),
    )


def _indicator(row: Row) -> Indicator:
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
