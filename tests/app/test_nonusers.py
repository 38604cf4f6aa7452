"""The survey of those who stopped crossing on the road of every other, from a filled template to a release."""

import numpy as np
import pandas as pd
import pytest

from app.workflow import fieldwork, publishing, releases
from app.workflow.document import Document
from app.workflow.shelf import StoreShelf
from surveys import papers
from surveys.questionnaire import Questionnaire
from surveys.reading import Limits
from surveys.store import open_store
from tests.filled import NOON, signed

SURVEY, WAVE = "nonuser", "2026"
SIDES, VISITS, INTERVIEWS = ("left_bank", "right_bank"), 16, 15
GAVE_UP, BACK_FOR_WAITING = 0.4, 0.6


def draw(form: Questionnaire, *, seed: int) -> pd.DataFrame:
    """Interviews at bazaars and in associations, in the columns of the empty table."""
    rng = np.random.default_rng(seed)
    visits = [(side, venue, at) for side in SIDES for venue in ("bazaar", "association") for at in range(VISITS // 2)]
    place = np.repeat(np.arange(len(visits)), INTERVIEWS)
    side, venue, number = (np.array(part)[place] for part in zip(*visits, strict=True))
    size = place.size
    gave_up = rng.choice(["yes", "no", "never", "dk"], size, p=[GAVE_UP, 0.5, 0.06, 0.04])
    back = np.where(rng.random(size) < BACK_FOR_WAITING, "waiting fees", "documents")
    why = np.where(rng.random(size) < 0.5, "waiting", "extra documents")
    begun = pd.Timestamp("2026-05-04T09:00:00") + pd.to_timedelta(np.arange(size) * 200, unit="s")
    frame = pd.DataFrame(
        {
            "_uuid": [f"{seed:08d}-0000-4000-8000-{row:012d}" for row in range(size)],
            "start": begun.strftime("%Y-%m-%dT%H:%M:%S.000+05:00"),
            "end": (begun + pd.Timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M:%S.000+05:00"),
            "side": side,
            "venue": venue,
            "session": [f"{name[:3].upper()}-{at:02d}" for name, at in zip(venue, number, strict=True)],
            "weight": np.where(venue == "bazaar", "6", "3"),
            "interviewer": [f"i{row % 4:02d}" for row in place],
            "interviewer_sex": "female",
            "sex": rng.choice(["female", "male"], size),
            "language": "dari",
            "consent": "yes",
            "gave_up": gave_up,
            "why_gave_up": np.where(gave_up == "yes", why, ""),
            "bring_back": np.where(gave_up == "yes", back, ""),
            "overheard": "no",
            "uniform_near": "no",
            "interview_stopped": "no",
        }
    )
    return frame[list(papers.template(form))]


@pytest.fixture(scope="module")
def drawn() -> pd.DataFrame:
    return draw(fieldwork.instrument(SURVEY), seed=3)


@pytest.fixture(scope="module")
def document(drawn: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Document:
    """A release of one wave."""
    folder = tmp_path_factory.mktemp("nonusers")
    path = folder / "filled.csv"
    path.write_bytes(papers.as_csv(drawn))
    view = fieldwork.check_file(path, questionnaire=fieldwork.instrument(SURVEY), limits=Limits())
    assert view.ready, view.kinds.to_string()
    store = open_store(f"sqlite:///{folder / 'nonusers.db'}")
    try:
        fieldwork.store_file(path, view, store=store, survey_id=SURVEY, wave=WAVE, who="team", at=NOON, title="Gave up")
        number = signed(store, publishing.prepare(store, SURVEY, waves=[WAVE], who="team", at=NOON), survey=SURVEY)
        releases.publish(store, SURVEY, number, who="team", at=NOON, uncommented="there is nobody to ask")
        return StoreShelf(store).release(SURVEY).document
    finally:
        store.close()


def test_the_share_who_gave_up_is_published_for_each_side(document: Document, drawn: pd.DataFrame) -> None:
    table = document.scores[("side",)]
    shown = table[table["measure"] == "gave_up_share"].set_index("side")
    known = drawn[drawn["gave_up"].isin(["yes", "no"])].assign(weight=lambda rows: rows["weight"].astype(float))
    for side, rows in known.groupby("side"):
        share = 100 * np.average(rows["gave_up"] == "yes", weights=rows["weight"])
        assert shown.loc[side, "status"] == "ok"
        assert shown.loc[side, "estimate"] == pytest.approx(share, abs=1.0)  # rounded, as all that is published


def test_changes_that_would_bring_back_are_among_those_who_gave_up(document: Document, drawn: pd.DataFrame) -> None:
    table = document.scores[("side",)]
    shown = table[table["measure"] == "back_for_waiting"].set_index("side")
    left = drawn[drawn["gave_up"] == "yes"].assign(weight=lambda rows: rows["weight"].astype(float))
    for side, rows in left.groupby("side"):
        share = 100 * np.average(rows["bring_back"].str.contains("waiting"), weights=rows["weight"])
        assert shown.loc[side, "estimate"] == pytest.approx(share, abs=1.0)


def test_no_table_is_finer_than_a_side(document: Document) -> None:
    assert set(document.scores) == {("side",)}
