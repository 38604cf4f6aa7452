"""The life of a wave: a draft shows counts only, a published wave shows masked scores."""

from datetime import datetime

from surveys.errors import StoreError
from surveys.store import Store


def publish(store: Store, *, survey_id: str, wave: str, who: str, at: datetime) -> None:
    """Publish a draft wave; the log tells who did. The signed release comes later."""
    found = next((row for row in store.waves(survey_id) if row.name == wave), None)
    if found is None:
        known = ", ".join(row.name for row in store.waves(survey_id)) or "none"
        raise StoreError(f"survey {survey_id!r} has no wave {wave!r} (waves: {known}); import its file first")
    if not found.submissions:
        raise StoreError(f"wave {wave!r} holds no interviews; import its file first")
    store.set_wave_state(survey_id, wave, "published", who=who, at=at)


def unpublish(store: Store, *, survey_id: str, wave: str, who: str, at: datetime) -> None:
    """Take a published wave off every page at once; it is a draft again."""
    store.set_wave_state(survey_id, wave, "draft", who=who, at=at)
