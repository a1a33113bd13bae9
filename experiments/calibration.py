"""Calibration: the market at the status quo held against the record, target by target.

Every seed gives one run, with the luck that the replication of that number has in a comparison; a
run returns its moments only.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from rich.text import Text

from experiments.asking import held
from experiments.executors import Executor, Lost
from experiments.moments import MOMENTS, Moment, record_of
from experiments.runs import described
from experiments.targets import Target
from experiments.telling import CAVEAT
from experiments.terminal import listing, rendered
from results.words import number
from simulation.assumptions import Assumptions, assumptions_from
from simulation.model import MarketModel
from simulation.randomness import derive
from simulation.register import Register

LUCK = 2006
"""Seed of all luck: that of a comparison, unless it says otherwise."""
FIGURES = 4.0
"""Parts of a wanted range to which values are shown."""

type Progress = Callable[[int, int], None]


# --- runs ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What the runs gave for one target.

    Attributes:
        target: the target.
        mean: over all runs taken together; NaN where no run has such a thing.
        spread: standard deviation between runs; NaN for fewer than two.
        runs: number of runs that have such a thing.
    """

    target: Target
    mean: float
    spread: float
    runs: int

    @property
    def distance(self) -> float:
        """Distance of the mean from the wanted range; NaN where there is no mean."""
        return self.target.distance(self.mean)


@dataclass(frozen=True)
class Calibration:
    """The targets with what was found, in the order of the file, and the runs that failed."""

    found: tuple[Found, ...]
    failed: tuple[str, ...] = ()

    @property
    def reached(self) -> int:
        """Number of targets whose mean is within the wanted range."""
        return sum(one.distance == 0 for one in self.found)

    @property
    def distance(self) -> float:
        """Mean distance of the targets that could be measured; NaN where none could."""
        known = [one.distance for one in self.found if not math.isnan(one.distance)]
        return sum(known) / len(known) if known else math.nan


@dataclass(frozen=True)
class Trial:
    """What all runs of a calibration share."""

    targets: tuple[Target, ...]
    assumptions: Assumptions
    years: int = 15
    register: Register | None = None


def assumed(texts: Sequence[str]) -> Assumptions:
    """Return the central assumptions with ``name=value`` texts, or named sets, in their place.

    Raises:
        InputError: an unknown name or a value out of bounds.
    """
    return assumptions_from(held(texts), "--assume")


def calibrate(
    trial: Trial, seeds: int, executor: Executor, progress: Progress | None = None
) -> Calibration:
    """Run the status quo under ``seeds`` seeds and hold it against the targets.

    Args:
        trial: targets, assumptions, horizon and register.
        seeds: number of runs, 1 to 10,000.
        executor: makes the runs.
        progress: called with the number of runs done and of all runs.
    """
    measured: list[Sequence[Moment]] = []
    failed: list[str] = []
    results = executor.run(partial(measure, trial), range(seeds), _never)
    for done, result in enumerate(results, 1):
        if isinstance(result, Lost):
            failed.append(f"seed {result.task}: {result.error}")
        elif isinstance(result, str):
            failed.append(result)
        else:
            measured.append(result)
        if progress:
            progress(done, seeds)
    found = (
        _found(target, [run[place] for run in measured])
        for place, target in enumerate(trial.targets)
    )
    return Calibration(tuple(found), tuple(failed))


def measure(trial: Trial, replication: int) -> Sequence[Moment] | str:
    """Return the moments of one run, in the order of the targets, or why it failed."""
    seed = derive(LUCK, "replication", replication)
    try:
        model = MarketModel(
            assumptions=trial.assumptions, years=trial.years, register=trial.register, rng=seed
        )
        record = record_of(model)
        return [MOMENTS[target.moment](record, **target.of) for target in trial.targets]
    except Exception as error:
        return f"seed {replication}: {described(error)}"


def _never() -> bool:
    return False


def _found(target: Target, runs: Sequence[Moment]) -> Found:
    """Return what ``runs`` give together: rare things weigh by how often they are there."""
    weights = [one.weight for one in runs]
    together = Moment(math.fsum(one.total for one in runs), math.fsum(weights))
    values = np.array([one.value for one in runs if one.weight])
    spread = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    return Found(target, together.value, spread, len(values))


# --- what is told --------------------------------------------------------------------------------

ABOUT = (
    "Distance is 0 in the wanted range, and outside by how many halves of that range the simulated "
    "value is away from it. Simulated: all runs taken together; sd: between runs. The first year "
    "does not count, unless said."
)
HEADINGS = ("name", "target", "wanted", "simulated", "sd", "distance", "certainty")


class Asked(NamedTuple):
    """What was typed: how many seeds, which targets, which assumptions were set."""

    seeds: int
    only: Sequence[str] = ()
    assume: Sequence[str] = ()

    @property
    def command(self) -> str:
        """The command that asks the same."""
        options = [f"--only {name}" for name in self.only]
        options += [f"--assume {shlex.quote(pair)}" for pair in self.assume]
        return " ".join([f"tenderlab calibrate --seeds {self.seeds}", *options])


def text(calibration: Calibration) -> str:
    """Return the table, how it reads, and what it comes to, for the terminal."""
    table = rendered(listing(HEADINGS, rows(calibration)))
    return "\n".join([table, rendered(Text(ABOUT)), rendered(Text(CAVEAT)), summary(calibration)])


def rows(calibration: Calibration) -> list[list[str]]:
    """Return the table under `HEADINGS`, one row a target."""
    return [_row(one) for one in calibration.found]


def _row(one: Found) -> list[str]:
    target = one.target
    figures = [_figure(value, target) for value in (one.mean, one.spread)]
    return [target.name, target.title, wanted(target), *figures, _distance(one), target.certainty]


def _distance(one: Found) -> str:
    if math.isnan(one.distance):
        return "not measured"
    return f"{one.distance:.2f}" if one.distance else "in range"


def wanted(target: Target) -> str:
    """Return the wanted range in figures, with its unit."""
    gap = "" if target.unit.startswith("%") else " "
    return f"{target.low:,g} to {target.high:,g}{gap}{target.unit}"


def _figure(value: float, target: Target) -> str:
    return number(value, (target.high - target.low) / FIGURES)


def summary(calibration: Calibration) -> str:
    """Say how many targets are reached and how far off the market is in all."""
    found = calibration.found
    missing = [one.target.name for one in found if math.isnan(one.distance)]
    told = (
        f"{calibration.reached} of {len(found)} targets in range; mean distance "
        f"{calibration.distance:.2f}{_largest(found)}."
    )
    return f"{told} Not measured: {', '.join(missing)}." if missing else told


def _largest(found: Sequence[Found]) -> str:
    known = [one for one in found if one.distance > 0]
    worst = max(known, key=lambda one: one.distance, default=None)
    return f", the largest {worst.distance:.2f} ({worst.target.name})" if worst else ""


def what_went_wrong(calibration: Calibration, seeds: int) -> str:
    """Say how many of ``seeds`` runs failed, and how the first did."""
    failed = calibration.failed
    return f"{len(failed)} of {seeds} runs failed, first {failed[0]}"


def document(calibration: Calibration, asked: Asked) -> dict[str, Any]:
    """Return the calibration for JSON; a number that is not defined is None."""
    return {
        "command": asked.command,
        "seeds": asked.seeds,
        "failed": list(calibration.failed),
        "caveat": CAVEAT,
        "targets": [_entry(one) for one in calibration.found],
        "reached": calibration.reached,
        "distance": _defined(calibration.distance),
    }


def _entry(one: Found) -> dict[str, Any]:
    numbers = {"simulated": one.mean, "sd": one.spread, "distance": one.distance}
    defined = {name: _defined(value) for name, value in numbers.items()}
    return {**asdict(one.target), **defined, "runs": one.runs}


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value


# --- the page ------------------------------------------------------------------------------------


def page(calibration: Calibration, asked: Asked) -> str:
    """Return the calibration as a page of the documents, in Markdown."""
    parts = [
        "# Calibration",
        f"Made by `uv run {asked.command} --out PAGE`, not to be edited by hand. The targets and "
        "how each is measured stand in `experiments/targets.yaml`.",
        f"The market at the status quo is held against the record: {asked.seeds} runs of England "
        f"over fifteen years. {ABOUT} {CAVEAT}",
        "\n".join(_table(calibration)),
        summary(calibration),
        *_misses(calibration.found),
    ]
    return "\n\n".join(parts) + "\n"


def _table(calibration: Calibration) -> Iterator[str]:
    headings = [*HEADINGS, "source", "measured by"]
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for one, row in zip(calibration.found, rows(calibration), strict=True):
        cells = [*row, one.target.source, _measured_by(one.target)]
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _measured_by(target: Target) -> str:
    told = ", ".join(f"{name} {value}" for name, value in target.of.items())
    return f"{target.moment} ({told})" if told else target.moment


def _misses(found: Sequence[Found]) -> Iterator[str]:
    """Yield the misses, the farthest first, each with what would mend it."""
    missed = [one for one in found if one.distance != 0]
    if missed:
        yield "## What is missed, and what would mend it"
    for one in sorted(missed, key=lambda one: -one.distance if one.distance > 0 else 0.0):
        remedy = one.target.mend or "No remedy is known yet."
        yield f"**{one.target.title}**: wanted {wanted(one.target)}, {_simulated(one)}. {remedy}"


def _simulated(one: Found) -> str:
    known = not math.isnan(one.mean)
    return f"simulated {_figure(one.mean, one.target)}" if known else "not measured"
