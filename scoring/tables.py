"""Any variables of a frame -> rows of the one contract, without a framework."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from scoring import contract
from scoring.cells import CellTotals
from scoring.contrasts import contrasted
from scoring.design import Integers, SurveyDesign
from scoring.errors import RequestError
from scoring.estimates import Sample
from scoring.figures import Deff, Rules, equal_answers, figures, simple_variance
from scoring.intervals import Interval
from scoring.margins import Calibration
from scoring.measured import Measured, measure
from scoring.quantile_rules import QuantileRule
from scoring.quantiles import QuantileInterval
from scoring.resampling import Resampling
from scoring.strata import DfRule
from scoring.variables import SHARES, Row, Wanted


def estimate(
    frame: Any,  # noqa: ANN401 - any frame narwhals knows
    design: SurveyDesign,
    *,
    by: str | Sequence[str] | None = None,
    where: str | None = None,
    listwise: bool = False,
    multiple: Mapping[str, Sequence[str]] | None = None,
    quantile_rule: QuantileRule = "math",
    quantile_interval: QuantileInterval = "t",
    df: DfRule = "design",
    interval: Interval | None = None,
    level: float = 0.95,
    deff: Deff = "without",
    calibration: Calibration | None = None,
    replicates: Resampling | None = None,
    contrasts: Mapping[str, str] | None = None,
    **statistics: str | Sequence[str],
) -> pd.DataFrame:
    """Estimate any variables with design-based standard errors.

    The file is the caller's own: nothing is hidden. `tabulate` gives the same with the evidence that a mask needs.

    Parameters
    ----------
    frame : pandas or polars frame, DuckDB relation, or anything narwhals takes
        Columns are taken as they are: empty is missing, negative numbers are values.
    design : SurveyDesign
    **statistics : str or sequence of str
        Of columns, or of expressions over columns (`scoring.expressions`) such as ``"q1 >= 4"``:

        - `mean`, `total` (a text column gives one row a level), `proportion` (one row a level);
        - `ratio` "a/b": the total of a over the total of b;
        - `top_two_box` "a" or "a:4" (share of answers >= 4), `net_score` "a" or "a:2:4" (share >= 4 minus share <= 2);
          without bounds the two values that occur at either end;
        - `distribution` "a:500": share of answers <= 500; `quantile` "a:0.5";
        - `variance`, each of its own; `covariance`, `correlation`, `alpha` (Cronbach), `components` (principal
          components of the correlation matrix) of all variables named, over those who answered all of them.
    by : str or sequence of str, optional
        Domains. All PSUs of the design enter the variance of each domain.
    where : str, optional
        Subset by condition (`scoring.expressions`); the others get weight zero and are not dropped.
    listwise : bool
        Use only respondents who answered every variable; otherwise each variable uses its own answers.
    multiple : mapping of str to sequence of str, optional
        Columns that hold several codes separated by spaces, with the codes of their form: under `proportion`
        each code is a share of those who answered the question.
    quantile_rule : {"math", "school", "shahvaish", "hf1", ..., "hf9"}
    quantile_interval : {"t", "normal", "logit", "beta", "xlogit", "asin", "score", "replicate"}
    df : {"design", "satterthwaite"}
    interval : {"t", "normal", "logit", "beta", "xlogit", "wilson", "asin", "likelihood"}, optional
        By default t, and logit for proportions, with a one-sided bound at 0 and 1. Asked for by name, t and normal
        are what they are in R even there, of no width, and the row says `no_spread`.
    level : float
    deff : {"without", "with"}
    calibration : Calibration, optional
        Margins that the weights are made to meet before anything is estimated; standard errors know of it.
    replicates : Resampling, optional
        Replicate weights of the file, or a way to make them; they take the place of linearisation.
    contrasts : mapping of str to str, optional
        Functions of the estimates by name, such as ``{"change": "`2` - `1`"}``, as further rows; see `contrasted`.

    Returns
    -------
    pandas.DataFrame
        Columns of the contract by these domains, with `statistic` and `category` beside `measure`.

    Raises
    ------
    DesignError, EstimationError
    """
    unknown = sorted(set(statistics) - set(Wanted().statistics))
    if unknown:
        raise RequestError(f"there is no statistic {unknown[0]!r}; there are {', '.join(sorted(Wanted().statistics))}")
    wanted = Wanted(
        **{name: _several(value) for name, value in statistics.items()},
        multiple=multiple or {},
        by=_several(by or ()),
        where=where,
        listwise=listwise,
        quantile_rule=quantile_rule,
    )
    rules = Rules(df, interval, level, deff)
    found = measure(
        frame, design, wanted, rules=rules, calibration=calibration, replicates=replicates,
        quantile_interval=quantile_interval,
    )  # fmt: skip
    table = card_of(found, rules=rules, evidence=False).table
    if not contrasts:
        return table
    return pd.concat([table, contrasted(found, contrasts, rules=rules)], ignore_index=True)


def _several(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def coefficient_of_variation(table: pd.DataFrame) -> "pd.Series[float]":
    """Standard error over estimate of each row, for means and totals of amounts (R `cv`).

    Missing for shares, net scores and what is near 0: mirrored, such a figure would have another one.
    """
    amounts = table["statistic"].isin(["mean", "total", "ratio", "quantile"]) & (table["estimate"] != 0)
    return (table["se"] / table["estimate"].abs()).where(amounts)


def tabulate(
    frame: Any,  # noqa: ANN401 - any frame narwhals knows
    design: SurveyDesign,
    wanted: Wanted,
    *,
    rules: Rules,
    evidence: bool = True,
) -> contract.Scorecard:
    """Estimate as `estimate` does, as a scorecard with the evidence that `disclosure.protect` asks for.

    Without `evidence` the shares of the largest amounts are not looked for, which takes a sort of every column.
    """
    return card_of(measure(frame, design, wanted, rules=rules, evidence=evidence), rules=rules)


def card_of(found: Measured, *, rules: Rules, evidence: bool = True) -> contract.Scorecard:
    """Rows of the contract, and if `evidence` what a mask asks about each."""
    kind = [row.statistic if row.statistic in _WITH_DEFF else "ratio" for row in found.rows]
    cells = _rested(found.cells, found.first)
    rows = figures(
        found.estimates,
        simple=simple_variance(cells, kind=kind),
        n=cells.per_cell(cells.count),
        top=np.array([1.0 if row.statistic in SHARES else np.nan for row in found.rows]),
        rules=rules,
        spread_out=np.where([row.statistic in SHARES for row in found.rows], equal_answers(cells), np.nan),
    )
    rows["row"] = [found.rows[number] for number in rows["column"]]
    rows["reason"] = rows["reason"].replace("part_missing", "not_defined")
    proof = _evidence(cells, found.rows, found.estimates.sample) if evidence else pd.DataFrame(index=rows.index)
    if len(found.quantiles):
        rows, proof = _with_quantiles(rows, proof, found)
    table = found.labels.iloc[rows["cell"]].reset_index(drop=True)
    for name in ("measure", "statistic", "category"):
        table[name] = [getattr(row, name) for row in rows["row"]]
    result = pd.concat([table, rows], axis=1)
    places = list(found.labels.columns)
    return contract.Scorecard(
        table=result[[*places, "measure", "statistic", "category", *contract.FIGURES[1:]]],
        evidence=proof,
        facets=found.facets,
        provenance=_provenance(found, rules),
    )


_WITH_DEFF = frozenset({"mean", "total", "net_score"}) | SHARES


def _provenance(found: Measured, rules: Rules) -> dict[str, object]:
    sample = found.estimates.sample
    return {
        "df": rules.df,
        "level": rules.level,
        "interval": rules.interval or "t, logit for proportions",
        "variance": sample.replicates.kind if sample.replicates else "linearised",
        "calibrated": sample.loading is not None,
        "population": sample.design.population,
        "lonely": sample.design.lonely,
        "collapsed": "; ".join(f"{small} into {other}" for small, other in sample.units.collapsed) or "none",
    }


def _rested(cells: CellTotals, first: Integers) -> CellTotals:
    """Totals of the column that each row rests on."""
    pairs = {name: getattr(cells, name)[:, first] for name in ("base", "total", "count", "tally", "square", "weight")}
    return replace(cells, largest=cells.largest[:, first], regression=None, **pairs)


def _with_quantiles(rows: pd.DataFrame, evidence: pd.DataFrame, found: Measured) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of quantiles behind those of their cell; their evidence is their own number of answers."""
    beside = found.quantiles
    cells = found.cells
    few = pd.DataFrame(
        {
            "shifts": _distinct_psus(found)[beside["cell"]],
            "shift_share": 0.0,
            "interviewers": cells.interviewers[beside["cell"]],
            "interviewer_share": cells.interviewer_share[beside["cell"]],
            **dict.fromkeys(
                ("above", "below", "above_rest", "below_rest", "spread", "variation", "leading", "margin"), np.nan
            ),
            "sensitive": False,
            "top": np.nan,
        }
    )
    order = np.argsort(np.concatenate([rows["cell"], beside["cell"]]), kind="stable")
    both = pd.concat([rows, beside], ignore_index=True) if len(rows) else beside
    proof = pd.concat([evidence, few], ignore_index=True) if len(evidence) else few
    return both.iloc[order].reset_index(drop=True), proof.iloc[order].reset_index(drop=True)


def _distinct_psus(found: Measured) -> Integers:
    """PSUs of the sample that stand in each cell."""
    pairs = np.unique(np.column_stack([found.cells.cell, found.estimates.sample.units.psu[found.cells.unit]]), axis=0)
    return np.bincount(pairs[:, 0], minlength=len(found.labels))


def _evidence(cells: CellTotals, rows: Sequence[Row], sample: Sample) -> pd.DataFrame:
    """What the mask asks, row by row as in the table."""
    shifts, share = cells.shifts(sample.units)
    of_share = np.array([row.statistic in SHARES for row in rows], dtype=bool)
    n = cells.per_cell(cells.count)
    return pd.DataFrame(
        {
            "shifts": shifts.ravel(),
            "shift_share": share.ravel(),
            "above": np.where(of_share, cells.tally, np.nan).ravel(),
            "below": np.where(of_share, n - cells.tally, np.nan).ravel(),
            "above_rest": np.nan,  # what somebody who remembers a whole shift works out is a matter of releases
            "below_rest": np.nan,
            "spread": np.nan,
            "variation": np.nan,
            "leading": cells.leading.ravel(),
            "margin": np.nan,
            "interviewers": np.repeat(cells.interviewers, len(rows)),
            "interviewer_share": np.repeat(cells.interviewer_share, len(rows)),
            "sensitive": np.tile(of_share, len(cells.labels)),  # a category of few is a few people
            "top": np.tile(np.where(of_share, 1.0, np.nan), len(cells.labels)),
        }
    )
