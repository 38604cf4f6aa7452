"""Soundness: alpha as R has it, units freed of sampling error, and each kind of node judged by its own rules."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import EstimationError, Framework, SurveyDesign, estimate
from scoring.nodes import Indicator
from scoring.soundness import Soundness, soundness

DATA = Path(__file__).parents[1] / "reference" / "data"
BORDER = SurveyDesign(weight="w", strata="wstratum", psu="wpsu", wave="wave")


def framework(
    dimensions: dict[str, tuple[str, int]], *, worse: str = "", weights: dict[str, float] | None = None
) -> Framework:
    """An index over dimensions, each with a kind and a number of items a1, a2, ... answered from 1 to 5."""
    lines = ['id = "f"', 'version = "1"', 'title = "F"', '[[index]]\ncode = "x"\ntitle = "X"']
    for name, (kind, size) in dimensions.items():
        lines.append(f'[[dimension]]\ncode = "{name}"\ntitle = "D"\nindex = "x"\nkind = "{kind}"')
        for place in range(1, size + 1):
            code = f"{name}{place}"
            lines.append(
                f'[[item]]\ncode = "{code}"\ntitle = "Q"\ndimension = "{name}"\nrange = [1, 5]\n'
                f'direction = "{"worse" if code == worse else "better"}"\nweight = {(weights or {}).get(code, 1)}'
            )
    return Framework.from_toml("\n".join(lines))


def answers(latent: Any) -> Any:
    """Answers from 1 to 5 to which a latent variable is cut."""
    return 1 + (np.asarray(latent)[..., None] > [-1.5, -0.5, 0.5, 1.5]).sum(axis=-1)


def codes(found: Soundness, level: str = "respondent") -> set[tuple[str, str]]:
    """Findings, each with the part, node, pair or item that it is about."""
    about = [
        (one.code, "-".join(str(one.params[key]) for key in ("part", "item", "first", "second") if key in one.params)
         or str(one.params["node"]))
        for one in found.findings if one.params.get("level", level) == level
    ]  # fmt: skip
    return set(about)


@pytest.fixture(scope="module")
def border() -> pd.DataFrame:
    frame = pd.read_csv(DATA / "border_open.csv")
    return frame.rename(columns={f"q{n}": f"{'abc'[(n - 1) // 4]}{(n - 1) % 4 + 1}" for n in range(1, 9)})


@pytest.fixture(scope="module")
def judged(border: pd.DataFrame) -> Soundness:
    return soundness(border, framework({"a": ("reflective", 4), "b": ("formative", 4)}), BORDER, units="point")


def test_alpha_is_that_of_r(judged: Soundness) -> None:
    cases = json.loads((DATA / "border_open_indep.json").read_text(encoding="utf-8"))["cases"]
    theirs = next(case["value"]["v"][0] for case in cases if case["id"] == "cralpha")
    assert judged.nodes["alpha"].tolist() == pytest.approx([theirs], rel=1e-9)


def test_the_interval_of_alpha_is_that_of_the_estimates_of_one_wave(border: pd.DataFrame) -> None:
    first = border[border["wave"] == 1]
    own = soundness(first, framework({"a": ("reflective", 4)}), BORDER).nodes.iloc[0]
    table = estimate(first, BORDER, alpha=["a1", "a2", "a3", "a4"]).iloc[0]
    assert own[["alpha", "low", "high", "n"]].tolist() == pytest.approx(
        table[["estimate", "low", "high", "n"]].tolist()
    )


def test_a_formative_node_has_no_alpha_and_a_reflective_one_no_influence(judged: Soundness) -> None:
    assert judged.nodes["node"].tolist() == ["a"]
    reflective = judged.parts["kind"] == "reflective"
    assert judged.parts.loc[reflective, ["inflation", "influence", "squared"]].isna().all(axis=None)
    assert judged.parts.loc[~reflective, ["rest", "loading"]].isna().all(axis=None)


def test_an_item_that_is_worse_upwards_is_turned_round(border: pd.DataFrame) -> None:
    turned = border.assign(a2=6 - border["a2"])
    shape = {"a": ("reflective", 4)}
    mine = soundness(turned, framework(shape, worse="a2"), BORDER)
    pd.testing.assert_frame_equal(mine.parts, soundness(border, framework(shape), BORDER).parts)
    assert ("opposite_item", "a2") in codes(soundness(turned, framework(shape), BORDER))


def test_shares_of_worst_and_best_answers_are_weighted(judged: Soundness, border: pd.DataFrame) -> None:
    shares = estimate(border.assign(wave=1), BORDER, proportion=["a1 == 1", "a1 == 5"])
    theirs = shares.loc[shares["category"] == "True", "estimate"].tolist()
    assert judged.items.loc[0, ["floor", "ceiling"]].tolist() == pytest.approx(theirs, rel=1e-9)


def people(**columns: Any) -> pd.DataFrame:
    """400 respondents in 40 PSUs."""
    return pd.DataFrame({"psu": np.arange(400) // 10, **columns})


def test_items_of_two_things_are_no_reflective_node() -> None:
    rng = np.random.default_rng(2)
    one, two = rng.normal(size=(2, 400))
    mixed = {f"a{n + 1}": answers((one if n < 2 else two) + 0.6 * rng.normal(size=400)) for n in range(4)}
    found = soundness(people(**mixed), framework({"a": ("reflective", 4)}), SurveyDesign(psu="psu"))
    assert {("alpha_low", "a"), ("not_one_factor", "a")} <= codes(found)


def test_items_of_one_thing_raise_no_finding() -> None:
    rng = np.random.default_rng(2)
    one = rng.normal(size=400)
    alike = {f"a{n}": answers(one + 0.7 * rng.normal(size=400)) for n in (1, 2, 3, 4)}
    found = soundness(people(**alike), framework({"a": ("reflective", 4)}), SurveyDesign(psu="psu"))
    assert codes(found) == set()


def test_an_alpha_that_may_lie_on_either_side_is_called_unclear() -> None:
    rng = np.random.default_rng(3)
    one = rng.normal(size=400)
    loose = {f"a{n}": answers(one + 1.27 * rng.normal(size=400)) for n in (1, 2, 3, 4)}
    found = soundness(people(**loose), framework({"a": ("reflective", 4)}), SurveyDesign(psu="psu"))
    row = found.nodes.iloc[0]
    assert row["low"] < 0.7 < row["high"]
    assert ("alpha_unclear", "a") in codes(found)


def test_parts_that_make_a_node_up_are_judged_by_redundancy_and_influence_alone() -> None:
    # b1 and b2 say the same; b4 hardly varies and b5 goes against b1
    rng = np.random.default_rng(4)
    free = rng.normal(size=(3, 400))
    parts = {"b1": answers(1.5 * free[0]), "b3": answers(1.5 * free[1]), "b4": np.where(free[2] > 2.2, 4, 3)}
    parts |= {"b2": np.where(free[2] > 1.9, 3, parts["b1"]), "b5": 6 - answers(1.5 * free[0] + rng.normal(size=400))}
    found = soundness(people(**parts), framework({"b": ("formative", 5)}), SurveyDesign(psu="psu"))
    told = codes(found)
    assert {("same", "b1-b2"), ("inflated", "b1"), ("inflated", "b2"), ("light", "b4"), ("opposed", "b1-b5")} <= told
    assert not {code for code, _ in told} & {"alpha_low", "alpha_unclear", "weak_item", "not_one_factor"}


def test_a_part_of_double_weight_counts_as_it_should() -> None:
    # parts that share nothing: influence is w^2 v / sum w^2 v, weights 4, 1, 1 and about one variance
    rng = np.random.default_rng(5)
    parts = {f"b{n}": answers(rng.normal(size=400)) for n in (1, 2, 3)}
    shape = framework({"b": ("formative", 3)}, weights={"b1": 4.0})
    own = soundness(people(**parts), shape, SurveyDesign(psu="psu")).parts.set_index("part").loc[["b1", "b2", "b3"]]
    assert own["influence"].sum() == pytest.approx(1)
    assert own["influence"].to_numpy() == pytest.approx([16 / 18, 1 / 18, 1 / 18], abs=0.06)
    assert own["weight"].to_numpy() == pytest.approx([4 / 6, 1 / 6, 1 / 6])


def test_items_at_the_end_of_their_scale_are_told() -> None:
    parts = {"b1": np.repeat([1, 2, 5], [240, 100, 60]), "b2": np.tile([5, 5, 5, 2], 100)}
    told = codes(soundness(people(**parts), framework({"b": ("formative", 2)}), SurveyDesign(psu="psu")))
    assert {("floor", "b1"), ("ceiling", "b2")} <= told


def test_an_item_that_goes_with_another_node_is_astray() -> None:
    rng = np.random.default_rng(6)
    one, two = rng.normal(size=(2, 400))
    own = {f"a{n}": answers(one + rng.normal(size=400)) for n in (1, 2, 3)} | {"a4": answers(0.5 * one + two)}
    other = {f"b{n}": answers(two + 0.5 * rng.normal(size=400)) for n in (1, 2)}
    shape = framework({"a": ("reflective", 4), "b": ("formative", 2)})
    told = codes(soundness(people(**own, **other), shape, SurveyDesign(psu="psu")))
    assert {part for code, part in told if code == "astray"} == {"a4"}


def posts(rng: np.random.Generator, *, truth: float, error: float, size: int = 30) -> pd.DataFrame:
    """Posts of 8 shifts of 6: two items whose post means correlate by `truth`, and respondents' moods by `error`."""
    post = np.repeat(np.arange(size), 48)
    means = rng.multivariate_normal([0, 0], [[0.2, 0.2 * truth], [0.2 * truth, 0.2]], size)
    moods = rng.multivariate_normal([0, 0], [[1, error], [error, 1]], post.size)
    given = answers(means[post] + moods)
    return pd.DataFrame({"post": post, "shift": np.arange(post.size) // 6, "b1": given[:, 0], "b2": given[:, 1]})


def test_between_posts_the_truth_shows_where_respondents_moods_go_the_other_way() -> None:
    frame = posts(np.random.default_rng(7), truth=0.9, error=-0.5, size=60)
    found = soundness(frame, framework({"b": ("formative", 2)}), SurveyDesign(strata="post", psu="shift"), units="post")
    pair = found.correlations.set_index("level")["correlation"]
    means = frame.groupby("post")[["b1", "b2"]].mean().corr().iloc[0, 1]
    assert pair["respondent"] < -0.1
    assert pair["unit"] == pytest.approx(0.9, abs=0.12)
    assert abs(pair["unit"] - 0.9) < abs(means - 0.9)
    assert found.correlations.set_index("level").loc["unit", "n"] == 60


def test_posts_that_differ_by_chance_alone_have_no_correlation_and_a_reason() -> None:
    rng = np.random.default_rng(9)
    post = np.repeat(np.arange(20), 48)
    moods = {f"b{n}": answers(rng.normal(size=post.size)) for n in (1, 2)}
    frame = pd.DataFrame({"post": post, "shift": np.arange(post.size) // 6, **moods})
    found = soundness(frame, framework({"b": ("formative", 2)}), SurveyDesign(strata="post", psu="shift"), units="post")
    unit = found.correlations[found.correlations["level"] == "unit"].iloc[0]
    assert np.isnan(unit["correlation"])
    assert unit["reason"] == "no_spread"


def test_fewer_than_five_posts_have_no_correlation() -> None:
    frame = posts(np.random.default_rng(7), truth=0.9, error=0.0, size=4)
    found = soundness(frame, framework({"b": ("formative", 2)}), SurveyDesign(strata="post", psu="shift"), units="post")
    assert set(found.parts.loc[found.parts["level"] == "unit", "reason"]) == {"few_units"}


def test_few_posts_hold_nothing_against_an_index_and_many_only_what_is_sure() -> None:
    def same(size: int, truth: float) -> set[str]:
        frame = posts(np.random.default_rng(8), truth=truth, error=0.0, size=size)
        design = SurveyDesign(strata="post", psu="shift")
        found = soundness(frame, framework({"b": ("formative", 2)}), design, units="post")
        return {code for code, _ in codes(found, "unit") if code not in ("floor", "ceiling", "hidden")}

    assert same(8, 1.0) == set()
    assert same(60, 0.8) == set()
    assert "same" in same(90, 1.0)


def test_a_low_part_behind_a_node_that_is_not_low_is_counted_by_hand() -> None:
    # b1 and b2 of posts 0-100: (25, 100) offset, (25, 50) not, (75, 75), (25, 75) just offset, (100, 0) offset
    scores = [(2, 5), (2, 3), (4, 4), (2, 4), (5, 1)]
    rows = [{"post": p, "shift": 4 * p + s, "b1": a, "b2": b} for p, (a, b) in enumerate(scores) for s in range(4)]
    frame = pd.DataFrame(rows)
    frame = pd.concat([frame] * 15, ignore_index=True)
    found = soundness(frame, framework({"b": ("formative", 2)}), SurveyDesign(strata="post", psu="shift"), units="post")
    counted = found.compensation[found.compensation["node"] == "b"]
    assert counted[["part", "units", "below", "offset"]].to_numpy().tolist() == [["b1", 5, 3, 2], ["b2", 5, 1, 1]]
    assert {("hidden", "b1"), ("hidden", "b2")} <= codes(found)


def test_questions_beside_the_index_need_not_be_in_the_data() -> None:
    rng = np.random.default_rng(7)
    shape = framework({"b": ("formative", 2)})
    beside = Indicator("paid", "Paid", ("paid",), "share", (0.0, 1.0), "%", "worse", sensitive=True, headline=False)
    frame, design = posts(rng, truth=0.9, error=0.0), SurveyDesign(strata="post", psu="shift")
    mine = soundness(frame, replace(shape, indicators=(beside,)), design, units="post")
    pd.testing.assert_frame_equal(mine.correlations, soundness(frame, shape, design, units="post").correlations)


def test_few_complete_answers_give_a_reason_instead_of_an_alpha() -> None:
    rng = np.random.default_rng(1)
    frame = people(a1=answers(rng.normal(size=400)), a2=np.where(np.arange(400) < 30, 3, -1))
    node = soundness(frame, framework({"a": ("reflective", 2)}), SurveyDesign(psu="psu")).nodes.iloc[0]
    assert node["n"] == 30
    assert node["reason"] == "few_answers"
    assert np.isnan(node["alpha"])


def test_a_question_that_nobody_answered_gives_reasons_and_no_figure() -> None:
    rng = np.random.default_rng(1)
    given = {f"{d}{n}": answers(rng.normal(size=400)) for d in "ab" for n in (1, 2)} | {"a2": -1, "b2": -1}
    shape = framework({"a": ("reflective", 2), "b": ("formative", 2)})
    found = soundness(people(**given), shape, SurveyDesign(psu="psu"))
    assert found.nodes["reason"].tolist() == ["few_answers"]
    assert set(found.parts.loc[found.parts["node"] != "x", "reason"]) == {"few_answers"}
    assert np.isnan(found.items.set_index("item").loc["a2", "floor"])


def test_two_items_have_an_alpha_and_no_factor() -> None:
    rng = np.random.default_rng(1)
    one = rng.normal(size=400)
    frame = people(**{f"a{n}": answers(one + rng.normal(size=400)) for n in (1, 2)})
    node = soundness(frame, framework({"a": ("reflective", 2)}), SurveyDesign(psu="psu")).nodes.iloc[0]
    assert node["alpha"] > 0.5
    assert np.isnan(node["omega"])
    assert node["reason"] == "few_parts"


def test_a_part_that_is_a_mixture_of_others_is_named_as_such() -> None:
    rng = np.random.default_rng(1)
    one, two = answers(rng.normal(size=(2, 400)))
    frame = people(b1=one, b2=two, b3=np.clip(one, 1, 5), b4=two)
    found = soundness(frame, framework({"b": ("formative", 4)}), SurveyDesign(psu="psu"))
    assert set(found.parts.loc[found.parts["node"] == "b", "reason"]) == {"mixture"}
    assert {("same", "b1-b3"), ("same", "b2-b4")} <= codes(found)


def test_answers_outside_the_scale_are_refused() -> None:
    with pytest.raises(EstimationError, match="400 answers to 'b1' are outside"):
        soundness(people(b1=7, b2=1), framework({"b": ("formative", 2)}), SurveyDesign(psu="psu"))
    with pytest.raises(EstimationError, match="'b2' hold text"):
        soundness(people(b1=1, b2="yes"), framework({"b": ("formative", 2)}), SurveyDesign(psu="psu"))
