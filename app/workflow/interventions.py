"""Trainings, equipment and procedures by post and day: the declared table or somebody's own, set among the waves."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from app.workflow import declared
from app.workflow.document import Release
from app.workflow.studies import POSTS
from scoring.errors import RequestError
from scoring.findings import Finding

NAME = "interventions"
EXAMPLE = ("2025-03-10", "training")  # day and kind of the row that shows how
YEAR = re.compile(r"(19|20)\d\d", re.ASCII)
Days = Mapping[str, tuple[str, str]]


def table_of(release: Release) -> pd.DataFrame:
    """The table that is declared with a release: `post`, `date`, `kind`."""
    return _plain(declared.of(release).interventions)


def read_table(release: Release, data: bytes) -> pd.DataFrame:
    """Somebody's own table, read by the rules of the declared one and stored nowhere.

    Raises
    ------
    StoreError
        Everything that is wrong, in one message: row, column and what to do; a post that the release does not have too.
    """
    texts = declared.decoded({declared.FILES[NAME]: data})
    declared.refuse_unfit(texts, document=release.document)
    return _plain(declared.read(texts).interventions)


def template(release: Release) -> bytes:
    """A table to be filled in: its header, and one row of the first post that shows how."""
    rows = (declared.NEEDED[NAME], (*posts_of(release)[:1], *EXAMPLE))
    return "".join(f"{','.join(row)}\n" for row in rows).encode()


def posts_of(release: Release) -> tuple[str, ...]:
    """Posts that a release has a row for, shown or hidden."""
    table = release.document.scores.get(POSTS, pd.DataFrame(columns=["post"]))
    return tuple(dict.fromkeys(table["post"].astype(str)))


def kinds_of(table: pd.DataFrame) -> tuple[str, ...]:
    """Kinds of interventions in the order of their names."""
    return tuple(sorted(set(table["kind"])))


def fieldwork(release: Release, waves: Sequence[str]) -> tuple[Days, tuple[str, ...]]:
    """First and last day of some waves in their order, and those that count as lasting the year they are named by.

    Raises
    ------
    RequestError
        Days of a wave are not declared, and its name is no year.
    """
    known = declared.of(release).days
    lacking = tuple(wave for wave in waves if wave not in known)
    unclear = [wave for wave in lacking if not YEAR.fullmatch(wave)]
    if unclear:
        raise RequestError(
            f"days of fieldwork of wave {unclear[0]!r} are not declared; write first_day and last_day in waves.toml"
        )
    days = {wave: known.get(wave, (f"{wave}-01-01", f"{wave}-12-31")) for wave in waves}
    return dict(sorted(days.items(), key=lambda pair: pair[1])), lacking


def amid(chosen: pd.DataFrame, days: Days) -> list[Finding]:
    """Posts that had it while a wave was in the field: their scores of that wave are neither before nor after."""
    within = {
        (str(post), wave)
        for post, day in chosen.groupby("post")["date"].min().items()
        for wave, (first, last) in days.items()
        if first < day <= last
    }
    posts, waves = (tuple(sorted({pair[place] for pair in within})) for place in (0, 1))
    return [Finding("amid", {"posts": posts, "waves": waves})] if within else []


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Kinds in small letters, so that two spellings are one kind."""
    return table.assign(kind=table["kind"].astype(str).str.lower())
