"""What the commands share: lists of names, limits of files, results as tables, JSON or CSV."""

import csv
import json
import sys
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console

from app import exchange, settings
from surveys.reading import COMMAND_LINE, Limits

WIDE = 200  # columns where nobody looks: a file or another program
OUT = Console(width=None if sys.stdout.isatty() else WIDE)
ERR = Console(stderr=True)


class Format(StrEnum):
    """How results are printed."""

    table = "table"
    json = "json"
    csv = "csv"


FormatOption = Annotated[Format, typer.Option("--format", help="table for people, json or csv for programs")]


def split(texts: list[str] | None) -> tuple[str, ...]:
    """Names given as a,b or by several options; commas in brackets stay, a name that holds one goes in quotes."""
    found: list[str] = []
    for part in (part for text in texts or () for part in next(csv.reader([text], skipinitialspace=True))):
        if found and found[-1].count("(") > found[-1].count(")"):
            found[-1] += f", {part}"
        else:
            found.append(part)
    return tuple(found)


def limits_() -> Limits:
    """How large a file the command line reads."""
    return replace(COMMAND_LINE, bytes=settings.from_environment().file_megabytes * 1024 * 1024)


def print_rows(table: pd.DataFrame, *, facets: tuple[str, ...], output: Format) -> None:
    """Print a result table: the same rows in every format."""
    if output is Format.json:
        # print, not rich: programs read this
        sys.stdout.write(json.dumps(exchange.as_rows(table, facets), ensure_ascii=False) + "\n")
    elif output is Format.csv:
        sys.stdout.write(exchange.as_csv(table))
    else:
        print_table(table)


def print_table(table: pd.DataFrame) -> None:
    """Print every column that holds something, nothing cut short."""
    shown = table.loc[:, [name for name in table if not (table[name].isna() | (table[name] == "")).all()]]
    with pd.option_context("display.max_colwidth", None):
        text = shown.to_string(index=False, na_rep="-", float_format=lambda value: f"{value:.6g}")
    OUT.print(text, markup=False, highlight=False, soft_wrap=True)
