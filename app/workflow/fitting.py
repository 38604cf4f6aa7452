"""Whether what is declared speaks of what a survey has: its measures, posts, sides, links and waves."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from app.workflow.declaring import FILES, NEEDED, OPTIONAL, Fault, Row
from app.workflow.describing import SIDE
from app.workflow.document import Document, Facets, Measure

CHAIN = "chain"
MOST = 12  # names that a message lists
MEASURED = {"commitments": "evidence", "targets": "measure"}
_YEAR = re.compile(r"\d{4}", re.ASCII)


def faults(tables: Mapping[str, Sequence[Row]], document: Document) -> Iterator[Fault]:
    """What does not fit in rows that were read without a fault."""
    for row in tables.get("commitments", ()):
        yield from _of_figure("commitments", row, document)
        yield from _of_commitment(row, document)
    for row in tables.get("targets", ()):
        yield from _of_figure("targets", row, document)
        yield from _of_target(row, document)
    for row in tables.get("interventions", ()):
        yield from _known(row, "post", values_of(document, "post"))
    links = {one.code for one in links_of(document)}
    for row in tables.get("holders", ()):
        yield from _known(row, SIDE, values_of(document, SIDE))
        yield from _known(row, "link", links)
        yield from _known(row, "agency", values_of(document, "agency") or row.cells.values())
    items = {one.code for one in document.measures if one.level in ("item", "indicator")}
    for row in tables.get("powers", ()):
        yield from _known(row, "item", items)


def faults_of_waves(waves: Iterable[str], document: Document) -> Iterator[Fault]:
    """Waves of `waves.toml` that are neither of the survey nor to come."""
    for wave in sorted(waves):
        if not _to_come(wave, document):
            yield f"{FILES['waves']}, wave {wave!r}: there is none; waves are {', '.join(document.waves)}"


def where_of(name: str, row: Row) -> dict[str, str]:
    """The cell of the survey that a row is about, by facet."""
    own = {*NEEDED[name], *OPTIONAL.get(name, ())} - {SIDE}
    return {column: value for column, value in row.cells.items() if column not in own}


def table_of(document: Document, where: Iterable[str]) -> Facets | None:
    """The published table by these facets, whatever their order; None where there is none."""
    return next((facets for facets in document.scores if set(facets) == set(where)), None)


def links_of(document: Document) -> tuple[Measure, ...]:
    """Links of the chain of accountability, from the leadership down."""
    heads = {one.code for one in document.measures if one.parent == CHAIN}
    return tuple(one for one in document.measures if one.parent in heads)


def values_of(document: Document, facet: str) -> set[str]:
    """Values of a facet among those who were asked; empty where nothing is published by it."""
    tables = [table for facets, table in document.scores.items() if facet in facets]
    return set().union(*(set(table[facet].astype(str)) for table in tables))


def _of_figure(name: str, row: Row, document: Document) -> Iterator[Fault]:
    """Measure and cell."""
    column = MEASURED[name] if MEASURED[name] in row.cells else "item"
    measures = {one.code: one for one in document.measures}
    where = where_of(name, row)
    facets = table_of(document, where)
    if facets is None:
        shown = "; ".join(" ".join(one) for one in document.scores)
        yield row.fault(" ".join(one for one in where if one != SIDE) or SIDE, f"no such table; there are: {shown}")
    for facet in facets or ():
        yield from _known(row, facet, values_of(document, facet))
    code = row.cells[column]
    if code not in measures:
        yield row.fault(column, f"{code!r} is not measured; name a measure of the survey, such as accountability")
    elif facets and code not in set(document.scores[facets]["measure"]):
        yield row.fault(column, f"{code!r} is not shown by {' '.join(facets)}")


def _of_commitment(row: Row, document: Document) -> Iterator[Fault]:
    code = row.cells.get("evidence", row.cells["item"])
    direction = next((one.direction for one in document.measures if one.code == code), "")
    if direction == "ambiguous":
        yield row.fault("evidence", f"more of {code!r} may be good or bad; name a measure that has a direction")
    elif direction and row.cells.get("direction", direction) != direction:
        yield row.fault("direction", f"more of {code!r} is {direction}; leave the cell empty, or write {direction}")
    if row.cells["since"] not in document.waves and not _to_come(row.cells["since"], document):
        yield row.fault("since", f"there is no wave {row.cells['since']!r}; waves are {', '.join(document.waves)}")
    if not _like_a_wave(row.cells["due"], document):
        yield row.fault("due", f"{row.cells['due']!r} is no wave; write it as {document.waves[-1]}")
    elif row.cells["due"] <= row.cells["since"]:
        yield row.fault(
            "due", f"it is due in {row.cells['due']}, and counts from {row.cells['since']}; it has to be later"
        )


def _of_target(row: Row, document: Document) -> Iterator[Fault]:
    direction = next((one.direction for one in document.measures if one.code == row.cells["measure"]), "")
    fitting = {"better": "at_least", "worse": "at_most"}.get(direction, "")
    if direction == "ambiguous" and "reach" not in row.cells:
        yield row.fault("reach", "more of it may be good or bad; say at_least or at_most")
    elif fitting and row.cells.get("reach", fitting) != fitting:
        yield row.fault("reach", f"more of it is {direction}; leave the cell empty, or write {fitting}")
    for column in ("due", "baseline_of"):
        value = row.cells.get(column, document.waves[-1])
        if not _like_a_wave(value, document):
            yield row.fault(column, f"{value!r} is neither a wave nor a year; write it as {document.waves[-1]}")
    start = row.cells.get("baseline_of", "")
    if start and "baseline" not in row.cells and start not in document.waves and not _to_come(start, document):
        yield row.fault("baseline", f"{start} is no wave of the survey; give the figure itself, with its source")
    if "baseline" in row.cells and "source" not in row.cells:
        yield row.fault("source", "say where the baseline comes from")


def _known(row: Row, column: str, known: Iterable[str]) -> Iterator[Fault]:
    names = sorted(known)
    if column in row.cells and row.cells[column] not in names:
        near = get_close_matches(row.cells[column], names, n=1) or names[:MOST]
        others = f" and {len(names) - len(near)} others" if len(names) > len(near) else ""
        yield row.fault(column, f"{row.cells[column]!r} is not known; there is {', '.join(near) or 'none'}{others}")


def _like_a_wave(text: str, document: Document) -> bool:
    """Whether it is a wave, a year, or named as waves are."""
    shapes = {re.sub(r"\d", "0", wave) for wave in document.waves}
    return text in document.waves or bool(_YEAR.fullmatch(text)) or re.sub(r"\d", "0", text) in shapes


def _to_come(wave: str, document: Document) -> bool:
    return wave in document.waves or (_like_a_wave(wave, document) and wave > max(document.waves))
