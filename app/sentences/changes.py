"""Words for changes, differences and trends: one plain sentence for each verdict, so that none says more than its test.

A verdict is a code of `scoring.verdicts.verdict_of_change`; words such as "improvement" or "higher" stand in the
sentences of clear ones alone.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.sentences.indices import Found
from scoring.contract import REASONS

#: Every verdict on the change of a figure since another wave -> what it says.
CHANGES: Final[Mapping[str, str]] = {
    "better": "{name}: {size} {unit} since {since} ({span}): a clear improvement.",
    "worse": "{name}: {size} {unit} since {since} ({span}): a clear decline.",
    "up": "{name}: {size} {unit} since {since} ({span}): a clear rise; whether that is good may be read both ways.",
    "down": "{name}: {size} {unit} since {since} ({span}): a clear fall; whether that is good may be read both ways.",
    "composition": "{name}: {size} {unit} since {since} ({span}): a clear change of who crossed; within the groups of "
    "users there is no clear change.",
    "steady": "{name}: {size} {unit} since {since} ({span}): no change larger than {margin} {unit}.",
    "not_clear": "{name}: {size} {unit} since {since} ({span}): no clear change.",
    "open": "{name}: {size} {unit} since {since} ({span}): no clear change, and one larger than {margin} {unit} is not "
    "ruled out.",
    "not_judged": "{name}: {size} {unit} since {since}: whether that is more than chance cannot be judged: {why}.",
    "hidden": "{name}: change since {since} not shown: {why}.",
}
#: The same of a difference between two places, groups or agencies, second less first.
DIFFERENCES: Final[Mapping[str, str]] = {
    "better": "{second} against {first}: {size} {unit} ({span}): clearly {way}, which is better.",
    "worse": "{second} against {first}: {size} {unit} ({span}): clearly {way}, which is worse.",
    "up": "{second} against {first}: {size} {unit} ({span}): clearly higher.",
    "down": "{second} against {first}: {size} {unit} ({span}): clearly lower.",
    "not_clear": "{second} against {first}: {size} {unit} ({span}): they cannot be told apart.",
    "not_judged": "{second} against {first}: {size} {unit}: whether that is more than chance cannot be judged: {why}.",
    "hidden": "{second} against {first}: not shown: {why}.",
}
#: The same of a slope over three waves or more.
TRENDS: Final[Mapping[str, str]] = {
    "better": "{name}: {size} {unit} a year, {since} to {wave} ({span}): a clear improvement.",
    "worse": "{name}: {size} {unit} a year, {since} to {wave} ({span}): a clear decline.",
    "up": "{name}: {size} {unit} a year, {since} to {wave} ({span}): a clear rise; whether that is good may be read "
    "both ways.",
    "down": "{name}: {size} {unit} a year, {since} to {wave} ({span}): a clear fall; whether that is good may be read "
    "both ways.",
    "not_clear": "{name}: {size} {unit} a year, {since} to {wave} ({span}): no clear trend.",
    "not_judged": "{name}: {size} {unit} a year, {since} to {wave}: whether that is more than chance cannot be judged: "
    "{why}.",
    "hidden": "{name}: trend from {since} to {wave} not shown: {why}.",
}
#: Ways to judge many figures together -> what it says of the claims made.
FAMILIES: Final[Mapping[str, str]] = {
    "holm": "These {count} {things} are judged together by Holm's rule: the chance that any clear one is none is at "
    "most 5 %.",
    "benjamini-hochberg": "These {count} {things} are judged together by the rule of Benjamini and Hochberg: of those "
    "called clear, at most 5 % are expected to be none.",
    "max-t": "These {count} {things} are judged together by the largest of all their errors, drawn at once: the chance "
    "that any clear one is none is at most 5 %.",
    "alone": "There is one {thing} here that can be judged, and it is judged by its own test.",
    "none": "Nothing here can be judged by a test.",
}
OF_ONE_ROW: Final = "An interval is that of its own row: it may leave out 0 where the row, among so many, is not clear."
#: The same ways -> a line of help in plain words.
JUDGINGS: Final[Mapping[str, str]] = {
    "holm": "Holm: hardly any false claim",
    "benjamini-hochberg": "Benjamini-Hochberg: few of the claims false",
    "max-t": "Max-t: as Holm, a little sharper",
}
#: What differs between two waves in how they were made -> in words.
DIFFERS: Final[Mapping[str, str]] = {
    "other_calendar": "season of the fieldwork: {old} in {since}, {new} in {wave}",
    "other_mode": "way of asking: {old} in {since}, {new} in {wave}",
    "other_languages": "languages of the interviews: {old} in {since}, {new} in {wave}",
    "other_place": "place of the interviews: {old} in {since}, {new} in {wave}",
    "other_officer_in_sight": "interviews with an officer in sight: {old} in {since}, {new} in {wave}",
    "other_teams": "teams of interviewers: {old} in {since}, {new} in {wave}",
    "other_instrument": "questionnaire: {old} in {since}, {new} in {wave}",
    "other_framework": "definition of the indices: {old} in {since}, {new} in {wave}",
    "half_declared": "{aspect}: declared of one wave, not of {missing}",
    "not_declared": "{aspect}: not known of both waves",
}
ASPECTS: Final[Mapping[str, str]] = {
    "calendar": "season of the fieldwork", "mode": "way of asking", "languages": "languages of the interviews",
    "place": "place of the interviews", "officer_in_sight": "interviews with an officer in sight",
    "teams": "teams of interviewers", "instrument": "questionnaire", "framework": "definition of the indices",
}  # fmt: skip
#: What the parts of a change say of it, and shifts of who crossed -> in words.
PARTS: Final[Mapping[str, str]] = {
    "composition": "{measure}, {since} to {wave}: {change} points, of which {mix} are that other people crossed, and "
    "that part is clear; within the groups of users there is no clear change ({within}). This is a change of who was "
    "asked, not of the service.",
    "within_groups": "{measure}, {since} to {wave}: {change} points, of which {within} are within the groups of users, "
    "and that part is clear; that other people crossed makes no clear difference ({mix}).",
    "both": "{measure}, {since} to {wave}: {change} points, of which {within} are within the groups of users and {mix} "
    "are that other people crossed; both parts are clear.",
    "unseparated": "{measure}, {since} to {wave}: {change} points, and this is clear; how much of it is within the "
    "groups of users ({within}) and how much that other people crossed ({mix}) cannot be told.",
    "not_clear": "{measure}, {since} to {wave}: {change} points, no clear change; neither its part within the groups "
    "of users ({within}) nor that of other people crossing ({mix}) is clear.",
    "traffic_shift": "Traffic at the crossings {way} by {change} % from {since} to {wave}: read changes of the scores "
    "with that in mind.",
    "mix_shift": "Other people crossed in {wave} than in {since}: {share} % of users would have to change group for "
    "the mix to be the same; the largest shift is {points} percentage points of {group}.",
}
#: The change had the mix of users stayed as it was -> in words, by whether it is clear.
FIXED: Final[Mapping[bool, str]] = {
    True: "At the mix of users of {since} it would be {fixed_mix} points, which is clear.",
    False: "At the mix of users of {since} it would be {fixed_mix} points, no clear change.",
}
NO_LEVELS_ACROSS: Final = (
    "Levels of two sides are not set side by side: fear and refusal differ by side, so a gap would mislead. Each side "
    "is compared with its own past."
)
#: Shares of interviews that stand beside levels of two sides -> in words.
BESIDE: Final[Mapping[str, str]] = {
    "officer_in_sight": "an officer was in sight", "overheard": "somebody could overhear", "refused": "people refused",
}  # fmt: skip
_SEASONS = {"ramadan": "Ramadan", "navruz": "Navruz", "harvest": "harvest", "pass_closure": "closed passes"}
_SCORES = ("points", "%")
_FEW = 50  # answers below which a figure has one decimal less, as the mask rounds it


def told_change(row: Mapping[Any, Any], *, name: str, unit: str, margin: float | None = None) -> str:
    """One sentence on the change of a figure: `row` with its `verdict`, `since` and figures."""
    code = _told(row)
    code = "open" if code == "not_clear" and margin is not None else code
    limit = f"{margin:g}" if margin is not None else ""
    return CHANGES[code].format_map(_words(row, unit) | {"name": name, "since": row["since"], "margin": limit})


def told_difference(row: Mapping[Any, Any], *, first: str, second: str, unit: str) -> str:
    """One sentence on the difference between two places, groups or agencies."""
    way = "higher" if row["estimate"] > 0 else "lower"
    return DIFFERENCES[_told(row)].format_map(_words(row, unit) | {"first": first, "second": second, "way": way})


def told_trend(row: Mapping[Any, Any], *, name: str, unit: str) -> str:
    """One sentence on the slope of a figure over the waves."""
    ends = {"since": row["since"], "wave": row["wave"]}
    return TRENDS[_told(row)].format_map(_words(row, unit, slope=True) | ends | {"name": name})


def told_family(count: int, *, thing: str, adjust: str) -> str:
    """Which claims are judged together and what that says of them; `thing` is change, difference or trend."""
    code = "none" if not count else "alone" if count == 1 else adjust
    told = FAMILIES[code].format(count=count, thing=thing, things=f"{thing}s")
    return f"{told} {OF_ONE_ROW}" if count > 1 else told


def differs(finding: Found) -> str:
    """What differs between two waves in how they were made, as part of a sentence."""
    params = finding.params
    aspect = str(params["aspect"])
    words = {"aspect": ASPECTS[aspect], "since": params["since"], "wave": params["wave"]}
    told = {name: _seen(aspect, params[name]) for name in ("old", "new") if name in params}
    return DIFFERS[finding.code].format_map(words | told | {"missing": params.get("missing", "")})


def told_pair(found: Any, *, where: str, since: str, wave: str) -> str:  # noqa: ANN401 - whoever compared them
    """One sentence on whether two waves of a side are compared, and why."""
    pair = f"{where}: {since} and {wave}"
    if found.status == "refused":
        return f"{pair} are not compared. What differs is {'; '.join(differs(one) for one in found.reasons)}."
    if found.status == "bridged":
        told = [
            f"{differs(one)} (bridged: {one.params['bridge']})" for one in found.findings if one.params.get("bridge")
        ]
        return f"{pair} are compared although they differ in {'; '.join(told)}."
    return f"{pair} were made alike in all that is known of both."


def told_parts(finding: Found, *, measure: str, fixed_clear: bool | None = None) -> str:
    """What the parts of a change say of it, and what it would be at a fixed mix of users."""
    figures = {name: _signed(finding.params[name], 1) for name in ("change", "within", "mix", "fixed_mix")}
    words = figures | {"measure": measure, "since": finding.params["since"], "wave": finding.params["wave"]}
    told = PARTS[finding.code].format_map(words)
    return told if fixed_clear is None else f"{told} {FIXED[fixed_clear].format_map(words)}"


def told_shift(finding: Found, groups: Mapping[str, str]) -> str:
    """One sentence on traffic, or the mix of users, that changed by so much that it stands beside the scores."""
    params = finding.params
    words = {"since": params["since"], "wave": params["wave"]}
    if finding.code == "traffic_shift":
        way = "rose" if params["change"] > 0 else "fell"
        return PARTS[finding.code].format_map(words | {"way": way, "change": f"{100 * abs(params['change']):.0f}"})
    own = {"share": f"{100 * params['share']:.0f}", "points": _signed(params["points"], 0)}
    return PARTS[finding.code].format_map(words | own | {"group": groups.get(params["group"], params["group"])})


def told_beside(shares: Mapping[str, Mapping[str, float]], sides: Mapping[str, str]) -> tuple[str, ...]:
    """What stands beside levels of two sides, a sentence each; the last one on what the release does not hold."""
    told = [
        f"Interviews in which {BESIDE[name]}: "
        f"{_listed([f'{sides.get(side, side)} {100 * share:.0f} %' for side, share in own.items()])}."
        for name, own in shares.items()
    ]
    absent = [words for name, words in BESIDE.items() if name not in shares]
    if absent:
        told.append(f"This release does not hold in how many interviews {_listed(absent, last='or')}.")
    return tuple(told)


def _told(row: Mapping[Any, Any]) -> str:
    """Which sentence of a catalogue: that of its verdict, or that nothing is shown."""
    return "hidden" if _missing(row["estimate"]) else str(row["verdict"])


def _words(row: Mapping[Any, Any], unit: str, *, slope: bool = False) -> dict[str, str]:
    few = not _missing(row["n"]) and row["n"] < _FEW
    places = (1 if unit in _SCORES else 2) + slope - few
    known = not (_missing(row["low"]) or _missing(row["high"]))
    return {
        "size": _signed(row["estimate"], places),
        "unit": "percentage points" if unit == "%" else unit,
        "span": f"{_number(row['low'], places)} to {_number(row['high'], places)}" if known else "interval not known",
        "why": REASONS.get(str(row["reason"]), str(row["reason"])),
    }


def _seen(aspect: str, value: Any) -> str:  # noqa: ANN401 - a value of any aspect
    """A value of an aspect in words."""
    if aspect == "calendar":
        return _listed([_SEASONS.get(one, one) for one in value]) or "none of the seasons to be named"
    if aspect == "languages":
        shares = sorted(value.items(), key=lambda pair: (-pair[1], pair[0]))
        return _listed([f"{100 * share:.0f} % {_plain(name).capitalize()}" for name, share in shares])
    if aspect == "officer_in_sight":
        return f"{100 * value:.0f} %"
    return _listed(value) if isinstance(value, tuple) else _plain(value)


def _plain(code: str) -> str:
    return str(code).replace("_", " ")


def _listed(words: Sequence[str], *, last: str = "and") -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _missing(value: float) -> bool:
    return value is None or math.isnan(value)


def _number(value: float, places: int) -> str:
    return f"{value:.{places}f}".replace("-", "\N{MINUS SIGN}")


def _signed(value: float, places: int) -> str:
    return f"{value:+.{places}f}".replace("-", "\N{MINUS SIGN}")
