"""What to mend first, studied when a release is made: of each question, how many users are affected and dissatisfied.

The power of each office is 1 here: what is declared of it is multiplied in where the study is read
(`app.workflow.mending`), so that a declaration can change without the answers.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.studying.matter import EACH, FEWEST, Matter, Studies, of_share, rounded, step_of
from scoring import EstimationError
from scoring.answers import item_scores
from scoring.normalisation import FULL
from scoring.priorities import COLUMNS, MIDDLE, NOT_APPLICABLE, Remedy, mend_first

USERS = "user_group"
SEED = 1902


def mending(matter: Matter) -> Studies:
    """Order what users ask to be mended, side by side, with full power of every office.

    Returns
    -------
    dict
        `remedies`: wave, side and the columns of `scoring.priorities.mend_first` without `power`; `groups` as numbers
        in one text, `first` "yes" or "". Only of questions whose figure is shown for the side. Shares are rounded to
        0.5 percent, of few people or heavy ones to 1, 2, 5 or 10; `dissatisfied`, `low` and `high` are made of what is
        shown.
    """
    if not matter.asks(USERS):  # the form is asked of others, such as officers
        return {}
    shown = matter.shown((SIDE,))
    parts = []
    for place, own in matter.sides():
        known = [one for one in _remedies(matter) if (*place.values(), one.item) in shown]
        table = _ordered(matter, own, known)
        if len(table):
            parts.append(table.assign(**place))
    return {"remedies": pd.concat(parts, ignore_index=True)} if parts else {}


def _remedies(matter: Matter) -> Iterator[Remedy]:
    """Every question with a better and a worse end under any index, whose office and action are named."""
    questions = {question.name: question for question in matter.questionnaire.questions}
    for item in matter.framework.items:
        question = questions.get(item.code)
        if question and question.actor and question.action and item.direction != "ambiguous":
            yield Remedy(item.code, question.actor, question.action)


def _scores(matter: Matter, own: pd.DataFrame) -> pd.DataFrame:
    """Scores of each respondent, by item; NaN where there is no answer."""
    codes = [item.code for item in matter.framework.items]
    return pd.DataFrame(item_scores(own.reindex(columns=codes), matter.framework), columns=codes)


def _enough(scores: "pd.Series[float]") -> bool:
    """Whether enough people answered, some of them dissatisfied and some not."""
    answers, low = scores.notna().sum(), (scores < MIDDLE).sum()
    return bool(answers >= FEWEST and min(low, answers - low) >= EACH)


def _ordered(matter: Matter, own: pd.DataFrame, remedies: Sequence[Remedy]) -> pd.DataFrame:
    """Rows as they are shown."""
    scores = _scores(matter, own)
    known = [one for one in remedies if _enough(scores[one.item])]
    if not known:
        return pd.DataFrame()
    try:
        table = mend_first(own, matter.framework, matter.design, known, seed=SEED)
    except EstimationError:  # no study decides whether there is a release
        return pd.DataFrame()
    rows = [_shown(row, matter, own, scores) for row in table.to_dict("records")]
    return pd.DataFrame([row for row in rows if row])


def _shown(row: Mapping[Any, Any], matter: Matter, own: pd.DataFrame, scores: pd.DataFrame) -> dict[str, Any]:
    """One row as it is shown; nothing where its share would tell somebody's answer."""
    item = str(row["measure"])
    answer = own[item].to_numpy(dtype=np.float64)
    known = (answer >= 0) | (answer == NOT_APPLICABLE)
    low = (scores[item] < MIDDLE).to_numpy()[known]
    weight, shift = own["weight"].to_numpy(dtype=np.float64)[known], matter.crowds(own).to_numpy()[known]
    step = step_of(low, weight, shift)
    if not np.isfinite(step):
        return {}
    share, error, least, most = of_share(
        row["estimate"], row["se"], row["df"], step=step, shifts=int(np.unique(shift).size)
    )
    if not 0 < share < FULL:
        return {}
    affected = rounded(row["affected"], step)
    figures = {
        "affected": affected,
        "dissatisfied": rounded(FULL * share / affected, step),
        "estimate": share,
        "se": error,
        "df": float(np.floor(row["df"])),
        "low": least,
        "high": most,
        "n": rounded(row["n"], 5.0),
        "groups": " ".join(str(number) for number in row["groups"]),
        "first": "yes" if row["first"] else "",
    }
    return {name: figures.get(name, row[name]) for name in COLUMNS if name != "power"}
