"""The answers that a page asks for again and again: summaries are made once for each state."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

import pandas as pd

from results.explorer.asking import Desk
from results.statistics import summarise
from results.store import RunDirectory

MOST_KEPT = 8


@dataclass(frozen=True)
class Answer:
    """The complete replications of a question, and their summary."""

    run: RunDirectory
    summary: pd.DataFrame


class Answers:
    """Answers of a desk, each made once while it does not change."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: OrderedDict[str, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, ticket: str) -> Answer | None:
        """Return the answer to a question so far, None before its first replication is complete.

        Raises:
            InputError: the ticket is not known.
        """
        run = self._desk.run(ticket)
        if run is None:
            return None
        with self._lock:
            kept = self._kept.get(ticket)
            if kept is None or kept.run is not run:
                kept = Answer(run, summarise(run))
                self._kept[ticket] = kept
            self._kept.move_to_end(ticket)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return kept
