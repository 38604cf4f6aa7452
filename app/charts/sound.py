"""Figures of the soundness report: a picture of influence against weight, and tables in words."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from app.charts.looks import SLATE, Caption, Scale, Spec
from app.charts.pairs import Pair, pairs
from app.charts.words import number
from scoring import invariance, soundness

PERCENT = 100.0
Titles = Mapping[str, str]


def influence(parts: pd.DataFrame, *, titles: Titles, caption: Caption, hue: str = SLATE) -> Spec:
    """Parts of one index or dimension: its weight (hollow) and how much it moves the whole (filled), in percent."""
    rows = [
        Pair(
            titles.get(row["part"], row["part"]),
            hollow=PERCENT * row["weight"],
            filled=PERCENT * row["influence"] if pd.notna(row["influence"]) else None,
            value=f"{PERCENT * row['influence']:.0f} %" if pd.notna(row["influence"]) else "",
            note="" if pd.notna(row["influence"]) else _reason(row["reason"]),
        )
        for row in parts.to_dict("records")
    ]
    return pairs(rows, scale=Scale("% of the whole", "%", None), caption=caption, hue=hue, row=26)


def sobol(shares: pd.DataFrame, *, words: Titles, caption: Caption) -> Spec:
    """Groups of choices: what each moves alone (hollow) and together with the others (filled), in percent."""
    rows = [
        Pair(
            words.get(row["group"], row["group"]),
            hollow=_percent(row["first"]),
            filled=_percent(row["total"]),
            hollow_low=_percent(row["first_low"]),
            hollow_high=_percent(row["first_high"]),
            low=_percent(row["total_low"]),
            high=_percent(row["total_high"]),
            value="" if pd.isna(row["total"]) else f"{_percent(row['total']):.0f} %",
            note="nothing moves" if pd.isna(row["total"]) else "",
        )
        for row in shares.to_dict("records")
    ]
    return pairs(rows, scale=Scale("% of all that moves", "%"), caption=caption, row=32)


def _percent(share: float) -> float | None:
    """A share as it is drawn and told: an estimate may pass its ends."""
    return None if pd.isna(share) else min(max(PERCENT * share, 0.0), PERCENT)


def reliability(nodes: pd.DataFrame, *, titles: Titles) -> pd.DataFrame:
    """Dimensions that mirror one thing, in words."""
    return _table(
        {
            "": titles.get(row["node"], row["node"]),
            "questions": f"{row['parts']:.0f}",
            "answers": _whole(row["n"]),
            "alpha": _two(row["alpha"]),
            "95 % interval": f"{_two(row['low'])} to {_two(row['high'])}" if pd.notna(row["alpha"]) else "",
            "omega": _two(row["omega"]),
            "share of one thread": _two(row["share"]),
            "to note": _reason(row["reason"]),
        }
        for row in nodes.to_dict("records")
    )


def correlated(correlations: pd.DataFrame, *, titles: Titles) -> pd.DataFrame:
    """Pairs of parts, in words: the closest first, those with something to note last; none where no post is asked."""
    if correlations.empty:
        return _table(())
    ordered = correlations.sort_values("correlation", key=abs, ascending=False, kind="stable")
    ordered = ordered.sort_values("reason", key=lambda reasons: reasons != "", kind="stable")
    return _table(
        {
            "under": titles.get(row["node"], row["node"]),
            "first": titles.get(row["first"], row["first"]),
            "second": titles.get(row["second"], row["second"]),
            "correlation": _two(row["correlation"]),
            "to note": _reason(row["reason"]),
        }
        for row in ordered.to_dict("records")
    )


def ends(items: pd.DataFrame, *, titles: Titles) -> pd.DataFrame:
    """Questions with the shares of their worst and best answers, in words."""
    return _table(
        {
            "question": titles.get(row["item"], row["item"]),
            "answers": _whole(row["n"]),
            "worst answer": _share(row["floor"]),
            "best answer": _share(row["ceiling"]),
        }
        for row in items.to_dict("records")
    )


def same_meaning(table: pd.DataFrame, *, titles: Titles) -> pd.DataFrame:
    """Tests of whether questions mean the same to every group, in words."""
    return _table(
        {
            "by": row["grouping"],
            "question": titles.get(row["item"], row["item"]),
            "answers": _whole(row["n"]),
            "furthest apart": f"{row['group']} and {row['against']}" if row["group"] else "",
            "log odds": _two(row["log_odds"]),
            "standard error": _two(row["se"]),
            "p, all together": "" if pd.isna(row["p_adjusted"]) else f"{max(row['p_adjusted'], 0.001):.3f}",
            "size": row["size"],
            "means another thing": row["dif"],
            "to note": "" if not row["reason"] else invariance.REASONS.get(row["reason"], row["reason"]),
        }
        for row in table.to_dict("records")
    )


def compensated(table: pd.DataFrame, *, titles: Titles) -> pd.DataFrame:
    """How often a low part stands behind a whole that is not low, in words; nothing where no post is asked."""
    low = table if table.empty else table[table["below"] > 0]
    return _table(
        {
            "whole": titles.get(row["node"], row["node"]),
            "part": titles.get(row["part"], row["part"]),
            "places": _whole(row["units"]),
            "part below 50": _whole(row["below"]),
            "of these, the whole not": _whole(row["offset"]),
        }
        for row in low.to_dict("records")
    )


def _table(rows: Any) -> pd.DataFrame:  # noqa: ANN401 - dictionaries of texts
    return pd.DataFrame(list(rows))


def _two(value: float) -> str:
    return number(value, places=2) if pd.notna(value) else ""


def _whole(value: float) -> str:
    return f"{value:.0f}" if pd.notna(value) else ""


def _share(value: float) -> str:
    return f"{PERCENT * value:.0f} %" if pd.notna(value) else ""


def _reason(code: str) -> str:
    return soundness.REASONS.get(code, code) if code else ""
