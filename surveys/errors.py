"""Errors of the surveys package.

::

    SurveyError                 anything this package refuses, in a sentence for a person
    |-- ReadingError            the bytes cannot be read as a table
    |-- InstrumentError         a form or instrument contradicts itself
    |-- MappingError            columns of a file cannot be matched to the questions
    +-- StoreError              the store refuses or cannot be opened
        +-- StoreTroubleError   its database fails, and may do the same thing later

A message says what is wrong, where it is and what to do; it never repeats a respondent's answer.
"""


class SurveyError(Exception):
    """Base of every error of this package."""


class ReadingError(SurveyError):
    """The bytes cannot be read as a table."""


class InstrumentError(SurveyError):
    """A form or instrument contradicts itself."""


class MappingError(SurveyError):
    """Columns of a file cannot be matched to the questions."""


class StoreError(SurveyError):
    """The store refuses or cannot be opened."""


class StoreTroubleError(StoreError):
    """The database fails, be it full, locked or away: the same may succeed later."""
