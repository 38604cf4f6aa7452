"""Plain words for codes of the instruments: offices, actions, and what an answer to an outcome says.

They stand in `data/glossary.csv`, a row a code, so that a person who knows the services can correct them.
"""

import csv
from collections.abc import Mapping
from functools import cache

from app import settings

GLOSSARY = settings.ROOT / "data" / "glossary.csv"


def office(code: str) -> str:
    """The office that can act, as it is called."""
    return _word("office", code)


def action(code: str) -> str:
    """What the office can do, as a short request."""
    return _word("action", code)


def outcome(code: str) -> str:
    """What people with the highest answer are more or less likely to do or say; after "likely"."""
    return glossary("outcome").get(code) or f"to give the highest answer to: {_plain(code)}"


@cache
def glossary(kind: str) -> Mapping[str, str]:
    """Codes of one kind with their words."""
    with GLOSSARY.open(encoding="utf-8", newline="") as lines:
        return {row["code"]: row["en"] for row in csv.DictReader(lines) if row["kind"] == kind}


def _word(kind: str, code: str) -> str:
    return glossary(kind).get(code) or _plain(code)


def _plain(code: str) -> str:
    """A code that nobody put into words yet."""
    words = code.replace("_", " ")
    return words[:1].upper() + words[1:]
