"""A form on paper: what is read out, numbered questions with boxes, and in words who is asked what."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from surveys import routing
from surveys.errors import InstrumentError
from surveys.papers.asides import NO_ASIDES, Asides
from surveys.papers.layout import Ask, Item, grids, numbered, parted
from surveys.papers.look import STYLE
from surveys.papers.words import Words, code_of, right_to_left, words_of
from surveys.questionnaire import Choice, Question, Questionnaire

SELECTS: Final = ("select_one", "select_multiple")
NAMED: Final = 5  # questions that an error names
_MARKUP: Final = re.compile(r"</?[A-Za-z][^<>]*>|\*\*|__")
_REFERENCE: Final = re.compile(r"\$\{\s*([^}]*?)\s*\}")


def paper(questionnaire: Questionnaire, *, language: str | None = None, beside: Asides = NO_ASIDES) -> str:
    """A form to print on A4, as one HTML page without scripts or links.

    Parameters
    ----------
    language : str, optional
        As the form names it, or its code in brackets; by default the first. The words that a form adds to those of its
        questionnaire are English on an English one, and signs on every other.
    beside : Asides, optional
        Hints for the interviewer and titles of groups.

    Raises
    ------
    InstrumentError
        If the form has not this language, or a question has no label in it while it has others.
    """
    chosen = _language(questionnaire, language)
    _refuse_unlabelled(questionnaire, chosen)
    head, rest = parted(questionnaire)
    leftwards = right_to_left(chosen, " ".join(one.labels.get(chosen, "") for one in rest))
    direction = "rtl" if leftwards else "ltr"
    items = numbered(rest)
    numbers = {item.question.name: _isolated(item.number) for item in items if item.number}
    sheet = _Sheet(
        words_of(chosen, leftwards=leftwards),
        chosen,
        head,
        items,
        numbers,
        {one.name: one for one in (*head, *rest)},
        beside,
    )
    title = escape(questionnaire.title)
    version = escape(" ".join(filter(None, (questionnaire.id, questionnaire.version, chosen))))
    return (
        f'<!doctype html>\n<html lang="{escape(code_of(chosen) or "und")}" dir="{direction}">\n<head>\n'
        f'<meta charset="utf-8">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n'
        f'<h1>{title}</h1>\n<p class="version"><bdi>{version}</bdi></p>\n'
        f"{sheet.head()}{''.join(sheet.body())}</body>\n</html>\n"
    )


def _language(questionnaire: Questionnaire, wanted: str | None) -> str:
    if wanted is None:
        return next(iter(questionnaire.languages), "default")
    for language in questionnaire.languages:
        if wanted.casefold() in {language.casefold(), code_of(language)}:
            return language
    known = ", ".join(questionnaire.languages) or "none, since nothing has a label"
    raise InstrumentError(f"form {questionnaire.id!r} has no language {wanted!r}; it has {known}")


def _refuse_unlabelled(questionnaire: Questionnaire, language: str) -> None:
    """A form half in one language is not for the field."""
    missing = [
        question.name
        for question in questionnaire.questions
        if not question.personal and any(labels and language not in labels for labels in _labels(question))
    ]
    if missing:
        raise InstrumentError(
            f"form {questionnaire.id!r} is not whole in {language}: {', '.join(missing[:NAMED])} or their answers "
            f"have labels in other languages only ({len(missing)} questions); fill in label::{language}"
        )


def _labels(question: Question) -> Iterator[Mapping[str, str]]:
    yield question.labels
    for choice in question.scale.choices if question.scale else ():
        yield choice.labels


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One form in one language."""

    words: Words
    language: str
    heading: Sequence[Question]
    items: Sequence[Item]
    numbers: Mapping[str, str]
    questions: Mapping[str, Question]
    beside: Asides

    def head(self) -> str:
        """What is filled in before the interview."""
        fields = "".join(
            f"<div><b>{self._label(one)}</b> {self._answers(one, {})}{self._hint(one)}</div>\n" for one in self.heading
        )
        titles = "".join(self._titles((), self.heading[0].group)) if self.heading else ""
        return f'{titles}<section class="head">\n{fields}</section>\n' if fields else ""

    def body(self) -> Iterator[str]:
        """Notes, questions and grids, each under the words that say who is asked it."""
        group: tuple[str, ...] = ()
        for run in grids(self.items):
            yield from self._titles(group, run[0].question.group)
            group = run[0].question.group
            yield from (f'<p class="ask">{escape(self._ask(ask))}</p>\n' for ask in run[0].asks)
            if len(run) > 1:
                yield self._grid(run)
            else:
                yield self._question(run[0]) if run[0].number else self._note(run[0].question)

    def _titles(self, before: Sequence[str], group: Sequence[str]) -> Iterator[str]:
        """Titles of the groups that begin here."""
        shared = 0
        while shared < min(len(before), len(group)) and before[shared] == group[shared]:
            shared += 1
        for name in group[shared:]:
            title = self.beside.title(name, self.language)
            if title:
                yield f"<h2>{escape(self._text({self.language: title}, name))}</h2>\n"

    def _hint(self, question: Question) -> str:
        """What the interviewer reads and does not read out."""
        hint = self.beside.hint(question.name, self.language)
        return f' <span class="hint">{escape(self._text({self.language: hint}, ""))}</span>' if hint else ""

    def _ask(self, ask: Ask) -> str:
        words, last = self.words, ask.last
        template = {1: words.one, 2: words.two}.get(last - ask.first + 1, words.more)
        span = template.format(first=_isolated(ask.first), last=_isolated(last))
        text = words.ask.format(span=span, condition=self._condition(ask.expression))
        more = last < len(self.numbers)
        return text + (words.otherwise.format(next=_isolated(last + 1)) if more else words.otherwise_end)

    def _condition(self, expression: str) -> str:
        """A condition in words; what stands in the head is called by its label, what is filled in by itself by name."""
        places, labels = {}, {}
        for question in filter(None, map(self.questions.get, routing.names(expression))):
            name = question.name
            places[name] = self.numbers.get(name) or self.words.place.format(label=self._text(question.labels, name))
            for choice in question.scale.choices if question.scale else ():
                labels[name, choice.code] = _isolated(self._text(choice.labels, choice.code))
        return self.words.phrases.said(expression, places, labels)

    def _note(self, note: Question) -> str:
        when = ""
        if note.relevant:
            when = f"<b>{escape(self.words.note_if.format(condition=self._condition(note.relevant)))}</b> "
        return f'<p class="note">{when}{self._label(note)}{self._hint(note)}</p>\n'

    def _question(self, item: Item) -> str:
        question = item.question
        hint = self.words.several if question.kind == "select_multiple" else ""
        several = f" <i>{escape(hint)}</i>" if hint else ""
        asked = f"{self._label(question)}{several}{self._hint(question)}"
        return (
            f'<div class="question"><b class="number">{item.number}</b><div>{asked}'
            f'<div class="answers">{self._answers(question, item.jumps or {})}</div></div></div>\n'
        )

    def _grid(self, items: Sequence[Item]) -> str:
        """Questions on one scale, a row each."""
        scale = items[0].question.scale
        choices: tuple[Choice, ...] = scale.choices if scale else ()
        heads = "".join(f"<th>{escape(self._text(choice.labels, choice.code))}</th>" for choice in choices)
        boxes = '<td class="tick"><span class="one"></span></td>' * len(choices)
        hints = [self._hint(item.question) for item in items]
        shared = hints[0] if len(set(hints)) == 1 else ""  # said once, over the grid
        rows = "".join(
            f'<tr><td class="number">{item.number}</td><td>{self._label(item.question)}{"" if shared else hint}</td>'
            f"{boxes}</tr>\n"
            for item, hint in zip(items, hints, strict=True)
        )
        return f"<table><thead><tr><td></td><td>{shared}</td>{heads}</tr></thead><tbody>\n{rows}</tbody></table>\n"

    def _answers(self, question: Question, jumps: Mapping[str, int]) -> str:
        if question.kind not in SELECTS or question.scale is None:
            return f'<span class="write"></span>{escape(self._bounds(question))}'
        box = "one" if question.kind == "select_one" else "many"
        return "\n".join(self._option(choice, box, jumps) for choice in question.scale.choices)

    def _option(self, choice: Choice, box: str, jumps: Mapping[str, int]) -> str:
        jump, words = "", self.words
        if choice.code in jumps:
            number = jumps[choice.code]
            text = words.jump.format(next=_isolated(number)) if number else words.jump_end
            jump = f" <b>({escape(text)})</b>"
        label = escape(self._text(choice.labels, choice.code))
        return f'<span class="option"><span class="{box}"></span>{label}{jump}</span>'

    def _bounds(self, question: Question) -> str:
        low, high = question.minimum, question.maximum
        if low is None and high is None:
            return ""
        template = self.words.at_most if low is None else self.words.at_least if high is None else self.words.between
        ends = {name: "" if end is None else f"{end:g}" for name, end in (("low", low), ("high", high))}
        return f" ({_isolated(template.format(**ends))})"

    def _label(self, question: Question) -> str:
        return escape(self._text(question.labels, question.name))

    def _text(self, labels: Mapping[str, str], name: str) -> str:
        """A label without the markup of field tools, questions that it names by their numbers."""
        plain = _MARKUP.sub("", labels.get(self.language, name))
        return " ".join(_REFERENCE.sub(lambda found: f"({self.numbers.get(found[1], found[1])})", plain).split())


def _isolated(text: int | str) -> str:
    """Keep the direction of a number or word inside a line of the other direction."""
    return f"\u2068{text}\u2069"
