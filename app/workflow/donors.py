"""The donor's results table: one row an indicator, from its baseline to its target, with interval, test and source.

Everything is what the release shows; each side is a table of its own, against its own past.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from app import sentences
from app.workflow import agreed, results
from app.workflow.cells import Cells
from app.workflow.describing import SIDE
from app.workflow.document import Facets, Measure, Release
from app.workflow.shelf import facts
from scoring.compare import judged_together
from scoring.contract import REASONS
from scoring.verdicts import verdict_of_change

SEX: Facets = (SIDE, "sex")
ALL: Final = "all"
COLUMNS: Final = (
    "indicator", "code", "unit", "side", "group", "baseline", "baseline year", "target", "due", "current", "low",
    "high", "answers", "wave", "target met", "change", "change low", "change high", "change test", "note", "source",
    "method",
)  # fmt: skip
UNITS: Final[Mapping[str, str]] = {"points": "points of 100", "%": "% of those it applies to"}
#: Whether a target is met, and whether it is due -> in words.
MET: Final[Mapping[tuple[str, bool], str]] = {
    ("met", True): "met", ("met", False): "met already", ("missed", True): "not met", ("missed", False): "not yet",
    ("open", True): "not sure", ("open", False): "not sure", ("not_judged", True): "cannot be told",
    ("not_judged", False): "cannot be told",
}  # fmt: skip
WHAT: Final = "What users reported; not an audit, not a finding about any person."
FAMILIES: Final = (
    "Clear: p below 0.05 in its family by Holm's rule. There are three families, each of both sides: changes of "
    "indicators with targets, of the other headline figures, and of all of these by sex."
)
MARK: Final = "SYNTHETIC: every answer is invented"


def results_table(release: Release, side: str | None = None) -> pd.DataFrame:
    """Indicators with targets, then the other headline figures, each with a row for every sex that is shown.

    The baseline of a figure without a target is that of the first wave. Changes are judged in three families by Holm's
    rule, over both sides: those of the targets, those of the other headline figures, and those by sex.

    Returns
    -------
    DataFrame
        Under `COLUMNS`; a hidden figure is NaN, and `note` says why.
    """
    aims = agreed.targets(release)
    whole = pd.concat([_of_targets(aims), _of_headline(release, aims)], ignore_index=True)
    both = pd.concat([whole, _of_sex(release, whole)], ignore_index=True)
    rows = both.sort_values(["order", "group_order"], kind="stable")
    own = rows if side is None else rows[rows[SIDE] == side]
    titles = titles_of(release)
    measures = {one.code: one for one in release.document.measures}
    told = [_told(release, row, measures[row["measure"]], titles) for row in own.to_dict("records")]
    return pd.DataFrame(told, columns=list(COLUMNS))


def notes(release: Release, shown: Container[str]) -> list[tuple[str, str]]:
    """What a reader of the table must know, as pairs of a word and its meaning; `shown` are the codes in it."""
    note = facts(release)
    answers = "Every answer is invented: SYNTHETIC." if release.document.synthetic else "Answers of people who crossed."
    return [
        ("survey", f"{release.document.title}. {answers}"),
        ("release", f"{note['release']}, published {release.published_on or 'not yet'}; {note['signed']}"),
        ("data", f"until {note.get('data_until', '')}, digest {note.get('data', '')}, waves {note.get('waves', '')}"),
        ("instrument", note.get("instrument", "")),
        ("framework and engine", f"{note.get('framework', '')}; {note.get('engine', '')}"),
        ("current, low, high", "Figure of the last wave with its 95 % interval, weighted to those who crossed."),
        ("answers", "How many it rests on, to the next 5; weights are in the interval."),
        ("change", "Current less baseline, with its 95 % interval. A declared baseline is taken as known."),
        ("change test", FAMILIES),
        ("target met", "Met: the whole interval meets the target. Not met: none of it does. Not sure: anything else."),
        ("note", "A figure is left out where showing it could tell who said what; the note says why."),
        ("sides", "Each side is compared with its own past alone: fear and refusal differ by side."),
        ("what it is", WHAT),
        *((one.title, one.description or one.question) for one in release.document.measures if one.code in shown),
    ]  # fmt: skip


def titles_of(release: Release) -> dict[str, str]:
    """Words of measures, sides and places by their codes; amounts are means, beside medians elsewhere, and say so."""
    cells = {code: words for cut in release.document.cuts for code, words in cut.values.items()}
    means = {one.code for one in release.document.measures if one.unit == "hours"}
    titles = {one.code: one.title for one in release.document.measures}
    return cells | {code: f"{title}, mean" if code in means else title for code, title in titles.items()}


def _of_targets(aims: pd.DataFrame) -> pd.DataFrame:
    return aims.assign(order=np.arange(len(aims)), group_order=0, group=ALL)


def _of_headline(release: Release, aims: pd.DataFrame) -> pd.DataFrame:
    """Headline figures of each side that have no target there."""
    table = release.document.scores[(SIDE,)]
    aimed = set(aims.loc[aims["where"] == "", ["measure", SIDE]].itertuples(index=False, name=None))
    codes = [one.code for one in release.document.measures if one.headline and one.code in set(table["measure"])]
    pairs = [(code, str(side)) for side in dict.fromkeys(table[SIDE]) for code in codes]
    waves = sorted(release.document.waves)
    cells = [{"measure": code, SIDE: side, "since": waves[0]} for code, side in pairs if (code, side) not in aimed]
    rows = _figures(release, cells, (SIDE,))
    return rows.assign(order=len(aims) + np.arange(len(rows)), group_order=0, group=ALL, where="")


def _of_sex(release: Release, whole: pd.DataFrame) -> pd.DataFrame:
    """The same figures by sex, where that is published; a declared number is no baseline of one sex."""
    if SEX not in release.document.scores:
        return pd.DataFrame()
    table = release.document.scores[SEX]
    known = set(table["measure"])
    waves = set(release.document.waves)
    cells = [
        {"measure": row["measure"], SIDE: row[SIDE], "sex": sex, "group": sex, "order": row["order"], "group_order": at}
        | {"since": row["baseline_of"] if row["baseline_of"] in waves and pd.isna(row["declared"]) else ""}
        for row in whole.assign(declared=_declared(whole)).to_dict("records")
        if row["where"] == "" and row["measure"] in known
        for at, sex in enumerate(sorted(set(table["sex"].astype(str))), start=1)
    ]
    return _figures(release, cells, SEX)


def _declared(whole: pd.DataFrame) -> "pd.Series[float]":
    """Baselines that somebody gave as a number with its source."""
    given = whole["source"].fillna("").ne("") if "source" in whole else pd.Series(False, index=whole.index)
    return whole["baseline"].where(given)


def _figures(release: Release, cells: Sequence[Mapping[str, Any]], by: Facets) -> pd.DataFrame:
    """Current figures of some cells with their tested changes, as one family."""
    shown = Cells(release)
    units = {one.code: one for one in release.document.measures}
    rows = []
    for cell in cells:
        where = {facet: str(cell[facet]) for facet in by}
        level = shown.level(cell["measure"], where, shown.last)
        start = shown.level(cell["measure"], where, cell["since"])["estimate"] if cell["since"] else np.nan
        change = shown.change(cell["measure"], where, cell["since"])
        rows.append(
            dict(cell)
            | {name: level[name] for name in ("estimate", "low", "high", "n", "status", "reason")}
            | {"wave": shown.last, "unit": units[cell["measure"]].unit, "baseline": start, "baseline_of": cell["since"]}
            | {"change": change["estimate"], "change_low": change["low"], "change_high": change["high"]}
            | {"p": change["p"], "change_reason": change["reason"]}
        )
    table = pd.DataFrame(rows, columns=[*(cells[0] if cells else ()), *_ADDED])
    if table.empty:
        return table
    judged = judged_together(table.assign(estimate=table["change"]), adjust="holm")
    directions = np.array([units[code].direction for code in table["measure"]], dtype=object)
    verdicts = verdict_of_change(judged, directions)
    return results.shown_p(judged).assign(estimate=table["estimate"], change_verdict=verdicts)


_ADDED: Final = (
    "estimate", "low", "high", "n", "status", "reason", "wave", "unit", "baseline", "baseline_of", "change",
    "change_low", "change_high", "p", "change_reason",
)  # fmt: skip


def _told(release: Release, row: Mapping[Any, Any], measure: Measure, titles: Mapping[str, str]) -> dict[str, Any]:
    """One row of the table in words and numbers."""
    note = facts(release)
    where = [part.partition("=")[2] for part in str(row["where"]).split(", ")] if _filled(row.get("where")) else []
    name = ", ".join([titles[measure.code], *(titles.get(cell, cell) for cell in where)])
    declared = f"; baseline: {row['source']}" if _filled(row.get("source")) else ""
    mark = " (SYNTHETIC)" if release.document.synthetic else ""
    hidden = pd.isna(row["estimate"])
    return {
        "indicator": name,
        "code": measure.code,
        "unit": UNITS.get(measure.unit, measure.unit),
        "side": titles.get(row[SIDE], row[SIDE]),
        "group": ALL if row["group"] == ALL else titles.get(row["group"], row["group"]),
        "baseline": row["baseline"],
        "baseline year": row["baseline_of"],
        "target": row.get("target", np.nan),
        "due": row["due"] if _filled(row.get("due")) else "",
        "current": row["estimate"],
        "low": row["low"],
        "high": row["high"],
        "answers": row["n"],
        "wave": row["wave"],
        "target met": MET[row["verdict"], row["due"] <= row["wave"]] if _filled(row.get("verdict")) else "",
        "change": row["change"],
        "change low": row["change_low"],
        "change high": row["change_high"],
        "change test": sentences.since_told(row),
        "note": f"not shown: {_why(row['reason'])}" if hidden else _why(row["reason"]) if row["reason"] else "",
        "source": f"{release.document.title}{mark}, release {note['release']}, wave {row['wave']}, "
        f"{note.get('instrument', '')}{declared}",
        "method": f"framework {note.get('framework', '')}, engine {note.get('engine', '')}",
    }


def _filled(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _why(reason: object) -> str:
    return REASONS.get(str(reason), str(reason))
