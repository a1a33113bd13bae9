"""A small question for tests of the explorer, and a desk whose workers are watched."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from experiments.desk import Desk
from experiments.question import Question, Territory, question_of
from simulation.register import parse_register
from tests.worlds import REGISTER

QUESTION: dict[str, Any] = {
    "years": 1,
    "replicates": 3,
    "policies": [{"name": "mine", "title": "Mine", "levers": {"risk_transfer": 0.3}}],
}


def small_question(**changes: Any) -> Question:
    """Return a question on five councils, of one year and three replications."""
    place = Territory(parse_register(REGISTER.encode(), "councils.csv"), "councils.csv")
    return question_of({**QUESTION, **changes}, place)


@dataclass
class WatchedCrew:
    """Workers that do nothing until they are told, here and in order."""

    workers: int = 2
    closed: bool = False
    waiting: list[tuple[Callable[[Any], Any], Any, Future[Any]]] = field(default_factory=list)
    done: list[Any] = field(default_factory=list)

    def submit(self, work: Callable[[Any], Any], task: Any) -> Future[Any]:
        promise: Future[Any] = Future()
        self.waiting.append((work, task, promise))
        return promise

    def step(self) -> None:
        """Do what waits longest."""
        work, task, promise = self.waiting.pop(0)
        self.done.append(task)
        promise.set_result(work(task))

    def finish(self) -> None:
        """Do all that waits, and what comes of it."""
        while self.waiting:
            self.step()


def watched(**changes: Any) -> tuple[Desk, WatchedCrew]:
    """Return a desk that starts with the small question, and its workers."""
    crew = WatchedCrew()
    return Desk(small_question(**changes), crew), crew
