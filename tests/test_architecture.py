"""What import-linter and ruff cannot see: the shape of the checkout, `streamlit_app.py`, and lengths."""

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("app", "scoring", "surveys")
TOP_FOLDERS = {*PACKAGES, "benchmarks", "data", "docs", "requirements", "static", "tests"}
TOP_FILES = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "pyproject.toml",
    "streamlit_app.py",
}
ENTRY = ROOT / "streamlit_app.py"
CODE = [ENTRY, *sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))]
ALL_CODE = [*CODE, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py"))]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in ALL_CODE}
SCORING = [path for path in CODE if path.is_relative_to(ROOT / "scoring")]
PAGES = [path for path in CODE if path.is_relative_to(ROOT / "app" / "pages")]

#: One technology, one home: what may be imported only below these.
HOMES = {
    "streamlit": ("streamlit_app.py", "app/pages/", "app/session/", "app/server.py"),
    "sqlalchemy": ("surveys/store/",),
    "alembic": ("surveys/store/",),
    "altair": ("app/charts/",),
    "typer": ("app/cli",),
    "rich": ("app/cli",),
}
ENGINE_LIBRARIES = {"narwhals", "numpy", "pandas", "scipy", "statsmodels"}
#: Parts of the standard library that reach outside the process, look at the clock or draw chance.
IMPURE = {
    "asyncio",
    "glob",
    "http",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "time",
    "urllib",
    "uuid",
}
IMPURE_CALLS = {"default_rng", "now", "open", "print", "seed", "today", "utcnow"}
MODULE_LINES = 400
PAGE_LINES = 120
FUNCTION_LINES = 40
ENTRY_LINES = 40


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def imports(path: Path) -> set[str]:
    """Modules that a file imports, in full, also inside functions."""
    nodes = list(ast.walk(TREES[path]))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def relative_imports(path: Path) -> list[int]:
    return [node.lineno for node in ast.walk(TREES[path]) if isinstance(node, ast.ImportFrom) and node.level]


def roots(path: Path) -> set[str]:
    return {module.partition(".")[0] for module in imports(path)}


def calls(path: Path) -> Iterator[tuple[str, int]]:
    """Names of what a file calls, without what stands before the last dot."""
    functions = ((node.func, node.lineno) for node in ast.walk(TREES[path]) if isinstance(node, ast.Call))
    return ((getattr(function, "attr", getattr(function, "id", "")), line) for function, line in functions)


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function after its signature and docstring: options and formulas may be long, code may not."""
    first, *rest = function.body
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    body = rest if documented else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def ignored(entry: Path) -> bool:
    patterns = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    return any(fnmatch(entry.name, pattern.strip("/")) for pattern in patterns)


def test_the_top_level_holds_the_agreed_folders_and_files_and_nothing_else() -> None:
    seen = [entry for entry in ROOT.iterdir() if not entry.name.startswith(".") and not ignored(entry)]
    assert {entry.name for entry in seen if entry.is_dir()} - TOP_FOLDERS == set()
    assert {entry.name for entry in seen if entry.is_file()} ^ TOP_FILES == set()


def test_the_top_level_packages_are_app_scoring_and_surveys() -> None:
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(PACKAGES)


def test_data_holds_no_code() -> None:
    assert [name(path) for path in (ROOT / "data").rglob("*.py")] == []


def test_no_init_file_below_tests_shadows_a_package() -> None:
    assert [name(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


@pytest.mark.parametrize("technology", HOMES)
def test_each_technology_has_one_home(technology: str) -> None:
    users = [name(path) for path in CODE if technology in roots(path)]
    assert [user for user in users if not user.startswith(HOMES[technology])] == []


def test_the_entry_file_imports_streamlit_and_the_app_alone() -> None:
    assert roots(ENTRY) - {"streamlit", "app"} == set()


def test_the_entry_file_stays_short() -> None:
    assert lines(ENTRY) <= ENTRY_LINES


def test_pages_import_neither_one_another_nor_the_packages_below() -> None:
    banned = ("app.pages", "scoring", "surveys")
    found = [(name(path), module) for path in PAGES for module in imports(path) if module.startswith(banned)]
    assert found == []


def test_imports_are_written_in_full() -> None:
    assert [(name(path), relative_imports(path)) for path in CODE if relative_imports(path)] == []


def test_every_page_has_a_render() -> None:
    pages = [path for path in PAGES if path.name != "__init__.py"]
    functions = {path: {node.name for node in TREES[path].body if isinstance(node, ast.FunctionDef)} for path in pages}
    assert [name(path) for path in pages if "render" not in functions[path]] == []


def test_scoring_imports_only_numbers_and_tables() -> None:
    allowed = ENGINE_LIBRARIES | set(sys.stdlib_module_names) - IMPURE | {"scoring"}
    assert [(name(path), module) for path in SCORING for module in roots(path) - allowed] == []


def test_scoring_opens_nothing_prints_nothing_and_asks_no_clock_or_chance_of_its_own() -> None:
    found = [(name(path), line, call) for path in SCORING for call, line in calls(path) if call in IMPURE_CALLS]
    assert found == []


def test_no_raw_html_reaches_a_page() -> None:
    keywords = [(path, node) for path in CODE for node in ast.walk(TREES[path]) if isinstance(node, ast.keyword)]
    assert [(name(path), word.lineno) for path, word in keywords if word.arg == "unsafe_allow_html"] == []


def test_charts_are_drawn_from_finished_specifications() -> None:
    assert [(name(path), line) for path in CODE for call, line in calls(path) if call == "altair_chart"] == []


def test_no_module_is_longer_than_400_lines() -> None:
    assert [(name(path), lines(path)) for path in CODE if lines(path) > MODULE_LINES] == []


def test_no_page_is_longer_than_120_lines() -> None:
    assert [(name(path), lines(path)) for path in PAGES if lines(path) > PAGE_LINES] == []


def test_no_function_has_more_than_40_lines() -> None:
    functions = [
        (name(path), node)
        for path in ALL_CODE
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [(path, node.name, body_lines(node)) for path, node in functions if body_lines(node) > FUNCTION_LINES]
    assert long == []


def pins(lock: str) -> set[str]:
    """Releases of a lock file, with their markers."""
    found = (ROOT / "requirements" / lock).read_text(encoding="utf-8").splitlines()
    return {line.removesuffix("\\").strip() for line in found if "==" in line and not line.startswith((" ", "#"))}


def test_what_is_tested_is_what_runs() -> None:
    assert pins("run.txt") - pins("test.txt") == set()


@pytest.mark.parametrize("lock", ["run.txt", "test.txt", "bench.txt"])
def test_locks_carry_hashes_and_name_no_index(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    assert text.count("==") - text.count(" == ") <= text.count("--hash=sha256:")
    assert [line for line in text.splitlines() if "://" in line or "index-url" in line] == []
