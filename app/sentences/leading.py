"""Words beside the figures that leadership reads."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

HOURS, BRIBES = "wait_hours", "bribery"
SIDES_APART: Final = (
    "The two sides are not set beside each other: fear and refusal differ, so a gap in levels would mislead."
)
ONE_WAVE: Final = "One wave is published: a second one is needed to speak of change."


class Read(Protocol):
    """What is read of one side, whoever worked it out."""

    @property
    def wave(self) -> str:
        """The last wave."""

    @property
    def median(self) -> bool:
        """Whether the hours are a median."""

    @property
    def most(self) -> Mapping[str, float]:
        """Hours within which nine in ten had crossed, by wave."""

    @property
    def reach(self) -> Mapping[str, tuple[float, float]]:
        """Percent asked or paid, if all who did not answer were not, and if all were, by wave."""

    @property
    def fixed(self) -> Mapping[str, float]:
        """Change at the mix of users of the first wave, by measure."""


def reported(note: Mapping[str, object]) -> str:
    """What figures of a release are: what users reported, or officers."""
    who = "officers" if str(note.get("instrument", "")).startswith("officer") else "users"
    return f"What {who} reported; not an audit, not a finding about any person."


def family(count: int) -> str:
    """How sure the claims of the page are; empty where no change could be judged."""
    if not count:
        return ""
    return (
        f"{count} changes of both sides are judged together: of twenty such pages without any true difference, at most "
        "one claims something."
    )


def clear_changes(told: Sequence[str], *, figures: int, posts: int) -> str:
    """What changed for certain of a side: its figures in words, and how many of its crossings."""
    words = " ".join(told) or f"No clear change in any of these {figures} figures."
    return f"{words} {posts or 'No'} clear change{'s' if posts != 1 else ''} among the crossings below."


def headline_words(title: str, read: Read, measure: str, axis: str) -> tuple[str, str]:
    """Title and subtitle of a headline figure."""
    if measure == HOURS and read.median:
        return title, f"{axis}: half of the users waited less"
    return title, axis


def beside_change(read: Read, measure: str) -> str:
    """What is to be known beside a change; empty where there is nothing."""
    if measure == HOURS and read.wave in read.most:
        return f"Nine in ten within {read.most[read.wave]:.1f} h."
    if measure == BRIBES and read.wave in read.reach:
        floor, ceiling = read.reach[read.wave]
        return f"With who did not answer: {floor:g} to {ceiling:g} %."
    if measure in read.fixed:
        size = f"{read.fixed[measure]:+.1f}".replace("-", "\N{MINUS SIGN}")
        return f"Same mix of users: {size}."
    return ""
