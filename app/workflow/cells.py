"""Published figures of a release, cell by cell: the score of a wave, and the change since an earlier one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from app.workflow import results
from app.workflow.document import Facets, Release
from app.workflow.fitting import table_of

LEVEL = ("wave", "measure", "estimate", "se", "df", "low", "high", "n", "status", "reason", "top")
CHANGE = ("estimate", "se", "df", "low", "high", "p", "reason")
FULL = 100.0
BOUNDED = ("points", "%")
Key = tuple[str, ...]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one release; each table is gone through once, when it is first asked for."""

    release: Release
    _kept: dict[tuple[Facets, str, str], Mapping[Key, Row]] = field(default_factory=dict)

    @property
    def last(self) -> str:
        """The last wave."""
        return max(self.release.document.waves)

    def level(self, measure: str, where: Mapping[str, str], wave: str) -> Row:
        """The published score in a wave, with the `top` of its scale; NaN and a reason where there is none."""
        facets = self._facets(where)
        if (facets, "", wave) not in self._kept:
            table = self.release.document.scores[facets]
            self._kept[facets, "", wave] = _indexed(table[table["wave"].astype(str) == wave], facets)
        row = self._kept[facets, "", wave].get(_key(measure, where, facets), {"status": "undefined"} | _NOBODY)
        top = FULL if self.unit(measure) in BOUNDED else np.nan
        return {name: row.get(name, np.nan) for name in LEVEL} | {"wave": wave, "measure": measure, "top": top}

    def change(self, measure: str, where: Mapping[str, str], since: str) -> Row:
        """The published change since a wave; NaN and a reason where there is none."""
        if since not in self.release.document.waves:
            return _none("no_baseline")
        if since == self.last:
            return _none("no_later_wave")
        facets = self._facets(where)
        place = facets, since, self.last
        if place not in self._kept:
            codes = list(dict.fromkeys(self.release.document.scores[facets]["measure"].astype(str)))
            table = results.tested(self.release, codes, (since, self.last), facets)
            self._kept[place] = _indexed(table, facets)
        row = self._kept[place].get(_key(measure, where, facets), _NOBODY)
        return {name: row.get(name, np.nan) for name in CHANGE}

    def unit(self, measure: str) -> str:
        """Unit of a measure."""
        return next(one.unit for one in self.release.document.measures if one.code == measure)

    def _facets(self, where: Mapping[str, str]) -> Facets:
        return table_of(self.release.document, where) or tuple(where)


_NOBODY: Row = {"reason": "no_answers"}


def _none(reason: str) -> Row:
    return dict.fromkeys(CHANGE, np.nan) | {"reason": reason}


def _key(measure: str, where: Mapping[str, str], facets: Facets) -> Key:
    return (measure, *(where[facet] for facet in facets))


def _indexed(table: pd.DataFrame, facets: Facets) -> dict[Key, Row]:
    records = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    return {(str(row["measure"]), *(str(row[facet]) for facet in facets)): row for row in records}
