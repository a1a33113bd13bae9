"""Partnerships: groups of councils that commission together, and how a group grows."""

from enum import IntEnum

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, Table, number, whole
from agents.compiled import compiled, inlined
from agents.council import scale_gain
from agents.handles import Handle


class Stage(IntEnum):
    """Where a group stands."""

    FORMING = 0
    PERFORMING = 1
    DISSOLVED = 2


class Partnerships(Table):
    """One row a group, in the order in which groups formed."""

    lead: IntArray = whole("row", "service of the council that leads")
    kind: IntArray = whole("code", "kind of service")
    formed: IntArray = whole("quarter", "when it began to form")
    ready: IntArray = whole("quarter", "when its members decide")
    stage: IntArray = whole("code", "stage")
    members_sought: IntArray = whole("count", "members when it formed")
    members: IntArray = whole("count", "members that committed")
    contract: IntArray = whole("row", "joint contract", initial=NONE)
    ended: IntArray = whole("quarter", "when it dissolved; 0 while it stands")
    ended_how: IntArray = whole("code", "why it dissolved")
    value: FloatArray = number("£m a year", "in-house cost of what it shares")


ENDED_HOW = (
    "",
    "walked away",
    "no business case",
    "no cash",
    "tender failed",
    "collapsed",
)


@compiled
def _most_attractive_first(attraction: FloatArray) -> IntArray:
    """Return candidates by falling attraction, those alike in their order (by insertion: few)."""
    order = np.arange(len(attraction))
    for candidate in range(1, len(attraction)):
        place = candidate
        while place > 0 and attraction[order[place - 1]] < attraction[candidate]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = candidate
    return order


@inlined
def _adjoins_group(candidate: int, adjoins: BoolArray, inside: BoolArray) -> bool:
    """Return whether a candidate adjoins one of those ``inside``, leader first."""
    found = False
    for column in range(len(inside)):
        found |= inside[column] and adjoins[candidate, column]
    return found


@compiled
def grow_group(
    attraction: FloatArray,
    values: FloatArray,
    adjoins: BoolArray,
    lead_value: float,
    elasticity: float,
    coordination: float,
    most: int,
    enough: float,
) -> IntArray:
    """Return which candidates join a leader, greedily in order of attraction.

    A candidate joins where it adjoins the group and its attraction and its gain from scale, less
    the cost of one more partner to coordinate, are together worth having.

    Args:
        attraction: what draws each candidate apart from money, as a share of cost.
        values: annual value of each candidate's requirement, £m.
        adjoins: whether each candidate adjoins the leader (first column) and each other one
            (candidates x candidates + 1).
        lead_value: annual value of the leader's requirement, £m.
        elasticity: fall of unit cost with scale.
        coordination: rise of cost for each further council.
        most: largest group, leader included.
        enough: annual value at which the group stops looking, £m.
    """
    chosen = np.empty(len(values), dtype=np.int64)
    inside = np.zeros(len(values) + 1, dtype=np.bool_)
    inside[0] = True
    count, value = 0, lead_value
    for candidate in _most_attractive_first(attraction):
        if count + 1 >= most or value >= enough:
            break
        gain = scale_gain(value, values[candidate], elasticity) - coordination
        if attraction[candidate] + gain > 0 and _adjoins_group(candidate, adjoins, inside):
            chosen[count] = candidate
            inside[candidate + 1] = True
            count += 1
            value += values[candidate]
    return chosen[:count]


def set_up_quarters(base: int, members: IntArray) -> IntArray:
    """Return the quarters from first talks to a decision: more partners take longer (D1 §7.2)."""
    return base + (members - 2) // 3


def set_up_cost(
    value: FloatArray, saving_share: float, years_of_saving: float, floor: float
) -> FloatArray:
    """Return set-up cost, £m: ``years_of_saving`` of a usual saving, with a floor (D1 §4.3).

    The usual saving is ``saving_share`` of the annual value, so that a worse deal is not cheaper.
    """
    return np.maximum(value * saving_share * years_of_saving, floor)


class Partnership(Handle):
    """Mesa's handle on one row of `Partnerships`."""

    @property
    def stage(self) -> Stage:
        """Where the group stands."""
        return Stage(int(self.model.partnerships.stage[self.row]))

    @property
    def member_services(self) -> IntArray:
        """Rows of the services that it prepares or shares."""
        contract = self.model.partnerships.contract[self.row]
        services = self.model.services
        shared = (services.contract == contract) & (contract != NONE)
        return np.flatnonzero((services.partnership == self.row) | shared)
