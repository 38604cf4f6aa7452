"""What advisers compare: a side with its own past, the places and groups of a side, and trends over all waves.

Everything is a function of what the release publishes. Rows that are shown together are judged together, and how many
they are is said; levels of two sides are compared only under a declared note.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from app import sentences
from app.workflow import comparability, composing, declared, differing, results
from app.workflow.describing import SIDE
from app.workflow.differing import FIGURES, MEASURE, Pairs
from app.workflow.document import Facets, Release
from scoring.compare import Judging, judged_together
from scoring.design import Floats
from scoring.differences import FEWEST, trend_of_figures
from scoring.errors import RequestError
from scoring.verdicts import equivalence, verdict_of_change

CLEAR_CHANGES = ("better", "worse", "up", "down")
SEED = 2014  # of max-t: the same question has the same answer


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows that are judged together.

    Attributes
    ----------
    table : DataFrame
        `wave`, the facets, `measure`, what is compared (`since`; or `between`, `first`, `second`), figures, `p`,
        `p_adjusted`, `clear` and `verdict`; p as they are shown.
    family : int
        Rows that have a test: the family of the adjustment.
    adjust : str
    notes : tuple of str
        Sentences that stand beside: what is not compared, or is bridged, and why.
    """

    table: pd.DataFrame
    family: int
    adjust: Judging
    notes: tuple[str, ...] = ()


def changes(
    release: Release,
    *,
    side: str,
    measures: Sequence[str],
    waves: tuple[str, str],
    by: Facets = (SIDE,),
    adjust: Judging = "holm",
    margin: float | None = None,
) -> Compared:
    """Changes of one side between two waves, each cell against its own past.

    With a margin d also `p_equivalent`, `equivalent` and `claimable`: whether a change is no larger than d, and the
    smallest d of which that could be said; the verdict is "steady" where it is. A clear change of a whole side that is
    nothing but other people crossing has the verdict "composition".
    """
    rows = _of_side(results.tested(release, measures, waves, by), side)
    notes = comparability.notes(release, waves, side=side)
    made = _compared(release, rows, adjust, notes=notes, margin=margin)
    if by != (SIDE,):
        return made
    mixed = made.table["measure"].isin(composing.only_mix(release, side=side, waves=waves))
    clear = made.table["verdict"].isin(CLEAR_CHANGES)
    return replace(made, table=made.table.assign(verdict=made.table["verdict"].mask(mixed & clear, "composition")))


def differences(
    release: Release,
    *,
    side: str,
    wave: str,
    by: Facets,
    measures: Sequence[str] = (),
    pairs: Pairs | None = None,
    adjust: Judging = "holm",
) -> Compared:
    """Differences between the posts of a side, or other groups or agencies, in one wave; second less first.

    Cells that were asked in different shifts are independent; of those that were asked in the same ones, the release
    holds differences with their covariance, or none is given.

    Parameters
    ----------
    by : tuple of str
        A published table; its last facet is compared, all others are alike in a pair. ("side", "measure") compares the
        indicators of the agencies.
    measures : sequence of str
        Of agencies: the indicators to be compared, by default all whose difference the release holds.
    pairs : sequence of (first, second), optional
        By default every two.

    Raises
    ------
    RequestError
        Levels of two sides are asked for, or something named is not published.
    """
    if by == (SIDE,):
        raise RequestError(f"{sentences.NO_LEVELS_ACROSS} Declare a comparability note to see levels (--note)")
    _refuse_wave(release, wave)
    if by == (SIDE, MEASURE):
        rows = differing.of_measures(release, side, wave, measures, pairs)
    else:
        cells = _of_side(_scored(release, by, measures), side)
        cells = cells[cells["wave"] == wave]
        rows = differing.of_cells(release, cells, by, pairs)
    return _compared(release, rows, adjust)


def between_sides(
    release: Release, *, wave: str, measures: Sequence[str], note: str, adjust: Judging = "holm"
) -> Compared:
    """Levels of two sides in one wave, under a declared note that stands on every row.

    Beside them stand the shares of interviews with an officer in sight, overheard and refused, where the release holds
    them; and where it does not, that is said.

    Raises
    ------
    RequestError
        There is no note.
    """
    if not note.strip():
        raise RequestError(f"{sentences.NO_LEVELS_ACROSS} Declare a comparability note to see levels (--note)")
    _refuse_wave(release, wave)
    cells = _scored(release, (SIDE,), measures)
    cells = cells[cells["wave"] == wave]
    rows = differing.of_cells(release, cells, (SIDE,), None)
    beside = sentences.told_beside(comparability.beside(release, wave), comparability.sides(release))
    return _compared(release, rows.assign(note=note.strip()), adjust, notes=(note.strip(), *beside))


def trend(
    release: Release, *, side: str, measures: Sequence[str], by: Facets = (SIDE,), adjust: Judging = "holm"
) -> Compared:
    """Slope a year of each score over all published waves, three or more; a cell that lacks one has no slope.

    Years are those declared with the waves, or the names of the waves where these are numbers. Where any two of the
    waves may not be compared, there is no slope.
    """
    times = years(release)
    waves = sorted(times, key=lambda wave: times[wave])
    if len(waves) < FEWEST:
        raise RequestError(f"a trend needs three waves, this release holds {len(waves)}; test their change")
    scores, keys = _of_side(_scored(release, by, measures), side), [*by, "measure"]
    cells = scores[keys].drop_duplicates().reset_index(drop=True)
    wide = {name: _wide(scores, cells, name, waves) for name in ("estimate", "se", "df", "n")}
    slopes = trend_of_figures(wide["estimate"], wide["se"], wide["df"], [times[wave] for wave in waves])
    rows = pd.concat([cells.assign(wave=waves[-1], since=waves[0]), slopes.assign(n=wide["n"].min(axis=1))], axis=1)
    rows = differing.rounded(
        release, differing.without(rows, rows["estimate"].isna(), "suppressed", "hidden_score"), more=1
    )
    pairs = list(combinations(waves, 2))
    if any(comparability.between(release, side=side, since=a, wave=b).status == "refused" for a, b in pairs):
        rows = differing.without(rows, rows[SIDE] == side, "undefined", results.NOT_COMPARABLE)
    notes = tuple(note for pair in pairs for note in comparability.notes(release, pair, side=side))
    return _compared(release, rows[["wave", "since", *keys, *FIGURES]], adjust, notes=notes)


def years(release: Release) -> Mapping[str, float]:
    """When each wave was, in years.

    Raises
    ------
    RequestError
        The name of a wave is no year, and none is declared for it.
    """
    given = declared.of(release).years
    unknown = [wave for wave in release.document.waves if wave not in given and not _is_number(wave)]
    if unknown:
        raise RequestError(f"when wave {unknown[0]!r} was is not known; declare its year in waves.toml")
    return {wave: given.get(wave) or float(wave) for wave in release.document.waves}


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _compared(
    release: Release,
    rows: pd.DataFrame,
    adjust: Judging,
    *,
    notes: tuple[str, ...] = (),
    margin: float | None = None,
) -> Compared:
    """Rows as one family, each with its verdict."""
    table = judged_together(rows.reset_index(drop=True), adjust=adjust, seed=SEED)
    if margin is not None:
        table = table.join(equivalence(table, margin=margin, adjust="holm" if adjust == "max-t" else adjust).round(6))
    ways = {one.code: one.direction for one in release.document.measures}
    codes = table["first"] if MEASURE in set(table.get("between", ())) else table["measure"]
    table = table.assign(verdict=verdict_of_change(table, codes.map(ways).to_numpy(dtype=object)))
    limits = [name for name in ("low_together", "high_together", "claimable") if name in table]
    table[limits] = table[limits].round(2)
    return Compared(results.shown_p(table), int(table["p"].notna().sum()), adjust, notes)


def _scored(release: Release, by: Facets, measures: Sequence[str]) -> pd.DataFrame:
    table = results.scored(release, by)
    for code in measures:
        if code not in set(table["measure"]):
            raise RequestError(f"measure {code!r} is not scored by {' '.join(by)}")
    return table[table["measure"].isin(measures)]


def _of_side(table: pd.DataFrame, side: str) -> pd.DataFrame:
    known = list(dict.fromkeys(table[SIDE]))
    if side not in known:
        raise RequestError(f"there is no side {side!r}; sides are {', '.join(known)}")
    return table[table[SIDE] == side].reset_index(drop=True)


def _refuse_wave(release: Release, wave: str) -> None:
    if wave not in release.document.waves:
        raise RequestError(f"there is no wave {wave!r}; waves are {', '.join(release.document.waves)}")


def _wide(scores: pd.DataFrame, cells: pd.DataFrame, name: str, waves: Sequence[str]) -> Floats:
    """One figure of each cell over the waves, NaN where there is none, shape (cells, waves)."""
    keys, places = list(cells.columns), pd.MultiIndex.from_frame(cells)
    return np.column_stack([scores[scores["wave"] == wave].set_index(keys)[name].reindex(places) for wave in waves])
