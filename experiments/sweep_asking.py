"""What the command ``sweep`` asks for, put together from what was typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.design_file import design_from, read_design
from experiments.designs import Design
from experiments.executors import Executor
from experiments.forecast import Forecast, check_room, check_writable, forecast
from experiments.precise_sweeps import first_look, sweep_precisely
from experiments.precision import MOST, Aim, Precise, aims_of
from experiments.runs import setting
from experiments.sweep import Progress, SweepConduct, layout_of, missing_runs, place_of, sweep
from results.sweeps import read_manifest
from simulation.errors import InputError


@dataclass(frozen=True)
class SweepAsked:
    """A sweep that is asked for.

    Attributes:
        design: which runs.
        place: directory of the sweep.
        share: which share of the design is made there, from 1, and of how many.
        resume: whether a sweep that is there is gone on with.
        more: whether that sweep may have fewer replications.
        aims: how narrow intervals shall be; with none, the design says how many replications.
        most: replications that are not exceeded on the way there.
    """

    design: Design
    place: Path
    share: tuple[int, int] = (1, 1)
    resume: bool = False
    more: bool = False
    aims: tuple[Aim, ...] = ()
    most: int = MOST


def asked(
    path: Path,
    out: Path | None,
    share: tuple[int, int] | None,
    *,
    resume: bool,
    more: bool,
    widths: Sequence[str] = (),
    most: int | None = None,
) -> SweepAsked:
    """Return what is asked for.

    Args:
        path: of a design file, or of the directory of a sweep.
        out: directory of the sweep, if one is named.
        share: which share of the design, if one is named.
        resume: whether a sweep that is there is gone on with.
        more: whether that sweep may have fewer replications.
        widths: ``OUTCOME=WIDTH`` texts, each how narrow intervals shall be.
        most: replications that are not exceeded on the way there.

    Raises:
        InputError: there is no such design, it or a width is wrong, or a share is to be precise.
    """
    aims = aims_of(widths)
    found = _found(path, out, share, resume, more)
    if not aims:
        return found
    if found.share != (1, 1):
        raise InputError("--precision: looks at all runs of a design; --part makes a share of them")
    return replace(found, aims=aims, most=most or MOST)


def _found(
    path: Path, out: Path | None, share: tuple[int, int] | None, resume: bool, more: bool
) -> SweepAsked:
    if path.is_dir():
        said = read_manifest(path)
        which, many = share or said["share"]
        design = design_from(said["design"], str(path), path)
        return SweepAsked(design, out or path, (which, many), resume, more)
    design, chosen = read_design(path), share or (1, 1)
    return SweepAsked(design, out or place_of(design, chosen), chosen, resume, more)


def foretell(asked: SweepAsked, workers: int | None) -> Forecast | None:
    """Return what the sweep will take, measured on a few runs; None if it has all its runs.

    Nothing is kept, nor changed.

    Raises:
        InputError: its place cannot be used, or has not enough room.
    """
    design, more = asked.design, asked.more
    if asked.aims:
        design, more = first_look(design, asked.place, asked.most, resume=asked.resume), True
    layout = layout_of(design, asked.place, resume=asked.resume, more=more, share=asked.share)
    check_writable(asked.place)
    runs = missing_runs(design, asked.place, layout)
    if not len(runs):
        return None
    needed = forecast(setting(design.question), runs, layout.part_runs, workers)
    check_room(needed, asked.place)
    return needed


def make(
    asked: SweepAsked, executor: Executor, progress: Progress | None = None
) -> tuple[SweepConduct, Precise | None]:
    """Make the sweep; where it was to be precise, return also what was reached.

    Raises:
        InputError: see `sweep`.
    """
    if asked.aims:
        return sweep_precisely(
            asked.design,
            asked.aims,
            asked.place,
            executor,
            most=asked.most,
            resume=asked.resume,
            progress=progress,
        )
    done = sweep(
        asked.design,
        asked.place,
        executor,
        resume=asked.resume,
        more=asked.more,
        share=asked.share,
        progress=progress,
    )
    return done, None
