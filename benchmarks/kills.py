"""Kill the workers and the driver of a sweep again and again, and see what it cost.

Run with `uv run python -m benchmarks.kills`. A sweep of 2,000 runs on a small register is killed
(SIGKILL) at moments spread over it, ten times a worker and ten times the driver, and resumed each
time. At the end every run must be there once, and every file equal to the byte to that of a sweep
that nobody disturbed.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import click

from results.sweep_files import JOURNAL, SCHEMAS, held_runs
from results.sweeps import Sweep
from simulation.register import load_register

COUNTIES = ("Cambridgeshire", "Rutland", "Peterborough")


def small_register() -> str:
    """Return the rows of the bundled register that lie in a few counties."""
    rows = load_register().raw.decode().splitlines()
    return "\n".join([rows[0], *(row for row in rows[1:] if any(c in row for c in COUNTIES))])


def write_design(folder: Path, runs: int, years: int) -> Path:
    """Write a design of about ``runs`` runs: two policies, five replications."""
    (folder / "councils.csv").write_text(small_register() + "\n")
    design = {
        "policies": ["status-quo", "forced-aggregation"],
        "register": "councils.csv",
        "years": years,
        "replicates": 5,
        "design": {"method": "sobol", "points": max(1, runs // 10)},
        "vary": {"risk_transfer": [0, 1], "demand_growth": None, "aggregation_reach": None},
    }
    path = folder / "design.json"
    path.write_text(json.dumps(design))
    return path


@dataclass
class Drive:
    """A sweep by the command line, killed and resumed."""

    design: Path
    out: Path
    workers: int
    sittings: int = 0
    dead: dict[str, int] = field(default_factory=lambda: {"worker": 0, "driver": 0})

    def start(self) -> "subprocess.Popen[bytes]":
        self.sittings += 1
        code = "import sys; from experiments.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", code, "sweep", str(self.design), "--resume"]
        command += ["--out", str(self.out), "--workers", str(self.workers)]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def to_the_end(self, kills: int, runs: int) -> None:
        """Make all runs; kill a worker and the driver in turn, ``kills`` times each."""
        moments = [(n + 1) * runs // (2 * kills + 1) for n in range(2 * kills)]
        process = self.start()
        while process.poll() is None:
            time.sleep(0.05)
            if not moments or written(self.out) < moments[0]:
                continue
            whom = "worker" if len(moments) % 2 == 0 else "driver"
            if self.kill(whom, process.pid):
                moments.pop(0)
                if whom == "driver":
                    process.wait()
                    process = self.start()
        if process.returncode:
            raise SystemExit(f"the sweep ended with exit code {process.returncode}")

    def kill(self, whom: str, driver: int) -> bool:
        """Kill one process; say whether there was one."""
        victims = [driver] if whom == "driver" else workers_of(driver)
        if not victims:
            return False
        os.kill(victims[-1], signal.SIGKILL)
        self.dead[whom] += 1
        return True


def workers_of(driver: int) -> list[int]:
    """Return the processes that a process's server of workers has started."""
    return [child for server in children_of(driver) for child in children_of(server)]


def children_of(process: int) -> list[int]:
    try:
        return [
            int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text().split()
        ]
    except OSError:
        return []


def written(out: Path) -> int:
    """Return about how many runs ``out`` holds, from the names of files alone."""
    chunks = [path.name.split("-") for path in (out / JOURNAL).rglob("*.arrow")]
    parts = len([*(out / "runs").glob("*.parquet")]) if out.is_dir() else 0
    return 250 * parts + sum(int(name[1]) for name in chunks)


def files(out: Path) -> dict[str, bytes]:
    paths = [path for folder in (*SCHEMAS, JOURNAL) for path in (out / folder).rglob("*")]
    return {str(path.relative_to(out)): path.read_bytes() for path in paths if path.is_file()}


def judge(disturbed: Path, undisturbed: Path, runs: int) -> bool:
    """Say, and return, whether every run is there once and every file the same."""
    numbers = Sweep.open(disturbed).numbers()
    once = numbers == list(range(runs)) and held_runs(disturbed) == set(range(runs))
    same = files(disturbed) == files(undisturbed)
    click.echo(f"every run there once: {'yes' if once else 'NO'} ({len(numbers):,} of {runs:,})")
    click.echo(f"every file equal to the byte: {'yes' if same else 'NO'}")
    click.echo(f"damaged: {Sweep.open(disturbed).check() or 'nothing'}")
    return once and same


@click.command()
@click.option("--runs", default=2000, show_default=True, help="Runs of the sweep.")
@click.option("--kills", default=10, show_default=True, help="Kills of workers, and of the driver.")
@click.option("--years", default=5, show_default=True, help="Horizon.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
def main(runs: int, kills: int, years: int, workers: int) -> None:
    """Print what twenty kills cost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        design = write_design(folder, runs, years)
        taken = {}
        for out, deaths in (("undisturbed", 0), ("disturbed", kills)):
            drive, started = Drive(design, folder / out, workers), time.perf_counter()
            drive.to_the_end(deaths, runs)
            taken[out] = time.perf_counter() - started
            click.echo(
                f"{out}: {taken[out]:.0f} s in {drive.sittings} sittings; killed "
                f"{drive.dead['worker']} workers and {drive.dead['driver']} drivers"
            )
        asked = Sweep.open(folder / "undisturbed").layout.runs
        if not judge(folder / "disturbed", folder / "undisturbed", asked):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
