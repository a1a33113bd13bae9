"""What a design says of the things that vary: its factors, the method and its options, tables.

A factor is a lever or an assumption, and how far it varies. Names of levers and of assumptions
never meet, so a name alone says which of them is meant.
"""

import csv
import hashlib
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

from experiments.catalogue import canonical
from experiments.documents import Fields
from simulation.assumptions import Assumptions, assumptions_from
from simulation.errors import InputError, did_you_mean, shown
from simulation.levers import Levers
from simulation.parameters import Parameter, Scalar, build, parameters, parse_scalar, plain

type Kind = Literal["lever", "assumption"]
type FloatArray = NDArray[np.float64]
type Column = NDArray[Any]
type Option = int | bool

TABLE = "table"
FACTOR_KEYS = ("low", "high", "values", "levels", "only")
POINT = "point"
LONGEST_PATH = 1000
MOST_POINTS = 100_000_000
MOST_LEVELS = 1000
MOST_VALUES = 1000
MOST_TABLE_BYTES = 512 * 1024 * 1024

_DECLARING: Mapping[Kind, type[object]] = {"lever": Levers, "assumption": Assumptions}


@dataclass(frozen=True)
class Factor:
    """One lever or assumption that varies: over a range, or over a list of values.

    Attributes:
        name: of the lever or assumption.
        of: which of the two it is.
        low: least value, in the parameter's unit; None where ``values`` are listed.
        high: greatest value.
        values: what it may be, where it is not a range.
        levels: number of equal steps of its range in a grid; None for as many as the grid says.
        only: policies over which a lever is laid; empty for all of them.
    """

    name: str
    of: Kind
    low: float | None = None
    high: float | None = None
    values: tuple[Scalar, ...] = ()
    levels: int | None = None
    only: tuple[str, ...] = ()

    @property
    def parameter(self) -> Parameter:
        """The declaration of the lever or assumption."""
        return parameters(_DECLARING[self.of])[self.name]

    def covers(self, policy: str) -> bool:
        """Say whether the policy of that name takes the factor's values."""
        return not self.only or policy in self.only

    def column(self, places: FloatArray) -> Column:
        """Return the values at ``places`` along the factor, each from 0 to 1.

        Listed values have equal shares of the way; whole numbers are rounded to the nearest.
        """
        if self.values:
            step = np.floor(places * len(self.values)).astype(np.int64)
            return column_of(self.values)[np.minimum(step, len(self.values) - 1)]
        low, high = self.low or 0.0, self.high or 0.0
        numbers = np.clip(low + places * (high - low), low, high)
        return np.rint(numbers).astype(np.int64) if self.parameter.whole else numbers

    def grid(self, levels: int) -> FloatArray:
        """Return the places that a grid visits, the ends of a range included."""
        if self.values:
            return (np.arange(len(self.values)) + 0.5) / len(self.values)
        return np.linspace(0.0, 1.0, self.grid_levels(levels))

    def grid_levels(self, levels: int) -> int:
        """Return how many places a grid visits that takes ``levels`` of a range."""
        if self.values:
            return len(self.values)
        steps = self.levels or levels
        return min(steps, self._whole_numbers()) if self.parameter.whole else steps

    def _whole_numbers(self) -> int:
        return int((self.high or 0) - (self.low or 0)) + 1

    def effective(self) -> dict[str, Any]:
        """Return what a design says of it in full."""
        said: dict[str, Any] = (
            {"values": list(self.values)} if self.values else {"low": self.low, "high": self.high}
        )
        if self.levels is not None:
            said["levels"] = self.levels
        return {**said, "only": list(self.only)} if self.only else said


def column_of(values: Sequence[Scalar]) -> Column:
    """Return ``values`` as an array: of numbers where all are, else of objects."""
    kinds = {type(value) for value in values}
    if kinds <= {float}:
        return np.array(values, dtype=np.float64)
    return np.array(values, dtype=np.int64 if kinds <= {int} else object)


# --- factors -------------------------------------------------------------------------------------


def factors_from(vary: Mapping[str, Any], where: str) -> tuple[Factor, ...]:
    """Return the factors that ``vary`` describes, by name.

    Args:
        vary: for each lever or assumption a range ``[low, high]``, a mapping of ``FACTOR_KEYS``, or
            None for the range that its declaration gives.
        where: what errors call the place where it stands.

    Raises:
        InputError: a name, a range or a value is wrong.
    """
    return tuple(_factor(name, vary[name], where) for name in sorted(vary))


def declared(name: str, where: str) -> tuple[Kind, Parameter]:
    """Return whether ``name`` is a lever or an assumption, and its declaration.

    Raises:
        InputError: it is neither; or a lever whose mechanism is not built yet.
    """
    for kind, declaring in _DECLARING.items():
        if name in (known := parameters(declaring)):
            if known[name].planned:
                raise InputError(
                    f"{where}: lever {name} cannot vary: its mechanism is planned, not built"
                )
            return kind, known[name]
    names = (*parameters(Levers), *parameters(Assumptions))
    raise InputError(
        f"{where}: unknown lever or assumption {shown(name)}{did_you_mean(name, names)}"
    )


def _factor(name: str, said: object, where: str) -> Factor:
    of, parameter = declared(name, f"{where}: vary")
    fields = _factor_fields(name, said, where, parameter)
    listed = fields.given("values")
    low, high = (None, None) if listed or parameter.choices else _range(fields, parameter)
    values = _values(fields, of, parameter) if listed else parameter.choices
    levels = fields.whole("levels", 2, (2, MOST_LEVELS)) if fields.given("levels") else None
    return Factor(name, of, low, high, values, levels, _only(fields, of))


def _factor_fields(name: str, said: object, where: str, parameter: Parameter) -> Fields:
    """Return what is said of a factor as fields; a list alone is a range."""
    place = f"{where}: vary.{name}"
    if isinstance(said, list | tuple):
        said = _pair([*said], place, parameter)
    known = Fields.of(place, {} if said is None else said, "a factor", FACTOR_KEYS)
    _check_kind_of_range(known, parameter)
    plain_lists = {key: [*v] if isinstance(v, tuple) else v for key, v in known.values.items()}
    return Fields(where, plain_lists, f"vary.{name}.")


def _pair(said: list[object], place: str, parameter: Parameter) -> dict[str, object]:
    numbers = all(_is_number(value) for value in said)
    if parameter.choices:
        raise InputError(
            f"{place} = {shown(said)}: must be left empty, for all choices, or "
            f"{{values: [...]}} of some of {', '.join(map(str, parameter.choices))}"
        )
    if len(said) != 2 or not numbers:
        raise InputError(
            f"{place} = {shown(said)}: a list alone is a range, [low, high]; "
            f"write {{values: {shown(said)}}} for values"
        )
    return {"low": said[0], "high": said[1]}


def _check_kind_of_range(fields: Fields, parameter: Parameter) -> None:
    ends = fields.given("low") or fields.given("high") or fields.given("levels")
    if ends and (fields.given("values") or parameter.choices):
        other = parameter.allowed if parameter.choices else "values"
        raise InputError(f"{fields.where}: low, high and levels say a range; it has {other}")


def _range(fields: Fields, parameter: Parameter) -> tuple[float, float]:
    usual = parameter.sweep or (0.0, 1.0)
    low, high = (_end(fields, end, parameter, usual[end == "high"]) for end in ("low", "high"))
    if low >= high:
        raise InputError(
            f"{fields.where}: {fields.inside.rstrip('.')}: low = {low:g} must be less than "
            f"high = {high:g}"
        )
    return low, high


def _end(fields: Fields, end: str, parameter: Parameter, usual: float) -> float:
    value = fields.values.get(end)
    value = usual if value is None else value
    if not _fits(value, parameter):
        raise fields.refusal(end, parameter.allowed.removesuffix(", or none"))
    return value if parameter.whole else float(value)


def _values(fields: Fields, of: Kind, parameter: Parameter) -> tuple[Scalar, ...]:
    listed = fields.items("values")
    if not 2 <= len(listed) <= MOST_VALUES:
        raise fields.refusal("values", f"a list of 2 to {MOST_VALUES:,} values")
    where = f"{fields.where}: {fields.inside}values"
    values = tuple(value_of(of, parameter, value, where) for value in listed)
    if len(set(values)) < len(values):
        raise fields.refusal("values", "values of which none stands there twice")
    return values


def _only(fields: Fields, of: Kind) -> tuple[str, ...]:
    if not fields.given("only"):
        return ()
    if of == "assumption":
        raise fields.refusal("only", "left out: an assumption is the same for all policies")
    return tuple(str(name) for name in fields.items("only"))


def value_of(of: Kind, parameter: Parameter, value: object, where: str) -> Scalar:
    """Return ``value`` as the lever or assumption stores it.

    Raises:
        InputError: it is of another type, or out of bounds.
    """
    name, value = parameter.name, plain(value)
    if parameter.optional and value == "none":
        value = None
    if parameter.whole and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not (_fits(value, parameter) or (isinstance(value, str) and value in parameter.choices)):
        _refuse(of, {name: value}, where)
    stored: Scalar = canonical(_DECLARING[of], name, value)
    return stored


def _refuse(of: Kind, values: Mapping[str, object], where: str) -> None:
    """Raise what is wrong with ``values``, if anything is."""
    if of == "assumption":
        assumptions_from(values, where)
    else:
        build(Levers, values, of, where)


def _fits(value: object, parameter: Parameter) -> TypeGuard[float]:
    """Say whether a value is a good number; where it is none, it may be good all the same."""
    if not _is_number(value) or parameter.low is None or parameter.high is None:
        return False
    whole = isinstance(value, int) or not parameter.whole
    return whole and parameter.low <= value <= parameter.high


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


# --- methods -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Method:
    """A way to choose the points of a design.

    Attributes:
        options: for each option a reader of fields, which knows the default and what is allowed.
        count: number of points, from the factors and the options.
        places: where the points lie, each from 0 to 1 along its factor, shape (points, factors);
            from the factors, the options and a seed.
    """

    options: Mapping[str, Callable[[Fields], Option]]
    count: Callable[[Sequence[Factor], Mapping[str, Any]], int]
    places: Callable[[Sequence[Factor], Mapping[str, Any], int], FloatArray]


def _whole(name: str, default: int, low: int, high: int) -> Callable[[Fields], Option]:
    return lambda fields: fields.whole(name, default, (low, high))


def _levels(fields: Fields) -> Option:
    levels = fields.whole("levels", 4, (2, MOST_LEVELS))
    if levels % 2:
        raise fields.refusal("levels", "even, so that every level is reached equally often")
    return levels


def _base(fields: Fields) -> Option:
    base = fields.whole("base", 256, (2, 2**24))
    if base & (base - 1):
        near = 2 ** (base.bit_length() - 1)
        raise fields.refusal("base", f"a power of two, such as {near} or {2 * near}")
    return base


def _second_order(fields: Fields) -> Option:
    value = fields.values.get("second_order", False)
    if not isinstance(value, bool):
        raise fields.refusal("second_order", "true or false")
    return value


def _grid_places(factors: Sequence[Factor], options: Mapping[str, Any], seed: int) -> FloatArray:
    axes = [factor.grid(options["levels"]) for factor in factors]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(factors))


def _latin_places(factors: Sequence[Factor], options: Mapping[str, Any], seed: int) -> FloatArray:
    from SALib.sample import latin

    return np.asarray(latin.sample(_unit_cube(factors), options["points"], seed=seed))


def _sobol_places(factors: Sequence[Factor], options: Mapping[str, Any], seed: int) -> FloatArray:
    """Return the first points of a scrambled sequence, which is made up to a power of two."""
    from scipy.stats import qmc

    power = (options["points"] - 1).bit_length()
    return np.asarray(qmc.Sobol(len(factors), seed=seed).random_base2(power))[: options["points"]]


def _morris_places(factors: Sequence[Factor], options: Mapping[str, Any], seed: int) -> FloatArray:
    from SALib.sample import morris

    cube, count = _unit_cube(factors), options["trajectories"]
    return np.asarray(morris.sample(cube, count, num_levels=options["levels"], seed=seed))


def _saltelli_places(
    factors: Sequence[Factor], options: Mapping[str, Any], seed: int
) -> FloatArray:
    from SALib.sample import sobol

    cube, second = _unit_cube(factors), options["second_order"]
    return np.asarray(sobol.sample(cube, options["base"], calc_second_order=second, seed=seed))


def _unit_cube(factors: Sequence[Factor]) -> dict[str, Any]:
    """Return the problem, as SALib calls it, whose inputs are places from 0 to 1."""
    names = [factor.name for factor in factors]
    return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}


METHODS: Mapping[str, Method] = {
    "grid": Method(
        {"levels": _whole("levels", 5, 2, MOST_LEVELS)},
        lambda factors, said: math.prod(one.grid_levels(said["levels"]) for one in factors),
        _grid_places,
    ),
    "latin hypercube": Method(
        {"points": _whole("points", 100, 1, MOST_POINTS)},
        lambda factors, said: int(said["points"]),
        _latin_places,
    ),
    "sobol": Method(
        {"points": _whole("points", 128, 1, MOST_POINTS)},
        lambda factors, said: int(said["points"]),
        _sobol_places,
    ),
    "morris": Method(
        {"trajectories": _whole("trajectories", 20, 2, 1_000_000), "levels": _levels},
        lambda factors, said: int(said["trajectories"]) * (len(factors) + 1),
        _morris_places,
    ),
    "saltelli": Method(
        {"base": _base, "second_order": _second_order},
        lambda factors, said: int(said["base"]) * _blocks(len(factors), said["second_order"]),
        _saltelli_places,
    ),
}
METHOD_NAMES = (*METHODS, TABLE)


def _blocks(factors: int, second_order: bool) -> int:
    """Return the number of points for one of the base (Saltelli 2002)."""
    return 2 * factors + 2 if second_order else factors + 2


def options_of(method: str, said: Mapping[str, Any], where: str) -> dict[str, Option]:
    """Return the options of ``method`` with every default filled in.

    Raises:
        InputError: an option is unknown to the method, or its value wrong.
    """
    readers = METHODS[method].options
    fields = Fields.of(where, said, f"design {method}", ("method", *readers), "design.")
    return {name: read(fields) for name, read in readers.items()}


# --- tables --------------------------------------------------------------------------------------


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
    if type(value) is float and not parameter.whole and _fits(value, parameter):
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
