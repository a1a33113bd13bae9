"""Phase 5, tendering: who bids, at what price, and who wins.

All tenders of a quarter are cleared together from sealed bids. The work is done on pairs of a tender
and a supplier that could bid for it, so that a supplier without capability touches nothing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents import council as buyer
from agents import supplier as firm
from agents.columns import NONE, BoolArray, FloatArray, IntArray
from simulation.ledger import PENCE
from simulation.requirements import Requirements, draw_normal
from simulation.risk import Outlook, event_chance, outlook
from simulation.segments import PROCEDURES, STRATEGIC, segment_table

if TYPE_CHECKING:
    from simulation.model import MarketModel

STRATEGIC_EFFICIENCY = 0.2
"""In strategic partnerships a firm's own efficiency matters little: exponent on it."""

DIALOGUE = PROCEDURES.index("competitive dialogue")


@dataclass
class Terms:
    """What is common to all bids of a tender, one entry a tender; £m, annual unless said.

    Attributes:
        scale: factor on cost from pooled demand and coordination.
        error: error in estimates of cost that all bidders share.
        allure: what every firm sees in the tender (standard normal).
        chance: chance of a risk event by category, tenders x 3.
        risk: losses that the parties expect over the contract's life.
        project_cost: £m, over the contract's life.
        investment: £m, supplier's up-front investment.
        work: transition work, £m a year.
    """

    scale: FloatArray
    error: FloatArray
    allure: FloatArray
    chance: FloatArray
    risk: Outlook
    project_cost: FloatArray
    investment: FloatArray
    work: FloatArray


@dataclass
class Bids:
    """Pairs of a tender and a supplier, one entry a bid; money £m a year unless said.

    Attributes:
        tender: tender.
        supplier: supplier.
        cost: true cost of delivery.
        price: price offered.
        judged: price as evaluators see it.
        cost_of_bid: £m.
    """

    tender: IntArray
    supplier: IntArray
    cost: FloatArray
    price: FloatArray
    judged: FloatArray
    cost_of_bid: FloatArray

    def keep(self, which: BoolArray) -> "Bids":
        """Return the bids for which ``which`` holds."""
        return Bids(*(getattr(self, name)[which] for name in self.__dataclass_fields__))

    def count(self, tenders: int) -> IntArray:
        """Return the number of bids for each of ``tenders``."""
        return np.bincount(self.tender, minlength=tenders).astype(np.int64)


@dataclass
class Result:
    """The outcome of a quarter's tenders.

    Attributes:
        terms: what was common to the bids of each tender.
        prospects: pairs of tender and supplier that qualified.
        qualified: number of suppliers that qualified for each tender.
        submitted: bids that were made and paid for.
        bids: final bids.
        winning: place of each tender's winner in ``bids``, or NONE where it failed.
        reason: why, a place in ``REASONS``.
    """


    terms: Terms
    prospects: tuple[IntArray, IntArray]
    qualified: IntArray
    submitted: Bids
    bids: Bids
    winning: IntArray
    reason: IntArray


REASONS = ("awarded", "no bid", "too dear", "cancelled", "no capacity")


def clear(model: "MarketModel", requirements: Requirements) -> Result:
    """Clear the quarter's tenders: qualification, bids, evaluation, award."""
    terms = _terms(model, requirements)
    tender, supplier = _qualified(model, requirements)
    qualified = np.bincount(tender, minlength=len(requirements)).astype(np.int64)
    submitted = _bids(model, requirements, terms, tender, supplier)
    final = _shortlisted(model, requirements, submitted)
    winning, reason = _award(model, requirements, terms, final)
    return Result(terms, (tender, supplier), qualified, submitted, final, winning, reason)


def _terms(model: "MarketModel", requirements: Requirements) -> Terms:
    table, assumptions, segment = segment_table(), model.assumptions, requirements.segment
    complexity = table.complexity[segment]
    contract_value = requirements.value * requirements.years
    project_cost = table.project_share[segment] * contract_value
    chance = event_chance(
        requirements.share, table.risk[segment], complexity, model.control, assumptions
    )
    scale = firm.demand_scale(
        requirements.value, requirements.own_value, requirements.councils,
        table.scale_elasticity[segment] * assumptions.demand_scale, model.coordination[segment],
    )  # fmt: skip
    return Terms(
        scale=scale,
        error=assumptions.common_error * complexity * draw_normal(model, "common error", requirements),
        allure=draw_normal(model, "allure", requirements),
        chance=chance,
        risk=outlook(chance, requirements.share, project_cost, assumptions),
        project_cost=project_cost,
        investment=table.investment_share[segment] * contract_value,
        work=assumptions.transition_load * complexity * requirements.value,
    )


# --- who may bid ---------------------------------------------------------------------------------


def _qualified(model: "MarketModel", requirements: Requirements) -> tuple[IntArray, IntArray]:
    """Return the pairs of tender and supplier that may bid: able, near enough, large enough."""
    suppliers = model.suppliers
    able = (suppliers.capability > 0).T & suppliers.active
    council = model.services.council[requirements.lead]
    possible = able[requirements.segment] & model.coverage[council, : len(suppliers)]
    tender, supplier = np.nonzero(possible)
    turnover = suppliers.outside_turnover + suppliers.turnover
    asked = model.levers.qualification_multiple * requirements.value
    shown = turnover[supplier] >= asked[tender]
    return tender[shown], supplier[shown]


# --- whether to bid, and at what price -----------------------------------------------------------


def _bids(
    model: "MarketModel", requirements: Requirements, terms: Terms, tender: IntArray, supplier: IntArray
) -> Bids:
    """Return the bids that suppliers decide to make."""
    takes = _can_take(model, terms, tender, supplier)
    tender, supplier = tender[takes], supplier[takes]
    cost = _true_cost(model, requirements, terms, tender, supplier)
    estimate = cost * (1.0 + terms.error[tender] + _own_error(model, requirements, tender, supplier))
    margin = estimate * _markup(model, requirements, terms, tender, supplier)
    price = estimate + margin + _priced_risk(model, requirements, terms, tender, supplier)
    cost_of_bid = _cost_of_bid(model, requirements, tender, supplier)
    wanted, worth = _worth_bidding(
        model, requirements, terms, Bids(tender, supplier, margin, price, price, cost_of_bid)
    )
    afforded = np.zeros(len(tender), dtype=bool)
    afforded[wanted] = _within_pre_sales(model, supplier[wanted], cost_of_bid[wanted], worth[wanted])
    judged = _judged(model, requirements, tender, supplier, price)
    return Bids(tender, supplier, cost, price, judged, cost_of_bid).keep(afforded)


def _can_take(
    model: "MarketModel", terms: Terms, tender: IntArray, supplier: IntArray
) -> BoolArray:
    """Return where teams are free and the risk is not too large for the firm's capital."""
    suppliers, limit = model.suppliers, model.assumptions.exposure_limit
    room = suppliers.capacity[supplier] - suppliers.load[supplier] >= terms.work[tender]
    spread = np.sqrt(terms.risk.supplier_variance[tender])
    return room & (spread <= limit * model.free_capital[supplier])


def _true_cost(
    model: "MarketModel", requirements: Requirements, terms: Terms, tender: IntArray, supplier: IntArray
) -> FloatArray:
    suppliers, assumptions, table = model.suppliers, model.assumptions, segment_table()
    segment = requirements.segment[tender]
    large = suppliers.large[supplier]
    exponent = np.where(segment == STRATEGIC, STRATEGIC_EFFICIENCY, 1.0)
    elasticity = table.hub_elasticity[segment] * assumptions.hub_scale
    cost = firm.delivery_cost(
        requirements.value[tender],
        terms.scale[tender],
        suppliers.efficiency[supplier] ** exponent,
        _fit(model, requirements, tender, supplier),
        firm.hub_scale(model.hub_volume[supplier, segment], assumptions.hub_volume, elasticity,
                       requirements.local[tender]),
        _incumbency(model, requirements, tender, supplier),
    )  # fmt: skip
    return cost + np.where(large, assumptions.overhead_large, assumptions.overhead_sme)


def _fit(
    model: "MarketModel", requirements: Requirements, tender: IntArray, supplier: IntArray
) -> FloatArray:
    """Return how well each firm happens to fit each tender: a real difference in cost."""
    complexity = segment_table().complexity[requirements.segment[tender]]
    spread = model.assumptions.fit_spread * (0.6 + 0.6 * complexity)
    drawn = model.draws.normal("fit", model.suppliers.key[supplier], requirements.key[tender])
    return np.maximum(1.0 + spread * drawn, 0.5)


def _incumbency(
    model: "MarketModel", requirements: Requirements, tender: IntArray, supplier: IntArray
) -> FloatArray:
    holds = requirements.incumbent[tender] == supplier
    takes_over = 1.0 + model.assumptions.switching_cost * requirements.renewal[tender]
    return np.where(holds, 1.0 - model.assumptions.incumbent_advantage, takes_over)


def _own_error(
    model: "MarketModel", requirements: Requirements, tender: IntArray, supplier: IntArray
) -> FloatArray:
    drawn = model.draws.normal("own error", model.suppliers.key[supplier], requirements.key[tender])
    return np.clip(model.assumptions.own_error * drawn, -0.3, 0.3)


def _markup(
    model: "MarketModel", requirements: Requirements, terms: Terms, tender: IntArray, supplier: IntArray
) -> FloatArray:
    suppliers, assumptions = model.suppliers, model.assumptions
    segment = requirements.segment[tender]
    shading = assumptions.shading * assumptions.common_error * segment_table().complexity[segment]
    competitive = firm.markup(
        suppliers.rivals[supplier, segment], suppliers.margin[supplier, segment],
        assumptions.markup_base, assumptions.markup_width, shading,
    )  # fmt: skip
    loaded = suppliers.load[supplier] + terms.work[tender]
    scarce = firm.shortage_premium(loaded, suppliers.capacity[supplier], assumptions.shortage)
    return competitive + scarce


def _priced_risk(
    model: "MarketModel", requirements: Requirements, terms: Terms, tender: IntArray, supplier: IntArray
) -> FloatArray:
    """Return what a price holds for risk and finance, £m a year: borne loss, its variance, capital."""
    assumptions, years = model.assumptions, requirements.years[tender]
    variance = terms.risk.supplier_variance[tender]
    loading = firm.risk_loading(variance, model.free_capital[supplier], assumptions.risk_tolerance)
    payback = np.minimum(assumptions.payback_years, years)
    finance = terms.investment[tender] * assumptions.supplier_finance * payback / 2.0
    return (terms.risk.supplier_loss[tender] + loading + finance) / years


def _cost_of_bid(
    model: "MarketModel", requirements: Requirements, tender: IntArray, supplier: IntArray
) -> FloatArray:
    table, segment = segment_table(), requirements.segment[tender]
    contract_value = (requirements.value * requirements.years)[tender]
    large = model.suppliers.large[supplier]
    return firm.bid_cost(table.bid_fixed[segment], table.bid_rate[segment], contract_value, large)


def _worth_bidding(
    model: "MarketModel", requirements: Requirements, terms: Terms, prospects: Bids
) -> tuple[BoolArray, FloatArray]:
    """Return who wants to bid, and expected profit over the cost of the bid.

    In ``prospects`` the column ``cost`` holds the annual margin.
    """
    tender, supplier = prospects.tender, prospects.supplier
    chance = _win_chance(model, requirements, terms, prospects)
    profit = chance * prospects.cost * requirements.years[tender] - prospects.cost_of_bid
    own = model.draws.normal("hurdle", model.suppliers.key[supplier], requirements.key[tender])
    hurdle = firm.bid_hurdle(
        model.assumptions.hurdle, own, requirements.commitment[tender], terms.allure[tender]
    )
    worth = profit / prospects.cost_of_bid
    hopeless = segment_table().complex[requirements.segment[tender]]
    hopeless &= chance < model.assumptions.least_win_chance
    return (worth >= hurdle) & ~hopeless, worth


def _win_chance(
    model: "MarketModel", requirements: Requirements, terms: Terms, prospects: Bids
) -> FloatArray:
    tender, supplier = prospects.tender, prospects.supplier
    segment = requirements.segment[tender]
    market = model.reference_price[segment] * requirements.value[tender] * terms.scale[tender]
    fear = model.assumptions.incumbent_fear
    incumbent = requirements.incumbent[tender]
    odds = np.where(incumbent == supplier, 1.0 / fear, np.where(incumbent == NONE, 1.0, fear))
    rivals = model.suppliers.rivals[supplier, segment]
    return firm.win_chance(prospects.price, market, rivals, odds, model.assumptions.win_spread)


def _within_pre_sales(
    model: "MarketModel", supplier: IntArray, cost_of_bid: FloatArray, worth: FloatArray
) -> BoolArray:
    """Return which bids large suppliers can pay from pre-sales money, most promising first.

    Sums are in whole pence, so that one firm's bids never touch another's last bit.
    """
    order = np.lexsort((-worth, supplier))
    pence = np.rint(cost_of_bid[order] * PENCE).astype(np.int64)
    total = np.cumsum(pence)
    first = np.searchsorted(supplier[order], supplier[order], side="left")
    spent = total - total[first] + pence[first]
    purse = np.rint(model.suppliers.pre_sales * PENCE).astype(np.int64)[supplier[order]]
    afforded = np.zeros(len(supplier), dtype=bool)
    afforded[order] = (spent <= purse) | ~model.suppliers.large[supplier[order]]
    return afforded


# --- evaluation and award ------------------------------------------------------------------------


def _judged(
    model: "MarketModel", requirements: Requirements, tender: IntArray, supplier: IntArray,
    price: FloatArray,
) -> FloatArray:  # fmt: skip
    spread = buyer.evaluation_noise(model.assumptions.evaluation_noise, requirements.skill[tender])
    drawn = model.draws.normal("evaluation", model.suppliers.key[supplier], requirements.key[tender])
    quality = model.suppliers.quality[supplier]
    return buyer.judged_price(price, quality, model.assumptions.quality_weight, spread * drawn)


def _shortlisted(model: "MarketModel", requirements: Requirements, bids: Bids) -> Bids:
    """Return the final bids: in competitive dialogue only the best few are kept."""
    order = np.lexsort((bids.judged, bids.tender))
    ordered = bids.tender[order]
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered, side="left")
    kept = np.zeros(len(order), dtype=bool)
    dialogue = segment_table().procedure[requirements.segment[ordered]] == DIALOGUE
    kept[order] = ~dialogue | (rank < model.assumptions.shortlist)
    return bids.keep(kept)


def _award(
    model: "MarketModel", requirements: Requirements, terms: Terms, bids: Bids
) -> tuple[IntArray, IntArray]:
    """Return the winning bid of each tender (NONE where it failed) and the reason."""
    acceptable = bids.price <= _limit(model, requirements, terms)[bids.tender]
    held = _goes_ahead(model, requirements)
    winning = np.full(len(requirements), NONE, dtype=np.int64)
    reason = np.where(bids.count(len(requirements)) == 0, 1, np.where(held, 2, 3))
    offered = acceptable & held[bids.tender]
    reason[np.unique(bids.tender[offered])] = REASONS.index("no capacity")
    for tender, ranked in _ranking(model, requirements, bids, offered):
        chosen = _first_with_room(model, bids, ranked, float(terms.work[tender]))
        if chosen != NONE:
            winning[tender], reason[tender] = chosen, 0
    return winning, reason


def _limit(model: "MarketModel", requirements: Requirements, terms: Terms) -> FloatArray:
    table, segment = segment_table(), requirements.segment
    limit = np.where(requirements.renewal, table.accept_renewal[segment], table.accept_new[segment])
    retained = terms.risk.council_loss / requirements.years
    return buyer.highest_price(requirements.value, limit, retained, requirements.commitment)


def _goes_ahead(model: "MarketModel", requirements: Requirements) -> BoolArray:
    """Return which tenders are not cancelled: commitment decides."""
    chance = 0.93 + 0.07 * requirements.commitment
    return model.draws.happens("goes ahead", chance, requirements.key)


def _ranking(
    model: "MarketModel", requirements: Requirements, bids: Bids, offered: BoolArray
) -> list[tuple[int, list[int]]]:
    """Return the tenders with acceptable bids in the order of award, each with its bids ranked."""
    places = np.flatnonzero(offered)
    turn = model.draws.uniform("order of award", requirements.key)
    order = places[np.lexsort((bids.judged[places], bids.tender[places], turn[bids.tender[places]]))]
    ranked: dict[int, list[int]] = {}
    for place, tender in zip(order.tolist(), bids.tender[order].tolist(), strict=True):
        ranked.setdefault(tender, []).append(place)
    return list(ranked.items())


def _first_with_room(model: "MarketModel", bids: Bids, ranked: list[int], work: float) -> int:
    """Give the work to the best bidder whose teams still have room, and return its bid."""
    suppliers = model.suppliers
    for place in ranked:
        supplier = bids.supplier[place]
        if suppliers.load[supplier] + work <= suppliers.capacity[supplier]:
            suppliers.load[supplier] += work
            return place
    return NONE
