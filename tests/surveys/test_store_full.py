"""A disk that is full, and a store that may only be read: said in a sentence, nothing half, nothing lost."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from surveys.errors import StoreError
from surveys.store import Store, open_store, restore
from tests.postgres import Server
from tests.surveys.stored import FORM, NOON, answers, save

disks = pytest.importorskip("tests.surveys.disks", reason="no disks to be mounted on this system")

#: How many bytes more a disk has room for each time it is full.
STEP = 4_096 if os.environ.get("SARHAD_ENDURANCE") == "1" else 10 * 4_096
SMALLEST = 36 * 1024  # SQLite's own notes on its log need as much: a store on a fuller disk is not even read
ROWS = 40
BY: dict[str, Any] = {"who": "Anna", "at": NOON}


def another(store: Store) -> object:
    return save(store, answers(rows=3 * ROWS, first=ROWS, content="later"), file="b").new


def backup(store: Store) -> object:
    store.backup(Path(str(store._engine.url.database)).with_name("backup.db"))  # noqa: SLF001 -- beside the store
    return None


DEEDS: dict[str, Callable[[Store], object]] = {
    "import": another,
    "erase": lambda store: store.erase("demo", "u-7", **BY),
    "undo": lambda store: store.undo_batch("demo", 1, **BY),
}


def filled(url: str) -> None:
    store = open_store(url)
    store.add_survey("demo", title="Demo", synthetic=True, team="north", questionnaire=FORM)
    store.add_wave("demo", "2026")
    save(store, answers(rows=ROWS))
    store.close()


def look(url: str) -> list[object]:
    store = open_store(url)
    assert store.verify() == ()
    found = [
        store.waves("demo"),
        [(row.sha256, row.status, row.n_rows) for row in store.batches("demo")],
        [(line.action, line.subject) for line in store.events()],
        sorted(store.responses("demo", waves=["2026"], columns=["wait"])["wait"].fillna(-1)),
    ]
    store.close()
    return found


def do(url: str, deed: Callable[[Store], object]) -> object:
    store = open_store(url)
    try:
        return deed(store)
    finally:
        store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


@pytest.fixture
def url(folder: Path) -> str:
    filled(f"sqlite:///{folder / 'store.db'}")
    return f"sqlite:///{folder / 'store.db'}"


def fuller(origin: str, deed: Callable[[Store], object], folder: Path) -> Iterator[tuple[str, str]]:
    """Do a deed on copies of a store, each on a disk with more room, until it is done; gives each refusal."""
    size = SMALLEST
    while True:
        copied = folder / str(size) / "store.db"
        copied.parent.mkdir()
        shutil.copy(origin.removeprefix("sqlite:///"), copied)
        url = f"sqlite:///{copied}"

        def limited(size: int = size, url: str = url) -> object:
            disks.limit_files(size)
            return do(url, deed)

        told = str(disks.apart(limited))
        if not told.startswith("refused"):
            return
        yield url, told
        size += STEP


@pytest.mark.parametrize("name", ["import", "erase"])
def test_a_disk_that_is_full_after_any_number_of_bytes_is_said_and_loses_nothing(
    url: str, tmp_path: Path, name: str
) -> None:
    deed = DEEDS[name]
    before = look(url)
    whole = tmp_path / "whole.db"
    shutil.copy(url.removeprefix("sqlite:///"), whole)
    do(f"sqlite:///{whole}", deed)
    after = look(f"sqlite:///{whole}")
    refusals = 0
    for copied, told in fuller(url, deed, tmp_path):
        is_done = "what was erased is gone, but traces of it may lie on the disk" in told
        assert is_done or "and nothing was changed" in told
        assert "its disk has room" in told
        assert look(copied) == (after if is_done else before)
        assert is_done or do(copied, deed) is not None  # there is room again
        assert look(copied) == after
        refusals += 1
    assert refusals > 1


def test_a_backup_onto_a_full_disk_leaves_no_file_and_the_store_as_it_was(url: str, tmp_path: Path) -> None:
    before, refusals = look(url), 0
    for copied, told in fuller(url, backup, tmp_path):
        place = Path(copied.removeprefix("sqlite:///")).parent
        assert "disk has room" in told
        assert {path.name for path in place.iterdir()} <= {"store.db", "store.db-wal", "store.db-shm"}
        assert look(copied) == before
        do(copied, backup)
        assert restore(place / "backup.db", f"sqlite:///{place / 'again.db'}") == ()
        assert look(f"sqlite:///{place / 'again.db'}") == before
        refusals += 1
    assert refusals > 1


def test_a_disk_without_room_is_named_and_the_same_import_works_once_there_is_some(folder: Path) -> None:
    disks.need_mounts()

    def told() -> list[object]:
        disks.mount_small(folder, 1_400_000)
        url = f"sqlite:///{folder / 'store.db'}"
        filled(url)
        before = look(url)
        reader = open_store(url)
        room = os.statvfs(folder)
        ballast = folder / "ballast"
        ballast.write_bytes(bytes((room.f_bavail - 12) * room.f_bsize))
        found: list[object] = []
        for deed in (another, backup):
            try:
                found.append(do(url, deed))
            except StoreError as refusal:
                found.append(str(refusal))
            found.append(look(url) == before)
        ballast.unlink()
        found += [do(url, another), reader.verify(), sorted(path.suffix for path in folder.iterdir())]
        reader.close()
        return found

    imported, kept, backed_up, kept_too, new, faults, files = disks.apart(told)
    assert "and nothing was changed: database or disk is full; see that" in imported
    assert "and nothing was changed: database or disk is full; see that" in backed_up
    assert (kept, kept_too, new, faults) == (True, True, 3 * ROWS, ())
    assert files == [".db", ".db-shm", ".db-wal"]


def refusals(url: str) -> list[str]:
    """What the store says to whoever would change it."""
    store, told = open_store(url), []
    for deed in (*DEEDS.values(), lambda store: store.add_wave("demo", "2027")):
        with pytest.raises(StoreError) as refusal:
            deed(store)
        told.append(str(refusal.value))
    store.close()
    return told


def test_a_store_on_a_disk_that_cannot_be_written_is_read_and_says_so_when_it_is_to_change(
    url: str, folder: Path, tmp_path: Path
) -> None:
    disks.need_mounts()
    before = look(url)

    def told() -> tuple[object, list[str]]:
        disks.mount_read_only(folder)
        store = open_store(url)
        store.backup(tmp_path / "elsewhere.db")
        store.close()
        return look(url), refusals(url)

    found, said = disks.apart(told)
    assert found == before
    assert all("nothing was changed" in one and "a store that you may write to" in one for one in said)
    assert [path.name for path in folder.iterdir()] == ["store.db"]
    assert look(f"sqlite:///{tmp_path / 'elsewhere.db'}") == before
    assert do(url, another) == 3 * ROWS


def test_what_a_killed_writer_left_is_read_from_a_disk_that_cannot_be_written(url: str, folder: Path) -> None:
    disks.need_mounts()

    def killed() -> None:
        store = open_store(url)
        another(store)
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(EOFError):
        disks.apart(killed)
    assert (folder / "store.db-wal").stat().st_size > 0

    def told() -> object:
        disks.mount_read_only(folder)
        return look(url)

    assert disks.apart(told)[0][0].submissions == 4 * ROWS


def test_a_store_whose_rights_forbid_to_write_is_read(url: str) -> None:
    before = look(url)
    with tempfile.TemporaryDirectory() as place:  # where others may look, unlike the folders of pytest
        kept = Path(place) / "kept"
        kept.mkdir()
        shutil.copy(url.removeprefix("sqlite:///"), kept / "store.db")
        (kept / "store.db").chmod(0o444)
        kept.chmod(0o555)
        Path(place).chmod(0o755)

        def told() -> tuple[object, list[str]]:
            disks.become_nobody()
            address = f"sqlite:///{kept / 'store.db'}"
            return look(address), refusals(address)

        found, said = disks.apart(told)
        kept.chmod(0o755)
    assert found == before
    assert all("a store that you may write to" in one for one in said)


def test_a_store_that_may_not_be_read_at_all_is_refused_with_the_remedy(url: str) -> None:
    def told() -> object:
        disks.become_nobody()
        return look(url)

    Path(url.removeprefix("sqlite:///")).chmod(0o000)
    said = disks.apart(told)
    assert "cannot be opened at" in said
    assert "may be read and written by whoever runs this program" in said


def test_a_database_that_takes_no_change_is_read_and_says_so_when_it_is_to_change(
    postgres_server: Server, postgres_template: str
) -> None:
    name = postgres_server.fresh(postgres_template)
    url = postgres_server.url(name)
    filled(url)
    before = look(url)
    postgres_server.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")  # as on a standby
    assert look(url) == before
    assert all("nothing was changed: cannot execute" in one for one in refusals(url))
    postgres_server.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert do(url, another) == 3 * ROWS
    postgres_server.drop(name)
