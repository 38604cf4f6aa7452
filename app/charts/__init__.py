"""Result table -> chart specification: plain dictionaries of Vega-Lite with their rows inside."""

from app.charts.chain import KEY as CHAIN_KEY
from app.charts.chain import chain_links, chain_strip, gap_rows, told_chain, told_gap
from app.charts.compare import BREAK, HUES, compared, hue, split, told_compared, told_split
from app.charts.dots import dots, readable
from app.charts.drivers import (
    driver_importance,
    driver_shares,
    mending,
    told_driver_models,
    told_driver_slopes,
    told_drivers,
    told_mending,
)
from app.charts.effects import (
    effect_colour,
    effect_figures,
    effect_posts,
    effect_times,
    told_effect_posts,
    told_effect_rows,
)
from app.charts.heat import heat
from app.charts.looks import BLUE, GREEN, INK, NOT_SHOWN, PICK, VERMILION, Caption, Scale, Spec, colour
from app.charts.pairs import BANDS, Pair, pairs, told_what_if, what_if
from app.charts.sound import compensated, correlated, ends, influence, reliability, same_meaning, sobol
from app.charts.waves import changes, verdict, waves
from app.charts.words import number, span, told_change, why

__all__ = [
    "BANDS",
    "BLUE",
    "BREAK",
    "CHAIN_KEY",
    "GREEN",
    "HUES",
    "INK",
    "NOT_SHOWN",
    "PICK",
    "VERMILION",
    "Caption",
    "Pair",
    "Scale",
    "Spec",
    "chain_links",
    "chain_strip",
    "changes",
    "colour",
    "compared",
    "compensated",
    "correlated",
    "dots",
    "driver_importance",
    "driver_shares",
    "effect_colour",
    "effect_figures",
    "effect_posts",
    "effect_times",
    "ends",
    "gap_rows",
    "heat",
    "hue",
    "influence",
    "mending",
    "number",
    "pairs",
    "readable",
    "reliability",
    "same_meaning",
    "sobol",
    "span",
    "split",
    "told_chain",
    "told_change",
    "told_compared",
    "told_driver_models",
    "told_driver_slopes",
    "told_drivers",
    "told_effect_posts",
    "told_effect_rows",
    "told_gap",
    "told_mending",
    "told_split",
    "told_what_if",
    "verdict",
    "waves",
    "what_if",
    "why",
]
