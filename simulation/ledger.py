"""Money: every £ moves between named accounts through one function, in whole pence.

Accounts are numbered: institutions first, then councils in register order, then suppliers in the
order in which they came. Independently of the balances that postings change, `Ledger.check` adds up
what was posted in the quarter and compares.
"""

from collections.abc import Iterable
from enum import IntEnum, unique
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.compiled import compiled, inlined

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

PENCE = 100_000_000
"""Pence in £1m."""


class Account(IntEnum):
    """Accounts of institutions; a council's and a supplier's come after them."""

    TAXPAYERS = 0
    EXCHEQUER = 1
    FUND = 2
    LENDERS = 3
    RESOURCES = 4
    OWNERS = 5
    CREDITORS = 6
    OUTSIDE = 7


ACCOUNT_CLASSES = (
    *(account.name.lower() for account in Account), "council", "large_supplier", "sme",
)  # fmt: skip
COUNCIL_CLASS = len(Account)
LARGE_SUPPLIER_CLASS, SME_CLASS = COUNCIL_CLASS + 1, COUNCIL_CLASS + 2


@unique
class Purpose(IntEnum):
    """What money is moved for."""

    RESERVES = 0
    BUDGET = 1
    IN_HOUSE = 2
    PRICE = 3
    CLIENT_SIDE = 4
    FRONT_LINE = 5
    PROCUREMENT = 6
    SET_UP = 7
    DISRUPTION = 8
    RISK_LOSS = 9
    INTEREST = 10
    LOAN = 11
    LOAN_REPAYMENT = 12
    FUND_CAPITAL = 13
    FUND_CLAIM = 14
    FUND_REPAYMENT = 15
    FUND_RETURN = 16
    SAVING_RETURNED = 17
    OVERSPEND = 18
    DELIVERY = 19
    OVERHEAD = 20
    BIDDING = 21
    INVESTMENT = 22
    CAPITAL = 23
    DIVIDEND = 24
    DEFAULT = 25
    OUTSIDE_PROFIT = 26
    TRANSITION = 27
    CHANGE = 28
    DISPUTE = 29
    SUPPLIER_FINANCE = 30
    SUPPORT = 31
    LEAVING = 32


PURPOSES = tuple(purpose.name.lower() for purpose in Purpose)

COUNCIL_COSTS = frozenset(
    {
        Purpose.IN_HOUSE, Purpose.PRICE, Purpose.CLIENT_SIDE, Purpose.FRONT_LINE,
        Purpose.PROCUREMENT, Purpose.SET_UP, Purpose.DISRUPTION, Purpose.RISK_LOSS,
        Purpose.TRANSITION, Purpose.CHANGE, Purpose.DISPUTE, Purpose.LEAVING,
    }
)  # fmt: skip
"""Resource costs that a council bears; loan principal and fund transfers are not among them."""


SUPPLIER_COSTS = frozenset(
    {
        Purpose.DELIVERY, Purpose.OVERHEAD, Purpose.BIDDING, Purpose.INVESTMENT,
        Purpose.SUPPLIER_FINANCE, Purpose.RISK_LOSS, Purpose.DISPUTE,
    }
)  # fmt: skip
"""What a supplier pays to serve this market, finance of its contracts included; capital that comes
and goes, dividends and business outside are not among them."""


class Batch(NamedTuple):
    """Postings of one purpose made together; ``amount`` in pence, never negative."""

    quarter: int
    source: IntArray
    target: IntArray
    purpose: Purpose
    amount: IntArray


_ALONE = {account: np.array([account], dtype=np.int64) for account in Account}
"""Each institution's account, as the one payer or payee of a batch."""


@inlined
def pence(millions: float) -> int:
    """Round one amount in £m to whole pence."""
    return int(np.rint(millions * PENCE))


@compiled
def to_pence(millions: FloatArray) -> IntArray:
    """Round £m to whole pence."""
    whole = np.empty(len(millions), dtype=np.int64)
    for place in range(len(millions)):
        whole[place] = pence(millions[place])
    return whole


@compiled
def shared_to_the_penny(total: IntArray, place: IntArray, share: FloatArray) -> IntArray:
    """Return the parts of whole sums, by shares that add up to 1 in each; so do the parts.

    Args:
        total: sums, pence.
        place: to which sum each part belongs.
        share: of each part in its sum.
    """
    reached, given = np.zeros(len(total)), np.zeros(len(total), dtype=np.int64)
    part = np.empty(len(place), dtype=np.int64)
    for one in range(len(place)):
        whole = place[one]
        reached[whole] += share[one]
        upto = np.int64(np.rint(total[whole] * reached[whole]))
        part[one] = upto - given[whole]
        given[whole] = upto
    return part


class Ledger:
    """Balances of all accounts, and the postings that made them."""

    def __init__(self, councils: int) -> None:
        """Open the institutions' and ``councils`` accounts at zero."""
        self.councils = councils
        self.balance: IntArray = np.zeros(len(Account) + councils, dtype=np.int64)
        self.quarter = 0
        self.batches: list[Batch] = []
        self._opening = self.balance.copy()
        self._first_batch = 0
        self._forget()

    def council(self, rows: IntArray | int) -> IntArray:
        """Return the accounts of councils by row."""
        return np.asarray(rows) + len(Account)

    def supplier(self, rows: IntArray | int) -> IntArray:
        """Return the accounts of suppliers by row."""
        return np.asarray(rows) + (len(Account) + self.councils)

    def open_suppliers(self, count: int) -> None:
        """Open ``count`` further suppliers' accounts at zero."""
        fresh = np.zeros(count, dtype=np.int64)
        self.balance = np.concatenate([self.balance, fresh])
        self._opening = np.concatenate([self._opening, fresh])

    def council_balance(self) -> IntArray:
        """Return councils' balances in pence (a copy)."""
        return self.balance[len(Account) : len(Account) + self.councils].copy()

    def supplier_balance(self) -> IntArray:
        """Return suppliers' balances in pence (a copy)."""
        return self.balance[len(Account) + self.councils :].copy()

    def post(
        self,
        source: IntArray | Account,
        target: IntArray | Account,
        purpose: Purpose,
        amount: IntArray | int,
    ) -> None:
        """Move ``amount`` pence from ``source`` to ``target``; this alone changes a balance.

        Raises:
            ValueError: a negative amount.
        """
        amounts = amount if isinstance(amount, np.ndarray) else np.array([amount])
        payers = _ALONE[source] if isinstance(source, Account) else source
        payees = _ALONE[target] if isinstance(target, Account) else target
        moved, total = _posted(self.balance, payers, payees, amounts)
        if total < 0:
            raise ValueError(f"negative posting for {purpose.name}")
        if total:
            payers, payees, amounts = moved
            batch = Batch(self.quarter, payers, payees, purpose, amounts)
            self.batches.append(batch)
            self._of[purpose].append(batch)
            self._total[purpose] += total

    def this_quarter(self) -> list[Batch]:
        """Return the postings made since the quarter opened."""
        return self.batches[self._first_batch :]

    def open_quarter(self, quarter: int) -> None:
        """Start ``quarter``: what follows is posted in it."""
        self.quarter = quarter
        self._opening = self.balance.copy()
        self._first_batch = len(self.batches)
        self._forget()

    def _forget(self) -> None:
        self._of: list[list[Batch]] = [[] for _ in Purpose]
        self._total = [0] * len(Purpose)

    def check(self) -> None:
        """Verify opening + in - out = closing for every account, from the postings themselves.

        Raises:
            ArithmeticError: an account does not balance, or the fund is overdrawn.
        """
        expected = self._opening.copy()
        for batch in self.this_quarter():
            _transfer(expected, batch.source, batch.target, batch.amount)
        if (expected != self.balance).any():
            raise ArithmeticError(f"accounts do not balance in quarter {self.quarter}")
        if self.balance[Account.FUND] < 0:
            raise ArithmeticError(f"the fund is overdrawn in quarter {self.quarter}")

    def flow(self, purposes: Iterable[Purpose], *, into: bool = False) -> IntArray:
        """Return pence out of (or ``into``) councils' accounts this quarter for ``purposes``."""
        total = np.zeros(len(self.balance), dtype=np.int64)
        for purpose in purposes:
            for batch in self._of[purpose]:
                _add(total, batch.target if into else batch.source, batch.amount)
        return total[len(Account) : len(Account) + self.councils]

    def total(self, *purposes: Purpose) -> int:
        """Return pence posted this quarter for ``purposes``."""
        return sum([self._total[purpose] for purpose in purposes])

    def borne_by_suppliers(self, *purposes: Purpose) -> int:
        """Return pence that suppliers, not councils, paid this quarter for ``purposes``."""
        first = len(Account) + self.councils
        batches = [batch for purpose in purposes for batch in self._of[purpose]]
        return sum(int(batch.amount[batch.source >= first].sum()) for batch in batches)

    def account_classes(self, large: BoolArray) -> IntArray:
        """Return the class (index into ``ACCOUNT_CLASSES``) of each account.

        ``large`` says which suppliers are large, in the order in which they came.
        """
        firms = np.where(large, LARGE_SUPPLIER_CLASS, SME_CLASS)
        return np.concatenate(
            [np.arange(len(Account)), np.full(self.councils, COUNCIL_CLASS), firms]
        )

    def rows(self) -> pd.DataFrame:
        """Return every posting: quarter, source and target account, purpose, amount in pence."""
        if not self.batches:
            names = ("quarter", "source", "target", "purpose", "amount")
            return pd.DataFrame({name: np.zeros(0, dtype=np.int64) for name in names})
        lengths = [len(batch.amount) for batch in self.batches]
        return pd.DataFrame(
            {
                "quarter": np.repeat([batch.quarter for batch in self.batches], lengths),
                "source": np.concatenate([batch.source for batch in self.batches]),
                "target": np.concatenate([batch.target for batch in self.batches]),
                "purpose": np.repeat([int(batch.purpose) for batch in self.batches], lengths),
                "amount": np.concatenate([batch.amount for batch in self.batches]),
            }
        )

    def by_class(self, large: BoolArray) -> pd.DataFrame:
        """Return postings summed by quarter, class of account and purpose; amounts in pence.

        ``large`` says which suppliers are large, in the order in which they came.
        """
        classes = len(ACCOUNT_CLASSES)
        total = np.zeros((1 + self.quarter, classes, classes, len(PURPOSES)), dtype=np.int64)
        class_of = self.account_classes(large)
        for batch in self.batches:
            moved = total[batch.quarter, :, :, batch.purpose]
            _add_by_class(moved, class_of, batch.source, batch.target, batch.amount)
        quarter, source, target, purpose = place = total.nonzero()
        return pd.DataFrame(
            {
                "quarter": quarter,
                "from_class": _names(source, ACCOUNT_CLASSES),
                "to_class": _names(target, ACCOUNT_CLASSES),
                "purpose": _names(purpose, PURPOSES),
                "amount": total[place],
            }
        )


@compiled
def _posted(
    balance: IntArray, source: IntArray, target: IntArray, amount: IntArray
) -> tuple[IntArray, int]:
    """Change balances and return the postings that move money, and their total.

    Args:
        balance: balances by account.
        source: one account a posting, or one for all.
        target: the same.
        amount: one a posting, pence.

    Returns:
        Sources, targets and amounts (3 x postings), and the total: -1 where an amount is negative
        and no balance changes.
    """
    size = len(amount)
    if len(source) not in (1, size) or len(target) not in (1, size):
        raise ValueError("a posting needs one source, one target and one amount")
    count = 0
    for place in range(size):
        if amount[place] < 0:
            return np.empty((3, 0), dtype=np.int64), -1
        count += amount[place] > 0
    postings, total, count = np.empty((3, count), dtype=np.int64), 0, 0
    payers, payees, amounts = postings
    for place in range(size):
        moved = amount[place]
        if moved > 0:
            payers[count] = source[0 if len(source) == 1 else place]
            payees[count] = target[0 if len(target) == 1 else place]
            amounts[count] = moved
            balance[payers[count]] -= moved
            balance[payees[count]] += moved
            total += moved
            count += 1
    return postings, total


@compiled
def _transfer(balance: IntArray, source: IntArray, target: IntArray, amount: IntArray) -> None:
    for place in range(len(amount)):
        balance[source[place]] -= amount[place]
        balance[target[place]] += amount[place]


@compiled
def _add(total: IntArray, account: IntArray, amount: IntArray) -> None:
    for place in range(len(amount)):
        total[account[place]] += amount[place]


@compiled
def _add_by_class(
    total: IntArray, class_of: IntArray, source: IntArray, target: IntArray, amount: IntArray
) -> None:
    for place in range(len(amount)):
        total[class_of[source[place]], class_of[target[place]]] += amount[place]


def _names(codes: IntArray, names: tuple[str, ...]) -> "pd.Categorical[str]":
    return pd.Categorical.from_codes(codes.astype(np.int64), pd.Index(names))
