"""`sarhad estimate`: any columns of any file, with no store and no framework."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from app import sources
from app.cli.printing import Format, FormatOption, limits_, print_rows, split
from scoring import Calibration, Resampling, SurveyDesign
from scoring.contrasts import contrasted
from scoring.design import Lonely
from scoring.disclosure import protect
from scoring.errors import RequestError
from scoring.figures import Deff, Rules
from scoring.intervals import Interval
from scoring.margins import from_table
from scoring.measured import measure
from scoring.quantile_rules import QuantileRule
from scoring.quantiles import QuantileInterval
from scoring.resampling import matching
from scoring.strata import DfRule
from scoring.tables import card_of, coefficient_of_variation
from scoring.variables import STATISTICS, Wanted

Names = Annotated[list[str] | None, typer.Option(metavar="a,b", help="columns of the file, or expressions over them")]
Ratios = Annotated[list[str] | None, typer.Option(metavar="a/b", help="numerator and denominator")]
Boxes = Annotated[list[str] | None, typer.Option(metavar="a:4", help="share of answers from this value on")]
Nets = Annotated[list[str] | None, typer.Option(metavar="a:2:4", help="share from the upper less share to the lower")]
Points = Annotated[list[str] | None, typer.Option(metavar="a:500", help="share of answers up to this value")]
Quantiles = Annotated[list[str] | None, typer.Option(metavar="a:0.5", help="quantile of a variable")]
Together = Annotated[list[str] | None, typer.Option(metavar="a,b", help="all of these columns together")]
DesignNames = Annotated[list[str] | None, typer.Option(metavar="a,b", help="columns that together name a stratum")]
PsuNames = Annotated[list[str] | None, typer.Option(metavar="p,q", help="PSU, and the unit drawn inside it")]
FpcOption = Annotated[
    list[str] | None, typer.Option(metavar="f,g", help="units in the population, or the fraction drawn, of each stage")
]
WeightOption = Annotated[str | None, typer.Option(help="column of weights")]
NestFlag = Annotated[bool, typer.Option("--nest", help="PSU codes repeat across strata")]
NeighbourNames = Annotated[
    list[str] | None, typer.Option(metavar="a,b", help="groups in which strata of fewer than 4 PSUs are taken together")
]
CrossingsOption = Annotated[str | None, typer.Option(help="own crossings of each respondent: figures per person")]
MostOption = Annotated[float | None, typer.Option(help="crossings above this count as this")]
WhereOption = Annotated[str | None, typer.Option(help="age >= 18 and post in ('A', 'B')")]
ListwiseFlag = Annotated[bool, typer.Option("--listwise", help="only rows with every answer")]
LonelyOption = Annotated[str, typer.Option(help="stratum of one PSU: fail, remove, certainty, adjust or average")]
LonelyDomains = Annotated[bool, typer.Option("--lonely-in-domains", help="adjust and average serve domains too")]
DfOption = Annotated[str, typer.Option("--df", help="design or satterthwaite")]
IntervalOption = Annotated[
    str | None,
    typer.Option(help="t, normal, logit, beta, xlogit, wilson, asin, likelihood; by default t, logit for shares"),
]
DeffOption = Annotated[str, typer.Option(help="design effect against sampling without or with replacement")]
CvFlag = Annotated[bool, typer.Option("--cv", help="a column with the coefficient of variation of amounts")]
RuleOption = Annotated[str, typer.Option(help="math, school, shahvaish, hf1 ... hf9")]
QuantileIntervalOption = Annotated[str, typer.Option(help="t, normal, logit, beta, xlogit, asin, score, replicate")]
FormOption = Annotated[
    str | None, typer.Option(help="XLSForm, folder, or survey.csv,choices.csv: knows select-multiple")
]
ReplicatesOption = Annotated[str | None, typer.Option(metavar="'rep_*'", help="columns of replicate weights")]
TypeOption = Annotated[
    str | None,
    typer.Option(help="of the file's replicates: JK1, JKn, BRR, Fay, bootstrap, other ...; to make some: jackknife, "
                      "balanced, fay, rao-wu, generalized"),
]  # fmt: skip
RscalesOption = Annotated[Path | None, typer.Option(metavar="FILE", help="one number a line for each replicate")]
CalibrateOption = Annotated[Path | None, typer.Option(metavar="FILE.toml", help="margins the weights are to meet")]
ContrastOption = Annotated[
    list[str] | None, typer.Option(metavar="'name = a - b'", help="function of estimates, in a row of its own")
]
ProtectFlag = Annotated[bool, typer.Option("--protect", help="apply the disclosure rules")]


def estimate(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, one row a respondent")],
    *,
    mean: Names = None,
    total: Names = None,
    ratio: Ratios = None,
    proportion: Names = None,
    quantile: Quantiles = None,
    top_two_box: Boxes = None,
    net_score: Nets = None,
    distribution: Points = None,
    variance: Names = None,
    covariance: Together = None,
    correlation: Together = None,
    alpha: Together = None,
    components: Together = None,
    contrast: ContrastOption = None,
    weight: WeightOption = None,
    strata: DesignNames = None,
    psu: PsuNames = None,
    fpc: FpcOption = None,
    nest: NestFlag = False,
    neighbours: NeighbourNames = None,
    crossings: CrossingsOption = None,
    most_crossings: MostOption = None,
    by: Names = None,
    where: WhereOption = None,
    listwise: ListwiseFlag = False,
    lonely: LonelyOption = "fail",
    lonely_in_domains: LonelyDomains = False,
    df: DfOption = "design",
    level: float = 0.95,
    interval: IntervalOption = None,
    deff: DeffOption = "without",
    cv: CvFlag = False,
    quantile_rule: RuleOption = "math",
    quantile_interval: QuantileIntervalOption = "t",
    replicates: ReplicatesOption = None,
    rep_type: TypeOption = None,
    scale: float | None = None,
    rscales: RscalesOption = None,
    mse: Annotated[bool, typer.Option("--mse", help="deviations from the estimate of the full sample")] = False,
    fay: float | None = None,
    rep_count: Annotated[int, typer.Option(help="replicates to make")] = 500,
    seed: Annotated[int, typer.Option(help="of replicates that are drawn by chance")] = 1,
    calibrate: CalibrateOption = None,
    form: FormOption = None,
    protected: ProtectFlag = False,
    output: FormatOption = Format.table,
) -> None:
    """Estimate any columns of a file with design-based standard errors."""
    given = locals()
    wanted = Wanted(
        **{name: split(given[name]) for name in (*sorted(STATISTICS), "by")},
        quantile_rule=one_of(QuantileRule, quantile_rule, "quantile-rule"),
        multiple=sources.multiples(sources.form(form)) if form else {},
        where=where,
        listwise=listwise,
    )
    if not any(wanted.statistics.values()):
        raise typer.BadParameter("name at least one of --mean, --total, --ratio, --proportion, --quantile")
    if contrast and protected:
        raise typer.BadParameter("--contrast and --protect exclude one another: a difference gives parts away")
    rules = Rules(one_of(DfRule, df, "df"), one_of(Interval, interval, "interval"), level, one_of(Deff, deff, "deff"))
    design = design_of(given)
    frame = sources.file_frame(file, limits=limits_())
    found = measure(
        sources.for_estimate(frame, wanted, design),
        design,
        wanted,
        rules=rules,
        calibration=margins(calibrate),
        replicates=resampling(frame, given),
        quantile_interval=one_of(QuantileInterval, quantile_interval, "quantile-interval"),
        evidence=protected,
    )
    card = card_of(found, rules=rules)
    table = (protect(card) if protected else card).table
    if cv:
        table = table.assign(cv=coefficient_of_variation(table))
    if contrast:
        table = pd.concat([table, contrasted(found, _contrasts(contrast), rules=rules)], ignore_index=True)
    print_rows(table, facets=card.facets, output=output)


def design_of(given: Mapping[str, Any]) -> SurveyDesign:
    """The design that the options name."""
    one_of(Lonely, given["lonely"], "lonely")
    listed = ("strata", "psu", "fpc", "neighbours")
    single = ("weight", "nest", "crossings", "most_crossings", "lonely", "lonely_in_domains")
    chosen: dict[str, Any] = {name: split(given[name]) for name in listed} | {name: given[name] for name in single}
    return SurveyDesign(**chosen)


def one_of(kind: Any, value: str | None, option: str) -> Any:  # noqa: ANN401 - one of the literals of `kind`
    """The value, if it is one of the literals of a kind."""
    if value is not None and value not in kind.__args__:
        raise typer.BadParameter(f"--{option} is {value!r}; it may be {', '.join(kind.__args__)}")
    return value


def margins(file: Path | None) -> Calibration | None:
    """The calibration that a TOML file asks for."""
    if file is None:
        return None
    try:
        return from_table(tomllib.loads(file.read_text(encoding="utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequestError(f"{file.name} is no TOML: {error}; see the head of scoring/margins.py") from error


def _contrasts(texts: list[str]) -> dict[str, str]:
    parts = [(text.partition("=")[0], text.partition("=")[2] or text) for text in texts]
    return {name.strip(): text.strip() for name, text in parts}


def resampling(frame: pd.DataFrame, given: Mapping[str, Any]) -> Resampling | None:
    """Replicates of the file, or to be made, as the options say."""
    columns, kind, file = given["replicates"], given["rep_type"], given["rscales"]
    if columns is None and kind is None:
        return None
    if kind is None:
        raise typer.BadParameter("--replicates needs --rep-type: JK1, JKn, BRR, Fay, bootstrap, other ...")
    both = {"kind": kind, "mse": given["mse"] or None, "fay": given["fay"]}
    if columns is None:
        return Resampling(**both, count=given["rep_count"], rng=np.random.default_rng(given["seed"]))
    found = matching(list(frame.columns), columns)
    return Resampling(**both, columns=found, scale=given["scale"], rscales=None if file is None else _numbers(file))


def _numbers(file: Path) -> tuple[float, ...]:
    """Numbers of a text file, one a line or parted by commas or blanks."""
    text = file.read_text(encoding="utf-8-sig").replace(",", " ").replace(";", " ")
    words = [word for word in text.split() if word.strip('"') not in ("rscales", "x", "rscale")]
    try:
        return tuple(float(word) for word in words)
    except ValueError:
        raise RequestError(f"{file.name} holds something that is no number; write one scale a line") from None
