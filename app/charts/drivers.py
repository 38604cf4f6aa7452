"""What goes with an outcome, and what to mend first: pictures, and the same figures as tables in words."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

import altair as alt
import pandas as pd

from app import sentences
from app.charts.looks import (
    BLUE,
    INK,
    PALE,
    QUIET,
    SLATE,
    VERMILION,
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
from app.charts.pairs import Pair, pairs
from app.charts.words import number, span, why

Titles = Mapping[str, str]
#: Colour of what a test calls; all else is grey.
CALLED: Final[Mapping[str, str]] = {"better": BLUE, "worse": VERMILION, "up": INK, "down": INK}
DRAWN = 8  # of what to mend; the table has all
LEAST_P = 0.001
NO_POWER: Final = "no office has power over it"


def driver_importance(rows: pd.DataFrame, *, titles: Titles, caption: Caption) -> Spec:
    """Share of R2 that each dimension goes with: by own scores (hollow) and by those of the others (filled)."""
    known = {(row["seen"], row["regressor"]): row for row in rows.to_dict("records")}
    drawn = [_important(code, titles, known) for code in dict.fromkeys(rows["regressor"])]
    top = _top([value for pair in drawn for value in (pair.hollow_high, pair.high) if value is not None], step=2.5)
    return pairs(drawn, scale=Scale("% of what differs in the answer", "%", top), caption=caption, row=40)


def _important(code: str, titles: Titles, known: Mapping[tuple[Any, Any], Mapping[Any, Any]]) -> Pair:
    def of(seen: str, name: str) -> float | None:
        row = known.get((seen, code))
        return float(row[name]) if row is not None else None

    own, others = of("own", "importance"), of("others", "importance")
    return Pair(
        titles.get(code, code),
        hollow=own,
        filled=others,
        hollow_low=of("own", "importance_low"),
        hollow_high=of("own", "importance_high"),
        low=of("others", "importance_low"),
        high=of("others", "importance_high"),
        value="" if others is None else number(others),
        words="" if own is None else f"own {number(own)}",
    )


def driver_shares(rows: pd.DataFrame, *, titles: Titles, caption: Caption) -> Spec:
    """Predicted shares where a dimension is rated low (hollow) and high (filled); coloured where that is clear."""
    drawn = [_predicted(row, titles) for row in rows.to_dict("records")]
    top = _top([row[name] for row in drawn for name in ("band_high", "at_low")], step=20)
    y, axis = names(drawn), levels(Scale("% with this answer", "%", top), drawn)
    band = alt.Chart(values(drawn)).mark_rule(strokeWidth=9, opacity=0.35, strokeCap="butt")
    joined = alt.Chart(values(drawn)).mark_rule(strokeWidth=2)
    tips = [alt.Tooltip(f"{name}:N", title=title) for name, title in (("label", " "), ("told", " "))]
    hue = alt.Color("hue:N", scale=None)
    low = alt.Chart(values(drawn)).mark_point(filled=True, fill="#FFFFFF", size=62, opacity=1, strokeWidth=2)
    high = alt.Chart(values(drawn)).mark_point(filled=True, size=70, opacity=1)
    layers = [
        *stamp(caption),
        band.encode(y=y, x=alt.X("band_low:Q", **axis), x2="band_high:Q", color=hue),
        joined.encode(y=y, x=alt.X("at_low:Q", **axis), x2="at_high:Q", color=hue),
        low.encode(y=y, x=alt.X("at_low:Q", **axis), stroke=hue, tooltip=tips),
        high.encode(y=y, x=alt.X("at_high:Q", **axis), color=hue, tooltip=tips),
        *_beside(drawn, y=y),
    ]
    told = "; ".join(f"{row['label']}: {row['told']}" for row in drawn)
    return finish(layers, caption=caption, height=40 * len(drawn), told=told)


def _predicted(row: Mapping[Any, Any], titles: Titles) -> Row:
    points = {name: float(row[name]) for name in ("at_low", "at_high")}
    ends = [min(max(points["at_low"] + row[end], 0.0), 100.0) for end in ("low", "high")]
    value = number(row["difference"], sign=True)
    shares = f"{number(row['at_low'])} % rated low, {number(row['at_high'])} % rated high"
    return points | {
        "label": titles.get(row["regressor"], row["regressor"]),
        "band_low": ends[0],
        "band_high": ends[1],
        "hue": CALLED.get(row["verdict"], PALE),
        "value": value,
        "interval": f"({span(row)})",
        "told": f"{shares}, {value} points ({span(row)}){'' if row['clear'] else ', not clear'}",
    }


def _beside(rows: Sequence[Row], *, y: alt.Y, down: int = 0) -> list[Layer]:
    """Figure and interval, right of the plot and so far below the middle of the row."""
    base = alt.Chart(values(rows)).encode(y=y, x=right())
    figure = base.mark_text(align="left", baseline="middle", fontSize=12, dx=10, dy=down, fontWeight=600, color=INK)
    interval = base.mark_text(align="left", baseline="middle", fontSize=12, dx=54, dy=down, color=QUIET)
    return [figure.encode(text="value:N"), interval.encode(text="interval:N")]


def _top(ends: Sequence[float], *, step: float) -> float:
    """End of an axis: the next round step above everything that is drawn."""
    return step * ceil(max([step, *ends]) / step)


def mending(rows: pd.DataFrame, *, caption: Caption) -> Spec:
    """The first of what users ask to have mended; dark: it cannot be told apart from the first of all."""
    records = rows.to_dict("records")
    together = {row["measure"] for row in (*records[:1], *sentences.mend_alike(records)) if row["groups"]}
    drawn = [_mended(row, together) for row in records[:DRAWN] if pd.notna(row["low"])]
    y = alt.Y("label:N", sort=[row["label"] for row in drawn], axis=None)
    axis = levels(Scale("of 100 users", "%", _top([row["high"] for row in drawn], step=20)), drawn)
    hue = alt.Color("hue:N", scale=None)
    base = alt.Chart(values(drawn)).encode(y=y)
    tips = [alt.Tooltip(f"{name}:N", title=" ") for name in ("label", "told")]
    words = base.encode(x=alt.value(0))
    layers = [
        *stamp(caption),
        base.mark_rule(strokeWidth=8, opacity=0.4, strokeCap="butt", yOffset=14).encode(
            x=alt.X("low:Q", **axis), x2="high:Q", color=hue
        ),
        base.mark_point(filled=True, size=62, opacity=1, yOffset=14).encode(
            x=alt.X("estimate:Q", **axis), color=hue, tooltip=tips
        ),
        words.mark_text(align="left", dy=-13, fontSize=12.5, fontWeight=600, color=INK).encode(text="action:N"),
        words.mark_text(align="left", dy=1, fontSize=11, color=QUIET).encode(text="office:N"),
        *_beside(drawn, y=y, down=14),
    ]
    told = "; ".join(f"{row['label']}: {row['told']}" for row in drawn)
    return finish(layers, caption=caption, height=max(56 * len(drawn), 60), told=told)


def _mended(row: Mapping[Any, Any], together: set[Any]) -> Row:
    told = f"{number(row['estimate'])} ({span(row)})"
    return {
        "label": row["title"],
        "action": sentences.action(row["action"]),
        "office": f"{sentences.office(row['actor'])} \N{MIDDLE DOT} {row['title']}",
        "estimate": float(row["estimate"]),
        "low": float(row["low"]),
        "high": float(row["high"]),
        "hue": SLATE if row["measure"] in together else PALE,
        "value": number(row["estimate"]),
        "interval": f"({span(row)})",
        "told": told,
    }


def told_drivers(rows: pd.DataFrame, *, titles: Titles) -> pd.DataFrame:
    """What goes with an outcome, in words: importance, predicted shares, and whether it is clear."""
    return pd.DataFrame(
        [
            {
                "": titles.get(row["regressor"], row["regressor"]),
                "by": sentences.DRIVERS_SEEN[row["seen"]],
                "% of what differs": f"{number(row['importance'])} ({_limits(row, 'importance')})",
                "rated low, %": number(row["at_low"]),
                "rated high, %": number(row["at_high"]),
                "difference": number(row["difference"], sign=True),
                "95 % interval": span(row),
                "p, all together": "" if pd.isna(row["p_adjusted"]) else f"{max(row['p_adjusted'], LEAST_P):.3f}",
                "clear": "yes" if row["clear"] else "",
            }
            for row in rows.to_dict("records")
        ]
    )


def told_driver_slopes(rows: pd.DataFrame, *, titles: Titles) -> pd.DataFrame:
    """Slopes of the models, in words: log-odds of a higher answer for each standard deviation of a dimension."""
    return pd.DataFrame(
        [
            {
                "": titles.get(row["regressor"], row["regressor"]),
                "by": sentences.DRIVERS_SEEN[row["seen"]],
                "log-odds": number(row["log_odds"], places=2, sign=True),
                "95 % interval": _limits(row, "log_odds", places=2),
                "odds ratio": number(row["odds_ratio"], places=2),
                "standard error": number(row["se"], places=2),
                "df": number(row["df"], places=0),
                "p, alone": "" if pd.isna(row["p"]) else f"{row['p']:.3f}",
            }
            for row in rows.to_dict("records")
        ]
    )


def told_driver_models(models: pd.DataFrame) -> pd.DataFrame:
    """How much each model explains, in words."""
    return pd.DataFrame(
        [
            {
                "by": sentences.DRIVERS_SEEN[row["seen"]],
                "R2": number(row["r2"], places=3),
                "McFadden": number(row["mcfadden"], places=3),
                "answers": f"{row['n']:.0f}",
                "left out": f"{row['left_out']:.0f}",
            }
            for row in models.to_dict("records")
        ]
    )


def _limits(row: Mapping[Any, Any], name: str, *, places: int = 1) -> str:
    return span({"low": row[f"{name}_low"], "high": row[f"{name}_high"]}, places=places)


def told_mending(rows: pd.DataFrame) -> pd.DataFrame:
    """What to mend, who can, how many ask for it, and what cannot be told apart, in words."""
    return pd.DataFrame(
        [
            {
                "action": sentences.action(row["action"]),
                "office": sentences.office(row["actor"]),
                "question": row["title"],
                "affected, % of users": number(row["affected"]),
                "dissatisfied, % of these": number(row["dissatisfied"]),
                "both, of 100 users": number(row["share"]),
                "power of the office": number(row["power"], places=2),
                "counted": number(row["estimate"]) if pd.notna(row["estimate"]) else "",
                "95 % interval": span(row),
                "answers": f"{row['n']:.0f}",
                "groups that cannot be told apart": row["groups"].replace(" ", ", "),
                "to note": NO_POWER if row["reason"] == "no_power" else why(row["reason"]) if row["reason"] else "",
            }
            for row in rows.to_dict("records")
        ]
    )
