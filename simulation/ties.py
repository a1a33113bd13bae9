"""Ties between councils: trust, readiness to share, and what councils hear of others' sharing."""

from typing import TYPE_CHECKING

import numpy as np

from agents.columns import FloatArray, IntArray, marked, rows_where
from agents.compiled import compiled, on_numbers

if TYPE_CHECKING:
    from simulation.model import MarketModel

TRUST_GAINED, TRUST_LOST = 0.2, -0.2
READINESS_GAINED, READINESS_LOST, READINESS_SPENT = 0.1, -0.1, -0.05
MATURITY_GAINED = 0.15
"""What councils take from working together, and from a group that came to nothing."""

SAME_COUNTY_TRUST = 0.2
"""Trust between councils of one county, beside what they earned."""

AUDIENCE = 25
"""Nearest councils that may hear of an outcome."""

CAUTION_KEPT = 0.85
"""Part of new members' aversion to risk that is left a quarter later."""


class Ties:
    """Trust between councils beyond that of strangers, earned and lost by earlier groups.

    Attributes:
        trust: by council and council, in [-1, 1].
        log: what changed it, in order: members and by how much.
    """

    def __init__(self, councils: int) -> None:
        """Start without ties among ``councils``."""
        self.trust: FloatArray = np.zeros((councils, councils))
        self.log: list[tuple[IntArray, float]] = []

    def add(self, members: IntArray, change: float) -> None:
        """Change trust between every two of ``members``, councils, and note it in the log."""
        self.log.append((members, change))
        _change_trust(self.trust, members, change)


@compiled
def _change_trust(trust: FloatArray, members: IntArray, change: float) -> None:
    for one in members:
        for other in members:
            if one != other:
                trust[one, other] = min(max(trust[one, other] + change, -1.0), 1.0)


def trust_between(
    earned: FloatArray, family: IntArray, one: IntArray, other: IntArray
) -> FloatArray:
    """Return trust between pairs of councils: earned, and that of one county.

    Args:
        earned: by council and council, -1 to 1, as `Ties` keeps it.
        family: county to which each council belongs, by council; its own row where to none.
        one: councils.
        other: councils, as many.
    """
    kin = family[one] == family[other]
    trust: FloatArray = earned[one, other] + SAME_COUNTY_TRUST * kin
    return trust


trust_of_pair = on_numbers(trust_between)
"""`trust_between` of one pair, for compiled loops."""


def take_heart(model: "MarketModel", services: IntArray) -> None:
    """Let the councils of ``services`` keep the memory of working together well."""
    _remember(model, services, TRUST_GAINED, READINESS_GAINED)
    known = model.services.maturity[services] + MATURITY_GAINED * model.assumptions.experience
    model.services.maturity[services] = np.minimum(known, 1.0)


def lose_heart(model: "MarketModel", services: IntArray) -> None:
    """Let the councils of ``services`` keep the memory of a group that came to nothing."""
    _remember(model, services, TRUST_LOST, READINESS_LOST)


def be_disappointed(model: "MarketModel", services: IntArray) -> None:
    """Let the councils of ``services`` keep the memory of a group that agreed, and in vain."""
    _remember(model, services, 0.0, READINESS_SPENT)


def _remember(model: "MarketModel", services: IntArray, trust: float, readiness: float) -> None:
    members, weight = model.services.council[services], model.assumptions.experience
    if trust:
        model.ties.add(members, weight * trust)
    changed = model.councils.readiness[members] + weight * readiness
    model.councils.readiness[members] = np.minimum(np.maximum(changed, 0.0), 1.0)


def tell(model: "MarketModel", services: IntArray, *, good: bool) -> None:
    """Publish how sharing turned out for the councils of ``services``; neighbours may hear of it.

    Readiness is contagious (D1 §2.5; D4): successes raise it, failures lower it.
    """
    council, key = model.services.council[services], model.councils.key
    near = model.geography.nearest(AUDIENCE)[council].ravel()
    audience, about = rows_where(marked(near, len(key))), key[council.min()]
    heard = model.draws.happens("news", model.levers.publicity, key[audience], about, model.quarter)
    change = model.assumptions.peers * (1.0 if good else -1.0)
    readiness = model.councils.readiness
    changed = readiness[audience[heard]] + change
    readiness[audience[heard]] = np.minimum(np.maximum(changed, 0.0), 1.0)


def grow_ready(model: "MarketModel") -> None:
    """Let support raise readiness and maturity, and new members' caution fade."""
    councils = model.councils
    councils.caution *= CAUTION_KEPT
    taught = model.assumptions.taught * model.levers.partnership_support
    if taught:
        for known in (councils.readiness, model.services.maturity):
            np.minimum(known + taught, 1.0, out=known)
