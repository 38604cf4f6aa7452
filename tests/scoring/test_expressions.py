"""Variables and conditions made of columns: what they give, row by row, and how a fault is told."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import EstimationError, RequestError, SurveyDesign, estimate
from scoring.expressions import formula, mask, names_in, variable

TABLE = pd.DataFrame(
    {
        "x": [1, 2, 3, None],
        "y": [0, 4, -2, 5],
        "side": ["left", "right", None, "left"],
        "met": [True, False, True, False],
        "border post": [10, 20, 30, 40],
    }
)
EMPTY = None


def values(text: str) -> list[Any]:
    """A variable of the table above, None where it is empty."""
    made = variable(TABLE, text)
    return made.astype(object).where(made.notna(), None).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y + `border post`", [10, 24, 28, 45]),
        ("1 - 2 - y", [-1, -5, 1, -6]),
        ("8 / 4 / 2 + 0 * y", [1, 1, 1, 1]),
        ("2 + 3 * y", [2, 14, -4, 17]),
        ("(2 + 3) * y", [0, 20, -10, 25]),
        ("-y ** 2", [0, -16, -4, -25]),
        ("(-y) ** 2", [0, 16, 4, 25]),
        ("2 ** -1 + 0 * y", [0.5] * 4),
        ("2 ** 3 ** 2 + 0 * y", [512] * 4),
        ("--y", [0, 4, -2, 5]),
        ("`border post` / 10", [1, 2, 3, 4]),
        ("exp(log(`border post`)) / 10", [1, 2, 3, 4]),
        ("sqrt(y ** 2)", [0, 4, 2, 5]),
        ("asin(met) * 2", [np.pi, 0, np.pi, 0]),
        ("1.5e1 * met", [15, 0, 15, 0]),
    ],
)
def test_arithmetic_binds_as_on_paper(text: str, expected: list[Any]) -> None:
    assert values(text) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x / y", [EMPTY, 0.5, -1.5, EMPTY]),
        ("log(y)", [EMPTY, np.log(4), EMPTY, np.log(5)]),
        ("sqrt(y)", [0, 2, EMPTY, np.sqrt(5)]),
        ("asin(x)", [np.pi / 2, EMPTY, EMPTY, EMPTY]),
        ("y ** 0.5", [0, 2, EMPTY, np.sqrt(5)]),
        ("side + 1", [EMPTY, EMPTY, EMPTY, EMPTY]),
    ],
)
def test_what_has_no_value_is_empty_and_no_warning(text: str, expected: list[Any]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x >= 2", [False, True, True, EMPTY]),
        ("x == 2 or y == 5", [False, True, False, EMPTY]),
        ("not x == 2", [True, False, True, EMPTY]),
        ("side == 'left'", [True, False, EMPTY, True]),
        ("x in (1, 3)", [True, False, True, EMPTY]),
        ("x not in (1, -3)", [False, True, True, EMPTY]),
        ("missing(x)", [False, False, False, True]),
        ("missing(x) or missing(side)", [False, False, True, True]),
        ("missing(x, side)", [False, False, True, True]),
        ("x + 1 > y", [True, False, True, EMPTY]),
    ],
)
def test_condition_as_a_variable_is_empty_where_a_part_is(text: str, expected: list[Any]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interaction(side, x)", ["left.1", "right.2", EMPTY, EMPTY]),
        ("interaction(side, met)", ["left.1", "right.0", EMPTY, "left.0"]),
        ("interaction(y, `border post`)", ["0.10", "4.20", "-2.30", "5.40"]),
    ],
)
def test_interaction_names_values_as_a_reader_of_the_file_knows_them(text: str, expected: list[Any]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("x + 1 >= y and side == 'left'", [0]),
        ("missing(x)", [3]),
        ("not missing(x) and y < 0", [2]),
        ("x / y > 0", [1]),
        ("interaction(side, met) == 'left.1'", [0]),
        ("2 < x", [2]),
        ("sqrt(y) >= 2", [1, 3]),
    ],
)
def test_condition_may_compare_what_is_made_of_columns(text: str, rows: list[int]) -> None:
    assert np.flatnonzero(mask(TABLE, text)).tolist() == rows


@pytest.mark.parametrize("dtype", ["numpy_nullable", "pyarrow"])
@pytest.mark.parametrize("text", ["x + y", "x >= 2", "interaction(side, x)", "missing(side)", "log(y)"])
def test_kind_of_column_changes_nothing(dtype: Any, text: str) -> None:
    again = variable(TABLE.convert_dtypes(dtype_backend=dtype), text)
    pd.testing.assert_series_equal(again, variable(TABLE, text))


def test_table_is_only_read() -> None:
    before = TABLE.copy(deep=True)
    variable(TABLE, "interaction(side, x)")
    mask(TABLE, "x + y > 2 or missing(side)")
    pd.testing.assert_frame_equal(TABLE, before)


def test_columns_of_an_expression_are_named_once() -> None:
    assert names_in("x + `border post` * x > 3 and missing(side)") == ("x", "border post", "side")


# Statistics of expressions


def test_mean_of_a_condition_is_the_share_that_meets_it(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    # x >= 5: 10 + 10 of A, 20 + 20 of B, of 120
    made = estimate(hand, by_hand, mean=["x >= 5"]).iloc[0]
    column = estimate(hand.assign(high=hand["x"] >= 5), by_hand, mean=["high"]).iloc[0]
    assert (made["measure"], made["estimate"]) == ("x >= 5", pytest.approx(0.5, rel=1e-14))
    assert made["se"] == column["se"]


def test_total_of_a_product_is_that_of_a_column_that_holds_it(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    made = estimate(hand, by_hand, total=["x * d"], variance=["log(x)"])
    column = estimate(hand.assign(xd=hand["x"] * hand["d"], lx=np.log(hand["x"])), by_hand, total="xd", variance="lx")
    pd.testing.assert_frame_equal(made.drop(columns="measure"), column.drop(columns="measure"))


def test_rows_without_a_value_are_left_out_of_the_variable_alone(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    table = estimate(hand, by_hand, mean=["1 / (x - 1)", "x"])
    assert table["n"].tolist() == [7, 8]


def test_column_called_like_an_expression_is_the_column(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    row = estimate(hand.assign(**{"x + d": 1}), by_hand, mean=["x + d"]).iloc[0]
    assert row["estimate"] == 1


# Faults


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("len(x)", r"expected one of the functions log, exp, sqrt, asin, interaction, missing .* in 'len\(x\)'"),
        ("x +", "expected name, found 'the end'"),
        ("(x + 1", r"expected \), found 'the end'"),
        ("x + 1)", r"expected the end, found '\)'"),
        ("x y", "expected the end, found 'y'"),
        ("x + nobody", "'nobody' is not a column of the data"),
        ("log(x, y)", "log takes one value, not 2"),
        ("log()", r"expected name, found '\)'"),
        ("x and y", "'and', 'or' and 'not' stand between conditions; compare, as in x >= 2"),
        ("not x", "'and', 'or' and 'not' stand between conditions"),
        ("x $ y", r"cannot read '\$ y'; names with spaces go in back-ticks"),
        ("1 < x < 3", "expected the end, found '<'"),
        ("x.__class__(1)", "expected one of the functions"),
        ("-" * 51 + "x", "more than 50 brackets, signs and 'not'"),
        ("(" * 9000 + "x" + ")" * 9000, "more than 50 brackets"),
    ],
)
def test_fault_of_an_expression_is_told_with_its_place(text: str, words: str) -> None:
    with pytest.raises(EstimationError, match=rf"^expression: .*{words}"):
        variable(TABLE, text)


@pytest.mark.parametrize("text", ["x + 1", "interaction(side, x)", "3"])
def test_number_or_text_is_no_condition(text: str) -> None:
    with pytest.raises(RequestError, match=r"is no condition; compare it, as in x >= 2"):
        mask(TABLE, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a > 1", "comparison has no place in a contrast; use"),
        ("a and b", "and has no place in a contrast"),
        ("missing(a)", "call has no place in a contrast"),
        ("a - 'b'", "text has no place in a contrast"),
        ("a - c", "there is no estimate 'c'; there are a, b"),
        ("a -", "expected name, found 'the end'"),
    ],
)
def test_fault_of_a_contrast_is_told_with_its_place(text: str, words: str) -> None:
    with pytest.raises(RequestError, match=f"^contrast: {words}"):
        formula(text)({"a": np.ones(1), "b": np.ones(1)})


def test_formula_takes_real_and_complex_numbers() -> None:
    named = {"a": np.array([4.0 + 1e-30j]), "b": np.array([2.0])}
    assert np.imag(formula("log(a) / b ** 2")(named)) / 1e-30 == pytest.approx(1 / 4 / 4)
