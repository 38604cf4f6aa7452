"""What to mend first, as a release tells it: users affected and dissatisfied, as far as an office can act.

Shares are those studied at publication; the power of each office is what is declared with the release today.
"""

from collections.abc import Mapping

import pandas as pd

from app.workflow import chains, declared
from app.workflow.describing import SIDE
from app.workflow.document import Release
from scoring.chain import HOLDERS
from scoring.priorities import Remedy, mend_first_of_figures

STUDY = "remedies"
SEED = 1902
PLACES = {"estimate": 1, "se": 2, "low": 1, "high": 1}  # of a share times a power
DRAWN = ("status", "reason", "groups", "first")  # what depends on all shares together
COLUMNS = (
    "wave", SIDE, "measure", "title", "actor", "action", "power", "affected", "dissatisfied", "share", "share_low",
    "share_high", "estimate", "se", "df", "low", "high", "n", "status", "reason", "groups", "first",
)  # fmt: skip
TEXTS = ("wave", SIDE, "measure", "title", "actor", "action", "status", "reason", "groups")


def mend_first(release: Release, *, side: str, wave: str) -> pd.DataFrame:
    """Questions of one side and wave in the order in which users ask to have them mended.

    Returns
    -------
    DataFrame
        The highest first: `share` (of 100 users, those affected and dissatisfied) with `share_low` and `share_high`;
        `estimate`, that share times the declared `power` (1 where nothing is declared), with `se`, `df`, `low`, `high`;
        `groups`, the numbers of the sets that cannot be told apart; `first`, whether it cannot be excluded that this
        question is the first. Where a power below 1 is declared both are drawn anew from the shown figures, as if
        questions were answered by different people, which tells fewer of them apart. A question that nobody has power
        over comes last, in no group. A link of the chain that fewer than five people hold, or nobody says how many, has
        no row. No rows where nothing is known.
    """
    table = release.document.studies.get(STUDY, pd.DataFrame())
    own = table[(table[SIDE] == side) & (table["wave"] == wave)] if len(table) else table
    if own.empty:
        return _none()
    own = own[~own["measure"].isin(_of_few(release, side))]
    titles = {measure.code: measure.title for measure in release.document.measures}
    powers = declared.of(release).powers
    shares = own.assign(
        title=[titles.get(code, code) for code in own["measure"]],
        power=[powers.get(code, 1.0) for code in own["measure"]],
        share=own["estimate"],
        share_low=own["low"],
        share_high=own["high"],
        first=own["first"] == "yes",
    )
    scaled = _scaled(shares) if (shares["power"] < 1).any() else shares
    ordered = scaled.sort_values(["estimate", "measure"], ascending=[False, True], na_position="last")
    return ordered[list(COLUMNS)].reset_index(drop=True)


def power_declared(rows: pd.DataFrame) -> bool:
    """Whether some office cannot do all of what is asked of it."""
    return bool((rows["power"] < 1).any())


def _of_few(release: Release, side: str) -> set[str]:
    """Links of the chain of which a figure may be about one of a few persons."""
    held = declared.of(release).holders.get((side,), {})
    return {link for link in chains.links(release) if held.get(link, 0) < HOLDERS}


def _none() -> pd.DataFrame:
    kinds: Mapping[str, str] = dict.fromkeys(COLUMNS, "float64") | dict.fromkeys(TEXTS, "str") | {"first": "bool"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def _scaled(shares: pd.DataFrame) -> pd.DataFrame:
    """Shares times power, and what can be told apart then."""
    power = shares["power"]
    made = shares.assign(
        estimate=power * shares["share"], low=power * shares["share_low"], high=power * shares["share_high"]
    )
    made["se"] *= power
    drawn = _drawn(shares)
    return made.drop(columns=[*DRAWN]).round(PLACES).merge(drawn[["measure", *DRAWN]], on="measure")


def _drawn(shares: pd.DataFrame) -> pd.DataFrame:
    """Groups and the first, from the shares as they are shown."""
    remedies = [
        Remedy(str(row["measure"]), str(row["actor"]), str(row["action"]), float(row["power"]))
        for row in shares.to_dict("records")
    ]
    figures = shares.set_index("measure")[["share", "se", "df", "n"]].rename(
        columns={"share": "dissatisfied", "se": "dissatisfied_se"}
    )
    # of all users asked: the share of those affected is in it already, so here it is whole and known
    drawn = mend_first_of_figures(figures.assign(affected=100.0, affected_se=0.0), remedies, seed=SEED)
    return drawn.assign(groups=[" ".join(str(number) for number in numbers) for numbers in drawn["groups"]])
