"""Groups that prepare a joint contract: their members, who goes, and how they end."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, marked, rows_where
from agents.compiled import compiled
from agents.partnership import ENDED_HOW, FELL_APART, Stage
from simulation.ties import be_disappointed, lose_heart

if TYPE_CHECKING:
    from simulation.model import MarketModel


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


def members_of(model: "MarketModel", service: IntArray, group: IntArray) -> Members:
    """Return ``service`` as members of ``group``, rows of partnerships."""
    council = model.services.council
    return Members(service, council[service], group, council[model.partnerships.lead[group]])


def preparing(model: "MarketModel", *stages: Stage) -> Members:
    """Return the members of groups that prepare and are in one of ``stages``."""
    services, partnerships = model.services, model.partnerships
    return Members(*_preparing(
        services.partnership, services.council, partnerships.stage, partnerships.lead,
        np.array(stages),
    ))  # fmt: skip


@compiled
def _preparing(
    partnership: IntArray, council: IntArray, stage: IntArray, lead: IntArray, stages: IntArray
) -> IntArray:
    """Return services, councils, groups and leaders (4 x members), in order of services."""
    found, count = np.empty((4, len(partnership)), dtype=np.int64), 0
    for service in range(len(partnership)):
        group = partnership[service]
        if group != NONE and stage[group] in stages:
            found[0, count], found[1, count] = service, council[service]
            found[2, count], found[3, count] = group, council[lead[group]]
            count += 1
    return found[:, :count]


def dissolve(model: "MarketModel", rows: IntArray, how: str) -> None:
    """End the groups ``rows`` because of ``how``."""
    if not len(rows):
        return
    partnerships, services = model.partnerships, model.services
    over = marked(rows, len(partnerships))
    services.partnership[over[services.partnership]] = NONE
    partnerships.stage[rows] = Stage.DISSOLVED
    partnerships.ended[rows] = model.quarter
    partnerships.ended_how[rows] = ENDED_HOW.index(how)
    model.tally["partnerships_ended"] += len(rows)


def end_in_vain(model: "MarketModel", rows: IntArray, how: str) -> None:
    """End groups that agreed and came to nothing: new ones are left less ready to share."""
    if not len(rows):
        return
    new = marked(rows[model.partnerships.contract[rows] == NONE], len(model.partnerships))
    be_disappointed(model, rows_where(new[model.services.partnership]))
    dissolve(model, rows, how)


def let_go(model: "MarketModel", members: Members, leaves: BoolArray, how: str) -> IntArray:
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
    if not lost.any():
        return
    rows, first = np.unique(members.group[lost], return_index=True)
    lead[rows] = members.service[lost][first]


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


def free_from(model: "MarketModel", services: IntArray, settled: IntArray) -> FloatArray:
    """Return the quarter from which services of groups that have ``settled`` are free.

    Bound by leases, and by contracts that end too late to be given up.
    """
    drawn = model.draws.uniform("lease", model.services.key[services])
    lease = settled + 4.0 * model.assumptions.lease_spread * drawn
    contract = model.services.contract[services]
    given_up = model.contracts.end[contract] - model.assumptions.alignment_window
    free: FloatArray = np.maximum(lease, np.where(contract == NONE, lease, given_up))
    return free
