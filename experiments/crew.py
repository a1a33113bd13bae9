"""A standing crew: worker processes that stay, so that the next run starts at once."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import wait
from typing import Any

from experiments.executors import TRIES, settle_worker, tidily, worker_context

NICENESS = 10

type Work[T, R] = Callable[[T], R]


@dataclass
class _Errand:
    """Work on a task, what was promised of it, and how often which pool has tried it."""

    work: Work[Any, Any]
    task: Any
    promise: Future[Any]
    tried: int = 0
    pool: ProcessPoolExecutor | None = None


class StandingCrew:
    """Worker processes that wait for work, and keep what they have loaded.

    A worker that dies takes the whole pool with it; another pool then takes its place, and what was
    at work is tried again, `TRIES` times in all. One thread alone speaks with the pools, so that
    nobody who gives work, or takes it back, ever waits for a pool's lock: a pool that breaks holds
    it while callbacks run, and for good where the last that knows the pool lets go of it meanwhile.
    """

    def __init__(self, workers: int) -> None:
        """Start loading the model in the background; workers start with the first work."""
        self.workers = workers
        self.closed = False
        self._context = worker_context()
        self._pool = self._new_pool()
        self._speaker = ThreadPoolExecutor(1)

    def submit[T, R](self, work: Work[T, R], task: T) -> Future[R]:
        """Have ``work`` done on ``task``, both picklable, and return what becomes of it.

        The future raises `BrokenProcessPool` where the worker died every time.
        """
        promise: Future[R] = Future()
        self._speak(_Errand(work, task, promise), self._try)
        return promise

    def close(self) -> None:
        """End the workers once they are done with what they are at, and wait until they have.

        A process that ends meanwhile would wake a pool that is just closing its pipe.
        """
        self.closed = True
        self._speaker.submit(lambda: self._pool.shutdown(wait=True, cancel_futures=True))
        self._speaker.shutdown(wait=True)

    def _speak(self, errand: _Errand, how: Callable[[_Errand], None]) -> None:
        """Have the one thread do something about ``errand``; once all is closed it fails."""
        try:
            self._speaker.submit(how, errand)
        except RuntimeError as error:
            errand.promise.set_exception(error)

    def _try(self, errand: _Errand) -> None:
        """Hand ``errand`` to the pool, or to another one where this one has broken."""
        errand.tried += 1
        errand.pool = self._pool
        try:
            future = self._pool.submit(tidily, errand.work, errand.task)
        except (BrokenProcessPool, RuntimeError) as error:
            self._again(errand, error)
            return
        future.add_done_callback(partial(self._take, errand))

    def _take(self, errand: _Errand, done: Future[Any]) -> None:
        """Hand on what has come back; called by the pool's thread."""
        error = None if done.cancelled() else done.exception()
        if done.cancelled():
            errand.promise.cancel()
        elif isinstance(error, BrokenProcessPool):
            self._speak(errand, partial(self._again, error=error))
        elif error is not None:
            errand.promise.set_exception(error)
        else:
            errand.promise.set_result(done.result())

    def _again(self, errand: _Errand, error: BaseException) -> None:
        """Try once more in another pool, unless it has been tried often enough."""
        if errand.pool is self._pool and not self.closed:
            self._pool.shutdown(wait=True)
            self._pool = self._new_pool()
        if errand.tried == TRIES or self.closed:
            errand.promise.set_exception(error)
        else:
            self._try(errand)

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.workers, mp_context=self._context, initializer=_begin)

    def __enter__(self) -> StandingCrew:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _begin() -> None:
    """Make this process a worker, which gives way to the page and dies with who it works for."""
    settle_worker()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
