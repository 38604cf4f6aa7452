"""Words for what was agreed and aimed at: one plain sentence for each way a commitment or a target can stand.

"Rose", "fell", "better" and "worse" stand in the sentences of clear changes alone, and only those have a colour.
"""

import textwrap
from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

import pandas as pd

from app.sentences.glossary import action, office
from app.sentences.indices import Found
from scoring.contract import REASONS

#: What is judged together in the table of results.
RESULTS_FAMILIES: Final = (
    "Changes are judged in three families, of both sides: targets, the other headline figures, and figures by sex. On "
    "Trends all changes of its page are one family, so that a verdict may differ."
)
Tone = Literal["better", "worse", ""]
#: Status of a commitment -> the word for it.
STATUSES: Final[Mapping[str, str]] = {
    "met": "Met", "moving": "Moving", "not_clear": "Not clear", "worse": "Worse", "not_due": "Not due",
}  # fmt: skip
#: Every way a commitment can stand -> what it says, after what was agreed.
AGREED: Final[Mapping[str, str]] = {
    "met_target": "met. {evidence} is {score} in {wave}, and its whole interval ({score_span}) meets the target of "
    "{target}.",
    "met_target_fell": "met, yet worse than it was. {evidence} is {score} in {wave}, and its whole interval "
    "({score_span}) meets the target of {target}; since {since} it {moved} ({change}, {span}), a clear change for the "
    "worse.",
    "met_change": "met. {evidence} {moved} since {since} ({change}, {span}), a clear change for the better.",
    "moving_early": "moving. {evidence} {moved} since {since} ({change}, {span}), a clear change for the better.",
    "moving_target": "moving. {evidence} {moved} since {since} ({change}, {span}), a clear change for the better; that "
    "the target of {target} is met is not sure ({score}, {score_span}).",
    "worse": "worse. {evidence} {moved} since {since} ({change}, {span}), a clear change for the worse.",
    "not_clear": "not clear. The change of {evidence} since {since} may be chance ({change}, {span}).",
    "not_clear_open": "not clear. The change of {evidence} since {since} may be chance ({change}, {span}), and that "
    "the target of {target} is met is not sure ({score}, {score_span}).",
    "not_clear_missed": "not clear. The change of {evidence} since {since} may be chance ({change}, {span}), and the "
    "target of {target} is not met ({score}, {score_span}).",
    "not_clear_untold": "not clear. The change of {evidence} since {since} cannot be told: {why}.",
    "not_due": "not due before {due}. So far the change of {evidence} since {since} may be chance ({change}, {span}).",
    "not_due_untold": "not due before {due}. So far the change of {evidence} since {since} cannot be told: {why}.",
    "not_due_unmeasured": "not due before {due}. Nothing was measured since {since}.",
}
#: The same in a few words.
SHORT: Final[Mapping[str, str]] = {
    "met_target": "{evidence} {score}, target {target}", "met_target_fell": "{evidence} {score}, yet {change}",
    "met_change": "{evidence} {change}", "moving_early": "{evidence} {change}",
    "moving_target": "{evidence} {change}, target {target}", "worse": "{evidence} {change}",
    "not_clear": "{evidence}: may be chance", "not_clear_open": "{evidence}: may be chance",
    "not_clear_missed": "{evidence} {score}, target {target}", "not_clear_untold": "{evidence}: cannot be told",
    "not_due": "{evidence}: may be chance", "not_due_untold": "{evidence}: cannot be told",
    "not_due_unmeasured": "not measured since",
}  # fmt: skip
#: Ways that have a colour: those that rest on a clear change, or on an interval that meets a target, and on nothing
#: that speaks against it.
TONES: Final[Mapping[str, Tone]] = {
    "met_target": "better", "met_change": "better", "moving_early": "better", "moving_target": "better",
    "worse": "worse",
}  # fmt: skip
#: Whether a target is met -> what it says; the second word is whether it is due.
TARGETS: Final[Mapping[tuple[str, bool], str]] = {
    ("met", True): "{evidence}: the target of {target} is met: {score} in {wave} ({score_span}).",
    ("met", False): "{evidence}: the target of {target}, due in {due}, is met already: {score} in {wave} "
    "({score_span}).",
    ("missed", True): "{evidence}: the target of {target} is not met: {score} in {wave} ({score_span}).",
    ("missed", False): "{evidence}: the target of {target} is due in {due} and not met yet: {score} in {wave} "
    "({score_span}).",
    ("open", True): "{evidence}: that the target of {target} is met is not sure: {score} in {wave} ({score_span}).",
    ("open", False): "{evidence}: the target of {target} is due in {due}, and whether it is met already is not sure: "
    "{score} in {wave} ({score_span}).",
    ("not_judged", True): "{evidence}: whether the target of {target} is met cannot be told: {why}.",
    ("not_judged", False): "{evidence}: whether the target of {target}, due in {due}, is met cannot be told: {why}.",
}
#: A change since a baseline -> what it says.
SINCE: Final[Mapping[str, str]] = {
    "better": "clear improvement", "worse": "clear decline", "up": "clear rise", "down": "clear fall",
    "not_clear": "no clear change", "not_judged": "not judged: {why}",
}  # fmt: skip
#: Reasons beside those of the contract, of rows that have no change.
NO_CHANGE: Final[Mapping[str, str]] = {
    "no_baseline": "no baseline is known", "no_later_wave": "no wave was published since the baseline",
}  # fmt: skip
_UNITS: Final[Mapping[str, str]] = {"points": "points", "%": "percentage points", "hours": "hours"}
_FEW, _LINE, _OFFICE, _EVIDENCE, _ACTION = 50, 124, 26, 28, 14


class Located(Protocol):
    """What was agreed for one cell of a survey."""

    @property
    def where(self) -> Mapping[str, str]:
        """The cell, by facet."""


class Stands(Protocol):
    """How a commitment stands, whoever worked it out."""

    @property
    def commitment(self) -> Located:
        """What was agreed."""

    @property
    def status(self) -> str:
        """One of `STATUSES`."""

    @property
    def finding(self) -> Found:
        """Its figures."""


def agreed_code(progress: Stands) -> str:
    """Which of `AGREED` a commitment is."""
    status, found = progress.status, progress.finding.params
    if status == "met":
        return _met(found)
    if status == "moving":
        return "moving_early" if found["target"] is None else "moving_target"
    if status == "worse":
        return "worse"
    if status == "not_due" and found["since"] >= found["wave"]:
        return "not_due_unmeasured"
    if pd.isna(found["low"]):
        return f"{status}_untold"
    return "not_due" if status == "not_due" else _not_clear(found)


def agreed_told(progress: Stands, titles: Mapping[str, str]) -> str:
    """One sentence or two on a commitment: what was agreed, with whom and for where, and how it stands.

    Parameters
    ----------
    progress : Progress
        As `app.workflow.agreed.commitments` gives it.
    titles : mapping of code to str
        Of measures, sides and places.
    """
    words = _words(progress, titles)
    place = ", ".join(filter(None, (words["place"], words["side"])))
    return f"{words['action']} ({words['office']}; {place}; due in {words['due']}): " + AGREED[
        agreed_code(progress)
    ].format_map(words)


def agreed_line(progress: Stands, titles: Mapping[str, str]) -> tuple[str, str]:
    """Status in a word, and at most 124 letters: where, what, which office, due when, and the figure."""
    words = _words(progress, titles)
    short = {**words, "evidence": _cut(words["evidence"], _EVIDENCE)}
    figure = SHORT[agreed_code(progress)].format_map(short)
    start = f"{words['place']}: " if words["place"] else ""
    end = f" ({_cut(words['office'], _OFFICE)}, {words['due']}). {figure}"
    deed = _cut(words["action"], max(_LINE - len(start) - len(end), _ACTION))
    return STATUSES[progress.status], _cut(f"{start}{deed}{end}", _LINE)


def agreed_tone(progress: Stands) -> Tone:
    """Whether a commitment is coloured as better or as worse; "" for grey."""
    return TONES.get(agreed_code(progress), "")


def target_told(row: Mapping[Any, Any], titles: Mapping[str, str]) -> str:
    """One sentence on a target, from a row of `app.workflow.agreed.targets`."""
    return TARGETS[row["verdict"], row["due"] <= row["wave"]].format_map(_words_of_target(row, titles))


def since_told(row: Mapping[Any, Any]) -> str:
    """A tested change since a baseline in two words, from `change_verdict` and `change_reason`."""
    why = NO_CHANGE.get(str(row["change_reason"]), "") or _why(row["change_reason"])
    return SINCE[row["change_verdict"]].format_map({"why": why})


def _met(found: Mapping[str, Any]) -> str:
    if found["target"] is None:
        return "met_change"
    worse = found["clear"] and (found["estimate"] > 0) == (found["reach"] == "at_most")
    return "met_target_fell" if worse else "met_target"


def _not_clear(found: Mapping[str, Any]) -> str:
    if found["target"] is None or pd.isna(found["score_low"]):
        return "not_clear"
    missed = (
        found["score_high"] < found["target"] if found["reach"] == "at_least" else found["score_low"] > found["target"]
    )
    return "not_clear_missed" if missed else "not_clear_open"


def _words(progress: Stands, titles: Mapping[str, str]) -> dict[str, str]:
    """Everything that a sentence on a commitment may need."""
    found, where = progress.finding.params, progress.commitment.where
    unit, places = found["unit"], _places(found["unit"], found["score_n"])
    change = float(found["estimate"])
    cells = [titles.get(value, value) for facet, value in where.items() if facet != "side"]
    span = ("low", "high")
    return {
        "action": action(found["action"]),
        "office": office(found["office"]),
        "place": ", ".join(cells),
        "side": titles.get(where.get("side", ""), where.get("side", "")),
        "evidence": titles.get(found["evidence"], found["evidence"]),
        "since": str(found["since"]),
        "wave": str(found["wave"]),
        "due": str(found["due"]),
        "target": _aim(found["target"], found["reach"], unit),
        "score": _level(found["score_estimate"], unit, places),
        "score_span": _span(*(found[f"score_{name}"] for name in span), places=places),
        "moved": "rose" if change > 0 else "fell",
        "change": f"{_number(change, places=places, sign=True)} {_UNITS.get(unit, unit)}",
        "span": _span(*(found[name] for name in span), places=places),
        "why": _why(found["reason"]),
    }


def _words_of_target(row: Mapping[Any, Any], titles: Mapping[str, str]) -> dict[str, str]:
    unit, places = row["unit"], _places(row["unit"], row["n"])
    cells = [part.partition("=")[2] for part in str(row["where"]).split(", ") if part]
    measure = titles.get(row["measure"], row["measure"])
    return {
        "evidence": ", ".join([measure, *(titles.get(cell, cell) for cell in cells)]),
        "target": _aim(row["target"], row["reach"], unit),
        "due": str(row["due"]),
        "wave": str(row["wave"]),
        "score": _level(row["estimate"], unit, places),
        "score_span": _span(row["low"], row["high"], places=places),
        "why": _why(row["reason"]),
    }


def _places(unit: str, n: float) -> int:
    """Decimals of a figure: the mask leaves one less where fewer than 50 answered."""
    return (1 if unit in ("points", "%") else 2) - bool(n < _FEW)


def _number(value: float, *, places: int, sign: bool = False) -> str:
    text = f"{value:+.{places}f}" if sign else f"{value:.{places}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def _level(value: float, unit: str, places: int) -> str:
    return f"{_number(value, places=places)} {unit}" if pd.notna(value) else "not shown"


def _aim(target: float | None, reach: str, unit: str) -> str:
    """A target in words, as it was declared."""
    return "" if target is None else f"{'at least' if reach == 'at_least' else 'at most'} {target:g} {unit}"


def _span(low: float, high: float, *, places: int) -> str:
    known = pd.notna(low) and pd.notna(high)
    return f"{_number(low, places=places)} to {_number(high, places=places)}" if known else "interval not known"


def _why(reason: object) -> str:
    return REASONS.get(str(reason), str(reason)) or REASONS["not_defined"]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else textwrap.shorten(text, width, placeholder="\N{HORIZONTAL ELLIPSIS}")
