"""Phase 3, partnering: councils look for partners, groups form, and members commit or walk away."""

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
        self._keys: IntArray = np.zeros(0, dtype=np.int64)
        self._trust: FloatArray = np.zeros(0)

    def trust(self, one: IntArray, other: IntArray) -> FloatArray:
        """Return earned trust between pairs of councils, in [-1, 1]."""
        key = self._key(one, other)
        if not len(self._keys):
            return np.zeros(key.shape)
        place = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        return np.where(self._keys[place] == key, self._trust[place], 0.0)

    def add(self, members: IntArray, change: float) -> None:
        """Change trust between every two of ``members``."""
        one, other = np.triu_indices(len(members), 1)
        key = np.unique(self._key(members[one], members[other]))
        fresh = np.setdiff1d(key, self._keys)
        keys = np.concatenate([self._keys, fresh])
        trust = np.concatenate([self._trust, np.zeros(len(fresh))])
        order = np.argsort(keys, kind="stable")
        self._keys, self._trust = keys[order], trust[order]
        touched = np.searchsorted(self._keys, key)
        self._trust[touched] = np.clip(self._trust[touched] + change, -1.0, 1.0)

    def _key(self, one: IntArray, other: IntArray) -> IntArray:
        return np.minimum(one, other) * self._councils + np.maximum(one, other)


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
    for place in np.argsort(model.draws.uniform("turn", model.services.key[leaders], model.quarter)):
        ours = slice(bounds[place], bounds[place + 1])
        _grow_from(model, int(leaders[place]), pairs.candidate[ours], pairs.attraction[ours])
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
    return Pairs(leader, candidate, attraction)


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
    model: "MarketModel", leader: int, candidates: IntArray, attraction: FloatArray
) -> None:
    services = model.services
    free = services.partnership[candidates] == NONE
    if services.partnership[leader] != NONE or not free.any():
        return
    candidates, attraction = candidates[free], attraction[free]
    values = (services.baseline[candidates] * model.index).tolist()
    lead_value = float(services.baseline[leader] * model.index)
    most, enough = model.levers.max_partners, model.levers.aggregation_threshold or np.inf
    chosen = grow_group(
        attraction.tolist(), values, _adjoins(model, leader, candidates), lead_value,
        _gain(model, leader), most, enough,
    )  # fmt: skip
    if chosen:
        _found(model, np.array([leader, *candidates[chosen].tolist()]))


def _adjoins(model: "MarketModel", leader: int, candidates: IntArray):  # type: ignore[no-untyped-def]
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


def _gain(model: "MarketModel", leader: int):  # type: ignore[no-untyped-def]
    """Return the fall in unit cost, less coordination, that one more member brings."""
    segment = int(model.services.segment[leader])
    elasticity = float(segment_table().scale_elasticity[segment]) * model.assumptions.demand_scale
    coordination = float(model.coordination[segment])

    def gain(value: float, added: float, members: int) -> float:
        return float(scale_gain(value, added, elasticity)) - coordination

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
    partnerships = model.partnerships
    due = (partnerships.stage == Stage.FORMING) & (partnerships.ready <= model.quarter)
    alone: list[IntArray] = [np.zeros(0, dtype=np.int64)]
    agreed: list[Group] = []
    for row in np.flatnonzero(due).tolist():
        stayed, left = _vote(model, row)
        alone.append(_in_need(model, left))
        agreed.extend([Group(row, stayed)] if len(stayed) else [])
    return np.concatenate(alone), agreed


def _vote(model: "MarketModel", row: int) -> tuple[IntArray, IntArray]:
    """Return the services that commit, the leader's first, and those that leave.

    Where the leader leaves, or nobody else stays, the group is over and all leave.
    """
    services = model.services
    members = np.flatnonzero(services.partnership == row)
    lead = int(model.partnerships.lead[row])
    walks = model.draws.happens(
        "walk away", _walk_chance(model, members, lead), services.key[members], model.quarter
    )
    model.tally["walked_away"] += int(walks.sum())
    stayed, left = members[~walks], members[walks]
    if len(stayed) < 2:
        remember(model, members, TRUST_LOST, READINESS_LOST)
        dissolve(model, row, "walked away")
        return np.zeros(0, dtype=np.int64), members
    services.partnership[left] = NONE
    model.partnerships.lead[row] = first = lead if lead in stayed else stayed[0]
    return np.concatenate([[first], stayed[stayed != first]]), left


def _walk_chance(model: "MarketModel", members: IntArray, lead: int) -> FloatArray:
    councils, council = model.councils, model.services.council[members]
    other = model.services.council[lead] + np.zeros_like(council)
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
