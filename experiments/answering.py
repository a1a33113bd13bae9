"""How a command answers: on standard output, or in one line on standard error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from simulation.errors import InputError

INTERRUPTED = 130
"""Exit code of a command that the user stopped."""
LONGEST_ERROR = 1000
OWN = {
    "sweep.json": {"register.csv", "points.csv", "runs", "quarters", "journal", "replays"},
    "manifest.json": {"register.csv", "summary.csv", "report.html", "why.json", "events"},
}
"""Files and folders that belong to a directory in which there is such a manifest."""


def tell(text: str, document: object, as_json: bool) -> None:
    """Print ``text``, or ``document`` as JSON."""
    json_text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    click.echo(json_text if as_json else text)


def complain(message: str, code: int) -> int:
    """Print ``message`` as one line on standard error, and return the exit code ``code``."""
    from experiments.terminal import clean

    line = clean(" ".join(message.split()))
    if len(line) > LONGEST_ERROR:
        line = line[:LONGEST_ERROR] + "..."
    click.echo(f"tenderlab: {line}", err=True)
    return code


def free_file(path: Path, *endings: str) -> str:
    """Return which of ``endings`` the name of ``path`` has, whatever its case.

    Raises:
        InputError: it has none, or it is the name of a file that belongs to a sweep or comparison.
    """
    ending = path.suffix.lower()
    if ending not in endings:
        raise InputError(f"--out {path}: the name must end in {' or '.join(endings)}")
    whole = path.resolve()
    for folder in whole.parents:
        for manifest, own in OWN.items():
            if (folder / manifest).is_file() and whole.relative_to(folder).parts[0].lower() in own:
                raise InputError(f"--out {path}: belongs to {folder.name}; choose another name")
    return ending


def check_page(path: Path | None) -> None:
    """Check that a page can be written at ``path``, before anything is run.

    Raises:
        InputError: it is a directory, or its folder is not there.
    """
    if path and path.is_dir():
        raise InputError(f"--out {path}: must be a file, not a directory")
    if path and not path.parent.is_dir():
        raise InputError(f"--out {path}: there is no folder {path.parent}")


def executor_of(workers: int | None) -> Any:
    """Return what makes the runs: this process, or a pool of ``workers``; None is one a processor.

    A pool's workers load the model meanwhile, so a command asks for it first.
    """
    from experiments.executors import InProcess, LocalPool, default_workers

    count = workers or default_workers()
    return InProcess() if count == 1 else LocalPool(count)
