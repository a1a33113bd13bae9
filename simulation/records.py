"""Records: tables for compiled loops, each row one record of plain numbers.

A kind of record is declared as a class with annotated attributes; a loop reads them from a row by
name. A row weighs nothing to hand to a function, unlike a tuple of many arrays.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import numpy as np

from agents.compiled import COMPILES

Three = tuple[float, float, float]
"""One number for each category of risk."""

_KINDS: dict[object, Any] = {
    float: np.float64, int: np.int64, bool: np.bool_, np.uint64: np.uint64, Three: (np.float64, 3),
}  # fmt: skip


@cache
def _layout(kind: type) -> np.dtype[np.void]:
    fields = [(name, *_as_field(_KINDS[one])) for name, one in kind.__annotations__.items()]
    return np.dtype(fields, align=True)


def _as_field(kind: Any) -> tuple[Any, ...]:
    return kind if isinstance(kind, tuple) else (kind,)


def empty_records[T](kind: type[T], *shape: int) -> Sequence[T]:
    """Return a table of records of ``kind`` to be filled."""
    table: Any = np.empty(shape, dtype=_layout(cast(Any, kind)))
    return cast(Sequence[T], table if COMPILES else table.view(np.recarray))


def records[T](kind: type[T], **columns: Any) -> Sequence[T]:
    """Return a table of records of ``kind``, each of its attributes filled from a column."""
    first = next(iter(columns.values()))
    table: Any = empty_records(kind, len(first))
    for name in kind.__annotations__:
        table[name] = columns[name]
    return cast(Sequence[T], table)
