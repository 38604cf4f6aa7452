"""Views of a release: every figure that a page, a command or an export shows is a row of its document."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.workflow import comparability
from app.workflow.describing import SIDE
from app.workflow.document import Cut, Facets, Measure, Release
from app.workflow.publishing import NARROW_BANDS
from app.workflow.reducing import ENGINE
from app.workflow.shelf import SurveyInfo, facts
from scoring.compare import CLEAR, Adjust, adjusted
from scoring.errors import EstimationError, RequestError

__all__ = [
    "ENGINE",
    "SIDE",
    "Cut",
    "Measure",
    "Release",
    "SurveyInfo",
    "View",
    "explore",
    "moved",
    "scorecard",
    "scored",
    "shown_p",
    "tested",
    "trends",
]

SMALLEST_P = 0.001  # shown for anything smaller: no p-value is 0
NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True, slots=True)
class View:
    """A masked result with what a reader must know beside it.

    `table` has the columns of the contract (and `low_80` ... `high_50` in Explore); `moves` those of a change;
    `comments` are those of the agencies, in words, each with its day; `notes` say of each side whose waves are not
    compared, or are bridged, why.
    """

    table: pd.DataFrame
    moves: pd.DataFrame
    note: dict[str, str]
    synthetic: bool
    comments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def explore(release: Release, *, by: Facets, wave: str | None = None, side: str | None = None) -> View:
    """Every measure by one facet set, of one published wave and one side where named, with graded intervals."""
    table = scored(release, by)
    for column, value in (("wave", wave), (SIDE, side)):
        if value is not None:
            table = table[table[column] == value]
    return _view(release, table=table.reset_index(drop=True))


def trends(release: Release, *, by: Facets, codes: tuple[str, ...] | None = None) -> View:
    """Headline measures (or those named) over the published waves and their changes, each against its own past.

    The family of the Holm adjustment is every row of `moves`: the last wave against the first, all these measures, all
    cells of both sides. `moved` with the same measures and waves gives the same verdicts.
    """
    table = scored(release, by).drop(columns=list(NARROW_BANDS))
    headline = [measure.code for measure in release.document.measures if measure.headline]
    shown = set(table["measure"])
    wanted = [code for code in codes or headline if code in shown]
    table = table[table["measure"].isin(wanted)].reset_index(drop=True)
    waves = sorted(table["wave"].unique())
    if not waves[1:]:
        return _view(release, table=table)
    pair = waves[0], waves[-1]
    return _view(release, table=table, moves=_moves(release, wanted, pair, by), pair=pair)


def scorecard(release: Release, *, by: Facets) -> View:
    """Scores of every published wave by one facet set, for the terminal and exports."""
    return _view(release, table=scored(release, by).drop(columns=list(NARROW_BANDS)))


def moved(
    release: Release, *, measures: Sequence[str], waves: tuple[str, str], by: Facets, adjust: Adjust = "holm"
) -> View:
    """Changes between two published waves; the family of the adjustment is every row."""
    return _view(release, moves=_moves(release, measures, waves, by, adjust=adjust), pair=waves)


def tested(release: Release, measures: Sequence[str], waves: tuple[str, str], by: Facets) -> pd.DataFrame:
    """Changes between two published waves, each with its own p, unrounded and not adjusted: for any stated family.

    Returns
    -------
    DataFrame
        Rows of changes in the order of the scores, hidden ones included, and `differs` and `bridge`: what differs in
        how the two waves were made, and why they are compared all the same, in words, "" where there is nothing to
        say. Where the waves of a side may not be compared, its figures and p are NaN and its reason `not_comparable`.

    Raises
    ------
    RequestError
        A measure is not scored by these facets, or the waves are not two published ones.
    """
    _refuse_unknown(release, measures, waves, by)
    forward = tuple(sorted(waves))
    table = release.document.moves[by]
    table = table[(table["since"] == forward[0]) & (table["wave"] == forward[1]) & table["measure"].isin(measures)]
    if waves != forward:
        table = _turned(table)
    scores = scored(release, by)
    cells = scores.loc[scores["measure"].isin(measures), [*by, "measure", "wave"]]
    both = cells[cells["wave"] == waves[0]].merge(cells[cells["wave"] == waves[1]], on=[*by, "measure"])
    rows = both[[*by, "measure"]].merge(table.drop(columns=["wave", "since"]), on=[*by, "measure"], how="left")
    hidden = rows["status"].isna()
    rows = rows.assign(wave=waves[1], since=waves[0])
    rows["status"] = rows["status"].fillna("suppressed")
    rows["reason"] = rows["reason"].where(~hidden, "hidden_score")
    rows = _compared(release, rows, waves)
    front = ["wave", *by, "measure"]
    back = ["since", "differs", "bridge", "p"]
    return rows[[*front, *(name for name in rows.columns if name not in (*front, *back)), *back]].reset_index(drop=True)


def _refuse_unknown(release: Release, measures: Sequence[str], waves: tuple[str, str], by: Facets) -> None:
    known = {measure.code for measure in release.document.measures}
    shown = set(scored(release, by)["measure"])
    for code in measures:
        if code not in known or code not in shown:
            raise RequestError(f"measure {code!r} is not scored by {' '.join(by)}")
    if waves[0] == waves[1] or not set(waves) <= set(release.document.waves):
        names = ", ".join(release.document.waves)
        raise RequestError(f"name two different published waves; they are {names}")


def scored(release: Release, by: Facets) -> pd.DataFrame:
    """Published scores by one facet set, as they stand in the document."""
    if by[:1] != (SIDE,):
        raise RequestError(f"results are given a side at a time: start with {SIDE!r}, as in --by {SIDE},post")
    known = release.document.scores
    if by not in known:
        names = "; ".join(" ".join(facets) for facets in known)
        raise EstimationError(f"no table by {' '.join(by)!r} is published; there are: {names}")
    return known[by]


def _moves(
    release: Release, measures: Sequence[str], waves: tuple[str, str], by: Facets, *, adjust: Adjust = "holm"
) -> pd.DataFrame:
    """Rows of `tested`, adjusted as one family, p as it is shown."""
    rows = tested(release, measures, waves, by)
    rows["p_adjusted"] = adjusted(rows["p"].to_numpy(dtype=float), adjust=adjust)
    rows["clear"] = rows["p_adjusted"] < CLEAR
    return shown_p(rows)


def shown_p(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows with p-values as they are shown: three decimals, never 0."""
    names = [name for name in ("p", "p_adjusted", "p_equivalent") if name in rows]
    return rows.assign(**{name: rows[name].round(3).clip(lower=SMALLEST_P) for name in names})


def _compared(release: Release, rows: pd.DataFrame, waves: tuple[str, str]) -> pd.DataFrame:
    """Rows with what differs between the waves of their side; without figures where that may not be compared."""
    rows = rows.assign(differs="", bridge="")
    figures = [name for name in rows.columns if str(rows[name].dtype) == "float64"]
    for side in dict.fromkeys(rows[SIDE]):
        found = comparability.between(release, side=side, since=waves[0], wave=waves[1])
        own = rows[SIDE] == side
        rows.loc[own, ["differs", "bridge"]] = comparability.in_words(found)
        if found.status == "refused":
            rows.loc[own, figures] = np.nan
            rows.loc[own, ["status", "reason"]] = ["undefined", NOT_COMPARABLE]
    return rows


def _turned(table: pd.DataFrame) -> pd.DataFrame:
    """The same changes told backwards."""
    return table.assign(estimate=0.0 - table["estimate"], low=0.0 - table["high"], high=0.0 - table["low"])


def _view(
    release: Release,
    *,
    table: pd.DataFrame | None = None,
    moves: pd.DataFrame | None = None,
    pair: tuple[str, str] | None = None,
) -> View:
    return View(
        pd.DataFrame() if table is None else table,
        pd.DataFrame() if moves is None else moves,
        dict(facts(release)),
        release.document.synthetic,
        tuple(f"Comment of {one['agency']}, {one['at'][:10]}: {one['text']}" for one in release.comments),
        comparability.notes(release, pair) if pair else (),
    )
