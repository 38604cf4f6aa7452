"""Which encoding the text of a file is in; the whole file is looked at, never only its beginning."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from charset_normalizer import from_bytes

from surveys.errors import ReadingError

CHUNK = 1024**2
SAMPLE = 256 * 1024
# utf-32-le begins with the two bytes of utf-16-le: longer marks first.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LATIN = "cp1252"
# What office programs write on Cyrillic and Arabic-script systems.
FOREIGN = ["cp1251", "cp1256"]
ACCENTED = re.compile(rb"[A-Za-z][\xc0-\xff]|[\xc0-\xff][A-Za-z]")
BESIDE = re.compile(rb"[\xc0-\xff]{2}")
# Tab, line ends, form feed, and the end-of-file mark of DOS.
HARMLESS = frozenset(b"\t\n\r\x0c\x1a")
ONE_IN = 200


@dataclass(frozen=True, slots=True)
class Encoding:
    """A Python codec name, and whether the file opens with a byte-order mark."""

    name: str
    marked: bool


def detect(stream: BinaryIO, *, name: str) -> Encoding:
    """Encoding of a text.

    A byte-order mark decides; else valid UTF-8 is UTF-8; else one of the three code pages that office programs write
    on Latin, Cyrillic and Arabic-script systems, whichever its letters fit.

    Raises
    ------
    ReadingError
        When the bytes are no text, or a text that no encoding explains.
    """
    start = _first(stream, 4)
    mark = next((encoding for mark, encoding in MARKS if start.startswith(mark)), None)
    if mark is not None and mark != "utf-8-sig":
        return Encoding(mark, marked=True)
    sample = _first(stream, SAMPLE)
    wide = _unmarked_utf16(sample)
    if wide is not None:
        return Encoding(wide, marked=False)
    _refuse_binary(sample, name=name)
    _refuse_nul(stream, name=name)
    if _is_utf8(stream):
        return Encoding(mark or "utf-8", marked=mark is not None)
    return Encoding(_code_page(stream, name=name), marked=False)


def _first(stream: BinaryIO, size: int) -> bytes:
    stream.seek(0)
    return stream.read(size)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    stream.seek(0)
    while chunk := stream.read(CHUNK):
        yield chunk


def _unmarked_utf16(sample: bytes) -> str | None:
    """UTF-16 without a mark: in text of any language the separators alone leave a zero in every other byte."""
    pairs = len(sample) // 2
    low, high = sample[0 : 2 * pairs : 2].count(0), sample[1 : 2 * pairs : 2].count(0)
    if high > pairs // 10 and low == 0:
        return "utf-16-le"
    if low > pairs // 10 and high == 0:
        return "utf-16-be"
    return None


def _refuse_binary(sample: bytes, *, name: str) -> None:
    control = sum(sample.count(byte) for byte in range(32) if byte not in HARMLESS)
    if control * ONE_IN > len(sample):
        raise ReadingError(
            f"{name} is not text: it holds bytes that no table has; "
            "export the survey as CSV or XLSX and choose that file."
        )


def _refuse_nul(stream: BinaryIO, *, name: str) -> None:
    lines = 1
    for chunk in _chunks(stream):
        position = chunk.find(b"\0")
        if position >= 0:
            lines += chunk.count(b"\n", 0, position)
            raise ReadingError(
                f"{name} holds a zero byte on line {lines}, so it was damaged on its way; export or copy it again."
            )
        lines += chunk.count(b"\n")


def _is_utf8(stream: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(stream):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _code_page(stream: BinaryIO, *, name: str) -> str:
    sample = _telling_lines(stream)
    text = sample.decode("utf-8", errors="replace")
    wrong = text.count("\ufffd")
    foreign = sum(character > "\x7f" for character in text) - wrong
    # A text in a code page is hardly ever valid UTF-8 by chance: mostly valid means UTF-8 with a damaged place.
    if foreign > 4 * wrong:
        raise ReadingError(
            f"{name} is UTF-8 text with damaged letters ({wrong} or more); "
            "export it again, or save it as 'CSV UTF-8' after mending them."
        )
    # An accented Latin letter stands among plain ones; letters of another script stand beside each other.
    if len(BESIDE.findall(sample)) <= len(ACCENTED.findall(sample)):
        return LATIN
    best = from_bytes(sample, cp_isolation=FOREIGN).best()
    if best is None:
        raise ReadingError(
            f"{name} is in an encoding that was not recognised; save it as 'CSV UTF-8' and choose it again."
        )
    return best.encoding


def _telling_lines(stream: BinaryIO) -> bytes:
    """Lines with letters beyond ASCII, up to a sample: the others say nothing about the encoding."""
    stream.seek(0)
    lines: list[bytes] = []
    size = 0
    while size < SAMPLE and (line := stream.readline(CHUNK)):
        if not line.isascii():
            lines.append(line)
            size += len(line)
    return b"".join(lines)
