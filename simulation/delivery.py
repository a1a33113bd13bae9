"""Phase 6, delivery: contracts start, risk events strike, suppliers make good or let go."""

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from agents import supplier as firm
from agents.columns import NONE, FloatArray, IntArray, rows_where
from agents.partnership import Stage
from simulation.contracts import Ended, delivered_by, sum_by
from simulation.ledger import PENCE, Account, Purpose, to_pence
from simulation.needs import of_performing_group
from simulation.partnering import (
    READINESS_GAINED,
    READINESS_LOST,
    TRUST_GAINED,
    TRUST_LOST,
    dissolve,
    remember,
)
from simulation.requirements import Requirements, draw_normal
from simulation.route import Plan, postpone, release
from simulation.segments import RISKS
from simulation.tendering import Result

if TYPE_CHECKING:
    from simulation.model import MarketModel

TROUBLED_QUARTERS = 4
EXPOSED_PART = 0.6
"""Part of a contract's life in which its project, and with it most risk, lies."""

DISPUTE_WITHIN = 6
"""Quarters after a takeover within which true cost comes to light."""

NAME_LOST = 0.1
TROUBLED_QUALITY = 0.1
TRANSITION_QUALITY = 0.05
"""Dips in quality while a supplier takes over, and after an event."""


def deliver(model: "MarketModel", plan: Plan, result: Result) -> IntArray:
    """Start what was awarded, put off what was not, and let the quarter's events strike.

    Returns:
        Rows of the contracts signed this quarter.
    """
    signed = _sign(model, plan, result)
    _put_off(model, plan.requirements, result)
    _end_transitions(model)
    _strike(model)
    _dispute(model)
    return signed


# --- signature -----------------------------------------------------------------------------------


def _sign(model: "MarketModel", plan: Plan, result: Result) -> IntArray:
    requirements = plan.requirements
    awarded = rows_where(result.winning != NONE)
    rows = model.contracts.extend(len(awarded))
    winner = result.winning[awarded]
    _write_parties(model, rows, requirements, awarded, result.bids.supplier[winner])
    _write_money(model, rows, requirements, result, awarded)
    _write_risks(model, rows, requirements, result, awarded)
    _hand_over(model, rows, requirements, awarded)
    for row in rows[model.contracts.partnership[rows] != NONE].tolist():
        _start_group(model, row)
    contract = dict(zip(awarded.tolist(), rows.tolist(), strict=True))
    projects = sorted(plan.set_up.keys() & contract.keys())
    model.book_set_up({contract[tender]: plan.set_up[tender] for tender in projects})
    invested = to_pence(model.contracts.invested(rows))
    account = model.ledger.supplier(model.contracts.supplier[rows])
    model.ledger.post(account, Account.RESOURCES, Purpose.INVESTMENT, invested)
    model.tally["supplier_investment"] += float(invested.sum()) / PENCE
    return rows


def _write_parties(
    model: "MarketModel", rows: IntArray, requirements: Requirements, awarded: IntArray,
    supplier: IntArray,
) -> None:  # fmt: skip
    contracts = model.contracts
    contracts.key[rows] = requirements.key[awarded]
    contracts.lead[rows] = requirements.lead[awarded]
    contracts.segment[rows] = requirements.segment[awarded]
    contracts.supplier[rows] = supplier
    contracts.councils[rows] = requirements.councils[awarded]
    contracts.partnership[rows] = requirements.partnership[awarded]
    contracts.start[rows] = model.quarter
    contracts.end[rows] = model.quarter + requirements.quarters[awarded]
    contracts.signed_end[rows] = contracts.end[rows]
    contracts.quality[rows] = model.suppliers.quality[supplier]
    contracts.moved[rows] = requirements.incumbent[awarded] != supplier


def _write_money(
    model: "MarketModel", rows: IntArray, requirements: Requirements, result: Result,
    awarded: IntArray,
) -> None:  # fmt: skip
    contracts, assumptions, winner = model.contracts, model.assumptions, result.winning[awarded]
    value, supplier = requirements.value[awarded], contracts.supplier[rows]
    large = model.suppliers.large[supplier]
    overhead = np.where(large, assumptions.overhead_large, assumptions.overhead_sme)
    contracts.value[rows] = value
    contracts.price[rows] = result.bids.price[winner]
    contracts.price_ratio[rows] = contracts.price[rows] / value
    contracts.overhead[rows] = overhead
    contracts.was_ratio[rows] = requirements.was[awarded]
    contracts.scale[rows] = result.terms.scale[awarded]
    contracts.cost_ratio[rows] = (result.bids.cost[winner] - overhead) / value
    contracts.estimate_ratio[rows] = result.bids.estimate[winner] / value
    contracts.margin_ratio[rows] = result.bids.margin[winner] / value
    contracts.risk_ratio[rows] = result.bids.risk[winner] / value
    contracts.finance_ratio[rows] = result.bids.finance[winner] / value
    contracts.funded[rows] = requirements.funded[awarded]
    contracts.platform[rows] = result.terms.platform[awarded]
    saved = np.maximum(1.0 - contracts.price_ratio[rows], 0.0)
    contracts.claimed_ratio[rows] = saved * (1.0 + assumptions.claim_optimism)
    contracts.investment[rows] = result.terms.investment[awarded]


def _write_risks(
    model: "MarketModel", rows: IntArray, requirements: Requirements, result: Result,
    awarded: IntArray,
) -> None:  # fmt: skip
    """Fix what fate holds for each contract: drawn by key, felt when it comes."""
    contracts, terms = model.contracts, result.terms
    complexity = requirements.complexity[awarded]
    contracts.share[rows] = requirements.share[awarded]
    contracts.project_cost[rows] = terms.project_cost[awarded]
    contracts.own_loss[rows] = terms.own_loss[awarded]
    contracts.expected_loss[rows] = terms.risk.supplier_loss[awarded]
    contracts.load[rows] = terms.work[awarded]
    transition = np.maximum(np.rint(4.0 * complexity), 1).astype(np.int64)
    length = requirements.quarters[awarded]
    contracts.load_end[rows] = model.quarter + np.minimum(transition, length)
    luck = [draw_normal(model, f"{risk} event", requirements)[awarded] for risk in RISKS]
    struck = ndtr(np.stack(luck, axis=1)) < terms.chance[awarded]
    key = requirements.key[awarded][:, None], np.arange(3)[None, :]
    when = model.draws.uniform("time of event", *key) * EXPOSED_PART * length[:, None]
    contracts.event_quarter[rows] = np.where(struck, model.quarter + when.astype(np.int64), 0)
    sizes = [draw_normal(model, f"size of {risk} event", requirements)[awarded] for risk in RISKS]
    spread = model.assumptions.loss_spread * np.stack(sizes, axis=1)
    contracts.event_loss[rows] = model.assumptions.loss_median * np.exp(spread)
    _foresee_disputes(model, rows)


def _foresee_disputes(model: "MarketModel", rows: IntArray) -> None:
    """Fix when suppliers that find their cost well above their estimate will dispute the price."""
    contracts = model.contracts
    overhead = contracts.overhead[rows] / contracts.value[rows]
    true = contracts.cost_ratio[rows] + overhead
    contracts.shortfall[rows] = true - contracts.estimate_ratio[rows]
    when = model.draws.uniform("time of dispute", contracts.key[rows]) * DISPUTE_WITHIN
    breaks_out = contracts.shortfall[rows] > model.assumptions.dispute_above
    contracts.dispute_quarter[rows] = np.where(breaks_out, model.quarter + 1 + when.astype(int), 0)


def _hand_over(
    model: "MarketModel", rows: IntArray, requirements: Requirements, awarded: IntArray
) -> None:
    """Point the services at their new contracts; what they leave behind is closed."""
    place = np.full(len(requirements), NONE, dtype=np.int64)
    place[awarded] = rows
    contract = place[requirements.tender]
    moved = requirements.service[contract != NONE]
    held = model.services.contract[moved]
    ending = model.contracts.end[np.maximum(held, 0)] <= model.quarter
    release(model, moved[ending & (held != NONE)], Ended.COMPLETED)
    release(model, moved[~ending & (held != NONE)], Ended.REALIGNED)
    model.services.contract[moved] = contract[contract != NONE]
    model.services.partnership[moved] = NONE
    model.services.retry[moved] = NONE


def _start_group(model: "MarketModel", contract: int) -> None:
    group, partnerships = int(model.contracts.partnership[contract]), model.partnerships
    partnerships.stage[group] = Stage.PERFORMING
    partnerships.contract[group] = contract
    partnerships.value[group] = model.contracts.value[contract]
    partnerships.members[group] = model.contracts.councils[contract]
    model.tally["partnerships_agreed"] += 1
    model.tally["partnership_members"] += int(model.contracts.councils[contract])
    members = rows_where(model.services.contract == contract)
    remember(model, members, TRUST_GAINED, READINESS_GAINED)


def _put_off(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    failed = result.winning == NONE
    groups = requirements.partnership[failed]
    dissolve(model, groups[groups != NONE], "tender failed")
    postpone(model, requirements.service[failed[requirements.tender]])


# --- events --------------------------------------------------------------------------------------


def _end_transitions(model: "MarketModel") -> None:
    """Free the teams of contracts whose transition is over, and count every firm's load afresh."""
    contracts, suppliers = model.contracts, model.suppliers
    live = contracts.in_force()
    contracts.load[live[contracts.load_end[live] <= model.quarter]] = 0.0
    suppliers.load[:] = sum_by(contracts.supplier[live], contracts.load[live], len(suppliers))


def _strike(model: "MarketModel") -> None:
    """Let this quarter's risk events strike the contracts in force."""
    contracts, live = model.contracts, model.contracts.in_force()
    struck = np.flatnonzero(contracts.event_quarter[live] == model.quarter)
    if len(struck):
        rows = live[np.unique(struck // len(RISKS))]
        strikes = contracts.event_quarter[rows] == model.quarter
        loss = np.where(strikes, contracts.event_loss[rows], 0.0)
        loss *= contracts.project_cost[rows][:, None]
        _bear(model, rows, (loss * contracts.share[rows]).sum(axis=1), loss.sum(axis=1))


def _bear(model: "MarketModel", rows: IntArray, borne: FloatArray, loss: FloatArray) -> None:
    """Share losses as agreed; where the supplier's part is beyond what it commits, it lets go."""
    contracts = model.contracts
    kept = (loss - borne) * contracts.own_loss[rows]
    limit = _commitment(model, rows)
    collapses = borne > limit
    contracts.troubled_until[rows] = model.quarter + TROUBLED_QUARTERS
    paid = np.minimum(borne, limit)
    contracts.overrun[rows] += loss - borne + paid
    supplier = model.ledger.supplier(contracts.supplier[rows])
    model.ledger.post(supplier, Account.RESOURCES, Purpose.RISK_LOSS, to_pence(paid))
    model.charge_members(rows, kept, Purpose.RISK_LOSS)
    model.tally["overrun_cost"] += float((loss - borne + paid).sum())
    rescued = rows[(borne > 0) & ~collapses]
    contracts.rescues[rescued] += 1
    model.tally["events"] += len(rows)
    model.tally["rescues"] += len(rescued)
    collapse(model, rows[collapses], Ended.COLLAPSED)


def _commitment(model: "MarketModel", rows: IntArray) -> FloatArray:
    contracts = model.contracts
    years = np.maximum(contracts.end[rows] - model.quarter, 0) / 4.0
    margin = (contracts.price_ratio[rows] - contracts.cost_ratio[rows]) * contracts.value[rows]
    capital = np.maximum(model.capital(), 0.0)
    name = model.assumptions.stake * model.suppliers.turnover
    supplier = contracts.supplier[rows]
    return firm.commits(
        capital[supplier], margin * years, name[supplier], model.assumptions.rescue_limit
    )


def _dispute(model: "MarketModel") -> None:
    """Settle the disputes that break out: a dearer price, costs to both, at times the end."""
    contracts, assumptions = model.contracts, model.assumptions
    live = contracts.in_force()
    rows = live[contracts.dispute_quarter[live] == model.quarter]
    if not len(rows):
        return
    cost = assumptions.dispute_cost * contracts.value[rows]
    model.charge_members(rows, cost, Purpose.DISPUTE)
    supplier = model.ledger.supplier(contracts.supplier[rows])
    model.ledger.post(supplier, Account.RESOURCES, Purpose.DISPUTE, to_pence(cost))
    settled = firm.dispute_settled(contracts.shortfall[rows], assumptions.dispute_share)
    contracts.price_ratio[rows] += settled
    contracts.estimate_ratio[rows] += settled
    contracts.disputed[rows] = True
    contracts.troubled_until[rows] = model.quarter + TROUBLED_QUARTERS
    model.tally["disputes"] += len(rows)
    ends = model.draws.happens("end of dispute", assumptions.dispute_exit, contracts.key[rows])
    collapse(model, rows[ends], Ended.DISPUTED)


def collapse(model: "MarketModel", rows: IntArray, how: Ended) -> None:
    """End contracts before their time: councils pay for the disruption and take services back."""
    if not len(rows):
        return
    contracts = model.contracts
    cost = model.assumptions.disruption * contracts.value[rows]
    _lose_name(model, contracts.supplier[rows])
    model.charge_members(rows, cost, Purpose.DISRUPTION)
    members = delivered_by(model.services.contract, rows, len(contracts))
    joint = rows[of_performing_group(model, rows)]
    for contract in joint.tolist():
        ours = rows_where(model.services.contract == contract)
        remember(model, ours, TRUST_LOST, READINESS_LOST)
    dissolve(model, contracts.partnership[joint], "collapsed")
    release(model, members, how)
    model.services.retry[members] = model.quarter + TROUBLED_QUARTERS
    model.tally["collapses"] += len(rows) if how is Ended.COLLAPSED else 0
    model.tally["early_terminations"] += len(rows)


def _lose_name(model: "MarketModel", suppliers: IntArray) -> None:
    """Lower the reputation of suppliers whose contracts end in failure."""
    lost = NAME_LOST * np.bincount(suppliers, minlength=len(model.suppliers))
    model.suppliers.reputation[:] = np.maximum(model.suppliers.reputation - lost, 0.0)


def quality_of_contracts(model: "MarketModel") -> FloatArray:
    """Return the quality of service under each contract this quarter; in-house delivery is 1."""
    contracts = model.contracts
    dip = TRANSITION_QUALITY * (contracts.load_end > model.quarter)
    trouble = TROUBLED_QUALITY * (contracts.troubled_until > model.quarter)
    quality: FloatArray = contracts.quality - dip - trouble
    return quality
