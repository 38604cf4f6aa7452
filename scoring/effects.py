"""Did a training, equipment or a procedure move a score? Inference from posts, which are few, not from respondents.

Posts were treated, not respondents: whatever else befell a treated post between two waves looks like the effect. So the
spread of changes between posts, which holds sampling and shocks alike, is what a difference is measured by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, stats

from scoring.design import Floats, Integers
from scoring.errors import EstimationError, RequestError
from scoring.intervals import intervals

Flags = npt.NDArray[np.bool_]
Method = Literal["posts", "precision", "two_way"]
FEWEST = 2  # posts of a kind, treated or not, below which their changes have no spread
ROUGH = 1e-9  # an eigenvalue of a part of a projection below which it is 0


@dataclass(frozen=True, slots=True)
class Panel:
    """Scores of posts by wave, and the wave from which on each post had the intervention.

    Attributes
    ----------
    posts : tuple of str, length n
    waves : tuple of str, length T
        In their order in time.
    score, se, df : ndarray of float, shape (n, T)
        Estimates with their design-based standard errors and degrees of freedom; NaN where hidden.
    start : ndarray of int, shape (n,)
        Place of the first wave after the intervention; 0 where it came before all waves, T where it never came.
    aside : tuple of str
        Posts left out because they had another kind of intervention.
    """

    posts: tuple[str, ...]
    waves: tuple[str, ...]
    score: Floats
    se: Floats
    df: Floats
    start: Integers
    aside: tuple[str, ...] = ()

    @property
    def treated(self) -> Flags:
        """Posts that had the intervention between the first and the last wave."""
        return (self.start > 0) & (self.start < len(self.waves))

    def place(self, wave: str) -> int:
        """Place of a wave. Raises RequestError where there is none of that name."""
        if wave not in self.waves:
            raise RequestError(f"there is no wave {wave!r}; waves are {', '.join(self.waves)}")
        return self.waves.index(wave)

    def span(self) -> tuple[str, str]:
        """The last wave before any intervention, and the last of all: the longest change that tells of it."""
        if not self.treated.any():
            raise EstimationError("no post had the intervention between two waves; nothing can be compared")
        return self.waves[int(self.start[self.treated].min()) - 1], self.waves[-1]


@dataclass(frozen=True, slots=True)
class Effect:
    """Difference in mean change between treated and untreated posts, in points of the score."""

    since: str
    wave: str
    method: Method
    estimate: float
    se: float
    df: float
    low: float
    high: float
    p: float
    treated: int
    untreated: int


def panel(
    scores: pd.DataFrame,
    interventions: pd.DataFrame,
    *,
    waves: Sequence[str] | Mapping[str, str],
    until: Mapping[str, str] | None = None,
    kind: str | None = None,
) -> Panel:
    """Posts by waves from result rows of one measure and the table of interventions.

    Parameters
    ----------
    scores : DataFrame
        Rows of the contract by `post`; masked figures are NaN.
    interventions : DataFrame
        `post`, `kind`, and either `wave` (the first after it) or `date` (ISO). Of several of a post the first counts.
    waves : sequence of str, or mapping of str to str
        Waves in order; with dates the first day of fieldwork of each (ISO). A wave that began on the day of the
        intervention or later comes after it.
    until : mapping of str to str, optional
        Last days. A wave in whose fieldwork the intervention fell is neither before nor after: its score of that post
        is not used.
    kind : str, optional
        Needed where the table holds several kinds; posts with only another kind are put aside, being no plain controls.

    Returns
    -------
    Panel

    Raises
    ------
    RequestError
        Columns are missing, kinds or measures are mixed, a cell stands twice, or a post or wave is not known.
    """
    _refuse_unfit(scores, interventions, kind)
    order = tuple(waves)
    tables = [
        scores.pivot(index="post", columns="wave", values=name).reindex(columns=list(order))  # noqa: PD010
        for name in ("estimate", "se", "df")
    ]
    posts = tuple(str(name) for name in tables[0].index)
    unknown = [name for name in interventions["post"] if name not in posts]
    if unknown:
        raise RequestError(f"post {unknown[0]!r} of the interventions has no scores; posts are {', '.join(posts)}")
    chosen = interventions if kind is None else interventions[interventions["kind"] == kind]
    aside = sorted(set(interventions["post"]) - set(chosen["post"]))
    score, se, df = (table.to_numpy(dtype=np.float64, na_value=np.nan).copy() for table in tables)
    start = np.full(len(posts), len(order))
    for post, when in _first(chosen):
        row = posts.index(post)
        start[row], amid = _started(when, waves, until) if "date" in chosen else (_known(when, order), [])
        score[row, amid] = np.nan
    kept = np.array([post not in aside for post in posts])
    names = tuple(post for post in posts if post not in aside)
    return Panel(names, order, score[kept], se[kept], df[kept], start[kept].astype(np.int64), tuple(aside))


def _refuse_unfit(scores: pd.DataFrame, interventions: pd.DataFrame, kind: str | None) -> None:
    for name in ("post", "wave", "estimate", "se", "df"):
        if name not in scores:
            raise RequestError(f"scores have no column {name!r}; give rows of one measure by post")
    if "post" not in interventions or not {"date", "wave"} & set(interventions.columns):
        raise RequestError("interventions lack a column; give post, kind, and date or wave")
    if scores.duplicated(["post", "wave"]).any():
        raise RequestError("a post stands twice in a wave; give the rows of one measure, by post alone")
    kinds = sorted(interventions["kind"].unique()) if "kind" in interventions else []
    if kind is None and len(kinds) > 1:
        raise RequestError(f"interventions are of several kinds ({', '.join(kinds)}); name the kind to be judged")
    if kind is not None and kind not in kinds:
        raise RequestError(f"no intervention is of kind {kind!r}; kinds are {', '.join(kinds) or 'not given'}")


def _first(chosen: pd.DataFrame) -> list[tuple[str, str]]:
    """First intervention of each post: earliest date, or the wave as it stands."""
    column = "date" if "date" in chosen else "wave"
    return [(str(post), str(when)) for post, when in chosen.groupby("post")[column].min().items()]


def _known(wave: str, order: tuple[str, ...]) -> int:
    if wave not in order:
        raise RequestError(f"wave {wave!r} of the interventions is not known; waves are {', '.join(order)}")
    return order.index(wave)


def _started(
    when: str, waves: Sequence[str] | Mapping[str, str], until: Mapping[str, str] | None
) -> tuple[int, list[int]]:
    """Place of the first wave after a day, and places of waves in whose fieldwork it fell."""
    if not isinstance(waves, Mapping):
        raise RequestError("interventions have dates; give the first day of each wave, as a mapping")
    day, ends = _day(when), until or {}
    later = [place for place, first in enumerate(waves.values()) if _day(first) >= day]
    amid = [
        place
        for place, (wave, first) in enumerate(waves.items())
        if wave in ends and _day(first) < day <= _day(ends[wave])
    ]
    return min(later, default=len(waves)), amid


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RequestError(f"{text!r} is no date; write the year, month and day as 2026-05-04") from None


def effect(
    panel: Panel, *, waves: tuple[str, str] | None = None, method: Method = "posts", level: float = 0.95
) -> Effect:
    """Difference in mean change between posts treated between two waves and posts not treated by the later one.

    Parameters
    ----------
    panel : Panel
    waves : (str, str), optional
        From and to; by default `Panel.span`.
    method : {"posts", "precision"}
        posts      means of post changes, ``se^2 = s1^2 / n1 + s0^2 / n0``, Welch's df.
        precision  means weighted by ``1 / (v_i + tau^2)``: v the sampling variance of a change, tau^2 that of shocks
                   (`shock_variance`); sandwich CR2 with the df of Bell and McCaffrey.
    level : float

    Returns
    -------
    Effect

    Raises
    ------
    EstimationError
        Fewer than two posts of either kind have the scores.

    Notes
    -----
    Welch (1947), Biometrika 34; Bell and McCaffrey (2002), Survey Methodology 28; Imbens and Kolesar (2016), Review of
    Economics and Statistics 98 (their df for two groups is that of "precision" with equal weights).
    """
    if method not in ("posts", "precision"):
        raise RequestError(
            f"method is {method!r}; it may be posts or precision, and `staggered.two_way` gives the third"
        )
    since, wave = waves or panel.span()
    change, treated, rows = changes(panel, (since, wave))
    refuse_few(treated)
    if method == "posts":
        value, se, df = (float(part) for part in welch(change, treated))
    else:
        variance = (panel.se[rows][:, [panel.place(since), panel.place(wave)]] ** 2).sum(axis=1)
        value, se, df = precise(change, variance, treated)
    return judged((since, wave), method, (value, se, df), treated, level=level)


def judged(
    waves: tuple[str, str], method: Method, found: tuple[float, float, float], treated: Flags, *, level: float
) -> Effect:
    """An estimate with its t interval and p; found holds estimate, standard error and df."""
    value, se, df = found
    low, high = (float(limit) for limit in intervals(*(np.array(part) for part in found), interval="t", level=level))
    p = float(2 * stats.t.sf(abs(value) / se, df)) if se > 0 else float("nan")
    return Effect(*waves, method, value, se, df, low, high, p, int(treated.sum()), int((~treated).sum()))


def changes(panel: Panel, waves: tuple[str, str]) -> tuple[Floats, Flags, Integers]:
    """Change of each post that was not treated at the first wave, whether it was at the second, and its row."""
    first, second = (panel.place(wave) for wave in waves)
    if first >= second:
        raise RequestError(f"wave {waves[0]!r} does not come before {waves[1]!r}; name the earlier one first")
    change = panel.score[:, second] - panel.score[:, first]
    rows = np.flatnonzero(np.isfinite(change) & (panel.start > first))
    return change[rows], panel.start[rows] <= second, rows.astype(np.int64)


def refuse_few(treated: Flags) -> None:
    """Raise EstimationError where fewer than two posts are treated, or untreated."""
    for count, name in ((int(treated.sum()), "treated"), (int((~treated).sum()), "untreated")):
        if count < FEWEST:
            raise EstimationError(f"{count} {name} posts have both scores; at least {FEWEST} are needed, so say only "
                                  "how each post changed")  # fmt: skip


def welch(change: Floats, treated: Flags) -> tuple[Floats, Floats, Floats]:
    """Difference of means, its standard error and Welch's df; change (..., n), treated (n,) -> (...,) each."""
    parts = [change[..., chosen] for chosen in (treated, ~treated)]
    spread = [part.var(axis=-1, ddof=1) / part.shape[-1] for part in parts]
    total = spread[0] + spread[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        df = total**2 / sum(v**2 / (part.shape[-1] - 1) for v, part in zip(spread, parts, strict=True))
    return parts[0].mean(axis=-1) - parts[1].mean(axis=-1), np.sqrt(total), np.where(total > 0, df, 0.0)


def precise(change: Floats, variance: Floats, treated: Flags) -> tuple[float, float, float]:
    """Difference of means weighted by precision: estimate, standard error and df; all of shape (n,)."""
    if not np.isfinite(variance).all():
        raise EstimationError('a post has no standard error of its change; use method "posts", which needs none')
    x = np.column_stack([np.ones(treated.size), treated])
    root = np.sqrt(variance + shock_variance(change, variance, x))
    return cr2(x / root[:, None], change / root, np.arange(treated.size), contrast=np.array([0.0, 1.0]))


def shock_variance(change: Floats, variance: Floats, x: Floats) -> float:
    """tau^2 with ``sum (y - x b)^2 / (v + tau^2) = n - k``, b fitted with these weights; 0 where the sum is below.

    Shapes (n,), (n,), (n, k); squared points. Paule and Mandel (1982), Journal of Research of the National Bureau of
    Standards 87, with regressors: DerSimonian and Kacker (2007), Contemporary Clinical Trials 28.
    """
    spare = change.size - x.shape[1]

    def excess(tau2: float) -> float:
        root = np.sqrt(variance + tau2)
        fitted = np.linalg.lstsq(x / root[:, None], change / root, rcond=None)[0]
        return float((((change - x @ fitted) / root) ** 2).sum() - spare)

    least = 1e-12 * max(float(change.var()), 1e-300)
    if excess(least) <= 0:
        return 0.0
    return float(optimize.brentq(excess, least, float(((change - change.mean()) ** 2).sum()) + 1.0, xtol=1e-12))


def cr2(x: Floats, y: Floats, cluster: npt.NDArray[np.int64], *, contrast: Floats) -> tuple[float, float, float]:
    """Least squares with the bias-reduced sandwich: ``c'b``, its standard error, and its Satterthwaite df.

    ``V = sum_g (p_g' e_g)^2`` with ``p_g = (I - H_gg)^(-1/2) X_g (X'X)^-1 c`` (symmetric root, pseudo-inverse), and
    ``df = tr(B)^2 / tr(B B)``, ``B_gh = p_g' (I - H)_gh p_h``. Exactly unbiased where errors are independent and alike.

    Parameters
    ----------
    x : ndarray of float, shape (N, k)
        Of full rank; for weighted least squares multiplied by the root of the weights, and so y.
    y : ndarray of float, shape (N,)
    cluster : ndarray of int, shape (N,)
    contrast : ndarray of float, shape (k,)

    Notes
    -----
    Bell and McCaffrey (2002), Survey Methodology 28, 169-181; df as R clubSandwich has them, with independent errors as
    working model.
    """
    bread = np.linalg.inv(x.T @ x)
    rest = np.eye(len(y)) - x @ bread @ x.T
    fitted = bread @ x.T @ y
    error = y - x @ fitted
    _, of = np.unique(cluster, return_inverse=True)
    turned = np.zeros((len(y), of.max() + 1))
    for g in range(of.max() + 1):
        own = of == g
        turned[own, g] = _inverse_root(rest[np.ix_(own, own)]) @ x[own] @ bread @ contrast
    b = turned.T @ rest @ turned
    df = np.trace(b) ** 2 / (b**2).sum()
    return float(contrast @ fitted), float(np.sqrt(((turned.T @ error) ** 2).sum())), float(df)


def _inverse_root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    kept = values > ROUGH
    return np.asarray((vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T)
