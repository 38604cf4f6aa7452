"""A small form, coded answers to it, and a look at a store from outside."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import inspect

from surveys.checking import Responses
from surveys.questionnaire import Choice, DesignColumns, Question, Questionnaire, Scale
from surveys.store import Saved, Store
from surveys.store.database import make_engine

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
POSTS = Scale("post", (Choice("bridge", {"en": "Bridge"}), Choice("ferry", {}), Choice("pass", {})))
AGREE = Scale("agree", (Choice("no", {}, score=0), Choice("yes", {}, score=4), Choice("dk", {}, missing="dont_know")))
FORM = Questionnaire(
    "traveller",
    "1",
    "Travellers",
    ("en", "fa"),
    (
        Question("post", "select_one", {"en": "Which post?", "fa": "کدام پست؟"}, POSTS, group=("where",)),
        Question("clear", "select_one", scale=AGREE, relevant="${post} != ''", actor="customs", action="post_rules"),
        Question("asked", "select_multiple", scale=Scale("who", (Choice("customs", {}), Choice("guards", {})))),
        Question("wait", "decimal", minimum=0, maximum=72.5),
        Question("phone", "integer", personal=True),
        Question("comment", "text"),
        Question("interviewer", "text"),
        Question("shift", "text"),
    ),
    DesignColumns(
        weight="weight", strata=("post",), psu="shift", interviewer="interviewer", facets=(("post",), ("post", "clear"))
    ),
)
QUESTIONS = ("post", "clear", "asked/customs", "asked/guards", "wait")


def answers(form: Questionnaire = FORM, *, rows: int = 4, first: int = 0, **columns: object) -> Responses:
    """Coded answers of a few submissions; `columns` replace or add to them."""
    numbers = np.arange(first, first + rows)
    frame = pd.DataFrame(
        {
            "uuid": [f"u-{number}" for number in numbers],
            "content": [f"c-{number}" for number in numbers],
            "psu": [f"HAM-{number // 2}" for number in numbers],
            "interviewer": "K7",
            "day": "2026-05-03",
            "half_day": "am",
            "minutes": 20.0,
            "post": (numbers % 3).astype(np.int16),
            "clear": np.where(numbers % 2, 4, -2).astype(np.int16),
            "asked/customs": (numbers % 2).astype(np.int16),
            "asked/guards": np.zeros(rows, dtype=np.int16),
            "wait": np.where(numbers % 4 == 3, np.nan, numbers / 2),
        }
    )
    return Responses(form, frame.assign(**columns))


def save(store: Store, responses: Responses, *, file: str = "a", wave: str = "2026", survey: str = "demo") -> Saved:
    return store.save(
        responses, survey_id=survey, wave=wave, sha256=file, filename=f"/home/x/{file}.csv", who="team", at=NOON
    )


def execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Do what somebody with the database in hands may do; gives the rows of the last statement."""
    engine = make_engine(url)
    found: list[tuple[Any, ...]] = []
    try:
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            for statement in statements:
                result = connection.exec_driver_sql(statement)
                found = [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()
    return found


def on_disk(url: str) -> bytes:
    """Everything that is kept: the files of SQLite as they are, the rows of PostgreSQL as text."""
    if url.startswith("sqlite:///"):
        folder = Path(url.removeprefix("sqlite:///")).parent
        return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())
    engine = make_engine(url)
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        whole = [connection.exec_driver_sql(f"SELECT t::text FROM {table} t").scalars().all() for table in tables]
        large = connection.exec_driver_sql("SELECT payload FROM raw_upload WHERE payload IS NOT NULL").scalars().all()
    engine.dispose()
    return "\n".join(row for rows in whole for row in rows).encode() + b"".join(map(bytes, large))


def fail_at(url: str, uuid: str) -> None:
    """Let the database refuse one submission, as a disk that is full would."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            database.execute(
                f"CREATE TRIGGER full BEFORE INSERT ON submission WHEN NEW.uuid = '{uuid}'"
                " BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
            )
        return
    execute(
        url,
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'disk is full' USING ERRCODE = '53100'; END $$",
        f"CREATE TRIGGER full_disk BEFORE INSERT ON submission FOR EACH ROW WHEN (NEW.uuid = '{uuid}')"
        " EXECUTE FUNCTION fail()",
    )
