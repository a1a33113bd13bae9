"""Making the runs of a question and keeping what they give, whatever happens on the way."""

import platform
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from experiments.executors import Executor, Lost
from experiments.question import Question
from experiments.recording import Recording, check_place, is_complete
from experiments.runs import Failed, Made, Run, Setting, make, plan, samples, setting
from simulation.errors import InputError

type Kind = Literal["compare", "run"]
type Progress = Callable[[int, int], None]

RUNS = Path("runs")
PACKAGES = ("mesa", "networkx", "numpy", "pandas", "pyarrow", "pydantic", "scipy")


@dataclass(frozen=True)
class Report:
    """What became of the runs of a question.

    Attributes:
        directory: the run directory; None where nothing was kept.
        status: "complete", or "interrupted" by the user.
        runs: number of runs that ended well.
        complete: number of replications of which every policy's run ended well.
        failed: the runs that did not end well.
    """

    directory: Path | None
    status: Literal["complete", "interrupted"]
    runs: int
    complete: int
    failed: tuple[Failed, ...]


class Interruption:
    """Whether the user has asked to stop; a second time stops at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        """Say whether to stop."""
        return self.asked

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Ask to stop, as a handler of signals."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Turn Ctrl-C into a polite request for as long as the block lasts."""
    asked = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGINT, asked.ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass
class _Tally:
    """What has come back so far."""

    runs: list[Run]
    failed: list[Failed]

    @property
    def done(self) -> int:
        return len(self.runs) + len(self.failed)

    def complete(self, policies: int) -> int:
        replications = [run.replication for run in self.runs]
        return sum(replications.count(each) == policies for each in set(replications))
