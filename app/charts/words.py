"""Figures in words, as pictures, tables and sentences write them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from app.charts.looks import BOUNDED, NOT_SHOWN, WHOLE_BELOW
from scoring.contract import REASONS


def number(value: float, *, places: int = 1, sign: bool = False) -> str:
    """A shown figure with the decimals that the mask leaves, and a true minus sign."""
    text = f"{value:+.{places}f}" if sign else f"{value:.{places}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def span(row: Mapping[Any, Any], *, places: int = 1) -> str:
    """The interval of a row in words that nobody takes for a subtraction."""
    known = pd.notna(row["low"]) and pd.notna(row["high"])
    return f"{number(row['low'], places=places)} to {number(row['high'], places=places)}" if known else "not known"


def places_of(row: Mapping[Any, Any], unit: str) -> int:
    """Decimals of a row: its own where it says so; the mask rounds to one less where fewer than 50 answered."""
    if pd.notna(row.get("places")):
        return int(row["places"])
    few = bool(pd.notna(row["n"]) and row["n"] < WHOLE_BELOW)
    return (1 if unit in BOUNDED else 2) - few


def told_change(row: Mapping[Any, Any], *, unit: str, better: str) -> str:
    """One sentence on a change and its test; a change that is not clear is never called a rise or a fall."""
    if pd.isna(row["estimate"]):
        return f"Change since {row['since']} {NOT_SHOWN}: {why(row['reason'])}."
    places = places_of(row, unit)
    unit = "percentage points" if unit == "%" else unit
    size = (
        f"{number(row['estimate'], places=places, sign=True)} {unit} since {row['since']} ({span(row, places=places)})"
    )
    if not row["clear"]:
        return f"{size}: no clear change."
    if row.get("verdict") == "composition":
        return f"{size}: a clear change of who crossed; within the groups of users there is no clear change."
    good = better != "ambiguous" and (row["estimate"] > 0) == (better == "better")
    return f"{size}: a clear {'change' if better == 'ambiguous' else 'improvement' if good else 'decline'}."


def why(reason: str) -> str:
    """A reason code in words."""
    return REASONS.get(reason, reason) or REASONS[""]
