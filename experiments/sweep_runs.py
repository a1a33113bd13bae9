"""What a sweep keeps of one run: its outcomes over the horizon and in every quarter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from experiments.executors import Lost
from experiments.runs import Failure, Setting, taken_of
from results.sweep_files import QUARTERS_SCHEMA, RUNS_SCHEMA, Tables, table_of
from simulation.horizon import over_horizon
from simulation.measures import MEASURES
from simulation.outcomes import OUTCOMES

if TYPE_CHECKING:
    from experiments.designs import SweepRun
    from simulation.model import MarketModel

type Values = NDArray[np.float32]


@dataclass(frozen=True)
class Told:
    """What became of a run.

    Attributes:
        point, policy, sample, replication, seed: which run it is.
        horizon: its outcomes over the horizon, in their order; None if it failed.
        quarters: the same in every quarter, of shape (quarters, outcomes); None if it failed.
        stage: where it failed; empty if it did not.
        error: why it failed.
    """

    point: int
    policy: str
    sample: int
    replication: int
    seed: int
    horizon: Values | None = None
    quarters: Values | None = None
    stage: str = ""
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether it did not end well."""
        return bool(self.stage)


def tell(shared: Setting, run: SweepRun) -> Told:
    """Make one run and return what a sweep keeps of it; what goes wrong is returned, not raised."""
    taken = taken_of(shared, run, _outcomes, "outcomes")
    if isinstance(taken, Failure):
        return _told(run, stage=taken.stage, error=taken.error)
    return _told(run, **taken)


def settled(result: Told | Lost[SweepRun]) -> Told:
    """Return what became of a run, a lost worker's included."""
    if isinstance(result, Lost):
        return _told(result.task, stage="worker", error=result.error)
    return result


def _told(run: SweepRun, **fate: Any) -> Told:
    return Told(run.point, run.policy.name, run.sample, run.replication, run.seed, **fate)


def _outcomes(model: MarketModel) -> dict[str, Values]:
    measured = model.measures[list(MEASURES)].astype("float64")
    measures = {name: measured[name].to_numpy() for name in MEASURES}
    horizon = [over_horizon(outcome.rule, measures) for outcome in OUTCOMES.values()]
    quarters = model.outcomes[list(OUTCOMES)].astype("float64").to_numpy()
    return {"horizon": np.array(horizon, np.float32), "quarters": quarters.astype(np.float32)}


# As tables


def tables(told: Mapping[int, Told]) -> Tables:
    """Return what became of runs, by their number, as rows in the order of the numbers."""
    ordered = dict(sorted(told.items()))
    well = {number: one for number, one in ordered.items() if one.quarters is not None}
    return Tables(_runs(ordered), _quarters(well))


def _runs(told: Mapping[int, Told]) -> Any:
    fate: dict[str, Any] = {
        "seed": [one.seed for one in told.values()],
        "stage": [one.stage or None for one in told.values()],
        "error": [one.error or None for one in told.values()],
    }
    nothing = np.full(len(OUTCOMES), np.nan, np.float32)
    values = [nothing if one.horizon is None else one.horizon for one in told.values()]
    return table_of({**_keys(told, 1), **fate, **_columns(values)}, RUNS_SCHEMA)


def _quarters(told: Mapping[int, Told]) -> Any:
    values = [one.quarters for one in told.values() if one.quarters is not None]
    length = len(values[0]) if values else 0
    quarter = {"quarter": list(range(1, length + 1)) * len(values)}
    return table_of({**_keys(told, length), **quarter, **_columns(values)}, QUARTERS_SCHEMA)


def _keys(told: Mapping[int, Told], rows: int) -> dict[str, list[Any]]:
    """Return the columns that say which run a row is of, ``rows`` a run."""
    keys = [
        (number, one.point, one.policy, one.sample, one.replication) for number, one in told.items()
    ]
    names = ("run", "point", "policy", "sample", "replication")
    return {
        name: list(chain.from_iterable([key[place]] * rows for key in keys))
        for place, name in enumerate(names)
    }


def _columns(values: Sequence[Values]) -> dict[str, Any]:
    stacked = np.vstack(values) if values else np.empty((0, len(OUTCOMES)), np.float32)
    return {name: stacked[:, place] for place, name in enumerate(OUTCOMES)}


class Chosen[T](Sequence[T]):
    """Some items of a sequence, by their numbers; each is taken only when it is asked for."""

    def __init__(self, items: Sequence[T], numbers: NDArray[np.int64]) -> None:
        self.items = items
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        """Return one item, or those of a slice."""
        if isinstance(place, slice):
            return [self.items[int(number)] for number in self.numbers[place]]
        return self.items[int(self.numbers[place])]

    def __iter__(self) -> Iterator[T]:
        return (self.items[int(number)] for number in self.numbers)
