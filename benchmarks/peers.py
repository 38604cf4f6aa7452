"""How much faster than its nearest peer is the engine, at the same figures?

Means with standard errors of 40 items in 120 wave-post cells of 200,000 respondents in 6,000 PSUs, once by `svy` and
twice by us (any columns; a framework with indices), each in a child process of its own: time from the frame in memory
to the table of estimates, and the peak memory of the child. Estimates and standard errors must agree.

    python benchmarks/peers.py [--rows 200000] [--only-us]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # only the children load arrays: a child's peak starts at what its parent holds
    import numpy as np
    import numpy.typing as npt

    Arrays = dict[str, "npt.NDArray[Any]"]

ITEMS = [f"q{number:02d}" for number in range(40)]
WAVES, POSTS, STRATA, PSUS = 10, 12, 240, 6_000
AGREE = 1e-9
AT_LEAST = 20
HELD_TO_IT = "sarhad reduce + score"  # the way of every page and release; `estimate` stands in the table beside it


def synthetic(rows: int) -> "Arrays":
    """Answers 0-3 with a tenth missing, clustered in PSUs; a stratum is half of a wave-post cell."""
    import numpy as np  # noqa: PLC0415 - see above

    rng = np.random.default_rng(20_260)
    psu = np.arange(rows) % PSUS
    cell = psu % STRATA // 2
    leaning = rng.normal(0.0, 0.5, (PSUS, len(ITEMS)))[psu]
    answers = np.clip(np.round(1.5 + leaning + rng.normal(0.0, 1.0, leaning.shape)), 0, 3)
    answers[rng.random(answers.shape) < 0.1] = np.nan  # noqa: PLR2004 - the tenth named above
    weight = rng.uniform(0.5, 2.0, rows)
    plan = {"wave": cell % WAVES, "post": cell // WAVES, "stratum": psu % STRATA, "psu": psu, "weight": weight}
    return plan | dict(zip(ITEMS, answers.T, strict=True))


def framework_text() -> str:
    """Eight dimensions of five items under one index."""
    text = 'id = "bench"\nversion = "1"\ntitle = "Bench"\n'
    text += _entry("index", code="all", title="All", aggregation="arithmetic", kind="formative")
    for number in range(8):
        text += _entry("dimension", code=f"d{number}", index="all", title=f"D {number}", weight=1, kind="formative")
    for number, item in enumerate(ITEMS):
        part = {"code": item, "dimension": f"d{number % 8}", "title": item, "direction": "better", "weight": 1}
        text += _entry("item", **part, range=[0, 3])
    return text


def _entry(table: str, **values: object) -> str:
    return f"\n[[{table}]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def with_svy(arrays: "Arrays") -> Callable[[int], Any]:
    """Its list form: one call for all items, by two variables."""
    import polars as pl  # noqa: PLC0415 - see above
    import svy  # noqa: PLC0415

    frame = pl.DataFrame(arrays).with_columns(pl.col(ITEMS).fill_nan(None))
    design = svy.Design(stratum="stratum", psu="psu", wgt="weight")

    def run(rows: int) -> Any:  # noqa: ANN401 - a polars frame
        found = svy.Sample(frame.head(rows), design).estimation.mean(ITEMS, by=["wave", "post"], drop_nulls=True)
        assert isinstance(found, list), "a list of items gives a list of estimates"
        named = zip(ITEMS, found, strict=True)
        tables = [part.to_polars().with_columns(pl.lit(name).alias("measure")) for name, part in named]
        return pl.concat(tables).rename({"est": "estimate"})

    return run


def with_estimate(arrays: "Arrays") -> Callable[[int], Any]:
    """Any columns of a file."""
    import pandas as pd  # noqa: PLC0415 - see above

    from scoring import SurveyDesign, estimate  # noqa: PLC0415

    frame = pd.DataFrame(arrays)
    design = SurveyDesign(strata="stratum", psu="psu", weight="weight")
    return lambda rows: estimate(frame.head(rows), design, mean=ITEMS, by=["wave", "post"])


def with_score(arrays: "Arrays") -> Callable[[int], Any]:
    """A framework: the same 40 items, eight dimensions and an index over them, from totals per PSU."""
    import pandas as pd  # noqa: PLC0415 - see above

    from scoring import Framework, SurveyDesign, reduce, score  # noqa: PLC0415

    frame = pd.DataFrame(arrays).fillna(dict.fromkeys(ITEMS, -4.0))  # -4 blank, as the store codes it
    design = SurveyDesign(strata="stratum", psu="psu", weight="weight", wave="wave")
    framework = Framework.from_toml(framework_text())

    def run(rows: int) -> pd.DataFrame:
        totals = reduce(frame.head(rows), framework, design, facets=[("post",)])
        table = score(totals, framework, "post").table
        items = table[table["measure"].isin(ITEMS)]
        return items.assign(estimate=items["estimate"] * 3 / 100, se=items["se"] * 3 / 100)

    return run


WAYS = {"svy": with_svy, "sarhad estimate": with_estimate, "sarhad reduce + score": with_score}


def peak() -> int:
    """Most memory this process held so far, in bytes (Linux counts in KiB, macOS in bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def child(way: str, folder: Path, rows: int) -> None:
    """One peer, one run, after a small one that loads what it loads late."""
    import numpy as np  # noqa: PLC0415 - see above

    if way == "data":
        np.savez(folder / "data.npz", allow_pickle=False, **synthetic(rows))
        return
    with np.load(folder / "data.npz") as stored:
        run = WAYS[way]({name: stored[name] for name in stored.files})
    run(PSUS)
    held, start = peak(), time.perf_counter()
    table = run(rows)
    seconds = time.perf_counter() - start
    figures = {"seconds": seconds, "held": held, "peak": peak()}
    columns = {name: np.asarray(table[name]) for name in ("measure", "wave", "post", "estimate", "se")}
    order = np.lexsort([columns[name].astype(str) for name in ("post", "wave", "measure")])
    np.save(folder / f"{way}.npy", np.array([columns[name][order].astype(float) for name in ("estimate", "se")]))
    print(json.dumps(figures))


def start_child(way: str, folder: Path, rows: int) -> dict[str, float]:
    """Run one child to its end and take its figures."""
    command = [sys.executable, __file__, "--child", way, "--folder", str(folder), "--rows", str(rows)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout) if done.stdout else {}
    return figures


def disagreement(folder: Path, way: str, other: str) -> "np.float64":
    """Largest relative difference of estimates and standard errors between two ways."""
    import numpy as np  # noqa: PLC0415 - see above

    ours, theirs = np.load(folder / f"{way}.npy"), np.load(folder / f"{other}.npy")
    assert ours.shape == theirs.shape == (2, len(ITEMS) * WAVES * POSTS), f"{way} and {other} differ in cells"
    difference: np.float64 = np.max(np.abs(ours / theirs - 1))
    return difference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--only-us", action="store_true", help="leave svy out; our two ways must agree")
    parser.add_argument("--child", choices=["data", *WAYS], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.folder, given.rows)
        return
    ways = [way for way in WAYS if not (given.only_us and way == "svy")]
    with tempfile.TemporaryDirectory() as name:
        compare(ways, Path(name), given.rows)


def compare(ways: list[str], folder: Path, rows: int) -> None:
    """Run every way, print the table, and hold the figures and the ratio to account."""
    print(f"{rows:,} respondents, {len(ITEMS)} items, {WAVES * POSTS} cells, {PSUS:,} PSUs in {STRATA} strata\n")
    start_child("data", folder, rows)
    found = {way: start_child(way, folder, rows) for way in ways}
    base = found[ways[0]]["seconds"]
    print(f"{'':22} {'seconds':>8} {'ratio':>7} {'peak MiB':>9} {'above its frame':>16}")
    for way, figures in found.items():
        held, most = figures["held"] / 2**20, figures["peak"] / 2**20
        ratio = base / figures["seconds"]
        print(f"{way:22} {figures['seconds']:8.2f} {ratio:6.1f}x {most:9.0f} {most - held:16.0f}")
    largest = max(disagreement(folder, way, ways[0]) for way in ways)
    print(f"\nlargest relative difference of estimates and standard errors: {largest:.1e} (allowed {AGREE:g})")
    assert largest <= AGREE, "the ways do not agree"
    if "svy" in found:
        ratio = base / found[HELD_TO_IT]["seconds"]
        assert ratio >= AT_LEAST, f"{HELD_TO_IT}: {ratio:.1f} times faster than svy; at least {AT_LEAST} are wanted"
        print(f"{HELD_TO_IT}: {ratio:.0f} times faster than svy (wanted: at least {AT_LEAST})")


if __name__ == "__main__":
    main()
