"""Personal data, recognised by the form's types, by names in four languages and by what the cells look like.

Nothing that is found here is ever coded or stored; a report names the columns and their kind.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import pandas as pd

from surveys import columns, looks
from surveys.mapping import IDENTITIES, Match
from surveys.questionnaire import Question
from surveys.reading.table import RawTable

FREE_TEXT: Final = looks.FREE_TEXT
EXACT_TIME: Final = looks.EXACT_TIME
PERSONAL: Final = "personal"

#: Types of XLSForm that always hold personal data.
TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("deviceid", "imei", "simserial", "simid", "subscriberid"), "device"),
    **dict.fromkeys(("phonenumber", "phone"), "phone"),
    **dict.fromkeys(("username", "caseid"), "name"),
    **dict.fromkeys(("geopoint", "geotrace", "geoshape", "start-geopoint", "location"), "location"),
    **dict.fromkeys(
        ("image", "photo", "audio", "video", "file", "signature", "draw", "annotate", "background-audio"), "recording"
    ),
    "email": "email",
    "audit": EXACT_TIME,
}

#: Columns that field tools add by themselves and that hold personal data.
_META: Final[Mapping[str, str]] = {
    **dict.fromkeys(("start", "end", "submitted"), EXACT_TIME),
    **dict.fromkeys(("notes", "tags"), FREE_TEXT),
}

# Tajik letters that are often typed without their marks, and Arabic letters typed for Persian ones.
_LETTERS: Final = str.maketrans("ӣӯҷғқҳёيكۀ", "иучгкхеیکه")

_NAMES: Final[Mapping[str, str]] = {
    "phone": r"phones?|telephones?|tel|mobiles?|msisdn|whats ?app|viber|telegram|телефон\w*|мобильн\w*|номер связи|"
    r"рақами мобилӣ|تلفن|تلیفون|تیلفون|موبایل|شماره تماس|واتساپ|واتس اپ",
    "email": r"e ?mails?|электронн\w+ (?:почт\w*|адрес\w*)|почтаи электронӣ|ایمیل|پست الکترونیک",
    "document": r"passports?|(?:national|identity|id) (?:id|card|number|no|document)|tazkira|taskera|паспорт\w*|"
    r"удостоверени\w*|шиноснома\w*|تذکره|پاسپورت|گذرنامه|کارت هویت",
    "vehicle": r"plates?|number ?plates?|licen[cs]e plates?|vehicle (?:number|registration)|car number|vin|"
    r"гос ?номер\w*|номер\w* (?:машин\w*|автомобил\w*|авто)|рақами (?:мошин\w*|нақлиёт\w*)|نمبر پلیت|پلیت|پلاک",
    "location": r"gps|latitude|longitude|lat|lon|lng|altitude|coordinates?|geo ?points?|geo ?location|координат\w*|"
    r"широт\w*|долгот\w*|арзи ҷуғрофӣ|тӯли ҷуғрофӣ|ҷойгиршав\w*|مختصات|موقعیت|عرض جغرافیایی|طول جغرافیایی",
    "device": r"devices?|device ?id|imei|imsi|sim ?(?:serial|id)|subscriber ?id|mac address|ip ?addr(?:ess)?|"
    r"устройств\w*|дастгоҳ\w*|دستگاه",
    "birth": r"date of birth|birth ?(?:date|day)|dob|дата рождения|день рождения|таваллуд\w*|تاریخ تولد",
    "address": r"address|street|адрес\w*|суроға\w*|نشانی|آدرس",
    "recording": r"photos?|photograph|pictures?|images?|audio|video|recording|signature|фото\w*|аудио\w*|видео\w*|"
    r"подпис\w*|сурат\w*|имзо\w*|عکس|امضا|صدا|تصویر",
    "name": r"names?|surname|user ?name|full ?name|first ?name|last ?name|submitted by|submitter ?name|имя|имени|"
    r"фамили\w*|отчеств\w*|фио|ном|номи (?:пурра|падар)|насаб\w*|نام|اسم|تخلص|نام پدر|نام خانوادگی",
}


def _folded(text: str) -> str:
    """Words in lower case with single spaces; "deviceId" and "device_id_2" become the same words."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFC", text))
    return " ".join(re.sub(r"[\W\d_]+", " ", apart.casefold().translate(_LETTERS)).split())


_BY_NAME: Final = {
    kind: re.compile(rf"\b(?:{pattern.translate(_LETTERS)})\b", re.IGNORECASE) for kind, pattern in _NAMES.items()
}


def by_name(name: str) -> str:
    """Kind of personal data that a column of this name holds, "" for none."""
    words = _folded(name)
    return next((kind for kind, pattern in _BY_NAME.items() if pattern.search(words)), "")


def by_text(text: str) -> str:
    """Kind of personal data that one cell looks like, "" for none."""
    return looks.look(looks.plain(text)).kind


def by_content(cells: "pd.Series[str]") -> str:
    """Kind of personal data that the cells of a column hold, "" for none; a column of few cells is not judged."""
    return columns.kind(cells)


def dropped(table: RawTable, match: Match, *, keep: frozenset[str] = frozenset()) -> dict[int, str]:
    """Positions of the columns that hold personal data, each with its kind.

    Parameters
    ----------
    table, match : RawTable, Match
        The file and what its columns are.
    keep : frozenset of str
        Questions of the design, such as the codes of shift and interviewer: they are stored as salted codes.
    """
    found = {}
    for position, header in enumerate(table.columns):
        cells = table.frame[position]
        if position in match.columns:
            question = match.columns[position].question
            kind = "" if question.name in keep else of_question(question, cells)
        elif position in match.meta:
            role = match.meta[position]
            kind = _META.get(role, "") or by_name(header) or (columns.sure(cells) if role in IDENTITIES else "")
        else:
            named = by_name(header)
            kind = named if named and not columns.answers(cells, kind=named) else by_content(cells)
        if kind:
            found[position] = kind
    return found


def of_question(question: Question, cells: "pd.Series[str]") -> str:
    """Kind of personal data that a question of the form collects, "" for none.

    An answer on a list is not personal by its name ("do you own a phone"); a number is if its cells look so too.
    """
    if question.personal:
        return by_name(question.name) or PERSONAL
    rule = _RULES.get(question.kind)
    return rule(question, cells) if rule else ""


def _meta(question: Question, _: "pd.Series[str]") -> str:
    timed = re.match(r"_?(start|end)(_?time)?$", question.name.casefold())
    return EXACT_TIME if timed else by_name(question.name)


def _number(question: Question, cells: "pd.Series[str]") -> str:
    """A number under a telling name, or one that is surely no count and no amount whatever its name."""
    found = columns.mostly(cells)
    if question.maximum is not None or not found:
        return ""
    return by_name(question.name) or (found if found in _NO_AMOUNT and len(cells) >= columns.MANY else "")


def _dated(question: Question, cells: "pd.Series[str]") -> str:
    return by_name(question.name) or by_content(cells)


def numbers(question: Question, texts: Iterable[str]) -> list[bool]:
    """Which answers to a question for a number name somebody, such as a phone typed in the wrong field.

    A question with a highest value has bounds that tell, and a number of equal digits stands for "don't know".
    """
    if question.maximum is not None:
        return [False for _ in texts]
    return [_names_somebody(looks.plain(text)) for text in texts]


def _names_somebody(text: str) -> bool:
    digits = text.lstrip("+")
    if len(digits) < _SHORTEST_PHONE or digits.endswith("000") or len(set(digits)) == 1:
        return False
    return looks.look(text).kind in _OF_SOMEBODY


_SHORTEST_PHONE: Final = 9
_OF_SOMEBODY: Final = frozenset({looks.DEVICE, looks.ACCOUNT, looks.PHONE})
_NO_AMOUNT: Final = frozenset({looks.DEVICE, looks.ACCOUNT, looks.PHONE, looks.LOCATION, EXACT_TIME})

_RULES: Final[Mapping[str, Callable[[Question, "pd.Series[str]"], str]]] = {
    "meta": _meta,
    "text": lambda question, _: by_name(question.name) or FREE_TEXT,
    "integer": _number,
    "decimal": _number,
    "date": _dated,
    "time": _dated,
}
