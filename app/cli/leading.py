"""`sarhad overview`: what leadership reads on one page."""

from app import charts, exchange, sentences
from app.cli.printing import OUT, Format, FormatOption, print_rows
from app.cli.reading import ReleaseOption, SideOption, print_sources, release_of
from app.cli.releasing import SurveyOption
from app.workflow import leading, results, shelf
from app.workflow.describing import SIDE
from scoring.errors import RequestError

FACETS = (SIDE, "post")


def overview(
    survey: SurveyOption = None,
    side: SideOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Say what changed for certain, of the headline figures and of every post, as the page Trends does."""
    read = release_of(survey, release)
    cut = next(cut for cut in read.document.cuts if cut.facets == (SIDE,))
    sides = [name for name in cut.values if side in (None, name)]
    if not sides:
        raise RequestError(f"there is no side {side!r}; there are {', '.join(cut.values)}")
    for name in sides:
        found = leading.overview(read, side=name)
        if output is Format.table:
            _print(read, found, cut.values[name])
        elif len(found.moves):
            rows = results.shown_p(found.moves)
            note = dict(shelf.facts(read))
            print_rows(exchange.marked(rows, note, synthetic=read.document.synthetic), facets=FACETS, output=output)


def _print(read: results.Release, found: leading.Overview, where: str) -> None:
    words = {one.code: one for one in read.document.measures}
    posts = {code: label for cut in read.document.cuts if cut.facets == FACETS for code, label in cut.values.items()}
    OUT.print(f"{where}{' (SYNTHETIC: every answer is invented)' if read.document.synthetic else ''}", style="bold")
    if found.moves.empty:
        OUT.print(sentences.ONE_WAVE, markup=False)
    for row in found.moves.to_dict("records"):
        if not row["post"] or row["clear"]:
            measure = words[row["measure"]]
            told = charts.told_change(row, unit=measure.unit, better=measure.direction)
            place = f"{posts.get(row['post'], row['post'])}, " if row["post"] else ""
            line = f"- {place}{measure.title}: {told} {sentences.beside_change(found, row['measure'])}"
            OUT.print(
                line.rstrip() if not row["post"] else f"- {place}{measure.title}: {told}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
    for line in (*found.notes, f"{sentences.family(found.family)} {sentences.SIDES_APART}"):
        OUT.print(line, markup=False, highlight=False, soft_wrap=True)
    print_sources(read)
