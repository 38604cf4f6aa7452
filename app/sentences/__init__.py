"""Words for codes: one plain sentence for each thing that is found, from the parameters that were found with it."""

from app.sentences.files import SENTENCES, collapsed, saved, sentence
from app.sentences.indices import (
    FINDINGS,
    HOWS,
    NOTHING_AGAINST_WHOLE,
    TERMS,
    against_average,
    changed,
    found,
    found_about,
    moved_bands,
    nothing_against,
    other_meaning,
    stand_apart,
    turned,
)

__all__ = [
    "FINDINGS",
    "HOWS",
    "NOTHING_AGAINST_WHOLE",
    "SENTENCES",
    "TERMS",
    "against_average",
    "changed",
    "collapsed",
    "found",
    "found_about",
    "moved_bands",
    "nothing_against",
    "other_meaning",
    "saved",
    "sentence",
    "stand_apart",
    "turned",
]
