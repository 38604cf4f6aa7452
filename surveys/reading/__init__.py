"""Bytes to raw tables: every upload is checked, then parsed in a process of its own that can do nothing else."""

from surveys.reading.files import read, read_bytes, sheets
from surveys.reading.limits import COMMAND_LINE, Limits
from surveys.reading.table import RawTable

__all__ = ["COMMAND_LINE", "Limits", "RawTable", "read", "read_bytes", "sheets"]
