"""Disks that are full or cannot be written, as they are: seen by a child process alone, and gone with it."""

import ctypes
import os
import resource
import traceback
import warnings
from collections.abc import Callable
from functools import cache
from multiprocessing import Pipe
from pathlib import Path
from typing import Final

import pytest

from surveys.errors import StoreError

NOBODY: Final = 65534

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_READ_ONLY, _AGAIN, _BIND, _DEEP, _PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x40000


def apart(work: Callable[[], object]) -> object:
    """Do something in a process of its own; gives what came out, or "refused: " and the words of a refusal.

    Raises EOFError where the process was killed.
    """
    end, begin = Pipe(duplex=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, which wait elsewhere
        child = os.fork()
    if child == 0:
        try:
            begin.send(("done", work()))
        except StoreError as refusal:
            begin.send(("done", f"refused: {refusal}"))
        except BaseException:  # noqa: BLE001 -- told to the parent, which fails
            begin.send(("fault", traceback.format_exc()))
        os._exit(0)
    begin.close()
    try:
        kind, told = end.recv()
    finally:
        end.close()
        os.waitpid(child, 0)
    assert kind == "done", told
    return told


def limit_files(size: int) -> None:
    """Let every write past this many bytes of any file fail, as on a disk that is full there."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def need_mounts() -> None:
    """Skip where this user may not mount anything, as in some containers."""
    if not _may_mount():
        pytest.skip("no right to mount a disk here, not even in a namespace of its own")


def mount_small(folder: Path, size: int) -> None:
    """Put an empty disk of some bytes into a folder; for a child of `apart`."""
    _alone()
    _mount(b"tmpfs", folder, b"tmpfs", 0, f"size={size}".encode())


def mount_read_only(folder: Path) -> None:
    """Make a folder one of a disk that cannot be written, not even by root; for a child of `apart`."""
    _alone()
    _mount(bytes(folder), folder, None, _BIND, None)
    _mount(None, folder, None, _AGAIN | _BIND | _READ_ONLY, None)


def become_nobody() -> None:
    """Give up the rights of root, who may write what its mode forbids; for a child of `apart`."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def _alone() -> None:
    user, group = os.getuid(), os.getgid()
    _call("unshare", _NEW_MOUNTS | (0 if user == 0 else _NEW_USER))
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _mount(None, Path("/"), None, _DEEP | _PRIVATE, None)


def _mount(source: bytes | None, target: Path, kind: bytes | None, flags: int, data: bytes | None) -> None:
    _call("mount", source, bytes(target), kind, flags, data)


def _call(name: str, *given: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*given) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


@cache
def _may_mount() -> bool:
    def tried() -> bool:
        try:
            _alone()
        except OSError:
            return False
        return True

    return hasattr(ctypes.CDLL(None), "unshare") and bool(apart(tried))
