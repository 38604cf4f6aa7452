"""The store as the rest of the program sees it."""

import hmac
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

import pandas as pd

from surveys.checking import Responses
from surveys.errors import StoreError
from surveys.questionnaire import Questionnaire
from surveys.store import answers, audit, chaining, erasure, jobs, prints, records, releases, submissions, undoing
from surveys.store.backups import backup
from surveys.store.database import make_engine, reading, scrub, upgrade, writing
from surveys.store.desk import Deed, ReleaseDesk
from surveys.store.instruments import hidden_columns
from surveys.store.jobs import JobRow, JobState, Order, Stage
from surveys.store.rows import BatchRow, Erased, Event, Fault, Saved, State, SurveyRow, WaveRow
from surveys.store.verifying import verify
from surveys.store.versions import extend, newest, register
from surveys.vault import Sealed


def open_store(url: str, *, salt: str = "", audit_key: str = "") -> "Store":
    """Open the store at an SQLAlchemy URL (SQLite or PostgreSQL), made and brought up to date where needed.

    Open it once a process and share the store, never a connection. Without a `salt` or an `audit_key` one is made at
    the first opening and kept in the store's own table `secret`. Whoever has the file can then try out codes of shifts
    and interviewers, and bind a log of their own making, so secrets of your own, kept elsewhere, protect better.
    Neither can be changed later.

    Raises
    ------
    StoreError
        If the database cannot be opened, is not a store, was written by a newer version of this program, or has
        another salt or audit key.
    """
    engine = make_engine(url)
    try:
        upgrade(engine)
        keys = chaining.begin(engine, salt=salt, audit_key=audit_key)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, keys)


class Store(ReleaseDesk):
    """Surveys, their answers, and what is kept beside them. Safe to share between threads."""

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

    def wave_names(self, survey_id: str) -> tuple[str, ...]:
        """Names of the waves of a survey, without counting anything: however much is stored, this is quick."""
        with reading(self._engine) as connection:
            return tuple(records.wave_ids(connection, survey_id))

    def set_wave_state(self, survey_id: str, wave: str, state: State, *, who: str, at: datetime) -> None:
        """Make a wave a draft again that no release holds, such as one published before there were releases."""
        if state != "draft":
            raise StoreError(f"a wave is {state.replace('_', ' ')} by a release alone; put wave {wave!r} into one")
        with writing(self._engine) as connection:
            number = records.wave_id(connection, survey_id, wave)
            held = releases.held(connection, number)
            if held:
                raise StoreError(f"wave {wave!r} is held by release {held[0]}; withdraw or refuse the release instead")
            records.set_state(connection, survey_id, wave, state)
            proof = prints.of_waves(connection, [number])
            self._log(connection, Deed(who, at, f"wave-{state}", {}), f"{survey_id}/{wave}", proof)

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
        kept in the same transaction. A submission that was erased before is left out, and its raw file is not kept.

        Raises
        ------
        StoreError
            If the wave is in review or published and this is another file than those it holds, a submission stands in
            another wave, or the answers do not fit the form.
        """
        name = PurePosixPath(filename.replace("\\", "/")).name  # folders of somebody's machine are nobody's business
        upload = submissions.Upload(survey_id, wave, sha256, name, who, at)
        prepared = submissions.prepare(responses, upload=upload, salt=self._keys.salt)
        with writing(self._engine) as connection:
            if new_survey is not None:
                records.put_survey(connection, new_survey)
            records.put_wave(connection, survey_id, wave)
            wave_id = records.wave_id(connection, survey_id, wave)
            there = records.find_batch(connection, wave_id, sha256)
            if there is not None:
                return Saved("already", there.id, 0, 0, there.n_rows, there.received_at, there.received_by)
            records.need_draft(connection, survey_id, wave)
            others = [number for number in records.wave_ids(connection, survey_id).values() if number != wave_id]
            submissions.refuse_counted(connection, prepared, waves=others)
            version = register(connection, survey_id, responses.questionnaire)
            version = extend(connection, version, responses.questionnaire, prepared.kinds)
            stored = submissions.store(
                connection, prepared, upload=upload, wave_id=wave_id, version=version, keys=self._keys
            )
            saved = stored.saved
            if sealed is not None and not saved.erased:
                records.keep_raw(connection, sealed)
            details = {"sha256": sha256, "new": saved.new, "changed": saved.changed, "same": saved.same}
            if saved.erased:
                details["erased"] = saved.erased
            self._log(connection, Deed(who, at, "import", details), f"{survey_id}/{wave}", stored.proof)
            return saved

    def undo_batch(self, survey_id: str, batch_id: int, *, who: str, at: datetime) -> int:
        """Let a file of a draft wave no longer count, and what it stood for count again; says how many it held."""
        with writing(self._engine) as connection:
            undone = undoing.undo(connection, survey_id, batch_id)
            details = {"batch": batch_id, "sha256": undone.sha256, "submissions": undone.submissions}
            self._log(connection, Deed(who, at, "undo", details), f"{survey_id}/{undone.wave}", undone.proof)
            return undone.submissions

    def erase(self, survey_id: str, uuid: str, *, who: str, at: datetime) -> Erased:
        """Delete every row of a submission, the raw files that hold it, and totals made of it.

        A tombstone is left under a salted code, so that the file still verifies and the submission never comes back.
        A release stays as it was published.
        """
        with reading(self._engine) as connection:
            gone = erasure.erased_codes(connection, self._keys.salt, survey_id, [uuid])
        if gone:  # whoever was stopped between the erasure and the cleaning asks again, and no trace is left then
            scrub(self._engine, *erasure.TABLES)
        with writing(self._engine) as connection:
            done = erasure.erase(connection, self._keys.salt, survey_id, uuid, at=at)
            details = {"submission": done.code, "rows": done.erased.submissions, "raw": done.erased.raw_uploads}
            self._log(connection, Deed(who, at, "erase", details), f"{survey_id}/{done.erased.wave}", done.proof)
        scrub(self._engine, *erasure.TABLES)
        return done.erased

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
        """Find totals by the digest of what they were made from; altered ones are not found."""
        with reading(self._engine) as connection:
            return records.totals_get(connection, self._keys.audit, digest)

    def totals_put(self, digest: str, survey_id: str, payload: bytes, at: datetime) -> None:
        """Keep totals; an import that changes the survey forgets them."""
        with writing(self._engine) as connection:
            records.totals_put(connection, self._keys.audit, digest, survey_id=survey_id, payload=payload, at=at)

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
            self._log(connection, Deed(who, at, "erase-raw", {}), sha256)
        scrub(self._engine, "raw_upload")

    def add_job(self, order: Order, *, at: datetime) -> int:
        """Let a file wait, once it is safe where the order says it lies; gives the number of its job."""
        with writing(self._engine) as connection:
            return jobs.put(connection, order, at)

    def job(self, number: int) -> JobRow:
        """Find one job as it stands."""
        with reading(self._engine) as connection:
            return jobs.find(connection, number)

    def jobs(self, *, limit: int = 100) -> tuple[JobRow, ...]:
        """List the newest jobs, oldest of them first."""
        with reading(self._engine) as connection:
            return jobs.jobs(connection, limit=limit)

    def job_places(self, *, since: datetime) -> frozenset[str]:
        """Where the files lie that are needed: of jobs that are open, and of those that failed since a moment."""
        with reading(self._engine) as connection:
            return jobs.wanted(connection, since)

    def claim_job(self, *, worker: str, places: Collection[str], at: datetime, until: datetime) -> JobRow | None:
        """Take the oldest job that is free and whose file is in one of the places, under a lease; None without any."""
        with reading(self._engine) as connection:  # so that a worker with nothing to do keeps nobody from writing
            if not jobs.any_such(connection, jobs.is_free(at)):
                return None
        with writing(self._engine) as connection:
            return jobs.claim(connection, worker=worker, places=places, at=at, until=until)

    def hold_job(self, number: int, *, worker: str, until: datetime) -> bool:
        """Lengthen the lease of a worker; says whether it still has one."""
        with writing(self._engine) as connection:
            return jobs.change(connection, number, worker=worker, values={"lease_until": until})

    def move_job(
        self, number: int, *, worker: str, stage: Stage, report: Mapping[str, object], at: datetime, until: datetime
    ) -> bool:
        """Let a job be at its next stage, with a fresh lease; says whether the worker still has it."""
        values = {"stage": stage, "report": dict(report), "lease_until": until, "updated_at": at}
        with writing(self._engine) as connection:
            return jobs.change(connection, number, worker=worker, values=values)

    def end_job(
        self,
        number: int,
        *,
        worker: str,
        state: JobState,
        problem: str,
        report: Mapping[str, object],
        attempt: int,
        at: datetime,
        due: datetime | None = None,
    ) -> bool:
        """Let go of a job that is done, failed, or waits again until it is `due`; says whether the worker had it."""
        values = {"state": state, "problem": problem, "report": dict(report), "attempt": attempt, "lease_until": due}
        with writing(self._engine) as connection:
            return jobs.change(connection, number, worker=worker, values={**values, "worker": "", "updated_at": at})

    def give_up_jobs(self, *, at: datetime, problem: str) -> int:
        """End every job that was begun as often as it may be and whose last worker is gone; says how many."""
        with reading(self._engine) as connection:
            if not jobs.any_such(connection, jobs.is_lost(at)):
                return 0
        with writing(self._engine) as connection:
            return jobs.give_up(connection, at=at, problem=problem)

    def begin_job_again(self, number: int, *, at: datetime) -> None:
        """Let a job that failed wait once more."""
        with writing(self._engine) as connection:
            jobs.begin_again(connection, number, at)

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
            self._log(connection, Deed(who, at, action, details or {}), subject)

    def events(self) -> tuple[Event, ...]:
        """Read the whole log, oldest first."""
        with reading(self._engine) as connection:
            return audit.events(connection)

    def audit_head(self) -> str:
        """Number and code of the last line of the log, `12:4f0c...`, to be printed where it cannot be changed."""
        with reading(self._engine) as connection:
            return audit.head(connection)

    def keyed(self, text: str) -> str:
        """A code of a text under the audit key: the same for the same text, and told by nobody who lacks the key."""
        return hmac.digest(self._keys.audit, f"keyed\0{text}".encode(), "sha256").hex()

    def holds(self, head: str) -> bool:
        """Whether a head of the log that was printed earlier is still on the chain."""
        with reading(self._engine) as connection:
            return audit.holds(connection, head)

    def verify(self) -> tuple[Fault, ...]:
        """Make every seal and code again, and name what is not as it was stored."""
        with reading(self._engine) as connection:
            return verify(connection, self._keys.audit)

    def backup(self, target: Path) -> None:
        """Write the whole store into one new file, an SQLite store, as it is at one moment."""
        backup(self._engine, target)
