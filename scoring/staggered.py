"""Interventions that came to posts in different waves: effects by cohort and wave, and what they add up to.

A cohort is the posts that start in one wave. Each is compared only with posts not treated yet, so that no treated post
serves as a control, as in two-way fixed effects it does.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import stats

from scoring.design import Floats, Integers
from scoring.effects import Effect, Panel, changes, cr2, judged, refuse_few
from scoring.errors import EstimationError, RequestError
from scoring.intervals import intervals

Controls = Literal["not_yet", "never"]
By = Literal["cell", "time", "cohort", "wave", "overall"]


@dataclass(frozen=True, slots=True)
class Linear:
    """Estimates that are linear in means of independent groups of posts, and so anything linear in them.

    Attributes
    ----------
    values : ndarray of float, shape (m,)
    parts : ndarray of float, shape (K, m, m)
        Covariance that each group brings.
    df : ndarray of float, shape (K,)
        Degrees of freedom of each group; inf where its covariance is known.
    """

    values: Floats
    parts: Floats
    df: Floats

    def of(self, weights: Floats) -> "Linear":
        """Weighted sums of the estimates; weights (r, m)."""
        return Linear(weights @ self.values, weights @ self.parts @ weights.T, self.df)

    def errors(self) -> tuple[Floats, Floats]:
        """Standard errors and Satterthwaite's df ``(sum v_k)^2 / sum (v_k^2 / df_k)``, 0 without variance; (m,)."""
        v = np.maximum(np.diagonal(self.parts, axis1=1, axis2=2), 0.0)
        total = v.sum(axis=0)
        below = (v**2 / self.df[:, None]).sum(axis=0)
        df = np.divide(total**2, below, out=np.full(total.shape, np.inf), where=below > 0)
        return np.sqrt(total), np.where(total > 0, df, 0.0)


@dataclass(frozen=True, slots=True)
class Cohorts:
    """Effects by cohort and wave.

    Attributes
    ----------
    cells : DataFrame
        `cohort` and `wave` (names), `time` (waves since the intervention, 0 the first after it, before it negative),
        `treated`, `untreated` (posts).
    found : Linear
        Their estimates, in points.
    left_out : tuple of str
        Posts treated before the first wave, or without a score in some wave.
    borrowed : tuple of str
        Cohorts of one post, whose variance is that within the others.
    """

    cells: pd.DataFrame
    found: Linear
    left_out: tuple[str, ...]
    borrowed: tuple[str, ...]


def two_way(panel: Panel, *, waves: tuple[str, str] | None = None, level: float = 0.95) -> Effect:
    """Effect by post and wave effects, least squares over all cells; sandwich CR2 by post, df of Bell and McCaffrey.

    Parameters
    ----------
    panel : Panel
    waves : (str, str), optional
        First and last of the waves used; by default all.

    Returns
    -------
    Effect
        Where cohorts differ in their effects, a weighted mean of them in which weights can be negative: see `cohorts`.

    Notes
    -----
    Pustejovsky and Tipton (2018), Journal of Business & Economic Statistics 36, 672-683: post effects taken out
    beforehand change neither errors nor df, the working model being that of independent errors.
    """
    since, wave = waves or (panel.waves[0], panel.waves[-1])
    _, treated, rows = changes(panel, (since, wave))
    refuse_few(treated)
    first = panel.place(since)
    score = panel.score[rows, first : panel.place(wave) + 1]
    post, column = np.nonzero(np.isfinite(score))
    seen = np.unique(column)
    y = score[post, column]
    x = np.column_stack([column[:, None] == seen[1:], column + first >= panel.start[rows][post]]).astype(np.float64)
    inside = (post[:, None] == post) / np.bincount(post)[post]
    x, y = x - inside @ x, y - inside @ y
    found = cr2(x, y, post.astype(np.int64), contrast=np.eye(x.shape[1])[-1])
    return judged((since, wave), "two_way", found, treated, level=level)


def cohorts(panel: Panel, *, controls: Controls = "not_yet") -> Cohorts:
    """Effect on each cohort g in each wave t: its mean change since wave g - 1 less that of posts not treated by then.

    ``ATT(g, t) = mean_g (Y_t - Y_{g-1}) - mean_C (Y_t - Y_{g-1})``, C the posts whose start is after both t and g - 1
    (or never). Before g it is a placebo.

    Parameters
    ----------
    panel : Panel
    controls : {"not_yet", "never"}

    Returns
    -------
    Cohorts

    Raises
    ------
    EstimationError
        No cohort has controls, or every cohort is a single post.

    Notes
    -----
    Callaway and Sant'Anna (2021), Journal of Econometrics 225, 200-230, without covariates; base period universal, R
    `did`. Their variance is that of the influence functions, which here are deviations from the mean of the post's own
    cohort (or of the never treated); with so few posts it is taken with n_k - 1 and Satterthwaite's df, so that one
    cohort gives Welch's t. Sizes of cohorts count as given: the effect is on these posts.
    """
    if controls not in get_args(Controls):
        raise RequestError(f"controls is {controls!r}; it may be {', '.join(get_args(Controls))}")
    kept = np.isfinite(panel.score).all(axis=1) & (panel.start > 0)
    start, count = panel.start[kept], len(panel.waves)
    groups = np.unique(start)
    sizes = np.array([(start == group).sum() for group in groups])
    means, borrowed = _means(panel.score[kept], start, groups, sizes)
    rows, weights = [], []
    for place, group in enumerate(groups[groups < count]):
        for wave in range(count):
            after = groups == count if controls == "never" else groups > max(wave, group - 1)
            after &= np.arange(groups.size) != place
            if wave == group - 1 or not after.any():
                continue
            share = np.where(after, sizes, 0) / sizes[after].sum()
            turned = -share + (np.arange(groups.size) == place)
            weights.append(np.outer(turned, np.eye(count)[wave] - np.eye(count)[group - 1]).ravel())
            rows.append((panel.waves[group], panel.waves[wave], wave - group, sizes[place], sizes[after].sum()))
    if not rows:
        raise EstimationError("no cohort has posts to be compared with; say only how each post changed")
    return Cohorts(
        cells=pd.DataFrame(rows, columns=["cohort", "wave", "time", "treated", "untreated"]),
        found=means.of(np.array(weights)),
        left_out=tuple(post for post, whole in zip(panel.posts, kept, strict=True) if not whole),
        borrowed=tuple(panel.waves[group] if group < count else "never" for group in groups[borrowed]),
    )


def _means(score: Floats, start: Integers, groups: Integers, sizes: Integers) -> tuple[Linear, Integers]:
    """Means of each group in each wave, with their covariance; and the places of groups of one post.

    A lone post has the covariance within the other groups together, its df theirs.
    """
    waves = score.shape[1]
    spare = int((sizes - 1).sum())
    if groups.size and spare == 0:
        raise EstimationError("every cohort is a single post, so that posts have no spread; say only how each changed")
    means = np.array([score[start == group].mean(axis=0) for group in groups]).reshape(groups.size, waves)
    deviations = score - means[np.searchsorted(groups, start)]
    pooled = deviations.T @ deviations / max(spare, 1)
    parts = np.zeros((groups.size, groups.size * waves, groups.size * waves))
    for place, group in enumerate(groups):
        own = deviations[start == group]
        covariance = own.T @ own / (len(own) - 1) if len(own) > 1 else pooled
        block = slice(place * waves, (place + 1) * waves)
        parts[place, block, block] = covariance / len(own)
    df = np.where(sizes > 1, sizes - 1, spare).astype(np.float64)
    return Linear(means.ravel(), parts, df), np.flatnonzero(sizes == 1).astype(np.int64)


def aggregated(found: Cohorts, *, by: By) -> tuple[pd.DataFrame, Linear]:
    """Effects by cohort and wave averaged with the sizes of cohorts.

    Parameters
    ----------
    found : Cohorts
    by : {"cell", "time", "cohort", "wave", "overall"}
        time      by waves since the intervention, before it too (the event picture)
        cohort    over its waves after the intervention
        wave      over the cohorts treated by then
        overall   over all treated cells

    Returns
    -------
    DataFrame, Linear
        Labels of the averages, and the averages.
    """
    if by not in get_args(By):
        raise RequestError(f"by is {by!r}; it may be {', '.join(get_args(By))}")
    cells = found.cells
    if by == "cell":
        return cells[["cohort", "wave", "time"]], found.found
    used = np.ones(len(cells), dtype=np.bool_) if by == "time" else (cells["time"] >= 0).to_numpy()
    label = np.zeros(len(cells)) if by == "overall" else cells[by].to_numpy()
    names = np.sort(pd.unique(label[used])) if by == "time" else pd.unique(label[used])
    weights = (label == names[:, None]) * used * cells["treated"].to_numpy(dtype=np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    labels = pd.DataFrame(index=range(len(names))) if by == "overall" else pd.DataFrame({by: names})
    return labels, found.found.of(weights)


def effects_by(panel: Panel, *, by: By = "time", controls: Controls = "not_yet", level: float = 0.95) -> pd.DataFrame:
    """Table of effects of an intervention by time since it (the event picture), cohort, wave, or overall.

    Parameters
    ----------
    panel : Panel
    by : {"time", "cell", "cohort", "wave", "overall"}
        See `aggregated`.
    controls : {"not_yet", "never"}
    level : float

    Returns
    -------
    DataFrame
        Labels, `estimate`, `se`, `df`, `low`, `high`, `p`. By time, -1 is the reference and has no row.
    """
    labels, found = aggregated(cohorts(panel, controls=controls), by=by)
    se, df = found.errors()
    low, high = intervals(found.values, se, df, interval="t", level=level)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * stats.t.sf(np.abs(found.values) / se, df)
    return labels.assign(estimate=found.values, se=se, df=df, low=low, high=high, p=p)
