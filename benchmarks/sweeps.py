"""Measure sweeps: how well they use the processors, beside Mesa's own runner, and what they keep.

Run with `uv run python -m benchmarks.sweeps`, or `--short` for a first look. Efficiency is the runs
a second of a whole sweep, start-up and disk included, over processors times the runs a second that
one process makes while the others idle; processors that share a core or a clock do not reach 1 even
where processes have nothing to do with each other, which is measured too. Mesa's `batch_run` gets
the same model, levers and seeds. Memory is that of a process and all that it started (proportional
set size), looked at four times a second.
"""

import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from benchmarks.kills import children_of, small_register
from experiments.designs import Design
from experiments.executors import InProcess, LocalPool, default_workers
from experiments.pace import size
from experiments.question import Territory, england
from experiments.runs import setting
from experiments.sweep import LOADED, sweep
from experiments.sweep_directory import begin
from experiments.sweep_journal import Journal
from experiments.sweep_runs import Told, tell
from results.sweep_files import PART_RUNS, Layout
from results.sweeps import Sweep
from simulation import MarketModel
from simulation.register import parse_register

LEVER = "risk_transfer"
SAMPLE = 40
"""Runs that are made to measure one process."""
YEARS = 15


def design_of(runs: int, place: Territory, years: int = YEARS) -> Design:
    return Design.of(
        ["status-quo"], {LEVER: (0, 1)}, points=runs, replicates=1, years=years, territory=place,
        mode="fixed",
    )  # fmt: skip


def small() -> Territory:
    return Territory(parse_register(small_register().encode(), "small"), "small")


# Memory


def tree(process: int) -> Iterator[int]:
    yield process
    for child in children_of(process):
        yield from tree(child)


def memory(process: int) -> int:
    """Return the bytes that a process and its offspring take, what they share counted once."""
    total = 0
    for each in tree(process):
        try:
            text = Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:")
    return 1024 * total


@contextmanager
def watched() -> Iterator[Callable[[], int]]:
    """Yield what returns the peak memory of this process and its offspring in the block."""
    peak, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            peak[0] = max(peak[0], memory(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: peak[0]
    finally:
        over.set()
        watcher.join()


# Efficiency


def warm(place: Territory) -> None:
    MarketModel(register=place.register, years=1, rng=0).run()


def alone(design: Design, runs: int) -> float:
    """Return the runs a second that this process makes of a few runs spread over ``design``."""
    shared, step = setting(design.question), max(1, design.size // runs)
    started = time.perf_counter()
    for number in range(0, design.size, step):
        tell(shared, design.runs()[number])
    return len(range(0, design.size, step)) / (time.perf_counter() - started)


def ours(runs: int, workers: int) -> None:
    """Make the sweep and print runs a second and peak memory."""
    design = design_of(runs, england())
    with tempfile.TemporaryDirectory() as folder, watched() as peak:
        started = time.perf_counter()
        executor = LocalPool(workers, LOADED) if workers > 1 else InProcess()
        sweep(design, Path(folder) / "swept", executor)
        report(runs, time.perf_counter() - started, peak())


def mesas(runs: int, workers: int) -> None:
    """Make the same runs by `batch_run` and print runs a second and peak memory."""
    from mesa.batchrunner import batch_run

    design = design_of(runs, england())
    values = [point[LEVER] for point in design.points]
    with watched() as peak:
        started = time.perf_counter()
        batch_run(
            MarketModel, {LEVER: values}, number_processes=workers, rng=[design.run(0).seed],
            data_collection_period=1, display_progress=False,
        )  # fmt: skip
        report(runs, time.perf_counter() - started, peak())


def report(runs: int, seconds: float, peak: int) -> None:
    click.echo(json.dumps({"rate": runs / seconds, "seconds": seconds, "peak": peak}))


def in_a_process(what: str, runs: int, workers: int) -> dict[str, float]:
    """Return what this program says of ``what`` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sweeps", "--only", what]
    command += ["--runs", str(runs), "--workers", str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


def side_by_side(runs: int, workers: int) -> float:
    """Return the runs a second of as many processes as ``workers``, each on its own."""
    command = [sys.executable, "-m", "benchmarks.sweeps", "--only", "alone", "--runs", str(runs)]
    made = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(workers)]
    return sum(float(one.communicate()[0]) for one in made)


def by_itself(runs: int) -> None:
    """Print the runs a second that this process makes."""
    warm(england())
    gc.collect()
    gc.freeze()
    click.echo(alone(design_of(runs, england()), SAMPLE))


def compare(runs: int, workers: int) -> None:
    warm(england())
    single, together = (side_by_side(runs, many) for many in (1, workers))
    click.echo(f"one process: {single:.2f} runs a second")
    click.echo(
        f"{workers} of them side by side, with nothing in common: {together:.2f}, efficiency "
        f"{together / (workers * single):.2f}: what the processors themselves allow"
    )
    for what, name in (("ours", "tenderlab sweep"), ("mesas", "Mesa's batch_run")):
        said = in_a_process(what, runs, workers)
        share = said["rate"] / (workers * single)
        click.echo(
            f"{name}: {runs:,} national runs in {said['seconds']:.0f} s on {workers} processes, "
            f"{said['rate']:.2f} runs a second, efficiency {share:.2f}, "
            f"peak memory {size(said['peak'])}"
        )


# The store


def stored(runs: int) -> None:
    """Store ``runs`` runs of sixty quarters, 250 of them different, and read them."""
    design = design_of(runs, small())
    shared, warmed = setting(design.question), min(runs, PART_RUNS)
    told = [tell(shared, design.run(number)) for number in range(warmed)]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "swept"
        seconds, curve = write(design, place, told)
        paths = [path for path in place.rglob("*") if path.is_file()]
        taken = sum(path.stat().st_size for path in paths)
        click.echo(f"{runs:,} runs stored in {seconds:.1f} s, journal included: {size(taken)}")
        click.echo(f"memory of the writer: {', '.join(curve)}")
        read(place)


def write(design: Design, place: Path, told: list[Told]) -> tuple[float, list[str]]:
    """Store the runs of ``design`` a few at a time; return seconds, and memory on the way."""
    layout, curve = Layout(design.size), []
    begin(design, place, layout)
    journal = Journal(place, layout)
    started = time.perf_counter()
    for number in range(design.size):
        journal.add(number, replace(told[number % len(told)], point=number))
        if number % 10 == 9:
            journal.flush()
        if number % max(1, design.size // 5) == 0:
            curve.append(f"{size(memory(os.getpid()))} after {number:,}")
    journal.flush()
    return time.perf_counter() - started, curve


def read(place: Path) -> None:
    swept = Sweep.open(place)
    queries: dict[str, Callable[[], object]] = {
        "all outcomes over the horizon as a frame": swept.frame,
        "one outcome over the horizon": lambda: swept.frame(["net_public_saving"]),
        "mean of one outcome by quarter, by SQL": lambda: swept.sql(
            "SELECT quarter, avg(net_public_saving) FROM quarters GROUP BY quarter"
        ),
        "every checksum": swept.check,
    }
    for name, query in queries.items():
        started = time.perf_counter()
        query()
        click.echo(f"{name}: {time.perf_counter() - started:.2f} s")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    click.echo(f"peak memory of writer and reader: {size(1024 * most)}")


@click.command()
@click.option("--runs", default=1000, show_default=True, help="National runs.")
@click.option("--stored", "many", default=10_000, show_default=True, help="Runs to store.")
@click.option("--workers", default=default_workers(), show_default=True, help="Processes.")
@click.option("--short", is_flag=True, help="40 national runs, 1,000 stored.")
@click.option("--only", type=click.Choice(["alone", "ours", "mesas", "compare", "store"]))
def main(runs: int, many: int, workers: int, short: bool, only: str | None) -> None:
    """Print efficiency, memory, and the cost of storing."""
    if short:
        runs, many = 40, 1000
    if only == "alone":
        by_itself(runs)
        return
    if only in ("ours", "mesas"):
        (ours if only == "ours" else mesas)(runs, workers)
        return
    if only != "store":
        compare(runs, workers)
    if only != "compare":
        stored(many)


if __name__ == "__main__":
    main()
