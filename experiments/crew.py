"""A standing crew: worker processes that stay, so that the next run starts at once."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any

from experiments.executors import TRIES, settle_worker, tidily, worker_context

NICENESS = 10

type Work[T, R] = Callable[[T], R]


class StandingCrew:
    """Worker processes that wait for work, and keep what they have loaded.

    A worker that dies takes the whole pool with it; another pool then takes its place, and what was
    at work is tried again, `TRIES` times in all.
    """

    def __init__(self, workers: int) -> None:
        """Start loading the model in the background; workers start with the first work."""
        self.workers = workers
        self._context = worker_context()
        self._lock = threading.Lock()
        self.closed = False
        self._pool = self._new_pool()

    def submit[T, R](self, work: Work[T, R], task: T) -> Future[R]:
        """Have ``work`` done on ``task``, both picklable, and return what becomes of it.

        The future raises `BrokenProcessPool` where the worker died every time.
        """
        promise: Future[R] = Future()
        self._try(work, task, promise, 1)
        return promise

    def close(self) -> None:
        """End the workers once they are done with what they are at."""
        self.closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _try[T, R](self, work: Work[T, R], task: T, promise: Future[R], tried: int) -> None:
        pool = self._pool
        try:
            future = pool.submit(tidily, work, task)
        except (BrokenProcessPool, RuntimeError) as error:
            self._again(pool, work, task, promise, tried, error)
            return
        future.add_done_callback(lambda done: self._take(pool, work, task, promise, tried, done))

    def _take(
        self,
        pool: ProcessPoolExecutor,
        work: Work[Any, Any],
        task: Any,
        promise: Future[Any],
        tried: int,
        done: Future[Any],
    ) -> None:
        if done.cancelled():
            promise.cancel()
            return
        error = done.exception()
        if isinstance(error, BrokenProcessPool):
            self._again(pool, work, task, promise, tried, error)
        elif error is not None:
            promise.set_exception(error)
        else:
            promise.set_result(done.result())

    def _again(
        self,
        pool: ProcessPoolExecutor,
        work: Work[Any, Any],
        task: Any,
        promise: Future[Any],
        tried: int,
        error: BaseException,
    ) -> None:
        """Try once more in another pool, unless it has been tried often enough."""
        if tried == TRIES or self.closed:
            promise.set_exception(error)
            return
        with self._lock:
            if self._pool is pool:
                self._pool = self._new_pool()
        self._try(work, task, promise, tried + 1)

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
