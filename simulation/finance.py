"""Phase 7, finance: budgets, payments, loans, the fund's books and councils' savings."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from agents import supplier as firm
from agents.columns import NONE, FloatArray, IntArray, rows_where
from agents.government import repayment_due
from simulation.contracts import delivered_by, sum_by
from simulation.ledger import COUNCIL_COSTS, PENCE, Account, Purpose, to_pence
from simulation.requirements import Requirements
from simulation.route import SetUp
from simulation.segments import segment_table
from simulation.tendering import Result

if TYPE_CHECKING:
    from simulation.model import MarketModel

RECURRENT = (
    Purpose.IN_HOUSE, Purpose.PRICE, Purpose.CLIENT_SIDE, Purpose.FRONT_LINE, Purpose.INTEREST,
    Purpose.LOAN_REPAYMENT, Purpose.FUND_REPAYMENT,
)  # fmt: skip
"""Payments met from the year's budget; all else falls on reserves."""

SAVING_MEMORY = 0.25
DIVIDEND_ABOVE = 1.25
OUTSIDE_MARGIN = 0.03
"""Profit on turnover outside this market, a year, with which firms rebuild capital."""


def settle(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Post what the quarter costs, and close councils' and suppliers' accounts."""
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


def pay_set_up(model: "MarketModel", plans: Mapping[int, SetUp]) -> None:
    """Post the set-up cost of projects and the sources that pay it, and book claims on the fund.

    Args:
        model: the model.
        plans: how each project is paid, by its contract.
    """
    council = _flat(plan.council for plan in plans.values())
    loan = _flat(plan.from_loan for plan in plans.values())
    account = model.ledger.council(council)
    claim = _flat(plan.from_fund for plan in plans.values())
    model.ledger.post(Account.FUND, account, Purpose.FUND_CLAIM, claim)
    model.ledger.post(Account.LENDERS, account, Purpose.LOAN, loan)
    cost = _flat(plan.cost for plan in plans.values())
    model.ledger.post(account, Account.RESOURCES, Purpose.SET_UP, cost)
    instalments = max(4.0 * model.assumptions.loan_years, 1.0)
    np.add.at(model.councils.loan, council, loan)
    instalment = np.ceil(loan / instalments).astype(np.int64)
    np.add.at(model.councils.loan_instalment, council, instalment)
    model.tally["projects_started"] += len(plans)
    for contract, plan in plans.items():
        if any(plan.from_fund):
            _book_claim(model, contract, plan)


def _flat(lists: Iterable[list[int]]) -> IntArray:
    return np.array(list(chain.from_iterable(lists)), dtype=np.int64)


def _book_claim(model: "MarketModel", contract: int, plan: SetUp) -> None:
    claims, share = model.claims, model.levers.pump_priming_repayment
    rows = claims.extend(len(plan.council))
    claims.project[rows] = model.contracts.key[contract]
    claims.council[rows], claims.contract[rows] = plan.council, contract
    claims.service[rows] = plan.service
    claims.quarter[rows], claims.share[rows] = model.quarter, share
    claims.paid[rows] = plan.from_fund
    claims.repayable[rows] = plan.from_fund if share > 0 else 0
    model.tally["fund_claims"] += 1
    model.tally["fund_deadweight"] += plan.deadweight


# --- the quarter's payments ----------------------------------------------------------------------


def _pay_for_procurement(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Post what buyers and bidders spend on tendering."""
    assumptions, services = model.assumptions, model.services
    complexity = segment_table().complexity[requirements.segment]
    cost = (
        assumptions.buyer_cost_fixed + assumptions.buyer_cost_rate * complexity * requirements.value
    )
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
    held = rows_where(services.contract != NONE)
    contract, council = services.contract[held], services.council[held]
    cost = services.baseline[held] * model.index / 4
    price = cost * contracts.price_ratio[contract]
    supplier = ledger.supplier(contracts.supplier[contract])
    ledger.post(ledger.council(council), supplier, Purpose.PRICE, to_pence(price))
    moved = model.assumptions.front_line * np.maximum(cost - price, 0.0)
    for purpose, amount in (
        (Purpose.CLIENT_SIDE, model.assumptions.client_side * price),
        (Purpose.FRONT_LINE, moved),
    ):
        total = to_pence(sum_by(council, amount, len(model.councils)))
        ledger.post(everyone, Account.RESOURCES, purpose, total)


def _value_in_house(model: "MarketModel") -> FloatArray:
    """Return each council's in-house cost this quarter, £m a year."""
    services = model.services
    at_home = np.where(services.contract == NONE, services.council, NONE)
    return sum_by(at_home, services.baseline * model.index, len(model.councils))


def _pay_for_delivery(model: "MarketModel") -> None:
    """Post suppliers' costs of delivery and of idle teams."""
    contracts, suppliers = model.contracts, model.suppliers
    live = rows_where(contracts.live)
    recovered = contracts.investment[live] / (contracts.signed_end - contracts.start)[live]
    recovered = np.where(contracts.signed_end[live] > model.quarter, recovered, 0.0)
    running = contracts.cost_ratio[live] * annual_baseline(model)[live] + contracts.overhead[live]
    cost = np.maximum(running / 4 - recovered, 0.0)
    account = model.ledger.supplier(contracts.supplier[live])
    model.ledger.post(account, Account.RESOURCES, Purpose.DELIVERY, to_pence(cost))
    here = suppliers.active & firm.works_here(suppliers.capability)
    idle = np.where(here, suppliers.capacity - suppliers.load, 0.0)
    idle_cost = to_pence(model.assumptions.idle_cost * np.maximum(idle, 0.0) / 4)
    everyone = model.ledger.supplier(np.arange(len(suppliers)))
    model.ledger.post(everyone, Account.RESOURCES, Purpose.OVERHEAD, idle_cost)


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
    claims, contracts, services = model.claims, model.contracts, model.services
    if not len(claims):
        return
    contract = services.contract[claims.service]
    outside = contract != NONE
    ratio = np.where(outside, contracts.price_ratio[contract], 1.0)
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
