"""What was agreed and what was aimed at, held against the figures of a release: a status is computed, never entered.

Figures are those that the release shows, so that no status tells more than it does. All changes of commitments, of both
sides, are judged in one family; all changes of targets in another.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from app.workflow import declared, results
from app.workflow.cells import BOUNDED, CHANGE, LEVEL, Cells, Row
from app.workflow.declared import Target
from app.workflow.describing import SIDE
from app.workflow.document import Measure, Release
from scoring.commitments import WAYS, Commitment, Progress, progress
from scoring.compare import CLEAR, judged_together
from scoring.findings import Finding
from scoring.verdicts import Reach, against_target, change_of_figures, verdict_of_change

OWN = "commitment"  # names the rows of one commitment, whatever table they come from


def commitments(
    release: Release, side: str | None = None, *, beside: pd.DataFrame | None = None, alpha: float = CLEAR
) -> tuple[Progress, ...]:
    """How each commitment stands at the last wave, in the order of the file; see `scoring.commitments.progress`.

    Parameters
    ----------
    release : Release
    side : str, optional
        Of one side; the family of the tests is of both all the same.
    beside : DataFrame, optional
        Other changes that stand on the same page and are judged with these: `p`.
    alpha : float
        Chance of any false claim of change in that family.

    Returns
    -------
    tuple of Progress
        The findings hold `unit`, `reach` and `score_n` too, and the score's interval as published: a target is met
        only where that meets it as well.
    """
    found, cells = _commitments(release), Cells(release)
    waves = sorted(release.document.waves)
    judged = progress(
        [_keyed(one, waves) for one in found if one.since in waves],
        _tested(cells, found),
        pd.DataFrame([_judged_level(cells, one) for one in found], columns=[OWN, *LEVEL]),
        waves=waves,
        beside=beside,
        alpha=alpha,
    )
    stands = {one.commitment.code: one for one in judged}
    return tuple(
        _told(cells, one, stands.get(one.code)) for one in found if side is None or one.where.get(SIDE) == side
    )


def tested(release: Release) -> pd.DataFrame:
    """Change of the evidence of every commitment since the wave that it counts from, each with its own p.

    Returns
    -------
    DataFrame
        A row each that was measured since: `commitment`, `wave`, `since`, `measure`, `side` and the figures of a
        change; without figures, and with a reason, where they are hidden or the two waves may not be compared.
    """
    return _tested(Cells(release), _commitments(release))


def _tested(cells: Cells, found: Sequence[Commitment]) -> pd.DataFrame:
    rows = [
        {OWN: one.code, "wave": cells.last, "since": one.since, "measure": one.evidence, SIDE: one.where[SIDE]}
        | cells.change(one.evidence, one.where, one.since)
        for one in found
        if one.since in cells.release.document.waves and one.since != cells.last
    ]
    return pd.DataFrame(rows, columns=[OWN, "wave", "since", "measure", SIDE, *CHANGE])


def targets(release: Release, side: str | None = None) -> pd.DataFrame:
    """How each target stands at the last wave, and the tested change from its baseline, in the order of the file.

    A baseline is the number that was declared, taken as known, or the published figure of the wave it is of.

    Returns
    -------
    DataFrame
        `measure`, `side`, `where` (other facets, as facet=value), `unit`, `baseline`, `baseline_of`, `target`, `reach`,
        `due`, `wave`, the published figure (`estimate`, `low`, `high`, `n`, `status`, `reason`), `met_in` (of 100
        redraws), `verdict` (met, missed, open, not_judged), `change` with `change_low`, `change_high`, `p`,
        `p_adjusted` (Holm, over the targets of both sides), `clear`, `change_verdict`
        (`scoring.verdicts.verdict_of_change`) and `change_reason`, and `source` of a declared baseline.
    """
    found, cells = declared.of(release).targets, Cells(release)
    measures = {one.code: one for one in release.document.measures}
    rows = pd.DataFrame([_of_target(cells, one, measures[one.measure]) for one in found], columns=list(TARGETS))
    if rows.empty:
        return rows
    judged = judged_together(rows.assign(estimate=rows["change"]), adjust="holm")
    directions = [measures[one.measure].direction for one in found]
    verdicts = verdict_of_change(judged, np.array(directions, dtype=object))
    rows = rows.assign(p_adjusted=judged["p_adjusted"], clear=judged["clear"], change_verdict=verdicts)
    rows = results.shown_p(rows)
    return rows if side is None else rows[rows[SIDE] == side].reset_index(drop=True)


TARGETS = (
    "measure", SIDE, "where", "unit", "baseline", "baseline_of", "target", "reach", "due", "wave", "estimate", "low",
    "high", "n", "status", "reason", "met_in", "verdict", "change", "se", "df", "change_low", "change_high", "p",
    "p_adjusted", "clear", "change_verdict", "change_reason", "source",
)  # fmt: skip


def _commitments(release: Release) -> list[Commitment]:
    """Commitments, each with the direction of the measure that shows it."""
    ways = {one.code: one.direction for one in release.document.measures}
    return [
        replace(one, direction="worse" if ways.get(one.evidence) == "worse" else "better")
        for one in declared.of(release).commitments
    ]


def _keyed(one: Commitment, waves: list[str]) -> Commitment:
    """The same for the engine: its rows under its code, due in the first wave of its due year or after it."""
    due = next((wave for wave in waves if wave >= one.due), one.due)
    return replace(one, due=due, where={OWN: one.code})


def _told(cells: Cells, one: Commitment, found: Progress | None) -> Progress:
    """Progress under the commitment's own words; one that counts from a wave to come is not due."""
    row = cells.level(one.evidence, one.where, cells.last)
    own: Row = {**one.where, "unit": cells.unit(one.evidence), "reach": WAYS[one.direction], "due": one.due}
    own |= {f"score_{name}": row[name] for name in ("estimate", "low", "high", "n")}
    if found is None:
        said = {
            name: getattr(one, name) for name in ("code", "item", "office", "action", "evidence", "since", "target")
        }
        blank = {"estimate": np.nan, "low": np.nan, "high": np.nan, "p_adjusted": np.nan, "clear": False, "reason": ""}
        said |= {"wave": cells.last, "score_met_in": np.nan} | blank
        return Progress(one, "not_due", Finding("commitment_not_due", said | own))
    params = {name: value for name, value in found.finding.params.items() if name != OWN}
    return Progress(one, found.status, Finding(found.finding.code, params | own))


def _judged_level(cells: Cells, one: Commitment) -> Row:
    """The score that a target is held against; without an error where what is published does not meet the target."""
    row = cells.level(one.evidence, one.where, cells.last)
    reach = WAYS[one.direction]
    if one.target is not None and not _met_as_shown(row, one.target, reach):
        row |= {"se": np.nan} if _against(row, one.target, reach)["verdict"] == "met" else {}
    return {OWN: one.code} | row


def _of_target(cells: Cells, one: Target, measure: Measure) -> Row:
    row = cells.level(one.measure, one.where, cells.last)
    reach: Reach = "at_most" if measure.direction == "worse" else one.reach
    found = _against(row, one.target, reach)
    shown = found["verdict"] != "met" or _met_as_shown(row, one.target, reach)
    start, change = _since_baseline(cells, one, row)
    places = 1 if measure.unit in BOUNDED else 2
    told = {name: row[name] for name in ("estimate", "low", "high", "n", "status", "reason")}
    told |= {"met_in": round(found["met_in"], 1), "verdict": found["verdict"] if shown else "open"}
    told |= {"se": change["se"], "df": change["df"], "p": change["p"], "change_reason": change["reason"]}
    told |= {
        name: round(float(change[old]), places)
        for name, old in (("change", "estimate"), ("change_low", "low"), ("change_high", "high"))
    }
    where = ", ".join(f"{facet}={value}" for facet, value in one.where.items() if facet != SIDE)
    return told | {
        "measure": one.measure, SIDE: one.where[SIDE], "where": where, "unit": measure.unit, "baseline": start,
        "baseline_of": one.baseline_of, "target": one.target, "reach": reach, "due": one.due, "wave": cells.last,
        "source": one.source,
    }  # fmt: skip


def _since_baseline(cells: Cells, one: Target, row: Row) -> tuple[float, Row]:
    """The baseline, and the change since: from a declared number, or from the wave it is of."""
    if one.baseline is not None:
        ends = [[one.baseline, 0.0, np.inf]], [[row["estimate"], row["se"], row["df"]]]
        (found,) = change_of_figures(*ends).to_dict("records")
        change = {str(name): value for name, value in found.items()}
        return one.baseline, change if pd.notna(row["estimate"]) else change | {"reason": row["reason"]}
    start = one.baseline_of if one.baseline_of in cells.release.document.waves else ""
    first = float(cells.level(one.measure, one.where, start)["estimate"]) if start else np.nan
    return first, cells.change(one.measure, one.where, start)


def _against(row: Row, target: float, reach: Reach) -> dict[str, Any]:
    (found,) = against_target(pd.DataFrame([row]), target, reach=reach).to_dict("records")
    return {str(name): value for name, value in found.items()}


def _met_as_shown(row: Row, target: float, reach: Reach) -> bool:
    """Whether the whole interval, as it is published, meets the target."""
    return bool(row["low"] >= target) if reach == "at_least" else bool(row["high"] <= target)
