"""Phase 2, needs: contracts that end, and in-house services under pressure to save."""

from typing import TYPE_CHECKING

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from agents.compiled import compiled, on_numbers
from agents.council import market_chance, pressure
from agents.partnership import Stage
from simulation.randomness import extended, uniform_at
from simulation.segments import segment_table, tender_quarters

if TYPE_CHECKING:
    from simulation.model import MarketModel


def arise(model: "MarketModel") -> IntArray:
    """Return the rows of services whose need comes up this quarter, and count the occasion."""
    needs = rows_where(_ended(model) | _postponed(model) | _pressed(model))
    model.services.ordinal[needs] += 1
    return needs


def council_pressure(model: "MarketModel") -> FloatArray:
    """Return each council's pressure to save, 0-1."""
    target, gap = model.levers.efficiency_target, model.assumptions.pressure_gap
    return pressure(target, model.quarter, model.councils.saving_rate, gap)


def _ended(model: "MarketModel") -> BoolArray:
    """Return the services whose contract ends; groups that perform look after their own."""
    services, contracts = model.services, model.contracts
    outside = rows_where((services.contract != NONE) & (services.partnership == NONE))
    due = outside[contracts.end[services.contract[outside]] <= model.quarter]
    ends = np.zeros(len(services), dtype=bool)
    ends[due] = ~of_performing_group(model, services.contract[due])
    return ends


def of_performing_group(model: "MarketModel", contract: IntArray) -> BoolArray:
    """Return which of the contracts are the present joint contract of a group that performs."""
    group = model.contracts.partnership[contract]
    named = rows_where(group != NONE)
    group = group[named]
    performs = model.partnerships.stage[group] == Stage.PERFORMING
    result = np.zeros(len(contract), dtype=bool)
    result[named] = performs & (model.partnerships.contract[group] == contract[named])
    return result


def _postponed(model: "MarketModel") -> BoolArray:
    services = model.services
    due: BoolArray = services.retry == model.quarter
    services.retry[due] = NONE
    due &= (services.contract == NONE) & (services.partnership == NONE)
    return due


def _pressed(model: "MarketModel") -> BoolArray:
    services, councils = model.services, model.councils
    pressing = _drawn(
        services.key, services.segment, services.council,
        (services.retry == NONE) & (services.partnership == NONE) & (services.contract == NONE),
        _wave(model) * segment_table().market_hazard, council_pressure(model), councils.appetite,
        councils.champion, model.draws.root("need"), np.uint64(model.quarter),
    )  # fmt: skip
    return _prepared(model, pressing)


_market_chance = on_numbers(market_chance)


@compiled
def _drawn(
    key: KeyArray, segment: IntArray, council: IntArray, settled: BoolArray, hazard: FloatArray,
    pressed: FloatArray, appetite: FloatArray, champion: BoolArray, root: np.uint64,
    quarter: np.uint64,
) -> BoolArray:  # fmt: skip
    """Return which services are put to the market: of those ``settled`` in house, as luck has it.

    ``hazard`` is by segment; ``pressed``, ``appetite`` and ``champion`` are councils'.
    """
    pressing = np.zeros(len(key), dtype=np.bool_)
    for service in range(len(key)):
        if settled[service]:
            of = council[service]
            chance = _market_chance(
                hazard[segment[service]], pressed[of], appetite[of], champion[of]
            )
            pressing[service] = uniform_at(extended(extended(root, key[service]), quarter)) < chance
    return pressing


def _prepared(model: "MarketModel", pressing: BoolArray) -> BoolArray:
    """Return which of the ``pressing`` can go to the market now; the others begin to prepare."""
    quarters = tender_quarters(model.services.segment)
    preparing = pressing & (quarters > 0)
    model.services.retry[preparing] = model.quarter + quarters[preparing]
    return pressing & ~preparing


def _wave(model: "MarketModel") -> float:
    """Return the factor on what comes to the market: a wave of deals while one lasts (D0 ¶36)."""
    assumptions = model.assumptions
    since = model.quarter - assumptions.wave_start
    return assumptions.wave if 0 <= since < assumptions.wave_quarters else 1.0
