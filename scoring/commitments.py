"""What was agreed, by whom, and whether the figures say that it came about: a status computed, never entered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from scoring.compare import CLEAR, Judging, judged_together
from scoring.errors import RequestError
from scoring.findings import Finding
from scoring.verdicts import Reach, against_target

Status = Literal["met", "moving", "not_clear", "worse", "not_due"]
WAYS: Mapping[str, Reach] = {"better": "at_least", "worse": "at_most"}
NEEDED = ("code", "item", "office", "action", "due", "since")
OPTIONAL = ("evidence", "direction", "target")


@dataclass(frozen=True, slots=True)
class Commitment:
    """One thing that was agreed.

    Attributes
    ----------
    code, item : str
        What was agreed on, as the list of decisions names it.
    office : str
        Who answers for it: an office, never a person.
    action : str
    due, since : str
        Wave by which it was to have come about, and the wave it is measured from.
    evidence : str
        Measure that shows it; by default the item itself.
    direction : {"better", "worse"}
        Whether more of the evidence is better.
    target : float, optional
        What it was to reach; without one any clear change for the better meets it.
    where : mapping of facet to value
        The side, post or group it was agreed for.
    """

    code: str
    item: str
    office: str
    action: str
    due: str
    since: str
    evidence: str
    direction: Literal["better", "worse"] = "better"
    target: float | None = None
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How a commitment stands.

    Attributes
    ----------
    commitment : Commitment
    status : {"met", "moving", "not_clear", "worse", "not_due"}
    finding : Finding
        `commitment_<status>` with office, action, evidence, waves, target and the figures of the test it rests on.
    """

    commitment: Commitment
    status: Status
    finding: Finding


def read_commitments(rows: Sequence[Mapping[str, Any]]) -> tuple[Commitment, ...]:
    """Commitments from the rows of a table; other columns than its own are facets, empty cells are left out.

    Raises
    ------
    RequestError
        Everything that is wrong, row by row.
    """
    given = [{name: value for name, value in row.items() if not _empty(value)} for row in rows]
    faults = [fault for number, row in enumerate(given, 1) for fault in _faults(number, row)]
    codes = [str(row.get("code")) for row in given]
    faults += [f"code {code!r} is used twice" for code in dict.fromkeys(codes) if codes.count(code) > 1]
    if faults:
        raise RequestError(f"commitments: {'; '.join(faults)}")
    return tuple(_commitment(row) for row in given)


def progress(
    commitments: Sequence[Commitment],
    moves: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    waves: Sequence[str],
    beside: pd.DataFrame | None = None,
    adjust: Judging = "holm",
    seed: int | None = None,
    level: float = 0.95,
    alpha: float = CLEAR,
) -> tuple[Progress, ...]:
    """Status of each commitment at the last wave, by the test of its change and, with a target, of its score.

    ========= =====================================================================================================
    met       the whole interval of the score meets the target; without one, the change for the better is clear and
              the commitment due
    worse     the change for the worse is clear
    moving    the change for the better is clear, but the target is not surely met, or it is not due yet
    not_due   nothing is clear and the due wave has not come, or nothing was measured since
    not_clear nothing is clear and it is due, or the figures it needs are hidden or missing
    ========= =====================================================================================================

    Rules apply from above. A target may be met by a score that did not change, or fell and is still beyond it: the
    promise was the level; the finding carries the change beside it.

    Parameters
    ----------
    commitments : sequence of Commitment
    moves : DataFrame
        Changes under the contract's columns with `since` and `p`, as `compare.change` or a release gives them.
    scores : DataFrame
        Scores with `top`, the end of a scale from 0 (NaN of amounts).
    waves : sequence of str
        Of the survey, in order of time; the last is judged.
    beside : DataFrame, optional
        Other changes that stand on the same page, one family with these: `p`, and for max-t `estimate`, `se`, `df`.
    adjust, seed, alpha
        Over the changes of all commitments, one stated family; see `compare.judged_together`.
    level : float

    Raises
    ------
    RequestError
        A commitment counts from a wave that does not exist, or several rows fit it.
    """
    if not commitments:
        return ()
    order = {wave: number for number, wave in enumerate(waves)}
    for one in commitments:
        if one.since not in order:
            raise RequestError(f"commitment {one.code} counts from wave {one.since!r}; waves are {', '.join(waves)}")
    last = waves[-1]
    found = [_row(moves[moves["since"] == one.since], one, last) for one in commitments]
    blank = {"estimate": np.nan, "se": np.nan, "df": np.nan, "low": np.nan, "high": np.nan, "p": np.nan}
    family = pd.DataFrame([{name: (blank | row)[name] for name in blank} for row in found])
    others = family.iloc[:0] if beside is None else beside.reindex(columns=list(blank))
    rows = pd.concat([family, others], ignore_index=True)
    judged = judged_together(rows, adjust=adjust, seed=seed, level=level, alpha=alpha)
    return tuple(
        _progress(one, {**found[place], **move}, _level(scores, one, last, level), last=last, order=order)
        for place, (one, move) in enumerate(zip(commitments, _records(judged.head(len(found))), strict=True))
    )


def _progress(
    one: Commitment, move: Mapping[str, Any], score: Mapping[str, Any], *, last: str, order: Mapping[str, int]
) -> Progress:
    due = one.due in order and order[last] >= order[one.due]
    status = _status(one, move, str(score.get("verdict", "")), due=due, measured=one.since != last)
    told = {
        name: getattr(one, name) for name in ("code", "item", "office", "action", "evidence", "since", "due", "target")
    }
    change = {name: move[name] for name in ("estimate", "low", "high", "p_adjusted", "clear")}
    change |= {"reason": move.get("reason", "")}
    level = {f"score_{name}": score.get(name, np.nan) for name in ("estimate", "low", "high", "met_in")}
    return Progress(
        one, status, Finding(f"commitment_{status}", {**one.where, **told, "wave": last, **change, **level})
    )


def _status(one: Commitment, move: Mapping[str, Any], verdict: str, *, due: bool, measured: bool) -> Status:
    """The one place where a status is made."""
    if not measured:
        return "not_due"
    good = bool(move["estimate"] > 0) == (one.direction == "better")
    if verdict == "met":
        return "met"
    if move["clear"] and not good:
        return "worse"
    if move["clear"] and one.target is None and due:
        return "met"
    if move["clear"]:
        return "moving"
    return "not_clear" if due else "not_due"


def _row(table: pd.DataFrame, one: Commitment, wave: str) -> dict[str, Any]:
    """The one row of a commitment's evidence, empty where there is none."""
    own = (table["measure"] == one.evidence) & (table["wave"].astype(str) == wave)
    for name, value in one.where.items():
        if name not in table:
            raise RequestError(f"commitment {one.code} is of one {name}; give figures by {name}")
        own &= table[name].astype(str) == value
    rows = table[own]
    if len(rows) > 1:
        raise RequestError(f"{len(rows)} rows fit commitment {one.code}; say in its facets which of them it is about")
    return _records(rows)[0] if len(rows) else {}


def _level(scores: pd.DataFrame, one: Commitment, wave: str, level: float) -> dict[str, Any]:
    row = _row(scores, one, wave)
    if not row or one.target is None:
        return row
    return row | _records(against_target(pd.DataFrame([row]), one.target, reach=WAYS[one.direction], level=level))[0]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _empty(value: Any) -> bool:  # noqa: ANN401 - a cell of a table
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))


def _faults(number: int, row: Mapping[str, Any]) -> Iterator[str]:
    missing = [name for name in NEEDED if name not in row]
    if missing:
        yield f"row {number} has no {', '.join(missing)}"
    if row.get("direction", "better") not in WAYS:
        yield f"row {number} has direction {row['direction']!r}; it may be {', '.join(WAYS)}"
    try:
        reached = float(row.get("target", 0.0))
    except ValueError:
        yield f"row {number} has target {row['target']!r}; give a number"
    else:
        if not np.isfinite(reached):
            yield f"row {number} has target {reached}; give a number"


def _commitment(row: Mapping[str, Any]) -> Commitment:
    own = {name: str(row[name]) for name in NEEDED}
    return Commitment(
        **own,
        evidence=str(row.get("evidence", row["item"])),
        direction=row.get("direction", "better"),
        target=float(row["target"]) if "target" in row else None,
        where={str(name): str(value) for name, value in row.items() if name not in (*NEEDED, *OPTIONAL)},
    )
