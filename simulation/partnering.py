"""Phase 3, partnering: councils look for partners, groups form, and members commit or walk away."""

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, rows_where
from agents.council import (
    joining_attraction,
    political_distance,
    scale_gain,
    walk_away_chance,
)
from agents.partnership import ENDED_HOW, Stage, grow_group, set_up_quarters
from simulation.business_case import assess
from simulation.contracts import sum_by
from simulation.needs import council_pressure, of_performing_group
from simulation.randomness import combine
from simulation.register import CONTROLS
from simulation.segments import segment_table

if TYPE_CHECKING:
    from simulation.model import MarketModel

INDEPENDENT_FROM = CONTROLS.index("no_overall_control")
TRUST_GAINED, TRUST_LOST = 0.2, -0.2
READINESS_GAINED, READINESS_LOST = 0.1, -0.1
SAME_COUNTY_TRUST = 0.2


class Group(NamedTuple):
    """A group that has agreed: its row and its members' services, the leader's first."""

    partnership: int
    services: IntArray


class Matches(NamedTuple):
    """Possible partners of this quarter's leaders, one entry a pair, in order of leaders."""

    leader: IntArray
    candidate: IntArray
    attraction: FloatArray


class Offers(NamedTuple):
    """The same pairs as lists, for the turn of each leader.

    Attributes:
        service: candidate's service.
        council: candidate's council.
        attraction: what draws the pair together.
        value: annual value of the candidate's service, £m.
    """

    service: list[int]
    council: list[int]
    attraction: list[float]
    value: list[float]

    def free(self, start: int, stop: int, taken: set[int]) -> "Offers":
        """Return the offers from ``start`` to ``stop`` of services that are not yet taken."""
        kept = [place for place in range(start, stop) if self.service[place] not in taken]
        whole_lists = [[column[place] for place in kept] for column in self]
        return Offers._make(whole_lists)


class Ties:
    """Trust between councils beyond that of strangers, earned and lost by earlier groups."""

    def __init__(self, councils: int) -> None:
        """Start without ties among ``councils``."""
        self._councils = councils
        self._trust: dict[int, float] = {}
        self._sorted: tuple[IntArray, FloatArray] | None = None

    def trust(self, one: IntArray, other: IntArray) -> FloatArray:
        """Return earned trust between pairs of councils, in [-1, 1]."""
        if not self._trust:
            return np.zeros(one.shape)
        keys, trust = self._arrays()
        key = np.minimum(one, other) * self._councils + np.maximum(one, other)
        place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        return np.where(keys[place] == key, trust[place], 0.0)

    def add(self, members: IntArray, change: float) -> None:
        """Change trust between every two of ``members``."""
        for one, other in combinations(sorted(set(members.tolist())), 2):
            key = one * self._councils + other
            self._trust[key] = min(max(self._trust.get(key, 0.0) + change, -1.0), 1.0)
        self._sorted = None

    def _arrays(self) -> tuple[IntArray, FloatArray]:
        if self._sorted is None:
            keys = sorted(self._trust)
            self._sorted = np.array(keys), np.array([self._trust[key] for key in keys])
        return self._sorted


def advance(model: "MarketModel", needs: IntArray) -> tuple[IntArray, list[Group]]:
    """Let due groups decide and new ones form.

    Returns:
        The services whose need is met alone this quarter, and the groups that have agreed.
    """
    _reconvene(model)
    left_alone, agreed = _decide(model)
    _form(model, needs)
    alone = np.zeros(len(model.services), dtype=bool)
    alone[needs] = model.services.partnership[needs] == NONE
    alone[left_alone] = True
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


def remember(model: "MarketModel", services: IntArray, trust: float, readiness: float) -> None:
    """Let the councils of ``services`` keep the memory of working together, good or bad."""
    members = model.services.council[services]
    model.ties.add(members, trust)
    changed = np.clip(model.councils.readiness[members] + readiness, 0.0, 1.0)
    model.councils.readiness[members] = changed


# --- forming -------------------------------------------------------------------------------------


def _form(model: "MarketModel", needs: IntArray) -> None:
    """Grow groups from leaders among ``needs``, in the order of their draws."""
    leaders = needs[_seeks(model, needs)]
    pairs = _pairs(model, leaders)
    bounds = np.searchsorted(pairs.leader, np.arange(len(leaders) + 1))
    turn = np.argsort(model.draws.uniform("turn", model.services.key[leaders], model.quarter))
    turn = turn[bounds[turn] < bounds[turn + 1]]
    enough = np.where(_obliged(model, leaders), model.levers.aggregation_threshold, np.inf)
    columns = leaders[turn], bounds[turn], bounds[turn + 1], enough[turn]
    offers, taken = _offers(model, pairs.candidate, pairs.attraction), set[int]()
    groups = []
    for leader, start, stop, most in zip(*(one.tolist() for one in columns), strict=True):
        if leader not in taken and (free := offers.free(start, stop, taken)).service:
            members = _grow_from(model, leader, free, most)
            taken.update(members)
            groups.extend([members] if members else [])
    _found(model, groups, needs)


def _offers(model: "MarketModel", candidate: IntArray, attraction: FloatArray) -> Offers:
    council = model.services.council[candidate]
    value = model.services.baseline[candidate] * model.index
    return Offers(candidate.tolist(), council.tolist(), attraction.tolist(), value.tolist())


def _seeks(model: "MarketModel", needs: IntArray) -> BoolArray:
    """Return which councils look for partners: those that must, and a few of their own accord."""
    services, councils = model.services, model.councils
    council = services.council[needs]
    willing = councils.champion[council] & (councils.readiness[council] > 0.3)
    key = services.key[needs], services.ordinal[needs]
    unasked = willing & model.draws.happens("search", model.assumptions.search_share, *key)
    return _obliged(model, needs) | unasked


def _obliged(model: "MarketModel", services: IntArray) -> BoolArray:
    value = model.services.baseline[services] * model.index
    return value < model.levers.aggregation_threshold


def _pairs(model: "MarketModel", leaders: IntArray) -> Matches:
    """Return every leader with every service that could join it, and its attraction."""
    council = model.services.council[leaders]
    reached = model.geography.candidates(model.levers.aggregation_reach)
    rows, away = reached.rows[council], reached.kilometres[council]
    service = np.where(
        rows == NONE, NONE, model.service_of[rows, model.services.kind[leaders][:, None]]
    )
    leader, place = np.nonzero(service != NONE)
    joins = rows_where(_open_to_join(model, service[leader, place]))
    leader, place = leader[joins], place[joins]
    candidate, kilometres = service[leader, place], away[leader, place]
    attraction = _attraction(model, leaders[leader], candidate, kilometres)
    pays = attraction + _best_gain(model, candidate) > 0
    return Matches(leader[pays], candidate[pays], attraction[pays])


def _best_gain(model: "MarketModel", services: IntArray) -> FloatArray:
    """Return the most that a further partner could bring: doubling what the group holds."""
    segment = model.services.segment[services]
    elasticity = segment_table().scale_elasticity * model.assumptions.demand_scale
    return (1.0 - 2.0**-elasticity - model.coordination)[segment]


def _open_to_join(model: "MarketModel", services: IntArray) -> BoolArray:
    """Return which ``services`` may join: in house, or on a contract that ends soon."""
    contracts = model.contracts
    contract = model.services.contract[services]
    held = rows_where(contract != NONE)
    contract = contract[held]
    free: BoolArray = model.services.partnership[services] == NONE
    near = contracts.end[contract] - model.quarter <= model.assumptions.alignment_window
    free[held] &= near & (contracts.partnership[contract] == NONE)
    return free


def _attraction(
    model: "MarketModel", leader: IntArray, candidate: IntArray, kilometres: FloatArray
) -> FloatArray:
    """Return what draws pairs together: the less willing of the two decides."""
    virtual = model.levers.aggregation_reach == "national"
    away = np.minimum(kilometres, 100.0) if virtual else kilometres
    one, other = model.services.council[leader], model.services.council[candidate]
    trust = model.ties.trust(one, other) + SAME_COUNTY_TRUST * _same_county(model, one, other)
    politics = political_distance(
        model.councils.control[one], model.councils.control[other], INDEPENDENT_FROM
    )
    ratio = model.services.baseline[leader] / model.services.baseline[candidate]
    theirs = _willingness(model, candidate, trust, away, politics, ratio)
    ours = _willingness(model, leader, trust, away, politics, 1.0 / ratio)
    key = combine(model.services.key[leader], model.services.key[candidate])
    luck = model.assumptions.joining_spread * model.draws.normal("rapport", key, model.quarter)
    return np.minimum(theirs, ours) + luck


def _willingness(
    model: "MarketModel",
    services: IntArray,
    trust: FloatArray,
    kilometres: FloatArray,
    politics: FloatArray,
    size_ratio: FloatArray,
) -> FloatArray:
    council = model.services.council[services]
    of_council = model.councils.readiness[council], council_pressure(model)[council]
    champion = model.councils.champion[council]
    drawn = joining_attraction(trust, kilometres, politics, size_ratio, *of_council, champion)
    pull = model.levers.aggregation_mandate * model.assumptions.mandate_force
    return drawn + pull * _obliged(model, services)


def _same_county(model: "MarketModel", one: IntArray, other: IntArray) -> BoolArray:
    county = model.councils.county
    family = np.where(county == NONE, np.arange(len(county)), county)
    same: BoolArray = family[one] == family[other]
    return same


def _grow_from(model: "MarketModel", leader: int, free: Offers, enough: float) -> list[int]:
    """Return the group, leader first, that one leader gathers; empty where nobody joins.

    It stops looking at a value of ``enough``, £m a year: the threshold, where it must aggregate.
    """
    chosen = grow_group(
        free.attraction,
        free.value,
        _adjoins(model, int(model.services.council[leader]), free.council),
        float(model.services.baseline[leader] * model.index),
        _gain(model, leader),
        model.levers.max_partners,
        enough,
    )
    return [leader, *(free.service[one] for one in chosen)] if chosen else []


def _adjoins(model: "MarketModel", home: int, others: list[int]) -> Callable[[int, set[int]], bool]:
    """Return the test whether one of the councils ``others`` adjoins ``home`` or one chosen."""
    if not model.geography.candidates(model.levers.aggregation_reach).must_adjoin:
        return lambda candidate, chosen: True
    adjacent = model.geography.adjacent

    def adjoins(candidate: int, chosen: set[int]) -> bool:
        around = adjacent[others[candidate]]
        return home in around or any(others[one] in around for one in chosen)

    return adjoins


def _gain(model: "MarketModel", leader: int) -> Callable[[float, float], float]:
    """Return the fall in unit cost, less coordination, that one more member brings."""
    segment = int(model.services.segment[leader])
    elasticity = float(segment_table().scale_elasticity[segment]) * model.assumptions.demand_scale
    coordination = float(model.coordination[segment])

    def gain(value: float, added: float) -> float:
        return scale_gain(value, added, elasticity) - coordination

    return gain


def _worth_founding(model: "MarketModel", groups: list[list[int]]) -> list[list[int]]:
    """Return the groups that would pass a business case on what is known today."""
    if not groups:
        return []
    place = np.repeat(np.arange(len(groups)), [len(members) for members in groups])
    viable = assess(model, place, np.concatenate(groups)).viable
    return [groups[one] for one in rows_where(viable).tolist()]


def _found(model: "MarketModel", groups: list[list[int]], needs: IntArray) -> None:
    """Begin groups of services, the leader's first, and hold their contracts open."""
    if not (groups := _worth_founding(model, groups)):
        return
    services, partnerships = model.services, model.partnerships
    rows, sizes = partnerships.extend(len(groups)), [len(members) for members in groups]
    lead = np.array([members[0] for members in groups])
    base = int(model.assumptions.partnership_quarters)
    wait = np.array([max(set_up_quarters(base, size), 1) for size in sizes])
    members, place = np.concatenate(groups), np.repeat(np.arange(len(groups)), sizes)
    partnerships.lead[rows], partnerships.kind[rows] = lead, services.kind[lead]
    partnerships.formed[rows], partnerships.ready[rows] = model.quarter, model.quarter + wait
    partnerships.members_sought[rows] = sizes
    partnerships.value[rows] = sum_by(place, services.baseline[members], len(rows)) * model.index
    services.partnership[members] = rows[place]
    services.ordinal[members] += ~np.isin(members, needs)
    services.retry[members] = NONE
    _hold_open(model, services.contract[members], model.quarter + wait[place])
    for row in rows.tolist():
        model.add_partnership(row)
    model.tally["partnerships_formed"] += len(rows)


def _hold_open(model: "MarketModel", contract: IntArray, until: IntArray) -> None:
    held = contract != NONE
    np.maximum.at(model.contracts.end, contract[held], until[held])


# --- deciding ------------------------------------------------------------------------------------


def _reconvene(model: "MarketModel") -> None:
    """Call together the members of groups whose joint contract ends, to decide on the next."""
    services, contracts, partnerships = model.services, model.contracts, model.partnerships
    ending = rows_where(contracts.live & (contracts.end <= model.quarter))
    for contract in ending[of_performing_group(model, ending)].tolist():
        row = int(contracts.partnership[contract])
        members = services.contract == contract
        services.partnership[members] = row
        services.ordinal[members] += 1
        partnerships.stage[row] = Stage.FORMING
        partnerships.ready[row] = model.quarter


def _decide(model: "MarketModel") -> tuple[IntArray, list[Group]]:
    """Let the members of due groups stay or walk away.

    Returns:
        The services that are left with a need of their own, and the groups that have agreed.
    """
    partnerships = model.partnerships
    due = (partnerships.stage == Stage.FORMING) & (partnerships.ready <= model.quarter)
    members, walks = _votes(model, due)
    group = model.services.partnership[members]
    stayed = np.bincount(group[~walks], minlength=len(due))
    over = due & (stayed < 2)
    for row in rows_where(over).tolist():
        remember(model, members[group == row], TRUST_LOST, READINESS_LOST)
    dissolve(model, rows_where(over), "walked away")
    leaves = walks | over[group]
    model.services.partnership[members[leaves]] = NONE
    agreed = _agreed(model, members[~leaves], group[~leaves])
    return _in_need(model, members[leaves]), agreed


def _votes(model: "MarketModel", due: BoolArray) -> tuple[IntArray, BoolArray]:
    """Return the member services of due groups, and which of them walk away."""
    services = model.services
    members = rows_where(services.partnership != NONE)
    members = members[due[services.partnership[members]]]
    lead = model.partnerships.lead[services.partnership[members]]
    chance = _walk_chance(model, members, lead)
    walks = model.draws.happens("walk away", chance, services.key[members], model.quarter)
    model.tally["walked_away"] += int(walks.sum())
    return members, walks


def _agreed(model: "MarketModel", members: IntArray, group: IntArray) -> list[Group]:
    """Return the groups of ``members`` that commit; where a leader has left another leads."""
    lead = model.partnerships.lead
    order = np.lexsort((members, members != lead[group], group))
    rows, first = np.unique(group[order], return_index=True)
    lead[rows] = members[order[first]]
    services = np.split(members[order], first[1:])
    return list(map(Group, rows.tolist(), services)) if len(rows) else []


def _walk_chance(model: "MarketModel", members: IntArray, lead: IntArray) -> FloatArray:
    councils, council = model.councils, model.services.council[members]
    other = model.services.council[lead]
    trust = model.ties.trust(council, other) + SAME_COUNTY_TRUST * _same_county(
        model, council, other
    )
    politics = political_distance(
        councils.control[council], councils.control[other], INDEPENDENT_FROM
    )
    away = model.kilometres(council, other)
    mandate = model.levers.aggregation_mandate * _obliged(model, members)
    return walk_away_chance(
        model.assumptions.walk_away, trust, politics, away, councils.champion[council], mandate
    )


def _in_need(model: "MarketModel", services: IntArray) -> IntArray:
    """Return which of ``services`` have a contract that ends now."""
    contract = model.services.contract[services]
    held = rows_where(contract != NONE)
    ends = model.contracts.end[contract[held]] <= model.quarter
    return services[held[ends]]
