"""The demo survey: invented answers that travel the same road as a real upload."""

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from app import settings
from app.workflow import fieldwork, releases
from surveys import simulate
from surveys.reading import Limits
from surveys.store import Store

SURVEY = "demo"
TITLE = "Demo survey: crossings of an invented river"
WHO = "sarhad demo"
WAVES = ("2022", "2024", "2026")


def fill(store: Store, *, at: datetime, progress: Callable[[str], None]) -> bool:
    """Fill an empty store with the demo survey; says whether there was anything to do.

    A store that holds another survey stays as it is: invented answers are not put beside real ones unasked. What an
    interrupted call left half done is done.
    """
    known = {row.id for row in store.surveys()}
    done = SURVEY in known and len(store.waves(SURVEY)) == len(WAVES)
    if done or known - {SURVEY}:
        return False
    questionnaire = fieldwork.instrument("traveller")
    truth = simulate.Truth.from_toml((settings.DEMO / "truth.toml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        for wave in WAVES:
            progress(f"drawing wave {wave}")
            path = Path(folder) / f"traveller_{wave}_SYNTHETIC.csv"
            frame = simulate.draw(questionnaire, truth, wave=wave, seed=int(wave))
            frame.to_csv(path, index=False, sep=";")
            progress(f"checking and storing wave {wave}: {len(frame)} submissions")
            view = fieldwork.check_file(path, questionnaire=questionnaire, limits=Limits())
            fieldwork.store_file(
                path, view, store=store, survey_id=SURVEY, wave=wave, who=WHO, at=at, title=TITLE, synthetic=True
            )
            releases.publish(store, survey_id=SURVEY, wave=wave, who=WHO, at=at)
    return True
