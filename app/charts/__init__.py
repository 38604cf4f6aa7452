"""Result table -> chart specification: plain dictionaries of Vega-Lite with their rows inside."""

from app.charts.dots import dots, readable
from app.charts.heat import heat
from app.charts.looks import BLUE, GREEN, INK, PICK, VERMILION, Caption, Scale, Spec, colour
from app.charts.pairs import BANDS, Pair, pairs, told_what_if, what_if
from app.charts.sound import compensated, correlated, ends, influence, reliability, same_meaning, sobol
from app.charts.waves import changes, verdict, waves
from app.charts.words import number, span, told_change, why

__all__ = [
    "BANDS",
    "BLUE",
    "GREEN",
    "INK",
    "PICK",
    "VERMILION",
    "Caption",
    "Pair",
    "Scale",
    "Spec",
    "changes",
    "colour",
    "compensated",
    "correlated",
    "dots",
    "ends",
    "heat",
    "influence",
    "number",
    "pairs",
    "readable",
    "reliability",
    "same_meaning",
    "sobol",
    "span",
    "told_change",
    "told_what_if",
    "verdict",
    "waves",
    "what_if",
    "why",
]
