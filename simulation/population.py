"""The population of April 2006: councils, their services and their suppliers, drawn by key."""

from functools import cache

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray
from agents.council import Councils, Services
from agents.supplier import Suppliers
from simulation.assumptions import Assumptions
from simulation.geography import geography
from simulation.ledger import PENCE
from simulation.randomness import Draws, combine, name_key
from simulation.register import (
    CONTROLS,
    COUNCIL_TYPES,
    ELECTION_CYCLES,
    Register,
    load_register,
    parents,
)
from simulation.segments import FUNCTIONAL, SEGMENTS, STRATEGIC, segment_table

TYPE_FACTOR = {
    "county": 1.35,
    "district": 0.2,
    "unitary": 0.8,
    "metropolitan": 1.0,
    "london_borough": 1.0,
}
"""Technology spend of a council of median size, by type (D0 ¶59: a district's is a fifth)."""

MEDIAN_POPULATION = {
    "county": 652_000.0, "district": 100_500.0, "unitary": 176_000.0,
    "metropolitan": 275_000.0, "london_borough": 254_000.0,
}  # fmt: skip

CONTROL_SHARES = (0.44, 0.17, 0.08, 0.28, 0.03)
"""Control where it is not known, in the order of ``CONTROLS``: councils after May 2006."""

LARGEST_STRATEGIC = 40.0
"""Largest baseline of a strategic partnership, £m a year."""

STRATEGIC_SHARE, STRATEGIC_SHARE_DISTRICT = 0.5, 0.08
SERVICE_SPREAD, MIX_SPREAD = 0.9, 0.5
"""Spread of log size between services of a segment, and between segments in a council's mix."""

SMALLEST_SERVICE = 0.12
"""A smaller service, £m a year, is bought together with others of its segment."""

KINDS = tuple((row, k) for row, one in enumerate(SEGMENTS) for k in range(one.services))
"""Kinds of service: (segment, ordinal)."""

_FIRST = ("Vel", "Ard", "Bren", "Cor", "Dun", "Eth", "Fal", "Gar", "Hal", "Ist", "Kel", "Lor",
          "Mar", "Nor", "Orl", "Pel", "Quor", "Ros", "Sel", "Tam")  # fmt: skip
_SECOND = ("mora", "wick", "adine", "thane", "evia", "mont", "ossa", "brook", "ulin", "field",
           "arra", "stow", "imer", "dale", "onis", "ley")  # fmt: skip
_LAST = (
    "Systems",
    "Services",
    "Partners",
    "Digital",
    "Solutions",
    "Networks",
    "Consulting",
    "Works",
)


def council_keys(register: Register) -> KeyArray:
    """Return the stable key of each council: a hash of its type and name."""
    return np.array([name_key(one) for one in register.identities], dtype=np.uint64)


def spend_weight(register: Register, exponent: float) -> FloatArray:
    """Return each council's technology spend relative to a median metropolitan district."""
    factor = np.array([TYPE_FACTOR[kind] for kind in register.type])
    median = np.array([MEDIAN_POPULATION[kind] for kind in register.type])
    weight: FloatArray = factor * (register.population / median) ** exponent
    return weight


@cache
def england() -> Register:
    """Return England's councils in 2006-07, read once a process."""
    return load_register()


@cache
def england_weight(exponent: float) -> float:
    """Return the total of `spend_weight` over England, against which spend is scaled."""
    return float(spend_weight(england(), exponent).sum())


def found_councils(register: Register, assumptions: Assumptions, draws: Draws) -> Councils:
    """Return the councils of ``register`` as they stood in April 2006."""
    councils = Councils(len(register))
    councils.key[:] = council_keys(register)
    councils.type[:] = [COUNCIL_TYPES.index(kind) for kind in register.type]
    councils.county[:] = parents(register)
    councils.population[:] = register.population
    councils.control[:] = _control(register, councils.key, draws)
    councils.cycle[:] = [ELECTION_CYCLES.index(cycle) for cycle in register.election_cycle]
    weight = spend_weight(register, assumptions.size_exponent)
    total = england_weight(assumptions.size_exponent)
    councils.spend[:] = assumptions.technology_spend * weight / total
    _draw_characters(councils, assumptions, draws)
    return councils


def _control(register: Register, key: KeyArray, draws: Draws) -> IntArray:
    drawn = drawn_control(draws.uniform("control", key))
    known = np.array([CONTROLS.index(one) if one else NONE for one in register.control])
    return np.where(known == NONE, drawn, known)


def drawn_control(draw: FloatArray) -> IntArray:
    """Return political control by the shares of 2006 from uniform draws."""
    control = np.searchsorted(np.cumsum(CONTROL_SHARES), draw)
    return np.minimum(control, len(CONTROLS) - 1)


def _draw_characters(councils: Councils, assumptions: Assumptions, draws: Draws) -> None:
    key = councils.key
    size = np.clip(np.log10(np.maximum(councils.spend, 1e-6)), -1.0, 2.0)
    unit = draws.happens("procurement unit", 2 / 3, key)
    skill = 0.3 + 0.15 * size + 0.2 * unit + 0.1 * draws.normal("procurement skill", key)
    councils.procurement_skill[:] = np.clip(skill, 0.0, 1.0)
    councils.risk_skill[:] = np.clip(skill + 0.1 * draws.normal("risk skill", key), 0.0, 1.0)
    councils.appetite[:] = np.exp(0.3 * draws.normal("appetite", key))
    commitment = assumptions.client_commitment + 0.15 * draws.normal("commitment", key)
    councils.commitment[:] = np.clip(commitment, 0.0, 1.0)
    readiness = assumptions.readiness + 0.2 * draws.normal("readiness", key)
    councils.readiness[:] = np.clip(readiness, 0.0, 1.0)
    councils.champion[:] = draws.happens("champion", assumptions.champion_share, key)
    small = 0.5 - 0.5 * np.log10(councils.population / 100_000.0)
    councils.employer[:] = np.clip(small + 0.15 * draws.normal("employer", key), 0.0, 1.0)
    councils.borrowing_rank[:] = draws.uniform("borrowing", key)


def found_services(councils: Councils, assumptions: Assumptions, draws: Draws) -> Services:
    """Return what each council needs: one row a service, ordered by council and kind."""
    segment = np.array([one for one, _ in KINDS])
    kind = np.arange(len(KINDS))
    key = combine(councils.key[:, None], kind[None, :])
    baseline = councils.spend[:, None] * _mix(councils.key, key, segment, draws)
    strategic = segment == STRATEGIC
    baseline[:, strategic] = np.minimum(baseline[:, strategic], LARGEST_STRATEGIC)
    exists = _bundle(baseline, segment)
    exists[:, strategic] = _wants_strategic(councils, draws)[:, None]
    services = _service_rows(key, segment, baseline, exists)
    skill = 0.3 * (councils.procurement_skill[services.council] - 0.5)
    luck = 0.15 * draws.normal("maturity", services.key)
    services.maturity[:] = np.clip(assumptions.maturity + skill + luck, 0.0, 1.0)
    return services


def _bundle(baseline: FloatArray, segment: IntArray) -> BoolArray:
    """Add services too small to tender to the largest of their segment; return which are left."""
    exists = np.ones(baseline.shape, dtype=bool)
    councils = np.arange(len(baseline))
    for one in np.unique(segment):
        kinds = np.flatnonzero(segment == one)
        largest = kinds[np.argmax(baseline[:, kinds], axis=1)]
        small = baseline[:, kinds] < SMALLEST_SERVICE
        small &= kinds[None, :] != largest[:, None]
        baseline[councils, largest] += (baseline[:, kinds] * small).sum(axis=1)
        exists[:, kinds] = ~small
    return exists


def _mix(council: KeyArray, key: KeyArray, segment: IntArray, draws: Draws) -> FloatArray:
    """Return each service's cost over technology spend (councils x kinds).

    Councils differ in their mix; what technology costs them in all is given, what other services
    cost is not.
    """
    table = segment_table()
    size = np.exp(SERVICE_SPREAD * draws.normal("size of service", key))
    total = np.stack([size[:, segment == one].sum(axis=1) for one in segment], axis=1)
    leaning = draws.normal("mix", council[:, None], segment[None, :])
    weight = np.exp(MIX_SPREAD * leaning - MIX_SPREAD**2 / 2.0) * table.spend_share[segment]
    share = weight * size / total
    technology = segment < FUNCTIONAL
    given = table.spend_share[:FUNCTIONAL].sum() / share[:, technology].sum(axis=1)
    mix: FloatArray = np.where(technology, share * given[:, None], share)
    return mix


def set_reserves(councils: Councils, services: Services, assumptions: Assumptions) -> None:
    """Give councils the reserves and credit that the cost of their services warrants."""
    cost = np.bincount(services.council, weights=services.baseline, minlength=len(councils))
    councils.reserve_target[:] = np.rint(assumptions.reserves * cost * PENCE).astype(np.int64)
    councils.credit[:] = np.rint(assumptions.credit * cost * PENCE).astype(np.int64)


def _wants_strategic(councils: Councils, draws: Draws) -> BoolArray:
    district = councils.type == COUNCIL_TYPES.index("district")
    share = np.where(district, STRATEGIC_SHARE_DISTRICT, STRATEGIC_SHARE)
    return draws.happens("strategic service", share, councils.key)


def _service_rows(
    key: KeyArray, segment: IntArray, baseline: FloatArray, exists: BoolArray
) -> Services:
    council, kind = np.nonzero(exists)
    services = Services(len(council))
    services.key[:] = key[council, kind]
    services.council[:] = council
    services.kind[:] = kind
    services.segment[:] = segment[kind]
    services.baseline[:] = baseline[council, kind]
    return services


def founders(register: Register, assumptions: Assumptions) -> tuple[int, int]:
    """Return how many large suppliers and SMEs there are at the start, by size of the register."""
    weight = spend_weight(register, assumptions.size_exponent).sum()
    share = float(weight) / england_weight(assumptions.size_exponent)
    large = round(assumptions.large_suppliers * min(share, 4.0) ** 0.5)
    smes = round(assumptions.smes * share)
    least_large, least_smes = min(4, assumptions.large_suppliers), min(12, assumptions.smes)
    return max(large, least_large), max(smes, least_smes)


def founder_keys(large: int, smes: int) -> KeyArray:
    """Return the keys of suppliers at the start: their size and ordinal."""
    return np.concatenate(
        [combine(name_key("large"), np.arange(large)), combine(name_key("sme"), np.arange(smes))]
    )


def add_suppliers(
    suppliers: Suppliers, key: KeyArray, large: BoolArray, assumptions: Assumptions, draws: Draws
) -> IntArray:
    """Append suppliers with ``key``, drawing what they are like, and return their rows."""
    rows = suppliers.extend(len(key))
    suppliers.key[rows] = key
    suppliers.large[rows] = large
    _draw_firms(suppliers, rows, assumptions, draws)
    _draw_means(suppliers, rows, assumptions, draws)
    return rows


def _draw_firms(
    suppliers: Suppliers, rows: IntArray, assumptions: Assumptions, draws: Draws
) -> None:
    key, large = suppliers.key[rows], suppliers.large[rows]
    spread = np.where(large, assumptions.efficiency_spread_large, assumptions.efficiency_spread_sme)
    efficiency = assumptions.efficiency + spread * draws.normal("efficiency", key)
    suppliers.efficiency[rows] = np.clip(efficiency, 0.6, 1.5)
    quality = 1.0 + 0.05 * draws.normal("quality", key)
    suppliers.quality[rows] = np.clip(quality, 0.8, 1.2)
    suppliers.capability[rows] = _capability(key, large, draws)
    table = segment_table()
    suppliers.rivals[rows] = np.where(table.complex, 2.6, 5.0)


def _capability(key: KeyArray, large: BoolArray, draws: Draws) -> FloatArray:
    """Return capability by segment: each firm works at least in the one that it drew best."""
    table = segment_table()
    share = np.where(large[:, None], table.large_capable, table.sme_capable)
    drawn = draws.uniform("capable", key[:, None], np.arange(len(SEGMENTS))[None, :])
    best = np.argmin(np.where(share > 0, drawn / np.maximum(share, 1e-9), np.inf), axis=1)
    able = drawn < share
    able[np.arange(len(key)), best] = True
    level = 0.7 + 0.3 * draws.uniform("capability", key[:, None], np.arange(len(SEGMENTS))[None, :])
    return np.where(able, level, 0.0)


def _draw_means(
    suppliers: Suppliers, rows: IntArray, assumptions: Assumptions, draws: Draws
) -> None:
    key, large = suppliers.key[rows], suppliers.large[rows]
    capital = np.where(large, assumptions.capital_large, assumptions.capital_sme)
    capital = capital * np.exp(np.where(large, 0.8, 0.9) * draws.normal("capital", key))
    suppliers.capital_target[rows] = np.rint(capital * PENCE).astype(np.int64)
    outside = np.where(large, assumptions.outside_large, assumptions.outside_sme)
    outside = outside * np.exp(np.where(large, 0.8, 1.0) * draws.normal("turnover outside", key))
    suppliers.outside_turnover[rows] = outside
    capacity = np.where(large, assumptions.capacity_large, assumptions.capacity_sme)
    suppliers.capacity[rows] = capacity * np.exp(0.5 * draws.normal("capacity", key))
    suppliers.pre_sales[rows] = 4.0 * assumptions.pre_sales_fixed


def home_councils(councils: Councils, key: KeyArray, draws: Draws) -> IntArray:
    """Return the council near which each SME is based, drawn by population."""
    share = np.cumsum(councils.population)
    place = np.searchsorted(share, draws.uniform("home", key) * share[-1])
    home: IntArray = np.minimum(place, len(councils) - 1)
    return home


def coverage(register: Register, home: IntArray, large: BoolArray, reach: int) -> BoolArray:
    """Return which suppliers serve which councils (councils x suppliers).

    Large suppliers serve all, an SME the ``reach`` councils nearest its home.
    """
    nearest = geography(register).nearest(reach)
    covers = np.zeros((len(register), len(home)), dtype=bool)
    covers[nearest[home], np.arange(len(home))[:, None]] = True
    covers[:, large] = True
    return covers


def supplier_name(key: np.uint64, taken: set[str]) -> str:
    """Return an invented name for ``key`` that is not yet ``taken``, and note it there."""
    number = int(key)
    stem = _FIRST[number % 20] + _SECOND[number // 20 % 16]
    name = f"{stem} {_LAST[number // 320 % 8]}"
    ordinal = 2
    while name in taken:
        name = f"{stem} {_LAST[number // 320 % 8]} {ordinal}"
        ordinal += 1
    taken.add(name)
    return name
