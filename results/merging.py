"""Merging sweeps of one design: shares made on several machines, or more replications."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from results.store import check_elsewhere, write_bytes, write_json
from results.sweep_files import (
    FOLDERS,
    MANIFEST,
    Layout,
    Tables,
    chunks_of,
    parquet,
    read_part,
    unpacked,
    whole_parts,
    write_chunk,
    write_part,
)
from results.sweeps import Sweep
from simulation.errors import InputError


def merge(directories: Sequence[Path | str], out: Path | str) -> Sweep:
    """Put sweeps of one design together in a new directory, and return what that holds.

    They may hold different shares of the design, or different numbers of its replications. The
    result has the most replications of any, and can be resumed if it lacks runs. A run that failed
    in one and ended well in another has ended well.

    Args:
        directories: of the sweeps; they stay as they are.
        out: a directory that is not there yet, or empty.

    Raises:
        InputError: they do not fit, one is damaged, two disagree on a run, or ``out`` cannot be
            written.
    """
    sweeps = [Sweep.open(directory) for directory in directories]
    if not sweeps:
        raise InputError("merging needs at least one sweep")
    _check_fit(sweeps)
    largest = max(sweeps, key=lambda one: one.layout.runs)
    with _making(Path(out)) as made:
        layout = _describe(largest, made)
        for part in layout.parts:
            _merge_part(sweeps, part, layout.runs_of(part), made)
    return Sweep.open(out)


def _check_fit(sweeps: Sequence[Sweep]) -> None:
    first = sweeps[0]
    for other in sweeps:
        for field, what in (
            ("family", "is a sweep of another design"),
            ("tenderlab", "was made by another version of tenderlab"),
            ("environment", "was made under other versions"),
            ("part_runs", "has files of another number of runs"),
        ):
            if other.manifest.get(field) != first.manifest.get(field):
                raise InputError(f"{other.path}: {what} than {first.path}; they do not fit")
        if damaged := other.check():
            raise InputError(f"{other.path}: damaged: {', '.join(damaged)}; resume it first")


@contextmanager
def _making(out: Path) -> Iterator[Path]:
    """Yield a directory beside ``out`` that takes its place once the block has ended well."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out}: is not empty, nothing was changed; choose another place")
    check_elsewhere(out)
    whole = Path(os.path.abspath(out))
    made = whole.with_name(f".{whole.name}.{os.getpid()}.part")
    try:
        for folder in FOLDERS:
            (made / folder).mkdir(parents=True)
        yield made
        if out.exists():
            out.rmdir()
        made.rename(whole)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _describe(largest: Sweep, made: Path) -> Layout:
    """Write what describes the merged sweep, and return how its runs fall into parts."""
    for name in largest.manifest["files"]:
        write_bytes(made / name, (largest.path / name).read_bytes())
    manifest = {**largest.manifest, "share": [1, 1]}
    write_json(made / MANIFEST, json.loads(json.dumps(manifest)))
    return Layout(largest.layout.runs, largest.layout.part_runs)


def _merge_part(sweeps: Sequence[Sweep], part: int, runs: range, made: Path) -> None:
    """Put what ``sweeps`` hold of one part into ``made``: a part if it is whole, or a chunk."""
    held = [(sweep, tables) for sweep in sweeps if (tables := _held(sweep, part))]
    for place, (sweep, tables) in enumerate(held):
        for other, more in held[:place]:
            _check_agreement(sweep, tables, other, more)
    joined = Tables.joined([_ended(each, well) for well in (True, False) for _, each in held])
    if joined.numbers == list(runs):
        write_part(made, part, joined)
    elif joined.numbers:
        write_chunk(made, part, joined)


def _held(sweep: Sweep, part: int) -> Tables | None:
    files: Mapping[int, Any] = whole_parts(sweep.path)
    if part in files:
        return read_part(files[part])
    chunks = [unpacked(path.read_bytes()) for path in chunks_of(sweep.path, part)]
    return Tables.joined(chunks) if chunks else None


def _ended(tables: Tables, well: bool) -> Tables:
    """Return the runs that ended well, or those that failed."""
    failed = tables.runs["stage"].is_valid().to_pylist()
    pairs = zip(tables.numbers, failed, strict=True)
    return tables.only(run for run, one in pairs if one != well)


def _check_agreement(one: Sweep, tables: Tables, other: Sweep, more: Tables) -> None:
    """Refuse sweeps in which the same run ended well in two ways."""
    here, there = _ended(tables, True), _ended(more, True)
    both = sorted({*here.numbers} & {*there.numbers})
    if both and _content(here.only(both)) != _content(there.only(both)):
        raise InputError(
            f"{one.path} and {other.path} disagree on runs {both[0]} to {both[-1]}; one of them "
            "was not made by the versions that it names"
        )


def _content(tables: Tables) -> tuple[bytes, bytes]:
    first, second = (parquet(pa.table(each)) for each in (tables.runs, tables.quarters))
    return first, second
