"""Raw uploads: hashed always, kept only encrypted, each under a key of its own so that one can be erased.

The key of an upload is wrapped by the master key. To erase an upload its wrapped key is destroyed; what may be left
of the payload in a backup is then noise.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from surveys.errors import StoreError

#: Largest file that is kept, in bytes: it is held in memory while it is encrypted, and SQLite ends at 1 GB a value.
LARGEST: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sealed:
    """One encrypted upload.

    Attributes
    ----------
    sha256 : str
        Digest of the file as it came.
    key_id : str
        Which master key wrapped the key of this upload; says nothing about the key itself.
    wrapped_key : bytes
        The key of this upload, encrypted under the master key.
    payload : bytes
        The file, encrypted under its own key.
    """

    sha256: str
    key_id: str
    wrapped_key: bytes
    payload: bytes


def digest(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits; reads it in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def new_key() -> str:
    """Make a master key, as text for the environment."""
    return Fernet.generate_key().decode("ascii")


def seal(path: Path, key: str) -> Sealed:
    """Encrypt a file under a fresh key, and that key under the master key.

    Raises
    ------
    StoreError
        If the master key is not one, or the file is larger than `LARGEST`.
    """
    master = _master(key)
    if path.stat().st_size > LARGEST:
        raise StoreError(
            f"'{path.name}' is larger than the {LARGEST // 1024**2} MB that are kept encrypted; "
            "split the file, or unset the vault key so that raw files are only hashed"
        )
    content = path.read_bytes()
    own = Fernet.generate_key()
    return Sealed(
        sha256=hashlib.sha256(content).hexdigest(),
        key_id=_key_id(key),
        wrapped_key=master.encrypt(own),
        payload=Fernet(own).encrypt(content),
    )


def unseal(sealed: Sealed, key: str) -> bytes:
    """Give the file back as it came.

    Raises
    ------
    StoreError
        If the master key is another one than the file was sealed under, or the payload was changed.
    """
    master = _master(key)
    if sealed.key_id != _key_id(key):
        raise StoreError(f"this upload was sealed under key {sealed.key_id}, not under {_key_id(key)}; give that key")
    try:
        content = Fernet(master.decrypt(sealed.wrapped_key)).decrypt(sealed.payload)
    except (InvalidToken, ValueError) as error:
        raise StoreError("the sealed upload does not open: it was changed after it was sealed") from error
    if hashlib.sha256(content).hexdigest() != sealed.sha256:
        raise StoreError("the sealed upload is not the file it says it is; take it from a backup")
    return content


def _master(key: str) -> Fernet:
    try:
        return Fernet(key)
    except (ValueError, TypeError) as error:
        raise StoreError("the vault key is not a key (44 characters, URL-safe base64 of 32 bytes)") from error


def _key_id(key: str) -> str:
    return hashlib.sha256(b"sarhad vault key id\0" + key.encode("ascii")).hexdigest()[:16]
