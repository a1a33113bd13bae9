"""The deck: slides with native charts, one message each, made from a run directory.

The names below load on first use, so that nobody waits for what makes slides without asking for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.deck.writing import deck_bytes, write_deck

__all__ = ["deck_bytes", "write_deck"]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module("results.deck.writing"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
