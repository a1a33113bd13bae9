"""The contracts of April 2006: what was already outside, with whom, and for how long."""

from typing import TYPE_CHECKING

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from agents.compiled import compiled
from agents.governance import GOVERNANCE, choose_governance, governance_table
from agents.partnership import Stage
from simulation.contracts import Ended
from simulation.ending import release
from simulation.randomness import extended, uniform_at
from simulation.requirements import local_work
from simulation.segments import STRATEGIC, segment_table
from simulation.ties import take_heart

if TYPE_CHECKING:
    from simulation.model import MarketModel

FOUNDING_PRICE = 0.95
FOUNDING_MARGIN = 0.06
FIRST_TALKS = 10
"""Quarters before their contract began that the groups of 2006 had begun to talk."""

FIRST_END = 2
"""First quarter in which a joint contract of 2006 may end."""

MEAN_FIRST_GROUP = 2.5
"""Councils in a shared service of 2006, on average."""


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


# --- partnerships --------------------------------------------------------------------------------


def found_partnerships(model: "MarketModel") -> None:
    """Give councils the ties of 2006: shared services, and shared procurement (D4)."""
    taken = np.zeros(len(model.councils), dtype=bool)
    share = model.assumptions.first_sharers / MEAN_FIRST_GROUP
    starts = model.draws.happens("first group", share, model.councils.key)
    for council in np.flatnonzero(starts).tolist():
        if not taken[council]:
            group = _first_group(model, council, taken)
            if len(group) > 1:
                taken[model.services.council[group]] = True
                _share(model, group)
    _know_each_other(model)


def _first_group(model: "MarketModel", council: int, taken: BoolArray) -> IntArray:
    """Return services that a council and its neighbours share in 2006, the leader's first.

    It is one that the leader buys outside, for which a neighbour has one of its kind, too.
    """
    services = model.services
    own = np.flatnonzero((services.council == council) & (services.contract != NONE))
    own = own[services.segment[own] != STRATEGIC]
    near = np.array(sorted(model.geography.adjacent[council]), dtype=np.int64)
    near = near[~taken[near]]
    if not len(own) or not len(near):
        return np.zeros(0, dtype=np.int64)
    key = model.councils.key[council]
    lead = own[np.argmax(model.draws.uniform("first shared", services.key[own]))]
    order = np.argsort(model.draws.uniform("first partner", key, model.councils.key[near]))
    wanted = 1 + int(model.draws.happens("third partner", 0.5, key)[0])
    others = model.service_of[near[order], services.kind[lead]]
    group: IntArray = np.concatenate([[lead], others[others != NONE][:wanted]])
    return group


def _share(model: "MarketModel", group: IntArray) -> None:
    """Put the services ``group`` under the leader's contract, as a partnership that performs."""
    services, contracts, partnerships = model.services, model.contracts, model.partnerships
    lead, row = group[0], partnerships.extend(1)
    contract = services.contract[lead]
    release(model, group[1:], Ended.COMPLETED)
    services.contract[group] = contract
    contracts.councils[contract] = len(group)
    contracts.partnership[contract] = row[0]
    contracts.value[contract] = services.baseline[group].sum()
    contracts.price[contract] = contracts.price_ratio[contract] * contracts.value[contract]
    contracts.end[contract] = max(int(contracts.end[contract]), FIRST_END)
    contracts.signed_end[contract] = contracts.end[contract]
    _write_group(model, row, group, int(contract))
    model.add_partnership(int(row[0]))
    take_heart(model, group)


def _write_group(model: "MarketModel", row: IntArray, group: IntArray, contract: int) -> None:
    partnerships, start = model.partnerships, model.contracts.start[contract]
    partnerships.lead[row], partnerships.kind[row] = group[0], model.services.kind[group[0]]
    partnerships.stage[row], partnerships.contract[row] = Stage.PERFORMING, contract
    partnerships.formed[row] = partnerships.stormed[row] = start - FIRST_TALKS
    partnerships.normed[row] = start - FIRST_TALKS // 2
    partnerships.performed[row] = min(int(start), -1)
    partnerships.members_sought[row] = partnerships.members[row] = len(group)
    partnerships.value[row] = model.contracts.value[contract]
    luck = 0.3 * model.draws.normal(
        "first governance", model.services.key[group[0]], np.arange(len(GOVERNANCE))
    )
    wish = np.clip(1.0 - 0.4 * model.councils.appetite[model.services.council[group]], 0.0, 1.0)
    partnerships.governance[row] = choose_governance(
        np.array([len(group)]), wish.mean(keepdims=True), luck[None, :]
    )
    partnerships.pooled[row] = governance_table().scale[partnerships.governance[row]]


def _know_each_other(model: "MarketModel") -> None:
    """Let councils that share procurement trust their neighbours that do, too."""
    assumptions, geography = model.assumptions, model.geography
    buys = model.draws.happens("first buyers", assumptions.first_buyers, model.councils.key)
    for council in np.flatnonzero(buys).tolist():
        for other in geography.adjacent[council]:
            if buys[other] and other > council:
                model.ties.add(np.array([council, other]), assumptions.first_trust)
