"""The files of a sweep: how they are called, what they hold, how they are written and checked.

A sweep's runs are numbered, and every ``part_runs`` consecutive ones make a part: one Parquet file
of runs and one of their quarters. Until a part is whole its runs wait in the journal, in chunks.
Each file carries the checksum of its content in its name, so that damage shows without an index,
and what a file holds depends on its runs alone, so that equal sweeps are equal to the byte.
"""

import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq
from pydantic import Field, TypeAdapter, ValidationError

from results.store import first_fault, write_bytes
from simulation.errors import InputError
from simulation.outcomes import OUTCOMES

MANIFEST = "sweep.json"
REGISTER = "register.csv"
POINTS = "points.parquet"
SAMPLES = "samples.parquet"
RUNS, QUARTERS, JOURNAL, REPLAYS = "runs", "quarters", "journal", "replays"
FOLDERS = (RUNS, QUARTERS, JOURNAL)

PART_RUNS = 250
"""Runs in a part, unless a sweep says otherwise."""

_RUN_KEYS = [("run", pa.int64()), ("point", pa.int32()), ("policy", pa.string())]
_RUN_KEYS += [("sample", pa.int32()), ("replication", pa.int32())]
_VALUES = [(name, pa.float32()) for name in OUTCOMES]
_FATE = [("seed", pa.int64()), ("stage", pa.string()), ("error", pa.string())]
RUNS_SCHEMA = pa.schema([*_RUN_KEYS, *_FATE, *_VALUES])
"""One row a run; a run that failed has a stage, an error and no outcomes."""
QUARTERS_SCHEMA = pa.schema([*_RUN_KEYS, ("quarter", pa.int32()), *_VALUES])
"""One row a run that ended well and quarter."""
SCHEMAS = {RUNS: RUNS_SCHEMA, QUARTERS: QUARTERS_SCHEMA}

_PART = re.compile(r"(\d{6,})-([0-9a-f]{16})\.parquet")
_CHUNK = re.compile(r"(\d{9,})-(\d{4,})-([0-9a-f]{16})\.arrow")
_LEFT = re.compile(r"\..*\.\d+\.part")


@dataclass(frozen=True)
class Layout:
    """How many runs a sweep has and how they fall into parts, of which this place makes a share.

    Attributes:
        runs: number of runs of the whole design.
        part_runs: runs in a part; the last part may have fewer.
        share: which share of the parts, counted from 1, and of how many.
    """

    runs: int
    part_runs: int = PART_RUNS
    share: tuple[int, int] = (1, 1)

    @property
    def parts(self) -> range:
        """The parts of this share."""
        which, many = self.share
        return range(which - 1, -(-self.runs // self.part_runs), many)

    def runs_of(self, part: int) -> range:
        """Return the runs of ``part``."""
        first = part * self.part_runs
        return range(first, min(first + self.part_runs, self.runs))

    def part_of(self, run: int) -> int:
        """Return the part to which ``run`` belongs."""
        return run // self.part_runs

    @property
    def asked(self) -> int:
        """Number of runs of this share."""
        return sum(len(self.runs_of(part)) for part in self.parts)


@dataclass(frozen=True)
class Tables:
    """What some runs gave: a row a run, and a row a run and quarter."""

    runs: pa.Table
    quarters: pa.Table

    @classmethod
    def joined(cls, several: Sequence["Tables"]) -> "Tables":
        """Return the rows of ``several`` in the order of their runs, each run once."""
        kept: list[Tables] = []
        seen: set[int] = set()
        for tables in several:
            fresh = [run for run in tables.numbers if run not in seen]
            seen.update(fresh)
            kept.append(tables if len(fresh) == len(tables.runs) else tables.only(fresh))
        runs = pa.concat_tables([RUNS_SCHEMA.empty_table(), *(each.runs for each in kept)])
        quarters = pa.concat_tables(
            [QUARTERS_SCHEMA.empty_table(), *(each.quarters for each in kept)]
        )
        order = [("run", "ascending"), ("quarter", "ascending")]
        return cls(runs.sort_by(order[:1]), quarters.sort_by(order))

    @property
    def numbers(self) -> list[int]:
        """The numbers of the runs, as they stand."""
        numbers: list[int] = self.runs["run"].to_pylist()
        return numbers

    def only(self, runs: Iterable[int]) -> "Tables":
        """Return the rows of ``runs`` alone."""
        wanted = pa.array(list(runs), pa.int64())
        return Tables(
            *(each.filter(pc.is_in(each["run"], wanted)) for each in (self.runs, self.quarters))
        )


# What a manifest says


class _StoredPolicy(TypedDict):
    name: str
    levers: dict[str, Any]


class _StoredDesign(TypedDict):
    years: Annotated[int, Field(ge=1)]
    seed: int
    replicates: Annotated[int, Field(ge=1)]
    baseline: str
    policies: Annotated[list[_StoredPolicy], Field(min_length=1)]
    vary: dict[str, dict[str, Any] | None]


class _StoredSweep(TypedDict):
    """What must be in a manifest for a sweep to be read; there may be more."""

    design: _StoredDesign
    factors: dict[str, Literal["lever", "assumption"]]
    points: Annotated[int, Field(ge=1)]
    runs: Annotated[int, Field(ge=1)]
    part_runs: Annotated[int, Field(ge=1)]
    share: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    environment: dict[str, Any]
    files: dict[Annotated[str, Field(pattern=r"^\w+\.\w+$")], str]


def parse_manifest(content: bytes, path: Path) -> dict[str, Any]:
    """Return what the ``content`` of a sweep's manifest at ``path`` says.

    Raises:
        InputError: it is not JSON, or a field is missing or wrong.
    """
    try:
        manifest: dict[str, Any] = json.loads(content)
        TypeAdapter(_StoredSweep).validate_json(content, strict=True)
    except ValidationError as error:
        raise InputError(f"{path}: damaged, or not of a sweep: {first_fault(error)}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged, not JSON: {error}") from None
    _check_counts(manifest, path)
    return manifest


def _check_counts(manifest: Mapping[str, Any], path: Path) -> None:
    design, (which, many) = manifest["design"], manifest["share"]
    if manifest["runs"] != manifest["points"] * len(design["policies"]) * design["replicates"]:
        raise InputError(
            f"{path}: damaged: runs = {manifest['runs']}: must be points x policies x replicates"
        )
    if which > many:
        raise InputError(f"{path}: damaged: share = [{which}, {many}]: there is no such share")


def layout_in(manifest: Mapping[str, Any]) -> Layout:
    """Return how the runs of a sweep fall into parts, by its manifest."""
    which, many = manifest["share"]
    return Layout(manifest["runs"], manifest["part_runs"], (which, many))


# Content


def checksum(content: bytes) -> str:
    """Return the sixteen hexadecimal digits by which a file's name vouches for its content."""
    return hashlib.sha256(content).hexdigest()[:16]


def parquet(table: pa.Table) -> bytes:
    """Return ``table`` as Parquet: zstd, and values split by byte so that alike bytes meet."""
    values = [name for name in table.column_names if name in OUTCOMES]
    keys = [name for name in table.column_names if name not in OUTCOMES]
    sink = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(None),
        sink,
        compression="zstd",
        use_dictionary=keys,
        column_encoding=dict.fromkeys(values, "BYTE_STREAM_SPLIT") or None,
        write_statistics=keys,
        store_schema=False,
    )
    return sink.getvalue()


def packed(tables: Tables) -> bytes:
    """Return what a chunk holds: the two tables as Arrow streams, one after the other."""
    sink = io.BytesIO()
    for table in (tables.runs, tables.quarters):
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return sink.getvalue()


def unpacked(content: bytes) -> Tables:
    """Return the tables of a chunk."""
    source = pa.BufferReader(content)
    return Tables(*(pa.ipc.open_stream(source).read_all() for _ in SCHEMAS))


# Writing


def write_durably(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` whole or not at all, and see to it that it stays."""
    write_bytes(path, content)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """See to it that the names in ``folder`` outlast a fall of the power."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_chunk(directory: Path, part: int, tables: Tables) -> Path:
    """Write a chunk of ``part`` and return its path."""
    content = packed(tables)
    folder = directory / JOURNAL / f"{part:06d}"
    if not folder.is_dir():
        folder.mkdir(parents=True)
        sync_folder(folder.parent)
    numbers = tables.numbers
    path = folder / f"{numbers[0]:09d}-{len(numbers):04d}-{checksum(content)}.arrow"
    write_durably(path, content)
    return path


def write_part(directory: Path, part: int, tables: Tables) -> None:
    """Write both files of ``part``; the one of runs comes last and makes the part whole."""
    for folder, table in ((QUARTERS, tables.quarters), (RUNS, tables.runs)):
        content = parquet(table)
        write_durably(directory / folder / f"{part:06d}-{checksum(content)}.parquet", content)


def compact(directory: Path, part: int, runs: range) -> None:
    """Make the journal's chunks of ``part``, which hold all of its ``runs``, into a part.

    Raises:
        InputError: a chunk is damaged or gone.
    """
    chunks = list(chunks_of(directory, part))
    for chunk in chunks:
        if not sound(chunk):
            raise InputError(f"{chunk}: damaged; add --resume to make its runs again")
    joined = Tables.joined([unpacked(each.read_bytes()) for each in chunks])
    if joined.numbers != list(runs):
        folder = directory / JOURNAL / f"{part:06d}"
        raise InputError(f"{folder}: chunks are gone; add --resume to make their runs again")
    write_part(directory, part, joined)
    drop_chunks(directory, part)


def drop_chunks(directory: Path, part: int) -> None:
    """Remove the journal's chunks of ``part``."""
    shutil.rmtree(directory / JOURNAL / f"{part:06d}", ignore_errors=True)


def remove_unfinished(directory: Path) -> None:
    """Remove files that a killed process was at work on."""
    for path in directory.rglob(".*.part"):
        if _LEFT.fullmatch(path.name):
            path.unlink(missing_ok=True)


def read_part(files: Mapping[str, Path]) -> Tables:
    """Return what a part holds; ``files`` are its two, by folder."""
    return Tables(*(pq.read_table(files[folder], schema=SCHEMAS[folder]) for folder in SCHEMAS))


# Finding


def parts_in(directory: Path, folder: str) -> dict[int, list[Path]]:
    """Return the files of parts in ``folder`` by part, in order."""
    found: dict[int, list[Path]] = {}
    for path in sorted(_files(directory / folder)):
        if name := _PART.fullmatch(path.name):
            found.setdefault(int(name[1]), []).append(path)
    return found


def whole_parts(directory: Path) -> dict[int, dict[str, Path]]:
    """Return the files of every part that has both, by part and folder, in order."""
    found = {folder: parts_in(directory, folder) for folder in SCHEMAS}
    return {
        part: {folder: found[folder][part][0] for folder in SCHEMAS}
        for part in found[RUNS]
        if part in found[QUARTERS]
    }


def journal_parts(directory: Path) -> list[int]:
    """Return the parts of which the journal has chunks, in order."""
    return sorted(int(path.name) for path in _files(directory / JOURNAL) if path.name.isdecimal())


def chunks_of(directory: Path, part: int) -> Iterator[Path]:
    """Yield the chunks of ``part`` in the journal, in order."""
    for path in sorted(_files(directory / JOURNAL / f"{part:06d}")):
        if _CHUNK.fullmatch(path.name):
            yield path


def sound(path: Path) -> bool:
    """Say whether a file of a part or chunk holds what its name vouches for."""
    return _vouched(path, path.read_bytes())


def _vouched(path: Path, content: bytes) -> bool:
    name = _PART.fullmatch(path.name) or _CHUNK.fullmatch(path.name)
    return name is not None and checksum(content) == name[name.lastindex or 0]


@dataclass(frozen=True)
class _Footer:
    """What the footer of a part's file says, without a look at its rows.

    Attributes:
        rows: how many.
        first, last: the lowest and the highest number of a run; None where there are no rows.
        length: highest quarter; None in a file of runs, or where there are no rows.
        well: runs that ended well; 0 in a file of quarters.
    """

    rows: int
    first: int | None
    last: int | None
    length: int | None
    well: int


def _footer(path: Path, schema: pa.Schema) -> _Footer | None:
    """Return what the footer of ``path`` says; None if it is no file of a part."""
    try:
        with pa.OSFile(str(path)) as file:
            about = pq.read_metadata(file)
        return _said(about, schema)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, LookupError, AttributeError, TypeError):
        return None


def _said(about: pq.FileMetaData, schema: pa.Schema) -> _Footer:
    groups = [about.row_group(n) for n in range(about.num_row_groups)]
    filled = [group for group in groups if group.num_rows]
    runs, quarters, stages = (
        [_statistics(group, schema, name) for group in filled]
        for name in ("run", "quarter", "stage")
    )
    return _Footer(
        rows=about.num_rows,
        first=min((each.min for each in runs), default=None),
        last=max((each.max for each in runs), default=None),
        length=max((each.max for each in quarters if each), default=None),
        well=sum(each.null_count for each in stages if each),
    )


def _statistics(group: pq.RowGroupMetaData, schema: pa.Schema, name: str) -> Any:
    """Return what is said of the values of a column; None if the schema has no such column."""
    place = schema.get_field_index(name)
    if place < 0:
        return None
    column = group.column(place)
    if column.path_in_schema != name:
        raise KeyError(name)
    return column.statistics


def misfit(files: Mapping[str, Path], runs: range) -> Path | None:
    """Return the file of a part that by its footer is no part of ``runs``; None if both are.

    A part may hold the first of its runs alone: those of a sweep that is being lengthened. Rows are
    not looked at; `sound` says whether they are those that were written.
    """
    ended, quarters = (_footer(files[folder], SCHEMAS[folder]) for folder in (RUNS, QUARTERS))
    if ended is None or (ended.first, ended.last) != (runs.start, runs.start + ended.rows - 1):
        return files[RUNS]
    if ended.rows > len(runs):
        return files[RUNS]
    if quarters is None or quarters.rows != ended.well * (quarters.length or 1):
        return files[QUARTERS]
    outside = quarters.rows and (quarters.first not in runs or quarters.last not in runs)
    return files[QUARTERS] if outside else None


def chunk_in(path: Path, runs: range | None) -> Tables | None:
    """Return what a chunk holds; None if it is damaged, or holds a run besides ``runs``."""
    content = path.read_bytes()
    if not _vouched(path, content):
        return None
    tables = unpacked(content)
    return tables if runs is None or {*tables.numbers} <= {*runs} else None


def held_runs(directory: Path, layout: Layout | None = None) -> set[int]:
    """Return the numbers of the runs that sound files of ``directory`` hold.

    With ``layout``, of those files alone whose runs are those of their part.
    """
    held: set[int] = set()
    for part, files in whole_parts(directory).items():
        fits = layout is None or not misfit(files, layout.runs_of(part))
        if fits and all(map(sound, files.values())):
            held.update(pq.read_table(files[RUNS], columns=["run"])["run"].to_pylist())
    for part in journal_parts(directory):
        runs = layout.runs_of(part) if layout else None
        for chunk in chunks_of(directory, part):
            if tables := chunk_in(chunk, runs):
                held.update(tables.numbers)
    return held


def holds_runs(directory: Path) -> bool:
    """Say whether ``directory`` holds any runs, whatever their state."""
    return any(_files(directory / folder) for folder in (RUNS, JOURNAL))


def _files(folder: Path) -> Iterable[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def table_of(columns: dict[str, list[Any]], schema: pa.Schema) -> pa.Table:
    """Return ``columns`` as a table of ``schema``."""
    return pa.table({name: pa.array(columns[name], schema.field(name).type) for name in columns})
