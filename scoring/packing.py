"""Totals as opaque bytes for the store, and back: arrays and JSON, nothing that runs when it is read."""

import io
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.cells import CellTotals
from scoring.design import SurveyDesign
from scoring.errors import EstimationError
from scoring.totals import Totals
from scoring.units import Units

VERSION = 2  # of these bytes: totals of another version are made again
_ARRAYS = ("cell", "unit", "base", "total", "count", "tally", "square", "weight", "largest")
_UNITS = ("row_unit", "psu", "stratum", "sampled", "fpc", "drawn_inside", "fpc_inside")
_WORDS = ("names", "keys", "collapsed")


def to_bytes(totals: Totals) -> bytes:
    """Write totals as opaque bytes for the store; arrays only, nothing that runs when read."""
    head = {
        "version": VERSION,
        "measures": totals.measures,
        "ranges": totals.ranges,
        "questions": totals.questions,
        "design": {name: getattr(totals.design, name) for name in SurveyDesign.__slots__},
        "words": {name: getattr(totals.units, name) for name in _WORDS},
        "sets": [
            {
                "facets": facets,
                "labels": cells.labels.to_dict("list"),
                "seen": None if cells.seen is None else cells.seen.to_dict("list"),
            }
            for facets, cells in totals.sets.items()
        ],
    }
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(totals.units, name) for name in _UNITS}
    arrays |= {} if totals.loading is None else {"loading": totals.loading}
    for number, cells in enumerate(totals.sets.values()):
        arrays |= {f"{name}{number}": getattr(cells, name) for name in _ARRAYS}
        optional = {"regression": cells.regression, "kinds": cells.kinds}
        arrays |= {f"{name}{number}": part for name, part in optional.items() if part is not None}
    out = io.BytesIO()
    np.savez_compressed(out, head=np.frombuffer(json.dumps(head).encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def from_bytes(data: bytes) -> Totals:
    """Read what `to_bytes` wrote; raises EstimationError for the bytes of another version."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        head = json.loads(arrays["head"].tobytes())
        if head.get("version") != VERSION:
            raise EstimationError("these totals were made by another version of the engine; reduce the answers again")
        sets = {}
        for number, entry in enumerate(head["sets"]):
            facets = tuple(entry["facets"])
            parts = {name: arrays[f"{name}{number}"] for name in _ARRAYS}
            sets[facets] = CellTotals(
                facets=facets,
                labels=pd.DataFrame(entry["labels"]),
                seen=None if entry["seen"] is None else pd.DataFrame(entry["seen"]),
                regression=arrays.get(f"regression{number}"),
                kinds=arrays.get(f"kinds{number}"),
                **parts,
            )
        words = {name: _tuples(head["words"][name]) for name in _WORDS}
        return Totals(
            measures=tuple(head["measures"]),
            ranges={code: (low, high) for code, (low, high) in head["ranges"].items()},
            design=SurveyDesign(**head["design"]),
            units=Units(**{name: arrays[name] for name in _UNITS}, **words),
            sets=sets,
            loading=arrays.get("loading"),
            questions=tuple(head.get("questions", ())),
        )


def _tuples(value: Any) -> Any:  # noqa: ANN401 - JSON
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value
