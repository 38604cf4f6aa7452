"""Figures that all tables together leave in a corner: of hidden ones the number of yes, or of steps of the scale."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from scoring.design import Integers
from scoring.mask.freedom import Shares, cornered
from scoring.mask.layout import Flags
from scoring.mask.suppression import Line


class Corners:
    """Every line of every scale at once; blocks of lines in which nothing was found are remembered.

    Parameters
    ----------
    every : Shares
        All figures, and the lines of items and shares.
    fewest : int
        Values that a hidden count keeps.
    """

    def __init__(self, every: Shares, *, fewest: int) -> None:
        self._every, self._fewest = every, fewest
        self._block = _blocks(every.lines, every.figures.size)
        self._cleared: set[tuple[int, bytes]] = set()

    def cuts(self, hidden: Flags) -> list[Integers]:
        """Sets of figures of which one more must be hidden than is."""
        lines = self._alive(hidden)
        if not lines:
            return []
        figures = np.unique(np.concatenate([np.append(line.parts, line.total) for line in lines]))
        place = [
            Line(int(np.searchsorted(figures, line.total)), np.searchsorted(figures, line.parts), line.left_over)
            for line in lines
        ]
        cuts = []
        for one in cornered(self._every.of(figures, hidden, place), fewest=self._fewest):
            near = [np.append(line.parts, line.total) for line in place if one == line.total or one in line.parts]
            around = figures[np.unique(np.concatenate(near))]
            wide = np.flatnonzero(self._block == self._block[figures[one]])
            cuts.append(wide if hidden[around].all() else around)
        self._clear(lines, hidden, cuts)
        return cuts

    def _clear(self, lines: Sequence[Line], hidden: Flags, cuts: Sequence[Integers]) -> None:
        """Remember the blocks in which nothing was found, as they are hidden now."""
        caught = np.unique(self._block[np.concatenate(cuts)]) if cuts else np.zeros(0, dtype=np.int64)
        for block in {int(self._block[line.total]) for line in lines} - set(caught.tolist()):
            self._cleared.add((block, hidden[self._block == block].tobytes()))

    def _alive(self, hidden: Flags) -> list[Line]:
        """Lines of every block that holds a hidden figure."""
        alive = {
            block
            for block in np.unique(self._block[hidden]).tolist()
            if (block, hidden[self._block == block].tobytes()) not in self._cleared
        }
        return [line for line in self._every.lines if int(self._block[line.total]) in alive]


def _blocks(lines: Sequence[Line], size: int) -> Integers:
    """Number of the connected set of lines that each figure belongs to."""
    if not lines:
        return np.zeros(size, dtype=np.int64)
    total = np.concatenate([np.full(line.parts.size, line.total) for line in lines])
    part = np.concatenate([line.parts for line in lines])
    graph = sparse.csr_array((np.ones(part.size), (total, part)), shape=(size,) * 2)
    return np.asarray(sparse.csgraph.connected_components(graph, directed=False)[1])
