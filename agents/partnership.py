"""Partnerships: groups of councils that commission together, how they grow and how they hold.

Groups go through the stages of Tuckman's model (D1 appendix 1): forming, storming, norming,
performing; most end on the way. Rules are functions of arrays, one entry a member or a group.
"""

from enum import IntEnum
from typing import Any

import numpy as np

from agents.columns import (
    NONE,
    BoolArray,
    FloatArray,
    IntArray,
    Table,
    flag,
    number,
    rows_where,
    whole,
)
from agents.compiled import compiled, inlined
from agents.council import scale_gain
from agents.governance import INFORMAL
from agents.handles import Handle


class Stage(IntEnum):
    """Where a group stands."""

    FORMING = 0
    STORMING = 1
    NORMING = 2
    PERFORMING = 3
    DISSOLVED = 4


STAGE_NAMES = tuple(stage.name.lower() for stage in Stage)


class Partnerships(Table):
    """One row a group, in the order in which groups formed."""

    lead: IntArray = whole("row", "service of the council that leads")
    kind: IntArray = whole("code", "kind of service")
    stage: IntArray = whole("code", "stage")
    formed: IntArray = whole("quarter", "when it began to form; 0 or less before the first")
    stormed: IntArray = whole("quarter", "when its members began to differ; 0 if never")
    normed: IntArray = whole("quarter", "when they settled their differences; 0 if never")
    performed: IntArray = whole("quarter", "when its first joint contract began; 0 if never")
    ready: IntArray = whole("quarter", "when it may leave the stage in which it stands")
    deadline: IntArray = whole("quarter", "last one in which it may sign and be funded; 0 none")
    governance: IntArray = whole("code", "model of collaboration", initial=INFORMAL)
    neutral: BoolArray = flag("its case is made across parties")
    phased: BoolArray = flag("members may enter one after the other")
    menu: BoolArray = flag("members choose from a menu what they share")
    pooled: FloatArray = number("share", "of the scale effect that it realises", initial=1.0)
    lost: IntArray = whole("quarter", "when it last lost a member; 0 if never")
    members_sought: IntArray = whole("count", "members when it formed")
    minimum: IntArray = whole("count", "members without which it gives up", initial=2)
    members: IntArray = whole("count", "members that committed")
    joined: IntArray = whole("count", "members that joined a joint contract later")
    withdrew: IntArray = whole("count", "members that left a joint contract")
    contract: IntArray = whole("row", "joint contract", initial=NONE)
    tries: IntArray = whole("count", "tenders that failed and were repeated")
    proven: BoolArray = flag("its first success has been noticed")
    ended: IntArray = whole("quarter", "when it dissolved; 0 while it stands")
    ended_how: IntArray = whole("code", "why it dissolved")
    value: FloatArray = number("£m a year", "in-house cost of what it shares")
    counties: IntArray = whole("count", "counties among those that formed it")
    districts: IntArray = whole("count", "districts among those that formed it")
    set_up: FloatArray = number("£m", "set-up cost that its business case reckons")

    def preparing(self) -> IntArray:
        """Return the rows of groups that have no joint contract yet, or prepare the next."""
        return rows_where(self.stage < Stage.PERFORMING)


ENDED_HOW = (
    "",
    "walked away",
    "no agreement",
    "voted down",
    "no business case",
    "no cash",
    "tender failed",
    "collapsed",
    "members withdrew",
)

CAUSES = (
    "none",
    "politics",
    "place of the service",
    "fear of a dominant partner",
    "staff and employers",
    "no champion",
    "new members",
    "what came to light late",
    "reluctance to share",
    "doubts about the case",
    "no gain",
    "trouble with the service",
    "the group fell apart",
)
"""Why a member decides as it does: the largest of what speaks against the partnership."""

NEW_MEMBERS, HIDDEN, RELUCTANCE, DOUBTS, NO_GAIN, TROUBLE, FELL_APART = (
    CAUSES.index(one) for one in CAUSES[-7:]
)


class Ballots(Table):
    """One row a decision of a member: to walk away, its vote, to withdraw, to join."""

    partnership: IntArray = whole("row", "group")
    service: IntArray = whole("row", "the member's service")
    quarter: IntArray = whole("quarter", "when it was taken")
    stage: IntArray = whole("code", "stage in which it was taken")
    stays: BoolArray = flag("it goes on, or in")
    cause: IntArray = whole("code", "what spoke most against")
    gain: FloatArray = number("of annual cost", "net saving a year that its case shows; 0 unknown")
    vote: BoolArray = flag("it was taken by vote on the business case")


@compiled
def _most_attractive_first(attraction: FloatArray) -> IntArray:
    """Return candidates by falling attraction, those alike in their order (by insertion: few)."""
    order = np.arange(len(attraction))
    for candidate in range(1, len(attraction)):
        place = candidate
        while place > 0 and attraction[order[place - 1]] < attraction[candidate]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = candidate
    return order


@inlined
def _adjoins_group(candidate: int, adjoins: BoolArray, inside: BoolArray) -> bool:
    """Return whether a candidate adjoins one of those ``inside``, leader first."""
    found = False
    for column in range(len(inside)):
        found |= inside[column] and adjoins[candidate, column]
    return found


@compiled
def grow_group(
    attraction: FloatArray,
    values: FloatArray,
    adjoins: BoolArray,
    lead_value: float,
    elasticity: float,
    coordination: float,
    most: int,
    enough: float,
) -> IntArray:
    """Return which candidates join a leader, greedily in order of attraction.

    A candidate joins where it adjoins the group and its attraction and its gain from scale, less
    the cost of one more partner to coordinate, are together worth having.

    Args:
        attraction: what draws each candidate apart from money, as a share of cost.
        values: annual value of each candidate's requirement, £m.
        adjoins: whether each candidate adjoins the leader (first column) and each other one
            (candidates x candidates + 1).
        lead_value: annual value of the leader's requirement, £m.
        elasticity: fall of unit cost with scale.
        coordination: rise of cost for each further council.
        most: largest group, leader included.
        enough: annual value at which the group stops looking, £m.
    """
    chosen = np.empty(len(values), dtype=np.int64)
    inside = np.zeros(len(values) + 1, dtype=np.bool_)
    inside[0] = True
    count, value = 0, lead_value
    for candidate in _most_attractive_first(attraction):
        if count + 1 >= most or value >= enough:
            break
        gain = scale_gain(value, values[candidate], elasticity) - coordination
        if attraction[candidate] + gain > 0 and _adjoins_group(candidate, adjoins, inside):
            chosen[count] = candidate
            inside[candidate + 1] = True
            count += 1
            value += values[candidate]
    return chosen[:count]


MENU_SPARES = 0.5
"""Part of what sets members apart that a menu lets them leave out."""

MENU_POOLS = 0.8
"""Part of the scale effect that is left where members choose from a menu."""


def conflict(
    politics: FloatArray,
    kilometres: FloatArray,
    remoteness: float,
    size_ratio: FloatArray,
    threat: FloatArray,
    staff: FloatArray,
    champion: BoolArray,
    caution: FloatArray,
    autonomy: float = 1.0,
) -> tuple[FloatArray, ...]:
    """Return what sets members against a partnership, by cause (the first 7 of ``CAUSES``).

    Args:
        politics: political distance from the leader, 0-1; 0 where the case is neutral (D1 §4.3).
        kilometres: distance to the leader, where the service will be (D1 §1.8).
        remoteness: how much a remote site counts, 1 as usual.
        size_ratio: the leader's requirement over the member's own.
        threat: threat of reorganisation that the leader stands for, 0-1 (D1 §4.4; D4).
        staff: part of the staff to be moved, times how much the council is the main employer and
            how hard transfers are (D1 §4.4, 6.5).
        champion: a champion of change is in post (D1 §1.8).
        caution: new members are averse to risk, 0-1.
        autonomy: how much councils fear for it, 1 as usual.
    """
    feared = np.maximum(np.log(size_ratio) - 1.0, 0.0)
    lost: Any = 0.5 * (1.0 - champion)
    return (
        0.0 * politics,
        0.5 * politics,
        0.4 * kilometres / 100.0 * remoteness,
        autonomy * (0.15 * feared + 0.5 * threat),
        0.4 * staff,
        lost,
        0.5 * caution,
    )


SEEN_ANYWAY, SEEN_BY_PROCESS = 0.2, 0.6
"""Part of what members do not say at first that comes up while they differ: always, and more where
they follow a model process for joint commissioning."""


def come_to_light(hidden: FloatArray, late: BoolArray, support: float) -> FloatArray:
    """Return what comes up of differences that members do not see at first (D0 ¶66).

    What is not brought up while they differ comes up while they prepare, when it is late.

    Args:
        hidden: differences that each member does not see at first, as tension.
        late: its group has settled what was known.
        support: a model process for joint commissioning and a facilitator, 0-1.
    """
    seen = SEEN_ANYWAY + SEEN_BY_PROCESS * support
    return hidden * (late * (1.0 - seen) + (1.0 - late) * seen)


def tension(
    conflict: FloatArray,
    hidden: FloatArray,
    trust: FloatArray,
    menu: BoolArray,
    left: FloatArray,
    friction: float,
    compromise: float,
    support: float,
) -> FloatArray:
    """Return members' tension with the group, 0 and more; 1 is much.

    Trust from earlier ties, ability to compromise and a facilitator lower it (D1 §3.3, 4.2); who
    may choose from a menu stays out of what it would quarrel over (D1 §1.5).

    Args:
        conflict: what is known to set each member against it, all causes together.
        hidden: what has come to light beside it.
        trust: in the leader, -1 to 1.
        menu: members choose what they share.
        left: part of what is known that they have not settled, 0-1.
        friction: tension that any sharing brings.
        compromise: ability to compromise, 0-1; 0.5 as usual.
        support: facilitation, 0-1.
    """
    calmed = (1.5 - compromise) * (1.0 - 0.4 * support)
    met = conflict * (1.0 - MENU_SPARES * menu)
    known = np.maximum(friction + met - 0.8 * trust, 0.05)
    return (known * left + hidden) * calmed


def walk_away_chance(
    base: float,
    tension: FloatArray,
    withdrawal: FloatArray,
    urgency: FloatArray,
    obliged: FloatArray,
) -> FloatArray:
    """Return the chance a quarter that members walk away before they commit.

    Args:
        base: chance at a tension of 1.
        tension: members' tension.
        withdrawal: factor of the group's governance.
        urgency: what leaving now would lose because of a deadline, 0-1.
        obliged: mandate under which a member must aggregate, 0-1; it leaves little room to go.
    """
    return np.minimum(base * tension * withdrawal * (1 - 0.5 * urgency) * (1 - 0.9 * obliged), 0.95)


def settle_chance(
    pace: float, tension: FloatArray, support: float, urgency: FloatArray
) -> FloatArray:
    """Return the chance a quarter that groups settle their differences.

    The less sets them apart the sooner; a facilitator and a date to agree by help (D1 §1.1, 3.3).

    Args:
        pace: chance at a mean tension of a half.
        tension: mean tension of each group's members.
        support: facilitation, 0-1.
        urgency: what delay loses because of a deadline, 0-1.
    """
    helped = (1.0 + 0.5 * support) * (1.0 + urgency)
    return np.minimum(pace * helped / (0.5 + tension), 0.95)


def urgency(quarters_left: IntArray, grant: FloatArray, pull: float) -> FloatArray:
    """Return how a deadline presses, 0-1: the nearer it is and the more a grant pays.

    Args:
        quarters_left: to the deadline; negative where there is none or it has passed.
        grant: part of the set-up cost that would be lost.
        pull: at the deadline, where the grant pays all.
    """
    near = np.where(quarters_left >= 0, 1.0 / (1.0 + np.maximum(quarters_left, 0) / 4.0), 0.0)
    return np.minimum(pull * grant * near, 1.0)


def no_vote_margin(
    gain: FloatArray,
    caution: FloatArray,
    readiness: FloatArray,
    trust: FloatArray,
    leaving: FloatArray,
    pull: FloatArray,
) -> FloatArray:
    """Return by how much a member's case falls short of what its council wants, of annual cost.

    Args:
        gain: net saving a year that the case shows, of annual cost.
        caution: new members are averse to risk, 0-1.
        readiness: to share, 0-1.
        trust: in the leader, -1 to 1.
        leaving: what leaving a service that is shared already costs, of annual cost.
        pull: of a mandate, of annual cost.
    """
    wary = 0.02 * caution + 0.02 * (1.0 - readiness) - 0.02 * trust
    return wary - gain - leaving - pull


def why_against(
    gain: FloatArray,
    caution: FloatArray,
    readiness: FloatArray,
    trust: FloatArray,
    margin: FloatArray,
) -> IntArray:
    """Return what speaks most against a case, for members that vote against it (in ``CAUSES``).

    No gain, where there is none; what their councils want beyond a gain, where they want more than
    the case shows; else that they doubt it.

    Args:
        gain: net saving a year that the case shows, of annual cost.
        caution: new members are averse to risk, 0-1.
        readiness: to share, 0-1.
        trust: in the leader, -1 to 1.
        margin: by how much the case falls short, as `no_vote_margin` has it.
    """
    wish = np.where(caution > 1.0 - readiness - trust, NEW_MEMBERS, RELUCTANCE)
    known: IntArray = np.where(gain <= 0, NO_GAIN, np.where(margin > 0, wish, DOUBTS))
    return known


def withdrawal_chance(
    base: float,
    tension: FloatArray,
    troubled: BoolArray,
    remote: FloatArray,
    withdrawal: FloatArray,
    exit_cost: FloatArray,
) -> FloatArray:
    """Return the chance a quarter that members leave a joint contract.

    Args:
        base: chance at a tension of 1.
        tension: members' tension.
        troubled: the contract is in trouble.
        remote: how remote a standardised service has become, 0 and more (D1 §3.2, 4.5).
        withdrawal: factor of the group's governance.
        exit_cost: what leaving costs, of annual cost.
    """
    driven = (tension + 2.0 * troubled + remote) * withdrawal
    return np.minimum(base * driven / (1.0 + 4.0 * exit_cost), 0.95)


def looking_chance(readiness: FloatArray, champion: BoolArray, obliged: FloatArray) -> FloatArray:
    """Return the chance that councils with a need look at joint contracts that others run.

    Args:
        readiness: to share, 0-1.
        champion: a champion of change is in post.
        obliged: mandate under which the service must be aggregated, 0-1; they look as often at
            least.
    """
    return np.maximum(readiness * (0.2 + 0.3 * champion), obliged)


def wariness(readiness: FloatArray) -> FloatArray:
    """Return what councils must gain to join a joint contract that runs, of annual cost.

    Args:
        readiness: to share, 0-1; who is ready in full asks for nothing.
    """
    return 0.05 * (1.0 - readiness)


def set_up_quarters(base: int, members: IntArray) -> IntArray:
    """Return quarters that more partners than two take longer over (D1 §7.2)."""
    return base + (members - 2) // 3


def set_up_cost(
    value: FloatArray, saving_share: float, years_of_saving: float, floor: float
) -> FloatArray:
    """Return set-up cost, £m: ``years_of_saving`` of a usual saving, with a floor (D1 §4.3).

    The usual saving is ``saving_share`` of the annual value, so that a worse deal is not cheaper.
    """
    return np.maximum(value * saving_share * years_of_saving, floor)


class Partnership(Handle):
    """Mesa's handle on one row of `Partnerships`."""

    @property
    def stage(self) -> Stage:
        """Where the group stands."""
        return Stage(int(self.model.partnerships.stage[self.row]))
