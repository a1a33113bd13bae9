"""Performing partnerships: who joins them later, who withdraws, and when success is noticed."""

from typing import TYPE_CHECKING

import numpy as np

from agents import partnership as rules
from agents.columns import NONE, BoolArray, FloatArray, IntArray, rows_where
from agents.governance import governance_table
from agents.partnership import CAUSES, TROUBLE, Stage, set_up_cost
from simulation.contracts import Ended
from simulation.ending import release
from simulation.ledger import Account, Purpose, to_pence
from simulation.partnering import (
    Members,
    dissolve,
    members_of,
    mood,
    note_decisions,
    remoteness,
    trust_between,
)
from simulation.ties import lose_heart, take_heart, tell

if TYPE_CHECKING:
    from simulation.model import MarketModel

PROVEN_AFTER = 8
"""Quarters without trouble after which a partnership counts as a success (D1 §1.4)."""

LEAST_LEFT = 8
"""Fewest quarters that a joint contract must still run for others to join it."""

JOINING_PART = 0.25
"""Set-up cost of who joins a running contract, over what starting one would cost it."""

BACK_HOME = 4
"""Quarters before a service that left a joint contract may be put to the market again."""


def attend(model: "MarketModel") -> None:
    """Let members of joint contracts come in and withdraw, and successes be noticed."""
    _come_in(model)
    members = _sharing(model)
    if len(members.service):
        _withdraw(model, members)
        _prove(model)


def _come_in(model: "MarketModel") -> None:
    """Let members of phased groups that are free now enter the joint contract (D0 ¶67)."""
    services, partnerships = model.services, model.partnerships
    waiting = rows_where(services.partnership != NONE)
    group = services.partnership[waiting]
    performs = partnerships.stage[group] == Stage.PERFORMING
    free = performs & (services.enters[waiting] <= model.quarter)
    for service, row in zip(waiting[free].tolist(), group[free].tolist(), strict=True):
        cost = _joining_cost(model, service)
        _enter(model, service, int(partnerships.contract[row]), int(to_pence(np.array([cost]))[0]))


def _joining_cost(model: "MarketModel", service: int) -> float:
    """Return what entering a joint contract that runs costs, £m."""
    assumptions, value = model.assumptions, model.services.baseline[service] * model.index
    cost = set_up_cost(
        np.full(1, value), assumptions.set_up_saving, assumptions.set_up_years,
        assumptions.set_up_floor,
    )  # fmt: skip
    return JOINING_PART * float(cost[0])


def _sharing(model: "MarketModel") -> Members:
    """Return the members of performing partnerships."""
    services, partnerships = model.services, model.partnerships
    service = rows_where(services.contract != NONE)
    contract = services.contract[service]
    group = model.contracts.partnership[contract]
    joint = group != NONE
    service, contract, group = service[joint], contract[joint], group[joint]
    performs = partnerships.stage[group] == Stage.PERFORMING
    performs &= partnerships.contract[group] == contract
    return members_of(model, service[performs], group[performs])


# --- withdrawing ---------------------------------------------------------------------------------


def _withdraw(model: "MarketModel", members: Members) -> None:
    """Let members leave joint contracts, at a cost; a group of one is none."""
    contract = model.services.contract[members.service]
    table, governance = governance_table(), model.partnerships.governance[members.group]
    segment = model.services.segment[members.service]
    troubled = _troubled(model, contract)
    remote = remoteness(model, members.council, members.leader, segment)
    held = mood(model, members)
    chance = rules.withdrawal_chance(
        model.assumptions.withdrawal, held.tension, troubled, remote,
        table.withdrawal[governance], table.exit_cost[governance],
    )  # fmt: skip
    key = model.services.key[members.service]
    leaves = model.draws.happens("withdraw", chance, key, model.quarter)
    if not leaves.any():
        return
    place = CAUSES.index("place of the service")
    cause = np.where(troubled, TROUBLE, np.where(remote > held.tension, place, held.cause))
    note_decisions(model, members.only(leaves), stays=False, cause=cause[leaves])
    model.tally["withdrew"] += int(leaves.sum())
    gone = members.only(leaves)
    _pay_to_leave(model, gone, table.exit_cost[governance[leaves]])
    _take_home(model, gone)


def _troubled(model: "MarketModel", contract: IntArray) -> BoolArray:
    troubled: BoolArray = model.contracts.troubled_until[contract] > model.quarter
    return troubled


def _pay_to_leave(model: "MarketModel", gone: Members, exit_cost: FloatArray) -> None:
    cost = exit_cost * model.services.baseline[gone.service] * model.index
    account = model.ledger.council(gone.council)
    model.ledger.post(account, Account.RESOURCES, Purpose.DISRUPTION, to_pence(cost))


def _take_home(model: "MarketModel", gone: Members) -> None:
    """Take services back in house, and end groups that are left with one member."""
    partnerships, services = model.partnerships, model.services
    contract = partnerships.contract[gone.group]
    release(model, gone.service, Ended.COMPLETED)
    services.retry[gone.service] = model.quarter + BACK_HOME
    np.add.at(partnerships.withdrew, gone.group, 1)
    partnerships.lost[gone.group] = model.quarter
    lose_heart(model, gone.service)
    alone = (model.contracts.councils[contract] < 2) | ~model.contracts.live[contract]
    over = np.unique(gone.group[alone])
    for row in over.tolist():
        tell(model, partnerships.lead[[row]], good=False)
    dissolve(model, over, "members withdrew")


# --- success -------------------------------------------------------------------------------------


def _prove(model: "MarketModel") -> None:
    """Let members and others take heart from partnerships that have run well for two years."""
    partnerships = model.partnerships
    rows = rows_where((partnerships.stage == Stage.PERFORMING) & ~partnerships.proven)
    ripe = rows[model.quarter - partnerships.performed[rows] >= PROVEN_AFTER]
    contract = partnerships.contract[ripe]
    well = ripe[model.contracts.troubled_until[contract] <= model.quarter - PROVEN_AFTER]
    partnerships.proven[well] = True
    for row in well.tolist():
        members = rows_where(model.services.contract == partnerships.contract[row])
        take_heart(model, members)
        tell(model, members, good=True)


# --- joining later -------------------------------------------------------------------------------


def join(model: "MarketModel", alone: IntArray) -> IntArray:
    """Let services with a need join a joint contract of councils near them, where it is open.

    Returns:
        The services that are still alone.
    """
    open_to = _open_contracts(model)
    if not len(open_to) or not len(alone):
        return alone
    seeks = model.draws.happens(
        "join", _will(model, alone), model.services.key[alone], model.services.ordinal[alone]
    )
    joins = np.zeros(len(alone), dtype=bool)
    for place in rows_where(seeks).tolist():
        joins[place] = _try(model, int(alone[place]), open_to)
    return alone[~joins]


def _open_contracts(model: "MarketModel") -> IntArray:
    """Return the joint contracts that others may join: their terms said so (D1 §5.9)."""
    partnerships, contracts = model.partnerships, model.contracts
    rows = rows_where(partnerships.stage == Stage.PERFORMING)
    opens = governance_table().opens[partnerships.governance[rows]]
    contract: IntArray = partnerships.contract[rows[opens]]
    return contract[contracts.end[contract] - model.quarter >= LEAST_LEFT]


def _has_room(model: "MarketModel", contract: IntArray) -> BoolArray:
    """Return which joint contracts may have one member more, those that wait to enter counted."""
    group_of = model.services.partnership
    waiting = np.bincount(group_of[group_of != NONE], minlength=len(model.partnerships))
    members = model.contracts.councils[contract] + waiting[model.contracts.partnership[contract]]
    room: BoolArray = members < model.levers.max_partners
    return room


def _will(model: "MarketModel", services: IntArray) -> FloatArray:
    """Return the chance that councils with a need look at others' contracts."""
    council = model.services.council[services]
    champion, readiness = model.councils.champion[council], model.councils.readiness[council]
    must = model.services.baseline[services] * model.index < model.levers.aggregation_threshold
    wish: FloatArray = readiness * (0.2 + 0.3 * champion)
    return np.where(must, np.maximum(wish, model.levers.aggregation_mandate), wish)


def _try(model: "MarketModel", service: int, open_to: IntArray) -> bool:
    """Let ``service`` join the joint contract that is worth most to it, if any is."""
    contracts, services, assumptions = model.contracts, model.services, model.assumptions
    kind = model.services.kind[contracts.lead[open_to]]
    near = model.geography.candidates(model.levers.aggregation_reach).rows
    home, leader = services.council[service], services.council[contracts.lead[open_to]]
    fits = (kind == services.kind[service]) & np.isin(leader, near[home][near[home] != NONE])
    fits &= _has_room(model, open_to)
    if not fits.any():
        return False
    rows = open_to[fits]
    years = np.minimum((contracts.end[rows] - model.quarter) / 4.0, 10.0)
    value = services.baseline[service] * model.index
    cost = _joining_cost(model, service)
    saving = 1.0 - contracts.price_ratio[rows] * (1.0 + assumptions.client_side)
    gain = saving - cost / (value * years) + 0.04 * trust_between(model, home, leader[fits])
    gain -= 0.05 * (1.0 - model.councils.readiness[home])
    best = int(np.argmax(gain))
    pence = int(to_pence(np.array([cost]))[0])
    if gain[best] <= 0 or pence > model.ledger.council_balance()[home]:
        return False
    _enter(model, service, int(rows[best]), pence)
    return True


def _enter(model: "MarketModel", service: int, contract: int, pence: int) -> None:
    contracts, services = model.contracts, model.services
    group, joins = int(contracts.partnership[contract]), np.array([service])
    release(model, joins[services.contract[joins] != NONE], Ended.COMPLETED)
    services.contract[service], services.retry[service] = contract, NONE
    services.partnership[service] = NONE
    contracts.councils[contract] += 1
    model.partnerships.joined[group] += 1
    model.partnerships.members[group] += 1
    account = model.ledger.council(services.council[joins])
    model.ledger.post(account, Account.RESOURCES, Purpose.SET_UP, np.array([pence]))
    note_decisions(model, members_of(model, joins, np.array([group])), stays=True, cause=0)
    model.tally["joined_later"] += 1
