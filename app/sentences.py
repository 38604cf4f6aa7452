"""Words for codes: of a check or a form, what is wrong, where, and what to do; of an index, what speaks against it.

A sentence never repeats a respondent's text; a code that is not on a list may stand in it, cut short, since it is the
one thing that tells a field officer what was typed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from surveys.checking import Issue

#: Every code of `surveys.checking` and `surveys.xlsform.faults` -> what is wrong and what to do.
SENTENCES: Final[Mapping[str, str]] = {
    # the file as a whole
    "no-rows": "the file has a header and no submission; export it again with its submissions",
    "no-known-column": "no column belongs to the form {form}; choose the right file, or the form it was asked with",
    "only-personal": "all columns of the form {form} that stand in the file hold free text or personal data, which is "
    "never stored; export the other questions too",
    "questions-absent": "{count} questions of the form have no column ({names}); if they were asked, export them too",
    "duplicate-submission": "the same submission stands twice; it is counted once and the first is kept",
    "duplicate-changed": "a submission comes back with other answers; the last is kept, check that it is the right one",
    "no-consent": "the person did not agree to take part; the row is counted as a refusal and not stored",
    # columns
    "duplicate-header": "the header stands in the file before; keep one of the columns, or name them as in the form",
    "ambiguous-column": "two questions of the form have this label; it is taken for {question}: export by XML names if "
    "that is wrong",
    "unknown-column": "no question of the form has this name or label; the column is not stored",
    "weight-absent": "the design needs this column to make the weights and the file does not have it; add it",
    "design-absent": "the design needs this column (stratum or shift) and the file does not have it; add it",
    "columns-disagree": "two columns hold this question and say different things; delete the wrong one",
    # cells
    "off-scale": "the answer is not on the list{quoted}; use one of: {allowed}",
    "not-a-tick": "the column of choice {choice} holds neither yes nor no{quoted}; use 1 and 0",
    "ticks-disagree": "the joined column and the columns of the choices differ; the joined column is believed",
    "not-a-number": "the answer is not a number; write digits, with a point before decimals",
    "not-whole": "the number is not whole; write a whole number",
    "out-of-bounds": "the number is outside what the form allows ({bounds}); correct it, or leave it empty if nobody "
    "knows",
    "personal-number": "the number is written like that of a phone, a device or an account, which is never stored; "
    "leave it empty, or give the question a highest value in the form if it is an amount",
    "weight-not-positive": "the weight or count is empty, zero or negative; give each row a number above zero",
    "traffic-varies": "interviews of one shift carry different counts; write the count of the whole shift on each",
    "design-empty": "the stratum or shift is empty; fill it in, since a row without it has no place in the sample",
    "time-unreadable": "the time is not written as 2026-05-31T09:30, so its day is left out; export times in this way",
    "required-empty": "the form requires an answer and there is none; it is stored as blank",
    "routing-broken": "there is an answer, but after {question} it is not asked; check both (it is stored)",
    # forms
    "facet-absent": "results are shown by this question and the file has no column for it; export it too",
    "form-no-questions": "the form has no questions; fill in the survey sheet",
    "form-duplicate-name": "{count} questions have this name; give each a name of its own",
    "form-list-missing": "the choices sheet has no list {list}; add it, or correct the type of the question",
    "form-routing-unknown": "its condition names the question {question}, which the form lacks; correct the name",
    "form-bounds": "its lowest value is above its highest; correct the constraint",
    "form-duplicate-code": "the list has the code {choice} {count} times; give each choice a code of its own",
    "form-scores-partly": "some choices have a score and these have none: {codes}; score all, or give their missing",
    "form-score-missing": "a choice has a score and a kind of missing; keep one of the two",
    "form-score-negative": "the score {score} is negative; scores are whole numbers from 0",
    "form-scores-equal": "{count} choices have the score {score}; give each a score of its own",
    "form-design-unknown": "this setting names the question {question}, which the form does not have; correct the name",
    "form-design-not-choice": "this setting names {question}, which is no select_one question; strata and facets are "
    "answers on a list",
    "form-neighbours-no-stratum": "neighbours are strata that share answers; {question} is no question of the strata",
    "form-no-weight": "strata are declared, and neither a weight nor a traffic count; declare one of the two",
}

#: Every code of `scoring.findings` -> what it says, without blame: parts are named by their titles.
FINDINGS: Final[Mapping[str, str]] = {
    # do the questions of a dimension that mirrors one thing hang together?
    "alpha_low": "The questions under {node} hang together only loosely (alpha {alpha}, {low} to {high}; 0.70 is "
    "usual).",
    "alpha_unclear": "Whether the questions under {node} hang together well enough is not clear (alpha {alpha}, "
    "{low} to {high}; 0.70 is usual).",
    "omega_low": "Of what differs in the score of {node}, less than usual is common to its questions (omega {omega}; "
    "0.70 is usual).",
    "not_one_factor": "The questions under {node} seem to ask about more than one thing: one common thread does not "
    "explain their answers.",
    "weak_item": "The question {part} goes little with the others under {node} (correlation {rest}; 0.30 is usual).",
    "opposite_item": "The question {part} runs against the others under {node} (correlation {rest}): see whether its "
    "answers are turned the right way, and how people understand it.",
    "astray": "The question {part} goes more with {other} (correlation {correlation}) than with the rest of {node} "
    "({rest}).",
    # does every part of a whole that is put together add something of its own, as much as its weight says?
    "inflated": "Nearly all that {part} says under {node} is said by the parts beside it (variance inflation "
    "{inflation}; more than 5.00 is much).",
    "heavy": "{part} moves {node} more than its weight says: weight {weight}, influence {influence}.",
    "light": "{part} moves {node} less than its weight says: weight {weight}, influence {influence}.",
    "opposed": "{first} and {second} pull against each other under {node} (correlation {correlation}): the one evens "
    "out the other.",
    "same": "{first} and {second} say nearly the same under {node} (correlation {correlation}): one of them may do.",
    "hidden": "In {offset} of {units} places {part} is low and {node} is not: other parts make up for it.",
    # can a question tell more from less?
    "floor": "{floor} gave the worst answer there is to {item}: it cannot tell poor from very poor.",
    "ceiling": "{ceiling} gave the best answer there is to {item}: it cannot tell good from very good.",
}
#: Ways to put parts together, in plain words.
HOWS: Final[Mapping[str, str]] = {
    "arithmetic": "Mean: good parts make up for poor ones",
    "geometric": "Geometric mean: poor parts count more",
    "harmonic": "Harmonic mean: poor parts count much more",
    "minimum": "Minimum: the poorest part decides",
}
#: Figures behind the words on an index -> what their terms mean.
TERMS: Final[Mapping[str, str]] = {
    "Reliability": "Where questions mirror one thing, alpha and omega say how much of their score is that thing: 0.7 "
    "is usual. The share of one thread is what all of them have in common.",
    "Influence against weight": "Influence: the part of the differences between people that a part makes; what it "
    "shares with other parts is divided among them. A part that the others repeat moves more than its weight says.",
    "Correlations": "From \N{MINUS SIGN}1 to 1: whether people who answer one high answer the other high. Above 0.92 "
    "two parts say nearly the same.",
    "Between posts": "The same over posts instead of people, with sampling error taken out: few posts tell little.",
    "Worst and best answers": "Where more than half give the worst or the best answer, a question tells little.",
    "Does a question mean the same to everybody?": "Of people who answer the other questions alike, do groups answer "
    "this one alike? Log odds: 0 is alike. By language it may be the translation, by wave what has changed.",
    "Do good parts hide poor ones?": "Posts in which a part is below 50, and in how many of them the whole is not.",
}
_OF_100 = ("floor", "ceiling", "weight", "influence")  # shares, told in percent
_PLACES = ("units", "offset", "below", "n")  # counts
_SHOWN = 5


class Saved(Protocol):
    """What is said of an import, whoever stored it."""

    @property
    def status(self) -> str:
        """Either "stored" or "already"."""

    @property
    def new(self) -> int:
        """Submissions not known before."""

    @property
    def changed(self) -> int:
        """Known submissions with other answers."""

    @property
    def same(self) -> int:
        """Known submissions with equal answers."""

    @property
    def received_at(self) -> datetime:
        """When the file first came."""

    @property
    def received_by(self) -> str:
        """Who sent it then."""


def sentence(issue: Issue | Exception) -> str:
    """One sentence on an issue; an error has its own.

    Parameters
    ----------
    issue : Issue or Exception
        Without rows the sentence leaves the rows to a column beside it.
    """
    if isinstance(issue, Exception):
        return str(issue)
    what = SENTENCES[issue.code].format_map({**issue.params, **_phrases(issue.params)})
    where = f"{_where(issue)}: " if issue.column or issue.rows else ""
    text = f"{where}{what}."
    return text[:1].upper() + text[1:]


def saved(result: Saved) -> str:
    """One sentence on what an import did."""
    if result.status == "already":
        day = result.received_at.date().isoformat()
        return f"This very file is already there: stored on {day} by {result.received_by}. Nothing was changed."
    return (
        f"Stored as a draft: {_rows(result.new)} new, {result.changed:,} changed, {result.same:,} known already. "
        "Nothing is scored until the wave is published."
    )


def _rows(count: int) -> str:
    return f"{count:,} submission" if count == 1 else f"{count:,} submissions"


def _where(issue: Issue) -> str:
    thing = _thing(issue) if issue.column else ""
    if not issue.rows:
        return thing
    shown = ", ".join(str(row) for row in issue.rows[:_SHOWN])
    more = len(issue.rows) - _SHOWN
    rows = f"row{'s' if issue.rows[1:] else ''} {shown}" + (f" and {more:,} more" if more > 0 else "")
    return f"{thing}, {rows}" if thing else rows


def _thing(issue: Issue) -> str:
    place = f" (column {issue.params['position']})" if "position" in issue.params else ""
    kind = "form, " if issue.code.startswith("form-") else "column "
    return f"{kind}'{issue.column}'{place}"


def _phrases(params: Mapping[str, str | int | float]) -> dict[str, str]:
    """Parts of sentences that stand only where there is something to say."""
    low, high = params.get("minimum"), params.get("maximum")
    bounds = " and ".join(
        f"{word} {value:g}" for word, value in (("at least", low), ("at most", high)) if value is not None
    )
    values = params.get("values")
    return {"bounds": bounds, "quoted": f" ({values})" if values else ""}


def collapsed(merged: str) -> str:
    """How many strata were too small to stand alone, from the provenance of a result; empty where none was."""
    count = merged.count(" into ")
    return f"{count} strata with fewer than 4 shifts were taken together with their neighbours." if count else ""


class Found(Protocol):
    """What is said of an index, whoever found it."""

    @property
    def code(self) -> str:
        """One of `FINDINGS`."""

    @property
    def params(self) -> Mapping[str, Any]:
        """What its sentence needs."""


def found(finding: Found, titles: Mapping[str, str]) -> str:
    """One sentence on what was found about an index; `titles` are those of its parts."""
    words = {name: _said(name, value, titles) for name, value in finding.params.items()}
    return FINDINGS[finding.code].format_map(words)


def found_about(finding: Found, parents: Mapping[str, str]) -> str:
    """Code of the index or dimension that a finding is about; `parents` are those of questions."""
    item = str(finding.params.get("item", ""))
    return str(finding.params.get("node", "")) or parents.get(item, "")


def nothing_against(titles: Sequence[str]) -> str:
    """Good news about some parts; empty where there are none."""
    if not titles:
        return ""
    last = ", and " if titles[2:] or any(" and " in title for title in titles) else " and "
    named = last.join(filter(None, (", ".join(titles[:-1]), titles[-1])))
    return f"Nothing speaks against {named}."


NOTHING_AGAINST_WHOLE: Final = "Nothing speaks against how its dimensions are put together."


def other_meaning(row: Mapping[Any, Any], titles: Mapping[str, str]) -> str:
    """One sentence on a question that two groups with the same score answer differently."""
    way = "better" if row["log_odds"] > 0 else "worse"
    size = {"large": "much ", "moderate": ""}.get(row["size"], "a little ")
    return (
        f"{titles.get(row['item'], row['item'])}: by {row['grouping']}, it may not mean the same. Of people who answer "
        f"the other questions alike, '{row['group']}' answer it {size}{way} than '{row['against']}'."
    )


def turned(row: Mapping[Any, Any], titles: Mapping[str, str]) -> str:
    """One sentence on a comparison that would turn round without such questions."""
    where = f"{titles.get(row['measure'], row['measure'])}, {titles.get(row['post'], row['post'])}"
    both = f"{_signed(row['change'])} points with all questions, {_signed(row['without'])} without those above"
    return f"{where}, {row['since']} to {row['wave']}: {both}."


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")


class Chosen(Protocol):
    """Another way to make an index, whoever keeps it."""

    @property
    def weights(self) -> Mapping[str, float]:
        """Weights of parts in place of the published ones."""

    @property
    def aggregation(self) -> Mapping[str, str]:
        """How indices or dimensions are put together instead."""

    @property
    def left_out(self) -> Sequence[str]:
        """Questions that do not count."""


def changed(choice: Chosen, titles: Mapping[str, str]) -> str:
    """One sentence on how a what-if differs from what is published."""
    told = [f"weight of {titles[code]} {weight:g}" for code, weight in choice.weights.items()]
    told += [f"{titles[code]} as {HOWS[how].partition(':')[0].lower()}" for code, how in choice.aggregation.items()]
    told += [f"without {', '.join(titles[code] for code in choice.left_out)}"] if choice.left_out else []
    return f"Changed: {'; '.join(told)}." if told else "Nothing is changed: as published."


def against_average(bands: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Which places stand clearly apart from the average of their side; empty where nothing can be called."""
    if not bands:
        return ""
    apart = {
        band: [labels.get(cell, cell) for cell, own in bands.items() if own == band] for band in ("above", "below")
    }
    told = [f"clearly {band} it: {', '.join(names)}" for band, names in apart.items() if names]
    rest = sum(band == "not_distinguishable" for band in bands.values())
    if not told:
        return f"Against the average of the side, none of these {rest} can be told from it."
    others = f"; the other {rest} cannot be told from it" if rest else ""
    return f"Against the average of the side, {'; '.join(told)}{others}."


def stand_apart(bands: Mapping[str, Mapping[str, str]], wave: str) -> str:
    """Which places stand apart from the average of their side in a wave, index by index; empty where none is called."""
    called = {title: own for title, own in bands.items() if own}
    if not called:
        return ""
    told = [
        f"{title}: {cell} clearly {band}"
        for title, own in called.items()
        for cell, band in own.items()
        if band != "not_distinguishable"
    ]
    return f"Against the average of the side in {wave}: {'; '.join(told) or 'none stands apart'}."


def moved_bands(before: Iterable[str], after: Iterable[str]) -> str:
    """One sentence on how many places stand otherwise against the average of their side than as published."""
    both = [(old, new) for old, new in zip(before, after, strict=True) if old and new]
    if not both:
        return "Against the average of the side, nothing can be said of it here."
    moved = sum(old != new for old, new in both)
    return f"Against the average of the side, {moved or 'none'} of {len(both)} would stand otherwise than as published."


def _said(name: str, value: object, titles: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return titles.get(value, value)
    if not isinstance(value, int | float):
        return str(value)
    if name in _OF_100:
        return f"{100 * value:.0f} %"
    return f"{value:.0f}" if name in _PLACES else f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
