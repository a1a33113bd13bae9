"""Attributes that parts of the page have for those who hear it."""

from typing import Any


def labelled(words: str) -> dict[str, Any]:
    """Return the attributes of a part that is called ``words``."""
    return {"aria-label": words}


def labelled_by(identity: str) -> dict[str, Any]:
    """Return the attributes of a part that has its name from another."""
    return {"aria-labelledby": identity}


def tab_of(panel: str, chosen: bool) -> dict[str, Any]:
    """Return the attributes of the tab of a panel."""
    return {"aria-selected": "true" if chosen else "false", "aria-controls": panel}
