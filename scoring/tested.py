"""Do two columns of a file hang together? Tables, means and ranks by their names: the door to `association`."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from scoring.association import Ranks, Statistic, chi_square, rank_test, t_test
from scoring.design import Floats, SurveyDesign
from scoring.errors import RequestError
from scoring.margins import Calibration
from scoring.regression import Base, respondents
from scoring.terms import PAIR, column, levels_of, numbers, written

Kind = Literal["chi", "t", "rank"]
COLUMNS = ("test", "of", "statistic", "df_1", "df_2", "p", "estimate", "se", "low", "high", "n", "left_out")


def judge(
    frame: pd.DataFrame,
    design: SurveyDesign,
    kind: Kind,
    first: str,
    second: str,
    *,
    statistic: Statistic = "F",
    ranks: Ranks = "wilcoxon",
    where: str | None = None,
    calibration: Calibration | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Test of a table, of two means, or of ranks, by the design.

    Parameters
    ----------
    frame : DataFrame
    design : SurveyDesign
    kind : {"chi", "t", "rank"}
        Whether two questions hang together (`association.chi_square`), whether two groups differ in their mean
        (`t_test`), whether groups differ in their ranks (`rank_test`).
    first, second : str
        Columns or expressions: rows and columns of the table; or answers and groups.

    Returns
    -------
    DataFrame
        One row with the columns of COLUMNS: of t and F `statistic`, `df_1` and `df_2`; of two groups the difference,
        second less first.

    Raises
    ------
    RequestError, EstimationError, DesignError
    """
    if kind not in get_args(Kind):
        raise RequestError(f"there is no test {kind!r}; there are {', '.join(get_args(Kind))}")
    base = respondents(frame, design, where=where, calibration=calibration)
    values, groups = column(frame, first), column(frame, second)
    usable = (values.notna() & groups.notna()).to_numpy()
    used = base.only(usable)
    inside = used.weight > 0
    if kind == "chi":
        found = chi_square(values, groups, used, statistic=statistic)
        name = f"Rao-Scott, {statistic}" if found.effects.size else f"Wald, {statistic}"
        told = dict(zip(("df_1", "df_2"), found.df, strict=False))
        row: dict[str, Any] = {"test": name, "statistic": found.statistic, "p": found.p} | told
    else:
        answers, groups = np.where(inside, numbers(values, first), np.nan), groups.where(inside)
        known = levels_of(groups, second)
        if kind == "t":
            row = _means(answers, groups, used, known, name=second, level=level)
        else:
            row = _ranks(answers, groups, used, ranks)
    left_out = int((base.weight > 0).sum() - inside.sum())
    row |= {"of": f"{first} by {second}", "n": int(inside.sum()), "left_out": left_out}
    return pd.DataFrame([row]).reindex(columns=list(COLUMNS))


def _means(
    answers: Floats, groups: "pd.Series[Any]", base: Base, known: Sequence[str], *, name: str, level: float
) -> dict[str, Any]:
    if len(known) > PAIR:
        raise RequestError(
            f"a t test compares two groups and {name!r} has {len(known)}: {', '.join(known[:5])}; say which two, as in "
            f"--where, or ask for ranks or a regression"
        )
    found = t_test(answers, (written(groups) == known[1]).to_numpy(), base, level=level)
    told = {part: getattr(found, part) for part in ("estimate", "se", "low", "high", "p")}
    return {"test": f"t, {known[1]} less {known[0]}", "statistic": found.t, "df_2": found.df} | told


def _ranks(answers: Floats, groups: "pd.Series[Any]", base: Base, ranks: Ranks) -> dict[str, Any]:
    ranked, difference = rank_test(answers, groups, base, ranks=ranks)
    told = {} if difference is None else {part: getattr(difference, part) for part in ("estimate", "se", "low", "high")}
    df_1, df_2 = ranked.df
    return {
        "test": f"ranks, {ranks}", "statistic": ranked.statistic, "df_1": df_1, "df_2": df_2, "p": ranked.p,
    } | told  # fmt: skip
