"""Phase 8, the market: suppliers learn, build teams, fail, leave and come."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents import supplier as firm
from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, marked, rows_where
from agents.compiled import compiled, on_numbers
from simulation.contracts import Ended, sum_by, worth_by_contract
from simulation.delivery import collapse
from simulation.ledger import PENCE, Account, Purpose
from simulation.levers import QUARTERS_PER_YEAR
from simulation.randomness import combine, name_key
from simulation.requirements import Requirements
from simulation.segments import SEGMENTS, segment_table
from simulation.tendering import Bids, Result, cost_of_bids

if TYPE_CHECKING:
    from simulation.model import MarketModel

MARKETS = len(SEGMENTS)
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
    _build_teams(model, result)
    _count_wins(model, requirements, result)
    _keep_records(model)
    _fail(model)
    _leave(model)
    _enter(model, requirements, result)
    take_stock(model)


def take_stock(model: "MarketModel") -> None:
    """Count afresh what suppliers hold: contracts, turnover, hub volume, exposure, capital."""
    suppliers, contracts, services = model.suppliers, model.contracts, model.services
    taken = _taken_stock(
        contracts.in_force(),
        Held(contracts.supplier, contracts.segment, contracts.start, contracts.signed_end,
             contracts.price_ratio, contracts.expected_loss, contracts.local),
        services.contract, services.baseline, model.index, model.quarter, len(suppliers),
    )  # fmt: skip
    suppliers.contracts[:], suppliers.turnover[:], suppliers.exposure[:] = taken[:3]
    model.volume, model.hub_volume = taken.volume, taken.hub_volume
    weight = model.assumptions.exposure_weight
    model.free_capital = firm.free_capital(model.capital(), suppliers.exposure, weight)


class Held(NamedTuple):
    """Columns of contracts that tell what suppliers hold."""

    supplier: IntArray
    segment: IntArray
    start: IntArray
    signed_end: IntArray
    price_ratio: FloatArray
    expected_loss: FloatArray
    local: BoolArray


class Stock(NamedTuple):
    """What suppliers hold: contracts, turnover, exposure, and volume by segment, £m (a year).

    Work that must be done in the area adds nothing to a hub (D0 ¶24).
    """

    contracts: IntArray
    turnover: FloatArray
    exposure: FloatArray
    volume: FloatArray
    hub_volume: FloatArray


@compiled
def _taken_stock(
    live: IntArray, contracts: Held, contract: IntArray, baseline: FloatArray, index: float,
    quarter: int, suppliers: int,
) -> Stock:  # fmt: skip
    """Count what suppliers hold; ``contract`` and ``baseline`` are columns of services."""
    number, exposure = np.zeros(suppliers, dtype=np.int64), np.zeros(suppliers)
    turnover, volume = np.zeros(suppliers), np.zeros((suppliers, MARKETS))
    hub_volume = np.zeros((suppliers, MARKETS))
    worth = worth_by_contract(contract, baseline, index, len(contracts.supplier))
    for row in live:
        supplier, end = contracts.supplier[row], contracts.signed_end[row]
        paid = contracts.price_ratio[row] * worth[row]
        ahead = (end - quarter) / max(end - contracts.start[row], 1)
        number[supplier] += 1
        turnover[supplier] += paid
        volume[supplier, contracts.segment[row]] += paid
        hub_volume[supplier, contracts.segment[row]] += paid * (not contracts.local[row])
        exposure[supplier] += contracts.expected_loss[row] * min(max(ahead, 0.0), 1.0)
    return Stock(number, turnover, exposure, volume, hub_volume)


# --- learning ------------------------------------------------------------------------------------

_learn = on_numbers(firm.learn)


def _learn_rivals(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Move each bidder's belief on how many bid in a segment towards what it met."""
    came = result.submitted.count(len(requirements))
    _meet(
        result.submitted.tender, result.submitted.supplier, came, requirements.segment,
        model.suppliers.rivals, model.rivals_seen, model.assumptions.learning,
    )  # fmt: skip


@compiled
def _meet(
    tender: IntArray, supplier: IntArray, came: IntArray, segment: IntArray, belief: FloatArray,
    common: FloatArray, rate: float,
) -> None:  # fmt: skip
    """Move ``belief`` (suppliers x segments) towards the mean number of bids that bidders met.

    The ``common`` belief, by segment, moves towards the mean of tenders with bids. The first two
    arguments are by bid, the next two by tender.
    """
    bids, met = np.zeros(belief.shape), np.zeros(belief.shape)
    for bid in range(len(tender)):
        cell = supplier[bid], segment[tender[bid]]
        bids[cell] += 1.0
        met[cell] += came[tender[bid]]
    for row in range(belief.shape[0]):
        _believe(belief[row], Seen(bids[row], met[row]), rate)
    seen = Seen(np.zeros(MARKETS), np.zeros(MARKETS))
    for one in range(len(came)):
        seen.number[segment[one]] += came[one] > 0
        seen.total[segment[one]] += came[one]
    _believe(common, seen, rate)


class Seen(NamedTuple):
    """How often something was seen in each segment, and the sum of what was seen."""

    number: FloatArray
    total: FloatArray


@compiled
def _believe(belief: FloatArray, seen: Seen, rate: float) -> None:
    """Move ``belief``, by segment, towards the mean of what was ``seen``."""
    for place in range(len(belief)):
        if seen.number[place] > 0:
            mean = seen.total[place] / seen.number[place]
            belief[place] = _learn(belief[place], mean, rate)


def _learn_margins(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Raise margins where a firm wins more than it aims at, lower them where it wins less.

    A firm whose capital is worn down must earn it back: it raises them everywhere.
    """
    bids, suppliers = result.bids, model.suppliers
    _set_margins(
        suppliers.margin, bids.tender, bids.supplier, requirements.segment, result.winning,
        _worn(model),
    )  # fmt: skip


@compiled
def _set_margins(
    margin: FloatArray, tender: IntArray, supplier: IntArray, segment: IntArray,
    winning: IntArray, worn: FloatArray,
) -> None:  # fmt: skip
    """Change ``margin`` (suppliers x segments) where firms have bid.

    ``tender`` and ``supplier`` are by bid, ``segment`` and the bid that is ``winning`` by tender.
    """
    bids, won = np.zeros(margin.shape), np.zeros(margin.shape)
    for bid in range(len(tender)):
        cell = supplier[bid], segment[tender[bid]]
        bids[cell] += 1.0
        won[cell] += winning[tender[bid]] == bid
    for row in range(margin.shape[0]):
        for column in range(margin.shape[1]):
            if bids[row, column] > 0:
                ahead = won[row, column] / bids[row, column] - AIMED_WINS
                wanted = MARGIN_STEP * ahead + REBUILDING * worn[row]
                raised = margin[row, column] * (1.0 + wanted)
                margin[row, column] = min(max(raised, LEAST_MARGIN), MOST_MARGIN)


def _worn(model: "MarketModel") -> FloatArray:
    """Return how far each firm's capital is below what it holds on to, 0-1."""
    target = np.maximum(model.suppliers.capital_target / PENCE, 1e-9)
    return np.minimum(np.maximum(1.0 - model.capital() / target, 0.0), 1.0)


def _learn_prices(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Move the market's beliefs on prices and awards towards what was bid, paid and awarded."""
    bids, learning = result.bids, model.assumptions.learning
    awards, contested = _see_prices(
        model.reference_price, model.award_price, requirements.segment,
        requirements.value * result.terms.scale, result.winning, bids.tender, bids.price, learning,
    )  # fmt: skip
    model.price_sample = PRICES_KEPT * model.price_sample + awards
    if contested:
        model.award_rate += learning * (awards.sum() / contested - model.award_rate)


@compiled
def _see_prices(
    reference: FloatArray, paid: FloatArray, segment: IntArray, expected: FloatArray,
    winning: IntArray, tender: IntArray, price: FloatArray, rate: float,
) -> tuple[FloatArray, int]:  # fmt: skip
    """Move beliefs, by segment, on what is bid (``reference``) and what is ``paid``.

    ``segment``, the price ``expected`` and the bid that is ``winning`` are by tender, ``tender``
    and ``price`` by bid.

    Returns:
        Awards by segment, and the tenders with bids.
    """
    bid = Seen(np.zeros(MARKETS), np.zeros(MARKETS))
    won = Seen(np.zeros(MARKETS), np.zeros(MARKETS))
    contested, last = 0, NONE
    for place in range(len(tender)):
        of, ratio = segment[tender[place]], price[place] / expected[tender[place]]
        bid.number[of] += 1.0
        bid.total[of] += ratio
        if winning[tender[place]] == place:
            won.number[of] += 1.0
            won.total[of] += ratio
        contested += tender[place] != last
        last = tender[place]
    _believe(reference, bid, rate)
    _believe(paid, won, rate)
    return won.number, contested


def _fill_wallets(model: "MarketModel", submitted: Bids) -> None:
    """Pay for bids from pre-sales money and fill it up; it holds two years' worth."""
    suppliers, assumptions = model.suppliers, model.assumptions
    spent = sum_by(submitted.supplier, submitted.cost_of_bid, len(suppliers))
    turnover = suppliers.turnover + 0.15 * suppliers.outside_turnover
    income = assumptions.pre_sales_fixed + assumptions.pre_sales_share * turnover / 4
    left = np.maximum(suppliers.pre_sales - spent, 0.0)
    suppliers.pre_sales[:] = np.minimum(left + income, WALLET_QUARTERS * income)


def _build_teams(model: "MarketModel", result: Result) -> None:
    """Build teams for the pipeline that each firm sees: its fair part of what it qualified for."""
    suppliers, assumptions = model.suppliers, model.assumptions
    prospects = result.prospects
    fair = result.terms.work / np.maximum(result.qualified, 1)
    seen = _added(prospects.supplier, prospects.tender, fair, len(suppliers))
    pipeline = PIPELINE_QUARTERS * seen
    suppliers.capacity[:] = firm.grow(
        suppliers.capacity, suppliers.load, pipeline,
        assumptions.capacity_growth, assumptions.capacity_shrinkage,
    )  # fmt: skip


@compiled
def _added(supplier: IntArray, tender: IntArray, part: FloatArray, suppliers: int) -> FloatArray:
    """Return each supplier's parts in the tenders that it is paired with, added up."""
    total = np.zeros(suppliers)
    for pair in range(len(supplier)):
        total[supplier[pair]] += part[tender[pair]]
    return total


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
        theirs = contracts.live & marked(broke, len(model.suppliers))[contracts.supplier]
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
    suppliers, contracts, assumptions = model.suppliers, model.contracts, model.assumptions
    years = np.maximum(4.0 * segment_table().years, LEAST_PATIENCE)
    rows = _without_hope(
        suppliers.capability, suppliers.active, suppliers.since_win,
        _held(contracts.in_force(), contracts.supplier, contracts.segment, len(suppliers)),
        suppliers.large, assumptions.large_patience * years, assumptions.sme_patience * years,
    )  # fmt: skip
    if len(rows):
        account = model.ledger.supplier(rows)
        capital = model.ledger.supplier_balance()[rows]
        model.ledger.post(account, Account.OWNERS, Purpose.CAPITAL, capital)
        _retire(model, rows)
    model.tally["leavers"] += len(rows)


@compiled
def _held(live: IntArray, supplier: IntArray, segment: IntArray, suppliers: int) -> IntArray:
    """Return the contracts ``live`` by supplier and segment."""
    held = np.zeros((suppliers, MARKETS), dtype=np.int64)
    for row in live:
        held[supplier[row], segment[row]] += 1
    return held


_gives_up = on_numbers(firm.gives_up)


@compiled
def _without_hope(
    capability: FloatArray, active: BoolArray, since_win: IntArray, held: IntArray,
    large: BoolArray, large_patience: FloatArray, sme_patience: FloatArray,
) -> IntArray:  # fmt: skip
    """Take from firms the segments that they give up, and return those with none left.

    The patience of large firms and of SMEs is by segment, quarters.
    """
    rows, count = np.empty(len(active), dtype=np.int64), 0
    for row in range(len(active)):
        if not active[row]:
            continue
        patience = large_patience if large[row] else sme_patience
        before = left = 0
        for segment in range(capability.shape[1]):
            if capability[row, segment] > 0:
                before += 1
                if _gives_up(since_win[row, segment], held[row, segment], patience[segment]):
                    capability[row, segment] = 0.0
                else:
                    left += 1
        rows[count] = row
        count += before > 0 and left == 0
    return rows[:count]


def _retire(model: "MarketModel", rows: IntArray) -> None:
    model.suppliers.active[rows] = False
    model.suppliers.left[rows] = model.quarter
    model.suppliers.capacity[rows] = model.suppliers.load[rows]


def _enter(model: "MarketModel", requirements: Requirements, result: Result) -> None:
    """Let firms in once a year, as what the year promised each firm there invites them."""
    promised = opportunity(model, requirements, result)
    for kind, one in zip(("large", "sme"), promised, strict=True):
        model.promise[kind] += one / QUARTERS_PER_YEAR
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


class Kind(NamedTuple):
    """A typical firm of one kind.

    Attributes:
        capable: share of such firms that work in each segment.
        bid: cost of its bids, over that of a large firm.
        turnover: £m a year; it must be a multiple of a tender's value to qualify.
        teams: most transition work that it could take on, £m a year.
        normal: what a quarter promises such a firm where none more comes in, £m.
    """

    capable: FloatArray
    bid: float
    turnover: float
    teams: float
    normal: float


def _kinds(model: "MarketModel") -> tuple[Kind, Kind]:
    """Return the large supplier and the SME."""
    table, assumed = segment_table(), model.assumptions
    return (
        Kind(table.large_capable, 1.0, assumed.outside_large * model.index,
             2.0 * assumed.capacity_large, assumed.large_normal),
        Kind(table.sme_capable, 0.5, assumed.outside_sme * model.index,
             2.0 * assumed.capacity_sme, assumed.sme_normal),
    )  # fmt: skip


def opportunity(
    model: "MarketModel", requirements: Requirements, result: Result
) -> tuple[float, float]:
    """Return what a quarter's tenders promise each large firm and each SME, over the normal.

    Free entry: firms come where what there is to earn, after the cost of bidding, is shared by few.
    """
    suppliers, kinds = model.suppliers, _kinds(model)
    promised = _promised(
        kinds, requirements.segment, requirements.contract_value,
        requirements.value * model.levers.qualification_multiple, result.terms.work,
        cost_of_bids(model, requirements), model.rivals_seen, model.assumptions.markup_width,
    )  # fmt: skip
    here = suppliers.active & firm.works_here(suppliers.capability)
    large = int((here & suppliers.large).sum())
    usual = [
        max(there, 1) * kind.normal * model.index
        for there, kind in zip((large, int(here.sum()) - large), kinds, strict=True)
    ]
    return float(promised[0]) / usual[0], float(promised[1]) / usual[1]


_prospect = on_numbers(firm.prospect)


@compiled
def _promised(
    kinds: tuple[Kind, Kind], segment: IntArray, contract_value: FloatArray, asked: FloatArray,
    work: FloatArray, cost: FloatArray, rivals: FloatArray, width: float,
) -> FloatArray:  # fmt: skip
    """Return what tenders promise typical firms of each of ``kinds``, £m.

    A firm counts on those for which it qualifies and has teams; ``rivals`` is by segment.
    """
    promised = np.zeros(len(kinds))
    for place in range(len(kinds)):
        kind = kinds[place]
        for tender in range(len(segment)):
            of = segment[tender]
            if asked[tender] <= kind.turnover and work[tender] <= kind.teams:
                earned = _prospect(
                    contract_value[tender], rivals[of], width, cost[tender] * kind.bid
                )
                promised[place] += kind.capable[of] * earned
    return promised
