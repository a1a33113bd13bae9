"""Names that a user may have meant: by parts of a name first, then by their likeness."""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

MOST_SUGGESTED = 6
SHORTEST_PART = 3
"""Letters from which on what was typed is looked for inside names."""
SHORTEST_START = 4
"""Letters with which an abbreviation and a name must begin alike."""


def suggestion(name: str, options: Iterable[str]) -> str:
    """Return ``" (did you mean 'X' or 'Y'?)"`` for a ``name`` that is none, or an empty string."""
    found = meant(name, list(options))
    shown = [repr(one) for one in found[:MOST_SUGGESTED]]
    if len(found) > MOST_SUGGESTED:
        shown.append(f"{len(found) - MOST_SUGGESTED} more")
    if not shown:
        return ""
    *others, last = shown
    return (
        f" (did you mean {', '.join(others)} or {last}?)" if others else f" (did you mean {last}?)"
    )


def meant(name: str, options: Sequence[str]) -> list[str]:
    """Return the ``options`` that ``name`` may stand for, the likeliest first; case is no matter.

    Those of which it is a part; else the longest that is a part of it; else those that it
    abbreviates; else the one most like it.
    """
    typed = " ".join(name.casefold().split())
    known = [(one.casefold(), one) for one in options]
    return (
        _having(_part_of, typed, known)
        or _longest_in(typed, known)
        or _having(_abbreviates, typed, known)
        or _most_like(typed, known)
    )


type Known = Sequence[tuple[str, str]]
"""Names as they are compared, and as they are."""


def _having(fits: Callable[[str, str], bool], typed: str, known: Known) -> list[str]:
    """Return the names that fit, those first that begin like ``typed``."""
    found = [pair for pair in known if fits(typed, pair[0])]
    start = typed[:SHORTEST_START]
    return [one for _, one in sorted(found, key=lambda pair: not pair[0].startswith(start))]


def _longest_in(typed: str, known: Known) -> list[str]:
    whole = [pair for pair in known if f" {pair[0]} " in f" {typed} "]
    return [max(whole, key=lambda pair: len(pair[0]))[1]] if whole else []


def _most_like(typed: str, known: Known) -> list[str]:
    close = get_close_matches(typed, [other for other, _ in known], n=1, cutoff=0.6)
    return [one for other, one in known if other in close]


def _part_of(typed: str, other: str) -> bool:
    return len(typed) >= SHORTEST_PART and typed in other


def _abbreviates(typed: str, other: str) -> bool:
    """Say whether a name, or a word of it, begins like ``typed`` but for its last letter."""
    start = typed[:-1]
    return len(start) >= SHORTEST_START and any(
        word.startswith(start) for word in (other, *other.split())
    )
