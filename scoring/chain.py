"""The chain of accountability: which of its links cannot be excluded as the weakest, per side and agency alone.

A post commander is one person, and so is who leads a shift: nothing here is ever cut by post, shift or anything finer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.compare import refuse_unfit
from scoring.contract import FIGURES, columns
from scoring.design import Floats
from scoring.errors import RequestError
from scoring.findings import Finding
from scoring.framework import Framework
from scoring.indices import assemble, score
from scoring.joint import COUNT, Joint, from_estimates
from scoring.ranks import studentised
from scoring.standings import Kind, weakest
from scoring.strata import DfRule
from scoring.totals import Totals
from scoring.verdicts import change_of_figures

CUTS = frozenset({"side", "agency"})
HOLDERS = 5  # people who hold an office, below which a score of the link is one of persons
LINKS = 2  # that make a chain
Holders = Mapping[tuple[str, ...], Mapping[str, int]]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Chain:
    """Links with their scores, and where each chain is weakest.

    Attributes
    ----------
    table : DataFrame
        The contract's columns with `measure` the link, in the order of the chain; `holders` (office-holders) and
        `weakest`: "points" (the lowest score), "possible" (cannot be excluded as the weakest), "excluded", or "" where
        it is not judged. A link with fewer than 5 holders has no figures (`few_holders`).
    findings : tuple of Finding
        One a chain: `weakest_link` with `link`, `possible` and `excluded`; `no_link_told` where none is excluded; or
        `chain_too_short`.
    """

    table: pd.DataFrame
    findings: tuple[Finding, ...]


def chain(
    totals: Totals,
    framework: Framework,
    *,
    links: Sequence[str],
    by: str | Sequence[str],
    holders: Holders,
    seed: int,
    kind: Kind = "marginal",
    df: DfRule = "satterthwaite",
    level: float = 0.95,
) -> Chain:
    """Scores of the links and the confidence set of the weakest, in every wave.

    Links are parallel items that the same people answered, so their covariance is in the set: it holds the truly
    weakest link with probability `level`, and where several are equal each of them, or all (kind "joint"): see
    `standings.weakest`.

    Parameters
    ----------
    totals : Totals
    framework : Framework
    links : sequence of str
        Codes of the items, from the leadership down.
    by : str or sequence of str
        "side", or side and agency: a declared facet set.
    holders : mapping of facet values to mapping of link to count
        People who hold each office, such as ``{("left",): {"link_post": 12, ...}}``.
    seed : int
    kind : {"marginal", "joint"}
    df, level
        As in `indices.score`.

    Raises
    ------
    RequestError
        It is cut by anything but side and agency, a link is no item, or holders are not given.
    """
    facets = refuse_cuts(by)
    if len(set(links)) < LINKS or len(set(links)) < len(links):
        raise RequestError("name at least two links, each once, from the leadership down")
    refuse_unfit(framework, links, facets)
    card = score(totals, framework, facets, df=df, level=level).table
    scores = assemble(totals, framework, facets)
    place = [scores.measures.index(code) for code in links]
    parts, findings = [], []
    for cell, label in enumerate(scores.cells.labels[["wave", *facets]].astype(str).itertuples(index=False, name=None)):
        rows = _of_cell(card, dict(zip(("wave", *facets), label, strict=True)), links)
        rows = _with_holders(rows, _held(holders, label[1:], links))
        judged = _judged(rows)
        told = np.zeros(0, dtype=np.bool_)
        if judged.sum() >= LINKS:
            places = [(cell, place[at]) for at in np.flatnonzero(judged)]
            joint = from_estimates(scores.estimates, places, seed=seed, borrowing="own", rule=df)
            told = weakest(joint, kind=kind, level=level)
        parts.append(_marked(rows, judged, told))
        findings.append(_found(parts[-1], dict(zip(("wave", *facets), label, strict=True))))
    table = pd.concat(parts, ignore_index=True)[[*columns(facets), "holders", "weakest"]]
    return Chain(table, tuple(findings))


def chain_of_figures(
    figures: pd.DataFrame,
    correlation: Floats,
    *,
    links: Sequence[str],
    by: str | Sequence[str],
    holders: Holders,
    seed: int,
    kind: Kind = "marginal",
    level: float = 0.95,
) -> Chain:
    """The same from the shown figures of a release.

    Parameters
    ----------
    figures : DataFrame
        The contract's columns of one or several waves; what is hidden is NaN.
    correlation : ndarray of float, shape (links, links)
        Of the links' sampling errors, in their order, as the release holds it for the items of a side.
    """
    facets = refuse_cuts(by)
    finer = [name for name in ("post", "shift") if name in figures]
    if finer:
        refuse_cuts((*facets, finer[0]))
    shape = (len(links), len(links))
    if correlation.shape != shape:
        raise RequestError(f"correlation has shape {correlation.shape}; give that of the {len(links)} links: {shape}")
    keys = figures[figures["measure"].isin(links)][["wave", *facets]].astype(str).drop_duplicates()
    parts, findings = [], []
    for number, label in enumerate(keys.itertuples(index=False, name=None)):
        named = dict(zip(("wave", *facets), label, strict=True))
        rows = _with_holders(_of_cell(figures, named, links), _held(holders, label[1:], links))
        judged = _judged(rows)
        told = np.zeros(0, dtype=np.bool_)
        if judged.sum() >= LINKS:
            joint = _joint(rows[judged], correlation[np.ix_(judged, judged)], [seed, number])
            told = weakest(joint, kind=kind, level=level)
        parts.append(_marked(rows, judged, told))
        findings.append(_found(parts[-1], named))
    if not parts:
        raise RequestError(f"the figures hold none of the links {', '.join(links)}; name others")
    table = pd.concat(parts, ignore_index=True)[[*columns(facets), "holders", "weakest"]]
    return Chain(table, tuple(findings))


def gap(
    users: pd.DataFrame,
    officers: pd.DataFrame,
    *,
    by: str | Sequence[str],
    wording: Mapping[str, tuple[str, str]],
    level: float = 0.95,
) -> pd.DataFrame:
    """What officers say less what users say, on items worded alike; two populations that were sampled on their own.

    Parameters
    ----------
    users, officers : DataFrame
        Scores under the contract's columns, of one wave each.
    by : str or sequence of str
        "side", or side and agency.
    wording : mapping of code to (text for users, text for officers)
        The question as it was asked; an item with two wordings measures two things and is refused.

    Returns
    -------
    DataFrame
        The facets, `measure`, `users`, `officers`, and the gap with its test as `verdicts.change_of_figures` has it;
        p is of the row alone. Rows that one of the two lacks, or hides, are missing or `undefined`.
    """
    facets = list(refuse_cuts(by))
    apart = [code for code, (one, other) in wording.items() if " ".join(one.split()) != " ".join(other.split())]
    if apart:
        raise RequestError(f"{apart[0]} is worded otherwise for officers, so that a gap means nothing; leave it out")
    sides = [table[table["measure"].isin(wording.keys())] for table in (users, officers)]
    for table, name in zip(sides, ("users", "officers"), strict=True):
        if table.duplicated([*facets, "measure"]).any():
            raise RequestError(
                f"{name} have several rows of one item; give the scores of one wave, by {' '.join(facets)}"
            )
    both = sides[0].merge(sides[1], on=[*facets, "measure"], suffixes=("_users", "_officers"))
    if both.empty:
        raise RequestError("users and officers share no item in the same cell; score both by the same facets")
    figures = [
        both[[f"{name}_{side}" for name in ("estimate", "se", "df")]].to_numpy(dtype=np.float64)
        for side in ("users", "officers")
    ]
    tested = change_of_figures(*figures, level=level)
    levels = both[[*facets, "measure"]].assign(users=figures[0][:, 0], officers=figures[1][:, 0])
    return pd.concat([levels, tested], axis=1)


def refuse_cuts(by: str | Sequence[str]) -> tuple[str, ...]:
    """The facets, if the chain may be cut by them.

    Raises
    ------
    RequestError
        Names what it may not be cut by, and why.
    """
    facets = (by,) if isinstance(by, str) else tuple(by)
    finer = [name for name in facets if name not in CUTS]
    if finer:
        raise RequestError(
            f"the chain of accountability is never cut by {finer[0]}: a post commander or who leads a shift is one "
            "person; ask for it by side, or by side and agency"
        )
    if "side" not in facets:
        raise RequestError("the chain of accountability is that of one side; ask for it by side, or by side and agency")
    return facets


def _of_cell(card: pd.DataFrame, label: Mapping[str, str], links: Sequence[str]) -> pd.DataFrame:
    """Rows of the links of one cell, in the order of the chain."""
    own = np.logical_and.reduce([card[name].astype(str) == value for name, value in label.items()])
    rows = card[own].set_index("measure", drop=False)
    absent = [link for link in links if link not in rows.index]
    if absent:
        raise RequestError(f"there is no figure of {absent[0]!r} in {' '.join(label.values())}; name other links")
    return rows.loc[list(links)].reset_index(drop=True)


def _held(holders: Holders, key: tuple[str, ...], links: Sequence[str]) -> list[int]:
    counts = holders.get(key)
    if counts is None or any(link not in counts for link in links):
        missing = "" if counts is None else f" {next(link for link in links if link not in counts)!r} of"
        raise RequestError(f"it is not said how many people hold the office{missing} {' '.join(key)}; give the counts")
    return [int(counts[link]) for link in links]


def _with_holders(rows: pd.DataFrame, held: Sequence[int]) -> pd.DataFrame:
    """Figures of a link that few people make up are taken out."""
    rows = rows.assign(holders=list(held))
    few = rows["holders"] < HOLDERS
    numbers = [name for name in FIGURES[1:9] if name in rows]
    rows[numbers] = rows[numbers].astype(np.float64)
    rows.loc[few, numbers] = np.nan
    rows.loc[few, ["status", "reason"]] = "suppressed", "few_holders"
    return rows


def _judged(rows: pd.DataFrame) -> Flags:
    value, se, df = (rows[name].to_numpy(dtype=np.float64) for name in ("estimate", "se", "df"))
    judged: Flags = np.isfinite(value) & (se > 0) & (df > 0)
    return judged


def _joint(rows: pd.DataFrame, correlation: Floats, seed: Sequence[int]) -> Joint:
    value, se, df = rows[["estimate", "se", "df"]].to_numpy(dtype=np.float64).T
    rng = np.random.Generator(np.random.PCG64(seed))
    draws = studentised(np.outer(se, se) * correlation, df, count=COUNT, rng=rng)
    return Joint(value, draws, np.zeros(value.size, dtype=np.bool_))


def _marked(rows: pd.DataFrame, judged: Flags, told: Flags) -> pd.DataFrame:
    mark = np.full(len(rows), "", dtype=object)
    if told.size:
        value = rows["estimate"].to_numpy(dtype=np.float64)
        mark[judged] = np.where(told, "possible", "excluded")
        mark[np.flatnonzero(judged)[value[judged].argmin()]] = "points"
    return rows.assign(weakest=mark)


def _found(rows: pd.DataFrame, label: Mapping[str, str]) -> Finding:
    links = {mark: tuple(rows.loc[rows["weakest"] == mark, "measure"]) for mark in ("points", "possible", "excluded")}
    if not links["points"]:
        return Finding("chain_too_short", {**label, "judged": 0})
    told = {**label, "link": links["points"][0], "possible": links["possible"], "excluded": links["excluded"]}
    return Finding("weakest_link" if links["excluded"] else "no_link_told", told)
