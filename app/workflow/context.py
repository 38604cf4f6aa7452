"""Context for advisers: what others measured of other people and places, beside our figures and never inside them.

A few published numbers with their source, each from a file of `data/reference`; no index is made of them.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from app import settings
from scoring.compare import CLEAR, adjusted
from scoring.verdicts import change_of_figures
from surveys.errors import StoreError

REFERENCE = settings.ROOT / "data" / "reference"
COLUMNS = (
    "series", "place", "year", "value", "se", "low", "high", "level", "unit", "source", "licence", "note",
)  # fmt: skip
NUMBERS = ("year", "value", "se", "low", "high", "level")
MUST = ("series", "place", "year", "value", "unit", "source", "licence", "note")
SMALLEST_P = 0.001  # shown for anything smaller: no p-value is 0


@cache
def series() -> pd.DataFrame:
    """Every figure of the reference files, checked: read it, never change it.

    Returns
    -------
    DataFrame
        `COLUMNS`; `se` is NaN where none is published, and `note` says why.
    """
    return read(REFERENCE)


def read(folder: Path) -> pd.DataFrame:
    """Figures of all CSV files of a folder.

    Raises
    ------
    StoreError
        Everything that is wrong with them, by file and row.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise StoreError(f"{folder.name} holds no CSV file; put one there with the columns {', '.join(COLUMNS)}")
    tables, faults = [], []
    for file in files:
        table = pd.read_csv(file, dtype="str", keep_default_na=False, encoding="utf-8-sig")
        if tuple(table.columns) != COLUMNS:
            faults.append(f"{file.name}: its columns are not {', '.join(COLUMNS)}; name them so")
            continue
        faults += [f"{file.name}, row {number}: {what}" for number, what in _faults(table)]
        tables.append(table)
    if faults:
        raise StoreError("\n".join(faults))
    found = pd.concat(tables, ignore_index=True)
    found[list(NUMBERS)] = found[list(NUMBERS)].apply(pd.to_numeric)
    return found.astype({"year": "int64"})


def _faults(table: pd.DataFrame) -> Iterator[tuple[int, str]]:
    """What is wrong, row by row as a reader of the file counts them."""
    twice = table.duplicated(["series", "place", "year"])
    for number, (again, row) in enumerate(zip(twice, table.to_dict("records"), strict=True), start=2):
        missing = [name for name in MUST if not row[name].strip()]
        bad = [name for name in NUMBERS if row[name] and not _is_number(row[name])]
        if missing or bad:
            yield number, f"{', '.join(missing + bad)} is missing or no number; fill it in"
        elif "https://" not in row["source"]:
            yield number, "source names no address of a page; add it"
        elif bool(row["se"]) != all(row[name] for name in ("low", "high", "level")):
            yield number, "se, low, high and level stand together; fill in all of them or none, with a note why"
        elif row["se"] and not float(row["low"]) < float(row["value"]) < float(row["high"]):
            yield number, "value does not lie between low and high; compare with the source"
        elif not row["se"] and "standard error" not in row["note"]:
            yield number, "note does not say why there is no standard error; say it"
        if again:
            yield number, "the same series, place and year stand twice; keep one"


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def changes(table: pd.DataFrame) -> pd.DataFrame:
    """Change of each series of each place from its first year to its last, against its own past.

    ``z = (b - a) / sqrt(se_a^2 + se_b^2)``, as for independent errors; where the same sources serve both years the
    errors hang together, so that this is a guide. All rows are judged together (Holm).

    Returns
    -------
    DataFrame
        `series`, `place`, `unit`, `since`, `year`, `first`, `last`, `estimate`, `se`, `low`, `high` (95 %), `z`, `p`,
        `p_adjusted`, `clear`; NaN from `se` on where no standard error is published.
    """
    ordered = table.sort_values("year", kind="stable").groupby(["series", "place"], sort=False)
    ends = ordered.agg(
        unit=("unit", "last"), since=("year", "first"), year=("year", "last"), first=("value", "first"),
        last=("value", "last"), se_first=("se", "first"), se_last=("se", "last"),
    )  # fmt: skip
    ends = ends[ends["since"] < ends["year"]].reset_index()
    known = np.full(len(ends), np.inf)  # standard errors as published: no df is to be paid for them
    before, after = (np.column_stack([ends[name], ends[f"se_{name}"], known]) for name in ("first", "last"))
    tested = change_of_figures(before, after).rename(columns={"t": "z"})
    out = pd.concat([ends.drop(columns=["se_first", "se_last"]), tested], axis=1)
    out["p_adjusted"] = adjusted(out["p"].to_numpy(dtype=np.float64), adjust="holm")
    out["clear"] = out["p_adjusted"] < CLEAR
    out[["p", "p_adjusted"]] = out[["p", "p_adjusted"]].round(3).clip(lower=SMALLEST_P)
    return out.drop(columns=["df", "status", "reason"])
