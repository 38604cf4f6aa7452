"""Totals as opaque bytes for the store, and back: arrays and JSON, nothing that runs when it is read."""

import io
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.design import SurveyDesign, Units
from scoring.totals import CellTotals, Totals

_ARRAYS = (
    "cell",
    "psu",
    "base",
    "total",
    "count",
    "tally",
    "square",
    "weight",
    "leading",
    "interviewers",
    "interviewer_share",
)


def to_bytes(totals: Totals) -> bytes:
    """Write totals as opaque bytes for the store; arrays only, nothing that runs when read."""
    head = {
        "measures": totals.measures,
        "ranges": totals.ranges,
        "design": {name: getattr(totals.design, name) for name in SurveyDesign.__slots__},
        "strata": totals.units.names,
        "sets": [{"facets": facets, "labels": cells.labels.to_dict("list")} for facets, cells in totals.sets.items()],
    }
    arrays: dict[str, npt.NDArray[Any]] = {
        "stratum": totals.units.stratum,
        "sampled": totals.units.sampled,
        "fraction": totals.units.fraction,
    }
    for number, cells in enumerate(totals.sets.values()):
        arrays |= {f"{name}{number}": getattr(cells, name) for name in _ARRAYS}
    out = io.BytesIO()
    np.savez_compressed(out, head=np.frombuffer(json.dumps(head).encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def from_bytes(data: bytes) -> Totals:
    """Read what `to_bytes` wrote."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        head = json.loads(arrays["head"].tobytes())
        sets = {}
        for number, entry in enumerate(head["sets"]):
            facets = tuple(entry["facets"])
            parts = {name: arrays[f"{name}{number}"] for name in _ARRAYS}
            sets[facets] = CellTotals(facets=facets, labels=pd.DataFrame(entry["labels"]), **parts)
        found = Units(
            row_psu=np.empty(0, dtype=np.int64),
            stratum=arrays["stratum"],
            sampled=arrays["sampled"],
            fraction=arrays["fraction"],
            names=tuple(head["strata"]),
        )
    return Totals(
        measures=tuple(head["measures"]),
        ranges={code: (low, high) for code, (low, high) in head["ranges"].items()},
        design=SurveyDesign(**head["design"]),
        units=found,
        sets=sets,
    )
