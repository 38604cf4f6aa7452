"""How often do the engine's 95 % intervals hold what is true?

Surveys are drawn from known truths under the border design (stratum = post x group, PSU = shift, weight = crossings
counted / interviews done), estimated by the engine itself, and the intervals that hold the truth are counted: eight
scenarios with 4, 8 and 16 shifts a stratum, and the dominant post under both rules of degrees of freedom. Seeds are
fixed before the run; what misses the aim is printed as it is.

    python benchmarks/coverage.py [--samples 200] [--only plain] [--fresh-seed]
"""

import argparse
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
from scoring.estimates import DfRule

Floats = npt.NDArray[np.float64]

SEED = 20_261_101
SHIFTS = (4, 8, 16)
FEW_SHIFTS = (2, 3, 4, 8, 16)  # of the dominant post, where both rules of degrees of freedom stand side by side
ROWS = 250_000  # respondents in one call of the engine
RAKED_TOGETHER = 8  # samples in one call where margins are crossed with the sample: the solver's size grows with it
AIM, AIM_FEW, FROM = (0.93, 0.97), 0.91, 8  # from 8 shifts on; below them for one dominant post
PEOPLE = {"woman": 0.4, "man": 0.6}  # of those who cross
CROSSINGS = 2_000.0  # expected in one shift at all posts together
SCALE = 3  # answers are 0 to 3
MOVE = 0.04  # what a level gains from wave to wave, as a share of itself
Kind = Literal["index", "change", "share", "hours"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A population and a way to ask it; every answer has an exact mean in every stratum.

    Attributes
    ----------
    name : str
    posts, groups : tuple of float
        Shares of the traffic.
    interviews : (int, int)
        Fewest and most interviews of a shift.
    busy : float
        Standard deviation of the log of a shift's expected crossings.
    tilt : float
        Correlation of that with the shift's effect on answers: where it is not 0, weights tell of answers.
    icc, mood : float
        Share of the latent variance that a shift's people have in common; standard deviation of a person's mood.
    kind : {"index", "change", "share", "hours"}
        An index by `reduce` and `score`, its change from the first to the last wave by `change`, a share or a mean by
        `estimate`.
    level : float
        Mean answer, as a share of the scale or in hours.
    items, waves : int
    blank : float
        Share of answers left out, by chance.
    women : float
        How likely women are to answer, beside men; raked away where not 1.
    log_sd : float
        Of hours, which are lognormal.
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
        index = pd.MultiIndex.from_product(
            [range(self.waves), range(len(self.posts)), range(len(self.groups))], names=["wave", "post", "group"]
        )
        table = index.to_frame(index=False)
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
    def trials(self) -> int:
        return 1 if self.kind == "share" else SCALE

    @property
    def thresholds(self) -> Floats:
        """Latent values above which an answer is one step higher, shape (strata, 2, items, steps)."""
        steps = np.arange(self.trials)
        return np.asarray(ndtri(stats.binom.cdf(steps, self.trials, self.levels[..., None])))

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
)
DOMINANT = "dominant post"


def draw(scenario: Scenario, shifts: int, samples: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw many samples into one frame; strata and shifts nest in the sample.

    Returns
    -------
    DataFrame
        One row a respondent: `sample`, `wave`, `post`, `group`, `shift`, `sex`, `weight`, and answers `q0`, `q1`, ...
    """
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
    return pd.concat([frame, pd.DataFrame(answers, columns=_questions(scenario))], axis=1)


def _questions(scenario: Scenario) -> list[str]:
    return [f"q{number}" for number in range(scenario.items)]


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
    for number, code in enumerate(_questions(scenario)):
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
    found = []
    for name, shares in known.items():
        index = pd.MultiIndex.from_product([range(samples), range(len(shares))], names=["sample", name])
        found.append(
            Margin(("sample", name), index.to_frame(index=False).assign(total=np.tile(shares, samples) * whole))
        )
    return Calibration("rake", tuple(found))


def _by_score(scenario: Scenario, frame: pd.DataFrame, df: DfRule) -> pd.DataFrame:
    raked = margins(scenario, frame["sample"].nunique()) if scenario.women != 1 else None
    totals = reduce(frame, framework(scenario), design(scenario), facets=[("sample",)], calibration=raked)
    table = score(totals, framework(scenario), "sample", df=df).table
    return table[table["measure"] == "index"]


def _by_change(scenario: Scenario, frame: pd.DataFrame, df: DfRule) -> pd.DataFrame:
    totals = reduce(frame, framework(scenario), design(scenario), facets=[("sample",)])
    waves = ("0", str(scenario.waves - 1))
    return change(totals, framework(scenario), measure="index", waves=waves, by="sample", df=df).table


def _by_share(scenario: Scenario, frame: pd.DataFrame, df: DfRule) -> pd.DataFrame:
    table = estimate(frame.astype({"q0": int}), design(scenario), proportion="q0", by="sample", df=df)
    return table[table["category"] == "1"]


def _by_mean(scenario: Scenario, frame: pd.DataFrame, df: DfRule) -> pd.DataFrame:
    return estimate(frame, design(scenario), mean="q0", by="sample", df=df)


ENGINE: dict[Kind, Callable[[Scenario, pd.DataFrame, DfRule], pd.DataFrame]] = {
    "index": _by_score,
    "change": _by_change,
    "share": _by_share,
    "hours": _by_mean,
}
FIGURES = ["estimate", "se", "df", "low", "high", "n", "reason"]


def figures(
    scenario: Scenario,
    shifts: int,
    samples: int,
    rng: np.random.Generator,
    *,
    rules: Sequence[DfRule] = ("satterthwaite",),
) -> dict[DfRule, pd.DataFrame]:
    """The engine's figures, one row a sample, by rule of degrees of freedom; `held` says whether the truth is inside."""
    parts: dict[DfRule, list[pd.DataFrame]] = {rule: [] for rule in rules}
    for size in _batches(scenario, shifts, samples):
        frame = draw(scenario, shifts, size, rng)
        for rule in rules:
            table = ENGINE[scenario.kind](scenario, frame, rule)
            assert len(table) == size, "one row a sample"
            parts[rule].append(table[FIGURES])
    truth = scenario.truth
    return {
        rule: pd.concat(found, ignore_index=True).assign(
            held=lambda rows: (rows["low"] <= truth) & (truth <= rows["high"])
        )
        for rule, found in parts.items()
    }


def _batches(scenario: Scenario, shifts: int, samples: int) -> Iterator[int]:
    """Samples of each call."""
    rows = len(scenario.strata) * shifts * sum(scenario.interviews) // 2
    most = RAKED_TOGETHER if scenario.women != 1 else max(ROWS // rows, 1)
    for start in range(0, samples, most):
        yield min(most, samples - start)


@dataclass(frozen=True, slots=True)
class Line:
    """What became of the intervals of one scenario.

    Attributes
    ----------
    width : float
        Mean width beside that of ``estimate +/- z SE`` with the true SE: the standard deviation over all samples.
    few : float
        Share of rows that the engine marks `few_df`.
    """

    scenario: str
    shifts: int
    held: int
    shown: int
    missing: float
    width: float
    few: float
    df: float

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
        """Least and most coverage that is aimed at; None where nothing is promised."""
        if self.shifts >= FROM:
            return AIM
        return (AIM_FEW, 1.0) if self.scenario == DOMINANT and self.shifts == min(SHIFTS) else None

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return "none set"
        return "inside" if self.aim[0] <= self.coverage <= self.aim[1] else "**outside**"


def line(scenario: Scenario, shifts: int, rows: pd.DataFrame) -> Line:
    shown = rows["low"].notna() & rows["high"].notna()
    wide = 2 * stats.norm.ppf(0.975) * rows["estimate"].std()
    return Line(
        scenario=scenario.name,
        shifts=shifts,
        held=int(rows["held"].sum()),
        shown=int(shown.sum()),
        missing=float(1 - shown.mean()),
        width=float((rows["high"] - rows["low"]).mean() / wide),
        few=float((rows["reason"] == "few_df").mean()),
        df=float(rows["df"].median()),
    )


def generator(scenario: Scenario, shifts: int, seed: int = SEED) -> np.random.Generator:
    """Chance of one line of the table, whatever other lines are asked for."""
    place = [each.name for each in SCENARIOS].index(scenario.name)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place, shifts)))


def markdown(lines: Sequence[Line]) -> str:
    rows = [
        "| scenario | shifts | coverage % | its 95 % interval | width / true | missing % | median df | few_df % | aim |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in lines:
        low, high = each.chance
        rows.append(
            f"| {each.scenario} | {each.shifts} | {each.coverage:.1%} | {low:.1%} to {high:.1%} | {each.width:.2f} "
            f"| {each.missing:.1%} | {each.df:.1f} | {each.few:.1%} | {each.verdict} |".replace("%", "")
        )
    return "\n".join(rows)


def side_by_side(pairs: Sequence[tuple[Line, Line]]) -> str:
    """Coverage of the dominant post under both rules, from the same samples."""
    rows = [
        "| shifts | design rule % | Satterthwaite % | width / true, design | Satterthwaite |",
        "|---|---|---|---|---|",
    ]
    for by_design, by_shares in pairs:
        rows.append(
            f"| {by_design.shifts} | {by_design.coverage:.1%} | {by_shares.coverage:.1%} "
            f"| {by_design.width:.2f} | {by_shares.width:.2f} |".replace("%", "")
        )
    return "\n".join(["| shifts | design rule % | Satterthwaite % | width / true: design | Satterthwaite |", *rows[1:]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=200, help="surveys drawn for each line")
    parser.add_argument("--only", choices=[each.name for each in SCENARIOS], help="one scenario")
    parser.add_argument("--fresh-seed", action="store_true", help="draw a new seed, and print it")
    given = parser.parse_args()
    seed = secrets.randbits(64) if given.fresh_seed else SEED
    print(f"{given.samples:,} samples a line, seed {seed}\n", flush=True)
    start = time.perf_counter()
    jobs = [(each, n) for each in SCENARIOS for n in SHIFTS if given.only in (None, each.name)]
    jobs += [(each, n) for each in SCENARIOS for n in FEW_SHIFTS if each.name == DOMINANT and n not in SHIFTS
             and given.only in (None, each.name)]  # fmt: skip
    lines, pairs = [], []
    for scenario, shifts in track(jobs, "coverage", console=Console(stderr=True)):
        rules: tuple[DfRule, ...] = ("satterthwaite", "design") if scenario.name == DOMINANT else ("satterthwaite",)
        tables = figures(scenario, shifts, given.samples, generator(scenario, shifts, seed), rules=rules)
        found = [line(scenario, shifts, tables[rule]) for rule in rules]
        lines += found[:1]
        pairs += [(found[1], found[0])] if len(found) > 1 else []
    print(markdown([each for each in lines if each.shifts in SHIFTS]))
    if pairs:
        print(f"\nThe {DOMINANT}, by rule of degrees of freedom:\n")
        print(side_by_side(sorted(pairs, key=lambda pair: pair[0].shifts)))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** (20 if sys.platform == "darwin" else 10)
    print(f"\n{time.perf_counter() - start:.0f} seconds, {most:.0f} MiB at most")


if __name__ == "__main__":
    main()
