"""The mask: what may be shown of a scorecard, and how exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.contract import Scorecard
from scoring.design import Floats

SMALLEST_P = 0.001  # shown for anything smaller: no p-value is 0
_NUMBERS = ["estimate", "se", "df", "low", "high", "n", "n_eff", "deff"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Thresholds of the primary rules (unweighted counts) and of rounding."""

    few_respondents: int = 10
    few_answers: int = 20
    small_n: int = 50
    shifts: int = 3
    interviewers: int = 2
    largest_share: float = 0.70
    two_largest: float = 0.85
    sensitive_n: int = 30
    sensitive_each: int = 5
    wide: float = 20.0


DEFAULT = Thresholds()


def protect(card: Scorecard, *, rules: Thresholds = DEFAULT) -> Scorecard:
    """Apply the primary disclosure rules and rounding; the evidence is dropped.

    Suppressed: fewer than 10 respondents, fewer than 3 shifts or 2 interviewers, one of them giving over 70 %, or a
    sensitive question with n < 30 or fewer than 5 yes or 5 no. Unreliable: 10-19 answers. In both the figures are
    null. A composite carries the weakest evidence of its parts, so it is shown only where each part is: an index
    minus its shown parts never gives a hidden one.
    """
    table = card.table.copy()
    _hide(table, _primary(table, card.evidence, rules))
    shown = table["status"] == "ok"
    small = shown & (table["reason"] == "") & (table["n"] < rules.small_n)
    table.loc[small, "reason"] = "small_n"
    width = (table["high"] - table["low"]) / card.evidence["top"] * 100
    wide = shown & (table["reason"] == "") & (width > rules.wide)
    table.loc[wide, "reason"] = "wide"
    return replace(card, table=_rounded(table, card.evidence["top"], rules), evidence=pd.DataFrame(index=table.index))


def protect_change(moves: Scorecard, protected: Scorecard, *, rules: Thresholds = DEFAULT) -> Scorecard:
    """Show a change only where both of its scores are shown."""
    keys = ["wave", *moves.facets, "measure"]
    shown = protected.table.loc[protected.table["estimate"].notna(), keys].assign(shown=True)
    table = moves.table.copy()
    visible = np.ones(len(table), dtype=bool)
    for wave in ("wave", "since"):
        side = table[[wave, *moves.facets, "measure"]].rename(columns={wave: "wave"})
        visible &= side.merge(shown, on=keys, how="left")["shown"].notna().to_numpy()
    hidden = ~visible  # undefined ones as well: their estimate, less the shown side, would give the hidden side
    table.loc[hidden, ["status", "reason"]] = ["suppressed", "hidden_score"]
    table.loc[hidden, [*_NUMBERS, "p", "p_adjusted"]] = np.nan
    table.loc[hidden, "clear"] = False
    table = _rounded(table, moves.evidence["top"], rules)
    table[["p", "p_adjusted"]] = table[["p", "p_adjusted"]].round(3).clip(lower=SMALLEST_P)
    return replace(moves, table=table, evidence=pd.DataFrame(index=table.index))


def _primary(table: pd.DataFrame, evidence: pd.DataFrame, rules: Thresholds) -> npt.NDArray[np.object_]:
    """Reason for hiding each row, "" where there is none; the gravest is named."""
    n = table["n"].to_numpy()
    dominated = (
        (evidence["shift_share"] > rules.largest_share)
        | (evidence["interviewer_share"] > rules.largest_share)
        | (evidence["leading"] > rules.two_largest)
    )
    few_each = np.minimum(evidence["yes"], n - evidence["yes"]) < rules.sensitive_each
    delicate = evidence["sensitive"] & ((n < rules.sensitive_n) | few_each)
    counted = evidence["interviewers"] >= 0  # -1: the design names no interviewer
    checks: Mapping[str, npt.NDArray[np.bool_]] = {
        "few_respondents": n < rules.few_respondents,
        "few_shifts": (evidence["shifts"] < rules.shifts).to_numpy(),
        "few_interviewers": (counted & (evidence["interviewers"] < rules.interviewers)).to_numpy(),
        "dominated": dominated.to_numpy(),
        "sensitive": delicate.to_numpy(),
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


def _rounded(table: pd.DataFrame, top: "pd.Series[float]", rules: Thresholds) -> pd.DataFrame:
    """Shown precision, so that no figure can be taken apart.

    Scores of 0-100 to 1 decimal and shares of 1 likewise (one place less below n 50), amounts to 3 digits (2), SE to 2
    digits, counts to base 5, df and deff coarse.
    """
    out = table.copy()
    small = (table["n"] < rules.small_n).to_numpy()
    for name in ("estimate", "low", "high"):
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
