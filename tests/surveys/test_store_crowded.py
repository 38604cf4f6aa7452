"""Eight people work on one store at once: each deed that was acknowledged is there once, and nobody sees an error."""

import json
import os
import random
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from surveys.errors import StoreError
from surveys.store import Saved, Store, open_store
from tests.surveys.stored import FORM, NOON, answers, execute, save

WRITERS = 8
SECONDS = 120.0 if os.environ.get("SARHAD_ENDURANCE") == "1" else 5.0
SEED = int(os.environ.get("SARHAD_SEED", "2026"))
SHARED = "2026"

#: What a person is told who asks for something that cannot be: the only refusal there is.
REFUSAL = "cannot be undone while later files of its wave repeat or correct answers"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@dataclass(frozen=True)
class Deed:
    """What a writer did and was told: `rows` are uuid and answer of a file, `told` what the store said of it."""

    action: str
    wave: str
    key: str
    rows: tuple[tuple[str, int], ...] = ()
    told: tuple[int, ...] = ()


@dataclass
class Row:
    uuid: str
    answer: int
    by: int | None = None


@dataclass
class File:
    key: str
    wave: str
    rows: list[Row]
    is_undone: bool = False


@dataclass
class Model:
    """What a store must hold, worked out by the simplest means from the deeds in their order."""

    files: list[File] = field(default_factory=list)
    erased: set[str] = field(default_factory=set)

    def current(self, wave: str) -> dict[str, Row]:
        mine = (file for file in self.files if file.wave == wave and not file.is_undone)
        return {row.uuid: row for file in mine for row in file.rows if row.by is None}

    def do(self, deed: Deed) -> tuple[int, ...]:
        if deed.action == "erase":
            return self._erase(deed.key)
        return self._keep(deed) if deed.action == "import" else self._undo(deed)

    def _keep(self, deed: Deed) -> tuple[int, ...]:
        known, number = self.current(deed.wave), len(self.files)
        kept = [Row(*row) for row in deed.rows if row[0] not in self.erased]
        changed = [row for row in kept if row.uuid in known and known[row.uuid].answer != row.answer]
        new = [row for row in kept if row.uuid not in known]
        for row in changed:
            known[row.uuid].by = number
        self.files.append(File(deed.key, deed.wave, [*changed, *new]))
        return len(new), len(changed), len(kept) - len(changed) - len(new), len(deed.rows) - len(kept)

    def _undo(self, deed: Deed) -> tuple[int, ...]:
        (number,) = (
            number
            for number, file in enumerate(self.files)
            if (file.key, file.wave) == (deed.key, deed.wave) and not file.is_undone
        )
        gone = sum(row.by is None for row in self.files[number].rows)
        self.files[number].is_undone = True
        for row in (row for file in self.files for row in file.rows if row.by == number):
            row.by = None
        return (gone,)

    def _erase(self, uuid: str) -> tuple[int, ...]:
        self.erased.add(uuid)
        found = sum(row.uuid == uuid for file in self.files for row in file.rows)
        for file in self.files:
            file.rows = [row for row in file.rows if row.uuid != uuid]
        return (found,)


class Writer:
    """One person at work, by chance and without rest, who notes what was acknowledged before the next deed."""

    def __init__(self, store: Store, name: str, journal: Path) -> None:
        self.store, self.name, self.journal = store, name, journal
        self.chance = random.Random(f"{SEED} {name}")
        self.model = Model()
        self.batches: dict[tuple[str, str], int] = {}
        self.contents: dict[tuple[str, str], tuple[tuple[str, int], ...]] = {}
        self.made = 0

    def work(self) -> None:
        deeds = [self.new, self.correct, self.correct, self.repeat, self.common, self.erase, self.undo, self.look]
        until = time.monotonic() + SECONDS
        self.new()
        while True:  # every deed at least once, however slow the machine is
            self.chance.shuffle(deeds)
            for deed in deeds:
                deed()
            if time.monotonic() > until:
                return

    def note(self, deed: Deed) -> None:
        with self.journal.open("a") as lines:
            lines.write(json.dumps(asdict(deed)) + "\n")

    def number(self) -> int:
        self.made += 1
        return self.made

    def bring(self, wave: str, key: str, rows: Sequence[tuple[str, int]]) -> Saved:
        uuids, found = [uuid for uuid, _ in rows], [answer for _, answer in rows]
        columns = {"uuid": uuids, "content": [str(answer) for answer in found], "wait": [float(one) for one in found]}
        responses = answers(rows=len(rows), **columns)
        saved = self.store.save(
            responses, survey_id="demo", wave=wave, sha256=key, filename=f"{key}.csv", who=self.name, at=NOON
        )
        if saved.status == "stored":
            deed = Deed("import", wave, key, tuple(rows), (saved.new, saved.changed, saved.same, saved.erased))
            self.note(deed)
            self.batches[wave, key] = saved.batch_id
            self.contents[wave, key] = tuple(rows)
            if not key.startswith("common"):
                assert self.model.do(deed) == deed.told
        return saved

    def new(self) -> None:
        wave, number = self.chance.choice([SHARED, self.name]), self.number()
        rows = [(f"{self.name} {wave} {number}.{place}", number) for place in range(self.chance.randint(1, 6))]
        assert self.bring(wave, f"{self.name} {number}", rows).status == "stored"

    def correct(self) -> None:
        wave, number = self.chance.choice([SHARED, self.name]), self.number()
        known = sorted(self.model.current(wave))
        again = self.chance.sample(known, min(len(known), 4))
        rows = [(uuid, self.chance.choice([number, self.model.current(wave)[uuid].answer])) for uuid in again]
        assert self.bring(wave, f"{self.name} {number}", [*rows, (f"{self.name} {wave} {number}", 0)]).new == 1

    def repeat(self) -> None:
        standing = {(file.wave, file.key) for file in self.model.files if not file.is_undone}
        for wave, key in self.chance.sample(sorted(self.contents), min(1, len(self.contents))):
            there = (wave, key) in standing or key.startswith("common")
            saved = self.bring(wave, key, self.contents[wave, key])
            assert saved.status == ("already" if there else "stored")

    def common(self) -> None:
        """Bring one of the files that everybody brings."""
        number = self.chance.randint(0, int(10 * SECONDS))
        saved = self.bring(SHARED, f"common {number}", [(f"common {number}.{place}", number) for place in range(3)])
        assert (saved.new, saved.same) == ((3, 0) if saved.status == "stored" else (0, 3))

    def erase(self) -> None:
        held = sorted({row.uuid for file in self.model.files for row in file.rows})
        for uuid in self.chance.sample(held, min(1, len(held))):
            done = self.store.erase("demo", uuid, who=self.name, at=NOON)
            deed = Deed("erase", "", uuid, told=(done.submissions,))
            self.note(deed)
            assert self.model.do(deed) == deed.told

    def undo(self) -> None:
        standing = [file for file in self.model.files if not file.is_undone]
        for file in self.chance.sample(standing[-4:], min(1, len(standing))):
            try:
                gone = self.store.undo_batch("demo", self.batches[file.wave, file.key], who=self.name, at=NOON)
            except StoreError as refusal:
                if REFUSAL not in str(refusal):
                    raise
                continue
            deed = Deed("undo", file.wave, file.key, told=(gone,))
            self.note(deed)
            assert self.model.do(deed) == deed.told

    def look(self) -> None:
        """What a writer did alone is there as soon as it is acknowledged, whatever the others do."""
        own = self.model.current(self.name)
        found = self.store.responses("demo", waves=[self.name], columns=["wait"])["wait"]
        assert Counter(found) == Counter(row.answer for row in own.values())
        assert {row.name: row.submissions for row in self.store.waves("demo")}[self.name] == len(own)
        assert self.store.counts("demo", self.name)["interviews"].sum() == len(own)


def begin(url: str, name: str, journal: Path) -> int:
    """Let one writer work in a process of its own, which opens the store itself; gives its id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, which wait elsewhere
        child = os.fork()
    if child == 0:
        code = 1
        try:
            store = open_store(url)
            store.add_survey("demo", title="Demo", synthetic=True, team="north", questionnaire=FORM)
            for wave in (SHARED, name):
                store.add_wave("demo", wave)
            Writer(store, name, journal).work()
            store.close()
            code = 0
        except BaseException:  # noqa: BLE001 -- whatever it is, a person would have seen it
            journal.with_suffix(".fault").write_text(traceback.format_exc())
        finally:
            os._exit(code)
    return child


def crowd(url: str, folder: Path) -> Mapping[str, tuple[Deed, ...]]:
    """Let all work at once, a reader beside them; gives what was acknowledged, by writer."""
    names = [f"writer {number}" for number in range(WRITERS)]
    waiting = {begin(url, name, folder / name) for name in names}
    faults = []
    while waiting:
        time.sleep(0.2)
        ended = [child for child in waiting if os.waitpid(child, os.WNOHANG) != (0, 0)]
        waiting -= set(ended)
        reader = open_store(url)
        faults += reader.verify()
        reader.close()
    assert [path.read_text() for path in folder.glob("*.fault")] == []
    assert faults == []
    return {name: tuple(journal(folder / name)) for name in names}


def journal(path: Path) -> Iterator[Deed]:
    for line in path.read_text().splitlines():
        found = json.loads(line)
        rows = tuple((uuid, answer) for uuid, answer in found["rows"])
        yield Deed(found["action"], found["wave"], found["key"], rows, tuple(found["told"]))


def logged(store: Store) -> Mapping[str, list[tuple[object, ...]]]:
    """Lines of the log by who did it, as the journals have them; an erased uuid stands in no log."""
    found: dict[str, list[tuple[object, ...]]] = {}
    names = {
        "import": ("sha256", "new", "changed", "same", "erased"),
        "undo": ("sha256", "submissions"),
        "erase": ("rows",),
    }
    for line in store.events():
        told = [line.details.get(name, 0) for name in names[line.action]]
        found.setdefault(line.who, []).append((line.action, *told))
    return found


def as_logged(deed: Deed) -> tuple[object, ...]:
    return (deed.action, *([] if deed.action == "erase" else [deed.key]), *deed.told)


def current(url: str) -> Counter[tuple[object, ...]]:
    """Wave, uuid and answer of every submission that counts, read past the store."""
    (slot,) = (row[0] for row in execute(url, "SELECT slot FROM item WHERE code = 'wait'"))
    return Counter(
        execute(
            url,
            f"SELECT wave.name, submission.uuid, submission.{slot} FROM submission"
            " JOIN batch ON batch.id = submission.batch_id JOIN wave ON wave.id = batch.wave_id"
            " WHERE batch.status = 'active' AND submission.superseded_by IS NULL",
        )
    )


def test_eight_writers_at_once_lose_nothing_and_double_nothing_and_see_no_error(store_url: str, tmp_path: Path) -> None:
    journals = crowd(store_url, tmp_path)
    store = open_store(store_url)
    assert store.verify() == ()
    assert logged(store) == {name: [as_logged(deed) for deed in deeds] for name, deeds in journals.items()}
    model, left = Model(), {name: iter(deeds) for name, deeds in journals.items()}
    for line in store.events():
        deed = next(left[line.who])
        assert model.do(deed) == deed.told
    waves = [row.name for row in store.waves("demo")]
    expected = [(wave, row.uuid, row.answer) for wave in waves for row in model.current(wave).values()]
    assert current(store_url) == Counter(expected)
    assert sum(row.submissions for row in store.waves("demo")) == len(expected)
    done = Counter(deed.action for deeds in journals.values() for deed in deeds)
    assert done["import"] >= 2 * WRITERS
    assert done["erase"] >= WRITERS
    assert done["undo"] > 0
    store.close()


def test_a_file_that_all_bring_at_once_is_stored_once(store_url: str, tmp_path: Path) -> None:
    crowd_of = [tmp_path / f"{number}" for number in range(WRITERS)]
    children = [once(store_url, path) for path in crowd_of]
    for child in children:
        os.waitpid(child, 0)
    told = Counter(path.read_text() for path in crowd_of)
    assert told == {"stored 4 0 0": 1, "already 0 0 4": WRITERS - 1}
    store = open_store(store_url)
    assert [row.submissions for row in store.waves("demo")] == [4]
    assert [line.action for line in store.events()] == ["import"]
    assert store.verify() == ()
    store.close()


def once(url: str, path: Path) -> int:
    """Bring one file in a process of its own, into a store that may not be made yet; gives the process's id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            store = open_store(url)
            store.add_survey("demo", title="Demo", synthetic=True, team="north", questionnaire=FORM)
            store.add_wave("demo", SHARED)
            saved = save(store, answers())
            path.write_text(f"{saved.status} {saved.new} {saved.changed} {saved.same}")
            store.close()
        except BaseException:  # noqa: BLE001 -- whatever it is, a person would have seen it
            path.write_text(traceback.format_exc())
        finally:
            os._exit(0)
    return child
