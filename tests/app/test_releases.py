"""The whole life of a release, on a small survey of one bank: what is published is frozen, and can be taken back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import create_engine, text

from app.workflow import publishing, reducing, releases, results
from app.workflow.describing import framework
from app.workflow.document import Release
from app.workflow.shelf import StoreShelf
from scoring import change
from surveys import simulate
from surveys.errors import StoreError
from surveys.store import Store, open_store
from tests.filled import BOTH, NOON, RIVER, copied, form, one_bank, published, send, signed, store_it

LAST = date(2026, 11, 10)
AFTER = datetime(2026, 11, 11, 0, 1, tzinfo=UTC)
ON_THE_DAY = datetime(2026, 11, 10, 23, 59, tzinfo=UTC)
AGENCY = "Customs of the river"
BY_POST = ("side", "post")
POST = "walnut_ford"
FIGURES = ["estimate", "se", "df", "low", "high", "n", "n_eff", "deff", "low_80", "high_80", "low_50", "high_50"]


@pytest.fixture(scope="module")
def candidate_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One wave in review, signed by nobody."""
    folder = tmp_path_factory.mktemp("candidate")
    store = open_store(f"sqlite:///{folder / 'candidate.db'}")
    send(store, folder, "2022")
    publishing.prepare(store, RIVER, waves=["2022"], who="team", at=NOON)
    store.close()
    return folder / "candidate.db"


@pytest.fixture
def candidate(candidate_file: Path, tmp_path: Path) -> Iterator[Store]:
    store = open_store(copied(candidate_file, tmp_path))
    yield store
    store.close()


@pytest.fixture
def shared(candidate: Store) -> Store:
    """A release that is shared with one agency until a day."""
    signed(candidate, 1)
    candidate.share_release(RIVER, 1, agencies=[AGENCY], until=LAST, who="team", at=NOON)
    return candidate


def say(store: Store, words: str = "We opened a second desk in May.") -> None:
    store.comment_release(RIVER, 1, agency=AGENCY, text=words, who="Customs, by letter", at=NOON)


def state(store: Store, number: int = 1) -> str:
    return str(publishing.find(store, RIVER, number).state)


def uuids(store_file: Path, wave: str, *, count: int) -> list[str]:
    """Uuids of some stored interviews, as the team reads them in its own export."""
    engine = create_engine(f"sqlite:///{store_file}")
    query = text(
        "select s.uuid from submission s join batch b on b.id = s.batch_id join wave w on w.id = b.wave_id "
        "where w.name = :wave order by s.id limit :count"
    )
    with engine.connect() as connection:
        found = connection.execute(query, {"wave": wave, "count": count}).scalars().all()
    engine.dispose()
    return [str(uuid) for uuid in found]


# In review


def test_a_release_with_an_open_point_of_the_checklist_is_not_signed(candidate: Store) -> None:
    with pytest.raises(StoreError, match="loss: What the mask hides was read"):
        releases.sign(
            candidate, RIVER, 1, role="statistics", ticked=("design", "counts", "figures"), who="Anor", at=NOON
        )
    ticked = (*releases.CHECKLIST["safety"], "luck")
    with pytest.raises(StoreError, match="nothing asks for 'luck'"):
        releases.sign(candidate, RIVER, 1, role="safety", ticked=ticked, who="Anor", at=NOON)
    assert candidate.signatures(RIVER, 1) == ()


def test_one_person_cannot_sign_twice_under_any_spelling(candidate: Store) -> None:
    releases.sign(
        candidate, RIVER, 1, role="statistics", ticked=tuple(releases.CHECKLIST["statistics"]), who="Anor S", at=NOON
    )
    ticked = tuple(releases.CHECKLIST["safety"])
    for name in ("Anor S", " anor  s", "ＡＮＯＲ S"):
        with pytest.raises(StoreError, match="a second person must sign"):
            releases.sign(candidate, RIVER, 1, role="safety", ticked=ticked, who=name, at=NOON)
    assert state(candidate) == "in_review"
    with pytest.raises(StoreError, match="in review and cannot be published"):
        releases.publish(candidate, RIVER, 1, who="team", at=NOON, uncommented="haste")


def test_signatures_are_kept_and_marked_unverified(candidate: Store) -> None:
    signed(candidate, 1)
    given = releases.read(candidate, RIVER, 1).signatures
    assert {one["role"]: one["who"] for one in given} == BOTH
    assert not any(one["verified"] for one in given)
    assert [step.next for step in releases.steps(candidate, RIVER)] == ["to be shared with the agency"]


def test_a_refused_release_gives_its_wave_back_to_the_field(candidate: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="in review"):
        send(candidate, tmp_path, "2022", drop=9)
    candidate.refuse_release(RIVER, 1, reason="a shift is missing", who="Anor", at=NOON)
    assert [row.state for row in candidate.waves(RIVER)] == ["draft"]
    assert send(candidate, tmp_path, "2022", drop=9).status == "stored"
    with pytest.raises(StoreError, match="refused: a shift is missing"):
        releases.read(candidate, RIVER, 1)
    assert publishing.prepare(candidate, RIVER, waves=["2022"], who="team", at=NOON) == 2


# The comment of the agency


def test_a_release_that_was_not_shared_is_published_only_with_a_reason(candidate: Store) -> None:
    signed(candidate, 1)
    with pytest.raises(StoreError, match="was not shared with an agency yet"):
        releases.publish(candidate, RIVER, 1, who="team", at=NOON, uncommented="  ")
    releases.publish(candidate, RIVER, 1, who="team", at=NOON, uncommented="no agency is judged")
    assert state(candidate) == "published"
    told = [event.details for event in candidate.events() if event.action == "release-uncommented"]
    assert [dict(one)["reason"] for one in told] == ["no agency is judged"]


@pytest.mark.parametrize("moment", [NOON, ON_THE_DAY], ids=["before", "on the last day"])
def test_a_release_waits_for_the_comment_of_the_agency(shared: Store, moment: datetime) -> None:
    with pytest.raises(StoreError, match=f"{AGENCY} may comment on release 1 until 2026-11-10"):
        releases.publish(shared, RIVER, 1, who="team", at=moment)
    assert state(shared) == "shared"


def test_a_release_is_published_after_the_last_day(shared: Store) -> None:
    releases.publish(shared, RIVER, 1, who="team", at=AFTER)
    assert state(shared) == "published"


def test_a_release_is_published_before_the_day_with_a_reason(shared: Store) -> None:
    releases.publish(shared, RIVER, 1, who="team", at=NOON, uncommented="the agency waived it by letter")
    assert state(shared) == "published"


def test_the_dated_comment_of_the_agency_stands_beside_the_release(shared: Store) -> None:
    say(shared)
    releases.publish(shared, RIVER, 1, who="team", at=NOON)
    release = StoreShelf(shared).release(RIVER)
    expected = {"agency": AGENCY, "text": "We opened a second desk in May.", "at": NOON.isoformat()}
    assert [dict(one) for one in release.comments] == [expected]


def test_an_agency_that_was_not_asked_cannot_comment(shared: Store) -> None:
    with pytest.raises(StoreError, match="was not shared with 'Somebody'"):
        shared.comment_release(RIVER, 1, agency="Somebody", text="hm", who="x", at=NOON)
    assert shared.comments(RIVER, 1) == ()


# Published and superseded


def test_an_old_link_reads_the_superseded_release_with_a_notice(river: Store) -> None:
    old = StoreShelf(river).release(RIVER, 1)
    assert old.document.waves == ("2022",)
    assert old.notice == "This is release 1, which was superseded; release 2 stands now."
    assert StoreShelf(river).release(RIVER).notice == ""
    assert results.scorecard(old, by=("side",)).note["release"] == "1"


def test_a_wave_is_the_same_in_every_release_that_holds_it(river: Store) -> None:
    first, second = (StoreShelf(river).release(RIVER, number).document for number in (1, 2))
    for facets, table in first.scores.items():
        again = second.scores[facets]
        assert table.equals(again[again["wave"] == "2022"].reset_index(drop=True)), facets


def test_the_head_of_the_log_is_printed_and_still_stands(river: Store, river_url: str) -> None:
    heads = [StoreShelf(river).release(RIVER, number).document.audit_head for number in (1, 2)]
    (gone,) = uuids(Path(river_url.removeprefix("sqlite:///")), "2022", count=1)
    river.erase(RIVER, gone, who="team", at=NOON)
    assert all(head and river.holds(head) for head in heads)
    assert not river.holds(heads[0][:-1] + ("0" if heads[0][-1] != "0" else "1"))
    assert river.verify() == ()


def test_no_figure_of_a_draft_is_in_any_document(river: Store, tmp_path: Path) -> None:
    send(river, tmp_path, "2026")
    number = publishing.prepare(river, RIVER, waves=["2026"], who="team", at=NOON)
    river.refuse_release(RIVER, number, reason="not yet", who="team", at=NOON)
    (info,) = StoreShelf(river).surveys()
    assert (info.waves, info.drafts, info.release) == (("2022", "2024"), ("2026",), 2)
    for shown in (1, 2):
        document = StoreShelf(river).release(RIVER, shown).document
        tables = [*document.scores.values(), *document.moves.values()]
        assert "2026" not in {wave for table in tables for wave in (*table["wave"], *table.get("since", ()))}
    with pytest.raises(StoreError, match="refused"):
        StoreShelf(river).release(RIVER, number)


@dataclass(frozen=True, slots=True)
class Later:
    """Documents of release 2 before and after an interview of its waves was erased, and of release 3 made after it."""

    before: Release
    after: Release
    third: Release
    store: Store


@pytest.fixture(scope="module")
def later(river_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Later]:
    folder = tmp_path_factory.mktemp("later")
    store = open_store(copied(river_file, folder))
    before = releases.read(store, RIVER, 2)
    for uuid in uuids(folder / river_file.name, "2022", count=12):
        store.erase(RIVER, uuid, who="team", at=NOON)
    after = releases.read(store, RIVER, 2)
    send(store, folder, "2026")
    third = releases.read(store, RIVER, published(store, ["2026"]))
    yield Later(before, after, third, store)
    store.close()


def test_an_erasure_changes_no_figure_of_a_release(later: Later) -> None:
    assert later.after.digest == later.before.digest
    assert later.third.document.scores[BY_POST]["wave"].nunique() == 3


def test_an_erasure_changes_no_figure_of_old_waves_in_the_next_release(later: Later) -> None:
    for facets, table in later.before.document.scores.items():
        again = later.third.document.scores[facets]
        assert table.equals(again[again["wave"].isin(["2022", "2024"])].reset_index(drop=True)), facets


def test_the_moves_of_old_waves_are_those_that_were_published(later: Later) -> None:
    for facets, table in later.before.document.moves.items():
        again = later.third.document.moves[facets]
        old = again[(again["since"] == "2022") & (again["wave"] == "2024")].reset_index(drop=True)
        assert len(table) > 0
        assert table.equals(old), facets


def test_a_move_is_the_difference_of_the_two_figures_that_are_shown(river: Store) -> None:
    document = StoreShelf(river).release(RIVER).document
    for facets, moves in document.moves.items():
        keys = ["wave", *facets, "measure"]
        scores = document.scores[facets].set_index(keys)["estimate"]
        ends = [scores.reindex(pd.MultiIndex.from_frame(moves[[end, *keys[1:]]])) for end in ("since", "wave")]
        apart = moves["estimate"].to_numpy() - (ends[1].to_numpy() - ends[0].to_numpy())
        assert len(moves) > 0
        assert abs(apart).max() <= 0.05 + 1e-9, facets


def test_a_move_from_a_frozen_wave_is_what_the_engine_finds_over_both(river: Store) -> None:
    """Up to what rounding takes: half a unit of either estimate, and a standard error that is rounded up."""
    totals, _ = reducing.totals_of(river, RIVER, ("2022", "2024"), at=NOON)
    codes = ["accountability", "rules"]
    both = change(totals, framework("traveller"), measure=codes, waves=("2022", "2024"), by=BY_POST).table
    shown = StoreShelf(river).release(RIVER).document.moves[BY_POST]
    rows = shown[shown["measure"].isin(codes)].merge(
        both.astype(dict.fromkeys(BY_POST, "str")), on=[*BY_POST, "measure"], suffixes=("", "_engine")
    )
    assert len(rows) == 8
    assert (rows["estimate"] - rows["estimate_engine"]).abs().max() <= 0.1 + 1e-9
    assert (rows["se"] >= rows["se_engine"]).all()
    assert (rows["se"] <= 1.25 * rows["se_engine"]).all()


# Files that come again


def test_a_file_that_comes_again_is_counted_as_new_changed_and_same_and_can_be_taken_back(
    fresh_store: Store, tmp_path: Path
) -> None:
    frame = simulate.draw(form(), one_bank(), wave="2022", seed=2022)
    frame = frame[frame["consent"] == "yes"].reset_index(drop=True)
    frame.head(-9).to_csv(tmp_path / "first.csv", index=False)
    first = store_it(fresh_store, tmp_path / "first.csv", "2022")
    answer = frame.loc[0, "service_speed"]
    frame.loc[0, "service_speed"] = frame.loc[frame["service_speed"] != answer, "service_speed"].iloc[0]
    frame.to_csv(tmp_path / "second.csv", index=False)
    second = store_it(fresh_store, tmp_path / "second.csv", "2022")
    assert (first.new, first.changed, first.same) == (len(frame) - 9, 0, 0)
    assert (second.new, second.changed, second.same) == (9, 1, len(frame) - 10)
    columns = {"waves": ["2022"], "columns": ["service_speed"]}
    corrected = fresh_store.responses(RIVER, **columns)
    fresh_store.undo_batch(RIVER, second.batch_id, who="team", at=NOON)
    again = fresh_store.responses(RIVER, **columns)
    assert (len(corrected), len(again)) == (len(frame), len(frame) - 9)
    assert fresh_store.verify() == ()


def test_a_file_of_a_published_wave_is_not_taken_back(river: Store) -> None:
    with pytest.raises(StoreError, match="published"):
        river.undo_batch(RIVER, 1, who="team", at=NOON)


# Withdrawn whole


def test_a_release_withdrawn_whole_is_read_by_nobody_and_says_why(river: Store) -> None:
    releases.withdraw(river, RIVER, None, cells=(), reason="the weights were wrong", who="team", at=NOON)
    with pytest.raises(StoreError, match="withdrawn: the weights were wrong"):
        StoreShelf(river).release(RIVER, 2)
    with pytest.raises(StoreError, match="no wave of 'river' is published"):
        StoreShelf(river).release(RIVER)
    assert [row.state for row in river.waves(RIVER)] == ["draft", "draft"]


def test_a_withdrawal_needs_a_reason(river: Store) -> None:
    with pytest.raises(StoreError, match="say why"):
        releases.withdraw(river, RIVER, None, cells=(), reason="  ", who="team", at=NOON)
    assert state(river, 2) == "published"


def test_a_wave_that_lost_three_interviews_is_not_prepared_again(river: Store, river_url: str) -> None:
    releases.withdraw(river, RIVER, None, cells=(), reason="an error", who="team", at=NOON)
    for uuid in uuids(Path(river_url.removeprefix("sqlite:///")), "2024", count=3):
        river.erase(RIVER, uuid, who="team", at=NOON)
    with pytest.raises(
        StoreError, match="fewer than 10 interviews in some figure, by those of few shifts, or by people who"
    ):
        publishing.prepare(river, RIVER, waves=["2024"], who="team", at=NOON)
    assert [row.number for row in river.releases(RIVER)] == [1, 2]


@pytest.mark.parametrize(
    ("left_out", "telling"),
    [
        ({}, False),
        ({"n": 12, "above": 5, "below": 7}, False),
        ({"n": 9, "above": 5, "below": 5}, True),
        ({"n": 12, "above": 0, "below": 12}, True),  # twelve people who all said no
        ({"n": 12, "above": 8, "below": 4}, True),
        ({"n": 12, "above": float("nan"), "below": float("nan")}, False),  # an amount
        ({"estimate": 1.0}, True),  # answers changed, nobody left
    ],
)
def test_two_releases_differ_by_nobody_or_by_a_group_that_could_be_a_figure(
    *, left_out: dict[str, float], telling: bool
) -> None:
    before = {"estimate": 50.0, "n": 100.0, "above": 50.0, "below": 50.0}
    after = {name: value - left_out.get(name, 0.0) for name, value in before.items()}
    both = pd.DataFrame([after | {f"{name}_before": value for name, value in before.items()}])
    assert publishing.telling(both).tolist() == [telling]


@pytest.mark.parametrize(
    ("left", "few"), [([12, 12, 12], False), ([0, 12, 12], True), ([5, 6, 7], False), ([14, 14, 1], True)]
)
def test_those_who_left_a_public_wave_are_of_three_shifts_at_least_and_not_mostly_of_one(
    *, left: list[int], few: bool
) -> None:
    """Of three shifts of 15, of which so many are left; [0, 12, 12]: 15 of 21 people left one shift."""
    names = {"wave": ["2024"] * 3, "psu": ["a", "b", "c"]}
    before = pd.DataFrame(names | {"interviews": [15.0, 15.0, 15.0]})
    now = pd.DataFrame(names | {"interviews": [float(one) for one in left]})
    assert publishing.from_few_shifts(now, before) == ({"2024"} if few else set())
    two = now.assign(interviews=[15.0, 10.0, 10.0])
    assert publishing.from_few_shifts(two, before) == {"2024"}
    assert publishing.from_few_shifts(before, before) == set()


def test_a_wave_that_lost_nobody_is_prepared_again_as_it_was(river: Store) -> None:
    before = StoreShelf(river).release(RIVER).document.scores[BY_POST]
    releases.withdraw(river, RIVER, None, cells=(), reason="an error", who="team", at=NOON)
    number = publishing.prepare(river, RIVER, waves=["2024"], who="team", at=NOON)
    again = releases.read(river, RIVER, number).document.scores[BY_POST]
    assert pd.DataFrame(before[before["wave"] == "2024"].reset_index(drop=True)).equals(again)
