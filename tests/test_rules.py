"""Actors' rules on a handful of numbers: theory, monotonicity and worked examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import council, government, partnership, supplier
from simulation.assumptions import CENTRAL
from simulation.risk import event_chance, loss_moments, outlook, own_loss_factor
from simulation.segments import SEGMENT_NAMES, ramp_table, segment_table, worth_of_saving
from tests.worlds import one, shares

ones = np.ones(1)


# --- price and bids ------------------------------------------------------------------------------


@pytest.mark.parametrize(("bidders", "expected"), [(1, 0.5), (2, 1 / 3), (4, 0.2), (9, 0.1)])
def test_the_mark_up_is_the_first_price_equilibrium_one(bidders, expected):
    """With costs uniform on [0, 1], bidders add (1 - cost)/N; on average that is 1/(N + 1)."""
    assert supplier.markup(one(bidders), ones, 0.0, 1.0)[0] == pytest.approx(expected)


@given(st.integers(1, 20))
def test_the_mark_up_earns_what_theory_says_a_bidder_earns(bidders):
    """Profit per bidder (hi - lo)/(N(N + 1)): the mark-up times the chance to win, 1/N."""
    mark = supplier.markup(one(bidders), ones, 0.0, 1.0)[0]
    assert mark / bidders == pytest.approx(1 / (bidders * (bidders + 1)))


@given(st.floats(1, 20), st.floats(1, 20))
def test_shading_grows_with_rivals(some, more):
    low, high = sorted((some, more))
    shaded = [supplier.shading(one(n), one(0.1))[0] for n in (low, high)]
    assert 0 <= shaded[0] <= shaded[1] < 0.1


@given(st.floats(1, 15), st.floats(0.5, 2), st.floats(0.05, 1))
def test_at_the_expected_price_the_chance_to_win_is_one_in_n(rivals, price, spread):
    chance = supplier.win_chance(one(price), one(price), one(rivals), ones, spread)
    assert chance[0] == pytest.approx(1 / rivals)


@given(st.floats(0.5, 2), st.floats(0.5, 2), st.floats(1, 10))
def test_a_lower_price_never_wins_less_often(price, other, rivals):
    low, high = sorted((price, other))
    chances = [supplier.win_chance(one(p), ones, one(rivals), ones, 0.2)[0] for p in (low, high)]
    assert chances[0] >= chances[1]


def test_fear_of_an_incumbent_lowers_the_chance_to_win_and_the_incumbent_s_rises():
    chances = [
        supplier.win_chance(ones, ones, one(3), one(fear), 0.2)[0] for fear in (1 / 1.5, 1, 1.5)
    ]
    assert chances[0] > chances[1] > chances[2]


def test_bids_cost_a_share_of_value_that_falls_above_fifty_million():
    cost = supplier.bid_cost(np.zeros(3), np.full(3, 0.02), np.array([10.0, 50.0, 400.0]))
    assert cost[0] == pytest.approx(0.2)
    assert cost[1] == pytest.approx(1.0)
    assert 1.0 < cost[2] < 8.0


def test_commitment_lowers_the_hurdle():
    hurdles = supplier.bid_hurdle(0.15, np.array([0.2, 0.5, 0.8]), 3.0, np.zeros(3))
    assert hurdles[1] == pytest.approx(0.15)
    assert hurdles[0] > hurdles[1] > hurdles[2]


@given(st.floats(0, 10), st.floats(0.1, 10))
def test_scarce_teams_add_nothing_below_seven_tenths_and_no_more_than_the_full_premium(load, room):
    premium = supplier.shortage_premium(one(load), one(room), 0.15)[0]
    assert 0 <= premium <= 0.15
    assert premium == 0 or load > 0.7 * room


# --- cost and scale ------------------------------------------------------------------------------


def test_two_equal_councils_gain_two_to_the_minus_alpha():
    assert council.scale_gain(1.0, 1.0, 0.1) == pytest.approx(1 - 2**-0.1)


@given(st.floats(0.01, 50), st.floats(0.01, 50), st.floats(0, 0.3))
def test_the_gain_from_scale_is_never_more_than_from_doubling(value, added, elasticity):
    gain = council.scale_gain(value, added, elasticity)
    assert -1e-12 <= gain <= 1 - 2**-elasticity + 1e-12


@given(st.floats(0.1, 10))
def test_a_council_alone_has_no_gain_and_no_coordination(value):
    alone = supplier.demand_scale(one(value), one(value), np.array([1]), one(0.1), one(0.02))
    assert alone[0] == 1.0


def test_hubs_lower_cost_with_volume_and_are_one_without():
    factor = supplier.hub_scale(np.array([0.0, 15.0, 150.0]), 15.0, np.full(3, 0.04))
    assert factor[0] == 1.0
    assert factor[1] == pytest.approx(2**-0.04)
    assert factor[2] < factor[1]


# --- risk ----------------------------------------------------------------------------------------

CONTROL = np.array([0.8, 0.2, 0.85])


def expected_loss(share, control):
    """Return what an event costs both parties together, for one risk under ``control``."""
    shares = np.array([[share, 0.0, 0.0]])
    profile = np.array([[1.0, 0.0, 0.0]])
    chance = event_chance(shares, profile, one(0.7), np.array([control, 0, 0]), CENTRAL)
    return float(chance[0, 0])


@given(shares, st.floats(0.05, 0.95))
def test_the_chance_of_an_event_is_a_probability(share, control):
    assert 0 <= expected_loss(share, control) <= 1


def test_a_risk_is_best_borne_mostly_by_who_controls_it():
    grid = np.linspace(0, 1, 101)
    best = {w: grid[np.argmin([expected_loss(x, w) for x in grid])] for w in (0.2, 0.5, 0.8)}
    assert best[0.5] == pytest.approx(0.5, abs=0.011)
    assert 0 < best[0.2] < best[0.5] < best[0.8] < 1


def test_without_care_the_share_of_risk_changes_no_chance():
    import dataclasses

    careless = dataclasses.replace(CENTRAL, care=0.0)
    profile = np.array([[0.3, 0.3, 0.4]])
    chances = [
        event_chance(np.full((1, 3), x), profile, one(0.7), CONTROL, careless)
        for x in (0.0, 0.5, 1.0)
    ]
    assert (chances[0] == chances[1]).all() and (chances[1] == chances[2]).all()


def test_losses_have_the_moments_of_their_distribution():
    from simulation.randomness import Draws

    drawn = CENTRAL.loss_median * np.exp(
        CENTRAL.loss_spread * Draws(1).normal("loss", np.arange(400_000))
    )
    mean, square = loss_moments(CENTRAL)
    assert drawn.mean() == pytest.approx(mean, rel=0.01)
    assert (drawn**2).mean() == pytest.approx(square, rel=0.05)


@given(shares)
def test_what_one_party_does_not_bear_the_other_does(share):
    chance, cost = np.full((1, 3), 0.2), one(10.0)
    expected = outlook(chance, np.full((1, 3), share), cost, one(1.25), CENTRAL)
    kept = expected.council_loss[0] / 1.25
    total = 0.6 * loss_moments(CENTRAL)[0] * 10.0
    assert expected.supplier_loss[0] + kept == pytest.approx(total)


def test_skill_in_managing_risk_makes_own_losses_cheaper():
    factors = own_loss_factor(np.array([0.0, 0.5, 1.0]), 0.25)
    assert factors.tolist() == [1.5, 1.25, 1.0]


def test_deep_pockets_commit_more():
    limits = supplier.commits(np.array([1.0, 10.0, 100.0]), np.zeros(3), np.zeros(3), 0.22)
    assert limits.tolist() == pytest.approx([0.22, 2.2, 22.0])
    for_its_name = supplier.commits(one(1.0), one(4.0), one(0.5), 0.22)
    assert for_its_name[0] == pytest.approx(0.22 + 1.0 + 0.5)


# --- councils, elections and the fund -------------------------------------------------------------


def test_pressure_builds_over_four_years_and_a_saver_feels_none():
    rates = np.array([0.0, 0.05, 0.2])
    assert council.pressure(2.5, 4, rates, 0.1).tolist() == pytest.approx([0.25, 0, 0])
    assert council.pressure(2.5, 40, rates, 0.1).tolist() == pytest.approx([1.0, 0.5, 0])
    assert council.pressure(0.0, 40, rates, 0.1).tolist() == [0, 0, 0]


def test_a_business_case_bears_the_price_at_which_savings_repay_set_up():
    """£1 a year of saving worth £4.5: a set-up of £4.5m needs £1m a year."""
    given = {"worth": one(4.5), "client_side": 0.0}
    ceiling = council.highest_viable_price(one(10.0), one(4.5), **given, optimism=0.0)
    assert ceiling[0] == pytest.approx(9.0)
    hopeful = council.highest_viable_price(one(10.0), one(4.5), **given, optimism=0.25)
    assert hopeful[0] == pytest.approx(9.2)


def test_savings_that_are_reached_at_once_are_worth_their_annuity_and_others_less():
    """Six years at 3.5%: an annuity of 5.33, at mid-quarters a little more."""
    worth = worth_of_saving(0.035)[:, 24]
    at_once = sum(0.25 * 1.035 ** (-(quarter + 0.5) / 4) for quarter in range(24))
    first = 0.25 * 0.5 * 1.035 ** (-1 / 8)
    assert worth[SEGMENT_NAMES.index("architecture")] == pytest.approx(at_once - first)
    assert worth[SEGMENT_NAMES.index("functional")] < worth[SEGMENT_NAMES.index("applications")]
    assert (np.diff(ramp_table(), axis=1) >= 0).all()
    assert ramp_table()[:, -1].tolist() == pytest.approx([1.0] * len(SEGMENT_NAMES))


def test_a_worse_deal_is_not_cheaper_to_set_up():
    cost = partnership.set_up_cost(np.array([1.0, 10.0, 100.0]), 0.05, 2.0, 0.3)
    assert cost.tolist() == pytest.approx([0.3, 1.0, 10.0])


@pytest.mark.parametrize(
    ("year", "county", "london", "whole", "thirds", "halves"),
    [
        (2006, False, True, False, True, True),
        (2007, False, False, True, True, False),
        (2008, False, False, False, True, True),
        (2009, True, False, False, False, False),
        (2010, False, True, False, True, True),
        (2011, False, False, True, True, False),
    ],
)
def test_elections_fall_in_the_years_in_which_they_were_held(
    year, county, london, whole, thirds, halves
):
    is_whole = np.array([True, True, True, False, False])
    is_halves = np.array([False, False, False, False, True])
    offset = np.array([2005, 2006, 2007, 2005, 2007])
    due = council.election_due(year, is_whole, is_halves, offset)
    assert due.tolist() == [county, london, whole, thirds, halves]


def test_the_fund_ranks_by_value_or_by_size():
    saving, claim, size = [1.0, 2.0, 2.0], [1.0, 1.0, 4.0], [3.0, 2.0, 1.0]
    assert government.PRIORITIES["value"](saving, claim, size) == [1, 0, 2]
    assert government.PRIORITIES["small_first"](saving, claim, size) == [2, 1, 0]


@given(st.integers(-(10**9), 10**9), shares, st.integers(0, 10**9))
def test_repayment_is_a_share_of_positive_savings_until_the_claim_is_whole(saving, share, owed):
    due = government.repayment_due(np.array([saving]), share, np.array([owed]))[0]
    assert 0 <= due <= owed
    assert due == min(round(max(saving, 0) * share), owed)


def test_firms_leave_for_want_of_wins_and_come_where_there_is_opportunity():
    since, held = np.array([[20, 20, 3]]), np.array([[0, 1, 0]])
    gone = supplier.gives_up(since, held, np.array([[14.0, 14.0, 14.0]]))
    assert gone.tolist() == [[True, False, False]]
    assert supplier.entry_chance(0.5, 0.04) < supplier.entry_chance(1.0, 0.04) == 0.04
    assert supplier.entry_chance(100.0, 0.04) == 1.0


@given(st.floats(0.1, 10), shares, st.floats(0, 10))
def test_teams_grow_slowly_and_never_below_their_load(capacity, used, pipeline):
    load = used * capacity
    grown = supplier.grow(one(capacity), one(load), one(pipeline), 0.03, 0.015)[0]
    assert load <= grown <= capacity * 1.03 + 1e-12


# --- clients, records and reference prices -------------------------------------------------------


@given(st.integers(1, 40), st.floats(0, 1), st.lists(shares, min_size=1, max_size=20))
def test_the_first_two_stay_and_nobody_leaves_a_single_client(clients, leak, drawn):
    rank, luck = np.arange(len(drawn)), np.array(drawn)
    many = np.full(len(drawn), clients)
    assert supplier.stays(rank, many, leak, luck)[:2].all()
    assert supplier.stays(rank, np.ones(len(drawn)), leak, luck).all()
    assert supplier.stays(rank, many, 0.0, luck).all()
    fewer = supplier.stays(rank, many + 1, leak, luck)
    assert (supplier.stays(rank, many, leak, luck) >= fewer).all()


def test_commitment_counts_most_in_a_client():
    full, none = one(1.0), one(0.0)
    assert supplier.regard(full, full, full)[0] == pytest.approx(1.0)
    assert supplier.regard(full, none, none) > supplier.regard(none, full, full)


def test_four_times_the_prices_halve_what_is_not_known():
    blur = council.reference_blur(0.1, np.array([0.0, 3.0, 15.0]))
    assert blur.tolist() == pytest.approx([0.1, 0.05, 0.025])


def test_skill_removes_a_buyer_s_own_errors_and_not_those_of_few_prices():
    assert council.evaluation_noise(0.06, one(1.0), one(0.02))[0] == pytest.approx(0.02)
    assert council.evaluation_noise(0.06, one(0.0), one(0.02))[0] == pytest.approx(0.08)


def test_a_settled_dispute_shares_the_shortfall():
    assert supplier.dispute_settled(one(0.2), 0.4)[0] == pytest.approx(0.08)


def test_savings_are_reached_by_source():
    """Licences in a quarter, management in four, pooling in eight, processes in ten (D0 ¶61)."""
    table, reached = segment_table(), ramp_table()
    assert table.sources.sum(axis=1) == pytest.approx(np.ones(len(SEGMENT_NAMES)))
    functional = reached[SEGMENT_NAMES.index("functional")]
    year = 0.3 * 1.0 + 0.4 * 4.5 / 10 + 0.05 + 0.25 * 4.5 / 8
    assert functional[4] == pytest.approx(year)
