"""A process that is killed at any statement of any deed leaves the store as before or as after, never between."""

import os
import shutil
import signal
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from surveys.store import Store, open_store
from surveys.store.database import make_engine
from tests.postgres import Server
from tests.surveys.stored import FORM, NOON, answers, save
from tests.surveys.test_migrations import first_revision

#: Every how many statements the process is killed; 1 sweeps over all of them.
STRIDE = int(os.environ.get("SARHAD_KILL_STRIDE", "10"))

BY: dict[str, Any] = {"who": "Anna", "at": NOON}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def ready(store: Store) -> None:
    """Two files, a published release, and another one that is signed."""
    store.add_survey("demo", title="Demo", synthetic=True, team="north", questionnaire=FORM)
    for wave in ("2024", "2026"):
        store.add_wave("demo", wave)
    save(store, answers(rows=3, first=40), wave="2024")
    save(store, answers(rows=4), file="b")
    for waves, supersedes in ((["2024"], None), (["2024", "2026"], 1)):
        number = store.add_release("demo", waves=waves, document=b"d", mask=b"m", supersedes=supersedes, **BY)
        for role, who in (("statistics", "Anna"), ("safety", "Boris")):
            store.sign_release("demo", number, role=role, who=who, verified=False, checklist=[], at=NOON)
        if supersedes is None:
            store.publish_release("demo", number, **BY)
    store.add_wave("demo", "2027")
    save(store, answers(rows=3, first=80), wave="2027", file="c")


DEEDS: dict[str, Callable[[Store], object]] = {
    "import": lambda store: save(store, answers(rows=4, first=81, content="later"), wave="2027", file="d"),
    "undo": lambda store: store.undo_batch("demo", 3, **BY),
    "erase": lambda store: store.erase("demo", "u-2", **BY),
    "publish": lambda store: store.publish_release("demo", 2, document=b"printed", **BY),
    "withdraw": lambda store: store.withdraw_release("demo", 1, reason="threat", **BY),
    "revise": lambda store: store.revise_release("demo", 1, document=b"n", mask=b"o", reason="threat", **BY),
}


@dataclass
class Copies:
    """Fresh copies of one database that was made ready once; with the next one the one before is gone."""

    origin: str
    folder: Path
    server: Server | None
    made: int = 0
    last: str = ""

    def fresh(self) -> str:
        self.made += 1
        if self.server is not None:
            if self.last:
                self.server.drop(self.last)
            self.last = self.server.fresh(self.origin)
            return self.server.url(self.last)
        copy = self.folder / f"{self.made}.db"
        shutil.copy(self.folder / self.origin, copy)
        return f"sqlite:///{copy}"


Make = Callable[[Callable[[str], None]], Copies]


@pytest.fixture(params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    server: Server | None = request.getfixturevalue("postgres_server") if request.param == "postgres" else None

    def copies(prepare: Callable[[str], None]) -> Copies:
        if server is None:
            prepare(f"sqlite:///{tmp_path / 'origin'}")
            return Copies("origin", tmp_path, None)
        name = server.fresh()
        prepare(server.url(name))
        return Copies(name, tmp_path, server)

    return copies


def prepared(url: str) -> None:
    store = open_store(url)
    ready(store)
    store.close()


def killed(url: str, deed: Callable[[str], object], *, at: int) -> bool:
    """Do a deed in a child that is killed before its statement `at`; whether it was, or came through first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, which wait elsewhere
        child = os.fork()
    if child == 0:
        seen = iter(range(at))

        def count(*_: object, **__: object) -> None:
            if next(seen, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        def count_end(_: Connection) -> None:
            count()

        # every engine of the child, those that it will make too
        event.listen(Engine, "before_cursor_execute", count)
        event.listen(Engine, "commit", count_end)
        try:
            deed(url)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def look(url: str) -> list[object]:
    """What a store answers, and that everything in it verifies."""
    store = open_store(url)
    assert store.verify() == ()
    found = [
        store.waves("demo"),
        [(row.wave, row.sha256, row.status, row.n_rows) for row in store.batches("demo")],  # ids may leave gaps
        store.releases("demo"),
        [store.release_document("demo", row.number) for row in store.releases("demo")],
        [(line.action, line.subject) for line in store.events()],
        sorted(store.responses("demo", waves=["2026"], columns=["wait"])["wait"].fillna(-1)),
    ]
    store.close()
    return found


def sweep(copies: Copies, deed: Callable[[str], object]) -> None:
    """Kill at one statement after the other until the deed comes through; then do it again."""
    before = look(copies.fresh())
    done = copies.fresh()
    deed(done)
    after = look(done)
    assert before != after
    at = 1
    while killed(url := copies.fresh(), deed, at=at):
        found = look(url)
        assert found in (before, after)
        if found == before:
            deed(url)
        assert look(url) == after
        at += STRIDE
    assert look(url) == after
    assert at > STRIDE


@pytest.mark.parametrize("name", DEEDS)
def test_a_deed_that_is_killed_is_done_whole_or_not_at_all_and_can_be_done_again(make: Make, name: str) -> None:
    def deed(url: str) -> None:
        store = open_store(url)
        DEEDS[name](store)
        store.close()

    sweep(make(prepared), deed)


def test_a_migration_that_is_killed_leaves_answers_and_goes_through_the_next_time(make: Make) -> None:
    copies = make(first_revision)
    at = 1
    while killed(url := copies.fresh(), lambda where: open_store(where).close(), at=at):
        engine = make_engine(url)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM submission").scalar_one() == 4
        engine.dispose()
        assert len(look(url)) == 6
        at += STRIDE
    assert at > STRIDE
