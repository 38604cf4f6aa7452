"""Whether two waves of a side may be compared: what was seen in its interviews, and what was declared of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from app import sentences
from app.workflow import declared
from app.workflow.describing import SIDE
from app.workflow.document import Release
from scoring.comparability import Comparability, WaveKey, compare_keys, read_key

SHARED = ("languages", "officer_in_sight")  # aspects that are shares of interviews
NAMED = ("instrument", "framework")  # aspects with a name and a version
BESIDE = ("officer_in_sight", "overheard", "refused")  # what stands beside levels of two sides
UNKNOWN: Mapping[str, Any] = {"languages": {}, "officer_in_sight": None, "instrument": None, "framework": None}


def between(release: Release, *, side: str, since: str, wave: str) -> Comparability:
    """Whether two waves of a side may be compared.

    Languages, officers in sight, instrument and framework are those of its interviews (study `keys`); season, mode,
    place and teams are declared with the release. What was seen in the interviews of one wave alone, as where part of
    the other was withdrawn, is compared with nothing; what was declared of one wave alone stands in the way. A bridge
    is used on the side that needs it.

    Returns
    -------
    scoring.comparability.Comparability
        "comparable" for releases of which nothing is known.
    """
    old, new = _like(_key(release, side, since), _key(release, side, wave))
    given = declared.of(release).bridges
    bridges = given.get((since, wave), given.get((wave, since), {}))
    open_ = compare_keys(old, new)
    needed = {one.params["aspect"] for one in open_.findings if one.code != "not_declared"}
    used = {aspect: reason for aspect, reason in bridges.items() if aspect in needed}
    return compare_keys(old, new, bridges=used) if used else open_


def in_words(found: Comparability) -> list[str]:
    """What differs, and the declared reasons why it is bridged: two texts, "" where there is nothing to say."""
    told = [sentences.differs(one) for one in found.findings if one.code != "not_declared"]
    reasons = [one.params["bridge"] for one in found.findings if one.params.get("bridge")]
    return ["; ".join(told), "; ".join(dict.fromkeys(reasons)) if found.status == "bridged" else ""]


def notes(release: Release, pair: tuple[str, str], *, side: str | None = None) -> tuple[str, ...]:
    """One sentence on each side, or the one named, of which two waves are not compared, or are bridged."""
    labels = {code: label for code, label in sides(release).items() if side in (None, code)}
    found = {code: between(release, side=code, since=pair[0], wave=pair[1]) for code in labels}
    return tuple(
        sentences.told_pair(one, where=labels[code], since=pair[0], wave=pair[1])
        for code, one in found.items()
        if one.status != "comparable"
    )


def beside(release: Release, wave: str) -> Mapping[str, Mapping[str, float]]:
    """Shares of interviews, by what stands beside levels of two sides and by side; those that the release holds."""
    table = release.document.studies.get("keys", pd.DataFrame())
    if table.empty:
        return {}
    own = table[(table["wave"] == wave) & table["aspect"].isin(BESIDE)]
    return {
        str(aspect): dict(zip(rows[SIDE].astype(str), rows["share"].astype(float), strict=True))
        for aspect, rows in own.groupby("aspect")
    }


def sides(release: Release) -> Mapping[str, str]:
    """Sides that a release has figures of, with the words of the questionnaire."""
    present = set(release.document.scores[(SIDE,)][SIDE])
    labels = next((cut.values for cut in release.document.cuts if cut.facets == (SIDE,)), {})
    return {code: label for code, label in labels.items() if code in present}


def _key(release: Release, side: str, wave: str) -> WaveKey:
    """What is known of a wave of a side; what was seen goes before what was declared."""
    given = declared.of(release).keys.get(wave, {})
    return replace(read_key({**given, "wave": wave}), **_seen(release, side, wave))


def _seen(release: Release, side: str, wave: str) -> dict[str, Any]:
    table = release.document.studies.get("keys", pd.DataFrame())
    if table.empty:
        return {}
    own = table[(table["wave"] == wave) & (table[SIDE] == side)]
    rows = {aspect: own[own["aspect"] == aspect] for aspect in (*SHARED, *NAMED)}
    found: dict[str, Any] = {aspect: str(rows[aspect]["name"].iloc[0]) for aspect in NAMED if len(rows[aspect])}
    languages, officers = rows["languages"], rows["officer_in_sight"]
    if len(languages):
        found["languages"] = dict(zip(languages["name"].astype(str), languages["share"].astype(float), strict=True))
    if len(officers):
        found["officer_in_sight"] = float(officers["share"].iloc[0])
    return found


def _like(old: WaveKey, new: WaveKey) -> tuple[WaveKey, WaveKey]:
    """Both keys without what was seen in the interviews of one of them alone."""
    alone = {name: none for name, none in UNKNOWN.items() if bool(_known(old, name)) != bool(_known(new, name))}
    return replace(old, **alone), replace(new, **alone)


def _known(key: WaveKey, name: str) -> bool:
    value = getattr(key, name)
    return value is not None and value != {}
