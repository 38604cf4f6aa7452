"""What is studied of the indices when a release is made, by side: how they hang together, and what means the same.

Tables of a release beside its figures. They are of whole sides and at least a hundred people, coarsely rounded, and
hold nothing of single posts: that is worked out from published figures when somebody asks (`app.workflow.studies`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.studying.matter import Matter
from scoring import EstimationError, Framework, SurveyDesign, Totals
from scoring.design import Floats, Integers
from scoring.estimates import variance
from scoring.findings import Finding
from scoring.indices import assemble
from scoring.invariance import invariance
from scoring.robustness.published import pooled_correlation
from scoring.soundness import soundness

FEWEST = 100  # answers behind a figure
FREEDOM = 12.0  # degrees of freedom of all posts together, behind a correlation of errors
PLACES = {"floor": 0.05, "ceiling": 0.05, "p_adjusted": 0.001}  # others to 0.01
GROUPINGS = ("language", "wave")
NAMING = ("node", "part", "first", "second", "item")  # columns that hold codes of measures
KEPT_OF_DIF = ("grouping", "item", "n", "group", "against", "log_odds", "se", "p_adjusted", "size", "dif", "reason")
Studies = dict[str, pd.DataFrame]


def study(
    frame: pd.DataFrame, totals: Totals, framework: Framework, design: SurveyDesign, waves: Sequence[str]
) -> Studies:
    """Study every side of some waves.

    Parameters
    ----------
    frame : DataFrame
        Respondents of these waves, and of one before them where there is one: questions may mean another thing then.
    totals : Totals
        Of these waves.
    framework : Framework
    design : SurveyDesign
    waves : sequence of str

    Returns
    -------
    dict of str to DataFrame
        `errors`, `nodes`, `parts`, `correlations`, `items`, `findings`, `invariance`: with `wave` and side.
    """
    found: dict[str, list[pd.DataFrame]] = {}
    errors = list(_errors(totals, framework))
    for wave in waves:
        for side, own in frame[frame["wave"] == wave].groupby(SIDE, observed=True):
            place = {"wave": wave, SIDE: str(side)}
            for name, table in _sound(own, framework, design):
                found.setdefault(name, []).append(table.assign(**place))
    last = max(waves)
    for side, own in frame.groupby(SIDE, observed=True):
        table = _invariant(own, framework, design)
        found.setdefault("invariance", []).append(table.assign(wave=last, **{SIDE: str(side)}))
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}
    return tables | {"errors": pd.concat(errors, ignore_index=True)} if errors else tables


def of_shown(table: pd.DataFrame, matter: Matter) -> pd.DataFrame:
    """Rows of a study that name nothing of which the release hides the figure of the side.

    What means the same is studied over all respondents there are, so that a figure hidden in any of their waves counts.
    """
    told = [name for name in NAMING if name in table]
    pooled = "grouping" in table
    hidden = {
        (wave, side): set().union(*(matter.hidden(one, side) for one in (_waves(matter) if pooled else [wave])))
        for wave, side in table[["wave", SIDE]].drop_duplicates().itertuples(index=False, name=None)
    }
    kept = [
        not hidden[row["wave"], row[SIDE]].intersection(_named(row, told)) for row in table.to_dict(orient="records")
    ]
    return table[np.array(kept, dtype=bool)].reset_index(drop=True)


def _waves(matter: Matter) -> list[str]:
    return sorted(set(matter.frame["wave"].astype("str")))


def _named(row: Mapping[Any, Any], told: Sequence[str]) -> set[str]:
    """Measures that a row names, those of the parameters of a finding too."""
    params = json.loads(row["params"]).values() if "params" in row else ()
    parts = [one for value in params for one in (value if isinstance(value, list) else [value])]
    return {str(one) for one in (*(row[name] for name in told), *parts)}


def _errors(totals: Totals, framework: Framework) -> Iterator[pd.DataFrame]:
    """Correlations of the errors of items, pooled over the posts, or services, of each side and wave."""
    unit = _unit(totals)
    if unit is None:
        return
    scores = assemble(totals, framework, unit)
    codes = [item.code for item in framework.items]
    estimates = scores.estimates.take([scores.measures.index(code) for code in codes])
    first, second = np.triu_indices(len(codes), 1)
    n = scores.cells.per_cell(scores.cells.count)[:, : len(codes)]
    freedom = variance(estimates).df("satterthwaite")
    labels = scores.cells.labels.reset_index(drop=True)
    for wave, side in labels[["wave", SIDE]].drop_duplicates().astype("str").itertuples(index=False):
        own = (labels["wave"].astype("str") == wave) & (labels[SIDE].astype("str") == side)
        try:
            matrix = pooled_correlation(estimates, cells=np.flatnonzero(own).tolist(), least=FREEDOM)
        except EstimationError:  # too few shifts: what-if says so where it is asked
            continue
        enough = _asked_widely(n[own], freedom[own])
        matrix = np.where(np.outer(enough, enough), matrix, 0.0)
        names = np.array(codes, dtype=object)
        yield pd.DataFrame(
            {
                "first": names[first],
                "second": names[second],
                "correlation": np.round(matrix[first, second], 4),
                "wave": wave,
                SIDE: side,
            }
        )


def _unit(totals: Totals) -> tuple[str, str] | None:
    """Side and the first of its strata that is published: the post, or the service where no post is asked."""
    known = [(SIDE, name) for name in totals.design.strata]
    return next((facets for facets in known if facets in totals.sets), None)


def _asked_widely(n: Integers, freedom: Floats) -> npt.NDArray[np.bool_]:
    """Questions with enough answers and df over the posts of a side, and at two posts at least; shape (posts, k)."""
    posts = (n > 0).sum(axis=0) > 1
    return np.asarray(posts & (n.sum(axis=0) >= FEWEST) & (np.nansum(freedom, axis=0) >= FREEDOM))


def _sound(own: pd.DataFrame, framework: Framework, design: SurveyDesign) -> Iterator[tuple[str, pd.DataFrame]]:
    """Tables of one side in one wave; none of few people, and no shares of answers where a heavy person would show."""
    if len(own) < FEWEST:
        return
    try:
        found = soundness(own, framework, design)
    except EstimationError:  # as above
        return
    heavy = own[design.weight].max() / own[design.weight].sum() if design.weight else 1 / len(own)
    for name in ("nodes", "parts", "correlations", *(["items"] if heavy <= PLACES["floor"] / 2 else [])):
        yield name, _shown(getattr(found, name))
    yield "findings", _told([one for one in found.findings if one.params.get("n", 0) >= FEWEST])


def _invariant(own: pd.DataFrame, framework: Framework, design: SurveyDesign) -> pd.DataFrame:
    """Whether questions mean the same in every language and wave, over one side."""
    there = [name for name in GROUPINGS if name in own.columns and len(own[name].dropna().unique()) > 1]
    none = pd.DataFrame({name: pd.Series(dtype="str") for name in KEPT_OF_DIF})
    if not there or len(own) < FEWEST:
        return none
    try:
        table = invariance(own, framework, design, by=there).table[list(KEPT_OF_DIF)]
    except EstimationError:  # no study decides whether there is a release: an erasure may have left one shift alone
        return none
    return _shown(table.assign(dif=table["dif"].map({True: "yes", False: ""})))


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Figures as they are shown: none on few answers, counts to 5, others rounded."""
    out = table.copy()
    numbers = [name for name in out.columns if pd.api.types.is_float_dtype(out[name])]
    few = (out["n"] < FEWEST).to_numpy() if "n" in out else np.zeros(len(out), dtype=bool)
    out.loc[few, numbers] = np.nan
    for name in numbers:
        step = PLACES.get(name, 0.01)
        out[name] = (np.round(out[name].astype("float64") / step) * step).round(3) + 0.0
    if "n" in out:
        out["n"] = np.where(few, np.nan, np.round(out["n"].to_numpy(dtype=np.float64) / 5) * 5)
    return out


def _told(findings: Sequence[Finding]) -> pd.DataFrame:
    """Findings with their figures rounded, as text."""
    return pd.DataFrame(
        {
            "code": pd.Series([one.code for one in findings], dtype="str"),
            "params": pd.Series([json.dumps(_rounded(one.params)) for one in findings], dtype="str"),
        }
    )


def _rounded(params: Mapping[str, object]) -> dict[str, object]:
    """Figures of a finding as they are shown; what could not be worked out (a factor that fits nowhere) is left out."""

    def shown(name: str, value: object) -> object:
        if name == "n" and isinstance(value, int | float | np.integer):
            return 5 * round(float(value) / 5)
        if isinstance(value, float):
            return round(round(value / PLACES.get(name, 0.01)) * PLACES.get(name, 0.01), 3)
        return value

    known = {name: value for name, value in params.items() if not (isinstance(value, float) and np.isnan(value))}
    return {name: shown(name, value) for name, value in known.items()}
