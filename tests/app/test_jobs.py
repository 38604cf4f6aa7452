"""Files received at once and worked on in their turn: killed at any stage, nothing is lost or counted twice."""

import json
import os
import shutil
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from app import sentences, settings
from app.cli import working as commands
from app.workflow import fieldwork, jobs, reducing, working
from scoring import Totals
from surveys import checking, simulate, spool, vault
from surveys.errors import InstrumentError, StoreError, StoreTroubleError
from surveys.questionnaire import Questionnaire
from surveys.reading import Limits, read, read_bytes
from surveys.reading.table import RawTable
from surveys.store import JobRow, Store, open_store
from surveys.store.jobs import MOST
from tests.filled import NOON, form, truth
from tests.surveys.test_store_killed import killed as killed_at

SURVEY, POST = "ford", "heron_ferry"
STAGES = ["read", "check", "store", "score"]
ENDURANCE = os.environ.get("SARHAD_ENDURANCE") == "1"
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@dataclass
class Clock:
    """A clock that a test moves on."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few interviews at one post."""
    small = replace(truth(), posts=tuple(post for post in truth().posts if post.code == POST), shifts=2, interviews=2)
    path = tmp_path_factory.mktemp("export") / "export of may.csv"
    simulate.draw(form(), small, wave="2026", seed=3).to_csv(path, index=False, sep=";")
    return path


@cache
def table_of(data: bytes, name: str, *, limits: Limits) -> RawTable:
    """A file parsed in the sandbox, once for all tests that are about something else."""
    return read_bytes(data, name, limits=limits)


CHECK, REDUCE, INSTRUMENT = checking.check, reducing.reduce, fieldwork.instrument
LOAD = cache(INSTRUMENT)
CHECKED: dict[int, tuple[RawTable, checking.Report]] = {}
SUMS: list[Totals] = []


def checked_once(table: RawTable, questionnaire: Questionnaire) -> checking.Report:
    if id(table) not in CHECKED:
        CHECKED[id(table)] = table, CHECK(table, questionnaire)
    return CHECKED[id(table)][1]


def reduced_once(*given: Any, **named: Any) -> Totals:
    if not SUMS:
        SUMS.append(REDUCE(*given, **named))
    return SUMS[0]


@pytest.fixture(autouse=True)
def _made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse, check and add up the file once for all tests: these are about who does it when. Some do it `anew`."""
    monkeypatch.setattr(working, "read", lambda path, *, limits: table_of(path.read_bytes(), path.name, limits=limits))
    monkeypatch.setattr(working, "read_bytes", table_of)
    monkeypatch.setattr(checking, "check", checked_once)
    monkeypatch.setattr(reducing, "reduce", reduced_once)
    monkeypatch.setattr(fieldwork, "instrument", LOAD)


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch, _made_once: None) -> None:
    """Everything as the program does it."""
    monkeypatch.setattr(working, "read", read)
    monkeypatch.setattr(working, "read_bytes", read_bytes)
    monkeypatch.setattr(checking, "check", CHECK)
    monkeypatch.setattr(reducing, "reduce", REDUCE)
    monkeypatch.setattr(fieldwork, "instrument", INSTRUMENT)


@dataclass
class House:
    """A store, its folder of files that wait, and a worker."""

    url: str
    store: Store
    clock: Clock = field(default_factory=Clock)
    seen: list[JobRow] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        path = Path(self.url.removeprefix("sqlite:///"))
        return path.with_name(f"{path.name}-jobs")

    def bench(self, worker: str = "Anna", **other: Any) -> working.Bench:
        given: dict[str, Any] = {"told": self.seen.append, **other}
        return working.Bench(self.store, self.folder, worker, self.clock, **given)

    def send(self, path: Path, **other: Any) -> JobRow:
        given: dict[str, Any] = {"kind": "import", "wave": "2026", "title": "A ford", "vault_key": None, **other}
        return jobs.submit(
            path, store=self.store, folder=self.folder, survey_id=SURVEY, instrument="traveller", who="team",
            at=self.clock(), **given,
        )  # fmt: skip

    def work(self, **other: Any) -> list[JobRow]:
        return list(working.run(self.bench(**other), wait=lambda: False))

    def places(self) -> frozenset[str]:
        return spool.places(self.folder)


@pytest.fixture
def house(sqlite_template: Path, tmp_path: Path) -> Iterator[House]:
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'store.db')}"
    store = open_store(url)
    yield House(url, store)
    store.close()


def look(store: Store) -> list[object]:
    """What is in the store, and that all of it verifies."""
    assert store.verify() == ()
    if not store.surveys():
        return []
    frame = store.responses(SURVEY, waves=["2026"], columns=["side", "wait_hours"])
    return [
        [(row.name, row.state, row.submissions) for row in store.waves(SURVEY)],
        [(row.sha256, row.filename, row.status, row.n_rows, row.received_by) for row in store.batches(SURVEY)],
        sorted(frame["wait_hours"].fillna(-1)),
        [(line.action, line.subject) for line in store.events()],
    ]


@pytest.fixture(scope="module")
def unharmed(sqlite_template: Path, export: Path, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What is in the store when the file is imported at once, without any job."""
    store = open_store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('unharmed') / 'store.db')}")
    table = table_of(export.read_bytes(), export.name, limits=Limits())
    view = fieldwork.describe(table, checked_once(table, form()))
    fieldwork.store_file(export, view, store=store, survey_id=SURVEY, wave="2026", who="team", at=NOON, title="A ford")
    seen = look(store)
    store.close()
    return seen


def added_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the totals of the draft are in the store already, so that they are not made again."""
    with monkeypatch.context() as patch:
        patch.setattr(reducing, "reduce", lambda *_, **__: pytest.fail("the totals are made again"))
        totals, _ = reducing.totals_of(store, SURVEY, ("2026",), at=NOON)
    return totals is not None


# --- to the end


@pytest.mark.usefixtures("anew")
def test_a_file_goes_from_received_to_an_added_up_draft_as_if_imported_at_once_and_is_not_kept(
    house: House, export: Path, unharmed: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = house.send(export)
    assert house.places() == {sent.order.place}
    assert jobs.told(sent) == sentences.JOBS["waiting"]
    assert look(house.store) == []
    (done,) = house.work()
    assert [job.stage for job in house.seen] == [*STAGES, "score"]
    assert [job.state for job in house.seen] == ["running"] * 4 + ["done"]
    count = house.store.waves(SURVEY)[0].submissions
    assert count > 5
    assert done.report["saved"] == {"status": "stored", "new": count, "changed": 0, "same": 0, "erased": 0}
    assert jobs.told(done).startswith(f"Stored as a draft: {count} new, 0 changed")
    assert look(house.store) == unharmed
    assert added_up(house.store, monkeypatch)
    assert house.places() == frozenset()
    assert house.store.surveys()[0].title == "A ford"
    assert house.work() == []


def test_the_same_file_sent_twice_is_stored_once(house: House, export: Path) -> None:
    house.send(export)
    house.work()
    before = look(house.store)
    house.send(export)
    (second,) = house.work()
    assert jobs.told(second) == sentences.JOBS["already"]
    assert look(house.store) == before


def test_a_file_that_is_only_checked_is_not_stored(house: House, export: Path) -> None:
    house.send(export, kind="check", wave="")
    (done,) = house.work()
    counts = done.report["counts"]
    assert jobs.told(done) == f"Checked: {counts['ready']} of {counts['rows']} rows are ready, and nothing is stored."
    assert look(house.store) == []
    assert house.places() == frozenset()


@pytest.fixture
def faulty(export: Path, tmp_path: Path) -> Path:
    """The same file with answers that are not on the list."""
    lines = export.read_text(encoding="utf-8").splitlines()
    at = lines[0].split(";").index("service_speed")
    rows = [line.split(";") for line in lines[1:]]
    wrong = [[*row[:at], "canary", *row[at + 1 :]] for row in rows[:3]] + rows[3:]
    path = tmp_path / "faulty.csv"
    path.write_text("\n".join([lines[0], *(";".join(row) for row in wrong)]), encoding="utf-8")
    return path


def test_a_file_with_faults_is_refused_with_each_on_its_rows_and_no_cell_is_repeated(
    house: House, faulty: Path
) -> None:
    house.send(faulty)
    (done,) = house.work()
    assert (done.state, done.attempt) == ("failed", 1)
    assert jobs.told(done) == "The file is not stored: 1 kind of problem to mend."
    found = jobs.issues(done)
    (line,) = found[found["blocks"]].to_dict("records")
    assert (line["column"], line["rows"], line["code"]) == ("service_speed", 3, "off-scale")
    assert "rows 2, 3, 4: the answer is not on the list; use one of" in line["problem"]
    assert "canary" not in json.dumps(done.report)
    assert look(house.store) == []
    assert house.places() == frozenset()
    house.send(faulty, kind="check")
    assert jobs.told(house.work()[0]) == "Checked, and not to be stored yet: 1 kind of problem to mend."


def test_a_file_that_cannot_be_read_is_refused_at_once_in_words(house: House, tmp_path: Path) -> None:
    (tmp_path / "bad.xlsx").write_bytes(b"PK\3\4" + bytes(400))
    house.send(tmp_path / "bad.xlsx")
    (done,) = house.work()
    assert (done.state, done.stage, done.attempt) == ("failed", "read", 1)
    assert jobs.told(done).startswith("bad.xlsx ")
    assert house.places() == frozenset()
    with pytest.raises(StoreError, match=r"the file of job 1 is not kept any more: bad.xlsx .* send it again"):
        jobs.again(1, store=house.store, folder=house.folder, at=NOON)


def test_what_makes_no_sense_is_refused_before_anything_is_kept(house: House, export: Path) -> None:
    with pytest.raises(StoreError, match="needs a wave"):
        house.send(export, wave=" ")
    with pytest.raises(InstrumentError, match="there is no instrument 'nosuch'"):
        jobs.submit(
            export, kind="check", store=house.store, folder=house.folder, survey_id="new", instrument="nosuch",
            who="team", at=NOON,
        )  # fmt: skip
    assert house.places() == frozenset()
    assert house.store.jobs() == ()


def test_a_wave_that_takes_no_file_is_said_at_once_and_not_tried_again(
    house: House, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreError("wave '2026' is published and takes no new file")

    house.send(export)
    monkeypatch.setattr(fieldwork, "store_responses", refuse)
    (done,) = house.work()
    assert (done.state, done.stage, done.attempt) == ("failed", "store", 1)
    assert "is published" in jobs.told(done)


def test_a_draft_that_cannot_be_added_up_is_there_and_that_is_said(
    house: House, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreError("a framework is missing")

    house.send(export)
    monkeypatch.setattr(reducing, "totals_of", refuse)
    (done,) = house.work()
    assert jobs.told(done) == "The draft is stored, but could not be added up: a framework is missing"
    assert house.store.waves(SURVEY)[0].submissions > 5


def test_answers_to_a_form_that_nobody_scores_are_stored(
    house: House, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "LATTICES", tmp_path)
    house.send(export)
    (done,) = house.work()
    assert done.state == "done"
    assert house.store.waves(SURVEY)[0].submissions > 5


# --- killed


def killed(deed: Callable[[], object]) -> bool:
    """Do a deed in a child of its own; whether it was killed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, which wait elsewhere
        child = os.fork()
    if child == 0:
        try:
            deed()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(stage: str) -> Callable[[JobRow], None]:
    """Die when a job comes to a stage."""
    return lambda job: die() if job.stage == stage else None


def die_after(function: Callable[..., Any]) -> Callable[..., None]:
    def call(*given: Any, **named: Any) -> None:
        function(*given, **named)
        die()

    return call


#: Where a worker dies: as it comes to a stage, or between what is done and what is said of it.
DEATHS: dict[str, Callable[[pytest.MonkeyPatch], dict[str, Any]]] = {
    **{stage: (lambda _, stage=stage: {"told": die_at(stage)}) for stage in STAGES},
    "stored and not said": lambda patch: patch.setattr(
        fieldwork, "store_responses", die_after(fieldwork.store_responses)
    ) or {},
    "added up and not said": lambda patch: patch.setattr(reducing, "totals_of", die_after(reducing.totals_of)) or {},
    "done and not cleaned": lambda patch: patch.setattr(spool, "remove", die) or {},
}  # fmt: skip


def work_at(house: House, **other: Any) -> None:
    """Work as a process does that has just been started."""
    store = open_store(house.url)
    list(working.run(replace(house.bench("Boris", **other), store=store), wait=lambda: False))


@forks
@pytest.mark.parametrize("death", DEATHS)
def test_a_worker_that_is_killed_anywhere_is_followed_by_one_that_ends_the_job_and_nothing_is_doubled(
    house: House, export: Path, unharmed: list[object], monkeypatch: pytest.MonkeyPatch, death: str
) -> None:
    sent = house.send(export)
    with monkeypatch.context() as patch:
        other = DEATHS[death](patch)
        assert killed(lambda: work_at(house, **other))
    assert look(house.store) in ([], unharmed)
    left = house.store.job(sent.id)
    assert left.state == ("done" if death == "done and not cleaned" else "running")
    assert house.places() == {sent.order.place}
    assert house.work() == []  # the lease of the dead still holds
    house.clock.pass_(working.LEASE)
    house.work()
    assert house.store.job(sent.id).state == "done"
    assert look(house.store) == unharmed
    house.clock.now = datetime.now(UTC) + 2 * jobs.ORPHANED
    house.work()
    assert house.places() == frozenset()


@forks
def test_a_job_that_kills_three_workers_is_given_up_in_words_and_its_file_can_be_tried_again(
    house: House, export: Path, unharmed: list[object]
) -> None:
    sent = house.send(export)
    for _ in range(MOST):
        assert killed(lambda: work_at(house, told=die_at("read")))
        house.clock.pass_(working.LEASE)
    assert house.work() == []
    left = house.store.job(sent.id)
    assert (left.state, left.attempt) == ("failed", MOST)
    assert jobs.told(left).startswith("It was given up: whatever worked on it ended 3 times")
    assert house.places() == {sent.order.place}
    jobs.again(sent.id, store=house.store, folder=house.folder, at=house.clock())
    (done,) = house.work()
    assert (done.state, done.attempt) == ("done", 1)
    assert look(house.store) == unharmed


@forks
def test_a_server_that_is_killed_between_the_file_and_its_job_leaves_a_file_that_is_swept(
    house: House, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Store, "add_job", die)
        assert killed(lambda: house.send(export))
    assert house.store.jobs() == ()
    assert len(house.places()) == 1
    house.clock.now = datetime.now(UTC)
    assert jobs.sweep(house.store, house.folder, at=house.clock()) == 0
    house.clock.pass_(2 * jobs.ORPHANED)
    assert jobs.sweep(house.store, house.folder, at=house.clock()) == 1
    assert house.places() == frozenset()


@forks
def test_a_server_that_is_killed_once_the_job_is_there_has_lost_nothing(
    house: House, export: Path, unharmed: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Store, "job", die)  # what is asked for as soon as the job is there
        assert killed(lambda: house.send(export))
    assert [job.state for job in house.work()] == ["done"]
    assert look(house.store) == unharmed


@forks
@pytest.mark.skipif(not ENDURANCE, reason="some minutes; SARHAD_ENDURANCE=1")
def test_a_worker_that_is_killed_at_any_statement_is_followed_by_one_that_ends_the_job(
    sqlite_template: Path, export: Path, unharmed: list[object], tmp_path: Path
) -> None:
    at = 1
    while True:
        path = shutil.copy(sqlite_template, tmp_path / f"{at}.db")
        store = open_store(f"sqlite:///{path}")
        house = House(f"sqlite:///{path}", store)
        house.send(export)
        was_killed = killed_at(house.url, lambda _, house=house: work_at(house), at=at)
        house.clock.pass_(working.LEASE)
        house.work()
        assert [job.state for job in store.jobs()] == ["done"]
        assert look(store) == unharmed
        store.close()
        if not was_killed:
            break
        at += 3
    assert at > 30


# --- more than one worker


def test_a_worker_that_lost_its_lease_stops_and_the_file_counts_once(
    house: House, export: Path, unharmed: list[object]
) -> None:
    house.send(export)

    def overtaken(job: JobRow) -> None:
        if job.stage == "store":  # asleep for longer than its lease, as a laptop that was closed
            house.clock.pass_(2 * working.LEASE)
            assert [each.state for each in house.work(worker="Boris")] == ["done"]

    (left,) = house.work(told=overtaken)
    assert (left.state, left.attempt, left.report["saved"]["status"]) == ("done", 2, "stored")
    assert look(house.store) == unharmed


def test_a_slow_worker_keeps_its_job_by_signs_of_life(house: House, export: Path) -> None:
    lease, seen = timedelta(seconds=0.2), []

    def slow(job: JobRow) -> None:
        if (job.stage, job.state) == ("check", "running"):
            house.clock.pass_(lease * 0.75)
            while (held := house.store.job(job.id).lease_until) == job.lease_until:
                time.sleep(0.01)
            house.clock.pass_(lease * 0.75)
            seen.append((held, working.run_next(house.bench("Boris", told=print))))

    house.send(export, kind="check")
    done = working.run_next(house.bench(told=slow, lease=lease))
    assert seen == [(NOON + lease * 1.75, None)]
    assert done is not None
    assert (done.state, done.attempt) == ("done", 1)


def test_a_lease_that_cannot_be_lengthened_is_noted_and_the_work_goes_on(
    house: House, export: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = threading.Event()

    def fail(*_: object, **__: object) -> bool:
        asked.set()
        raise StoreTroubleError("the disk is full")

    house.send(export, kind="check")
    monkeypatch.setattr(Store, "hold_job", fail)
    done = working.run_next(house.bench(told=lambda _: asked.wait(5), lease=timedelta(seconds=0.04)))
    assert done is not None
    assert done.state == "done"
    assert "could not be lengthened: the disk is full" in caplog.text


# --- trouble


def test_a_database_that_fails_lets_the_job_wait_and_the_third_time_gives_it_up(
    house: House, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreTroubleError("the disk is full")

    sent = house.send(export)
    with monkeypatch.context() as patch:
        patch.setattr(fieldwork, "store_responses", fail)
        (left,) = house.work()
        assert (left.state, left.attempt) == ("waiting", 1)
        assert jobs.told(left) == "Is tried again, 1 of 3 times so far: the disk is full"
        for _ in range(MOST - 1):
            assert house.work() == []
            house.clock.pass_(working.PAUSE)
            (left,) = house.work()
    assert left.state == "failed"
    assert jobs.told(left) == "It was given up after 3 times: the disk is full"
    assert house.places() == {sent.order.place}
    house.clock.now = datetime.now(UTC) + jobs.KEPT + 2 * jobs.ORPHANED
    house.work()
    assert house.places() == frozenset()


def test_a_fault_of_the_program_ends_neither_the_worker_nor_the_file_and_repeats_no_answer(
    house: House, export: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("canary")

    house.send(export)
    house.send(export, kind="check")
    with monkeypatch.context() as patch:
        patch.setattr(fieldwork, "store_responses", fail)
        first, second = house.work()
    assert (first.state, second.state) == ("waiting", "done")
    assert "the program failed at storing the draft (ValueError)" in jobs.told(first)
    assert "ValueError in test_jobs.py, line" in caplog.text
    assert "canary" not in first.problem + caplog.text
    house.clock.pass_(working.PAUSE)
    assert [job.state for job in house.work()] == ["done"]


def test_a_worker_that_is_told_to_end_lets_go_of_its_job_and_spends_no_attempt(house: House, export: Path) -> None:
    def end(job: JobRow) -> None:
        if job.stage == "check":
            raise KeyboardInterrupt

    sent = house.send(export)
    with pytest.raises(KeyboardInterrupt):
        house.work(told=end)
    left = house.store.job(sent.id)
    assert (left.state, left.attempt, left.worker) == ("waiting", 0, "")
    assert [job.state for job in house.work()] == ["done"]


def test_a_worker_outlives_a_database_that_is_away_for_a_while(
    house: House, export: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreTroubleError("nobody answers")

    house.send(export, kind="check")
    waits = iter([True, False])
    with monkeypatch.context() as patch:
        patch.setattr(Store, "give_up_jobs", away)

        def wait() -> bool:
            patch.undo()
            return next(waits)

        assert [job.state for job in working.run(house.bench(), wait=wait)] == ["done"]
    assert "nobody answers" in caplog.text
    monkeypatch.setattr(Store, "give_up_jobs", away)
    with pytest.raises(StoreTroubleError, match="nobody answers"):
        house.work()


def test_a_file_that_was_changed_on_the_disk_is_refused(house: House, export: Path) -> None:
    order = house.send(export).order
    path = spool.path_of(house.folder, order.place, order.filename)
    path.write_bytes(path.read_bytes() + b"\n")
    (done,) = house.work()
    assert jobs.told(done) == sentences.JOBS["altered"]
    assert look(house.store) == []


def test_a_file_that_lies_on_another_machine_waits_for_the_worker_there(house: House, export: Path) -> None:
    sent = house.send(export)
    house.folder.rename(house.folder.with_name("elsewhere"))
    assert house.work() == []
    assert jobs.listed(house.store, house.folder, at=NOON)["told"].tolist() == [sentences.JOBS["elsewhere"]]
    house.folder.with_name("elsewhere").rename(house.folder)
    assert [job.id for job in house.work()] == [sent.id]


# --- encrypted


def test_with_a_key_a_file_waits_encrypted_and_stays_so_in_the_store(
    house: House, export: Path, unharmed: list[object]
) -> None:
    key = vault.new_key()
    order = house.send(export, vault_key=key).order
    text = export.read_bytes()
    held = spool.path_of(house.folder, order.place, order.filename).read_bytes()
    assert text[:60] not in held
    (done,) = house.work(vault_key=key)
    assert done.state == "done"
    assert look(house.store) == unharmed
    sealed = house.store.raw(order.sha256)
    assert sealed is not None
    assert vault.unseal(sealed, key) == text


@pytest.mark.parametrize(
    ("given", "said"),
    [(None, "set SARHAD_VAULT_KEY"), (vault.new_key(), "was sealed under key")],
    ids=["none", "another"],
)
def test_without_the_right_key_a_file_waits_for_it_and_is_not_lost(
    house: House, export: Path, given: str | None, said: str
) -> None:
    key = vault.new_key()
    sent = house.send(export, vault_key=key)
    (left,) = house.work(vault_key=given)
    assert left.state == "waiting"
    assert said in jobs.told(left)
    assert house.places() == {sent.order.place}
    house.clock.pass_(working.PAUSE)
    assert [job.state for job in house.work(vault_key=key)] == ["done"]


def test_an_encrypted_file_that_was_exchanged_is_refused(house: House, export: Path, faulty: Path) -> None:
    key = vault.new_key()
    one, other = (house.send(path, vault_key=key).order for path in (export, faulty))
    path = spool.path_of(house.folder, one.place, one.filename)
    path.write_bytes(spool.path_of(house.folder, other.place, other.filename).read_bytes())
    first, _ = house.work(vault_key=key)
    assert jobs.told(first) == sentences.JOBS["altered"]


# --- words, settings, commands


def test_each_state_of_a_job_has_a_sentence_of_its_own(house: House, export: Path) -> None:
    sent = house.send(export)
    stored = {"status": "stored", "new": 1200, "changed": 2, "same": 3, "erased": 0}
    fatal = {"counts": {"ready": 3, "rows": 5}, "issues": [{"fatal": True}, {"fatal": False}, {"fatal": True}]}
    cases = {
        "waiting": replace(sent),
        "again": replace(sent, problem="P", attempt=2),
        "running": replace(sent, state="running", stage="check"),
        "checked": replace(sent, state="done", report={"counts": {"ready": 1200, "rows": 1300}, "ready": True}),
        "unready": replace(sent, state="done", report={**fatal, "ready": False}),
        "stored": replace(sent, state="done", report={"saved": stored}),
        "already": replace(sent, state="done", report={"saved": {**stored, "status": "already"}}),
        "failed": replace(sent, state="failed", problem="P"),
    }
    assert {code: sentences.job_code(job) for code, job in cases.items()} == {code: code for code in cases}
    assert {code: jobs.told(job) for code, job in cases.items()} == {
        "waiting": "Received and safe; it waits for its turn.",
        "again": "Is tried again, 2 of 3 times so far: P",
        "running": "In work: checking every row.",
        "checked": "Checked: 1,200 of 1,300 rows are ready, and nothing is stored.",
        "unready": "Checked, and not to be stored yet: 2 kinds of problem to mend.",
        "stored": "Stored as a draft: 1,200 new, 2 changed, 3 known already. It is scored when it is released.",
        "already": "This very file was in the wave already; nothing was changed.",
        "failed": "P",
    }
    assert {sentences.job_code(replace(sent, problem=text), at_hand=False) for text in ("", "P")} == {"elsewhere"}
    held = replace(sent, state="running", lease_until=NOON)
    assert [sentences.job_code(held, at=NOON - timedelta(seconds=late)) for late in (1, 0)] == ["running", "silent"]
    silent = "Whoever was reading the file is silent since 2026-11-01 12:00 UTC; the next worker takes it over."
    assert jobs.told(held, at=NOON) == silent
    assert list(sentences.STAGES) == STAGES


def test_each_store_has_a_folder_of_its_own_that_says_nothing_of_a_password() -> None:
    chosen = settings.from_environment()
    urls = ["sqlite:////srv/a.db", "sqlite:////srv/b.db", "postgresql://me:geheim@host/a", "postgresql://host/b"]
    found = [jobs.folder_of(replace(chosen, database=url)) for url in urls]
    assert len(set(found)) == 4
    assert found[0] == Path("/srv/a.db-jobs")
    assert found[2] == jobs.folder_of(replace(chosen, database="postgresql://me:another@host/a"))


@pytest.fixture
def sarhad(house: House, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The commands beside the store of the house."""
    app = typer.Typer()
    for name, command in {"send": commands.send, "work": commands.work, "jobs": commands.list_jobs}.items():
        app.command(name)(command)
    monkeypatch.setenv("SARHAD_DATABASE_URL", house.url)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_the_commands_send_work_and_tell(
    house: House, export: Path, faulty: Path, sarhad: Callable[..., Result]
) -> None:
    assert "There is no job." in sarhad("jobs").output
    assert "Job 1. Received and safe" in sarhad("send", export, "--wave", "2026", "--survey", SURVEY).output
    sarhad("send", faulty, "--as", "Anor")
    worked = sarhad("work", "--once")
    assert worked.exit_code == 0
    said = [line.partition(": ")[2] for line in worked.output.splitlines() if line.startswith("Job 1,")]
    assert said[:4] == [f"In work: {sentences.STAGES[stage]}." for stage in STAGES]
    assert said[4].startswith("Stored as a draft")
    rows = json.loads(sarhad("jobs", "--format", "json").output)
    assert [(row["job"], row["kind"], row["state"]) for row in rows] == [(1, "import", "done"), (2, "check", "done")]
    assert "1 kind of problem" in sarhad("jobs").output
    assert "off-scale" in sarhad("jobs", "--job", 2, "--format", "csv").output
    assert "No problem was found." in sarhad("jobs", "--job", 1).output
    assert house.store.jobs()[1].order.who == "Anor"


def test_a_worker_that_leaves_a_job_undone_says_so_by_its_exit_code_and_it_can_be_begun_again(
    house: House, export: Path, sarhad: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreTroubleError("the disk is full")

    sarhad("send", export, "--wave", "2026")
    with monkeypatch.context() as patch:
        patch.setattr(fieldwork, "store_responses", fail)
        patch.setattr(working, "PAUSE", timedelta(0))
        assert sarhad("work", "--once").exit_code == 1
    assert [job.state for job in house.store.jobs()] == ["failed"]
    assert sarhad("work", "--once", "--again", 1).exit_code == 0
    assert [job.state for job in house.store.jobs()] == ["done"]


def test_a_worker_goes_on_until_it_is_told_to_end_and_then_lets_go(
    house: House, export: Path, sarhad: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    rests = []

    def rest(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 1:
            sarhad("send", export, "--wave", "2026")
            return
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(commands.time, "sleep", rest)
    assert sarhad("work").exit_code == 0
    assert rests == [commands.POLL] * 2
    assert [job.state for job in house.store.jobs()] == ["done"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_settings_make_the_bench(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARHAD_DATABASE_URL", house.url)
    monkeypatch.setenv("SARHAD_UPLOAD_MB", "3")
    monkeypatch.setenv("SARHAD_FILE_MB", "70")
    bench = working.bench_of(
        settings.from_environment(), store=house.store, worker="Anna", clock=house.clock, told=house.seen.append
    )
    assert (bench.folder, bench.upload.bytes, bench.large.bytes) == (house.folder, 3 * 1024**2, 70 * 1024**2)
    assert bench.upload.child_seconds < bench.large.child_seconds
