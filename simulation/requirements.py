"""Requirements: what is put to the market this quarter, one entry a tender."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from simulation.contracts import sum_by
from simulation.randomness import combine
from simulation.segments import segment_table

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
        local: work must be done in the area.
        commitment, skill, risk_skill: of the buyers, weighted by value.
        renewal: part of the value that was outside before.
        ceiling: highest price that the business case of a project bears, £m a year.
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
    local: BoolArray
    commitment: FloatArray
    skill: FloatArray
    risk_skill: FloatArray
    renewal: FloatArray
    ceiling: FloatArray

    def __len__(self) -> int:
        return len(self.lead)

    @property
    def years(self) -> FloatArray:
        """Length of the contract, years."""
        return self.quarters / 4.0


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
        return sum_by(tender, worth * column[services.council[service]], count) / value

    return Requirements(
        lead=lead, segment=segment, service=service, tender=tender,
        weight=worth / np.sqrt(squares)[tender], councils=sizes, value=value,
        own_value=squares / value,
        partnership=partnership, incumbent=_incumbent(model, service, tender, worth, count),
        key=key, quarters=np.maximum(np.rint(4 * table.years[segment]), 1).astype(np.int64),
        share=risk_shares(model, count),
        local=model.draws.happens("local", table.local_need[segment], services.key[lead]),
        commitment=mean(councils.commitment), skill=mean(councils.procurement_skill),
        risk_skill=mean(councils.risk_skill),
        renewal=sum_by(tender, worth * (services.contract[service] != NONE), count) / value,
        ceiling=np.full(count, np.inf),
    )  # fmt: skip


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
