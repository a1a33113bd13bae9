"""The register of councils: who they are, where they lie, and whom they border.

A register is a CSV file with a header row and one row a council. The project's own one holds the
388 principal councils of England in 2006-07; a user may bring another. Councils are kept sorted by
type and name, so the order of the file's rows never matters.
"""

from __future__ import annotations

import csv
import io
import math
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulation.errors import InputError, did_you_mean
from simulation.files import decoded, read_bytes

if TYPE_CHECKING:
    import networkx

type FloatArray = NDArray[np.float64]
type IntArray = NDArray[np.int64]
type BoolArray = NDArray[np.bool_]

COUNCIL_TYPES = ("county", "district", "unitary", "metropolitan", "london_borough")
REGIONS = (
    "East Midlands",
    "East of England",
    "London",
    "North East",
    "North West",
    "South East",
    "South West",
    "West Midlands",
    "Yorkshire and The Humber",
)
CONTROLS = ("conservative", "labour", "liberal_democrat", "no_overall_control", "independent")
ELECTION_CYCLES = ("whole", "halves", "thirds")

USUAL_ELECTION_CYCLE: Mapping[str, str] = MappingProxyType(
    {kind: "thirds" if kind == "metropolitan" else "whole" for kind in COUNCIL_TYPES}
)
REQUIRED_COLUMNS = ("name", "type", "region", "population", "latitude", "longitude")
OPTIONAL_COLUMNS = ("county", "control", "election_cycle")
COLUMNS = REQUIRED_COLUMNS + OPTIONAL_COLUMNS

MOST_COUNCILS = 20_000
LONGEST_TEXT = 200
MOST_PERSONS = 1e10
EARTH_RADIUS_KILOMETRES = 6371.0

# Round numbers on a plateau: from 1.9 to 2.5 and from 120 to 160 England's borders fit as well.
LONGEST_SIDE = 2.0
"""Longest border-crossing distance, as a multiple of the spacing of councils around both ends."""
WIDEST_ANGLE = 135.0
"""A side that faces a wider angle, in degrees, is no border: another council lies between."""

_ENGLAND = "english_councils.csv"
_MOST_BYTES = 32 * 1024 * 1024
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp"})


class _Council(NamedTuple):
    """One row of a register, its fields checked; the order of the fields is the sort order."""

    type: str
    name: str
    region: str
    county: str
    population: float
    latitude: float
    longitude: float
    control: str
    election_cycle: str


@dataclass(frozen=True, eq=False)
class Register:
    """Councils in columns, all of length ``len(register)``, sorted by type and name.

    Two registers are equal when their councils are, whatever the order of rows in their files.
    Arrays are read-only.

    Attributes:
        name: Common names, unique within a type.
        type: One of ``COUNCIL_TYPES`` each.
        region: Names of regions; England's nine are ``REGIONS``.
        county: Name of the parent county of a district; empty where there is none.
        population: Persons, float64, positive.
        latitude: Degrees north, float64, in [-90, 90].
        longitude: Degrees east, float64, in [-180, 180].
        control: One of ``CONTROLS`` each; empty where political control is not known.
        election_cycle: One of ``ELECTION_CYCLES`` each.
        raw: The bytes of the file, as they were.
        source: Name of the file.
    """

    name: tuple[str, ...] = field(repr=False)
    type: tuple[str, ...] = field(repr=False)
    region: tuple[str, ...] = field(repr=False)
    county: tuple[str, ...] = field(repr=False)
    population: FloatArray = field(repr=False)
    latitude: FloatArray = field(repr=False)
    longitude: FloatArray = field(repr=False)
    control: tuple[str, ...] = field(repr=False)
    election_cycle: tuple[str, ...] = field(repr=False)
    raw: bytes = field(repr=False)
    source: str

    def __len__(self) -> int:
        return len(self.name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Register):
            return NotImplemented
        return self._rows == other._rows

    def __hash__(self) -> int:
        return hash(self._rows)

    @cached_property
    def _rows(self) -> tuple[_Council, ...]:
        columns = (getattr(self, column) for column in _Council._fields)
        return tuple(map(_Council._make, zip(*columns, strict=True)))

    @cached_property
    def identities(self) -> tuple[str, ...]:
        """Stable keys ``"type|name"``, one a council, in order."""
        return tuple(f"{kind}|{name}" for kind, name in zip(self.type, self.name, strict=True))

    @cached_property
    def told_apart(self) -> tuple[str, ...]:
        """Names of councils, with the type where a name stands twice."""
        many = Counter(self.name)
        pairs = zip(self.name, self.type, strict=True)
        return tuple(f"{name} ({kind})" if many[name] > 1 else name for name, kind in pairs)

    def identity(self, index: int) -> str:
        """Return the stable key ``"type|name"`` of the council at ``index``."""
        return self.identities[index]


def load_register(path: Path | str | None = None) -> Register:
    """Read a register from a CSV file; without ``path``, England in 2006-07.

    Raises:
        InputError: The file cannot be read, or a row breaks a rule; names the line and the field.
    """
    if path is None:
        return parse_register((files(__package__) / "data" / _ENGLAND).read_bytes(), _ENGLAND)
    raw = read_bytes(Path(path), "the register", _MOST_BYTES, [".csv"])
    return parse_register(raw, str(path))


def parse_register(raw: bytes, source: str) -> Register:
    """Make a register of a CSV file's bytes; ``source`` is what errors call the file.

    UTF-8, with or without a byte-order mark. ``COLUMNS`` may come in any order and further columns
    are ignored; county, control and election cycle may be blank or left out, and a blank cycle is
    the usual one of the council's type.

    Raises:
        InputError: A rule is broken; one line naming file, line, field, value and what is allowed.
    """
    records = _records(decoded(raw, source), source)
    header = next(records, None)
    if header is None:
        raise InputError(f"{source}: the file is empty; its first row must be {_listed(COLUMNS)}")
    columns = _columns(header[1], f"{source}, line {header[0]}")
    lines = [_line(record, columns, source) for record in islice(records, MOST_COUNCILS + 1)]
    _check_size(lines, source)
    _check_unique(lines)
    return _register(sorted(_council(line) for line in lines), raw, source)


def _records(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of its first line and the fields of every record that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{source}, line {number}: not a CSV row: {error}") from error
        if fields is None:
            return
        if fields:
            yield number, fields


def _columns(header: Sequence[str], where: str) -> tuple[str, ...]:
    columns = tuple(text.strip().lower() for text in header)
    absent = [column for column in COLUMNS if column not in columns]
    for column in columns:
        if columns.count(column) > 1 and column in COLUMNS:
            raise InputError(f"{where}: column {column!r} appears more than once")
        hint = did_you_mean(column[:LONGEST_TEXT], absent)
        if hint and column not in COLUMNS:
            raise InputError(
                f"{where}: unknown column {_quoted(column)}{hint}; known: {_listed(COLUMNS)}"
            )
    missing = [column for column in absent if column in REQUIRED_COLUMNS]
    if missing:
        hint = "; separate columns by commas, not semicolons" if ";" in header[0] else ""
        raise InputError(
            f"{where}: missing column {missing[0]!r}; a register needs "
            f"{_listed(REQUIRED_COLUMNS)}{hint}"
        )
    return columns


@dataclass(frozen=True)
class _Line:
    """The fields of one row, and where it stands in which file."""

    source: str
    number: int
    cells: Mapping[str, str]

    def refusal(self, column: str, rule: str) -> InputError:
        """Return the error that says why the value of ``column`` is refused."""
        value = _quoted(self.cells.get(column, ""))
        return InputError(f"{self.source}, line {self.number}: {column} {value} {rule}")

    def text(self, column: str) -> str:
        """Return a short text without control characters; may be empty."""
        text = self.cells.get(column, "")
        if len(text) > LONGEST_TEXT:
            raise self.refusal(column, f"must be at most {LONGEST_TEXT} characters long")
        if any(unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in text):
            raise self.refusal(column, "must not hold control characters")
        return text

    def needed_text(self, column: str) -> str:
        """Return a text that is not empty."""
        text = self.text(column)
        if not text:
            raise self.refusal(column, "must not be blank")
        return text

    def choice(self, column: str, options: Sequence[str], blank: str | None = None) -> str:
        """Return one of ``options``; ``blank``, where given, stands in for an empty field."""
        text = self.cells.get(column, "")
        if not text and blank is not None:
            return blank
        if text not in options:
            hint = did_you_mean(text[:LONGEST_TEXT], options)
            raise self.refusal(column, f"must be one of {_listed(options)}{hint}")
        return text

    def number_within(self, column: str, low: float, high: float, rule: str) -> float:
        """Return a finite number in [``low``, ``high``]."""
        text = self.cells[column]
        try:
            value = math.nan if "_" in text else float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise self.refusal(column, rule)
        return value


def _line(record: tuple[int, list[str]], columns: Sequence[str], source: str) -> _Line:
    number, fields = record
    if len(fields) != len(columns):
        raise InputError(
            f"{source}, line {number}: {len(fields)} fields, the header has {len(columns)}"
        )
    texts = (unicodedata.normalize("NFC", text.strip()) for text in fields)
    return _Line(source, number, dict(zip(columns, texts, strict=True)))


def _council(line: _Line) -> _Council:
    kind = line.choice("type", COUNCIL_TYPES)
    return _Council(
        type=kind,
        name=line.needed_text("name"),
        region=line.needed_text("region"),
        county=line.text("county"),
        population=_population(line),
        latitude=_degrees(line, "latitude", 90.0),
        longitude=_degrees(line, "longitude", 180.0),
        control=line.choice("control", CONTROLS, blank=""),
        election_cycle=line.choice(
            "election_cycle", ELECTION_CYCLES, blank=USUAL_ELECTION_CYCLE[kind]
        ),
    )


def _population(line: _Line) -> float:
    rule = f"must be a positive number of persons, at most {MOST_PERSONS:,.0f}"
    return line.number_within("population", math.ulp(0.0), MOST_PERSONS, rule)


def _degrees(line: _Line, column: str, limit: float) -> float:
    rule = f"must be a number of degrees from {-limit:g} to {limit:g}"
    return line.number_within(column, -limit, limit, rule)


def _check_size(lines: Sequence[_Line], source: str) -> None:
    if not lines:
        raise InputError(f"{source}: no councils below the header; a register needs at least one")
    if len(lines) > MOST_COUNCILS:
        number = lines[MOST_COUNCILS].number
        raise InputError(f"{source}, line {number}: more than {MOST_COUNCILS:,} councils")


def _check_unique(lines: Sequence[_Line]) -> None:
    first: dict[tuple[str, str], int] = {}
    for line in lines:
        kind, name = line.cells["type"], line.cells["name"]
        if first.setdefault((kind, name), line.number) != line.number:
            rule = f"is already a {_quoted(kind)} on line {first[kind, name]}; give it once"
            raise line.refusal("name", rule)


def _register(councils: Sequence[_Council], raw: bytes, source: str) -> Register:
    return Register(
        name=tuple(council.name for council in councils),
        type=tuple(council.type for council in councils),
        region=tuple(council.region for council in councils),
        county=tuple(council.county for council in councils),
        population=_frozen([council.population for council in councils]),
        latitude=_frozen([council.latitude for council in councils]),
        longitude=_frozen([council.longitude for council in councils]),
        control=tuple(council.control for council in councils),
        election_cycle=tuple(council.election_cycle for council in councils),
        raw=raw,
        source=source,
    )


def _frozen(values: ArrayLike) -> FloatArray:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)


def _quoted(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:57] + "...")


def kilometres(
    latitude: ArrayLike, longitude: ArrayLike, to_latitude: ArrayLike, to_longitude: ArrayLike
) -> FloatArray:
    """Return great-circle distances in kilometres between positions in degrees, broadcast."""
    south, west, north, east = map(np.radians, (latitude, longitude, to_latitude, to_longitude))
    chord = (
        np.sin((north - south) / 2) ** 2
        + np.cos(south) * np.cos(north) * np.sin((east - west) / 2) ** 2
    )
    return np.asarray(2 * EARTH_RADIUS_KILOMETRES * np.arcsin(np.sqrt(np.minimum(chord, 1.0))))


def parents(register: Register) -> IntArray:
    """Return the index of each district's county, and -1 for all others; shape (councils,).

    A district whose county is not in the register has none, -1.
    """
    counties = {
        name: index
        for index, (name, kind) in enumerate(zip(register.name, register.type, strict=True))
        if kind == "county"
    }
    return np.array(
        [
            counties.get(county, -1) if kind == "district" else -1
            for county, kind in zip(register.county, register.type, strict=True)
        ],
        dtype=np.int64,
    )


def neighbours(register: Register) -> tuple[IntArray, IntArray]:
    """Return who borders whom, as edges (i, j) with i < j, sorted; two arrays of one length.

    A register holds points, not borders, so borders are estimated: the councils that govern ground
    directly are triangulated by position, and a side is kept where it is neither long for its
    surroundings nor facing a wide angle. Of England's lower-tier borders on the map 85% are found,
    and 86% of those found are on the map. A council far from all others may have no neighbour.

    A county borders what any of its districts borders: other counties, and unitary, metropolitan
    and London councils. A county and its own districts are not neighbours; ``parents`` relates
    them.
    """
    county = parents(register)
    is_county = np.array([kind == "county" for kind in register.type])
    ground = np.flatnonzero(~is_county | ~np.isin(np.arange(len(register)), county))
    sides = ground[_touching(_plane(register.latitude[ground], register.longitude[ground]))]
    lower = sides[~is_county[sides].any(axis=1)]
    governing = np.where(county < 0, np.arange(len(register)), county)[sides]
    upper = governing[is_county[governing].any(axis=1)]
    edges = _distinct(np.concatenate([lower, upper]))
    return edges[:, 0], edges[:, 1]


def neighbour_graph(register: Register) -> networkx.Graph[int]:
    """Return the graph of ``neighbours``: a node an index, with its name and type.

    The attribute ``kilometres`` of an edge is the great-circle distance between the two positions.
    """
    import networkx

    graph: networkx.Graph[int] = networkx.Graph()
    for index, (name, kind) in enumerate(zip(register.name, register.type, strict=True)):
        graph.add_node(index, name=name, type=kind)
    for i, j, distance in zip(*_measured_neighbours(register), strict=True):
        graph.add_edge(int(i), int(j), kilometres=float(distance))
    return graph


def _measured_neighbours(register: Register) -> tuple[IntArray, IntArray, FloatArray]:
    i, j = neighbours(register)
    latitude, longitude = register.latitude, register.longitude
    return i, j, kilometres(latitude[i], longitude[i], latitude[j], longitude[j])


def _plane(latitude: FloatArray, longitude: FloatArray) -> FloatArray:
    """Project positions in degrees to kilometres on a plane; shape (points, 2), no two alike.

    Lambert's equal-area projection about the mean position.
    """
    phi, theta = np.radians(latitude), np.radians(longitude)
    sphere = np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)])
    centre = [math.fsum(axis) for axis in sphere]
    middle = math.atan2(centre[2], math.hypot(centre[0], centre[1]))
    east = theta - math.atan2(centre[1], centre[0])
    cosine = np.sin(phi) * math.sin(middle) + np.cos(phi) * math.cos(middle) * np.cos(east)
    scale = EARTH_RADIUS_KILOMETRES * np.sqrt(2 / np.maximum(1 + cosine, 1e-9))
    x = scale * np.cos(phi) * np.sin(east)
    y = scale * (np.sin(phi) * math.cos(middle) - np.cos(phi) * math.sin(middle) * np.cos(east))
    return _set_apart(np.column_stack([x, y]))


def _set_apart(points: FloatArray) -> FloatArray:
    """Move points that share a position a few metres along a spiral, in their order."""
    _, place = np.unique(np.round(points, 4), axis=0, return_inverse=True)
    rank = _rank_within(place.ravel())
    turn = rank * math.pi * (3 - math.sqrt(5))
    step = 0.01 * np.sqrt(rank)
    return points + np.column_stack([step * np.cos(turn), step * np.sin(turn)])


def _rank_within(group: IntArray) -> IntArray:
    """Return how many of the same group come before each entry."""
    many = np.bincount(group)
    rank = np.empty(len(group), dtype=np.int64)
    rank[np.argsort(group, kind="stable")] = np.arange(len(group)) - np.repeat(
        np.cumsum(many) - many, many
    )
    return rank


def _touching(points: FloatArray) -> IntArray:
    """Return the pairs of points taken to border one another; shape (pairs, 2)."""
    if len(points) < 3 or _on_one_line(points):
        return _near(points, _chain(points))
    triangles, strays = _triangulated(points)
    sides = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=2)
    pairs, place = np.unique(sides.reshape(-1, 2), axis=0, return_inverse=True)
    wide = np.bincount(place.ravel(), weights=_faces_wide_angle(points, sides).ravel()) > 0
    return np.concatenate([_near(points, pairs, ~wide), strays])


def _on_one_line(points: FloatArray) -> bool:
    extent = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(extent[1] <= 1e-6 * extent[0])


def _chain(points: FloatArray) -> IntArray:
    """Join points on one line in their order along it."""
    centred = points - points.mean(axis=0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    order = np.argsort(centred @ axis, kind="stable").astype(np.int64)
    return np.column_stack([order[:-1], order[1:]])


def _triangulated(points: FloatArray) -> tuple[IntArray, IntArray]:
    """Return Delaunay triangles, shape (triangles, 3), and pairs that tie points left out of them.

    The triangulation leaves out a point that lies within rounding error of another.
    """
    from scipy.spatial import Delaunay

    triangulation = Delaunay(points)
    strays = triangulation.coplanar[:, [0, 2]]
    return triangulation.simplices.astype(np.int64), strays.astype(np.int64)


def _faces_wide_angle(points: FloatArray, sides: IntArray) -> BoolArray:
    """Say of each side whether the angle that it faces is too wide.

    ``sides`` has shape (triangles, 3, 2), the result (triangles, 3).
    """
    across = _lengths(points, sides)
    left, right = np.roll(across, 1, axis=1), np.roll(across, 2, axis=1)
    widest = math.cos(math.radians(WIDEST_ANGLE))
    return np.asarray(left**2 + right**2 - across**2 < 2 * widest * left * right)


def _near(points: FloatArray, pairs: IntArray, allowed: BoolArray | bool = True) -> IntArray:
    """Keep the allowed pairs that are not long for the spacing of points around both ends."""
    lengths = _lengths(points, pairs)
    spacing = _spacing(pairs, lengths, len(points))
    limit = LONGEST_SIDE * np.sqrt(spacing[pairs[:, 0]] * spacing[pairs[:, 1]])
    return pairs[(lengths <= limit) & allowed]


def _spacing(pairs: IntArray, lengths: FloatArray, points: int) -> FloatArray:
    """Return the lower quartile of the lengths of each point's pairs; shape (points,)."""
    ends, lengths = pairs.T.ravel(), np.tile(lengths, 2)
    many = np.bincount(ends, minlength=points)
    quartile = np.cumsum(many) - many + (many - 1) // 4
    ordered = lengths[np.lexsort((lengths, ends))]
    spacing: FloatArray = np.append(ordered, 0.0)[np.clip(quartile, 0, len(ordered))]
    return spacing


def _lengths(points: FloatArray, pairs: IntArray) -> FloatArray:
    return np.asarray(np.linalg.norm(points[pairs[..., 0]] - points[pairs[..., 1]], axis=-1))


def _distinct(pairs: IntArray) -> IntArray:
    """Return the pairs of unlike indices, lower index first, each once, sorted."""
    unlike = pairs[pairs[:, 0] != pairs[:, 1]]
    return np.unique(np.sort(unlike, axis=1), axis=0)
