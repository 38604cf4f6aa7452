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
from sqlalchemy import inspect

from surveys.errors import StoreError
from surveys.store import open_store
from surveys.store.database import alembic_config, make_engine, upgrade, writing
from surveys.store.schema import metadata

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def test_the_newest_revision_is_the_schema_that_the_code_knows(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_checks_and_keys_of_the_first_revision_bear_the_names_of_the_schema(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    migrated = inspect(engine)
    for table in metadata.sorted_tables:
        assert migrated.get_pk_constraint(table.name)["name"] == table.primary_key.name
        assert {key["name"] for key in migrated.get_foreign_keys(table.name)} == {
            key.name for key in table.foreign_key_constraints
        }
    assert {check["name"] for check in migrated.get_check_constraints("batch")} == {"ck_batch_status"}
    engine.dispose()


def test_going_back_leaves_no_table_of_ours(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    config = alembic_config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_opening_again_changes_nothing(url: str, tmp_path: Path) -> None:
    open_store(url).close()
    before = (tmp_path / "store.db").read_bytes()
    open_store(url).close()
    assert (tmp_path / "store.db").read_bytes() == before


def test_a_store_of_a_newer_program_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    open_store(url).close()
    with sqlite3.connect(tmp_path / "store.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    before = (tmp_path / "store.db").read_bytes()
    with pytest.raises(StoreError, match=r"newer version of this program .*'9999'"):
        open_store(url)
    assert (tmp_path / "store.db").read_bytes() == before


def test_a_revision_that_fails_leaves_an_empty_file_to_start_from(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the power is gone")

    engine = make_engine(url)
    with monkeypatch.context() as patch:
        patch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", fail)
        with pytest.raises(RuntimeError, match="power"):
            upgrade(engine)
    assert inspect(engine).get_table_names() == []
    upgrade(engine)
    assert "submission" in inspect(engine).get_table_names()
    engine.dispose()


def test_processes_that_open_a_fresh_store_at_once_all_find_it_whole(url: str) -> None:
    script = f"from surveys.store import open_store; s = open_store({url!r}); print(len(s.surveys())); s.close()"
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


def test_threads_that_open_a_fresh_store_at_once_agree_on_its_salt(url: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_store, [url] * 4))
    for store in stores:
        store.close()
    with sqlite3.connect(tmp_path / "store.db") as database:
        assert database.execute("SELECT name FROM secret ORDER BY name").fetchall() == [("check",), ("salt",)]
    database.close()


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
    assert found == ["wal", 2, 1, 30_000]


@pytest.mark.parametrize("url", ["postgresql://host/x", "sqlite://", "sqlite:///:memory:", "no url"])
def test_an_address_that_is_no_sqlite_file_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:///var"):
        open_store(url)


def test_a_password_in_a_refused_address_is_not_repeated() -> None:
    with pytest.raises(StoreError, match="SQLite file") as refused:
        open_store("postgresql://me:geheim@host/x")
    assert "geheim" not in str(refused.value)


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_bytes(b"Dear colleague, " * 100)
    with pytest.raises(StoreError, match="could not be opened"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == b"Dear colleague, " * 100


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}")
