"""Directions: what the evidence says rises or falls with what, as a file that runs can confirm.

A file of directions declares arms (the status quo with levers and assumptions changed), figures
(numbers read off a run) and directions: in which arm which figure is higher or lower, or has its
best value inside a grid, and which change switches the mechanism behind it off.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from experiments.figures import (
    Figure,
)
from simulation.assumptions import CENTRAL, Assumptions, assumptions_from
from simulation.errors import InputError
from simulation.levers import STATUS_QUO, Policy

type Kind = Literal["difference", "difference in differences", "interior"]


@dataclass(frozen=True)
class Change:
    """Levers and assumptions that are set to values of their own."""

    levers: Mapping[str, Any] = field(default_factory=dict)
    assumptions: Mapping[str, Any] = field(default_factory=dict)

    def over(self, other: Change) -> Change:
        """Return ``other`` with this change on top."""
        return Change({**other.levers, **self.levers}, {**other.assumptions, **self.assumptions})

    @property
    def values(self) -> dict[str, Any]:
        """Return what is set, levers before assumptions."""
        return {**self.levers, **self.assumptions}


@dataclass(frozen=True)
class Arm:
    """The status quo under central assumptions, but for a change, over some years."""

    change: Change
    years: int

    @cached_property
    def identity(self) -> str:
        """Text that two arms share just where they are the same, defaults said or not."""
        levers = _moved(self.change.levers, STATUS_QUO)
        return json.dumps(
            [self.years, levers, _moved(self.change.assumptions, CENTRAL)], sort_keys=True
        )

    def __hash__(self) -> int:
        """Hash by what is set."""
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        """Two arms are equal when they set the same."""
        return isinstance(other, Arm) and self.identity == other.identity

    def with_change(self, change: Change) -> Arm:
        """Return this arm with ``change`` on top."""
        return Arm(change.over(self.change), self.years)

    def policy(self, where: str = "arm") -> Policy:
        """Return its policy.

        Raises:
            InputError: a lever is unknown, planned or out of bounds.
        """
        return Policy("arm", where=where, **self.change.levers)

    def assumed(self, where: str = "arm") -> Assumptions:
        """Return its assumptions.

        Raises:
            InputError: one is unknown or out of bounds.
        """
        return assumptions_from(self.change.assumptions, where)


def _moved(values: Mapping[str, Any], defaults: object) -> dict[str, Any]:
    return {name: one for name, one in values.items() if one != getattr(defaults, name, None)}


@dataclass(frozen=True)
class Contrast:
    """A figure in one arm less the same in another."""

    arm: Arm
    against: Arm
    figure: Figure

    def with_change(self, change: Change) -> Contrast:
        """Return the same contrast with ``change`` on top of both arms."""
        return dataclasses.replace(
            self, arm=self.arm.with_change(change), against=self.against.with_change(change)
        )


@dataclass(frozen=True)
class Grid:
    """A lever or an assumption at several values, low to high, on top of an arm."""

    name: str
    values: tuple[float, ...]
    arms: tuple[Arm, ...]
    figure: Figure

    def with_change(self, change: Change) -> Grid:
        """Return the same grid with ``change`` on top of every arm."""
        return dataclasses.replace(self, arms=tuple(arm.with_change(change) for arm in self.arms))


LEFT = 0.5
"""Share of an effect that may be left, unless said, where it counts as gone."""


@dataclass(frozen=True)
class Ablation:
    """What switches the mechanism behind a direction off.

    Attributes:
        change: the levers and assumptions that do.
        leaves_at_most: share of the effect that may be left where it counts as gone.
    """

    change: Change
    leaves_at_most: float = LEFT
    replications: int | None = None


@dataclass(frozen=True)
class Direction:
    """One claim of the evidence.

    Attributes:
        row: its row in the table of the evidence.
        title: what is claimed.
        because: the mechanism behind it.
        kind: how it is shown.
        replications: paired replications; an interior best takes as many again to confirm it.
        sign: 1 where the figure rises (or is best highest), -1 where it falls.
        contrasts: one contrast, or two whose difference counts.
        grid: of an interior best.
        beside: contrasts that are told and prove nothing.
        ablation: what makes it go away.
        finding: why it does not emerge; empty where it does.
        near: the rule that it is near to; empty where it follows from many decisions.
    """

    row: int
    title: str
    because: str
    kind: Kind
    replications: int
    sign: int
    contrasts: tuple[Contrast, ...] = ()
    grid: Grid | None = None
    beside: tuple[Contrast, ...] = ()
    ablation: Ablation | None = None
    finding: str = ""
    near: str = ""

    @property
    def figure(self) -> Figure:
        """The figure of which it speaks."""
        return self.grid.figure if self.grid else self.contrasts[0].figure

    @property
    def seeds(self) -> int:
        """Number of replications that it needs in all."""
        return self.replications * (2 if self.grid else 1)

    def ablated(self) -> Direction:
        """Return the same comparison with the mechanism switched off."""
        off = self.ablation or Ablation(Change())
        change = off.change
        return dataclasses.replace(
            self,
            replications=off.replications or self.replications,
            contrasts=tuple(one.with_change(change) for one in self.contrasts),
            grid=self.grid and self.grid.with_change(change),
            beside=(),
        )


@dataclass(frozen=True)
class Directions:
    """A file of directions.

    Attributes:
        where: what errors call the file.
        seed: from which the seeds of all replications come.
        directions: what is claimed, in the order of the file.
    """

    where: str
    seed: int
    directions: tuple[Direction, ...]

    def only(self, rows: Sequence[int]) -> Directions:
        """Return the directions of ``rows`` alone.

        Raises:
            InputError: there is none of one of them.
        """
        known = sorted({one.row for one in self.directions})
        for row in rows:
            if row not in known:
                listed = ", ".join(map(str, known))
                raise InputError(f"{self.where}: no direction of row {row}; known: {listed}")
        kept = tuple(one for one in self.directions if one.row in rows)
        return dataclasses.replace(self, directions=kept)

    def with_replications(self, replications: int) -> Directions:
        """Return the same directions, each with ``replications``, ablated or not."""
        more = (_with_replications(one, replications) for one in self.directions)
        return dataclasses.replace(self, directions=tuple(more))


def _with_replications(direction: Direction, replications: int) -> Direction:
    ablation = direction.ablation and dataclasses.replace(direction.ablation, replications=None)
    return dataclasses.replace(direction, replications=replications, ablation=ablation)
