from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from surveys.errors import StoreError
from surveys.store import Store
from tests.surveys.stored import FORM, NOON, answers, execute, on_disk, save

BY: dict[str, Any] = {"who": "Anna", "at": NOON}


def add(store: Store, *waves: str, document: bytes = b"document", supersedes: int | None = None) -> int:
    names = waves or ("2026",)
    return store.add_release("demo", waves=names, document=document, mask=b"mask", supersedes=supersedes, **BY)


def sign(store: Store, number: int = 1) -> None:
    for role, who in (("statistics", "Anna"), ("safety", "Boris")):
        store.sign_release("demo", number, role=role, who=who, verified=False, checklist=["base"], at=NOON)


def share(store: Store, number: int = 1) -> None:
    store.share_release("demo", number, agencies=["customs", "guards"], until=date(2026, 6, 1), **BY)


def publish(store: Store, *waves: str, supersedes: int | None = None) -> int:
    number = add(store, *waves, supersedes=supersedes)
    sign(store, number)
    store.publish_release("demo", number, **BY)
    return number


def state(store: Store) -> dict[str, str]:
    return {row.name: row.state for row in store.waves("demo")}


def states(store: Store) -> list[str]:
    return [row.state for row in store.releases("demo")]


# --- the way of a release


def test_a_release_goes_from_review_through_two_signatures_and_a_comment_to_publication(store: Store) -> None:
    assert add(store) == 1
    assert (states(store), state(store)) == (["in_review"], {"2026": "in_review"})
    store.sign_release("demo", 1, role="statistics", who="Anna", verified=True, checklist=["a", "b"], at=NOON)
    assert states(store) == ["in_review"]
    store.sign_release("demo", 1, role="safety", who="Boris", verified=False, checklist=[], at=NOON)
    assert states(store) == ["signed"]
    share(store)
    store.comment_release("demo", 1, agency="customs", text=" We differ. ", **BY)
    store.publish_release("demo", 1, **BY)
    store.comment_release("demo", 1, agency="guards", text="Late.", **BY)
    (row,) = store.releases("demo")
    assert (row.state, row.waves, row.published_at, row.shared_with) == (
        "published", ("2026",), NOON, ("customs", "guards"),
    )  # fmt: skip
    assert (row.comment_until, row.made_by, row.revision, row.reason) == (date(2026, 6, 1), "Anna", 0, "")
    assert [(said.agency, said.text, said.at) for said in store.comments("demo", 1)] == [
        ("customs", "We differ.", NOON),
        ("guards", "Late.", NOON),
    ]
    assert [(given.role, given.who, given.verified, given.checklist) for given in store.signatures("demo", 1)] == [
        ("statistics", "Anna", True, ("a", "b")),
        ("safety", "Boris", False, ()),
    ]
    assert {given.digest for given in store.signatures("demo", 1)} == {row.digest}
    assert state(store) == {"2026": "published"}
    assert [line.action for line in store.events()] == [
        "release-made", "release-signed", "release-signed", "release-shared", "release-commented",
        "release-published", "release-commented",
    ]  # fmt: skip
    assert store.verify() == ()


def test_documents_and_masks_come_back_byte_for_byte(store: Store) -> None:
    document, mask = bytes(range(256)) * 5_000, b"\x00\xff"
    store.add_release("demo", waves=["2026"], document=document, mask=mask, supersedes=None, **BY)
    assert store.release_document("demo", 1) == document
    assert store.release_mask("demo", 1) == mask


def test_waves_keep_the_order_that_was_given(store: Store) -> None:
    for wave in ("2024", "2022"):
        store.add_wave("demo", wave)
    add(store, "2024", "2026", "2022")
    assert store.releases("demo")[0].waves == ("2024", "2026", "2022")


def test_numbers_count_within_a_survey(store: Store) -> None:
    store.add_survey("other", title="", synthetic=True, team="", questionnaire=FORM)
    store.add_wave("other", "2026")
    assert publish(store) == 1
    assert store.add_release("other", waves=["2026"], document=b"d", mask=b"", supersedes=None, **BY) == 1
    assert publish(store, supersedes=1) == 2
    assert len(store.releases("other")) == 1


def test_a_published_release_supersedes_the_one_it_names(store: Store) -> None:
    store.add_wave("demo", "2024")
    publish(store, "2024")
    publish(store, "2024", "2026", supersedes=1)
    assert states(store) == ["superseded", "published"]
    assert state(store) == {"2024": "published", "2026": "published"}
    assert store.verify() == ()


def test_a_document_given_at_publication_is_kept_and_the_log_names_both_digests(store: Store) -> None:
    add(store)
    sign(store)
    signed = store.releases("demo")[0].digest
    store.publish_release("demo", 1, document=b"with the head of the log", **BY)
    (row,) = store.releases("demo")
    assert store.release_document("demo", 1) == b"with the head of the log"
    assert {given.digest for given in store.signatures("demo", 1)} == {signed}
    details = store.events()[-1].details
    assert (details["signed"], details["digest"], row.digest != signed) == (signed, row.digest, True)
    assert store.verify() == ()


def test_a_refused_release_leaves_its_waves_as_drafts_and_says_why(store: Store) -> None:
    for _ in range(2):
        add(store)
        store.refuse_release("demo", len(states(store)), reason=" too few shifts ", **BY)
    assert [(row.state, row.reason) for row in store.releases("demo")] == [("refused", "too few shifts")] * 2
    assert state(store) == {"2026": "draft"}


def test_refusing_leaves_a_wave_that_a_published_release_holds(store: Store) -> None:
    store.add_wave("demo", "2024")
    publish(store, "2024")
    add(store, "2024", "2026", supersedes=1)
    assert state(store) == {"2024": "published", "2026": "in_review"}
    store.refuse_release("demo", 2, reason="no", **BY)
    assert state(store) == {"2024": "published", "2026": "draft"}


def test_a_withdrawn_release_says_why_and_its_waves_are_drafts(store: Store) -> None:
    publish(store)
    store.withdraw_release("demo", 1, reason="a post is threatened", **BY)
    assert [(row.state, row.reason) for row in store.releases("demo")] == [("withdrawn", "a post is threatened")]
    assert state(store) == {"2026": "draft"}
    assert publish(store) == 2
    assert store.verify() == ()


def test_a_part_that_is_withdrawn_is_gone_from_the_store_and_from_the_disk(store: Store, store_url: str) -> None:
    document = b"CANARY of a post " * 1_000
    add(store, document=document)
    sign(store)
    store.publish_release("demo", 1, **BY)
    old = store.releases("demo")[0].digest
    store.revise_release("demo", 1, document=b"the rest", mask=b"new mask", reason="threat", **BY)
    store.revise_release("demo", 1, document=b"the rest of it", mask=b"newer mask", reason="threat", **BY)
    (row,) = store.releases("demo")
    assert (row.state, row.revision, row.digest != old) == ("published", 2, True)
    assert store.release_document("demo", 1) == b"the rest of it"
    assert store.release_mask("demo", 1) == b"newer mask"
    assert b"CANARY" not in on_disk(store_url)
    assert store.events()[-2].details["before"] == old
    assert store.verify() == ()


# --- what is refused, and leaves everything as it was


def test_a_survey_has_one_open_release(store: Store) -> None:
    store.add_wave("demo", "2024")
    add(store)
    for step in (sign, share):
        with pytest.raises(StoreError, match=r"release 1 of survey 'demo' is (in review|signed); publish or refuse it"):
            add(store, "2024")
        step(store)
    with pytest.raises(StoreError, match="is shared; publish or refuse it first"):
        add(store, "2024")
    assert state(store)["2024"] == "draft"


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (lambda store: add(store, "1999"), "no wave '1999'"),
        (lambda store: add(store, "2026", "2026"), "each named once"),
        (lambda store: add(store, document=b""), "document of a release is empty"),
        (lambda store: add(store, supersedes=3), "has no release 3; it has: none yet"),
        (lambda store: store.release_document("demo", 1), "has no release 1; it has: none yet"),
        (lambda store: store.signatures("demo", 1), "has no release 1"),
        (lambda store: store.releases("x"), "no survey 'x'"),
    ],
)
def test_what_is_not_there_is_refused(store: Store, call: Callable[[Store], object], fault: str) -> None:
    with pytest.raises(StoreError, match=fault):
        call(store)
    assert (states(store), store.events()) == ([], ())


def test_two_signatures_are_of_two_persons_in_two_roles(store: Store) -> None:
    add(store)
    give: dict[str, Any] = {"verified": False, "checklist": [], "at": NOON}
    store.sign_release("demo", 1, role="statistics", who="Anna  Ivanova", **give)
    with pytest.raises(StoreError, match="a second person must sign"):
        store.sign_release("demo", 1, role="safety", who=" anna IVANOVA", **give)
    with pytest.raises(StoreError, match="signed for statistics already"):
        store.sign_release("demo", 1, role="statistics", who="Boris", **give)
    with pytest.raises(StoreError, match="not for 'minister'"):
        store.sign_release("demo", 1, role="minister", who="Boris", **give)
    with pytest.raises(StoreError, match="needs the name"):
        store.sign_release("demo", 1, role="safety", who=" ", **give)
    assert (states(store), len(store.signatures("demo", 1))) == (["in_review"], 1)


def test_only_the_document_that_was_signed_is_published(store: Store, store_url: str) -> None:
    add(store)
    sign(store)
    execute(store_url, "UPDATE release SET document = '\\x41'" if "postgres" in store_url else
            "UPDATE release SET document = x'41'")  # fmt: skip
    with pytest.raises(StoreError, match="not the one that was signed"):
        store.publish_release("demo", 1, **BY)
    with pytest.raises(StoreError, match="not the one that was signed"):
        store.publish_release("demo", 1, document=b"document", **BY)
    assert states(store) == ["signed"]


@pytest.mark.parametrize("text", ["", "  \n", "x" * 4001])
def test_a_comment_has_a_length_and_an_agency_it_was_asked_of(store: Store, text: str) -> None:
    add(store)
    sign(store)
    share(store)
    with pytest.raises(StoreError, match="1 to 4000 characters"):
        store.comment_release("demo", 1, agency="customs", text=text, **BY)
    with pytest.raises(StoreError, match="not shared with 'migration'; it was shared with: customs, guards"):
        store.comment_release("demo", 1, agency="migration", text="x", **BY)
    assert store.comments("demo", 1) == ()


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_said(store: Store, reason: str) -> None:
    publish(store)
    with pytest.raises(StoreError, match="say why"):
        store.withdraw_release("demo", 1, reason=reason, **BY)
    with pytest.raises(StoreError, match="say why"):
        store.revise_release("demo", 1, document=b"d", mask=b"", reason=reason, **BY)
    add(store, supersedes=1)
    with pytest.raises(StoreError, match="say why"):
        store.refuse_release("demo", 2, reason=reason, **BY)
    assert states(store) == ["published", "in_review"]


def test_a_wave_that_a_release_holds_is_not_made_a_draft_by_hand(store: Store) -> None:
    publish(store)
    with pytest.raises(StoreError, match="held by release 1; withdraw"):
        store.set_wave_state("demo", "2026", "draft", who="x", at=NOON)
    assert state(store) == {"2026": "published"}


def test_a_wave_in_review_or_published_takes_no_new_file_but_knows_its_own(store: Store) -> None:
    save(store, answers())
    add(store)
    with pytest.raises(StoreError, match="wave '2026' is in review and takes no new file"):
        save(store, answers(first=4), file="b")
    sign(store)
    store.publish_release("demo", 1, **BY)
    with pytest.raises(StoreError, match="wave '2026' is published and takes no new file; withdraw its release first"):
        save(store, answers(first=4), file="b")
    assert save(store, answers()).status == "already"
    with pytest.raises(StoreError, match="is published"):
        store.undo_batch("demo", 1, **BY)
    assert [row.submissions for row in store.waves("demo")] == [4]


def test_of_those_who_put_a_release_into_review_at_once_one_does(store: Store) -> None:
    def attempt(_: int) -> str:
        try:
            return str(add(store))
        except StoreError as error:
            return str(error)[:9]

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4))) == ["1", "release 1", "release 1", "release 1"]


# --- any order of deeds


class Life(RuleBasedStateMachine):
    """Deeds in any order: the store allows what the table allows, and the wave follows from the releases."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.survey = f"s{len(self.store.surveys())}"
        self.store.add_survey(self.survey, title="", synthetic=True, team="", questionnaire=FORM)
        self.store.add_wave(self.survey, "2026")
        self.known: list[str] = []
        self.signed = 0

    def attempt(self, allowed: tuple[str, ...], after: str, deed: Callable[[], object]) -> bool:
        before = list(self.known)
        try:
            deed()
        except StoreError:
            assert before[-1] not in allowed
            return False
        assert before[-1] in allowed
        self.known[-1] = after
        return True

    @rule()
    def made(self) -> None:
        standing = [place for place, now in enumerate(self.known, start=1) if now == "published"]
        supersedes = standing[-1] if standing else None
        is_open = bool(self.known) and self.known[-1] in ("in_review", "signed", "shared")
        try:
            self.store.add_release(
                self.survey, waves=["2026"], document=b"d", mask=b"", supersedes=supersedes, who="a", at=NOON
            )
        except StoreError:
            assert is_open
        else:
            assert not is_open
            self.known.append("in_review")
            self.signed = 0

    @precondition(lambda self: self.known)
    @rule()
    def signs(self) -> None:
        role = ("statistics", "safety")[self.signed % 2]
        after = "signed" if self.signed == 1 else self.known[-1]
        number = len(self.known)
        self.signed += self.attempt(
            ("in_review",),
            after,
            lambda: self.store.sign_release(
                self.survey, number, role=role, who=role, verified=False, checklist=[], at=NOON
            ),
        )

    @precondition(lambda self: self.known)
    @rule()
    def shares(self) -> None:
        until = date(2026, 6, 1)
        number = len(self.known)
        self.attempt(
            ("signed",),
            "shared",
            lambda: self.store.share_release(self.survey, number, agencies=["c"], until=until, **BY),
        )

    @precondition(lambda self: self.known)
    @rule(document=st.sampled_from([None, b"printed"]))
    def publishes(self, document: bytes | None) -> None:
        number = len(self.known)
        if self.attempt(
            ("signed", "shared"),
            "published",
            lambda: self.store.publish_release(self.survey, number, document=document, **BY),
        ):
            self.known[:-1] = ["superseded" if now == "published" else now for now in self.known[:-1]]

    @precondition(lambda self: self.known)
    @rule()
    def refuses(self) -> None:
        number = len(self.known)
        self.attempt(
            ("in_review", "signed", "shared"),
            "refused",
            lambda: self.store.refuse_release(self.survey, number, reason="r", **BY),
        )

    @precondition(lambda self: self.known)
    @rule()
    def withdraws(self) -> None:
        number = len(self.known)
        self.attempt(
            ("published",),
            "withdrawn",
            lambda: self.store.withdraw_release(self.survey, number, reason="r", **BY),
        )

    @precondition(lambda self: self.known)
    @rule()
    def revises(self) -> None:
        number = len(self.known)
        self.attempt(
            ("published",),
            "published",
            lambda: self.store.revise_release(self.survey, number, document=b"n", mask=b"m", reason="r", **BY),
        )

    def teardown(self) -> None:
        found = [row.state for row in self.store.releases(self.survey)]
        assert found == self.known
        is_open = bool(found) and found[-1] in ("in_review", "signed", "shared")
        wave = "published" if "published" in found else "in_review" if is_open else "draft"
        assert [row.state for row in self.store.waves(self.survey)] == [wave]
        assert self.store.verify() == ()


def test_any_order_of_deeds_is_refused_or_follows_the_table(store: Store) -> None:
    machine = type("OfThisStore", (Life,), {"store": store})
    health = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=health),
    )
