"""Weights of parts within their family: equal, declared, or from a table of experts (budget allocation)."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from scoring.faults import Fault
from scoring.part_weights import ROUNDING, TOTAL, budget

SUMS: Mapping[str, float] = {"shares": 1.0, "percent": 100.0}
POPULATIONS = "the populations"  # are a family of their own

Row = Mapping[str, Any]


def families(data: Mapping[str, Any]) -> Mapping[str, Sequence[Row]]:
    """Parts of each index and dimension, and the populations, which are a family too; by the name in a message."""
    found: dict[str, list[Row]] = {}
    for row in (*data.get("dimension", []), *data.get("item", [])):
        parent = f"index {row['index']}" if "index" in row else f"dimension {row.get('dimension')}"
        found.setdefault(parent, []).append(row)
    if data.get("population"):
        found[POPULATIONS] = list(data["population"])
    return found


def weight_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Families whose weights do not sum as they must, and tables of experts that do not add up.

    Weights that all siblings declare, none above 1 and one below, are shares and must sum to 1. `weights` at the top
    says so of all families ("shares", "percent"), or that only their ratios count ("relative").
    """
    rule = data.get("weights")
    budget = {row["part"] for row in data.get("budget", [])}
    for parent, rows in families(data).items():
        if not budget & {row["code"] for row in rows}:
            yield from _sum_faults(parent, [row.get("weight") for row in rows], rule)
    yield from _budget_faults(data)


def _sum_faults(parent: str, weights: Sequence[float | None], rule: str | None) -> Iterator[Fault]:
    given = [weight for weight in weights if weight is not None]
    whole = SUMS.get(rule or "")
    if rule is None and len(given) == len(weights) and max(given) <= 1 and min(given) < 1:
        whole = SUMS["shares"]
    if whole is None or (len(weights) == 1 and not given):
        return
    if len(given) < len(weights):
        remedy = f"give all of them, summing to {whole:g}"
        yield Fault(parent, f"{len(weights) - len(given)} of its {len(weights)} parts have no weight", remedy)
    elif abs(sum(given) - whole) > ROUNDING * whole:
        listed = " + ".join(f"{weight:g}" for weight in given)
        remedy = f"make them sum to {whole:g}, or write weights = 'relative' at the top"
        yield Fault(parent, f"weights of its parts are {listed} = {sum(given):g}", remedy)


def _budget_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    if not data.get("budget"):
        return
    parts = {row["code"]: parent for parent, rows in families(data).items() for row in rows}
    seen: set[tuple[str, str]] = set()
    for row in data["budget"]:
        where = f"budget {row['expert']}"
        if row["part"] not in parts:
            yield Fault(where, f"part {row['part']!r} does not exist", "name a dimension, item or population")
        if row["points"] < 0:
            yield Fault(where, f"points of {row['part']} are {row['points']:g}", "give 0 or more")
        if (row["expert"], row["part"]) in seen:
            yield Fault(where, f"part {row['part']!r} stands twice", "keep one row of it")
        seen.add((row["expert"], row["part"]))
    for parent, rows in families(data).items():
        yield from _family_faults(parent, rows, data["budget"])


def _family_faults(parent: str, rows: Sequence[Row], budget: Sequence[Row]) -> Iterator[Fault]:
    codes = {row["code"] for row in rows}
    own = [row for row in budget if row["part"] in codes]
    if not own:
        return
    declared = [row["code"] for row in rows if "weight" in row and parent != POPULATIONS]
    if declared:
        remedy = "take the weight or the [[budget]] rows away"
        yield Fault(parent, f"part {declared[0]!r} has a weight and points of experts", remedy)
    for expert, points in _by_expert(own).items():
        absent = sorted(codes - points.keys())
        if absent:
            remedy = f"add a [[budget]] row, if need be with points = 0: they sum to {TOTAL:g}"
            yield Fault(f"budget {expert}", f"part {absent[0]!r} of {parent} has no points", remedy)
        elif abs(sum(points.values()) - TOTAL) > ROUNDING * TOTAL:
            total = sum(points.values())
            yield Fault(f"budget {expert}", f"points in {parent} sum to {total:g}", f"make them sum to {TOTAL:g}")
    unwanted = [code for code in sorted(codes) if not any(row["part"] == code and row["points"] > 0 for row in own)]
    if unwanted:
        yield Fault(parent, f"no expert gives {unwanted[0]!r} a point", "take that part out of the framework")


def _by_expert(budget: Sequence[Row]) -> Mapping[str, Mapping[str, float]]:
    points: dict[str, dict[str, float]] = {}
    for row in budget:
        points.setdefault(row["expert"], {})[row["part"]] = float(row["points"])
    return points


def resolved(data: Mapping[str, Any]) -> Mapping[str, float]:
    """Weight of every part: its own, 1 where it has none, or the mean of the experts' points."""
    found = {row["code"]: float(row.get("weight", 1)) for row in itertools.chain(*families(data).values())}
    for rows in families(data).values():
        codes = {row["code"] for row in rows}
        own = [row for row in data.get("budget", []) if row["part"] in codes]
        if own:
            made = budget(pd.DataFrame(_by_expert(own)).T)
            found |= {str(code): float(weight) for code, weight in made.weights.items()}
    return found
