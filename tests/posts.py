"""Releases of invented posts: scores of one measure by wave as a test sets them, without a store or an answer."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.workflow.document import Cut, Document, Measure, Release
from scoring.contract import columns

POSTS = ("side", "post")
MEASURE = "integrity"


def row(wave: str, side: str, post: str, value: float, se: float, df: float) -> dict[str, object]:
    hidden = bool(np.isnan(value))
    figures = {"estimate": value, "se": se, "df": df, "low": value - 2 * se, "high": value + 2 * se, "n": 120.0}
    shown: dict[str, object] = {name: np.nan if hidden else figure for name, figure in figures.items()}
    known = {"wave": wave, "side": side, "post": post, "measure": MEASURE, "n_eff": np.nan, "deff": np.nan}
    return {**known, **shown, "status": "suppressed" if hidden else "ok", "reason": "few_respondents" if hidden else ""}


def release_of_posts(
    score: npt.ArrayLike,
    *,
    waves: Sequence[str],
    left: int,
    interventions: Mapping[str, Sequence[str]] | None = None,
    keys: str = "",
    df: float = 12.0,
    unit: str = "points",
) -> Release:
    """Posts p0, p1 ... in rows, waves in columns; the first `left` posts on the left bank, the others on the right.

    `interventions` are days by post (kind "training", or "day kind"); NaN is hidden; `keys` is the text of waves.toml.
    """
    scores = np.asarray(score, dtype=np.float64)
    table = pd.DataFrame(
        [
            row(wave, "left_bank" if post < left else "right_bank", f"p{post}", scores[post, place], 2.0, df)
            for place, wave in enumerate(waves)
            for post in range(len(scores))
        ]
    ).reindex(columns=columns(POSTS))
    lines = [
        ",".join((post, *(text.split() if " " in text else (text, "training"))))
        for post, days in (interventions or {}).items()
        for text in days
    ]
    declared = {"interventions": "\n".join(["post,date,kind", *lines, ""])} if lines else {}
    document = Document(
        survey_id="posts", title="Invented posts", synthetic=True, waves=tuple(waves),
        note={"data": "0", "framework": "1", "instrument": "1", "engine": "0", "data_until": waves[-1]},
        measures=(Measure(MEASURE, "Integrity", "index", None, True, "better", unit, "", "", "", (), ()),),
        cuts=(
            Cut(("side",), "Side", {"left_bank": "Left bank", "right_bank": "Right bank"}),
            Cut(POSTS, "Crossing", {f"p{post}": f"Post {post}" for post in range(len(scores))}),
        ),
        scores={POSTS: table}, moves={}, loss=pd.DataFrame(),
        declared={**declared, **({"waves": keys} if keys else {})},
    )  # fmt: skip
    return Release(document, number=1, revision=0, state="published", digest="0")
