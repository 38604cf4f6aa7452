"""`sarhad list-experiment`: the share to whom a thing happened that nobody was asked to tell, from any file."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from app import exchange, sources
from app.cli.estimating import (
    CalibrateOption,
    DesignNames,
    FpcOption,
    LonelyDomains,
    LonelyOption,
    NeighbourNames,
    NestFlag,
    PsuNames,
    WeightOption,
    WhereOption,
    design_of,
    margins,
)
from app.cli.printing import OUT, Format, FormatOption, limits_, print_table
from scoring.errors import RequestError
from scoring.experience import ListExperiment, list_experiment, lists
from scoring.regression import respondents


def listed(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, one row a respondent")],
    *,
    short: Annotated[str, typer.Option(help="column with how many things of the short list happened")] = "list_short",
    long: Annotated[str, typer.Option(help="the same of the list with the sensitive thing")] = "list_long",
    items: Annotated[int, typer.Option(help="harmless things on the list")] = 4,
    weight: WeightOption = None,
    strata: DesignNames = None,
    psu: PsuNames = None,
    fpc: FpcOption = None,
    nest: NestFlag = False,
    neighbours: NeighbourNames = None,
    where: WhereOption = None,
    lonely: LonelyOption = "fail",
    lonely_in_domains: LonelyDomains = False,
    level: float = 0.95,
    calibrate: CalibrateOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Estimate a list experiment: difference in means of two lists, by the design, with what speaks against it.

    A cell that is no number, such as dk or ref, counts as no answer; the number of those left out is printed.
    """
    design = design_of(locals() | {"crossings": None, "most_crossings": None})
    frame = sources.as_numbers(sources.file_frame(file, limits=limits_()), design.numbers)
    absent = [name for name in (short, long) if name not in frame.columns]
    if absent:
        raise RequestError(f"column {absent[0]!r} is not in {file.name}; check its spelling")
    numbers = (pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float) for name in (short, long))
    counts, read_long = lists(*numbers)
    base = respondents(frame, design, where=where, calibration=margins(calibrate))
    found = list_experiment(counts, read_long, base, items=items, level=level)
    _print(found, int((base.weight > 0).sum()) - found.short - found.long, output)


def _print(found: ListExperiment, left_out: int, output: Format) -> None:
    share = found.share
    row: dict[str, Any] = {
        "estimate": share.estimate, "se": share.se, "df": share.df, "low": share.low, "high": share.high,
        "short": found.short, "long": found.long, "left_out": left_out, "floor": found.floor, "ceiling": found.ceiling,
        "strained": found.strained,
    }  # fmt: skip
    if output is Format.json:
        types = json.loads(found.types.to_json(orient="records", double_precision=15))
        sys.stdout.write(json.dumps(row | {"types": types}) + "\n")
        return
    if output is Format.csv:
        sys.stdout.write(exchange.as_csv(pd.DataFrame([row])))
        return
    print_table(pd.DataFrame([row]))
    OUT.print(
        "\nshares of people by what they would answer; none is below 0 but by chance, or by the list", style="bold"
    )
    print_table(found.types)
