"""The contracts of April 2006: what was already outside, with whom, and for how long."""

from typing import TYPE_CHECKING

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from agents.compiled import compiled
from simulation.randomness import extended, uniform_at
from simulation.requirements import local_work
from simulation.segments import segment_table

if TYPE_CHECKING:
    from simulation.model import MarketModel

FOUNDING_PRICE = 0.95
FOUNDING_MARGIN = 0.06


def found_contracts(model: "MarketModel") -> None:
    """Give services that are outside at the start a supplier and the rest of a contract."""
    services, table = model.services, segment_table()
    share = table.in_house_share[services.segment]
    outside = rows_where(~model.draws.happens("in house", share, services.key))
    supplier = _first_suppliers(
        outside, services.council, services.segment, services.baseline, services.key,
        model.suppliers.key, model.suppliers.capability, model.suppliers.outside_turnover,
        model.coverage, model.draws.root("founding supplier"),
    )  # fmt: skip
    outside, supplier = outside[supplier != NONE], supplier[supplier != NONE]
    _write(model, outside, supplier)


@compiled
def _first_suppliers(
    outside: IntArray, council: IntArray, segment: IntArray, baseline: FloatArray, key: KeyArray,
    supplier_key: KeyArray, capability: FloatArray, turnover: FloatArray, coverage: BoolArray,
    root: np.uint64,
) -> IntArray:  # fmt: skip
    """Return a supplier for each service ``outside``, or none.

    It is able, near, large enough, and drawn by key among those: whose draw is highest.
    """
    chosen = np.full(len(outside), NONE)
    for place in range(len(outside)):
        service, highest = outside[place], 0.0
        for supplier in range(len(supplier_key)):
            able = capability[supplier, segment[service]] > 0
            near = coverage[council[service], supplier]
            if able and near and turnover[supplier] >= 2.0 * baseline[service]:
                pair = extended(extended(root, key[service]), supplier_key[supplier])
                drawn = uniform_at(pair)
                if drawn > highest:
                    chosen[place], highest = supplier, drawn
    return chosen


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
