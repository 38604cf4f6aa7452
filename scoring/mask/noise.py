"""Cell-key noise, the alternative to hiding figures beside others: built to be compared with it, shown to nobody.

Every count of people gets a whole number added, drawn by a *cell key* from a *perturbation table*. The key is made of
the records counted, so that the same records get the same noise in every table, and asking again averages nothing out.

Sources: Wooton and Fraser (2005), A Review of Confidentiality Protections for Statistical Tables, ABS 1352.0.55.072;
Fraser and Wooton (2005), UNECE Work Session on Statistical Data Confidentiality, Geneva; Marley and Leaver (2011), 58th
World Statistics Congress of the ISI, Dublin; Giessing (2016), doi:10.1007/978-3-319-45381-1_18, for the table.
"""

import hashlib
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize

from scoring.cells import by_cell
from scoring.design import Floats, Integers
from scoring.errors import EstimationError, RequestError
from scoring.evidence import heights
from scoring.framework import Framework
from scoring.indices import score
from scoring.mask.board import Board
from scoring.mask.lattice import Lattice
from scoring.mask.layout import Table
from scoring.totals import Totals

MOST = 5  # people that noise adds or takes at most
VARIANCE = 2.0
SHORTEST, LONGEST = 16, 64  # bytes of the key of a release
PART_OF_SE = 0.5  # noise beyond this part of a standard error is told apart from chance no more
_TWO_TO_64 = 2.0**64


def perturbed(totals: Totals, framework: Framework, lattice: Lattice, *, key: bytes) -> pd.DataFrame:
    """Shares of every table of the lattice with noise on their counts.

    Parameters
    ----------
    totals, framework, lattice : Totals, Framework, Lattice
    key : bytes
        Secret of the release, 16 to 64 bytes; whoever has it takes the noise off.

    Returns
    -------
    DataFrame
        Confidential. By table, wave, facets and share: `n`, `yes`, `estimate`, `se`, and `noisy_n`, `noisy_yes`,
        `noisy_estimate`, which are missing where fewer people than `few_respondents` answered. Noise falls on people,
        whose weight is taken to be the mean weight of their cell: the noisy share is the exact one, times yes' / yes,
        times n / n', and at most 100.

    Raises
    ------
    RequestError
        If the key is too short or too long.

    Notes
    -----
    Totals hold no respondents, so the key of a record is that of its shift: a cell key is the fraction of a sum, over
    shifts, of a keyed hash of the shift and the number of people counted in it. Two sets of as many people in the same
    shifts get the same noise. Where weights differ within a shift its number of yes is rounded from the weighted share.
    """
    if not SHORTEST <= len(key) <= LONGEST:
        raise RequestError(f"the key of the noise has {len(key)} bytes; give {SHORTEST} to {LONGEST}, drawn at random")
    board = Board(totals, framework, lattice)
    parts = [_of_table(board, table, _se(totals, framework, table), key=key) for table in board.tables]
    return pd.concat(parts, ignore_index=True)


def loss(figures: pd.DataFrame, lattice: Lattice) -> pd.DataFrame:
    """What noise costs, table by table, to stand beside `Publication.loss`.

    Parameters
    ----------
    figures : DataFrame
        From `perturbed`.
    lattice : Lattice

    Returns
    -------
    DataFrame
        `table`, `ways`, `figures`, `by_rule` and `share_by_rule` (too few people, still hidden), `off_mean` and
        `off_95` (points by which a shown share is off: the mean and the 95th percentile), `share_far` (off by more than
        half of its standard error), `lines` (totals of coarser tables that are shown with all of their parts) and
        `share_broken` (of them, those whose parts no longer sum to the total).
    """
    hidden = figures["noisy_estimate"].isna()
    off = (figures["noisy_estimate"] - figures["estimate"]).abs()
    far = off > PART_OF_SE * figures["se"]
    rows = figures.assign(hidden=hidden, off=off, far=far, judged=off.notna() & figures["se"].notna())
    grouped = rows.groupby("table", sort=False)
    out = grouped.agg(figures=("off", "size"), by_rule=("hidden", "sum"), off_mean=("off", "mean")).reset_index()
    out.insert(1, "ways", out["table"].str.count(" ") + 1)
    sums = grouped[["far", "judged"]].sum().reset_index(drop=True)
    lines = pd.DataFrame([_broken(figures, lattice, fine) for fine in lattice.tables], columns=["lines", "broken"])
    return out.assign(
        share_by_rule=out["by_rule"] / out["figures"],
        off_95=grouped["off"].quantile(0.95).to_numpy(),
        share_far=sums["far"] / sums["judged"].where(sums["judged"] > 0),
        lines=lines["lines"],
        share_broken=lines["broken"] / lines["lines"].where(lines["lines"] > 0),
    )


def _se(totals: Totals, framework: Framework, table: Table) -> Floats:
    """Standard errors of the shares of a table, shape (cells, shares)."""
    rows = score(totals, framework, by=table.facets).table
    shares = [part.code for part in framework.indicators if part.statistic == "share"]
    se = rows.loc[rows["measure"].isin(shares), "se"].to_numpy(dtype=np.float64)
    return se.reshape(len(table.labels), len(shares))


def _of_table(board: Board, table: Table, se: Floats, *, key: bytes) -> pd.DataFrame:
    """Exact and noisy shares of one table, cell by cell."""
    groups = table.groups
    shares = np.array([part.statistic == "share" for part in board.framework.indicators], dtype=bool)
    column = len(board.framework.items) + np.flatnonzero(shares)
    answers = groups.count[:, column]
    agreed = np.round(heights(groups, board.steps)[0][:, column]).astype(np.int64)
    exact, noisy = {}, {}
    for name, people in (("n", answers), ("yes", agreed)):
        exact[name] = by_cell(np.add, groups.group, people, groups.size)
        keys = _cell_keys(groups.group, groups.psu, people, size=groups.size, key=key)
        noisy[name] = exact[name] + noise(exact[name], keys)
    value = table.values[:, column]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(exact["yes"] > 0, noisy["yes"] / exact["yes"], 1.0) * exact["n"] / noisy["n"]
        moved = np.minimum(value * ratio, 100.0)
    hidden = exact["n"] < board.rules.few_respondents
    shown = {"noisy_n": noisy["n"], "noisy_yes": noisy["yes"], "noisy_estimate": moved}
    rows = table.labels.astype(str).loc[table.labels.index.repeat(column.size)].reset_index(drop=True)
    rows.insert(0, "table", " ".join(table.facets))
    codes = np.array([part.code for part in board.framework.indicators], dtype=object)[shares]
    return rows.assign(
        measure=np.tile(codes, len(table.labels)),
        n=exact["n"].ravel(),
        yes=exact["yes"].ravel(),
        estimate=value.ravel(),
        se=se.ravel(),
        **{name: np.where(hidden, np.nan, values).ravel() for name, values in shown.items()},
    )


def _cell_keys(group: Integers, psu: Integers, people: Integers, *, size: int, key: bytes) -> Floats:
    """Number in [0, 1) of each cell and column, by the people counted in each shift; shifts with none count not."""
    pairs, place = np.unique(
        np.stack([np.repeat(psu, people.shape[1]), people.ravel()], axis=1), axis=0, return_inverse=True
    )
    drawn = np.array([_record_key(int(shift), int(count), key) for shift, count in pairs])
    summed = by_cell(np.add, group, drawn[place].reshape(people.shape), size)
    return np.asarray(summed % 1.0)


def _record_key(psu: int, count: int, key: bytes) -> float:
    if count == 0:
        return 0.0
    text = psu.to_bytes(8, "big") + count.to_bytes(8, "big")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=key).digest(), "big") / _TWO_TO_64


def noise(counts: npt.NDArray[np.integer], keys: Floats) -> Integers:
    """What is added to each count, looked up by its key in the row of the perturbation table for that count."""
    row = perturbation()[np.minimum(counts, MOST)]
    return np.asarray((row.cumsum(axis=-1)[..., :-1] <= keys[..., None]).sum(axis=-1) - MOST)


@cache
def perturbation() -> Floats:
    """Probability of each noise from -5 to 5, shape (6, 11): for counts of 0, 1, 2, 3, 4, and 5 or more.

    Of all laws with mean 0 and variance 2 that take nobody below 0, the one of most entropy (Giessing 2016); 0 stays 0.
    """
    steps = np.arange(-MOST, MOST + 1.0)
    table = np.zeros((MOST + 1, steps.size))
    table[0, MOST] = 1.0
    for count in range(1, MOST + 1):
        table[count, steps >= -count] = _most_entropy(steps[steps >= -count])
    return table


def _most_entropy(steps: Floats) -> Floats:
    """p(v) as exp(a v + b v^2), with a and b from the two moments: the dual problem, which is convex."""

    def law(given: Floats) -> Floats:
        height = given[0] * steps + given[1] * steps**2
        return np.asarray(np.exp(height - height.max()) / np.exp(height - height.max()).sum())

    def misfit(given: Floats) -> list[float]:
        return [float(law(given) @ steps), float(law(given) @ steps**2) - VARIANCE]

    found = optimize.root(misfit, np.array([0.0, -1 / (2 * VARIANCE)]), tol=1e-12)
    if not found.success:
        raise EstimationError(f"the perturbation table could not be made ({found.message}); report this fault")
    return law(found.x)


def _broken(figures: pd.DataFrame, lattice: Lattice, fine: tuple[str, ...]) -> tuple[int, int]:
    """Lines that a table breaks coarser ones down into with all of its figures shown, and those that do not add up."""
    lines = broken = 0
    for coarse in (coarse for coarse, parts in lattice.breakdowns() if parts == fine):
        keys = ["wave", *coarse, "measure"]
        parts = figures[figures["table"] == " ".join(fine)]
        whole = figures.loc[figures["table"] == " ".join(coarse), [*keys, "n", "yes", "noisy_n", "noisy_yes"]]
        sums = parts.assign(hidden=parts["noisy_n"].isna()).groupby(keys)[[*whole.columns[-4:], "hidden"]].sum()
        both = whole.merge(sums.reset_index(), on=keys, suffixes=("", "_parts"))
        both = both[both["noisy_n"].notna() & (both["hidden"] == 0)]
        off = [
            (both[f"noisy_{name}"] - both[name]) != (both[f"noisy_{name}_parts"] - both[f"{name}_parts"])
            for name in ("n", "yes")
        ]
        lines += len(both)
        broken += int((off[0] | off[1]).sum())
    return lines, broken
