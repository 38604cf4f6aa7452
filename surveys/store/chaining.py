"""The first opening of a store: its secrets, and the chain and seals of what is there already."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, Engine, delete, select

from surveys.errors import StoreError
from surveys.store import audit, prints, sealing
from surveys.store.database import reading, writing
from surveys.store.keys import Keys, settle, settled
from surveys.store.schema import release, totals

#: Who writes lines that nobody asked for.
PROGRAM: Final = "sarhad"


def begin(engine: Engine, *, salt: str, audit_key: str) -> Keys:
    """Find the secrets of a store; where there are none yet, make them and bind what is there."""
    with reading(engine) as connection:
        known = settled(connection, salt=salt, audit_key=audit_key)
    if known is not None:
        return known
    with writing(engine) as connection:
        keys = settle(connection, salt=salt, audit_key=audit_key)
        if audit.kept_head(connection) is None and not _bound(connection):
            _bind(connection, keys)
    return keys


def find(engine: Engine, *, salt: str, audit_key: str) -> Keys:
    """Find the secrets of a store that has them, without writing."""
    with reading(engine) as connection:
        known = settled(connection, salt=salt, audit_key=audit_key)
    if known is None:
        raise StoreError("the store was never opened, so it has no salt and no audit key; open it once first")
    return known


def _bound(connection: Connection) -> bool:
    """Whether there is or was a chain: then it is verified, never made again.

    Lines that prove something, and releases, came after the chain began: where its codes are gone somebody took them
    away, and to seal anew would make what was altered since then look sound.
    """
    lines = audit.events(connection)
    is_chained = any(line.mac or "proof" in line.details for line in lines)
    return is_chained or connection.execute(select(release.c.id).limit(1)).first() is not None


def _bind(connection: Connection, keys: Keys) -> None:
    lines = audit.chain(connection, keys.audit)
    files = sealing.seal_earlier(connection, keys.audit)
    connection.execute(delete(totals))  # from before they were sealed; they are made again when they are asked for
    if not lines and not files:
        return
    replaced = prints.replaced(connection)
    proof = {
        **prints.everything(connection),
        **{prints.thing("replaced", number): prints.of_replaced(places) for number, places in replaced.items()},
    }
    audit.append(
        connection,
        keys.audit,
        who=PROGRAM,
        action="chain-begun",
        subject="log",
        at=datetime.now(tz=UTC),
        details={"lines": lines, "files": files},
        proof=proof,
    )
