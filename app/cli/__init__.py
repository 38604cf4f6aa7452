"""`sarhad`: the product from a terminal. Exit code 0 done, 1 the data are at fault, 2 the call is wrong."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app import exchange, sentences, settings, sources
from app.cli import (
    agreed,
    chains,
    comparing,
    driving,
    effects,
    frameworks,
    instruments,
    keeping,
    leading,
    listing,
    modelling,
    releasing,
    working,
)
from app.cli.estimating import estimate
from app.cli.fieldwork import plan, state
from app.cli.printing import ERR, OUT, Format, FormatOption, limits_, print_rows, print_table, split
from app.cli.reading import ReleaseOption, release_of
from app.cli.releasing import AsOption, SurveyOption, now, who
from app.workflow import demo as demo_workflow
from app.workflow import diagnosis, fieldwork, results, shelf, storage
from scoring import RequestError, ScoringError
from surveys.errors import SurveyError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(estimate)
app.command("send")(working.send)
app.command("work")(working.work)
app.command("jobs")(working.list_jobs)
app.command("fieldwork")(state)
app.command("plan")(plan)
app.command("publish")(releasing.publish_wave)
app.command("withdraw")(releasing.withdraw)
for command in (keeping.erase, keeping.undo, keeping.backup, keeping.restore):
    app.command()(command)
#: What is read of a release, page by page; tests and models of any file.
READING: Mapping[str, Callable[..., None]] = {
    "overview": leading.overview, "compare": comparing.compare, "trend": comparing.trend,
    "composition": comparing.composition, "chain": chains.chain, "gap": chains.gap, "effects": effects.judge,
    "drivers": driving.drivers, "mend": driving.mend, "commitments": agreed.commitments, "targets": agreed.targets,
    "results-table": agreed.results_table, "context": chains.others, "test": modelling.associate,
    "regress": modelling.regress, "list-experiment": listing.listed,
}  # fmt: skip
for name, reader in READING.items():
    app.command(name)(reader)
app.add_typer(agreed.declared_app, name="declared")
app.add_typer(releasing.app, name="release")
app.add_typer(keeping.audit_app, name="audit")


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


def _store() -> storage.Store:
    return storage.open_settings(settings.from_environment())


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
    view = fieldwork.check_file(file, questionnaire=questionnaire, limits=limits_())
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
        print_table(view.issues.drop(columns=["code"]))
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
    limits = limits_()
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
        who=who(as_),
        at=now(),
        vault_key=settings.from_environment().vault_key,
    )
    OUT.print(sentences.saved(saved), markup=False)


@app.command()
def score(
    survey: SurveyOption = None,
    by: Annotated[list[str] | None, typer.Option(help="a published table: side, or side,post")] = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Print the masked scores of the published waves, a side at a time."""
    facets = split(by) or (results.SIDE,)
    view = results.scorecard(release_of(survey, release), by=facets)
    _print_view(view, facets=facets, output=output)


@app.command()
def change(
    measure: Annotated[list[str], typer.Option(help="measures, a,b")],
    waves: Annotated[str, typer.Option(help="from,to")],
    survey: SurveyOption = None,
    by: Annotated[list[str] | None, typer.Option(help="a published table: side, or side,post")] = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Test whether masked scores changed between two published waves, each cell against its own past."""
    pair, facets = split([waves]), split(by) or (results.SIDE,)
    codes = tuple(filter(None, split(measure)))
    if len(pair) != len(("from", "to")) or not codes:
        raise typer.BadParameter("name at least one --measure, and --waves as from,to")
    view = results.moved(release_of(survey, release), measures=codes, waves=(pair[0], pair[1]), by=facets)
    _print_view(view, facets=facets, output=output)


def _print_view(view: results.View, *, facets: tuple[str, ...], output: Format) -> None:
    """Print a masked result with its sources; for people a table a side, never one side's level beside the other's."""
    table = view.moves if view.table.empty else view.table
    if output is not Format.table:
        print_rows(exchange.marked(table, view.note, synthetic=view.synthetic), facets=facets, output=output)
        return
    for side, rows in table.groupby(results.SIDE, sort=True):
        OUT.print(f"{side}{' (SYNTHETIC: every answer is invented)' if view.synthetic else ''}", style="bold")
        print_table(rows.drop(columns=results.SIDE))
    for line in view.notes:
        OUT.print(line, markup=False, soft_wrap=True)
    sources = ", ".join(f"{name} {view.note.get(name, '')}" for name in exchange.SOURCES)
    OUT.print(f"{sources}. {sentences.reported(view.note)}", markup=False)


@app.command()
def demo() -> None:
    """Fill an empty store with the demo survey (SYNTHETIC)."""
    filled = demo_workflow.fill(_store(), at=now(), progress=lambda text: OUT.print(f"  {text}", markup=False))
    OUT.print(
        "The demo survey is in the store (SYNTHETIC)." if filled else "The store is filled already; nothing was added."
    )


@app.command()
def serve(
    address: str | None = None,
    port: int | None = None,
    bundle: Annotated[Path | None, typer.Option(help="show this bundle alone, without any store", exists=True)] = None,
    trusted: Annotated[str, typer.Option(help="fingerprint that the bundle must have")] = "",
) -> None:
    """Serve the pages on this machine, from the store or from one signed bundle."""
    chosen = settings.from_environment()
    around = dict(os.environ)
    if bundle is not None:
        found = shelf.BundleShelf.open(bundle, trusted=trusted or None)
        OUT.print(f"Fingerprint of the bundle, to be compared: {found.bundle.fingerprint}", markup=False)
        around |= {"SARHAD_BUNDLE": str(bundle.resolve()), "SARHAD_TRUSTED": found.bundle.fingerprint}
    command = [sys.executable, "-m", "app.server", address or chosen.address, str(port or chosen.port)]
    sys.exit(subprocess.call(command, env=around))  # noqa: S603 - our own module


app.add_typer(instruments.app, name="instrument")
app.add_typer(frameworks.app, name="framework")


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
