"""Phase 3, partnering: groups form, differ, settle, vote and commit; most end on the way.

Groups go through Tuckman's stages (D1 appendix 1). While members differ, and while they prepare,
any of them may walk away; norming ends in each member's own vote on its own business case. What
commits goes to the market; `simulation.membership` has what follows once a joint contract runs.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtr

from agents import partnership as rules
from agents.columns import NONE, BoolArray, FloatArray, IntArray, rows_where
from agents.council import political_distance, unowned
from agents.governance import (
    NAMES,
    NOT_CHOSEN,
    choose_governance,
    governance_held_to,
    governance_table,
)
from agents.partnership import ENDED_HOW, FELL_APART, Stage
from simulation.business_case import assess, fund_in_sight, member_gains
from simulation.contracts import sum_by
from simulation.needs import Arisen, mandate
from simulation.seeking import (
    ALLIED,
    COUNTY,
    DISTRICT,
    INDEPENDENT_FROM,
    fewest_members,
    reorganisation_threat,
    seek,
)
from simulation.segments import procedure_table, segment_table
from simulation.ties import be_disappointed, lose_heart, trust_between

if TYPE_CHECKING:
    from simulation.model import MarketModel


LEAVING = 0.2
"""Cost of leaving a shared service at the end of its contract, of annual cost, beside what the
agreement asks: systems and staff to be found again (assumed)."""

REMOTE_KILOMETRES = 50.0
"""Distance at which a service is remote."""

LOAN_WEIGHT = 0.5
"""What a loan from the fund is worth to members, over a grant of the same amount."""

MOST_TRIES = 1
"""Times that a group repeats a tender that failed."""


class Group(NamedTuple):
    """A group that has agreed: its row and its members' services, the leader's first."""

    partnership: int
    services: IntArray


class Members(NamedTuple):
    """Members of groups that prepare a joint contract, or have one; one entry a member.

    Attributes:
        service: the member's service.
        council: its council.
        group: its group.
        leader: the council that leads.
    """

    service: IntArray
    council: IntArray
    group: IntArray
    leader: IntArray

    def only(self, wanted: BoolArray) -> "Members":
        """Return those that are ``wanted``."""
        return Members(*(column[wanted] for column in self))


def advance(model: "MarketModel", arisen: Arisen) -> tuple[IntArray, list[Group]]:
    """Let groups differ, settle and vote, and new ones form.

    Returns:
        The services whose need is met alone this quarter, and the groups that have agreed.
    """
    _reconvene(model)
    left = [_walk_away(model)]
    _settle(model)
    rejected, agreed = _vote(model)
    left.append(rejected)
    _begin_to_differ(model)
    seek(model, arisen)
    _hold_contracts_open(model)
    alone = np.zeros(len(model.services), dtype=bool)
    alone[arisen.due] = model.services.partnership[arisen.due] == NONE
    alone[_in_need(model, np.concatenate(left))] = True
    return rows_where(alone), agreed


def dissolve(model: "MarketModel", rows: IntArray, how: str) -> None:
    """End the groups ``rows`` because of ``how``."""
    if not len(rows):
        return
    partnerships, services = model.partnerships, model.services
    over = np.zeros(len(partnerships) + 1, dtype=bool)
    over[rows] = True
    services.partnership[over[services.partnership]] = NONE
    partnerships.stage[rows] = Stage.DISSOLVED
    partnerships.ended[rows] = model.quarter
    partnerships.ended_how[rows] = ENDED_HOW.index(how)
    model.tally["partnerships_ended"] += len(rows)


def end_in_vain(model: "MarketModel", rows: IntArray, how: str) -> None:
    """End groups that agreed and came to nothing: new ones are left less ready to share."""
    new = rows[model.partnerships.contract[rows] == NONE]
    be_disappointed(model, rows_where(np.isin(model.services.partnership, new)))
    dissolve(model, rows, how)


def try_again(model: "MarketModel", rows: IntArray) -> None:
    """Let groups whose tender failed go to the market once more; end those that already have."""
    partnerships, services = model.partnerships, model.services
    again = rows[partnerships.tries[rows] < MOST_TRIES]
    partnerships.tries[again] += 1
    partnerships.stage[again] = Stage.NORMING
    segment = services.segment[partnerships.lead[again]]
    wait = np.maximum(procedure_table().quarters[segment_table().procedure[segment]], 1)
    partnerships.ready[again] = model.quarter + wait
    services.ordinal[np.isin(services.partnership, again)] += 1
    end_in_vain(model, np.setdiff1d(rows, again), "tender failed")


# --- members and what sets them apart ------------------------------------------------------------


def _preparing(model: "MarketModel", *stages: Stage) -> Members:
    """Return the members of groups that prepare and are in one of ``stages``."""
    group_of, stage = model.services.partnership, model.partnerships.stage
    service = rows_where(group_of != NONE)
    members = members_of(model, service, group_of[service])
    return members.only(np.isin(stage[members.group], stages))


def members_of(model: "MarketModel", service: IntArray, group: IntArray) -> Members:
    """Return ``service`` as members of ``group``, rows of partnerships."""
    council = model.services.council
    return Members(service, council[service], group, council[model.partnerships.lead[group]])


class Mood(NamedTuple):
    """How members stand to their group, one entry a member.

    Attributes:
        tension: how far a member is at odds with its group, 0 and more.
        cause: what speaks most against the group, a place in ``CAUSES``.
    """

    tension: FloatArray
    cause: IntArray


def mood(model: "MarketModel", members: Members) -> Mood:
    """Return how ``members`` stand to their groups."""
    assumptions, councils, services = model.assumptions, model.councils, model.services
    one, other = members.council, members.leader
    politics = political_distance(councils.control[one], councils.control[other], INDEPENDENT_FROM)
    lead = model.partnerships.lead[members.group]
    at_home = services.contract[members.service] == NONE
    partial = ~model.partnerships.neutral[members.group]
    conflict = rules.conflict(
        politics * partial,
        model.kilometres(one, other), assumptions.site_remoteness,
        services.baseline[lead] / services.baseline[members.service],
        _threat(model, one, other), assumptions.staff_transfers * councils.employer[one] * at_home,
        councils.champion[one], councils.caution[one] * partial, assumptions.autonomy,
    )  # fmt: skip
    late, hidden = _come_to_light(model, members)
    left = np.where(late, assumptions.late_differences, 1.0)
    tension = rules.tension(
        conflict.sum(axis=1) + assumptions.metering_strife * (assumptions.cost_sharing == "use"),
        hidden, _trust(model, members), model.partnerships.menu[members.group],
        left, assumptions.friction, assumptions.compromise, model.levers.partnership_support,
    )  # fmt: skip
    against = np.column_stack([conflict * left[:, None], hidden * late])
    return Mood(tension, np.argmax(against, axis=1))


def _come_to_light(model: "MarketModel", members: Members) -> tuple[BoolArray, FloatArray]:
    """Return which members have settled what they knew, and what has come up beside it."""
    stage = model.partnerships.stage[members.group]
    services = model.services
    key = services.key[members.service], services.ordinal[members.service]
    drawn = 2.0 * model.draws.uniform("hidden differences", *key)
    hidden = model.assumptions.hidden_differences * drawn * (stage < Stage.PERFORMING)
    late = stage == Stage.NORMING
    return late, rules.come_to_light(hidden, late, model.levers.partnership_support)


def _trust(model: "MarketModel", members: Members) -> FloatArray:
    """Return members' trust in their leaders."""
    family = model.geography.family
    return trust_between(model.ties.trust, family, members.council, members.leader)


def _threat(model: "MarketModel", one: IntArray, other: IntArray) -> FloatArray:
    """Return the threat of reorganisation that ``other`` stands for to ``one``."""
    kind, family = model.councils.type, model.geography.family
    allied = (kind[one] == DISTRICT) & (kind[other] == DISTRICT) & (one != other)
    threat = np.where(allied, ALLIED, kind[other] == COUNTY) * (one != other)
    felt: FloatArray = reorganisation_threat(model) * threat * (family[one] == family[other])
    return felt


def remoteness(
    model: "MarketModel", council: IntArray, leader: IntArray, segment: IntArray
) -> FloatArray:
    """Return how remote a shared service becomes to ``council``, 0 and more (D1 §3.2, 4.5).

    The more it is standardised, the further away it is run, and the more a council's own needs
    differ from the standard: what ended the shared bureaux.
    """
    assumptions = model.assumptions
    weight = assumptions.remoteness * assumptions.site_remoteness * assumptions.standardisation
    away = model.kilometres(council, leader) / REMOTE_KILOMETRES
    remote: FloatArray = weight * (0.5 + segment_table().specificity[segment]) * away
    return remote


def _urgency(model: "MarketModel", groups: IntArray) -> FloatArray:
    """Return how a deadline presses ``groups``: by what it would lose them of the fund's money.

    A loan weighs half as much as a grant.
    """
    deadline = model.partnerships.deadline[groups]
    weight = 1.0 if model.levers.pump_priming_repayment == 0 else LOAN_WEIGHT
    left = np.where(deadline > 0, deadline - model.quarter, -1)
    lost = weight * fund_in_sight(model, groups)
    return rules.urgency(left, lost, model.assumptions.deadline_pull)


# --- storming and norming ------------------------------------------------------------------------


def _begin_to_differ(model: "MarketModel") -> None:
    """Let groups whose first talks are over begin to storm."""
    partnerships = model.partnerships
    due = partnerships.stage == Stage.FORMING
    rows = rows_where(due & (partnerships.ready <= model.quarter))
    partnerships.stage[rows], partnerships.stormed[rows] = Stage.STORMING, model.quarter


def _walk_away(model: "MarketModel") -> IntArray:
    """Let members of groups that storm or norm walk away; return the services that are left."""
    members = _preparing(model, Stage.STORMING, Stage.NORMING)
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
    return _leave(model, members, walks, "walked away")


def _leave(model: "MarketModel", members: Members, leaves: BoolArray, how: str) -> IntArray:
    """Let members go; groups left with fewer than they need end because of ``how`` (D0 ¶67).

    Returns:
        The services that have no group any more.
    """
    remaining = np.bincount(members.group[~leaves], minlength=len(model.partnerships))
    touched = np.zeros(len(model.partnerships), dtype=bool)
    touched[members.group] = True
    over = touched & (remaining < model.partnerships.minimum)
    model.services.partnership[members.service[leaves]] = NONE
    model.partnerships.lost[members.group[leaves]] = model.quarter
    stranded = over[members.group] & ~leaves
    note_decisions(model, members.only(stranded), stays=False, cause=FELL_APART)
    for row in rows_where(over).tolist():
        lose_heart(model, members.service[members.group == row])
    dissolve(model, rows_where(over), how)
    _follow_another(model, members.only(~leaves & ~stranded))
    return members.service[leaves | stranded]


def _follow_another(model: "MarketModel", members: Members) -> None:
    """Let the first of the members lead where the leader has left."""
    lead = model.partnerships.lead
    lost = model.services.partnership[lead[members.group]] != members.group
    rows, first = np.unique(members.group[lost], return_index=True)
    lead[rows] = members.service[lost][first]


def _settle(model: "MarketModel") -> None:
    """Let storming groups settle their differences, and those that cannot give up."""
    members = _preparing(model, Stage.STORMING)
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
    bound = _free_from(model, members.service, now) - model.quarter
    order = np.lexsort((bound, place))
    number = np.bincount(place, minlength=len(rows))
    start = np.cumsum(number) - number
    phased = model.partnerships.phased[rows]
    last = np.where(phased, np.minimum(model.partnerships.minimum[rows], number), number)
    free: FloatArray = bound[order][start + np.maximum(last, 1) - 1]
    return free


def _free_from(model: "MarketModel", services: IntArray, settled: IntArray) -> FloatArray:
    """Return the quarter from which services of groups that have ``settled`` are free.

    Bound by leases, and by contracts that end too late to be given up.
    """
    drawn = model.draws.uniform("lease", model.services.key[services])
    lease = settled + 4.0 * model.assumptions.lease_spread * drawn
    contract = model.services.contract[services]
    given_up = model.contracts.end[contract] - model.assumptions.alignment_window
    free: FloatArray = np.maximum(lease, np.where(contract == NONE, lease, given_up))
    return free


# --- the vote ------------------------------------------------------------------------------------


def _reconvene(model: "MarketModel") -> None:
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


def _vote(model: "MarketModel") -> tuple[IntArray, list[Group]]:
    """Let the members of groups whose case is ready vote on it, each on its own.

    A project without a business case does not come to a vote.

    Returns:
        The services that have no group any more, and the groups that commit.
    """
    members = _preparing(model, Stage.NORMING)
    members = members.only(model.partnerships.ready[members.group] <= model.quarter)
    if not len(members.service):
        return members.service, []
    hopeless = _without_a_case(model, members)
    end_in_vain(model, np.unique(members.group[hopeless]), "no business case")
    dropped, members = members.only(hopeless).service, members.only(~hopeless)
    gain = member_gains(model, members.group, members.service)
    margin = _no_vote_margin(model, members, gain)
    refuses = _refuses(model, members, margin)
    model.tally["voted"] += len(gain)
    model.tally["voted_against"] += int(refuses.sum())
    council = model.councils
    cause = rules.why_against(
        gain, council.caution[members.council], council.readiness[members.council],
        _trust(model, members), margin,
    )  # fmt: skip
    note_decisions(
        model, members, stays=~refuses, cause=np.where(refuses, cause, 0), gain=gain, vote=True
    )
    left = _leave(model, members, refuses, "voted down")
    stays = model.services.partnership[members.service] != NONE
    return np.concatenate([dropped, left]), _agreed(model, members.only(stays))


def _without_a_case(model: "MarketModel", members: Members) -> BoolArray:
    """Return which members are of groups whose project to set up has no business case."""
    rows, place = np.unique(members.group, return_inverse=True)
    order = np.argsort(place, kind="stable")
    viable = assess(model, place[order], members.service[order], rows).viable
    viable |= model.partnerships.contract[rows] != NONE
    hopeless: BoolArray = ~viable[place]
    return hopeless


def _no_vote_margin(model: "MarketModel", members: Members, gain: FloatArray) -> FloatArray:
    """Return by how much members' cases fall short of what their councils want."""
    councils = model.councils
    return rules.no_vote_margin(
        gain, councils.caution[members.council], councils.readiness[members.council],
        _trust(model, members), _leaving(model, members.group),
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
    free = _free_from(model, members.service, partnerships.normed[members.group])
    phased = partnerships.phased[members.group] & (partnerships.contract[members.group] == NONE)
    leads = members.service == partnerships.lead[members.group]
    waits: BoolArray = phased & ~leads & (free > model.quarter)
    at_once = np.bincount(members.group[~waits], minlength=len(partnerships))
    waits &= at_once[members.group] >= 2
    services.enters[members.service[waits]] = np.ceil(free[waits]).astype(np.int64)
    return waits


def note_decisions(
    model: "MarketModel", members: Members, *, stays: BoolArray | bool, cause: IntArray | int,
    gain: FloatArray | float = 0.0, vote: bool = False,
) -> None:  # fmt: skip
    """Note what ``members`` decide this quarter, and what speaks most against their group."""
    if not len(members.service):
        return
    ballots = model.ballots
    rows = ballots.extend(len(members.service))
    ballots.partnership[rows], ballots.service[rows] = members.group, members.service
    ballots.quarter[rows] = model.quarter
    ballots.stage[rows] = model.partnerships.stage[members.group]
    ballots.stays[rows], ballots.cause[rows], ballots.gain[rows] = stays, cause, gain
    ballots.vote[rows] = vote


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
