"""Making the runs of a design, however often it is stopped, killed and taken up again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Literal

from experiments.executors import MODEL, Executor, InProcess, as_they_come
from experiments.interruption import interruption
from experiments.pace import Pace, Standing
from experiments.recording import RUNS, claim
from experiments.runs import setting
from experiments.sweep_directory import begin, layout_at
from experiments.sweep_journal import Journal
from experiments.sweep_runs import Chosen, settled, tell
from results.sweep_files import PART_RUNS, Layout, held_runs, holds_runs
from results.sweeps import Sweep
from simulation.errors import InputError

if TYPE_CHECKING:
    from experiments.designs import Design, SweepRun

type Progress = Callable[[Standing], None]

LOADED = (*MODEL, "experiments.designs", "experiments.sweep_runs")
"""Modules that a worker needs to make a run of a sweep."""
MOST_REPLAYS = 100
"""Failed runs of which a sweep writes down the question that makes them again."""


@dataclass(frozen=True)
class SweepConduct:
    """What became of a sweep.

    Attributes:
        directory: where it is kept.
        status: "complete", or "interrupted" by the user.
        asked: number of runs of the design, or of the share of it that is made here.
        stored: how many of them are kept, failed ones included.
        failed: how many of these failed.
        taken_over: how many were there already.
        damaged: names of files that were found damaged, removed and made again.
    """

    directory: Path
    status: Literal["complete", "interrupted"]
    asked: int
    stored: int
    failed: int
    taken_over: int
    damaged: tuple[str, ...] = ()


def place_of(design: Design, share: tuple[int, int] = (1, 1)) -> Path:
    """Return where the sweep of ``design``, or a share of it, is kept unless someone says."""
    which, many = share
    return RUNS / (design.identity if many == 1 else f"{design.identity}-{which}-of-{many}")


def sweep(
    design: Design,
    place: Path | None = None,
    executor: Executor | None = None,
    *,
    resume: bool = False,
    more: bool = False,
    share: tuple[int, int] = (1, 1),
    part_runs: int = PART_RUNS,
    progress: Progress | None = None,
) -> SweepConduct:
    """Make the runs of ``design`` that ``place`` does not hold yet, and keep them there.

    What is finished stays, whatever happens: a kill costs no more than the runs at work. The files
    depend on the design alone, not on the executor, nor on how often the sweep was stopped.

    Args:
        design: which runs are asked.
        place: directory of the sweep; see `place_of` if None.
        executor: makes the runs; this process if None.
        resume: go on with the sweep that ``place`` holds, if it holds one.
        more: that sweep may have fewer replications of the same design, which are kept.
        share: which share of the design's parts is made here, from 1, and of how many.
        part_runs: runs in a file; a sweep that is resumed keeps its own.
        progress: told now and then how things stand.

    Raises:
        InputError: ``place`` holds something else, another process is at work there, it cannot be
            written, or the disk is full; what was finished is kept.
    """
    place = place or place_of(design, share)
    layout = layout_of(design, place, resume=resume, more=more, share=share, part_runs=part_runs)
    with _keeping(place), _claimed(place):
        begin(design, place, layout)
        journal = Journal(place, layout)
        journal.take_over()
        done = _conduct(design, journal, executor or InProcess(), progress)
        if done.failed:
            _write_replays(place)
        return done


def layout_of(
    design: Design,
    place: Path,
    *,
    resume: bool = False,
    more: bool = False,
    share: tuple[int, int] = (1, 1),
    part_runs: int = PART_RUNS,
) -> Layout:
    """Return how the runs of ``design`` fall into parts at ``place``; nothing is changed there.

    Raises:
        InputError: the share has no part, or `sweep` would refuse the place.
    """
    layout = Layout(design.size, part_runs, share)
    layout = layout_at(design, place, layout, resume=resume, more=more)
    if not layout.parts:
        parts = -(-layout.runs // layout.part_runs)
        raise InputError(
            f"--part {share[0]}/{share[1]}: nothing to make: all {layout.runs:,} runs fall into "
            f"{parts} {'file' if parts == 1 else 'files'} of {layout.part_runs}"
        )
    return layout


def missing_runs(design: Design, place: Path, layout: Layout) -> Chosen[SweepRun]:
    """Return the runs that `sweep` would make at ``place``; nothing is changed there."""
    journal = Journal(place, layout)
    journal.stored[list(held_runs(place, layout))] = True
    return Chosen(design.runs(), journal.missing)


def _conduct(
    design: Design, journal: Journal, executor: Executor, progress: Progress | None
) -> SweepConduct:
    taken_over, missing = journal.held, journal.missing
    clock = _Clock(journal, progress)
    with interruption() as stop, _flushing(journal):
        tasks = Chosen(design.runs(), missing)
        work = partial(tell, setting(design.question))
        for batch in as_they_come(executor, work, tasks, stop):
            for place, result in batch:
                journal.add(int(missing[place]), settled(result))
            journal.flush_if_due()
            clock.tell()
    left = len(journal.missing)
    return SweepConduct(
        directory=journal.directory,
        status="interrupted" if left else "complete",
        asked=journal.layout.asked,
        stored=journal.held,
        failed=journal.failures,
        taken_over=taken_over,
        damaged=tuple(path.name for path in journal.damaged),
    )


class _Clock:
    """Tells how things stand."""

    def __init__(self, journal: Journal, progress: Progress | None) -> None:
        self._journal, self._progress = journal, progress
        self._before, self._asked = journal.held, journal.layout.asked
        self._started, self._pace = monotonic(), Pace()

    def tell(self) -> None:
        if self._progress:
            done, failed = self._journal.held, self._journal.failures
            made, seconds = done - self._before, monotonic() - self._started
            rate = self._pace.rate(seconds, made)
            self._progress(Standing(done, self._asked, failed, made, seconds, rate))


@contextmanager
def _flushing(journal: Journal) -> Iterator[None]:
    """Journal what waits when the block ends, unless it was the disk that ended it."""
    try:
        yield
    except (OSError, InputError):
        with suppress(OSError):
            journal.flush()
        raise
    except BaseException:
        journal.flush()
        raise
    journal.flush()


@contextmanager
def _keeping(place: Path) -> Iterator[None]:
    """Say in one line that the disk refuses something, and what became of the sweep."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        kept = "; what was finished is kept, go on with --resume" if holds_runs(place) else ""
        raise InputError(f"{place}: cannot be written: {reason}{kept}") from None


@contextmanager
def _claimed(place: Path) -> Iterator[None]:
    """Let no other process write at ``place`` for as long as the block lasts."""
    whole = Path(os.path.abspath(place))
    lock = whole.with_name(f".{whole.name}.lock")
    whole.parent.mkdir(parents=True, exist_ok=True)
    claim(lock, place)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _write_replays(directory: Path) -> None:
    """Write down the questions that make failed runs again, of the first `MOST_REPLAYS`."""
    made = Sweep.open(directory)
    for run in made.failed.index[:MOST_REPLAYS]:
        made.replay_of(int(run))
