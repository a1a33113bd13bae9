"""What the ledgers of all replications say: councils' costs by purpose, and suppliers' surplus.

Every run keeps its postings by quarter, class of account and purpose. Here they are discounted to
April 2006 and laid out a number a policy and replication.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from results.intervals import FloatArray
from results.store import RunDirectory
from simulation.attribution import CAUSE_OF, CAUSES
from simulation.ledger import COUNCIL_COSTS, PENCE, SUPPLIER_COSTS, Purpose

COUNCIL = "council"
FIRMS = {"large_supplier": "Large suppliers", "sme": "SMEs"}
"""Classes of suppliers' accounts, and what they are called."""
SERVICES = "Services, in house and bought"
BY_CLASS = frozenset({"quarter", "from_class", "to_class", "purpose", "amount"})
"""Columns of a ledger by class of account."""


@dataclass(frozen=True, eq=False)
class Books:
    """Postings of every complete main replication, discounted.

    Attributes:
        run: the run directory.
        postings: policy, replication, from_class, to_class, purpose and ``value`` in £m NPV.
    """

    run: RunDirectory
    postings: pd.DataFrame

    @cached_property
    def firms(self) -> tuple[str, ...]:
        """Classes of suppliers told apart; none in directories made by earlier versions."""
        seen = set(self.postings["to_class"].unique())
        return tuple(name for name in FIRMS if name in seen)

    def paid(self, payer: str, purposes: Collection[Purpose]) -> FloatArray:
        """Return what a class of accounts paid: £m NPV, policies x replications."""
        return self._total("from_class", payer, purposes)

    def received(self, payee: str, purposes: Collection[Purpose]) -> FloatArray:
        """Return what a class of accounts received: £m NPV, policies x replications."""
        return self._total("to_class", payee, purposes)

    def surplus(self, firms: str) -> FloatArray:
        """Return suppliers' surplus: £m NPV, policies x replications.

        Prices received less every cost of bidding, delivery, idle teams, investment, finance and
        losses in this market; capital, dividends and business outside it are left out. Over both
        classes it adds up to the outcome ``supplier_profit``.
        """
        return self.received(firms, {Purpose.PRICE}) - self.paid(firms, SUPPLIER_COSTS)

    def council_costs(self) -> dict[str, FloatArray]:
        """Return what councils paid by what for: £m NPV, policies x replications each.

        Counterfactual less all of these, plus what the fund paid less what it was repaid, is what
        councils save.
        """
        services = {Purpose.IN_HOUSE, Purpose.PRICE}
        rest = sorted(COUNCIL_COSTS - services)
        titles = {purpose: CAUSES[CAUSE_OF[purpose]] for purpose in rest}
        told = {SERVICES: self.paid(COUNCIL, services)}
        return told | {_capital(titles[one]): self.paid(COUNCIL, {one}) for one in rest}

    def _total(self, side: str, account: str, purposes: Collection[Purpose]) -> FloatArray:
        names = [purpose.name.lower() for purpose in purposes]
        chosen = (self.postings[side] == account) & self.postings["purpose"].isin(names)
        return by_run(self.run, self.postings[chosen], ["value"]).fillna(0.0)["value"].to_numpy(
            np.float64
        ).reshape(len(self.run.policies), -1)  # fmt: skip


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def by_run(run: RunDirectory, rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return sums of ``columns`` a policy and complete main replication, in the run's order.

    A row a policy and replication, the baseline's first; NaN where there is none.
    """
    wanted = pd.MultiIndex.from_product([list(run.policies), run.replications])
    return rows.groupby(["policy", "replication"])[columns].sum().reindex(wanted)


def read_books(run: RunDirectory) -> Books | None:
    """Return the ledgers of ``run``; None where they are not kept by class, or not complete.

    Raises:
        InputError: the table is damaged.
    """
    if "ledger" not in run.events() or not run.replications:
        return None
    table = run.event("ledger")
    if not set(table.columns) >= BY_CLASS:
        return None
    table = table[table["replication"].isin(run.replications) & (table["quarter"] > 0)]
    held = table[["policy", "replication"]].drop_duplicates()
    if len(held) < len(run.policies) * len(run.replications):
        return None
    value = table["amount"] / PENCE * _discount(run, table)
    return Books(run, table.drop(columns=["sample", "quarter", "amount"]).assign(value=value))


def _discount(run: RunDirectory, table: pd.DataFrame) -> FloatArray:
    """Return the discount factor of each row of ``table``."""
    factors: Mapping[str, FloatArray] = run.measures(run.replications)
    places = [
        table["policy"].map({name: place for place, name in enumerate(run.policies)}),
        table["replication"].map({one: place for place, one in enumerate(run.replications)}),
        table["quarter"] - 1,
    ]
    policy, replication, quarter = (each.to_numpy(np.int64) for each in places)
    return np.asarray(factors["discount"][policy, replication, quarter])
