"""Phase 2, needs: contracts that end, in-house services under pressure, and what is foreseen."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.columns import NONE, BoolArray, FloatArray, IntArray, KeyArray, rows_where
from agents.compiled import compiled, on_numbers
from agents.council import market_chance, pressure
from agents.partnership import Stage
from simulation.randomness import extended, uniform_at
from simulation.segments import procedure_table, segment_table

if TYPE_CHECKING:
    from simulation.model import MarketModel

PERFORMING = int(Stage.PERFORMING)


class Arisen(NamedTuple):
    """Rows of services.

    Attributes:
        due: their need comes up this quarter.
        foreseen: their council decides now, once an occasion, whether to look for partners.
    """

    due: IntArray
    foreseen: IntArray


def arise(model: "MarketModel") -> Arisen:
    """Return the services whose need comes up or is foreseen, and count the occasion."""
    services, contracts, table = model.services, model.contracts, segment_table()
    return _arisen(
        Occasions(services.key, services.segment, services.council, services.contract,
                  services.partnership, services.retry, services.ordinal, services.came_up,
                  services.considered),
        Joint(contracts.end, contracts.partnership, model.partnerships.stage,
              model.partnerships.contract),
        Will(_wave(model) * table.market_hazard, procedure_table().quarters[table.procedure],
             council_pressure(model), model.councils.appetite, model.councils.champion),
        model.draws.root("need"), model.quarter, model.quarter + model.assumptions.search_ahead,
    )  # fmt: skip


def council_pressure(model: "MarketModel") -> FloatArray:
    """Return each council's pressure to save, 0-1."""
    target = model.levers.efficiency_target + _squeeze(model)
    rate, gap = model.councils.saving_rate, model.assumptions.pressure_gap
    return pressure(target, model.quarter, rate, gap)


def _squeeze(model: "MarketModel") -> float:
    """Return the saving asked on top this quarter, % a year, while spending is squeezed."""
    assumptions = model.assumptions
    since = model.quarter - assumptions.squeeze_start
    return assumptions.squeeze if 0 <= since < assumptions.squeeze_quarters else 0.0


def must_aggregate(model: "MarketModel", services: IntArray) -> BoolArray:
    """Return which of ``services`` are worth less than the threshold under which all aggregate."""
    value = model.services.baseline[services] * model.index
    return value < model.levers.aggregation_threshold


def mandate(model: "MarketModel", services: IntArray) -> FloatArray:
    """Return how far ``services`` are obliged to aggregate, 0-1; 0 from the threshold on."""
    return np.where(must_aggregate(model, services), model.levers.aggregation_mandate, 0.0)


def of_performing_group(model: "MarketModel", contract: IntArray) -> BoolArray:
    """Return which of the contracts are the present joint contract of a group that performs."""
    group = model.contracts.partnership[contract]
    named = rows_where(group != NONE)
    group = group[named]
    performs = model.partnerships.stage[group] == Stage.PERFORMING
    result = np.zeros(len(contract), dtype=bool)
    result[named] = performs & (model.partnerships.contract[group] == contract[named])
    return result


class Occasions(NamedTuple):
    """Columns of services that tell whether their need comes up; the last four change."""

    key: KeyArray
    segment: IntArray
    council: IntArray
    contract: IntArray
    partnership: IntArray
    retry: IntArray
    ordinal: IntArray
    came_up: IntArray
    considered: IntArray


class Joint(NamedTuple):
    """When contracts end and which group signed them, by contract; groups' stage and contract."""

    end: IntArray
    group: IntArray
    stage: IntArray
    contract: IntArray


class Will(NamedTuple):
    """What puts in-house services to the market.

    Attributes:
        hazard: chance a quarter, by segment.
        quarters: how long the usual procedure takes, by segment.
        pressure: to save, by council.
        appetite: for buying from the market, by council.
        champion: a champion of change is in post, by council.
    """

    hazard: FloatArray
    quarters: IntArray
    pressure: FloatArray
    appetite: FloatArray
    champion: BoolArray


_market_chance = on_numbers(market_chance)


@compiled
def _arisen(
    services: Occasions, contracts: Joint, will: Will, root: np.uint64, quarter: int, ahead: float
) -> Arisen:
    """Return the services whose need comes up, and those whose need is seen to come ``ahead``.

    Contracts end, needs were postponed until now, and services in house are under pressure: those
    whose tender takes time begin to prepare it. Groups that perform look after their own.
    """
    rows, count = np.empty((2, len(services.key)), dtype=np.int64), np.zeros(2, dtype=np.int64)
    for service in range(len(services.key)):
        due = services.retry[service] == quarter
        if due:
            services.retry[service] = NONE
        if services.partnership[service] != NONE:
            continue
        held, segment = services.contract[service], services.segment[service]
        if held != NONE:
            group, due = contracts.group[held], contracts.end[held] <= quarter
            performs = group != NONE and contracts.stage[group] == PERFORMING
            if performs and contracts.contract[group] == held:
                continue
        elif services.retry[service] == NONE:
            of = services.council[service]
            chance = _market_chance(
                will.hazard[segment], will.pressure[of], will.appetite[of], will.champion[of]
            )
            drawn = uniform_at(extended(extended(root, services.key[service]), np.uint64(quarter)))
            if drawn < chance and will.quarters[segment] > 0:
                services.retry[service] = quarter + will.quarters[segment]
            elif drawn < chance:
                due = True
        if due:
            services.ordinal[service] += 1
            services.came_up[service] = quarter
            rows[0, count[0]] = service
            count[0] += 1
        occasion = services.ordinal[service] + (not due)
        date = services.retry[service] if held == NONE else contracts.end[held]
        if (due or NONE != date <= ahead) and services.considered[service] < occasion:
            services.considered[service] = occasion
            rows[1, count[1]] = service
            count[1] += 1
    return Arisen(rows[0, : count[0]], rows[1, : count[1]])


def _wave(model: "MarketModel") -> float:
    """Return the factor on what comes to the market: a wave of deals while one lasts (D0 ¶36)."""
    assumptions = model.assumptions
    since = model.quarter - assumptions.wave_start
    return assumptions.wave if 0 <= since < assumptions.wave_quarters else 1.0
