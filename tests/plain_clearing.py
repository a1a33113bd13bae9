"""The clearing of tenders in plain numpy: what the compiled loops must equal."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from agents import council as buyer
from agents import supplier as firm
from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from simulation.bidding import LARGEST_ERROR
from simulation.clearing import REASONS, SPARED_EFFORT
from simulation.ledger import to_pence
from simulation.randomness import combine, extend
from simulation.requirements import Requirements
from simulation.segments import (
    SEGMENTS,
    STRATEGIC,
    procedure_table,
    segment_table,
    worth_of_saving,
)
from simulation.tendering import (
    STRATEGIC_EFFICIENCY,
    Bids,
    Prospects,
    Result,
    Terms,
    _goes_ahead,
    _limit,
    _priced_finance,
    _resilience,
    _terms,
    _vagueness,
    cost_of_bids,
)

if TYPE_CHECKING:
    from simulation.model import MarketModel


@dataclass
class Pairs:
    """Pairs of a tender and a supplier that could carry it out, in order of tenders.

    Attributes:
        tender: tender.
        supplier: supplier.
        cell: place of supplier and segment in a flat table of suppliers x segments.
        holder: places of the pairs in which the supplier is the tender's incumbent.
        key: stable key of the bid.
    """

    tender: IntArray
    supplier: IntArray
    cell: IntArray
    holder: IntArray
    key: KeyArray


def clear(model: "MarketModel", requirements: Requirements) -> Result:
    """Clear the quarter's tenders: qualification, bids, evaluation, award."""
    terms = _terms(model, requirements)
    prospects = _qualified(model, requirements)
    qualified = np.bincount(prospects.tender, minlength=len(requirements)).astype(np.int64)
    submitted = _bids(model, requirements, terms, prospects)
    final = _shortlisted(model, requirements, _staying(model, requirements, submitted))
    winning, reason = _award(model, requirements, terms, final)
    return Result(terms, prospects, qualified, submitted, final, winning, reason)


# --- who may bid ---------------------------------------------------------------------------------


def _qualified(model: "MarketModel", requirements: Requirements) -> Prospects:
    """Return who may bid: able, near enough, and large enough to qualify."""
    suppliers = model.suppliers
    there = rows_where(suppliers.active)
    able = np.ascontiguousarray((suppliers.capability[there] > 0).T)
    council = model.services.council[requirements.lead]
    possible = model.coverage[council].take(there, axis=1)
    possible &= able[requirements.segment]
    place, starts = np.flatnonzero(possible), np.arange(len(requirements) + 1) * len(there)
    tender = np.repeat(np.arange(len(requirements)), np.diff(np.searchsorted(place, starts)))
    supplier = there[place - starts[tender]]
    turnover = suppliers.outside_turnover * model.index + suppliers.turnover
    asked = model.levers.qualification_multiple * requirements.value
    large = rows_where(turnover[supplier] >= asked[tender])
    return Prospects(tender[large], supplier[large])


# --- whether to bid, and at what price -----------------------------------------------------------


def _bids(
    model: "MarketModel", requirements: Requirements, terms: Terms, prospects: Prospects
) -> Bids:
    """Return the bids that suppliers decide to make."""
    pairs = _able_to_take(model, requirements, terms, prospects)
    cost = _true_cost(model, requirements, terms, pairs)
    estimate = cost * (1.0 + terms.error[pairs.tender] + _own_error(model, pairs))
    profit = estimate * _markup(model, terms, pairs)
    unknown = 1.0 - model.assumptions.diligence * requirements.diligent
    margin = profit + estimate * _guard(model, pairs) * unknown[pairs.tender]
    risk = _priced_risk(model, requirements, terms, pairs)
    finance = _priced_finance(model, requirements, terms)[pairs.tender]
    price = estimate + margin + risk + finance
    cost_of_bid = _cost_of_bid(model, requirements, pairs)
    worth = _worth(model, requirements, terms, pairs, price, profit, cost_of_bid)
    wanted = _above_hurdle(model, requirements, terms, pairs, worth)
    made = wanted[
        _within_pre_sales(model, pairs.supplier[wanted], cost_of_bid[wanted], worth[wanted])
    ]
    tender, supplier = pairs.tender[made], pairs.supplier[made]
    key, price = pairs.key[made], price[made]
    judged = _judged(model, requirements, tender, supplier, key, price)
    rejected = _abnormal(model, requirements, terms, tender, key, price)
    judged[rejected] = np.inf
    return Bids(
        tender, supplier, cost[made], estimate[made], margin[made], risk[made], finance[made],
        price, judged, rejected, cost_of_bid[made],
    )  # fmt: skip


def _able_to_take(
    model: "MarketModel", requirements: Requirements, terms: Terms, prospects: Prospects
) -> Pairs:
    """Return the prospects whose teams are free and whose capital can carry the risk."""
    suppliers, tender, supplier = model.suppliers, prospects.tender, prospects.supplier
    able = (suppliers.capacity - suppliers.load)[supplier] >= terms.work[tender]
    spread = np.sqrt(terms.risk.supplier_variance)
    able &= (model.assumptions.exposure_limit * model.free_capital)[supplier] >= spread[tender]
    invested = terms.investment + terms.platform + requirements.funded
    able &= (model.assumptions.investment_limit * model.free_capital)[supplier] >= invested[tender]
    rows = rows_where(able)
    tender, supplier = tender[rows], supplier[rows]
    cell = supplier * len(SEGMENTS) + requirements.segment[tender]
    holder = rows_where(requirements.incumbent[tender] == supplier)
    key = extend(combine(suppliers.key)[supplier], requirements.key[tender])
    return Pairs(tender, supplier, cell, holder, key)


def _true_cost(
    model: "MarketModel", requirements: Requirements, terms: Terms, pairs: Pairs
) -> FloatArray:
    suppliers, assumptions = model.suppliers, model.assumptions
    efficiency = np.repeat(suppliers.efficiency[:, None], len(SEGMENTS), axis=1)
    efficiency[:, STRATEGIC] **= STRATEGIC_EFFICIENCY
    cost = firm.delivery_cost(
        requirements.value[pairs.tender],
        terms.scale[pairs.tender],
        efficiency.reshape(-1)[pairs.cell],
        _fit(model, requirements, pairs),
        _hubs(model, requirements, pairs),
        _incumbency(model, requirements, pairs),
    )
    overhead = np.where(suppliers.large, assumptions.overhead_large, assumptions.overhead_sme)
    return cost + overhead[pairs.supplier]


def _fit(model: "MarketModel", requirements: Requirements, pairs: Pairs) -> FloatArray:
    """Return how well each firm happens to fit each tender: a real difference in cost."""
    spread = model.assumptions.fit_spread * (0.6 + 0.6 * requirements.complexity)
    return np.maximum(1.0 + spread[pairs.tender] * model.draws.normal("fit", pairs.key), 0.5)


def _hubs(model: "MarketModel", requirements: Requirements, pairs: Pairs) -> FloatArray:
    """Return the factor on cost from hubs, looked up by firm and segment."""
    assumptions = model.assumptions
    elasticity = segment_table().hub_elasticity * assumptions.hub_scale
    factor = firm.hub_scale(model.hub_volume, assumptions.hub_volume, elasticity)
    either: FloatArray = np.concatenate([factor, np.ones(factor.shape)]).reshape(-1)
    return either[pairs.cell + (factor.size * requirements.local)[pairs.tender]]


def _incumbency(model: "MarketModel", requirements: Requirements, pairs: Pairs) -> FloatArray:
    """Return the factor on cost from knowing a service or taking it over.

    Who knows a service is spared the cost of taking it over, as far as it holds it. Who holds all
    that is re-tendered knows the councils' differences, too (D0 ¶54).
    """
    assumptions = model.assumptions
    takes_over = 1.0 + assumptions.switching_cost * requirements.renewal
    others = 1.0 + assumptions.switching_cost * (requirements.renewal - requirements.held)
    knows = 1.0 - assumptions.incumbent_advantage * requirements.held
    differences = model.coordination[requirements.segment] * (requirements.councils - 1)
    known = assumptions.known_differences * requirements.unchanged * differences
    holds = others * knows * (1.0 - known / (1.0 + differences))
    factor = takes_over[pairs.tender]
    factor[pairs.holder] = holds[pairs.tender[pairs.holder]]
    return factor


def _own_error(model: "MarketModel", pairs: Pairs) -> FloatArray:
    drawn = model.draws.normal("own error", pairs.key)
    return np.clip(model.assumptions.own_error * drawn, -LARGEST_ERROR, LARGEST_ERROR)


def _markup(model: "MarketModel", terms: Terms, pairs: Pairs) -> FloatArray:
    """Return the mark-up that a firm counts as profit: competition's, and that of scarce teams."""
    suppliers, assumptions = model.suppliers, model.assumptions
    competitive = firm.markup(
        suppliers.rivals, suppliers.margin, assumptions.markup_base, assumptions.markup_width
    )
    loaded = suppliers.load[pairs.supplier] + terms.work[pairs.tender]
    capacity = suppliers.capacity[pairs.supplier]
    scarce = firm.shortage_premium(loaded, capacity, assumptions.shortage)
    return competitive.reshape(-1)[pairs.cell] + scarce


def _guard(model: "MarketModel", pairs: Pairs) -> FloatArray:
    """Return the shading for the winner's curse: what a winner expects to have overlooked."""
    assumptions = model.assumptions
    error = assumptions.shading * assumptions.common_error * segment_table().complexity
    error = error * _vagueness(model)
    return firm.shading(model.suppliers.rivals, error).reshape(-1)[pairs.cell]


def _priced_risk(
    model: "MarketModel", requirements: Requirements, terms: Terms, pairs: Pairs
) -> FloatArray:
    """Return what a price holds for risk, £m a year: the loss that would be borne, its variance."""
    assumptions, earning = model.assumptions, requirements.earning
    yearly = (terms.risk.supplier_variance / earning)[pairs.tender]
    free = model.free_capital[pairs.supplier]
    loading = firm.risk_loading(yearly, free, assumptions.risk_tolerance)
    return _borne_loss(model, requirements, terms, pairs) / earning[pairs.tender] + loading


def _borne_loss(
    model: "MarketModel", requirements: Requirements, terms: Terms, pairs: Pairs
) -> FloatArray:
    """Return the loss that a bidder expects to bear over the contract, £m; it may walk away."""
    assumptions, suppliers = model.assumptions, model.suppliers
    name = assumptions.stake * suppliers.turnover
    capital = np.maximum(model.capital(), 0.0)
    most = firm.commits(capital, np.zeros(len(capital)), name, assumptions.rescue_limit)
    median = assumptions.loss_median * requirements.share * terms.project_cost[:, None]
    limited = firm.limited_loss(
        most[pairs.supplier][:, None], median[pairs.tender], assumptions.loss_spread
    )
    chance = terms.chance[pairs.tender]
    return (
        chance[:, 0] * limited[:, 0] + chance[:, 1] * limited[:, 1] + chance[:, 2] * limited[:, 2]
    )


def _cost_of_bid(model: "MarketModel", requirements: Requirements, pairs: Pairs) -> FloatArray:
    cost = cost_of_bids(model, requirements)
    return cost[pairs.tender] * np.where(model.suppliers.large, 1.0, 0.5)[pairs.supplier]


def _worth(
    model: "MarketModel", requirements: Requirements, terms: Terms, pairs: Pairs,
    price: FloatArray, margin: FloatArray, cost_of_bid: FloatArray,
) -> FloatArray:  # fmt: skip
    """Return expected profit over the cost of the bid; minus infinity where winning is hopeless."""
    chance = _win_chance(model, requirements, terms, pairs, price)
    chance *= model.award_rate
    earning = worth_of_saving(0.0)[requirements.segment, requirements.quarters]
    profit = chance * margin * earning[pairs.tender] - cost_of_bid
    hopeless = procedure_table().shortlist[requirements.procedure][pairs.tender]
    hopeless &= chance < model.assumptions.least_win_chance
    profit /= cost_of_bid
    profit[rows_where(hopeless)] = -np.inf
    return profit


def _win_chance(
    model: "MarketModel", requirements: Requirements, terms: Terms, pairs: Pairs, price: FloatArray
) -> FloatArray:
    market = model.reference_price[requirements.segment] * requirements.value * terms.scale
    fear = model.assumptions.incumbent_fear
    odds = np.where(requirements.incumbent == NONE, 1.0, fear)[pairs.tender]
    odds[pairs.holder] = 1.0 / fear
    rivals = model.suppliers.rivals.reshape(-1)[pairs.cell]
    expected = market[pairs.tender]
    return firm.win_chance(price, expected, rivals, odds, model.assumptions.win_spread)


def _above_hurdle(
    model: "MarketModel", requirements: Requirements, terms: Terms, pairs: Pairs, worth: FloatArray
) -> IntArray:
    """Return the places of pairs whose profit over the cost of a bid is what the firm wants.

    The hurdle is its own view times all firms', hence never negative.
    """
    promising = rows_where(worth >= 0)
    regard = firm.regard(requirements.commitment, requirements.skill, _resilience(requirements))
    common = firm.bid_hurdle(
        model.assumptions.hurdle, regard, model.assumptions.client_view, terms.repulsion
    )
    own = firm.own_view(model.draws.normal("hurdle", pairs.key[promising]))
    return promising[worth[promising] >= common[pairs.tender[promising]] * own]


def _within_pre_sales(
    model: "MarketModel", supplier: IntArray, cost_of_bid: FloatArray, worth: FloatArray
) -> BoolArray:
    """Return which bids large suppliers can pay from pre-sales money, most promising first.

    Sums are in whole pence, so that one firm's bids never touch another's last bit.
    """
    large = rows_where(model.suppliers.large[supplier])
    order = large[np.lexsort((-worth[large], supplier[large]))]
    bidder, pence = supplier[order], to_pence(cost_of_bid[order])
    total = np.cumsum(pence)
    first = np.searchsorted(bidder, bidder, side="left")
    spent = total - total[first] + pence[first]
    afforded = np.ones(len(supplier), dtype=bool)
    afforded[order] = spent <= to_pence(model.suppliers.pre_sales)[bidder]
    return afforded


# --- evaluation and award ------------------------------------------------------------------------


def _judged(
    model: "MarketModel", requirements: Requirements, tender: IntArray, supplier: IntArray,
    key: KeyArray, price: FloatArray,
) -> FloatArray:  # fmt: skip
    assumptions, suppliers = model.assumptions, model.suppliers
    blur = buyer.reference_blur(assumptions.price_blur, model.price_sample)
    spread = buyer.evaluation_noise(
        assumptions.evaluation_noise, requirements.skill, blur[requirements.segment]
    )
    merit = assumptions.quality_weight * (suppliers.quality - 1.0)
    merit += assumptions.reputation_weight * (suppliers.reputation - 0.5)
    noise = spread[tender] * model.draws.normal("evaluation", key)
    return buyer.judged_price(price, merit[supplier], noise)


def _abnormal(
    model: "MarketModel", requirements: Requirements, terms: Terms, tender: IntArray,
    key: KeyArray, price: FloatArray,
) -> BoolArray:  # fmt: skip
    """Return which bids are rejected as too good to be true: the skilled look into them."""
    going = model.reference_price[requirements.segment] * requirements.value * terms.scale
    low = price < model.assumptions.abnormal_price * going[tender]
    seen = model.draws.uniform("scrutiny", key[low]) < requirements.skill[tender[low]]
    low[low] = seen
    return low


def _without(bids: Bids, places: IntArray) -> Bids:
    """Return the bids but for those at ``places``."""
    kept = np.ones(len(bids.tender), dtype=bool)
    kept[places] = False
    return Bids(*(getattr(bids, field.name)[kept] for field in fields(Bids)))


def _ranked(bids: Bids, places: IntArray) -> tuple[IntArray, IntArray]:
    """Return ``places`` of bids, best first within each tender, and their ranks from 0."""
    order = places[np.lexsort((bids.judged[places], bids.tender[places]))]
    tender = bids.tender[order]
    return order, np.arange(len(order)) - np.searchsorted(tender, tender, side="left")


def _staying(model: "MarketModel", requirements: Requirements, bids: Bids) -> Bids:
    """Return the bids whose firms stay: with many clients, who learns that it is behind leaves.

    Who leaves is spared part of the cost of its bid.
    """
    joint = rows_where((requirements.councils > 1)[bids.tender])
    order, rank = _ranked(bids, joint)
    tender = bids.tender[order]
    key = extend(combine(model.suppliers.key)[bids.supplier[order]], requirements.key[tender])
    drawn = model.draws.uniform("rank", key)
    clients = requirements.councils[tender]
    gone = order[~firm.stays(rank, clients, model.assumptions.leak, drawn)]
    bids.cost_of_bid[gone] *= SPARED_EFFORT
    return _without(bids, gone)


def _shortlisted(model: "MarketModel", requirements: Requirements, bids: Bids) -> Bids:
    """Return the final bids: in competitive dialogue only the best few are kept."""
    shortens = procedure_table().shortlist[requirements.procedure]
    order, rank = _ranked(bids, rows_where(shortens[bids.tender]))
    return _without(bids, order[rank >= model.assumptions.shortlist])


def _award(
    model: "MarketModel", requirements: Requirements, terms: Terms, bids: Bids
) -> tuple[IntArray, IntArray]:
    """Return the winning bid of each tender (NONE where it failed) and the reason."""
    acceptable = bids.price <= _limit(model, requirements, terms)[bids.tender]
    acceptable &= ~bids.rejected
    held = _goes_ahead(model, requirements)
    winning = np.full(len(requirements), NONE, dtype=np.int64)
    reason = np.where(bids.count(len(requirements)) == 0, 1, np.where(held, 2, 3))
    offered = rows_where(acceptable & held[bids.tender])
    reason[bids.tender[offered]] = REASONS.index("no capacity")
    turn = model.draws.uniform("order of award", requirements.key)
    order = offered[np.lexsort((bids.judged[offered], turn[bids.tender[offered]]))]
    won = _give_out(model, bids, order, terms.work)
    winning[bids.tender[won]], reason[bids.tender[won]] = won, 0
    return winning, reason


def _give_out(model: "MarketModel", bids: Bids, order: IntArray, work: FloatArray) -> IntArray:
    """Give each tender to its best bid whose firm still has room, and return the winning bids.

    Args:
        model: the model, whose suppliers' load grows.
        bids: final bids.
        order: acceptable bids, tender by tender in the order of award, best first.
        work: transition work of each tender, £m a year.
    """
    room: list[float] = (model.suppliers.capacity - model.suppliers.load).tolist()
    tender, bidder = bids.tender[order], bids.supplier[order].tolist()
    starts = np.flatnonzero(np.diff(tender, prepend=NONE))
    stops = [*starts[1:].tolist(), len(order)]
    won: list[int] = []
    for start, stop, needed in zip(
        starts.tolist(), stops, work[tender[starts]].tolist(), strict=bool(len(order))
    ):
        for one in range(start, stop):
            if needed <= room[bidder[one]]:
                won.append(one)
                room[bidder[one]] -= needed
                break
    winners = order[won]
    _load(model, bids, winners, work)
    return winners


def _load(model: "MarketModel", bids: Bids, won: IntArray, work: FloatArray) -> None:
    supplier, taken = bids.supplier[won], work[bids.tender[won]]
    model.suppliers.load += np.bincount(supplier, taken, minlength=len(model.suppliers))
