"""Small invented sides of whose answers studies are made: shifts of two groups, who dealt with three agencies."""

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

from app.workflow.studying import Matter
from scoring import Framework, SurveyDesign, reduce
from scoring.mask.lattice import Lattice
from scoring.mask.publication import publish
from surveys.questionnaire import Choice, DesignColumns, Question, Questionnaire, Scale

FRAMEWORK = Framework.from_toml("""
id = "attacked"
version = "1"
title = "Attacked"

[[index]]
code = "whole"
title = "Whole"
headline = true

[[index]]
code = "chain"
title = "Chain"
headline = false
only_by = [["side"], ["side", "agency"]]

[[dimension]]
code = "part"
title = "Part"
index = "whole"

[[dimension]]
code = "chain_links"
title = "Links"
index = "chain"

[[item]]
code = "polite"
title = "Polite"
dimension = "part"
direction = "better"
range = [1, 5]

[[item]]
code = "clear"
title = "Clear"
dimension = "part"
direction = "better"
range = [1, 5]

[[item]]
code = "link_top"
title = "Leadership"
dimension = "chain_links"
direction = "better"
range = [1, 5]

[[item]]
code = "link_end"
title = "Officers"
dimension = "chain_links"
direction = "better"
range = [1, 5]

[[indicator]]
code = "met"
title = "Asked"
statistic = "share"
any_of = ["asked_customs", "asked_quarantine"]
direction = "worse"
sensitive = true
headline = true

[[indicator]]
code = "asked_customs"
title = "By customs"
statistic = "share"
item = "asked_customs"
direction = "worse"
sensitive = true

[[indicator]]
code = "asked_quarantine"
title = "By quarantine"
statistic = "share"
item = "asked_quarantine"
direction = "worse"
sensitive = true

[[indicator]]
code = "trade_effect"
title = "Kept from trading"
statistic = "share"
item = "trade_effect"
direction = "worse"

[[indicator]]
code = "wait_hours"
title = "Hours"
statistic = "mean"
item = "wait_hours"
direction = "worse"
""")
LATTICE = Lattice.from_toml("""
id = "attacked"
version = "1"
tables = [["side"], ["side", "user_group"], ["side", "sex"], ["side", "agency"]]
""")
DESIGN = SurveyDesign(weight="weight", strata=("user_group",), psu="psu", wave="wave")
AGENCIES = ("customs", "migration", "quarantine")
LINKS = ("link_top", "link_end")
GIVEN = ("polite", "clear", *LINKS)


def form() -> Questionnaire:
    def scale(name: str, *codes: str) -> Scale:
        return Scale(name, tuple(Choice(code, {}) for code in codes))

    questions = (
        Question("side", "select_one", scale=scale("side", "left")),
        Question("agency", "select_one", scale=scale("agency", *AGENCIES)),
        Question("contact", "select_multiple", scale=scale("contact", "customs", "quarantine")),
        *(Question(code, "integer", actor="office", action=f"mend_{code}") for code in GIVEN),
    )
    columns = DesignColumns(strata=("user_group",), psu="psu", traffic="traffic")
    return Questionnaire("attacked", "1", "Attacked", ("en",), questions, columns)


def people(
    *, wave: str = "1", shifts: Mapping[str, int], size: int = 10, weight: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """So many shifts of each group of users, `size` people in each."""
    rng = np.random.default_rng(int(wave))
    rows = [
        {
            "wave": wave, "side": "left", "user_group": group, "psu": f"{wave}{group}{shift}", "sex": "fm"[person % 2],
            "weight": (weight or {}).get(group, 1.0), "language": ("tajik", "dari")[person // 2 % 2], "uniform_near": 0,
            "agency": AGENCIES[(0, 0, 1, 2)[person % 4]], "traffic": 100.0, "asked_quarantine": 0.0,
        }
        for group, count in shifts.items() for shift in range(count) for person in range(size)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    given = {code: rng.integers(1, 6, len(frame)) for code in GIVEN}
    asked_ = (rng.random(len(frame)) < 0.4).astype(float)
    hours = rng.lognormal(1, 0.6, len(frame)).round(1)
    kept = (rng.random(len(frame)) < 0.3).astype(float)
    return frame.assign(**given, asked_customs=asked_, wait_hours=hours, trade_effect=kept)


def matter(frame: pd.DataFrame, *, hidden: pd.DataFrame | None = None) -> Matter:
    """What there is to study, beside figures as a release shows them."""
    waves = tuple(sorted(frame["wave"].unique()))
    totals = reduce(frame, FRAMEWORK, DESIGN, facets=LATTICE.tables)
    made = publish(totals, FRAMEWORK, LATTICE, hidden=hidden)
    return Matter(frame, totals, totals, FRAMEWORK, DESIGN, form(), made.scores, made.moves, waves)


def names(table: pd.DataFrame) -> set[str]:
    """Every word of a study, those of its findings too."""
    words = set(map(str, table.select_dtypes(exclude="number").to_numpy().ravel()))
    return words | {str(one) for text in table.get("params", ()) for one in json.loads(text).values()}
