"""How much of a file is read before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may ask for; the defaults are those of an upload in the browser.

    Attributes
    ----------
    bytes : int
        Size of the file.
    rows, columns : int
        Rows below the header and columns of one table.
    cells : int
        Cells of a workbook, and the area from A1 to its last filled cell (the parser holds that area in memory).
    unpacked_bytes : int
        Size of a workbook once unpacked.
    child_bytes : int
        Memory of the process that parses, and the most it may hand over.
    child_seconds : float
        Processor time of that process; twice as much by the clock.
    """

    bytes: int = 25 * 1024**2
    rows: int = 1_000_000
    columns: int = 1_000
    cells: int = 5_000_000
    unpacked_bytes: int = 1024**3
    child_bytes: int = 1024**3
    child_seconds: float = 60.0


COMMAND_LINE = Limits(bytes=2 * 1024**3, rows=20_000_000, child_seconds=600.0)
