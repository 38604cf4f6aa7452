import pandas as pd
import pytest

from surveys.mapping import Match, match
from surveys.questionnaire import Choice, DesignColumns, Question, Questionnaire, Scale
from surveys.reading.table import RawTable

FOOD = Scale(
    "food",
    (Choice("bread", {"en": "Bread", "ru": "Хлеб"}), Choice("rice_2", {"en": "Rice, plov", "ru": "Плов"})),
)
FORM = Questionnaire(
    "f",
    "1",
    "Form",
    ("en", "ru"),
    (
        Question("start", "meta"),
        Question("vessel", "text", {"en": "Kind of boat/canoe", "ru": "Лодка"}),
        Question("eaten", "select_multiple", {"en": "What did you eat?", "ru": "Что вы ели?"}, FOOD, ("meals", "noon")),
        Question("why_a", "integer", {"en": "How much?"}),
        Question("why_b", "integer", {"en": "How much?"}),
        Question("hello", "note", {"en": "Hello"}),
    ),
)


def found(*columns: str, form: Questionnaire = FORM) -> Match:
    frame = pd.DataFrame([[""] * len(columns)], columns=range(len(columns)), dtype="str")
    return match(RawTable(columns, frame, pd.Series([2]), "", "csv", {}), form)


def names(*columns: str) -> list[str]:
    """Question or question/choice of each column, "?" where nobody knows it."""
    result = found(*columns)
    targets = {
        at: target.question.name + (f"/{target.choice}" if target.choice else "")
        for at, target in result.columns.items()
    }
    return [targets.get(at, result.meta.get(at, "?")) for at in range(len(columns))]


@pytest.mark.parametrize(
    "header",
    [
        "eaten",
        "noon/eaten",
        "meals/noon/eaten",
        "meals.noon.eaten",
        "meals-noon-eaten",
        "meals:noon:eaten",
        "moved/into/another/eaten",
        "\ufeffeaten",
        "X.U.FEFF.eaten",
        "ï..eaten",
        " EATEN ",
        "What did you eat?",
        "Что вы ели?",
        "Meals of the day/At noon/What did you eat?",
        "What.did.you.eat.",
    ],
)
def test_a_question_is_known_by_every_way_of_writing_it(header: str) -> None:
    assert names(header) == ["eaten"]


@pytest.mark.parametrize(
    "header",
    [
        "eaten/rice_2",
        "meals/noon/eaten/rice_2",
        "meals.noon.eaten.rice_2",
        "eaten.rice_2",
        "eaten_rice_2",
        "eaten[rice_2]",
        "other/eaten/rice_2",
        "What did you eat?/Rice, plov",
        "Что вы ели?/Плов",
        "Meals/What did you eat?/Rice, plov",
        "What.did.you.eat..Rice..plov",
    ],
)
def test_a_choice_is_known_by_every_way_of_writing_it(header: str) -> None:
    assert names(header) == ["eaten/rice_2"]


def test_a_label_with_a_slash_is_never_split() -> None:
    assert names("Kind of boat/canoe", "canoe", "boat") == ["vessel", "?", "?"]


@pytest.mark.parametrize(("second", "times"), [("How much?", 2), ("How much?.1", 2)])
def test_one_label_for_two_questions_goes_by_the_order_of_the_form(second: str, times: int) -> None:
    assert names("How much?", second)[:times] == ["why_a", "why_b"]


def test_a_label_that_two_questions_share_is_ambiguous_alone() -> None:
    assert found("How much?").ambiguous == (0,)
    assert found("How much?", "How much?").ambiguous == ()


def test_the_same_name_again_is_a_repetition() -> None:
    assert found("why_a", "why_b", "why_a").repeated == (2,)
    assert found("x", "x").repeated == (1,)


def test_two_names_of_one_question_are_no_repetition() -> None:
    result = found("vessel", "Kind of boat/canoe")
    assert result.repeated == ()
    assert result.positions("vessel") == (0, 1)


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("_uuid", "uuid"),
        ("X_uuid", "uuid"),
        ("X_id", "id"),
        ("_submission_time", "submitted"),
        ("SubmissionDate", "submitted"),
        ("KEY", "key"),
        ("meta/instanceID", "instance_id"),
        ("meta/rootUuid", "root_uuid"),
    ],
)
def test_columns_of_field_tools_are_known(header: str, role: str) -> None:
    assert found(header).roles == {role: 0}


@pytest.mark.parametrize(
    "header", ["__version__", "_version_", "_version__001", "_index", "deviceid", "formhub/uuid", "_submitted_by"]
)
def test_other_columns_of_field_tools_are_not_unknown(header: str) -> None:
    assert (found(header).unknown, found(header).roles) == ((), {})


def test_the_start_of_the_form_is_the_start_of_the_interview() -> None:
    assert found("q", "X.U.FEFF.start").roles == {"start": 1}


def test_what_nobody_knows_is_unknown_and_what_is_not_there_is_absent() -> None:
    result = found("why_a", "colour", "")
    assert (result.unknown, result.absent) == ((1, 2), ("eaten", "why_b"))


def test_a_weight_that_no_question_asks_is_looked_for() -> None:
    form = Questionnaire("f", "1", "", (), FORM.questions, DesignColumns(weight="w", psu="psu"))
    assert {t.question.name: t.question.kind for t in found("w", "psu", form=form).columns.values()} == {
        "w": "decimal",
        "psu": "text",
    }
    assert {"w", "psu"} <= set(found("why_a", form=form).absent)
