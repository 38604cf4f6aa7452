"""What a team takes to the field, made from a questionnaire alone: an empty table, a codebook, a form on paper."""

from surveys.papers.asides import Asides, asides
from surveys.papers.form import paper
from surveys.papers.tables import as_csv, as_workbook, codebook, flat, template

__all__ = ["Asides", "as_csv", "as_workbook", "asides", "codebook", "flat", "paper", "template"]
