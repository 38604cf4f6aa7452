"""The mask: what may be shown of a scorecard, and how exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.contract import Scorecard
from scoring.design import Floats

#: What the rules look at, see `scoring.evidence`.
EVIDENCE = (
    "n", "shifts", "shift_share", "interviewers", "interviewer_share", "above", "below", "above_rest",
    "below_rest", "spread", "variation", "leading", "margin",
)  # fmt: skip
Flags = npt.NDArray[np.bool_]
_NUMBERS = ["estimate", "se", "df", "low", "high", "n", "n_eff", "deff"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The rules of a release; docs/disclosure.md says why each is there and what breaks without it.

    Attributes
    ----------
    few_respondents, few_answers, small_n : int
        Suppressed below the first, unreliable below the second, marked below the third.
    shifts, interviewers : int
        Fewest that a shown figure rests on.
    largest_share : float
        Most that one of them may give.
    two_largest, margin : float
        Most of an amount that two people may make up; how uncertain the largest must stay, as a share of it, to
        somebody who remembers a whole shift.
    sensitive_n, sensitive_each : int
        Fewest answers, and fewest yes and no, of a sensitive question.
    each, rest : int
        Fewest answers away from either end of any scale (0 % and 100 % are masked alike); the same without the shift
        that has most of them.
    alike, alone : float
        Least spread of the answers, in squared steps of the scale: below the first nearly all answered alike, and the
        figure is hidden; below the second the design effect, which would tell the spread, is not shown.
    variation : float
        Least variation of an amount, as a share of its mean: below it the mean is everybody's amount.
    certain : bool
        No shift all of one answer is given away by the figure and the weights.
    complementary : bool
        Hidden figures cannot be worked out from totals: what remains of a total passes these rules itself.
    freedom : int
        Fewest values that a hidden count keeps, all tables considered.
    rare : int
        Fewest yes, and no, of a share that is shown to a tenth of a point.
    sparse : int
        Shifts below which a standard error is rounded coarsely: with the weights it tells the answers of each.
    wide : float
        Width of an interval, in points, that is marked.
    rounded : bool
        Figures are shown rounded.
    """

    few_respondents: int = 10
    few_answers: int = 20
    small_n: int = 50
    shifts: int = 3
    interviewers: int = 2
    largest_share: float = 0.70
    two_largest: float = 0.85
    margin: float = 0.15
    sensitive_n: int = 30
    sensitive_each: int = 5
    each: int = 3
    rest: int = 2
    alike: float = 4.0
    alone: float = 20.0
    variation: float = 0.30
    certain: bool = True
    complementary: bool = True
    freedom: int = 4
    rare: int = 50
    sparse: int = 20
    wide: float = 20.0
    rounded: bool = True


DEFAULT = Thresholds()


def protect(card: Scorecard, *, rules: Thresholds = DEFAULT) -> Scorecard:
    """Apply the primary disclosure rules and rounding; the evidence is dropped.

    Suppressed: fewer than 10 respondents, fewer than 3 shifts or 2 interviewers, one of them giving over 70 %, or a
    sensitive question with n < 30 or fewer than 5 yes or 5 no. Unreliable: 10-19 answers. In both the figures are
    null. A composite carries the weakest evidence of its parts, so it is shown only where each part is: an index
    minus its shown parts never gives a hidden one.
    """
    table = card.table.copy()
    proof = {name: card.evidence[name].to_numpy() for name in EVIDENCE if name != "n"} | {"n": table["n"].to_numpy()}
    _hide(table, failing(proof, sensitive=card.evidence["sensitive"].to_numpy(dtype=bool), rules=rules))
    table = mark(table, top=card.evidence["top"], rules=rules)
    return replace(card, table=rounded(table, card.evidence["top"], rules), evidence=pd.DataFrame(index=table.index))


def mark(table: pd.DataFrame, *, top: "pd.Series[float]", rules: Thresholds) -> pd.DataFrame:
    """Give shown figures of few answers and of wide intervals their reason; `top` is the end of each scale."""
    shown = (table["status"] == "ok") & (table["reason"] == "")
    width = (table["high"] - table["low"]) / top * 100
    small = shown & (table["n"] < rules.small_n)
    wide = shown & ~small & (width > rules.wide)
    return table.assign(reason=np.select([small, wide], ["small_n", "wide"], default=table["reason"]))


def failing(evidence: Mapping[str, Any], *, sensitive: Flags, rules: Thresholds) -> npt.NDArray[np.object_]:
    """Reason for hiding each figure, "" where there is none; the gravest is named.

    `evidence` holds the fields of `scoring.evidence.Evidence`, arrays of any one shape.
    """
    found = {name: np.asarray(evidence[name]) for name in EVIDENCE}
    n = found["n"]
    dominated = (found["shift_share"] > rules.largest_share) | (found["interviewer_share"] > rules.largest_share)
    dominated |= (found["leading"] > rules.two_largest) | (found["margin"] < rules.margin)
    few_each = np.fmin(found["above"], found["below"]) < rules.sensitive_each
    near_end = np.fmin(found["above"], found["below"]) < rules.each
    near_end |= np.fmin(found["above_rest"], found["below_rest"]) < rules.rest
    checks: Mapping[str, Flags] = {
        "few_respondents": n < rules.few_respondents,
        "few_shifts": found["shifts"] < rules.shifts,
        # -1: the design names no interviewer
        "few_interviewers": (found["interviewers"] >= 0) & (found["interviewers"] < rules.interviewers),
        "dominated": dominated,
        "sensitive": sensitive & ((n < rules.sensitive_n) | few_each),
        "near_end": near_end,
        "alike": (found["spread"] < rules.alike) | (found["variation"] < rules.variation),
        "few_answers": n < rules.few_answers,
    }
    return np.select(list(checks.values()), list(checks), default="").astype(object)


def _hide(table: pd.DataFrame, reasons: npt.NDArray[np.object_]) -> None:
    """Null the figures of hidden rows, and the limits of undefined ones."""
    hidden = reasons != ""
    table.loc[hidden, "status"] = np.where(reasons == "few_answers", "unreliable", "suppressed")[hidden]
    table.loc[hidden, "reason"] = reasons[hidden]
    table[_NUMBERS] = table[_NUMBERS].astype(float)
    table.loc[hidden, _NUMBERS] = np.nan


def rounded(table: pd.DataFrame, top: "pd.Series[float]", rules: Thresholds) -> pd.DataFrame:
    """Shown precision, so that no figure can be taken apart.

    Scores of 0-100 to 1 decimal and shares of 1 likewise (one place less below n 50), amounts to 3 digits (2), SE to 2
    digits, counts to base 5, df and deff coarse.
    """
    if not rules.rounded:
        return table
    out = table.copy()
    small = (table["n"] < rules.small_n).to_numpy()
    for name in (name for name in table if name == "estimate" or str(name).startswith(("low", "high"))):
        values = table[name].to_numpy(dtype=np.float64)
        places = np.where(np.isfinite(top), 3 - np.log10(top.fillna(100)), 0) - small
        on_scale = np.round(values * 10.0**places) / 10.0**places
        out[name] = np.where(np.isfinite(top), on_scale, _significant(values, digits=3 - small)) + 0.0  # no "-0.0"
    out["se"] = _significant(table["se"].to_numpy(dtype=np.float64), digits=np.full(len(table), 2))
    out["df"] = np.floor(table["df"])
    out["n"] = np.round(table["n"] / 5) * 5
    out["n_eff"] = np.round(table["n_eff"] / 5) * 5
    out["deff"] = np.round(table["deff"], 1)
    return out


def _significant(values: Floats, *, digits: npt.NDArray[np.int64]) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** (digits - 1 - np.where(np.isfinite(size), size, 0))
    return np.asarray(np.round(values * scale) / scale)
