"""One dot a row with graded intervals, and the same figures as a table in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from app.charts.looks import (
    INK,
    NOT_SHOWN,
    PICK,
    QUIET,
    SLATE,
    Caption,
    Layer,
    Row,
    Scale,
    Spec,
    finish,
    levels,
    names,
    reasons,
    right,
    stamp,
    values,
)
from app.charts.words import number, places_of, span, why


def dots(
    table: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    facet: str,
    scale: Scale,
    caption: Caption,
    hue: str = SLATE,
    row: int = 34,
    strong: Sequence[str] | None = None,
) -> Spec:
    """One dot a row with its 50, 80 and 95 % intervals; a hidden row says why.

    `facet` is the column that names the rows, `labels` its words. The highest stands first; with labels to be printed
    `strong` (parts of one cell) the rows stand in the order of `labels`. A click selects by `code` under `PICK`.
    """
    place = {code: at for at, code in enumerate(labels)}
    ordered = table.sort_values("estimate", ascending=False, kind="stable", na_position="last")
    if strong is not None:
        ordered = table.sort_values(facet, key=lambda codes: codes.map(place), kind="stable")
    rows = [_dot(cell, labels=labels, facet=facet, unit=scale.unit) for cell in ordered.to_dict("records")]
    shown = [dot for dot in rows if dot["estimate"] is not None]
    y = names(rows, strong=strong or ())
    axis = levels(scale, shown)
    layers = [
        *stamp(caption),
        *_bands(shown, y=y, axis=axis, hue=hue),
        *_points(shown, y=y, axis=axis, hue=hue),
        *_beside(shown, y=y),
        reasons([dot for dot in rows if dot["estimate"] is None], y=y, short=strong is not None),
    ]
    return finish(layers, caption=caption, height=max(row * len(rows), 60), told=told_rows(rows))


def _dot(row: Mapping[Any, Any], *, labels: Mapping[str, str], facet: str, unit: str) -> Row:
    """Row of the contract -> what the marks need, with its words."""
    code, shown = str(row[facet]), pd.notna(row["estimate"])
    plain: Row = {
        name: float(row[name]) if name in row and pd.notna(row[name]) else None
        for name in ("estimate", "low", "high", "low_80", "high_80", "low_50", "high_50", "n")
    }
    careful = shown and row["reason"] != ""
    places = places_of(row, unit)
    note = f"{NOT_SHOWN}: {why(row['reason'])}" if not shown else why(row["reason"]) if careful else ""
    return plain | {
        "code": code,
        "label": labels.get(code, code),
        "careful": bool(careful),
        "note": note,
        "value": number(row["estimate"], places=places) if shown else "",
        "people": f"n {row['n']:.0f}" if shown else "",
        "interval": span(row, places=places) if shown else "",
        "wave": str(row["wave"]),
    }


def _bands(rows: Sequence[Row], *, y: alt.Y, axis: Row, hue: str) -> list[Layer]:
    """Intervals from the widest, palest, to the narrowest."""
    levels = (("low", "high", 5, 0.30), ("low_80", "high_80", 10, 0.42), ("low_50", "high_50", 15, 0.60))
    layers = []
    for low, high, width, opacity in levels:
        known = [row for row in rows if row.get(low) is not None and row.get(high) is not None]
        mark = alt.Chart(values(known)).mark_rule(strokeCap="butt", strokeWidth=width, opacity=opacity, color=hue)
        layers.append(mark.encode(y=y, x=alt.X(f"{low}:Q", **axis), x2=f"{high}:Q"))
    return layers


def _points(rows: Sequence[Row], *, y: alt.Y, axis: Row, hue: str) -> list[Layer]:
    """Estimates, hollow where they are to be read with care; over them a wide clear mark that takes the click."""
    tips = [("label", " "), ("value", "estimate"), ("interval", "95 % interval"), ("n", "answers"), ("note", "note")]
    base = alt.Chart(values(rows)).encode(y=y, x=alt.X("estimate:Q", **axis))
    dot = base.mark_point(filled=True, size=62, opacity=1, strokeWidth=2, stroke=hue).encode(
        fill=alt.condition("datum.careful", alt.value("#FFFFFF"), alt.value(INK))
    )
    grip = base.mark_point(filled=True, size=700, opacity=0.01, cursor="pointer").encode(
        tooltip=[alt.Tooltip(f"{name}:N", title=title) for name, title in tips]
    )
    return [dot, grip.add_params(alt.selection_point(name=PICK, fields=["code"], empty=True))]


def _beside(rows: Sequence[Row], *, y: alt.Y) -> list[Layer]:
    """Value and number of answers, right of the plot."""
    base = alt.Chart(values(rows)).encode(y=y, x=right())
    value = base.mark_text(align="left", baseline="middle", fontSize=12, dx=10, fontWeight=600, color=INK)
    people = base.mark_text(align="left", baseline="middle", fontSize=12, dx=48, color=QUIET)
    return [value.encode(text="value:N"), people.encode(text="people:N")]


def told_rows(rows: Sequence[Row]) -> str:
    """Rows in words, for readers who do not see the picture."""
    return "; ".join(
        f"{row['label']}: {row['value']}, 95 % interval {row['interval']}, {row['people']}"
        if row["value"]
        else f"{row['label']}: {row['note']}"
        for row in rows
    )


def readable(table: pd.DataFrame, *, labels: Mapping[str, str], facet: str, unit: str) -> pd.DataFrame:
    """The figures of a picture as a table in words."""
    rows = [_dot(row, labels=labels, facet=facet, unit=unit) for row in table.to_dict("records")]
    columns = {"label": "", "value": "estimate", "interval": "95 % interval", "people": "answers", "note": "to note"}
    return pd.DataFrame(rows, columns=list(columns)).rename(columns=columns)
