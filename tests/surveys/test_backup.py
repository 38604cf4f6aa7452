import sqlite3
import stat
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surveys import vault
from surveys.errors import StoreError
from surveys.store import Store, backups, open_store, restore
from tests.surveys.stored import NOON, answers, execute, save

BY: dict[str, Any] = {"who": "Anna", "at": NOON}


@pytest.fixture
def full(store: Store) -> Store:
    save(store, answers(rows=3))
    save(store, answers(rows=6, content="later", clear=np.int16(0)), file="b")
    store.keep_raw(vault.Sealed("f" * 64, "key", b"wrapped", bytes(range(256)) * 100))
    store.erase("demo", "u-1", **BY)
    store.add_release("demo", waves=["2026"], document=bytes(range(256)), mask=b"mask", supersedes=None, **BY)
    for role, who in (("statistics", "Anna"), ("safety", "Boris")):
        store.sign_release("demo", 1, role=role, who=who, verified=False, checklist=["base"], at=NOON)
    store.share_release("demo", 1, agencies=["customs"], until=date(2026, 6, 1), **BY)
    store.comment_release("demo", 1, agency="customs", text="Мо розӣ нестем", **BY)
    store.totals_put("digest", "demo", b"sums", NOON)
    return store


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept" / "backup.db"


def look(store: Store) -> list[object]:
    """Everything that a store answers with."""
    columns = ["post", "clear", "wait", "minutes", "day"]
    release = store.release_document("demo", 1), store.release_mask("demo", 1)
    return [
        store.surveys(),
        store.waves("demo"),
        store.batches("demo"),
        store.questionnaire("demo"),
        store.responses("demo", waves=["2026"], columns=columns).to_csv(),
        store.releases("demo"),
        store.signatures("demo", 1),
        store.comments("demo", 1),
        release,
        store.raw("f" * 64),
        store.totals_get("digest"),
        store.events(),
        store.audit_head(),
        store.verify(),
    ]


def test_a_backup_is_one_file_that_opens_as_a_store_and_answers_the_same(full: Store, target: Path) -> None:
    full.backup(target)
    assert [path.name for path in target.parent.iterdir()] == ["backup.db"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    copy = open_store(f"sqlite:///{target}")
    assert look(copy) == look(full)
    copy.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_restored_store_answers_the_same_and_goes_on(
    full: Store, target: Path, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    url = f"sqlite:///{tmp_path / 'restored.db'}"
    if kind == "postgres":
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.fresh())
    full.backup(target)
    before = target.read_bytes()
    assert restore(target, url) == ()
    assert target.read_bytes() == before
    restored = open_store(url)
    assert look(restored) == look(full)
    restored.refuse_release("demo", 1, reason="again", **BY)
    saved = save(restored, answers(rows=2, first=30), file="z")
    assert (saved.new, saved.batch_id) == (2, 3)
    assert restored.add_release("demo", waves=["2026"], document=b"d", mask=b"", supersedes=None, **BY) == 2
    assert restored.verify() == ()
    restored.close()


def test_a_backup_never_goes_over_a_file(full: Store, target: Path) -> None:
    target.write_bytes(b"precious")
    with pytest.raises(StoreError, match=r"there is a file .* already"):
        full.backup(target)
    assert target.read_bytes() == b"precious"
    assert [path.name for path in target.parent.iterdir()] == ["backup.db"]


def test_a_backup_that_fails_leaves_nothing(full: Store, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("surveys.store.backups.os.fsync", full_disk)
    with pytest.raises(StoreError, match=r"cannot be written to .*: No space left on device"):
        full.backup(target)
    assert list(target.parent.iterdir()) == []
    with pytest.raises(StoreError, match=r"cannot be written to .*: No such file or directory"):
        full.backup(target.parent / "absent" / "backup.db")


def test_a_disk_without_hard_links_gets_its_backup_too(
    full: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("surveys.store.backups.os.link", none)
    full.backup(target)
    copy = open_store(f"sqlite:///{target}")
    assert look(copy) == look(full)
    copy.close()


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_a_backup_is_of_one_moment(full: Store, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written while the tables are copied one by one is not in the backup, not even in part."""
    before = full.events()
    copied = backups._copy_table  # noqa: SLF001 - a writer comes in between

    def interrupted(source: Any, copy: Any, table: Any) -> None:
        copied(source, copy, table)
        if table.name == "batch":
            full.log(who="x", action="look", subject="demo", at=NOON)

    monkeypatch.setattr(backups, "_copy_table", interrupted)
    full.backup(target)
    copy = open_store(f"sqlite:///{target}")
    assert (copy.events(), copy.verify()) == (before, ())
    assert len(full.events()) == len(before) + 1
    copy.close()


def test_a_store_that_holds_anything_is_not_restored_into(full: Store, target: Path, store_url: str) -> None:
    full.backup(target)
    before = look(full)
    with pytest.raises(StoreError, match="holds surveys or a log already"):
        restore(target, store_url)
    assert look(full) == before


def test_an_empty_store_is_restored_into_and_takes_the_secrets_of_the_backup(
    full: Store, target: Path, empty_url: str
) -> None:
    full.backup(target.with_name("b.db"))
    url = empty_url if empty_url.startswith("postgres") else f"sqlite:///{target}"
    open_store(url).close()
    assert restore(target.with_name("b.db"), url) == ()
    restored = open_store(url)
    assert look(restored) == look(full)
    restored.close()


def test_secrets_that_were_given_are_given_again(store_url: str, target: Path, tmp_path: Path) -> None:
    secrets: dict[str, str] = {"salt": "ours", "audit_key": "own"}
    store = open_store(store_url, **secrets)
    store.log(who="x", action="look", subject="demo", at=NOON)
    store.backup(target)
    store.close()
    url = f"sqlite:///{tmp_path / 'restored.db'}"
    with pytest.raises(StoreError, match="give the same salt"):
        restore(target, url)
    with pytest.raises(StoreError, match="another audit key"):
        restore(target, url, salt="ours", audit_key="other")
    assert restore(target, url, **secrets) == ()


def test_what_was_altered_in_a_backup_is_said(full: Store, target: Path, tmp_path: Path) -> None:
    full.backup(target)
    execute(f"sqlite:///{target}", "UPDATE submission SET a002 = 4 WHERE uuid = 'u-0' AND batch_id = 2")
    faults = restore(target, f"sqlite:///{tmp_path / 'restored.db'}")
    assert [(fault.code, fault.subject) for fault in faults] == [
        ("answer", "survey 'demo', wave '2026', file 2, row 1")
    ]


def test_what_is_no_backup_is_refused(target: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'restored.db'}"
    with pytest.raises(StoreError, match="there is no backup"):
        restore(target, url)
    target.write_bytes(b"Dear colleague, " * 100)
    with pytest.raises(StoreError, match="could not be read from the backup"):
        restore(target, url)
    target.unlink()
    with closing(sqlite3.connect(target)) as other:
        other.execute("CREATE TABLE invoice (id INTEGER)")
    with pytest.raises(StoreError, match="holds no store of this program"):
        restore(target, url)
    assert not (tmp_path / "restored.db").exists()


def test_a_link_to_nowhere_is_a_file_and_is_left_alone(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="left alone"):
        store.backup(target)
    assert target.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".part") == []
