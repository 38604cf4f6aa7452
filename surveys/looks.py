"""What a cell looks like: the shapes of phones, documents, plates, devices, places, times and people's names.

A kind is sure where nothing harmless is written so (a check digit, an "@", a degree sign), else it is for the whole
column to decide.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

PHONE: Final = "phone"
EMAIL: Final = "email"
DOCUMENT: Final = "document"
VEHICLE: Final = "vehicle"
LOCATION: Final = "location"
DEVICE: Final = "device"
BIRTH: Final = "birth"
RECORDING: Final = "recording"
NAME: Final = "name"
ACCOUNT: Final = "account"
LINK: Final = "link"
EXACT_TIME: Final = "exact time"
FREE_TEXT: Final = "free text"
IDENTIFIER: Final = "identifier"


class Look(NamedTuple):
    """Kind of personal data that a cell looks like, "" for none, and whether it can be nothing else."""

    kind: str
    sure: bool


NOTHING: Final = Look("", sure=False)

_DIGITS: Final = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
_MONEY: Final = "AFN|TJS|USD|EUR|RUB|UZS|KGS|KZT|IRR|PKR|CNY"
_PLATE_LETTERS: Final = "A-ZАВЕКМНОРСТУХ"

# Operators of Tajikistan, Afghanistan, Uzbekistan, Kyrgyzstan and Russia; the codes of the countries before them.
_OPERATORS: Final = r"(?:9\d|88|77|5[05]|33|7[0-9]|[57]0|00|11|4[0-4]|17|20)"
_BARE_PHONE: Final = rf"(?:992|998|996|93|7|8)?{_OPERATORS}\d{{7,8}}|0\d{{8,10}}"
_CITIES: Final = "کابل|بلخ|هرات|کندز|قندوز|تخار|بدخشان|ننگرهار|قندهار|بغلان|جوزجان|فاریاب"
_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_CLOCK: Final = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s?(?:[ap]\.?m\.?)?"

_SURE: Final[dict[str, str]] = {
    EMAIL: r".*[^@\s]+@[^@\s]+\.[^@\s.]{2,}.*",
    DEVICE: r"(?:collect:|ee\.|imei:?\s*|android[:_-])\S+|[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}|"
    r"(?=.*[a-f])(?=.*\d)[0-9a-f]{16}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    PHONE: r"(?:.*\s|\W*)(?:\+|00)[1-9]\d{0,2}[\s().-]*\d(?:[\s().-]*\d){6,12}(?:\D.*)?",
    LOCATION: r"[-+]?\d{1,3}[.,]\d{4,}[\s,;]+[-+]?\d{1,3}[.,]\d{4,}.*|.*\d{1,3}\s?°\s?\d.*|"
    r"///\w+\.\w+\.\w+|(?:srid=\d+;)?(?:multi)?(?:point|linestring|polygon)\s?z?m?\s?\(.*|\{.*\"coordinates\".*|"
    r"(?:[2-9cfghjmpqrvwx]{4}|[2-9cfghjmpqrvwx]{6}|[2-9cfghjmpqrvwx]{8})\+[2-9cfghjmpqrvwx]{2,3}(?:\s.*)?|"
    r"\d{1,2}[c-x]\s?[a-z]{2}\s?\d{3,5}\s?\d{3,5}|\d{1,2}\s?[c-x]\s\d{6}(?:\.\d+)?m?e?[\s,]+\d{6,7}(?:\.\d+)?m?n?",
    RECORDING: r"\S.*\.(?:jpe?g|png|heic|gif|mp3|mp4|m4a|3gpp?|amr|wav|aac|mov)",
    ACCOUNT: r"\d{4}[\s-]?[\dx*•]{0,4}[\s-]?[x*•]{4}[\s-]?\d{4}",
    LINK: r"https?://\S+|www\.\S+",
    NAME: r"@[a-z]\w{3,}|(?:t|telegram)\.me/\S+",
}

_LIKELY: Final[dict[str, str]] = {
    EXACT_TIME: rf"\d{{2,4}}[./-](?:\d{{1,2}}|{_MONTHS})[./-]\d{{2,4}}[t,\s]*{_CLOCK}\s?(?:z|[+-]\d{{2}}:?\d{{2}})?|"
    rf"\d{{1,2}}\s(?:{_MONTHS})[a-z]*\.?\s\d{{4}},?\s{_CLOCK}|{_CLOCK}",
    DOCUMENT: r"[a-zа-я]{1,2}\s?(?:n[o.]?\s?)?-?\d{6,9}|1[34]\d\d-\d{4}-\d{4,6}|\d{2}\s\d{2}\s\d{6}|\d{4}\s\d{6}|"
    r"\d{3}-\d{3}-\d{3} \d{2}",
    VEHICLE: rf"\d{{4}}[\s-]?[{_PLATE_LETTERS}]{{2}}[\s-]?\d{{2}}|\d{{2}}[\s-]?[{_PLATE_LETTERS}][\s-]?\d{{3}}[\s-]?"
    rf"[{_PLATE_LETTERS}]{{2}}|\d{{2}}[\s-]?\d{{3}}[\s-]?(?!{_MONEY})[{_PLATE_LETTERS}]{{3}}|\d{{2}}\s?KG\s?\d{{3}}\s?[A-Z]{{2,3}}|"
    rf"[A-Z]\s?\d{{4}}\s?[A-Z]{{1,2}}|[{_PLATE_LETTERS}]\s?\d{{3}}\s?[{_PLATE_LETTERS}]{{2}}\s?\d{{2,3}}|"
    rf"(?:[A-Z]{{3}}|{_CITIES})[\s-]*(?:\d[\s-])?\d{{4,5}}",
    PHONE: rf"{_BARE_PHONE}|0\d{{1,3}}[\s()./-]*\d(?:[\s()./-]*\d){{5,7}}|"
    r"\(?\d{2,3}\)?[\s-]\d{3}[\s-]\d{2}[\s-]?\d{2}|\(?\d{3}\)?[\s-]\d{2}[\s-]\d{2}[\s-]\d{2}|\d{3}[\s-]\d{3}[\s-]\d{4}|"
    r"\d{3}-\d{2}-\d{2}|\d-\d{2}-\d{2}-\d{2}|[78]?[\s-]?\(\d{3,5}\)[\s-]?\d[\d\s-]{4,8}\d",
    LOCATION: r"[-+]?\d{1,3}[.,]\d{4,}(?:[\s,;]+[-+]?\d{1,4}(?:[.,]\d+)?){0,3}",
}

_SHAPES: Final = tuple(
    (Look(kind, sure=sure), re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for patterns, sure in ((_SURE, True), (_LIKELY, False))
    for kind, pattern in patterns.items()
)

_TELLING: Final = re.compile(r"[\d@/:.+({*°]")  # without one of these a cell has no shape but that of words
_DAY: Final = re.compile(r"(\d{4})[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](\d{4})")

# People, and what stands before or between their names, in four languages.
_GIVEN_WORDS: Final = """
мухаммад муҳаммад абдулло абдуллоҳ али алӣ ҳасан ҳусейн фаррух ҷамшед рустам бахтиёр далер зафар шаҳло фирӯз фируз
гулнора зарина мадина нигора ситора мавзуна манижа парвина фотима зайнаб саид илҳом комрон сӯҳроб хуршед умед баҳром
иван сергей александр дмитрий андрей алексей николай михаил владимир ольга елена наталья татьяна ирина анна мария
айбек нурлан бакыт азамат талант уулу кызы оглы угли кизи ўғли қизи ўғлу устод муаллим ҳоҷӣ
muhammad mohammad mohammed ahmad ahmed abdullah ali hassan hussain hussein karim rahim farid najib omar yusuf latif
ibrahim ismail mustafa fatima maryam zahra zainab aisha khadija gul farrukh jamshed rustam bakhtiyor daler zafar
firuz gulnora zarina madina nigora sitora manizha parvina parviz saidali ilhom umed aziz habib nasir jamil jamila
behruz bahrom sayed haji ugli kizi uulu kyzy bin bint ibn mr mrs ms dr
john james robert michael david william mary anna elizabeth sarah thomas peter paul george susan helen
محمد احمد علی عبدالله حسن حسین کریم رحیم فرید نجیب عمر یوسف ابراهیم اسماعیل مصطفی فاطمه مریم زهرا زینب عایشه خدیجه
غلام سید حاجی ملا میر جان آغا بیبی ولد بنت خان لطیف عزیز حبیب ناصر جمیل جمیله نجیبه فرزانه شکیبا جاوید ضیا بهرام
آقای خانم داکتر انجینر
"""
_GIVEN: Final = frozenset(_GIVEN_WORDS.split())
_ENDINGS: Final = re.compile(
    r".{2,}(?:[оеё]ва?|[иы]на?|ская|ский|[оеи]вич|[ои]вна|ични|зода|заде|пур|"
    r"ova?|eva?|ovna|evna|o?vich|skiy|sky|zoda|zada|zadeh|zai|pur|pour|"
    r"زاده|پور|..زی|زایی|خیل|الله|الدین)",
    re.IGNORECASE,
)
_CHILD_OF: Final = re.compile(r"\b[sdw]/o\b|\sولد\s|\sبنت\s|\s(?:bin|bint|ibn|wald)\s", re.IGNORECASE)
_INITIALS: Final = re.compile(
    r"\b[^\W\d_]\.\s?(?:[^\W\d_]\.\s?)?[^\W\d_]{3,}|[^\W\d_]{3,}\s[^\W\d_]\.(?:\s?[^\W\d_]\.)?$"
)
_FOUR_WORDS: Final = 4


def plain(text: str) -> str:
    """Text with western digits and single forms of each letter."""
    return unicodedata.normalize("NFKC", text).translate(_DIGITS).strip()


def look(text: str) -> Look:
    """What one cell looks like; the text is `plain` already."""
    if not _TELLING.search(text) or _DAY.fullmatch(text):
        return NOTHING
    for kind, matches in _CHECKED.items():
        if matches(text):
            return Look(kind, sure=True)
    return next((found for found, pattern in _SHAPES if pattern.fullmatch(text)), NOTHING)


def year(text: str) -> int | None:
    """Year of a day without a time of day, None for anything else."""
    found = _DAY.fullmatch(text)
    return int(found[1] or found[2]) if found else None


def person(text: str) -> bool:
    """Whether a cell is written like somebody's name, by its words alone."""
    if _CHILD_OF.search(text):
        return True
    words = re.findall(r"[^\W\d_][^\W\d_'’-]*", text)
    if not 1 <= len(words) <= _FOUR_WORDS or re.search(r"[\d/;=+]", text):
        return False
    known = any(word.casefold() in _GIVEN for word in words)
    ended = any(_ENDINGS.fullmatch(word) for word in words) and (len(words) > 1 or words[0][0].isupper())
    return known or ended or bool(_INITIALS.search(text))


def capitals(text: str) -> bool:
    """Whether a cell is of two to four words that all begin with a capital."""
    words = text.split()
    return 1 < len(words) <= _FOUR_WORDS and all(word[0].isupper() and not re.search(r"\d", word) for word in words)


def _imei(text: str) -> bool:
    return bool(re.fullmatch(r"\d{15}", text)) and luhn(text)


def _address(text: str) -> bool:
    with suppress(ValueError):
        return ("." in text or ":" in text) and bool(ipaddress.ip_address(text))
    return False


def luhn(digits: str) -> bool:
    """Whether the last digit makes the sum of Luhn right."""
    doubled = (sum(divmod(int(digit) * (1 + at % 2), 10)) for at, digit in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def iban(text: str) -> bool:
    """Whether the check digits of an account number are right (ISO 13616)."""
    tight = re.sub(r"\s", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", tight):
        return False
    return int("".join(str(int(sign, 36)) for sign in tight[4:] + tight[:4])) % 97 == 1


def card(text: str) -> bool:
    """Whether a cell is a number of a bank card: 16 to 19 digits with a right check digit."""
    tight = re.sub(r"[\s-]", "", text)
    return bool(re.fullmatch(r"[2-9]\d{15,18}", tight)) and luhn(tight)


_CHECKED: Final[dict[str, Callable[[str], bool]]] = {
    ACCOUNT: lambda text: iban(text) or card(text),
    DEVICE: lambda text: _imei(text) or _address(text),
}
