"""Reads folders of reference figures: one test per case, ids as in the files, the tally printed at the end."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
COMMITTED = HERE / "data"
BESIDE = Path(os.environ.get("SARHAD_REFERENCE", HERE.parents[2] / "shared")) / "oracles"
TALLY = {"passed": 0, "failed": 0, "skipped": 0}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--oracles", default=None, help="folder of reference figures (default: beside the checkout)")


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """Every case of every file of a folder, keyed `file/id`."""
    cases: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content["cases"]
        listed = [{"id": name, **case} for name, case in found.items()] if isinstance(found, dict) else found
        data = content["data"] if isinstance(content.get("data"), str) else ""
        for case in listed:
            shared = {"design": content.get("design", ""), "data": data, "folder": folder}
            cases[f"{path.stem}/{case['id']}"] = shared | case
    return cases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--oracles")
        cases = load(COMMITTED) | load(Path(chosen) if chosen else BESIDE)
        metafunc.parametrize("case", cases.values(), ids=cases.keys())


@pytest.fixture(scope="session")
def committed() -> dict[str, dict[str, Any]]:
    return load(COMMITTED)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "test_figure_of_r" in report.nodeid and (report.when == "call" or report.skipped or report.failed):
        TALLY[report.outcome] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if any(TALLY.values()):
        terminalreporter.write_line(
            f"reference figures of R: {TALLY['passed']} met, {TALLY['failed']} not met, "
            f"{TALLY['skipped']} not yet translated"
        )
