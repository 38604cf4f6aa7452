import csv
from pathlib import Path

import pandas as pd
import pytest

from surveys import xlsform
from surveys.errors import InstrumentError
from surveys.questionnaire import Questionnaire
from surveys.reading.table import RawTable

CHOICES = "list_name,name,label::English (en),label::Русский (ru),score,missing\n"
YES_NO = CHOICES + "yn,yes,Yes,Да,1,\nyn,no,No,Нет,0,\nyn,dk,Don't know,Не знаю,,dont_know\n"


def table(text: str) -> RawTable:
    header, *rows = list(csv.reader(text.splitlines()))
    frame = pd.DataFrame(rows, columns=range(len(header)), dtype="str")
    return RawTable(tuple(header), frame, pd.Series(range(2, len(rows) + 2)), "", "csv", {})


def form(survey: str, choices: str = YES_NO, settings: str = "form_id\nf\n") -> Questionnaire:
    return xlsform.parse(table(survey), table(choices), table(settings), id="f")


def codes(questionnaire: Questionnaire) -> list[str]:
    return [fault.code for fault in xlsform.faults(questionnaire)]


def folder(tmp_path: Path, **sheets: str) -> Path:
    content = {
        "survey": "type,name,label\nselect_one yn,q,Question\n",
        "choices": "list_name,name,label,score\nyn,yes,Yes,1\nyn,no,No,0\n",
        "settings": "form_title,form_id,version\nForm,f,1\n",
    }
    for name, text in (content | sheets).items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


# --- what a form says


def test_labels_are_read_in_every_language() -> None:
    read = form("type,name,label::English (en),label::Русский (ru)\nselect_one yn,q,Is it?,Так ли?\n")
    assert read.languages == ("English (en)", "Русский (ru)")
    assert read.questions[0].labels == {"English (en)": "Is it?", "Русский (ru)": "Так ли?"}
    assert read.questions[0].scale is not None
    assert [choice.labels["Русский (ru)"] for choice in read.questions[0].scale.choices] == ["Да", "Нет", "Не знаю"]


def test_a_plain_label_is_in_the_default_language() -> None:
    settings = "form_id,default_language\nf,Тоҷикӣ (tg)\n"
    choices = "list_name,name\nyn,yes\n"
    assert form("type,name,label\ntext,q,Чӣ?\n", choices, settings).languages == ("Тоҷикӣ (tg)",)


def test_scores_and_kinds_of_missing_are_read() -> None:
    (question,) = form("type,name\nselect_one yn,q\n").questions
    assert question.scale is not None
    assert [(c.code, c.score, c.missing) for c in question.scale.choices] == [
        ("yes", 1, None),
        ("no", 0, None),
        ("dk", None, "dont_know"),
    ]


def test_groups_nest_and_their_conditions_become_the_gate() -> None:
    survey = (
        "type,name,relevant\nbegin_group,a,${x} = 'yes'\nbegin group,b,${y} > 1\ninteger,q,${z} = 'no'\n"
        "end group,,\nend_group,,\ninteger,last,\n"
    )
    inner, last = form(survey).questions
    assert (inner.group, inner.relevant, inner.gate) == (("a", "b"), "${z} = 'no'", "(${x} = 'yes') and (${y} > 1)")
    assert (last.group, last.gate) == ((), "")


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("select_one yn", "select_one"),
        ("select one yn", "select_one"),
        ("Select_Multiple yn", "select_multiple"),
        ("select all that apply from yn", "select_multiple"),
        ("int", "integer"),
        ("numeric", "decimal"),
        ("range", "decimal"),
        ("calculate", "meta"),
        ("deviceid", "meta"),
        ("hidden string", "text"),
        ("something new", "text"),
    ],
)
def test_types_of_field_forms_are_taken(written: str, kind: str) -> None:
    assert form(f"type,name\n{written},q\n").questions[0].kind == kind


@pytest.mark.parametrize("kind", ["geopoint", "image", "deviceid", "audit", "phonenumber"])
def test_types_that_hold_personal_data_are_marked(kind: str) -> None:
    assert form(f"type,name\n{kind},q\n").questions[0].personal


def test_our_personal_column_marks_a_question() -> None:
    first, second = form("type,name,personal\ninteger,house,yes\ninteger,age,\n").questions
    assert (first.personal, second.personal) == (True, False)


def test_or_other_adds_the_choice_and_its_text() -> None:
    first, second = form("type,name\nselect_one yn or_other,q\n").questions
    assert first.scale is not None
    assert first.scale.choices[-1].code == "other"
    assert (second.name, second.kind, second.relevant) == ("q_other", "text", "selected(${q}, 'other')")


@pytest.mark.parametrize(
    ("constraint", "kind", "expected"),
    [
        (". >= 0 and . <= 48", "decimal", (0, 48)),
        (".>0 and .<30", "integer", (1, 29)),
        (".>0", "decimal", (0, None)),
        (".=0 or .>=999 and .<= 10000000", "integer", (None, None)),
        (".<= ${tot_expenses}", "integer", (None, None)),
        ("regex(., '^[0-9]+$')", "text", (None, None)),
    ],
)
def test_only_simple_constraints_become_bounds(constraint: str, kind: str, expected: tuple[object, object]) -> None:
    (question,) = form(f'type,name,constraint\n{kind},q,"{constraint}"\n').questions
    assert (question.minimum, question.maximum) == expected


def test_choices_may_be_called_value_and_headers_may_vary() -> None:
    read = form("Type,Name,Label:English\nselect_one yn,q,Is it?\n", "List Name,VALUE,label\nyn,1,Yes\nyn,2,No\n")
    assert read.questions[0].labels == {"English": "Is it?"}
    assert read.questions[0].scale is not None
    assert [choice.code for choice in read.questions[0].scale.choices] == ["1", "2"]


def test_settings_declare_the_design() -> None:
    settings = (
        "form_id,version,weight,strata,psu,traffic,interviewer,facets\n"
        'f,7,w,post direction,shift,count,team,"side; post; side sex"\n'
    )
    read = form("type,name\ninteger,q\n", settings=settings)
    assert (read.version, read.design.weight, read.design.strata) == ("7", "w", ("post", "direction"))
    assert (read.design.psu, read.design.traffic, read.design.fpc) == ("shift", "count", None)
    assert read.design.facets == (("side",), ("post",), ("side", "sex"))


@pytest.mark.parametrize(
    ("survey", "words"),
    [
        ("type,name\nbegin_group,a\ninteger,q\n", "row 2: group 'a' never ends"),
        ("type,name\ninteger,q\nend_group,\n", "row 3: a group ends that never began"),
        ("kind,called\ninteger,q\n", "columns type and name"),
    ],
)
def test_a_form_that_cannot_be_followed_is_refused_with_its_row(survey: str, words: str) -> None:
    with pytest.raises(InstrumentError, match=words):
        form(survey)


# --- where a form contradicts itself


def test_a_sound_form_has_no_fault() -> None:
    assert codes(form("type,name,relevant\nselect_one yn,a,\ninteger,b,${a} = 'yes'\n")) == []


@pytest.mark.parametrize(
    ("survey", "code"),
    [
        ("type,name\nselect_one nowhere,q\n", "form-list-missing"),
        ("type,name\nselect_multiple,q\n", "form-list-missing"),
        ("type,name\ninteger,q\ntext,q\n", "form-duplicate-name"),
        ("type,name,relevant\ninteger,q,${other} = 1\n", "form-routing-unknown"),
        ("type,name,constraint\ninteger,q,. >= 9 and . <= 2\n", "form-bounds"),
        ("type,name\n,\n", "form-no-questions"),
    ],
)
def test_a_contradiction_between_questions_is_a_fault(survey: str, code: str) -> None:
    assert codes(form(survey)) == [code]


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ("yn,yes,,,1,\nyn,yes,,,0,\n", "form-duplicate-code"),
        ("yn,yes,,,1,\nyn,no,,,,\n", "form-scores-partly"),
        ("yn,yes,,,1,\nyn,no,,,half,\n", "form-scores-partly"),
        ("yn,yes,,,1,\nyn,no,,,1,\n", "form-scores-equal"),
        ("yn,yes,,,1,\nyn,no,,,0,\nyn,dk,,,5,dont_know\n", "form-score-missing"),
    ],
)
def test_a_contradiction_in_a_list_is_a_fault(choices: str, code: str) -> None:
    assert codes(form("type,name\nselect_one yn,q\n", CHOICES + choices)) == [code]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ("strata,weight\nnowhere,w\n", "form-design-unknown"),
        ("psu\nnowhere\n", "form-design-unknown"),
        ("facets\nq; q nowhere\n", "form-design-unknown"),
        ("strata,weight\nnumber,w\n", "form-design-not-choice"),
        ("strata\nq\n", "form-no-weight"),
        ("strata,neighbours,weight\nq,number,w\n", "form-neighbours-no-stratum"),
    ],
)
def test_a_design_that_the_form_cannot_carry_is_a_fault(settings: str, code: str) -> None:
    assert codes(form("type,name\nselect_one yn,q\ninteger,number\n", settings=settings)) == [code]


# --- files


def test_a_folder_and_the_workbook_built_of_it_are_the_same_form(tmp_path: Path) -> None:
    out = tmp_path / "form.xlsx"
    source = folder(tmp_path, settings="form_title,form_id,version,psu,facets\nForm,f,1,q,q\n")
    assert xlsform.build(source, out) == ()
    assert xlsform.load(out) == xlsform.load(source)


def test_two_files_named_together_are_a_form(tmp_path: Path) -> None:
    source = folder(tmp_path)
    beside = xlsform.load(Path(f"{source}/survey.csv,choices.csv"))
    assert beside.questions == xlsform.load(source).questions


@pytest.mark.parametrize(
    ("sheet", "text", "words"),
    [
        ("choices", "list_name,name,score\nyn,yes,1.5\n", r"choices.csv, row 2: score '1.5' is no whole number"),
        ("choices", "list_name,name,missing\nyn,yes,perhaps\n", r"row 2: missing 'perhaps' is not one of"),
        ("survey", "type,name\nselect_one yn,q\nselekt yn,r\n", r"survey.csv, row 3: type 'selekt yn' is not known"),
        ("survey", "type,name\ninteger,\n", r"survey.csv, row 2: there is no name"),
        ("survey", "type,name\ninteger,q,too,many\n", r"survey.csv, row 2: it has not as many cells"),
        ("survey", 'type,name\ninteger,"q\n', r"survey.csv is not CSV"),
    ],
)
def test_a_fault_in_our_own_sources_names_file_row_and_remedy(
    tmp_path: Path, sheet: str, text: str, words: str
) -> None:
    with pytest.raises(InstrumentError, match=words):
        xlsform.load(folder(tmp_path, **{sheet: text}))


def test_a_missing_sheet_is_named(tmp_path: Path) -> None:
    (folder(tmp_path) / "choices.csv").unlink()
    with pytest.raises(InstrumentError, match=r"there is no choices\.csv"):
        xlsform.load(tmp_path)


def test_what_pyxform_refuses_is_not_built(tmp_path: Path) -> None:
    source = folder(tmp_path, survey="type,name,label\nselect_one nowhere,q,Question\n")
    with pytest.raises(InstrumentError, match="pyxform refuses"):
        xlsform.build(source, tmp_path / "form.xlsx")
    assert list(tmp_path.glob("*.xlsx")) == []


def test_what_pyxform_warns_of_is_handed_back(tmp_path: Path) -> None:
    source = folder(tmp_path, survey="type,name,label::Elvish\nselect_one yn,q,Quenya\n")
    assert any("Elvish" in warning for warning in xlsform.build(source, tmp_path / "form.xlsx"))
