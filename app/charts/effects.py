"""What an intervention moved: each post's own change under the difference between posts, and the picture over time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import altair as alt
import pandas as pd

from app.charts.looks import (
    INK,
    NEAR,
    NOT_SHOWN,
    PALE,
    QUIET,
    Caption,
    Layer,
    Row,
    Scale,
    Spec,
    finish,
    names,
    reasons,
    right,
    stamp,
    values,
)
from app.charts.waves import verdict
from app.charts.words import number, span, why
from scoring.claims import Claim

GREY = "#8A959C"  # what no test calls clear
#: Posts by what they had -> shape of the mark; those left out have none.
SHAPES: Mapping[str, str] = {"with": "square", "without": "circle"}
LEFT_OUT: Mapping[str, str] = {"before": "left out: had it before", "aside": "left out: had something else"}
DIFFERENCE = "With less without"
CLEAR = ("higher", "lower")
CALLED: Mapping[str, str] = {"higher": "clear", "lower": "clear", "doubted": "doubted", "not_clear": "not clear"}
REFERENCE = -1  # waves since the intervention: the last one before it


def effect_colour(claim: str, estimate: float, *, better: str) -> str:
    """Colour of a difference between posts: grey for every claim but "higher" and "lower"."""
    return verdict(estimate, better=better) if claim in CLEAR else GREY


def effect_posts(
    changes: pd.DataFrame,
    claim: Claim,
    *,
    labels: Mapping[str, str],
    scale: Scale,
    caption: Caption,
) -> Spec:
    """The difference between posts with and without (a diamond, where there is one), then each post's own change.

    Posts stand in the order of their names; each is coloured by its own test, the difference by what may be claimed.
    """
    posts = [_post(row, labels=labels, scale=scale) for row in changes.to_dict("records")]
    rows = [*_difference(claim, scale=scale), *sorted(posts, key=_name)]
    shown = [row for row in rows if row["estimate"] is not None]
    y, axis = names(rows, strong=[DIFFERENCE]), _axis(shown, scale)
    base = alt.Chart(values(shown)).encode(y=y, color=alt.Color("colour:N", scale=None))
    words = alt.Chart(values(shown)).mark_text(align="left", dx=10, fontSize=12)
    layers = [
        *stamp(caption),
        alt.Chart(values([{"zero": 0}])).mark_rule(color=INK, strokeWidth=1).encode(x=alt.X("zero:Q", **axis)),
        base.mark_rule(strokeWidth=5, strokeCap="butt", opacity=0.45).encode(x=alt.X("low:Q", **axis), x2="high:Q"),
        base.mark_point(filled=True, size=110, opacity=1).encode(
            x=alt.X("estimate:Q", **axis),
            shape=alt.Shape("shape:N", scale=None),
            tooltip=[alt.Tooltip("label:N", title=" "), alt.Tooltip("words:N", title="change")],
        ),
        words.encode(
            y=y, x=right(), text="words:N", color=alt.condition("datum.clear", alt.value(INK), alt.value(QUIET))
        ),
        reasons([row for row in rows if row["estimate"] is None], y=y),
    ]
    told = "; ".join(f"{row['label']}: {row['words'] or row['note']}" for row in rows)
    return finish(layers, caption=caption, height=max(24 * len(rows), 60), told=told)


def _name(row: Mapping[Any, Any]) -> str:
    return str(row["label"])


def _difference(claim: Claim, *, scale: Scale) -> list[Row]:
    if claim.effect is None:
        return []
    found = asdict(claim.effect)
    return [_figures(found) | {
        "label": DIFFERENCE,
        "shape": "diamond",
        "clear": claim.verdict in CLEAR,
        "colour": effect_colour(claim.verdict, claim.effect.estimate, better=scale.better),
        "words": f"{_size(found, scale)}, {CALLED[claim.verdict]}",
        "note": "",
    }]  # fmt: skip


def _post(row: Mapping[Any, Any], *, labels: Mapping[str, str], scale: Scale) -> Row:
    """A post with its own change, or why there is none."""
    figures, clear = _figures(row), bool(row["clear"])
    shown = figures["estimate"] is not None
    note = LEFT_OUT.get(row["group"], f"{NOT_SHOWN}: {why(row['reason'])}")
    return figures | {
        "label": labels.get(row["post"], row["post"]),
        "shape": SHAPES.get(row["group"], "circle"),
        "clear": clear,
        "colour": verdict(row["estimate"], better=scale.better) if clear else GREY,
        "words": f"{_size(row, scale)}, {'clear' if clear else 'not clear'}" if shown else "",
        "note": "" if shown else note,
    }


def _figures(row: Mapping[Any, Any]) -> Row:
    return {name: float(row[name]) if pd.notna(row[name]) else None for name in ("estimate", "low", "high")}


def _size(row: Mapping[Any, Any], scale: Scale) -> str:
    return number(row["estimate"], places=_places(scale), sign=True)


def _places(scale: Scale) -> int:
    return 2 if scale.unit == "hours" else 1


def _axis(rows: Sequence[Row], scale: Scale) -> Row:
    """Axis of changes, as far to either side."""
    ends = [abs(row[name]) for row in rows for name in ("low", "high", "estimate") if row[name] is not None]
    reach = max([1.0 if scale.unit == "hours" else NEAR, *ends])
    return {"scale": alt.Scale(domain=[-reach, reach]), "title": scale.words, "axis": alt.Axis(tickCount=5)}


def effect_times(events: pd.DataFrame, *, kind: str, scale: Scale, caption: Caption, height: int = 220) -> Spec:
    """Differences by waves since the intervention with their intervals: grey, for none of them is claimed alone."""
    rows = [_figures(row) | _time(row, scale) for row in events.to_dict("records")]
    start = {"estimate": 0.0, "low": None, "high": None, "at": REFERENCE, "value": "", "interval": "none"}
    rows = sorted([*rows, start], key=lambda row: int(row["at"]))
    rows = [row | {"time": number(row["at"], places=0)} for row in rows]
    order = [row["time"] for row in rows]
    x = alt.X("time:O", sort=order, title=f"waves since {kind}: 0 is the first after it", axis=alt.Axis(labelAngle=0))
    axis = _axis(rows, scale)
    y = alt.Y("estimate:Q", **axis)
    base = alt.Chart(values(rows)).encode(x=x)
    known = alt.Chart(values([row for row in rows if row["low"] is not None])).encode(x=x)
    layers: list[Layer] = [
        *stamp(caption),
        alt.Chart(values([{"zero": 0}])).mark_rule(color=INK, strokeWidth=1).encode(y=alt.Y("zero:Q", **axis)),
        known.mark_rule(color=PALE, strokeWidth=7, strokeCap="butt").encode(y=alt.Y("low:Q", **axis), y2="high:Q"),
        base.mark_point(filled=True, size=60, opacity=1, color=QUIET).encode(
            y=y,
            tooltip=[alt.Tooltip(f"{name}:N") for name in ("time", "value", "interval")],
        ),
        base.mark_text(dx=10, align="left", fontSize=12, color=INK).encode(y=y, text="value:N"),
    ]
    told = "; ".join(f"{row['time']}: {row['value'] or 'the start'}, 95 % interval {row['interval']}" for row in rows)
    return finish(layers, caption=caption, height=height, told=told, below=54)


def _time(row: Mapping[Any, Any], scale: Scale) -> Row:
    return {"at": int(row["time"]), "value": _size(row, scale), "interval": span(row, places=_places(scale))}


#: What stands in a table of figures -> its words.
HEADS: Mapping[str, str] = {
    "since": "from", "wave": "to", "time": "waves since it", "bound": "times the largest step",
    "estimate": "difference", "interval": "95 % interval", "p": "p", "p_adjusted": "p, all together",
    "treated": "posts with", "untreated": "posts without",
}  # fmt: skip
GROUPS: Mapping[str, str] = {"with": "with", "without": "without", "before": "had it before", "aside": "something else"}


def told_effect_posts(changes: pd.DataFrame, *, labels: Mapping[str, str], scale: Scale) -> pd.DataFrame:
    """Every post with its own change, in words."""
    rows = [
        row | _post(row, labels=labels, scale=scale) | {"interval": span(row, places=_places(scale))}
        for row in changes.to_dict("records")
    ]
    return pd.DataFrame(
        {
            "": row["label"],
            "group": GROUPS.get(row["group"], ""),
            "change": row["words"],
            "95 % interval": row["interval"] if row["words"] else "",
            "p, all posts together": _chance(row["p_adjusted"]),
            "to note": row["note"],
        }
        for row in sorted(rows, key=_name)
    )


def told_effect_rows(table: pd.DataFrame, *, scale: Scale) -> pd.DataFrame:
    """Differences between posts (earlier waves, waves since it, bounds) in words."""
    out = pd.DataFrame(index=table.index)
    for name, head in HEADS.items():
        if name == "interval":
            out[head] = [span(row, places=_places(scale)) for row in table.to_dict("records")]
        elif name == "estimate" and name in table:
            out[head] = [_size(row, scale) for row in table.to_dict("records")]
        elif name in ("p", "p_adjusted") and name in table:
            out[head] = table[name].map(_chance)
        elif name in table:
            out[head] = table[name].map("{:g}".format if name == "bound" else str)
    return out


def _chance(p: float) -> str:
    return f"{max(p, 0.001):.3f}" if pd.notna(p) else ""


def effect_figures(claim: Claim, *, unit: str) -> list[tuple[str, str, str]]:
    """What stands under the sentence: title, value and explanation of each figure; nothing where nothing is claimed."""
    found, chance = claim.effect, claim.randomised
    if found is None or chance is None:
        return []
    scale, row = Scale("", unit), asdict(found)
    ways = f"{'all' if chance.exact else 'some of the'} {chance.assignments:,} ways to choose these posts on each side"
    words = "percentage points" if unit == "%" else unit
    posts = f"Posts are counted, not people: t with {found.df:.1f} degrees of freedom, p {_chance(found.p)}"
    lots = f"How often so large a difference comes among {ways}; in brackets the smallest p that these posts allow"
    return [
        (
            "Difference in change",
            f"{_size(row, scale)} {words}",
            "Mean change of posts with, less that of the others",
        ),
        ("95 % interval", span(row, places=_places(scale)), posts),
        ("Posts with, without", f"{found.treated}, {found.untreated}", "That show a score in both waves"),
        ("Randomisation p", f"{_chance(chance.p)} (at least {_chance(chance.smallest)})", lots),
    ]
