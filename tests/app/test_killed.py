"""A use case that is killed at any statement: readers see the state before or after, and asking again ends it."""

import io
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import surveys.store.store
from app import cli
from app.workflow import fieldwork, publishing, releases
from app.workflow.document import pack
from app.workflow.shelf import StoreShelf
from surveys import simulate
from surveys.errors import StoreError
from surveys.store import Store, open_store
from tests.filled import BOTH, NOON, form, published, signed, store_it, truth
from tests.surveys.stored import execute, on_disk
from tests.surveys.test_store_killed import killed

#: Every how many statements the process is killed.
STRIDE = 1 if os.environ.get("SARHAD_ENDURANCE") == "1" else int(os.environ.get("SARHAD_KILL_STRIDE", "41"))
SLOW = STRIDE if STRIDE == 1 else 3 * STRIDE  # where a mask is solved
WISH = "wish"
SURVEY = "ford"
POST = "heron_ferry"
CELL = {"wave": "2024", "post": POST}
BY: dict[str, Any] = {"who": "team", "at": NOON}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def begun(store: Store, folder: Path) -> None:
    """Two waves of some 75 interviews at one post, the first one published."""
    small = replace(truth(), posts=tuple(post for post in truth().posts if post.code == POST), shifts=3, interviews=6)
    for wave in ("2024", "2026"):
        path = folder / f"{wave}.csv"
        simulate.draw(form(), small, wave=wave, seed=int(wave)).to_csv(path, index=False, sep=";")
        store_it(store, path, wave, survey=SURVEY)
    published(store, ["2024"], survey=SURVEY)


def prepare(store: Store) -> None:
    publishing.prepare(store, SURVEY, waves=["2026"], **BY)


def sign(store: Store, *, role: str = "safety") -> None:
    releases.sign(store, SURVEY, 2, role=role, ticked=tuple(releases.CHECKLIST[role]), who=BOTH[role], at=NOON)


def publish(store: Store) -> None:
    releases.publish(store, SURVEY, 2, uncommented="there is nobody to ask", **BY)


def withdraw_whole(store: Store) -> None:
    releases.withdraw(store, SURVEY, 2, cells=[], reason="threat", **BY)


def withdraw_all(store: Store) -> None:
    releases.withdraw(store, SURVEY, None, cells=[], reason="threat", **BY)


def withdraw_post(store: Store) -> None:
    releases.withdraw(store, SURVEY, None, cells=[CELL], reason="threat", **BY)


def erase(store: Store) -> None:
    fieldwork.erase(store, SURVEY, Path(WISH).read_text(), **BY)


def both(store: Store) -> None:
    signed(store, 2, survey=SURVEY)


def first(store: Store) -> None:
    sign(store, role="statistics")


@dataclass(frozen=True)
class Case:
    """A use case, what comes before it, what whoever asks again is told once it is done, and how often it is killed."""

    deed: Callable[[Store], None]
    before: tuple[Callable[[Store], None], ...]
    again: str
    stride: int = STRIDE


CASES: Mapping[str, Case] = {
    "prepare": Case(prepare, (), "'2026' is in review; only a draft is prepared", stride=SLOW),
    "sign": Case(sign, (prepare, first), "is signed"),
    "publish": Case(publish, (prepare, both), "is published and cannot be published"),
    "withdraw": Case(withdraw_whole, (prepare, both, publish), "is withdrawn"),
    "withdraw all": Case(withdraw_all, (prepare, both, publish), "there is nothing to withdraw"),
    "withdraw a post": Case(withdraw_post, (prepare, both, publish), "withdrawn already", stride=SLOW),
    "erase": Case(erase, (prepare, both, publish), "erased already"),
}


@dataclass
class Copies:
    """Copies of one store, each in a folder of its own with the uuid of somebody who wishes to be erased."""

    path: Path
    folder: Path
    made: int = 0

    def fresh(self) -> str:
        self.made += 1
        folder = self.folder / str(self.made)
        folder.mkdir(parents=True)
        for name in (self.path.name, WISH):
            shutil.copy(self.path.with_name(name), folder)
        return f"sqlite:///{folder / self.path.name}"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[Callable[[Store], None], ...]], Path]:
    """A store in which some use cases are done, each made of the one before, once for all tests."""
    folder = tmp_path_factory.mktemp("stages")

    @cache
    def stage_of(deeds: tuple[Callable[[Store], None], ...]) -> Path:
        if deeds:
            url = Copies(stage_of(deeds[:-1]), folder / "-".join(deed.__name__ for deed in deeds)).fresh()
            assert once(url, deeds[-1]) == ""
            return Path(url.removeprefix("sqlite:///"))
        path = folder / "store.db"
        store = open_store(f"sqlite:///{path}")
        begun(store, folder)
        store.close()
        uuid = execute(f"sqlite:///{path}", "SELECT uuid FROM submission ORDER BY id LIMIT 1")[0][0]
        path.with_name(WISH).write_text(uuid)
        return path

    return stage_of


def look(url: str) -> dict[str, object]:
    """All that a reader sees, what the log says was done, and that everything verifies."""
    store = open_store(url)
    assert store.verify() == ()
    shelf = StoreShelf(store)
    seen: dict[str, object] = {
        "surveys": shelf.surveys(),
        "waves": store.waves(SURVEY),
        "log": [(line.action, line.subject) for line in store.events()],
    }
    for row in store.releases(SURVEY):
        seen[f"row {row.number}"] = (row.state, row.waves, row.revision, row.reason)
        try:
            read = shelf.release(SURVEY, row.number)
        except StoreError as refusal:
            seen[f"release {row.number}"] = str(refusal)
        else:  # the head of the log that is printed in it is another one in each store
            plain = pack(replace(read.document, audit_head=""))
            seen[f"release {row.number}"] = (plain, read.notice, read.state, read.signatures, len(read.comments))
    store.close()
    return seen


def once(url: str, deed: Callable[[Store], None]) -> str:
    """Do a use case beside its store; gives the refusal, "" where there was none."""
    store = open_store(url)
    try:
        with chdir(Path(url.removeprefix("sqlite:///")).parent):
            deed(store)
    except StoreError as refusal:
        return str(refusal)
    finally:
        store.close()
    return ""


@pytest.mark.parametrize("name", CASES)
def test_a_use_case_that_is_killed_is_seen_whole_or_not_at_all_and_ends_when_it_is_asked_again(
    stage: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    copies = Copies(stage(case.before), tmp_path)
    before, url = look(copies.fresh()), copies.fresh()
    assert once(url, case.deed) == ""
    after = look(url)
    assert before != after
    assert case.again in once(url, case.deed)
    assert look(url) == after
    at, seen = 1, []
    while killed(url := copies.fresh(), lambda where: once(where, case.deed), at=at):
        found = look(url)
        assert found in (before, after), [key for key in after if found.get(key) not in (before.get(key), after[key])]
        refusal = once(url, case.deed)
        assert (found == before) == (refusal == "")
        assert case.again in (refusal or case.again)
        assert look(url) == after
        seen.append(found == before)
        at += case.stride
    assert look(url) == after
    assert seen == sorted(seen, reverse=True)  # never done at an earlier statement and undone at a later one
    assert seen[0]


def test_an_erasure_that_is_killed_before_the_disk_was_cleaned_leaves_no_trace_once_it_is_asked_for_again(
    stage: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = Copies(stage(()), tmp_path).fresh()
    wish = Path(url.removeprefix("sqlite:///")).with_name(WISH)
    uuid = wish.read_bytes()
    with monkeypatch.context() as child:  # cleaning is no statement of SQLAlchemy's, so `killed` does not stop there
        child.setattr(surveys.store.store, "scrub", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        assert killed(url, lambda where: once(where, erase), at=10_000)
    reader = open_store(url)  # as the pages are: what lies in SQLite's files is not tidied by the last to leave
    reader.waves(SURVEY)
    assert uuid in on_disk(url).replace(wish.read_bytes(), b"", 1)
    assert "erased already" in once(url, erase)
    wish.unlink()
    assert uuid not in on_disk(url)
    assert reader.verify() == ()
    reader.close()


def test_a_release_is_read_from_a_disk_that_cannot_be_written(
    stage: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks = pytest.importorskip("tests.surveys.disks", reason="no disks to be mounted on this system")
    disks.need_mounts()
    url = Copies(stage(()), tmp_path).fresh()
    before = look(url)
    monkeypatch.setenv("SARHAD_DATABASE_URL", url)
    monkeypatch.setattr(sys, "argv", ["sarhad", "score", "--survey", SURVEY, "--by", "side"])

    def told() -> tuple[object, object, str]:
        disks.mount_read_only(Path(url.removeprefix("sqlite:///")).parent)
        out = io.StringIO()
        with pytest.raises(SystemExit) as ended, redirect_stdout(out):
            cli.main()
        return look(url), ended.value.code, out.getvalue()

    found, code, text = disks.apart(told)
    assert found == before
    assert code in (0, None)
    assert "2024" in text
