"""What a sweep will take, said before it begins and measured on a few of its runs."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from experiments.designs import SweepRun
from experiments.interruption import heed, interruption
from experiments.pace import lasting, size
from experiments.runs import Setting
from experiments.sweep_runs import Chosen, Told, tables, tell
from results.sweep_files import Tables, packed, parquet
from simulation.errors import InputError

MEASURED = 6
"""Most runs that are made to measure, spread over the sweep."""
MEASURING_SECONDS = 8.0
"""How long measuring may take before no further run is begun."""
RESERVE = 1.2
"""Room that must be there, over what is expected."""


@dataclass(frozen=True)
class Forecast:
    """What the runs that are still to be made will take.

    Attributes:
        runs: how many.
        seconds_per_run: of one process.
        workers: processes that share them; None if that is not known.
        bytes_per_run: on disk, once they are in parts.
        bytes_waiting: most that the journal takes meanwhile.
        measured: number of runs on which this was measured.
        failed: how many of these failed.
    """

    runs: int
    seconds_per_run: float
    workers: int | None
    bytes_per_run: float
    bytes_waiting: float
    measured: int
    failed: int = 0

    @property
    def seconds(self) -> float:
        """How long they will take."""
        return self.runs * self.seconds_per_run / min(self.workers or 1, max(1, self.runs))

    @property
    def room(self) -> float:
        """Bytes that must be free."""
        return RESERVE * self.runs * self.bytes_per_run + self.bytes_waiting

    def words(self) -> str:
        """Say it on one line."""
        basis = f"measured on {self.measured} of them"
        if self.failed:
            basis += f", of which {self.failed} failed"
        return (
            f"{self.runs:,} runs: about {lasting(self.seconds)} {self._whose()} and "
            f"{size(self.runs * self.bytes_per_run)} on disk ({basis})"
        )

    def _whose(self) -> str:
        if self.workers is None:
            return "of one process's work"
        return f"on {self.workers} {'process' if self.workers == 1 else 'processes'}"


def forecast(
    shared: Setting, runs: Chosen[SweepRun], part_runs: int, workers: int | None
) -> Forecast:
    """Make a few of ``runs`` and return what all of them will take; nothing is kept.

    Ctrl-C is heard between two runs: within one, compiled code may swallow what a handler raises.

    Args:
        shared: what all runs share.
        runs: those that are to be made; at least one.
        part_runs: runs in a file.
        workers: processes that will make them; None if that is not known.

    Raises:
        KeyboardInterrupt: the user asked to stop.
    """
    some = [runs[place] for place in _spread(len(runs))]
    with interruption() as stop:
        seconds, told = _measured(shared, some, stop)
    parts = len(set((runs.numbers // part_runs).tolist()))
    fixed, each = _bytes(tables(dict(enumerate(told))))
    journal = len(packed(tables(dict(enumerate(told))))) / len(told)
    return Forecast(
        runs=len(runs),
        seconds_per_run=seconds,
        workers=workers,
        bytes_per_run=each + fixed * parts / len(runs),
        bytes_waiting=2 * part_runs * journal,
        measured=len(told),
        failed=sum(one.failed for one in told),
    )


def check_room(needed: Forecast, place: Path) -> None:
    """Refuse a disk that has not enough room.

    Raises:
        InputError: it has not.
    """
    free = shutil.disk_usage(_existing(place)).free
    if needed.room > free:
        raise InputError(
            f"{place}: not enough room on the disk: {needed.runs:,} runs need about "
            f"{size(needed.room)}, {size(free)} are free; make room or choose another --out"
        )


def check_writable(place: Path) -> None:
    """Refuse a place below a folder that this process may not write to.

    Raises:
        InputError: it is.
    """
    if not os.access(_existing(place), os.W_OK | os.X_OK):
        raise InputError(f"{place}: cannot be written: {os.strerror(errno.EACCES)}")


def _spread(count: int) -> list[int]:
    """Return up to `MEASURED` places spread evenly over ``count``."""
    many = min(MEASURED, count)
    return sorted({(2 * n + 1) * count // (2 * many) for n in range(many)})


def _measured(
    shared: Setting, runs: Sequence[SweepRun], stop: Callable[[], bool]
) -> tuple[float, list[Told]]:
    """Return seconds a run, and what the runs gave; a first year alone loads what is compiled."""
    tell(replace(shared, years=1), runs[0])
    taken: list[float] = []
    told: list[Told] = []
    for run in runs:
        heed(stop)
        started = monotonic()
        told.append(tell(shared, run))
        taken.append(monotonic() - started)
        if sum(taken) > MEASURING_SECONDS:
            break
    heed(stop)
    return sum(taken) / len(taken), told


def _bytes(some: Tables) -> tuple[float, float]:
    """Return bytes that a part takes whatever it holds, and bytes that each run adds to it."""
    runs = some.numbers
    whole, one = _in_parquet(some), _in_parquet(some.only(runs[:1]))
    each = (whole - one) / (len(runs) - 1) if len(runs) > 1 else whole
    return max(0.0, one - each), max(1.0, each)


def _in_parquet(some: Tables) -> int:
    return sum(len(parquet(table)) for table in (some.runs, some.quarters))


def _existing(place: Path) -> Path:
    """Return ``place``, or the nearest folder above it that is there."""
    whole = place.absolute()
    return next((path for path in (whole, *whole.parents) if path.is_dir()), whole)
