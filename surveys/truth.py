"""What is true in a simulated survey, declared in TOML: the levels that estimates are held against."""

import datetime as dt
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from surveys.errors import InstrumentError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Post:
    """An invented crossing: crossings counted in an average shift, and index points added in each wave."""

    code: str
    side: str
    traffic: float
    effect: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A user group or a direction: its share of every post's crossings, and index points added."""

    code: str
    share: float
    effect: float


@dataclass(frozen=True, slots=True)
class Hours:
    """Lognormal hours: their mean, and the standard deviation of the logarithm."""

    mean: float
    log_sd: float


@dataclass(frozen=True, slots=True)
class Truth:
    """A truth to draw interviews from; keys of the TOML are these names.

    Attributes
    ----------
    waves : tuple of str
    first_days : mapping of wave to date
        First day of fieldwork.
    shifts, interviews, interviewers : int
        Shifts a stratum, interviews with consent a shift, interviewers in the team of a post.
    shift_icc : float
        Share of the latent variance that answers of a shift have in common.
    mood_sd : float
        Standard deviation of a respondent's mood, where a latent answer has 1.
    consent_refused, stopped : float
        Share of the people approached who refuse; share of the interviews that stop early.
    posts : tuple of Post
    groups, directions : tuple of Part
    levels : mapping of question to one figure a wave
        Mean of the question on 0-100, better upwards, before the effects of post, group and direction.
    shares : mapping of question to share
        Share that says yes, of those who are asked; for `reported`, of the services that asked or were paid.
    worse : frozenset of str
        Questions where a high score, or a yes, is bad.
    contact : mapping of user group to mapping of agency to share
    paid_if_asked, paid_unasked : float
        Share that paid, of those with contact who were and were not asked.
    hours : mapping of question to Hours
    profile : mapping of question to mapping of choice to share
    dont_know, refused : mapping of question to share
        "default" holds for questions not named.
    """

    waves: tuple[str, ...]
    first_days: Mapping[str, dt.date]
    shifts: int
    interviews: int
    interviewers: int
    shift_icc: float
    mood_sd: float
    consent_refused: float
    stopped: float
    posts: tuple[Post, ...]
    groups: tuple[Part, ...]
    directions: tuple[Part, ...]
    levels: Mapping[str, tuple[float, ...]]
    shares: Mapping[str, float]
    worse: frozenset[str]
    contact: Mapping[str, Mapping[str, float]]
    paid_if_asked: float
    paid_unasked: float
    hours: Mapping[str, Hours]
    profile: Mapping[str, Mapping[str, float]]
    dont_know: Mapping[str, float]
    refused: Mapping[str, float]

    def __post_init__(self) -> None:
        faults = list(_faults(self))
        if faults:
            raise InstrumentError("\n".join(f"truth: {fault}" for fault in faults))

    @classmethod
    def from_toml(cls, text: str, *, name: str = "truth") -> "Truth":
        """Read a truth; faults name file, key and remedy."""
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InstrumentError(f"{name}: not valid TOML: {error}; mend that line") from error
        known = {field.name for field in fields(cls)}
        if known != data.keys():
            lacking, strange = sorted(known - data.keys()), sorted(data.keys() - known)
            raise InstrumentError(f"{name}: keys missing: {lacking}, keys unknown: {strange}; write the keys of Truth")
        try:
            return cls(**data | _typed(data))
        except TypeError as error:
            raise InstrumentError(f"{name}: a table has a wrong key or value: {error}; mend it") from error

    def cells(self, wave: str) -> pd.DataFrame:
        """Strata of a wave: side, post, user_group, direction, traffic of a shift, index points added, group number."""
        place = self.waves.index(wave)
        rows = [
            (
                post.side, post.code, group.code, way.code, number,
                post.traffic * group.share * way.share,
                post.effect[place] + group.effect + way.effect,
            )
            for post in self.posts
            for number, group in enumerate(self.groups)
            for way in self.directions
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["side", "post", "user_group", "direction", "group", "traffic", "effect"])

    def level(self, question: str, cells: pd.DataFrame, wave: str) -> Floats:
        """Mean of a scale question in each stratum on 0-1, better upwards; shape (cells,)."""
        points = self.levels[question][self.waves.index(wave)] + cells["effect"].to_numpy(dtype=np.float64)
        level: Floats = points / 100
        return level


def true_score(truth: Truth, question: str, *, wave: str, **where: str) -> float:
    """Exact mean of one question per crossing, as an estimate with traffic weights should find it.

    Parameters
    ----------
    question : str
        A scale question (answer on 0-100, better upwards), a yes-or-no question (percent yes of those asked it),
        `reported` (percent of the services that asked or were paid) or a question for hours (hours).
    **where : str
        Any of side, post, user_group, direction.
    """
    if question in truth.levels:
        cells = truth.cells(wave)
        chosen = np.ones(len(cells), dtype=np.bool_)
        for facet, value in where.items():
            chosen &= (cells[facet] == value).to_numpy()
        weight = cells["traffic"].to_numpy(dtype=np.float64) * chosen
        return float(100 * np.average(truth.level(question, cells, wave), weights=weight))
    if question in truth.hours:
        return truth.hours[question].mean
    if question.startswith("paid_"):
        asked = truth.shares[question.replace("paid_", "asked_")]
        return 100 * (asked * truth.paid_if_asked + (1 - asked) * truth.paid_unasked)
    return 100 * truth.shares[question]


def _typed(data: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of the TOML as the dataclasses they stand for."""
    waves = data["waves"]
    return {
        "waves": tuple(waves),
        "posts": tuple(Post(**row | {"effect": tuple(row["effect"])}) for row in data["posts"]),
        "groups": tuple(Part(**row) for row in data["groups"]),
        "directions": tuple(Part(**row) for row in data["directions"]),
        "levels": {
            question: tuple(level) if isinstance(level, list) else (float(level),) * len(waves)
            for question, level in data["levels"].items()
        },
        "worse": frozenset(data["worse"]),
        "hours": {question: Hours(**row) for question, row in data["hours"].items()},
    }


def _faults(truth: Truth) -> Iterator[str]:
    if truth.shift_icc + truth.mood_sd**2 >= 1:
        yield "shift_icc + mood_sd**2 is 1 or more, nothing is left for the single answer; lower one of them"
    for wave in truth.waves:
        if wave not in truth.first_days:
            yield f"first_days: wave {wave!r} is missing; give its first day"
    series = {f"posts: effect of {post.code!r}": post.effect for post in truth.posts}
    series |= {f"levels: {question!r}": level for question, level in truth.levels.items()}
    for where, values in series.items():
        if len(values) != len(truth.waves):
            yield f"{where} has {len(values)} figures for {len(truth.waves)} waves; give one a wave"
    sums = {
        "groups": sum(part.share for part in truth.groups),
        "directions": sum(part.share for part in truth.directions),
    }
    sums |= {f"profile: {question!r}": sum(shares.values()) for question, shares in truth.profile.items()}
    for where, total in sums.items():
        if abs(total - 1) > 1e-9:  # noqa: PLR2004 - what adding decimals may lose
            yield f"{where}: shares add up to {total:g}; make them 1"
