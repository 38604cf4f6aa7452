"""Result table -> chart specification: plain dictionaries of Vega-Lite with their rows inside.

Altair's global settings are not safe under threads, so specifications are built under one lock, with inline data and
without a theme of Altair's: our own look is put around the finished dictionary. Show them by `st.vega_lite_chart`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import altair as alt
import pandas as pd

from scoring.contract import REASONS

Spec = dict[str, Any]
Row = dict[str, Any]
Layer = Any  # encoded charts: altair types them loosely

INK, QUIET, PALE, FAINT = "#1B2A33", "#5A6872", "#A9B4BB", "#DDE4E8"
#: Okabe and Ito's colours, told apart by the colour-blind too.
BLUE, GREEN, VERMILION = "#0072B2", "#009E73", "#D55E00"
MARK = "SYNTHETIC"
NOT_SHOWN = "not shown"
PICK = "pick"  # name of the selection that a click makes
FULL = 100.0
#: Units on 0 to 100, and the words of their axis.
BOUNDED = {"points": "points, more is better", "%": "% of those it applies to"}
WHOLE_BELOW = 50  # answers below which the mask rounds to one decimal less
SLATE = "#37718E"  # what belongs to no index
HEADROOM = 1.2  # above the highest value of an axis
NEAR = 20.0  # least reach of an axis of changes, in points
_LOCK = Lock()
_CONFIG: Spec = {
    "font": "Noto Sans, sans-serif", "background": "#FFFFFF", "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "labelFontSize": 12, "labelPadding": 6, "labelFlush": False, "labelOverlap": "greedy",
        "labelSeparation": 6, "titleColor": QUIET, "titleFontSize": 11, "titleFontWeight": "normal",
        "gridColor": FAINT, "domain": False, "ticks": False,
    },
    "title": {
        "anchor": "start", "frame": "bounds", "offset": 10, "color": INK, "fontSize": 14, "fontWeight": 600,
        "subtitleColor": QUIET, "subtitleFontSize": 11,
    },
    "legend": {"disable": True},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caption:
    """Words of a picture: what it shows, where it comes from, and whether its answers are invented."""

    title: str
    subtitle: str  # one line or more
    source: str
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """The axis of a measure: its words, unit, reach (None: as far as the values go) and which way is good."""

    words: str
    unit: str = "points"
    top: float | None = FULL
    better: str = "better"

    @classmethod
    def of(cls, unit: str, *, better: str = "better") -> "Scale":
        """Axis of levels in a unit of the framework."""
        return cls(BOUNDED.get(unit, unit), unit, FULL if unit in BOUNDED else None, better)


def colour(measure: str) -> str:
    """Colour of an index on every page."""
    return {"accountability": BLUE, "integrity": GREEN, "chain": "#8A5A9E"}.get(measure, SLATE)


def number(value: float, *, places: int = 1, sign: bool = False) -> str:
    """A shown figure with the decimals that the mask leaves, and a true minus sign."""
    text = f"{value:+.{places}f}" if sign else f"{value:.{places}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def span(row: Mapping[Any, Any], *, places: int = 1) -> str:
    """The interval of a row in words that nobody takes for a subtraction."""
    known = pd.notna(row["low"]) and pd.notna(row["high"])
    return f"{number(row['low'], places=places)} to {number(row['high'], places=places)}" if known else "not known"


def places_of(row: Mapping[Any, Any], unit: str) -> int:
    """Decimals of a row: the mask rounds to one less where fewer than 50 answered."""
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
    good = better != "ambiguous" and (row["estimate"] > 0) == (better == "better")
    return f"{size}: a clear {'change' if better == 'ambiguous' else 'improvement' if good else 'decline'}."


def why(reason: str) -> str:
    """A reason code in words."""
    return REASONS.get(reason, reason) or REASONS[""]


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
    y = _names(rows, strong=strong or ())
    axis = _levels(scale, shown)
    layers = [
        *_stamp(synthetic=caption.synthetic),
        *_bands(shown, y=y, axis=axis, hue=hue),
        *_points(shown, y=y, axis=axis, hue=hue),
        *_beside(shown, y=y),
        _reasons([dot for dot in rows if dot["estimate"] is None], y=y, short=strong is not None),
    ]
    return _finish(layers, caption=caption, height=max(row * len(rows), 60), told=_told(rows))


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


def _names(rows: Sequence[Row], *, strong: Sequence[str] = ()) -> alt.Y:
    """Rows in the order in which they come."""
    weight: Any = {
        "condition": {"test": f"indexof({json.dumps(list(strong))}, datum.value) >= 0", "value": 600},
        "value": 400,
    }
    axis = alt.Axis(labelLimit=215, grid=False, labelFontWeight=weight if strong else alt.Undefined)
    return alt.Y("label:N", sort=[row["label"] for row in rows], title=None, axis=axis)


def _levels(scale: Scale, rows: Sequence[Row]) -> Row:
    """Axis of levels: 0 to 100, or from 0 as far as the values go."""
    if scale.top is not None:
        ticks = alt.Axis(values=[0, 20, 40, 60, 80, 100]) if scale.top == FULL else alt.Axis(tickCount=6)
        return {"scale": alt.Scale(domain=[0, scale.top]), "axis": ticks, "title": scale.words}
    top = max([1.0, *(row["high"] or row["estimate"] for row in rows)]) * HEADROOM
    return {"scale": alt.Scale(domain=[0, top], nice=True), "axis": alt.Axis(tickCount=5), "title": scale.words}


def _bands(rows: Sequence[Row], *, y: alt.Y, axis: Row, hue: str) -> list[Layer]:
    """Intervals from the widest, palest, to the narrowest."""
    levels = (("low", "high", 5, 0.30), ("low_80", "high_80", 10, 0.42), ("low_50", "high_50", 15, 0.60))
    layers = []
    for low, high, width, opacity in levels:
        known = [row for row in rows if row.get(low) is not None and row.get(high) is not None]
        mark = alt.Chart(_values(known)).mark_rule(strokeCap="butt", strokeWidth=width, opacity=opacity, color=hue)
        layers.append(mark.encode(y=y, x=alt.X(f"{low}:Q", **axis), x2=f"{high}:Q"))
    return layers


def _points(rows: Sequence[Row], *, y: alt.Y, axis: Row, hue: str) -> list[Layer]:
    """Estimates, hollow where they are to be read with care; over them a wide clear mark that takes the click."""
    tips = [("label", " "), ("value", "estimate"), ("interval", "95 % interval"), ("n", "answers"), ("note", "note")]
    base = alt.Chart(_values(rows)).encode(y=y, x=alt.X("estimate:Q", **axis))
    dot = base.mark_point(filled=True, size=62, opacity=1, strokeWidth=2, stroke=hue).encode(
        fill=alt.condition("datum.careful", alt.value("#FFFFFF"), alt.value(INK))
    )
    grip = base.mark_point(filled=True, size=700, opacity=0.01, cursor="pointer").encode(
        tooltip=[alt.Tooltip(f"{name}:N", title=title) for name, title in tips]
    )
    return [dot, grip.add_params(alt.selection_point(name=PICK, fields=["code"], empty=True))]


def _beside(rows: Sequence[Row], *, y: alt.Y) -> list[Layer]:
    """Value and number of answers, right of the plot."""
    base = alt.Chart(_values(rows)).encode(y=y, x=_right())
    value = base.mark_text(align="left", baseline="middle", fontSize=12, dx=10, fontWeight=600, color=INK)
    people = base.mark_text(align="left", baseline="middle", fontSize=12, dx=48, color=QUIET)
    return [value.encode(text="value:N"), people.encode(text="people:N")]


def _reasons(rows: Sequence[Row], *, y: alt.Y, short: bool = False) -> Layer:
    """Say in the empty row that nothing is shown and, where there is room, why."""
    mark = alt.Chart(_values(rows)).mark_text(align="left", dx=4, fontStyle="italic", color=QUIET, fontSize=11.5)
    return mark.encode(y=y, x=alt.value(0), text=alt.value(NOT_SHOWN) if short else "note:N", tooltip="note:N")


def waves(
    table: pd.DataFrame, moves: pd.DataFrame, *, order: Sequence[str], scale: Scale, caption: Caption, height: int = 170
) -> Spec:
    """One score over the waves with its 95 % intervals; a coloured line joins two waves whose difference is clear.

    `table` and `moves` hold one measure of one cell. Everything that no test calls clear is grey.
    """
    rows = [_wave(row, unit=scale.unit) for row in table.to_dict("records")]
    shown = [row for row in rows if row["estimate"] is not None]
    ends = _tested(moves, shown, better=scale.better)
    joined = alt.Chart(_values(ends)).mark_line(strokeWidth=3.5, strokeCap="round")
    x = alt.X("wave:O", scale=alt.Scale(domain=list(order), padding=0.4), title=None, axis=alt.Axis(labelAngle=0))
    axis = _levels(scale, shown) | {"title": None}
    y = alt.Y("estimate:Q", **axis)
    base = alt.Chart(_values(shown)).encode(x=x)
    hidden = alt.Chart(_values([row for row in rows if row["estimate"] is None]))
    layers = [
        *_stamp(synthetic=caption.synthetic),
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
    return _finish(layers, caption=caption, height=height, told="; ".join(told), below=28)


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
            "colour": verdict(row["estimate"], better=better),
        }
        for row in moves.to_dict("records")
        if row["clear"] and {row["since"], row["wave"]} <= level.keys()
        for end in (row["since"], row["wave"])
    ]


def changes(moves: pd.DataFrame, *, labels: Mapping[str, str], facet: str, scale: Scale, caption: Caption) -> Spec:
    """Change of each row against its own past, with its interval; only clear ones are coloured and pointed.

    Rows stand in the order of their names: this is no ranking.
    """
    rows = [_move(row, labels=labels, facet=facet, scale=scale) for row in moves.to_dict("records")]
    rows.sort(key=lambda row: str(row["label"]))
    shown = [row for row in rows if row["estimate"] is not None]
    reach = max([NEAR, *(abs(row[name]) for row in shown for name in ("low", "high") if row[name] is not None)])
    y = _names(rows)
    axis: Row = {"scale": alt.Scale(domain=[-reach, reach]), "title": scale.words, "axis": alt.Axis(tickCount=5)}
    base = alt.Chart(_values(shown)).encode(y=y, color=alt.Color("colour:N", scale=None))
    words = alt.Chart(_values(shown)).mark_text(align="left", dx=10, fontSize=12)
    layers = [
        *_stamp(synthetic=caption.synthetic),
        alt.Chart(_values([{"zero": 0}])).mark_rule(color=INK, strokeWidth=1).encode(x=alt.X("zero:Q", **axis)),
        base.mark_rule(strokeWidth=5, strokeCap="butt", opacity=0.45).encode(x=alt.X("low:Q", **axis), x2="high:Q"),
        base.mark_point(filled=True, size=120, opacity=1).encode(
            x=alt.X("estimate:Q", **axis),
            shape=alt.Shape("shape:N", scale=None),
            tooltip=[alt.Tooltip("label:N", title=" "), alt.Tooltip("words:N", title="change")],
        ),
        words.encode(
            y=y, x=_right(), text="words:N", color=alt.condition("datum.clear", alt.value(INK), alt.value(QUIET))
        ),
        _reasons([row for row in rows if row["estimate"] is None], y=y),
    ]
    told = "; ".join(f"{row['label']}: {row['words'] or row['note']}" for row in rows)
    return _finish(layers, caption=caption, height=max(22 * len(rows), 60), told=told)


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


def readable(table: pd.DataFrame, *, labels: Mapping[str, str], facet: str, unit: str) -> pd.DataFrame:
    """The figures of a picture as a table in words."""
    rows = [_dot(row, labels=labels, facet=facet, unit=unit) for row in table.to_dict("records")]
    names = {"label": "", "value": "estimate", "interval": "95 % interval", "people": "answers", "note": "to note"}
    return pd.DataFrame(rows, columns=list(names)).rename(columns=names)


def _values(rows: Sequence[Row]) -> alt.InlineData:
    return alt.InlineData(values=list(rows))


def _right() -> Any:  # noqa: ANN401 - altair's value definitions have no public type
    return alt.value(alt.expr("width"))


def _stamp(*, synthetic: bool) -> list[Layer]:
    """Burn the mark of invented answers into the picture, under everything else."""
    if not synthetic:
        return []
    size = alt.ExprRef("min(width / 6, height / 2, 56)")
    text = alt.Chart(_values([{"mark": MARK}])).mark_text(fontSize=size, fontWeight=600, color="#C9D2D8", opacity=0.55)
    return [text.encode(x=alt.value(alt.expr("width / 2")), y=alt.value(alt.expr("height / 2")), text="mark:N")]


def _told(rows: Sequence[Row]) -> str:
    """Rows in words, for readers who do not see the picture."""
    return "; ".join(
        f"{row['label']}: {row['value']}, 95 % interval {row['interval']}, {row['people']}"
        if row["value"]
        else f"{row['label']}: {row['note']}"
        for row in rows
    )


def _finish(layers: Sequence[Layer], *, caption: Caption, height: int, told: str, below: int = 44) -> Spec:
    """Build the dictionary under the lock and put title, source line, look and description around it."""
    source = [f"{MARK}: invented answers."] * caption.synthetic + caption.source.splitlines()
    foot = alt.Chart(_values([{}])).mark_text(
        align="left", baseline="top", dy=below, text=source, fontSize=10, color=QUIET, lineHeight=13
    )
    layered = alt.layer(*layers, foot.encode(x=alt.value(0), y=alt.value(alt.expr("height"))))
    told = (
        f"{caption.title}. {' '.join(caption.subtitle.splitlines())} {told}.{f' {MARK}.' if caption.synthetic else ''}"
    )
    with _LOCK:
        spec: Spec = layered.properties(
            width="container",
            height=height,
            title=alt.TitleParams(text=caption.title, subtitle=caption.subtitle.splitlines()),
            description=told,
        ).to_dict()
    # what stands right of the plot and below it is counted by the renderer as part of the picture
    return spec | {
        "config": _CONFIG,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 4, "top": 4, "right": 4, "bottom": 4},
    }
