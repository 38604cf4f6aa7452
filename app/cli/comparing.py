"""`sarhad compare`, `trend` and `composition`: what differs between places, over waves, and who came."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Annotated

import typer

from app import exchange, sentences
from app.cli.printing import OUT, Format, FormatOption, print_rows, print_table, split
from app.cli.reading import ReleaseOption, print_sources, release_of
from app.cli.releasing import SurveyOption
from app.workflow import comparing, composing, shelf
from app.workflow.comparability import sides
from app.workflow.comparing import Compared
from app.workflow.describing import SIDE
from app.workflow.differing import MEASURE
from app.workflow.results import Release
from scoring.compare import Judging

SideOption = Annotated[str | None, typer.Option("--side", help="side that is compared within itself")]
ByOption = Annotated[list[str] | None, typer.Option("--by", help="a published table: side,post; or side,measure")]
MeasureOption = Annotated[list[str] | None, typer.Option("--measure", help="measures, a,b")]
AdjustOption = Annotated[
    str, typer.Option("--adjust", help="judge all rows together by holm, benjamini-hochberg or max-t")
]
RULES: Mapping[str, Judging] = {"holm": "holm", "benjamini-hochberg": "benjamini-hochberg", "max-t": "max-t"}
BOTH = 2  # names of a pair


def compare(
    *,
    side: SideOption = None,
    by: ByOption = None,
    measure: MeasureOption = None,
    wave: Annotated[str | None, typer.Option(help="a published wave; the last by default")] = None,
    pairs: Annotated[list[str] | None, typer.Option(metavar="a:b", help="only these, second less first")] = None,
    adjust: AdjustOption = "holm",
    since: Annotated[str | None, typer.Option(help="an earlier wave: each cell against its own past")] = None,
    margin: Annotated[float | None, typer.Option(help="with --since: the largest change that does not matter")] = None,
    note: Annotated[str, typer.Option(help="why levels of two sides may be compared; with --by side")] = "",
    survey: SurveyOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Compare posts, groups or agencies of a side in a wave, or each with its own past; two sides only under a note."""
    found, facets, rule = release_of(survey, release), split(by) or (SIDE, "post"), _rule(adjust)
    at, codes = wave or found.document.waves[-1], split(measure)
    _refuse_idle(note=bool(note) and (facets != (SIDE,) or bool(since)), margin=margin is not None and not since)
    if facets != (SIDE, MEASURE) and not codes:
        raise typer.BadParameter("name at least one --measure")
    if since:
        pair = (since, at)
        made = comparing.changes(
            found, side=_side(found, side), measures=codes, waves=pair, by=facets, adjust=rule, margin=margin
        )
        _print(found, made, facets=facets, thing="change", output=output)
    elif facets == (SIDE,):
        made = comparing.between_sides(found, wave=at, measures=codes, note=note, adjust=rule)
        _print(found, made, facets=(), thing="difference", output=output)
    else:
        made = comparing.differences(
            found, side=_side(found, side), wave=at, by=facets, measures=codes, pairs=_pairs(pairs), adjust=rule
        )
        shown = tuple(name for name in facets[:-1] if name != MEASURE)
        _print(found, made, facets=shown, thing="difference", output=output)


def trend(
    *,
    side: SideOption = None,
    measure: MeasureOption = None,
    by: ByOption = None,
    adjust: AdjustOption = "holm",
    survey: SurveyOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Slope a year over three or more published waves of one side, each cell with its test."""
    found, facets, codes = release_of(survey, release), split(by) or (SIDE,), split(measure)
    if not codes:
        raise typer.BadParameter("name at least one --measure")
    made = comparing.trend(found, side=_side(found, side), measures=codes, by=facets, adjust=_rule(adjust))
    _print(found, made, facets=facets, thing="trend", output=output)


def composition(
    *,
    waves: Annotated[str, typer.Option(help="from,to")],
    side: SideOption = None,
    survey: SurveyOption = None,
    release: ReleaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Split changes of the headline indices into change within groups of users and change of who came."""
    found, pair = release_of(survey, release), split([waves])
    if len(pair) != BOTH or pair[0] == pair[1] or not set(pair) <= set(found.document.waves):
        raise typer.BadParameter(f"--waves names two of {', '.join(found.document.waves)}, as from,to")
    made = composing.composition(found, side=_side(found, side), waves=(pair[0], pair[1]))
    note, synthetic = shelf.facts(found), found.document.synthetic
    if output is not Format.table:
        print_rows(exchange.marked(made.table, note, synthetic=synthetic), facets=(SIDE,), output=output)
        return
    if len(made.table):
        print_table(made.table)
    titles = {one.code: one.title for one in found.document.measures}
    told = []
    for one in made.findings:
        code = one.params["measure"]
        told.append(sentences.told_parts(one, measure=titles[code], fixed_clear=made.fixed_clear(code)))
    groups = dict(chain.from_iterable(cut.values.items() for cut in found.document.cuts))
    shifts = (sentences.told_shift(one, groups) for one in made.shifts)
    _say(found, [*made.notes, *told, *shifts] or ["This release holds no split of changes of this side."])


def _side(release: Release, given: str | None) -> str:
    known = sides(release)
    if given is None or given not in known:
        raise typer.BadParameter(f"name one --side: {', '.join(known)}")
    return given


def _rule(given: str) -> Judging:
    if given not in RULES:
        raise typer.BadParameter(f"--adjust may be {', '.join(RULES)}")
    return RULES[given]


def _refuse_idle(*, note: bool, margin: bool) -> None:
    if note:
        raise typer.BadParameter("--note is for levels of two sides, which are compared with --by side")
    if margin:
        raise typer.BadParameter("--margin is for changes: name the earlier wave with --since")


def _pairs(given: list[str] | None) -> list[tuple[str, str]] | None:
    if not given:
        return None
    found = [tuple(part.split(":")) for part in split(given)]
    if any(len(pair) != BOTH for pair in found):
        raise typer.BadParameter("--pairs are a:b, several as a:b,a:c")
    return [(pair[0], pair[1]) for pair in found]


def _print(release: Release, made: Compared, *, facets: tuple[str, ...], thing: str, output: Format) -> None:
    """Rows with their sources; for people the statement of the family, and what stands beside, below them."""
    note, synthetic = shelf.facts(release), release.document.synthetic
    if output is not Format.table:
        print_rows(exchange.marked(made.table, note, synthetic=synthetic), facets=facets, output=output)
        return
    print_table(made.table)
    _say(release, [sentences.told_family(made.family, thing=thing, adjust=made.adjust), *made.notes])


def _say(release: Release, lines: Sequence[str]) -> None:
    for line in lines:
        OUT.print(line, markup=False, highlight=False, soft_wrap=True)
    print_sources(release)
