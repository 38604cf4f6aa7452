"""Small invented surveys of three waves, drawn to be hard to protect: tiny cells, like answers, heavy amounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring import Framework, SurveyDesign, Totals, reduce
from scoring.mask.lattice import Lattice

HEAD = """
id = "attacked"
version = "1"
title = "Attacked"

[[index]]
code = "index"
title = "Index"
"""
SCALES = """
[[dimension]]
code = "first"
title = "First"
index = "index"
weight = 2

[[dimension]]
code = "second"
title = "Second"
index = "index"

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
range = [1, 5]
"""
UNASKED = """
[[dimension]]
code = "first"
title = "First"
index = "index"

[[item]]
code = "unasked"
title = "A framework has an item: this one nobody was asked"
dimension = "first"
direction = "better"
range = [1, 5]
"""
SENSITIVE = """
[[indicator]]
code = "asked"
title = "Asked"
statistic = "share"
item = "asked"
direction = "worse"
sensitive = true

[[indicator]]
code = "paid"
title = "Paid"
statistic = "share"
item = "paid"
direction = "worse"
sensitive = true

[[indicator]]
code = "either"
title = "Asked or paid"
statistic = "share"
any_of = ["asked", "paid"]
direction = "worse"
sensitive = true
"""
PLAIN = """
[[indicator]]
code = "queued"
title = "Queued"
statistic = "share"
item = "queued"
direction = "worse"
"""
HOURS = """
[[indicator]]
code = "hours"
title = "Hours"
statistic = "mean"
item = "hours"
direction = "worse"
"""
FRAMEWORK = Framework.from_toml(HEAD + SCALES + SENSITIVE + PLAIN + HOURS)
THEMES = {  # a small survey asks about one thing, so that very many can be attacked
    "scales": Framework.from_toml(HEAD + SCALES + HOURS),
    "sensitive": Framework.from_toml(HEAD + UNASKED + SENSITIVE),
    "plain": Framework.from_toml(HEAD + UNASKED + PLAIN + HOURS),
}
LATTICE = Lattice.from_toml("""
id = "attacked"
version = "1"
tables = [["side"], ["side", "post"], ["side", "group"], ["side", "sex"], ["side", "post", "group"]]
""")
DESIGN = SurveyDesign(
    weight="weight", strata=["side", "post", "group"], psu="shift", wave="wave", interviewer="interviewer"
)
MOODS = {"mixed": 0.8, "top": 0.07, "bottom": 0.07, "middle": 0.06}  # of a stratum: the last three are of one mind
WAVES = ("2022", "2024", "2026")
STEPS = {"x": 4, "y": 3, "z": 4, "asked": 1, "paid": 1, "either": 1, "queued": 1}
LOWEST = {"x": 1, "y": 1, "z": 1, "asked": 0, "paid": 0, "queued": 0}
Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Size:
    """Fewest and most of everything; `two_sides` is the chance of a second side."""

    posts: tuple[int, int] = (2, 5)
    shifts: tuple[int, int] = (3, 6)
    interviews: tuple[int, int] = (3, 9)
    two_sides: float = 0.2


LARGE = Size()
SMALL = Size(posts=(2, 3), shifts=(3, 4), interviews=(3, 8), two_sides=0.0)


@dataclass(frozen=True, slots=True)
class Habits:
    """How one survey is drawn."""

    posts: int
    shifts: tuple[int, int]
    interviews: tuple[int, int]
    weights: str
    yes: float
    missing: float


def survey(seed: int, *, waves: tuple[str, ...] = WAVES, size: Size = LARGE) -> pd.DataFrame:
    """Interviews of one invented survey; the same for the same seed."""
    rng = np.random.default_rng(seed)
    most = int(rng.integers(size.shifts[0], size.shifts[1] + 1))
    habits = Habits(
        posts=int(rng.integers(size.posts[0], size.posts[1] + 1)),
        shifts=(size.shifts[0], most),
        interviews=(size.interviews[0], int(rng.integers(size.interviews[0] + 2, size.interviews[1] + 1))),
        weights=str(rng.choice(["equal", "distinct", "traffic"])),
        yes=float(rng.choice([0.05, 0.15, 0.3])),
        missing=float(rng.choice([0.0, 0.05, 0.2])),
    )
    sides = ["left", "right"][: 1 + int(rng.random() < size.two_sides)]
    places = [(wave, side, f"{side} {post}") for wave in waves for side in sides for post in range(habits.posts)]
    parts = [_stratum(rng, habits, place, group) for place in places for group in ("traders", "travellers")]
    return pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def together(seeds: Iterable[int], *, size: Size = SMALL) -> pd.DataFrame:
    """Several surveys in one file, each a side of its own (sides share no figure), with its `seed`."""
    parts = [survey(seed, size=size).assign(seed=seed) for seed in seeds]
    frame = pd.concat(parts, ignore_index=True)
    number = frame["seed"].astype(str) + " "
    return frame.assign(side=number + frame["side"], shift=number + frame["shift"])


def totals(frame: pd.DataFrame, *, framework: Framework = FRAMEWORK) -> Totals:
    """Totals of a survey by every table of the lattice."""
    return reduce(frame, framework, DESIGN, facets=LATTICE.tables)


def _stratum(rng: np.random.Generator, habits: Habits, place: tuple[str, str, str], group: str) -> Columns:
    wave, side, post = place
    shifts = int(rng.integers(habits.shifts[0], habits.shifts[1] + 1))
    sizes = rng.integers(habits.interviews[0], habits.interviews[1] + 1, shifts)
    if rng.random() < 0.15:  # one busy shift
        sizes[0] *= 3
    number = np.repeat(np.arange(shifts), sizes)
    weight = {
        "equal": np.ones(shifts),
        "distinct": rng.uniform(0.3, 4.0, shifts).round(3),
        "traffic": (rng.integers(20, 400, shifts) / sizes).round(4),
    }[habits.weights]
    same = {"wave": wave, "side": side, "post": post, "group": group}
    columns = {
        **{name: np.full(number.size, value, dtype=object) for name, value in same.items()},
        "shift": np.array([f"{wave} {post} {group} {one}" for one in range(shifts)], dtype=object)[number],
        "weight": weight[number],
        "interviewer": rng.choice(["a", "b", "c"], number.size).astype(object),
        "sex": rng.choice(np.array(["female", "male", None]), number.size, p=[0.3, 0.62, 0.08]),
    }
    return columns | _answers(rng, habits, number.size)


def _answers(rng: np.random.Generator, habits: Habits, size: int) -> Columns:
    frame: Columns = {"unasked": np.full(size, -1.0)}
    mood = rng.choice(list(MOODS), p=list(MOODS.values()))
    for name, steps in STEPS.items():
        if name == "either":
            continue
        chance = {"asked": habits.yes, "paid": habits.yes / 2}.get(name, rng.uniform(0.2, 0.8))
        given = rng.binomial(steps, chance, size)
        alike = {"top": steps, "bottom": 0, "middle": steps // 2}
        answer = (given if mood == "mixed" else np.full(size, alike[mood])) + LOWEST[name]
        frame[name] = np.where(rng.random(size) < habits.missing, rng.choice([-1, -2], size), answer)
    hours = np.round(rng.lognormal(1.0, 1.3, size), 1) * (rng.random(size) > 0.1)
    same = {"top": 72.0, "bottom": 0.0, "middle": 2.0}
    hours = hours if mood == "mixed" else np.full(size, same[mood])
    frame["hours"] = np.where(rng.random(size) < habits.missing, -1.0, hours)
    return frame
