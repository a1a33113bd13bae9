"""Where runs are made: in this process, or in a pool of worker processes on this machine.

Every executor yields one result a task, in the order of the tasks, so that neither the kind of
executor nor the number of workers leaves a trace in what is stored.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection, forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from operator import itemgetter
from time import monotonic
from typing import Any, Protocol

type Work[T, R] = Callable[[T], R]
type Stop = Callable[[], bool]
type Batch[R] = list[tuple[int, R]]
type Context = ForkServerContext | SpawnContext

MODEL = ("simulation.model", "experiments.runs", "pyarrow")
"""Modules that a worker needs to make a run."""
WORKERS = (1, 256)
CHUNK_SECONDS = 1.0
LARGEST_CHUNK = 200
ATTENTIVE_SECONDS = 0.1
"""How long an executor waits before it looks again whether it should stop."""
PATIENT_SECONDS = 5.0
"""How long an executor waits for a worker that it has told to end."""
TRIES = 3
"""How often a task is tried whose worker dies, and how many workers may die before they start."""


@dataclass(frozen=True)
class Lost[T]:
    """A task whose worker died every time that it was tried; ``error`` says how it last ended."""

    task: T
    error: str


class Executor(Protocol):
    """Something that does the same work on many tasks."""

    def run[T, R](self, work: Work[T, R], tasks: Sequence[T], stop: Stop) -> Iterator[R | Lost[T]]:
        """Yield a result for every task, in their order, until ``stop()`` is true.

        ``work`` and the tasks must be picklable, and ``work`` must not raise.
        """
        ...


def default_workers() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(count, WORKERS[1])


def as_they_come[T, R](
    executor: Executor, work: Work[T, R], tasks: Sequence[T], stop: Stop
) -> Iterator[Batch[R | Lost[T]]]:
    """Yield batches of results, each with its task's place, until all are done or ``stop()``.

    An executor that has ``batches`` yields them as they are done, whatever their order, and now and
    then an empty one, so that who waits can look at the clock; any other yields them in order.
    """
    if hasattr(executor, "batches"):
        yield from executor.batches(work, tasks, stop)
        return
    for result in enumerate(executor.run(work, tasks, stop)):
        yield [result]


@dataclass
class Workload[T, R](ABC):
    """Tasks that workers share in chunks, and what they have done so far."""

    tasks: Sequence[T]
    next_task: int = field(default=0, init=False)
    done: dict[int, R | Lost[T]] = field(default_factory=dict, init=False)
    _seconds_per_task: float = field(default=CHUNK_SECONDS, init=False)

    def results(self, stop: Stop) -> Iterator[R | Lost[T]]:
        """Yield results in the order of the tasks until all are done or ``stop()`` is true."""
        for place in range(len(self.tasks)):
            while place not in self.done and not stop():
                self.advance(place)
            if stop():
                return
            yield self.done.pop(place)

    def batches(self, stop: Stop) -> Iterator[Batch[R | Lost[T]]]:
        """Yield what is done, with its place, until all is or ``stop()`` is true."""
        left = len(self.tasks)
        while left and not stop():
            self.advance(len(self.tasks))
            batch, self.done = sorted(self.done.items(), key=itemgetter(0)), {}
            left -= len(batch)
            yield batch

    @abstractmethod
    def advance(self, place: int) -> None:
        """Give work to who is free and wait a little for results; that at ``place`` is wanted."""

    def chunk(self, workers: int) -> tuple[int, Sequence[T]]:
        """Return the place of the next task, and the tasks from there on for one of ``workers``.

        They fill `CHUNK_SECONDS`; near the end they are fewer, for balance.
        """
        first = self.next_task
        share = (len(self.tasks) - first) // (2 * workers)
        size = max(1, min(share, LARGEST_CHUNK, round(CHUNK_SECONDS / self._seconds_per_task)))
        self.next_task = min(first + size, len(self.tasks))
        return first, self.tasks[first : self.next_task]

    def take(self, first: int, results: Sequence[R], seconds: float) -> None:
        """Take what came of a chunk whose first task stands at ``first``, in ``seconds``."""
        self.done.update(enumerate(results, first))
        self._seconds_per_task = max(seconds / len(results), 1e-4)


class InProcess:
    """Do the work here, one task after the other."""

    def run[T, R](self, work: Work[T, R], tasks: Sequence[T], stop: Stop) -> Iterator[R | Lost[T]]:
        """Yield a result for every task, in their order, until ``stop()`` is true."""
        for task in tasks:
            if stop():
                return
            yield work(task)


class LocalPool:
    """Share the work between processes on this machine.

    Workers are forked from a server that has the model loaded, and each has a pipe of its own. When
    one dies another takes its place and tries its tasks again one by one; a task that ends its
    worker `TRIES` times is yielded as `Lost`.
    """

    def __init__(self, workers: int, preload: Sequence[str] = MODEL) -> None:
        """Start loading the modules ``preload`` in the background."""
        self.workers = workers
        self._context = worker_context(preload)

    def run[T, R](self, work: Work[T, R], tasks: Sequence[T], stop: Stop) -> Iterator[R | Lost[T]]:
        """Yield a result for every task, in their order, until ``stop()`` is true."""
        crew = _Crew(tasks, work, self.workers, self._context)
        try:
            yield from crew.results(stop)
        finally:
            crew.dismiss()

    def batches[T, R](
        self, work: Work[T, R], tasks: Sequence[T], stop: Stop
    ) -> Iterator[Batch[R | Lost[T]]]:
        """Yield results with their tasks' places as they are done, now and then none at all."""
        crew = _Crew(tasks, work, self.workers, self._context)
        try:
            yield from crew.batches(stop)
        finally:
            crew.dismiss()


@dataclass(frozen=True)
class _Chunk[T]:
    """Consecutive tasks that one worker does in one go, and how often that was tried before."""

    first: int
    tasks: Sequence[T]
    tried: int = 0

    def again(self) -> list[_Chunk[T]]:
        """Return the same tasks, one a chunk, to be tried once more."""
        return [
            _Chunk(self.first + place, [task], self.tried + 1)
            for place, task in enumerate(self.tasks)
        ]


@dataclass
class _Worker[T]:
    """A process, this end of its pipe, what it is at work on, and whether it ever spoke."""

    process: BaseProcess
    pipe: Connection[Any, Any]
    chunk: _Chunk[T] | None = None
    started: bool = False

    def give(self, chunk: _Chunk[T]) -> None:
        """Hand over a chunk; a worker that is dead shows it when its answer is read."""
        self.chunk = chunk
        with suppress(OSError):
            self.pipe.send(chunk.tasks)

    def end(self) -> str:
        """End the process, if it has not ended, and say how it did."""
        self.pipe.close()
        for end in (self.process.terminate, self.process.kill):
            end()
            self.process.join(PATIENT_SECONDS)
        return f"its worker process ended with exit code {self.process.exitcode}"


@dataclass
class _Crew[T, R](Workload[T, R]):
    """The workers of one campaign, what waits for them, and what they have done."""

    work: Work[T, R]
    size: int
    context: Context
    again: deque[_Chunk[T]] = field(default_factory=deque)
    workers: list[_Worker[T]] = field(default_factory=list)
    stillborn: int = 0

    def advance(self, place: int) -> None:
        """Keep every worker at work, and receive what comes within `ATTENTIVE_SECONDS`."""
        self._hand_out()
        self._collect()

    def dismiss(self) -> None:
        """End every worker, at work or not."""
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.end()

    def _hand_out(self) -> None:
        while (worker := self._idle()) and (chunk := self._next_chunk()):
            worker.give(chunk)

    def _idle(self) -> _Worker[T] | None:
        for worker in self.workers:
            if worker.chunk is None:
                return worker
        waiting = self.again or self.next_task < len(self.tasks)
        return self._hire() if waiting and len(self.workers) < self.size else None

    def _hire(self) -> _Worker[T]:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=_serve, args=(theirs, self.work), daemon=True)
        with undisturbed():
            process.start()
        theirs.close()
        self.workers.append(_Worker(process, ours))
        return self.workers[-1]

    def _next_chunk(self) -> _Chunk[T] | None:
        if self.again:
            return self.again.popleft()
        if self.next_task == len(self.tasks):
            return None
        return _Chunk(*self.chunk(self.size))

    def _collect(self) -> None:
        busy = {worker.pipe: worker for worker in self.workers if worker.chunk}
        for pipe in connection.wait(list(busy), ATTENTIVE_SECONDS):
            self._receive(busy[pipe])  # type: ignore[index]

    def _receive(self, worker: _Worker[T]) -> None:
        try:
            answer = worker.pipe.recv()
        except (EOFError, OSError):
            self._replace(worker)
        else:
            self._accept(worker, answer)

    def _accept(self, worker: _Worker[T], answer: tuple[list[R], float] | None) -> None:
        """Take what ``worker`` says: nothing at first, then results and the seconds they took."""
        chunk, worker.started = worker.chunk, True
        if answer is None or chunk is None:
            return
        self.take(chunk.first, *answer)
        worker.chunk = None

    def _replace(self, worker: _Worker[T]) -> None:
        self.workers.remove(worker)
        error, chunk = worker.end(), worker.chunk
        if not worker.started:
            self._count_stillborn(error)
        if chunk and len(chunk.tasks) == 1 and chunk.tried == TRIES - 1:
            self.done[chunk.first] = Lost(chunk.tasks[0], error)
        elif chunk:
            self.again.extend(chunk.again())

    def _count_stillborn(self, error: str) -> None:
        self.stillborn += 1
        if self.stillborn == TRIES:
            raise RuntimeError(
                f"no worker process starts ({error}); a script that uses a pool must do so under "
                "if __name__ == '__main__'"
            )


def _serve[T, R](pipe: Connection[Any, Any], work: Work[T, R]) -> None:
    """Do what comes through ``pipe`` until its other end is closed."""
    settle_worker()
    pipe.send(None)
    while tasks := _received(pipe):
        started = monotonic()
        results = [tidily(work, task) for task in tasks]
        with suppress(OSError):
            pipe.send((results, monotonic() - started))


def settle_worker() -> None:
    """Make this process a worker: deaf to Ctrl-C, what it is born with kept out of the garbage."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()


def tidily[T, R](work: Work[T, R], task: T) -> R:
    """Do ``task`` and free what it leaves behind: a model holds itself in circles of references."""
    result = work(task)
    gc.collect()
    return result


def _received(pipe: Connection[Any, Any]) -> Any:
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return None


def worker_context(preload: Sequence[str] = MODEL) -> Context:
    """Start loading the modules ``preload`` in the background; return what makes workers of it."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    _start_server()
    return context


def _start_server() -> None:
    """Start the server of workers deaf to Ctrl-C, which is for this process to answer."""
    resource_tracker.ensure_running()
    with undisturbed():
        forkserver.ensure_running()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold Ctrl-C back for as long as the block lasts, and from every process that it starts.

    A Ctrl-C that comes meanwhile is answered when the block ends. Where the system cannot hold
    signals back, as on Windows, nothing is held back.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
