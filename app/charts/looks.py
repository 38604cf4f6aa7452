"""What every picture shares: words, colours, axis, marks burnt in, and the finished dictionary of Vega-Lite.

Altair's global settings are not safe under threads, so specifications are built under one lock, with inline data and
without a theme of Altair's: our own look is put around the finished dictionary. Show them by `st.vega_lite_chart`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import altair as alt

Spec = dict[str, Any]
Row = dict[str, Any]
Layer = Any  # encoded charts: altair types them loosely

INK, QUIET, PALE, FAINT = "#1B2A33", "#5A6872", "#A9B4BB", "#DDE4E8"
#: Okabe and Ito's colours, told apart by the colour-blind too.
BLUE, GREEN, VERMILION = "#0072B2", "#009E73", "#D55E00"
MARK, UNOFFICIAL = "SYNTHETIC", "UNOFFICIAL"
EXPLAINED = {MARK: f"{MARK}: invented answers.", UNOFFICIAL: f"{UNOFFICIAL}: nobody published this."}
NOT_SHOWN = "not shown"
PICK = "pick"  # name of the selection that a click makes
FULL = 100.0
#: Units on 0 to 100, and the words of their axis.
BOUNDED = {"points": "points, more is better", "%": "% of those it applies to"}
WHOLE_BELOW = 50  # answers below which the mask rounds to one decimal less
SLATE = "#37718E"  # what belongs to no index
HEADROOM = 1.2  # above the highest value of an axis
NEAR = 20.0  # least reach of an axis of changes, in points
LOCK = Lock()
CONFIG: Spec = {
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
    """Words of a picture: what it shows, where it comes from, and what is burnt into it.

    Synthetic answers are invented; an unofficial picture shows what nobody published.
    """

    title: str
    subtitle: str  # one line or more
    source: str
    synthetic: bool
    unofficial: bool = False

    @property
    def marks(self) -> tuple[str, ...]:
        """Words that stand across the picture."""
        return (MARK,) * self.synthetic + (UNOFFICIAL,) * self.unofficial


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


def levels(scale: Scale, rows: Sequence[Row]) -> Row:
    """Axis of levels: 0 to 100, or from 0 as far as the values go."""
    if scale.top is not None:
        ticks = alt.Axis(values=[0, 20, 40, 60, 80, 100]) if scale.top == FULL else alt.Axis(tickCount=6)
        return {"scale": alt.Scale(domain=[0, scale.top]), "axis": ticks, "title": scale.words}
    top = max([1.0, *(row["high"] or row["estimate"] for row in rows)]) * HEADROOM
    return {"scale": alt.Scale(domain=[0, top], nice=True), "axis": alt.Axis(tickCount=5), "title": scale.words}


def names(rows: Sequence[Row], *, strong: Sequence[str] = (), compact: bool = False) -> alt.Y:
    """Rows in the order in which they come; compact ones are all named too, in smaller letters."""
    weight: Any = {
        "condition": {"test": f"indexof({json.dumps(list(strong))}, datum.value) >= 0", "value": 600},
        "value": 400,
    }
    axis = alt.Axis(labelLimit=215, grid=False, labelFontWeight=weight if strong else alt.Undefined)
    if compact:
        axis = alt.Axis(labelLimit=215, grid=False, labelFontSize=11, labelOverlap=False)
    return alt.Y("label:N", sort=[row["label"] for row in rows], title=None, axis=axis)


def reasons(rows: Sequence[Row], *, y: alt.Y, short: bool = False) -> Layer:
    """Say in the empty row that nothing is shown and, where there is room, why."""
    mark = alt.Chart(values(rows)).mark_text(align="left", dx=4, fontStyle="italic", color=QUIET, fontSize=11.5)
    return mark.encode(y=y, x=alt.value(0), text=alt.value(NOT_SHOWN) if short else "note:N", tooltip="note:N")


def values(rows: Sequence[Row]) -> alt.InlineData:
    """Rows inside the specification."""
    return alt.InlineData(values=list(rows))


def right() -> Any:  # noqa: ANN401 - altair's value definitions have no public type
    """The right edge of the plot."""
    return alt.value(alt.expr("width"))


def stamp(caption: Caption, *, over: bool = False) -> list[Layer]:
    """Burn the marks of the caption into the picture: under everything else, or over cells that are filled."""
    rows = len(caption.marks)
    colour, opacity = (INK, 0.13) if over else ("#C9D2D8", 0.55)
    size = alt.ExprRef(f"min(width / 6, height / {2 * rows}, 56)")
    layers = []
    for row, mark in enumerate(caption.marks):
        text = alt.Chart(values([{"mark": mark}])).mark_text(
            fontSize=size, fontWeight=600, color=colour, opacity=opacity
        )
        place = alt.value(alt.expr(f"height * {(row + 0.5) / rows}"))
        layers.append(text.encode(x=alt.value(alt.expr("width / 2")), y=place, text="mark:N"))
    return layers


def finish(layers: Sequence[Layer], *, caption: Caption, height: int, told: str, below: int = 44) -> Spec:
    """Build the dictionary under the lock and put title, source line, look and description around it."""
    source = [EXPLAINED[mark] for mark in caption.marks] + caption.source.splitlines()
    foot = alt.Chart(values([{}])).mark_text(
        align="left", baseline="top", dy=below, text=source, fontSize=10, color=QUIET, lineHeight=13
    )
    layered = alt.layer(*layers, foot.encode(x=alt.value(0), y=alt.value(alt.expr("height"))))
    marks = "".join(f" {mark}." for mark in caption.marks)
    told = f"{caption.title}. {' '.join(caption.subtitle.splitlines())} {told}.{marks}"
    with LOCK:
        spec: Spec = layered.properties(
            width="container",
            height=height,
            title=alt.TitleParams(text=caption.title, subtitle=caption.subtitle.splitlines()),
            description=told,
        ).to_dict(validate=False)  # the schema is asked in tests, not of every reader: most of the time of a first look
    # what stands right of the plot and below it is counted by the renderer as part of the picture
    return spec | {
        "config": CONFIG,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 4, "top": 4, "right": 4, "bottom": 4},
    }
