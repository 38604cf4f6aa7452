"""`sarhad framework`: definitions of indices, held against themselves, an instrument and their own past."""

import json
import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from app import sources
from app.cli.printing import ERR, OUT, Format, FormatOption
from app.workflow import fieldwork, frameworks
from surveys.questionnaire import Questionnaire

app = typer.Typer(no_args_is_help=True, help="Frameworks: definitions of indices.")

FileArgument = Annotated[Path, typer.Argument(help="TOML file", exists=True, dir_okay=False)]


@app.callback()
def group() -> None:
    """Frameworks: definitions of indices."""


@app.command("check")
def check(
    file: FileArgument,
    instrument: Annotated[
        str | None, typer.Option(help="name, folder or XLSForm of the instrument that asks its questions")
    ] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="an earlier file of this framework", exists=True, dir_okay=False)
    ] = None,
    output: FormatOption = Format.table,
) -> None:
    """Say what contradicts itself in a framework, each fault with file, key and remedy."""
    found = frameworks.examine(
        file.name,
        _text(file),
        questionnaire=_questionnaire(instrument) if instrument else None,
        earlier={str(path): _text(path) for path in against or ()},
    )
    if output is Format.table:
        _print(found)
    else:
        _print_rows(found, output)
    if found.faults:
        raise typer.Exit(1)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig", errors="replace")


def _questionnaire(name: str) -> Questionnaire:
    return fieldwork.instrument(name) if name in fieldwork.instruments() else fieldwork.sound(sources.form(name))


def _print(found: frameworks.Examined) -> None:
    for told in found.faults:
        ERR.print(str(told), style="red", markup=False, highlight=False, soft_wrap=True)
    plan = found.framework
    if plan is not None and not found.faults:
        OUT.print(f"{plan.title}: {len(plan.nodes)} nodes, {len(plan.items)} items, no fault found.", markup=False)
        OUT.print(f"{plan.id} {plan.version}, content {plan.digest}", markup=False, highlight=False)


def _print_rows(found: frameworks.Examined, output: Format) -> None:
    rows = [
        {"file": told.file, "key": told.fault.key, "problem": told.fault.problem, "remedy": told.fault.remedy}
        for told in found.faults
    ]
    if output is Format.csv:
        pd.DataFrame(rows, columns=["file", "key", "problem", "remedy"]).to_csv(sys.stdout, index=False)
        return
    plan = found.framework
    head = {} if plan is None else {"id": plan.id, "version": plan.version, "content": plan.digest}
    sys.stdout.write(json.dumps(head | {"faults": rows}, ensure_ascii=False) + "\n")
