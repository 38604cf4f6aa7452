"""Jobs of a store: one worker at a time, a lease that ends, three attempts; and the files that wait beside it."""

import os
import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from alembic import command
from sqlalchemy import inspect

from surveys import spool, vault
from surveys.errors import StoreError, StoreTroubleError
from surveys.store import JobRow, Order, Store, jobs, open_store, restore
from surveys.store.database import alembic_config, make_engine, writing
from tests.postgres import Server
from tests.surveys.stored import FORM, NOON, answers, execute, save

SOON = timedelta(seconds=60)
EVERY = [f"place-{number}" for number in range(40)]
ORDER = Order("import", "demo", "2026", "traveller", "Demo", "a.csv", "a" * 64, "place-0", False, "team")


def claimed(store: Store, worker: str = "Anna", *, at: datetime = NOON) -> JobRow | None:
    return store.claim_job(worker=worker, places=EVERY, at=at, until=at + SOON)


def ended(store: Store, job: JobRow, worker: str, **how: object) -> bool:
    given = {"state": "done", "problem": "", "report": {}, "attempt": job.attempt, "at": NOON, **how}
    return store.end_job(job.id, worker=worker, **given)  # type: ignore[arg-type]


def claim_all(store: Store, worker: str) -> list[int]:
    found = []
    while (job := claimed(store, worker)) is not None:
        found.append(job.id)
    return found


def claim_all_at(url: str, worker: str, out: Path) -> None:
    """What a process does that works on jobs of its own."""
    store = open_store(url)
    out.write_text(" ".join(map(str, claim_all(store, worker))))
    store.close()


def orders(store: Store, many: int) -> list[int]:
    return [store.add_job(replace(ORDER, place=place), at=NOON) for place in EVERY[:many]]


# --- one worker at a time


def test_a_job_is_found_again_as_it_was_ordered(store: Store) -> None:
    number = store.add_job(ORDER, at=NOON)
    found = store.job(number)
    assert (found.order, found.stage, found.attempt, found.state) == (ORDER, "read", 0, "waiting")
    assert (found.lease_until, found.worker, found.problem, found.report) == (None, "", "", {})
    assert found.created_at == found.updated_at == NOON
    assert store.jobs() == (found,)


def test_threads_that_claim_at_once_get_each_job_once(store: Store) -> None:
    numbers, start = orders(store, 12), Barrier(4)

    def work(worker: str) -> list[int]:
        start.wait()
        return claim_all(store, worker)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, "ABCD"))
    assert sorted(number for each in found for number in each) == numbers
    assert all(each == sorted(each) for each in found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_processes_that_claim_at_once_get_each_job_once(store: Store, store_url: str, tmp_path: Path) -> None:
    numbers = orders(store, 12)
    store.close()  # a connection is not taken along into another process
    files = [tmp_path / f"claimed-{worker}" for worker in "ABC"]
    children = [
        forked(lambda worker=worker, file=file: claim_all_at(store_url, worker, file))
        for worker, file in zip("ABC", files, strict=True)
    ]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert sorted(int(number) for file in files for number in file.read_text().split()) == numbers


def forked(deed: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        deed()
        status = 0
    finally:
        os._exit(status)


def test_the_update_itself_lets_one_of_two_claim_where_no_lock_keeps_them_apart(
    postgres_server: Server, postgres_template: str
) -> None:
    name = postgres_server.fresh(postgres_template)
    store = open_store(postgres_server.url(name))
    store.add_job(ORDER, at=NOON)
    engine = make_engine(postgres_server.url(name))
    plain = {"plain": True}  # neither the turn of writers nor a snapshot

    def claim(worker: str) -> JobRow | None:
        with engine.connect().execution_options(**plain) as connection, connection.begin():
            return jobs.claim(connection, worker=worker, places=EVERY, at=NOON, until=NOON + SOON)

    with ThreadPoolExecutor(1) as pool, engine.connect().execution_options(**plain) as first:
        with first.begin():
            assert jobs.claim(first, worker="Anna", places=EVERY, at=NOON, until=NOON + SOON) is not None
            second = pool.submit(claim, "Boris")
            with pytest.raises(TimeoutError):
                second.result(timeout=0.3)  # it found the job free, and waits for the row
        assert second.result(timeout=20) is None
    assert (store.job(1).worker, store.job(1).attempt) == ("Anna", 1)
    engine.dispose()
    store.close()
    postgres_server.drop(name)


def test_only_a_job_whose_file_is_at_hand_is_claimed(store: Store) -> None:
    orders(store, 2)
    assert store.claim_job(worker="Anna", places=[], at=NOON, until=NOON + SOON) is None
    found = store.claim_job(worker="Anna", places=["place-1", "elsewhere"], at=NOON, until=NOON + SOON)
    assert found is not None
    assert found.order.place == "place-1"


# --- a lease that ends


def test_a_job_is_its_workers_until_the_lease_ends_and_then_anybodys(store: Store) -> None:
    store.add_job(ORDER, at=NOON)
    first = claimed(store)
    assert first is not None
    assert claimed(store, "Boris", at=NOON + SOON - timedelta(seconds=1)) is None
    assert store.hold_job(first.id, worker="Anna", until=NOON + 2 * SOON)
    assert claimed(store, "Boris", at=NOON + SOON) is None
    second = claimed(store, "Boris", at=NOON + 2 * SOON)
    assert second is not None
    assert (second.worker, second.attempt, second.lease_until) == ("Boris", 2, NOON + 3 * SOON)


def test_whoever_lost_the_lease_changes_nothing(store: Store) -> None:
    store.add_job(ORDER, at=NOON)
    first = claimed(store)
    assert first is not None
    claimed(store, "Boris", at=NOON + SOON)
    before = store.job(first.id)
    assert not store.hold_job(first.id, worker="Anna", until=NOON + 9 * SOON)
    assert not store.move_job(first.id, worker="Anna", stage="store", report={"x": 1}, at=NOON, until=NOON + 9 * SOON)
    assert not ended(store, first, "Anna")
    assert store.job(first.id) == before


def test_a_job_that_ended_is_not_claimed_and_not_moved_any_more(store: Store) -> None:
    store.add_job(ORDER, at=NOON)
    first = claimed(store)
    assert first is not None
    assert store.move_job(first.id, worker="Anna", stage="store", report={"x": 1}, at=NOON, until=NOON + 2 * SOON)
    assert (store.job(first.id).stage, store.job(first.id).report) == ("store", {"x": 1})
    assert ended(store, first, "Anna", report={"x": 2})
    assert claimed(store, at=NOON + 9 * SOON) is None
    assert not store.move_job(first.id, worker="Anna", stage="read", report={}, at=NOON, until=NOON)
    assert (store.job(first.id).state, store.job(first.id).report) == ("done", {"x": 2})


def test_a_job_that_waits_for_a_moment_is_claimed_when_it_has_come(store: Store) -> None:
    store.add_job(ORDER, at=NOON)
    first = claimed(store)
    assert first is not None
    assert ended(store, first, "Anna", state="waiting", problem="the disk is full", due=NOON + SOON)
    assert claimed(store, at=NOON + SOON - timedelta(seconds=1)) is None
    second = claimed(store, "Boris", at=NOON + SOON)
    assert second is not None
    assert (second.attempt, second.problem) == (2, "the disk is full")


def test_a_job_whose_third_worker_is_gone_is_given_up_and_can_be_begun_again(store: Store) -> None:
    store.add_job(ORDER, at=NOON)
    for attempt in range(jobs.MOST):
        assert claimed(store, at=NOON + attempt * SOON) is not None
        assert store.give_up_jobs(at=NOON + attempt * SOON, problem="gone") == 0
    end = NOON + jobs.MOST * SOON
    assert claimed(store, at=end) is None
    assert store.job(1).state == "running"
    assert [store.give_up_jobs(at=end, problem="gone") for _ in range(2)] == [1, 0]
    assert (store.job(1).state, store.job(1).problem, store.job(1).worker) == ("failed", "gone", "")
    store.begin_job_again(1, at=end)
    again = claimed(store, at=end)
    assert again is not None
    assert (again.attempt, again.stage, again.problem) == (1, "read", "")


def test_only_a_job_that_failed_is_begun_again(store: Store) -> None:
    store.add_job(ORDER, at=NOON)
    with pytest.raises(StoreError, match="job 1 did not fail"):
        store.begin_job_again(1, at=NOON)
    with pytest.raises(StoreError, match="there is no job 7"):
        store.begin_job_again(7, at=NOON)


def test_the_files_that_are_needed_are_those_of_open_jobs_and_of_late_failures(store: Store) -> None:
    orders(store, 4)
    for state, at in (("done", NOON), ("failed", NOON - SOON), ("failed", NOON + SOON)):
        job = claimed(store)
        assert job is not None
        assert ended(store, job, "Anna", state=state, at=at)
    assert store.job_places(since=NOON) == {"place-2", "place-3"}


def test_a_database_that_fails_is_told_from_one_that_refuses(store: Store, store_url: str) -> None:
    execute(store_url, "DROP TABLE job")
    with pytest.raises(StoreTroubleError, match="could not be read"):
        store.jobs()


# --- the revision


def test_a_store_of_the_second_revision_stays_as_it_is_and_takes_jobs(empty_url: str) -> None:
    engine, config = make_engine(empty_url), alembic_config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    tables = set(inspect(engine).get_table_names())
    engine.dispose()
    execute(
        empty_url,
        "INSERT INTO survey VALUES ('demo', 'Demo', TRUE, 'north')",
        "INSERT INTO wave (survey_id, name, state) VALUES ('demo', '2026', 'draft')",
    )
    store = open_store(empty_url)
    assert [(row.name, row.state) for row in store.waves("demo")] == [("2026", "draft")]
    assert store.add_job(ORDER, at=NOON) == 1
    assert store.verify() == ()
    store.close()
    engine = make_engine(empty_url)
    assert set(inspect(engine).get_table_names()) - tables == {"job"}
    engine.dispose()


def test_going_back_one_revision_takes_the_jobs_alone(empty_url: str) -> None:
    store = open_store(empty_url)
    store.add_survey("demo", title="Demo", synthetic=True, team="north", questionnaire=FORM)
    save(store, answers(rows=3))
    store.add_job(ORDER, at=NOON)
    store.close()
    engine, config = make_engine(empty_url), alembic_config()
    before = set(inspect(engine).get_table_names())
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    assert before - set(inspect(engine).get_table_names()) == {"job"}
    engine.dispose()
    store = open_store(empty_url)
    assert store.jobs() == ()
    assert len(store.responses("demo", waves=["2026"], columns=["clear"])) == 3
    store.close()


def test_jobs_travel_with_a_backup_and_their_numbers_go_on(
    sqlite_template: Path, empty_url: str, tmp_path: Path
) -> None:
    store = open_store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'origin.db')}")
    orders(store, 2)
    store.backup(tmp_path / "copy.db")
    store.close()
    assert restore(tmp_path / "copy.db", empty_url) == ()
    copied = open_store(empty_url)
    assert [job.order.place for job in copied.jobs()] == EVERY[:2]
    assert copied.add_job(ORDER, at=NOON) == 3
    copied.close()


# --- the files that wait


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "Export of Anor.csv"
    path.write_bytes(b"name,answer\nBahor,yes\n")
    return path


def test_a_file_is_kept_whole_for_its_owner_alone_and_under_its_digest(export: Path, tmp_path: Path) -> None:
    folder = tmp_path / "var" / "jobs"
    kept = spool.keep(export, folder)
    path = spool.path_of(folder, kept.place, kept.name)
    assert path.read_bytes() == export.read_bytes()
    assert (kept.name, kept.sha256, kept.sealed) == (export.name, vault.digest(export), False)
    assert spool.places(folder) == {kept.place}
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, folder)]
    assert modes == [0o600, 0o700, 0o700]
    assert spool.keep(export, folder).place != kept.place


def test_with_a_key_no_word_of_the_file_lies_on_the_disk_and_it_opens_again(export: Path, tmp_path: Path) -> None:
    key, folder = vault.new_key(), tmp_path / "jobs"
    kept = spool.keep(export, folder, key=key)
    assert kept.sealed
    assert b"Bahor" not in spool.path_of(folder, kept.place, kept.name).read_bytes()
    assert vault.unseal(spool.sealed_of(folder, kept.place, kept.name), key) == export.read_bytes()


def test_an_encrypted_file_that_was_cut_short_or_is_gone_is_refused_in_words(export: Path, tmp_path: Path) -> None:
    kept = spool.keep(export, tmp_path / "jobs", key=vault.new_key())
    spool.path_of(tmp_path / "jobs", kept.place, kept.name).write_bytes(b"abc")
    with pytest.raises(StoreError, match="is not as it was kept; send the file again"):
        spool.sealed_of(tmp_path / "jobs", kept.place, kept.name)
    spool.remove(tmp_path / "jobs", kept.place)
    with pytest.raises(StoreError, match="cannot be opened where it was kept"):
        spool.sealed_of(tmp_path / "jobs", kept.place, kept.name)


def test_a_file_that_cannot_be_kept_leaves_nothing_behind(export: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreError, match=r"'Export of Anor.csv' cannot be kept in taken: .*; see that the disk"):
        spool.keep(export, tmp_path / "taken")
    with pytest.raises(StoreError, match="cannot be kept"):
        spool.keep(tmp_path / "nosuch.csv", tmp_path / "jobs")
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("wave 2026 (1).csv", "wave 2026 (1).csv"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Users\\anor\\x.csv", "C__Users_anor_x.csv"),
        ("a\0b\n.csv", "a_b_.csv"),
        ("..", "file"),
        ("پرسشنامه.xlsx", "پرسشنامه.xlsx"),
        ("ш" * 300 + ".csv", "ш" * 98 + ".csv"),
    ],
)
def test_a_name_says_what_the_file_is_called_and_means_nothing_to_a_machine(given: str, kept: str) -> None:
    assert spool.safe_name(given) == kept


def test_a_sweep_takes_old_files_that_nobody_needs_and_those_half_received(export: Path, tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    needed, orphan, fresh = (spool.keep(export, folder).place for _ in range(3))
    half = folder / f"{'0' * 32}{spool.PART}"
    half.mkdir()
    for old in (folder / needed, folder / orphan, half):
        os.utime(old, (1000, 1000))
    assert half.name not in spool.places(folder)
    assert spool.sweep(folder, keep={needed}, before=2000) == 2
    assert spool.places(folder) == {needed, fresh}
    assert not half.exists()
    assert spool.places(tmp_path / "nowhere") == frozenset()
    assert spool.sweep(tmp_path / "nowhere", keep=(), before=2000) == 0
