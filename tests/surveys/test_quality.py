"""Flags on interviews: what is planted is found, and chance alone is told beside it."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import stats

from app import settings
from surveys import quality, xlsform

LEVELS = 5
KEYS = np.array([f"uuid:{number}" for number in range(3_000)], dtype=object)


def invented(n: int, questions: int, *, seed: int = 1, levels: int = LEVELS, mood: float = 0.0) -> Any:
    """Answers of n people; with a mood, one person's answers lean the same way."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, questions)) + mood * rng.normal(size=(n, 1))
    bounds = stats.norm.ppf(np.arange(1, levels) / levels) * np.sqrt(1 + mood**2)
    return np.searchsorted(bounds, latent).astype(np.int16)


def halves(n: int) -> Any:
    return (np.arange(n) % 2).astype(np.intp)


# Near-duplicates


def test_a_copy_with_three_answers_changed_is_found_with_its_original() -> None:
    answers = invented(200, 30)
    answers[10] = answers[150]
    answers[10, :3] = (answers[150, :3] + 1) % LEVELS
    found = quality.near_duplicates(answers, KEYS[:200], halves(200), seed=3)
    assert list(zip(found.rows["submission"], found.rows["detail"], strict=True)) == [
        ("uuid:10", "uuid:150"), ("uuid:150", "uuid:10"),
    ]  # fmt: skip
    assert found.rows["value"].tolist() == [27 / 30] * 2
    assert found.rows["flag"].eq("near_duplicate").all()
    assert found.summary["found"].item() == 2
    assert found.summary["expected"].item() == 0


def test_a_match_is_the_share_of_the_answers_that_both_gave() -> None:
    answers = invented(40, 24, levels=2)
    answers[7] = answers[31]
    answers[np.random.default_rng(4).random(answers.shape) < 0.2] = -2
    found = quality.near_duplicates(answers, KEYS[:40], np.zeros(40, dtype=np.intp), seed=1, least=0.0, shared=12)
    closest = dict.fromkeys(range(40), 0.0)
    for one, two in itertools.permutations(range(40), 2):
        both = (answers[one] >= 0) & (answers[two] >= 0)
        if both.sum() >= 12:
            closest[one] = max(closest[one], float((answers[one] == answers[two])[both].mean()))
    limit = found.summary["limit"].item()
    expected = {KEYS[at]: value for at, value in closest.items() if value > limit}
    assert expected
    assert dict(zip(found.rows["submission"], found.rows["value"], strict=True)) == expected


def test_interviews_with_few_answers_in_common_are_not_compared() -> None:
    answers = invented(50, 30)
    answers[:, 10:] = -1
    answers[1] = answers[0]
    found = quality.near_duplicates(answers, KEYS[:50], halves(50), seed=3, shared=15)
    assert found.rows.empty
    assert found.summary["judged"].item() == 0


def test_answers_with_few_choices_are_held_to_what_chance_gives_and_not_to_a_fixed_share() -> None:
    rng = np.random.default_rng(5)
    answers = (rng.random((600, 20)) < 0.1).astype(np.int16)  # everybody says no to nearly everything
    found = quality.near_duplicates(answers, KEYS[:600], halves(600), seed=1)
    assert found.summary["limit"].item() > quality.MATCH
    assert found.summary["expected"].item() <= 1
    assert len(found.rows) <= 10  # a fixed limit would name nearly all 600


def test_what_goes_together_in_a_block_is_dealt_out_together() -> None:
    """Each person gives one answer to all 20 questions of a block, so that many are alike without any copying."""
    one_each = np.repeat(invented(300, 2, levels=7), 20, axis=1)
    apart = quality.near_duplicates(one_each, KEYS[:300], halves(300), seed=1)
    whole = quality.near_duplicates(one_each, KEYS[:300], halves(300), seed=1, together=[0] * 20 + [1] * 20)
    assert len(apart.rows) > 200
    assert whole.rows.empty


def test_comparing_a_few_rows_at_a_time_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = invented(150, 25, levels=3)
    once = quality.near_duplicates(answers, KEYS[:150], halves(150), seed=2, least=0.5)
    monkeypatch.setattr(quality, "_AT_ONCE", 1_000)
    again = quality.near_duplicates(answers, KEYS[:150], halves(150), seed=2, least=0.5)
    assert once.rows.equals(again.rows)
    assert once.summary.equals(again.summary)


@pytest.mark.parametrize("shape", [(0, 30), (1, 30), (5, 0)])
def test_files_without_two_interviews_or_questions_have_no_duplicates(shape: tuple[int, int]) -> None:
    answers = np.zeros(shape, dtype=np.int16)
    found = quality.near_duplicates(answers, KEYS[: shape[0]], np.zeros(shape[0], dtype=np.intp), seed=1)
    assert found.rows.empty
    assert found.summary["found"].item() == 0


# Straight lines


def test_a_straight_line_by_hand() -> None:
    """Two of four people gave each answer to each of four questions: all alike by chance in 2 (1/2)^4 = 1/8."""
    answers = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 1], [1, 0, 1, 0]], dtype=np.int16)
    found = quality.straight_lines(answers, KEYS[:4], np.zeros(4, dtype=np.intp), of={"block": range(4)}, rare=0.2)
    assert found.rows["submission"].tolist() == ["uuid:0", "uuid:1"]
    assert found.rows["chance"].tolist() == [1 / 8] * 2
    assert found.rows["value"].tolist() == [4, 4]
    assert found.summary["judged"].item() == 4
    assert found.summary["expected"].item() == pytest.approx(4 / 8)


def test_a_stratum_where_everybody_agrees_has_no_straight_lines_to_look_at() -> None:
    answers = np.vstack([np.full((50, 6), 4), invented(50, 6)]).astype(np.int16)
    answers[60] = 2
    stratum = np.repeat([0, 1], 50).astype(np.intp)
    found = quality.straight_lines(answers, KEYS[:100], stratum, of={"block": range(6)})
    assert "uuid:60" in set(found.rows["submission"])
    assert not set(found.rows["submission"]) & set(KEYS[:50])


def test_few_answers_make_no_line_and_missing_ones_do_not_break_it() -> None:
    answers = invented(400, 8)
    answers[0], answers[1] = 3, 3
    answers[0, 3:], answers[1, 6:] = -2, -2
    found = quality.straight_lines(answers, KEYS[:400], halves(400), of={"block": range(8)})
    assert "uuid:0" not in set(found.rows["submission"])
    assert found.rows.set_index("submission").loc["uuid:1", "value"] == 6


def test_as_many_lines_as_expected_are_found_where_answers_are_independent() -> None:
    answers = invented(3_000, 4, levels=3)
    found = quality.straight_lines(answers, KEYS, np.zeros(3_000, dtype=np.intp), of={"block": range(4)}, rare=0.5)
    line = found.summary.iloc[0]
    assert line["expected"] == pytest.approx(3_000 * 3 / 81, rel=0.05)
    assert stats.poisson.cdf(line["found"], line["expected"]) == pytest.approx(0.5, abs=0.495)


def test_blocks_of_the_travellers_form_are_runs_on_one_scale() -> None:
    form = xlsform.load(settings.INSTRUMENTS / "traveller")
    blocks = quality.blocks(form)
    assert blocks["link_leadership to link_officers"] == (
        "link_leadership", "link_headquarters", "link_region", "link_post", "link_shift", "link_officers",
    )  # fmt: skip
    assert set(blocks) >= {"service_speed to service_facilities", "rules_public to documents_surprise"}
    assert not [name for names in blocks.values() for name in names if name.startswith(("asked_", "paid_"))]


# Haste


def lengths(n: int, *, seed: int = 1) -> Any:
    return np.exp(np.random.default_rng(seed).normal(np.log(20), 0.3, n)).round(1)


def test_interviews_of_three_minutes_among_those_of_twenty_are_found() -> None:
    minutes = lengths(1_000)
    minutes[:5] = 3.0
    found = quality.speeders(minutes, KEYS[:1_000])
    assert set(KEYS[:5]) <= set(found.rows["submission"])
    line = found.summary.iloc[0]
    assert line["expected"] == 5.0
    assert stats.poisson.sf(line["found"] - 5 - 1, line["expected"]) > 0.001
    assert line["limit"] == pytest.approx(20 * np.exp(-2.576 * 0.3), rel=0.05)


def test_a_third_of_the_interviews_done_in_haste_does_not_hide_itself() -> None:
    minutes = lengths(900)
    minutes[:300] = 2.0
    found = quality.speeders(minutes, KEYS[:900])
    assert set(KEYS[:300]) <= set(found.rows["submission"])


def test_a_kind_of_interview_that_is_shorter_for_all_is_held_to_its_own_length() -> None:
    minutes = np.concatenate([lengths(300), lengths(300, seed=2) / 3])
    kind = np.repeat([0, 1], 300).astype(np.intp)
    own = quality.speeders(minutes, KEYS[:600], group=kind)
    assert len(own.rows) <= 12
    minutes[0] = 2.0
    assert "uuid:0" in set(quality.speeders(minutes, KEYS[:600], group=kind).rows["submission"])


def test_a_small_group_is_held_to_the_length_of_all() -> None:
    minutes = np.concatenate([lengths(300), np.full(5, 2.0)])
    kind = np.concatenate([np.zeros(300), np.ones(5)]).astype(np.intp)
    found = quality.speeders(minutes, KEYS[:305], group=kind)
    assert set(KEYS[300:305]) <= set(found.rows["submission"])


@pytest.mark.parametrize("minutes", [np.full(30, np.nan), np.full(30, 20.0), np.zeros(0)])
def test_durations_without_a_distribution_are_not_judged(minutes: Any) -> None:
    found = quality.speeders(minutes, KEYS[: len(minutes)])
    assert found.rows.empty
    assert found.summary["judged"].item() == 0


def test_an_interview_of_no_minutes_is_in_haste_and_an_unknown_length_is_not() -> None:
    minutes = lengths(200)
    minutes[0], minutes[1] = 0.0, np.nan
    found = quality.speeders(minutes, KEYS[:200])
    assert "uuid:0" in set(found.rows["submission"])
    assert "uuid:1" not in set(found.rows["submission"])
    assert found.summary["judged"].item() == 199


def test_flags_of_all_kinds_have_the_same_columns() -> None:
    answers = invented(100, 20)
    kinds = (
        quality.near_duplicates(answers, KEYS[:100], halves(100), seed=1),
        quality.straight_lines(answers, KEYS[:100], halves(100), of={"block": range(6)}),
        quality.speeders(lengths(100), KEYS[:100]),
    )
    for found in (*kinds, quality.joined(*kinds), quality.straight_lines(answers, KEYS, halves(100), of={})):
        assert tuple(found.rows) == quality.ROWS
        assert tuple(found.summary) == quality.SUMMARY
