"""Words for what others measured: a change that its standard errors do not tell from chance is never called one."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

#: What the test says of a series of others -> its sentence.
CONTEXT: Final[Mapping[str, str]] = {
    "clear": "{series}, {place}: {change} from {since} to {year} ({low} to {high}), a clear change (z = {z}).",
    "not_clear": "{series}, {place}: {change} from {since} to {year} ({low} to {high}), not clear (z = {z}).",
    "no_error": "{series}, {place}: {first} in {since}, {last} in {year}. Whether that is a change is not clear: no "
    "standard error is published.",
}
OTHERS: Final = (
    "What others measured, of other populations and by other methods. It stands beside this survey, never inside an "
    "index; places are not ranked, each is held against its own past."
)


def context_verdict(row: Mapping[Any, Any]) -> str:
    """What the test says of a series of others: a code of `CONTEXT`."""
    if pd.isna(row["p_adjusted"]):
        return "no_error"
    return "clear" if row["clear"] else "not_clear"


def context_told(row: Mapping[Any, Any]) -> str:
    """One sentence on a series of others, from its first year to its last."""
    signed = {"change": "estimate", "low": "low", "high": "high", "z": "z"}
    return CONTEXT[context_verdict(row)].format(
        **{name: row[name] for name in ("series", "place", "since", "year")},
        **{name: f"{row[name]:g}" for name in ("first", "last")},
        **{name: _signed(row[column], sign=name == "change") for name, column in signed.items()},
    )


def _signed(value: float, *, sign: bool) -> str:
    text = f"{value:+.2f}" if sign else f"{value:.2f}"
    return text.replace("-", "\N{MINUS SIGN}")
