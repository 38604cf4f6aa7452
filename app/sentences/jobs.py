"""Words for jobs: what is being done with a file, what became of it, and what to do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

#: What is being done at each stage.
STAGES: Final[Mapping[str, str]] = {
    "read": "reading the file",
    "check": "checking every row",
    "store": "storing the draft",
    "score": "adding up the draft",
}

#: Every state of a job, and a few things that may have happened in it -> what is said.
JOBS: Final[Mapping[str, str]] = {
    "waiting": "Received and safe; it waits for its turn.",
    "elsewhere": "The file is not on this machine; a worker beside the pages that received it takes it, or send it "
    "again.",
    "again": "Is tried again, {attempt} of {most} times so far: {problem}",
    "running": "In work: {doing}.",
    "silent": "Whoever was {doing} is silent since {since:%Y-%m-%d %H:%M} UTC; the next worker takes it over.",
    "checked": "Checked: {ready:,} of {rows:,} rows are ready, and nothing is stored.",
    "unready": "Checked, and not to be stored yet: {problems} to mend.",
    "stored": "Stored as a draft: {new:,} new, {changed:,} changed, {same:,} known already. It is scored when it is "
    "released.",
    "already": "This very file was in the wave already; nothing was changed.",
    "failed": "{problem}",
    # why a job ended that did not come through
    "lost": "It was given up: whatever worked on it ended {most} times before it was through. Try a smaller part of "
    "the file, see that the machine has memory and room, then `sarhad work --again NUMBER`.",
    "given-up": "It was given up after {most} times: {problem}",
    "fault": "the program failed at {doing} ({kind}); this is a fault of the program and not of the file.",
    "not-stored": "The file is not stored: {problems} to mend.",
    "not-added-up": "The draft is stored, but could not be added up: {problem}",
    "no-key": "the file is encrypted; set SARHAD_VAULT_KEY for the worker as for the pages.",
    "altered": "the file is not what was received: it was changed on the disk; send it again.",
}


class Job(Protocol):
    """What is said of a job, whoever keeps it."""

    @property
    def stage(self) -> str:
        """The step it is at."""

    @property
    def state(self) -> str:
        """Waiting, running, done or failed."""

    @property
    def attempt(self) -> int:
        """How often it was begun."""

    @property
    def lease_until(self) -> datetime | None:
        """Until when it is its worker's."""

    @property
    def problem(self) -> str:
        """What went wrong last."""

    @property
    def report(self) -> Mapping[str, Any]:
        """What was found and done."""


def job_words(code: str, **params: object) -> str:
    """One sentence for a code of a job."""
    return JOBS[code].format_map(params)


def job_doing(stage: str) -> str:
    """What is being done at a stage."""
    return STAGES[stage]


def job_code(job: Job, *, at_hand: bool = True, at: datetime | None = None) -> str:
    """Which sentence tells how a job stands at a moment; `at_hand` says whether its file is on this machine."""
    if job.state == "running" and at is not None and job.lease_until is not None and job.lease_until <= at:
        return "silent"
    if job.state == "waiting":
        told = "again" if job.problem else "waiting"
        return told if at_hand else "elsewhere"
    if job.state == "done":
        saved = job.report.get("saved")
        if saved:
            return str(saved["status"])
        return "checked" if job.report["ready"] else "unready"
    return job.state


def job_told(job: Job, *, most: int, at_hand: bool = True, at: datetime | None = None) -> str:
    """One sentence on how a job stands at a moment, or without one as its last worker left it."""
    counts, saved = job.report.get("counts", {}), job.report.get("saved", {})
    params: dict[str, object] = {
        "attempt": job.attempt, "most": most, "problem": job.problem, "doing": job_doing(job.stage),
        "ready": counts.get("ready", 0), "rows": counts.get("rows", 0),
        "problems": problems_counted(job.report), "since": job.lease_until, **saved,
    }  # fmt: skip
    return job_words(job_code(job, at_hand=at_hand, at=at), **params)


def problems_counted(report: Mapping[str, Any]) -> str:
    """How many kinds of fault must be mended before a file can be stored."""
    count = sum(bool(issue["fatal"]) for issue in report.get("issues", ()))
    return f"{count} kind of problem" if count == 1 else f"{count} kinds of problem"
