"""Phase 8, the market: suppliers learn, build teams, fail, leave and come."""

from typing import TYPE_CHECKING

import numpy as np

from agents import supplier as firm
from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from simulation.contracts import Ended, sum_by
from simulation.delivery import collapse
from simulation.ledger import Account, Purpose
from simulation.levers import QUARTERS_PER_YEAR
from simulation.randomness import combine, name_key
from simulation.requirements import Requirements
from simulation.segments import SEGMENTS, segment_table
from simulation.tendering import Bids, Result

if TYPE_CHECKING:
    from simulation.model import MarketModel

LEAST_MARGIN, MOST_MARGIN = 0.5, 2.0
AIMED_WINS = 1 / 3
"""Wins for a bid that suppliers aim at (D1 §6.2)."""

MARGIN_STEP = 0.05
PIPELINE_QUARTERS = 3.0
WALLET_QUARTERS = 8.0


def adapt(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Let suppliers draw their conclusions from the quarter."""
    _learn_rivals(model, requirements, result)
    _learn_margins(model, requirements, result)
    _learn_prices(model, requirements, result)
    _fill_wallets(model, result.submitted)
    _build_teams(model, requirements, result)
    _count_wins(model, result)
    _fail(model)
    _leave(model)
    _enter(model, requirements)
    take_stock(model)


def take_stock(model: "MarketModel") -> None:
    """Count afresh what suppliers hold: contracts, turnover, hub volume, exposure, capital."""
    suppliers, size = model.suppliers, len(model.suppliers)
    live = model.contracts.in_force()
    supplier, worth, ahead = _in_force(model, live)
    suppliers.contracts[:] = np.bincount(supplier, minlength=size)
    suppliers.turnover[:] = sum_by(supplier, worth, size)
    expected = model.contracts.expected_loss[live] * ahead
    suppliers.exposure[:] = sum_by(supplier, expected, size)
    place = supplier * len(SEGMENTS) + model.contracts.segment[live]
    model.hub_volume = sum_by(place, worth, size * len(SEGMENTS)).reshape(size, len(SEGMENTS))
    weight = model.assumptions.exposure_weight
    model.free_capital = firm.free_capital(model.capital(), suppliers.exposure, weight)


def _in_force(model: "MarketModel", live: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return supplier, price (£m a year) and part still ahead of the contracts ``live``."""
    contracts = model.contracts
    worth = (contracts.price_ratio * model.annual_baseline())[live]
    length = np.maximum(contracts.signed_end - contracts.start, 1)[live]
    ahead = np.clip((contracts.signed_end[live] - model.quarter) / length, 0.0, 1.0)
    return contracts.supplier[live], worth, ahead


# --- learning ------------------------------------------------------------------------------------


def _mean_by(place: IntArray, seen: FloatArray, size: int) -> tuple[FloatArray, BoolArray]:
    """Return the mean of ``seen`` at each place, and where there was any."""
    number = np.bincount(place, minlength=size)
    total = np.bincount(place, weights=seen, minlength=size)
    return total / np.maximum(number, 1), number > 0


def _learn_rivals(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Move each bidder's belief on how many bid in a segment towards what it met."""
    suppliers, bids = model.suppliers, result.submitted
    number = bids.count(len(requirements))[bids.tender].astype(float)
    place = bids.supplier * len(SEGMENTS) + requirements.segment[bids.tender]
    mean, any_seen = _mean_by(place, number, suppliers.rivals.size)
    belief = suppliers.rivals.reshape(-1)
    moved = firm.learn(belief, mean, model.assumptions.learning)
    suppliers.rivals[:] = np.where(any_seen, moved, belief).reshape(suppliers.rivals.shape)


def _learn_margins(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Raise margins where a firm wins more than it aims at, lower them where it wins less."""
    suppliers, bids = model.suppliers, result.bids
    won = np.zeros(len(bids.tender))
    won[result.winning[result.winning != NONE]] = 1.0
    place = bids.supplier * len(SEGMENTS) + requirements.segment[bids.tender]
    rate, any_seen = _mean_by(place, won, suppliers.margin.size)
    step = np.where(any_seen, MARGIN_STEP * (rate - AIMED_WINS), 0.0)
    margin = suppliers.margin * (1.0 + step.reshape(suppliers.margin.shape))
    suppliers.margin[:] = np.clip(margin, LEAST_MARGIN, MOST_MARGIN)


def _learn_prices(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Move the market's beliefs on prices and awards towards what was bid, paid and awarded."""
    bids, won = result.bids, result.winning[result.winning != NONE]
    expected = (requirements.value * result.terms.scale)[bids.tender]
    segment = requirements.segment[bids.tender]
    ratio = bids.price / expected
    model.reference_price = _moved(model, model.reference_price, segment, ratio)
    model.award_price = _moved(model, model.award_price, segment[won], ratio[won])
    contested = np.unique(bids.tender)
    if len(contested):
        awarded = len(won) / len(contested)
        model.award_rate += model.assumptions.learning * (awarded - model.award_rate)


def _moved(
    model: "MarketModel", belief: FloatArray, segment: IntArray, ratio: FloatArray
) -> FloatArray:
    mean, any_seen = _mean_by(segment, ratio, len(SEGMENTS))
    return np.where(any_seen, firm.learn(belief, mean, model.assumptions.learning), belief)


def _fill_wallets(model: "MarketModel", submitted: Bids) -> None:
    """Pay for bids from pre-sales money and fill it up; it holds two years' worth."""
    suppliers, assumptions = model.suppliers, model.assumptions
    spent = sum_by(submitted.supplier, submitted.cost_of_bid, len(suppliers))
    turnover = suppliers.turnover + 0.15 * suppliers.outside_turnover
    income = assumptions.pre_sales_fixed + assumptions.pre_sales_share * turnover / 4
    left = np.maximum(suppliers.pre_sales - spent, 0.0)
    suppliers.pre_sales[:] = np.minimum(left + income, WALLET_QUARTERS * income)


def _build_teams(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Build teams for the pipeline that each firm sees: its fair part of what it qualified for."""
    suppliers, assumptions = model.suppliers, model.assumptions
    tender, supplier = result.prospects.tender, result.prospects.supplier
    fair = result.terms.work[tender] / np.maximum(result.qualified[tender], 1)
    pipeline = PIPELINE_QUARTERS * sum_by(supplier, fair, len(suppliers))
    suppliers.capacity[:] = firm.grow(
        suppliers.capacity, suppliers.load, pipeline,
        assumptions.capacity_growth, assumptions.capacity_shrinkage,
    )  # fmt: skip


def _count_wins(model: "MarketModel", result: Result) -> None:
    suppliers = model.suppliers
    suppliers.since_win += 1
    suppliers.since_win[result.bids.supplier[result.winning[result.winning != NONE]]] = 0


# --- failure, exit, entry ------------------------------------------------------------------------


def _fail(model: "MarketModel") -> None:
    """End firms without capital: their contracts collapse and creditors bear the rest."""
    suppliers, contracts = model.suppliers, model.contracts
    capital = model.ledger.supplier_balance()
    broke = rows_where(suppliers.active & (capital < 0))
    if len(broke):
        theirs = contracts.live & np.isin(contracts.supplier, broke)
        collapse(model, rows_where(theirs), Ended.SUPPLIER_FAILED)
        account = model.ledger.supplier(broke)
        model.ledger.post(Account.CREDITORS, account, Purpose.DEFAULT, -capital[broke])
        suppliers.failed[broke] = True
        _retire(model, broke)
    model.tally["supplier_failures"] += len(broke)


def _leave(model: "MarketModel") -> None:
    """Let firms go that have no contract and have not won for long; their owners take the rest."""
    suppliers, assumptions = model.suppliers, model.assumptions
    patience = np.where(suppliers.large, assumptions.large_patience, assumptions.sme_patience)
    gone = firm.leaves(suppliers.since_win, _contracts_held(model), patience) & suppliers.active
    rows = rows_where(gone & firm.works_here(suppliers.capability))
    account = model.ledger.supplier(rows)
    capital = model.ledger.supplier_balance()[rows]
    model.ledger.post(account, Account.OWNERS, Purpose.CAPITAL, capital)
    _retire(model, rows)
    model.tally["leavers"] += len(rows)


def _contracts_held(model: "MarketModel") -> IntArray:
    held = np.where(model.contracts.live, model.contracts.supplier, NONE)
    return sum_by(held, np.ones(len(held)), len(model.suppliers)).astype(np.int64)


def _retire(model: "MarketModel", rows: IntArray) -> None:
    model.suppliers.active[rows] = False
    model.suppliers.left[rows] = model.quarter
    model.suppliers.capacity[rows] = model.suppliers.load[rows]


def _enter(model: "MarketModel", requirements: Requirements) -> None:
    """Let firms in once a year, as opportunity per firm already there invites them."""
    if model.quarter % QUARTERS_PER_YEAR:
        return
    assumptions, (large, smes) = model.assumptions, model.founders
    came = [
        _at_the_door(model, requirements, True, large, assumptions.large_entry),
        _at_the_door(model, requirements, False, smes, assumptions.sme_entry),
    ]
    key = np.concatenate(came)
    if len(key):
        model.add_suppliers(key, np.arange(len(key)) < len(came[0]), model.quarter)
    model.tally["entrants"] += len(key)


def _at_the_door(
    model: "MarketModel", requirements: Requirements, large: bool, waiting: int, hazard: float
) -> KeyArray:
    """Return the keys of the firms that come in: an entrant is its quarter and ordinal."""
    chance = firm.entry_chance(opportunity(model, requirements, large), hazard)
    door = name_key("large entrant" if large else "sme entrant")
    key = combine(door, model.quarter, np.arange(QUARTERS_PER_YEAR * waiting))
    return key[model.draws.happens("entry", chance, key)]


def opportunity(model: "MarketModel", requirements: Requirements, large: bool) -> float:
    """Return the tenders a quarter within reach of such firms, for each of them, over the normal.

    Within reach are tenders in segments where such firms work and for which a median one qualifies.
    """
    table, assumptions, suppliers = segment_table(), model.assumptions, model.suppliers
    share = table.large_capable if large else table.sme_capable
    turnover = assumptions.outside_large if large else assumptions.outside_sme
    within = requirements.value * model.levers.qualification_multiple <= turnover
    tenders = float((share[requirements.segment] * within).sum())
    here = suppliers.active & firm.works_here(suppliers.capability)
    there = int((here & (suppliers.large == large)).sum())
    normal = assumptions.large_normal if large else assumptions.sme_normal
    return tenders / max(there, 1) / normal
