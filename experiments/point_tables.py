"""Points of the user's own: a CSV or Parquet file, or columns of values, with a column a factor."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from experiments.factors import Factor, Kind, declared, fits, value_of
from simulation.errors import InputError, shown
from simulation.parameters import Parameter, Scalar, parse_scalar, plain

POINT = "point"
"""The column that numbers the points."""
MOST_TABLE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class Table:
    """Points of the user's own: one column a factor, in order of their names, all of one length."""

    columns: Mapping[str, tuple[Scalar, ...]] = field(repr=False)

    @cached_property
    def raw(self) -> bytes:
        """The table as CSV; equal tables give equal bytes, wherever they came from."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        rows = zip(*self.columns.values(), strict=True)
        writer.writerows(["none" if cell is None else cell for cell in row] for row in rows)
        return text.getvalue().encode()

    @property
    def digest(self) -> str:
        """SHA-256 of `raw`."""
        return hashlib.sha256(self.raw).hexdigest()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def factors(self, only: Mapping[str, tuple[str, ...]]) -> tuple[Factor, ...]:
        """Return its columns as factors, which range from the least value to the greatest."""
        return tuple(self._factor(name, only.get(name, ())) for name in self.columns)

    def _factor(self, name: str, only: tuple[str, ...]) -> Factor:
        of, _ = declared(name, "table")
        values = tuple(dict.fromkeys(self.columns[name]))
        numbers = [value for value in values if isinstance(value, int | float)]
        if len(numbers) == len(values):
            return Factor(name, of, min(numbers), max(numbers), only=only)
        return Factor(name, of, values=tuple(sorted(values, key=str)), only=only)


@dataclass(frozen=True)
class _Cells:
    """A table as it was read: names of columns, and what stands in them."""

    where: str
    names: Sequence[str]
    columns: Sequence[Sequence[object]]
    unit: str = "row"
    first: int = 1
    typed: bool = False
    """Cells have types, so that one without a value is none rather than forgotten."""

    def at(self, row: int) -> str:
        """Return what errors call the place of a row."""
        return f"{self.where}, {self.unit} {row + self.first}"


def read_table(path: Path) -> Table:
    """Return the points in the CSV or Parquet file at ``path``.

    Columns are names of levers and assumptions; a column ``point`` numbers the points from 0.

    Raises:
        InputError: the file cannot be read, or a column or a cell is wrong.
    """
    read = _read_parquet if path.suffix.lower() in (".parquet", ".pq") else _read_csv
    return _table(read(path))


def table_of(columns: Mapping[str, Sequence[object]], where: str = "table") -> Table:
    """Return ``columns`` of values as a table.

    Raises:
        InputError: a column or a value is wrong, or columns differ in length.
    """
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        raise InputError(f"{where}: columns differ in length: {lengths}")
    return _table(_Cells(where, [*columns], [*columns.values()]))


def _table(cells: _Cells) -> Table:
    _check_header(cells)
    if not cells.columns or not len(cells.columns[0]):
        raise InputError(f"{cells.where}: no points in the table")
    by_name = dict(zip(cells.names, cells.columns, strict=True))
    order = _order(cells, by_name.pop(POINT, None))
    checked = {name: _checked(cells, name, by_name[name]) for name in sorted(by_name)}
    return Table({name: tuple(column[row] for row in order) for name, column in checked.items()})


def _check_header(cells: _Cells) -> None:
    for name in cells.names:
        if cells.names.count(name) > 1:
            raise InputError(f"{cells.where}: column {shown(name)} stands there twice")
        if name != POINT:
            declared(name, f"{cells.where}: columns")
    if set(cells.names) <= {POINT}:
        raise InputError(f"{cells.where}: no column names a lever or an assumption")


def _order(cells: _Cells, numbers: Sequence[object] | None) -> Sequence[int]:
    """Return the rows in the order of their points."""
    if numbers is None:
        return range(len(cells.columns[0]))
    try:
        rows = {plain(number): row for row, number in enumerate(numbers)}
        return [rows[point] for point in range(len(numbers))]
    except (KeyError, TypeError):
        raise InputError(
            f"{cells.where}: column point must number the points from 0 to {len(numbers) - 1}, "
            "each once; without it they are numbered in their order"
        ) from None


def _checked(cells: _Cells, name: str, column: Sequence[object]) -> list[Scalar]:
    of, parameter = declared(name, cells.where)
    return [_cell(cells, row, of, parameter, value) for row, value in enumerate(column)]


def _cell(cells: _Cells, row: int, of: Kind, parameter: Parameter, value: object) -> Scalar:
    if type(value) is float and not parameter.whole and fits(value, parameter):
        return value
    if value is _BLANK and parameter.optional and cells.typed:
        return None
    if value is _BLANK or value == "" or value != value:
        raise InputError(f"{cells.at(row)}: {parameter.name} is missing; every point needs a value")
    if isinstance(value, Decimal):
        value = float(value)
    return value_of(of, parameter, value, cells.at(row))


_BLANK = object()
"""A cell of a file in which nothing stands."""


def _read_csv(path: Path) -> _Cells:
    text = _text(path)
    try:
        header, *records = [*csv.reader(io.StringIO(text, newline=""), strict=True)] or [[]]
    except csv.Error as error:
        raise InputError(f"{path}: not CSV: {error}") from None
    names = [name.strip() for name in header]
    rows = [_row(path, number, each, names) for number, each in enumerate(records, 2) if each]
    return _Cells(str(path), names, _columns(rows, len(names)), "line", 2)


def _text(path: Path) -> str:
    _check_file(path)
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: the table cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; a table must be text") from None


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size if path.is_file() else None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: the table cannot be read: {error}") from None
    if size is None:
        kind = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: the table cannot be read: {kind}")
    if size > MOST_TABLE_BYTES:
        raise InputError(f"{path}: a table must be smaller than {MOST_TABLE_BYTES >> 20} MB")


def _row(path: Path, number: int, record: list[str], names: Sequence[str]) -> list[object]:
    if len(record) != len(names):
        raise InputError(
            f"{path}, line {number}: {len(record)} cells, the header has {len(names)} columns"
        )
    return [parse_scalar(cell.strip()) for cell in record]


def _columns(rows: Sequence[Sequence[object]], count: int) -> list[list[object]]:
    return [[row[place] for row in rows] for place in range(count)]


def _read_parquet(path: Path) -> _Cells:
    import pyarrow as pa
    from pyarrow import parquet

    _check_file(path)
    try:
        found = parquet.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: not a Parquet table: {_first_line(error)}") from None
    columns = [
        [_BLANK if value is None else value for value in column.to_pylist()]
        for column in found.columns
    ]
    return _Cells(str(path), found.column_names, columns, typed=True)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
