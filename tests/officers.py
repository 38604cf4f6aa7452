"""Officers' forms, invented: drawn by sitting, of one service of one side each, in the shape of a Kobo export."""

import numpy as np
import pandas as pd

from surveys.questionnaire import Questionnaire
from surveys.simulate import scored_codes

SIDES = ("left_bank", "right_bank")
SITTINGS = {"customs": 6, "guards": 7, "migration": 6, "quarantine": 5, "narcotics": 2}  # of each service on a side
FORMS = 14  # handed in at a sitting
HIGH = {"pay_enough": 0.25, "link_shift": 0.35}  # how far up its scale an answer lies; all others: half way and more


def draw(questionnaire: Questionnaire, *, seed: int) -> pd.DataFrame:
    """A wave of forms; every answer is binomial on its scale, with a mean that a sitting moves a little."""
    rng = np.random.default_rng(seed)
    sat = [(side, agency, number) for side in SIDES for agency, many in SITTINGS.items() for number in range(many)]
    place = np.repeat(np.arange(len(sat)), FORMS)
    frame = _sittings(sat).iloc[place].reset_index(drop=True)
    moved = rng.normal(0.0, 0.05, len(sat))[place]
    for question in questionnaire.questions:
        if question.group[:1] == ("questions",) and question.kind != "note":
            codes = scored_codes(question)
            chance = np.clip(HIGH.get(question.name, 0.55) + moved, 0.0, 1.0)
            given = np.array(codes, dtype=object)[rng.binomial(len(codes) - 1, chance)]
            missing = rng.random(len(frame))
            frame[question.name] = np.select([missing < 0.03, missing < 0.05], ["dk", "ref"], default=given)
    frame.loc[frame["training_had"] != "yes", "training_helped"] = ""
    begun = pd.Timestamp("2026-05-04T09:00:00") + pd.to_timedelta(rng.integers(0, 86_400, len(frame)), unit="s")
    frame.insert(0, "start", begun.strftime("%Y-%m-%dT%H:%M:%S.000+05:00"))
    frame.insert(1, "end", (begun + pd.Timedelta(minutes=9)).strftime("%Y-%m-%dT%H:%M:%S.000+05:00"))
    refused = rng.random(len(frame)) < 0.04
    frame.loc[refused, "rules_public":] = ""  # type: ignore[misc]
    frame["consent"] = np.where(refused, "no", "yes")
    return frame.assign(_uuid=[f"{seed:08d}-0000-4000-8000-{row:012d}" for row in range(len(frame))]).astype("str")


def _sittings(sat: list[tuple[str, str, int]]) -> pd.DataFrame:
    """What the survey team fills in before a sitting; two people lead those of a service in turn."""
    sides, agencies, numbers = zip(*sat, strict=True)
    rows = pd.DataFrame({"side": sides, "agency": agencies})
    count = rows.groupby("agency").cumcount().map("{:02d}".format)
    rows["session"] = rows["agency"].str[:3].str.upper() + "-" + count
    rows["facilitator"] = ["f01" if number % 2 else "f02" for number in numbers]
    rows["weight"] = np.where(rows["agency"] == "guards", "4.5", "2.5")
    return rows.assign(language="tajik", superior_near="no")
