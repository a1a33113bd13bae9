"""How services leave their contracts, and what becomes of contracts that are left empty."""

from typing import TYPE_CHECKING

import numpy as np

from agents.columns import NONE, BoolArray, IntArray, rows_where
from agents.compiled import compiled
from simulation.contracts import Ended

if TYPE_CHECKING:
    from simulation.model import MarketModel


def release(model: "MarketModel", services: IntArray, how: Ended) -> None:
    """Detach ``services`` from their contracts, and close those that are left with none.

    What stays in force counts its members afresh; what is closed keeps its last count.
    """
    if not len(services):
        return
    contracts = model.contracts
    left = rows_where(_left_empty(services, model.services.contract, contracts.councils))
    contracts.close(left[contracts.live[left]], model.quarter, how)


@compiled
def _left_empty(services: IntArray, contract: IntArray, councils: IntArray) -> BoolArray:
    """Detach ``services`` from their ``contract``, and return which deliver nothing any more.

    ``councils``, members by contract, falls for those that still deliver something.
    """
    gone = np.zeros(len(councils), dtype=np.int64)
    for service in services:
        if contract[service] != NONE:
            gone[contract[service]] += 1
            contract[service] = NONE
    over = gone > 0
    for service in range(len(contract)):
        if contract[service] != NONE:
            over[contract[service]] = False
    for row in range(len(councils)):
        if not over[row]:
            councils[row] -= gone[row]
    return over
