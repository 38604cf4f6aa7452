"""Those who stopped crossing: three questions, nobody's crossing or name, whole sides only."""

import re
from pathlib import Path

import pytest

from app.workflow import frameworks
from scoring.mask.lattice import Lattice
from surveys import xlsform
from surveys.questionnaire import Question, Questionnaire
from tests.data.words import BRIBE, FORBIDDEN, OFFICES

DATA = Path(__file__).resolve().parents[2] / "data"
FRAMEWORK = (DATA / "frameworks" / "nonuser.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def form() -> Questionnaire:
    return xlsform.load(DATA / "instruments" / "nonuser")


@pytest.fixture(scope="module")
def asked(form: Questionnaire) -> dict[str, Question]:
    return {q.name: q for q in form.questions if q.group[:1] == ("interview",) and q.kind != "note"}


def test_pyxform_accepts_the_form_without_a_warning(tmp_path: Path) -> None:
    assert xlsform.build(DATA / "instruments" / "nonuser", tmp_path / "nonuser.xlsx") == ()


def test_our_own_rules_find_no_fault(form: Questionnaire) -> None:
    assert xlsform.faults(form) == ()


def test_three_questions_are_asked_and_the_last_two_of_those_who_gave_up(asked: dict[str, Question]) -> None:
    assert list(asked) == ["gave_up", "why_gave_up", "bring_back"]
    assert [question.relevant for question in asked.values()] == ["", "${gave_up} = 'yes'", "${gave_up} = 'yes'"]


def test_nothing_is_asked_before_consent_and_a_no_ends_it(form: Questionnaire, asked: dict[str, Question]) -> None:
    names = [question.name for question in form.questions]
    assert names.index("introduction") < names.index("consent") < min(names.index(name) for name in asked)
    assert {question.gate for question in asked.values()} == {"(${consent} = 'yes')"}


def test_no_question_is_required_and_each_can_be_left_to_dont_know_and_no_answer(asked: dict[str, Question]) -> None:
    assert [name for name, question in asked.items() if question.required] == []
    kinds = [{choice.missing for choice in q.scale.choices} for q in asked.values() if q.scale]
    assert [found for found in kinds if not {"dont_know", "refused"} <= found] == []
    assert len(kinds) == 3


def test_who_never_crossed_is_not_counted_as_one_who_still_does(asked: dict[str, Question]) -> None:
    scale = asked["gave_up"].scale
    assert scale is not None
    assert {choice.code: choice.missing for choice in scale.choices}["never"] == "not_applicable"


def test_no_crossing_is_asked_and_the_place_of_the_interview_is_in_no_table(form: Questionnaire) -> None:
    lattice = Lattice.from_toml((DATA / "lattices" / "nonuser.toml").read_text(encoding="utf-8"), name="nonuser")
    assert lattice.tables == form.design.facets == (("side",),)
    assert {"post", "crossing"} & {question.name for question in form.questions} == set()


def test_no_forbidden_topic_is_touched_and_no_bribe_is_asked_of_a_service(form: Questionnaire) -> None:
    scales = [choice for q in form.questions if q.scale for choice in q.scale.choices]
    texts = [text for part in (*form.questions, *scales) for text in part.labels.values()]
    assert [text for text in texts if FORBIDDEN.search(text)] == []
    services = re.compile(r"customs|guard|migration|quarantine|narcotics", re.IGNORECASE)
    assert [text for text in texts if BRIBE.search(text) and services.search(text)] == []


def test_every_question_names_an_office_and_what_it_can_do(asked: dict[str, Question]) -> None:
    assert {question.actor for question in asked.values()} <= OFFICES
    assert [name for name, question in asked.items() if not re.fullmatch(r"[a-z_]+", question.action)] == []


def test_every_reason_and_change_that_an_office_can_mend_has_its_share(form: Questionnaire) -> None:
    found = frameworks.examine("nonuser.toml", FRAMEWORK, questionnaire=form).framework
    assert found is not None
    read = {code for part in found.indicators for code in part.items}
    mendable = {"waiting", "fees", "extra", "documents", "treatment", "hours", "goods"}
    assert {f"why_gave_up/{code}" for code in mendable} | {f"bring_back/{code}" for code in mendable} <= read


def test_three_questions_make_no_headline_index(form: Questionnaire) -> None:
    found = frameworks.examine("nonuser.toml", FRAMEWORK, questionnaire=form).framework
    assert found is not None
    assert found.headline == ("gave_up_share",)
