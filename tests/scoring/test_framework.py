from pathlib import Path

import numpy as np
import pytest

from scoring import Framework, FrameworkError
from tests.strategies import FRAMEWORK

BORDER = Path(__file__).parents[2] / "data" / "frameworks" / "border.toml"


@pytest.fixture(scope="module")
def border() -> Framework:
    return Framework.from_toml(BORDER.read_text(encoding="utf-8"), name=BORDER.name)


def test_border_holds_two_headline_indices_and_a_chain_by_side_alone(border: Framework) -> None:
    assert border.headline[:2] == ("accountability", "integrity")
    assert {part.code for part in border.parts("accountability")} == {"service", "rules", "redress"}
    assert {part.code for part in border.parts("integrity")} == {"conduct", "fairness"}
    assert border.shown_by("link_post", ("side",))
    assert not border.shown_by("link_post", ("post",))
    assert not border.shown_by("chain", ())


def test_every_dimension_of_border_names_factors_of_arusha(border: Framework) -> None:
    dimensions = [node for node in border.nodes if node.parent]
    assert all(node.arusha for node in dimensions)
    assert {factor for node in dimensions for factor in node.arusha} <= set(range(1, 11))


def test_loadings_of_every_node_sum_to_one(border: Framework, small: Framework) -> None:
    for framework in (border, small):
        np.testing.assert_allclose(framework.loadings().sum(axis=1), 1, rtol=1e-14)


def test_loading_of_an_item_is_the_product_of_the_weights_above_it(small: Framework) -> None:
    # dimensions 2 : 1, items 1 : 3
    index = dict(zip(("x", "y", "z", "link"), small.loadings()[0], strict=True))
    assert index == pytest.approx({"x": 2 / 3 / 4, "y": 2 / 3 * 3 / 4, "z": 1 / 3, "link": 0})


def test_an_indicator_may_read_ticks_of_a_question(border: Framework) -> None:
    ticks = tuple(f"reported/{agency}" for agency in ("customs", "guards", "migration", "quarantine"))
    (anybody,) = (part for part in border.indicators if part.code == "reported")
    assert anybody.items == ticks
    assert set(ticks) <= set(border.questions)


def test_indicators_stand_beside_the_indices(border: Framework) -> None:
    assert not {part.code for part in border.indicators} & set(border.roots())
    assert len(border.questions) == len(set(border.questions))
    assert all(item.direction != "ambiguous" for item in border.items)


TITLE = 'title = "Better upwards"'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('id = "small"', "", "id: missing or not a text; write id"),
        ('id = "small"', "id = 5", "id: missing or not a text; write id"),
        ('id = "small"', 'id = "small"\nfee = 1', "fee: unknown key; tables are index, dimension, item, indicator"),
        ('id = "small"', 'id = "small', "not valid TOML: .*; mend that line"),
        ("[[index]]", "[index]", "not valid TOML"),
        (TITLE, "", "item x: key 'title' is missing; add it"),
        (TITLE, "title = 4", "item x: title is 4; give a text"),
        (TITLE, TITLE + '\ncolour = "red"', "item x: unknown key 'colour'; known are code, .*weight"),
        (TITLE, TITLE + "\nweight = 0", "item x: weight is 0; give a number above 0"),
        (TITLE, TITLE + "\nweight = -1", "item x: weight is -1; give a number above 0"),
        (TITLE, TITLE + "\nweight = inf", "item x: weight is inf; give a number above 0"),
        (TITLE, TITLE + "\nweight = nan", "item x: weight is nan; give a number above 0"),
        (TITLE, TITLE + "\nweight = true", "item x: weight is True; give a number above 0"),
        (TITLE, TITLE + '\nweight = "2"', "item x: weight is '2'; give a number above 0"),
        ('direction = "better"', 'direction = "up"', "item x: direction is 'up'; it may be ambiguous, better, worse"),
        ('direction = "better"', 'direction = ["up"]', "item x: direction is .*; give a text"),
        ('direction = "better"', 'direction = "ambiguous"', r"item x: .* belongs in an \[\[indicator\]\]"),
        ("range = [1, 5]", "range = [5, 1]", "item x: range is .*; give lowest"),
        ("range = [1, 5]", "range = [1]", "item x: range is .*; give lowest"),
        ("range = [1, 5]", 'range = ["a", 5]', "item x: range is .*; give lowest"),
        ("range = [1, 5]", "range = [-2, 2]", "item x: range is .*0 or more"),
        ("range = [1, 5]", "range = [1, inf]", "item x: range is .*; give lowest"),
        ('dimension = "first"', 'dimension = "fist"', r"item x: dimension 'fist' does not exist; name one of"),
        ('dimension = "first"', 'dimension = ["first"]', "item x: dimension is .*; give a text"),
        ('code = "x"', 'code = "y"', "item y: this code is used twice; codes are unique"),
        ('code = "asked"', 'code = "index"', "indicator index: this code is used twice"),
        ('index = "chain"', 'index = "index"', r"index chain: has no \[\[dimension\]\]; give it one or remove it"),
        ("arusha = [1, 7]", "arusha = [0]", "dimension first: arusha holds a number outside 1-10"),
        ("arusha = [1, 7]", "arusha = 3", "dimension first: arusha is 3; give a list of numbers"),
        ("arusha = [1, 7]", 'arusha = ["one"]', "dimension first: arusha is .*; give a list of numbers"),
        ('only_by = [["side"]]', 'only_by = "side"', "index chain: only_by is 'side'; give a list of lists"),
        ('only_by = [["side"]]', 'kind = "mixed"', "index chain: kind is 'mixed'; it may be formative, reflective"),
        ('only_by = [["side"]]', 'aggregation = "geometric"', "index chain: aggregation is .*; it may be arithmetic"),
        ("headline = false", 'headline = "no"', "index chain: headline is 'no'; give true or false"),
        ('item = "asked"', "", r"indicator asked: give either item = '...' or any_of"),
        ('item = "asked"', 'item = "a"\nany_of = ["b"]', "indicator asked: give either"),
        ('item = "asked"', "any_of = []", "indicator asked: any_of is .*; give a list of questions"),
        ('item = "asked"', 'any_of = "asked"', "indicator asked: any_of is 'asked'; give a list of questions"),
        (
            'statistic = "share"',
            'statistic = "median"',
            "indicator asked: statistic is 'median'; it may be mean, share",
        ),
    ],
)
def test_fault_names_file_key_and_remedy(old: str, new: str, words: str) -> None:
    assert old in FRAMEWORK
    with pytest.raises(FrameworkError, match=f"(?m)^own.toml: {words}"):
        Framework.from_toml(FRAMEWORK.replace(old, new, 1), name="own.toml")


@pytest.mark.parametrize("text", ["index = 'x'", "index = [1, 2]", "[index]\ncode = 'a'"])
def test_table_that_is_no_list_of_tables_is_a_fault_and_no_crash(text: str) -> None:
    with pytest.raises(FrameworkError, match=r"index: not a list of tables; write \[\[index\]\]"):
        Framework.from_toml(text)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(FrameworkError) as caught:
        Framework.from_toml(FRAMEWORK.replace("weight = 3", "weight = 0").replace('direction = "better"', ""))
    assert len(str(caught.value).splitlines()) == 4
