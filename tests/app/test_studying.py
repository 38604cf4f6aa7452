"""What is studied when a release is made: every figure is the engine's, coarse, and of what the release shows alone."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from app.workflow import demo, reducing, releases
from app.workflow.describing import framework as framework_of
from app.workflow.document import Document, Tables
from app.workflow.results import Release
from app.workflow.revising import without
from app.workflow.studying import Matter, studied_with
from app.workflow.studying.asked import NOTED, asked
from app.workflow.studying.matter import judged
from app.workflow.studying.moved import PARTS, compositions, differences
from app.workflow.studying.spread import quantiles, ranges
from scoring import Framework, SurveyDesign, Totals, change, estimate, reduce, score
from scoring.composition import split
from scoring.differences import differences as engine
from surveys.questionnaire import Choice, DesignColumns, Question, Questionnaire, Scale
from surveys.store import Store
from tests.filled import NOON

LEFT, LAST = "left_bank", "2026"
BESIDE = ("keys", "mix", "traffic", "composition", "differences", "quantiles", "ranges")
HEADLINE = ["accountability", "integrity"]


@pytest.fixture(scope="module")
def document(demo_release: Release) -> Document:
    return demo_release.document


@pytest.fixture(scope="module")
def totals(demo_store: Store) -> Totals:
    """Of all waves of the demo."""
    return reducing.totals_of(demo_store, demo.SURVEY, demo.WAVES, at=NOON)[0]


@pytest.fixture(scope="module")
def answers(demo_store: Store) -> pd.DataFrame:
    """Respondents of the last wave of the demo, as they are stored."""
    columns = [*framework_of("traveller").questions, "side", "post", "user_group", "direction", "sex", "language"]
    read = [*columns, *NOTED, "traffic_count"]
    return demo_store.responses(demo.SURVEY, waves=[LAST], columns=read)


def of(document: Document, name: str, **where: str) -> pd.DataFrame:
    table = document.studies[name]
    return table[np.logical_and.reduce([table[key] == value for key, value in where.items()])].reset_index(drop=True)


def published(tables: Tables, *facets: str, **where: str) -> pd.DataFrame:
    table = tables[facets]
    return table[np.logical_and.reduce([table[key] == value for key, value in where.items()])]


# On the demo: every figure is what the engine finds of the same answers


def test_a_change_is_split_against_every_earlier_wave(document: Document) -> None:
    pairs = set(document.studies["composition"][["since", "wave"]].itertuples(index=False, name=None))
    assert pairs == {("2022", "2024"), ("2022", "2026"), ("2024", "2026")}


@pytest.mark.parametrize("since", ["2022", "2024"])
def test_within_and_mix_add_up_to_the_change_that_is_shown(document: Document, since: str) -> None:
    for measure in HEADLINE:
        rows = of(document, "composition", since=since, wave=LAST, side=LEFT, measure=measure).set_index("part")
        moved = published(document.moves, "side", since=since, wave=LAST, side=LEFT, measure=measure)
        assert rows.loc["within", "estimate"] + rows.loc["mix", "estimate"] == pytest.approx(moved["estimate"].item())


def test_parts_of_a_change_are_those_of_the_engine(document: Document, totals: Totals) -> None:
    framework = framework_of("traveller")
    table = split(
        totals, framework, measure=HEADLINE, waves=("2024", LAST), by=("side", "user_group"), group="user_group"
    ).table
    for side in ("left_bank", "right_bank"):
        for measure in HEADLINE:
            rows = of(document, "composition", since="2024", wave=LAST, side=side, measure=measure).set_index("part")
            own = table[(table["side"] == side) & (table["measure"] == measure)].set_index("part").loc[list(PARTS)]
            assert rows.loc["mix", "estimate"] == pytest.approx(own.loc["mix", "estimate"], abs=0.0501)
            assert rows["estimate"].to_numpy() == pytest.approx(own["estimate"].to_numpy(), abs=0.2)
            assert (rows["se"].to_numpy() >= own["se"].to_numpy() - 1e-12).all()
            assert rows["se"].to_numpy() == pytest.approx(own["se"].to_numpy(), rel=0.1)
            assert rows["df"].to_numpy() == pytest.approx(np.floor(own["df"].to_numpy()))


def test_differences_of_the_sexes_are_those_of_the_shown_figures_with_the_covariance_of_the_engine(
    document: Document, totals: Totals
) -> None:
    table = engine(
        totals, framework_of("traveller"), measure=HEADLINE, by=("side", "sex"), between="sex", adjust="none"
    )
    for row in of(document, "differences", between="sex").to_dict("records"):
        keys = ["wave", "side", "measure", "first", "second"]
        (own,) = table[np.logical_and.reduce([table[key].astype(str) == row[key] for key in keys])].to_dict("records")
        where = {key: row[key] for key in ("wave", "side", "measure")}
        ends = [
            published(document.scores, "side", "sex", sex=row[end], **where)["estimate"].item()
            for end in ("first", "second")
        ]
        assert row["estimate"] == pytest.approx(ends[1] - ends[0])
        assert row["estimate"] == pytest.approx(own["estimate"], abs=0.11)
        assert own["se"] <= row["se"] <= own["se"] * 1.1 + 1e-3
        assert row["p"] == pytest.approx(own["p"], abs=0.12)
    assert len(of(document, "differences", between="sex")) == len(demo.WAVES) * 2 * len(HEADLINE)


def test_strata_are_not_among_the_differences_for_their_figures_tell_them(document: Document) -> None:
    found = set(document.studies["differences"]["between"])
    assert {"sex", "measure"} <= found
    assert not found & {"post", "user_group", "direction"}


def test_agencies_are_compared_two_by_two_within_one_experience(document: Document) -> None:
    rows = of(document, "differences", between="measure", wave=LAST, side=LEFT)
    for first, second in rows[["first", "second"]].itertuples(index=False, name=None):
        assert first.partition("_")[0] == second.partition("_")[0]
        ends = [
            published(document.scores, "side", wave=LAST, side=LEFT, measure=code)["estimate"].item()
            for code in (first, second)
        ]
        own = rows[(rows["first"] == first) & (rows["second"] == second)]
        assert own["estimate"].item() == pytest.approx(ends[1] - ends[0])
    shown = document.scores[("side",)]
    shown = shown[(shown["wave"] == LAST) & (shown["side"] == LEFT) & shown["estimate"].notna()]
    known = [code.split("_") for code in shown["measure"] if code.startswith(("asked_", "paid_"))]
    each = [sum(what == one for what, _ in known) for one in ("asked", "paid")]
    assert len(rows) == sum(n * (n - 1) / 2 for n in each) > 0
    assert (rows["measure"] == "").all()


def test_hours_of_the_middle_and_of_the_unlucky_are_quantiles_by_the_design(
    document: Document, answers: pd.DataFrame
) -> None:
    own = answers[answers["side"] == LEFT]
    done = own.groupby(["post", "user_group", "direction", "psu"], observed=True)["psu"].transform("size")
    drawn = SurveyDesign(weight="w", strata=("post", "user_group", "direction"), psu="psu")
    table = estimate(
        own.assign(w=own["traffic_count"] / done), drawn, quantile=["wait_hours:0.5", "wait_hours:0.9"],
        df="satterthwaite",
    )  # fmt: skip
    rows = of(document, "quantiles", wave=LAST, side=LEFT)
    assert rows["q"].tolist() == [0.5, 0.9]
    for name in ("estimate", "low", "high"):
        assert rows[name].to_numpy() == pytest.approx(table[name].to_numpy(), abs=0.0501)
    assert rows["se"].to_numpy() == pytest.approx(table["se"].to_numpy(), rel=0.1)


def test_a_published_share_lies_between_its_floor_and_its_ceiling(document: Document) -> None:
    for row in document.studies["ranges"].to_dict("records"):
        shown = published(document.scores, "side", wave=row["wave"], side=row["side"], measure="bribery")
        assert row["low"] < row["floor"] < shown["estimate"].item() < row["ceiling"] < row["high"]
        assert row["ceiling"] - row["floor"] == pytest.approx(row["unanswered"], abs=0.51)
    assert len(document.studies["ranges"]) == len(demo.WAVES) * 2


def test_mix_and_traffic_are_counted_from_the_shifts(document: Document, answers: pd.DataFrame) -> None:
    own = answers[answers["side"] == LEFT]
    shifts = own.drop_duplicates(["post", "user_group", "direction", "psu"])
    for post, counted in shifts.groupby("post", observed=True)["traffic_count"]:
        told = of(document, "traffic", wave=LAST, side=LEFT, post=str(post))["crossings"].item()
        assert told == pytest.approx(counted.mean(), rel=0.05)
        assert told == float(f"{told:.2g}")
    crossings = shifts.groupby("user_group", observed=True)["traffic_count"].sum()
    mix = of(document, "mix", wave=LAST, side=LEFT).set_index("value")["share"]
    assert mix.to_dict() == pytest.approx((crossings / crossings.sum()).to_dict(), abs=0.0051)


def test_keys_are_shares_of_interviews(document: Document, answers: pd.DataFrame) -> None:
    own = answers[answers["side"] == LEFT]
    keys = of(document, "keys", wave=LAST, side=LEFT)
    spoken = keys[keys["aspect"] == "languages"].set_index("name")["share"]
    assert spoken.sum() == pytest.approx(1, abs=0.01)
    assert spoken.to_dict() == pytest.approx(own["language"].value_counts(normalize=True).to_dict(), abs=0.04)
    for question, aspect in NOTED.items():
        share = keys.loc[keys["aspect"] == aspect, "share"].item()
        assert share == pytest.approx((own[question] == 1).mean(), abs=0.026)
    versions = keys.set_index("aspect")["name"]
    assert versions["instrument"] == document.note["instrument"]
    assert versions["framework"] == document.note["framework"]


def test_what_is_studied_is_coarse(document: Document) -> None:
    steps = {
        "composition": {"estimate": 0.1, "low": 0.1, "high": 0.1, "p": 0.001, "df": 1},
        "differences": {"estimate": 0.1, "low": 0.1, "high": 0.1, "p": 0.001, "df": 1},
        "quantiles": {"estimate": 0.1, "low": 0.1, "high": 0.1, "n": 5, "df": 1},
        "ranges": {"floor": 0.5, "ceiling": 0.5, "low": 0.5, "high": 0.5, "unanswered": 0.5, "n": 5},
        "mix": {"share": 0.01},
    }
    for name, columns in steps.items():
        for column, step in columns.items():
            values = document.studies[name][column].dropna().to_numpy() / step
            assert values == pytest.approx(np.round(values), abs=1e-6)
    for name in ("composition", "differences", "quantiles"):
        errors = document.studies[name]["se"].dropna()
        assert errors.tolist() == [float(f"{error:.2g}") for error in errors]
    for name in ("composition", "differences"):
        assert document.studies[name]["p"].min() >= 0.001


# A withdrawal


def empty_mask(document: Document) -> pd.DataFrame:
    facets = dict.fromkeys(name for table in document.scores for name in table)
    return pd.DataFrame({name: pd.Series(dtype="str") for name in ["table", "wave", *facets, "measure", "why"]})


@pytest.fixture(scope="module")
def left(document: Document) -> Document:
    """What is left when a post is withdrawn in one wave."""
    return without(document, empty_mask(document), [{"post": "heron_ferry", "wave": "2024"}])


@pytest.mark.parametrize("name", BESIDE)
def test_a_withdrawn_part_takes_all_that_is_told_of_its_wave_and_leaves_the_others(
    document: Document, left: Document, name: str
) -> None:
    before, after = document.studies[name], left.studies[name]
    ends = [end for end in ("wave", "since") if end in before.columns]
    assert not (after[ends] == "2024").any(axis=None)
    pd.testing.assert_frame_equal(after, before[(before[ends] != "2024").all(axis=1)])
    assert not after.empty


def test_a_part_that_is_withdrawn_in_every_wave_takes_every_study(document: Document) -> None:
    every = without(document, empty_mask(document), [{"post": "heron_ferry"}])
    assert all(every.studies[name].empty for name in BESIDE)


@pytest.mark.parametrize(
    ("facets", "figure", "name"),
    [
        ("side", {"measure": "bribery"}, "ranges"),
        ("side", {"measure": "wait_hours"}, "quantiles"),
        ("side", {"measure": "asked_customs"}, "differences"),
        ("side sex", {"measure": "integrity", "sex": "female"}, "differences"),
        ("side user_group", {"measure": "integrity", "user_group": "trader"}, "composition"),
    ],
)
def test_of_a_figure_that_is_hidden_beside_a_withdrawn_part_nothing_is_told(
    document: Document, facets: str, figure: dict[str, str], name: str
) -> None:
    """The withdrawn part is of another wave, so that nothing but the hidden figure takes the rows."""
    codes = [one.code for one in document.measures]
    mask = pd.DataFrame(dict.fromkeys(empty_mask(document), "") | {"measure": codes})
    hidden = {"table": facets, "wave": LAST, "side": LEFT, "why": "complementary"} | figure
    mask = pd.concat([mask, pd.DataFrame([hidden])], ignore_index=True).fillna("")
    after = without(document, mask, [{"post": "heron_ferry", "wave": "2022"}]).studies[name]
    before = document.studies[name]
    before = before[(before[[end for end in ("wave", "since") if end in before]] != "2022").all(axis=1)]
    gone = before.drop(index=after.index)
    measure = figure["measure"]
    of_figure = (before[[one for one in ("measure", "first", "second") if one in before]] == measure).any(axis=1)
    of_place = (before["wave"] == LAST) & (before["side"] == LEFT)
    if "sex" in figure:
        of_figure &= before["between"] == "sex"
    assert len(gone) > 0
    pd.testing.assert_frame_equal(gone, before[of_figure & of_place])


def test_what_is_withdrawn_is_not_studied_again() -> None:
    mask = pd.DataFrame({"wave": ["2022", "2022", "2024", "2026"], "why": ["", "withdrawn", "primary", ""]})
    assert studied_with(mask, ["2026"]) == (("2024",), ("2024",))
    assert studied_with(mask, ["2028"]) == (("2026",), ("2024", "2026"))
    assert studied_with(mask[mask["wave"] != "2024"], ["2026"]) == ((), ())


# By hand: two waves of 320 people at two posts, who come in other numbers the second time

FRAMEWORK = """
id = "hand"
version = "3"
title = "Hand"
[[index]]
code = "whole"
title = "Whole"
headline = true
aggregation = "arithmetic"
kind = "formative"
description = "All"
[[dimension]]
code = "part"
index = "whole"
title = "Part"
weight = 1
kind = "formative"
arusha = [5]
description = "A part"
[[item]]
code = "polite"
dimension = "part"
title = "Polite"
weight = 1
direction = "better"
range = [1, 5]
[[indicator]]
code = "met"
headline = true
any_of = ["asked_customs", "asked_guards"]
title = "Asked"
statistic = "share"
range = [0, 1]
unit = "%"
direction = "worse"
sensitive = true
description = "Asked by either"
[[indicator]]
code = "wait_hours"
item = "wait_hours"
title = "Hours"
statistic = "mean"
range = [0, 72]
unit = "hours"
direction = "worse"
sensitive = false
description = "Hours"
"""
HAND = Framework.from_toml(FRAMEWORK)
DRAWN = SurveyDesign(weight="weight", strata=("post", "user_group"), psu="psu", wave="wave")
TABLES = [("side",), ("side", "user_group"), ("side", "sex")]
YES, NO, REFUSED, NOT_ASKED = 1, 0, -3, -1
#: Answers about customs and guards in a shift, two people each: yes; no to all; silent about one; silent; not asked.
SHIFTS = (
    [(YES, NO)] * 2 + [(YES, REFUSED)] + [(NO, NO)] * 4 + [(NO, REFUSED), (REFUSED, REFUSED), (NOT_ASKED, NOT_ASKED)],
    [(NO, YES)] + [(NO, NO)] * 5 + [(NO, NOT_ASKED), (REFUSED, NO), (REFUSED, NOT_ASKED), (NOT_ASKED, NOT_ASKED)],
)


def people() -> pd.DataFrame:
    """Traders find nobody polite, travellers everybody; in the second wave three travellers come for a trader."""
    rows = [
        {
            "wave": wave, "side": "left", "post": post, "user_group": group, "psu": f"{wave}{post}{group}{shift}",
            "sex": ("male", "female")[person % 2],
            "person": person, "language": (["tajik"] * 6 + ["dari"] * 3 + ["other"])[person // 2],
            "polite": 1 if group == "trader" else 5, "wait_hours": person // 2 + 1.0,
            "asked_customs": SHIFTS[shift % 2][person // 2][0], "asked_guards": SHIFTS[shift % 2][person // 2][1],
            "uniform_near": int(person < 2), "traffic_count": 10.0 * (shift + 1) + 100 * (post == "second"),
            "weight": 1.0 if wave == "1" else (0.9, 1.1, 0.8, 1.2)[shift] * (3 if group == "traveller" else 1),
        }
        for wave in ("1", "2") for post in ("first", "second") for group in ("trader", "traveller")
        for shift in range(4) for person in range(20)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def form() -> Questionnaire:
    agencies = Scale("agency", tuple(Choice(code, {}) for code in ("customs", "guards", "none")))
    questions = (Question("contact", "select_multiple", scale=agencies), Question("wait_hours", "decimal"))
    columns = DesignColumns(strata=("post", "user_group"), psu="psu", traffic="traffic_count")
    return Questionnaire("hand", "7", "Hand", ("en",), questions, columns)


def matter(frame: pd.DataFrame | None = None, *, waves: tuple[str, ...] = ("2",)) -> Matter:
    """What there is to study of these people, all their figures shown."""
    given = people() if frame is None else frame
    own = given[given["wave"].isin(waves)]
    totals, beside = (reduce(each, HAND, DRAWN, facets=TABLES) for each in (own, given))
    scores = {facets: score(beside, HAND, by=facets).table for facets in TABLES}
    both = {"1", "2"} == set(given["wave"])
    moves = {("side",): change(beside, HAND, measure=["whole"], waves=("1", "2"), by=("side",)).table} if both else {}
    return Matter(given, totals, beside, HAND, DRAWN, form(), scores, moves, waves)


@cache
def hand() -> Matter:
    return matter()


def hidden(made: Matter, *facets: str, **where: str) -> Matter:
    table = made.scores[facets].copy()
    table.loc[np.logical_and.reduce([table[key] == value for key, value in where.items()]), "estimate"] = np.nan
    return replace(made, scores={**made.scores, facets: table})


def test_a_change_of_who_came_is_told_as_such() -> None:
    rows = compositions(hand())["composition"].set_index("part")
    assert rows["estimate"].to_dict() == pytest.approx({"within": 0, "mix": 25, "fixed_mix": 0})  # 50, then 75 points
    assert rows.loc["mix", "p"] == 0.001
    assert rows.loc["mix", "low"] > 20
    assert rows.loc["within", ["low", "high", "p"]].isna().all()  # nobody changed their mind: no chance to be judged
    assert (rows["group"] == "user_group").all()


def test_parts_of_a_change_do_not_tell_what_was_erased_since() -> None:
    frame, made = people(), hand()
    erased = frame[~((frame["wave"] == "1") & (frame["user_group"] == "trader") & (frame["person"] < 4))]
    rows = compositions(replace(made, beside=reduce(erased, HAND, DRAWN, facets=TABLES)))["composition"]
    own = rows.set_index("part")["estimate"]
    assert own["mix"] == pytest.approx(19.4)  # 20 of 36 are travellers among whoever is left, where 20 of 40 were
    assert own["within"] + own["mix"] == pytest.approx(25)


@pytest.mark.parametrize("facets", [("side",), ("side", "user_group")])
def test_a_change_of_a_hidden_figure_is_not_split(facets: tuple[str, ...]) -> None:
    made = hand()
    assert compositions(hidden(made, "side", "user_group", wave="1", user_group="trader", measure="whole")) == {}
    few = made.moves[("side",)].assign(n=99)
    assert compositions(replace(made, moves={("side",): few})) == {}
    assert compositions(replace(made, scores={facets: made.scores[facets]})).keys() <= {"composition"}


def test_a_wave_without_one_before_has_no_change_to_split() -> None:
    frame = people()
    assert compositions(matter(frame[frame["wave"] == "2"])) == {}


def test_a_hidden_sex_is_not_compared() -> None:
    made = hand()
    assert len(differences(made)["differences"]) == 1
    assert differences(hidden(made, "side", "sex", wave="2", sex="female", measure="whole")) == {}
    other = differences(hidden(made, "side", "sex", wave="1", sex="female", measure="whole"))
    assert len(other["differences"]) == 1


def test_a_range_counts_who_is_silent_as_no_and_as_yes() -> None:
    row = ranges(matter(waves=("1",)))["ranges"].iloc[0]
    # of 18 answers in two shifts: 4 say yes once, 4 of the others are silent about somebody
    assert (row["floor"], row["ceiling"], row["unanswered"]) == (22.0, 44.0, 22.0)
    assert row["n"] == 290  # of 288
    assert row["low"] < row["floor"] < row["ceiling"] < row["high"]
    assert row["measure"] == "met"


def test_a_range_of_a_hidden_or_rare_share_is_not_told() -> None:
    made = hand()
    assert ranges(hidden(made, "side", wave="2", measure="met")) == {}
    frame = people()
    asked_once = frame.assign(asked_customs=(frame["psu"] == "2firsttrader0") & (frame["person"] < 4), asked_guards=0)
    assert ranges(replace(made, frame=asked_once.astype({"asked_customs": int}))) == {}


def test_quantiles_are_answers_of_the_middle_and_of_the_ninth_of_ten() -> None:
    rows = quantiles(hand())["quantiles"]
    assert rows["estimate"].tolist() == [5.0, 9.0]
    assert quantiles(hidden(hand(), "side", wave="2", measure="wait_hours")) == {}
    silent = people().assign(wait_hours=lambda each: each["wait_hours"].where(each["person"] < 6))
    assert quantiles(replace(hand(), frame=silent)) == {}  # 96 answers


def test_a_wave_is_asked_in_languages_and_versions_and_met_by_traffic() -> None:
    found = asked(hand())
    keys = found["keys"].set_index(["aspect", "name"])["share"]
    told = {("languages", "tajik"): 0.6, ("languages", "dari"): 0.3, ("languages", "other"): 0.1}
    assert keys.dropna().to_dict() == pytest.approx(told | {("officer_in_sight", ""): 0.1})
    assert {("instrument", "hand 7"), ("framework", "hand 3")} <= set(keys.index)
    assert found["mix"].set_index("value")["share"].to_dict() == {"trader": 0.25, "traveller": 0.75}
    assert found["traffic"].set_index("post")["crossings"].to_dict() == {"": 75.0, "first": 25.0, "second": 120.0}


def test_posts_of_two_shifts_and_groups_of_few_are_not_told_of() -> None:
    frame = people()
    short = frame[(frame["post"] == "first") | (frame["psu"].isin(["2secondtrader0", "2secondtrader1"]))]
    found = asked(matter(short[short["wave"] == "2"]))
    assert found["traffic"]["post"].tolist() == ["", "first"]
    lone = frame[(frame["user_group"] == "traveller") | (frame["psu"].str.endswith("trader0") & (frame["person"] < 9))]
    assert "mix" not in asked(replace(hand(), frame=lone))


def test_of_few_people_nothing_is_told() -> None:
    frame = people()
    few = matter(frame[(frame["wave"] == "2") & (frame["person"] < 6)].groupby("user_group").head(48))
    for part in (asked, compositions, differences, quantiles, ranges):
        assert part(few) == {}


def test_a_form_that_does_not_ask_has_no_study_of_it() -> None:
    frame = people().drop(columns=["language", "uniform_near", "traffic_count"])
    bare = Questionnaire("hand", "7", "Hand", ("en",), (), DesignColumns())
    found = asked(replace(hand(), frame=frame.drop(columns="user_group"), questionnaire=bare))
    assert found.keys() == {"keys"}
    assert set(found["keys"]["aspect"]) == {"instrument", "framework"}
    assert quantiles(replace(hand(), frame=frame.drop(columns="wait_hours"))) == {}
    assert ranges(replace(hand(), frame=frame.drop(columns="asked_guards"))) == {}
    by_sex = reduce(people(), HAND, DRAWN, facets=[("side",)])
    assert compositions(replace(hand(), beside=by_sex)) == {}
    assert differences(replace(hand(), totals=by_sex)) == {}


def test_an_engine_that_refuses_stops_no_release() -> None:
    """One shift of a stratum is left, and a design that fails there: nothing can be said of chance."""
    frame, made = people(), hand()
    lone = frame[~frame["psu"].isin([f"2firsttrader{shift}" for shift in (1, 2, 3)])]
    totals = reduce(lone, HAND, DRAWN, facets=TABLES)
    left = replace(made, frame=lone, totals=totals, beside=totals)
    assert len(asked(left)["keys"]) > 0
    for part in (compositions, differences, quantiles, ranges):
        assert part(left) == {}


def test_a_difference_is_judged_as_it_is_shown_and_half_a_step_nearer_to_nothing() -> None:
    figures = np.array([2.04, 0.06, 1.0, 3.0]), np.array([0.501, 0.02, 0.0, 1.0]), np.array([20.9, 20, 20, 0.4])
    rows = judged(*figures, shifts=np.full(4, 40))
    assert rows["estimate"].tolist() == [2.0, 0.1, 1.0, 3.0]
    assert rows["se"].tolist()[:2] == [0.51, 0.02]
    assert rows["df"].tolist()[:2] == [20.0, 20.0]
    assert rows.loc[0, ["low", "high"]].tolist() == [0.9, 3.1]  # 2 -+ (2.086 x 0.51 + 0.05)
    assert rows.loc[0, "p"] == 0.001  # of t = 1.95 / 0.51
    assert rows.loc[1, "p"] == pytest.approx(2 * stats.t.sf(2.5, 20), abs=0.0005)  # of 0.05 / 0.02
    assert rows.loc[2:, ["se", "df", "low", "high", "p"]].isna().all(axis=None)


def test_rounding_makes_no_finding_of_chance() -> None:
    rng = np.random.default_rng(1406)
    for se in (0.01, 0.02, 0.03, 0.04, 0.05, 0.08, 0.3):
        figures = rng.normal(0, se, 4_000), np.full(4_000, se), np.full(4_000, 1e6)
        rows = judged(*figures, shifts=np.full(4_000, 40))
        called = rows["p"] < 0.05
        assert called.mean() < 0.06
        assert (called <= ((rows["low"] >= 0) | (rows["high"] <= 0))).all()  # to a step, which may be 0 itself


def test_what_was_studied_of_a_wave_stands_in_every_later_release(demo_store: Store, document: Document) -> None:
    for number, wave in enumerate(demo.WAVES, start=1):
        first = releases.read(demo_store, demo.SURVEY, number).document
        for name in BESIDE:
            if name in first.studies:
                table, before = document.studies[name], first.studies[name]
                later = table[table["wave"] <= wave].reset_index(drop=True)
                pd.testing.assert_frame_equal(later, before, check_dtype=False)
