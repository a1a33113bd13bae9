"""Money moves in whole pence between named accounts, through one function."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.ledger import Account, Batch, Ledger, Purpose, shared_to_the_penny, to_pence

amounts = st.lists(st.integers(0, 10**14), min_size=3, max_size=3)


@given(st.lists(amounts, min_size=1, max_size=10))
def test_money_is_moved_never_made(rows):
    ledger = Ledger(councils=3)
    ledger.open_suppliers(3)
    ledger.open_quarter(1)
    everyone = np.arange(3)
    for row in rows:
        pence = np.array(row)
        ledger.post(ledger.council(everyone), ledger.supplier(everyone), Purpose.PRICE, pence)
        ledger.post(Account.TAXPAYERS, ledger.council(everyone), Purpose.BUDGET, pence)
    ledger.check()
    assert ledger.balance.sum() == 0
    assert ledger.council_balance().sum() == 0
    assert ledger.supplier_balance().sum() == sum(map(sum, rows))
    assert ledger.total(Purpose.PRICE) == sum(map(sum, rows))


def test_one_account_may_pay_another_twice_in_one_batch():
    ledger = Ledger(councils=1)
    ledger.open_suppliers(1)
    twice = np.zeros(2, dtype=np.int64)
    ledger.post(ledger.council(twice), ledger.supplier(twice), Purpose.PRICE, np.array([5, 7]))
    assert ledger.supplier_balance().tolist() == [12]


def test_a_negative_posting_is_refused_and_changes_nothing():
    ledger = Ledger(councils=2)
    with pytest.raises(ValueError, match="negative posting for PRICE"):
        ledger.post(
            Account.TAXPAYERS, ledger.council(np.arange(2)), Purpose.PRICE, np.array([1, -1])
        )
    assert not ledger.balance.any()
    assert not ledger.batches


def test_a_balance_changed_behind_the_ledger_s_back_is_found():
    ledger = Ledger(councils=2)
    ledger.open_quarter(1)
    ledger.post(Account.TAXPAYERS, ledger.council(np.arange(2)), Purpose.BUDGET, np.array([3, 4]))
    ledger.check()
    ledger.balance[ledger.council(0)] += 1
    with pytest.raises(ArithmeticError, match="do not balance in quarter 1"):
        ledger.check()


def test_a_posting_that_never_happened_is_found():
    ledger = Ledger(councils=1)
    ledger.open_quarter(2)
    one = np.array([1])
    ledger.batches.append(Batch(2, one, one + 1, Purpose.PRICE, one))
    with pytest.raises(ArithmeticError, match="quarter 2"):
        ledger.check()


def test_an_overdrawn_fund_is_found():
    ledger = Ledger(councils=1)
    ledger.open_quarter(1)
    ledger.post(Account.FUND, ledger.council(np.arange(1)), Purpose.FUND_CLAIM, np.array([1]))
    with pytest.raises(ArithmeticError, match="overdrawn"):
        ledger.check()


def test_flows_of_councils_are_counted_by_purpose_and_by_quarter():
    ledger = Ledger(councils=2)
    ledger.open_quarter(1)
    ledger.post(Account.TAXPAYERS, ledger.council(np.arange(2)), Purpose.BUDGET, np.array([3, 4]))
    ledger.open_quarter(2)
    ledger.post(Account.TAXPAYERS, ledger.council(np.arange(2)), Purpose.BUDGET, np.array([30, 40]))
    ledger.post(ledger.council(np.arange(2)), Account.RESOURCES, Purpose.IN_HOUSE, np.array([5, 0]))
    assert ledger.flow([Purpose.BUDGET], into=True).tolist() == [30, 40]
    assert ledger.flow([Purpose.IN_HOUSE]).tolist() == [5, 0]
    assert ledger.by_class(np.zeros(0, dtype=np.bool_))["amount"].tolist() == [7, 70, 5]


@given(st.floats(0, 1e5))
def test_pounds_round_to_the_nearest_penny(millions):
    assert abs(int(to_pence(np.array([millions]))[0]) - millions * 1e8) <= 0.5


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=40), st.integers(0, 10**12))
def test_a_sum_is_shared_to_the_penny(weights, total):
    share = np.array(weights) / sum(weights)
    parts = shared_to_the_penny(np.array([total]), np.zeros(len(share), dtype=np.int64), share)
    assert int(parts.sum()) == total
    assert (parts >= 0).all()
    assert (np.abs(parts - total * share) <= 1.0 + 1e-3).all()
