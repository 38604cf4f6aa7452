"""Words for what of an unpublished combination could be published."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

COMBINING: Final = (
    "A figure leaves the store by a release alone, which two people sign. Here the answers are read again, and it is "
    "said how much of a finer table could be shown beside what is public; no figure of it is."
)


class Combined(Protocol):
    """What could be shown, whoever worked it out."""

    @property
    def facets(self) -> Sequence[str]:
        """Side first."""

    @property
    def wave(self) -> str:
        """Wave whose answers were read."""

    @property
    def figures(self) -> int:
        """Of the combination."""

    @property
    def shown(self) -> int:
        """That could be shown."""

    @property
    def given_up(self) -> int:
        """Public figures that would have to be hidden for it."""


def combined(found: Combined, titles: Mapping[str, str]) -> str:
    """One sentence or two on a combination, and how it comes into a release."""
    cut = " and ".join(titles.get(name, name).lower() for name in found.facets[1:])
    told = (
        f"By {cut}, {found.shown:,} of {found.figures:,} figures of {found.wave} could be shown beside what is public."
    )
    if found.given_up:
        told += (
            f" {found.given_up:,} figures that are public would have to be hidden for it, and what is public is not "
            "taken back: it has to wait for a new wave."
        )
    return f"{told} To have it, name it in the tables of the instrument's lattice; the next wave is released with it."
