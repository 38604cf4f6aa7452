"""What answers mean: design-based estimates, indices and their change. Pure functions, no files, no clock."""

from scoring.compare import change
from scoring.contract import Scorecard
from scoring.design import SurveyDesign
from scoring.errors import DesignError, EstimationError, FrameworkError, RequestError, ScoringError
from scoring.framework import Framework
from scoring.indices import score
from scoring.tables import estimate
from scoring.totals import Totals, reduce

__all__ = [
    "DesignError",
    "EstimationError",
    "Framework",
    "FrameworkError",
    "RequestError",
    "Scorecard",
    "ScoringError",
    "SurveyDesign",
    "Totals",
    "change",
    "estimate",
    "reduce",
    "score",
]
