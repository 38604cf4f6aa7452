"""Flags on interviews: near-duplicates, straight lines and haste, each beside what chance alone would give.

A flag is a reason to look at an interview again, with the person who did it: no proof, and never a reason to drop it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from surveys.questionnaire import Question, Questionnaire

Codes = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Texts = npt.NDArray[np.object_]
Flag = Literal["near_duplicate", "straight_line", "speeder"]

#: One row a flag: `value` is what was found, `limit` what it was held to, `chance` how likely that is by chance for
#: this interview; `detail` is the other interview, or the questions of the block.
ROWS: Final = ("submission", "flag", "detail", "value", "limit", "chance")
#: One row a kind of flag and block: interviews judged, flagged, and expected to be flagged by chance alone.
SUMMARY: Final = ("flag", "detail", "judged", "found", "expected", "limit")

MATCH: Final = 0.85  # Kuriakose and Robbins: two interviews with more than 85 % of their answers in common
SHARED: Final = 15  # questions that both answered, below which two interviews are not compared
BLOCK: Final = 4  # answers in one block, below which a straight line says nothing
RARE: Final = 0.01  # a straight line is flagged where chance gives it to fewer than one in a hundred
HASTE: Final = 0.005  # share of interviews that are expected to be so short
_FEW: Final = 20  # durations of a group, below which it has no median of its own
_SHORTEST: Final = 0.05  # minutes: half of what is kept of a duration
_SCORES: Final = 3  # choices with a score that make a list a scale
_AT_ONCE: Final = 2**23  # pairs of interviews that are compared at a time
_BY_CHANCE: Final = 5_000  # interviews with shuffled answers that a limit is taken from
_MOST_DRAWS: Final = 20


@dataclass(frozen=True, slots=True)
class Found:
    """Flags (`ROWS`) and how many there are beside how many chance would give (`SUMMARY`)."""

    rows: pd.DataFrame
    summary: pd.DataFrame


def joined(*found: Found) -> Found:
    """Several kinds of flags as one."""
    rows = [one.rows for one in found if len(one.rows)]
    return Found(
        rows=pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(ROWS)),
        summary=pd.concat([one.summary for one in found], ignore_index=True),
    )


def blocks(questionnaire: Questionnaire) -> dict[str, tuple[str, ...]]:
    """Runs of questions, one after the other, on one scale: first and last question -> all of them.

    A scale has at least three scores: a row of the same answer to yes-or-no questions is common.
    """
    runs: list[list[Question]] = []
    last = ""
    for question in questionnaire.questions:
        if question.kind == "note":
            continue
        scale = _scale(question)
        if scale and scale == last:
            runs[-1].append(question)
        elif scale:
            runs.append([question])
        last = scale
    return {f"{run[0].name} to {run[-1].name}": tuple(q.name for q in run) for run in runs if len(run) >= BLOCK}


def _scale(question: Question) -> str:
    if question.kind != "select_one" or question.scale is None or question.personal:
        return ""
    scored = {choice.score for choice in question.scale.choices if choice.score is not None}
    return question.scale.name if len(scored) >= _SCORES else ""


def near_duplicates(
    answers: Codes,
    keys: Texts,
    stratum: Places,
    *,
    seed: int,
    together: Sequence[int] | None = None,
    least: float = MATCH,
    shared: int = SHARED,
    draws: int | None = None,
) -> Found:
    """Interviews that agree with another one in more answers than chance gives.

    The match of two interviews is the share of the questions both answered that they answered alike, and each
    interview has the match with the one closest to it. The limit is `least`, or what the closest of shuffled
    interviews reach where that is more: answers are dealt out anew within each stratum, and by chance at most one
    interview of the file is to pass.

    Parameters
    ----------
    answers : array of int16, shape (n, q)
        Coded answers, below 0 where missing.
    keys : array of text, shape (n,)
        The team's own name of each interview.
    stratum : array of int, shape (n,)
        Number of the stratum of each interview.
    seed : int
        For the shuffling.
    together : sequence of int, shape (q,), optional
        Number of the block of each question: the answers of a block are dealt out as one, so that what goes together
        in one person's mind still does. By default each question stands alone.
    least : float
        Match that is looked at in any case.
    shared : int
        Questions that both must have answered.
    draws : int, optional
        How often answers are shuffled; by default until 5,000 interviews were made, 20 times at most.

    Notes
    -----
    Kuriakose and Robbins (2016), Don't get duped: fraud through duplication in public opinion surveys, Statistical
    Journal of the IAOS 32, 283-291, with the fixed limit of 85 %. People who are much alike pass it too where a form is
    long or its answers are few (Simmons, Mercer, Schwarzer and Kennedy 2016, the same journal), which is why chance is
    asked here. Cost: n^2 q multiplications, done in blocks of rows; memory does not grow with n^2.
    """
    n = len(answers)
    judged, closest, other = _closest(answers, shared)
    times = draws or min(_MOST_DRAWS, max(1, math.ceil(_BY_CHANCE / max(n, 1))))
    rng = np.random.default_rng(seed)
    blocks_of = np.arange(answers.shape[1]) if together is None else np.asarray(together)
    chance = np.concatenate([_closest(_shuffled(answers, stratum, blocks_of, rng), shared)[1] for _ in range(times)])
    ordered = np.sort(chance)[::-1]
    bound = float(ordered[times]) if len(ordered) > times else 1.0  # at most `times` lie above, one a draw
    flagged = np.flatnonzero((closest >= least) & (closest > bound))
    expected = float(((chance >= least) & (chance > bound)).sum()) / times
    limit = max(least, bound)
    above = len(chance) - np.searchsorted(np.sort(chance), closest[flagged], side="left")
    rows = _rows(
        keys[flagged], "near_duplicate", keys[other[flagged]], closest[flagged], limit, above / max(len(chance), 1)
    )
    return Found(rows, _summary("near_duplicate", "", int(judged.sum()), len(flagged), expected, limit))


def _closest(answers: Codes, shared: int) -> tuple[npt.NDArray[np.bool_], Floats, Places]:
    """Whether each interview can be compared, its match with the closest other one, and which that is."""
    n, questions = answers.shape
    ticks, given = _ticks(answers), (answers >= 0).astype(np.float32)
    best, other = np.full(n, -1.0), np.zeros(n, dtype=np.intp)
    step = max(1, _AT_ONCE // max(n, 1))
    for start in range(0, n if questions else 0, step):
        here = slice(start, min(start + step, n))
        alike, both = ticks[here] @ ticks.T, given[here] @ given.T
        match = np.where(both >= shared, alike / np.maximum(both, np.float32(1)), np.float32(-1))
        rows = np.arange(len(match))
        match[rows, rows + start] = -1  # not with itself
        at = match.argmax(axis=1)
        share = alike[rows, at].astype(np.float64) / np.maximum(both[rows, at], 1)
        best[here], other[here] = np.where(match[rows, at] >= 0, share, -1.0), at
    return best >= 0, best, other


def _ticks(answers: Codes) -> npt.NDArray[np.float32]:
    """One column for each answer of each question, 1 where it was given; whole numbers are exact in float32."""
    columns = [
        (answers[:, [at]] == np.unique(answers[:, at][answers[:, at] >= 0])).astype(np.float32)
        for at in range(answers.shape[1])
    ]
    return np.concatenate(columns, axis=1) if columns else np.zeros((len(answers), 0), dtype=np.float32)


def _shuffled(answers: Codes, stratum: Places, together: Places, rng: np.random.Generator) -> Codes:
    """Answers dealt out anew within each stratum, a block of questions at a time."""
    made = np.empty_like(answers)
    place = np.argsort(stratum, kind="stable")
    for block in np.unique(together):
        drawn = np.lexsort((rng.random(len(answers)), stratum))
        columns = np.flatnonzero(together == block)
        made[np.ix_(place, columns)] = answers[np.ix_(drawn, columns)]
    return made


def straight_lines(
    answers: Codes,
    keys: Texts,
    stratum: Places,
    *,
    of: Mapping[str, Sequence[int]],
    least: int = BLOCK,
    rare: float = RARE,
) -> Found:
    """Interviews with one and the same answer to every question of a block on one scale.

    Chance: if each answer were given as often as in the stratum, and independently, the answers to the questions J
    that somebody answered would be all alike with probability ``sum_v prod_{j in J} p_hj(v)``. A straight line is
    flagged where that is below `rare`; what is expected is the sum over interviews. People with one mood towards all
    that is asked draw straight lines as well, so an excess is to be looked at, not counted as invention.

    Parameters
    ----------
    answers, keys, stratum : arrays
        As `near_duplicates` takes them.
    of : mapping of block to columns of `answers`
    least : int
        Answers in the block, below which it is not judged.
    """
    found = [_line(answers[:, list(columns)], keys, stratum, name, least, rare) for name, columns in of.items()]
    empty = Found(pd.DataFrame(columns=list(ROWS)), pd.DataFrame(columns=list(SUMMARY)))
    return joined(*found) if found else empty


def _line(answers: Codes, keys: Texts, stratum: Places, block: str, least: int, rare: float) -> Found:
    given = answers >= 0
    chance = _all_alike(answers, stratum)
    enough = given.sum(axis=1) >= least
    judged = enough & (chance < rare)
    highest = np.where(given, answers, -1).max(axis=1, initial=-1)
    alike = np.where(given, answers == highest[:, None], True).all(axis=1)
    rows = np.flatnonzero(judged & alike)
    expected = float(chance[judged].sum())
    return Found(
        _rows(keys[rows], "straight_line", block, given[rows].sum(axis=1), rare, chance[rows]),
        _summary("straight_line", block, int(judged.sum()), len(rows), expected, rare),
    )


def _all_alike(answers: Codes, stratum: Places) -> Floats:
    """How likely all answers that an interview gives are alike, by the answers of its stratum."""
    place = np.unique(stratum, return_inverse=True)[1]
    values = np.unique(answers[answers >= 0])
    chance = np.zeros(len(answers))
    for value in values:
        at_value = np.ones(len(answers))
        for column in answers.T:
            asked = column >= 0
            times = np.bincount(place, weights=column == value)
            share = times / np.maximum(np.bincount(place, weights=asked), 1)
            at_value *= np.where(asked, share[place], 1.0)
        chance += at_value
    return chance


def speeders(minutes: Floats, keys: Texts, *, group: Places | None = None, share: float = HASTE) -> Found:
    """Interviews that took so little time that only a `share` of them should.

    Log minutes are taken as normal around the median of the group, with the spread of all (1.4826 times the median
    absolute deviation, which the quick ones themselves do not move). The rule knows no interviewer.

    Parameters
    ----------
    minutes : array, shape (n,)
        From start to end, NaN where unknown.
    group : array of int, shape (n,), optional
        Kinds of interviews that differ in length, such as user groups, which are asked different questions; one with
        fewer than 20 durations is held to the median of all.
    """
    n = len(minutes)
    known = np.isfinite(minutes)
    if not known.any():
        return Found(pd.DataFrame(columns=list(ROWS)), _summary("speeder", "", 0, 0, 0.0, math.nan))
    logs = np.log(np.maximum(np.where(known, minutes, 1.0), _SHORTEST))
    centre = _centres(logs, known, np.zeros(n, dtype=np.intp) if group is None else group)
    spread = 1.4826 * float(np.median(np.abs(logs - centre)[known]))
    if spread <= 0:  # more than half took the same time to the tenth of a minute: no distribution to hold to
        return Found(pd.DataFrame(columns=list(ROWS)), _summary("speeder", "", 0, 0, 0.0, math.nan))
    z = (logs - centre) / spread
    away = NormalDist().inv_cdf(share)
    limits = np.exp(centre + away * spread)
    rows = np.flatnonzero(known & (z < away))
    chance = np.array([NormalDist().cdf(value) for value in z[rows]])
    judged = int(known.sum())
    return Found(
        _rows(keys[rows], "speeder", "", minutes[rows], limits[rows].round(1), chance),
        _summary("speeder", "", judged, len(rows), judged * share, float(np.median(limits[known]).round(1))),
    )


def _centres(logs: Floats, known: npt.NDArray[np.bool_], group: Places) -> Floats:
    frame = pd.DataFrame({"log": np.where(known, logs, np.nan), "group": group})
    grouped = frame.groupby("group")["log"]
    own, count = grouped.transform("median").to_numpy(), grouped.transform("count").to_numpy()
    return np.where(count >= _FEW, own, np.median(logs[known]))


def _rows(
    keys: Texts, flag: Flag, detail: str | Texts, value: npt.ArrayLike, limit: float | Floats, chance: Floats
) -> pd.DataFrame:
    values = np.asarray(value, dtype=np.float64)
    made = {"submission": keys, "flag": flag, "detail": detail, "value": values, "limit": limit, "chance": chance}
    return pd.DataFrame(made, columns=list(ROWS), index=pd.RangeIndex(len(values)))


def _summary(flag: Flag, detail: str, judged: int, found: int, expected: float, limit: float) -> pd.DataFrame:
    return pd.DataFrame([(flag, detail, judged, found, expected, limit)], columns=list(SUMMARY))
