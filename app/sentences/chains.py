"""Words for the chain of accountability: where it is weakest, how users and officers differ. None is on a person."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from scoring.chain import Chain
from scoring.contract import REASONS

Titles = Mapping[str, str]

#: What is found of a chain -> its sentence.
CHAINS: Final[Mapping[str, str]] = {
    "weakest_link": "Points most to {link}; {possible} cannot be excluded.",
    "weakest_link_alone": "Points most to {link}; every other link that is shown can be excluded.",
    "no_link_told": "No link can be told apart as the weakest.",
    "chain_too_short": "Fewer than two links can be shown, so that nothing is said of the weakest.",
}
#: What stands beside a link -> the same in words.
STANDINGS: Final[Mapping[str, str]] = {
    "points": "points most to",
    "possible": "cannot be excluded",
    "excluded": "excluded",
    "": "not judged",
}
#: What is found of users and officers on one question -> its sentence.
GAPS: Final[Mapping[str, str]] = {
    "higher": "{item}: officers see it better than users do, by {size} points ({low} to {high}).",
    "lower": "{item}: officers see it worse than users do, by {size} points ({low} to {high}).",
    "not_clear": "{item}: it is not clear whether officers and users differ ({estimate} points, {low} to {high}).",
    "not_judged": "{item}: not compared, as {why}.",
}
FEWER: Final = "Not judged: {links}. Fewer than five people hold the office, so that a figure would be about a person."
UNSHOWN: Final = "Not judged: {links}. A figure, or how sure it is, cannot be shown."

SURE: Final = "Of 100 such sets of possible weakest links, 99 hold the truly weakest one, and all that are as weak."
APART: Final = "Not compared, as both were asked in other words or are counted otherwise: {items}."
WITHHELD: Final = "Not shown, as fewer than five people hold the office or nobody declared how many do: {items}."


def standing(chain: Chain) -> Mapping[str, str]:
    """What may be said of each link: a code of `STANDINGS`; where none is told apart, none is pointed to."""
    marks = dict(zip(chain.table["measure"].astype(str), chain.table["weakest"].astype(str), strict=True))
    if "excluded" in marks.values():
        return marks
    return {link: "possible" if mark else "" for link, mark in marks.items()}


def chain_line(chain: Chain, titles: Titles) -> str:
    """One sentence on where the chain of one side or agency is weakest, in one wave."""
    (finding,) = chain.findings
    links = {name: [_inside(titles.get(code, code)) for code in _named(chain, name)] for name in ("points", "possible")}
    code = finding.code
    if code == "weakest_link" and not links["possible"]:
        code = "weakest_link_alone"
    return CHAINS[code].format(link=together(links["points"]), possible=together(links["possible"]))


def not_judged(chain: Chain, titles: Titles) -> str:
    """Which links are left out of the judgement, and why; "" where none is."""
    left = chain.table[chain.table["weakest"] == ""]
    few = left["reason"] == "few_holders"
    told = []
    for words, rows in ((FEWER, left[few]), (UNSHOWN, left[~few])):
        if len(rows):
            told.append(words.format(links=together([_inside(titles.get(code, code)) for code in rows["measure"]])))
    return " ".join(told)


def gap_verdict(row: Mapping[Any, Any]) -> str:
    """What the test says of users and officers on one question: a code of `GAPS`."""
    if pd.isna(row["estimate"]) or pd.isna(row["p_adjusted"]):
        return "not_judged"
    if not row["clear"]:
        return "not_clear"
    return "higher" if row["estimate"] > 0 else "lower"


def gap_told(row: Mapping[Any, Any], titles: Titles) -> str:
    """One sentence on users and officers on one question."""
    verdict = gap_verdict(row)
    figures = {name: _signed(row[name]) for name in ("estimate", "low", "high")}
    if verdict in ("higher", "lower"):
        ends = sorted((abs(row["low"]), abs(row["high"])))
        figures |= {"low": _plain(ends[0]), "high": _plain(ends[1])}
    return GAPS[verdict].format(
        item=titles.get(row["measure"], row["measure"]),
        size="" if verdict == "not_judged" else _plain(abs(row["estimate"])),
        why=REASONS.get(row["reason"], row["reason"]) or REASONS["not_defined"],
        **figures,
    )


def gap_line(rows: Sequence[Mapping[Any, Any]]) -> str:
    """One sentence on all questions that users and officers share."""
    verdicts = [gap_verdict(row) for row in rows]
    told = sum(verdict != "not_judged" for verdict in verdicts)
    if not told:
        return "Nothing that users and officers were both asked can be compared here."
    better, worse = verdicts.count("higher"), verdicts.count("lower")
    if not better + worse:
        these = "this question" if told == 1 else f"any of these {told} questions"
        return f"It is not clear of {these} whether officers and users differ."
    rest = told - better - worse
    others = f" It is not clear for the other {rest}." if rest else ""
    asked = f"{told} question{'s' if told > 1 else ''}"
    return f"Of {asked}, officers see {better} better than users do and {worse} worse.{others}"


def gap_notes(shown: int, apart: Sequence[str], withheld: Sequence[str], titles: Titles) -> str:
    """How the differences are judged, and which questions are left out of them, and why."""
    told = [f"These {shown} differences are judged together (Holm)."] if shown else []
    for words, codes in ((APART, apart), (WITHHELD, withheld)):
        if codes:
            told.append(words.format(items=together([titles.get(code, code) for code in codes])))
    return " ".join(told)


def together(names: Sequence[str]) -> str:
    """Names in a row: a, b and c."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _named(chain: Chain, mark: str) -> list[str]:
    return [link for link, own in standing(chain).items() if own == mark]


def _inside(title: str) -> str:
    """A title inside a sentence: its first letter is small, unless it is an abbreviation."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def _signed(value: float) -> str:
    return "not known" if pd.isna(value) else f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")


def _plain(value: float) -> str:
    return "not known" if pd.isna(value) else f"{value:.1f}"
