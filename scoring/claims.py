"""What may be said of an intervention: the effect with what speaks for and against it, or only how a post changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from scoring.compare import adjusted
from scoring.design import Integers
from scoring.effects import FEWEST, Effect, Flags, Panel, changes, effect
from scoring.errors import EstimationError, RequestError
from scoring.findings import Finding
from scoring.intervals import intervals
from scoring.pretrends import placebo

Verdict = Literal["none", "not_clear", "doubted", "higher", "lower"]
CLEAR = 0.05
DIFFERS = 0.1  # of the placebo: a test with little power should rather warn once too often
FEW = 4  # treated or untreated posts below which an interval leans on normal changes
MOST = 20_000  # assignments that are all gone through; of more, some are drawn
ROUGH = 1e-9  # share of the largest difference by which two assignments may miss being alike


@dataclass(frozen=True, slots=True)
class Randomised:
    """Chance of so large a difference had other posts been treated, were there no effect on any of them.

    Attributes
    ----------
    p : float
    smallest : float
        The smallest p that the number of posts allows: above 0.05 nothing could be found.
    assignments : int
        Ways to choose the treated posts, all gone through if `exact`, else as many as were drawn.
    exact : bool
    """

    p: float
    smallest: float
    assignments: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """What may be said of an intervention.

    Attributes
    ----------
    verdict : {"none", "not_clear", "doubted", "higher", "lower"}
        none       nothing on the intervention, only how posts changed
        not_clear  the difference between treated and untreated posts may be chance (p >= 0.05)
        doubted    it is clear, but treated posts were on another path before
        higher, lower   treated posts went up, or down, clearly more than the others
    effect : Effect or None
    randomised : Randomised or None
    placebo : DataFrame
        See `pretrends.placebo`.
    changes : DataFrame
        See `post_changes`.
    findings : tuple of Finding
        Codes: see `claim`.
    """

    verdict: Verdict
    effect: Effect | None
    randomised: Randomised | None
    placebo: pd.DataFrame
    changes: pd.DataFrame
    findings: tuple[Finding, ...]


def claim(
    panel: Panel,
    *,
    seed: int,
    waves: tuple[str, str] | None = None,
    within: Sequence[str] | None = None,
    level: float = 0.95,
) -> Claim:
    """What may be said of an intervention from scores of posts by wave, and what must be said with it.

    Parameters
    ----------
    panel : Panel
    seed : int
        Of the randomisation test, where assignments have to be drawn.
    waves : (str, str), optional
        From and to; by default `Panel.span`.
    within : sequence of str, length n, optional
        Side of each post, see `randomised`.
    level : float

    Returns
    -------
    Claim
        Findings that leave nothing to claim: `none_treated`, `one_treated`, `all_treated`, `one_untreated`. Warnings:
        `few_posts`, `coarse` (no assignment could have given p below 0.05), `randomisation_unclear` (the t test is
        clear, the randomisation test is not), `hidden_scores` (posts without a score in either wave),
        `treated_before`, `other_kind`, `staggered`, `no_earlier_waves`, `pretrend_differs` (a placebo with p adjusted
        below 0.1), `pretrend_open` (a placebo that may be as large as the effect).
    """
    since, wave = waves or (panel.span() if panel.treated.any() else (panel.waves[0], panel.waves[-1]))
    _, treated, rows = changes(panel, (since, wave))
    earlier = placebo(panel, level=level)
    own = post_changes(panel, waves=(since, wave), level=level)
    findings = [*_of_posts(panel, (since, wave), treated, rows)]
    if min(treated.sum(), (~treated).sum()) < FEWEST:
        return Claim("none", None, None, earlier, own, (*_of_too_few(treated, own), *findings))
    found = effect(panel, waves=(since, wave), level=level)
    chance = randomised(panel, seed=seed, waves=(since, wave), within=within)
    clear = found.p < CLEAR
    findings += _of_earlier(earlier, found)
    if chance.smallest >= CLEAR:
        findings.append(Finding("coarse", {"smallest": chance.smallest, "assignments": chance.assignments}))
    elif clear and chance.p >= CLEAR:
        findings.append(Finding("randomisation_unclear", {"p": chance.p, "assignments": chance.assignments}))
    doubted = any(finding.code == "pretrend_differs" for finding in findings)
    verdict: Verdict = (
        "not_clear" if not clear else "doubted" if doubted else "higher" if found.estimate > 0 else "lower"
    )
    return Claim(verdict, found, chance, earlier, own, tuple(findings))


def post_changes(panel: Panel, *, waves: tuple[str, str] | None = None, level: float = 0.95) -> pd.DataFrame:
    """Change of each post alone, by its design-based errors: says that a post changed, never why.

    Waves count as independent: fresh shifts, as in `compare.moves_between`.

    Parameters
    ----------
    panel : Panel
    waves : (str, str), optional
    level : float

    Returns
    -------
    DataFrame
        `post`, `treated`, `estimate`, `se`, `df` (Satterthwaite), `low`, `high`, `p`, `p_adjusted` (Holm over posts),
        `clear`; limits and p NaN where a post has one shift.
    """
    since, wave = waves or panel.span()
    _, treated, rows = changes(panel, (since, wave))
    pair = [panel.place(since), panel.place(wave)]
    score, se, df = (array[rows][:, pair] for array in (panel.score, panel.se, panel.df))
    value, variance = score[:, 1] - score[:, 0], se**2
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = variance.sum(axis=1) ** 2 / (variance**2 / df).sum(axis=1)
        known = (df > 0).all(axis=1) & (variance.sum(axis=1) > 0)
        error = np.where(known, np.sqrt(variance.sum(axis=1)), np.nan)
        freedom = np.where(known, freedom, np.nan)
        p = np.asarray(2 * stats.t.sf(np.abs(value) / error, freedom), dtype=np.float64)
    low, high = intervals(value, error, freedom, interval="t", level=level)
    table = pd.DataFrame({"post": np.array(panel.posts, dtype=object)[rows], "treated": treated, "estimate": value})
    table = table.assign(se=error, df=freedom, low=low, high=high, p=p, p_adjusted=adjusted(p, adjust="holm"))
    return table.assign(clear=table["p_adjusted"] < CLEAR)


def _of_too_few(treated: Flags, own: pd.DataFrame) -> list[Finding]:
    """Why nothing can be claimed."""
    count = int(treated.sum())
    if count == 0:
        return [Finding("none_treated", {"untreated": int(treated.size)})]
    if count == 1:
        row = own[own["treated"]].iloc[0]
        return [Finding("one_treated", {name: row[name] for name in ("post", "estimate", "low", "high", "p")})]
    if count == treated.size:
        return [Finding("all_treated", {"treated": count})]
    return [Finding("one_untreated", {"post": own[~own["treated"]].iloc[0]["post"], "treated": count})]


def _of_posts(panel: Panel, waves: tuple[str, str], treated: Flags, rows: Integers) -> list[Finding]:
    """Warnings from who was treated and who is seen."""
    first, second = (panel.place(wave) for wave in waves)
    names = np.array(panel.posts, dtype=object)
    before = panel.start <= first
    hidden = np.setdiff1d(np.flatnonzero(~before), rows)
    starts = np.unique(panel.start[rows][treated])
    found = []
    if hidden.size:
        missed = [str(name) for name in names[hidden]]
        of_treated = [str(name) for name in names[hidden[panel.start[hidden] <= second]]]
        found.append(Finding("hidden_scores", {"posts": tuple(missed), "treated": tuple(of_treated)}))
    if before.any():
        found.append(Finding("treated_before", {"posts": tuple(str(name) for name in names[before])}))
    if panel.aside:
        found.append(Finding("other_kind", {"posts": panel.aside}))
    if starts.size > 1:
        found.append(Finding("staggered", {"waves": tuple(panel.waves[start] for start in starts)}))
    fewest = min(int(treated.sum()), int((~treated).sum()))
    if FEWEST <= fewest < FEW:
        found.append(Finding("few_posts", {"treated": int(treated.sum()), "untreated": int((~treated).sum())}))
    return found


def _of_earlier(earlier: pd.DataFrame, found: Effect) -> list[Finding]:
    """Warnings from the waves before: none, a placebo that differs, or one that may be as large as the effect."""
    if earlier.empty:
        return [Finding("no_earlier_waves", {"since": found.since})]
    parts = ("since", "wave", "estimate", "low", "high", "p_adjusted")
    differing = earlier[earlier["p_adjusted"] < DIFFERS]
    if len(differing):
        return [Finding("pretrend_differs", {name: row[name] for name in parts}) for _, row in differing.iterrows()]
    largest = earlier[["low", "high"]].abs().max(axis=1).to_numpy()
    if largest.max() >= abs(found.estimate):
        row = earlier.iloc[int(largest.argmax())]
        return [Finding("pretrend_open", {name: row[name] for name in parts})]
    return []


def randomised(
    panel: Panel,
    *,
    seed: int,
    waves: tuple[str, str] | None = None,
    within: Sequence[str] | None = None,
    most: int = MOST,
) -> Randomised:
    """Randomisation test of no effect on any post: the difference in mean change over all choices of treated posts.

    Parameters
    ----------
    panel : Panel
    seed : int
        Of the draws, where there are more than `most` choices.
    waves : (str, str), optional
        As in `effect`.
    within : sequence of str, length n, optional
        Side of each post: choices keep the number treated on each.
    most : int
        Choices up to which all are gone through; of more, `most` - 1 are drawn and the actual one is added.

    Returns
    -------
    Randomised
        Two-sided. It holds where posts could have been chosen by lot; if they were not, it only describes.

    Notes
    -----
    Fisher (1935), The Design of Experiments; with draws, Phipson and Smyth (2010), Statistical Applications in
    Genetics and Molecular Biology 9, so that p is never 0.
    """
    change, treated, rows = changes(panel, waves or panel.span())
    if treated.all() or not treated.any():
        raise EstimationError("posts are all treated or all untreated; there is no other choice to compare with")
    if within is not None and len(within) != len(panel.posts):
        raise RequestError(f"within has {len(within)} sides; give one for each of the {len(panel.posts)} posts")
    side = np.zeros(rows.size, dtype=np.int64) if within is None else np.unique(np.asarray(within)[rows],
                                                                               return_inverse=True)[1]  # fmt: skip
    groups = [np.flatnonzero(side == name) for name in np.unique(side)]
    total = prod(comb(group.size, int(treated[group].sum())) for group in groups)
    chosen = _all(groups, treated) if total <= most else _drawn(groups, treated, most - 1, seed)
    count = treated.sum()
    gained = np.where(chosen, change, 0.0).sum(axis=1)
    difference = np.abs(gained / count - (change.sum() - gained) / (rows.size - count))
    actual, largest = difference[0], difference.max()
    near = ROUGH * max(largest, 1e-300)
    # of drawn choices the rarest p is that of the actual one alone
    smallest = float((difference >= largest - near).mean()) if total <= most else 1 / len(chosen)
    return Randomised(float((difference >= actual - near).mean()), smallest, len(chosen), total <= most)


def _all(groups: list[Integers], treated: Flags) -> Flags:
    """Every choice, the actual one first, shape (choices, n)."""
    ways = [list(combinations(group, int(treated[group].sum()))) for group in groups]
    places = np.array([[place for part in choice for place in part] for choice in product(*ways)])
    chosen = np.zeros((len(places), treated.size), dtype=np.bool_)
    np.put_along_axis(chosen, places, np.True_, axis=1)
    return np.concatenate([treated[None], chosen[(chosen != treated).any(axis=1)]])


def _drawn(groups: list[Integers], treated: Flags, count: int, seed: int) -> Flags:
    """The actual choice, and others drawn with it kept within groups."""
    rng = np.random.Generator(np.random.PCG64(seed))
    chosen = np.tile(treated, (count + 1, 1))
    for group in groups:
        chosen[1:, group] = rng.permuted(chosen[1:, group], axis=1)
    return chosen
