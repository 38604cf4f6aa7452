import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect

from surveys.errors import StoreError
from surveys.store import open_store
from surveys.store.database import alembic_config, make_engine, upgrade, writing
from surveys.store.instruments import digest, to_document
from surveys.store.salt import salted
from surveys.store.schema import metadata
from tests.surveys.stored import FORM, NOON, answers, execute, on_disk, save

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def test_the_newest_revision_is_the_schema_that_the_code_knows(empty_url: str) -> None:
    engine = make_engine(empty_url)
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_checks_and_keys_of_the_revisions_bear_the_names_of_the_schema(empty_url: str) -> None:
    engine = make_engine(empty_url)
    upgrade(engine)
    migrated = inspect(engine)
    for table in metadata.sorted_tables:
        assert migrated.get_pk_constraint(table.name)["name"] == table.primary_key.name
        assert {key["name"] for key in migrated.get_foreign_keys(table.name)} == {
            key.name for key in table.foreign_key_constraints
        }
        assert {check["name"] for check in migrated.get_check_constraints(table.name)} == {
            check.name for check in table.constraints if isinstance(check, CheckConstraint)
        }
    engine.dispose()


def test_going_back_leaves_no_table_of_ours(empty_url: str) -> None:
    engine = make_engine(empty_url)
    upgrade(engine)
    config = alembic_config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


# --- a store of the first revision


def first_revision(url: str, *, rows: int = 3) -> None:
    """A store as the first revision left it: two files, the later one correcting a row of the earlier, and a log."""
    engine = make_engine(url)
    config = alembic_config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    form = f"1, 'demo', 'traveller', '1', '{digest(to_document(FORM))}'"
    slots = "(1, 'clear', 'a001', 'select_one', '[]'), (1, 'wait', 'q001', 'decimal', '[]')"
    row = "INSERT INTO submission (batch_id, superseded_by, uuid, content, psu, interviewer, day, half_day, a001, q001)"
    at = "'2026-05-04 12:00:00.000000', 'team'"
    execute(
        url,
        "INSERT INTO survey VALUES ('demo', 'Demo', TRUE, 'north')",
        f"INSERT INTO instrument_version VALUES ({form}, '{to_document(FORM).replace(chr(39), chr(39) * 2)}')",
        f"INSERT INTO item VALUES {slots}",
        "INSERT INTO wave (survey_id, name, state) VALUES ('demo', '2024', 'published'), ('demo', '2026', 'draft')",
        "INSERT INTO batch (wave_id, instrument_version_id, sha256, filename, received_at, received_by, status, n_rows)"
        f" VALUES (2, 1, 'a', 'a.csv', {at}, 'active', {rows}), (2, 1, 'b', 'b.csv', {at}, 'active', 1)",
        f"{row} VALUES (1, 2, 'u-0', 'c', 'p', 'i', '2026-05-03', 'am', 4, 1.5)",
        *(f"{row} VALUES (1, NULL, 'u-{n}', 'c', 'p', 'i', '2026-05-03', 'am', {n}, NULL)" for n in range(1, rows)),
        f"{row} VALUES (2, NULL, 'u-0', 'd', 'p', 'i', '2026-05-03', 'am', 0, 2)",
        "INSERT INTO event (at, who, action, subject, details) VALUES"
        f" ({at}, 'import', 'demo/2026', '{{}}'), ({at}, 'wave-published', 'demo/2024', '{{}}')",
        f"INSERT INTO secret VALUES ('salt', 'old'), ('check', '{salted('old', 'the salt of this store')}')",
    )


def test_a_store_of_the_first_revision_keeps_its_answers_and_is_bound(empty_url: str) -> None:
    first_revision(empty_url)
    store = open_store(empty_url)
    found = store.responses("demo", waves=["2026"], columns=["clear", "wait"])
    assert found["clear"].tolist() == [1, 2, 0]
    assert found["wait"].fillna(-1).tolist() == [-1, -1, 2]
    assert {row.name: row.state for row in store.waves("demo")} == {"2024": "published", "2026": "draft"}
    assert [line.action for line in store.events()] == ["import", "wave-published", "chain-begun"]
    assert store.verify() == ()
    store.close()


def test_a_wave_published_before_there_were_releases_is_taken_back_and_the_log_says_by_whom(empty_url: str) -> None:
    first_revision(empty_url)
    store = open_store(empty_url)
    store.set_wave_state("demo", "2024", "draft", who="head", at=NOON)
    assert [row.state for row in store.waves("demo")] == ["draft", "draft"]
    line = store.events()[-1]
    assert (line.who, line.action, line.subject) == ("head", "wave-draft", "demo/2024")
    assert store.verify() == ()
    store.close()


def test_answers_of_the_first_revision_are_sealed(empty_url: str) -> None:
    first_revision(empty_url)
    open_store(empty_url).close()
    execute(empty_url, "UPDATE submission SET a001 = 1 WHERE uuid = 'u-2'")
    execute(empty_url, "UPDATE wave SET state = 'draft' WHERE name = '2024'")
    store = open_store(empty_url)
    assert [(fault.code, fault.subject) for fault in store.verify()] == [
        ("answer", "survey 'demo', wave '2026', file 1, row 3"),
        ("wave-state", "the state of wave '2024' of survey 'demo'"),
    ]
    store.close()


def test_a_store_of_the_first_revision_goes_on(empty_url: str) -> None:
    first_revision(empty_url)
    store = open_store(empty_url)
    saved = save(store, answers(rows=4), file="c")
    assert (saved.new, saved.changed) == (1, 3)
    assert store.verify() == ()
    assert store.undo_batch("demo", saved.batch_id, who="team", at=NOON) == 4
    assert store.responses("demo", waves=["2026"], columns=["clear"])["clear"].tolist() == [1, 2, 0]
    assert store.verify() == ()
    store.close()


def test_a_migration_that_fails_leaves_the_first_revision(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the power is gone")

    first_revision(empty_url)
    with monkeypatch.context() as patch:
        patch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", fail)
        with pytest.raises(RuntimeError, match="power"):
            open_store(empty_url)
    assert execute(empty_url, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert execute(empty_url, "SELECT count(*) FROM submission") == [(4,)]
    store = open_store(empty_url)
    assert store.verify() == ()
    store.close()


def test_a_database_of_another_program_is_refused_and_left_alone(empty_url: str) -> None:
    execute(empty_url, "CREATE TABLE invoice (id INTEGER)")
    with pytest.raises(StoreError, match="not empty and holds no store"):
        open_store(empty_url)
    execute(
        empty_url,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        "INSERT INTO alembic_version VALUES ('0001')",
    )
    with pytest.raises(StoreError, match="not empty and holds no store"):
        open_store(empty_url)
    engine = make_engine(empty_url)
    assert sorted(inspect(engine).get_table_names()) == ["alembic_version", "invoice"]
    engine.dispose()


# --- opening


def test_opening_again_changes_nothing(url: str, tmp_path: Path) -> None:
    open_store(url).close()
    before = (tmp_path / "store.db").read_bytes()
    open_store(url).close()
    assert (tmp_path / "store.db").read_bytes() == before


def test_a_store_of_a_newer_program_is_refused_and_left_alone(empty_url: str) -> None:
    open_store(empty_url).close()
    execute(empty_url, "UPDATE alembic_version SET version_num = '9999'")
    before = on_disk(empty_url)
    with pytest.raises(StoreError, match=r"newer version of this program .*'9999'"):
        open_store(empty_url)
    assert on_disk(empty_url) == before


def test_a_revision_that_fails_leaves_nothing_to_start_from(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the power is gone")

    engine = make_engine(empty_url)
    with monkeypatch.context() as patch:
        patch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", fail)
        with pytest.raises(RuntimeError, match="power"):
            upgrade(engine)
    assert inspect(engine).get_table_names() == []
    upgrade(engine)
    assert "submission" in inspect(engine).get_table_names()
    engine.dispose()


def test_processes_that_open_a_fresh_store_at_once_all_find_it_whole(empty_url: str) -> None:
    script = f"from surveys.store import open_store; s = open_store({empty_url!r}); print(len(s.surveys())); s.close()"
    children = [
        subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    said = [child.communicate(timeout=60) for child in children]
    assert said == [(b"0\n", b"")] * 3


def test_a_fresh_file_that_another_program_holds_for_a_moment_is_waited_for(url: str, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(open_store, url)
        with pytest.raises(TimeoutError):
            opening.result(timeout=0.2)
        other.execute("ROLLBACK")
        opening.result(timeout=20).close()
    other.close()


def test_threads_that_open_a_fresh_store_at_once_agree_on_its_secrets(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_store, [empty_url] * 4))
    for store in stores:
        store.close()
    names = ["audit-check", "audit-key", "check", "head", "salt"]
    assert execute(empty_url, "SELECT name FROM secret ORDER BY name") == [(name,) for name in names]


def test_the_file_is_for_its_owner_alone_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "var" / "deep" / "store.db"
    open_store(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_writers_are_durable_and_readers_are_not_held_up(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    with engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    engine.dispose()
    assert found == ["wal", 2, 1, 120_000]


@pytest.mark.parametrize("url", ["mysql://host/x", "sqlite://", "sqlite:///:memory:", "no url", "postgresql+x://h/y"])
def test_an_address_that_is_neither_a_file_nor_postgresql_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match=r"sqlite:///var.* or .*postgresql"):
        open_store(url)


def test_a_password_is_not_repeated_when_an_address_is_refused_or_nobody_answers() -> None:
    for url in ("mysql://me:geheim@host/x", "postgresql://me:geheim@127.0.0.1:1/x"):
        with pytest.raises(StoreError, match=r"not 'mysql|could not be opened") as refused:
            open_store(url)
        assert "geheim" not in str(refused.value)


def test_a_postgresql_store_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match="with its extra `postgres`"):
        open_store("postgresql://host/x")


def test_a_server_repeats_no_value_in_its_complaints(empty_url: str) -> None:
    open_store(empty_url).close()
    engine = make_engine(empty_url)

    def write() -> None:
        with writing(engine) as connection:
            connection.exec_driver_sql("INSERT INTO secret VALUES ('canary', 'x')")

    write()
    with pytest.raises(StoreError, match="could not be written, and nothing was changed") as failed:
        write()
    assert "canary" not in str(failed.value)
    engine.dispose()


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_bytes(b"Dear colleague, " * 100)
    with pytest.raises(StoreError, match="could not be opened"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == b"Dear colleague, " * 100


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}")
