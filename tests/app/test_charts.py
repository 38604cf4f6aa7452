"""Pictures: what is shown, what is hidden and said to be, what is coloured, and the mark of invented answers."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import pytest

from app import charts
from app.charts import Caption, Scale
from app.charts.heat import contrast, ink_on, shade

CAPTION = Caption("Integrity: Left bank, 2026", "Dot: estimate.", "What users reported.", synthetic=True)
LABELS = {"north": "North Gate", "south": "South Gate", "east": "East Gate"}


def row(**changes: Any) -> dict[str, Any]:
    whole = {
        "wave": "2026", "side": "left_bank", "post": "north", "measure": "integrity", "estimate": 61.2, "se": 1.2,
        "df": 9.0, "low": 58.0, "high": 64.0, "n": 120.0, "n_eff": 100.0, "deff": 1.2, "status": "ok", "reason": "",
        "low_80": 59.0, "high_80": 63.0, "low_50": 60.0, "high_50": 62.0,
    }  # fmt: skip
    return whole | changes


def hidden(**changes: Any) -> dict[str, Any]:
    figures = ("estimate", "se", "df", "low", "high", "n", "low_80", "high_80", "low_50", "high_50")
    empty = dict.fromkeys(figures, float("nan"))
    return row(**empty) | {"status": "suppressed", "reason": "few_respondents"} | changes


def move(**changes: Any) -> dict[str, Any]:
    return row(estimate=8.6, low=4.4, high=12.8, since="2022", p=0.0, p_adjusted=0.001, clear=True) | changes


def dots(rows: list[dict[str, Any]], *, caption: Caption = CAPTION) -> charts.Spec:
    return charts.dots(
        pd.DataFrame(rows), labels=LABELS, facet="post", scale=Scale.of("points"), caption=caption, hue=charts.BLUE
    )


def changes(rows: list[dict[str, Any]], *, better: str = "better") -> charts.Spec:
    scale = Scale("points of change", better=better)
    return charts.changes(pd.DataFrame(rows), labels=LABELS, facet="post", scale=scale, caption=CAPTION)


def waves(rows: list[dict[str, Any]], moves: list[dict[str, Any]]) -> charts.Spec:
    scale = Scale.of("points")
    table, tested = pd.DataFrame(rows), pd.DataFrame(moves)
    return charts.waves(table, tested, order=("2022", "2026"), scale=scale, caption=CAPTION)


def values(spec: charts.Spec) -> list[dict[str, Any]]:
    return [value for rows in spec["datasets"].values() for value in rows]


def colours(spec: charts.Spec) -> set[str]:
    return {value["colour"] for value in values(spec) if "colour" in value}


def test_a_specification_is_plain_json_with_its_rows_inside() -> None:
    spec = dots([row()])
    assert json.loads(json.dumps(spec)) == spec
    assert {layer["data"]["name"] for layer in spec["layer"]} <= set(spec["datasets"])


def test_the_axis_of_an_index_is_0_to_100() -> None:
    domains = [layer["encoding"]["x"].get("scale", {}).get("domain") for layer in dots([row()])["layer"]]
    assert {tuple(domain) for domain in domains if domain} == {(0, 100)}


def test_each_dot_has_three_intervals_and_the_number_of_answers() -> None:
    spec = dots([row()])
    ends = {layer["encoding"]["x"]["field"] for layer in spec["layer"] if "x2" in layer["encoding"]}
    assert ends == {"low", "low_80", "low_50"}
    assert {value.get("people") for value in values(spec)} >= {"n 120"}


def test_the_highest_stands_first_and_the_hidden_last() -> None:
    spec = dots([hidden(post="east"), row(post="south", estimate=40.0), row(post="north")])
    orders = [layer["encoding"]["y"]["sort"] for layer in spec["layer"] if "sort" in layer["encoding"].get("y", {})]
    assert orders[0] == ["North Gate", "South Gate", "East Gate"]


def test_a_hidden_figure_is_said_to_be_hidden_and_why_and_leaves_no_number() -> None:
    spec = dots([row(), hidden(post="east")])
    east = [value for value in values(spec) if value.get("code") == "east"]
    assert {value["note"] for value in east} == {"not shown: fewer than 10 respondents"}
    assert {value["estimate"] for value in east} == {None}
    assert "East Gate: not shown: fewer than 10 respondents" in spec["description"]


def test_a_figure_to_be_read_with_care_is_hollow() -> None:
    careful = [value["careful"] for value in values(dots([row(reason="small_n", n=35.0)])) if "careful" in value]
    assert set(careful) == {True}


def test_fewer_than_50_answers_are_written_without_decimals() -> None:
    shown = {value.get("value") for value in values(dots([row(n=35.0, estimate=61.0)]))}
    assert "61" in shown
    assert "61.0" not in shown


def test_invented_answers_are_marked_in_the_picture_itself() -> None:
    spec = dots([row()])
    assert {"mark": "SYNTHETIC"} in values(spec)
    assert "SYNTHETIC" in spec["description"]


def test_real_answers_bear_no_such_mark() -> None:
    real = Caption(CAPTION.title, CAPTION.subtitle, CAPTION.source, synthetic=False)
    assert "SYNTHETIC" not in json.dumps(dots([row()], caption=real))


def test_every_picture_bears_its_source() -> None:
    texts = [layer["mark"].get("text") for layer in dots([row()])["layer"] if isinstance(layer["mark"], dict)]
    assert ["SYNTHETIC: invented answers.", "What users reported."] in texts


@pytest.mark.parametrize(
    ("estimate", "better", "colour"),
    [
        (8.6, "better", charts.BLUE),
        (-8.6, "better", charts.VERMILION),
        (-8.6, "worse", charts.BLUE),
        (8.6, "ambiguous", charts.INK),
    ],
)
def test_a_clear_change_is_coloured_by_what_it_means(estimate: float, better: str, colour: str) -> None:
    assert colours(changes([move(estimate=estimate)], better=better)) == {colour}


def test_a_change_that_no_test_calls_clear_has_no_colour_even_where_its_interval_leaves_out_zero() -> None:
    spec = changes([move(clear=False)])
    assert colours(spec).isdisjoint({charts.BLUE, charts.VERMILION})
    assert {value["shape"] for value in values(spec) if "shape" in value} == {"circle"}


def test_changes_stand_in_the_order_of_their_names_which_is_no_ranking() -> None:
    spec = changes([move(post="south", estimate=20.0), move(post="north", estimate=-3.0)])
    orders = [layer["encoding"]["y"]["sort"] for layer in spec["layer"] if "sort" in layer["encoding"].get("y", {})]
    assert orders[0] == ["North Gate", "South Gate"]


def test_waves_are_joined_in_colour_only_where_their_difference_is_clear() -> None:
    rows = [row(wave="2022", estimate=52.0), row(wave="2026")]
    assert colours(waves(rows, [move(clear=True)])) == {charts.BLUE}
    assert colours(waves(rows, [move(clear=False)])) == set()


def test_a_wave_without_figure_is_not_joined() -> None:
    assert colours(waves([hidden(wave="2022"), row(wave="2026")], [move(clear=True)])) == set()


def test_a_change_in_words_never_says_rise_or_fall_without_its_test() -> None:
    told = charts.told_change(move(clear=False), unit="points", better="better")
    assert told == "+8.6 points since 2022 (4.4 to 12.8): no clear change."


def test_a_clear_change_in_words_says_which_way() -> None:
    assert charts.told_change(move(), unit="points", better="better").endswith("a clear improvement.")
    assert charts.told_change(move(), unit="%", better="worse").endswith("a clear decline.")
    assert "percentage points" in charts.told_change(move(), unit="%", better="worse")


def test_the_table_in_words_has_no_figure_for_a_hidden_row() -> None:
    table = charts.readable(pd.DataFrame([hidden(post="east")]), labels=LABELS, facet="post", unit="points")
    assert table.iloc[0].to_list() == ["East Gate", "", "", "", "not shown: fewer than 10 respondents"]


def test_pictures_made_in_many_threads_at_once_are_all_alike() -> None:
    rows = [row(), row(post="south", estimate=40.0)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        made = list(pool.map(lambda _: dots(rows), range(12)))
    assert all(spec == made[0] for spec in made)


def test_pictures_leave_the_settings_of_altair_alone() -> None:
    before = (alt.theme.active, alt.data_transformers.active)
    partial(dots, [row()])()
    assert (alt.theme.active, alt.data_transformers.active) == before


# Maps of questions

ROWS = {"conduct": "Conduct", "respect": "Respect"}


def heat(rows: list[dict[str, Any]], *, caption: Caption = CAPTION) -> charts.Spec:
    table = pd.DataFrame(rows)
    return charts.heat(table, rows=ROWS, strong=["conduct"], columns=LABELS, facet="post", caption=caption)


def cells(spec: charts.Spec) -> dict[tuple[str, str], dict[str, Any]]:
    return {(value["row"], value["column"]): value for value in values(spec) if "row" in value}


def test_a_cell_of_the_map_prints_its_figure_and_its_colour_is_that_of_the_value() -> None:
    cell = cells(heat([row(measure="respect")]))["respect", "north"]
    assert cell["value"] == "61.2"
    assert cell["colour"] == shade(61.2)


def test_a_hidden_cell_of_the_map_has_no_figure_no_colour_and_its_reason() -> None:
    spec = heat([row(measure="respect"), hidden(measure="respect", post="east")])
    cell = cells(spec)["respect", "east"]
    assert (cell["value"], cell["whole"], cell["colour"]) == ("", "", "#FFFFFF")
    assert cell["note"] == "not shown: fewer than 10 respondents"
    assert "Respect, East Gate: not shown: fewer than 10 respondents" in spec["description"]


def test_a_cell_to_be_read_with_care_stands_in_brackets() -> None:
    cell = cells(heat([row(measure="respect", reason="small_n", n=35.0, estimate=61.0)]))["respect", "north"]
    assert (cell["value"], cell["note"]) == ("(61)", "fewer than 50 answers")


def test_measures_that_are_not_asked_for_are_not_on_the_map() -> None:
    assert set(cells(heat([row(measure="respect"), row(measure="bribery")]))) == {("respect", "north")}


def test_two_questions_of_one_name_have_two_rows() -> None:
    spec = charts.heat(
        pd.DataFrame([row(measure="respect"), row(measure="conduct")]), rows=dict.fromkeys(ROWS, "Respect"), strong=[],
        columns=LABELS, facet="post", caption=CAPTION,
    )  # fmt: skip
    assert len(cells(spec)) == 2
    assert spec["layer"][0]["encoding"]["y"]["field"] == "row"


def test_the_map_of_invented_answers_is_marked_over_its_cells() -> None:
    spec = heat([row(measure="respect")])
    drawn = [layer["mark"]["type"] for layer in spec["layer"]]
    assert {"mark": "SYNTHETIC"} in values(spec)
    assert drawn.index("rect") < drawn.index("text")
    assert spec["description"].endswith("SYNTHETIC.")


@pytest.mark.parametrize("value", range(0, 101, 5))
def test_every_figure_of_the_map_stands_out_from_its_cell(value: int) -> None:
    ground = shade(float(value))
    assert contrast(ground, ink_on(ground)) >= 4.5


def test_contrast_is_that_of_the_web_guidelines() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)  # the known grey just below 4.5


def test_better_is_darker_all_the_way() -> None:
    light = [contrast(shade(float(value)), "#000000") for value in range(101)]
    assert light == sorted(light, reverse=True)
    assert len(set(light)) > 90


# What if, influence, shares


def otherwise(**changes: Any) -> dict[str, Any]:
    whole = {
        "post": "north", "estimate": 58.0, "se": 1.5, "df": 9.0, "low": 54.5, "high": 61.5, "band": "below",
        "status": "ok", "reason": "", "official": 61.2, "official_low": 58.0, "official_high": 64.0,
        "official_band": "not_distinguishable", "rank": 2.0, "rank_low": 1.0, "rank_high": 3.0, "stability": 0.874,
    }  # fmt: skip
    return whole | changes


def refused(**changes: Any) -> dict[str, Any]:
    figures = ("estimate", "se", "df", "low", "high", "rank", "rank_low", "rank_high", "stability")
    empty = dict.fromkeys(figures, float("nan"))
    return otherwise(**empty) | {"band": "", "status": "suppressed", "reason": "hidden_part"} | changes


UNOFFICIAL = Caption(
    "What if: Integrity", "Hollow: published.", "What users reported.", synthetic=True, unofficial=True
)


def what_if(rows: list[dict[str, Any]]) -> charts.Spec:
    return charts.what_if(
        pd.DataFrame(rows), labels=LABELS, facet="post", scale=Scale.of("points"), caption=UNOFFICIAL, hue=charts.BLUE
    )


def pair(spec: charts.Spec, label: str) -> dict[str, Any]:
    return next(value for value in values(spec) if value.get("label") == label)


def test_a_what_if_is_marked_unofficial_in_the_picture_and_in_its_words() -> None:
    spec = what_if([otherwise()])
    assert {"mark": "UNOFFICIAL"} in values(spec)
    assert {"mark": "SYNTHETIC"} in values(spec)
    assert spec["description"].endswith("SYNTHETIC. UNOFFICIAL.")
    texts = [layer["mark"].get("text") for layer in spec["layer"] if isinstance(layer["mark"], dict)]
    assert any(text and "UNOFFICIAL: nobody published this." in text for text in texts)


def test_the_two_marks_do_not_cover_each_other() -> None:
    places = {
        layer["encoding"]["y"]["value"]["expr"] for layer in what_if([otherwise()])["layer"]
        if layer["encoding"].get("text", {}).get("field") == "mark"
    }  # fmt: skip
    assert places == {"height * 0.25", "height * 0.75"}


def test_a_published_picture_is_not_called_unofficial() -> None:
    assert "UNOFFICIAL" not in json.dumps(dots([row()]))


def test_a_what_if_stands_beside_what_is_published_with_its_band_in_words() -> None:
    shown = pair(what_if([otherwise()]), "North Gate")
    assert (shown["hollow"], shown["filled"], shown["value"], shown["words"]) == (61.2, 58.0, "58.0", "below")
    assert (shown["hollow_low"], shown["low"], shown["high"]) == (58.0, 54.5, 61.5)


def test_a_refused_what_if_says_why_and_leaves_no_figure_but_the_published_one() -> None:
    shown = pair(what_if([otherwise(), refused(post="east")]), "East Gate")
    assert (shown["filled"], shown["low"], shown["value"], shown["words"]) == (None, None, "", "")
    assert shown["note"] == "a question that it rests on is not shown here"
    assert shown["hollow"] == 61.2


def test_a_what_if_is_no_ranking() -> None:
    spec = what_if([otherwise(post="south", estimate=90.0, rank=1.0), otherwise(estimate=10.0, rank=2.0)])
    orders = [layer["encoding"]["y"]["sort"] for layer in spec["layer"] if "sort" in layer["encoding"].get("y", {})]
    assert orders[0] == ["North Gate", "South Gate"]
    assert "rank" not in json.dumps(spec).lower()


def test_the_table_of_a_what_if_tells_ranks_as_sets_and_how_stable_the_band_is() -> None:
    told = charts.told_what_if(pd.DataFrame([otherwise()]), labels=LABELS, facet="post").iloc[0]
    assert told[""] == "North Gate"
    assert (told["what if"], told["95 % interval"], told["against the average"]) == ("58.0", "54.5 to 61.5", "below")
    assert (told["rank"], told["rank lies within"], told["stays in its band"]) == ("2", "1 to 3", "87 %")
    assert (told["published"], told["published band"], told["to note"]) == ("61.2", "not clear", "")


def test_the_table_of_a_what_if_has_no_rank_of_a_refused_row() -> None:
    told = charts.told_what_if(pd.DataFrame([refused()]), labels=LABELS, facet="post").iloc[0]
    assert (told["what if"], told["95 % interval"], told["rank"], told["stays in its band"]) == ("", "", "", "")
    assert told["to note"] == "a question that it rests on is not shown here"


def test_influence_is_drawn_against_weight_in_percent() -> None:
    parts = pd.DataFrame([{"part": "north", "weight": 0.25, "influence": 0.4, "reason": ""}])
    shown = pair(charts.influence(parts, titles=LABELS, caption=CAPTION), "North Gate")
    assert (shown["hollow"], shown["filled"], shown["value"]) == (25.0, 40.0, "40 %")


def test_influence_that_is_not_known_says_why() -> None:
    parts = pd.DataFrame([{"part": "north", "weight": 0.25, "influence": float("nan"), "reason": "not_arithmetic"}])
    shown = pair(charts.influence(parts, titles=LABELS, caption=CAPTION), "North Gate")
    assert shown["filled"] is None
    assert "no weighted mean" in shown["note"]


def test_shares_beyond_their_ends_are_drawn_and_told_at_them() -> None:
    share = {"group": "weights", "first": -0.01, "total": 1.02, "first_low": -0.1, "first_high": 0.1,
             "total_low": 0.9, "total_high": 1.1}  # fmt: skip
    shown = pair(charts.sobol(pd.DataFrame([share]), words={"weights": "Weights"}, caption=UNOFFICIAL), "Weights")
    assert (shown["hollow"], shown["filled"], shown["high"], shown["value"]) == (0.0, 100.0, 100.0, "100 %")


# Tables of soundness in words


def test_closest_pairs_stand_first_and_those_with_something_to_note_last() -> None:
    table = pd.DataFrame(
        [
            {"node": "conduct", "first": "a", "second": "b", "correlation": 1.0, "reason": "beyond_one"},
            {"node": "conduct", "first": "a", "second": "c", "correlation": 0.2, "reason": ""},
            {"node": "conduct", "first": "b", "second": "c", "correlation": -0.4, "reason": ""},
        ]
    )
    told = charts.correlated(table, titles={"conduct": "Conduct", "a": "A", "b": "B", "c": "C"})
    assert told["correlation"].to_list() == ["\N{MINUS SIGN}0.40", "0.20", "1.00"]
    assert told["to note"].iloc[-1].startswith("more than 1")
    assert told["under"].to_list() == ["Conduct"] * 3


def test_a_reliability_that_is_not_known_says_why() -> None:
    empty = dict.fromkeys(("n", "alpha", "low", "high", "omega", "share", "residual"), float("nan"))
    told = charts.reliability(
        pd.DataFrame([{"node": "conduct", "parts": 2, "reason": "few_answers"} | empty]), titles={}
    )
    assert (told["alpha"][0], told["95 % interval"][0]) == ("", "")
    assert "fewer than" in told["to note"][0]


def test_no_p_value_is_nought() -> None:
    line = {"grouping": "language", "item": "a", "n": 200.0, "group": "x", "against": "y", "log_odds": -0.5, "se": 0.1,
            "p_adjusted": 0.0, "size": "large", "dif": "yes", "reason": ""}  # fmt: skip
    told = charts.same_meaning(pd.DataFrame([line]), titles={})
    assert told["p, all together"][0] == "0.001"
    assert told["log odds"][0] == "\N{MINUS SIGN}0.50"


def test_only_parts_that_are_low_somewhere_are_told_to_be_hidden() -> None:
    table = pd.DataFrame(
        [("n", "a", 6, 0, 0), ("n", "b", 6, 3, 2)], columns=["node", "part", "units", "below", "offset"]
    )
    told = charts.compensated(table, titles={"b": "B"})
    assert told["part"].to_list() == ["B"]
    assert told["of these, the whole not"].to_list() == ["2"]
