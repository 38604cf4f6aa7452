"""What leadership reads on one page: few figures of a side, what changed for certain, what was agreed.

Every change that the page shows, of the figures, of the posts and of the commitments, of both sides, is judged in one
family, so that of twenty pages without any true difference at most one claims something.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.workflow import agreed, comparability, composing, results
from app.workflow.describing import SIDE
from app.workflow.document import Facets, Release
from scoring.commitments import Progress
from scoring.compare import judged_together
from scoring.verdicts import change_of_figures, verdict_of_change

POSTS: Facets = (SIDE, "post")
HOURS, BRIBES = "wait_hours", "bribery"
#: Of changes, of places apart from their side, of the weakest link: together false on less than one page in twenty, as
#: benchmarks/claims.py measures.
ALPHA = 0.03
MEDIAN, MOST = 0.5, 0.9  # of the hours: half of the users waited less, nine in ten
HOURS_PLACES = 1  # to which quantiles are published


@dataclass(frozen=True, slots=True)
class Overview:
    """One side of a release as leadership reads it.

    Attributes
    ----------
    since, wave : str
        First and last wave.
    scores : DataFrame
        Headline figures over the waves, contract's columns. Hours are the median where the release holds it, else the
        mean: see `median`.
    moves : DataFrame
        Changes from the first wave to the last: `measure`, `post` ("" of the whole side), the contract's figures,
        `p_adjusted`, `clear` and `verdict` (`composition` where only other people came). Empty while there is one wave.
    family : int
        How many changes were judged together, on the pages of both sides.
    median : bool
        Whether the hours are a median.
    most : mapping of wave to float
        Hours within which nine users in ten had crossed.
    reach : mapping of wave to (floor, ceiling)
        Percent asked or paid, if all who did not answer were not, and if all were.
    fixed : mapping of measure to float
        Change of the headline indices had the mix of users stayed as it was in the first wave.
    commitments : tuple of Progress
    notes : tuple of str
        What is to be said of comparisons that were refused or bridged.
    """

    since: str
    wave: str
    scores: pd.DataFrame
    moves: pd.DataFrame
    family: int
    median: bool
    most: Mapping[str, float]
    reach: Mapping[str, tuple[float, float]]
    fixed: Mapping[str, float]
    commitments: tuple[Progress, ...]
    notes: tuple[str, ...]


def overview(release: Release, *, side: str) -> Overview:
    """One side of a release, judged with the other."""
    waves = sorted(release.document.waves)
    since, wave = waves[0], waves[-1]
    moves = _changes(release, since, wave) if waves[1:] else pd.DataFrame()
    promised = agreed.tested(release) if waves[1:] else pd.DataFrame()
    scores = _scores(release, side)
    hours = _quantiles(release, side)
    median = _is_median(release)
    if median:
        scores = _with_median(scores, hours)
    return Overview(
        since=since,
        wave=wave,
        scores=scores,
        moves=_judged(release, moves, _unlike(promised, moves), side),
        family=_counted(moves) + _counted(_unlike(promised, moves)),
        median=median,
        most=_of_last(hours[hours["q"] == MOST]) if len(hours) else {},
        reach=_reach(release, side),
        fixed=_at_fixed_mix(release, side, since, wave),
        commitments=agreed.commitments(release, side=side, beside=_unlike(moves, promised), alpha=ALPHA)
        if waves[1:]
        else (),
        notes=comparability.notes(release, (since, wave), side=side) if waves[1:] else (),
    )


def _headline(release: Release) -> list[str]:
    shown = set(release.document.scores[(SIDE,)]["measure"])
    return [one.code for one in release.document.measures if one.headline and one.code in shown]


def _scores(release: Release, side: str) -> pd.DataFrame:
    table = results.trends(release, by=(SIDE,)).table
    return table[table[SIDE] == side].reset_index(drop=True)


def _changes(release: Release, since: str, wave: str) -> pd.DataFrame:
    """Every change that the pages of both sides show, each with its own p."""
    codes, pair = _headline(release), (since, wave)
    whole = results.tested(release, codes, pair, (SIDE,)).assign(post="")
    if _is_median(release):
        whole = pd.concat([whole[whole["measure"] != HOURS], _median_moves(release, whole, since, wave)])
    parts = [whole]
    if POSTS in release.document.scores:
        indices = [one.code for one in release.document.measures if one.level == "index"]
        known = set(release.document.scores[POSTS]["measure"])
        parts.append(results.tested(release, [code for code in codes if code in known & set(indices)], pair, POSTS))
    return pd.concat(parts, ignore_index=True)


def _judged(release: Release, moves: pd.DataFrame, promised: pd.DataFrame, side: str) -> pd.DataFrame:
    """Changes of one side with their verdicts, judged in the family of all."""
    if moves.empty:
        return moves
    together = judged_together(pd.concat([moves, promised], ignore_index=True), adjust="holm", alpha=ALPHA).head(
        len(moves)
    )
    own = together[together[SIDE] == side].reset_index(drop=True)
    directions = {one.code: one.direction for one in release.document.measures}
    own["verdict"] = verdict_of_change(own, own["measure"].map(directions).to_numpy(dtype=object))
    pair = str(own["since"].iloc[0]), str(own["wave"].iloc[0])
    mixed = own["measure"].isin(composing.only_mix(release, side=side, waves=pair)) & (own["post"] == "")
    own.loc[mixed & own["clear"], "verdict"] = "composition"
    return own


def _unlike(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Rows that are not among the others too: what was agreed is often the change of a post, and is tested once."""
    if rows.empty or others.empty:
        return rows
    same = [SIDE, "measure", "since", "wave", "estimate", "p"]
    known = set(others[same].astype({SIDE: "str"}).itertuples(index=False, name=None))
    return rows[[one not in known for one in rows[same].astype({SIDE: "str"}).itertuples(index=False, name=None)]]


def _counted(rows: pd.DataFrame) -> int:
    return int(rows["p"].notna().sum()) if len(rows) else 0


def _quantiles(release: Release, side: str | None = None) -> pd.DataFrame:
    table = release.document.studies.get("quantiles", pd.DataFrame(columns=["wave", SIDE, "measure", "q", "estimate"]))
    own = table[table["measure"] == HOURS]
    return own if side is None else own[own[SIDE] == side]


def _is_median(release: Release) -> bool:
    """Whether the median of the hours is known for every side and wave that shows the mean."""
    table = release.document.scores[(SIDE,)]
    mean = table[(table["measure"] == HOURS) & table["estimate"].notna()]
    own = _quantiles(release)
    known = set(own.loc[own["q"] == MEDIAN, ["wave", SIDE]].itertuples(index=False, name=None))
    return len(mean) > 0 and set(mean[["wave", SIDE]].astype(str).itertuples(index=False, name=None)) <= known


def _with_median(scores: pd.DataFrame, hours: pd.DataFrame) -> pd.DataFrame:
    """The hours of each wave as medians, where the mean is shown."""
    half = hours[hours["q"] == MEDIAN].set_index("wave")
    own = (scores["measure"] == HOURS) & scores["estimate"].notna()
    out = scores.assign(places=np.where(own, HOURS_PLACES, np.nan))
    for name in ("estimate", "se", "df", "low", "high", "n"):
        out.loc[own, name] = half[name].reindex(out.loc[own, "wave"]).to_numpy(dtype=np.float64)
    return out


def _median_moves(release: Release, whole: pd.DataFrame, since: str, wave: str) -> pd.DataFrame:
    """Change of the median of each side, in place of that of the mean; none where that is refused or hidden."""
    own = whole[whole["measure"] == HOURS].reset_index(drop=True)
    table = _quantiles(release)
    half = table[table["q"] == MEDIAN].set_index(["wave", SIDE])[["estimate", "se", "df"]]
    ends = [
        half.reindex([(name, str(side)) for side in own[SIDE]]).to_numpy(dtype=np.float64) for name in (since, wave)
    ]
    found = change_of_figures(*ends)
    shown = own["estimate"].notna()
    for name in ("estimate", "se", "df", "low", "high", "p"):
        own[name] = found[name].where(shown)
    return own.assign(places=HOURS_PLACES)


def _of_last(rows: pd.DataFrame) -> dict[str, float]:
    return {str(row["wave"]): float(row["estimate"]) for row in rows.to_dict("records")}


def _study(release: Release, name: str, side: str) -> list[dict[Any, Any]]:
    table = release.document.studies.get(name, pd.DataFrame())
    return table[table[SIDE] == side].to_dict("records") if len(table) else []


def _reach(release: Release, side: str) -> dict[str, tuple[float, float]]:
    return {
        str(row["wave"]): (float(row["floor"]), float(row["ceiling"]))
        for row in _study(release, "ranges", side)
        if row["measure"] == BRIBES and pd.notna(row["floor"])
    }


def _at_fixed_mix(release: Release, side: str, since: str, wave: str) -> dict[str, float]:
    return {
        str(row["measure"]): float(row["estimate"])
        for row in _study(release, "composition", side)
        if (row["since"], row["wave"], row["part"]) == (since, wave, "fixed_mix") and pd.notna(row["estimate"])
    }
