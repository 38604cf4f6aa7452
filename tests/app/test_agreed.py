"""What was agreed and aimed at: status, sentence and colour come from one test, and from nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from app import sentences
from app.charts import BLUE, VERMILION, verdict
from app.sentences.agreed import SINCE, STATUSES, TARGETS
from app.workflow import agreed, declared, donors
from app.workflow.document import Document, Measure
from app.workflow.results import Release
from scoring.commitments import Commitment, Progress
from scoring.findings import Finding

law = settings(max_examples=100, deadline=None, derandomize=True, database=None)
SIDES = ("left", "right")
HEAD = "code,item,office,action,due,since,side,target"
SE, DF = 2.0, 20.0
TITLES = {"left": "Left bank", "score": "Clear steps", "hours": "Hours to cross", "ferry": "Heron Ferry"}


def measure(code: str, direction: str, unit: str) -> Measure:
    return Measure(code, code.capitalize(), "item", None, False, direction, unit, "", "", "", (), ())


MEASURES = (
    measure("score", "better", "points"),
    measure("hours", "worse", "hours"),
    measure("signs", "ambiguous", "%"),
)


def scored(wave: str, code: str, estimate: float, *, side: str = "left", reason: str = "") -> dict[str, Any]:
    """A figure of 100 answers with a standard error of 2 on 20 df; hidden where there is a reason."""
    half = stats.t.ppf(0.975, DF) * SE
    own = {"estimate": estimate, "se": SE, "df": DF, "low": estimate - half, "high": estimate + half, "n": 100.0}
    shown = dict.fromkeys(own, np.nan) if reason else own
    status = "suppressed" if reason else "ok"
    return {"wave": wave, "side": side, "measure": code} | shown | {"status": status, "reason": reason}


def moved(code: str, change: float, *, side: str = "left", since: str = "2022") -> dict[str, Any]:
    """The change of two such figures."""
    se, df = SE * np.sqrt(2), 2 * DF
    half = stats.t.ppf(0.975, df) * se
    p = 2 * stats.t.sf(abs(change) / se, df)
    own = {"estimate": change, "se": se, "df": df, "low": change - half, "high": change + half, "n": 100.0, "p": p}
    return {"wave": "2024", "since": since, "side": side, "measure": code} | own | {"status": "ok", "reason": ""}


def release(
    *,
    change: float = 0.0,
    level: float = 50.0,
    code: str = "score",
    hidden: str = "",
    keys: str = "",
    **files: str,
) -> Release:
    """Two waves of one measure on two banks; the right bank never moves."""
    rows = [scored("2022", code, level - change), scored("2024", code, level, reason=hidden)]
    rows += [scored(wave, code, 50.0, side="right") for wave in ("2022", "2024")]
    files |= {"waves": keys} if keys else {}
    moves = [moved(code, change)] * (not hidden) + [moved(code, 0.0, side="right")]
    document = Document(
        survey_id="s", title="S", synthetic=True, waves=("2022", "2024"), note={}, measures=MEASURES, cuts=(),
        scores={("side",): pd.DataFrame(rows)}, moves={("side",): pd.DataFrame(moves)}, loss=pd.DataFrame(),
        declared=files,
    )  # fmt: skip
    declared.refuse_unfit(files, document=document)
    return Release(document=document, number=1, revision=0, state="published", digest="d")


def promise(
    code: str = "score", *, due: str = "2024", target: str = "", since: str = "2022", side: str = "left"
) -> str:
    return f"{HEAD}\nc1,{code},customs_service,post_fees,{due},{since},{side},{target}\n"


def stand(**given_: Any) -> Progress:
    """The one commitment of a small release."""
    named = {name: given_.pop(name) for name in ("due", "target", "since") if name in given_}
    code = given_.get("code", "score")
    return agreed.commitments(release(commitments=promise(code, **named), **given_))[0]


# Status


@pytest.mark.parametrize(
    ("given_", "status", "code"),
    [
        ({"change": 9.0}, "met", "met_change"),
        ({"change": 9.0, "due": "2026"}, "moving", "moving_early"),
        ({"change": 9.0, "target": "60"}, "moving", "moving_target"),
        ({"change": 9.0, "target": "60", "level": 70.0}, "met", "met_target"),
        ({"change": 0.0, "target": "60", "level": 70.0}, "met", "met_target"),
        ({"change": -9.0, "target": "60", "level": 70.0}, "met", "met_target_fell"),
        ({"change": -9.0}, "worse", "worse"),
        ({"change": -9.0, "due": "2026"}, "worse", "worse"),
        ({"change": 3.0}, "not_clear", "not_clear"),
        ({"change": 3.0, "target": "51"}, "not_clear", "not_clear_open"),
        ({"change": 3.0, "target": "60"}, "not_clear", "not_clear_missed"),
        ({"hidden": "few_answers"}, "not_clear", "not_clear_untold"),
        ({"change": 3.0, "due": "2026"}, "not_due", "not_due"),
        ({"hidden": "few_answers", "due": "2026"}, "not_due", "not_due_untold"),
        ({"since": "2024", "due": "2026"}, "not_due", "not_due_unmeasured"),
        ({"since": "2026", "due": "2028"}, "not_due", "not_due_unmeasured"),
        ({"change": -9.0, "code": "hours"}, "met", "met_change"),
        ({"change": 9.0, "code": "hours"}, "worse", "worse"),
        ({"change": -9.0, "code": "hours", "target": "30"}, "moving", "moving_target"),
        ({"change": 9.0, "code": "hours", "target": "70"}, "met", "met_target_fell"),
    ],
)
def test_each_way_to_stand_has_its_status_and_its_sentence(given_: dict[str, Any], status: str, code: str) -> None:
    found = stand(**given_)
    assert (found.status, sentences.agreed_code(found)) == (status, code)
    assert found.finding.code == f"commitment_{status}"


def test_a_commitment_on_what_is_better_when_low_needs_no_direction() -> None:
    assert stand(change=-9.0, code="hours").finding.params["reach"] == "at_most"


def test_a_wave_after_the_year_of_promise_judges_it() -> None:
    assert stand(change=3.0, due="2023").status == "not_clear"
    assert stand(change=3.0, due="2025").status == "not_due"
    assert stand(change=3.0, due="2023").finding.params["due"] == "2023"


def test_a_hidden_figure_says_why_and_gives_no_number() -> None:
    told = sentences.agreed_told(stand(hidden="few_answers"), TITLES)
    assert "cannot be told: one of the two scores is not shown" in told
    assert "nan" not in told


def test_a_target_is_met_only_where_the_published_interval_meets_it() -> None:
    """The mask rounds standard errors: what it publishes and what the test computes from it may differ a little."""
    found = release(level=64.0, commitments=promise(target="60"), targets="measure,side,target,due\nscore,left,60,2024")
    assert agreed.commitments(found)[0].status == "not_clear"  # 64 - 4.17 is below 60
    narrow = found.document.scores["side",].copy()
    narrow.loc[narrow["wave"] == "2024", "se"] = 1.0  # the interval stays as it is published
    tight = replace(found, document=replace(found.document, scores={("side",): narrow}))
    assert agreed.commitments(tight)[0].status == "not_clear"
    assert agreed.targets(tight)["verdict"].tolist() == ["open"]
    narrow.loc[narrow["wave"] == "2024", "low"] = 61.8
    assert agreed.commitments(tight)[0].status == "met"
    assert agreed.targets(tight)["verdict"].tolist() == ["met"]


def test_commitments_of_both_sides_are_one_family_and_a_side_is_a_part_of_it() -> None:
    both = promise() + "c2,score,customs_service,post_fees,2024,2022,right,\n"
    p = 2 * stats.t.sf(6.0 / (SE * np.sqrt(2)), 2 * DF)
    assert 0.025 < p < 0.05  # clear alone, not in a family of two
    alone = agreed.commitments(release(change=6.0, commitments=promise()))
    left = agreed.commitments(release(change=6.0, commitments=both), "left")
    assert [one.status for one in alone] == ["met"]
    assert [(one.status, one.commitment.code) for one in left] == [("not_clear", "c1")]
    assert left[0].finding.params["p_adjusted"] == pytest.approx(2 * p)


def test_what_stands_beside_on_a_page_is_judged_with_them_at_the_level_of_the_page() -> None:
    found = release(change=6.0, commitments=promise())
    beside = pd.DataFrame({"p": [0.5, 0.9]})
    assert agreed.commitments(found, beside=beside)[0].status == "not_clear"
    assert agreed.commitments(found, alpha=0.02)[0].status == "not_clear"


def test_tested_changes_of_commitments_are_those_of_the_release() -> None:
    found = agreed.tested(release(change=6.0, commitments=promise()))
    (row,) = found.to_dict("records")
    kept = moved("score", 6.0)
    assert [row[name] for name in ("estimate", "se", "df", "low", "high", "p")] == [
        kept[name] for name in ("estimate", "se", "df", "low", "high", "p")
    ]
    assert agreed.tested(release(commitments=promise(since="2024", due="2026"))).empty


def test_waves_that_may_not_be_compared_make_it_not_clear_and_a_bridge_undoes_that() -> None:
    keys = "[waves.2022]\nmode = 'phone'\n[waves.2024]\nmode = 'face_to_face'\n"
    bridge = "[[bridge]]\nsince = '2022'\nwave = '2024'\naspect = 'mode'\nreason = 'both were tried in 2022'\n"
    refused = agreed.commitments(release(change=9.0, commitments=promise(), keys=keys))[0]
    assert (refused.status, refused.finding.params["reason"]) == ("not_clear", "not_comparable")
    assert "cannot be told" in sentences.agreed_told(refused, TITLES)
    assert agreed.commitments(release(change=9.0, commitments=promise(), keys=keys + bridge))[0].status == "met"


# Sentence, colour and test agree


def everything() -> Iterator[Progress]:
    """Commitments in every way that figures, targets and dates allow."""
    dates = (("2022", "2024"), ("2022", "2026"), ("2024", "2026"))
    moves = [(-9.0, ""), (-3.0, ""), (3.0, ""), (9.0, ""), (9.0, "few_answers")]
    for code, (change, hidden), level in product(("score", "hours"), moves, (40.0, 60.0, 80.0)):
        lines = [
            f"c{at},{code},customs_service,post_fees,{due},{since},left,{target}"
            for at, (target, (since, due)) in enumerate(product(("", "60"), dates))
        ]
        text = "\n".join([HEAD, *lines])
        yield from agreed.commitments(release(code=code, change=change, level=level, hidden=hidden, commitments=text))


@pytest.fixture(scope="module")
def all_ways() -> list[Progress]:
    return list(everything())


def test_every_sentence_is_walked(all_ways: list[Progress]) -> None:
    assert {sentences.agreed_code(one) for one in all_ways} == set(sentences.AGREED)
    assert {one.status for one in all_ways} == set(STATUSES)


def test_sentence_colour_and_test_agree_in_every_way(all_ways: list[Progress]) -> None:
    for one in all_ways:
        params, told, tone = one.finding.params, sentences.agreed_told(one, TITLES), sentences.agreed_tone(one)
        clear, measured = bool(params["clear"]), params["since"] < params["wave"]
        better = "worse" if params["reach"] == "at_most" else "better"
        good = clear and verdict(params["estimate"], better=better) == BLUE
        bad = clear and verdict(params["estimate"], better=better) == VERMILION
        reached = measured and params["target"] is not None and _meets(params)
        assert (one.status == "met") == (reached or (good and params["target"] is None and params["due"] == "2024"))
        assert (one.status == "worse") == (bad and not reached)
        assert ("a clear change for the better" in told) == (good and not reached)
        assert ("a clear change for the worse" in told) == bad
        assert (" rose " in told or " fell " in told) == ("a clear change" in told)
        assert ("may be chance" in told) == (pd.notna(params["low"]) and not clear and not reached)
        assert ("meets the target" in told) == reached
        assert tone == ("better" if (good or reached) and not bad else "worse" if bad and not reached else "")
        assert told.partition("): ")[2].startswith(STATUSES[one.status].casefold())
        assert "nan" not in told


def _meets(params: Any) -> bool:
    low, high = params["score_low"], params["score_high"]
    return bool(low >= params["target"] if params["reach"] == "at_least" else high <= params["target"])


def test_a_rise_is_told_as_a_rise_and_a_fall_as_a_fall(all_ways: list[Progress]) -> None:
    moved_ = [one for one in all_ways if "a clear change" in sentences.agreed_told(one, TITLES)]
    assert len(moved_) > 20
    for one in moved_:
        word = "rose" if one.finding.params["estimate"] > 0 else "fell"
        assert f" {word} " in sentences.agreed_told(one, TITLES)


def test_no_sentence_blames_or_says_what_was_the_cause(all_ways: list[Progress]) -> None:
    told = " ".join(sentences.agreed_told(one, TITLES) for one in all_ways).casefold()
    for word in ("caus", "because", "due to", "fail", "fault", "blame", "thanks to", "impact", "worked"):
        assert word not in told


def test_a_sentence_names_office_action_place_date_evidence_and_interval() -> None:
    where = {"side": "left", "post": "ferry"}
    one = stand(change=9.0)
    there = Progress(replace(one.commitment, where=where), one.status, one.finding)
    half = stats.t.ppf(0.975, 2 * DF) * SE * np.sqrt(2)
    assert sentences.agreed_told(there, TITLES) == (
        "Post the fees where everybody reads them (Customs service; Heron Ferry, Left bank; due in 2024): met. Clear "
        f"steps rose since 2022 (+9.0 points, {9 - half:.1f} to {9 + half:.1f}), a clear change for the better."
    )


@law
@given(
    st.text(st.characters(categories=("L", "Zs")), min_size=1, max_size=90),
    st.text(st.characters(categories=("L", "Zs")), min_size=1, max_size=90),
    st.text(st.characters(categories=("L", "Zs")), min_size=1, max_size=90),
    st.sampled_from(sorted(STATUSES)),
)
def test_a_line_is_never_longer_than_two_on_the_page(office: str, action: str, title: str, status: Any) -> None:
    one = Commitment("c", "score", office, action, "2026", "2022", "score", where={"side": "left", "post": "ferry"})
    figures = {"estimate": 9.0, "low": 3.0, "high": 15.0, "score_estimate": 60.0, "score_low": 55.0, "score_high": 65.0}
    own = {"office": office, "action": action, "evidence": "score", "since": "2022", "due": "2026", "wave": "2024"}
    own |= {"target": None, "reach": "at_least", "unit": "points", "score_n": 100.0, "clear": True, "reason": ""}
    found = Progress(one, status, Finding(f"commitment_{status}", {**own, **figures}))
    word, line = sentences.agreed_line(found, {"score": title, "ferry": "Heron Ferry"})
    assert word == STATUSES[status]
    assert len(line) <= 124


# Targets

AIMS = "measure,side,target,due,baseline,baseline_of,source,reach\n"


def aimed(row: str, **given_: Any) -> dict[Any, Any]:
    """The one target of a small release."""
    (found,) = agreed.targets(release(targets=AIMS + row, **given_)).to_dict("records")
    return found


def test_a_declared_baseline_is_taken_as_known_and_the_change_tested_by_hand() -> None:
    row = aimed("score,left,60,2024,45,2020,a study,", level=50.0)
    p = 2 * stats.t.sf(5.0 / SE, DF)
    half = stats.t.ppf(0.975, DF) * SE
    assert (row["baseline"], row["change"], row["change_verdict"]) == (45.0, 5.0, "better")
    assert row["p"] == pytest.approx(p, abs=5e-4)
    assert (row["change_low"], row["change_high"]) == pytest.approx((5 - half, 5 + half), abs=0.05)


def test_a_baseline_of_a_wave_is_the_published_figure_and_its_published_change() -> None:
    row = aimed("score,left,60,2024,,2022,,", change=9.0, level=50.0)
    assert (row["baseline"], row["change"], row["clear"], row["change_verdict"]) == (41.0, 9.0, True, "better")
    assert row["p"] == pytest.approx(moved("score", 9.0)["p"], abs=5e-4)


@pytest.mark.parametrize(
    ("row", "given_", "verdict_", "change", "said"),
    [
        ("score,left,60,2024,,2022,,", {"level": 70.0}, "met", "not_clear", "is met: 70.0 points in 2024 (65.8"),
        ("score,left,60,2026,,2022,,", {"level": 70.0}, "met", "not_clear", "due in 2026, is met already"),
        ("score,left,60,2024,,2022,,", {"level": 50.0}, "missed", "not_clear", "of at least 60 points is not met"),
        ("score,left,60,2026,,2022,,", {"level": 50.0}, "missed", "not_clear", "is due in 2026 and not met yet"),
        ("score,left,60,2024,,2022,,", {"level": 61.0}, "open", "not_clear", "is met is not sure"),
        ("score,left,60,2026,,2022,,", {"level": 61.0}, "open", "not_clear", "whether it is met already is not sure"),
        ("score,left,60,2024,,2022,,", {"hidden": "near_end"}, "not_judged", "not_judged", "nearly everybody answered"),
        ("score,left,60,2026,,2022,,", {"hidden": "near_end"}, "not_judged", "not_judged", "is met cannot be"),
        ("score,left,60,2026,,2024,,", {}, "missed", "not_judged", "not met yet"),
        ("score,left,60,2026,,,,", {}, "missed", "not_judged", "not met yet"),
        ("hours,left,60,2024,,2022,,", {"code": "hours", "change": -9.0}, "met", "better", "at most 60 hours is met"),
        ("hours,left,30,2024,,2022,,", {"code": "hours", "change": 9.0}, "missed", "worse", "at most 30 hours is not"),
        ("signs,left,30,2024,,2022,,at_least", {"code": "signs", "change": 9.0}, "met", "up", "at least 30 % is met"),
        ("signs,left,30,2024,,2022,,at_least", {"code": "signs", "change": -9.0}, "met", "down", "is met"),
    ],
)  # fmt: skip
def test_each_way_of_a_target_has_its_words(
    row: str, given_: dict[str, Any], verdict_: str, change: str, said: str
) -> None:
    found = aimed(row, **given_)
    assert (found["verdict"], found["change_verdict"]) == (verdict_, change)
    assert said in sentences.target_told(found, TITLES)
    assert sentences.since_told(found) == SINCE[change].format(why=sentences.since_told(found).partition(": ")[2])
    assert (found["change_verdict"] in ("better", "worse", "up", "down")) == bool(found["clear"])


def test_all_words_on_targets_are_walked_above() -> None:
    marks = test_each_way_of_a_target_has_its_words.pytestmark  # type: ignore[attr-defined]
    cases = next(mark for mark in marks if mark.name == "parametrize").args[1]
    assert {(case[2], "2024," in case[0].split("left,")[1][:8]) for case in cases} == set(TARGETS)
    assert {case[3] for case in cases} == set(SINCE)


def test_targets_of_both_sides_are_one_family() -> None:
    two = "score,left,60,2024,,2022,,\nscore,right,60,2024,,2022,,"
    found = agreed.targets(release(change=6.0, targets=AIMS + two), side="left")
    p = moved("score", 6.0)["p"]
    assert found["p_adjusted"].tolist() == pytest.approx([2 * p], abs=5e-4)
    assert found["change_verdict"].tolist() == ["not_clear"]


def test_nothing_declared_gives_no_row() -> None:
    assert agreed.targets(release()).empty
    assert agreed.commitments(release()) == ()


# The demo


def test_the_commitments_of_the_demo_stand_as_they_were_planted(demo_release: Release) -> None:
    found = {one.commitment.code: one.status for one in agreed.commitments(demo_release)}
    assert found == {"L1": "met", "L2": "worse", "R1": "not_clear", "R2": "not_due"}


def test_the_first_wave_of_the_demo_judges_no_commitment(demo_release: Release) -> None:
    first = replace(demo_release, document=replace(demo_release.document, waves=("2022",)))
    assert [one.status for one in agreed.commitments(first)] == ["not_due"] * 4


def test_no_bank_of_the_demo_is_said_to_have_moved_since_its_baseline(demo_release: Release) -> None:
    found = agreed.targets(demo_release)
    assert len(found) == 8
    assert set(found["change_verdict"]) == {"not_clear"}


def test_every_sentence_on_the_demo_is_in_plain_words(demo_release: Release) -> None:
    titles = donors.titles_of(demo_release)
    told = [sentences.agreed_told(one, titles) for one in agreed.commitments(demo_release)]
    told += [sentences.target_told(row, titles) for row in agreed.targets(demo_release).to_dict("records")]
    assert all("_" not in line and "{" not in line and line.endswith(".") for line in told)
