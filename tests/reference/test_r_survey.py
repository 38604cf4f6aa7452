"""The engine against R survey 4.5: each case holds the R call; what comes later or differs by intent skips, counted."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import EstimationError
from tests.reference import coinr, r_regression
from tests.reference.r_language import parse
from tests.reference.r_survey import Contrast, Stat, design_of

HERE = Path(__file__).parent
REQUIRED = frozenset((HERE / "required.txt").read_text(encoding="utf-8").split())
NOT_COVERED = dict(
    re.findall(r"^\| `([^`]+)` \| (.+) \|$", (HERE / "NOT_COVERED.md").read_text(encoding="utf-8"), re.MULTILINE)
)
RTOL = 1e-9
DUST = 1e-8  # of the estimate: a standard error that is 0 in theory (README of the figures)


def close(mine: Any, theirs: Any, *, rtol: float, atol: float = 0.0) -> None:
    theirs = np.array(theirs, dtype=float)
    np.testing.assert_allclose(np.asarray(mine, dtype=float).reshape(theirs.shape), theirs, rtol=rtol, atol=atol)


def met_stat(found: Stat | Contrast, value: dict[str, Any], call: str, rtol: float) -> None:
    """Estimates, standard errors, covariances and design effects."""
    coef = np.array(value["coef"], dtype=float)
    floor = DUST * float(np.nanmax(np.abs(coef)))
    zero = np.array(value["se"], dtype=float).ravel() < floor  # in theory, and dust in R
    nobody = np.isnan(np.asarray(found.coef)) & (coef == 0)  # R writes 0 and 0 for a group in which nobody answered
    close(np.where(nobody, 0, found.coef), coef, rtol=rtol, atol=1e-300)
    mine, theirs = np.where(nobody, 0, found.se).ravel(), np.ravel(value["se"]).astype(float)
    assert (mine[zero] < floor).all()
    close(mine[~zero], theirs[~zero], rtol=rtol)
    matrix = (value.get("vcov") or {}).get("values")
    if matrix is not None and not nobody.any():
        theirs = np.array(matrix, dtype=float)
        known = ~np.isnan(theirs)
        scale = float(np.abs(theirs[known]).max()) if known.any() else 0.0
        close(np.asarray(found.vcov)[known], theirs[known], rtol=rtol, atol=max(scale * 1e-9, floor**2))
    if "groups" in value:
        assert isinstance(found, Stat)
        shown = {name: [str(part) for part in parts] for name, parts in value["groups"].items()}
        assert found.groups == shown
    if value.get("deff") is not None and isinstance(found, Stat):
        figure = (
            np.abs(found.se / found.coef) if '"cv"' in call else found.deff("replace" if '"replace"' in call else "")
        )
        theirs = np.array(value["deff"], dtype=float)
        close(np.where(theirs == 0, np.nan_to_num(figure), figure), theirs, rtol=rtol, atol=1e-9)


def met(found: Any, case: dict[str, Any]) -> None:  # noqa: C901 - one branch a kind of answer
    value, rtol = case["value"], max(case["tol"], RTOL)
    kind = value["kind"]
    if kind in ("svystat", "svyratio", "svyby"):
        met_stat(found, value, case["r"], rtol)
    elif kind == "svyciprop":
        likelihood = "likelihood" in case["r"]  # R reads its limits off a spline
        close(found[0], value["coef"], rtol=1e-8)
        close(found[1], value["ci"], rtol=1e-5 if likelihood else max(rtol, 1e-8))
        close(found[2], value["var"], rtol=rtol)
    elif kind == "svyquantile":
        for name, table in value["q"].items():
            close(found[name][:, : len(table["cols"])], table["values"], rtol=rtol, atol=1e-12)
    elif kind == "data.frame":
        for name, column in value["columns"].items():
            mine = found.sort_values(found.columns[1])[name]
            if isinstance(column[0], str):
                assert mine.astype(str).tolist() == column
            else:
                close(mine, column, rtol=max(rtol, 1e-8))
    elif kind == "matrix":
        close(found, value["m"]["values"], rtol=rtol, atol=1e-12)
    else:
        close(found, np.array(value["v"], dtype=float), rtol=rtol, atol=1e-300)


def test_figure_of_r(case: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """Estimate, SE, covariance, design effect, interval and df agree with R to the tolerance of the case."""
    name = request.node.callspec.id
    if name in NOT_COVERED:
        pytest.skip(NOT_COVERED[name])
    if name.startswith("coinr"):
        coinr.check(case)
        return
    call = parse(case["r"])
    if "error" in case:
        stratum = re.search(r"\((\w+)\)", case["error"])
        assert stratum is not None
        with pytest.raises(EstimationError, match=stratum[1]):
            _attempted(case, call)
        return
    try:
        if r_regression.known(call):
            r_regression.check(design_of(case), call, case)
        else:
            met(design_of(case).run(call), case)
    except pytest.skip.Exception:
        assert name not in REQUIRED, "this case must be met, not skipped"
        raise


def _attempted(case: dict[str, Any], call: Any) -> None:
    if r_regression.known(call):
        r_regression.check(design_of(case), call, case)
    else:
        _se(design_of(case).run(call))


def _se(found: Any) -> pd.Series:
    return pd.Series(found.se)


def test_every_required_figure_is_among_the_cases(committed: dict[str, Any], reference: Path) -> None:
    from_files = {path.stem for path in (reference / "oracles").glob("*.json")}
    assert {name.split("/")[0] for name in REQUIRED} <= from_files | {name.split("/")[0] for name in committed}
    assert len(REQUIRED) >= 650


def test_what_is_not_covered_is_not_required() -> None:
    assert not REQUIRED & NOT_COVERED.keys()
    assert all(len(reason) > 20 for reason in NOT_COVERED.values())
