from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.routing import evaluate, names


@dataclass
class Given:
    texts: tuple[str, ...]

    @property
    def text(self) -> npt.NDArray[np.object_]:
        return np.array(self.texts, dtype=object)

    def ticked(self, code: str) -> npt.NDArray[np.bool_]:
        return np.array([code in text.split() for text in self.texts], dtype=np.bool_)


ANSWERS = {
    "sex": Given(("female", "male", "")),
    "met": Given(("customs guards", "guards", "")),
    "age": Given(("17", "40", "")),
    "limit": Given(("18", "40", "5")),
}


def holds(expression: str) -> list[bool] | None:
    found = evaluate(expression, ANSWERS, rows=3)
    return None if found is None else [bool(value) for value in found]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("${sex} = 'female'", [True, False, False]),
        ('${ sex }="female"', [True, False, False]),
        ("${sex} != 'female'", [False, True, True]),
        ("${sex} = ''", [False, False, True]),
        ("selected(${met}, 'customs')", [True, False, False]),
        ("not(selected(${met},'customs'))", [False, True, True]),
        ("selected(${met}, 'customs') or ${sex}='male'", [True, True, False]),
        ("selected(${met}, 'guards') and ${age} >= 18", [False, True, False]),
        ("${sex}='male' or ${sex}='female' and ${age} > 18", [False, True, False]),
        ("(${sex}='male' or ${sex}='female') and ${age} < 18", [True, False, False]),
        ("${age} < ${limit}", [True, False, False]),
        ("${age} + 1 >= ${limit} * 1", [True, True, False]),
        ("${age} div 2 = 20 or -${age} = -17", [True, True, False]),
        ("${age} mod 2 = 1", [True, False, False]),
        ("${age} - 17 = 0", [True, False, False]),
        ("count-selected(${met}) = 2", [True, False, False]),
        ("string-length(${sex}) > 4", [True, False, False]),
        ("number(${age}) = 40", [False, True, False]),
        ("coalesce(${age}, '9') = 9", [False, False, True]),
        ("true()", [True, True, True]),
        ("1 = 2", [False, False, False]),
        ("${age}", [True, True, False]),
    ],
)
def test_common_conditions_hold_where_the_field_tool_would_ask(expression: str, expected: list[bool]) -> None:
    assert holds(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "${unheard} = 'x'",
        "pulldata('a', ${sex}) = 1",
        "regex(${sex}, '^f')",
        "${sex} =",
        "(${sex} = 'male'",
        "${sex} 'male'",
        "selected(., 'x')",
        "${sex} = 'male' & 1",
        "not()",
        "count-selected(1)",
        "",
    ],
)
def test_what_is_not_understood_is_unknown_and_not_a_guess(expression: str) -> None:
    assert holds(expression) is None


def test_questions_of_a_condition_are_named_once() -> None:
    assert names("${a} = 1 or selected(${b}, 'x') and ${ a } = 2") == ("a", "b")


@given(st.text(alphabet="${}sexag'() =<>!ornd+-*,.1 ", max_size=40))
def test_any_text_is_a_condition_or_unknown(expression: str) -> None:
    found = evaluate(expression, ANSWERS, rows=3)
    assert found is None or found.shape == (3,)
