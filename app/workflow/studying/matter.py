"""What there is to study when a release is made, and how figures of studies are shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.document import Facets, Tables
from scoring import Framework, SurveyDesign, Totals
from scoring.compare import p_values
from scoring.design import Floats
from scoring.intervals import intervals
from scoring.mask.publication import upward
from surveys.questionnaire import Questionnaire

FEWEST = 100  # answers behind a figure
LEAST_P = 0.001
DUST = 1e-9  # of a standard error that is none
Studies = dict[str, pd.DataFrame]
Figures = Mapping[tuple[str, ...], Mapping[str, float]]


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


def judged(estimate: Floats, se: Floats, df: Floats, *, step: float = 0.1) -> pd.DataFrame:
    """Differences as they are shown: interval and p are made of the rounded figures, so that they tell nothing more.

    Some parts of a change are known to less than a step, so that the rounding itself must never make a finding: the
    interval is wider by half a step at either end, and p is of a difference that lies half a step nearer to 0. The
    standard error is rounded up to two digits, and df down.

    Parameters
    ----------
    estimate, se, df : ndarray of float, shape (m,)
    step : float
        Of the estimate and of the ends of the interval.

    Returns
    -------
    DataFrame
        `estimate`, `se`, `df`, `low`, `high`, `p`; no interval and no p where chance cannot be judged.
    """
    value, error, freedom, half = to(estimate, step), upward(se), np.floor(df), step / 2
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
