"""Arms of an experiment on England's market, each run on the same seeds in a pool of processes.

Replication r of every arm has the luck that it has in a comparison; assumptions are central.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.executors import InProcess, LocalPool, Lost
from simulation import MarketModel, Policy
from simulation.horizon import FloatArray, over_horizon
from simulation.measures import MEASURES
from simulation.outcomes import OUTCOMES
from simulation.randomness import derive
from simulation.register import Register

LUCK = 2006

type Levers = Mapping[str, Any]


class Task(NamedTuple):
    """One run: levers, replication, the outcomes wanted, horizon in years, councils."""

    levers: Levers
    replication: int
    outcomes: Sequence[str]
    years: int
    register: Register | None


def outcomes_of(task: Task) -> list[float]:
    """Return the outcomes of one run over its horizon."""
    seed = derive(LUCK, "replication", task.replication)
    policy = Policy("arm", **task.levers)
    model = MarketModel(policy, years=task.years, register=task.register, rng=seed).run()
    measures = {name: model.measures[name].to_numpy() for name in MEASURES}
    return [float(over_horizon(OUTCOMES[name].rule, measures)) for name in task.outcomes]


def run_arms(
    arms: Sequence[Levers],
    replications: range,
    outcomes: Sequence[str],
    *,
    years: int = 15,
    workers: int = 1,
    register: Register | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> FloatArray:
    """Return outcomes, of shape (arms, replications, outcomes).

    Raises:
        RuntimeError: a worker died three times on the same run.
    """
    tasks = [
        Task(levers, replication, outcomes, years, register)
        for replication in replications
        for levers in arms
    ]
    executor = LocalPool(workers) if workers > 1 else InProcess()
    values: list[list[float]] = []
    for result in executor.run(outcomes_of, tasks, lambda: False):
        if isinstance(result, Lost):
            raise RuntimeError(f"{result.task.levers}: {result.error}")
        values.append(result)
        tell(len(values), len(tasks))
    shape = (len(replications), len(arms), len(outcomes))
    return np.array(values).reshape(shape).swapaxes(0, 1)
