"""What advisers ask of a release: what if the index were made otherwise, how much would that matter, is it sound?

Every answer is a function of what the release publishes, so that no question tells more than the release does.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.document import Facets, Release
from scoring import Framework, RequestError
from scoring.aggregation import known
from scoring.coherence import between_posts
from scoring.design import Floats
from scoring.findings import Finding
from scoring.joint import from_figures
from scoring.robustness.plans import Plan, plan
from scoring.robustness.published import Published, nearest
from scoring.robustness.sensitivity import sensitivity, uncertainty
from scoring.robustness.whatif import what_if as score_otherwise
from scoring.standings import bands as against
from scoring.standings import standings

RUNS = 500  # for an answer at once
FLOOR = 50.0  # below it a part counts as low
SEED = 2014
BANDS = 0.98  # certainty of all bands of an index together: see `app.workflow.leading.ALPHA`
POSTS: Facets = (SIDE, "post")
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """Another way to make the indices; all empty is the published one."""

    weights: Mapping[str, float] = field(default_factory=dict)
    aggregation: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sound:
    """How sound the indices of one side are: tables of `scoring.soundness` and what is made of published figures.

    `between`: correlations of posts; `compensation`: posts in which a part is low and the whole is not; `invariance`:
    questions that may not mean the same in every language and wave; `comparisons`: changes of the headline at each
    post with all questions and without those, `reversed` where the sign turns.
    """

    nodes: pd.DataFrame
    parts: pd.DataFrame
    correlations: pd.DataFrame
    items: pd.DataFrame
    between: pd.DataFrame
    compensation: pd.DataFrame
    findings: tuple[Finding, ...]
    invariance: pd.DataFrame
    comparisons: pd.DataFrame

    @property
    def judged(self) -> set[str]:
        """Indices and dimensions of which there are figures: of others nothing is said, for or against."""
        known = [(self.nodes, "alpha"), (self.parts, "influence")]
        return {node for table, name in known if len(table) for node in table.loc[table[name].notna(), "node"]}

    @property
    def compared(self) -> bool:
        """Whether some change was held against the same without questions of two meanings."""
        return len(self.comparisons) > 0 and bool(self.comparisons["change"].notna().any())


def framework_of(release: Release) -> Framework:
    """The framework as the release was scored with it."""
    if not release.document.definition:
        raise RequestError("this release was made before studies were kept; prepare a new release to have them")
    return _framework(release.document.definition)


@lru_cache(maxsize=8)
def _framework(definition: str) -> Framework:
    return Framework.from_toml(definition, name="framework of the release")


def possible(release: Release, *, side: str, wave: str, by: Facets) -> str:
    """Why no what-if can be asked of this cut, in words; "" where it can."""
    if not release.document.definition:
        return "This release was made before studies were kept. Prepare a new release to have them."
    if _of(release, "errors", side=side, wave=wave).empty:
        return "How errors hang together is not known here: too few shifts were drawn, or a part of it was withdrawn."
    if by not in release.document.scores:
        return f"There is no table by {' and '.join(by[1:])} in this release."
    together = _asked_together(release, by)
    if together:
        return f"Groups by {together} were asked in the same shifts, so they cannot be compared one by one here."
    return ""


def _asked_together(release: Release, by: Facets) -> str:
    """A facet whose groups share shifts, "" where there is none: they are not independent of one another then."""
    apart = release.document.note.get("strata", "").split(" x ")
    return next((facet for facet in by[1:] if facet not in apart), "")


def what_if(
    release: Release, *, side: str, wave: str, by: Facets, measure: str, choice: Choice | None = None
) -> pd.DataFrame:
    """One index or dimension of every cell, had it been made otherwise, beside the published figure.

    Returns
    -------
    DataFrame
        One row a cell: the facet, `estimate`, `se`, `df`, `low`, `high`, `band`, `rank`, `rank_low`, `rank_high`,
        `status`, `reason`, and `official`, `official_low`, `official_high`, `official_band` as they are published. Of
        the published way itself the figures are the published ones.
    """
    chosen, facet = choice or Choice(), by[-1]
    shown = published(release, side=side, wave=wave, by=by)
    whole = published(release, side=side, wave=wave, by=(SIDE,)) if by != (SIDE,) else None
    made = score_otherwise(shown, _plan(release, chosen), measures=[measure], side=whole, seed=SEED, band_level=BANDS)
    made = made.rename(columns={"unit": facet}).drop(columns="measure").set_index(facet)
    official = _rows(release, side=side, wave=wave, by=by)
    official = official[official["measure"] == measure].set_index(facet)[["estimate", "se", "df", "low", "high"]]
    official = official.reindex(made.index)
    called = bands(release, side=side, wave=wave, by=by, measure=measure)
    made["official_band"] = called.reindex(made.index).fillna("")
    if chosen == Choice():
        made[list(official.columns)] = official
        made["band"] = made["official_band"]
    made = made.assign(
        **{
            f"official{'' if name == 'estimate' else f'_{name}'}": official[name]
            for name in ("estimate", "low", "high")
        }
    )
    ranks = standings(made[["estimate", "se", "df"]], seed=SEED)
    made[["rank", "rank_low", "rank_high"]] = ranks[["rank", "rank_low", "rank_high"]].astype("float64")
    return made.reset_index()


def bands(release: Release, *, side: str, wave: str, by: Facets, measure: str) -> "pd.Series[str]":
    """Every shown cell against its side's average, of published figures: below, not_distinguishable or above.

    Certain of all cells together; the side counts as independent of its cells, which is on the safe side. Empty where
    cells share shifts, or where there are not two of them.
    """
    none = pd.Series(dtype="str")
    if by == (SIDE,) or _asked_together(release, by):
        return none
    rows = _rows(release, side=side, wave=wave, by=by)
    cells = rows[(rows["measure"] == measure) & (rows["se"] > 0) & (rows["df"] > 0)]
    whole = _rows(release, side=side, wave=wave, by=(SIDE,))
    whole = whole[(whole["measure"] == measure) & (whole["se"] > 0) & (whole["df"] > 0)]
    if len(cells) < 2 or len(whole) != 1:  # noqa: PLR2004 - nothing to stand apart from
        return none
    figures = (cells[name].to_numpy(dtype=np.float64) for name in ("estimate", "se", "df"))
    value, se, df = (float(whole[name].iloc[0]) for name in ("estimate", "se", "df"))
    found = against(from_figures(*figures, seed=SEED), average=(value, se, df), level=BANDS)
    return pd.Series(found, index=cells[by[-1]].astype(str), dtype="str")


def stability(
    release: Release,
    *,
    side: str,
    wave: str,
    by: Facets,
    measure: str,
    choice: Choice | None = None,
    progress: Progress = lambda _: None,
) -> pd.DataFrame:
    """How score, rank and band of every cell move over many defensible ways to make the index: no intervals."""
    shown, chosen = published(release, side=side, wave=wave, by=by), _plan(release, choice or Choice())
    whole = published(release, side=side, wave=wave, by=(SIDE,)) if by != (SIDE,) else None
    table = uncertainty(shown, chosen, seed=SEED, runs=RUNS, side=whole, level=BANDS, progress=progress)
    return table[table["measure"] == measure].drop(columns="measure").rename(columns={"unit": by[-1]})


def shares(
    release: Release,
    *,
    side: str,
    wave: str,
    by: Facets,
    measure: str,
    choice: Choice | None = None,
    progress: Progress = lambda _: None,
) -> pd.DataFrame:
    """Which group of choices moves scores and ranks: first-order and total shares of their variance."""
    shown, chosen = published(release, side=side, wave=wave, by=by), _plan(release, choice or Choice())
    table = sensitivity(shown, chosen, seed=SEED, progress=progress)
    return table[table["measure"] == measure].drop(columns="measure").reset_index(drop=True)


def soundness(release: Release, *, side: str, wave: str) -> Sound:
    """How sound the indices of one side are, of what the release holds."""
    framework = framework_of(release)
    kept = {
        name: _of(release, name, side=side, wave=wave)
        for name in ("nodes", "parts", "correlations", "items", "findings")
    }
    told = kept.pop("findings")
    dif = _of(release, "invariance", side=side)
    dif = dif[dif["wave"] == dif["wave"].max()].drop(columns="wave") if len(dif) else dif
    found = tuple(dict.fromkeys(dif.loc[dif["dif"] == "yes", "item"])) if len(dif) else ()
    compared = framework.linear and POSTS in release.document.scores
    shown = published(release, side=side, wave=wave, by=POSTS) if compared else None
    return Sound(
        **kept,
        between=pd.DataFrame() if shown is None else between_posts(shown),
        compensation=_compensated(release, framework, side=side, wave=wave),
        findings=tuple(
            Finding(code, json.loads(params)) for code, params in zip(told["code"], told["params"], strict=True)
        )
        if len(told)
        else (),
        invariance=dif,
        comparisons=_without(release, framework, found, side=side) if found else pd.DataFrame(),
    )


def published(release: Release, *, side: str, wave: str, by: Facets) -> Published:
    """Questions of every cell of a side, as the release shows them, with the correlation of their errors."""
    framework, facet = framework_of(release), by[-1]
    codes = [item.code for item in framework.items]
    rows = _rows(release, side=side, wave=wave, by=by)
    if rows.empty:
        raise RequestError(f"this release has no figures of {side} in {wave}; see its waves and sides")
    units = tuple(dict.fromkeys(rows[facet].astype(str)))
    figures = rows[rows["measure"].isin(codes)].set_index([facet, "measure"])

    def of(name: str) -> Any:  # noqa: ANN401 - an array of floats
        own = figures[name].reindex(pd.MultiIndex.from_product([units, codes]))
        return own.to_numpy(dtype=np.float64).reshape(len(units), len(codes))

    return Published(units, tuple(codes), of("estimate"), of("se"), of("df"), errors_of(release, codes, side, wave))


def errors_of(release: Release, codes: Sequence[str], side: str, wave: str) -> Floats:
    """Correlation of the sampling errors of questions of a side, shape (codes, codes): as the release was studied."""
    table = _of(release, "errors", side=side, wave=wave)
    if table.empty:
        raise RequestError(possible(release, side=side, wave=wave, by=(SIDE,)))
    table = table[table["first"].isin(codes) & table["second"].isin(codes)]  # of a version that asked others too
    place = {code: number for number, code in enumerate(codes)}
    first, second = (table[name].map(place).to_numpy() for name in ("first", "second"))
    matrix = np.eye(len(codes))
    matrix[first, second] = matrix[second, first] = table["correlation"].to_numpy(dtype=np.float64)
    return nearest(matrix)  # its entries are written to four places


def _plan(release: Release, choice: Choice) -> Plan:
    how = {code: known(name) for code, name in choice.aggregation.items()}
    return plan(framework_of(release), weights=choice.weights, aggregation=how, left_out=choice.left_out)


def _rows(release: Release, *, side: str, wave: str, by: Facets) -> pd.DataFrame:
    table = release.document.scores[by]
    return table[(table[SIDE] == side) & (table["wave"] == wave)]


def _of(release: Release, name: str, *, side: str, wave: str | None = None) -> pd.DataFrame:
    """Rows of one study, of one side and one wave where named."""
    table = release.document.studies.get(name, pd.DataFrame())
    if table.empty:
        return table
    own = table[(table[SIDE] == side) & (True if wave is None else table["wave"] == wave)]
    return own.drop(columns=[SIDE, *([] if wave is None else ["wave"])]).reset_index(drop=True)


def _compensated(release: Release, framework: Framework, *, side: str, wave: str) -> pd.DataFrame:
    """Of every part of a node: posts that show both, those in which the part is low, and of these the node is not."""
    if POSTS not in release.document.scores:
        return pd.DataFrame()
    rows = _rows(release, side=side, wave=wave, by=POSTS)
    scores = rows.pivot_table(index="post", columns="measure", values="estimate", aggfunc="first", observed=True)
    out = []
    for node in framework.nodes:
        for part in framework.parts(node.code):
            if not {node.code, part.code} <= set(scores.columns):
                continue
            both = scores[[node.code, part.code]].dropna()
            low = both[part.code] < FLOOR
            out.append((node.code, part.code, len(both), int(low.sum()), int((low & (both[node.code] >= FLOOR)).sum())))
    return pd.DataFrame(out, columns=["node", "part", "units", "below", "offset"])


def _without(release: Release, framework: Framework, items: tuple[str, ...], *, side: str) -> pd.DataFrame:
    """Changes of the headline indices at each post since the wave before, with all questions and without some."""
    waves = [wave for wave in release.document.waves if not possible(release, side=side, wave=wave, by=POSTS)]
    headline = [node.code for node in framework.nodes if node.headline and framework.shown_by(node.code, POSTS)]
    out = []
    for measure in headline:
        under = set(framework.below(measure)) & {item.code for item in framework.items}
        choice = Choice(left_out=tuple(item for item in items if item in under))
        if not choice.left_out or set(choice.left_out) == under:
            continue
        scores = {
            wave: what_if(release, side=side, wave=wave, by=POSTS, measure=measure, choice=choice) for wave in waves
        }
        for since, wave in pairwise(waves):
            both = scores[since].merge(scores[wave], on="post", suffixes=("_before", ""))
            out.append(
                pd.DataFrame(
                    {
                        "measure": measure,
                        "post": both["post"],
                        "since": since,
                        "wave": wave,
                        "change": (both["official"] - both["official_before"]).round(1),
                        "without": (both["estimate"] - both["estimate_before"]).round(1),
                    }
                )
            )
    if not out:
        return pd.DataFrame(columns=["measure", "post", "since", "wave", "change", "without", "reversed"])
    table = pd.concat(out, ignore_index=True)
    return table.assign(reversed=table["change"] * table["without"] < 0)
