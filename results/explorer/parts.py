"""Attributes that parts of the page have for those who hear it."""

from typing import Any

UNSAID: dict[str, Any] = {"aria-hidden": "true"}
"""Of what is only to be seen."""


def labelled(words: str) -> dict[str, Any]:
    """Return the attributes of a part that is called ``words``."""
    return {"aria-label": words}


def pressed(down: bool) -> dict[str, Any]:
    """Return the attributes of a button that is down, or is not."""
    return {"aria-pressed": "true" if down else "false"}


def labelled_by(identity: str) -> dict[str, Any]:
    """Return the attributes of a part that has its name from another."""
    return {"aria-labelledby": identity}


def tab_of(panel: str, chosen: bool) -> dict[str, Any]:
    """Return the attributes of the tab of a panel."""
    return {"aria-selected": "true" if chosen else "false", "aria-controls": panel}


def kept(**data: str) -> dict[str, Any]:
    """Return what the page's script reads of a part."""
    return {f"data-{name}": value for name, value in data.items()}
