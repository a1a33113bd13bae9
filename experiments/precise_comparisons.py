"""Comparisons with as many replications as it takes for differences to be known narrowly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.executors import Executor, InProcess
from experiments.interruption import interruption
from experiments.kept_runs import Kept
from experiments.precision import MOST, Aim, Precise, Reached, grown, looks_of, start_of
from experiments.question import SAMPLE_BLOCK, Question
from experiments.recording import RUNS, Recording, stored_identity
from experiments.runs import Made, Run, make, plan, setting
from simulation.horizon import over_horizon
from simulation.outcomes import OUTCOMES, Outcome

if TYPE_CHECKING:
    from experiments.campaign import Conduct, Progress
    from results.intervals import FloatArray


def compare_precisely(
    question: Question,
    aims: Sequence[Aim],
    place: Path | None = None,
    executor: Executor | None = None,
    *,
    most: int = MOST,
    everything: bool = False,
    progress: Progress | None = None,
) -> tuple[Question, Conduct, Precise]:
    """Compare with as many replications as it takes, at least those of ``question``.

    The run directory is that of the question with this number of replications, to the byte, its
    samples of the assumptions in blocks where they are drawn.

    Args:
        question: what is asked.
        aims: how narrow the intervals shall be.
        place: of the run directory; ``runs/`` and the final question's identity if None.
        executor: makes the runs; this process if None.
        most: replications that are not exceeded.
        everything: as for `compare`.
        progress: called with the number of runs done and of all runs until the next look.

    Returns:
        The question with this number of replications, what became of it, and what was reached.

    Raises:
        InputError: as for `compare`, or ``most`` is too small or too large.
        KeyboardInterrupt: the user stopped before the intervals were narrow enough.
    """
    from experiments.compare import check_comparison, compare

    check_comparison(question)
    _check_place(question, place, most)
    with Kept(executor or InProcess()) as kept:
        found, precise = enough(
            question, aims, kept, most=most, everything=everything, progress=progress
        )
        done = compare(found, place, kept, everything=everything, progress=progress)
    return found, done, precise


def enough(
    question: Question,
    aims: Sequence[Aim],
    kept: Kept,
    *,
    most: int = MOST,
    everything: bool = False,
    progress: Progress | None = None,
) -> tuple[Question, Precise]:
    """Return ``question`` with as many replications as its aims take, and what they reach.

    Runs are made by ``kept``, which gives them again to who asks the question that is returned.
    Samples of the assumptions come in blocks, so that more of them leave the first ones as they
    are.

    Raises:
        InputError: ``most`` is too small or too large.
        KeyboardInterrupt: the user asked to stop.
    """
    question = _in_blocks(question)

    def look(replicates: int) -> tuple[Reached, ...]:
        asked = replace(question, replicates=replicates)
        return _look(asked, plan(asked, everything=everything), aims, kept, progress)

    precise = grown(look, start_of(question.replicates, most), most)
    return replace(question, replicates=precise.replicates), precise


def _in_blocks(question: Question) -> Question:
    """Return ``question`` with samples that stay the same when there are more of them."""
    return replace(question, block=SAMPLE_BLOCK if question.sampled else 0)


def _check_place(question: Question, place: Path | None, most: int) -> None:
    """Refuse a place at which none of the comparisons that may come of it could be kept."""
    asked = _in_blocks(question)
    looks = looks_of(start_of(question.replicates, most), most)
    ours = {replace(asked, replicates=replicates).identity for replicates in looks}
    place = place or RUNS / asked.identity
    there = stored_identity(place)
    with Recording(place, there if there in ours else asked.identity):
        pass


def _look(
    question: Question,
    planned: Sequence[Run],
    aims: Sequence[Aim],
    kept: Kept,
    progress: Progress | None,
) -> tuple[Reached, ...]:
    """Make the main runs of ``question`` and return how narrow its intervals are."""
    runs = [run for run in planned if run.replication < question.replicates]
    outcomes = [OUTCOMES[aim.outcome] for aim in aims]
    place = {policy.name: number for number, policy in enumerate(question.policies)}
    values = np.full((len(aims), len(place), question.replicates), math.nan)
    done = 0
    with interruption() as stop:
        for result in kept.run(partial(make, setting(question)), runs, stop):
            done += 1
            if isinstance(result, Made):
                run = result.run
                values[:, place[run.policy.name], run.replication] = _values(result, outcomes)
            if progress:
                progress(done, len(runs))
    if done < len(runs):
        raise KeyboardInterrupt
    return tuple(
        _reached(aim, policy, values[number, 0], values[number, row], question.seed)
        for number, aim in enumerate(aims)
        for policy, row in place.items()
        if row
    )


def _values(made: Made, outcomes: Sequence[Outcome]) -> list[float]:
    """Return outcomes of a run over its horizon."""
    from results.store import MEASURE_PREFIX

    names = [name for name in made.outcomes.column_names if name.startswith(MEASURE_PREFIX)]
    measures: dict[str, FloatArray] = {
        name.removeprefix(MEASURE_PREFIX): made.outcomes[name].to_numpy() for name in names
    }
    return [float(over_horizon(outcome.rule, measures)) for outcome in outcomes]


def _reached(aim: Aim, policy: str, baseline: FloatArray, values: FloatArray, seed: int) -> Reached:
    """Return the width of the interval that the summary of a comparison will show."""
    from results.statistics import Comparison

    outcome = OUTCOMES[aim.outcome]
    rare = (0.0, 0.0) if outcome.events else None
    one = Comparison(policy, outcome, True, baseline, values, rare, False, seed)
    low, high = one.interval
    return Reached(aim.outcome, policy, aim.width, high - low, len(one.differences))
