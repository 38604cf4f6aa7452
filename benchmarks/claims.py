"""How often does a page claim what is not so, and how often does it find what is?

Surveys are drawn at the design of the demo: its posts, groups, directions, shifts, traffic, missing answers, levels and
correlations. *Null* surveys: nothing changes between two waves, no post differs from its side, no link of the chain is
weaker than another, so that every claim is false. Then a change of some points is planted at one post, or at a whole
side, and surveys that call it clear are counted. The engine works out every figure from the answers, unmasked: what a
release hides claims nothing.

    python benchmarks/claims.py [--surveys 1000] [--points 6]
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from scipy.special import comb, ndtri

from app.workflow import chains, leading, studies
from scoring import Framework, SurveyDesign, estimate, reduce
from scoring.chain import HOLDERS, chain_of_figures
from scoring.compare import adjusted, apart, p_values
from scoring.contract import FIGURES
from scoring.design import traffic_weights
from scoring.estimates import variance
from scoring.indices import Scores, assemble
from scoring.joint import from_figures
from scoring.robustness.published import pooled_correlation
from scoring.standings import bands
from surveys.truth import Truth

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Split = tuple[float, float, float]

DATA = Path(__file__).resolve().parents[1] / "data"
SEED = 20_261_125
WAVES = ("2022", "2026")
TOGETHER = 20  # surveys in one call of the engine
HOURS = "wait_hours"
LINK = 55.0  # level of every link of the chain
MOST, RARE = 0.05, 0.01  # share of surveys with a false claim, and chance below which it is taken to be larger
SPLIT = (leading.ALPHA, 1 - studies.BANDS, 1 - chains.LEVEL)  # of the 5 %, in the order of KINDS
SIDE, POST = ("survey", "side"), ("survey", "side", "post")
DESIGN = SurveyDesign(weight="weight", strata=("survey", "post", "user_group", "direction"), psu="shift", wave="wave")
KINDS = ("changes", "posts apart", "weakest link")


@cache
def framework() -> Framework:
    """That of the demo, with its headline indicators alone."""
    whole = Framework.from_toml((DATA / "frameworks" / "border.toml").read_text(encoding="utf-8"))
    return replace(whole, indicators=tuple(part for part in whole.indicators if part.headline))


@cache
def demo() -> Truth:
    return Truth.from_toml((DATA / "demo" / "truth.toml").read_text(encoding="utf-8"))


def still(planted: Mapping[str, float] | None = None) -> Truth:
    """The demo with all posts and links alike and two equal waves, but for points added to posts in the last one."""
    added = planted or {}
    posts = tuple(replace(post, effect=(0.0, added.get(post.code, 0.0))) for post in demo().posts)
    levels = {name: (LINK,) * 2 if name.startswith("link_") else level[:1] * 2 for name, level in demo().levels.items()}
    days = dict(zip(WAVES, demo().first_days.values(), strict=False))
    return replace(demo(), waves=WAVES, first_days=days, posts=posts, levels=levels)


def headline() -> list[str]:
    """The figures on top of Trends: indices, then indicators."""
    parts = [*framework().nodes, *framework().indicators]
    return [part.code for part in parts if part.headline]


def indices() -> list[str]:
    return [node.code for node in framework().nodes if node.headline]


def links() -> list[str]:
    return [item.code for item in framework().items if item.code.startswith("link_")]


# --- drawing


def draw(truth: Truth, surveys: int, rng: np.random.Generator) -> pd.DataFrame:
    """Both waves of many surveys, one row a respondent, coded as the store gives them to the engine."""
    return pd.concat([_wave(truth, wave, surveys, rng) for wave in truth.waves], ignore_index=True)


def _wave(truth: Truth, wave: str, surveys: int, rng: np.random.Generator) -> pd.DataFrame:
    cells = truth.cells(wave)
    shifts = surveys * len(cells) * truth.shifts
    shift = np.repeat(np.arange(shifts), truth.interviews)
    cell = shift // truth.shifts % len(cells)
    common = np.sqrt(truth.shift_icc) * rng.standard_normal(shifts)[shift]
    common = common + truth.mood_sd * rng.standard_normal(shift.size)
    expected = cells["traffic"].to_numpy()[np.arange(shifts) // truth.shifts % len(cells)]
    counted = np.maximum(rng.poisson(expected * rng.gamma(20.0, 1 / 20.0, size=shifts)), truth.interviews)
    answers = _answers(truth, cells, wave, cell, common, rng)
    frame = cells[["side", "post", "user_group", "direction"]].iloc[cell].reset_index(drop=True)
    frame = frame.assign(wave=wave, shift=shift, survey=shift // (len(cells) * truth.shifts))
    frame["weight"] = traffic_weights(pd.Series(counted[shift]), frame[["shift"]])
    return pd.concat([frame, pd.DataFrame(answers)], axis=1)


def _answers(
    truth: Truth, cells: pd.DataFrame, wave: str, cell: Integers, common: Floats, rng: np.random.Generator
) -> dict[str, Floats]:
    """Every question of the framework; don't know and refused as negative codes."""
    rest = np.sqrt(1 - truth.shift_icc - truth.mood_sd**2)

    def latent() -> Floats:
        return np.asarray(common + rest * rng.standard_normal(cell.size))

    found: dict[str, Floats] = {}
    for item in framework().items:
        low, high = item.range
        step = _steps(truth.level(item.code, cells, wave), int(high - low), cell, latent())
        found[item.code] = high - step if item.code in truth.worse else low + step
    hours = truth.hours[HOURS]
    drawn = hours.mean * np.exp(-hours.log_sd * latent() - hours.log_sd**2 / 2)
    found[HOURS] = np.clip(np.round(drawn, 1), 0, 72)
    known = np.full(len(cells), truth.shares["know_complaint"])
    found["know_complaint"] = _steps(known, 1, cell, latent())
    found = {name: values if name == HOURS else _unanswered(truth, name, values, rng) for name, values in found.items()}
    return found | _experience(truth, cells, cell, latent, rng)


def _steps(level: Floats, trials: int, cell: Integers, latent: Floats) -> Floats:
    """Binomial answers 0..trials with mean `trials * level` in each stratum, read off the latent answer."""
    k = np.arange(trials)
    mass = comb(trials, k) * level[:, None] ** k * (1 - level[:, None]) ** (trials - k)
    thresholds = ndtri(np.minimum(np.cumsum(mass, axis=1), 1.0))
    return np.asarray(sum(latent > thresholds[cell, column] for column in range(trials)), dtype=np.float64)


def _unanswered(truth: Truth, name: str, given: Floats, rng: np.random.Generator) -> Floats:
    chance = rng.random(given.size)
    unknown, refused = (rates.get(name, rates["default"]) for rates in (truth.dont_know, truth.refused))
    return np.select([chance < unknown, chance < unknown + refused], [-2.0, -3.0], default=given)


def _experience(
    truth: Truth, cells: pd.DataFrame, cell: Integers, latent: Callable[[], Floats], rng: np.random.Generator
) -> dict[str, Floats]:
    """Asked and paid, of those who dealt with each service."""
    group = cells["group"].to_numpy()[cell]
    services = [name.removeprefix("asked_") for name in truth.shares if name.startswith("asked_")]
    found: dict[str, Floats] = {}
    for service in services:
        met = rng.random(cell.size) < np.array([truth.contact[one.code][service] for one in truth.groups])[group]
        share = truth.shares[f"asked_{service}"]
        asked = 1 - _steps(np.full(len(cells), 1 - share), 1, cell, latent())
        paid = (rng.random(cell.size) < np.where(asked == 1, truth.paid_if_asked, truth.paid_unasked)).astype(float)
        for name, values in ((f"asked_{service}", asked), (f"paid_{service}", paid)):
            found[name] = np.where(met, _unanswered(truth, name, values, rng), -1.0)
    return found


# --- what a page claims


@dataclass(frozen=True, slots=True)
class Figures:
    """Estimates of one facet set as a page gets them: arrays of shape (surveys, cells of a survey, waves, measures)."""

    estimate: Floats
    se: Floats
    df: Floats
    names: tuple[tuple[str, ...], ...]  # of the cells of a survey


def figures(scores: Scores, codes: Sequence[str]) -> Figures:
    """What a release would show of these measures."""
    estimates = scores.estimates.take([scores.measures.index(code) for code in codes])
    spread = variance(estimates)
    labels = scores.cells.labels.reset_index(drop=True)
    facets = [name for name in labels if name not in ("wave", "survey")]
    order = labels.assign(survey=labels["survey"].astype(int)).sort_values(["survey", *facets, "wave"]).index.to_numpy()
    names = labels.loc[order, facets].astype(str).drop_duplicates()
    shape = (labels["survey"].nunique(), len(names), len(WAVES), len(codes))
    parts = (estimates.values, np.sqrt(spread.variance), spread.df("satterthwaite"))
    estimate, se, df = (part[order].reshape(shape) for part in parts)
    return Figures(estimate, se, df, tuple(names.itertuples(index=False, name=None)))


def with_median(found: Figures, frame: pd.DataFrame) -> Figures:
    """The hours as medians, as the page shows them."""
    table = estimate(frame, DESIGN, by=list(SIDE), quantile=f"{HOURS}:0.5", df="satterthwaite")
    table = table.astype({"survey": int}).sort_values(["survey", "side", "wave"])
    at = headline().index(HOURS)
    parts = {name: getattr(found, name).copy() for name in ("estimate", "se", "df")}
    for name, part in parts.items():
        part[..., at] = table[name].to_numpy(dtype=np.float64).reshape(part.shape[:-1])
    return replace(found, **parts)


def moved(found: Figures) -> Floats:
    """p of the change of every figure from the first wave to the last, shape (surveys, cells, measures)."""
    first, last = ((found.se[:, :, at], found.df[:, :, at]) for at in (0, -1))
    se, df = apart(np.array(first), np.array(last))
    return p_values(found.estimate[:, :, -1] - found.estimate[:, :, 0], se, df)


@dataclass(frozen=True, slots=True)
class Claims:
    """What is claimed in each survey.

    Attributes
    ----------
    sides : ndarray of bool, shape (surveys, sides, headline figures)
        Changes of the whole side that are clear in the one family of a page, which holds those of posts too.
    posts : ndarray of bool, shape (surveys, posts, headline indices)
    apart : ndarray of bool, shape (surveys, posts, headline indices)
        Posts called below or above their side in the last wave.
    excluded : ndarray of bool, shape (surveys, sides, links)
        Links that are said not to be the weakest.
    post_names : tuple of (side, post)
    """

    sides: Flags
    posts: Flags
    apart: Flags
    excluded: Flags
    post_names: tuple[tuple[str, ...], ...]

    @property
    def any_of(self) -> dict[str, Flags]:
        """Whether there is any claim of a kind in each survey, shape (surveys,) each."""
        n = len(self.sides)
        moved_ = self.sides.reshape(n, -1).any(axis=1) | self.posts.reshape(n, -1).any(axis=1)
        return dict(zip(KINDS, (moved_, *(each.reshape(n, -1).any(axis=1) for each in (self.apart, self.excluded))),
                        strict=True))  # fmt: skip


def claimed(frame: pd.DataFrame, *, seed: int, split: Split = SPLIT) -> Claims:
    """The claims of every survey of a frame: changes in one family, bands and links a side at a time."""
    by_side, by_post = assembled(frame)
    sides, posts = with_median(figures(by_side, headline()), frame), figures(by_post, indices())
    return Claims(
        *clear_changes(sides, posts, alpha=split[0]),
        _apart(sides, posts, seed=seed, level=1 - split[1]),
        _excluded(by_side, by_post, seed=seed, level=1 - split[2]),
        posts.names,
    )


def assembled(frame: pd.DataFrame) -> tuple[Scores, Scores]:
    totals = reduce(frame, framework(), DESIGN, facets=[SIDE, POST])
    return assemble(totals, framework(), SIDE), assemble(totals, framework(), POST)


def clear_changes(sides: Figures, posts: Figures, *, alpha: float = SPLIT[0]) -> tuple[Flags, Flags]:
    """Changes of sides and of posts that are clear in their one family, by Holm."""
    p = [moved(sides), moved(posts)]
    family = np.concatenate([part.reshape(len(part), -1) for part in p], axis=1)
    clear = np.array([adjusted(row, adjust="holm") < alpha for row in family])
    of_sides = p[0][0].size
    return clear[:, :of_sides].reshape(p[0].shape), clear[:, of_sides:].reshape(p[1].shape)


def _apart(sides: Figures, posts: Figures, *, seed: int, level: float) -> Flags:
    """Bands of the posts of each side in the last wave, as `app.workflow.studies.bands` has them."""
    called = np.zeros(posts.estimate[:, :, -1].shape, dtype=np.bool_)
    for number, measure in np.ndindex(called.shape[0], called.shape[2]):
        for place, (side,) in enumerate(sides.names):
            own = np.array([name[0] == side for name in posts.names])
            values = (part[number, own, -1, measure] for part in (posts.estimate, posts.se, posts.df))
            average = tuple(float(part[number, place, -1, measure]) for part in (sides.estimate, sides.se, sides.df))
            found = bands(from_figures(*values, seed=seed), average=average, level=level)
            called[number, own, measure] = found != "not_distinguishable"
    return called


def _excluded(by_side: Scores, by_post: Scores, *, seed: int, level: float) -> Flags:
    """Links out of the confidence set of the weakest in the last wave of each side, as a release has them."""
    found, of_posts = (
        figures(by_side, links()),
        by_post.estimates.take([by_post.measures.index(one) for one in links()]),
    )
    labels = by_post.cells.labels.reset_index(drop=True).astype({"survey": int, "side": str})
    cells = labels[labels["wave"] == WAVES[-1]].groupby(["survey", "side"]).groups  # in order
    out = []
    for number, ((_, side), posts) in enumerate(cells.items()):
        survey, at = divmod(number, len(found.names))
        parts = {name: getattr(found, name)[survey, at, -1] for name in ("estimate", "se", "df")}
        table = pd.DataFrame({**dict.fromkeys(FIGURES), "measure": links(), "wave": WAVES[-1], "side": side, **parts})
        told = chain_of_figures(
            table, pooled_correlation(of_posts, cells=posts.tolist()), links=links(), by="side", kind="joint",
            holders={(side,): dict.fromkeys(links(), HOLDERS)}, seed=seed + number, level=level,
        )  # fmt: skip
        out.append(told.table["weakest"] == "excluded")
    return np.array(out).reshape(-1, len(found.names), len(links()))


def many(truth: Truth, surveys: int, *, seed: int = SEED, split: Split = SPLIT) -> Claims:
    """Claims of many surveys, drawn some at a time."""
    parts = list(_some(truth, surveys, seed, split))
    joined = (np.concatenate([getattr(part, name) for part in parts])
              for name in ("sides", "posts", "apart", "excluded"))  # fmt: skip
    return Claims(*joined, parts[0].post_names)


def _some(truth: Truth, surveys: int, seed: int, split: Split) -> Iterator[Claims]:
    for start in range(0, surveys, TOGETHER):
        rng = np.random.default_rng([seed, start])
        yield claimed(draw(truth, min(TOGETHER, surveys - start), rng), seed=seed + start, split=split)


# --- the tables that are printed


def above(count: int, surveys: int, most: float = MOST) -> float:
    """p of a binomial test that a claim is made in no more than `most` of surveys."""
    return float(stats.binomtest(count, surveys, most, alternative="greater").pvalue)


def errors(surveys: int) -> pd.DataFrame:
    """False claims in null surveys, by kind, and of any kind."""
    found = many(still(), surveys).any_of
    found["any of these"] = np.any(list(found.values()), axis=0)
    counts = {kind: int(made.sum()) for kind, made in found.items()}
    rows = [(kind, count, 100 * count / surveys, above(count, surveys)) for kind, count in counts.items()]
    table = pd.DataFrame(rows, columns=["claim", "surveys", "%", "p of at most 5 %"])
    return table.assign(rejected=np.where(table["p of at most 5 %"] < RARE, "yes", "no"))


def powers(surveys: int, points: float) -> pd.DataFrame:
    """Surveys in which a planted change is called clear, by index: at one post of each traffic, or at a whole side."""
    side = demo().posts[0].side
    own = [post for post in demo().posts if post.side == side]
    one_each = {post.traffic: post for post in own}  # the last of each
    rows = []
    for traffic, post in sorted(one_each.items(), reverse=True):
        _, posts, names = found(still({post.code: points}), surveys)
        rows.append(
            (
                f"one post of {traffic:g} crossings a shift",
                *(100 * posts[:, names.index((side, post.code))].mean(axis=0)),
            )
        )
    sides, _, _ = found(still({post.code: points for post in own}), surveys)
    rows.append(("every post of a side", *(100 * sides[:, place(side), : len(indices())].mean(axis=0))))
    return pd.DataFrame(rows, columns=[f"change of {points:g} points at", *indices()])


def found(truth: Truth, surveys: int) -> tuple[Flags, Flags, tuple[tuple[str, ...], ...]]:
    """Clear changes of sides and of posts of many surveys, and the names of these posts."""
    parts = []
    for start in range(0, surveys, TOGETHER):
        frame = draw(truth, min(TOGETHER, surveys - start), np.random.default_rng([SEED, start]))
        by_side, by_post = assembled(frame)
        sides, posts = with_median(figures(by_side, headline()), frame), figures(by_post, indices())
        parts.append(clear_changes(sides, posts))
    sides_, posts_ = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
    return sides_, posts_, posts.names


def place(side: str) -> int:
    return sorted({post.side for post in demo().posts}).index(side)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surveys", type=int, default=1_000)
    parser.add_argument("--points", type=float, default=6.0)
    given = parser.parse_args()
    start = time.perf_counter()
    with pd.option_context("display.width", 160, "display.float_format", "{:.3g}".format):
        table = errors(given.surveys).to_string(index=False)
        print(f"\nFalse claims in {given.surveys:,} null surveys at the design of the demo\n{table}", flush=True)
        table = powers(max(given.surveys // 4, 1), given.points).to_string(index=False)
        print(f"\nPower, % of {max(given.surveys // 4, 1):,} surveys each, in the family of the page\n{table}")
    print(f"\n{time.perf_counter() - start:.0f} seconds")


if __name__ == "__main__":
    main()
