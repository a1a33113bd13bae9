"""Where councils lie to each other: who is near, and among whom partners may be sought."""

from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from agents.compiled import inlined
from simulation.register import EARTH_RADIUS_KILOMETRES, Register, kilometres, neighbours, parents

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

NONE = -1
MOST_CANDIDATES = 40
"""Partners that one council considers at most: the nearest; in national reach the most alike."""


class Candidates(NamedTuple):
    """Possible partners of each council: rows (councils x at most 40, NONE where fewer)."""

    rows: IntArray
    kilometres: FloatArray
    must_adjoin: bool


class Borders(NamedTuple):
    """Who adjoins whom: ``other[first[row] : first[row + 1]]`` are the councils next to ``row``."""

    first: IntArray
    other: IntArray


class Geography:
    """What a register's positions imply; the same for every run, hence made once."""

    def __init__(self, register: Register) -> None:
        """Compute borders and keep ``register``."""
        self.register = register
        self.parent = parents(register)
        self.adjacent: list[set[int]] = [set() for _ in range(len(register))]
        for one, other in zip(*neighbours(register), strict=True):
            self._join(int(one), int(other))
        for row in np.flatnonzero(self.parent != NONE):
            self._join(int(row), int(self.parent[row]))
        self.borders = _flat(self.adjacent)
        self.places = _on_sphere(register)
        itself = np.arange(len(register))
        self.family: IntArray = np.where(self.parent == NONE, itself, self.parent)
        self._candidates: dict[str, Candidates] = {}
        self._nearest: dict[int, IntArray] = {}

    def _join(self, one: int, other: int) -> None:
        self.adjacent[one].add(other)
        self.adjacent[other].add(one)

    def nearest(self, count: int) -> IntArray:
        """Return for each council the rows of the ``count`` nearest, itself first."""
        count = min(count, len(self.register))
        if count not in self._nearest:
            _, rows = cKDTree(self.places).query(self.places, k=count)
            self._nearest[count] = np.asarray(rows, dtype=np.int64).reshape(-1, count)
        return self._nearest[count]

    def candidates(self, reach: str) -> Candidates:
        """Return possible partners for a value of the lever ``aggregation_reach``."""
        if reach not in self._candidates:
            sets = [self._reached(row, reach) for row in range(len(self.register))]
            self._candidates[reach] = self._ranked(sets, must_adjoin=reach == "neighbours")
        return self._candidates[reach]

    def _reached(self, row: int, reach: str) -> set[int]:
        match reach:
            case "county":
                return self._same_county(row)
            case "region":
                return self._same_region()[self.register.region[row]]
            case "national":
                near = self._nearest_of(row, sorted(self._two_steps(row) - {row}))[0]
                return {*near[: MOST_CANDIDATES // 2].tolist(), *self._alike(row)}
            case _:
                return self._two_steps(row)

    def _two_steps(self, row: int) -> set[int]:
        return self.adjacent[row].union(*(self.adjacent[other] for other in self.adjacent[row]))

    def _same_county(self, row: int) -> set[int]:
        county = int(self.parent[row]) if self.parent[row] != NONE else row
        family = set(np.flatnonzero(self.parent == county).tolist()) | {county}
        return family if len(family) > 1 else self.adjacent[row]

    @cache  # noqa: B019 - one Geography lives as long as its register
    def _same_region(self) -> dict[str, set[int]]:
        groups: dict[str, set[int]] = {}
        for row, region in enumerate(self.register.region):
            groups.setdefault(region, set()).add(row)
        return groups

    def _alike(self, row: int) -> list[int]:
        """Return the councils most like one in size, those of its type first, itself among them."""
        population, kind = self.register.population, self._type
        some = self._of_a_size(float(population[row]))
        size = np.abs(np.log(population[some] / population[row]))
        order = np.argsort(size + 10.0 * (kind[some] != kind[row]), kind="stable")
        nearest: list[int] = some[order[: MOST_CANDIDATES // 2]].tolist()
        return nearest

    def _of_a_size(self, residents: float) -> IntArray:
        """Return the councils of each type that are nearest to a size, more than are wanted."""
        some = []
        for rows in self._by_size:
            place = int(np.searchsorted(self.register.population[rows], residents))
            some.append(rows[max(0, place - MOST_CANDIDATES) : place + MOST_CANDIDATES])
        return np.sort(np.concatenate(some))

    @cached_property
    def _type(self) -> NDArray[np.str_]:
        return np.array(self.register.type)

    @cached_property
    def _by_size(self) -> list[IntArray]:
        """The councils of each type, by size."""
        order = np.argsort(self.register.population, kind="stable")
        return [order[self._type[order] == kind] for kind in sorted(set(self.register.type))]

    def _ranked(self, sets: list[set[int]], must_adjoin: bool) -> Candidates:
        rows = np.full((len(sets), MOST_CANDIDATES), NONE, dtype=np.int64)
        away = np.zeros(rows.shape)
        for row, others in enumerate(sets):
            near, distance = self._nearest_of(row, sorted(others - {row}))
            rows[row, : len(near)], away[row, : len(near)] = near, distance
        return Candidates(rows, away, must_adjoin)

    def _nearest_of(self, row: int, others: list[int]) -> tuple[IntArray, FloatArray]:
        which = np.array(others, dtype=np.int64)
        latitude, longitude = self.register.latitude, self.register.longitude
        away = kilometres(latitude[row], longitude[row], latitude[which], longitude[which])
        order = np.argsort(away, kind="stable")[:MOST_CANDIDATES]
        return which[order], away[order]


@cache
def geography(register: Register) -> Geography:
    """Return the geography of ``register``, computed once a process."""
    return Geography(register)


def _flat(sets: list[set[int]]) -> Borders:
    sizes = [len(others) for others in sets]
    other = np.array([one for others in sets for one in sorted(others)], dtype=np.int64)
    return Borders(np.concatenate([[0], np.cumsum(sizes)]), other)


@inlined
def apart(places: FloatArray, one: int, other: int) -> float:
    """Return the great-circle distance between two of ``places`` on the unit sphere, km."""
    squares = 0.0
    for axis in range(places.shape[1]):
        squares += (places[one, axis] - places[other, axis]) ** 2
    away: float = np.arcsin(min(np.sqrt(squares) / 2, 1.0))
    return 2 * EARTH_RADIUS_KILOMETRES * away


def _on_sphere(register: Register) -> FloatArray:
    latitude, longitude = np.radians(register.latitude), np.radians(register.longitude)
    across = np.cos(latitude)
    return np.column_stack(
        [across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)]
    )
