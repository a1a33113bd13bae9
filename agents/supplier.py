"""Suppliers: their columns and the rules by which they bid, price, learn, grow and leave.

Rules are functions of arrays and numbers; money in £m at 2006 prices, annual where not said
otherwise, shares in [0, 1].
"""

from typing import Any

import numpy as np
from scipy.special import ndtr

from agents.columns import (
    BoolArray,
    FloatArray,
    IntArray,
    KeyArray,
    Table,
    flag,
    identity,
    number,
    whole,
)
from agents.handles import Handle

SEGMENTS = 7


class Suppliers(Table):
    """One row a supplier, in the order in which they came."""

    key: KeyArray = identity("hash of what identifies it")
    large: BoolArray = flag("a large supplier; an SME otherwise")
    active: BoolArray = flag("in the market", initial=True)
    home: IntArray = whole("row", "council near which an SME is based")
    capability: FloatArray = number("share", "capability by segment", width=(SEGMENTS,))
    efficiency: FloatArray = number("factor", "cost against councils' own", initial=1.0)
    quality: FloatArray = number("index", "quality of service, in-house 1", initial=1.0)
    outside_turnover: FloatArray = number("£m a year", "turnover outside this market")
    capital_target: IntArray = whole("pence", "capital it holds on to")
    capacity: FloatArray = number("£m a year", "work in transition that its teams can carry")
    load: FloatArray = number("£m a year", "work in transition that they carry")
    exposure: FloatArray = number("£m", "loss that its contracts in force could bring")
    pre_sales: FloatArray = number("£m", "money for bids, in hand")
    rivals: FloatArray = number("bids", "bids it expects, by segment", width=(SEGMENTS,))
    margin: FloatArray = number(
        "factor", "learned factor on its mark-up", initial=1, width=(SEGMENTS,)
    )
    turnover: FloatArray = number("£m a year", "turnover in this market")
    contracts: IntArray = whole("count", "contracts in force")
    since_win: IntArray = whole(
        "quarters", "quarters since it last won, by segment", width=(SEGMENTS,)
    )
    reputation: FloatArray = number("share", "record in the sector", initial=0.5)
    entered: IntArray = whole("quarter", "quarter in which it came; 0 at the start")
    left: IntArray = whole("quarter", "quarter in which it left; 0 while active")
    failed: BoolArray = flag("it left because it ran out of capital")


def delivery_cost(
    value: FloatArray,
    demand_scale: FloatArray,
    efficiency: FloatArray,
    fit: FloatArray,
    hub: FloatArray,
    incumbency: FloatArray,
) -> FloatArray:
    """Return what it costs a firm to deliver a requirement of annual value ``value``.

    The factors: scale on the side of demand less coordination, the firm's efficiency, how well it
    fits this tender, scale in its own hubs (D0 ¶47), and knowing or not knowing the service.
    """
    return value * demand_scale * efficiency * fit * hub * incumbency


def demand_scale(
    value: FloatArray,
    own_value: FloatArray,
    councils: IntArray,
    elasticity: FloatArray,
    coordination: FloatArray,
) -> FloatArray:
    """Return the factor on cost from pooling demand and from coordinating councils.

    Args:
        value: joint annual value.
        own_value: scale that members' baselines already hold, sum of squares over sum.
        councils: number of members.
        elasticity: fall of unit cost with scale.
        coordination: rise of cost for each further council.
    """
    return (value / own_value) ** -elasticity * (1.0 + coordination * (councils - 1))


def hub_scale(volume: FloatArray, unit_volume: float, elasticity: FloatArray) -> FloatArray:
    """Return the factor on cost from ``volume`` in the firm's hubs; 1 without any."""
    return (1.0 + volume / unit_volume) ** -elasticity


def markup(rivals: FloatArray, learned: FloatArray, base: float, width: float) -> FloatArray:
    """Return the mark-up on cost against ``rivals`` expected bids.

    With costs uniform on a range of ``width`` the first-price equilibrium mark-up is width/(N + 1).
    """
    return base + learned * width / (rivals + 1.0)


def shading(rivals: FloatArray, error: FloatArray) -> FloatArray:
    """Return what guards against the winner's curse: none alone, ``error`` among very many."""
    return error * (1.0 - 1.0 / rivals)


def shortage_premium(load: FloatArray, capacity: FloatArray, steepness: float) -> FloatArray:
    """Return the mark-up of teams that are nearly used up: nil below 70% of capacity."""
    used = load / np.maximum(capacity, 1e-12)
    return steepness * np.minimum(np.maximum((used - 0.7) / 0.3, 0.0), 1.0)


def free_capital(capital: FloatArray, exposure: FloatArray, weight: float) -> FloatArray:
    """Return capital not tied up by what contracts in force could lose, at least a fifth of it."""
    return np.maximum(np.maximum(capital - weight * exposure, 0.2 * capital), 1e-6)


def risk_loading(variance: FloatArray, free: FloatArray, tolerance: float) -> FloatArray:
    """Return the price of bearing ``variance`` (£m squared) on ``free`` capital (£m), £m."""
    return variance / (2.0 * tolerance * free)


def win_chance(
    price: FloatArray,
    expected_price: FloatArray,
    rivals: FloatArray,
    fear: FloatArray,
    spread: float,
) -> FloatArray:
    """Return the chance to win against ``rivals`` - 1 others at their expected price.

    ``fear`` multiplies the odds of losing: above 1 against an incumbent, below 1 for it.
    """
    odds = fear * np.maximum(rivals - 1.0, 0.0) * (price / expected_price) ** (1.0 / spread)
    return 1.0 / (1.0 + odds)


def regard(commitment: FloatArray, skill: FloatArray, resilience: FloatArray) -> FloatArray:
    """Return how suppliers regard a client, 0-1 (D0 ¶17).

    Commitment counts most, then skill in buying and how well the case would bear bad news.
    """
    return 0.6 * commitment + 0.2 * skill + 0.2 * resilience


def bid_hurdle(
    base: float, regard: FloatArray, strength: float, repulsion: FloatArray
) -> FloatArray:
    """Return the expected profit over bid cost that firms in general want before they bid.

    Suppliers qualify their clients (D0 ¶17): a client held in regard lowers the hurdle;
    ``repulsion`` is what puts all firms off one tender, on the log scale.
    """
    return base * np.exp(strength * (0.5 - regard) + repulsion)


def own_view(drawn: FloatArray) -> FloatArray:
    """Return the factor on the hurdle by what one firm sees in a tender (standard normal draws)."""
    return np.exp(0.8 * drawn)


def bid_cost(fixed: FloatArray, rate: FloatArray, contract_value: FloatArray) -> FloatArray:
    """Return the cost of a large supplier's bid, £m; the rate falls above £50m of value."""
    falling = np.minimum((np.maximum(contract_value, 1e-9) / 50.0) ** -0.3, 1.0)
    return fixed + rate * falling * contract_value


def commits(
    capital: FloatArray, remaining_margin: FloatArray, name: FloatArray, share: float
) -> FloatArray:
    """Return the loss on one contract (£m) up to which a supplier stays and makes good.

    Deep pockets rescue, and so does a name to lose in a networked sector (D0 ¶30).

    Args:
        capital: £m.
        remaining_margin: what the contract has still to earn, £m.
        name: what its name in the sector is worth to it, £m.
        share: part of its capital that it would lose on one contract.
    """
    return np.maximum(share * capital + 0.25 * np.maximum(remaining_margin, 0.0) + name, 0.0)


LEAST_SPREAD = 1e-12
"""Standard deviation of a log loss below which it is taken for none; dividing by less overflows."""


def limited_loss(limit: FloatArray, median: FloatArray, spread: float) -> FloatArray:
    """Return the mean of a lognormal loss of which no more than ``limit`` is borne, £m.

    A supplier walks away from what is beyond its limit, so it prices no more than that.

    Args:
        limit: most that is borne, £m, positive.
        median: median loss, £m.
        spread: standard deviation of the log loss.
    """
    if spread < LEAST_SPREAD:
        return np.minimum(median, limit)
    distance = np.log(np.maximum(limit, 1e-12) / np.maximum(median, 1e-12)) / spread
    below = median * np.exp(spread * spread / 2.0) * ndtr(distance - spread)
    borne: FloatArray = below + limit * ndtr(-distance)
    return borne


def invests(value: FloatArray, worth: FloatArray, gain: float, platform: float) -> BoolArray:
    """Return for which contracts a platform of their own pays: volume overcomes its cost.

    Committed volume so brings investment and a discount (D0 ¶54; D1 §1.3).

    Args:
        value: £m a year.
        worth: of £1 a year of saving over the contract at the supplier's cost of capital, £.
        gain: share of cost that the platform saves.
        platform: its cost, £m.
    """
    pays: BoolArray = gain * value * worth > platform
    return pays


def stays(rank: IntArray, clients: IntArray, leak: float, drawn: FloatArray) -> BoolArray:
    """Return which bidders stay in a competition in which clients let slip how they rank.

    With several clients rank leaks, and who learns that it is not among the first two leaves
    (D1 §6.2).

    Args:
        rank: place among the bids so far, from 0.
        clients: councils in the tender.
        leak: chance for each further client that a bidder learns its rank.
        drawn: uniform draws.
    """
    learns = 1.0 - (1.0 - leak) ** (clients - 1)
    staying: BoolArray = (rank < 2) | (drawn >= learns)
    return staying


def dispute_settled(shortfall: FloatArray, part: float) -> FloatArray:
    """Return by how much a disputed price rises, over in-house cost (D1 §6.4)."""
    return part * shortfall


def learn(belief: FloatArray, seen: FloatArray, rate: float) -> FloatArray:
    """Return beliefs moved towards what was seen, at ``rate`` an occasion."""
    return belief + rate * (seen - belief)


def grow(
    capacity: FloatArray, load: FloatArray, pipeline: FloatArray, up: float, down: float
) -> FloatArray:
    """Return next quarter's capacity: built for a visible pipeline, never below the load.

    Teams grow slowly because programme managers are scarce (D0 ¶36).
    """
    wanted = (load > 0.6 * capacity) | (pipeline > capacity)
    return np.maximum(np.where(wanted, capacity * (1.0 + up), capacity * (1.0 - down)), load)


def works_here(capability: FloatArray) -> BoolArray:
    """Return which firms belong to this market: those capable in any segment (firms x segments)."""
    able: BoolArray = (capability > 0).any(axis=1)
    return able


def payback_quarters(
    investment: FloatArray, value: FloatArray, usual: float, length: FloatArray
) -> FloatArray:
    """Return the quarters in which up-front investment is earned back.

    The usual time, longer where no more than half of what the service costs can be spared for it,
    and never longer than the contract.

    Args:
        investment: £m.
        value: in-house cost of the services, £m a year.
        usual: quarters.
        length: of the contract, quarters.
    """
    needed = investment / np.maximum(value / 8.0, 1e-12)
    return np.minimum(np.maximum(np.maximum(usual, needed), 1.0), length)


def gives_up(since_win: IntArray, contracts: IntArray, patience: FloatArray) -> BoolArray:
    """Return where firms give up a segment: no contract in it and no win for ``patience``.

    Losers of large deals idle their capacity and leave (D0 ¶49, 54, 63).

    Args:
        since_win: quarters since the last win (firms x segments).
        contracts: contracts in force (firms x segments).
        patience: quarters (firms x segments).
    """
    gone: BoolArray = (contracts == 0) & (since_win >= patience)
    return gone


def prospect(
    value: FloatArray, rivals: FloatArray, width: float, cost_of_bid: FloatArray
) -> FloatArray:
    """Return what a typical firm expects to earn on a tender, £m; nothing where it would not bid.

    A first-price auction leaves each of N bidders width/(N(N + 1)) of the value (auction theory),
    less the cost of the bid.

    Args:
        value: contract value, £m.
        rivals: bids that come in the segment, N.
        width: range of costs.
        cost_of_bid: £m.
    """
    number = np.maximum(rivals, 1.0)
    return np.maximum(value * width / (number * (number + 1.0)) - cost_of_bid, 0.0)


def entry_chance(opportunity: float, hazard: float) -> float:
    """Return the chance that a firm at the door comes in; it rises with opportunity (1: normal)."""
    return float(min(max(hazard * opportunity**2, 0.0), 1.0))


class Supplier(Handle):
    """Mesa's handle on one row of `Suppliers`."""

    @property
    def name(self) -> str:
        """Invented name."""
        return self.model.supplier_names[self.row]

    @property
    def is_large(self) -> bool:
        """Whether it is a large supplier."""
        return bool(self.model.suppliers.large[self.row])

    @property
    def capital(self) -> float:
        """Capital, £m."""
        return float(self.model.ledger.supplier_balance()[self.row]) / 1e8

    @property
    def contracts(self) -> int:
        """Contracts in force."""
        return int(self.model.suppliers.contracts[self.row])

    def describe(self) -> dict[str, Any]:
        """Return its columns by name."""
        return self.columns_of(self.model.suppliers)


class LargeSupplier(Supplier):
    """A national supplier with hubs, deep pockets and a pre-sales budget."""


class Sme(Supplier):
    """A regional supplier: narrow, thin of capital, cheap to run."""
