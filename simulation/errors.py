"""The one error that a user's input raises."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_SHOWN = 80


class InputError(ValueError):
    """Something the user gave is wrong; the message is one line fit to show as it is."""

    def __init__(self, message: str) -> None:
        """Keep ``message`` on one line, whatever was quoted in it."""
        super().__init__(" ".join(message.split()))


def nearest(name: str, options: Iterable[str]) -> str | None:
    """Return the option most like ``name``, or None where nothing is near."""
    close = get_close_matches(name.lower(), list(options), n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return ``" (did you mean X?)"`` for a misspelt ``name``, or an empty string."""
    close = nearest(name, options)
    return f" (did you mean {close!r}?)" if close else ""


def shown(value: object) -> str:
    """Return ``value`` as errors quote it: on one line, and not too long."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."
