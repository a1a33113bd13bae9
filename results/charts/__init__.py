"""Charts: each takes a frame of `results.frames` and returns a Plotly figure in one theme.

Policies come as the mapping `RunDirectory.policies`, the baseline first, so that each looks the
same on every chart; a part of that mapping draws these policies only. The names below load on first
use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.charts.differences import INTERVALS_KEY, SYMBOLS, interval_plot, spread
    from results.charts.export import FORMATS, HEIGHT, picture, write_picture, write_pictures
    from results.charts.groups import SAVINGS_KEY, savings_by_group
    from results.charts.maps import COUNT_SCALE, SHARE_SCALE, sharing_map
    from results.charts.networks import network
    from results.charts.over_time import (
        COMPETITION,
        COMPETITION_KEY,
        FUND_KEY,
        MOST_BANDS,
        MOST_SIDE_BY_SIDE,
        competition,
        fund,
        trajectories,
    )
    from results.charts.partnerships import agreement_chart, partnership_map, stages_chart
    from results.charts.responses import RESPONSE_KEY, lever_of, response
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
        SHAPES,
        SPREAD,
        TEMPLATE,
        Look,
        at_left,
        faded,
        folded,
        headed,
        left_out,
        looks,
        panels,
        places,
        plain_text,
    )

_NAMES = {
    "differences": ("INTERVALS_KEY", "SYMBOLS", "interval_plot", "spread"),
    "export": ("FORMATS", "HEIGHT", "picture", "write_picture", "write_pictures"),
    "groups": ("SAVINGS_KEY", "savings_by_group"),
    "maps": ("COUNT_SCALE", "SHARE_SCALE", "sharing_map"),
    "networks": ("network",),
    "over_time": (
        "COMPETITION", "COMPETITION_KEY", "FUND_KEY", "MOST_BANDS", "MOST_SIDE_BY_SIDE",
        "competition", "fund", "trajectories",
    ),
    "partnerships": ("agreement_chart", "partnership_map", "stages_chart"),
    "responses": ("RESPONSE_KEY", "lever_of", "response"),
    "sensitivity": ("ranked_chart", "switching_chart"),
    "theme": (
        "BASELINE", "DASHES", "FONT", "INK", "MOST_PANELS", "MUTED", "PALETTE", "PAPER", "RULE",
        "SHAPES", "SPREAD", "TEMPLATE", "Look", "at_left", "faded", "folded", "headed", "left_out",
        "looks", "panels", "places", "plain_text",
    ),
}  # fmt: skip
_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "BASELINE",
    "COMPETITION",
    "COMPETITION_KEY",
    "COUNT_SCALE",
    "DASHES",
    "FONT",
    "FORMATS",
    "FUND_KEY",
    "HEIGHT",
    "INK",
    "INTERVALS_KEY",
    "MOST_BANDS",
    "MOST_PANELS",
    "MOST_SIDE_BY_SIDE",
    "MUTED",
    "PALETTE",
    "PAPER",
    "RESPONSE_KEY",
    "RULE",
    "SAVINGS_KEY",
    "SHAPES",
    "SHARE_SCALE",
    "SPREAD",
    "SYMBOLS",
    "TEMPLATE",
    "Look",
    "agreement_chart",
    "at_left",
    "competition",
    "faded",
    "folded",
    "fund",
    "headed",
    "interval_plot",
    "left_out",
    "lever_of",
    "looks",
    "network",
    "panels",
    "partnership_map",
    "picture",
    "places",
    "plain_text",
    "ranked_chart",
    "response",
    "savings_by_group",
    "sharing_map",
    "spread",
    "stages_chart",
    "switching_chart",
    "trajectories",
    "write_picture",
    "write_pictures",
]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
