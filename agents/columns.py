"""Columns: the state of many agents of one kind, as growable numpy arrays declared once."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
KeyArray = NDArray[np.uint64]
BoolArray = NDArray[np.bool_]

NONE = -1
"""Row number that means "no such row"."""


def rows_where(holds: BoolArray) -> IntArray:
    """Return the rows for which ``holds``, ascending (a quick `numpy.flatnonzero`)."""
    return holds.nonzero()[0]


def marked(rows: IntArray, size: int) -> BoolArray:
    """Return which of ``size`` rows are among ``rows``; one entry more, False, answers for NONE."""
    found = np.zeros(size + 1, dtype=np.bool_)
    found[rows] = True
    found[size] = False
    return found


@dataclass(frozen=True)
class Column:
    """Declaration of one column: dtype, unit, meaning, initial value and width of a row."""

    dtype: DTypeLike
    unit: str
    meaning: str
    initial: float
    width: tuple[int, ...]

    def empty(self, rows: int) -> NDArray[Any]:
        """Return ``rows`` fresh rows at the initial value; zeros take no memory until written."""
        shape = (rows, *self.width)
        if not self.initial:
            return np.zeros(shape, dtype=self.dtype)
        return np.full(shape, self.initial, dtype=self.dtype)


def number(unit: str, meaning: str, *, initial: float = 0.0, width: tuple[int, ...] = ()) -> Any:
    """Declare a column of float64."""
    return Column(np.float64, unit, meaning, initial, width)


def whole(unit: str, meaning: str, *, initial: int = 0, width: tuple[int, ...] = ()) -> Any:
    """Declare a column of int64."""
    return Column(np.int64, unit, meaning, initial, width)


def flag(meaning: str, *, initial: bool = False, width: tuple[int, ...] = ()) -> Any:
    """Declare a column of booleans."""
    return Column(np.bool_, "yes or no", meaning, initial, width)


def identity(meaning: str) -> Any:
    """Declare a column of stable keys (uint64), from which draws are made."""
    return Column(np.uint64, "key", meaning, 0, ())


class Table:
    """Rows of declared columns; each column is an attribute, an array of as many rows.

    Growing keeps spare room, so that adding rows is cheap. An attribute is a view that `extend`
    replaces, hence never keep one across a call of it.
    """

    columns: ClassVar[dict[str, Column]] = {}

    def __init_subclass__(cls) -> None:
        """Collect the declared columns."""
        cls.columns = {k: v for k, v in vars(cls).items() if isinstance(v, Column)}

    def __init__(self, rows: int = 0) -> None:
        """Make ``rows`` rows at their initial values."""
        self._rows = self._room = rows
        self._store = {name: column.empty(rows) for name, column in self.columns.items()}
        self._expose()

    def __len__(self) -> int:
        return self._rows

    def extend(self, count: int) -> IntArray:
        """Add ``count`` rows at their initial values and return their row numbers."""
        first, self._rows = self._rows, self._rows + count
        if self._rows > self._room:
            self._grow(max(self._rows, 2 * self._room))
        if count:
            self._expose()
        return np.arange(first, self._rows)

    def _grow(self, room: int) -> None:
        for name, column in self.columns.items():
            grown = column.empty(room)
            grown[: self._room] = self._store[name]
            self._store[name] = grown
        self._room = room

    def _expose(self) -> None:
        rows = self._rows
        vars(self).update({name: held[:rows] for name, held in self._store.items()})
