"""Governance: the models under which councils share, what each costs and holds, and the choice.

The models and their places on a map of members and control are those of D1 §5; the numbers that
the source does not give are assumed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from agents.columns import BoolArray, FloatArray, IntArray
from agents.compiled import compiled

NOT_CHOSEN = "chosen"
"""The value of an assumption by which partners choose for themselves."""


@dataclass(frozen=True)
class Governance:
    """One model of collaboration.

    Attributes:
        name: name in tables and files.
        title: name for people.
        fewest: fewest members.
        usual: members that it is usually made for.
        control: control over the service that members keep, 0-1.
        set_up: factor on set-up cost: legal work, a body of its own, new systems.
        quarters: from agreement in principle to the members' votes.
        scale: part of the scale effect that it realises.
        withdrawal: factor on members' readiness to leave before and after they commit.
        exit_cost: what leaving a contract costs a member, of its annual cost.
        own_buyers: part of a procurement's cost that each further member still spends itself.
        opens: others may join it later.
        formal: it binds its members; what does not is a transitional state (D1 §5.5).
        source: section of the source.
    """

    name: str
    title: str
    fewest: int
    usual: float
    control: float
    set_up: float
    quarters: int
    scale: float
    withdrawal: float
    exit_cost: float
    own_buyers: float
    opens: bool
    formal: bool
    source: str


# fmt: off
GOVERNANCE = (
    Governance("in_house_centralisation", "In-house centralisation", 1, 1, 0.95, 0.9, 1, 0.6, 0.5, 0.0, 0.0, False, True, "D1 §5.3"),
    Governance("simple_outsource", "Simple outsource", 1, 1, 0.35, 1.0, 2, 1.0, 0.5, 0.3, 0.0, False, True, "D1 §5.4"),
    Governance("informal_collaboration", "Informal collaboration", 2, 3, 0.80, 0.85, 1, 0.8, 2.0, 0.0, 0.15, True, False, "D1 §5.5"),
    Governance("joint_venture", "Joint venture", 2, 3, 0.65, 1.0, 3, 0.95, 0.8, 0.25, 0.10, False, True, "D1 §5.6"),
    Governance("consortium", "Public sector consortium", 3, 7, 0.70, 1.05, 4, 0.9, 0.9, 0.15, 0.12, True, True, "D1 §5.7"),
    Governance("contractual_partnership", "Contractual partnership", 2, 4, 0.45, 1.1, 4, 1.0, 0.7, 0.35, 0.08, False, True, "D1 §5.8"),
    Governance("lead_client", "Lead client", 2, 6, 0.35, 1.15, 3, 1.0, 0.8, 0.2, 0.02, True, True, "D1 §5.9"),
    Governance("prime_contractor", "Prime contractor", 4, 12, 0.15, 1.2, 4, 1.0, 0.6, 0.4, 0.04, False, True, "D1 §5.10"),
    Governance("trading_company", "Trading company", 3, 8, 0.50, 1.4, 6, 1.0, 0.5, 0.5, 0.03, True, True, "D1 §5.11"),
)
# fmt: on

NAMES = tuple(one.name for one in GOVERNANCE)
ALONE = NAMES.index("simple_outsource")
INFORMAL = NAMES.index("informal_collaboration")
CONTROL_WEIGHT = 2.0
"""What a whole step in control counts against a doubling of members, on the map of models."""


class GovernanceTable(NamedTuple):
    """The models as columns, each attribute of `Governance` an array."""

    fewest: IntArray
    usual: FloatArray
    control: FloatArray
    set_up: FloatArray
    quarters: IntArray
    scale: FloatArray
    withdrawal: FloatArray
    exit_cost: FloatArray
    own_buyers: FloatArray
    opens: BoolArray
    formal: BoolArray


@cache
def governance_table() -> GovernanceTable:
    """Return the models as columns, made once a process."""
    fields = GovernanceTable._fields
    return GovernanceTable(*(np.array([getattr(g, name) for g in GOVERNANCE]) for name in fields))


def choose_governance(members: IntArray, control: FloatArray, luck: FloatArray) -> IntArray:
    """Return the model that each group chooses: the nearest on the map of members and control.

    Of models equally near the cheaper to set up is taken. Informal collaboration is no choice: it
    is the state of groups that have not chosen (D1 §5.1, 5.5).

    Args:
        members: number of members, groups.
        control: control that members want to keep, 0-1, groups.
        luck: what else speaks against each model, groups x models.
    """
    return _nearest(governance_table(), members, control, luck)


@compiled
def _nearest(
    table: GovernanceTable, members: IntArray, control: FloatArray, luck: FloatArray
) -> IntArray:
    nearest = np.zeros(len(members), dtype=np.int64)
    for group in range(len(members)):
        least = np.inf
        for model in range(len(table.usual)):
            if table.fewest[model] < 2 or not table.formal[model]:
                continue
            against = abs(np.log2(members[group] / table.usual[model]))
            against += CONTROL_WEIGHT * abs(control[group] - table.control[model])
            against += 0.5 * (table.set_up[model] - 1.0) + luck[group, model]
            if table.fewest[model] <= members[group] and against < least:
                nearest[group], least = model, against
    return nearest


def governance_held_to(model: int, members: IntArray) -> IntArray:
    """Return the model of groups that are all held to one.

    Groups with fewer members than it needs take the one that leaves them most nearly as much
    control, of those that allow their number.

    Args:
        model: place in ``NAMES`` of a model for two or more.
        members: number of members, 2 or more, groups.
    """
    table = governance_table()
    away = np.abs(table.control - table.control[model])
    possible = (table.fewest >= 2) & (table.fewest <= members[:, None])
    return np.argmin(np.where(possible, away, np.inf), axis=1)


COST_SHARING: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "equal": lambda size, use: np.ones(len(size)),
    "size": lambda size, use: size,
    "use": lambda size, use: size * use,
}
"""Rules by which members share a cost: weights from their size and their use (D1 §3.2)."""


def shared_cost(rule: str, size: FloatArray, use: FloatArray) -> FloatArray:
    """Return each member's weight in what is shared (D1 §3.2).

    Args:
        rule: one of ``COST_SHARING``.
        size: annual cost of each member's service.
        use: how much more or less than by its size each uses the service, a factor.
    """
    return COST_SHARING[rule](size, use)
