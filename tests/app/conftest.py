"""A store with the demo survey, made once for all tests that look at published results."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.workflow import demo
from surveys.store import Store, open_store

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('demo') / 'demo.db'}"
    store = open_store(url)
    demo.fill(store, at=NOON, progress=lambda _: None)
    store.close()
    return url


@pytest.fixture(scope="session")
def demo_store(demo_url: str) -> Iterator[Store]:
    store = open_store(demo_url)
    yield store
    store.close()


@pytest.fixture
def fresh_store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'fresh.db'}")
    yield store
    store.close()
