"""What people tell only where nobody can tell what they told: the list experiment (item count technique).

Each respondent hears one of two lists, by lot: ``J`` harmless things, or the same and a sensitive one; and says how
many of them happened, never which.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from scoring.association import Difference, t_test
from scoring.design import Floats
from scoring.errors import EstimationError, RequestError
from scoring.regression import Base

Flags = npt.NDArray[np.bool_]
COLUMNS: Final = ["count", "sensitive", "share", "se", "df", "p", "p_adjusted"]


@dataclass(frozen=True, slots=True)
class ListExperiment:
    """The estimated share to whom the sensitive thing happened, and what speaks against it.

    Attributes
    ----------
    share : Difference
        0 to 1; not cut off there, so that chance is not hidden.
    short, long : int
        Respondents who gave a number for each list.
    floor, ceiling : float
        Shares of the short list to whom none, and all, of the harmless things happened: with the long list theirs is no
        secret, so they may not say the truth.
    types : DataFrame
        `count`, `sensitive`, `share`, `se`, `df`, `p`, `p_adjusted`: the estimated share of people to whom `count` of
        the harmless things happened, and the sensitive one or not. No share is negative unless the longer list itself
        changes what people count. `p` is one-sided, against a share of 0 or more; `p_adjusted` by Bonferroni over all
        rows, which is valid whatever their correlation, and cautious.
    """

    share: Difference
    short: int
    long: int
    floor: float
    ceiling: float
    types: pd.DataFrame

    @property
    def strained(self) -> bool:
        """Whether some share is below 0, by chance or not; `types` says how far and with what p."""
        return bool((self.types["share"] < 0).any())


def lists(short: Floats, long: Floats) -> tuple[Floats, Flags]:
    """Answers to the questions after the two lists, one of them asked of each, as `list_experiment` takes them.

    Parameters
    ----------
    short, long : ndarray of float, shape (rows,)
        Numbers; NaN or negative where the list was not read or no number was given.

    Returns
    -------
    counts : ndarray of float, shape (rows,)
        NaN where neither gave a number.
    long : ndarray of bool, shape (rows,)

    Raises
    ------
    RequestError
        Somebody gave a number for both.
    """
    of_short, of_long = (~np.isnan(given) & (given >= 0) for given in (short, long))
    if (of_short & of_long).any():
        both = int((of_short & of_long).sum())
        raise RequestError(f"{both} people gave a number for both lists; each is read one, so see to their rows")
    return np.where(of_long, long, np.where(of_short, short, np.nan)), of_long


def list_experiment(counts: Floats, long: Flags, base: Base, *, items: int, level: float = 0.95) -> ListExperiment:
    """Difference in means of two lists, with the standard error of the design.

    ``share = mean(Y | long) - mean(Y | short)``. As a regression on the list it counts weights, strata and PSUs in
    which both lists were read. With the lists as strata of people drawn alone its variance is ``s1^2/n1 + s0^2/n0``.
    The shares of people by what they would answer are, with Y the count and T the list,

    ``pi(y, sensitive) = P(Y <= y | short) - P(Y <= y | long)`` and
    ``pi(y, not) = P(Y <= y | long) - P(Y <= y - 1 | short)``.

    Blair and Imai (2012), Political Analysis 20, on the assumptions that the longer list changes no other count and
    that nobody lies about the sensitive thing.

    Parameters
    ----------
    counts : ndarray of float, shape (rows,)
        How many things happened; NaN where no number was given.
    long : ndarray of bool, shape (rows,)
        Whether the list with the sensitive thing was read.
    base : Base
        Of `regression.respondents`.
    items : int
        Harmless things on the list, J.
    level : float

    Returns
    -------
    ListExperiment

    Raises
    ------
    RequestError
        A count is no whole number, or higher than its list is long; or the list has fewer than two harmless things.
    EstimationError
        Nobody gave a number for one of the lists.
    """
    used = base.only(~np.isnan(counts))
    inside = used.weight > 0
    _refuse(counts[inside], long[inside], items)
    below = {y: np.where(np.isnan(counts), np.nan, counts <= y) for y in range(-1, items + 1)}
    short = inside & ~long
    weight = used.weight[short] / used.weight[short].sum()
    return ListExperiment(
        share=t_test(counts, long, base, level=level),
        short=int(short.sum()),
        long=int((inside & long).sum()),
        floor=float(weight @ (counts[short] == 0)),
        ceiling=float(weight @ (counts[short] == items)),
        types=_judged(pd.DataFrame(_types(below, long, base, items), columns=COLUMNS[:-1])),
    )


def _refuse(counts: Floats, long: Flags, items: int) -> None:
    if items < 2:  # noqa: PLR2004 - one thing is no list
        raise RequestError(f"a list has {items} harmless things; give two or more, or an answer is no secret")
    for name, given, most in (("short", counts[~long], items), ("long", counts[long], items + 1)):
        if not given.size:
            raise EstimationError(f"nobody gave a number for the {name} list; both lists have to be answered")
        if ((given != np.floor(given)) | (given < 0) | (given > most)).any():
            raise RequestError(f"counts of the {name} list are whole numbers from 0 to {most}; mend the others")


def _types(below: dict[int, Floats], long: Flags, base: Base, items: int) -> Iterator[tuple[object, ...]]:
    """Shares that can come out negative; the two others, nobody at 0 and everybody at the end, cannot."""
    for y in range(items):
        found = t_test(below[y], ~long, base)
        yield (y, True, found.estimate, found.se, found.df, _one_sided(found))
    for y in range(1, items + 1):
        found = t_test(np.where(long, below[y], below[y - 1]), long, base)
        yield (y, False, found.estimate, found.se, found.df, _one_sided(found))


def _one_sided(found: Difference) -> float:
    """How often chance gives so small a share where the true one is 0; NaN where nothing varies."""
    return float(stats.t.cdf(found.t, found.df)) if np.isfinite(found.t) else float("nan")


def _judged(types: pd.DataFrame) -> pd.DataFrame:
    tested = int(types["p"].notna().sum())
    return types.assign(p_adjusted=(types["p"] * tested).clip(upper=1.0))
