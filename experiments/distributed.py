"""Runs on the workers of a Dask cluster: one made on this machine, or one that is there already.

Before any work each worker is asked what is installed there, for runs are equal to the bit only
under the same Python, the same packages and the same tenderlab. A worker that joins later is asked
with the first tasks that it gets.
"""

from __future__ import annotations

import gc
import logging
import pickle
import platform
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

from experiments.executors import (
    ATTENTIVE_SECONDS,
    TRIES,
    Batch,
    Lost,
    Stop,
    Work,
    Workload,
    undisturbed,
)
from experiments.installation import DECIDING, installed_files, versions
from simulation.errors import InputError

if TYPE_CHECKING:
    from distributed import Client, Future

type Environment = Mapping[str, str]
"""What decides the bits of a run, by name: the machine, Python, packages and tenderlab itself."""

SAME = (*DECIDING, "dask", "distributed")
"""Packages of which every worker must have the same version."""
ANSWER_SECONDS = 5.0
"""How long a scheduler may take to answer."""
START_SECONDS = 30.0
"""How long the first worker of a cluster may take to join."""
WORKER_SECONDS = 60.0
"""How long a cluster may be without any worker."""
GATHER_SECONDS = 30.0
ROUND_SECONDS = 1.0
"""How often the workers are counted."""
AHEAD = 2
"""Chunks in flight for each worker, so that none waits for the next."""
KEPT = 8
"""Most chunks for each worker that are in flight, or done and waiting for an earlier one."""

_alone = threading.Lock()
"""Held by the thread of a worker that makes runs: the model wants a process for itself."""


class Cluster:
    """Share the work between the workers of a Dask cluster.

    Chunks of tasks are sent as workers come free, a few for each. A chunk whose worker died is
    split and tried again; a task whose workers died `TRIES` times, at last with nothing beside it,
    is yielded as `Lost`. Where the scheduler retries on its own, its retries count.
    """

    def __init__(self, workers: int = 1, scheduler: str = "") -> None:
        """Use ``workers`` processes on this machine, or the cluster at the address ``scheduler``.

        Raises:
            InputError: Dask is not installed.
        """
        if find_spec("distributed") is None:
            raise InputError("Dask is not installed: install tenderlab with its extra 'cluster'")
        self.workers = workers
        self.scheduler = scheduler

    def run[T, R](self, work: Work[T, R], tasks: Sequence[T], stop: Stop) -> Iterator[R | Lost[T]]:
        """Yield a result for every task, in their order, until ``stop()`` is true.

        Raises:
            InputError: no scheduler answers, it goes away, it has no workers, or one of these has
                other versions than this process.
        """
        with self._flight(work, tasks) as flight:
            yield from flight.results(stop)

    def batches[T, R](
        self, work: Work[T, R], tasks: Sequence[T], stop: Stop
    ) -> Iterator[Batch[R | Lost[T]]]:
        """Yield results with their tasks' places as they are done, now and then none at all.

        Raises:
            InputError: as `run`.
        """
        with self._flight(work, tasks) as flight:
            yield from flight.batches(stop)

    def check(self) -> int:
        """Return how many workers the cluster at the address has, once it is known to be fit.

        Raises:
            InputError: as `run`.
        """
        with _quiet(), _client(self) as client:
            check_workers(client, self.name)
            return len(client.nthreads())

    @contextmanager
    def _flight[T, R](self, work: Work[T, R], tasks: Sequence[T]) -> Iterator[_Flight[T, R]]:
        with _quiet(), _client(self) as client:
            check_workers(client, self.name)
            flight: _Flight[T, R] = _Flight(tasks, client, self.name, pickle.dumps(work))
            try:
                yield flight
            finally:
                flight.cancel()

    @property
    def name(self) -> str:
        """What messages call the cluster."""
        return f"--scheduler {self.scheduler}" if self.scheduler else "the local Dask cluster"


# Connecting


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own messages off the terminal: what matters of them is said in other words."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _client(cluster: Cluster) -> Iterator[Client]:
    with ExitStack() as stack:
        if cluster.scheduler:
            address = cluster.scheduler
            yield stack.enter_context(_connected(address, cluster.name, ANSWER_SECONDS))
        else:
            local = stack.enter_context(_local(cluster.workers))
            yield stack.enter_context(_connected(local, cluster.name, START_SECONDS))


@contextmanager
def _connected(address: Any, name: str, seconds: float) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(address, timeout=seconds, set_as_default=False)
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{name}: no Dask scheduler answers there within {seconds:g} s ({reason})"
        ) from None
    with client:
        yield client


@contextmanager
def _local(workers: int) -> Iterator[Any]:
    """Yield a cluster of processes on this machine that Ctrl-C does not reach."""
    import dask
    from distributed import LocalCluster

    settings = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.comm.timeouts.connect": START_SECONDS,
    }
    with dask.config.set(settings):
        with undisturbed():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            )
        with cluster:
            yield cluster


# What is installed


@cache
def environment() -> Environment:
    """Return what decides the bits of a run made by this process."""
    installed = versions((*SAME, "tenderlab"))
    return {
        "machine": platform.machine(),
        "Python": platform.python_version(),
        **installed,
        "tenderlab": f"{installed['tenderlab']} ({installed_files()})",
    }


def check_workers(client: Client, name: str) -> None:
    """Refuse a cluster whose workers would not make the same runs as this process.

    Raises:
        InputError: it has no worker, or one differs; ``name`` is what the message calls it.
    """
    _await_workers(client, name)
    there: Any = client.get_versions()
    for worker, about in sorted(there["workers"].items()):
        python = about["host"]["python"].rpartition(".final")[0] or about["host"]["python"]
        _compare({"Python": python}, worker, name)
    for worker, answer in sorted(client.run(_asker(), on_error="return").items()):
        if not isinstance(answer, dict):
            raise InputError(
                f"{name}: worker {worker}: cannot be asked what is installed: {answer}"
            )
        _compare(answer, worker, name)


def _await_workers(client: Client, name: str) -> None:
    try:
        client.wait_for_workers(1, timeout=START_SECONDS)
    except TimeoutError:
        raise InputError(f"{name}: has no workers; start some and try again") from None


def _asker() -> Callable[[], dict[str, str]]:
    """Return a function that a worker understands whether or not it has tenderlab."""

    def ask() -> dict[str, str]:
        try:
            from experiments.distributed import environment
        except ImportError:
            return {"tenderlab": "not installed, or another version"}
        return dict(environment())

    return ask


def _compare(there: Environment, worker: str, name: str) -> None:
    """Refuse what ``worker`` says is there where it differs from what is here."""
    here = environment()
    for package, found in there.items():
        if found != here[package]:
            raise InputError(
                f"{name}: worker {worker}: {package} is {found} there and {here[package]} here; "
                "runs are the same only under the same versions"
            )


# Sending and taking back


@dataclass(frozen=True)
class _Chunk[T]:
    """Consecutive tasks that are sent together, and how many workers died of them before."""

    first: int
    tasks: Sequence[T]
    deaths: int = 0

    @property
    def suspect(self) -> bool:
        """Whether its next death would be its last."""
        return len(self.tasks) == 1 and self.deaths >= TRIES - 1

    def again(self, deaths: int) -> list[_Chunk[T]]:
        """Return the same tasks one by one, after that many more deaths."""
        most = TRIES - 1 if len(self.tasks) > 1 else TRIES
        died = min(self.deaths + deaths, most)
        return [_Chunk(self.first + i, [task], died) for i, task in enumerate(self.tasks)]


@dataclass
class _Flight[T, R](Workload[T, R]):
    """The chunks of one campaign that are in flight, that wait, and that are done."""

    client: Client
    name: str
    work: bytes
    again: deque[_Chunk[T]] = field(default_factory=deque)
    flying: dict[Any, tuple[_Chunk[T], Future[Any]]] = field(default_factory=dict)
    landed: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    chunks_kept: deque[int] = field(default_factory=deque)
    workers: int = 0
    counted: float = -WORKER_SECONDS
    peopled: float = field(default_factory=monotonic)

    def advance(self, place: int) -> None:
        """Send what may be sent while that at ``place`` is waited for, and take what lands."""
        self._count_workers()
        self._hand_out(place)
        self._collect()

    def cancel(self) -> None:
        """Call back whatever is in flight."""
        futures = [future for _, future in self.flying.values()]
        self.flying.clear()
        if futures and self.client.status == "running":
            with suppress(OSError):
                self.client.cancel(futures, force=True)

    def _count_workers(self) -> None:
        now = monotonic()
        if now - self.counted < ROUND_SECONDS:
            return
        self.counted = now
        self.workers = self._workers_there()
        if self.workers:
            self.peopled = now
        elif now - self.peopled > WORKER_SECONDS:
            raise InputError(f"{self.name}: has had no worker for {WORKER_SECONDS:g} s")

    def _workers_there(self) -> int:
        if self.client.status != "running":
            raise self._gone()
        try:
            return len(self.client.nthreads())
        except OSError:
            raise self._gone() from None

    def _gone(self) -> InputError:
        return InputError(f"{self.name}: the scheduler has gone away; its unfinished runs are lost")

    def _hand_out(self, place: int) -> None:
        while len(self.flying) < AHEAD * self.workers and (chunk := self._next_chunk(place)):
            self._send(chunk)
            if chunk.suspect:
                return

    def _next_chunk(self, place: int) -> _Chunk[T] | None:
        if any(chunk.suspect for chunk, _ in self.flying.values()):
            return None
        if self.again:
            return self._next_again()
        while self.chunks_kept and self.chunks_kept[0] <= place:
            self.chunks_kept.popleft()
        if self.next_task >= len(self.tasks) or len(self.chunks_kept) >= KEPT * self.workers:
            return None
        chunk = _Chunk(*self.chunk(self.workers))
        self.chunks_kept.append(self.next_task)
        return chunk

    def _next_again(self) -> _Chunk[T] | None:
        """Return a chunk that is tried again; a suspect only once nothing else is in flight."""
        if self.again[0].suspect and self.flying:
            return None
        return self.again.popleft()

    def _send(self, chunk: _Chunk[T]) -> None:
        future: Future[Any] = self.client.submit(
            _do, self.work, chunk.tasks, environment(), pure=False
        )
        self.flying[future.key] = chunk, future
        self._listen(future)

    def _listen(self, future: Future[Any]) -> None:
        key = future.key
        future.add_done_callback(lambda _: self.landed.put(key))

    def _collect(self) -> None:
        try:
            key = self.landed.get(timeout=ATTENTIVE_SECONDS)
        except Empty:
            return
        if key in self.flying:
            self._take(*self.flying.pop(key))

    def _take(self, chunk: _Chunk[T], future: Future[Any]) -> None:
        from distributed import CancelledError, KilledWorker

        try:
            results, seconds = future.result(timeout=GATHER_SECONDS)
        except TimeoutError:  # its worker died after it was done; it is being done again
            self.flying[future.key] = chunk, future
            self._listen(future)
        except KilledWorker as error:
            self._retry(chunk, error.allowed_failures + 1)
        except (CancelledError, OSError):
            raise self._gone() from None
        except ImportError as error:
            raise InputError(f"{self.name}: a worker cannot load tenderlab: {error}") from None
        else:
            self.take(chunk.first, results, seconds)

    def _retry(self, chunk: _Chunk[T], deaths: int) -> None:
        if chunk.suspect:
            self.done[chunk.first] = Lost(chunk.tasks[0], "every worker process that made it died")
        else:
            self.again.extend(chunk.again(deaths))


def _do(work: bytes, tasks: Sequence[Any], here: Environment) -> tuple[list[Any], float]:
    """Do ``tasks`` on a worker; return the results and the seconds that they took."""
    from distributed import get_worker

    if environment() != here:
        _refuse(here, get_worker().address)
    with _alone:
        started = monotonic()
        results = [_tidily(_loaded(work), task) for task in tasks]
        return results, monotonic() - started


def _tidily[T, R](work: Work[T, R], task: T) -> R:
    """Do ``task`` and free the model that it leaves behind."""
    result = work(task)
    gc.collect()
    _set_apart_what_is_loaded()
    return result


@cache
def _set_apart_what_is_loaded() -> None:
    """Take what a worker has loaded for its first task out of every later search for garbage."""
    gc.freeze()


def _refuse(here: Environment, worker: str) -> None:
    there = environment()
    differs = [name for name in here if there[name] != here[name]]
    raise InputError(
        f"worker {worker}: {differs[0]} is {there[differs[0]]} there and {here[differs[0]]} here; "
        "runs are the same only under the same versions"
    )


@lru_cache(maxsize=1)
def _loaded(work: bytes) -> Work[Any, Any]:
    loaded: Work[Any, Any] = pickle.loads(work)
    return loaded
