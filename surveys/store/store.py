"""The store as the rest of the program sees it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath

import pandas as pd
from sqlalchemy import Engine

from surveys.checking import Responses
from surveys.questionnaire import Questionnaire
from surveys.store import answers, records, submissions
from surveys.store.database import checkpoint, make_engine, reading, upgrade, writing
from surveys.store.instruments import hidden_columns
from surveys.store.rows import BatchRow, Event, Saved, State, SurveyRow, WaveRow
from surveys.store.salt import settle
from surveys.store.versions import extend, newest, register
from surveys.vault import Sealed


def open_store(url: str, *, salt: str = "") -> "Store":
    """Open the store at an SQLAlchemy URL, made and brought up to date where needed.

    Open it once a process and share the store, never a connection. Without a `salt` one is made at the first
    opening and kept in the store's own table `secret`: whoever has the file can then try out codes of shifts and
    interviewers, so a salt of your own, kept elsewhere, protects them better. The salt cannot be changed later.

    Raises
    ------
    StoreError
        If the file cannot be opened, was written by a newer version of this program, or has another salt.
    """
    engine = make_engine(url)
    try:
        upgrade(engine)
        with writing(engine) as connection:
            settled = settle(connection, salt)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, settled)


class Store:
    """Surveys, their answers, and what is kept beside them. Safe to share between threads."""

    def __init__(self, engine: Engine, salt: str) -> None:
        self._engine = engine
        self._salt = salt

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def add_survey(
        self, survey_id: str, *, title: str, synthetic: bool, team: str, questionnaire: Questionnaire
    ) -> None:
        """Add a survey with its questionnaire; a known survey gets the new title, team or version of its form."""
        with writing(self._engine) as connection:
            records.put_survey(connection, SurveyRow(survey_id, title, synthetic, team))
            register(connection, survey_id, questionnaire)

    def surveys(self) -> tuple[SurveyRow, ...]:
        """Every survey, by id."""
        with reading(self._engine) as connection:
            return records.surveys(connection)

    def questionnaire(self, survey_id: str) -> Questionnaire:
        """Read the questionnaire of a survey, the version that was added last."""
        with reading(self._engine) as connection:
            records.need_survey(connection, survey_id)
            return newest(connection, survey_id)

    def add_wave(self, survey_id: str, wave: str) -> None:
        """Add a wave as a draft; a known one stays as it is."""
        with writing(self._engine) as connection:
            records.put_wave(connection, survey_id, wave)

    def waves(self, survey_id: str) -> tuple[WaveRow, ...]:
        """Every wave of a survey by name, with its current submissions counted."""
        with reading(self._engine) as connection:
            return records.waves(connection, survey_id)

    def set_wave_state(self, survey_id: str, wave: str, state: State, *, who: str, at: datetime) -> None:
        """Publish a wave, or make it a draft again; the log tells who did."""
        with writing(self._engine) as connection:
            records.set_state(connection, survey_id, wave, state)
            records.log(connection, who=who, action=f"wave-{state}", subject=f"{survey_id}/{wave}", at=at, details={})

    def find_batch(self, survey_id: str, wave: str, sha256: str) -> BatchRow | None:
        """Find the import of this very file into a wave, None when it never came."""
        with reading(self._engine) as connection:
            return records.find_batch(connection, records.wave_id(connection, survey_id, wave), sha256)

    def batches(self, survey_id: str) -> tuple[BatchRow, ...]:
        """Every imported file of a survey, in the order they came."""
        with reading(self._engine) as connection:
            return records.batches(connection, survey_id)

    def save(
        self,
        responses: Responses,
        *,
        survey_id: str,
        wave: str,
        sha256: str,
        filename: str,
        who: str,
        at: datetime,
        sealed: Sealed | None = None,
        new_survey: SurveyRow | None = None,
    ) -> Saved:
        """Store the answers of one file in one transaction: whole or not at all, its survey and wave included.

        The same file again changes nothing. Submissions known by their uuid in this wave are stored only where their
        answers differ, and then stand for the earlier ones, which stay but no longer count. `sealed` is the raw file,
        kept in the same transaction.
        """
        name = PurePosixPath(filename.replace("\\", "/")).name  # folders of somebody's machine are nobody's business
        upload = submissions.Upload(survey_id, wave, sha256, name, who, at)
        prepared = submissions.prepare(responses, upload=upload, salt=self._salt)
        with writing(self._engine) as connection:
            if new_survey is not None:
                records.put_survey(connection, new_survey)
            records.put_wave(connection, survey_id, wave)
            wave_id = records.wave_id(connection, survey_id, wave)
            there = records.find_batch(connection, wave_id, sha256)
            if there is not None:
                return Saved("already", there.id, 0, 0, there.n_rows, there.received_at, there.received_by)
            others = [number for number in records.wave_ids(connection, survey_id).values() if number != wave_id]
            submissions.refuse_counted(connection, prepared, waves=others)
            version = register(connection, survey_id, responses.questionnaire)
            version = extend(connection, version, responses.questionnaire, prepared.kinds)
            saved = submissions.store(connection, prepared, upload=upload, wave_id=wave_id, version=version)
            if sealed is not None:
                records.keep_raw(connection, sealed)
            details = {"sha256": sha256, "new": saved.new, "changed": saved.changed, "same": saved.same}
            records.log(connection, who=who, action="import", subject=f"{survey_id}/{wave}", at=at, details=details)
            return saved

    def responses(self, survey_id: str, *, waves: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
        """Read current submissions of some waves: wave, psu, interviewer, then the columns asked for.

        Questions with scores are coded int16 (answers >= 0, missing ones by `MISSING_CODES`), and so are the choices
        of a select_multiple; questions without scores are Categorical over the codes of their choices in the order of
        the form, NaN where missing; numbers are float64. A question that a version of the form does not ask is not
        applicable there. `day`, `half_day` and `minutes` may be asked for too. PSU and interviewer are salted, and
        differ between waves.
        """
        with reading(self._engine) as connection:
            wanted = {records.wave_id(connection, survey_id, wave): wave for wave in waves}
            return answers.read(connection, survey_id, waves=wanted, columns=columns)

    def counts(self, survey_id: str, wave: str) -> pd.DataFrame:
        """Interviews done, per stratum and salted PSU: the strata's columns, `psu`, `interviews`."""
        design = self.questionnaire(survey_id).design
        strata = [name for name in design.strata if name not in hidden_columns(design)]
        frame = self.responses(survey_id, waves=[wave], columns=strata)
        grouped = frame.groupby([*strata, "psu"], observed=True, dropna=False)
        return grouped.size().rename("interviews").reset_index()

    def totals_get(self, digest: str) -> bytes | None:
        """Find totals by the digest of what they were made from."""
        with reading(self._engine) as connection:
            return records.totals_get(connection, digest)

    def totals_put(self, digest: str, survey_id: str, payload: bytes, at: datetime) -> None:
        """Keep totals; an import that changes the survey forgets them."""
        with writing(self._engine) as connection:
            records.totals_put(connection, digest, survey_id, payload, at)

    def keep_raw(self, sealed: Sealed) -> bool:
        """Keep a sealed upload; says whether it was new. One that was erased stays erased."""
        with writing(self._engine) as connection:
            return records.keep_raw(connection, sealed)

    def raw(self, sha256: str) -> Sealed | None:
        """Find a sealed upload, None when it was never kept or is erased."""
        with reading(self._engine) as connection:
            return records.raw(connection, sha256)

    def erase_raw(self, sha256: str, *, who: str, at: datetime) -> None:
        """Destroy the key and the payload of an upload; its digest and the log remain."""
        with writing(self._engine) as connection:
            records.erase_raw(connection, sha256, at)
            records.log(connection, who=who, action="erase-raw", subject=sha256, at=at, details={})
        checkpoint(self._engine)

    def log(
        self,
        *,
        who: str,
        action: str,
        subject: str,
        at: datetime,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Append a line to the log."""
        with writing(self._engine) as connection:
            records.log(connection, who=who, action=action, subject=subject, at=at, details=details or {})

    def events(self) -> tuple[Event, ...]:
        """Read the whole log, oldest first."""
        with reading(self._engine) as connection:
            return records.events(connection)
