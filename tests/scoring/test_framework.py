import re
from pathlib import Path

import numpy as np
import pytest

from scoring import Framework, FrameworkError
from scoring.framework import Item
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
ONE = 'version = "1"'


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
        (TITLE, TITLE + '\ncolour = "red"', "item x: unknown key 'colour'; known are baseline, code, .*weight"),
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
        (
            'only_by = [["side"]]',
            'aggregation = "product"',
            "index chain: aggregation is .*; it may be arithmetic, ",
        ),
        ("headline = false", 'headline = "no"', "index chain: headline is 'no'; give true or false"),
        ('item = "asked"', "", r"indicator asked: .*; give either item = '...' or any_of"),
        ('item = "asked"', 'item = "a"\nany_of = ["b"]', "indicator asked: .*; give either"),
        ('item = "asked"', "any_of = []", "indicator asked: any_of is .*; give a list of questions"),
        ('item = "asked"', 'any_of = "asked"', "indicator asked: any_of is 'asked'; give a list of questions"),
        (
            'statistic = "share"',
            'statistic = "median"',
            "indicator asked: statistic is 'median'; it may be mean, share",
        ),
        (ONE, ONE + "\nweights = 'some'", "weights: it is 'some'; it may be relative, shares, percent"),
        (ONE, ONE + "\nestimand = 'sum'", "estimand: it is 'sum'; it may be index_of_means, mean_of_indices"),
        (ONE, ONE + "\nminimum_answered = 0", "minimum_answered: it is 0; give the least share of parts"),
        (ONE, ONE + "\nminimum_answered = true", "minimum_answered: it is True; give the least share of parts"),
        (ONE, ONE + "\nestimand = 'mean_of_indices'", "minimum_answered: missing, .*; say what share of its parts"),
        ('index = "chain"', "", "dimension links: what it stands under is not clear; give either index = '...' or dim"),
        ('index = "chain"', 'index = "chain"\ndimension = "first"', "dimension links: .*; give either"),
        (
            'index = "chain"',
            'dimension = "nowhere"',
            r"dimension links: dimension 'nowhere' does not exist; name",
        ),
        (TITLE, TITLE + '\nnormalisation = "z"', "item x: baseline is None; give baseline = { mean"),
        (TITLE, TITLE + '\nnormalisation = "z"\nbaseline = { mean = 3, sd = 0 }', "item x: baseline is .*; give base"),
        (
            TITLE,
            TITLE + "\nbaseline = { mean = 3, sd = 1 }",
            "item x: baseline is given, .*; write normalisation = ",
        ),
        (
            TITLE,
            TITLE + '\nnormalisation = "target"',
            "item x: target is None; give .* up to 5 but not 1",
        ),
        (TITLE, TITLE + '\nnormalisation = "target"\ntarget = 1', "item x: target is 1; give the mean answer"),
        (TITLE, TITLE + '\nnormalisation = "target"\ntarget = 6', "item x: target is 6; give the mean answer"),
        (TITLE, TITLE + "\ntarget = 4", "item x: target is given, .*; write normalisation = 'target'"),
        (TITLE, TITLE + '\nnormalisation = "percentile_rank"', "item x: normalisation is .*; .* for study .* alone"),
        (TITLE, TITLE + '\nnormalisation = "min_max"', "item x: normalisation is .*; .* for study .* alone"),
        (TITLE, TITLE + '\nnormalisation = "best"', "item x: normalisation is 'best'; it may be range, target, z$"),
        (TITLE, TITLE + "\npositive = []", "item x: positive is .*; list the answers between 1 and 5"),
        (TITLE, TITLE + "\npositive = [6]", "item x: positive is .*; list the answers between 1 and 5"),
        (
            TITLE,
            TITLE + '\npositive = [4, 5]\nnormalisation = "range"',
            "item x: positive and .*; keep one",
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


def read(text: str) -> Framework:
    return Framework.from_toml(text, name="own.toml")


def told(text: str) -> list[str]:
    """Lines of the error of a framework that is at fault."""
    with pytest.raises(FrameworkError) as caught:
        read(text)
    return str(caught.value).splitlines()


def nested(above: str = 'dimension = "first"') -> str:
    """The dimension `second` under `first`, with weight 1 beside its items x (1) and y (3)."""
    return FRAMEWORK.replace('title = "Second"\nindex = "index"', f'title = "Second"\n{above}')


def test_a_dimension_may_stand_under_a_dimension() -> None:
    # index = first = (x + 3 y + second) / 5, second = z
    framework = read(nested())
    assert [node.code for node in framework.nodes] == ["index", "chain", "first", "links", "second"]
    assert framework.loadings()[0] == pytest.approx([1 / 5, 3 / 5, 1 / 5, 0])
    assert framework.roots()["z"] == "index"
    assert framework.below("first") == ("first", "second", "z", "x", "y")


def test_a_cycle_is_told_once_with_its_ring_and_a_remedy() -> None:
    text = nested().replace('title = "First"\nindex = "index"', 'title = "First"\ndimension = "second"')
    ring = "stands under itself (first under second under first); write index = '...' in one of them"
    empty = "own.toml: index index: has no [[dimension]]; give it one or remove it"
    assert told(text) == [empty, f"own.toml: dimension first: {ring}"]
    assert told(nested('dimension = "second"')) == [
        "own.toml: dimension second: stands under itself (second under second); write index = '...' in one of them"
    ]


def test_an_item_under_two_dimensions_is_told() -> None:
    again = '[[item]]\ncode = "x"\ntitle = "Again"\ndimension = "second"\ndirection = "better"\nrange = [1, 5]\n'
    assert told(FRAMEWORK + again) == ["own.toml: item x: this code is used twice; codes are unique over all tables"]


def weighted(first: str, second: str, top: str = "") -> str:
    """The two dimensions of the index with these weights."""
    text = FRAMEWORK.replace("weight = 2\narusha", f"{first}\narusha").replace(
        'title = "Second"\nindex = "index"', f'title = "Second"\nindex = "index"\n{second}'
    )
    return text.replace(ONE, f"{ONE}\n{top}")


@pytest.mark.parametrize(
    ("first", "second", "top", "words"),
    [
        ("weight = 0.5", "weight = 0.4", "", r"weights of its parts are 0.5 \+ 0.4 = 0.9; make them sum to 1"),
        ("weight = 0.5", "weight = 1", "", r"weights of its parts are 0.5 \+ 1 = 1.5; make them sum to 1"),
        (
            "weight = 50",
            "weight = 40",
            "weights = 'percent'",
            r"weights .* 50 \+ 40 = 90; make them sum to 100",
        ),
        ("weight = 2", "weight = 1", "weights = 'shares'", r"weights .* 2 \+ 1 = 3; make them sum to 1, or write"),
        ("weight = 0.5", "", "weights = 'shares'", "1 of its 2 parts have no weight; give all of them, summing to 1"),
    ],
)
def test_weights_that_do_not_sum_are_told_with_their_family(first: str, second: str, top: str, words: str) -> None:
    lines = told(weighted(first, second, top))
    assert any(re.match(f"own.toml: index index: {words}", line) for line in lines)


@pytest.mark.parametrize(
    ("first", "second", "top"),
    [
        ("weight = 0.6", "weight = 0.4", ""),
        ("weight = 0.5", "weight = 1", "weights = 'relative'"),
        ("weight = 0.5", "", ""),  # half as much as the other
        ("weight = 3", "weight = 2", ""),
    ],
)
def test_weights_that_sum_or_are_ratios_are_taken(first: str, second: str, top: str) -> None:
    given = [float(part.partition("=")[2] or 1) for part in (first, second)]
    share = read(weighted(first, second, top)).loadings()[0, 2]  # z, the only item of the second
    assert share == pytest.approx(given[1] / sum(given))


def budget(*rows: tuple[str, str, float]) -> str:
    tables = (f'[[budget]]\nexpert = "{expert}"\npart = "{part}"\npoints = {points}\n' for expert, part, points in rows)
    return weighted("", "") + "".join(tables)


def test_points_of_experts_become_the_weights_of_a_family() -> None:
    text = budget(("A", "first", 60), ("A", "second", 40), ("B", "first", 80), ("B", "second", 20))
    weights = {part.code: part.weight for part in read(text).parts("index")}
    assert weights == pytest.approx({"first": 0.7, "second": 0.3})


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("A", "first", 60), ("A", "second", 30)], "budget A: points in index index sum to 90; make them sum to 100"),
        (
            [("A", "first", 100)],
            "budget A: part 'second' of index index has no points; add a [[budget]] row, if need be",
        ),
        (
            [("A", "first", 100), ("A", "second", 0)],
            "index index: no expert gives 'second' a point; take that part out",
        ),
        (
            [("A", "first", 60), ("A", "first", 60), ("A", "second", 40)],
            "budget A: part 'first' stands twice; keep one",
        ),
        ([("A", "third", 60)], "budget A: part 'third' does not exist; name a dimension, item or population"),
        ([("A", "first", 160), ("A", "second", -60)], "budget A: points of second are -60; give 0 or more"),
        (
            [("A", "x", 60), ("A", "y", 40)],
            "dimension first: part 'y' has a weight and points of experts; take the weight or",
        ),
    ],
)
def test_points_that_do_not_add_up_are_told(rows: list[tuple[str, str, float]], words: str) -> None:
    assert any(line.startswith(f"own.toml: {words}") for line in told(budget(*rows)))


BRIDGE = '[[bridge]]\nfrom = "0"\nmeasures = ["index"]\nreason = "a word was changed"\n'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"index"', '"fame"', "bridge 0: measure 'fame' does not exist; name indices, dimensions"),
        ('"0"', '"1"', "bridge 1: it comes from this version itself; name an earlier version"),
        ('"a word was changed"', '" "', "bridge 0: the reason is empty; say why the measures mean the same"),
        ("[[bridge]]", BRIDGE + "[[bridge]]", "bridge 0: this version has two bridges; put all its measures into one"),
    ],
)
def test_a_bridge_to_nowhere_is_told(old: str, new: str, words: str) -> None:
    (line,) = told(FRAMEWORK + BRIDGE.replace(old, new, 1))
    assert line.startswith(f"own.toml: {words}")


def test_the_digest_knows_what_a_figure_depends_on_and_nothing_else() -> None:
    digest = read(FRAMEWORK).digest
    same = [
        FRAMEWORK.replace('title = "Alone"', 'title = "Other words"'),
        FRAMEWORK.replace(ONE, 'version = "2"'),
        FRAMEWORK.replace("weight = 2", "weight = 4").replace('index = "index"\n\n', 'index = "index"\nweight = 2\n\n'),
    ]
    other = [
        FRAMEWORK.replace("weight = 3", "weight = 2"),
        FRAMEWORK.replace("range = [0, 2]", "range = [0, 3]"),
        FRAMEWORK.replace(TITLE, TITLE + "\npositive = [4, 5]"),
        FRAMEWORK.replace('code = "first"', 'code = "first"\naggregation = "geometric"'),
        FRAMEWORK.replace(ONE, ONE + "\nminimum_answered = 0.5"),
        FRAMEWORK.replace('direction = "better"\nrange = [0, 2]', 'direction = "worse"\nrange = [0, 2]'),
    ]
    assert [read(text).digest == digest for text in same] == [True] * len(same)
    digests = [read(text).digest for text in other]
    assert len({digest, *digests}) == len(other) + 1


def item(text: str) -> Item:
    return next(part for part in read(FRAMEWORK.replace(TITLE, f"{TITLE}\n{text}")).items if part.code == "x")


def score_of(part: Item, answer: float) -> float:
    slope, shift = part.line
    return slope * answer + shift


def test_an_item_is_mapped_over_its_range_to_a_target_or_on_a_frozen_baseline() -> None:
    z = item('normalisation = "z"\nbaseline = { mean = 3, sd = 0.8 }')
    target = item('normalisation = "target"\ntarget = 4')
    assert [score_of(item(""), answer) for answer in (1, 3, 5)] == [0, 50, 100]
    assert [score_of(z, answer) for answer in (3, 3.8, 1.4)] == pytest.approx([50, 70, 10])  # 50 + 20 z
    assert [score_of(target, answer) for answer in (1, 2.5, 4)] == pytest.approx([0, 50, 100])
    assert (item("positive = [4, 5]").column, item("positive = [4, 5]").line) == ("x=4|5", (100, 0))
