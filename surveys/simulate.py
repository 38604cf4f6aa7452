"""Interviews drawn from a known truth under the border design: for the demo, coverage tests and benchmarks.

Every answer follows a distribution whose mean is declared, so that estimates can be held against it. One latent
normal value per answer carries what a shift and a respondent's mood have in common (a Gaussian copula): it ties
answers together and leaves each mean exact. A scale of K answers is binomial with K - 1 trials, a yes or no is one
trial, hours are lognormal.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import comb, ndtri

from surveys.errors import InstrumentError
from surveys.questionnaire import Question, Questionnaire
from surveys.truth import Truth, true_score

__all__ = ["Truth", "draw", "scored_codes", "true_score"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]

_HALF_DAYS = (6, 13)  # shifts begin at six and at one o'clock
_SHIFT_HOURS = 5.5
_ZONE = ".000+05:00"
_ADDED = frozenset({"agency"})  # asked since version 2, by chance of its own: all that was drawn before stays as it was


@dataclass(frozen=True, slots=True)
class _Sample:
    """Who was approached: arrays of shape (people,), `cells` holds the strata."""

    truth: Truth
    wave: str
    rng: np.random.Generator
    cells: pd.DataFrame
    cell: Integers
    shift: Integers
    consent: Flags
    common: Floats  # what the shift and the mood add to every latent answer

    @property
    def size(self) -> int:
        return len(self.cell)

    def latent(self) -> Floats:
        """One new latent answer per person, standard normal over shifts and people."""
        rest = np.sqrt(1 - self.truth.shift_icc - self.truth.mood_sd**2)
        latent: Floats = self.common + rest * self.rng.standard_normal(self.size)
        return latent

    def facet(self, name: str) -> Texts:
        """The stratum's side, post, user_group or direction of each person."""
        return _pick(self.cells[name].to_numpy(dtype=object), self.cell)


def draw(questionnaire: Questionnaire, truth: Truth, *, wave: str, seed: int) -> pd.DataFrame:
    """Draw one wave in the shape of a Kobo export: XML names, choice codes, everything as text, "" where empty.

    Each shift holds `truth.interviews` people who consent; refusals of consent are rows on top of them.

    Parameters
    ----------
    questionnaire : Questionnaire
        The traveller instrument.
    truth : Truth
        What is true; a question that it says nothing about is an InstrumentError.
    wave : str
        One of `truth.waves`.
    seed : int
        Seed of numpy's generator; the same seed draws the same frame.
    """
    if wave not in truth.waves:
        raise InstrumentError(f"wave {wave!r} is not in the truth; choose of {', '.join(truth.waves)}")
    sample = _approach(truth, wave, np.random.default_rng(seed))
    answers = _visit(sample)
    for question in questionnaire.questions:
        if question.name not in answers and question.kind not in {"meta", "note"}:
            source = replace(sample, rng=sample.rng.spawn(1)[0]) if question.name in _ADDED else sample
            answers[question.name] = _answer(source, question, answers)
    answers = _until_stopped(sample, questionnaire, answers)
    columns: dict[str, Texts] = {}
    for question in questionnaire.questions:
        if question.name in answers:
            columns[question.name] = answers[question.name]
        if question.kind == "select_multiple":
            columns |= _ticks(question, answers[question.name])
    return _export(sample, columns)


def _approach(truth: Truth, wave: str, rng: np.random.Generator) -> _Sample:
    """Fill every shift of every stratum with people."""
    cells = truth.cells(wave)
    shifts = len(cells) * truth.shifts
    odds = truth.consent_refused / (1 - truth.consent_refused)
    people = truth.interviews + rng.binomial(truth.interviews, odds, size=shifts)
    shift = np.repeat(np.arange(shifts, dtype=np.int64), people)
    rank = np.arange(len(shift)) - np.repeat(np.cumsum(people) - people, people)
    common = np.sqrt(truth.shift_icc) * rng.standard_normal(shifts)[shift]
    common = common + truth.mood_sd * rng.standard_normal(len(shift))
    consent = rank < truth.interviews
    return _Sample(truth, wave, rng, cells, shift // truth.shifts, shift, consent, common)


def _visit(sample: _Sample) -> dict[str, Texts]:
    """What the interviewer notes before a word is said."""
    truth, rng = sample.truth, sample.rng
    number = np.arange(len(sample.cells) * truth.shifts, dtype=np.int64)
    per_post = len(truth.groups) * len(truth.directions) * truth.shifts
    place, turn = number // per_post, number % per_post
    expected = sample.cells["traffic"].to_numpy(dtype=np.float64)[number // truth.shifts]
    counted = rng.poisson(expected * rng.gamma(20.0, 1 / 20.0, size=len(number)))
    counted = np.maximum(counted, np.bincount(sample.shift, minlength=len(number)))
    prefix = [post.code[:3].upper() for post in truth.posts]
    codes = [f"{prefix[p]}-{t + 1:02d}" for p, t in zip(place, turn, strict=True)]
    at_work = (turn[sample.shift] + np.arange(sample.size) % 2) % truth.interviewers
    interviewer = place[sample.shift] * truth.interviewers + at_work
    team = np.array([f"i{k + 1:02d}" for k in range(len(truth.posts) * truth.interviewers)], dtype=object)
    return {
        **{name: sample.facet(name) for name in ("side", "post", "direction", "user_group")},
        "shift": _pick(np.array(codes, dtype=object), sample.shift),
        "traffic_count": _pick(counted.astype(str).astype(object), sample.shift),
        "interviewer": _pick(team, interviewer),
        "interviewer_sex": _pick(np.array(["male", "female"], dtype=object), interviewer % 2),
        "sex": _profile(sample, "sex"),
        "language": _profile(sample, "language"),
        "consent": np.where(sample.consent, "yes", "no").astype(object),
        "interview_stopped": _yes_no(rng.random(sample.size) < truth.stopped),
    }


def _answer(sample: _Sample, question: Question, answers: Mapping[str, Texts]) -> Texts:
    """Answers to one question, "" where it is not asked."""
    truth, name = sample.truth, question.name
    if name == "contact":
        given = _contact(sample)
    elif name in truth.levels:
        given = _scored(sample, question)
    elif name in truth.hours:
        given = _hours(sample, name)
    elif name in truth.profile:
        given = _profile(sample, name)
    elif name.startswith("paid_"):
        given = _paid(sample, name, answers)
    elif name in truth.shares:
        given = _reported(sample, answers) if name == "reported" else _share(sample, name)
    else:
        raise InstrumentError(
            f"the truth says nothing about question {name!r}; add it to [levels], [shares] or [profile]"
        )
    if question.group[:1] != ("privacy",) and (question.kind == "select_one" or name == "reported"):
        given = _unanswered(sample, question, given)
    return np.where(sample.consent & _asked(sample, name, answers), given, "").astype(object)


def _asked(sample: _Sample, name: str, answers: Mapping[str, Texts]) -> Flags:
    """Routing, as the `relevant` column of the instrument has it."""
    before, _, agency = name.partition("_")
    everybody = np.ones(sample.size, dtype=np.bool_)
    if before in {"asked", "paid"}:
        return _ticked(answers["contact"], agency)
    if before == "narcotics":
        return _ticked(answers["contact"], before)
    if name == "reported":
        yes = [given == "yes" for other, given in answers.items() if other.startswith(("asked_", "paid_"))]
        return np.any(yes, axis=0) if yes else ~everybody
    if name == "trader_size":
        return np.asarray(answers["user_group"] == "trader", dtype=np.bool_)
    return everybody


def _scored(sample: _Sample, question: Question) -> Texts:
    """Answers on a scale: binomial, the mean of the score is the level of the person's stratum."""
    codes = scored_codes(question)
    level = sample.truth.level(question.name, sample.cells, sample.wave)
    step = _binomial(sample, level, trials=len(codes) - 1)
    ordered = codes[::-1] if question.name in sample.truth.worse else codes
    return _pick(np.array(ordered, dtype=object), step)


def scored_codes(question: Question) -> tuple[str, ...]:
    """Codes of the answers that have a score, lowest score first."""
    choices = question.scale.choices if question.scale else ()
    scored = sorted((choice.score, choice.code) for choice in choices if choice.score is not None)
    return tuple(code for _, code in scored)


def _binomial(sample: _Sample, level: Floats, *, trials: int) -> Integers:
    """Binomial steps 0..trials with mean `trials * level[cell]`, read off the latent answer.

    `level` has shape (cells,); thresholds are made per cell, so that no distribution is evaluated per person.
    """
    k = np.arange(trials)
    mass = comb(trials, k) * level[:, None] ** k * (1 - level[:, None]) ** (trials - k)
    thresholds = ndtri(np.minimum(np.cumsum(mass, axis=1), 1.0))
    latent = sample.latent()
    steps = np.zeros(sample.size, dtype=np.int64)
    for column in range(trials):
        steps += latent > thresholds[sample.cell, column]
    return steps


def _share(sample: _Sample, name: str) -> Texts:
    """Yes or no: a bad yes comes with a bad mood, a good one with a good mood."""
    share = sample.truth.shares[name]
    worse = name in sample.truth.worse
    level = np.full(len(sample.cells), 1 - share if worse else share)
    step = _binomial(sample, level, trials=1)
    return _yes_no(step == (0 if worse else 1))


def _paid(sample: _Sample, name: str, answers: Mapping[str, Texts]) -> Texts:
    """Paid, given what was asked; without mood, so that the declared conditional shares are exact.

    Who did not say whether anybody asked paid as often as all others together.
    """
    truth = sample.truth
    asked = answers[name.replace("paid_", "asked_")]
    overall = true_score(truth, name, wave=sample.wave) / 100
    chance = np.select([asked == "yes", asked == "no"], [truth.paid_if_asked, truth.paid_unasked], default=overall)
    return _yes_no(sample.rng.random(sample.size) < chance)


def _hours(sample: _Sample, name: str) -> Texts:
    """Lognormal hours with the declared mean, one decimal; a good mood goes with a short wait."""
    hours = sample.truth.hours[name]
    drawn = hours.mean * np.exp(-hours.log_sd * sample.latent() - hours.log_sd**2 / 2)
    return np.char.mod("%.1f", np.clip(drawn, 0.0, 72.0)).astype(object)


def _profile(sample: _Sample, name: str) -> Texts:
    shares = sample.truth.profile[name]
    chosen = sample.rng.choice(len(shares), size=sample.size, p=list(shares.values()))
    return _pick(np.array(list(shares), dtype=object), chosen)


def _contact(sample: _Sample) -> Texts:
    """Services dealt with, space between them as Kobo writes several ticks; "none" stands alone."""
    groups = [group.code for group in sample.truth.groups]
    agencies = list(sample.truth.contact[groups[0]])
    chance = np.array([[sample.truth.contact[group][agency] for agency in agencies] for group in groups])
    group = sample.cells["group"].to_numpy(dtype=np.int64)[sample.cell]
    return _joined(sample.rng.random((sample.size, len(agencies))) < chance[group], agencies, nothing="none")


def _reported(sample: _Sample, answers: Mapping[str, Texts]) -> Texts:
    """Services reported, each that asked or was paid with the declared share; "nobody" stands alone.

    It is asked of people in a bad mood only, so it must not depend on mood for its share to be the declared one.
    """
    agencies = [name.removeprefix("asked_") for name in answers if name.startswith("asked_")]
    met = [(answers[f"asked_{agency}"] == "yes") | (answers[f"paid_{agency}"] == "yes") for agency in agencies]
    share = sample.truth.shares["reported"]
    ticked = np.column_stack(met) & (sample.rng.random((sample.size, len(agencies))) < share)
    return _joined(ticked, agencies, nothing="nobody")


def _joined(ticked: Flags, codes: Sequence[str], *, nothing: str) -> Texts:
    """Codes of the ticks (rows, codes) as Kobo joins them, `nothing` where there are none."""
    pattern = ticked @ (1 << np.arange(len(codes)))
    texts = [
        " ".join(code for bit, code in enumerate(codes) if number >> bit & 1) or nothing
        for number in range(1 << len(codes))
    ]
    return _pick(np.array(texts, dtype=object), pattern)


def _unanswered(sample: _Sample, question: Question, given: Texts) -> Texts:
    """Put the codes of don't know and refused over some answers, whatever they were."""
    kinds = {choice.missing: choice.code for choice in (question.scale.choices if question.scale else ())}
    chance = sample.rng.random(sample.size)
    for kind, rates in (("dont_know", sample.truth.dont_know), ("refused", sample.truth.refused)):
        rate = rates.get(question.name, rates.get("default", 0.0))
        if kind in kinds:
            given = np.where((chance >= 0) & (chance < rate), kinds[kind], given)
        chance = chance - rate  # the next kind takes the next slice
    return given.astype(object)


def _until_stopped(sample: _Sample, questionnaire: Questionnaire, answers: dict[str, Texts]) -> dict[str, Texts]:
    """Empty what would have come after an interview was stopped; nothing is noted of people who refused."""
    inside = [question.name for question in questionnaire.questions if question.group[:1] == ("interview",)]
    asked = [name for name in inside if name in answers]  # notes are not answered
    last = len(asked) - len(_ADDED.intersection(asked))
    stopped = answers["interview_stopped"] == "yes"
    end = np.where(stopped, sample.rng.integers(1, max(last, 2), size=sample.size), last)
    kept = dict(answers)
    kept["interview_stopped"] = np.where(sample.consent, answers["interview_stopped"], "").astype(object)
    number = -1
    for name in asked:
        number += name not in _ADDED  # one of them is answered where the question before it is
        kept[name] = np.where(number < end, answers[name], "").astype(object)
    return kept


def _ticks(question: Question, given: Texts) -> dict[str, Texts]:
    """One column a choice, 1 or 0, as Kobo exports them beside the joined column."""
    codes = [choice.code for choice in question.scale.choices] if question.scale else []
    return {
        f"{question.name}/{code}": np.where(given == "", "", np.where(_ticked(given, code), "1", "0")).astype(object)
        for code in codes
    }


def _ticked(given: Texts, code: str) -> Flags:
    """Whether a choice is among the ticks; asked of the few distinct patterns, not of every row."""
    place, patterns = pd.factorize(given)
    return np.array([code in str(pattern).split() for pattern in patterns], dtype=np.bool_)[place]


def _export(sample: _Sample, columns: Mapping[str, Texts]) -> pd.DataFrame:
    """Put the columns that Kobo adds around the answers, in the order of submission."""
    start, end = _clock(sample)
    order = np.argsort(start, kind="stable")
    frame = {
        "start": _stamp(start, _ZONE),
        "end": _stamp(end, _ZONE),
        **columns,
        "_id": np.char.mod("%d", 100001 + np.argsort(order)).astype(object),
        "_uuid": _uuids(sample.rng, sample.size),
        "_submission_time": _stamp(end + np.timedelta64(2, "h"), ""),
    }
    return pd.DataFrame({name: values[order] for name, values in frame.items()}, dtype="str")


def _clock(sample: _Sample) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.datetime64]]:
    """Begin and end of each interview: two shifts a day, interviews of some eighteen minutes."""
    truth, rng = sample.truth, sample.rng
    turn = sample.shift % (len(truth.groups) * len(truth.directions) * truth.shifts)
    begin = np.array(_HALF_DAYS)[turn % 2] + rng.uniform(0, _SHIFT_HOURS, size=sample.size)
    seconds = (turn // 2 * 24 * 3600 + begin * 3600).astype(np.int64)
    minutes = np.where(sample.consent, rng.lognormal(np.log(18), 0.25, size=sample.size), 1.5)
    first = np.datetime64(dt.datetime.combine(truth.first_days[sample.wave], dt.time()), "s")
    start = first + seconds.astype("timedelta64[s]")
    return start, start + (minutes * 60).astype(np.int64).astype("timedelta64[s]")


def _stamp(moment: npt.NDArray[np.datetime64], zone: str) -> Texts:
    return np.char.add(np.datetime_as_string(moment, unit="s"), zone).astype(object)


def _uuids(rng: np.random.Generator, size: int) -> Texts:
    chance = rng.bytes(16 * size)
    codes = [str(uuid.UUID(bytes=chance[at : at + 16], version=4)) for at in range(0, len(chance), 16)]
    return np.array(codes, dtype=object)


def _pick(values: Texts, place: npt.NDArray[np.int64]) -> Texts:
    return values[place]


def _yes_no(yes: Flags) -> Texts:
    return np.where(yes, "yes", "no").astype(object)
