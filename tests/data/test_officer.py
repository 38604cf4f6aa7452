"""The officers' own form: voluntary, filled in alone, the travellers' words where both are asked, nobody accused."""

import re
from pathlib import Path

import pytest

from scoring.framework import Framework
from scoring.mask.lattice import Lattice
from surveys import xlsform
from surveys.questionnaire import Question, Questionnaire
from tests.data.words import BRIBE, FORBIDDEN, OFFICES

DATA = Path(__file__).resolve().parents[2] / "data"
LINKS = ("link_leadership", "link_headquarters", "link_region", "link_post", "link_shift", "link_officers")
WHO_ONE_IS = re.compile(r"\b(your|you|own) (name|rank|post|age|sex|years?|shift|crossing)\b", re.IGNORECASE)
ACCUSING = re.compile(r"\bwho (puts|asks|took|takes|is it)\b|from whom|which (officer|commander|person)", re.IGNORECASE)
COUNTED = ("few_respondents", "few_answers", "small_n", "shifts", "sensitive_n", "sensitive_each", "each", "rest")


@pytest.fixture(scope="module")
def form() -> Questionnaire:
    return xlsform.load(DATA / "instruments" / "officer")


@pytest.fixture(scope="module")
def traveller() -> Questionnaire:
    return xlsform.load(DATA / "instruments" / "traveller")


@pytest.fixture(scope="module")
def asked(form: Questionnaire) -> dict[str, Question]:
    """What an officer is asked, without the notes between."""
    return {q.name: q for q in form.questions if q.group[:1] == ("questions",) and q.kind != "note"}


def framework(name: str) -> Framework:
    return Framework.from_toml((DATA / "frameworks" / f"{name}.toml").read_text(encoding="utf-8"), name=name)


def lattice(name: str) -> Lattice:
    return Lattice.from_toml((DATA / "lattices" / f"{name}.toml").read_text(encoding="utf-8"), name=name)


def words(form: Questionnaire) -> list[str]:
    labels = [text for question in form.questions for text in question.labels.values()]
    return labels + [text for q in form.questions if q.scale for c in q.scale.choices for text in c.labels.values()]


def test_pyxform_accepts_the_form_without_a_warning(tmp_path: Path) -> None:
    assert xlsform.build(DATA / "instruments" / "officer", tmp_path / "officer.xlsx") == ()


def test_our_own_rules_find_no_fault(form: Questionnaire) -> None:
    assert xlsform.faults(form) == ()


def test_a_sitting_of_one_service_of_one_side_is_the_sampling_unit(form: Questionnaire) -> None:
    design = form.design
    assert (design.strata, design.psu) == (("side", "agency"), "session")
    assert (design.weight, design.interviewer) == ("weight", "facilitator")
    assert design.facets == (("side",), ("side", "agency"))


def test_no_table_is_finer_than_a_service_of_a_side(form: Questionnaire) -> None:
    assert lattice("officer").tables == form.design.facets


@pytest.mark.parametrize("rule", COUNTED)
def test_every_rule_that_counts_people_or_sittings_is_stricter_than_for_travellers(rule: str) -> None:
    assert getattr(lattice("officer").rules, rule) > getattr(lattice("traveller").rules, rule)


def test_a_sitting_or_who_leads_it_may_give_less_of_a_figure_than_for_travellers() -> None:
    assert lattice("officer").rules.largest_share < lattice("traveller").rules.largest_share
    assert lattice("officer").rules.interviewers >= lattice("traveller").rules.interviewers


def test_half_of_a_service_is_never_invited(form: Questionnaire) -> None:
    (weight,) = (question for question in form.questions if question.name == "weight")
    assert weight.minimum == 2
    assert weight.required


def test_nothing_is_asked_before_consent_and_a_no_ends_it(form: Questionnaire, asked: dict[str, Question]) -> None:
    names = [question.name for question in form.questions]
    assert names.index("introduction") < names.index("consent") < min(names.index(name) for name in asked)
    assert {question.gate for question in asked.values()} == {"(${consent} = 'yes')"}


def test_the_introduction_says_alone_voluntary_skip_and_stop(form: Questionnaire) -> None:
    (text,) = (next(iter(q.labels.values())) for q in form.questions if q.name == "introduction")
    said = ("alone", "voluntary", "no name, number, rank, post or age", "skip any question", "stop at any time")
    assert [part for part in said if part not in text] == []


def test_no_question_to_an_officer_is_required(asked: dict[str, Question]) -> None:
    assert [name for name, question in asked.items() if question.required] == []


def test_every_question_to_an_officer_can_be_answered_by_dont_know_and_no_answer(asked: dict[str, Question]) -> None:
    kinds = {q.name: {choice.missing for choice in q.scale.choices} if q.scale else set() for q in asked.values()}
    assert {name for name, found in kinds.items() if not {"dont_know", "refused"} <= found} == set()


def test_neither_post_nor_rank_nor_age_nor_sex_is_asked(form: Questionnaire) -> None:
    names = {question.name for question in form.questions}
    assert names & {"post", "rank", "age", "sex", "years", "shift", "direction", "user_group"} == set()
    assert [text for text in words(form) if WHO_ONE_IS.search(text)] == []


def test_there_is_nothing_to_write_in(form: Questionnaire) -> None:
    assert [question.name for question in form.questions if question.kind == "text"] == ["session", "facilitator"]


def test_nothing_is_asked_of_bribes_of_any_service(form: Questionnaire) -> None:
    assert [text for text in words(form) if BRIBE.search(text)] == []


def test_no_forbidden_topic_is_touched(form: Questionnaire) -> None:
    assert [text for text in words(form) if FORBIDDEN.search(text)] == []


def test_nobody_is_accused_and_pressure_is_never_asked_by_whom(form: Questionnaire) -> None:
    questions = [text for q in form.questions if q.kind != "note" for text in q.labels.values()]
    assert [text for text in questions if ACCUSING.search(text)] == []
    (note,) = (next(iter(q.labels.values())) for q in form.questions if q.name == "pressure_introduction")
    assert "Never write or say from whom" in note


def test_officers_of_narcotics_control_are_asked_the_same_as_all_others(
    form: Questionnaire, asked: dict[str, Question]
) -> None:
    (agency,) = (question for question in form.questions if question.name == "agency")
    assert [choice.code for choice in agency.scale.choices if agency.scale] == [
        "customs", "guards", "migration", "quarantine", "narcotics",
    ]  # fmt: skip
    assert [name for name, question in asked.items() if "agency" in question.relevant] == []


def test_what_both_are_asked_is_asked_in_the_same_words_on_the_same_scale(
    asked: dict[str, Question], traveller: Questionnaire
) -> None:
    theirs = {question.name: question for question in traveller.questions}
    both = [name for name in asked if name in theirs]
    assert {*LINKS, "rules_public", "fees_posted", "fees_receipt", "complaint_answered", "fair_order"} <= set(both)
    assert [name for name in both if asked[name].labels != theirs[name].labels] == []
    assert [name for name in both if asked[name].scale != theirs[name].scale] == []
    assert [
        name for name in both if (asked[name].actor, asked[name].action) != (theirs[name].actor, theirs[name].action)
    ] == []


def test_what_both_are_asked_means_the_same_in_both_frameworks() -> None:
    ours, theirs = ({item.code: item for item in framework(name).items} for name in ("officers", "border"))
    both = ours.keys() & theirs.keys()
    assert len(both) == 16
    for code in both:
        assert (ours[code].title, ours[code].direction, ours[code].range) == (
            theirs[code].title, theirs[code].direction, theirs[code].range,
        )  # fmt: skip
    assert {ours[code].parent for code in both} == {"inside", "chain_links"}


def test_the_chain_is_shown_by_side_and_service_only() -> None:
    (chain,) = (node for node in framework("officers").nodes if node.code == "chain")
    assert (chain.only_by, chain.headline) == ((("side",), ("side", "agency")), False)
    assert tuple(item.code for item in framework("officers").items if item.parent == "chain_links") == LINKS


def test_every_question_names_an_office_and_what_it_can_do(asked: dict[str, Question]) -> None:
    assert {question.actor for question in asked.values()} <= OFFICES
    assert [name for name, question in asked.items() if not re.fullmatch(r"[a-z_]+", question.action)] == []


def test_the_support_contact_is_told_to_everybody(form: Questionnaire) -> None:
    (support,) = (question for question in form.questions if question.name == "support")
    assert (support.kind, support.relevant) == ("note", "")
