"""Versions of a framework: what may be joined, and whether a version was used again for something else."""

from collections.abc import Sequence

from scoring.errors import RequestError
from scoring.faults import Fault
from scoring.framework import Framework


def bridged(old: Framework, new: Framework, measure: str) -> bool:
    """Whether a figure of one version may be joined with that of another, as in a trend.

    The same version with the same content may; of another version a measure may that a [[bridge]] of either version
    names, with a reason. A definition that looks the same is not enough: somebody must have said so.
    """
    if measure not in old.measures or measure not in new.measures or old.id != new.id:
        return False
    if old.version == new.version:
        return old.digest == new.digest
    rows = [bridge for bridge in new.bridges if bridge.since == old.version]
    rows += [bridge for bridge in old.bridges if bridge.since == new.version]
    return any(measure in bridge.measures for bridge in rows)


def joinable(framework: Framework, since: str) -> tuple[str, ...]:
    """Measures that may be joined with figures of which only the label is left, such as "border 1" in a release.

    All measures of the same id and version; of an earlier version those that a [[bridge]] names; of others none.
    """
    if since == f"{framework.id} {framework.version}":
        return framework.measures
    named = [bridge.measures for bridge in framework.bridges if since == f"{framework.id} {bridge.since}"]
    return tuple(code for code in framework.measures if any(code in measures for measures in named))


def refuse_unbridged(old: Framework, new: Framework, measures: Sequence[str]) -> None:
    """Refuse to join figures of two versions that no bridge joins.

    Raises
    ------
    RequestError
        Names the measures, the versions and the remedy.
    """
    apart = [code for code in measures if not bridged(old, new, code)]
    if apart:
        raise RequestError(
            f"{', '.join(apart)}: {old.id} {old.version} and {new.id} {new.version} define it apart, so they make no "
            f"trend; score both waves by one version, or add a [[bridge]] from = {old.version!r} with its reason"
        )


def history_faults(framework: Framework, earlier: Sequence[Framework]) -> tuple[Fault, ...]:
    """What contradicts earlier files: a version with other content, a bridge to a version or measure nobody knows."""
    same = [other for other in earlier if other.id == framework.id]
    faults = [
        Fault(
            "version",
            f"{framework.version!r} was used before with other content ({other.digest}, now {framework.digest})",
            "raise the version, and add a [[bridge]] for the measures that still mean the same",
        )
        for other in same
        if other.version == framework.version and other.digest != framework.digest
    ]
    known = {other.version: other for other in same}
    for bridge in framework.bridges if same else ():
        where = f"bridge {bridge.since}"
        if bridge.since not in known:
            faults.append(Fault(where, "there is no such earlier version", f"name one of {', '.join(sorted(known))}"))
            continue
        faults += [
            Fault(where, f"measure {code!r} was not in that version", "take it out of the bridge")
            for code in bridge.measures
            if code not in known[bridge.since].measures
        ]
    return tuple(faults)
