"""Scores that cannot be told apart, as the largest sets of them."""

from collections.abc import Iterator

from scoring.design import Floats, Integers
from scoring.errors import EstimationError
from scoring.families import pairs, told_apart
from scoring.joint import Joint

MOST = 1_000  # sets beyond which nobody reads them


def groups(joint: Joint, *, level: float = 0.95) -> list[tuple[int, ...]]:
    """Largest sets of scores of which no two can be told apart, highest first.

    Every two scores that cannot be told apart stand together in some set and no others do: the columns of a compact
    letter display (Piepho 2004). Errors as `rank_sets`; EstimationError where there are more than 1,000 sets.
    """
    _, _, judged = pairs(joint, level=level)
    return groups_of(joint.values, told_apart(judged, joint.values.size, level=level))


def groups_of(values: Floats, signs: Integers) -> list[tuple[int, ...]]:
    """The same from the signs of all pairs, shape (m, m)."""
    alike = signs == 0
    neighbours = [sum(1 << j for j, same in enumerate(row) if same and j != i) for i, row in enumerate(alike.tolist())]
    found = []
    for members in _cliques(neighbours):
        found.append(tuple(sorted(members, key=lambda i: (-values[i], i))))
        if len(found) > MOST:
            raise EstimationError(f"more than {MOST:,} groups cannot be told apart; show rank sets instead")
    return sorted(found, key=lambda members: [(-values[i], i) for i in members])


def _cliques(neighbours: list[int]) -> Iterator[list[int]]:
    """Maximal cliques of a graph given as bits (Bron and Kerbosch 1973, with a pivot)."""
    stack = [(0, (1 << len(neighbours)) - 1, 0)]
    while stack:
        inside, open_, seen = stack.pop()
        if not open_ and not seen:
            yield _bits(inside)
            continue
        pivot = max(_bits(open_ | seen), key=lambda i: (open_ & neighbours[i]).bit_count())
        for i in _bits(open_ & ~neighbours[pivot]):
            stack.append((inside | 1 << i, open_ & neighbours[i], seen & neighbours[i]))
            open_, seen = open_ & ~(1 << i), seen | 1 << i


def _bits(number: int) -> list[int]:
    return [place for place in range(number.bit_length()) if number >> place & 1]
