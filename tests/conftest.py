import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.once import common
from tests.postgres import empty_url, postgres_server, postgres_template, sqlite_template, store_url

__all__ = ["empty_url", "postgres_server", "postgres_template", "reference", "sqlite_template", "store_url"]

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes says nothing while other tests run beside it.
settings.register_profile("beside others", deadline=None)
settings.load_profile("beside others")


#: Folders of tests that look at a filled store.
FILLED = ("app", "attack", "browser")


#: Tests that run the same lines thousands of times, or processes that are not measured: tracing them costs minutes.
UNTRACED = (
    "attack/", "browser/", "app/test_killed.py", "surveys/test_store_killed.py", "surveys/test_store_crowded.py",
    "scoring/test_null_surveys.py", "scoring/test_staggered.py", "scoring/test_effects.py", "scoring/test_pretrends.py",
    "scoring/test_noise.py", "reference/",
)  # fmt: skip


def needs_a_store(item: pytest.Item) -> bool:
    return item.path.relative_to(ROOT / "tests").parts[0] in FILLED


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each process begin with tests that need no filled store, so that none waits while it is being filled."""
    for item in items:
        if item.path.relative_to(ROOT / "tests").as_posix().startswith(UNTRACED):
            item.add_marker(pytest.mark.no_cover)
    count = int(getattr(config, "workerinput", {}).get("workercount", 1))
    kinds = [[item for item in items if needs_a_store(item) is kind] for kind in (False, True)]
    items[:] = [
        item
        for place in range(count)
        for kind in kinds
        for item in kind[place * len(kind) // count : (place + 1) * len(kind) // count]
    ]


@pytest.fixture(scope="session", autouse=True)
def filling(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Begin to fill the demo at once, in a process of its own."""
    first = os.environ.get("PYTEST_XDIST_WORKER") == "gw0"
    if not first or not any(needs_a_store(item) for item in request.session.items):
        yield
        return
    command = [sys.executable, "-m", "tests.filled", str(common(tmp_path_factory))]
    with subprocess.Popen(command, cwd=ROOT):
        yield


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference data beside the checkout; tests that need it skip, saying so, where it is absent."""
    folder = Path(os.environ.get("SARHAD_REFERENCE", ROOT.parent / "shared"))
    if not folder.is_dir():
        reason = "the reference data are not beside this checkout (set SARHAD_REFERENCE)"
        if os.environ.get("SARHAD_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
