"""Phase 3, partnering: councils look for partners, groups form, and members commit or walk away."""

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray
from agents.council import (
    joining_attraction,
    political_distance,
    scale_gain,
    walk_away_chance,
)
from agents.partnership import ENDED_HOW, Stage, grow_group, set_up_quarters
from simulation.needs import council_pressure
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


class Pairs(NamedTuple):
    """Possible partners of this quarter's leaders, one entry a pair, in order of leaders."""

    leader: IntArray
    candidate: IntArray
    attraction: FloatArray


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
    joined = _form(model, needs)
    alone = np.concatenate([np.setdiff1d(needs, joined), left_alone])
    return np.unique(alone), agreed


def dissolve(model: "MarketModel", row: int, how: str) -> None:
    """End the group ``row`` because of ``how``; its members lose trust unless it was completed."""
    partnerships, services = model.partnerships, model.services
    services.partnership[services.partnership == row] = NONE
    partnerships.stage[row] = Stage.DISSOLVED
    partnerships.ended[row] = model.quarter
    partnerships.ended_how[row] = ENDED_HOW.index(how)


def remember(model: "MarketModel", services: IntArray, trust: float, readiness: float) -> None:
    """Let the councils of ``services`` keep the memory of working together, good or bad."""
    members = model.services.council[services]
    model.ties.add(members, trust)
    changed = np.clip(model.councils.readiness[members] + readiness, 0.0, 1.0)
    model.councils.readiness[members] = changed


# --- forming -------------------------------------------------------------------------------------


def _form(model: "MarketModel", needs: IntArray) -> IntArray:
    """Grow groups from leaders among ``needs``; return the services of ``needs`` that joined."""
    leaders = needs[_seeks(model, needs)]
    if not len(leaders):
        return np.zeros(0, dtype=np.int64)
    pairs = _pairs(model, leaders)
    bounds = np.searchsorted(pairs.leader, np.arange(len(leaders) + 1))
    turn = np.argsort(model.draws.uniform("turn", model.services.key[leaders], model.quarter))
    taken: set[int] = set()
    for place in turn[bounds[turn] < bounds[turn + 1]].tolist():
        ours = slice(bounds[place], bounds[place + 1])
        _grow_from(model, int(leaders[place]), pairs, ours, taken)
    return needs[model.services.partnership[needs] != NONE]


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


def _pairs(model: "MarketModel", leaders: IntArray) -> Pairs:
    """Return every leader with every service that could join it, and its attraction."""
    council = model.services.council[leaders]
    reached = model.geography.candidates(model.levers.aggregation_reach)
    rows, away = reached.rows[council], reached.kilometres[council]
    service = np.where(
        rows == NONE, NONE, model.service_of[rows, model.services.kind[leaders][:, None]]
    )
    leader, place = np.nonzero((service != NONE) & _open_to_join(model)[service])
    candidate = service[leader, place]
    kilometres = away[leader, place]
    attraction = _attraction(model, leaders[leader], candidate, kilometres)
    pays = attraction + _best_gain(model, candidate) > 0
    return Pairs(leader[pays], candidate[pays], attraction[pays])


def _best_gain(model: "MarketModel", services: IntArray) -> FloatArray:
    """Return the most that a further partner could bring: doubling what the group holds."""
    segment = model.services.segment[services]
    elasticity = segment_table().scale_elasticity * model.assumptions.demand_scale
    return (1.0 - 2.0**-elasticity - model.coordination)[segment]


def _open_to_join(model: "MarketModel") -> BoolArray:
    """Return which services may join: in house, or on a contract that ends soon."""
    services, contracts = model.services, model.contracts
    held = services.contract != NONE
    soon = np.ones(len(services), dtype=bool)
    contract = services.contract[held]
    near = contracts.end[contract] - model.quarter <= model.assumptions.alignment_window
    soon[held] = near & (contracts.partnership[contract] == NONE)
    return soon & (services.partnership == NONE)


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
    return family[one] == family[other]


def _grow_from(
    model: "MarketModel", leader: int, pairs: Pairs, ours: slice, taken: set[int]
) -> None:
    """Let one leader gather a group among its candidates that are still free."""
    if leader in taken:
        return
    offered = zip(pairs.candidate[ours].tolist(), pairs.attraction[ours].tolist(), strict=True)
    free = [(one, drawn) for one, drawn in offered if one not in taken]
    candidates, attraction = [one for one, _ in free], [drawn for _, drawn in free]
    baseline = model.services.baseline
    chosen = grow_group(
        attraction, (baseline[candidates] * model.index).tolist(),
        _adjoins(model, leader, candidates), float(baseline[leader] * model.index),
        _gain(model, leader), model.levers.max_partners,
        model.levers.aggregation_threshold or np.inf,
    )  # fmt: skip
    if chosen:
        members = [leader, *(candidates[one] for one in chosen)]
        taken.update(members)
        _found(model, np.array(members))


def _adjoins(
    model: "MarketModel", leader: int, candidates: list[int]
) -> Callable[[int, set[int]], bool]:
    """Return the test whether a candidate adjoins the leader or somebody already chosen."""
    council = model.services.council
    home, others = int(council[leader]), council[candidates].tolist()
    if not model.geography.candidates(model.levers.aggregation_reach).must_adjoin:
        return lambda candidate, chosen: True
    adjacent = model.geography.adjacent

    def adjoins(candidate: int, chosen: set[int]) -> bool:
        around = adjacent[others[candidate]]
        return home in around or any(others[one] in around for one in chosen)

    return adjoins


def _gain(model: "MarketModel", leader: int) -> Callable[[float, float, int], float]:
    """Return the fall in unit cost, less coordination, that one more member brings."""
    segment = int(model.services.segment[leader])
    elasticity = float(segment_table().scale_elasticity[segment]) * model.assumptions.demand_scale
    coordination = float(model.coordination[segment])

    def gain(value: float, added: float, members: int) -> float:
        return scale_gain(value, added, elasticity) - coordination

    return gain


def _found(model: "MarketModel", members: IntArray) -> None:
    """Begin a group of ``members`` (services, the leader's first) and hold their contracts open."""
    partnerships, services, contracts = model.partnerships, model.services, model.contracts
    row = int(partnerships.extend(1)[0])
    base = int(model.assumptions.partnership_quarters)
    partnerships.lead[row], partnerships.kind[row] = members[0], services.kind[members[0]]
    partnerships.formed[row] = model.quarter
    partnerships.ready[row] = ready = model.quarter + max(set_up_quarters(base, len(members)), 1)
    partnerships.members_sought[row] = len(members)
    partnerships.value[row] = services.baseline[members].sum() * model.index
    services.partnership[members] = row
    services.retry[members] = NONE
    held = services.contract[members]
    held = held[held != NONE]
    contracts.end[held] = np.maximum(contracts.end[held], ready)
    model.add_partnership(row)
    model.tally["partnerships_formed"] += 1


# --- deciding ------------------------------------------------------------------------------------


def _reconvene(model: "MarketModel") -> None:
    """Call together the members of groups whose joint contract ends, to decide on the next."""
    services, contracts, partnerships = model.services, model.contracts, model.partnerships
    ends = contracts.live & (contracts.end <= model.quarter) & (contracts.partnership != NONE)
    for contract in np.flatnonzero(ends).tolist():
        row = int(contracts.partnership[contract])
        if partnerships.stage[row] == Stage.PERFORMING:
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
    alone: list[IntArray] = [np.zeros(0, dtype=np.int64)]
    agreed: list[Group] = []
    for row in np.flatnonzero(due).tolist():
        ours = group == row
        stayed, left = _settle(model, row, members[ours], walks[ours])
        alone.append(left)
        agreed.extend([Group(row, stayed)] if len(stayed) else [])
    return _in_need(model, np.concatenate(alone)), agreed


def _votes(model: "MarketModel", due: BoolArray) -> tuple[IntArray, BoolArray]:
    """Return the member services of due groups, and which of them walk away."""
    services = model.services
    members = np.flatnonzero(services.partnership != NONE)
    members = members[due[services.partnership[members]]]
    lead = model.partnerships.lead[services.partnership[members]]
    chance = _walk_chance(model, members, lead)
    walks = model.draws.happens("walk away", chance, services.key[members], model.quarter)
    model.tally["walked_away"] += int(walks.sum())
    return members, walks


def _settle(
    model: "MarketModel", row: int, members: IntArray, walks: BoolArray
) -> tuple[IntArray, IntArray]:
    """Return the services that commit, the leader's first, and those that leave.

    Where fewer than two stay the group is over and all leave.
    """
    stayed, left = members[~walks], members[walks]
    if len(stayed) < 2:
        remember(model, members, TRUST_LOST, READINESS_LOST)
        dissolve(model, row, "walked away")
        return np.zeros(0, dtype=np.int64), members
    model.services.partnership[left] = NONE
    lead = int(model.partnerships.lead[row])
    model.partnerships.lead[row] = first = lead if lead in stayed else stayed[0]
    return np.concatenate([[first], stayed[stayed != first]]), left


def _walk_chance(model: "MarketModel", members: IntArray, lead: IntArray) -> FloatArray:
    councils, council = model.councils, model.services.council[members]
    other = model.services.council[lead]
    trust = model.ties.trust(council, other) + SAME_COUNTY_TRUST * _same_county(model, council, other)
    politics = political_distance(councils.control[council], councils.control[other], INDEPENDENT_FROM)
    away = model.kilometres(council, other)
    mandate = model.levers.aggregation_mandate * _obliged(model, members)
    return walk_away_chance(
        model.assumptions.walk_away, trust, politics, away, councils.champion[council], mandate
    )


def _in_need(model: "MarketModel", services: IntArray) -> IntArray:
    """Return which of ``services`` have a contract that ends now."""
    contract = model.services.contract[services]
    ends = model.contracts.end[np.maximum(contract, 0)] <= model.quarter if len(model.contracts) else False
    return services[(contract != NONE) & ends]
