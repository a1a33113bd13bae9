"""Requirements: what is put to the market this quarter, one entry a tender."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from simulation.contracts import sum_by
from simulation.randomness import combine
from simulation.segments import LONGEST_RAMP, ramp_table, segment_table

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
        incumbent: supplier that holds the largest part now, or NONE.
        key: stable key of the tender: the leader's service and the ordinal of its need.
        quarters: length of the contract.
        share: share of each category of risk that the supplier is asked to carry.
        complexity: of the segment, and of joining many councils at once.
        procedure: procedure, a place in ``PROCEDURES``.
        local: work must be done in the area.
        diligent: due diligence is complete before signature.
        unchanged: it re-tenders exactly the services of one outgoing contract.
        was: what the services cost now, over in-house cost.
        commitment, skill, risk_skill: of the buyers, weighted by value.
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
    incumbent: IntArray
    key: KeyArray
    quarters: IntArray
    share: FloatArray
    complexity: FloatArray
    procedure: IntArray
    local: BoolArray
    diligent: BoolArray
    unchanged: BoolArray
    was: FloatArray
    commitment: FloatArray
    skill: FloatArray
    risk_skill: FloatArray
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
    services, councils = model.services, model.councils
    table, count = segment_table(), len(partnership)
    sizes = np.bincount(tender, minlength=count)
    lead = service[np.cumsum(sizes) - sizes]
    worth = services.baseline[service] * model.index
    value, squares = sum_by(tender, worth, count), sum_by(tender, worth**2, count)
    segment = services.segment[lead]
    key = combine(services.key[lead], services.ordinal[lead])

    def mean(column: NDArray[np.float64]) -> FloatArray:
        return sum_by(tender, worth * column, count) / value

    def of_councils(column: NDArray[np.float64]) -> FloatArray:
        return mean(column[services.council[service]])

    contract = services.contract[service]
    return Requirements(
        lead=lead, segment=segment, service=service, tender=tender,
        weight=worth / np.sqrt(squares)[tender], councils=sizes, value=value,
        own_value=squares / value,
        partnership=partnership, incumbent=_incumbent(model, service, tender, worth, count),
        key=key, quarters=contract_quarters(model, segment), share=risk_shares(model, count),
        complexity=joint_complexity(model, segment, sizes), procedure=table.procedure[segment],
        local=_local(model, lead), diligent=_diligent(model, lead),
        unchanged=_unchanged(model, tender, contract, sizes), was=mean(paid_ratio(model, contract)),
        commitment=of_councils(councils.commitment), skill=of_councils(councils.procurement_skill),
        risk_skill=of_councils(councils.risk_skill), renewal=mean((contract != NONE).astype(float)),
        ceiling=np.full(count, np.inf), expected=np.zeros(count), funded=np.zeros(count),
    )  # fmt: skip


def contract_quarters(model: "MarketModel", segment: IntArray) -> IntArray:
    """Return the length of a contract signed now in each of ``segment``, quarters."""
    years = segment_table().years[segment] * model.levers.contract_length_factor
    return np.maximum(np.rint(4 * years), 1).astype(np.int64)


def joint_complexity(model: "MarketModel", segment: IntArray, councils: IntArray) -> FloatArray:
    """Return complexity: many councils that change at once make a big bang (D0 ¶53)."""
    bang = 1.0 + model.assumptions.big_bang * np.log(councils)
    joint: FloatArray = segment_table().complexity[segment] * bang
    return joint


def _local(model: "MarketModel", lead: IntArray) -> BoolArray:
    """Return which tenders insist on delivery in the area.

    At a share of one half each segment has its usual part; none at 0, all at 1.
    """
    need = segment_table().local_need[model.services.segment[lead]]
    share = np.power(model.levers.local_delivery, np.log(need) / np.log(0.5))
    return model.draws.happens("local", share, model.services.key[lead])


def _diligent(model: "MarketModel", lead: IntArray) -> BoolArray:
    key = model.services.key[lead], model.services.ordinal[lead]
    return model.draws.happens("due diligence", model.levers.early_due_diligence, *key)


def _unchanged(
    model: "MarketModel", tender: IntArray, contract: IntArray, sizes: IntArray
) -> BoolArray:
    """Return which tenders are for all the services of one outgoing contract and no others."""
    first = contract[np.cumsum(sizes) - sizes]
    same = np.bincount(tender, contract == first[tender], minlength=len(sizes)) == sizes
    held = np.bincount(model.services.contract + 1, minlength=len(model.contracts) + 1)
    unchanged: BoolArray = same & (first != NONE) & (held[first + 1] == sizes)
    return unchanged


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


def _incumbent(
    model: "MarketModel", service: IntArray, tender: IntArray, worth: FloatArray, count: int
) -> IntArray:
    """Return the active supplier with the largest part of each tender's value, or NONE."""
    contract = model.services.contract[service]
    held = rows_where(contract != NONE)
    incumbent = np.full(count, NONE, dtype=np.int64)
    supplier = model.contracts.supplier[contract[held]]
    pair = tender[held] * len(model.suppliers) + supplier
    pairs, place = np.unique(pair, return_inverse=True)
    part = np.bincount(place, weights=worth[held])
    order = np.argsort(part, kind="stable")
    incumbent[pairs[order] // len(model.suppliers)] = pairs[order] % len(model.suppliers)
    gone = (incumbent != NONE) & ~model.suppliers.active[incumbent]
    incumbent[gone] = NONE
    return incumbent
