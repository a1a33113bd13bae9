"""Verdicts on a page: a mark, its words, and colour only on top of these."""

from collections.abc import Mapping, Sequence

from results import narrative, statistics
from results.words import (
    NOT_DEFINED,
    UNDECIDED_LARGE,
    UNDECIDED_NOTHING,
    UNDECIDED_SMALL,
)

MARKS = {
    statistics.BETTER: "▲",
    statistics.WORSE: "▼",
    statistics.NEGLIGIBLE: "■",
    UNDECIDED_LARGE: "◉",
    UNDECIDED_SMALL: "◉",
    UNDECIDED_NOTHING: "○",
    statistics.IDENTICAL: "=",
    statistics.TOO_FEW_EVENTS: "?",
    statistics.TOO_FEW_PAIRS: "\N{MULTIPLICATION SIGN}",
    NOT_DEFINED: "",
    "": "◇",
}
MOST_COLUMNS = 5
"""Policies in one table; more go into a table of their own below."""
NO_WORDS: Mapping[str, str] = {}


def verdict_mark(row: narrative.Row, words: Mapping[str, str] = NO_WORDS) -> str:
    """Return the verdict of a row as HTML; ``words`` are those that take another's place."""
    verdict = narrative.verdict_of(row)
    kind = verdict if verdict in (statistics.BETTER, statistics.WORSE) else ""
    mark = f'<span aria-hidden="true">{MARKS[verdict]}</span>' if MARKS[verdict] else ""
    told = words.get(verdict, verdict) or "not judged"
    return f'<span class="verdict {kind}">{f"{mark} {told}".strip()}</span>'


def parted(items: Sequence[str], most: int = MOST_COLUMNS) -> list[Sequence[str]]:
    """Return ``items`` in parts of at most ``most``."""
    return [items[start : start + most] for start in range(0, len(items), most)]
