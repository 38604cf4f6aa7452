"""Where answers are kept: the only SQL of the program."""

from surveys.store.rows import BatchRow, Event, Saved, State, SurveyRow, WaveRow
from surveys.store.store import Store, open_store

__all__ = ["BatchRow", "Event", "Saved", "State", "Store", "SurveyRow", "WaveRow", "open_store"]
