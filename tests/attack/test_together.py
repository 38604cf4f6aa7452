"""Rules on several figures, levels or releases together: each stops an attack that succeeds without it."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import scoring.mask.board
import scoring.mask.freedom
import scoring.mask.remainders
from app.workflow.publishing import from_few_shifts, telling
from scoring.design import Floats
from scoring.disclosure import Thresholds
from scoring.evidence import Groups
from scoring.mask.certainty import given_away
from scoring.mask.layout import Flags
from scoring.mask.publication import Publication, publish
from tests.attack.answers import certain
from tests.attack.counting import cornered_counts
from tests.attack.invented import LATTICE, THEMES, survey, together, totals
from tests.attack.knowledge import FAMILIES, Found, scenes
from tests.attack.solving import Effort
from tests.attack.spread import told_by_errors
from tests.attack.test_rules import FULL, NOTHING, Shift, frame_of, published, yes

Switch = Callable[[pytest.MonkeyPatch], None]


def counted(frame: pd.DataFrame, publication: Publication, measure: str, rules: Thresholds = FULL) -> list[Found]:
    """Hidden counts of one question with fewer than four values."""
    (scene,) = scenes(frame, publication, rules=rules)
    return cornered_counts(scene, Effort(), rng=np.random.default_rng(0), measures=[measure])


FEW_YES = [*[yes(6, 12, post="a")] * 3, *[yes(one, 4, post="b") for one in (1, 1, 0)], *[yes(0, 3, post="c")] * 3]


def test_hidden_count_between_shown_totals_has_few_values_without_the_rule_on_freedom() -> None:
    """Two hidden posts with two yes together: of each none, one or both."""
    frame = frame_of(FEW_YES, "queued")
    loose = replace(NOTHING, few_respondents=10, complementary=True, rounded=False)
    strict = replace(loose, freedom=FULL.freedom)
    assert counted(frame, published(frame, loose), "queued", loose) != []
    assert counted(frame, published(frame, strict), "queued", strict) == []


def test_two_parts_said_to_be_few_would_give_their_numbers_away() -> None:
    """Ten to nineteen in each of two groups, forty in all, rounded to five: nineteen in both; so it is not said."""
    shifts = [Shift((1.0, 0.0) * 10, group=group) for group in ("traders", "travellers")] * 3
    shifts = [replace(one, answers=one.answers[: 7 if place < 2 else 6]) for place, one in enumerate(shifts)]
    frame = frame_of(shifts, "queued")
    masked = published(frame, FULL)
    told = {facets: _said(table, masked.mask, facets) for facets, table in masked.scores.items()}
    assert counted(frame, masked, "queued") == []
    assert counted(frame, replace(masked, scores=told), "queued") != []


def _said(table: pd.DataFrame, mask: pd.DataFrame, facets: tuple[str, ...]) -> pd.DataFrame:
    """A table in which each figure of 10 to 19 answers is said to be one."""
    why = table.merge(mask[mask["table"] == " ".join(facets)], on=["wave", *facets, "measure"], how="left")["why"]
    return table.assign(status=table["status"].where(why.to_numpy() != "few_answers", "unreliable"))


def test_number_of_yes_that_one_interviewer_wrote_down_is_the_figure_without_the_rule_on_interviewers() -> None:
    """Whoever knows the roster reads one interviewer's notebook in a figure of hers alone, but not in one of two."""
    alone = frame_of([yes(many, 10) for many in (4, 5, 3)], "queued").assign(interviewer="a")
    mixed = alone.assign(interviewer=np.tile(["a", "b"], 15))
    loose = replace(FULL, interviewers=1, largest_share=1.0)
    assert len(_yes_by_interviewer(alone, published(alone, loose))) < FULL.freedom
    assert np.isnan(_side(published(alone, FULL))["estimate"])
    assert np.isfinite(_side(published(mixed, FULL))["estimate"])
    assert len(_yes_by_interviewer(mixed, published(mixed, FULL))) >= FULL.freedom


def test_notebook_of_an_interviewer_who_wrote_down_nearly_all_is_the_figure_without_the_rule_on_shares() -> None:
    """60 of 120 said yes, to a tenth of a point; all but two of them told one interviewer: 58, 59 or 60 in her book."""
    nearly = frame_of([yes(20, 40) for _ in range(3)], "queued").assign(interviewer=["b", "b", *["a"] * 118])
    half = nearly.assign(interviewer=np.tile(["a", "b"], 60))

    def open_values(frame: pd.DataFrame, rules: Thresholds) -> int:
        shown, others = _side(published(frame, rules))["estimate"], int((frame["interviewer"] == "b").sum())
        totals_ = {many for many in range(121) if abs(100 * many / 120 - shown) <= 0.05 + 1e-9}
        return len({many - other for many in totals_ for other in range(others + 1)})

    assert open_values(nearly, replace(FULL, largest_share=1.0)) < FULL.freedom
    assert np.isnan(_side(published(nearly, FULL))["estimate"])
    assert open_values(half, FULL) >= FULL.freedom


def _side(publication: Publication) -> "pd.Series[Any]":
    return publication.scores["side",].set_index("measure").loc["queued"]


def _yes_by_interviewer(frame: pd.DataFrame, publication: Publication) -> set[int]:
    """Numbers of yes that the first interviewer may have written down."""
    half = scoring.mask.board.half_unit(np.array(len(frame)), FULL, rare=np.array(True))
    sizes = frame.groupby("interviewer").size().to_numpy()
    return {
        given[0]
        for given in itertools.product(*(range(size + 1) for size in sizes))
        if abs(100 * sum(given) / len(frame) - _side(publication)["estimate"]) <= half + 1e-9
    }


def one_place(seed: int, wave: str, side: str) -> pd.DataFrame:
    """One side in one wave of a large survey."""
    frame = survey(seed)
    return frame[(frame["wave"] == wave) & (frame["side"] == side)].reset_index(drop=True)


def learnt(frame: pd.DataFrame, theme: str, family: tuple[str, ...], known: int) -> list[Found]:
    """Answers that are certain to whoever remembers a shift; corners are not looked at, so that one rule is tried."""
    lattice = replace(LATTICE, rules=replace(FULL, freedom=1))
    publication = publish(totals(frame, framework=THEMES[theme]), THEMES[theme], lattice)
    (scene,) = scenes(frame, publication, rules=lattice.rules)
    return certain(scene, Effort(), known=[known], families=[family])


def one_level(*arguments: Any) -> Iterator[Any]:
    return (one for one in BREAKDOWNS(*arguments) if len(one.levels) == 1)


BREAKDOWNS = scoring.mask.board.breakdowns


def test_total_less_shown_pieces_of_a_hidden_part_gives_answers_away_where_one_level_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A side less its shown posts, less the shown group of a post that is hidden: 56 people of one mind."""
    frame = one_place(9, "2022", "left")
    assert learnt(frame, "scales", FAMILIES[0], 14) == []
    monkeypatch.setattr(scoring.mask.board, "breakdowns", one_level)
    assert learnt(frame, "scales", FAMILIES[0], 14) != []


def test_group_that_is_at_most_its_shown_total_is_told_where_the_roster_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A group less its shown post, less all of another post, leaves as much as the hidden ones can have at most."""
    frame = together([159]).query("wave == '2026'")
    assert learnt(frame, "scales", FAMILIES[0], 10) == []
    monkeypatch.setattr(scoring.mask.freedom, "_forced", lambda *_: [])
    assert learnt(frame, "scales", FAMILIES[0], 10) != []


def test_any_of_several_less_a_part_tells_that_nobody_else_said_yes_without_the_rule_on_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sixty of 120 paid, and sixty were asked or paid: nobody was asked who did not pay."""
    frame = frame_of([yes(10, 20) for _ in range(6)], "paid")
    frame = frame.assign(asked=frame["paid"].where(frame.index % 3 == 0, 0.0))
    assert np.isnan(_asked_alone(frame)).any()
    for module in (scoring.mask.board, scoring.mask.remainders):
        monkeypatch.setattr(module, "bounded", lambda groups, _: np.zeros(groups.size, dtype=bool))
    low, high = _asked_alone(frame)
    assert low <= 0 <= high < 1  # of a hidden count one value is left


def _asked_alone(frame: pd.DataFrame) -> tuple[float, float]:
    """Between which numbers of people who were asked and did not pay the shown figures leave the truth."""
    side = published(frame, FULL).scores["side",].set_index("measure")["estimate"]
    people = len(frame) * (side["either"] - side["paid"]) / 100
    doubt = len(frame) * (0.05 + 0.05) / 100
    return people - doubt, people + doubt


def test_index_less_its_shown_part_gives_a_hidden_part_away_where_the_tree_is_not_looked_at() -> None:
    frame = frame_of([Shift((2.0, 3.0, 4.0, 5.0, 3.0))] * 6, "x").assign(y=1.0)  # all gave the best answer to y
    masked, bare = published(frame, FULL), published(frame, NOTHING)
    assert certain(scenes(frame, masked)[0], Effort(), known=[0], families=FAMILIES[:1]) == []
    opened = {facets: _with(table, bare.scores[facets], ["first"]) for facets, table in masked.scores.items()}
    (scene,) = scenes(frame, replace(masked, scores=opened))
    assert {one.measure for one in certain(scene, Effort(), known=[0], families=[("x", "y", "z")])} == {"y"}


def _with(table: pd.DataFrame, bare: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """A table in which some measures are shown as they are without a mask."""
    return table.where(~table["measure"].isin(measures), bare[table.columns])


UNLIKE = [yes(0, 8, weight=2.0), yes(3, 8, weight=1.0), yes(4, 8, weight=1.5)]


def by_errors(frame: pd.DataFrame, rules: Thresholds) -> list[Found]:
    """Shifts of like answers that a standard error tells of to whoever remembers another."""
    (scene,) = scenes(frame, published(frame, rules), rules=rules)
    return told_by_errors(scene, Effort(), known=range(int(scene.shift.max()) + 1))


def without_errors(groups: Groups, *, steps: Floats, half: Floats, **_: Any) -> Flags:
    return given_away(groups, steps=steps, half=half)


def test_standard_error_to_two_digits_gives_a_shift_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few shifts: with the weights two digits leave one set of answers where a coarser error leaves several."""
    frame = frame_of([yes(0, 8, weight=3.0), yes(5, 8, weight=2.5), yes(5, 8, weight=1.5)], "queued")
    monkeypatch.setattr(scoring.mask.board, "given_away", without_errors)
    assert by_errors(frame, replace(FULL, sparse=0)) != []
    assert by_errors(frame, FULL) == []


def test_design_effect_of_nearly_like_answers_tells_that_all_others_are_alike() -> None:
    """Five of 120 gave one step more, all in one shift: to whoever remembers it, all others gave the same answer."""
    frame = frame_of([Shift((4.0,) * 5), *[Shift((3.0,) * 5)] * 23], "x")
    loose, strict = (
        published(frame, replace(NOTHING, alone=alone)).scores["side",].set_index("measure").loc["x"]
        for alone in (NOTHING.alone, FULL.alone)
    )
    n, step = len(frame), 100 / 4
    among_others = 1.0 + 1.0  # least that other answers add to the squared steps from 3: one up for one down
    simple = (5 + among_others - 5**2 / n) * step**2 / n / (n - 1)
    assert loose["se"] ** 2 * (loose["n_eff"] + 2.5) / n < simple  # the most that the simple variance can be
    assert np.isfinite(strict["se"])
    assert strict[["n_eff", "deff"]].isna().all()


def test_standard_error_gives_a_shift_away_where_it_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only answers with nobody's yes in the first shift come to 20 with this standard error."""
    frame = frame_of(UNLIKE, "queued")
    assert by_errors(frame, FULL) == []
    monkeypatch.setattr(scoring.mask.board, "given_away", without_errors)
    assert by_errors(frame, FULL) != []


def test_post_that_is_only_crossed_out_comes_back_as_the_side_less_the_other_posts() -> None:
    """Why the mask is solved again when a post is withdrawn."""
    shifts = [
        Shift(tuple(np.tile(answers, 4)), post=post)
        for post in "abc"
        for answers in ((1.0, 3, 5), (2, 4, 5), (1, 2, 3))
    ]
    frame = frame_of(shifts, "x")
    first = published(frame, FULL)
    shown = first.scores["side", "post"].query("measure == 'x'").set_index("post")["estimate"]
    assert _without(first, ["a", "c"]) == pytest.approx(shown["b"], abs=0.05 * 5 + 0.5)
    again = published(frame, FULL, hidden=first.mask, withdrawn=[{"post": "b"}])
    assert np.isnan(_without(again, ["a", "c"]))


def _without(publication: Publication, others: Sequence[str]) -> float:
    """The mean of a third post of as many answers, from the side and two others."""
    side = publication.scores["side",].set_index("measure")["estimate"]["x"]
    posts = publication.scores["side", "post"].query("measure == 'x'").set_index("post")["estimate"]
    return float(3 * side - posts[others].sum(skipna=False))


KEPT = [yes(many, 10, post=post) for post in "ab" for many in (5, 6, 5, 5, 5, 5)]


def told_and_refused(gone: Sequence[Shift]) -> tuple[set[int], bool]:
    """Numbers of yes that some erased shifts can have had, from a release before and one after, and the rule on it."""
    frame = frame_of([*KEPT, *gone], "queued")
    kept = frame[frame["shift"].isin(f"s{one}" for one in range(len(KEPT)))]
    releases = [published(part, FULL) for part in (frame, kept)]
    before, after = (_possible(_side(one)) for one in releases)
    keys = ["wave", "side", "measure"]
    both = releases[1].exact["side",].merge(releases[0].exact["side",], on=keys, suffixes=("", "_before"))
    refused = bool(telling(both)[both["measure"] == "queued"].all())
    now, then = (part.groupby(["wave", "shift"]).size().rename("interviews").reset_index() for part in (kept, frame))
    few = from_few_shifts(*(part.rename(columns={"shift": "psu"}) for part in (now, then)))
    return {first - second for first in before for second in after}, refused or bool(few)


def test_erased_shift_of_one_mind_that_publishing_anew_would_tell_of_is_refused() -> None:
    """Ten people are many, and still: 62 of 130 said yes, 62 of the 120 that are left do, so all ten said no."""
    assert told_and_refused([yes(0, 10, post="a")]) == ({0}, True)


def test_two_erased_shifts_of_one_mind_each_that_whoever_remembers_one_would_learn_of_are_refused() -> None:
    """Five of ten said yes, all of the shift that is remembered: so nobody of the other."""
    assert told_and_refused([yes(5, 5, post="a"), yes(0, 5, post="a")]) == ({5}, True)


def test_erased_people_of_many_shifts_and_minds_may_leave_a_public_wave() -> None:
    gone = [yes(many, 5, post=post) for post in "ab" for many in (2, 3, 2)]
    assert told_and_refused(gone) == ({14}, False)


def _possible(row: "pd.Series[Any]") -> set[int]:
    """Numbers of yes that a figure to a tenth of a point leaves possible; the roster tells n."""
    n = int(row["n"])
    return {many for many in range(n + 1) if abs(100 * many / n - row["estimate"]) <= 0.05 + 1e-9}
