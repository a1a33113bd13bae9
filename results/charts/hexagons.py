"""Councils as equal hexagons: each at a cell of a grid near its neighbours, none over another.

On a map true to area London's councils, a tenth of England's, take a hundredth of the ground. Here
each council counts alike, as in a cartogram of equal circles (Dorling 1996) that is then set on a
grid of hexagons by the assignment with the least squared shift.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from simulation.register import Register, neighbours, parents

type FloatArray = NDArray[np.float64]
type IntArray = NDArray[np.int64]

MOST_CELLS = 1_500
"""The assignment takes time with the cube of this and memory with its square."""
ROUNDS = 400
START = 1.2
"""Usual distance of neighbours before points move, in widths of a cell."""
PUSH, PULL = 0.45, 0.1
"""Parts of a surplus or want of distance that each end makes good in a round."""
TIGHTEN = 0.92
"""Last factor on distances, so that the assignment leaves no cell empty among full ones."""
REACH = 0.6
"""How far from a point, in widths of a cell, cells are open to it."""
ROW = np.sqrt(3) / 2
"""Distance of two rows of cells, as centres in a row are one apart."""
CORNERS = np.column_stack([np.sin(np.arange(6) * np.pi / 3), np.cos(np.arange(6) * np.pi / 3)])
"""Corners of a hexagon that stands on one, on the unit circle, clockwise from the top."""
RADIUS = 1 / np.sqrt(3)
"""From the centre of a cell to a corner."""
INSET = 0.8
"""Size of a county's cell, as counties are drawn aside."""


@dataclass(frozen=True, eq=False)
class HexagonMap:
    """Where each council of a register is drawn.

    Attributes:
        centres: position of each council's cell, shape (councils, 2); north is up.
        size: width of each cell, shape (councils,).
        aside: whether a council is a county whose districts are drawn too, so that it stands in the
            smaller map aside; shape (councils,).
    """

    centres: FloatArray
    size: FloatArray
    aside: NDArray[np.bool_]

    @cached_property
    def outlines(self) -> FloatArray:
        """Corners of each hexagon, the first one again at the end; shape (councils, 7, 2)."""
        corners = np.concatenate([CORNERS, CORNERS[:1]])
        scaled = corners * RADIUS * self.size[:, None, None]
        outlines: FloatArray = self.centres[:, None] + scaled
        return outlines

    def borders(self, group: IntArray) -> FloatArray:
        """Return sides between cells of unlike ``group``, shape (sides, 2, 2); none of those aside.

        ``group`` has shape (councils,).
        """
        main = np.flatnonzero(~self.aside)
        pairs = cKDTree(self.centres[main]).query_pairs(1.01, output_type="ndarray")
        first, second = main[pairs.T]
        apart = group[first] != group[second]
        return _shared_sides(self.centres[first[apart]], self.centres[second[apart]])


def hexagon_map(register: Register) -> HexagonMap | None:
    """Place the councils of ``register``; None where there are too many to be seen."""
    if len(register) > MOST_CELLS:
        return None
    aside = np.isin(np.arange(len(register)), parents(register))
    centres = np.zeros((len(register), 2))
    centres[~aside] = _placed(register, np.flatnonzero(~aside))
    if aside.any():
        small = INSET * _placed(register, np.flatnonzero(aside))
        centres[aside] = _beside(small, centres[~aside])
    return HexagonMap(centres, np.where(aside, INSET, 1.0), aside)


def _shared_sides(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the two ends of the side between neighbouring cells, shape (sides, 2, 2)."""
    middle, across = (first + second) / 2, second - first
    along = np.column_stack([-across[:, 1], across[:, 0]]) * RADIUS / 2
    return np.stack([middle - along, middle + along], axis=1)


def _placed(register: Register, chosen: IntArray) -> FloatArray:
    """Return cells for the chosen councils, shape (chosen, 2); distances of one between them."""
    points = _flat(register.latitude[chosen], register.longitude[chosen])
    rank = np.full(len(register), -1)
    rank[chosen] = np.arange(len(chosen))
    edges = rank[np.column_stack(neighbours(register))]
    spread = _spread(points, edges[(edges >= 0).all(axis=1)])
    return _on_grid(spread)


def _flat(latitude: FloatArray, longitude: FloatArray) -> FloatArray:
    """Return positions on a plane about their middle, shape (points, 2), no two quite alike."""
    east = longitude * np.cos(np.radians(latitude.mean()))
    points = np.column_stack([east, latitude])
    turn = np.arange(len(points)) * np.pi * (3 - np.sqrt(5))
    apart = 1e-4 * np.column_stack([np.cos(turn), np.sin(turn)])
    centred: FloatArray = points - points.mean(axis=0) + apart
    return centred


def _spread(points: FloatArray, edges: IntArray) -> FloatArray:
    """Move points until few are less than one apart, and neighbours hardly more."""
    if not len(edges):
        return np.asarray(points / max(_span(points) / np.sqrt(len(points)), 1e-9))
    spread = points * START / np.median(_lengths(points, edges))
    for _ in range(ROUNDS):
        close = cKDTree(spread).query_pairs(1.0, output_type="ndarray").astype(np.int64)
        far = edges[_lengths(spread, edges) > 1.0]
        spread = spread + _steps(spread, close, PUSH) + _steps(spread, far, PULL)
    return np.asarray(TIGHTEN * spread)


def _span(points: FloatArray) -> float:
    return float(np.ptp(points, axis=0).max())


def _lengths(points: FloatArray, edges: IntArray) -> FloatArray:
    return np.asarray(np.linalg.norm(points[edges[:, 1]] - points[edges[:, 0]], axis=1))


def _steps(points: FloatArray, pairs: IntArray, share: float) -> FloatArray:
    """Move both ends of each pair by ``share`` of what its length differs from one."""
    between = points[pairs[:, 1]] - points[pairs[:, 0]]
    length = np.maximum(np.linalg.norm(between, axis=1, keepdims=True), 1e-9)
    move = share * between * (1 - 1 / length)
    steps = np.zeros_like(points)
    np.add.at(steps, pairs[:, 0], move)
    np.add.at(steps, pairs[:, 1], -move)
    return steps


def _on_grid(points: FloatArray) -> FloatArray:
    """Return a cell of a hexagonal grid for each point, no two alike; shape (points, 2)."""
    cells = _cells(points)
    distance = cKDTree(points).query(cells)[0]
    reach = max(REACH, float(np.partition(distance, len(points) - 1)[len(points) - 1]))
    near = cells[distance <= reach]
    cost = ((points[:, None] - near[None]) ** 2).sum(axis=2)
    return np.asarray(near[linear_sum_assignment(cost)[1]])


def _cells(points: FloatArray) -> FloatArray:
    """Return a grid with room for all points wherever they are; shape (cells, 2)."""
    margin = np.sqrt(len(points)) + 1
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    rows = np.arange(np.floor(low[1] / ROW), np.ceil(high[1] / ROW) + 1)
    columns = np.arange(np.floor(low[0]), np.ceil(high[0]) + 1)
    column, row = (each.ravel() for each in np.meshgrid(columns, rows))
    return np.column_stack([column + 0.5 * (row % 2), row * ROW])


def _beside(small: FloatArray, main: FloatArray) -> FloatArray:
    """Move the map aside to the top right of the main one, clear of it; shape (small, 2)."""
    corner = main.max(axis=0) - small.max(axis=0)
    for shift in np.arange(0.0, np.ptp(main[:, 0]) + np.ptp(small[:, 0]) + 3, 0.5):
        moved = small + corner + [shift, 0.0]
        if cKDTree(main).query(moved)[0].min() > 2.5:
            break
    return np.asarray(moved)
