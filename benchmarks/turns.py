"""How long does the server take to answer when a control of a page is turned?

Every choice of every list and row of buttons of a page is made in turn, the others as they are, and the run of the page
is timed: the first time somebody makes this choice, and again. Beside it the run of an empty page with one control, in
the same process. Over the demo; with `--respondents N` over a survey of N respondents too, drawn from the demo's
answers, stored by the store's own door and published: there every step is timed, since pages read releases alone and
steps that grow come before.

    python benchmarks/turns.py [--store sqlite:////path.db] [--stored 1000000]
        [--respondents 30000 | --million] [--rounds 3]
"""

import argparse
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import settings
from app.workflow import demo, fieldwork, publishing, releases
from surveys import simulate
from surveys.checking import Responses
from surveys.questionnaire import Questionnaire
from surveys.reading import Limits
from surveys.store import Store, SurveyRow, open_store

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("explore", "trends", "items", "what_if", "soundness", "compare", "chain", "effects", "drivers", "results")
AIM = 300.0  # milliseconds of the server, warm
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MOST = 12  # choices of one control
SURVEY = "many"
EMPTY = "import streamlit as st\n\nst.selectbox('Choice', ['one', 'two', 'three'])\n"
MILLION = 1_000_000


@dataclass
class Turns:
    """Milliseconds of the runs of one page: of first and later turns, and of the processor in them."""

    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    worked_first: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    seen: set[str] = field(default_factory=set)

    def add(self, option: str, taken: float, worked: float) -> None:
        """Take in a turn of the control that is being turned."""
        if option not in self.seen:
            self.seen.add(option)
            self.first.append(taken)
            self.worked_first.append(worked)
            return
        self.again.append(taken)
        self.worked.append(worked)
        self.slowest = max(self.slowest, (taken, option[:30]))

    def close(self) -> None:
        """The control is done; another may offer the same words."""
        self.seen.clear()

    def row(self, page: str, empty: float) -> tuple[object, ...]:
        if not self.again:
            return (page, 0)
        under = 100 * statistics.mean(taken < AIM for taken in self.again)
        parts = (self.again, self.worked, self.first, self.worked_first)
        warm, worked, cold, worked_first = (statistics.median(times) for times in parts)
        return (
            page, len(self.first), warm, worked, max(self.again), under, warm / empty, cold, worked_first,
            max(self.worked_first), self.slowest[1],
        )  # fmt: skip


COLUMNS = [
    "page", "choices", "ms", "processor", "most", "% under 300", "empty pages", "first", "processor, first",
    "most of it", "slowest",
]  # fmt: skip


def timed(at: AppTest) -> tuple[float, float]:
    """Milliseconds of one run of the script, elements taken in, by the clock and of the processor.

    An error of the page is an error here.
    """
    start, worked = time.perf_counter(), time.process_time()
    at.run()
    taken, worked = 1000 * (time.perf_counter() - start), 1000 * (time.process_time() - worked)
    if at.exception:
        raise AssertionError(at.exception[0].message)
    return taken, worked


def opened(page: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=600)
    at.run()
    at.switch_page(f"app/pages/{page}.py")
    timed(at)
    return at


def controls(at: AppTest) -> list[tuple[str, int, list[str]]]:
    """Every control of one choice that is open: its kind, number and what may be chosen, in the words of the page."""
    found = []
    for kind in ("selectbox", "button_group"):
        for number, widget in enumerate(at.get(kind)):
            several = kind == "button_group" and not widget._is_single_select  # noqa: SLF001 - it has no public name
            if not several and not getattr(widget, "disabled", False) and widget.options[1:]:
                found.append((kind, number, list(widget.options[:MOST])))
    return found


def turned(page: str, rounds: int) -> Turns:
    """Every choice of every control, once and then `rounds` times again; other controls as they are at first."""
    found = Turns()
    for kind, number, options in controls(opened(page)):
        at = opened(page)
        for option in options * (rounds + 1):
            if len(at.get(kind)) <= number or option not in at.get(kind)[number].options:
                at = opened(page)  # an earlier choice took this control away
            at.get(kind)[number].set_value(option)
            found.add(option, *timed(at))
        found.close()
    return found


def empty_page(rounds: int) -> float:
    """Milliseconds of a page with one control and nothing else."""
    at = AppTest.from_string(EMPTY)
    at.run()
    times = []
    for number in range(5 * rounds):
        at.selectbox[0].set_value(("one", "two", "three")[number % 3])
        times.append(timed(at)[0])
    return statistics.median(times)


def pages(url: str, rounds: int, only: Sequence[str]) -> pd.DataFrame:
    """Every page that there is, over the store of this address."""
    os.environ["SARHAD_DATABASE_URL"] = url
    st.cache_resource.clear()
    st.cache_data.clear()
    empty = empty_page(rounds)
    rows = [("an empty page", 3, empty), *(turned(page, rounds).row(page, empty) for page in only)]
    return pd.DataFrame([[*row, *[None] * (len(COLUMNS) - len(row))] for row in rows], columns=COLUMNS)


# --- a survey of many respondents


class Steps:
    """Seconds between one thing told and the next."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, float]] = []
        self._since, self._name = time.perf_counter(), ""

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        if self._name:
            self.rows.append((self._name, now - self._since))
            print(f"  {now - self._since:8.1f} s  {self._name}", flush=True)
        self._since, self._name = now, name


def fill(store: Store, respondents: int) -> Steps:
    """A survey of so many respondents in two waves, resampled from the demo's answers, stored and published."""
    steps, waves = stored(store, respondents), demo.WAVES[-2:]
    steps("preparing")
    number = publishing.prepare(store, SURVEY, waves=waves, who="benchmark", at=NOON, progress=steps)
    steps("publishing")
    for role, who in demo.SIGNERS.items():
        releases.sign(store, SURVEY, number, role=role, ticked=tuple(releases.CHECKLIST[role]), who=who, at=NOON)
    releases.publish(store, SURVEY, number, who="benchmark", at=NOON, uncommented="invented answers")
    steps("")
    return steps


def stored(store: Store, respondents: int) -> Steps:
    """The same as drafts: their answers lie in the store, and nothing of them is published."""
    steps, waves = Steps(), demo.WAVES[-2:]
    questionnaire = fieldwork.instrument("traveller")
    truth = simulate.Truth.from_toml((settings.DEMO / "truth.toml").read_text(encoding="utf-8"))
    rng = np.random.default_rng(1)
    for wave in waves:
        steps(f"drawing wave {wave}")
        answers = _resampled(questionnaire, truth, wave, respondents // len(waves), rng)
        steps(f"storing wave {wave}")
        title = SurveyRow(SURVEY, f"{respondents:,} respondents", True, "")
        store.save(
            answers, survey_id=SURVEY, wave=wave, sha256=f"{int(wave):064x}", filename=f"{wave}.csv", who="benchmark",
            at=NOON, new_survey=title if wave == waves[0] else None,
        )  # fmt: skip
    steps("")
    return steps


def _resampled(
    questionnaire: Questionnaire, truth: simulate.Truth, wave: str, size: int, rng: np.random.Generator
) -> Responses:
    """Coded answers of a wave of the demo, each drawn many times under uuids of their own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.csv"
        simulate.draw(questionnaire, truth, wave=wave, seed=int(wave)).to_csv(path, index=False, sep=";")
        given = fieldwork.check_file(path, questionnaire=questionnaire, limits=Limits()).report.responses
    assert given is not None, "the demo's file is sound"
    frame = given.frame.iloc[rng.integers(len(given.frame), size=size)].reset_index(drop=True)
    codes = rng.bytes(16 * size)
    frame["uuid"] = [str(uuid.UUID(bytes=codes[at : at + 16], version=4)) for at in range(0, len(codes), 16)]
    return replace(given, frame=frame)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", help="a store with the demo; by default one is filled")
    parser.add_argument(
        "--respondents", type=int, default=0, help="of a second survey that is drawn, stored, published"
    )
    parser.add_argument("--million", action="store_true", help="a million of them")
    parser.add_argument("--stored", type=int, default=0, help="respondents of drafts in the store of the demo")
    parser.add_argument("--rounds", type=int, default=3, help="turns of every choice after the first")
    parser.add_argument("--only", nargs="+", choices=PAGES, default=PAGES, help="some pages")
    given = parser.parse_args()
    size = MILLION if given.million else given.respondents
    with (
        tempfile.TemporaryDirectory() as folder,
        pd.option_context("display.width", 200, "display.float_format", "{:.1f}".format),
    ):
        url = given.store or f"sqlite:///{Path(folder) / 'demo.db'}"
        if not given.store:
            filled = open_store(url)
            demo.fill(filled, at=NOON, progress=lambda _: None)
            filled.close()
        if given.stored:
            print(f"\nDrafts of {given.stored:,} respondents in the store of the demo")
            filled = open_store(url)
            stored(filled, given.stored)
            filled.close()
        table = pages(url, given.rounds, given.only)
        print(f"\nA control is turned: the demo\n{table.to_string(index=False, na_rep='')}", flush=True)
        if size:
            print(f"\nA survey of {size:,} respondents in two waves")
            url = f"sqlite:///{Path(folder) / 'many.db'}"
            filled = open_store(url)
            fill(filled, size)
            filled.close()
            table = pages(url, given.rounds, given.only)
            print(f"\nA control is turned: {size:,} respondents\n{table.to_string(index=False, na_rep='')}")


if __name__ == "__main__":
    main()
