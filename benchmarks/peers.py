"""How much faster than its nearest peers is the engine, at the same figures, and does its cost stay in proportion?

Synthetic respondents in 120 wave-post cells and 6,000 PSUs; every way runs in a child process of its own: time from the
frame in memory to the table of estimates (median of 5 runs after a warm-up) and the peak memory of the child. Estimates
and standard errors must agree. Seconds are printed and never asserted: ratios of one run decide.

    python benchmarks/peers.py [--rows 1000000] [--only-us] [--quick] [--with-slow-peers]
"""

import argparse
import importlib.metadata
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # only the children load arrays: a child's peak starts at what its parent holds
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Arrays = dict[str, "npt.NDArray[Any]"]

WAVES, POSTS, STRATA, PSUS = 10, 12, 240, 6_000
PLAN = ("wave", "post", "stratum", "psu", "weight")
ITEMS = 41
BLANK = -4.0  # as the store codes an answer left out
AGREE = 1e-9
FASTER_THAN_SVY, FASTER_THAN_R, TENFOLD = 50, 150, 11
SEED = 20_260
R_SCRIPT = """
suppressPackageStartupMessages(library(survey))
given <- commandArgs(TRUE); rows <- as.integer(given[2]); repeats <- as.integer(given[3])
read <- function(name) readBin(file.path(given[1], paste0(name, ".f64")), "double", rows)
frame <- as.data.frame(sapply(c("wave", "post", "stratum", "psu", "weight", "q00"), read, simplify = FALSE))
run <- function() {
  design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = frame)
  svyby(~q00, ~wave + post, design, svymean, na.rm = TRUE)
}
found <- run()
seconds <- median(replicate(repeats, system.time(run())[["elapsed"]]))
writeBin(as.numeric(c(found$wave, found$post, found$q00, found$se)), file.path(given[1], "found.f64"))
cat(seconds)
"""


@dataclass(frozen=True, slots=True)
class Task:
    """One way over so many respondents and items; `label` stands in the table."""

    label: str
    way: str
    rows: int
    items: int = ITEMS
    replicates: int = 0

    @property
    def stored(self) -> str:
        """Name of its estimates in the folder of the run."""
        return f"{self.way} {self.rows} {self.items} {self.replicates}.npy"


Found = dict[Task, dict[str, float]]


def names(items: int) -> list[str]:
    return [f"q{number:02d}" for number in range(items)]


def synthetic(rows: int, items: int) -> "Iterator[tuple[str, npt.NDArray[Any]]]":
    """Answers 0-3 with a tenth missing, clustered in PSUs; a stratum is half of a wave-post cell. Column by column."""
    import numpy as np  # noqa: PLC0415 - see above

    rng = np.random.default_rng(SEED)
    psu = np.arange(rows) * PSUS // rows  # interviews of a shift stand together, as in the file of a survey
    cell = psu % STRATA // 2
    plan = (cell % WAVES, cell // WAVES, psu % STRATA, psu, rng.uniform(0.5, 2.0, rows))
    yield from zip(PLAN, plan, strict=True)
    for item in names(items):
        leaning = rng.normal(0.0, 0.5, PSUS)[psu]
        answers = np.clip(np.round(1.5 + leaning + rng.normal(0.0, 1.0, rows)), 0, 3)
        answers[rng.random(rows) < 0.1] = np.nan  # noqa: PLR2004 - the tenth named above
        yield item, answers


def framework_text(items: int, *, weight: float = 1) -> str:
    """Eight dimensions under one index; `weight` is that of the first of them."""
    count = min(8, items)
    text = 'id = "bench"\nversion = "1"\ntitle = "Bench"\n'
    text += _entry("index", code="all", title="All", aggregation="arithmetic", kind="formative")
    for number in range(count):
        part = {"code": f"d{number}", "index": "all", "title": f"D {number}", "kind": "formative"}
        text += _entry("dimension", **part, weight=weight if number == 0 else 1)
    for number, item in enumerate(names(items)):
        part = {"code": item, "dimension": f"d{number % count}", "title": item, "direction": "better"}
        text += _entry("item", **part, weight=1, range=[0, 3])
    return text


def _entry(table: str, **values: object) -> str:
    return f"\n[[{table}]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def with_svy(arrays: "Arrays", task: Task) -> Callable[[], Any]:
    """One call by two variables; with replicates by its own Rao-Wu bootstrap."""
    import polars as pl  # noqa: PLC0415 - see above
    import svy  # noqa: PLC0415

    (item,) = names(task.items)
    frame = pl.DataFrame(arrays).with_columns(pl.col(item).fill_nan(None))
    design = svy.Design(stratum="stratum", psu="psu", wgt="weight")

    def run() -> Any:  # noqa: ANN401 - a polars frame
        sample = svy.Sample(frame, design)
        if task.replicates:
            sample = sample.weighting.create_bs_wgts(task.replicates, rstate=SEED)
        method = "replication" if task.replicates else "taylor"
        found = sample.estimation.mean(item, by=["wave", "post"], drop_nulls=True, method=method)
        return found.to_polars().with_columns(pl.lit(item).alias("measure")).rename({"est": "estimate"})

    return run


def with_estimate(arrays: "Arrays", task: Task) -> Callable[[], Any]:
    """Any columns of a file."""
    import numpy as np  # noqa: PLC0415 - see above
    import pandas as pd  # noqa: PLC0415

    from scoring import SurveyDesign, estimate  # noqa: PLC0415
    from scoring.resampling import Resampling  # noqa: PLC0415

    frame = pd.DataFrame(arrays, copy=False)
    design = SurveyDesign(strata="stratum", psu="psu", weight="weight")

    def run() -> pd.DataFrame:
        request = Resampling("rao-wu", count=task.replicates, rng=np.random.default_rng(SEED))
        asked = request if task.replicates else None
        return estimate(frame, design, mean=names(task.items), by=["wave", "post"], replicates=asked)

    return run


def with_score(arrays: "Arrays", task: Task) -> Callable[[], Any]:
    """A framework: items, dimensions and an index over them, from totals per PSU."""
    import numpy as np  # noqa: PLC0415 - see above

    from scoring import score  # noqa: PLC0415
    from scoring.resampling import Resampling, make  # noqa: PLC0415

    reduced, framework = _reducing(arrays, task.items)

    def run() -> "pd.DataFrame":
        totals = reduced()
        request = Resampling("rao-wu", count=task.replicates, rng=np.random.default_rng(SEED))
        replicates = make(totals.units, request) if task.replicates else None
        table = score(totals, framework, "post", replicates=replicates).table
        items = table[table["measure"].isin(names(task.items))]
        return items.assign(estimate=items["estimate"] * 3 / 100, se=items["se"] * 3 / 100)

    return run


def with_other_weights(arrays: "Arrays", task: Task) -> Callable[[], Any]:
    """The index over all cells again under other weights, from totals that are there already."""
    from scoring import Framework, score  # noqa: PLC0415 - see above

    totals = _reducing(arrays, task.items)[0]()
    other = Framework.from_toml(framework_text(task.items, weight=2.5))
    return lambda: score(totals, other, "post").table


def _reducing(arrays: "Arrays", items: int) -> tuple[Callable[[], Any], Any]:
    """The pass over respondents, and the framework it serves."""
    import numpy as np  # noqa: PLC0415 - see above
    import pandas as pd  # noqa: PLC0415

    from scoring import Framework, SurveyDesign, reduce  # noqa: PLC0415

    for item in names(items):
        np.nan_to_num(arrays[item], copy=False, nan=BLANK)
    frame = pd.DataFrame(arrays, copy=False)
    design = SurveyDesign(strata="stratum", psu="psu", weight="weight", wave="wave")
    framework = Framework.from_toml(framework_text(items))
    return lambda: reduce(frame, framework, design, facets=[("post",)]), framework


WAYS = {"svy": with_svy, "estimate": with_estimate, "score": with_score, "reweight": with_other_weights}


def peak(who: int = resource.RUSAGE_SELF) -> int:
    """Most memory this process (or its children) held so far, in bytes (Linux counts in KiB, macOS in bytes)."""
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def child(task: Task, folder: Path, repeats: int) -> None:
    """One way: a warm-up, the runs, its figures to the parent and its estimates to the folder."""
    import numpy as np  # noqa: PLC0415 - see above

    data = folder / str(task.rows)
    if task.way == "data":
        data.mkdir(exist_ok=True)
        for name, values in synthetic(task.rows, task.items):
            np.save(data / f"{name}.npy", values)
        return
    arrays = {name: np.load(data / f"{name}.npy") for name in (*PLAN, *names(task.items))}
    if task.way == "R":
        figures, table = in_r(arrays, data, repeats)
    else:
        run = WAYS[task.way](arrays, task)
        figures, table = measured(run, repeats)
    columns = {name: np.asarray(table[name]) for name in ("measure", "wave", "post", "estimate", "se")}
    places = [columns[name].astype(float) for name in ("post", "wave")]
    order = np.lexsort([*places, columns["measure"].astype(str)])
    np.save(folder / task.stored, np.array([columns[name][order].astype(float) for name in ("estimate", "se")]))
    print(json.dumps(figures))


def measured(run: Callable[[], Any], repeats: int) -> tuple[dict[str, float], Any]:
    """The median of some runs after a warm-up, memory before and at most, and what was found."""
    held, seconds = peak(), []
    table = run()
    for _ in range(repeats):
        start = time.perf_counter()
        table = run()
        seconds.append(time.perf_counter() - start)
    return {"seconds": statistics.median(seconds), "held": held, "peak": peak()}, table


def in_r(arrays: "Arrays", data: Path, repeats: int) -> "tuple[dict[str, float], Arrays]":
    """The same by R survey, from the same numbers."""
    import numpy as np  # noqa: PLC0415 - see above

    for name, values in arrays.items():
        values.astype(np.float64).tofile(data / f"{name}.f64")
    command = ["Rscript", "-e", R_SCRIPT, str(data), str(len(arrays["psu"])), str(repeats)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    wave, post, estimate, se = np.fromfile(data / "found.f64").reshape(4, -1)
    table = {"wave": wave, "post": post, "estimate": estimate, "se": se, "measure": np.full(wave.size, "q00")}
    most = peak(resource.RUSAGE_CHILDREN)
    return {"seconds": float(done.stdout), "held": float("nan"), "peak": most}, table


def start_child(task: Task, folder: Path, repeats: int) -> dict[str, float]:
    """Run one child to its end and take its figures."""
    command = [sys.executable, __file__, "--child", task.way, "--folder", str(folder), "--rows", str(task.rows)]
    command += ["--items", str(task.items), "--replicates", str(task.replicates), "--repeats", str(repeats)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout) if done.stdout else {}
    return figures


def r_survey() -> str | None:
    """Version of R survey; None where there is no R, or none with this package."""
    if shutil.which("Rscript") is None:
        return None
    ask = ["Rscript", "-e", "cat(as.character(packageVersion('survey')))"]
    done = subprocess.run(ask, check=False, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def disagreement(folder: Path, task: Task, other: Task) -> "np.float64":
    """Largest relative difference of estimates and standard errors between two ways."""
    import numpy as np  # noqa: PLC0415 - see above

    ours, theirs = np.load(folder / task.stored), np.load(folder / other.stored)
    assert ours.shape == theirs.shape == (2, task.items * WAVES * POSTS), f"{task.label} and {other.label}: other cells"
    difference: np.float64 = np.max(np.abs(ours / theirs - 1))
    return difference


def parts(rows: int, *, peers: bool, slow: bool, quick: bool) -> dict[str, list[Task]]:
    """What is measured, part by part; the first of a part is what the others are compared with."""
    svy = f"svy {importlib.metadata.version('svy')}" if peers else ""
    r = r_survey() if peers else None
    one = [Task(svy, "svy", rows, 1)] if peers else []
    one += [Task(f"R survey {r}", "R", rows, 1)] if r else []
    one += [Task("sarhad estimate", "estimate", rows, 1)]
    count = 20 if quick else 500
    several = [Task("sarhad estimate", "estimate", rows), Task("sarhad reduce + score", "score", rows)]
    redrawn = [Task(task.label, task.way, rows, replicates=count) for task in several]
    redrawn += [Task(f"{svy}, one variable", "svy", rows, 1, count)] if slow else []
    sizes = [rows] if quick else [rows, 10 * rows]
    totals = [rows] if quick else [max(rows // 100, 10_000), max(rows // 10, 10_000), rows]
    return {
        f"(a) one variable by {WAVES * POSTS} cells": one,
        f"(b) {ITEMS} variables by {WAVES * POSTS} cells": several,
        f"(c) the same and {count} Rao-Wu replicates": redrawn,
        "(d) one variable, estimate": [Task(f"{size:,} respondents", "estimate", size, 1) for size in sizes],
        "(d) one variable, reduce + score": [Task(f"{size:,} respondents", "score", size, 1) for size in sizes],
        f"(e) other weights of the index, {WAVES * POSTS} cells": [
            Task(f"totals of {size:,} respondents", "reweight", size) for size in dict.fromkeys(totals)
        ],
    }


def run_all(plan: dict[str, list[Task]], folder: Path, repeats: int) -> Found:
    """Make the data, run every task once and print its line."""
    tasks = list(dict.fromkeys(task for part in plan.values() for task in part))
    for rows in dict.fromkeys(task.rows for task in tasks):
        most = max(task.items for task in tasks if task.rows == rows)
        start_child(Task("", "data", rows, most), folder, 0)
    found: Found = {}
    print(f"{'':34} {'seconds':>9} {'ratio':>8} {'peak MB':>8} {'above its frame':>16}")
    for title, part in plan.items():
        print(title)
        for task in part:
            slow = task.way == "svy" and task.replicates > 0
            found[task] = found.get(task) or start_child(task, folder, 1 if slow else repeats)
            print(line(task, found[task], found[part[0]]), flush=True)
    return found


def line(task: Task, figures: dict[str, float], first: dict[str, float]) -> str:
    """One line of the table; the ratio is that of the part's first line to this one, or the other way round."""
    seconds, most, above = figures["seconds"], figures["peak"] / 1e6, (figures["peak"] - figures["held"]) / 1e6
    ratio = first["seconds"] / seconds
    shown = "" if figures is first else f"{ratio:.1f}x" if ratio >= 1 else f"1/{1 / ratio:.1f}"
    return f"  {task.label:32} {seconds:9.3f} {shown:>8} {most:8.0f} {f'{above:.0f}' if above == above else '-':>16}"  # noqa: PLR0124 - NaN


def ratios(plan: dict[str, list[Task]], found: Found) -> list[tuple[str, float, bool]]:
    """Each ratio that was promised: what it says, the ratio, and whether it is kept."""
    one, *_, by_estimate, by_score, _ = plan.values()
    ours = found[one[-1]]["seconds"]
    faster = {"svy": FASTER_THAN_SVY, "R": FASTER_THAN_R}
    kept = []
    for task in one[:-1]:
        ratio, wanted = found[task]["seconds"] / ours, faster[task.way]
        kept.append((f"one variable, times faster than {task.label} (at least {wanted})", ratio, ratio >= wanted))
    for name, (small, large) in (("estimate", by_estimate), ("reduce + score", by_score)):
        ratio = found[large]["seconds"] / found[small]["seconds"]
        said = f"ten times the respondents, times the cost, {name} (at most {TENFOLD})"
        kept.append((said, ratio, ratio <= TENFOLD))
    return kept


def compare(plan: dict[str, list[Task]], folder: Path, *, repeats: int, quick: bool) -> bool:
    """Run everything, print the table, and hold the figures and the ratios to account."""
    found = run_all(plan, folder, repeats)
    one, several, *_ = plan.values()
    largest = max(disagreement(folder, task, part[-1]) for part in (one, several) for task in part)
    print(f"\nlargest relative difference of estimates and standard errors: {largest:.1e} (allowed {AGREE:g})")
    assert largest <= AGREE, "the ways do not agree"
    if quick:
        print("a quick run: no peers, no ratios")
        return True
    if not any(task.way == "R" for task in one):
        print("R survey was not compared: there is no Rscript with the package survey, or peers were left out")
    kept = ratios(plan, found)
    for said, ratio, good in kept:
        print(f"{'kept    ' if good else 'NOT KEPT'} {ratio:7.1f}  {said}")
    return all(good for *_, good in kept)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only-us", action="store_true", help="leave svy and R out; our two ways must agree")
    parser.add_argument(
        "--quick", action="store_true", help="one run of each at one size, 20 replicates, no peers, no ratios"
    )
    parser.add_argument("--with-slow-peers", action="store_true", help="replicates by svy too: minutes and gigabytes")
    for name in ("--items", "--replicates", "--repeats"):
        parser.add_argument(name, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--child", choices=["data", "R", *WAYS], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        child(Task("", given.child, given.rows, given.items, given.replicates), given.folder, given.repeats)
        return 0
    repeats, peers = (1 if given.quick else 5), not (given.only_us or given.quick)
    print(f"{given.rows:,} respondents, {PSUS:,} PSUs in {STRATA} strata; median of {repeats} after a warm-up\n")
    plan = parts(given.rows, peers=peers, slow=peers and given.with_slow_peers, quick=given.quick)
    with tempfile.TemporaryDirectory() as name:
        return 0 if compare(plan, Path(name), repeats=repeats, quick=given.quick) else 1


if __name__ == "__main__":
    sys.exit(main())
