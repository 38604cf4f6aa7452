"""The two secrets of a store: the salt of its codes, and the key of its log and seals."""

import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select

from surveys.errors import StoreError
from surveys.store.salt import salted
from surveys.store.schema import secret


@dataclass(frozen=True, slots=True)
class Keys:
    """`salt` hides codes of shifts, interviewers and erased persons; `audit` binds what is stored."""

    salt: str
    audit: bytes


@dataclass(frozen=True, slots=True)
class _Kind:
    """One secret: its name in the table, that of its check value, what is checked, and its variable."""

    name: str
    check: str
    text: str
    word: str
    variable: str


_SALT: Final = _Kind("salt", "check", "the salt of this store", "salt", "SARHAD_SALT")
_AUDIT: Final = _Kind("audit-key", "audit-check", "the audit key of this store", "audit key", "SARHAD_AUDIT_KEY")


def settled(connection: Connection, *, salt: str, audit_key: str) -> Keys | None:
    """Find the secrets of this store without writing; None where one is not settled yet.

    Another salt would part a wave's shifts in two and count every submission anew, and under another audit key
    nothing would verify: both are refused.
    """
    rows = connection.execute(select(secret.c.name, secret.c.value)).all()
    known = {row.name: row.value for row in rows}
    found = [_known(known, kind, given) for kind, given in ((_SALT, salt), (_AUDIT, audit_key))]
    return Keys(found[0], found[1].encode()) if all(found) else None


def settle(connection: Connection, *, salt: str, audit_key: str) -> Keys:
    """Find the secrets of this store: those given, or else those that were made at the first opening."""
    rows = connection.execute(select(secret.c.name, secret.c.value)).all()
    known = {row.name: row.value for row in rows}
    found = [
        _known(known, kind, given) or _first(connection, kind, given)
        for kind, given in ((_SALT, salt), (_AUDIT, audit_key))
    ]
    return Keys(found[0], found[1].encode())


def _known(known: dict[str, str], kind: _Kind, given: str) -> str:
    if kind.check not in known:
        return ""
    value = given or known.get(kind.name, "")
    if not value:
        raise StoreError(f"the store was made with its own {kind.word}; give the same {kind.word} ({kind.variable})")
    if not hmac.compare_digest(known[kind.check], salted(value, kind.text)):
        raise StoreError(
            f"the store was made with another {kind.word}; give that one ({kind.variable}), or open another store"
        )
    return value


def _first(connection: Connection, kind: _Kind, given: str) -> str:
    value = given or secrets.token_hex(32)
    connection.execute(insert(secret).values(name=kind.check, value=salted(value, kind.text)))
    if not given:
        connection.execute(insert(secret).values(name=kind.name, value=value))
    return value
