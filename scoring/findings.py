"""What figures about an index say against it: codes with what a sentence needs, by the rules for each kind of node."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

RELIABLE = 0.7  # alpha and omega: Nunnally 1978; the audits of the Joint Research Centre
WEAK = 0.3  # correlation of an item with the rest: likewise
SAME = 0.92  # correlation of two parts: likewise
INFLATED = 5.0  # variance inflation of a part: four fifths of it is said by the others
RESIDUAL = 0.08  # SRMR: Hu and Bentler 1999
TILTED = 2.0  # times its weight, or less than that part of it: our own bound
END = 0.5  # share of answers at one end: our own bound, beyond it an item cannot tell good from very good
HIDDEN = 0.1  # share of units in which a node hides a low part: our own bound
UNITS = 10  # below which figures between units are too uncertain to be held against an index
SURE = 2.0  # standard errors 1 / sqrt(n) by which a correlation is clearly below 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A code, and what a sentence about it needs."""

    code: str
    params: Mapping[str, Any]


def judged(
    nodes: pd.DataFrame,
    parts: pd.DataFrame,
    correlations: pd.DataFrame,
    items: pd.DataFrame,
    compensation: pd.DataFrame,
    elsewhere: Iterable[Mapping[str, Any]],
) -> tuple[Finding, ...]:
    """Findings from the tables of `soundness.Soundness`; a missing figure says nothing.

    Reflective nodes: `alpha_low` (its interval wholly below 0.7), `alpha_unclear` (partly), `omega_low`,
    `not_one_factor`, `weak_item`, `opposite_item`, `astray` (an item goes with another node more than with its own).
    Formative nodes: `inflated`, `heavy` and `light` (influence against weight), `opposed` (two parts clearly against
    one another). All nodes: `same` (two parts say one thing), `hidden` (a low part behind a node that is not), and of
    items `floor` and `ceiling`. Between units nothing is found from fewer than ten, and `same` only where the lower
    limit of the correlation is above the bound.
    """
    return (
        *(Finding(code, params) for row in _rows(nodes) for code, params in _of_node(row)),
        *(Finding(code, params) for row in _sure(parts) for code, params in _of_part(row)),
        *(Finding("astray", dict(row)) for row in elsewhere),
        *(Finding(code, params) for row in _sure(correlations) for code, params in _of_pair(row)),
        *(Finding(code, params) for row in _rows(items) for code, params in _of_item(row)),
        *(Finding("hidden", row) for row in _rows(compensation) if row["offset"] >= max(HIDDEN * row["units"], 1)),
    )


Told = Iterator[tuple[str, dict[str, Any]]]


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _sure(table: pd.DataFrame) -> list[dict[str, Any]]:
    return _rows(table[(table["level"] == "respondent") | (table["n"] >= UNITS)])


def _some(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _of_node(row: Mapping[str, Any]) -> Told:
    if row["high"] < RELIABLE:
        yield "alpha_low", _some(row, "node", "alpha", "low", "high", "n")
    elif row["low"] < RELIABLE:
        yield "alpha_unclear", _some(row, "node", "alpha", "low", "high", "n")
    if row["omega"] < RELIABLE:
        yield "omega_low", _some(row, "node", "omega", "n")
    if row["residual"] > RESIDUAL or row["reason"] == "no_factor":
        yield "not_one_factor", _some(row, "node", "share", "residual", "n")


def _of_part(row: Mapping[str, Any]) -> Told:
    own = ("level", "node", "part", "n")
    if row["rest"] < 0:
        yield "opposite_item", _some(row, *own, "rest")
    elif row["rest"] < WEAK:
        yield "weak_item", _some(row, *own, "rest")
    if row["inflation"] > INFLATED:
        yield "inflated", _some(row, *own, "inflation")
    if row["influence"] > TILTED * row["weight"]:
        yield "heavy", _some(row, *own, "weight", "influence")
    elif row["influence"] < row["weight"] / TILTED:
        yield "light", _some(row, *own, "weight", "influence")


def _of_pair(row: Mapping[str, Any]) -> Told:
    own = _some(row, "level", "node", "first", "second", "correlation", "n")
    if (abs(row["correlation"]) if row["level"] == "respondent" else row["low"]) > SAME:
        yield "same", own
    if row["kind"] == "formative" and row["correlation"] < -SURE / np.sqrt(max(row["n"], 1)):
        yield "opposed", own


def _of_item(row: Mapping[str, Any]) -> Told:
    for end in ("floor", "ceiling"):
        if row[end] > END:
            yield end, _some(row, "item", "n", end)
