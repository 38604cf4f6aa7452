"""A table of figures as a map of colours, each figure printed in its cell; what is hidden has no colour."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from app.charts.looks import (
    FAINT,
    FULL,
    INK,
    NOT_SHOWN,
    QUIET,
    Caption,
    Layer,
    Row,
    Spec,
    finish,
    stamp,
    values,
)
from app.charts.words import number, places_of, span, why

#: Value -> colour, darker for better: lightness falls steadily, so it is read without hue too (YlGnBu of ColorBrewer).
STOPS: Mapping[float, str] = {
    0.0: "#FFFFE5",
    20.0: "#EDF8C1",
    35.0: "#C7E9B4",
    50.0: "#7FCDBB",
    65.0: "#41B6C4",
    80.0: "#1D91C0",
    100.0: "#0C4A8C",
}
EMPTY = "\N{EN DASH}"
PHONE = 330  # pixels of the map below which names stand upright and are cut short
NARROW, NONE = 34, 18  # pixels of a column below which whole numbers are printed, and below which none
BLACK, WHITE = "#000000", "#FFFFFF"


def heat(
    table: pd.DataFrame,
    *,
    rows: Mapping[str, str],
    strong: Sequence[str],
    columns: Mapping[str, str],
    facet: str,
    caption: Caption,
    unit: str = "points",
) -> Spec:
    """Measures down, cells of a facet across; `rows` and `columns` are codes with their words, in their order.

    `strong` are the rows that stand above those after them, as a dimension above its questions.
    """
    present = [code for code in columns if (table[facet] == code).any()]
    cells = [
        _cell(row, rows=rows, columns=columns, facet=facet, unit=unit)
        for row in table.to_dict("records")
        if row["measure"] in rows
    ]
    shown = [cell for cell in cells if cell["value"]]
    y = alt.Y("row:N", sort=list(rows), title=None, axis=_names(rows, strong=strong))
    top = _names(
        columns,
        orient="top",
        labelAngle=alt.ExprRef(f"width < {PHONE} ? -90 : -38"),
        labelAlign="left",
        labelOverlap=False,
        labelLimit=120,
    )
    x = alt.X("column:N", sort=present, title=None, axis=top)
    tips = [("label", " "), ("where", " "), ("value", "estimate"), ("interval", "95 % interval"), ("people", "answers")]
    tooltip = [alt.Tooltip(f"{name}:N", title=title) for name, title in (*tips, ("note", "to note"))]
    grid = alt.Chart(values(cells)).mark_rect(stroke=FAINT, strokeWidth=1)
    layers = [
        grid.encode(x=x, y=y, tooltip=tooltip, color=alt.Color("colour:N", scale=None)),
        *stamp(caption, over=True),
        *_figures(shown, x=x, y=y, across=len(present)),
        alt.Chart(values([cell for cell in cells if not cell["value"]]))
        .mark_text(color=QUIET, fontSize=12)
        .encode(x=x, y=y, text=alt.value(EMPTY), tooltip=tooltip),
    ]
    told = "; ".join(f"{cell['label']}, {cell['where']}: {cell['value'] or cell['note']}" for cell in cells)
    return finish(layers, caption=caption, height=22 * len(rows), told=told, below=14)


def shade(value: float) -> str:
    """Colour of a value from 0 to 100, between the stops."""
    for (low, pale), (high, dark) in pairwise(STOPS.items()):
        if value <= high:
            share = (max(value, 0.0) - low) / (high - low)
            mixed = (
                round(one + (other - one) * share) for one, other in zip(_channels(pale), _channels(dark), strict=True)
            )
            return "#" + "".join(f"{channel:02X}" for channel in mixed)
    return STOPS[FULL]


def ink_on(ground: str) -> str:
    """Black or white, whichever stands out more (WCAG 2 contrast)."""
    light = _luminance(ground) + 0.05
    return BLACK if light / 0.05 >= 1.05 / light else WHITE


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    """Relative luminance of a colour of sRGB (WCAG 2)."""
    parts = [channel / 255 for channel in _channels(colour)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)  # noqa: PLR2004 - of sRGB
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _cell(row: Mapping[Any, Any], *, rows: Mapping[str, str], columns: Mapping[str, str], facet: str, unit: str) -> Row:
    """Row of the contract -> a cell with its words; brackets where it is to be read with care."""
    shown, places = pd.notna(row["estimate"]), places_of(row, unit)
    around = "({})" if shown and row["reason"] else "{}"
    ground = shade(row["estimate"]) if shown else WHITE
    return {
        "row": row["measure"],
        "column": row[facet],
        "label": rows[row["measure"]],
        "where": columns.get(row[facet], row[facet]),
        "value": around.format(number(row["estimate"], places=places)) if shown else "",
        "whole": around.format(number(row["estimate"], places=0)) if shown else "",
        "interval": span(row, places=places) if shown else "",
        "people": f"{row['n']:.0f}" if shown else "",
        "note": why(row["reason"]) if shown else f"{NOT_SHOWN}: {why(row['reason'])}",
        "colour": ground,
        "ink": ink_on(ground),
    }


def _figures(shown: Sequence[Row], *, x: alt.X, y: alt.Y, across: int) -> list[Layer]:
    """The figure of each cell: without its decimals where columns are narrow, and none where it has no room."""
    fitting = f"width < {NONE * across} ? '' : width < {NARROW * across} ? datum.whole : datum.value"
    marks = alt.Chart(values(shown)).mark_text(fontSize=alt.ExprRef(f"width < {NARROW * across} ? 10.5 : 12"))
    return [
        marks.transform_calculate(fitting=fitting).encode(
            x=x, y=y, text="fitting:N", color=alt.Color("ink:N", scale=None)
        )
    ]


def _names(words: Mapping[str, str], *, strong: Sequence[str] = (), **given: Any) -> alt.Axis:  # noqa: ANN401 - of altair
    """An axis of codes that prints their words: two questions may have the same."""
    weight: Any = {
        "condition": {"test": f"indexof({json.dumps(list(strong))}, datum.value) >= 0", "value": 600},
        "value": 400,
    }
    printed = {"labelLimit": alt.ExprRef(f"width < {PHONE} ? 130 : 215"), "labelColor": INK} | given
    return alt.Axis(
        labelExpr=f"({json.dumps(dict(words))})[datum.value]", labelFontWeight=weight, grid=False, **printed
    )
