"""Bidding: which suppliers qualify for a tender, which of them bid, and at what price.

A compiled loop looks at every pair of a tender and a supplier that qualifies for it. It turns away
what is hopeless before it reckons what is costly to reckon: the loss that risks could bring.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from agents import supplier as firm
from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray
from agents.compiled import compiled, inlined, on_numbers
from agents.supplier import LEAST_SPREAD
from simulation.ledger import PENCE
from simulation.normal import normal_probability
from simulation.randomness import extended, normal_at, normals_at
from simulation.records import Three
from simulation.segments import RISKS, STRATEGIC

LARGEST_ERROR = 0.3
"""Bound on each error in an estimate of cost, as a share of it."""

WORST_FIT = 0.5
"""Least factor on cost by how well a firm happens to fit a tender."""


class Lot:
    """A tender as bidders and its buyers see it, a record; £m a year unless said.

    Attributes:
        segment: segment.
        council: lead council.
        clients: number of councils.
        key: stable key.
        incumbent: supplier that holds the largest part now, or NONE.
        local: work must be done in the area.
        asked: turnover that qualifies.
        spread: standard deviation of the loss by events, £m.
        invested: what a supplier puts in up front, £m.
        work: transition work.
        value: in-house cost.
        scale: factor on cost from pooled demand and coordination.
        misfit: spread of firms' fit to the tender.
        takes_over: factor on cost of who does not hold the service.
        holds: factor on cost of who holds it.
        error: error in estimates of cost that all bidders share.
        chance: chance of a risk event, by category.
        median: median loss that falls to the supplier, £m, by category.
        log_median: its logarithm.
        variance: variance of the loss by events over ``earning``, £m squared.
        unknown: part of the error in cost that due diligence leaves.
        finance: price of up-front investment, and set-up cost to be earned back.
        cost_of_bid: of a large supplier, £m.
        shortened: only the best few bids are kept to the end.
        going: price that is expected.
        earning: what £1 a year of mark-up earns over the contract, £.
        hurdle: profit over cost of bid that firms in general want.
        skill: buyers' skill.
        noise: standard deviation of evaluation errors.
        low: price below which a bid is looked into.
        most: highest price at which the buyers sign.
        held: the tender is not cancelled.
    """

    segment: int
    council: int
    clients: int
    key: np.uint64
    incumbent: int
    local: bool
    asked: float
    spread: float
    invested: float
    work: float
    value: float
    scale: float
    misfit: float
    takes_over: float
    holds: float
    error: float
    chance: Three
    median: Three
    log_median: Three
    variance: float
    unknown: float
    finance: float
    cost_of_bid: float
    shortened: bool
    going: float
    earning: float
    hurdle: float
    skill: float
    noise: float
    low: float
    most: float
    held: bool


class Seller:
    """A supplier as it stands when it decides on bids, a record; £m a year unless said.

    Attributes:
        key: start of the keys of its bids.
        large: it is a large supplier.
        active: it is in the market.
        efficiency: cost against councils' own.
        strategic_efficiency: the same in strategic partnerships.
        turnover: in and outside this market.
        capacity: work in transition that its teams can carry.
        load: work in transition that they carry.
        free_capital: £m.
        most: loss on one contract that it would make good, £m.
        log_most: its logarithm.
        overhead: of each contract.
        bid_share: cost of its bids over a large supplier's.
        pre_sales: money for bids, £m.
        merit: what quality and record count for, as a share of price.
    """

    key: np.uint64
    large: bool
    active: bool
    efficiency: float
    strategic_efficiency: float
    turnover: float
    capacity: float
    load: float
    free_capital: float
    most: float
    log_most: float
    overhead: float
    bid_share: float
    pre_sales: float
    merit: float


class View:
    """What a supplier brings to a segment and expects there, a record.

    Attributes:
        hub: factor on cost from its hubs.
        rivals: bids that it expects.
        markup: mark-up against competition.
        guard: shading for the winner's curse, over cost.
    """

    hub: float
    rivals: float
    markup: float
    guard: float


class Beliefs(NamedTuple):
    """What suppliers hold and learned by segment, suppliers x segments.

    Attributes:
        capability: capability; none where 0.
        volume: in hubs, £m a year.
        rivals: bids expected.
        margin: learned factor on mark-ups.
    """

    capability: FloatArray
    volume: FloatArray
    rivals: FloatArray
    margin: FloatArray


class Rules(NamedTuple):
    """Numbers by which firms decide; those not told here are assumptions of that name.

    Attributes:
        award_rate: part of contested tenders that is awarded.
        fit, own, hurdle: where the draws of fit, own error and hurdle start.
    """

    exposure_limit: float
    investment_limit: float
    hub_volume: float
    markup_base: float
    markup_width: float
    shortage: float
    own_error: float
    loss_spread: float
    risk_tolerance: float
    win_spread: float
    incumbent_fear: float
    least_win_chance: float
    award_rate: float
    fit: np.uint64
    own: np.uint64
    hurdle: np.uint64


class Bid:
    """A bid, a record; money £m a year unless said.

    Attributes:
        tender: tender.
        supplier: supplier.
        cost: true cost of delivery.
        estimate: what the bidder takes it to be.
        margin: mark-up and shading for the winner's curse.
        risk: price of the risk that it takes on.
        finance: price of up-front investment, and set-up cost to be earned back.
        price: price offered, the sum of the last four.
        cost_of_bid: £m.
        worth: expected profit over the cost of the bid.
        judged: price as evaluators see it.
        rejected: evaluators find it abnormally low.
        kept: it is still in the competition.
    """

    tender: int
    supplier: int
    cost: float
    estimate: float
    margin: float
    risk: float
    finance: float
    price: float
    cost_of_bid: float
    worth: float
    judged: float
    rejected: bool
    kept: bool


class Luck(NamedTuple):
    """What a pair of a tender and a supplier draws.

    Attributes:
        key: key of the bid, from which further draws are made.
        fit: how well the firm happens to fit the tender, standard normal.
        error: its own error in the estimate of cost, standard normal.
    """

    key: np.uint64
    fit: float
    error: float


class Able(NamedTuple):
    """Who works in each segment.

    Attributes:
        supplier: active suppliers, ascending, segments x places.
        number: how many they are, by segment.
    """

    supplier: IntArray
    number: IntArray


_delivery_cost = on_numbers(firm.delivery_cost)
_hub_scale = on_numbers(firm.hub_scale)
_markup = on_numbers(firm.markup)
_shading = on_numbers(firm.shading)
_shortage_premium = on_numbers(firm.shortage_premium)
_risk_loading = on_numbers(firm.risk_loading)
_win_chance = on_numbers(firm.win_chance)
_own_view = on_numbers(firm.own_view)

type Lots = Sequence[Lot]
type Sellers = Sequence[Seller]


@compiled
def prospects_of(
    lots: Lots, sellers: Sellers, capability: FloatArray, coverage: BoolArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Return who may bid: able, near enough, and large enough to qualify.

    Args:
        lots: the tenders.
        sellers: the suppliers.
        capability: suppliers' capability by segment, suppliers x segments.
        coverage: which councils suppliers serve (councils x suppliers).

    Returns:
        Tenders and suppliers of each pair, in order of tenders, and their number by tender.
    """
    able = _able(sellers, capability)
    most = 0
    for place in range(len(lots)):
        most += able.number[lots[place].segment]
    tender, supplier, count = np.empty(most, np.int64), np.empty(most, np.int64), 0
    qualified = np.zeros(len(lots), np.int64)
    for place in range(len(lots)):
        lot = lots[place]
        for nth in range(able.number[lot.segment]):
            one = able.supplier[lot.segment, nth]
            if coverage[lot.council, one] and sellers[one].turnover >= lot.asked:
                tender[count], supplier[count] = place, one
                qualified[place] += 1
                count += 1
    return tender[:count], supplier[:count], qualified


@compiled
def _able(sellers: Sellers, capability: FloatArray) -> Able:
    size, segments = capability.shape
    supplier, number = np.empty((segments, size), np.int64), np.zeros(segments, np.int64)
    for one in range(size):
        for segment in range(segments):
            if sellers[one].active and capability[one, segment] > 0.0:
                supplier[segment, number[segment]] = one
                number[segment] += 1
    return Able(supplier, number)


@compiled
def look(
    views: Any, beliefs: Beliefs, hub_elasticity: FloatArray, curse: FloatArray, rules: Rules
) -> None:
    """Write what suppliers bring to the segments in which they work, and expect there.

    Args:
        views: each supplier's `View` of each segment, suppliers x segments.
        beliefs: what suppliers hold and learned.
        hub_elasticity: fall of unit cost with hub volume, by segment.
        curse: error that bidders guard against, by segment.
        rules: numbers by which firms decide.
    """
    for supplier in range(len(beliefs.rivals)):
        for segment in range(len(curse)):
            if beliefs.capability[supplier, segment] <= 0.0:
                continue
            view, rivals = views[supplier, segment], beliefs.rivals[supplier, segment]
            volume, margin = beliefs.volume[supplier, segment], beliefs.margin[supplier, segment]
            view.hub = _hub_scale(volume, rules.hub_volume, hub_elasticity[segment])
            view.rivals = rivals
            view.markup = _markup(rivals, margin, rules.markup_base, rules.markup_width)
            view.guard = _shading(rivals, curse[segment])


@compiled
def make_bids(
    lots: Lots, sellers: Sellers, views: Any, tender: IntArray, supplier: IntArray, rules: Rules,
    bids: Any,
) -> int:  # fmt: skip
    """Write the bids that suppliers make, and return how many there are.

    Args:
        lots: the tenders.
        sellers: the suppliers.
        views: each supplier's view of each segment.
        tender: tender of each pair of those who qualify.
        supplier: its supplier.
        rules: numbers by which firms decide.
        bids: room for as many bids as there are pairs.
    """
    able, key = _who_can_carry(lots, sellers, tender, supplier, rules)
    fit, error, count = normals_at(rules.fit, key), normals_at(rules.own, key), 0
    for place in range(len(able)):
        of, one = tender[able[place]], supplier[able[place]]
        lot, seller, holds = lots[of], sellers[one], lots[of].incumbent == one
        luck = Luck(key[place], fit[place], error[place])
        if _considers(lot, seller, views[one, lot.segment], holds, luck, rules, bids[count]):
            bids[count].tender, bids[count].supplier = of, one
            count += 1
    return _afforded(bids, count, sellers)


@compiled
def _who_can_carry(
    lots: Lots, sellers: Sellers, tender: IntArray, supplier: IntArray, rules: Rules
) -> tuple[IntArray, KeyArray]:
    """Return the pairs whose supplier could take the tender on, and the keys of their bids."""
    able, key, count = np.empty(len(tender), np.int64), np.empty(len(tender), np.uint64), 0
    for pair in range(len(tender)):
        lot, seller = lots[tender[pair]], sellers[supplier[pair]]
        if _can_carry(lot, seller, rules):
            able[count], key[count] = pair, extended(seller.key, lot.key)
            count += 1
    return able[:count], key[:count]


@inlined
def _considers(
    lot: Lot, seller: Seller, view: View, holds: bool, luck: Luck, rules: Rules, bid: Bid
) -> bool:
    """Return whether a firm would bid, the money for it apart, and write the ``bid``."""
    cost = _true_cost(lot, seller, view, holds, luck)
    estimate = cost * (1.0 + lot.error + _own_error(luck, rules))
    profit = estimate * _profit_rate(lot, seller, view, rules)
    margin = profit + estimate * view.guard * lot.unknown
    loading = _risk_loading(lot.variance, seller.free_capital, rules.risk_tolerance)
    without_loss = estimate + margin + loading + lot.finance
    if without_loss >= lot.going and not _pays_at_going(lot, seller, view, holds, profit, rules):
        return False
    if not _worth(lot, seller, view, holds, without_loss, profit, rules) >= 0.0:
        return False
    risk = _borne_loss(lot, seller, rules) / lot.earning + loading
    price = estimate + margin + risk + lot.finance
    bid.cost, bid.estimate, bid.margin, bid.risk = cost, estimate, margin, risk
    bid.finance, bid.price, bid.cost_of_bid = lot.finance, price, _cost_of_bid(lot, seller)
    bid.worth = _worth(lot, seller, view, holds, price, profit, rules)
    return _above_hurdle(bid.worth, lot.hurdle, luck, rules)


# --- one pair of a tender and a supplier ---------------------------------------------------------


@inlined
def _can_carry(lot: Lot, seller: Seller, rules: Rules) -> bool:
    """Return whether teams are free, and capital can carry the risk and the investment."""
    return (
        seller.capacity - seller.load >= lot.work
        and rules.exposure_limit * seller.free_capital >= lot.spread
        and rules.investment_limit * seller.free_capital >= lot.invested
    )


@inlined
def _true_cost(lot: Lot, seller: Seller, view: View, holds: bool, luck: Luck) -> float:
    strategic = lot.segment == STRATEGIC
    efficiency = seller.strategic_efficiency if strategic else seller.efficiency
    fit = max(1.0 + lot.misfit * luck.fit, WORST_FIT)
    hub = 1.0 if lot.local else view.hub
    known = lot.holds if holds else lot.takes_over
    cost: float = _delivery_cost(lot.value, lot.scale, efficiency, fit, hub, known)
    return cost + seller.overhead


@inlined
def _own_error(luck: Luck, rules: Rules) -> float:
    drawn = rules.own_error * luck.error
    return min(max(drawn, -LARGEST_ERROR), LARGEST_ERROR)


@inlined
def _profit_rate(lot: Lot, seller: Seller, view: View, rules: Rules) -> float:
    """Return the mark-up that a firm counts as profit: competition's, and that of scarce teams."""
    scarce: float = _shortage_premium(seller.load + lot.work, seller.capacity, rules.shortage)
    return view.markup + scarce


@inlined
def _worth(
    lot: Lot, seller: Seller, view: View, holds: bool, price: float, profit: float, rules: Rules
) -> float:
    """Return expected profit over the cost of the bid; minus infinity where winning is hopeless."""
    fear = _fear(lot.incumbent, holds, rules.incumbent_fear)
    chance = _win_chance(price, lot.going, view.rivals, fear, rules.win_spread) * rules.award_rate
    if lot.shortened and chance < rules.least_win_chance:
        return -np.inf
    cost_of_bid = _cost_of_bid(lot, seller)
    worth: float = (chance * profit * lot.earning - cost_of_bid) / cost_of_bid
    return worth


@inlined
def _pays_at_going(
    lot: Lot, seller: Seller, view: View, holds: bool, profit: float, rules: Rules
) -> bool:
    """Return whether a bid would pay if it won as often as one at the price that is expected.

    A dearer one wins less often still; most are so turned away before a power is taken.
    """
    odds = _fear(lot.incumbent, holds, rules.incumbent_fear) * max(view.rivals - 1.0, 0.0)
    chance = 1.0 / (1.0 + odds) * rules.award_rate
    pays: bool = chance * profit * lot.earning >= _cost_of_bid(lot, seller)
    return pays


@inlined
def _cost_of_bid(lot: Lot, seller: Seller) -> float:
    return lot.cost_of_bid * seller.bid_share


@inlined
def _fear(incumbent: int, holds: bool, fear: float) -> float:
    """Return the factor on the odds of losing against an incumbent, or for it."""
    if holds:
        return 1.0 / fear
    return 1.0 if incumbent == NONE else fear


@inlined
def _borne_loss(lot: Lot, seller: Seller, rules: Rules) -> float:
    """Return the loss that a bidder expects to bear over the contract, £m; it may walk away."""
    loss, limited, before = 0.0, 0.0, -1.0
    for risk in range(len(RISKS)):
        median = lot.median[risk]
        if median != before:
            ahead = seller.log_most - lot.log_median[risk]
            limited = limited_loss(seller.most, median, ahead, rules.loss_spread)
        loss += lot.chance[risk] * limited
        before = median
    return loss


@inlined
def limited_loss(limit: float, median: float, ahead: float, spread: float) -> float:
    """Return `agents.supplier.limited_loss` from the logarithm ``ahead`` of limit over median."""
    if spread < LEAST_SPREAD:
        return min(median, limit)
    distance = ahead / spread
    below = median * math.exp(spread * spread / 2.0) * normal_probability(distance - spread)
    return below + limit * normal_probability(-distance)


@inlined
def _above_hurdle(worth: float, hurdle: float, luck: Luck, rules: Rules) -> bool:
    """Return whether profit over the cost of a bid is what the firm wants.

    The hurdle is its own view times all firms', hence never negative.
    """
    if not worth >= 0.0:
        return False
    own: float = _own_view(normal_at(extended(rules.hurdle, luck.key)))
    return worth >= hurdle * own


# --- money for bids ------------------------------------------------------------------------------


@compiled
def _afforded(bids: Any, count: int, sellers: Sellers) -> int:
    """Keep of the first ``count`` bids those that firms can pay, and return how many they are.

    Large firms pay from pre-sales money, most promising first. Sums are in whole pence, so that
    one firm's bids never touch another's last bit.
    """
    for bid in range(count):
        bids[bid].kept = True
    first, after = _by_promise(bids, count, sellers)
    for supplier in range(len(sellers)):
        left, bid = _pence(sellers[supplier].pre_sales), first[supplier]
        while bid != NONE:
            left -= _pence(bids[bid].cost_of_bid)
            bids[bid].kept = left >= 0
            bid = after[bid]
    return _closed_up(bids, count)


@inlined
def _pence(millions: float) -> int:
    return int(np.rint(millions * PENCE))


@compiled
def _by_promise(bids: Any, count: int, sellers: Sellers) -> tuple[IntArray, IntArray]:
    """Return each large supplier's most promising bid, and which follows each bid, or NONE."""
    first, after = np.full(len(sellers), NONE), np.full(count, NONE)
    for bid in range(count):
        supplier, last = bids[bid].supplier, NONE
        if not sellers[supplier].large:
            continue
        other = first[supplier]
        while other != NONE and bids[other].worth >= bids[bid].worth:
            last, other = other, after[other]
        after[bid] = other
        if last == NONE:
            first[supplier] = bid
        else:
            after[last] = bid
    return first, after


@compiled
def _closed_up(bids: Any, count: int) -> int:
    """Move the bids that are kept to the front, and return how many they are."""
    kept = 0
    for bid in range(count):
        if bids[bid].kept:
            bids[kept] = bids[bid]
            kept += 1
    return kept
