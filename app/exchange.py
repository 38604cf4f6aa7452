"""Results for other programs: every row with its sources, and with the mark where the answers are invented."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from app.workflow.fieldwork import CheckView, safe_cell

SOURCES = ("release", "data", "framework", "instrument", "engine")


def marked(table: pd.DataFrame, note: Mapping[str, object], *, synthetic: bool) -> pd.DataFrame:
    """The table with its sources beside each row, so that a row that is copied out keeps them."""
    sources = {name: str(note.get(name, "")) for name in SOURCES}
    return table.assign(**sources, synthetic="SYNTHETIC" if synthetic else "")


def as_csv(table: pd.DataFrame) -> str:
    """A table as CSV in which no cell is run by a spreadsheet."""
    safe = table.rename(columns=safe_cell).map(lambda cell: "" if pd.isna(cell) else safe_cell(cell))
    return str(safe.to_csv(index=False))


def as_rows(table: pd.DataFrame, facets: tuple[str, ...]) -> list[dict[str, Any]]:
    """A result table as JSON takes it: facets together under `by` as in the file, null where there is no figure."""
    return [_row(row, facets) for row in table.to_dict("records")]


def _row(row: dict[Any, Any], facets: tuple[str, ...]) -> dict[str, Any]:
    plain = {name: _plain(value) for name, value in row.items()}
    by = {name: plain[name] for name in facets}
    figures = {name: value for name, value in plain.items() if name not in ("wave", *facets)}
    return {"wave": plain["wave"] or None, "by": by, **figures}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell of a result table
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.item() if hasattr(value, "item") else value


def as_report(view: CheckView) -> dict[str, Any]:
    """A check as JSON takes it."""
    return {
        "ready": view.ready,
        "counts": dict(view.counts),
        "dropped": dict(view.dropped),
        "issues": view.issues.to_dict("records"),
    }
