"""How services leave their contracts, and what becomes of contracts that are left empty."""

from typing import TYPE_CHECKING

import numpy as np

from agents.columns import NONE, BoolArray, IntArray, rows_where
from agents.compiled import compiled
from simulation.contracts import Ended

if TYPE_CHECKING:
    from simulation.model import MarketModel


def release(model: "MarketModel", services: IntArray, how: Ended) -> None:
    """Detach ``services`` from their contracts, and close those that are left with none."""
    if not len(services):
        return
    left = rows_where(_left_empty(services, model.services.contract, len(model.contracts)))
    model.contracts.close(left[model.contracts.live[left]], model.quarter, how)


@compiled
def _left_empty(services: IntArray, contract: IntArray, contracts: int) -> BoolArray:
    """Detach ``services`` from their ``contract``, and return which deliver nothing any more."""
    over = np.zeros(contracts, dtype=np.bool_)
    for service in services:
        if contract[service] != NONE:
            over[contract[service]] = True
            contract[service] = NONE
    for service in range(len(contract)):
        if contract[service] != NONE:
            over[contract[service]] = False
    return over
