"""Stores with releases, made once for all tests that look at published results, and copies to be changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.workflow import demo, releases
from app.workflow.results import Release
from surveys.store import Store, open_store
from tests.filled import copied, demo_file, river_file

__all__ = ["demo_file", "river_file"]


@pytest.fixture(scope="session")
def demo_url(demo_file: Path) -> str:
    return f"sqlite:///{demo_file}"


@pytest.fixture(scope="session")
def demo_store(demo_url: str) -> Iterator[Store]:
    store = open_store(demo_url)
    yield store
    store.close()


@pytest.fixture(scope="session")
def demo_release(demo_store: Store) -> Release:
    """The third release of the demo, with all its waves."""
    return releases.read(demo_store, demo.SURVEY, len(demo.WAVES))


@pytest.fixture
def demo_copy(demo_file: Path, tmp_path: Path) -> str:
    """Address of a demo that a test may change."""
    return copied(demo_file, tmp_path)


@pytest.fixture
def river_url(river_file: Path, tmp_path: Path) -> str:
    """Address of the small survey that a test may change."""
    return copied(river_file, tmp_path)


@pytest.fixture
def river(river_url: str) -> Iterator[Store]:
    """The small survey that a test may change."""
    store = open_store(river_url)
    yield store
    store.close()


@pytest.fixture
def fresh_store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'fresh.db'}")
    yield store
    store.close()
