"""Risk: what may strike a contract, how care lowers it, and what either party expects to lose.

Events come in three categories. The chance of an event falls with the care of whoever bears its
cost and can control it; care is concave in the share borne, so that each party's first tenth moves
it most (D0 ¶18-21). Losses are a multiple of the contract's project cost, with a heavy tail.
"""

from typing import NamedTuple

import numpy as np

from agents.columns import FloatArray
from simulation.assumptions import Assumptions


class Outlook(NamedTuple):
    """What parties expect of a contract's risks: £m (means) and £m squared (variance)."""

    supplier_loss: FloatArray
    supplier_variance: FloatArray
    council_loss: FloatArray


def event_chance(
    share: FloatArray,
    profile: FloatArray,
    complexity: FloatArray,
    control: FloatArray,
    assumptions: Assumptions,
) -> FloatArray:
    """Return the chance over a contract's life of an event in each category (contracts x 3).

    Args:
        share: share of each risk that the supplier bears, contracts x 3.
        profile: each category's part in the segment's risk, contracts x 3.
        complexity: complexity of the segment, one a contract.
        control: supplier's control of each category, 3.
        assumptions: level of risk, care and its exponent.
    """
    exponent, care = assumptions.care_exponent, assumptions.care
    supplier_care = 1.0 - care * control * share**exponent
    council_care = 1.0 - care * (1.0 - control) * (1.0 - share) ** exponent
    base = assumptions.event_level * (0.4 + 0.64 * complexity)
    chance = profile * base[:, None] * supplier_care * council_care
    return np.minimum(np.maximum(chance, 0.0), 1.0)


def loss_moments(assumptions: Assumptions) -> tuple[float, float]:
    """Return mean and mean square of one event's loss, as multiples of project cost."""
    square = assumptions.loss_spread**2
    mean = assumptions.loss_median * float(np.exp(square / 2))
    return mean, assumptions.loss_median**2 * float(np.exp(2 * square))


def own_loss_factor(risk_skill: FloatArray, surcharge: float) -> FloatArray:
    """Return what £1 of a loss that councils bear costs them: less to those skilled in risk."""
    return 1.0 + 2.0 * surcharge * (1.0 - risk_skill)


def outlook(
    chance: FloatArray,
    share: FloatArray,
    project_cost: FloatArray,
    own_loss: FloatArray,
    assumptions: Assumptions,
) -> Outlook:
    """Return what both parties expect to lose over the contract's life.

    ``own_loss`` is the factor by which a loss costs the council more than its amount.
    """
    mean, square = loss_moments(assumptions)
    borne = _in_all(chance * share) * mean * project_cost
    kept = _in_all(chance * (1.0 - share)) * mean * project_cost
    spread = chance * share**2 * (square - chance * mean**2)
    variance = _in_all(spread) * project_cost**2
    return Outlook(borne, variance, kept * own_loss)


def _in_all(by_category: FloatArray) -> FloatArray:
    """Return sums over the three categories (quicker than along so short an axis)."""
    total: FloatArray = by_category[:, 0] + by_category[:, 1] + by_category[:, 2]
    return total
