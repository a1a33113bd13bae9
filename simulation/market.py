"""Phase 8, the market: suppliers learn, build teams, fail, leave and come."""

from typing import TYPE_CHECKING

import numpy as np

from agents import supplier as firm
from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from simulation.contracts import Ended, sum_by
from simulation.delivery import collapse
from simulation.ledger import PENCE, Account, Purpose
from simulation.levers import QUARTERS_PER_YEAR
from simulation.randomness import combine, name_key
from simulation.requirements import Requirements
from simulation.segments import SEGMENTS, segment_table
from simulation.tendering import Bids, Result, cost_of_bids

if TYPE_CHECKING:
    from simulation.model import MarketModel

LEAST_MARGIN, MOST_MARGIN = 0.5, 2.0
AIMED_WINS = 1 / 3
"""Wins for a bid that suppliers aim at (D1 §6.2)."""

MARGIN_STEP = 0.05
REBUILDING = 0.02
"""Rise of margins, on each occasion, of a firm whose capital is wholly used up."""

PIPELINE_QUARTERS = 3.0
WALLET_QUARTERS = 8.0
NAME_MENDED, BEST_NAME = 0.05, 0.75
"""Part of the way to the best record that a firm which delivers regains in a quarter."""

LEAST_PATIENCE = 12.0
"""Quarters that count as a contract's length where it is shorter."""

PRICES_KEPT = 0.85
"""Part of the prices known to buyers that is still recent a quarter later."""


def adapt(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Let suppliers draw their conclusions from the quarter."""
    _learn_rivals(model, requirements, result)
    _learn_margins(model, requirements, result)
    _learn_prices(model, requirements, result)
    _fill_wallets(model, result.submitted)
    _build_teams(model, requirements, result)
    _count_wins(model, requirements, result)
    _keep_records(model)
    _fail(model)
    _leave(model)
    _enter(model, requirements, result)
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
    came = bids.count(len(requirements))
    contested = rows_where(came > 0)
    met = requirements.segment[contested], came[contested].astype(float)
    model.rivals_seen = _moved(model, model.rivals_seen, *met)


def _learn_margins(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Raise margins where a firm wins more than it aims at, lower them where it wins less.

    A firm whose capital is worn down must earn it back: it raises them everywhere.
    """
    suppliers, bids = model.suppliers, result.bids
    won = np.zeros(len(bids.tender))
    won[result.winning[result.winning != NONE]] = 1.0
    place = bids.supplier * len(SEGMENTS) + requirements.segment[bids.tender]
    rate, any_seen = _mean_by(place, won, suppliers.margin.size)
    shape = suppliers.margin.shape
    wanted = MARGIN_STEP * (rate.reshape(shape) - AIMED_WINS) + REBUILDING * _worn(model)[:, None]
    margin = suppliers.margin * (1.0 + np.where(any_seen.reshape(shape), wanted, 0.0))
    suppliers.margin[:] = np.clip(margin, LEAST_MARGIN, MOST_MARGIN)


def _worn(model: "MarketModel") -> FloatArray:
    """Return how far each firm's capital is below what it holds on to, 0-1."""
    target = np.maximum(model.suppliers.capital_target / PENCE, 1e-9)
    return np.clip(1.0 - model.capital() / target, 0.0, 1.0)


def _learn_prices(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Move the market's beliefs on prices and awards towards what was bid, paid and awarded."""
    bids, won = result.bids, result.winning[result.winning != NONE]
    expected = (requirements.value * result.terms.scale)[bids.tender]
    segment = requirements.segment[bids.tender]
    ratio = bids.price / expected
    model.reference_price = _moved(model, model.reference_price, segment, ratio)
    model.award_price = _moved(model, model.award_price, segment[won], ratio[won])
    awards = np.bincount(segment[won], minlength=len(SEGMENTS))
    model.price_sample = PRICES_KEPT * model.price_sample + awards
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


def _count_wins(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    suppliers, won = model.suppliers, result.winning[result.winning != NONE]
    suppliers.since_win += 1
    suppliers.since_win[
        result.bids.supplier[won], requirements.segment[result.bids.tender[won]]
    ] = 0


def _keep_records(model: "MarketModel") -> None:
    """Let reputations recover slowly where a firm delivers."""
    suppliers = model.suppliers
    delivers = suppliers.contracts > 0
    mended = NAME_MENDED * (BEST_NAME - suppliers.reputation)
    suppliers.reputation[:] += np.where(delivers, mended, 0.0)


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
    """Let firms give up segments in which they do not win, and leave when none is left.

    Their owners take what capital there is.
    """
    suppliers, assumptions = model.suppliers, model.assumptions
    lengths = np.where(suppliers.large, assumptions.large_patience, assumptions.sme_patience)
    patience = lengths[:, None] * np.maximum(4.0 * segment_table().years, LEAST_PATIENCE)
    here = suppliers.active & firm.works_here(suppliers.capability)
    gone = firm.gives_up(suppliers.since_win, _contracts_held(model), patience)
    suppliers.capability[gone & here[:, None]] = 0.0
    rows = rows_where(here & ~firm.works_here(suppliers.capability))
    account = model.ledger.supplier(rows)
    capital = model.ledger.supplier_balance()[rows]
    model.ledger.post(account, Account.OWNERS, Purpose.CAPITAL, capital)
    _retire(model, rows)
    model.tally["leavers"] += len(rows)


def _contracts_held(model: "MarketModel") -> IntArray:
    """Return the contracts in force by supplier and segment."""
    live, shape = model.contracts.in_force(), model.suppliers.since_win.shape
    place = model.contracts.supplier[live] * len(SEGMENTS) + model.contracts.segment[live]
    return np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)


def _retire(model: "MarketModel", rows: IntArray) -> None:
    model.suppliers.active[rows] = False
    model.suppliers.left[rows] = model.quarter
    model.suppliers.capacity[rows] = model.suppliers.load[rows]


def _enter(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Let firms in once a year, as what the year promised each firm there invites them."""
    model.promise["large"] += opportunity(model, requirements, result, True) / QUARTERS_PER_YEAR
    model.promise["sme"] += opportunity(model, requirements, result, False) / QUARTERS_PER_YEAR
    if model.quarter % QUARTERS_PER_YEAR:
        return
    assumptions, (large, smes) = model.assumptions, model.founders
    came = [
        _at_the_door(model, "large", large, assumptions.large_entry),
        _at_the_door(model, "sme", smes, assumptions.sme_entry),
    ]
    key = np.concatenate(came)
    model.tally["large_entrants"] += len(came[0])
    if len(key):
        model.add_suppliers(key, np.arange(len(key)) < len(came[0]), model.quarter)
    model.tally["entrants"] += len(key)


def _at_the_door(model: "MarketModel", kind: str, waiting: int, hazard: float) -> KeyArray:
    """Return the keys of the firms that come in: an entrant is its quarter and ordinal."""
    chance = firm.entry_chance(model.promise.pop(kind), hazard)
    door = name_key(f"{kind} entrant")
    key = combine(door, model.quarter, np.arange(QUARTERS_PER_YEAR * waiting))
    return key[model.draws.happens("entry", chance, key)]


def opportunity(
    model: "MarketModel", requirements: Requirements, result: Result, large: bool
) -> float:
    """Return what a quarter's tenders within reach promise each such firm, over the normal.

    Free entry: firms come where what there is to earn, after the cost of bidding, is shared by few.
    """
    table, assumptions, suppliers = segment_table(), model.assumptions, model.suppliers
    share = table.large_capable if large else table.sme_capable
    promised = share[requirements.segment] * _prospects(model, requirements, large)
    promised *= _within_reach(model, requirements, result, large)
    here = suppliers.active & firm.works_here(suppliers.capability)
    there = int((here & (suppliers.large == large)).sum())
    normal = assumptions.large_normal if large else assumptions.sme_normal
    return float(promised.sum()) / (max(there, 1) * normal * model.index)


def _prospects(model: "MarketModel", requirements: Requirements, large: bool) -> FloatArray:
    """Return what a typical firm expects to earn on each tender, £m."""
    cost = cost_of_bids(model, requirements) * (1.0 if large else 0.5)
    rivals = model.rivals_seen[requirements.segment]
    return firm.prospect(requirements.contract_value, rivals, model.assumptions.markup_width, cost)


def _within_reach(
    model: "MarketModel", requirements: Requirements, result: Result, large: bool
) -> BoolArray:
    """Return for which tenders a typical firm qualifies and has teams."""
    assumptions = model.assumptions
    turnover = assumptions.outside_large if large else assumptions.outside_sme
    teams = assumptions.capacity_large if large else assumptions.capacity_sme
    asked = requirements.value * model.levers.qualification_multiple
    within: BoolArray = (asked <= turnover * model.index) & (result.terms.work <= 2.0 * teams)
    return within
