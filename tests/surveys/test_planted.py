"""Sixty personal columns under misleading names and eighty harmless ones under suspicious names, in four files."""

import logging
from collections.abc import Mapping

import pytest

from surveys import checking, privacy
from surveys.checking import Report
from surveys.reading import read
from tests.surveys import planted_files
from tests.surveys import planted_later as later
from tests.surveys.planted import HARMLESS, PLANTED, Column

LOG = logging.getLogger(__name__)  # seen with --log-cli-level=info


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Report]:
    folder = tmp_path_factory.mktemp("exports")
    found = {}
    for name in planted_files.FILES:
        table = read(planted_files.write(name, folder))
        found[name] = checking.check(table, planted_files.form(name.split(".", maxsplit=1)[0], len(table.frame)))
    return found


def dropped(column: Column, reports: Mapping[str, Report]) -> bool:
    """Whether every file that holds the column lists it as dropped."""
    return all(column.name in report.dropped for name, report in reports.items() if name.startswith(column.style))


def named(columns: list[Column]) -> str:
    return ", ".join(f"{column.name} ({column.style})" for column in columns)


def test_the_lists_are_sixty_and_eighty() -> None:
    assert (len(PLANTED), len(HARMLESS)) == (60, 80)
    assert len({(column.style, column.name) for column in (*PLANTED, *HARMLESS)}) == 140


def test_at_least_57_of_60_personal_columns_are_caught(reports: Mapping[str, Report]) -> None:
    missed = [column for column in PLANTED if not dropped(column, reports)]
    LOG.info("caught %d of %d; missed: %s", len(PLANTED) - len(missed), len(PLANTED), named(missed) or "none")
    assert len(missed) <= 3, named(missed)


def test_at_most_2_of_80_harmless_columns_are_lost(reports: Mapping[str, Report]) -> None:
    lost = [
        column
        for column in HARMLESS
        if any(column.name in report.dropped for name, report in reports.items() if name.startswith(column.style))
    ]
    LOG.info("lost %d of %d: %s", len(lost), len(HARMLESS), named(lost) or "none")
    assert len(lost) <= 2, named(lost)


@pytest.mark.parametrize("name", planted_files.FILES)
def test_a_file_with_personal_columns_is_still_ready(name: str, reports: Mapping[str, Report]) -> None:
    assert reports[name].responses is not None
    assert reports[name].counts["ready"] > 150


@pytest.mark.parametrize("name", planted_files.FILES)
def test_answers_of_the_instrument_are_not_dropped(name: str, reports: Mapping[str, Report]) -> None:
    planted = {column.name for column in (*PLANTED, *HARMLESS)}
    others = {header.casefold() for header in reports[name].dropped if header not in planted}
    assert others == {"start", "end", "_submission_time"}


@pytest.mark.parametrize("name", planted_files.FILES)
def test_columns_that_no_question_knows_are_never_stored(name: str, reports: Mapping[str, Report]) -> None:
    responses = reports[name].responses
    assert responses is not None
    strangers = {column.name for column in (*PLANTED, *HARMLESS) if column.asked is None}
    assert strangers.isdisjoint(responses.frame.columns)
    asked = {column.name for column in HARMLESS if column.asked and column.style == name.split(".", maxsplit=1)[0]}
    assert asked <= set(responses.frame.columns)


@pytest.mark.parametrize("name", planted_files.FILES)
def test_questions_whose_cells_are_personal_hold_nothing_in_the_coded_answers(
    name: str, reports: Mapping[str, Report]
) -> None:
    responses = reports[name].responses
    assert responses is not None
    style = name.split(".", maxsplit=1)[0]
    questions = [column.name for column in PLANTED if column.asked and column.style == style]
    assert responses.frame.reindex(columns=questions).isna().all(axis=None)


def test_at_least_60_of_66_columns_invented_later_are_caught() -> None:
    kinds = {name: privacy.by_content(later.column(name, maker)) for name, maker in later.PERSONAL.items()}
    missed = [name for name, kind in kinds.items() if not kind]
    LOG.info("caught %d of %d; missed: %s", len(kinds) - len(missed), len(kinds), ", ".join(missed) or "none")
    assert len(kinds) == 66
    assert len(missed) <= 6, missed


def test_at_most_2_of_49_harmless_columns_invented_later_are_lost() -> None:
    kinds = {name: privacy.by_content(later.column(name, maker)) for name, maker in later.HARMLESS.items()}
    lost = [f"{name}: {kind}" for name, kind in kinds.items() if kind]
    LOG.info("lost %d of %d: %s", len(lost), len(kinds), ", ".join(lost) or "none")
    assert len(kinds) == 49
    assert len(lost) <= 2, lost
