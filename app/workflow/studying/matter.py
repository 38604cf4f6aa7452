"""What there is to study when a release is made, and how figures of studies are shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.document import Facets, Tables
from scoring import Framework, SurveyDesign, Totals
from scoring.compare import p_values
from scoring.design import Floats
from scoring.disclosure import DEFAULT
from scoring.intervals import intervals
from scoring.mask.layout import shown_error
from surveys.questionnaire import Questionnaire

FEWEST = 100  # answers behind a figure
EACH = 5  # people who say yes, and who say no, behind a share
STEPS = (0.5, 1.0, 2.0, 5.0, 10.0)  # to which shares are rounded, in percent
LEAST_P = 0.001
DUST = 1e-9  # of a standard error that is none
Studies = dict[str, pd.DataFrame]
Figures = Mapping[tuple[str, ...], Mapping[str, float]]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Matter:
    """Answers, how they were drawn, and what the release shows of them.

    Attributes
    ----------
    frame : DataFrame
        Respondents of `waves`, and of one wave before them where there is one.
    totals : Totals
        Of `waves`.
    beside : Totals
        Of `waves` together with every earlier public wave of which nothing is withdrawn.
    framework : Framework
    design : SurveyDesign
    questionnaire : Questionnaire
    scores, moves : mapping of facets to DataFrame
        As the release shows them, earlier waves included: what they hide has no study.
    waves : tuple of str
        That are published now.
    """

    frame: pd.DataFrame
    totals: Totals
    beside: Totals
    framework: Framework
    design: SurveyDesign
    questionnaire: Questionnaire
    scores: Tables
    moves: Tables
    waves: tuple[str, ...]

    @property
    def own(self) -> pd.DataFrame:
        """Respondents of the waves that are published now."""
        return self.frame[self.frame["wave"].isin(self.waves)]

    @property
    def headline(self) -> tuple[str, ...]:
        """Codes of the headline indices."""
        return tuple(node.code for node in self.framework.nodes if node.headline)

    def asks(self, name: str | None) -> bool:
        """Whether the form has such a question, and the frame its answers."""
        return name is not None and name in self.frame.columns

    def sides(self) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
        """Wave and side, and their respondents; none of few people."""
        for (wave, side), own in self.own.groupby(["wave", SIDE], observed=True):
            if len(own) >= FEWEST:
                yield {"wave": str(wave), SIDE: str(side)}, own

    def hidden(self, wave: str, side: str) -> set[str]:
        """Measures of which the release hides the figure of a side: nothing is told of them."""
        table = self.scores.get((SIDE,))
        if table is None:
            return set()
        own = table[(table["wave"] == wave) & (table[SIDE] == side)]
        return set(own.loc[own["estimate"].isna(), "measure"].astype("str"))

    def shifts(self, labels: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Fewest shifts of a side behind each row: in its `wave`, and in the wave `since` where it names one."""
        cells = self.beside.by((SIDE,))
        names = cells.labels[["wave", SIDE]].astype("str").itertuples(index=False, name=None)
        held = dict(zip(names, np.bincount(cells.cell, minlength=len(cells.labels)).tolist(), strict=True))
        ends = [labels[[end, SIDE]].astype("str") for end in ("wave", "since") if end in labels]
        counts = [[held[place] for place in one.itertuples(index=False, name=None)] for one in ends]
        fewest: npt.NDArray[np.int64] = np.array(counts, dtype=np.int64).min(axis=0)
        return fewest

    def crowds(self, own: pd.DataFrame) -> pd.Series:
        """Number of the shift of each respondent."""
        return own.groupby(["wave", *self.design.strata, *self.design.psu], dropna=False).ngroup()

    def shown(self, facets: Facets) -> Figures:
        """Figures that the release shows on enough answers, by wave, facets and measure: `estimate`, `n`."""
        return _shown(self.scores.get(facets), ["wave", *facets, "measure"])

    def moved(self, facets: Facets) -> Figures:
        """Changes that the release shows on enough answers, by wave, the wave since, facets and measure."""
        return _shown(self.moves.get(facets), ["wave", "since", *facets, "measure"])


def _shown(table: pd.DataFrame | None, keys: Sequence[str]) -> Figures:
    if table is None:
        return {}
    own = table[table["estimate"].notna() & (table["n"] >= FEWEST)]
    names = zip(*(own[key].astype("str") for key in keys), strict=True)
    figures = own[["estimate", "n"]].to_dict(orient="records")
    return {
        key: {str(name): float(value) for name, value in one.items()} for key, one in zip(names, figures, strict=True)
    }


def studied_with(mask: pd.DataFrame, waves: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The last public wave beside some, and all of them; none of which a part is withdrawn.

    Parameters
    ----------
    mask : DataFrame
        `wave` and `why` of everything that is public.
    waves : sequence of str
        That are published now.
    """
    gone = set(mask.loc[mask["why"] == "withdrawn", "wave"])
    public = sorted(set(mask["wave"]) - set(waves))
    last, every = (tuple(wave for wave in part if wave not in gone) for part in (public[-1:], public))
    return last, every


def to(value: Floats, step: float) -> Floats:
    """Values rounded to a step, without a negative zero."""
    return np.asarray(np.round(np.round(value / step) * step, 6) + 0.0)


def rounded(value: float, step: float) -> float:
    """One value, as `to` rounds it."""
    return float(to(np.array(value, dtype=np.float64), step))


def step_of(yes: Flags, weight: Floats, shift: npt.NDArray[np.int64]) -> float:
    """Step, in percent, to which a share tells nobody's answer to whoever knows all weights and a whole shift; or NaN.

    Half of it is what the heaviest person counts for, and beside any one shift those who said yes, and those who said
    no, weigh as much as that person. Then any one answer could be the other way: where the share would leave the
    rounded one, answers of others turn back, none of which passes over the rounding.

    Parameters
    ----------
    yes : ndarray of bool, shape (n,)
    weight : ndarray of float, shape (n,)
    shift : ndarray of int, shape (n,)
    """
    if not yes.size:
        return float("nan")
    share = 100.0 * weight / weight.sum()
    beside = min(share[one].sum() - np.bincount(shift, share * one).max() for one in (yes, ~yes))
    fine = [step for step in STEPS if step / 2 >= share.max()]
    return fine[0] if fine and beside >= share.max() and min(yes.sum(), (~yes).sum()) >= EACH else float("nan")


def of_share(value: float, se: float, df: float, *, step: float, shifts: int) -> tuple[float, float, float, float]:
    """A share in percent as it is shown, with its error and limits, which are made of the rounded figures."""
    shown = rounded(value, step)
    error = float(shown_error(np.array(se), np.array(shifts), DEFAULT)[0])
    ends = intervals(np.array(shown), np.array(error), np.array(np.floor(df)), interval="logit", level=0.95, top=100.0)
    low, high = (rounded(float(end), STEPS[0]) for end in ends)
    return shown, error, low, high


def judged(
    estimate: Floats, se: Floats, df: Floats, *, shifts: npt.NDArray[np.int64], step: float = 0.1
) -> pd.DataFrame:
    """Differences as they are shown: interval and p are made of the rounded figures, so that they tell nothing more.

    Some parts of a change are known to less than a step, so that the rounding itself must never make a finding: the
    interval is wider by half a step at either end, and p is of a difference that lies half a step nearer to 0. The
    standard error is rounded up, as that of any figure on so many shifts, and df down.

    Parameters
    ----------
    estimate, se, df : ndarray of float, shape (m,)
    shifts : ndarray of int, shape (m,)
        On which the rows rest.
    step : float
        Of the estimate and of the ends of the interval.

    Returns
    -------
    DataFrame
        `estimate`, `se`, `df`, `low`, `high`, `p`; no interval and no p where chance cannot be judged.
    """
    value, error, freedom, half = to(estimate, step), shown_error(se, shifts, DEFAULT)[0], np.floor(df), step / 2
    known = np.isfinite(value) & (se > DUST) & (freedom > 0)
    freedom = np.where(known, freedom, np.nan)
    low, high = intervals(value, error, freedom, interval="t", level=0.95)
    nearer = np.maximum(np.abs(value) - half, 0.0)
    return pd.DataFrame(
        {
            "estimate": value,
            "se": np.where(known, error, np.nan),
            "df": freedom,
            "low": to(low - half, step),
            "high": to(high + half, step),
            "p": np.maximum(to(p_values(nearer, error, freedom), LEAST_P), LEAST_P),
        }
    )
