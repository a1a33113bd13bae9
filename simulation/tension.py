"""What sets members of a group apart, and how far (D1 §1.8, 3.3, 4.2-4.4, 6.5)."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents import partnership as rules
from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray
from agents.compiled import compiled, inlined, on_numbers
from agents.council import political_distance
from agents.partnership import HIDDEN, Stage
from simulation.geography import apart
from simulation.groups import Members
from simulation.randomness import extended, uniform_at
from simulation.seeking import INDEPENDENT_FROM, reorganisation_threat, threats_between
from simulation.segments import segment_table
from simulation.ties import trust_between, trust_of_pair

if TYPE_CHECKING:
    from simulation.model import MarketModel


REMOTE_KILOMETRES = 50.0
"""Distance at which a service is remote."""

NORMING, PERFORMING = int(Stage.NORMING), int(Stage.PERFORMING)

_conflict = on_numbers(rules.conflict)
_tension = on_numbers(rules.tension)
_seen_of = on_numbers(rules.come_to_light)
_political_distance = on_numbers(political_distance)


class Mood(NamedTuple):
    """How members stand to their group, one entry a member.

    Attributes:
        tension: how far a member is at odds with its group, 0 and more.
        cause: what speaks most against the group, a place in ``CAUSES``.
    """

    tension: FloatArray
    cause: IntArray


class Standing(NamedTuple):
    """What members' moods depend on.

    Attributes:
        places: of councils, on the unit sphere.
        trust: earned trust by council and council.
    """

    places: FloatArray
    family: IntArray
    type: IntArray
    control: IntArray
    employer: FloatArray
    champion: BoolArray
    caution: FloatArray
    trust: FloatArray
    key: KeyArray
    ordinal: IntArray
    contract: IntArray
    baseline: FloatArray
    stage: IntArray
    neutral: BoolArray
    menu: BoolArray
    lead: IntArray


class Rules(NamedTuple):
    """Numbers that rule moods; those not told here are assumptions or levers of that name.

    Attributes:
        hidden: where the draws of differences start that members do not see at first.
        strife: tension from charging by use.
        threat: of reorganisation, 0-1.
        support: partnership support, 0-1.
    """

    hidden: np.uint64
    site_remoteness: float
    staff_transfers: float
    autonomy: float
    hidden_differences: float
    late_differences: float
    strife: float
    trust_weight: float
    friction: float
    compromise: float
    threat: float
    support: float


def mood(model: "MarketModel", members: Members) -> Mood:
    """Return how ``members`` stand to their groups."""
    return _moods(members, _standing(model), _rules(model))


def _standing(model: "MarketModel") -> Standing:
    councils, services, groups = model.councils, model.services, model.partnerships
    return Standing(
        model.geography.places, model.geography.family, councils.type, councils.control,
        councils.employer, councils.champion, councils.caution, model.ties.trust,
        services.key, services.ordinal, services.contract, services.baseline,
        groups.stage, groups.neutral, groups.menu, groups.lead,
    )  # fmt: skip


def _rules(model: "MarketModel") -> Rules:
    assumptions = model.assumptions
    return Rules(
        hidden=model.draws.root("hidden differences"),
        site_remoteness=assumptions.site_remoteness,
        staff_transfers=assumptions.staff_transfers,
        autonomy=assumptions.autonomy,
        hidden_differences=assumptions.hidden_differences,
        late_differences=assumptions.late_differences,
        strife=assumptions.metering_strife * (assumptions.cost_sharing == "use"),
        trust_weight=assumptions.trust_weight,
        friction=assumptions.friction,
        compromise=assumptions.compromise,
        threat=reorganisation_threat(model),
        support=model.levers.partnership_support,
    )


@compiled
def _moods(members: Members, standing: Standing, ruled: Rules) -> Mood:
    size = len(members.service)
    tension, cause = np.empty(size), np.empty(size, dtype=np.int64)
    for place in range(size):
        known = _known(members, place, standing, ruled)
        late, hidden = _come_to_light(members, place, standing, ruled)
        left = ruled.late_differences if late else 1.0
        one, other, group = members.council[place], members.leader[place], members.group[place]
        trust = ruled.trust_weight * trust_of_pair(standing.trust, standing.family, one, other)
        total = 0.0
        for one_cause in known:
            total += one_cause
        tension[place] = _tension(
            total + ruled.strife, hidden, trust, standing.menu[group], left,
            ruled.friction, ruled.compromise, ruled.support,
        )  # fmt: skip
        cause[place] = _worst(known, left, hidden * late)
    return Mood(tension, cause)


@inlined
def _known(members: Members, place: int, standing: Standing, ruled: Rules) -> tuple[float, ...]:
    """Return what is known to set a member against its group, by cause."""
    service, one = members.service[place], members.council[place]
    other, group = members.leader[place], members.group[place]
    partial = not standing.neutral[group]
    politics = _political_distance(standing.control[one], standing.control[other], INDEPENDENT_FROM)
    ratio = standing.baseline[standing.lead[group]] / standing.baseline[service]
    threat = threats_between(one, other, standing.family, standing.type, ruled.threat)[1]
    staff = standing.employer[one] if standing.contract[service] == NONE else 0.0
    known: tuple[float, ...] = _conflict(
        politics * partial, apart(standing.places, one, other), ruled.site_remoteness, ratio,
        threat, ruled.staff_transfers * staff, standing.champion[one],
        standing.caution[one] * partial, ruled.autonomy,
    )  # fmt: skip
    return known


@inlined
def _come_to_light(
    members: Members, place: int, standing: Standing, ruled: Rules
) -> tuple[bool, float]:
    """Return whether a member has settled what it knew, and what has come up beside it."""
    service, stage = members.service[place], standing.stage[members.group[place]]
    occasion = np.uint64(standing.ordinal[service])
    drawn = 2.0 * uniform_at(extended(extended(ruled.hidden, standing.key[service]), occasion))
    hidden = ruled.hidden_differences * drawn if stage < PERFORMING else 0.0
    return stage == NORMING, _seen_of(hidden, stage == NORMING, ruled.support)


@inlined
def _worst(known: tuple[float, ...], left: float, hidden: float) -> int:
    """Return the cause that counts most, of those known as far as they are ``left``."""
    worst, most = 0, 0.0
    for cause in range(len(known)):
        if known[cause] * left > most:
            worst, most = cause, known[cause] * left
    return HIDDEN if hidden > most else worst


def trust_in_leader(model: "MarketModel", members: Members) -> FloatArray:
    """Return members' trust in their leaders, as far as it counts."""
    family, weight = model.geography.family, model.assumptions.trust_weight
    return weight * trust_between(model.ties.trust, family, members.council, members.leader)


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
