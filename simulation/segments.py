"""The seven segments of the market for technology and transformation services (D0 ¶6, 47)."""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray

RISKS = ("technology", "transformation", "delivery")
SOURCES = ("management", "re-engineering", "licences", "scale")
"""Where savings come from (D0 ¶61): fewer managers, better processes, licences, pooled work."""

SOURCE_QUARTERS = (4, 10, 1, 8)
"""Quarters after a takeover in which each source of savings is reached in full (D1 §1.4)."""

LONGEST_RAMP = max(SOURCE_QUARTERS)
LONGEST_CONTRACT = 60
"""Quarters of the longest contract that any lever allows."""


@dataclass(frozen=True)
class Procedure:
    """A way to put a requirement to the market.

    Attributes:
        name: name.
        quarters: from the decision to buy to the award (complex deals: two years).
        bid_fixed: fixed cost of a bid, £m (a simple bid: about £6,000).
        bid_rate: cost of a bid as a share of contract value, times the square of complexity.
        buyer_fixed: buyer's fixed cost, £m.
        buyer_rate: buyer's cost as a share of annual value, times complexity.
        shortlist: whether only the best few are kept to the end.
    """

    name: str
    quarters: int
    bid_fixed: float
    bid_rate: float
    buyer_fixed: float
    buyer_rate: float
    shortlist: bool


PROCEDURES: tuple[Procedure, ...] = (
    Procedure("catalogue", 0, 0.006, 0.020, 0.002, 0.005, False),
    Procedure("simplified", 1, 0.006, 0.009, 0.003, 0.005, False),
    Procedure("restricted", 2, 0.0072, 0.009, 0.006, 0.010, False),
    Procedure("competitive dialogue", 8, 0.105, 0.0182, 0.030, 0.015, True),
)
PROCEDURE_NAMES = tuple(procedure.name for procedure in PROCEDURES)


@dataclass(frozen=True)
class Segment:
    """What sets one segment apart; values "assumed" unless a source is named.

    Attributes:
        name: short name.
        title: name for people.
        spend_share: baseline as a share of a council's technology spend (above 1: on top of it).
        services: services of this kind that a council buys apart from each other.
        years: usual length of a contract, years.
        in_house_share: share of baseline delivered in house in April 2006.
        market_hazard: chance a quarter that an in-house service is put to the market.
        complexity: index.
        scale_elasticity: fall of unit cost with demand-side scale (order from D0 ¶47).
        hub_elasticity: fall of unit cost with the volume in a supplier's own hubs.
        specificity: how specific the work is to one council, 0-1.
        local_need: share of tenders in which work must be done in the area.
        project_share: project cost as a share of contract value (partnerships: D0 ¶37).
        investment_share: up-front investment by the supplier, share of value (D0 ¶37); where there
            is some, leaving in-house delivery is a programme with set-up cost of the council's own.
        accept_new: highest price accepted for an in-house service, over in-house cost.
        accept_renewal: the same for a service already outside.
        sme_capable: share of SMEs that work in the segment.
        large_capable: share of large suppliers that work in the segment.
        procedure: usual procedure.
        risk: shares of technology, transformation and delivery in its risk.
        sources: shares of the sources of savings, in the order of ``SOURCES``.
    """

    name: str
    title: str
    spend_share: float
    services: int
    years: float
    in_house_share: float
    market_hazard: float
    complexity: float
    scale_elasticity: float
    hub_elasticity: float
    specificity: float
    local_need: float
    project_share: float
    investment_share: float
    accept_new: float
    accept_renewal: float
    sme_capable: float
    large_capable: float
    procedure: str
    risk: tuple[float, float, float]
    sources: tuple[float, float, float, float]


SEGMENTS: tuple[Segment, ...] = (
    Segment("commodity", "Commodity infrastructure", 0.22, 2, 2.0, 0.0, 0.0, 0.2, 0.06, 0.02, 0.1,
            0.2, 0.04, 0.0, 1.23, 1.23, 0.45, 0.7, "catalogue",
            (0.6, 0.1, 0.3), (0.0, 0.0, 0.8, 0.2)),
    Segment("applications", "Applications", 0.22, 3, 4.0, 0.25, 0.03, 0.5, 0.07, 0.03, 0.4,
            0.3, 0.25, 0.0, 1.12, 1.19, 0.40, 0.7, "restricted",
            (0.5, 0.3, 0.2), (0.1, 0.2, 0.5, 0.2)),
    Segment("architecture", "Architecture", 0.04, 1, 1.5, 0.5, 0.03, 0.6, 0.04, 0.02, 0.6,
            0.4, 0.30, 0.0, 1.12, 1.19, 0.40, 0.6, "simplified",
            (0.5, 0.3, 0.2), (0.0, 0.0, 1.0, 0.0)),
    Segment("managed", "Managed IT services", 0.42, 1, 5.0, 0.55, 0.020, 0.7, 0.10, 0.04, 0.4,
            0.5, 0.10, 0.03, 1.06, 1.13, 0.25, 0.7, "restricted",
            (0.3, 0.2, 0.5), (0.3, 0.2, 0.2, 0.3)),
    Segment("change", "Change management", 0.10, 1, 1.5, 0.35, 0.04, 0.8, 0.02, 0.01, 0.9,
            0.6, 0.40, 0.0, 1.12, 1.19, 0.45, 0.6, "restricted",
            (0.1, 0.7, 0.2), (0.0, 0.0, 1.0, 0.0)),
    Segment("functional", "Functional outsourcing", 0.65, 1, 7.5, 0.6, 0.025, 0.9, 0.12, 0.04,
            0.3, 0.5, 0.12, 0.05, 1.06, 1.13, 0.12, 0.6, "competitive dialogue",
            (0.2, 0.4, 0.4), (0.3, 0.4, 0.05, 0.25)),
    Segment("strategic", "Strategic service partnership", 1.5, 1, 10.0, 0.97, 0.085, 1.2, 0.08,
            0.045, 0.6, 0.6, 0.13, 0.125, 1.06, 1.13, 0.0, 0.5, "competitive dialogue",
            (0.3, 0.4, 0.3), (0.3, 0.4, 0.1, 0.2)),
)  # fmt: skip

SEGMENT_NAMES = tuple(segment.name for segment in SEGMENTS)
FUNCTIONAL, STRATEGIC = SEGMENT_NAMES.index("functional"), SEGMENT_NAMES.index("strategic")
"""Outsourced functions and partnerships stand beside technology; all segments before are part."""


@dataclass(frozen=True)
class SegmentTable:
    """The segments' numbers as arrays, one entry a segment.

    ``risk`` is segments x 3 categories, ``sources`` segments x 4 sources of savings.
    """

    spend_share: NDArray[np.float64]
    services: NDArray[np.float64]
    years: NDArray[np.float64]
    in_house_share: NDArray[np.float64]
    market_hazard: NDArray[np.float64]
    complexity: NDArray[np.float64]
    scale_elasticity: NDArray[np.float64]
    hub_elasticity: NDArray[np.float64]
    specificity: NDArray[np.float64]
    local_need: NDArray[np.float64]
    project_share: NDArray[np.float64]
    investment_share: NDArray[np.float64]
    accept_new: NDArray[np.float64]
    accept_renewal: NDArray[np.float64]
    sme_capable: NDArray[np.float64]
    large_capable: NDArray[np.float64]
    risk: NDArray[np.float64]
    sources: NDArray[np.float64]
    complex: NDArray[np.bool_]
    programme: NDArray[np.bool_]
    procedure: NDArray[np.int64]


@cache
def segment_table() -> SegmentTable:
    """Return the segments as arrays."""
    derived = ("complex", "programme", "procedure")
    names = [item.name for item in fields(SegmentTable) if item.name not in derived]
    columns = {
        name: np.array([getattr(one, name) for one in SEGMENTS], dtype=float) for name in names
    }
    dialogue = [segment.procedure == "competitive dialogue" for segment in SEGMENTS]
    order = [PROCEDURE_NAMES.index(segment.procedure) for segment in SEGMENTS]
    programmes = [segment.investment_share > 0 for segment in SEGMENTS]
    return SegmentTable(
        **columns,
        complex=np.array(dialogue),
        programme=np.array(programmes),
        procedure=np.array(order),
    )


@dataclass(frozen=True)
class ProcedureTable:
    """The procedures' numbers as arrays, one entry a procedure."""

    quarters: NDArray[np.int64]
    bid_fixed: NDArray[np.float64]
    bid_rate: NDArray[np.float64]
    buyer_fixed: NDArray[np.float64]
    buyer_rate: NDArray[np.float64]
    shortlist: NDArray[np.bool_]


@cache
def procedure_table() -> ProcedureTable:
    """Return the procedures as arrays."""
    names = [item.name for item in fields(ProcedureTable)]
    return ProcedureTable(**{n: np.array([getattr(p, n) for p in PROCEDURES]) for n in names})


def tender_quarters(segment: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how long the usual procedure of each of ``segment`` takes, quarters."""
    return procedure_table().quarters[segment_table().procedure[segment]]


@cache
def ramp_table() -> NDArray[np.float64]:
    """Return the part of its saving that a contract has reached (segments x age in quarters).

    Each source of savings is reached evenly over its own time; the last age stands for all later.
    """
    age = np.arange(LONGEST_RAMP + 1)
    reached = np.minimum((age[None, :] + 0.5) / np.array(SOURCE_QUARTERS)[:, None], 1.0)
    reached[:, -1] = 1.0
    ramp: NDArray[np.float64] = segment_table().sources @ reached
    return ramp


@cache
def worth_of_saving(rate: float) -> NDArray[np.float64]:
    """Return what £1 a year of agreed saving is worth at ``rate`` over a contract of some quarters.

    One row a segment, one column a length from 0 quarters to `LONGEST_CONTRACT`.
    """
    age = np.arange(LONGEST_CONTRACT)
    ramp = ramp_table()[:, np.minimum(age, LONGEST_RAMP)]
    worth = np.cumsum(ramp * (1.0 + rate) ** (-(age + 0.5) / 4.0) / 4.0, axis=1)
    return np.concatenate([np.zeros((len(SEGMENTS), 1)), worth], axis=1)
