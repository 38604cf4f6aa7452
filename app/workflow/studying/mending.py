"""What to mend first, studied when a release is made: of each question, how many users are affected and dissatisfied.

The power of each office is 1 here: what is declared of it is multiplied in where the study is read
(`app.workflow.mending`), so that a declaration can change without the answers.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.studying.explained import coarse
from app.workflow.studying.matter import FEWEST, Matter, Studies
from scoring import EstimationError
from scoring.answers import item_scores
from scoring.priorities import COLUMNS, MIDDLE, Remedy, mend_first

USERS = "user_group"
SEED = 1902
EACH = 5  # people who are affected and dissatisfied, and people who are not, behind a row
#: Steps to which figures are rounded: half a person of a hundred.
STEPS: Mapping[str, float] = {
    "affected": 0.5, "dissatisfied": 0.5, "estimate": 0.5, "se": 0.1, "df": 1, "low": 0.5, "high": 0.5, "n": 5,
}  # fmt: skip


def mending(matter: Matter) -> Studies:
    """Order what users ask to be mended, side by side, with full power of every office.

    Returns
    -------
    dict
        `remedies`: wave, side and the columns of `scoring.priorities.mend_first` without `power`; `groups` as numbers
        in one text, `first` "yes" or "". Only of questions whose figure is shown for the side.
    """
    if not matter.asks(USERS):  # the form is asked of others, such as officers
        return {}
    shown = matter.shown((SIDE,))
    parts = []
    for place, own in matter.sides():
        known = [one for one in _remedies(matter) if (*place.values(), one.item) in shown]
        table = _ordered(matter, own, _enough(matter, own, known))
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


def _enough(matter: Matter, own: pd.DataFrame, known: Sequence[Remedy]) -> list[Remedy]:
    """Questions that enough people answered, some of them dissatisfied and some not."""
    codes = [item.code for item in matter.framework.items]
    scores = item_scores(own.reindex(columns=codes), matter.framework)
    answers, low = np.isfinite(scores).sum(axis=0), (scores < MIDDLE).sum(axis=0)
    enough = (answers >= FEWEST) & (low >= EACH) & (answers - low >= EACH)
    return [one for one in known if enough[codes.index(one.item)]]


def _ordered(matter: Matter, own: pd.DataFrame, known: Sequence[Remedy]) -> pd.DataFrame:
    """Rows as they are shown."""
    if not known:
        return pd.DataFrame()
    try:
        table = mend_first(own, matter.framework, matter.design, known, seed=SEED)
    except EstimationError:  # no study decides whether there is a release
        return pd.DataFrame()
    told = table.assign(
        groups=[" ".join(str(number) for number in numbers) for numbers in table["groups"]],
        first=np.where(table["first"], "yes", ""),
    )
    return coarse(told, STEPS)[[name for name in COLUMNS if name != "power"]]
