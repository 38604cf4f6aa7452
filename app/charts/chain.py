"""The chain of accountability from the leadership down: dots with intervals, and what may be said of each link."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from app.charts.looks import (
    INK,
    NOT_SHOWN,
    QUIET,
    Caption,
    Layer,
    Row,
    Scale,
    Spec,
    finish,
    levels,
    reasons,
    right,
    stamp,
    values,
)
from app.charts.waves import changes
from app.charts.words import number, places_of, span, why
from app.sentences.chains import STANDINGS

Titles = Mapping[str, str]
Standing = Mapping[str, str]

#: What may be said of a link -> its shape, fill, outline and size: told by shape first, never by colour alone.
SHAPES: Mapping[str, tuple[str, str, str, int]] = {
    "points": ("diamond", INK, INK, 190),
    "possible": ("circle", "#FFFFFF", INK, 90),
    "excluded": ("circle", QUIET, QUIET, 45),
}
KEY = "Diamond: points most to. Ring: cannot be excluded.\nSmall dot: excluded. Bars: 95 % intervals."
ROOM = {"points": 200, "possible": 300}  # pixels of the plot from which on a strip has room for these words
TIGHT = 20  # pixels of a row below which an axis has no title
SCALE = Scale.of("points")


def chain_links(table: pd.DataFrame, *, standing: Standing, titles: Titles, caption: Caption, hue: str) -> Spec:
    """Links in their order with 95 % intervals; above each dot what may be said of it.

    Parameters
    ----------
    table : DataFrame
        That of one `scoring.chain.Chain`: one side or agency, one wave.
    standing : mapping of link to code
        As `app.sentences.standing` has it.
    """
    rows = [_link(row, standing=standing, titles=titles) for row in table.to_dict("records")]
    return _drawn(rows, caption=caption, hue=hue, row=40, words=_above)


def chain_strip(table: pd.DataFrame, *, standing: Standing, titles: Titles, caption: Caption, hue: str) -> Spec:
    """The same in little, at most 200 pixels high with its words: for a page of many pictures."""
    rows = [_link(row, standing=standing, titles=titles) for row in table.to_dict("records")]
    return _drawn(rows, caption=caption, hue=hue, row=16, words=_after)


def _link(row: Mapping[Any, Any], *, standing: Standing, titles: Titles) -> Row:
    code, shown = str(row["measure"]), pd.notna(row["estimate"])
    shape, fill, stroke, size = SHAPES.get(standing[code], SHAPES["excluded"])
    places = places_of(row, SCALE.unit)
    limits = {name: float(row[name]) if pd.notna(row[name]) else None for name in ("estimate", "low", "high")}
    return limits | {
        "label": titles.get(code, code),
        "standing": standing[code],
        "words": STANDINGS[standing[code]] if shown else "",
        "shape": shape,
        "fill": fill,
        "stroke": stroke,
        "size": size,
        "at": min(max(float(row["estimate"]), 30.0), 70.0) if shown else None,
        "value": number(row["estimate"], places=places) if shown else "",
        "interval": span(row, places=places) if shown else "",
        "note": "" if shown else f"{NOT_SHOWN}: {why(row['reason'])}",
    }


def _drawn(rows: Sequence[Row], *, caption: Caption, hue: str, row: int, words: Any) -> Spec:  # noqa: ANN401 - a function
    """Links under one another, with their words where `words` puts them."""
    shown = [one for one in rows if one["estimate"] is not None]
    small = row < TIGHT
    y, axis = _names(rows, small=small), levels(SCALE, shown) | ({"title": None} if small else {})
    base = alt.Chart(values(shown)).encode(y=y)
    bars = base.mark_rule(strokeWidth=5, strokeCap="butt", opacity=0.4, color=hue)
    dots = base.mark_point(opacity=1, strokeWidth=1.8)
    told = base.mark_text(align="left", baseline="middle", dx=8, fontSize=12, fontWeight=600, color=INK)
    layers = [
        *stamp(caption),
        bars.encode(x=alt.X("low:Q", **axis), x2="high:Q"),
        dots.encode(
            x=alt.X("estimate:Q", **axis),
            shape=alt.Shape("shape:N", scale=None),
            fill=alt.Fill("fill:N", scale=None),
            stroke=alt.Stroke("stroke:N", scale=None),
            size=alt.Size("size:Q", scale=None),
            tooltip=[alt.Tooltip(f"{name}:N", title=title) for name, title in TIPS],
        ),
        words(base, axis),
        told.encode(x=right(), text="value:N"),
        reasons([one for one in rows if one["estimate"] is None], y=y, short=True),
    ]
    spoken = "; ".join(f"{one['label']}: {_spoken(one)}" for one in rows)
    return finish(layers, caption=caption, height=row * len(rows), told=spoken, below=20 if small else 44)


def _names(rows: Sequence[Row], *, small: bool) -> alt.Y:
    """Every link by its name, however little room there is."""
    axis = alt.Axis(labelLimit=215, grid=False, labelOverlap=False, labelFontSize=11 if small else 12)
    return alt.Y("label:N", sort=[row["label"] for row in rows], title=None, axis=axis)


TIPS = (("label", " "), ("value", "points"), ("interval", "95 % interval"), ("words", " "))


def _above(base: alt.Chart, axis: Row) -> Layer:
    """Words over the dot, kept inside the plot."""
    text = base.mark_text(baseline="bottom", dy=-8, fontSize=11, color=INK)
    return text.encode(x=alt.X("at:Q", **axis), text="words:N")


def _after(base: alt.Chart, axis: Row) -> Layer:
    """Words after the interval, where there is room."""
    needed = f"({json.dumps(ROOM)}[datum.standing] || 9999)"
    fitting = base.transform_calculate(fitting=f"width < {needed} ? '' : datum.words")
    text = fitting.mark_text(align="left", baseline="middle", dx=8, fontSize=11, color=INK)
    return text.encode(x=alt.X("high:Q", **axis), text="fitting:N")


def _spoken(row: Row) -> str:
    return f"{row['value']}, 95 % interval {row['interval']}, {row['words']}" if row["value"] else row["note"]


def told_chain(table: pd.DataFrame, *, standing: Standing, titles: Titles) -> pd.DataFrame:
    """The figures of the picture in words, the number of office-holders among them."""
    return pd.DataFrame(
        [
            {
                "link": link["label"],
                "points": link["value"],
                "95 % interval": link["interval"],
                "weakest?": STANDINGS[link["standing"]],
                "office-holders": "fewer than 5" if row["reason"] == "few_holders" else f"{row['holders']:.0f}",
                "to note": link["note"] or (why(row["reason"]) if row["reason"] else ""),
            }
            for row in table.to_dict("records")
            for link in [_link(row, standing=standing, titles=titles)]
        ]
    )


def told_gap(table: pd.DataFrame, *, titles: Titles) -> pd.DataFrame:
    """Users and officers on each question they share, in words."""
    return pd.DataFrame(
        [
            {
                "question": titles.get(row["measure"], row["measure"]),
                "users": _one(row["users"]),
                "officers": _one(row["officers"]),
                "officers less users": number(row["estimate"], sign=True) if pd.notna(row["estimate"]) else "",
                "95 % interval": span(row) if pd.notna(row["estimate"]) else "",
                "p, all together": "" if pd.isna(row["p_adjusted"]) else f"{row['p_adjusted']:.3f}",
                "clear": "clear" if row["clear"] else "not clear" if pd.notna(row["p_adjusted"]) else "",
                "to note": why(row["reason"]) if row["reason"] else "",
            }
            for row in table.to_dict("records")
        ]
    )


def _one(value: float) -> str:
    return number(value) if pd.notna(value) else ""


def gap_rows(table: pd.DataFrame, *, titles: Titles, caption: Caption) -> Spec:
    """Officers less users on each question, with its interval; ink and a pointed mark where it is clear.

    No gap is good or bad in itself, so that none is coloured.
    """
    scale = Scale("points: right, officers see it better", "points", better="ambiguous")
    return changes(table, labels=titles, facet="measure", scale=scale, caption=caption)
