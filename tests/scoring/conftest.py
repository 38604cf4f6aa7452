import pandas as pd
import pytest

from scoring import Framework, SurveyDesign
from tests.strategies import FRAMEWORK


@pytest.fixture(scope="session")
def small() -> Framework:
    return Framework.from_toml(FRAMEWORK)


@pytest.fixture
def hand() -> pd.DataFrame:
    """Two strata of two PSUs, two respondents each, that a reader can add up.

    ::

        stratum  psu  weight     x       d     yes      sum w x  sum w d  sum w yes  sum w
        A        1    10       2, 4    1, 1    0, 1        60       20       10        20
        A        2    10       6, 8    2, 2    1, 1       140       40       20        20
        B        3    20       1, 3    1, 3    0, 0        80       80        0        40
        B        4    20       5, 7    2, 2    1, 1       240       80       40        40
                                                          520      220       70       120

    With two PSUs a stratum adds the squared difference of its two PSU scores to the variance.
    """
    return pd.DataFrame(
        {
            "stratum": list("AAAABBBB"),
            "psu": [1, 1, 2, 2, 3, 3, 4, 4],
            "w": [10.0] * 4 + [20.0] * 4,
            "x": [2, 4, 6, 8, 1, 3, 5, 7],
            "d": [1, 1, 2, 2, 1, 3, 2, 2],
            "yes": [0, 1, 1, 1, 0, 0, 1, 1],
            "psus": [4] * 4 + [8] * 4,
            "drawn": [0.5] * 4 + [0.25] * 4,
        }
    )


@pytest.fixture(scope="session")
def by_hand() -> SurveyDesign:
    return SurveyDesign(weight="w", strata="stratum", psu="psu")
