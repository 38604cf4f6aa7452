"""What each respondent said, as scores of items, more is better, NaN where there is no answer."""

from typing import Any

import numpy as np
import pandas as pd

from scoring.design import Floats
from scoring.errors import EstimationError
from scoring.framework import Framework, Item


def item_scores(data: pd.DataFrame, framework: Framework) -> Floats:
    """Scores of every item, shape (rows, items), by the line of its normalisation, not cut at 0 and 100.

    Raises
    ------
    EstimationError
        Where an answer is text or outside the range that the framework gives.
    """
    return np.column_stack([_scores(data[item.code], item) for item in framework.items])


def scale_ends(item: Item) -> tuple[float, float]:
    """Scores of the worst and the best answer."""
    slope, shift = item.line
    low, high = sorted(slope * answer + shift for answer in item.scale)
    return low, high


def _scores(column: "pd.Series[Any]", item: Item) -> Floats:
    answers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if (np.isnan(answers) & column.notna().to_numpy()).any():
        raise EstimationError(f"answers to {item.code!r} hold text; give the scores of its choices as numbers")
    low, high = item.range
    answered = answers >= 0  # negative numbers are kinds of missing answers
    outside = int((answered & ((answers < low) | (answers > high))).sum())
    if outside:
        raise EstimationError(
            f"{outside} answers to {item.code!r} are outside the framework's range {low:g}-{high:g}; use the framework "
            "version that belongs to this instrument"
        )
    slope, shift = item.line
    summed = np.isin(answers, item.positive).astype(np.float64) if item.positive else answers
    return np.where(answered, slope * summed + shift, np.nan)
