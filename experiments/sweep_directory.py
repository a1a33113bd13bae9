"""The directory of a sweep: made, taken up again, or refused in words."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.designs import POINTS as OWN_POINTS
from experiments.installation import DECIDING, installed_files, surroundings
from results.store import write_json
from results.sweep_files import (
    FOLDERS,
    MANIFEST,
    POINTS,
    REGISTER,
    SAMPLES,
    Layout,
    parse_manifest,
    sync_folder,
    write_durably,
)
from simulation.assumptions import Assumptions
from simulation.errors import InputError
from simulation.parameters import parameters

if TYPE_CHECKING:
    from experiments.designs import Design

MOST_DIFFERENCES = 3


def layout_at(design: Design, place: Path, layout: Layout, *, resume: bool, more: bool) -> Layout:
    """Return ``layout`` with the size of parts that a sweep at ``place`` already has.

    Args:
        design: what is to be made there.
        place: of the directory; nothing in it is changed.
        layout: of a sweep that begins there.
        resume: whether a sweep that it holds is to be taken up again.
        more: whether that sweep may have fewer replications than the design.

    Raises:
        InputError: it holds something else, or a sweep that is not to be resumed or is of another
            design, share or version.
    """
    known = stored_manifest(place)
    if known is None:
        _check_free(place)
        return layout
    if not resume:
        raise InputError(f"{place}: holds a sweep already; add --resume to go on with it")
    _check_same(known, manifest(design, layout, {}), place, more=more)
    return replace(layout, part_runs=known["part_runs"])


def begin(design: Design, place: Path, layout: Layout) -> None:
    """Write what describes the sweep into ``place``: the manifest last, with which it is a sweep.

    Raises:
        OSError: the disk refuses it.
    """
    place.mkdir(parents=True, exist_ok=True)
    for folder in FOLDERS:
        (place / folder).mkdir(exist_ok=True)
    contents = {
        **design.kept,
        POINTS: _parquet(points_of(design)),
        SAMPLES: _parquet(samples_of(design)),
    }
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    said = manifest(design, layout, digests)
    if stored_manifest(place) == said and all(_holds(place, *each) for each in digests.items()):
        return
    for name, content in contents.items():
        write_durably(place / name, content)
    write_json(place / MANIFEST, said)
    sync_folder(place)


def _holds(place: Path, name: str, digest: str) -> bool:
    path = place / name
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def stored_manifest(place: Path) -> dict[str, Any] | None:
    """Return what the manifest of the sweep at ``place`` says; None where there is none.

    Raises:
        InputError: it is damaged, or cannot be read.
    """
    path = place / MANIFEST
    try:
        return parse_manifest(path.read_bytes(), path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def manifest(design: Design, layout: Layout, files: Mapping[str, str]) -> dict[str, Any]:
    """Return what the manifest says of a sweep; ``files`` are checksums by name."""
    return {
        "kind": "sweep",
        "tenderlab": version("tenderlab"),
        "design_id": design.identity,
        "family": design.family,
        "design": design.effective(),
        "factors": {factor.name: factor.of for factor in design.factors},
        "points": len(design),
        "runs": layout.runs,
        "part_runs": layout.part_runs,
        "share": list(layout.share),
        "environment": environment(),
        "files": dict(files),
    }


@cache
def environment() -> dict[str, Any]:
    """Return what decides the bits of a sweep, without naming the machine."""
    return {**surroundings(DECIDING), "tenderlab": installed_files()}


# Refusing


def _check_free(place: Path) -> None:
    """Refuse a place that holds anything but what a sweep left that was killed as it began."""
    beginnings = {REGISTER, OWN_POINTS, POINTS, SAMPLES, *FOLDERS}
    try:
        content = {path.name for path in place.iterdir() if not path.name.endswith(".part")}
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{place}: cannot hold a sweep: {error.strerror}") from None
    if content - beginnings:
        raise InputError(f"{place}: is not empty, nothing was changed; choose another --out")


def _check_same(
    known: Mapping[str, Any], asked: Mapping[str, Any], place: Path, *, more: bool
) -> None:
    """Refuse to go on with another design, another share, or under other versions."""
    if not (known.get("design_id") == asked["design_id"] or (more and _grows(known, asked))):
        raise InputError(
            f"{place}: holds a sweep of another design ({_told(known, asked, 'design')}); "
            "nothing was changed; choose another --out"
        )
    if known.get("share") != asked["share"]:
        raise InputError(
            f"{place}: holds part {_share(known)} of the design, not part {_share(asked)}; "
            "nothing was changed; choose another --out"
        )
    if _versions(known) != _versions(asked):
        raise InputError(
            f"{place}: was made under other versions ({_told(known, asked, 'environment')}); "
            "go on under the same, or choose another --out"
        )


def _grows(known: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Say whether what is asked is what is known, with more replications."""
    same: bool = known.get("family") == asked["family"]
    return same and known["runs"] <= asked["runs"]


def _versions(of: Mapping[str, Any]) -> tuple[Any, Any]:
    return of.get("tenderlab"), of.get("environment")


def _share(of: Mapping[str, Any]) -> str:
    return "/".join(map(str, of.get("share", ())))


def _told(known: Mapping[str, Any], asked: Mapping[str, Any], field: str) -> str:
    """Say in which entries of ``field`` two manifests differ."""
    there, here = (dict(_flat(of.get(field), "")) for of in (known, asked))
    names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
    shown = [
        f"{name} is {_short(there.get(name))} there and {_short(here.get(name))} here"
        for name in names[:MOST_DIFFERENCES]
    ]
    more = len(names) - len(shown)
    return "; ".join([*shown, f"{more} more differences"] if more else shown) or "its version"


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            for key, item in value.items():
                yield from _flat(item, f"{name}.{key}" if name else str(key))
        case list() if len(value) <= 20:
            for place, item in enumerate(value):
                yield from _flat(item, f"{name}[{place}]")
        case _:
            yield name, value


def _short(value: Any) -> str:
    text = "not there" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


# What stands beside the runs


def points_of(design: Design) -> pa.Table:
    """Return the points: their number, and a column a factor."""
    number = pa.array(range(len(design)), pa.int32())
    return pa.table({"point": number, **dict(design.points.columns)})


def samples_of(design: Design) -> pa.Table:
    """Return the samples of the assumptions that are not factors: a row a sample."""
    question, factors = design.question, {factor.name for factor in design.factors}
    names = [name for name in parameters(Assumptions) if name not in factors]
    step = len(design) * len(question.policies)
    many = question.replicates if question.sampled else 1
    drawn = [design.run(sample * step).assumptions for sample in range(many)]
    columns = {name: [getattr(one, name) for one in drawn] for name in names}
    return pa.table({"sample": pa.array(range(many), pa.int32()), **columns})


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
