"""Runs on a Dask cluster: the same as here, whatever dies, and refused where they could differ."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

import pandas as pd
import pytest

from experiments import distributed, installation
from experiments.catalogue import find_policy
from experiments.distributed import Cluster, environment
from experiments.executors import LARGEST_CHUNK, InProcess, Lost
from experiments.question import Question, Territory
from experiments.runs import Made, make, plan, setting
from results.sweeps import Sweep
from simulation.errors import InputError
from tests import small_sweeps
from tests.cluster_work import double, fatal, note, slowly
from tests.worlds import shire

PATHS = os.pathsep.join(str(folder) for folder in Path(__file__).parents[:2])
"""Where the workers of a test find the packages, and the work of this module."""
PATIENCE = 60.0
"""Seconds after which a test that waits for a process gives up."""


def never() -> bool:
    return False


def started(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *arguments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, **quiet, env={**os.environ, "PYTHONPATH": PATHS})


class Running(NamedTuple):
    """A cluster of processes of its own."""

    address: str
    workers: list[subprocess.Popen[bytes]]

    def hire(self, *arguments: str) -> None:
        about = ("--nthreads", "1", "--no-dashboard", "--memory-limit", "0", *arguments)
        self.workers.append(started("worker", self.address, "--host", "127.0.0.1", *about))


@contextmanager
def cluster(folder: Path) -> Iterator[Running]:
    """Yield a scheduler without workers; it and those that are hired end with the block."""
    file = folder / "port"
    where = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
    scheduler = started("scheduler", *where, "--no-show", "--scheduler-file", str(file))
    made = Running(address_in(file), [])
    yield made
    for process in (*made.workers, scheduler):
        process.terminate()
        process.wait()


@pytest.fixture(scope="module", autouse=True)
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
        for patient in ("ANSWER_SECONDS", "START_SECONDS"):
            patched.setattr(distributed, patient, PATIENCE)
        patched.setenv("DASK_TEMPORARY_DIRECTORY", str(tmp_path_factory.mktemp("dask")))
        yield


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Return a cluster of the test's own."""
    with cluster(tmp_path) as own:
        yield own


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a cluster with a worker, for tests that leave it as it is."""
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        made.hire("--no-nanny")
        yield made


def address_in(file: Path) -> str:
    """Return the address that a scheduler writes into ``file`` once it listens."""
    import json

    until = monotonic() + PATIENCE
    while monotonic() < until:
        if file.is_file() and (text := file.read_text()):
            return str(json.loads(text)["address"])
        sleep(0.05)
    raise TimeoutError(file)


# Work that needs no model


def test_results_come_in_the_order_of_tasks_from_a_local_cluster() -> None:
    tasks = range(300)
    assert list(Cluster(workers=2).run(double, tasks, never)) == [2 * each for each in tasks]


def test_batches_hold_every_place_once(shared: Running) -> None:
    batches = Cluster(scheduler=shared.address).batches(double, range(100), never)
    done = [each for batch in batches for each in batch]
    assert sorted(done) == [(each, 2 * each) for each in range(100)]


def test_a_killed_worker_costs_a_retry(running: Running, tmp_path: Path) -> None:
    """Two workers of a scheduler, one killed mid-way: all is done, and equal."""
    running.hire("--no-nanny")
    running.hire("--no-nanny")
    victim, results = running.workers[0], []
    for result in Cluster(scheduler=running.address).run(
        partial(note, tmp_path), range(120), never
    ):
        results.append(result)
        if victim.poll() is None and list(tmp_path.glob(f"{victim.pid}.*")):
            victim.kill()
            victim.wait()
    assert victim.poll() == -signal.SIGKILL
    assert results == list(InProcess().run(double, range(120), never))


def test_what_kills_every_worker_becomes_lost_and_the_rest_is_done(tmp_path: Path) -> None:
    done = list(Cluster(workers=2).run(partial(fatal, tmp_path, 7), range(40), never))
    assert isinstance(done[7], Lost)
    assert done[7].task == 7
    assert "died" in done[7].error
    assert [each for each in done if not isinstance(each, Lost)] == [
        2 * each for each in range(40) if each != 7
    ]
    assert len(list(tmp_path.glob("death.*"))) == distributed.TRIES


def test_stopping_leaves_the_rest_undone(shared: Running) -> None:
    asked = iter([False] * 20 + [True] * 1000)
    done = list(Cluster(scheduler=shared.address).run(slowly, range(400), lambda: next(asked)))
    assert done == [2 * each for each in range(len(done))]
    assert len(done) < 400


class Counted(Sequence[int]):
    """Tasks that are made when they are asked for, and how far that has gone."""

    def __init__(self, size: int) -> None:
        self.size, self.furthest = size, 0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(self.size))]
        self.furthest = max(self.furthest, place)
        return place


def test_tasks_are_sent_a_few_chunks_ahead(shared: Running) -> None:
    tasks = Counted(1_000_000)
    results = Cluster(scheduler=shared.address).run(double, tasks, never)
    assert [next(results) for _ in range(10)] == [2 * each for each in range(10)]
    assert tasks.furthest <= (distributed.KEPT + 1) * LARGEST_CHUNK
    results.close()  # type: ignore[attr-defined]


# Runs of the model

DESIGN = """
policies: [status-quo, shared-risk]
register: councils.csv
years: 1
replicates: 2
assumptions: fixed
design: {method: grid, levels: 2}
vary: {risk_transfer: [0, 1]}
"""


def asked() -> Question:
    policies = tuple(map(find_policy, ("status-quo", "forced-aggregation")))
    return Question(policies, Territory(shire(), "shire"), years=1, replicates=4)


def test_runs_are_the_same_to_the_bit_on_a_cluster(shared: Running) -> None:
    question = asked()
    work, runs = partial(make, setting(question)), plan(question)
    there = list(Cluster(scheduler=shared.address).run(work, runs, never))
    here = list(InProcess().run(work, runs, never))
    assert len(there) == len(runs)
    for one, other in zip(there, here, strict=True):
        assert isinstance(one, Made)
        assert isinstance(other, Made)
        assert one.run == other.run
        assert one.outcomes.equals(other.outcomes)
        assert all(one.events[name].equals(other.events[name]) for name in other.events)


def test_a_sweep_on_a_cluster_is_the_same_to_the_byte(shared: Running, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    small_sweeps.make(here)
    done = small_sweeps.make(there, executor=Cluster(scheduler=shared.address))
    assert (done.status, done.stored, done.failed) == ("complete", 32, 0)
    assert small_sweeps.content(there) == small_sweeps.content(here)
    one, other = (Sweep.open(place) for place in (here, there))
    assert one.manifest == other.manifest
    pd.testing.assert_frame_equal(one.frame(), other.frame())


def test_the_command_takes_the_address_of_a_cluster(
    shared: Running, folder: Path, say: Any
) -> None:
    (folder / "design.yaml").write_text(DESIGN)
    said = say(f"sweep design.yaml --out there --scheduler {shared.address}")
    assert said.code == 0
    assert said.out.startswith("8 of 8 runs are kept in there\n")
    assert "on 1 process and" in said.err
    assert say("sweep design.yaml --out here --workers 1").code == 0
    there, here = (small_sweeps.content(folder / name) for name in ("there", "here"))
    assert there == here


# What is refused


def test_an_address_without_a_scheduler_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "ANSWER_SECONDS", 0.5)
    with pytest.raises(InputError, match=r"--scheduler tcp://127.0.0.1:1: no Dask scheduler"):
        list(Cluster(scheduler="tcp://127.0.0.1:1").run(double, [1], never))
    with pytest.raises(InputError, match="--scheduler nonsense://x: no Dask scheduler"):
        list(Cluster(scheduler="nonsense://x").run(double, [1], never))


def test_a_cluster_without_workers_is_refused(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "START_SECONDS", 2.0)
    with pytest.raises(InputError, match="has no workers"):
        list(Cluster(scheduler=running.address).run(double, [1], never))


@pytest.mark.parametrize("name", ["numpy", "Python", "tenderlab"])
def test_another_version_on_a_worker_is_named(
    shared: Running, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {**environment(), name: "0.0.1"}
    monkeypatch.setattr(distributed, "environment", lambda: here)
    with pytest.raises(InputError, match=rf"worker tcp://127.*: {name} is .* there and 0.0.1 here"):
        list(Cluster(scheduler=shared.address).run(double, [1], never))


def test_a_worker_that_joins_later_is_compared_with_its_first_tasks(
    shared: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {**environment(), "numpy": "0.0.1"}
    monkeypatch.setattr(distributed, "environment", lambda: here)
    monkeypatch.setattr(distributed, "check_workers", distributed._await_workers)
    with pytest.raises(InputError, match=r"numpy is .* there and 0.0.1 here"):
        list(Cluster(scheduler=shared.address).run(double, [1], never))


def test_a_changed_file_is_another_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "somepackage"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(installation, "OWN", ("somepackage",))
    before = installation.installed_files()
    assert before == installation.installed_files()
    (package / "rules.py").write_text("LIMIT = 1\n")
    assert installation.installed_files() != before


def test_a_scheduler_that_goes_away_is_one_line(running: Running) -> None:
    running.hire("--no-nanny")
    results = Cluster(scheduler=running.address).run(slowly, range(400), never)
    next(results)
    from psutil import Process

    for child in Process().children():
        if "scheduler" in child.cmdline():
            child.kill()
    with pytest.raises(InputError, match="the scheduler has gone away"):
        list(results)
