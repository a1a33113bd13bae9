"""The ways to choose the points of a design, and the options of each."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.documents import Fields
from experiments.factors import MOST_LEVELS, Factor, FloatArray

type Option = int | bool

TABLE = "table"
"""The method of a design whose points are the user's own."""
MOST_POINTS = 100_000_000


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
