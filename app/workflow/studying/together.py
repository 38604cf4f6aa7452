"""Everything that is studied when a release is made."""

from app.workflow.studying import sound
from app.workflow.studying.asked import asked
from app.workflow.studying.explained import explained
from app.workflow.studying.matter import Matter, Studies
from app.workflow.studying.mending import mending
from app.workflow.studying.moved import compositions, differences
from app.workflow.studying.spread import quantiles, ranges


def study(matter: Matter) -> Studies:
    """Study every side of the waves that are published now.

    Returns
    -------
    dict of str to DataFrame
        The tables of `sound.study`, `asked`, `compositions`, `differences`, `quantiles`, `ranges`, `explained` and
        `mending`, all with `wave` and side: see there. Of what nothing can be told there is no table.
    """
    found = sound.study(matter.frame, matter.totals, matter.framework, matter.design, matter.waves)
    found = {name: sound.of_shown(table, matter) for name, table in found.items()}
    for part in (asked, compositions, differences, quantiles, ranges, explained, mending):
        found |= part(matter)
    return found
