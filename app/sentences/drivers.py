"""Words for what goes with trade, return and trust in the neighbour, and for what to mend first.

A sentence says what goes together and how far it can be told, never that one thing brings about another.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.sentences.glossary import action, office, outcome
from app.sentences.indices import Found

_SHARES = "{at_high} % where it is rated high, {at_low} % where it is rated low; {difference} points, {low} to {high}"
_OWN = f"Who rates {{regressor}} higher is {{way}} likely {{outcome}} ({_SHARES})"
_OTHERS = f"Where the others of the shift rate {{regressor}} higher, users are {{way}} likely {{outcome}} ({_SHARES})"
_MOOD = "By the others' scores it is not clear: it may be one person's mood."
#: Every code of `app.workflow.driving` -> what it says; `more` and `less` are of the test.
DRIVERS: Final[Mapping[str, str]] = {
    "both_more": _OTHERS + ". Who rates it higher is so too.",
    "both_less": _OTHERS + ". Who rates it higher is so too.",
    "others_more": _OTHERS + ". By the respondents' own scores it is not clear.",
    "others_less": _OTHERS + ". By the respondents' own scores it is not clear.",
    "own_more": _OWN + ". " + _MOOD,
    "own_less": _OWN + ". " + _MOOD,
    "apart_more": _OTHERS + ". By their own scores it is the other way round: read neither as a finding.",
    "apart_less": _OTHERS + ". By their own scores it is the other way round: read neither as a finding.",
    "none_clear": "Not clear, by own scores or by the others': {regressors}.",
    "r2_both": "Of what differs in this answer, the respondents' own scores go with {r2_own} %, those of the others of "
    "the shift with {r2_others} % ({r2_name}).",
    "r2_own": "Of what differs in this answer, the respondents' own scores go with {r2_own} % ({r2_name}). Of the "
    "others of the shift nothing is known here.",
    "r2_others": "Of what differs in this answer, the scores of the others of the shift go with {r2_others} % "
    "({r2_name}).",
    "odds_alike": "Nothing speaks against one slope for all levels of the answer, by {seen} (p {p}).",
    "odds_differ": "One slope does not serve all levels of the answer, by {seen} (p {p}): read it as their average.",
    "odds_untested": "Whether one slope serves all levels of the answer is not tested, by {seen}: too few shifts.",
}
#: Whose scores explain.
DRIVERS_SEEN: Final[Mapping[str, str]] = {"own": "own scores", "others": "others' scores"}
GUARD: Final = (
    "The others' scores guard against one person's mood: who is cheerful praises everything. What is clear is so where "
    "all outcomes and dimensions of this side and wave are judged together. All of this says what goes together, not "
    "what brings it about."
)
TWO_ANSWERS: Final = "The answer has two levels: there is no second slope to hold against the first."
#: Codes of the sentence on what to mend first.
MENDS: Final[Mapping[str, str]] = {
    "alone": "First: {told}.",
    "alike": "First: {told}; cannot be told apart from: {others}.",
    "none": "What to mend first cannot be told here.",
}
_TOLD = "{action} ({office}): of 100 users, {share} are affected and dissatisfied ({low} to {high})"
_POWER = ", counted at {power} % as far as it is in the office's power"
MOST_NAMED = 4  # that cannot be told apart; the rest is counted
SHARE: Final = ("share", "share_low", "share_high")
_PERCENT = ("r2_own", "r2_others")  # shares of 1, told in percent


def told_driver(finding: Found, titles: Mapping[str, str]) -> str:
    """One sentence on what goes with an outcome; `titles` are those of dimensions."""
    words = {name: _said(name, value, titles) for name, value in finding.params.items()}
    way = finding.code.rpartition("_")[2]
    return DRIVERS[finding.code].format_map(words | {"way": way})


def told_mend_first(rows: Sequence[Mapping[Any, Any]]) -> str:
    """One sentence on what to mend first; `rows` as `app.workflow.mending` orders them."""
    return MENDS[mend_code(rows)].format_map(
        {"told": _told(rows[0]), "others": _named([action(str(row["action"])) for row in mend_alike(rows)])}
        if rows
        else {}
    )


def mend_code(rows: Sequence[Mapping[Any, Any]]) -> str:
    """Code of `MENDS`: whether there is a first, and whether others cannot be told apart from it."""
    if not rows or not rows[0]["groups"]:
        return "none"
    return "alike" if mend_alike(rows) else "alone"


def mend_alike(rows: Sequence[Mapping[Any, Any]]) -> list[Mapping[Any, Any]]:
    """Rows after the first that share a group with it: they cannot be told apart from it."""
    numbers = set(str(rows[0]["groups"]).split()) if rows else set()
    return [row for row in rows[1:] if numbers & set(str(row["groups"]).split())]


def mend_order(alike: int) -> str:
    """What the order of remedies is worth: how many cannot be told apart from the first."""
    if not alike:
        return "Of 100 users, affected and dissatisfied. The first stands clearly before the others."
    return f"Of 100 users, affected and dissatisfied. {alike} cannot be told apart from the first."


def mend_line(row: Mapping[Any, Any]) -> str:
    """What to mend, who can, and how many of 100 users ask for it: short enough for a line."""
    share, low, high = (_plain(row[name]) for name in SHARE)
    return f"{action(str(row['action']))} ({office(str(row['actor']))}): {share} of 100 ({low} to {high})"


def _told(row: Mapping[Any, Any]) -> str:
    share, low, high = (_plain(row[name]) for name in SHARE)
    who = {"action": action(str(row["action"])), "office": office(str(row["actor"]))}
    told = _TOLD.format_map(who | {"share": share, "low": low, "high": high})
    return told + (_POWER.format(power=f"{100 * row['power']:.0f}") if row["power"] < 1 else "")


def _named(actions: Sequence[str]) -> str:
    """Actions one after the other; of many the first and how many more."""
    told = [one[:1].lower() + one[1:] for one in actions[:MOST_NAMED]]
    rest = len(actions) - len(told)
    return "; ".join(told) + (f"; and {rest} more" if rest else "")


def _said(name: str, value: object, titles: Mapping[str, str]) -> str:
    if name == "outcome":
        return outcome(str(value))
    if isinstance(value, tuple):
        return ", ".join(titles.get(str(one), str(one)) for one in value)
    if isinstance(value, float):
        return _figure(name, value)
    return DRIVERS_SEEN.get(str(value), titles.get(str(value), str(value)))


def _figure(name: str, value: float) -> str:
    if name == "p":
        return f"{value:.3f}"
    return _plain(100 * value) if name in _PERCENT else _plain(value, sign=name == "difference")


def _plain(value: float, *, sign: bool = False) -> str:
    """A figure to a tenth, without an empty decimal."""
    told = f"{value:+.1f}" if sign else f"{value:.1f}"
    return told.removesuffix(".0").replace("-", "\N{MINUS SIGN}")
