"""The chain of accountability: its weakest links per side, never by post or shift; users and officers side by side."""

import os
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scoring import Framework, RequestError, SurveyDesign, Totals, reduce, score
from scoring.chain import Chain, chain, chain_of_figures, gap
from scoring.estimates import covariance, flattened
from scoring.indices import assemble

SURVEYS = 1_000 if os.environ.get("SARHAD_ENDURANCE") == "1" else 40
LINKS = ("link_leadership", "link_region", "link_post", "link_shift")
DESIGN = SurveyDesign(strata=("side", "post"), psu="shift", wave="wave")
SETS = [("side",), ("side", "agency"), ("side", "post")]
HOLDERS = {(side,): dict.fromkeys(LINKS, 9) for side in ("left", "right")}
TEXT = (
    'id="chain"\nversion="1"\ntitle="Chain"\n'
    '[[index]]\ncode="chain"\ntitle="Chain"\nonly_by=[["side"], ["side", "agency"]]\n'
    '[[dimension]]\ncode="links"\ntitle="Links"\nindex="chain"\n'
    + "".join(
        f'[[item]]\ncode="{code}"\ntitle="{code}"\ndimension="links"\ndirection="better"\nrange=[0, 100]\n'
        for code in LINKS
    )
)


@pytest.fixture(scope="module")
def framework() -> Framework:
    return Framework.from_toml(TEXT)


def surveyed(seed: int, truth: tuple[float, ...], sides: tuple[str, ...] = ("left", "right")) -> pd.DataFrame:
    """Four posts a side, six shifts, eight people: who thinks well of one link thinks well of all."""
    rng = np.random.default_rng(seed)
    shape = (len(sides), 4, 6, 8)
    side, post, shift, _ = (index.ravel() for index in np.indices(shape))
    mood = rng.normal(0, 14, side.size) + rng.normal(0, 4, shape[:3])[..., None].repeat(8, 3).ravel()
    frame = pd.DataFrame({"wave": "2024", "side": np.array(sides)[side], "post": post, "shift": shift})
    frame["agency"] = np.where(shift % 2 == 0, "customs", "guards")
    for code, level in zip(LINKS, truth, strict=True):
        frame[code] = np.clip(level + mood + rng.normal(0, 8, side.size), 0, 100)
    return frame


def totals_of(frame: pd.DataFrame, framework: Framework) -> Totals:
    return reduce(frame, framework, DESIGN, facets=SETS)


def chained(frame: pd.DataFrame, framework: Framework, **options: Any) -> Chain:
    asked = {"links": LINKS, "by": "side", "holders": HOLDERS, "seed": 1}
    return chain(totals_of(frame, framework), framework, **(asked | options))


WEAK_SHIFT = (60.0, 55.0, 58.0, 45.0)


def test_clearly_lowest_link_is_the_only_one_in_the_set(framework: Framework) -> None:
    found = chained(surveyed(1, WEAK_SHIFT), framework)
    left = found.table[found.table["side"] == "left"]
    assert left["measure"].tolist() == list(LINKS)
    assert left["weakest"].tolist() == ["excluded", "excluded", "excluded", "points"]
    assert found.findings[0].code == "weakest_link"
    assert found.findings[0].params == {
        "wave": "2024", "side": "left", "link": "link_shift", "possible": (),
        "excluded": ("link_leadership", "link_region", "link_post"),
    }  # fmt: skip


def test_link_that_cannot_be_told_from_the_lowest_stays_in_the_set(framework: Framework) -> None:
    (finding, _) = chained(surveyed(2, (60, 45.3, 58, 45)), framework).findings
    assert {finding.params["link"], *finding.params["possible"]} == {"link_region", "link_shift"}


def test_chain_in_which_no_link_is_told_apart_says_so(framework: Framework) -> None:
    (finding, _) = chained(surveyed(20, (50, 50, 50, 50)), framework).findings
    assert (finding.code, finding.params["excluded"]) == ("no_link_told", ())


def test_figures_of_the_links_are_those_of_the_scorecard(framework: Framework) -> None:
    frame = surveyed(4, WEAK_SHIFT)
    card = score(totals_of(frame, framework), framework, "side").table
    found = chained(frame, framework).table
    expected = card[card["measure"].isin(LINKS)].reset_index(drop=True)
    pd.testing.assert_frame_equal(found[list(expected)], expected, check_dtype=False)


def test_truly_weakest_link_is_in_the_set_in_ninety_five_of_a_hundred_surveys(framework: Framework) -> None:
    names = tuple(f"s{number:04}" for number in range(SURVEYS))
    holders = {(name,): dict.fromkeys(LINKS, 9) for name in names}
    table = chained(surveyed(5, (50, 48, 48.5, 47), names), framework, holders=holders).table
    held = table.loc[table["measure"] == "link_shift", "weakest"].isin(["points", "possible"])
    assert held.size == SURVEYS
    assert stats.binomtest(int(held.sum()), SURVEYS, 0.95, alternative="less").pvalue > 0.01
    assert (table["weakest"] == "excluded").any()


# Who may be seen


@pytest.mark.parametrize("by", ["post", "shift", ("side", "post"), ("side", "agency", "shift"), ("side", "sex")])
def test_chain_by_post_or_shift_or_anything_finer_than_an_agency_is_an_error(framework: Framework, by: Any) -> None:
    with pytest.raises(RequestError, match=r"never cut by (post|shift|sex): a post commander"):
        chained(surveyed(6, WEAK_SHIFT), framework, by=by)
    figures = pd.DataFrame({"measure": []})
    with pytest.raises(RequestError, match=r"never cut by (post|shift|sex): a post commander"):
        chain_of_figures(figures, np.eye(4), links=LINKS, by=by, holders=HOLDERS, seed=1)
    with pytest.raises(RequestError, match=r"never cut by (post|shift|sex): a post commander"):
        gap(figures, figures, by=by, wording={"link_post": ("a", "a")})


@pytest.mark.parametrize("by", ["agency", ()])
def test_chain_of_both_sides_together_is_an_error(framework: Framework, by: Any) -> None:
    with pytest.raises(RequestError, match="is that of one side"):
        chained(surveyed(7, WEAK_SHIFT), framework, by=by)


def test_figures_that_hold_posts_make_no_chain(framework: Framework) -> None:
    totals = totals_of(surveyed(8, WEAK_SHIFT), framework)
    figures = score(totals, framework, "side").table.assign(post="ford")
    with pytest.raises(RequestError, match="never cut by post"):
        chain_of_figures(figures, np.eye(4), links=LINKS, by="side", holders=HOLDERS, seed=1)


def test_link_of_fewer_than_five_office_holders_has_no_figure(framework: Framework) -> None:
    few = {**HOLDERS, ("left",): {**HOLDERS[("left",)], "link_shift": 4, "link_post": 5}}
    found = chained(surveyed(9, WEAK_SHIFT), framework, holders=few)
    row = found.table[(found.table["side"] == "left") & (found.table["measure"] == "link_shift")].iloc[0]
    assert row[["estimate", "se", "df", "low", "high", "n", "n_eff", "deff"]].isna().all()
    assert row[["status", "reason", "weakest"]].tolist() == ["suppressed", "few_holders", ""]
    assert found.findings[0].params["link"] == "link_region"
    assert "link_shift" not in (*found.findings[0].params["possible"], *found.findings[0].params["excluded"])
    assert found.findings[1].params["link"] == "link_shift"


def test_one_link_that_is_left_is_no_chain(framework: Framework) -> None:
    few = {key: {**dict.fromkeys(LINKS, 1), "link_post": 40} for key in HOLDERS}
    found = chained(surveyed(10, WEAK_SHIFT), framework, holders=few)
    assert [one.code for one in found.findings] == ["chain_too_short", "chain_too_short"]
    assert found.table["weakest"].eq("").all()


def test_office_holders_that_nobody_counted_are_asked_for(framework: Framework) -> None:
    frame = surveyed(11, WEAK_SHIFT)
    with pytest.raises(RequestError, match="hold the office right; give the counts"):
        chained(frame, framework, holders={("left",): HOLDERS[("left",)]})
    with pytest.raises(RequestError, match="hold the office 'link_shift' of left"):
        chained(frame, framework, holders={("left",): dict.fromkeys(LINKS[:3], 9)})


def test_chain_per_side_and_agency(framework: Framework) -> None:
    holders = {
        (side, agency): dict.fromkeys(LINKS, 9) for side in ("left", "right") for agency in ("customs", "guards")
    }
    found = chained(surveyed(12, WEAK_SHIFT), framework, by=("side", "agency"), holders=holders)
    assert [one.params["link"] for one in found.findings] == ["link_shift"] * 4


def test_links_are_items_of_the_framework_each_once(framework: Framework) -> None:
    frame = surveyed(13, WEAK_SHIFT)
    with pytest.raises(RequestError, match="'link_king' is not scored"):
        chained(frame, framework, links=(*LINKS, "link_king"))
    with pytest.raises(RequestError, match="at least two links, each once"):
        chained(frame, framework, links=("link_post", "link_post"))


# From what a release shows


def test_chain_of_shown_figures_is_that_of_the_answers(framework: Framework) -> None:
    totals = totals_of(surveyed(14, (60, 47, 58, 45)), framework)
    scores = assemble(totals, framework, ("side",))
    places = [(0, scores.measures.index(link)) for link in LINKS]
    own = covariance(flattened(scores.estimates, places))
    scale = np.sqrt(np.diag(own))
    figures = score(totals, framework, "side").table.query("side == 'left'")
    shown = chain_of_figures(figures, own / np.outer(scale, scale), links=LINKS, by="side", holders=HOLDERS, seed=1)
    exact = chain(totals, framework, links=LINKS, by="side", holders=HOLDERS, seed=1).table.query("side == 'left'")
    assert shown.table["weakest"].tolist() == exact["weakest"].tolist()
    assert shown.findings[0].params["link"] == "link_shift"


def test_hidden_links_of_a_release_are_not_judged(framework: Framework) -> None:
    figures = score(totals_of(surveyed(15, WEAK_SHIFT), framework), framework, "side").table
    figures.loc[figures["measure"] == "link_shift", ["estimate", "se", "df"]] = np.nan
    found = chain_of_figures(figures, np.eye(4), links=LINKS, by="side", holders=HOLDERS, seed=1)
    assert found.table.loc[found.table["measure"] == "link_shift", "weakest"].tolist() == ["", ""]
    assert [one.params["link"] for one in found.findings] == ["link_region", "link_region"]


def test_figures_without_a_link_or_with_another_correlation_are_refused(framework: Framework) -> None:
    figures = score(totals_of(surveyed(16, WEAK_SHIFT), framework), framework, "side").table
    asked: dict[str, Any] = {"links": LINKS, "by": "side", "holders": HOLDERS, "seed": 1}
    with pytest.raises(RequestError, match="that of the 4 links"):
        chain_of_figures(figures, np.eye(3), **asked)
    with pytest.raises(RequestError, match="no figure of 'link_post' in 2024 left"):
        chain_of_figures(figures[figures["measure"] != "link_post"], np.eye(4), **asked)
    with pytest.raises(RequestError, match="hold none of the links"):
        chain_of_figures(figures.head(0), np.eye(4), **asked)


# Users and officers


def said(*rows: tuple[str, str, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["side", "measure", "estimate", "se", "df"])


def test_gap_between_officers_and_users_by_hand() -> None:
    # 62 - 50 with variances 9 and 16: 12 / 5 = 2.4 with Welch's df 25^2 / (81 / 4 + 256 / 9)
    users = said(("left", "complaint", 50, 3, 4), ("left", "other", 10, 1, 9))
    officers = said(("left", "complaint", 62, 4, 9), ("right", "complaint", 70, 4, 9))
    row = gap(
        users, officers, by="side", wording={"complaint": ("Are complaints\nanswered?", "Are complaints answered?")}
    )
    assert len(row) == 1
    assert row[["users", "officers", "estimate", "se", "t"]].iloc[0].tolist() == pytest.approx([50, 62, 12, 5, 2.4])
    assert row["df"].iloc[0] == pytest.approx(625 / (81 / 4 + 256 / 9))


def test_items_that_are_worded_otherwise_have_no_gap() -> None:
    users = said(("left", "complaint", 50, 3, 4))
    with pytest.raises(RequestError, match="complaint is worded otherwise for officers"):
        gap(users, users, by="side", wording={"complaint": ("Are complaints answered?", "Do you answer complaints?")})


def test_gap_of_several_waves_or_of_nothing_in_common_is_refused() -> None:
    users, wording = said(("left", "complaint", 50, 3, 4)), {"complaint": ("a", "a")}
    with pytest.raises(RequestError, match="users have several rows of one item"):
        gap(pd.concat([users, users]), users, by="side", wording=wording)
    with pytest.raises(RequestError, match="share no item in the same cell"):
        gap(users, said(("right", "complaint", 50, 3, 4)), by="side", wording=wording)
