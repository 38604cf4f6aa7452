"""Cell-key noise: its law, what the key ties it to, and what it is said to cost."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring import Framework, RequestError, SurveyDesign, Totals, reduce, score
from scoring.mask.lattice import Lattice
from scoring.mask.noise import MOST, VARIANCE, loss, noise, perturbation, perturbed
from tests.strategies import FRAMEWORK, surveys

SMALL = Framework.from_toml(FRAMEWORK)
DESIGN = SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="wave", interviewer="interviewer")
LATTICE = Lattice("small", "1", (("side",), ("side", "sex")))
KEY = b"sixteen or more bytes"
NOISY = ["noisy_n", "noisy_yes"]
SLOW = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def totals(frame: pd.DataFrame) -> Totals:
    """Totals of a survey by the tables of the lattice."""
    return reduce(frame, SMALL, DESIGN, facets=LATTICE.tables)


@pytest.fixture(scope="module")
def crowd() -> pd.DataFrame:
    """Twelve shifts of 24 people; all on one side, weights of 1 to 4 by shift, a sixth without an answer."""
    rng = np.random.default_rng(4)
    shift = np.repeat(np.arange(12), 24)
    size = shift.size
    answers = {name: rng.integers(low, 2, size) for name, low in (("x", 1), ("y", 1), ("z", 0), ("link", 1))}
    asked = np.where(rng.random(size) < 1 / 6, -1, rng.integers(0, 2, size))
    return pd.DataFrame(answers).assign(
        wave="2024",
        stratum=np.where(shift < 6, "s0", "s1"),
        shift=shift,
        weight=1.0 + shift % 4,
        side="left",
        sex=rng.choice(["female", "male"], size),
        interviewer=rng.choice(["a", "b"], size),
        asked=asked,
        hours=3.0,
    )


def test_every_row_of_the_perturbation_table_is_a_law_of_mean_0_and_variance_2() -> None:
    steps = np.arange(-MOST, MOST + 1)
    table = perturbation()
    assert table.sum(axis=1) == pytest.approx(np.ones(MOST + 1))
    assert table @ steps == pytest.approx(np.zeros(MOST + 1), abs=1e-9)
    assert table[1:] @ steps**2 == pytest.approx(np.full(MOST, VARIANCE), abs=1e-9)


def test_no_row_of_the_perturbation_table_takes_a_count_below_0() -> None:
    counts = np.arange(MOST + 1)[:, None]
    steps = np.arange(-MOST, MOST + 1)
    assert perturbation()[np.broadcast_to(counts + steps < 0, perturbation().shape)].sum() == 0
    assert perturbation()[0].tolist() == (steps == 0).tolist()


def test_large_counts_get_noise_that_is_as_often_up_as_down() -> None:
    assert perturbation()[-1] == pytest.approx(perturbation()[-1][::-1])


@given(st.lists(st.tuples(st.integers(0, 200), st.floats(0, 1, exclude_max=True)), min_size=1, max_size=30))
def test_noise_is_within_5_and_never_below_0_and_0_stays_0(cells: list[tuple[int, float]]) -> None:
    counts = np.array([cell[0] for cell in cells])
    added = noise(counts, np.array([cell[1] for cell in cells]))
    assert np.abs(added).max() <= MOST
    assert (counts + added).min() >= 0
    assert (added[counts == 0] == 0).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 60])
def test_keys_that_are_spread_evenly_give_noise_of_the_tables_law(count: int) -> None:
    added = noise(np.full(20_000, count), (np.arange(20_000) + 0.5) / 20_000)
    found = np.bincount(added + MOST, minlength=2 * MOST + 1) / added.size
    assert found == pytest.approx(perturbation()[min(count, MOST)], abs=2e-4)


def test_same_key_gives_the_same_noise_and_another_key_another(crowd: pd.DataFrame) -> None:
    given_ = totals(crowd)
    first, again = (perturbed(given_, SMALL, LATTICE, key=KEY) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    other = perturbed(given_, SMALL, LATTICE, key=KEY[::-1])
    assert (first[NOISY] != other[NOISY]).any(axis=None)


def test_noise_over_many_keys_has_mean_0_and_variance_2(crowd: pd.DataFrame) -> None:
    """60 keys, two counts of three figures: each mean is within 4 standard errors, the variance within a fifth."""
    given_ = totals(crowd)
    rows = [perturbed(given_, SMALL, LATTICE, key=number.to_bytes(16, "big")) for number in range(60)]
    added = np.array([row[NOISY].to_numpy() - row[["n", "yes"]].to_numpy() for row in rows])
    assert np.abs(added.mean(axis=0)).max() < 4 * np.sqrt(VARIANCE / 60)
    assert added.var() == pytest.approx(VARIANCE, rel=0.2)


def test_same_records_get_the_same_noise_in_another_table(crowd: pd.DataFrame) -> None:
    alone = crowd.assign(sex="female")
    rows = perturbed(totals(alone), SMALL, LATTICE, key=KEY)
    side, both = (rows.loc[rows["table"] == name, NOISY].to_numpy() for name in ("side", "side sex"))
    assert side.tolist() == both.tolist()


@SLOW
@given(surveys(waves=2))
def test_order_of_respondents_does_not_change_the_noise(frame: pd.DataFrame) -> None:
    shuffled = frame.sample(frac=1, random_state=1)
    first, second = (perturbed(totals(rows), SMALL, LATTICE, key=KEY) for rows in (frame, shuffled))
    numbers = ["n", "yes", "noisy_n", "noisy_yes", "noisy_estimate"]
    assert first[numbers].to_numpy() == pytest.approx(second[numbers].to_numpy(), nan_ok=True)


@SLOW
@given(surveys(waves=2, interviews=(1, 12)))
def test_figures_are_hidden_below_10_people_and_only_there(frame: pd.DataFrame) -> None:
    rows = perturbed(totals(frame), SMALL, LATTICE, key=KEY)
    assert (rows["noisy_n"].isna() == (rows["n"] < 10)).all()
    shown = rows[rows["n"] >= 10]
    assert (shown["noisy_estimate"].between(0, 100)).all()
    assert ((shown["noisy_n"] - shown["n"]).abs() <= MOST).all()


def test_exact_columns_are_those_of_the_engine(crowd: pd.DataFrame) -> None:
    given_ = totals(crowd)
    rows = perturbed(given_, SMALL, LATTICE, key=KEY)
    table = score(given_, SMALL, by=("side", "sex")).table
    table = table[table["measure"] == "asked"]
    own = rows[rows["table"] == "side sex"]
    assert own["sex"].tolist() == table["sex"].tolist()
    for name in ("n", "estimate", "se"):
        assert own[name].tolist() == pytest.approx(table[name].tolist())
    said = crowd[crowd["asked"] == 1].groupby("sex").size()
    assert own["yes"].tolist() == said[own["sex"]].tolist()


def test_noisy_share_is_the_exact_one_moved_by_both_counts(crowd: pd.DataFrame) -> None:
    rows = perturbed(totals(crowd), SMALL, LATTICE, key=KEY)
    moved = rows["estimate"] * rows["noisy_yes"] / rows["yes"] * rows["n"] / rows["noisy_n"]
    assert rows["noisy_estimate"].tolist() == pytest.approx(moved.tolist())
    assert (rows["noisy_estimate"] != rows["estimate"]).any()


def test_nobody_saying_yes_stays_0(crowd: pd.DataFrame) -> None:
    """Noise does not hide that everybody answered alike: the mask does."""
    rows = perturbed(totals(crowd.assign(asked=0)), SMALL, LATTICE, key=KEY)
    assert rows["noisy_estimate"].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("key", [b"", b"fifteen bytes..", b"x" * 65])
def test_key_of_a_wrong_length_is_refused(crowd: pd.DataFrame, key: bytes) -> None:
    with pytest.raises(RequestError, match=f"has {len(key)} bytes; give 16 to 64"):
        perturbed(totals(crowd), SMALL, LATTICE, key=key)


def by_hand() -> pd.DataFrame:
    """Two sides and their posts: a line that holds, one that is broken, and one with a hidden part."""
    nan = float("nan")
    rows = [  # table, post, wave, yes n, exact and noisy; shares; se
        ("side", "left", nan, 100, 50, 101, 51, 50.0, 50.5, 2.0),
        ("side", "right", nan, 80, 20, 81, 20, 25.0, 24.5, 0.5),
        ("side", "far", nan, 40, 20, 40, 20, 50.0, 50.0, nan),
        ("side post", "left", "a", 60, 30, 61, 31, 50.0, 51.0, 2.0),
        ("side post", "left", "b", 40, 20, 40, 20, 50.0, 50.0, 2.0),
        ("side post", "right", "c", 40, 10, 41, 11, 25.0, 27.0, 4.0),
        ("side post", "right", "d", 40, 10, 39, 12, 25.0, 31.0, 4.0),
        ("side post", "far", "e", 35, 18, 36, 17, 51.0, 47.0, 4.0),
        ("side post", "far", "f", 5, 2, nan, nan, 40.0, nan, 4.0),
    ]
    names = ["table", "side", "post", "n", "yes", "noisy_n", "noisy_yes", "estimate", "noisy_estimate", "se"]
    return pd.DataFrame(rows, columns=names).assign(wave="2024", measure="asked")


def test_loss_is_what_a_reader_adds_up() -> None:
    lost = loss(by_hand(), Lattice("l", "1", (("side",), ("side", "post")))).set_index("table")
    assert lost["ways"].to_dict() == {"side": 1, "side post": 2}
    assert lost["figures"].to_dict() == {"side": 3, "side post": 6}
    assert lost["by_rule"].to_dict() == {"side": 0, "side post": 1}
    assert lost["share_by_rule"].tolist() == pytest.approx([0.0, 1 / 6])
    assert lost["off_mean"].tolist() == pytest.approx([1 / 3, (1 + 0 + 2 + 6 + 4) / 5])
    assert lost["off_95"].tolist() == pytest.approx([0.5, 5.6])
    assert lost["share_far"].tolist() == pytest.approx([1 / 2, 2 / 5])  # 0.5 of 0.5; 6 and 4 of 4; 2 of 4 is half of it
    assert lost["lines"].to_dict() == {"side": 0, "side post": 2}
    assert np.isnan(lost["share_broken"].iloc[0])
    assert lost["share_broken"].iloc[1] == pytest.approx(1 / 2)


def test_people_of_no_part_do_not_break_a_line() -> None:
    """Twelve of the side crossed at no known post: the parts are twelve short before and after."""
    rows = by_hand().iloc[[0, 3, 4]].copy()
    rows.loc[[0], ["n", "noisy_n"]] = [112, 113]
    lost = loss(rows, Lattice("l", "1", (("side",), ("side", "post"))))
    assert lost["lines"].tolist() == [0, 1]
    assert lost["share_broken"].iloc[1] == 0.0


def test_real_tables_with_noise_stop_adding_up(crowd: pd.DataFrame) -> None:
    lost = loss(perturbed(totals(crowd), SMALL, LATTICE, key=KEY), LATTICE).set_index("table")
    assert lost.loc["side sex", ["lines", "share_broken"]].tolist() == [1, 1.0]
