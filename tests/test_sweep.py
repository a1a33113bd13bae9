"""Sweeps: stopped, killed and taken up again, they end as if nothing had happened."""

import errno
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments import sweep as sweeping
from experiments import sweep_directory, sweep_journal
from experiments.designs import Design, SweepRun
from experiments.executors import LocalPool
from experiments.forecast import Forecast, check_room
from experiments.interruption import interruption
from experiments.pace import Pace, Standing, lasting, size
from experiments.sweep_runs import Told
from results import sweep_files
from results.store import replacing
from results.sweeps import Sweep
from simulation.errors import InputError
from simulation.model import MarketModel
from tests.small_sweeps import FILES, content, design, make, quick


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sweeps") / "undisturbed"
    done = make(place)
    assert (done.status, done.stored, done.failed) == ("complete", 32, 0)
    return place


# What is kept


def test_runs_fall_into_parts(undisturbed: Path) -> None:
    for folder in FILES:
        numbers = [path.name[:6] for path in sorted((undisturbed / folder).iterdir())]
        assert numbers == ["000000", "000001", "000002", "000003"]
    assert not [*(undisturbed / "journal").iterdir()]
    assert not undisturbed.with_name(f".{undisturbed.name}.lock").exists()


def test_every_run_is_there_once_and_paired(undisturbed: Path) -> None:
    runs = Sweep.open(undisturbed).frame(["net_public_saving"])
    assert runs["run"].tolist() == list(range(32))
    assert (runs.groupby(["point", "replication"])["policy"].nunique() == 2).all()


def test_workers_leave_no_trace(undisturbed: Path, tmp_path: Path) -> None:
    make(tmp_path / "sweep", executor=LocalPool(2))
    assert content(tmp_path / "sweep") == content(undisturbed)


def test_the_manifest_knows_no_machine(undisturbed: Path) -> None:
    text = (undisturbed / "sweep.json").read_text()
    assert str(undisturbed.parent) not in text
    assert str(Path.home()) not in text


# Stopped


def interrupt_at(run: int) -> Callable[[Standing], None]:
    def progress(now: Standing) -> None:
        if now.done == run:
            signal.raise_signal(signal.SIGINT)

    return progress


def test_an_interrupted_sweep_goes_on_where_it_stopped(undisturbed: Path, tmp_path: Path) -> None:
    place = tmp_path / "sweep"
    for stop, before in ((7, 0), (15, 7), (23, 15)):
        done = make(place, resume=True, progress=interrupt_at(stop))
        assert (done.status, done.stored, done.taken_over) == ("interrupted", stop, before)
    done = make(place, resume=True)
    assert (done.status, done.stored, done.taken_over) == ("complete", 32, 23)
    assert content(place) == content(undisturbed)


def test_a_second_interruption_stops_at_once_and_keeps_what_is_finished(tmp_path: Path) -> None:
    def progress(now: Standing) -> None:
        if now.done == 5:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "sweep", progress=progress)
    assert make(tmp_path / "sweep", resume=True).taken_over == 5


def test_a_request_to_stop_outlasts_a_block_within_another() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interruption() as outer:
        signal.raise_signal(signal.SIGINT)
        with interruption() as inner:
            assert inner()
        assert outer()
    assert signal.getsignal(signal.SIGINT) is before


class _Killing:
    """A pool that loses a worker each time that results have come, as often as it is told."""

    def __init__(self, kills: int) -> None:
        self.pool, self.kills = LocalPool(2), kills

    def batches(self, work: Any, tasks: Sequence[Any], stop: Any) -> Iterator[Any]:
        for batch in self.pool.batches(work, tasks, stop):
            if batch and self.kills:
                self.kills -= 1
                multiprocessing.active_children()[-1].kill()
            yield batch


def test_killed_workers_cost_nothing(undisturbed: Path, tmp_path: Path) -> None:
    killing = _Killing(2)
    done = make(tmp_path / "sweep", executor=killing)
    assert (done.status, done.failed, killing.kills) == ("complete", 0, 0)
    assert content(tmp_path / "sweep") == content(undisturbed)


DRIVER = """
import sys
from pathlib import Path
from experiments import sweep, sweep_journal
from experiments.executors import InProcess, LocalPool
from tests.small_sweeps import dawdling, make
if __name__ == "__main__":
    sweep.tell, sweep_journal.FLUSH_SECONDS = dawdling, 0.0
    workers = int(sys.argv[2])
    executor = LocalPool(workers, ["tests.small_sweeps"]) if workers > 1 else InProcess()
    make(Path(sys.argv[1]), resume=True, executor=executor)
"""


def drive(place: Path, workers: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(place), str(workers)], cwd=Path(__file__).parent.parent
    )


def files_of_runs(place: Path) -> int:
    return sum(1 for path in place.rglob("0*") if path.is_file())


@pytest.fixture(scope="module")
def quick_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sweeps") / "quick"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sweeping, "tell", quick)
        make(place)
    return place


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_driver_loses_nothing(workers: int, quick_sweep: Path, tmp_path: Path) -> None:
    """Kill it whenever it has written something more, then let it end."""
    place, kills = tmp_path / "sweep", 0
    while (process := drive(place, workers)).poll() is None:
        written = files_of_runs(place)
        while process.poll() is None and files_of_runs(place) <= written:
            time.sleep(0.003)
        if process.poll() is None and kills < 2:
            process.kill()
            kills += 1
        if process.wait() == 0:
            break
    assert kills
    held = Sweep.open(place).numbers()
    assert held == list(range(32))
    assert content(place) == content(quick_sweep)


@pytest.fixture
def quickly(quick_sweep: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make runs quickly, a chunk each, and return an undisturbed sweep of them."""
    monkeypatch.setattr(sweeping, "tell", quick)
    monkeypatch.setattr(sweep_journal, "FLUSH_SECONDS", 0.0)
    return shutil.copytree(quick_sweep, tmp_path / "undisturbed")


class Killed(BaseException):
    """What a kill is in a test."""


@pytest.mark.parametrize("writes", [0, 2, 3, 12, 13, 14, 15, 25, 26, 40, 41, 42])
def test_a_kill_at_any_write_is_made_good(
    writes: int, quickly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Die between any two things that are done to the disk, leaving half a file behind."""
    left, place = iter(range(writes)), tmp_path / "sweep"

    def killing(write: Callable[[Path, bytes], None]) -> Callable[[Path, bytes], None]:
        def written(path: Path, data: bytes) -> None:
            if next(left, None) is None:
                path.with_name(f".{path.name}.1.part").write_bytes(data[: len(data) // 2])
                raise Killed
            write(path, data)

        return written

    with monkeypatch.context() as deadly, pytest.raises(Killed):
        deadly.setattr(sweep_files, "write_bytes", killing(sweep_files.write_bytes))
        make(place)
    done = make(place, resume=True)
    assert (done.status, done.damaged, done.failed) == ("complete", (), 2)
    assert content(place) == content(quickly)
    assert not [*place.rglob(".*")]


# Damaged


def spoil(path: Path) -> str:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    return path.name


@pytest.mark.parametrize("folder", FILES)
def test_a_damaged_part_is_named_and_made_again(folder: str, quickly: Path) -> None:
    before = content(quickly)
    name = spoil(sorted((quickly / folder).iterdir())[1])
    assert Sweep.open(quickly).check() == [f"{folder}/{name}"]
    done = make(quickly, resume=True)
    assert (done.damaged, done.taken_over, done.status) == ((name,), 22, "complete")
    assert content(quickly) == before
    assert not Sweep.open(quickly).check()


def test_a_damaged_chunk_is_named_and_made_again(quickly: Path, tmp_path: Path) -> None:
    place = tmp_path / "sweep"
    make(place, progress=interrupt_at(7))
    name = spoil(sorted((place / "journal" / "000000").iterdir())[3])
    assert Sweep.open(place).check() == [f"journal/000000/{name}"]
    assert make(place, resume=True).damaged == (name,)
    assert content(place) == content(quickly)


def test_half_of_a_part_is_not_one(quickly: Path) -> None:
    before = content(quickly)
    sorted((quickly / "runs").iterdir())[2].unlink()
    assert len(Sweep.open(quickly).check()) == 1
    assert make(quickly, resume=True).taken_over == 22
    assert content(quickly) == before


# Callable[[str], str]


def refusal(place: Path, asked: Design | None = None, **how: Any) -> str:
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    with pytest.raises(InputError) as refused:
        make(place, asked, **how)
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_sweep_is_not_begun_twice(quickly: Path) -> None:
    assert "holds a sweep already; add --resume" in refusal(quickly)


def test_another_design_is_refused(quickly: Path) -> None:
    said = refusal(quickly, design(seed=7), resume=True)
    assert "another design (seed is 2006 there and 7 here)" in said
    said = refusal(quickly, design(vary={"risk_transfer": (0, 0.5)}), resume=True)
    assert "vary" in said


def test_another_share_is_refused(quickly: Path) -> None:
    said = refusal(quickly, share=(1, 2), resume=True)
    assert "holds part 1/1 of the design, not part 1/2" in said


@pytest.mark.parametrize(
    ("name", "there"), [("numpy", "packages.numpy is 1.0 there"), ("python", "python is 1.0")]
)
def test_other_versions_are_refused(
    name: str, there: str, quickly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sweep_directory.environment()
    old = {**found, "packages": {**found["packages"], "numpy": "1.0"}}
    old = {**found, "python": "1.0"} if name == "python" else old
    with monkeypatch.context() as earlier:
        earlier.setattr(sweep_directory, "environment", lambda: old)
        make(tmp_path / "old", progress=interrupt_at(5))
    assert there in refusal(tmp_path / "old", resume=True)


def test_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear")
    assert "is not empty" in refusal(tmp_path)


def test_a_file_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        assert f"{place}: cannot" in refusal(place)


def test_a_damaged_manifest_is_refused(quickly: Path) -> None:
    (quickly / "sweep.json").write_text('{"half":')
    assert "sweep.json: damaged, not JSON" in refusal(quickly, resume=True)


def test_a_place_at_which_another_process_is_at_work_is_refused(quickly: Path) -> None:
    lock = quickly.with_name(f".{quickly.name}.lock")
    lock.write_text(str(os.getppid()))
    assert f"is being written by process {os.getppid()}" in refusal(quickly, resume=True)
    lock.write_text("999999999")
    assert make(quickly, resume=True).status == "complete"


# A disk that is full


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("writes", [0, 3, 9, 13, 14, 20])
def test_a_disk_that_fills_up_costs_nothing_that_is_finished(
    writes: int, quickly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, left = tmp_path / "sweep", iter(range(writes))

    def scarce(path: Path, data: bytes) -> None:
        with replacing(path) as part:
            part.write_bytes(data)
            if next(left, None) is None:
                full()

    with monkeypatch.context() as filling:
        filling.setattr(sweep_files, "write_bytes", scarce)
        with pytest.raises(InputError, match="No space left on device"):
            make(place)
    assert not [*place.rglob(".*")]
    assert make(place, resume=True).status == "complete"
    assert content(place) == content(quickly)


def test_too_small_a_disk_is_refused_beforehand(tmp_path: Path) -> None:
    large = Forecast(10**9, 1.0, 2, 1e9, 0.0, 6)
    with pytest.raises(InputError, match="not enough room on the disk: 1,000,000,000 runs need"):
        check_room(large, tmp_path / "not" / "there")


# Failed runs


def test_a_failed_run_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = MarketModel.step

    def failing(self: MarketModel) -> None:
        if self.policy.name == "shared-risk" and self.quarter == 2:
            raise ValueError("no [bold]more[/bold]\nof this")
        step(self)

    monkeypatch.setattr(MarketModel, "step", failing)
    done = make(tmp_path / "sweep", design(replicates=1))
    assert (done.status, done.stored, done.failed) == ("complete", 8, 4)
    swept = Sweep.open(tmp_path / "sweep")
    assert set(swept.failed["policy"]) == {"shared-risk"}
    first = swept.failed.iloc[0]
    assert (first["stage"], first["error"]) == (
        "quarter 3",
        "ValueError: no [bold]more[/bold] of this",
    )
    assert first["replay"].startswith("tenderlab run ")
    assert Path(first["replay"].split()[2]).is_file()
    assert len(swept.frame()) == 4
    assert make(tmp_path / "sweep", design(replicates=1), resume=True).failed == 4


def die_under_shared_risk(shared: Any, run: SweepRun) -> Told:
    if run.policy.name == "shared-risk" and run.point == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(shared, run)


def test_a_run_that_kills_its_worker_is_a_failed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "tell", die_under_shared_risk)
    done = make(tmp_path / "sweep", design(replicates=1), executor=LocalPool(2, ("pyarrow",)))
    assert (done.status, done.stored, done.failed) == ("complete", 8, 1)
    (failed,) = Sweep.open(tmp_path / "sweep").failed.itertuples()
    assert (failed.stage, failed.point, failed.policy) == ("worker", 2, "shared-risk")
    assert "exit code -9" in failed.error


# Shared between machines, and lengthened


def test_shares_make_the_whole(quickly: Path, tmp_path: Path) -> None:
    shares = [tmp_path / str(which) for which in (1, 2, 3)]
    for which, place in enumerate(shares, 1):
        make(place, share=(which, 3))
    runs = [Sweep.open(place).numbers() for place in shares]
    assert sorted(n for numbers in runs for n in numbers) == list(range(32))
    with pytest.raises(InputError, match="nothing to make"):
        make(tmp_path / "5", share=(5, 5))


def test_a_sweep_is_lengthened(quickly: Path, tmp_path: Path) -> None:
    place = tmp_path / "sweep"
    make(place, design(replicates=3))
    assert "another design (replicates is 3 there and 4 here)" in refusal(place, resume=True)
    done = make(place, resume=True, more=True)
    assert (done.status, done.taken_over) == ("complete", 24)
    assert content(place) == content(quickly)
    assert "another design" in refusal(place, design(replicates=3), resume=True, more=True)


# What is said


def test_a_standing_says_how_fast_how_long_and_how_many_failed() -> None:
    assert Standing(0, 1000, 0).words() == "0 of 1,000 runs"
    now = Standing(400, 1000, 3, 200, 20.0, 10.0)
    assert now.words() == "400 of 1,000 runs, 10.0 runs a second, about 60 s left, 3 failed"
    slow = Standing(10, 1000, 0, 10, 300.0, 1 / 30)
    assert slow.words() == "10 of 1,000 runs, 2.0 runs a minute, about 8.2 h left"


def test_the_pace_is_that_of_the_last_minute() -> None:
    pace = Pace()
    assert pace.rate(5.0, 0) == 0
    assert pace.rate(10.0, 20) == 0  # what went before the first result tells nothing
    assert pace.rate(20.0, 60) == 4
    assert pace.rate(100.0, 140) == pytest.approx(1)


def test_lengths_and_sizes_are_said_in_words() -> None:
    assert [lasting(s) for s in (90, 600, 9000, 400_000)] == ["90 s", "10 min", "2.5 h", "4.6 days"]
    assert [size(count) for count in (5, 5e4, 2.5e9)] == ["5 bytes", "50 kB", "2.5 GB"]


DESIGN = """
policies: [status-quo, shared-risk]
register: councils.csv
years: 1
replicates: 2
design: {method: latin hypercube, points: 3}
vary:
  risk_transfer: [0, 1]
"""


@pytest.fixture
def asked(folder: Path) -> Path:
    (folder / "design.yaml").write_text(DESIGN)
    return folder


def test_the_command(asked: Path, say: Any) -> None:
    dry = say("sweep design.yaml --workers 1 --dry-run")
    assert dry.code == 0
    assert re.match(r"12 runs: about \d+ s on 1 process and \d+ kB on disk \(measured", dry.out)
    assert not [path for path in asked.iterdir() if path.is_dir()]
    done = say("sweep design.yaml --workers 1 --out swept")
    assert done.code == 0
    assert done.out.startswith("12 of 12 runs are kept in swept\n")
    assert "12 runs: about" in done.err
    again = say("sweep swept --resume --workers 1 --json")
    assert json.loads(again.out) == {
        "directory": "swept",
        "status": "complete",
        "asked": 12,
        "stored": 12,
        "failed": 0,
        "taken_over": 12,
        "damaged": [],
    }
    assert say("sweep design.yaml --workers 1 --out swept").code == 2


def test_a_failure_is_told(asked: Path, say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "tell", quick)
    (asked / "design.yaml").write_text(DESIGN.replace("replicates: 2", "replicates: 3"))
    done = say("sweep design.yaml --workers 1 --out swept")
    assert done.code == 1
    assert "2 of 18 runs failed, the first of status-quo at quarter 3: ValueError: no" in done.err
    assert "make it again with tenderlab run swept/replays/run-000000014.yaml" in done.err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("sweep nothing.yaml", "nothing.yaml: a design cannot be read"),
        ("sweep . --resume", "holds no sweep"),
        ("sweep design.yaml --part 3/2", "'3/2': must be I/N"),
        ("sweep design.yaml --workers 1 --part 2/2", "--part 2/2: nothing to make"),
        ("merge nowhere --out whole", "nowhere: holds no sweep"),
    ],
)
def test_a_refusal_is_one_line(command: str, said: str, asked: Path, refused: Any) -> None:
    assert said in refused(command)


def test_control_c_on_the_command_line(asked: Path) -> None:
    (asked / "design.yaml").write_text(DESIGN.replace("points: 3", "points: 3000"))
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from experiments.cli import main; sys.exit(main())",
         "sweep", "design.yaml", "--out", "swept", "--workers", "2"],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while not [*(asked / "swept").rglob("*.arrow")]:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert re.search(r"interrupted after \d+ of 12,000 runs, which are kept in swept", err)
    assert Sweep.open(asked / "swept").runs > 0
