"""The frameworks that come with the product: sound, of questions truly asked, and scored on the demo survey."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.workflow import fieldwork, frameworks
from scoring import Framework, Scorecard, SurveyDesign, reduce, score
from scoring.coverage import coverage
from scoring.totals import Totals
from surveys import checking, simulate
from surveys.questionnaire import Questionnaire
from surveys.reading import Limits, read
from tests.filled import form, one_bank

FOLDER = Path(__file__).resolve().parents[2] / "data" / "frameworks"
OFFICERS = "officers"
#: Frameworks that are read by a form of their own; the others by the travellers' interview.
FORMS = {OFFICERS: "officer", "nonuser": "nonuser"}
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem not in FORMS)
DESIGN = SurveyDesign(strata=("post", "user_group", "direction"), psu="psu", interviewer="interviewer")


def text(name: str) -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def framework(name: str) -> Framework:
    return Framework.from_toml(text(name), name=f"{name}.toml")


@pytest.fixture(scope="module")
def questionnaire() -> Questionnaire:
    return form()


@pytest.fixture(scope="module")
def interviews(questionnaire: Questionnaire, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """One wave of the demo at four posts, as a field tool exports it, checked and coded."""
    path = tmp_path_factory.mktemp("demo") / "wave.csv"
    simulate.draw(questionnaire, one_bank(), wave="2024", seed=2024).to_csv(path, index=False, sep=";")
    responses = checking.check(read(path, limits=Limits()), questionnaire).responses
    assert responses is not None
    return responses.frame


@pytest.fixture(scope="module")
def reduced(interviews: pd.DataFrame) -> dict[str, Totals]:
    return {name: reduce(interviews, framework(name), DESIGN, facets=[("side",)], missing="counted") for name in NAMES}


@pytest.fixture(scope="module")
def cards(reduced: dict[str, Totals]) -> dict[str, Scorecard]:
    return {name: score(totals, framework(name), by="side") for name, totals in reduced.items()}


def figure(card: Scorecard, measure: str) -> float:
    (value,) = card.table.loc[card.table["measure"] == measure, "estimate"]
    return float(value)


def test_the_product_brings_the_frameworks_that_it_names() -> None:
    assert NAMES == ["arusha", "border", "conference_2014", "service_satisfaction"]


@pytest.mark.parametrize("name", NAMES)
def test_each_is_sound_and_asks_what_the_traveller_instrument_asks(name: str, questionnaire: Questionnaire) -> None:
    assert frameworks.examine(name, text(name), questionnaire=questionnaire).faults == ()


@pytest.mark.parametrize("name", FORMS)
def test_one_with_a_form_of_its_own_is_sound_and_asks_what_that_form_asks(name: str) -> None:
    assert frameworks.examine(name, text(name), questionnaire=fieldwork.instrument(FORMS[name])).faults == ()


@pytest.mark.parametrize("name", [*NAMES, *FORMS])
def test_each_is_called_as_its_file(name: str) -> None:
    assert framework(name).id == name


@pytest.mark.parametrize("name", NAMES)
def test_each_scores_every_measure_of_the_demo(name: str, cards: dict[str, Scorecard]) -> None:
    table = cards[name].table
    assert set(table["measure"]) == set(framework(name).measures)
    nodes = table[table["measure"].isin([node.code for node in framework(name).nodes])]
    assert set(nodes["status"]) == {"ok"}
    assert nodes["estimate"].between(nodes["low"], nodes["high"]).all()
    assert nodes["low"].between(0, 100).all()


@pytest.mark.parametrize("name", NAMES)
def test_each_index_lies_between_its_parts(name: str, cards: dict[str, Scorecard]) -> None:
    plan = framework(name)
    for node in plan.nodes:
        parts = [figure(cards[name], part.code) for part in plan.parts(node.code)]
        assert min(parts) - 1e-9 <= figure(cards[name], node.code) <= max(parts) + 1e-9


def test_arusha_gives_each_factor_one_index_that_names_it_and_says_which_are_not_asked() -> None:
    plan = framework("arusha")
    factors = {node.code: node.arusha for node in plan.nodes if node.parent}
    numbers = {node.code: int(node.title.split()[0]) for node in plan.nodes if not node.parent}
    assert {numbers[plan.roots()[code]]: found for code, found in factors.items()} == {
        number: (number,) for number in numbers.values()
    }
    missing = set(range(1, 11)) - set(numbers.values())
    assert missing == {4, 8, 9}
    head = text("arusha")[: text("arusha").index("\nid =")]
    assert all(re.search(rf"(?m)^#   {number} [A-Z]", head) for number in missing)


def test_arusha_puts_no_item_under_a_factor_that_border_does_not_name_for_it() -> None:
    arusha, border = framework("arusha"), framework("border")
    factors = {node.code: set(node.arusha) for node in (*arusha.nodes, *border.nodes)}
    named = {item.code: factors[item.parent] for item in border.items}
    assert all(factors[item.parent] <= named[item.code] for item in arusha.items)


def test_the_officers_are_asked_about_the_three_factors_that_travellers_cannot_be() -> None:
    factors = {factor for node in framework(OFFICERS).nodes for factor in node.arusha}
    assert {4, 8, 9} <= factors
    assert not {4, 9} & {factor for node in framework("border").nodes for factor in node.arusha}


def test_what_asks_of_commanders_is_never_shown_by_post() -> None:
    for name in [*NAMES, *FORMS]:
        plan = framework(name)
        links = [item.code for item in plan.items if item.code.startswith("link_")]
        assert not any(plan.shown_by(code, ("side", "post")) for code in links)


def test_service_satisfaction_is_the_simple_average_of_shares_of_positive_answers(
    interviews: pd.DataFrame, cards: dict[str, Scorecard]
) -> None:
    # SDG 16.6.2: don't know and no answer out of the base, the top two boxes, one weight for each attribute
    def positive(name: str, answers: tuple[int, int]) -> float:
        base = interviews.loc[interviews[name] >= 0, name]
        return float(100 * base.isin(answers).mean())

    expected = {
        "accessibility": positive("service_hours", (3, 4)),
        "equal_treatment": (positive("fair_order", (4, 5)) + positive("fair_sexes", (4, 5))) / 2,
        "simple_delivery": positive("service_steps", (3, 4)),
        "timeliness": positive("service_speed", (3, 4)),
    }
    card = cards["service_satisfaction"]
    assert {code: figure(card, code) for code in expected} == pytest.approx(expected)
    assert figure(card, "satisfaction") == pytest.approx(np.mean(list(expected.values())))


def test_service_satisfaction_counts_what_the_base_leaves_out(
    interviews: pd.DataFrame, reduced: dict[str, Totals]
) -> None:
    table = coverage(reduced["service_satisfaction"], framework("service_satisfaction"))
    row = table[table["measure"] == "service_speed"].iloc[0]
    assert row["dont_know"] + row["refused"] > 0
    assert row["dont_know"] == (interviews["service_speed"] == -2).sum()
    assert row["answered"] + row["dont_know"] + row["refused"] + row["blank"] == len(interviews)


def test_the_chain_of_the_conference_is_a_geometric_mean_below_that_of_border(cards: dict[str, Scorecard]) -> None:
    links = [item.code for item in framework("conference_2014").items if item.parent == "chain_links"]
    values = np.array([figure(cards["conference_2014"], code) for code in links])
    by_hand = (np.exp(np.log(1 + 0.99 * values).mean()) - 1) / 0.99
    assert figure(cards["conference_2014"], "chain") == pytest.approx(by_hand)
    assert figure(cards["conference_2014"], "chain") < figure(cards["border"], "chain")


def test_the_example_of_the_documentation_is_a_sound_framework(questionnaire: Questionnaire) -> None:
    page = (FOLDER.parents[1] / "docs" / "frameworks.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    more = "\n".join(re.findall(r"(?m)^    (\[\[population.*|\[\[bridge.*|from = .*|measures = .*|reason = .*)$", page))
    bridge = more[more.index("[[bridge]]") :].replace('from = "1"', 'from = "0"')
    assert frameworks.examine("page", f"{example}\n{bridge}", questionnaire=questionnaire).faults == ()
