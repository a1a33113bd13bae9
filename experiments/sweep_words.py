"""What the command line says of a sweep."""

from __future__ import annotations

from typing import Any

from experiments import precision
from experiments.forecast import Forecast
from experiments.precision import Precise
from experiments.sweep import SweepConduct
from results.sweeps import Sweep

WIDEST = "the difference, at the point where it is widest,"


def text(done: SweepConduct, reached: Precise | None = None) -> str:
    """Say what is kept, and where; and how narrow intervals have become, where that was asked."""
    lines = [f"{done.stored:,} of {done.asked:,} runs are kept in {done.directory}"]
    if done.taken_over:
        lines[0] += f", {done.taken_over:,} of them from before"
    if done.status == "complete":
        lines.append(f'read them with results.sweeps.Sweep.open("{done.directory}")')
    said = precision.words(reached, WIDEST) if reached else []
    return "\n".join([*said, *lines])


def document(done: SweepConduct, reached: Precise | None = None) -> dict[str, Any]:
    """Return the same for JSON."""
    return {
        "directory": str(done.directory),
        "status": done.status,
        "asked": done.asked,
        "stored": done.stored,
        "failed": done.failed,
        "taken_over": done.taken_over,
        "damaged": list(done.damaged),
        **({"precision": precision.document(reached)} if reached else {}),
    }


def forecast_text(forecast: Forecast | None) -> str:
    """Say what a sweep will take."""
    return forecast.words() if forecast else "all runs are there already"


def forecast_document(forecast: Forecast | None) -> dict[str, Any]:
    """Return the same for JSON."""
    if forecast is None:
        return {"runs": 0}
    return {
        "runs": forecast.runs,
        "seconds": round(forecast.seconds, 1),
        "seconds_per_run": round(forecast.seconds_per_run, 4),
        "bytes": round(forecast.runs * forecast.bytes_per_run),
        "workers": forecast.workers,
        "measured": forecast.measured,
    }


def mended(done: SweepConduct) -> str:
    """Say which files were damaged; empty if none was."""
    if not done.damaged:
        return ""
    return f"damaged, removed and made again: {', '.join(done.damaged)}"


def interrupted(done: SweepConduct) -> str:
    """Say that a sweep was stopped, and how it goes on."""
    return (
        f"interrupted after {done.stored:,} of {done.asked:,} runs, which are kept in "
        f"{done.directory}; go on with --resume"
    )


def failures(done: SweepConduct) -> str:
    """Say how many runs failed, how the first did, and how to see it and the others."""
    failed = Sweep.open(done.directory).failed
    first = failed.iloc[0]
    return (
        f"{done.failed:,} of {done.stored:,} runs failed, the first of {first['policy']} at "
        f"{first['stage']}: {first['error']}; make it again with {first['replay']}; "
        f'all are in Sweep.open("{done.directory}").failed'
    )
