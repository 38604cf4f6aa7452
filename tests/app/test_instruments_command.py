"""`sarhad instrument`: what a team takes to the field, written to files."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app import settings
from app.cli.instruments import app
from surveys import papers, xlsform
from surveys.errors import InstrumentError
from surveys.reading import read, sheets

BLOCK = settings.INSTRUMENTS / "blocks" / "list_experiment"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_template_holds_the_headers_and_nothing_else(ending: str, tmp_path: Path) -> None:
    out = tmp_path / f"empty.{ending}"
    assert run("template", "nonuser", "--out", out).exit_code == 0
    table = sheets(out)["data"] if ending == "xlsx" else read(out)
    assert table.columns == papers.template(xlsform.load(settings.INSTRUMENTS / "nonuser"))
    assert table.frame.empty


def test_a_codebook_is_a_workbook_of_four_sheets_or_one_table(tmp_path: Path) -> None:
    assert run("codebook", "nonuser", "--out", tmp_path / "book.xlsx").exit_code == 0
    assert run("codebook", "nonuser", "--out", tmp_path / "book.csv").exit_code == 0
    assert set(sheets(tmp_path / "book.xlsx")) == {"questions", "choices", "design", "missing"}
    assert "choice_label::English (en)" in read(tmp_path / "book.csv").columns


def test_a_paper_form_is_written_of_a_folder_too(tmp_path: Path) -> None:
    out = tmp_path / "paper.html"
    done = run("paper", BLOCK, "--language", "en", "--out", out)
    assert (done.exit_code, "is written" in done.output) == (0, True)
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_without_a_name_the_file_is_called_after_the_instrument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("template", "codebook", "paper"):
        assert run(command, "officer").exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "officer_template.xlsx", "officer_codebook.xlsx", "officer_paper.html",
    }  # fmt: skip


def test_a_file_of_another_kind_is_a_wrong_call(tmp_path: Path) -> None:
    done = run("codebook", "officer", "--out", tmp_path / "book.pdf")
    assert done.exit_code == 2
    assert "ends in .csv or .xlsx" in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_language_that_is_not_there_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    done = run("paper", "officer", "--language", "xx", "--out", tmp_path / "paper.html")
    assert isinstance(done.exception, InstrumentError)
    assert list(tmp_path.iterdir()) == []


def test_build_and_check_serve_names_and_folders(tmp_path: Path) -> None:
    assert run("build", BLOCK, "--out", tmp_path / "block.xlsx").exit_code == 0
    assert "5 questions, no fault found" in run("check", tmp_path / "block.xlsx").output
    assert "no fault found" in run("check", "nonuser").output
