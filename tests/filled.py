"""Filled stores, made once for all tests of a run: the demo survey, and a small one of one bank.

Tests that change something take a copy. A fixture that is imported by several conftests is made by each of them, so the
file itself says whether it is there already.
"""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from app import settings
from app.workflow import demo, fieldwork, publishing, releases
from surveys import simulate
from surveys.questionnaire import Questionnaire
from surveys.reading import Limits
from surveys.store import Saved, Store, open_store
from tests.once import made_in, made_once

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
DEMO = "demo.db"
RIVER = "river"
RIVER_WAVES = ("2022", "2024")
BOTH = {"statistics": "Anor", "safety": "Bahor"}  # who signs


@cache
def form() -> Questionnaire:
    return fieldwork.instrument("traveller")


@cache
def truth() -> simulate.Truth:
    return simulate.Truth.from_toml((settings.DEMO / "truth.toml").read_text(encoding="utf-8"))


@cache
def one_bank() -> simulate.Truth:
    """The truth of the demo at four posts of one bank: some 500 interviews a wave."""
    return replace(truth(), posts=tuple(post for post in truth().posts if post.side == "left_bank")[:4])


def send(
    store: Store,
    folder: Path,
    wave: str,
    *,
    drop: int = 0,
    name: str = "",
    seed: int | None = None,
    survey: str = RIVER,
) -> Saved:
    """Check and store a file of the small survey, without its last `drop` interviews."""
    frame = simulate.draw(form(), one_bank(), wave=wave, seed=int(wave) if seed is None else seed)
    path = folder / (name or f"{survey}_{wave}_{drop}.csv")
    frame.head(len(frame) - drop).to_csv(path, index=False, sep=";")
    return store_it(store, path, wave, survey=survey)


def store_it(store: Store, path: Path, wave: str, *, survey: str = RIVER) -> Saved:
    """Check and store a file as it lies there."""
    view = fieldwork.check_file(path, questionnaire=form(), limits=Limits())
    return fieldwork.store_file(
        path, view, store=store, survey_id=survey, wave=wave, who="team", at=NOON, title="Border services of a river"
    )


def signed(store: Store, number: int, *, survey: str = RIVER, at: datetime = NOON) -> int:
    """Two people sign."""
    for role, who in BOTH.items():
        ticked = tuple(releases.CHECKLIST[role])
        releases.sign(store, survey, number, role=role, ticked=ticked, who=who, at=at)
    return number


def published(store: Store, waves: Sequence[str], *, survey: str = RIVER, at: datetime = NOON) -> int:
    """Prepare, sign and publish; gives the number of the release."""
    number = signed(store, publishing.prepare(store, survey, waves=waves, who="team", at=at), survey=survey, at=at)
    releases.publish(store, survey, number, who="team", at=at, uncommented="there is nobody to ask")
    return number


def copied(path: Path, folder: Path) -> str:
    """The address of a copy that a test may change."""
    target = folder / path.name
    shutil.copyfile(path, target)
    return f"sqlite:///{target}"


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the demo survey and its three releases: read it, never change it."""
    return own_copy(tmp_path_factory, DEMO, fill_demo)


@pytest.fixture(scope="session")
def river_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the small survey, one release a wave: read it, never change it."""
    return own_copy(tmp_path_factory, "river.db", fill_river)


def own_copy(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A copy for the tests of this process, of a store that one process of the run filled."""
    path = factory.getbasetemp() / "own" / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(made_once(factory, name, make), path)
    return path


def fill_demo(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    demo.fill(store, at=NOON, progress=lambda _: None)
    store.close()


def fill_river(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    for wave in RIVER_WAVES:
        send(store, path.parent, wave)
        published(store, [wave])
    store.close()


if __name__ == "__main__":  # beside the tests, so that none of them waits for it
    made_in(Path(sys.argv[1]), DEMO, fill_demo)
