"""The demo survey: invented answers that travel the same road as real ones, signatures included."""

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from app import settings
from app.workflow import declared, fieldwork, publishing, releases
from surveys import simulate
from surveys.reading import Limits
from surveys.store import Store

SURVEY = "demo"
TITLE = "Demo survey: crossings of an invented river"
WHO = "sarhad demo"
SIGNERS = {"statistics": "Invented statistician", "safety": "Invented safety officer"}
WAVES = ("2022", "2024", "2026")


def fill(store: Store, *, at: datetime, progress: Callable[[str], None]) -> bool:
    """Fill an empty store with the demo survey, one release a wave; says whether there was anything to do.

    A store that holds another survey stays as it is: invented answers are not put beside real ones unasked. What an
    interrupted call left half done is done.
    """
    known = {row.id for row in store.surveys()}
    standing = publishing.standing(store, SURVEY) if SURVEY in known else None
    published = standing.waves if standing else ()
    if known - {SURVEY} or set(published) >= set(WAVES) or (not published and _withdrawn(store, known)):
        return False
    questionnaire = fieldwork.instrument("traveller")
    truth = simulate.Truth.from_toml((settings.DEMO / "truth.toml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        for wave in WAVES:
            if wave in published:
                continue
            progress(f"drawing wave {wave}")
            path = Path(folder) / f"traveller_{wave}_SYNTHETIC.csv"
            frame = simulate.draw(questionnaire, truth, wave=wave, seed=int(wave))
            frame.to_csv(path, index=False, sep=";")
            progress(f"checking and storing wave {wave}: {len(frame)} submissions")
            view = fieldwork.check_file(path, questionnaire=questionnaire, limits=Limits())
            fieldwork.store_file(
                path, view, store=store, survey_id=SURVEY, wave=wave, who=WHO, at=at, title=TITLE, synthetic=True
            )
            release(store, wave, at=at, progress=progress)
    return True


def release(store: Store, wave: str, *, at: datetime, progress: Callable[[str], None] = lambda _: None) -> int:
    """Prepare, sign and publish one wave of the demo; nobody judged exists, so nobody is asked to comment."""
    number = next((row.number for row in store.releases(SURVEY) if row.state in ("in_review", "signed")), None)
    if number is None:
        number = publishing.prepare(
            store, SURVEY, waves=[wave], who=WHO, at=at, declared=declared.load(settings.DEMO / "declared"),
            progress=lambda text: progress(f"release of {wave}: {text}"),
        )  # fmt: skip
    signed = {one.role for one in store.signatures(SURVEY, number)}
    for role, who in SIGNERS.items():
        if role not in signed:
            ticked = tuple(releases.CHECKLIST[role])
            releases.sign(store, SURVEY, number, role=role, ticked=ticked, who=who, at=at)
    releases.publish(store, SURVEY, number, who=WHO, at=at, uncommented="invented answers: there is no agency to ask")
    return number


def _withdrawn(store: Store, known: set[str]) -> bool:
    """Somebody took the demo back: it is not put out again behind their back."""
    return SURVEY in known and any(row.state == "withdrawn" for row in store.releases(SURVEY))
