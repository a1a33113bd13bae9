"""How a lever or an assumption is declared, described and checked.

Each parameter is one typed field of a frozen pydantic dataclass. Everything else (validation, the
command line's tables, sampling, documentation) is read from that single declaration.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pydantic import Field, ValidationError

from simulation.errors import InputError, did_you_mean, shown

Scalar = float | int | str | None


@dataclasses.dataclass(frozen=True)
class Parameter:
    """What is known of one lever or assumption; bounds are inclusive, in the parameter's unit."""

    name: str
    unit: str
    default: Scalar
    low: float | None
    high: float | None
    sweep: tuple[float, float] | None
    choices: tuple[str, ...]
    whole: bool
    optional: bool
    meaning: str
    source: str
    planned: bool = False
    tuned: bool = False
    distribution: str = "fixed"

    @property
    def allowed(self) -> str:
        """Say in words which values are accepted."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        kind = "a whole number" if self.whole else "a number"
        text = f"{kind} from {self.low:g} to {self.high:g}"
        return f"{text}, or none" if self.optional else text


def declare(
    default: Scalar,
    *,
    unit: str,
    meaning: str,
    source: str,
    bounds: tuple[float, float] | None = None,
    sweep: tuple[float, float] | None = None,
    **about: Any,
) -> Any:
    """Declare one parameter as a pydantic field.

    Args:
        default: value at the status quo.
        unit: unit of the value, or an empty string for a choice.
        meaning: one line that says what it is.
        source: code and paragraph of the source, or "assumed".
        bounds: inclusive bounds; needed for every number.
        sweep: finite range that sweeps use; the bounds where absent.
        **about: ``planned``, ``tuned`` and ``distribution`` of `Parameter`.
    """
    extra = {"unit": unit, "source": source, "bounds": bounds, "sweep": sweep or bounds, **about}
    if bounds is None:
        return Field(default, description=meaning, json_schema_extra=extra)
    low, high = bounds
    return Field(
        default, description=meaning, json_schema_extra=extra, ge=low, le=high, strict=True
    )


def parameters(declaring: type[object]) -> dict[str, Parameter]:
    """Return the parameters that the dataclass ``declaring`` declares, by name, in order."""
    return _declared(declaring)


def _read(declaring: Any) -> dict[str, Parameter]:
    hints = typing.get_type_hints(declaring)
    fields = dataclasses.fields(declaring)
    return {field.name: _parameter(field, hints[field.name]) for field in fields}


_declared: Callable[[Any], dict[str, Parameter]] = cache(_read)


def _parameter(field: "dataclasses.Field[Any]", hint: Any) -> Parameter:
    info: Any = field.default
    extra = dict(info.json_schema_extra)
    low, high = extra.pop("bounds") or (None, None)
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    literal = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
    return Parameter(
        name=field.name,
        default=info.default,
        low=low,
        high=high,
        choices=literal,
        whole=int in options,
        optional=types.NoneType in options,
        meaning=info.description,
        **extra,
    )


def check_name(name: str, declaring: type, kind: str, where: str) -> Parameter:
    """Return the parameter called ``name``.

    Raises:
        InputError: there is none; the nearest name is offered.
    """
    known = parameters(declaring)
    if name in known:
        return known[name]
    raise InputError(f"{where}: unknown {kind} {shown(name)}{did_you_mean(name, known)}")


def build[T](declaring: type[T], values: Mapping[str, object], kind: str, where: str) -> T:
    """Construct ``declaring`` from ``values``.

    Raises:
        InputError: an unknown name, a value of the wrong type or outside its bounds.
    """
    for name in values:
        check_name(name, declaring, kind, where)
    try:
        return declaring(**{name: plain(value) for name, value in values.items()})
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        known, value = parameters(declaring)[name], values[name]
        hint = did_you_mean(value, known.choices) if isinstance(value, str) else ""
        raise InputError(
            f"{where}: {kind} {name} = {shown(value)}: must be {known.allowed}{hint}"
        ) from None


def plain(value: object) -> object:
    """Return a numpy scalar as the Python number that it holds, anything else as it is."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "ndim", None) == 0 else value


def parse_scalar(text: str) -> Scalar:
    """Read a value typed on the command line: a number, ``none``, or a word."""
    if text.lower() in ("none", "null"):
        return None
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
