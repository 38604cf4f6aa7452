"""`sarhad send | work | jobs`: files that are received at once and worked on in their turn."""

import os
import secrets
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from app import exchange, settings
from app.cli.printing import OUT, Format, FormatOption, print_table
from app.cli.releasing import AsOption, now, who
from app.workflow import fieldwork, jobs, storage, working

POLL = 1.0  # seconds between two looks at what waits


def send(
    file: Annotated[Path, typer.Argument(help="export of the field tool", exists=True, dir_okay=False)],
    wave: Annotated[
        str, typer.Option(help="wave that the file belongs to, such as 2026; none: it is only checked")
    ] = "",
    instrument: Annotated[str, typer.Option(help="instrument of this product")] = fieldwork.TRAVELLER,
    survey: Annotated[
        str | None, typer.Option(help="survey in the store; by default named after the instrument")
    ] = None,
    title: Annotated[str, typer.Option(help="title of a new survey")] = "",
    as_: AsOption = None,
) -> None:
    """Keep a file safely and return at once; `sarhad work` checks it, and stores it as a draft of a wave."""
    chosen = settings.from_environment()
    job = jobs.submit(
        file,
        kind="import" if wave else "check",
        store=storage.open_settings(chosen),
        folder=jobs.folder_of(chosen),
        survey_id=survey or instrument,
        instrument=instrument,
        who=who(as_),
        at=now(),
        wave=wave,
        title=title,
        vault_key=chosen.vault_key,
    )
    OUT.print(f"Job {job.id}. {jobs.told(job)}", markup=False, highlight=False)


def work(
    once: Annotated[bool, typer.Option("--once", help="end when nothing waits any more")] = False,
    again: Annotated[int | None, typer.Option(help="let this job, which was given up, wait once more first")] = None,
) -> None:
    """Work on what waits, one file after another, until it is ended (or, with --once, until nothing waits)."""
    chosen = settings.from_environment()
    store = storage.open_settings(chosen)
    if again is not None:
        jobs.again(again, store=store, folder=jobs.folder_of(chosen), at=now())
    name = f"{os.getpid()}-{secrets.token_hex(8)}"
    bench = working.bench_of(chosen, store=store, worker=name, clock=now, told=_print)
    before = signal.signal(signal.SIGTERM, _end)
    try:
        left = [job.id for job in working.run(bench, wait=_never if once else _rest) if job.state != "done"]
    finally:
        signal.signal(signal.SIGTERM, before)
    if left:
        raise typer.Exit(1)


def list_jobs(
    most: Annotated[int, typer.Option(help="how many of the newest", min=1)] = 20,
    number: Annotated[int | None, typer.Option("--job", help="what the check of this job found")] = None,
    output: FormatOption = Format.table,
) -> None:
    """Say how the jobs stand, or what the check of one found."""
    chosen = settings.from_environment()
    store = storage.open_settings(chosen)
    if number is not None:
        table = jobs.issues(store.job(number))
    else:
        table = jobs.listed(store, jobs.folder_of(chosen), at=now(), limit=most)
    if output is Format.json:
        sys.stdout.write(table.to_json(orient="records", force_ascii=False) + "\n")
    elif output is Format.csv:
        sys.stdout.write(exchange.as_csv(table))
    elif table.empty:
        OUT.print("No problem was found." if number is not None else "There is no job.")
    else:
        print_table(table)


def _print(job: working.JobRow) -> None:
    OUT.print(f"Job {job.id}, {job.order.filename}: {jobs.told(job)}", markup=False, highlight=False, soft_wrap=True)


def _never() -> bool:
    return False


def _rest() -> bool:
    time.sleep(POLL)
    return True


def _end(number: int, frame: FrameType | None) -> None:
    """Whoever ends the worker lets go of its job, which the next one begins at once."""
    del number, frame
    sys.exit(0)
