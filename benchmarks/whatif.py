"""How long do a what-if, Monte Carlo and Sobol shares of published figures take, beside plain loops over the same?

The loops are written as a textbook has them: one unit, one node and one run after another, no array. They have to give
the same figures in the same run. Respondents do not appear: their number changes nothing.
"""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from app.workflow.describing import framework
from scoring.robustness.alternatives import GROUPS, Alternatives, Simulation, simulation
from scoring.robustness.plans import Plan, plan
from scoring.robustness.published import Published
from scoring.robustness.sensitivity import sensitivity, uncertainty
from scoring.robustness.whatif import what_if

Floats = npt.NDArray[np.float64]
Made = TypeVar("Made")
SEED = 2026
CELLS, POSTS = 120, 24
RUNS, N = 2000, 1024
LOOPED = 40  # runs of the plain loop; its seconds are multiplied up to all
SAME = 1e-9
TINY = 1e-5  # step of a difference in place of a derivative


def main() -> None:
    chosen = plan(framework("traveller"), weights={"service": 2}, aggregation={"integrity": "geometric"})
    cells, posts = drawn(CELLS, chosen), drawn(POSTS, chosen)
    print("\n                                             seconds    plain loop    ratio")
    ours, table = timed(lambda: what_if(cells, chosen), repeat=9)
    loop, wanted = timed(lambda: plain_what_if(cells, chosen))
    got = table[["estimate", "se"]].to_numpy(dtype=float)
    assert np.allclose(got, wanted, atol=1e-6), "the what-if and the plain loop differ"
    told(f"what-if, {CELLS} cells x 2 indices", ours, loop)
    made = simulation(posts, chosen, Alternatives())
    points = np.random.Generator(np.random.PCG64(SEED)).random((LOOPED, sum(made.groups.values())))
    loop, looped = timed(lambda: [plain_run(made, point) for point in points])
    assert np.allclose(made.scores(points), looped, atol=SAME), "the simulation and the plain loop differ"
    a_run = loop / LOOPED
    carlo, _ = timed(lambda: uncertainty(posts, chosen, seed=SEED, runs=RUNS))
    told(f"Monte Carlo, {RUNS:,} runs, {POSTS} posts x 2 indices", carlo, a_run * RUNS)
    sobol, _ = timed(lambda: sensitivity(posts, chosen, seed=SEED, n=N))
    evaluations = N * (len(GROUPS) + 2)
    told(f"Sobol, N = {N:,}, {evaluations:,} runs", sobol, a_run * evaluations)
    told("both", carlo + sobol, a_run * (RUNS + evaluations))


def told(name: str, ours: float, loop: float) -> None:
    print(f"{name:<46} {ours:7.3f} {loop:13.2f} {loop / ours:7.0f}x")


def timed(make: Callable[[], Made], *, repeat: int = 1) -> tuple[float, Made]:
    """Median seconds, after a warm-up where it is repeated, and what was made."""
    seconds = []
    for _ in range(repeat + (repeat > 1)):
        start = time.perf_counter()
        made = make()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[-repeat:]), made


def drawn(units: int, chosen: Plan) -> Published:
    """Published figures of the items of both headline indices."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    headline = chosen.used[[chosen.nodes.index("accountability"), chosen.nodes.index("integrity")]].any(axis=0)
    items = tuple(np.array(chosen.items)[headline])
    k = len(items)
    level = 55 + rng.normal(0, 5, (units, 1)) + rng.normal(0, 6, (units, k)) + rng.normal(0, 10, k)
    se = np.round(rng.uniform(1.5, 4.5, (units, k)), 1)
    return Published(
        units=tuple(f"post {number:03}" for number in range(units)),
        items=items,
        estimate=np.round(np.clip(level, 0, 100), 1),
        se=se,
        df=np.full((units, k), 7.0),
        correlation=np.full((k, k), 0.4) + 0.6 * np.eye(k),
    )


# Plain loops


def mean_of(values: Sequence[float], weights: Sequence[float], how: str) -> float:
    """One figure from several parts."""
    whole = sum(weights)
    if how == "minimum":
        return min(value for value, weight in zip(values, weights, strict=True) if weight > 0)
    pairs = [(1 + 0.99 * value, weight / whole) for value, weight in zip(values, weights, strict=True) if weight > 0]
    if how == "arithmetic":
        return (sum(x * w for x, w in pairs) - 1) / 0.99
    if how == "geometric":
        return (math.exp(sum(w * math.log(x) for x, w in pairs)) - 1) / 0.99
    return (1 / sum(w / x for x, w in pairs) - 1) / 0.99


def index_of(chosen: Plan, node: int, values: Sequence[float], weights: Sequence[float], how: str | None) -> float:
    """A node from the items of one unit, by way of the nodes under it."""
    parts, tree = chosen.tree.parts[node], chosen.tree
    kept = [part for part in parts if weights[part] > 0]
    below = [
        values[part] if part < tree.items else index_of(chosen, part - tree.items, values, weights, how)
        for part in kept
    ]
    return mean_of(below, [weights[part] for part in kept], how or tree.aggregations[node])


def plain_what_if(shown: Published, chosen: Plan) -> list[tuple[float, float]]:
    """Estimate and standard error of every unit and index, derivatives by differences."""
    place = [chosen.items.index(code) for code in shown.items]
    weights = chosen.tree.weights.tolist()
    found = []
    for unit in range(len(shown.units)):
        values = [50.0] * len(chosen.items)
        for column, item in enumerate(place):
            values[item] = float(shown.estimate[unit, column])
        for code in ("accountability", "integrity"):
            node = chosen.nodes.index(code)
            value = index_of(chosen, node, values, weights, None)
            moved = []
            for column, item in enumerate(place):
                ends = [[*values[:item], values[item] + step, *values[item + 1 :]] for step in (TINY, -TINY)]
                up, down = (index_of(chosen, node, end, weights, None) for end in ends)
                moved.append((up - down) / (2 * TINY) * float(shown.se[unit, column]))
            spread = sum(
                first * second * shown.correlation[i, j]
                for i, first in enumerate(moved)
                for j, second in enumerate(moved)
            )
            found.append((value, math.sqrt(spread)))
    return found


def plain_run(made: Simulation, point: Floats) -> list[list[float]]:
    """Scores of all units in one run."""
    chosen, wanted, parts = made.chosen, made.alternatives, made.chosen.tree.weights.size
    units, k = made.shown.estimate.shape
    how = wanted.aggregations[int(point[1 + parts] * len(wanted.aggregations))]
    values = normalised(
        made, wanted.normalisations[int(point[0] * len(wanted.normalisations))], errors(made, point[3 + parts :])
    )
    weights = [
        w * (1 + wanted.weights * (2 * u - 1)) for w, u in zip(chosen.tree.weights, point[1 : 1 + parts], strict=True)
    ]
    for node in made.indices:
        own = [item for item in range(k) if chosen.used[node, item]]
        number = int(point[2 + parts] * (len(own) + 1))
        if number:
            weights[own[number - 1]] = 0.0
    return [[index_of(chosen, node, values[unit], weights, how) for node in made.indices] for unit in range(units)]


def errors(made: Simulation, point: Floats) -> list[list[float]]:
    """Items of each unit with sampling errors that go together."""
    units, k = made.shown.estimate.shape
    normal = statistics.NormalDist()
    out = []
    for unit in range(units):
        z = [normal.inv_cdf(float(u)) for u in point[unit * k : (unit + 1) * k]]
        row = []
        for item in range(k):
            value, se = float(made.shown.estimate[unit, item]), float(made.shown.se[unit, item])
            together = sum(float(made.root[item, other]) * z[other] for other in range(k))
            row.append(value if math.isnan(value) else min(100.0, max(0.0, value + se * together)))
        out.append(row)
    return out


def normalised(made: Simulation, how: str, values: list[list[float]]) -> list[list[float]]:
    """Items of all units by another normalisation, on the scale of the scores."""
    slope, shift = made.lines[made.alternatives.normalisations.index(how)]
    out = [list(row) for row in values]
    for item in range(len(values[0])):
        column = [row[item] for row in values]
        for unit, value in enumerate(column):
            raw = value
            if how == "percentile rank":
                below, equal = sum(x < value for x in column), sum(x == value for x in column)
                raw = 100 * (below + (equal - 1) / 2) / (len(column) - 1)
            elif how == "min-max":
                raw = 100 * (value - min(column)) / (max(column) - min(column))
            out[unit][item] = min(100.0, max(0.0, float(shift[item]) + float(slope[item]) * raw))
    return out


if __name__ == "__main__":
    main()
