"""Whether two waves may be compared: what differs between them beside the service itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from scoring.errors import RequestError
from scoring.findings import Finding

SHIFT = 0.20  # share of interviews that may be in another language, or in sight of an officer, without a word
ROUNDING = 1e-9  # of shares that differ by just so much
ROUGH = 0.01  # by which shares may miss a sum of 1
SEASONS = ("ramadan", "navruz", "harvest", "pass_closure")

Status = Literal["comparable", "bridged", "refused"]


@dataclass(frozen=True, slots=True)
class WaveKey:
    """How a wave was made; None or empty where nobody declared it.

    Attributes
    ----------
    wave : str
    calendar : frozenset of {"ramadan", "navruz", "harvest", "pass_closure"}, or None
        What of the year's course fell into the fieldwork; the empty set says: nothing.
    mode : str, optional
        Such as "face_to_face", "phone", "tablet_self".
    languages : mapping of str to float
        Share of interviews in each.
    place : str, optional
        Where people were asked: "exit", "queue", "market".
    officer_in_sight : float, optional
        Share of interviews with an officer in sight.
    teams : frozenset of str
        Interviewer teams, by code.
    instrument, framework : str, optional
        Each with its version, such as "traveller 2".
    """

    wave: str
    calendar: frozenset[str] | None = None
    mode: str | None = None
    languages: Mapping[str, float] = field(default_factory=dict)
    place: str | None = None
    officer_in_sight: float | None = None
    teams: frozenset[str] = frozenset()
    instrument: str | None = None
    framework: str | None = None


ASPECTS = ("calendar", "mode", "languages", "place", "officer_in_sight", "teams", "instrument", "framework")


@dataclass(frozen=True, slots=True)
class Comparability:
    """Whether two waves may be compared.

    Attributes
    ----------
    status : {"comparable", "bridged", "refused"}
    findings : tuple of Finding
        What differs, a code each: `other_calendar`, `other_mode`, `other_languages`, `other_place`,
        `other_officer_in_sight`, `other_teams`, `other_instrument`, `other_framework`, with `old`, `new` and `bridge`
        (the declared reason, "" where there is none); `half_declared`, an aspect that is known of one wave alone; and
        `not_declared`, one that is known of neither, which refuses nothing.
    """

    status: Status
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """What stands in the way: the differences that no bridge covers."""
        return tuple(one for one in self.findings if one.code != "not_declared" and not one.params["bridge"])


def read_key(given: Mapping[str, Any]) -> WaveKey:
    """Read the key of a wave as a file declares it.

    Raises
    ------
    RequestError
        Everything that is wrong in it, in one message.
    """
    faults = list(_faults(given))
    if faults:
        raise RequestError(f"comparability key of wave {given.get('wave', '')!r}: {'; '.join(faults)}")
    calendar = given.get("calendar")
    officer = given.get("officer_in_sight")
    return WaveKey(
        wave=given["wave"],
        calendar=None if calendar is None else frozenset(calendar),
        mode=given.get("mode"),
        languages={str(name): float(share) for name, share in given.get("languages", {}).items()},
        place=given.get("place"),
        officer_in_sight=None if officer is None else float(officer),
        teams=frozenset(given.get("teams", ())),
        instrument=given.get("instrument"),
        framework=given.get("framework"),
    )


def compare_keys(old: WaveKey, new: WaveKey, *, bridges: Mapping[str, str] | None = None) -> Comparability:
    """Compare the keys of two waves.

    Parameters
    ----------
    old, new : WaveKey
    bridges : mapping of aspect to reason, optional
        Of this pair of waves: why a difference does not matter, or how it was taken out, in the words of whoever
        declared it. A bridge that nothing needs is refused: it says that somebody expected a difference.

    Returns
    -------
    Comparability
        "refused" where any difference has no bridge, "bridged" where all have one, else "comparable". Languages and
        officers in sight differ where that is so for more than 20 % of the interviews, teams where none worked twice.
    """
    declared = {name: reason.strip() for name, reason in (bridges or {}).items()}
    unknown = sorted(declared.keys() - set(ASPECTS))
    if unknown:
        raise RequestError(f"bridge of {unknown[0]!r}: it may be of {', '.join(ASPECTS)}")
    findings = [finding for name in ASPECTS for finding in _compared(name, old, new, declared.get(name, ""))]
    differing = [one for one in findings if one.code != "not_declared"]
    needed = {one.params["aspect"] for one in differing}
    idle = sorted(name for name in declared if name not in needed)
    if idle:
        raise RequestError(
            f"{old.wave} and {new.wave} do not differ in {idle[0]}; take out its bridge, or mend the key"
        )
    open_ = any(not one.params["bridge"] for one in differing)
    return Comparability("refused" if open_ else "bridged" if differing else "comparable", tuple(findings))


def _compared(aspect: str, old: WaveKey, new: WaveKey, bridge: str) -> Iterator[Finding]:
    """What there is to say of one aspect."""
    first, second = _declared(aspect, old), _declared(aspect, new)
    params = {"aspect": aspect, "since": old.wave, "wave": new.wave}
    if first is None and second is None:
        yield Finding("not_declared", params)
    elif first is None or second is None:
        yield Finding("half_declared", params | {"missing": (old if first is None else new).wave, "bridge": bridge})
    elif _differs(aspect, first, second):
        told = {"old": _told(first), "new": _told(second), "bridge": bridge}
        yield Finding(f"other_{aspect}", params | told)


def _declared(aspect: str, key: WaveKey) -> Any:  # noqa: ANN401 - any aspect
    """The value, None where nothing was said; an empty calendar says something, no languages or teams do not."""
    value = getattr(key, aspect)
    return None if aspect in ("languages", "teams") and not value else value


def _differs(aspect: str, first: Any, second: Any) -> bool:  # noqa: ANN401 - any aspect
    if aspect == "languages":
        names = first.keys() | second.keys()
        return bool(sum(abs(second.get(name, 0.0) - first.get(name, 0.0)) for name in names) / 2 > SHIFT + ROUNDING)
    if aspect == "officer_in_sight":
        return bool(abs(second - first) > SHIFT + ROUNDING)
    if aspect == "teams":
        return not bool(first & second)
    return bool(first != second)


def _told(value: Any) -> Any:  # noqa: ANN401 - any aspect
    """The same in a form that a sentence can hold."""
    return (
        tuple(sorted(value)) if isinstance(value, frozenset) else dict(value) if isinstance(value, Mapping) else value
    )


def _faults(given: Mapping[str, Any]) -> Iterator[str]:
    unknown = sorted(given.keys() - {"wave", *ASPECTS})
    if unknown:
        yield f"{unknown[0]!r} is no part of it; it may hold {', '.join(ASPECTS)}"
    if not isinstance(given.get("wave"), str) or not given["wave"]:
        yield "it names no wave"
    for name in ("mode", "place", "instrument", "framework"):
        if name in given and (not isinstance(given[name], str) or not given[name].strip()):
            yield f"{name} has to be a word; leave it out where it is not known"
    for name in ("calendar", "teams"):
        if not isinstance(given.get(name, ()), list | tuple | set | frozenset):
            yield f"{name} has to be a list of words"
    if isinstance(given.get("calendar"), list | tuple | set | frozenset):
        yield from (
            f"calendar holds {season!r}; it may hold {', '.join(SEASONS)}"
            for season in sorted(set(given["calendar"]) - set(SEASONS))
        )
    yield from _share_faults(given)


def _share_faults(given: Mapping[str, Any]) -> Iterator[str]:
    shares = given.get("languages", {})
    if not isinstance(shares, Mapping):
        yield "languages have to be shares by language"
    elif shares and not (all(_is_share(share) for share in shares.values()) and abs(sum(shares.values()) - 1) <= ROUGH):
        yield "shares of languages have to be from 0 to 1 and add up to 1"
    if "officer_in_sight" in given and not _is_share(given["officer_in_sight"]):
        yield "officer_in_sight has to be a share from 0 to 1"


def _is_share(value: Any) -> bool:  # noqa: ANN401 - what a file may hold
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
