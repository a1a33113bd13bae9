"""What each open page asked last, so that a change that overtakes another takes it along.

A browser sends a change together with the question as it knows it. Where it has not yet heard what
became of the change before, that question is out of date, and the one kept here holds.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from results.explorer.state import State

MOST_PAGES = 200
"""Pages that are remembered; for others the browser's word is taken."""


class Asked(NamedTuple):
    """A question as it stands on a page: its state, those before it, and its ticket."""

    state: State
    past: list[State]
    ticket: str


class Pages:
    """What was asked last, by page; one change at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: OrderedDict[str, Asked] = OrderedDict()

    @contextmanager
    def at(self, page: str, told: Asked) -> Iterator[tuple[Asked, bool]]:
        """Yield what ``page`` asked last, and whether the browser was ``told`` something older."""
        with self._lock:
            now = self._asked.get(page, told)
            yield now, now.ticket != told.ticket or now.state != told.state

    def keep(self, answer: Sequence[Any]) -> None:
        """Keep what is asked after a change, in which all is left that is no document."""
        asked, past, ticket, page = *answer[:3], answer[7]
        if isinstance(page, str):
            self._asked[page] = Asked(asked, past, ticket)
            self._asked.move_to_end(page)
        while len(self._asked) > MOST_PAGES:
            self._asked.popitem(last=False)
