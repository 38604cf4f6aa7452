"""Files that wait to be read: on the disk, for their owner alone, before anybody is told that they were received.

Each lies in a folder of its own under a name that nobody can guess, encrypted where there is a vault key. It appears
there whole or not at all, and is removed when nothing waits for it any more.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from surveys import vault
from surveys.errors import StoreError
from surveys.vault import Sealed

PART: Final = ".part"
CHUNK: Final = 1024 * 1024
LONGEST: Final = 200  # bytes of a file's name that are kept; file systems end at 255
ALLOWED: Final = "-_. ()"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is safe: where it lies, what it is called, what it holds, and whether it is encrypted."""

    place: str
    name: str
    sha256: str
    sealed: bool


def keep(path: Path, folder: Path, *, key: str | None = None) -> Kept:
    """Copy a file into the folder, encrypted under the vault key where there is one, and onto the disk.

    Raises
    ------
    StoreError
        If it cannot be read or written, or is too large to be encrypted.
    """
    place, name = secrets.token_hex(16), safe_name(path.name)
    part = folder / f"{place}{PART}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.mkdir(mode=0o700)
        sha256 = _sealed_into(path, part / name, key) if key else _copied_into(path, part / name)
        _sync(part)
        part.rename(folder / place)
        _sync(folder)
    except OSError as error:
        raise StoreError(
            f"'{name}' cannot be kept in {folder.name}: {error.strerror}; see that the disk has room and may be "
            "written, then send the file again"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Kept(place, name, sha256, sealed=bool(key))


def path_of(folder: Path, place: str, name: str) -> Path:
    """Where a file lies that is kept as it came."""
    return folder / place / name


def sealed_of(folder: Path, place: str, name: str) -> Sealed:
    """Give an encrypted file back, still sealed.

    Raises
    ------
    StoreError
        If it is not there, or is none that this module wrote.
    """
    try:
        sha256, key_id, wrapped, payload = path_of(folder, place, name).read_bytes().split(b"\n")
    except OSError as error:
        raise StoreError(f"'{name}' cannot be opened where it was kept: {error.strerror}; send it again") from error
    except ValueError as error:
        raise StoreError(f"'{name}' is not as it was kept; send the file again") from error
    return Sealed(sha256.decode(), key_id.decode(), wrapped, payload)


def places(folder: Path) -> frozenset[str]:
    """Where whole files lie."""
    return frozenset(name for name in _entries(folder) if not name.endswith(PART))


def remove(folder: Path, place: str) -> None:
    """Let a file go; one that is gone already is no fault."""
    shutil.rmtree(folder / place, ignore_errors=True)


def sweep(folder: Path, *, keep: Collection[str], before: float) -> int:
    """Let every file go that is not to be kept and lies there since before a moment (seconds since 1970).

    One that nobody asks for was received by a process that ended before it could say so, or outlived its job. A file
    that came a moment ago may be waiting to be named.
    """
    gone = [name for name in _entries(folder) if name not in keep and _since(folder / name, otherwise=before) < before]
    for name in gone:
        remove(folder, name)
    return len(gone)


def safe_name(name: str) -> str:
    """What a file is called, without what a path could mean to a machine."""
    plain = "".join(letter if letter.isalnum() or letter in ALLOWED else "_" for letter in name).strip(". ")
    return plain.encode("utf-8")[-LONGEST:].decode("utf-8", "ignore").strip(". ") or "file"


def _entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def _since(path: Path, *, otherwise: float) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another worker was faster
        return otherwise


def _sealed_into(path: Path, target: Path, key: str) -> str:
    sealed = vault.seal(path, key)
    with _new(target) as stream:
        stream.write(b"\n".join((sealed.sha256.encode(), sealed.key_id.encode(), sealed.wrapped_key, sealed.payload)))
    return sealed.sha256


def _copied_into(path: Path, target: Path) -> str:
    seen = hashlib.sha256()
    with path.open("rb") as source, _new(target) as stream:
        while piece := source.read(CHUNK):
            seen.update(piece)
            stream.write(piece)
    return seen.hexdigest()


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """A new file for its owner alone, that is on the disk when it is closed."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
