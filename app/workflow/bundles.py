"""One release in one file, signed and for reading only: leadership runs it without the store and without answers.

A bundle is a zip of four members that stand one after the other, uncompressed and undated::

    manifest.json       what the release is, the public key, and the digest of every other member but the signature
    signature           Ed25519 over the bytes of the manifest
    document.json.z     the masked tables
    README.txt          what this is, in plain words

The same content has one spelling only. What is read is spelled again and compared byte for byte, so that nothing can
hide where a zip has room beside its members: in front, behind, in dates, flags, comments or a second member of a name.
"""

import base64
import contextlib
import hashlib
import io
import itertools
import json
import os
import re
import secrets
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from surveys.errors import SurveyError

FORMAT: Final = 1
SUFFIX: Final = ".sarhad"
#: Largest bundle, in bytes: it is held in memory three times over while it is written or read.
LARGEST: Final = 200 * 1024 * 1024
LARGEST_MANIFEST: Final = 4 * 1024 * 1024

MANIFEST, SIGNATURE, DOCUMENT, README = NAMES = ("manifest.json", "signature", "document.json.z", "README.txt")

_ABOUT: Final = {
    "survey_id": "text",
    "title": "text",
    "synthetic": "true or false",
    "number": "a whole number",
    "revision": "a whole number",
    "state": "text",
    "made_at": "a moment with its time zone",
    "engine": "text",
    "signatures": "a list",
    "comments": "a list",
}
_LISTED: Final = {
    "signatures": {"role": "text", "who": "text", "verified": "true or false", "at": "a moment with its time zone"},
    "comments": {"agency": "text", "text": "text", "at": "a moment with its time zone"},
}
_ADDED: Final = ("format", "members", "public_key")
_LOCAL_HEADER: Final = struct.Struct("<4s5H3I2H")


class BundleError(SurveyError):
    """A bundle is refused, or cannot be written."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was read and found unaltered.

    Attributes
    ----------
    manifest : mapping
        What `write` was told about the release, and `format`, `members`, `public_key`.
    document : bytes
        The document of the release as it was given; still compressed.
    fingerprint : str
        Of the key that signed it; people compare it with the one they were told by telephone.
    """

    manifest: Mapping[str, Any]
    document: bytes
    fingerprint: str


def new_signing_key() -> str:
    """Make a key that signs bundles, as text for the environment."""
    return base64.urlsafe_b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode("ascii")


def fingerprint(public: bytes) -> str:
    """Short form of a public key that people can read to one another: 32 hexadecimal digits in groups of four."""
    digits = hashlib.sha256(public).hexdigest()[:32]
    return " ".join(digits[start : start + 4] for start in range(0, 32, 4))


def write(target: Path, *, document: bytes, about: Mapping[str, Any], key: str) -> str:
    """Write a bundle and give the fingerprint of its key; equal input gives equal bytes.

    The file appears under its name when it is whole and on the disk, and never in place of another.

    Parameters
    ----------
    target : Path
        A new file that ends in `.sarhad`.
    document : bytes
        The document of the release: masked tables alone.
    about : mapping
        Exactly these, as plain values of JSON: `survey_id`, `title`, `synthetic`, `number`, `revision`, `state`,
        `made_at` (ISO 8601 with its zone), `engine`, `signatures` (each `role`, `who`, `verified`, `at`) and
        `comments` (each `agency`, `text`, `at`).
    key : str
        What `new_signing_key` gave.

    Raises
    ------
    BundleError
        If a field is missing, unknown or of another kind, the key is none, the document is too large, there is a
        file of that name, or it cannot be written.
    """
    if target.suffix != SUFFIX:
        raise BundleError(f"a bundle is named NAME{SUFFIX}, and {target.name} is not; name it so")
    _refuse_large(len(document), "the document")
    faults = _faults(about)
    if faults:
        raise BundleError("the bundle is not written: " + "; ".join(faults))
    private = _private(key)
    public = private.public_key().public_bytes_raw()
    own = fingerprint(public)
    others = {DOCUMENT: document, README: _readme(about, own)}
    manifest = _spelled({**about, "format": FORMAT, "members": _digests(others), "public_key": public.hex()})
    if len(manifest) > LARGEST_MANIFEST:
        raise BundleError("the bundle is not written: title, signatures and comments together are larger than 4 MB")
    whole = _packed({MANIFEST: manifest, SIGNATURE: private.sign(manifest), **others})
    _refuse_large(len(whole), "the bundle")
    _keep(whole, target)
    return own


def read(source: Path, *, trusted: str | None = None) -> Bundle:
    """Read a bundle, and refuse it if any byte of it was altered since it was signed.

    The signature shows that one key signed all of it, not whose key that is: anybody can alter a bundle and sign it
    with a key of his own. So the fingerprint must be compared with the one that the sender tells on another way, such
    as by telephone: by a person who sees `Bundle.fingerprint`, or here through `trusted`. The document is handed over
    as it is; whoever unpacks it must bound its size.

    Parameters
    ----------
    source : Path
        The file.
    trusted : str, optional
        The only fingerprint that is taken; spaces and capital letters in it do not matter.

    Raises
    ------
    BundleError
        If it is no bundle, of a newer format, too large, altered, or signed by a key of another fingerprint.
    """
    expected = None if trusted is None else _digits(trusted)
    whole = _bytes_of(source)
    parts = list(itertools.islice(_parts(whole, source.name), len(NAMES) + 1))
    manifest = _manifest(parts, source.name)
    members = _members(parts, source.name)
    public = _verified(manifest, members, source.name)
    own = fingerprint(public)
    if expected not in (None, _digits(own)):
        raise BundleError(
            f"{source.name} is signed by another key than the trusted one: its fingerprint is {own}; do not use it, "
            "and ask the sender by telephone which fingerprint is right"
        )
    faults = _faults({name: value for name, value in manifest.items() if name not in _ADDED})
    if faults:
        raise BundleError(f"{source.name} is not as a bundle must be: " + "; ".join(faults[:3]))
    digests = _digests({name: members[name] for name in (DOCUMENT, README)})
    if manifest.get("members") != digests or _packed(members) != whole:
        raise _altered(source.name)
    return Bundle(manifest, members[DOCUMENT], own)


def _altered(name: str) -> BundleError:
    return BundleError(f"{name} was altered or damaged after it was signed; do not use it, and ask for it again")


def _refuse_large(size: int, what: str) -> None:
    if size > LARGEST:
        raise BundleError(f"{what} is larger than {LARGEST // 1024**2} MB, the most that a bundle may hold")


def _faults(about: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with what is told about a release."""
    faults = _misfits(dict(about), _ABOUT, "the release")
    for name, wanted in _LISTED.items():
        rows = about.get(name)
        for place, row in enumerate(rows if isinstance(rows, list) else [], start=1):
            faults += _misfits(row, wanted, f"{name} {place}")
    return faults


def _misfits(found: object, wanted: Mapping[str, str], where: str) -> list[str]:
    if not isinstance(found, dict):
        return [f"{where} has no named fields"]
    faults = [f"{where} lacks {name}" for name in wanted if name not in found]
    faults += [f"{where} has {name!r}, which no bundle holds" for name in found if name not in wanted]
    there = [(name, kind) for name, kind in wanted.items() if name in found]
    return faults + [f"{name} of {where} must be {kind}" for name, kind in there if not _is(found[name], kind)]


def _is(value: object, kind: str) -> bool:
    if kind == "true or false":
        return isinstance(value, bool)
    if kind == "a whole number":
        return type(value) is int and 0 <= value < 2**31
    if kind == "a list":
        return isinstance(value, list)
    if not isinstance(value, str) or value.encode("utf-8", "ignore").decode("utf-8") != value:
        return False
    return kind == "text" or _is_moment(value)


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _private(key: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(key, altchars=b"-_", validate=True))
    except ValueError:
        raise BundleError(
            "the signing key is not one that this program made; make a new one and tell its fingerprint to the readers"
        ) from None


def _digits(text: str) -> str:
    """Digits of a fingerprint as it was typed."""
    digits = "".join(text.split()).lower()
    if not re.fullmatch(r"[0-9a-f]{32}", digits):
        raise BundleError("a fingerprint has 32 digits, 0 to 9 and a to f; the one given has not; type it again")
    return digits


def _digests(members: Mapping[str, bytes]) -> dict[str, dict[str, str | int]]:
    return {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)} for name, content in members.items()
    }


def _spelled(manifest: Mapping[str, Any]) -> bytes:
    text = json.dumps(manifest, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True)
    return f"{text}\n".encode()


def _readme(about: Mapping[str, Any], own: str) -> bytes:
    revised = f", revision {about['revision']}" if about["revision"] else ""
    invented = ["SYNTHETIC: these figures are invented, for practice.", ""] if about["synthetic"] else []
    lines = [
        *invented,
        f"Release {about['number']}{revised} of the survey: {' '.join(about['title'].split())}",
        f"State when this file was made: {about['state']}",
        f"Made at: {about['made_at']}",
        "",
        "This file holds the protected tables of one release. It holds no answers of any person.",
        "It is for reading only: a changed file is refused.",
        "",
        "To see it, run this command with the name of this file:",
        "",
        f"    sarhad serve --bundle NAME{SUFFIX}",
        "",
        "Before you use it, ask the sender for the fingerprint of the key, by telephone.",
        "Compare it with the fingerprint that the program shows. If they differ, do not use this file.",
        "",
        f"Fingerprint: {own}",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _packed(members: Mapping[str, bytes]) -> bytes:
    """Spell the members as a zip; a released spelling never changes, or bundles in people's hands would be refused."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name in NAMES:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # the same on every operating system
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, members[name])
    return whole.getvalue()


def _keep(whole: bytes, target: Path) -> None:
    temporary = target.with_name(f".{secrets.token_hex(8)}{SUFFIX}.part")
    try:
        with temporary.open("xb") as stream:
            stream.write(whole)
            stream.flush()
            os.fsync(stream.fileno())
        _name(temporary, target)
    except OSError as error:
        raise BundleError(f"the bundle cannot be written to {target}: {error.strerror}; name another folder") from error
    finally:
        with contextlib.suppress(OSError):  # what went wrong before is the thing to tell
            temporary.unlink(missing_ok=True)


def _name(temporary: Path, target: Path) -> None:
    try:
        os.link(temporary, target)  # refuses where there is a file
    except OSError:
        if os.path.lexists(target):
            name = target.name
            raise BundleError(f"there is a file {name} already, and it is left alone; name another one") from None
        temporary.rename(target)  # a disk without hard links, such as a memory stick
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _bytes_of(source: Path) -> bytes:
    try:
        if not source.is_file():
            raise BundleError(f"there is no bundle {source}; name a file that `sarhad release export` has written")
        with source.open("rb") as stream:
            whole = stream.read(LARGEST + 1)
    except OSError as error:
        raise BundleError(f"the bundle {source} cannot be read: {error.strerror}; copy it to this computer") from error
    _refuse_large(len(whole), source.name)
    return whole


def _parts(whole: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """Members as they stand one after the other; what no bundle has is refused before anything is unpacked."""
    place = 0
    while whole.startswith(b"PK\3\4", place) and len(whole) - place >= _LOCAL_HEADER.size:
        _, _, flags, method, _, _, _, packed, size, named, extra = _LOCAL_HEADER.unpack_from(whole, place)
        _refuse_large(size, f"a member of {name}")
        if flags or method or extra or packed != size:
            raise BundleError(f"{name} was packed anew by another program; use the file as it was sent")
        start = place + _LOCAL_HEADER.size + named
        member = whole[place + _LOCAL_HEADER.size : start].decode("latin-1")
        place = start + size
        yield member, whole[start:place]


def _manifest(parts: list[tuple[str, bytes]], name: str) -> dict[str, Any]:
    """What the first member says; nothing in it is trusted yet."""
    if not parts or parts[0][0] != MANIFEST:
        raise BundleError(f"{name} is not a bundle; name a file that `sarhad release export` has written")
    raw = parts[0][1]
    if len(raw) > LARGEST_MANIFEST:
        raise _altered(name)
    try:
        manifest = json.loads(raw)
        respelled = _spelled(manifest)
    except (ValueError, RecursionError) as error:
        raise _altered(name) from error
    found = manifest.get("format") if isinstance(manifest, dict) and respelled == raw else None
    if type(found) is not int or found < FORMAT:
        raise _altered(name)
    if found > FORMAT:
        raise BundleError(f"{name} has format {found}, and this program knows {FORMAT}; update the program")
    return dict(manifest)


def _members(parts: list[tuple[str, bytes]], name: str) -> dict[str, bytes]:
    names = [member for member, _ in parts]
    missing = [member for member in NAMES if member not in names]
    if missing:
        raise BundleError(f"{name} lacks {', '.join(missing)}; ask for it again")
    if tuple(names) != NAMES:
        raise BundleError(f"{name} holds more than a bundle does, or in another order; do not use it")
    return dict(parts)


def _verified(manifest: Mapping[str, Any], members: Mapping[str, bytes], name: str) -> bytes:
    """The public key that signed the manifest."""
    text = manifest.get("public_key")
    if not isinstance(text, str) or not re.fullmatch(r"[0-9a-f]{64}", text):
        raise _altered(name)
    public = bytes.fromhex(text)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(members[SIGNATURE], members[MANIFEST])
    except (InvalidSignature, ValueError) as error:
        raise _altered(name) from error
    return public
