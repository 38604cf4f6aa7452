"""Faults of a framework file, table by table: unknown keys, wrong shapes, words and numbers that cannot be."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from scoring.aggregation import AGGREGATIONS
from scoring.nodes import Direction, Estimand, Kind
from scoring.normalisation import Declared, OverUnits

ARUSHA_FACTORS = 10
TABLES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    # table: (required keys, optional keys)
    "index": (
        frozenset({"code", "title"}),
        frozenset({"headline", "aggregation", "kind", "only_by", "description"}),
    ),
    "dimension": (
        frozenset({"code", "title"}),
        frozenset({"index", "dimension", "weight", "kind", "arusha", "aggregation", "description"}),
    ),
    "item": (
        frozenset({"code", "title", "dimension", "direction", "range"}),
        frozenset({"weight", "normalisation", "baseline", "target", "positive", "description"}),
    ),
    "indicator": (
        frozenset({"code", "title", "statistic", "direction"}),
        frozenset({"item", "any_of", "range", "unit", "sensitive", "headline", "description"}),
    ),
    "budget": (frozenset({"expert", "part", "points"}), frozenset()),
    "population": (frozenset({"code", "title", "weight"}), frozenset()),
    "bridge": (frozenset({"from", "measures", "reason"}), frozenset()),
}
TOP = ("id", "version", "title")
RULES = ("description", "weights", "estimand", "minimum_answered")
_WORDS: Mapping[str, frozenset[str]] = {
    "kind": frozenset(get_args(Kind)),
    "aggregation": frozenset(AGGREGATIONS),
    "statistic": frozenset({"share", "mean"}),
    "direction": frozenset(get_args(Direction)),
    "normalisation": frozenset(get_args(Declared)),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a file: the table or key, what it says, and what to do."""

    key: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}; {self.remedy}" if self.key else f"{self.problem}; {self.remedy}"


def _text(value: object) -> bool:
    return isinstance(value, str)


def _truth(value: object) -> bool:
    return isinstance(value, bool)


def number(value: object) -> bool:
    """Whether this is a finite number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, int | float) and not _truth(one) for one in value)


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_text, value))


def _sets(value: object) -> bool:
    return isinstance(value, list) and all(map(_texts, value))


_TEXTS = ("code", "title", "description", "unit", "index", "dimension", "item", "expert", "part", "from", "reason")
_SHAPES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys((*_TEXTS, *_WORDS), (_text, "a text")),
    **dict.fromkeys(("headline", "sensitive"), (_truth, "true or false")),
    "arusha": (_numbers, "a list of numbers"),
    "any_of": (_texts, "a list of questions"),
    "measures": (_texts, "a list of codes"),
    "only_by": (_sets, "a list of lists of facets, such as [['side']]"),
    "points": (number, "a number"),
}


def top_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults of what stands above the tables, and tables that are missing or unknown."""
    for key in TOP:
        if not isinstance(data.get(key), str):
            yield Fault(key, "missing or not a text", f"write {key} = '...' at the top")
    for key in sorted(data.keys() - TABLES.keys() - {*TOP, *RULES}):
        yield Fault(key, "unknown key", f"tables are {', '.join(TABLES)}, at the top stand {', '.join((*TOP, *RULES))}")
    yield from _rule_faults(data)
    for table in ("index", "dimension", "item"):
        if not data.get(table):
            yield Fault(table, "there is none", f"add a [[{table}]] table")


def _rule_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    for key, words in (("weights", ("relative", "shares", "percent")), ("estimand", get_args(Estimand))):
        if key in data and data[key] not in words:
            yield Fault(key, f"it is {data[key]!r}", f"it may be {', '.join(words)}")
    least = data.get("minimum_answered", 1)
    if not (number(least) and 0 < least <= 1):
        yield Fault("minimum_answered", f"it is {least!r}", "give the least share of parts, above 0 and at most 1")
    if data.get("estimand") == "mean_of_indices" and "minimum_answered" not in data:
        remedy = "say what share of its parts a respondent must have answered, such as minimum_answered = 0.5"
        yield Fault("minimum_answered", "missing, and estimand is 'mean_of_indices'", remedy)


def shape_faults(table: str, rows: object) -> Iterator[Fault]:
    """Faults of the shape of a table and of its values: what comes after them reads the tables."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        yield Fault(table, "not a list of tables", f"write [[{table}]] above each")
        return
    for place, row in enumerate(rows, start=1):
        for key in _SHAPES.keys() & row.keys():
            fits, wanted = _SHAPES[key]
            if not fits(row[key]):
                yield Fault(f"{table} {row.get('code', place)}", f"{key} is {row[key]!r}", f"give {wanted}")


def row_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults of single rows: keys, words, weights, ranges, directions, normalisations."""
    for table in TABLES:
        for place, row in enumerate(data.get(table, []), start=1):
            where = f"{table} {row.get('code', place)}"
            yield from _key_faults(where, table, row)
            yield from _range_faults(where, row)
            yield from _table_faults(where, table, row)
            if table == "item" and not any(True for _ in _range_faults(where, row)):
                yield from _score_faults(where, row)


def _key_faults(where: str, table: str, row: Mapping[str, Any]) -> Iterator[Fault]:
    required, optional = TABLES[table]
    for key in sorted(required - row.keys()):
        yield Fault(where, f"key {key!r} is missing", "add it")
    for key in sorted(row.keys() - required - optional):
        yield Fault(where, f"unknown key {key!r}", f"known are {', '.join(sorted(required | optional))}")
    for key in _WORDS.keys() & row.keys():
        if row[key] not in _WORDS[key]:
            yield Fault(where, f"{key} is {row[key]!r}", _remedy(key, row[key]))
    weight = row.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
        yield Fault(where, f"weight is {weight!r}", "give a number above 0")


def _remedy(key: str, word: str) -> str:
    allowed = f"it may be {', '.join(sorted(_WORDS[key]))}"
    if key == "normalisation" and word.replace("_", " ") in (*get_args(OverUnits), "min max"):
        return f"{allowed}. That one changes when a unit joins or leaves, so it is for study (Monte Carlo) alone"
    return allowed


def _range_faults(where: str, row: Mapping[str, Any]) -> Iterator[Fault]:
    if "range" in row:
        pair = row["range"]
        if not (_numbers(pair) and len(pair) == 2 and 0 <= pair[0] < pair[1] < math.inf):  # noqa: PLR2004 - a pair
            yield Fault(where, f"range is {pair!r}", "give lowest (0 or more) and highest score, such as [1, 5]")


def _table_faults(where: str, table: str, row: Mapping[str, Any]) -> Iterator[Fault]:
    if table == "item" and row.get("direction") == "ambiguous":
        remedy = "such a question belongs in an [[indicator]], never in an index"
        yield Fault(where, "direction is 'ambiguous'", remedy)
    if table == "indicator" and ("item" in row) == ("any_of" in row):
        yield Fault(where, "what it reads is not clear", "give either item = '...' or any_of = [...]")
    if table == "dimension" and ("index" in row) == ("dimension" in row):
        yield Fault(where, "what it stands under is not clear", "give either index = '...' or dimension = '...'")
    if not all(1 <= factor <= ARUSHA_FACTORS for factor in row.get("arusha", [])):
        remedy = "name factors of the Revised Arusha Declaration"
        yield Fault(where, "arusha holds a number outside 1-10", remedy)


def _score_faults(where: str, row: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults of how the answers of an item become a score; its range is sound."""
    how, (low, high) = row.get("normalisation", "range"), row.get("range", (0, 1))
    for key, owner in (("baseline", "z"), ("target", "target")):
        if key in row and how != owner:
            yield Fault(where, f"{key} is given, but normalisation is {how!r}", f"write normalisation = {owner!r}")
    if how == "z" and not _is_baseline(row.get("baseline")):
        remedy = "give baseline = { mean = 3.2, sd = 0.9 }, frozen from one wave"
        yield Fault(where, f"baseline is {row.get('baseline')!r}", remedy)
    if how == "target":
        first, last = (low, high) if row.get("direction") != "worse" else (high, low)
        target = row.get("target")
        if not (number(target) and min(low, high) <= target <= max(low, high) and target != first):
            remedy = f"give the mean answer that counts as 100, up to {last:g} but not {first:g}"
            yield Fault(where, f"target is {target!r}", remedy)
    if "positive" in row:
        yield from _positive_faults(where, row, low, high)


def _is_baseline(value: object) -> bool:
    if not isinstance(value, dict) or value.keys() != {"mean", "sd"}:
        return False
    return number(value["mean"]) and number(value["sd"]) and value["sd"] > 0


def _positive_faults(where: str, row: Mapping[str, Any], low: float, high: float) -> Iterator[Fault]:
    answers = row["positive"]
    if "normalisation" in row:
        yield Fault(where, "positive and normalisation are both given", "keep one: positive answers make a share")
    if not (_numbers(answers) and answers and all(low <= answer <= high for answer in answers)):
        remedy = f"list the answers between {low:g} and {high:g} that count as positive, such as [{high:g}]"
        yield Fault(where, f"positive is {answers!r}", remedy)
