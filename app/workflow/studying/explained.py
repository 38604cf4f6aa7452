"""What goes with trade, return and trust in the neighbour, studied when a release is made: by side and wave.

The respondents' own scores stand beside those of the others met in the same shift. Rows are of whole sides and a
hundred people at least, and coarsely rounded.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.studying.matter import FEWEST, Matter, Studies, to
from scoring import EstimationError, RequestError
from scoring.drivers import Drivers, Seen, drivers

OUTCOMES = ("trade_effect", "return_effect", "neighbour_trust")
CONTROLS = ("user_group", "sex", "direction", "language")
SEEN: tuple[Seen, ...] = ("own", "others")
ANSWERED = 0.5  # of the questions of a dimension, for a respondent to have a score
SEED = 1406
#: Steps to which figures are rounded, by table.
STEPS: Mapping[str, Mapping[str, float]] = {
    "models": {"r2": 0.005, "mcfadden": 0.005, "n": 5, "left_out": 5},
    "slopes": {
        "estimate": 0.01, "se": 0.01, "df": 1, "t": 0.01, "p": 0.001, "low": 0.01, "high": 0.01, "odds_ratio": 0.01,
    },
    "shares": {
        "at_low": 0.5, "at_high": 0.5, "difference": 0.5, "se": 0.5, "df": 1, "low": 0.5, "high": 0.5,
    },
    "importance": {"share": 0.005, "se": 0.005, "low": 0.005, "high": 0.005},
    "odds": {"f": 0.01, "df": 1, "p": 0.001},
}  # fmt: skip
NEVER_NONE = ("p", "se", "df")  # what is rounded to a step at least: no p-value and no error is 0


def explained(matter: Matter) -> Studies:
    """Explain every outcome that the form asks about by the dimensions of the headline indices.

    Returns
    -------
    dict
        `drivers_models`, `drivers_slopes`, `drivers_shares`, `drivers_importance`, `drivers_odds`: tables of
        `scoring.drivers.Drivers` with wave, side, `outcome` and `seen`. Only of outcomes whose figure is shown for the
        side, by dimensions whose figure is, and of models of enough people.
    """
    shown = matter.shown((SIDE,))
    found: dict[str, list[pd.DataFrame]] = {}
    for place, own in matter.sides():
        told = [one for one in OUTCOMES if matter.asks(one) and (*place.values(), one) in shown]
        dimensions = [code for code in _dimensions(matter) if code not in matter.hidden(**place)]
        for outcome, (seen, made) in ((one, model) for one in told for model in _models(matter, own, one, dimensions)):
            labels = {**place, "outcome": outcome, "seen": seen}
            for name, table in _tables(made):
                found.setdefault(f"drivers_{name}", []).append(coarse(table, STEPS[name]).assign(**labels))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}


def coarse(table: pd.DataFrame, steps: Mapping[str, float]) -> pd.DataFrame:
    """Figures rounded to their steps; a p-value or an error is never rounded to 0."""
    out = table.copy()
    for name in (name for name in steps if name in out):
        value = to(out[name].to_numpy(dtype=np.float64), steps[name])
        out[name] = np.where(value < steps[name], steps[name], value) if name in NEVER_NONE else value
    return out


def _models(
    matter: Matter, own: pd.DataFrame, outcome: str, dimensions: Sequence[str]
) -> Iterator[tuple[Seen, Drivers]]:
    """The outcome explained by the respondents' own scores, and by those of the others in their shift."""
    for seen in SEEN:
        try:
            made = drivers(
                own, matter.framework, matter.design, outcome, dimensions,
                rng=np.random.default_rng(SEED), seen=seen, minimum_answered=ANSWERED,
                controls=[name for name in CONTROLS if name in own and own[name].notna().any()],
            )  # fmt: skip
        except (EstimationError, RequestError):  # no study decides whether there is a release
            continue
        if made.n >= FEWEST:
            yield seen, made


def _dimensions(matter: Matter) -> tuple[str, ...]:
    """Dimensions of the headline indices of which every question is asked."""
    items = {item.code for item in matter.framework.items}
    return tuple(
        node.code
        for node in matter.framework.nodes
        if node.parent in matter.headline
        and all(map(matter.asks, items.intersection(matter.framework.below(node.code))))
    )


def _tables(made: Drivers) -> Iterator[tuple[str, pd.DataFrame]]:
    model = {"r2": made.r2, "r2_name": made.r2_name, "mcfadden": made.mcfadden, "n": made.n, "left_out": made.left_out}
    yield "models", pd.DataFrame([model])
    for name in ("slopes", "shares", "importance", "odds"):
        table = getattr(made, name)
        if len(table):
            yield name, table
