"""A post is withdrawn after publication: it is gone from every release, with whatever would give it away."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from app import cli
from app.workflow import bundles, publishing, releases
from app.workflow.document import Document, Facets, unpack
from app.workflow.shelf import StoreShelf
from scoring import EstimationError
from surveys.store import Store, open_store
from tests.filled import NOON, RIVER, copied, send, signed

POST = "walnut_ford"
REASON = "people there were threatened"
FIGURES = ["estimate", "se", "df", "low", "high", "n", "n_eff", "deff"]
#: A table, the finer one that breaks it down, and the facet by which it does.
BREAKDOWNS: tuple[tuple[Facets, Facets], ...] = (
    (("side",), ("side", "post")),
    (("side", "user_group"), ("side", "post", "user_group")),
)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The store after the withdrawal, and both documents before it."""

    store: Store
    url: str
    before: dict[int, Document]
    said: str

    def document(self, number: int) -> Document:
        return StoreShelf(self.store).release(RIVER, number).document


@pytest.fixture(scope="module")
def withdrawn(river_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Withdrawn]:
    url = copied(river_file, tmp_path_factory.mktemp("withdrawn"))
    store = open_store(url)
    before = {number: StoreShelf(store).release(RIVER, number).document for number in (1, 2)}
    said = releases.withdraw(store, RIVER, None, cells=[{"post": POST}], reason=REASON, who="team", at=NOON)
    yield Withdrawn(store, url, before, said)
    store.close()


def of_post(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["post"] == POST]


def lone(document: Document, coarse: Facets, fine: Facets) -> int:
    """Shown totals of which exactly one part is hidden: whoever subtracts the others has it."""
    keys = ["wave", *coarse, "measure"]
    parts = document.scores[fine]
    hidden = parts.assign(hidden=parts["status"].isin(["suppressed", "unreliable"])).groupby(keys)["hidden"].sum()
    totals = document.scores[coarse].set_index(keys)
    shown = totals.index[totals["status"].isin(["ok", "undefined"])]
    return int((hidden.reindex(shown).dropna() == 1).sum())


def test_the_team_is_told_in_which_releases_it_was(withdrawn: Withdrawn) -> None:
    assert withdrawn.said == "Withdrawn from release 2, 1, with whatever would give it away."


def test_the_post_was_shown_in_both_releases_before(withdrawn: Withdrawn) -> None:
    shown = [
        of_post(document.scores["side", "post"])["estimate"].notna().sum() for document in withdrawn.before.values()
    ]
    assert min(shown) > 20


@pytest.mark.parametrize("number", [1, 2])
def test_the_post_has_no_figure_in_any_release(withdrawn: Withdrawn, number: int) -> None:
    document = withdrawn.document(number)
    for facets in (("side", "post"), ("side", "post", "user_group")):
        scores, moves = of_post(document.scores[facets]), document.moves[facets]
        assert len(scores) > 0
        assert scores[FIGURES].isna().all(axis=None)
        assert set(scores["reason"]) == {"withdrawn"}
        assert of_post(moves).select_dtypes("float64").isna().all(axis=None)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(("coarse", "fine"), BREAKDOWNS)
def test_the_post_cannot_be_had_by_subtraction(withdrawn: Withdrawn, number: int, coarse: Facets, fine: Facets) -> None:
    assert lone(withdrawn.document(number), coarse, fine) == 0


def test_without_companions_the_post_could_be_had_by_subtraction(withdrawn: Withdrawn) -> None:
    document = withdrawn.before[2]
    table = document.scores["side", "post"].copy()
    table.loc[table["post"] == POST, "status"] = "suppressed"
    naive = {**document.scores, ("side", "post"): table}
    bare = Document(**{name: getattr(document, name) for name in Document.__slots__} | {"scores": naive})
    assert lone(bare, ("side",), ("side", "post")) > 20


def test_companions_do_not_say_what_they_hide(withdrawn: Withdrawn) -> None:
    table = withdrawn.document(2).scores["side", "post"]
    was = withdrawn.before[2].scores["side", "post"]
    fresh = was["estimate"].notna() & table["estimate"].isna() & (table["post"] != POST)
    assert fresh.any()
    assert set(table.loc[fresh, "reason"]) == {"protected"}
    assert table.loc[fresh, FIGURES].isna().all(axis=None)


def test_what_stays_is_as_it_was(withdrawn: Withdrawn) -> None:
    for facets, table in withdrawn.document(2).scores.items():
        was = withdrawn.before[2].scores[facets]
        kept = table["estimate"].notna()
        assert kept.any()
        assert table[kept].equals(was[kept])


def test_no_move_of_a_hidden_figure_is_left(withdrawn: Withdrawn) -> None:
    document = withdrawn.document(2)
    for facets, moves in document.moves.items():
        keys = ["wave", *facets, "measure"]
        scores = document.scores[facets]
        hidden = pd.MultiIndex.from_frame(scores.loc[scores["estimate"].isna(), keys])
        shown = moves[moves["estimate"].notna()]
        assert not pd.MultiIndex.from_frame(shown[keys]).isin(hidden).any(), facets
        since = pd.MultiIndex.from_frame(shown[["since", *facets, "measure"]])
        assert not since.isin(hidden).any(), facets


def test_the_kept_exact_figures_are_gone_too(withdrawn: Withdrawn) -> None:
    for number in (1, 2):
        exact = publishing.read_sealed(withdrawn.store.release_mask(RIVER, number)).exact
        assert of_post(exact["side", "post"]).empty
        assert not exact["side", "post"].empty


def test_an_old_link_is_told_that_a_part_was_withdrawn(withdrawn: Withdrawn) -> None:
    shelf = StoreShelf(withdrawn.store)
    assert REASON in shelf.release(RIVER, 2).notice
    assert shelf.release(RIVER, 2).revision == 1
    assert "superseded" in shelf.release(RIVER, 1).notice
    assert shelf.key(RIVER, 2).split()[-1] == publishing.find(withdrawn.store, RIVER, 2).digest


@pytest.mark.parametrize("number", ["1", "2"])
def test_the_commands_do_not_give_it(withdrawn: Withdrawn, number: str) -> None:
    around = {"SARHAD_DATABASE_URL": withdrawn.url}
    words = ["score", "--by", "side,post", "--release", number, "--format", "json"]
    rows = json.loads(CliRunner().invoke(cli.app, words, env=around).stdout)
    mine = [row for row in rows if row["by"]["post"] == POST]
    assert mine
    assert all(row[name] is None for row in mine for name in FIGURES)


def test_the_command_of_changes_does_not_give_it(withdrawn: Withdrawn) -> None:
    words = ["change", "--measure", "accountability", "--waves", "2022,2024", "--by", "side,post", "--format", "json"]
    rows = json.loads(CliRunner().invoke(cli.app, words, env={"SARHAD_DATABASE_URL": withdrawn.url}).stdout)
    (mine,) = [row for row in rows if row["by"]["post"] == POST]
    assert [mine[name] for name in (*FIGURES, "p", "p_adjusted")] == [None] * 10
    assert mine["clear"] is False


@pytest.mark.parametrize("number", [1, 2])
def test_a_bundle_does_not_hold_it(withdrawn: Withdrawn, number: int, tmp_path: Path) -> None:
    target = tmp_path / f"{number}.sarhad"
    releases.export(withdrawn.store, RIVER, number, target, key=bundles.new_signing_key(), who="team", at=NOON)
    table = unpack(bundles.read(target).document).scores["side", "post"]
    assert of_post(table)[FIGURES].isna().all(axis=None)
    assert table["estimate"].notna().any()


def test_the_withdrawal_is_in_the_log_and_the_log_verifies(withdrawn: Withdrawn) -> None:
    told = [event for event in withdrawn.store.events() if event.action == "release-revised"]
    assert [dict(event.details)["reason"] for event in told] == [REASON, REASON]
    assert withdrawn.store.verify() == ()


def test_the_next_release_does_not_bring_it_back(river_file: Path, withdrawn: Withdrawn, tmp_path: Path) -> None:
    withdrawn.store.backup(tmp_path / river_file.name)
    store = open_store(f"sqlite:///{tmp_path / river_file.name}")
    send(store, tmp_path, "2026")
    number = signed(store, publishing.prepare(store, RIVER, waves=["2026"], who="team", at=NOON))
    releases.publish(store, RIVER, number, who="team", at=NOON, uncommented="nobody to ask")
    document = StoreShelf(store).release(RIVER).document
    old = of_post(document.scores["side", "post"]).query("wave != '2026'")
    assert old[FIGURES].isna().all(axis=None)
    moves = of_post(document.moves["side", "post"])
    assert moves.select_dtypes("float64").isna().all(axis=None)
    store.close()


def test_a_candidate_made_before_the_withdrawal_does_not_bring_it_back(river: Store, tmp_path: Path) -> None:
    send(river, tmp_path, "2026")
    number = signed(river, publishing.prepare(river, RIVER, waves=["2026"], who="team", at=NOON))
    releases.withdraw(river, RIVER, None, cells=[{"post": POST}], reason=REASON, who="team", at=NOON)
    left = publish_if_it_can_be(river, number, at=NOON)
    old = of_post(left.scores["side", "post"]).query("wave != '2026'")
    assert old[FIGURES].isna().all(axis=None)


def publish_if_it_can_be(store: Store, number: int, *, at: datetime) -> Document:
    """What readers see after somebody tried to publish an older candidate: either it is refused, or it is mended."""
    try:
        releases.publish(store, RIVER, number, who="team", at=at, uncommented="nobody to ask")
    except releases.StoreError as error:
        assert "withdrawn" in str(error)  # noqa: PT017 - refusing it is one of two right ways
    return StoreShelf(store).release(RIVER).document


def test_one_wave_of_a_post_is_withdrawn_alone(river: Store) -> None:
    cells = [{"post": POST, "wave": "2024"}]
    said = releases.withdraw(river, RIVER, None, cells=cells, reason=REASON, who="team", at=NOON)
    assert said.startswith("Withdrawn from release 2,")
    table = of_post(StoreShelf(river).release(RIVER).document.scores["side", "post"])
    assert table.loc[table["wave"] == "2024", FIGURES].isna().all(axis=None)
    assert table.loc[table["wave"] == "2022", "estimate"].notna().any()


@pytest.mark.parametrize(
    ("cell", "words"),
    [({"post": "nowhere"}, "no published figure is of post nowhere"), ({"rank": "x"}, "nothing is published by rank")],
)
def test_a_withdrawal_of_what_is_not_there_is_refused_and_changes_nothing(
    river: Store, cell: dict[str, str], words: str
) -> None:
    before = [row.digest for row in river.releases(RIVER)]
    with pytest.raises(EstimationError, match=words):
        releases.withdraw(river, RIVER, None, cells=[cell], reason=REASON, who="team", at=NOON)
    assert [row.digest for row in river.releases(RIVER)] == before
