"""The parent's side of the sandbox: starts the child, watches it, and makes tables of what it hands over."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import pandas as pd

from surveys.reading.limits import Limits
from surveys.reading.refusals import refusal
from surveys.reading.table import RawTable

CHILD = Path(__file__).with_name("child.py")
LONGEST_LINE = 4096
STATM = "/proc/{pid}/statm"
GLANCE = 0.05


@dataclass(slots=True)
class _Part:
    """A table while its rows arrive."""

    sheet: str
    columns: list[str]
    details: dict[str, str]
    pieces: list[pd.DataFrame] = field(default_factory=list)

    def add(self, rows: bytes) -> None:
        kinds = {0: "int64"} | dict.fromkeys(range(1, len(self.columns) + 1), "str")
        piece = pd.read_csv(
            io.BytesIO(rows),
            header=None,
            names=range(len(self.columns) + 1),
            dtype=kinds,
            na_filter=False,
            index_col=False,
        )
        self.pieces.append(piece)

    def table(self, form: str) -> RawTable:
        """Build the finished table, without nameless empty columns behind the last."""
        pieces = self.pieces or [pd.DataFrame({0: pd.Series(dtype="int64")})]
        whole = pd.concat(pieces, ignore_index=True)
        lines = whole[0].rename("line")
        frame = whole.drop(columns=0) if self.pieces else pd.DataFrame(columns=range(len(self.columns)), dtype="str")
        frame.columns = pd.RangeIndex(len(self.columns))
        width = len(self.columns)
        while not self.columns[width - 1].strip() and bool((frame[width - 1].str.strip() == "").all()):
            width -= 1
        return RawTable(
            columns=tuple(self.columns[:width]),
            frame=frame.iloc[:, :width],
            lines=lines,
            sheet=self.sheet,
            format=form,
            details=self.details,
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a child handed over: its tables, the refusal if it made one, and whether it came to its end."""

    tables: list[RawTable]
    refused: dict[str, Any]
    done: bool


class _Watch:
    """Ends a child that takes too much memory or time; the only thing here that runs beside the reading."""

    def __init__(self, child: "subprocess.Popen[bytes]", limits: Limits) -> None:
        self.child, self.limits = child, limits
        self.code = ""
        self.over = threading.Event()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Watch until the block ends."""
        thread = threading.Thread(target=self._look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join()

    def _look(self) -> None:
        deadline = time.monotonic() + 2 * self.limits.child_seconds
        while not self.over.wait(GLANCE):
            late = time.monotonic() > deadline
            if late or resident(self.child.pid) > self.limits.child_bytes:
                self.code = "time" if late else "memory"
                self.child.kill()
                return


def resident(pid: int) -> int:
    """Bytes of memory a process holds, 0 where the system does not tell (only Linux has /proc)."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(STATM.format(pid=pid)).read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def parse(
    stream: BinaryIO,
    *,
    name: str,
    form: str,
    limits: Limits,
    encoding: str = "",
    parts: Sequence[Mapping[str, str]] = (),
    sheet: str | None = None,
    every: bool = False,
) -> list[RawTable]:
    """Tables of a stream, parsed in the sandbox.

    Parameters
    ----------
    stream : BinaryIO
        The file, looked through by its guard.
    name : str
        What it is called in sentences.
    form : str
        Family of formats, see `kinds`.
    limits : Limits
        What the process may ask for.
    encoding : str
        Codec of a CSV.
    parts : sequence of mappings
        Tables of an archive: ``file``, ``sheet`` and ``encoding`` of each.
    sheet : str, optional
        The one table wanted of several; by default the main one.
    every : bool
        Whether all tables are wanted.

    Raises
    ------
    ReadingError
        When the child refuses, fails, or has to be ended.
    """
    order: dict[str, Any] = {"format": form, "encoding": encoding, "parts": parts, "sheet": sheet, "every": every}
    order["limits"] = asdict(limits)
    with _running(stream, order) as child:
        watch = _Watch(child, limits)
        with watch.looking():
            delivery = receive(_pipe(child.stdout), form=form, most=limits.child_bytes)
            code = watch.code or _cause(child, delivery)
    if code:
        raise refusal(code, {}, name=name)
    if delivery.refused:
        params = dict(delivery.refused.get("params", {}))
        part = params.pop("part", "")
        called = f"{name} ({part})" if part else name
        raise refusal(str(delivery.refused.get("code")), params, name=called)
    return delivery.tables


def receive(source: BinaryIO, *, form: str, most: int) -> Delivery:
    """Take the frames of a child as they come and make tables of them."""
    parts: list[_Part] = []
    last, payload = "", b""
    try:
        for last, payload in _frames(source, most=most):
            if last == "table":
                parts.append(_Part(**json.loads(payload)))
            elif last == "rows":
                parts[-1].add(payload)
        refused = dict(json.loads(payload)) if last == "refused" else {}
        return Delivery([part.table(form) for part in parts], refused=refused, done=last == "done")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        # A child that was taken over by the file it reads may say anything; it is believed in nothing.
        return Delivery([], refused={}, done=False)


def _cause(child: "subprocess.Popen[bytes]", delivery: Delivery) -> str:
    """What ended a child before its end: calamine aborts where memory is refused, the system ends what overruns."""
    if delivery.done or delivery.refused:
        return ""
    # With nobody to read it, a child that still writes ends as well.
    _pipe(child.stdout).close()
    return {-signal.SIGABRT: "memory", -signal.SIGKILL: "memory", -signal.SIGXCPU: "time"}.get(child.wait(), "failed")


def _frames(source: BinaryIO, *, most: int) -> Iterator[tuple[str, bytes]]:
    """Frames as they come; a frame cut off, or one too many bytes, ends them."""
    total = 0
    while (line := source.readline(LONGEST_LINE)).endswith(b"\n"):
        head = json.loads(line)
        total += head["size"]
        if total > most:
            yield "refused", json.dumps({"code": "memory", "params": {}}).encode()
            return
        payload = source.read(head["size"])
        if len(payload) < head["size"]:
            return
        yield head["kind"], payload


@contextmanager
def _running(stream: BinaryIO, order: dict[str, Any]) -> Iterator["subprocess.Popen[bytes]"]:
    """Child at work on the stream; ended and reaped whatever happens. It is given nothing of our environment."""
    command = [sys.executable, "-I", str(CHILD), json.dumps(order)]
    kept = {key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ}
    in_memory = isinstance(stream, io.BytesIO)
    if not in_memory:
        os.lseek(stream.fileno(), 0, os.SEEK_SET)
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own file; the order is one argument
        command,
        stdin=subprocess.PIPE if in_memory else stream,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=kept,
    )
    with child:
        try:
            if in_memory:
                threading.Thread(target=_feed, args=(_pipe(child.stdin), stream), daemon=True).start()
            yield child
        finally:
            child.kill()


def _feed(pipe: BinaryIO, stream: BinaryIO) -> None:
    # A child that refuses early closes its end: that is no fault of the upload.
    with suppress(OSError, ValueError), pipe:
        stream.seek(0)
        shutil.copyfileobj(stream, pipe)


def _pipe(pipe: IO[bytes] | None) -> BinaryIO:
    return cast("BinaryIO", pipe)
