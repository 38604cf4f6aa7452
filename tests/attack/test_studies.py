"""What the enemy learns from what is studied of whole sides, beside figures that are masked.

He knows the weights and who was met in which shift, remembers one whole shift, and holds every release.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from app.workflow import declared
from app.workflow.combining import coarsely
from app.workflow.holders import WHY, few_held
from app.workflow.studying import Matter, study
from app.workflow.studying.asked import asked
from app.workflow.studying.explained import explained
from app.workflow.studying.matter import STEPS, rounded, step_of
from app.workflow.studying.mending import mending
from app.workflow.studying.moved import compositions, differences
from app.workflow.studying.spread import quantiles, ranges
from scoring import reduce
from scoring.chain import HOLDERS
from scoring.mask.layout import PREFERRED
from scoring.mask.publication import Publication, publish
from surveys.errors import StoreError
from tests.attack.sides import AGENCIES, DESIGN, FRAMEWORK, GIVEN, LATTICE, form, matter, names, people

Floats = npt.NDArray[np.float64]
REFUSED = -3.0


# Links that few people hold


def held(text: str) -> pd.DataFrame:
    tables = {"holders": f"side,agency,link,holders\n{text}"}
    return few_held(form(), FRAMEWORK, LATTICE.tables, ["1"], tables)


def counted(link: str, counts: Mapping[str, int | None]) -> str:
    return "".join(f"left,{agency},{link},{count}\n" for agency, count in counts.items() if count is not None)


@pytest.fixture(scope="module")
def chained() -> pd.DataFrame:
    """Users of quarantine find that its leadership never acts, those of migration that theirs does; four name none."""
    frame = people(shifts={"trader": 12, "traveller": 12}, size=12)
    of_link = {"customs": (3, 4), "migration": (4, 5), "quarantine": (1, 2)}
    given = [of_link[agency][number // 4 % 2] for number, agency in enumerate(frame["agency"])]
    frame = frame.assign(link_top=given)
    return frame.assign(agency=frame["agency"].mask(frame.index.isin([3, 40, 77, 111])))


def released(frame: pd.DataFrame, hidden: pd.DataFrame) -> Publication:
    totals = reduce(frame, FRAMEWORK, DESIGN, facets=LATTICE.tables)
    return publish(totals, FRAMEWORK, LATTICE, hidden=hidden)


def left_over(made: Publication, frame: pd.DataFrame) -> tuple[float, set[str]]:
    """Leadership of the side less the agencies that are shown, and those that are hidden."""
    by_agency, whole = (
        made.scores[facets].set_index(list(facets[1:]) or ["side"]).query("measure == 'link_top'")["estimate"]
        for facets in (("side", "agency"), ("side",))
    )
    n = frame["agency"].value_counts()
    shown = by_agency[by_agency.notna()]
    rest = len(frame) * whole.iloc[0] - (n[shown.index] * shown).sum()
    return float(rest / (len(frame) - n[shown.index].sum())), set(by_agency.index[by_agency.isna()])


def test_a_link_of_few_is_not_what_is_left_of_the_side_less_the_agencies(chained: pd.DataFrame) -> None:
    """The mask guards those who answered: with four who named no agency, it lets a hidden agency stand alone."""
    rows = held("left,customs,link_top,12\nleft,migration,link_top,6\nleft,quarantine,link_top,3\n")
    truth = 25 * (chained.loc[chained["agency"] == "quarantine", "link_top"].mean() - 1)
    alone = rows[rows["agency"] == "quarantine"]
    told, hidden = left_over(released(chained, alone[alone["measure"] != "link_end"]), chained)
    assert hidden == {"quarantine"}
    assert told == pytest.approx(truth, abs=4)
    told, hidden = left_over(released(chained, rows), chained)
    assert hidden == {"quarantine", "migration"}
    assert abs(told - truth) > 20


@pytest.mark.parametrize("whole", [None, 4, 20, 40])
def test_agencies_that_are_hidden_have_five_holders_together_or_none_is_shown(whole: int | None) -> None:
    for counts in itertools.product((None, 1, 3, 5, 12), repeat=len(AGENCIES)):
        of_each = dict(zip(AGENCIES, counts, strict=True))
        side = "" if whole is None else f"left,,link_top,{whole}\n"
        rows = held(side + counted("link_top", of_each)).query("measure == 'link_top'")
        gone = set(rows.loc[rows["table"] == "side agency", "agency"])
        assert {agency for agency, count in of_each.items() if count is None or count < HOLDERS} <= gone
        if whole is not None and whole < HOLDERS:
            assert gone == set(AGENCIES)
        if gone and gone != set(AGENCIES):
            unsaid = max((whole or 0) - sum(count or 0 for count in counts), 0) if None in counts else 0
            assert sum(of_each[agency] or 0 for agency in gone) + unsaid >= HOLDERS


def test_no_study_names_a_link_of_few(chained: pd.DataFrame) -> None:
    """Not how many find that it never acts, nor how it goes with others, nor whether it is to be mended."""
    rows = held("left,,link_top,3\n")
    assert set(rows["why"]) == {WHY}
    told = study(matter(chained))
    kept = study(matter(chained, hidden=rows))
    assert {name for name, table in told.items() if "link_top" in names(table)} >= {
        "items",
        "parts",
        "errors",
        "remedies",
    }
    for gone in ("link_top", "chain_links"):
        assert [name for name, table in kept.items() if gone in names(table)] == []
    assert "link_end" in names(kept["items"])


def test_a_hidden_dimension_explains_nothing() -> None:
    frame = people(shifts={"trader": 12, "traveller": 12}, size=5)
    rows = pd.DataFrame([{"table": "side", "wave": "1", "side": "left", "measure": "part", "why": "primary"}])
    assert "part" in names(explained(matter(frame))["drivers_slopes"])
    assert explained(matter(frame, hidden=rows)) == {}


# Shares


def shared(silent: int, yes: int) -> pd.DataFrame:
    """120 people of equal weight in 24 shifts: the first of each are silent, the last were asked for money."""
    frame = people(shifts={"trader": 12, "traveller": 12}, size=5)
    order = frame.index % 5 * 24 + frame.index // 5
    answers = np.where(order < silent, REFUSED, np.where(order >= len(frame) - yes, 1.0, 0.0))
    return frame.assign(asked_customs=answers, asked_quarantine=np.where(order < silent, REFUSED, 0.0))


def test_a_range_tells_no_more_of_the_answers_than_the_share_does() -> None:
    """Thirteen and fourteen of 110 are shown alike; of 120 they are 10.8 and 11.7 %."""
    found = [matter(shared(10, yes)) for yes in (13, 14)]
    shares = [one.shown(("side",))["1", "left", "met"]["estimate"] for one in found]
    rows = [ranges(one)["ranges"] for one in found]
    assert shares[0] == shares[1]
    columns = ["floor", "ceiling", "unanswered"]
    assert rows[0][columns].to_numpy().tolist() == rows[1][columns].to_numpy().tolist()


@pytest.mark.parametrize("silent", [0, 1, 3])
def test_who_alone_was_silent_is_not_told(silent: int) -> None:
    assert ranges(matter(shared(silent, 30))) == {}
    assert "ranges" in ranges(matter(shared(12, 30)))


def drawn(seed: int) -> tuple[npt.NDArray[np.bool_], Floats, npt.NDArray[np.int64]]:
    """Answers, weights and shifts of one invented side: of all kinds of weights, and of rare and common answers."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(100, 400))
    shift = rng.integers(0, int(rng.integers(4, 40)), size)
    weight = np.exp(rng.normal(0, rng.choice([0.0, 0.3, 1.0]), 60))[shift]
    kinds = rng.choice([0.0, 0.05, 0.3, 1.0], 60, p=[0.4, 0.3, 0.2, 0.1])
    return rng.random(size) < kinds[shift], weight, shift


def otherwise(yes: npt.NDArray[np.bool_], share: Floats, person: int, fixed: npt.NDArray[np.bool_], at: Floats) -> bool:
    """Whether other answers, in which this person's is the other way, agree with a rounded share."""
    given = yes.copy()
    given[person] = ~given[person]
    total = share[given].sum()
    for other in np.argsort(-share):
        if fixed[other] or other == person or at[0] <= total <= at[1]:
            continue
        if (total > at[1]) == given[other]:
            given[other] = ~given[other]
            total = share[given].sum()
    return bool(at[0] - 1e-9 <= total <= at[1] + 1e-9)


def test_a_studied_share_leaves_every_answer_open_to_whoever_remembers_a_shift() -> None:
    shown = 0
    for seed in range(120):
        yes, weight, shift = drawn(seed)
        step, share = step_of(yes, weight, shift), 100 * weight / weight.sum()
        if not np.isfinite(step):
            continue
        shown += 1
        at = rounded(share[yes].sum(), step) + np.array([-step / 2, step / 2])
        for known in np.unique(shift):
            for person in np.flatnonzero(shift != known)[:: len(shift) // 8]:
                assert otherwise(yes, share, int(person), shift == known, at), seed
    assert shown > 20


def test_a_heavy_shift_in_which_nobody_is_dissatisfied_has_no_row() -> None:
    """Of one person there the share would be 6 % at least; it is 3 %, so the commander knows what all of them said."""
    frame = people(shifts={"trader": 12, "traveller": 12}, size=5)
    content = frame.assign(polite=4)
    content.loc[frame.index % 20 == 7, "polite"] = 2
    heavy = content["psu"] == "1trader0"
    content.loc[heavy, "polite"] = 4
    content.loc[heavy, "weight"] = 7.0 * 6
    told, plain = (study(matter(one)) for one in (content, content.assign(weight=1.0)))
    assert "polite" not in set(told.get("remedies", pd.DataFrame({"measure": []}))["measure"])
    assert "items" in plain
    assert "items" not in told
    light = plain["remedies"].set_index("measure").loc["polite"]
    assert light["estimate"] % 2 == 0  # of 120 people one is 0.8 %
    assert light["estimate"] == light["dissatisfied"]


def test_what_is_made_of_a_studied_share_tells_nothing_more() -> None:
    """Rows that show the same share, error and df have the same limits, and the share dissatisfied follows."""
    rows = pd.concat(
        mending(matter(people(wave=str(seed), shifts={"trader": 12, "traveller": 12}, size=6)))["remedies"]
        for seed in (1, 2, 3)
    )
    share = rows["estimate"] * 100 / rows["affected"]
    assert (rows["dissatisfied"] - share).abs().max() <= STEPS[1] / 2
    assert set((rows["estimate"] / STEPS[2]).mod(1)) == {0.0}  # of 144 people one is 0.7 %


# Hours


def test_the_middle_is_not_told_where_it_is_one_persons_hours() -> None:
    frame = people(shifts={"trader": 12, "traveller": 12}, size=5).assign(wait_hours=lambda one: 2.0 + one.index % 9)
    lone = frame.drop(frame.index[1:5]).reset_index(drop=True)
    lone.loc[0, ["weight", "wait_hours"]] = [150.0, 3.0]
    made = matter(lone)
    assert ("1", "left", "wait_hours") in made.shown(("side",))
    assert quantiles(made) == {}
    assert "quantiles" in quantiles(matter(frame))


def test_the_middle_is_not_told_where_it_is_one_persons_hours_to_whoever_remembers_a_shift() -> None:
    frame = people(shifts={"trader": 12, "traveller": 12}, size=5).assign(wait_hours=lambda one: 2.0 + one.index % 9)
    frame.loc[frame["psu"] == "1trader0", "weight"] = 60.0
    frame.loc[frame.index[-1], "weight"] = 130.0
    assert quantiles(matter(frame)) == {}


# Changes


def waves(*, trader: int, weights: tuple[float, float] = (0.5, 3.0)) -> pd.DataFrame:
    """Two waves in which traders come in other numbers, `trader` shifts of ten of them."""
    shifts = {"trader": trader, "traveller": 24}
    parts = [people(wave=wave, shifts=shifts, weight={"trader": w}) for wave, w in zip("12", weights, strict=True)]
    return pd.concat(parts, ignore_index=True)


def test_the_part_of_a_changed_mix_does_not_sharpen_the_score_of_a_small_group() -> None:
    """Thirty traders are shown to a whole point; the mix over the change of their share would give them to 0.3."""
    small, large = matter(waves(trader=3)), matter(waves(trader=12))
    table = small.scores["side", "user_group"]
    traders = table[(table["user_group"] == "trader") & (table["measure"] == "whole")]
    assert traders["estimate"].notna().all()
    assert compositions(small) == {}
    assert len(compositions(large)["composition"]) == 3


def test_who_was_erased_from_an_earlier_wave_stays_unknown() -> None:
    """The next release splits the change from it once more, by what is left: of a hundred nobody's index is told."""
    frame = waves(trader=12, weights=(0.2, 9.0))
    made = matter(frame)
    before, after = (one.set_index(["wave", "user_group"]) for one in (group_scores(made), group_scores(made)))
    first = frame[(frame["wave"] == "1") & (frame["user_group"] == "trader")]
    score = 25 * (first[["polite", "clear"]].mean(axis=1) - 1)
    for erased in (score.idxmin(), score.idxmax()):
        less = frame.drop(index=[erased])
        row = compositions(replace(made, beside=reduce(less, FRAMEWORK, DESIGN, facets=LATTICE.tables)))["composition"]
        moved = share_of(frame, "2") - share_of(less, "1")
        contrast = 2 * row.set_index("part").loc["mix", "estimate"] / moved
        known = before.loc[("1", "trader")] - before.loc[("1", "traveller")]
        later = after.loc[("2", "trader")] - after.loc[("2", "traveller")]
        off = len(first) * (2 * 0.05 / moved + 0.1 + 0.1)
        told = before.loc[("1", "trader")] - (len(first) - 1) * (contrast - later - known)
        assert off > 30
        assert abs(told["estimate"] - score[erased]) < off


def group_scores(made: Matter) -> pd.DataFrame:
    table = made.scores["side", "user_group"]
    return table.loc[table["measure"] == "whole", ["wave", "user_group", "estimate"]]


def share_of(frame: pd.DataFrame, wave: str) -> float:
    own = frame[frame["wave"] == wave]
    return float(own.loc[own["user_group"] == "trader", "weight"].sum() / own["weight"].sum())


def errors(made: Matter) -> Iterator[float]:
    for table in (*differences(made).values(), *compositions(made).values(), *quantiles(made).values()):
        yield from table["se"].dropna()


def test_errors_on_few_shifts_are_rounded_as_those_of_figures_are() -> None:
    """Of three or ten shifts, two digits of an error tell the answers of each."""
    coarse = pd.concat([people(wave=wave, shifts={"trader": 4, "traveller": 5}, size=40) for wave in "12"])
    found = list(errors(matter(coarse.reset_index(drop=True))))
    assert len(found) > 5
    for error in found:
        assert np.isclose(error / 10 ** np.floor(np.log10(error)), PREFERRED).any(), error


# What holds no answers


def test_how_a_wave_was_asked_and_who_came_depends_on_no_answer() -> None:
    frame = people(shifts={"trader": 12, "traveller": 12})
    rng = np.random.default_rng(5)
    answers = [*GIVEN, "asked_customs", "asked_quarantine", "wait_hours", "agency"]
    other = frame.assign(**{name: rng.permutation(frame[name].to_numpy()) for name in answers})
    first, second = (asked(matter(one)) for one in (frame, other))
    assert first.keys() == {"keys", "mix", "traffic"}
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name])


def test_asking_for_a_combination_tells_of_no_single_cell() -> None:
    """Whether a woman was met at a post, and whether one more figure could be shown, is the same to the asker."""
    places = list(itertools.product(["left"], ["a", "b", "c", "d"], ["f", "m"], [f"m{number}" for number in range(40)]))
    mask = pd.DataFrame(places, columns=["side", "post", "sex", "measure"]).assign(why="")
    mask.loc[mask["measure"] > "m20", "why"] = "few_respondents"
    told: list[Any] = []
    for gone in ("", "a"):
        nobody = (mask["post"] == gone) & (mask["sex"] == "f")
        fewer = mask[~nobody | (mask["why"] == "")]
        told.append(coarsely("1", ("side", "post", "sex"), fewer, given_up=3))
        one_more = fewer.assign(why=fewer["why"].where(fewer.index != fewer.index[fewer["why"] != ""][0], ""))
        told.append(coarsely("1", ("side", "post", "sex"), one_more, given_up=4))
    empty = mask[~((mask["post"] == "a") & (mask["sex"] == "f"))]
    assert set(told) == {told[0]}
    assert told[0].given_up == 5
    assert coarsely("1", ("side", "post", "sex"), empty, given_up=0).figures == told[0].figures


# What is declared beside the answers: a release carries every word of it


@pytest.mark.parametrize(
    ("name", "written", "instead"),
    [
        ("commitments", "L1,", "+992 93 123 45 67,"),
        ("waves", "# SYNTHETIC.", "# Ask anor@example.org."),
        ("waves", '"left_1"', '"Anor Karimov"'),
        ("interventions", "training", "training by Colonel Karimov"),
    ],
)
def test_a_declaration_in_which_somebody_is_named_or_can_be_reached_is_refused(
    name: str, written: str, instead: str
) -> None:
    files = {file: text.encode() for file, text in declared.templates().items()}
    file = declared.FILES[name]
    changed = files[file].replace(written.encode(), instead.encode(), 1)
    assert changed != files[file]
    assert declared.decoded(files).keys() == declared.FILES.keys()
    with pytest.raises(StoreError, match=file):
        declared.decoded({**files, file: changed})
