"""What a whole column holds, judged by a sample of its cells: shares of a look, how many differ, how numbers lie."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from surveys import looks

#: With fewer cells than this nothing is judged by how many of them differ.
MANY: Final = 20

_SHORTEST: Final = 6  # signs of a code that names somebody
_PARTS: Final = 8  # words of one
_CHOICES: Final = 50  # different answers on the longest list
_WORDS: Final = 4  # of a sentence
_FEW: Final = 3  # cells that are judged at all
_SAMPLE: Final = 500
_PLACES: Final = np.arange(1, _SAMPLE + 1) * 0.6180339887498949 % 1.0  # spread evenly and in step with nothing
_LONG: Final = 120  # letters of a cell that are looked at
_LIST: Final = 12  # so many different answers may be a list that the form does not have
_ANY: Final = 0.05  # share of cells that can be nothing else
_MOST: Final = 0.6
_NEARLY_ALL: Final = 0.9
_APART: Final = 0.8  # share of different cells among codes that name a person or a thing
_PROSE: Final = 0.3  # and among words
_NAMED: Final = 0.5
_REFRAIN: Final = 0.15

_CLOSE: Final = 0.25
_LEAST_DEGREE: Final = 25.0  # of the region: smaller numbers are more often rates and weights
_MOST_DEGREE: Final = 180.0
_SERIAL: Final = (40_000.0, 55_000.0, 3_700.0)  # 2009 to 2050, within ten years
_UNIX: Final = (1.2e9, 2.5e9, 3.2e8)
_UNIX_MS: Final = (1.2e12, 2.5e12, 3.2e11)
_SHORT_PHONE: Final = 9  # digits
_TIGHT: Final = 1_000_000  # numbers from here on that all lie close together are marks, not counts

_NONE: Final = frozenset(
    {"-", "--", ".", "no", "none", "n/a", "na", "нет", "не", "نه", "99", "999", "98", "-99", "-98"}
)

# Answers that say nothing about who gave them, whatever the question: yes and no, "don't know", small numbers.
_WORD_ANSWER: Final = re.compile(
    r"yes|no|y|n|true|false|dk|don'?t[ _]know|refused|none|n/?a|"
    r"да|нет|не знаю|отказ|ҳа|не|намедонам|بلی|بله|نه|نخیر|نمی ?دانم",
    re.IGNORECASE,
)
_SMALL_NUMBER: Final = re.compile(r"[-+]?\d{1,3}(?:[.,]\d{1,2})?\s?%?")
_WHOLE_NUMBER: Final = re.compile(r"[-+]?\d{1,3}")
_AMOUNT: Final = re.compile(
    r"\D{0,3}(?:\d{1,3}(?:[ .,]\d{3})*(?:[.,]\d+)?\s?|\d+[.,]\d{1,2}\s?|\d{1,6}\s)[^\W\d_]{1,5}\.?"
)
_PARTING: Final = re.compile(r"(?<=\d)[\s./()-]{1,2}(?=\d)")
_GROUPED: Final = re.compile(r"(?<=\d) (?=\d{3}\b)")
_NUMBER: Final = re.compile(r"[-+]?\d{1,40}(?:\.\d+)?(?:e[-+]?\d{1,2})?", re.IGNORECASE)
_CODE: Final = re.compile(r"[a-z0-9_]+")
_LISTED_CODE: Final = re.compile(r"(?!.*\d{3})[^\W_]\w{0,19}")
#: Kinds that no single word without digits can hold.
_NOT_A_WORD: Final = frozenset(
    {looks.PHONE, looks.EMAIL, looks.DOCUMENT, looks.VEHICLE, looks.LOCATION, looks.RECORDING, looks.BIRTH}
)


def kind(cells: "pd.Series[str]") -> str:
    """Kind of personal data that a column holds, "" for none.

    Columns of fewer than three filled cells are not judged, and columns of fewer than `MANY` by their shapes alone.
    """
    texts = _sample(cells)
    if len(texts) < _FEW:
        return ""
    return _sure(texts) or _of_most(texts) or _of_most(_without_refrain(texts))


def mostly(cells: "pd.Series[str]") -> str:
    """Kind of personal data that most cells hold: for questions whose answers would be lost with the column."""
    return _of_most(_sample(cells))


def _of_most(texts: Sequence[str]) -> str:
    """Kind that most cells show, though each alone might be harmless."""
    if len(texts) < _FEW:
        return ""
    values = _numbers(texts)
    if len(values) >= _NEARLY_ALL * len(texts):
        return _of_numbers(texts, values)
    return next((found for rule in _OF_TEXTS if (found := rule(texts))), "")


def _without_refrain(texts: Sequence[str]) -> list[str]:
    """Cells without the one or two that come back all the time, such as "no phone"; nothing where too few are left."""
    common = {text for text, count in Counter(texts).most_common(2) if count >= _REFRAIN * len(texts)}
    left = [text for text in texts if text not in common]
    return left if common and len(left) >= MANY and _differ(left, _APART) else []


def sure(cells: "pd.Series[str]") -> str:
    """Kind of personal data that a column holds where some of its cells can be nothing else, "" for none."""
    texts = [text for text in _sample(cells) if looks.look(text).kind != looks.DEVICE]
    return _sure(texts) or (_people(texts) if len(texts) >= _FEW else "")


def answers(cells: "pd.Series[str]", *, kind: str) -> bool:
    """Whether a column with a telling name holds mere answers: "do you own a phone", "number of devices"."""
    texts = set(_sample(cells, keep=True))
    if not texts:
        return False
    number = _WHOLE_NUMBER if kind == looks.LOCATION else _SMALL_NUMBER
    small = all(number.fullmatch(text) or _WORD_ANSWER.fullmatch(text) for text in texts)
    words = all(_WORD_ANSWER.fullmatch(text) for text in texts)
    listed = kind in _NOT_A_WORD and len(texts) <= _LIST and all(_LISTED_CODE.fullmatch(text) for text in texts)
    return small or words or listed


def _sample(cells: "pd.Series[str]", *, keep: bool = False) -> list[str]:
    """Filled cells from the whole length of a column; without those that say "none" unless they are to be kept."""
    filled = cells.to_numpy(dtype=object)
    filled = filled[filled != ""]
    if len(filled) > _SAMPLE:
        filled = filled[(_PLACES * len(filled)).astype(np.intp)]
    texts = (looks.plain(str(text)[:_LONG]) for text in filled)
    return [text for text in texts if text and (keep or text.casefold() not in _NONE)]


def _sure(texts: Sequence[str]) -> str:
    counts = Counter(found.kind for text in texts if (found := looks.look(text)).sure)
    enough = counts.total() >= max(_FEW, _ANY * len(texts))
    return counts.most_common(1)[0][0] if enough else ""


def _differ(texts: Sequence[str], share: float) -> bool:
    """Whether so many cells differ that no list of answers can stand behind them."""
    different = len(set(texts))
    return len(texts) >= MANY and different > _LIST and different >= share * len(texts)


def _numbers(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    tight = (_GROUPED.sub("", text).replace(",", ".") for text in texts)
    return np.array([float(text) for text in tight if _NUMBER.fullmatch(text)])


def _of_numbers(texts: Sequence[str], values: npt.NDArray[np.float64]) -> str:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    decimals = np.mean([bool(re.fullmatch(r"[-+]?\d+[.,]\d{4,}", text)) for text in texts])
    if decimals >= _NEARLY_ALL:
        return _of_fractions(low, middle, high)
    if _between(low, high, *_UNIX) or _between(low, high, *_UNIX_MS):
        return looks.EXACT_TIME
    if low >= _TIGHT and high - low < _CLOSE * middle and _differ(texts, _NEARLY_ALL) and not _round(texts):
        return looks.IDENTIFIER if len(texts[0]) < _SHORT_PHONE else _of_digits(texts) or looks.IDENTIFIER
    return _of_digits(texts)


def _round(texts: Sequence[str]) -> bool:
    return sum(text.endswith("00") for text in texts) > _NAMED * len(texts)


def _of_fractions(low: float, middle: float, high: float) -> str:
    """Days of a spreadsheet with their time, or degrees: both lie close together, which weights do not."""
    close = high - low < _CLOSE * abs(middle)
    if close and _between(low, high, *_SERIAL):
        return looks.EXACT_TIME
    return looks.LOCATION if close and _LEAST_DEGREE <= abs(middle) <= _MOST_DEGREE else ""


def _between(low: float, high: float, least: float, most: float, span: float) -> bool:
    return low >= least and high <= most and high - low <= span


def _of_digits(texts: Sequence[str]) -> str:
    """Long numbers that differ and are not round: of phones, documents, or whatever else names somebody."""
    bare = [text for text in texts if re.fullmatch(r"\d{9,20}", text) and not text.endswith("000")]
    if len(bare) < _NEARLY_ALL * len(texts) or not (len(texts) < MANY or _differ(texts, _APART)):
        return ""
    kinds = Counter(looks.look(text).kind for text in bare)
    found, count = kinds.most_common(1)[0]
    return found if found and count >= _NEARLY_ALL * len(texts) else (looks.IDENTIFIER if len(texts) >= MANY else "")


def _shapes(texts: Sequence[str]) -> str:
    """Shape that most cells have; times of day must differ, since opening hours are times too."""
    counts = Counter(looks.look(text).kind for text in texts)
    del counts[""]
    if counts.total() < _MOST * len(texts):
        return ""
    found = counts.most_common(1)[0][0]
    return "" if found == looks.EXACT_TIME and len(texts) >= MANY and len(set(texts)) <= _LIST else found


def _grouped(texts: Sequence[str]) -> str:
    """Long numbers in groups, in whatever way they are parted."""
    return _of_digits([_PARTING.sub("", text) for text in texts])


def _births(texts: Sequence[str]) -> str:
    """Days that lie many years apart: no fieldwork lasts so long."""
    years = [year for text in texts if (year := looks.year(text)) is not None]
    if len(years) < _MOST * len(texts) or len(texts) < MANY:
        return ""
    low, high = np.quantile(years, [0.1, 0.9])
    return looks.BIRTH if high - low > _LIST else ""


def _people(texts: Sequence[str]) -> str:
    return looks.NAME if sum(looks.person(text) for text in texts) >= _NAMED * len(texts) else ""


def _words(texts: Sequence[str]) -> str:
    """Words that differ from cell to cell: names where they are short and begin with capitals, else free text."""
    worded = [text for text in texts if re.search(r"[^\W\d_]{3}", text) and not re.search(r"\d{3}", text)]
    if len(worded) < _MOST * len(texts) or not (_differ(texts, _PROSE) or _told(texts)) or _ticks(texts):
        return ""
    capitals = sum(looks.capitals(text) for text in texts)
    return looks.NAME if capitals >= _MOST * len(texts) else looks.FREE_TEXT


def _told(texts: Sequence[str]) -> bool:
    """Whether there are more different sentences than a list of answers holds."""
    different = set(texts)
    return len(different) > _CHOICES and sum(len(text.split()) for text in different) >= _WORDS * len(different)


def _ticks(texts: Sequence[str]) -> bool:
    """Whether the cells are codes of ticked choices with spaces between, few of them and often repeated."""
    codes = {code for text in texts for code in text.split()}
    return len(codes) <= _CHOICES and any("_" in code for code in codes) and all(map(_CODE.fullmatch, codes))


def _mixed(text: str) -> bool:
    """Whether a cell is of six signs or more, with digits and letters, and no amount with its unit."""
    enough = len(text) >= _SHORTEST and len(text.split()) <= _PARTS and not _AMOUNT.fullmatch(text)
    return enough and bool(re.search(r"\d", text)) and bool(re.search(r"[^\W\d_]", text))


def _codes(texts: Sequence[str]) -> str:
    """Codes of letters and digits that nearly every cell has for itself."""
    mixed = sum(_mixed(text) for text in texts)
    return looks.IDENTIFIER if mixed >= _MOST * len(texts) and _differ(texts, _APART) else ""


_OF_TEXTS: Final[tuple[Callable[[Sequence[str]], str], ...]] = (_shapes, _births, _grouped, _people, _words, _codes)
