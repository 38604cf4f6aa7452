"""The raw table: what a file holds before anybody interprets it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class RawTable:
    """Texts exactly as in the file.

    Attributes
    ----------
    columns : tuple of str
        The header row as it stands in the file (stripped of a byte-order mark), duplicates kept.
    frame : pandas.DataFrame, shape (rows, len(columns))
        All cells as text, "" where empty; column labels are the positions 0, 1, 2, ...
    lines : pandas.Series of int
        For each row its number in the file or sheet, header = 1, as a spreadsheet shows it.
    sheet : str
        Name of the sheet, or of the table in an archive; "" for a CSV and Parquet.
    format : str
        "csv", "xlsx", "xls", "ods", "parquet", or "zip" (a CSV in an archive).
    details : mapping
        What was detected: encoding, delimiter, byte-order mark; other sheets of the workbook or tables of the archive.
    """

    columns: tuple[str, ...]
    frame: pd.DataFrame
    lines: "pd.Series[int]"
    sheet: str
    format: str
    details: Mapping[str, str]
