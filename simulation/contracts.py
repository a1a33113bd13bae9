"""Contracts: one row for each contract ever signed, and which services it delivers.

A service points at the one contract that delivers it, so nothing can be delivered twice; what a
contract delivers is counted from those pointers.
"""

from enum import IntEnum

import numpy as np

from agents.columns import (
    NONE,
    BoolArray,
    FloatArray,
    IntArray,
    KeyArray,
    Table,
    flag,
    identity,
    marked,
    number,
    rows_where,
    whole,
)
from agents.compiled import compiled, inlined


class Ended(IntEnum):
    """How a contract ended."""

    IN_FORCE = 0
    COMPLETED = 1
    REALIGNED = 2
    COLLAPSED = 3
    SUPPLIER_FAILED = 4
    DISPUTED = 5


ENDED_NAMES = tuple(how.name.lower().replace("_", " ") for how in Ended)


class Contracts(Table):
    """One row a contract, in the order of signature."""

    key: KeyArray = identity("tender from which it came")
    lead: IntArray = whole("row", "service of the lead council")
    segment: IntArray = whole("row", "segment")
    supplier: IntArray = whole("row", "supplier")
    councils: IntArray = whole("count", "councils that signed")
    partnership: IntArray = whole("row", "group that signed", initial=NONE)
    start: IntArray = whole("quarter", "first quarter")
    end: IntArray = whole("quarter", "first quarter after it")
    signed_end: IntArray = whole("quarter", "end as signed, before extensions")
    value: FloatArray = number("£m a year", "in-house cost of its services when signed")
    price: FloatArray = number("£m a year", "price when signed; grows with the index of cost")
    price_ratio: FloatArray = number("ratio", "price over in-house cost")
    cost_ratio: FloatArray = number("ratio", "true cost over in-house cost, overhead apart")
    was_ratio: FloatArray = number("ratio", "what its services cost before over in-house cost")
    was_cost_ratio: FloatArray = number("ratio", "what delivering its services cost before")
    scale: FloatArray = number("factor", "on cost, from pooling and a platform", initial=1)
    estimate_ratio: FloatArray = number("ratio", "cost as the supplier estimated it")
    margin_ratio: FloatArray = number("ratio", "mark-up and shading for the winner's curse")
    risk_ratio: FloatArray = number("ratio", "priced risk")
    finance_ratio: FloatArray = number("ratio", "priced finance, set-up and platform")
    leak: FloatArray = number("factor", "on the part of savings lost to the front line", initial=1)
    claimed_ratio: FloatArray = number("ratio", "saving claimed over in-house cost")
    client_side: FloatArray = number("factor", "on members' cost of managing it", initial=1)
    share: FloatArray = number("share", "risk borne by the supplier, by category", width=(3,))
    event_quarter: IntArray = whole("quarter", "when a risk event strikes; 0 never", width=(3,))
    event_loss: FloatArray = number("of project cost", "size of the event", width=(3,))
    project_cost: FloatArray = number("£m", "project cost")
    overrun: FloatArray = number("£m", "losses from risk events so far")
    own_loss: FloatArray = number("factor", "what £1 of a loss that councils bear costs", initial=1)
    expected_loss: FloatArray = number("£m", "what the supplier expects to lose by events")
    load: FloatArray = number("£m a year", "transition work that it takes from its supplier")
    load_end: IntArray = whole("quarter", "first quarter after the transition")
    overhead: FloatArray = number("£m a year", "supplier's overhead for it")
    investment: FloatArray = number("£m", "supplier's up-front investment")
    funded: FloatArray = number("£m", "set-up cost that the supplier paid for the councils")
    platform: FloatArray = number("£m", "what the supplier spent on a platform of its own")
    moved: FloatArray = number("share", "of its services, new to their supplier")
    local: BoolArray = flag("its work is done in the area, apart from the supplier's hub")
    dispute_quarter: IntArray = whole("quarter", "when a dispute breaks out; 0 never")
    shortfall: FloatArray = number("ratio", "true cost less estimate over in-house cost")
    disputed: BoolArray = flag("a dispute broke out")
    rescues: IntArray = whole("count", "losses that the supplier made good")
    quality: FloatArray = number("index", "quality of service", initial=1.0)
    troubled_until: IntArray = whole("quarter", "first quarter after trouble by event or dispute")
    live: BoolArray = flag("in force", initial=True)
    ended: IntArray = whole("quarter", "when it ended; 0 while in force")
    ended_how: IntArray = whole("code", "how it ended")

    _in_force: IntArray | None = None

    def extend(self, count: int) -> IntArray:
        """Sign ``count`` contracts and return their rows."""
        self._in_force = None
        return super().extend(count)

    def close(self, rows: IntArray, quarter: int, how: Ended) -> None:
        """End the contracts ``rows`` in ``quarter``."""
        self._in_force = None
        self.live[rows] = False
        self.ended[rows] = quarter
        self.ended_how[rows] = how
        self.load[rows] = 0.0

    def invested(self, rows: IntArray) -> FloatArray:
        """Return all that suppliers put in up front for the contracts ``rows``, £m."""
        total: FloatArray = self.investment[rows] + self.funded[rows] + self.platform[rows]
        return total

    def in_force(self) -> IntArray:
        """Return the rows of contracts in force (found once, until one is signed or ends)."""
        if self._in_force is None:
            self._in_force = rows_where(self.live)
        return self._in_force


def delivered_by(service_contract: IntArray, rows: IntArray, contracts: int) -> IntArray:
    """Return the services whose contract is among ``rows``, of ``contracts`` in all."""
    return rows_where(marked(rows, contracts)[service_contract])


@compiled
def worth_by_contract(
    contract: IntArray, baseline: FloatArray, index: float, contracts: int
) -> FloatArray:
    """Return what each of ``contracts`` delivers, £m a year: by services, at ``index``."""
    worth = np.zeros(contracts)
    for service in range(len(contract)):
        if contract[service] != NONE:
            worth[contract[service]] += baseline[service] * index
    return worth


@inlined
def on_the_way(was: float, agreed: float, reached: float) -> float:
    """Return a ratio that has ``reached`` a part of the way from what it ``was``."""
    return was + reached * (agreed - was)


@compiled
def sum_by(rows: IntArray, amounts: FloatArray, size: int) -> FloatArray:
    """Return ``amounts`` added up by ``rows``, in their order (NONE is left out)."""
    total = np.zeros(size)
    for place in range(len(rows)):
        if rows[place] >= size:
            raise IndexError("a row beyond the last")
        if rows[place] != NONE:
            total[rows[place]] += amounts[place]
    return total
