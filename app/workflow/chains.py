"""The chain of accountability of a release: which link may be the weakest, and where users and officers differ.

Of a side or of one agency of it, and of nothing finer: a post commander is one person, and so is who leads a shift.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.workflow import declared, studies
from app.workflow.describing import SIDE
from app.workflow.document import Facets, Measure, Release
from scoring.chain import HOLDERS, Chain, chain_of_figures, refuse_cuts
from scoring.chain import gap as gap_of_figures
from scoring.compare import CLEAR, adjusted
from scoring.errors import RequestError

__all__ = [
    "AGENCY",
    "CHAIN",
    "SIDE",
    "WHOLE",
    "Chain",
    "Gap",
    "agencies",
    "chain",
    "gap",
    "impossible",
    "links",
    "of_officers",
    "refusal",
]

CHAIN = "chain"  # index of the framework whose items are the links, from the leadership down
AGENCY = "agency"
WHOLE = "all"  # agencies of a side together
OFFICERS = "officer"  # instrument of those who work at the border
SEED = 2014
LEVEL = 0.99  # of the set of weakest links: its part of the 5 % of false claims of all pages together
SMALLEST_P = 0.001  # shown for anything smaller: no p-value is 0
UNDECLARED = (
    "How many people hold each office is not declared (holders.csv). The chain is shown when it is: a link of fewer "
    "than five office-holders is one of persons."
)


@dataclass(frozen=True, slots=True)
class Gap:
    """What officers say less what users say, on questions that both were asked in the same words.

    Attributes
    ----------
    table : DataFrame
        One row a question in the order of the framework: the facets, `measure`, `users`, `officers`, and of the gap
        `estimate`, `se`, `df`, `low`, `high`, `t`, `p`, `status`, `reason`, `n` (the smaller of both), `p_adjusted`
        (Holm over all rows) and `clear`.
    apart : tuple of str
        Questions that both were asked in other words: not compared.
    withheld : tuple of str
        Links of the chain that fewer than five people hold, or of which nobody said how many do.
    """

    table: pd.DataFrame
    apart: tuple[str, ...]
    withheld: tuple[str, ...]


def links(release: Release) -> tuple[str, ...]:
    """Codes of the links, from the leadership down; none where the framework has no chain."""
    framework = studies.framework_of(release)
    if CHAIN not in {node.code for node in framework.nodes}:
        return ()
    under = framework.below(CHAIN)
    return tuple(item.code for item in framework.items if item.code in under)


def agencies(release: Release) -> Mapping[str, str]:
    """Agencies of which there are figures, with their words; none in a release without such a table."""
    table = release.document.scores.get((SIDE, AGENCY))
    if table is None:
        return {}
    words = next((cut.values for cut in release.document.cuts if cut.facets == (SIDE, AGENCY)), {})
    return {code: words.get(code, code) for code in sorted(set(table[AGENCY].astype(str)))}


def of_officers(release: Release) -> bool:
    """Whether those who answered work at the border."""
    return release.document.note.get("instrument", "").partition(" ")[0] == OFFICERS


def refusal(by: Sequence[str]) -> str:
    """Why the chain is not cut this way, in words; "" where it may be."""
    try:
        refuse_cuts(tuple(by))
    except RequestError as error:
        return str(error)
    return ""


def impossible(release: Release, *, side: str, wave: str, agency: str = WHOLE) -> str:
    """Why no chain can be shown of this side or agency, in words; "" where it can."""
    if not release.document.definition:
        return studies.possible(release, side=side, wave=wave, by=(SIDE,))
    if not links(release):
        return "The framework of this release asks nothing about a chain of accountability."
    figures, place = _rows(release, side=side, wave=wave, agency=agency), " and ".join(_place(side, agency))
    if figures.empty:
        return f"This release has no figures of {place} in {wave}; its agencies are {_named(release)}."
    if not set(links(release)) <= set(figures["measure"]):
        return f"Not every link of {place} has a figure in {wave}: it was not asked then."
    held = declared.of(release).holders.get(_place(side, agency), {})
    if any(link not in held for link in links(release)):
        return UNDECLARED
    return studies.possible(release, side=side, wave=wave, by=(SIDE,))


def chain(release: Release, *, side: str, wave: str, agency: str = WHOLE) -> Chain:
    """Links of one side, or of one agency of it, in one wave, and which of them may be the weakest.

    The errors of the links hang together as those of the whole side do. Of links that are equally weak the set holds
    all, with probability `LEVEL`.

    Raises
    ------
    RequestError
        No chain can be shown: `impossible` says why.
    """
    refused = impossible(release, side=side, wave=wave, agency=agency)
    if refused:
        raise RequestError(refused)
    codes = links(release)
    return chain_of_figures(
        _rows(release, side=side, wave=wave, agency=agency),
        studies.errors_of(release, codes, side, wave),
        links=codes,
        by=_by(agency),
        holders=declared.of(release).holders,
        seed=SEED,
        kind="joint",
        level=LEVEL,
    )


def gap(users: Release, officers: Release, *, side: str, wave: str, agency: str = WHOLE) -> Gap:
    """What officers say less what users say, item by item, judged together (Holm).

    Raises
    ------
    RequestError
        One of the two has no figures of this side, wave or agency.
    """
    both = {"users": users, "officers": officers}
    if users.document.synthetic != officers.document.synthetic:
        raise RequestError("one of the two surveys is invented: real answers are never set beside invented ones")
    for name, release in both.items():
        if _by(agency) not in release.document.scores or _rows(release, side=side, wave=wave, agency=agency).empty:
            raise RequestError(
                f"{name} were not asked about {' and '.join(_place(side, agency))} in {wave}, or it is not published"
            )
    wording, apart = _worded(users, officers)
    withheld = tuple(code for code in wording if code in links(users) and not _many(users, code, side, agency))
    figures = {name: _rows(release, side=side, wave=wave, agency=agency) for name, release in both.items()}
    shared = [code for code in wording if code not in withheld and all(_holds(rows, code) for rows in figures.values())]
    if not shared:
        return Gap(pd.DataFrame(), apart, withheld)
    told = {code: (wording[code], wording[code]) for code in shared}
    table = gap_of_figures(figures["users"], figures["officers"], by=_by(agency), wording=told)
    table = table.set_index("measure", drop=False).loc[shared].reset_index(drop=True)
    n = [rows.set_index("measure")["n"].loc[shared].to_numpy(dtype=np.float64) for rows in figures.values()]
    return Gap(_judged(table.assign(n=np.minimum(*n))), apart, withheld)


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    """The gaps as they are shown: rounded as the figures they are made of, and tested as one family."""
    hidden = table["estimate"].isna()
    out = table.assign(p_adjusted=adjusted(table["p"].to_numpy(dtype=np.float64), adjust="holm"))
    out["reason"] = out["reason"].where(~hidden, "hidden_score")
    out["clear"] = out["p_adjusted"] < CLEAR
    out[["estimate", "low", "high", "df"]] = out[["estimate", "low", "high", "df"]].round(1)
    out[["se", "t"]] = out[["se", "t"]].round(2)
    out[["p", "p_adjusted"]] = out[["p", "p_adjusted"]].round(3).clip(lower=SMALLEST_P)
    return out


def _worded(users: Release, officers: Release) -> tuple[dict[str, str], tuple[str, ...]]:
    """Items of both with their one question, and those that were asked in other words or scored the other way."""
    theirs = {part.code: part for part in officers.document.measures if part.level == "item"}
    common = [part for part in users.document.measures if part.level == "item" and part.code in theirs]
    same = {part.code: part.question for part in common if part.question and _asks(part) == _asks(theirs[part.code])}
    return same, tuple(part.code for part in common if part.code not in same)


def _asks(part: Measure) -> tuple[str, str, str]:
    return " ".join(part.question.split()), part.direction, part.unit


def _many(release: Release, link: str, side: str, agency: str) -> bool:
    """Whether enough people hold an office for its figure to be about none of them."""
    return declared.of(release).holders.get(_place(side, agency), {}).get(link, 0) >= HOLDERS


def _holds(rows: pd.DataFrame, code: str) -> bool:
    return bool((rows["measure"] == code).any())


def _by(agency: str) -> Facets:
    return (SIDE,) if agency == WHOLE else (SIDE, AGENCY)


def _place(side: str, agency: str) -> tuple[str, ...]:
    return (side,) if agency == WHOLE else (side, agency)


def _named(release: Release) -> str:
    return ", ".join(agencies(release)) or "none: it is cut by side alone"


def _rows(release: Release, *, side: str, wave: str, agency: str) -> pd.DataFrame:
    """Figures of one side, or of one agency of it, in one wave; empty where there is no such table."""
    table = release.document.scores.get(_by(agency), pd.DataFrame(columns=["wave", SIDE, AGENCY, "measure", "n"]))
    own = (table["wave"] == wave) & (table[SIDE] == side)
    return table[own if agency == WHOLE else own & (table[AGENCY] == agency)].reset_index(drop=True)
