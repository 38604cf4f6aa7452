"""The gate before calamine: looks through a workbook as a stream and refuses what would break the parser.

calamine holds the whole area from the first to the last filled cell of a sheet in memory, so one stray cell in the last
corner costs hundreds of gigabytes. The guard reads every part of the archive once, in chunks: real sizes against
declared ones, filled cells and the corner they reach. The ``dimension`` a sheet declares is not believed either way:
programs overstate it, attackers understate it; only cell references count. What the guard cannot see (one long shared
text in many cells) the limits on the child process stop.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO
from xml.parsers import expat

from surveys.errors import ReadingError
from surveys.reading.limits import Limits

CHUNK = 256 * 1024
PARTS = 10_000
LOCAL_HEADER = struct.Struct("<4s22xHH")
ENCRYPTED = 0x1
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
REFERENCE = re.compile(r"([A-Za-z]{1,7})([0-9]{1,10})\Z")
COMMON_CELL = re.compile(rb'<(?:x:)?c r="([A-Z]{1,7})([0-9]{1,10})"')
ANY_CELL = re.compile(rb"<(?:[^\s<>/!?:]+:)?c[\s/>]")
LONGEST_TAG = 1024**2
WORKBOOK = "xl/workbook.xml"
LETTERS = 26
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OverflowError, ValueError, OSError, RuntimeError)


def guard(stream: BinaryIO, *, name: str, limits: Limits) -> None:
    """Refuse an XLSX that is locked, broken, or larger than it looks.

    Raises
    ------
    ReadingError
        With what was found, where, and the remedy.
    """
    with opened(stream, broken(name)) as parts:
        _check_directory(parts, name=name, limits=limits)
        for part in parts:
            _check_part(stream, part, name=name, limits=limits)


@contextmanager
def opened(stream: BinaryIO, damaged: ReadingError) -> Iterator[list[zipfile.ZipInfo]]:
    """Parts of an archive while they are looked through; whatever shows damage is refused in the given sentence."""
    try:
        stream.seek(0)
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
        yield parts
    except DAMAGE:
        raise damaged from None


def guard_old(stream: BinaryIO, *, name: str, limits: Limits) -> None:  # noqa: ARG001 - called like the others
    """Refuse an encrypted workbook, which hides in the container format of old XLS files."""
    stream.seek(0)
    if holds(iter(lambda: stream.read(CHUNK), b""), ENCRYPTED_PACKAGE):
        raise locked(name)


def broken(name: str) -> ReadingError:
    """Sentence for a workbook that cannot be opened."""
    return ReadingError(
        f"{name} is not a whole workbook (cut off, damaged or another kind of file); "
        "open it in a spreadsheet program and save it as XLSX, or export it again."
    )


def locked(name: str) -> ReadingError:
    """Sentence for a workbook under a password."""
    return ReadingError(f"{name} is locked with a password; save a copy without one and choose that copy.")


def check_parts(parts: list[zipfile.ZipInfo], *, name: str, limits: Limits) -> None:
    """Refuse parts that are locked, stand twice, or declare that they unpack to more than the limit."""
    if any(part.flag_bits & ENCRYPTED for part in parts):
        raise locked(name)
    if len({part.filename.lower() for part in parts}) < len(parts) or len(parts) > PARTS:
        raise zipfile.BadZipFile
    if sum(part.file_size for part in parts) > limits.unpacked_bytes:
        raise ReadingError(
            f"{name} unpacks to more than {limits.unpacked_bytes:,} bytes; export it as CSV, or in smaller parts."
        )


def unpack(stream: BinaryIO, part: zipfile.ZipInfo, *, name: str) -> Iterator[bytes]:
    """Bytes of a part, in chunks, as they really unpack; never more than it declares."""
    size = 0
    for chunk in _inside(stream, part):
        size += len(chunk)
        if size > part.file_size:
            raise ReadingError(
                f"{name} declares {part.filename} smaller than it is, which no program does; export it again."
            )
        yield chunk


def holds(chunks: Iterable[bytes], mark: bytes) -> bool:
    """Whether a mark stands anywhere in a stream, also across two chunks."""
    carried = b""
    for chunk in chunks:
        if mark in carried + chunk:
            return True
        carried = (carried + chunk)[-len(mark) :]
    return False


def _check_directory(parts: list[zipfile.ZipInfo], *, name: str, limits: Limits) -> None:
    if WORKBOOK not in {part.filename.lower() for part in parts}:
        raise ReadingError(
            f"{name} is an archive but not an Excel workbook (.xlsx); "
            "unpack it and choose the CSV or XLSX inside, or save the sheet as XLSX."
        )
    check_parts(parts, name=name, limits=limits)


def _check_part(stream: BinaryIO, part: zipfile.ZipInfo, *, name: str, limits: Limits) -> None:
    glance = _Glance()
    for chunk in unpack(stream, part, name=name):
        glance.feed(chunk)
        if glance.cells > limits.cells:
            raise _crowded(name, part.filename, limits)
    if glance.odd or glance.last_row * glance.last_column > limits.cells:
        look = _Look(part.filename, name=name, limits=limits)
        for chunk in unpack(stream, part, name=name):
            look.feed(chunk, final=False)
        look.feed(b"", final=True)


def _crowded(name: str, part: str, limits: Limits) -> ReadingError:
    return ReadingError(
        f"{name} has a sheet ({part}) of more than {limits.cells:,} cells; export it as CSV, or in smaller parts."
    )


def _inside(stream: BinaryIO, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Bytes of a part as they really unpack: zipfile itself would stop at the declared size."""
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile
    stream.seek(part.header_offset)
    signature, name_length, extra_length = LOCAL_HEADER.unpack(stream.read(LOCAL_HEADER.size))
    if signature != b"PK\x03\x04":
        raise zipfile.BadZipFile
    stream.seek(name_length + extra_length, 1)
    packed = _take(stream, part.compress_size)
    yield from packed if part.compress_type == zipfile.ZIP_STORED else _inflate(packed)


def _take(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0:
        chunk = stream.read(min(size, CHUNK))
        if not chunk:
            raise EOFError
        size -= len(chunk)
        yield chunk


def _inflate(packed: Iterator[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for chunk in packed:
        rest = chunk
        while rest and not inflater.eof:
            yield inflater.decompress(rest, CHUNK)
            rest = inflater.unconsumed_tail
    yield inflater.flush()
    if not inflater.eof:
        raise EOFError


class _Glance:
    """Quick count of the cells of a part as every common program writes them; what is written otherwise is odd.

    Several times faster than a parser. It cannot be deceived into silence: a tag that might be a cell and does not look
    like the common kind makes the part odd, and then the parser looks.
    """

    def __init__(self) -> None:
        self.cells = self.last_row = self.last_column = 0
        self.odd = False
        self.carried = b""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, whole tags only; the beginning of a tag waits for its end."""
        text = self.carried + chunk
        cut = text.rfind(b"<")
        if cut == 0 and len(text) > LONGEST_TAG:
            self.odd = True
        self.carried = text[cut:] if cut >= 0 and not self.odd else b""
        body = text[:cut] if cut >= 0 else b""
        found = COMMON_CELL.findall(body)
        cells = len(ANY_CELL.findall(body))
        self.cells += cells
        self.odd |= len(found) != cells or b"<!DOCTYPE" in body
        for letters in {letters for letters, _ in found}:
            self.last_column = max(self.last_column, column_number(letters.decode()))
        self.last_row = max(self.last_row, max((int(number) for _, number in found), default=0))


class _Look:
    """Parses one part with expat and keeps the counts of its cells; holds a parser, so it is a class."""

    def __init__(self, part: str, *, name: str, limits: Limits) -> None:
        self.part, self.name, self.limits = part, name, limits
        self.row = self.column = self.last_row = self.last_column = self.cells = 0
        self.sheet = self.foreign = False
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, chunk: bytes, *, final: bool) -> None:
        """Take the next bytes; what turns out to be no XML and no sheet (pictures, drawings) is left alone."""
        if self.foreign:
            return
        try:
            self.parser.Parse(chunk, final)
        except expat.ExpatError:
            if self.sheet:
                raise broken(self.name) from None
            self.foreign = True
        self._check()

    def _doctype(self, *_: object) -> None:
        raise ReadingError(f"{self.name} declares XML entities, which no spreadsheet program does; export it again.")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        element = tag.rpartition(":")[2]
        if element == "c":
            self._cell(attributes.get("r"))
        elif element in ("v", "is"):
            # A cell without a value is formatting only; calamine leaves it out, so it does not stretch the area.
            self.last_row = max(self.last_row, self.row)
            self.last_column = max(self.last_column, self.column)
        elif element == "row":
            self.row, self.column = int(attributes.get("r", self.row + 1)), 0
        elif element == "worksheet":
            self.sheet = True

    def _cell(self, reference: str | None) -> None:
        self.cells += 1
        if reference is None:
            self.column += 1
            return
        found = REFERENCE.match(reference)
        if found is None:
            raise broken(self.name)
        self.column, self.row = column_number(found[1]), int(found[2])

    def _check(self) -> None:
        area = self.last_row * self.last_column
        if self.cells > self.limits.cells:
            raise _crowded(self.name, self.part, self.limits)
        if area > self.limits.cells:
            raise ReadingError(
                f"{self.name} has a sheet ({self.part}) with a filled cell as far as row {self.last_row:,}, column "
                f"{self.last_column:,}, an area of {area:,} cells where {self.limits.cells:,} are read; "
                "delete the stray cells beyond the table, or export it as CSV."
            )


def column_number(letters: str) -> int:
    """Number of a column from its letters: A is 1, XFD is 16,384."""
    number = 0
    for letter in letters.upper():
        number = number * LETTERS + ord(letter) - ord("A") + 1
    return number
