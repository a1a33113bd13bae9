"""What a quarter of services costs: one pass over services, and one over contracts in force."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents import supplier as firm
from agents.columns import NONE, FloatArray, IntArray
from agents.compiled import compiled, inlined, on_numbers
from simulation.contracts import Contracts, on_the_way, worth_by_contract
from simulation.ledger import Purpose, pence
from simulation.segments import LONGEST_RAMP, ramp_table, segment_table

if TYPE_CHECKING:
    from simulation.model import MarketModel

AGED_YEARS = 5.0
"""Age of a contract at which the assumption ``ageing`` gives the cost of changes."""

SPENDING = (
    Purpose.BUDGET, Purpose.IN_HOUSE, Purpose.CLIENT_SIDE, Purpose.FRONT_LINE, Purpose.TRANSITION,
    Purpose.CHANGE,
)  # fmt: skip
"""What is added up by council: the budget, and what is paid from it but for prices."""

_BUDGET, _IN_HOUSE, _CLIENT_SIDE, _FRONT_LINE, _TRANSITION, _CHANGE = range(len(SPENDING))


class Paid(NamedTuple):
    """What was paid for services outside in a quarter, one entry a service.

    Attributes:
        service: row of the service.
        contract: contract that delivers it.
        cost: what it would cost in house, £m.
        price: what was paid for it, £m.
    """

    service: IntArray
    contract: IntArray
    cost: FloatArray
    price: FloatArray


class Bill(NamedTuple):
    """A quarter of services; ``price`` in pence by entry of ``paid``.

    ``spent`` is pence by purpose (those of ``SPENDING``) and council.
    """

    paid: Paid
    price: IntArray
    spent: IntArray


class Priced(NamedTuple):
    """Columns of contracts that decide what their councils pay in a quarter."""

    segment: IntArray
    start: IntArray
    was_ratio: FloatArray
    price_ratio: FloatArray
    moved: FloatArray
    leak: FloatArray
    client_side: FloatArray
    load_end: IntArray


class Rates(NamedTuple):
    """What goes with prices.

    Attributes:
        client_side: what managing a contract costs, over its price.
        front_line: part of what is saved that moves to the front line.
        double_running: cost to councils while a supplier takes over, over in-house, by segment.
        ageing: cost of changes at the age of ``AGED_YEARS``, over in-house cost, by segment.
        ramp: part of its saving that a contract has reached, by segment and age.
    """

    client_side: float
    front_line: float
    double_running: FloatArray
    ageing: FloatArray
    ramp: FloatArray


class Delivered(NamedTuple):
    """Columns of contracts that decide what their suppliers spend in a quarter."""

    segment: IntArray
    start: IntArray
    signed_end: IntArray
    was_cost_ratio: FloatArray
    cost_ratio: FloatArray
    overhead: FloatArray
    value: FloatArray
    investment: FloatArray
    funded: FloatArray
    platform: FloatArray


def bill(model: "MarketModel") -> Bill:
    """Return what the quarter's services cost councils."""
    services = model.services
    return _billed(
        services.contract, services.council, services.baseline, model.index, model.quarter,
        Priced(*_columns(model.contracts, Priced._fields)), _rates(model), len(model.councils),
    )  # fmt: skip


def running_cost(model: "MarketModel", live: IntArray) -> tuple[IntArray, IntArray]:
    """Return what contracts ``live`` cost their suppliers in delivery and in finance, pence.

    Cost follows the same ramp as price; what was invested up front is not spent again. Finance is
    for all that was put in and is not yet earned back: for platforms and councils' set-up, too.
    """
    services, contracts, assumptions = model.services, model.contracts, model.assumptions
    worth = worth_by_contract(services.contract, services.baseline, model.index, len(contracts))
    return _running(
        live, worth, Delivered(*_columns(contracts, Delivered._fields)), ramp_table(),
        model.quarter, 4.0 * assumptions.payback_years, assumptions.supplier_finance / 4,
    )  # fmt: skip


def _columns(contracts: Contracts, names: tuple[str, ...]) -> list[Any]:
    held = vars(contracts)
    return [held[name] for name in names]


def _rates(model: "MarketModel") -> Rates:
    assumptions, complexity = model.assumptions, segment_table().complexity
    return Rates(
        assumptions.client_side, assumptions.front_line, assumptions.double_running * complexity,
        assumptions.ageing * complexity, ramp_table(),
    )  # fmt: skip


@compiled
def _billed(
    contract: IntArray, council: IntArray, baseline: FloatArray, index: float, quarter: int,
    contracts: Priced, rates: Rates, councils: int,
) -> Bill:  # fmt: skip
    """Return the bill for services; the first three arguments are columns of theirs."""
    service_of, contract_of = np.empty((2, len(contract)), dtype=np.int64)
    costs, dues = np.empty((2, len(contract)))
    prices, count = np.empty(len(contract), dtype=np.int64), 0
    spent = np.zeros((len(SPENDING), councils))
    for service in range(len(contract)):
        home, row, cost = council[service], contract[service], baseline[service] * index / 4
        spent[_BUDGET, home] += cost
        if row == NONE:
            spent[_IN_HOUSE, home] += cost
            continue
        segment, age = contracts.segment[row], quarter - contracts.start[row]
        reached = rates.ramp[segment, min(max(age, 0), LONGEST_RAMP)]
        due = cost * on_the_way(contracts.was_ratio[row], contracts.price_ratio[row], reached)
        service_of[count], contract_of[count] = service, row
        costs[count], dues[count], prices[count] = cost, due, pence(due)
        count += 1
        spent[_CLIENT_SIDE, home] += rates.client_side * contracts.client_side[row] * due
        lost = rates.front_line * contracts.leak[row]
        spent[_FRONT_LINE, home] += lost * max(cost - due, 0.0)
        if contracts.load_end[row] > quarter:
            double = contracts.moved[row] * rates.double_running[segment]
            spent[_TRANSITION, home] += cost * double
        spent[_CHANGE, home] += cost * _changes(age, rates.ageing[segment])
    paid = Paid(service_of[:count], contract_of[:count], costs[:count], dues[:count])
    return Bill(paid, prices[:count], _all_pence(spent))


@compiled
def _all_pence(spent: FloatArray) -> IntArray:
    whole = np.empty(spent.shape, dtype=np.int64)
    for purpose in range(spent.shape[0]):
        for council in range(spent.shape[1]):
            whole[purpose, council] = pence(spent[purpose, council])
    return whole


@inlined
def _changes(age: int, ageing: float) -> float:
    """Return what changes to a contract cost its councils: needs depart from it with age.

    The further they have gone the more each change costs, so that cost grows with age squared.
    """
    return ageing * (age / 4.0 / AGED_YEARS) ** 2


_payback_quarters = on_numbers(firm.payback_quarters)


@compiled
def _running(
    live: IntArray, worth: FloatArray, contracts: Delivered, ramp: FloatArray, quarter: int,
    usual_payback: float, interest: float,
) -> tuple[IntArray, IntArray]:  # fmt: skip
    """Return what `running_cost` says; ``worth`` is what contracts deliver, £m a year."""
    delivery = np.empty(len(live), dtype=np.int64)
    finance = np.empty(len(live), dtype=np.int64)
    for place in range(len(live)):
        row = live[place]
        age, invested = quarter - contracts.start[row], contracts.investment[row]
        length = contracts.signed_end[row] - contracts.start[row]
        payback = _payback_quarters(invested, contracts.value[row], usual_payback, length)
        spared = invested / payback if age < payback else 0.0
        reached = ramp[contracts.segment[row], min(max(age, 0), LONGEST_RAMP)]
        ratio = on_the_way(contracts.was_cost_ratio[row], contracts.cost_ratio[row], reached)
        spent = ratio * worth[row] + contracts.overhead[row]
        delivery[place] = pence(max(spent / 4 - spared, 0.0))
        left = min(max(1.0 - age / payback, 0.0), 1.0)
        tied = invested + contracts.funded[row] + contracts.platform[row]
        finance[place] = pence(interest * (tied * left))
    return delivery, finance
