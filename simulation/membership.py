"""Performing partnerships: who joins them later, who withdraws, and when success is noticed."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents import partnership as rules
from agents.columns import NONE, BoolArray, FloatArray, IntArray, rows_where
from agents.compiled import compiled
from agents.governance import governance_table
from agents.partnership import CAUSES, TROUBLE, Stage, set_up_cost
from simulation.business_case import own_ratio
from simulation.contracts import Ended
from simulation.ending import release
from simulation.groups import Members, dissolve, members_of, note_decisions
from simulation.ledger import Account, Purpose, to_pence
from simulation.needs import mandate
from simulation.tension import mood, remoteness
from simulation.ties import lose_heart, take_heart, tell, trust_of_pair

if TYPE_CHECKING:
    from simulation.model import MarketModel

PROVEN_AFTER = 8
"""Quarters without trouble after which a partnership counts as a success (D1 §1.4)."""

LEAST_LEFT = 8
"""Fewest quarters that a joint contract must still run for others to join it."""

JOINING_PART = 0.25
"""Set-up cost of who joins a running contract, over what starting one would cost it."""

MOST_YEARS_COUNTED = 10.0
"""Years over which the cost of joining is spread at most."""

TRUST_WORTH = 0.04
"""What full trust in the leader is worth to who joins, of annual cost."""

LONGEST_WAIT = 8
"""Quarters after which members that cannot pay for their entry give it up."""

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
    """Let members of phased groups that are free now enter the joint contract (D0 ¶67).

    Those that cannot pay for it wait, and in the end give up.
    """
    services, partnerships = model.services, model.partnerships
    waiting = rows_where(services.partnership != NONE)
    group = services.partnership[waiting]
    performs = partnerships.stage[group] == Stage.PERFORMING
    free = waiting[performs & (services.enters[waiting] <= model.quarter)]
    pence = to_pence(_entry_costs(model, free))
    rows = partnerships.contract[services.partnership[free]]
    for place, service in enumerate(free.tolist()):
        council = services.council[service]
        if pence[place] <= model.ledger.council_balance()[council]:
            _enter(model, service, int(rows[place]), int(pence[place]))
    waited = model.quarter - services.enters[free] >= LONGEST_WAIT
    _stop_waiting(model, free[waited & (services.partnership[free] != NONE)])


def _stop_waiting(model: "MarketModel", services: IntArray) -> None:
    """Let members leave the group that they wait to enter; their own need comes up at once.

    That of a service with a contract does by itself, when the contract ends or has run out.
    """
    columns = model.services
    model.partnerships.lost[columns.partnership[services]] = model.quarter
    columns.partnership[services] = NONE
    columns.retry[services[columns.contract[services] == NONE]] = model.quarter


def _entry_costs(model: "MarketModel", services: IntArray) -> FloatArray:
    """Return what members of phased groups pay for their entry, £m: their part of the set-up.

    By size, as if all had entered together; the fund pays nothing of it.
    """
    governance = model.partnerships.governance[model.services.partnership[services]]
    assumptions, value = model.assumptions, model.services.baseline[services] * model.index
    part = set_up_cost(value, assumptions.set_up_saving, assumptions.set_up_years, 0.0)
    cost: FloatArray = governance_table().set_up[governance] * part
    return cost


def _joining_costs(model: "MarketModel", services: IntArray) -> FloatArray:
    """Return what joining a joint contract of others that runs costs each of ``services``, £m."""
    assumptions, value = model.assumptions, model.services.baseline[services] * model.index
    return JOINING_PART * set_up_cost(
        value, assumptions.set_up_saving, assumptions.set_up_years, assumptions.set_up_floor
    )


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
    model.ledger.post(account, Account.RESOURCES, Purpose.LEAVING, to_pence(cost))


def _take_home(model: "MarketModel", gone: Members) -> None:
    """Take services back in house, and end groups that are left with one member."""
    partnerships, services = model.partnerships, model.services
    contract = partnerships.contract[gone.group]
    release(model, gone.service, Ended.COMPLETED)
    services.retry[gone.service] = model.quarter + BACK_HOME
    np.add.at(partnerships.withdrew, gone.group, 1)
    partnerships.lost[gone.group] = model.quarter
    _leave_with_the_bill(model, contract, gone.council)
    _lead_anew(model, gone)
    lose_heart(model, gone.service)
    alone = (model.contracts.councils[contract] < 2) | ~model.contracts.live[contract]
    over = np.unique(gone.group[alone])
    for row in over.tolist():
        tell(model, partnerships.lead[[row]], good=False)
    dissolve(model, over, "members withdrew")


def _leave_with_the_bill(model: "MarketModel", contract: IntArray, council: IntArray) -> None:
    """Let members that have gone pay what is left of their set-up, without the fund."""
    stages, councils = model.stages, len(model.councils)
    pair = stages.contract * councils + stages.council
    gone = stages.open & np.isin(pair, contract * councils + council)
    stages.from_fund[gone] = 0


def _lead_anew(model: "MarketModel", gone: Members) -> None:
    """Let the first of the other members lead where the leader has gone."""
    partnerships = model.partnerships
    leads = partnerships.lead[gone.group] == gone.service
    for row in gone.group[leads].tolist():
        others = rows_where(model.services.contract == partnerships.contract[row])
        if len(others):
            partnerships.lead[row] = others[0]


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


class Open(NamedTuple):
    """What contracts offer to who may join them, one entry a contract.

    Attributes:
        room: places that are left; 0 where a contract is closed.
        price: over in-house cost, with what managing it costs, to whoever joins.
        years: for which it still runs.
        leader: council that leads, now.
    """

    room: IntArray
    price: FloatArray
    years: FloatArray
    leader: IntArray


class Seekers(NamedTuple):
    """Who looks for a contract to join, one entry a service.

    Attributes:
        service: the service.
        council: its council.
        kind: its kind.
        pays: what it pays as it is, over in-house cost.
        cost: what joining costs, of its annual cost.
        wary: what its council wants beyond a gain, of annual cost.
    """

    service: IntArray
    council: IntArray
    kind: IntArray
    pays: FloatArray
    cost: FloatArray
    wary: FloatArray


def join(model: "MarketModel", alone: IntArray) -> IntArray:
    """Let services with a need join a joint contract of councils near them, where it is open.

    Returns:
        The services that are still alone.
    """
    offered = _offered(model)
    seeks = model.draws.happens(
        "join", _will(model, alone), model.services.key[alone], model.services.ordinal[alone]
    )
    seekers = _seekers(model, alone[seeks])
    reached = model.geography.candidates(model.levers.aggregation_reach)
    chosen = _best_contracts(
        seekers, offered, reached.rows, reached.must_adjoin,
        model.service_of, model.services.contract, model.ties.trust, model.geography.family,
        TRUST_WORTH * model.assumptions.trust_weight,
    )  # fmt: skip
    joins = np.zeros(len(model.services), dtype=bool)
    pence = to_pence(_joining_costs(model, seekers.service))
    for place in rows_where(chosen != NONE).tolist():
        service, contract = int(seekers.service[place]), int(chosen[place])
        affords = pence[place] <= model.ledger.council_balance()[seekers.council[place]]
        if affords and offered.room[contract] > 0:
            offered.room[contract] -= 1
            _enter(model, service, contract, int(pence[place]))
            model.partnerships.joined[model.contracts.partnership[contract]] += 1
            model.tally["joined_later"] += 1
            joins[service] = True
    return alone[~joins[alone]]


def _offered(model: "MarketModel") -> Open:
    """Return the joint contracts that others may join: their terms said so (D1 §5.9)."""
    partnerships, contracts = model.partnerships, model.contracts
    rows = rows_where(partnerships.stage == Stage.PERFORMING)
    opens = governance_table().opens[partnerships.governance[rows]]
    contract: IntArray = partnerships.contract[rows[opens]]
    contract = contract[contracts.end[contract] - model.quarter >= LEAST_LEFT]
    waiting = model.services.partnership[model.services.partnership != NONE]
    waits = np.bincount(waiting, minlength=len(partnerships) + 1)[contracts.partnership[contract]]
    room = np.zeros(len(contracts), dtype=np.int64)
    room[contract] = model.levers.max_partners - contracts.councils[contract] - waits
    price = contracts.price_ratio * (1.0 + model.assumptions.client_side)
    years = np.minimum((contracts.end - model.quarter) / 4.0, MOST_YEARS_COUNTED)
    lead = contracts.lead.copy()
    lead[contract] = partnerships.lead[contracts.partnership[contract]]
    return Open(room, price, years, model.services.council[lead])


def _will(model: "MarketModel", services: IntArray) -> FloatArray:
    """Return the chance that councils with a need look at others' contracts."""
    council = model.services.council[services]
    champion, readiness = model.councils.champion[council], model.councils.readiness[council]
    return rules.looking_chance(readiness, champion, mandate(model, services))


def _seekers(model: "MarketModel", services: IntArray) -> Seekers:
    council, value = model.services.council[services], model.services.baseline[services]
    cost = _joining_costs(model, services) / (value * model.index)
    wary = rules.wariness(model.councils.readiness[council])
    pays = own_ratio(model, services)
    return Seekers(services, council, model.services.kind[services], pays, cost, wary)


@compiled
def _best_contracts(
    seekers: Seekers, offered: Open, near: IntArray, adjoins: bool, service_of: IntArray,
    contract: IntArray, trust: FloatArray, family: IntArray, trust_worth: float,
) -> IntArray:  # fmt: skip
    """Return the joint contract that is worth most to each seeker, NONE where none is worth it.

    It looks at the contracts of councils within reach for services of its kind; where it must
    adjoin a member (``adjoins``) the leader may be further away, else it must be within reach.
    """
    chosen = np.full(len(seekers.service), NONE)
    for place in range(len(seekers.service)):
        home, best = seekers.council[place], 0.0
        for other in near[home]:
            if other == NONE:
                break
            service = service_of[other, seekers.kind[place]]
            row = contract[service] if service != NONE else NONE
            if row == NONE or offered.room[row] <= 0:
                continue
            if not adjoins and offered.leader[row] not in near[home]:
                continue
            tie = trust_of_pair(trust, family, home, offered.leader[row])
            gain = seekers.pays[place] - offered.price[row]
            gain -= seekers.cost[place] / offered.years[row]
            gain += trust_worth * tie - seekers.wary[place]
            if gain > best:
                chosen[place], best = row, gain
    return chosen


def _enter(model: "MarketModel", service: int, contract: int, pence: int) -> None:
    contracts, services = model.contracts, model.services
    group, joins = int(contracts.partnership[contract]), np.array([service])
    release(model, joins[services.contract[joins] != NONE], Ended.COMPLETED)
    services.contract[service], services.retry[service] = contract, NONE
    services.partnership[service] = NONE
    contracts.councils[contract] += 1
    model.partnerships.members[group] += 1
    account = model.ledger.council(services.council[joins])
    model.ledger.post(account, Account.RESOURCES, Purpose.SET_UP, np.array([pence]))
    note_decisions(model, members_of(model, joins, np.array([group])), stays=True, cause=0)
