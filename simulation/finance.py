"""Phase 7, finance: budgets, payments, loans, the fund's books and councils' savings."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents import supplier as firm
from agents.columns import NONE, FloatArray, IntArray, rows_where
from agents.government import repayment_due
from simulation.contracts import delivered_by, sum_by
from simulation.ledger import COUNCIL_COSTS, PENCE, Account, Purpose, to_pence
from simulation.requirements import Requirements, paid_ratio
from simulation.route import SetUp
from simulation.segments import LONGEST_RAMP, procedure_table, ramp_table, segment_table
from simulation.tendering import Result

if TYPE_CHECKING:
    from simulation.model import MarketModel

RECURRENT = (
    Purpose.IN_HOUSE, Purpose.PRICE, Purpose.CLIENT_SIDE, Purpose.FRONT_LINE, Purpose.INTEREST,
    Purpose.LOAN_REPAYMENT, Purpose.FUND_REPAYMENT, Purpose.CHANGE,
    Purpose.TRANSITION,
)  # fmt: skip
"""Payments met from the year's budget; all else falls on reserves."""

AGED_YEARS = 5.0
"""Age of a contract at which the assumption ``ageing`` gives the cost of changes."""

STAGES = 4
"""Stages in which a project is set up and paid, one a quarter."""

SAVING_MEMORY = 0.25
DIVIDEND_ABOVE = 1.25
OUTSIDE_MARGIN = 0.03
"""Profit on turnover outside this market, a year, with which firms rebuild capital."""


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


def settle(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Post what the quarter costs, and close councils' and suppliers' accounts."""
    _pay_stages(model)
    _pay_for_procurement(model, requirements, result)
    _pay_for_services(model)
    _pay_for_delivery(model)
    _service_loans(model)
    _repay_fund(model)
    _close_councils(model)
    _close_suppliers(model)


def annual_baseline(model: "MarketModel") -> FloatArray:
    """Return the in-house cost, £m a year at this quarter's index, that each contract delivers."""
    services = model.services
    return sum_by(services.contract, services.baseline * model.index, len(model.contracts))


def charge_members(
    model: "MarketModel", rows: IntArray, cost: FloatArray, purpose: Purpose
) -> None:
    """Post a cost of each contract in ``rows`` (£m) to its members, by size of their services."""
    services = model.services
    burden = np.zeros(len(model.contracts))
    burden[rows] = cost
    members = delivered_by(services.contract, rows, len(burden))
    contract = services.contract[members]
    worth = services.baseline[members] * model.index
    part = worth / sum_by(contract, worth, len(burden))[contract]
    account = model.ledger.council(services.council[members])
    model.ledger.post(account, Account.RESOURCES, purpose, to_pence(burden[contract] * part))


def book_set_up(model: "MarketModel", plans: Mapping[int, SetUp]) -> None:
    """Book the stages in which projects are set up and paid, and their claims on the fund.

    Args:
        model: the model.
        plans: how each project is paid, by its contract.
    """
    model.tally["projects_started"] += len(plans)
    model.tally["projects_by_supplier"] += sum(plan.funded > 0 for plan in plans.values())
    for contract, plan in plans.items():
        if plan.funded == 0:
            claim = _book_claim(model, contract, plan) if any(plan.from_fund) else NONE
            _book_stages(model, contract, plan, claim)


def _book_stages(model: "MarketModel", contract: int, plan: SetUp, first_claim: int) -> None:
    """Share each member's set-up evenly among the stages, the odd pennies in the first."""
    stages, members = model.stages, len(plan.council)
    rows = stages.extend(STAGES * members).reshape(STAGES, members)
    stages.contract[rows], stages.council[rows] = contract, plan.council
    stages.claim[rows] = NONE if first_claim == NONE else first_claim + np.arange(members)
    stages.due[rows] = (model.quarter + np.arange(STAGES))[:, None]
    for column, total in (
        (stages.cost, plan.cost),
        (stages.from_fund, plan.from_fund),
        (stages.from_loan, plan.from_loan),
    ):
        part, odd = np.divmod(np.array(total, dtype=np.int64), STAGES)
        column[rows] = part
        column[rows[0]] += odd


def _book_claim(model: "MarketModel", contract: int, plan: SetUp) -> int:
    """Book a claim for each member, and return the row of the first."""
    claims, share = model.claims, model.levers.pump_priming_repayment
    rows = claims.extend(len(plan.council))
    claims.project[rows] = model.contracts.key[contract]
    claims.council[rows], claims.contract[rows] = plan.council, contract
    claims.service[rows] = plan.service
    claims.quarter[rows], claims.share[rows] = model.quarter, share
    model.tally["fund_claims"] += 1
    model.tally["fund_deadweight"] += plan.deadweight
    return int(rows[0])


def _pay_stages(model: "MarketModel") -> None:
    """Pay the stages that are due and the sources that bear them; cancel those of dead projects."""
    stages, contracts, councils = model.stages, model.contracts, model.councils
    rows = rows_where(stages.open)
    stages.open[rows[~contracts.live[stages.contract[rows]]]] = False
    due = rows_where(stages.open & (stages.due <= model.quarter))
    stages.open[due] = False
    council, loan, paid = stages.council[due], stages.from_loan[due], stages.from_fund[due]
    account = model.ledger.council(council)
    model.ledger.post(Account.FUND, account, Purpose.FUND_CLAIM, paid)
    model.ledger.post(Account.LENDERS, account, Purpose.LOAN, loan)
    model.ledger.post(account, Account.RESOURCES, Purpose.SET_UP, stages.cost[due])
    instalments = max(4.0 * model.assumptions.loan_years, 1.0)
    np.add.at(councils.loan, council, loan)
    np.add.at(councils.loan_instalment, council, np.ceil(loan / instalments).astype(np.int64))
    claimed = stages.claim[due] != NONE
    _claim_paid(model, stages.claim[due][claimed], paid[claimed])


def _claim_paid(model: "MarketModel", rows: IntArray, paid: IntArray) -> None:
    """Note what the fund has paid on claims, and that it is owed where it is no grant."""
    claims = model.claims
    np.add.at(claims.paid, rows, paid)
    np.add.at(claims.repayable, rows, np.where(claims.share[rows] > 0, paid, 0))


# --- the quarter's payments ----------------------------------------------------------------------


def _pay_for_procurement(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Post what buyers and bidders spend on tendering."""
    assumptions, services = model.assumptions, model.services
    table, procedure = procedure_table(), requirements.procedure
    rate = table.buyer_rate[procedure] * requirements.complexity
    cost = assumptions.buyer_cost * (table.buyer_fixed[procedure] + rate * requirements.value)
    cost = cost * (1.0 + assumptions.diligence_cost * requirements.diligent)
    members = requirements.service
    worth = services.baseline[members] * model.index
    part = worth / requirements.value[requirements.tender]
    account = model.ledger.council(services.council[members])
    shared = to_pence(cost[requirements.tender] * part)
    model.ledger.post(account, Account.RESOURCES, Purpose.PROCUREMENT, shared)
    bidder = model.ledger.supplier(result.submitted.supplier)
    spent = to_pence(result.submitted.cost_of_bid)
    model.ledger.post(bidder, Account.RESOURCES, Purpose.BIDDING, spent)


def _pay_for_services(model: "MarketModel") -> None:
    """Post budgets, in-house delivery, prices, client side and work moved to the front line."""
    services, contracts, ledger = model.services, model.contracts, model.ledger
    everyone = ledger.council(np.arange(len(model.councils)))
    budget = sum_by(services.council, services.baseline * model.index, len(model.councils))
    ledger.post(Account.TAXPAYERS, everyone, Purpose.BUDGET, to_pence(budget / 4))
    ledger.post(everyone, Account.RESOURCES, Purpose.IN_HOUSE, to_pence(_value_in_house(model) / 4))
    paid = model.paid = _prices(model)
    council = services.council[paid.service]
    supplier = ledger.supplier(contracts.supplier[paid.contract])
    ledger.post(ledger.council(council), supplier, Purpose.PRICE, to_pence(paid.price))
    moved = model.assumptions.front_line * np.maximum(paid.cost - paid.price, 0.0)
    for purpose, amount in (
        (Purpose.CLIENT_SIDE, model.assumptions.client_side * paid.price),
        (Purpose.FRONT_LINE, moved),
        (Purpose.TRANSITION, paid.cost * _double_running(model)[paid.contract]),
        (Purpose.CHANGE, paid.cost * _changes(model)[paid.contract]),
    ):
        total = to_pence(sum_by(council, amount, len(model.councils)))
        ledger.post(everyone, Account.RESOURCES, purpose, total)


def _prices(model: "MarketModel") -> Paid:
    """Return what services outside would cost in house this quarter, and what is paid for them."""
    services = model.services
    held = rows_where(services.contract != NONE)
    contract = services.contract[held]
    cost = services.baseline[held] * model.index / 4
    return Paid(held, contract, cost, cost * paid_ratio(model, contract))


def _double_running(model: "MarketModel") -> FloatArray:
    """Return what each contract costs its councils on top while a supplier takes over."""
    contracts = model.contracts
    taking_over = contracts.moved & (contracts.load_end > model.quarter)
    complexity = segment_table().complexity[contracts.segment]
    return np.where(taking_over, model.assumptions.double_running * complexity, 0.0)


def _changes(model: "MarketModel") -> FloatArray:
    """Return what changes to each contract cost its councils: needs depart from it with age.

    The further they have gone the more each change costs, so that cost grows with age squared.
    """
    contracts = model.contracts
    age = (model.quarter - contracts.start) / 4.0 / AGED_YEARS
    return model.assumptions.ageing * segment_table().complexity[contracts.segment] * age**2


def _value_in_house(model: "MarketModel") -> FloatArray:
    """Return each council's in-house cost this quarter, £m a year."""
    services = model.services
    at_home = np.where(services.contract == NONE, services.council, NONE)
    return sum_by(at_home, services.baseline * model.index, len(model.councils))


def _pay_for_delivery(model: "MarketModel") -> None:
    """Post suppliers' costs of delivery and of idle teams."""
    contracts, suppliers = model.contracts, model.suppliers
    live = contracts.in_force()
    running = _delivery_cost(model, live)
    account = model.ledger.supplier(contracts.supplier[live])
    model.ledger.post(account, Account.RESOURCES, Purpose.DELIVERY, to_pence(running))
    interest = model.assumptions.supplier_finance / 4 * _unrecovered(model, live)
    model.ledger.post(account, Account.OWNERS, Purpose.SUPPLIER_FINANCE, to_pence(interest))
    here = suppliers.active & firm.works_here(suppliers.capability)
    idle = np.where(here, suppliers.capacity - suppliers.load, 0.0)
    idle_cost = to_pence(model.assumptions.idle_cost * np.maximum(idle, 0.0) / 4)
    everyone = model.ledger.supplier(np.arange(len(suppliers)))
    model.ledger.post(everyone, Account.RESOURCES, Purpose.OVERHEAD, idle_cost)


def _delivery_cost(model: "MarketModel", live: IntArray) -> FloatArray:
    """Return what contracts ``live`` cost their suppliers this quarter, £m.

    Cost follows the same ramp as price; what was invested up front is not spent again.
    """
    contracts = model.contracts
    age = model.quarter - contracts.start[live]
    was = contracts.was_ratio[live]
    reached = ramp_table()[contracts.segment[live], np.clip(age, 0, LONGEST_RAMP)]
    ratio = was + reached * (contracts.cost_ratio[live] - was)
    running = ratio * annual_baseline(model)[live] + contracts.overhead[live]
    payback = _payback(model, live)
    spared = np.where(age < payback, contracts.investment[live] / payback, 0.0)
    cost: FloatArray = np.maximum(running / 4 - spared, 0.0)
    return cost


def _payback(model: "MarketModel", live: IntArray) -> FloatArray:
    """Return the quarters in which contracts earn back up-front investment."""
    length = (model.contracts.signed_end - model.contracts.start)[live]
    payback: FloatArray = np.clip(4.0 * model.assumptions.payback_years, 1.0, length)
    return payback


def _unrecovered(model: "MarketModel", live: IntArray) -> FloatArray:
    """Return up-front investment, set-up paid for councils included, not yet earned back, £m."""
    contracts = model.contracts
    elapsed = (model.quarter - contracts.start[live]) / _payback(model, live)
    left: FloatArray = contracts.invested(live) * np.clip(1.0 - elapsed, 0.0, 1.0)
    return left


def _service_loans(model: "MarketModel") -> None:
    councils, ledger = model.councils, model.ledger
    everyone = ledger.council(np.arange(len(councils)))
    interest = councils.loan * model.assumptions.borrowing_rate / 4
    ledger.post(everyone, Account.LENDERS, Purpose.INTEREST, np.rint(interest).astype(np.int64))
    repaid = np.minimum(councils.loan_instalment, councils.loan)
    ledger.post(everyone, Account.LENDERS, Purpose.LOAN_REPAYMENT, repaid)
    councils.loan -= repaid
    councils.loan_instalment[councils.loan == 0] = 0


def _repay_fund(model: "MarketModel") -> None:
    """Repay claims from the savings of their services; write off where one is back in house."""
    claims, services = model.claims, model.services
    if not len(claims):
        return
    contract = services.contract[claims.service]
    outside = contract != NONE
    ratio = paid_ratio(model, contract)
    cost = services.baseline[claims.service] * model.index / 4
    outstanding = claims.repayable - claims.repaid - claims.written_off
    due = repayment_due(to_pence(cost * (1.0 - ratio)), claims.share, outstanding)
    account = model.ledger.council(claims.council)
    model.ledger.post(account, Account.FUND, Purpose.FUND_REPAYMENT, due)
    claims.repaid += due
    lost = np.where(outside, 0, outstanding)
    claims.written_off += lost
    model.tally["fund_written_off"] += float(lost.sum()) / PENCE


# --- closing the books ---------------------------------------------------------------------------


def _close_councils(model: "MarketModel") -> None:
    """Return what the budget leaves to taxpayers, call for what it lacks, and refill reserves."""
    councils, ledger = model.councils, model.ledger
    everyone = ledger.council(np.arange(len(councils)))
    left = ledger.flow([Purpose.BUDGET], into=True) - ledger.flow(RECURRENT)
    ledger.post(everyone, Account.TAXPAYERS, Purpose.SAVING_RETURNED, np.maximum(left, 0))
    ledger.post(Account.TAXPAYERS, everyone, Purpose.OVERSPEND, np.maximum(-left, 0))
    overdrawn = np.maximum(-ledger.council_balance(), 0)
    ledger.post(Account.TAXPAYERS, everyone, Purpose.OVERSPEND, overdrawn)
    gap = np.maximum(councils.reserve_target - ledger.council_balance(), 0)
    most = np.rint(councils.reserve_target * model.assumptions.reserve_refill).astype(np.int64)
    ledger.post(Account.TAXPAYERS, everyone, Purpose.RESERVES, np.minimum(gap, most))


def _close_suppliers(model: "MarketModel") -> None:
    """Pay dividends above the capital that firms hold on to; rebuild it from other business."""
    suppliers, ledger = model.suppliers, model.ledger
    everyone = ledger.supplier(np.arange(len(suppliers)))
    capital = ledger.supplier_balance()
    above = capital - np.rint(DIVIDEND_ABOVE * suppliers.capital_target).astype(np.int64)
    paid = np.where(suppliers.active, np.maximum(above, 0), 0)
    ledger.post(everyone, Account.OWNERS, Purpose.DIVIDEND, paid)
    earned = to_pence(suppliers.outside_turnover * OUTSIDE_MARGIN / 4)
    gap = np.clip(suppliers.capital_target - capital, 0, earned)
    rebuilt = np.where(suppliers.active & (capital >= 0), gap, 0)
    ledger.post(Account.OUTSIDE, everyone, Purpose.OUTSIDE_PROFIT, rebuilt)


def council_savings(model: "MarketModel") -> IntArray:
    """Return each council's realised saving this quarter, pence.

    Counterfactual less every resource cost borne; what the fund paid is not borne by councils, and
    what they repay is.
    """
    ledger = model.ledger
    granted = ledger.flow([Purpose.BUDGET, Purpose.FUND_CLAIM], into=True)
    return granted - ledger.flow([*COUNCIL_COSTS, Purpose.FUND_REPAYMENT])


def remember_savings(model: "MarketModel", saving: IntArray) -> None:
    """Let councils know how they stand against their efficiency target."""
    councils = model.councils
    counterfactual = model.ledger.flow([Purpose.BUDGET], into=True)
    councils.counterfactual += counterfactual
    councils.saving += saving
    rate = np.clip(saving / np.maximum(counterfactual, 1), -1.0, 1.0)
    councils.saving_rate += SAVING_MEMORY * (rate - councils.saving_rate)
