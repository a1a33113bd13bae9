"""Comparisons: paired, reproducible to the bit, and kept whole whatever happens on the way."""

import dataclasses
import errno
import gc
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from experiments import campaign, executors
from experiments.asking import only
from experiments.campaign import Conduct
from experiments.catalogue import NamedPolicy, find_policy
from experiments.compare import compare
from experiments.executors import Executor, InProcess, LocalPool, Lost
from experiments.question import Question, Territory, read_run_question
from experiments.run import run
from experiments.runs import Failed, Made, Run, make, plan, setting
from results.report import CAVEAT, render
from results.store import open_run
from simulation import MarketModel
from simulation.errors import InputError
from simulation.outcomes import OUTCOMES
from simulation.register import parse_register

HOSTILE = ("<script>alert(1)</script>", "=1+1", "[bold red]Ambridge[/]", "Kingston “upon” Hull")
TENDERLAB = Path(sys.executable).with_name("tenderlab")
pytestmark = pytest.mark.usefixtures("short_report")
type Hire = Callable[[], Executor]
PLACES = (*HOSTILE, "Casterbridge", "Barchester", "Borsetshire")


def small_territory() -> Territory:
    header = "name,type,region,county,population,latitude,longitude\n"
    rows = "".join(map(row, range(len(PLACES))))
    return Territory(parse_register(f"{header}{rows}".encode(), "small.csv"), "small.csv")


def row(place: int) -> str:
    """Return one row of a register in which every county has a district and a neighbour."""
    kind = ("county", "district", "unitary")[place % 3]
    name, county = PLACES[place], PLACES[3 * (place // 3)]
    position = f"{52 + place / 10},{-1 - place / 10}"
    return f'"{name}",{kind},Here,"{county}",{150_000 + place},{position}\n'


def question(**changes: Any) -> Question:
    three = tuple(map(find_policy, ("status-quo", "forced-aggregation", "shared-risk")))
    asked = Question(three, small_territory(), years=1, replicates=5)
    return dataclasses.replace(asked, **changes)


def content(directory: Path) -> dict[str, bytes]:
    """Return the bytes of every file by its name."""
    paths = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def asked() -> Question:
    return question()


@pytest.fixture(scope="module")
def done(asked: Question, tmp_path_factory: pytest.TempPathFactory, short_report: None) -> Conduct:
    return compare(asked, tmp_path_factory.mktemp("runs") / "one")


@pytest.fixture
def directory(done: Conduct) -> Path:
    assert done.directory
    return done.directory


# What is kept


def test_a_comparison_is_a_complete_run_directory(directory: Path, asked: Question) -> None:
    stored = open_run(directory)
    assert stored.manifest.status == "complete"
    assert stored.manifest.question_id == asked.identity
    assert stored.manifest.runs == 3 * 6
    assert stored.replications == (0, 1, 2, 3, 4)
    assert stored.twins == ((0, 5),)
    assert (directory / "summary.csv").is_file()
    assert (directory / "report.html").is_file()
    assert {path.name for path in directory.parent.iterdir()} == {"one"}


def test_a_summary_has_a_row_a_policy_and_outcome(done: Conduct) -> None:
    assert len(done.summary) == 3 * len(OUTCOMES)


def test_events_of_the_first_replication_are_kept_and_some_of_all(directory: Path) -> None:
    stored = open_run(directory)
    for name in ("tenders", "contracts", "partnerships", "suppliers"):
        assert set(stored.event(name)["replication"]) <= {0}
    for name in ("councils", "ledger"):
        assert set(stored.event(name)["replication"]) == set(range(6))
    assert len(stored.event("tenders")) > 0
    assert {"from_class", "to_class"} <= set(stored.event("ledger"))


def test_events_of_all_main_replications_are_kept_on_request(tmp_path: Path) -> None:
    place = tmp_path / "all"
    compare(question(), place, everything=True)
    assert set(open_run(place).event("suppliers")["replication"]) == set(range(5))


def test_the_manifest_knows_no_machine(directory: Path) -> None:
    manifest = (directory / "manifest.json").read_text()
    assert str(directory.parent) not in manifest
    assert os.uname().nodename not in manifest


def test_the_assumptions_of_every_sample_are_kept(directory: Path, asked: Question) -> None:
    samples = json.loads((directory / "manifest.json").read_text())["assumption_samples"]
    assert len(samples) == asked.replicates
    assert len({sample["demand_growth"] for sample in samples}) == asked.replicates


def test_a_hostile_name_comes_through_as_it_is(directory: Path) -> None:
    assert set(HOSTILE) <= set(open_run(directory).event("councils")["name"])


def test_a_policy_that_changes_nothing_differs_by_nothing(tmp_path: Path) -> None:
    inert = NamedPolicy("inert", "Inert", "", {"risk_transfer": 0.6})
    asked = question(policies=(find_policy("status-quo"), inert), replicates=2)
    done = compare(asked, tmp_path / "inert")
    rows = [row for row in done.summary if row["policy"] == "inert"]
    assert {row["verdict"] for row in rows} <= {"identical", "", "too few events"}
    assert {row["difference"] for row in rows if row["pairs"]} == {0.0}


# Bits


class Clumsy(LocalPool):
    """A pool one of whose workers is killed as soon as there is a result."""

    def run(self, work: Any, tasks: Sequence[Any], stop: Callable[[], bool]) -> Iterator[Any]:
        for place, result in enumerate(super().run(work, tasks, stop)):
            if place == 0:
                multiprocessing.active_children()[0].kill()
            yield result


@pytest.mark.parametrize(
    "hire",
    [partial(LocalPool, 1), partial(LocalPool, 2), partial(Clumsy, 2)],
    ids=["one", "two", "one is killed"],
)
def test_workers_leave_no_trace(
    hire: Hire, asked: Question, directory: Path, tmp_path: Path
) -> None:
    done = compare(asked, tmp_path / "one", hire())
    assert not done.failed
    assert content(tmp_path / "one") == content(directory)


def test_a_run_directory_gives_the_same_bits_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "render", render)
    first, second = (tmp_path / name / "run" for name in ("one", "two"))
    for place in (first.parent, second.parent):
        place.mkdir()
    compare(question(replicates=2), first)
    compare(read_run_question(first), second)
    assert content(second) == content(first)
    assert CAVEAT in (first / "report.html").read_text()


def test_a_run_alone_is_the_same_as_in_company(directory: Path, tmp_path: Path) -> None:
    run(only(read_run_question(directory), "shared-risk", 3), tmp_path / "alone")
    alone, together = open_run(tmp_path / "alone"), open_run(directory)
    same = together.outcomes.query("policy == 'shared-risk' and replication == 3")
    assert alone.outcomes.equals(same.reset_index(drop=True))
    assert len(alone.event("ledger")) > 0


# A place that is taken


def test_the_same_question_takes_the_place_of_its_own_answer(
    directory: Path, tmp_path: Path
) -> None:
    place = tmp_path / "one"
    shutil.copytree(directory, place)
    (place / "notes.txt").write_text("mine")
    (place / "outcomes.parquet").write_text("damaged")
    compare(question(), place)
    assert content(place) == {**content(directory), "notes.txt": b"mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_an_empty_directory_may_be_used(tmp_path: Path) -> None:
    compare(question(replicates=1), tmp_path)
    assert open_run(tmp_path).manifest.status == "complete"


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json"])
def test_a_directory_that_holds_something_else_is_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match="nothing was changed; choose another --out"):
        compare(question(), tmp_path)
    assert content(tmp_path) == {name: b"{}"}


def test_the_answer_to_another_question_is_left_alone(directory: Path) -> None:
    before = content(directory)
    with pytest.raises(InputError, match="the run directory of another question"):
        compare(question(seed=1), directory)
    assert content(directory) == before


def test_a_file_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(InputError, match="Not a directory"):
            compare(question(), place)
    assert content(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize("name", ["write_summary", "render", "write_text"])
def test_a_disk_that_is_full_at_the_end_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(campaign, name, full)
    with pytest.raises(InputError, match="one: cannot be written: No space left on device"):
        compare(question(replicates=1), tmp_path / "one")
    assert not list(tmp_path.iterdir())


def test_a_place_that_another_process_writes_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".one.lock").write_text(str(os.getppid()))
    with pytest.raises(InputError, match=f"one: is being written by process {os.getppid()}"):
        compare(question(replicates=1), tmp_path / "one")
    assert [path.name for path in tmp_path.iterdir()] == [".one.lock"]


def test_of_two_comparisons_at_once_one_has_the_place(tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_bytes(small_territory().register.raw)
    command = (
        f"{TENDERLAB} compare shared-risk --register small.csv --replicates 10 --years 1 --out one"
    )
    both = [
        subprocess.Popen(
            [*command.split(), "--workers", "1", "--seed", seed],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    said = {process.communicate()[1].splitlines()[-1]: process.returncode for process in both}
    assert sorted(said.values()) == [0, 2]
    (refused,) = (line for line, code in said.items() if code == 2)
    assert refused.startswith("tenderlab: one: is ")
    assert {path.name for path in tmp_path.iterdir()} == {"small.csv", "one"}


def test_what_has_come_to_stand_in_the_place_meanwhile_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "one"

    def meanwhile(_: int, __: int) -> None:
        place.mkdir(exist_ok=True)
        (place / "notes.txt").write_text("mine")

    with pytest.raises(InputError, match="one: is not empty, nothing was changed"):
        compare(question(replicates=1), place, progress=meanwhile)
    assert content(tmp_path) == {"one/notes.txt": b"mine"}


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / ".one.lock").write_text(str(dead.pid))
    for name in (f".one.{dead.pid}.part", f".one.{os.getppid()}.part", f".two.{dead.pid}.part"):
        (tmp_path / name / "events").mkdir(parents=True)
    compare(question(replicates=1), tmp_path / "one")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"one", f".one.{os.getppid()}.part", f".two.{dead.pid}.part"}


# Interruption


def interrupt_at(run: int) -> Callable[[int, int], None]:
    def progress(done: int, _: int) -> None:
        if done == run:
            signal.raise_signal(signal.SIGINT)

    return progress


@pytest.mark.parametrize("hire", [InProcess, partial(LocalPool, 2)], ids=["here", "pool"])
def test_an_interrupted_comparison_keeps_complete_replications(hire: Hire, tmp_path: Path) -> None:
    handler = signal.getsignal(signal.SIGINT)
    done = compare(question(), tmp_path / "part", hire(), progress=interrupt_at(7))
    assert (done.status, done.runs, done.complete) == ("interrupted", 7, 2)
    stored = open_run(tmp_path / "part")
    assert stored.manifest.status == "interrupted"
    assert stored.replications == (0, 1)
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_interrupted_comparison_can_be_completed(directory: Path, tmp_path: Path) -> None:
    compare(question(), tmp_path / "one", progress=interrupt_at(7))
    compare(read_run_question(tmp_path / "one"), tmp_path / "one")
    assert content(tmp_path / "one") == content(directory)


def test_before_the_first_complete_replication_nothing_is_kept(tmp_path: Path) -> None:
    done = compare(question(), tmp_path / "part", progress=interrupt_at(2))
    assert (done.directory, done.complete) == (None, 0)
    assert not list(tmp_path.iterdir())


def test_an_interruption_does_not_cost_what_was_there(directory: Path, tmp_path: Path) -> None:
    place = tmp_path / "one"
    shutil.copytree(directory, place)
    done = compare(question(), place, progress=interrupt_at(7))
    assert (done.directory, done.status) == (None, "interrupted")
    assert content(place) == content(directory)


def test_a_second_interruption_stops_at_once(tmp_path: Path) -> None:
    def progress(_: int, __: int) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        compare(question(), tmp_path / "part", progress=progress)
    assert not list(tmp_path.iterdir())


def test_control_c_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_bytes(small_territory().register.raw)
    command = "compare shared-risk --register small.csv --years 3 --replicates 200 --out part"
    arguments = [TENDERLAB, *command.split(), "--workers", "2"]
    options: Any = {"cwd": tmp_path, "stderr": subprocess.PIPE, "start_new_session": True}
    with subprocess.Popen(arguments, text=True, **options) as process:
        assert process.stderr
        assert "of 400 runs and 0 of 80 twins, about" in process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.splitlines()[-1].startswith("tenderlab: interrupted; kept ")
    assert "Traceback" not in errors
    stored = open_run(tmp_path / "part")
    assert stored.manifest.status == "interrupted"
    assert len(stored.replications) >= 20
    assert {path.name for path in tmp_path.iterdir()} == {"small.csv", "part"}


# Runs that fail


def fails_under_shared_risk(self: MarketModel) -> None:
    if self.policy.name == "shared-risk" and self.quarter == 2:
        raise ZeroDivisionError("no\nbids")
    real_step(self)


real_step = MarketModel.step


def test_a_failed_run_is_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MarketModel, "step", fails_under_shared_risk)
    done = compare(question(replicates=1), tmp_path / "part")
    manifest = json.loads((tmp_path / "part" / "manifest.json").read_text())
    assert (manifest["status"], manifest["runs"], done.complete) == ("complete", 2, 0)
    assert manifest["failed"] == [
        {
            "policy": "shared-risk",
            "sample": 0,
            "replication": 0,
            "stage": "quarter 3",
            "error": "ZeroDivisionError: no bids",
            "replay": "tenderlab run manifest.json --policy=shared-risk --replication=0",
        }
    ]


def test_a_replication_in_which_one_run_failed_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = plan(question())

    def fails_once(self: MarketModel) -> None:
        if self.draws.seed == runs[3].seed and self.policy.name == "forced-aggregation":
            raise ZeroDivisionError
        real_step(self)

    monkeypatch.setattr(MarketModel, "step", fails_once)
    done = compare(question(), tmp_path / "part")
    assert (done.runs, done.complete, len(done.failed)) == (17, 4, 1)
    assert open_run(tmp_path / "part").replications == (0, 2, 3, 4)
    assert {row["pairs"] for row in done.summary if row["outcome"] == "net_public_saving"} == {4}


def test_a_failure_is_told_with_its_place_in_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MarketModel, "step", fails_under_shared_risk)
    asked = question()
    result = make(setting(asked), plan(asked)[2])
    assert isinstance(result, Failed)
    assert "fails_under_shared_risk" in result.trace


# Executors


def square(number: int) -> int:
    return number * number


def die_of_seven(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def go_on() -> bool:
    return False


@pytest.mark.parametrize("hire", [InProcess, partial(LocalPool, 3)], ids=["here", "pool"])
@pytest.mark.parametrize("count", [0, 1, 1000])
def test_results_come_in_the_order_of_the_tasks(hire: Hire, count: int) -> None:
    results = list(hire().run(square, range(count), go_on))
    assert results == [square(number) for number in range(count)]


@pytest.mark.parametrize("hire", [InProcess, partial(LocalPool, 2)], ids=["here", "pool"])
def test_an_executor_stops_when_it_is_told_to(hire: Hire) -> None:
    seen: list[int] = []
    for result in hire().run(square, range(100), lambda: len(seen) == 3):
        assert isinstance(result, int)
        seen.append(result)
    assert seen == [0, 1, 4]
    assert not multiprocessing.active_children()


def ask_of_control_c(_: int) -> tuple[bool, bool]:
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return ignored, signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_workers_are_deaf_to_control_c_from_birth() -> None:
    assert list(LocalPool(1).run(ask_of_control_c, [1], go_on)) == [(True, True)]


def models_that_others_left(seed: int) -> int:
    left = sum(isinstance(one, MarketModel) for one in gc.get_objects())
    MarketModel(register=small_territory().register, years=1, rng=seed).run()
    return left


def test_workers_keep_no_model_of_a_run_that_is_over() -> None:
    assert list(LocalPool(1).run(models_that_others_left, range(6), go_on)) == [0] * 6


class Stubborn:
    """Work that cannot be ended politely."""

    def __call__(self, number: int) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return number


def test_a_worker_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "PATIENT_SECONDS", 0.1)
    assert list(LocalPool(2).run(Stubborn(), range(4), go_on)) == [0, 1, 2, 3]
    assert not multiprocessing.active_children()


def test_a_task_that_kills_its_worker_costs_no_other_task() -> None:
    results = list(LocalPool(2).run(die_of_seven, range(40), go_on))
    lost = Lost(7, "its worker process ended with exit code -9")
    assert results == [lost if number == 7 else square(number) for number in range(40)]


class Fatal(LocalPool):
    """A pool in which the run of replication 0 under shared risk ends its worker."""

    def run(self, work: Any, tasks: Sequence[Any], stop: Callable[[], bool]) -> Iterator[Any]:
        return super().run(partial(make_or_die, work), tasks, stop)


def make_or_die(work: Callable[[Run], Made | Failed], task: Run) -> Made | Failed:
    if (task.policy.name, task.replication) == ("shared-risk", 0):
        os.kill(os.getpid(), signal.SIGKILL)
    return work(task)


def test_a_run_that_kills_its_worker_is_a_failed_run(tmp_path: Path) -> None:
    done = compare(question(), tmp_path / "part", Fatal(2))
    assert (done.runs, done.complete) == (17, 4)
    assert [(each.run.replication, each.stage) for each in done.failed] == [(0, "worker")]


def test_workers_that_never_start_are_an_error() -> None:
    with pytest.raises(RuntimeError, match="no worker process starts"):
        list(LocalPool(1).run(Unloadable(), [1], go_on))


class Unloadable:
    """Work that a worker cannot load."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os._exit, (3,))

    def __call__(self, number: int) -> int:
        return number


# What cannot be compared


def test_a_baseline_alone_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to compare with the baseline 'status-quo'"):
        compare(question(policies=(find_policy("status-quo"),)), tmp_path)


def test_one_replication_alone_is_for_the_other_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="use tenderlab run"):
        compare(question(replication=1), tmp_path)
