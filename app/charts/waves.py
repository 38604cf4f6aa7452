"""Scores over the waves and their tested changes: what no test calls clear is grey."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from app.charts.looks import (
    BLUE,
    INK,
    NEAR,
    NOT_SHOWN,
    PALE,
    QUIET,
    VERMILION,
    Caption,
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


def waves(
    table: pd.DataFrame, moves: pd.DataFrame, *, order: Sequence[str], scale: Scale, caption: Caption, height: int = 170
) -> Spec:
    """One score over the waves with its 95 % intervals; a coloured line joins two waves whose difference is clear.

    `table` and `moves` hold one measure of one cell. Everything that no test calls clear is grey.
    """
    rows = [_wave(row, unit=scale.unit) for row in table.to_dict("records")]
    shown = [row for row in rows if row["estimate"] is not None]
    ends = _tested(moves, shown, better=scale.better)
    joined = alt.Chart(values(ends)).mark_line(strokeWidth=3.5, strokeCap="round")
    x = alt.X("wave:O", scale=alt.Scale(domain=list(order), padding=0.4), title=None, axis=alt.Axis(labelAngle=0))
    axis = levels(scale, shown) | {"title": None}
    y = alt.Y("estimate:Q", **axis)
    base = alt.Chart(values(shown)).encode(x=x)
    hidden = alt.Chart(values([row for row in rows if row["estimate"] is None]))
    layers = [
        *stamp(caption),
        base.mark_line(color=PALE, strokeWidth=1.5).encode(y=y),
        base.mark_rule(color=PALE, strokeWidth=6, strokeCap="butt").encode(y=alt.Y("low:Q", **axis), y2="high:Q"),
        joined.encode(x=x, y=y, detail="line:N", color=alt.Color("colour:N", scale=None)),
        base.mark_point(filled=True, size=45, opacity=1, color=QUIET).encode(
            y=y,
            tooltip=[alt.Tooltip(f"{name}:N") for name in ("wave", "value", "interval")],
        ),
        base.mark_text(dy=-7, baseline="bottom", fontSize=12.5, fontWeight=600, color=INK).encode(
            y=alt.Y("high:Q", **axis), text="value:N"
        ),
        hidden.mark_text(fontStyle="italic", color=QUIET, dy=-8).encode(
            x=x, y=alt.value(alt.expr("height")), text="value:N"
        ),
    ]
    told = [f"{row['wave']}: {row['value']}, 95 % interval {row['interval']}" for row in rows]
    told += [f"clear change {line}" for line in dict.fromkeys(end["line"] for end in ends)] or ["no clear change"]
    return finish(layers, caption=caption, height=height, told="; ".join(told), below=28)


def _wave(row: Mapping[Any, Any], *, unit: str) -> Row:
    places = places_of(row, unit)
    limits = {name: float(row[name]) if pd.notna(row[name]) else None for name in ("estimate", "low", "high")}
    value = number(row["estimate"], places=places) if pd.notna(row["estimate"]) else NOT_SHOWN
    return {"wave": str(row["wave"]), "value": value, "interval": span(row, places=places)} | limits


def _tested(moves: pd.DataFrame, shown: Sequence[Row], *, better: str) -> list[Row]:
    """Both ends of each line between two waves whose difference passed its test."""
    level = {row["wave"]: row["estimate"] for row in shown}
    return [
        {
            "line": f"{row['since']} to {row['wave']}",
            "wave": end,
            "estimate": level[end],
            "colour": INK if row.get("verdict") == "composition" else verdict(row["estimate"], better=better),
        }
        for row in moves.to_dict("records")
        if row["clear"] and {row["since"], row["wave"]} <= level.keys()
        for end in (row["since"], row["wave"])
    ]


def changes(
    moves: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    facet: str,
    scale: Scale,
    caption: Caption,
    compact: bool = False,
) -> Spec:
    """Change of each row against its own past, with its interval; only clear ones are coloured and pointed.

    Rows stand in the order of their names: this is no ranking. Compact leaves out the figures beside the rows.
    """
    rows = [_move(row, labels=labels, facet=facet, scale=scale) for row in moves.to_dict("records")]
    rows.sort(key=lambda row: str(row["label"]))
    shown = [row for row in rows if row["estimate"] is not None]
    reach = max([NEAR, *(abs(row[name]) for row in shown for name in ("low", "high") if row[name] is not None)])
    y = names(rows, compact=compact)
    title = scale.words or None
    axis: Row = {"scale": alt.Scale(domain=[-reach, reach]), "title": title, "axis": alt.Axis(tickCount=5)}
    base = alt.Chart(values(shown)).encode(y=y, color=alt.Color("colour:N", scale=None))
    words = alt.Chart(values(shown)).mark_text(align="left", dx=10, fontSize=12)
    layers = [
        *stamp(caption),
        alt.Chart(values([{"zero": 0}])).mark_rule(color=INK, strokeWidth=1).encode(x=alt.X("zero:Q", **axis)),
        base.mark_rule(strokeWidth=5, strokeCap="butt", opacity=0.45).encode(x=alt.X("low:Q", **axis), x2="high:Q"),
        base.mark_point(filled=True, size=120, opacity=1).encode(
            x=alt.X("estimate:Q", **axis),
            shape=alt.Shape("shape:N", scale=None),
            tooltip=[alt.Tooltip("label:N", title=" "), alt.Tooltip("words:N", title="change")],
        ),
        reasons([row for row in rows if row["estimate"] is None], y=y, short=compact),
    ]
    if not compact:
        ink = alt.condition("datum.clear", alt.value(INK), alt.value(QUIET))
        layers.append(words.encode(y=y, x=right(), text="words:N", color=ink))
    told = "; ".join(f"{row['label']}: {row['words'] or row['note']}" for row in rows)
    height = max((17 if compact else 22) * len(rows), 60)
    return finish(layers, caption=caption, height=height, told=told, below=28 if compact else 44)


def _move(row: Mapping[Any, Any], *, labels: Mapping[str, str], facet: str, scale: Scale) -> Row:
    size = number(row["estimate"], places=places_of(row, scale.unit), sign=True)
    code, shown, clear = str(row[facet]), pd.notna(row["estimate"]), bool(row["clear"])
    limits = {name: float(row[name]) if pd.notna(row[name]) else None for name in ("estimate", "low", "high")}
    return limits | {
        "label": labels.get(code, code),
        "clear": clear,
        "colour": verdict(row["estimate"], better=scale.better) if clear else "#8A959C",
        "shape": ("triangle-up" if row["estimate"] > 0 else "triangle-down") if clear else "circle",
        "words": f"{size}, {'clear' if clear else 'not clear'}" if shown else "",
        "note": "" if shown else f"{NOT_SHOWN}: {why(row['reason'])}",
    }


def verdict(change: float, *, better: str) -> str:
    """Blue for what got better, vermilion for worse; a measure that may be read both ways has neither."""
    if better == "ambiguous":
        return INK
    return BLUE if (change > 0) == (better == "better") else VERMILION
