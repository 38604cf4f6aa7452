"""Which interview a row is: its name, its repetitions, its day; exact times go no further than this."""

import hashlib
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from surveys.mapping import IDENTITIES, Match

Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]

#: So many filled cells are not alike in two interviews by chance; with fewer, the times must be alike too.
_TELLING: Final = 20
_NAMESPACE: Final = uuid.UUID("5d1c1f0e-6f0b-5a53-9d1c-7a2f0f3f6f10")
_INSTANT: Final = (
    r"(?:19|20)\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-][01]\d:?[0-5]\d)?"
)
_TIMES: Final = ("start", "end", "today")


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows that stand for an interview which another row stands for; one of them is kept.

    `same` rows say the same as the kept one, `changed` rows have its name and say something else.
    """

    same: Flags
    changed: Flags

    @property
    def rows(self) -> Flags:
        """All rows that are not kept."""
        return self.same | self.changed


def names(frame: pd.DataFrame, match: Match, *, personal: Collection[int] = ()) -> Texts:
    """Name of each submission as the field tool gave it, "" where it gave none; never out of a `personal` column."""
    found = np.full(len(frame), "", dtype=object)
    for role in IDENTITIES:
        if role in match.roles and match.roles[role] not in personal:
            cells = frame[match.roles[role]].str.strip().str.removeprefix("uuid:").to_numpy(dtype=object)
            found = np.where(found == "", cells, found)
    return found


def repeats(frame: pd.DataFrame, match: Match, named: Texts) -> Repeats:
    """Find repeated rows: the same name, or the same answers at the same times under another name.

    Of rows that say the same the first is kept; where a name comes back with other answers, the last: it was edited.
    """
    meta = [at for at in match.meta if at not in {match.roles.get(role) for role in _TIMES}]
    signature = _signatures(frame.drop(columns=meta))
    same, changed = np.zeros(len(frame), dtype=np.bool_), np.zeros(len(frame), dtype=np.bool_)
    for rows in _groups(named):
        kept = rows[0] if len({signature[row] for row in rows}) == 1 else rows[-1]
        for row in rows:
            same[row] = row != kept and signature[row] == signature[kept]
            changed[row] = row != kept and signature[row] != signature[kept]
    left = np.where(same | changed, "", signature)
    for rows in _groups(left):
        if _telling(frame.iloc[rows[0]], match):
            same[rows[1:]] = True
    return Repeats(same, changed)


def _signatures(frame: pd.DataFrame) -> Texts:
    """One text a row, equal where all cells are."""
    if not frame.shape[1]:
        return np.full(len(frame), "0", dtype=object)
    codes = pd.util.hash_pandas_object(frame.astype(object), index=False)
    return np.asarray(codes.astype(str).to_numpy(dtype=object), dtype=object)


def _groups(names_: Texts) -> list[list[int]]:
    """Rows that share a name, where at least two do."""
    counts = Counter(names_)
    found: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names_):
        if name and counts[name] > 1:
            found[name].append(row)
    return list(found.values())


def _telling(row: "pd.Series[str]", match: Match) -> bool:
    timed = "start" in match.roles and row[match.roles["start"]] != ""
    return bool(timed or (row != "").sum() >= _TELLING)


def moments(frame: pd.DataFrame, match: Match) -> pd.DataFrame:
    """Day, half of the day and minutes of each interview; `unread` where a time is written as nobody can be sure.

    The day is that of the start, else the day noted, else the day of submission; the half of a day is known from the
    start alone, since a form may be sent much later.
    """
    texts = [frame[match.roles[role]].str.strip() for role in ("start", "today", "submitted") if role in match.roles]
    day = pd.Series("", index=frame.index, dtype="str")
    unread = pd.Series(False, index=frame.index)
    for text in texts:
        iso = text.str.fullmatch(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ].*)?")
        unread |= (text != "") & ~iso
        day = day.where(day != "", text.where(iso, "").str.slice(0, 10))
    return pd.DataFrame(
        {
            "day": day,
            "half_day": _half_day(frame, match),
            "minutes": _minutes(frame, match),
            "unread": unread & (day == ""),
        },
        index=frame.index,
    )


def _half_day(frame: pd.DataFrame, match: Match) -> "pd.Series[str]":
    if "start" not in match.roles:
        return pd.Series("", index=frame.index, dtype="str")
    hour = frame[match.roles["start"]].str.extract(r"^\s*\d{4}-\d{2}-\d{2}[T ](\d{2}):", expand=False)
    number = pd.to_numeric(hour, errors="coerce")
    noon = 12
    half = np.select([number < noon, number >= noon], ["am", "pm"], default="")
    return pd.Series(half, index=frame.index, dtype="str")


def _minutes(frame: pd.DataFrame, match: Match) -> "pd.Series[float]":
    """Minutes from start to end, to one decimal; unknown where the end is before the start."""
    if not {"start", "end"} <= match.roles.keys():
        return pd.Series(np.nan, index=frame.index)
    start, end = (_instants(frame[match.roles[role]]) for role in ("start", "end"))
    minutes = (end - start) / 60.0
    return minutes.where(minutes >= 0).round(1)


def _instants(cells: "pd.Series[str]") -> "pd.Series[float]":
    """Seconds on one clock; NaN for what is no time."""
    text = cells.str.strip()
    times = pd.to_datetime(text.where(text.str.fullmatch(_INSTANT)), format="ISO8601", utc=True, errors="coerce")
    return times.astype("datetime64[ns, UTC]").astype("int64").where(times.notna()) / 1e9


def contents(columns: Mapping[str, npt.NDArray[np.generic]], texts: Sequence[Texts]) -> list[str]:
    """Digest of each coded row: equal where everything that is stored is equal."""
    coded = [values for values in columns.values() if values.dtype == np.int16]
    numbers = [values.astype(np.float64) for values in columns.values() if values.dtype != np.int16]
    rows = len(texts[0])
    left = np.stack(coded, axis=1) if coded else np.zeros((rows, 0), dtype=np.int16)
    right = np.stack(numbers, axis=1) if numbers else np.zeros((rows, 0))
    head = "\x1f".join(columns).encode()
    start = hashlib.sha256(head)
    found = []
    for row in range(rows):
        digest = start.copy()
        digest.update(left[row].astype("<i2").tobytes())
        digest.update(right[row].astype("<f8").tobytes())
        digest.update("\x1f".join(str(text[row]) for text in texts).encode())
        found.append(digest.hexdigest()[:32])
    return found


def uuids(named: Texts, content: Sequence[str]) -> list[str]:
    """Name of each submission; one without a name is named after its content and its number among equals."""
    seen: Counter[str] = Counter()
    found = []
    for name, digest in zip(named, content, strict=True):
        if name:
            found.append(str(name))
            continue
        found.append(str(uuid.uuid5(_NAMESPACE, f"{digest}/{seen[digest]}")))
        seen[digest] += 1
    return found
