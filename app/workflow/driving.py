"""What goes with trade, return and trust in the neighbour, as a release tells it: own scores and those of others.

Claims of one side and wave are one family: every outcome and dimension, by own scores and by the others', is judged
together (Holm). A dimension is called only where that test and the interval of its predicted shares agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.document import Release
from app.workflow.studying.explained import OUTCOMES, SEEN
from scoring.compare import CLEAR, adjusted
from scoring.findings import Finding
from scoring.verdicts import verdict_of_change

STUDY = "drivers_models"
KEYS = ["seen", "regressor"]
TWO = 2  # answers, of which one says all


@dataclass(frozen=True, slots=True)
class Explained:
    """What goes with one outcome in one side and wave; never called causal.

    Attributes
    ----------
    outcome : str
    levels : int
        Answers that were given, two or more.
    rows : DataFrame
        A row for each dimension and whose scores (`seen`: own, others): `importance` with `importance_low` and
        `importance_high` (share of R2, percent), `log_odds` with `se`, `df`, `log_odds_low`, `log_odds_high`,
        `odds_ratio`, `p`, `p_adjusted`; of the highest answer the predicted shares `at_low` and `at_high` of the
        dimension's 10th and 90th percentile, their `difference`, `low`, `high`; `clear`, `verdict`.
    answers : DataFrame
        Predicted shares of every answer.
    odds : DataFrame
        Check that one slope serves all levels; no rows of two answers.
    models : DataFrame
        `seen`, `r2`, `r2_name`, `mcfadden`, `n`, `left_out`.
    findings : tuple of Finding
    """

    outcome: str
    levels: int
    rows: pd.DataFrame
    answers: pd.DataFrame
    odds: pd.DataFrame
    models: pd.DataFrame
    findings: tuple[Finding, ...]


def asked(release: Release) -> bool:
    """Whether the survey asks about any outcome."""
    return any(measure.code in OUTCOMES for measure in release.document.measures)


def outcomes(release: Release) -> dict[str, str]:
    """Outcomes that the release explains, with their titles."""
    table = release.document.studies.get(STUDY, pd.DataFrame())
    known = set(table["outcome"]) if len(table) else set()
    return {measure.code: measure.title for measure in release.document.measures if measure.code in known}


def drivers(release: Release, *, side: str, wave: str, outcome: str) -> Explained | None:
    """What goes with an outcome, by own scores and by those of the others in the shift; None where nothing is known."""
    models = _of(release, "models", side, wave, outcome)
    if models.empty:
        return None
    answers, odds = (_of(release, name, side, wave, outcome) for name in ("shares", "odds"))
    direction = next(one.direction for one in release.document.measures if one.code == outcome)
    rows = _called(_joined(release, answers, (side, wave, outcome)), direction)
    keys = {"wave": wave, SIDE: side, "outcome": outcome}
    rows = rows.assign(**keys)[[*keys, *KEYS, *rows.columns.drop(KEYS)]]
    findings = (*_of_models(models), *called(rows), *_of_odds(odds))
    return Explained(outcome, answers["answer"].nunique(), rows, answers, odds, models, findings)


def _of(release: Release, name: str, side: str, wave: str, outcome: str = "") -> pd.DataFrame:
    """Rows of one table of a side and wave, and of one outcome where it is named."""
    table = release.document.studies.get(f"drivers_{name}", pd.DataFrame())
    if table.empty:
        return table
    own = table[(table[SIDE] == side) & (table["wave"] == wave)].drop(columns=[SIDE, "wave"])
    own = own[own["outcome"] == outcome].drop(columns="outcome") if outcome else own
    return own.reset_index(drop=True)


def _joined(release: Release, answers: pd.DataFrame, place: tuple[str, str, str]) -> pd.DataFrame:
    """Slopes, importance and the shares of the highest answer, side by side."""
    importance = _of(release, "importance", *place).drop(columns="se")
    importance[["share", "low", "high"]] *= 100
    importance = importance.rename(
        columns={"share": "importance", "low": "importance_low", "high": "importance_high"}
    ).round(1)
    slopes = _judged(release, *place).drop(columns="t")
    slopes = slopes.rename(columns={"estimate": "log_odds", "low": "log_odds_low", "high": "log_odds_high"})
    highest = answers[answers["answer"] == answers["answer"].max()].drop(columns=["answer", "se", "df"])
    return importance.merge(slopes, on=KEYS).merge(highest, on=KEYS)


def _judged(release: Release, side: str, wave: str, outcome: str) -> pd.DataFrame:
    """Slopes of an outcome, tested together with those of every other outcome of this side and wave."""
    family = _of(release, "slopes", side, wave)
    family["p_adjusted"] = adjusted(family["p"].to_numpy(dtype=np.float64), adjust="holm").round(3)
    return family[family["outcome"] == outcome].drop(columns="outcome")


def _called(rows: pd.DataFrame, direction: str) -> pd.DataFrame:
    """Each dimension called or not, and whether that is for the better."""
    apart = (rows["low"] > 0) | (rows["high"] < 0)
    judged = rows.assign(clear=(rows["p_adjusted"] < CLEAR) & apart)
    told = judged.assign(estimate=judged["difference"])
    return judged.assign(verdict=verdict_of_change(told, [direction] * len(judged)).astype("str"))


def _of_models(models: pd.DataFrame) -> Iterator[Finding]:
    known = {str(row["seen"]): row for row in models.to_dict("records")}
    params = {f"r2_{seen}": known[seen]["r2"] for seen in SEEN if seen in known}
    code = "r2_both" if len(params) == len(SEEN) else next(iter(params))
    yield Finding(code, params | {"r2_name": str(models["r2_name"].iloc[0])})


def called(rows: pd.DataFrame) -> Iterator[Finding]:
    """One finding a dimension that is clear, and one for all that are not."""
    unclear = []
    for regressor, own in rows.groupby("regressor", sort=False):
        clear = {str(row["seen"]): row for row in own[own["clear"]].to_dict("records")}
        if not clear:
            unclear.append(str(regressor))
            continue
        row = clear.get("others", clear.get("own", {}))
        ways = {seen: "more" if one["difference"] > 0 else "less" for seen, one in clear.items()}
        params = {
            name: row[name] for name in ("regressor", "outcome", "at_low", "at_high", "difference", "low", "high")
        }
        yield Finding(_code(ways), params)
    if unclear:
        yield Finding("none_clear", {"regressors": tuple(unclear)})


def _code(ways: dict[str, str]) -> str:
    """Whose scores tell of it, and which way."""
    if len(set(ways.values())) > 1:
        return f"apart_{ways['others']}"
    who = "both" if len(ways) == len(SEEN) else next(iter(ways))
    return f"{who}_{next(iter(ways.values()))}"


def _of_odds(odds: pd.DataFrame) -> Iterator[Finding]:
    """Whether one slope serves all levels of an answer that has more than two."""
    for row in odds[odds["regressor"] == ""].to_dict("records") if len(odds) else ():
        p = row["p"]
        code = "odds_untested" if np.isnan(p) else "odds_differ" if p < CLEAR else "odds_alike"
        yield Finding(code, {"seen": row["seen"], "p": p})
