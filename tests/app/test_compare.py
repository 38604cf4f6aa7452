"""Changes, differences, trends and splits of a release: equal to its figures, judged in the family that is stated."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
import typer
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app import charts
from app.charts import BLUE, INK, VERMILION
from app.cli import comparing as commands
from app.settings import ROOT
from app.workflow import comparing, composing, differing, releases, results
from app.workflow.document import Document, Release, unpack
from scoring import RequestError
from scoring.verdicts import change_of_figures

LEFT, SIDE, POSTS = "left_bank", ("side",), ("side", "post")
ENDS = ("2022", "2026")
FIGURES = ["estimate", "se", "df", "low", "high"]


def cells(
    release: Release, by: tuple[str, ...], *, wave: str = "2026", measure: str = "accountability"
) -> pd.DataFrame:
    table = release.document.scores[by]
    table = table[(table["side"] == LEFT) & (table["wave"] == wave) & (table["measure"] == measure)]
    return table.set_index(by[-1])


def with_study(release: Release, **studies: pd.DataFrame) -> Release:
    return replace(release, document=replace(release.document, studies={**release.document.studies, **studies}))


# Changes


def test_changes_of_a_side_are_those_of_the_release_judged_among_themselves(demo_release: Release) -> None:
    found = comparing.changes(demo_release, side=LEFT, measures=["accountability"], waves=ENDS, by=POSTS)
    whole = results.moved(demo_release, measures=["accountability"], waves=ENDS, by=POSTS).moves
    own = whole[whole["side"] == LEFT].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.table[FIGURES], own[FIGURES])
    raw = results.tested(demo_release, ["accountability"], ENDS, POSTS)
    raw = raw[raw["side"] == LEFT].sort_values("p")["p"].to_numpy()
    smallest = np.maximum.accumulate(raw * np.arange(len(raw), 0, -1)).clip(0.001, 1)
    assert np.sort(found.table["p_adjusted"]) == pytest.approx(smallest.round(3))
    assert found.family == len(own) == 6


def test_the_planted_movers_are_told_apart_by_every_rule(demo_release: Release) -> None:
    for adjust in ("holm", "benjamini-hochberg", "max-t"):
        found = comparing.changes(
            demo_release, side=LEFT, measures=["accountability"], waves=ENDS, by=POSTS, adjust=adjust
        )
        verdicts = found.table.set_index("post")["verdict"]
        assert (verdicts["heron_ferry"], verdicts["poplar_bridge"]) == ("better", "worse")
        assert set(verdicts.drop(["heron_ferry", "poplar_bridge"])) == {"not_clear"}


def test_max_t_gives_the_same_answer_twice_and_intervals_that_are_wider(demo_release: Release) -> None:
    asked = {"side": LEFT, "measures": ["integrity"], "waves": ENDS, "by": POSTS, "adjust": "max-t"}
    first, second = (comparing.changes(demo_release, **asked).table for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert (first["low_together"] < first["low"]).all()
    assert (first["high_together"] > first["high"]).all()


def test_a_margin_is_tested_by_two_one_sided_tests(demo_release: Release) -> None:
    found = comparing.changes(demo_release, side=LEFT, measures=["accountability"], waves=ENDS, by=SIDE, margin=4.0)
    (row,) = found.table.to_dict("records")
    assert row["equivalent"]
    assert row["verdict"] == "steady"
    assert abs(row["estimate"]) < row["claimable"] <= 4.0
    tight = comparing.changes(demo_release, side=LEFT, measures=["accountability"], waves=ENDS, by=SIDE, margin=0.1)
    assert tight.table["verdict"].tolist() == ["not_clear"]


# Differences


def test_differences_of_posts_are_those_of_independent_published_figures(demo_release: Release) -> None:
    found = comparing.differences(demo_release, side=LEFT, wave="2026", by=POSTS, measures=["accountability"])
    shown = cells(demo_release, POSTS)
    assert found.family == len(found.table) == 15
    for row in found.table.to_dict("records"):
        first, second = (shown.loc[[row[end]], ["estimate", "se", "df"]].to_numpy() for end in ("first", "second"))
        (own,) = change_of_figures(first, second).to_dict("records")
        assert [row[name] for name in ("estimate", "low", "high")] == pytest.approx(
            [own[name] for name in ("estimate", "low", "high")], abs=0.0501
        )
        assert row["se"] >= own["se"] - 1e-9
        assert row["se"] == pytest.approx(own["se"], rel=0.1)
    order = list(next(cut.values for cut in demo_release.document.cuts if cut.facets == POSTS))
    present = [post for post in order if post in shown.index]
    assert list(zip(found.table["first"], found.table["second"], strict=True)) == list(combinations(present, 2))


def test_a_pair_asked_the_other_way_round_is_the_same_difference_turned(demo_release: Release) -> None:
    asked = {"side": LEFT, "wave": "2026", "by": POSTS, "measures": ["accountability"]}
    pair = ("heron_ferry", "poplar_bridge")
    (one,), (other,) = (
        comparing.differences(demo_release, pairs=[names], **asked).table.to_dict("records")
        for names in (pair, pair[::-1])
    )
    assert (one["estimate"], one["low"], one["high"]) == (-other["estimate"], -other["high"], -other["low"])
    assert {one["verdict"], other["verdict"]} == {"better", "worse"}
    assert one["p"] == one["p_adjusted"]


def test_a_figure_that_is_hidden_leaves_a_row_without_a_figure_and_outside_the_family(demo_release: Release) -> None:
    found = comparing.differences(demo_release, side=LEFT, wave="2026", by=POSTS, measures=["asked_quarantine"])
    hidden = cells(demo_release, POSTS, measure="asked_quarantine")["estimate"].isna()
    assert hidden.any()
    dark = found.table["first"].map(hidden) | found.table["second"].map(hidden)
    assert found.table.loc[dark, [*FIGURES, "p"]].isna().all(axis=None)
    assert set(found.table.loc[dark, "reason"]) == {"hidden_score"}
    assert set(found.table.loc[dark, "verdict"]) == {"not_judged"}
    assert found.family == found.table["p"].notna().sum() <= (~dark).sum()


def test_groups_inside_a_post_are_compared_within_it(demo_release: Release) -> None:
    by = (*POSTS, "user_group")
    found = comparing.differences(demo_release, side=LEFT, wave="2026", by=by, measures=["accountability"])
    assert found.table["post"].nunique() == len(found.table) == 6
    assert set(found.table["between"]) == {"user_group"}


def test_women_and_men_are_compared_by_what_the_release_holds_with_its_covariance(demo_release: Release) -> None:
    by = ("side", "sex")
    found = comparing.differences(demo_release, side=LEFT, wave="2026", by=by, measures=["accountability", "integrity"])
    kept = demo_release.document.studies["differences"]
    kept = kept[(kept["side"] == LEFT) & (kept["wave"] == "2026") & (kept["between"] == "sex")].reset_index(drop=True)
    assert found.table["estimate"].tolist() == kept["estimate"].tolist()
    assert found.table["se"].tolist() == kept["se"].tolist()
    turned = comparing.differences(
        demo_release, side=LEFT, wave="2026", by=by, measures=["integrity"], pairs=[("male", "female")]
    )
    assert turned.table["estimate"].tolist() == (-kept.loc[kept["measure"] == "integrity", "estimate"]).tolist()


def test_groups_that_shared_shifts_have_no_difference_where_the_release_holds_none(demo_release: Release) -> None:
    by = ("side", "sex")
    found = comparing.differences(demo_release, side=LEFT, wave="2026", by=by, measures=["service"])
    (row,) = found.table.to_dict("records")
    assert (row["reason"], row["verdict"], found.family) == ("asked_together", "not_judged", 0)
    assert np.isnan(row["estimate"])


def test_agencies_are_compared_on_one_experience_and_the_lower_share_asked_is_better(demo_release: Release) -> None:
    found = comparing.differences(demo_release, side=LEFT, wave="2026", by=("side", "measure"))
    assert len(found.table) == len(differing.agencies(demo_release, side=LEFT, wave="2026")) > 4
    shares = cells(demo_release, SIDE, measure="asked_customs"), cells(demo_release, SIDE, measure="asked_guards")
    row = found.table[(found.table["first"] == "asked_customs") & (found.table["second"] == "asked_guards")].iloc[0]
    assert row["estimate"] == pytest.approx(shares[1]["estimate"].iloc[0] - shares[0]["estimate"].iloc[0], abs=1e-9)
    clear = found.table[found.table["clear"]]
    assert len(clear)
    assert ((clear["estimate"] < 0) == (clear["verdict"] == "better")).all()
    some = comparing.differences(
        demo_release, side=LEFT, wave="2026", by=("side", "measure"), measures=["asked_customs", "asked_guards"]
    )
    assert some.family == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"by": SIDE, "measures": ["integrity"]}, "Levels of two sides are not set side by side"),
        ({"by": POSTS, "measures": ["nosuch"]}, "'nosuch' is not scored by side post"),
        ({"by": POSTS, "measures": ["chain"]}, "'chain' is not scored by side post"),
        ({"by": POSTS, "measures": ["integrity"], "wave": "2030"}, "no wave '2030'; waves are 2022"),
        ({"by": POSTS, "measures": ["integrity"], "side": "north"}, "no side 'north'; sides are left_bank"),
        ({"by": POSTS, "measures": ["integrity"], "pairs": [("heron_ferry", "willow_bridge")]}, "name two of"),
        ({"by": POSTS, "measures": ["integrity"], "pairs": [("heron_ferry", "heron_ferry")]}, "name two of"),
        ({"by": POSTS, "measures": ["integrity"], "pairs": []}, "no two figures to compare"),
    ],
)
def test_what_may_not_be_compared_is_refused_in_a_sentence(
    demo_release: Release, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        comparing.differences(demo_release, **{"side": LEFT, "wave": "2026", **asked})


def test_levels_of_two_sides_stand_only_under_a_note_with_what_speaks_against_them(demo_release: Release) -> None:
    with pytest.raises(RequestError, match="Declare a comparability note"):
        comparing.between_sides(demo_release, wave="2026", measures=["integrity"], note=" ")
    note = "the same teams asked in the same week"
    found = comparing.between_sides(demo_release, wave="2026", measures=["integrity"], note=note)
    assert found.table["note"].tolist() == [note]
    assert found.notes[0] == note
    assert any("an officer was in sight: Left bank" in one for one in found.notes)
    bare = comparing.between_sides(with_study(demo_release, keys=pd.DataFrame()), wave="2026", measures=["integrity"],
                                   note=note)  # fmt: skip
    assert bare.notes[-1] == (
        "This release does not hold in how many interviews an officer was in sight, somebody could overhear or people "
        "refused."
    )


# Trends


def test_a_trend_is_the_least_squares_line_through_the_published_figures(demo_release: Release) -> None:
    found = comparing.trend(demo_release, side=LEFT, measures=["integrity"], by=POSTS)
    for row in found.table.to_dict("records"):
        shown = [
            cells(demo_release, POSTS, wave=wave, measure="integrity").loc[row["post"]]
            for wave in ("2022", "2024", "2026")
        ]
        slope = np.polyfit([2022, 2024, 2026], [one["estimate"] for one in shown], 1)[0]
        assert row["estimate"] == pytest.approx(slope, abs=0.00501)
        se = np.sqrt((shown[0]["se"] ** 2 + shown[2]["se"] ** 2) / 16)  # weights -1/4, 0, 1/4
        assert se - 1e-9 <= row["se"] <= 1.1 * se
    verdicts = found.table.set_index("post")["verdict"]
    assert (verdicts["heron_ferry"], verdicts["poplar_bridge"]) == ("better", "worse")


def test_declared_years_are_those_of_the_trend(demo_release: Release) -> None:
    declared = {
        "waves": "".join(
            f"[waves.{wave}]\nyear = {year}\n" for wave, year in (("2022", 2018), ("2024", 2022), ("2026", 2026))
        )
    }
    slow = replace(demo_release, document=replace(demo_release.document, declared=declared))
    plain = replace(demo_release, document=replace(demo_release.document, declared={}))
    halves = [
        comparing.trend(one, side=LEFT, measures=["integrity"]).table["estimate"].iloc[0] for one in (slow, plain)
    ]
    assert halves[0] == pytest.approx(halves[1] / 2, abs=0.0101)


def test_a_trend_needs_three_waves_and_figures_in_all_of_them(demo_release: Release, demo_store: Any) -> None:
    second = releases.read(demo_store, demo_release.document.survey_id, 2)
    with pytest.raises(RequestError, match="three waves, this release holds 2"):
        comparing.trend(second, side=LEFT, measures=["integrity"])
    table = demo_release.document.scores[POSTS].copy()
    gone = (table["wave"] == "2024") & (table["post"] == "heron_ferry")
    table.loc[gone, [*FIGURES, "n"]] = np.nan
    less = replace(
        demo_release, document=replace(demo_release.document, scores={**demo_release.document.scores, POSTS: table})
    )
    found = comparing.trend(less, side=LEFT, measures=["integrity"], by=POSTS).table.set_index("post")
    assert found.loc["heron_ferry", "reason"] == "hidden_score"
    assert np.isnan(found.loc["heron_ferry", "estimate"])
    assert found["p"].notna().sum() == len(found) - 1


# Who came


def study_of(*, mix: float, within: float, se: float = 0.4) -> pd.DataFrame:
    """A split of the change of both indices, in which the published change is kept."""
    rows = []
    for measure in ("accountability", "integrity"):
        for part, value in (("within", within), ("mix", mix), ("fixed_mix", within)):
            made = change_of_figures([[0, 0, np.inf]], [[value, se, 30.0]]).iloc[0]
            place = {
                "wave": "2026",
                "since": "2022",
                "side": LEFT,
                "measure": measure,
                "group": "user_group",
                "part": part,
            }
            rows.append({**place, **{name: made[name] for name in [*FIGURES, "p"]}})
    return pd.DataFrame(rows)


def with_change(release: Release, value: float, *, se: float = 0.5) -> Release:
    """The release with that change of both indices of the left bank."""
    table = release.document.moves[SIDE].copy()
    own = (table["side"] == LEFT) & (table["since"] == "2022") & (table["wave"] == "2026")
    own &= table["measure"].isin(["accountability", "integrity"])
    made = change_of_figures([[0, 0, np.inf]], [[value, se, 30.0]]).iloc[0]
    for name in [*FIGURES, "p"]:
        table.loc[own, name] = made[name]
    return replace(release, document=replace(release.document, moves={**release.document.moves, SIDE: table}))


def test_a_change_of_mix_with_constant_group_scores_is_composition_and_no_improvement(demo_release: Release) -> None:
    release = with_study(with_change(demo_release, 4.0), composition=study_of(mix=4.0, within=0.0))
    found = composing.composition(release, side=LEFT, waves=ENDS)
    assert [one.code for one in found.findings] == ["composition"] * 2
    verdicts = found.table.set_index(["measure", "part"])["verdict"]["accountability"]
    assert verdicts.to_dict() == {
        "change": "up", "within": "not_clear", "mix": "up", "fixed_mix": "not_clear",
        "level_at_fixed_mix": "not_judged",
    }  # fmt: skip
    assert not found.fixed_clear("accountability")
    whole = comparing.changes(release, side=LEFT, measures=["accountability"], waves=ENDS)
    assert whole.table["verdict"].tolist() == ["composition"]
    assert charts.hue("composition") == INK


def test_a_change_within_groups_is_better_or_worse(demo_release: Release) -> None:
    release = with_study(with_change(demo_release, 4.0), composition=study_of(mix=0.0, within=4.0))
    found = composing.composition(release, side=LEFT, waves=ENDS)
    assert [one.code for one in found.findings] == ["within_groups"] * 2
    own = found.table[found.table["measure"] == "integrity"].set_index("part")
    assert own.loc[["change", "within", "mix"], "verdict"].tolist() == ["better", "better", "not_clear"]
    before = cells(demo_release, SIDE, wave="2022", measure="integrity")["estimate"].iloc[0]
    assert own.loc["level_at_fixed_mix", "estimate"] == pytest.approx(before + 4.0)
    whole = comparing.changes(release, side=LEFT, measures=["integrity"], waves=ENDS)
    assert whole.table["verdict"].tolist() == ["better"]


def test_the_parts_that_are_shown_add_up_to_the_published_change(demo_release: Release) -> None:
    found = composing.composition(demo_release, side=LEFT, waves=ENDS)
    wide = found.table.pivot_table(index="measure", columns="part", values="estimate")
    assert len(wide) == 2
    assert wide["change"].to_numpy() == pytest.approx((wide["within"] + wide["mix"]).to_numpy())
    moves = results.tested(demo_release, list(wide.index), ENDS, SIDE)
    moves = moves[moves["side"] == LEFT].set_index("measure")["estimate"]
    assert wide["change"].to_dict() == moves.to_dict()


@pytest.mark.parametrize(
    ("traffic", "mix", "codes"),
    [
        ((95.0, 95.0), (0.4, 0.4), []),
        ((95.0, 130.0), (0.4, 0.4), ["traffic_shift"]),
        ((95.0, 60.0), (0.4, 0.65), ["traffic_shift", "mix_shift"]),
        ((None, None), (0.4, 0.65), ["mix_shift"]),
        ((95.0, 60.0), (None, None), ["traffic_shift"]),
        ((None, None), (None, None), []),
    ],
)
def test_a_shift_of_traffic_or_mix_of_more_than_a_fifth_stands_beside_the_score(
    demo_release: Release, traffic: Sequence[float | None], mix: Sequence[float | None], codes: list[str]
) -> None:
    counted = [(wave, LEFT, "", one) for wave, one in zip(ENDS, traffic, strict=True) if one is not None]
    shares = [
        (wave, LEFT, "user_group", group, share)
        for wave, one in zip(ENDS, mix, strict=True)
        if one is not None
        for group, share in (("trader", one), ("traveller", 1 - one))
    ]
    release = with_study(
        demo_release,
        traffic=pd.DataFrame(counted, columns=["wave", "side", "post", "crossings"]),
        mix=pd.DataFrame(shares, columns=["wave", "side", "group", "value", "share"]),
    )
    found = composing.composition(release, side=LEFT, waves=ENDS)
    assert [one.code for one in found.shifts] == codes
    assert all((one.params["since"], one.params["wave"]) == ENDS for one in found.shifts)


def test_releases_without_studies_have_no_split_and_no_traffic(demo_release: Release) -> None:
    old = replace(demo_release, document=replace(demo_release.document, studies={}))
    found = composing.composition(old, side=LEFT, waves=ENDS)
    assert (found.table.empty, found.findings, found.shifts) == (True, (), ())
    assert composing.traffic(old, side=LEFT).empty
    assert composing.traffic(demo_release, side=LEFT)["post"].nunique() == 7


# The page


@pytest.fixture
def at(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("SARHAD_DATABASE_URL", demo_url)
    return AppTest.from_file(str(ROOT / "app" / "pages" / "compare.py"), default_timeout=60)


@pytest.fixture(scope="module", autouse=True)
def caches() -> Iterator[None]:
    """Results are cached from test to test, as from visitor to visitor, and forgotten at the end."""
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


def opened(at: AppTest, **params: str) -> AppTest:
    for name, value in params.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def drawn(at: AppTest, number: int = 0) -> list[dict[Any, Any]]:
    """Rows behind the marks of a picture, each once."""
    sent = at.get("vega_lite_chart")[number].proto.datasets
    tables = [convert_arrow_bytes_to_pandas_df(one.data.data) for one in sent]
    rows = [row for table in tables if "words" in table for row in table.to_dict("records")]
    return list({row["name"]: row for row in rows}.values())


def told(at: AppTest) -> str:
    parts = [*at.markdown, *at.caption, *at.info, *at.error, *at.warning, *at.subheader]
    return "\n".join(part.value.replace("\\", "") for part in parts)


BETWEEN, OVER = "Between places or groups", "Over all waves"


def test_the_page_shows_each_change_once_in_picture_and_words_coloured_by_its_verdict(
    at: AppTest, demo_release: Release
) -> None:
    opened(at, by="Crossing")
    found = comparing.changes(demo_release, side=LEFT, measures=["accountability"], waves=ENDS, by=POSTS)
    names = next(cut.values for cut in demo_release.document.cuts if cut.facets == POSTS)
    rows = {row["name"]: row for row in drawn(at)}
    assert set(rows) == {names[post] for post in found.table["post"]}
    words = told(at)
    for row in found.table.to_dict("records"):
        shown = rows[names[row["post"]]]
        assert shown["estimate"] == row["estimate"]
        assert shown["colour"] == charts.hue(row["verdict"])
        assert (shown["colour"] in (BLUE, VERMILION)) == row["clear"]
        assert f"{names[row['post']]}: " in words
    assert "Heron Ferry: +8.6 points since 2022 (4.3 to 12.9): a clear improvement." in words
    assert "These 6 changes are judged together by Holm's rule" in words
    assert "Who came: Left bank, 2022 and 2026" in words
    assert "Traffic beside the score" in words


@pytest.mark.parametrize(
    ("params", "rows", "words"),
    [
        ({"what": BETWEEN, "by": "Crossing"}, 15, "These 15 differences are judged together"),
        ({"what": BETWEEN, "by": "Sex of the respondent"}, 1, "There is one difference here"),
        ({"what": BETWEEN, "by": "Whole side"}, 12, "Asked by border guards against Asked by customs"),
        ({"what": OVER, "by": "Crossing", "adjust": "Max-t: as Holm, a little sharper"}, 6, "points a year, 2022 to"),
    ],
)
def test_every_comparison_is_one_stated_family(at: AppTest, params: dict[str, str], rows: int, words: str) -> None:
    opened(at, **params)
    assert words in told(at)
    assert len(drawn(at)) == rows


def test_a_part_of_the_chain_is_offered_of_the_whole_side_alone(at: AppTest) -> None:
    opened(at, by="Whole side", figure="Links of the chain")
    assert at.get_by_key("figure").value == "chain_links"
    at.get_by_key("by").set_value("side_post").run()
    assert not at.exception
    offered = at.get_by_key("figure").options
    assert "Accountability" in offered
    assert not {"Links of the chain", "Leadership of the service"} & set(offered)
    assert len(drawn(at)) == 6


def test_a_few_cells_are_picked_in_the_address(at: AppTest) -> None:
    opened(at, what=BETWEEN, by="Crossing")
    at.get_by_key("only_post").set_value(["heron_ferry", "poplar_bridge", "walnut_ford"]).run()
    assert len(drawn(at)) == 3
    assert "These 3 differences" in told(at)
    at.get_by_key("only_post").set_value(["heron_ferry"]).run()
    assert "Pick two or more" in told(at)


def test_no_larger_than_is_asked_before_it_is_said(at: AppTest) -> None:
    opened(at, by="Whole side")
    assert "no change larger" not in told(at)
    at.get_by_key("margin").set_value(4.0).run()
    assert "no change larger than 4 points" in told(at)


def test_the_file_of_the_page_is_the_family_of_the_page(
    at: AppTest, demo_release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[dict[str, Any]] = []
    monkeypatch.setattr(st, "download_button", lambda label, **given: offered.append({"label": label, **given}))
    opened(at, what=BETWEEN, by="Crossing")
    rows = list(csv.DictReader(io.StringIO(offered[0]["data"]().decode("utf-8-sig"))))
    found = comparing.differences(demo_release, side=LEFT, wave="2026", by=POSTS, measures=["accountability"])
    assert [float(row["estimate"]) for row in rows] == found.table["estimate"].tolist()
    assert {row["synthetic"] for row in rows} == {"SYNTHETIC"}
    assert offered[0]["file_name"].endswith("SYNTHETIC.csv")


@pytest.fixture
def old(at: AppTest, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The page over a release of an earlier version, with one wave and no studies."""

    def earlier(data: bytes) -> Document:
        document = unpack(data)
        return replace(document, studies={}, declared={})

    monkeypatch.setattr(releases, "unpack", earlier)
    st.cache_resource.clear()
    yield at
    st.cache_resource.clear()


def test_sides_are_never_set_against_each_other_on_the_page(old: AppTest) -> None:
    opened(old, what=BETWEEN, by="Whole side")
    assert "Levels of two sides are not set side by side" in told(old)
    assert len(old.get("vega_lite_chart")) == 0


def test_a_release_of_an_earlier_version_has_its_changes_and_says_what_it_lacks(old: AppTest) -> None:
    opened(old, by="Crossing")
    assert "a clear improvement" in told(old)
    assert "not held in this release" in told(old)


# The commands


@pytest.fixture
def sarhad(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SARHAD_DATABASE_URL", demo_url)
    program = typer.Typer()
    for command in (commands.compare, commands.trend, commands.composition):
        program.command()(command)

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(program, list(words))
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else f"{done.output} {done.exception}"

    return run


def test_the_commands_give_the_figures_of_the_engine_in_every_format(sarhad: Any, demo_release: Release) -> None:
    words = ["compare", "--side", LEFT, "--by", "side,post", "--measure", "accountability"]
    found = comparing.differences(demo_release, side=LEFT, wave="2026", by=POSTS, measures=["accountability"]).table
    rows = json.loads(sarhad(*words, "--format", "json"))
    assert [row["estimate"] for row in rows] == found["estimate"].tolist()
    assert {row["by"]["side"] for row in rows} == {LEFT}
    table = list(csv.DictReader(io.StringIO(sarhad(*words, "--format", "csv"))))
    assert [float(row["p_adjusted"]) for row in table] == found["p_adjusted"].tolist()
    people = sarhad(*words, "--adjust", "benjamini-hochberg")
    assert "These 15 differences are judged together by the rule of Benjamini and Hochberg" in people
    assert "SYNTHETIC" in people
    slopes = json.loads(
        sarhad("trend", "--side", LEFT, "--measure", "integrity", "--by", "side,post", "--format", "json")
    )
    expected = comparing.trend(demo_release, side=LEFT, measures=["integrity"], by=POSTS).table
    assert [row["estimate"] for row in slopes] == expected["estimate"].tolist()
    parts = json.loads(sarhad("composition", "--side", LEFT, "--waves", "2022,2026", "--format", "json"))
    assert {row["part"] for row in parts} == {"change", "within", "mix", "fixed_mix", "level_at_fixed_mix"}
    assert "points, no clear change" in sarhad("composition", "--side", LEFT, "--waves", "2022,2026")


def test_the_command_compares_with_an_earlier_wave_and_a_margin(sarhad: Any) -> None:
    words = ["compare", "--side", LEFT, "--by", "side", "--measure", "accountability", "--since", "2022"]
    (row,) = json.loads(sarhad(*words, "--margin", "4", "--format", "json"))
    assert (row["since"], row["wave"], row["verdict"]) == ("2022", "2026", "steady")
    pairs = json.loads(
        sarhad(
            "compare",
            "--side",
            LEFT,
            "--by",
            "side,measure",
            "--pairs",
            "asked_guards:asked_customs",
            "--format",
            "json",
        )
    )
    assert [(row["first"], row["verdict"]) for row in pairs] == [("asked_guards", "worse")]


def test_levels_of_two_sides_are_refused_by_the_command_unless_a_note_is_declared(sarhad: Any) -> None:
    words = ["compare", "--by", "side", "--measure", "integrity"]
    assert "not set side by side" in sarhad(*words, code=1)
    told_ = sarhad(*words, "--note", "the same teams in the same week")
    assert "the same teams in the same week" in told_
    assert "an officer was in sight" in told_


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "--measure", "integrity"],
        ["compare", "--side", "north", "--measure", "integrity"],
        ["compare", "--side", LEFT],
        ["compare", "--side", LEFT, "--measure", "integrity", "--adjust", "guess"],
        ["compare", "--side", LEFT, "--measure", "integrity", "--pairs", "heron_ferry"],
        ["compare", "--side", LEFT, "--measure", "integrity", "--note", "because"],
        ["compare", "--side", LEFT, "--measure", "integrity", "--margin", "3"],
        ["trend", "--side", LEFT],
        ["composition", "--side", LEFT, "--waves", "2022"],
        ["composition", "--side", LEFT, "--waves", "2022,2030"],
    ],
)
def test_a_wrong_call_is_refused_with_what_may_stand_there(sarhad: Any, words: list[str]) -> None:
    assert "Invalid value" in sarhad(*words, code=2)
