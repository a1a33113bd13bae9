"""A question at work at the explorer's desk: its runs, and what has come back of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic
from typing import Literal

from experiments.live import named
from experiments.question import Question
from experiments.runs import Failed, Made, Run, Setting, plan, setting

type Result = Made | Failed

LOOKED_AWAY_SECONDS = 20.0
"""After so long without a look at its standing no further run is made for a question."""


@dataclass
class Job:
    """A question at work.

    Runs that are alike to the last bit, of policies that set the same levers, are made once.

    Attributes:
        question: what is asked.
        idle: whether its runs are made only while no other question has any.
        left: why the rest of its runs is left, None while they are made.
        looked: when someone looked at its standing last.
        results: what has come back, by the place of its run.
    """

    question: Question
    idle: bool = False
    left: Literal["cancelled", "replaced"] | None = None
    looked: float = field(default_factory=monotonic)
    results: dict[int, Result] = field(default_factory=dict)
    _good: Counter[int] = field(default_factory=Counter)

    @cached_property
    def runs(self) -> list[Run]:
        """All runs in order."""
        return plan(self.question)

    @cached_property
    def setting(self) -> Setting:
        """What all its runs share."""
        return setting(self.question)

    @cached_property
    def places(self) -> dict[Run, list[int]]:
        """Where each run stands among `runs`, at several places where they are alike."""
        places: dict[Run, list[int]] = {}
        for place, run in enumerate(self.runs):
            places.setdefault(run, []).append(place)
        return places

    def take(self, run: Run, result: Result) -> None:
        """Keep what has come back of ``run``, if it is one of these."""
        for place in self.places.get(run, ()):
            if place not in self.results:
                self.results[place] = result
                self._good[self.runs[place].replication] += isinstance(result, Made)

    def lacking(self) -> Iterator[Run]:
        """Yield runs of which nothing has come back, in order."""
        return (run for place, run in enumerate(self.runs) if place not in self.results)

    @property
    def waits(self) -> bool:
        """Whether no run is to be made for it now."""
        away = monotonic() - self.looked > LOOKED_AWAY_SECONDS
        return self.left is not None or self.done or (away and not self.idle)

    @property
    def done(self) -> bool:
        """Whether all runs have come back."""
        return len(self.results) == len(self.runs)

    def complete(self, *, twins: bool = False) -> int:
        """Return how many main replications, or twins, every policy has."""
        many = len(self.question.policies)
        return sum(
            good == many and (replication >= self.question.replicates) == twins
            for replication, good in self._good.items()
        )

    def made(self) -> list[Made]:
        """Return the runs that ended well, in order, under their own policies' names."""
        back = [(self.runs[place], self.results[place]) for place in sorted(self.results)]
        return [named(result, run) for run, result in back if isinstance(result, Made)]

    def failed(self) -> list[Failed]:
        """Return the runs that did not end well, in order."""
        back = [self.results[place] for place in sorted(self.results)]
        return [result for result in back if isinstance(result, Failed)]
