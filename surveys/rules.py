"""What must hold between answers: routing, the design's columns, required questions, readable times."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from surveys import routing
from surveys.coding import Answers, Flags, Flaw, Params
from surveys.questionnaire import DesignColumns, Question

#: A flaw and the question that it stands at.
Found = list[tuple[str, Flaw]]


def amounts(design: DesignColumns) -> tuple[str, ...]:
    """Columns of the design that hold numbers, and without which no weight can be made."""
    names = (design.weight, design.traffic, design.inclusion, design.fpc)
    return tuple(dict.fromkeys(name for name in names if name))


def places(design: DesignColumns) -> tuple[str, ...]:
    """Columns of the design that say where an interview stands."""
    return tuple(dict.fromkeys(name for name in (*design.strata, design.psu) if name))


def facets(design: DesignColumns) -> tuple[str, ...]:
    """Columns by which results are shown, those that say where an interview stands left out."""
    names = dict.fromkeys(name for names in design.facets for name in names)
    return tuple(name for name in names if name not in places(design))


def routed(answers: Mapping[str, Answers], rows: int) -> tuple[dict[str, Flags], Found]:
    """Rows where a question was not asked, and rows where it was answered all the same."""
    routed_out: dict[str, Flags] = {}
    found = []
    known: dict[str, Flags | None] = {}
    for name, given in answers.items():
        out = np.zeros(rows, dtype=np.bool_)
        for expression in filter(None, (given.question.gate, given.question.relevant)):
            if expression not in known:
                known[expression] = routing.evaluate(expression, answers, rows=rows)
            holds = known[expression]
            if holds is not None:
                out |= ~holds
        routed_out[name] = out
        broken = out & ~given.blank
        if broken.any() and given.question.kind not in {"meta", "note"}:
            params: Params = {"count": int(broken.sum()), "question": ", ".join(_conditions(given.question))}
            found.append((name, Flaw("routing-broken", broken, params, fatal=False)))
    return routed_out, found


def _conditions(question: Question) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*routing.names(question.gate), *routing.names(question.relevant))))


def design_flaws(answers: Mapping[str, Answers], design: DesignColumns, rows: int) -> Found:
    """Weights that are no weights, and rows without a place in the sample."""
    found = []
    for name in amounts(design):
        if name in answers and (coded := answers[name].coded) is not None:
            values = coded[answers[name].place]
            wrong = ~(values > 0) & (answers[name].blank | ~np.isnan(values))
            found.append((name, "weight-not-positive", wrong))
    found += [(name, "design-empty", answers[name].blank) for name in places(design) if name in answers]
    if design.traffic and design.psu and {design.traffic, *places(design)} <= answers.keys():
        found.append((design.traffic, "traffic-varies", _varying(answers, design, rows)))
    return [
        (name, Flaw(code, wrong, {"count": int(wrong.sum())}, fatal=code != "traffic-varies"))
        for name, code, wrong in found
        if wrong.any()
    ]


def _varying(answers: Mapping[str, Answers], design: DesignColumns, rows: int) -> Flags:
    """Rows of shifts whose interviews carry different counts of traffic."""
    if not rows or not design.traffic:
        return np.zeros(rows, dtype=np.bool_)
    shift = pd.DataFrame({at: answers[name].place for at, name in enumerate(places(design))})
    count = pd.Series(answers[design.traffic].text)
    return (count.groupby([shift[at] for at in shift]).transform("nunique") > 1).to_numpy(dtype=np.bool_)


def time_flaws(moments: pd.DataFrame) -> Found:
    """Rows whose times are written so that their day is not known."""
    unread = moments["unread"].to_numpy(dtype=np.bool_)
    if not unread.any():
        return []
    return [("start", Flaw("time-unreadable", unread, {"count": int(unread.sum())}, fatal=False))]


def required_flaws(answers: Mapping[str, Answers], routed_out: Mapping[str, Flags], *, skip: frozenset[str]) -> Found:
    """Rows where an answer is required and none is given; a question whose routing is not understood is left out."""
    found = []
    for name, given in answers.items():
        question = given.question
        unsure = any(other not in answers for other in _conditions(question))
        if question.required and name not in skip and not unsure and question.kind not in {"meta", "note"}:
            empty = given.blank & ~routed_out[name]
            if empty.any():
                found.append((name, Flaw("required-empty", empty, {"count": int(empty.sum())}, fatal=False)))
    return found
