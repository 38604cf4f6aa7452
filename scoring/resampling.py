"""How replicates of a sample come about: read from columns of the file, or made from the design."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from scoring.calibration import Calibrated, recalibrate
from scoring.design import Floats
from scoring.errors import DesignError, EstimationError, RequestError
from scoring.margins import Calibration
from scoring.replication import Replicates, balanced, from_weights, generalized, jackknife, rao_wu
from scoring.units import Units

Made = Literal["jackknife", "balanced", "fay", "rao-wu", "generalized"]
HALF = 0.5  # Fay's factor where none is given


@dataclass(frozen=True, slots=True)
class Resampling:
    """Replicates to be read or made.

    Parameters
    ----------
    kind : str
        With `columns` the kind of the replicate weights, see `replication.from_weights`; without them one of
        "jackknife" (JK1, JKn), "balanced" (BRR), "fay", "rao-wu", "generalized" (Beaumont and Patak).
    columns : tuple of str
        Replicate weights in the file.
    scale, rscales, mse, combined
        Of replicate weights in the file; `mse` of made ones as well, by default only of the generalized.
    fay : float, optional
    count : int
        Of the bootstraps.
    rng : numpy Generator, optional
        Chance of the bootstraps: the same generator gives the same replicates.
    """

    kind: str
    columns: tuple[str, ...] = ()
    scale: float | None = None
    rscales: tuple[float, ...] | float | None = None
    mse: bool | None = None
    combined: bool = True
    fay: float | None = None
    count: int = 500
    rng: np.random.Generator | None = None

    def __post_init__(self) -> None:
        if self.columns:
            return
        if self.kind not in get_args(Made):
            raise RequestError(f"replicates {self.kind!r} are not made here; make {', '.join(get_args(Made))}, or name "
                               "the columns of the file that hold them")  # fmt: skip


def resampled(
    data: pd.DataFrame,
    weight: Floats,
    found: Units,
    request: Resampling | None,
    calibrated: Calibrated | None = None,
    calibration: Calibration | None = None,
) -> tuple[Units, Replicates | None]:
    """The units that replicates multiply, and the multipliers; weight is the final one, shape (rows,)."""
    if request is None:
        return found, None
    if request.columns:
        apart = _respondents(found)
        given = np.column_stack([_numbers(data, name) for name in request.columns])
        return apart, from_weights(
            weight, given, kind=request.kind, scale=request.scale, rscales=request.rscales, mse=bool(request.mse),
            combined=request.combined, fay=request.fay, names=request.columns,
        )  # fmt: skip
    made = make(found, request)
    if calibrated is None or calibration is None:
        return found, replace(made, multipliers=made.multipliers[found.psu])
    return _recalibrated(found, made, calibrated, calibration)


def make(found: Units, request: Resampling) -> Replicates:
    """Multipliers per PSU, shape (psus, R), shared by all items, domains and waves."""
    if found.two_stages:
        raise RequestError(
            f"{request.kind} replicates take one stage; leave the second fpc out (ultimate clusters), or linearise"
        )
    psus = (found.stratum, found.sampled, found.fraction, found.names)
    if request.kind == "jackknife":
        return jackknife(*psus, mse=bool(request.mse))
    if request.kind in ("balanced", "fay"):
        default = HALF if request.kind == "fay" else 0.0
        return balanced(*psus, fay=default if request.fay is None else request.fay, mse=bool(request.mse))
    if request.rng is None:
        raise RequestError(f"{request.kind} replicates are drawn by chance; give a generator with a seed as rng")
    if request.kind == "rao-wu":
        return rao_wu(*psus, rng=request.rng, count=request.count, mse=bool(request.mse))
    mse = True if request.mse is None else request.mse
    return generalized(*psus, rng=request.rng, count=request.count, mse=mse)


def _recalibrated(
    found: Units, made: Replicates, calibrated: Calibrated, calibration: Calibration
) -> tuple[Units, Replicates]:
    """Each replicate calibrated again: multipliers differ by class of auxiliaries within a PSU, so units are finer."""
    row_psu = found.psu[found.row_unit]
    classes = pd.DataFrame({"psu": row_psu, "class": calibrated.auxiliary.group})
    if calibration.trim is not None:
        classes["weight"] = calibrated.base
    grouped = classes.groupby(list(classes.columns), sort=False)
    row_unit = grouped.ngroup().to_numpy().astype(np.int64)
    first = np.unique(row_unit, return_index=True)[1]
    multipliers = np.empty((first.size, made.multipliers.shape[1]))
    for place, column in enumerate(made.multipliers.T):
        again = recalibrate(calibrated, calibrated.base * column[row_psu], calibration)
        with np.errstate(invalid="ignore", divide="ignore"):
            multipliers[:, place] = np.where(calibrated.weight != 0, again / calibrated.weight, 0.0)[first]
    if np.isnan(multipliers).any(axis=0).all():
        raise EstimationError("no replicate can meet the margins; merge categories, or use linearised errors")
    return replace(_respondents(found), row_unit=row_unit, psu=row_psu[first]), replace(made, multipliers=multipliers)


def _respondents(found: Units) -> Units:
    """Respondents as units below the PSUs they are in; nothing is drawn inside."""
    row_psu = found.psu[found.row_unit]
    return replace(
        found,
        row_unit=np.arange(row_psu.size),
        psu=row_psu,
        drawn_inside=np.bincount(row_psu, minlength=found.stratum.size),
        fpc_inside=np.ones(found.stratum.size),
        keys=(),
    )


def _numbers(data: pd.DataFrame, name: str) -> Floats:
    column = pd.to_numeric(data[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(np.isnan(column))
    if wrong.size:
        raise DesignError(
            f"replicate weight {name!r} is missing or no number in {wrong.size} rows, first in data row "
            f"{wrong[0] + 1}; give every row one"
        )
    return column


def matching(names: Sequence[str], pattern: str) -> tuple[str, ...]:
    """Columns of a pattern such as rep_*, in the order of the file; or the names themselves, parted by commas."""
    found: list[str] = []
    for part in (text.strip() for text in pattern.split(",")):
        start, star, end = part.partition("*")
        matched = [name for name in names if name.startswith(start) and name.endswith(end)] if star else [part]
        if not matched:
            raise RequestError(f"no column of the data is called like {part!r}; give the replicate weights' names")
        found += [name for name in matched if name not in found]
    return tuple(found)
