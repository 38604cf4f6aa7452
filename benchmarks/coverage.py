"""How often do the engine's 95 % intervals hold what is true?

Surveys are drawn from known truths under the border design (stratum = post x group, PSU = shift, weight = crossings
counted / interviews done), estimated by the engine itself, and the intervals that hold the truth are counted, with 4, 8
and 16 shifts a stratum. Seeds are fixed before the run; a scenario outside the aim is printed as it is.

    python benchmarks/coverage.py [--samples 200] [--only plain] [--fresh-seed]
"""

import argparse
import itertools
import json
import resource
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.progress import track
from scipy import stats
from scipy.special import ndtr, ndtri

from scoring import Calibration, Framework, Margin, SurveyDesign, change, estimate, reduce, score
from scoring.design import traffic_weights
from scoring.strata import DfRule

Floats = npt.NDArray[np.float64]

SEED = 20_261_101
SHIFTS = (4, 8, 16)
FEWER = (2, 3)  # shifts of dominant posts, where both rules of degrees of freedom stand side by side
ROWS = 250_000  # respondents in one call of the engine
RAKED_TOGETHER = 8  # samples in one call where margins are crossed with the sample: the solver's size grows with it
AIM, AIM_FEW, FROM = (0.93, 0.97), 0.91, 8  # from 8 shifts on; below them for one dominant post
PEOPLE = {"woman": 0.4, "man": 0.6}  # of those who cross
CROSSINGS = 2_000.0  # expected in one shift at all posts together
SCALE = 3  # answers are 0 to 3
MOVE = 0.04  # what a level gains from wave to wave, as a share of itself
RULES: tuple[DfRule, DfRule] = ("satterthwaite", "design")
Kind = Literal["index", "change", "share", "hours"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A population and a way to ask it; every answer has an exact mean in every stratum.

    Attributes
    ----------
    posts, groups : tuple of float
        Shares of the traffic.
    interviews : (int, int)
        Fewest and most interviews of a shift.
    busy, tilt : float
        Standard deviation of the log of a shift's expected crossings; its correlation with the shift's effect on
        answers: where it is not 0, weights tell of answers.
    icc, mood : float
        Share of the latent variance that a shift's people have in common; standard deviation of a person's mood.
    kind : {"index", "change", "share", "hours"}
        By `reduce` and `score`; from the first wave to the last by `change`; a share and a mean by `estimate`.
    level : float
        Mean answer, as a share of the scale or in hours; hours are lognormal with `log_sd`.
    blank, women : float
        Share of answers left out, by chance; how likely women are to answer, beside men, raked away where not 1.
    """

    name: str
    posts: tuple[float, ...] = (0.45, 0.35, 0.2)
    groups: tuple[float, ...] = (0.6, 0.4)
    interviews: tuple[int, int] = (10, 10)
    busy: float = 0.25
    tilt: float = 0.0
    icc: float = 0.05
    mood: float = 0.0
    kind: Kind = "index"
    level: float = 0.55
    items: int = 1
    waves: int = 1
    blank: float = 0.0
    women: float = 1.0
    log_sd: float = 1.0

    @property
    def strata(self) -> pd.DataFrame:
        """Wave, post, group and expected crossings of a shift of each stratum."""
        each = itertools.product(range(self.waves), range(len(self.posts)), range(len(self.groups)))
        table = pd.DataFrame(each, columns=["wave", "post", "group"])
        share = np.array(self.posts)[table["post"]] * np.array(self.groups)[table["group"]]
        return table.assign(traffic=CROSSINGS * share)

    @property
    def levels(self) -> Floats:
        """Mean answer of each stratum, of women and men, to each item, shape (strata, 2, items)."""
        table = self.strata
        post, group = (np.linspace(-1, 1, size) for size in (len(self.posts), len(self.groups)))
        stratum = 0.2 * post[table["post"]] + 0.1 * group[table["group"]]
        sex, item = np.array([-0.1, 0.1]), np.linspace(-0.1, 0.1, self.items) if self.items > 1 else np.zeros(1)
        parts = 1 + stratum[:, None, None] + sex[:, None] + item
        return np.asarray(self.level * parts * (1 + MOVE * table["wave"].to_numpy())[:, None, None])

    @property
    def questions(self) -> list[str]:
        return [f"q{number}" for number in range(self.items)]

    @property
    def trials(self) -> int:
        return 1 if self.kind == "share" else SCALE

    @property
    def thresholds(self) -> Floats:
        """Latent values above which an answer is one step higher, shape (strata, 2, items, steps)."""
        return np.asarray(ndtri(stats.binom.cdf(np.arange(self.trials), self.trials, self.levels[..., None])))

    @property
    def truth(self) -> float:
        """Expectation of a crossing's answer, in units of the estimate.

        Crossings are ``exp(s z - s^2/2)`` times their mean with z standard normal; weighting by them moves z by s, and
        with it every latent answer by ``sqrt(icc) tilt s`` (Cameron and Martin), so that the weighted mean is exact.
        """
        moved = np.sqrt(self.icc) * self.tilt * self.busy
        if self.kind == "hours":
            means = self.levels * np.exp(self.log_sd * moved)
        else:
            means = ndtr(moved - self.thresholds).mean(axis=-1) * (1 if self.kind == "share" else 100)
        by_stratum = means.mean(axis=-1) @ np.array(list(PEOPLE.values()))
        table = self.strata.assign(sum=lambda rows: rows["traffic"] * by_stratum)
        by_wave = table.groupby("wave")["sum"].sum() / table.groupby("wave")["traffic"].sum()
        return float(by_wave.iloc[-1] - by_wave.iloc[0] if self.kind == "change" else by_wave.iloc[0])


SCENARIOS = (
    Scenario(name="plain"),
    Scenario(name="unequal weights", busy=0.8, tilt=-0.5, interviews=(4, 16)),
    Scenario(name="rare outcome", kind="share", level=0.04),
    Scenario(name="raked", women=0.5, busy=0.5),
    Scenario(name="dominant post", posts=(0.7, 0.1, 0.1, 0.05, 0.05)),
    Scenario(name="skewed", kind="hours", level=3.0),
    Scenario(name="index of twelve items", items=12, mood=0.5, blank=0.1),
    Scenario(name="three waves", kind="change", items=4, mood=0.5, waves=3),
    Scenario(name="dominant stratum", posts=(0.7, *[0.3 / 11] * 11), groups=(1.0,)),  # 70 % rest on its shifts alone
)
MARKS = ("few_df", "few_cases", "uneven_shifts")  # reasons that warn of too narrow an interval
DOMINANT = ("dominant post", "dominant stratum")


def draw(scenario: Scenario, shifts: int, samples: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw many samples into one frame, one row a respondent; strata and shifts nest in `sample`."""
    strata = scenario.strata
    stratum = np.tile(np.repeat(np.arange(len(strata)), shifts), samples)
    common, other = rng.standard_normal((2, stratum.size))
    drift = scenario.tilt * common + np.sqrt(1 - scenario.tilt**2) * other
    expected = strata["traffic"].to_numpy()[stratum] * np.exp(scenario.busy * drift - scenario.busy**2 / 2)
    counted = rng.poisson(expected)
    shift = np.repeat(np.arange(stratum.size), rng.integers(*scenario.interviews, size=stratum.size, endpoint=True))
    place = stratum[shift]
    women = PEOPLE["woman"] * scenario.women
    sex = (rng.random(shift.size) >= women / (women + PEOPLE["man"])).astype(np.int64)
    frame = strata[["wave", "post", "group"]].iloc[place].reset_index(drop=True)
    frame = frame.assign(sample=shift // (len(strata) * shifts), shift=shift, sex=sex)
    frame["weight"] = traffic_weights(pd.Series(counted[shift]), frame[["shift"]]) / shifts
    answers = _answers(scenario, common[shift], place, sex, rng)
    return pd.concat([frame, pd.DataFrame(answers, columns=scenario.questions)], axis=1)


def _answers(
    scenario: Scenario,
    common: Floats,
    place: npt.NDArray[np.int64],
    sex: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> Floats:
    """Answers read off latent values that share the shift's effect and the person's mood, shape (rows, items)."""
    shared = np.sqrt(scenario.icc) * common + scenario.mood * rng.standard_normal(common.size)
    rest = np.sqrt(1 - scenario.icc - scenario.mood**2)
    thresholds, levels = scenario.thresholds, scenario.levels
    given = np.empty((common.size, scenario.items))
    for item in range(scenario.items):
        latent = shared + rest * rng.standard_normal(common.size)
        if scenario.kind == "hours":
            given[:, item] = levels[place, sex, item] * np.exp(scenario.log_sd * latent - scenario.log_sd**2 / 2)
        else:
            given[:, item] = (latent[:, None] > thresholds[place, sex, item]).sum(axis=1)
    if scenario.blank:
        given[rng.random(given.shape) < scenario.blank] = -4.0  # as the store codes what was left blank
    return given


def framework(scenario: Scenario) -> Framework:
    """One index over dimensions of four items."""
    parts: list[tuple[str, dict[str, object]]] = [("index", {"code": "index"})]
    for number, code in enumerate(scenario.questions):
        name = f"d{number // 4}"
        if number % 4 == 0:
            parts.append(("dimension", {"code": name, "index": "index"}))
        parts.append(("item", {"code": code, "dimension": name, "direction": "better", "range": [0, SCALE]}))
    text = 'id = "coverage"\nversion = "1"\ntitle = "Coverage"\n'
    for table, values in parts:
        lines = [f"{key} = {json.dumps(value)}" for key, value in (values | {"title": values["code"]}).items()]
        text += "\n".join([f"\n[[{table}]]", *lines, ""])
    return Framework.from_toml(text)


def design(scenario: Scenario) -> SurveyDesign:
    wave = "wave" if scenario.kind == "change" else None
    return SurveyDesign(weight="weight", strata=("sample", "post", "group"), psu="shift", wave=wave)


def margins(scenario: Scenario, samples: int) -> Calibration:
    """Posts, groups and sexes as they are known to cross, in every sample."""
    whole = scenario.strata["traffic"].sum()
    known = {"post": scenario.posts, "group": scenario.groups, "sex": tuple(PEOPLE.values())}
    totals = {
        name: {(sample, place): whole * share for sample in range(samples) for place, share in enumerate(shares)}
        for name, shares in known.items()
    }
    return Calibration("rake", tuple(Margin(("sample", name), total) for name, total in totals.items()))


def _by_score(scenario: Scenario, frame: pd.DataFrame, df: DfRule) -> pd.DataFrame:
    raked = margins(scenario, frame["sample"].nunique()) if scenario.women != 1 else None
    totals = reduce(frame, framework(scenario), design(scenario), facets=[("sample",)], calibration=raked)
    table = score(totals, framework(scenario), "sample", df=df).table
    return table[table["measure"] == "index"]


def _by_change(scenario: Scenario, frame: pd.DataFrame, df: DfRule) -> pd.DataFrame:
    totals = reduce(frame, framework(scenario), design(scenario), facets=[("sample",)])
    ends = ("0", str(scenario.waves - 1))
    return change(totals, framework(scenario), measure="index", waves=ends, by="sample", df=df).table


def _by_share(scenario: Scenario, frame: pd.DataFrame, df: DfRule) -> pd.DataFrame:
    table = estimate(frame.astype({"q0": int}), design(scenario), proportion="q0", by="sample", df=df)
    return table[table["category"] == "1"]


def _by_mean(scenario: Scenario, frame: pd.DataFrame, df: DfRule) -> pd.DataFrame:
    return estimate(frame, design(scenario), mean="q0", by="sample", df=df)


Engine = Callable[[Scenario, pd.DataFrame, DfRule], pd.DataFrame]
ENGINE: dict[Kind, Engine] = {"index": _by_score, "change": _by_change, "share": _by_share, "hours": _by_mean}
FIGURES = ["estimate", "se", "df", "low", "high", "reason"]


def figures(
    scenario: Scenario, shifts: int, samples: int, rng: np.random.Generator, *, rules: Sequence[DfRule] = RULES[:1]
) -> list[pd.DataFrame]:
    """The engine's figures by rule of degrees of freedom, one row a sample; `held`: whether the truth is inside."""
    parts: list[list[pd.DataFrame]] = [[] for _ in rules]
    for size in _batches(scenario, shifts, samples):
        frame = draw(scenario, shifts, size, rng)
        for rule, found in zip(rules, parts, strict=True):
            found.append(ENGINE[scenario.kind](scenario, frame, rule)[FIGURES])
            assert len(found[-1]) == size, "one row a sample"
    tables = [pd.concat(found, ignore_index=True) for found in parts]
    truth = scenario.truth
    return [table.assign(held=(table["low"] <= truth) & (truth <= table["high"])) for table in tables]


def _batches(scenario: Scenario, shifts: int, samples: int) -> Iterator[int]:
    """Samples of each call."""
    rows = len(scenario.strata) * shifts * sum(scenario.interviews) // 2
    most = RAKED_TOGETHER if scenario.women != 1 else max(ROWS // rows, 1)
    for start in range(0, samples, most):
        yield min(most, samples - start)


@dataclass(frozen=True, slots=True)
class Line:
    """What became of the intervals of one scenario; `width` is beside that of z intervals with the true SE.

    The true SE is the standard deviation over all samples; `few` counts the rows that the engine marks, and
    `held_of_few` those of them whose interval holds the truth.
    """

    scenario: str
    rule: DfRule
    shifts: int
    samples: int
    shown: int
    held: int
    width: float
    df: float
    few: int
    held_of_few: int

    @property
    def coverage(self) -> float:
        return self.held / self.shown

    @property
    def chance(self) -> tuple[float, float]:
        """95 % interval of the coverage itself (Clopper and Pearson)."""
        found = stats.binomtest(self.held, self.shown).proportion_ci(0.95)
        return float(found.low), float(found.high)

    @property
    def aim(self) -> tuple[float, float] | None:
        """Least and most coverage of what is published; None where nothing is promised."""
        if self.rule == "design":
            return None
        if self.shifts >= FROM:
            return AIM
        return (AIM_FEW, 1.0) if self.scenario in DOMINANT and self.shifts == min(SHIFTS) else None

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return "none set"
        (least, most), (low, high) = self.aim, self.chance
        by_chance = ", perhaps by chance" if low <= most and high >= least else ""
        return "inside" if least <= self.coverage <= most else f"**outside**{by_chance}"


def line(scenario: Scenario, shifts: int, rule: DfRule, rows: pd.DataFrame) -> Line:
    wide = 2 * stats.norm.ppf(0.975) * rows["estimate"].std()
    few = rows["reason"].isin(MARKS)
    return Line(
        scenario=scenario.name,
        rule=rule,
        shifts=shifts,
        samples=len(rows),
        shown=int((rows["low"].notna() & rows["high"].notna()).sum()),
        held=int(rows["held"].sum()),
        width=float((rows["high"] - rows["low"]).mean() / wide),
        df=float(rows["df"].median()),
        few=int(few.sum()),
        held_of_few=int(rows["held"][few].sum()),
    )


def generator(scenario: Scenario, shifts: int, seed: int = SEED) -> np.random.Generator:
    """Chance of one line of the table, whatever other lines are asked for."""
    place = [each.name for each in SCENARIOS].index(scenario.name)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place, shifts)))


def markdown(lines: Sequence[Line]) -> str:
    """One row a line, shares in per cent."""
    rows = [
        "| scenario | shifts | coverage | its 95 % interval | width / true | missing | median df | marked | aim |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in lines:
        name = each.scenario + (", design rule of df" if each.rule == "design" else "")
        low, high = (_percent(end) for end in each.chance)
        rows.append(
            f"| {name} | {each.shifts} | {_percent(each.coverage)} | {low} to {high} | {each.width:.2f} "
            f"| {_percent(1 - each.shown / each.samples)} | {each.df:.1f} | {_percent(each.few / each.samples)} "
            f"| {each.verdict} |"
        )
    return "\n".join(rows)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def marked(lines: Sequence[Line]) -> str:
    """How often intervals hold the truth where the engine marks them, and where it does not."""
    few, rest = sum(each.few for each in lines), sum(each.shown - each.few for each in lines)
    of_few, of_rest = sum(each.held_of_few for each in lines), sum(each.held - each.held_of_few for each in lines)
    shares = [f"{_percent(held / rows)} %" if rows else "none" for held, rows in ((of_few, few), (of_rest, rest))]
    return f"Held by {few:,} rows marked in words: {shares[0]}; by {rest:,} others: {shares[1]} (Satterthwaite's df)."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=200, help="surveys drawn for each line")
    parser.add_argument("--only", choices=[each.name for each in SCENARIOS], help="one scenario")
    parser.add_argument("--fresh-seed", action="store_true", help="draw a new seed, and print it")
    given = parser.parse_args()
    seed = secrets.randbits(64) if given.fresh_seed else SEED
    print(f"{given.samples:,} samples a line, seed {seed}\n", flush=True)
    start = time.perf_counter()
    chosen = [each for each in SCENARIOS if given.only in (None, each.name)]
    jobs = [(each, n) for each in chosen for n in ((*FEWER, *SHIFTS) if each.name in DOMINANT else SHIFTS)]
    lines: list[Line] = []
    for scenario, shifts in track(jobs, "coverage", console=Console(stderr=True)):
        rules = RULES if scenario.name in DOMINANT else RULES[:1]
        tables = figures(scenario, shifts, given.samples, generator(scenario, shifts, seed), rules=rules)
        lines += [line(scenario, shifts, rule, table) for rule, table in zip(rules, tables, strict=True)]
    by_rule = {rule: [each for each in lines if each.rule == rule] for rule in RULES}
    print(markdown([*by_rule["satterthwaite"], *by_rule["design"]]), marked(by_rule["satterthwaite"]), sep="\n\n")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** (20 if sys.platform == "darwin" else 10)
    print(f"\n{time.perf_counter() - start:.0f} seconds, {most:.0f} MiB at most")


if __name__ == "__main__":
    main()
