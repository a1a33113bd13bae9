"""How far a sweep is: runs done, how fast, how long it will take, and how many failed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

LINES_SECONDS = 60.0
"""How often a log gets a line of progress, at least."""
TENTHS = 10
WINDOW_SECONDS = 60.0


@dataclass(frozen=True)
class Standing:
    """How things stand.

    Attributes:
        done: runs that are kept, those of earlier sittings included.
        asked: runs that are asked.
        failed: how many of those kept failed.
        made: how many were made in this sitting.
        seconds: how long this sitting has lasted.
        rate: runs a second lately; 0 while that is not known.
    """

    done: int
    asked: int
    failed: int
    made: int = 0
    seconds: float = 0.0
    rate: float = 0.0

    @property
    def left(self) -> float | None:
        """Seconds until all are made at this rate; None if that is not known yet."""
        return (self.asked - self.done) / self.rate if self.rate else None

    def words(self) -> str:
        """Say the same on one line."""
        parts = [f"{self.done:,} of {self.asked:,} runs"]
        if self.rate:
            parts.append(f"{pace(self.rate)}, about {lasting(self.left or 0.0)} left")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        return ", ".join(parts)


class Pace:
    """Runs a second over the last `WINDOW_SECONDS`: the time to the first result does not count."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def rate(self, seconds: float, made: int) -> float:
        """Return the rate after ``seconds``, in which ``made`` runs were made; 0 if not known."""
        if made and (not self._seen or made > self._seen[-1][1]):
            self._seen.append((seconds, made))
        while len(self._seen) > 2 and seconds - self._seen[1][0] > WINDOW_SECONDS:
            self._seen.popleft()
        if len(self._seen) < 2:
            return 0.0
        since, before = self._seen[0]
        return (made - before) / (seconds - since) if seconds > since else 0.0


def pace(rate: float) -> str:
    """Return a rate in words: runs a second, or a minute if they are slow."""
    return f"{rate:.1f} runs a second" if rate >= 1 else f"{60 * rate:.1f} runs a minute"


def lasting(seconds: float) -> str:
    """Return a length of time in words, as fine as it is worth."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def size(count: float) -> str:
    """Return a number of bytes in words."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


@contextmanager
def sweep_progress(stream: TextIO) -> Iterator[Callable[[Standing], None]]:
    """Yield what is told how things stand: a bar on a terminal, now and then a line in a log."""
    if not stream.isatty():
        yield _Lines(stream).tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda now: bar.update(
            task, completed=now.done, total=now.asked, description=now.words()
        )


class _Lines:
    """Progress as plain lines: at every tenth of the runs, and every minute."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._tenth = 0
        self._told = 0.0

    def tell(self, now: Standing) -> None:
        tenth = TENTHS * now.done // max(1, now.asked)
        if now.made and (tenth > self._tenth or now.seconds - self._told >= LINES_SECONDS):
            self._tenth, self._told = tenth, now.seconds
            self._stream.write(f"{now.words()}\n")
            self._stream.flush()
