"""The business case: what a project costs to set up, is to save, and may be paid at most."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray
from agents.council import highest_viable_price
from agents.governance import governance_table, shared_cost
from agents.government import GUARANTEED_STAGES, STAGES
from agents.partnership import set_up_cost
from agents.supplier import demand_scale
from simulation.contracts import sum_by
from simulation.ledger import PENCE
from simulation.requirements import agreement, contract_quarters
from simulation.segments import segment_table, worth_of_saving

if TYPE_CHECKING:
    from simulation.model import MarketModel

USE_SPREAD = 0.3
"""Spread of log use of a service beyond its size."""


class Case(NamedTuple):
    """Business cases, one entry a project; £m a year but for ``set_up``, £m.

    Attributes:
        set_up: set-up cost.
        price: price that members expect, from what was paid lately.
        saving: what they expect to save, less the cost of managing the contract.
        ceiling: highest price at which the saving still repays the set-up.
        bare: highest price at which there is a saving at all, set-up left to the supplier.
        value: in-house cost of what is shared.
    """

    set_up: FloatArray
    price: FloatArray
    saving: FloatArray
    ceiling: FloatArray
    bare: FloatArray
    value: FloatArray

    @property
    def viable(self) -> BoolArray:
        """Which projects pass at the price that they expect."""
        return self.price <= self.ceiling


def assess(
    model: "MarketModel", project: IntArray, service: IntArray, group: IntArray | None = None
) -> Case:
    """Return the business cases of projects.

    Args:
        model: the model.
        project: to which project each entry of ``service`` belongs, rising from 0.
        service: members' services, the leader's first.
        group: group behind each project, or NONE; nothing is agreed yet where absent.
    """
    assumptions, number = model.assumptions, np.bincount(project)
    segment = model.services.segment[service[np.cumsum(number) - number]]
    own = model.services.baseline[service] * model.index
    value = sum_by(project, own, len(number))
    agreed = agreement(model, np.full(len(number), NONE) if group is None else group)
    cost = governance_table().set_up[agreed["governance"]] * _usual_set_up(model, value)
    own_value = sum_by(project, own**2, len(number)) / value
    price = _expected_price(model, segment, value, own_value, number, agreed["pooled"])
    otherwise = sum_by(project, own * own_ratio(model, service), len(number))
    length = contract_quarters(model, segment)
    worth = worth_of_saving(assumptions.discount_rate)[segment, length]
    ceiling = highest_viable_price(
        otherwise, cost, worth, assumptions.client_side, assumptions.claim_optimism
    )
    saving = otherwise - price * (1.0 + assumptions.client_side)
    return Case(cost, price, saving, ceiling, otherwise / (1.0 + assumptions.client_side), value)


def _expected_price(
    model: "MarketModel",
    segment: IntArray,
    value: FloatArray,
    own_value: FloatArray,
    number: IntArray,
    pooled: FloatArray,
) -> FloatArray:
    elasticity = segment_table().scale_elasticity[segment] * model.assumptions.demand_scale
    scale = demand_scale(value, own_value, number, elasticity * pooled, model.coordination[segment])
    price: FloatArray = value * model.award_price[segment] * scale
    return price


class Cases(NamedTuple):
    """The business cases of groups.

    Attributes:
        rows: groups, ascending.
        place: of each member's group in ``rows``.
        case: of each group.
    """

    rows: IntArray
    place: IntArray
    case: Case


def cases_of(model: "MarketModel", group: IntArray, service: IntArray) -> Cases:
    """Return the business cases of the groups of members, whose services are ``service``."""
    rows, place = np.unique(group, return_inverse=True)
    order = np.argsort(place, kind="stable")
    return Cases(rows, place, assess(model, place[order], service[order], rows))


def member_gains(model: "MarketModel", cases: Cases, service: IntArray) -> FloatArray:
    """Return what each member's own case shows: net saving a year, of its annual cost.

    The price falls on members by size, set-up by the rule of sharing. What the fund is thought to
    pay for good counts as far as it is certain (D1 §1.2). Renewals need no set-up.

    Args:
        model: the model.
        cases: of their groups.
        service: members' services.
    """
    assumptions, partnerships = model.assumptions, model.partnerships
    rows, place, case = cases
    own = model.services.baseline[service] * model.index
    length = contract_quarters(model, model.services.segment[partnerships.lead[rows]])
    metered = 1.0 + assumptions.metering * (assumptions.cost_sharing == "use")
    paid = case.price * (1.0 + assumptions.client_side * metered) / case.value
    saving = (own_ratio(model, service) - paid[place]) * (1.0 + assumptions.claim_optimism)
    new = partnerships.contract[rows] == NONE
    cost = (case.set_up - _gift(model, rows, case, length / 4.0)) * new
    part = set_up_shares(model, place, service, len(rows)) * cost[place]
    gain: FloatArray = saving - part / (own * length[place] / 4.0)
    return gain


def fund_in_sight(model: "MarketModel", rows: IntArray) -> FloatArray:
    """Return the part of set-up that groups can hope for from the fund, 0-1.

    None where their deadline has passed, or where what the fund has not promised to others would
    not cover their claim.
    """
    if not model.fund_capital:
        return np.zeros(len(rows))
    deadline, share = model.partnerships.deadline[rows], model.levers.pump_priming_share
    open_to = (deadline == 0) | (deadline >= model.quarter)
    free = (model.fund_balance - model.stages.promised()) / PENCE
    claim = share * _usual_set_up(model, model.partnerships.value[rows])
    return np.where(open_to & (claim <= free), share, 0.0)


def _usual_set_up(model: "MarketModel", value: FloatArray) -> FloatArray:
    assumptions = model.assumptions
    return set_up_cost(
        value, assumptions.set_up_saving, assumptions.set_up_years, assumptions.set_up_floor
    )


def _gift(model: "MarketModel", rows: IntArray, case: Case, years: FloatArray) -> FloatArray:
    """Return what groups count on the fund to pay and not to ask back, £m.

    What savings repay over the contract is no gift. Stages that are not guaranteed may not be paid.
    """
    later = 1.0 - GUARANTEED_STAGES / STAGES
    certain = 1.0 - model.assumptions.funding_uncertainty * later
    paid = case.set_up * fund_in_sight(model, rows) * certain
    repaid = model.levers.pump_priming_repayment * np.maximum(case.saving, 0.0) * years
    return np.maximum(paid - repaid, 0.0)


def set_up_shares(
    model: "MarketModel", place: IntArray, service: IntArray, groups: int
) -> FloatArray:
    """Return each member's share in its group's set-up cost, by the rule of sharing (D1 §3.2)."""
    use = np.exp(USE_SPREAD * model.draws.normal("use", model.services.key[service]))
    rule = model.assumptions.cost_sharing
    weight = shared_cost(rule, model.services.baseline[service], use)
    share: FloatArray = weight / sum_by(place, weight, groups)[place]
    return share


def own_ratio(model: "MarketModel", service: IntArray) -> FloatArray:
    """Return what each of ``service`` would pay otherwise, over in-house cost."""
    segment = model.services.segment[service]
    going = model.award_price[segment] * (1.0 + model.assumptions.client_side)
    outside = model.services.contract[service] != NONE
    return np.where(outside, np.minimum(going, 1.0), 1.0)
