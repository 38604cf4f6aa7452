"""What answers mean: design-based estimates, indices and their change. Pure functions, no files, no clock."""

from scoring.compare import adjusted, change
from scoring.contract import Scorecard
from scoring.contrasts import contrasted, covariance_of
from scoring.coverage import coverage
from scoring.design import SurveyDesign
from scoring.errors import DesignError, EstimationError, FrameworkError, RequestError, ScoringError
from scoring.framework import Framework
from scoring.indices import score
from scoring.margins import Calibration, Margin
from scoring.measured import measure
from scoring.populations import joined_populations
from scoring.resampling import Resampling
from scoring.tables import estimate
from scoring.totals import Totals, reduce

__all__ = [
    "Calibration",
    "DesignError",
    "EstimationError",
    "Framework",
    "FrameworkError",
    "Margin",
    "RequestError",
    "Resampling",
    "Scorecard",
    "ScoringError",
    "SurveyDesign",
    "Totals",
    "adjusted",
    "change",
    "contrasted",
    "covariance_of",
    "coverage",
    "estimate",
    "joined_populations",
    "measure",
    "reduce",
    "score",
]
