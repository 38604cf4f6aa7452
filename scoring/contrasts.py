"""Linear and non-linear functions of estimates, across cells and measures, with the covariance between them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.errors import RequestError
from scoring.estimates import Estimates, Nonlinear, covariance, flattened, transform
from scoring.expressions import formula, names_in
from scoring.figures import Rules, figures
from scoring.measured import Measured


def names_of(found: Measured) -> dict[str, tuple[int, int]]:
    """Name of each smooth estimate, and its (cell, row); names that two would bear are left out.

    A row is called by its measure, with the category in square brackets, and with its statistic before it where two
    rows would be called alike; a cell by its domains joined by dots. "cell:row", or the one that is enough alone.
    """
    names = _names(found)
    size = len(found.rows)
    return {name: divmod(place, size) for place, name in enumerate(names) if names.count(name) == 1}


def _names(found: Measured) -> list[str]:
    """Names of all estimates, rows fastest."""
    rows = [row.measure + (f"[{row.category}]" if row.category is not None else "") for row in found.rows]
    twice = {name for name in rows if rows.count(name) > 1}
    rows = [f"{row.statistic}.{name}" if name in twice else name for row, name in zip(found.rows, rows, strict=True)]
    cells = [".".join(value for value in label if value) for label in found.labels.itertuples(index=False)]
    return [
        row if len(cells) == 1 else domain if len(rows) == 1 else f"{domain}:{row}" for domain in cells for row in rows
    ]


def covariance_of(found: Measured) -> pd.DataFrame:
    """Covariance of all smooth estimates, rows and columns called as in `names_of` (R `vcov`)."""
    names = _names(found)
    return pd.DataFrame(covariance(found.estimates), index=names, columns=names)


def contrast_estimates(found: Measured, contrasts: Mapping[str, str], *, nonlinear: Nonlinear = "delta") -> Estimates:
    """Functions of estimates as the measures of one cell, see `contrasted`."""
    named = names_of(found)
    used = _used(contrasts)
    for name in used:
        if name not in named:
            raise RequestError(f"contrast: there is no estimate {name!r}; there are {', '.join(named)}")
    functions = [formula(text) for text in contrasts.values()]

    def function(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        by_name = {name: values[..., place] for place, name in enumerate(used)}
        return np.stack([np.broadcast_to(each(by_name), values.shape[:-1]) for each in functions], axis=-1)

    return transform(flattened(found.estimates, [named[name] for name in used]), function, nonlinear=nonlinear)


def _used(contrasts: Mapping[str, str]) -> list[str]:
    each = [names_in(text, "contrast") for text in contrasts.values()]
    if not all(each):
        raise RequestError("contrast: it names no estimate; write as in a - b")
    return list(dict.fromkeys(name for names in each for name in names))


def contrasted(
    found: Measured, contrasts: Mapping[str, str], *, rules: Rules, nonlinear: Nonlinear = "delta"
) -> pd.DataFrame:
    """Functions of estimates as rows of the contract, by the delta method (R `svycontrast`).

    Parameters
    ----------
    contrasts : mapping of str to str
        Expression of `scoring.expressions` by name; estimates are called as in `names_of`, in back-ticks where that is
        no word: ``{"change": "`2026` - `2024`", "log ratio": "log(api00) - log(api99)"}``.
    nonlinear : {"delta", "replicate"}
        With replicates: the linear part, or the function of each replicate.

    Returns
    -------
    DataFrame
        One row a contrast: symmetric t interval, `statistic` "contrast", n the least of its parts.
    """
    moved = contrast_estimates(found, contrasts, nonlinear=nonlinear)
    named, counts = names_of(found), found.cells.per_cell(found.cells.count)
    used = [[named[name] for name in names_in(text, "contrast")] for text in contrasts.values()]
    n = [min(int(counts[cell, found.first[row]]) for cell, row in places) for places in used]
    shape = moved.values.shape
    missing = np.full(shape, np.nan)
    rows = figures(
        moved,
        simple=(missing, missing),
        n=np.array([n]),
        top=np.full(shape[1], np.nan),
        rules=Rules(rules.df, None, rules.level),
    )
    table = pd.DataFrame("", index=range(len(contrasts)), columns=list(found.labels.columns))
    table = table.assign(measure=list(contrasts), statistic="contrast", category=None)
    rows["reason"] = rows["reason"].replace("part_missing", "not_defined")
    return pd.concat([table, rows.drop(columns=["cell", "column"])], axis=1)
