"""How many of the figures of COINr are met; each of them is a case of `test_figure_of_r`."""

from pathlib import Path
from typing import Any

import pytest

from tests.reference.coinr import NOT_MET, check
from tests.reference.conftest import load


@pytest.fixture(scope="module")
def cases(reference: Path) -> dict[str, dict[str, Any]]:
    return {name: case for name, case in load(reference / "oracles").items() if name.startswith("coinr_asem_open/")}


def test_40_of_the_42_figures_of_coinr_are_met_and_the_others_have_a_reason(cases: dict[str, dict[str, Any]]) -> None:
    assert len(cases) == 42
    left = {case["id"] for case in cases.values()} & NOT_MET.keys()
    assert len(cases) - len(left) == 40
    assert all(len(reason) > 60 for reason in NOT_MET.values())


@pytest.mark.parametrize("name", ["norm_prank", "agg_mixed", "ranks", "alpha_Social", "pca_w", "eff_w"])
def test_a_figure_that_is_off_by_a_millionth_is_not_met(cases: dict[str, dict[str, Any]], name: str) -> None:
    case = cases[f"coinr_asem_open/{name}"]
    check(case)
    with pytest.raises(AssertionError):
        check(case | {"value": _shifted(case["value"])})


def _shifted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: column if isinstance(column[0], str) else _shifted(column) for name, column in value.items()}
    return [number * (1 + 1e-6) if isinstance(number, int | float) else number for number in value]
