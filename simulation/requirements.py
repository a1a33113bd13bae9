"""Requirements: what is put to the market this quarter, one entry a tender."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray
from agents.compiled import compiled, inlined
from agents.governance import ALONE
from simulation.contracts import sum_by
from simulation.randomness import extended, mixed
from simulation.segments import LONGEST_RAMP, ramp_table, segment_table, worth_of_saving

if TYPE_CHECKING:
    from simulation.model import MarketModel


@dataclass
class Requirements:
    """The tenders of a quarter as arrays; money in £m at this quarter's index.

    Attributes:
        lead: service of the lead council.
        segment: segment.
        service: members' services, flat, tender by tender.
        tender: to which tender each entry of ``service`` belongs.
        weight: of each entry of ``service`` in the luck of its tender; squares add up to 1.
        councils: number of members.
        value: annual in-house cost of all members' services.
        own_value: scale that members already hold, sum of squares over sum.
        partnership: group, or NONE.
        governance: model of collaboration of its members.
        pooled: part of the scale effect that their agreement realises.
        incumbent: supplier that holds the largest part now, or NONE.
        held: part of the value that it holds.
        key: stable key of the tender: the leader's service and the ordinal of its need.
        quarters: length of the contract.
        share: share of each category of risk that the supplier is asked to carry.
        complexity: of the segment, and of joining many councils at once.
        procedure: procedure, a place in ``PROCEDURES``.
        local: work must be done in the area.
        diligent: due diligence is complete before signature.
        unchanged: it re-tenders exactly the services of one outgoing contract.
        was: what the services cost now, over in-house cost.
        was_cost: what delivering them costs now, over in-house cost.
        commitment, skill, risk_skill: of the buyers, weighted by value.
        maturity: of the services, weighted by value.
        renewal: part of the value that was outside before.
        ceiling: highest price that the business case of a project bears, £m a year.
        expected: price that the business case expects, £m a year; 0 where there is none.
        funded: set-up cost that the supplier is to pay, £m.
    """

    lead: IntArray
    segment: IntArray
    service: IntArray
    tender: IntArray
    weight: FloatArray
    councils: IntArray
    value: FloatArray
    own_value: FloatArray
    partnership: IntArray
    governance: IntArray
    pooled: FloatArray
    incumbent: IntArray
    held: FloatArray
    key: KeyArray
    quarters: IntArray
    share: FloatArray
    complexity: FloatArray
    procedure: IntArray
    local: BoolArray
    diligent: BoolArray
    unchanged: BoolArray
    was: FloatArray
    was_cost: FloatArray
    commitment: FloatArray
    skill: FloatArray
    risk_skill: FloatArray
    maturity: FloatArray
    renewal: FloatArray
    ceiling: FloatArray
    expected: FloatArray
    funded: FloatArray

    def __len__(self) -> int:
        return len(self.lead)

    @property
    def years(self) -> FloatArray:
        """Length of the contract, years."""
        return self.quarters / 4.0

    @property
    def earning(self) -> FloatArray:
        """What £1 a year of price beyond the old cost earns over the contract, which ramps, £."""
        return worth_of_saving(0.0)[self.segment, self.quarters]

    @property
    def contract_value(self) -> FloatArray:
        """In-house cost over the contract's life, £m."""
        return self.value * self.years


def draw_normal(model: "MarketModel", purpose: str, requirements: Requirements) -> FloatArray:
    """Return one standard normal draw a tender, combined from its members' own draws.

    A joint requirement so meets the luck of the services that it joins, each weighted by its value.
    """
    services = model.services
    own = model.draws.normal(
        purpose, services.key[requirements.service], services.ordinal[requirements.service]
    )
    return sum_by(requirements.tender, requirements.weight * own, len(requirements))


def risk_shares(model: "MarketModel", tenders: int) -> FloatArray:
    """Return the share of each category of risk asked of suppliers (tenders x 3).

    ``uniform`` asks the same of all; ``by_control`` leaves each risk with who can control it
    (D0 ¶20, 84): nine tenths to the party with more of the control.
    """
    if model.levers.risk_allocation == "by_control":
        share = np.where(model.control >= 0.5, 0.9, 0.1)
    else:
        share = np.full(3, model.levers.risk_transfer)
    return np.tile(share, (tenders, 1))


def gather(
    model: "MarketModel", tender: IntArray, service: IntArray, partnership: IntArray
) -> Requirements:
    """Return the requirements of the quarter.

    Args:
        model: the model.
        tender: tender to which each service belongs, ascending from 0.
        service: members' services, each tender's leader first.
        partnership: group behind each tender, or NONE.
    """
    services, contracts, councils = model.services, model.contracts, model.councils
    of = _gathered(
        tender, service, len(partnership),
        Held(services.key, services.council, services.segment, services.baseline,
             services.contract, services.ordinal, services.maturity),
        Deals(contracts.supplier, contracts.segment, contracts.start, contracts.was_ratio,
              contracts.price_ratio, contracts.was_cost_ratio, contracts.cost_ratio),
        Buyers(councils.commitment, councils.procurement_skill, councils.risk_skill),
        model.suppliers.active, ramp_table(), model.index, model.quarter,
    )  # fmt: skip
    segment, count = of.segment, len(partnership)
    return Requirements(
        **of._asdict(), service=service, tender=tender, partnership=partnership,
        **agreement(model, partnership),
        quarters=contract_quarters(model, segment), share=risk_shares(model, count),
        complexity=joint_complexity(model, segment, of.councils),
        procedure=segment_table().procedure[segment], local=local_work(model, segment, of.lead),
        diligent=_diligent(model, of.lead), ceiling=np.full(count, np.inf),
        expected=np.zeros(count), funded=np.zeros(count),
    )  # fmt: skip


class Agreement(TypedDict):
    """What the members of tenders have agreed, one entry a tender: see `Requirements`."""

    governance: IntArray
    pooled: FloatArray


def agreement(model: "MarketModel", partnership: IntArray) -> Agreement:
    """Return what the members of each ``partnership`` have agreed; NONE is a council alone."""
    governance, pooled = np.full(len(partnership), ALONE), np.ones(len(partnership))
    joint = partnership != NONE
    governance[joint] = model.partnerships.governance[partnership[joint]]
    pooled[joint] = model.partnerships.pooled[partnership[joint]]
    return {"governance": governance, "pooled": pooled}


class Held(NamedTuple):
    """What gathering looks at in services."""

    key: KeyArray
    council: IntArray
    segment: IntArray
    baseline: FloatArray
    contract: IntArray
    ordinal: IntArray
    maturity: FloatArray


class Deals(NamedTuple):
    """What gathering looks at in contracts."""

    supplier: IntArray
    segment: IntArray
    start: IntArray
    was_ratio: FloatArray
    price_ratio: FloatArray
    was_cost_ratio: FloatArray
    cost_ratio: FloatArray


class Buyers(NamedTuple):
    """What gathering looks at in councils."""

    commitment: FloatArray
    skill: FloatArray
    risk_skill: FloatArray


class Gathered(NamedTuple):
    """What is gathered from the members of tenders: columns of `Requirements` by those names."""

    lead: IntArray
    segment: IntArray
    weight: FloatArray
    councils: IntArray
    value: FloatArray
    own_value: FloatArray
    incumbent: IntArray
    held: FloatArray
    key: KeyArray
    unchanged: BoolArray
    was: FloatArray
    was_cost: FloatArray
    commitment: FloatArray
    skill: FloatArray
    risk_skill: FloatArray
    maturity: FloatArray
    renewal: FloatArray


@compiled
def _gathered(
    tender: IntArray, service: IntArray, tenders: int, held: Held, deals: Deals, buyers: Buyers,
    active: BoolArray, ramp: FloatArray, index: float, quarter: int,
) -> Gathered:  # fmt: skip
    """Gather the members of each tender, which are the entries of ``service``."""
    of, worth = _room(tenders, len(service)), np.empty(len(service))
    delivered = _services_of(held.contract, len(deals.supplier))
    start = 0
    for one in range(tenders):
        stop = start
        while stop < len(tender) and tender[stop] == one:
            stop += 1
        lead, value, squares = service[start], 0.0, 0.0
        was = was_cost = commitment = skill = risk_skill = maturity = outside = 0.0
        for member in range(start, stop):
            part, council = held.baseline[service[member]] * index, held.council[service[member]]
            worth[member] = part
            contract = held.contract[service[member]]
            value += part
            squares += part * part
            reached = _reached(contract, deals, ramp, quarter)
            was += part * _ratio(contract, deals.was_ratio, deals.price_ratio, reached)
            was_cost += part * _ratio(contract, deals.was_cost_ratio, deals.cost_ratio, reached)
            commitment += part * buyers.commitment[council]
            skill += part * buyers.skill[council]
            risk_skill += part * buyers.risk_skill[council]
            maturity += part * held.maturity[service[member]]
            outside += part * (contract != NONE)
        for member in range(start, stop):
            of.weight[member] = worth[member] / np.sqrt(squares)
        of.lead[one], of.segment[one], of.councils[one] = lead, held.segment[lead], stop - start
        of.value[one], of.own_value[one] = value, squares / value
        of.was[one], of.was_cost[one] = was / value, was_cost / value
        of.renewal[one] = outside / value
        of.commitment[one], of.skill[one] = commitment / value, skill / value
        of.risk_skill[one], of.maturity[one] = risk_skill / value, maturity / value
        of.key[one] = extended(mixed(held.key[lead]), np.uint64(held.ordinal[lead]))
        holder, part = _incumbent(held.contract, deals.supplier, service, worth, start, stop)
        if holder != NONE and not active[holder]:
            holder, part = NONE, 0.0
        of.incumbent[one], of.held[one] = holder, part / value
        first = held.contract[lead]
        of.unchanged[one] = first != NONE and delivered[first] == stop - start
        for member in range(start, stop):
            of.unchanged[one] &= held.contract[service[member]] == first
        start = stop
    return of


@compiled
def _room(tenders: int, members: int) -> Gathered:
    whole, number = np.int64, np.float64
    return Gathered(
        np.empty(tenders, whole), np.empty(tenders, whole), np.empty(members, number),
        np.empty(tenders, whole), np.empty(tenders, number), np.empty(tenders, number),
        np.empty(tenders, whole), np.empty(tenders, number), np.empty(tenders, np.uint64),
        np.empty(tenders, np.bool_), np.empty(tenders, number),
        np.empty(tenders, number), np.empty(tenders, number), np.empty(tenders, number),
        np.empty(tenders, number), np.empty(tenders, number), np.empty(tenders, number),
    )  # fmt: skip


@compiled
def _services_of(contract: IntArray, contracts: int) -> IntArray:
    """Return how many services each contract delivers."""
    number = np.zeros(contracts, np.int64)
    for service in range(len(contract)):
        if contract[service] != NONE:
            number[contract[service]] += 1
    return number


@inlined
def _reached(contract: int, deals: Deals, ramp: FloatArray, quarter: int) -> float:
    """Return which part of its saving ``contract`` has reached."""
    if contract == NONE:
        return 1.0
    age = min(max(quarter - deals.start[contract], 0), LONGEST_RAMP)
    reached: float = ramp[deals.segment[contract], age]
    return reached


@inlined
def _ratio(contract: int, was: FloatArray, agreed: FloatArray, reached: float) -> float:
    """Return where a service under ``contract`` stands between two ratios; 1 in house."""
    if contract == NONE:
        return 1.0
    ratio: float = was[contract] + reached * (agreed[contract] - was[contract])
    return ratio


@compiled
def _incumbent(
    contract: IntArray, supplier: IntArray, service: IntArray, worth: FloatArray, start: int,
    stop: int,
) -> tuple[int, float]:  # fmt: skip
    """Return the supplier with the largest part of the members from ``start``, and that part.

    NONE and nothing where all are in house.
    """
    largest, most = NONE, 0.0
    for member in range(start, stop):
        deal = contract[service[member]]
        if deal == NONE:
            continue
        part = 0.0
        for other in range(start, stop):
            others = contract[service[other]]
            if others != NONE and supplier[others] == supplier[deal]:
                part += worth[other]
        if part > most or (part == most and supplier[deal] > largest):
            largest, most = supplier[deal], part
    return largest, most


def contract_quarters(model: "MarketModel", segment: IntArray) -> IntArray:
    """Return the length of a contract signed now in each of ``segment``, quarters."""
    years = segment_table().years[segment] * model.levers.contract_length_factor
    return np.maximum(np.rint(4 * years), 1).astype(np.int64)


def joint_complexity(model: "MarketModel", segment: IntArray, councils: IntArray) -> FloatArray:
    """Return complexity: many councils that change at once make a big bang (D0 ¶53)."""
    bang = 1.0 + model.assumptions.big_bang * np.log(councils)
    joint: FloatArray = segment_table().complexity[segment] * bang
    return joint


def local_work(model: "MarketModel", segment: IntArray, lead: IntArray) -> BoolArray:
    """Return which tenders insist on delivery in the area.

    At a share of one half each segment has its usual part; none at 0, all at 1.
    """
    need = segment_table().local_need
    share = np.power(model.levers.local_delivery, np.log(need) / np.log(0.5))
    return model.draws.happens("local", share[segment], model.services.key[lead])


def _diligent(model: "MarketModel", lead: IntArray) -> BoolArray:
    key = model.services.key[lead], model.services.ordinal[lead]
    return model.draws.happens("due diligence", model.levers.early_due_diligence, *key)


def paid_ratio(model: "MarketModel", contract: IntArray) -> FloatArray:
    """Return what services under ``contract`` cost now over in-house cost; 1 in house (NONE)."""
    contracts = model.contracts
    if not len(contracts):
        return np.ones(len(contract))
    age = np.clip(model.quarter - contracts.start[contract], 0, LONGEST_RAMP)
    reached = ramp_table()[contracts.segment[contract], age]
    was = contracts.was_ratio[contract]
    ratio = was + reached * (contracts.price_ratio[contract] - was)
    return np.where(contract == NONE, 1.0, ratio)
