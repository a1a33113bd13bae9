"""Seeking partners: who looks, among whom, what draws councils together, and how groups begin.

Leaders come in the order of their draws. Each gathers those that are drawn to it, the most drawn
first, while another partner brings more scale than it costs to coordinate.
"""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, marked, rows_where
from agents.compiled import compiled, inlined, on_numbers
from agents.council import OPEN, SEEKS, joining_attraction, political_distance
from agents.partnership import grow_group
from simulation.business_case import assess
from simulation.contracts import sum_by
from simulation.geography import Borders, Candidates
from simulation.needs import Arisen, council_pressure, must_aggregate
from simulation.randomness import extended, mixed, normal_at
from simulation.register import CONTROLS, COUNCIL_TYPES
from simulation.segments import segment_table
from simulation.ties import trust_of_pair

if TYPE_CHECKING:
    from simulation.model import MarketModel

INDEPENDENT_FROM = CONTROLS.index("no_overall_control")
COUNTY = COUNCIL_TYPES.index("county")
DISTRICT = COUNCIL_TYPES.index("district")
ALLIED = -0.4
"""Threat of reorganisation that districts of one county see in each other: they close ranks."""

BROKERED = "national"
"""Reach within which a broker finds partners: the near and those most alike anywhere."""

FURTHEST_VIRTUAL = 100.0
"""Distance beyond which more does not matter to virtual partnerships, km."""


class ServiceFacts(NamedTuple):
    """What seeking partners looks at in services; ``value`` in £m a year.

    Attributes:
        of: service by council and kind, or NONE.
        open: it may join a group whose contracts end at about the same time.
        until: when its contract ends, or a need that is prepared comes up; NONE for neither.
        obliged: it must look for partners.
    """

    key: KeyArray
    council: IntArray
    segment: IntArray
    kind: IntArray
    of: IntArray
    value: FloatArray
    open: BoolArray
    until: IntArray
    obliged: BoolArray


class CouncilFacts(NamedTuple):
    """What seeking partners looks at in councils.

    Attributes:
        politics: political distance by control and control.
        trust: earned trust by council and council.
    """

    family: IntArray
    type: IntArray
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
        threat: threat of reorganisation, 0-1.
        autonomy: how much councils fear for it, 1 as usual.
        trust_weight: how much trust counts, 1 as usual.
        spread: spread of personal rapport, with the key of its draws and the quarter.
        most: largest group.
        window: quarters that the ends of members' contracts may lie apart.
    """

    elasticity: FloatArray
    coordination: FloatArray
    furthest: float
    pull: float
    threat: float
    autonomy: float
    trust_weight: float
    spread: float
    rapport: np.uint64
    quarter: np.uint64
    most: int
    window: float


def seek(model: "MarketModel", arisen: Arisen) -> None:
    """Grow groups from leaders whose needs have come up or are foreseen, in order of draws."""
    services = _service_facts(model)
    leaders = _leaders(model, arisen, services.obliged)
    if not len(leaders):
        return
    turn = np.argsort(model.draws.uniform("turn", services.key[leaders], model.quarter))
    leaders = leaders[turn]
    enough = np.where(services.obliged[leaders], model.levers.aggregation_threshold, np.inf)
    members, sizes = _gathered(
        leaders, enough, _brokered(model, leaders), _reached(model),
        model.geography.candidates(BROKERED), model.geography.borders, services,
        _council_facts(model), _rules(model),
    )  # fmt: skip
    _found(model, *_worth_founding(model, members, sizes))


def _reached(model: "MarketModel") -> Candidates:
    return model.geography.candidates(model.levers.aggregation_reach)


def _brokered(model: "MarketModel", leaders: IntArray) -> BoolArray:
    """Return for which leaders a broker finds distant councils that are alike (D1 §4.2)."""
    support = model.levers.partnership_support
    return model.draws.happens("broker", support, model.services.key[leaders], model.quarter)


def _service_facts(model: "MarketModel") -> ServiceFacts:
    services, contracts = model.services, model.contracts
    free, until = _joinable(
        services.partnership, services.contract, services.retry, contracts.end,
        contracts.councils,
    )  # fmt: skip
    return ServiceFacts(
        services.key, services.council, services.segment, services.kind, model.service_of,
        services.baseline * model.index, free, until,
        must_aggregate(model, np.arange(len(services))),
    )  # fmt: skip


def _council_facts(model: "MarketModel") -> CouncilFacts:
    councils = model.councils
    return CouncilFacts(
        model.geography.family, councils.type, councils.control, councils.readiness,
        council_pressure(model), councils.champion, _political_distances(), model.ties.trust,
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
        threat=reorganisation_threat(model),
        autonomy=assumptions.autonomy,
        trust_weight=assumptions.trust_weight,
        spread=assumptions.joining_spread,
        rapport=model.draws.root("rapport"),
        quarter=np.uint64(model.quarter),
        most=levers.max_partners,
        window=assumptions.alignment_window,
    )


def _leaders(model: "MarketModel", arisen: Arisen, obliged: BoolArray) -> IntArray:
    """Return who looks for partners: those that must, and a few of their own accord.

    Who is only open to proposals waits for another to take the lead (D1 chart 4). Those that must
    look again when their need comes up and they are still alone.
    """
    services, councils, foreseen = model.services, model.councils, arisen.foreseen
    council = services.council[foreseen]
    willing = councils.champion[council] & (councils.readiness[council] >= SEEKS)
    key = services.key[foreseen], services.considered[foreseen]
    unasked = willing & model.draws.happens("search", model.assumptions.search_share, *key)
    looks = marked(foreseen[unasked], len(services))
    known = np.concatenate([foreseen, arisen.due])
    looks[known[obliged[known]]] = True
    return rows_where(looks)


@compiled
def _joinable(
    partnership: IntArray, contract: IntArray, retry: IntArray, end: IntArray, councils: IntArray
) -> tuple[BoolArray, IntArray]:
    """Return which services are ``open``, and ``until`` when, as `ServiceFacts` has it.

    Those may join that are in house, or on a contract of their own. The first three arguments are
    services'; ``end`` and ``councils``, that it serves, are contracts'.
    """
    free, until = partnership == NONE, retry.copy()
    for service in range(len(contract)):
        held = contract[service]
        if held != NONE:
            until[service] = end[held]
            free[service] &= councils[held] < 2
    return free, until


@compiled
def _gathered(
    leaders: IntArray, enough: FloatArray, brokered: BoolArray, near: Candidates,
    wide: Candidates, borders: Borders, services: ServiceFacts, councils: CouncilFacts,
    rules: Rules,
) -> tuple[IntArray, IntArray]:  # fmt: skip
    """Return the groups that leaders gather, each in its turn among those not yet taken.

    A group stops looking at a value of ``enough``, £m a year: the threshold, where it must
    aggregate. Leaders look ``near``, those that are ``brokered`` look ``wide``.

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
        reached = wide if brokered[turn] else near
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
    segment, date = services.segment[leader], services.until[leader]
    if date == NONE:
        date = np.int64(rules.quarter)
    best_gain = 1.0 - 2.0 ** -rules.elasticity[segment] - rules.coordination[segment]
    for place in range(len(offers)):
        council = reached.rows[home, place]
        if council == NONE:
            break
        service = services.of[council, services.kind[leader]]
        if service == NONE or taken[service] or not services.open[service]:
            continue
        if councils.readiness[council] < OPEN and not services.obliged[service]:
            continue
        if services.until[service] != NONE and abs(services.until[service] - date) > rules.window:
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
    trust = rules.trust_weight * trust_of_pair(councils.trust, councils.family, one, other)
    politics = councils.politics[councils.control[one], councils.control[other]]
    ratio = services.value[leader] / services.value[candidate]
    feared, fears = threats_between(one, other, councils.family, councils.type, rules.threat)
    apart = trust, kilometres, politics
    theirs = _willingness(candidate, apart, ratio, feared, services, councils, rules)
    ours = _willingness(leader, apart, 1.0 / ratio, fears, services, councils, rules)
    pair = extended(mixed(services.key[leader]), services.key[candidate])
    luck = normal_at(extended(extended(rules.rapport, pair), rules.quarter))
    return min(theirs, ours) + rules.spread * luck


@inlined
def threats_between(
    one: int, other: int, family: IntArray, kind: IntArray, threat: float
) -> tuple[float, float]:
    """Return the threat of reorganisation that ``one`` is to ``other``, and the reverse.

    A county may swallow its districts, which close ranks among themselves (D1 §4.4; D4).
    """
    if family[one] != family[other] or one == other:
        return 0.0, 0.0
    first, second = kind[one], kind[other]
    if first == DISTRICT and second == DISTRICT:
        return ALLIED * threat, ALLIED * threat
    return threat * (first == COUNTY), threat * (second == COUNTY)


_joining_attraction = on_numbers(joining_attraction)


@inlined
def _willingness(
    service: int, apart: tuple[float, float, float], size_ratio: float, threat: float,
    services: ServiceFacts, councils: CouncilFacts, rules: Rules,
) -> float:  # fmt: skip
    """Return what draws the council of ``service`` to a partner, and what it is obliged to.

    ``apart`` is trust in the partner, distance and political distance.
    """
    council = services.council[service]
    drawn = _joining_attraction(
        apart[0], apart[1], apart[2], size_ratio, threat, councils.readiness[council],
        councils.pressure[council], councils.champion[council], rules.autonomy,
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


def _found(model: "MarketModel", members: IntArray, sizes: IntArray) -> None:
    """Begin groups of ``members``, each group's leader first."""
    if not len(sizes):
        return
    services, partnerships = model.services, model.partnerships
    rows, lead = partnerships.extend(len(sizes)), members[np.cumsum(sizes) - sizes]
    place = np.repeat(np.arange(len(sizes)), sizes)
    partnerships.lead[rows], partnerships.kind[rows] = lead, services.kind[lead]
    partnerships.formed[rows] = model.quarter
    partnerships.ready[rows] = model.quarter + _forming_quarters(model)
    partnerships.deadline[rows] = _deadline(model)
    partnerships.members_sought[rows] = sizes
    partnerships.minimum[rows] = fewest_members(model, sizes)
    kind = model.councils.type[services.council[members]]
    partnerships.counties[rows] = np.bincount(place[kind == COUNTY], minlength=len(rows))
    partnerships.districts[rows] = np.bincount(place[kind == DISTRICT], minlength=len(rows))
    partnerships.value[rows] = sum_by(place, services.baseline[members], len(rows)) * model.index
    key = services.key[lead], services.ordinal[lead]
    assumptions, draws = model.assumptions, model.draws
    partnerships.neutral[rows] = draws.happens("neutral case", assumptions.neutral_cases, *key)
    partnerships.phased[rows] = draws.happens("phased entry", assumptions.phased_entry, *key)
    partnerships.menu[rows] = draws.happens("menu", assumptions.menus, *key)
    services.partnership[members] = rows[place]
    early = services.came_up[members] != model.quarter
    services.ordinal[members] += early
    services.considered[members] = services.ordinal[members] + early
    services.retry[members] = NONE
    for row in rows.tolist():
        model.add_partnership(row)
    model.tally["partnerships_formed"] += len(rows)
    model.tally["partnership_members_sought"] += int(sizes.sum())


def fewest_members(model: "MarketModel", members: IntArray) -> IntArray:
    """Return the fewest of ``members`` with which groups go on (D0 ¶67)."""
    part = np.ceil(model.assumptions.minimum_participants * members)
    return np.maximum(part, 2).astype(np.int64)


def _forming_quarters(model: "MarketModel") -> int:
    """Return quarters of first talks; a broker halves them."""
    spared = 0.5 * model.levers.partnership_support
    return max(round(model.assumptions.forming_quarters * (1.0 - spared)), 1)


def _deadline(model: "MarketModel") -> int:
    """Return the last quarter in which a group that forms now may sign and be funded; 0 if any."""
    limit = model.levers.pump_priming_deadline
    return 0 if limit is None or model.fund_capital == 0 else model.quarter + limit


def reorganisation_threat(model: "MarketModel") -> float:
    """Return the threat of reorganisation this quarter, 0-1 (D1 §4.4; D4)."""
    assumptions = model.assumptions
    since = model.quarter - assumptions.reorganisation_start
    lasts = 0 <= since < assumptions.reorganisation_quarters
    return assumptions.reorganisation_threat if lasts else 0.0
