from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveys import vault
from surveys.errors import StoreError
from surveys.store import Erased, Saved, Store
from tests.surveys.stored import FORM, NOON, answers, execute, on_disk, save

BY: dict[str, Any] = {"who": "officer", "at": NOON}


def sealed(letter: str) -> vault.Sealed:
    return vault.Sealed(letter * 64, "key", b"wrapped-" + letter.encode(), f"payload-{letter}".encode() * 500)


def keep(store: Store, letter: str, **columns: Any) -> Saved:
    return store.save(
        answers(**columns), survey_id="demo", wave="2026", sha256=letter * 64, filename=letter, who="team", at=NOON,
        sealed=sealed(letter),
    )  # fmt: skip


def waits(store: Store) -> list[float]:
    return sorted(store.responses("demo", waves=["2026"], columns=["wait"])["wait"])


# --- erasure


def test_an_erased_submission_is_gone_with_all_its_versions_and_nothing_names_it(store: Store, store_url: str) -> None:
    uuids = ["u-0", "uuid-CANARY", "u-2", "u-3"]
    save(store, answers(uuid=uuids, wait=[0.0, 7654.5, 1.0, 2.0]))
    save(store, answers(uuid=uuids, wait=[0.0, 8654.5, 1.0, 2.0], content=["c-0", "x", "c-2", "c-3"]), file="b")
    assert b"uuid-CANARY" in on_disk(store_url)
    assert store.erase("demo", "uuid-CANARY", **BY) == Erased("2026", 2, 0, 3)
    assert waits(store) == [0, 1, 2]
    assert b"CANARY" not in on_disk(store_url)
    assert execute(store_url, "SELECT count(*) FROM submission WHERE q001 > 100") == [(0,)]
    assert store.verify() == ()
    line = store.events()[-1]
    assert (line.action, line.subject, line.who) == ("erase", "demo/2026", "officer")
    assert "CANARY" not in repr(line)


def test_totals_of_the_survey_are_forgotten(store: Store) -> None:
    save(store, answers())
    store.totals_put("digest", "demo", b"sums", NOON)
    store.erase("demo", "u-1", **BY)
    assert store.totals_get("digest") is None


def test_raw_files_that_hold_the_submission_or_may_hold_it_are_erased_and_others_stay(
    store: Store, store_url: str
) -> None:
    keep(store, "a", rows=2)
    keep(store, "b", rows=2, first=2)
    keep(store, "c", rows=3, first=1)  # brings nothing new: it does not tell which rows it repeats
    keep(store, "d", rows=1, first=9)
    assert store.erase("demo", "u-1", **BY).raw_uploads == 2
    assert [store.raw(letter * 64) is None for letter in "abcd"] == [True, False, True, False]
    assert b"payload-a" not in on_disk(store_url)
    assert b"payload-b" in on_disk(store_url)


def test_an_erased_submission_does_not_come_back_and_its_file_is_not_kept(store: Store, store_url: str) -> None:
    save(store, answers())
    store.erase("demo", "u-1", **BY)
    store.erase("demo", "u-2", **BY)
    assert keep(store, "b", rows=6, first=1) == Saved("stored", 2, 3, 0, 1, NOON, "team", erased=2)
    assert store.events()[-1].details["erased"] == 2
    assert store.raw("b" * 64) is None
    assert [row.submissions for row in store.waves("demo")] == [5]
    assert execute(store_url, "SELECT count(*) FROM submission WHERE uuid IN ('u-1', 'u-2')") == [(0,)]
    assert store.verify() == ()


def test_the_same_file_again_is_there_already_after_an_erasure(store: Store) -> None:
    save(store, answers())
    store.erase("demo", "u-1", **BY)
    assert save(store, answers()).status == "already"
    assert [row.submissions for row in store.waves("demo")] == [3]


def test_an_unknown_or_erased_uuid_is_refused_without_being_repeated(store: Store) -> None:
    save(store, answers())
    store.erase("demo", "u-1", **BY)
    for uuid in ("u-1", "nobody"):
        with pytest.raises(StoreError, match="no submission of survey 'demo' has this uuid") as refused:
            store.erase("demo", uuid, **BY)
        assert uuid not in str(refused.value)
    with pytest.raises(StoreError, match="no survey 'x'"):
        store.erase("x", "u-0", **BY)
    assert [line.action for line in store.events()] == ["import", "erase"]


def test_an_erasure_reaches_a_published_wave_and_leaves_the_release(store: Store) -> None:
    save(store, answers())
    store.add_release("demo", waves=["2026"], document=b"document", mask=b"", supersedes=None, **BY)
    for role, who in (("statistics", "Anna"), ("safety", "Boris")):
        store.sign_release("demo", 1, role=role, who=who, verified=False, checklist=[], at=NOON)
    store.publish_release("demo", 1, **BY)
    assert store.erase("demo", "u-0", **BY).interviews_left == 3
    assert store.release_document("demo", 1) == b"document"
    assert store.waves("demo")[0].state == "published"
    assert store.verify() == ()


def test_an_erasure_stays_within_its_survey(store: Store) -> None:
    store.add_survey("other", title="", synthetic=True, team="", questionnaire=FORM)
    store.add_wave("other", "2026")
    save(store, answers())
    save(store, answers(), survey="other")
    store.erase("demo", "u-1", **BY)
    assert [row.submissions for row in store.waves("other")] == [4]
    assert save(store, answers(rows=5), survey="other", file="b").erased == 0


def test_an_erasure_of_an_undone_file_is_possible(store: Store) -> None:
    save(store, answers())
    store.undo_batch("demo", 1, **BY)
    assert store.erase("demo", "u-1", **BY) == Erased("2026", 1, 0, 0)
    assert store.verify() == ()


# --- undo


def test_an_undone_file_no_longer_counts_and_what_it_replaced_counts_again(store: Store) -> None:
    save(store, answers(rows=3, wait=[0.0, 1.0, 2.0]))
    store.totals_put("digest", "demo", b"sums", NOON)
    save(store, answers(rows=4, content="x", wait=[10.0, 11.0, 12.0, 13.0]), file="b")
    assert [row.status for row in store.batches("demo")] == ["superseded", "active"]
    assert store.undo_batch("demo", 2, **BY) == 4
    assert waits(store) == [0, 1, 2]
    assert [(row.status, row.superseded_by) for row in store.batches("demo")] == [("active", None), ("undone", None)]
    assert store.totals_get("digest") is None
    assert store.events()[-1].details["submissions"] == 4
    assert store.verify() == ()


def test_a_file_that_was_replaced_piece_by_piece_counts_again_with_any_piece(store: Store) -> None:
    save(store, answers(rows=2, wait=[1.0, 2.0]))
    save(store, answers(rows=1, first=0, content="x", wait=[8.0]), file="b")
    save(store, answers(rows=1, first=1, content="x", wait=[9.0]), file="c")
    assert [row.status for row in store.batches("demo")] == ["superseded", "active", "active"]
    assert store.undo_batch("demo", 2, **BY) == 1
    assert waits(store) == [1, 9]
    assert [row.status for row in store.batches("demo")] == ["active", "undone", "active"]
    assert store.undo_batch("demo", 3, **BY) == 1
    assert waits(store) == [1, 2]
    assert store.verify() == ()


def test_a_file_that_was_undone_may_come_again(store: Store) -> None:
    first = save(store, answers())
    store.undo_batch("demo", first.batch_id, **BY)
    assert store.find_batch("demo", "2026", "a") is None
    again = save(store, answers())
    assert (again.status, again.new, again.batch_id != first.batch_id) == ("stored", 4, True)
    found = store.find_batch("demo", "2026", "a")
    assert found is not None
    assert found.id == again.batch_id
    assert store.verify() == ()


def test_an_undone_file_may_come_into_another_wave(store: Store) -> None:
    save(store, answers())
    store.undo_batch("demo", 1, **BY)
    assert save(store, answers(), wave="2027").new == 4


@pytest.mark.parametrize("later", [answers(rows=2), answers(rows=2, content="corrected")], ids=["repeats", "corrects"])
def test_a_file_that_a_later_one_builds_on_is_not_undone_before_it(store: Store, later: Any) -> None:
    save(store, answers())
    save(store, later, file="b")
    with pytest.raises(StoreError, match=r"later files of its wave repeat or correct answers: 2 \(b.csv\); undo"):
        store.undo_batch("demo", 1, **BY)
    store.undo_batch("demo", 2, **BY)
    assert store.undo_batch("demo", 1, **BY) == 4
    assert store.verify() == ()


def test_a_file_between_strangers_is_undone_alone(store: Store) -> None:
    for file, first in (("a", 0), ("b", 10), ("c", 20)):
        save(store, answers(rows=2, first=first), file=file)
    assert store.undo_batch("demo", 2, **BY) == 2
    assert [row.submissions for row in store.waves("demo")] == [4]


def test_what_cannot_be_undone_is_said(store: Store) -> None:
    with pytest.raises(StoreError, match="has no file numbered 1; it has: none yet"):
        store.undo_batch("demo", 1, **BY)
    save(store, answers())
    store.undo_batch("demo", 1, **BY)
    with pytest.raises(StoreError, match="file 1 of survey 'demo' is undone already"):
        store.undo_batch("demo", 1, **BY)


# --- any order of imports, erasures and undoing


class Model:
    """What a store must say after some files, erasures and undone files, kept in dictionaries."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.survey = f"s{len(store.surveys())}"
        self.files: list[tuple[int, dict[int, int]]] = []  # those that were not undone, oldest first
        self.gone: set[int] = set()
        store.add_survey(self.survey, title="", synthetic=True, team="", questionnaire=FORM)
        store.add_wave(self.survey, "2026")

    def counts(self) -> dict[int, int]:
        whole: dict[int, int] = {}
        for _, rows in self.files:
            whole.update(rows)
        return {uuid: value for uuid, value in whole.items() if uuid not in self.gone}

    def save(self, rows: dict[int, int], file: str) -> None:
        frame = answers(rows=len(rows)).frame.assign(
            uuid=[f"v-{uuid}" for uuid in rows],
            content=[str(value) for value in rows.values()],
            clear=np.array(list(rows.values()), dtype=np.int16),
        )
        saved = save(self.store, replace(answers(), frame=frame), survey=self.survey, file=file)
        assert saved.new + saved.changed + saved.same + saved.erased == len(rows)
        assert saved.erased == len(self.gone & set(rows))
        self.files.append((saved.batch_id, rows))

    def erase(self, uuid: int, _: str) -> None:
        try:
            self.store.erase(self.survey, f"v-{uuid}", **BY)
        except StoreError:
            assert uuid not in self.counts()
        else:
            self.gone.add(uuid)

    def undo(self, _: None, __: str) -> None:
        for number, _rows in self.files[-1:]:
            self.store.undo_batch(self.survey, number, **BY)
        del self.files[-1:]


uuids = st.integers(0, 5)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("save"), st.dictionaries(uuids, st.integers(0, 2), max_size=5)),
            st.tuples(st.just("erase"), uuids),
            st.tuples(st.just("undo"), st.none()),
        ),
        max_size=9,
    )
)
def test_the_store_is_what_the_last_files_say_without_the_erased(store: Store, steps: list[tuple[str, Any]]) -> None:
    model = Model(store)
    for number, (deed, what) in enumerate(steps):
        getattr(model, deed)(what, str(number))
    found = store.responses(model.survey, waves=["2026"], columns=["clear"])
    assert sorted(found["clear"]) == sorted(model.counts().values())
    assert store.verify() == ()
