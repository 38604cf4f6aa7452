"""`sarhad erase | undo | audit | backup | restore`: what is done to the store itself."""

from pathlib import Path
from typing import Annotated

import typer

from app import settings
from app.cli.printing import ERR, OUT
from app.cli.releasing import AsOption, SurveyOption, now, who
from app.workflow import fieldwork, shelf, storage

audit_app = typer.Typer(no_args_is_help=True, help="The log: every deed, each line bound to the one before.")


def _open(survey: str | None) -> tuple[storage.Store, str]:
    store = storage.open_settings(settings.from_environment())
    return store, shelf.chosen(shelf.StoreShelf(store), survey)


def erase(
    uuid: Annotated[str, typer.Argument(help="uuid of the submission, as the field tool shows it")],
    survey: SurveyOption = None,
    as_: AsOption = None,
) -> None:
    """Erase a submission at somebody's wish: its answers and raw files at once; it never comes back."""
    store, name = _open(survey)
    done = fieldwork.erase(store, name, uuid, who=who(as_), at=now())
    OUT.print(done, markup=False)


def undo(
    batch: Annotated[int | None, typer.Argument(help="number of the file; without it the files are listed")] = None,
    survey: SurveyOption = None,
    as_: AsOption = None,
) -> None:
    """Take back an imported file of a draft wave; what it stood for counts again."""
    store, name = _open(survey)
    if batch is None:
        for row in store.batches(name):
            OUT.print(f"{row.id}  wave {row.wave}  {row.filename}  {row.n_rows} rows  {row.status}", markup=False)
        return
    count = store.undo_batch(name, batch, who=who(as_), at=now())
    OUT.print(f"File {batch} is taken back: {count} submissions no longer count.", markup=False)


@audit_app.command("verify")
def verify(
    head: Annotated[
        str, typer.Option(help="a head that was printed in a release: it must still stand in the log")
    ] = "",
) -> None:
    """Make every code of the log, the answers and the releases again, and name what was altered."""
    store = storage.open_settings(settings.from_environment())
    with OUT.status("verifying"):
        faults = [f"{fault.subject}: {fault.text}" for fault in store.verify()]
        if head and not store.holds(head):
            faults.append(f"the log: the line {head.partition(':')[0]} that was printed is not in it any more")
    for fault in faults:
        ERR.print(fault, style="red", markup=False, highlight=False)
    if faults:
        raise typer.Exit(1)
    OUT.print(f"Nothing was altered. The log ends at {store.audit_head()}", markup=False, highlight=False)


def backup(target: Annotated[Path, typer.Argument(help="new file to write")]) -> None:
    """Write the whole store into one file, as it is at one moment."""
    store = storage.open_settings(settings.from_environment())
    with OUT.status("copying"):
        store.backup(target)
    OUT.print(f"{target} is written; it holds answers: keep it as safely as the store.", markup=False)


def restore(source: Annotated[Path, typer.Argument(help="file that `sarhad backup` wrote", exists=True)]) -> None:
    """Fill an empty store from a backup, and verify it."""
    chosen = settings.from_environment()
    with OUT.status("copying and verifying"):
        faults = storage.restore_settings(source, chosen)
    for fault in faults:
        ERR.print(f"{fault.subject}: {fault.text}", style="red", markup=False, highlight=False)
    if faults:
        raise typer.Exit(1)
    OUT.print("The store is restored, and nothing in it was altered.", markup=False)
