"""`sarhad fieldwork` and `sarhad plan`: how fieldwork stands, for the team alone, and how large a wave must be."""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import astuple, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from app import settings
from app.cli.printing import OUT, Format, FormatOption, limits_, print_table
from app.cli.releasing import SurveyOption
from app.workflow import fieldstate, fieldwork, shelf, storage
from scoring.sampling import Costs, Plan, plans
from surveys.reading import read
from surveys.reading.table import RawTable

FileOption = Annotated[
    list[Path] | None,
    typer.Option("--file", help="your own files of this wave that do not overlap: flags then bear your own keys"),
]
MOST = 5  # plans that are printed


class Part(StrEnum):
    """Tables of the state of fieldwork."""

    strata = "strata"
    outcomes = "outcomes"
    rates = "rates"
    days = "days"
    interviewers = "interviewers"
    checks = "checks"
    flags = "flags"


#: What stands above each table.
TITLES = {
    Part.strata: "Interviews done and needed, to base 5",
    Part.outcomes: "Whom the team met",
    Part.rates: "Outcome rates (AAPOR Standard Definitions), percent",
    Part.days: "Interviews a day and half of the day, to base 5",
    Part.interviewers: "How much answers depend on who asks, within strata (largest first)",
    Part.checks: "Odd interviews: found, and expected by chance alone (one mood towards all draws straight lines too)",
    Part.flags: "Interviews to look at again with the person who did them; a flag is no proof",
}
SHOWN = 12  # questions whose dependence on the interviewer is printed for people


def state(
    *,
    wave: Annotated[str, typer.Option(help="draft wave")],
    survey: SurveyOption = None,
    margin: Annotated[float, typer.Option(help="points that a share of a stratum is to be known within")] = 20.0,
    icc: Annotated[float, typer.Option(help="how alike answers of one shift are")] = fieldstate.ICC,
    frame: Annotated[Path | None, typer.Option(help="frame sheet: the strata's columns and crossings")] = None,
    tally: Annotated[Path | None, typer.Option(help="tally of approaches: disposition, count")] = None,
    file: FileOption = None,
    seed: Annotated[int, typer.Option(help="for the shuffling by which chance is told")] = 1,
    only: Annotated[Part | None, typer.Option(help="one table alone; csv needs it")] = None,
    output: FormatOption = Format.table,
) -> None:
    """Print how fieldwork of a draft wave stands: counts, outcomes, days, interviewer effects, odd interviews."""
    if output is Format.csv and only is None:
        raise typer.BadParameter("csv is one table: name it by --only", param_hint="--format")
    store = storage.open_settings(settings.from_environment())
    name = shelf.chosen(shelf.StoreShelf(store), survey)
    form = store.questionnaire(name)
    with OUT.status("reading answers"):
        found = fieldstate.state(
            store, name, wave, seed=seed, margin=margin / 100, icc=icc, frame=_read(frame), tally=_read(tally),
            sent=[fieldwork.check_file(path, questionnaire=form, limits=limits_()) for path in file or ()],
        )  # fmt: skip
    tables = {part: getattr(found, part.value) for part in Part if only in (None, part)}
    if output is Format.table:
        _print(tables, found.notes)
    elif output is Format.json:
        rows = {part.value: _rows(table) for part, table in tables.items()}
        sys.stdout.write(json.dumps({**rows, "notes": found.notes}, ensure_ascii=False) + "\n")
    else:
        for table in tables.values():
            table.to_csv(sys.stdout, index=False)


def plan(
    *,
    change: Annotated[float, typer.Option(help="change between two waves to be found, in points")],
    shift_cost: Annotated[float, typer.Option(help="what a shift costs, in any currency")],
    interview_cost: Annotated[float, typer.Option(help="what an interview costs besides, in the same currency")],
    share: Annotated[float, typer.Option(help="share expected, in percent; 50 asks for most")] = 50.0,
    spread: Annotated[
        float | None, typer.Option(help="spread of single answers in points, in place of a share")
    ] = None,
    icc: Annotated[float, typer.Option(help="how alike answers of one shift are")] = fieldstate.ICC,
    strata: Annotated[int, typer.Option(help="strata that the change is looked for in together", min=1)] = 4,
    power: Annotated[float, typer.Option(help="percent of surveys that are to find it")] = 80.0,
    alpha: Annotated[float, typer.Option(help="percent of surveys that may find one where there is none")] = 5.0,
    most: Annotated[int, typer.Option(help="interviews that fit into a shift", min=1)] = 12,
    output: FormatOption = Format.table,
) -> None:
    """Print the cheapest plans, shifts x interviews a shift, that find a change between two waves."""
    if spread is None and not 0 < share < 100:  # noqa: PLR2004
        raise typer.BadParameter("give more than 0 and less than 100", param_hint="--share")
    sd = spread if spread is not None else math.sqrt(share * (100 - share))
    found = plans(
        change, sd=sd, icc=icc, costs=Costs(shift_cost, interview_cost), strata=strata, power=power / 100,
        alpha=alpha / 100, most_interviews=most,
    )  # fmt: skip
    table = pd.DataFrame([astuple(one) for one in found], columns=[field.name for field in fields(Plan)])
    if output is Format.json:
        sys.stdout.write(json.dumps(_rows(table)) + "\n")
    elif output is Format.csv:
        table.to_csv(sys.stdout, index=False)
    else:
        best = found[0]
        print_table(table.head(MOST).round({"power": 3, "se": 2}))
        OUT.print(
            f"Cheapest: {best.shifts} shifts of {best.interviews} interviews in each wave, {best.cost:g} a wave, for "
            f"a change of {change:g} points between two waves, found in {100 * best.power:.0f} of 100 such surveys.",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


def _read(path: Path | None) -> RawTable | None:
    return None if path is None else read(path, limits=limits_())


def _print(tables: dict[Part, pd.DataFrame], notes: Sequence[str]) -> None:
    for part, table in tables.items():
        if table.empty or (part is Part.rates and table["percent"].isna().all()):
            continue
        OUT.print(TITLES[part], style="bold")
        print_table(table.head(SHOWN) if part is Part.interviewers else table)
    for note in notes:
        OUT.print(note, markup=False, highlight=False, soft_wrap=True)
    OUT.print("For the team alone: nothing of this is shown once the wave is published.", markup=False)


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {str(name): None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        for row in table.astype(object).to_dict("records")
    ]
