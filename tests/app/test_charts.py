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
