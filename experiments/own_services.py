"""Which of its services a council's groups and contracts are for, and what its part is.

The event tables name segments only, and councils have several services of some of them. Which one
it is follows from what it costs: the register, the assumptions and the seed of a run say what each
service costs in house, and no policy changes that.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.columns import NONE, FloatArray, IntArray
from experiments.question import Question
from experiments.runs import founded, plan
from simulation.segments import SEGMENTS


class OwnServices:
    """The services of one council, to be found again in the event tables of a run."""

    def __init__(self, question: Question, counterfactual: FloatArray, council: int) -> None:
        """Reckon what services cost.

        Args:
            question: the one run that was asked.
            counterfactual: in-house cost of all services by quarter of the run, by which the cost
                of each grows.
            council: row of the council.
        """
        (run,) = plan(question)
        model = founded(run, question.territory.register, question.years)
        self._cost: FloatArray = model.services.baseline
        self._service_of: IntArray = model.service_of
        self._growth = counterfactual / counterfactual[0]
        self._rows = {name: row for row, name in enumerate(model.register.told_apart)}
        self._kinds: dict[str, list[int]] = {}
        for kind, service in enumerate(self._service_of[council].tolist()):
            if service != NONE:
                segment = SEGMENTS[int(model.services.segment[service])].name
                self._kinds.setdefault(segment, []).append(kind)

    def kind(self, segment: str, councils: Sequence[str], value: float, quarter: int) -> int:
        """Return the kind of service that ``councils`` share or have under contract.

        Args:
            segment: segment of the services.
            councils: their names.
            value: what the services cost in house in ``quarter``, £m a year.
            quarter: when that was; 0 and less before the first.
        """
        return min(
            self._kinds[segment], key=lambda kind: abs(self.cost(kind, councils, quarter) - value)
        )

    def cost(self, kind: int, councils: Sequence[str], quarter: int) -> float:
        """Return what services of a kind cost ``councils`` in house in ``quarter``, £m a year."""
        services = self._service_of[[self._rows[name] for name in councils], kind]
        growth = float(self._growth[max(quarter, 1) - 1])
        return float(self._cost[services[services != NONE]].sum()) * growth

    def number(self, segment: str, kind: int) -> int:
        """Return which of the council's services of ``segment`` it is; 0 for the only one."""
        kinds = self._kinds[segment]
        return kinds.index(kind) + 1 if len(kinds) > 1 else 0
