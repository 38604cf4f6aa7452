"""Invented columns for the tests of privacy: sixty that hold something personal, eighty that only look as if.

The lists were written before the recogniser was improved; what came of the `held` columns (about a third) was looked
at only when the others were done. As first measured, caught and lost: before the work 19 of 40 and 17 of 56, held 1 of
20 and 10 of 24; after it 40 of 40 and 0 of 56, held 20 of 20 and 1 of 24. Whoever wrote the recogniser had written the
held columns too, so `planted_later` says more about columns that nobody thought of.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from surveys.questionnaire import Choice, Kind, Question, Scale

Maker = Callable[[random.Random, int], str]
STYLES = ("kobo", "odk", "spss")
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, the habit of its file, how a cell is made, and whether the form knows it."""

    name: str
    style: str
    make: Maker
    asked: Kind | None = None
    held: bool = False
    filled: float = 1.0

    def cells(self, rows: int) -> list[str]:
        """Cells of the column; the same each time."""
        rng = random.Random(f"{self.style} {self.name}")
        return [self.make(rng, row) if rng.random() < self.filled else "" for row in range(rows)]

    def question(self, rows: int) -> Question | None:
        """The question of the form that the column answers, if there is one."""
        if self.asked is None:
            return None
        codes = sorted({cell for cell in self.cells(rows) if cell}) if self.asked == "select_one" else []
        scale = Scale(self.name, tuple(Choice(code, {"en": code}) for code in codes)) if codes else None
        return Question(self.name, self.asked, scale=scale)


def frame(columns: Sequence[Column], rows: int) -> pd.DataFrame:
    """The columns side by side."""
    return pd.DataFrame({column.name: column.cells(rows) for column in columns}, dtype="str")


def one(*words: str) -> Maker:
    """One of the words."""
    return lambda rng, _: rng.choice(words)


def like(*patterns: str) -> Maker:
    """A text in which "#" is a digit, "@" a Latin capital and "^" a hexadecimal digit."""
    kinds = {"#": "0123456789", "@": "ABCEHKMOPTX", "^": "0123456789abcdef"}

    def make(rng: random.Random, _: int) -> str:
        return "".join(rng.choice(kinds[sign]) if sign in kinds else sign for sign in rng.choice(patterns))

    return make


def joined(*parts: Sequence[str]) -> Maker:
    """A word of each part, with spaces between."""
    return lambda rng, _: " ".join(rng.choice(part) for part in parts)


def number(low: float, high: float, decimals: int = 0) -> Maker:
    """A number between two limits."""
    return lambda rng, _: f"{rng.uniform(low, high):.{decimals}f}"


def persian(maker: Maker) -> Maker:
    """The same in Persian digits."""
    return lambda rng, row: maker(rng, row).translate(PERSIAN)


def moment(shape: str) -> Maker:
    """A time of the summer of 2026, in the way of `strftime`, or a number of "seconds", "milliseconds" or "serial"."""

    def make(rng: random.Random, _: int) -> str:
        at = pd.Timestamp("2026-05-12 06:00") + pd.Timedelta(rng.randrange(60 * 86400), unit="s")
        number_of = {
            "seconds": f"{at.value // 10**9}",
            "milliseconds": f"{at.value // 10**6 + rng.randrange(1000)}",
            "serial": f"{at.value / 86400e9 + 25569:.5f}",
        }
        return number_of.get(shape) or at.strftime(shape)

    return make


def with_check_digit(start: str, length: int) -> Maker:
    """Digits of which the last makes the sum of Luhn right."""

    def make(rng: random.Random, _: int) -> str:
        body = start + "".join(rng.choice("0123456789") for _ in range(length - 1 - len(start)))
        doubled = (sum(divmod(int(digit) * (2 - at % 2), 10)) for at, digit in enumerate(reversed(body)))
        return body + str(-sum(doubled) % 10)

    return make


def iban(rng: random.Random, _: int) -> str:
    """An account number of Germany with its right check digits."""
    body = "".join(rng.choice("0123456789") for _ in range(18))
    check = 98 - int(f"{body}131400") % 97
    return f"DE{check:02d}{body}"


def device(rng: random.Random, row: int) -> str:
    """One of six devices."""
    names = random.Random(6)
    known = [f"{names.getrandbits(32):08x}-3f1a-4c0e-9b7d-{names.getrandbits(48):012x}" for _ in range(6)]
    return known[(row + rng.randrange(2)) % 6]


def initials(rng: random.Random, _: int) -> str:
    """A family name with two initials."""
    return f"{rng.choice(TJ_FAMILY)} {rng.choice('ФДЗПМҶ')}.{rng.choice('СНР')}."


def russian_plate(rng: random.Random, _: int) -> str:
    """A plate of the Moscow region in Cyrillic letters."""
    return f"{rng.choice('АВЕКМ')}{rng.randrange(100, 999)}{rng.choice('ВСТ')}{rng.choice('АНР')}77"


def birthday(rng: random.Random, _: int) -> str:
    """A day on which a grown-up was born."""
    return f"{rng.randrange(1, 28):02d}.{rng.randrange(1, 12):02d}.{rng.randrange(1948, 2006)}"


def handle(rng: random.Random, _: int) -> str:
    """A name of a user of Telegram."""
    return f"@{rng.choice(LOW)}_{rng.choice(LOW_FAMILY)}{rng.randrange(99)}"


def user(rng: random.Random, _: int) -> str:
    """A name of a user of a field tool."""
    return f"{rng.choice(LOW)[0]}{rng.choice(LOW_FAMILY)}{rng.randrange(70, 99)}"


def street(rng: random.Random, _: int) -> str:
    """An address."""
    return f"{rng.choice(STREETS)} {rng.randrange(1, 160)}, apt {rng.randrange(1, 90)}"


GIVEN = ("John", "Emma", "Peter", "Laura", "Mark", "Helen", "David", "Susan", "Paul", "Alice", "George", "Nora")
FAMILY = ("Carter", "Hughes", "Bennett", "Fletcher", "Ward", "Morris", "Palmer", "Dawson", "Reid", "Lowe", "Kemp")
RU_GIVEN = ("Иван", "Сергей", "Алексей", "Дмитрий", "Павел", "Николай", "Виктор", "Олег", "Юрий", "Андрей")
RU_FATHER = ("Петрович", "Иванович", "Олегович", "Сергеевич", "Николаевич", "Викторович", "Павлович", "Юрьевич")
RU_FAMILY = ("Соколов", "Кузнецов", "Морозов", "Волков", "Зайцев", "Павлов", "Орлов", "Макаров", "Белов", "Громов")
TJ_FAMILY = ("Раҳимов", "Саидзода", "Каримов", "Назарзода", "Шарифов", "Ҳакимзода", "Юсуфӣ", "Давлатов", "Мирзоев")
TJ_GIVEN = ("Фаррух", "Фирӯз", "Ҷамшед", "Парвиз", "Зарина", "Мадина", "Далер", "Сорбон", "Нигора", "Баҳром")
FA_GIVEN = ("محمد", "احمد", "عبدالله", "کریم", "نجیب", "فرید", "مریم", "زهرا", "غلام", "حبیب", "شریف")
FA_FAMILY = ("احمدی", "رحیمی", "کریمی", "نظری", "حسینی", "سادات", "یوسفزی", "نوری", "امیری", "هاشمی")
FA_FATHER = ("رحیم", "قادر", "سلیم", "نظر", "رسول", "اکبر", "حسن", "جمال", "داود", "یعقوب")
LATIN = ("RAHIMOV", "KARIMOV", "NAZAROV", "SHARIPOV", "SAIDOV", "MIRZOEV", "YUSUPOV", "DAVLATOV", "HAKIMOV")
LATIN_GIVEN = ("FARRUKH", "DALER", "ZARINA", "PARVIZ", "MADINA", "JAMSHED", "BAHROM", "NIGORA", "SORBON")
PEOPLE = ("Farrukh", "Zarina", "Daler", "Madina", "Parviz", "Nigora", "Jamshed", "Sorbon", "Bahrom", "Mehri", "Anvar")
LOW = ("gulnora", "farrukh", "zarina", "daler", "madina", "parviz", "nigora", "anvar", "sitora", "bahrom")
LOW_FAMILY = ("karimova", "rahimov", "saidova", "nazarov", "mirzoev", "sharipova", "yusupov", "hakimova")
FA_WHO = ("افسر گمرک", "مرد جوان", "نگهبان دروازه", "راننده لاری", "آمر پوسته")
FA_DID = ("با ما رفتار خوب نداشت", "زیاد معطل کرد", "پول اضافی خواست", "کمک کرد که زود رد شویم")
FA_WHEN = ("دیروز بعد از نماز", "در هفته گذشته", "وقتی باران می بارید", "پیش از چاشت", "در راه برگشت")
WHO = ("The officer", "A young man", "My cousin", "The guard at the gate", "Somebody in uniform", "One driver")
DID = ("asked for tea money", "was kind and quick", "kept my papers for hours", "shouted at the women")
WHEN = ("last Monday near the scales", "before the bridge opened", "when it rained", "in front of everybody")
STREETS = ("Rudaki Ave", "Somoni St", "Lohuti St", "Karabaev St", "Borbad St", "Ismoili St", "Pushkin St")
PLACES = ("Panji Poyon", "Sherkhan Bandar", "Ishkashim", "Tem Demogan", "Ruzvay", "Khumrogi Nusay")

PLANTED = (
    Column("q7_other", "kobo", joined(GIVEN, FAMILY)),
    Column("колонка3", "kobo", joined(RU_FAMILY, RU_GIVEN, RU_FATHER)),
    Column("extra_info", "odk", joined(TJ_FAMILY, TJ_GIVEN)),
    Column("V12", "spss", joined(FA_GIVEN, FA_GIVEN, FA_FAMILY)),
    Column("مورد", "kobo", joined(FA_GIVEN, ("ولد",), FA_FATHER), filled=0.5),
    Column("Q7_3", "spss", joined(LATIN, LATIN_GIVEN), held=True),
    Column("meta2", "odk", one(*PEOPLE), held=True),
    Column("note2", "kobo", initials, held=True),
    Column("VAR00012", "spss", joined(LOW, LOW_FAMILY)),
    Column("code", "kobo", like("+992 93 ### ## ##", "+992 90 ### ## ##")),
    Column("ref", "odk", like("070#######", "079#######", "078#######"), filled=0.4),
    Column("V13", "spss", persian(like("07########"))),
    Column("flag", "kobo", like("93-###-##-##", "918-##-##-##", "501 ## ## ##")),
    Column("n_items", "odk", like("93#######", "90#######", "918######"), asked="integer"),
    Column("V14", "spss", like("2-2#-##-##", "22#-##-##"), held=True),
    Column("x1", "kobo", like("tel: 00998 90 #######", "tel. 992 93#######"), held=True, filled=0.6),
    Column("res_b", "odk", lambda rng, _: f"{rng.choice(LOW)}{rng.randrange(99)}@mail.example"),
    Column("V15", "spss", lambda rng, _: f"{rng.choice(LOW)}.{rng.randrange(99)} at mail dot ru", held=True),
    Column("serial", "kobo", like("A#######", "P#######", "O0#######")),
    Column("batch", "odk", like("1399-0###-#####", "1400-1###-#####")),
    Column("V16", "spss", like("AA #######", "AB #######", "99 ## ######")),
    Column("item_no", "kobo", like("45 0# ######", "46 1# ######"), held=True),
    Column("mark", "kobo", like("#### @@ 01", "#### @@ 02", "####@@03")),
    Column("unit", "odk", like("KBL #####", "KDZ-#####", "کابل #####", "TKR 2-#####")),
    Column("V17", "spss", like("01 @ ### @@", "30 @ ### @@", "70 ### @@@")),
    Column("tag_b", "kobo", like("01 KG ### @@@", "05KG###@@@"), held=True),
    Column("V18", "spss", russian_plate),
    Column("sys1", "odk", with_check_digit("35", 15)),
    Column("hw", "kobo", like("^^:^^:^^:^^:^^:^^", "^^-^^-^^-^^-^^-^^")),
    Column("sys2", "odk", like("collect:0uAi@@^^@@^^@@#@")),
    Column("sys3", "odk", like("ee.humanitarianresponse.info:@^@^@^@^@^")),
    Column("k", "kobo", like("^^^^^^^^^^^^^^^^")),
    Column("V19", "spss", lambda rng, _: ".".join(str(rng.randrange(1, 255)) for _ in range(4))),
    Column("net", "kobo", like("2a02:^^^^:^^^^::^^^", "fe80::^^^^:^^^^:^^^^:^^^^"), held=True),
    Column("sys4", "odk", device, held=True),
    Column("hint", "kobo", handle),
    Column("by", "odk", user, held=True),
    Column("pt", "kobo", like("37.1#### 68.5#### 5## 4.#")),
    Column("spot-Latitude", "odk", number(37.0, 37.9, 7)),
    Column("spot-Longitude", "odk", number(68.0, 69.2, 7)),
    Column("V21", "spss", number(36.9, 38.4, 6)),
    Column("V22", "spss", number(67.5, 71.9, 6)),
    Column("s1", "kobo", like("37°1#'2#.#\"N 68°3#'1#.#\"E")),
    Column("s2", "odk", like("POINT (68.5#### 37.1####)", "POINT(68.6#### 37.2####)")),
    Column("s3", "kobo", like("8J3MQ#9P+2V", "8J3M4#8C+RX", "8J3M5#7H+9G"), held=True),
    Column("V23", "spss", like("42S VF 1#### 6####", "42SVF2####7####"), held=True),
    Column("dist", "odk", number(37.1, 37.3, 4), asked="decimal", held=True),
    Column("step1", "kobo", moment("%Y-%m-%dT%H:%M:%S.000+05:00")),
    Column("step2", "odk", moment("%d.%m.%Y %H:%M")),
    Column("V24", "spss", moment("serial")),
    Column("seq", "kobo", moment("seconds")),
    Column("marker", "odk", moment("milliseconds"), asked="integer"),
    Column("V25", "spss", moment("%I:%M %p"), held=True),
    Column("V26", "spss", birthday, held=True),
    Column("mixed", "kobo", joined(FA_WHO, FA_DID, FA_WHEN), filled=0.3),
    Column("why_b", "odk", joined(WHO, DID, WHEN), held=True, filled=0.2),
    Column("where", "odk", street, held=True),
    Column("acc", "kobo", with_check_digit("4", 16)),
    Column("V27", "spss", iban, held=True),
    Column("attach", "odk", like("https://kc.example.org/media/original?f=#########.jpg"), held=True),
)  # fmt: skip

YES = one("yes", "no")
HARMLESS = (
    Column("phone_access", "kobo", YES),
    Column("own_phone", "kobo", YES, asked="select_one"),
    Column("name_of_market", "kobo", one("panji_poyon", "tem", "ishkoshim", "rvn"), asked="select_one"),
    Column("address_answered", "kobo", one("0", "1")),
    Column("shift_code", "kobo", like("S-0#", "S-1#")),
    Column("price", "kobo", lambda rng, _: str(rng.randrange(100, 9000) * 1000), asked="integer"),
    Column("weight_kg", "kobo", number(0.2, 9.9, 6)),
    Column("wait_pct", "kobo", lambda rng, _: f"{rng.randrange(1000) / 10}%"),
    Column("visits_7d", "kobo", number(0, 9), held=True),
    Column("gps_ok", "kobo", YES),
    Column("date_of_interview", "kobo", moment("%Y-%m-%d")),
    Column("version_no", "kobo", one("v3", "v4")),
    Column("sample_id", "kobo", like("P##")),
    Column("traffic_total", "kobo", number(1_200_000, 23_000_000)),
    Column("post_code", "kobo", like("7340##", "7350##")),
    Column("lang", "kobo", one("tg", "ru", "fa", "en")),
    Column("currency", "kobo", one("TJS", "AFN", "USD")),
    Column("half", "kobo", one("am", "pm")),
    Column("گروه", "kobo", one("تاجران", "مسافران", "رانندگان", "باشندگان محل")),
    Column("оценка", "kobo", number(1, 5)),
    Column("email_used", "kobo", one("да", "нет"), held=True),
    Column("mobile_money_users", "kobo", number(0, 300), asked="integer", held=True),
    Column("plates_seen", "kobo", number(0, 20), held=True),
    Column("passport_checked", "kobo", one("1", "2", "99"), held=True),
    Column("income_band", "kobo", one("0-1000", "1000-2000", "2000-5000"), held=True),
    Column("pi_ratio", "kobo", number(3.1, 3.2, 4), held=True),
    Column("rank", "kobo", one("1st", "2nd", "3rd"), held=True),
    Column("device_count", "odk", number(0, 5)),
    Column("name_known", "odk", one("да", "нет", "не знаю")),
    Column("photo_taken", "odk", one("true", "false")),
    Column("start_month", "odk", one("2026-05", "2026-06", "2026-07")),
    Column("duration_min", "odk", number(5, 60, 1)),
    Column("amount", "odk", number(1, 400, 1), asked="decimal"),
    Column("fee_paid", "odk", number(10, 5000, 2)),
    Column("km", "odk", number(1, 400, 4)),
    Column("birth_year_band", "odk", one("1960-69", "1970-79", "1980-89")),
    Column("hh_size", "odk", number(1, 14)),
    Column("year", "odk", number(2019, 2026)),
    Column("tonnage", "odk", number(100, 40000, 3)),
    Column("signature_rule", "odk", one("agree", "disagree", "strongly_agree")),
    Column("street_market", "odk", YES),
    Column("tel_hotline_known", "odk", one("yes", "no", "dk")),
    Column("id_checked", "odk", one("0", "1")),
    Column("route", "odk", one("HAM-KBL", "DYU-KDZ", "TEM-FZB", "ISH-FZB")),
    Column("container_size", "odk", one("20ft", "40ft", "45ft")),
    Column("hs_code", "odk", like("08##.10", "07##.20"), held=True),
    Column("index_z", "odk", number(-2.5, 2.5, 4), held=True),
    Column("audio_consent", "odk", YES, held=True),
    Column("p_value", "odk", number(0, 1, 4), held=True),
    Column("day_of_week", "odk", one("Monday", "Tuesday", "Wednesday", "Friday"), held=True),
    Column("passports_seen", "odk", number(0, 200), asked="integer", held=True),
    Column("temp", "odk", number(10, 45, 1), held=True),
    Column("colour", "odk", one("سرخ", "سبز", "آبی", "سفید", "سیاه"), held=True),
    Column("village_type", "odk", one("urban", "rural")),
    Column("V101", "spss", number(1, 5)),
    Column("V102", "spss", moment("%Y%m%d")),
    Column("V103", "spss", lambda rng, _: str(rng.randrange(10, 990) * 1_000_000)),
    Column("V104", "spss", number(4, 60, 6)),
    Column("V105", "spss", like("S-0#", "N-1#")),
    Column("V106", "spss", one("Very satisfied", "Satisfied", "Not satisfied at all", "Hard to say")),
    Column("V107", "spss", one("Совсем не согласен", "Не согласен", "Согласен", "Полностью согласен")),
    Column("V108", "spss", one("کاملا موافق", "موافق", "مخالف", "نمی دانم")),
    Column("V109", "spss", one(*PLACES)),
    Column("V110", "spss", lambda _, row: str(row + 1)),
    Column("V111", "spss", number(0, 100, 2)),
    Column("V112", "spss", number(0, 1000)),
    Column("V113", "spss", one("1", "2", "-98", "-99")),
    Column("V114", "spss", lambda rng, _: f"{rng.randrange(1, 9)} {rng.randrange(100, 999)} 000", held=True),
    Column("V115", "spss", one("06:00-08:00", "08:00-10:00", "10:00-12:00", "13:00-15:00"), held=True),
    Column("V116", "spss", number(18, 80), held=True),
    Column("V117", "spss", number(-500, -1), held=True),
    Column("V118", "spss", lambda rng, _: f"{rng.uniform(1, 9):.1f}E+05", held=True),
    Column("V119", "spss", one("Nokia", "Samsung", "iPhone 12", "Redmi 9"), held=True),
    Column("EMAIL_RATE", "spss", number(0, 1, 3), asked="decimal"),
    Column("TEL_RATING", "spss", number(1, 10)),
    Column("NAME_RECALL", "spss", number(0, 10), held=True),
    Column("LAT_FEES", "spss", number(0, 100), held=True),
    Column("MOBILE_SIGNAL", "spss", one("none", "weak", "good", "3G")),
    Column("V121", "spss", one("Q1 2026", "Q2 2026", "Q3 2026")),
    Column("V122", "spss", like("1#+500", "2#+000")),
)  # fmt: skip
