"""The gate before the parser for an archive of CSVs, as ODK Central, SurveyCTO and Ona give a form with repeats.

Only the tables inside are unpacked: attachments are neither counted nor looked at. Names of parts name tables here and
are never paths.
"""

import zipfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from surveys.errors import ReadingError
from surveys.reading import encoding
from surveys.reading.guard import check_parts, opened, unpack
from surveys.reading.kinds import is_table
from surveys.reading.limits import Limits


@dataclass(frozen=True, slots=True)
class Part:
    """A CSV in an archive.

    Attributes
    ----------
    file : str
        Name in the archive.
    sheet : str
        What its table is called: the file's name without folder and ending.
    encoding : str
        Codec of its text.
    """

    file: str
    sheet: str
    encoding: str


def guard(stream: BinaryIO, *, name: str, limits: Limits) -> list[dict[str, str]]:
    """Tables of an archive, with the encoding of each, after all of them were unpacked once and found sound.

    Raises
    ------
    ReadingError
        If the archive is damaged, locked, larger than it says or than the limits, or a table is no text.
    """
    with opened(stream, _damaged(name)) as parts:
        tables = [part for part in parts if is_table(part.filename)]
        check_parts(tables, name=name, limits=limits)
        for part in tables:
            for _ in unpack(stream, part, name=name):
                pass
        return [asdict(part) for part in _described(stream, tables, name=name)]


def _described(stream: BinaryIO, tables: list[zipfile.ZipInfo], *, name: str) -> list[Part]:
    stems = [PurePosixPath(part.filename).stem for part in tables]
    often = Counter(stems)
    described = []
    with zipfile.ZipFile(stream) as archive:
        for part, stem in zip(tables, stems, strict=True):
            with archive.open(part) as text:
                found = encoding.detect(cast("BinaryIO", text), name=f"{name} ({stem})")
            described.append(Part(part.filename, stem if often[stem] == 1 else part.filename, found.name))
    return described


def _damaged(name: str) -> ReadingError:
    return ReadingError(f"{name} is not a whole archive (cut off or damaged); export it again.")
