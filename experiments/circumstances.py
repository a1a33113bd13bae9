"""Circumstances: named sets of assumptions that belong together, bundled with the project."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from experiments.documents import Fields, read_document
from experiments.likeness import suggestion
from simulation.assumptions import assumptions_from
from simulation.errors import InputError

KEYS = ("name", "title", "description", "assumptions")
LONGEST = 2000

_BUNDLED = Path(__file__).parent / "assumptions"
_ORDER = ("as-history-happened",)


@dataclass(frozen=True)
class Circumstances:
    """A set of assumptions under one name.

    Attributes:
        name: what the command line and question files call it.
        title: the same for people.
        description: what it stands for, in a sentence or two.
        assumptions: the values that it holds, by name.
    """

    name: str
    title: str
    description: str
    assumptions: Mapping[str, Any]


def circumstances_names() -> tuple[str, ...]:
    """Return the names of the bundled sets."""
    return _ORDER


def bundled_circumstances() -> tuple[Circumstances, ...]:
    """Return the bundled sets."""
    return tuple(map(_read, _ORDER))


def find_circumstances(name: str, where: str) -> Circumstances:
    """Return the bundled set called ``name``; ``where`` is what the error calls the place.

    Raises:
        InputError: there is none; the nearest name is offered, or that of which it is a part.
    """
    if name in _ORDER:
        return _read(name)
    raise InputError(
        f"{where}: no set of assumptions is called {name!r}{suggestion(name, _ORDER)}; "
        f"bundled: {', '.join(_ORDER)}"
    )


@cache
def _read(name: str) -> Circumstances:
    path = _BUNDLED / f"{name}.yaml"
    fields = Fields.of(path.name, read_document(path, "a set of assumptions"), "a set", KEYS)
    held = fields.mapping("assumptions")
    assumptions_from(held, path.name)
    title, description = (fields.text(key, "", LONGEST) for key in ("title", "description"))
    return Circumstances(name, title, description, MappingProxyType(dict(held)))
