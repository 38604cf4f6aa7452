"""What the parent does when the process that parses misbehaves."""

import io
import json
import time
from pathlib import Path

import pytest

from surveys.errors import ReadingError
from surveys.reading import Limits, child, process, read_bytes


def refused(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ReadingError) as caught:
        read_bytes(data, "wave.csv", limits=limits or Limits())
    return str(caught.value)


def with_child(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str) -> None:
    path = folder / "other_child.py"
    path.write_text(body, encoding="utf-8")
    monkeypatch.setattr(process, "CHILD", path)


def test_a_child_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_child(monkeypatch, tmp_path, "import time\ntime.sleep(600)\n")
    started = time.monotonic()
    assert "takes longer to read" in refused(b"a,b\n1,2\n", limits=Limits(child_seconds=0.1))
    assert time.monotonic() - started < 60


def test_a_child_that_takes_too_much_memory_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_child(monkeypatch, tmp_path, "import time\nx = bytearray(200_000_000)\ntime.sleep(600)\n")
    assert "needs more memory" in refused(b"a,b\n1,2\n", limits=Limits(child_bytes=50_000_000))


def test_a_child_without_the_memory_it_asks_for_says_so() -> None:
    data = b"a,b\n" + b"x,1\n" * 6_000_000
    assert "needs more memory" in refused(data, limits=Limits(child_bytes=40_000_000))


@pytest.mark.parametrize(
    "body",
    [
        "raise SystemExit(3)",
        "print('no frame at all')",
        'print(\'{"kind": "rows", "size": 99}\')',
        'print(\'{"kind": "rows", "size": 3}\\nabc\')',
        'print(\'{"kind": "refused", "size": 30}\\n{"code": "none", "params": {}}  \')',
    ],
)
def test_a_child_that_breaks_off_or_babbles_is_a_sentence(
    body: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_child(monkeypatch, tmp_path, body + "\n")
    assert refused(b"a,b\n1,2\n").startswith("wave.csv could not be read to its end")


def test_a_child_that_hands_over_too_much_is_refused() -> None:
    out = io.BytesIO()
    table = json.dumps({"sheet": "", "columns": ["a"], "details": {}}).encode()
    child.send(out, "table", table)
    child.send(out, "rows", b"2,1\r\n")
    out.seek(0)
    assert process.receive(out, form="csv", most=len(table) + 1).refused["code"] == "memory"


def test_the_child_sees_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SARHAD_SECRET", "key")
    with_child(
        monkeypatch,
        tmp_path,
        "import json, os\n"
        "found = json.dumps({'sheet': '', 'columns': sorted(os.environ), 'details': {}})\n"
        "print(json.dumps({'kind': 'table', 'size': len(found)}) + '\\n' + found, end='')\n"
        'print(\'{"kind": "done", "size": 0}\')\n',
    )
    assert "SARHAD_SECRET" not in read_bytes(b"a,b\n", "wave.csv").columns
