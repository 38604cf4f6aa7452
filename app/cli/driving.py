"""`sarhad drivers` and `sarhad mend`: what goes with outcomes, and what users ask to have mended first."""

from collections.abc import Callable, Iterator
from typing import Annotated

import pandas as pd
import typer

from app import exchange, sentences
from app.cli.printing import OUT, Format, FormatOption, print_rows, print_table
from app.cli.reading import ReleaseOption, SideOption, WaveOption, print_sources, release_of
from app.cli.releasing import SurveyOption
from app.workflow import driving, mending, shelf
from app.workflow.results import SIDE, Release
from scoring import RequestError

Told = tuple[pd.DataFrame, list[str]]
OLD = "release {number} holds no such study of {side} in {wave}; prepare a new release, or name another side or wave"


def drivers(
    outcome: Annotated[str, typer.Option(help="trade_effect, return_effect or neighbour_trust")] = "trade_effect",
    side: SideOption = None,
    wave: WaveOption = None,
    survey: SurveyOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Print what goes with an outcome, by respondents' own scores and by those of the others; never a cause."""
    found = release_of(survey, release)
    titles = {measure.code: measure.title for measure in found.document.measures}
    known = driving.outcomes(found)
    if known and outcome not in known:
        raise RequestError(f"outcome {outcome!r} is not explained; there are: {', '.join(known)}")

    def told(one: str, when: str) -> Told | None:
        made = driving.drivers(found, side=one, wave=when, outcome=outcome)
        if made is None:
            return None
        lines = [sentences.told_driver(finding, titles) for finding in made.findings]
        return made.rows, [*lines, sentences.GUARD]

    _print(found, told, side=side, wave=wave, output=output)


def mend(
    side: SideOption = None,
    wave: WaveOption = None,
    survey: SurveyOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Print what users ask to have mended first, and the office that can act."""
    found = release_of(survey, release)

    def told(one: str, when: str) -> Told | None:
        rows = mending.mend_first(found, side=one, wave=when)
        return None if rows.empty else (rows, [sentences.told_mend_first(rows.to_dict("records"))])

    _print(found, told, side=side, wave=wave, output=output)


def _print(
    found: Release, told: Callable[[str, str], Told | None], *, side: str | None, wave: str | None, output: Format
) -> None:
    """Print a side at a time, sentences below its figures; for programs all rows with their sources."""
    when = wave or found.document.waves[-1]
    made = list(_made(found, told, side, when))
    synthetic, note = found.document.synthetic, dict(shelf.facts(found))
    if output is not Format.table:
        table = pd.concat([rows for _, (rows, _) in made], ignore_index=True)
        print_rows(exchange.marked(table, note, synthetic=synthetic), facets=(SIDE,), output=output)
        return
    for one, (rows, lines) in made:
        OUT.print(f"{one}, {when}{' (SYNTHETIC: every answer is invented)' if synthetic else ''}", style="bold")
        print_table(rows.drop(columns=["wave", SIDE]))
        for line in lines:
            OUT.print(line, markup=False, highlight=False, soft_wrap=True)
    print_sources(found)


def _made(
    found: Release, told: Callable[[str, str], Told | None], side: str | None, wave: str
) -> Iterator[tuple[str, Told]]:
    known = sorted(set(found.document.scores[SIDE,][SIDE]))
    for name, given, allowed in (("side", side, known), ("wave", wave, found.document.waves)):
        if given is not None and given not in allowed:
            raise RequestError(f"{name} {given!r} is not published; there are: {', '.join(allowed)}")
    for one in [side] if side else known:
        made = told(one, wave)
        if made is None:
            raise RequestError(OLD.format(number=found.number, side=one, wave=wave))
        yield one, made
