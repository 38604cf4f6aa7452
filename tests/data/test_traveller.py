"""The traveller instrument, its framework and the demo hold together, and ask nothing that must not be asked."""

import csv
import datetime as dt
import re
import tomllib
from pathlib import Path

import pytest

from scoring.framework import Framework
from surveys import xlsform
from surveys.questionnaire import Choice, Question, Questionnaire
from surveys.simulate import Truth, scored_codes
from tests.data.words import BRIBE, FORBIDDEN, OFFICES

DATA = Path(__file__).resolve().parents[2] / "data"
FOLDER = DATA / "instruments" / "traveller"
AGENCIES = ("customs", "guards", "migration", "quarantine")
REAL_CROSSINGS = re.compile(
    r"panj|pyanj|ishkashim|\btem\b|ruzvay|shohon|langar|kokul|sher ?khan|dusti|vanj|nusay|yol|farkhor|khumrogi|"
    r"darvoz|shughnan",
    re.IGNORECASE,
)


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def choices(question: Question) -> tuple[Choice, ...]:
    return question.scale.choices if question.scale else ()


@pytest.fixture(scope="module")
def questionnaire() -> Questionnaire:
    return xlsform.load(FOLDER)


@pytest.fixture(scope="module")
def items(questionnaire: Questionnaire) -> dict[str, Question]:
    """Questions put to the respondent: without the interviewer's own notes before and after, and without consent."""
    return {q.name: q for q in questionnaire.questions if q.group[:1] == ("interview",) and q.kind != "note"}


@pytest.fixture(scope="module")
def framework() -> Framework:
    path = DATA / "frameworks" / "border.toml"
    return Framework.from_toml(path.read_text(encoding="utf-8"), name=path.name)


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth.from_toml((DATA / "demo" / "truth.toml").read_text(encoding="utf-8"))


def test_the_interview_has_35_to_45_items_beside_the_service_that_they_are_about(items: dict[str, Question]) -> None:
    assert 35 <= len(items.keys() - {"agency"}) <= 45


def test_pyxform_accepts_the_instrument_without_a_warning(tmp_path: Path) -> None:
    assert xlsform.build(FOLDER, tmp_path / "traveller.xlsx") == ()


def test_our_own_rules_find_no_fault(questionnaire: Questionnaire) -> None:
    assert xlsform.faults(questionnaire) == ()


def test_settings_declare_the_design(questionnaire: Questionnaire) -> None:
    design = questionnaire.design
    assert design.strata == ("post", "user_group", "direction")
    assert (design.psu, design.traffic, design.interviewer) == ("shift", "traffic_count", "interviewer")
    assert design.facets[:3] == (("side",), ("side", "post"), ("side", "user_group"))
    assert ("side", "agency") in design.facets
    assert all(facets[0] == "side" for facets in design.facets), "the sides are never pooled"


def test_nothing_is_asked_before_consent_and_a_no_ends_it() -> None:
    survey = rows("survey")
    names = [row["name"] for row in survey]
    assert names.index("consent") < names.index("interview")
    assert {row["relevant"] for row in survey if row["name"] in {"interview", "privacy"}} == {"${consent} = 'yes'"}
    assert {row["relevant"] for row in survey if row["name"] == "no_consent"} == {"${consent} = 'no'"}


def test_the_introduction_says_voluntary_no_name_skip_and_stop() -> None:
    text = next(row["label::English (en)"] for row in rows("survey") if row["name"] == "introduction")
    assert all(words in text for words in ("voluntary", "do not write down your name", "skip any question", "stop"))


def test_no_item_is_required_since_a_person_may_skip_it(items: dict[str, Question]) -> None:
    assert [name for name, question in items.items() if question.required] == []


def test_every_item_on_a_scale_can_be_answered_by_dont_know_and_no_answer(items: dict[str, Question]) -> None:
    missing = {q.name: {choice.missing for choice in q.scale.choices} for q in items.values() if q.scale is not None}
    assert {name for name, kinds in missing.items() if not {"dont_know", "refused"} <= kinds} == set()


def test_every_item_outside_the_profile_names_an_office_and_what_it_can_do(items: dict[str, Question]) -> None:
    measured = [
        question
        for name, question in items.items()
        if name not in {"crossing_frequency", "trader_size", "agency", "contact"}
    ]
    assert {question.actor for question in measured} <= OFFICES
    assert [question.name for question in measured if not re.fullmatch(r"[a-z_]+", question.action)] == []


@pytest.mark.parametrize("sheet", ["survey", "choices"])
def test_no_forbidden_topic_is_touched(sheet: str) -> None:
    texts = [text for row in rows(sheet) for key, text in row.items() if key != "constraint"]
    assert [text for text in texts if FORBIDDEN.search(text)] == []


def test_nothing_that_names_a_person_or_a_place_is_collected() -> None:
    kinds = {row["type"].split()[0] for row in rows("survey")}
    assert kinds <= {
        "start",
        "end",
        "begin_group",
        "end_group",
        "note",
        "select_one",
        "select_multiple",
        "integer",
        "decimal",
        "text",
    }
    assert [row["name"] for row in rows("survey") if row["type"] == "text"] == ["shift", "interviewer"]


def test_narcotics_control_is_never_asked_about_bribes() -> None:
    about = [row for row in rows("survey") if "narcotics" in " ".join(row.values())]
    assert {row["name"] for row in about} == {"narcotics_wait", "narcotics_respect"}
    assert [row["name"] for row in about if BRIBE.search(row["label::English (en)"])] == []


@pytest.mark.parametrize("agency", AGENCIES)
def test_requests_and_payments_are_asked_of_all_with_contact(items: dict[str, Question], agency: str) -> None:
    routing = f"selected(${{contact}}, '{agency}')"
    assert (items[f"asked_{agency}"].relevant, items[f"paid_{agency}"].relevant) == (routing, routing)


def test_reporting_is_asked_only_after_a_request_or_a_payment(items: dict[str, Question]) -> None:
    parts = set(items["reported"].relevant.split(" or "))
    assert parts == {f"${{{kind}_{agency}}} = 'yes'" for kind in ("asked", "paid") for agency in AGENCIES}


def test_reporting_names_the_four_agencies_in_the_words_of_contact_and_never_to_whom(
    items: dict[str, Question],
) -> None:
    words = {q: {c.code: c.labels for c in choices(items[q]) if c.code in AGENCIES} for q in ("contact", "reported")}
    assert words["reported"] == words["contact"]
    codes = tuple(choice.code for choice in choices(items["reported"]))
    assert codes == (*AGENCIES, "nobody", "dk", "ref")
    (row,) = (row for row in rows("survey") if row["name"] == "reported")
    assert "Never ask to whom" in row["hint::English (en)"]
    assert "whom" not in row["label::English (en)"]


def test_bribery_is_asked_in_the_same_neutral_words_of_every_agency() -> None:
    asked = [row["label::English (en)"] for row in rows("survey") if row["name"].startswith(("asked_", "paid_"))]
    assert len(asked) == 8
    assert all("gift, money or favour beyond the official fee" in text for text in asked)


def test_the_links_are_asked_in_identical_words() -> None:
    labels = [row["label::English (en)"] for row in rows("survey") if row["type"] == "select_one how_often"]
    frames = {re.sub(r"^When .* is told", "When ... is told", label) for label in labels}
    assert len(labels) == 6
    assert frames == {"When ... is told that something is wrong at this crossing, how often does it lead to action?"}


def test_the_links_are_asked_of_the_service_that_was_named(items: dict[str, Question]) -> None:
    names = [row["name"] for row in rows("survey")]
    assert names.index("agency") < names.index("links_introduction") < names.index("link_leadership")
    (text,) = (row["label::English (en)"] for row in rows("survey") if row["name"] == "links_introduction")
    assert "When I say 'the service', think of the one you named" in text
    assert "not about any person" in text
    assert items["agency"].relevant == ""


def test_the_service_dealt_with_most_is_one_of_four_and_narcotics_control_is_not_offered(
    items: dict[str, Question],
) -> None:
    offered = {choice.code: choice.missing for choice in choices(items["agency"])}
    kinds = {"none": "not_applicable", "dk": "dont_know", "ref": "refused"}
    assert offered == dict.fromkeys(AGENCIES) | kinds
    words = {q: {c.code: c.labels for c in choices(items[q]) if c.code in AGENCIES} for q in ("contact", "agency")}
    assert words["agency"] == words["contact"]


def test_the_support_contact_is_read_to_everybody() -> None:
    (support,) = (row for row in rows("survey") if row["name"] == "support")
    assert (support["type"], support["relevant"]) == ("note", "")


def test_every_framework_item_is_a_question_with_the_same_range(
    framework: Framework, items: dict[str, Question]
) -> None:
    declared = {item.code: item.range for item in framework.items}
    found = {
        code: (min(scores), max(scores))
        for code in declared
        for scores in [[c.score for c in choices(items[code]) if c.score is not None]]
    }
    assert found == declared


def test_every_indicator_reads_questions_of_the_instrument(framework: Framework, items: dict[str, Question]) -> None:
    read = {code for indicator in framework.indicators for code in indicator.items}
    ticks = {
        f"{q.name}/{choice.code}"
        for q in items.values()
        if q.kind == "select_multiple"
        for choice in choices(q)
        if choice.missing is None
    }
    assert read <= items.keys() | ticks


def test_experience_and_perception_are_never_mixed_in_an_index(framework: Framework) -> None:
    beside = {code for indicator in framework.indicators for code in indicator.items}
    assert beside & {item.code for item in framework.items} == set()


def test_indicators_of_shares_read_yes_or_no_questions_or_ticks(
    framework: Framework, items: dict[str, Question]
) -> None:
    shares = {code for part in framework.indicators if part.statistic == "share" for code in part.items}
    assert {scored_codes(items[code]) for code in shares if "/" not in code} == {("no", "yes")}
    assert {code for code in shares if "/" in code} == {f"reported/{agency}" for agency in AGENCIES}


@pytest.mark.parametrize("agency", AGENCIES)
def test_reporting_is_an_indicator_of_each_agency_and_of_any(framework: Framework, agency: str) -> None:
    parts = {part.code: part for part in framework.indicators}
    own = parts[f"reported_{agency}"]
    assert (own.items, own.direction, own.sensitive) == ((f"reported/{agency}",), "ambiguous", True)
    assert own.items[0] in parts["reported"].items


def test_bribery_and_harassment_are_marked_sensitive(framework: Framework) -> None:
    open_ones = {part.code for part in framework.indicators if not part.sensitive}
    assert not any(code.startswith(("asked_", "paid_", "reported_")) for code in open_ones)
    assert not open_ones & {"bribery", "reported", "harassment"}


def test_the_chain_is_shown_by_side_and_service_only_and_is_no_headline(framework: Framework) -> None:
    (chain,) = (node for node in framework.nodes if node.code == "chain")
    assert (chain.only_by, chain.headline) == ((("side",), ("side", "agency")), False)


def test_the_header_of_the_framework_names_the_ten_arusha_factors() -> None:
    text = (DATA / "frameworks" / "border.toml").read_text(encoding="utf-8")
    head = text[: text.index("\nid =")]
    assert all(re.search(rf"\b{number} [A-Z]", head) for number in range(1, 11))


def test_the_truth_and_the_framework_agree_on_what_is_worse(framework: Framework, truth: Truth) -> None:
    assert {item.code for item in framework.items} == truth.levels.keys()
    assert {item.code for item in framework.items if item.direction == "worse"} == truth.worse & truth.levels.keys()


def test_the_truth_knows_every_crossing_of_the_instrument(questionnaire: Questionnaire, truth: Truth) -> None:
    (post,) = (question for question in questionnaire.questions if question.name == "post")
    sides = {row["name"]: row["side"] for row in rows("choices") if row["list_name"] == "post"}
    assert {choice.code for choice in choices(post)} == sides.keys()
    assert {post.code: post.side for post in truth.posts} == sides


def test_no_crossing_bears_the_name_of_a_real_one() -> None:
    names = [row["label::English (en)"] for row in rows("choices") if row["list_name"] == "post"]
    assert len(names) == 12
    assert [name for name in names if REAL_CROSSINGS.search(name)] == []


@pytest.mark.parametrize(("name", "count"), [("interventions_one_post", 1), ("interventions_four_posts", 4)])
def test_interventions_fall_between_the_first_two_waves_at_known_crossings(truth: Truth, name: str, count: int) -> None:
    with (DATA / "demo" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    days = [dt.date.fromisoformat(row["date"]) for row in table]
    assert len({row["post"] for row in table} & {post.code for post in truth.posts}) == count
    assert all(truth.first_days["2022"] < day < truth.first_days["2024"] for day in days)


def test_the_demo_says_that_it_is_synthetic() -> None:
    texts = [(DATA / "demo" / name).read_text(encoding="utf-8") for name in ("README.md", "truth.toml")]
    assert all("SYNTHETIC" in text.splitlines()[0] for text in texts)
    assert tomllib.loads(texts[1])["waves"] == ["2022", "2024", "2026"]
