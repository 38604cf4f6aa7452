"""Changes, differences and trends with their tests, and the parts of a change: coloured by the verdict alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from app.charts.looks import (
    BLUE,
    INK,
    NOT_SHOWN,
    QUIET,
    VERMILION,
    Caption,
    Row,
    Scale,
    Spec,
    finish,
    reasons,
    right,
    stamp,
    values,
)
from app.charts.words import number, places_of, span, why

UNCLEAR = "#8A959C"
#: Verdict -> colour: what no test calls clear is grey, and what may be read both ways is dark.
HUES: Mapping[str, str] = {"better": BLUE, "worse": VERMILION, "up": INK, "down": INK, "composition": INK}
#: Verdict -> the words beside a figure.
SHORT: Mapping[str, str] = {
    "better": "clear", "worse": "clear", "up": "clear", "down": "clear", "composition": "clear, of mix",
    "steady": "no larger", "not_clear": "not clear", "not_judged": "not judged",
}  # fmt: skip
REACH: Mapping[str, float] = {"points": 10.0, "%": 10.0}  # least reach of an axis, so that small moves look small
LEAST = 0.1  # the same of other units
BREAK = "|"  # where a label goes on in a second line


def hue(verdict: str) -> str:
    """Colour of a verdict."""
    return HUES.get(verdict, UNCLEAR)


def compared(table: pd.DataFrame, *, labels: Sequence[str], scale: Scale, caption: Caption, more: int = 0) -> Spec:
    """Each row of a family against 0, with its own interval, in the order of the table: this is no ranking.

    `labels` are those of the rows; a `|` in one begins its second line. Slopes have a decimal `more`.
    """
    rows = [_row(row, label, scale, more) for row, label in zip(table.to_dict("records"), labels, strict=True)]
    shown = [row for row in rows if row["estimate"] is not None]
    y, axis = _labels(rows), _axis(rows, scale, more)
    base = alt.Chart(values(shown)).encode(y=y, color=alt.Color("colour:N", scale=None))
    ranged = alt.Chart(values([row for row in shown if row["low"] is not None])).encode(
        y=y, color=alt.Color("colour:N", scale=None)
    )
    layers = [
        *stamp(caption),
        _zero(axis),
        ranged.mark_rule(strokeWidth=5, strokeCap="butt", opacity=0.45).encode(x=alt.X("low:Q", **axis), x2="high:Q"),
        base.mark_point(filled=True, size=110, opacity=1).encode(
            x=alt.X("estimate:Q", **axis),
            shape=alt.Shape("shape:N", scale=None),
            tooltip=[alt.Tooltip("name:N", title=" "), alt.Tooltip("words:N", title=" ")],
        ),
        _beside(shown, y),
        reasons([row for row in rows if row["estimate"] is None], y=y),
    ]
    told = "; ".join(f"{row['name']}: {row['words'] or row['note']}" for row in rows)
    tall = 36 if any(BREAK in label for label in labels) else 26
    return finish(layers, caption=caption, height=max(tall * len(rows), 60), told=told)


def split(table: pd.DataFrame, *, labels: Mapping[str, str], caption: Caption) -> Spec:
    """The parts of one change as bars from 0, each with its interval; `labels` name the parts, in their order."""
    known = table.set_index("part")
    scale = Scale("points of change, with 95 % interval")
    rows = [_row({**known.loc[part], "n": None, "reason": ""}, label, scale, 0) for part, label in labels.items()]
    y, axis = _labels(rows), _axis(rows, scale, 0)
    base = alt.Chart(values(rows)).encode(y=y)
    layers = [
        *stamp(caption),
        base.mark_bar(height=14, opacity=0.75).encode(
            x=alt.X("estimate:Q", **axis),
            x2=alt.X2Datum(0),
            color=alt.Color("colour:N", scale=None),
            tooltip=[alt.Tooltip("name:N", title=" "), alt.Tooltip("words:N", title=" ")],
        ),
        base.mark_rule(strokeWidth=1.6, color=INK).encode(x=alt.X("low:Q", **axis), x2="high:Q"),
        _zero(axis),
        _beside(rows, y),
    ]
    told = "; ".join(f"{row['name']}: {row['words']}" for row in rows)
    return finish(layers, caption=caption, height=32 * len(rows), told=told)


def told_compared(table: pd.DataFrame, *, labels: Sequence[str], unit: str, more: int = 0) -> pd.DataFrame:
    """The figures of a family in words."""
    lines = []
    for row, label in zip(table.to_dict("records"), labels, strict=True):
        places = places_of(row, unit) + more
        shown = pd.notna(row["estimate"])
        line = {
            "": label.replace(BREAK, " "),
            "difference": number(row["estimate"], places=places, sign=True) if shown else NOT_SHOWN,
            "95 % interval": span(row, places=places) if shown else "",
            "p": _p(row["p"]),
            "p, judged together": _p(row["p_adjusted"]),
            "verdict": SHORT[row["verdict"]] if shown else "",
        }
        if "low_together" in row:
            ends = {"low": row["low_together"], "high": row["high_together"]}
            line["interval with all others"] = span(ends, places=places) if shown else ""
        if "claimable" in row:
            line["no larger than"] = number(row["claimable"], places=places) if pd.notna(row["claimable"]) else ""
        lines.append(line | {"to note": why(row["reason"]) if row["reason"] else ""})
    return pd.DataFrame(lines)


def told_split(table: pd.DataFrame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """The parts of one change in words."""
    known = table.set_index("part")
    rows = [(label, {**known.loc[part]}) for part, label in labels.items()]
    return pd.DataFrame(
        {
            "": label,
            "points": number(row["estimate"], sign=True),
            "95 % interval": span(row),
            "p": _p(row["p"]),
            "p, judged together": _p(row["p_adjusted"]),
            "verdict": SHORT[row["verdict"]],
        }
        for label, row in rows
    )


def _p(value: float) -> str:
    return f"{value:.3f}" if pd.notna(value) else ""


def _row(row: Mapping[Any, Any], label: str, scale: Scale, more: int) -> Row:
    verdict, shown = str(row["verdict"]), bool(pd.notna(row["estimate"]))
    places = places_of(row, scale.unit) + more
    clear = verdict in HUES
    limits = {name: float(row[name]) if pd.notna(row[name]) else None for name in ("estimate", "low", "high")}
    size = number(row["estimate"], places=places, sign=True) if shown else ""
    return limits | {
        "label": label,
        "name": label.replace(BREAK, " "),
        "clear": clear,
        "colour": hue(verdict),
        "shape": ("triangle-up" if row["estimate"] > 0 else "triangle-down") if clear else "circle",
        "words": f"{size}, {SHORT[verdict]}" if shown else "",
        "note": "" if shown else f"{NOT_SHOWN}: {why(row['reason'])}",
    }


def _labels(rows: Sequence[Row]) -> alt.Y:
    """Rows in the order in which they come, in two lines where a label breaks."""
    axis = alt.Axis(labelLimit=215, grid=False, labelExpr=f"split(datum.label, '{BREAK}')", labelLineHeight=14)
    return alt.Y("label:N", sort=[row["label"] for row in rows], title=None, axis=axis)


def _axis(rows: Sequence[Row], scale: Scale, more: int) -> Row:
    """An axis with 0 in its middle; shorter for slopes."""
    ends = [abs(row[name]) for row in rows for name in ("estimate", "low", "high") if row[name] is not None]
    reach = max([REACH.get(scale.unit, LEAST) / (1 + 4 * more), *ends])
    return {"scale": alt.Scale(domain=[-reach, reach]), "title": scale.words, "axis": alt.Axis(tickCount=5)}


def _zero(axis: Row) -> Any:  # noqa: ANN401 - a layer
    return alt.Chart(values([{"zero": 0}])).mark_rule(color=INK, strokeWidth=1).encode(x=alt.X("zero:Q", **axis))


def _beside(rows: Sequence[Row], y: alt.Y) -> Any:  # noqa: ANN401 - a layer
    """Figure and verdict right of the plot."""
    words = alt.Chart(values(rows)).mark_text(align="left", dx=10, fontSize=12)
    hues = alt.condition("datum.clear", alt.value(INK), alt.value(QUIET))
    return words.encode(y=y, x=right(), text="words:N", color=hues)
