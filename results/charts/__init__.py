"""Charts: each takes a frame of `results.frames` and returns a Plotly figure in one theme.

Policies come as the mapping `RunDirectory.policies`, the baseline first, so that each looks the
same on every chart; a part of that mapping draws these policies only. The names below load on first
use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.charts.differences import SYMBOLS, interval_plot
    from results.charts.maps import COUNT_SCALE, SHARE_SCALE, sharing_map
    from results.charts.over_time import MOST_BANDS, trajectories
    from results.charts.partnerships import agreement_chart, partnership_map, stages_chart
    from results.charts.sensitivity import ranked_chart, switching_chart
    from results.charts.theme import (
        BASELINE,
        DASHES,
        FONT,
        INK,
        MOST_PANELS,
        MUTED,
        PALETTE,
        PAPER,
        RULE,
        SPREAD,
        TEMPLATE,
        Look,
        at_left,
        faded,
        longest_title,
        looks,
        panels,
        places,
        plain_text,
    )

_NAMES = {
    "differences": ("SYMBOLS", "interval_plot"),
    "maps": ("COUNT_SCALE", "SHARE_SCALE", "sharing_map"),
    "over_time": ("MOST_BANDS", "trajectories"),
    "partnerships": ("agreement_chart", "partnership_map", "stages_chart"),
    "sensitivity": ("ranked_chart", "switching_chart"),
    "theme": (
        "BASELINE", "DASHES", "FONT", "INK", "MOST_PANELS", "MUTED", "PALETTE", "PAPER", "RULE",
        "SPREAD", "TEMPLATE", "Look", "at_left", "faded", "longest_title", "looks", "panels",
        "places", "plain_text",
    ),
}  # fmt: skip
_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "BASELINE",
    "COUNT_SCALE",
    "DASHES",
    "FONT",
    "INK",
    "MOST_BANDS",
    "MOST_PANELS",
    "MUTED",
    "PALETTE",
    "PAPER",
    "RULE",
    "SHARE_SCALE",
    "SPREAD",
    "SYMBOLS",
    "TEMPLATE",
    "Look",
    "agreement_chart",
    "at_left",
    "faded",
    "interval_plot",
    "longest_title",
    "looks",
    "panels",
    "partnership_map",
    "places",
    "plain_text",
    "ranked_chart",
    "sharing_map",
    "stages_chart",
    "switching_chart",
    "trajectories",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
