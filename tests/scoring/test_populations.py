"""Surveys of travellers and of traders joined by declared weights, held against one joint design and by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import Framework, RequestError, Scorecard, SurveyDesign, reduce, score
from scoring.estimates import joined, variance
from scoring.indices import assemble
from scoring.populations import joined_populations
from tests.strategies import FRAMEWORK

POPULATIONS = (
    '[[population]]\ncode = "travellers"\ntitle = "Travellers"\nweight = 0.7\n'
    '[[population]]\ncode = "traders"\ntitle = "Traders"\nweight = 0.3\n'
)
BOTH = Framework.from_toml(FRAMEWORK + POPULATIONS)
DESIGN = SurveyDesign(weight="w", strata="stratum", psu="shift")


def drawn(seed: int, size: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"stratum": np.arange(size) % 3, "shift": np.arange(size) % 12, "w": rng.uniform(1, 3, size)})
    frame["side"] = rng.choice(["left", "right"], size)
    for name, low, high in (("x", 1, 5), ("y", 1, 4), ("z", 0, 2), ("link", 1, 5), ("asked", 0, 1), ("hours", 0, 9)):
        frame[name] = rng.integers(low, high + 1, size)
    return frame


@pytest.fixture(scope="module")
def samples() -> dict[str, pd.DataFrame]:
    return {"travellers": drawn(1, 240), "traders": drawn(2, 120)}


@pytest.fixture(scope="module")
def cards(samples: dict[str, pd.DataFrame]) -> dict[str, Scorecard]:
    return {
        name: score(reduce(frame, BOTH, DESIGN, facets=[("side",)]), BOTH, by="side") for name, frame in samples.items()
    }


def row(card: Scorecard, measure: str, side: str) -> dict[str, Any]:
    table = card.table
    return table[(table["measure"] == measure) & (table["side"] == side)].iloc[0].to_dict()


def test_joined_scores_are_those_of_the_unit_scores_of_both_designs_side_by_side(
    samples: dict[str, pd.DataFrame], cards: dict[str, Scorecard]
) -> None:
    parts = [assemble(reduce(frame, BOTH, DESIGN, facets=[("side",)]), BOTH, ("side",)) for frame in samples.values()]
    whole = joined([part.estimates for part in parts], [0.7, 0.3])
    spread = variance(whole)
    table = joined_populations(cards, BOTH).table
    np.testing.assert_allclose(table["estimate"], whole.values.ravel(), rtol=1e-12)
    np.testing.assert_allclose(table["se"], np.sqrt(spread.variance).ravel(), rtol=1e-10)
    np.testing.assert_allclose(table["df"], spread.df("satterthwaite").ravel(), rtol=1e-9)


def test_joined_scores_by_hand(cards: dict[str, Scorecard]) -> None:
    a, b = (row(cards[name], "index", "left") for name in ("travellers", "traders"))
    both = row(joined_populations(cards, BOTH), "index", "left")
    parts = [(0.7 * a["se"]) ** 2, (0.3 * b["se"]) ** 2]
    assert both["estimate"] == pytest.approx(0.7 * a["estimate"] + 0.3 * b["estimate"])
    assert both["se"] == pytest.approx(sum(parts) ** 0.5)
    assert both["df"] == pytest.approx(sum(parts) ** 2 / (parts[0] ** 2 / a["df"] + parts[1] ** 2 / b["df"]))
    assert (both["n"], both["n_travellers"], both["n_traders"]) == (a["n"] + b["n"], a["n"], b["n"])
    assert both["low"] < both["estimate"] < both["high"]
    assert both["status"] == "ok"


def test_amounts_have_t_limits_and_scores_logit_ones(cards: dict[str, Scorecard]) -> None:
    card = joined_populations(cards, BOTH)
    hours, asked = row(card, "hours", "left"), row(card, "asked", "left")
    assert hours["high"] - hours["estimate"] == pytest.approx(hours["estimate"] - hours["low"])
    limits = np.array([asked["low"], asked["estimate"], asked["high"]]) / 100
    logit = np.log(limits / (1 - limits))
    assert logit[2] - logit[1] == pytest.approx(logit[1] - logit[0])
    assert asked["high"] - asked["estimate"] != pytest.approx(asked["estimate"] - asked["low"])


def changed(card: Scorecard, measure: str, side: str, **values: object) -> Scorecard:
    table = card.table.copy()
    here = (table["measure"] == measure) & (table["side"] == side)
    for name, value in values.items():
        table.loc[here, name] = value
    return replace(card, table=table)


def test_where_one_population_has_no_figure_its_weight_never_passes_to_the_other(cards: dict[str, Scorecard]) -> None:
    hidden = changed(
        cards["traders"], "x", "right", estimate=np.nan, se=np.nan, status="suppressed", reason="protected"
    )
    card = joined_populations(cards | {"traders": hidden}, BOTH)
    x = row(card, "x", "right")
    assert (x["status"], x["reason"]) == ("undefined", "population_missing")
    assert np.isnan([x["estimate"], x["se"], x["low"], x["high"], x["n"]]).all()
    assert row(card, "x", "left")["status"] == "ok"


def test_a_cell_that_one_population_does_not_have_is_missing_too(cards: dict[str, Scorecard]) -> None:
    left = cards["traders"].table
    card = joined_populations(cards | {"traders": replace(cards["traders"], table=left[left["side"] == "left"])}, BOTH)
    assert row(card, "index", "right")["reason"] == "population_missing"


@pytest.mark.parametrize(
    ("values", "status", "reason"),
    [
        ({"df": 0.0, "status": "undefined", "reason": "one_psu"}, "undefined", "one_psu"),
        ({"se": 0.0, "reason": "bound"}, "undefined", "bound"),
        ({"reason": "few_df"}, "ok", "few_df"),
    ],
)
def test_what_ails_one_population_is_said_of_the_whole(
    values: dict[str, object], status: str, reason: str, cards: dict[str, Scorecard]
) -> None:
    ailing = changed(cards["traders"], "x", "left", **values)
    x = row(joined_populations(cards | {"traders": ailing}, BOTH), "x", "left")
    assert (x["status"], x["reason"]) == (status, reason)
    assert np.isnan(x["low"]) == (status == "undefined")
    assert np.isfinite(x["estimate"])


def test_calls_that_do_not_fit_are_refused_in_words(cards: dict[str, Scorecard], samples: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="population 'traders' has no scores; survey it"):
        joined_populations({"travellers": cards["travellers"]}, BOTH)
    with pytest.raises(RequestError, match="population 'officers' is not in small; they are travellers, traders"):
        joined_populations(cards | {"officers": cards["traders"]}, BOTH)
    with pytest.raises(RequestError, match=r"small declares no populations; add a \[\[population\]\]"):
        joined_populations(cards, Framework.from_toml(FRAMEWORK))
    whole = score(reduce(samples["traders"], BOTH, DESIGN), BOTH)
    with pytest.raises(RequestError, match="scored by different facets; score them alike"):
        joined_populations(cards | {"traders": whole}, BOTH)
