"""Results for other programs."""

import math
from typing import Any

import pandas as pd


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
