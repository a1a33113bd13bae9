"""Phase 3, partnering: councils look for partners, groups form, and members commit or walk away."""

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from agents.compiled import compiled, inlined, on_numbers
from agents.council import joining_attraction, political_distance, walk_away_chance
from agents.partnership import ENDED_HOW, Stage, grow_group, set_up_quarters
from simulation.business_case import assess
from simulation.contracts import sum_by
from simulation.geography import Borders, Candidates, apart
from simulation.needs import council_pressure
from simulation.randomness import extended, mixed, normal_at, uniform_at
from simulation.register import CONTROLS
from simulation.segments import segment_table

if TYPE_CHECKING:
    from simulation.model import MarketModel

INDEPENDENT_FROM = CONTROLS.index("no_overall_control")
TRUST_GAINED, TRUST_LOST = 0.2, -0.2
READINESS_GAINED, READINESS_LOST = 0.1, -0.1
SAME_COUNTY_TRUST = 0.2
FURTHEST_VIRTUAL = 100.0
"""Distance beyond which more does not matter to virtual partnerships, km."""


class Group(NamedTuple):
    """A group that has agreed: its row and its members' services, the leader's first."""

    partnership: int
    services: IntArray


class Ties:
    """Trust between councils beyond that of strangers, earned and lost by earlier groups.

    Attributes:
        trust: by council and council, in [-1, 1].
    """

    def __init__(self, councils: int) -> None:
        """Start without ties among ``councils``."""
        self.trust: FloatArray = np.zeros((councils, councils))

    def add(self, members: IntArray, change: float) -> None:
        """Change trust between every two of ``members``, councils."""
        _change_trust(self.trust, members, change)


@compiled
def _change_trust(trust: FloatArray, members: IntArray, change: float) -> None:
    for one in members:
        for other in members:
            if one != other:
                trust[one, other] = min(max(trust[one, other] + change, -1.0), 1.0)


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


class ServiceFacts(NamedTuple):
    """What seeking partners looks at in services; ``value`` in £m a year.

    Attributes:
        of: service by council and kind, or NONE.
        open: it may join a group.
        obliged: it must look for partners.
    """

    key: KeyArray
    council: IntArray
    segment: IntArray
    kind: IntArray
    of: IntArray
    value: FloatArray
    open: BoolArray
    obliged: BoolArray


class CouncilFacts(NamedTuple):
    """What seeking partners looks at in councils.

    Attributes:
        politics: political distance by control and control.
        trust: earned trust by council and council.
    """

    family: IntArray
    control: IntArray
    readiness: FloatArray
    pressure: FloatArray
    champion: BoolArray
    politics: FloatArray
    trust: FloatArray


class Rules(NamedTuple):
    """Numbers that rule how partners are sought.

    Attributes:
        elasticity: fall of unit cost with scale, by segment.
        coordination: rise of cost for each further council, by segment.
        furthest: distance beyond which more does not matter, km.
        pull: what a mandate adds to the attraction of those it obliges.
        spread: spread of personal rapport, with the key of its draws and the quarter.
        most: largest group.
    """

    elasticity: FloatArray
    coordination: FloatArray
    furthest: float
    pull: float
    spread: float
    rapport: np.uint64
    quarter: np.uint64
    most: int


def _form(model: "MarketModel", needs: IntArray) -> None:
    """Grow groups from leaders among ``needs``, in the order of their draws."""
    leaders = needs[_seeks(model, needs)]
    if not len(leaders):
        return
    turn = np.argsort(model.draws.uniform("turn", model.services.key[leaders], model.quarter))
    leaders, services = leaders[turn], _service_facts(model)
    enough = np.where(services.obliged[leaders], model.levers.aggregation_threshold, np.inf)
    reached = model.geography.candidates(model.levers.aggregation_reach)
    members, sizes = _gathered(
        leaders, enough, reached, model.geography.borders, services, _council_facts(model),
        _rules(model),
    )  # fmt: skip
    _found(model, *_worth_founding(model, members, sizes), needs)


def _service_facts(model: "MarketModel") -> ServiceFacts:
    services, contracts = model.services, model.contracts
    value, free, obliged = _joinable(
        services.baseline, services.partnership, services.contract, contracts.end,
        contracts.partnership, model.index, model.levers.aggregation_threshold,
        model.quarter + model.assumptions.alignment_window,
    )  # fmt: skip
    fixed = services.key, services.council, services.segment, services.kind, model.service_of
    return ServiceFacts(*fixed, value, free, obliged)


def _council_facts(model: "MarketModel") -> CouncilFacts:
    councils = model.councils
    return CouncilFacts(
        model.geography.family, councils.control, councils.readiness, council_pressure(model),
        councils.champion, _political_distances(), model.ties.trust,
    )  # fmt: skip


@cache
def _political_distances() -> FloatArray:
    """Return political distances by control and control."""
    control = np.arange(len(CONTROLS))
    return political_distance(control[:, None], control, INDEPENDENT_FROM)


def _rules(model: "MarketModel") -> Rules:
    levers, assumptions = model.levers, model.assumptions
    return Rules(
        elasticity=segment_table().scale_elasticity * assumptions.demand_scale,
        coordination=model.coordination,
        furthest=FURTHEST_VIRTUAL if levers.aggregation_reach == "national" else np.inf,
        pull=levers.aggregation_mandate * assumptions.mandate_force,
        spread=assumptions.joining_spread,
        rapport=model.draws.root("rapport"),
        quarter=np.uint64(model.quarter),
        most=levers.max_partners,
    )


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


@compiled
def _joinable(
    baseline: FloatArray, partnership: IntArray, contract: IntArray, end: IntArray,
    group: IntArray, index: float, threshold: float, soon: float,
) -> tuple[FloatArray, BoolArray, BoolArray]:  # fmt: skip
    """Return what services are worth, which may join a group, and which must look for partners.

    Those may join that are in house, or on a contract of their own that ends ``soon``. The first
    three arguments are services'; ``end`` and ``group`` are contracts'.
    """
    value, free = np.empty(len(baseline)), np.empty(len(baseline), dtype=np.bool_)
    obliged = np.empty(len(baseline), dtype=np.bool_)
    for service in range(len(baseline)):
        held = contract[service]
        value[service] = baseline[service] * index
        obliged[service] = value[service] < threshold
        free[service] = partnership[service] == NONE
        if held != NONE and (end[held] > soon or group[held] != NONE):
            free[service] = False
    return value, free, obliged


@compiled
def _gathered(
    leaders: IntArray, enough: FloatArray, reached: Candidates, borders: Borders,
    services: ServiceFacts, councils: CouncilFacts, rules: Rules,
) -> tuple[IntArray, IntArray]:  # fmt: skip
    """Return the groups that leaders gather, each in its turn among those not yet taken.

    A group stops looking at a value of ``enough``, £m a year: the threshold, where it must
    aggregate.

    Returns:
        The groups' services, each group's leader first, and the groups' sizes.
    """
    taken = np.zeros(len(services.kind), dtype=np.bool_)
    place = np.full(len(councils.control), NONE)
    members, total = np.empty(len(services.kind), dtype=np.int64), 0
    sizes, groups = np.empty(len(leaders), dtype=np.int64), 0
    for turn in range(len(leaders)):
        leader = leaders[turn]
        if taken[leader]:
            continue
        offers, attraction = _offers(leader, taken, reached, services, councils, rules)
        if not len(offers):
            continue
        home, homes = services.council[leader], services.council[offers]
        segment = services.segment[leader]
        chosen = grow_group(
            attraction, services.value[offers],
            _adjoining(home, homes, reached.must_adjoin, borders, place),
            services.value[leader], rules.elasticity[segment], rules.coordination[segment],
            rules.most, enough[turn],
        )  # fmt: skip
        if len(chosen):
            size = 1 + len(chosen)
            members[total], taken[leader] = leader, True
            for one in range(len(chosen)):
                members[total + 1 + one] = offers[chosen[one]]
                taken[offers[chosen[one]]] = True
            sizes[groups] = size
            total, groups = total + size, groups + 1
    return members[:total], sizes[:groups]


@compiled
def _offers(
    leader: int, taken: BoolArray, reached: Candidates, services: ServiceFacts,
    councils: CouncilFacts, rules: Rules,
) -> tuple[IntArray, FloatArray]:  # fmt: skip
    """Return the services that could join ``leader`` and what draws each pair together."""
    home = services.council[leader]
    offers, count = np.empty(reached.rows.shape[1], dtype=np.int64), 0
    attraction = np.empty(len(offers))
    segment = services.segment[leader]
    best_gain = 1.0 - 2.0 ** -rules.elasticity[segment] - rules.coordination[segment]
    for place in range(len(offers)):
        council = reached.rows[home, place]
        if council == NONE:
            break
        service = services.of[council, services.kind[leader]]
        if service == NONE or taken[service] or not services.open[service]:
            continue
        away = min(reached.kilometres[home, place], rules.furthest)
        drawn = _attraction(leader, service, away, services, councils, rules)
        if drawn + best_gain > 0:
            offers[count], attraction[count] = service, drawn
            count += 1
    return offers[:count], attraction[:count]


@inlined
def _attraction(
    leader: int, candidate: int, kilometres: float, services: ServiceFacts,
    councils: CouncilFacts, rules: Rules,
) -> float:  # fmt: skip
    """Return what draws a pair together: the less willing of the two decides."""
    one, other = services.council[leader], services.council[candidate]
    trust = councils.trust[one, other]
    trust += SAME_COUNTY_TRUST * (councils.family[one] == councils.family[other])
    politics = councils.politics[councils.control[one], councils.control[other]]
    ratio = services.value[leader] / services.value[candidate]
    theirs = _willingness(candidate, trust, kilometres, politics, ratio, services, councils, rules)
    ours = _willingness(leader, trust, kilometres, politics, 1.0 / ratio, services, councils, rules)
    pair = extended(mixed(services.key[leader]), services.key[candidate])
    luck = normal_at(extended(extended(rules.rapport, pair), rules.quarter))
    return min(theirs, ours) + rules.spread * luck


_joining_attraction = on_numbers(joining_attraction)


@inlined
def _willingness(
    service: int, trust: float, kilometres: float, politics: float, size_ratio: float,
    services: ServiceFacts, councils: CouncilFacts, rules: Rules,
) -> float:  # fmt: skip
    """Return what draws the council of ``service`` to a partner, and what it is obliged to."""
    council = services.council[service]
    drawn = _joining_attraction(
        trust, kilometres, politics, size_ratio, councils.readiness[council],
        councils.pressure[council], councils.champion[council],
    )  # fmt: skip
    pulled: float = drawn + rules.pull * services.obliged[service]
    return pulled


@compiled
def _adjoining(
    home: int, homes: IntArray, must_adjoin: bool, borders: Borders, place: IntArray
) -> BoolArray:
    """Return whether each of ``homes`` adjoins ``home`` (first column) and each other.

    ``place`` is room for each council's column; NONE throughout, before and after.
    """
    adjoins = np.full((len(homes), len(homes) + 1), not must_adjoin)
    if not must_adjoin:
        return adjoins
    place[home] = 0
    for column in range(len(homes)):
        place[homes[column]] = column + 1
    for row in range(len(homes)):
        for other in borders.other[borders.first[homes[row]] : borders.first[homes[row] + 1]]:
            if place[other] != NONE:
                adjoins[row, place[other]] = True
    place[home] = NONE
    for council in homes:
        place[council] = NONE
    return adjoins


def _worth_founding(
    model: "MarketModel", members: IntArray, sizes: IntArray
) -> tuple[IntArray, IntArray]:
    """Return the groups that would pass a business case on what is known today."""
    if not len(sizes):
        return members, sizes
    place = np.repeat(np.arange(len(sizes)), sizes)
    viable = assess(model, place, members).viable
    return members[viable[place]], sizes[viable]


def _found(model: "MarketModel", members: IntArray, sizes: IntArray, needs: IntArray) -> None:
    """Begin groups of ``members``, each group's leader first, and hold their contracts open."""
    if not len(sizes):
        return
    services, partnerships = model.services, model.partnerships
    rows, lead = partnerships.extend(len(sizes)), members[np.cumsum(sizes) - sizes]
    wait = np.maximum(set_up_quarters(int(model.assumptions.partnership_quarters), sizes), 1)
    place = np.repeat(np.arange(len(sizes)), sizes)
    partnerships.lead[rows], partnerships.kind[rows] = lead, services.kind[lead]
    partnerships.formed[rows], partnerships.ready[rows] = model.quarter, model.quarter + wait
    partnerships.members_sought[rows] = sizes
    partnerships.value[rows] = sum_by(place, services.baseline[members], len(rows)) * model.index
    services.partnership[members] = rows[place]
    arisen = np.zeros(len(services), dtype=bool)
    arisen[needs] = True
    services.ordinal[members] += ~arisen[members]
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
    joint = partnerships.contract[partnerships.stage == Stage.PERFORMING]
    for contract in np.sort(joint[contracts.end[joint] <= model.quarter]).tolist():
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
    if not len(members):
        dissolve(model, rows_where(due), "walked away")
        return members, []
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
    services, levers = model.services, model.levers
    if not due.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    value = services.baseline * model.index
    rule = WalkRule(
        model.assumptions.walk_away, levers.aggregation_mandate, levers.aggregation_threshold,
        model.draws.root("walk away"), np.uint64(model.quarter),
    )  # fmt: skip
    members, walks = _walking(
        due, services.partnership, model.partnerships.lead, services.key, services.council, value,
        _council_facts(model), model.geography.places, rule,
    )  # fmt: skip
    model.tally["walked_away"] += int(walks.sum())
    return members, walks


class WalkRule(NamedTuple):
    """What rules whether members walk away: the usual chance, mandate, threshold, and the draw."""

    base: float
    mandate: float
    threshold: float
    root: np.uint64
    quarter: np.uint64


_walk_away_chance = on_numbers(walk_away_chance)


@compiled
def _walking(
    due: BoolArray, group: IntArray, lead: IntArray, key: KeyArray, council: IntArray,
    value: FloatArray, councils: CouncilFacts, places: FloatArray, rule: WalkRule,
) -> tuple[IntArray, BoolArray]:  # fmt: skip
    """Return the services in groups that are ``due``, and which of them walk away.

    ``due`` and ``lead`` are by group, ``places`` councils' on the unit sphere; what stands between
    is by service, ``value`` in £m a year.
    """
    members, walks = np.empty(len(group), dtype=np.int64), np.empty(len(group), dtype=np.bool_)
    count = 0
    for service in range(len(group)):
        if group[service] == NONE or not due[group[service]]:
            continue
        one, other = council[service], council[lead[group[service]]]
        trust = councils.trust[one, other]
        trust += SAME_COUNTY_TRUST * (councils.family[one] == councils.family[other])
        politics = councils.politics[councils.control[one], councils.control[other]]
        away = apart(places, one, other)
        mandate = rule.mandate * (value[service] < rule.threshold)
        chance = _walk_away_chance(
            rule.base, trust, politics, away, councils.champion[one], mandate
        )
        drawn = uniform_at(extended(extended(rule.root, key[service]), rule.quarter))
        members[count], walks[count] = service, drawn < chance
        count += 1
    return members[:count], walks[:count]


def _agreed(model: "MarketModel", members: IntArray, group: IntArray) -> list[Group]:
    """Return the groups of ``members`` that commit; where a leader has left another leads."""
    lead = model.partnerships.lead
    order = np.lexsort((members, members != lead[group], group))
    rows, first = np.unique(group[order], return_index=True)
    lead[rows] = members[order[first]]
    ordered, cuts = members[order], [*first.tolist(), len(order)]
    services = [ordered[start:stop] for start, stop in pairwise(cuts)]
    return list(map(Group, rows.tolist(), services))


def _in_need(model: "MarketModel", services: IntArray) -> IntArray:
    """Return which of ``services`` have a contract that ends now."""
    contract = model.services.contract[services]
    held = rows_where(contract != NONE)
    ends = model.contracts.end[contract[held]] <= model.quarter
    return services[held[ends]]
