"""Government: the fund's rules, and Mesa's handle on the department that runs it."""

from collections.abc import Sequence
from typing import Any

import mesa
import numpy as np

from agents.columns import (
    BoolArray,
    FloatArray,
    IntArray,
    KeyArray,
    Table,
    flag,
    identity,
    number,
    rows_where,
    whole,
)
from agents.handles import Market

STAGES = 4
"""Stages in which a project is set up and paid, one a quarter."""

GUARANTEED_STAGES = 2
"""Stages that the fund has bound itself to pay for."""


class Claims(Table):
    """One row a member's claim on the fund, paid in the stages of its project."""

    project: KeyArray = identity("lead service and the ordinal of its need")
    council: IntArray = whole("row", "council that claimed")
    service: IntArray = whole("row", "its service in the project")
    contract: IntArray = whole("row", "contract that it helps to set up")
    quarter: IntArray = whole("quarter", "when it was booked")
    paid: IntArray = whole("pence", "paid out so far")
    repayable: IntArray = whole("pence", "to be repaid of that, from savings")
    share: FloatArray = number("share", "part of each saving that is repaid")
    repaid: IntArray = whole("pence", "repaid so far")
    written_off: IntArray = whole("pence", "written off")


class Stages(Table):
    """One row a member's part of one stage of a project's set-up, until it is due."""

    contract: IntArray = whole("row", "contract that it sets up")
    council: IntArray = whole("row", "council that pays")
    claim: IntArray = whole("row", "claim on the fund, or none")
    due: IntArray = whole("quarter", "when it is paid")
    cost: IntArray = whole("pence", "what it costs the council, fund and loan included")
    from_fund: IntArray = whole("pence", "what the fund pays of that")
    from_loan: IntArray = whole("pence", "what is borrowed for it")
    open: BoolArray = flag("neither paid nor cancelled", initial=True)

    def promised(self) -> int:
        """Return what the fund has still to pay, pence."""
        return int(self.from_fund[self.open].sum())

    def committed(self, councils: int) -> tuple[IntArray, IntArray]:
        """Return what each of ``councils`` has still to find: own cash and loans, pence."""
        own, borrowed = np.zeros(councils, dtype=np.int64), np.zeros(councils, dtype=np.int64)
        rows = rows_where(self.open)
        np.add.at(own, self.council[rows], (self.cost - self.from_fund - self.from_loan)[rows])
        np.add.at(borrowed, self.council[rows], self.from_loan[rows])
        return own, borrowed


def rank_by_value(
    saving: Sequence[float], claim: Sequence[float], size: Sequence[float]
) -> list[int]:
    """Rank claims by expected saving per £ of fund, best first."""
    return sorted(range(len(claim)), key=lambda one: (-saving[one] / max(claim[one], 1), one))


def rank_small_first(
    saving: Sequence[float], claim: Sequence[float], size: Sequence[float]
) -> list[int]:
    """Rank claims by the mean population of the councils, smallest first."""
    return sorted(range(len(claim)), key=lambda one: (size[one], one))


PRIORITIES = {"value": rank_by_value, "small_first": rank_small_first}


def repayment_due(saving: IntArray, share: FloatArray | float, outstanding: IntArray) -> IntArray:
    """Return pence due this quarter: a share of a positive saving, until the claim is whole."""
    due = np.rint(np.maximum(saving, 0) * share).astype(np.int64)
    return np.minimum(due, outstanding)


class Government(mesa.Agent[Any]):
    """Mesa's handle on the department that holds the fund and sets the targets."""

    model: Market

    @property
    def fund_balance(self) -> float:
        """Money in the fund, £m."""
        return float(self.model.fund_balance) / 1e8

    @property
    def efficiency_target(self) -> float:
        """Cashable saving asked of every council, % a year."""
        return self.model.levers.efficiency_target
