import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.errors import StoreError
from surveys.questionnaire import Question
from surveys.store import Store, open_store, seals
from surveys.store.audit import START, canonical
from tests.postgres import Server, copy_of
from tests.surveys.stored import AGREE, FORM, NOON, answers, execute, on_disk, save

BY: dict[str, Any] = {"who": "Anna", "at": NOON}


def fill(url: str) -> None:
    """Let everything happen in a store: corrections, an undone file, an erasure, releases, a log of its own."""
    store = open_store(url)
    store.add_survey("demo", title="Demo", synthetic=True, team="north", questionnaire=FORM)
    store.add_wave("demo", "2026")
    save(store, answers(rows=6))
    save(store, answers(rows=3, first=2, content="later", clear=np.int16(0)), file="b")
    save(store, answers(rows=2, first=20), file="c")
    store.undo_batch("demo", 3, **BY)
    store.erase("demo", "u-4", **BY)
    store.add_release("demo", waves=["2026"], document=b"document", mask=b"mask", supersedes=None, **BY)
    for role, who in (("statistics", "Anna"), ("safety", "Boris")):
        store.sign_release("demo", 1, role=role, who=who, verified=False, checklist=["base"], at=NOON)
    store.share_release("demo", 1, agencies=["customs"], until=date(2026, 6, 1), **BY)
    store.comment_release("demo", 1, agency="customs", text="We differ.", **BY)
    store.publish_release("demo", 1, **BY)
    store.log(who="x", action="export", subject="demo", at=NOON, details={"rows": 3, "name": "Ҳамид"})
    store.close()


@pytest.fixture(scope="module")
def sqlite_full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("full") / "store.db"
    fill(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def postgres_full(postgres_server: Server) -> str:
    name = postgres_server.fresh()
    fill(postgres_server.url(name))
    return name


@pytest.fixture(params=["sqlite", "postgres"])
def full_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a store in which everything has happened, on each database."""
    with copy_of(request, tmp_path, "full") as url:
        yield url


@pytest.fixture
def full(full_url: str) -> Iterator[Store]:
    store = open_store(full_url)
    yield store
    store.close()


def codes(store: Store) -> set[str]:
    return {fault.code for fault in store.verify()}


def test_a_store_that_nobody_touched_verifies(full: Store, full_url: str) -> None:
    assert full.verify() == ()
    again = open_store(full_url)
    assert again.verify() == ()
    again.close()


def test_an_empty_store_verifies_and_its_head_is_the_start(store: Store) -> None:
    assert (store.verify(), store.audit_head()) == ((), f"0:{START}")


ADDED = (
    "INSERT INTO submission (batch_id, uuid, content, psu, interviewer, day, half_day, position)"
    " VALUES (1, 'new', '', '', '', '', '', 7)"
)

#: What somebody with the database in hands changes -> kinds of fault that are found, and no other.
TAMPERED = [
    ("UPDATE submission SET a001 = 2 WHERE uuid = 'u-0'", {"answer"}),
    ("UPDATE submission SET a001 = NULL WHERE uuid = 'u-0'", {"answer"}),
    ("UPDATE submission SET q001 = 0.25 WHERE uuid = 'u-1'", {"answer"}),
    ("UPDATE submission SET minutes = 21 WHERE uuid = 'u-0'", {"answer"}),
    ("UPDATE submission SET day = '2026-05-04' WHERE uuid = 'u-0'", {"answer"}),
    ("UPDATE submission SET psu = 'x' WHERE uuid = 'u-0'", {"answer"}),
    ("UPDATE submission SET uuid = 'x' WHERE uuid = 'u-0'", {"answer"}),
    ("UPDATE submission SET a399 = 1 WHERE uuid = 'u-0'", {"answer"}),
    ("UPDATE submission SET a001 = 1 WHERE uuid = 'u-20'", {"answer"}),
    ("UPDATE submission SET seal = NULL WHERE uuid = 'u-0'", {"answer", "batch-seal"}),
    ("DELETE FROM submission WHERE uuid = 'u-0'", {"rows"}),
    ("DELETE FROM submission WHERE uuid = 'u-5'", {"batch-seal"}),
    ("UPDATE submission SET position = 7 - position WHERE uuid IN ('u-0', 'u-5') AND batch_id = 1", {"batch-seal"}),
    ("UPDATE submission SET batch_id = 2, position = 4 WHERE uuid = 'u-5'", {"batch-seal"}),
    (ADDED, {"answer", "batch-seal"}),
    ("UPDATE submission SET superseded_by = NULL WHERE uuid = 'u-2' AND batch_id = 1", {"replaced"}),
    ("UPDATE submission SET superseded_by = 2 WHERE uuid = 'u-0'", {"replaced"}),
    ("UPDATE submission SET superseded_by = 1 WHERE uuid = 'u-0'", {"replaced"}),
    ("UPDATE batch SET status = 'undone' WHERE id = 1", {"batch-standing"}),
    ("UPDATE batch SET status = 'active' WHERE id = 3", {"batch-standing"}),
    ("UPDATE batch SET received_by = 'other' WHERE id = 1", {"batch-seal"}),
    ("UPDATE batch SET n_rows = 7 WHERE id = 1", {"batch-seal"}),
    ("UPDATE batch SET seal = '00' WHERE id = 1", {"batch-seal", "batch"}),
    ("UPDATE survey SET synthetic = FALSE", {"batch-seal"}),
    ("UPDATE wave SET name = '2027'", {"batch-seal", "wave-state", "release"}),
    ("UPDATE wave SET state = 'draft'", {"wave-state"}),
    ('UPDATE item SET labels = \'["ferry", "bridge", "pass"]\' WHERE code = \'post\'', {"form"}),
    ("UPDATE item SET code = 'clean' WHERE code = 'clear'", {"form"}),
    ("UPDATE tombstone SET uuid = 'x' WHERE batch_id = 1", {"erased"}),
    ("DELETE FROM tombstone WHERE batch_id = 1", {"rows", "erased", "replaced"}),
    ("UPDATE release SET reason = 'x'", {"release"}),
    ("UPDATE release SET state = 'withdrawn'", {"release"}),
    ("UPDATE release SET shared_with = '[]'", {"release"}),
    ("UPDATE release SET digest = mask_digest", {"release", "release-document"}),
    ("DELETE FROM release_wave", {"release"}),
    ("UPDATE signature SET who = 'Carl' WHERE role = 'safety'", {"signature"}),
    ("UPDATE signature SET verified = TRUE WHERE role = 'safety'", {"signature"}),
    ("DELETE FROM signature WHERE role = 'safety'", {"signature"}),
    ("UPDATE comment SET text = 'We agree.'", {"comment"}),
    ("DELETE FROM comment", {"comment"}),
    ("INSERT INTO comment SELECT 7, release_id, agency, text, who, at FROM comment", {"comment"}),
    ("UPDATE event SET who = 'other' WHERE id = 3", {"log-altered"}),
    ("UPDATE event SET at = '2026-05-04 12:00:01.000000' WHERE id = 3", {"log-altered"}),
    ("UPDATE event SET details = '{}' WHERE action = 'export'", {"log-altered"}),
    ("UPDATE event SET mac = NULL WHERE id = 3", {"log-altered"}),
    ("DELETE FROM event WHERE action = 'release-shared'", {"log-missing"}),
    ("DELETE FROM event WHERE action = 'export'", {"log-tail"}),
    ("UPDATE event SET id = id + 1 WHERE action = 'export'", {"log-missing", "log-tail"}),
    ("UPDATE secret SET value = 'x' WHERE name = 'head'", {"log-tail"}),
    ("DELETE FROM secret WHERE name = 'head'", {"log-tail"}),
]


@pytest.mark.parametrize(("statement", "found"), TAMPERED)
def test_whatever_is_altered_is_found_and_named(full: Store, full_url: str, statement: str, found: set[str]) -> None:
    execute(full_url, statement)
    assert codes(full) == found


def test_a_whole_file_that_is_taken_out_or_put_in_is_found(full: Store, full_url: str) -> None:
    execute(full_url, "DELETE FROM submission WHERE batch_id = 3", "DELETE FROM batch WHERE id = 3")
    assert {(fault.code, fault.subject) for fault in full.verify()} == {
        ("batch", "file 3"),
        ("batch-standing", "whether file 3 counts"),
    }
    columns = "wave_id, instrument_version_id, filename, received_at, received_by, status, n_rows, slots, seal"
    execute(full_url, f"INSERT INTO batch (id, sha256, {columns}) SELECT 4, 'z', {columns} FROM batch WHERE id = 2")
    assert {fault.subject for fault in full.verify()} >= {"file 4", "whether file 4 counts"}


def test_altered_totals_are_found_and_not_used(full: Store, full_url: str) -> None:
    full.totals_put("d" * 64, "demo", b"sums", NOON)
    assert (full.totals_get("d" * 64), full.verify()) == (b"sums", ())
    literal = "payload || '\\x41'::bytea" if full_url.startswith("postgres") else "CAST(payload || x'41' AS BLOB)"
    execute(full_url, f"UPDATE totals SET payload = {literal}")
    assert full.totals_get("d" * 64) is None
    assert [(fault.code, fault.subject) for fault in full.verify()] == [
        ("totals", f"totals {'d' * 12} of survey 'demo'")
    ]


@pytest.mark.parametrize("name", ["document", "mask"])
def test_an_altered_document_or_mask_of_a_release_is_found(full: Store, full_url: str, name: str) -> None:
    literal = "'\\x41'" if full_url.startswith("postgres") else "x'41'"
    execute(full_url, f"UPDATE release SET {name} = {literal}")
    (fault,) = full.verify()
    assert (fault.code, fault.subject) == (f"release-{name}", "release 1 of survey 'demo'")


def test_lines_that_changed_places_are_both_found(full: Store, full_url: str) -> None:
    execute(
        full_url,
        "UPDATE event SET id = -1 WHERE id = 2",
        "UPDATE event SET id = 2 WHERE id = 3",
        "UPDATE event SET id = 3 WHERE id = -1",
    )
    assert [fault.subject for fault in full.verify() if fault.code == "log-altered"] == ["line 2", "line 3", "line 4"]


def test_an_altered_answer_is_named_by_its_row_and_never_by_its_uuid(full: Store, full_url: str) -> None:
    execute(full_url, "UPDATE submission SET a002 = 0 WHERE uuid = 'u-3' AND batch_id = 1")
    (fault,) = full.verify()
    assert fault.subject == "survey 'demo', wave '2026', file 1, row 4"
    assert "u-3" not in repr(fault)


def test_a_tail_that_was_cut_off_is_not_healed_by_the_next_line_nor_by_opening_again(
    full: Store, full_url: str
) -> None:
    execute(full_url, "DELETE FROM event WHERE action = 'export'")
    full.log(who="x", action="look", subject="demo", at=NOON)
    assert codes(full) == {"log-tail"}
    again = open_store(full_url)
    assert codes(again) == {"log-tail"}
    again.close()


def test_a_line_forged_without_the_key_is_found(full: Store, full_url: str) -> None:
    execute(
        full_url,
        "UPDATE wave SET state = 'draft'",
        "INSERT INTO event SELECT id + 1, at, who, 'wave-draft', subject,"
        """ '{"proof": {"[\\"wave\\",\\"demo\\",\\"2026\\"]": "draft"}}', mac FROM event WHERE action = 'export'""",
    )
    assert codes(full) == {"log-altered", "log-tail"}


def test_a_chain_is_never_made_again_over_one_that_is_there(full: Store, full_url: str) -> None:
    full.close()
    execute(full_url, "DELETE FROM secret WHERE name <> 'salt' AND name <> 'check'")
    again = open_store(full_url)
    assert {"log-altered", "log-tail", "answer", "batch-seal"} <= codes(again)
    again.close()


@pytest.mark.parametrize("also", [(), ("UPDATE event SET details = '{}'",)])
def test_what_was_altered_is_not_sealed_anew_when_every_code_was_taken_away(
    store_url: str, also: tuple[str, ...]
) -> None:
    first = open_store(store_url, salt="mine", audit_key="kept elsewhere")
    first.add_survey("demo", title="", synthetic=True, team="", questionnaire=FORM)
    save(first, answers())
    first.add_release("demo", waves=["2026"], document=b"document", mask=b"mask", supersedes=None, **BY)
    assert first.verify() == ()
    first.close()
    execute(
        store_url,
        "UPDATE submission SET a002 = 0 WHERE uuid = 'u-1'",
        "UPDATE submission SET seal = NULL",
        "UPDATE batch SET seal = NULL",
        "UPDATE event SET mac = NULL",
        "DELETE FROM secret",
        *also,
    )
    again = open_store(store_url, salt="mine", audit_key="kept elsewhere")
    assert {"answer", "log-altered", "log-tail"} <= codes(again)
    again.close()


def test_a_head_that_was_printed_is_found_again_and_another_is_not(full: Store) -> None:
    printed = full.audit_head()
    full.log(who="x", action="look", subject="demo", at=NOON)
    assert full.audit_head() != printed
    assert full.holds(printed)
    assert full.holds(f"0:{START}")
    assert not full.holds(printed[:-1] + ("0" if printed[-1] != "0" else "1"))
    assert not full.holds("99:" + START)
    assert not full.holds("nonsense")


def test_the_chain_does_not_fork_under_many_writers(store: Store) -> None:
    def write(number: int) -> None:
        store.log(who=str(number), action="look", subject="demo", at=NOON)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(60)))
    assert [line.id for line in store.events()] == list(range(1, 61))
    assert store.verify() == ()


def test_another_audit_key_is_refused_and_the_same_one_opens(store_url: str) -> None:
    open_store(store_url, audit_key="ours").close()
    open_store(store_url, audit_key="ours").close()
    with pytest.raises(StoreError, match=r"made with another audit key; give that one \(SARHAD_AUDIT_KEY\)"):
        open_store(store_url, audit_key="theirs")
    with pytest.raises(StoreError, match="give the same audit key"):
        open_store(store_url)


def test_a_given_audit_key_is_not_kept_beside_the_answers(store_url: str) -> None:
    open_store(store_url, audit_key="a-long-key-of-ours").close()
    assert b"a-long-key-of-ours" not in on_disk(store_url)


def test_what_a_line_proves_cannot_come_from_a_caller(store: Store) -> None:
    with pytest.raises(ValueError, match="proof"):
        store.log(who="x", action="look", subject="demo", at=NOON, details={"proof": {}})


def test_a_weight_that_came_later_leaves_earlier_files_sealed(store: Store) -> None:
    save(store, answers(rows=2))
    save(store, answers(rows=2, first=2, weight=[1.5, 2.5]), file="b")
    form = Question("new", "select_one", scale=AGREE)
    assert form not in FORM.questions
    assert store.verify() == ()


number = st.one_of(st.none(), st.integers(-(2**15), 2**15 - 1), st.floats(allow_nan=False, allow_infinity=False))


@given(row=st.lists(st.one_of(number, st.text(max_size=5)), min_size=1, max_size=8), data=st.data())
def test_rows_that_differ_have_seals_that_differ(row: list[object], data: st.DataObject) -> None:
    other = list(row)
    place = data.draw(st.integers(0, len(row) - 1))
    other[place] = data.draw(
        st.one_of(number, st.text(max_size=5)).filter(lambda value: repr(value) != repr(row[place]))
    )
    assert seals.of_row(b"key", row) != seals.of_row(b"key", other)
    assert seals.of_row(b"key", row) != seals.of_row(b"other", row)
    assert seals.of_row(b"key", row) == seals.of_row(b"key", tuple(row))


@given(known=st.dictionaries(st.text(max_size=3), st.one_of(number, st.text(max_size=4)), max_size=5))
def test_equal_details_have_one_text_whatever_their_order_and_however_often_they_were_stored(known: Any) -> None:
    turned = dict(reversed(known.items()))
    assert canonical(turned) == canonical(known) == canonical(json.loads(json.dumps(known)))
