"""Words for what is found of indices: what speaks against them, what was changed by hand, who stands apart."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

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
