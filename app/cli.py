"""`sarhad`: the product from a terminal. Exit code 0 done, 1 the data are at fault, 2 the call is wrong."""

import csv
import getpass
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from app import exchange, sentences, settings, sources
from app.workflow import demo as demo_workflow
from app.workflow import diagnosis, fieldwork, releases, results, storage
from scoring import Framework, RequestError, ScoringError, SurveyDesign
from scoring.design import Lonely
from scoring.disclosure import protect
from scoring.estimates import DfRule, Interval, Rules
from scoring.tables import Wanted, tabulate
from surveys import xlsform
from surveys.errors import SurveyError
from surveys.reading import COMMAND_LINE, Limits

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
WIDE = 200  # columns where nobody looks: a file or another program
OUT = Console(width=None if sys.stdout.isatty() else WIDE)
ERR = Console(stderr=True)


class Format(StrEnum):
    """How results are printed."""

    table = "table"
    json = "json"
    csv = "csv"


FormatOption = Annotated[Format, typer.Option("--format", help="table for people, json or csv for programs")]


def main() -> None:
    """Run the command; a fault of the data becomes one sentence and exit code 1."""
    try:
        app()
    except (SurveyError, ScoringError) as error:
        _fail(str(error), code=2 if isinstance(error, RequestError) else 1)
    except settings.SettingsError as error:
        _fail(str(error), code=2)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}", code=2)


def _fail(text: str, *, code: int) -> None:
    ERR.print(text, style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


def _split(texts: list[str] | None) -> tuple[str, ...]:
    """Names given as a,b or by several options; a name that holds a comma goes in an option of its own with quotes."""
    return tuple(name for text in texts or () for name in next(csv.reader([text], skipinitialspace=True)))


Names = Annotated[list[str] | None, typer.Option(metavar="a,b", help="columns of the file")]
Ratios = Annotated[list[str] | None, typer.Option(metavar="a/b", help="numerator and denominator")]
DesignNames = Annotated[list[str] | None, typer.Option(metavar="a,b", help="columns that together name one")]
FpcOption = Annotated[str | None, typer.Option(help="PSUs in the stratum's population, or the fraction drawn")]
NestFlag = Annotated[bool, typer.Option("--nest", help="PSU codes repeat across strata")]
WhereOption = Annotated[str | None, typer.Option(help="age >= 18 and post in ('A', 'B')")]
ListwiseFlag = Annotated[bool, typer.Option("--listwise", help="only rows with every answer")]
LonelyOption = Annotated[str, typer.Option(help="stratum of one PSU: fail, remove or adjust")]
DfOption = Annotated[str, typer.Option("--df", help="design or satterthwaite")]
IntervalOption = Annotated[str | None, typer.Option(help="t, normal or logit; by default t, logit for proportions")]
FormOption = Annotated[
    str | None, typer.Option(help="XLSForm, folder, or survey.csv,choices.csv: knows select-multiple")
]
ProtectFlag = Annotated[bool, typer.Option("--protect", help="apply the disclosure rules")]


@app.command()
def estimate(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, one row a respondent")],
    *,
    mean: Names = None,
    total: Names = None,
    ratio: Ratios = None,
    proportion: Names = None,
    weight: str | None = None,
    strata: DesignNames = None,
    psu: DesignNames = None,
    fpc: FpcOption = None,
    nest: NestFlag = False,
    by: Names = None,
    where: WhereOption = None,
    listwise: ListwiseFlag = False,
    lonely: LonelyOption = "fail",
    df: DfOption = "design",
    level: float = 0.95,
    interval: IntervalOption = None,
    form: FormOption = None,
    protected: ProtectFlag = False,
    output: FormatOption = Format.table,
) -> None:
    """Estimate any columns of a file with design-based standard errors."""
    design = SurveyDesign(
        weight=weight,
        strata=_split(strata),
        psu=_split(psu),
        fpc=fpc,
        nest=nest,
        lonely=_one_of(Lonely, lonely, "lonely"),
    )
    rules = Rules(_one_of(DfRule, df, "df"), _one_of(Interval, interval, "interval"), level)
    wanted = Wanted(
        mean=_split(mean),
        total=_split(total),
        ratio=_split(ratio),
        proportion=_split(proportion),
        multiple=sources.multiples(sources.form(form)) if form else {},
        by=_split(by),
        where=where,
        listwise=listwise,
    )
    if not wanted.columns:
        raise typer.BadParameter("name at least one of --mean, --total, --ratio, --proportion")
    frame = sources.for_estimate(sources.file_frame(file, limits=_limits()), wanted, design)
    card = tabulate(frame, design, wanted, rules=rules, evidence=protected)
    _print((protect(card) if protected else card).table, facets=card.facets, output=output)


def _one_of(kind: Any, value: str | None, option: str) -> Any:  # noqa: ANN401 - one of the literals of `kind`
    if value is not None and value not in kind.__args__:
        raise typer.BadParameter(f"--{option} is {value!r}; it may be {', '.join(kind.__args__)}")
    return value


def _limits() -> Limits:
    return replace(COMMAND_LINE, bytes=settings.from_environment().file_megabytes * 1024 * 1024)


def _print(table: pd.DataFrame, *, facets: tuple[str, ...], output: Format) -> None:
    """Print a result table: the same rows in every format."""
    if output is Format.json:
        # print, not rich: programs read this
        sys.stdout.write(json.dumps(exchange.as_rows(table, facets), ensure_ascii=False) + "\n")
    elif output is Format.csv:
        sys.stdout.write(exchange.as_csv(table))
    else:
        _print_table(table)


def _print_table(table: pd.DataFrame) -> None:
    """Print every column that holds something, nothing cut short."""
    shown = table.loc[:, [name for name in table if not (table[name].isna() | (table[name] == "")).all()]]
    with pd.option_context("display.max_colwidth", None):
        text = shown.to_string(index=False, na_rep="-", float_format=lambda value: f"{value:.6g}")
    OUT.print(text, markup=False, highlight=False, soft_wrap=True)


def _store() -> storage.Store:
    return storage.open_settings(settings.from_environment())


def _now() -> datetime:
    return datetime.now(UTC)


AsOption = Annotated[str | None, typer.Option("--as", help="who does this; by default the user of this machine")]
SurveyOption = Annotated[str | None, typer.Option("--survey", help="survey in the store; the only one by default")]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="export of the field tool, CSV or XLSX")],
    form: Annotated[str | None, typer.Option(help="the file's own XLSForm, folder, or survey.csv,choices.csv")] = None,
    instrument: Annotated[str, typer.Option(help="instrument of this product")] = "traveller",
    marked: Annotated[Path | None, typer.Option(help="write your own table with a column of problems here")] = None,
    output: FormatOption = Format.table,
) -> None:
    """Say what is wrong with a file, row by row, and what is right; nothing is stored."""
    questionnaire = fieldwork.sound(sources.form(form)) if form else fieldwork.instrument(instrument)
    view = fieldwork.check_file(file, questionnaire=questionnaire, limits=_limits())
    if marked:
        marked.write_bytes(view.marked)
    if output is Format.json:
        sys.stdout.write(json.dumps(exchange.as_report(view), ensure_ascii=False) + "\n")
    elif output is Format.csv:
        view.issues.to_csv(sys.stdout, index=False)
    else:
        _print_check(view)
    if not view.ready:
        raise typer.Exit(1)


def _print_check(view: fieldwork.CheckView) -> None:
    OUT.print(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in view.counts.items()), markup=False)
    if view.dropped:
        names = ", ".join(f"{column} ({kind})" for column, kind in view.dropped.items())
        OUT.print(f"personal data, not kept: {names}", markup=False)
    if not view.issues.empty:
        _print_table(view.issues.drop(columns=["code"]))
    OUT.print("This file can be stored." if view.ready else "This file cannot be stored yet.", style="bold")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="export of the field tool, CSV or XLSX")],
    wave: Annotated[str, typer.Option(help="wave that the file belongs to, such as 2026")],
    instrument: Annotated[str, typer.Option(help="instrument of this product")] = "traveller",
    survey: Annotated[
        str | None, typer.Option(help="survey in the store; by default named after the instrument")
    ] = None,
    title: Annotated[str | None, typer.Option(help="title of a new survey")] = None,
    as_: AsOption = None,
) -> None:
    """Check a file and store it as a draft: whole or not at all; the same file twice changes nothing."""
    questionnaire = fieldwork.instrument(instrument)
    limits = _limits()
    with OUT.status("reading and checking"):
        view = fieldwork.check_file(file, questionnaire=questionnaire, limits=limits)
    _print_check(view)
    if not view.ready:
        raise typer.Exit(1)
    saved = fieldwork.store_file(
        file,
        view,
        store=_store(),
        survey_id=survey or instrument,
        title=title or questionnaire.title,
        wave=wave,
        who=as_ or getpass.getuser(),
        at=_now(),
        vault_key=settings.from_environment().vault_key,
    )
    OUT.print(sentences.saved(saved), markup=False)


@app.command()
def publish(
    wave: Annotated[str, typer.Argument(help="draft wave to publish")],
    survey: SurveyOption = None,
    as_: AsOption = None,
) -> None:
    """Publish a draft wave: from now on its masked scores are shown."""
    name = _set_state(releases.publish, survey, wave, as_)
    OUT.print(f"Wave {wave} of {name} is published.", markup=False)


@app.command()
def score(
    survey: SurveyOption = None,
    by: Annotated[list[str] | None, typer.Option(help="a declared facet set: side, or side,post")] = None,
    output: FormatOption = Format.table,
) -> None:
    """Print the masked scores of the published waves, a side at a time."""
    store, facets = _store(), _split(by) or (results.SIDE,)
    view = results.scorecard(store, results.chosen(store, survey), by=facets, at=_now())
    _print_view(view, facets=facets, output=output)


@app.command()
def change(
    measure: Annotated[list[str], typer.Option(help="measures, a,b")],
    waves: Annotated[str, typer.Option(help="from,to")],
    survey: SurveyOption = None,
    by: Annotated[list[str] | None, typer.Option(help="a declared facet set: side, or side,post")] = None,
    output: FormatOption = Format.table,
) -> None:
    """Test whether masked scores changed between two published waves, each cell against its own past."""
    store, pair, facets = _store(), _split([waves]), _split(by) or (results.SIDE,)
    codes = tuple(filter(None, _split(measure)))
    if len(pair) != len(("from", "to")) or not codes:
        raise typer.BadParameter("name at least one --measure, and --waves as from,to")
    view = results.moved(
        store, results.chosen(store, survey), measures=codes, waves=(pair[0], pair[1]), by=facets, at=_now()
    )
    _print_view(view, facets=facets, output=output)


def _print_view(view: results.View, *, facets: tuple[str, ...], output: Format) -> None:
    """Print a masked result with its sources; for people a table a side, never one side's level beside the other's."""
    table = view.moves if view.table.empty else view.table
    if output is not Format.table:
        _print(exchange.marked(table, view.note, synthetic=view.synthetic), facets=facets, output=output)
        return
    for side, rows in table.groupby(results.SIDE, sort=True):
        OUT.print(f"{side}{' (SYNTHETIC: every answer is invented)' if view.synthetic else ''}", style="bold")
        _print_table(rows.drop(columns=results.SIDE))
    sources = ", ".join(f"{name} {view.note.get(name, '')}" for name in exchange.SOURCES)
    OUT.print(f"{sources}. What users reported; not an audit.", markup=False)


@app.command()
def withdraw(
    wave: Annotated[str, typer.Argument(help="published wave to take back")],
    survey: SurveyOption = None,
    as_: AsOption = None,
) -> None:
    """Take a published wave off every page at once; it is a draft again, and the log says who did it."""
    name = _set_state(releases.unpublish, survey, wave, as_)
    OUT.print(f"Wave {wave} of {name} is a draft again.", markup=False)


def _set_state(action: Callable[..., None], survey: str | None, wave: str, who: str | None) -> str:
    store = _store()
    name = results.chosen(store, survey)
    action(store, survey_id=name, wave=wave, who=who or getpass.getuser(), at=_now())
    return name


@app.command()
def demo() -> None:
    """Fill an empty store with the demo survey (SYNTHETIC)."""
    filled = demo_workflow.fill(_store(), at=_now(), progress=lambda text: OUT.print(f"  {text}", markup=False))
    OUT.print(
        "The demo survey is in the store (SYNTHETIC)." if filled else "The store is filled already; nothing was added."
    )


@app.command()
def serve(address: str | None = None, port: int | None = None) -> None:
    """Serve the pages on this machine."""
    chosen = settings.from_environment()
    sys.exit(subprocess.call([sys.executable, "-m", "app.server", address or chosen.address, str(port or chosen.port)]))  # noqa: S603 - our own module


instrument_app = typer.Typer(no_args_is_help=True, help="Instruments: questionnaires as reviewable CSV.")
framework_app = typer.Typer(no_args_is_help=True, help="Frameworks: definitions of indices.")
app.add_typer(instrument_app, name="instrument")
app.add_typer(framework_app, name="framework")


@instrument_app.command("build")
def instrument_build(
    instrument: Annotated[str, typer.Argument(help="name of an instrument, or a folder")] = "traveller",
    out: Annotated[Path | None, typer.Option(help="file to write, by default NAME.xlsx here")] = None,
) -> None:
    """Compile an instrument to an XLSForm that field tools take."""
    folder = Path(instrument) if Path(instrument).is_dir() else settings.INSTRUMENTS / instrument
    target = out or Path(f"{folder.name}.xlsx")
    for warning in xlsform.build(folder, target):
        ERR.print(warning, style="yellow", markup=False)
    OUT.print(f"{target} is written.", markup=False)


@instrument_app.command("check")
def instrument_check(instrument: Annotated[str, typer.Argument(help="name, folder or XLSForm")] = "traveller") -> None:
    """Say what contradicts itself in an instrument or form."""
    known = instrument in fieldwork.instruments()
    questionnaire = fieldwork.instrument(instrument) if known else fieldwork.sound(sources.form(instrument))
    OUT.print(f"{questionnaire.title}: {len(questionnaire.questions)} questions, no fault found.", markup=False)


@framework_app.command("check")
def framework_check(file: Annotated[Path, typer.Argument(help="TOML file", exists=True, dir_okay=False)]) -> None:
    """Say what contradicts itself in a framework."""
    found = Framework.from_toml(file.read_text(encoding="utf-8-sig", errors="replace"), name=file.name)
    OUT.print(f"{found.title}: {len(found.nodes)} nodes, {len(found.items)} items, no fault found.", markup=False)


@app.command()
def doctor() -> None:
    """Say what is set up and what is missing."""
    grid = Table(box=None, show_header=False)
    healthy = True
    for name, fine, detail in diagnosis.examine(settings.from_environment()):
        grid.add_row("[green]ok[/]" if fine else "[red]missing[/]", name, detail)
        healthy &= fine
    OUT.print(grid)
    if not healthy:
        raise typer.Exit(1)


def _version(value: bool) -> None:
    if value:
        OUT.print(f"sarhad {results.ENGINE}", highlight=False)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Accountability and integrity indices from what people say about border services."""


if __name__ == "__main__":
    main()
