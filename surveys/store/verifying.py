"""Whether everything is as it was stored: the log by its chain, and the tables by what the log proves of them."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from surveys.store import audit, prints, sealing, seals
from surveys.store.rows import Fault
from surveys.store.schema import batch, release, totals, wave

#: Kind of a thing in the log -> code of its fault, and what is said where it is altered, missing, or was never logged.
KINDS: Final = {
    "wave": ("wave-state", "the state of wave {1!r} of survey {0!r}"),
    "release": ("release", "release {1} of survey {0!r}"),
    "signature": ("signature", "the signature for {2} of release {1} of survey {0!r}"),
    "comment": ("comment", "comment {2} on release {1} of survey {0!r}"),
    "batch": ("batch", "file {0}"),
    "standing": ("batch-standing", "whether file {0} counts"),
    "form": ("form", "version {0} of the forms"),
    "replaced": ("replaced", "which answers file {0} stands for"),
    "erased": ("erased", "the mark of an erased submission of survey {0!r}"),
}

_NONE: Final = prints.of_replaced(())


def verify(connection: Connection, key: bytes) -> tuple[Fault, ...]:
    """Name everything that is not as it was stored; never an answer or a uuid."""
    return (
        *_log(connection, key),
        *_answers(connection, key),
        *_totals(connection, key),
        *_documents(connection),
        *_tables(connection),
    )


def _log(connection: Connection, key: bytes) -> Iterator[Fault]:
    before, number = audit.START, 0
    for line in audit.events(connection):
        if line.id != number + 1:
            yield Fault(
                "log-missing", f"line {number + 1}", f"lines {number + 1} to {line.id - 1} of the log are missing"
            )
        elif not hmac.compare_digest(audit.mac(key, before, line), line.mac):
            yield Fault("log-altered", f"line {line.id}", f"line {line.id} of the log is not as it was written")
        before, number = line.mac, line.id
    kept = audit.kept_head(connection)
    if kept is None or not hmac.compare_digest(kept, audit.head_code(key, number=number, code=before)):
        yield Fault("log-tail", f"line {number}", f"the log was cut off, or changed at its end, after line {number}")


def _answers(connection: Connection, key: bytes) -> Iterator[Fault]:
    found = connection.execute(
        select(batch.c.id, batch.c.seal, batch.c.slots, wave.c.survey_id, wave.c.name)
        .join(wave, wave.c.id == batch.c.wave_id)
        .order_by(batch.c.id)
    ).all()
    for row in found:
        yield from _file(connection, key, row)


def _file(connection: Connection, key: bytes, row: Row[*tuple[Any, ...]]) -> Iterator[Fault]:
    where = f"survey {row.survey_id!r}, wave {row.name!r}, file {row.id}"
    slots = row.slots or []
    kept, altered, places = [], set(sealing.strayed(connection, row.id, slots)), []
    for place in sealing.rows(connection, key, row.id, slots):
        kept.append(place.kept)
        places.append(place.position)
        if place.made is not None and not hmac.compare_digest(place.made, place.kept):
            altered.add(place.position)
    for position in sorted(altered):
        yield Fault("answer", f"{where}, row {position}", f"row {position} of {where} is not as it was stored")
    if places != list(range(1, len(places) + 1)):
        yield Fault("rows", where, f"rows of {where} are missing, or were added")
    elif not hmac.compare_digest(seals.of_batch(key, sealing.what(connection, row.id), kept), row.seal or ""):
        yield Fault(
            "batch-seal", where, f"{where}: rows are missing, added or in another order, or it is described anew"
        )


def _totals(connection: Connection, key: bytes) -> Iterator[Fault]:
    for row in connection.execute(select(totals).order_by(totals.c.survey_id, totals.c.digest)):
        if seals.opened_totals(key, row.digest, bytes(row.payload)) is None:
            where = f"totals {row.digest[:12]} of survey {row.survey_id!r}"
            yield Fault("totals", where, f"{where} are not as they were made; they are not used, and made again")


def _documents(connection: Connection) -> Iterator[Fault]:
    for row in connection.execute(select(release).order_by(release.c.id)):
        where = f"release {row.number} of survey {row.survey_id!r}"
        for name, digest in (("document", row.digest), ("mask", row.mask_digest)):
            if hashlib.sha256(bytes(getattr(row, name))).hexdigest() != digest:
                yield Fault(f"release-{name}", where, f"the {name} of {where} is not as it was stored")


def _tables(connection: Connection) -> Iterator[Fault]:
    proved = _proved(connection)
    found = {**prints.everything(connection), **_replaced(connection)}
    for name in sorted({*proved, *found}):
        kind, *keys = json.loads(name)
        usual = {"wave": "draft", "replaced": _NONE}.get(kind)
        now, then = found.get(name, usual), proved.get(name, usual)
        if now == then:
            continue
        code, words = KINDS[kind]
        # an erased submission is named by nothing but its survey
        subject = words.format(*keys)
        how = (
            "is missing" if now is None else "stands nowhere in the log" if then is None else "is not as the log has it"
        )
        yield Fault(code, subject, f"{subject} {how}")


def _proved(connection: Connection) -> Mapping[str, str]:
    """What the log, read from its beginning, says of each thing in the end."""
    proved: dict[str, str] = {}
    for line in audit.events(connection):
        proof = line.details.get("proof")
        if isinstance(proof, dict):
            proved.update(proof)
    return proved


def _replaced(connection: Connection) -> Mapping[str, str]:
    found = prints.replaced(connection)
    return {prints.thing("replaced", number): prints.of_replaced(places) for number, places in found.items()}
