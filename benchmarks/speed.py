"""Measure what a national run costs against Mesa's floor, and how cost grows with councils.

Run with `uv run python -m benchmarks.speed`. The floor is 700 agents with an empty step under
`shuffle_do` for as many quarters, in the same process: machines differ, ratios hardly.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import mesa
import numpy as np

from simulation import MarketModel, Policy
from simulation.synthetic import synthetic

QUARTERS = 60
POLICIES = {
    "status quo": {},
    "forced aggregation": {"aggregation_threshold": 3.0, "aggregation_mandate": 1.0},
}


class Idle(mesa.Agent):
    def step(self) -> None:
        pass


class Floor(mesa.Model):
    def __init__(self) -> None:
        super().__init__(rng=1)
        for _ in range(700):
            Idle(self)

    def step(self) -> None:
        self.agents.shuffle_do("step")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def floor() -> float:
    model = Floor()
    return seconds(lambda: [model.step() for _ in range(QUARTERS)])


def ratios(levers: dict[str, float], runs: int) -> tuple[list[float], list[float]]:
    """Return seconds of runs and their ratios to a floor measured just before each."""
    taken, ratio = [], []
    for seed in range(runs):
        base = floor()
        policy = Policy("timed", **levers)
        taken.append(seconds(lambda policy=policy, seed=seed: MarketModel(policy, rng=seed).run()))
        ratio.append(taken[-1] / base)
    return taken, ratio


def own_peak() -> int:
    """Return the peak memory of this process, kB; not that of the process which started it."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def peak_memory() -> float:
    """Return the peak memory, MB, of a fresh process that makes one national run."""
    code = (
        "from benchmarks.speed import own_peak; from simulation import MarketModel; "
        "MarketModel(rng=1).run(); print(own_peak())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout) / 1024


def report_ratios(runs: int) -> None:
    for name, levers in POLICIES.items():
        taken, ratio = ratios(levers, runs)
        click.echo(
            f"{name:20s} {statistics.median(taken):6.3f} s a run, ratio to the floor: median "
            f"{statistics.median(ratio):.1f}, {min(ratio):.1f} to {max(ratio):.1f} in {runs} runs"
        )


def report_growth(sizes: list[int], years: int) -> None:
    """Print what a run on invented registers takes, each in a process of its own."""
    for councils in sizes:
        command = [sys.executable, "-m", "benchmarks.speed", "--grown", str(councils)]
        done = subprocess.run(
            [*command, "--years", str(years)], capture_output=True, text=True, check=True
        )
        geography, taken, peak = map(float, done.stdout.split())
        click.echo(
            f"{councils:6d} councils {taken:8.2f} s, {1000 * taken / councils:6.2f} ms a council, "
            f"{peak / 1024:5.0f} MB; once a register {geography:.1f} s"
        )


def grown(councils: int, years: int) -> None:
    """Print seconds that a register takes once, seconds of a run on it, and peak memory, kB."""
    register = synthetic(councils, 2006)
    geography = seconds(lambda: MarketModel(register=register, years=1, rng=1).run())
    taken = seconds(lambda: MarketModel(register=register, years=years, rng=1).run())
    click.echo(f"{geography} {taken} {own_peak()}")


@click.command()
@click.option("--runs", default=7, show_default=True, help="National runs for each policy.")
@click.option("--sizes", default="100,388,1000,2000,5000,10000", show_default=True,
              help="Numbers of councils.")  # fmt: skip
@click.option("--years", default=5, show_default=True, help="Horizon of the runs by size.")
@click.option("--grown", "size", type=int, help="Measure this one number of councils alone.")
def main(runs: int, sizes: str, years: int, size: int | None) -> None:
    """Print the ratios, peak memory, and cost by number of councils."""
    np.seterr(all="raise", under="ignore")
    if size:
        grown(size, years)
        return
    MarketModel(rng=0, years=1).run()
    report_ratios(runs)
    click.echo(f"peak memory of one national run in a fresh process: {peak_memory():.0f} MB")
    report_growth([int(size) for size in sizes.split(",")], years)


if __name__ == "__main__":
    main()
