"""`sarhad chain`, `gap`, `context`: where the chain of accountability breaks, how officers see it, what others say."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import pandas as pd
import typer

from app import exchange, sentences
from app.cli.printing import ERR, OUT, Format, FormatOption, print_rows, print_table, split
from app.cli.reading import ReleaseOption, SideOption, WaveOption, print_sources, release_of
from app.cli.releasing import SurveyOption
from app.workflow import chains, context, results, shelf
from app.workflow.chains import AGENCY, SIDE, WHOLE
from scoring.errors import RequestError

AgencyOption = Annotated[str | None, typer.Option("--agency", help="one agency; all of a side together by default")]
Place = tuple[str, str]  # side, agency
Told = tuple[str, str, pd.DataFrame]  # wave and place, what is said of it, its figures


def chain(
    *,
    side: SideOption = None,
    agency: AgencyOption = None,
    wave: WaveOption = None,
    by: Annotated[list[str] | None, typer.Option(help="side, or side,agency; never by post")] = None,
    survey: SurveyOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Say at which link the chain of accountability may be weakest, per side or side and agency."""
    facets = _facets(split(by), agency=agency)
    read = release_of(survey, release)
    at = wave or read.document.waves[-1]
    found: list[Told] = []
    refused: list[str] = []
    titles = _titles(read)
    for name, who in _places(read, facets, side=side, agency=agency):
        if reason := chains.impossible(read, side=name, wave=at, agency=who):
            refused.append(reason)
            continue
        made = chains.chain(read, side=name, wave=at, agency=who)
        told = f"{sentences.chain_line(made, titles)} {sentences.not_judged(made, titles)}".strip()
        rows = made.table.assign(weakest=list(sentences.standing_of_links(made).values()))
        found.append((_named(at, name, who), told, rows))
    if not found:
        raise RequestError(refused[0])
    _print(read, found, facets=facets, output=output)
    for reason in dict.fromkeys(refused):
        ERR.print(reason, style="yellow", markup=False, soft_wrap=True)


def gap(
    *,
    officers: Annotated[str, typer.Option("--officers", help="survey of the officers in the store")],
    side: SideOption = None,
    agency: AgencyOption = None,
    wave: WaveOption = None,
    survey: SurveyOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Say what officers see otherwise than users do, on questions that both were asked in the same words."""
    users, theirs = release_of(survey, release, beside=officers), release_of(officers, None)
    at, facets, titles = wave or users.document.waves[-1], _facets((), agency=agency), _titles(users)
    found: list[Told] = []
    for name, who in _places(users, facets, side=side, agency=agency):
        made = chains.gap(users, theirs, side=name, wave=at, agency=who)
        rows = made.table.to_dict("records")
        told = [sentences.gap_line(rows), sentences.gap_notes(len(rows), made.apart, made.withheld, titles)]
        table = made.table.assign(wave=at, told=[sentences.gap_told(row, titles) for row in rows])
        found.append((_named(at, name, who), " ".join(filter(None, told)), table))
    _print(users, found, facets=facets, output=output)


def others(
    series: Annotated[str, typer.Option(help="only series whose name holds this")] = "",
    output: FormatOption = Format.table,
) -> None:
    """Print what others measured (CPMM, LPI, WGI) with its source: beside this survey, never inside an index."""
    table = context.series()
    wanted = table[table["series"].str.contains(series, case=False, regex=False)].reset_index(drop=True)
    if wanted.empty:
        raise RequestError(f"no series holds {series!r}; there are {', '.join(table['series'].unique())}")
    if output is not Format.table:
        print_rows(wanted.assign(wave=wanted["year"].astype("str")), facets=("place",), output=output)
        return
    changes = context.changes(table)
    for name, own in wanted.groupby("series", sort=False):
        OUT.print(str(name), style="bold", markup=False)
        print_table(own[["place", "year", "value", "se", "low", "high", "level", "unit"]])
        for row in changes[changes["series"] == name].to_dict("records"):
            OUT.print(sentences.context_told(row), markup=False, highlight=False, soft_wrap=True)
        OUT.print(f"{own['source'].iloc[0]}. {own['licence'].iloc[0]}.", markup=False, highlight=False, soft_wrap=True)
    OUT.print(sentences.OTHERS, markup=False, soft_wrap=True)


def _facets(by: Sequence[str], *, agency: str | None) -> tuple[str, ...]:
    """The cut that is asked for, if the chain may be cut so."""
    asked = tuple(by) or (SIDE,)
    if refused := chains.refusal(asked):
        raise RequestError(refused)
    return (SIDE, AGENCY) if agency or AGENCY in asked else (SIDE,)


def _places(read: results.Release, facets: Sequence[str], *, side: str | None, agency: str | None) -> Iterator[Place]:
    """Sides, or sides and agencies, that are asked for."""
    sides = sorted(set(read.document.scores[SIDE,][SIDE].astype(str)))
    if side is not None and side not in sides:
        raise RequestError(f"there is no side {side!r}; the sides are {', '.join(sides)}")
    known = list(chains.agencies(read))
    if AGENCY in facets and (not known or agency not in (None, *known)):
        raise RequestError(f"this release has no figures of that agency; it has {', '.join(known) or 'sides alone'}")
    named = ([agency] if agency else known) if AGENCY in facets else [WHOLE]
    return ((name, who) for name in ([side] if side else sides) for who in named)


def _titles(read: results.Release) -> dict[str, str]:
    return {measure.code: measure.title for measure in read.document.measures}


def _named(wave: str, side: str, agency: str) -> str:
    return ", ".join([side, *([agency] if agency != WHOLE else []), wave])


def _print(read: results.Release, found: Sequence[Told], *, facets: tuple[str, ...], output: Format) -> None:
    """Print each place with its sentence; never one side's level beside the other's."""
    note, synthetic = shelf.facts(read), read.document.synthetic
    if output is not Format.table:
        rows = pd.concat([table.assign(sentence=told) for _, told, table in found], ignore_index=True)
        print_rows(exchange.marked(rows, note, synthetic=synthetic), facets=facets, output=output)
        return
    invented = " (SYNTHETIC: every answer is invented)" if synthetic else ""
    for place, told, table in found:
        OUT.print(f"{place}{invented}", style="bold", markup=False)
        OUT.print(told, markup=False, highlight=False, soft_wrap=True)
        print_table(table.drop(columns=["wave", *facets, "told"], errors="ignore"))
    print_sources(read)
