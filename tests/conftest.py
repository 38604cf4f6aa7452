import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgres import empty_url, postgres_server, postgres_template, sqlite_template, store_url

__all__ = ["empty_url", "postgres_server", "postgres_template", "reference", "sqlite_template", "store_url"]

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes says nothing while other tests run beside it.
settings.register_profile("beside others", deadline=None)
settings.load_profile("beside others")


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
