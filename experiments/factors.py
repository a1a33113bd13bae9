"""Factors: the levers and assumptions that vary in a design, and how far.

Names of levers and of assumptions never meet, so a name alone says which of them is meant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

from experiments.catalogue import canonical
from experiments.documents import Fields
from simulation.assumptions import Assumptions, assumptions_from
from simulation.errors import InputError, did_you_mean, shown
from simulation.levers import Levers
from simulation.parameters import Parameter, Scalar, build, parameters, plain

type Kind = Literal["lever", "assumption"]
type FloatArray = NDArray[np.float64]
type Column = NDArray[Any]

FACTOR_KEYS = ("low", "high", "values", "levels", "only")
MOST_LEVELS = 1000
MOST_VALUES = 1000

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


# As they are said


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
    if not fits(value, parameter):
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
    if not (fits(value, parameter) or (isinstance(value, str) and value in parameter.choices)):
        _refuse(of, {name: value}, where)
    stored: Scalar = canonical(_DECLARING[of], name, value)
    return stored


def _refuse(of: Kind, values: Mapping[str, object], where: str) -> None:
    """Raise what is wrong with ``values``, if anything is."""
    if of == "assumption":
        assumptions_from(values, where)
    else:
        build(Levers, values, of, where)


def fits(value: object, parameter: Parameter) -> TypeGuard[float]:
    """Say whether a value is a good number; where it is none, it may be good all the same."""
    if not _is_number(value) or parameter.low is None or parameter.high is None:
        return False
    whole = isinstance(value, int) or not parameter.whole
    return whole and parameter.low <= value <= parameter.high


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
