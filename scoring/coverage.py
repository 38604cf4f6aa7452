"""How much of a framework was answered: missing answers by kind for each question, shares for each node."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scoring.errors import RequestError
from scoring.framework import Framework
from scoring.totals import KINDS, Totals

COLUMNS = ("measure", "asked", *KINDS, "share")


def coverage(totals: Totals, framework: Framework, by: str | Sequence[str] | None = None) -> pd.DataFrame:
    """Count answers by kind, cell by cell: unweighted and unprotected, for whoever holds the data.

    Parameters
    ----------
    totals : Totals
        Made with ``reduce(..., missing="counted")``.
    framework : Framework
    by : str or sequence of str, optional
        A declared facet set.

    Returns
    -------
    DataFrame
        Wave and facets, then `measure` (indices and dimensions, then questions), `asked`, `answered`,
        `not_applicable`, `dont_know`, `refused`, `blank` and `share` = answered / asked, NaN where nobody was asked.
        Routing is not refusal: who was not asked a question is not among the asked. A node counts the answers to the
        questions of all its items.

    Raises
    ------
    RequestError
        If the totals did not count missing answers, or hold other questions.
    """
    facets = (by,) if isinstance(by, str) else tuple(by or ())
    cells = totals.by(facets)
    if cells.kinds is None:
        raise RequestError("these totals left missing answers out; reduce again with missing='counted'")
    place = {name: number for number, name in enumerate(totals.questions)}
    unknown = [name for name in framework.questions if name not in place]
    if unknown:
        raise RequestError(f"the totals count no answers to {unknown[0]!r}; reduce again with this framework")
    parts = [[place[code] for code in framework.below(node.code) if code in place] for node in framework.nodes]
    parts += [[place[name]] for name in framework.questions]
    counts = np.stack([cells.kinds[:, part].sum(axis=1) for part in parts], axis=1)
    names = [*(node.code for node in framework.nodes), *framework.questions]
    table = cells.labels.loc[cells.labels.index.repeat(len(names))].reset_index(drop=True)
    table = table.assign(measure=np.tile(np.array(names, dtype=object), len(cells.labels)))
    table[list(KINDS)] = counts.reshape(-1, len(KINDS))
    asked = table[list(KINDS)].sum(axis=1) - table["not_applicable"]
    table = table.assign(asked=asked, share=(table["answered"] / asked).where(asked > 0))
    return table[["wave", *facets, *COLUMNS]]
