"""Validation: run the arms that directions compare, and say which of them emerge.

Arms that directions share are run once. Replication r of every arm meets the same luck, so that
every comparison is paired; assumptions are central but for what an arm sets.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from traceback import format_exc
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.directions import Arm, Contrast, Direction, Directions, Grid
from experiments.executors import Executor, Lost
from experiments.figures import Figure, Reading, value_of
from experiments.runs import described
from results.intervals import standard_error
from simulation.errors import InputError
from simulation.model import MarketModel
from simulation.randomness import derive

type FloatArray = NDArray[np.float64]
type Progress = Callable[[int, int], None]
type Readings = Mapping[tuple[Arm, int], Mapping[str, Reading]]

CONFIDENCE = 0.95
"""Of each one-sided bound; the interval between the two bounds holds 90%."""
FEWEST = 2


# Runs


@dataclass(frozen=True)
class Task:
    """One run: an arm, a replication, its seed, and the figures that are read off it."""

    arm: Arm
    replication: int
    seed: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Done:
    """What a run gave: its figures by name, or the error that ended it."""

    task: Task
    readings: Mapping[str, Reading]
    error: str = ""
    trace: str = ""


def perform(task: Task) -> Done:
    """Make one run and read its figures; whatever goes wrong is returned, not raised."""
    try:
        arm = task.arm
        model = MarketModel(arm.policy(), arm.assumed(), years=arm.years, rng=task.seed).run()
        return Done(task, {figure.name: figure.read(model) for figure in task.figures})
    except Exception as error:
        return Done(task, {}, described(error), format_exc())


def plan(directions: Directions, *, ablation: bool) -> list[Task]:
    """Return the runs that ``directions`` need, by replication; no run stands there twice."""
    wanted: defaultdict[tuple[int, Arm], dict[str, Figure]] = defaultdict(dict)
    for direction in directions.directions:
        for one in _with_ablated(direction, ablation):
            for arm, figure in _needs(one):
                for replication in range(one.seeds):
                    wanted[replication, arm][figure.name] = figure
    order = sorted(wanted, key=lambda key: key[0])
    return [
        Task(
            arm,
            replication,
            derive(directions.seed, "direction", replication),
            tuple(wanted[replication, arm].values()),
        )
        for replication, arm in order
    ]


def _with_ablated(direction: Direction, ablation: bool) -> list[Direction]:
    both = ablation and direction.ablation
    return [direction, direction.ablated()] if both else [direction]


def _needs(direction: Direction) -> Iterable[tuple[Arm, Figure]]:
    for contrast in (*direction.contrasts, *direction.beside):
        yield contrast.arm, contrast.figure
        yield contrast.against, contrast.figure
    if direction.grid:
        for arm in direction.grid.arms:
            yield arm, direction.grid.figure


# What the runs say


@dataclass(frozen=True)
class Effect:
    """A mean of paired differences, with one-sided 95% bounds to either side."""

    mean: float
    low: float
    high: float
    pairs: int

    @classmethod
    def of(cls, differences: FloatArray) -> Effect:
        """Return the effect that ``differences`` show; those that are not defined are left out."""
        known = differences[~np.isnan(differences)]
        if len(known) < FEWEST:
            return cls(math.nan, math.nan, math.nan, len(known))
        mean = float(known.mean())
        reach = float(stats.t.ppf(CONFIDENCE, len(known) - 1)) * standard_error(known)
        return cls(mean, mean - reach, mean + reach, len(known))

    def turned(self, sign: int) -> Effect:
        """Return the same effect (``sign`` 1) or its opposite (-1)."""
        return self if sign > 0 else Effect(-self.mean, -self.high, -self.low, self.pairs)

    def goes(self, sign: int) -> bool:
        """Say whether it is surely above zero (``sign`` 1) or below (-1)."""
        return self.low > 0 if sign > 0 else self.high < 0


@dataclass(frozen=True)
class Curve:
    """A figure over a grid: its mean at every value, and where it is best.

    Attributes:
        values: of the lever or assumption.
        means: of the figure over all replications.
        best: place of the best value, chosen on the first half of the replications.
        margins: how much better it is than the low and the high end, on the second half.
    """

    values: tuple[float, ...]
    means: tuple[float, ...]
    best: int
    margins: tuple[Effect, Effect]

    @property
    def at(self) -> float:
        """The best value."""
        return self.values[self.best]


@dataclass(frozen=True)
class Shown:
    """What runs show of one comparison: an effect, or for a grid a curve."""

    sign: int
    effect: Effect | None = None
    curve: Curve | None = None

    @property
    def margins(self) -> tuple[Effect, ...]:
        """What must be above zero: the effect in the direction claimed, or the curve's margins."""
        if self.curve:
            return self.curve.margins
        return (self.effect.turned(self.sign),) if self.effect else ()

    @property
    def found(self) -> bool:
        """Whether it is surely so."""
        if self.curve:
            return all(margin.goes(1) for margin in self.curve.margins)
        return bool(self.effect and self.effect.goes(self.sign))


Gone = Literal["goes away", "undecided", "stays"]


@dataclass(frozen=True)
class Told:
    """One direction and what the runs show of it.

    Attributes:
        direction: the direction.
        shown: what the comparison shows.
        beside: effects that prove nothing, one each of ``direction.beside``.
        ablated: what it shows with the mechanism switched off; None where that was not run.
    """

    direction: Direction
    shown: Shown
    beside: tuple[Effect, ...]
    ablated: Shown | None

    @property
    def found(self) -> bool:
        """Whether the direction emerges."""
        return self.shown.found

    @cached_property
    def gone(self) -> Gone | None:
        """Whether the mechanism switched off makes it go away; None where that was not run.

        It goes away where surely no more than a part is left: of the effect, or for an interior
        best of what it is better than one of the ends. It stays where surely more is left.
        """
        if self.ablated is None or self.direction.ablation is None:
            return None
        most = self.direction.ablation.leaves_at_most
        pairs = list(zip(self.shown.margins, self.ablated.margins, strict=True))
        if any(left.high <= most * full.mean for full, left in pairs):
            return "goes away"
        return "stays" if all(left.low > most * full.mean for full, left in pairs) else "undecided"

    @property
    def as_claimed(self) -> bool:
        """Whether it emerges, and does not surely stay where its mechanism is switched off."""
        return self.found and self.gone != "stays"


def validate(
    directions: Directions, executor: Executor, *, ablation: bool = False,
    progress: Progress = lambda done, total: None,
) -> list[Told]:  # fmt: skip
    """Run what ``directions`` need and return what the runs show of each, in their order.

    Args:
        directions: what is claimed.
        executor: where runs are made.
        ablation: whether mechanisms are switched off, too.
        progress: is told of runs done and all runs.

    Raises:
        InputError: a figure does not fit its table.
        RuntimeError: a run failed.
    """
    check_figures(directions)
    tasks = plan(directions, ablation=ablation)
    readings: dict[tuple[Arm, int], Mapping[str, Reading]] = {}
    for count, done in enumerate(executor.run(perform, tasks, lambda: False), start=1):
        if isinstance(done, Lost) or done.error:
            raise RuntimeError(f"a run failed: {done.error}")
        readings[done.task.arm, done.task.replication] = done.readings
        progress(count, len(tasks))
    return [tell(one, readings, ablation=ablation) for one in directions.directions]


def check_figures(directions: Directions) -> None:
    """Read every figure off a market one quarter old, so that what is wrong shows before the runs.

    Raises:
        InputError: a column is compared with a value of another sort.
    """
    model = MarketModel(years=1, rng=0)
    model.step()
    figures = {figure for one in directions.directions for _, figure in _needs(one)}
    for figure in sorted(figures, key=lambda one: one.name):
        try:
            figure.read(model)
        except InputError as error:
            raise InputError(f"{directions.where}: {error}") from None


def tell(direction: Direction, readings: Readings, *, ablation: bool) -> Told:
    """Return what ``readings`` show of ``direction``."""
    ablated = _with_ablated(direction, ablation)[1:]
    whole = _shown(direction, readings)
    return Told(
        direction,
        whole,
        tuple(Effect.of(_contrast(one, readings, direction)) for one in direction.beside),
        _shown(ablated[0], readings, whole.curve) if ablated else None,
    )


def _shown(direction: Direction, readings: Readings, whole: Curve | None = None) -> Shown:
    """Return what ``readings`` show; of an ablated curve at the best of the ``whole`` one."""
    if direction.grid:
        return Shown(direction.sign, curve=_curve(direction, direction.grid, readings, whole))
    first, *than = (_contrast(one, readings, direction) for one in direction.contrasts)
    differences = first - than[0] if than else first
    return Shown(direction.sign, effect=Effect.of(differences))


def _contrast(contrast: Contrast, readings: Readings, direction: Direction) -> FloatArray:
    """Return the figure in one arm less that in the other, one value a replication."""
    figure, differences = contrast.figure, []
    for replication in range(direction.replications):
        one, other = (
            readings[arm, replication][figure.name] for arm in (contrast.arm, contrast.against)
        )
        shared = sorted(one.keys() & other.keys())
        differences.append(value_of(figure, one, shared) - value_of(figure, other, shared))
    return np.array(differences)


def _curve(direction: Direction, grid: Grid, readings: Readings, whole: Curve | None) -> Curve:
    """Return a curve: its best is chosen on one half of the runs and held against the other.

    With a mechanism switched off the question is how much better the best of the ``whole`` curve
    still is; it was chosen on other runs, so all of these count.
    """
    values = np.array([_values(grid, arm, readings, direction.seeds) for arm in grid.arms])
    half = 0 if whole else direction.replications
    chosen = int(np.argmax(direction.sign * values[:, :half].mean(axis=1))) if half else 0
    best = whole.best if whole else chosen
    fresh = direction.sign * values[:, half:]
    low, high = Effect.of(fresh[best] - fresh[0]), Effect.of(fresh[best] - fresh[-1])
    means = tuple(map(float, values.mean(axis=1)))
    return Curve(grid.values, means, best, (low, high))


def _values(grid: Grid, arm: Arm, readings: Readings, seeds: int) -> list[float]:
    read = (readings[arm, replication][grid.figure.name] for replication in range(seeds))
    return [value_of(grid.figure, one, sorted(one)) for one in read]


def failures(told: Sequence[Told]) -> list[Told]:
    """Return what does not show what it claims, findings apart."""
    return [one for one in told if not one.as_claimed and not one.direction.finding]
