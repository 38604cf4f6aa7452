"""How often do intervals of an intervention's effect hold the truth, and how long does a claim take?

Invented surveys of twelve posts, four of which are treated, with errors of sampling of 1.5 to 4 points a score and
shocks that befall a post in a wave; the planted effect is 5 points. `--surveys` of each kind, fixed seeds.
"""

import argparse
import time
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from scoring.claims import claim, randomised
from scoring.effects import Panel, effect
from scoring.pretrends import event_times, relative_magnitudes
from scoring.staggered import cohorts, effects_by, two_way

Floats = npt.NDArray[np.float64]
POSTS, WAVES, EFFECT = 12, 4, 5.0
TREATED = np.arange(POSTS) < POSTS // 3
STAGGERED = np.array([1] * 3 + [2] * 3 + [WAVES] * 6)


def surveyed(rng: np.random.Generator, shock: float, starts: npt.NDArray[np.int64], effect: float = EFFECT) -> Panel:
    """One survey: levels of posts, shocks, sampling, and standard errors estimated with 12 df."""
    true = np.broadcast_to(rng.permuted(np.linspace(1.5, 4.0, POSTS))[:, None], (POSTS, WAVES))
    score = 50 + rng.normal(0, 5, (POSTS, 1)) + rng.normal(0, np.hypot(true, shock))
    estimated = true * np.sqrt(rng.chisquare(12, true.shape) / 12)
    score = score + effect * (np.arange(WAVES) >= starts[:, None])
    names = tuple(f"post {number}" for number in range(POSTS))
    return Panel(names, tuple("abcd"), score, estimated, np.full(true.shape, 12.0), starts)


def by_sampling(panel: Panel) -> tuple[float, float]:
    """The interval of one who counts respondents: design-based errors of the same difference, and no shocks."""
    found = effect(panel)
    pair = [panel.place(found.since), panel.place(found.wave)]
    variance = (panel.se[:, pair] ** 2).sum(axis=1)
    se = np.sqrt(sum(variance[part].sum() / part.sum() ** 2 for part in (TREATED, ~TREATED)))
    half = stats.norm.ppf(0.975) * se
    return found.estimate - half, found.estimate + half


def intervals_of(rng: np.random.Generator, shock: float) -> list[tuple[float, float]]:
    seen = surveyed(rng, shock, np.where(TREATED, 2, WAVES))
    uneven = surveyed(rng, shock, STAGGERED)
    found = [effect(seen), effect(seen, method="precision"), two_way(seen)]
    overall = effects_by(uneven, by="overall").iloc[0]
    bounded = relative_magnitudes(*event_times(cohorts(seen)), bounds=[1.0]).iloc[0]
    return [
        by_sampling(seen),
        *((one.low, one.high) for one in found),
        (overall["low"], overall["high"]),
        (bounded["low"], bounded["high"]),
    ]


def coverage(surveys: int) -> pd.DataFrame:
    names = ["sampling alone", "posts (Welch)", "precision", "two-way (CR2)", "staggered", "bounds, M = 1"]
    rows = []
    for shock in (0.0, 2.0, 3.0):
        rng = np.random.default_rng(int(shock) + 1)
        limits = np.array([intervals_of(rng, shock) for _ in range(surveys)])
        held = 100 * ((limits[..., 0] <= EFFECT) & (limits[..., 1] >= EFFECT)).mean(axis=0)
        width = (limits[..., 1] - limits[..., 0]).mean(axis=0)
        rows += [(shock, *row) for row in zip(names, held, width, strict=True)]
    return pd.DataFrame(rows, columns=["shock SD", "interval", "cover %", "mean width"])


def plain(panel: Panel) -> float:
    """The randomisation test as one would write it first."""
    change = panel.score[:, 3] - panel.score[:, 1]
    found = []
    for chosen in combinations(range(POSTS), int(TREATED.sum())):
        others = [post for post in range(POSTS) if post not in chosen]
        found.append(abs(change[list(chosen)].mean() - change[others].mean()))
    actual = abs(change[TREATED].mean() - change[~TREATED].mean())
    return float(np.mean([value >= actual - 1e-9 for value in found]))


def speed() -> pd.DataFrame:
    seen = surveyed(np.random.default_rng(9), 2.0, np.where(TREATED, 2, WAVES))
    assert round(randomised(seen, seed=1, waves=("b", "d")).p - plain(seen), 12) == 0
    rows = []
    for name, work in (
        ("randomisation test", lambda: randomised(seen, seed=1)),
        ("the same, plain loop", lambda: plain(seen)),
        ("whole claim", lambda: claim(seen, seed=1)),
        ("event picture", lambda: effects_by(seen)),
        ("bounds, five M", lambda: relative_magnitudes(*event_times(cohorts(seen)))),
    ):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        rows.append((name, 1000 * sorted(times)[2]))
    return pd.DataFrame(rows, columns=["12 posts, 4 waves", "ms"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surveys", type=int, default=2_000)
    surveys = parser.parse_args().surveys
    with pd.option_context("display.width", 160, "display.float_format", "{:.2f}".format):
        print(f"\nIntervals of a planted effect of 5 points, {surveys:,} surveys each")
        print(coverage(surveys).to_string(index=False))
        print(f"\nTime\n{speed().to_string(index=False)}")


if __name__ == "__main__":
    main()
