"""The one contract of every result table, and where a figure comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Status = Literal["ok", "unreliable", "suppressed", "undefined"]

#: Columns after the wave and the facets, in this order, in every result table.
FIGURES: tuple[str, ...] = (
    "measure",
    "estimate",
    "se",
    "df",
    "low",
    "high",
    "n",
    "n_eff",
    "deff",
    "status",
    "reason",
)

#: Why a figure is missing or to be read with care.
REASONS: Mapping[str, str] = {
    "": "nothing to add",
    "no_answers": "nobody in this cell answered",
    "hidden_part": "a question that it rests on is not shown here",
    "part_missing": "a part of the index has no answers in this cell",
    "population_missing": "a population that is part of it has no figure here",
    "not_defined": "it cannot be computed from these answers",
    "beyond_scale": "the mean passes the end of the scale, as where a target is passed: it counts as that end",
    "rough": "a minimum is in it: it has no standard error, and no interval unless draws are made",
    "one_psu": "one shift alone: the spread between shifts cannot be judged",
    "no_spread": "the shifts do not differ at all: what chance would do cannot be judged",
    "bound": "everybody answered alike: the interval is a one-sided bound",
    "few_df": "one or two strata with few shifts decide this interval: read it as wider than it says",
    "uneven_shifts": "a few busy shifts count for most of this figure: the interval may be too narrow",
    "few_cases": "fewer than 5 answers of the rarer kind, weights considered: the interval may be too narrow",
    "failed_replicates": "some replicates held nobody of this cell and were left out",
    "open_end": "the interval reaches beyond the smallest or largest answer",
    "small_n": "fewer than 50 answers",
    "few_answers": "fewer than 20 answers",
    "few_respondents": "fewer than 10 respondents",
    "few_shifts": "fewer than 3 shifts",
    "few_interviewers": "fewer than 2 interviewers",
    "dominated": "one shift or interviewer gave over 70 % of the answers",
    "sensitive": "too few yes or no answers to a sensitive question",
    "near_end": "nearly everybody answered alike",
    "alike": "nearly everybody answered alike, or gave the same amount",
    "protected": "too few answers to show safely, here or in a figure beside it",
    "withdrawn": "withdrawn after publication",
    "few_holders": "fewer than 5 people hold this office: a figure would be about a person",
    "no_power": "no office is named that could act on it",
    "hidden_score": "one of the two scores is not shown",
    "not_comparable": "the two waves were not made alike, and nothing bridges the difference",
    "asked_together": "both were asked in the same shifts, and this release does not hold their difference",
    "wide": "the interval is wider than 20 points",
}


def columns(facets: Sequence[str]) -> list[str]:
    """Columns of a result table by these facets."""
    return ["wave", *facets, *FIGURES]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Scores with their confidence, and where they come from.

    Attributes
    ----------
    table : pandas.DataFrame
        Rows under `columns(facets)`; indices, items and shares on 0-100, amounts in their own unit.
    evidence : pandas.DataFrame
        Row by row what the mask needs (unweighted counts of shifts and interviewers, largest shares, extremes);
        confidential, empty once the card is protected.
    facets : tuple of str
    provenance : mapping
        Framework and engine version, design and rules, digest of the data, seed, time given by the caller.
    """

    table: pd.DataFrame
    evidence: pd.DataFrame
    facets: tuple[str, ...]
    provenance: Mapping[str, object]
