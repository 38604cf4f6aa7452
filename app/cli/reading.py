"""What the commands share that read a release: which one, of which side and wave, and where its figures come from."""

from typing import Annotated

import typer

from app import exchange, sentences, settings
from app.cli.printing import OUT
from app.workflow import results, shelf, storage

ReleaseOption = Annotated[
    int | None, typer.Option("--release", help="an older release; the one that stands by default")
]
SideOption = Annotated[str | None, typer.Option("--side", help="one side; every side by default")]
WaveOption = Annotated[str | None, typer.Option("--wave", help="a published wave; the last by default")]


def release_of(survey: str | None, number: int | None, *, beside: str = "") -> results.Release:
    """The release that stands, or the one named, from the store or from the bundle that the settings name.

    Of the survey named, or of the only one there is but the one beside it.
    """
    found = storage.open_shelf(settings.from_environment())
    others = [info.id for info in found.surveys() if info.id != beside]
    name = others[0] if survey is None and beside and len(others) == 1 else shelf.chosen(found, survey)
    return found.release(name, number or 0)


def print_sources(release: results.Release) -> None:
    """Print below figures for people where they come from and what they are."""
    note = shelf.facts(release)
    mark = "SYNTHETIC: every answer is invented. " if release.document.synthetic else ""
    sources = ", ".join(f"{name} {note.get(name, '')}" for name in exchange.SOURCES)
    OUT.print(f"{mark}{sources}. {sentences.reported(note)}", markup=False, highlight=False, soft_wrap=True)
