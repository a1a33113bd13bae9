"""What sets members of a group apart, and how far (D1 §1.8, 3.3, 4.2-4.4, 6.5)."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents import partnership as rules
from agents.columns import NONE, BoolArray, FloatArray, IntArray
from agents.council import political_distance
from agents.partnership import Stage
from simulation.groups import Members
from simulation.seeking import (
    ALLIED,
    COUNTY,
    DISTRICT,
    INDEPENDENT_FROM,
    reorganisation_threat,
)
from simulation.segments import segment_table
from simulation.ties import trust_between

if TYPE_CHECKING:
    from simulation.model import MarketModel


REMOTE_KILOMETRES = 50.0
"""Distance at which a service is remote."""


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
        hidden, trust_in_leader(model, members), model.partnerships.menu[members.group],
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


def trust_in_leader(model: "MarketModel", members: Members) -> FloatArray:
    """Return members' trust in their leaders, as far as it counts."""
    family, weight = model.geography.family, model.assumptions.trust_weight
    return weight * trust_between(model.ties.trust, family, members.council, members.leader)


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
