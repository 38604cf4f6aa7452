"""Where a form contradicts itself; field forms are read all the same, our own instruments are refused."""

from collections import Counter
from collections.abc import Iterator

from surveys import routing
from surveys.checking import Issue
from surveys.questionnaire import Question, Questionnaire, Scale


def faults(questionnaire: Questionnaire) -> tuple[Issue, ...]:
    """Every fault of a form, each fatal; `column` is the question, list or setting it stands at."""
    names = Counter(question.name for question in questionnaire.questions)
    found = [*_names(names), *_scales(questionnaire), *_design(questionnaire)]
    for question in questionnaire.questions:
        found += _question(question, frozenset(names))
    return tuple(found)


def _fault(code: str, column: str, **params: str | int) -> Issue:
    return Issue(code, column, (), params, fatal=True)


def _names(names: Counter[str]) -> Iterator[Issue]:
    if not names:
        yield _fault("form-no-questions", "survey")
    for name, times in names.items():
        if times > 1:
            yield _fault("form-duplicate-name", name, count=times)


def _question(question: Question, names: frozenset[str]) -> Iterator[Issue]:
    if question.kind in {"select_one", "select_multiple"} and not (question.scale and question.scale.choices):
        yield _fault("form-list-missing", question.name, list=question.scale.name if question.scale else "")
    for expression in dict.fromkeys(filter(None, (question.gate, question.relevant))):
        for name in routing.names(expression):
            if name not in names:
                yield _fault("form-routing-unknown", question.name, question=name)
    if question.minimum is not None and question.maximum is not None and question.minimum > question.maximum:
        yield _fault("form-bounds", question.name)


def _scales(questionnaire: Questionnaire) -> Iterator[Issue]:
    scales = {question.scale.name: question.scale for question in questionnaire.questions if question.scale}
    for scale in scales.values():
        for code, times in Counter(choice.code for choice in scale.choices).items():
            if times > 1:
                yield _fault("form-duplicate-code", scale.name, choice=code, count=times)
        yield from _scores(scale)


def _scores(scale: Scale) -> Iterator[Issue]:
    """Scores are whole numbers from 0, on all answers that are not missing ones, or on none; each stands once."""
    answers = [choice for choice in scale.choices if choice.missing is None]
    scored = [choice.score for choice in answers if choice.score is not None]
    if scored and len(scored) < len(answers):
        without = ", ".join(choice.code for choice in answers if choice.score is None)
        yield _fault("form-scores-partly", scale.name, codes=without)
    if any(choice.score is not None and choice.missing is not None for choice in scale.choices):
        yield _fault("form-score-missing", scale.name)
    for score, times in Counter(scored).items():
        if score < 0:
            yield _fault("form-score-negative", scale.name, score=score)
        if times > 1:
            yield _fault("form-scores-equal", scale.name, score=score, count=times)


def _design(questionnaire: Questionnaire) -> Iterator[Issue]:
    """Strata and facets are answers on a list, since their values are shown by name; the PSU is asked."""
    design = questionnaire.design
    kinds = {question.name: question.kind for question in questionnaire.questions}
    groups = (
        ("strata", design.strata),
        ("neighbours", design.neighbours),
        ("facets", tuple(name for facets in design.facets for name in facets)),
        ("psu", (design.psu,) if design.psu else ()),
        ("interviewer", (design.interviewer,) if design.interviewer else ()),
    )
    for setting, names in groups:
        for name in dict.fromkeys(names):
            if name not in kinds:
                yield _fault("form-design-unknown", setting, question=name)
            elif setting == "neighbours" and name not in design.strata:
                yield _fault("form-neighbours-no-stratum", setting, question=name)
            elif setting in {"strata", "facets"} and kinds[name] != "select_one":
                yield _fault("form-design-not-choice", setting, question=name)
    if design.strata and not (design.weight or design.traffic):
        yield _fault("form-no-weight", "settings")
