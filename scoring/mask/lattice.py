"""The lattice of a release: which tables may be published of a survey, and under which rules; read from TOML text."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from scoring.disclosure import DEFAULT, Thresholds
from scoring.errors import FrameworkError

_KEYS = {"id", "version", "tables"}
_MORE = {"rules", "framework"}


@dataclass(frozen=True, slots=True)
class Lattice:
    """A versioned list of publishable cross-classifications.

    Attributes
    ----------
    id, version : str
    tables : tuple of tuple of str
        Facet sets; a table is a breakdown of every other one whose facets are all among its own.
    rules : Thresholds
    framework : str
        Id of the framework that the answers are scored with; "" where the file names none.
    """

    id: str
    version: str
    tables: tuple[tuple[str, ...], ...]
    rules: Thresholds = DEFAULT
    framework: str = ""

    @classmethod
    def from_toml(cls, text: str, *, name: str = "lattice") -> "Lattice":
        """Read a lattice.

        Raises
        ------
        FrameworkError
            If a key is missing or unknown, a table stands twice, or a rule is not one or not a number.
        """
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise FrameworkError(f"{name}: not TOML: {error}; compare it with data/lattices/traveller.toml") from error
        if unknown := (set(found) - _MORE) ^ _KEYS:
            raise FrameworkError(
                f"{name}: the keys are id, version, tables, rules and framework; see to {', '.join(sorted(unknown))}"
            )
        named = found.get("framework", "")
        if not isinstance(named, str):
            raise FrameworkError(f"{name}: framework is {named!r}; give the id of one, such as 'border'")
        tables, rules = _tables(found["tables"], name), _rules(found, name)
        return cls(str(found["id"]), str(found["version"]), tables, rules, named)

    def breakdowns(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        """Pairs of a table and one that parts each of its cells by one facet more."""
        return tuple(
            (coarse, fine)
            for coarse in self.tables
            for fine in self.tables
            if len(fine) == len(coarse) + 1 and set(coarse) < set(fine)
        )


def _tables(found: object, name: str) -> tuple[tuple[str, ...], ...]:
    fine = isinstance(found, list) and all(
        isinstance(table, list) and table and all(isinstance(facet, str) for facet in table) for table in found
    )
    if not fine or not found or not isinstance(found, list):
        raise FrameworkError(f"{name}: tables is a list of lists of facets, such as [['side'], ['side', 'post']]")
    tables = tuple(tuple(table) for table in found)
    if len({frozenset(table) for table in tables}) < len(tables):
        raise FrameworkError(f"{name}: a table stands twice; leave one out")
    return tables


def _rules(found: Mapping[str, Any], name: str) -> Thresholds:
    given = found.get("rules", {})
    known = {field.name: type(getattr(DEFAULT, field.name)) for field in fields(Thresholds)}
    for rule, value in given.items():
        if rule not in known:
            raise FrameworkError(f"{name}: there is no rule {rule!r}; rules are {', '.join(known)}")
        if not isinstance(value, known[rule] | int) or (isinstance(value, bool) is not (known[rule] is bool)):
            raise FrameworkError(f"{name}: rule {rule!r} is {value!r}; give a {known[rule].__name__}")
    return Thresholds(**given)
