"""`sarhad instrument`: questionnaires for the field, and what a team takes along: empty table, codebook, paper form."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from app import settings, sources
from app.cli.printing import ERR, OUT
from app.workflow import fieldwork
from surveys import papers, xlsform
from surveys.questionnaire import Questionnaire

app = typer.Typer(no_args_is_help=True, help="Instruments: questionnaires as reviewable CSV.")

InstrumentArgument = Annotated[str, typer.Argument(help="name of an instrument, a folder, or an XLSForm")]
TABLES = (".csv", ".xlsx")


@app.callback()
def group() -> None:
    """Instruments: questionnaires as reviewable CSV."""


@app.command("build")
def build(
    instrument: Annotated[str, typer.Argument(help="name of an instrument, or a folder")] = "traveller",
    out: Annotated[Path | None, typer.Option(help="file to write, by default NAME.xlsx here")] = None,
) -> None:
    """Compile an instrument to an XLSForm that field tools take."""
    folder = Path(instrument) if Path(instrument).is_dir() else settings.INSTRUMENTS / instrument
    target = out or Path(f"{folder.name}.xlsx")
    for warning in xlsform.build(folder, target):
        ERR.print(warning, style="yellow", markup=False)
    _written(target)


@app.command("check")
def check(instrument: InstrumentArgument = "traveller") -> None:
    """Say what contradicts itself in an instrument or form."""
    questionnaire = _questionnaire(instrument)
    OUT.print(f"{questionnaire.title}: {len(questionnaire.questions)} questions, no fault found.", markup=False)


@app.command("template")
def template(
    instrument: InstrumentArgument = "traveller",
    out: Annotated[
        Path | None, typer.Option(help="file to write, .csv or .xlsx, by default NAME_template.xlsx here")
    ] = None,
) -> None:
    """Write an empty table with the headers that a file of this instrument must have."""
    questionnaire = _questionnaire(instrument)
    target = _target(out, f"{questionnaire.id}_template.xlsx", TABLES)
    empty = pd.DataFrame(columns=list(papers.template(questionnaire)))
    target.write_bytes(papers.as_csv(empty) if target.suffix == ".csv" else papers.as_workbook({"data": empty}))
    _written(target)


@app.command("codebook")
def codebook(
    instrument: InstrumentArgument = "traveller",
    out: Annotated[
        Path | None, typer.Option(help="file to write, .csv or .xlsx, by default NAME_codebook.xlsx here")
    ] = None,
) -> None:
    """Write every question and code with labels in all languages, scores, kinds of missing, and who is asked."""
    questionnaire = _questionnaire(instrument)
    target = _target(out, f"{questionnaire.id}_codebook.xlsx", TABLES)
    book = papers.codebook(questionnaire)
    target.write_bytes(papers.as_csv(papers.flat(book)) if target.suffix == ".csv" else papers.as_workbook(book))
    _written(target)


@app.command("paper")
def paper(
    instrument: InstrumentArgument = "traveller",
    language: Annotated[
        str | None, typer.Option(help="as the form names it, or its code, such as prs; by default the first")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="file to write, .html, by default NAME_paper.html here")] = None,
) -> None:
    """Write the form to print on A4 from any browser: what is read out, numbered questions, who goes on where."""
    questionnaire = _questionnaire(instrument)
    target = _target(out, f"{questionnaire.id}_paper.html", (".html",))
    known = instrument in fieldwork.instruments()
    beside = papers.asides(settings.INSTRUMENTS / instrument if known else Path(instrument))
    target.write_text(papers.paper(questionnaire, language=language, beside=beside), encoding="utf-8")
    _written(target)


def _questionnaire(name: str) -> Questionnaire:
    return fieldwork.instrument(name) if name in fieldwork.instruments() else fieldwork.sound(sources.form(name))


def _target(out: Path | None, usual: str, endings: tuple[str, ...]) -> Path:
    target = out or Path(usual)
    if target.suffix not in endings:
        raise typer.BadParameter(f"{target.name}: the file ends in {' or '.join(endings)}")
    return target


def _written(target: Path) -> None:
    OUT.print(f"{target} is written.", markup=False)
