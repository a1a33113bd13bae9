"""How robust a difference is: thirds of an assumption, switching values, and what would narrow it.

All is read off the samples of assumptions that the runs of a comparison have drawn themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from results import narrative
from results.intervals import FloatArray, replications_for, t_interval
from results.luck import sampled_assumptions, telling_assumption
from results.statistics import horizon_values, outcome_of
from results.store import RunDirectory
from results.switching import FEWEST_RUNS, Switching, switching
from simulation.outcomes import Outcome

THIRDS = ("low", "middle", "high")


@dataclass(frozen=True)
class Third:
    """The mean difference where an assumption is low, in the middle, or high.

    Attributes:
        name: one of ``THIRDS``.
        least: least value of the assumption there.
        most: greatest value.
        pairs: replications.
        mean: mean paired difference.
        low: lower end of its 95% interval.
        high: upper end.
    """

    name: str
    least: float
    most: float
    pairs: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Robustness:
    """How robust differences in the lead outcome are.

    Attributes:
        run: the run directory.
        summary: its summary.
    """

    run: RunDirectory
    summary: pd.DataFrame

    @cached_property
    def outcome(self) -> Outcome:
        """The lead outcome, with what matters in its own unit."""
        rows = narrative.rows_of(self.summary, narrative.lead_outcome(self.run).name)
        return outcome_of(rows[self.run.baseline])

    @cached_property
    def values(self) -> pd.DataFrame:
        """The lead outcome: a row a complete main replication, a column a policy."""
        found = horizon_values(self.run, self.run.replications)[self.outcome.name]
        return pd.DataFrame(found.T, columns=list(self.run.policies))

    @cached_property
    def assumptions(self) -> pd.DataFrame:
        """The sampled assumptions of the same replications; empty where they are fixed."""
        return sampled_assumptions(self.run)

    def differences(self, policy: str) -> FloatArray:
        """Return the policy's paired differences, NaN where either has no value."""
        both = self.values[policy] - self.values[self.run.baseline]
        return both.to_numpy(np.float64)

    def telling(self, policy: str) -> str | None:
        """Return the assumption that goes most with the difference; None where none surely does."""
        if self.assumptions.empty:
            return None
        known = np.isfinite(differences := self.differences(policy))
        family = len(self.run.shown) * (len(self.run.policies) - 1)
        return telling_assumption(differences[known], self.assumptions[known], family)

    def thirds(self, policy: str, assumption: str) -> list[Third]:
        """Return the difference by low, middle and high third of replications by an assumption."""
        known = np.isfinite(differences := self.differences(policy))
        values = self.assumptions[assumption].to_numpy(np.float64)[known]
        return list(_thirds(values, differences[known]))

    @cached_property
    def switching(self) -> Switching | None:
        """What turns the sign of each policy's difference; None where too little is known.

        Assumptions are named in words.
        """
        pairs = [(policy, self.run.baseline) for policy in list(self.run.policies)[1:]]
        enough = len(self.values.dropna()) >= FEWEST_RUNS
        if not pairs or self.assumptions.empty or not enough:
            return None
        named = self.assumptions.rename(columns=lambda name: str(name).replace("_", " "))
        return switching(
            self.outcome.name, self.values, named,
            better=self.outcome.better, pairs=pairs,
        )  # fmt: skip

    def replications_wanted(self, policy: str) -> int | None:
        """Return about how many replications narrow the interval to what matters either side."""
        differences = self.differences(policy)
        return replications_for(differences[np.isfinite(differences)], self.outcome.matters)


def _thirds(values: FloatArray, differences: FloatArray) -> Iterator[Third]:
    order = np.argsort(values, kind="stable")
    for name, rows in zip(THIRDS, np.array_split(order, 3), strict=True):
        if len(rows):
            low, high = t_interval(differences[rows])
            mean, own = float(differences[rows].mean()), values[rows]
            yield Third(name, float(own.min()), float(own.max()), len(rows), mean, low, high)
