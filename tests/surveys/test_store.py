import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import StatementError

from surveys import vault
from surveys.errors import StoreError
from surveys.questionnaire import Choice, Question, Scale
from surveys.store import Saved, Store, SurveyRow, open_store
from surveys.store.database import make_engine, reading
from surveys.store.instruments import from_document, to_document
from tests.surveys.stored import AGREE, FORM, NOON, POSTS, answers, execute, fail_at, on_disk, save

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shared(store_url: str) -> Iterator[Callable[[], tuple[Store, str]]]:
    """One store for many examples, each with a survey of its own: opening one an example would take the time."""
    opened = open_store(store_url)
    numbers = iter(range(10_000))

    def fresh() -> tuple[Store, str]:
        survey = f"s{next(numbers)}"
        opened.add_survey(survey, title="", synthetic=True, team="", questionnaire=FORM)
        opened.add_wave(survey, "2026")
        return opened, survey

    yield fresh
    opened.close()


# --- what goes in comes out


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), rows=st.integers(0, 6))
def test_coded_answers_and_numbers_come_back_as_they_were_saved(
    shared: Callable[[], tuple[Store, str]], data: st.DataObject, rows: int
) -> None:
    def column(element: st.SearchStrategy[float], dtype: type) -> "np.ndarray":
        return np.array(data.draw(st.lists(element, min_size=rows, max_size=rows)), dtype=dtype)

    post, clear = column(st.integers(-4, 2), np.int16), column(st.integers(-32768, 32767), np.int16)
    wait = column(st.floats(allow_nan=True, allow_infinity=False), np.float64)
    store, survey = shared()
    save(store, answers(rows=rows, post=post, clear=clear, wait=wait), survey=survey)
    found = store.responses(survey, waves=["2026"], columns=["wait", "clear", "post"])
    assert list(found.columns) == ["wave", "psu", "interviewer", "wait", "clear", "post"]
    np.testing.assert_array_equal(found["clear"].to_numpy(), clear)
    np.testing.assert_array_equal(found["wait"].to_numpy(), wait)
    np.testing.assert_array_equal(found["post"].cat.codes.to_numpy(), np.maximum(post, -1))


def test_choices_without_scores_come_back_as_their_codes_in_the_order_of_the_form(store: Store) -> None:
    save(store, answers(post=np.array([2, 0, -3, 1], dtype=np.int16)))
    post = store.responses("demo", waves=["2026"], columns=["post"])["post"]
    assert post.tolist() == ["pass", "bridge", np.nan, "ferry"]
    assert post.cat.categories.tolist() == ["bridge", "ferry", "pass"]


def test_each_choice_of_a_select_multiple_is_a_column(store: Store) -> None:
    save(store, answers())
    found = store.responses("demo", waves=["2026"], columns=["asked/customs"])["asked/customs"]
    assert (found.tolist(), found.dtype) == ([0, 1, 0, 1], np.int16)


def test_circumstances_are_given_when_asked_for(store: Store) -> None:
    save(store, answers(minutes=[20.0, np.nan, 5.5, 1.0]))
    found = store.responses("demo", waves=["2026"], columns=["minutes", "day", "half_day"])
    np.testing.assert_array_equal(found["minutes"], [20.0, np.nan, 5.5, 1.0])
    assert found["day"].unique().tolist() == ["2026-05-03"]
    assert found["half_day"].unique().tolist() == ["am"]


def test_waves_come_back_under_their_names_and_only_those_asked_for(store: Store) -> None:
    for wave in ("2022", "2024"):
        store.add_wave("demo", wave)
    save(store, answers(rows=1, first=10), wave="2024")
    save(store, answers(rows=2, first=20), wave="2022")
    save(store, answers(rows=3), wave="2026")
    found = store.responses("demo", waves=["2026", "2022"], columns=[])
    assert found["wave"].value_counts().to_dict() == {"2026": 3, "2022": 2}
    assert len(store.responses("demo", waves=[], columns=["clear"])) == 0


def test_a_column_that_the_file_lacks_is_blank(store: Store) -> None:
    save(store, replace(answers(), frame=answers().frame.drop(columns=["clear", "wait"])))
    found = store.responses("demo", waves=["2026"], columns=["clear", "wait"])
    assert found["clear"].tolist() == [-4] * 4
    assert found["wait"].isna().all()


def test_a_weight_that_only_the_file_carries_is_kept(store: Store) -> None:
    save(store, answers(weight=[1.5, 2.0, 2.5, 3.0]))
    assert store.responses("demo", waves=["2026"], columns=["weight"])["weight"].tolist() == [1.5, 2.0, 2.5, 3.0]


def test_versions_of_a_form_are_read_together(store: Store) -> None:
    save(store, answers(rows=2))
    posts = Scale("post", (Choice("tunnel", {}), *reversed(POSTS.choices)))
    asked = Question("new", "select_one", scale=AGREE)
    form = replace(FORM, version="2", questions=(asked, replace(FORM.questions[0], scale=posts), *FORM.questions[1:]))
    save(store, answers(form, rows=2, first=10, new=np.int16(4), post=np.array([0, 3], dtype=np.int16)), file="b")
    found = store.responses("demo", waves=["2026"], columns=["post", "new"])
    assert found["post"].tolist() == ["bridge", "ferry", "tunnel", "bridge"]
    assert found["new"].tolist() == [-1, -1, 4, 4]
    assert store.questionnaire("demo") == form


def test_a_column_that_changed_its_kind_between_versions_is_refused(store: Store) -> None:
    form = replace(FORM, version="2", questions=(Question("clear", "decimal"),))
    store.add_survey("demo", title="Demo", synthetic=True, team="north", questionnaire=form)
    with pytest.raises(StoreError, match="'clear' is not of one kind"):
        store.responses("demo", waves=["2026"], columns=["clear"])


def test_interviews_are_counted_per_stratum_and_shift(store: Store) -> None:
    save(store, answers(rows=4, post=np.array([0, 0, 0, 1], dtype=np.int16), psu=["a", "a", "b", "c"]))
    counts = store.counts("demo", "2026")
    assert list(counts.columns) == ["post", "psu", "interviews"]
    assert counts.groupby("post", observed=True)["interviews"].agg(list).map(sorted).to_dict() == {
        "bridge": [1, 2],
        "ferry": [1],
    }


def test_a_wave_without_answers_counts_none(store: Store) -> None:
    assert store.counts("demo", "2026").empty


# --- salted codes, and what never lies on the disk


def test_shifts_stay_apart_within_a_wave_and_cannot_be_followed_to_another(store: Store) -> None:
    store.add_wave("demo", "2024")
    save(store, answers(rows=6))
    save(store, replace(answers(rows=6), frame=answers(rows=6).frame.assign(uuid=list("uvwxyz"))), wave="2024")
    now, before = (set(store.responses("demo", waves=[wave], columns=[])["psu"]) for wave in ("2026", "2024"))
    assert (len(now), len(before), now & before) == (3, 3, set())


def test_shifts_keep_their_code_from_one_file_to_the_next_and_one_opening_to_the_next(store_url: str) -> None:
    seen = []
    for first in (0, 1):
        store = open_store(store_url)
        store.add_survey("demo", title="", synthetic=True, team="", questionnaire=FORM)
        store.add_wave("demo", "2026")
        save(store, answers(rows=1, first=first), file=str(first))
        seen.append(store.responses("demo", waves=["2026"], columns=[])["psu"].unique().tolist())
        store.close()
    assert seen[0] == seen[1]


def test_codes_of_shifts_and_interviewers_never_lie_on_the_disk(store: Store, store_url: str) -> None:
    save(store, answers(psu="SHIFT-CANARY", interviewer="NAME-CANARY", content="CONTENT-CANARY"))
    assert b"u-3" in on_disk(store_url)
    assert b"CANARY" not in on_disk(store_url)


def test_an_interviewer_that_is_a_question_with_choices_is_stored_salted_alone(store: Store) -> None:
    staff = Question("interviewer", "select_one", scale=POSTS)
    form = replace(FORM, version="2", questions=(*FORM.questions[:4], staff))
    save(store, answers(form))
    with pytest.raises(StoreError, match="no form of this survey has a stored column 'interviewer'"):
        store.responses("demo", waves=["2026"], columns=["interviewer"])


def test_a_shift_that_is_a_coded_question_too_is_stored_salted_alone(store: Store) -> None:
    save(store, answers(shift=np.int16(1)))
    with pytest.raises(StoreError, match="stored column 'shift'"):
        store.responses("demo", waves=["2026"], columns=["shift"])


def test_a_post_that_is_the_sampling_unit_and_a_stratum_is_salted_and_named(store: Store) -> None:
    form = replace(FORM, version="2", design=replace(FORM.design, psu="post"))
    save(store, answers(form, rows=2, psu=["bridge", "ferry"]))
    found = store.responses("demo", waves=["2026"], columns=["post"])
    assert found["post"].tolist() == ["bridge", "ferry"]
    assert not set(found["psu"]) & {"bridge", "ferry"}


def test_personal_and_free_text_questions_have_no_place(store: Store) -> None:
    for name in ("phone", "comment", "uuid"):
        with pytest.raises(StoreError, match=f"stored column '{name}'"):
            store.responses("demo", waves=["2026"], columns=[name])


def test_no_code_stays_no_code(store: Store) -> None:
    save(store, answers(psu="", interviewer=""))
    assert store.responses("demo", waves=["2026"], columns=[])[["psu", "interviewer"]].eq("").all().all()


def test_another_salt_is_refused(store_url: str) -> None:
    open_store(store_url, salt="mine").close()
    open_store(store_url, salt="mine").close()
    with pytest.raises(StoreError, match="made with another salt"):
        open_store(store_url, salt="yours")
    with pytest.raises(StoreError, match="give the same salt"):
        open_store(store_url)


def test_a_given_salt_is_not_kept_beside_the_answers(store_url: str) -> None:
    open_store(store_url, salt="a-long-salt-of-ours").close()
    assert b"a-long-salt-of-ours" not in on_disk(store_url)


# --- raw files


def test_a_raw_file_is_kept_encrypted_or_not_at_all(store: Store, store_url: str, tmp_path: Path) -> None:
    (tmp_path.parent / "raw.csv").write_bytes(b"phone\n+992-CANARY\n")
    key = vault.new_key()
    sealed = vault.seal(tmp_path.parent / "raw.csv", key)
    save(store, answers())
    assert store.raw(sealed.sha256) is None
    assert store.keep_raw(sealed) is True
    assert store.keep_raw(sealed) is False
    kept = store.raw(sealed.sha256)
    assert kept == sealed
    assert vault.unseal(sealed, key) == b"phone\n+992-CANARY\n"
    assert b"CANARY" not in on_disk(store_url)


def test_an_erased_raw_file_is_gone_from_the_disk_and_stays_gone(store: Store, store_url: str) -> None:
    sealed = vault.Sealed("f" * 64, "key", b"wrapped-CANARY", b"payload-CANARY" * 1_000)
    store.save(answers(), survey_id="demo", wave="2026", sha256="a", filename="a", who="team", at=NOON, sealed=sealed)
    assert b"CANARY" in on_disk(store_url)
    store.erase_raw(sealed.sha256, who="officer", at=NOON)
    assert b"CANARY" not in on_disk(store_url)
    assert store.raw(sealed.sha256) is None
    assert store.keep_raw(sealed) is False
    with pytest.raises(StoreError, match="erased already"):
        store.erase_raw(sealed.sha256, who="officer", at=NOON)


# --- the same file again, and corrected files


def test_the_same_file_again_changes_nothing_and_tells_when_it_first_came(store: Store) -> None:
    save(store, answers())
    again = store.save(
        answers(), survey_id="demo", wave="2026", sha256="a", filename="b.csv", who="x", at=datetime.now(tz=UTC)
    )
    assert again == Saved("already", 1, 0, 0, 4, NOON, "team")
    assert [row.submissions for row in store.waves("demo")] == [4]
    assert len(store.batches("demo")) == 1


def test_a_corrected_file_adds_what_is_new_and_replaces_what_changed(store: Store) -> None:
    save(store, answers(rows=4))
    later = answers(rows=5, content=["c-0", "corrected", "c-2", "c-3", "c-4"], clear=np.int16(0))
    assert save(store, later, file="b") == Saved("stored", 2, 1, 1, 3, NOON, "team")
    found = store.responses("demo", waves=["2026"], columns=["clear"])
    assert sorted(found["clear"]) == [-2, -2, 0, 0, 4]
    assert [(row.status, row.n_rows) for row in store.batches("demo")] == [("active", 4), ("active", 5)]


def test_a_file_whose_every_row_was_corrected_is_superseded_but_not_deleted(store: Store, store_url: str) -> None:
    save(store, answers(rows=2))
    save(store, answers(rows=2, content=["x", "y"]), file="b")
    first, second = store.batches("demo")
    assert (first.status, first.superseded_by, second.status) == ("superseded", second.id, "active")
    assert execute(store_url, "SELECT count(*) FROM submission") == [(4,)]


def test_a_file_of_known_rows_alone_is_remembered_and_stays_active(store: Store) -> None:
    save(store, answers(rows=2))
    assert save(store, answers(rows=2), file="b") == Saved("stored", 2, 0, 0, 2, NOON, "team")
    save(store, answers(rows=1, content="x"), file="c")
    assert [row.status for row in store.batches("demo")] == ["active"] * 3


def test_a_correction_can_be_corrected(store: Store) -> None:
    for file, content, clear in (("a", "1", 0), ("b", "2", 4), ("c", "3", -3)):
        save(store, answers(rows=1, content=content, clear=np.int16(clear)), file=file)
    assert store.responses("demo", waves=["2026"], columns=["clear"])["clear"].tolist() == [-3]


def test_submissions_of_one_wave_are_refused_in_another(store: Store) -> None:
    save(store, answers(), wave="2026")
    with pytest.raises(StoreError, match="4 submissions of this file stand in another wave of the survey already"):
        save(store, answers(), wave="2024", file="b")
    assert [wave.name for wave in store.waves("demo")] == ["2026"]


def test_an_import_is_found_by_its_file_and_without_the_folders_of_a_machine(store: Store) -> None:
    save(store, answers())
    found = store.find_batch("demo", "2026", "a")
    assert found is not None
    assert (found.filename, found.wave, found.received_at) == ("a.csv", "2026", NOON)
    assert store.find_batch("demo", "2026", "z") is None


# --- whole or not at all


def test_an_import_that_fails_midway_leaves_nothing_and_says_no_answer(store: Store, store_url: str) -> None:
    save(store, answers())
    fail_at(store_url, "u-9")
    sealed = vault.Sealed("f" * 64, "key", b"", b"")
    form = replace(FORM, version="2")
    with pytest.raises(StoreError, match="nothing was changed: disk is full") as failed:
        store.save(
            answers(form, rows=9, first=2, content="x", wait=123.456),
            survey_id="demo",
            wave="2026",
            sha256="b",
            filename="b",
            who="team",
            at=NOON,
            sealed=sealed,
        )
    assert "123.456" not in str(failed.value)
    assert len(store.batches("demo")) == 1
    assert store.questionnaire("demo") == FORM
    assert store.raw(sealed.sha256) is None
    assert [line.details["sha256"] for line in store.events()] == ["a"]
    assert [row.submissions for row in store.waves("demo")] == [4]


CHILD = """
import sys, runpy
names = runpy.run_path(sys.argv[1])
store = names["open_store"](sys.argv[2])
for number in range(1000):
    names["save"](store, names["answers"](rows=2000, first=number * 2000), file=str(number))
    print(number, flush=True)
"""


def test_a_process_killed_while_importing_loses_nothing_acknowledged_and_leaves_nothing_partial(
    store: Store, store_url: str
) -> None:
    command = [sys.executable, "-c", CHILD, __file__, store_url]
    with subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        acknowledged = [int(child.stdout.readline()) for _ in range(2)]
        child.send_signal(signal.SIGKILL)
    batches = store.batches("demo")
    assert len(batches) >= len(acknowledged)
    assert [row.submissions for row in store.waves("demo")] == [2000 * len(batches)]
    assert save(store, answers(rows=2000), file="0").status == "already"
    assert store.verify() == ()


def test_threads_that_write_at_once_all_get_through(store: Store) -> None:
    def work(number: int) -> Saved:
        return save(store, answers(rows=5, first=number * 5), file=str(number))

    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(work, range(20)))
    assert sorted(row.batch_id for row in saved) == list(range(1, 21))
    assert [row.submissions for row in store.waves("demo")] == [100]


def test_a_reader_sees_one_moment_while_others_write(store: Store, store_url: str) -> None:
    engine = make_engine(store_url)
    with reading(engine) as connection:
        seen = [connection.exec_driver_sql("SELECT count(*) FROM submission").scalar_one()]
        save(store, answers())
        seen.append(connection.exec_driver_sql("SELECT count(*) FROM submission").scalar_one())
    with reading(engine) as connection:
        seen.append(connection.exec_driver_sql("SELECT count(*) FROM submission").scalar_one())
    engine.dispose()
    assert seen == [0, 0, 4]


def test_of_threads_that_bring_the_same_file_one_stores_it(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(lambda _: save(store, answers()), range(4)))
    assert sorted(row.status for row in saved) == ["already", "already", "already", "stored"]


# --- what is refused


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_a_server_that_refuses_a_value_in_bulk_does_not_repeat_it(store: Store) -> None:
    with pytest.raises(StoreError, match="nothing was changed: a value does not fit its column") as failed:
        save(store, answers(uuid=["u-0", "CANARY" * 20, "u-2", "u-3"]))
    assert "CANARY" not in str(failed.value)
    assert store.batches("demo") == ()


def test_a_form_with_more_choices_than_slots_is_refused_with_the_limit(store: Store) -> None:
    scale = Scale("long", tuple(Choice(f"c{number}", {}) for number in range(401)))
    form = replace(FORM, questions=(Question("many", "select_multiple", scale=scale),))
    with pytest.raises(StoreError, match="has 401 coded columns and 0 numbers; the store holds 400"):
        store.add_survey("wide", title="", synthetic=True, team="", questionnaire=form)
    assert [row.id for row in store.surveys()] == ["demo"]


def test_a_form_may_fill_every_slot(store: Store) -> None:
    scale = Scale("long", tuple(Choice(f"c{number}", {}) for number in range(400)))
    numbers = tuple(Question(f"n{number}", "integer") for number in range(40))
    form = replace(FORM, questions=(Question("many", "select_multiple", scale=scale), *numbers))
    store.add_survey("wide", title="", synthetic=True, team="", questionnaire=form)
    assert store.questionnaire("wide") == form


def test_a_file_with_more_numbers_than_slots_is_refused_and_leaves_nothing(store: Store) -> None:
    extra = {f"n{number}": float(number) for number in range(40)}
    with pytest.raises(StoreError, match="41 numbers"):
        save(store, answers(**extra))
    assert store.batches("demo") == ()


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"uuid": "one"}, "uuid of its own"),
        ({"uuid": ["a", "b", "", "d"]}, "uuid of its own"),
        ({"clear": 1.5}, "'clear' is a select_one in the form and came as number"),
        ({"wait": np.int16(1)}, "'wait' is a decimal in the form and came as coded"),
        ({"post": np.int16(3)}, "position past the 3 choices"),
        ({"note": "free text"}, "'note' is (str|object); the store keeps"),
    ],
)
def test_answers_that_do_not_fit_are_refused(store: Store, columns: dict[str, object], fault: str) -> None:
    with pytest.raises(StoreError, match=fault):
        save(store, answers(**columns))
    assert store.batches("demo") == ()


def test_a_survey_never_changes_between_invented_and_real(store: Store) -> None:
    with pytest.raises(StoreError, match="'demo' is synthetic and stays so"):
        store.add_survey("demo", title="", synthetic=False, team="", questionnaire=FORM)


def test_a_survey_is_asked_with_one_form(store: Store) -> None:
    with pytest.raises(StoreError, match="asked with form 'traveller', not 'officer'"):
        store.add_survey("demo", title="", synthetic=True, team="", questionnaire=replace(FORM, id="officer"))


def test_an_unknown_survey_or_wave_is_refused_with_those_that_are_there(store: Store) -> None:
    with pytest.raises(StoreError, match="no survey 'x' in the store; it holds: demo"):
        store.waves("x")
    with pytest.raises(StoreError, match="no wave '1999'; it has: 2026"):
        store.responses("demo", waves=["1999"], columns=[])
    with pytest.raises(StoreError, match="no survey 'x'"):
        store.add_wave("x", "2026")
    with pytest.raises(StoreError, match="a wave needs a name"):
        store.add_wave("demo", " ")


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(StatementError, match="needs a zone"):
        store.log(who="a", action="b", subject="c", at=NOON.replace(tzinfo=None))


# --- surveys, waves, totals, log


def test_adding_a_survey_or_a_wave_again_leaves_one(store: Store) -> None:
    store.add_survey("demo", title="New title", synthetic=True, team="south", questionnaire=FORM)
    store.add_wave("demo", "2026")
    assert store.surveys() == (SurveyRow("demo", "New title", True, "south"),)
    assert [row.name for row in store.waves("demo")] == ["2026"]


def test_a_questionnaire_comes_back_as_it_was(store: Store) -> None:
    assert store.questionnaire("demo") == FORM
    assert from_document(to_document(FORM)) == FORM


def test_a_wave_is_published_by_a_release_alone(store: Store) -> None:
    for state in ("published", "in_review"):
        with pytest.raises(StoreError, match="by a release alone; put wave '2026' into one"):
            store.set_wave_state("demo", "2026", state, who="head", at=NOON)
    assert ([row.state for row in store.waves("demo")], store.events()) == (["draft"], ())


def test_totals_are_kept_until_the_answers_change(store: Store) -> None:
    save(store, answers())
    store.totals_put("digest", "demo", b"one", NOON)
    store.totals_put("digest", "demo", b"two", NOON)
    save(store, answers(), file="b")
    assert store.totals_get("digest") == b"two"
    save(store, answers(first=4), file="c")
    assert store.totals_get("digest") is None


def test_the_log_keeps_its_order_and_its_details(store: Store) -> None:
    store.log(who="a", action="export", subject="demo", at=NOON, details={"rows": 3})
    store.log(who="b", action="look", subject="demo", at=NOON)
    first, second = store.events()
    assert (first.details, second.details, first.at) == ({"rows": 3}, {}, NOON)
