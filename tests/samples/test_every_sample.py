"""Every file of the samples: read with as many rows and columns as another reader counts, or refused in a sentence.

The other readers are openpyxl, xlrd and a plain loop over Python's csv, none of which reads tables in the product.
The dozen that `make test` takes has a file of each kind; SARHAD_ENDURANCE=1 takes all and writes the table of outcomes.
"""

import csv
import io
import os
import re
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath

import openpyxl
import pytest
import xlrd

from surveys.errors import ReadingError
from surveys.reading import sheets

pytestmark = [pytest.mark.samples, pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")]

ROOT = Path(__file__).resolve().parents[2]
TABLE_OF_OUTCOMES = ROOT / "var" / "samples.csv"

DOZEN = (
    "kobo-formpack-exports/grouped_translated__lbl_Español.csv",
    "kobo-formpack-exports/nested_grouped_repeatable__xml.xlsx",
    "kobo-formpack-exports/restaurant_profile__xml_groups_details.csv",
    "ona-exports/viewer__transportation_labels_only.csv",
    "ona-exports/logger__spss_children.sav",
    "odk-central/audit.csv",
    "correlaid-limesurvey/all_types_survey.tsv",
    "limesurvey-lss/survey.lss",
    "list-experiments/mexico.tab",
    "unhcr-kobocruncher-sample/data.xlsx",
    "wb-lpi/raw_data.zip",
    "wjp-gpp-sample/gpp-sample.dta",
    "xlsform-pyxform/widgets.xls",
)

TABLES = {".csv", ".tsv", ".tab", ".xlsx", ".xlsm", ".xls", ".zip"}

#: Files of a kind that is read, and why these are refused.
REFUSED = {
    "kobo-formpack-exports/restaurant_profile__xml_groups_details.csv": "answers stand behind the last name",
    "list-experiments/mexico.tab": "R wrote the names of its rows under no name",
    "xlsform-pyxform/case_insensitivity.csv": "a form with its sheets below one another",
    "xlsform-pyxform/extra_columns.xls": "filled cells in the last row and column of a sheet",
    "xlsform-pyxform/gps.csv": "a form with its sheets below one another",
}

Shapes = dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: shapes of its tables as we and as another reader count them, or why it was refused."""

    file: str
    outcome: str
    tables: int
    rows: int
    columns: int
    counted_rows: int
    counted_columns: int
    seconds: float
    sentence: str

    @property
    def right(self) -> bool:
        return (self.rows, self.columns) == (self.counted_rows, self.counted_columns)


# Other readers --------------------------------------------------------------------------------------------------------


def shape(rows: Iterable[Iterable[object]]) -> tuple[int, int]:
    """Filled rows below the first, and columns from the first that is filled to the last."""
    texts = [["" if cell is None else str(cell).strip() for cell in row] for row in rows]
    columns = {at for row in texts for at, cell in enumerate(row) if cell}
    return sum(any(row) for row in texts) - 1, max(columns) - min(columns) + 1 if columns else 0


def text_shape(data: bytes) -> tuple[int, int]:
    """Shape of a CSV, cut at what follows its first quoted cell, or else at what its first line holds most often."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252")
    after_quotes = re.match(r'(?:"[^"]*")+([,;\t])', text)
    header = text.partition("\n")[0]
    delimiter = after_quotes[1] if after_quotes else max(",;\t", key=header.count)
    return shape(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def workbook_shapes(path: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)  # noqa: TID251 - the other reader
    for sheet in book.worksheets:
        sheet.reset_dimensions()
        yield sheet.title, shape([None if c.data_type == "e" else c.value for c in row] for row in sheet.iter_rows())
    book.close()


def old_shapes(path: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for sheet in xlrd.open_workbook(path, logfile=io.StringIO()).sheets():
        yield sheet.name, shape(sheet.row_values(row) for row in range(sheet.nrows))


def archive_shapes(path: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            if part.endswith(".csv"):
                yield PurePosixPath(part).stem, text_shape(archive.read(part))


def counted(path: Path) -> Shapes:
    """Shapes of all tables with a filled cell, as another reader finds them."""
    kind = path.suffix.lower()
    if kind in {".xlsx", ".xlsm"}:
        shapes = dict(workbook_shapes(path))
    elif kind == ".xls":
        shapes = dict(old_shapes(path))
    elif kind == ".zip":
        shapes = dict(archive_shapes(path))
    else:
        shapes = {"": text_shape(path.read_bytes())}
    return {name: found for name, found in shapes.items() if found[1]}


# The product ----------------------------------------------------------------------------------------------------------


def outcome(path: Path, folder: Path) -> Outcome:
    started = time.monotonic()
    file = path.relative_to(folder).as_posix()
    try:
        found = {name: table.frame.shape for name, table in sheets(path).items()}
    except ReadingError as error:
        return Outcome(file, "refused", 0, 0, 0, 0, 0, time.monotonic() - started, str(error))
    seconds = time.monotonic() - started
    other = counted(path)
    assert found.keys() == other.keys(), file
    ours, theirs = ([sum(sizes) for sizes in zip(*shapes.values(), strict=True)] or [0, 0] for shapes in (found, other))
    unlike = "; ".join(f"{name}: {found[name]}, counted {other[name]}" for name in found if found[name] != other[name])
    return Outcome(file, "read", len(found), *ours, *theirs, seconds, unlike)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def is_clear(sentence: str, name: str) -> bool:
    """A sentence that names the file, says what is wrong and what to do, and is not the last resort."""
    last = ("could not be read to its end", "takes longer to read", "needs more memory")
    return (
        sentence.startswith(name)
        and sentence.endswith(".")
        and "; " in sentence
        and not any(words in sentence for words in last)
    )


@pytest.fixture(scope="module")
def folder(reference: Path) -> Path:
    return reference / "samples"


@pytest.mark.parametrize("file", DOZEN)
def test_a_file_of_each_kind_is_read_with_the_counts_of_another_reader_or_refused_in_a_sentence(
    file: str, folder: Path
) -> None:
    found = outcome(folder / file, folder)
    assert found.right, found.sentence
    assert found.outcome == "read" or is_clear(found.sentence, Path(file).name), found.sentence


@pytest.mark.skipif(os.environ.get("SARHAD_ENDURANCE") != "1", reason="all samples take minutes (make endurance)")
def test_every_sample_is_read_with_the_counts_of_another_reader_or_refused_in_a_sentence(folder: Path) -> None:
    outcomes = [outcome(path, folder) for path in files(folder)]
    TABLE_OF_OUTCOMES.parent.mkdir(exist_ok=True)
    with TABLE_OF_OUTCOMES.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Outcome)])
        writer.writeheader()
        writer.writerows(asdict(found) | {"seconds": f"{found.seconds:.2f}"} for found in outcomes)
    assert len(outcomes) > 300
    tables = {found.file for found in outcomes if PurePosixPath(found.file).suffix in TABLES}
    assert {found.file for found in outcomes if found.outcome == "refused"} & tables == set(REFUSED)
    assert [found for found in outcomes if not found.right] == []
    refused = [found for found in outcomes if found.outcome == "refused"]
    assert [found for found in refused if not is_clear(found.sentence, PurePosixPath(found.file).name)] == []
