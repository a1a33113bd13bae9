"""The business case: what a project costs to set up, is to save, and may be paid at most."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray
from agents.council import highest_viable_price
from agents.partnership import set_up_cost
from agents.supplier import demand_scale
from simulation.contracts import sum_by
from simulation.requirements import contract_quarters
from simulation.segments import segment_table, worth_of_saving

if TYPE_CHECKING:
    from simulation.model import MarketModel


class Case(NamedTuple):
    """Business cases, one entry a project; £m a year but for ``set_up``, £m.

    Attributes:
        set_up: set-up cost.
        price: price that members expect, from what was paid lately.
        saving: what they expect to save, less the cost of managing the contract.
        ceiling: highest price at which the saving still repays the set-up.
        bare: highest price at which there is a saving at all, set-up left to the supplier.
    """

    set_up: FloatArray
    price: FloatArray
    saving: FloatArray
    ceiling: FloatArray
    bare: FloatArray

    @property
    def viable(self) -> BoolArray:
        """Which projects pass at the price that they expect."""
        return self.price <= self.ceiling


def assess(model: "MarketModel", project: IntArray, service: IntArray) -> Case:
    """Return the business cases of projects.

    Args:
        model: the model.
        project: to which project each entry of ``service`` belongs, rising from 0.
        service: members' services, the leader's first.
    """
    assumptions, number = model.assumptions, np.bincount(project)
    segment = model.services.segment[service[np.cumsum(number) - number]]
    own = model.services.baseline[service] * model.index
    value = sum_by(project, own, len(number))
    cost = set_up_cost(
        value, assumptions.set_up_saving, assumptions.set_up_years, assumptions.set_up_floor
    )
    price = _expected_price(model, segment, value, sum_by(project, own**2, len(number)), number)
    otherwise = _otherwise(model, segment, project, service, own)
    length = contract_quarters(model, segment)
    worth = worth_of_saving(assumptions.discount_rate)[segment, length]
    ceiling = highest_viable_price(
        otherwise, cost, worth, assumptions.client_side, assumptions.claim_optimism
    )
    saving = otherwise - price * (1.0 + assumptions.client_side)
    return Case(cost, price, saving, ceiling, otherwise / (1.0 + assumptions.client_side))


def _expected_price(
    model: "MarketModel",
    segment: IntArray,
    value: FloatArray,
    squares: FloatArray,
    number: IntArray,
) -> FloatArray:
    elasticity = segment_table().scale_elasticity[segment] * model.assumptions.demand_scale
    scale = demand_scale(value, squares / value, number, elasticity, model.coordination[segment])
    price: FloatArray = value * model.award_price[segment] * scale
    return price


def _otherwise(
    model: "MarketModel", segment: IntArray, project: IntArray, service: IntArray, own: FloatArray
) -> FloatArray:
    """Return what members would pay otherwise: in-house cost, or the going price if outside."""
    going = model.award_price[segment] * (1.0 + model.assumptions.client_side)
    outside = model.services.contract[service] != NONE
    ratio = np.where(outside, np.minimum(going, 1.0)[project], 1.0)
    return sum_by(project, own * ratio, len(segment))
