"""How long do rank sets take, beside a plain loop, and how often do they hold the truth, beside Bonferroni's?

Invented posts with the same number of shifts each, drawn as a survey would draw them; `--surveys` of each kind.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from scoring.families import pairs
from scoring.joint import Joint, from_figures
from scoring.standings import RankSets, least, rank_sets, standings, weakest

Floats = npt.NDArray[np.float64]
POSTS, PARTS, DRAWS = 24, 6, 119
RARE = 0.01  # chance below which a coverage of 95 % is refuted
UNLIKE = np.linspace(1.0, 3.0, POSTS)[np.arange(POSTS) * 7 % POSTS]  # standard deviations between shifts


def surveyed(truth: Floats, shifts: int, seed: int, *, sd: Floats | float = 1.0) -> tuple[Joint, Floats]:
    """One survey: its joint scores, and the standard errors before any is borrowed."""
    x = truth[:, None] + np.asarray(sd)[..., None] * np.random.default_rng(seed).normal(size=(truth.size, shifts))
    se = x.std(axis=1, ddof=1) / np.sqrt(shifts)
    return from_figures(x.mean(axis=1), se, np.full(truth.size, shifts - 1.0), seed=seed, count=DRAWS), se


def sets_of(signs: Floats) -> RankSets:
    ranks = 1 + (signs < 0).sum(axis=1)
    return RankSets(ranks, ranks, len(signs) - (signs > 0).sum(axis=1))


def bonferroni(joint: Joint) -> RankSets:
    """Every pair by its own t, with the same standard errors and df."""
    first, second, judged = pairs(joint)
    signs = np.zeros((joint.values.size,) * 2)
    signs[first, second] = np.sign(judged.value) * (np.abs(judged.value) > judged.limit * judged.se)
    return sets_of(signs - signs.T)


def plain(joint: Joint) -> RankSets:
    """The same stepdown with nothing kept: a loop over the draws in each round, as one would write it first."""
    m, draws = joint.values.size, joint.draws
    first, second, judged = pairs(joint)
    limit, se = np.full((m, m), np.inf), np.full((m, m), np.inf)
    limit[first, second] = limit[second, first] = judged.limit
    se[first, second] = se[second, first] = judged.se
    observed = (joint.values[:, None] - joint.values) / se / limit
    spread = (draws.factors * np.sqrt(np.diag(draws.covariance))) ** 2
    open_ = ~np.eye(m, dtype=np.bool_)
    while True:
        largest = []
        for z, v in zip(draws.deviations, spread, strict=True):
            largest.append(((z[:, None] - z) / np.sqrt(v[:, None] + v) / limit)[open_].max())
        critical = np.sort(np.array(largest, dtype=np.float32))[int(np.ceil(0.95 * (len(largest) + 1))) - 1]
        refuted = open_ & (observed > critical)
        if not refuted.any():
            break
        open_ &= ~refuted
    signs = (~open_).astype(np.float64) - np.eye(m)
    return sets_of(signs - signs.T)


def seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times)[1]


def speed() -> pd.DataFrame:
    rows = []
    for m in (24, 120):
        rng = np.random.default_rng(m)
        figures = pd.DataFrame(
            {"estimate": rng.normal(60, 8, m), "se": rng.uniform(1.5, 4, m), "df": rng.uniform(4, 20, m)}
        )
        columns = tuple(figures.to_numpy().T)

        def sets(columns: tuple[Floats, ...] = columns) -> RankSets:
            return rank_sets(from_figures(*columns, seed=1))

        def loop(columns: tuple[Floats, ...] = columns) -> RankSets:
            return plain(from_figures(*columns, seed=1))

        def table(figures: pd.DataFrame = figures) -> pd.DataFrame:
            return standings(figures, seed=1)

        ours, theirs = sets(), loop()
        assert (ours.low == theirs.low).all()
        assert (ours.high == theirs.high).all()
        taken = seconds(sets), seconds(loop)
        rows.append((m, *taken, taken[1] / taken[0], seconds(table)))
    return pd.DataFrame(rows, columns=["units", "rank sets", "plain loop", "ratio", "whole table"])


def coverage(surveys: int) -> pd.DataFrame:
    rows = []
    kinds: dict[str, tuple[Floats, Floats | float]] = {
        "equal": (np.full(POSTS, 50.0), 1.0),
        "spread": (np.linspace(50.0, 54.0, POSTS), 1.0),
        "equal, unlike variances": (np.full(POSTS, 50.0), UNLIKE),
        "spread, unlike variances": (np.linspace(50.0, 54.0, POSTS), UNLIKE),
    }
    for name, (truth, sd) in kinds.items():
        best, worst = 1 + (truth > truth[:, None]).sum(axis=1), (truth >= truth[:, None]).sum(axis=1)
        for shifts in (4, 8, 16):
            held, wide, wider = 0, 0.0, 0.0
            for seed in range(surveys):
                joint, _ = surveyed(truth, shifts, seed, sd=sd)
                sets, other = rank_sets(joint), bonferroni(joint)
                held += bool(((sets.low <= best) & (sets.high >= worst)).all())
                wide, wider = wide + (sets.high - sets.low + 1).mean(), wider + (other.high - other.low + 1).mean()
            rows.append((name, shifts, 100 * held / surveys, wide / surveys, wider / surveys, refuted(held, surveys)))
    return pd.DataFrame(rows, columns=["24 posts", "shifts", "cover %", "ranks a set", "Bonferroni", "refuted"])


def minimum(surveys: int) -> pd.DataFrame:
    rows = []
    for shifts in (4, 8, 16):
        held, delta_held, named, wide, delta = 0, 0, 0, 0.0, 0.0
        for seed in range(surveys):
            joint, se = surveyed(np.zeros(PARTS), shifts, seed)
            found, smallest = least(joint), int(joint.values.argmin())
            half = stats.t.isf(0.025, shifts - 1) * se[smallest]
            held += found.low <= 0 <= found.high
            delta_held += bool(abs(joint.values[smallest]) <= half)
            named += bool(weakest(joint)[0])
            wide, delta = wide + found.high - found.low, delta + 2 * half
        shares = [100 * count / surveys for count in (held, delta_held, named)]
        rows.append((shifts, *shares, wide / delta, refuted(min(held, named), surveys)))
    names = ["shifts", "cover %", "delta method %", "weakest holds %", "times as wide", "refuted"]
    return pd.DataFrame(rows, columns=names)


def refuted(held: int, surveys: int) -> str:
    return "yes" if stats.binomtest(held, surveys, 0.95, alternative="less").pvalue < RARE else "no"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surveys", type=int, default=1_000)
    surveys = parser.parse_args().surveys
    with pd.option_context("display.width", 160, "display.float_format", "{:.2f}".format):
        print(f"\nSeconds for 95 % rank sets of all units together, 2,000 draws\n{speed().to_string(index=False)}")
        print(f"\nJoint coverage of rank sets, {surveys:,} surveys each\n{coverage(surveys).to_string(index=False)}")
        print(f"\nMinimum of six equal parts, {surveys:,} surveys each\n{minimum(surveys).to_string(index=False)}")


if __name__ == "__main__":
    main()
