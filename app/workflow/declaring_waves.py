"""How each wave was made, as `waves.toml` declares it: what is wrong with it, in words."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import chain
from math import isfinite
from typing import Any, Final

from app.workflow.declaring import FILES, Fault, day, words
from scoring.comparability import ASPECTS, read_key
from scoring.errors import RequestError
from surveys import looks

FIELDWORK: Final = ("first_day", "last_day", "year")
BRIDGE: Final = ("since", "wave", "aspect", "reason")
YEARS: Final = (1900, 2200)
_WAVE: Final = re.compile(r"[\w.-]{1,40}")


def waves_of(text: str) -> tuple[dict[str, Any], list[Fault]]:
    """The file as TOML, and what is wrong with it; nothing is given of a faulty one."""
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        where = str(error).partition("\n")[0][:120]
        return {}, [f"{FILES['waves']} is no TOML ({where}); compare it with the example in docs/declarations.md"]
    faults = [f"{FILES['waves']}, {fault}" for fault in chain(_of_comments(text), _faults(found))]
    return ({} if faults else found), faults


def days_of(given: Mapping[str, Any]) -> tuple[str, str]:
    """First and last day of fieldwork, ISO."""
    return str(given["first_day"]), str(given["last_day"])


def key_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is declared of a wave for `scoring.comparability.read_key`."""
    return {name: value for name, value in given.items() if name not in FIELDWORK}


def _faults(found: Mapping[str, Any]) -> Iterator[Fault]:
    for name in found.keys() - {"waves", "bridge"}:
        yield f"part {name[:40]!r}: it is not known; there are [waves.NAME] and [[bridge]]"
    waves = found.get("waves", {})
    if not isinstance(waves, Mapping):
        yield "part 'waves': write each wave as [waves.2026]"
    else:
        yield from chain.from_iterable(_of_wave(name, given) for name, given in waves.items())
    bridges = found.get("bridge", [])
    if not isinstance(bridges, list):
        yield "part 'bridge': write each bridge as [[bridge]]"
    else:
        yield from _of_bridges(bridges)


def _of_comments(text: str) -> Iterator[Fault]:
    """What is wrong with comments: a release carries the file as it is written."""
    for at, line in enumerate(text.splitlines(), start=1):
        if told := words(line.partition("#")[2].strip()):
            yield f"line {at}, comment: {told}"


def _of_wave(name: str, given: object) -> Iterator[Fault]:
    where = f"wave {name[:40]!r}"
    if not _WAVE.fullmatch(name) or not isinstance(given, Mapping):
        yield f"{where}: write it as [waves.2026], with its values below"
        return
    yield from (f"{where}, {fault}" for fault in _of_fieldwork(given))
    plain = key_of(given)
    uneven = [one for one in ("calendar", "teams") if not _all_words(plain.get(one, []))]
    for one in uneven:
        yield f"{where}, {one}: give a list of words, such as []"
    try:
        read_key({name: value for name, value in plain.items() if name not in uneven} | {"wave": name})
    except RequestError as error:
        yield f"{where}: {str(error).partition(': ')[2]}"
    yield from (f"{where}, {one}: {told}" for one, value in _texts(plain) if (told := words(value)))
    if any(looks.person(looks.plain(value)) for one, value in _texts(plain) if one == "teams"):
        yield f"{where}, teams: one looks like a name; call teams by codes, such as north_1"


def _of_fieldwork(given: Mapping[str, Any]) -> Iterator[Fault]:
    ends = [name for name in FIELDWORK[:2] if name in given]
    if len(ends) == 1:
        yield f"{ends[0]}: give both first_day and last_day, or neither"
    wrong = [(name, told) for name in ends if (told := day(str(given[name])))]
    yield from (f"{name}: {told}" for name, told in wrong)
    if (
        len(ends) > 1
        and not wrong
        and date.fromisoformat(str(given["last_day"])) < date.fromisoformat(str(given["first_day"]))
    ):
        yield "last_day: it is before first_day"
    year = given.get("year", YEARS[0])
    if isinstance(year, bool) or not isinstance(year, int | float) or not isfinite(year):
        yield "year: give a number, such as 2026 or 2026.4"
    elif not YEARS[0] <= year <= YEARS[1]:
        yield f"year: give one from {YEARS[0]} to {YEARS[1]}"


def _of_bridges(bridges: list[Any]) -> Iterator[Fault]:
    seen = set()
    for at, one in enumerate(bridges, start=1):
        where = f"bridge {at}"
        if not isinstance(one, Mapping) or set(one) != set(BRIDGE) or not _all_words([*one.values()]):
            yield f"{where}: it holds {', '.join(BRIDGE)}, each in words, and nothing else"
            continue
        if one["aspect"] not in ASPECTS:
            yield f"{where}, aspect: {one['aspect'][:40]!r} is not known; it may be {', '.join(ASPECTS)}"
        if told := words(one["reason"]):
            yield f"{where}, reason: {told}"
        if one["since"] == one["wave"]:
            yield f"{where}: it joins a wave to itself; name two"
        place = one["since"], one["wave"], one["aspect"]
        if place in seen:
            yield f"{where}: the same is bridged twice; keep one of them"
        seen.add(place)


def _all_words(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) and value.strip() for value in values)


def _texts(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        parts = value if isinstance(value, list) else [value]
        yield from ((name, part) for part in parts if isinstance(part, str))
