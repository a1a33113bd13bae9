"""Phase 3, partnering: groups form, differ, settle, vote and commit; most end on the way.

Groups go through Tuckman's stages (D1 appendix 1). While members differ, and while they prepare,
any of them may walk away; norming ends in each member's own vote on its own business case. What
commits goes to the market; `simulation.membership` has what follows once a joint contract runs.
"""

from typing import TYPE_CHECKING

import numpy as np

from agents import partnership as rules
from agents.columns import NONE, FloatArray, IntArray, marked, rows_where
from agents.governance import (
    NAMES,
    NOT_CHOSEN,
    choose_governance,
    governance_held_to,
    governance_table,
)
from agents.partnership import Stage
from simulation.business_case import fund_in_sight
from simulation.contracts import sum_by
from simulation.groups import (
    Group,
    Members,
    dissolve,
    end_in_vain,
    free_from,
    let_go,
    note_decisions,
    preparing,
)
from simulation.needs import Arisen, mandate
from simulation.seeking import seek
from simulation.segments import procedure_table, segment_table
from simulation.tension import mood
from simulation.ties import lose_heart
from simulation.voting import reconvene, vote

if TYPE_CHECKING:
    from simulation.model import MarketModel


LOAN_WEIGHT = 0.5
"""What a loan from the fund is worth to members, over a grant of the same amount."""

MOST_TRIES = 1
"""Times that a group repeats a tender that failed."""


def advance(model: "MarketModel", arisen: Arisen) -> tuple[IntArray, list[Group]]:
    """Let groups differ, settle and vote, and new ones form.

    Returns:
        The services whose need is met alone this quarter, and the groups that have agreed.
    """
    reconvene(model)
    left = [_walk_away(model)]
    _settle(model)
    rejected, agreed = vote(model)
    left.append(rejected)
    _begin_to_differ(model)
    seek(model, arisen)
    _hold_contracts_open(model)
    alone = np.zeros(len(model.services), dtype=bool)
    alone[arisen.due] = model.services.partnership[arisen.due] == NONE
    alone[_in_need(model, np.concatenate(left))] = True
    return rows_where(alone), agreed


def try_again(model: "MarketModel", rows: IntArray) -> None:
    """Let groups whose tender failed go to the market once more; end those that already have."""
    if not len(rows):
        return
    partnerships, services = model.partnerships, model.services
    spent = partnerships.tries[rows] >= MOST_TRIES
    again = rows[~spent]
    partnerships.tries[again] += 1
    partnerships.stage[again] = Stage.NORMING
    segment = services.segment[partnerships.lead[again]]
    wait = np.maximum(procedure_table().quarters[segment_table().procedure[segment]], 1)
    partnerships.ready[again] = model.quarter + wait
    services.ordinal[marked(again, len(partnerships))[services.partnership]] += 1
    end_in_vain(model, rows[spent], "tender failed")


def _begin_to_differ(model: "MarketModel") -> None:
    """Let groups whose first talks are over begin to storm."""
    partnerships = model.partnerships
    due = partnerships.stage == Stage.FORMING
    rows = rows_where(due & (partnerships.ready <= model.quarter))
    partnerships.stage[rows], partnerships.stormed[rows] = Stage.STORMING, model.quarter


def _walk_away(model: "MarketModel") -> IntArray:
    """Let members of groups that storm or norm walk away; return the services that are left."""
    members = preparing(model, Stage.STORMING, Stage.NORMING)
    if not len(members.service):
        return members.service
    members = members.only(model.partnerships.contract[members.group] == NONE)
    held = mood(model, members)
    chance = rules.walk_away_chance(
        model.assumptions.walk_away, held.tension,
        governance_table().withdrawal[model.partnerships.governance[members.group]],
        _urgency(model, members.group), mandate(model, members.service),
    )  # fmt: skip
    key = model.services.key[members.service]
    walks = model.draws.happens("walk away", chance, key, model.quarter)
    note_decisions(model, members.only(walks), stays=False, cause=held.cause[walks])
    late = model.partnerships.stage[members.group[walks]] == Stage.NORMING
    model.tally["walked_away"] += int(walks.sum())
    model.tally["late_exits"] += int(late.sum())
    return let_go(model, members, walks, "walked away")


def _urgency(model: "MarketModel", groups: IntArray) -> FloatArray:
    """Return how a deadline presses ``groups``: by what it would lose them of the fund's money.

    A loan weighs half as much as a grant.
    """
    if not model.fund_capital:
        return np.zeros(len(groups))
    deadline = model.partnerships.deadline[groups]
    weight = 1.0 if model.levers.pump_priming_repayment == 0 else LOAN_WEIGHT
    left = np.where(deadline > 0, deadline - model.quarter, -1)
    lost = weight * fund_in_sight(model, groups)
    return rules.urgency(left, lost, model.assumptions.deadline_pull)


def _settle(model: "MarketModel") -> None:
    """Let storming groups settle their differences, and those that cannot give up."""
    members = preparing(model, Stage.STORMING)
    rows, place = np.unique(members.group, return_inverse=True)
    if not len(rows):
        return
    assumptions, partnerships = model.assumptions, model.partnerships
    mean = sum_by(place, mood(model, members).tension, len(rows)) / np.bincount(place)
    chance = rules.settle_chance(
        assumptions.settling, mean, model.levers.partnership_support, _urgency(model, rows)
    )  # fmt: skip
    key = model.services.key[partnerships.lead[rows]]
    settles = model.draws.happens("settle", chance, key, model.quarter)
    _prepare(model, rows[settles], members.only(settles[place]))
    given_up = ~settles & (model.quarter - partnerships.stormed[rows] >= assumptions.patience)
    for row in rows[given_up].tolist():
        lose_heart(model, members.service[members.group == row])
    dissolve(model, rows[given_up], "no agreement")


def _prepare(model: "MarketModel", rows: IntArray, members: Members) -> None:
    """Let groups that agree in principle choose how to govern themselves, and prepare a case."""
    partnerships = model.partnerships
    partnerships.stage[rows], partnerships.normed[rows] = Stage.NORMING, model.quarter
    partnerships.governance[rows] = governance = _governance(model, rows, members)
    menu = np.where(partnerships.menu[rows], rules.MENU_POOLS, 1.0)
    partnerships.pooled[rows] = governance_table().scale[governance] * menu
    partnerships.ready[rows] = model.quarter + _norming_quarters(model, rows, members)


def _governance(model: "MarketModel", rows: IntArray, members: Members) -> IntArray:
    """Return the model of collaboration that groups choose, or are held to by an assumption."""
    place = np.searchsorted(rows, members.group)
    number = np.bincount(place, minlength=len(rows))
    said = model.assumptions.governance
    if said != NOT_CHOSEN:
        return governance_held_to(NAMES.index(said), number)
    segment = segment_table().specificity[model.services.segment[members.service]]
    wish = np.clip(1.2 - 0.4 * model.councils.appetite[members.council] - 0.4 * segment, 0.0, 1.0)
    control = sum_by(place, wish, len(rows)) / np.maximum(number, 1)
    key = model.services.key[model.partnerships.lead[rows]]
    models = np.arange(len(NAMES))
    luck = 0.3 * model.draws.normal("governance", key[:, None], models[None, :])
    return choose_governance(number, control, luck)


def _norming_quarters(model: "MarketModel", rows: IntArray, members: Members) -> IntArray:
    """Return how long groups take to prepare: agreements, a procurement, leases that end apart."""
    place = np.searchsorted(rows, members.group)
    number = np.bincount(place, minlength=len(rows))
    bound = governance_table().quarters[model.partnerships.governance[rows]]
    segment = model.services.segment[model.partnerships.lead[rows]]
    procurement = procedure_table().quarters[segment_table().procedure[segment]]
    longest = np.maximum(rules.set_up_quarters(0, number) + bound, procurement)
    needed = np.maximum(longest, _lease_quarters(model, rows, members, place))
    quarters: IntArray = needed.astype(np.int64)
    return quarters


def _lease_quarters(
    model: "MarketModel", rows: IntArray, members: Members, place: IntArray
) -> FloatArray:
    """Return until when enough members are free of leases and contracts that end apart (D0 ¶67).

    All must be, unless members may enter one after the other: then as many as must take part.
    """
    now = np.full(len(members.service), model.quarter)
    bound = free_from(model, members.service, now) - model.quarter
    order = np.lexsort((bound, place))
    number = np.bincount(place, minlength=len(rows))
    start = np.cumsum(number) - number
    phased = model.partnerships.phased[rows]
    last = np.where(phased, np.minimum(model.partnerships.minimum[rows], number), number)
    free: FloatArray = bound[order][start + np.maximum(last, 1) - 1]
    return free


def _hold_contracts_open(model: "MarketModel") -> None:
    """Keep the contracts of members running for as long as their groups prepare."""
    contract = model.services.contract[model.services.partnership != NONE]
    held = contract[contract != NONE]
    model.contracts.end[held] = np.maximum(model.contracts.end[held], model.quarter + 1)


def _in_need(model: "MarketModel", services: IntArray) -> IntArray:
    """Return which of ``services`` have a contract that ends now."""
    contract = model.services.contract[services]
    held = rows_where(contract != NONE)
    ends = model.contracts.end[contract[held]] <= model.quarter
    return services[held[ends]]
