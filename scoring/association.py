"""Do answers and groups hang together? Tests of tables, means and ranks, by the design."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import linalg, special, stats

from scoring.design import Floats, Integers
from scoring.errors import EstimationError, RequestError
from scoring.estimates import covariance, variance
from scoring.quadratic import spread_of, tail
from scoring.regression import Base, design_based, estimated, fit, residual_df

Statistic = Literal["F", "Chisq", "Wald", "adjWald", "saddlepoint"]
Ranks = Literal["wilcoxon", "vanderWaerden", "median"]
PAIR = 2


@dataclass(frozen=True, slots=True)
class Association:
    """A test that two things do not hang together.

    Attributes
    ----------
    statistic : float
        F, or of "Chisq" and "saddlepoint" Pearson's X2 of the weighted table.
    df : tuple of float
        Of the numerator and, of an F, of the denominator.
    p : float
    effects : ndarray of float
        Generalised design effects by which the design stretches X2; empty of Wald tests.
    """

    statistic: float
    df: tuple[float, ...]
    p: float
    effects: Floats


@dataclass(frozen=True, slots=True)
class Difference:
    """Second group minus first, with its t test; limits at 95 % unless asked otherwise."""

    estimate: float
    se: float
    t: float
    df: float
    p: float
    low: float
    high: float


def chi_square(
    rows: "pd.Series[Any]", columns: "pd.Series[Any]", base: Base, *, statistic: Statistic = "F"
) -> Association:
    """Test of independence in a two-way table (Rao and Scott 1984, Annals of Statistics 12; R `svychisq`).

    Parameters
    ----------
    rows, columns : Series
        Categories of each respondent; those with an empty cell are left out.
    statistic : {"F", "Chisq", "Wald", "adjWald", "saddlepoint"}
        Second-order corrected F (the default), first-order corrected chi-square, Wald's test of the table's departures
        from independence, the same with the df of its covariance counted, and X2 against the distribution it has.

    Raises
    ------
    RequestError
        The statistic is not known.
    EstimationError
        One of the variables has a single category.
    """
    if statistic not in get_args(Statistic):
        raise RequestError(f"statistic is {statistic!r}; it may be {', '.join(get_args(Statistic))}")
    answered = (rows.notna() & columns.notna()).to_numpy()
    used = base.only(answered)
    inside = used.weight > 0
    r, c = _indicators(rows, inside), _indicators(columns, inside)
    if statistic in ("Wald", "adjWald"):
        return _wald(r, c, used, adjusted=statistic == "adjWald")
    return _pearson(r, c, used, statistic)


def _indicators(values: "pd.Series[Any]", inside: npt.NDArray[np.bool_]) -> Floats:
    """A column of 0 and 1 for each category that occurs, in its order, shape (rows, categories)."""
    code, names = pd.factorize(values.where(inside), sort=True)
    if len(names) < PAIR:
        raise EstimationError(f"{values.name!r} has one category here, so that nothing can differ by it; leave it out")
    return np.asarray(code[:, None] == np.arange(len(names)), dtype=np.float64)


def _pearson(r: Floats, c: Floats, base: Base, statistic: str) -> Association:
    """Pearson's X2 and the design effects of the interaction, which it would follow if respondents were independent."""
    cells = (r[:, :, None] * c[:, None, :]).reshape(len(r), -1)
    w, n = base.weight, int((base.weight > 0).sum())
    share = w @ cells / w.sum()
    influence = w[:, None] * (cells - share) / w.sum()
    expected = np.outer(w @ r, w @ c).ravel() / w.sum() ** 2
    squared = float(n * ((share - expected) ** 2 / expected).sum())
    true = covariance(estimated(share, influence, base))
    inverse = np.divide(1.0, share, out=np.zeros(share.size), where=share > 0)
    interaction = np.kron(linalg.helmert(r.shape[1]), linalg.helmert(c.shape[1])).T
    naive = interaction.T @ (interaction * (inverse / n)[:, None])
    weighted = interaction * inverse[:, None]
    effects = spread_of(naive, weighted.T @ true @ weighted)
    d0 = float(effects.sum() ** 2 / (effects**2).sum())
    df = _design_df(base)
    if statistic == "F":
        f = squared / float(effects.sum())
        return Association(f, (d0, d0 * df), float(stats.f.sf(f, d0, d0 * df)), effects)
    if statistic == "Chisq":
        k = effects.size
        return Association(squared, (float(k),), float(stats.chi2.sf(squared / effects.mean(), k)), effects)
    return Association(squared, (float(effects.size), d0 * df), tail(squared, effects, d0 * df), effects)


def _wald(r: Floats, c: Floats, base: Base, *, adjusted: bool) -> Association:
    """Departures ``N_ij - N_i. N_.j / N`` of all rows and columns but the first, against their own covariance."""
    w = base.weight
    of_rows, of_columns, whole = w @ r, w @ c, float(w.sum())
    away = (r * w[:, None]).T @ c - np.outer(of_rows, of_columns) / whole
    each = (
        r[:, :, None] * c[:, None, :]
        - r[:, :, None] * of_columns[None, None, :] / whole
        - of_rows[None, :, None] * c[:, None, :] / whole
        + np.outer(of_rows, of_columns)[None] / whole**2
    )
    influence = (w[:, None, None] * each)[:, 1:, 1:].reshape(len(w), -1)
    values = away[1:, 1:].ravel()
    matrix = covariance(estimated(values, influence, base))
    k, df = values.size, _design_df(base)
    f = float(values @ np.linalg.solve(matrix, values)) / k
    left = df - k + 1 if adjusted else df
    f = f * left / df if adjusted else f
    return Association(f, (float(k), left), float(stats.f.sf(f, k, left)), np.zeros(0))


def _design_df(base: Base) -> float:
    """PSUs less strata among those with respondents of the domain."""
    ones = (base.weight / base.weight.sum())[:, None]
    return float(variance(estimated(np.ones(1), ones, base)).design_df.min())


def t_test(answers: Floats, second: npt.NDArray[np.bool_], base: Base, *, level: float = 0.95) -> Difference:
    """Difference of two groups' means: second less the rest (R `svyttest`); NaN answers are left out.

    A regression on the group, so that PSUs in which both groups were met are counted; df are the design's less one.
    """
    used = base.only(~np.isnan(answers))
    x = np.column_stack([np.ones(second.size), second])
    y = np.where(used.weight > 0, answers, 0.0)
    found = design_based(fit(y, x, used.weight), y, x, used)
    return _difference(found.values[0, 1], np.sqrt(covariance(found)[1, 1]), residual_df(found), level)


def _difference(estimate: float, se: float, df: float, level: float) -> Difference:
    """No test where nothing varies or the design leaves no df."""
    known = se > 0 and df > 0
    t = float(estimate / se) if known else float("nan")
    half = float(stats.t.isf((1 - level) / 2, df) * se) if known else float("nan")
    p = float(2 * stats.t.sf(abs(t), df)) if known else float("nan")
    return Difference(float(estimate), float(se), t, df, p, float(estimate) - half, float(estimate) + half)


def rank_test(
    answers: Floats, groups: "pd.Series[Any]", base: Base, *, ranks: Ranks = "wilcoxon"
) -> tuple[Association, Difference | None]:
    """Do groups differ in their answers' ranks? (Lumley and Scott 2013, Biometrika 100; R `svyranktest`)

    ``ranks``: the mid-rank itself (Wilcoxon, Kruskal and Wallis), its normal score, or whether it is above half. Equal
    answers have equal ranks; R's differ with the order of the rows where their weights do.
    """
    if ranks not in get_args(Ranks):
        raise RequestError(f"ranks is {ranks!r}; it may be {', '.join(get_args(Ranks))}")
    used = base.only(~np.isnan(answers) & groups.notna().to_numpy())
    inside = used.weight > 0
    scores = np.full(answers.size, np.nan)
    scores[inside] = _scores(mid_ranks(answers[inside], used.weight[inside]), ranks)
    return compared(scores, groups, used)


def compared(
    scores: Floats, groups: "pd.Series[Any]", base: Base, *, level: float = 0.95
) -> tuple[Association, Difference | None]:
    """Test that groups do not differ in the mean of a score: F on groups - 1, and of two groups their difference."""
    used = base.only(~np.isnan(scores) & groups.notna().to_numpy())
    inside = used.weight > 0
    y = np.where(inside, scores, 0.0)
    x = np.where(inside[:, None], _indicators(groups, inside), 0.0)
    x[inside, 0] = 1.0
    found = design_based(fit(y, x, used.weight), y, x, used)
    k = x.shape[1] - 1
    df = _design_df(used) - k
    value, matrix = found.values[0, 1:], covariance(found)[1:, 1:]
    if np.linalg.matrix_rank(matrix, hermitian=True) < k or not df > 0:
        return Association(np.nan, (float(k), df), np.nan, np.zeros(0)), None
    f = float(value @ np.linalg.solve(matrix, value)) / k
    tested = Association(f, (float(k), df), float(stats.f.sf(f, k, df)), np.zeros(0))
    return tested, _difference(value[0], np.sqrt(matrix[0, 0]), df, level) if k == 1 else None


def mid_ranks(answers: Floats, weight: Floats) -> Floats:
    """Weighted share below each answer and half of that of the same answer, shape (rows,)."""
    _, place = np.unique(answers, return_inverse=True)
    held: Integers | Floats = np.bincount(place.ravel(), weights=weight)
    return np.asarray((np.cumsum(held) - held / 2)[place.ravel()] / weight.sum())


def _scores(share: Floats, ranks: str) -> Floats:
    if ranks == "wilcoxon":
        return share
    return np.asarray(special.ndtri(share)) if ranks == "vanderWaerden" else (share > 0.5).astype(np.float64)  # noqa: PLR2004 - the median
