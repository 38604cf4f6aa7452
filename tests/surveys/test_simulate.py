from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from surveys import xlsform
from surveys.errors import InstrumentError
from surveys.questionnaire import Question, Questionnaire
from surveys.simulate import Truth, draw, scored_codes, true_score

ROOT = Path(__file__).resolve().parents[2]
BANKS = ("left_bank", "right_bank")
AGENCIES = ("customs", "guards", "migration", "quarantine")
LINKS = ("link_leadership", "link_headquarters", "link_region", "link_post", "link_shift", "link_officers")


@pytest.fixture(scope="module")
def questionnaire() -> Questionnaire:
    return xlsform.load(ROOT / "data" / "instruments" / "traveller")


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth.from_toml((ROOT / "data" / "demo" / "truth.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wave(questionnaire: Questionnaire, truth: Truth) -> pd.DataFrame:
    return draw(questionnaire, truth, wave="2026", seed=7)


@pytest.fixture(scope="module")
def consented(wave: pd.DataFrame) -> pd.DataFrame:
    return wave[wave["consent"] == "yes"]


def question(questionnaire: Questionnaire, name: str) -> Question:
    return next(question for question in questionnaire.questions if question.name == name)


def scores(frame: pd.DataFrame, questionnaire: Questionnaire, truth: Truth, name: str) -> "pd.Series[float]":
    codes = scored_codes(question(questionnaire, name))
    points: Mapping[str, float] = {code: 100 * step / (len(codes) - 1) for step, code in enumerate(codes)}
    raw = frame[name].map(points)
    return 100 - raw if name in truth.worse else raw


def test_the_same_seed_draws_the_same_frame(questionnaire: Questionnaire, truth: Truth, wave: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(draw(questionnaire, truth, wave="2026", seed=7), wave)


def test_another_seed_draws_another_frame(questionnaire: Questionnaire, truth: Truth, wave: pd.DataFrame) -> None:
    assert not draw(questionnaire, truth, wave="2026", seed=8).equals(wave)


def test_columns_are_those_of_a_kobo_export_with_xml_names(wave: pd.DataFrame, questionnaire: Questionnaire) -> None:
    asked = [q.name for q in questionnaire.questions if q.kind not in {"meta", "note"}]
    plain = [column for column in wave.columns if "/" not in column]
    assert plain == ["start", "end", *asked, "_id", "_uuid", "_submission_time"]
    assert wave["_uuid"].is_unique


def test_every_cell_is_text(wave: pd.DataFrame) -> None:
    assert all(isinstance(cell, str) for cell in wave.to_numpy(dtype=object).ravel())


def test_every_code_is_a_choice_of_the_instrument(wave: pd.DataFrame, questionnaire: Questionnaire) -> None:
    strange = {
        q.name: set(wave[q.name]) - {choice.code for choice in q.scale.choices} - {""}
        for q in questionnaire.questions
        if q.kind == "select_one" and q.scale is not None
    }
    assert {name: codes for name, codes in strange.items() if codes} == {}


def test_every_stratum_has_four_shifts_of_eight_interviews_with_consent(consented: pd.DataFrame) -> None:
    strata = ["post", "user_group", "direction"]
    done = consented.groupby([*strata, "shift"]).size()
    assert (len(consented), len(done), set(done)) == (1536, 192, {8})
    assert set(done.groupby(strata).size()) == {4}


def test_a_shift_code_is_used_in_one_stratum_only(wave: pd.DataFrame) -> None:
    assert not wave[["shift", "post", "user_group", "direction"]].drop_duplicates()["shift"].duplicated().any()


def test_refusals_of_consent_are_some_three_percent_and_answer_nothing(wave: pd.DataFrame) -> None:
    refused = wave[wave["consent"] == "no"]
    answers = refused.loc[:, "crossing_frequency":"interview_stopped"]
    assert 0.015 < len(refused) / len(wave) < 0.045
    assert set(answers.to_numpy().ravel()) == {""}


def test_a_shift_counts_at_least_the_people_approached_and_one_count(wave: pd.DataFrame) -> None:
    counted = wave.assign(count=wave["traffic_count"].astype(int)).groupby("shift")["count"]
    assert (counted.max() == counted.min()).all()
    assert (counted.min() >= counted.size()).all()


def test_traffic_differs_between_crossings_so_that_weights_vary(wave: pd.DataFrame) -> None:
    mean = wave.assign(count=wave["traffic_count"].astype(int)).groupby("post")["count"].mean()
    assert mean.max() > 1.8 * mean.min()


def test_two_interviewers_work_in_every_shift(consented: pd.DataFrame) -> None:
    assert set(consented.groupby("shift")["interviewer"].nunique()) == {2}


@pytest.mark.parametrize("agency", AGENCIES)
def test_only_who_had_contact_is_asked_about_requests_and_payments(consented: pd.DataFrame, agency: str) -> None:
    contact = consented["contact"].str.split().map(lambda ticks: agency in ticks)
    full = consented["interview_stopped"] == "no"
    for name in (f"asked_{agency}", f"paid_{agency}"):
        assert (consented.loc[~contact, name] == "").all()
        assert (consented.loc[contact & full, name] != "").all()


def test_only_who_was_asked_or_paid_is_asked_about_reporting(consented: pd.DataFrame) -> None:
    experience = [f"{kind}_{agency}" for kind in ("asked", "paid") for agency in AGENCIES]
    met = (consented[experience] == "yes").any(axis=1)
    full = consented["interview_stopped"] == "no"
    assert (consented.loc[~met, "reported"] == "").all()
    assert (consented.loc[met & full, "reported"] != "").all()


def test_only_traders_are_asked_how_much_they_carry(consented: pd.DataFrame) -> None:
    assert (consented.loc[consented["user_group"] == "traveller", "trader_size"] == "").all()


@pytest.mark.parametrize("name", ["contact", "reported"])
def test_ticks_and_joined_ticks_agree(consented: pd.DataFrame, name: str) -> None:
    joined = consented[name].str.split().map(lambda ticks: "guards" in ticks)
    answered = consented[name] != ""
    assert (joined[answered] == (consented.loc[answered, f"{name}/guards"] == "1")).all()
    assert (consented.loc[~answered, f"{name}/guards"] == "").all()


def test_only_services_that_asked_or_were_paid_are_reported(consented: pd.DataFrame) -> None:
    said = consented["reported"].str.split()
    for agency in AGENCIES:
        reported = said.map(lambda ticks, agency=agency: agency in ticks)
        assert reported.any()
        assert (consented.loc[reported, [f"asked_{agency}", f"paid_{agency}"]] == "yes").any(axis=1).all()


def test_nobody_dont_know_and_no_answer_about_reporting_stand_alone(consented: pd.DataFrame) -> None:
    said = set(consented["reported"])
    assert {"nobody", "dk"} <= said
    assert not [text for text in said if " " in text and {"nobody", "dk", "ref"} & set(text.split())]


def test_some_do_not_know_and_some_refuse(consented: pd.DataFrame) -> None:
    assert 0.1 < (consented["link_leadership"] == "dk").mean() < 0.22
    assert 0.02 < (consented["harassment"] == "ref").mean() < 0.08


def test_after_a_stop_no_later_question_is_answered(consented: pd.DataFrame) -> None:
    stopped = consented[consented["interview_stopped"] == "yes"]
    assert 0 < len(stopped) < 45
    assert (stopped["harassment"] == "").all()


@pytest.mark.parametrize("year", ["2022", "2024", "2026"])
def test_in_truth_both_banks_are_equal_in_every_item_and_wave(truth: Truth, year: str) -> None:
    left, right = (np.array([true_score(truth, item, wave=year, side=bank) for item in truth.levels]) for bank in BANKS)
    np.testing.assert_allclose(left, right, rtol=1e-12)


def test_in_truth_no_bank_changes_between_waves(truth: Truth) -> None:
    first, last = (
        np.array([true_score(truth, item, wave=year, side="left_bank") for item in truth.levels])
        for year in ("2022", "2026")
    )
    np.testing.assert_allclose(first, last, rtol=1e-12)


@pytest.mark.parametrize(
    ("post", "change"), [("heron_ferry", 12), ("willow_bridge", 12), ("poplar_bridge", -12), ("swallow_ferry", -12)]
)
def test_in_truth_four_crossings_move_by_twelve_points_half_of_it_by_2024(
    truth: Truth, post: str, change: float
) -> None:
    level = [true_score(truth, "conduct_respect", wave=year, post=post) for year in truth.waves]
    np.testing.assert_allclose(np.diff(level), [change / 2, change / 2], rtol=1e-9)


def test_in_truth_the_other_crossings_stay_within_two_points(truth: Truth) -> None:
    moved = {"heron_ferry", "willow_bridge", "poplar_bridge", "swallow_ferry"}
    spread = [np.ptp(post.effect) for post in truth.posts if post.code not in moved]
    assert max(spread) <= 2
    assert len(spread) == 8


@pytest.mark.parametrize("bank", BANKS)
def test_in_truth_shift_supervision_is_the_weakest_link_by_ten_points(truth: Truth, bank: str) -> None:
    level = sorted((true_score(truth, link, wave="2024", side=bank), link) for link in LINKS)
    assert level[0][1] == "link_shift"
    assert level[1][0] - level[0][0] > 10


def test_drawn_answers_find_the_truth(questionnaire: Questionnaire, truth: Truth) -> None:
    many = draw(questionnaire, replace(truth, shifts=40, interviews=6, consent_refused=0.0), wave="2026", seed=11)
    weight = many["traffic_count"].astype(float)
    for name in ("conduct_extra", "link_shift", "service_speed"):
        score = scores(many, questionnaire, truth, name)
        for facet, value in (("side", "left_bank"), ("post", "heron_ferry"), ("post", "poplar_bridge")):
            chosen = (many[facet] == value) & score.notna()
            found = np.average(score[chosen], weights=weight[chosen])
            # four standard errors of the smallest cell: 160 shifts, some 900 people
            assert found == pytest.approx(true_score(truth, name, wave="2026", **{facet: value}), abs=4.5)


@pytest.mark.parametrize("name", ["asked_customs", "paid_customs", "know_complaint", "harassment"])
def test_drawn_shares_find_the_declared_ones(questionnaire: Questionnaire, truth: Truth, name: str) -> None:
    many = draw(questionnaire, replace(truth, shifts=16), wave="2024", seed=5)
    answered = many.loc[many[name].isin(["yes", "no"]), name]
    assert 100 * (answered == "yes").mean() == pytest.approx(true_score(truth, name, wave="2024"), abs=4)


def test_drawn_reports_have_the_declared_share_of_the_services_met(questionnaire: Questionnaire, truth: Truth) -> None:
    many = draw(questionnaire, replace(truth, shifts=16), wave="2024", seed=5)
    many = many[~many["reported"].isin(["", "dk", "ref"])]
    for agency in AGENCIES:
        met = (many[[f"asked_{agency}", f"paid_{agency}"]] == "yes").any(axis=1)
        found = (many.loc[met, f"reported/{agency}"] == "1").mean()
        assert 100 * found == pytest.approx(true_score(truth, "reported", wave="2024"), abs=4)


def test_drawn_waiting_hours_have_the_declared_mean(wave: pd.DataFrame, truth: Truth) -> None:
    hours = pd.to_numeric(wave["wait_hours"])
    assert hours.mean() == pytest.approx(true_score(truth, "wait_hours", wave="2026"), rel=0.12)


def test_answers_of_a_shift_resemble_each_other(questionnaire: Questionnaire, truth: Truth) -> None:
    close = replace(truth, shift_icc=0.5, mood_sd=0.2)
    drawn = draw(questionnaire, close, wave="2022", seed=3)
    score = scores(drawn, questionnaire, close, "conduct_respect")
    between = score.groupby(drawn["shift"]).mean().var()
    assert between > 2.5 * score.var() / 8


def test_the_service_dealt_with_most_is_drawn_apart_from_all_that_was_drawn_before_it_was_asked(
    questionnaire: Questionnaire, truth: Truth, wave: pd.DataFrame
) -> None:
    first = replace(questionnaire, questions=tuple(q for q in questionnaire.questions if q.name != "agency"))
    pd.testing.assert_frame_equal(draw(first, truth, wave="2026", seed=7), wave.drop(columns="agency"))


def test_the_service_dealt_with_most_has_the_declared_shares(consented: pd.DataFrame, truth: Truth) -> None:
    said = consented.loc[~consented["agency"].isin(["", "dk", "ref"]), "agency"].value_counts(normalize=True)
    assert said.to_dict() == pytest.approx(dict(truth.profile["agency"]), abs=0.04)


def test_who_stopped_before_the_service_dealt_with_most_named_none(consented: pd.DataFrame) -> None:
    stopped = consented[consented["interview_stopped"] == "yes"]
    named, before = stopped["agency"] != "", stopped["wait_hours"] != ""
    assert (named == before).all()
    assert 0 < named.sum() < len(stopped)
    assert (consented.loc[consented["interview_stopped"] == "no", "agency"] != "").all()


def test_an_unknown_wave_is_refused_by_name(questionnaire: Questionnaire, truth: Truth) -> None:
    with pytest.raises(InstrumentError, match="wave '2030' is not in the truth; choose of 2022"):
        draw(questionnaire, truth, wave="2030", seed=1)


def test_a_question_without_a_truth_is_refused_by_name(questionnaire: Questionnaire, truth: Truth) -> None:
    with pytest.raises(InstrumentError, match="nothing about question 'market_use'"):
        draw(questionnaire, replace(truth, shares={}), wave="2022", seed=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shift_icc": 0.9}, "nothing is left for the single answer"),
        ({"levels": {"link_shift": (1.0,)}}, "'link_shift' has 1 figures for 3 waves"),
        ({"profile": {"sex": {"female": 0.5}}}, "shares add up to 0.5"),
        ({"first_days": {}}, "wave '2022' is missing"),
    ],
)
def test_a_truth_that_contradicts_itself_is_refused(truth: Truth, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InstrumentError, match=said):
        replace(truth, **change)


@pytest.mark.parametrize(("text", "said"), [("waves = [", "not valid TOML"), ("waves = []", "keys missing")])
def test_a_file_that_is_no_truth_is_refused(text: str, said: str) -> None:
    with pytest.raises(InstrumentError, match=said):
        Truth.from_toml(text, name="truth.toml")
