"""Strategies that draw whole surveys: strata with two or more PSUs, uneven weights, every kind of missing answer."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

FRAMEWORK = """
id = "small"
version = "1"
title = "Small"

[[index]]
code = "index"
title = "Index"

[[index]]
code = "chain"
title = "Chain"
headline = false
only_by = [["side"]]

[[dimension]]
code = "first"
title = "First"
index = "index"
weight = 2
arusha = [1, 7]

[[dimension]]
code = "second"
title = "Second"
index = "index"

[[dimension]]
code = "links"
title = "Links"
index = "chain"

[[item]]
code = "x"
title = "Better upwards"
dimension = "first"
direction = "better"
range = [1, 5]

[[item]]
code = "y"
title = "Worse upwards"
dimension = "first"
direction = "worse"
range = [1, 4]
weight = 3

[[item]]
code = "z"
title = "Alone"
dimension = "second"
direction = "better"
range = [0, 2]

[[item]]
code = "link"
title = "A link"
dimension = "links"
direction = "better"
range = [1, 5]

[[indicator]]
code = "asked"
title = "Asked"
statistic = "share"
item = "asked"
direction = "worse"
sensitive = true

[[indicator]]
code = "hours"
title = "Hours"
statistic = "mean"
item = "hours"
direction = "worse"
"""
ANSWERS = {"x": (1, 5), "y": (1, 4), "z": (0, 2), "link": (1, 5), "asked": (0, 1), "hours": (0, 72)}
MISSING = (-1, -2, -3, -4)


@st.composite
def surveys(
    draw: st.DrawFn, *, waves: int = 1, missing: float = 0.15, interviews: tuple[int, int] = (1, 4)
) -> pd.DataFrame:
    """Respondents of a stratified sample of shifts; the shape shrinks, the answers come from a drawn seed."""
    sizes = draw(st.lists(st.integers(2, 4), min_size=1, max_size=3), label="PSUs of each stratum")
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    rows = [
        {"wave": str(2022 + 2 * wave), "stratum": f"s{stratum}", "shift": f"p{shift}"}
        for wave in range(waves)
        for stratum, size in enumerate(sizes)
        for shift in range(size)
        for _ in range(rng.integers(interviews[0], interviews[1] + 1))
    ]
    frame = pd.DataFrame(rows)
    size = len(frame)
    frame["weight"] = rng.uniform(0.2, 5, size)
    frame["side"] = rng.choice(["left", "right"], size)
    frame["sex"] = rng.choice(["female", "male"], size)
    frame["interviewer"] = rng.choice(["a", "b", "c"], size)
    for name, (low, high) in ANSWERS.items():
        given_ = rng.integers(low, high + 1, size)
        frame[name] = np.where(rng.random(size) < missing, rng.choice(MISSING, size), given_)
    return frame
