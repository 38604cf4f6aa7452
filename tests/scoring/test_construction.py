"""A whole tree at once: by hand, against each node by itself, and against the loadings of a framework."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import Framework, FrameworkError, RequestError
from scoring.aggregation import AGGREGATIONS, Aggregation, aggregate
from scoring.construction import Tree, build, gradients

BORDER = Path(__file__).resolve().parents[2] / "data" / "frameworks" / "border.toml"
quick = settings(max_examples=25, deadline=None, derandomize=True, database=None)


@dataclass(frozen=True)
class Member:
    code: str
    parent: str | None
    weight: float = 1.0
    aggregation: str = "arithmetic"


ITEMS = [Member("x", "first", 1), Member("y", "first", 3), Member("z", "index", 1), Member("u", "last")]
NODES = [
    Member("index", None),
    Member("first", "index", 1, "geometric"),
    Member("worst", None, 1, "minimum"),
    Member("last", "worst"),
]


@pytest.fixture(scope="module")
def tree() -> Tree:
    """``index = (first + z) / 2`` with ``first`` the geometric mean of x and three times y; ``worst`` apart."""
    return Tree.of(ITEMS, NODES)


def test_a_tree_of_mixed_aggregation_by_hand(tree: Tree) -> None:
    """First: x = 0 and y = 100 give (100^(3/4) - 1) / 0.99, the index is the mean of that and z = 50."""
    first = (100**0.75 - 1) / 0.99
    values = np.array([0.0, 100.0, 50.0, 7.0])
    np.testing.assert_allclose(build(values, tree), [(first + 50) / 2, first, 7, 7], rtol=1e-14)


def test_nodes_stand_in_the_order_given_and_are_made_after_those_under_them(tree: Tree) -> None:
    assert tree.parts == ((2, 5), (0, 1), (7,), (3,))
    assert tree.order.index(1) < tree.order.index(0)
    assert tree.smooth.tolist() == [True, True, False, True]


@quick
@given(st.lists(st.sampled_from(AGGREGATIONS), min_size=4, max_size=4), st.integers(0, 99))
def test_the_tree_gives_what_its_nodes_give_one_by_one(hows: list[Aggregation], seed: int) -> None:
    values = np.random.default_rng(seed).uniform(0, 100, (5, 3, 4))
    found = build(values, Tree.of(ITEMS, NODES), how=hows)
    first = aggregate(values[..., :2], np.array([1, 3]), hows[1])
    index = aggregate(np.stack([values[..., 2], first], axis=-1), np.array([1, 1]), hows[0])
    np.testing.assert_allclose(found, np.stack([index, first, values[..., 3], values[..., 3]], axis=-1), rtol=1e-12)


@quick
@given(st.lists(st.sampled_from(AGGREGATIONS), min_size=4, max_size=4), st.floats(0, 100))
def test_equal_items_give_themselves_in_every_node_of_a_mixed_tree(hows: list[Aggregation], score: float) -> None:
    assert (build(np.full(4, score), Tree.of(ITEMS, NODES), how=hows) == score).all()


def test_whole_trees_keep_the_order_of_their_means() -> None:
    values, tree = np.random.default_rng(9).uniform(0, 100, (500, 4)), Tree.of(ITEMS, NODES)
    values[:50, 0] = 0
    each = [build(values, tree, how=how) for how in ("minimum", "harmonic", "geometric", "arithmetic")]
    assert (np.diff(each, axis=0) >= -1e-9).all()
    assert (np.diff([node[:, :2] for node in each], axis=0) > 0).any(axis=(1, 2)).all()


def test_every_run_may_have_its_own_weights(tree: Tree) -> None:
    rng = np.random.default_rng(3)
    values, weights = rng.uniform(0, 100, (6, 5, 4)), rng.uniform(0.75, 1.25, (6, 1, 8))
    found = build(values, tree, weights=weights)
    assert found.shape == (6, 5, 4)
    each = [build(values[run], tree, weights=weights[run, 0]) for run in range(6)]
    np.testing.assert_allclose(found, each, rtol=1e-13)


def test_weights_of_many_runs_spread_over_one_set_of_values(tree: Tree) -> None:
    weights = np.random.default_rng(3).uniform(0.75, 1.25, (6, 1, 8))
    assert build(np.full((5, 4), 30.0), tree, weights=weights).shape == (6, 5, 4)


def test_an_item_left_out_by_weight_0_may_be_missing(tree: Tree) -> None:
    values = np.array([np.nan, 80.0, 50.0, 7.0])
    assert np.isnan(build(values, tree)[[0, 1]]).all()
    without_x = np.array([0.0, 1, 1, 1, 1, 1, 1, 1])
    np.testing.assert_allclose(build(values, tree, weights=without_x), [65, 80, 7, 7], rtol=1e-14)


def test_a_declared_coverage_holds_node_by_node(tree: Tree) -> None:
    values = np.array([np.nan, 80.0, 50.0, np.nan])
    np.testing.assert_allclose(build(values, tree, coverage=0.5), [65, 80, np.nan, np.nan], rtol=1e-14)


@quick
@given(st.lists(st.sampled_from(AGGREGATIONS[:3]), min_size=4, max_size=4), st.integers(0, 99))
def test_gradients_are_the_slopes_of_every_node_by_every_item(hows: list[Aggregation], seed: int) -> None:
    values, tree = np.random.default_rng(seed).uniform(5, 95, 4), Tree.of(ITEMS, NODES)
    step = 1e-4 * np.eye(4)
    slopes = (build(values + step, tree, how=hows) - build(values - step, tree, how=hows)).T / 2e-4
    np.testing.assert_allclose(gradients(values, tree, how=hows), slopes, rtol=2e-6, atol=1e-7)


def test_gradients_are_missing_above_a_minimum_alone(tree: Tree) -> None:
    found = gradients(np.array([[10.0, 20, 30, 40], [np.nan, 20, 30, 40]]), tree)
    assert np.isnan(found[:, 2]).all()
    assert np.isfinite(found[:, [0, 1, 3]]).all()
    assert (found[1, :2] == 0).all()


def test_the_gradients_of_an_arithmetic_tree_are_the_loadings_of_its_framework() -> None:
    framework = Framework.from_toml(BORDER.read_text(encoding="utf-8"))
    tree = Tree.of(framework.items, framework.nodes)
    values = np.random.default_rng(1).uniform(0, 100, (4, tree.items))
    loadings = framework.loadings()
    np.testing.assert_allclose(gradients(values, tree)[2], loadings, rtol=1e-12)
    np.testing.assert_allclose(build(values, tree), values @ loadings.T, rtol=1e-12)


@pytest.mark.parametrize(
    ("items", "nodes", "words"),
    [
        ([Member("x", "a"), Member("x", "a")], [Member("a", None)], "x: this code is used twice"),
        ([Member("x", "b")], [Member("a", None)], "x: parent 'b' is not a node"),
        ([Member("x", "a")], [Member("a", None), Member("b", None)], "b: has no parts"),
        ([Member("x", "a", 0)], [Member("a", None)], "x: weight is 0; give a number above 0"),
        ([Member("x", "a")], [Member("a", None, 1, "median")], "aggregation is 'median'"),
        ([Member("x", "a")], [Member("a", "b"), Member("b", "a")], "stands under itself"),
    ],
)
def test_what_is_no_tree_is_refused(items: list[Member], nodes: list[Member], words: str) -> None:
    with pytest.raises(FrameworkError, match=words):
        Tree.of(items, nodes)


def test_a_ring_is_told_link_by_link() -> None:
    nodes = [Member("a", "c"), Member("b", "a"), Member("c", "b"), Member("d", None)]
    with pytest.raises(FrameworkError, match=r"(a under c|c under b|b under a)"):
        Tree.of([Member("x", "d")], nodes)


def test_one_aggregation_too_many_is_refused(tree: Tree) -> None:
    with pytest.raises(RequestError, match="3 aggregations for 4 nodes"):
        build(np.ones(4), tree, how=["arithmetic"] * 3)
