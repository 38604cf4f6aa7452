"""What others measured, for the page of advisers alone: of no release, and no part of any."""

from collections.abc import Iterator

import pandas as pd

from app import exchange
from app.workflow import context

READABLE = ["series", "place", "year", "value", "se", "low", "high", "unit", "note"]


def others() -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Each source of others with its figures and the tested change of each series; all changes are one family."""
    table = context.series()
    changes = context.changes(table)
    for source, own in table.groupby("source", sort=False):
        yield str(source), own, changes[changes["series"].isin(own["series"])]


def readable_others(table: pd.DataFrame) -> pd.DataFrame:
    """Figures of one source as a table to be read: what nobody published is empty."""
    levels = sorted(table["level"].dropna().unique())
    words = {"se": "standard error", **({"low": f"{100 * levels[0]:.0f} % from", "high": "to"} if levels else {})}
    shown = table[READABLE].dropna(axis="columns", how="all")
    return shown.astype({"year": "str"}).rename(columns=words)


def others_csv() -> bytes:
    """Every figure with its source and licence, as a file."""
    return exchange.as_csv(context.series()).encode("utf-8-sig")
