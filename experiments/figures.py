"""Figures: single numbers read off a run, declared in a file and never programmed there.

A figure is a declared outcome over a window of quarters, or a statistic of an event table: of the
rows that meet its conditions a count, a sum, a mean, a ratio of sums or a share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation.errors import InputError, did_you_mean
from simulation.horizon import over_horizon
from simulation.measures import MEASURES
from simulation.outcomes import OUTCOMES

if TYPE_CHECKING:
    from simulation.model import MarketModel

type FloatArray = NDArray[np.float64]
type BoolArray = NDArray[np.bool_]
type Reading = Mapping[tuple[Any, ...], tuple[float, float]]
"""Numerator and denominator of a figure, one pair a likeness; a single pair where it has none."""

MEASURES_TABLE = "measures"
YES_NO, TEXT, NUMBERS = "yes or no", "text", "numbers"
FEW = 20
"""Most values that an error lists."""
QUANTITIES = ("count", "sum", "mean", "ratio", "share", "last")
LAST_QUARTER = 200


@dataclass(frozen=True)
class Condition:
    """What a row must have in one column.

    Attributes:
        column: name of the column.
        among: values of which it has one; any where empty.
        apart: values that it does not have.
        least, most: bounds that belong to the range.
        above, below: bounds that do not.
        known: whether it has a value at all.
    """

    column: str
    among: tuple[object, ...] = ()
    apart: tuple[object, ...] = ()
    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    known: bool | None = None

    def holds(self, column: pd.Series[Any]) -> BoolArray:
        """Return which entries meet the condition.

        Raises:
            InputError: the column holds another sort of value than it is compared with.
        """
        met = np.ones(len(column), dtype=bool)
        if self.among:
            met &= self._one_of(column, self.among)
        if self.apart:
            met &= ~self._one_of(column, self.apart)
        if self._bounded:
            met &= self._within(column)
        if self.known is not None:
            met &= column.notna().to_numpy(dtype=bool) == self.known
        return met

    @property
    def _bounded(self) -> bool:
        bounds = (self.least, self.most, self.above, self.below)
        return any(map(math.isfinite, bounds))

    def _one_of(self, column: pd.Series[Any], values: tuple[object, ...]) -> BoolArray:
        for value in values:
            if _sort(value) != _sort_of(column):
                raise self._mismatch(column, f"compared with {value!r}")
            _check_category(self.column, column, value)
        found = column.isin(list(values))
        return found.fillna(False).to_numpy(dtype=bool)

    def _within(self, column: pd.Series[Any]) -> BoolArray:
        if _sort_of(column) != NUMBERS:
            raise self._mismatch(column, "given a range")
        values = column.to_numpy(dtype=float)
        inside: BoolArray = (values >= self.least) & (values <= self.most)
        inside &= (values > self.above) & (values < self.below)
        return inside

    def _mismatch(self, column: pd.Series[Any], done: str) -> InputError:
        return InputError(f"{self.column}: holds {_sort_of(column)}, but is {done}")


def _sort(value: object) -> str:
    return YES_NO if isinstance(value, bool) else TEXT if isinstance(value, str) else NUMBERS


def _sort_of(column: pd.Series[Any]) -> str:
    if pd.api.types.is_bool_dtype(column.dtype):
        return YES_NO
    return NUMBERS if pd.api.types.is_numeric_dtype(column.dtype) else TEXT


def _check_category(name: str, column: pd.Series[Any], value: object) -> None:
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return
    known = list(map(str, column.dtype.categories))
    if value not in known:
        hint = did_you_mean(str(value), known)
        allowed = f"must be one of {', '.join(known)}" if len(known) <= FEW else "is not there"
        raise InputError(f"{name} = {value!r}: {allowed}{hint}")


@dataclass(frozen=True)
class Figure:
    """One number of a run.

    Attributes:
        name: what directions call it.
        title: name for people.
        unit: unit of its value.
        scale: factor on the ratio of its parts.
        outcome: declared outcome, or empty where it is of a table.
        quarters: first and last quarter that count for an outcome.
        table: event table, or the quarterly measures.
        where: conditions on rows.
        quantity: what is made of the rows.
        columns: columns that are added up above and below the line, each a product.
        shared: conditions on the rows whose share is asked.
        weight: column by which rows are weighted, or empty.
        like: columns by which rows of two runs are matched; only what both have is compared.
    """

    name: str
    title: str
    unit: str
    scale: float = 1.0
    outcome: str = ""
    quarters: tuple[int, int] = (1, LAST_QUARTER)
    table: str = ""
    where: tuple[Condition, ...] = ()
    quantity: str = ""
    columns: tuple[tuple[str, ...], ...] = ()
    shared: tuple[Condition, ...] = ()
    weight: str = ""
    like: tuple[str, ...] = ()

    def read(self, model: MarketModel) -> Reading:
        """Return numerator and denominator of the figure in the run of ``model``.

        Raises:
            InputError: a column is compared with a value of another sort.
        """
        try:
            return self._of_outcome(model) if self.outcome else self._of_table(model)
        except InputError as error:
            raise InputError(f"figures.{self.name}: {error}") from None

    def _of_outcome(self, model: MarketModel) -> Reading:
        first, last = self.quarters
        window = model.measures.loc[first:last]
        measures = {name: window[name].to_numpy() for name in MEASURES}
        return {(): (float(over_horizon(OUTCOMES[self.outcome].rule, measures)), 1.0)}

    def _of_table(self, model: MarketModel) -> Reading:
        frame = _Frame(model, self.table)
        rows = np.flatnonzero(frame.meets(self.where))
        above, below = (part[rows] for part in self._parts(frame))
        if self.quantity == "last":
            above, below = above[-1:], below[-1:]
        if not self.like:
            return {(): (math.fsum(above), math.fsum(below) if self._divides else 1.0)}
        keys = zip(*(frame.column(name).iloc[rows] for name in self.like), strict=True)
        matched: dict[tuple[Any, ...], tuple[float, float]] = {}
        for key, one, other in zip(keys, above.tolist(), below.tolist(), strict=True):
            matched.setdefault(key, (one, other))
        return matched

    @property
    def _divides(self) -> bool:
        return self.quantity in ("mean", "ratio", "share")

    def _parts(self, frame: _Frame) -> tuple[FloatArray, FloatArray]:
        """Return what each row adds above and below the line."""
        weight = frame.product((self.weight,) if self.weight else ())
        if self.quantity == "share":
            return weight * frame.meets(self.shared), weight
        above, *below = (frame.product(columns) for columns in self.columns or ((),))
        return weight * above, weight * below[0] if below else weight


def value_of(figure: Figure, reading: Reading, shared: Sequence[tuple[Any, ...]]) -> float:
    """Return the value of ``figure`` over the likenesses ``shared``; NaN where there is none."""
    above = math.fsum(reading[key][0] for key in shared)
    below = math.fsum(reading[key][1] for key in shared)
    if figure.like and not figure._divides:
        below = 1.0
    return figure.scale * above / below if below else math.nan


class _Frame:
    """One table of a run: an event table, or the measures by quarter."""

    def __init__(self, model: MarketModel, table: str) -> None:
        measures = table == MEASURES_TABLE
        self._frame = model.measures.reset_index() if measures else model.tables[table]

    def column(self, name: str) -> pd.Series[Any]:
        """Return a column."""
        return self._frame[name]

    def meets(self, conditions: Sequence[Condition]) -> BoolArray:
        """Return which rows meet every one of ``conditions``."""
        met = np.ones(len(self._frame), dtype=bool)
        for condition in conditions:
            met &= condition.holds(self.column(condition.column))
        return met

    def product(self, columns: Sequence[str]) -> FloatArray:
        """Return the product of ``columns``, row by row; 1 where there are none."""
        made = np.ones(len(self._frame))
        for name in columns:
            column = self.column(name)
            if _sort_of(column) == TEXT:
                raise InputError(f"{name}: holds text, but is added up")
            made = made * column.to_numpy(dtype=float, na_value=math.nan)
        return made
