"""Links of the chain of accountability that few people hold: a figure of one would be a figure of persons."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import pandas as pd

from app.workflow import declared
from app.workflow.chains import CHAIN
from app.workflow.document import Facets
from scoring import Framework
from scoring.chain import CUTS, HOLDERS
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
    offices are many, and those who sign decide.
    """
    counts = declared.read(texts).holders
    links = [item.code for item in framework.items if item.code in set(_under(framework))]
    rows = [
        {"table": " ".join(facets), "wave": wave, **dict(zip(facets, place, strict=True)), "measure": code, "why": WHY}
        for facets in tables
        if set(facets) <= CUTS
        for place in product(*(_values(questionnaire, name) for name in facets))
        for link in links
        if _few(counts.get(place, {}).get(link), whole=len(place) == 1)
        for code in (link, *_above(framework, link))
        for wave in waves
    ]
    names = dict.fromkeys(name for facets in tables for name in facets)
    blank = dict.fromkeys(names, "")
    columns = ["table", "wave", *names, "measure", "why"]
    return pd.DataFrame([blank | row for row in rows], columns=columns, dtype="str").drop_duplicates(ignore_index=True)


def _under(framework: Framework) -> tuple[str, ...]:
    return framework.below(CHAIN) if CHAIN in framework.measures else ()


def _few(count: int | None, *, whole: bool) -> bool:
    return not whole if count is None else count < HOLDERS


def _above(framework: Framework, code: str) -> Iterator[str]:
    parents = {part.code: part.parent for part in framework.tree}
    parent = parents.get(code)
    while parent is not None:
        yield parent
        parent = parents.get(parent)


def _values(questionnaire: Questionnaire, name: str) -> list[str]:
    scale = next((one.scale for one in questionnaire.questions if one.name == name), None)
    return [choice.code for choice in scale.choices] if scale else []
