"""Norming ends in a vote: each member decides on its own business case, and the rest commit."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from agents import partnership as rules
from agents.columns import NONE, BoolArray, FloatArray, IntArray, marked, rows_where
from agents.council import unowned
from agents.governance import governance_table
from agents.partnership import Stage
from simulation.business_case import Cases, cases_of, member_gains
from simulation.groups import (
    Group,
    Members,
    end_in_vain,
    free_from,
    let_go,
    note_decisions,
    preparing,
)
from simulation.needs import mandate
from simulation.seeking import fewest_members
from simulation.segments import segment_table
from simulation.tension import trust_in_leader

if TYPE_CHECKING:
    from simulation.model import MarketModel


LEAVING = 0.2
"""Cost of leaving a shared service at the end of its contract, of annual cost, beside what the
agreement asks: systems and staff to be found again (assumed)."""


def reconvene(model: "MarketModel") -> None:
    """Call together the members of groups whose joint contract ends, to vote on the next."""
    services, contracts, partnerships = model.services, model.contracts, model.partnerships
    joint = partnerships.contract[partnerships.stage == Stage.PERFORMING]
    for contract in np.sort(joint[contracts.end[joint] <= model.quarter]).tolist():
        row = int(contracts.partnership[contract])
        members = services.contract == contract
        services.partnership[members] = row
        services.ordinal[members] += 1
        partnerships.stage[row] = Stage.NORMING
        partnerships.ready[row] = model.quarter
        partnerships.minimum[row] = fewest_members(model, members.sum())


def vote(model: "MarketModel") -> tuple[IntArray, list[Group]]:
    """Let the members of groups whose case is ready vote on it, each on its own.

    A project without a business case does not come to a vote.

    Returns:
        The services that have no group any more, and the groups that commit.
    """
    members = preparing(model, Stage.NORMING)
    members = members.only(model.partnerships.ready[members.group] <= model.quarter)
    if not len(members.service):
        return members.service, []
    cases = cases_of(model, members.group, members.service)
    hopeless = _without_a_case(model, cases)
    over = rows_where(marked(members.group[hopeless], len(model.partnerships)))
    end_in_vain(model, over, "no business case")
    dropped, members = members.only(hopeless).service, members.only(~hopeless)
    refuses = _cast(model, members, cases._replace(place=cases.place[~hopeless]))
    left = let_go(model, members, refuses, "voted down")
    stays = model.services.partnership[members.service] != NONE
    return np.concatenate([dropped, left]), _agreed(model, members.only(stays))


def _cast(model: "MarketModel", members: Members, cases: Cases) -> BoolArray:
    """Return which members vote against, and note how all vote and why."""
    councils, gain = model.councils, member_gains(model, cases, members.service)
    margin = _no_vote_margin(model, members, gain)
    refuses = _refuses(model, members, margin)
    cause = rules.why_against(
        gain, councils.caution[members.council], councils.readiness[members.council],
        trust_in_leader(model, members), margin,
    )  # fmt: skip
    cause = np.where(refuses, cause, 0)
    note_decisions(model, members, stays=~refuses, cause=cause, gain=gain, vote=True)
    model.tally["voted"] += len(gain)
    model.tally["voted_against"] += int(refuses.sum())
    return refuses


def _without_a_case(model: "MarketModel", cases: Cases) -> BoolArray:
    """Return which members are of groups whose project to set up has no business case."""
    viable = cases.case.viable | (model.partnerships.contract[cases.rows] != NONE)
    hopeless: BoolArray = ~viable[cases.place]
    return hopeless


def _no_vote_margin(model: "MarketModel", members: Members, gain: FloatArray) -> FloatArray:
    """Return by how much members' cases fall short of what their councils want."""
    councils = model.councils
    return rules.no_vote_margin(
        gain, councils.caution[members.council], councils.readiness[members.council],
        trust_in_leader(model, members), _leaving(model, members.group),
        model.assumptions.mandate_force * mandate(model, members.service),
    )  # fmt: skip


def _refuses(model: "MarketModel", members: Members, margin: FloatArray) -> BoolArray:
    """Return which members vote against: the case shows too little, as far as it can be judged.

    A case is judged worse where cost and performance are little known (D1 chart 5) and where there
    is no process to follow (D0 ¶66).
    """
    assumptions = model.assumptions
    unknown = unowned(model.services.maturity[members.service])
    spread = assumptions.vote_spread * unknown * (1.0 - 0.3 * model.levers.partnership_support)
    chance = ndtr(margin / np.maximum(spread, 1e-9))
    key = model.services.key[members.service]
    return model.draws.happens("vote", chance, key, model.quarter)


def _leaving(model: "MarketModel", group: IntArray) -> FloatArray:
    """Return what leaving a service that is shared already costs members a year, of its cost.

    The price of leaving, spread over the usual length of a contract.
    """
    partnerships, table = model.partnerships, segment_table()
    years = table.years[model.services.segment[partnerships.lead[group]]]
    cost = LEAVING + governance_table().exit_cost[partnerships.governance[group]]
    return np.where(partnerships.contract[group] == NONE, 0.0, cost / years)


def _agreed(model: "MarketModel", members: Members) -> list[Group]:
    """Return the groups that commit, each with its members, the leader first.

    Members of phased groups that are still bound come in when they are free.
    """
    members = members.only(~_waits(model, members))
    if not len(members.service):
        return []
    lead = model.partnerships.lead[members.group]
    order = np.lexsort((members.service, members.service != lead, members.group))
    rows, first = np.unique(members.group[order], return_index=True)
    ordered, cuts = members.service[order], [*first.tolist(), len(order)]
    services = [ordered[start:stop] for start, stop in pairwise(cuts)]
    return list(map(Group, rows.tolist(), services))


def _waits(model: "MarketModel", members: Members) -> BoolArray:
    """Return which members of phased groups are bound for longer, and set when they come in."""
    partnerships, services = model.partnerships, model.services
    free = free_from(model, members.service, partnerships.normed[members.group])
    phased = partnerships.phased[members.group] & (partnerships.contract[members.group] == NONE)
    leads = members.service == partnerships.lead[members.group]
    waits: BoolArray = phased & ~leads & (free > model.quarter)
    at_once = np.bincount(members.group[~waits], minlength=len(partnerships))
    waits &= at_once[members.group] >= 2
    services.enters[members.service[waits]] = np.ceil(free[waits]).astype(np.int64)
    return waits
