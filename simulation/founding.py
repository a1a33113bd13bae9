"""The contracts of April 2006: what was already outside, with whom, and for how long."""

from typing import TYPE_CHECKING

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray
from simulation.requirements import local_work
from simulation.segments import segment_table

if TYPE_CHECKING:
    from simulation.model import MarketModel

FOUNDING_PRICE = 0.95
FOUNDING_MARGIN = 0.06
AT_ONCE = 1000
"""Services for which a first supplier is sought together; it bounds memory on large registers."""


def found_contracts(model: "MarketModel") -> None:
    """Give services that are outside at the start a supplier and the rest of a contract."""
    services, table = model.services, segment_table()
    share = table.in_house_share[services.segment]
    outside = np.flatnonzero(~model.draws.happens("in house", share, services.key))
    parts = np.array_split(outside, max(len(outside) // AT_ONCE, 1))
    supplier = np.concatenate([_first_suppliers(model, part) for part in parts])
    outside, supplier = outside[supplier != NONE], supplier[supplier != NONE]
    _write(model, outside, supplier)


def _first_suppliers(model: "MarketModel", outside: IntArray) -> IntArray:
    """Return a supplier for each service: able, near, large enough, drawn by key among those."""
    possible = _eligible(model, outside)
    drawn = np.full(possible.shape, -1.0)
    service, supplier = np.nonzero(possible)
    key = model.services.key[outside[service]], model.suppliers.key[supplier]
    drawn[service, supplier] = model.draws.uniform("founding supplier", *key)
    best = np.argmax(drawn, axis=1) if drawn.shape[1] else np.zeros(len(outside), dtype=np.int64)
    return np.where(possible.any(axis=1), best, NONE)


def _eligible(model: "MarketModel", outside: IntArray) -> BoolArray:
    services, suppliers = model.services, model.suppliers
    able = (suppliers.capability > 0).T[services.segment[outside]]
    near = model.coverage[services.council[outside]]
    turnover = suppliers.outside_turnover[None, :]
    return able & near & (turnover >= 2.0 * services.baseline[outside][:, None])


def _write(model: "MarketModel", services: IntArray, supplier: IntArray) -> None:
    contracts, table = model.contracts, segment_table()
    rows = contracts.extend(len(services))
    segment = model.services.segment[services]
    length = np.maximum(np.rint(4 * table.years[segment]), 1).astype(np.int64)
    age = model.draws.uniform("age of contract", model.services.key[services])
    contracts.key[rows] = model.services.key[services]
    contracts.lead[rows], contracts.segment[rows] = services, segment
    contracts.supplier[rows], contracts.councils[rows] = supplier, 1
    contracts.local[rows] = local_work(model, segment, services)
    contracts.start[rows] = -(age * length).astype(np.int64)
    contracts.end[rows] = contracts.signed_end[rows] = contracts.start[rows] + length
    contracts.quality[rows] = model.suppliers.quality[supplier]
    _write_prices(model, rows, services)
    model.services.contract[services] = rows


def _write_prices(model: "MarketModel", rows: IntArray, services: IntArray) -> None:
    contracts = model.contracts
    luck = 0.04 * model.draws.normal("founding price", model.services.key[services])
    ratio: FloatArray = np.clip(FOUNDING_PRICE + luck, 0.7, 1.2)
    contracts.value[rows] = model.services.baseline[services]
    contracts.price_ratio[rows] = ratio
    contracts.price[rows] = ratio * contracts.value[rows]
    contracts.cost_ratio[rows] = ratio * (1.0 - FOUNDING_MARGIN)
    contracts.was_ratio[rows] = ratio
    contracts.was_cost_ratio[rows] = contracts.cost_ratio[rows]
    contracts.estimate_ratio[rows] = contracts.cost_ratio[rows]
    contracts.margin_ratio[rows] = ratio - contracts.cost_ratio[rows]
    contracts.claimed_ratio[rows] = np.maximum(1.0 - ratio, 0.0)
