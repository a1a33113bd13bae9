"""Phase 7, finance: budgets, payments, loans, the fund's books and councils' savings."""

from typing import TYPE_CHECKING

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, rows_where
from agents.compiled import compiled
from agents.governance import governance_table
from agents.government import GUARANTEED_STAGES, STAGES, repayment_due
from simulation.billing import SPENDING, bill, running_cost
from simulation.contracts import worth_by_contract
from simulation.ledger import COUNCIL_COSTS, PENCE, Account, Purpose, pence, to_pence
from simulation.requirements import Requirements, paid_ratio
from simulation.route import Funding, Projects
from simulation.segments import procedure_table
from simulation.tendering import Result

if TYPE_CHECKING:
    from simulation.model import MarketModel

RECURRENT = (
    Purpose.IN_HOUSE, Purpose.PRICE, Purpose.CLIENT_SIDE, Purpose.FRONT_LINE, Purpose.INTEREST,
    Purpose.LOAN_REPAYMENT, Purpose.FUND_REPAYMENT, Purpose.CHANGE,
    Purpose.TRANSITION,
)  # fmt: skip
"""Payments met from the year's budget; all else falls on reserves."""

COUNCILS_OF_ENGLAND = 388

SAVING_MEMORY = 0.25
DIVIDEND_ABOVE = 1.25
OUTSIDE_MARGIN = 0.03
"""Profit on turnover outside this market, a year, with which firms rebuild capital."""


def settle(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Post what the quarter costs, and close councils' and suppliers' accounts."""
    _pay_for_support(model)
    _pay_stages(model)
    _pay_for_procurement(model, requirements, result)
    _pay_for_services(model)
    _pay_for_delivery(model)
    _service_loans(model)
    _repay_fund(model)
    _close_councils(model)
    _close_suppliers(model)


def _pay_for_support(model: "MarketModel") -> None:
    """Post what brokers and model processes cost the Exchequer, by the number of councils."""
    full = model.assumptions.support_cost * len(model.councils) / COUNCILS_OF_ENGLAND
    spent = round(full * model.levers.partnership_support / 4 * PENCE)
    if spent:
        model.ledger.post(Account.EXCHEQUER, Account.RESOURCES, Purpose.SUPPORT, spent)


def annual_baseline(model: "MarketModel") -> FloatArray:
    """Return the in-house cost, £m a year at this quarter's index, that each contract delivers."""
    services = model.services
    return worth_by_contract(
        services.contract, services.baseline, model.index, len(model.contracts)
    )


def charge_members(
    model: "MarketModel", rows: IntArray, cost: FloatArray, purpose: Purpose
) -> None:
    """Post a cost of each contract in ``rows`` (£m) to its members, by size of their services."""
    services = model.services
    members, amount = _shared_out(
        rows, cost, services.contract, services.baseline, model.index, len(model.contracts)
    )
    account = model.ledger.council(services.council[members])
    model.ledger.post(account, Account.RESOURCES, purpose, amount)


@compiled
def _shared_out(
    rows: IntArray, cost: FloatArray, contract: IntArray, baseline: FloatArray, index: float,
    contracts: int,
) -> tuple[IntArray, IntArray]:  # fmt: skip
    """Return the services under the contracts ``rows``, and their parts in its ``cost``, pence."""
    place, worth = np.full(contracts, NONE), np.zeros(len(rows))
    for one in range(len(rows)):
        place[rows[one]] = one
    members, count = np.empty(len(contract), dtype=np.int64), 0
    for service in range(len(contract)):
        if contract[service] != NONE and place[contract[service]] != NONE:
            worth[place[contract[service]]] += baseline[service] * index
            members[count] = service
            count += 1
    amount = np.empty(count, dtype=np.int64)
    for member in range(count):
        service = members[member]
        one = place[contract[service]]
        amount[member] = pence(cost[one] * (baseline[service] * index / worth[one]))
    return members[:count], amount


def book_set_up(
    model: "MarketModel", contract: IntArray, projects: Projects, funding: Funding
) -> None:
    """Book the stages in which projects are set up and paid, and their claims on the fund.

    Args:
        model: the model.
        contract: of each project; NONE where none was signed.
        projects: the quarter's projects.
        funding: how they are paid.
    """
    signed = contract != NONE
    paid = signed & funding.paid
    claims = paid & (np.add.reduceat(funding.from_fund, projects.first[:-1]) > 0)
    model.tally["projects_started"] += int(signed.sum())
    model.tally["projects_by_supplier"] += int((signed & funding.by_supplier).sum())
    model.tally["fund_claims"] += int(claims.sum())
    model.tally["fund_deadweight"] += int((claims & funding.deadweight).sum())
    project = np.repeat(np.arange(len(paid)), np.diff(projects.first))
    rows, claiming = rows_where(paid[project]), rows_where(claims[project])
    claim = np.full(len(project), NONE, dtype=np.int64)
    claim[claiming] = _book_claims(
        model, contract[project[claiming]], projects.council[claiming], projects.service[claiming]
    )
    totals = projects.share[rows], funding.from_fund[rows], funding.from_loan[rows]
    _book_stages(model, contract[project[rows]], projects.council[rows], claim[rows], totals)


def _book_stages(
    model: "MarketModel", contract: IntArray, council: IntArray, claim: IntArray,
    totals: tuple[IntArray, IntArray, IntArray],
) -> None:  # fmt: skip
    """Share members' set-up evenly among the stages, the odd pennies in the first.

    ``totals`` are what it costs, and what the fund and loans pay of that; all are by member.
    """
    stages = model.stages
    rows = stages.extend(STAGES * len(council)).reshape(STAGES, -1)
    stages.contract[rows], stages.council[rows], stages.claim[rows] = contract, council, claim
    stages.due[rows] = (model.quarter + np.arange(STAGES))[:, None]
    for column, total in zip(
        (stages.cost, stages.from_fund, stages.from_loan), totals, strict=True
    ):
        part, odd = np.divmod(total, STAGES)
        column[rows] = part
        column[rows[0]] += odd


def _book_claims(
    model: "MarketModel", contract: IntArray, council: IntArray, service: IntArray
) -> IntArray:
    """Book a claim on the fund for each member of projects that it pays for; return their rows."""
    claims = model.claims
    rows = claims.extend(len(contract))
    claims.project[rows] = model.contracts.key[contract]
    claims.contract[rows], claims.council[rows], claims.service[rows] = contract, council, service
    claims.quarter[rows], claims.share[rows] = model.quarter, model.levers.pump_priming_repayment
    return rows


def _pay_stages(model: "MarketModel") -> None:
    """Pay the stages that are due and the sources that bear them; cancel those of dead projects."""
    stages, contracts, councils = model.stages, model.contracts, model.councils
    rows = rows_where(stages.open)
    stages.open[rows[~contracts.live[stages.contract[rows]]]] = False
    due = rows_where(stages.open & (stages.due <= model.quarter))
    if not len(due):
        return
    stages.open[due] = False
    _withdraw_funding(model, due)
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


def _withdraw_funding(model: "MarketModel", due: IntArray) -> None:
    """Leave members with the bill where the fund stops paying for later stages (D1 §1.2).

    Only the first stages are guaranteed; what is withdrawn from a project is withdrawn for good.
    """
    stages, contracts = model.stages, model.contracts
    contract = stages.contract[due]
    later = model.quarter - contracts.start[contract] >= GUARANTEED_STAGES
    key = contracts.key[contract]
    stops = model.draws.happens("funding stops", model.assumptions.funding_uncertainty, key)
    stages.from_fund[due[later & stops]] = 0


def _claim_paid(model: "MarketModel", rows: IntArray, paid: IntArray) -> None:
    """Note what the fund has paid on claims, and that it is owed where it is no grant."""
    claims = model.claims
    np.add.at(claims.paid, rows, paid)
    lent = np.where(claims.share[rows] > 0, paid, 0)
    np.add.at(claims.repayable, rows, lent)
    model.tally["fund_lent"] += float(lent.sum()) / PENCE


# --- the quarter's payments ----------------------------------------------------------------------


def buying_cost(model: "MarketModel", requirements: Requirements) -> FloatArray:
    """Return what buyers spend on each tender, £m: more where members keep buyers of their own."""
    assumptions, table, procedure = model.assumptions, procedure_table(), requirements.procedure
    rate = table.buyer_rate[procedure] * requirements.complexity
    cost = assumptions.buyer_cost * (table.buyer_fixed[procedure] + rate * requirements.value)
    cost = cost * (1.0 + assumptions.diligence_cost * requirements.diligent)
    own = governance_table().own_buyers[requirements.governance]
    total: FloatArray = cost * (1.0 + own * (requirements.councils - 1))
    return total


def _pay_for_procurement(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Post what buyers and bidders spend on tendering."""
    services, cost = model.services, buying_cost(model, requirements)
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
    ledger, (paid, price, spent) = model.ledger, bill(model)
    model.paid = paid
    everyone = ledger.council(np.arange(len(model.councils)))
    ledger.post(Account.TAXPAYERS, everyone, SPENDING[0], spent[0])
    council = ledger.council(model.services.council[paid.service])
    supplier = ledger.supplier(model.contracts.supplier[paid.contract])
    ledger.post(council, supplier, Purpose.PRICE, price)
    for purpose, amount in zip(SPENDING[1:], spent[1:], strict=True):
        ledger.post(everyone, Account.RESOURCES, purpose, amount)


def _pay_for_delivery(model: "MarketModel") -> None:
    """Post suppliers' costs of delivery and of idle teams."""
    suppliers, live = model.suppliers, model.contracts.in_force()
    delivery, interest = running_cost(model, live)
    account = model.ledger.supplier(model.contracts.supplier[live])
    model.ledger.post(account, Account.RESOURCES, Purpose.DELIVERY, delivery)
    model.ledger.post(account, Account.OWNERS, Purpose.SUPPLIER_FINANCE, interest)
    idle = _idle(
        suppliers.active, suppliers.capability, suppliers.capacity, suppliers.load,
        model.assumptions.idle_cost,
    )  # fmt: skip
    everyone = model.ledger.supplier(np.arange(len(suppliers)))
    model.ledger.post(everyone, Account.RESOURCES, Purpose.OVERHEAD, idle)


@compiled
def _idle(
    active: BoolArray, capability: FloatArray, capacity: FloatArray, load: FloatArray, cost: float
) -> IntArray:
    """Return what idle teams cost each supplier that works here in a quarter, pence."""
    spent = np.zeros(len(active), dtype=np.int64)
    for row in range(len(active)):
        here = False
        for segment in range(capability.shape[1]):
            here |= active[row] and capability[row, segment] > 0
        if here:
            spent[row] = pence(cost * max(capacity[row] - load[row], 0.0) / 4)
    return spent


def _service_loans(model: "MarketModel") -> None:
    councils, ledger = model.councils, model.ledger
    if not councils.loan.any():
        return
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
    ledger, target = model.ledger, model.councils.reserve_target
    everyone = ledger.council(np.arange(len(model.councils)))
    left = ledger.flow([Purpose.BUDGET], into=True) - ledger.flow(RECURRENT)
    returned, lacking, overdrawn, refilled = _closing(
        left, ledger.council_balance(), target, model.assumptions.reserve_refill
    )
    ledger.post(everyone, Account.TAXPAYERS, Purpose.SAVING_RETURNED, returned)
    ledger.post(Account.TAXPAYERS, everyone, Purpose.OVERSPEND, lacking)
    ledger.post(Account.TAXPAYERS, everyone, Purpose.OVERSPEND, overdrawn)
    ledger.post(Account.TAXPAYERS, everyone, Purpose.RESERVES, refilled)


@compiled
def _closing(left: IntArray, balance: IntArray, target: IntArray, refill: float) -> IntArray:
    """Return what councils give back, lack, are overdrawn by and put aside, pence (4 x councils).

    ``left`` is what remains of the budget, ``balance`` what they have before that is settled.
    """
    moved = np.empty((4, len(left)), dtype=np.int64)
    for row in range(len(left)):
        settled = balance[row] - left[row]
        moved[0, row], moved[1, row] = max(left[row], 0), max(-left[row], 0)
        moved[2, row] = max(-settled, 0)
        gap = max(target[row] - max(settled, 0), 0)
        moved[3, row] = min(gap, np.int64(np.rint(target[row] * refill)))
    return moved


def _close_suppliers(model: "MarketModel") -> None:
    """Pay dividends above the capital that firms hold on to; rebuild it from other business."""
    suppliers, ledger = model.suppliers, model.ledger
    everyone = ledger.supplier(np.arange(len(suppliers)))
    paid, rebuilt = _owners(
        ledger.supplier_balance(), suppliers.capital_target, suppliers.outside_turnover,
        suppliers.active,
    )  # fmt: skip
    ledger.post(everyone, Account.OWNERS, Purpose.DIVIDEND, paid)
    ledger.post(Account.OUTSIDE, everyone, Purpose.OUTSIDE_PROFIT, rebuilt)


@compiled
def _owners(
    capital: IntArray, target: IntArray, turnover: FloatArray, active: BoolArray
) -> IntArray:
    """Return dividends, and what firms rebuild from other business, pence (2 x suppliers)."""
    moved = np.zeros((2, len(capital)), dtype=np.int64)
    for row in range(len(capital)):
        if active[row]:
            most = np.int64(np.rint(DIVIDEND_ABOVE * target[row]))
            moved[0, row] = max(capital[row] - most, 0)
            if capital[row] >= 0:
                earned = pence(turnover[row] * OUTSIDE_MARGIN / 4)
                moved[1, row] = min(max(target[row] - capital[row], 0), earned)
    return moved


def council_savings(model: "MarketModel") -> IntArray:
    """Return each council's realised saving this quarter, pence.

    Counterfactual less every resource cost borne; what the fund paid is not borne by councils, and
    what they repay is.
    """
    ledger = model.ledger
    granted = ledger.flow([Purpose.BUDGET, Purpose.FUND_CLAIM], into=True)
    return granted - ledger.flow([*COUNCIL_COSTS, Purpose.FUND_REPAYMENT])


def received_from_fund(model: "MarketModel") -> IntArray:
    """Return what each council received from the fund this quarter less what it repaid, pence."""
    received = model.ledger.flow([Purpose.FUND_CLAIM], into=True)
    return received - model.ledger.flow([Purpose.FUND_REPAYMENT])


def remember_savings(model: "MarketModel", saving: IntArray, discount: float) -> None:
    """Let councils know how they stand against their efficiency target.

    Args:
        model: the model.
        saving: what `council_savings` returns.
        discount: value in April 2006 of £1 in this quarter.
    """
    councils = model.councils
    counterfactual = model.ledger.flow([Purpose.BUDGET], into=True)
    councils.counterfactual += counterfactual
    councils.saving += saving
    councils.counterfactual_npv += discount * counterfactual
    councils.saving_npv += discount * saving
    councils.fund_npv += discount * received_from_fund(model)
    rate = np.minimum(np.maximum(saving / np.maximum(counterfactual, 1), -1.0), 1.0)
    councils.saving_rate += SAVING_MEMORY * (rate - councils.saving_rate)
