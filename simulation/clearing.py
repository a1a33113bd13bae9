"""Clearing: bids are judged, bidders leave or are left out, and each tender goes to its best."""

from typing import Any, NamedTuple

import numpy as np

from agents import supplier as firm
from agents.columns import NONE, IntArray
from agents.compiled import compiled, inlined, on_numbers
from agents.council import judged_price
from simulation.bidding import Bid, Lot, Lots, Seller, Sellers
from simulation.randomness import extended, normal_at, uniform_at

REASONS = ("awarded", "no bid", "too dear", "cancelled", "no capacity")
AWARDED, NO_BID, TOO_DEAR, CANCELLED, NO_CAPACITY = range(len(REASONS))

SPARED_EFFORT = 0.5
"""Part of the cost of a bid that a bidder saves who leaves before the end."""


class Customs(NamedTuple):
    """Numbers that rule a competition, with the starts of its draws.

    Attributes:
        leak: chance for each further client that a bidder learns its rank.
        shortlist: bidders kept where only the best few are.
    """

    leak: float
    shortlist: int
    evaluation: np.uint64
    scrutiny: np.uint64
    rank: np.uint64


_judged_price = on_numbers(judged_price)
_stays = on_numbers(firm.stays)


@compiled
def compete(bids: Any, lots: Lots, sellers: Sellers, customs: Customs, final: Any) -> int:
    """Judge ``bids``, write those that are ``final``, and return how many they are."""
    for one in range(len(bids)):
        bid = bids[one]
        _judge(bid, lots[bid.tender], sellers[bid.supplier], customs)
    first = first_bids(bids, len(lots))
    for tender in range(len(lots)):
        _shorten(bids, first[tender], first[tender + 1], lots[tender], sellers, customs)
    count = 0
    for one in range(len(bids)):
        if bids[one].kept:
            final[count] = bids[one]
            count += 1
    return count


@inlined
def _judge(bid: Bid, lot: Lot, seller: Seller, customs: Customs) -> None:
    """Write what evaluators make of a bid: the skilled look into what is too good to be true."""
    key = extended(seller.key, lot.key)
    noise = lot.noise * normal_at(extended(customs.evaluation, key))
    bid.judged = _judged_price(bid.price, seller.merit, noise)
    bid.rejected = bid.price < lot.low and uniform_at(extended(customs.scrutiny, key)) < lot.skill
    if bid.rejected:
        bid.judged = np.inf


@compiled
def _shorten(
    bids: Any, start: int, stop: int, lot: Lot, sellers: Sellers, customs: Customs
) -> None:
    """Keep the final ones of one tender's bids, those from ``start`` to ``stop``.

    With many clients, who learns that it is behind leaves, and is spared part of the cost of its
    bid; in competitive dialogue only the best few of the rest are kept.
    """
    if lot.clients > 1:
        behind = _behind(bids, start, stop)
        for one in range(start, stop):
            bid = bids[one]
            if not _stays_on(lot, sellers[bid.supplier], behind[one - start], customs):
                bid.kept = False
                bid.cost_of_bid *= SPARED_EFFORT
    if lot.shortened:
        behind = _behind(bids, start, stop)
        for one in range(start, stop):
            bids[one].kept = bids[one].kept and behind[one - start] < customs.shortlist


@compiled
def _behind(bids: Any, start: int, stop: int) -> IntArray:
    """Return how many bids that are kept are better than each from ``start`` to ``stop``."""
    behind = np.zeros(stop - start, np.int64)
    for one in range(start, stop):
        for other in range(start, stop):
            if bids[other].kept and _better(bids, other, one):
                behind[one - start] += 1
    return behind


@inlined
def _better(bids: Any, one: int, other: int) -> bool:
    equal = bids[one].judged == bids[other].judged
    return bids[one].judged < bids[other].judged or (equal and one < other)


@compiled
def first_bids(bids: Any, tenders: int) -> IntArray:
    """Return where the bids of each tender begin; one entry more ends the last."""
    first = np.zeros(tenders + 1, np.int64)
    for one in range(len(bids)):
        first[bids[one].tender + 1] += 1
    for tender in range(tenders):
        first[tender + 1] += first[tender]
    return first


@inlined
def _stays_on(lot: Lot, seller: Seller, rank: int, customs: Customs) -> bool:
    """Return whether a bidder stays in a competition whose clients let slip how it ranks."""
    drawn = uniform_at(extended(customs.rank, extended(seller.key, lot.key)))
    stays: bool = _stays(rank, lot.clients, customs.leak, drawn)
    return stays


@compiled
def award(bids: Any, lots: Lots, sellers: Sellers, turns: IntArray) -> tuple[IntArray, IntArray]:
    """Give each tender to its best acceptable bid whose firm still has room.

    Args:
        bids: final bids.
        lots: the tenders.
        sellers: the suppliers.
        turns: the order in which tenders are awarded.

    Returns:
        The winning bid of each tender (NONE where it failed) and the reason.
    """
    winning, reason = np.full(len(lots), NONE), np.zeros(len(lots), np.int64)
    first, taken = first_bids(bids, len(lots)), np.zeros(len(sellers))
    for tender in turns:
        lot, start, stop = lots[tender], first[tender], first[tender + 1]
        reason[tender] = _reason_without_offer(stop - start, lot.held)
        for one in range(start, stop):
            bid = bids[one]
            if not (lot.held and bid.price <= lot.most) or bid.rejected:
                continue
            if reason[tender] != AWARDED:
                reason[tender] = NO_CAPACITY
            seller, best = sellers[bid.supplier], winning[tender]
            has_room = seller.capacity - seller.load - taken[bid.supplier] >= lot.work
            if has_room and (best == NONE or bid.judged < bids[best].judged):
                winning[tender], reason[tender] = one, AWARDED
        if winning[tender] != NONE:
            taken[bids[winning[tender]].supplier] += lot.work
    return winning, reason


@inlined
def _reason_without_offer(bids: int, held: bool) -> int:
    if bids == 0:
        return NO_BID
    return TOO_DEAR if held else CANCELLED
