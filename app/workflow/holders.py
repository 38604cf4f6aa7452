"""Links of the chain of accountability that few people hold: a figure of one would be a figure of persons."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from app.workflow import declared
from app.workflow.chains import CHAIN
from app.workflow.describing import SIDE
from app.workflow.document import Facets
from scoring import Framework
from scoring.chain import CUTS, HOLDERS, Holders
from surveys.questionnaire import Questionnaire

WHY = "few_holders"


def few_held(
    questionnaire: Questionnaire,
    framework: Framework,
    tables: Sequence[Facets],
    waves: Sequence[str],
    texts: Mapping[str, str],
) -> pd.DataFrame:
    """Figures that a mask has to hide from the start, as it lists them: `table`, `wave`, facets, `measure`, `why`.

    A link of fewer than five declared holders is hidden, and with it the dimension and index that are its mean with
    links that are shown. By agency it is hidden too where nobody declared how many there are; of a whole side the
    offices are many, and those who sign decide. What is left of a side less the agencies that are shown is of five
    holders or more as well: so further agencies are hidden, those of the fewest holders first.
    """
    counts = declared.read(texts).holders
    rows = [
        {"table": " ".join(facets), "wave": wave, **dict(zip(facets, place, strict=True)), "measure": code, "why": WHY}
        for facets in tables
        if set(facets) <= CUTS
        for link in (item.code for item in framework.items if item.code in set(_under(framework)))
        for place in _withheld(questionnaire, facets, link, counts)
        for code in (link, *_above(framework, link))
        for wave in waves
    ]
    names = dict.fromkeys(name for facets in tables for name in facets)
    blank = dict.fromkeys(names, "")
    columns = ["table", "wave", *names, "measure", "why"]
    return pd.DataFrame([blank | row for row in rows], columns=columns, dtype="str").drop_duplicates(ignore_index=True)


def _withheld(questionnaire: Questionnaire, facets: Facets, link: str, counts: Holders) -> Iterator[tuple[str, ...]]:
    """Cells of a table in which a link is hidden."""
    for side in _values(questionnaire, SIDE):
        whole = counts.get((side,), {}).get(link)
        if facets == (SIDE,):
            yield from [(side,)] if whole is not None and whole < HOLDERS else []
            continue
        agencies = _values(questionnaire, next(name for name in facets if name != SIDE))
        held = {agency: counts.get((side, agency), {}).get(link) for agency in agencies}
        for agency in _hidden_agencies(held, whole):
            yield tuple(side if name == SIDE else agency for name in facets)


def _hidden_agencies(held: Mapping[str, int | None], whole: int | None) -> list[str]:
    """Agencies of a side whose link is hidden, so that neither one of them nor all together are of few holders.

    Parameters
    ----------
    held : mapping of agency to int
        Declared holders; None where nobody declared them.
    whole : int, optional
        Declared holders of the side.
    """
    known = {agency: count for agency, count in held.items() if count is not None}
    rest = max((whole or 0) - sum(known.values()), 0) if len(known) < len(held) else 0  # of whom no agency is declared
    shown = sorted((agency for agency, count in known.items() if count >= HOLDERS), key=known.__getitem__)
    if whole is not None and whole < HOLDERS:
        shown = []
    hidden = [agency for agency in held if agency not in shown]
    while hidden and shown and rest + sum(known.get(agency, 0) for agency in hidden) < HOLDERS:
        hidden.append(shown.pop(0))
    return hidden


def _under(framework: Framework) -> tuple[str, ...]:
    return framework.below(CHAIN) if CHAIN in framework.measures else ()


def _above(framework: Framework, code: str) -> Iterator[str]:
    parents = {part.code: part.parent for part in framework.tree}
    parent = parents.get(code)
    while parent is not None:
        yield parent
        parent = parents.get(parent)


def _values(questionnaire: Questionnaire, name: str) -> list[str]:
    scale = next((one.scale for one in questionnaire.questions if one.name == name), None)
    return [choice.code for choice in scale.choices if choice.missing is None] if scale else []
