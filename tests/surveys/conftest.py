from collections.abc import Iterator

import pytest

from surveys.store import Store, open_store
from tests.surveys.stored import FORM


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store with one survey and one wave and no answers, on each database."""
    opened = open_store(store_url)
    opened.add_survey("demo", title="Demo", synthetic=True, team="north", questionnaire=FORM)
    opened.add_wave("demo", "2026")
    yield opened
    opened.close()
