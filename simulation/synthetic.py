"""Registers of invented councils, of any size, with England's mixture of types, sizes and clusters.

Ground is handed out along a space-filling curve, so that whoever follows another there lies beside
it: the districts of a county, the boroughs of a conurbation, the counties of a region. England's
own register says how many councils of each type there are, how large they are, how many districts a
county has, and who votes when; what varies is drawn by key.
"""

from __future__ import annotations

import csv
import errno
import io
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulation.errors import InputError
from simulation.randomness import Draws, name_key
from simulation.register import (
    COLUMNS,
    COUNCIL_TYPES,
    MOST_COUNCILS,
    Register,
    load_register,
    parse_register,
)

type FloatArray = NDArray[np.float64]
type IntArray = NDArray[np.int64]

COUNTY, DISTRICT, UNITARY, METROPOLITAN, LONDON = COUNCIL_TYPES
SPACING = 19.0
"""Kilometres between neighbours: England's ground shared by those who govern it directly."""
CROWDING = {METROPOLITAN: 0.55, LONDON: 0.3}
"""Distances within a conurbation, over those of open country."""
JITTER = 0.3
"""How far a council lies from the middle of its ground, at most, over the spacing."""
DEGREE = 111.195
"""Kilometres in a degree of latitude."""

METROPOLITAN_AREAS = (4, 5, 5, 5, 7, 10)
"""Boroughs in England's six metropolitan areas."""
CLUSTERS_OF_UNITARIES = (4, 4, 4, 6)
"""Unitaries where a whole county was split up: Avon, Cleveland, Humberside and Berkshire."""
UNITARIES_IN_CLUSTERS = sum(CLUSTERS_OF_UNITARIES) / 47
LONDON_BOROUGHS = 33
COUNCILS_IN_A_REGION = 388 / 9
FEWEST_DISTRICTS = 3
"""Districts without which there is no county."""

_ENDINGS = {
    COUNTY: "shire", DISTRICT: "vale", UNITARY: "haven", METROPOLITAN: "forge", LONDON: "gate",
}  # fmt: skip


@dataclass(frozen=True)
class _Group:
    """Councils that lie together, in order along the curve; in a county its own row comes last."""

    kind: str
    types: tuple[str, ...]

    @property
    def ground(self) -> int:
        """How many of them govern ground directly."""
        return sum(one != COUNTY for one in self.types)


def synthetic(councils: int, seed: int) -> Register:
    """Return a register of ``councils`` invented councils.

    Args:
        councils: how many, from 1 to ``MOST_COUNCILS``.
        seed: equal seeds give equal registers, to the byte.

    Raises:
        InputError: the number is out of bounds.
    """
    return parse_register(synthetic_bytes(councils, seed), f"synthetic-{councils}-{seed}.csv")


def synthetic_bytes(councils: int, seed: int) -> bytes:
    """Return the file of `synthetic`, in the format of a register.

    Raises:
        InputError: the number is out of bounds.
    """
    if not 1 <= councils <= MOST_COUNCILS:
        raise InputError(
            f"{councils:,} councils: a synthetic register has from 1 to {MOST_COUNCILS:,}"
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    draws = Draws(seed)
    rows: list[_Row] = sorted(_rows(_groups(councils, draws), draws), key=_place_in_file)
    writer.writerows(rows)
    return text.getvalue().encode()


def write_synthetic(councils: int, seed: int, path: Path) -> None:
    """Write the register of `synthetic` to ``path``, whole or not at all.

    Raises:
        InputError: the number is out of bounds, or the file cannot be written.
    """
    raw = synthetic_bytes(councils, seed)
    if path.is_dir():
        raise InputError(f"{path}: cannot be written: {os.strerror(errno.EISDIR)}")
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(raw)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


# --- how many of each type, and who lies with whom -----------------------------------------------


def type_counts(councils: int) -> dict[str, int]:
    """Return how many councils of each type there are among ``councils``, as in England.

    There are no districts without a county: where they would be too few they are unitaries.
    """
    types = Counter(_england().type)
    shares = _shared_out(councils, [types[kind] for kind in COUNCIL_TYPES])
    counts = dict(zip(COUNCIL_TYPES, shares, strict=True))
    below = counts[COUNTY] + counts[DISTRICT]
    if below > FEWEST_DISTRICTS:
        counts[COUNTY] = max(counts[COUNTY], 1)
        counts[DISTRICT] = below - counts[COUNTY]
    else:
        counts[UNITARY] += below
        counts[COUNTY] = counts[DISTRICT] = 0
    return counts


@cache
def _england() -> Register:
    return load_register()


def _shared_out(total: int, weights: Sequence[float], least: int = 0) -> list[int]:
    """Share ``total`` out by ``weights``, at least ``least`` each, by the largest remainders."""
    exact = (total - least * len(weights)) * np.array(weights) / math.fsum(weights)
    shares = np.floor(exact).astype(np.int64)
    rest = total - least * len(weights) - int(shares.sum())
    shares[np.argsort(shares - exact, kind="stable")[:rest]] += 1
    return [int(share) + least for share in shares]


def _groups(councils: int, draws: Draws) -> list[_Group]:
    """Return the groups of all councils, in a drawn order."""
    counts = type_counts(councils)
    clustered = _clustered(counts)
    groups = [
        *_counties(counts, counts[UNITARY] - clustered, draws),
        *_clusters(METROPOLITAN, counts[METROPOLITAN], METROPOLITAN_AREAS, draws),
        *_clusters(LONDON, counts[LONDON], (LONDON_BOROUGHS,), draws),
        *_clusters(UNITARY, clustered, CLUSTERS_OF_UNITARIES, draws),
    ]
    order = np.argsort(_spread("order of groups", len(groups), draws))
    return [groups[place] for place in order]


def _clustered(counts: dict[str, int]) -> int:
    """Return how many unitaries lie in clusters of their own: all where there is no county."""
    if not counts[COUNTY]:
        return counts[UNITARY]
    return round(UNITARIES_IN_CLUSTERS * counts[UNITARY])


def _counties(counts: dict[str, int], cities: int, draws: Draws) -> Iterator[_Group]:
    """Yield counties with their districts, and with unitary cities in their midst."""
    many = counts[COUNTY]
    if not many:
        return
    pattern = sorted(Counter(filter(None, _england().county)).values())
    sizes = _sizes(counts[DISTRICT], many, pattern, "districts of a county", draws)
    for size, inside in zip(sizes, _shared_out(cities, [1.0] * many), strict=True):
        middle = size // 2
        districts = (DISTRICT,) * middle, (DISTRICT,) * (size - middle)
        yield _Group(COUNTY, (*districts[0], *(UNITARY,) * inside, *districts[1], COUNTY))


def _clusters(kind: str, total: int, pattern: Sequence[int], draws: Draws) -> Iterator[_Group]:
    """Yield clusters of councils of one type, about as large as those of ``pattern``."""
    if total:
        many = max(1, round(total * len(pattern) / sum(pattern)))
        for size in _sizes(total, many, pattern, f"size of {kind} clusters", draws):
            yield _Group(kind, (kind,) * size)


def _sizes(total: int, many: int, pattern: Sequence[int], purpose: str, draws: Draws) -> list[int]:
    """Return sizes of ``many`` groups that add up to ``total``, spread as in ``pattern``."""
    weights = np.quantile(pattern, _spread(purpose, many, draws))
    return _shared_out(total, weights.tolist(), least=1)


def _spread(purpose: str, count: int, draws: Draws) -> FloatArray:
    """Return ``count`` draws from (0, 1), one in each of as many equal parts, in a drawn order."""
    key, which = name_key(purpose), np.arange(count)
    stratum = np.argsort(np.argsort(draws.uniform("stratum", key, which), kind="stable"))
    return (stratum + draws.uniform("within stratum", key, which)) / max(count, 1)


# --- where they lie ------------------------------------------------------------------------------


def _along_the_curve(count: int) -> FloatArray:
    """Return the first ``count`` cells along Hilbert's curve; shape (count, 2), side 1 each.

    Consecutive cells adjoin, and a run of them makes a compact shape.
    """
    rest, x, y = np.arange(count), np.zeros(count, np.int64), np.zeros(count, np.int64)
    side = 1
    while side * side < count:
        right, up = (rest // 2) & 1, (rest ^ (rest // 2)) & 1
        flipped = (up == 0) & (right == 1)
        x, y = np.where(flipped, side - 1 - x, x), np.where(flipped, side - 1 - y, y)
        x, y = np.where(up == 0, y, x), np.where(up == 0, x, y)
        x, y = x + side * right, y + side * up
        rest, side = rest // 4, side * 2
    return np.column_stack([x, y]).astype(np.float64)


def _grounds(groups: Sequence[_Group], draws: Draws) -> list[FloatArray]:
    """Return for each group where those lie that govern ground; kilometres, shape (ground, 2)."""
    count = sum(group.ground for group in groups)
    aside = [_spread(f"{axis} in its ground", count, draws) - 0.5 for axis in ("x", "y")]
    cells = _along_the_curve(count) + 2 * JITTER * np.column_stack(aside)
    cells = SPACING * (cells - (cells.min(axis=0) + cells.max(axis=0)) / 2)
    ends = np.cumsum([group.ground for group in groups])
    parts = np.split(cells, ends[:-1])
    return [_crowded(part, group.kind) for part, group in zip(parts, groups, strict=True)]


def _crowded(places: FloatArray, kind: str) -> FloatArray:
    """Draw the places of a conurbation together around their middle."""
    middle = places.mean(axis=0)
    crowded: FloatArray = middle + CROWDING.get(kind, 1.0) * (places - middle)
    return crowded


# --- the rows of the file ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Characters:
    """What is drawn for the councils of one type, by their number, each as often as in England."""

    population: IntArray
    control: tuple[str, ...]
    election_cycle: tuple[str, ...]


def _characters(kind: str, many: int, draws: Draws) -> _Characters:
    """Return characters of ``many`` councils; control is blank as often as England's is."""
    register = _england()
    rows = np.flatnonzero([one == kind for one in register.type])
    population = np.quantile(register.population[rows], _spread(f"population {kind}", many, draws))
    return _Characters(
        np.maximum(np.rint(population / 1000).astype(np.int64), 1) * 1000,
        _in_turn([register.control[row] for row in rows], f"control {kind}", many, draws),
        _in_turn([register.election_cycle[row] for row in rows], f"cycle {kind}", many, draws),
    )


def _in_turn(known: Sequence[str], purpose: str, many: int, draws: Draws) -> tuple[str, ...]:
    """Return ``many`` of the words ``known``, each as often as it stands there."""
    words, shares = sorted(known), _spread(purpose, many, draws)
    return tuple(words[place] for place in (shares * len(words)).astype(np.int64))


type _Row = tuple[str, str, str, int, float, float, str, str, str]


def _rows(groups: Sequence[_Group], draws: Draws) -> Iterator[_Row]:
    """Yield a row a council, in the order of ``COLUMNS``."""
    many = Counter(kind for group in groups for kind in group.types)
    characters = {kind: _characters(kind, many[kind], draws) for kind in many}
    numbers = Counter[str]()
    grounds = _grounds(groups, draws)
    for group, ground, region in zip(groups, grounds, _regions(groups), strict=True):
        yield from _group_rows(group, ground, region, characters, numbers)
        numbers.update(group.types)


def _group_rows(
    group: _Group,
    ground: FloatArray,
    region: str,
    characters: Mapping[str, _Characters],
    before: Counter[str],
) -> Iterator[_Row]:
    """Yield the rows of a group; ``before`` says how many of each type there are already."""
    members = _numbered(group.types, before)
    word = _compass(ground.mean(axis=0))
    names = [f"{word}{_ENDINGS[kind]} {number + 1}" for kind, number in members]
    people = [int(characters[kind].population[number]) for kind, number in members]
    if group.kind == COUNTY:
        ground, people = _with_county(group, ground, people)
    for name, (kind, number), place, population in zip(names, members, ground, people, strict=True):
        county = names[-1] if kind == DISTRICT else ""
        drawn = characters[kind]
        control, cycle = drawn.control[number], drawn.election_cycle[number]
        yield name, kind, region, population, *_degrees(place), county, control, cycle


def _numbered(types: Sequence[str], before: Counter[str]) -> list[tuple[str, int]]:
    """Return each type with how many of it came earlier, in the group or before it."""
    return [(kind, before[kind] + types[:place].count(kind)) for place, kind in enumerate(types)]


def _with_county(
    group: _Group, ground: FloatArray, people: list[int]
) -> tuple[FloatArray, list[int]]:
    """Put a county, the last of its group, in the middle of its districts' residents."""
    lower = [
        many if kind == DISTRICT else 0 for kind, many in zip(group.types, people, strict=True)
    ]
    middle = np.average(ground, axis=0, weights=lower[:-1])
    return np.vstack([ground, middle]), [*people[:-1], sum(lower)]


def _regions(groups: Sequence[_Group]) -> list[str]:
    """Return the region of each group: consecutive groups, about as many councils as England's."""
    sizes = np.array([len(group.types) for group in groups])
    regions = max(1, round(int(sizes.sum()) / COUNCILS_IN_A_REGION))
    middle = np.cumsum(sizes) - sizes / 2
    return [f"Region {1 + int(place)}" for place in middle * regions / sizes.sum()]


def _compass(place: FloatArray) -> str:
    """Return in which quarter of the country a place lies."""
    x, y = place
    if abs(y) >= abs(x):
        return "North" if y >= 0 else "South"
    return "East" if x > 0 else "West"


def _degrees(place: FloatArray) -> tuple[float, float]:
    """Return latitude and longitude of kilometres from where the equator meets Greenwich."""
    latitude = float(place[1]) / DEGREE
    longitude = float(place[0]) / DEGREE / math.cos(math.radians(latitude))
    return round(latitude, 3), round(longitude, 3)


def _place_in_file(row: _Row) -> tuple[str, int]:
    """Return the key by which rows are sorted: type, then number."""
    return row[1], int(row[0].rpartition(" ")[2])
