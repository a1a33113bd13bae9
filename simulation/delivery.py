"""Phase 6, delivery: contracts start, risk events strike, suppliers make good or let go."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtr

from agents import supplier as firm
from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from agents.compiled import compiled, inlined, on_numbers
from agents.council import unowned
from agents.partnership import Stage
from simulation.contracts import Ended, delivered_by, sum_by
from simulation.ending import release
from simulation.groups import dissolve
from simulation.ledger import PENCE, Account, Purpose, to_pence
from simulation.needs import of_performing_group
from simulation.partnering import try_again
from simulation.randomness import extended, normal_at
from simulation.requirements import Requirements
from simulation.route import Plan, postpone
from simulation.segments import RISKS
from simulation.tendering import Result
from simulation.tension import remoteness
from simulation.ties import lose_heart, take_heart, tell

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
    requirements, contracts = plan.requirements, model.contracts
    awarded = rows_where(result.winning != NONE)
    rows = contracts.extend(len(awarded))
    new = slice(len(contracts) - len(rows), len(contracts))
    _write_parties(model, new, requirements, awarded, result.bids.supplier[result.winning[awarded]])
    _write_money(model, new, requirements, result, awarded)
    _write_risks(model, new, requirements, result, awarded)
    _foresee_disputes(model, new)
    contract = np.full(len(requirements) + 1, NONE, dtype=np.int64)  # the last is for no tender
    contract[awarded] = rows
    _hand_over(model, requirements, contract)
    for row in rows[contracts.partnership[new] != NONE].tolist():
        _start_group(model, row)
    model.book_set_up(contract[plan.tender], plan.projects, plan.funding)
    invested = to_pence(contracts.invested(rows))
    account = model.ledger.supplier(contracts.supplier[new])
    model.ledger.post(account, Account.RESOURCES, Purpose.INVESTMENT, invested)
    model.tally["supplier_investment"] += float(invested.sum()) / PENCE
    return rows


def _write_parties(
    model: "MarketModel", new: slice, requirements: Requirements, awarded: IntArray,
    supplier: IntArray,
) -> None:  # fmt: skip
    contracts, end = model.contracts, model.quarter + requirements.quarters[awarded]
    contracts.key[new] = requirements.key[awarded]
    contracts.lead[new] = requirements.lead[awarded]
    contracts.segment[new] = requirements.segment[awarded]
    contracts.supplier[new] = supplier
    contracts.councils[new] = requirements.councils[awarded]
    contracts.partnership[new] = requirements.partnership[awarded]
    contracts.start[new] = model.quarter
    contracts.end[new] = contracts.signed_end[new] = end
    contracts.quality[new] = model.suppliers.quality[supplier]
    kept = requirements.incumbent[awarded] == supplier
    contracts.moved[new] = 1.0 - requirements.held[awarded] * kept
    contracts.local[new] = requirements.local[awarded]


def _write_money(
    model: "MarketModel", new: slice, requirements: Requirements, result: Result,
    awarded: IntArray,
) -> None:  # fmt: skip
    contracts, assumptions, bids = model.contracts, model.assumptions, result.bids
    winner, value = result.winning[awarded], requirements.value[awarded]
    price, large = bids.price[winner], model.suppliers.large[contracts.supplier[new]]
    overhead = np.where(large, assumptions.overhead_large, assumptions.overhead_sme)
    contracts.value[new], contracts.price[new] = value, price
    contracts.price_ratio[new] = ratio = price / value
    contracts.overhead[new] = overhead
    contracts.was_ratio[new] = requirements.was[awarded]
    contracts.was_cost_ratio[new] = requirements.was_cost[awarded]
    contracts.scale[new] = result.terms.pooling[awarded]
    contracts.cost_ratio[new] = (bids.cost[winner] - overhead) / value
    contracts.estimate_ratio[new] = bids.estimate[winner] / value
    contracts.margin_ratio[new] = bids.margin[winner] / value
    contracts.risk_ratio[new] = bids.risk[winner] / value
    contracts.finance_ratio[new] = bids.finance[winner] / value
    contracts.funded[new] = requirements.funded[awarded]
    unknown = unowned(requirements.maturity[awarded])
    claimed = np.maximum(1.0 - ratio, 0.0) * (1.0 + assumptions.claim_optimism * unknown)
    contracts.claimed_ratio[new] = claimed
    contracts.leak[new] = unknown * (1.0 + _remote(model, requirements)[awarded])
    by_use = (assumptions.cost_sharing == "use") & (requirements.councils[awarded] > 1)
    contracts.client_side[new] = 1.0 + assumptions.metering * by_use
    contracts.investment[new] = result.terms.investment[awarded]
    contracts.platform[new] = result.terms.platform[awarded]


def _remote(model: "MarketModel", requirements: Requirements) -> FloatArray:
    """Return how remote each service is to those it serves, by size; 0 for a council alone."""
    if not (requirements.councils > 1).any():
        return np.zeros(len(requirements))
    services, members = model.services, requirements.service
    leader = services.council[requirements.lead[requirements.tender]]
    far = remoteness(model, services.council[members], leader, services.segment[members])
    total = sum_by(requirements.tender, services.baseline[members] * far, len(requirements))
    return total * model.index / requirements.value


def _write_risks(
    model: "MarketModel", new: slice, requirements: Requirements, result: Result,
    awarded: IntArray,
) -> None:  # fmt: skip
    """Fix what fate holds for each contract: drawn by key, felt when it comes."""
    contracts, terms = model.contracts, result.terms
    contracts.share[new] = requirements.share[awarded]
    contracts.project_cost[new] = terms.project_cost[awarded]
    contracts.own_loss[new] = terms.own_loss[awarded]
    contracts.expected_loss[new] = terms.risk.supplier_loss[awarded]
    contracts.load[new] = terms.work[awarded]
    length = requirements.quarters[awarded]
    transition = np.maximum(np.rint(4.0 * requirements.complexity[awarded]), 1).astype(np.int64)
    contracts.load_end[new] = model.quarter + np.minimum(transition, length)
    everything = np.ones((len(awarded), len(RISKS)), dtype=bool)
    luck = _luck(model, "{} event", requirements, awarded, everything)
    strikes = ndtr(luck) < terms.chance[awarded]
    size = _luck(model, "size of {} event", requirements, awarded, strikes)
    cell = rows_where(strikes.ravel())
    contract, risk = np.divmod(cell, len(RISKS))
    key = requirements.key[awarded[contract]], risk
    when = model.draws.uniform("time of event", *key) * EXPOSED_PART * length[contract]
    spread = model.assumptions.loss_spread * size.ravel()[cell]
    quarter, loss = contracts.event_quarter[new].ravel(), contracts.event_loss[new].ravel()
    quarter[cell] = model.quarter + when.astype(np.int64)
    loss[cell] = model.assumptions.loss_median * np.exp(spread)


def _luck(
    model: "MarketModel", purpose: str, requirements: Requirements, awarded: IntArray,
    wanted: BoolArray,
) -> FloatArray:  # fmt: skip
    """Return `draw_normal` for each risk's ``purpose`` and each tender ``awarded``."""
    roots = np.array([model.draws.root(purpose.format(risk)) for risk in RISKS])
    place = np.full(len(requirements), NONE, dtype=np.int64)
    place[awarded] = np.arange(len(awarded))
    services = model.services
    return _drawn(
        roots, wanted, place, requirements.tender, requirements.service, requirements.weight,
        services.key, services.ordinal,
    )  # fmt: skip


@compiled
def _drawn(
    roots: KeyArray, wanted: BoolArray, place: IntArray, tender: IntArray, service: IntArray,
    weight: FloatArray, key: KeyArray, ordinal: IntArray,
) -> FloatArray:  # fmt: skip
    """Return the normal draws that are ``wanted`` (tenders at their ``place`` x roots), else 0."""
    drawn = np.zeros(wanted.shape)
    for entry in range(len(tender)):
        row, own = place[tender[entry]], service[entry]
        if row != NONE:
            for one in range(len(roots)):
                if wanted[row, one]:
                    need = extended(extended(roots[one], key[own]), np.uint64(ordinal[own]))
                    drawn[row, one] += weight[entry] * normal_at(need)
    return drawn


def _foresee_disputes(model: "MarketModel", new: slice) -> None:
    """Fix when suppliers that find their cost well above their estimate will dispute the price."""
    contracts = model.contracts
    overhead = contracts.overhead[new] / contracts.value[new]
    true = contracts.cost_ratio[new] + overhead
    contracts.shortfall[new] = true - contracts.estimate_ratio[new]
    rows = new.start + rows_where(contracts.shortfall[new] > model.assumptions.dispute_above)
    when = model.draws.uniform("time of dispute", contracts.key[rows]) * DISPUTE_WITHIN
    contracts.dispute_quarter[rows] = model.quarter + 1 + when.astype(int)


def _hand_over(model: "MarketModel", requirements: Requirements, contract: IntArray) -> None:
    """Point services at the new ``contract`` of their tender; what they leave behind is closed."""
    services, theirs = model.services, contract[requirements.tender]
    signed = rows_where(theirs != NONE)
    moved = requirements.service[signed]
    held = services.contract[moved]
    outside = held != NONE
    ending = model.contracts.end[held] <= model.quarter
    release(model, moved[ending & outside], Ended.COMPLETED)
    release(model, moved[~ending & outside], Ended.REALIGNED)
    services.contract[moved] = theirs[signed]
    services.partnership[moved] = NONE
    services.retry[moved] = NONE


def _start_group(model: "MarketModel", contract: int) -> None:
    group, partnerships = int(model.contracts.partnership[contract]), model.partnerships
    partnerships.stage[group] = Stage.PERFORMING
    partnerships.contract[group], partnerships.tries[group] = contract, 0
    if partnerships.performed[group] == 0:
        partnerships.performed[group] = model.quarter
        model.tally["partnerships_started"] += 1
        model.tally["quarters_to_agree"] += model.quarter - int(partnerships.formed[group])
    partnerships.value[group] = model.contracts.value[contract]
    partnerships.members[group] = model.contracts.councils[contract]
    model.tally["partnerships_agreed"] += 1
    model.tally["partnership_members"] += int(model.contracts.councils[contract])
    members = rows_where(model.services.contract == contract)
    take_heart(model, members)


def _put_off(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    failed = result.winning == NONE
    groups = requirements.partnership[failed]
    try_again(model, groups[groups != NONE])
    postpone(model, requirements.service[failed[requirements.tender]])


# --- events --------------------------------------------------------------------------------------


def _end_transitions(model: "MarketModel") -> None:
    """Free the teams of contracts whose transition is over, and count every firm's load afresh."""
    contracts, size = model.contracts, len(model.suppliers)
    model.suppliers.load[:] = _carried(
        contracts.in_force(), contracts.supplier, contracts.load, contracts.load_end,
        model.quarter, size,
    )  # fmt: skip


@compiled
def _carried(
    live: IntArray, supplier: IntArray, load: FloatArray, load_end: IntArray, quarter: int,
    suppliers: int,
) -> FloatArray:  # fmt: skip
    """Return each supplier's load from the contracts ``live``; their own ends with transition."""
    carried = np.zeros(suppliers)
    for row in live:
        if load_end[row] <= quarter:
            load[row] = 0.0
        carried[supplier[row]] += load[row]
    return carried


class Strikes(NamedTuple):
    """Contracts that risk events strike; what it costs in £m, one entry a contract.

    Attributes:
        row: contract.
        kept: what its members bear.
        paid: what its supplier makes good.
        cost: both at what they amount to.
        leaves: the supplier's part is more than it commits; it lets go.
        rescued: the supplier made good.
    """

    row: IntArray
    kept: FloatArray
    paid: FloatArray
    cost: FloatArray
    leaves: BoolArray
    rescued: BoolArray


class AtRisk(NamedTuple):
    """Columns of contracts that tell what events cost them."""

    event_quarter: IntArray
    event_loss: FloatArray
    project_cost: FloatArray
    share: FloatArray
    own_loss: FloatArray
    supplier: IntArray
    end: IntArray
    value: FloatArray
    price_ratio: FloatArray
    cost_ratio: FloatArray


def _strike(model: "MarketModel") -> None:
    """Let this quarter's risk events strike the contracts in force.

    Losses are shared as agreed; where the supplier's part is beyond what it commits, it lets go.
    """
    contracts, assumptions = model.contracts, model.assumptions
    strikes = _struck(
        contracts.in_force(), model.quarter,
        AtRisk(*(getattr(contracts, name) for name in AtRisk._fields)),
        model.ledger.supplier_balance(), assumptions.stake * model.suppliers.turnover,
        assumptions.rescue_limit,
    )  # fmt: skip
    if len(strikes.row):
        _bear(model, strikes)


_commits = on_numbers(firm.commits)


@compiled
def _struck(
    live: IntArray, quarter: int, contracts: AtRisk, capital: IntArray, name: FloatArray,
    rescue_limit: float,
) -> Strikes:  # fmt: skip
    """Return what strikes the contracts ``live`` in ``quarter``.

    ``capital`` is by supplier in pence, and what its ``name`` is worth to it in £m.
    """
    rows, count = np.empty(len(live), dtype=np.int64), 0
    kept, paid, cost = np.empty((3, len(live)))
    leaves, rescued = np.empty((2, len(live)), dtype=np.bool_)
    for row in live:
        struck, loss, borne = False, 0.0, 0.0
        for risk in range(contracts.event_quarter.shape[1]):
            if contracts.event_quarter[row, risk] == quarter:
                one = contracts.event_loss[row, risk] * contracts.project_cost[row]
                struck, loss, borne = True, loss + one, borne + one * contracts.share[row, risk]
        if struck:
            supplier, years = contracts.supplier[row], max(contracts.end[row] - quarter, 0) / 4.0
            margin = contracts.price_ratio[row] - contracts.cost_ratio[row]
            limit = _commits(
                max(capital[supplier] / PENCE, 0.0), margin * contracts.value[row] * years,
                name[supplier], rescue_limit,
            )  # fmt: skip
            rows[count], kept[count] = row, (loss - borne) * contracts.own_loss[row]
            paid[count] = min(borne, limit)
            cost[count] = loss - borne + paid[count]
            leaves[count], rescued[count] = borne > limit, 0.0 < borne <= limit
            count += 1
    return Strikes(
        rows[:count], kept[:count], paid[:count], cost[:count], leaves[:count], rescued[:count]
    )


def _bear(model: "MarketModel", strikes: Strikes) -> None:
    """Charge what struck, and let go where suppliers do not make good."""
    contracts, rows = model.contracts, strikes.row
    contracts.troubled_until[rows] = model.quarter + TROUBLED_QUARTERS
    contracts.overrun[rows] += strikes.cost
    contracts.rescues[rows] += strikes.rescued
    supplier = model.ledger.supplier(contracts.supplier[rows])
    model.ledger.post(supplier, Account.RESOURCES, Purpose.RISK_LOSS, to_pence(strikes.paid))
    model.charge_members(rows, strikes.kept, Purpose.RISK_LOSS)
    model.tally["overrun_cost"] += float(strikes.cost.sum())
    model.tally["events"] += len(rows)
    model.tally["rescues"] += int(strikes.rescued.sum())
    collapse(model, rows[strikes.leaves], Ended.COLLAPSED)


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
    cost = model.assumptions.disruption * model.annual_baseline()[rows]
    _lose_name(model, contracts.supplier[rows])
    model.charge_members(rows, cost, Purpose.DISRUPTION)
    members = delivered_by(model.services.contract, rows, len(contracts))
    joint = rows[of_performing_group(model, rows)]
    for contract in joint.tolist():
        ours = rows_where(model.services.contract == contract)
        lose_heart(model, ours)
        tell(model, ours, good=False)
    dissolve(model, contracts.partnership[joint], "collapsed")
    release(model, members, how)
    model.services.retry[members] = model.quarter + TROUBLED_QUARTERS
    model.tally["collapses"] += len(rows) if how is Ended.COLLAPSED else 0
    model.tally["early_terminations"] += len(rows)


def _lose_name(model: "MarketModel", suppliers: IntArray) -> None:
    """Lower the reputation of suppliers whose contracts end in failure."""
    lost = NAME_LOST * np.bincount(suppliers, minlength=len(model.suppliers))
    model.suppliers.reputation[:] = np.maximum(model.suppliers.reputation - lost, 0.0)


@inlined
def quality_now(quality: float, load_end: int, troubled_until: int, quarter: int) -> float:
    """Return the quality of service under a contract in ``quarter``; in-house delivery is 1."""
    dip = TRANSITION_QUALITY * (load_end > quarter)
    return quality - dip - TROUBLED_QUALITY * (troubled_until > quarter)
