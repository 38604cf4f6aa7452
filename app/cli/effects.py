"""`sarhad effects`: what training, equipment or a procedure moved, with its doubts."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from app import exchange, sentences, settings
from app.cli.printing import OUT, Format, FormatOption, print_rows, print_table
from app.cli.reading import ReleaseOption, print_sources
from app.cli.releasing import SurveyOption
from app.workflow import effects, interventions, results, shelf, storage
from scoring.errors import RequestError

TableOption = Annotated[
    Path | None,
    typer.Option("--interventions", help="your own table, post,date,kind; by default the declared one", exists=True,
                 dir_okay=False),
]  # fmt: skip


def judge(
    *,
    measure: Annotated[str, typer.Option(help="a measure that is shown by post")],
    kind: Annotated[str | None, typer.Option(help="kind of intervention; the only one by default")] = None,
    table: TableOption = None,
    side: Annotated[str | None, typer.Option(help="posts of one side; by default all of them, as changes")] = None,
    survey: SurveyOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Say whether posts with a training, equipment or procedure moved otherwise than the others, with every doubt."""
    found = storage.open_shelf(settings.from_environment())
    read = found.release(shelf.chosen(found, survey), release or 0)
    given = interventions.read_table(read, table.read_bytes()) if table else interventions.table_of(read)
    answer = effects.study(read, kind=kind or _kind(given), measure=measure, side=side, interventions=given)
    told, doubts = _told(read, answer)
    note, synthetic = shelf.facts(read), read.document.synthetic
    rows = effects.rows(answer)
    if output is not Format.table:
        marked = exchange.marked(rows.assign(told=told), note, synthetic=synthetic)
        print_rows(marked, facets=(results.SIDE,), output=output)
        return
    OUT.print(f"{told}{' (SYNTHETIC: every answer is invented)' if synthetic else ''}", style="bold", markup=False)
    for line in doubts:
        OUT.print(f"- {line}", markup=False, highlight=False)
    print_table(rows.drop(columns=["kind", "measure", "verdict"]))
    print_sources(read)


def _kind(table: pd.DataFrame) -> str:
    """The only kind there is."""
    known = interventions.kinds_of(table)
    if not known:
        raise RequestError("no interventions are declared with this release; name a table by --interventions FILE.csv")
    if known[1:]:
        raise RequestError(f"name one --kind: {', '.join(known)}")
    return known[0]


def _told(read: results.Release, answer: effects.Answer) -> tuple[str, list[str]]:
    """The sentence that stands first, and what is to be said with it."""
    measure = next(one for one in read.document.measures if one.code == answer.measure)
    labels = effects.labels(read)
    about = sentences.EffectOf(answer.kind, measure.title, measure.unit, answer.since, answer.wave, labels)
    doubts = sentences.told_doubts(answer.findings, about)
    claimed = answer.claim.effect is not None
    if claimed and len(answer.overall):
        doubts.append(sentences.told_overall(answer.overall.iloc[0].to_dict(), about))
    limits = [sentences.EFFECT_LIMITS] if claimed else []
    return sentences.told_effect(answer.code, answer.figures, about), [*doubts, *limits]
