"""`sarhad commitments`, `targets`, `results-table`, `declared check`: what was agreed, held against a release."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from app import exchange, sentences
from app.cli.printing import OUT, Format, FormatOption, print_rows, print_table
from app.cli.reading import ReleaseOption, SideOption, print_sources, release_of
from app.cli.releasing import SurveyOption
from app.workflow import agreed, declared, donor_books, donors, leading, results, shelf
from app.workflow.describing import SIDE
from app.workflow.document import Release
from scoring.commitments import Progress

declared_app = typer.Typer(no_args_is_help=True, help="Declarations: what was agreed, done and aimed at, as files.")

FIGURES = ("estimate", "low", "high", "p_adjusted", "clear", "reason", "score_estimate", "score_low", "score_high")
HIDDEN = ("se", "df", "change_reason")  # of no use to who reads a table of targets


def commitments(
    survey: SurveyOption = None,
    side: SideOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Say how each commitment stands, by the same tests as the page Trends."""
    found = release_of(survey, release)
    titles = donors.titles_of(found)
    stand = [one for name in _sides(found, side) for one in _progress(found, name)]
    rows = results.shown_p(pd.DataFrame([_row(one, sentences.agreed_told(one, titles)) for one in stand]))
    if rows.empty:
        OUT.print("No commitment is declared with this release.", markup=False)
    elif output is Format.table:
        for name, own in rows.groupby(SIDE, sort=True):
            _heading(found, titles.get(str(name), str(name)))
            for line in own["sentence"]:
                OUT.print(f"- {line}", markup=False, highlight=False, soft_wrap=True)
        print_sources(found)
    else:
        print_rows(_marked(found, rows), facets=(SIDE,), output=output)


def targets(
    survey: SurveyOption = None,
    side: SideOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Say of each target whether it is met, and the tested change from its baseline."""
    found = release_of(survey, release)
    titles = donors.titles_of(found)
    rows = pd.concat([agreed.targets(found, name) for name in _sides(found, side)], ignore_index=True)
    if rows.empty:
        OUT.print("No target is declared with this release.", markup=False)
        return
    told = [sentences.target_told(row, titles) for row in rows.to_dict("records")]
    rows = rows.drop(columns=list(HIDDEN)).assign(sentence=told)
    if output is not Format.table:
        print_rows(_marked(found, rows), facets=(SIDE,), output=output)
        return
    for name, own in rows.groupby(SIDE, sort=True):
        _heading(found, titles.get(str(name), str(name)))
        print_table(own.drop(columns=[SIDE, "sentence"]))
        for line in own["sentence"]:
            OUT.print(f"- {line}", markup=False, highlight=False, soft_wrap=True)
    print_sources(found)


def results_table(
    out: Annotated[Path | None, typer.Option(help="workbook to write, NAME.xlsx; printed by default")] = None,
    survey: SurveyOption = None,
    side: SideOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Write the donor's results table: baseline, target, current with interval, test, by sex, source and method."""
    found = release_of(survey, release)
    if out is not None:
        if out.suffix.lower() != ".xlsx":
            raise typer.BadParameter(f"{out.name!r} is no workbook; name it NAME.xlsx")
        out.write_bytes(donor_books.as_workbook(found))
        OUT.print(f"{out} is written: a sheet a side, and notes.", markup=False)
        return
    table = pd.concat([donors.results_table(found, name) for name in _sides(found, side)], ignore_index=True)
    if output is not Format.table:
        print_rows(_marked(found, table), facets=("side", "group"), output=output)
        return
    for name, own in table.groupby("side", sort=True):
        _heading(found, str(name))
        print_table(own.drop(columns=["side", "source", "method"]))
    print_sources(found)


@declared_app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(help="folder with commitments.csv, targets.csv, waves.toml, ...")],
    survey: Annotated[str | None, typer.Option(help="hold them against the standing release of this survey")] = None,
) -> None:
    """Say what is wrong with declarations, row by row; nothing is stored."""
    texts = declared.load(folder)
    if survey is not None:
        declared.refuse_unfit(texts, document=release_of(survey, None).document)
    names = ", ".join(declared.FILES[name] for name in texts)
    OUT.print(f"No fault found in {names}.", markup=False)


def _sides(release: Release, side: str | None) -> list[str]:
    known = list(dict.fromkeys(release.document.scores[(SIDE,)][SIDE].astype(str)))
    if side is not None and side not in known:
        raise typer.BadParameter(f"{side!r} is no side; there are {', '.join(known)}")
    return known if side is None else [side]


def _progress(release: Release, side: str) -> tuple[Progress, ...]:
    """Judged in the family of the page Trends; of one wave nothing is tested."""
    if release.document.waves[1:]:
        return leading.overview(release, side=side).commitments
    return agreed.commitments(release, side=side)


def _row(one: Progress, told: str) -> dict[str, object]:
    found = one.finding.params
    where = ", ".join(f"{facet}={value}" for facet, value in one.commitment.where.items() if facet != SIDE)
    names = ("code", "item", "office", "action", "evidence", "since", "due", "target", *FIGURES)
    own = {"wave": found["wave"], SIDE: one.commitment.where[SIDE], "where": where, "status": one.status}
    return own | {name: found[name] for name in names} | {"sentence": told}


def _marked(release: Release, rows: pd.DataFrame) -> pd.DataFrame:
    return exchange.marked(rows, shelf.facts(release), synthetic=release.document.synthetic)


def _heading(release: Release, side: str) -> None:
    mark = " (SYNTHETIC: every answer is invented)" if release.document.synthetic else ""
    OUT.print(f"{side}{mark}", style="bold", markup=False)
