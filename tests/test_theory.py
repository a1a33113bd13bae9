"""The rules against textbook results: auctions, free entry, the winner's curse, sharing of risk."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import supplier
from simulation.assumptions import CENTRAL
from simulation.randomness import Draws
from simulation.risk import event_chance, outlook, own_loss_factor

ONE = np.ones(1)
BIDDERS = st.integers(1, 30)
SHARES = np.linspace(0.0, 1.0, 41)


def one(value):
    return np.array([float(value)])


# --- first-price auctions: costs uniform on [low, high] -------------------------------------------


@given(BIDDERS, st.floats(0.5, 2.0), st.floats(0.05, 1.0))
def test_the_expected_price_is_that_of_the_first_price_auction(bidders, low, width):
    """The lowest of N costs is low + width/(N + 1) on average; the price low + 2 width/(N + 1)."""
    lowest_cost = low + width / (bidders + 1)
    price = lowest_cost + supplier.markup(one(bidders), ONE, 0.0, width)[0]
    assert price == pytest.approx(low + 2 * width / (bidders + 1))


@given(BIDDERS, st.floats(0.05, 1.0))
def test_each_bidder_earns_its_chance_of_the_mark_up(bidders, width):
    """Profit a bidder is width/(N(N + 1)): the mark-up times a chance of one in N to win."""
    mark_up = supplier.markup(one(bidders), ONE, 0.0, width)[0]
    equals = supplier.win_chance(ONE, ONE, one(bidders), ONE, 0.2)[0]
    assert equals == pytest.approx(1 / bidders)
    earned = supplier.prospect(ONE, one(bidders), width, np.zeros(1))[0]
    assert earned == pytest.approx(mark_up * equals)


@pytest.mark.parametrize(
    ("cost_of_bid", "enter"), [(0.17, 1), (0.16, 2), (0.08, 3), (0.03, 5), (0.01, 9)]
)
def test_firms_enter_while_profit_covers_the_cost_of_a_bid(cost_of_bid, enter):
    """With costs uniform on [0, 1] the largest N with N(N + 1) <= 1/k enter."""
    numbers = np.arange(1.0, 60.0)
    pays = supplier.prospect(np.ones(59), numbers, 1.0, np.full(59, cost_of_bid)) > 0
    assert pays.sum() == enter
    assert enter == math.floor((math.sqrt(1 + 4 / cost_of_bid) - 1) / 2)
    assert pays[:enter].all()


@given(BIDDERS, st.floats(0.1, 10.0))
def test_a_larger_deal_carries_its_fixed_cost_and_draws_firms_that_a_small_one_does_not(
    bidders, value
):
    """A fixed cost of bidding is why pooled demand can bring more bidders (D0 ¶25-26, 59)."""
    small = supplier.prospect(one(value), one(bidders), 0.3, one(0.06))[0]
    large = supplier.prospect(one(5 * value), one(bidders), 0.3, one(0.06))[0]
    assert large >= 5 * small
    assert large > small or large == 0


# --- the winner's curse --------------------------------------------------------------------------


def winners_loss(bidders, spread, shading=0.0):
    """Return what winners lose against estimates, true costs being 1: the mean of many auctions."""
    tender, bidder = np.arange(4000)[:, None], np.arange(bidders)[None, :]
    estimate = 1.0 + spread * Draws(1).normal("estimate", tender, bidder)
    return float(1.0 - (estimate.min(axis=1) + shading).mean())


def test_who_wins_has_erred_and_the_more_bidders_the_more():
    losses = [winners_loss(bidders, 0.05) for bidders in (1, 2, 3, 5, 10)]
    assert abs(losses[0]) < 0.003
    assert losses == sorted(losses)
    assert losses[1] == pytest.approx(0.05 * 0.5642, abs=0.002)
    assert losses[3] == pytest.approx(0.05 * 1.1630, abs=0.002)


@pytest.mark.parametrize("bidders", [2, 3, 5, 10])
def test_shading_takes_back_part_of_the_curse_and_no_more(bidders):
    shading = supplier.shading(one(bidders), one(0.05))[0]
    unguarded, guarded = winners_loss(bidders, 0.05), winners_loss(bidders, 0.05, shading)
    assert guarded + 0.002 >= 0
    assert guarded < unguarded


def test_nobody_shades_without_rivals():
    assert supplier.shading(one(1), one(0.05))[0] == 0


# --- the best share of risk ----------------------------------------------------------------------


def cost_of_risk(share, control, free_capital, **assumed):
    """Return what one category of risk costs in all at ``share``: priced, and kept by the council.

    A project of £10m of complexity 1; the supplier prices the loss that it expects and a loading on
    its variance.
    """
    assumptions = dataclasses.replace(CENTRAL, **assumed)
    shares = np.full((1, 3), share)
    profile = np.array([[1.0, 0.0, 0.0]])
    controls = np.array([control, 0.5, 0.5])
    chance = event_chance(shares, profile, ONE, controls, assumptions)
    factor = own_loss_factor(one(0.5), assumptions.own_loss_surcharge)
    risk = outlook(chance, shares, one(10.0), factor, assumptions)
    loading = supplier.risk_loading(
        risk.supplier_variance, one(free_capital), assumptions.risk_tolerance
    )
    return float((risk.supplier_loss + loading + risk.council_loss)[0])


def best_share(control, free_capital=50.0, **assumed):
    costs = [cost_of_risk(share, control, free_capital, **assumed) for share in SHARES]
    return float(SHARES[int(np.argmin(costs))])


def test_risk_goes_to_who_can_control_it():
    """The standard result of contract theory (D0 ¶20, 84): the best share rises with control."""
    best = [best_share(control) for control in (0.0, 0.2, 0.5, 0.8, 1.0)]
    assert best == sorted(best)
    assert best[0] == 0.0
    assert best[-1] > 0.3


def test_where_both_have_some_control_the_best_share_is_inside():
    best = best_share(0.6)
    assert 0.0 < best < 1.0
    ends = cost_of_risk(0.0, 0.6, 50.0), cost_of_risk(1.0, 0.6, 50.0)
    assert cost_of_risk(best, 0.6, 50.0) < min(ends)


def test_deeper_pockets_bear_more():
    best = [best_share(0.8, free_capital) for free_capital in (5.0, 20.0, 80.0, 1e6)]
    assert best == sorted(best)
    assert best[0] < best[-1]


def test_without_care_to_take_risk_stays_with_who_bears_it_cheapest():
    """Nobody's care matters: then only the loading and the surcharge do."""
    assert best_share(0.8, free_capital=1e9, care=0.0, own_loss_surcharge=0.25) == 1.0
    assert best_share(0.8, free_capital=1.0, care=0.0, own_loss_surcharge=0.0) == 0.0


# --- limited liability ---------------------------------------------------------------------------


@given(st.floats(0.01, 100.0), st.floats(0.01, 100.0), st.floats(0.1, 1.5))
def test_a_supplier_prices_no_more_than_it_would_bear(limit, median, spread):
    borne = supplier.limited_loss(one(limit), one(median), spread)[0]
    mean = median * math.exp(spread**2 / 2)
    assert 0 <= borne <= min(limit, mean) * (1 + 1e-9)


def test_the_mean_of_a_loss_cut_off_at_a_limit():
    """Against 200,000 draws of a lognormal loss with median 1 and spread 0.8, cut off at 2."""
    drawn = np.exp(0.8 * Draws(3).normal("loss", np.arange(200_000)))
    expected = float(np.minimum(drawn, 2.0).mean())
    assert supplier.limited_loss(one(2.0), ONE, 0.8)[0] == pytest.approx(expected, rel=0.003)


def test_thin_firms_price_less_risk_than_deep_pockets():
    """Who can walk away underprices risk: so transfer beyond their means buys failures (D0 ¶20)."""
    priced = supplier.limited_loss(np.array([0.1, 1.0, 100.0]), np.ones(3), 0.8)
    assert (np.diff(priced) > 0).all()
