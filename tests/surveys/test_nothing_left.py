"""After an import no byte of what the planted columns hold is left: in the store, on the disk, in what is said."""

import logging
import os
import re
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from app.workflow import fieldwork
from surveys import vault
from surveys.reading import Limits
from surveys.store import open_store
from tests.surveys import planted_files
from tests.surveys.planted import PLANTED

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
WINDOW = 8  # bytes: in a megabyte of ciphers a shorter text may stand by chance ...
SHORT = 6  # ... which in a store without ciphers it does not


def style_of(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


def personal(name: str) -> set[str]:
    """Everything personal that a file holds: planted cells, codes of shifts, exact times."""
    frame = planted_files.whole(style_of(name))
    planted = [column.name for column in PLANTED if column.style == style_of(name)]
    named = [header for header in frame if header.casefold().split("/")[-1].split("-")[-1] in {"shift", "start", "end"}]
    assert len(named) == 3
    cells = frame[[*planted, *named, frame.columns[-1 - len(planted_files.columns(style_of(name)))]]].to_numpy().ravel()
    return {str(cell) for cell in cells if len(str(cell)) > 2}


def needles(texts: Iterable[str], *, least: int) -> set[bytes]:
    """The texts as they may stand on a disk: UTF-8, UTF-16 of both orders, and numbers as a database packs them."""
    found = set[bytes]()
    for text in texts:
        found |= {text.encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be")}
        if re.fullmatch(r"\d+\.\d{4,}|\d{9,15}", text):
            found |= {struct.pack(">d", float(text)), struct.pack("<d", float(text))}
        if re.fullmatch(r"\d{13}", text):
            found |= {int(text).to_bytes(SHORT, "big")}  # SQLite packs whole numbers as tightly as it can
    return {needle for needle in found if len(needle) >= least}


def traces(places: Iterable[bytes], texts: Iterable[str], *, least: int = WINDOW) -> list[bytes]:
    """Needles that stand somewhere: the first eight bytes of all are looked up at once, then each hit in full."""
    every = sorted(needles(texts, least=least))
    wanted, short = [n for n in every if len(n) >= WINDOW], [n for n in every if len(n) < WINDOW]
    heads = np.array([int.from_bytes(needle[:WINDOW], "little") for needle in wanted], dtype=np.uint64)
    hits = set[bytes]()
    for content in places:
        if len(content) < WINDOW:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(content, dtype=np.uint8), WINDOW)
        seen = np.unique(np.ascontiguousarray(windows).view("<u8").ravel())
        hits |= {wanted[at] for at in np.flatnonzero(np.isin(heads, seen)) if wanted[at] in content}
        hits |= {needle for needle in short if needle in content}
    return sorted(hits)


def everything_in(*folders: Path) -> list[bytes]:
    """Content and name of every file that is left."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [*(path.read_bytes() for path in files), *(str(path).encode() for path in files)]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that holds nothing else."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def stored(
    request: pytest.FixtureRequest, tmp_path: Path, temporary: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[tuple[str, Path, list[bytes]]]:
    """A file that was imported with or without a key of the vault, while the store is still open."""
    name, key = request.param
    caplog.set_level(logging.DEBUG)
    (tmp_path / "sent").mkdir()
    path = planted_files.write(name, tmp_path / "sent")
    form = planted_files.form(style_of(name), len(planted_files.interviews()))
    (tmp_path / "store").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'store' / 'answers.db'}")
    view = fieldwork.check_file(path, questionnaire=form, limits=Limits())
    saved = fieldwork.store_file(
        path, view, store=store, survey_id="traveller", wave="2026", who="team", at=NOON, vault_key=key, title="T"
    )
    assert saved.new > 150
    said = view.issues.to_csv() + view.kinds.to_csv() + str(view.counts) + str(view.dropped) + caplog.text
    yield name, tmp_path / "store" / "answers.db", [*everything_in(tmp_path / "store", temporary), said.encode()]
    store.close()


every_file = pytest.mark.parametrize(
    ("stored", "least"),
    [((name, key), least) for name in planted_files.FILES for key, least in ((None, SHORT), (vault.new_key(), WINDOW))],
    ids=[f"{name}-{kept}" for name in planted_files.FILES for kept in ("hashed", "sealed")],
    indirect=["stored"],
)
one_file = pytest.mark.parametrize("stored", [("kobo.csv", None)], indirect=True)


@every_file
def test_no_byte_of_personal_data_is_left_by_an_import(stored: tuple[str, Path, list[bytes]], least: int) -> None:
    """While the store is open, and once its log of writes ahead is emptied."""
    name, database, places = stored
    assert len(personal(name)) > 500
    assert traces(places, personal(name), least=least) == []
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert traces(everything_in(database.parent, database.parents[1] / "temporary"), personal(name)) == []


@one_file
def test_the_search_finds_what_is_kept(stored: tuple[str, Path, list[bytes]]) -> None:
    _, _, places = stored
    assert {b"name_of_market", b"panji_poyon"} <= set(traces(places, {"name_of_market", "panji_poyon"}))
    hours = {float(text) for text in planted_files.interviews()["wait_hours"] if text}
    kept = [struct.pack(">d", value) for value in hours if value != int(value)]
    assert all(any(number in place for place in places) for number in kept)


@one_file
def test_the_search_finds_nearly_everything_in_the_file_as_it_came(stored: tuple[str, Path, list[bytes]]) -> None:
    name, database, _ = stored
    path = database.parents[1] / "sent" / name
    wanted = {text for text in personal(name) if len(text.encode()) >= SHORT and '"' not in text}
    assert set(traces([path.read_bytes()], wanted, least=SHORT)) == {text.encode() for text in wanted}


@one_file
def test_the_search_finds_a_cell_that_was_written_on_purpose(stored: tuple[str, Path, list[bytes]]) -> None:
    name, database, _ = stored
    leaked = next(column for column in PLANTED if column.name == "колонка3").cells(1)[0]
    assert leaked in personal(name)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE leak (told TEXT, place REAL)")
        connection.execute("INSERT INTO leak VALUES (?, ?)", (leaked, 37.4097183))
        connection.commit()
    places = everything_in(database.parent)
    assert traces(places, personal(name)) == [leaked.encode()]
    assert traces(places, {"37.4097183"}) == [struct.pack(">d", 37.4097183)]
    (database.parent / "old.log").write_text(f"read {leaked}", encoding="utf-16")
    assert len(traces(everything_in(database.parent), personal(name))) == 2


@pytest.mark.parametrize("name", planted_files.FILES)
def test_no_temporary_file_is_even_opened_while_a_file_is_checked(name: str, tmp_path: Path, temporary: Path) -> None:
    path = planted_files.write(name, tmp_path)
    form = planted_files.form(style_of(name), len(planted_files.interviews()))
    written: list[str] = []
    watch: list[Path] = [temporary]  # an audit hook stays for the life of the process, so it is told when to stop

    def seen(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and watch and str(arguments[0]).startswith(str(watch[0])):
            written.append(str(arguments[0]))

    sys.addaudithook(seen)
    view = fieldwork.check_file(path, questionnaire=form, limits=Limits())
    watch.clear()
    assert len(view.marked) > 10_000
    assert written == []


@pytest.mark.parametrize("name", planted_files.FILES)
def test_the_command_leaves_nothing_on_the_disk_and_says_nothing(name: str, tmp_path: Path) -> None:
    rooms = {room: tmp_path / room for room in ("sent", "store", "tmp", "home", "here")}
    for room in rooms.values():
        room.mkdir()
    path = planted_files.write(name, rooms["sent"])
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "import", path, "--wave", "2026"],
        cwd=rooms["here"],
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith(("SARHAD_", "XDG_"))},
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SARHAD_DATABASE_URL": f"sqlite:///{rooms['store'] / 'answers.db'}",
            "SARHAD_VAULT_KEY": vault.new_key(),
            "TMPDIR": str(rooms["tmp"]),
            "HOME": str(rooms["home"]),
            "COLUMNS": "200",
        },
        capture_output=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    left = everything_in(*(folder for room, folder in rooms.items() if room != "sent"))
    assert any(b"SQLite format 3" in place for place in left)
    assert traces([*left, done.stdout, done.stderr], personal(name)) == []
    assert traces([done.stdout], {"_submission_time"} | {"_SUBMISSION_TIME"})  # the team sees what was dropped
