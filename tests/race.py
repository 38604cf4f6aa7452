"""Two lists as answered: how many people gave each number."""

import numpy as np
import pandas as pd

#: National Race Survey of 1991: answers 0 to 4 to a list of three and to one of four (Imai 2011; R package `list`).
RACE = {"short": (8, 132, 222, 227, 0), "long": (19, 123, 229, 219, 34)}


def people(**lists: tuple[int, ...]) -> pd.DataFrame:
    """A row a person: `count` and whether the `long` list was read."""
    parts = [
        pd.DataFrame({"count": np.repeat(np.arange(len(counts)), counts).astype(float), "long": name == "long"})
        for name, counts in lists.items()
    ]
    return pd.concat(parts, ignore_index=True)
