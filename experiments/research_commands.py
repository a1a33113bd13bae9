"""Commands of the command line for experiments at research scale: sweeps and what is asked of them.

Nothing heavy is imported here; each command imports what it needs when it runs.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments.answering import INTERRUPTED, complain, free_file, tell
from experiments.interruption import Interruption, heed, interruption
from experiments.options import (
    FILE,
    SHARE,
    OneOf,
    Told,
    Whole,
    as_json,
    check_most,
    precise,
)

if TYPE_CHECKING:
    from experiments.sweep import SweepConduct
    from experiments.sweep_asking import SweepAsked


@click.command(cls=Told)
@click.argument("design", type=FILE, metavar="DESIGN|DIR")
@click.option("--out", type=FILE, help="Directory of the sweep.  [runs/<design id>]")
@click.option("--resume", is_flag=True, help="Go on with the sweep that is there, if one is.")
@click.option("--more", is_flag=True, help="The sweep that is there may have fewer replications.")
@precise
@click.option("--workers", type=Whole(1, 256), help="Processes.  [one a processor]")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers make the runs.")
@click.option("--part", type=SHARE, metavar="I/N", help="Make share I of N of the runs here.")
@click.option("--dry-run", is_flag=True, help="Say what it would take, and make nothing.")
@as_json
def sweep(
    design: Path,
    out: Path | None,
    resume: bool,
    more: bool,
    widths: tuple[str, ...],
    most: int | None,
    workers: int | None,
    scheduler: str | None,
    part: tuple[int, int] | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    r"""Make the runs of a design: levers and assumptions varied, policies paired.

    DESIGN is a design file. Says first how many runs, how long and how much disk, measured on a few
    of them. Stopped or killed at any moment, it loses only the runs at work: --resume goes on where
    it stopped, and takes the directory itself for DESIGN, too. A run that fails is kept as a row
    that says where and why. With --part, several machines share a design; tenderlab merge puts
    their directories together. With --precision, replications are added until the widest interval
    of any point is narrow enough. Exits with 1 where a run failed.

    \b
    Examples:
      tenderlab sweep design.yaml --dry-run
      tenderlab sweep design.yaml --workers 8
      tenderlab sweep runs/4f0c9e1a2b3d --resume
      tenderlab sweep design.yaml --part 2/3 --out second
      tenderlab sweep design.yaml --precision net_public_saving=50 --most 200
    """
    check_most(widths, most)
    try:
        with interruption() as stop:
            count, executor = _sweepers(workers, scheduler)  # workers load the model meanwhile
            from experiments import sweep_asking

            asked = sweep_asking.asked(
                design, out, part, resume=resume, more=more, widths=widths, most=most
            )
            return _sweep(asked, count, executor, stop, dry_run, as_json)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # impatience must not cut the last line short
        return complain("interrupted before the first run; nothing was changed", INTERRUPTED)


def _sweep(
    asked: SweepAsked,
    count: int,
    executor: Any,
    stop: Interruption,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Say what the sweep that is ``asked`` will take and make it, until the user says ``stop``."""
    from experiments import sweep_asking, sweep_words

    for note in asked.design.notes:
        complain(note, 0)
    told = sweep_asking.foretell(asked, count)
    heed(stop)
    if dry_run:
        tell(sweep_words.forecast_text(told), sweep_words.forecast_document(told), as_json)
        return 0
    click.echo(sweep_words.forecast_text(told), err=True)
    return _make_sweep(asked, executor, as_json)


def _sweepers(workers: int | None, scheduler: str | None) -> tuple[int, Any]:
    """Return how many processes make the runs of a sweep, and what holds them."""
    if scheduler is not None:
        from experiments.distributed import Cluster

        cluster = Cluster(scheduler=scheduler)
        return cluster.check(), cluster
    from experiments.executors import InProcess, LocalPool, default_workers

    count = workers or default_workers()
    if count == 1:
        return count, InProcess()
    from experiments.sweep import LOADED

    return count, LocalPool(count, LOADED)


def _make_sweep(asked: SweepAsked, executor: Any, as_json: bool) -> int:
    from experiments import sweep_asking
    from experiments.pace import sweep_progress

    try:
        with sweep_progress(sys.stderr) as progress:
            done, reached = sweep_asking.make(asked, executor, progress)
        return _tell_sweep(done, reached, as_json)
    except KeyboardInterrupt:
        return complain(
            f"interrupted; what was finished is kept in {asked.place}; go on with --resume",
            INTERRUPTED,
        )


def _tell_sweep(done: SweepConduct, reached: Any, as_json: bool) -> int:
    from experiments import sweep_words

    if mended := sweep_words.mended(done):
        complain(mended, 0)
    if done.status == "interrupted":
        return complain(sweep_words.interrupted(done), INTERRUPTED)
    tell(sweep_words.text(done, reached), sweep_words.document(done, reached), as_json)
    return complain(sweep_words.failures(done), 1) if done.failed else 0


@click.command(cls=Told)
@click.argument("directories", nargs=-1, required=True, type=FILE, metavar="DIR...")
@click.option("--out", type=FILE, required=True, help="Directory of the merged sweep.")
def merge(directories: tuple[Path, ...], out: Path) -> None:
    r"""Put sweeps of one design together: its shares, or more of its replications.

    \b
    Example:
      tenderlab merge first second third --out whole
    """
    from results.merging import merge as merging

    whole = merging(directories, out)
    click.echo(f"{whole.runs:,} of {whole.layout.asked:,} runs are kept in {out}")


@click.command(cls=Told)
@click.argument("directory", type=FILE, metavar="DIR")
@click.option("--outcome", default="net_public_saving", show_default=True, help="Of which outcome.")
@click.option("--policy", help="Under which policy.  [the only one besides the baseline]")
@click.option("--against", metavar="POLICY", help="Take this policy's outcome off, pair by pair.")
@click.option("--method", type=OneOf(["morris", "sobol", "pawn"]), help="  [what fits the design]")
@click.option("--out", type=FILE, help="Write a page (.html) or the table (.csv).")
@as_json
def sensitivity(
    directory: Path,
    outcome: str,
    policy: str | None,
    against: str | None,
    method: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    r"""Say what an outcome of a sweep depends on, factor by factor, ranked.

    Of an outcome under one policy, or with --against of its paired difference between two. A design
    of Morris gives sizes of effects, one of Saltelli shares of variance (Sobol), any other PAWN's
    distances, which suit skewed outcomes. Says so where the sample is too small.

    \b
    Examples:
      tenderlab sensitivity runs/4f0c9e1a2b3d
      tenderlab sensitivity runs/4f0c9e1a2b3d --against status-quo --out ranked.html
      tenderlab sensitivity runs/4f0c9e1a2b3d --outcome collapse_rate --method pawn --json
    """
    from experiments import sensitivity as asking
    from results.store import write_text
    from results.sweeps import Sweep

    kind = free_file(out, ".html", ".csv") if out else ""
    found = asking.sensitivity_of(Sweep.open(directory), outcome, policy, against, method)
    if out and kind == ".csv":
        write_text(out, asking.csv(found))
    elif out:
        asking.write_page(found, out)
    tell(asking.text(found), asking.document(found), as_json)
    _tell_where(out)


def _tell_where(out: Path | None) -> None:
    if out:
        click.echo(f"{out} is written", err=True)


@click.command(cls=Told)
@click.argument("directory", type=FILE, metavar="DIR")
@click.option("--outcome", default="net_public_saving", show_default=True, help="By which outcome.")
@click.option("--out", type=FILE, help="Write a page with charts (.html), too.")
@as_json
def switching(directory: Path, outcome: str, out: Path | None, as_json: bool) -> None:
    r"""Say which assumption turns the ranking of policies, and at which value.

    DIR is a comparison whose assumptions were sampled, or a sweep.

    \b
    Examples:
      tenderlab switching runs/4f0c9e1a2b3d
      tenderlab switching runs/4f0c9e1a2b3d --outcome sme_value_share --out turns.html
    """
    from experiments import switching as asking

    if out:
        free_file(out, ".html")
    found = asking.switching_in(directory, outcome)
    if out:
        asking.write_page(found, out)
    tell(asking.text(found), asking.document(found), as_json)
    _tell_where(out)


@click.command(cls=Told)
@click.argument("councils", type=int)
@click.option("--seed", type=Whole(0, 2**63 - 1), default=2006, show_default=True, help="Its luck.")
@click.option("--out", type=FILE, help="Write it to this file.  [standard output]")
def synthetic(councils: int, seed: int, out: Path | None) -> None:
    r"""Invent a register of as many councils as you like, as a CSV file.

    Types, sizes, clusters and elections are mixed as England's are. --register takes the file. The
    same number and seed give the same file.

    \b
    Examples:
      tenderlab synthetic 1000 --out councils.csv
      tenderlab synthetic 50 --seed 7 > small.csv
    """
    from simulation.synthetic import synthetic_bytes, write_synthetic

    if out is None:
        click.echo(synthetic_bytes(councils, seed).decode(), nl=False)
    else:
        write_synthetic(councils, seed, out)
        click.echo(f"{councils:,} invented councils are in {out}")


COMMANDS = (sweep, merge, sensitivity, switching, synthetic)
