"""The salt that turns codes of shifts and interviewers into ones that nobody can look up in a roster."""

import hmac
import secrets

from sqlalchemy import Connection, insert, select

from surveys.errors import StoreError
from surveys.store.schema import secret

_CHECK = "the salt of this store"


def settle(connection: Connection, given: str) -> str:
    """Find the salt of this store: the one given, or else the one that was made at the first opening.

    Another salt would part a wave's shifts in two and count every submission anew, so it is refused.
    """
    rows = connection.execute(select(secret.c.name, secret.c.value)).all()
    known = {row.name: row.value for row in rows}
    salt: str = given or known.get("salt", "")
    if "check" not in known:
        return _first(connection, salt)
    if not salt:
        raise StoreError("the store was made with a salt of its own; give the same salt (SARHAD_SALT)")
    if not hmac.compare_digest(known["check"], salted(salt, _CHECK)):
        raise StoreError("the store was made with another salt; give that one (SARHAD_SALT), or open another store")
    return salt


def _first(connection: Connection, given: str) -> str:
    salt = given or secrets.token_hex(32)
    connection.execute(insert(secret).values(name="check", value=salted(salt, _CHECK)))
    if not given:
        connection.execute(insert(secret).values(name="salt", value=salt))
    return salt


def salted(salt: str, *parts: str) -> str:
    """HMAC-SHA256 of the parts, its first 128 bits as hexadecimal digits; "" where the last part is ""."""
    if not parts[-1]:
        return ""
    return hmac.digest(salt.encode(), "\0".join(parts).encode(), "sha256").hex()[:32]
