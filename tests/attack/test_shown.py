"""Limits and changes are made of figures as they are shown: rounding is not undone by reading several together."""

import itertools

import numpy as np
import pandas as pd
import pytest

from scoring.intervals import intervals
from scoring.mask.publication import Publication, publish
from tests.attack.invented import FRAMEWORK, LATTICE, survey, totals

BANDS = {"": 0.95, "_80": 0.80, "_50": 0.50}
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def publications() -> list[Publication]:
    return [publish(totals(survey(seed)), FRAMEWORK, LATTICE) for seed in SEEDS]


def rows(publications: list[Publication]) -> pd.DataFrame:
    """Shown scores of every table, with their table."""
    tables = [table.assign(table=" ".join(facets)) for one in publications for facets, table in one.scores.items()]
    return pd.concat([table[table["estimate"].notna()] for table in tables], ignore_index=True)


def test_rows_that_look_alike_have_the_same_limits(publications: list[Publication]) -> None:
    """Were limits made of exact figures, some of those that agree in all else would differ in them."""
    shown = rows(publications).query("status == 'ok'")
    limits = [f"{end}{band}" for band in BANDS for end in ("low", "high")]
    seen = shown.assign(amount=shown["measure"] == "hours").groupby(["amount", "estimate", "se", "df", "n"])
    spread = seen[limits].agg(lambda one: one.max() - one.min())
    assert int((seen.size() > 1).sum()) > 10
    assert (
        float(np.nanmax(spread[seen.size() > 1].to_numpy())) <= 1.0
    )  # of the rounding itself: a half or a whole point


def test_limits_follow_from_the_shown_estimate_error_and_df(publications: list[Publication]) -> None:
    shown = rows(publications).query("status == 'ok' and measure != 'hours' and se > 0 and 0 < estimate < 100")
    figures = [shown[name].to_numpy(dtype=np.float64) for name in ("estimate", "se", "df")]
    off = []
    for band, level in BANDS.items():
        made = intervals(*figures, interval="logit", level=level, top=100.0)
        off += [
            np.abs(shown[f"{end}{band}"].to_numpy() - limit) for end, limit in zip(("low", "high"), made, strict=True)
        ]
    assert len(shown) > 100
    assert float(np.max(off)) <= 0.5 + 1e-9


def test_changes_are_differences_of_shown_scores(publications: list[Publication]) -> None:
    off = []
    for one, facets in itertools.product(publications, LATTICE.tables):
        keys = [*facets, "measure"]
        scores = one.scores[facets][["wave", *keys, "estimate"]]
        both = one.moves[facets].merge(scores, on=["wave", *keys], suffixes=("", "_now"))
        both = both.merge(scores.rename(columns={"wave": "since"}), on=["since", *keys], suffixes=("", "_then"))
        off.append(both["estimate"] - (both["estimate_now"] - both["estimate_then"]))
    gaps = pd.concat(off).dropna().abs()
    assert len(gaps) > 100
    assert float(gaps.max()) <= 0.01 + 1e-9


def test_design_effects_of_shares_follow_from_the_shown_figures(publications: list[Publication]) -> None:
    """With the standard error an exact one would tell how far answers lie apart."""
    shown = rows(publications).query("measure in ['asked', 'paid', 'either', 'queued'] and se > 0")
    deff = shown["n"] * shown["se"] ** 2 / (shown["estimate"] * (100 - shown["estimate"]))
    assert len(shown) > 50
    assert float((shown["deff"] - deff).abs().max()) <= 0.05 + 1e-9
