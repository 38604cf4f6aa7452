"""Every error in words that name the place and the remedy, and nothing that crashes."""

import numpy as np
import pandas as pd
import pytest

from scoring import DesignError, EstimationError, Framework, ScoringError, SurveyDesign, estimate, reduce
from scoring.expressions import mask, names_in
from tests.strategies import ANSWERS


@pytest.fixture
def coded() -> pd.DataFrame:
    size = 12
    return pd.DataFrame({name: [1] * size for name in ANSWERS}).assign(
        weight=1.0, psu=list("aabbccddeeff"), stratum=["north"] * 6 + ["south"] * 6, side="left", sex="male", a=1, b=2
    )


def test_missing_column_is_named(coded: pd.DataFrame, small: Framework) -> None:
    with pytest.raises(DesignError, match="column 'wieght' is not in the data; check its spelling"):
        reduce(coded, small, SurveyDesign(weight="wieght"))
    with pytest.raises(DesignError, match="column 'x' is not in the data"):
        reduce(coded.drop(columns="x"), small, SurveyDesign())
    with pytest.raises(DesignError, match="column 'sid' is not in the data"):
        estimate(coded, SurveyDesign(), mean=["x"], by="sid")


@pytest.mark.parametrize("weight", [np.nan, -0.5, np.inf, "heavy", None])
def test_row_without_a_weight_is_counted_and_named(coded: pd.DataFrame, weight: object) -> None:
    frame = coded.assign(weight=coded["weight"].astype(object).where(coded.index != 4, weight))
    with pytest.raises(
        DesignError, match=r"weight 'weight' .* in 1 rows, first in data row 5; give every row a weight"
    ):
        estimate(frame, SurveyDesign(weight="weight"), mean=["x"])


def test_psu_in_two_strata_is_an_error_unless_it_nests(coded: pd.DataFrame) -> None:
    frame = coded.assign(psu=list("aabbaa") * 2)
    with pytest.raises(DesignError, match="PSU 'a' stands in stratum 'north' and in 'south'; nest"):
        estimate(frame, SurveyDesign(strata="stratum", psu="psu"), mean=["x"])
    table = estimate(frame, SurveyDesign(strata="stratum", psu="psu", nest=True), mean=["x"])
    assert table["df"].tolist() == [2]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([2] * 6 + [9] * 6, "of stratum 'north' is 2, but it has 3 PSUs"),
        ([9] * 6 + [0] * 6, "of stratum 'south' is 0"),
        ([9] * 6 + [-3] * 6, "of stratum 'south' is -3"),
        ([9] * 5 + [8] + [9] * 6, "differs within stratum 'north'"),
        ([9] * 11 + [np.nan], "missing or differs within stratum 'south'"),
    ],
)
def test_population_too_small_or_uneven_names_the_stratum(coded: pd.DataFrame, values: list[float], words: str) -> None:
    with pytest.raises(DesignError, match=words):
        estimate(coded.assign(fpc=values), SurveyDesign(strata="stratum", psu="psu", fpc="fpc"), mean=["x"])


def test_lonely_stratum_is_named_unless_it_was_taken_whole(coded: pd.DataFrame, small: Framework) -> None:
    frame = coded.assign(stratum=["north"] * 10 + ["south"] * 2, share=[0.1] * 10 + [1.0] * 2)
    with pytest.raises(EstimationError, match=r"stratum 'south' has one PSU.*merge it.*'adjust' or 'remove'"):
        estimate(frame, SurveyDesign(strata="stratum", psu="psu"), mean=["x"])
    whole = estimate(frame, SurveyDesign(strata="stratum", psu="psu", fpc="share"), mean=["x"])
    assert whole["se"].tolist() == [0]
    with pytest.raises(DesignError, match="lonely is 'ignore'; it may be fail, remove, certainty, adjust, average"):
        SurveyDesign(lonely="ignore")
    assert reduce(frame, small, SurveyDesign(strata="stratum", psu="psu")).units.sampled.tolist() == [5, 1]


def test_facet_sets_are_declared_and_hold_three_at_most(coded: pd.DataFrame, small: Framework) -> None:
    totals = reduce(coded, small, SurveyDesign(), facets=[("side",), ("side", "sex")])
    with pytest.raises(EstimationError, match=r"no totals by 'sex'; declared facet sets are: \(none\); side; side sex"):
        totals.by(("sex",))
    with pytest.raises(EstimationError, match="'side sex a b' holds more than 3 facets"):
        reduce(coded, small, SurveyDesign(), facets=[("side", "sex", "a", "b")])


@pytest.mark.parametrize("facets", [("wave",), ("n",), ("measure",), ("side", "side")])
def test_facet_that_a_result_cannot_hold_is_refused(
    coded: pd.DataFrame, small: Framework, facets: tuple[str, ...]
) -> None:
    frame = coded.assign(wave="2024", n=1, measure="m")
    with pytest.raises(EstimationError, match=r"rename it in the data|name each once"):
        reduce(frame, small, SurveyDesign(wave="wave"), facets=[facets])


def test_domain_called_like_a_figure_is_refused(coded: pd.DataFrame) -> None:
    with pytest.raises(EstimationError, match="facet 'n' has the name of a column"):
        estimate(coded.assign(n=1), SurveyDesign(), mean=["x"], by="n")


@pytest.mark.parametrize(("name", "value"), [("x", 6), ("x", 0), ("y", 5), ("asked", 2), ("x", np.inf)])
def test_answer_outside_its_range_is_counted(coded: pd.DataFrame, small: Framework, name: str, value: float) -> None:
    frame = coded.assign(**{name: [value, value] + [1] * 10})
    with pytest.raises(EstimationError, match=f"2 answers to '{name}' are outside the framework's range"):
        reduce(frame, small, SurveyDesign())


@pytest.mark.parametrize("name", ["x", "asked", "hours"])
def test_answers_that_are_text_are_refused_in_words(coded: pd.DataFrame, small: Framework, name: str) -> None:
    with pytest.raises(EstimationError, match=f"answers to '{name}' hold text"):
        reduce(coded.assign(**{name: "often"}), small, SurveyDesign())


@pytest.mark.parametrize("text", ["x", "x/nothing", "nothing/x", "x/a/b", ""])
def test_ratio_names_two_columns(coded: pd.DataFrame, text: str) -> None:
    with pytest.raises(DesignError, match=r"does not name two columns.*numerator/denominator"):
        estimate(coded, SurveyDesign(), ratio=[text])


def test_names_with_a_slash_may_stand_in_a_ratio(coded: pd.DataFrame) -> None:
    table = estimate(coded.assign(**{"group/x": 4}), SurveyDesign(), ratio=["group/x/b"])
    assert table["estimate"].tolist() == [2]


@pytest.mark.parametrize(
    "values", [["often"] * 12, [1, "x"] * 6, [np.inf] * 12, pd.date_range("2024-01-01", periods=12)]
)
def test_mean_of_what_is_no_number_is_refused(coded: pd.DataFrame, values: object) -> None:
    with pytest.raises(EstimationError, match=r"column 'x' holds .* first in data row .*; ask for its proportion"):
        estimate(coded.assign(x=values), SurveyDesign(), mean=["x"])


def test_data_without_a_row_are_refused(coded: pd.DataFrame, small: Framework) -> None:
    with pytest.raises(EstimationError, match="no respondents"):
        estimate(coded.iloc[:0], SurveyDesign(), mean=["x"])
    with pytest.raises(EstimationError, match="no respondents"):
        reduce(coded.iloc[:0], small, SurveyDesign())


def test_nothing_asked_is_refused(coded: pd.DataFrame) -> None:
    with pytest.raises(EstimationError, match="nothing to estimate"):
        estimate(coded, SurveyDesign())


@pytest.mark.parametrize("statistic", ["mean", "proportion", "total"])
def test_variable_that_nobody_answered_is_named(coded: pd.DataFrame, statistic: str) -> None:
    with pytest.raises(EstimationError, match="nobody answered 'x': its 12 cells are empty; check the column"):
        estimate(coded.assign(x=None), SurveyDesign(), **{statistic: ["x"]})


def test_logit_interval_of_a_mean_is_refused(coded: pd.DataFrame) -> None:
    with pytest.raises(EstimationError, match="logit intervals are for proportions"):
        estimate(coded, SurveyDesign(), mean=["x"], proportion=["a"], interval="logit")


@pytest.mark.parametrize("level", [0, 1, -0.5, 95, float("nan")])
def test_level_outside_its_bounds_is_refused(coded: pd.DataFrame, level: float) -> None:
    with pytest.raises(EstimationError, match=r"level is .*; give a share between 0 and 1"):
        estimate(coded, SurveyDesign(), mean=["x"], level=level)


def test_unknown_rule_or_interval_is_refused(coded: pd.DataFrame) -> None:
    with pytest.raises(EstimationError, match="df rule is 'kish'; it may be design, satterthwaite"):
        estimate(coded, SurveyDesign(), mean=["x"], df="kish")
    with pytest.raises(EstimationError, match="interval is 'score'; it may be t, normal, logit"):
        estimate(coded, SurveyDesign(), proportion=["x"], interval="score")


def test_rows_without_a_facet_are_in_no_cell_but_in_the_sample(coded: pd.DataFrame, small: Framework) -> None:
    frame = coded.assign(side=["left", None] * 6)
    totals = reduce(frame, small, SurveyDesign(psu="psu"), facets=[("side",)])
    assert totals.by(("side",)).labels["side"].tolist() == ["left"]
    assert totals.by(("side",)).count[:, 0].sum() == 6
    nobody = reduce(coded.assign(side=None), small, SurveyDesign(psu="psu"), facets=[("side",)])
    assert len(nobody.by(("side",)).labels) == 0


TABLE = pd.DataFrame(
    {
        "x": [1, 2, 3, None],
        "side": ["left", "right", None, "left"],
        "border post": ["A", "B", "B", "A"],
        "who's": [True, False, True, False],
    }
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("x == 2", [1]),
        ("x = 2", [1]),
        ("x != 2", [0, 2]),
        ("x >= 2 and side == 'right'", [1]),
        ("x < 2 or x > 2", [0, 2]),
        ("not x == 2", [0, 2, 3]),
        ("not (x == 2 or side == 'left')", [2]),
        ("x == 1 or x == 2 and side == 'left'", [0]),
        ('`border post` == "B"', [1, 2]),
        ("x in (1, 3)", [0, 2]),
        ("x not in [1, 3]", [1]),
        ("side in ('left')", [0, 3]),
        ("side not in ('left')", [1]),
        ("side != 'left'", [1]),
        ("side < 'm'", [0, 3]),
        ("side == ''", []),
        ("x == '2'", [1]),
        ("`who's` == 1", [0, 2]),
        ("x > -1.5e0", [0, 1, 2]),
        ("side == 'a\"; import os'", []),
    ],
)
def test_condition_picks_these_rows(text: str, rows: list[int]) -> None:
    assert np.flatnonzero(mask(TABLE, text)).tolist() == rows


def test_condition_holds_for_nullable_and_arrow_columns_alike() -> None:
    for frame in (TABLE.convert_dtypes(), TABLE.convert_dtypes(dtype_backend="pyarrow")):
        assert np.flatnonzero(mask(frame, "x >= 1 and side <= 'left'")).tolist() == [0]


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "x",
        "x ==",
        "== 2",
        "x == 1 2",
        "x in 1",
        "x in ()",
        "x in (1",
        "x in (1,)",
        "x in (1]",
        "x not 1",
        "(x == 1",
        "x == 1)",
        "x == 1 and",
        "not",
        "nobody == 1",
        "border post == 1",
        "x == 'open",
        "`x == 1",
        "``== 1",
        "x == 1; x == 2",
        "x == 12abc",
        "x == 1.2.3",
        "x is None",
        "__import__('os').system('true')",
        "x.__class__ == 1",
        "@x == 1",
        "x == [i for i in range(9)]",
        "x == len(side)",
        "x\x00 == 1",
        "(" * 9000 + "x == 1" + ")" * 9000,
        "not " * 9000 + "x == 1",
    ],
)
def test_condition_outside_the_grammar_is_refused_and_never_run(text: str) -> None:
    with pytest.raises(EstimationError, match=r"^where: "):
        mask(TABLE, text)


def test_columns_of_a_condition_are_known_before_it_is_read() -> None:
    assert names_in("x > 1 and (`border post` == 'x' or not x in (1, 2))") == ("x", "border post")
    with pytest.raises(ScoringError):
        names_in("x > $")
