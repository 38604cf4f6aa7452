"""Columns invented when the recogniser stood, in two rounds: they tell what it makes of what nobody thought of.

Nearly all of them were measured in two rounds. In the first 28 of 39 were caught and 5 of 30 lost, after which the
recogniser was improved; in the second 21 of 27 and 1 of 26, after which it was improved once more. What is missed
still: first names without family names, two-word names that repeat and end as no list knows, places to three decimals,
and short remarks that repeat.
"""

import random

import pandas as pd

from tests.surveys.planted import TJ_FAMILY, Maker, joined, like, moment, number, one, persian


def whole(low: int, high: int, before: str = "", after: str = "", times: int = 1) -> Maker:
    """A whole number with something before and behind it."""
    return lambda rng, _: f"{before}{rng.randrange(low, high) * times}{after}"


def mostly(maker: Maker, other: str, share: float) -> Maker:
    """Made cells in some rows, the same text in the others."""
    return lambda rng, row: maker(rng, row) if rng.random() < share else other


def ticked(rng: random.Random, _: int) -> str:
    """Some codes of a question with several answers."""
    return " ".join(rng.sample(["food", "water", "cash_aid", "health", "shelter"], rng.randrange(1, 5)))


def column(name: str, maker: Maker, rows: int = 300) -> "pd.Series[str]":
    """Cells of one column; the same each time."""
    rng = random.Random(name)
    return pd.Series([maker(rng, row) for row in range(rows)], dtype="str")


PERSONAL: dict[str, Maker] = {
    "afghan names in Latin letters": joined(
        ("Mohammad", "Karim", "Najib", "Sayed", "Farid", "Latif"),
        ("Ahmadi", "Stanekzai", "Wardak", "Noori", "Popal", "Safi"),
    ),
    "first names in Dari": one(
        *[
            "نجیبه",
            "فرزانه",
            "شکیبا",
            "جاوید",
            "ضیا",
            "بهرام",
            "رویا",
            "سمیع",
            "لطیف",
            "پروین",
            "هما",
            "ثریا",
            "کاوه",
            "نوید",
            "آرش",
            "مینا",
        ]
    ),
    "uzbek names": joined(
        ("Aziza", "Otabek", "Dilnoza", "Sherzod"), ("Yoʻldosheva", "Toshmatov", "Ergasheva", "Qodirov")
    ),
    "kyrgyz names": joined(("Айбек", "Нурлан", "Бакыт", "Эркин"), ("уулу", "кызы"), ("Талант", "Азамат", "Жаныл")),
    "titles": joined(("Mr.", "Mrs.", "Dr."), ("J.", "K.", "L."), ("Smith", "Brown", "Hill", "Wood", "Green")),
    "family names": one(*TJ_FAMILY, "Солиев", "Ғафуров", "Холов", "Одинаев"),
    "names behind a word": joined(("driver:", "guard -", "seller"), ("Karim", "Ali", "Sadaf", "Latif", "Jamila")),
    "german names": joined(("Hans", "Greta", "Uwe", "Jutta"), ("Müller", "Schmidt", "Vogel", "Krause", "Lang")),
    "pashto names": joined(("زلمی", "ګلالۍ", "توریالی", "پښتنه"), ("وردک", "ستانکزی", "مومند", "ځدراڼ", "اپریدی")),
    "names of women": joined(("Шаҳноза", "Ганҷина", "Рухшона"), ("Қодирова", "Исмоилова", "Бобоева", "Ҳасанзода")),
    "names with a comma": joined(("Olimov,", "Boboev,", "Ismoilov,"), ("Bek", "Rano", "Suhrob")),
    "sons of": joined(("Gul Agha", "Noor Jan", "Shah Wali"), ("s/o",), ("Abdul Ghani", "Mir Hamza", "Taj Bibi")),
    "phones of Iran": like("0912 ### ####", "0935 ### ####"),
    "phones of America": like("(555) ###-####"),
    "phones of Russia": like("8 905 ### ## ##", "+7(905)#######"),
    "phones between refusals": mostly(like("93#######"), "no phone", 0.5),
    "phones with dots": like("992.93.###.##.##"),
    "phones with a slash": like("0799/######"),
    "phones that a spreadsheet spoiled": like("9.929312####E+11"),
    "links to phones": like("https://wa.me/99293#######"),
    "mail in capitals": whole(1, 999, "USER", "@EXAMPLE.ORG"),
    "mail in a tenth": mostly(whole(1, 99, "write to me: a", "@ex.example"), "ok", 0.1),
    "passports": like("AB ######", "KP ######"),
    "passports as numbers": like("4009#####"),
    "citizens of Kazakhstan": like("8#########1#"),
    "taxpayers": like("02#######"),
    "tazkira in a book": persian(like("جلد ## صفحه ### ثبت ###")),
    "licences": like("DL-####/##"),
    "plates of Kazakhstan": like("### @@@ 02"),
    "plates of Iran": like("## ب ### ##", "## ج ### ##"),
    "plates of motorcycles": like("####@@01"),
    "numbers of vehicles": like("WDB9634031L#######"),
    "degrees with letters": like("N37.1#### E68.5####"),
    "degrees with commas": like("37,1####"),
    "degrees without a point": like("371#####"),
    "three words": like("///filled.count.so@p", "///tree.@lamp.door"),
    "links to maps": like("https://maps.example/?q=37.1####,68.2####"),
    "degrees to three decimals": number(37.0, 37.9, 3),
    "GeoJSON": like('{"type":"Point","coordinates":[68.#####,37.1]}'),
    "geohashes": like("tq^k^w^z#"),
    "degrees and minutes": like("37 1#.### N, 68 3#.### E"),
    "times with slashes": moment("%Y/%m/%d %H:%M"),
    "times with words": moment("%d %b %Y %H:%M"),
    "times of day": moment("%H:%M:%S"),
    "times of the Persian calendar": persian(like("1405/02/1# 1#:##")),
    "seconds since 1582": whole(13_990_000_000, 13_996_000_000),
    "milliseconds since 1960": whole(2_094_000_000_000, 2_100_000_000_000),
    "basic ISO times": moment("%Y%m%dT%H%M%SZ"),
    "american times": moment("%m/%d/%Y %I:%M:%S %p"),
    "times of mail": moment("%a, %d %b %Y %H:%M:%S +0500"),
    "births in the Persian calendar": like("133#/02/1#", "134#/05/2#", "137#/11/0#"),
    "births in words": like("March 1#, 19##"),
    "births in Russian": like("1# марта 19## г."),
    "masked cards": like("4111 **** **** ####"),
    "accounts": like("20206972############"),
    "accounts in groups": like("2021 6972 #### #### ####"),
    "SIM cards": like("899920############"),
    "subscribers": like("43601##########"),
    "serial numbers": like("SN-R58M@#@@#@"),
    "IMEI with dashes": like("35-######-######-#"),
    "networks": like("TP-LINK_^#^^"),
    "cookies": like("^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"),
    "accounts of Skype": like("live:.cid.^^^^^^^^^^^^^^^^"),
    "addresses in Russian": like("ул. Айни, д. ##, кв. #", "ул. Рудаки, д. #, кв. ##"),
    "remarks that repeat": one("tea money", "he was rude", "long queue", "bad road", "was polite", "too slow"),
    "remarks": joined(
        ("he said", "they told me", "I think", "she heard"),
        ("the fee is double", "nobody gives a receipt", "we wait all night", "it is fair"),
        ("always", "on fridays", "in winter", "since March", "again"),
    ),
}

HARMLESS: dict[str, Maker] = {
    "tariff of ten digits": one("0806101000", "0702000000", "1006301000", "0207140000"),
    "bar codes": one("4600494000123", "4607001234567", "6260100320117"),
    "regions": one("TJ-SU", "TJ-KT", "TJ-GB"),
    "districts as codes": like("TJ010#", "TJ020#"),
    "lots": whole(0, 40, "lot "),
    "sums in somoni": like("# ### TJS"),
    "sums in dollars": whole(5, 900, "$", ".50"),
    "sums in afghani": whole(1, 90, after=" AFN", times=500),
    "sums of ten digits": whole(10**8, 10**10),
    "round sums": whole(1, 99, times=12_500),
    "distances": whole(1, 300, after=" km"),
    "times a week": one("2-3 times", "4-5 times", "once"),
    "marks": whole(1, 6, after="/5"),
    "opening hours": one("08:00", "09:00", "10:00"),
    "ratios": one("1:5", "1:10", "1:2"),
    "percentages": whole(0, 99, after=",5 %"),
    "weights near one": number(0.8, 1.3, 12),
    "weights near ten": number(9.5, 10.6, 6),
    "temperatures": number(20.1, 22, 4),
    "exchange rates": number(10.9, 11.2, 4),
    "body mass": number(18, 30, 4),
    "months": one("May 2026", "June 2026"),
    "crops": one("пиёз", "сабзӣ", "картошка", "биринҷ", "гандум", "ангур"),
    "ticks": ticked,
    "nations": one("Tajik", "Afghan", "Uzbek"),
    "days of the Persian calendar": like("1405/02/1#", "1405/02/2#"),
    "numbers of rows": lambda _, row: str(100_000 + row),
    "years": whole(1950, 2020),
    "accuracy in metres": number(3, 20, 1),
    "counts of seven digits": whole(10**6, 9 * 10**6),
    "seats": whole(2, 50, after="+1"),
    "grams": whole(1, 900, after="g"),
    "shares": number(0, 1, 3),
    "numbers about zero": number(-1, 1, 6),
    "an index": number(0, 100, 4),
    "hours": whole(0, 24, after="h"),
    "weekdays": one("душанбе", "сешанбе", "чоршанбе", "панҷшанбе", "ҷумъа"),
    "vehicles": one("truck", "minibus", "car", "on foot", "bicycle"),
    "goods": one("Сабзавот", "Мева", "Либос", "Орд", "Равған", "Сохтмон", "Маишӣ"),
    "districts": one("Шуғнон", "Рӯшон", "Ванҷ", "Дарвоз", "Ишкошим", "Роштқалъа", "Мурғоб"),
    "posts": one("Низом", "Панҷи Поён", "Тем", "Рузвай", "Ишкошим"),
    "versions": one("1.0.3", "1.0.4", "1.1.0"),
    "weeks": like("2026-W2#"),
    "tariff of six digits": like("0806##"),
    "tariffs": one("5% + 12%", "10% + 18%", "0% + 12%"),
    "millimetres": whole(1000, 9999, after=" mm"),
    "occupations": joined(("small", "large", "retail", "fruit", "cloth"), ("trader", "driver", "farmer", "worker")),
    "wares": one(
        *("Green Tea", "Red Onion", "Dry Fruit", "Sun Oil", "White Rice", "Black Tea", "Wheat Flour", "Cotton Cloth"),
        *("Cement Bags", "Fresh Fish", "Dried Milk", "Brown Sugar", "Sea Salt", "Hot Pepper"),
    ),
    "how often": one("Ҳеҷ гоҳ", "Баъзан", "Аксар вақт", "Ҳамеша"),
}
