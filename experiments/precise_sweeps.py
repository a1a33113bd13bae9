"""Sweeps with as many replications as it takes for the widest interval of any point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.executors import Executor
from experiments.precision import MOST, Aim, Precise, Reached, grown, start_of
from simulation.errors import InputError

if TYPE_CHECKING:
    from experiments.designs import Design
    from experiments.sweep import SweepConduct


def sweep_precisely(
    design: Design,
    aims: Sequence[Aim],
    place: Path | None = None,
    executor: Executor | None = None,
    *,
    most: int = MOST,
    resume: bool = False,
    **about: Any,
) -> tuple[SweepConduct, Precise | None]:
    """Sweep with as many replications as it takes for the widest interval of any point.

    Every look extends the sweep: runs that are there are kept, those of earlier sittings too.

    Args:
        design: which runs are made, at least.
        aims: how narrow the interval of each policy's difference shall be at every point.
        place: directory of the sweep; that of ``design`` if None.
        executor: makes the runs; this process if None.
        most: replications that are not exceeded.
        resume: go on with the sweep that ``place`` holds.
        **about: what `sweep` takes besides.

    Returns:
        What became of the sweep, and what was reached; None where the user interrupted it.

    Raises:
        InputError: as for `sweep`, or there is one policy, or ``most`` is too small or too large.
    """
    from experiments.sweep import place_of

    where = place or place_of(design)
    start = first_look(design, where, most, resume=resume).question.replicates
    conducts: list[SweepConduct] = []

    def look(replicates: int) -> tuple[Reached, ...]:
        grown, again = _lengthened(design, replicates), resume or bool(conducts)
        conducts.append(_swept(grown, where, executor, again, about))
        return widest_in(where, aims)

    try:
        precise = grown(look, start, most)
    except _Interrupted as interrupted:
        return interrupted.conduct, None
    return conducts[-1], precise


def first_look(design: Design, place: Path, most: int, *, resume: bool) -> Design:
    """Return ``design`` with the replications of a precise sweep's first look.

    They are those of the sweep at ``place``, where that is gone on with and has more.

    Raises:
        InputError: there is one policy, ``most`` is too small or too large, or the manifest at
            ``place`` is damaged.
    """
    if len(design.question.policies) == 1:
        raise InputError(f"{design.where}: --precision: there is one policy, and no difference")
    there = _replicates_there(place) if resume else 0
    return _lengthened(design, start_of(max(design.question.replicates, there), most))


def _lengthened(design: Design, replicates: int) -> Design:
    return replace(design, question=replace(design.question, replicates=replicates))


def _replicates_there(place: Path) -> int:
    from experiments.sweep_directory import stored_manifest

    manifest = stored_manifest(place)
    return int(manifest["design"]["replicates"]) if manifest else 0


class _Interrupted(Exception):
    """The user stopped a sweep; what became of it is kept here."""

    def __init__(self, conduct: SweepConduct) -> None:
        super().__init__(conduct.status)
        self.conduct = conduct


def _swept(
    design: Design, place: Path, executor: Executor | None, resume: bool, about: dict[str, Any]
) -> SweepConduct:
    from experiments.sweep import sweep

    done = sweep(design, place, executor, resume=resume, more=resume, **about)
    if done.status == "interrupted":
        raise _Interrupted(done)
    return done


def widest_in(place: Path, aims: Sequence[Aim]) -> tuple[Reached, ...]:
    """Return the widest interval of any point of a sweep, by outcome and policy."""
    from results.sweeps import Sweep

    opened = Sweep.open(place)
    frame = opened.frame([aim.outcome for aim in aims])
    found = []
    for aim in aims:
        wide = frame.pivot(index=["point", "replication"], columns="policy", values=aim.outcome)
        for policy in (name for name in opened.policies if name != opened.baseline):
            differences = (wide[policy] - wide[opened.baseline]).dropna()
            found.append(_widest(aim, policy, differences, len(opened.points)))
    return tuple(found)


def _widest(aim: Aim, policy: str, differences: Any, points: int) -> Reached:
    from scipy import stats

    from results.intervals import LEVEL

    by_point = differences.groupby(level="point").agg(["count", "std"])
    widths = (
        2 * stats.t.isf(LEVEL, by_point["count"] - 1) * by_point["std"] / by_point["count"] ** 0.5
    )
    known = len(widths) == points and bool(widths.notna().all())
    pairs = by_point["count"].reindex(range(points), fill_value=0)
    width = float(widths.max()) if known else math.nan
    return Reached(aim.outcome, policy, aim.width, width, int(pairs.min()))
