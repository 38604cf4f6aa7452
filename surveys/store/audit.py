"""The log: lines that are only ever added, each bound to the one before under a key.

A line's code is HMAC-SHA256(key, code of the line before || canonical JSON of the line), and the code of the last
line is bound once more in the table `secret`, in the same transaction: a tail that was cut off is missed there. What
a line proves of the tables beside the log stands in its details under `proof`; see `surveys.store.verifying`.
"""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from surveys.store.rows import Event
from surveys.store.schema import event, secret

#: Where the chain begins.
START: Final = "0" * 64

_HEAD: Final = "head"


def append(
    connection: Connection,
    key: bytes,
    *,
    who: str,
    action: str,
    subject: str,
    at: datetime,
    details: Mapping[str, object],
    proof: Mapping[str, object] | None = None,
) -> None:
    """Add a line to the log; the caller holds the lock of a writer, so that the chain never forks."""
    if "proof" in details:
        raise ValueError("`proof` in the details of a line is written by the store alone")
    number, before = _end(connection)
    intact = kept_head(connection) == head_code(key, number=number, code=before)
    told = {**details, "proof": dict(proof)} if proof else dict(details)
    whole = json.loads(json.dumps(told, allow_nan=False))
    line = Event(number + 1, at, who, action, subject, whole)
    code = mac(key, before, line)
    values = {"id": line.id, "at": at, "who": who, "action": action, "subject": subject, "details": whole}
    connection.execute(insert(event).values(mac=code, **values))
    if intact:  # else it stays as it is: a tail that was cut off must not be healed by the next line
        keep_head(connection, key, number=line.id, code=code)


def mac(key: bytes, before: str, line: Event) -> str:
    """Code of a line that follows the one with the code `before`."""
    at = line.at.astimezone(UTC).isoformat()
    text = canonical([line.id, at, line.who, line.action, line.subject, line.details])
    return hmac.digest(key, f"line\0{before}\0{text}".encode(), "sha256").hex()


def canonical(value: object) -> str:
    """One text for equal values."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)


def head(connection: Connection) -> str:
    """Number and code of the last line, as they are printed in releases: `12:4f0c...`."""
    number, code = _end(connection)
    return f"{number}:{code}"


def holds(connection: Connection, printed: str) -> bool:
    """Whether a head that was printed earlier is still on the chain."""
    number, _, code = printed.partition(":")
    if not number.isdecimal() or int(number) == 0:
        return printed == f"0:{START}"
    found = connection.execute(select(event.c.mac).where(event.c.id == int(number))).scalar_one_or_none()
    return found is not None and hmac.compare_digest(found, code)


def head_code(key: bytes, *, number: int, code: str) -> str:
    """What binds the end of the log."""
    return hmac.digest(key, f"head\0{number}\0{code}".encode(), "sha256").hex()


def kept_head(connection: Connection) -> str | None:
    """Read what binds the end of the log; None before the chain began."""
    return connection.execute(select(secret.c.value).where(secret.c.name == _HEAD)).scalar_one_or_none()


def keep_head(connection: Connection, key: bytes, *, number: int, code: str) -> None:
    """Bind the end of the log."""
    connection.execute(delete(secret).where(secret.c.name == _HEAD))
    connection.execute(insert(secret).values(name=_HEAD, value=head_code(key, number=number, code=code)))


def chain(connection: Connection, key: bytes) -> int:
    """Bind the lines that were written before there was a chain; says how many there were."""
    before, count = START, 0
    for line in events(connection):
        before, count = mac(key, before, line), count + 1
        connection.execute(update(event).where(event.c.id == line.id).values(mac=before))
    keep_head(connection, key, number=_end(connection)[0], code=before)
    return count


def events(connection: Connection) -> tuple[Event, ...]:
    """Read the whole log, oldest first."""
    found = connection.execute(select(event).order_by(event.c.id))
    return tuple(Event(row.id, row.at, row.who, row.action, row.subject, row.details, row.mac or "") for row in found)


def _end(connection: Connection) -> tuple[int, str]:
    last: Any = connection.execute(
        select(event.c.id, event.c.mac).where(event.c.id == select(func.max(event.c.id)).scalar_subquery())
    ).first()
    return (0, START) if last is None else (last.id, last.mac or START)
