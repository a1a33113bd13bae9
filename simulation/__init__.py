"""Where and when things happen: the market, its calendar and its institutions.

The names below load on first use, so that listing levers never imports Mesa.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulation.assumptions import Assumptions
    from simulation.levers import Policy
    from simulation.model import MarketModel

__all__ = ["Assumptions", "MarketModel", "Policy"]

_HOME = {
    "Assumptions": "simulation.assumptions",
    "MarketModel": "simulation.model",
    "Policy": "simulation.levers",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
