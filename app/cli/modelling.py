"""`sarhad test` and `sarhad regress`: tests and models of any columns of any file, by the design."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import pandas as pd
import typer

from app import exchange, sources
from app.cli.estimating import (
    CalibrateOption,
    DesignNames,
    DfOption,
    FpcOption,
    LonelyDomains,
    LonelyOption,
    Names,
    NeighbourNames,
    NestFlag,
    PsuNames,
    ReplicatesOption,
    RscalesOption,
    TypeOption,
    WeightOption,
    WhereOption,
    design_of,
    margins,
    one_of,
    resampling,
)
from app.cli.printing import OUT, Format, FormatOption, limits_, print_table, split
from scoring.association import Ranks, Statistic
from scoring.errors import RequestError
from scoring.expressions import names_in
from scoring.modelled import Family, Modelled, model
from scoring.strata import DfRule
from scoring.tested import Kind, judge

PAIR = 2
PerPerson: dict[str, Any] = {"crossings": None, "most_crossings": None}
PredictOption = Annotated[list[str] | None, typer.Option(metavar="a:0,1", help="mean if everybody had these values")]


def associate(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, one row a respondent")],
    *,
    chi: Annotated[str | None, typer.Option(metavar="a,b", help="do two questions hang together?")] = None,
    t: Annotated[str | None, typer.Option("--t", metavar="y,group", help="do two groups differ in their mean?")] = None,
    rank: Annotated[str | None, typer.Option(metavar="y,group", help="do groups differ in their ranks?")] = None,
    statistic: Annotated[str, typer.Option(help="of --chi: F, Chisq, Wald, adjWald or saddlepoint")] = "F",
    ranks: Annotated[str, typer.Option(help="of --rank: wilcoxon, vanderWaerden or median")] = "wilcoxon",
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
    """Test whether two questions, or a question and groups, hang together, by the design of the sample."""
    given = locals() | PerPerson
    asked = [(kind, given[kind]) for kind in get_args(Kind) if given[kind] is not None]
    if len(asked) != 1:
        raise typer.BadParameter("name one of --chi a,b, --t y,group and --rank y,group")
    kind, (first, second) = asked[0][0], _pair(*asked[0])
    design = design_of(given)
    frame = _frame(file, [first, second], design.numbers)
    found = judge(
        frame, design, kind, first, second,
        statistic=one_of(Statistic, statistic, "statistic"), ranks=one_of(Ranks, ranks, "ranks"), where=where,
        calibration=margins(calibrate), level=level,
    )  # fmt: skip
    _print({"tests": found}, output)


def regress(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, one row a respondent")],
    *,
    outcome: Annotated[str, typer.Option(help="column or expression: q1, or q1 >= 4 of a logistic model")],
    on: Annotated[list[str], typer.Option(metavar="a,b,c:d", help="explaining columns, expressions, products")],
    family: Annotated[str, typer.Option(help="gaussian, binomial, poisson or ordinal")] = "gaussian",
    categorical: Names = None,
    predict: PredictOption = None,
    weight: WeightOption = None,
    strata: DesignNames = None,
    psu: PsuNames = None,
    fpc: FpcOption = None,
    nest: NestFlag = False,
    neighbours: NeighbourNames = None,
    where: WhereOption = None,
    lonely: LonelyOption = "fail",
    lonely_in_domains: LonelyDomains = False,
    df: DfOption = "design",
    level: float = 0.95,
    replicates: ReplicatesOption = None,
    rep_type: TypeOption = None,
    scale: float | None = None,
    rscales: RscalesOption = None,
    mse: Annotated[bool, typer.Option("--mse", help="deviations from the estimate of the full sample")] = False,
    fay: float | None = None,
    rep_count: Annotated[int, typer.Option(help="replicates to make")] = 500,
    seed: Annotated[int, typer.Option(help="of replicates that are drawn by chance")] = 1,
    calibrate: CalibrateOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Explain a question by others: linear, logistic, Poisson or ordinal, with standard errors by the design."""
    given = locals() | PerPerson
    terms, groups = split(on), split(categorical)
    parts = [part.strip() for term in terms for part in term.split(":")]
    design = design_of(given)
    frame = _frame(file, [outcome, *parts], design.numbers)
    found = model(
        frame, design, outcome, terms, family=one_of(Family, family, "family"), categorical=groups,
        predict=[_values(text) for text in predict or ()], where=where, calibration=margins(calibrate),
        replicates=resampling(frame, given), df=one_of(DfRule, df, "df"), level=level,
    )  # fmt: skip
    _print_model(found, outcome, output)


def _pair(kind: str, text: str) -> tuple[str, str]:
    names = split([text])
    if len(names) != PAIR:
        raise typer.BadParameter(f"--{kind} names two, as in --{kind} a,b; {text!r} names {len(names)}")
    return names[0], names[1]


def _values(text: str) -> tuple[str, tuple[str, ...]]:
    """A part and its values, of "a:0,1"."""
    part, _, values = text.rpartition(":")
    if not part or not values:
        raise typer.BadParameter(f"--predict is {text!r}; write a variable and its values, as in a:0,1")
    return part.strip(), split([values])


def _frame(file: Path, texts: list[str], weights: tuple[str, ...]) -> pd.DataFrame:
    """The file, with numbers where all answers are numbers."""
    frame = sources.file_frame(file, limits=limits_())
    named = [name for text in texts for name in ((text,) if text in frame.columns else names_in(text, "expression"))]
    absent = [name for name in named if name not in frame.columns]
    if absent:
        raise RequestError(f"column {absent[0]!r} is not in {file.name}; check its spelling")
    return sources.as_numbers(frame, [*named, *weights])


def _print_model(found: Modelled, outcome: str, output: Format) -> None:
    about = {"outcome": outcome, "family": found.family, "n": found.n, "left_out": found.left_out}
    tables = {"coefficients": found.coefficients, "tests": found.tests, "predicted": found.predicted}
    _print(tables, output, about)


def _print(tables: dict[str, pd.DataFrame], output: Format, about: dict[str, Any] | None = None) -> None:
    """Several tables: under headings for people, under names in JSON, one under the other in CSV."""
    tables = {name: table for name, table in tables.items() if len(table)}
    if output is Format.json:
        rows = {
            name: json.loads(table.to_json(orient="records", double_precision=15)) for name, table in tables.items()
        }
        sys.stdout.write(json.dumps((about or {}) | rows, ensure_ascii=False) + "\n")
    elif output is Format.csv:
        marked = [table.assign(part=name) for name, table in tables.items()]
        joined = pd.concat(marked, ignore_index=True)
        sys.stdout.write(exchange.as_csv(joined[["part", *(name for name in joined if name != "part")]]))
    else:
        if about:
            OUT.print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in about.items()), markup=False)
        for name, table in tables.items():
            OUT.print(f"\n{name}", style="bold")
            print_table(table)
