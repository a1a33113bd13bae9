"""Phase 1, the calendar: levers in force, growth, elections, champions, and the fund's capital."""

from typing import TYPE_CHECKING

import numpy as np

from agents.columns import BoolArray, KeyArray
from agents.compiled import compiled
from agents.council import election_due
from simulation.ledger import PENCE, Account, Purpose
from simulation.levers import FIRST_YEAR, QUARTERS_PER_YEAR
from simulation.population import drawn_control
from simulation.randomness import extended, uniform_at
from simulation.register import COUNCIL_TYPES, ELECTION_CYCLES

if TYPE_CHECKING:
    from simulation.model import MarketModel

COUNTY_ELECTIONS, LONDON_ELECTIONS, OTHER_ELECTIONS = 2005, 2006, 2007
"""A year in which counties, London boroughs and other whole councils voted."""

LOST_AFTER_DEFEAT = 0.5
"""Chance that a champion goes when control changes (D1 §1.8)."""


def year_of(quarter: int) -> int:
    """Return the calendar year in which the financial year of ``quarter`` began."""
    return FIRST_YEAR + (quarter - 1) // QUARTERS_PER_YEAR


def turn(model: "MarketModel") -> None:
    """Open the quarter and let pass what no agent decides."""
    model.ledger.open_quarter(model.quarter)
    model.levers = model.policy.at(model.quarter)
    _set_fund(model)
    if (model.quarter - 1) % QUARTERS_PER_YEAR == 0:
        _grow(model)
        _hold_elections(model)
    _move_champions(model)


def _set_fund(model: "MarketModel") -> None:
    """Move the Exchequer's capital into the fund as the lever rises, and out what it may not hold.

    A fund that is closed keeps what it has promised, and returns what is repaid to it later, too.
    """
    capital = round(model.levers.pump_priming_fund * PENCE)
    added = max(capital - model.fund_capital, 0)
    if added:
        model.ledger.post(Account.EXCHEQUER, Account.FUND, Purpose.FUND_CAPITAL, added)
    if model.fund_balance > capital:
        surplus = max(model.fund_balance - max(capital, model.stages.promised()), 0)
        model.ledger.post(Account.FUND, Account.EXCHEQUER, Purpose.FUND_RETURN, surplus)
    model.fund_capital = capital


def _grow(model: "MarketModel") -> None:
    """Let demand and wages grow: the same under every policy."""
    years = (model.quarter - 1) // QUARTERS_PER_YEAR
    if years:
        known = model.assumptions.demand_growth + model.assumptions.wage_growth
        luck = model.assumptions.growth_spread * float(model.draws.normal("growth", years)[0])
        model.index *= 1.0 + known + luck


def _hold_elections(model: "MarketModel") -> None:
    councils, year = model.councils, year_of(model.quarter)
    whole = councils.cycle == ELECTION_CYCLES.index("whole")
    halves = councils.cycle == ELECTION_CYCLES.index("halves")
    due = election_due(year, whole, halves, _election_offset(model))
    chance = model.assumptions.control_changes * np.where(whole, 1.0, np.where(halves, 0.7, 0.5))
    changed = due & model.draws.happens("election", chance, councils.key, year)
    fresh = drawn_control(model.draws.uniform("new control", councils.key, year))
    councils.control[changed] = fresh[changed]
    gone = changed & model.draws.happens("champion unseated", LOST_AFTER_DEFEAT, councils.key, year)
    councils.champion[gone] = False
    councils.caution[changed] = 1.0


def _election_offset(model: "MarketModel") -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    councils = model.councils
    london = councils.type == COUNCIL_TYPES.index("london_borough")
    county = councils.type == COUNCIL_TYPES.index("county")
    thirds = councils.cycle == ELECTION_CYCLES.index("thirds")
    first = np.where(london, LONDON_ELECTIONS, OTHER_ELECTIONS)
    return np.where(county | thirds, COUNTY_ELECTIONS, first)


def _move_champions(model: "MarketModel") -> None:
    councils, assumptions = model.councils, model.assumptions
    _replace_champions(
        councils.champion, councils.key, assumptions.champion_lost, assumptions.champion_emerges,
        model.draws.root("champions"), model.quarter,
    )  # fmt: skip


@compiled
def _replace_champions(
    champion: BoolArray, key: KeyArray, lost: float, emerges: float, root: np.uint64, quarter: int
) -> None:
    """Let champions go, and others emerge, as one draw a council has it."""
    for council in range(len(champion)):
        drawn = uniform_at(extended(extended(root, key[council]), np.uint64(quarter)))
        if champion[council]:
            champion[council] = drawn >= lost
        else:
            champion[council] = drawn > 1.0 - emerges
