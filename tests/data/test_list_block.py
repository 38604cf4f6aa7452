"""The list experiment as rows for another form: drawn once, two lists that differ in one thing, nobody says which."""

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scoring import SurveyDesign
from scoring.experience import list_experiment, lists
from scoring.regression import respondents
from surveys import checking, papers, xlsform
from surveys.questionnaire import Question, Questionnaire
from surveys.reading import read
from tests.data.words import BRIBE, FORBIDDEN

FOLDER = Path(__file__).resolve().parents[2] / "data" / "instruments" / "blocks" / "list_experiment"
SERVICES = re.compile(r"customs|guard|migration|quarantine|narcotics|officer", re.IGNORECASE)


@pytest.fixture(scope="module")
def form() -> Questionnaire:
    return xlsform.load(FOLDER)


def question(form: Questionnaire, name: str) -> Question:
    return next(one for one in form.questions if one.name == name)


def things(form: Questionnaire, name: str) -> list[str]:
    """What is read out after the question itself."""
    (text,) = question(form, name).labels.values()
    return [part.strip() for part in text.partition("?")[2].split(".") if part.strip()]


def test_pyxform_accepts_the_block_without_a_warning(tmp_path: Path, form: Questionnaire) -> None:
    assert xlsform.build(FOLDER, tmp_path / "block.xlsx") == ()
    assert xlsform.faults(form) == ()


def test_the_list_is_drawn_once_and_evenly() -> None:
    with (FOLDER / "survey.csv").open(encoding="utf-8", newline="") as file:
        calculations = {row["name"]: row["calculation"] for row in csv.DictReader(file) if row["calculation"]}
    assert calculations == {"list_draw": "once(random())", "list_shown": "if(${list_draw} < 0.5, 'short', 'long')"}


def test_each_list_is_shown_where_it_was_drawn(form: Questionnaire) -> None:
    assert question(form, "list_short").relevant == "${list_shown} = 'short'"
    assert question(form, "list_long").relevant == "${list_shown} = 'long'"


def test_the_lists_differ_in_one_thing_and_that_is_the_sensitive_one(form: Questionnaire) -> None:
    short, long = things(form, "list_short"), things(form, "list_long")
    (added,) = [thing for thing in long if thing not in short]
    assert [thing for thing in long if thing != added] == short
    assert len(short) == 4
    assert BRIBE.search(added)
    assert [thing for thing in short if BRIBE.search(thing)] == []


def test_the_question_before_both_lists_is_the_same(form: Questionnaire) -> None:
    begins = {
        next(iter(question(form, name).labels.values())).partition("?")[0] for name in ("list_short", "list_long")
    }
    assert len(begins) == 1


def test_answers_are_numbers_up_to_the_length_of_the_list(form: Questionnaire) -> None:
    scales = [question(form, name).scale for name in ("list_short", "list_long")]
    scores = [[choice.score for choice in scale.choices if choice.missing is None] for scale in scales if scale]
    assert scores == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5]]


def test_no_service_is_named_and_no_forbidden_topic_touched(form: Questionnaire) -> None:
    listed = [thing for name in ("list_short", "list_long") for thing in things(form, name)]
    assert [thing for thing in listed if SERVICES.search(thing) or FORBIDDEN.search(thing)] == []


# --- in another form


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def joined(folder: Path) -> Path:
    """The form of those who stopped crossing with the block inside, as a team copies the rows."""
    other = FOLDER.parents[1] / "nonuser"
    survey, choices = rows(other / "survey.csv"), rows(other / "choices.csv") + rows(FOLDER / "choices.csv")
    at = next(place for place, row in enumerate(survey) if row["name"] == "bring_back") + 1
    survey[at:at] = rows(FOLDER / "survey.csv")
    for name, table in (("survey", survey), ("choices", choices), ("settings", rows(other / "settings.csv"))):
        pd.DataFrame(table).fillna("").to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_another_form_takes_the_block_as_it_is(tmp_path: Path) -> None:
    folder = joined(tmp_path)
    assert xlsform.build(folder, tmp_path / "with_block.xlsx") == ()
    assert xlsform.faults(xlsform.load(folder)) == ()


def test_answers_to_the_block_come_through_the_check_to_the_estimate(tmp_path: Path) -> None:
    form, rng, size = xlsform.load(joined(tmp_path)), np.random.default_rng(9), 400
    long = rng.random(size) < 0.5
    count = (rng.binomial(4, 0.4, size) + long * rng.binomial(1, 0.3, size)).astype(str)
    silent = rng.random(size) < 0.1
    given = {
        "_uuid": [f"uuid:{row}" for row in range(size)], "side": "left_bank", "venue": "bazaar", "weight": "2",
        "session": [f"BAZ-{row % 20:02d}" for row in range(size)], "interviewer": "i01", "interviewer_sex": "female",
        "sex": "male", "language": "dari", "consent": "yes", "gave_up": "no", "overheard": "no", "uniform_near": "no",
        "interview_stopped": "no", "list_shown": np.where(long, "long", "short"),
        "list_short": np.where(long, "", np.where(silent, "dk", count)),
        "list_long": np.where(long, np.where(silent, "ref", count), ""),
    }  # fmt: skip
    path = tmp_path / "filled.csv"
    path.write_bytes(papers.as_csv(pd.DataFrame(given).reindex(columns=papers.template(form), fill_value="")))
    report = checking.check(read(path), form)
    assert report.responses is not None
    assert report.issues == ()
    frame = report.responses.frame
    found = list_experiment(
        *lists(frame["list_short"].to_numpy(dtype=float), frame["list_long"].to_numpy(dtype=float)),
        respondents(frame, SurveyDesign(psu="psu")),
        items=4,
    )
    numbers = count.astype(float)
    expected = numbers[long & ~silent].mean() - numbers[~long & ~silent].mean()
    assert found.share.estimate == pytest.approx(expected)
    assert (found.short, found.long) == (int((~long & ~silent).sum()), int((long & ~silent).sum()))
