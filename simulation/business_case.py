"""The business case: what a project is expected to save, and whether that repays its set-up."""

from typing import TYPE_CHECKING

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray
from agents.council import passes_business_case
from agents.partnership import set_up_cost
from agents.supplier import demand_scale
from simulation.contracts import sum_by
from simulation.segments import segment_table

if TYPE_CHECKING:
    from simulation.model import MarketModel


def expected_saving(model: "MarketModel", project: IntArray, service: IntArray) -> FloatArray:
    """Return what members expect to save together, £m a year, at prices that were paid lately.

    A service that is outside already would otherwise be bought alone at the going price.

    Args:
        model: the model.
        project: to which project each entry of ``service`` belongs, rising from 0.
        service: members' services, the leader's first.
    """
    number = np.bincount(project)
    size = len(number)
    segment = model.services.segment[service[np.cumsum(number) - number]]
    own = model.services.baseline[service] * model.index
    value = sum_by(project, own, size)
    own_value = sum_by(project, own**2, size) / value
    elasticity = segment_table().scale_elasticity[segment] * model.assumptions.demand_scale
    scale = demand_scale(value, own_value, number, elasticity, model.coordination[segment])
    going = model.award_price[segment]
    outside = model.services.contract[service] != NONE
    otherwise = np.where(outside, np.minimum(going, 1.0)[project], 1.0)
    saving: FloatArray = sum_by(project, own * otherwise, size) - value * going * scale
    return saving


def passes(model: "MarketModel", lead: IntArray, saving: FloatArray) -> BoolArray:
    """Return where ``saving`` (£m a year) repays the set-up cost of projects led by ``lead``."""
    assumptions = model.assumptions
    years = segment_table().years[model.services.segment[lead]]
    cost = set_up_cost(saving, assumptions.set_up_years, assumptions.set_up_floor)
    return passes_business_case(
        saving, years, cost, assumptions.discount_rate, assumptions.claim_optimism
    )
