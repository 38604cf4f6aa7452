"""Indices that others have published, from their own sources: CPI 2012, the WGI's ranks, SDG 16.6.2."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scoring import Framework, SurveyDesign, estimate, reduce, score
from scoring.components import source_average
from scoring.normalisation import over_units

CPI = {"CPI 2012 Score": "published", "Lower": "published_low", "Upper": "published_high"}
FIRST_SOURCE = 11  # columns of the workbook before the 13 sources
ATTRIBUTES = {"accessible": 50, "affordable": 60, "equal": 73, "simple": 55, "timely": 42}

SERVICE = """
id = "service"
version = "1"
title = "Satisfaction with a service, in the manner of SDG 16.6.2"

[[index]]
code = "attributes"
title = "Simple average of the attributes"

[[dimension]]
code = "service"
title = "Attributes"
index = "attributes"
""" + "".join(
    f"""
[[item]]
code = "{code}"
title = "{code}"
dimension = "service"
direction = "better"
range = [1, 4]
positive = [3, 4]
"""
    for code in ATTRIBUTES
)


@pytest.fixture(scope="module")
def cpi(reference: Path) -> pd.DataFrame:
    """Published score and limits of 176 countries, and ours from the 13 sources, in which 0 is "not covered"."""
    sheet = pd.read_excel(reference / "samples" / "ti-cpi-2012" / "CPI2012.xlsx", header=None, engine="calamine")
    rows = sheet.iloc[2:]
    sources = rows.iloc[:, FIRST_SOURCE:].astype(float)
    named = rows.iloc[:, [3, 7, 8]].astype(float).set_axis(list(CPI.values()), axis=1)
    return named.join(source_average(sources.where(sources > 0)))


def share_within(table: pd.DataFrame, ours: str, theirs: str) -> float:
    return float(((table[ours] - table[theirs]).abs() <= 1).mean())


@pytest.mark.samples
def test_scores_of_the_corruption_perceptions_index_2012_are_met(cpi: pd.DataFrame) -> None:
    assert len(cpi) == 176
    assert cpi["score"].notna().all()
    assert share_within(cpi, "score", "published") >= 0.98


@pytest.mark.samples
@pytest.mark.parametrize("end", ["low", "high"])
def test_limits_of_the_corruption_perceptions_index_2012_are_met(cpi: pd.DataFrame, end: str) -> None:
    assert share_within(cpi, end, f"published_{end}") >= 0.97


@pytest.mark.samples
def test_percentile_ranks_of_the_governance_indicators_are_met(reference: Path) -> None:
    table = pd.read_stata(reference / "samples" / "wb-wgi" / "wgidataset.dta")
    known = table[(table["year"] == 2021) & table["cce"].notna()]
    ranks = over_units(known[["cce"]].to_numpy(dtype=float), "percentile rank", ties="max")
    np.testing.assert_allclose(ranks[:, 0], known["ccr"], atol=1e-4)


def answers(positive: int, *, asked: int = 100) -> np.ndarray:
    """Of those asked so many agree, half of them strongly; the others disagree."""
    place = np.arange(asked)
    return np.where(place < positive, 3 + place % 2, 1 + place % 2)


def test_the_five_attributes_of_sdg_16_6_2_average_to_56() -> None:
    """The example of the metadata: 50, 60, 73, 55 and 42 % are positive, on average 56."""
    frame = pd.DataFrame({code: answers(share) for code, share in ATTRIBUTES.items()})
    framework = Framework.from_toml(SERVICE)
    table = score(reduce(frame, framework, SurveyDesign()), framework).table.set_index("measure")
    assert {code: table.loc[code, "estimate"] for code in ATTRIBUTES} == pytest.approx(ATTRIBUTES, rel=1e-14)
    assert table.loc["attributes", "estimate"] == pytest.approx(56, rel=1e-14)


def test_very_satisfied_and_satisfied_add_up_to_60_percent() -> None:
    """23 % are very satisfied, 37 % satisfied."""
    frame = pd.DataFrame({"overall": np.repeat([4.0, 3.0, 2.0, 1.0], [23, 37, 30, 10])})
    table = estimate(frame, SurveyDesign(), proportion="overall", top_two_box="overall:3")
    share = table.set_index(["statistic", table["category"].fillna("")])["estimate"]
    assert share["proportion", "4"] == pytest.approx(0.23, rel=1e-14)
    assert share["proportion", "3"] == pytest.approx(0.37, rel=1e-14)
    assert share["top_two_box", ""] == pytest.approx(0.60, rel=1e-14)


def test_who_does_not_know_is_no_part_of_the_base() -> None:
    """65 of 1,000 do not know: 935 are the base, of the share and of the score."""
    known = answers(561, asked=935)  # 60 % of them
    coded = pd.DataFrame({code: np.concatenate([known, np.full(65, -2)]) for code in ATTRIBUTES})
    framework = Framework.from_toml(SERVICE)
    scored = score(reduce(coded, framework, SurveyDesign()), framework).table.set_index("measure")
    assert scored.loc["simple", ["estimate", "n"]].tolist() == pytest.approx([60, 935], rel=1e-14)
    asked = estimate(coded.where(coded >= 0), SurveyDesign(), top_two_box="simple:3")
    assert asked.loc[0, ["estimate", "n"]].tolist() == pytest.approx([0.6, 935], rel=1e-14)
