"""Two figures a row, one hollow and one filled: as published and as it would be, as meant and as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
import pandas as pd

from app.charts.looks import (
    INK,
    PALE,
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
    right,
    stamp,
    values,
)
from app.charts.words import number, span, why

#: Band of a cell against the average of its side, in words.
BANDS: Mapping[str, str] = {"below": "below", "not_distinguishable": "not clear", "above": "above", "": ""}
PHONE = 260  # pixels of the plot below which a reason has no room
APART = 6  # pixels by which the two figures of a row are moved apart


@dataclass(frozen=True, slots=True)
class Pair:
    """Two figures with their intervals, None where there is none, and the words right of them."""

    label: str
    hollow: float | None
    filled: float | None
    hollow_low: float | None = None
    hollow_high: float | None = None
    low: float | None = None
    high: float | None = None
    value: str = ""
    words: str = ""
    note: str = ""

    @property
    def told(self) -> str:
        """The row for readers who do not see the picture."""
        hollow = "none" if self.hollow is None else number(self.hollow)
        return f"{self.label}: hollow {hollow}, filled {self.value or 'none'} {self.words or self.note}".rstrip()


def pairs(rows: Sequence[Pair], *, scale: Scale, caption: Caption, hue: str = SLATE, row: int = 34) -> Spec:
    """Draw the rows in their order: hollow and grey above, filled and coloured below it."""
    drawn = [asdict(pair) for pair in rows]
    y, axis = names(drawn), levels(scale, [{"high": pair.high, "estimate": _furthest(pair)} for pair in rows])
    noted = alt.Chart(values([pair for pair in drawn if pair["note"]]))
    note = noted.transform_calculate(fitting=f"width < {PHONE} ? 'see the table' : datum.note").mark_text(
        align="left", dx=4, dy=APART, fontStyle="italic", color=QUIET, fontSize=11
    )
    layers = [
        *stamp(caption),
        *_figure(drawn, y=y, axis=axis, at="hollow", ends=("hollow_low", "hollow_high"), hue=PALE),
        *_figure(drawn, y=y, axis=axis, at="filled", ends=("low", "high"), hue=hue),
        *_beside(drawn, y=y),
        note.encode(y=y, x=alt.value(0), text="fitting:N", tooltip="note:N"),
    ]
    told = "; ".join(pair.told for pair in rows)
    return finish(layers, caption=caption, height=max(row * len(rows), 60), told=told)


def _furthest(pair: Pair) -> float:
    return max([0.0, *(value for value in (pair.hollow, pair.filled, pair.hollow_high) if value is not None)])


def _figure(rows: Sequence[Row], *, y: alt.Y, axis: Row, at: str, ends: tuple[str, str], hue: str) -> list[Layer]:
    """One of the two figures with its interval."""
    filled = at == "filled"
    shift = APART if filled else -APART
    ranged = [row for row in rows if row[ends[0]] is not None and row[ends[1]] is not None]
    rule = alt.Chart(values(ranged)).mark_rule(
        strokeCap="butt", strokeWidth=6 if filled else 3, opacity=0.4 if filled else 0.9, color=hue, yOffset=shift
    )
    point = alt.Chart(values([row for row in rows if row[at] is not None])).mark_point(
        filled=filled, size=62, opacity=1, strokeWidth=1.6, color=INK if filled else QUIET, yOffset=shift
    )
    tips = [("label", " "), ("hollow", "hollow"), ("value", "filled"), ("words", " ")]
    return [
        rule.encode(y=y, x=alt.X(f"{ends[0]}:Q", **axis), x2=f"{ends[1]}:Q"),
        point.encode(
            y=y, x=alt.X(f"{at}:Q", **axis), tooltip=[alt.Tooltip(f"{name}:N", title=title) for name, title in tips]
        ),
    ]


def _beside(rows: Sequence[Row], *, y: alt.Y) -> list[Layer]:
    """The filled figure and its words, right of the plot."""
    base = alt.Chart(values(rows)).encode(y=y, x=right())
    value = base.mark_text(align="left", baseline="middle", fontSize=12, dx=10, fontWeight=600, color=INK)
    words = base.mark_text(align="left", baseline="middle", fontSize=12, dx=46, color=QUIET)
    return [value.encode(text="value:N"), words.encode(text="words:N")]


def what_if(
    table: pd.DataFrame, *, labels: Mapping[str, str], facet: str, scale: Scale, caption: Caption, hue: str = SLATE
) -> Spec:
    """Each cell as published (hollow) and as it would be (filled), in the order of their names: this is no ranking."""
    rows = sorted((_compared(row, labels=labels, facet=facet) for row in table.to_dict("records")), key=_label)
    return pairs(rows, scale=scale, caption=caption, hue=hue, row=38)


def _label(pair: Pair) -> str:
    return pair.label


def _compared(row: Mapping[Any, Any], *, labels: Mapping[str, str], facet: str) -> Pair:
    def known(name: str) -> float | None:
        return float(row[name]) if pd.notna(row[name]) else None

    made = known("estimate")
    return Pair(
        labels.get(str(row[facet]), str(row[facet])),
        hollow=known("official"),
        filled=made,
        hollow_low=known("official_low"),
        hollow_high=known("official_high"),
        low=known("low"),
        high=known("high"),
        value=number(made) if made is not None else "",
        words=BANDS[row["band"]] if made is not None else "",
        note=why(row["reason"]) if made is None else "",
    )


def told_what_if(table: pd.DataFrame, *, labels: Mapping[str, str], facet: str) -> pd.DataFrame:
    """The figures of a what-if in words, with ranks and how stable they are: for advisers."""
    return pd.DataFrame([_line(row, labels=labels, facet=facet) for row in table.to_dict("records")])


def _line(row: Mapping[Any, Any], *, labels: Mapping[str, str], facet: str) -> dict[str, str]:
    def figure(name: str) -> str:
        return number(row[name]) if pd.notna(row[name]) else ""

    ranked = pd.notna(row["rank"])
    published = {"low": row["official_low"], "high": row["official_high"]}
    return {
        "": labels.get(str(row[facet]), str(row[facet])),
        "what if": figure("estimate"),
        "95 % interval": span(row) if figure("estimate") else "",
        "against the average": BANDS[row["band"]],
        "rank": f"{row['rank']:.0f}" if ranked else "",
        "rank lies within": f"{row['rank_low']:.0f} to {row['rank_high']:.0f}" if ranked else "",
        "stays in its band": f"{100 * row['stability']:.0f} %" if pd.notna(row.get("stability")) else "",
        "published": figure("official"),
        "published interval": span(published) if figure("official") else "",
        "published band": BANDS[row["official_band"]],
        "to note": why(row["reason"]) if row["reason"] else "",
    }
