"""Who came, beside what they said: changes split into change within groups and change of the mix, and the traffic."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.workflow import comparability, results
from app.workflow.describing import SIDE
from app.workflow.document import Release
from scoring.composition import PARTS, explained, judged_parts, shifted
from scoring.findings import Finding
from scoring.verdicts import verdict_of_change

_FIGURES = ("estimate", "se", "df", "low", "high", "p")


@dataclass(frozen=True, slots=True)
class Composition:
    """Changes of the headline indices of a side between two waves, split by groups of users.

    Attributes
    ----------
    table : DataFrame
        `wave`, `since`, the side, `measure`, `part` (change, within, mix, fixed_mix, level_at_fixed_mix), `estimate`,
        `se`, `df`, `low`, `high`, `p`, `p_adjusted`, `clear` and `verdict`; empty where the release holds no split.
        Changes are one family, `within` and `mix` another, changes at the fixed mix a third. A change of the mix is
        better or worse for nobody: where it is clear it goes up or down, and so does a change that is nothing else.
    findings : tuple of Finding
        One a measure, in the order of the table: see `scoring.composition.Split`.
    shifts : tuple of Finding
        `traffic_shift` and `mix_shift`, with `since` and `wave`.
    notes : tuple of str
        What is not compared, or is bridged, and why.
    """

    table: pd.DataFrame
    findings: tuple[Finding, ...]
    shifts: tuple[Finding, ...]
    notes: tuple[str, ...]

    def fixed_clear(self, measure: str) -> bool:
        """Whether the change of a measure at the fixed mix is clear."""
        own = (self.table["measure"] == measure) & (self.table["part"] == "fixed_mix")
        return bool(self.table.loc[own, "clear"].any())


def composition(release: Release, *, side: str, waves: tuple[str, str]) -> Composition:
    """Changes of the headline indices of a side, split, with the shifts of traffic and mix that stand beside them."""
    since, wave = sorted(waves)
    notes = comparability.notes(release, (since, wave), side=side)
    shifts = tuple(_shifts(release, side, since, wave))
    rows = [row for parts in _changes(release, side, since, wave) for row in parts]
    if not rows:
        return Composition(pd.DataFrame(), (), shifts, notes)
    judged = judged_parts(pd.DataFrame(rows).assign(wave=wave, since=since, side=side))
    findings = tuple(explained(judged, (SIDE,)))
    table = results.shown_p(judged.assign(verdict=_verdicts(release, judged, findings)))
    front = ["wave", "since", SIDE, "measure", "part"]
    return Composition(table[[*front, *_FIGURES, "p_adjusted", "clear", "verdict"]], findings, shifts, notes)


def only_mix(release: Release, *, side: str, waves: tuple[str, str]) -> frozenset[str]:
    """Measures of which a change of the side is that other people crossed, and nothing else is clear."""
    found = composition(release, side=side, waves=waves).findings
    return frozenset(one.params["measure"] for one in found if one.code == "composition")


def traffic(release: Release, *, side: str) -> pd.DataFrame:
    """Mean crossings counted in a shift, wave by wave: `wave`, `post` ("" of the whole side), `crossings`."""
    return _study(release, "traffic", side, ["wave", "post", "crossings"])


def _study(release: Release, name: str, side: str, columns: list[str]) -> pd.DataFrame:
    table = release.document.studies.get(name, pd.DataFrame())
    if table.empty:
        return pd.DataFrame(columns=columns)
    return table.loc[table[SIDE] == side, columns].reset_index(drop=True)


def _changes(release: Release, side: str, since: str, wave: str) -> Iterator[list[dict[str, Any]]]:
    """All parts of each change that the release shows and splits."""
    table = _study(release, "composition", side, ["wave", "since", "measure", "part", *_FIGURES])
    table = table[(table["since"] == since) & (table["wave"] == wave)]
    codes = list(dict.fromkeys(table["measure"]))
    if not codes:
        return
    moves = results.tested(release, codes, (since, wave), (SIDE,))
    moves = moves[(moves[SIDE] == side) & moves["p"].notna()].set_index("measure")
    scores = results.scored(release, (SIDE,))
    before = scores[(scores[SIDE] == side) & (scores["wave"] == since)].set_index("measure")["estimate"]
    for code in (code for code in codes if code in moves.index):
        parts = table[table["measure"] == code].set_index("part")
        level = round(before[code] + parts.loc["fixed_mix", "estimate"], 1)
        rows = {"change": moves.loc[code], **{part: parts.loc[part] for part in ("within", "mix", "fixed_mix")}}
        rows["level_at_fixed_mix"] = pd.Series(dict.fromkeys(_FIGURES, np.nan) | {"estimate": level})
        yield [{"measure": code, "part": part, **{name: rows[part][name] for name in _FIGURES}} for part in PARTS]


def _verdicts(release: Release, rows: pd.DataFrame, findings: tuple[Finding, ...]) -> Any:  # noqa: ANN401 - an array of codes
    """A code a row; what is a change of who came goes up or down."""
    ways = {one.code: one.direction for one in release.document.measures}
    mixed = {one.params["measure"] for one in findings if one.code == "composition"}
    neither = (rows["part"] == "mix") | ((rows["part"] == "change") & rows["measure"].isin(mixed))
    return verdict_of_change(rows, rows["measure"].map(ways).mask(neither, "ambiguous").to_numpy(dtype=object))


def _shifts(release: Release, side: str, since: str, wave: str) -> Iterator[Finding]:
    """Traffic or mix that differ by more than a fifth, of what is known of both waves."""
    counts = traffic(release, side=side)
    counts = counts[counts["post"] == ""]
    crossings = dict(zip(counts["wave"], counts["crossings"].astype(float), strict=True))
    mix = _study(release, "mix", side, ["wave", "value", "share"])
    shares = {
        name: dict(zip(own["value"], own["share"].astype(float), strict=True)) for name, own in mix.groupby("wave")
    }
    sizes = crossings if {since, wave} <= crossings.keys() else {}
    parts = shares if {since, wave} <= shares.keys() else {}
    if not (sizes or parts):
        return
    before, after = (_crossings(sizes.get(at, 1.0), parts.get(at, {"": 1.0})) for at in (since, wave))
    for one in shifted(before, after):
        yield Finding(one.code, {"since": since, "wave": wave, **one.params})


def _crossings(size: float, shares: Mapping[str, float]) -> dict[str, float]:
    """Crossings of each group, from shares that are rounded."""
    total = sum(shares.values())
    return {group: size * share / total for group, share in shares.items()}
