"""Seals of answers: a code over every stored row, and one over each file's rows in their order."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from surveys.store.audit import canonical

#: Columns of a submission that are sealed before its slots.
OWN: Final = ("uuid", "content", "psu", "interviewer", "day", "half_day", "minutes")

#: Bytes of a row's seal.
SIZE: Final = 16


def of_row(key: bytes, values: Sequence[object]) -> bytes:
    """Seal of one row: its columns of `OWN`, then its slots in their order; numbers as Python prints them.

    `ascii` is the fastest text of a tuple that no version of Python changes, and rows are many.
    """
    return hmac.digest(key, b"row\0" + ascii(tuple(values)).encode("ascii"), "sha256")[:SIZE]


def of_batch(key: bytes, what: Sequence[object], seals: Sequence[bytes]) -> str:
    """Seal of one file: what it is (file, wave, who, when, form, slots), and its rows."""
    head = canonical([what, len(seals)])
    return hmac.digest(key, b"batch\0" + head.encode() + b"\0" + b"".join(seals), "sha256").hex()


def of_totals(key: bytes, digest: str, payload: bytes) -> bytes:
    """Seal of totals, which lie before them: what is computed again is not trusted blindly when it is found."""
    return hmac.digest(key, b"totals\0" + digest.encode() + b"\0" + payload, "sha256")


def opened_totals(key: bytes, digest: str, kept: bytes) -> bytes | None:
    """Totals without their seal; None where it is not theirs."""
    size = hashlib.sha256().digest_size
    seal, payload = kept[:size], kept[size:]
    return payload if hmac.compare_digest(seal, of_totals(key, digest, payload)) else None
