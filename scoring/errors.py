"""Errors of the scoring package.

::

    ScoringError                anything this package refuses, in a sentence for a person
    |-- FrameworkError          a framework file contradicts itself; names key and remedy
    |-- DesignError             the declared design does not fit the data
    +-- EstimationError         the estimate asked for cannot be made from these data
        +-- RequestError        ... nor from any: the call itself is wrong

A statistical caveat is a `status` and a `reason` in the result table, never an error or a warning that scrolls away.
"""


class ScoringError(Exception):
    """Base of every error of this package."""


class FrameworkError(ScoringError):
    """A framework file contradicts itself."""


class DesignError(ScoringError):
    """The declared design does not fit the data."""


class EstimationError(ScoringError):
    """The estimate asked for cannot be made from these data."""


class RequestError(EstimationError):
    """The call itself is wrong, whatever the data."""
