"""Words on interventions: every verdict and finding is made by real figures, and sentence, colour and test agree."""

import ast
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import pytest

from app import charts, sentences
from app.charts import Caption, Scale
from app.charts.effects import DIFFERENCE, GREY
from app.sentences import EFFECT_DOUBTS, EFFECTS, EffectOf
from app.workflow import effects, interventions
from app.workflow.document import Release
from app.workflow.effects import Answer
from scoring import claims
from tests.posts import MEASURE, release_of_posts

WAVES = ("2016", "2018", "2020", "2022")
TREATED = ("p0", "p1", "p6", "p7")  # two on each bank
BEFORE, BETWEEN, AFTER, AMID = "2015-05-01", "2019-05-01", "2023-05-01", "2020-05-01"
NAN = np.nan
BANNED = re.compile(
    r"\b(work(s|ed)?|caus\w*|impact\w*|because of|due to|thanks to|led to|result(s|ed)? (of|in|from)|succe\w+|prove\w*|"
    r"effective\w*|improve\w*|helped|fault|blame\w*)\b",
    re.IGNORECASE,
)
KEYS = """
[waves.2016]
first_day = 2016-05-02
last_day = 2016-05-09
mode = "{mode}"
[waves.2018]
first_day = 2018-05-02
last_day = 2018-05-09
mode = "face_to_face"
[waves.2020]
first_day = 2020-05-02
last_day = 2020-05-09
mode = "face_to_face"
[waves.2022]
first_day = 2022-05-02
last_day = 2022-05-09
mode = "face_to_face"
"""
BRIDGE = """
[[bridge]]
since = "2016"
wave = "2022"
aspect = "mode"
reason = "The same people were asked in both ways"
"""


def moved(after: float, *, each: float = 0.0, seed: int = 62, shock: float = 2.0) -> Any:
    """Scores of twelve posts; four rise by `after` in the last two waves, and by `each` from wave to wave."""
    rng = np.random.default_rng(seed)
    treated = np.isin([f"p{post}" for post in range(12)], TREATED)
    moves = after * (np.arange(4) >= 2) + each * np.arange(4)
    return 50 + rng.normal(0, 4, (12, 1)) + rng.normal(0, shock, (12, 4)) + np.outer(treated, moves)


def changed(*change: float) -> Any:
    """Two waves: 50, and 50 and the change."""
    return np.column_stack([np.full(len(change), 50.0), 50 + np.array(change)])


def given(posts: Sequence[str] = TREATED, day: str = BETWEEN) -> Mapping[str, Sequence[str]]:
    return dict.fromkeys(posts, (day,))


def hidden(score: Any, *places: tuple[int, int]) -> Any:
    for post, wave in places:
        score[post, wave] = NAN
    return score


def many(score: Any, days: Mapping[str, Sequence[str]] | None = None, **more: Any) -> Release:
    return release_of_posts(score, waves=WAVES, left=6, interventions=days or given(), **more)


def few(score: Any, posts: Sequence[str], left: int, **more: Any) -> Release:
    return release_of_posts(score, waves=WAVES[1:3], left=left, interventions=given(posts), **more)


#: What is made up -> its release, and what must be said of it, the first of it the verdict or what leaves nothing.
CASES: Mapping[str, tuple[Release, Sequence[str]]] = {
    "a rise": (many(moved(15)), ["higher", "alike_before", "randomisation_agrees", "years"]),
    "a fall": (many(moved(-15)), ["lower", "alike_before", "randomisation_agrees"]),
    "another path before": (many(moved(0, each=8)), ["doubted", "pretrend_differs"]),
    "nothing": (many(moved(0)), ["not_clear", "pretrend_open"]),
    "two steps": (
        many(moved(15), {**given(), "p2": ("2021-05-01",), "p8": ("2021-05-01",)}), ["staggered"]
    ),
    "no earlier waves": (few(changed(9, 10, 11, 0, 1, -1, 0, 1), ["p0", "p1", "p4"], 4), ["no_earlier_waves"]),
    "few posts": (few(changed(20, 1, 22, 0), ["p0", "p2"], 2), ["higher", "few_posts", "coarse"]),
    "not borne out": (
        few(changed(6, 6.2, 5.8, 7, 0, 0, 0.5, 0), ["p0", "p1", "p2"], 8), ["higher", "randomisation_unclear"]
    ),
    "none after": (many(moved(0), given(day=AFTER)), ["none_treated"]),
    "none since the first": (many(moved(0), given(day=BEFORE)), ["none_treated", "treated_before"]),
    "one that rose": (few(changed(15, 1, 0, -1), ["p0"], 2), ["one_treated"]),
    "one that fell": (few(changed(-15, 1, 0, -1), ["p0"], 2), ["one_treated"]),
    "one that did not change": (few(changed(1, 15, 0, -1), ["p0"], 2), ["one_treated"]),
    "one of one shift": (few(changed(15, 1, 0, -1), ["p0"], 2, df=0.0), ["one_treated"]),
    "all": (few(changed(15, 14, 16, 15), ["p0", "p1", "p2", "p3"], 2), ["all_treated"]),
    "all but one": (few(changed(15, 14, 16, 0), ["p0", "p1", "p2"], 2), ["one_untreated"]),
    "one side had it": (few(changed(15, 14, 16, 0, 1, 2), ["p0", "p1", "p2"], 3), ["sides_apart", "few_posts"]),
    "no post of one side": (
        few(changed(15, 14, 0, 1, -1, 0, 1, 0), ["p0", "p1"], 4), ["higher", "other_side", "few_posts"]
    ),
    "hidden, early and else": (
        many(
            hidden(moved(15), (1, 1), (9, 3), (2, 0)),
            {**given(), "p10": (BEFORE,), "p11": (f"{BETWEEN} scanner",)},
        ),
        ["hidden_scores", "treated_before", "other_kind", "not_in_picture"],
    ),
    "no score in the first wave": (
        many(hidden(moved(15), (0, 0), (1, 0), (6, 0), (7, 0))), ["higher", "no_earlier_waves", "not_in_picture"]
    ),
    "amid a wave": (many(moved(15), {**given(), "p0": (AMID,)}), ["amid"]),
    "another mode": (many(moved(15), keys=KEYS.format(mode="phone")), ["higher", "not_comparable"]),
    "another mode, bridged": (many(moved(15), keys=KEYS.format(mode="phone") + BRIDGE), ["higher", "bridged"]),
}  # fmt: skip
FIRST = {
    # by hand: means 21 and 0.5, variances 2 / 2 and 0.5 / 2, df 1.25^2 / (1 + 0.25^2), t 6.18
    "few posts": "Integrity rose more, or fell less, at the 2 posts with training than at the 2 others from 2018 to "
    "2020: the changes differ by +20.5 points (13.6 to 27.4).",
    "one that rose": "Only Post 0 had training between 2018 and 2020, and this post rose clearly in Integrity, by "
    "+15.0 points (9.2 to 20.8). One post can say nothing on training.",
    "one that did not change": "Only Post 0 had training between 2018 and 2020, and this post did not clearly change "
    "in Integrity (+1.0 points, \N{MINUS SIGN}4.8 to 6.8). One post can say nothing on training.",
    "one of one shift": "Only Post 0 had training between 2018 and 2020, and this post changed in Integrity by +15.0 "
    "points, with too few shifts to judge it. One post can say nothing on training.",
    "one side had it": "Every post with training lies on one side (Left bank) and every post without on the other "
    "(Right bank). Sides are not set against each other, so nothing is said on training.",
}


@cache
def answer(case: str) -> Answer:
    return effects.study(CASES[case][0], kind="training", measure=MEASURE)


def about(case: str) -> EffectOf:
    found, release = answer(case), CASES[case][0]
    labels = effects.labels(release)
    return EffectOf(found.kind, "Integrity", "points", found.since, found.wave, labels)


def first(case: str) -> str:
    return sentences.told_effect(answer(case).code, answer(case).figures, about(case))


def told(case: str) -> list[str]:
    return [first(case), *sentences.told_doubts(answer(case).findings, about(case))]


def codes(case: str) -> list[str]:
    return [answer(case).code, *(finding.code for finding in answer(case).findings)]


def drawn(case: str) -> Mapping[str, dict[str, Any]]:
    """Rows of the picture of posts, by their words."""
    found = answer(case)
    spec = charts.effect_posts(
        found.changes, found.claim, labels=effects.labels(CASES[case][0]), scale=Scale("points"),
        caption=Caption("", "", "", synthetic=True),
    )  # fmt: skip
    values = [row for layer in spec["layer"] for row in spec["datasets"][layer["data"]["name"]]] if (
        "datasets" in spec
    ) else [row for layer in spec["layer"] for row in layer["data"]["values"]]  # fmt: skip
    return {row["label"]: row for row in values if "colour" in row}


def emitted(module: Any) -> set[str]:
    """Codes of findings that a module can make."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"
    ]
    return {str(node.args[0].value) for node in calls if isinstance(node.args[0], ast.Constant)}


def test_every_finding_that_can_be_made_has_a_sentence_and_no_other_has() -> None:
    made = emitted(claims) | emitted(effects) | emitted(interventions)
    verdicts = {"higher", "lower", "doubted", "not_clear"}
    assert made | verdicts == set(EFFECTS) | set(EFFECT_DOUBTS)
    assert set(EFFECTS) & set(EFFECT_DOUBTS) == set()


@pytest.mark.parametrize("case", CASES)
def test_what_is_made_up_is_said(case: str) -> None:
    expected = list(CASES[case][1])
    assert [code for code in expected if code not in codes(case)] == []


def test_the_cases_reach_every_sentence() -> None:
    reached = {code for case in CASES for code in codes(case)}
    assert reached >= set(EFFECTS) | set(EFFECT_DOUBTS)
    alone = {sentences.post_alone(answer(case).figures) for case in CASES if answer(case).code == "one_treated"}
    assert alone == set(sentences.POST_ALONE)


@pytest.mark.parametrize("case", FIRST)
def test_the_first_sentence_word_for_word(case: str) -> None:
    assert first(case) == FIRST[case]


@pytest.mark.parametrize("case", CASES)
def test_sentence_colour_and_test_agree(case: str) -> None:
    """Better or worse is said and coloured where the t test of posts is clear and no earlier wave speaks against it."""
    claim = answer(case).claim
    tested = claim.effect is not None and claim.effect.p < 0.05 and "pretrend_differs" not in codes(case)
    rose = tested and claim.effect is not None and claim.effect.estimate > 0
    assert ("rose more, or fell less" in first(case)) == rose
    assert ("fell more, or rose less" in first(case)) == (tested and not rose)
    diamond = drawn(case).get(DIFFERENCE, {"colour": GREY, "words": "", "clear": False})
    expected = (charts.BLUE if rose else charts.VERMILION) if tested else GREY
    assert (diamond["colour"], diamond["clear"]) == (expected, tested)
    assert diamond["words"].endswith(", clear") == tested


@pytest.mark.parametrize("case", CASES)
def test_a_post_is_coloured_where_its_own_test_is_clear(case: str) -> None:
    rows = answer(case).changes.set_index("post")
    shown = {f"Post {post[1:]}": row for post, row in rows.iterrows() if row["estimate"] == row["estimate"]}
    picture = drawn(case)
    assert {label for label, row in picture.items() if row["words"] and label != DIFFERENCE} == set(shown)
    for label, row in shown.items():
        clear = bool(row["p_adjusted"] < 0.05)
        expected = (charts.BLUE if row["estimate"] > 0 else charts.VERMILION) if clear else GREY
        assert (picture[label]["colour"], picture[label]["words"].endswith(", clear")) == (expected, clear)
        assert picture[label]["shape"] == {"with": "square", "without": "circle"}[row["group"]]


@pytest.mark.parametrize("case", [case for case in CASES if answer(case).claim.verdict == "none"])
def test_where_nothing_is_claimed_no_sentence_picture_or_figure_speaks_of_the_intervention(case: str) -> None:
    found = answer(case)
    assert re.search(r"nothing", first(case))
    assert DIFFERENCE not in drawn(case)
    assert found.events.empty
    assert found.bounds.empty
    assert charts.effect_figures(found.claim, unit="points") == []
    assert set(effects.rows(found)["part"]) <= {"post", "placebo"}


@pytest.mark.parametrize("better", ["better", "worse", "ambiguous"])
@pytest.mark.parametrize("verdict", ["none", "not_clear", "doubted", "higher", "lower"])
def test_only_a_claim_is_coloured_and_by_which_way_is_good(verdict: str, better: str) -> None:
    estimate = -5.0 if verdict == "lower" else 5.0
    good = {"better": estimate > 0, "worse": estimate < 0}
    expected = {True: charts.BLUE, False: charts.VERMILION}[good[better]] if better in good else charts.looks.INK
    claimed = verdict in ("higher", "lower")
    assert charts.effect_colour(verdict, estimate, better=better) == (expected if claimed else GREY)


@pytest.mark.parametrize("case", CASES)
def test_no_sentence_gives_a_reason_for_a_difference(case: str) -> None:
    assert [line for line in told(case) if BANNED.search(line)] == []


def test_nothing_in_the_catalogue_gives_a_reason_for_a_difference() -> None:
    module = sentences.effects
    texts = [node.value for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")))
             if isinstance(node, ast.Constant) and isinstance(node.value, str)]  # fmt: skip
    assert len(texts) > 50
    assert [text for text in texts if BANNED.search(text)] == []


@pytest.mark.parametrize("case", CASES)
def test_every_sentence_is_whole_and_holds_no_code(case: str) -> None:
    for line in told(case):
        assert line.endswith(".")
        assert "{" not in line
        assert not re.search(r"\b(p\d+|left_bank|right_bank|nan|None)\b", line)


def test_every_sentence_asks_for_figures_that_have_words() -> None:
    known = {"kind", "measure", "unit", "since", "wave", "told"}
    fields = {
        code: {name for _, name, _, _ in Formatter().parse(text) if name} - known
        for code, text in {**EFFECTS, **EFFECT_DOUBTS}.items()
    }
    carried = {
        finding.code: set(finding.params) for case in CASES for finding in answer(case).findings
    } | {answer(case).code: set(answer(case).figures) for case in CASES}  # fmt: skip
    assert {code: names - carried[code] for code, names in fields.items() if names - carried[code]} == {}


def test_what_is_left_out_is_named_with_its_reason() -> None:
    lines = told("hidden, early and else")
    assert "Left out, because one of the two scores is not shown: Post 1, Post 9 (with training: Post 1)." in lines
    assert "Left out, because they had training before 2018: Post 10." in lines
    assert "Left out, because they had something else and are no plain comparison: Post 11." in lines
    rows = drawn("hidden, early and else")
    assert rows["Post 10"]["note"] == "left out: had it before"
    assert rows["Post 11"]["note"] == "left out: had something else"
    assert rows["Post 9"]["note"] == "not shown: one of the two scores is not shown"


def test_without_a_score_in_every_wave_there_is_no_picture_over_time_and_no_bound() -> None:
    found = answer("no score in the first wave")
    assert found.claim.effect is not None
    assert (len(found.events), len(found.bounds)) == (0, 0)
    assert "Not in the picture over time, for want of a score in every wave: Post 0, Post 1, Post 6, Post 7." in told(
        "no score in the first wave"
    )


def test_waves_made_otherwise_are_left_out_or_bridged_with_the_reason() -> None:
    assert answer("another mode").claim.placebo.empty
    assert "Left out, because they were asked otherwise than 2022: 2016." in told("another mode")
    assert not answer("another mode, bridged").claim.placebo.empty
    assert (
        "2016 was asked otherwise than 2022, and is used all the same: The same people were asked in both ways."
        in told("another mode, bridged")
    )


@pytest.mark.parametrize(
    ("bound", "words"),
    [(1.26, "Up to 1.3 times"), (float("inf"), "up to 100 times"), (float("nan"), "takes in 0 whatever is assumed")],
)
def test_how_far_posts_may_have_strayed_is_told(bound: float, words: str) -> None:
    assert words in sentences.told_breakdown(bound)


@pytest.mark.parametrize(("p", "clear"), [(0.049, True), (0.05, False)])
def test_the_average_over_all_waves_is_told_by_its_own_test(p: float, clear: bool) -> None:  # noqa: FBT001 - of a case
    line = sentences.told_overall({"estimate": 4.0, "low": 0.1, "high": 7.9, "p": p}, about("two steps"))
    assert ("may be chance" not in line) == clear


def test_hours_are_told_with_two_decimals_and_shares_in_percentage_points() -> None:
    figures = {"estimate": -0.25, "low": -0.5, "high": NAN, "treated": 4, "untreated": 8}
    assert "\N{MINUS SIGN}0.25 hours (\N{MINUS SIGN}0.50 to not known)" in sentences.told_effect(
        "lower", figures, EffectOf("training", "Hours to cross", "hours", "2018", "2020")
    )
    assert "percentage points" in sentences.told_effect(
        "lower", figures, EffectOf("training", "Asked to pay", "%", "2018", "2020")
    )
