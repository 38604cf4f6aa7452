"""What a team takes to the field: a table that can be filled, a codebook that is whole, a form that leads right."""

import csv
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from surveys import checking, papers, routing, xlsform
from surveys.errors import InstrumentError
from surveys.papers.conditions import parse
from surveys.papers.layout import Item, numbered, parted
from surveys.papers.words import ENGLISH, right_to_left
from surveys.questionnaire import Choice, DesignColumns, Question, Questionnaire, Scale
from surveys.reading import read, sheets

INSTRUMENTS = Path(__file__).resolve().parents[2] / "data" / "instruments"
NAMES = ("traveller", "officer", "nonuser")
EN, DARI = "English (en)", "Dari (prs)"
YES_NO = Scale("yes_no", (Choice("yes", {EN: "Yes", DARI: "بلی"}), Choice("no", {EN: "No", DARI: "نخیر"})))
SIDES = Scale(
    "side", (Choice("left", {EN: "Left bank", DARI: "چپ"}), Choice("right", {EN: "Right bank", DARI: "راست"}))
)
CODES = {"shift": "HER-03", "session": "CUS-03", "interviewer": "i07", "facilitator": "f07", "_uuid": "uuid:1"}
MOMENTS = {"start": "2026-05-01T09:00:00+05:00", "end": "2026-05-01T09:20:00+05:00"}


def load(name: str) -> Questionnaire:
    return xlsform.load(INSTRUMENTS / name)


def yes_no(name: str, *, relevant: str = "", gate: str = "") -> Question:
    labels = {EN: f"Is it {name}?", DARI: f"آیا {name}؟"}
    return Question(name, "select_one", labels, YES_NO, relevant=relevant, gate=gate)


def form(*questions: Question, design: DesignColumns | None = None) -> Questionnaire:
    return Questionnaire("f", "1", "A form", (EN, DARI), questions, design or DesignColumns())


def text(html: str) -> str:
    """What a reader sees, without the marks that keep directions apart."""
    shown = re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub("[\u2066-\u2069]", "", unescape(shown))).strip()


def filled(questionnaire: Questionnaire) -> dict[str, str]:
    """An interview: the first answer to each question that is asked after the answers before it."""
    questions = {question.name: question for question in questionnaire.questions}
    given: dict[str, str] = {}
    for name in papers.template(questionnaire):
        question = questions.get(name, Question(name, "meta"))
        number = "1" if question.minimum is None else f"{question.minimum:g}"
        first = question.scale.choices[0].code if question.scale else number
        given[name] = {**CODES, **MOMENTS}.get(name, first) if asked(question, given) else ""
    return given


class Said:
    """One answer, for `routing.evaluate`."""

    def __init__(self, code: str) -> None:
        self.text = np.array([code], dtype=object)

    def ticked(self, code: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.array([code in str(self.text[0]).split()])


def asked(question: Question, given: dict[str, str]) -> bool:
    answers = {name: Said(code) for name, code in given.items()}
    parts = [part for part in (question.gate, question.relevant) if part]
    return all(bool(held[0]) for part in parts if (held := routing.evaluate(part, answers, rows=1)) is not None)


# --- the empty table


@pytest.mark.parametrize("name", NAMES)
def test_a_table_with_these_headers_and_one_interview_can_be_stored(name: str, tmp_path: Path) -> None:
    questionnaire = load(name)
    table = pd.DataFrame([filled(questionnaire)], columns=list(papers.template(questionnaire)))
    path = tmp_path / "filled.csv"
    path.write_bytes(papers.as_csv(table))
    report = checking.check(read(path), questionnaire)
    assert [issue for issue in report.issues if issue.code != "time-unreadable"] == []
    assert report.responses is not None
    assert len(report.responses.frame) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_empty_table_asks_for_no_personal_data_and_no_free_text(name: str) -> None:
    questionnaire = load(name)
    headers = papers.template(questionnaire)
    kinds = {q.name: (q.kind, q.personal) for q in questionnaire.questions}
    texts = [header for header in headers if header in kinds and kinds[header] in {("text", False), ("text", True)}]
    assert set(texts) <= {questionnaire.design.psu, questionnaire.design.interviewer}
    assert len(set(headers)) == len(headers)


def test_personal_questions_and_notes_have_no_header() -> None:
    questions = (Question("phone", "text", personal=True), Question("hello", "note"), yes_no("wet"))
    assert papers.template(form(*questions)) == ("_uuid", "wet")


def test_what_only_the_routing_reads_has_a_header() -> None:
    drawn = Question("drawn", "meta")
    assert papers.template(form(drawn, yes_no("wet", relevant="${drawn} = '1'"))) == ("_uuid", "drawn", "wet")


# --- the codebook


@pytest.mark.parametrize("name", NAMES)
def test_every_question_and_every_code_is_in_the_codebook(name: str) -> None:
    questionnaire = load(name)
    book = papers.codebook(questionnaire)
    assert list(book["questions"]["name"]) == [question.name for question in questionnaire.questions]
    codes = {(q.scale.name, c.code) for q in questionnaire.questions if q.scale for c in q.scale.choices}
    assert set(zip(book["choices"]["list"], book["choices"]["code"], strict=True)) == codes


def test_a_flat_codebook_has_a_row_a_question_and_code() -> None:
    questionnaire = load("traveller")
    table = papers.flat(papers.codebook(questionnaire))
    expected = [(q.name, c.code) for q in questionnaire.questions for c in (q.scale.choices if q.scale else ())]
    coded = table[table["code"] != ""]
    assert sorted(zip(coded["name"], coded["code"], strict=True)) == sorted(expected)
    assert set(table["name"]) == {question.name for question in questionnaire.questions}


def test_a_codebook_says_score_missing_office_and_who_is_asked() -> None:
    table = papers.flat(papers.codebook(load("traveller"))).set_index(["name", "code"])
    refused = table.loc[("paid_customs", "ref")]
    assert (refused["missing"], refused["stored_as"], refused["score"]) == ("refused", "-3", "")
    assert table.loc[("paid_customs", "yes"), "score"] == "1"
    assert (refused["actor"], refused["action"]) == ("customs_service", "stop_payments")
    assert refused["asked_if"] == "((${consent} = 'yes')) and (selected(${contact}, 'customs'))"


def test_a_codebook_has_the_labels_of_all_languages() -> None:
    table = papers.flat(papers.codebook(form(yes_no("wet"))))
    assert list(table["label::Dari (prs)"]) == ["آیا wet؟"] * 2
    assert list(table["choice_label::Dari (prs)"]) == ["بلی", "نخیر"]


def test_nothing_in_a_codebook_is_taken_for_a_formula(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": ["q"], "label": ["=1+1"]})
    path = tmp_path / "book.xlsx"
    path.write_bytes(papers.as_workbook({"questions": table}))
    assert sheets(path)["questions"].frame.loc[0, 1] == "=1+1"
    (line,) = list(csv.reader(papers.as_csv(table).decode("utf-8-sig").splitlines()))[1:]
    assert line == ["q", "'=1+1"]


# --- the form on paper


@pytest.mark.parametrize("name", NAMES)
def test_every_question_stands_on_paper_once_in_its_words_and_numbers_run_on(name: str) -> None:
    questionnaire = load(name)
    html, shown = papers.paper(questionnaire), text(papers.paper(questionnaire))
    head, rest = parted(questionnaire)
    visible = [" ".join(q.labels[EN].split()) for q in (*head, *rest)]
    assert [label for label in visible if label not in shown] == []
    numbers = [int(found) for found in re.findall(r'class="number">(\d+)<', html)]
    assert numbers == list(range(1, sum(q.kind != "note" for q in rest) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_the_conditions_over_a_question_are_those_of_the_form(name: str) -> None:
    items = [item for item in numbered(parted(load(name))[1]) if item.number]
    assert {item.question.name: over(items, item.number) for item in items} == {
        item.question.name: {part for part in (item.question.gate, item.question.relevant) if part} for item in items
    }


def over(items: list[Item], number: int) -> set[str]:
    return {ask.expression for item in items for ask in item.asks if ask.first <= number <= ask.last}


def test_conditions_of_groups_in_groups_are_each_said_where_they_begin() -> None:
    outer, inner = "(${a} = 'yes')", "(${a} = 'yes') and (${b} = 'yes')"
    items = numbered(
        [yes_no("a"), yes_no("b", gate=outer), yes_no("c", gate=inner), yes_no("d", gate=outer), yes_no("e")]
    )
    assert [[(ask.expression, ask.first, ask.last) for ask in item.asks] for item in items] == [
        [], [("(${a} = 'yes')", 2, 4)], [("(${b} = 'yes')", 3, 3)], [], [],
    ]  # fmt: skip


def test_a_no_to_consent_leads_to_the_end_and_says_what_to_read() -> None:
    shown = text(papers.paper(load("traveller")))
    assert "No (go to the end)" in shown
    assert "If the answer to 1 is No: Thank the person and end here." in shown
    assert "Ask 2 to 50 only if the answer to 1 is Yes. If not, go to the end." in shown


def test_a_block_for_some_says_who_and_where_others_go_on() -> None:
    shown = text(papers.paper(load("traveller")))
    assert "Ask 3 only if the answer to “User group” is Trader. If not, go to 4." in shown
    assert "Ask 38 and 39 only if Customs is marked at 35. If not, go to 40." in shown
    assert "Ask 46 only if Yes is the answer to any of 38 to 45. If not, go to 47." in shown


def test_an_answer_that_skips_questions_says_the_next() -> None:
    first, second, third = yes_no("wet"), yes_no("cold", relevant="${wet} = 'yes'"), yes_no("late")
    assert [item.jumps for item in numbered([first, second, third])] == [{"no": 3}, {}, {}]
    assert "No (go to 3)" in text(papers.paper(form(first, second, third)))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("${wet} = 'yes'", "the answer to 1 is Yes"),
        ("'yes' = ${wet}", "the answer to 1 is Yes"),
        ("${wet} != 'no'", "the answer to 1 is not No"),
        ("${wet} != ''", "1 is answered"),
        ("${hours} > 2 and ${wet} = 'yes'", "the answer to 2 is more than 2 and the answer to 1 is Yes"),
        ("3 >= ${hours}", "the answer to 2 is 3 or less"),
        ("not(selected(${wet}, 'yes'))", "Yes is not marked at 1"),
        ("not(${wet} = 'yes' and ${hours} < 1)",
         "it is not so that the answer to 1 is Yes and the answer to 2 is less than 1"),
        ("${hours} > 5 and (${wet} = 'yes' or ${hours} < 9)",
         "the answer to 2 is more than 5 and (the answer to 1 is Yes or the answer to 2 is less than 9)"),
        ("count-selected(${wet}) > 1", "this holds: count-selected(1) > 1"),
        ("${wet} = ${hours}", "this holds: 1 = 2"),
    ],
)  # fmt: skip
def test_conditions_in_words(expression: str, words: str) -> None:
    labels = {("wet", "yes"): "Yes", ("wet", "no"): "No"}
    assert ENGLISH.phrases.said(expression, {"wet": "1", "hours": "2"}, labels) == words


@pytest.mark.parametrize("expression", ["", "${a} =", "= 'yes'", "(${a} = 'b'", "selected(${a})", "${a} = 'b' 'c'"])
def test_what_is_no_condition_is_not_read_as_one(expression: str) -> None:
    assert parse(expression) is None


def test_the_head_holds_the_design_and_is_not_numbered() -> None:
    side = Question("side", "select_one", {EN: "Side", DARI: "ساحل"}, SIDES)
    note = Question("hello", "note", {EN: "Good day.", DARI: "سلام."})
    questionnaire = form(side, note, yes_no("wet"), design=DesignColumns(strata=("side",), weight="w"))
    assert [[question.name for question in part] for part in parted(questionnaire)] == [["side"], ["hello", "wet"]]
    assert parted(form(side, note, yes_no("wet")))[0] == ()


def test_questions_on_one_scale_share_a_grid_only_where_the_same_people_are_asked() -> None:
    alike = papers.paper(form(yes_no("wet"), yes_no("cold")))
    chosen = papers.paper(
        form(Question("n", "integer", {EN: "N", DARI: "N"}), yes_no("wet"), yes_no("cold", relevant="${n} > 1"))
    )
    assert (alike.count("<table>"), chosen.count("<table>")) == (1, 0)


def test_dari_runs_from_right_to_left_with_its_own_labels_and_no_english_word() -> None:
    first, second = yes_no("1st"), yes_no("2nd", relevant="${1st} = 'yes'")
    html = papers.paper(Questionnaire("f", "1", "فورم", (EN, DARI), (first, second)), language="prs")
    assert '<html lang="prs" dir="rtl">' in html
    shown = text(html)
    assert "بلی" in shown
    assert "1 = بلی ⇐ 2. ≠ ⇐ ■." in shown
    assert re.findall(r"\b(Yes|No|Ask|only|if|go|to)\b", shown) == []


@pytest.mark.parametrize(
    ("language", "sample", "expected"),
    [
        ("Dari (prs)", "", True),
        ("Pashto (ps)", "", True),
        ("Persian (fa-AF)", "", True),
        ("Tajik (tg)", "сарҳад", False),
        ("Pashto", "", True),
        ("default", "د پولې خدمتونه", True),
        ("default", "border", False),
    ],
)
def test_the_direction_of_a_language(language: str, sample: str, expected: bool) -> None:  # noqa: FBT001 - a case
    assert right_to_left(language, sample) is expected


def test_a_language_that_the_form_has_not_is_refused_with_those_it_has() -> None:
    with pytest.raises(InstrumentError, match=r"no language 'ru'; it has English \(en\), Dari \(prs\)"):
        papers.paper(form(yes_no("wet")), language="ru")


def test_a_form_half_in_a_language_is_not_printed_in_it() -> None:
    half = Question("cold", "select_one", {EN: "Is it cold?"}, YES_NO)
    with pytest.raises(InstrumentError, match=r"not whole in Dari \(prs\): cold"):
        papers.paper(form(yes_no("wet"), half), language=DARI)
    assert "Is it cold?" in papers.paper(form(yes_no("wet"), half), language=EN)


def test_personal_questions_and_what_the_tool_fills_in_are_not_printed() -> None:
    questions = (Question("start", "meta"), Question("phone", "text", {EN: "Telephone"}, personal=True), yes_no("wet"))
    shown = text(papers.paper(form(*questions)))
    assert "Telephone" not in shown
    assert "start" not in shown


def test_labels_are_shown_as_text_and_questions_in_them_by_number() -> None:
    script = Question(
        "b", "note", {EN: "<b onclick='x()'>As in ${wet}</b> & **so** < 3 <script>alert(1)</script>", DARI: "x"}
    )
    html = papers.paper(form(yes_no("wet"), script))
    assert "As in (\u20681\u2069) &amp; so &lt; 3 alert(1)" in html
    assert [found for found in ("<script", "onclick", "http", "src=") if found in html] == []


# --- what is for the interviewer alone


@pytest.mark.parametrize("name", NAMES)
def test_every_hint_and_every_title_of_a_group_stands_on_the_form(name: str) -> None:
    with (INSTRUMENTS / name / "survey.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["type"] not in {"start", "end"}]
    hints = {row["hint::English (en)"] for row in rows if row["hint::English (en)"]}
    titles = {row["label::English (en)"] for row in rows if row["type"] == "begin_group"} - {""}
    shown = text(papers.paper(load(name), beside=papers.asides(INSTRUMENTS / name)))
    assert hints
    assert titles
    assert [said for said in hints | titles if said not in shown] == []


def test_a_hint_that_holds_for_a_whole_grid_stands_once() -> None:
    hints = {name: {EN: "Do not read out the last answer."} for name in ("wet", "cold")}
    html = papers.paper(form(yes_no("wet"), yes_no("cold")), beside=papers.Asides(hints, {}))
    assert (html.count("<table>"), html.count("Do not read out the last answer.")) == (1, 1)
    apart = {"wet": {EN: "Of rain."}, "cold": {EN: "Of wind."}}
    html = papers.paper(form(yes_no("wet"), yes_no("cold")), beside=papers.Asides(apart, {}))
    assert (html.count("<table>"), html.count("Of rain."), html.count("Of wind.")) == (1, 1, 1)


def test_a_title_is_said_where_its_group_begins_and_not_again() -> None:
    first, second = (replace(yes_no(name), group=("outer", name)) for name in ("wet", "cold"))
    titles = {"outer": {EN: "Weather"}, "cold": {EN: "Wind"}}
    html = papers.paper(form(first, second), beside=papers.Asides({}, titles))
    assert re.findall("<h2>(.*?)</h2>", html) == ["Weather", "Wind"]


def test_hints_of_a_workbook_and_without_a_language_are_read(tmp_path: Path) -> None:
    rows = [("begin group", "g", "G", ""), ("text", "q", "Q", "aside"), ("end group", "", "", "")]
    survey = pd.DataFrame(rows, columns=["type", "name", "label", "hint"])
    path = tmp_path / "form.xlsx"
    path.write_bytes(papers.as_workbook({"survey": survey}))
    found = papers.asides(path)
    assert (found.hint("q", EN), found.title("g", DARI), found.hint("absent", EN)) == ("aside", "G", "")


def test_a_workbook_without_a_survey_sheet_has_no_hints(tmp_path: Path) -> None:
    path = tmp_path / "form.xlsx"
    path.write_bytes(papers.as_workbook({"choices": pd.DataFrame({"a": ["b"]})}))
    with pytest.raises(InstrumentError, match=r"form\.xlsx has no sheet 'survey'"):
        papers.asides(path)
