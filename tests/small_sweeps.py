"""Small sweeps for tests, and runs that are made up: this loads no model."""

from pathlib import Path
from time import sleep
from typing import Any

import numpy as np

from experiments.designs import Design, SweepRun
from experiments.question import Territory
from experiments.sweep import SweepConduct, sweep
from experiments.sweep_runs import Told
from simulation.outcomes import OUTCOMES
from simulation.register import parse_register

PART_RUNS = 10
FILES = ("runs", "quarters")
REGISTER = b"""name,type,region,county,population,latitude,longitude
Shire,county,Midlands,,600000,52.0,-1.0
Vale 0,district,Midlands,Shire,90000,51.8,-1.3
Vale 1,district,Midlands,Shire,95000,51.9,-1.2
Shire City,unitary,Midlands,,250000,52.0,-1.05
"""


def design(**changes: Any) -> Design:
    """Return a design of 32 runs of one year, unless it is changed."""
    asked: dict[str, Any] = {
        "policies": ["status-quo", "shared-risk"],
        "vary": {"risk_transfer": (0, 1), "demand_growth": None},
        "points": 4,
        "replicates": 4,
        "years": 1,
        "territory": Territory(parse_register(REGISTER, "shire.csv"), "shire"),
    }
    return Design.of(**{**asked, **changes})


def make(place: Path, asked: Design | None = None, **how: Any) -> SweepConduct:
    """Sweep in parts of ten runs."""
    return sweep(asked or design(), place, part_runs=PART_RUNS, **how)


def content(directory: Path) -> dict[str, bytes]:
    """Return the files of parts by name; what is left in the journal counts as well."""
    paths = [path for name in FILES for path in sorted((directory / name).iterdir())]
    paths += sorted(path for path in (directory / "journal").rglob("*"))
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in paths
        if path.is_file()
    }


def quick(_: Any, run: SweepRun) -> Told:
    """Return something in no time that depends on the run alone; two of 32 runs fail."""
    quarters = np.arange(4 * len(OUTCOMES), dtype=np.float32).reshape(4, -1)
    quarters += run.seed % 1000 + run.point + len(run.policy.name)
    keys = (run.point, run.policy.name, run.sample, run.replication, run.seed)
    if (run.point, run.replication) == (1, 2):
        return Told(*keys, stage="quarter 3", error="ValueError: no more")
    return Told(*keys, quarters[-1], quarters)


def dawdling(shared: Any, run: SweepRun) -> Told:
    """Return the same, after a while in which one can be killed."""
    sleep(0.02)
    return quick(shared, run)


TURN = 0.012
"""The value of coordination above which shared-risk is worse in a made-up sweep."""


def made_up(_: Any, run: SweepRun) -> Told:
    """Return in no time a saving that shared-risk changes by what coordination says."""
    luck = np.float32(run.seed % 997 / 997)
    gain = 1e4 * (TURN - run.assumptions.coordination) if run.policy.name == "shared-risk" else 0.0
    quarters = np.full((4, len(OUTCOMES)), luck, np.float32)
    quarters[:, list(OUTCOMES).index("net_public_saving")] += np.float32(gain)
    keys = (run.point, run.policy.name, run.sample, run.replication, run.seed)
    return Told(*keys, quarters[-1], quarters)
